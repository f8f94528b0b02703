"""Whole builds for tests: a folder of PDFs, a configuration, and `docmatix build` as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml

from tests.pdfs import write_distinct_pdf, write_encrypted_pdf, write_pdf, write_table_pdf
from tests.ray_token import set_ray_token


def write_pdfs(folder: Path) -> Path:
    """Nine readable documents, one that needs a password, one that is not a PDF, one that occurs twice."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(8):
        (folder / f"doc{number}.pdf").write_bytes(write_distinct_pdf(number))
    table = [["Part", "Quantity", "Price"], ["Valve", "12", "$ 41.50"], ["Gasket", "7", "$ 3.20"]]
    (folder / "table.pdf").write_bytes(write_table_pdf(table))
    (folder / "locked.pdf").write_bytes(write_encrypted_pdf("A secret of 12 words."))
    (folder / "page.pdf").write_bytes(b"<html><body>not a PDF</body></html>")
    (folder / "twice.pdf").write_bytes(write_distinct_pdf(3))
    (folder / "short.pdf").write_bytes(write_pdf(""))
    return folder


def write_config(folder: Path, pdf_dir: Path, base_url: str, **changes: Any) -> Path:
    content: dict[str, Any] = {
        "name": "trial",
        "source": {"kind": "files", "paths": [str(pdf_dir / "*.pdf")]},
        "plan": {"documents_per_shard": 4},
        "generate": {
            "engine": {"kind": "openai", "model": "scripted", "base_url": base_url, "give_up_after_s": 3},
            "prompts": ["broad_whole"],
        },
        "curate": {"filters": [{"kind": "length"}, {"kind": "grounded"}]},
        "pack": {"dpi": 50, "file_mb": 1},
        "resources": {"workers": 1},
    }
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def hash_dataset(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes() for path in sorted((run / "dataset").rglob("*")) if path.is_file()
    }


def list_files(run: Path) -> list[str]:
    return sorted(
        str(path.relative_to(run))
        for path in run.rglob("*")
        if path.is_file() and path.relative_to(run).parts[0] != "telemetry"
    )


@contextlib.contextmanager
def running_ray() -> Iterator[None]:
    """One Ray for the builds of this process, as a notebook would have it: starting it takes five seconds each time."""
    set_ray_token()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ray.init(address="local", include_dashboard=False, log_to_driver=False, num_cpus=2)
    yield
    assert ray.is_initialized(), "a build must leave a Ray that it did not start running"
    ray.shutdown()


class Driver:
    """`docmatix build` in a process group of its own."""

    def __init__(self, config: Path, run: Path | str, *options: str) -> None:
        command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(run), *options]
        self.process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_when(self, happened: Callable[[], bool], *, within_s: float = 120) -> bool:
        """Kill the whole group by SIGKILL once `happened()` is true; False if the build ended before."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.process.communicate()
                return False
            if happened():
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.communicate()
                return True
            time.sleep(0.002)
        raise AssertionError("the build did nothing")

    def finish(self, *, within_s: float = 600) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=within_s)
        return self.process.returncode, output


def find_processes(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100])
        except OSError:
            continue
    return found


def find_workers(driver: Driver, stage: str | None = None) -> list[psutil.Process]:
    """The processes of a build without a cluster that have a shard in hand, of this stage if one is given."""
    found = []
    for process in psutil.Process(driver.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if is_at_work(process.name(), stage) or is_at_work(" ".join(process.cmdline()), stage):
                found.append(process)
    return found


def is_at_work(title: str, stage: str | None = None) -> bool:
    """Whether a process called so has a shard in hand: it is named by what it does, on Ray with a prefix."""
    return bool(re.match(rf"(ray::)?{stage or '(extract|generate|verify|curate|pack)'} \d", title))
