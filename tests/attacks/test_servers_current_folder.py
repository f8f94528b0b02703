"""A build inside a downloaded folder whose `json.py` and the like would run in the model servers that it starts."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from docmatix.config import LlamacppEngine
from docmatix.errors import DocmatixError
from docmatix.run_directory import RunDirectory
from docmatix.serving.servers import serve

MODULES = (
    *("argparse", "click", "ctypes", "importlib", "json", "numpy", "pandas", "pyarrow", "pydantic", "ray", "re"),
    *("select", "signal", "site", "sitecustomize", "threading", "usercustomize", "vllm", "xllamacpp"),
)
TRAP = """
import os
open(__file__.removesuffix(".py") + ".ran", "w").close()
"""
MODULE_PATHS = {"unset": None, "empty": "", "empty entry": ":", "dot": ".", "relative": "./", "spelt out": "{here}"}


class HostileFolder:
    """The current folder, in which whatever is imported leaves a trace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        for name in MODULES:
            (path / f"{name}.py").write_text(TRAP)

    def list_imported(self) -> list[str]:
        return sorted(path.stem for path in self.path.glob("*.ran"))


@pytest.fixture(params=list(MODULE_PATHS.values()), ids=list(MODULE_PATHS))
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> HostileFolder:
    folder = HostileFolder(tmp_path / "downloaded")
    monkeypatch.chdir(folder.path)
    if request.param is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", request.param.format(here=folder.path))
    return folder


def test_the_embedded_model_imports_nothing_from_the_current_folder(hostile: HostileFolder):
    pytest.importorskip("xllamacpp")
    engine = LlamacppEngine(kind="llamacpp", context_tokens=256, slots=1, threads=1)
    started = False
    with (
        contextlib.suppress(DocmatixError),
        serve(engine, pictures_per_request=0, say=lambda line: None, run=RunDirectory(hostile.path / "run")),
    ):
        started = True
    assert hostile.list_imported() == []
    assert started
