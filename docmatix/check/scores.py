"""The scores of `verify` against those of the requests that they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any

from docmatix.storage.schemas import VERIFIED_SCORES
from docmatix.verification.check import Check
from docmatix.verification.scoring import combine_scores

_ROUNDING = 1.5e-4  # scores have four digits, and are kept as float32


def has_its_scores(row: Mapping[str, Any], checks: Sequence[Check]) -> bool:
    """Whether a pair has the scores that its requests give by these checks; True of a run of an earlier version, which
    recorded but one request."""
    if "requests" not in row:
        return True
    expected = combine_scores(checks, row["requests"] or ())
    return all(_is_same(row[name], expected.get(name)) for name in VERIFIED_SCORES)


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, abs_tol=_ROUNDING)
