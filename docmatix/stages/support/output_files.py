"""The output files of a run: which samples are in which, and which of them are packed.

The division follows from the commit records of `curate`, so that all file names are known before anything is rendered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docmatix.config import Pack
from docmatix.pipeline import CURATE, PACK
from docmatix.stages.support.job import Job

# of a rendered page, to estimate sizes before rendering (benchmarks/rendering.py)
BYTES_PER_PIXEL = {"jpeg": 0.12, "png": 0.16, "webp": 0.07}


@dataclass(frozen=True, slots=True)
class Range:
    """Samples `first` to `first + count` (exclusive) of those with kept pairs in one curated shard."""

    shard: int
    first: int
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file of the dataset: its number, how many there are, and its samples."""

    number: int
    files: int
    ranges: tuple[Range, ...]

    @property
    def name(self) -> str:
        return f"dataset/data/train-{self.number:05d}-of-{self.files:05d}.parquet"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the file is made from, as in its commit record."""
        ranges = [{"shard": r.shard, "first": r.first, "count": r.count, "sha256": r.sha256} for r in self.ranges]
        content = json.dumps([self.files, ranges])
        return (hashlib.sha256(content.encode()).hexdigest(),)


def divide_rows(counts: Sequence[tuple[int, str, int, float]], *, target_bytes: float) -> list[OutputFile]:
    """Divide samples into files of about `target_bytes` each, contiguous in plan order. `counts` has the number,
    SHA-256, samples and estimated bytes of each curated shard in order. An empty dataset has one file, so that it can
    be loaded."""
    total = sum(count for _, _, count, _ in counts)
    size = sum(foreseen for *_, foreseen in counts)
    files = max(1, min(total, round(size / target_bytes)))
    ends = [round(total * (number + 1) / files) for number in range(files)]
    outputs: list[list[Range]] = [[] for _ in range(files)]
    at = file = 0
    for shard, sha256, count, _ in counts:
        first = 0
        while first < count:
            while at >= ends[file]:
                file += 1
            taken = min(count - first, ends[file] - at)
            outputs[file].append(Range(shard, first, taken, sha256))
            first, at = first + taken, at + taken
    return [OutputFile(number, files, tuple(ranges)) for number, ranges in enumerate(outputs)]


def divide_run(job: Job) -> list[OutputFile]:
    """`divide_rows` on the commit records of `curate`."""
    settings, heads = job.config.pack, job.run.heads(CURATE)
    counts = [
        (shard, heads[shard].sha256, extra["samples"], foresee_bytes(extra["square_inches"], settings))
        for shard, extra in job.run.extras(CURATE)
    ]
    return divide_rows(counts, target_bytes=settings.file_mb << 20)


def foresee_bytes(square_inches: float, settings: Pack) -> float:
    """Estimated bytes of the images of pages of this area."""
    return square_inches * settings.dpi**2 * BYTES_PER_PIXEL[settings.image_format]


def is_packed(job: Job, output: OutputFile, *, sizes: Mapping[str, int | None] | None = None) -> bool:
    """Whether the committed file is the one that this configuration and these curated pairs would produce. `sizes` are
    those of all files that are there, if they are known."""
    record = job.run.read_head(PACK, output.number)
    return (
        record is not None
        and record.file == output.name
        and record.fingerprint == job.fingerprints[PACK]
        and record.inputs == output.inputs
        and (job.run.size(output.name) if sizes is None else sizes.get(output.name)) == record.size
    )


def find_packed(job: Job, outputs: Sequence[OutputFile]) -> set[int]:
    """The numbers of those that are packed."""
    sizes = job.run.sizes(output.name for output in outputs)
    return {output.number for output in outputs if is_packed(job, output, sizes=sizes)}
