"""Makes of the tight boxes around ink what a text layer has: boxes as high as the font, its size and weight.

What a letter reaches tells where the line stands: `x` from its baseline to half of the size, `h` to seven tenths,
`p` below it. Sizes are settled for the page as a whole, so that body text has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.pdf.ocr.blobs import Blob, is_bullet
from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.shapes import INK, REDUCED, find_dark, find_paper

if TYPE_CHECKING:
    from PIL.Image import Image

_TALL, _LOW, _ACCENTED = 0.71, 0.52, 0.90  # of the size: capitals and `h`, letters such as `x`, `Ä`
_DEEP = 0.21  # of the size, below the line
_ABOVE, _BELOW = 0.95, 0.25  # of the size, from the baseline to the edges of the box that fonts declare
_TALL_LETTERS = frozenset("bdfhklß0123456789!?/|\\()[]{}&%$€£@#")
_DEEP_LETTERS = frozenset("gjpqyçQJ,;()[]{}|/\\@$_µ„‚§")
_RAISED = frozenset("\"'“”‘’°*^´`¹²³-–—~=+•·:.…«»<>−")
MAX_SLOPE = 0.006  # of a baseline that is level but for a rest of skew
SAME_SIZE = 0.07  # apart at most, as a share
_DASHES = frozenset("-–—−~")
_SPACE = 0.31  # of the size, from which white between letters is a space; beside a `1` it is 0.27
_MINUS = 0.42  # of the size: a hyphen is 0.33 wide, a minus 0.55
_BEARINGS, _SAME_PITCH = 0.2, 0.05  # of a typewriter's letters: the white around a word; how far words may differ
_OWN_SIZE = 0.18  # by which a word differs from its line, to have a size of its own


class SetWord(NamedTuple):
    """A word with the box of its font, in pixels, its size in pixels (0 if nobody knows) and its weight."""

    word: ReadWord
    box: tuple[float, float, float, float]
    size: float
    bold: bool


class _Line(NamedTuple):
    words: list[ReadWord]
    start: float  # of the baseline, at x = 0
    slope: float
    size: float | None
    weight: int  # letters that tell


def set_words(words: Sequence[ReadWord], picture: Image) -> list[SetWord]:
    """The words of a picture without rules, line by line as they were."""
    import numpy as np

    paper = find_paper(picture)
    dark = find_dark(np.asarray(picture), paper, INK)
    words = [part for word in words for part in _split(_fit_ink(_clip(word, picture), dark), dark)]
    lines = [_measure_line(list(line)) for _, line in groupby(words, key=lambda word: (word.block, word.line))]
    sizes = Sizes([(line.size, line.weight) for line in lines if line.size is not None])
    strokes = _measure_strokes(words, picture, paper)
    found: list[tuple[ReadWord, float, float, float | None]] = []
    at = 0
    for line in lines:
        for word in line.words:
            own = _measure_size(word, line)
            size = line.size
            if own is not None and size is not None and abs(own / size - 1) > _OWN_SIZE and _has_letters(word.text):
                size = own
            known = sizes(size) if size else (word.box[3] - word.box[1]) / (_ABOVE + _BELOW)
            baseline = line.start + line.slope * (word.box[0] + word.box[2]) / 2
            found.append((word, known, baseline, strokes[at]))
            at += 1
    for place, (word, size, base, stroke) in enumerate(found):
        before = found[place - 1][0].text if place else ""
        found[place] = (_settle_sign(word, before, size, base, dark), size, base, stroke)
    pitch = _find_pitch([word for word, *_ in found])
    found = [(_widen(word, pitch), size, base, stroke) for word, size, base, stroke in found]
    bold = _find_bold([(stroke / size if stroke is not None else None) for _, size, _, stroke in found], found)
    return [
        SetWord(word, _place(word, size, baseline), size, heavy)
        for (word, size, baseline, _), heavy in zip(found, bold, strict=True)
    ]


def _clip(word: ReadWord, picture: Image) -> ReadWord:
    """The word with what of its box is on the picture: of what is read a second time, the edge may be off it."""
    x0, y0, x1, y1 = (
        min(max(side, 0.0), most) for side, most in zip(word.box, (*picture.size, *picture.size), strict=True)
    )
    return word._replace(box=(x0, y0, x1, y1))


def _fit_ink(word: ReadWord, dark: Any) -> ReadWord:
    """The word with the rows of its own ink: engines give some words the height of two lines."""
    import numpy as np

    x0, y0, x1, y1 = map(round, word.box)
    inked = dark[max(0, y0) : y1, max(0, x0) : x1]
    edges = np.diff(np.pad(inked.any(axis=1), 1).astype(np.int8))
    tops, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    if not len(tops):
        return word
    heights = ends - tops
    main = int(np.argmax(heights))
    top, end, high = int(tops[main]), int(ends[main]), int(heights[main])
    for at in range(main - 1, -1, -1):  # dots and accents
        if top - ends[at] > 0.35 * high or heights[at] > 0.5 * high:
            break
        top = int(tops[at])
    for at in range(main + 1, len(tops)):
        if tops[at] - end > 0.2 * high or heights[at] > 0.5 * high:
            break
        end = int(ends[at])
    return word._replace(box=(word.box[0], y0 + top, word.box[2], y0 + end))


def _split(word: ReadWord, dark: Any) -> list[ReadWord]:
    """The word, in two or more where white as wide as a space parts its letters: engines join `29,7 h`."""
    import numpy as np

    text, (x0, y0, x1, y1) = word.text, word.box
    space = _SPACE * (y1 - y0) / (_TALL + (_DEEP if _is_deep(text) else 0.0))
    if len(text) < 2 or x1 - x0 < y1 - y0:
        return [word]
    inked = dark[round(y0) : round(y1), round(x0) : round(x1)].any(axis=0)
    edges = np.flatnonzero(np.diff(np.pad(inked, 1).astype(np.int8))).reshape(-1, 2).tolist()
    gaps = [after[0] - before[1] for before, after in pairwise(edges)]
    # which letter is which is known only where each stands alone
    if len(edges) != len(text) or max(gaps) < space or max(gaps) < 2.5 * median(gaps):
        return [word]
    ends = [
        0,
        *(
            at
            for at, gap in enumerate(gaps, 1)
            if gap >= max(space, 0.6 * max(gaps)) and "1" not in text[at - 1 : at + 1]
        ),
        len(text),
    ]
    left = round(x0)
    return [
        word._replace(text=text[start:end], box=(left + edges[start][0], y0, left + edges[end - 1][1], y1))
        for start, end in pairwise(ends)
    ]


def _settle_sign(word: ReadWord, before: str, size: float, baseline: float, dark: Any) -> ReadWord:
    """The word with signs that engines confuse told apart by their ink: `|` and `I`, hyphen and minus, bullets."""
    text, (x0, y0, x1, y1) = word.text, word.box
    if text == "|" and y1 < baseline + 0.08 * size:
        # a bar goes below the line, and rules are gone; behind a number it is a litre
        return word._replace(text="l" if before[-1:].isdigit() else "I")
    if text[0] in _DASHES and text[1:2].isdigit():
        inked = dark[round(y0) : round(y1), round(x0) : round(x1)].any(axis=0)
        blank = (~inked[1:]).nonzero()[0]
        wide = (int(blank[0]) + 1) if len(blank) else 0
        return word._replace(text=("−" if wide >= _MINUS * size else "-") + text[1:])
    if len(text) <= 2 and not text[0].isdigit():
        box = Blob(round(x0), round(y0), round(x1), round(y1))
        raised = y1 < baseline - 0.08 * size
        if raised and is_bullet(dark, box, 0.7 * size):
            return word._replace(text="•")
    return word


def _find_pitch(words: Sequence[ReadWord]) -> float | None:
    """How wide each letter is, if all are equally wide, as those of typewriters are."""
    told = [(word.box[2] - word.box[0]) / (len(word.text) - _BEARINGS) for word in words if len(word.text) >= 4]
    if len(told) < 8:
        return None
    pitch = median(told)
    # of typewritten scans 0.85 of the words, of others up to 0.45
    return pitch if sum(abs(each / pitch - 1) <= _SAME_PITCH for each in told) >= 0.7 * len(told) else None


def _widen(word: ReadWord, pitch: float | None) -> ReadWord:
    """The word with the white that its letters have around them, of which a typewriter's `1` has twice its own width:
    a space beside it looks like the gap between two columns."""
    x0, y0, x1, y1 = word.box
    more = 0.0 if pitch is None else min(max(len(word.text) * pitch - (x1 - x0), 0.0) / 2, pitch / 3)
    return word._replace(box=(x0 - more, y0, x1 + more, y1))


def _place(word: ReadWord, size: float, baseline: float) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = word.box
    top, bottom = baseline - _ABOVE * size, baseline + _BELOW * size
    middle = (y0 + y1) / 2
    if not top <= middle <= bottom:
        return word.box
    return (x0, top, x1, bottom)


def _has_letters(text: str) -> bool:
    return sum(map(str.isalnum, text)) >= 2 or (len(text) == 1 and text.isalnum())


def _is_deep(text: str) -> bool:
    return not _DEEP_LETTERS.isdisjoint(text)


def _reach(text: str) -> float | None:
    """How high a word's highest letter is, as a share of the size; None if that is not known."""
    if any(letter.isupper() and len(letter.encode("utf-8")) > 1 for letter in text):
        return _ACCENTED
    if any(letter.isupper() or letter in _TALL_LETTERS for letter in text):
        return _TALL
    if any(letter in _RAISED for letter in text) or any(letter in "itäöüáéíóúàèâêîôûñ" for letter in text):
        return None
    return _LOW if any(letter.islower() for letter in text) else None


def _measure_line(words: list[ReadWord]) -> _Line:
    import numpy as np

    feet = [word for word in words if not _is_deep(word.text) and any(map(str.isalnum, word.text))]
    slope = 0.0
    if not feet:
        low = max(words, key=lambda word: word.box[3] - word.box[1]).box
        start = low[3] - 0.2 * (low[3] - low[1])
    else:
        xs = np.array([(word.box[0] + word.box[2]) / 2 for word in feet])
        ys = np.array([word.box[3] for word in feet], dtype=float)
        high = float(np.median([word.box[3] - word.box[1] for word in feet]))
        if len(feet) >= 3 and xs[-1] - xs[0] > 8 * high:
            slope = float(np.clip(np.polyfit(xs, ys, 1)[0], -MAX_SLOPE, MAX_SLOPE))
        start = float(np.median(ys - slope * xs))
    line = _Line(words, start, slope, None, 0)
    told: list[float] = []
    weight = 0
    for word in words:
        if (size := _measure_size(word, line)) is not None:
            count = sum(map(str.isalnum, word.text))
            sure = 1 if _reach(word.text) == _LOW else 3
            told += [size] * min(count * sure, 60)
            weight += count
    return line._replace(size=median(told) if told else None, weight=weight)


def _measure_size(word: ReadWord, line: _Line) -> float | None:
    """By what its letters reach from the baseline, in pixels."""
    reach = _reach(word.text)
    if reach is None:
        return None
    baseline = line.start + line.slope * (word.box[0] + word.box[2]) / 2
    height = (baseline if _is_deep(word.text) else word.box[3]) - word.box[1]
    return height / reach if height >= 4 else None


class Sizes:
    """Maps sizes that differ no more than measuring does to one, from sizes and how many letters have each."""

    def __init__(self, told: Sequence[tuple[float, int]]) -> None:
        self._sizes: list[float] = []  # the most frequent first
        rest = sorted(told)
        while rest:
            # the size around which there are most letters
            best = max(rest, key=lambda one: sum(w for size, w in rest if abs(size / one[0] - 1) <= SAME_SIZE / 2))
            near = [(size, w) for size, w in rest if abs(size / best[0] - 1) <= SAME_SIZE]
            self._sizes.append(median([size for size, w in near for _ in range(max(1, min(w, 50)))]))
            rest = [one for one in rest if one not in near]

    def __call__(self, size: float) -> float:
        return next((known for known in self._sizes if abs(size / known - 1) <= SAME_SIZE), size)


def _measure_strokes(words: Sequence[ReadWord], picture: Image, paper: Any) -> list[float | None]:
    """How wide the strokes of each word's letters are, in pixels; None for signs."""
    import numpy as np

    pixels = np.asarray(picture)
    widths: list[float | None] = []
    for word in words:
        x0, y0, x1, y1 = map(round, word.box)
        if sum(map(str.isalnum, word.text)) < 1 or x1 - x0 < 3 or y1 - y0 < 5:
            widths.append(None)
            continue
        crop = pixels[y0:y1, x0:x1].astype(np.float32)
        ground = float(np.median(paper[y0 // REDUCED : -(-y1 // REDUCED), x0 // REDUCED : -(-x1 // REDUCED)]))
        ink = float(np.percentile(crop, 3))
        if ground - ink < 30:
            widths.append(None)
            continue
        dark = np.clip((ground - crop) / (ground - ink), 0, 1)
        inked = dark > 0.5
        runs = (np.diff(np.pad(inked, ((0, 0), (1, 0))).astype(np.int8), axis=1) > 0).sum(axis=1)
        told = runs > 0
        each = np.where(dark > 0.1, dark, 0)[told].sum(axis=1) / runs[told]
        widths.append(float(np.percentile(each, 35)) if len(each) else None)
    return widths


BOLD, MAYBE_BOLD = 0.135, 0.108  # of the size
_HEAVIER = 1.28  # than most letters of the page


def _find_bold(
    shares: Sequence[float | None], found: Sequence[tuple[ReadWord, float, float, float | None]]
) -> list[bool]:
    """Which words are bold, from how wide their strokes are as shares of the size."""
    told = [share for share, (word, *_) in zip(shares, found, strict=True) if share is not None for _ in word.text]
    usual = median(told) if told else 0.0
    bold: list[bool] = []
    for share in shares:
        if share is None:
            bold.append(bool(bold) and bold[-1])
        else:
            bold.append(share >= BOLD or (share >= MAYBE_BOLD and share >= _HEAVIER * usual))
    return bold
