"""Questions for headings: of the paragraph that begins so, and of the section with that number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import (
    count_words,
    is_answer,
    is_label,
    looks_cited,
    strip_mark,
    strip_number,
)
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.word_places import WordPlaces

OPENING_WORDS = 6
"""Of a paragraph, by which it is called."""


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """Drafts for the headings of the pages, over all of which their texts and numbers have to be the only ones."""
    numbers = {strip_number(fact.value)[0] for page in asked.pages for fact in page.facts if fact.kind == "heading"}
    text = ""
    if any(fact.kind == "section" for page in asked.pages for fact in page.facts):
        text = "\n".join(" ".join(page.text.split()) for page in asked.pages)
    for page in asked.pages:
        headings = [fact for fact in page.facts if fact.kind == "heading"]
        by_text = {fact.value: fact for fact in reversed(headings)}
        sections = [fact for fact in page.facts if fact.kind == "section"]
        places = WordPlaces(page.words if sections else ())
        for fact in headings:
            yield _draft_numbered(page, fact, numbers)
        for fact in sections:
            if draft := _draft_opening(page, fact, by_text.get(fact.label), text, places):
                yield draft


def _is_trusted(fact: Fact) -> bool:
    return fact.confidence >= MIN_CONFIDENCE and bool(fact.boxes) and is_answer(fact.value, max_words=20)


def _draft_numbered(page: Page, fact: Fact, numbers: Set[str]) -> Draft:
    """What a section with a number is called; one without makes nothing ambiguous."""
    number, rest = strip_number(fact.value)
    topic = make_topic("section number", number) if number else make_topic("heading", fact.value)
    trusted = _is_trusted(fact) and _is_numbering(number, fact.value, numbers) and is_answer(rest, max_words=20)
    asking = Asking("heading.number", {"number": number}, topic)
    evidence = (Evidence(page.number, fact.value, fact.boxes),)
    return Draft("heading", (asking,) if number else (), rest, "text", evidence, "headings", 0.85, (topic,), trusted)


def _is_numbering(number: str, heading: str, numbers: Set[str]) -> bool:
    """Whether a number counts sections: with a point, or beside its neighbours; `14 CFR Part 39` is no section 14."""
    if not number.isdigit():
        return bool(number)
    near = {str(int(number) - 1), str(int(number) + 1), f"{number}.1"}
    return heading.startswith(f"{number}.") or not near.isdisjoint(numbers)


def _draft_opening(page: Page, fact: Fact, heading: Fact | None, text: str, places: WordPlaces) -> Draft | None:
    """The heading above the paragraph that begins with certain words, which no other text of the pages says."""
    if heading is None or not _is_trusted(heading) or fact.confidence < MIN_CONFIDENCE:
        return None
    words = fact.value.split()
    opening = " ".join(words[:OPENING_WORDS]) if len(words) > OPENING_WORDS else fact.value[: 2 * OPENING_WORDS]
    opening = opening.rstrip(",;:.–—-(，；：。（ ")
    name = strip_mark(heading.value)
    if not _stands_out(places, heading, fact):
        return None
    if len(fact.boxes) > 1 and _HANGUL.search(opening):
        return None  # its lines may break within a word
    if count_words(fact.value) < 2 * OPENING_WORDS or not is_label(opening) or not opening[0].isalpha():
        return None
    if not is_answer(name, max_words=20) or looks_cited(fact.value):
        return None
    if text.count(opening) > 1:
        return None
    topic = make_topic("paragraph", opening)
    evidence = (Evidence(page.number, heading.value, heading.boxes),)
    asking = Asking("heading.paragraph", {"opening": opening}, topic)
    return Draft("heading", (asking,), name, "text", evidence, "paragraphs", 0.8, (topic,))


_HANGUL = re.compile(r"[\uac00-\ud7af]")


def _stands_out(places: WordPlaces, heading: Fact, section: Fact) -> bool:
    """Whether a heading is numbered, bold or larger than its text: capitals alone may begin the sentence below."""
    words = [word for box in heading.boxes for word in places.list_within(box)]
    below = [word for box in section.boxes[:1] for word in places.list_within(box)]
    sizes = [word.size for word in below if word.size]
    if strip_mark(heading.value) != heading.value or not words or not sizes:
        return True
    return any(word.bold for word in words) or max(word.size for word in words) > 1.04 * max(sizes)
