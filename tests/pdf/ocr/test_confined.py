"""Engines in the sandbox's child: they read with models that lie anywhere, and nothing else that lies there."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.ocr.tessdata import find_tessdata
from docmatix.pdf.ocr.tesseract import Tesseract
from docmatix.pdf.sandbox import Sandbox
from tests.pdf.ocr.pictures import PROSE, draw_prose

PACKAGES = ("docmatix", "tests")
MEMORY_MB = 1024


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with models, which lies where no code does, and something else."""
    found = find_tessdata(None)
    try:
        Tesseract().check()
    except SetupError as error:
        pytest.skip(str(error))
    assert found
    for name in ("eng", "osd"):
        shutil.copy(found / f"{name}.traineddata", tmp_path)
    (tmp_path / "key").write_text("secret")
    return tmp_path


@pytest.fixture
def sandbox(models: Path) -> Iterator[Sandbox]:
    engine = Tesseract(tessdata=str(models))
    with Sandbox(memory_mb=MEMORY_MB, packages=PACKAGES, readable=engine.list_files()) as box:
        yield box


def read_prose(engine: OcrEngine) -> str:
    """What an engine reads of a page of prose, in the child."""
    return " ".join(word.text for word in read_picture(lambda dpi: draw_prose(dpi, lines=4), engine).words)


def read_file(path: str) -> str | int | None:
    try:
        return Path(path).read_text()
    except OSError as error:
        return error.errno


def test_tesseract_reads_with_models_of_a_folder_that_holds_no_code(sandbox: Sandbox, models: Path) -> None:
    read = sandbox.run(read_prose, Tesseract(tessdata=str(models)), timeout_s=60)
    assert not isinstance(read, Refusal), read
    assert read.startswith(PROSE)


def test_what_lies_beside_the_models_cannot_be_read(sandbox: Sandbox, models: Path) -> None:
    read = sandbox.run(read_file, str(models / "key"), timeout_s=60)
    if not sandbox.confinement.landlock:
        pytest.skip("this kernel has no Landlock")
    assert read == errno.EACCES
    assert sandbox.run(read_file, str(models / "eng.traineddata"), timeout_s=60) != errno.EACCES


def test_models_of_the_environments_folder_are_found_in_the_child_too(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(models))
    engine = Tesseract()
    assert set(engine.list_files()) == {models / "eng.traineddata", models / "osd.traineddata"}
    with Sandbox(memory_mb=MEMORY_MB, packages=PACKAGES, readable=engine.list_files()) as box:
        assert box.run(engine.identify, timeout_s=60) == engine.identify()
        assert box.run(read_prose, engine, timeout_s=60)


def test_a_model_that_is_a_link_is_read_where_it_lies(models: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    links = tmp_path_factory.mktemp("links")
    (links / "eng.traineddata").symlink_to(models / "eng.traineddata")
    engine = Tesseract(tessdata=str(links))
    with Sandbox(memory_mb=MEMORY_MB, packages=PACKAGES, readable=engine.list_files()) as box:
        read = box.run(read_prose, engine, timeout_s=60)
    assert not isinstance(read, Refusal), read
    assert read.startswith(PROSE)
