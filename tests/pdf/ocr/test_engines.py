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
from tests.pdf.ocr.pictures import PROSE, draw_prose

choice: TypeAdapter[OcrEngine] = TypeAdapter(AnyOcrEngine)


def has(engine: OcrEngine) -> bool:
    try:
        engine.check()
    except SetupError:
        return False
    return True


with_tesseract = pytest.mark.skipif(not has(Tesseract()), reason="is not installed")


def test_the_configuration_chooses_a_kind_by_name() -> None:
    assert choice.validate_python({"kind": "tesseract", "languages": ["deu", "eng"]}) == Tesseract(
        languages=("deu", "eng")
    )
    assert [kind.get_name() for kind in OCR_ENGINES] == ["auto", "tesseract", "rapidocr", "none"]


@pytest.mark.parametrize("wrong", [{"kind": "finereader"}, {"kind": "tesseract", "languages": []}, {}])
def test_what_is_no_engine_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        choice.validate_python(wrong)


def test_where_the_models_lie_changes_no_output() -> None:
    assert Tesseract(tessdata="/somewhere").to_fingerprint() == Tesseract().to_fingerprint()


def test_without_ocr_its_settings_change_no_output() -> None:
    assert NoOcr(languages=("deu",), min_confidence=0.9).to_fingerprint() == {"kind": "none"}


def test_a_page_that_meets_its_limits_stays_a_picture_so_that_they_change_the_output() -> None:
    assert Tesseract(timeout_s=20).to_fingerprint() != Tesseract().to_fingerprint()
    assert Tesseract(memory_mb=600).to_fingerprint() != Tesseract().to_fingerprint()


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


def test_auto_is_tesseract_with_its_own_settings_where_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deu.traineddata").write_bytes(b"model")
    auto = AutoOcr(languages=("deu",), min_confidence=0.5, tessdata=str(tmp_path))
    monkeypatch.setitem(sys.modules, "tesserocr", sys)
    assert auto.choose() == Tesseract(languages=("deu",), min_confidence=0.5, tessdata=str(tmp_path))
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    assert auto.choose() == NoOcr(languages=("deu",), min_confidence=0.5)


def test_an_engine_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"model")
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(SetupError, match="pip install tesserocr"):
        Tesseract(tessdata=str(tmp_path)).check()


@with_tesseract
def test_a_page_of_prose_is_read_word_for_word() -> None:
    reading = read_picture(lambda dpi: draw_prose(dpi, lines=4), Tesseract())
    assert " ".join(word.text for word in reading.words).startswith(PROSE)
    assert [word.line for word in reading.words] == sorted(word.line for word in reading.words)
    assert len({word.line for word in reading.words}) == 4
    first, last = reading.words[0], reading.words[-1]
    assert first.box.x0 == pytest.approx(72 / 612, abs=0.01)
    assert first.box.y0 < last.box.y0
    assert reading.confidence is not None
    assert reading.confidence > 0.85
