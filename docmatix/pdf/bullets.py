"""Tells bullets from other signs whose meaning is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docmatix.core.documents import UNKNOWN
from docmatix.pdf.layout import Piece

Line = tuple[int, list[Piece]]


def leave_out_bullets(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines without unknown signs that are surely bullets: one alone before a text that begins with a letter, with
    nothing before it on its row. Any other may be a minus, a digit, an entry of a table."""
    for at, (block, pieces) in enumerate(lines):
        if pieces[0].text != UNKNOWN:
            yield block, pieces
            continue
        before = lines[at - 1][1][-1] if at else None
        after = pieces[1] if len(pieces) > 1 else lines[at + 1][1][0] if at + 1 < len(lines) else None
        if not _is_bullet(before, pieces[0], after):
            yield block, pieces
        elif len(pieces) > 1:
            yield block, pieces[1:]


def _is_bullet(before: Piece | None, sign: Piece, after: Piece | None) -> bool:
    if after is None or not after.text.strip("\"'“‘«([-‐")[:1].isalpha() or not _share_row(sign, after):
        return False
    return before is None or not _share_row(before, sign)


def _share_row(one: Piece, other: Piece) -> bool:
    """Whether two words are side by side, across the page or along it."""
    across = _overlap(one.box.y0, one.box.y1, other.box.y0, other.box.y1)
    along = _overlap(one.box.x0, one.box.x1, other.box.x0, other.box.x1)
    return max(across, along) > 0.4 > min(across, along)


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    least = min(end - start, other_end - other_start)
    return (min(end, other_end) - max(start, other_start)) / least if least > 0 else 0.0
