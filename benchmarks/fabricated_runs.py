"""What builds and verbs take in runs of many shards: seconds, memory of the driver, record reads a shard, growth.

Run: python -m benchmarks.fabricated_runs [--shards 200 2000 20000] [--verbs build status] [--folder FOLDER]

A run is fabricated from a real one of a few documents: each shard has the record of one of these with numbers, sums and
counts of its own, and all are current, so that a build finds nothing to do. Parts are those of the real run under other
names, which is enough for what reads records only. Each verb is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docmatix.config.loading import dump_config
from docmatix.driver.preflight import load_build_prompts
from docmatix.models.tokenizer import load_tokenizer
from docmatix.pipeline import CURATE, PACK, PLAN, VERIFY
from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run
from docmatix.storage.records import Record, name_part, name_record
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf

DOCUMENTS = 64
"""Counted in a shard."""
_SQUARE_INCHES = 1800.0  # of the kept pages of a shard
VERBS = {
    "build": ["build", "CONFIG", "--run", "RUN"],
    "status": ["status", "RUN"],
    "status --json": ["status", "RUN", "--json"],
    "inspect": ["inspect", "RUN"],
    "inspect --dropped": ["inspect", "RUN", "--dropped"],
    "report": ["report", "RUN", "--output", "OUT"],
    "check": ["check", "RUN"],
}
_FINDING = {"check"}  # ends with 1: the parts are others than their records say, of which each is told
_COUNTING = """
import json, re, sys, time
from docmatix.storage.store import Store
reads, listings = [0], [0]
read, names, files = Store.read, Store.names, Store.list_files

def count_read(self, name, **options):
    reads[0] += re.search(r"/part-[0-9]+[.]json$", name) is not None
    return read(self, name, **options)

def count_names(self, folder):
    listings[0] += 1
    return names(self, folder)

def count_files(self, folder, **options):
    listings[0] += 1
    return files(self, folder, **options)

Store.read, Store.names, Store.list_files = count_read, count_names, count_files
from docmatix.cli import main
code = 1
try:
    code = main(sys.argv[2:])
finally:
    with open("/proc/self/status") as status:
        peak_mb = int(re.search(r"VmHWM:\\s+([0-9]+) kB", status.read())[1]) / 1024
    with open(sys.argv[1], "w") as out:
        figures = {"cpu_seconds": time.process_time(), "peak_mb": peak_mb, "reads": reads[0], "listings": listings[0]}
        json.dump(figures, out)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one verb in one process."""

    seconds: float
    """With the start of Python."""
    cpu_seconds: float
    peak_mb: float
    reads: int
    listings: int


def fabricate(folder: Path, shards: int) -> Path:
    """A finished run of so many shards in `folder/run`, with its configuration beside it; returns the configuration."""
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)} | {"text.pdf": b"This is no PDF."}
    folder.mkdir(parents=True)
    model = make_job(
        folder,
        pdfs=pdfs,
        plan={"documents_per_shard": 1},
        pack={"dpi": 36, "license": "cc0-1.0", "file_mb": 64},
        verify=[{"kind": "round_trip"}],
    )
    build(model)
    counter, _ = load_tokenizer(model.config.generate.engine)
    prompts = load_build_prompts(model.config, folder, counter=counter)
    fingerprints = fingerprint_stages(model.config, prompts, counter_id=counter.identity)
    job = replace(model, prompts=prompts, fingerprints=fingerprints)
    templates = {stage: dict(job.run.records(stage)) for stage in job.stages}
    parts = folder / "parts"
    for stage in job.stages:
        (parts / stage).mkdir(parents=True)
        for shard, record in templates[stage].items():
            shutil.move(job.run.path(name_part(stage, record)), parts / stage / f"{shard}")
        shutil.rmtree(job.run.path(stage))
        Path(job.run.path(stage)).mkdir()
    checked = {"checked": job.check_ids}
    for shard in range(shards):
        number = shard % len(templates[PLAN])
        times = DOCUMENTS - shard % 24
        made: dict[str, str] = {}
        for stage in job.stages[:-1]:
            record = _vary(templates[stage][number], times)
            sha256 = hashlib.sha256(f"{stage} {shard}".encode()).hexdigest()
            extra = dict(record.extra)
            if "replies" in extra:
                extra["replies"] = [f"part-{shard:05d}/{sha256[:16]}.parquet"]
                _write(job, f"{stage}/replies/{extra['replies'][0]}", b"")
            if stage == CURATE:
                extra["square_inches"] = _SQUARE_INCHES if extra["samples"] else 0.0
            if stage == VERIFY:
                extra |= checked
            record = replace(
                record,
                file=f"part-{shard:05d}-{sha256[:8]}.parquet",
                sha256=sha256,
                fingerprint=fingerprints[stage],
                inputs=tuple(made[each] for each in job.reads(stage)),
                extra=extra,
            )
            made[stage] = sha256
            _link(parts / stage / str(number), Path(job.run.path(name_part(stage, record))))
            _write(job, name_record(stage, shard), record.to_json())
    _pack(job, templates[PACK][0], parts / PACK / "0")
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", (json.dumps(fingerprints, indent=1) + "\n").encode())
    finish_dataset(job)
    config = folder / "config.yaml"
    config.write_text(dump_config(job.config))
    return config


def _vary(record: Record, times: int) -> Record:
    """The record with its counts multiplied, as they would be in a shard of so many documents."""
    ledger = [
        {**line, **{name: line[name] * times for name in ("in", "out")}, "dropped": _scale(line["dropped"], times)}
        for line in record.ledger
    ]
    return replace(record, ledger=ledger, extra=_scale(record.extra, times))


def _scale(content: Any, times: int) -> Any:
    if isinstance(content, dict):
        return {name: _scale(value, times) for name, value in content.items()}
    return content * times if isinstance(content, int | float) else content


def _pack(job: Job, template: Record, part: Path) -> None:
    """The output files that the fabricated shards divide into; their ledgers together have the pairs that were kept."""
    outputs = divide_run(job)
    left = job.run.ledger(CURATE).accounts["pairs"].kept
    for output in outputs:
        pairs = left // (len(outputs) - output.number)
        left -= pairs
        ledger = [
            {**line, "in": pairs, "out": pairs, "dropped": {}} if line["unit"] == "pairs" else line
            for line in template.ledger
        ]
        record = replace(
            template, file=output.name, fingerprint=job.fingerprints[PACK], inputs=output.inputs, ledger=ledger
        )
        _link(part, Path(job.run.path(output.name)))
        _write(job, name_record(PACK, output.number), record.to_json())


def _write(job: Job, name: str, content: bytes) -> None:
    path = Path(job.run.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # too many links, or a file system without
        shutil.copyfile(file, name)


def measure(verb: str, config: Path) -> Figures:
    """Run a verb of the command line in a process of its own."""
    places = {"CONFIG": str(config), "RUN": str(config.parent / "run"), "OUT": str(config.parent / "report.html")}
    figures = config.parent / "figures.json"
    command = [sys.executable, "-c", _COUNTING, str(figures), *(places.get(each, each) for each in VERBS[verb])]
    figures.unlink(missing_ok=True)
    began = time.monotonic()
    process = subprocess.run(command, capture_output=True, check=False, text=True)
    seconds = time.monotonic() - began
    if process.returncode and not (verb in _FINDING and figures.exists()):
        raise SystemExit(f"{verb} failed: {process.stderr[-3000:]}{process.stdout[-500:]}")
    return Figures(seconds=seconds, **json.loads(figures.read_text()))


def find_exponent(before: float, after: float, *, growth: float) -> float:
    """The e of `after = before * growth ** e`."""
    return math.log(after / before) / math.log(growth)


def compare(runs: Sequence[tuple[int, Path]], verbs: Sequence[str]) -> Iterator[str]:
    """The lines of a table: each verb in runs of each size, and how it grew from the one before, as an exponent."""
    yield "| verb | shards | seconds | CPU seconds | exponent | peak MB | record reads a shard | listings |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for verb in verbs:
        before: tuple[int, float] | None = None
        for shards, config in runs:
            found = measure(verb, config)
            exponent = ""
            if before is not None:
                exponent = f"{find_exponent(before[1], found.cpu_seconds, growth=shards / before[0]):.2f}"
            before = shards, found.cpu_seconds
            yield (
                f"| {verb} | {shards:,} | {found.seconds:.1f} | {found.cpu_seconds:.1f} | {exponent} |"
                f" {found.peak_mb:.0f} | {found.reads / shards:.2f} | {found.listings} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[200, 2000, 20000])
    parser.add_argument("--verbs", nargs="+", choices=list(VERBS), default=list(VERBS))
    parser.add_argument("--folder", type=Path, help="keep the runs here, and use those that are there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        runs = []
        for shards in sorted(options.shards):
            config = folder / str(shards) / "config.yaml"
            if not config.exists():
                began = time.monotonic()
                config = fabricate(folder / str(shards), shards)
                print(f"{shards} shards fabricated in {time.monotonic() - began:.0f} s", file=sys.stderr)
            runs.append((shards, config))
        for line in compare(runs, options.verbs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
