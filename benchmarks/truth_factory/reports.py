"""Reports: title, headings, prose, lists, footnotes, captions, running heads, and tables of every sort."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory import charts
from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.flow import Flow, wrap
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_contents import SORTS, draw_table
from benchmarks.truth_factory.table_model import Look, draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "report"
COMPLETE = (
    "field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption", "title", "heading",
    "section", "page_number", "running_head", "addressee", "subject", "signatory", "figure",
)  # fmt: skip


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Report(draw, code).draw_all(seed)


class _Report:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        self.style: Style = draw_style(draw, code)
        if draw.random() < 0.08:
            self.style = dataclasses.replace(self.style, width=self.style.height, height=self.style.width)
        self.canvas = Canvas(self.style)
        columns = 2 if draw.random() < 0.2 else 1
        if columns == 2:
            self.style = dataclasses.replace(self.style, size=min(self.style.size, 9.5), left=50.0, right=50.0)
        self.flow = Flow(self.canvas, self.style, draw, columns=columns)
        self.sentences = self.language.sample("report.sentences", 99)
        self.used = 0
        self.figures = self.language.sample("report.figures", 9)
        self.notes = self.language.sample("report.notes", 9)
        self.figure_number = self.table_number = 0
        self.lists = [True, True]

    def draw_all(self, seed: int) -> Drawn:
        language, draw, style = self.language, self.draw, self.style
        self.flow.title(
            language.pick("report.titles"),
            size=style.size * draw.uniform(1.9, 2.5),
            align=draw.choice(["left", "left", "center"]),
        )
        subheadings = language.sample("report.subheadings", 9)
        for heading in language.sample("report.headings", draw.randint(3, 5)):
            self.flow.heading(heading)
            self._set_paragraphs(draw.randint(1, 2))
            self._set_something()
            if draw.random() < 0.5:
                for _ in range(draw.randint(1, 2)):
                    self.flow.heading(subheadings.pop(), 2)
                    self._set_paragraphs(draw.randint(1, 2))
                    self._set_something()
        self.flow.close_page()
        self._set_heads_and_numbers()
        return self.canvas.finish(SORT, self.code, seed, COMPLETE)

    def _next_sentences(self, count: int) -> list[str]:
        chosen = [self.sentences[(self.used + n) % len(self.sentences)] for n in range(count)]
        self.used += count
        return chosen

    def _set_paragraphs(self, count: int) -> None:
        draw = self.draw
        for number in range(count):
            text = " ".join(self._next_sentences(draw.randint(2, 5)))
            figure = note = ""
            if number and self.figures and draw.random() < 0.5:
                form = self.figures.pop()
                amount = self.language.money(draw.choice([1200.5, 34500, 2450000, 785000, 96400]) * draw.randint(2, 9))
                date = self.language.write_date(self.language.date(), long=True)
                figure = amount if "{amount}" in form else date
                text = f"{form.format(amount=amount, date=date)} {text}"
            elif number and self.notes and draw.random() < 0.35:
                note = self.notes.pop()
            self.flow.paragraph(text, figure=figure, note=note)

    def _set_something(self) -> None:
        """A list, a table, two tables side by side, a chart, or nothing."""
        chance = self.draw.random()
        if chance < 0.6:
            self._set_table()
        elif chance < 0.75 and self.lists:
            self.lists.pop()
            lead_in = self.language.pick("report.lead_ins") if self.draw.random() < 0.7 else ""
            self.flow.list_items(self.language.sample("report.items", self.draw.randint(3, 5)), lead_in=lead_in)
        elif chance < 0.9:
            self._set_chart()

    def _set_table(self) -> None:
        draw, flow = self.draw, self.flow
        width = flow.column_width
        narrow = width < 330
        if not narrow and draw.random() < 0.12:
            self._set_two_tables()
            return
        sort = draw.choice([one for one in SORTS if one != "long" or not narrow])
        self.table_number += 1
        setter = self._make_setter(sort, draw_look(draw, self.style), width, narrow=narrow)
        flow.need(min(setter.height(), 260 if sort == "long" else 700) + self.style.line)
        flow.space(self.style.line * 0.4)
        setter.move_to(flow.x0)

        def turn() -> float:
            flow.add_page()
            setter.move_to(flow.x0)
            return flow.y

        flow.y = setter.set(flow.y, flow.y + flow.room, turn)
        flow.space(self.style.line * 0.5)

    def _make_setter(self, sort: str, look: Look, width: float, *, narrow: bool) -> TableSetter:
        """A table that fits the width: smaller where it must be, or else one of few columns."""
        if narrow:
            look = dataclasses.replace(look, size=min(look.size, 8.5), pad_x=3.0, full_width=True)
        for chosen in (sort, "matrix"):
            table = draw_table(self.language, self.draw, chosen, number=self.table_number, narrow=narrow)
            wrapped = any(column.wrap_at for column in table.columns)
            if look.rules not in ("ruled", "rows", "zebra") and wrapped:
                look = dataclasses.replace(look, pad_y=max(look.pad_y, 3.0))  # else nobody could tell rows from lines
            for scale in (1.0, 0.9, 0.8):
                smaller = dataclasses.replace(look, size=look.size * scale, pad_x=look.pad_x * scale)
                setter = TableSetter(self.canvas, self.style, smaller, table, self.flow.x0, width)
                if setter.right <= self.flow.x0 + width + 1:
                    return setter
        return setter

    def _set_two_tables(self) -> None:
        draw, flow = self.draw, self.flow
        gap = draw.uniform(18, 40)
        wide = (flow.column_width - gap) / 2
        look = dataclasses.replace(draw_look(draw, self.style), caption_below=False)
        setters = []
        for _ in range(2):
            self.table_number += 1
            sort = draw.choice(["plain", "matrix", "stacked", "accounts"])
            setters.append(self._make_setter(sort, look, wide, narrow=True))
        flow.need(max(one.height() for one in setters) + self.style.line)
        setters[0].move_to(flow.x0)
        setters[1].move_to(flow.x0 + wide + gap)
        flow.space(self.style.line * 0.4)
        flow.y = max(one.set(flow.y, 9999, lambda: 0.0) for one in setters)
        flow.space(self.style.line * 0.5)

    def _set_chart(self) -> None:
        draw, flow, style = self.draw, self.flow, self.style
        self.figure_number += 1
        high = draw.uniform(110, 170)
        caption = self.language.pick("report.figure_captions")
        label = f"{self.language.one('report.figure_word')} {self.figure_number}"
        flow.need(high + style.line * 4)
        flow.space(style.line * 0.5)
        wide = min(flow.column_width, draw.uniform(230, 380))
        area = Area(flow.x0, flow.y, flow.x0 + wide, flow.y + high)
        charts.draw_figure(self.canvas, style, draw, self.language, area)
        flow.y += high + style.line * 0.3
        head = label + draw.choice([": ", ". ", " – ", "  "])
        size = style.size * 0.9
        lines = wrap(head + caption, style.text.italic, size, flow.column_width)
        boxes = flow.lines(lines, style.text.italic, size, leading=1.2)
        shift = style.text.italic.width(head, size)
        self.canvas.note("caption", caption, [Area(boxes[0].x0 + shift, *boxes[0][1:]), *boxes[1:]], label=label)
        flow.space(style.line)

    def _set_heads_and_numbers(self) -> None:
        set_heads_and_numbers(self.canvas, self.style, self.draw, self.language)


def set_heads_and_numbers(canvas: Canvas, style: Style, draw: random.Random, language: Language) -> None:
    """A running head and a page number on every page (not always on the first), where there is more than one."""
    if canvas.pages < 2:
        return
    head = language.pick("report.running_heads") if draw.random() < 0.75 else ""
    form = language.pick("report.page") if draw.random() < 0.85 else ""
    at_head = bool(head) and draw.random() < 0.25
    place = draw.choice(["center", "right", "outer"])
    size = style.size * 0.82
    first_too = draw.random() < 0.6
    ruled = draw.random() < 0.4
    top, foot = style.top * 0.55, style.height - style.bottom * 0.5
    for page in range(1, canvas.pages + 1):
        if page == 1 and not first_too:
            continue
        canvas.turn_to(page)
        outer_left = place == "outer" and page % 2 == 0
        if head:
            wide = style.text.italic.width(head, size)
            x = style.left if not outer_left else style.width - style.right - wide
            area = canvas.write(x, top, head, style.text.italic, size)
            canvas.note("running_head", head, [area])
            if ruled:
                canvas.rule(style.left, top + 5, style.width - style.right, top + 5, width=0.4)
        if form:
            text = form.format(n=page, all=canvas.pages)
            wide = style.body.width(text, size)
            x = (style.width - wide) / 2 if place == "center" else style.width - style.right - wide
            if at_head and place == "center":
                x = style.width - style.right - wide
            x = style.left if outer_left else x
            area = canvas.write(x, top if at_head else foot, text, style.body, size)
            digits = str(page)
            start = style.body.width(text[: text.index(digits)], size)
            value = Area(area.x0 + start, area.y0, area.x0 + start + style.body.width(digits, size), area.y1)
            canvas.note("page_number", digits, [value], labels=None, others=[(text, [area])])
