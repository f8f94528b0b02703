"""Directories over two pages: names with departments and numbers, as a table or with leaders in one or two columns."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.fields import FieldSetter, draw_field_look
from benchmarks.truth_factory.flow import Flow
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.reports import set_heads_and_numbers
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_model import Column, Row, Table, draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "directory"
COMPLETE = (
    "field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption", "title", "section",
    "figure", "page_number", "running_head",
)  # fmt: skip


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Directory(draw, code).draw_all(seed)


class _Directory:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        style = draw_style(draw, code)
        self.with_leaders = draw.random() < 0.35
        self.style: Style = dataclasses.replace(style, size=min(style.size, 10.0), numbered=False)
        self.canvas = Canvas(self.style)
        self.flow = Flow(self.canvas, self.style, draw, columns=draw.choice([1, 2]) if self.with_leaders else 1)

    def draw_all(self, seed: int) -> Drawn:
        style, draw, flow, language = self.style, self.draw, self.flow, self.language
        flow.title(language.pick("directory.titles"), size=style.size * draw.uniform(1.6, 2.2))
        names = self._draw_names(draw.randint(50, 90) if self.with_leaders else draw.randint(42, 60))
        if self.with_leaders:
            self._set_entries(names)
        else:
            self._set_table(names)
        flow.close_page()
        set_heads_and_numbers(self.canvas, style, draw, language)
        # names and numbers one below the other may be read as a table
        complete = {kind for kind in COMPLETE if kind != "table" or not self.with_leaders}
        return self.canvas.finish(SORT, self.code, seed, complete)

    def _draw_names(self, count: int) -> list[str]:
        form = self.draw.choice(["{last}, {first}", "{first} {last}"])
        pairs = [
            (last, first) for last in self.language.all("last_names") for first in self.language.all("first_names")
        ]
        chosen = sorted(self.draw.sample(pairs, count))
        return [form.format(last=last, first=first) for last, first in chosen]

    def _set_entries(self, names: list[str]) -> None:
        """Name and number, joined by leaders or by a gap; the first letter before each group."""
        flow, draw, style = self.flow, self.draw, self.style
        look = draw_field_look(draw, style, ["leaders", "leaders", "gap", "colon_tab"])
        look = dataclasses.replace(look, value_face=style.body, colon=look.colon if look.manner == "colon_tab" else "")
        setter = FieldSetter(self.canvas, style, draw, look)
        with_letters = draw.random() < 0.5
        before = ""
        for name in names:
            letter = name[0].upper()
            if with_letters and "," in name and letter != before:
                flow.need(style.line * 4)
                flow.space(style.line * 0.4)
                boxes = flow.lines([letter], style.head, style.size * 1.2, color=style.head_color)
                self.canvas.note("heading", letter, boxes, optional=True)
                before = letter
            flow.need(setter.row_height)
            number = str(draw.randint(1000, 9999))
            setter.set([(name, number)], flow.x0, flow.y, flow.column_width)
            flow.y += setter.row_height

    def _set_table(self, names: list[str]) -> None:
        draw, language, flow = self.draw, self.language, self.flow
        parts = ["dept", *draw.sample(["room", "email"], draw.randint(0, 1)), "phone"]
        columns = [Column((language.one("directory.heads.name"),))]
        columns += [
            Column((language.one(f"directory.heads.{part}"),), draw.choice(["left", "left", "right"])) for part in parts
        ]
        sections = draw.random() < 0.35
        rows: list[Row] = []
        departments = language.sample("directory.departments", 5)
        if sections:
            parts.remove("dept")
            del columns[1]
        for number, name in enumerate(names):
            values = {
                "dept": draw.choice(departments),
                "room": f"{draw.choice('ABC')} {draw.randint(100, 420)}",
                "phone": draw.choice([str(draw.randint(1000, 9999))] if number % 2 else [str(draw.randint(100, 999))]),
                "email": f"m{draw.randint(100, 999)}@example.org",
            }
            if sections and number % (len(names) // len(departments) + 1) == 0:
                section = departments[number // (len(names) // len(departments) + 1)]
                rows.append(Row([section, *[""] * len(parts)], "section"))
            rows.append(Row([name, *(values[part] for part in parts)]))
        table = Table(columns, rows, repeats_header=draw.random() < 0.85)
        if len(columns) == 2:
            table.cell_kinds = ("field",)
        look = dataclasses.replace(draw_look(draw, self.style), caption_below=False)
        setter = TableSetter(self.canvas, self.style, look, table, flow.x0, flow.column_width)

        def turn() -> float:
            flow.add_page()
            return flow.y

        flow.y = setter.set(flow.y, flow.y + flow.room, turn)
