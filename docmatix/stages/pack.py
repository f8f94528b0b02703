"""pack: divide the samples with kept pairs into output files of about the target size, then render and write each.

Each file is a shard of its own (`docmatix.stages.support.output_files`).
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter, deque
from collections.abc import Iterator, Sequence
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
from docmatix.stages.support.output_files import OutputFile, Range
from docmatix.stages.support.page_renderer import render_kept, temporary_pdf
from docmatix.stages.support.planned_documents import read_plan
from docmatix.stages.support.poison_documents import PoisonDocuments
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record, commit, look_up_record
from docmatix.storage.schemas import DATASETS


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
