"""Raised and lowered marks: footnote marks stand apart from the number or word before them, exponents become
superscript characters (10⁶, km²), the letters of ordinals and the digits of formulae stay in their word (1st, H2O),
a raised number over a lowered one is a fraction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

from docmatix.pdf.glyphs import Glyph, RawWord, Setting, find_setting, join_text, make_word, split_words

# In shares of the size of the text around it. Marks of Word, LaTeX and InDesign are 0.58 to 0.75 as large and raised by
# 0.33 to 0.4 or lowered by 0.08 to 0.2; small capitals are 0.7 to 0.8 as large, and stand on the line.
MAX_MARK_SIZE = 0.9
MIN_RISE, MIN_DROP, MIN_SAME_SIZE = 0.12, 0.05, 0.25
MAX_RISE = 1.1
MAX_MARK_LETTERS = 4  # of a mark that begins or ends a line of MuPDF's
MAX_GAP = 0.35  # before a mark that a space separates from its word
MAX_LONE_SIZE, MIN_LONE_RISE = 0.8, 0.2  # of a mark between spaces: words of scans differ in size and baseline, too

_SUPERSCRIPT = str.maketrans("0123456789+-−–=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
_SUBSCRIPT = str.maketrans("0123456789+-−–=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_VULGAR = {
    "1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/5": "⅕", "2/5": "⅖", "3/5": "⅗", "4/5": "⅘",
    "1/6": "⅙", "5/6": "⅚", "1/7": "⅐", "1/8": "⅛", "3/8": "⅜", "5/8": "⅝", "7/8": "⅞", "1/9": "⅑", "1/10": "⅒",
}  # fmt: skip

_SLASH = "/⁄∕"
_NUMBER = re.compile(r"\d{1,4}")
_EXPONENT = re.compile(r"[-−–+]?\d{1,3}")
_CHARGE = re.compile(r"\d?[-−–+]{1,2}")  # of an ion
_ORDINAL = re.compile(r"st|nd|rd|th|er|re|ère|e|è|ème|eme|nde?|os?|ª|º|st\.|nd\.|rd\.|th\.|er\.", re.IGNORECASE)
_TEN = re.compile(r"(?:^|[^\d.,])10$")
_UNIT = re.compile(
    r"(?:^|[^A-Za-zµμ])(?:[kcdmnµμM]?m|ft|yd|mi|in|sec|min|h|s|[kmµμ]?g|kWh?|mol|inch(?:es)?|feet|foot|miles?|yards?|"
    r"met(?:er|re)s?|[ckm]m|[A-Za-z])$"
)
_SHORT_NUMBER = re.compile(r"(?:^|[^\d.,$€£¥%A-Za-z])[-−–]?\d{1,2}$")
_PRICE = re.compile(r"[$€£¥]\d[\d,]*$")
_ISOTOPE = re.compile(r"[A-Z][a-z]?(?![a-z])")
_CLOSING = frozenset(".,;:!?)]}’”\"'%»")


class _Run(NamedTuple):
    """Glyphs next to each other that are all raised (1), lowered (-1) or neither."""

    level: int
    small: bool
    glyphs: list[Glyph]

    @property
    def text(self) -> str:
        return join_text(self.glyphs)


class _Word:
    def __init__(self, text: str, glyphs: Sequence[Glyph]) -> None:
        self.text, self.glyphs = text, list(glyphs)

    def add(self, text: str, glyphs: Sequence[Glyph]) -> None:
        self.text += text
        self.glyphs += glyphs


def read_marked_line(glyphs: Sequence[Glyph]) -> list[RawWord]:
    """The words of a line written from left to right."""
    words = split_words(glyphs)
    if not words:
        return []
    line = find_setting(glyph for word in words for glyph in word)
    done: list[_Word] = []
    for at, word in enumerate(words):
        runs = list(_split_runs(word, line))
        if len(runs) > 1:
            done += _WordWriter(runs).write()
        elif runs[0].level:
            _place_lone_mark(done, runs[0], line, follower=words[at + 1] if at + 1 < len(words) else None)
        else:
            done.append(_Word(join_text(word), word))
    return [make_word(word.text, word.glyphs) for word in done]


def _split_runs(word: Sequence[Glyph], line: Setting) -> Iterator[_Run]:
    own = find_setting(word)
    around = own if own.size > 1.15 * line.size else line

    def find_level(glyph: Glyph) -> tuple[int, bool]:
        rise = (glyph.rise - around.rise) / around.size
        small = glyph.size <= MAX_MARK_SIZE * around.size
        if around is own and abs(glyph.rise - line.rise) < 0.05 * line.size and glyph.size > MAX_MARK_SIZE * line.size:
            return 0, small  # text of the line beside an initial
        if MIN_RISE <= rise <= MAX_RISE and (small or (rise >= MIN_SAME_SIZE and glyph.size <= 1.02 * around.size)):
            return 1, small
        if MIN_DROP <= -rise <= MAX_RISE and (small or (-rise >= MIN_SAME_SIZE and glyph.size <= 1.02 * around.size)):
            return -1, small
        return 0, small

    for (level, small), members in groupby(word, key=find_level):
        yield _Run(level, small, list(members))


def _place_lone_mark(done: list[_Word], run: _Run, line: Setting, *, follower: list[Glyph] | None) -> None:
    """A word that is raised or lowered as a whole: a mark after a space, or small print in another place."""
    text, first, last = run.text, run.glyphs[0], run.glyphs[-1]
    rise = abs(first.rise - line.rise) / line.size
    before = done[-1] if done else None
    if len(text) > 3 or first.size > MAX_LONE_SIZE * line.size or rise < MIN_LONE_RISE * (1 if run.level > 0 else 0.3):
        done.append(_Word(text, run.glyphs))
        return
    near = before is not None and first.start - before.glyphs[-1].end <= MAX_GAP * line.size
    if near and before is not None and run.level < 0 and text.isdigit() and before.text[-1:].isalpha():
        before.add(text.translate(_SUBSCRIPT), run.glyphs)
    elif near and before is not None and run.level > 0 and _EXPONENT.fullmatch(text) and _TEN.search(before.text):
        before.add(text.translate(_SUPERSCRIPT), run.glyphs)
    else:
        led = before is None and follower is not None and follower[0].start - last.end <= line.size
        marks = run.level > 0 and (near or led)
        done.append(_Word(text.translate(_SUPERSCRIPT) if marks else text, run.glyphs))


class _WordWriter:
    """Writes the runs of a word that has marks; `base` is what the next run may continue."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self._runs = runs
        self._words: list[_Word] = []
        self._base: _Word | None = None
        self._is_apart = False

    def write(self) -> list[_Word]:
        at = 0
        while at < len(self._runs):
            run = self._runs[at]
            taken = self._write_fraction(at) if run.level > 0 else 0
            if taken:
                at += taken
                continue
            if run.level > 0:
                self._write_raised(run, self._runs[at + 1].text if at + 1 < len(self._runs) else "")
            elif run.level < 0:
                self._write_lowered(run, self._runs[at + 1].text if at + 1 < len(self._runs) else "")
            else:
                self._continue(run.text, run.glyphs)
            at += 1
        return self._words

    def _continue(self, text: str, glyphs: Sequence[Glyph]) -> None:
        """Text on the line: it continues the word, and punctuation does so over a mark (`$320¹,`)."""
        if self._is_apart and self._base is not None:
            closing = 0
            while closing < len(glyphs) and glyphs[closing].text in _CLOSING:
                closing += 1
            self._base.add(join_text(glyphs[:closing]), glyphs[:closing])
            glyphs = glyphs[closing:]
            text = join_text(glyphs)
            if not text:
                return
        if self._base is None or self._is_apart:
            self._base = _Word("", [])
            self._words.append(self._base)
            self._is_apart = False
        self._base.add(text, glyphs)

    def _stand_apart(self, text: str, glyphs: Sequence[Glyph]) -> None:
        self._words.append(_Word(text, glyphs))
        self._is_apart = True

    def _write_raised(self, run: _Run, after: str) -> None:
        text = run.text
        before = self._base.text if self._base is not None and not self._is_apart else ""
        written = _attach(before, text, after) if before else _lead(text, after)
        if written is None:
            self._stand_apart(text.translate(_SUPERSCRIPT), run.glyphs)
        else:
            self._continue(written, run.glyphs)

    def _write_lowered(self, run: _Run, after: str) -> None:
        text = run.text
        before = self._base.text if self._base is not None and not self._is_apart else ""
        beside_digit = before[-1:].isdigit() or after[:1].isdigit()
        self._continue(text.translate(_SUBSCRIPT) if beside_digit else text, run.glyphs)

    def _write_fraction(self, at: int) -> int:
        """How many runs, from a raised number on, are a fraction; it is written then."""
        above = self._runs[at]
        rest = self._runs[at + 1 : at + 3]
        if not _NUMBER.fullmatch(above.text) or not rest:
            return 0
        glyphs, below, taken = [*above.glyphs, *rest[0].glyphs], rest[0].text, 2
        if below[0] in _SLASH:
            small = rest[0].small or rest[0].level < 0
            below = below[1:]
            if not below and len(rest) > 1:
                below, small, taken = rest[1].text, rest[1].small or rest[1].level < 0, 3
                glyphs += rest[1].glyphs
            if not small:
                return 0
        elif rest[0].level >= 0 or not _stand_over_each_other(above.glyphs, rest[0].glyphs):
            return 0
        if not _NUMBER.fullmatch(below):
            return 0
        whole = self._base is not None and not self._is_apart
        plain = f"{above.text}/{below}"
        stacked = f"{above.text.translate(_SUPERSCRIPT)}⁄{below.translate(_SUBSCRIPT)}"
        self._continue(_VULGAR.get(plain) or (stacked if whole else plain), glyphs)
        return taken


def _attach(before: str, mark: str, after: str) -> str | None:
    """How a raised mark is written in the word that it follows; None if it is a footnote's."""
    written: str | None = None
    if _CHARGE.fullmatch(mark) and (before[-1].isalnum() or before[-1] in ")]"):
        written = mark.translate(_SUPERSCRIPT)
    elif _EXPONENT.fullmatch(mark):
        signed = not mark[0].isdigit()
        unit = _UNIT.search(before) and (len(mark) == 1 or len(before) == 1)
        cents = len(mark) == 2 and _PRICE.search(before)
        if mark == "0" and before[-1].isdigit() and after[:1] in {"C", "F"}:
            written = "°"
        elif signed or unit or cents or _TEN.search(before) or _SHORT_NUMBER.search(before):
            written = mark.translate(_SUPERSCRIPT)
    elif mark.isalpha():
        if mark in {"o", "O"} and before[-1].isdigit() and (after[:1] in {"C", "F", ""}):
            written = "°"
        elif mark.upper() in {"TM", "SM"}:
            written = "™" if mark.upper() == "TM" else "℠"
        elif before[-1].isdigit():
            written = mark if _ORDINAL.fullmatch(mark) else None
        elif len(mark) > 1 or (mark in {"o", "º", "ª"} and before in {"N", "n"}):
            written = mark  # "Mme", "Nº"
        elif len(before) == 1:
            written = mark.translate(_SUPERSCRIPT)  # a power
    elif not mark.isascii() or not any(letter.isalnum() or letter in "*()[]#+" for letter in mark):
        written = mark  # "°", "®", a quotation mark
    return written


def _lead(mark: str, after: str) -> str | None:
    """How a raised mark is written that begins a word; None if it stands apart, as a footnote's does."""
    if mark.isdigit():
        return mark.translate(_SUPERSCRIPT) if _ISOTOPE.match(after) else None
    return None if mark.isalpha() or mark in {"*", "**", "#"} else mark


def _stand_over_each_other(above: Sequence[Glyph], below: Sequence[Glyph]) -> bool:
    start, end = above[0].start, above[-1].end
    overlap = min(end, below[-1].end) - max(start, below[0].start)
    return overlap > 0.5 * min(end - start, below[-1].end - below[0].start)


def continues_line(before: Sequence[Glyph], after: Sequence[Glyph]) -> bool:
    """Whether `after`, to MuPDF a line of its own, goes on where `before` ends, with a mark between them or the lower
    number of a fraction: marks raised by more than 0.8 of their size begin a line."""
    one = [glyph for glyph in before if not glyph.text.isspace()]
    other = [glyph for glyph in after if not glyph.text.isspace()]
    if not one or not other:
        return False
    last, first = one[-1], other[0]
    large, small = max(last.size, first.size), min(last.size, first.size)
    shift, gap = abs(first.rise - last.rise), first.start - last.end
    if small <= MAX_MARK_SIZE * large:
        mark = reversed(one) if last.size < first.size else other
        if sum(1 for _ in takewhile(lambda glyph: glyph.size < MAX_MARK_SIZE * large + 0.01, mark)) > MAX_MARK_LETTERS:
            return False
        return MIN_DROP * large < shift <= 0.9 * large and -0.15 * large <= gap <= MAX_GAP * large
    over = last.text.isdigit() and first.text.isdigit() and last.size <= MAX_MARK_SIZE * max(g.size for g in one)
    return over and 0.7 * large <= shift <= 1.6 * large and -2.5 * large <= gap <= -0.2 * large
