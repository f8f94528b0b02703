"""Tells the words of a page that nobody can see: questions are asked about pictures of pages.

White text on white paper, invisible or transparent text, text under a black bar that was meant to blot it out, letters
half a point high: PDFs hold all of it, as traps for programs, as search words, by mistake. Such words are looked for in
a drawing of the page: one in whose place the drawing is of one colour is hidden. A drawing takes 17 ms, so it is made
only where something speaks for it: the way the words are painted, or a filled shape or picture in their place.

The words of a scan are invisible text too, set over the picture (or painted before it) by the program that recognised
them. What they say is in the picture: words within a picture that covers the page are believed. So are those under a
smaller picture that is not of one colour there, since the two cases cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docmatix.core.documents import Box

MIN_CONTRAST = 24
"""Difference (0..255) within a word's place, in its strongest channel, from which something is seen there: the palest
grey on white that offices print has about 40, noise of a JPEG below 10."""

LIGHT = 160
"""Text whose darkest channel (0..255) is lighter than this is looked for: on white it has a contrast below 96."""

MIN_ALPHA = 64
"""Text less opaque than this (0..255) is looked for."""

MIN_SIZE_PT = 2.0
MIN_SIZE_SHARE = 1 / 800
"""Letters of less than 2 pt, or than this share of the page's longer side, are hidden: at 150 dpi and 2,940 px, the
default of `pack`, they are four pixels high at most. Print goes down to 4 pt."""

MAX_EM = 2.0
"""Height of a font's lines (in its em) up to which its nominal size is that of its letters. In Type 3 fonts made of
pixels, as of dvips, an em is one pixel: letters of 10 pt, 50 em high, have a nominal size of 0.2 pt."""

SCAN_SHARE = 0.5
"""Share of the page under pictures from which it counts as a scan."""

MAX_PAGES = 1000
MAX_DRAWINGS = 250
"""Pages of one document that are looked at (10 ms each), and drawn; the words of further ones are believed. Together
that is 15 s of a document's CPU time, where 60 s are the default."""

MAX_PATHS = 200_000
"""Shapes of one document that are listed (12 us each, 3 s), whichever stream they come from: once there were as many,
the words of further pages are believed to be under none."""

MAX_COMPARISONS = 10_000_000
"""Places times words on a page that are compared one by one (0.1 s); more are sorted first."""

MAX_CONTENT_BYTES = 2**20
"""Of a page with a longer content stream the shapes are not listed: it would take longer than reading it. What the
stream calls (forms) is not measured before, only counted (`MAX_PATHS`)."""

LOOK_DPI = 100
LOOK_PX = 1600

_PAINTED = 16 | 32
"""MuPDF's character flags for filled and stroked."""

ToFractions = Callable[[Sequence[float]], Box | None]


@dataclass(slots=True)
class Looks:
    """How many more pages of a document may be looked at, and drawn, and how many more shapes listed."""

    pages: int = MAX_PAGES
    drawings: int = MAX_DRAWINGS
    paths: int = MAX_PATHS


def find_hidden(
    page: Any, textpage: Any, words: Sequence[Box], *, pictures: Sequence[Box], to_fractions: ToFractions, looks: Looks
) -> set[int] | None:
    """Which of the words at these places (fractions of the displayed page) cannot be seen, by their index; None if the
    page would have to be drawn for that and cannot be.

    `page` is an open `pymupdf.Page`, `textpage` its text, `pictures` the places of its pictures.
    """
    if not words or not looks.pages:
        return set()
    looks.pages -= 1
    tiny, odd = _list_spans(page, textpage, has_pictures=bool(pictures), to_fractions=to_fractions)
    hidden = set(find_inside(words, tiny))
    suspects = set(find_inside(words, odd)) - set(find_inside(words, pictures))
    suspects |= set(find_inside(words, _list_shapes(page, to_fractions, looks)))
    if pictures and _measure_area(pictures) < SCAN_SHARE:
        suspects |= set(find_inside(words, pictures))
    suspects -= hidden
    if not suspects or not looks.drawings:
        return hidden
    looks.drawings -= 1
    try:
        drawing = draw_page(page, dpi=LOOK_DPI, max_side_px=LOOK_PX)
    except Exception:  # a MemoryError too: a picture of gigabytes on one page of five hundred
        return None
    return hidden | {index for index in suspects if not _shows_ink(drawing, words[index])}


def _list_spans(
    page: Any, textpage: Any, *, has_pictures: bool, to_fractions: ToFractions
) -> tuple[list[Box], list[Box]]:
    """The places of letters that are too small, and of those painted in a way that may not show."""
    import pymupdf

    if has_pictures:
        # the dictionary of a text page holds its pictures' bytes too
        textpage = page.get_textpage(flags=pymupdf.TEXT_CLIP)
    least = max(MIN_SIZE_PT, MIN_SIZE_SHARE * max(page.rect.width, page.rect.height))
    tiny: list[Box] = []
    odd: list[Box] = []
    for block in textpage.extractDICT()["blocks"]:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                is_small = _measure_letters(span) < least
                if not is_small and span["alpha"] >= MIN_ALPHA and span["char_flags"] & _PAINTED:
                    color = span["color"]
                    if min(color >> 16 & 255, color >> 8 & 255, color & 255) < LIGHT:
                        continue
                box = to_fractions(span["bbox"])
                if box is not None:
                    (tiny if is_small and _is_narrow(span["bbox"], least) else odd).append(box)
    return tiny, odd


def _measure_letters(span: dict[str, Any]) -> float:
    height: float = span["ascender"] - span["descender"]
    return float(span["size"]) * (height if height > MAX_EM else 1.0)


def _is_narrow(bbox: Sequence[float], least: float) -> bool:
    """Whether little else has room in the place of letters smaller than `least`: that of a slanting line may be the
    whole page."""
    return min(bbox[2] - bbox[0], bbox[3] - bbox[1]) < MAX_EM * least


def _list_shapes(page: Any, to_fractions: ToFractions, looks: Looks) -> list[Box]:
    """The places of filled shapes that are painted after something else than shapes, so maybe after words."""
    if looks.paths <= 0:
        return []
    try:
        if len(page.read_contents()) > MAX_CONTENT_BYTES:
            return []
        paths = page.get_cdrawings()
    except Exception:  # what is wrong with the page shows where its words are read
        return []
    looks.paths -= len(paths)
    boxes = []
    for index, path in enumerate(paths):
        if "f" in path["type"] and path["seqno"] != index and path.get("fill_opacity", 1) > 0:
            box = to_fractions(path["rect"])
            if box is not None:
                boxes.append(box)
    return boxes


def _measure_area(boxes: Iterable[Box]) -> float:
    return sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in boxes)


def find_inside(words: Sequence[Box], areas: Sequence[Box]) -> Iterable[int]:
    """The indices of the words whose middle is in one of the areas, in their order."""
    import numpy as np

    if not areas:
        return ()
    x0, y0, x1, y1 = np.array(words, dtype=np.float64).T
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if len(areas) * len(words) > MAX_COMPARISONS:
        return _sweep(x, y, areas)
    inside = np.zeros(len(words), dtype=bool)
    for left, top, right, bottom in areas:
        inside |= (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
    return [int(index) for index in np.flatnonzero(inside)]


def _sweep(x: Any, y: Any, areas: Sequence[Box]) -> list[int]:
    """`find_inside` for many of both: 10 s would be one by one what is 1 s here, for 100,000 of each.

    A line moves over the page from left to right. How many areas it crosses at each of the words' heights is kept as
    sums in a Fenwick tree, in which entering or leaving an area and asking about a word take log2(words) steps.
    """
    import numpy as np

    heights = np.unique(y)
    left, top, right, bottom = np.unique(np.array(areas, dtype=np.float64), axis=0).T
    lows, highs = np.searchsorted(heights, top, "left"), np.searchsorted(heights, bottom, "right")
    held = (lows < highs) & (left <= right)
    lows, highs = lows[held].tolist(), highs[held].tolist()
    count = len(lows)
    # where areas begin and words and ends of areas are at the same place, in this order: edges belong to areas
    when = np.concatenate([left[held], x, right[held]])
    kinds = np.repeat([0, 1, 2], [count, len(x), count])
    ranks = np.searchsorted(heights, y).tolist()
    size = len(heights) + 1
    tree = [0] * (size + 1)

    def add(at: int, change: int) -> None:
        at += 1
        while at <= size:
            tree[at] += change
            at += at & -at

    inside = []
    for event in np.lexsort((kinds, when)).tolist():
        if count <= event < count + len(x):
            word = event - count
            at, crossed = ranks[word] + 1, 0
            while at:
                crossed += tree[at]
                at -= at & -at
            if crossed:
                inside.append(word)
            continue
        change, area = (1, event) if event < count else (-1, event - count - len(x))
        add(lows[area], change)
        add(highs[area], -change)
    return sorted(inside)


def draw_page(page: Any, *, dpi: int, max_side_px: int) -> Any:
    """The displayed page in colour: an array of height x width x 3. Raises what MuPDF raises."""
    import numpy as np
    import pymupdf

    scale = min(dpi / 72, max_side_px / max(page.rect.width, page.rect.height))
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    # a copy, since the memory goes with the pixmap
    return np.frombuffer(pixmap.samples_mv, dtype=np.uint8).reshape(pixmap.height, pixmap.width, 3).copy()


def _shows_ink(drawing: Any, box: Box) -> bool:
    """Whether more than one colour is in the middle of a word's place, without the lines above and below it."""
    height, width, _ = drawing.shape
    margin = (box.y1 - box.y0) / 6
    left, right = int(box.x0 * width), int(box.x1 * width) + 1
    top, bottom = int((box.y0 + margin) * height), int((box.y1 - margin) * height) + 1
    spot = drawing[top:bottom, left:right].reshape(-1, 3)
    return bool(len(spot)) and int((spot.max(axis=0) - spot.min(axis=0)).max()) >= MIN_CONTRAST
