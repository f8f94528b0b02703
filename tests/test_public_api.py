"""What `import docmatix` gives: a short public list, typed, and light to import."""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import docmatix
from docmatix.config import Config
from docmatix.core.errors import SetupError
from docmatix.driver.build import Built
from tests.jobs import OPENAI, make_config

REPOSITORY = Path(docmatix.__file__).parents[1]


def run_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def capture_build(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What reaches the driver, from now on."""
    reached: dict[str, Any] = {}

    def build(config: Config, **options: Any) -> Built:
        reached.update(options, config=config)
        return Built("run", {})

    monkeypatch.setattr("docmatix.driver.build.build", build)
    return reached


def test_importing_docmatix_imports_nothing_heavy() -> None:
    heavy = "{'ray', 'pydantic', 'pyarrow', 'numpy', 'yaml', 'importlib.metadata', 'docmatix.config'}"
    assert run_python(f"import sys, docmatix; print({heavy} & set(sys.modules))") == "set()"


def test_every_public_name_is_there() -> None:
    assert run_python("from docmatix import *; print(Config.__module__, build.__name__)") == "docmatix.config build"
    assert [name for name in docmatix.__all__ if not hasattr(docmatix, name)] == []


def test_a_name_that_is_not_there_raises_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'bild'"):
        getattr(docmatix, "bild")  # noqa: B009


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    from docmatix.cli import main

    assert docmatix.__version__ == importlib.metadata.version("docmatix")
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"docmatix {docmatix.__version__}\n"


def test_the_wheel_says_that_it_is_typed(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "docmatix/py.typed" in archive.namelist()


@pytest.mark.parametrize("function", [docmatix.build, docmatix.open])
def test_public_functions_name_each_of_their_arguments(function: Any) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def test_a_mapping_is_a_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reached = capture_build(monkeypatch)
    generate = {"engine": OPENAI, "prompts": ["broad_whole"], "pairs_per_page": 0}
    source = {"kind": "files", "paths": ["docs"]}
    content = {"name": "test", "source": source, "extract": {"ocr": {"kind": "none"}}, "generate": generate}
    content |= {"plan": {"documents_per_shard": 64}}
    docmatix.build(content, run=tmp_path / "run", limit=2, config_dir=str(tmp_path))
    assert reached["config"] == make_config()
    assert (reached["run"], reached["limit"], reached["config_dir"]) == (tmp_path / "run", 2, tmp_path)


def test_a_mistake_in_a_mapping_is_one_sentence_that_names_the_key() -> None:
    with pytest.raises(SetupError, match=r"^the configuration: `sorce` is not a key docmatix knows"):
        docmatix.build({"name": "test", "sorce": {}})


def test_a_file_is_read_beside_its_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from docmatix.config.loading import dump_config

    (tmp_path / "test.yaml").write_text(dump_config(make_config()))
    reached = capture_build(monkeypatch)
    docmatix.build(tmp_path / "test.yaml")
    assert isinstance(reached["config"], Config)
    assert reached["config"].source.paths == (str(tmp_path / "docs"),)
    assert reached["config_dir"] == tmp_path
