"""The words of a page as chunks: words on one baseline that no wide gap parts; and chunks as lines across the page."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter, sub
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Page
from docmatix.facts.text_lines import TextLine, list_text_lines
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


def list_chunks(page: Page, down: Sequence[Rule] = (), lines: Sequence[TextLine] | None = None) -> list[Chunk]:
    """The chunks of a page by its `lines` of text, if these are known; rules down, from the left, part them, too."""
    places = [rule.x0 for rule in down]
    found: list[Chunk] = []
    for line in list_text_lines(page) if lines is None else lines:
        plain = _part_plain(line, down, places)
        found += _part_line(line, page.height_pt, down, places) if plain is None else plain
    return found


def _part_plain(line: TextLine, down: Sequence[Rule], places: Sequence[float]) -> list[Chunk] | None:
    """The chunks of a line that is plainly set: from the left, level, without leaders; None for a line to look into."""
    start, _, texts, x0s, y0s, x1s, y1s, sizes, bolds, text = line
    least, count = min(sizes), len(texts)
    if least <= 0 or _count_dots(text) >= MIN_LEADERS:
        return None
    if count == 1:
        return [Chunk(x0s[0], y0s[0], x1s[0], y1s[0], least, (start,), text, bolds[0], ((x0s[0], x1s[0], text),))]
    y0, y1 = min(y0s), max(y1s)
    if min(map(sub, x0s[1:], x0s)) < 0 or min(y1s) - max(y0s) < 0.4 * (y1 - y0):
        return None
    gaps = list(map(sub, x0s[1:], x1s))
    ends: list[int] = []
    if max(gaps) > GAP_EM * least:
        wide = [at for at, gap in enumerate(gaps, 1) if gap > GAP_EM * max(sizes[at - 1], sizes[at])]
        limit = _find_limit(texts, gaps, sizes) if wide else GAP_EM
        ends = [at for at in wide if gaps[at - 1] > limit * max(sizes[at - 1], sizes[at])]
    first = bisect_left(places, min(x1s) - SLACK_PT)
    if first < len(places) and places[first] <= x0s[-1] + SLACK_PT:
        middles = [(top + bottom) / 2 for top, bottom in zip(y0s, y1s, strict=True)]
        parted = {at for at in range(1, count) if _is_parted(x1s[at - 1], x0s[at], middles[at], down, places)}
        ends = sorted(parted.union(ends))
    parts = tuple(zip(x0s, x1s, texts, strict=True))
    if not ends:
        words = tuple(range(start, start + count))
        return [Chunk(x0s[0], y0, max(x1s), y1, max(sizes), words, text, all(bolds), parts)]
    return [
        Chunk(
            x0s[one],
            min(y0s[one:end]),
            max(x1s[one:end]),
            max(y1s[one:end]),
            max(sizes[one:end]),
            tuple(range(start + one, start + end)),
            " ".join(texts[one:end]),
            all(bolds[one:end]),
            parts[one:end],
        )
        for one, end in pairwise((0, *ends, count))
    ]


def _part_line(line: TextLine, height: float, down: Sequence[Rule], places: Sequence[float]) -> list[Chunk]:
    """The chunks of any line."""
    found: list[Chunk] = []
    words = _leave_out_leaders(sorted(_place_words(line, height), key=attrgetter("x0")))
    limit: float | None = None  # as long as no gap is wide
    run = words[:1]
    for before, word in pairwise(words):
        gap, size = word.x0 - before.x1, max(before.size, word.size)
        if gap > GAP_EM * size and limit is None:
            gaps = [other.x0 - one.x1 for one, other in pairwise(words)]
            limit = _find_limit([one.text for one in words], gaps, [one.size for one in words])
        if (
            before.is_led
            or (limit is not None and gap > limit * size)
            or not _are_level(before, word)
            or _is_parted(before.x1, word.x0, (word.y0 + word.y1) / 2, down, places)
        ):
            found.append(_make_chunk(run))
            run = []
        run.append(word)
    if run:
        found.append(_make_chunk(run))
    return found


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


def _place_words(line: TextLine, height: float) -> list[_Placed]:
    placed = []
    for at, word in enumerate(line.words):
        size = word.size or (word.box.y1 - word.box.y0) * height / 1.2
        edges = line.x0s[at], line.y0s[at], line.x1s[at], line.y1s[at]
        placed.append(_Placed(*edges, size, line.start + at, word.text, word.bold))
    return placed


def _find_limit(texts: Sequence[str], gaps: Sequence[float], sizes: Sequence[float]) -> float:
    """The gap, in ems, that parts chunks of a line: more where a justified line spreads all of its words."""
    if len(texts) < 6 or sum(map(str.isalpha, texts)) < 0.6 * len(texts):
        return GAP_EM
    usual = median([gap / max(size, 1.0) for gap, size in zip(gaps, sizes, strict=False)])
    return max(GAP_EM, 1.6 * usual) if usual < 1.0 else GAP_EM


def _is_parted(x0: float, x1: float, y: float, down: Sequence[Rule], places: Sequence[float]) -> bool:
    """Whether a rule down stands between two words."""
    start, end = bisect_left(places, x0 - SLACK_PT), bisect_right(places, x1 + SLACK_PT)
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
