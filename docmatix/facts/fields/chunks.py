"""The words of a page as chunks: runs of words that stand a space apart, and the rows they stand in.

Positions are in points of the displayed page; a page written from right to left is mirrored, so that labels stand on
the left everywhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter, sub
from typing import NamedTuple

from docmatix.core.documents import Box, Page, Word
from docmatix.pdf.drawings import Drawing, FilledBox, Mark, Rule, Widget

WIDE_GAP = 0.85  # em between words, from which they are two chunks; a space has 0.25, in justified lines up to 0.6


class Token(NamedTuple):
    """A word, or a part of one that has leader dots, a blank or a colon inside. `key` is unique on the page."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    key: int
    place: int
    size: float
    bold: bool


class Chunk:
    """Tokens of one line that stand a space apart."""

    __slots__ = (
        "at",
        "bold",
        "first_width",
        "in_prose",
        "is_full",
        "last_size",
        "made",
        "make",
        "row",
        "size",
        "text",
        "x0",
        "x1",
        "y0",
        "y1",
    )

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.made: tuple[Token, ...] | None = tuple(tokens)
        self.make: Callable[[], tuple[Token, ...]] = tuple
        if len(tokens) == 1:
            self.text, self.x0, self.y0, self.x1, self.y1, _, _, self.size, self.bold = tokens[0]
            self.last_size, self.first_width = self.size, self.x1 - self.x0
        else:
            texts, x0s, y0s, x1s, y1s, _, _, sizes, bolds = zip(*tokens, strict=True)
            self.text = " ".join(texts)
            self.x0, self.y0, self.x1, self.y1 = min(x0s), min(y0s), max(x1s), max(y1s)
            self.size, self.bold = sizes[0], all(bolds)
            self.last_size, self.first_width = sizes[-1], x1s[0] - x0s[0]
        self.row = self.at = -1
        self.in_prose = False  # whether it is a line of a paragraph
        self.is_full = False  # whether the next line's first word did not fit into it

    @property
    def tokens(self) -> tuple[Token, ...]:
        if self.made is None:
            self.made = self.make()
        return self.made

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def width(self) -> float:
        """In em."""
        return (self.x1 - self.x0) / self.size

    def __repr__(self) -> str:
        return f"Chunk({self.text!r})"


class Layout(NamedTuple):
    """A page's chunks, row by row from the top, each row from the left; what is drawn, in the same frame."""

    chunks: list[Chunk]
    rows: list[list[Chunk]]
    drawing: Drawing
    width: float
    height: float
    is_mirrored: bool

    def to_fractions(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box of this frame as a box of the page."""
        if self.is_mirrored:
            x0, x1 = self.width - x1, self.width - x0
        w, h = self.width, self.height
        return Box(*(round(min(max(part, 0.0), 1.0), 5) for part in (x0 / w, y0 / h, x1 / w, y1 / h)))

    def right_of(self, chunk: Chunk) -> Chunk | None:
        """The next chunk of its row."""
        row = self.rows[chunk.row]
        return row[chunk.at + 1] if chunk.at + 1 < len(row) else None

    def left_of(self, chunk: Chunk) -> Chunk | None:
        return self.rows[chunk.row][chunk.at - 1] if chunk.at > 0 else None

    def below(self, chunk: Chunk, *, within: float = 1.0, slack: float = 2.0) -> Chunk | None:
        """The chunk that begins below another at its left edge, at most `within` em under it."""
        limit = chunk.y1 + within * chunk.size
        for row in self.rows[chunk.row + 1 : chunk.row + 5]:
            for other in row:
                if other.y0 > limit:
                    continue
                if abs(other.x0 - chunk.x0) <= slack:
                    return other
                if other.x0 < chunk.x1 and other.x1 > chunk.x0:
                    return None  # something else stands there
        return None

    def is_ruled_between(self, above: Chunk, below: Chunk) -> bool:
        """Whether a line across the page parts two chunks."""
        return any(
            above.middle < rule.y0 < below.middle and rule.x0 < below.x1 and rule.x1 > below.x0 and rule.y0 == rule.y1
            for rule in self.drawing.rules
        )

    def in_column(self, x0: float, y0: float, x1: float, y1: float) -> list[Chunk]:
        """The chunks that overlap an area, from the top."""
        start = bisect_left(self.rows, y0, key=lambda row: max(chunk.y1 for chunk in row))
        found = []
        for row in self.rows[start:]:
            if min(chunk.y0 for chunk in row) > y1:
                break
            found += [chunk for chunk in row if chunk.x0 < x1 and chunk.x1 > x0 and chunk.y0 < y1 and chunk.y1 > y0]
        return found


_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEADERS = r"[.]{4,}|…{2,}|[·∙•]{4,}|_{3,}|(?:\. ?){4,}"
_CUT = re.compile(rf"({_LEADERS})")
_BOX = re.compile(
    r"([☐☑☒🗹🗷□■○●◯◉⦿◻◼▢✓✔✗✘√❏❑❒❍]|\[[xX✓✔✗✘]?\]|\([xX✓✔]\)|\](?=\w))(.+)"
)  # a check box set with its option, as one word
_BOXES = re.compile(r"([☐☑☒□■○●√])")  # of several options set as one word
_INNER_COLON = re.compile(r"([^\W\d][^:/@]{1,30}[:：])((?!//)[^:\s]{2,})")
DOTS = re.compile(r"[.…·∙•]{3,}")
BLANK = re.compile(r"_{3,}")


_GET_X0, _GET_KEY = itemgetter(1), itemgetter(5)  # of a token


def _get_line(numbered: tuple[int, Word]) -> int:
    return numbered[1].line


def lay_out(page: Page, drawing: Drawing) -> Layout:
    """The layout of a page. Words that run up or down the page are left out."""
    letters = sum(map(len, _RIGHT_TO_LEFT.findall(page.text))) if not page.text.isascii() else 0
    mirrored = letters > 0.5 * sum(map(str.isalpha, page.text)) if letters else False
    width, height = page.width_pt, page.height_pt
    if mirrored:
        drawing = _mirror(drawing, width)
    uprights = sorted({(rule.x0, rule.y0, rule.y1) for rule in drawing.rules if rule.x0 == rule.x1})
    xs = [upright[0] for upright in uprights]
    chunks: list[Chunk] = []
    numbered = groupby(enumerate(page.words), key=_get_line)
    for _, group in numbered:
        words = list(group)
        if not mirrored and (whole := _make_whole(words, width, height, xs)) is not None:
            chunks.append(whole)
            continue
        line = _join_dots(list(_make_tokens(words, width, height, mirrored=mirrored)))
        if not line:
            continue
        if len(line) == 1:
            chunks.append(Chunk(line))
            continue
        line.sort(key=_GET_X0)
        start, before = 0, line[0]
        end = before.x1
        for at in range(1, len(line)):
            token = line[at]
            gap = token.x0 - end
            if gap > WIDE_GAP * token.size or gap > WIDE_GAP * before.size:
                apart = True
            else:
                apart = _is_dots(token.text) or _is_dots(before.text)
                if not apart and gap > 0 and xs:
                    apart = _is_parted(xs, uprights, end, token.x0, (token.y0 + token.y1) / 2)
            if apart:
                chunks.append(Chunk(sorted(line[start:at], key=_GET_KEY)))
                start = at
            end = max(end, token.x1)
            before = token
        chunks.append(Chunk(sorted(line[start:], key=_GET_KEY)))
    rows = _make_rows(chunks)
    layout = Layout(chunks, rows, drawing, width, height, mirrored)
    _mark_prose(chunks)
    return layout


def _is_dots(text: str) -> bool:
    return text[0] in ".…·∙•" and DOTS.fullmatch(text) is not None


def _is_parted(
    xs: Sequence[float], uprights: Sequence[tuple[float, float, float]], x0: float, x1: float, y: float
) -> bool:
    for at in range(bisect_left(xs, x0 - 1), len(xs)):
        if xs[at] > x1 + 1:
            return False
        if uprights[at][1] <= y <= uprights[at][2]:
            return True
    return False


_SPECIAL = re.compile(r"\.\.\.|\. \.|__|[…·∙•☐☑☒🗹🗷□■○●◯◉⦿◻◼▢✓✔✗✘√❏❑❒❍]|(?:^| )[\[(\]]|:[^\s]")


def _make_whole(words: Sequence[tuple[int, Word]], w: float, h: float, xs: Sequence[float]) -> Chunk | None:
    """The chunk of a line of running words, whose tokens are made when asked for; None for a line to look into."""
    if len(words) < 4:
        return None
    places, plain = zip(*words, strict=True)
    texts, boxes, _, _, sizes, bolds = zip(*plain, strict=True)
    text = " ".join(texts)
    size = min(sizes)
    if size <= 0 or _SPECIAL.search(text):
        return None
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    x0, y0, x1, y1 = x0s[0] * w, min(y0s) * h, x1s[-1] * w, max(y1s) * h
    if y1 - y0 > 2 * size or max(map(sub, x0s[1:], x1s)) * w > WIDE_GAP * size:
        return None
    if min(map(sub, x0s[1:], x0s)) < 0 or min(map(sub, x1s[1:], x1s)) < 0:
        return None
    at = bisect_left(xs, x0)
    if at < len(xs) and xs[at] <= x1:
        return None
    chunk = Chunk.__new__(Chunk)
    chunk.text, chunk.x0, chunk.y0, chunk.x1, chunk.y1 = text, x0, y0, x1, y1
    chunk.size, chunk.bold = sizes[0], all(bolds)
    chunk.last_size, chunk.first_width = sizes[-1], x1s[0] * w - x0s[0] * w
    chunk.row = chunk.at = -1
    chunk.in_prose = chunk.is_full = False
    chunk.made = None
    chunk.make = lambda: tuple(_make_plain(places, plain, w, h))
    return chunk


def _make_plain(places: Sequence[int], words: Sequence[Word], w: float, h: float) -> Iterator[Token]:
    for place, (text, (x0, y0, x1, y1), _, _, size, bold) in zip(places, words, strict=True):
        yield Token(text, x0 * w, y0 * h, x1 * w, y1 * h, 16 * place, place, size, bold)


def _make_tokens(words: Iterable[tuple[int, Word]], w: float, h: float, *, mirrored: bool) -> Iterator[Token]:
    for place, word in words:
        text, (x0, y0, x1, y1), _, _, size, bold = word
        x0, y0, x1, y1 = x0 * w, y0 * h, x1 * w, y1 * h
        if y1 - y0 > 2 * (x1 - x0) and len(text) > 2:
            continue
        if mirrored:
            x0, x1 = w - x1, w - x0
        size = size or 0.8 * (y1 - y0) or 1.0
        if len(text) > 3 and not text.isascii() and len(parts := [part for part in _BOXES.split(text) if part]) > 3:
            yield from _cut(parts, place, (x0, y0, x1, y1), size, bold=bold)
            continue
        if len(text) > 1 and (not text.isascii() or text[0] in "[(]") and (match := _BOX.fullmatch(text)):
            # the gap between them is not known: letters are half as wide as they are high
            start = min(max(x1 - 0.5 * size * len(match.group(2)), x0 + 0.8 * size), (x0 + x1) / 2)
            yield Token(match.group(1), x0, y0, min(x0 + size, start), y1, 16 * place, place, size, bold)
            yield Token(match.group(2), start, y0, x1, y1, 16 * place + 1, place, size, bold)
            continue
        if len(text) > 4 and ("..." in text or "__" in text or "…" in text or "···" in text or ":" in text[1:-1]):
            parts = [part for part in _CUT.split(text) if part]
            if len(parts) == 1 and (match := _INNER_COLON.fullmatch(text)):
                parts = list(match.groups())
            if 1 < len(parts) <= 16:
                yield from _cut(parts, place, (x0, y0, x1, y1), size, bold=bold)
                continue
        yield Token(text, x0, y0, x1, y1, 16 * place, place, size, bold)


def _cut(parts: Sequence[str], place: int, area: tuple[float, ...], size: float, *, bold: bool) -> Iterator[Token]:
    """The parts of a word, as wide as they have letters."""
    start, y0, x1, y1 = area
    step = (x1 - start) / sum(map(len, parts))
    for number, part in enumerate(parts[:16]):
        yield Token(part, start, y0, start + step * len(part), y1, 16 * place + number, place, size, bold)
        start += step * len(part)


def _join_dots(line: list[Token]) -> list[Token]:
    """A line with its leader dots that stand apart, `. . . .`, as one token."""
    if len(line) < 5 or sum(token.text == "." for token in line) < 4:
        return line
    joined: list[Token] = []
    for is_dot, group in groupby(line, key=lambda token: token.text == "."):
        run = list(group)
        if is_dot and len(run) >= 4:
            x0, x1 = min(token.x0 for token in run), max(token.x1 for token in run)
            run = [run[0]._replace(text="." * len(run), x0=x0, x1=x1)]
        joined += run
    return joined


def _make_rows(chunks: Iterable[Chunk]) -> list[list[Chunk]]:
    rows: list[list[Chunk]] = []
    middle = height = 0.0
    for chunk in sorted(chunks, key=lambda chunk: chunk.middle):
        if rows and abs(chunk.middle - middle) < 0.4 * min(height, chunk.y1 - chunk.y0):
            rows[-1].append(chunk)
        else:
            rows.append([chunk])
            middle, height = chunk.middle, chunk.y1 - chunk.y0
    for number, row in enumerate(rows):
        row.sort(key=lambda chunk: chunk.x0)
        for at, chunk in enumerate(row):
            chunk.row, chunk.at = number, at
    return rows


PROSE_WIDTH = 18  # em: a line of some 36 letters
MIN_COLUMN_EM = 14.0  # the width of a column of prose
MIN_COLUMN = 6  # lines at one edge, from which their right edge is known


def _mark_prose(chunks: Sequence[Chunk]) -> None:
    """Mark the lines of paragraphs: those that are full, and those that follow them."""
    edges: dict[int, list[float]] = defaultdict(list)
    for chunk in chunks:
        edges[round(chunk.x0 / 3)].append(chunk.x1)
    rights: dict[int, float] = {}
    for edge, ends in edges.items():
        if len(ends) >= MIN_COLUMN:
            ends.sort()
            right = ends[-1 - len(ends) // 12]
            if right - 3 * edge > 60 and sum(end > right - 30 for end in ends) >= 0.4 * len(ends):
                rights[edge] = right
    block: list[Chunk] = []
    for chunk in chunks:
        if block:
            before = block[-1]
            pitch = chunk.y0 - before.y0
            same = abs(chunk.size - before.last_size) <= 0.5 and 0 < pitch < 1.9 * before.size
            if not same or abs(chunk.x0 - before.x0) > 3 * before.size:
                _mark_block(block, rights)
                block = []
        block.append(chunk)
    _mark_block(block, rights)


def _mark_block(block: Sequence[Chunk], rights: Mapping[int, float]) -> None:
    if len(block) < 2:
        return
    own = max(chunk.x1 for chunk in block)
    column = max((rights.get(round(chunk.x0 / 3), 0.0) for chunk in block), default=0.0)
    if column - min(chunk.x0 for chunk in block) < MIN_COLUMN_EM * block[0].size:
        column = 0.0
    right = max(own, column) if column > own - 4 else own
    for chunk, following in pairwise(block):
        chunk.is_full = right - chunk.x1 < following.first_width + 0.3 * chunk.size
        if not chunk.is_full or starts_line(following) or DOTS.search(chunk.text) or BLANK.search(chunk.text):
            continue
        # without a column's edge, the longest line of an address is full as well
        if (column and chunk.width > 9) or (chunk.width >= PROSE_WIDTH and len(chunk.text) > 20):
            chunk.in_prose = following.in_prose = True


_STARTS = re.compile(r"[^:]{1,40}[:：](?:\s|$)")


def starts_line(chunk: Chunk) -> bool:
    """Whether a line begins with a label and a colon, so that it does not go on with the one above."""
    return _STARTS.match(chunk.text) is not None and chunk.text[0].isupper()


def _mirror(drawing: Drawing, width: float) -> Drawing:
    return Drawing(
        tuple(Rule(width - x1, y0, width - x0, y1) for x0, y0, x1, y1 in drawing.rules),
        tuple(FilledBox(width - box.x1, box.y0, width - box.x0, *box[3:]) for box in drawing.boxes),
        tuple(Widget(width - item.x1, item.y0, width - item.x0, *item[3:]) for item in drawing.widgets),
        tuple(Mark(width - mark.x1, mark.y0, width - mark.x0, *mark[3:]) for mark in drawing.marks),
    )
