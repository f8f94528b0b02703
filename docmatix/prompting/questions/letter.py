"""Questions for the parts of a letter: to whom it goes, its date and subject, who signs it."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.word_places import WordPlaces
from docmatix.text.english import classify_answer

_PARTS = ("addressee", "date", "subject", "signatory")


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each part; it takes two of different sorts to make a letter."""
    for page in asked.pages:
        parts = [fact for fact in page.facts if fact.kind in _PARTS and fact.boxes]
        letter = len({fact.kind for fact in parts if fact.confidence >= MIN_CONFIDENCE}) > 1
        for fact in parts:
            yield _draft(page, fact, letter=letter)


def _draft(page: Page, fact: Fact, *, letter: bool) -> Draft:
    answer, boxes = fact.value, fact.boxes
    if fact.kind in ("addressee", "signatory"):
        # the name; what follows is an address or a position
        if len(boxes) > 1:
            answer = " ".join(word.text for word in WordPlaces(page.words).list_within(boxes[0]))
        boxes = boxes[:1]
    answer = answer.strip(" ,;")
    topic = make_topic("letter", fact.kind)
    trusted = fact.confidence >= MIN_CONFIDENCE and is_answer(answer, max_words=25) and letter
    asking = Asking(f"letter.{fact.kind}", {}, topic)
    evidence = (Evidence(page.number, answer, boxes),)
    kind = classify_answer(answer)
    return Draft("letter", (asking,), answer, kind, evidence, "letter", 0.95, asked=trusted)
