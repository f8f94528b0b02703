"""Check boxes and radio buttons: whether each is ticked, the text of its option, and the question it answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import Chunk, Layout, Token
from docmatix.facts.fields.labels import count_letters, ends_with_colon, is_balanced, is_label, join, strip_label
from docmatix.facts.fields.ticks import MAX_BOXES, Tick, find_drawn, find_glyphs

CHECKED, UNCHECKED = ("checked",), ("unchecked",)
MAX_OPTION_EM = 40
MAX_STEP_EM = 20  # from a box to the next of its row
MAX_QUESTION = 20  # words
MAX_PITCH = 2.3  # em between the lines of a question
MAX_BLANK_EM = 16.0  # from a label to what is to be written
_QUESTION = re.compile(r"[?:：？؟]\s*(?:\([^()]*\))?$")
_NUMBER = re.compile(r"\d{1,2}[a-z]?[.)] ")
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
    if option[0].text[0].islower():
        option = [*_find_line_above(layout, mark, option[0], start), *option]
    for _ in range(2):
        below = [
            chunk
            for chunk in layout.in_column(start, last.y1 + 0.1, start + 4, last.y1 + 0.9 * last.size)
            if abs(chunk.x0 - start) <= 2 and chunk.y0 > last.y0 + 0.5 * last.size
        ]
        if len(below) != 1 or _has_box_before(below[0], marks):
            break
        if not below[0].text[0].islower() and is_balanced(join(option)):
            break
        option += below[0].tokens
        last = below[0].tokens[-1]
    return option if sum(token.x1 - token.x0 for token in option) < 3 * MAX_OPTION_EM * last.size else []


def _find_line_above(layout: Layout, mark: Tick, first: Token, start: float) -> Sequence[Token]:
    """The line before the one found at the middle of a box that stands between two of them."""
    above = [
        chunk
        for chunk in layout.in_column(start, first.y0 - 0.9 * first.size, start + 4, first.y0 - 0.1)
        if abs(chunk.x0 - start) <= 2 and chunk.y0 < first.y0 - 0.5 * first.size and chunk.y1 > mark.area[1]
    ]
    return above[0].tokens if len(above) == 1 else ()


def _has_box_before(chunk: Chunk, marks: Sequence[Tick]) -> bool:
    """Whether a line has a box of its own, close in front of it."""
    return any(
        other.area[1] - 2 <= chunk.middle <= other.area[3] + 2
        and -2 <= chunk.x0 - other.area[2] <= 2.6 * max(other.area[3] - other.area[1], 8.0)
        for other in marks
    )


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
        if ends or len(in_row) >= 2:
            whole = _complete_question(layout, nearest, near, marks, first)
            if is_label(strip_label(join(whole))) or (_asks(join(whole)) and len(whole) <= MAX_QUESTION):
                return whole
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
        if chunk.middle < top
        and not any(token.key in used for token in chunk.tokens)
        and not (chunk.x0 > edge and _is_barred(layout, edge, chunk.x0, chunk.middle))
    ]
    if above:
        chunk = max(above, key=lambda chunk: (chunk.row, -abs(chunk.x0 - edge)))
        if (
            _asks(chunk.text)
            and len(chunk.tokens) <= MAX_QUESTION
            and not _has_box_before(chunk, marks)
            and not _has_blank(layout, chunk)
        ):
            return chunk.tokens
    before = max((other for other in in_row if other.area[0] < edge), key=lambda other: other.area[0], default=None)
    if before is None or edge - before.area[2] > MAX_STEP_EM * size:
        return ()
    if _is_barred(layout, before.area[2], edge, y):
        return ()
    return _find_question(layout, before, marks, used)


def _asks(text: str) -> bool:
    """Whether a line asks or leads to options; what it says in brackets of how to answer counts with it."""
    return _QUESTION.search(text) is not None or (text[-1] == ")" and _NUMBER.match(text) is not None)


def _complete_question(
    layout: Layout, chunk: Chunk, tokens: Sequence[Token], marks: Sequence[Tick], end: float
) -> Sequence[Token]:
    """The words left of a row of boxes, which begins at `end`, with the lines above and below them, where they are one
    of several set alike that have no boxes of their own."""
    lines = [chunk]
    apart = _is_barred(layout, chunk.x1, end, chunk.middle)  # in a box of its own
    for step in (-1, 1):
        last = chunk
        rows = layout.rows[chunk.row + 1 :][:6] if step > 0 else layout.rows[: chunk.row][:-7:-1]
        for row in rows:
            found = [other for other in row if abs(other.x0 - chunk.x0) <= 2]
            if not found:
                continue
            above, below = (last, found[0]) if step > 0 else (found[0], last)
            pitch = MAX_PITCH if apart else 1.5
            near = below.y0 - above.y0 < pitch * chunk.size and above.text[-1] not in "?:：？؟"
            after = layout.right_of(found[0])  # an option, not a value
            near = near and (after is None or (apart and _has_box_before(after, marks)))
            near = near and not (_is_level(chunk, marks) and _is_level(found[0], marks))
            alike = abs(found[0].size - chunk.size) < 0.3 and found[0].bold == chunk.bold
            if not (near and alike) or layout.is_ruled_between(above, below):
                break
            last = found[0]
            lines.append(last)
    if len(lines) == 1 or len(tokens) < len(chunk.tokens):
        return tokens
    return [token for line in sorted(lines, key=lambda line: line.y0) for token in line.tokens]


def _is_level(chunk: Chunk, marks: Sequence[Tick]) -> bool:
    """Whether a box stands at the height of a line, as each of its own does."""
    return any(abs(mark.area[1] + mark.area[3] - 2 * chunk.middle) <= 0.5 * chunk.size for mark in marks)


def _has_blank(layout: Layout, chunk: Chunk) -> bool:
    """Whether a label has a line, a box or a text of its own beside it."""
    after = layout.right_of(chunk)
    reach = chunk.x1 + MAX_BLANK_EM * chunk.size
    if after is not None and after.x0 < reach and not _is_barred(layout, chunk.x1, after.x0, chunk.middle):
        return True
    x, y0, y1 = chunk.x1 - 2, chunk.y0, chunk.y1 + 0.4 * chunk.size
    lines = [rule for rule in layout.drawing.rules if rule.y0 == rule.y1 and rule.x1 - rule.x0 > MIN_BLANK_PT]
    if any(y0 < rule.y0 < y1 and x <= rule.x0 < reach for rule in lines):
        return True
    boxes = [(box.x0, box.y0, box.x1, box.y1) for box in layout.drawing.boxes]
    boxes += [(item.x0, item.y0, item.x1, item.y1) for item in layout.drawing.widgets]
    return any(x <= box[0] < min(box[2] - MIN_BLANK_PT, reach) and box[1] <= chunk.middle <= box[3] for box in boxes)


def _is_barred(layout: Layout, x0: float, x1: float, y: float) -> bool:
    """Whether a line down the page stands between two places of a row."""
    return any(
        x0 - 1 <= rule.x0 <= x1 + 1 and rule.x0 == rule.x1 and rule.y0 <= y <= rule.y1 for rule in layout.drawing.rules
    )
