"""Fields and cells of tables, among the facts of a page, of which an English question can ask.

Each becomes a short list of fields, so that a question can name the label, the row or the heading.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from docmatix.core.documents import UNKNOWN, Box, Cell, Fact, Page, Table, Word
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.facts.scales import find_scale, has_own_measure, is_scaled
from docmatix.facts.wholes import complete_value, has_mark, is_whole
from docmatix.text.english import classify_answer, is_generic, is_noun, is_period
from docmatix.text.field_list import FIELD_SEPARATOR, SCALE_MARK
from docmatix.text.hyphens import PageWords, join_words
from docmatix.text.numbers import SYMBOLS, has_digit, is_prefix, list_near

MAX_ROW_CHARS = 160
MAX_VALUE_WORDS = 10


class Field(NamedTuple):
    """A value with its label. `first` and `last` are places in the page's words, `table` is the table's number or None,
    `worth` (0..1) how good a question it promises."""

    label: str
    first: int
    last: int
    context: str
    worth: float
    table: int | None


def mark_tables(page: Page, words: Sequence[Word]) -> list[bool]:
    """Whether each word stands inside one of the page's tables."""
    boxes = [table.box for table in page.tables]
    return [any(_holds(box, word.box) for box in boxes) for word in words]


def find_fields(page: Page, words: Sequence[Word]) -> Iterator[Field]:
    """The fields of a page and the cells of its tables, as far as their facts can be trusted and their labels asked
    for."""
    near = list_near(words, aspect=page.width_pt / page.height_pt)
    places = _Places(words)
    for field in (*_find_labelled(page, places), *_find_in_tables(page, places)):
        if is_whole(words, near, field.first, field.last) and UNKNOWN not in field.context:
            yield field


class _Places:
    """Finds the words of a fact by its boxes."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words, self.known = words, PageWords(words)
        self._order = sorted(range(len(words)), key=lambda place: words[place].box.y0 + words[place].box.y1)
        self._middles = [(words[place].box.y0 + words[place].box.y1) / 2 for place in self._order]

    def locate(self, value: str, boxes: Sequence[Box]) -> tuple[int, int] | None:
        """First and last word of a value; None where its words do not follow each other, or say something else."""
        found: list[int] = []
        for box in boxes:
            start, end = bisect_left(self._middles, box.y0), bisect_right(self._middles, box.y1)
            found += [place for place in self._order[start:end] if _holds(box, self.words[place].box)]
        if not found or max(found) - min(found) + 1 != len(set(found)) or len(found) > 4 * MAX_VALUE_WORDS:
            return None
        first, last = min(found), max(found)
        if self.join(first, last) != " ".join(value.split()):
            return None
        if not any(map(has_digit, value.split())):
            return None if is_prefix(value) and value.endswith(tuple(SYMBOLS)) else (first, last)
        return complete_value(self.words, first, last)

    def join(self, first: int, last: int) -> str:
        return join_words(self.words[first : last + 1], self.known)


# --- fields of forms --------------------------------------------------------------------------------------------------


def _find_labelled(page: Page, places: _Places) -> Iterator[Field]:
    fields = [fact for fact in page.facts if fact.kind == "field" and fact.confidence >= MIN_CONFIDENCE]
    counts = Counter(fact.label.casefold() for fact in fields)
    title = next((fact.value for fact in page.facts if fact.kind == "title"), "")
    for fact in fields:
        label, found = fact.label.rstrip(":"), places.locate(fact.value, fact.boxes)
        if found is None or counts[fact.label.casefold()] > 1 or not _is_label(label):
            continue
        value = places.join(*found)
        if not _is_value(value) or ": " in value or _reads_on(value):
            continue
        text = classify_answer(value) == "text"
        if text and len(value.split()) > 6:
            continue
        context, worth = f"{label}: {value}", (0.85 if text else 1.0) - 0.03 * max(0, len(value.split()) - 3)
        if is_generic(label) or " " not in label:
            heading = _find_heading(fact, title)
            if heading:
                context, worth = f"{heading}{FIELD_SEPARATOR}{context}", worth - 0.2
            elif is_generic(label) or not is_noun(label):
                continue
        yield Field(label, *found, context, worth, None)


def _find_heading(fact: Fact, title: str) -> str:
    heading = (fact.path[-1] if fact.path else title).strip(":.")
    return heading if _is_name(heading) and len(heading.split()) <= 6 else ""


def _reads_on(value: str) -> bool:
    """Whether a value is running text: it has verbs or articles, or ends in the middle."""
    return value[-1] in ".,;–-&" or any(word in _RUNNING_TEXT for word in value.lower().split())


# --- cells of tables --------------------------------------------------------------------------------------------------


def _find_in_tables(page: Page, places: _Places) -> Iterator[Field]:
    for number, table in enumerate(page.tables):
        if table.confidence >= MIN_CONFIDENCE and table.key_column is not None:
            yield from _find_in_table(table, number, places)


def _find_in_table(table: Table, number: int, places: _Places) -> Iterator[Field]:
    """The cells below a single header, in rows that have a name of their own."""
    rows, key = table.rows, table.key_column or 0
    header = [""] * len(rows[0])
    for cell in table.cells:
        if cell.header and cell.column_span == 1:
            header[cell.column] = cell.text
    body = [cell for cell in table.cells if not cell.header]
    names = Counter(cell.text.casefold() for cell in body if cell.column == key)
    headers = Counter(name.casefold() for name in header)
    columns = [[cell.text for cell in body if cell.column == at and cell.text] for at in range(len(header))]
    numeric = [any(map(_is_number, cells)) and 2 * sum(map(has_digit, cells)) >= len(cells) for cells in columns]
    scale = find_scale(places.words, table.box, header[key])
    lone = {cell.row for cell in body if cell.column == key} - {
        cell.row for cell in body if cell.column != key and cell.text
    }
    serial = {at for at, cells in enumerate(columns) if _counts_up(cells)}
    for cell in body:
        if cell.column in serial:
            continue  # the number of a row says nothing of it
        if cell.role == "total" and lone:
            continue  # of which group?
        label, name = header[cell.column], rows[cell.row][key]
        if (
            cell.column == key
            or cell.role not in ("", "total")
            or cell.row_span > 1
            or cell.column_span > 1
            or cell.path != (label, name)
        ):
            continue
        if names[name.casefold()] > 1 or headers[label.casefold()] > 1 or not _is_name(name) or _is_relative(name):
            continue
        if not _is_label(label) or not _is_value(cell.text) or len(cell.text.split()) > MAX_VALUE_WORDS:
            continue
        if numeric[cell.column] and has_mark(cell.text):
            continue
        found = places.locate(cell.text, [cell.box])
        if found is None:
            continue
        value = places.join(*found)
        own = scale if is_scaled(value) else ""
        if own and has_own_measure(name, label):
            continue
        context = _write_row(cell, header, rows[cell.row], key=key, value=value, scale=own)
        if context.isprintable():
            worth = (1.0 if _is_number(value) else 0.85) - 0.15 * (rows[cell.row].count(cell.text) > 1)
            yield Field(label, *found, context, worth - 0.1 * (not is_noun(label)), number)


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether a column numbers the rows: `1`, `2.`, `3)`, in order."""
    numbers = [cell.strip("#.() ") for cell in cells]
    if len(cells) < 2 or not all(number.isdecimal() for number in numbers):
        return False
    return all(int(after) == int(before) + 1 for before, after in pairwise(numbers)) and int(numbers[0]) < 1000


def _write_row(cell: Cell, header: Sequence[str], row: Sequence[str], *, key: int, value: str, scale: str) -> str:
    """The row's name, the cell that is asked for, then the other cells as far as there is space. The scale of the
    table's numbers stands in place of the name of the key's column."""
    corner = f"{SCALE_MARK}{scale})" if scale else header[key] if _is_label(header[key]) else "Row"
    text = f"{corner}: {row[key]}{FIELD_SEPARATOR}{header[cell.column]}: {value}"
    for place, (name, other) in enumerate(zip(header, row, strict=True)):
        more = f"{name}: {other}"
        known = name and other and UNKNOWN not in more and FIELD_SEPARATOR not in more
        if known and place not in (key, cell.column) and len(text) + len(more) < MAX_ROW_CHARS:
            text += FIELD_SEPARATOR + more
    return text


# --- what can be a label, a name, a value -----------------------------------------------------------------------------

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9 .,'’/&#()-]{1,48}")
_NOT_FIRST = frozenset(
    "is are has have can does do did was were will yes no what who when where how why if please for by in on "
    "with to and or the note source example figure fig fig. table section chapter step page".split()
)
_NOT_LAST = frozenset("of in on at by for from to with and or the a is".split())
_RUNNING_TEXT = frozenset(
    "a an the is are was were be been has have had will would can could to that which this with by as from it "
    "its not".split()
)
_NO_VALUE = frozenset("n/a n/a. n.a. n.a n/d n.d. none yes no x tbd -".split())
_REMARKS = frozenset("our we your you i my".split())


def _is_label(text: str) -> bool:
    """Whether a text can be asked for by name: a few plain words, or a period such as `Q1 2024`."""
    words = text.lower().split()
    plain = _LABEL.fullmatch(text) is not None and len(words) <= 6
    return is_period(text) or (plain and words[0] not in _NOT_FIRST and words[-1] not in _NOT_LAST)


def _is_name(text: str) -> bool:
    """Whether a text can name a row or a form: short, with letters."""
    short = 1 < len(text) <= 60 and len(text.split()) <= 8 and any(map(str.isalpha, text)) and text.isprintable()
    short &= UNKNOWN not in text
    return short and ":" not in text and FIELD_SEPARATOR not in text and "..." not in text


_LEANING = frozenset("of thereof less plus including incl. excluding excl. and or in with from to".split())


def _is_relative(name: str) -> bool:
    """Whether a row's name leans on the rows above it: `of which wood`."""
    words = name.lower().split()
    return bool(words) and (words[0].rstrip(":") in _LEANING or name[0] in "–—-•·")


def _is_number(text: str) -> bool:
    return classify_answer(text) != "text"


def _is_value(text: str) -> bool:
    """Whether a text can be an answer: short, with letters or digits; not a blank to fill in, not a remark."""
    short = 0 < len(text) <= 80 and any(map(str.isalnum, text)) and " ".join(text.split()).isprintable()
    short &= UNKNOWN not in text
    blank = "__" in text or "..." in text or text.casefold() in _NO_VALUE or FIELD_SEPARATOR in text
    remark = text.lower().startswith(("see ", "ditto")) or not _REMARKS.isdisjoint(text.lower().split())
    return short and not blank and not remark


def _holds(box: Box, other: Box) -> bool:
    """Whether the middle of `other` is in `box`."""
    return box.x0 <= (other.x0 + other.x1) / 2 <= box.x1 and box.y0 <= (other.y0 + other.y1) / 2 <= box.y1
