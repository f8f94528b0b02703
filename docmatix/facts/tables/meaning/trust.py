"""How far the meaning of a table can be trusted: 0.5 and more where a careful reader would read every path so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import prod

from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.headers import Headers, find_numeric_columns
from docmatix.facts.tables.meaning.joining import leans_on
from docmatix.facts.tables.meaning.kinds import BLANK, CODE, DATE, NUMBER, PERIOD, TEXT, UNIT
from docmatix.facts.tables.meaning.row_names import RowNames
from docmatix.text.numbers import has_digit

PAGE_TOP = 0.2  # of its height
MAX_DOUBT = 0.6  # of a header that only its place tells

_CAPTION = re.compile(r"[^\W\d_]{2,10}\.? ?\d{1,3}(?:[.-]\d{1,2})?[.:] \S")
_ENDS_WITH_NUMBER = re.compile(r"[^\W\d_] \(?[-–−]?\d+[.,]\d+\)?$")
_PAIRED = re.compile(r"^[^\W\d_][^:]{2,40} ?: \S")
_CAPTIONS = re.compile(r"\b[^\W\d_]{2,10}\.? ?\d{1,3}[.:] \S")
# a header that took the first row's value in: `Result 3.9`, `Range [4.0-10.0]`
_SWALLOWED = re.compile(
    r"[^\W\d_]\S*\s\W?\d+(?:[.,]\d+)+\W*$|[^\W\d_]\S*\s[\[(]\d+(?:[.,]\d+)?\s?[-–]\s?\d+(?:[.,]\d+)?[\])]$"
)


def measure_trust(
    grid: CellGrid, headers: Headers, column_paths: Sequence[tuple[str, ...]], names: RowNames, caption: str = ""
) -> float:
    """What geometry trusts, less for each thing that makes a path doubtful."""
    return round(min(1.0, prod(list_doubts(grid, headers, column_paths, names, caption).values())), 3)


def list_doubts(
    grid: CellGrid, headers: Headers, column_paths: Sequence[tuple[str, ...]], names: RowNames, caption: str
) -> dict[str, float]:
    """What makes a path doubtful, by name, and how much of the trust each leaves (0..1)."""
    data = [row for row in range(headers.rows, grid.rows) if row in names.paths]
    if not data:
        return {"no rows": 0.1}
    doubts = {"geometry": grid.trust, "header": headers.sure, "key": names.keys.sure}
    if headers.rows and headers.sure <= MAX_DOUBT and grid.box.y0 < PAGE_TOP:
        doubts["at the top"] = (
            0.9  # a first row of words like those below, where a table may go on from the page before
        )
    keys = {names.keys.column, *names.keys.groups}
    values = [
        column for column in range(grid.columns) if column not in keys and any(grid.own(row, column) for row in data)
    ]
    if not values:
        return {**doubts, "no values": 0.2}
    if len(values) == len(data) == 1:
        doubts["one value"] = 0.6  # two labels above each other may be anything
    key = names.keys.column
    if key is not None and key > 1 and not column_paths[key] and headers.rows:
        doubts["key without header"] = 0.4  # names of another table beside this one
    doubts |= _judge_columns(grid, headers, [column_paths[column] for column in values], len(values))
    doubts |= _judge_rows(names, data)
    doubts |= _judge_cells(grid, names, data)
    doubts["prose"] = _judge_prose(grid, headers.rows, caption)
    return doubts


def _judge_columns(grid: CellGrid, headers: Headers, paths: Sequence[tuple[str, ...]], values: int) -> dict[str, float]:
    """Columns without a header, with that of another, or with one that is a sentence or ends with a number."""
    if headers.rows == 0:
        return {"no header": 1.0 if values == 1 else 0.3}
    cells = [cell for line in grid.lines[: headers.rows] for cell in line]
    if len(cells) == 1 and cells[0].column_span == 1 and grid.columns > 2:
        return {"one header for all columns": 0.5}
    swallowed = sum(bool(path) and _SWALLOWED.search(path[-1]) is not None for path in paths)
    if swallowed > 1 or swallowed == len(paths):
        return {"values in headers": 0.3}
    counts = Counter(path for path in paths if path)
    begun = {path[:at] for path in paths for at in range(1, len(path))}
    deep = {path[-1] for path in paths if len(path) > 1}
    # a header with an empty place beside it may be meant for that, too
    gaps = sum(
        any(
            grid.at(row, column) is None and not _reaches(grid, row, column, headers.rows)
            for column in range(1, grid.columns)
        )
        for row in range(headers.rows - 1)
    )
    lone = any(
        len(line) == 1 and line[0].column > 0 and line[0].column_span == line[0].row_span == 1
        for line in grid.lines[: headers.rows - 1]
    )
    return {
        "columns without header": 0.45 ** min(2, sum(not path for path in paths)),
        "same headers": 0.4 ** min(2, sum(count - 1 for count in counts.values())),
        # a year without the header that others of it have
        "header of others": 0.4 if any(path in begun for path in paths) else 1.0,
        "header below others": 0.4 if any(len(path) == 1 and path[0] in deep for path in paths) else 1.0,
        "long headers": 0.7 ** sum(any(len(part.split()) > 14 for part in path) for path in paths),
        "gaps in headers": 0.8**gaps,
        "upper header of one column": 0.5 if lone and values > 1 else 1.0,
    }


def _reaches(grid: CellGrid, row: int, column: int, rows: int) -> bool:
    """Whether an empty place above a header needs nothing: its column has no header beside it in this row either."""
    left, right = grid.at(row, column - 1), grid.at(row, column + 1)
    return left is None and right is None


def _judge_rows(names: RowNames, data: Sequence[int]) -> dict[str, float]:
    """Rows without a name, or with that of another."""
    # a single row needs no name: its headers say what each value is
    nameless = len(names.nameless) / len(data) if len(data) > 1 else 0.0
    paths = [path for row, path in names.paths.items() if row not in names.nameless]
    distinct = len(set(paths)) / len(paths) if paths else 1.0
    return {
        "one row": 0.75 if len(data) == 1 else 1.0,
        "rows without name": (1 - nameless) ** 1.5,
        "same names": judge_distinct(distinct),
    }


def judge_distinct(share: float) -> float:
    """What is left of the trust if a share of the rows have names of their own: cells of the others say nothing."""
    return share if share > 0.6 else share**2


def _judge_cells(grid: CellGrid, names: RowNames, data: Sequence[int]) -> dict[str, float]:
    """Two numbers in a cell of a column of numbers, words among numbers, sentences, a header within the table."""
    numeric = find_numeric_columns(grid)
    cells = [cell for row in data for cell in grid.lines[row]]
    heads = sum(cell.is_parted for line in grid.lines[: min(names.paths, default=0)] for cell in line)
    pairs = sum(cell.is_parted or (cell.kind == CODE and _has_two(cell.text)) for cell in cells)
    places = [(cell.row, cell.column) for line in grid.lines for cell in line]
    swallowed = [path for path in names.paths.values() if path and _ENDS_WITH_NUMBER.search(path[-1])]
    rows = sum(cell.kind not in (NUMBER, DATE, PERIOD) and _has_many(cell.text) for cell in cells)
    long = sum(len(cell.text.split()) > 25 for cell in cells)
    inner = 0
    for row in data:
        line = [cell for cell in grid.lines[row] if cell.column in numeric]
        words = sum(cell.kind in (TEXT, UNIT) for cell in line)
        periods = sum(cell.kind == PERIOD for cell in line)
        inner += len(line) > 1 and (words == len(line) or words + periods == len(line) > 1)
    turns = sum(_takes_turns(grid, cells, column) for column in range(grid.columns)) if not numeric else 0
    values = [cell for cell in cells if cell.column > 0 and cell not in names.cells]
    labels = {
        cell.text.partition(":")[0]
        for cell in values
        if (cell.text.endswith(":") and cell.kind != BLANK)
        or (_PAIRED.search(cell.text) is not None and cell.text.count(" ") < 8)
    }
    repeated = len(labels) == 1 and sum(cell.text.startswith(min(labels)) for cell in values) > 2
    filled = len(cells) / max(1, len(data) * grid.columns)
    return {
        "two headers in one": 0.3 if heads else 1.0,
        "two values in one": 0.6 ** min(3, pairs),
        "cells in one place": 0.2 if len(set(places)) < len(places) else 1.0,
        "values in names": 0.3 if len(swallowed) > 2 else 1.0,
        "rows in one": 0.3 if rows else 1.0,
        "long texts": 1 - 0.6 * long / max(1, len(cells)),
        "header within": 0.6**inner,
        "labels and values in turn": 0.6**turns,
        "labels in cells": 0.8 if repeated else 0.4 ** min(2, len(labels)),
        "few cells": 1.0 if filled > 0.4 else 0.6,
    }


def _takes_turns(grid: CellGrid, cells: Sequence[GridCell], column: int) -> bool:
    """Whether labels and values stand in a column in turn; in two columns any mixture of words and figures may be the
    values of a form, the first of which would be no header."""
    own = [cell for cell in cells if cell.column == column]
    texts = [cell.kind == TEXT and not has_digit(cell.text) for cell in own]
    figures = sum(cell.kind in (NUMBER, DATE, CODE) for cell in own)
    if not min(sum(texts), figures) >= 0.25 * len(own) > 0:
        return False
    changes = sum(one != other for one, other in pairwise(texts))
    return grid.columns == 2 or changes >= 0.75 * (len(texts) - 1)


def _has_many(text: str) -> bool:
    """Whether a cell holds the numbers of several rows."""
    words = text.split()
    return (
        len(words) > 2 and all(map(has_digit, words)) and sum(len(word) > 2 for word in words) > 1 and "(" not in text
    )


def _judge_prose(grid: CellGrid, rows: int, caption: str) -> float:
    """Lines of running text that were taken for cells, captions in them, and two tables in one."""
    if len(_CAPTIONS.findall(caption)) > 1:
        return 0.3
    if any(
        cell.text.endswith(".") and cell.text[0].islower() and " " in cell.text
        for line in grid.lines[:rows]
        for cell in line
    ):
        return 0.3  # the end of a sentence in the header
    if any(_CAPTION.match(cell.text) is not None and len(cell.text.split()) > 3 for cell in grid.cells):
        return 0.3
    read_on: Counter[int] = Counter()
    phrases = [cell for line in grid.lines for cell in line if cell.kind == TEXT and cell.text.count(" ") > 1]
    for cell in phrases:
        for column in range(cell.column, cell.end_column):
            below = grid.own(cell.row + 1, column)
            read_on[column] += below is not None and grid.own(cell.row, column) is cell and _reads_on(cell, below)
    worst = max(read_on.values(), default=0)
    return 0.2 if worst > 1 else 0.5 if worst else 1.0


def _reads_on(one: GridCell, other: GridCell) -> bool:
    """Whether a sentence goes on from a cell to the one below."""
    before, after = one.text, other.text
    if min(before.count(" "), after.count(" ")) < 2 or one.kind != TEXT or other.kind != TEXT:
        return False
    if before.endswith((".", ":", ";", "!", "?")):
        return False
    return after[0].islower() and (leans_on(before) or before.count(" ") > 3)


def _has_two(text: str) -> bool:
    """Whether a cell has two numbers with nothing between them that would make them one thing."""
    words = text.split()
    numbers = [has_digit(word) and not word.startswith("(") for word in words]
    return len(words) > 1 and all(numbers) and any(len(word) > 2 for word in words[1:])
