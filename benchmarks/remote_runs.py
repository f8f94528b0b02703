"""Requests to an object store, and their seconds, of a build, of one with nothing to do, and of `status`.

Run: python -m benchmarks.remote_runs [--shards 4 12] [--documents 16] [--delay-ms 50] [--verify]
     python -m benchmarks.remote_runs --fabricated 2000

The store is moto's S3 behind a proxy that counts requests and delays each (`tests/object_store.py`); the model is a
server that answers after 0.2 s. With two numbers of shards the table says what a shard more costs: what every build
asks once, and what depends on its length (the lease, the live state), is left out of that. A fabricated run is that of
`benchmarks.fabricated_runs`, put into the store.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml

from benchmarks.fabricated_runs import fabricate
from benchmarks.fixed_server import start_fixed_server
from benchmarks.serving import print_table, write_documents
from tests.object_store import Asked, ObjectStore, start_object_store

ROOT = Path(__file__).resolve().parent.parent
VERBS = ("GET", "HEAD", "LIST", "PUT", "DELETE")
TIMED = (".lock", "telemetry/live")
"""What is asked for as often as a build is long."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a command asked the store for, and how long it took."""

    seconds: float
    asked: tuple[Asked, ...]

    def count(self, **wanted: str) -> int:
        """The requests with such a `verb` or `asker`, without those that depend on how long a build takes."""
        return sum(
            all(getattr(each, name) == value for name, value in wanted.items())
            for each in self.asked
            if not name_place(each).startswith(TIMED)
        )

    def count_places(self) -> Counter[str]:
        """The requests by asker and by what they are about: a stage, its records, its replies, or something else."""
        return Counter(f"{each.asker} {each.verb} {name_place(each)}" for each in self.asked)


def name_place(asked: Asked) -> str:
    """What a request is about, without the numbers in its key."""
    parts = asked.key.partition("/")[2].rstrip("/").split("/")
    if parts[:2] in (["telemetry", "live"], ["telemetry", "attempts"], ["dataset", "data"]):
        return "/".join(parts[:2])
    kind = Path(parts[-1]).suffix if len(parts) > 1 else ""
    return f"{parts[0]}/replies{kind}" if parts[1:2] == ["replies"] else parts[0] + kind


def find_asker(port: int) -> str:
    """Whether a connection is a Ray worker's, by its port on this machine."""
    found = (each.pid for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port and each.pid)
    try:
        command = psutil.Process(next(found)).cmdline()
    except (StopIteration, psutil.Error):
        return "gone"
    return "worker" if command and command[0].startswith("ray::") else "driver"


def run_command(store: ObjectStore, *arguments: str) -> Counted:
    """`docmatix`, as a person would call it."""
    store.asked.clear()
    began = time.monotonic()
    command = [sys.executable, "-m", "docmatix", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **store.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}")
    return Counted(time.monotonic() - began, tuple(store.asked))


def configure(pdfs: Path, address: str, *, documents: int, verify: bool) -> dict[str, Any]:
    checks: dict[str, Any] = {"verify": [{"kind": "answer_again"}]} if verify else {}
    return {
        "name": "remote",
        "source": {"kind": "files", "paths": [str(pdfs)]},
        "plan": {"documents_per_shard": documents},
        "generate": {
            "engine": {"kind": "openai", "model": "fixed", "base_url": f"{address}/v1", "max_in_flight": 64},
            "prompts": ["broad_whole"],
        },
        "pack": {"dpi": 36},
        **checks,
    }


def measure(
    store: ObjectStore, address: str, folder: Path, shards: int, *, documents: int, verify: bool
) -> dict[str, Counted]:
    """A build, the same command again, and `status`."""
    pdfs, run = folder / f"pdfs{shards}", f"s3://bucket/run{shards}"
    write_documents(pdfs, shards * documents)
    path = folder / f"{shards}.yaml"
    path.write_text(yaml.safe_dump(configure(pdfs, address, documents=documents, verify=verify)))
    return {
        "build": run_command(store, "build", str(path), "--run", run),
        "nothing to do": run_command(store, "build", str(path), "--run", run),
        "status": run_command(store, "status", run),
    }


def measure_fabricated(store: ObjectStore, folder: Path, shards: int, *, delay_s: float) -> dict[str, Counted]:
    """What a finished run of many shards takes: the first build finds no index that is of this store."""
    config = fabricate(folder / "fabricated", shards)
    store.files.put(f"{config.parent}/run/", "bucket/fabricated/", recursive=True)
    store.delay_s = delay_s
    url = "s3://bucket/fabricated"
    return {
        "nothing to do, no index": run_command(store, "build", str(config), "--run", url),
        "nothing to do": run_command(store, "build", str(config), "--run", url),
        "status": run_command(store, "status", url),
    }


def print_results(counts: Sequence[int], results: Sequence[dict[str, Counted]]) -> None:
    rows = []
    for name in results[0]:
        for shards, result in zip(counts, results, strict=True):
            found = result[name]
            asked = [found.count(), *(found.count(verb=verb) for verb in VERBS), found.count(asker="worker")]
            rows.append([f"{name}, {shards} shards", f"{found.seconds:.1f}", *map(str, asked)])
        if len(counts) > 1:
            first, last = results[0][name], results[-1][name]
            more = counts[-1] - counts[0]
            grown = [(last.count() - first.count()) / more]
            grown += [(last.count(verb=verb) - first.count(verb=verb)) / more for verb in VERBS]
            grown.append((last.count(asker="worker") - first.count(asker="worker")) / more)
            seconds = (last.seconds - first.seconds) / more
            rows.append([f"{name}, a shard more", f"{seconds:.2f}", *(f"{each:.1f}" for each in grown)])
    print_table(["", "s", "requests", *VERBS, "in workers"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[4, 12])
    parser.add_argument("--documents", type=int, default=16, help="in a shard, of one page each")
    parser.add_argument("--delay-ms", type=float, default=50)
    parser.add_argument("--verify", action="store_true", help="ask again about every pair")
    parser.add_argument("--show", action="store_true", help="what the requests of the largest build were about")
    parser.add_argument("--fabricated", type=int, metavar="SHARDS", help="of a finished run of so many")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        start_object_store() as store,
        start_fixed_server(delay_s=0.2) as address,
    ):
        store.name_asker = find_asker
        delay_s = options.delay_ms / 1000
        if options.fabricated:
            options.shards = [options.fabricated]
            results = [measure_fabricated(store, Path(folder), options.fabricated, delay_s=delay_s)]
        else:
            store.delay_s = delay_s
            results = [
                measure(store, address, Path(folder), shards, documents=options.documents, verify=options.verify)
                for shards in options.shards
            ]
    print_results(options.shards, results)
    if options.show:
        for name, found in results[-1].items():
            print(f"\n{name}")
            for place, count in sorted(found.count_places().items()):
                print(f"{count / options.shards[-1]:8.2f} a shard  {place}")


if __name__ == "__main__":
    main()
