"""Which chunks stand in tables of data, so that their cells are no fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from docmatix.core.documents import Table
from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import DOTS, Chunk, Layout
from docmatix.facts.fields.labels import ends_with_colon, find_shape
from docmatix.facts.tables.meaning.kinds import PERIOD, find_kind

MIN_ROWS = 4  # of a table whose cells may be misunderstood, but which is surely one


def mark_tables(layout: Layout, tables: Sequence[Table], grid: Sequence[Candidate]) -> tuple[set[Chunk], set[Chunk]]:
    """The chunks inside tables, and those inside tables of data: with a header, and without colons in a quarter of the
    cells or a `grid` of labels and values over most of it. Totals at the foot of one are no part of it."""
    keys = {token.key for candidate in grid for token in (*candidate.label, *candidate.value)}
    tabled: set[Chunk] = set()
    blocked: set[Chunk] = set()
    for table in tables:
        if table.confidence < 0.5 and len(table.rows) < MIN_ROWS:
            continue
        x0, y0, x1, y1 = table.box
        if layout.is_mirrored:
            x0, x1 = 1 - x1, 1 - x0
        w, h = layout.width, layout.height
        inside = [
            chunk
            for chunk in layout.in_column(x0 * w, y0 * h, x1 * w, y1 * h)
            if x0 * w <= (chunk.x0 + chunk.x1) / 2 <= x1 * w and y0 * h <= chunk.middle <= y1 * h
        ]
        if _has_leaders(inside):
            continue
        totals = _find_totals(inside, x0 * w, x1 * w)
        tabled.update(set(inside).difference(totals))
        timely = _has_periods_above(table)
        if not timely and not _is_headed(table, layout, inside):
            continue
        colons = sum(ends_with_colon(chunk.text) or ": " in chunk.text for chunk in inside)
        held = sum(any(token.key in keys for token in chunk.tokens) for chunk in inside) if keys else 0
        if timely or (colons < 0.25 * len(inside) and held < 0.6 * len(inside)):
            blocked.update(inside)
            blocked.difference_update(totals)
    return tabled, blocked


def _has_leaders(inside: Sequence[Chunk]) -> bool:
    """Whether dots lead from a name to its value in most rows: a directory, whatever stands above its columns."""
    rows = {chunk.row for chunk in inside}
    led = {chunk.row for chunk in inside if any(DOTS.fullmatch(token.text) for token in chunk.tokens)}
    return len(rows) >= MIN_ROWS and 2 * len(led) > len(rows)


def _has_periods_above(table: Table) -> bool:
    """Whether the first row has years or quarters beside its name, above other values."""
    first, *others = table.rows
    if len(first) < 2 or not all(find_kind(cell) == PERIOD for cell in first[1:]):
        return False
    values = [cell for row in others for cell in row[1:] if cell]
    return bool(values) and not any(find_kind(cell) == PERIOD for cell in values)


def _is_headed(table: Table, layout: Layout, inside: Sequence[Chunk]) -> bool:
    """Whether a table's header is one: set otherwise than what is below, parted from it by a line, or words over
    numbers. The first lines of an address and of the fields beside it are none."""
    headers = [cell for cell in table.cells if cell.header and cell.text]
    body = [cell for cell in table.cells if not cell.header and cell.text]
    if not headers or not body:
        return False
    w, h = layout.width, layout.height
    foot = max(cell.box.y1 for cell in headers) * h
    middle = min(cell.box.y0 for cell in body) * h
    x0, x1 = sorted((table.box.x0 * w, table.box.x1 * w))
    for rule in layout.drawing.rules:
        if rule.x0 == rule.x1 and x0 + 3 < rule.x0 < x1 - 3 and rule.y0 < middle < rule.y1:
            return True
        near = min(foot, middle) - 4 <= rule.y0 <= max(foot, middle) + 4
        if rule.y0 == rule.y1 and near and min(rule.x1, x1) - max(rule.x0, x0) > 0.6 * (x1 - x0):
            return True
    top = min((chunk.row for chunk in inside), default=0)
    styles = {(chunk.bold, chunk.size) for chunk in inside if chunk.row == top}
    others = {(chunk.bold, chunk.size) for chunk in inside if chunk.row in (top + 1, top + 2)}
    if styles.isdisjoint(others):
        return True
    columns: dict[int, list[bool]] = defaultdict(list)
    for cell in body:
        columns[cell.column].append(any(map(str.isdigit, cell.text)))
    named = [cell for cell in headers if cell.column > 0 and cell.column in columns]
    over = [
        cell
        for cell in named
        if find_shape(cell.text) == "text" and sum(columns[cell.column]) >= 0.6 * len(columns[cell.column])
    ]
    return len(over) > 0.5 * len(named)


def _find_totals(inside: Sequence[Chunk], x0: float, x1: float) -> list[Chunk]:
    """The last rows of a table that have but a label and an amount, set off to the right or in a table of many
    columns."""
    rows: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in inside:
        rows[chunk.row].append(chunk)
    usual = median(map(len, rows.values())) if rows else 0
    found: list[Chunk] = []
    for _, row in sorted(rows.items(), reverse=True):
        apart = min(chunk.x0 for chunk in row) >= x0 + 0.3 * (x1 - x0)
        if not (2 <= len(row) <= 3 and apart) and not (len(row) == 2 and usual >= 4):
            break
        found += row
    return found
