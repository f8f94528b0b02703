"""`pdf`: the documents themselves with all of their pairs, one row a document: the published Docmatix's second shape.

OUT/data/train-*.parquet    pdf: the file's bytes; texts: [{"user", "assistant", "source"}]; doc_id; source_uri
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from docmatix.exports.export import Export
from docmatix.exports.parquet import write_rows
from docmatix.exports.samples import Sample
from docmatix.storage.schemas import TEXTS, publish_schema

SCHEMA = publish_schema([("pdf", pa.binary()), ("texts", TEXTS), ("doc_id", pa.string()), ("source_uri", pa.string())])


class Pdf(Export):
    summary: ClassVar[str] = "the documents themselves with their pairs, Parquet: the published Docmatix's second shape"
    needs_run: ClassVar[bool] = True

    kind: Literal["pdf"] = "pdf"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        write_rows(((_to_row(sample), len(sample.pdf)) for sample in samples), folder, schema=SCHEMA, split=split)
        return Counter()


def _to_row(sample: Sample) -> dict[str, Any]:
    texts = [
        {"user": question.question, "assistant": question.answer, "source": sample.source_uri}
        for question in sample.questions
    ]
    return {"pdf": sample.pdf, "texts": texts, "doc_id": sample.doc_id, "source_uri": sample.source_uri}
