"""A build inside a downloaded folder whose `json.py` and the like would run in the model servers that it starts."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import venv
from pathlib import Path

import pytest

from docmatix.core.errors import DocmatixError
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.installation import check_environment
from docmatix.models.vllm.replica import VllmServer
from docmatix.storage.run import Run

MODULES = (
    *("argparse", "click", "ctypes", "importlib", "json", "numpy", "pandas", "pyarrow", "pydantic", "ray", "re"),
    *("select", "signal", "site", "sitecustomize", "threading", "usercustomize", "vllm", "xllamacpp"),
)
TRAP = """
import os
open(__file__.removesuffix(".py") + ".ran", "w").close()
"""
SERVER = """
import os, re, subprocess, sys
subprocess.run([sys.executable, "-c", "import json, multiprocessing.spawn"], check=True)  # as its engine is started
import json
with open(os.environ["TOLD"], "w") as told:
    json.dump({"path": sys.path, "folder": os.getcwd(), "arguments": sys.argv[1:]}, told)
sys.exit("that is all")
"""
"""Stands in for vLLM: started by a real interpreter, as the module that it is."""
MODULE_PATHS = {"unset": None, "empty": "", "empty entry": ":", "dot": ".", "relative": "./", "spelt out": "{here}"}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="vLLM is served on Linux alone")


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


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in which the stand-in is installed as vLLM; its interpreter."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    module = packages / "vllm" / "entrypoints" / "openai" / "api_server.py"
    module.parent.mkdir(parents=True)
    module.write_text(SERVER)
    info = packages / "vllm-0.32.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0\n")
    return folder / "bin" / "python"


def start_once(engine: VllmEngine) -> str:
    """Start it and wait until it has ended; why it has."""
    server = VllmServer(engine, grace_s=1)
    try:
        deadline = time.monotonic() + 60
        while (state := server.describe()).state != "failed":
            assert time.monotonic() < deadline, state
            time.sleep(0.05)
        return state.detail
    finally:
        server.close()


def make_engine(python: Path | None, **settings: object) -> VllmEngine:
    values = {"python": None if python is None else str(python), "max_failed_starts": 1, **settings}
    return VllmEngine.model_validate({"kind": "vllm", "model": "org/model", "gpus_per_replica": 0, **values})


def test_the_embedded_model_imports_nothing_from_the_current_folder(hostile: HostileFolder):
    pytest.importorskip("xllamacpp")
    engine = LlamacppEngine(kind="llamacpp", context_tokens=256, slots=1, threads=1)
    started = False
    with (
        contextlib.suppress(DocmatixError),
        engine.serve(pictures_per_request=0, say=lambda line: None, run=Run(hostile.path / "run")),
    ):
        started = True
    assert hostile.list_imported() == []
    assert started


@on_linux
def test_the_search_for_vllm_imports_nothing_from_the_current_folder(hostile: HostileFolder, environment: Path):
    for engine in (make_engine(environment), make_engine(None)):
        with contextlib.suppress(DocmatixError):
            check_environment(engine)
        assert hostile.list_imported() == []
    assert check_environment(make_engine(environment)) == "vllm 0.32.0"


@on_linux
@pytest.mark.parametrize("old", [False, True], ids=["", "before 3.11"])
def test_vllm_and_its_supervisor_import_nothing_from_the_current_folder(
    hostile: HostileFolder, environment: Path, tmp_path: Path, old: bool
):
    told = tmp_path / "told.json"
    python = environment
    if old:  # such a Python does not know the variable
        python = tmp_path / "python3.10"
        python.write_text(f"#!/bin/sh\nunset PYTHONSAFEPATH\nexec '{environment}' \"$@\"\n")
        python.chmod(0o755)
    detail = start_once(make_engine(python, env={"TOLD": str(told)}))
    assert hostile.list_imported() == []
    assert "that is all" in detail
    said = json.loads(told.read_text())
    assert not {".", str(hostile.path)} & {*said["path"], said["folder"]}
    assert old or "" not in said["path"]


@on_linux
def test_a_program_in_the_current_folder_is_not_taken_for_the_interpreter(
    hostile: HostileFolder, monkeypatch: pytest.MonkeyPatch
):
    program = hostile.path / "python9.99"
    program.write_text(f"#!/bin/sh\ntouch '{hostile.path}/got-in.ran'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", os.environ["PATH"]]))
    with contextlib.suppress(DocmatixError):
        check_environment(make_engine(Path("python9.99")))
    assert hostile.list_imported() == []
