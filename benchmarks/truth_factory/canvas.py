"""Pages that are drawn on: text, rules and form fields in, the bytes of a PDF and the boxes of its ink out.

Places are points from the top left of the page. What is drawn is written in the order of calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks.truth_factory.drawn import Drawn, DrawnCell, DrawnFact, Reading
from benchmarks.truth_factory.faces import Face
from benchmarks.truth_factory.style import BLACK, Color, Style
from benchmarks.truth_factory.widgets import WRITTEN, Widget, add_widgets
from docmatix.core.documents import Box

WIDGET_FACE = Face("helv")


class Area(NamedTuple):
    """A rectangle in points from the top left."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclasses.dataclass
class _Page:
    width: float
    height: float
    box: str = "plain"
    operators: list[str] = dataclasses.field(default_factory=list)
    widgets: list[Widget] = dataclasses.field(default_factory=list)


class Canvas:
    """The pages of one document. Facts are noted while it is drawn, on the page that is open."""

    def __init__(self, style: Style) -> None:
        self.width, self.height = style.width, style.height
        self.thin_boxes, self.word_by_word = style.thin_boxes, style.word_by_word
        self.box_of_pages = style.box
        self._pages: list[_Page] = []
        self._faces: dict[Face, str] = {}
        self._facts: list[DrawnFact] = []
        self._cells: list[DrawnCell] = []
        self._shown: set[tuple[int, str]] = set()
        self.page = 0

    @property
    def pages(self) -> int:
        return len(self._pages)

    def add_page(self) -> None:
        self._pages.append(_Page(self.width, self.height, self.box_of_pages))
        self.page = len(self._pages)

    def turn_to(self, page: int) -> None:
        self.page = page

    def write(
        self, x: float, baseline: float, text: str, face: Face, size: float, *, color: Color = BLACK, gap: float = 0.0
    ) -> Area:
        """A line of text; `gap` is put between its words (justified lines)."""
        face, text = _find_writable(face, text)
        apart = bool(gap) or self.word_by_word
        words = text.split(" ") if apart else [text]
        at = x
        open_page = self._pages[self.page - 1]
        name = self._faces.setdefault(face, f"F{len(self._faces) + 1}")
        parts = [f"BT {_numbers(color)} rg /{name} {size:.2f} Tf"]
        for word in words:
            if word:
                parts.append(f"1 0 0 1 {at:.3f} {self.height - baseline:.3f} Tm {_encode(face, word)} Tj")
            at += face.width(word, size) + (face.width(" ", size) + gap if apart else 0.0)
        end = at - (face.width(" ", size) + gap if apart else 0.0)
        open_page.operators.append(" ".join(parts) + " ET")
        return Area(x, baseline - face.font.ascender * size, end, baseline - face.font.descender * size)

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, *, width: float = 0.5, color: Color = BLACK, dash: str = ""
    ) -> None:
        if self.thin_boxes and not dash and (x0 == x1 or y0 == y1):
            half = width / 2
            left, top = (x0 - half, y0) if x0 == x1 else (x0, y0 - half)
            right, low = (x1 + half, y1) if x0 == x1 else (x1, y1 + half)
            self.box((left, top, right, low), fill=color)
            return
        self._draw(
            f"q {width:.2f} w {_numbers(color)} RG [{dash}] 0 d {x0:.2f} {self.height - y0:.2f} m "
            f"{x1:.2f} {self.height - y1:.2f} l S Q"
        )

    def box(
        self, area: Sequence[float], *, fill: Color | None = None, stroke: Color | None = None, width: float = 0.5
    ) -> None:
        x0, y0, x1, y1 = area
        colors = (f"{_numbers(fill)} rg " if fill else "") + (f"{_numbers(stroke)} RG {width:.2f} w " if stroke else "")
        paint = "B" if fill and stroke else "f" if fill else "S"
        self._draw(f"q {colors}{x0:.2f} {self.height - y1:.2f} {x1 - x0:.2f} {y1 - y0:.2f} re {paint} Q")

    def circle(self, x: float, y: float, radius: float, *, fill: bool = False, width: float = 0.6) -> None:
        k, y = 0.5523 * radius, self.height - y
        r = radius
        points = [(r, k, k, r, 0, r), (-k, r, -r, k, -r, 0), (-r, -k, -k, -r, 0, -r), (k, -r, r, -k, r, 0)]
        curves = " ".join(
            " ".join(f"{x + dx:.2f} {y + dy:.2f}" for dx, dy in zip(p[::2], p[1::2], strict=True)) + " c"
            for p in points
        )
        self._draw(f"q 0 g 0 G {width:.2f} w {x + r:.2f} {y:.2f} m {curves} {'b' if fill else 's'} Q")

    def lines(self, points: Sequence[tuple[float, float]], *, width: float = 0.8, color: Color = BLACK) -> None:
        """A line through points."""
        path = " ".join(f"{x:.2f} {self.height - y:.2f} {'l' if n else 'm'}" for n, (x, y) in enumerate(points))
        self._draw(f"q {width:.2f} w {_numbers(color)} RG {path} S Q")

    def add_widget(self, widget: Widget) -> None:
        """What is written in a text field is set in Helvetica, embedded."""
        if widget.kind in WRITTEN:
            font = self._faces.setdefault(WIDGET_FACE, f"F{len(self._faces) + 1}")
            widget = widget._replace(font=font, encoded=_encode(WIDGET_FACE, widget.value))
        self._pages[self.page - 1].widgets.append(widget)

    def note(
        self,
        kind: str,
        value: str,
        boxes: Iterable[Area],
        *,
        label: str = "",
        path: Sequence[str] = (),
        kinds: Sequence[str] = (),
        others: Sequence[tuple[str, Iterable[Area]]] = (),
        labels: Sequence[str] | None = (),
        optional: bool = False,
    ) -> None:
        """A fact on the open page."""
        readings = tuple(Reading(text, self._fractions(areas)) for text, areas in others)
        self._facts.append(
            DrawnFact(
                kind,
                label,
                value,
                tuple(path),
                self.page,
                self._fractions(boxes),
                tuple(kinds),
                readings,
                None if labels is None else tuple(labels),
                optional,
            )
        )

    def note_cell(self, text: str, area: Area, *, header: bool) -> None:
        self._cells.append(DrawnCell(self.page, text, self._fractions([area])[0], header))

    def show(self, name: str) -> None:
        """Says what the open page shows."""
        self._shown.add((self.page, name))

    def finish(self, sort: str, language: str, seed: int, complete_kinds: Iterable[str]) -> Drawn:
        pdf = _build(self._pages, self._faces)
        facts, cells = tuple(self._facts), tuple(self._cells)
        complete, shown = frozenset(complete_kinds), frozenset(self._shown)
        return Drawn(sort, language, seed, pdf, len(self._pages), facts, cells, complete, shown)

    def _draw(self, operators: str) -> None:
        self._pages[self.page - 1].operators.append(operators)

    def _fractions(self, areas: Iterable[Area]) -> tuple[Box, ...]:
        return tuple(
            Box(a.x0 / self.width, max(0.0, a.y0 / self.height), a.x1 / self.width, min(1.0, a.y1 / self.height))
            for a in areas
        )


def unite(areas: Iterable[Area]) -> Area:
    x0, y0, x1, y1 = zip(*areas, strict=True)
    return Area(min(x0), min(y0), max(x1), max(y1))


def _numbers(color: Color) -> str:
    return " ".join(f"{part:.3g}" for part in color)


def _find_writable(face: Face, text: str) -> tuple[Face, str]:
    """What is not in cp1252 is set in an embedded font alike; a narrow space that a font lacks, as a wide one."""
    if face.standard and not face.knows(text):
        face = face.embedded
    if not face.knows(text):
        text = text.replace("\u202f", "\u00a0")
    if not face.knows(text):
        raise ValueError(f"{face.name} cannot write {text!r}")
    return face, text


def _encode(face: Face, text: str) -> str:
    if face.standard:
        return "<" + text.encode("cp1252").hex() + ">"
    return "<" + "".join(f"{face.font.has_glyph(ord(letter)):04x}" for letter in text) + ">"


def _build(pages: Sequence[_Page], faces: dict[Face, str]) -> bytes:
    import pymupdf

    with pymupdf.open() as document:
        for page in pages:
            document.new_page(width=page.width, height=page.height)
        fonts = " ".join(f"/{name} {_add_font(document, face, name)} 0 R" for face, name in faces.items())
        resources = f"<</Font<<{fonts}>>>>"
        for number, page in enumerate(pages):
            xref, stream = document[number].xref, document.get_new_xref()
            operators = page.operators
            if page.box == "turned" and not page.widgets:
                operators = [f"0 1 -1 0 {page.height:.3f} 0 cm", *operators]
                document.xref_set_key(xref, "MediaBox", f"[0 0 {page.height:.3f} {page.width:.3f}]")
                document.xref_set_key(xref, "Rotate", "90")
            elif page.box == "cropped":
                document.xref_set_key(xref, "MediaBox", f"[-31 -24 {page.width + 18:.3f} {page.height + 40:.3f}]")
                document.xref_set_key(xref, "CropBox", f"[0 0 {page.width:.3f} {page.height:.3f}]")
            document.update_object(stream, "<<>>")
            document.update_stream(stream, "\n".join(operators).encode("ascii"))
            document.xref_set_key(xref, "Contents", f"{stream} 0 R")
            document.xref_set_key(xref, "Resources", resources)
            add_widgets(document, number, page.widgets, resources, page.height)
        document.subset_fonts()
        pdf: bytes = document.tobytes(garbage=3, deflate=True, no_new_id=True)
    return pdf


def _add_font(document: Any, face: Face, name: str) -> int:
    """The number of the font's object in the document."""
    if not face.standard:
        added: int = document[0].insert_font(fontname=name, fontbuffer=face.font.buffer)
        return added
    xref: int = document.get_new_xref()
    font = f"<</Type/Font/Subtype/Type1/BaseFont/{face.name}/Encoding/WinAnsiEncoding>>"
    document.update_object(xref, font)
    return xref
