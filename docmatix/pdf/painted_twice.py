"""What is painted several times with a small shift, for bold letters or a shadow, or by mistake, is there once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from docmatix.pdf.glyphs import Bounds, Glyph, split_words

# In shares of a glyph's width and size. Fake bold is shifted by up to 0.1 em, a shadow by up to 0.25; two equal letters
# next to each other are a whole width apart.
MAX_SHIFT, MAX_LIFT = 0.5, 0.25
MIN_COPIED = 0.8  # of a line's letters, below which they stand over another text by chance

# letters painted twice one by one ("TToottaall"), and short words whose copy MuPDF takes for their second half
DOUBLED = re.compile(r"(?:(\S)\1(?!\1)){3}|(?<!\S)([^\W\d_]{2,3})\2(?!\S)")


def find_overlapping(lines: Iterable[tuple[int, Bounds]]) -> set[int]:
    """The numbers of blocks with lines, each given with its block and box, that largely cover each other."""
    found: set[int] = set()
    entries = list(lines)
    for offset in (0.0, 2.0):
        # rows 4 points high, twice, so that a shift does not part what belongs together
        rows = sorted((((box[1] + box[3]) / 2 + offset) // 4, box[0], box[2], block) for block, box in entries)
        farthest = (-1.0, 0.0, 0.0, 0)
        for here in rows:
            if here[0] == farthest[0]:
                narrow = min(here[2] - here[1], farthest[2] - farthest[1])
                if min(here[2], farthest[2]) - here[1] > MAX_SHIFT * narrow > 0:
                    found |= {here[3], farthest[3]}
                if here[2] <= farthest[2]:
                    continue
            farthest = here
    return found


def leave_out_copies(lines: Sequence[list[Glyph]]) -> list[list[Glyph]]:
    """The lines, in the order of painting, of which each copies none. Where one line has all of another and more, that
    other one goes, wherever it came from; letters that two texts share by chance stay."""
    kept = [list(line) for line in lines]
    painted: list[list[Glyph]] = []
    inks: list[int] = []
    places = _Places()
    for number, line in enumerate(lines):
        once: list[Glyph] = []
        copied: list[tuple[Glyph, int, int]] = []
        for glyph in line:
            if glyph.text.isspace():
                once.append(glyph)
                continue
            original = places.find(glyph)
            if original is not None and original[0] == number:
                continue
            if original is not None:
                copied.append((glyph, *original))
            places.add(glyph, number, len(once))
            once.append(glyph)
        kept[number] = once
        painted.append(once)
        inks.append(sum(not glyph.text.isspace() for glyph in once))
        if not copied:
            continue
        if len(copied) == inks[number]:
            kept[number] = []
            continue
        covered = {other: {at for _, line, at in copied if line == other} for _, other, _ in copied}
        whole = {other for other, found in covered.items() if len(found) == inks[other]}
        for other in whole:
            kept[other] = []
        rest = {id(glyph): (other, at) for glyph, other, at in copied if other not in whole}
        if len(rest) < MIN_COPIED * inks[number]:
            # words painted twice one by one: MuPDF takes the copy of each for the beginning of a line
            rest = {key: rest[key] for key in _find_copied_words(once, rest, painted)}
        if rest:
            kept[number] = [glyph for glyph in once if id(glyph) not in rest]
    return kept


def _find_copied_words(
    line: Sequence[Glyph], originals: Mapping[int, tuple[int, int]], painted: Sequence[Sequence[Glyph]]
) -> set[int]:
    """The glyphs, by their identity as in `originals`, of words that copy whole words of another line."""
    found: set[int] = set()
    for word in split_words(line):
        places = [originals[id(glyph)] for glyph in word if id(glyph) in originals]
        if len(places) < len(word):
            continue
        (other, first), (last_other, last) = places[0], places[-1]
        text = painted[other]
        ends = [text[at].text.isspace() for at in (first - 1, last + 1) if 0 <= at < len(text)]
        if other == last_other and last - first == len(word) - 1 and all(ends):
            found |= {id(glyph) for glyph in word}
    return found


class _Places:
    """Glyphs by their place on the page."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, int], list[tuple[Glyph, int, int]]] = {}

    def add(self, glyph: Glyph, line: int, at: int) -> None:
        self._seen.setdefault((glyph.text, *_find_cell(glyph)), []).append((glyph, line, at))

    def find(self, glyph: Glyph) -> tuple[int, int] | None:
        """The line and place of the glyph that this one is painted over."""
        column, row = _find_cell(glyph)
        for c in (column - 1, column, column + 1):
            for r in (row - 1, row, row + 1):
                for other, line, at in self._seen.get((glyph.text, c, r), ()):
                    if _covers(glyph, other):
                        return line, at
        return None


def _find_cell(glyph: Glyph) -> tuple[int, int]:
    return int((glyph.box[0] + glyph.box[2]) // 32), int((glyph.box[1] + glyph.box[3]) // 32)


def _covers(glyph: Glyph, other: Glyph) -> bool:
    width = max(min(glyph.end - glyph.start, other.end - other.start), 0.05 * glyph.size)
    return (
        abs(glyph.start - other.start) < MAX_SHIFT * width
        and abs(glyph.rise - other.rise) < MAX_LIFT * glyph.size
        and abs(glyph.size - other.size) < 0.1 * glyph.size
    )


def list_line_boxes(blocks: Iterable[dict[str, Any]]) -> Iterator[tuple[int, Bounds]]:
    """Each line of MuPDF's dictionary, as `find_overlapping` takes it."""
    for block in blocks:
        for line in block.get("lines", ()):
            yield block["number"], line["bbox"]
