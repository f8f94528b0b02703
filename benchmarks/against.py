"""docmatix beside what a user would pick instead, on the same files in one run: the table of `benchmarks/README.md`.

Run: python -m benchmarks.against [--documents 400] [--duplicates 100000] [--python PYTHON] [--only PART ...] [--write]

`make bench` does, with an environment of foreign tools for `--python` (`locks/bench.txt`). The parts:

    rendering   pages as images, one process each: docmatix (MuPDF, JPEG) beside pdf2image (poppler, PNG)
    pipeline    words, images and their files, 150 dpi: the CPU stages of a build, a pool of processes, Ray Data
    dedup       near duplicates among drawn signatures (`benchmarks.dedup`): beside datatrove and rensa's own index
    serving     requests to a fixed server: a build beside a client that only sends, as `vllm bench serve` does

A part whose tools are missing says so in its row. With `--write` the table takes its place in `benchmarks/README.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.fixed_server import start_fixed_server
from benchmarks.pipeline import DPI, REPLY_S, build, draw_documents, find_packed_pages, time_bare
from benchmarks.ray_data import time_ray_data
from docmatix.core.documents import Refusal
from docmatix.pdf.rendering import render_pages
from docmatix.pdf.settings import Rendering

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "benchmarks" / "README.md"
BEGIN, END = "<!-- written by `make bench` -->", "<!-- up to here -->"
IN_FLIGHT = 64


class Row(NamedTuple):
    """One contender: what is done, by whom, in how long, how much of it a second, and what else is to be said."""

    job: str
    contender: str
    seconds: str
    rate: str
    besides: str = ""


def compare_rendering(folder: Path, pages: dict[str, list[int]], python: str) -> Iterator[Row]:
    count = sum(map(len, pages.values()))
    settings = Rendering.model_validate({"dpi": DPI})
    started, size = time.monotonic(), 0
    for path, numbers in sorted(pages.items()):
        rendered = render_pages(Path(path).read_bytes(), numbers, settings=settings)
        assert not isinstance(rendered, Refusal)
        size += sum(len(image.data) for image in rendered)
    job = f"rendering {count} pages, {DPI} dpi"
    yield make_row(
        job, "docmatix, JPEG", time.monotonic() - started, count, "pages", f"{size / count / 1000:.0f} KB a page"
    )
    asked = folder / "pages.json"
    asked.write_text(json.dumps(pages))
    command = [python, str(ROOT / "benchmarks" / "pdf2image_pages.py"), str(asked), str(DPI)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield fail(job, "pdf2image, PNG", done.stderr)
        return
    told = json.loads(done.stdout)
    besides = f"{told['bytes'] / told['pages'] / 1000:.0f} KB a page"
    yield make_row(job, "pdf2image, PNG", told["seconds"], told["pages"], "pages", besides)


def compare_pipeline(
    pages: dict[str, list[int]], *, built: tuple[float, float] | None, processes: int
) -> Iterator[Row]:
    """`built` is what the build took, in all and for `generate`."""
    count = sum(map(len, pages.values()))
    job = f"words, images and files of {len(pages)} documents"
    if built is not None:
        seconds, asking = built
        yield make_row(job, "docmatix, without `generate`", seconds - asking, count, "pages", "resumes, checks, counts")
    yield make_row(job, "`ProcessPoolExecutor`", time_bare(pages, processes), count, "pages", "keeps nothing")
    yield make_row(job, "Ray Data `map_batches`", time_ray_data(pages, processes), count, "pages", "keeps nothing")


def compare_dedup(documents: int, python: str) -> Iterator[Row]:
    job = f"near duplicates of {documents:,} documents"
    command = [sys.executable, "-m", "benchmarks.dedup", "--documents", str(documents)]
    command += ["--against", "datatrove", "rensa", "--datatrove-python", python]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        yield fail(job, "benchmarks.dedup", done.stderr)
        return
    yield from read_dedup(job, done.stdout)


def read_dedup(job: str, printed: str) -> Iterator[Row]:
    """The rows of the table that `benchmarks.dedup` prints: search, seconds, CPU, rate, memory, found, wrong."""
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 7 and cells[0] != "search" and not cells[0].startswith("---"):
            search, seconds, _, rate, memory, found, wrong = cells
            yield Row(job, search, seconds, f"{rate} documents", f"{memory}; found {found}, wrong {wrong}")


def compare_serving(folder: Path) -> Iterator[Row]:
    from benchmarks.serving import LEAST_REQUESTS, configure, fetch, measure_round, write_documents
    from benchmarks.serving import build as build_stages

    pdfs, run = folder / "served", folder / "served-run"
    write_documents(pdfs, LEAST_REQUESTS, texts=2)
    with start_fixed_server(delay_s=0.2) as address:
        config = configure(pdfs, IN_FLIGHT)
        config["generate"]["engine"]["base_url"] = f"{address}/v1"
        build_stages(config, run, stages="plan,extract,dedup")
        rates = measure_round(address, config, run, requests=LEAST_REQUESTS, first="build")
        fetch(f"{address}/forget", method="POST")
    job = f"{LEAST_REQUESTS:,} requests, {IN_FLIGHT} in flight"
    for side, name in (("build", "docmatix, `generate`"), ("bare", "bare client")):
        yield Row(job, name, f"{LEAST_REQUESTS / rates[side]:.1f}", f"{rates[side]:.0f} requests")


def make_row(job: str, contender: str, seconds: float, count: int, unit: str, besides: str) -> Row:
    return Row(job, contender, f"{seconds:.1f}", f"{count / seconds:.1f} {unit}", besides)


def fail(job: str, contender: str, said: str) -> Row:
    return Row(
        job, contender, "", "", "failed: " + (said.strip().splitlines() or ["no word"])[-1][:120].replace("|", "/")
    )


def write_table(rows: list[Row], *, about: str) -> str:
    head = "| what | by | seconds | a second | besides |\n| --- | --- | ---: | ---: | --- |\n"
    return f"{about}\n\n{head}" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def put_between(text: str, table: str) -> str:
    """The text with the table between its two marks, where the former one was. Raises ValueError without marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no place for the table: {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"


def run_parts(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    source, processes = folder / "pdfs", os.cpu_count() or 1
    pages: dict[str, list[int]] = {}
    built = None
    if {"rendering", "pipeline"} & set(options.only):
        source.mkdir()
        draw_documents(source, options.documents)
        pages = {str(path): [1] for path in sorted(source.glob("*.pdf"))}
    if "pipeline" in options.only:
        with start_fixed_server(delay_s=REPLY_S) as base_url:
            run, _, seconds, _ = build(folder, source, base_url, processes)
        pages = find_packed_pages(run, source)  # both read and render what the build kept
        (record,) = (json.loads(path.read_text()) for path in (run / "telemetry").glob("*.json"))
        built = seconds, float(record["stages"]["generate"]["seconds"])
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "rendering": lambda: compare_rendering(folder, pages, options.python),
        "pipeline": lambda: compare_pipeline(pages, built=built, processes=processes),
        "dedup": lambda: compare_dedup(options.duplicates, options.python),
        "serving": lambda: compare_serving(folder),
    }
    for name, compare in parts.items():
        if name in options.only:
            for row in compare():
                print(f"| {' | '.join(row)} |", file=sys.stderr, flush=True)
                yield row


def main() -> None:
    every = ["rendering", "pipeline", "dedup", "serving"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=400, help="one-page documents to draw")
    parser.add_argument("--duplicates", type=int, default=100_000, help="signatures to draw")
    parser.add_argument("--python", default=sys.executable, help="an environment with locks/bench.txt")
    parser.add_argument("--only", nargs="+", default=every, choices=every)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        rows = list(run_parts(Path(name), options))
    table = write_table(
        rows, about=f"{os.cpu_count()} cores, load {load:.0f} before and {os.getloadavg()[0]:.0f} after:"
    )
    print(table)
    if options.write:
        README.write_text(put_between(README.read_text(), table))


if __name__ == "__main__":
    main()
