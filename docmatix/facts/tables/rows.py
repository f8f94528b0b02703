"""Rows of a table from its lines: by rules where they part lines, else by two classes of gaps, else line by line."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line
from docmatix.facts.tables.columns import Span, locate

Lines = list[Line]
MIN_JUMP = 1.2  # between the gaps within rows and those between rows
OVERLAP = 0.25  # of the lower line, from which two lines stand in one row whatever else holds


def middle(line: Line) -> float:
    """Height of the middle of a line."""
    return sum(chunk.y0 + chunk.y1 for chunk in line) / (2 * len(line))


def group_rows(lines: Sequence[Line], columns: Sequence[Span], rules: Sequence[float] = ()) -> list[Lines]:
    """The lines of each row, from the top. `rules` are the heights of rules across all of the lines."""
    if not lines:
        return []
    bands = _part(_join_overlapping(lines), rules)
    if len(bands) > 1 and sum(len(band) for band in bands) <= 2.5 * len(bands):
        # rules between rows, or groups of rows
        return [row for band in bands for row in _split_band(band, columns)]
    return [row for band in bands for row in group_by_gaps(band, columns)]


def _join_overlapping(lines: Sequence[Line]) -> list[Lines]:
    rows: list[Lines] = []
    bottom = height = 0.0
    for line in lines:
        top, end = min(chunk.y0 for chunk in line), max(chunk.y1 for chunk in line)
        if rows and bottom - top > OVERLAP * min(end - top, height) and _fits(rows[-1], line):
            rows[-1].append(line)
            bottom, height = max(bottom, end), min(height, end - top)
        else:
            rows.append([line])
            bottom, height = end, end - top
    return rows


def _fits(row: Lines, line: Line) -> bool:
    """Whether a line half below another has its chunks beside the other's, or has none that is a number."""
    return not any(
        chunk.is_number and other.is_number and chunk.x0 < other.x1 and other.x0 < chunk.x1
        for upper in row
        for other in upper
        for chunk in line
    )


def _part(rows: Sequence[Lines], rules: Sequence[float]) -> list[list[Lines]]:
    bands: list[list[Lines]] = []
    before = 0.0
    for row in rows:
        centre = middle([chunk for line in row for chunk in line])
        if bands and not any(before < rule < centre for rule in rules):
            bands[-1].append(row)
        else:
            bands.append([row])
        before = centre
    return bands


def _split_band(band: list[Lines], columns: Sequence[Span]) -> list[Lines]:
    """The rows between two rules: one, unless a column has two numbers."""
    if len(band) == 1 or not has_two_numbers(_merge(band), columns):
        return [_merge(band)]
    return group_by_gaps(band, columns)


def _merge(rows: Sequence[Lines]) -> Lines:
    return [line for row in rows for line in row]


def has_two_numbers(row: Lines, columns: Sequence[Span]) -> bool:
    """Whether a column after the first has numbers on two lines of a row."""
    seen: set[int] = set()
    for line in row:
        here = {
            place
            for chunk in line
            if chunk.is_number
            for place in [locate(chunk, columns)[0]]
            if place or len(columns) == 1
        }
        if here & seen:
            return True
        seen |= here
    return False


def group_by_gaps(rows: Sequence[Lines], columns: Sequence[Span]) -> list[Lines]:
    """Rows whose lines are nearer to each other than to those of other rows; then lines that go on with a row."""
    grouped = [list(row) for row in rows]
    if len(rows) > 2:
        joined = _join_near(rows, columns)
        if joined is not None:
            grouped = joined
    return _join_wrapped(grouped, columns)


def _join_near(rows: Sequence[Lines], columns: Sequence[Span]) -> list[Lines] | None:
    """Rows joined over the smaller of two classes of gaps; None if there are no two, or a cell gets two numbers."""
    middles = [(middle(row[0]), middle(row[-1])) for row in rows]
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(middles)]
    ordered = sorted(gaps)
    jumps = [(after / max(before, 0.1), place) for place, (before, after) in enumerate(itertools.pairwise(ordered))]
    for jump, place in sorted(jumps, reverse=True)[:3]:
        if jump < MIN_JUMP:
            return None
        limit = (ordered[place] + ordered[place + 1]) / 2
        if limit > 2.2 * min(chunk.size for row in rows for line in row for chunk in line):
            continue
        joined: list[Lines] = [list(rows[0])]
        for gap, row in zip(gaps, rows[1:], strict=True):
            if gap < limit:
                joined[-1].extend(row)
            else:
                joined.append(list(row))
        if not any(has_two_numbers(row, columns) for row in joined) and _is_plausible(joined, columns):
            return joined
    return None


def _is_plausible(rows: Sequence[Lines], columns: Sequence[Span]) -> bool:
    """Whether most rows of several lines look like wrapped text: no column of each gets as many lines as there are, in
    step with another."""
    doubtful = 0
    several = [row for row in rows if len(row) > 1]
    for row in several:
        filled = [{locate(chunk, columns)[0] for chunk in line} for line in row]
        if len(row) > 3 and all(here == filled[0] and len(here) > 1 for here in filled[1:]):
            doubtful += 1
    return 2 * doubtful <= len(several)


def _join_wrapped(rows: Sequence[Lines], columns: Sequence[Span]) -> list[Lines]:
    """Rows with those joined to them that only go on with a cell of theirs."""
    joined: list[Lines] = []
    pending: Lines = []
    labels = [_find_label(row, columns) for row in rows]
    is_lone = [sum(map(len, row)) == 1 and label is not None for row, label in zip(rows, labels, strict=True)]
    for place, row in enumerate(rows):
        chunks = [chunk for line in row for chunk in line]
        following = rows[place + 1] if place + 1 < len(rows) else None
        if pending and (is_lone[place] or labels[place] is None) and not _hangs(labels, is_lone, place - 1):
            joined.append(pending)
            pending = []
        if (
            joined
            and not pending
            and (_goes_on(joined[-1], chunks, columns) or (is_lone[place] and _hangs_below(labels, is_lone, place)))
        ):
            joined[-1].extend(row)
        elif following is not None and (_begins(chunks, following, columns) or _hangs(labels, is_lone, place)):
            pending.extend(row)
        else:
            joined.append(pending + list(row))
            pending = []
    if pending:
        joined.append(pending)
    return joined


INDENT_EM = 0.5
MAX_HANGING = 2  # lines of a label after its first


def _find_label(row: Lines, columns: Sequence[Span]) -> Chunk | None:
    """The text at the left of a row, if it keeps to the first column."""
    first = min(chunk for line in row for chunk in line)
    return first if not first.is_number and locate(first, columns) == (0, 0) else None


def _hangs(labels: Sequence[Chunk | None], is_lone: Sequence[bool], place: int) -> bool:
    """Whether a lone label goes on in the rows below it, indented, the last of which has values, and after which labels
    are back at the edge; a section would have more rows that are indented."""
    label = labels[place]
    if label is None or not is_lone[place] or label.text[-1] in ":.":
        return False
    edge = label.x0 + INDENT_EM * label.size
    for below in range(place + 1, min(place + 1 + MAX_HANGING, len(labels))):
        deeper, upper = labels[below], labels[below - 1]
        if deeper is None or upper is None or deeper.x0 < edge or deeper.y0 - upper.y1 > 0.6 * label.size:
            return False
        if not is_lone[below]:
            after = labels[below + 1] if below + 1 < len(labels) else None
            return after is None or after.x0 < edge
    return False


def _hangs_below(labels: Sequence[Chunk | None], is_lone: Sequence[bool], place: int) -> bool:
    """Whether a lone label goes on with that of a row with values above it: indented, and the next row is not."""
    label, above = labels[place], labels[place - 1] if place else None
    if label is None or above is None or is_lone[place - 1] or label.y0 - above.y1 > 0.6 * label.size:
        return False
    edge = above.x0 + INDENT_EM * label.size
    after = labels[place + 1] if place + 1 < len(labels) else None
    return label.x0 > edge and (after is None or after.x0 < edge) and label.text[-1] != ":"


def _is_near(before: Lines, chunks: Sequence[Chunk]) -> bool:
    return min(chunk.y0 for chunk in chunks) - max(chunk.y1 for chunk in before[-1]) < 0.6 * chunks[0].size


def _goes_on(before: Lines, chunks: Sequence[Chunk], columns: Sequence[Span]) -> bool:
    """Whether chunks go on with the row before: text alone, begun by a small letter or not beginning a row at all."""
    if any(chunk.is_number for chunk in chunks) or not _is_near(before, chunks):
        return False
    places = {locate(chunk, columns) for chunk in chunks}
    if any(first != last for first, last in places):
        return False
    filled = {locate(chunk, columns)[0] for line in before for chunk in line if not chunk.is_number}
    if not {first for first, _ in places} <= filled:
        return False
    if (0, 0) not in places:
        return True
    first = min(chunks)
    above = [chunk for line in before for chunk in line if locate(chunk, columns)[0] == 0]
    if len(places) != 1 or not above:
        return False
    whole = " ".join(chunk.text for chunk in above)
    return (
        first.text[0].islower() or first.text[0] == "(" or whole[-1] in "-,‐&/" or whole.count("(") > whole.count(")")
    )


def _begins(chunks: Sequence[Chunk], following: Lines, columns: Sequence[Span]) -> bool:
    """Whether a lone label is the upper part of the label of the row below it."""
    if len(chunks) != 1 or chunks[0].is_number or locate(chunks[0], columns) != (0, 0):
        return False
    below = [chunk for line in following for chunk in line]
    label = [chunk for chunk in below if locate(chunk, columns)[0] == 0]
    if not label or len(label) == len(below) or not _is_near([list(chunks)], below):
        return False
    text = label[0].text
    return not chunks[0].text.endswith(":") and (text[0].islower() or text[0] in "(&/" or chunks[0].text[-1] in "-,‐&/")
