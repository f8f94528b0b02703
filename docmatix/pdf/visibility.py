"""Finds the words of a page that cannot be seen: those where a drawing of the page has a single colour, or too small.

A page is drawn only if the way its words are painted, or a shape or picture in their place, makes that likely. The text
layer of a scan is believed (`docs/design/pdf.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docmatix.core.documents import Box
from docmatix.pdf.drawings import list_shapes
from docmatix.pdf.fractions import Fractions

# Contrast (0..255) in a word's place, in its strongest channel, from which something is visible: the palest grey on
# white that offices print has about 40, JPEG noise below 10.
MIN_CONTRAST = 24
LIGHT = 160  # text whose darkest channel (0..255) is lighter is suspect: on white its contrast is below 96
MIN_ALPHA = 64  # text less opaque (0..255) is suspect

# Smaller letters (in points, or as a share of the page's longer side) are hidden: at 150 dpi and 2,940 px, `pack`'s
# defaults, they are at most four pixels high. Print goes down to 4 pt.
MIN_SIZE_PT, MIN_SIZE_SHARE = 2.0, 1 / 800

# Height of a font's lines (in em) up to which its nominal size is that of its letters. In pixel fonts (Type 3, dvips),
# an em is one pixel: letters of 10 pt, 50 em high, have a nominal size of 0.2 pt.
MAX_EM = 2.0
SCAN_SHARE = 0.5  # of the page under pictures, from which it counts as a scan

# of one document; beyond these, words are believed
MAX_PAGES, MAX_DRAWINGS = 1000, 250  # inspected (10 ms each), drawn (17 ms each)
MAX_PATHS = 200_000  # shapes listed (12 us each), forms included
MAX_RULES = 200_000  # straight lines searched for tables (20 us each)
MAX_COMPARISONS = 10_000_000  # areas times words on a page compared one by one (0.1 s); more are sorted first

_COMPARED_AT_ONCE = 100_000  # of them: half a megabyte
LOOK_DPI, LOOK_PX = 100, 1600
_PAINTED = 16 | 32  # MuPDF's character flags for filled and stroked
_TEXT, _VECTOR = 0, 3  # MuPDF's kinds of blocks
_STROKED = "\n<vector stroked"  # how PyMuPDF describes a shape that is a line


@dataclass(slots=True)
class InspectionBudget:
    """How many more pages of a document may be inspected and drawn, how many more shapes listed, and how many more
    lines searched for tables."""

    pages: int = MAX_PAGES
    drawings: int = MAX_DRAWINGS
    paths: int = MAX_PATHS
    rules: int = MAX_RULES

    def list_shapes(self, page: Any) -> list[dict[str, Any]]:
        """`docmatix.pdf.drawings.list_shapes` of a page, or none if there have been too many."""
        if self.paths <= 0 or self.pages <= 0:
            return []
        shapes = list_shapes(page)
        self.paths -= len(shapes)
        return shapes


def find_hidden(
    page: Any,
    blocks: Sequence[dict[str, Any]],
    words: Sequence[Box],
    *,
    pictures: Sequence[Box],
    shapes: Sequence[dict[str, Any]],
    to_fractions: Fractions,
    budget: InspectionBudget,
) -> set[int] | None:
    """The indices of the words (boxes in fractions of the displayed page) that cannot be seen; None if the page must be
    drawn for that and cannot be. `page` is an open `pymupdf.Page` with `shapes`, `blocks` its text in MuPDF's
    dictionary, `pictures` the boxes of its pictures."""
    if not words or not budget.pages:
        return set()
    budget.pages -= 1
    tiny, odd = _list_spans(page, blocks, to_fractions=to_fractions)
    hidden = set(find_inside(words, tiny))
    suspects = set(find_inside(words, odd)) - set(find_inside(words, pictures))
    suspects |= _find_covered(page, words, find_inside(words, _list_late_shapes(shapes, to_fractions)), to_fractions)
    if pictures and _measure_area(pictures) < SCAN_SHARE:
        suspects |= set(find_inside(words, pictures))
    suspects -= hidden
    if not suspects or not budget.drawings:
        return hidden
    budget.drawings -= 1
    try:
        drawing = draw_page(page, dpi=LOOK_DPI, max_side_px=LOOK_PX)
    except Exception:  # a MemoryError too: a picture of gigabytes on one page of five hundred
        return None
    return hidden | {index for index in suspects if not _shows_ink(drawing, words[index])}


def _list_spans(page: Any, blocks: Iterable[dict[str, Any]], *, to_fractions: Fractions) -> tuple[list[Box], list[Box]]:
    """The boxes of letters that are too small, and of those painted in a way that may not show."""
    rect = page.rect
    least = max(MIN_SIZE_PT, MIN_SIZE_SHARE * max(rect.width, rect.height))
    tiny: list[Box] = []
    odd: list[Box] = []
    for block in blocks:
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
    """Whether little else fits into the box of letters smaller than `least`; a slanting line's may be a whole page."""
    return min(bbox[2] - bbox[0], bbox[3] - bbox[1]) < MAX_EM * least


def _list_late_shapes(shapes: Sequence[dict[str, Any]], to_fractions: Fractions) -> list[Box]:
    """The boxes of filled shapes painted after something other than shapes, so possibly after words."""
    late = [
        shape["rect"]
        for index, shape in enumerate(shapes)
        if "f" in shape["type"] and shape["seqno"] != index and shape.get("fill_opacity", 1) > 0
    ]
    return [box for box in to_fractions.convert(late) if box is not None]


def _find_covered(page: Any, words: Sequence[Box], suspects: Sequence[int], to_fractions: Fractions) -> set[int]:
    """Those of the suspects that a filled shape is painted over, not under like the shading of a table's rows. Most
    pages with late shapes need no drawing then: 2 ms rather than 10."""
    import numpy as np
    import pymupdf

    if not suspects:
        return set()
    textpage = page.get_textpage(flags=pymupdf.TEXT_CLIP | pymupdf.TEXT_COLLECT_VECTORS)
    # shapes are blocks among those of text, in the order in which they are painted; words count those of text alone
    blocks = textpage.extractBLOCKS()
    order = [number for *_, number, kind in blocks if kind == _TEXT]
    drawn = textpage.extractWORDS()
    places = to_fractions.convert([word[:4] for word in drawn])
    painted = [(*box, order[word[5]]) for word, box in zip(drawn, places, strict=True) if box is not None]
    if len(painted) * len(suspects) > MAX_COMPARISONS or not painted:
        return set(suspects)
    left, top, right, bottom, when = np.array(painted).T
    x, y = (left + right) / 2, (top + bottom) / 2
    later = [
        (corners, number)
        for *corners, text, number, kind in blocks
        if kind == _VECTOR and not text.startswith(_STROKED) and number > when[0]
    ]
    over = to_fractions.convert([corners for corners, _ in later])
    covering = [(*box, number) for box, (_, number) in zip(over, later, strict=True) if box is not None]
    covered = _find_held(x, y, when, covering)
    x0, y0, x1, y1 = np.array([words[index] for index in suspects]).T[:, :, None]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    same = (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
    kept = (same & covered).any(axis=1) | ~same.any(axis=1)
    return {index for index, is_kept in zip(suspects, kept.tolist(), strict=True) if is_kept}


def _measure_area(boxes: Iterable[Box]) -> float:
    return sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in boxes)


def find_inside(words: Sequence[Box], areas: Sequence[Box]) -> Sequence[int]:
    """The indices of the words whose middle is in one of the areas, in order."""
    import numpy as np

    if not areas:
        return ()
    x0, y0, x1, y1 = np.array(words, dtype=np.float64).T
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if len(areas) * len(words) > MAX_COMPARISONS:
        return _sweep(x, y, areas)
    inside = _find_held(x, y, np.zeros(1), [(*area, 1) for area in areas])
    return list(map(int, np.flatnonzero(inside)))


def _find_held(x: Any, y: Any, when: Any, areas: Sequence[tuple[float, ...]]) -> Any:
    """Which of the points, each with its time, are in one of the areas, whose time comes last, before that."""
    import numpy as np

    held = np.zeros(len(x), dtype=bool)
    sides = np.array(areas, dtype=np.float64).reshape(-1, 5)
    at_once = max(1, _COMPARED_AT_ONCE // max(1, len(x)))
    for start in range(0, len(sides), at_once):
        left, top, right, bottom, end = sides[start : start + at_once].T[:, :, None]
        held |= ((left <= x) & (x <= right) & (top <= y) & (y <= bottom) & (when < end)).any(axis=0)
    return held


def _sweep(x: Any, y: Any, areas: Sequence[Box]) -> list[int]:
    """`find_inside` for many of both by a line sweep over a Fenwick tree of the areas crossed at each word's height."""
    # 100,000 of each take 1 s, against 10 s one by one
    import numpy as np

    heights = np.unique(y)
    left, top, right, bottom = np.unique(np.array(areas, dtype=np.float64), axis=0).T
    lows, highs = np.searchsorted(heights, top, "left"), np.searchsorted(heights, bottom, "right")
    held = (lows < highs) & (left <= right)
    lows, highs = lows[held].tolist(), highs[held].tolist()
    count = len(lows)
    # at the same x, areas begin, then words, then areas end: edges belong to areas
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
    """The displayed page in colour, as an array of height x width x 3. Raises what MuPDF raises."""
    import numpy as np
    import pymupdf

    scale = min(dpi / 72, max_side_px / max(page.rect.width, page.rect.height))
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    # a copy, since the pixmap owns the memory
    return np.frombuffer(pixmap.samples_mv, dtype=np.uint8).reshape(pixmap.height, pixmap.width, 3).copy()


def _shows_ink(drawing: Any, box: Box) -> bool:
    """Whether the middle of a word's box, clear of neighbouring lines, has more than one colour."""
    height, width, _ = drawing.shape
    margin = (box.y1 - box.y0) / 6
    left, right = int(box.x0 * width), int(box.x1 * width) + 1
    top, bottom = int((box.y0 + margin) * height), int((box.y1 - margin) * height) + 1
    spot = drawing[top:bottom, left:right].reshape(-1, 3)
    return bool(len(spot)) and int((spot.max(axis=0) - spot.min(axis=0)).max()) >= MIN_CONTRAST
