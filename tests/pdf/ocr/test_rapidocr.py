"""What is made of what rapidocr reads, and the engine itself where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.pdf.ocr import rapidocr as module
from docmatix.pdf.ocr.rapidocr import RapidOcr, _fit, _Line, _part, _read_lines
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.sandbox import Sandbox
from tests.pdf.ocr.installed import needs
from tests.pdf.ocr.pictures import PROSE, draw_prose

installed = needs(RapidOcr())


def make_line(text: str, *, columns: Sequence[int], confidences: Sequence[float], tall: bool = False) -> _Line:
    box = (0.0, 100.0, 20.0, 200.0) if tall else (100.0, 0.0, 200.0, 20.0)
    return _Line(box, text, columns, confidences, 20)


def test_a_line_is_parted_at_its_spaces_and_a_word_is_as_sure_as_its_most_doubtful_letter():
    line = make_line("ab 1", columns=[1, 3, -1, 17], confidences=[0.9, 0.6, 0.1, 0.8])
    assert list(_part(line)) == [("ab", (102.5, 0.0, 122.5, 20.0), 0.6), ("1", (182.5, 0.0, 192.5, 20.0), 0.8)]


def test_words_of_a_line_down_the_page_stand_below_one_another():
    (above, below) = _part(make_line("a b", columns=[2, -1, 12], confidences=[1, 1, 1], tall=True))
    assert above[1][3] < below[1][1]
    assert above[1][0] == below[1][0] == 0.0


def test_a_line_of_spaces_has_no_words():
    assert list(_part(make_line("  ", columns=[-1, -1], confidences=[0.5, 0.5]))) == []


def draw_ink(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    dark = np.zeros((60, 200), bool)
    for x0, y0, x1, y1 in boxes:
        dark[y0:y1, x0:x1] = True
    return dark


def test_words_are_placed_around_their_ink_and_leave_none_between_them():
    # two words of two letters each, the second of which begins where the engine thinks the first is still going on
    dark = draw_ink((20, 12, 38, 30), (42, 12, 60, 30), (80, 16, 98, 36), (102, 16, 120, 30))
    said = [(15.0, 8.0, 84.0, 40.0), (84.0, 8.0, 115.0, 40.0)]
    assert _fit(dark, (18.0, 8.0, 116.0, 40.0), said) == [(20, 12, 60, 30), (80, 16, 120, 36)]


def test_where_there_is_no_white_or_no_ink_words_stay_about_where_they_were():
    said = [(10.0, 10.0, 50.0, 30.0), (50.0, 10.0, 90.0, 30.0)]
    assert _fit(draw_ink((10, 10, 90, 30)), (10.0, 10.0, 90.0, 30.0), said) == [(10, 10, 50, 30), (50, 10, 90, 30)]
    assert _fit(draw_ink(), (10.0, 10.0, 90.0, 30.0), said) == said


def test_words_of_a_line_down_the_page_stay_where_they_are():
    said = [(10.0, 0.0, 20.0, 25.0), (10.0, 30.0, 20.0, 58.0)]
    assert _fit(draw_ink((12, 2, 18, 56)), (10.0, 0.0, 20.0, 58.0), said) == said


@pytest.fixture
def fake_package(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """The one name of the package that reading imports."""

    class Nothing(Exception):
        """There is no text."""

    main = ModuleType("rapidocr.main")
    main.RapidOCRError = Nothing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rapidocr", ModuleType("rapidocr"))
    monkeypatch.setitem(sys.modules, "rapidocr.main", main)
    monkeypatch.setattr(module, "_find_models", lambda: ())
    return Nothing


class FakeEngine:
    """Finds boxes, and keeps the crops that it is given to read."""

    def __init__(self, boxes: Sequence[tuple[int, int, int, int]]) -> None:
        self.boxes = boxes
        self.given: list[tuple[int, int]] = []

    def detect_and_crop(self, pixels, record):
        corners = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in self.boxes]
        crops = []
        for x0, y0, x1, y1 in self.boxes:
            crop = pixels[y0:y1, x0:x1]
            crops.append(np.rot90(crop) if y1 - y0 >= 1.5 * (x1 - x0) else crop)
        return crops, SimpleNamespace(boxes=np.array(corners, np.float32))

    def recognize_txt(self, crops):
        self.given = [crop.shape[:2] for crop in crops]
        told = SimpleNamespace(word_cols=[[1]], confs=[0.9], line_txt_len=2.0)
        return SimpleNamespace(txts=["1"] * len(crops), word_results=[told] * len(crops))


def test_a_lone_digit_is_read_upright_and_a_line_down_the_page_turned(fake_package):
    engine = FakeEngine([(10, 10, 20, 30), (50, 10, 60, 90), (10, 120, 90, 140)])
    lines = _read_lines(engine, np.zeros((200, 100, 3), np.uint8))
    assert engine.given == [(21, 11), (10, 80), (20, 80)]
    assert [line.box for line in lines] == [(10, 10, 20, 30), (50, 10, 60, 90), (10, 120, 90, 140)]


def test_where_it_finds_no_text_there_are_no_words(fake_package, monkeypatch):
    def find_nothing(pixels, record):
        raise fake_package

    monkeypatch.setattr(module, "_load", lambda _: SimpleNamespace(detect_and_crop=find_nothing))
    assert RapidOcr().read(draw_prose(50, lines=0), dpi=50) == []


@pytest.mark.parametrize(
    ("said", "error"),
    [("std::bad_alloc", MemoryError), ("Failed to allocate memory for 1 MB", MemoryError), ("broken", RuntimeError)],
)
def test_an_engine_that_runs_out_of_memory_is_no_fault_of_ours(fake_package, monkeypatch, said, error):
    def fail(pixels, record):
        raise RuntimeError(said)

    monkeypatch.setattr(module, "_load", lambda _: SimpleNamespace(detect_and_crop=fail))
    with pytest.raises(error):
        RapidOcr().read(draw_prose(50, lines=0), dpi=50)


def test_languages_go_by_the_names_of_tesseract_and_its_own_and_change_no_output(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.10.0")
    monkeypatch.setattr(module, "_find_models", lambda: (Path(__file__),))
    RapidOcr(languages=("eng", "deu", "chi_sim")).check()
    RapidOcr(languages=("de", "ch", "japan")).check()
    with pytest.raises(SetupError, match="no model for `rus`, `heb`: it reads afr, "):
        RapidOcr(languages=("eng", "rus", "heb")).check()
    assert RapidOcr(languages=("deu",)).to_fingerprint() == RapidOcr().to_fingerprint()


def test_a_package_without_its_models_is_named(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.10.0")
    monkeypatch.setattr(module, "_find_models", lambda: (Path("PP-OCRv6_det_small.onnx"),))
    with pytest.raises(SetupError, match=r"without its model PP-OCRv6_det_small\.onnx"):
        RapidOcr().check()


# --- the real one, where it is installed ------------------------------------------------------------------------------


def read_prose(engine: RapidOcr, dpi: int = 200, lines: int = 3) -> str:
    """What it reads of a page of prose, in the child."""
    return " ".join(word.text for word in read_picture(lambda _: draw_prose(dpi, lines=lines), engine).words)


def count_words(engine: RapidOcr, dpi: int) -> int:
    return len(engine.read(draw_prose(dpi), dpi=dpi))


@installed
def test_it_reads_a_page_and_is_sure_of_it():
    reading = read_picture(lambda dpi: draw_prose(dpi, lines=3), RapidOcr())
    assert " ".join(word.text for word in reading.words).startswith(PROSE[:180])
    assert [word.line for word in reading.words] == sorted(word.line for word in reading.words)
    assert reading.confidence is not None
    assert reading.confidence > 0.9
    first = reading.words[0]
    assert first.box.x0 == pytest.approx(72 / 612, abs=0.01)
    assert first.box.x1 == pytest.approx(92 / 612, abs=0.01)


@installed
def test_its_languages_are_those_of_the_package():
    from rapidocr import RapidOCR

    known = set(RapidOCR.list_supported_langs("rec", "PP-OCRv6"))
    assert set(module.LANGUAGES.values()) <= known


@installed
def test_it_says_what_it_reads_with():
    assert RapidOcr().identify().startswith(f"rapidocr {metadata.version('rapidocr')}, onnxruntime ")
    assert "PP-OCRv6_rec_small:" in RapidOcr().identify()


@installed
def test_in_the_sandbox_it_reads_the_same_and_runs_out_of_memory_there_alone():
    engine = RapidOcr()
    packages = ("docmatix", "tests")
    with Sandbox(memory_mb=engine.memory_mb, packages=packages, readable=engine.list_files()) as sandbox:
        assert sandbox.run(read_prose, engine, timeout_s=120) == read_prose(engine)
    with Sandbox(memory_mb=512, packages=packages) as sandbox:
        outcome = sandbox.run(count_words, engine, 400, timeout_s=120)
    assert isinstance(outcome, Refusal)
    assert outcome.reason == "out_of_memory"
