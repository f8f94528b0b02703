"""The wordings of all languages: every form has them, they can be filled, and what they make is a question."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box
from docmatix.core.pairs import Evidence
from docmatix.prompting.questions.asking import gives_away, tell_apart, word_questions
from docmatix.prompting.questions.question import Asking, Draft, make_topic
from docmatix.prompting.questions.wordings import LANGUAGES, Wordings, load_wordings
from docmatix.text.pieces import fold

NEEDS_GRAMMAR = frozenset(
    "field.noun field.plural field.person cell.noun cell.plural cell.person cell.count cell.period cell.value "
    "cell.which_noun cell.row_period cell.column_value amount.is "
    "cell.period_several".split()
)
"""Forms that only English has: elsewhere nothing tells a noun, its gender or its number (`field.choose_form`)."""
LEAST = {"field.quoted": 5, "cell.quoted": 5, "heading.paragraph": 4, "list.first": 3, "list.last": 3, "list.all": 3}
MARKS = {"zh": "？", "ja": "？", "ar": "؟", "fa": "؟"}
OTHERS = [language for language in LANGUAGES if language != "en"]
SLOT = re.compile(r"\{(\w+)\}")
ARTICLES = {
    "en": "the a an",
    "de": "der die das den dem des ein eine einen einem einer eines",
    "fr": "le la les l un une des",
    "es": "el la los las un una",
    "it": "il lo la i gli le l un uno una",
    "pt": "o a os as um uma",
    "nl": "de het een",
}


def load(language: str) -> Wordings:
    wordings = load_wordings(language)
    assert wordings is not None
    return wordings


def list_slots(template: str) -> list[str]:
    return [slot for slot in SLOT.findall(template) if slot != "qualifiers"]


def list_all(wordings: Wordings) -> list[str]:
    """The templates of the forms and of the known fields."""
    held = (*wordings.forms.values(), *wordings.known.values())
    return list(dict.fromkeys(template for templates in held for template in templates))


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_form_but_those_that_need_grammar(language):
    assert set(load(language).forms) == load("en").forms.keys() - NEEDS_GRAMMAR


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_has_several_wordings_of_which_none_is_there_twice(language):
    for form, templates in load(language).forms.items():
        assert len(templates) >= LEAST.get(form, 2), form
        assert len(set(templates)) == len(templates), form


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_wordings_of_a_form_have_the_slots_of_the_first_english_one_each_once(language):
    for form, templates in load(language).forms.items():
        for template in templates:
            assert sorted(list_slots(template)) == sorted(list_slots(load("en").forms[form][0])), template
            assert template.count("{qualifiers}") <= 1, template


@pytest.mark.parametrize("language", LANGUAGES)
def test_qualifiers_have_the_slots_of_the_english_ones(language):
    english, own = load("en").qualifiers, load(language).qualifiers
    assert {name: list_slots(text) for name, text in own.items()} == {
        name: list_slots(text) for name, text in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wording_ends_with_its_question_mark(language):
    for template in list_all(load(language)):
        if template != "{label}":
            before = "\u202f" if language == "fr" else ""
            assert template.endswith(before + MARKS.get(language, "?")), template
            assert language != "es" or template.count("¿") == 1, template


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_doubles_a_space_or_an_article(language):
    wordings = load(language)
    article = f"(?:{'|'.join(ARTICLES.get(language, 'none').split())})"
    doubled = re.compile(rf"\b{article}['’ ] *{article}\b", re.IGNORECASE)
    for text in (*list_all(wordings), *wordings.qualifiers.values()):
        filled = SLOT.sub("0", text.replace("{qualifiers}", ""))
        assert "  " not in filled, text
        assert filled.count("(") == filled.count(")"), text
        assert text.strip(), text
        assert not doubled.search(filled), text
        words = re.findall(r"\w+", filled.lower())
        assert not any(one == other != "0" for one, other in pairwise(words)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_slots_of_what_is_printed_stand_in_quotation_marks(language):
    quoted = re.compile(r"[\"„“”«「『《]\u202f?$")
    plain = {"number", "unit", "qualifiers"}
    for form, templates in load(language).forms.items():
        if form in NEEDS_GRAMMAR or form in ("caption", "footnote"):
            continue
        for template in templates:
            for match in SLOT.finditer(template):
                if match[1] not in plain and template != "{label}":
                    assert quoted.search(template[: match.start()]), template


@pytest.mark.parametrize("language", LANGUAGES)
def test_known_fields_are_many_and_each_label_is_in_one_entry(language):
    text = files("docmatix.prompting.questions").joinpath(f"wordings/{language}.yaml").read_text("utf-8")
    entries = yaml.safe_load(text)["known"]
    labels = Counter(folded for entry in entries for folded in {fold(label) for label in entry["labels"]})
    assert [label for label, count in labels.items() if count > 1] == []
    assert len(entries) >= 40
    for entry in entries:
        assert 2 <= len(set(entry["questions"])) == len(entry["questions"]) <= 3, entry
        assert all(list_slots(question) == [] for question in entry["questions"]), entry


LABELS = st.text("abcdefghij éüñłß-.,:()/{}0123456789", min_size=2, max_size=30).filter(lambda text: fold(text) != "")
NAMES = ("label", "section", "table", "group", "unit", "option", "row", "column", "key", "value", "lead", "number")


@given(
    language=st.sampled_from(LANGUAGES),
    slots=st.fixed_dictionaries(dict.fromkeys((*NAMES, "heading", "opening"), LABELS)),
    answer=LABELS,
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_no_question_gives_away_its_answer_or_leaves_a_slot_open(language, slots, answer, seed, data):
    wordings = load(language)
    form = data.draw(st.sampled_from(sorted(wordings.forms)))
    qualifiers = data.draw(st.sampled_from([(), ("in_section",), ("in_group", "in_table", "in_unit")]))
    evidence = (Evidence(1, answer, (Box(0.1, 0.1, 0.2, 0.2),)),)
    asking = Asking(form, slots, make_topic(form, *slots.values()), qualifiers)
    draft = Draft("field", (asking,), answer, "text", evidence, "fields 1")
    for made in word_questions(tell_apart([(draft, wordings)]), key="window", seed=seed):
        assert made.question.strip()
        assert not gives_away(made.question, draft)
        for template in wordings.list_templates(asking):
            assert all(slots[slot] in made.question for slot in list_slots(template))


def test_a_qualifier_stands_before_the_verb_at_the_end_and_else_before_the_question_mark():
    slots = {"label": "Name", "section": "Kontakt"}
    asking = Asking("field.filled", slots, make_topic("Name"), ("in_section",))
    assert load("de").word(asking, 0) == "Ist das Feld „Name“ ausgefüllt im Abschnitt „Kontakt“?"


def test_a_label_that_is_the_question_is_not_asked_with_a_qualifier():
    slots = {"label": "Rauchen Sie?", "section": "Gesundheit"}
    asking = Asking("field.question", slots, make_topic("Rauchen Sie?"), ("in_section",))
    questions = {load("de").word(asking, number) for number in range(3)}
    assert questions == {
        "Wie wird die Frage „Rauchen Sie?“ im Abschnitt „Gesundheit“ beantwortet?",
        "Wie lautet die Antwort auf die Frage „Rauchen Sie?“ im Abschnitt „Gesundheit“?",
    }


def test_whether_a_known_field_is_filled_in_is_not_asked_by_the_question_for_its_value():
    asking = Asking("field.filled", {"label": "Telefon"}, make_topic("Telefon"))
    assert load("de").word(asking, 0) == "Ist das Feld „Telefon“ ausgefüllt?"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_to_be_read_has_every_wording(language):
    text = (Path(__file__).parents[3] / "docs" / "wordings.md").read_text("utf-8")
    rows = text.partition(f"\n## {language}\n")[2].partition("\n## ")[0].replace("\\", "")
    for form, templates in load(language).forms.items():
        for template in templates:
            shown = ".+".join(map(re.escape, re.split(r"\{\w+\}", template.replace("{qualifiers}", ""))))
            assert re.search(rf"^\| {re.escape(form)} \| {shown} \|", rows, re.MULTILINE), f"make wordings: {template}"
