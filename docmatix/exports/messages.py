"""`messages`: chat messages with images, as TRL's trainers and processors' chat templates take them.

OUT/data/train-*.parquet, which `datasets.load_dataset(OUT)` reads, has the columns `images`, `sample_id` and `messages`
(`role`, and `content` of parts `{"type": "image"}` or `{"type": "text", "text"}`). The first user turn shows all pages;
questions and answers follow as turns. A pair with an image mark in its text is left out (`image_mark`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from docmatix.exports.export import Export
from docmatix.exports.parquet import write_rows
from docmatix.exports.samples import Sample, without_image_marks
from docmatix.storage.schemas import IMAGES, publish_schema

_PARTS = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
SCHEMA = publish_schema(
    [
        ("images", IMAGES),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", _PARTS)]))),
        ("sample_id", pa.string()),
    ]
)


class Messages(Export):
    summary: ClassVar[str] = "chat messages with images, Parquet: TRL, chat templates of processors"

    kind: Literal["messages"] = "messages"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        left_out: Counter[str] = Counter()
        told = without_image_marks(samples, left_out)
        rows = ((_to_row(sample), sum(len(picture.data) for picture in sample.pictures)) for sample in told)
        write_rows(rows, folder, schema=SCHEMA, split=split)
        return left_out


def _to_row(sample: Sample) -> dict[str, Any]:
    turns: list[dict[str, Any]] = []
    for index, question in enumerate(sample.questions):
        shown = [{"type": "image", "text": None}] * len(sample.pictures) if index == 0 else []
        turns.append({"role": "user", "content": [*shown, {"type": "text", "text": question.question}]})
        turns.append({"role": "assistant", "content": [{"type": "text", "text": question.answer}]})
    images = [{"bytes": picture.data, "path": picture.name} for picture in sample.pictures]
    return {"images": images, "messages": turns, "sample_id": sample.sample_id}
