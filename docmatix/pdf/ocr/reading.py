"""Reads the words of a page's picture: finds which way up it is, straightens it, and hands it to an engine at the
resolution that the height of its letters asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from docmatix.core.documents import Box
from docmatix.pdf.ocr.blankness import is_blank
from docmatix.pdf.ocr.blobs import Blob, find_unread, is_bullet, put_bullets, put_leaders, stack, take_signs, unstack
from docmatix.pdf.ocr.doubted_numbers import doubt_numbers
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.results import OcrReading, OcrWord, weigh_confidence
from docmatix.pdf.ocr.shapes import INK, find_dark, find_paper, find_shapes
from docmatix.pdf.ocr.straightening import (
    LOOK_DPI,
    Straightening,
    find_ink,
    find_lines,
    is_sideways,
    measure_letters,
    smooth,
    straighten,
    to_dark_on_light,
)
from docmatix.pdf.ocr.typography import set_words
from docmatix.text.quality import MIN_QUALITY, measure_quality

if TYPE_CHECKING:
    from PIL.Image import Image

LETTER_PX = 26.0  # from the tops to the bottoms of letters: 10 pt at 280 dpi
DEFAULT_DPI, MIN_DPI, MAX_DPI = 200, 100, 400
MIN_SECOND_READING = 0.5  # confidence of a word of ink that was passed over first
DOUBTFUL = 0.3  # confidence of a word with ink beside it that cannot be read: a sign, a digit
GOOD_READING = 0.8  # from which no other way up is tried


def read_picture(draw: Callable[[int], Image], engine: OcrEngine) -> OcrReading:
    """Read a page. `draw` gives its picture at a resolution, in grey. A blank page is not read; with an engine that
    reads nothing it is only looked at, whether it is blank."""
    engine = engine.choose()
    look = to_dark_on_light(draw(LOOK_DPI))
    blank = is_blank(look)
    if blank or not engine.reads:
        return OcrReading((), Straightening(look.width, look.height), LOOK_DPI, 0.0, blank)
    turns, others = _find_turn(look, engine)
    reading = _read(draw, engine, look, turns=turns)
    if reading.quality >= GOOD_READING or not reading.words:
        return reading
    for other in others:
        if reading.quality < MIN_QUALITY:
            reading = max(reading, _read(draw, engine, look, turns=other), key=lambda each: each.quality)
    return reading


def choose_dpi(letters: float | None) -> int:
    """The resolution at which letters of this height at `LOOK_DPI` are as high as an engine reads best."""
    if letters is None:
        return DEFAULT_DPI
    return round(min(max(LOOK_DPI * LETTER_PX / letters, MIN_DPI), MAX_DPI) / 10) * 10


def _find_turn(look: Image, engine: OcrEngine) -> tuple[int, list[int]]:
    """By how many quarter turns the page is probably upright, and by how many else."""
    ink = find_ink(look)
    down, across = find_lines(ink), find_lines(ink.T[:, ::-1])
    told = engine.find_turn(look)
    if is_sideways(down, across, clearly=told in (0, 2)):
        turns = told if told in (1, 3) else 1
        return turns, [4 - turns]
    if is_sideways(across, down, clearly=told in (1, 3)):
        turns = told if told in (0, 2) else 0
        return turns, [2 - turns]
    turns = told or 0
    # upside down first: lines are level either way
    return turns, [(turns + more) % 4 for more in (2, 1, 3)]


def _read(draw: Callable[[int], Image], engine: OcrEngine, look: Image, *, turns: int) -> OcrReading:
    turned = straighten(look, turns, 0.0)
    skew = find_lines(find_ink(turned)).skew
    letters = measure_letters(find_ink(straighten(turned, 0, skew)))
    dpi = choose_dpi(letters)
    picture = to_dark_on_light(draw(dpi))
    straightening = Straightening(picture.width, picture.height, turns, skew)
    high = letters * dpi / LOOK_DPI if letters else LETTER_PX
    picture = smooth(straighten(picture, turns, skew), high)
    shapes, picture = find_shapes(picture, dpi=dpi, letters=high)
    signs, picture = take_signs(picture, dpi=dpi, letters=high)
    read = _read_twice(engine, picture, dpi=dpi, letters=high)
    sure = list(doubt_numbers(read, find_ink(picture)))
    words = tuple(
        OcrWord(
            one.word.text,
            _to_fractions(one.box, picture),
            one.word.line,
            one.word.block,
            one.word.confidence,
            round(one.size * 72 / dpi, 2),
            one.bold,
        )
        for one in set_words(put_leaders(sure, signs.leaders, high), picture)
    )
    return OcrReading(
        words,
        straightening,
        dpi,
        _rate(read),
        rules=shapes.list_rules(dpi),
        boxes=shapes.list_boxes(dpi),
        marks=(*shapes.list_marks(dpi), *signs.list_marks(dpi)),
    )


def _read_twice(engine: OcrEngine, picture: Image, *, dpi: int, letters: float) -> list[ReadWord]:
    """The words of a straight picture without rules. Engines pass over lone digits: what they left is read again, by
    itself; words beside what is not read even so are doubtful."""
    import numpy as np

    read = engine.read(picture, dpi=dpi)
    dark = find_dark(np.asarray(picture), find_paper(picture), INK)
    if unread := find_unread(dark, read, letters):
        column, pieces = stack(picture, unread, letters)
        more = [word for word in engine.read_column(column, dpi=dpi) if word.confidence >= MIN_SECOND_READING]
        read += unstack(more, pieces, letters, read)
    left = find_unread(dark, read, letters, dashes=True)
    bullets = [blob for blob in left if is_bullet(dark, blob, letters)]
    left = [blob for blob in left if blob not in bullets]
    return put_bullets(
        [
            word._replace(confidence=min(word.confidence, DOUBTFUL))
            if any(_is_beside(word, blob, letters) for blob in left)
            else word
            for word in read
        ],
        bullets,
        letters,
    )


def _is_beside(word: ReadWord, blob: Blob, letters: float) -> bool:
    x0, y0, x1, y1 = word.box
    level = min(y1, blob.y1) - max(y0, blob.y0) > 0.3 * min(y1 - y0, blob.y1 - blob.y0)
    return level and -2 <= max(blob.x0 - x1, x0 - blob.x1) <= 0.4 * letters


def _to_fractions(box: tuple[float, float, float, float], picture: Image) -> Box:
    x0, y0, x1, y1 = box
    shares = (x0 / picture.width, y0 / picture.height, x1 / picture.width, y1 / picture.height)
    return Box(*(round(min(max(share, 0.0), 1.0), 5) for share in shares))


def _rate(words: Sequence[ReadWord]) -> float:
    """How well a reading reads: by the engine's confidence and by its letters, whichever is worse."""
    told = (weigh_confidence(words), measure_quality(" ".join(word.text for word in words)))
    return min((each for each in told if each is not None), default=0.0)
