"""Brings together rows whose cells were drawn apart: a table column by column, a form's labels before its values."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from docmatix.core.documents import enclose
from docmatix.pdf.lines import MAX_IN_ROW, Line, Row, group_rows, reads_on, share_baseline

MIN_ROWS = 3  # without labels that end with a colon
MIN_PARTNERS = 0.7  # of a layer's rows that share a baseline with one drawn before
MAX_LABEL = 16  # widths in line heights; a letter is about half as wide as its line is high
MAX_CELL = 12
SHORT = 8
MAX_SHIFT_PT = 1.0
MAX_INDENT_PT = 4.0
MAX_UPS = 2
MAX_HEADS = 2  # rows of heads above the first row that has a name
MAX_TABLES = 20
MAX_BASES = 4  # layers that a later one may belong to, the last ones
_MARK = re.compile(r"(?:[^\w\s(\[]{1,2}|[(\[]?(?:\d{1,2}|[A-Za-z])[.)\]])(?=\s|$)")
_NUMBER = re.compile(r"[\W\d]*\d[\W\d]*")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_SIGNS = frozenset("- – — ✓ ✔ ✗ x X $ € £ % yes no Yes No n/a N/A".split())

_Blocks = list[list[Row]]


@dataclass(slots=True)
class _Layer:
    """Rows that follow each other downwards in content order, with the numbers of their blocks."""

    rows: list[Row]
    blocks: list[int]
    parts: list[_Part] = field(default_factory=list)
    middles: list[float] = field(default_factory=list)
    added: dict[int, list[Row]] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    """Rows `first` to `last` (exclusive) of a layer as rows of an earlier one; `partners` has the number of each there,
    or None. `evidence` is what shows that they belong together."""

    layer: _Layer
    first: int
    last: int
    partners: list[int | None]
    evidence: str | None

    def pairs(self) -> Iterator[tuple[int | None, Row]]:
        return zip(self.partners, self.layer.rows[self.first : self.last], strict=True)


def merge_layers(blocks: _Blocks) -> _Blocks:
    """The same rows, those that were drawn apart as one. What reads as prose, or as a list of its own, stays."""
    layers = _find_layers(blocks)
    if len(layers) < 2:
        return blocks
    if len(layers) > MAX_UPS and any(_count_ups(block) >= MAX_UPS for block in blocks):
        blocks = [_untangle(block) for block in blocks]
        layers = _find_layers(blocks)
    bases: list[_Layer] = []
    for layer in layers:
        for base in bases[: -MAX_BASES - 1 : -1]:
            part = _fit(layer, base)
            if part is not None:
                _add(part, base)
                break
        else:
            bases.append(layer)
    tables = [base for base in bases if any(part.evidence == "values" for part in base.parts)][:MAX_TABLES]
    for layer in bases if tables else ():
        _add_sparse_column(layer, tables)
    merged: dict[int, list[_Part]] = {}
    for base in bases:
        chosen = _choose(base)
        if chosen:
            merged[id(base)] = chosen
    if not merged:
        return blocks
    taken = {id(part.layer): part for parts in merged.values() for part in parts}
    result: _Blocks = []
    for layer in layers:
        if id(layer) in merged:
            result += _compose(layer, merged[id(layer)])
        elif id(layer) in taken:
            part = taken[id(layer)]
            for some in (slice(0, part.first), slice(part.last, None)):
                result += group_rows(zip(layer.blocks[some], layer.rows[some], strict=True))
        else:
            result += group_rows(zip(layer.blocks, layer.rows, strict=True))
    return result


def _find_layers(blocks: _Blocks) -> list[_Layer]:
    layers: list[_Layer] = []
    lowest = float("inf")
    for number, block in enumerate(blocks):
        for row in block:
            middle = (row.box.y0 + row.box.y1) / 2
            if middle < lowest:
                layers.append(_Layer([], []))
            layers[-1].rows.append(row)
            layers[-1].blocks.append(number)
            lowest = middle + 0.3 * (row.box.y1 - row.box.y0)
    return layers


def _add_sparse_column(layer: _Layer, tables: Sequence[_Layer]) -> None:
    """One or two numbers that stand in rows of a table, as in a column of notes, become part of it."""
    if len(layer.rows) >= MIN_ROWS or layer.parts or not all(_is_value(row.lines[0].text) for row in layer.rows):
        return
    for base in tables:
        partners = [_find_partner(row, base)[0] for row in layer.rows]
        part = _Part(layer, 0, len(layer.rows), partners, "values")
        free = not any(_collide(row, other, 1.0) for row, other in _meet(part, base))
        if None not in partners and free and _share_grid(part, base) and _stands_between(layer, base):
            _add(part, base)
            return


def _stands_between(layer: _Layer, base: _Layer) -> bool:
    """Whether a layer is to the right of a table's names and to the left of its last column."""
    ends = [
        max(line.box.x1 for row in part.layer.rows[part.first : part.last] for line in row.lines) for part in base.parts
    ]
    return all(base.rows[0].box.x0 < row.box.x0 and row.box.x1 < max(ends) for row in layer.rows)


def _count_ups(block: Sequence[Row]) -> int:
    """How often the next row is above the last one, unless it begins a further cell or column on the right."""
    return sum(
        below.box.x0 < row.box.x1 and below.box.y0 + below.box.y1 < 1.5 * row.box.y0 + 0.5 * row.box.y1
        for row, below in pairwise(block)
    )


def _untangle(block: list[Row]) -> list[Row]:
    """The rows of a block whose cells are drawn up and down, by their baselines."""
    lines = [line for row in block for line in row.lines]
    if _count_ups(block) < MAX_UPS or _measure(lines) > SHORT or reads_on(lines):
        return block
    return block if any(line.is_sideways for line in lines) else _join_rows(Row([line], line.box) for line in lines)


def _middles(base: _Layer) -> list[float]:
    if not base.middles:
        base.middles = [(row.box.y0 + row.box.y1) / 2 for row in base.rows]
    return base.middles


def _fit(layer: _Layer, base: _Layer) -> _Part | None:
    """How far the rows of a layer are rows of an earlier one: beside its lines, never upon them."""
    partners: list[int | None] = []
    for row in layer.rows:
        partner, free = _find_partner(row, base)
        if not free:
            break
        partners.append(partner)
    matched = [at for at, partner in enumerate(partners) if partner is not None]
    if not matched:
        return None
    first, last = matched[0], matched[-1] + 1
    partners = partners[first:last]
    if len(matched) < MIN_PARTNERS * len(partners):
        return None
    part = _Part(layer, first, last, partners, None)
    if any(_collide(row, other, 1.0) for row, other in _meet(part, base)):
        return None
    pairs = list(_list_pairs(part, base))
    if _are_labelled(pairs):
        part.evidence = "labels"
        return part
    is_table = len(matched) >= MIN_ROWS and _are_cells(pairs) and _share_grid(part, base)
    if not is_table or _is_list(layer.rows[first:last]):
        return None
    part.evidence = _find_evidence(pairs, part)
    if 0 < first <= MAX_HEADS and part.evidence == "values" and _has_empty_corner(part, base):
        part.first, part.partners = 0, [*[None] * first, *partners]
    return part if _is_whole(part) else None


def _has_empty_corner(part: _Part, base: _Layer) -> bool:
    """Whether nothing stands closely above the first name of a table, beside the heads of its columns."""
    partner = part.partners[0] or 0
    row, above = base.rows[partner], base.rows[partner - 1]
    return partner == 0 or above.box.y1 < row.box.y0 - 0.5 * (row.box.y1 - row.box.y0)


def _are_labelled(pairs: Sequence[tuple[Line, Line]]) -> bool:
    """Whether most left neighbours are labels of right ones, or all of both are labels, unlike headings of lists."""
    labels = [(left.pieces[-1].text.endswith(":"), right.pieces[-1].text.endswith(":")) for left, right in pairs]
    return labels.count((True, False)) >= 0.5 * len(pairs) > 0 or labels.count((True, True)) == len(pairs) > 0


def _meet(part: _Part, base: _Layer) -> Iterator[tuple[Row, Row]]:
    """Rows of a part with those that earlier parts have in the same row."""
    for at, row in part.pairs():
        if at is not None:
            yield from ((row, other) for other in base.added.get(at, ()))


def _add(part: _Part, base: _Layer) -> None:
    base.parts.append(part)
    for at, row in part.pairs():
        if at is not None:
            base.added.setdefault(at, []).append(row)


def _is_whole(part: _Part) -> bool:
    """Whether no row of the layer goes on, closely, where the earlier one has none: that is another table's."""
    rows = part.layer.rows
    usual = median(row.box.y1 - row.box.y0 for row in rows[part.first : part.last])
    above = rows[part.first].box.y0 - rows[part.first - 1].box.y1 if part.first else usual
    below = rows[part.last].box.y0 - rows[part.last - 1].box.y1 if part.last < len(rows) else usual
    return min(above, below) > 0.5 * usual


def _share_grid(part: _Part, base: _Layer) -> bool:
    """Whether the baselines of most rows are equally far apart: others are neighbours by chance."""
    shifts = [row.box.y1 - base.rows[partner].box.y1 for partner, row in part.pairs() if partner is not None]
    usual = median(shifts)
    return sum(abs(shift - usual) <= MAX_SHIFT_PT for shift in shifts) >= 0.8 * len(shifts)


def _find_partner(row: Row, base: _Layer) -> tuple[int | None, bool]:
    """The row of `base` at the same height, and whether nothing there is in the way."""
    middles = _middles(base)
    middle = (row.box.y0 + row.box.y1) / 2
    at = bisect_left(middles, middle)
    found: int | None = None
    for near in range(max(at - 2, 0), min(at + 2, len(middles))):
        other = base.rows[near]
        if other.box.y1 <= row.box.y0 + 1 or row.box.y1 <= other.box.y0 + 1:
            continue
        aligned = share_baseline(row.box, other.box)
        slack = 1.0 if aligned else 0.25 * (row.box.y1 - row.box.y0)
        if _collide(row, other, slack):
            return None, False
        if aligned and (found is None or abs(middles[near] - middle) < abs(middles[found] - middle)):
            found = near
    return found, True


def _collide(row: Row, other: Row, slack: float) -> bool:
    if max(len(row.lines), len(other.lines)) > MAX_IN_ROW:
        return row.box.x0 < other.box.x1 - 1 and other.box.x0 < row.box.x1 - 1
    return any(
        line.box.x0 < rival.box.x1 - 1
        and rival.box.x0 < line.box.x1 - 1
        and line.box.y0 < rival.box.y1 - slack
        and rival.box.y0 < line.box.y1 - slack
        for line in row.lines
        for rival in other.lines
    )


def _list_pairs(part: _Part, base: _Layer) -> Iterator[tuple[Line, Line]]:
    """Neighbours in a row, one from each layer, the left one first."""
    for partner, row in part.pairs():
        if partner is None:
            continue
        lines = [(line, True) for line in row.lines] + [(line, False) for line in base.rows[partner].lines]
        lines.sort(key=lambda member: member[0].box.x0)
        for (left, mine), (right, yours) in pairwise(lines):
            if mine != yours:
                yield left, right


def _are_cells(pairs: Sequence[tuple[Line, Line]]) -> bool:
    """Whether lines side by side are short, aligned, and no prose."""
    left, right = [one for one, _ in pairs], [other for _, other in pairs]
    short = _measure(left) <= MAX_LABEL and _measure(right) <= MAX_CELL
    return short and all(_are_aligned(side) and not reads_on(side) for side in (left, right))


def _are_aligned(lines: Sequence[Line]) -> bool:
    """Whether most lines share their left edge, their right edge or their middle, as the cells of a column do."""
    boxes = [line.box for line in lines]
    for edges in ([b.x0 for b in boxes], [b.x1 for b in boxes], [(b.x0 + b.x1) / 2 for b in boxes]):
        usual = median(edges)
        if sum(abs(edge - usual) <= MAX_INDENT_PT for edge in edges) >= 0.7 * len(edges):
            return True
    return False


def _is_list(rows: Sequence[Row]) -> bool:
    """Whether most rows begin with the mark of a list, and text behind it."""
    marked = 0
    for row in rows:
        text = " ".join(line.text for line in row.lines)
        mark = _MARK.match(text)
        marked += mark is not None and mark.end() < len(text)
    return marked > len(rows) / 2


def _measure(lines: Sequence[Line]) -> float:
    return median(line.width / max(line.height, 0.1) for line in lines)


def _find_evidence(pairs: Sequence[tuple[Line, Line]], part: _Part) -> str | None:
    left, right = [one for one, _ in pairs], [other for _, other in pairs]
    if _are_values(left, 0.5) != _are_values(right, 0.5) or (_are_values(left, 0.8) and _are_values(right, 0.8)):
        return "values"
    known = [partner for partner in part.partners if partner is not None]
    gaps = known[-1] - known[0] + 1 > len(known)
    numbered = all(sum(any(map(str.isdigit, line.text)) for line in side) > 0.3 * len(side) for side in (left, right))
    if gaps and len(known) == len(part.partners) and not numbered and max(_measure(left), _measure(right)) < SHORT:
        return "gaps"
    return None


def _are_values(lines: Sequence[Line], share: float) -> bool:
    return sum(_is_value(line.text) for line in lines) >= share * len(lines)


def _is_value(text: str) -> bool:
    """Whether a cell holds a quantity, a date or a sign rather than words."""
    if text in _SIGNS:
        return True
    words = text.split()
    first, last = _NUMBER.fullmatch(words[0]), _NUMBER.fullmatch(words[-1])
    if first is None and last is None:
        return False
    if sum(map(str.isdigit, text)) >= sum(map(str.isalpha, text)):
        return True
    if len(words) <= 2:
        return first is not None or _YEAR.fullmatch(words[-1]) is not None
    dated = _YEAR.fullmatch(words[-1]) is not None and (first is not None or _NUMBER.fullmatch(words[1]) is not None)
    return len(words) == 3 and dated


def _choose(base: _Layer) -> list[_Part]:
    """The parts that belong to a layer's rows: by evidence of their own, or as further columns of a table."""
    is_table = any(part.evidence in ("values", "gaps") for part in base.parts) or _is_table_of_words(base)
    return [part for part in base.parts if part.evidence or (is_table and part.last - part.first >= MIN_ROWS)]


def _is_table_of_words(base: _Layer) -> bool:
    """Whether three or more columns of words are a table: a list in columns has columns of one width."""
    if len(base.parts) < 2:
        return False
    columns = [[line for row in part.layer.rows[part.first : part.last] for line in row.lines] for part in base.parts]
    known = [partner for part in base.parts for partner in part.partners if partner is not None]
    columns.append([line for row in base.rows[min(known) : max(known) + 1] for line in row.lines])
    lefts = sorted(min(line.box.x0 for line in column) for column in columns)
    steps = [right - left for left, right in pairwise(lefts)]
    short = all(_measure(column) < SHORT for column in columns)
    return short and len({len(column) for column in columns}) == 1 and max(steps) > 1.1 * min(steps)


def _compose(base: _Layer, parts: Sequence[_Part]) -> Iterator[list[Row]]:
    """The blocks of a layer with the rows of others in their places."""
    added: dict[int, list[Line]] = {}
    between: list[Row] = []
    for part in parts:
        for partner, row in part.pairs():
            if partner is None:
                between.append(row)
            else:
                added.setdefault(partner, []).extend(row.lines)
    rows: list[tuple[Row, int, bool]] = []
    for at, (row, block) in enumerate(zip(base.rows, base.blocks, strict=True)):
        lines = row.lines + added.get(at, [])
        rows.append((Row(lines, enclose(line.box for line in lines)), block, at in added))
    rows += [(row, -1, True) for row in _join_rows(between)]
    rows.sort(key=lambda member: member[0].box.y0 + member[0].box.y1)
    group: list[Row] = []
    number, inside = -1, False
    last = max((at for at, member in enumerate(rows) if member[2]), default=-1)
    for at, (row, block, is_merged) in enumerate(rows):
        # an empty cell in the middle of a table
        is_cell = is_merged or (inside and at < last and block != number and _is_short(row))
        if group and (is_cell != inside or (not is_cell and block != number)):
            yield group
            group = []
        group.append(row)
        number, inside = block, is_cell
    if group:
        yield group


def _is_short(row: Row) -> bool:
    return len(row.lines) == 1 and row.lines[0].width < SHORT * row.lines[0].height


def _join_rows(rows: Iterable[Row]) -> list[Row]:
    joined: list[Row] = []
    for row in sorted(rows, key=lambda row: row.box.y0 + row.box.y1):
        if joined and share_baseline(joined[-1].box, row.box) and not _collide(joined[-1], row, 1.0):
            lines = joined[-1].lines + row.lines
            joined[-1] = Row(lines, enclose(line.box for line in lines))
        else:
            joined.append(row)
    return joined
