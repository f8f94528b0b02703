"""The CPU stages of a build against a bare loop that reads words, renders and encodes the same pages.

Run: python -m benchmarks.pipeline [FOLDER] [--documents 2000] [--processes 2]

FOLDER holds PDFs; without it, one-page documents are drawn. Both sides have as many processes, render at 150 dpi, and
read what has a text layer: there is no OCR.
The build is the command, with all that it does before and after its stages: a server that answers at once is asked, and
the time of `generate` is taken out. The bare loop writes its JPEGs to nowhere, and checks, keeps and resumes nothing.
The last line is `build/bare RATIO`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import yaml

from benchmarks.fixed_server import start_fixed_server
from tests.pdfs import write_distinct_text

DPI = 150
REPLY_S = 0.01


def draw_documents(folder: Path, count: int) -> None:
    """One-page documents: a heading, labelled values, and two paragraphs of words that no two share."""
    import pymupdf

    for number in range(count):
        draw = random.Random(number)
        with pymupdf.open() as document:
            page = document.new_page(width=595, height=842)
            page.insert_text((72, 80), f"Notice {number} of the harbour office", fontsize=16)
            for line in range(6):
                label = draw.choice(["Date", "Berth", "Ship", "Master", "Draught", "Cargo"]) + f" {line + 1}:"
                page.insert_text((72, 110 + 16 * line), label, fontsize=10)
                page.insert_text(
                    (200, 110 + 16 * line), f"{draw.randrange(10**6)} {draw.choice('ABCDEF')}", fontsize=10
                )
            for paragraph in range(2):
                box = pymupdf.Rect(72, 240 + 260 * paragraph, 523, 480 + 260 * paragraph)
                text = " ".join(write_distinct_text(10 * number + 3 * paragraph + each) for each in range(3))
                page.insert_textbox(box, text, fontsize=10)
            document.save(folder / f"{number:05d}.pdf")


def read_bare(work: tuple[str, Sequence[int]]) -> int:
    """Read the words of these pages of a document, render them, and encode them as JPEG; returns the bytes."""
    import pymupdf
    from PIL import Image

    path, numbers = work
    size = 0
    with pymupdf.open(path) as document:
        for number in numbers:
            page = document[number - 1]
            page.get_text("words")
            pixmap = page.get_pixmap(dpi=DPI)
            buffer = io.BytesIO()
            Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples_mv).save(buffer, "JPEG", quality=85)
            size += buffer.tell()
    return size


def time_bare(pages: dict[str, list[int]], processes: int) -> float:
    """Seconds of the bare loop, from the start of its processes to their end."""
    started = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        for _ in pool.map(read_bare, sorted(pages.items()), chunksize=max(1, min(16, len(pages) // (4 * processes)))):
            pass
    return time.monotonic() - started


class CpuWatch:
    """The CPU time of a process and its descendants, sampled, with those that have ended."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._spent: dict[int, float] = {}
        self.samples: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def share(self, since: float, until: float, cores: int) -> float:
        """The share of the cores that was used between two times."""
        inside = [sample for sample in self.samples if since <= sample[0] <= until]
        if len(inside) < 2:
            return float("nan")
        (first, before), (last, after) = inside[0], inside[-1]
        return (after - before) / (last - first) / cores

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            try:
                family = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                return
            for process in family:
                try:
                    times = process.cpu_times()
                except psutil.Error:
                    continue
                self._spent[process.pid] = times.user + times.system
            self.samples.append((time.time(), sum(self._spent.values())))


def build(folder: Path, source: Path, base_url: str, processes: int) -> tuple[Path, float, float, CpuWatch]:
    """Run the command; returns the run, when it began, its seconds, and its CPU time."""
    config = folder / "pipeline.yaml"
    engine = {"kind": "openai", "model": "fixed", "base_url": f"{base_url}/v1", "max_in_flight": 256}
    config.write_text(
        yaml.safe_dump(
            {
                "name": "pipeline",
                "source": {"kind": "files", "paths": [str(source / "*.pdf")]},
                "extract": {"ocr": {"kind": "none"}},  # of which the bare loop does nothing
                "generate": {"engine": engine, "prompts": ["broad_whole"]},
                "curate": {"filters": []},  # of a fixed reply everything is kept, so that all pages are packed
                "pack": {"dpi": DPI},
                "resources": {"cpus": processes},
            }
        )
    )
    run = folder / "run"
    began, started = time.time(), time.monotonic()
    command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(run)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watch = CpuWatch(process.pid)
    if process.wait():
        raise SystemExit("the build failed")
    seconds = time.monotonic() - started
    watch.close()
    return run, began, seconds, watch


def find_packed_pages(run: Path, source: Path) -> dict[str, list[int]]:
    """The pages of each document that the build has rendered."""
    pages: dict[str, list[int]] = {}
    for path in sorted((run / "dataset" / "data").glob("*.parquet")):
        for row in pq.read_table(path, columns=["source_uri", "page_numbers"]).to_pylist():
            place = str(source / row["source_uri"].rpartition("/")[2])
            pages[place] = sorted({*pages.get(place, []), *row["page_numbers"]})
    return pages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="PDFs; default: one-page documents are drawn")
    parser.add_argument("--documents", type=int, default=2000, help="so many are drawn (default: 2000)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one for each core")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, source = Path(name), options.folder
        if source is None:
            source = folder / "pdfs"
            source.mkdir()
            draw_documents(source, options.documents)
        with start_fixed_server(delay_s=REPLY_S) as base_url:
            run, began, seconds, watch = build(folder, source, base_url, options.processes)
        pages = find_packed_pages(run, source)
        bare = time_bare(pages, options.processes)
        (record,) = (json.loads(path.read_text()) for path in (run / "telemetry").glob("*.json"))
        report(record, pages, began=began, seconds=seconds, watch=watch, bare=bare, processes=options.processes)


def report(
    record: dict[str, Any],
    pages: dict[str, list[int]],
    *,
    began: float,
    seconds: float,
    watch: CpuWatch,
    bare: float,
    processes: int,
) -> None:
    """Print the table, and the ratio as the last line."""
    stages = record["stages"]
    print(f"{len(pages)} documents, {sum(map(len, pages.values()))} pages, {processes} processes\n")
    print("| stage | seconds | share of the cores |\n| --- | ---: | ---: |")
    for name, figures in stages.items():
        since = figures["began_at"]
        share = watch.share(since, since + figures["seconds"], processes)
        print(f"| {name} | {figures['seconds']:.1f} | {share:.2f} |")
    beside = seconds - sum(figures["seconds"] for figures in stages.values())
    print(f"| beside the stages | {beside:.1f} | |\n| the command | {seconds:.1f} | |\n| bare loop | {bare:.1f} | |\n")
    print(f"first document in work after {stages['extract']['first_at'] - began:.1f} s")
    print(f"build/bare {(seconds - stages['generate']['seconds']) / bare:.2f}")


if __name__ == "__main__":
    main()
