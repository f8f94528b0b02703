"""What the rows of a table are called: their names, and the groups and sections that they stand in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.keys import Keys, choose_key
from docmatix.facts.tables.meaning.kinds import BLANK, CODE, DATE, NUMBER, PERIOD, TEXT
from docmatix.facts.tables.meaning.sections import find_sections
from docmatix.facts.tables.meaning.totals import find_totals, is_total_name

INDENT_PT = 2.5
"""By how much a name must stand further in to belong to the one above: the least indent is about 4 points."""
_BULLET = re.compile(r"^[-–—•·▪‣]\s+(?=\w)")


@dataclass(slots=True)
class RowNames:
    """`paths` of the rows below the header, by row: sections and groups, outermost first, then the row's own name."""

    keys: Keys
    paths: dict[int, tuple[str, ...]] = field(default_factory=dict)
    nameless: set[int] = field(default_factory=set)
    cells: set[GridCell] = field(default_factory=set)
    """Those that hold a name outside the column of names."""
    totals: set[int] = field(default_factory=set)
    sections: dict[int, GridCell] = field(default_factory=dict)
    last_open: tuple[str, ...] = ()
    """The sections that the last row stands in."""
    last_groups: dict[int, str] = field(default_factory=dict)


_UNKNOWN = (False, -1.0, False)


class _Above(NamedTuple):
    """A row that others may stand under. `x`: where its name begins; None where that says nothing."""

    text: str
    x: float | None
    is_section: bool
    style: tuple[bool, float, bool]


def name_rows(
    grid: CellGrid, header_rows: int, *, before: RowNames | None = None, inner: Sequence[int] = ()
) -> RowNames:
    """The names of the rows below the header. `before`: those of the page before, if the table goes on from there;
    `inner`: rows that are headers again."""
    sections = find_sections(grid, header_rows)
    data = [row for row in range(header_rows, grid.rows) if row not in sections and row not in inner]
    keys = before.keys if before is not None else choose_key(grid, data, sections)
    names = RowNames(keys, sections=sections)
    names.totals = find_totals(grid, data, set(sections), keys.column)
    starts = _find_starts(grid, [*data, *sections], keys.column)
    opened = before.last_open if before is not None else ()
    stack = [_Above(text, None, True, _UNKNOWN) for text in opened]
    nested: set[tuple[object, object]] = set()
    grouped: dict[int, str] = dict(before.last_groups) if before is not None else {}
    after_total = after_section = False
    last = data[-1] if data else -1
    for row in range(header_rows, grid.rows):
        x = starts.get(row)
        if row in inner:
            stack = [one for one in stack if one.is_section]
            continue
        if row in sections:
            stack = _open_section(grid, sections[row], x, stack, nested, follows=after_section)
            grouped, after_total, after_section = {}, False, True
            continue
        after_section = False
        is_total = row in names.totals
        stack = _leave(stack, x, starts, row)
        own = {column: cell for column in keys.groups if (cell := grid.own(row, column)) and cell.kind != BLANK}
        grouped.update((column, cell.text) for column, cell in own.items())
        for column in own:  # an outer group begins inner ones anew
            grouped = {at: text for at, text in grouped.items() if at <= column or at in own}
        named = find_name(grid, row, keys, is_total=is_total)
        name = clean_name(named.text) if named is not None else ""
        if named is not None and named.row == row:
            names.cells.add(named)
        grand = is_total and (after_total or (row == last and len(sections) > 1 and len(names.totals) == 1))
        above = [one.text for one in stack if not grand and (one.is_section or not is_total)]
        groups = [] if grand else [text for _, text in sorted(grouped.items()) if text != name]
        names.paths[row] = (*above, *groups, *((name,) if name else ()))
        names.last_open = tuple(one.text for one in stack if one.is_section)
        if not name:
            names.nameless.add(row)
        after_total = is_total
        timely = named is not None and named.kind in (PERIOD, DATE)
        if name and not is_total and not timely and _has_parts(starts, row, names):
            stack.append(_Above(name, x, False, (False, 0.0, False)))
    names.last_groups = grouped
    return names


def find_name(grid: CellGrid, row: int, keys: Keys, *, is_total: bool) -> GridCell | None:
    """The cell that names a row; that of a total may stand in another column."""
    if keys.column is None:
        return None
    cell = grid.at(row, keys.column)
    if cell is not None and cell.text and (cell.kind != BLANK or len(cell.text) > 3):
        return cell
    for column in (*keys.groups, *(range(keys.column) if is_total else ())):
        cell = grid.own(row, column)
        if cell is not None and cell.kind not in (BLANK, NUMBER) and (not is_total or is_total_name(cell.text)):
            return cell
    texts = [cell for cell in grid.lines[row] if cell.kind in (TEXT, CODE, PERIOD, DATE)]
    if len(texts) == 1 and len(grid.lines[row]) > 1 and texts[0] is grid.lines[row][0] and texts[0].column > 0:
        return texts[0]  # a sum below the table, named right beside it
    return None


def clean_name(text: str) -> str:
    """A name without the bullet before it, and the colon or leaders behind it."""
    return re.sub(r"[\s:]*(?:[.…_ ]{3,})?$", "", _BULLET.sub("", text, count=1)).rstrip(" :") or text


def _find_starts(grid: CellGrid, rows: list[int], key: int | None) -> dict[int, float]:
    """Where the names of rows begin, in points, if they stand at few places, as indented ones do. Names set to the
    right below others that are set to the left are indented, too."""
    cells = {
        row: cell
        for row in rows
        if key is not None and (cell := grid.own(row, key)) and cell.column == key and cell.row_span == 1
    }
    if len(cells) < 3:
        return {}
    found = {row: cell.start / grid.point for row, cell in cells.items()}
    ends = {row: cell.box.x1 / grid.point for row, cell in cells.items()}
    left, right = min(found.values()), max(ends.values())
    at_left = [row for row in cells if found[row] < left + INDENT_PT]
    at_right = [row for row in cells if ends[row] > right - INDENT_PT and row not in at_left]
    if len(at_left) > 1 and len(at_right) > 1 and len(at_left) + len(at_right) == len(cells):
        return {row: left if row in at_left else left + 4 * INDENT_PT for row in cells}
    for row, cell in cells.items():
        found[row] += 2 * INDENT_PT if _BULLET.match(cell.text) else 0.0
    places = sorted(found.values())
    levels = 1 + sum(after - before > INDENT_PT for before, after in pairwise(places))
    spread = places[-1] - places[0]
    middles = [found[row] + ends[row] for row in cells]
    centred = (max(middles) - min(middles)) / 2 < 0.8 * spread
    # left of most others by far, or at as many places as there are rows: set by hand, or centred
    if levels == 1 or levels > 5 or 2 * levels > len(places) + 1 or spread > 90 or centred:
        return {}
    lone = sum(
        (place == 0 or here - places[place - 1] > INDENT_PT)
        and (place + 1 == len(places) or places[place + 1] - here > INDENT_PT)
        for place, here in enumerate(places)
    )
    return found if lone <= 1 + len(places) // 8 else {}


def _has_parts(starts: dict[int, float], row: int, names: RowNames) -> bool:
    """Whether at least two rows below stand further in than this one; a total of them does not count."""
    if row not in starts:
        return False
    parts = 0
    for below in range(row + 1, row + 3):
        deeper = below in starts and starts[below] > starts[row] + INDENT_PT
        parts += deeper and below not in names.totals and below not in names.sections
        if not deeper:
            break
    return parts >= 2


def _open_section(
    grid: CellGrid,
    cell: GridCell,
    x: float | None,
    stack: list[_Above],
    nested: set[tuple[object, object]],
    *,
    follows: bool,
) -> list[_Above]:
    """What is open after a section begins: those around it, and itself."""
    style = (cell.bold, cell.size, cell.column_span > 1 or cell.column > 0)
    kept = [one for one in stack if one.is_section and one.style != _UNKNOWN]
    while kept:
        top = kept[-1]
        deeper = x is not None and top.x is not None and x > top.x + INDENT_PT
        if deeper or (top.style, style) in nested:
            break
        # one right under another is within it if it looks like less
        if follows and top.style != style and not (x is not None and top.x is not None and x < top.x - INDENT_PT):
            nested.add((top.style, style))
            break
        kept.pop()
    return [*kept, _Above(clean_name(cell.text), x, True, style)]


def _leave(stack: list[_Above], x: float | None, starts: dict[int, float], row: int) -> list[_Above]:
    """What is still open at a row: what stands further in than the row, or as far where its rows stood further in, has
    ended."""
    kept = list(stack)
    while kept and x is not None:
        top = kept[-1]
        if top.x is None:
            break
        if not top.is_section:
            ended = x <= top.x + INDENT_PT
        else:
            before = starts.get(row - 1)
            stood_in = before is not None and before > top.x + INDENT_PT
            ended = x < top.x - INDENT_PT or (x <= top.x + INDENT_PT and stood_in)
        if not ended:
            break
        kept.pop()
    return kept
