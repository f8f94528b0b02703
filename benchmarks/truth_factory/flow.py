"""Text that flows down the pages of a document: headings, paragraphs, lists and footnotes, with the facts in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.faces import Face
from benchmarks.truth_factory.style import BLACK, Color, Style


def wrap(text: str, face: Face, size: float, width: float) -> list[str]:
    """The lines of a text; a no-break space keeps what it joins together."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


class Flow:
    """A cursor down one column (or several), on page after page."""

    def __init__(
        self,
        canvas: Canvas,
        style: Style,
        draw: random.Random,
        *,
        columns: int = 1,
        on_page: Callable[[], None] | None = None,
    ) -> None:
        self.canvas, self.style, self.draw = canvas, style, draw
        self._columns, self._column = columns, 0
        self._gutter = draw.uniform(16, 28)
        self._on_page = on_page
        self._headings: list[tuple[int, str]] = []
        self._numbers = [0, 0, 0]
        self._waiting_section: str | None = None
        self._notes: list[tuple[str, list[str], str]] = []
        self._note_count = 0
        self._note_marks = draw.choice(["1", "1", "*"])
        self._bottom = style.height - style.bottom
        self.add_page()

    @property
    def x0(self) -> float:
        return self.style.left + self._column * (self.column_width + self._gutter)

    @property
    def column_width(self) -> float:
        whole = self.style.width - self.style.left - self.style.right
        return (whole - (self._columns - 1) * self._gutter) / self._columns

    @property
    def x1(self) -> float:
        return self.x0 + self.column_width

    @property
    def room(self) -> float:
        return self._bottom - self.y

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings)

    def add_page(self) -> None:
        self.close_page()
        self.canvas.add_page()
        self._column = 0
        self.y = self._column_top = self.style.top
        self._bottom = self.style.height - self.style.bottom
        if self._on_page:
            self._on_page()

    def close_page(self) -> None:
        """Puts the footnotes of the page at its foot."""
        if not self._notes:
            return
        style = self.style
        size = style.size * 0.82
        y = self._bottom + 6
        self.canvas.rule(style.left, y, style.left + 110, y, width=0.4)
        for mark, lines, text in self._notes:
            boxes = []
            for number, line in enumerate(lines):
                y += size * 1.25
                if number == 0:
                    self.canvas.write(style.left, y - size * 0.3, mark, style.body, size * 0.7)
                boxes.append(self.canvas.write(style.left + size * 0.9, y, line, style.body, size))
            self.canvas.note("footnote", text, boxes, label=mark)
        self._notes = []

    def need(self, height: float) -> None:
        """Turns to the next column or page where less than this is left."""
        if self.room >= height:
            return
        if self._column + 1 < self._columns:
            self._column += 1
            self.y = self._column_top
        else:
            self.add_page()

    def space(self, height: float) -> None:
        self.y += height

    def lines(
        self,
        lines: Sequence[str],
        face: Face,
        size: float,
        *,
        x: float | None = None,
        leading: float | None = None,
        color: Color = BLACK,
        justified: bool = False,
        first_indent: float = 0.0,
        width: float | None = None,
        align: str = "left",
    ) -> list[Area]:
        """Sets lines below the cursor, and returns the box of each."""
        boxes = []
        whole = self.column_width if width is None else width
        for number, line in enumerate(lines):
            self.y += size * (leading or self.style.leading)
            at = (self.x0 if x is None else x) + (first_indent if number == 0 else 0.0)
            free = whole - face.width(line, size) - (first_indent if number == 0 else 0.0)
            gap = 0.0
            if justified and number < len(lines) - 1 and " " in line and 0 < free < whole * 0.35:
                gap = free / line.count(" ")
            if align == "center":
                at += free / 2
            boxes.append(self.canvas.write(at, self.y, line, face, size, color=color, gap=gap))
        return boxes

    def title(self, text: str, *, size: float, align: str = "left", kinds: Sequence[str] = ("heading",)) -> None:
        """Over all columns, which begin below it."""
        style = self.style
        width = style.width - style.left - style.right
        lines = wrap(text, style.head, size, width)
        boxes = self.lines(lines, style.head, size, leading=1.2, color=style.head_color, align=align, width=width)
        self.canvas.note("title", text, boxes, kinds=kinds)
        self.space(style.line)
        self._column_top = self.y

    def heading(self, text: str, level: int = 1) -> None:
        style = self.style
        size = style.size * {1: 1.45, 2: 1.2, 3: 1.0}[level]
        self._numbers[level - 1] += 1
        self._numbers[level:] = [0] * (3 - level)
        number = ".".join(str(n) for n in self._numbers[:level] if n)
        shown = f"{number} {text}" if style.numbered else text
        self._headings = [one for one in self._headings if one[0] < level]
        lines = wrap(shown, style.head, size, self.column_width)
        self.need(size * 1.4 * len(lines) + style.line * 7)
        self.space(size * 0.8)
        boxes = self.lines(lines, style.head, size, leading=1.2, color=style.head_color)
        others = []
        if style.numbered:
            shift = style.head.width(f"{number} ", size)
            others = [(text, [Area(boxes[0].x0 + shift, *boxes[0][1:]), *boxes[1:]])]
        self.canvas.note("heading", shown, boxes, path=self.path, others=others)
        self._headings.append((level, shown))
        self._waiting_section = shown
        self.space(size * 0.25)

    def paragraph(self, text: str, *, figure: str = "", note: str = "") -> list[Area]:
        """A paragraph that stays in one column. `figure`: an amount or date in it; `note`: a footnote at its end."""
        style = self.style
        indent = style.size * 1.5 if style.indented and self._waiting_section is None else 0.0
        lines = wrap(text, style.body, style.size, self.column_width - indent)
        if note:
            size = style.size * 0.82
            folded = wrap(note, style.body, size, style.width - style.left - style.right - size)
            needed = len(folded) * size * 1.25
            self.need(style.line * (len(lines) + 2) + needed + 12)
            self._bottom -= needed
            if not self._notes:
                self._bottom -= 6
            self._note_count += 1
            mark = str(self._note_count) if self._note_marks == "1" else "*" * (len(self._notes) + 1)
            self._notes.append((mark, folded, note))
        self.need(style.line * (len(lines) + 0.5))
        boxes = self.lines(lines, style.body, style.size, justified=style.justified, first_indent=indent)
        if note:
            last = boxes[-1]
            self.canvas.write(last.x1, self.y - style.size * 0.35, self._notes[-1][0], style.body, style.size * 0.65)
        if self._waiting_section is not None:
            above = self.path[:-1]
            self.canvas.note("section", text, boxes, label=self._waiting_section, path=above)
            self._waiting_section = None
        if figure:
            self._note_figure(figure, lines, boxes, text)
        self.space(0 if style.indented else style.line * 0.5)
        return boxes

    def list_items(self, items: Sequence[str], *, lead_in: str = "") -> None:
        style = self.style
        if lead_in:
            self.need(style.line * (len(items) + 3))
            self.paragraph(lead_in)
            self.y -= 0 if style.indented else style.line * 0.25
        marks = self.draw.choice(["•", "–", "1.", "1)", "a)", "(1)"])
        indent = self.draw.uniform(0, 18)
        hang = style.size * 1.8
        for number, item in enumerate(items, 1):
            mark = marks.replace("1", str(number)).replace("a", "abcdefghij"[number - 1])
            lines = wrap(item, style.body, style.size, self.column_width - indent - hang)
            self.need(style.line * (len(lines) + 0.5))
            at = self.x0 + indent
            self.canvas.write(at, self.y + style.line, mark + " ", style.body, style.size)
            boxes = self.lines(lines, style.body, style.size, x=at + hang)
            path = (*self.path, lead_in) if lead_in else self.path
            label = "" if marks in "•–" else mark
            self.canvas.note("list_item", item, boxes, label=label, path=path, labels=(mark, mark.strip("().")))
            self.space(style.line * 0.15)
        self._waiting_section = None
        self.space(style.line * 0.5)

    def _note_figure(self, figure: str, lines: Sequence[str], boxes: Sequence[Area], text: str) -> None:
        """Its box: on each line that has a part of it."""
        style = self.style
        start = text.index(figure)
        found, at = [], 0
        for line, box in zip(lines, boxes, strict=True):
            first, last = max(start, at), min(start + len(figure), at + len(line))
            if first < last:
                gap = (box.x1 - box.x0 - style.body.width(line, style.size)) / max(1, line.count(" "))
                before, inside = line[: first - at], line[first - at : last - at]
                shift = style.body.width(before, style.size) + gap * before.count(" ")
                wide = style.body.width(inside, style.size) + gap * inside.count(" ")
                found.append(Area(box.x0 + shift, box.y0, box.x0 + shift + wide, box.y1))
            at += len(line) + 1
        self.canvas.note("figure", figure, found, label=text, path=self.path, labels=None)
