"""Letters: sender, addressee, date, subject, a body with a figure or two, and who signed it."""

from __future__ import annotations

import random

from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.flow import Flow
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import Style, draw_style

SORT = "letter"
COMPLETE = (
    "field", "empty_field", "checkbox", "table", "cell", "list_item", "footnote", "caption", "addressee", "subject",
    "signatory", "date", "figure",
)  # fmt: skip


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Letter(draw, code).draw_all(seed)


class _Letter:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        self.style: Style = draw_style(draw, code)
        self.canvas = Canvas(self.style)
        self.flow = Flow(self.canvas, self.style, draw)
        self.first, self.last = self.language.pick("first_names"), self.language.pick("last_names")

    def draw_all(self, seed: int) -> Drawn:
        self._set_sender()
        if self.draw.random() < 0.3:
            self._set_date()
            self._set_addressee()
        elif self.draw.random() < 0.3:
            self._set_addressee()
            self._set_references()
        else:
            self._set_addressee()
            self._set_date()
        self._set_subject()
        self._set_body()
        self._set_signatory()
        self.flow.close_page()
        return self.canvas.finish(SORT, self.code, seed, COMPLETE)

    def _lines(self, lines: list[str], *, size: float = 1.0, right: bool = False) -> list[Area]:
        style = self.style
        boxes = []
        for line in lines:
            x = self.flow.x1 - style.body.width(line, style.size * size) if right else self.flow.x0
            boxes += self.flow.lines([line], style.body, style.size * size, x=x)
        return boxes

    def _set_sender(self) -> None:
        style, language, draw = self.style, self.language, self.draw
        company = language.pick("companies")
        address = [language.street(), language.pick("cities")]
        manner = draw.choice(["block", "line", "center", "right"])
        if manner == "line":
            shown = " · ".join([company, *address]) if style.body.knows("·") else ", ".join([company, *address])
            self.flow.lines([shown], style.body, style.size * 0.72)
        elif manner == "center":
            self.flow.lines([company], style.head, style.size * 1.5, color=style.head_color, align="center")
            self.flow.lines([", ".join(address)], style.body, style.size * 0.85, align="center")
        else:
            right = manner == "right"
            size = style.size * 1.25
            x = self.flow.x1 - style.head.width(company, size) if right else self.flow.x0
            self.flow.lines([company], style.head, size, x=x, color=style.head_color)
            self._lines(address, size=0.9, right=right)
        if draw.random() < 0.3:
            y = self.flow.y + 6
            self.canvas.rule(self.flow.x0, y, self.flow.x1, y, width=style.rule_width, color=style.accent)
        self.flow.space(style.line * draw.uniform(1.5, 3))

    def _set_addressee(self) -> None:
        language, draw = self.language, self.draw
        lines = [f"{self.first} {self.last}", language.street(), language.pick("cities")]
        if draw.random() < 0.4:
            lines.insert(draw.choice([0, 1]), language.pick("companies"))
        boxes = self._lines(lines)
        self.canvas.note("addressee", " ".join(lines), boxes, labels=None, others=[(lines[0], boxes[:1])])
        self.flow.space(self.style.line * draw.uniform(1, 2.5))

    def _set_date(self) -> None:
        language, draw, style = self.language, self.draw, self.style
        date = language.write_date(language.date(), long=draw.random() < 0.75)
        form = language.pick("letter.place_date")
        before = form.partition("{date}")[0].format(place=language.pick("towns"))
        whole = before + date
        (area,) = self._lines([whole], right=draw.random() < 0.55)
        shift = style.body.width(before, style.size)
        value = Area(area.x0 + shift, *area[1:])
        others = [(whole, [area])] if before else []
        self.canvas.note("date", date, [value], labels=None, others=others)
        self.flow.space(style.line * draw.uniform(1, 2))

    def _set_references(self) -> None:
        """References beside one another in small print, their values below: the date is one of them."""
        language, draw, style = self.language, self.draw, self.style
        date = language.write_date(language.date())
        values = {"customer": language.code_number(), "order": language.code_number(), "contact": language.name()}
        chosen = draw.sample(list(values), draw.randint(1, 2))
        fields = [(language.one(f"invoice.fields.{name}"), values[name]) for name in chosen]
        labels = language.all("invoice.fields.date")
        fields.append((labels[-1], date))
        size = style.size * draw.uniform(0.65, 0.8)
        wide = self.flow.column_width / len(fields)
        top = self.flow.y + style.line
        for number, (label, value) in enumerate(fields):
            x = self.flow.x0 + number * wide
            self.canvas.write(x, top, label, style.body, size)
            area = self.canvas.write(x, top + style.line, value, style.body, style.size)
            if value == date:
                self.canvas.note("date", value, [area], labels=None, kinds=("field",))
                self.canvas.note("field", value, [area], label=label, kinds=("cell",), optional=True)
            else:
                self.canvas.note("field", value, [area], label=label, kinds=("cell",))
        self.flow.y = top + style.line
        self.flow.space(style.line * draw.uniform(1, 2))

    def _set_subject(self) -> None:
        language, draw, style = self.language, self.draw, self.style
        prefix, subject = language.pick("letter.subject_prefixes"), language.pick("letter.subjects")
        face = style.text.bold if not prefix or draw.random() < 0.6 else style.body
        shown = f"{prefix} {subject}" if prefix else subject
        (area,) = self.flow.lines([shown], face, style.size)
        shift = face.width(f"{prefix} ", style.size) if prefix else 0.0
        value = Area(area.x0 + shift, *area[1:])
        others = [(shown, [area])] if prefix else []
        label = prefix.rstrip(": ")
        self.canvas.note(
            "subject", subject, [value], label=label, labels=None, others=others, kinds=("heading", "title", "field")
        )
        self.flow.space(style.line)

    def _set_body(self) -> None:
        language, draw, style = self.language, self.draw, self.style
        salutation = language.pick("letter.salutations").format(first=self.first, last=self.last)
        self._lines([salutation])
        self.flow.space(style.line * 0.7)
        first, *rest = language.all("letter.body")
        draw.shuffle(rest)
        figures = language.sample("letter.figures", draw.randint(1, 2))
        self.flow.paragraph(f"{first} {rest.pop()}")
        paragraphs = [[rest.pop() for _ in range(draw.randint(1, 2))] for _ in range(draw.randint(1, 2))]
        for form in figures:
            amount = language.money(draw.uniform(40, 9000))
            date = language.write_date(language.date(), long=True)
            value = amount if "{amount}" in form else date
            text = form.format(amount=amount, date=date)
            self.flow.paragraph(f"{text} {rest.pop()}" if rest else text, figure=value)
            if paragraphs:
                self.flow.paragraph(" ".join(paragraphs.pop(0)))
        for paragraph in paragraphs:
            self.flow.paragraph(" ".join(paragraph))
        self.flow.space(style.line * 0.5)

    def _set_signatory(self) -> None:
        language, draw, style = self.language, self.draw, self.style
        self.flow.need(style.line * 8)
        x = self.flow.x0 if draw.random() < 0.75 else self.flow.x0 + self.flow.column_width * 0.55
        closing = language.pick("letter.closings")
        if style.body.width(closing, style.size) > self.flow.x1 - x:
            x = self.flow.x0
        self.flow.lines([closing], style.body, style.size, x=x)
        self.flow.space(style.line * draw.uniform(1.8, 3.2))
        if draw.random() < 0.3:
            self.canvas.lines(
                [(x + n * 9, self.flow.y + draw.uniform(-9, 4)) for n in range(9)], width=1.0, color=(0.1, 0.1, 0.5)
            )
            self.flow.space(8)
        name = language.name()
        lines = [name]
        if draw.random() < 0.6:
            lines.append(language.pick("letter.roles"))
        boxes = self.flow.lines(lines, style.body, style.size, x=x)
        self.canvas.note("signatory", name, boxes[:1], labels=None, others=[(" ".join(lines), boxes)])
