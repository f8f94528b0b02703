"""Labels and their values as forms and letterheads print them: beside, above or inside a box, filled in or empty."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.truth_factory.canvas import WIDGET_FACE, Area, Canvas
from benchmarks.truth_factory.faces import SYMBOLS, Face
from benchmarks.truth_factory.flow import wrap
from benchmarks.truth_factory.style import BLACK, Color, Style
from benchmarks.truth_factory.widgets import Widget

GREY: Color = (0.4, 0.4, 0.4)

BESIDE = ("colon", "colon_tab", "gap", "right_labels", "leaders")
FORMS = ("rule", "above", "above_rule", "box", "box_beside", "underscores", "widget", "grid")


@dataclass(frozen=True)
class FieldLook:
    """How the fields of one block are set."""

    manner: str
    columns: int
    label_face: Face
    label_color: Color
    label_scale: float
    value_face: Face
    pitch: float
    colon: str


def draw_field_look(
    draw: random.Random, style: Style, manners: Sequence[str], *, columns: Sequence[int] = (1,), colon: str = ":"
) -> FieldLook:
    """`colon` is what this language puts after a label: French may put a space before it."""
    manner = draw.choice(list(manners))
    small = manner in ("above", "above_rule", "box") and draw.random() < 0.8
    bold = not small and draw.random() < 0.35
    return FieldLook(
        manner=manner,
        columns=1 if manner == "grid" else draw.choice(list(columns)),
        label_face=style.text.bold if bold else style.body,
        label_color=GREY if small and draw.random() < 0.5 else BLACK,
        label_scale=draw.uniform(0.65, 0.8) if small else 1.0,
        value_face=style.text.bold if not bold and draw.random() < 0.2 else style.body,
        pitch=draw.uniform(1.0, 1.5),
        colon=colon if manner.startswith("colon") or draw.random() < 0.4 else "",
    )


class FieldSetter:
    """Sets a block of fields below a place."""

    def __init__(
        self,
        canvas: Canvas,
        style: Style,
        draw: random.Random,
        look: FieldLook,
        *,
        path: Sequence[str] = (),
        prefix: str = "f",
    ) -> None:
        self.canvas, self.style, self.draw, self.look = canvas, style, draw, look
        self._path = tuple(path)
        self._prefix = prefix
        self._gap = draw.uniform(14, 30)
        self._leader = draw.choice([".", " .", "…"]) if style.body.knows("…") else "."
        self._widgets = 0

    @property
    def row_height(self) -> float:
        line = self.style.size * 1.25
        tall = {
            "above": 2.2,
            "above_rule": 2.5,
            "box": 2.3,
            "box_beside": 1.75,
            "widget": 1.8,
            "grid": 1.5,
            "rule": 1.5,
        }
        return line * tall.get(self.look.manner, 1.0) * self.look.pitch

    def height(self, count: int) -> float:
        return -(-count // self.look.columns) * self.row_height + self.style.size

    def set(self, fields: Sequence[tuple[str, str]], x: float, y: float, width: float) -> float:
        """Draws label-value pairs, row by row over the columns; returns the place below them."""
        face, size = self.look.label_face, self.style.size * self.look.label_scale
        labels = [face.width(self._shown(label), size) for label, _ in fields]
        gap = 0.0 if self.look.manner == "box" else self._gap
        columns = self._choose_columns(fields, width, gap)
        wide = (width - (columns - 1) * gap) / columns
        tab = min(max(labels, default=0.0) + self.draw.uniform(8, 36), wide * 0.62)
        if self.look.manner == "grid":
            tab = max(tab + 6, wide * 0.3)
        for number, (label, value) in enumerate(fields):
            left = x + (number % columns) * (wide + gap)
            top = y + (number // columns) * self.row_height
            self._set_one(label, value, Area(left, top, left + wide, top + self.row_height), tab)
        end = y + -(-len(fields) // columns) * self.row_height
        if columns == 1 and (len(fields) > 2 or self.look.manner == "grid"):
            # labels and values one below the other may be read as a table of two columns
            self.canvas.note("table", "", [Area(x, y, x + wide, end)], optional=True)
        return end + self.style.size * 0.5

    def _choose_columns(self, fields: Sequence[tuple[str, str]], width: float, gap: float) -> int:
        """As many as were drawn, or fewer where labels and values would not fit."""
        face, size = self.look.label_face, self.style.size * self.look.label_scale
        labels = max((face.width(self._shown(label), size) for label, _ in fields), default=0.0) + 14
        values = max((self.look.value_face.width(value, self.style.size) for _, value in fields), default=0.0) + 14
        stacked = self.look.manner in ("above", "above_rule", "box")
        least = max(labels, values) if stacked else labels + max(values, 70.0)
        return max(1, min(self.look.columns, int((width + gap) / (least + gap))))

    def _shown(self, label: str) -> str:
        return label if label.endswith(("?", ":")) else label + self.look.colon

    def _set_one(self, label: str, value: str, area: Area, tab: float) -> None:
        manner, size = self.look.manner, self.style.size
        if manner in ("above", "above_rule", "box"):
            self._set_above(label, value, area)
            return
        baseline = area.y0 + (area.y1 - area.y0) * 0.5 + size * 0.35
        shown = self._shown(label)
        lines = [shown]
        if self.look.label_face.width(shown, size) > tab - 4 and manner not in ("colon", "leaders"):
            lines = wrap(shown, self.look.label_face, size, tab - 4)
        left = area.x0 + (5 if manner == "grid" else 0)
        if len(lines) > 1 or manner == "right_labels":
            size = min(size, size * (tab - 10) / max(self.look.label_face.width(shown, size), 1.0))
        at = left
        if manner == "right_labels":
            at = area.x0 + tab - 10 - self.look.label_face.width(shown, size)
        box = self.canvas.write(at, baseline, shown, self.look.label_face, size, color=self.look.label_color)
        label_box = Area(box.x0, box.y0, box.x0 + self.look.label_face.width(label, size), box.y1)
        self._set_value(label, value, area, label_box, baseline, tab)

    def _set_value(self, label: str, value: str, area: Area, label_box: Area, baseline: float, tab: float) -> None:
        manner, size = self.look.manner, self.style.size
        face = self.look.value_face
        start = area.x0 + tab + (5 if manner == "grid" else 4 if manner in ("box_beside", "rule") else 0)
        value_lines = self._fit(value, face, size, area.x1 - start - 4)
        if manner == "colon":
            start = area.x0 + self.look.label_face.width(self._shown(label) + " ", size)
        elif manner == "leaders":
            start = area.x1 - face.width(value, size)
            self._set_leaders(label_box.x1 + self.look.label_face.width(self.look.colon, size), start, baseline)
        elif manner == "rule":
            self.canvas.rule(area.x0 + tab, baseline + 2.5, area.x1, baseline + 2.5, width=0.5)
        elif manner == "box_beside":
            self.canvas.box((area.x0 + tab, area.y0 + 2, area.x1, area.y1 - 2), stroke=BLACK, width=0.5)
        elif manner == "grid":
            self.canvas.box(area, stroke=BLACK, width=0.5)
            self.canvas.rule(area.x0 + tab, area.y0, area.x0 + tab, area.y1, width=0.5)
        elif manner == "widget":
            self._widgets += 1
            box = Area(area.x0 + tab, area.y0 + 2, area.x1, area.y1 - 2)
            kind = "choice" if self.draw.random() < 0.2 else "text"
            widget = Widget(box, kind, f"{self._prefix}{self._widgets}", " ".join(value.split()))
            self.canvas.add_widget(widget)
            if value:
                size = widget.text_size
                baseline = (box.y0 + box.y1 + size * 0.7) / 2
                written = Area(
                    box.x0 + 2,
                    baseline - WIDGET_FACE.font.ascender * size,
                    box.x0 + 2 + WIDGET_FACE.width(widget.value, size),
                    baseline - WIDGET_FACE.font.descender * size,
                )
                self._note(label, value, [written], label_box)
            else:
                self._note(label, "", [], label_box)
            return
        elif manner == "underscores" and not value:
            count = int((area.x1 - area.x0 - tab) / face.width("_", size))
            self.canvas.write(area.x0 + tab, baseline, "_" * max(4, count), face, size)
        if not value:
            self._note(label, "", [], label_box)
            return
        text, fitted = value_lines
        box = self.canvas.write(start, baseline, text, face, fitted)
        self._note(label, value, [box], label_box)

    def _fit(self, value: str, face: Face, size: float, width: float) -> tuple[str, float]:
        """A value in the size that it fits into its room with."""
        wide = face.width(value, size)
        return value, size if wide <= width or not value else max(size * width / wide, size * 0.6)

    def _set_leaders(self, start: float, end: float, baseline: float) -> None:
        face, size = self.style.body, self.style.size
        count = int((end - start - size * 0.7) / face.width(self._leader, size))
        if count > 2:
            text = (self._leader * count).strip()
            self.canvas.write(end - size * 0.3 - face.width(text, size), baseline, text, face, size)

    def _set_above(self, label: str, value: str, area: Area) -> None:
        size = self.style.size
        small = size * self.look.label_scale
        inset = 3.0 if self.look.manner == "box" else 0.0
        if self.look.manner == "box":
            self.canvas.box(area, stroke=BLACK, width=0.5)
        first = area.y0 + small * 1.1
        shown = self._shown(label)
        box = self.canvas.write(area.x0 + inset, first, shown, self.look.label_face, small, color=self.look.label_color)
        label_box = Area(box.x0, box.y0, box.x0 + self.look.label_face.width(label, small), box.y1)
        baseline = first + size * 1.3
        if self.look.manner == "above_rule":
            self.canvas.rule(area.x0, baseline + 3, area.x1, baseline + 3, width=0.5)
        if value:
            text, fitted = self._fit(value, self.look.value_face, size, area.x1 - area.x0 - 2 * inset - 4)
            written = self.canvas.write(area.x0 + inset, baseline, text, self.look.value_face, fitted)
            self._note(label, value, [written], label_box)
        elif self.look.manner != "above":
            self._note(label, "", [], label_box)

    def _note(self, label: str, value: str, boxes: list[Area], label_box: Area) -> None:
        if value:
            self.canvas.note("field", value, boxes, label=label, path=self._path, kinds=("cell", "date"))
        else:
            self.canvas.note("empty_field", "", [label_box], label=label, path=self._path)


class CheckSetter:
    """Sets groups of boxes to tick: drawn, as glyphs, in brackets, or as form fields."""

    def __init__(self, canvas: Canvas, style: Style, draw: random.Random, *, widgets: bool = False) -> None:
        self.canvas, self.style, self.draw = canvas, style, draw
        kinds = ["boxes", "circles", "ballots", "brackets", "letters"]
        self.kind = draw.choice(["widget_boxes", "widget_circles"] if widgets else kinds)
        self.mark = draw.choice(["cross", "tick", "fill"])
        self.after = draw.random() < 0.1
        self.bracket = draw.choice(["[{}]", "[{}]", "({})"])
        self.space = " " if draw.random() < 0.85 else ""
        self.groups = 0

    def set_group(
        self,
        question: str,
        options: Sequence[str],
        checked: Sequence[bool],
        x: float,
        y: float,
        width: float,
        path: Sequence[str],
    ) -> float:
        """The question, then its options beside or below it; returns the place below."""
        self.groups += 1
        style, size = self.style, self.style.size
        y += style.line
        widths = [size * 1.6 + style.body.width(option, size) + size * 1.8 for option in options]
        at = x
        if question:
            shown = question if question.endswith("?") else question + self.draw.choice([":", ""])
            area = self.canvas.write(x, y, shown, style.body, size)
            at = area.x1 + size * 1.5
        across = sum(widths) <= width - (at - x)
        if question and not across and sum(widths) <= width - size * 1.5:
            y, at, across = y + style.line * 1.1, x + size * 1.5, True
        for number, (option, ticked) in enumerate(zip(options, checked, strict=True)):
            if not across:
                y += style.line * 1.1 if question or number else 0.0
                at = x + (size * 1.5 if question else 0.0)
            area = self._set_option(number, option, ticked, at, y)
            state = "checked" if ticked else "unchecked"
            self.canvas.note("checkbox", option, [area], label=question, path=(state,))
            at += widths[number]
        return y + style.line * 0.6

    def _set_option(self, number: int, option: str, ticked: bool, x: float, y: float) -> Area:
        style, size = self.style, self.style.size
        if self.after:
            area = self.canvas.write(x, y, option, style.body, size)
            self._set_mark(number, ticked, area.x1 + size * 0.4, y)
            return area
        self._set_mark(number, ticked, x, y)
        return self.canvas.write(x + size * 1.6, y, option, style.body, size)

    def _set_mark(self, number: int, ticked: bool, x: float, y: float) -> None:
        canvas, size = self.canvas, self.style.size
        side = size * 0.85
        if self.kind == "ballots":
            glyph = (
                {"cross": "☒", "tick": "☑", "fill": "■"}[self.mark] if ticked else "☐" if self.mark != "fill" else "□"
            )
            canvas.write(x, y, glyph + self.space, SYMBOLS, size)
        elif self.kind == "brackets":
            letter = "X" if ticked else " "
            canvas.write(x, y, self.bracket.format(letter) + self.space, self.style.body, size)
        elif self.kind == "letters":
            glyph = {"cross": "✗", "tick": "✓", "fill": "●"}[self.mark] if ticked else "○"
            canvas.write(x, y, glyph + self.space, SYMBOLS, size)
        elif self.kind.startswith("widget"):
            kind = "checkbox" if self.kind == "widget_boxes" else "radio"
            name = f"check{self.groups}.{number}" if kind == "checkbox" else f"choice{self.groups}"
            canvas.add_widget(Widget((x, y - side, x + side, y), kind, name, checked=ticked))
        elif self.kind == "circles":
            canvas.circle(x + side / 2, y - side * 0.42, side / 2)
            if ticked:
                canvas.circle(x + side / 2, y - side * 0.42, side / 4, fill=True)
        else:
            canvas.box((x, y - side, x + side, y), stroke=BLACK, width=0.6)
            if ticked:
                self._draw_tick(x, y, side)

    def _draw_tick(self, x: float, y: float, side: float) -> None:
        if self.mark == "tick":
            points = [
                (x + side * 0.15, y - side * 0.5),
                (x + side * 0.4, y - side * 0.15),
                (x + side * 1.1, y - side * 1.1),
            ]
            self.canvas.lines(points, width=1.1)
        elif self.mark == "cross":
            self.canvas.lines([(x + 1, y - 1), (x + side - 1, y - side + 1)], width=1.0)
            self.canvas.lines([(x + 1, y - side + 1), (x + side - 1, y - 1)], width=1.0)
        else:
            self.canvas.box((x + 1.5, y - side + 1.5, x + side - 1.5, y - 1.5), fill=BLACK)
