"""Lays out a page: its lines of text parted at wide gaps, rules, leaders and colons, and lines of prose marked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter, sub

from docmatix.core.documents import Page
from docmatix.facts.fields.chunks import BLANK, DOTS, PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.text_lines import TextLine, list_text_lines
from docmatix.pdf.drawings import Drawing, FilledBox, Mark, Rule, Widget

WIDE_GAP = 0.85  # em between words, from which they are two chunks; a space has 0.25, in justified lines up to 0.6
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEADERS = r"[.]{4,}|…{2,}|[·∙•]{4,}|_{3,}|(?:\. ?){4,}"
_CUT = re.compile(rf"({_LEADERS})")
_BOX = re.compile(
    r"([☐☑☒🗹🗷□■○●◯◉⦿◻◼▢✓✔✗✘√❏❑❒❍]|\[[xX✓✔✗✘]?\]|\([xX✓✔]\)|\](?=\w))(.+)"
)  # a check box set with its option, as one word
_BOXES = re.compile(r"([☐☑☒□■○●√])")  # of several options set as one word
_INNER_COLON = re.compile(r"([^\W\d][^:/@]{1,30}[:：])((?!//)[^:\s]{2,})")


_GET_X0, _GET_KEY = itemgetter(1), itemgetter(5)  # of a token


def lay_out(page: Page, drawing: Drawing, lines: Sequence[TextLine] | None = None) -> Layout:
    """The layout of a page, whose lines of text are `lines` if they are known. Words that run up or down it are left
    out."""
    letters = sum(map(len, _RIGHT_TO_LEFT.findall(page.text))) if not page.text.isascii() else 0
    mirrored = letters > 0.5 * sum(map(str.isalpha, page.text)) if letters else False
    width, height = page.width_pt, page.height_pt
    if mirrored:
        drawing = _mirror(drawing, width)
    uprights = sorted({(rule.x0, rule.y0, rule.y1) for rule in drawing.rules if rule.x0 == rule.x1})
    xs = [upright[0] for upright in uprights]
    chunks: list[Chunk] = []
    for line in list_text_lines(page) if lines is None else lines:
        plain = None if mirrored else _part_plain(line, xs, uprights)
        chunks += _part_line(line, width, xs, uprights, mirrored=mirrored) if plain is None else plain
    rows = _make_rows(chunks)
    layout = Layout(chunks, rows, drawing, width, height, mirrored)
    _mark_prose(chunks)
    return layout


def _part_line(
    line: TextLine,
    width: float,
    xs: Sequence[float],
    uprights: Sequence[tuple[float, float, float]],
    *,
    mirrored: bool,
) -> list[Chunk]:
    """The chunks of any line."""
    tokens = _join_dots(list(_make_tokens(line, width, mirrored=mirrored)))
    if len(tokens) < 2:
        return [Chunk(tokens)] if tokens else []
    tokens.sort(key=_GET_X0)
    chunks: list[Chunk] = []
    start, before = 0, tokens[0]
    end = before.x1
    for at in range(1, len(tokens)):
        token = tokens[at]
        gap = token.x0 - end
        if gap > WIDE_GAP * token.size or gap > WIDE_GAP * before.size:
            apart = True
        else:
            apart = _is_dots(token.text) or _is_dots(before.text)
            if not apart and gap > 0 and xs:
                apart = _is_parted(xs, uprights, end, token.x0, (token.y0 + token.y1) / 2)
        if apart:
            chunks.append(Chunk(sorted(tokens[start:at], key=_GET_KEY)))
            start = at
        end = max(end, token.x1)
        before = token
    chunks.append(Chunk(sorted(tokens[start:], key=_GET_KEY)))
    return chunks


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


_SPECIAL = re.compile(r"\.\.\.|\. \.|__|[…·∙•☐☑☒🗹🗷□■○●◯◉⦿◻◼▢✓✔✗✘√❏❑❒❍]|(?:^| )(?:\]|\[[xX]?\]|\([xX]\))|:[^\s]")


def _part_plain(
    line: TextLine, xs: Sequence[float], uprights: Sequence[tuple[float, float, float]]
) -> list[Chunk] | None:
    """The chunks of a line of plain words from the left; None for a line to look into."""
    _, _, texts, x0s, y0s, x1s, y1s, sizes, _, text = line
    least, count = min(sizes), len(texts)
    if least <= 0 or _SPECIAL.search(text):
        return None
    gaps = list(map(sub, x0s[1:], x1s))
    if count > 1 and (min(map(sub, x0s[1:], x0s)) < 0 or min(map(sub, x1s[1:], x1s)) < 0):
        return None
    is_close = count < 2 or max(gaps) <= WIDE_GAP * least
    if is_close and count > 3 and max(y1s) - min(y0s) <= 2 * least and not _has_between(xs, x0s[0], x1s[-1]):
        return [_take(line, 0, count)]
    for x0, y0, x1, y1, word in zip(x0s, y0s, x1s, y1s, texts, strict=True):
        if y1 - y0 > 2 * (x1 - x0) and len(word) > 2:
            return None
    ends: list[int] = []
    if not is_close:
        ends = [at for at, gap in enumerate(gaps, 1) if gap > WIDE_GAP * min(sizes[at - 1], sizes[at])]
    if count > 1 and _has_between(xs, x0s[0] - 1, x1s[-1] + 1):
        middles = [(y0 + y1) / 2 for y0, y1 in zip(y0s, y1s, strict=True)]
        parted = {
            at
            for at, gap in enumerate(gaps, 1)
            if gap > 0 and _is_parted(xs, uprights, x1s[at - 1], x0s[at], middles[at])
        }
        ends = sorted(parted.union(ends))
    return [_take(line, start, end) for start, end in pairwise((0, *ends, count))]


def _has_between(xs: Sequence[float], x0: float, x1: float) -> bool:
    at = bisect_left(xs, x0)
    return at < len(xs) and xs[at] <= x1


def _take(line: TextLine, start: int, end: int) -> Chunk:
    """The chunk of plain words of a line, whose tokens are made when asked for: few are."""
    x0s, x1s, sizes = line.x0s, line.x1s, line.sizes
    last = end - 1
    chunk = Chunk.__new__(Chunk)
    chunk.x0, chunk.x1, chunk.size, chunk.last_size = x0s[start], x1s[last], sizes[start], sizes[last]
    chunk.first_width = x1s[start] - x0s[start]
    if start == last:
        chunk.text, chunk.y0, chunk.y1, chunk.bold = (
            line.texts[start],
            line.y0s[start],
            line.y1s[start],
            line.bolds[start],
        )
    else:
        whole = end - start == len(sizes)
        chunk.text = line.text if whole else " ".join(line.texts[start:end])
        chunk.y0, chunk.y1, chunk.bold = min(line.y0s[start:end]), max(line.y1s[start:end]), all(line.bolds[start:end])
    chunk.row = chunk.at = -1
    chunk.in_prose = chunk.is_full = False
    chunk.made = None
    chunk.make = lambda: _make_plain(line, start, end)
    return chunk


def _make_plain(line: TextLine, start: int, end: int) -> tuple[Token, ...]:
    _, _, texts, x0s, y0s, x1s, y1s, sizes, bolds, _ = line
    return tuple(
        [
            Token(
                texts[at],
                x0s[at],
                y0s[at],
                x1s[at],
                y1s[at],
                16 * (line.start + at),
                line.start + at,
                sizes[at],
                bolds[at],
            )
            for at in range(start, end)
        ]
    )


def _make_tokens(line: TextLine, w: float, *, mirrored: bool) -> Iterator[Token]:
    _, _, texts, x0s, y0s, x1s, y1s, sizes, bolds, _ = line
    for place, word in enumerate(zip(texts, x0s, y0s, x1s, y1s, sizes, bolds, strict=True), line.start):
        text, x0, y0, x1, y1, size, bold = word
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
        if not chunk.is_full or _starts_line(following) or DOTS.search(chunk.text) or BLANK.search(chunk.text):
            continue
        # without a column's edge, the longest line of an address is full as well
        if (column and chunk.width > 9) or (chunk.width >= PROSE_WIDTH and len(chunk.text) > 20):
            chunk.in_prose = following.in_prose = True


_STARTS = re.compile(r"[^:]{1,40}[:：](?:\s|$)")


def _starts_line(chunk: Chunk) -> bool:
    """Whether a line begins with a label and a colon, so that it does not go on with the one above."""
    return _STARTS.match(chunk.text) is not None and chunk.text[0].isupper()


def _mirror(drawing: Drawing, width: float) -> Drawing:
    return Drawing(
        tuple(Rule(width - x1, y0, width - x0, y1) for x0, y0, x1, y1 in drawing.rules),
        tuple(FilledBox(width - box.x1, box.y0, width - box.x0, *box[3:]) for box in drawing.boxes),
        tuple(Widget(width - item.x1, item.y0, width - item.x0, *item[3:]) for item in drawing.widgets),
        tuple(Mark(width - mark.x1, mark.y0, width - mark.x0, *mark[3:]) for mark in drawing.marks),
    )
