"""What a model may make of a question from facts: other words around the texts of the page that it asks by.

Which label, row, column or section a question names is what makes its answer the only one, so all of them must survive.
"""

from __future__ import annotations

from docmatix.prompting.questions.question import FactQuestion
from docmatix.text.pieces import holds_pieces, split_pieces

REWORDED = frozenset(
    "field.quoted cell.quoted cell.noun cell.plural cell.count cell.person cell.period cell.row_period "
    "cell.column_value".split()
)
"""Forms that their quoted label, or column and row, alone determine: `the first item of the list` loses its meaning
with one word, and `the date` becomes `the date of birth` with two."""
MAX_GROWTH = 2.5
"""How much longer than the question a rewording may be, before it says more."""
_DENIALS = frozenset(
    "not no never nobody except nicht kein keine pas non no nunca niet geen nie nem senza sans sin".split()
)


def can_be_reworded(asked: FactQuestion) -> bool:
    """Whether other words cannot change what a question asks for."""
    return asked.wording.split("/")[1] in REWORDED


def accept_rewording(asked: FactQuestion, question: str) -> bool:
    """Whether a model's wording of a question keeps every text that it asks by, and does not give away the answer."""
    said, before = split_pieces(question), split_pieces(asked.question)
    whole = question.endswith(("?", "？")) and question.count("?") <= 1
    if not whole or len(question) > MAX_GROWTH * len(asked.question):
        return False
    kept = [pieces for text in asked.slots.values() if (pieces := split_pieces(text)) and holds_pieces(before, pieces)]
    if not kept or not all(holds_pieces(said, pieces) for pieces in kept):
        return False
    if asked.wording.split("/")[1] == "field.quoted" and f"{asked.slots['label']}" not in question:
        return False
    denied = _DENIALS.intersection(said) - _DENIALS.intersection(before)
    return said != before and not denied and not holds_pieces(said, split_pieces(asked.answer))
