"""From the grid of a table to what its cells say: headers, names of rows, roles, unit, caption, notes, trust."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from docmatix.core.documents import Box, Cell, Page, Table
from docmatix.facts.tables.meaning.building import build_grid
from docmatix.facts.tables.meaning.captions import Surroundings, find_unit_within, read_surroundings
from docmatix.facts.tables.meaning.cell_grid import CellGrid, Color, GridCell
from docmatix.facts.tables.meaning.groups import spread_groups
from docmatix.facts.tables.meaning.headers import ColumnNames, Headers, find_headers, find_inner_headers, name_columns
from docmatix.facts.tables.meaning.kinds import BLANK, find_unit, is_plain_word
from docmatix.facts.tables.meaning.mending import cut_above, cut_fields, part_spanning_headers, shift_headers
from docmatix.facts.tables.meaning.row_names import RowNames, name_rows
from docmatix.facts.tables.meaning.trust import measure_trust
from docmatix.facts.tables.meaning.upper_headers import add_upper_header, widen_spans
from docmatix.facts.tables.raw import RawTable
from docmatix.pdf.drawings import Drawing
from docmatix.text.hyphens import PageWords


def read_table(page: Page, raw: RawTable, drawing: Drawing, known: PageWords | None = None) -> Table | None:
    """What a table says, given what geometry makes of it; None if less than two rows and columns have text."""
    known = known or PageWords(page.words)
    grid = build_grid(page, raw, known, _list_fills(page, drawing, raw.box))
    if grid.rows < 2 or grid.columns < 2:
        return None
    cut_above(grid)
    taken = add_upper_header(page, grid)
    headers = find_headers(grid)
    headers = part_spanning_headers(grid, cut_fields(grid, headers))
    shift_headers(grid, headers)
    widen_spans(grid, headers.rows)
    spread_groups(grid, headers.rows)
    return read_grid(grid, headers, read_surroundings(page, raw, known, taken))


def read_grid(
    grid: CellGrid,
    headers: Headers,
    surroundings: Surroundings,
    *,
    columns: ColumnNames | None = None,
    names: RowNames | None = None,
    confidence: float | None = None,
) -> Table:
    """The table of a grid; `columns`, `names` and `confidence` where they are known."""
    columns = columns or name_columns(grid, headers.rows)
    inner = find_inner_headers(grid, headers.rows)
    names = names or name_rows(grid, headers.rows, inner=inner)
    above = dict.fromkeys(range(headers.rows, grid.rows), columns.paths)
    for head in inner:
        paths: list[tuple[str, ...]] = [
            (cell.text,) if (cell := grid.own(head, column)) else () for column in range(grid.columns)
        ]
        above.update((row, paths) for row in range(head + 1, grid.rows))
        del above[head]
    if confidence is None:
        trust = measure_trust(grid, headers, columns.paths, names, surroundings.caption)
        confidence = trust * 0.85 ** len(inner)
    return Table(
        grid.box,
        _leave_out_same([_make_cell(grid, cell, above, names) for cell in grid.cells]),
        surroundings.caption or columns.title,
        _find_unit(grid, headers.rows, columns, names, surroundings),
        surroundings.notes,
        names.keys.column,
        confidence,
    )


def _make_cell(grid: CellGrid, cell: GridCell, above: Mapping[int, Sequence[tuple[str, ...]]], names: RowNames) -> Cell:
    place = (cell.row, cell.column, cell.row_span, cell.column_span, cell.text, cell.box)
    if cell.row not in above:
        return Cell(*place, header=True)
    if names.sections.get(cell.row) is cell:
        return Cell(*place, role="section")
    is_key = names.keys.column is not None and cell.column <= names.keys.column < cell.end_column
    is_key |= cell.column in names.keys.groups or cell in names.cells
    if is_key and cell.kind != BLANK:
        return Cell(*place, role="key")
    # a cell that spans rows is about all of them, one that spans columns about what these share
    row, column = names.paths.get(cell.row, ()), above[cell.row][cell.column]
    if cell.row_span > 1:
        row = _share([names.paths.get(at, ()) for at in range(cell.row, cell.end_row)])
    if cell.column_span > 1:
        column = _share(above[cell.row][cell.column : cell.end_column])
    path = (*column, *row)
    role = "empty" if cell.kind == BLANK else "total" if cell.row in names.totals else ""
    return Cell(*place, path=path, role=role)


def _leave_out_same(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells without the paths that several have: they do not say which is meant."""
    counts = Counter(cell.path for cell in cells if cell.path and cell.text)
    return tuple([Cell(*cell[:7], role=cell.role) if cell.text and counts[cell.path] > 1 else cell for cell in cells])


def _share(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What paths begin with alike."""
    shared: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return tuple(shared)


def _find_unit(
    grid: CellGrid, header_rows: int, columns: ColumnNames, names: RowNames, surroundings: Surroundings
) -> str:
    """What all numbers are in: a row of units, the corner, the caption, the line above, or every header."""
    if columns.unit:
        return columns.unit
    for row in range(header_rows):
        corner = grid.own(row, 0)
        if corner is not None and corner.column_span < grid.columns:
            unit = find_unit_within(corner.text) or find_unit(corner.text)
            if unit and not is_plain_word(corner.text) and (names.keys.column == 0 or 0 in names.keys.groups):
                return unit
    if unit := find_unit_within(surroundings.caption) or find_unit_within(columns.title) or surroundings.unit:
        return unit
    keys = {names.keys.column, *names.keys.groups}
    units = {
        find_unit_within(path[-1]) or find_unit(path[-1]) if path else ""
        for column, path in enumerate(columns.paths)
        if column not in keys
    }
    return units.pop() if len(units) == 1 else ""


def _list_fills(page: Page, drawing: Drawing, box: Box) -> list[tuple[Box, Color]]:
    """The colours behind a table, as boxes in fractions of the page, in the order they are drawn."""
    width, height = page.width_pt, page.height_pt
    return [
        (Box(area.x0 / width, area.y0 / height, area.x1 / width, area.y1 / height), area.fill)
        for area in drawing.boxes
        if area.fill is not None
        and area.x1 / width > box.x0
        and area.x0 / width < box.x1
        and area.y1 / height > box.y0
        and area.y0 / height < box.y1
    ]
