"""Chooses among the tables that strokes draw, those that the sides of filled boxes draw, and gutters within both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from docmatix.facts.tables.chunks import Chunk, make_lines
from docmatix.facts.tables.found import FoundTable
from docmatix.facts.tables.grid_tables import read_grid
from docmatix.facts.tables.grids import Crossings, Grid, find_crossings, find_grids
from docmatix.facts.tables.judging import has_defects, is_table
from docmatix.facts.tables.rules import list_sides
from docmatix.facts.tables.side_by_side import split_side_by_side
from docmatix.facts.tables.streams import read_stream
from docmatix.facts.tables.trust import measure_trust
from docmatix.pdf.drawings import Drawing, Rule

MIN_CHUNKS = 4


def read_grids(
    drawing: Drawing, across: Sequence[Rule], chunks: Sequence[Chunk]
) -> tuple[list[FoundTable], list[Chunk]]:
    """The tables that rules draw, and the chunks outside of them. The sides of filled boxes count where strokes alone
    leave out text, or draw something else; gutters where both frame more than cells."""
    seen: list[tuple[Grid, _Candidate | None]] = []
    strokes = find_crossings(drawing.rules)
    found = _list_candidates(strokes, across, chunks, seen)
    if sides := list_sides(drawing):
        both = find_crossings(list(dict.fromkeys((*drawing.rules, *sides))))
        same = both is not None and strokes is not None and both.is_like(strokes, ALIKE_PT)
        others = found if same else _list_candidates(both, across, chunks, seen)
        found = found + [one._replace(with_boxes=True) for one in others if not one.is_doubtful]
    found = [one for one in found if not _is_frame(one, found)]
    tables: list[FoundTable] = []
    taken: set[Chunk] = set()
    for one in sorted(found, key=lambda one: (one.is_doubtful, -len(one.held), -one.filled, one.with_boxes)):
        if not taken.isdisjoint(one.held) or (one.with_boxes and _joins_several(one, found)):
            continue
        tables += _read_aligned(one, across) if one.is_doubtful else [one.table]
        taken |= one.held
    return tables, [chunk for chunk in chunks if chunk not in taken]


class _Candidate(NamedTuple):
    table: FoundTable
    held: frozenset[Chunk]
    filled: int  # cells with text
    is_doubtful: bool
    with_boxes: bool = False


def _list_candidates(
    crossings: Crossings | None,
    across: Sequence[Rule],
    chunks: Sequence[Chunk],
    seen: list[tuple[Grid, _Candidate | None]],
) -> list[_Candidate]:
    """The grids that are tables. Each is added to those `seen`, and one like them is not looked at again."""
    found: list[_Candidate] = []
    for grid in find_grids(crossings) if crossings is not None else ():
        alike = [candidate for other, candidate in seen if _are_alike(grid, other)]
        candidate = alike[0] if alike else _judge(grid, across, chunks)
        seen.append((grid, candidate))
        if candidate is not None:
            found.append(candidate)
    return found


def _judge(grid: Grid, across: Sequence[Rule], chunks: Sequence[Chunk]) -> _Candidate | None:
    x0, y0, x1, y1 = grid.box
    inside = [
        chunk for chunk in chunks if x0 <= (chunk.x0 + chunk.x1) / 2 <= x1 and y0 <= (chunk.y0 + chunk.y1) / 2 <= y1
    ]
    table = read_grid(grid, inside, across) if len(inside) >= MIN_CHUNKS else None
    if table is None or not is_table(table):
        return None
    filled = sum(bool(cell.chunks) for cell in table.cells)
    return _Candidate(table, frozenset(inside), filled, has_defects(table))


ALIKE_PT = 1.5  # between the edges of one grid, drawn by strokes and by the boxes that they frame


def _are_alike(one: Grid, other: Grid) -> bool:
    """Whether two grids have the same cells at the same places."""
    return one.cells == other.cells and all(
        abs(edge - same) <= ALIKE_PT for edge, same in zip((*one.xs, *one.ys), (*other.xs, *other.ys), strict=True)
    )


def _read_aligned(candidate: _Candidate, across: Sequence[Rule]) -> list[FoundTable]:
    """The tables that the text of a doubtful grid makes by its gutters; the grid's own if that can be trusted more."""
    parts = split_side_by_side(make_lines(candidate.held))
    read = [table for part in parts if (table := read_stream(part, across)) is not None and is_table(table)]
    trust = min((measure_trust(table) for table in read), default=0.0)
    return read if trust > measure_trust(candidate.table) else [candidate.table]


def _joins_several(candidate: _Candidate, others: Sequence[_Candidate]) -> bool:
    """Whether a table of filled boxes joins several that strokes draw."""
    parts = [other for other in others if not other.with_boxes and not other.is_doubtful]
    return sum(not candidate.held.isdisjoint(other.held) for other in parts) > 1


def _is_frame(candidate: _Candidate, others: Sequence[_Candidate]) -> bool:
    """Whether a grid only frames several others, which together have more cells."""
    parts = [other for other in others if other.held < candidate.held]
    covered = sum(len(part.held) for part in parts)
    return len(parts) > 1 and covered > 0.6 * len(candidate.held) and sum(p.filled for p in parts) > candidate.filled
