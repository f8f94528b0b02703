"""The scores of one answer, and what type of answer a question has. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from docmatix.evaluation.predictions import Example
from docmatix.verification.agreement import (
    Agreement,
    anls,
    compare_answers,
    is_exact,
    is_not_answerable,
    token_f1,
)
from docmatix.verification.agreement.lists import split_items
from docmatix.verification.agreement.quantities import Number
from docmatix.verification.agreement.questions import read_question
from docmatix.verification.agreement.readings import Range, read_content
from docmatix.verification.agreement.units import CURRENCIES
from docmatix.verification.agreement.verdicts import read_yes_no
from docmatix.verification.agreement.vocabulary import FUNCTION, HEDGES

ANSWER_TYPES: Final = (
    "not_answerable", "yes_no", "date", "percent", "money", "number", "list", "short_text", "long_text",
)  # fmt: skip
"""What `classify_answer` tells apart; the first that fits."""
NUMBERS: Final = frozenset({"number", "percent", "money"})
"""The types of which `numeric` is told."""

WITHIN: Final = 0.5
"""The agreement from which a number is within the tolerance: it falls to 0.6 there, and beyond there is none."""

NO_ANSWER: Final = "no_answer"
"""The rule where there was nothing to compare."""


def score_prediction(example: Example, prediction: str | None, blind: str | None) -> dict[str, Any]:
    """The columns of `PREDICTIONS` that tell how right an answer is, each by the expected answer that it is closest to:
    `anls` (threshold 0.5), `exact`, `token_f1`, `agreement` with its `rule`, and `numeric`, whether a number is right
    within the tolerance of `compare_answers`, None where none is expected. Without a prediction all is wrong. The same
    of the `blind` answer are None without one."""
    kind = example.answer_type or classify_answer(example.answers, example.question, example.language)
    numeric = kind in NUMBERS
    scores: dict[str, Any] = {
        "anls": 0.0,
        "exact": False,
        "numeric": 0.0 if numeric else None,
        "token_f1": 0.0,
        "agreement": 0.0,
        "rule": NO_ANSWER,
        "blind_anls": anls(example.answers, blind) if blind is not None else None,
        "blind_agreement": compare_best(example, blind).score if blind is not None else None,
    }
    if prediction is None:
        return scores
    compared = compare_best(example, prediction)
    return scores | {
        "anls": anls(example.answers, prediction),
        "exact": any(is_exact(answer, prediction) for answer in example.answers),
        "numeric": float(compared.score >= WITHIN) if numeric else None,
        "token_f1": max((token_f1(answer, prediction) for answer in example.answers), default=0.0),
        "agreement": compared.score,
        "rule": compared.rule,
    }


def compare_best(example: Example, given: str) -> Agreement:
    """The agreement of an answer with the expected one that it is closest to."""
    found = (
        compare_answers(answer, given, question=example.question, language=example.language)
        for answer in example.answers
    )
    return max(found, key=lambda each: each.score, default=Agreement(0.0, NO_ANSWER))


# --- types of answers -------------------------------------------------------------------------------------------------

_ASKS_WHEN = re.compile(
    r"\b(?:when|since|date|year|wann|seit|datum|quand|cu[aá]ndo|quando|wanneer|kiedy|когда)\b|언제", re.IGNORECASE
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_ALONE = 3
"""Words beside a value up to which an answer is that value: `the 15 employees`."""
_BEFORE = HEDGES | FUNCTION
_SHORT_WORDS, _SHORT_CHARS = 8, 60


def classify_answer(answers: Sequence[str], question: str = "", language: str | None = None) -> str:
    """One of `ANSWER_TYPES`, by the first of the expected answers; times are dates. The question decides whether `2019`
    is a year or the number of something, and `12.5` a percentage."""
    answer = answers[0].strip() if answers else ""
    if not answer or is_not_answerable(answer):
        return "not_answerable"
    content = read_content(answer, language)
    words = _count_words(answer)
    if words == 1 and read_yes_no(answer) is not None:
        return "yes_no"
    if content.values and len(content.words) <= _ALONE:
        points = [each.low if isinstance(each, Range) else each for each, *_ in content.values]
        if not any(isinstance(point, Number) for point in points):
            return "date"
        # a name before a number makes it one of a name: `Millport Harbor in 2024`
        named = any(word.at < content.values[0].first and word.folded not in _BEFORE for word in content.words)
        number = points[0] if len(points) == 1 and not named else None
        if isinstance(number, Number) and (found := _classify_number(number, question)):
            return found
    if len(split_items(content, language)) >= (2 if "\n" in answer or ";" in answer else 3):
        return "list"
    return "short_text" if words <= _SHORT_WORDS and len(answer) <= _SHORT_CHARS else "long_text"


def _classify_number(number: Number, question: str) -> str | None:
    """None for the number of a section, an invoice, a telephone, which is a name."""
    asked = read_question(question).kind
    unit = number.readings[0].unit
    if unit in CURRENCIES:
        return "money"
    if unit == "%" or (not unit and asked == "share"):
        return "percent"
    if not unit and _YEAR.fullmatch(number.digits) and (asked == "year" or _ASKS_WHEN.search(question)):
        return "date"
    return None if number.label or (not unit and asked == "code") else "number"


def _count_words(text: str) -> int:
    """Words, or pairs of characters where words are not separated."""
    return max(len(text.split()), sum(ord(character) >= 0x2E80 for character in text) // 2)
