"""What is asked in an evaluation, and the table of what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Example:
    """A question of a data set, with the answers that count as right; None where the data set does not say."""

    example_id: str
    """Tells it from all others of the data set: the id of its pair or question, or a hash of what it is."""
    question: str
    answers: tuple[str, ...]
    doc_id: str | None = None
    page_numbers: tuple[int, ...] = ()
    """Of the pages that go with it, from 1."""
    prompt: str | None = None
    style: str | None = None
    kind: str | None = None
    text_from: str | None = None
    """Where the texts of its pages come from: `layer`, `ocr`, or `mixed` where they differ."""
    language: str | None = None
    """ISO 639-1."""
    answer_type: str | None = None
    """As `docmatix.evaluation.metrics.classify_answer` finds it."""


PREDICTIONS = pa.schema(
    [
        ("example_id", pa.string()),
        ("question", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("doc_id", pa.string()),
        ("page_numbers", pa.list_(pa.int32())),
        ("pages", pa.int32()),  # how many there are
        ("prompt", pa.string()),
        ("style", pa.string()),
        ("kind", pa.string()),
        ("text_from", pa.string()),
        ("language", pa.string()),
        ("answer_type", pa.string()),
        ("model", pa.string()),
        ("request_id", pa.string()),
        ("prediction", pa.string()),  # null where there is none
        ("reason", pa.string()),  # why not
        ("blind_prediction", pa.string()),
        ("blind_reason", pa.string()),
        ("anls", pa.float32()),
        ("exact", pa.bool_()),
        ("numeric", pa.float32()),  # null where the answer is no number
        ("token_f1", pa.float32()),
        ("agreement", pa.float32()),
        ("rule", pa.string()),  # by which the agreement was decided
        ("blind_anls", pa.float32()),
        ("blind_agreement", pa.float32()),
        ("judge_verdict", pa.float32()),  # 0..1, null where there is none
        ("judge_reason", pa.string()),
        ("judge_model", pa.string()),
    ]
)
"""One row for each question, in the order of the data set."""
