"""Check boxes and radio buttons: whether each is ticked, the text of its option, and the question it answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import Chunk, Layout, Token
from docmatix.facts.fields.labels import count_letters, ends_with_colon, is_label, join, strip_label
from docmatix.facts.fields.ticks import MAX_BOXES, Tick, find_drawn, find_glyphs

CHECKED, UNCHECKED = ("checked",), ("unchecked",)
MAX_OPTION_EM = 40
MIN_BLANK_PT = 24.0  # the shortest line or box to write in


def find_checkboxes(layout: Layout) -> Iterator[Candidate]:
    """The options of a page."""
    widgets = [
        Tick((item.x0, item.y0, item.x1, item.y1), item.checked, (), 0.95)
        for item in layout.drawing.widgets
        if item.kind in ("checkbox", "radio")
    ]
    drawn = [] if widgets else list(find_drawn(layout))
    marks = widgets or [*find_glyphs(layout, has_drawn=len(drawn) > 1), *drawn]
    if not marks or len(marks) > MAX_BOXES:
        return
    taken = {token.key for mark in marks for token in mark.tokens}
    yield from _read_options(layout, marks, taken)


def _read_options(layout: Layout, marks: Sequence[Tick], taken: Collection[int]) -> Iterator[Candidate]:
    found: list[tuple[Tick, list[Token]]] = []
    for mark in marks:
        before = _follow_texts(layout, mark, marks, taken)
        option = _find_option_before(layout, mark, marks, taken) if before else _find_option(layout, mark, marks, taken)
        if option:
            found.append((mark, option))
    options = {token.key for _, option in found for token in option}
    for mark, option in found:
        trust = mark.trust if mark.trust > 0.8 or _has_company(mark, option, found) else 0.4
        if not mark.tokens and mark.trust < 0.7 and not _fits(mark, option):
            trust = 0.4  # circles of a diagram
        question = _find_question(layout, mark, [other for other, _ in found], options | set(taken))
        yield Candidate("checkbox", question, option, trust, path=CHECKED if mark.checked else UNCHECKED)


def _has_company(mark: Tick, option: Sequence[Token], found: Sequence[tuple[Tick, list[Token]]]) -> bool:
    """Whether another box of its size stands at its edge or in its row; a square alone is more often a picture, unless
    a sentence follows close behind it."""
    size = mark.area[3] - mark.area[1]
    for other, _ in found:
        same = abs(other.area[3] - other.area[1] - size) <= 0.8
        placed = abs(other.area[0] - mark.area[0]) <= 2 or abs(other.area[1] - mark.area[1]) <= 2
        if other is not mark and same and placed:
            return True
    return len(option) >= 4 and _fits(mark, option)


def _fits(mark: Tick, option: Sequence[Token]) -> bool:
    """Whether a box is as high as the words right behind it, and at their height."""
    first, size = option[0], mark.area[3] - mark.area[1]
    near = 0 <= first.x0 - mark.area[2] <= 1.5 * first.size or 0 <= mark.area[0] - option[-1].x1 <= 1.5 * first.size
    level = abs((first.y0 + first.y1) - (mark.area[1] + mark.area[3])) <= 0.8 * first.size
    return 0.5 * first.size <= size <= 1.5 * first.size and near and level and first.text[0].isalpha()


def _find_option(layout: Layout, mark: Tick, marks: Sequence[Tick], taken: Collection[int]) -> list[Token]:
    """The text right of a box up to the next one, with the lines that go on under it; else the text left of it, where
    boxes follow their texts."""
    _x0, y0, x1, y1 = mark.area
    size = max(y1 - y0, 8.0)
    y = (y0 + y1) / 2
    row = [chunk for chunk in layout.in_column(0, y0, layout.width, y1) if chunk.y0 <= y <= chunk.y1]
    nexts = [other.area[0] for other in marks if other is not mark and other.area[1] <= y <= other.area[3]]
    end = min([edge for edge in nexts if edge > x1], default=layout.width)
    right = [
        token
        for chunk in sorted(row, key=lambda chunk: chunk.x0)
        for token in chunk.tokens
        if token.x0 >= x1 - 1.5 and token.x1 <= end + 1 and token.key not in taken
    ]
    option: list[Token] = []
    edge = x1
    for token in right if not layout.is_mirrored else sorted(right, key=lambda token: token.x0):
        gap = token.x0 - edge
        if gap > (2.6 * size if not option else 1.0 * token.size):
            break
        starts = token.text[0].isupper() and gap > 0.6 * token.size
        if option and (starts or (token.bold and not option[0].bold)):
            break  # the next question
        option.append(token)
        edge = max(edge, token.x1)
    option.sort(key=lambda token: token.key)
    if count_letters(join(option)) + sum(map(str.isdigit, join(option))) < 1:
        return []
    last = option[-1]
    start = min(token.x0 for token in option)
    for _ in range(2):
        below = [
            chunk
            for chunk in layout.in_column(start, last.y1 + 0.1, start + 4, last.y1 + 0.9 * last.size)
            if abs(chunk.x0 - start) <= 2 and chunk.y0 > last.y0 + 0.5 * last.size
        ]
        beside = [other for other in marks if below and other.area[1] - 2 <= below[0].middle <= other.area[3] + 2]
        if len(below) != 1 or beside or not below[0].text[0].islower():
            break
        option += below[0].tokens
        last = below[0].tokens[-1]
    return option if sum(token.x1 - token.x0 for token in option) < 3 * MAX_OPTION_EM * last.size else []


def _list_row(layout: Layout, mark: Tick, taken: Collection[int]) -> list[Token]:
    _x0, y0, _x1, y1 = mark.area
    y = (y0 + y1) / 2
    chunks = [chunk for chunk in layout.in_column(0, y0, layout.width, y1) if chunk.y0 <= y <= chunk.y1]
    return [token for chunk in chunks for token in chunk.tokens if token.key not in taken]


def _follow_texts(layout: Layout, mark: Tick, marks: Sequence[Tick], taken: Collection[int]) -> bool:
    """Whether the boxes of a row come after their texts: nothing stands close behind the last one."""
    y = (mark.area[1] + mark.area[3]) / 2
    in_row = [other for other in marks if other.area[1] <= y <= other.area[3]]
    last = max(in_row, key=lambda other: other.area[2])
    row = _list_row(layout, mark, taken)
    close = 2.6 * max(mark.area[3] - mark.area[1], 8.0)
    behind = any(-2 <= token.x0 - last.area[2] < close for token in row)
    return not behind and all(any(0 <= one.area[0] - token.x1 + 2 < close for token in row) for one in in_row)


def _find_option_before(layout: Layout, mark: Tick, marks: Sequence[Tick], taken: Collection[int]) -> list[Token]:
    """The text left of a box, back to the last box, a colon or a gap."""
    y = (mark.area[1] + mark.area[3]) / 2
    start = max([o.area[2] for o in marks if o.area[1] <= y <= o.area[3] and o.area[2] < mark.area[0]], default=0.0)
    option: list[Token] = []
    edge = mark.area[0]
    for token in sorted(_list_row(layout, mark, taken), key=lambda token: -token.x1):
        if token.x1 > mark.area[0] + 2:
            continue
        gap = edge - token.x1
        if token.x0 < start - 1 or gap > (2.6 if not option else 1.0) * token.size:
            break
        if option and (ends_with_colon(token.text) or token.text.endswith("?")):
            break
        option.append(token)
        edge = token.x0
    return sorted(option, key=lambda token: token.key)


def _find_question(layout: Layout, mark: Tick, marks: Sequence[Tick], used: Collection[int]) -> Sequence[Token]:
    """What a box answers: the text left of the first box of its row, or the line with a colon or a question mark that
    stands above the boxes at its edge."""
    y = (mark.area[1] + mark.area[3]) / 2
    in_row = [other for other in marks if other.area[1] - 1 <= y <= other.area[3] + 1]
    first = min(other.area[0] for other in in_row)
    row = [chunk for chunk in layout.in_column(0, mark.area[1], first, mark.area[3]) if chunk.y0 <= y <= chunk.y1]
    left = [token for chunk in row for token in chunk.tokens if token.x1 <= first + 1 and token.key not in used]
    if left and layout.is_mirrored:
        left.sort(key=lambda token: token.key)
    if left:
        nearest = max((chunk for chunk in row if chunk.x1 <= first + 1), key=lambda chunk: chunk.x1, default=row[-1])
        near = [token for token in left if token in nearest.tokens] or left
        ends = ends_with_colon(near[-1].text) or near[-1].text.endswith("?")
        if (ends or len(in_row) >= 2) and is_label(strip_label(join(near))):
            return near
    edge = mark.area[0]
    column = sorted((other for other in marks if abs(other.area[0] - edge) <= 2), key=lambda other: other.area[1])
    top = mark.area[1]
    for other in reversed([other for other in column if other.area[1] < top]):
        if top - other.area[3] > 3 * (mark.area[3] - mark.area[1]):
            break
        top = other.area[1]
    size = max(mark.area[3] - mark.area[1], 8.0)
    above = [
        chunk
        for chunk in layout.in_column(edge - 4 * size, top - 2.2 * size, edge + 30 * size, top - 1)
        if chunk.middle < top and not any(token.key in used for token in chunk.tokens)
    ]
    if above:
        chunk = max(above, key=lambda chunk: (chunk.row, -abs(chunk.x0 - edge)))
        has_boxes = any(other.area[1] - 2 <= chunk.middle <= other.area[3] + 2 for other in marks)
        if (
            chunk.text.endswith(("?", ":", "：", "؟", "？"))
            and len(chunk.tokens) <= 16
            and not has_boxes
            and not _has_blank(layout, chunk)
        ):
            return chunk.tokens
    return ()


def _has_blank(layout: Layout, chunk: Chunk) -> bool:
    """Whether a label has a line, a box or a text of its own beside it."""
    if layout.right_of(chunk) is not None:
        return True
    x, y0, y1 = chunk.x1 - 2, chunk.y0, chunk.y1 + 0.4 * chunk.size
    lines = [rule for rule in layout.drawing.rules if rule.y0 == rule.y1 and rule.x1 - rule.x0 > MIN_BLANK_PT]
    if any(y0 < rule.y0 < y1 and rule.x0 >= x for rule in lines):
        return True
    boxes = [(box.x0, box.y0, box.x1, box.y1) for box in layout.drawing.boxes]
    boxes += [(item.x0, item.y0, item.x1, item.y1) for item in layout.drawing.widgets]
    return any(x <= box[0] < box[2] - MIN_BLANK_PT and box[1] <= chunk.middle <= box[3] for box in boxes)
