"""Two answers compared, by the first rule that decides."""

from __future__ import annotations

from typing import NamedTuple

from docmatix.verification.agreement.metrics import anls, token_f1
from docmatix.verification.agreement.quantities import read_quantity
from docmatix.verification.agreement.spelling import fold_words
from docmatix.verification.agreement.verdicts import is_not_answerable, read_yes_no


class Agreement(NamedTuple):
    """How well two answers agree (0..1), and by which rule that was decided."""

    score: float
    rule: str


def compare_answers(
    expected: str, given: str, *, question: str = "", language: str | None = None, tolerance: float = 0.05
) -> Agreement:
    """Compare an answer with another one to the same question. `tolerance` is how far numbers may be apart, relative to
    the expected one; `language` (ISO 639-1) that of the document, whose decimal and date signs decide first."""
    wanted, words = fold_words(expected), fold_words(given)
    if not wanted or not words:
        return Agreement(0.0, "empty")
    unanswerable = is_not_answerable(expected), is_not_answerable(given)
    if any(unanswerable):
        return Agreement(float(all(unanswerable)), "not_answerable")
    if wanted == words:
        return Agreement(1.0, "exact")
    said = read_yes_no(expected), read_yes_no(given)
    if None not in said:
        return Agreement(float(said[0] == said[1]), "yes_no")
    one, other = read_quantity(expected), read_quantity(given)
    if one and other:
        near = (
            abs(one.value - other.value) <= tolerance * abs(one.value)
            if max(abs(one.value), 100) > 100
            else one == other
        )
        return Agreement(float(near), "number")
    numbers = [[word for word in each if any(map(str.isdigit, word))] for each in (wanted, words)]
    if numbers[0] != numbers[1]:
        return Agreement(0.0, "tokens")
    score = anls([expected], given)
    f1 = token_f1(expected, given)
    return Agreement(score, "text") if score > f1 and f1 else Agreement(f1, "tokens")
