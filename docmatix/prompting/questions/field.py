"""Questions for the values of fields: `What is the invoice number?`."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.english import classify_answer, is_noun, is_plural, names_person, spell_label

MIN_CONFIDENCE = 0.5


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """A draft for each trusted field; the others only make their labels ambiguous."""
    for page in asked.pages:
        for fact in page.facts:
            if fact.kind == "field":
                yield _draft(page, fact, asked.language)


def _draft(page: Page, fact: Fact, language: str) -> Draft:
    evidence = (Evidence(page.number, fact.value, fact.boxes),)
    topic = make_topic(fact.label)
    if fact.confidence < MIN_CONFIDENCE:
        return Draft("field", (), fact.value, "text", evidence, "fields", rivals=(topic,))
    form, label = choose_form(fact.label, fact.value, language)
    askings = [Asking(form, {"label": label}, topic)]
    if fact.path:
        section = {"label": label, "section": fact.path[-1]}
        askings.append(Asking(form, section, make_topic(fact.label, fact.path[-1]), ("in_section",)))
    kind = classify_answer(fact.value)
    return Draft("field", tuple(askings), fact.value, kind, evidence, f"fields {page.number}", fact.confidence)


def choose_form(label: str, value: str, language: str) -> tuple[str, str]:
    """The form of the wordings for a label, and how it is spelled there. Only in English is it known what a noun is."""
    if language != "en" or not is_noun(label):
        return "field.quoted", label
    name = spell_label(label)
    if names_person(label, value):
        return "field.person", name
    return ("field.plural" if is_plural(name) else "field.noun"), name
