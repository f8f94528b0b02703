"""Questions for amounts and dates of running text by what they stand beside: `A late fee` of `1.5%`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer, is_label, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.english import classify_answer


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each figure of the text that is trusted."""
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind != "figure" or not fact.boxes:
                continue
            label, kind = strip_label(fact.label), classify_answer(fact.value)
            topic = make_topic("in the text", label)
            trusted = fact.confidence >= MIN_CONFIDENCE and is_label(label) and is_answer(fact.value)
            form, name = choose_form(label, kind, asked.language)
            askings = (Asking(form, {"label": name}, topic),) if form else ()
            evidence = (Evidence(page.number, fact.value, fact.boxes),)
            worth = 0.7 if form == "amount.is" else 0.4
            yield Draft("amount", askings, fact.value, kind, evidence, f"text {page.number}", worth, (topic,), trusted)


_SUBJECT = re.compile(r"(?P<name>(?:The|A|An) [^,;:]+?) (?:is|was|are|were)")


def choose_form(label: str, kind: str, language: str) -> tuple[str, str]:
    """The form of the wordings for what stands before a figure. In English it has to be the subject of `is`, since of
    a piece of a sentence nobody would ask."""
    if language != "en":
        return ("amount.date" if kind == "date" else "amount"), label
    match = _SUBJECT.fullmatch(label)
    return ("amount.is", match["name"][0].lower() + match["name"][1:]) if match and kind != "date" else ("", label)
