"""Questions for the captions of figures and tables, and for footnotes."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer, is_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.numbers import has_digit


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each caption with a number (`Figure 3`) and each footnote with one."""
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind not in ("caption", "footnote") or not fact.boxes:
                continue
            topic = make_topic(fact.kind, fact.label)
            label, answer = fact.label.strip(" .:"), fact.value.lstrip(" .:–—-")
            if fact.kind == "caption" and answer.count(".") == 1:
                answer = answer.rstrip(".")
            trusted = fact.confidence >= MIN_CONFIDENCE and has_digit(label) and is_answer(answer)
            trusted = trusted and is_answer(label, max_words=3)
            if fact.kind == "caption":
                trusted = trusted and is_label(label)
            asking = Asking(fact.kind, {"label": label}, topic)
            evidence = (Evidence(page.number, fact.value, fact.boxes),)
            source = f"{fact.kind}s {page.number}"
            yield Draft(fact.kind, (asking,), answer, "text", evidence, source, 0.85, asked=trusted)
