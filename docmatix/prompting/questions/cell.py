"""Questions for cells of tables by column and row: `What is the unit price of dock line?`, and for rows by a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from docmatix.core.documents import Cell, Page, Table
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.facts.scales import has_own_measure, is_scaled
from docmatix.facts.wholes import has_mark
from docmatix.prompting.questions.plain_texts import breaks_off, count_words, is_answer, is_label, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.prompting.questions.wordings import load_wordings
from docmatix.text.english import (
    COUNTED_LABELS,
    classify_answer,
    is_noun,
    is_period,
    is_quantity,
    is_several,
    names_person,
    spell_label,
)
from docmatix.text.numbers import has_digit
from docmatix.text.pieces import fold

MAX_VALUE_WORDS = 20


@dataclass(frozen=True, slots=True)
class _Row:
    """A cell with what it is about: `headers` above it, `groups` that its row stands in, its row's `name`."""

    cell: Cell
    headers: tuple[str, ...]
    groups: tuple[str, ...]
    name: str
    under: str
    """What its groups are: `section` (a row of their own), `row` (one with values), `column` (cells of this row)."""
    sure: bool

    @property
    def column(self) -> str:
        return ", ".join(self.headers)


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """Drafts for the cells of trusted tables; the others only make what they are called ambiguous."""
    tables = [
        (page, table, f"table {page.number}:{number}", list(_read_rows(table)))
        for page in asked.pages
        for number, table in enumerate(page.tables)
    ]
    columns: dict[frozenset[str], set[str]] = {}
    names: dict[frozenset[str], set[str]] = {}
    bare: dict[str, set[str]] = {}
    for _, _, source, rows in tables:
        for row in rows:
            if not row.groups:
                bare.setdefault(fold(row.name), set()).add(source)
            columns.setdefault(make_topic(row.column), set()).add(source)
            names.setdefault(make_topic(row.name, *row.groups), set()).add(source)
    for page, table, source, rows in tables:
        yield from _draft_table(page, table, rows, source, asked.language)
        for row in rows:
            # another table has this column and this row, and perhaps nothing where they meet; or its group is overleaf
            there = names[make_topic(row.name, *row.groups)] | bare.get(fold(row.name), set())
            if len(columns[make_topic(row.column)] & there) > 1:
                topic = make_topic(row.column, row.name, *row.groups)
                yield Draft("cell", (), f"{row.cell.text} of {source}", "text", (), source, rivals=(topic,))


def _draft_table(page: Page, table: Table, rows: Sequence[_Row], source: str, language: str) -> Iterator[Draft]:
    trusted = table.confidence >= MIN_CONFIDENCE and table.key_column is not None and not _lacks_header(rows)
    columns: dict[int, list[_Row]] = {}
    for row in rows:
        columns.setdefault(row.cell.column, []).append(row)
    serial = {column for column, held in columns.items() if _counts_up(held)}
    numeric, sole = _find_numeric(rows), len(columns) == 1
    values = Counter((row.cell.column, fold(row.cell.text)) for row in rows)
    totals = Counter(row.cell.row for row in rows if row.cell.role == "total")
    corner = next((c.text for c in table.cells if c.header and c.column == table.key_column), "")
    keys = {c.row: c for c in table.cells if c.column == table.key_column and not c.header}
    for row in rows:
        text = row.cell.text
        marked = row.cell.column in numeric and has_mark(text)
        unit, known = _find_unit(table, row)
        sure = trusted and row.sure and not marked and row.cell.column not in serial and _can_be_asked(row)
        lone_total = row.cell.role == "total" and len(totals) == 1 and not row.groups
        askings = tuple(_list_askings(row, table, language, unit, lone_total=lone_total, sole=sole))
        # a field of the row's name would ask for this, too
        rivals = (make_topic(row.column, row.name), *((make_topic(row.name),) if text else ()))
        kind = classify_answer(text)
        worth = min(1.0, table.confidence + 0.1) * (1.0 if kind != "text" else 0.9)
        evidence = (Evidence(page.number, text, (row.cell.box,)),)
        yield Draft("cell", askings, text, kind, evidence, source, worth, rivals, sure and known)
        if text:
            lone = values[row.cell.column, fold(text)] == 1 and not row.groups and row.cell.role == ""
            yield _draft_reverse(page, row, keys.get(row.cell.row), corner, source, language, asked=sure and lone)


def _read_rows(table: Table) -> Iterator[_Row]:
    """The cells below the header that have a name and a header, those without text too. Cells without a path, which
    share their names with others, are not sure."""
    above: dict[int, list[Cell]] = {}
    beside: dict[int, set[str]] = {}
    keys: dict[int, str] = {}
    named: set[str] = set()
    for cell in table.cells:
        beside.setdefault(cell.row, set()).add(cell.text)
        if cell.column == table.key_column and not cell.header:
            keys[cell.row] = cell.text
        if not cell.header and cell.text and len(cell.path) > 1:
            named.add(cell.path[-1])
        if cell.header and cell.text:
            for column in range(cell.column, cell.column + cell.column_span):
                above.setdefault(column, []).append(cell)
    for cell in table.cells:
        if cell.header or cell.role in ("key", "section"):
            continue
        headers = [each.text for each in above.get(cell.column, ())]
        path = cell.path or (*headers, keys.get(cell.row, ""))
        count = 0
        while count < len(path) - 1 and path[count] in headers:
            count += 1
        if count and path[-1]:
            groups = path[count:-1]
            under = "section"
            if groups and groups[-1] in beside[cell.row]:
                under = "column"
            elif groups and groups[-1] in named:
                under = "row"
            yield _Row(cell, path[:count], groups, path[-1], under, bool(cell.path))


def _lacks_header(rows: Sequence[_Row]) -> bool:
    """Whether what heads a single column is rather its first value: `IP65` above `198`."""
    headers = {row.headers for row in rows}
    return len(headers) == 1 and any(has_digit(text) and not is_period(text) for each in headers for text in each)


def _can_be_asked(row: _Row) -> bool:
    return (
        row.cell.role in ("", "total")
        and row.cell.row_span == row.cell.column_span == 1
        and is_answer(row.cell.text, max_words=MAX_VALUE_WORDS)
        and all(is_label(text) or is_period(text) for text in (*row.headers, *row.groups))
        and not breaks_off(row.headers[-1])
        and is_name(row.name)
        and len(row.headers) <= 3
        and len(row.groups) <= 2
    )


_LEANING = frozenset("of thereof less plus including incl. excluding excl. and or in with from to other others".split())


_CODE = re.compile(r"(?=.*\d)\w[\w./-]{0,30}\w")


def is_name(text: str) -> bool:
    """Whether a text can name a row: a label, a period or a code that does not lean on the rows above it."""
    words = text.lower().split()
    if not words or words[0].rstrip(":") in _LEANING or text[0] in "–—-•·":
        return False
    return is_label(text) or is_period(text) or _CODE.fullmatch(text) is not None


def _counts_up(rows: Sequence[_Row]) -> bool:
    """Whether a column numbers the rows: `1`, `2.`, `3)`, in order."""
    numbers = [row.cell.text.strip("#.() ") for row in rows if row.cell.text]
    if len(numbers) < 2 or not all(number.isdecimal() and len(number) < 6 for number in numbers):
        return False
    return all(int(after) == int(before) + 1 for before, after in pairwise(numbers)) and int(numbers[0]) < 1000


def _find_numeric(rows: Sequence[_Row]) -> set[int]:
    """The columns of which at least half are numbers."""
    filled, numbers = Counter[int](), Counter[int]()
    for row in rows:
        if row.cell.text:
            filled[row.cell.column] += 1
            numbers[row.cell.column] += has_digit(row.cell.text)
    return {column for column, count in filled.items() if 2 * numbers[column] >= count}


def _find_unit(table: Table, row: _Row) -> tuple[str, bool]:
    """What a table says its numbers are in, and whether that is known of this one."""
    if not table.unit or not is_scaled(row.cell.text):
        return "", True
    return (table.unit, not has_own_measure(row.name, row.headers[-1]))


def _list_askings(
    row: _Row, table: Table, language: str, unit: str, *, lone_total: bool, sole: bool
) -> Iterator[Asking]:
    """From the plain one to the one that names the table."""
    form, slots = _choose_form(row, language, lone_total=lone_total, sole=sole)
    qualifiers: tuple[str, ...] = ()
    parts = [row.column, row.name]
    group = ", ".join(row.groups)
    scaled = ("in_unit",) if unit else ()
    if row.groups and fold(row.groups[-1]) not in fold(row.name):
        if row.under == "row":
            # what is set further out need not be a group: a sum above the next rows
            yield Asking(form, {**slots, "unit": unit}, make_topic(*parts), scaled)
        if row.under != "column":
            slots, qualifiers = {**slots, "group": group}, ("in_group",)
        parts += row.groups
    yield Asking(form, {**slots, "unit": unit}, make_topic(*parts), (*qualifiers, *scaled))
    if is_label(table.caption):
        named = {**slots, "unit": unit, "table": strip_label(table.caption)}
        yield Asking(form, named, make_topic(*parts, table.caption), (*qualifiers, "in_table", *scaled))


def _choose_form(row: _Row, language: str, *, lone_total: bool, sole: bool) -> tuple[str, dict[str, str]]:
    column, name = row.column, strip_label(row.name) or row.name
    if row.under == "column":
        name = ", ".join((*row.groups, name))
    slots = {"column": column, "row": name, "named": row.name, "headed": column}
    header, wordings = row.headers[-1], load_wordings(language)
    plain = "cell.total" if lone_total else "cell.quoted"
    if is_period(name) and not lone_total and language == "en":
        plain = "cell.row_period"
    elif wordings and len(row.headers) == 1 and fold(header) in wordings.value_columns and not lone_total:
        # beside a column of conditions or units, the value alone would not be all that is given
        plain = "cell.row_value" if sole else "cell.column_value" if language == "en" else plain
    if language != "en":
        return plain, slots
    if len(row.headers) == 1 and not lone_total:
        if is_period(header) and is_quantity(name):
            form = "cell.period_several" if is_several(spell_label(name)) else "cell.period"
            return form, {**slots, "row": spell_label(name), "column": header}
        if plain in ("cell.row_value", "cell.column_value") and is_quantity(name) and not row.groups:
            return "cell.value", {**slots, "row": spell_label(name)}
        if plain in ("cell.quoted", "cell.row_period") and is_noun(header) and not header.endswith(")"):
            spelled = spell_label(header)
            named = {**slots, "column": spelled, "row": _quote(name)}
            if names_person(header, row.cell.text):
                return "cell.person", named
            several = is_several(spelled)
            if several and (header.lower() in COUNTED_LABELS or row.cell.text.replace(",", "").isdigit()):
                return "cell.count", named
            if not several and spelled.split()[0] in ("number", "no"):
                return "cell.noun", named
            return ("cell.plural" if several else "cell.noun"), named
    return plain, slots


_CLAUSE = frozenset("is are not does do no if when".split())


def _quote(name: str) -> str:
    """A row's name, in quotation marks where it would run into the question: a clause, a list, a long text."""
    words = name.lower().split()
    return f'"{name}"' if "," in name or len(words) > 5 or not _CLAUSE.isdisjoint(words) or "?" in name else name


def _draft_reverse(
    page: Page, row: _Row, key: Cell | None, corner: str, source: str, language: str, *, asked: bool
) -> Draft:
    """The row that has a value: `Which product has the item no. "BW-1042"?`; its answer is the row's name."""
    wordings = load_wordings(language)
    said = wordings is not None and fold(row.column) in wordings.value_columns
    plain = '"' not in row.cell.text and count_words(row.cell.text) <= 6 and len(row.headers) == 1
    slots = {"column": row.column, "value": row.cell.text, "key": corner, "headed": row.column}
    form = "cell.which"
    if language == "en" and all(is_noun(text) and not is_several(spell_label(text)) for text in (corner, row.column)):
        slots |= {"key": spell_label(corner), "column": spell_label(row.column)}
        form = "cell.which_noun"
    # without the corner, which the part of a table overleaf may not have
    asking = Asking(form, slots, make_topic("which", row.column, row.cell.text))
    asked = asked and plain and not said and is_label(corner) and is_answer(row.name, max_words=12)
    asked = asked and key is not None and key.text == row.name
    evidence = (Evidence(page.number, key.text, (key.box,)),) if key else ()
    return Draft("cell", (asking,), row.name, classify_answer(row.name), evidence, source, 0.4, asked=asked)
