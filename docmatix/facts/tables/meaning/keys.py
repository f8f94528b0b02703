"""Which column of a table names its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from docmatix.facts.tables.meaning.cell_grid import CellGrid
from docmatix.facts.tables.meaning.kinds import BLANK, CODE, DATE, NUMBER, PERIOD, TEXT, UNIT, is_wordy
from docmatix.facts.tables.meaning.totals import read_number

MAX_NAME_WORDS = 14


class Keys(NamedTuple):
    """`column` names the rows, None if none does; `groups` are columns whose cells hold for several rows, outermost
    first, and are a part of the name. `sure`: 0..1."""

    column: int | None
    groups: tuple[int, ...] = ()
    sure: float = 1.0


class _Column(NamedTuple):
    texts: list[str]  # of each row, with those of cells that begin above; "" for none
    filled: float
    own: float  # share of rows in which a cell begins
    words: float  # share of filled rows with words
    kinds: dict[str, float]
    mean_words: float


def choose_key(grid: CellGrid, data: Sequence[int], breaks: Iterable[int]) -> Keys:
    """The column that names rows best. Of dates, numbers and names it is the names; a column of serial numbers is none;
    two columns do it together where neither does alone."""
    if not data or grid.columns < 2:
        return Keys(None, sure=0.2)
    data = _leave_out_sums(grid, data)
    if len(data) == 1 and all(cell.kind in (NUMBER, BLANK) for cell in grid.lines[data[0]]):
        return Keys(None, sure=0.9)
    breaks = sorted(breaks)
    section = [sum(at < row for at in breaks) for row in data]
    columns = [_look_at(grid, data, column) for column in range(grid.columns)]
    groups = [column for column in range(grid.columns - 1) if _is_group(grid, data, column)]
    names = [
        column
        for column in range(grid.columns)
        if column not in groups and _is_name_column(columns[column], grouped=column - 1 in groups)
    ]
    for column in _prefer(names, columns):
        if _distinct([columns[column]], section) >= 0.9:
            around = tuple(at for at in groups if at < column)
            # far to the right stand remarks: each is another, and names nothing
            return Keys(
                column, around, 1.0 if column == 0 or around else 0.9 if column == 1 else 0.8 if column < 4 else 0.5
            )
        around = tuple(at for at in groups if at < column)
        filled = [_fill(grid, data, at) for at in around]
        if around and _distinct_texts([columns[column].texts, *filled], section) >= 0.9:
            return Keys(column, around, 0.95)
    # dates and numbers within groups, or for want of names
    for column in range(grid.columns - 1):
        shape = columns[column]
        around = tuple(at for at in groups if at < column)
        kinds = (PERIOD, DATE, TEXT, CODE) if around and column == len(around) else (PERIOD, DATE, TEXT)
        timely = sum(shape.kinds.get(kind, 0.0) for kind in kinds) >= 0.8 and shape.mean_words < 5
        if column not in groups and timely and shape.filled >= 0.9:
            filled = [_fill(grid, data, at) for at in around]
            if _distinct_texts([shape.texts, *filled], section) >= 0.95:
                return Keys(column, around, 0.95 if column == len(around) else 0.7)
    pair = _find_pair(columns, section)
    if pair is not None:
        return pair
    if names and _distinct([columns[names[0]]], section) >= 0.25:
        return Keys(names[0], tuple(at for at in groups if at < names[0]), 0.9 if names[0] == 0 else 0.7)
    if groups and not names and all(columns[at].words > 0.5 for at in groups[:1]):
        return Keys(groups[0], (), 0.4)
    first = columns[0]
    if first.kinds.get(NUMBER, 0.0) + first.kinds.get(PERIOD, 0.0) + first.kinds.get(CODE, 0.0) < 0.9:
        return Keys(None, sure=0.3)
    fits = first.filled >= 0.95 and _distinct([first], section) == 1
    fits &= not is_serial(first.texts) or _says_what_it_counts(grid, data[0])
    if fits and (_ascends(first.texts) or first.kinds.get(CODE, 0.0) > 0.5):
        return Keys(0, (), 0.7)
    return Keys(None, sure=0.3)


def _leave_out_sums(grid: CellGrid, data: Sequence[int]) -> Sequence[int]:
    """The rows without the sums below them, which are named beside their amount and have no other cells."""
    counts = [
        len({id(cell) for column in range(grid.columns) if (cell := grid.at(row, column)) is not None and cell.text})
        for row in data
    ]
    end = len(data)
    while end > 1 and counts[end - 1] <= 0.6 * max(counts[:end]):
        first = grid.own(data[end - 1], 0)
        if first is not None and first.column_span == 1:
            break
        end -= 1
    return data[:end]


def _look_at(grid: CellGrid, data: Sequence[int], column: int) -> _Column:
    texts, own = [], 0
    kinds: dict[str, float] = {}
    words = count = 0
    for row in data:
        cell = grid.at(row, column)
        if cell is None or not cell.text or cell.kind == BLANK or (cell.column_span > 2 and cell.column < column):
            texts.append("")
            continue
        texts.append(cell.text)
        own += cell.row == row
        kinds[cell.kind] = kinds.get(cell.kind, 0) + 1
        words += is_wordy(cell.text) and cell.kind in (TEXT, CODE, UNIT, PERIOD)
        count += len(cell.text.split())
    filled = max(1, sum(map(bool, texts)))
    return _Column(
        texts,
        sum(map(bool, texts)) / len(data),
        own / len(data),
        words / filled,
        {kind: number / filled for kind, number in kinds.items()},
        count / filled,
    )


def _is_name_column(column: _Column, *, grouped: bool) -> bool:
    """Whether a column holds names. Units are none but within groups: `Number` and `%` of each."""
    timely = column.kinds.get(PERIOD, 0.0) + column.kinds.get(DATE, 0.0)
    return (
        column.filled >= 0.75
        and column.words >= 0.6
        and timely < 0.5
        and (grouped or column.kinds.get(UNIT, 0.0) < 0.5)
        and column.mean_words <= MAX_NAME_WORDS
    )


def _prefer(names: Sequence[int], columns: Sequence[_Column]) -> list[int]:
    """Columns of names from the left; those of codes come after those of words."""
    return sorted(names, key=lambda column: (columns[column].kinds.get(CODE, 0.0) > 0.5, column))


def _is_group(grid: CellGrid, data: Sequence[int], column: int) -> bool:
    """Whether a column has a word at the first row of several, and nothing at the others, or spans them."""
    begins = [(cell := grid.own(row, column)) is not None and cell.kind != BLANK for row in data]
    spans = any((cell := grid.own(row, column)) is not None and cell.row_span > 1 for row in data)
    count = sum(begins)
    if not begins[0] or count > 0.75 * len(data) or (count < 2 and not spans):
        return False
    cells = [cell for row in data if (cell := grid.own(row, column)) is not None and cell.kind != BLANK]
    kinds = [TEXT, PERIOD, DATE, CODE]
    if column < 2 and 2 * count <= len(data) and begins == [grid.own(row, 0) is not None for row in data]:
        kinds.append(NUMBER)  # that hold for several rows
    if sum(cell.kind in kinds or cell.row_span > 1 for cell in cells) < 0.8 * len(cells):
        return False
    # what stands left of it is empty there, too: the first column, or inner groups
    return column == 0 or all(
        grid.own(row, column) is not None
        for row in data
        if (cell := grid.own(row, column - 1)) is not None and cell.kind != BLANK
    )


def _fill(grid: CellGrid, data: Sequence[int], column: int) -> list[str]:
    texts: list[str] = []
    for row in data:
        cell = grid.at(row, column)
        texts.append(cell.text if cell is not None and cell.text else texts[-1] if texts else "")
    return texts


def _distinct(columns: Sequence[_Column], section: Sequence[int]) -> float:
    return _distinct_texts([column.texts for column in columns], section)


def _distinct_texts(columns: Sequence[Sequence[str]], section: Sequence[int]) -> float:
    """Of the rows with a text in the first column, the share that differ from all others of their section."""
    rows = [key for key in zip(section, *columns, strict=True) if key[1]]
    return len({tuple(str(part).casefold() for part in row) for row in rows}) / max(1, len(rows))


def _find_pair(columns: Sequence[_Column], section: Sequence[int]) -> Keys | None:
    """Two neighbouring columns near the left that name rows together: first and last names, a place and a year."""
    for left, right in pairwise(range(min(6, len(columns) - 1))):
        pair = columns[left], columns[right]
        kinds = (TEXT, PERIOD, DATE, CODE)
        fit = all(sum(column.kinds.get(kind, 0.0) for kind in kinds) >= 0.8 for column in pair)
        fit &= pair[0].words >= 0.6 and min(column.filled for column in pair) >= 0.9
        if fit and _distinct(pair, section) >= 0.9 and max(column.mean_words for column in pair) <= 6:
            return Keys(right, (left,), 0.8)
    return None


def is_serial(texts: Sequence[str]) -> bool:
    """Whether a column counts its rows: 1, 2, 3."""
    numbers = [text.strip("().# ") for text in texts if text]
    if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
        return False
    return all(int(after) - int(before) == 1 for before, after in pairwise(numbers))


def _says_what_it_counts(grid: CellGrid, first: int) -> bool:
    """Whether the header of the first column is a phrase: `Number of correct answers`, but not `Line no.`."""
    cell = grid.at(first - 1, 0) if first else None
    return cell is not None and sum(map(is_wordy, cell.text.split())) > 2


def _ascends(texts: Sequence[str]) -> bool:
    numbers = [number for text in texts if (number := read_number(text)) is not None]
    steps = [after > before for before, after in pairwise(numbers)]
    return len(numbers) == len(texts) and (all(steps) or not any(steps))
