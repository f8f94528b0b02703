"""Which rows are totals: by their names in eight languages, or by sums that add up in a row that is set apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from docmatix.facts.tables.meaning.cell_grid import CellGrid
from docmatix.facts.tables.meaning.kinds import NUMBER

_TOTALS = frozenset(
    "total totals totale totali totaal totales totais totaux subtotal subtotals subtotale subtotaal "
    "subtotales sub-total sub-totals sous-total sous-totaux sum summe summen zwischensumme gesamt "
    "gesamtsumme insgesamt gesamtbetrag endsumme endbetrag zusammen somme ensemble suma somma soma som "
    "eindtotaal razem ogółem łącznie complessivo overall".split()
)
_PREFIXES = ("gesamt", "zwischensumme", "endsumme", "totaal", "sous-total", "sub-total", "subtot")

_PRINTED = re.compile(r"\d[\d.,'’ \u00a0\u2007\u2009\u202f]*")
_NO_DIGITS = re.compile(r"[^\d.,]")
_MARKS = re.compile(r"[.,]")
_MINUS = re.compile(r"[-–−(]")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def is_total_name(text: str) -> bool:
    """Whether a row's name says that it is a total."""
    words = _WORDS.findall(text.casefold())
    if not words or len(words) > 10:
        return False
    return words[0] in _TOTALS or words[-1] in _TOTALS or words[0].startswith(_PREFIXES) or words[:2] == ["in", "all"]


def find_totals(grid: CellGrid, data: Sequence[int], breaks: set[int], key: int | None) -> set[int]:
    """The rows that are totals. `breaks` are rows between which sums are taken."""
    found = set()
    values = {row: _read_row(grid, row) for row in data}
    since: list[int] = []
    plain_bold = 2 * sum(any(cell.bold for cell in grid.lines[row]) for row in data) < len(data)
    for place, row in enumerate(data):
        if place and any(data[place - 1] < at < row for at in breaks):
            since = []
        cells = [cell for cell in grid.lines[row] if cell.kind != NUMBER]
        names = [cell for cell in cells if key is None or cell.column <= key or cell.column == 0]
        named = any(is_total_name(cell.text) for cell in names[:2])
        apart = (plain_bold and all(cell.bold for cell in grid.lines[row])) or (
            not grid.ruled and place > 0 and grid.has_rule_below(data[place - 1]) and len(grid.rules) < grid.rows
        )
        nameless = key is not None and grid.at(row, key) is None
        if (named and values[row]) or ((apart or nameless) and _adds_up(values, since, row)):
            found.add(row)
            since = []
        else:
            since.append(row)
    return found


def _adds_up(values: dict[int, dict[int, Decimal]], rows: Sequence[int], total: int) -> bool:
    """Whether all columns with numbers in at least three rows add up to the number in the row `total`."""
    columns = {column: [values[row][column] for row in rows if column in values[row]] for column in values[total]}
    columns = {column: numbers for column, numbers in columns.items() if len(numbers) > 1}
    if not columns or (len(columns) == 1 and len(rows) < 3):
        return False
    right = 0
    for column, numbers in columns.items():
        wanted = values[total][column]
        step = Decimal(1).scaleb(int(wanted.as_tuple().exponent))
        right += wanted != 0 and abs(sum(numbers) - wanted) <= step * (len(numbers) // 2)
    return right * 2 > len(columns)


def _read_row(grid: CellGrid, row: int) -> dict[int, Decimal]:
    found = {cell.column: read_number(cell.text) for cell in grid.lines[row] if cell.kind == NUMBER}
    return {column: number for column, number in found.items() if number is not None}


def read_number(text: str) -> Decimal | None:
    """The value of a number as it is printed; the last of two kinds of separators parts the fraction."""
    found = _PRINTED.search(text)
    if found is None:
        return None
    digits = _NO_DIGITS.sub("", found.group()).rstrip(".,")
    marks = _MARKS.findall(digits)
    if marks:
        last = digits.rpartition(marks[-1])
        whole = len(set(marks)) == 1 and (len(marks) > 1 or len(last[2]) == 3)
        digits = _MARKS.sub("", digits) if whole else f"{_MARKS.sub('', last[0])}.{last[2]}"
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return None
    before = text[: found.start()]
    return -number if _MINUS.search(before) or text.endswith("-") else number
