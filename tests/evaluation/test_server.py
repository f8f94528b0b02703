"""Servers that an evaluation starts itself: with a stand-in for vLLM, on a real Ray of its own."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.core.errors import BuildError
from docmatix.evaluation.evaluating import Evaluated, evaluate_model
from docmatix.evaluation.settings import load_evaluation
from docmatix.models.vllm.engine import VllmEngine
from tests.fake_vllm import fake_engine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="vLLM and its supervisor run on Linux alone"),
]


def evaluate(run: Path, out: Path, engine: VllmEngine) -> Evaluated:
    settings, folder = load_evaluation(engine=engine)
    return evaluate_model(str(run), settings, config_dir=folder, out=out, limit=6)


def find_processes(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("FAKE_VLLM_FOLDER") == str(folder):
                found.append(process.pid)
    return found


def test_a_vllm_engine_is_started_on_a_ray_of_its_own_and_ended(sample_run: Path, tmp_path: Path):
    import ray

    (tmp_path / "fake").mkdir()  # the model: a folder, so that nothing is looked up on the Hub
    log = tmp_path / "log"
    engine = fake_engine(tmp_path / "vllm", log=log, delay_s=0.01, model=str(tmp_path / "fake"))
    found = evaluate(sample_run, tmp_path / "out", engine)
    assert found.summary["overall"]["answered"] == 6
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(asked) == 12
    assert not ray.is_initialized()
    assert not find_processes(tmp_path / "vllm")


def test_one_that_does_not_start_ends_it_with_a_sentence(sample_run: Path, tmp_path: Path):
    (tmp_path / "fake").mkdir()
    engine = fake_engine(tmp_path / "vllm", failing_starts=99, model=str(tmp_path / "fake"))
    with pytest.raises(BuildError, match="No available memory") as caught:
        evaluate(sample_run, tmp_path / "out", engine)
    assert "resume the build" not in str(caught.value)
    assert not find_processes(tmp_path / "vllm")
