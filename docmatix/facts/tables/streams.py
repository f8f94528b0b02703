"""Tables from aligned text: columns by gutters, rows by gaps or rules, headers by blocks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line, cut_chunk
from docmatix.facts.tables.columns import Span, find_columns, locate, make_bounds
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.headers import find_header, place_headers
from docmatix.facts.tables.rows import group_rows
from docmatix.facts.tables.surroundings import NAME, is_note
from docmatix.pdf.drawings import Rule

ENDS_PT = 6.0  # between the ends of rules that are one table's


def read_stream(lines: Sequence[Line], rules: Sequence[Rule]) -> FoundTable | None:
    """The table that lines make; `rules` are those across. None if there is but one column or row."""
    columns = find_columns(lines)
    if len(columns) < 2 or len(lines) < 2:
        return None
    left = min(chunk.x0 for line in lines for chunk in line)
    right = max(chunk.x1 for line in lines for chunk in line)
    top, bottom = min(chunk.y0 for chunk in lines[0]), max(chunk.y1 for chunk in lines[-1])
    near = 1.5 * max(chunk.size for chunk in lines[0])
    across = [rule for rule in rules if rule.x0 < right and left < rule.x1 and top - near < rule.y0 < bottom + near]
    long = _find_long(_join_level(across), left, right)
    caption, lines = _take_caption(lines, columns, rules)
    lines, notes = _take_notes(lines, columns)
    if len(lines) < 2:
        return None
    head = find_header(lines, columns)
    if not head:
        head = _find_ruled_header(lines, long)
    placed, cuts = place_headers(lines[:head], columns, across) if head else ([], [])
    header_rows = 1 + max((cell.row + cell.rows - 1 for cell in placed), default=-1)
    body = [_cut_bridging(line, columns) for line in lines[head:]]
    rows = group_rows(body, columns, long)
    cells = [FoundCell(cell.row, cell.first, cell.rows, cell.last - cell.first + 1, cell.chunks) for cell in placed]
    for place, row in enumerate(rows, header_rows):
        cells += _fill_row(place, row, columns)
    top = min(chunk.y0 for chunk in lines[0])
    ys = [top, *cuts]
    if head and rows:
        ys.append((max(c.y1 for line in lines[:head] for c in line) + min(c.y0 for c in rows[0][0])) / 2)
    for before, after in itertools.pairwise(rows):
        ys.append((max(c.y1 for line in before for c in line) + min(c.y0 for line in after for c in line)) / 2)
    ys.append(max(chunk.y1 for line in lines[-2:] for chunk in line))
    return FoundTable(
        make_bounds(columns, left, right),
        sorted(ys),
        cells,
        header_rows,
        rules=long,
        caption=caption,
        notes=notes,
        struck=_count_struck(lines, across),
    )


def _take_caption(
    lines: Sequence[Line], columns: Sequence[Span], rules: Sequence[Rule]
) -> tuple[list[Chunk], Sequence[Line]]:
    """The chunks of the lines on top that name the table, and the other lines."""
    count = 0
    for place, line in enumerate(lines[:-1]):
        first, last = locate(line[0], columns)
        below = lines[place + 1]
        if len(line) == 1 and first == 0:
            crosses = last > 0
            larger = line[0].size > 1.15 * min(chunk.size for chunk in below)
            parted = any(
                line[0].y1 - 2 < rule.y0 < below[0].y0 + 2 and rule.x0 < columns[0].end and rule.x1 > columns[-1].start
                for rule in rules
            )
            if crosses or larger or parted or _is_unit_above(line[0], lines[place + 1 :], columns):
                count = place + 1
                continue
        if place < 2 and len(line) <= 2 and not line[0].is_number and NAME.match(line[0].text) is not None:
            count = place + 1
        elif len(line) > 1:
            break
    return [chunk for line in lines[:count] for chunk in line], lines[count:]


def _is_unit_above(lone: Chunk, below: Sequence[Line], columns: Sequence[Span]) -> bool:
    """Whether a lone text over the first column is none of its header: in brackets, or with the header of that column
    further down, and others above this one."""
    if locate(below[0][0], columns)[0] == 0 or len(below) < 2 or len(below[0]) < 2:
        return False
    second = below[1][0]
    goes_on = len(below[1]) > len(below[0]) and not second.is_number and second.x0 < columns[1].start
    return goes_on or lone.text[0] in "(["


def _cut_bridging(line: Line, columns: Sequence[Span]) -> Line:
    """A line with chunks cut that stand in two columns, where the gap between words is in the gutter and a number is on
    one side of it."""
    if all(len(set(locate(chunk, columns))) == 1 for chunk in line):
        return line
    cut: Line = []
    for chunk in line:
        rest = chunk
        first, last = locate(chunk, columns)
        for column in range(first, last):
            gutter = Span(columns[column].end, columns[column + 1].start)
            for place in range(1, len(rest.parts)):
                gap = Span(rest.parts[place - 1][1], rest.parts[place][0])
                if gap.start <= gutter.end and gutter.start <= gap.end:
                    before, after = cut_chunk(rest, place)
                    if (before.is_number or after.is_number) and gap.start < gutter.end and gutter.start < gap.end:
                        cut.append(before)
                        rest = after
                        break
        cut.append(rest)
    return cut


def _count_struck(lines: Sequence[Line], rules: Sequence[Rule]) -> int:
    return sum(
        any(
            0.25 < (rule.y0 - chunk.y0) / (chunk.y1 - chunk.y0) < 0.7
            and rule.x0 < chunk.x0
            and chunk.x1 < rule.x1
            and rule.x1 - rule.x0 > 2 * (chunk.x1 - chunk.x0)
            for rule in rules
        )
        for line in lines
        for chunk in line
    )


def _take_notes(lines: Sequence[Line], columns: Sequence[Span]) -> tuple[Sequence[Line], list[Chunk]]:
    """The lines without those at the bottom that explain the table, and the chunks of these."""
    size = sorted(line[0].size for line in lines)[len(lines) // 2]
    end = len(lines)
    for place in range(len(lines) - 1, 1, -1):
        line = lines[place]
        if len(line) > max(2, 0.5 * len(columns)) or any(chunk.is_number for chunk in line[1:]):
            break
        starts_note = is_note(line, size) and not line[0].is_number
        if starts_note and (len(line) == 1 or (len(columns) > 2 and not line[0].text[0].isdigit())):
            end = place
    return lines[:end], [chunk for line in lines[end:] for chunk in line]


def _find_long(rules: Sequence[Rule], left: float, right: float) -> list[float]:
    """The heights of the rules across most of a table, as far as most of them end at one place."""
    width = right - left
    long = [rule for rule in rules if min(rule.x1, right) - max(rule.x0, left) > 0.8 * width]
    groups = [
        [other.y0 for other in long if abs(other.x0 - rule.x0) < ENDS_PT and abs(other.x1 - rule.x1) < ENDS_PT]
        for rule in long
    ]
    return max(groups, key=len, default=[])


def _join_level(rules: Sequence[Rule]) -> list[Rule]:
    """Rules at one height as one: a rule may be drawn in pieces, one a column."""
    joined: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (rule.y0, rule.x0)):
        if joined and rule.y0 - joined[-1].y0 < 1 and rule.x0 - joined[-1].x1 < 10:
            joined[-1] = Rule(joined[-1].x0, joined[-1].y0, max(rule.x1, joined[-1].x1), joined[-1].y0)
        else:
            joined.append(rule)
    return joined


def _find_ruled_header(lines: Sequence[Line], rules: Sequence[float]) -> int:
    """How many lines stand above the first rule within the table, if they are few."""
    for rule in sorted(rules):
        above = sum(line[0].y1 < rule + 2 for line in lines)
        if 0 < above < len(lines):
            return above if above <= 5 else 0
    return 0


def _fill_row(place: int, row: Sequence[Line], columns: Sequence[Span]) -> list[FoundCell]:
    held: dict[tuple[int, int], list[Chunk]] = {}
    for line in row:
        for chunk in line:
            held.setdefault(locate(chunk, columns), []).append(chunk)
    cells: list[FoundCell] = []
    for (first, last), chunks in sorted(held.items()):
        if cells and first < cells[-1].column + cells[-1].columns:
            before = cells[-1]
            cells[-1] = FoundCell(
                place,
                before.column,
                1,
                max(last + 1, before.column + before.columns) - before.column,
                before.chunks + chunks,
            )
        else:
            cells.append(FoundCell(place, first, 1, last - first + 1, chunks))
    return cells
