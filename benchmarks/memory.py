"""Peak memory of the driver and of each kind of worker, for builds of 500 and of 5,000 distinct documents.

Run: python -m benchmarks.memory [SMALL LARGE]

Both builds run the same configuration against a scripted server, one after the other in one run of this script. The
figure is the largest resident set of any process of a kind, sampled every 0.1 s; shared pages count in each.
Promise 6 of the design: it does not grow with the number of documents; the driver's search for duplicates takes what
`dedup.memory_mb` allows (`benchmarks.dedup`: 40 MB for 500 documents, 78 MB for 20,000, 229 MB for a million).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import yaml

from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_process


def name_process(process: psutil.Process) -> str | None:
    """What a process of a build is: `driver`, `shard worker`, `PDF child`, ...; None for any other."""
    command = " ".join(process.cmdline())
    if "docmatix.pdf.child" in command:
        return "PDF child"
    # a worker is called by what it does
    if match := re.match(r"(extract|curate|pack|generate|verify) \d", process.name()):
        return "asking worker" if match[1] in ("generate", "verify") else "shard worker"
    if "docmatix.driver.nursery" in command:
        return None if process.name() == "idle worker" else "nursery"
    return "driver" if "-m docmatix build" in command else None


def watch(process: subprocess.Popen[bytes], *, every_s: float = 0.1) -> dict[str, int]:
    """The peak resident set in bytes, by kind of process, until the build ends."""
    peaks: dict[str, int] = {}
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            family = []
        for member in family:
            try:
                name, size = name_process(member), member.memory_info().rss
            except psutil.Error:
                continue
            if name:
                peaks[name] = max(peaks.get(name, 0), size)
        time.sleep(every_s)
    return peaks


def measure(documents: int, folder: Path, base_url: str) -> dict[str, int]:
    pdfs = folder / f"pdfs{documents}"
    pdfs.mkdir()
    for number in range(documents):
        (pdfs / f"{number:05d}.pdf").write_bytes(write_distinct_pdf(number))
    config = folder / f"{documents}.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "name": "memory",
                "source": {"kind": "files", "paths": [str(pdfs)]},
                "plan": {"documents_per_shard": 64},  # else shards grow until there are a thousand documents
                "generate": {
                    "engine": {"kind": "openai", "model": "scripted", "base_url": base_url},
                    "prompts": ["broad_whole"],
                },
                "pack": {"dpi": 100, "file_mb": 16},
            }
        )
    )
    command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(folder / f"run{documents}")]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks = watch(process)
    if process.returncode:
        raise SystemExit(f"the build of {documents} documents failed")
    print(f"{documents} documents: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return peaks


def main() -> None:
    small, large = map(int, sys.argv[1:3] or (500, 5000))
    with tempfile.TemporaryDirectory() as folder, start_scripted_process() as base_url:
        peaks = {count: measure(count, Path(folder), base_url) for count in (small, large)}
    print(f"| process | {small} documents | {large} documents | ratio |\n| --- | ---: | ---: | ---: |")
    for name in sorted(peaks[large]):
        before, after = peaks[small].get(name, 0) / 2**20, peaks[large][name] / 2**20
        print(f"| {name} | {before:.0f} MB | {after:.0f} MB | {after / before if before else float('nan'):.3f} |")


if __name__ == "__main__":
    main()
