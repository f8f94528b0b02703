"""Questions for the value of a form field or a table cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.prompting.questions.sentences.template import Template
from docmatix.text.english import (
    COUNTED_LABELS,
    VALUE_LABELS,
    classify_answer,
    is_noun,
    is_period,
    is_plural,
    is_quantity,
    names_person,
    spell_label,
)
from docmatix.text.field_list import SCALE_MARK, read_fields
from docmatix.text.numbers import CURRENCY, MAGNITUDES, MINUS, UNITS

_PAPERS = frozenset(
    "invoice receipt form application order contract certificate statement report letter quote quotation bill "
    "agreement datasheet questionnaire note slip ticket estimate memo memorandum notice permit policy".split()
)
"""What a form calls itself, so that `on the ...` can follow."""


def find_field_template(answer: str, context: str, label: str) -> Template | None:
    """A field of a form, or a cell by its column and row. Only a label that is surely a noun follows `What is the`
    (compare `What is the planted of Field maple`); the others are quoted."""
    fields, name = read_fields(context), spell_label(label)
    if not fields or not name:
        return None
    if len(fields) == 1 or (len(fields) == 2 and not fields[0][0] and fields[1][0] == label):
        return _find_form_template(answer, label, heading=fields[0][1] if len(fields) == 2 else "")
    openings = _ask_for_cell(answer, label, fields)
    if fields[0][0].startswith(SCALE_MARK):
        scale = fields[0][0].removeprefix(SCALE_MARK).removesuffix(")")
        openings = tuple(f"{opening}, in {scale}" for opening in openings)
    elif unit := _find_measure(answer, label, fields):
        comma = "," if '"' in openings[0] else ""
        openings = tuple(f"{opening}{comma} in {unit}" for opening in openings)
    return Template(openings)


_MEASURED = VALUE_LABELS | frozenset("min typ max min. typ. max. minimum typical maximum nominal mean average".split())


def _find_measure(answer: str, label: str, fields: Sequence[tuple[str, str]]) -> str:
    """The unit in a column of its own (`Parameter | Unit | Value`) for a bare number in a column of values."""
    bare = re.fullmatch(r"[-+±\d., ]+", answer.replace(MINUS, "-")) is not None
    unit = next((value for name, value in fields if name.lower() in {"unit", "units"}), "")
    return unit if bare and label.lower() in _MEASURED and re.fullmatch(rf"{UNITS}|%", unit) else ""


def _ask_for_cell(answer: str, label: str, fields: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    name, row = spell_label(label), fields[0][1]
    verb = "Who is" if names_person(label, answer) else "What are" if _is_several(name) else "What is"
    links = ("in",) if is_period(row) else ("on",) if classify_answer(row) == "date" else ("for", "of")
    named = f'"{row}"' if "," in row or _is_phrase(row) else row
    if is_period(label):
        if not is_quantity(row):
            return (f"What value is given for {named} in {label}",)
        verb = "What were" if _is_several(row) else "What was"
        return tuple(f"{verb} the {spell_label(row)} {link} {label}" for link in ("in", "for"))
    if label.lower() in VALUE_LABELS:
        return (f"What is the {spell_label(row)}" if is_quantity(row) else f"What {name} is given for {named}",)
    if not is_noun(label):
        return tuple(f'What is {participle} under "{label}" for {named}' for participle in ("listed", "given"))
    if label.lower() in COUNTED_LABELS:
        verb, name = "What is", f"number of {name}"
    if unit := _find_unit(label, answer):
        name = f"{name} in {unit}"
    return tuple(f"{verb} the {name} {link} {named}" for link in links)


def _find_unit(label: str, answer: str) -> str:
    """The currency, magnitude or unit that a header has in brackets for bare numbers below: `Revenue ($ million)`."""
    found = re.search(r"\((?:in )?([^()]+)\)$", label)
    if found is None or not re.fullmatch(r"[-\d.,'’ ()]+", answer.replace(MINUS, "-")):
        return ""
    marks = found[1].split()
    known = all(re.fullmatch(rf"{CURRENCY}|{UNITS}", mark) or mark.rstrip("s") in MAGNITUDES for mark in marks)
    return found[1] if known else ""


def _find_form_template(answer: str, label: str, *, heading: str) -> Template | None:
    """A field on its own; one with a weak label (`Date`) comes with the heading of its form."""
    name = spell_label(label)
    paper = bool(heading) and heading.rsplit(maxsplit=1)[-1].lower() in _PAPERS
    short = heading.lower() if len(heading.split()) <= 3 and heading.replace(" ", "").isalpha() else heading
    place = f" on the {short}" if paper else f' under "{heading}"' if heading else ""
    if not is_noun(label):
        return Template((f'What is given as "{label}"{place}',))
    if names_person(label, answer):
        return Template((f"Who is the {name}{place if paper else ''}",))
    if _is_several(name) or " " in label:
        return Template((f"{'What are' if _is_several(name) else 'What is'} the {name}{place}",))
    return Template((f"What {name} is given{place}",))


def _is_several(name: str) -> bool:
    """Whether a name's head, before `of` or `per`, is a plural: `costs of sale`, not `number of pages`."""
    return is_plural(re.split(r" (?:of|per|in|for|by|at|on|to|under) ", name)[0])


def _is_phrase(row: str) -> bool:
    """Whether the name of a row is a clause (`Unit does not start`), which has to be quoted."""
    return not {"is", "are", "not", "does", "do", "no", "if", "when"}.isdisjoint(row.lower().split())
