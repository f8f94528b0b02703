"""The question for the number printed on a page, where a window has one page alone."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for the page number of a lone page: of several, some may have none."""
    if asked.shown > 1:
        return
    topic = make_topic("page number")
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind == "page_number" and fact.boxes:
                evidence = (Evidence(page.number, fact.value, fact.boxes),)
                trusted = fact.confidence >= MIN_CONFIDENCE and is_answer(fact.value, max_words=4)
                asking = Asking("page_number", {}, topic)
                yield Draft("page_number", (asking,), fact.value, "number", evidence, "page number", 0.5, asked=trusted)
