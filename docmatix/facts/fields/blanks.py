"""Lines to write on: rules and underscores beside or above their label, empty or with a value on them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import BLANK, DOTS, PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.fields.labels import ends_with_colon, is_label, is_numbered, is_value, join, reads_on, strip_label
from docmatix.pdf.drawings import Rule

MIN_EM = 3.0  # the shortest line to write on
WIDE = 0.75  # of the page: longer lines mostly part sections
MAX_GAP = 16.0  # em from a label to the line
MAX_LINES = 300  # of a page; more are a table or a chart
MAX_CUT = 2.0  # points between the pieces of one rule
ROUNDED = 8.0  # points of the radius of a rounded corner


def find_blank_fields(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    """Fields whose value is to be written on a line."""
    yield from _find_underscores(layout, blocked)
    yield from _find_dots(layout)
    lines = _list_lines(layout)
    if not lines or len(lines) > MAX_LINES:
        return
    beside = [
        (chunk, rule)
        for chunk in layout.chunks
        if not chunk.in_prose
        and chunk.width <= PROSE_WIDTH
        and (chunk not in blocked or ends_with_colon(chunk.text))
        and (rule := _find_beside(layout, chunk, lines)) is not None
        and _can_name(strip_label(chunk.text))
    ]
    used = {rule for _, rule in beside}
    for chunk, rule in beside:
        # one alone may be a heading with an ornament, or with a table in the next column
        far = rule.x0 - chunk.x1 > 2.5 * chunk.size
        alike = sum(
            abs(other.x0 - chunk.x0) <= 2 and (abs(line.x0 - rule.x0) <= 2 or not far) and other is not chunk
            for other, line in beside
        )
        in_row = any(abs(line.y0 - rule.y0) <= 2 and other is not chunk for other, line in beside)
        if ends_with_colon(chunk.text) or alike or (in_row and not far):
            yield from _read_line(layout, chunk, rule, 0.85)
    over = [(rule, found) for rule in lines if rule not in used and (found := _find_over(layout, rule, blocked))]
    usual = _find_usual_size(layout)
    gaps = [rule.y0 - candidate.label[0].y1 for rule, candidate in over]
    for (rule, candidate), gap in zip(over, gaps, strict=True):
        alike = sum(abs(gap - other) <= 2 for other in gaps)
        first = candidate.label[0]
        wide = rule.x1 - rule.x0 > WIDE * layout.width
        named = first.size < 0.95 * usual or ends_with_colon(candidate.label[-1].text)
        if alike >= 2 and (named if wide else first.size < 1.1 * usual):
            used.add(rule)
            yield candidate
    under = [
        (rule, label)
        for rule in lines
        if rule not in used
        and rule.x1 - rule.x0 <= WIDE * layout.width
        and (label := _find_under(layout, rule, blocked))
        and not _is_framed(rule, label, lines)
    ]
    names = Counter(label.text.casefold() for _, label in under)
    for rule, label in under:
        above = _list_above(layout, rule)
        trust = 0.6 if len(under) >= 2 or label.size < 0.9 * usual else 0.42
        value = [token for chunk in above for token in chunk.tokens]
        if names[label.text.casefold()] > 2:
            continue  # the boxes of a diagram
        if value and is_value(join(value)) and not reads_on(join(value)):
            yield Candidate("field", label.tokens, value, trust)
        elif not above:
            area = (rule.x0, rule.y0 - 1.3 * label.size, rule.x1, rule.y0)
            yield Candidate("empty_field", label.tokens, (), trust, area=area)


def _can_name(label: str) -> bool:
    return is_label(label) and not is_numbered(label)


def _find_usual_size(layout: Layout) -> float:
    sizes = sorted(chunk.size for chunk in layout.chunks)
    return sizes[len(sizes) // 2]


def _find_underscores(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    """The words before each blank of underscores, in its chunk or the one before."""
    for chunk in layout.chunks:
        if "___" not in chunk.text or chunk in blocked or chunk.in_prose:
            continue
        label: list[Token] = []
        before = layout.left_of(chunk)
        if chunk.tokens[0].text.startswith("___") and before is not None and _can_begin(layout, before):
            label = list(before.tokens) if before.x1 > chunk.x0 - 3 * chunk.size and not before.in_prose else []
        found = False
        for token in chunk.tokens:
            if not BLANK.fullmatch(token.text):
                label.append(token)
                continue
            found = True
            if label and _can_name(strip_label(join(label))):
                area = (token.x0, token.y0, token.x1, token.y1)
                yield Candidate("empty_field", label, (), 0.8, area=area)
            label = []
        alone = found and all(BLANK.fullmatch(token.text) for token in chunk.tokens)
        below = layout.below(chunk, within=0.6, slack=8 * chunk.size) if alone else None
        before = layout.left_of(chunk)
        if below is not None and (before is None or before.x1 < chunk.x0 - 3 * chunk.size):
            name = strip_label(below.text)
            inside = below.x1 <= chunk.x1 + 2 and below.width <= PROSE_WIDTH and not below.in_prose
            inside = inside and chunk.x1 - chunk.x0 <= WIDE * layout.width
            if inside and is_label(name) and below not in blocked:
                yield Candidate("empty_field", below.tokens, (), 0.65, area=(chunk.x0, chunk.y0, chunk.x1, chunk.y1))


def _can_begin(layout: Layout, label: Chunk) -> bool:
    """Whether a chunk begins its row, follows a blank, or ends with a colon: it is no cell of a table."""
    before = layout.left_of(label)
    return before is None or ends_with_colon(label.text) or before.text.endswith("___")


def _find_dots(layout: Layout) -> Iterator[Candidate]:
    """Labels with leader dots that lead to nothing, or to the next label with dots of its own."""
    for row in layout.rows:
        led = [at for at, chunk in enumerate(row) if DOTS.fullmatch(chunk.text) and at > 0]
        for at in led:
            dots, label = row[at], row[at - 1]
            empty = at + 1 == len(row) or at + 2 in led
            near = dots.x0 - label.x1 < 10 * label.size and dots.width >= MIN_EM
            if at + 1 < len(row) and not row[at + 1].text[0].isupper():
                continue  # a sentence with blanks
            if empty and near and not label.in_prose and _can_name(strip_label(label.text)):
                yield Candidate("empty_field", label.tokens, (), 0.75, area=(dots.x0, dots.y0, dots.x1, dots.y1))


def _list_lines(layout: Layout) -> list[Rule]:
    """Rules across the page that are not the side of a box or the line of a table; pieces that touch are one rule."""
    ends = sorted((rule.x0, rule.y0, rule.y1) for rule in layout.drawing.rules if rule.x0 == rule.x1)
    xs = [end[0] for end in ends]
    found: dict[Rule, None] = {}
    for rule in _join_pieces(layout.drawing.rules):
        if not 24 <= rule.x1 - rule.x0 <= 0.92 * layout.width or _is_side(rule, ends, xs):
            continue
        found[rule] = None
        if len(found) > MAX_LINES:
            break
    return list(found)


def _join_pieces(rules: Sequence[Rule]) -> list[Rule]:
    """The rules across, in their order; those that are drawn cell by cell, as the rows of tables are, as wholes."""
    flat = [rule for rule in rules if rule.y0 == rule.y1]
    order = {rule: at for at, rule in reversed(list(enumerate(flat)))}
    joined: list[tuple[int, Rule]] = []
    for rule in sorted(order, key=lambda rule: (round(rule.y0), rule.x0)):
        at, last = joined[-1] if joined else (0, rule)
        if joined and abs(rule.y0 - last.y0) <= 1 and rule.x0 <= last.x1 + MAX_CUT:
            joined[-1] = min(at, order[rule]), last._replace(x1=max(last.x1, rule.x1))
        else:
            joined.append((order[rule], rule))
    return [rule for _, rule in sorted(joined)]


def _is_side(rule: Rule, ends: Sequence[tuple[float, float, float]], xs: Sequence[float]) -> bool:
    """Whether a rule ends at one that runs down, or right before one that begins beside it, as where a corner is
    rounded."""
    for x, outside in ((rule.x0, -ROUNDED), (rule.x1, ROUNDED)):
        low, high = min(x - 2, x + outside), max(x + 2, x + outside)
        for end, y0, y1 in ends[bisect_left(xs, low) : bisect_right(xs, high)]:
            if abs(end - x) <= 2 and y0 - 2 <= rule.y0 <= y1 + 2:
                return True
            if min(abs(y0 - rule.y0), abs(y1 - rule.y0)) <= ROUNDED:
                return True
    return False


def _find_beside(layout: Layout, chunk: Chunk, lines: Sequence[Rule]) -> Rule | None:
    """The line to write on that begins behind a label, at its foot, with nothing between them."""
    em = chunk.size
    found: Rule | None = None
    for rule in lines:
        behind = -0.8 * em <= rule.x0 - chunk.x1 <= MAX_GAP * em and rule.x1 > chunk.x1 + MIN_EM * em
        at_foot = chunk.y1 - 0.5 * em < rule.y0 < chunk.y1 + 0.4 * em
        if behind and at_foot and (found is None or rule.x0 < found.x0):
            found = rule
    beside = layout.right_of(chunk)
    if found is None or beside is None:
        return found
    underlined = abs(beside.x0 - found.x0) <= 1.5 and abs(beside.x1 - found.x1) <= 1.5
    return None if beside.x0 < found.x0 - 2 or (underlined and not ends_with_colon(chunk.text)) else found


def _read_line(layout: Layout, chunk: Chunk, rule: Rule, trust: float) -> Iterator[Candidate]:
    on_it = [other for other in _list_others(layout, chunk) if other.x0 >= rule.x0 - 2 and other.x1 <= rule.x1 + 2]
    value = [token for other in on_it for token in other.tokens]
    if value and is_value(join(value)) and not reads_on(join(value)):
        yield Candidate("field", chunk.tokens, value, trust)
    elif not value and not any(other.x0 < rule.x1 and other.x1 > rule.x0 + 2 for other in _list_others(layout, chunk)):
        end = min([other.x0 - 1 for other in layout.rows[chunk.row] if other.x0 > rule.x0 + 2], default=rule.x1)
        area = (max(rule.x0, chunk.x1), chunk.y0, min(rule.x1, end), rule.y0)
        yield Candidate("empty_field", chunk.tokens, (), trust, area=area)


def _list_others(layout: Layout, chunk: Chunk) -> list[Chunk]:
    return [other for other in layout.rows[chunk.row] if other is not chunk]


def _find_under(layout: Layout, rule: Rule, blocked: Collection[Chunk]) -> Chunk | None:
    """The label in the line under a rule, no wider than it, with nothing else there."""
    near = layout.in_column(rule.x0 - 2, rule.y0 + 0.5, rule.x1 + 2, rule.y0 + 6)
    if len(near) != 1 or near[0] in blocked or near[0].in_prose:
        return None
    label = near[0]
    fits = label.x0 >= rule.x0 - 3 and label.x1 <= rule.x1 + 3 and label.y0 > rule.y0 - 0.3 * label.size
    if not fits or not _can_name(strip_label(label.text)) or label.width > 0.7 * PROSE_WIDTH:
        return None
    following = layout.below(label, within=0.9)
    ends = following is None or following.size != label.size
    return label if ends and len(label.tokens) <= 6 and label.x1 - label.x0 < 0.95 * (rule.x1 - rule.x0) else None


def _is_framed(rule: Rule, label: Chunk, lines: Sequence[Rule]) -> bool:
    """Whether another line right under a label makes a box of it, as in diagrams with rounded corners."""
    return any(
        label.middle < other.y0 < label.y1 + 1.6 * label.size and other.x0 < label.x1 and other.x1 > label.x0
        for other in lines
    )


def _find_over(layout: Layout, rule: Rule, blocked: Collection[Chunk]) -> Candidate | None:
    """The field of a line whose label stands at its left end, one line above it, over the value or an empty space."""
    values = _list_above(layout, rule)
    if len(values) > 1:
        return None
    if values:
        value = values[0]
        over = [
            chunk
            for chunk in layout.in_column(rule.x0 - 3, value.y0 - 0.9 * value.size, rule.x1, value.y0 + 1)
            if chunk is not value and abs(chunk.x0 - rule.x0) <= 4
        ]
    else:
        over = [
            chunk
            for chunk in layout.in_column(rule.x0 - 3, rule.y0 - 26, rule.x1, rule.y0 - 8)
            if abs(chunk.x0 - rule.x0) <= 4
        ]
    label = max(over, key=lambda chunk: chunk.y0, default=None)
    if label is not None and _is_top(rule, label.size, layout):
        return None
    if label is None or label in blocked or label.in_prose or not _can_name(strip_label(label.text)):
        return None
    if label.width > PROSE_WIDTH or label.x1 > rule.x1 + 3:
        return None
    if values:
        value = values[0]
        fits = abs(value.x0 - rule.x0) <= 6 and rule.x1 - value.x1 > 2 * value.size and not value.bold > label.bold
        ends = value.size <= 1.3 * label.size + 3
        if not fits or not ends or not is_value(value.text) or reads_on(value.text):
            return None
        return Candidate("field", label.tokens, value.tokens, 0.7)
    if rule.y0 - label.y1 < 0.85 * label.size or label.bold:
        return None  # a heading with a line under it
    beside = layout.right_of(label)
    if beside is not None and beside.x0 < rule.x1:
        return None  # a line of text
    area = (rule.x0, max(label.y1, rule.y0 - 1.4 * label.size), rule.x1, rule.y0)
    return Candidate("empty_field", label.tokens, (), 0.62, area=area)


def _is_top(rule: Rule, size: float, layout: Layout) -> bool:
    """Whether a rule is the upper one of two that frame a line of text, as in a box with round ends."""
    feet = [
        other
        for other in layout.drawing.rules
        if other.y0 == other.y1
        and rule.y0 + 0.8 * size < other.y0 < rule.y0 + 2 * size
        and abs(other.x0 - rule.x0) <= 4
        and abs(other.x1 - rule.x1) <= 4
    ]
    return bool(feet) and bool(layout.in_column(rule.x0, rule.y0 + 1, rule.x1, feet[0].y0 - 1))


def _list_above(layout: Layout, rule: Rule) -> list[Chunk]:
    """What stands on a line."""
    return [
        chunk
        for chunk in layout.in_column(rule.x0, rule.y0 - 9, rule.x1, rule.y0 - 1)
        if chunk.y1 > rule.y0 - 0.5 * chunk.size and chunk.x0 >= rule.x0 - 3 and chunk.x1 <= rule.x1 + 3
    ]
