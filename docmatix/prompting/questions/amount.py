"""Questions for amounts and dates of running text by what they stand beside: `A late fee` of `1.5%`."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.pairs import Evidence
from docmatix.prompting.questions.plain_texts import is_answer, is_label, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.english import classify_answer

MIN_CONFIDENCE = 0.5


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each figure of the text that is trusted."""
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind != "figure" or not fact.boxes:
                continue
            label, kind = strip_label(fact.label), classify_answer(fact.value)
            topic = make_topic("in the text", label)
            trusted = fact.confidence >= MIN_CONFIDENCE and is_label(label) and is_answer(fact.value)
            form = "amount.date" if kind == "date" else "amount"
            askings = (Asking(form, {"label": label}, topic),) if trusted else ()
            evidence = (Evidence(page.number, fact.value, fact.boxes),)
            yield Draft("amount", askings, fact.value, kind, evidence, f"text {page.number}", 0.7, (topic,))
