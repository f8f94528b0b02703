"""What a model may make of a question from facts: other words around the texts of the page that it asks by.

Which label, row, column or section a question names is what makes its answer the only one, so all of them must survive.
"""

from __future__ import annotations

from docmatix.prompting.questions.question import FactQuestion
from docmatix.text.pieces import split_pieces

REWORDED = frozenset({"field", "cell"})
"""Kinds that their texts alone determine; `the first item of the list` loses its meaning with one word."""
MAX_GROWTH = 2.5
"""How much longer than the question a rewording may be, before it says more."""


def can_be_reworded(asked: FactQuestion) -> bool:
    """Whether other words cannot change what a question asks for."""
    form = asked.wording.split("/")[1]
    return asked.kind in REWORDED and form not in ("cell.total", "field.question")


def accept_rewording(asked: FactQuestion, question: str) -> bool:
    """Whether a model's wording of a question keeps every text that it asks by, and does not give away the answer."""
    said, before = split_pieces(question), split_pieces(asked.question)
    whole = question.endswith(("?", "？")) and question.count("?") <= 1
    if not whole or len(question) > MAX_GROWTH * len(asked.question):
        return False
    kept = [split_pieces(text) for text in asked.slots.values() if text]
    if any(_holds(before, pieces) and not _holds(said, pieces) for pieces in kept):
        return False
    return said != before and not _holds(said, split_pieces(asked.answer))


def _holds(text: list[str], part: list[str]) -> bool:
    """Whether a part stands in a text, piece for piece."""
    return any(text[at : at + len(part)] == part for at in range(len(text) - len(part) + 1))
