"""Bullets of symbol fonts, which are read as letters and signs: "y", "§" or "↑" for a dot, a square or an arrow."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from docmatix.core.documents import UNKNOWN
from docmatix.facts.layout.lines import MARK, Line

GAP = 0.5
"""Between such a bullet and its text, in font sizes: wider than the space after a word."""
SLACK = 1.5  # points
_SIGNS = ("So", "Sm", "Sk", "Co", "Po")
_LETTERS = "lnoquvwyØüàÊ"  # what dots, squares, diamonds, ticks and arrows are in fonts of symbols
_OF_CODE = "#%&@/\\$"


def mark_bullets(lines: Iterable[Line], width: float) -> None:
    """Mark the lines that begin with one sign or letter which begins others, too, at one edge, with text at another."""
    groups: defaultdict[str, list[tuple[float, float, Line]]] = defaultdict(list)
    for line in lines:
        words = line.words
        sign = words[0].text
        if len(sign) > 1 or sign in _OF_CODE or len(words) < 2 or line.in_table or MARK.fullmatch(sign):
            continue
        if sign != UNKNOWN and sign not in _LETTERS and unicodedata.category(sign) not in _SIGNS:
            continue
        if not any(map(str.isalpha, words[1].text)):
            continue
        # where the text begins; a line's x is that of its bullet
        start = line.x0 + abs(words[1].box.x0 - words[0].box.x0) * width
        gap = (words[1].box.x0 - words[0].box.x1) * width
        if gap > GAP * line.size:
            groups[sign].append((line.x0, start, line))
    for group in groups.values():
        for x0, start, line in group:
            same = [one for left, text, one in group if abs(left - x0) < SLACK and abs(text - start) < SLACK]
            line.bullet = len(same) > 1
