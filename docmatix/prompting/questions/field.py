"""Questions for the values of fields: `What is the invoice number?`; of empty ones, whether they are filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.prompting.questions.plain_texts import is_answer, is_label, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.wordings import load_wordings
from docmatix.text.english import classify_answer, is_generic, is_noun, is_several, names_person, spell_label
from docmatix.text.pieces import fold

MIN_CONFIDENCE = 0.5
MOST_SEARCHED = 300
"""Labels of a window that are looked for in its text."""


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each trusted field; the others only make their labels ambiguous."""
    wordings = load_wordings(asked.language)
    known = Counter(
        fold(strip_label(fact.label)) for page in asked.pages for fact in page.facts if fact.kind == "field"
    )
    text = " ".join(" ".join(page.text.split()) for page in asked.pages).casefold()
    for page in asked.pages:
        lines = [fold(fact.value) for fact in page.facts if fact.kind in ("title", "heading", "subject")]
        empty = any(fact.kind == "empty_field" for fact in page.facts)
        for fact in page.facts:
            label = strip_label(fact.label)
            if fact.kind == "field":
                yield _draft_value(page, fact, label, asked.language, lines)
                if (
                    label
                    and len(re.findall(rf"(?<!\w){re.escape(label.casefold())}\s?[:：]", text)) > known[fold(label)]
                ):
                    # it stands before a colon where no field was read
                    yield Draft("field", (), "", "text", (), "fields", rivals=(make_topic(label),))
            if wordings and fact.kind in ("field", "empty_field") and empty and is_label(label):
                answer = wordings.no if fact.kind == "empty_field" else wordings.yes
                yield _draft_filled(page, fact, label, answer)


def _draft_value(page: Page, fact: Fact, label: str, language: str, lines: Sequence[str]) -> Draft:
    evidence = (Evidence(page.number, fact.value, fact.boxes),)
    topic = make_topic(label)
    # the full stop of the sentence that a telephone number ends
    answer = fact.value[:-1] if re.search(r"\d\.$", fact.value) else fact.value
    kind = classify_answer(answer)
    trusted = fact.confidence >= MIN_CONFIDENCE and is_label(label) and is_answer(fact.value)
    # the letter that heads a part of a directory is nobody's value
    trusted = trusted and not (len(fact.value) == 1 and fact.value.isalpha())
    trusted = trusted and not any(fold(label) in line and fold(fact.value) in line for line in lines)
    if not trusted or not fact.boxes:
        return Draft("field", (), fact.value, kind, evidence, "fields", rivals=(topic,))
    form, name = choose_form(label, fact.value, language)
    asking = Asking(form, {"label": name, "quoted": label}, topic)
    askings = [asking]
    section = fact.path[-1] if fact.path else ""
    if is_label(section):
        slots = {**asking.slots, "section": section}
        askings.append(Asking(form, slots, make_topic(label, section), ("in_section",)))
        if is_generic(label):
            askings.reverse()
    worth = fact.confidence * (0.8 if len(fact.value.split()) > 12 else 1.0)
    return Draft("field", tuple(askings), answer, kind, evidence, f"fields {page.number}", worth)


def _draft_filled(page: Page, fact: Fact, label: str, answer: str) -> Draft:
    boxes = fact.boxes if fact.value else fact.label_boxes
    evidence = (Evidence(page.number, fact.value or fact.label, boxes),)
    topic = make_topic("filled in", label)
    asking = Asking("field.filled", {"label": label}, topic)
    trusted = fact.confidence >= MIN_CONFIDENCE and bool(boxes)
    return Draft(
        "empty_field", (asking,) if trusted else (), answer, "yes_no", evidence, f"filled {page.number}", 0.5, (topic,)
    )


def choose_form(label: str, value: str, language: str) -> tuple[str, str]:
    """The form of the wordings for a label, and how it is spelled there. Only in English is it known what a noun is."""
    if label.endswith(("?", "？")):
        return "field.question", label
    if language != "en" or not is_noun(label) or len(label.split()) > 6:
        return "field.quoted", label
    name = spell_label(label)
    if names_person(label, value):
        return "field.person", name
    return ("field.plural" if is_several(name) else "field.noun"), name
