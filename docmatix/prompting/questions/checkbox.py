"""Questions for check boxes and radio buttons: which option is ticked, and whether one is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer, is_label, join_list, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.wordings import load_wordings

MOST_OPTIONS = 12


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """For each group of options what is ticked; for single options whether they are."""
    wordings = load_wordings(asked.language)
    if wordings is None:
        return
    for page in asked.pages:
        boxes = [fact for fact in page.facts if fact.kind == "checkbox"]
        for number, (label, held) in enumerate(groupby(boxes, key=lambda fact: strip_label(fact.label))):
            options = list(held)
            trusted = all(one.confidence >= MIN_CONFIDENCE and one.boxes and is_answer(one.value) for one in options)
            source = f"boxes {page.number}:{number}"
            if is_label(label) and len(options) > 1:
                few = len(options) <= MOST_OPTIONS
                yield _draft_ticked(page, label, options, source, asked.language, trusted=trusted and few)
            for option in options:
                answer = wordings.yes if _is_ticked(option) else wordings.no
                yield _draft_option(page, label, option, answer, source, trusted=trusted)


def _is_ticked(option: Fact) -> bool:
    return option.path == ("checked",)


def _draft_ticked(page: Page, label: str, options: list[Fact], source: str, language: str, *, trusted: bool) -> Draft:
    ticked = [option for option in options if _is_ticked(option)]
    topic = make_topic(label)
    answer = (
        join_list((option.value for option in ticked), language)
        if len(ticked) > 1
        else "".join(option.value for option in ticked)
    )
    evidence = tuple(Evidence(page.number, option.value, option.boxes) for option in ticked)
    form = "field.question" if label.endswith(("?", "？")) and len(ticked) == 1 else "checkbox.which"
    form = "checkbox.several" if len(ticked) > 1 else form
    asking = Asking(form, {"label": label}, topic)
    kind = "list" if len(ticked) > 1 else "text"
    return Draft("checkbox", (asking,), answer, kind, evidence, source, 0.9, asked=trusted and bool(ticked))


def _draft_option(page: Page, label: str, option: Fact, answer: str, source: str, *, trusted: bool) -> Draft:
    evidence = (Evidence(page.number, option.value, option.boxes),)
    topic = make_topic("ticked", label, option.value)
    trusted = trusted and is_label(option.value)
    slots = {"label": label, "option": option.value}
    asking = Asking("checkbox.is" if is_label(label) else "checkbox.lone", slots, topic)
    return Draft("checkbox", (asking,), answer, "yes_no", evidence, source, 0.55, asked=trusted)
