"""The kinds of OCR engines, what they need, and what they read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from docmatix.core.errors import SetupError
from docmatix.pdf.ocr import OCR_ENGINES, AnyOcrEngine
from docmatix.pdf.ocr.auto import AutoOcr
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.ocr.tessdata import find_tessdata, list_missing
from docmatix.pdf.ocr.tesseract import Tesseract
from docmatix.pdf.ocr.tesserocr import Tesserocr
from tests.pdf.ocr.pictures import PROSE, draw_prose

choice: TypeAdapter[OcrEngine] = TypeAdapter(AnyOcrEngine)


def has(engine: OcrEngine) -> bool:
    try:
        engine.check()
    except SetupError:
        return False
    return True


INSTALLED = [
    pytest.param(engine, id=engine.kind, marks=pytest.mark.skipif(not has(engine), reason="is not installed"))
    for engine in (Tesseract(), Tesserocr())
]


def test_the_configuration_chooses_a_kind_by_name() -> None:
    assert choice.validate_python({"kind": "tesseract", "languages": ["deu", "eng"]}) == Tesseract(
        languages=("deu", "eng")
    )
    assert [kind.get_name() for kind in OCR_ENGINES] == ["auto", "tesseract", "tesserocr", "none"]


@pytest.mark.parametrize("wrong", [{"kind": "finereader"}, {"kind": "tesseract", "languages": []}, {}])
def test_what_is_no_engine_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        choice.validate_python(wrong)


def test_where_the_models_lie_changes_no_output() -> None:
    assert Tesseract(tessdata="/somewhere").to_fingerprint() == Tesseract().to_fingerprint()


def test_without_ocr_languages_change_no_output() -> None:
    assert NoOcr(kind="none", languages=("deu",)).to_fingerprint() == {"kind": "none"}


def test_a_language_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"model")
    engine = Tesseract(languages=("eng", "deu"), tessdata=str(tmp_path))
    with pytest.raises(SetupError, match=r"no model for `deu` in .*: install `tessdata-fast-LANGUAGE`"):
        engine.check()
    assert list_missing(["eng", "deu"], tmp_path) == ["deu"]


def test_a_language_cannot_point_outside_the_folder_of_models(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"model")
    (tmp_path / "models").mkdir()
    assert list_missing(["../eng"], tmp_path / "models") == ["../eng"]


def test_a_given_folder_comes_before_the_environment_and_that_before_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path / "environment"))
    assert find_tessdata("/given") == Path("/given")
    assert find_tessdata(None) == tmp_path / "environment"
    monkeypatch.delenv("TESSDATA_PREFIX")
    monkeypatch.setitem(sys.modules, "tessdata", None)
    assert find_tessdata(None) is None


def test_auto_reads_nothing_where_no_model_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert isinstance(AutoOcr().choose(), NoOcr)
    assert not AutoOcr().reads


def test_auto_takes_what_tells_its_confidence_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deu.traineddata").write_bytes(b"model")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    assert AutoOcr(languages=("deu",)).choose() == Tesseract(languages=("deu",))
    monkeypatch.setitem(sys.modules, "tesserocr", sys)
    assert AutoOcr(languages=("deu",)).choose() == Tesserocr(languages=("deu",))


def test_an_engine_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"model")
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(SetupError, match="pip install tesserocr"):
        Tesserocr(tessdata=str(tmp_path)).check()


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_page_of_prose_is_read_word_for_word(engine: OcrEngine) -> None:
    reading = read_picture(lambda dpi: draw_prose(dpi, lines=4), engine)
    assert " ".join(word.text for word in reading.words).startswith(PROSE)
    assert [word.line for word in reading.words] == sorted(word.line for word in reading.words)
    assert len({word.line for word in reading.words}) == 4
    first, last = reading.words[0], reading.words[-1]
    assert first.box.x0 == pytest.approx(72 / 612, abs=0.01)
    assert first.box.y0 < last.box.y0


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_white_page_has_no_words(engine: OcrEngine) -> None:
    assert read_picture(lambda dpi: draw_prose(dpi, lines=0), engine).words == ()


@pytest.mark.skipif(not has(Tesserocr()), reason="is not installed")
def test_tesserocr_is_sure_of_clean_print() -> None:
    confidence = read_picture(lambda dpi: draw_prose(dpi, lines=4), Tesserocr()).confidence
    assert confidence is not None
    assert confidence > 0.85
