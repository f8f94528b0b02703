"""How far a table's grid can be trusted, and how many of its rows are headers."""

from __future__ import annotations

from collections import defaultdict

from docmatix.facts.tables.chunks import is_number, is_year
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.judging import Evidence


def guess_header_rows(table: FoundTable) -> int:
    """The rows above the first with numbers that are no years, as far as no header reaches further down; without
    numbers, the bold rows on top; 0 if neither tells."""
    rows: defaultdict[int, list[FoundCell]] = defaultdict(list)
    for cell in table.cells:
        if cell.chunks:
            rows[cell.row].append(cell)
    order = sorted(rows)
    body = next((row for row in order if _has_values(rows[row])), None)
    if body is None:
        body = next((row for row in order if not all(chunk.bold for cell in rows[row] for chunk in cell.chunks)), 0)
    if body > MAX_HEADER_ROWS or 2 * body > len(table.ys):
        return 1 if rows[order[0]] and not _has_values(rows[order[0]]) else 0
    while body and any(cell.row < body < cell.row + cell.rows for cell in table.cells if cell.chunks):
        body -= 1
    return body


MAX_HEADER_ROWS = 6


def _has_values(cells: list[FoundCell]) -> bool:
    """Whether half of the cells after the first column are numbers other than years."""
    others = [cell for cell in cells if cell.column]
    texts = [" ".join(chunk.text for chunk in cell.chunks) for cell in others]
    values = sum(is_number(text) and not is_year(text) for text in texts)
    return values > 0 and 2 * values >= len(others)


def measure_trust(table: FoundTable) -> float:
    """From 0 to 1: less for each thing that tables rarely have."""
    seen = Evidence(table)
    count = max(1, len(seen.filled))
    several = [cell.chunks for cell in seen.filled if cell.column and len(cell.chunks) > 1]
    doubled = sum(sum(chunk.is_number for chunk in chunks) > 1 for chunks in several)
    named = {row for cell in seen.filled if cell.column == 0 for row in range(cell.row, cell.row + cell.rows)}
    body = {cell.row for cell in seen.filled if cell.row >= table.header_rows}
    trust = 1.0 if table.ruled else 0.95 if seen.rules > 1 else 0.9
    trust -= min(0.3, seen.bridged) + min(0.3, 1.5 * doubled / count) + min(0.3, table.struck / count)
    trust -= 0.15 * (len(body - named) > 0.3 * len(body))  # rows without a name
    trust -= 0.15 * (table.header_rows == 0) + 0.15 * (not table.ruled and not seen.is_regular)
    trust -= 0.25 * (not table.ruled and seen.number_columns == 0 and seen.rules < 2) + 0.2 * (seen.words > 10)
    return round(max(0.0, trust), 2)
