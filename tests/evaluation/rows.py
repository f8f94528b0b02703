"""Rows of predictions, made up."""

from __future__ import annotations

from typing import Any

from docmatix.evaluation.predictions import PREDICTIONS


def make_row(number: int = 0, **values: Any) -> dict[str, Any]:
    """A row of `PREDICTIONS`: a question answered right, but for the columns given."""
    row: dict[str, Any] = dict.fromkeys(PREDICTIONS.names)
    row |= {
        "example_id": f"q{number}",
        "question": f"What is number {number}?",
        "answers": [str(number)],
        "doc_id": f"d{number}",
        "page_numbers": [1],
        "pages": 1,
        "answer_type": "number",
        "model": "m",
        "request_id": f"r{number}",
        "prediction": str(number),
        "anls": 1.0,
        "exact": True,
        "numeric": 1.0,
        "token_f1": 1.0,
        "agreement": 1.0,
        "rule": "exact",
    }
    return row | values
