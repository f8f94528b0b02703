"""Answers in which the model declined to answer."""

from __future__ import annotations

import re
from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext

_SOURCE = (
    "(?:the|this|that|these) (?:(?:provided|given|above|following|supplied|available) )?(?:documents?|texts?|passages?"
    "|pages?|contexts?|excerpts?|pdf|content|images?|information|source|snippet|article)"
)
_GIVEN = "(?:mentioned|specified|stated|provided|given|included|present|available|found|disclosed|indicated|contained)"
_IN_SOURCE = f"(?:in|by|within|on|from) {_SOURCE}"
_CANNOT = "(?:cannot|can't|can not|could not|couldn't)"
_NOT = "(?: not|n't)"
_UNANSWERABLE = re.compile(r"(?i)^\W*(?:(?:the|this) (?:question|answer) is |it is )?un-?answerable\b")
_REFUSALS = (
    rf"\bthis question (?:is un-?answerable|{_CANNOT} be answered)",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model|(?:virtual|text-based) assistant)\b",
    r"\bI(?: am|'m) (?:(?:very |so )?sorry|(?:un|not )able to|(?:just )?an? (?:ai|(?:large )?language model))\b",
    r"^\W*(?:sorry|apologies|I apologi[sz]e)\b",
    rf"\bI (?:{_CANNOT}|do not|don't) (?:\w{{1,12}} ){{0,2}}(?:answer|determine|find|provide|help|assist|identify"
    r"|fulfil+|generate|create|access|see|view|have|infer)\b",
    rf"\b(?:is|are|was|were){_NOT} (?:\w{{1,12}} )?{_GIVEN} (?:\w{{1,12}} ){{0,2}}{_IN_SOURCE}",
    rf"^\W*not (?:\w{{1,12}}ly )?{_GIVEN}(?:\W*$| {_IN_SOURCE})",
    rf"\b{_SOURCE} (?:itself )?(?:does|did|do){_NOT} (?:\w{{1,12}}ly )?(?:mention|specify|state|provide|contain|include"
    "|say|give|indicate|discuss|have|offer|disclose|address|describe)",
    rf"\b{_CANNOT} be (?:\w{{1,12}}ly )?(?:determined|answered|inferred|identified)"
    r"(?:\W*$| (?:from|based|with|without|using|by)\b)",
    r"\b(?:not enough|insufficient) (?:information|context|data|details?)\b",
    r"(?:\b(?:there is|there's) |^\W*)no (?:\w{1,12} )?(?:information|mention|answer|data|details?)\b"
    rf"(?:\W*$| (?:[^ ]{{1,20}} ){{0,8}}{_IN_SOURCE}| (?:is |was )?{_GIVEN}\W*$)",
)
_REFUSAL = re.compile("|".join((_UNANSWERABLE.pattern, *_REFUSALS)))


class Refused(Filter):
    """The model declined, or said that the text does not say: `refusal`. An answer printed on the page is kept."""

    kind: Literal["refusal"] = "refusal"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if _UNANSWERABLE.search(pair.question):
            return "refusal"
        answer = " ".join(pair.answer.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
        return "refusal" if _REFUSAL.search(answer) and not context.is_printed else None
