"""Where samples come from: the rows of a dataset, or the documents of a run with their PDFs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.exports.samples import Question, Sample, lacks_images, read_doc_id, read_sample
from docmatix.pdf.reading import make_doc_id
from docmatix.pipeline import CURATE
from docmatix.review.collection import Collection as Dataset
from docmatix.sources.documents import read_documents
from docmatix.stages.support.job import Job
from docmatix.stages.support.planned_documents import read_plan

MAX_DOCUMENT_BYTES = 100 << 20
"""A reader holds a row group at once, and a row cannot be divided."""

Key = tuple[str, Any]
"""The document of a sample, and what distinguishes its samples."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a dataset. A sample without one of its page images is left out (`image_missing`), and so is a pair
    without a question or an answer (`text_missing`)."""

    collection: Dataset
    left_out: Counter[str] = field(default_factory=Counter)
    """Pairs, by reason."""

    def list_keys(self) -> Iterator[Key]:
        """The key of every sample, without reading its images."""
        rows = self.collection.rows(images=False)
        return ((read_doc_id(row), position) for position, row in enumerate(rows))

    def read(self, chosen: Collection[Key] | None) -> Iterator[Sample]:
        """The samples with these keys, or all."""
        rows = self.collection.rows()
        if chosen is not None:
            positions = sorted(position for _, position in chosen)
            rows = (row for _, row in self.collection.read_rows(positions))
        for row in rows:
            if lacks_images(row):
                self.left_out["image_missing"] += len(row["texts"])
                continue
            try:
                sample = read_sample(row)
            except ValueError as error:
                raise SetupError(f"{self.collection.path} has page numbers that are not numbers ({error}).") from None
            told = tuple(each for each in sample.questions if each.question and each.answer)
            if len(told) < len(sample.questions):
                self.left_out["text_missing"] += len(sample.questions) - len(told)
            yield replace(sample, questions=told)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a run that have kept pairs, read from the source as it is now. One that cannot be read or has
    changed is left out with its pairs (`missing`, `source_changed`, ...), and so is one that is too large for a row
    (`row_too_large`)."""

    job: Job
    left_out: Counter[str] = field(default_factory=Counter)

    def list_keys(self) -> Iterator[Key]:
        for shard in self.job.run.shards(CURATE):
            rows = self.job.run.iterate_rows(CURATE, shard, columns=["index", "doc_id", "reason"])
            yield from (key for key, _ in groupby(_make_key(shard, row) for row in rows if row["reason"] is None))

    def read(self, chosen: Collection[Key] | None) -> Iterator[Sample]:
        for shard in self.job.run.shards(CURATE):
            yield from self._read_shard(shard, chosen)

    def _read_shard(self, shard: int, chosen: Collection[Key] | None) -> Iterator[Sample]:
        columns = ["index", "doc_id", "source_uri", "pair_id", "style", "question", "answer", "reason"]
        rows = self.job.run.iterate_rows(CURATE, shard, columns=columns)
        kept = [r for r in rows if r["reason"] is None and (chosen is None or _make_key(shard, r) in chosen)]
        documents = [list(group) for _, group in groupby(kept, key=lambda row: row["index"])]
        locators = read_plan(self.job, shard)
        wanted = [locators[pairs[0]["index"]] for pairs in documents]
        config = self.job.config
        sources = read_documents(wanted, source=config.source, max_file_bytes=config.extract.max_file_mb << 20)
        for pairs, (_, source) in zip(documents, sources, strict=True):
            if isinstance(source, Refusal):
                self.left_out[source.reason] += len(pairs)
            elif make_doc_id(source.pdf) != pairs[0]["doc_id"]:
                self.left_out["source_changed"] += len(pairs)
            elif len(source.pdf) > MAX_DOCUMENT_BYTES:
                self.left_out["row_too_large"] += len(pairs)
            else:
                yield _make_document(source.pdf, pairs)


def _make_key(shard: int, row: Mapping[str, Any]) -> Key:
    # a run that keeps duplicates has a document id more than once
    return row["doc_id"], (shard, row["index"])


def _make_document(pdf: bytes, pairs: list[dict[str, Any]]) -> Sample:
    questions = (Question(p["pair_id"], p["question"], p["answer"], p["style"], page=None) for p in pairs)
    doc_id, source_uri = pairs[0]["doc_id"], pairs[0]["source_uri"]
    return Sample(doc_id, doc_id, source_uri, pictures=(), questions=tuple(questions), pdf=pdf)
