"""The scores of `verify` against the replies that they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from math import isclose
from typing import Any

from docmatix.core.pairs import Scores
from docmatix.storage.schemas import VERIFY
from docmatix.verification.check import Check, Finding
from docmatix.verification.scoring import combine_scores

SCORE_COLUMNS = tuple(field.name for field in fields(Scores) if field.name in VERIFY.names)
"""The scores that `verify` computes."""
_ROUNDING = 1.5e-4  # scores have four digits, and are kept as float32


def has_its_scores(row: Mapping[str, Any], checks: Sequence[Check]) -> bool:
    """Whether a pair has the scores that its requests give by these checks; True of a run of an earlier version, which
    recorded but one request."""
    if "requests" not in row:
        return True
    found = {
        label: [Finding(each["score"], page=each["page"]) for each in requests]
        for label, requests in groupby(row["requests"] or (), key=lambda request: request["check"])
    }
    expected = combine_scores(checks, found)
    return all(_is_same(row[name], expected.get(name)) for name in SCORE_COLUMNS)


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, abs_tol=_ROUNDING)
