"""Questions for the values of fields: `What is the invoice number?`; of empty ones, whether they are filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer, is_label, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.wordings import load_wordings
from docmatix.text.english import classify_answer, is_generic, is_noun, is_several, names_person, spell_label
from docmatix.text.pieces import fold
from docmatix.text.short_texts import keep_short

_COLON = re.compile(r"\s?[:：]")
_FULL_STOP = re.compile(r"\d\.$")
MOST_SEARCHED = 300
"""Labels of a window that are looked for in its text."""


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each field; those that are not trusted only make their labels ambiguous."""
    fields = [fact for page in asked.pages for fact in page.facts if fact.kind == "field"]
    elsewhere = _find_elsewhere(asked.pages, fields)
    for page in asked.pages:
        lines = [fold(fact.value) for fact in page.facts if fact.kind in ("title", "heading", "subject")]
        for fact in page.facts:
            if fact.kind == "field":
                label = strip_label(fact.label)
                yield _draft_value(page, fact, label, asked.language, lines)
                if label in elsewhere:
                    # it stands before a colon where no field was read
                    yield Draft("field", (), "", "text", (), "fields", rivals=(make_topic(label),))
    yield from _draft_filled(asked)


def _find_elsewhere(pages: Sequence[Page], fields: Sequence[Fact]) -> set[str]:
    """The labels that stand before a colon more often than fields with them, or with longer labels that end in them,
    were read."""
    labels = Counter(strip_label(fact.label) for fact in fields)
    if len(labels) > MOST_SEARCHED:
        return set()
    before = Counter(
        said
        for page in pages
        for line in page.text.casefold().split("\n")
        if ":" in line or "：" in line
        for said in _COLON.split(line)[:-1]
    )
    found = set()
    folded = [(label.casefold(), count) for label, count in labels.items()]
    for label, own in labels.items():
        low = label.casefold()
        there = sum([count for said, count in before.items() if said.endswith(low) and _ends_in(said, low)])
        # of the others only where there are more than its own
        if low and there > own and there > sum([count for other, count in folded if other.endswith(low)]):
            found.add(label)
    return found


def _ends_in(said: str, label: str) -> bool:
    """Whether a text ends in a label, whole words."""
    return said.endswith(label) and not said[: -len(label)][-1:].isalnum()


def _draft_value(page: Page, fact: Fact, label: str, language: str, lines: Sequence[str]) -> Draft:
    evidence = (Evidence(page.number, fact.value, fact.boxes),)
    # the full stop of the sentence that a telephone number ends
    answer = fact.value[:-1] if _FULL_STOP.search(fact.value) else fact.value
    trusted = fact.confidence >= MIN_CONFIDENCE and is_label(label) and is_answer(fact.value) and bool(fact.boxes)
    # the letter that heads a part of a directory is nobody's value
    trusted = trusted and not (len(fact.value) == 1 and fact.value.isalpha())
    if trusted and lines:
        folded, value = fold(label), fold(fact.value)
        trusted = not any(folded in line and value in line for line in lines)
    form, name = choose_form(label, fact.value, language)
    asking = Asking(form, {"label": name, "quoted": label}, make_topic(label))
    askings = [asking]
    section = fact.path[-1] if fact.path else ""
    if is_label(section):
        slots = {**asking.slots, "section": section}
        askings.append(Asking(form, slots, make_topic(label, section), ("in_section",)))
        if is_generic(label):
            askings.reverse()
    worth = fact.confidence * (0.8 if len(fact.value.split()) > 12 else 1.0)
    kind = classify_answer(answer)
    return Draft("field", tuple(askings), answer, kind, evidence, f"fields {page.number}", worth, asked=trusted)


def _draft_filled(asked: AskedPages) -> Iterator[Draft]:
    """Of windows with an empty field, whether each of their fields is filled in."""
    wordings = load_wordings(asked.language)
    held = [(page, fact) for page in asked.pages for fact in page.facts if fact.kind in ("field", "empty_field")]
    if wordings is None or all(fact.kind == "field" for _, fact in held):
        return
    for page, fact in held:
        label = strip_label(fact.label)
        boxes = fact.boxes if fact.value else fact.label_boxes
        answer = wordings.no if fact.kind == "empty_field" else wordings.yes
        asking = Asking("field.filled", {"label": label}, make_topic("filled in", label))
        evidence = (Evidence(page.number, fact.value or fact.label, boxes),)
        trusted = fact.confidence >= MIN_CONFIDENCE and bool(boxes) and is_label(label)
        yield Draft("filled", (asking,), answer, "yes_no", evidence, f"filled {page.number}", 0.5, asked=trusted)


def choose_form(label: str, value: str, language: str) -> tuple[str, str]:
    """The form of the wordings for a label, and how it is spelled there. Only in English is it known what a noun is."""
    form, name = _choose_form(label, language)
    if form in ("field.plural", "field.noun") and names_person(label, value):
        return "field.person", name
    return form, name


@keep_short(16384)
def _choose_form(label: str, language: str) -> tuple[str, str]:
    """`choose_form` of a value that is no person."""
    if label.endswith(("?", "？")):
        return "field.question", label
    if language != "en" or not is_noun(label) or len(label.split()) > 6:
        return "field.quoted", label
    name = spell_label(label)
    if not name:
        return "field.quoted", label
    return ("field.plural" if is_several(name) else "field.noun"), name
