"""Takes apart what was drawn line by line across a page: columns of prose, and notes in the margin of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from docmatix.core.documents import enclose
from docmatix.pdf.lines import Line, Row, group_rows, reads_on

MIN_ROWS = 3
MAX_COLUMNS = 8  # more are a table
MIN_PROSE_SHARE = 0.8  # of the lines of a run, to be taken for columns; the rest ends a paragraph or stands alone
MAX_GAP = 2.5  # between rows of a run, in line heights: an empty line between paragraphs
MIN_BODY = 10  # width of a text with notes in its margin, in line heights
_MARKER = re.compile(r"\[[^\]]{1,16}\]|[(\[]?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)\]:]|\W{1,3}|.*:")

_Blocks = list[list[Row]]


def split_columns(blocks: _Blocks) -> _Blocks:
    """The same rows in blocks of one column each, where rows of several lines are columns of prose or stand beside
    one. Rows of cells, and list marks in front of their lines, are left as they are."""
    if not any(len(row.lines) > 1 for rows in blocks for row in rows):
        return blocks
    rows = [(number, row) for number, block in enumerate(blocks) for row in block]
    split: _Blocks = []
    at = done = floor = 0
    while at < len(rows):
        if not 1 < len(rows[at][1].lines) <= MAX_COLUMNS:
            at += 1
            continue
        first, end, columns = _find_run(rows, at, floor)
        parts = _take_apart(rows[first:end], columns)
        if parts:
            split += group_rows(rows[done:first])
            split += parts
            done = end
        at = floor = max(end, at + 1)
    return [*split, *group_rows(rows[done:])] if split else blocks


def _find_run(rows: Sequence[tuple[int, Row]], at: int, floor: int) -> tuple[int, int, list[tuple[float, float]]]:
    """The rows around `at`, from `floor`, that follow each other closely and share its gutters; the columns' edges."""
    columns = sorted((line.box.x0, line.box.x1) for line in rows[at][1].lines)
    end = at + 1
    while end < len(rows) and _follows(rows[end - 1][1], rows[end][1]):
        wider = _widen(columns, rows[end][1])
        if wider is None:
            break
        columns = wider
        end += 1
    first = at
    while first > floor and len(rows[first - 1][1].lines) == 1 and _follows(rows[first - 1][1], rows[first][1]):
        wider = _widen(columns, rows[first - 1][1])
        if wider is None or len(wider) > len(columns):
            break
        columns = wider
        first -= 1
    return first, end, columns


def _follows(row: Row, below: Row) -> bool:
    one, other = row.box, below.box
    height = min(one.y1 - one.y0, other.y1 - other.y0)
    return one.y0 + 0.5 * height < other.y0 < one.y1 + MAX_GAP * height


def _widen(columns: list[tuple[float, float]], row: Row) -> list[tuple[float, float]] | None:
    """The columns with another row in them; None if one of its lines bridges two."""
    wider = columns
    for line in row.lines:
        x0, x1 = line.box.x0, line.box.x1
        met = [at for at, (left, right) in enumerate(wider) if x0 < right + 3 and left < x1 + 3]
        if len(met) > 1:
            return None
        if met:
            left, right = wider[met[0]]
            if left <= x0 and x1 <= right:
                continue
            wider = [*wider[: met[0]], (min(x0, left), max(x1, right)), *wider[met[0] + 1 :]]
        else:
            wider = sorted([*wider, (x0, x1)])
    return wider if len(wider) <= MAX_COLUMNS else None


def _take_apart(rows: Sequence[tuple[int, Row]], edges: Sequence[tuple[float, float]]) -> _Blocks:
    """The blocks of a run of rows, column after column; none if it is to stay as it is."""
    columns = [
        [line for _, row in rows for line in row.lines if left <= line.box.x0 and line.box.x1 <= right]
        for left, right in edges
    ]
    prose = [number for number, column in enumerate(columns) if reads_on(column)]
    lines = sum(map(len, columns))
    shared = sum(len(row.lines) > 1 for _, row in rows)
    if len(prose) >= 2 and shared >= MIN_ROWS and sum(len(columns[n]) for n in prose) >= MIN_PROSE_SHARE * lines:
        return [block for column in columns for block in _cut_paragraphs(column)]
    if len(prose) == 1 and _is_body(prose[0], columns):
        return _set_notes_apart(rows, edges[prose[0]], columns[prose[0]])
    return []


def _is_body(number: int, columns: Sequence[Sequence[Line]]) -> bool:
    """Whether a column is a text with at most one column of notes on either side, rather than one of a table."""
    body = columns[number]
    left, right = columns[:number], columns[number + 1 :]
    beside = [line for column in (*left, *right) for line in column]
    widest, width = max(line.width for line in body), max(line.width for line in beside)
    if len(left) > 1 or len(right) > 1 or widest < MIN_BODY * median(line.height for line in body):
        return False
    ended = sum(line.pieces[-1].text[-1] in ".!?:;_" for line in body)
    is_text = len(body) >= 5 and ended <= 0.4 * len(body)
    if not is_text and (len(body) < 1.3 * len(beside) or widest < 1.5 * width):
        return False
    return not any(sum(map(str.isdigit, line.text)) > 0.3 * len(line.text) for column in right for line in column)


def _list_gaps(column: Sequence[Line]) -> list[float]:
    return [below.box.y0 - line.box.y1 for line, below in pairwise(column)]


def _cut_paragraphs(column: Sequence[Line]) -> Iterator[list[Row]]:
    gaps = _list_gaps(column)
    usual = median(gaps) if gaps else 0.0
    block = [Row([column[0]], column[0].box)]
    for (line, below), gap in zip(pairwise(column), gaps, strict=True):
        low, high = sorted((line.height, below.height))
        if gap > usual + 0.5 * low or high > 1.3 * low:
            yield block
            block = []
        block.append(Row([below], below.box))
    yield block


def _set_notes_apart(rows: Sequence[tuple[int, Row]], edge: tuple[float, float], body: Sequence[Line]) -> _Blocks:
    """The paragraphs of a column of prose and what stands beside it: a note in front of the paragraph that begins on
    its line, or behind the one it stands at. None if there are only labels and the marks of a list."""
    left, right = edge
    widest, usual = max(line.width for line in body), median(_list_gaps(body))
    blocks: _Blocks = []
    paragraph: list[Row] = []
    notes: list[list[Row]] = []
    found = False
    before: Line | None = None
    block = rows[0][0]
    for number, row in rows:
        own = [line for line in row.lines if left <= line.box.x0 and line.box.x1 <= right]
        beside = [line for line in row.lines if line not in own]
        marks = [line for line in beside if line.box.x1 <= left and _MARKER.fullmatch(line.text)]
        aside = [line for line in beside if line not in marks]
        ended = before is None or before.pieces[-1].text[-1] in ".!?:;" or before.width < 0.8 * widest
        spaced = before is not None and own and own[0].box.y0 - before.box.y1 > usual + 0.5 * own[0].height
        if paragraph and (spaced or (ended and (marks or aside or number != block))):
            blocks += [paragraph, *notes]
            paragraph, notes = [], []
        block = number
        if aside:
            found = True
            note = Row(aside, enclose(line.box for line in aside))
            if notes and _follows(notes[-1][-1], note):
                notes[-1].append(note)
            elif paragraph or not own:
                notes.append([note])
            else:
                blocks.append([note])
        if own or marks:
            paragraph.append(Row([*marks, *own], enclose(line.box for line in [*marks, *own])))
            before = own[-1] if own else None
    if paragraph:
        blocks.append(paragraph)
    return blocks + notes if found else []
