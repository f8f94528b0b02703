"""Vertical writing: MuPDF makes a line of each character, and places those of vertical fonts most of an em too low."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from docmatix.core.documents import Box, enclose
from docmatix.pdf.lines import Piece

MIN_STACK = 4  # characters below each other that are vertical writing in a font for horizontal writing
MAX_STEP = 1.6  # from one character to the next, in ems; rows of a table are further apart
# MuPDF hangs a character's box from its baseline; ideographs reach from 0.88 em above it to 0.12 em below
ASCENT = 0.88

_Lines = list[tuple[int, list[Piece]]]


class _Stacked(NamedTuple):
    block: int
    piece: Piece
    is_vertical: bool


def join_vertical(
    lines: _Lines,
    textpage: Any,
    to_fractions: Callable[[Sequence[float]], Box | None],
    *,
    width_pt: float,
    height_pt: float,
) -> _Lines:
    """The lines, with the characters of each column of vertical writing as one line, their boxes where the ink is.
    Other lines stay as they are. `textpage` is MuPDF's, that the lines come from."""
    if sum(len(pieces) == 1 and _is_ideograph(pieces[0].text) for _, pieces in lines) < MIN_STACK:
        return lines
    places = _find_vertical(textpage, to_fractions)
    joined: _Lines = []
    stack: list[_Stacked] = []
    for block, pieces in lines:
        piece, true_box = pieces[0], places.get(pieces[0].box) if len(pieces) == 1 else None
        member = None
        if true_box is not None:
            member = _Stacked(block, Piece(piece.text, true_box), True)
        elif len(pieces) == 1 and _is_ideograph(piece.text):
            member = _Stacked(block, piece, False)
        if member is None or (stack and not _goes_on(stack[-1], member, width_pt, height_pt)):
            joined += _close(stack)
            stack = []
        if member is None:
            joined.append((block, pieces))
        else:
            stack.append(member)
    return [*joined, *_close(stack)]


def _is_ideograph(text: str) -> bool:
    """Whether a text is one character of a script that is also written downwards."""
    return len(text) == 1 and text >= "\u2e80"


def _find_vertical(textpage: Any, to_fractions: Callable[[Sequence[float]], Box | None]) -> dict[Box, Box]:
    """For the box of each character of a vertical font, as MuPDF gives it, the one where its ink is."""
    places: dict[Box, Box] = {}
    for block in textpage.this:
        if block.m_internal.type:
            continue
        for line in block:
            if not line.m_internal.wmode:
                continue
            box, dx, dy = line.m_internal.bbox, line.m_internal.dir.x, line.m_internal.dir.y
            em = abs((box.x1 - box.x0) * dy) + abs((box.y1 - box.y0) * dx)
            left, up = ASCENT * em * dx, ASCENT * em * dy
            given = to_fractions((box.x0, box.y0, box.x1, box.y1))
            true = to_fractions((box.x0 - left, box.y0 - up, box.x1 - left, box.y1 - up))
            if given is not None and true is not None:
                places[given] = true
    return places


def _goes_on(above: _Stacked, below: _Stacked, width_pt: float, height_pt: float) -> bool:
    one, other = above.piece.box, below.piece.box
    em = max(one.x1 - one.x0, other.x1 - other.x0) * width_pt
    right = (other.x0 + other.x1 - one.x0 - one.x1) / 2 * width_pt
    down = (other.y0 + other.y1 - one.y0 - one.y1) / 2 * height_pt
    if above.is_vertical and abs(right) > abs(down):
        # a page that is turned
        right, down = down, right
    step = abs(down) if above.is_vertical else down
    return above.is_vertical == below.is_vertical and abs(right) < 0.3 * em and 0.4 * em < step < MAX_STEP * em


def _close(stack: Sequence[_Stacked]) -> Iterator[tuple[int, list[Piece]]]:
    if len(stack) < MIN_STACK and not any(member.is_vertical for member in stack):
        yield from ((member.block, [member.piece]) for member in stack)
    else:
        text = "".join(member.piece.text for member in stack)
        yield stack[0].block, [Piece(text, enclose(member.piece.box for member in stack))]
