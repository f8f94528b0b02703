"""What an engine says of the libraries and models that its words depend on."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from docmatix.core.errors import SetupError
from docmatix.pdf.ocr.auto import AutoOcr
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.rapidocr import RapidOcr
from docmatix.pdf.ocr.tessdata import digest_models, list_models
from docmatix.pdf.ocr.tesseract import Tesseract


class Foreign(OcrEngine):
    """One that says nothing of itself."""

    kind: str = "foreign"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "eng.traineddata").write_bytes(b"model")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    return tmp_path


def test_another_model_makes_another_digest(models: Path) -> None:
    before = digest_models(["eng"], None)
    assert before == "eng:9372c470"
    (models / "eng.traineddata").write_bytes(b"better")
    assert digest_models(["eng"], None) != before


def test_models_are_listed_in_the_order_of_the_languages_and_once(models: Path) -> None:
    (models / "deu.traineddata").write_bytes(b"Modell")
    assert list(list_models(["deu", "eng", "deu", "fra"], None)) == ["deu", "eng"]
    assert digest_models(["deu", "eng"], None) != digest_models(["eng", "deu"], None)


def test_the_model_for_orientation_counts_where_there_is_one(models: Path) -> None:
    pytest.importorskip("tesserocr", reason="tesserocr is not installed")
    without = Tesseract().identify()
    assert without.startswith("tesseract ")
    assert without.endswith("eng:9372c470")
    (models / "osd.traineddata").write_bytes(b"which way up")
    assert Tesseract().identify().startswith(f"{without}, osd:")


def test_auto_is_what_it_chooses(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert AutoOcr().identify() == AutoOcr().choose().identify()
    assert AutoOcr().list_files() == AutoOcr().choose().list_files()
    (models / "eng.traineddata").unlink()
    assert AutoOcr().identify() == "none"
    assert AutoOcr().list_files() == ()


def test_an_engine_that_says_nothing_is_its_kind_and_needs_no_files() -> None:
    assert (NoOcr(kind="none").identify(), Foreign().identify()) == ("none", "foreign")
    assert Foreign().list_files() == ()


def test_what_is_not_installed_cannot_be_identified(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(SetupError, match="pip install tesserocr"):
        Tesseract().identify()
    monkeypatch.setattr("importlib.metadata.version", fail_to_find)
    with pytest.raises(SetupError, match="pip install rapidocr onnxruntime"):
        RapidOcr().identify()


def fail_to_find(name: str) -> str:
    raise PackageNotFoundError(name)


def test_a_relative_folder_of_models_is_relative_to_what_it_is_told() -> None:
    assert Tesseract(tessdata="models").resolve_paths("/builds/{}".format).tessdata == "/builds/models"
    assert Tesseract().resolve_paths("/builds/{}".format) == Tesseract()
    assert Foreign().resolve_paths("/builds/{}".format) == Foreign()
