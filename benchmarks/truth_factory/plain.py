"""Pages without tables or fields, for what is found on them to be counted as none: prose in columns, code, references,
contents, diagrams and charts."""

from __future__ import annotations

import dataclasses
import random

from benchmarks.truth_factory import charts
from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.faces import COURIER, MONO
from benchmarks.truth_factory.flow import Flow, wrap
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.reports import set_heads_and_numbers
from benchmarks.truth_factory.style import Style, draw_style

SORT = "plain"
COMPLETE = {
    "prose": ("field", "empty_field", "checkbox", "table", "cell", "list_item", "caption", "addressee", "signatory"),
    "code": ("field", "empty_field", "checkbox", "table", "cell", "caption", "addressee", "signatory", "footnote"),
    "references": ("field", "empty_field", "checkbox", "table", "cell", "caption", "addressee", "signatory"),
    # a contents' entry may well be read as a field: on which page does it begin
    "contents": ("empty_field", "checkbox", "table", "cell", "caption", "addressee", "signatory", "section", "figure"),
    "figures": ("field", "empty_field", "checkbox", "table", "cell", "list_item", "caption", "addressee", "signatory"),
}
_CODE = """\
def read_rows(path, *, limit=None):
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            if limit is not None and number >= limit:
                break
            rows.append(line.rstrip().split("\\t"))
    return rows


class Store:
    sizes = {"small": 10, "large": 400}
    name: str = "default"

    def __init__(self, root, size="small"):
        self.root = root
        self.size = self.sizes[size]   # in rows
        self.items = {}

    def put(self, key, value):
        if len(self.items) >= self.size:
            raise ValueError("full")
        self.items[key] = value

    def total(self):
        return sum(len(item) for item in self.items.values())
"""
_SETTINGS = """\
server:
  host: 127.0.0.1
  port: 8080
  timeout: 30
storage:
  path: /var/data
  keep: 14
  compress: true
workers: 4
[build]
target = release
jobs   = 8
int main(void) {
    int   count = 0;
    float share = 0.5f;
    char *name  = "none";
    return count;
}
"""


def draw(seed: int, code: str) -> Drawn:
    draw = random.Random(f"{SORT} {seed} {code}")
    return _Plain(draw, code).draw_all(seed)


class _Plain:
    def __init__(self, draw: random.Random, code: str) -> None:
        self.draw, self.code = draw, code
        self.language = Language(code, draw)
        self.manner = draw.choice(["prose", "prose", "code", "references", "contents", "figures", "figures"])
        style = draw_style(draw, code)
        columns = 2 if self.manner == "prose" or (self.manner == "references" and draw.random() < 0.5) else 1
        if columns == 2:
            style = dataclasses.replace(style, size=min(style.size, 10.0), left=52.0, right=52.0)
        self.style: Style = style
        self.canvas = Canvas(style)
        self.flow = Flow(self.canvas, style, draw, columns=columns)

    def draw_all(self, seed: int) -> Drawn:
        {
            "prose": self._set_prose,
            "code": self._set_code,
            "references": self._set_references,
            "contents": self._set_contents,
            "figures": self._set_figures,
        }[self.manner]()
        self.flow.close_page()
        set_heads_and_numbers(self.canvas, self.style, self.draw, self.language)
        return self.canvas.finish(SORT, self.code, seed, COMPLETE[self.manner])

    def _text(self, count: int) -> str:
        return " ".join(self.language.sample("report.sentences", count))

    def _set_prose(self) -> None:
        draw = self.draw
        for heading in self.language.sample("report.headings", draw.randint(3, 6)):
            self.flow.heading(heading)
            for _ in range(draw.randint(2, 4)):
                self.flow.paragraph(self._text(draw.randint(2, 6)))

    def _set_code(self) -> None:
        draw, flow, style = self.draw, self.flow, self.style
        flow.heading(self.language.pick("report.headings"))
        flow.paragraph(self._text(3))
        self.canvas.show("code")
        face = draw.choice([MONO, COURIER])
        size = style.size * 0.85
        lines = draw.choice([_CODE, _SETTINGS, _CODE]).splitlines()
        flow.space(style.line * 0.5)
        top = flow.y
        high = len(lines) * size * 1.2 + 12
        framed = draw.choice(["no", "box", "fill"])
        if framed != "no":
            area = (flow.x0, top, flow.x1, top + high)
            self.canvas.box(
                area, fill=style.light if framed == "fill" else None, stroke=None if framed == "fill" else (0, 0, 0)
            )
        numbered = draw.random() < 0.4
        y = top + 4
        for number, line in enumerate(lines, 1):
            y += size * 1.2
            if numbered:
                text = f"{number:>2}"
                self.canvas.write(flow.x0 + 6, y, text, face, size * 0.85, color=(0.5, 0.5, 0.5))
            stripped = line.lstrip()
            if stripped:
                x = flow.x0 + (28 if numbered else 8) + face.width(" ", size) * (len(line) - len(stripped))
                self.canvas.write(x, y, stripped, face, size)
        flow.y = top + high + style.line
        flow.paragraph(self._text(2))

    def _set_references(self) -> None:
        draw, flow, style, language = self.draw, self.flow, self.style, self.language
        flow.heading(language.all("report.references"))
        form = draw.choice(["[{n}]", "{n}.", ""])
        for number in range(1, draw.randint(9, 18)):
            authors = ", ".join(
                f"{language.pick('last_names')} {first[0]}."
                for first in language.sample("first_names", draw.randint(1, 3))
            )
            journal, year = language.pick("report.journals"), draw.randint(1995, 2024)
            start = draw.randint(1, 300)
            title = language.pick("report.titles")
            text = f"{authors} ({year}): {title}. {journal} {draw.randint(1, 60)}, {start}–{start + 14}."
            mark = form.format(n=number)
            hang = style.size * 2.2
            lines = wrap(text, style.body, style.size, flow.column_width - hang)
            flow.need(style.line * (len(lines) + 0.5))
            self.canvas.show("references")
            if mark:
                self.canvas.write(flow.x0, flow.y + style.line, mark, style.body, style.size)
            flow.lines(lines, style.body, style.size, x=flow.x0 + hang, first_indent=0.0 if mark else -hang)
            flow.space(style.line * 0.2)

    def _set_contents(self) -> None:
        """Entries with page numbers, joined by leaders, or a gap alone."""
        draw, flow, style, language = self.draw, self.flow, self.style, self.language
        flow.title(language.all("report.contents"), size=style.size * 1.8)
        self.canvas.show("contents")
        leader = draw.choice([".", " .", ""])
        page = draw.randint(1, 5)
        for number, heading in enumerate(language.sample("report.headings", 7), 1):
            entries = [(0, f"{number} {heading}" if style.numbered else heading)]
            for below, name in enumerate(language.sample("report.subheadings", draw.randint(0, 3)), 1):
                entries.append((1, f"{number}.{below} {name}" if style.numbered else name))
            for level, text in entries:
                page += draw.randint(0, 6)
                face = style.text.bold if level == 0 and leader != "." else style.body
                flow.space(style.line * (0.4 if level == 0 else 0))
                (area,) = flow.lines([text], face, style.size, x=flow.x0 + level * 16)
                end = flow.x1 - style.body.width(str(page), style.size)
                self.canvas.write(end, flow.y, str(page), style.body, style.size)
                count = int((end - area.x1 - 10) / style.body.width(leader, style.size)) if leader else 0
                if count > 3:
                    dots = (leader * count).strip()
                    self.canvas.write(
                        end - 4 - style.body.width(dots, style.size), flow.y, dots, style.body, style.size
                    )

    def _set_figures(self) -> None:
        draw, flow, style, language = self.draw, self.flow, self.style, self.language
        flow.heading(language.pick("report.headings"))
        for number in range(1, draw.randint(3, 4)):
            flow.paragraph(self._text(draw.randint(2, 4)))
            high = draw.uniform(120, 200)
            flow.need(high + style.line * 3)
            flow.space(style.line * 0.5)
            chart = Area(flow.x0, flow.y, flow.x0 + min(flow.column_width, draw.uniform(250, 420)), flow.y + high)
            charts.draw_figure(self.canvas, style, draw, language, chart)
            flow.y += high + style.line * 0.4
            label = f"{language.one('report.figure_word')} {number}"
            caption = language.pick("report.figure_captions")
            head = f"{label}: "
            (area, *rest) = flow.lines(
                wrap(head + caption, style.body, style.size * 0.9, flow.column_width), style.body, style.size * 0.9
            )
            shift = style.body.width(head, style.size * 0.9)
            self.canvas.note("caption", caption, [Area(area.x0 + shift, *area[1:]), *rest], label=label)
            flow.space(style.line)
