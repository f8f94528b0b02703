"""Cuts cells that rules draw around several rows or columns of a table."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line, make_lines
from docmatix.facts.tables.columns import Span, find_columns, locate
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.rows import group_by_gaps

MIN_CUT_SHARE = 0.6  # of the cells of a column with more than one chunk on a line, from which it is cut


def cut_rows(table: FoundTable) -> FoundTable:
    """The table with rows cut whose columns have a number on each of several lines, in step."""
    bands = _by_row(table)
    heights = [_find_heights(table, bands.get(row, [])) for row in range(len(table.ys) - 1)]
    if not any(heights):
        return table
    ys, first = _add_edges(table.ys, heights)
    cells: list[FoundCell] = []
    for cell in table.cells:
        start, end = first[cell.row], first[cell.row + cell.rows]
        cuts = heights[cell.row]
        if not cuts or cell.rows > 1:
            cells.append(FoundCell(start, cell.column, end - start, cell.columns, cell.chunks))
            continue
        parts: list[list[Chunk]] = [[] for _ in range(len(cuts) + 1)]
        for chunk in cell.chunks:
            parts[bisect_left(cuts, (chunk.y0 + chunk.y1) / 2)].append(chunk)
        if len(cell.chunks) > 1 or cell.columns == 1:
            cells += [FoundCell(start + at, cell.column, 1, cell.columns, part) for at, part in enumerate(parts)]
        else:
            cells.append(FoundCell(start, cell.column, end - start, cell.columns, cell.chunks))
    table.ys, table.cells = ys, cells
    return table


def _add_edges(edges: Sequence[float], cuts: Sequence[Sequence[float]]) -> tuple[list[float], list[int]]:
    """The edges of rows or columns with the cuts within each, and the new place of each old edge."""
    added, places = [edges[0]], [0]
    for here, edge in zip(cuts, edges[1:], strict=True):
        added += [*here, edge]
        places.append(len(added) - 1)
    return added, places


def _by_row(table: FoundTable) -> dict[int, list[FoundCell]]:
    bands: defaultdict[int, list[FoundCell]] = defaultdict(list)
    for cell in table.cells:
        if cell.rows == 1 and cell.chunks:
            bands[cell.row].append(cell)
    return bands


def _find_heights(table: FoundTable, cells: Sequence[FoundCell]) -> list[float]:
    """Heights at which a row is to be cut."""
    if len(cells) < 2 or max(len(cell.chunks) for cell in cells) < 2:
        return []
    several = [lines for cell in cells if len(lines := make_lines(cell.chunks)) > 1]
    if not several:
        return []
    stacked = [lines for lines in several if all(any(chunk.is_number for chunk in line) for line in lines)]
    lines = make_lines(chunk for cell in cells for chunk in cell.chunks)
    if not _are_in_step(stacked, several, cells, lines):
        return []
    columns = [Span(before, after) for before, after in zip(table.xs, table.xs[1:], strict=False)]
    rows = group_by_gaps([[line] for line in lines], columns)
    return sorted(
        (max([chunk.y1 for line in before for chunk in line]) + min([chunk.y0 for line in after for chunk in line])) / 2
        for before, after in itertools.pairwise(rows)
    )


def _are_in_step(
    stacked: Sequence[list[Line]], several: Sequence[list[Line]], cells: Sequence[FoundCell], lines: Sequence[Line]
) -> bool:
    if not stacked or len(stacked) < 0.5 * (len(cells) - 1):
        # many lines of text in one band: in step where most lines have most columns
        full = sum(len(line) >= max(2, 0.7 * len(cells)) for line in lines)
        return len(lines) >= 5 and full >= 0.7 * len(lines) and len(several) >= 0.7 * len(cells)
    deepest = max(map(len, stacked))
    levels = [sorted(round(line[0].y1 / 3) for line in lines) for lines in stacked]
    shared = set(levels[0]) & {at + d for level in levels for at in level for d in (-1, 0, 1)}
    return len(shared) >= min(2, deepest)


def cut_columns(table: FoundTable) -> FoundTable:
    """The table with columns cut in which most rows have several chunks side by side, parted by shared gutters."""
    cuts: list[list[float]] = []
    for column in range(len(table.xs) - 1):
        mine = [cell for cell in table.cells if cell.column == column and cell.columns == 1 and cell.chunks]
        cuts.append(_find_places(mine))
    if not any(cuts):
        return table
    xs, first = _add_edges(table.xs, cuts)
    cells: list[FoundCell] = []
    for cell in table.cells:
        start, end = first[cell.column], first[cell.column + cell.columns]
        places = cuts[cell.column]
        if not places or cell.columns > 1:
            cells.append(cell._replace(column=start, columns=end - start))
            continue
        spans = [Span(before, after) for before, after in zip(xs[start:end], xs[start + 1 : end + 1], strict=True)]
        held: defaultdict[tuple[int, int], list[Chunk]] = defaultdict(list)
        for chunk in cell.chunks:
            held[locate(chunk, spans, slack=1.0)].append(chunk)
        last = -1
        for (left, right), chunks in sorted(held.items()):
            if left <= last:
                cells[-1].chunks.extend(chunks)
                continue
            cells.append(FoundCell(cell.row, start + left, cell.rows, right - left + 1, chunks))
            last = right
    table.xs, table.cells = xs, cells
    return table


def _find_places(cells: Sequence[FoundCell]) -> list[float]:
    if len(cells) < 3:
        return []
    least = max(2, MIN_CUT_SHARE * len(cells))
    if sum(len(cell.chunks) > 1 for cell in cells) < least:
        return []
    lines = [make_lines(cell.chunks) for cell in cells]
    several = [of_cell for of_cell in lines if any(len(line) > 1 for line in of_cell)]
    if len(several) < least:
        return []
    columns = find_columns([line for of_cell in several for line in of_cell if len(line) > 1])
    return [(before.end + after.start) / 2 for before, after in itertools.pairwise(columns)]


def cut_spans(table: FoundTable) -> FoundTable:
    """The table with cells over several columns cut whose chunks keep to the columns; one over the same columns with a
    single chunk goes along where most are cut."""
    wide = [cell for cell in table.cells if cell.columns > 1 and cell.chunks]
    cut: defaultdict[tuple[int, int], list[bool]] = defaultdict(list)
    for cell in wide:
        cut[cell.column, cell.columns].append(_keeps_to_columns(cell, table.xs))
    if not any(any(kinds) for kinds in cut.values()):
        return table
    cells: list[FoundCell] = []
    for cell in table.cells:
        kinds = cut.get((cell.column, cell.columns), [False])
        alone = sum(kinds) > 0.5 * len(kinds) and not _stands_over(cell, table.xs)
        if cell.columns == 1 or not (_keeps_to_columns(cell, table.xs) or alone):
            cells.append(cell)
            continue
        spans = _list_spans(cell, table.xs)
        parts: list[list[Chunk]] = [[] for _ in spans]
        for chunk in cell.chunks:
            parts[locate(chunk, spans, slack=2.0)[0]].append(chunk)
        cells += [FoundCell(cell.row, cell.column + at, cell.rows, 1, part) for at, part in enumerate(parts)]
    table.cells = cells
    return table


def _list_spans(cell: FoundCell, xs: Sequence[float]) -> list[Span]:
    inner = xs[cell.column : cell.column + cell.columns + 1]
    return [Span(before, after) for before, after in itertools.pairwise(inner)]


def _keeps_to_columns(cell: FoundCell, xs: Sequence[float]) -> bool:
    """Whether a cell over several columns has chunks side by side, each in a column of its own."""
    if cell.columns == 1 or len(cell.chunks) < 2:
        return False
    if _stands_over(cell, xs):
        return False
    spans = _list_spans(cell, xs)
    line = max(make_lines(cell.chunks), key=len)
    places = [locate(chunk, spans, slack=2.0)[0] for chunk in line]
    return len(line) > 1 and len(set(places)) == len(places)


def _stands_over(cell: FoundCell, xs: Sequence[float]) -> bool:
    """Whether a chunk of a cell stands over an edge between columns."""
    spans = _list_spans(cell, xs)
    return any(len(set(locate(chunk, spans, slack=2.0))) > 1 for chunk in cell.chunks)
