"""Data sheets: features, and values with units in tables, in grids, or as labels with leaders, section by section."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.fields import FieldLook, FieldSetter, draw_field_look
from benchmarks.truth_factory.flow import Flow
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.reports import set_heads_and_numbers
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_model import Column, Row, Table, draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "specification"
COMPLETE = ("field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption", "title", "heading")


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Specification(draw, code).draw_all(seed)


class _Specification:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        style = draw_style(draw, code)
        self.style: Style = dataclasses.replace(style, numbered=style.numbered and draw.random() < 0.4)
        self.canvas = Canvas(self.style)
        self.flow = Flow(self.canvas, self.style, draw)
        self.manner = draw.choice(["fields", "fields", "grid", "values", "values", "limits", "one_table"])
        self.look = draw_look(draw, self.style)
        self.unit_apart = draw.random() < 0.5
        self.field_look: FieldLook | None = None

    def draw_all(self, seed: int) -> Drawn:
        language, draw, style, flow = self.language, self.draw, self.style, self.flow
        product = f"{language.pick('spec.products')} {draw.randint(100, 990)}"
        title = language.pick("spec.titles")
        if draw.random() < 0.5:
            flow.title(f"{title} {product}", size=style.size * 1.8)
        else:
            flow.title(product, size=style.size * 2)
            flow.space(-style.line * 0.5)
            boxes = flow.lines([title], style.body, style.size * 1.1, color=style.accent)
            self.canvas.note("heading", title, boxes, kinds=("title",), optional=True)
            flow.space(style.line)
        if draw.random() < 0.6:
            flow.heading(language.one("spec.features_head"), 2)
            flow.list_items(language.sample("spec.features", draw.randint(3, 5)))
        sections = language.sample("spec.sections", draw.randint(2, 4))
        if self.manner == "one_table":
            self._set_one_table(sections)
        else:
            for section in sections:
                flow.heading(section, 2)
                self._set_section(section)
                flow.space(style.line * 0.4)
        flow.close_page()
        set_heads_and_numbers(self.canvas, style, draw, language)
        return self.canvas.finish(SORT, self.code, seed, COMPLETE)

    def _value(self, unit: str) -> str:
        draw, language = self.draw, self.language
        if not unit:
            return draw.choice(["IP54", "IP65", "IP20"])
        if unit == "°C":
            return f"{draw.choice(['-', '−', '–'])}{draw.randint(5, 25)} … +{draw.randint(35, 60)}"
        digits = draw.choice([0, 0, 1])
        return language.number(draw.uniform(1, 900), digits)

    def _params(self, section: str) -> list[list[str]]:
        params: list[list[str]] = self.language.all("spec.params")[section]
        return params

    def _joined(self, unit: str) -> str:
        return f"{self._value(unit)} {unit}".strip()

    def _set_section(self, section: str) -> None:
        params = self._params(section)
        if self.manner in ("fields", "grid"):
            self._set_fields([(name, self._joined(unit)) for name, unit in params])
        elif self.manner == "values":
            self._set_table(self._values_table(params))
        else:
            self._set_table(self._limits_table(params))

    def _set_fields(self, fields: list[tuple[str, str]]) -> None:
        draw, flow = self.draw, self.flow
        colon = "\u00a0:" if self.code == "fr" else ":"
        manners = ["grid"] if self.manner == "grid" else ["leaders", "gap", "colon_tab", "colon"]
        if self.field_look is None:
            self.field_look = draw_field_look(draw, self.style, manners, columns=[1, 1, 2], colon=colon)
        setter = FieldSetter(self.canvas, self.style, draw, self.field_look, path=flow.path)
        flow.need(setter.height(len(fields)))
        flow.space(self.style.size * 0.4)
        flow.y = setter.set(fields, flow.x0, flow.y, flow.column_width * draw.choice([0.7, 1.0]))

    def _head(self, place: str) -> str:
        return self.language.one(f"spec.heads.{place}")

    def _values_table(self, params: list[list[str]]) -> Table:
        """Parameters and values, units in a column of their own or with the values."""
        columns = [Column((self._head("param"),)), Column((self._head("value"),), self.draw.choice(["left", "right"]))]
        if not self.unit_apart:
            rows = [Row([name, self._joined(unit)]) for name, unit in params]
            return Table(columns, rows, cell_kinds=("field",))
        columns.append(Column((self._head("unit"),)))
        return Table(columns, [Row([name, self._value(unit), unit]) for name, unit in params])

    def _limits_table(self, params: list[list[str]]) -> Table:
        """Least, typical and greatest values, as of electronic parts; some are not given."""
        draw, language = self.draw, self.language
        heads = ["min", "typ", "max"]
        columns = [Column((self._head("param"),)), *(Column((self._head(head),), "right") for head in heads)]
        columns.append(Column((self._head("unit"),), "center"))
        none = draw.choice(["–", "-", ""])
        rows = []
        for name, unit in params:
            least = draw.uniform(1, 90)
            values = [language.number(least * factor, 1) for factor in (1, 1.5, 2.2)]
            if draw.random() < 0.5:
                values[draw.choice([0, 2])] = none
            rows.append(Row([name, *values, unit]))
        return Table(columns, rows)

    def _set_table(self, table: Table) -> None:
        flow = self.flow
        setter = TableSetter(self.canvas, self.style, self.look, table, flow.x0, flow.column_width)
        flow.need(setter.height() + self.style.line)
        setter.move_to(flow.x0)
        flow.space(self.style.size * 0.5)
        flow.y = setter.set(flow.y, flow.y + flow.room, self._turn)

    def _turn(self) -> float:
        self.flow.add_page()
        return self.flow.y

    def _set_one_table(self, sections: list[str]) -> None:
        """All in one table, with a row over its width for each section."""
        self.unit_apart = True
        table = self._values_table([])
        for section in sections:
            table.rows.append(Row([section, "", ""], "section"))
            table.rows += self._values_table(self._params(section)).rows
        self._set_table(table)
