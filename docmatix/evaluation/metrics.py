"""The scores of one answer, and what type of answer a question has. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from docmatix.evaluation.predictions import Example
from docmatix.text.numbers import CURRENCY
from docmatix.verification.agreement import (
    Agreement,
    anls,
    compare_answers,
    is_exact,
    is_not_answerable,
    read_quantity,
    token_f1,
)

ANSWER_TYPES: Final = (
    "not_answerable", "yes_no", "date", "percent", "money", "number", "list", "short_text", "long_text",
)  # fmt: skip
"""What `classify_answer` tells apart; the first that fits."""

NO_ANSWER: Final = "no_answer"
"""The rule where there was nothing to compare."""


def score_prediction(example: Example, prediction: str | None, blind: str | None) -> dict[str, Any]:
    """The columns of `PREDICTIONS` that tell how right an answer is, each by the expected answer that it is closest to:
    `anls` (threshold 0.5), `exact`, `token_f1`, `agreement` with its `rule`, and `numeric`, whether a number is right
    within the tolerance of `compare_answers`, None where none is expected. Without a prediction all is wrong. The same
    of the `blind` answer are None without one."""
    numeric = _expects_number(example)
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
        "numeric": float(compared.score == 1.0) if numeric else None,
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


def _expects_number(example: Example) -> bool:
    return any(
        read_quantity(answer, language=example.language, question=example.question) is not None
        for answer in example.answers
    )


# --- types of answers -------------------------------------------------------------------------------------------------

_YES_NO = re.compile(
    r"(?:yes|no|ja|nein|oui|non|s[ií]|sim|n[aã]o|nee|да|нет|tak|nie|是|否|はい|いいえ)\b[.!]?", re.IGNORECASE
)
_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr?|mars|avr|juin|juil|août|déc|"
    r"ene|abr|ago|dic|fev|set|out|gen|mag|giu|lug|ott|mrt|mei|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек)"
    r"\w{0,8}\.?"
)
_DATE = re.compile(
    rf"(?:\w{{2,12}},?\s)?(?:{_MONTHS}\s\d{{1,2}}(?:st|nd|rd|th)?,?(?:\s\d{{4}})?"  # Monday, March 5, 2020
    rf"|(?:the\s)?\d{{1,2}}(?:st|nd|rd|th|º|er|\.)?\s(?:of\s|de\s)?{_MONTHS}(?:,?\s(?:de\s)?\d{{2,4}})?"  # 5. März 2020
    rf"|{_MONTHS},?\s(?:de\s)?\d{{4}}"
    r"|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    r"|\d{4}\s?[年년](?:\s?\d{1,2}\s?[月월](?:\s?\d{1,2}\s?[日일])?)?|\d{1,2}-(?:[A-Za-z]{3})-(?:\d{4}|\d{2}))"
    r"(?:,?\s(?:at\s)?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?)?\.?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_ASKS_WHEN = re.compile(
    r"\b(?:when|years?|date|since|wann|jahr\w*|datum|seit|quand|ann[ée]es?|cuándo|año|quando|anno|data|ano|jaar|"
    r"wanneer|когда|год\w*)\b|[年년]|언제",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"%|‰|\b(?:per\s?cent|percentage points?|prozent\w*|pour ?cent|por c[ie]+nto|per cento|procent|процент\w*)\b",
    re.IGNORECASE,
)
_ASKS_PERCENT = re.compile(rf"{_PERCENT.pattern}|\b(?:percentage|porcentaje|pourcentage|prozentsatz)\b", re.IGNORECASE)
_CURRENCY = re.compile(
    rf"{CURRENCY}|\b(?:dollars?|cents?|euros?|pounds?|francs?|yen|yuan|rupees?|pesos?|rubles?|kron[ae]r?|franken)\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\n|;|、|[,،，](?!\d{3}(?!\d))\s*")
_LAST = re.compile(r"\s(?:and|und|et|y|e|en|och|og|и|i|&)\s", re.IGNORECASE)
_SHORT_ITEM, _SHORT_WORDS, _SHORT_CHARS = 6, 8, 60


def classify_answer(answers: Sequence[str], question: str = "", language: str | None = None) -> str:
    """One of `ANSWER_TYPES`, by the first of the expected answers; the question decides whether `2019` is a year, and
    `12.5` a percentage."""
    answer = answers[0].strip() if answers else ""
    if not answer or is_not_answerable(answer):
        return "not_answerable"
    if _YES_NO.fullmatch(answer):
        return "yes_no"
    if _DATE.fullmatch(answer) or (_YEAR.fullmatch(answer) and _ASKS_WHEN.search(question)):
        return "date"
    if read_quantity(answer, language=language, question=question) is not None and _count_words(answer) <= _SHORT_WORDS:
        if _PERCENT.search(answer) or (_is_bare(answer) and _ASKS_PERCENT.search(question)):
            return "percent"
        return "money" if _CURRENCY.search(answer) else "number"
    if _is_list(answer):
        return "list"
    return "short_text" if _count_words(answer) <= _SHORT_WORDS and len(answer) <= _SHORT_CHARS else "long_text"


def _is_bare(answer: str) -> bool:
    """Whether a number stands without a word or sign for what it counts."""
    return re.search(r"[^\W\d_]|[$€£¥°]", answer) is None


def _is_list(answer: str) -> bool:
    """Two lines or more, or three short items between commas: two are as often a name and a place."""
    items = [item for item in _SEPARATOR.split(_LAST.sub(", ", answer)) if item.strip()]
    least = 2 if "\n" in answer or ";" in answer else 3
    return len(items) >= least and all(_count_words(item) <= _SHORT_ITEM for item in items)


def _count_words(text: str) -> int:
    """Words, or pairs of characters where words are not separated."""
    return max(len(text.split()), sum(ord(character) >= 0x2E80 for character in text) // 2)
