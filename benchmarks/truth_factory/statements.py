"""Bank statements: the account's fields, then bookings over one or two pages."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.fields import BESIDE, FieldSetter, draw_field_look
from benchmarks.truth_factory.language import Date, Language
from benchmarks.truth_factory.reports import set_heads_and_numbers
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_model import Column, Row, Table, draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "statement"
COMPLETE = (
    "field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption", "section", "figure",
    "page_number", "running_head",
)  # fmt: skip


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Statement(draw, code).draw_all(seed)


class _Statement:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        style = draw_style(draw, code)
        self.style: Style = dataclasses.replace(style, size=min(style.size, 10.0), left=56.0, right=56.0)
        self.canvas = Canvas(self.style)
        self.x0, self.x1 = self.style.left, self.style.width - self.style.right
        self.year, self.month = draw.randint(2016, 2025), draw.randint(1, 12)

    def draw_all(self, seed: int) -> Drawn:
        style, canvas, draw, language = self.style, self.canvas, self.draw, self.language
        canvas.add_page()
        y = style.top
        size = style.size * draw.uniform(1.2, 1.6)
        canvas.write(self.x0, y, language.pick("statement.banks"), style.head, size, color=style.accent)
        title, size = language.pick("statement.titles"), size * draw.uniform(1.1, 1.4)
        y += size * 1.8
        area = canvas.write(self.x0, y, title, style.head, size, color=style.head_color)
        canvas.note("title", title, [area], kinds=("heading",))
        y += style.line
        self.table = self._draw_bookings()
        y = self._set_fields(y)
        look = dataclasses.replace(draw_look(draw, style), full_width=True, size=min(style.size, 8.8), pad_x=3.5)
        setter = TableSetter(canvas, style, look, self.table, self.x0, self.x1 - self.x0)
        y = setter.set(y + style.line, style.height - style.bottom, self._turn)
        set_heads_and_numbers(canvas, style, draw, language)
        return canvas.finish(SORT, self.code, seed, COMPLETE)

    def _turn(self) -> float:
        self.canvas.add_page()
        return self.style.top

    def _amount(self, value: float) -> str:
        return self.language.number(abs(value), 2)

    def _draw_bookings(self) -> Table:
        language, draw = self.language, self.draw
        entries = language.sample("statement.entries", 99)
        count = draw.choice([draw.randint(6, 14), draw.randint(30, 44)])
        texts = list(entries)
        while len(texts) < count:
            text = f"{draw.choice(entries)} {language.pick('companies')}"
            if text not in texts:
                texts.append(text)
        texts = texts[:count]
        draw.shuffle(texts)
        self.opening = balance = round(draw.uniform(200, 9000), 2)
        two = draw.random() < 0.55
        parts = ["date", "text", *(["debit", "credit"] if two else ["amount"])]
        if draw.random() < 0.3:
            parts.insert(draw.choice([1, 2]), "value")
        if draw.random() < 0.7:
            parts.append("balance")
        sign = draw.choice(["-", "−", "behind"])
        long = draw.random() < 0.15
        days = sorted(draw.randint(1, 28) for _ in texts)
        rows = []
        for day, text in zip(days, texts, strict=True):
            change = round(draw.uniform(5, 900), 2) * draw.choice([-1, -1, 1])
            balance = round(balance + change, 2)
            amount = self._amount(change)
            signed = amount if change > 0 else f"{amount}-" if sign == "behind" else f"{sign}{amount}"
            shown = self._amount(balance)
            cells = {
                "date": language.write_date(Date(self.year, self.month, day), long=long),
                "value": language.write_date(Date(self.year, self.month, day), long=long),
                "text": text,
                "debit": amount if change < 0 else "",
                "credit": amount if change > 0 else "",
                "amount": signed,
                "balance": shown if balance >= 0 else f"{shown}-" if sign == "behind" else f"{sign}{shown}",
            }
            rows.append(Row([cells[part] for part in parts]))
        self.closing = balance
        align = {"date": "left", "value": "left", "text": "left"}
        columns = [Column((language.one(f"statement.heads.{part}"),), align.get(part, "right")) for part in parts]
        columns[parts.index("text")].wrap_at = draw.choice([None, 140.0])
        return Table(columns, rows, key=parts.index("text"), repeats_header=draw.random() < 0.85)

    def _set_fields(self, y: float) -> float:
        language, draw, style = self.language, self.draw, self.style
        first = language.write_date(Date(self.year, self.month, 1), long=False)
        last = language.write_date(Date(self.year, self.month, 28), long=False)
        minus = "" if self.closing >= 0 else "-"
        values = {
            "holder": language.name(),
            "number": language.iban(),
            "period": f"{first} {draw.choice(['–', '-', language.all('statement.to')])} {last}",
            "sheet": f"{draw.randint(1, 12)}/{self.year}",
            "opening": language.money(self.opening),
            "closing": minus + language.money(abs(self.closing)),
            "branch": str(draw.randint(10000, 99999)),
        }
        chosen = ["holder", "number", *draw.sample(["period", "sheet", "branch"], 2), "opening", "closing"]
        fields = [(language.one(f"statement.fields.{name}"), values[name]) for name in chosen]
        colon = "\u00a0:" if self.code == "fr" else ":"
        look = draw_field_look(draw, style, [*BESIDE, "above", "box"], columns=[1, 2, 2, 3], colon=colon)
        setter = FieldSetter(self.canvas, style, draw, look)
        wide = self.x1 - self.x0
        return setter.set(fields, self.x0, y, wide * 0.62 if look.columns == 1 else wide)
