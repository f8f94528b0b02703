"""The words of a page, line by line, as they are printed. Most lines are read by MuPDF; where a line may mislead it
(marks, unknown glyphs, writing to the left, text painted twice), the words are made from its glyphs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from docmatix.pdf.characters import INVISIBLE, SOFT_HYPHEN, are_hyphens, settle_soft_hyphens
from docmatix.pdf.drawn_blanks import Meanings, find_drawn
from docmatix.pdf.glyphs import Glyph, RawWord, read_glyphs
from docmatix.pdf.marks import MAX_MARK_SIZE, MIN_DROP, continues_line, read_marked_line
from docmatix.pdf.painted_twice import DOUBLED, find_overlapping, leave_out_copies, list_line_boxes
from docmatix.pdf.raw_lines import RawLines, list_raw_lines
from docmatix.pdf.right_to_left import RIGHT_TO_LEFT, continues_leftward, has_right_to_left, read_right_to_left
from docmatix.pdf.symbol_fonts import find_family
from docmatix.pdf.unknown_glyphs import UnknownGlyphs

RawLine = tuple[int, list[RawWord]]

# what MuPDF's words would drop, join or turn around: controls, private use, U+FFFD, what is called invisible, letters
# written to the left
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffd-\uffff\U000f0000-\U0010ffff"
    + f"{INVISIBLE}]|"
    + RIGHT_TO_LEFT.pattern
)


def read_lines(page: Any, textpage: Any, blocks: Sequence[dict[str, Any]], drawn: Meanings) -> list[RawLine]:
    """Lines in the order of the content, each with the number of its block. `blocks` are those of MuPDF's dictionary of
    `textpage`, which has no pictures; `drawn` what blanks mean in fonts that draw them."""
    twice = find_overlapping(list_line_boxes(blocks))
    fonts = {span["font"] for span in _list_spans(blocks)}
    symbols = {font for font in fonts if find_family(font) is not None or (drawn and find_drawn(font, drawn))}
    odd = _find_odd_lines(blocks, twice, symbols)
    by_place: dict[tuple[int, int], list[RawWord]] = {}
    lines: list[RawLine] = []
    raw = textpage.extractWORDS()
    for (block, line), members in groupby(raw, key=itemgetter(5, 6)):
        words: list[RawWord] = [(word[4], word[:4]) for word in members]
        if block in odd:
            by_place[block, line] = words
        else:
            lines.append((block, words))
    if odd:
        reader = _GlyphReader(page, by_place, list_raw_lines(textpage, blocks, odd), drawn)
        for block in blocks:
            reader.read_block(block, odd.get(block["number"]))
        lines += reader.list_lines(twice)
        lines.sort(key=lambda line: line[0])
    return _settle_soft_hyphens(lines, blocks) if any(SOFT_HYPHEN in word[4] for word in raw) else lines


def _settle_soft_hyphens(lines: list[RawLine], blocks: Sequence[dict[str, Any]]) -> list[RawLine]:
    by_font: dict[str, list[str]] = {}
    for span in _list_spans(blocks):
        by_font.setdefault(span["font"], []).append(span["text"])
    fonts = [texts for texts in by_font.values() if any(SOFT_HYPHEN in text for text in texts)]
    if any(map(are_hyphens, fonts)):
        return lines
    return [(block, [(settle_soft_hyphens(text), box) for text, box in words]) for block, words in lines]


def _list_spans(blocks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for line in block.get("lines", ()):
            yield from line["spans"]


def _find_odd_lines(blocks: Iterable[dict[str, Any]], twice: set[int], symbols: set[str]) -> dict[int, set[int]]:
    """The indices of the lines of each block that must be read by their glyphs. Adds to `twice` what has doubled
    letters."""
    odd: dict[int, set[int]] = {}
    last: tuple[int, int, dict[str, Any]] | None = None
    for block in blocks:
        number, lines = block["number"], block.get("lines", ())
        if number in twice or any(RIGHT_TO_LEFT.search(span["text"]) for span in _list_spans([block])):
            odd[number] = set(range(len(lines)))
        for index, line in enumerate(lines):
            spans = line["spans"]
            if not spans:
                continue
            if _is_odd(spans, symbols):
                odd.setdefault(number, set()).add(index)
                if DOUBLED.search("".join(span["text"] for span in spans)):
                    twice.add(number)
            if last is not None and _may_continue(last[2], spans[0]):
                odd.setdefault(last[0], set()).add(last[1])
                odd.setdefault(number, set()).add(index)
            last = number, index, spans[-1]
    return odd


def _is_odd(spans: Sequence[dict[str, Any]], symbols: set[str]) -> bool:
    text = spans[0]["text"] if len(spans) == 1 else "".join(span["text"] for span in spans)
    if not (text.isascii() and text.isprintable()) and _ODD.search(text):
        return True
    if DOUBLED.search(text) or (symbols and any(span["font"] in symbols for span in spans)):
        return True
    return len(spans) > 1 and _has_marks(spans)


def _has_marks(spans: Sequence[dict[str, Any]]) -> bool:
    """Whether spans of a line stand higher or lower than the largest of them."""
    size, (x, y) = max((span["size"], span["origin"]) for span in spans)
    for span in spans:
        if span["size"] <= MAX_MARK_SIZE * size or span["flags"] & 1:
            dx, dy = span["origin"][0] - x, span["origin"][1] - y
            # upright or not, the smaller shift of the two is that of the baseline
            if min(abs(dx), abs(dy)) > MIN_DROP * size or not span["bbox"][0] < span["bbox"][2]:
                return True
    return False


def _may_continue(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a line begins where the one before it ends, smaller or larger, as one with a mark raised far does."""
    large, small = max(before["size"], after["size"]), min(before["size"], after["size"])
    (_, y), (_, other) = before["origin"], after["origin"]
    gap = after["bbox"][0] - before["bbox"][2]
    shift = abs(other - y)
    return bool(shift <= 1.6 * large and -2.5 * large <= gap <= 0.4 * large and small <= MAX_MARK_SIZE * large)


@dataclass(slots=True)
class _Line:
    """A line of a block as MuPDF's words, or as glyphs."""

    block: int
    words: list[RawWord]
    glyphs: list[Glyph]
    is_leftward: bool = False


class _GlyphReader:
    """Reads the lines of blocks: odd ones by their glyphs, others as MuPDF's words."""

    def __init__(
        self, page: Any, by_place: dict[tuple[int, int], list[RawWord]], raw: RawLines, drawn: Meanings
    ) -> None:
        self._by_place, self._raw = by_place, raw
        self._unknown = UnknownGlyphs(page, drawn)
        self._lines: list[_Line] = []
        self._before: dict[str, Any] | None = None

    def read_block(self, block: dict[str, Any], odd: set[int] | None) -> None:
        """Read a block of which the `odd` lines are read by their glyphs; None for one without any."""
        if odd is None:
            self._before = None
            return
        number = block["number"]
        for index, line in enumerate(block["lines"]):
            words = self._by_place.get((number, index), [])
            if (number, index) not in self._raw:
                self._lines.append(_Line(number, words, []))
                self._before = None
                continue
            raw = self._raw[number, index]
            glyphs = read_glyphs(raw, self._unknown.read_line(raw))
            if all(glyph.text.isspace() for glyph in glyphs):
                continue
            is_leftward = has_right_to_left(glyphs)
            last = self._lines[-1] if self._before is not None and _is_same_way(self._before, line) else None
            if last is not None and continues_leftward(last.glyphs, glyphs):
                last.glyphs += glyphs
                last.is_leftward = True
            elif last is not None and not is_leftward and continues_line(last.glyphs, glyphs):
                last.glyphs += glyphs
            else:
                self._lines.append(_Line(number, [], glyphs, is_leftward))
            self._before = line

    def list_lines(self, twice: set[int]) -> Iterator[RawLine]:
        """The lines so far; `twice` are the numbers of blocks that may be painted more than once."""
        once = iter(leave_out_copies([line.glyphs for line in self._lines if line.block in twice]))
        for line in self._lines:
            glyphs = next(once) if line.block in twice else line.glyphs
            words = line.words or (read_right_to_left(glyphs) if line.is_leftward else read_marked_line(glyphs))
            if words:
                yield line.block, words


def _is_same_way(line: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(line["wmode"] == other["wmode"] == 0 and line["dir"] == other["dir"])
