"""Slides: a title slide, then headings with bullets, a small table or a chart; a footer and a number on each."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory import charts
from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.flow import wrap
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_contents import draw_table
from benchmarks.truth_factory.table_model import draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "slides"
COMPLETE = (
    "field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "section", "addressee", "subject",
    "signatory", "page_number", "running_head",
)  # fmt: skip


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Slides(draw, code).draw_all(seed)


class _Slides:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        style = draw_style(draw, code, slides=True)
        scale = style.height / 540
        size = round(draw.uniform(18, 24) * scale * (0.9 if style.text.name.startswith("DejaVu") else 1.0), 1)
        margin = style.width * draw.uniform(0.05, 0.09)
        self.style: Style = dataclasses.replace(style, size=size, left=margin, right=margin, leading=1.2)
        self.canvas = Canvas(self.style)
        self.scale = scale
        self.x0, self.x1 = margin, self.style.width - margin
        self.head_size = size * draw.uniform(1.35, 1.6)
        self.band = draw.choice(["none", "none", "rule", "band"])

    def draw_all(self, seed: int) -> Drawn:
        language, draw = self.language, self.draw
        titles = language.sample("slide.titles", draw.randint(3, 5))
        self._set_first(titles.pop())
        bullets = language.sample("slide.bullets", 99)
        for title in titles:
            y = self._set_head(title)
            chance = draw.random()
            if chance < 0.5:
                self._set_bullets(title, [bullets.pop() for _ in range(min(len(bullets), draw.randint(2, 4)))], y)
            elif chance < 0.75:
                self._set_table(y)
            else:
                low = self.style.height * 0.87
                chart = Area(self.x0, y + self.style.line, self.x0 + (self.x1 - self.x0) * draw.uniform(0.6, 1), low)
                charts.draw_figure(
                    self.canvas, dataclasses.replace(self.style, size=self.style.size * 0.8), draw, language, chart
                )
        self._set_footers()
        return self.canvas.finish(SORT, self.code, seed, COMPLETE)

    def _set_first(self, title: str) -> None:
        style, canvas, draw, language = self.style, self.canvas, self.draw, self.language
        canvas.add_page()
        size = style.size * 1.9
        y = style.height * draw.uniform(0.3, 0.42)
        if draw.random() < 0.3:
            canvas.box((0, 0, style.width, style.height * 0.12), fill=style.accent)
        centered = draw.random() < 0.5

        def place(text: str, wide: float) -> float:
            return (style.width - wide) / 2 if centered else self.x0

        boxes = []
        for line in wrap(title, style.head, size, self.x1 - self.x0):
            boxes.append(
                canvas.write(
                    place(line, style.head.width(line, size)), y, line, style.head, size, color=style.head_color
                )
            )
            y += size * 1.2
        canvas.note("title", title, boxes, kinds=("heading",))
        date = language.write_date(language.date(), long=True)
        for text in (language.pick("slide.subtitles"), f"{language.name()}, {date}"):
            y += style.line * 0.9
            canvas.write(place(text, style.body.width(text, style.size)), y, text, style.body, style.size)

    def _set_head(self, title: str) -> float:
        style, canvas = self.style, self.canvas
        canvas.add_page()
        size = self.head_size
        y = style.height * 0.1 + size * 0.6
        ink = style.head_color
        if self.band == "band":
            canvas.box((0, y - size * 1.3, style.width, y + size * 0.6), fill=style.accent)
            ink = (1.0, 1.0, 1.0)
        elif self.band == "rule":
            canvas.rule(self.x0, y + size * 0.5, self.x1, y + size * 0.5, width=1.2, color=style.accent)
        boxes = []
        for number, line in enumerate(wrap(title, style.head, size, self.x1 - self.x0)):
            boxes.append(canvas.write(self.x0, y + number * size * 1.1, line, style.head, size, color=ink))
        canvas.note("heading", title, boxes, kinds=("title",))
        return y + size

    def _set_bullets(self, title: str, bullets: list[str], y: float) -> None:
        style, canvas, draw = self.style, self.canvas, self.draw
        mark = draw.choice(["•", "–", "•"])
        y += style.line * 0.4
        for bullet in bullets:
            y += style.line * draw.uniform(1.2, 1.3)
            canvas.write(self.x0, y, mark + " ", style.body, style.size, color=style.accent)
            lines = wrap(bullet, style.body, style.size, self.x1 - self.x0 - style.size * 1.4)
            boxes = []
            for number, line in enumerate(lines):
                y += style.line if number else 0
                boxes.append(canvas.write(self.x0 + style.size * 1.2, y, line, style.body, style.size))
            canvas.note("list_item", bullet, boxes, path=(title,), labels=(mark,))

    def _set_table(self, y: float) -> None:
        draw = self.draw
        table = draw_table(
            self.language, draw, draw.choice(["plain", "stacked", "accounts", "matrix"]), narrow=draw.random() < 0.5
        )
        table.caption, table.notes = None, []
        table.rows = table.rows[:6]
        look = dataclasses.replace(draw_look(draw, self.style), size=self.style.size * 0.72, pad_y=3 * self.scale)
        setter = TableSetter(self.canvas, self.style, look, table, self.x0, self.x1 - self.x0)
        if setter.right > self.style.width - 6:
            look = dataclasses.replace(look, size=look.size * 0.75, pad_x=3.0)
            setter = TableSetter(self.canvas, self.style, look, table, self.x0, self.x1 - self.x0)
        setter.set(y + self.style.line * 0.5, 9999, lambda: 0.0)

    def _set_footers(self) -> None:
        style, canvas, draw = self.style, self.canvas, self.draw
        footer = self.language.pick("slide.footers") if draw.random() < 0.7 else ""
        numbered = draw.random() < 0.75
        size = style.size * 0.55
        y = style.height * 0.955
        for page in range(2, canvas.pages + 1):
            canvas.turn_to(page)
            if footer:
                area = canvas.write(self.x0, y, footer, style.body, size, color=(0.35, 0.35, 0.35))
                canvas.note("running_head", footer, [area])
            if numbered:
                number = str(page)
                x = self.x1 - style.body.width(number, size)
                canvas.note("page_number", number, [canvas.write(x, y, number, style.body, size)], labels=None)
