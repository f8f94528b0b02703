"""pack: divide the samples with kept pairs into output files of about the target size, then render and write each.

The division follows from the commit records of `curate`, so that all file names are known before anything is rendered;
each file is a shard of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from docmatix.config import Pack
from docmatix.core.documents import Refusal
from docmatix.core.ledger import Ledger
from docmatix.dataset.groups import KINDS
from docmatix.dataset.stats import Statistics
from docmatix.pdf.rendering import PageImage
from docmatix.pipeline import CURATE, PACK, PIPELINE
from docmatix.sources.documents import read_documents
from docmatix.stages.support.child_pool import Child, ChildPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.page_renderer import render_kept, temporary_pdf
from docmatix.stages.support.planned_documents import read_plan
from docmatix.stages.support.poison_documents import PoisonDocuments
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record, commit, look_up_record
from docmatix.storage.schemas import DATASETS

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


def pack_file(
    job: Job, output: OutputFile, *, sandbox: Child, progress: ShardProgress, children: ChildPool | None = None
) -> None:
    """Render and write one output file, and commit it. Windows are rendered by several `children` at once, if there are
    any, and written in their order."""
    settings = job.config.pack
    ledger = Ledger(PIPELINE[PACK].units)
    statistics = Statistics()
    seen = look_up_record(job.run, PACK, output.number)
    with job.run.writing(PACK) as pending:
        writer = ShardWriter(
            pending, DATASETS[settings.schema_], row_group_bytes=settings.row_group_mb << 20, for_images=True
        )
        for sample, outcome in _render_samples(job, output, sandbox, children, attempt=progress.attempt):
            row = None if isinstance(outcome, Refusal) else compose_row(sample, outcome, settings)
            size = 0 if isinstance(outcome, Refusal) else sum(len(image.data) for image in outcome)
            reason = outcome.reason if isinstance(outcome, Refusal) else None
            if size > settings.max_row_mb << 20:
                row, reason = None, "row_too_large"
            for unit, count in (("rows", 1), ("pages", len(sample[0]["page_numbers"])), ("pairs", len(sample))):
                ledger.enter(unit, count)
                ledger.settle(unit, reason, count)
            if row is not None and not isinstance(outcome, Refusal):
                writer.add(row, size=size + sum(len(pair["question"]) + len(pair["answer"]) + 500 for pair in sample))
                statistics.add_row(sample, outcome)
            elif reason is not None:
                for kind in KINDS:
                    counts = Counter(pair[kind] for pair in sample)
                    statistics.add_dropped({kind: {name: {reason: count} for name, count in counts.items()}})
            progress.update(done=ledger.accounts["rows"].entered)
        writer.close()
        statistics.totals["file_bytes"] = pending.bytes
        record = Record(
            file=output.name,
            rows=writer.rows,
            size=pending.bytes,
            sha256=pending.sha256,
            ledger=ledger.to_json(),
            fingerprint=job.fingerprints[PACK],
            inputs=output.inputs,
            extra={"statistics": statistics.to_json()},
        )
        commit(job.run, PACK, output.number, pending, record, seen=seen)


_Sample = list[dict[str, Any]]  # the curated rows of its kept pairs


MOST_AHEAD_BYTES = 128 << 20  # of images that wait for those before them


@dataclass(slots=True)
class _Begun:
    """A sample whose pages are being rendered, from a document that stays open until then."""

    sample: _Sample
    images: Future[list[PageImage] | Refusal]
    document: contextlib.ExitStack | None = None
    """Of the last sample of its document, what it is closed by."""

    @property
    def size(self) -> int:
        """Bytes of its images, if they are there."""
        if not self.images.done() or self.images.exception() is not None:
            return 0
        outcome = self.images.result()
        return 0 if isinstance(outcome, Refusal) else sum(len(image.data) for image in outcome)


def _render_samples(
    job: Job, output: OutputFile, sandbox: Child, children: ChildPool | None, *, attempt: int
) -> Iterator[tuple[_Sample, list[PageImage] | Refusal]]:
    """A file's samples with their page images, document by document, reading each document once."""
    # one after the other where a worker has died: it must be known of what
    ahead = 0 if children is None or attempt else 2 * children.count
    poison = PoisonDocuments(job, PACK, output.number, attempt=attempt)
    begun: deque[_Begun] = deque()

    def finish() -> tuple[_Sample, list[PageImage] | Refusal]:
        first = begun.popleft()
        with first.document or contextlib.nullcontext():
            return first.sample, first.images.result() if children is None else children.wait(first.images)

    with contextlib.ExitStack() as opened:
        opened.callback(lambda: [each.images.cancel() for each in begun])
        for each in _begin_samples(job, output, sandbox, children if ahead else None, poison, opened):
            begun.append(each)
            while begun and (
                begun[0].images.done() or len(begun) > ahead or sum(one.size for one in begun) > MOST_AHEAD_BYTES
            ):
                yield finish()
        while begun:
            yield finish()


def _begin_samples(
    job: Job,
    output: OutputFile,
    sandbox: Child,
    children: ChildPool | None,
    poison: PoisonDocuments,
    opened: contextlib.ExitStack,
) -> Iterator[_Begun]:
    """A file's samples as they are begun; documents that are still open at the end are closed with `opened`."""
    settings = job.config.pack
    places = itertools.count()  # of documents in the file, whose indices are those of several shards
    for each in output.ranges:
        locators = read_plan(job, each.shard)
        # listed in advance, so that one reader passes through a tar or a Parquet file once, not once per document
        wanted = dict.fromkeys(int(sample[0]["index"]) for sample in _read_samples(job, each, columns=_PLACE))
        sources = read_documents(
            (locators[index] for index in wanted),
            source=job.config.source,
            max_file_bytes=job.config.extract.max_file_mb << 20,
            patience_s=job.config.limits.store_patience_s,
        )
        documents = groupby(_read_samples(job, each), key=lambda sample: int(sample[0]["index"]))
        for (_, of_document), (_, source) in zip(documents, sources, strict=True):
            place, samples = next(places), list(of_document)
            refusal = poison.refuse(place)
            document = contextlib.ExitStack()
            opened.push(document)
            pdf = document.enter_context(temporary_pdf(source))
            for sample in samples:
                render = partial(_render, pdf, sample[0]["page_numbers"], doc_id=sample[0]["doc_id"], settings=settings)
                images: Future[list[PageImage] | Refusal]
                if refusal is None and children is not None:
                    images = children.submit(render)
                else:
                    images = Future()
                    # not around `yield`: the document is not to blame for what happens to its images
                    with poison.in_hand(place, "render"):
                        images.set_result(refusal or render(sandbox))
                yield _Begun(sample, images, document if sample is samples[-1] else None)


def _render(
    pdf: tuple[Path, str] | Refusal, page_numbers: Sequence[int], sandbox: Child, *, doc_id: str, settings: Pack
) -> list[PageImage] | Refusal:
    return render_kept(
        pdf, page_numbers, doc_id=doc_id, settings=settings.rendering, sandbox=sandbox, timeout_s=settings.timeout_s
    )


_PLACE = ("index", "sample_id", "reason")


def _read_samples(job: Job, each: Range, *, columns: Sequence[str] | None = None) -> Iterator[_Sample]:
    rows = (row for row in job.run.iterate_rows(CURATE, each.shard, columns=columns) if row["reason"] is None)
    # by document too: without `dedup.exact`, adjacent copies have samples with the same id
    samples = (list(group) for _, group in groupby(rows, key=lambda row: (row["index"], row["sample_id"])))
    return islice(samples, each.first, each.first + each.count)


def compose_row(sample: _Sample, images: Sequence[PageImage], settings: Pack) -> dict[str, Any]:
    """A row of the published dataset; the schema selects its columns."""
    first = sample[0]
    suffix = {"jpeg": "jpg"}.get(settings.image_format, settings.image_format)
    row: dict[str, Any] = {
        "images": [
            {"bytes": image.data, "path": f"{first['doc_id']}-{number}.{suffix}"}
            for number, image in zip(first["page_numbers"], images, strict=True)
        ],
        "texts": [
            {"user": pair["question"], "assistant": pair["answer"], "source": first["source_uri"]} for pair in sample
        ],
    }
    if settings.schema_ == "docmatix":
        return row
    annotated = ("pair_id", "prompt", "model", "style", "scores", "evidence", "kind", "text_from")
    return row | {
        **{name: first[name] for name in ("sample_id", "doc_id", "source_uri", "page_numbers")},
        "annotations": [
            {name: pair[name] for name in annotated if name in pair} for pair in sample
        ],  # earlier runs lack some
    }
