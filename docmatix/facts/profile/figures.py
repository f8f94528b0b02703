"""Figures with captions, and maps and plans, by where pictures and drawings stand and how many lines they have."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Box, Fact
from docmatix.facts.profile.charts import Axis
from docmatix.facts.profile.view import View, measure_cover

MIN_PICTURE = 0.004  # of the page; smaller ones are logos and signs
LARGE_PICTURE = 0.05  # of the page, from which a picture without words on it needs no caption: 5 by 6 cm of A4
SCAN = 0.5  # of the page, from which a picture that OCR has read is the page itself
REACH = 0.1  # of its height, between a caption and its figure, in which labels of the figure may stand
MANY_PARTS = 1500  # of outlines; a drawing of more is a map, a plan or an illustration


def score_figure(view: View, drawn: Sequence[Sequence[float]]) -> float:
    """How likely a page has a figure: with a caption, or a large picture that no text stands on. Other large drawings
    are not quite half as good, as they may be anything."""
    wide, high = view.width, view.height
    pictures = [
        (box.x0 * wide, box.y0 * high, box.x1 * wide, box.y1 * high)
        for box in view.drawing.pictures
        if (box.x1 - box.x0) * (box.y1 - box.y0) > MIN_PICTURE
    ]
    shown = [*pictures, *drawn]
    if not shown:
        return 0.0
    captions = [fact for fact in view.facts if fact.kind == "caption"]
    best = max((fact.confidence for fact in captions if _stands_at(fact, shown, view)), default=0.0)
    if best:
        return round(0.95 * best, 4)
    if any(_shows_something(box, view) for box in view.drawing.pictures):
        return 0.6
    return 0.4 if measure_cover(shown, width=wide, height=high) > 0.03 else 0.0


def _shows_something(picture: Box, view: View) -> bool:
    """Whether a picture is a large one, and neither a background nor a scan, with its text layer or without."""
    share = (picture.x1 - picture.x0) * (picture.y1 - picture.y0)
    if share < LARGE_PICTURE or (view.page.text_from == "ocr" and share >= SCAN):
        return False
    on_it = sum(
        word.confidence is None  # others were read in it
        and picture.x0 <= (word.box.x0 + word.box.x1) / 2 <= picture.x1
        and picture.y0 <= (word.box.y0 + word.box.y1) / 2 <= picture.y1
        for word in view.page.words
    )
    return on_it <= max(3, 0.1 * len(view.page.words))


def list_drawn(view: View, axes: Sequence[Axis]) -> list[Sequence[float]]:
    """The places of what is drawn beside tables, in points: boxes that are no lines of text, outlines, and axes with
    the lines beside them."""
    wide, high = view.width, view.height
    boxes = [box[:4] for box in view.boxes if box.x1 - box.x0 < 0.6 * wide or box.y1 - box.y0 > 0.05 * high]
    lines = [rule for rule in view.rules if any(_meets(rule, axis) for axis in axes)]
    return [*boxes, *(outline[:4] for outline in view.outlines), *(axis[:4] for axis in axes), *lines]


def _meets(rule: Sequence[float], axis: Sequence[float]) -> bool:
    """Whether a rule begins right beside the numbers of an axis."""
    return 0 <= rule[0] - axis[2] < 24 and axis[1] - 6 < rule[3] < axis[3] + 12


def _stands_at(caption: Fact, shown: Sequence[Sequence[float]], view: View) -> bool:
    """Whether something shown is right above or below a caption, and no table is nearer."""
    places = [*caption.label_boxes, *caption.boxes]
    top, low = min(box.y0 for box in places) * view.height, max(box.y1 for box in places) * view.height
    left, right = min(box.x0 for box in places) * view.width, max(box.x1 for box in places) * view.width
    reach = REACH * view.height

    def measure(area: Sequence[float]) -> float:
        if area[2] < left - 0.1 * view.width or area[0] > right + 0.1 * view.width:
            return view.height
        return min(abs(top - area[3]), abs(area[1] - low), 0.0 if area[1] < low and top < area[3] else view.height)

    nearest = min(map(measure, shown))
    table = min(map(measure, view.tables), default=view.height)
    return nearest < reach and nearest < table


def score_map(view: View) -> float:
    """How likely a page has a map, a plan or another drawing of very many lines, with labels all over it."""
    parts = sum(one.lines + one.curves for one in view.outlines)
    if parts < MANY_PARTS:
        return 0.0
    cover = measure_cover([one[:4] for one in view.outlines], width=view.width, height=view.height)
    return round(min(0.7, 0.2 + cover * min(1.0, parts / (4 * MANY_PARTS))), 4) if cover > 0.1 else 0.0
