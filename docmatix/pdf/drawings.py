"""Lists what is drawn on a page besides text and pictures, once for all that look at it: `visibility` and `tables`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from docmatix.core.documents import Box
from docmatix.pdf.characters import clean_text

MAX_CONTENT_BYTES = 2**20  # listing the shapes of a longer content stream takes longer than reading the page


def list_shapes(page: Any) -> list[dict[str, Any]]:
    """The shapes of an open `pymupdf.Page` as its `get_cdrawings` returns them, on the unrotated page; none if the page
    is broken or its content too long."""
    try:
        if len(page.read_contents()) > MAX_CONTENT_BYTES:
            return []
        shapes: list[dict[str, Any]] = page.get_cdrawings()
    except Exception:  # a broken page is reported where its words are read
        return []
    return shapes


def list_content_shapes(page: Any, shapes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The shapes of a page that are not its annotations': boxes, stamps and fields that readers drew or filled in."""
    # MuPDF draws them after the content, each within its box
    boxes = (
        [tuple(note.rect) for notes in (page.annots(), page.widgets()) for note in notes] if _has_notes(page) else []
    )
    end = len(shapes)
    while boxes and end and any(_contains(box, shapes[end - 1]["rect"]) for box in boxes):
        end -= 1
    return list(shapes[:end])


def _has_notes(page: Any) -> bool:
    return page.first_annot is not None or page.first_widget is not None


class Rule(NamedTuple):
    """A straight line across (`y0 == y1`) or down (`x0 == x1`) the displayed page, in points from its top left."""

    x0: float
    y0: float
    x1: float
    y1: float


class FilledBox(NamedTuple):
    """A rectangle on the displayed page, in points from its top left, that is stroked or filled. `fill` is its colour
    (one, three or four parts of 0..1), None if it is not filled."""

    x0: float
    y0: float
    x1: float
    y1: float
    stroked: bool
    fill: tuple[float, ...] | None


class Widget(NamedTuple):
    """A field of a form on the displayed page, in points from its top left. `kind`: text, checkbox, radio, choice,
    signature or button."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind: str
    name: str
    value: str
    checked: bool


class Mark(NamedTuple):
    """A small figure on the displayed page, in points from its top left, of curves alone (a ring or a dot) or with
    slanted lines (a tick, half a cross). `fill` is as in `FilledBox`."""

    x0: float
    y0: float
    x1: float
    y1: float
    is_round: bool
    fill: tuple[float, ...] | None


class Outline(NamedTuple):
    """The box, in points of the displayed page from its top left, of connected lines and curves that are larger than a
    mark: the line of a chart, a slice of a pie, a coast. `lines` and `curves` count its parts; upright ones too."""

    x0: float
    y0: float
    x1: float
    y1: float
    lines: int
    curves: int
    fill: tuple[float, ...] | None


class Drawing(NamedTuple):
    """What a page shows besides its text: lines, boxes, the fields of a form, small figures and larger ones."""

    rules: tuple[Rule, ...] = ()
    boxes: tuple[FilledBox, ...] = ()
    widgets: tuple[Widget, ...] = ()
    marks: tuple[Mark, ...] = ()
    outlines: tuple[Outline, ...] = ()
    pictures: tuple[Box, ...] = ()
    """In fractions of the page."""
    shapes: int = 0
    """How many there are, listed above or not."""


MAX_STROKES = 5000  # of a page; more are a chart or a map
THICKNESS_PT = 3.0  # up to which a rectangle is a line
MIN_LENGTH_PT = 1.0  # dashed lines are made of such pieces
MAX_SLANT = 0.02

Corners = Sequence[float]  # x0, y0, x1, y1 of opposite ends


def list_rules(shapes: Iterable[dict[str, Any]], matrix: Sequence[float]) -> list[Rule]:
    """The straight lines among shapes and the sides of their rectangles that are stroked, whatever their colour; for
    the others there is `list_boxes`. `matrix` turns the unrotated page into the displayed one."""
    strokes = list(_leave_out_areas(_leave_out_invisible(shapes)))
    if len(strokes) > MAX_STROKES:
        return []
    rules: dict[Rule, None] = {}  # each once, in order: neighbouring cells share a side
    for (left, top, right, bottom), is_box in _join_dots(_set_upright(strokes, matrix)):
        width, height = right - left, bottom - top
        if is_box and width > THICKNESS_PT and height > THICKNESS_PT:
            rules[Rule(left, top, right, top)] = rules[Rule(left, bottom, right, bottom)] = None
            rules[Rule(left, top, left, bottom)] = rules[Rule(right, top, right, bottom)] = None
            continue
        slant = 0.5 if is_box else MAX_SLANT
        if width >= MIN_LENGTH_PT and height <= slant * width:
            middle = (top + bottom) / 2
            rules[Rule(left, middle, right, middle)] = None
        elif height >= MIN_LENGTH_PT and width <= slant * height:
            middle = (left + right) / 2
            rules[Rule(middle, top, middle, bottom)] = None
    return list(rules)


def _leave_out_areas(shapes: Iterable[dict[str, Any]]) -> Iterator[tuple[Corners, bool]]:
    """Strokes without rectangles that are filled alone and larger than a line is thick."""
    for shape in shapes:
        for corners, is_box in _list_strokes([shape]):
            x0, y0, x1, y1 = corners
            is_thin = abs(x1 - x0) <= THICKNESS_PT or abs(y1 - y0) <= THICKNESS_PT
            if not is_box or is_thin or "s" in shape["type"]:
                yield corners, is_box


def list_boxes(shapes: Iterable[dict[str, Any]], matrix: Sequence[float]) -> list[FilledBox]:
    """The rectangles among shapes that are larger than a line is thick; none if there are too many."""
    found: list[FilledBox] = []
    for shape in _leave_out_invisible(shapes):
        if all(item[0] == "l" for item in shape["items"]):
            continue  # as most
        stroked, fill = "s" in shape["type"], shape.get("fill") if "f" in shape["type"] else None
        for corners, is_box in _set_upright(_list_strokes([shape]), matrix):
            x0, y0, x1, y1 = corners
            if is_box and x1 - x0 > THICKNESS_PT and y1 - y0 > THICKNESS_PT:
                found.append(FilledBox(x0, y0, x1, y1, stroked, None if fill is None else tuple(fill)))
                if len(found) > MAX_STROKES:
                    return []
    return found


MAX_MARKS = 400  # of a page; more are letters drawn as outlines, or a map
MARK_PT = 24.0  # the largest side of one
MAX_OUTLINES = 2000  # of a page that are listed


class Figures(NamedTuple):
    """The figures of a page that are neither upright lines nor rectangles."""

    marks: list[Mark]
    """None if there are too many."""
    outlines: list[Outline]


def list_figures(shapes: Iterable[dict[str, Any]], matrix: Sequence[float]) -> Figures:
    """The figures among shapes, small and larger, of each as many as may be."""
    marks: list[Mark] = []
    outlines: list[Outline] = []
    for shape in shapes:
        if len(shape["items"]) == 1 and shape["items"][0][0] == "re":
            continue  # as most
        colour = shape.get("fill") if "f" in shape["type"] else None
        fill = None if colour is None else tuple(colour)
        for points, lines, curves in _list_figures(shape["items"]):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            corners = (min(xs), min(ys), max(xs), max(ys))
            for (x0, y0, x1, y1), _ in _set_upright([(corners, False)], matrix):
                if max(x1 - x0, y1 - y0) > MARK_PT and len(outlines) < MAX_OUTLINES:
                    outlines.append(Outline(x0, y0, x1, y1, lines, curves, fill))
                elif 2 < max(x1 - x0, y1 - y0) <= MARK_PT and min(x1 - x0, y1 - y0) > 1:
                    marks.append(Mark(x0, y0, x1, y1, not lines, fill))
        if len(marks) > MAX_MARKS:
            return Figures([], outlines)
    return Figures(marks, outlines)


def _list_figures(items: Iterable[Any]) -> Iterator[tuple[list[tuple[float, float]], int, int]]:
    """The points of each run of lines and curves that go on from one another, and how many it has of either; without
    runs of upright lines alone."""
    points: list[tuple[float, float]] = []
    curves = lines = 0
    slanted = False
    for kind, *ends in items:
        if kind not in ("l", "c"):
            continue
        if points and math.dist(points[-1], ends[0]) > 0.1:
            if curves or slanted:
                yield points, lines, curves
            points, curves, lines, slanted = [], 0, 0, False
        points += ends if not points else ends[1:]
        if kind == "c":
            curves += 1
        else:
            lines += 1
            (ax, ay), (bx, by) = ends
            slanted = slanted or min(abs(ax - bx), abs(ay - by)) > 1
    if points and (curves or slanted):
        yield points, lines, curves


MAX_WIDGETS = 2000  # of a page
_WIDGETS = {1: "button", 2: "checkbox", 3: "choice", 4: "choice", 5: "radio", 6: "signature", 7: "text"}


def list_widgets(page: Any) -> list[Widget]:
    """The fields of a form on an open `pymupdf.Page`, top down as the file lists them."""
    if page.first_widget is None:
        return []
    found = []
    for widget in islice(page.widgets(), MAX_WIDGETS):
        kind, box = _WIDGETS.get(widget.field_type), widget.rect * page.rotation_matrix
        if kind is None or not all(map(math.isfinite, box)):
            continue
        x0, x1, y0, y1 = *sorted((box[0], box[2])), *sorted((box[1], box[3]))
        value, checked = widget.field_value, False
        if kind in ("checkbox", "radio"):
            # the state that is drawn, whatever the field's value says
            state, value = page.parent.xref_get_key(widget.xref, "AS"), ""
            checked = state[0] == "name" and state[1] != "/Off"
        text = value if isinstance(value, str) else ", ".join(map(str, value or ()))
        name, text = (" ".join(map(clean_text, said.split())) for said in (widget.field_name or "", text))
        found.append(Widget(x0, y0, x1, y1, kind, name, text, checked))
    return found


def _leave_out_invisible(shapes: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The shapes except those that an area of their colour contains, give or take a point: Word shades a cell, and each
    paragraph in it again. White ones stay: white cells on a white page are a table's all the same."""
    area: Corners = (0.0, 0.0, 0.0, 0.0)
    color = None
    for shape in shapes:
        if shape["type"] == "f":
            rect, fill = shape["rect"], shape.get("fill")
            if fill == color and _contains(area, rect) and min(fill or (1.0,)) < 1:
                continue
            if len(shape["items"]) == 1 and shape["items"][0][0] == "re":
                area, color = rect, fill
        yield shape


def _contains(outer: Corners, inner: Corners) -> bool:
    x0, y0, x1, y1 = inner
    return outer[0] - 1 <= x0 and outer[1] - 1 <= y0 and x1 <= outer[2] + 1 and y1 <= outer[3] + 1


def _list_strokes(shapes: Iterable[dict[str, Any]]) -> Iterator[tuple[Corners, bool]]:
    """The ends of lines (False) and the corners of rectangles (True). Curves have none."""
    for shape in shapes:
        for kind, *points in shape["items"]:
            if kind == "l":
                yield (*points[0], *points[1]), False
            elif kind == "re":
                yield points[0], True
            elif kind == "qu":
                upper_left, upper_right, lower_left, lower_right = points[0]
                yield (*upper_left, *upper_right), False
                yield (*upper_right, *lower_right), False
                yield (*lower_right, *lower_left), False
                yield (*lower_left, *upper_left), False


def _set_upright(strokes: Iterable[tuple[Corners, bool]], matrix: Sequence[float]) -> Iterator[tuple[Corners, bool]]:
    """Strokes on the displayed page, from the top left to the bottom right; without those that are nowhere."""
    a, b, c, d, e, f = matrix
    is_turned = (a, b, c, d, e, f) != (1, 0, 0, 1, 0, 0)
    for corners, is_box in strokes:
        x0, y0, x1, y1 = corners
        if is_turned:
            x0, y0, x1, y1 = a * x0 + c * y0 + e, b * x0 + d * y0 + f, a * x1 + c * y1 + e, b * x1 + d * y1 + f
        if x0 > x1:
            x0, x1 = x1, x0
        if y0 > y1:
            y0, y1 = y1, y0
        if math.isfinite(x1 - x0 + y1 - y0):
            yield (x0, y0, x1, y1), is_box


def _join_dots(strokes: Iterable[tuple[Corners, bool]]) -> Iterator[tuple[Corners, bool]]:
    """Strokes with the small boxes of a dotted line, one after the other, made one long box."""
    run: Corners | None = None
    for corners, is_box in strokes:
        x0, y0, x1, y1 = corners
        if not is_box or x1 - x0 > THICKNESS_PT or y1 - y0 > THICKNESS_PT:
            yield corners, is_box
            continue
        if run is not None:
            left, top, right, bottom = run
            if abs(top - y0) + abs(bottom - y1) < 0.2 and left <= x0 <= right + THICKNESS_PT:
                run = (left, top, x1, bottom)
                continue
            if abs(left - x0) + abs(right - x1) < 0.2 and top - THICKNESS_PT <= y1 and y0 <= bottom + THICKNESS_PT:
                run = (left, min(top, y0), right, max(bottom, y1))
                continue
            yield run, True
        run = corners
    if run is not None:
        yield run, True
