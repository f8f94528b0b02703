"""The words of a page as chunks: words on one baseline that no wide gap parts; and chunks as lines across the page."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from operator import attrgetter, sub
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Page, Word
from docmatix.pdf.drawings import Rule

GAP_EM = 0.7  # from which words stand in different cells; words of prose are parted by a third of it
SLACK_PT = 1.0
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_THOUSANDS = re.compile(r"\(?'?0{3}[^\d]{0,4}")  # the unit of a header
_NUMBER_START = re.compile(r"[^\w]*([A-Za-z]{1,3}[ =<>≤≥$€£.]+)?[^\w]*\d")  # "-1", "(EUR 5.0", "p < 0.01"
_NO_VALUE = re.compile(r"[-–—−‐.:*x/†‡()]{1,4}|n\.?\s?[ardk]\.?|n/a|\([A-Z]{1,2}\)", re.IGNORECASE)


class Chunk(NamedTuple):
    """Words that follow each other on a baseline, in points of the displayed page."""

    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    words: tuple[int, ...]
    text: str
    bold: bool
    parts: tuple[tuple[float, float, str], ...]
    """Where each word begins and ends, and the word."""

    def __hash__(self) -> int:
        return hash(self.words)  # which no other chunk of a page has

    @property
    def is_number(self) -> bool:
        """Whether it is a number with its signs and unit, or stands for one that is missing."""
        return is_number(self.text)


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    """Whether a text is a number with its sign, currency and unit, or a sign that there is none."""
    if _DIGIT.search(text) is None:
        return _NO_VALUE.fullmatch(text.strip()) is not None
    if _THOUSANDS.fullmatch(text) is not None or _NUMBER_START.match(text) is None:
        return False
    letters = sum(map(len, _LETTERS.findall(text)))
    return letters == 0 or 2 * letters < len(text.replace(" ", ""))


def is_year(text: str) -> bool:
    """Whether a text is a year of the last three centuries, or two of them."""
    return _YEAR.fullmatch(text.strip("*()[] .,")) is not None


_YEAR = re.compile(r"(18|19|20)\d\d([-–/](\d\d)?\d\d)?")


Line = list[Chunk]  # from the left; all on one baseline


def list_chunks(page: Page, down: Sequence[Rule] = ()) -> list[Chunk]:
    """The chunks of a page by its lines of text; rules down, from the left, part them, too."""
    places = [rule.x0 for rule in down]
    width, height = page.width_pt, page.height_pt
    found: list[Chunk] = []
    count = 0
    for _, members in groupby(page.words, key=attrgetter("line")):
        line = list(members)
        start, count = count, count + len(line)
        if (whole := _make_whole(line, start, width, height, places)) is not None:
            found.append(whole)
            continue
        placed = [_place(at, word, width, height) for at, word in enumerate(line, start)]
        words = _leave_out_leaders(sorted(placed, key=attrgetter("x0")))
        limit: float | None = None  # as long as no gap is wide
        run = words[:1]
        for before, word in pairwise(words):
            gap, size = word.x0 - before.x1, max(before.size, word.size)
            if gap > GAP_EM * size and limit is None:
                limit = _find_limit(words)
            if (
                before.is_led
                or (limit is not None and gap > limit * size)
                or not _are_level(before, word)
                or (down and _is_parted(before, word, down, places))
            ):
                found.append(_make_chunk(run))
                run = []
            run.append(word)
        if run:
            found.append(_make_chunk(run))
    return found


def _make_whole(line: Sequence[Word], start: int, w: float, h: float, places: Sequence[float]) -> Chunk | None:
    """The chunk of a line that plainly is one: from the left, level, without wide gaps, leaders and rules down at
    `places`; None for a line to look into."""
    texts, boxes, _, _, sizes, bolds = zip(*line, strict=True)
    least = min(sizes)
    text = " ".join(texts)
    if least <= 0 or _count_dots(text) >= MIN_LEADERS:
        return None
    left, top, right, bottom = zip(*boxes, strict=True)
    x0s, x1s = [x * w for x in left], [x * w for x in right]
    y0, y1 = min(top) * h, max(bottom) * h
    if len(line) > 1:
        if max(map(sub, x0s[1:], x1s)) > GAP_EM * least or min(map(sub, x0s[1:], x0s)) < 0:
            return None
        if min(bottom) * h - max(top) * h < 0.4 * (y1 - y0):
            return None
        first = bisect_left(places, min(x1s) - SLACK_PT)
        if first < len(places) and places[first] <= max(x0s) + SLACK_PT:
            return None
    parts = tuple(zip(x0s, x1s, texts, strict=True))
    words = tuple(range(start, start + len(line)))
    return Chunk(min(x0s), y0, max(x1s), y1, max(sizes), words, text, all(bolds), parts)


def _are_level(before: _Placed, word: _Placed) -> bool:
    if before.y0 == word.y0 and before.y1 == word.y1:
        return True
    shared = min(word.y1, before.y1) - max(word.y0, before.y0)
    return shared >= 0.4 * min(word.y1 - word.y0, before.y1 - before.y0)


class _Placed(NamedTuple):
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    at: int
    text: str
    bold: bool
    is_led: bool = False  # whether leaders go on from it to what is next


MIN_LEADERS = 4  # dots, of which an ellipsis has three
_LEADERS = re.compile(r"[.·…_‥]+")
_LED = re.compile(r".*?[^.·…_‥]\s?([.·…_‥]{4,})")


def _count_dots(text: str) -> int:
    """The dots that leaders are made of; an ellipsis is three."""
    return sum(map(text.count, ".·…_‥")) + 2 * text.count("…")


def _leave_out_leaders(words: list[_Placed]) -> list[_Placed]:
    """Words without dots that lead from one to another; a word before them keeps its own dots, and is marked."""
    if _count_dots("".join([word.text for word in words])) < MIN_LEADERS:
        return words
    kept: list[_Placed] = []
    dots: list[_Placed] = []
    for word in [*words, None]:
        if word is not None and _LEADERS.fullmatch(word.text) is not None:
            dots.append(word)
            continue
        if sum(len(dot.text) + 2 * dot.text.count("…") for dot in dots) >= MIN_LEADERS:
            if kept:
                kept[-1] = kept[-1]._replace(is_led=True)
        else:
            kept += dots
        dots = []
        if word is not None:
            led = _LED.fullmatch(word.text)
            if led is None:
                kept.append(word)
            else:
                share = 1 - len(led[1]) / max(1, len(word.text))
                kept.append(word._replace(x1=word.x0 + share * (word.x1 - word.x0), is_led=True))
    return kept


def _place(at: int, word: Word, width: float, height: float) -> _Placed:
    x0, y0, x1, y1 = word.box
    size = word.size or (y1 - y0) * height / 1.2
    return _Placed(x0 * width, y0 * height, x1 * width, y1 * height, size, at, word.text, word.bold)


def _find_limit(words: Sequence[_Placed]) -> float:
    """The gap, in ems, that parts chunks of a line: more where a justified line spreads all of its words."""
    if len(words) < 6 or sum(word.text.isalpha() for word in words) < 0.6 * len(words):
        return GAP_EM
    gaps = [(b.x0 - a.x1) / max(a.size, 1.0) for a, b in pairwise(words)]
    usual = median(gaps)
    return max(GAP_EM, 1.6 * usual) if usual < 1.0 else GAP_EM


def _is_parted(before: _Placed, after: _Placed, down: Sequence[Rule], places: Sequence[float]) -> bool:
    y = (after.y0 + after.y1) / 2
    start, end = bisect_left(places, before.x1 - SLACK_PT), bisect_right(places, after.x0 + SLACK_PT)
    return start < end and any(rule.y0 <= y <= rule.y1 for rule in down[start:end])


def _make_chunk(words: Sequence[_Placed]) -> Chunk:
    x0, y0, x1, y1, size, at, text, bold, _ = zip(*words, strict=True)
    parts = tuple(zip(x0, x1, text, strict=True))
    return Chunk(min(x0), min(y0), max(x1), max(y1), max(size), at, " ".join(text), all(bold), parts)


def make_lines(chunks: Iterable[Chunk]) -> list[Line]:
    """Chunks side by side on one baseline, wherever they stand on the page, from the top."""
    chunks = list(chunks)
    if len(chunks) < 2:
        return [chunks] if chunks else []
    lines: list[Line] = []
    anchors: list[tuple[float, float]] = []
    for chunk in sorted(chunks, key=lambda chunk: (chunk.y0 + chunk.y1, chunk.x0)):
        _, y0, _, y1, *_ = chunk
        for place in range(len(lines) - 1, max(-1, len(lines) - 4), -1):
            top, bottom = anchors[place]
            shared = (bottom if bottom < y1 else y1) - (top if top > y0 else y0)
            is_level = shared > 0.65 * (bottom - top) or shared > 0.65 * (y1 - y0)
            if is_level and _has_room(lines[place], chunk):
                lines[place].append(chunk)
                break
        else:
            lines.append([chunk])
            anchors.append((y0, y1))
    return [_join(sorted(line)) if len(line) > 1 else line for line in lines]


def _has_room(line: Line, chunk: Chunk) -> bool:
    x0, x1 = chunk.x0 + SLACK_PT, chunk.x1
    return not [other for other in line if x1 > other.x0 + SLACK_PT and other.x1 > x0]


def _join(line: Line) -> Line:
    """A line with chunks joined that only the reading of the page parted."""
    joined: Line = []
    for chunk in line:
        if joined and _belongs(joined[-1], chunk):
            joined[-1] = join_chunks(joined[-1], chunk)
        else:
            joined.append(chunk)
    return joined


MAX_CURRENCY_GAP_EM = 6.0


def _belongs(before: Chunk, after: Chunk) -> bool:
    """Whether a chunk goes on with the one before: hardly a gap, a currency sign set apart, a per cent sign."""
    gap = after.x0 - before.x1
    size = min(before.size, after.size)
    if gap < 0.25 * size:
        return True
    if before.text in _CURRENCIES:
        return gap < MAX_CURRENCY_GAP_EM * size and after.is_number
    return after.text in ("%", ")", ")%") and gap < 1.5 * size and before.is_number


_CURRENCIES = frozenset("$€£¥") | {"US$", "$(", "($"}


def join_chunks(before: Chunk, after: Chunk) -> Chunk:
    """Two chunks of a line as one."""
    return Chunk(
        before.x0,
        min(before.y0, after.y0),
        max(before.x1, after.x1),
        max(before.y1, after.y1),
        max(before.size, after.size),
        before.words + after.words,
        f"{before.text} {after.text}",
        before.bold and after.bold,
        before.parts + after.parts,
    )


def cut_chunk(chunk: Chunk, place: int) -> tuple[Chunk, Chunk]:
    """A chunk as two, before and from the word at a place."""
    first, second = chunk.parts[:place], chunk.parts[place:]
    return (
        chunk._replace(
            x1=first[-1][1], words=chunk.words[:place], text=" ".join(part[2] for part in first), parts=first
        ),
        chunk._replace(
            x0=second[0][0], words=chunk.words[place:], text=" ".join(part[2] for part in second), parts=second
        ),
    )
