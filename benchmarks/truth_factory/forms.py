"""Forms: fields of every manner, filled in or empty, groups of boxes to tick, drawn or as form fields of the PDF."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.fields import BESIDE, FORMS, CheckSetter, FieldSetter, draw_field_look
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import Style, draw_style

SORT = "form"
COMPLETE = (
    "field",
    "empty_field",
    "checkbox",
    "table",
    "cell",
    "list_item",
    "footnote",
    "caption",
    "title",
    "addressee",
)


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Form(draw, code).draw_all(seed)


class _Form:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        style = draw_style(draw, code)
        self.style: Style = dataclasses.replace(style, size=min(style.size, 10.5), head_bold=True)
        self.canvas = Canvas(self.style)
        self.x0, self.x1 = self.style.left, self.style.width - self.style.right
        self.band = draw.choice(["none", "fill", "rule", "dark"])
        self.numbers = draw.choice(["", "", "1. ", "A. "])
        self.widgets = draw.random() < 0.25
        self.empty = draw.choice([0.0, 0.2, 0.5, 1.0])
        manners = [one for one in (*FORMS, *BESIDE, "rule", "box") if one != "widget"]
        self.manners = ["widget"] if self.widgets else draw.sample(manners, 2)
        self.columns = draw.choice([[1], [2], [1, 2], [2, 3], [3]])
        self.colon = "\u00a0:" if code == "fr" else ":"

    def draw_all(self, seed: int) -> Drawn:
        style, canvas, language, draw = self.style, self.canvas, self.language, self.draw
        canvas.add_page()
        y = self._set_title(style.top)
        names = list(language.all("form.fields"))
        draw.shuffle(names)
        bottom = style.height - style.bottom
        sections = language.sample("form.sections", draw.randint(2, 4))
        choices = language.sample("form.choices", draw.randint(1, 4))
        for number, section in enumerate(sections):
            count = draw.randint(3, 6)
            chosen, names = names[:count], names[count:]
            y = self._set_section(number, section, chosen, choices, y, bottom)
            if not names or y > bottom - 120:
                break
        if draw.random() < 0.5 and y < bottom - 60:
            y = self._set_single_checks(y)
        if draw.random() < 0.6 and y < bottom - 20:
            self._set_signature(min(y + style.line * 2.5, bottom))
        return canvas.finish(SORT, self.code, seed, COMPLETE)

    def _fill(self, name: str, manner: str) -> tuple[str, str]:
        """Label and value; what has no mark of its place is always filled in, as nobody could tell that it is empty."""
        language, draw = self.language, self.draw
        label = language.pick(f"form.fields.{name}")
        often = self.empty if manner not in ("colon", "colon_tab") else min(self.empty, 0.2)
        if draw.random() < often and manner not in ("gap", "right_labels", "above"):
            return label, ""
        values: dict[str, Callable[[], str]] = {
            "name": language.name,
            "last": lambda: language.pick("last_names"),
            "first": lambda: language.pick("first_names"),
            "birth": lambda: language.write_date(language.date(first=1950, last=2004)),
            "city": lambda: language.pick("cities"),
            "street": language.street,
            "phone": language.phone,
            "email": lambda: f"{draw.choice(['info', 'kontakt', 'post'])}{draw.randint(1, 99)}@example.org",
            "country": lambda: language.pick("form.countries"),
            "job": lambda: language.pick("form.jobs"),
            "employer": lambda: language.pick("companies"),
            "id": language.code_number,
            "start": lambda: language.write_date(language.date()),
            "amount": lambda: language.money(draw.uniform(20, 4000)),
            "number": lambda: str(draw.randint(0, 12)),
        }
        return label, values[name]()

    def _set_title(self, y: float) -> float:
        style, canvas, language, draw = self.style, self.canvas, self.language, self.draw
        title = language.pick("form.titles")
        size = style.size * draw.uniform(1.5, 2.0)
        if draw.random() < 0.35:
            canvas.write(self.x0, y, language.pick("companies"), style.body, style.size * 0.9, color=(0.35, 0.35, 0.35))
            y += style.line
        y += size
        centered = draw.random() < 0.35
        x = (self.x0 + self.x1 - style.head.width(title, size)) / 2 if centered else self.x0
        area = canvas.write(x, y, title, style.head, size, color=style.head_color)
        canvas.note("title", title, [area], kinds=("heading",))
        y += size * 0.4
        if draw.random() < 0.6:
            y += style.line
            canvas.write(self.x0, y, language.pick("form.instructions"), style.text.italic, style.size * 0.9)
        return y + style.line

    def _set_section(
        self, number: int, section: str, names: list[str], choices: list[list[str]], y: float, bottom: float
    ) -> float:
        style, canvas, draw = self.style, self.canvas, self.draw
        look = draw_field_look(draw, style, self.manners, columns=self.columns, colon=self.colon)
        fields = [self._fill(name, look.manner) for name in names]
        setter = FieldSetter(
            canvas, style, draw, look, prefix=f"field{number}.", path=(self._number(number) + section,)
        )
        if y + setter.height(len(fields)) + style.line * 3 > bottom:
            canvas.add_page()
            y = style.top
        shown = self._number(number) + section
        y = self._set_heading(shown, section, y)
        if fields:
            y = setter.set(fields, self.x0, y, self.x1 - self.x0)
        if choices and draw.random() < 0.75:
            question, *options = choices.pop()
            if y + style.line * (len(options) + 3) < bottom:
                checks = CheckSetter(canvas, style, draw, widgets=self.widgets)
                checks.groups = number * 10
                ticked = draw.choice([-1, *range(len(options))]) if self.empty else draw.randrange(len(options))
                states = [ticked == n for n in range(len(options))]
                y = checks.set_group(question, options, states, self.x0, y, self.x1 - self.x0, (shown,))
        return y + style.line * 0.5

    def _number(self, number: int) -> str:
        return self.numbers.replace("1", str(number + 1)).replace("A", "ABCDEF"[number])

    def _set_heading(self, shown: str, section: str, y: float) -> float:
        style, canvas = self.style, self.canvas
        size = style.size * 1.15
        y += size * 1.2
        band = self.band
        inset = 4.0 if band in ("fill", "dark") else 0.0
        if band in ("fill", "dark"):
            color = style.light if band == "fill" else style.accent
            canvas.box((self.x0, y - size * 1.05, self.x1, y + size * 0.4), fill=color)
        elif band == "rule":
            canvas.rule(self.x0, y + size * 0.35, self.x1, y + size * 0.35, width=style.rule_width)
        ink = (1.0, 1.0, 1.0) if band == "dark" else style.head_color
        area = canvas.write(self.x0 + inset, y, shown, style.head, size, color=ink)
        others = []
        if shown != section:
            shift = style.head.width(shown, size) - style.head.width(section, size)
            others = [(section, [area._replace(x0=area.x0 + shift)])]
        canvas.note("heading", shown, [area], others=others)
        return y + size * 0.8

    def _set_single_checks(self, y: float) -> float:
        """Statements to be ticked, of no question."""
        checks = CheckSetter(self.canvas, self.style, self.draw, widgets=self.widgets)
        checks.after = False
        checks.groups = 900
        if checks.kind == "widget_circles":
            checks.kind = "widget_boxes"
        for statement in self.language.sample("form.single_checks", 2):
            ticked = [self.draw.random() < 0.5]
            y = checks.set_group("", [statement], ticked, self.x0, y - self.style.line * 0.4, self.x1 - self.x0, ())
        return y

    def _set_signature(self, y: float) -> None:
        """Rules to sign on, with what belongs there in small print below."""
        style, canvas = self.style, self.canvas
        labels = self.language.all("form.signature")
        wide = (self.x1 - self.x0) * 0.42
        for label, x in ((labels[1], self.x0), (labels[0], self.x1 - wide)):
            canvas.rule(x, y, x + wide, y, width=0.5)
            area = canvas.write(x, y + style.size, label, style.body, style.size * 0.75)
            canvas.note("empty_field", "", [area], label=label)
