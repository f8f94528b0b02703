"""Questions for the title of a document."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """The title on a document's first page; those of further pages make it ambiguous."""
    topic = make_topic("title of the document")
    # the label of a figure that fills its page is set as large
    lone = not any(fact.kind != "title" for page in asked.pages for fact in page.facts)
    lone = lone and not any(page.tables for page in asked.pages)
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind != "title" or not fact.boxes:
                continue
            evidence = (Evidence(page.number, fact.value, fact.boxes),)
            trusted = (
                page.number == 1
                and not lone
                and fact.confidence >= MIN_CONFIDENCE
                and is_answer(fact.value, max_words=25)
            )
            asking = Asking("title", {}, topic)
            yield Draft("title", (asking,), fact.value, "text", evidence, "title", fact.confidence, asked=trusted)
