"""The wordings of questions from facts: one YAML file a language in `wordings/`, each with several templates a form.

A template is a question with slots (`What is the {label}?`); a qualifier is a phrase (` in the section "{section}"`)
that goes where the template says `{qualifiers}`, since in some languages a verb ends the question, and else before its
question mark. Known fields have questions of their own, with the article that a label does not show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from docmatix.core.draws import hash_seeded
from docmatix.prompting.questions.question import Asking
from docmatix.text.pieces import fold

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh", "ko")
_MARK = re.compile(r"[\s\u202f\u00a0]*[?？؟]$")
_PLACE = "{qualifiers}"
_VALUES = frozenset({"field.noun", "field.plural", "field.person", "field.quoted"})


@dataclass(frozen=True, slots=True)
class Wordings:
    """What one language says. `forms` by name, `qualifiers` by name, `known` questions by folded label."""

    language: str
    yes: str
    no: str
    forms: Mapping[str, tuple[str, ...]]
    qualifiers: Mapping[str, str]
    known: Mapping[str, tuple[str, ...]]
    value_columns: frozenset[str]
    """Folded headers that say nothing of their column: `Value`."""

    def list_templates(self, asking: Asking) -> tuple[str, ...]:
        """The templates of an asking; a known field's own come before its form's."""
        return self.find_known(asking) or self.forms[asking.form]

    def find_known(self, asking: Asking) -> tuple[str, ...] | None:
        """The questions of a known field's own, if it is one."""
        return self.known.get(fold(asking.slots["label"])) if asking.form in _VALUES else None

    def word(self, asking: Asking, number: int) -> str:
        """The question of one of the templates."""
        added = "".join([self.qualifiers[name] for name in asking.qualifiers])
        templates = _qualify(self.list_templates(asking), added)
        return _fill(templates[number % len(templates)], asking.slots)


@cache
def _qualify(templates: tuple[str, ...], added: str) -> tuple[str, ...]:
    """Templates with the phrases added that qualify them."""
    # a label that is the question itself takes none
    return tuple(_add_to(template, added) for template in templates if not added or _MARK.search(template))


def _add_to(template: str, added: str) -> str:
    """A template with the phrases added that qualify it."""
    if _PLACE not in template and (mark := _MARK.search(template)):
        template = template[: mark.start()] + _PLACE + template[mark.start() :]
    return template.replace(_PLACE, added)


_SLOT = re.compile(r"\{(\w+)\}")


@cache
def _cut(template: str) -> list[str]:
    """A template in pieces: text and names of slots, in turns."""
    return _SLOT.split(template)


def _fill(template: str, slots: Mapping[str, str]) -> str:
    """Slots by their texts, which may hold braces themselves."""
    pieces = _cut(template).copy()
    pieces[1::2] = [slots[name] for name in pieces[1::2]]
    return "".join(pieces)


@cache
def load_wordings(language: str) -> Wordings | None:
    """The wordings of a language (ISO 639-1); None for one without."""
    if language not in LANGUAGES:
        return None
    text = files("docmatix.prompting.questions").joinpath(f"wordings/{language}.yaml").read_text("utf-8")
    content = yaml.safe_load(text)
    known = {fold(label): tuple(entry["questions"]) for entry in content.get("known", ()) for label in entry["labels"]}
    return Wordings(
        language=language,
        yes=content["answer_yes"],
        no=content["answer_no"],
        forms={name: tuple(templates) for name, templates in content["forms"].items()},
        qualifiers=content["qualifiers"],
        known=known,
        value_columns=frozenset(map(fold, content["value_columns"])),
    )


def rank_templates(count: int, *, seed: int, key: str, used: Mapping[int, int]) -> list[int]:
    """The numbers of `count` templates, least used first and then as drawn."""
    if count == 1:
        return [0]
    return sorted(range(count), key=lambda number: (used.get(number, 0), hash_seeded(seed, key, number)))
