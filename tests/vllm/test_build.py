"""A whole build with the real vLLM: it starts a replica, loses it in the middle, recovers and finishes."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from docmatix.cli import main
from docmatix.config.loading import dump_config, parse_config
from docmatix.review.collection import Collection
from docmatix.review.status import describe_status, read_status
from docmatix.storage.run import Run
from tests.builds import Driver
from tests.vllm_environment import real_engine

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def write_build(folder: Path, **changes: Any) -> Path:
    """A configuration over three of the project's sample PDFs, with sentences to ask a model about."""
    pdfs = folder / "pdfs"
    pdfs.mkdir()
    for name in ("letter", "meeting_minutes", "report"):
        shutil.copy(SAMPLES / f"{name}.pdf", pdfs)
    content = {
        "name": "real",
        "source": {"kind": "files", "paths": [str(pdfs)]},
        "plan": {"documents_per_shard": 1},
        "generate": {
            "engine": real_engine(max_in_flight=4, name=folder.name).model_dump(mode="json"),
            "prompts": ["extractive"],
            "max_candidates": 6,
        },
        "verify": {"kind": "round_trip"},
        "pack": {"dpi": 50},
        **changes,
    }
    path = folder / "real.yaml"
    path.write_text(dump_config(parse_config(content)))
    return path


def wait_until(happened: Callable[[], Any], *, within_s: float = 600) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def find_server(name: str) -> psutil.Process | None:
    """The API server, not its supervisor, that serves a model under this name."""
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "vllm.entrypoints.openai.api_server" in command[:4] and name in command:
            return process
    return None


def test_a_build_loses_its_replica_recovers_and_finishes(tmp_path):
    run = tmp_path / "run"
    driver = Driver(write_build(tmp_path), run)
    # its first replies are stored: it is in the middle of its work
    wait_until(lambda: list(run.glob("generate/replies/*/*.parquet")) or driver.process.poll() is not None)
    server = find_server(tmp_path.name)
    assert server is not None, driver.finish()[1]
    family = [server, *server.children(recursive=True)]
    os.kill(server.pid, signal.SIGKILL)
    code, output = driver.finish(within_s=900)
    assert code == 0, output

    status = read_status(Run(run))
    assert status["complete"]
    assert status["balanced"]
    (record,) = status["serving"]
    assert record["restarts"] == {"died (signal 9)": 1}
    assert record["completion_tokens"] > 0
    assert record["cache_hit_share"] > 0  # the fixed part of the prompt comes first
    assert "restarts: died (signal 9) 1" in describe_status(Run(run))
    assert main(["check", str(run)]) == 0

    generated = {line["unit"]: line for line in status["stages"][3]["ledger"]}
    assert generated["requests"]["in"] == generated["requests"]["out"] > 10
    rows = Collection(str(run)).sample(10, seed=0)
    pairs = [pair for row in rows for pair in row["texts"]]
    assert len(pairs) >= 5
    for pair in pairs:
        assert pair["user"].endswith("?")
        assert pair["assistant"]

    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert find_server(tmp_path.name) is None
