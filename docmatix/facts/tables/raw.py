"""What geometry alone says of the tables of a page: region, grid, spans, and the words of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from docmatix.core.documents import Box, Page
from docmatix.facts.tables.chunks import Chunk, Line, list_chunks, make_lines
from docmatix.facts.tables.extending import extend_grid
from docmatix.facts.tables.found import FoundTable
from docmatix.facts.tables.frames import find_frames
from docmatix.facts.tables.grid_choice import read_grids
from docmatix.facts.tables.judging import is_table
from docmatix.facts.tables.prose import find_page_gutter, find_prose
from docmatix.facts.tables.regions import find_regions, part_at_headers, part_columns, trim_sparse
from docmatix.facts.tables.rules import merge_rules
from docmatix.facts.tables.side_by_side import split_side_by_side
from docmatix.facts.tables.streams import read_stream
from docmatix.facts.tables.surroundings import add_surroundings
from docmatix.facts.tables.trust import guess_header_rows, measure_trust
from docmatix.facts.tables.turning import find_turn, turn_back, turn_page

if TYPE_CHECKING:
    from docmatix.facts.text_lines import TextLine
    from docmatix.pdf.drawings import Drawing, Rule


class RawCell(NamedTuple):
    """A cell of a grid. `words` are places in the words of its page, in reading order; `box` is the grid's cell, in
    fractions of the page, which spans `row_span` rows and `column_span` columns."""

    row: int
    column: int
    row_span: int
    column_span: int
    words: tuple[int, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table by geometry. Cells come by row, then by column; those without words are left out unless a ruled grid has
    them."""

    box: Box
    cells: tuple[RawCell, ...]
    header_rows: int
    """How many rows at the top are headers as far as rules and columns tell; 0 if they do not."""
    ruled: bool
    """Whether rules draw the cells, across and down."""
    rows_ruled: tuple[float, ...]
    """Heights of the rules across it, in fractions of the page, from its top with the text upright."""
    caption_words: tuple[int, ...] = ()
    """Words above or below it that name it."""
    note_words: tuple[int, ...] = ()
    """Words below it that explain it: sources, footnotes."""
    trust: float = 1.0
    """From 0 to 1; less where words stand over a gutter, a cell has two numbers, or a span rests on centring alone."""


def find_raw_tables(page: Page, drawing: Drawing, lines: Sequence[TextLine] | None = None) -> list[RawTable]:
    """The tables of a page, from the top; `lines` are those of its text, if they are known."""
    upwards = find_turn(page)
    if upwards is None:
        return _find_upright(page, drawing, lines)
    tables = _find_upright(*turn_page(page, drawing, upwards=upwards))
    return [_turn_back(table, upwards=upwards) for table in tables]


def _turn_back(table: RawTable, *, upwards: bool) -> RawTable:
    return replace(
        table,
        box=turn_back(table.box, upwards=upwards),
        cells=tuple(cell._replace(box=turn_back(cell.box, upwards=upwards)) for cell in table.cells),
    )


def _find_upright(page: Page, drawing: Drawing, text: Sequence[TextLine] | None = None) -> list[RawTable]:
    across, down = merge_rules(drawing.rules)
    chunks = list_chunks(page, down, text)
    tables, rest = read_grids(drawing, across, chunks)
    lines = make_lines(rest)
    added = {chunk for table in tables if table.ruled for chunk in extend_grid(table, lines, across)}
    if added:
        lines = [left for line in lines if (left := [chunk for chunk in line if chunk not in added])]
    prose = find_prose(lines)
    for frame in find_frames(lines, across):
        own = {chunk for line in frame for chunk in line}
        if prose.isdisjoint(own):
            continue
        table = read_stream(frame, across)
        if table is not None and is_table(table):
            # text as long as this is prose where it does not stand in columns between rules
            tables.append(table)
            lines = [left for line in lines if (left := [chunk for chunk in line if chunk not in own])]
            prose -= own
    gutter = find_page_gutter(prose)
    for column in [lines] if gutter is None else part_columns(lines, prose, gutter, across):
        for region in find_regions(column, prose):
            for part in _part(region, across):
                table = read_stream(part, across)
                if table is None:
                    continue
                if not is_table(table):
                    trimmed = trim_sparse(part)
                    table = read_stream(trimmed, across) if len(trimmed) < len(part) else None
                    if table is None or not is_table(table):
                        continue
                tables.append(table)
    for table in tables:
        table.header_rows = table.header_rows or guess_header_rows(table)
        table.trust = measure_trust(table)
    held = {chunk for table in tables for cell in table.cells for chunk in cell.chunks}
    add_surroundings(tables, [chunk for chunk in chunks if chunk not in held])
    return sorted((_convert(table, page) for table in tables), key=lambda table: (table.box.y0, table.box.x0))


def _part(region: list[Line], across: list[Rule]) -> list[list[Line]]:
    return [part for side in split_side_by_side(region, across) for part in part_at_headers(side)]


def _convert(table: FoundTable, page: Page) -> RawTable:
    width, height = page.width_pt, page.height_pt

    def list_words(chunks: list[Chunk]) -> tuple[int, ...]:
        if len(chunks) == 1 and len(chunks[0].words) == 1:
            return chunks[0].words
        return tuple(sorted([word for chunk in chunks for word in chunk.words]))

    xs = [round(min(max(x / width, 0.0), 1.0), 5) for x in table.xs]
    ys = [round(min(max(y / height, 0.0), 1.0), 5) for y in table.ys]
    cells = [
        RawCell(
            cell.row,
            cell.column,
            cell.rows,
            cell.columns,
            list_words(cell.chunks),
            Box(
                xs[cell.column],
                ys[cell.row],
                xs[cell.column + cell.columns],
                ys[min(cell.row + cell.rows, len(ys) - 1)],
            ),
        )
        for cell in table.cells
    ]
    return RawTable(
        Box(xs[0], ys[0], xs[-1], ys[-1]),
        tuple(sorted(cells)),
        table.header_rows,
        table.ruled,
        tuple(round(y / height, 5) for y in table.rules),
        list_words(table.caption),
        list_words(table.notes),
        table.trust,
    )
