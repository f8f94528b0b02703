"""Invoices: letterhead, customer, a block of fields, the table of items, and what it comes to."""

from __future__ import annotations

import random

from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.fields import BESIDE, FieldLook, FieldSetter, draw_field_look
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import Style, draw_style
from benchmarks.truth_factory.table_model import Column, Row, Table, draw_look
from benchmarks.truth_factory.tables import TableSetter

SORT = "invoice"
COMPLETE = ("field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption")


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Invoice(draw, code).draw_all(seed)


class _Invoice:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        self.style: Style = draw_style(draw, code)
        self.canvas = Canvas(self.style)
        self.x0, self.x1 = self.style.left, self.style.width - self.style.right

    def draw_all(self, seed: int) -> Drawn:
        self.canvas.add_page()
        y = self._set_letterhead()
        y = self._set_customer_and_fields(y)
        y = self._set_items(y)
        self._set_end(y)
        return self.canvas.finish(SORT, self.code, seed, COMPLETE)

    def _set_letterhead(self) -> float:
        style, canvas, language = self.style, self.canvas, self.language
        y = style.top
        company = language.pick("companies")
        size = style.size * self.draw.uniform(1.2, 1.7)
        right = self.draw.random() < 0.4
        address = [company, language.street(), language.pick("cities")]
        if self.draw.random() < 0.3:
            canvas.box((self.x0, y - size, self.x0 + size * 1.4, y + size * 0.4), fill=style.accent)
            canvas.write(self.x0 + size * 1.8, y, company, style.head, size, color=style.head_color)
            return y + size * 2
        for number, line in enumerate(address):
            face = style.head if number == 0 else style.body
            high = size if number == 0 else style.size * 0.85
            x = self.x1 - face.width(line, high) if right else self.x0
            canvas.write(x, y, line, face, high, color=style.head_color if number == 0 else (0.0, 0.0, 0.0))
            y += high * 1.25
        if self.draw.random() < 0.5:
            canvas.rule(self.x0, y, self.x1, y, width=style.rule_width, color=style.accent)
            y += style.size
        return y + style.size

    def _field_items(self) -> list[tuple[str, str]]:
        language, draw = self.language, self.draw
        issued = language.date()
        long = draw.random() < 0.4
        values = {
            "number": language.code_number(),
            "date": language.write_date(issued, long=long),
            "due": language.write_date(issued._replace(month=issued.month % 12 + 1), long=long),
            "customer": str(draw.randint(10000, 99999)),
            "order": language.code_number(),
            "delivery": language.write_date(issued, long=long),
            "tax_id": f"{self.code.upper()}{draw.randint(100000000, 999999999)}",
            "contact": language.name(),
            "terms": language.pick("invoice.terms"),
        }
        rest = [name for name in values if name not in ("number", "date")]
        chosen = ["number", "date", *draw.sample(rest, draw.randint(1, 5))]
        return [(language.one(f"invoice.fields.{name}"), values[name]) for name in chosen]

    def _set_customer_and_fields(self, y: float) -> float:
        style, canvas, language, draw = self.style, self.canvas, self.language, self.draw
        address = [language.name(), language.street(), language.pick("cities")]
        if draw.random() < 0.4:
            address.insert(0, language.pick("companies"))
        title = language.pick("invoice.titles")
        title_first = draw.random() < 0.5
        if title_first:
            y = self._set_title(title, y)
        top = y
        boxes = []
        label = language.one("invoice.bill_to") if draw.random() < 0.6 else ""
        if label:
            y += style.line
            face = draw.choice([style.body, style.text.bold])
            shown = label + draw.choice([":", ""])
            canvas.write(self.x0, y, shown, face, style.size * draw.choice([0.8, 1.0]))
        for line in address:
            y += style.line
            boxes.append(canvas.write(self.x0, y, line, style.body, style.size))
        others = [(address[0], boxes[:1])]
        canvas.note(
            "field",
            " ".join(address),
            boxes,
            label=label,
            labels=None,
            others=others,
            kinds=("addressee",),
            optional=True,
        )
        beside = draw.random() < 0.6
        fields = self._field_items()
        look = draw_field_look(
            draw, style, [*BESIDE[:4], "above"], columns=[1] if beside else [2, 3], colon=self._colon()
        )
        if look.manner == "above" and beside:
            look = FieldLook(**{**look.__dict__, "columns": 2})
        setter = FieldSetter(canvas, style, draw, look)
        if beside:
            x = self.x0 + (self.x1 - self.x0) * draw.uniform(0.52, 0.58)
            end = setter.set(fields, x, top, self.x1 - x)
            y = max(y, end)
        y += style.line * 1.4
        if not title_first:
            y = self._set_title(title, y)
        if not beside:
            y = setter.set(fields, self.x0, y, self.x1 - self.x0)
        return y + style.line * 0.6

    def _colon(self) -> str:
        return "\u00a0:" if self.code == "fr" else ":"

    def _set_title(self, title: str, y: float) -> float:
        size = self.style.size * self.draw.uniform(1.5, 2.2)
        y += size
        x = self.x0 if self.draw.random() < 0.75 else self.x1 - self.style.head.width(title, size)
        area = self.canvas.write(x, y, title, self.style.head, size, color=self.style.head_color)
        self.canvas.note("title", title, [area], kinds=("heading", "subject"))
        return y + size * 0.5

    def _set_items(self, y: float) -> float:
        language, draw = self.language, self.draw
        parts = ["item", "qty", "price", "amount"]
        if draw.random() < 0.6:
            parts.insert(0, "pos")
        if draw.random() < 0.4:
            parts.insert(parts.index("qty") + 1, "unit")
        if draw.random() < 0.3:
            parts.insert(-1, "rate")
        align = {"item": "left", "unit": "left", "pos": draw.choice(["left", "center", "right"])}
        columns = [Column((language.one(f"invoice.heads.{part}"),), align.get(part, "right")) for part in parts]
        columns[parts.index("item")].wrap_at = draw.choice([None, 130.0, 170.0])
        rows = []
        self.sum = 0.0
        rate = draw.choice([19, 20, 21, 22, 23])
        for number, item in enumerate(language.sample("invoice.items", draw.randint(3, 8)), 1):
            count = draw.randint(1, 24)
            price = round(draw.uniform(3, 480), 2)
            self.sum += count * price
            cells = {
                "pos": str(number),
                "item": item,
                "qty": str(count),
                "unit": language.pick("invoice.units"),
                "price": language.number(price, 2),
                "rate": f"{rate} %",
                "amount": language.number(count * price, 2),
            }
            rows.append(Row([cells[part] for part in parts]))
        self.totals = self._list_totals(rate)
        inside = draw.random() < 0.35
        if inside:
            for label, value in self.totals:
                row = [""] * len(parts)
                row[parts.index("item")], row[-1] = label, value
                rows.append(Row(row, "total"))
        table = Table(columns, rows, key=parts.index("item"))
        look = draw_look(draw, self.style)
        look = look.__class__(**{**look.__dict__, "full_width": True})
        setter = TableSetter(self.canvas, self.style, look, table, self.x0, self.x1 - self.x0)
        end = setter.set(y, self.style.height - 20, self._turn)
        if not inside:
            end = self._set_totals(end, setter.right)
        return end

    def _turn(self) -> float:
        self.canvas.add_page()
        return self.style.top

    def _list_totals(self, rate: int) -> list[tuple[str, str]]:
        language, draw = self.language, self.draw
        write = language.money if draw.random() < 0.6 else lambda value: language.number(value, 2)
        totals = [(language.one("invoice.subtotal"), write(self.sum))]
        shipping = 0.0
        if draw.random() < 0.4:
            shipping = draw.choice([4.9, 7.5, 12.0])
            totals.append((language.one("invoice.shipping"), write(shipping)))
        tax = (self.sum + shipping) * rate / 100
        with_rate = draw.random() < 0.6
        totals.append((language.one("invoice.tax") + (f" {rate} %" if with_rate else ""), write(tax)))
        return [*totals, (language.one("invoice.total"), write(self.sum + shipping + tax))]

    def _set_totals(self, y: float, right: float) -> float:
        """Labels and amounts below the table, at its right edge."""
        style, canvas, draw = self.style, self.canvas, self.draw
        colon = draw.choice(["", self._colon()])
        bold = style.text.bold
        labels = max(bold.width(label + colon, style.size) for label, _ in self.totals)
        values = max(bold.width(value, style.size) for _, value in self.totals)
        left = right - max(draw.uniform(150, 220), labels + values + 16)
        y += style.line * draw.choice([0.2, 0.8])
        close = draw.random() < 0.5
        for number, (label, value) in enumerate(self.totals):
            y += style.line
            last = number == len(self.totals) - 1
            face = style.text.bold if last else style.body
            if last and draw.random() < 0.7:
                y += 4
                canvas.rule(left, y - style.size - 1, right, y - style.size - 1, width=style.rule_width)
            wide = face.width(value, style.size)
            x = right - 4 - wide
            start = left if not close else right - 4 - max(95, values + 10) - face.width(label + colon, style.size)
            canvas.write(start, y, label + colon, face, style.size)
            area = canvas.write(x, y, value, face, style.size)
            canvas.note("field", value, [area], label=label, kinds=("cell",))
        return y + style.line

    def _set_end(self, y: float) -> None:
        style, canvas, language = self.style, self.canvas, self.language
        y += style.line
        if y < style.height - 90:
            canvas.write(self.x0, y, language.pick("invoice.thanks"), style.body, style.size)
        if self.draw.random() < 0.5:
            foot = style.height - style.bottom + 24
            if self.draw.random() < 0.5:
                canvas.rule(self.x0, foot - 12, self.x1, foot - 12, width=0.4)
            label = language.one("invoice.fields.iban")
            size = style.size * 0.8
            shown = canvas.write(self.x0, foot, f"{label}{self._colon()} ", style.body, size)
            value = language.iban()
            area = canvas.write(shown.x1, foot, value, style.body, size)
            canvas.note("field", value, [Area(*area)], label=label)
