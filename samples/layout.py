"""Setting a page: text that flows from frame to frame and page to page, ruled tables, bar charts.

Text is written in a subset of Markdown, so that a sample's content reads as content:

    # Chapter            ## Section           blank lines between blocks, **bold** within them
    - bullet             1. step              > callout: a tinted box
    | a | b |            a ruled table; its second line `|---|:-:|--:|` aligns the columns
    label :: value       facts, one a line
    ^ caption            small print
    !bars 90 title       a bar chart of that height; a `name: value` on each line that follows
    !rule                a line across
    !name                calls the figure of that name
    ---                  starts the next frame or page

Lengths are in points. Fonts are the 14 that every PDF reader has, so none is embedded and files stay small.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pymupdf

Colour = tuple[float, float, float]

LETTER = (612.0, 792.0)
A4 = (595.0, 842.0)
INK, GREY, RULE, PALE, PAPER = (0.13, 0.14, 0.17), (0.42, 0.44, 0.48), (0.72, 0.74, 0.78), (0.95, 0.96, 0.97), (1, 1, 1)

SHIFTS = {"l": 0.0, "c": 0.5, "r": 1.0}
"""How much of a line's width stands left of its place: left, centred, right."""
BOLD = {"helv": "hebo", "tiro": "tibo", "cour": "cobo"}


class Frame(NamedTuple):
    """A box on the page that text fills from its top."""

    x0: float
    y0: float
    x1: float
    y1: float


class Style(NamedTuple):
    """How a block of text looks; `leading` is the distance of baselines as a multiple of `size`."""

    font: str = "helv"
    size: float = 10
    colour: Colour = INK
    leading: float = 1.4
    after: float = 6


def read_text(name: str) -> str:
    """The file `text/NAME.md` of this folder."""
    return (Path(__file__).parent / "text" / f"{name}.md").read_text(encoding="utf-8")


@cache
def _font(name: str) -> Any:
    return pymupdf.Font(name)


@cache
def measure(text: str, font: str, size: float) -> float:
    """The width of `text` on one line."""
    width: float = _font(font).text_length(text, size)
    return width


def wrap(text: str, style: Style, width: float) -> list[list[tuple[str, str]]]:
    """`text` in lines no wider than `width`; a line is a list of words, each with its font (`**` toggles bold)."""
    lines: list[list[tuple[str, str]]] = [[]]
    room = width
    for part, piece in enumerate(text.split("**")):
        font = BOLD[style.font] if part % 2 else style.font
        for word in piece.split():
            needed = measure(word, font, style.size)
            if lines[-1] and needed > room:
                lines.append([])
                room = width
            lines[-1].append((font, word))
            room -= needed + measure(" ", font, style.size)
    return lines


def share_width(natural: Sequence[float], width: float) -> list[float]:
    """Column widths that fill `width`: narrow columns get what they ask for, wide ones share the rest."""
    if sum(natural) <= width:
        return [column * width / sum(natural) for column in natural]
    shares, left = [0.0] * len(natural), width
    for done, column in enumerate(sorted(range(len(natural)), key=natural.__getitem__)):
        shares[column] = min(natural[column], left / (len(natural) - done))
        left -= shares[column]
    return shares


class Sheets:
    """A document in the making: its current page, and the place on it where the next block goes.

    On a page all text lies above all drawing, in whatever order they were made.
    """

    def __init__(
        self,
        *,
        title: str,
        author: str,
        date: str,
        size: tuple[float, float] = LETTER,
        frames: Sequence[Frame] | None = None,
        first: Sequence[Frame] | None = None,
        face: str = "helv",
        body_pt: float = 10,
        accent: Colour = (0.10, 0.30, 0.50),
        furnish: Callable[[Sheets], None] = lambda sheets: None,
        footer: str = "",
        figures: Mapping[str, Callable[[Sheets], None]] | None = None,
        column_shares: Sequence[float] = (),
    ) -> None:
        """`date` is YYYY-MM-DD; `first` are the frames of page 1 where they differ from `frames`; `furnish` draws on
        every new page. In `footer`, `{page}` and `{pages}` are numbers, and a bar parts what stands left from what
        stands right. `column_shares` are the widths of tables set from text, as shares of the frame; without them
        the widths follow the contents.
        """
        self.size, self.accent, self.furnish, self.footer = size, accent, furnish, footer
        self.frames = list(frames or [Frame(60, 72, size[0] - 60, size[1] - 66)])
        self.figures, self.column_shares = figures or {}, column_shares
        self.body = Style(face, body_pt)
        bold = BOLD[face]
        self.heading = Style(bold, body_pt * 1.7, accent, 1.3, 8)
        self.subheading = Style(bold, body_pt * 1.2, INK, 1.35, 3)
        self.small = self.body._replace(size=body_pt * 0.85, colour=GREY, leading=1.35, after=3)
        self.number = 0
        self.unnumbered: set[int] = set()
        self.chapters: list[tuple[str, int]] = []
        self.document: Any = pymupdf.open()
        self.ink: Any = None
        stamp = f"D:{date.replace('-', '')}090000Z"
        self.document.set_metadata(
            {"title": title, "author": author, "producer": "", "creationDate": stamp, "modDate": stamp}
        )
        self.start_page(first)

    def start_page(self, frames: Sequence[Frame] | None = None, *, bare: bool = False) -> None:
        """A new page, filled through `frames` (else the document's own); a bare one has no header and footer."""
        self.number += 1
        self._turn_to(lambda: self.document.new_page(width=self.size[0], height=self.size[1]))
        self.waiting = list(frames or self.frames)
        self.start_frame()
        if bare:
            self.unnumbered.add(self.number)
        else:
            self.furnish(self)

    def reopen(self, number: int) -> Any:
        """Draw on page `number` from here on; returns the page, with everything on it that was drawn so far."""
        self._turn_to(lambda: self.document[number - 1])
        return self.page

    def _turn_to(self, find_page: Callable[[], Any]) -> None:
        # drawn at once, page by page: a content stream for each line and letter takes three times as long
        if self.ink:
            self.ink.commit()
        self.page: Any = find_page()
        self.ink = self.page.new_shape()

    def start_frame(self) -> None:
        """On to the next frame of the page, or to a new page."""
        if self.waiting:
            self.frame = self.waiting.pop(0)
            self.y = self.frame.y0
        else:
            self.start_page()

    @property
    def width(self) -> float:
        """The width of the current frame."""
        return self.frame.x1 - self.frame.x0

    def need(self, height: float) -> None:
        """Make sure that `height` is left in the current frame."""
        if self.y + height > self.frame.y1 and self.y > self.frame.y0:
            self.start_frame()

    def print(self, x: float, y: float, text: str, style: Style | None = None, align: str = "l") -> None:
        """One line with its baseline at `y`; `x` is its left end, middle or right end (`align` l, c or r)."""
        style = style or self.body
        x -= measure(text, style.font, style.size) * SHIFTS[align]
        # a base-14 font takes one byte a character, in the Windows encoding: this gives dashes, quotes and the euro
        encoded = text.encode("cp1252").decode("latin-1")
        self.ink.insert_text((x, y), encoded, fontname=style.font, fontsize=style.size, color=style.colour)

    def print_lines(
        self, x: float, y: float, lines: Sequence[str], style: Style | None = None, align: str = "l"
    ) -> None:
        """Lines below one another, the first with its baseline at `y`."""
        style = style or self.body
        for i, line in enumerate(lines):
            self.print(x, y + i * style.size * style.leading, line, style, align)

    def rule(self, x0: float, y0: float, x1: float, y1: float, colour: Colour = RULE, width: float = 0.6) -> None:
        """A straight line."""
        self.ink.draw_line((x0, y0), (x1, y1))
        self.ink.finish(color=colour, width=width)

    def box(
        self, frame: Sequence[float], fill: Colour | None = None, stroke: Colour | None = None, width: float = 0.6
    ) -> None:
        """A rectangle, filled or stroked or both."""
        self.ink.draw_rect(pymupdf.Rect(*frame))
        self.ink.finish(fill=fill, color=stroke, width=width if stroke else 0)

    def disc(
        self, centre: tuple[float, float], radius: float, fill: Colour, stroke: Colour = INK, width: float = 1
    ) -> None:
        """A filled circle with an outline."""
        self.ink.draw_circle(centre, radius)
        self.ink.finish(fill=fill, color=stroke, width=width)

    def curve(self, *points: tuple[float, float], colour: Colour, width: float = 1.1) -> None:
        """A Bézier curve from the first to the fourth point."""
        self.ink.draw_bezier(*points)
        self.ink.finish(color=colour, width=width, closePath=False)

    def paragraph(self, text: str, style: Style | None = None, *, indent: float = 0, mark: str = "") -> None:
        """Running text; `mark` (a bullet, a number) hangs in the indent of its first line."""
        style = style or self.body
        step = style.size * style.leading
        lines = wrap(text, style, self.width - indent)
        self.need(step * min(len(lines), 2))
        for i, line in enumerate(lines):
            self.need(step)
            baseline = self.y + style.size
            if mark and i == 0:
                self.print(self.frame.x0 + indent - 6, baseline, mark, style, "r")
            self._print_words(self.frame.x0 + indent, baseline, line, style)
            self.y += step
        self.y += style.after

    def _print_words(self, x: float, y: float, line: Sequence[tuple[str, str]], style: Style, align: str = "l") -> None:
        runs: list[tuple[str, str]] = []
        for font, word in line:
            if runs and runs[-1][0] == font:
                runs[-1] = (font, f"{runs[-1][1]} {word}")
            else:
                runs.append((font, word))
        widths = [measure(text + " ", font, style.size) for font, text in runs]
        x -= (sum(widths) - measure(" ", style.font, style.size)) * SHIFTS[align]
        for (font, text), width in zip(runs, widths, strict=True):
            self.print(x, y, text, style._replace(font=font))
            x += width

    def callout(self, text: str) -> None:
        """A tinted box with a bar in the accent colour at its left."""
        lines = wrap(text, self.body, self.width - 26)
        height = len(lines) * self.body.size * self.body.leading + 14
        self.need(height + 6)
        x0, top = self.frame.x0, self.y
        self.box((x0, top, self.frame.x1, top + height), fill=tuple(0.9 + 0.1 * part for part in self.accent))
        self.box((x0, top, x0 + 4, top + height), fill=self.accent)
        for i, line in enumerate(lines):
            y = top + 8 + self.body.size + i * self.body.size * self.body.leading
            self._print_words(x0 + 15, y, line, self.body)
        self.y = top + height + 10

    def table(
        self,
        rows: Sequence[Sequence[str]],
        *,
        aligns: str = "",
        widths: Sequence[float] = (),
        size: float = 0,
    ) -> None:
        """A ruled table, row 1 its header, which is repeated on every page. `widths` are shares of the frame."""
        style = self.body._replace(size=size or self.body.size * 0.9, leading=1.28)
        head = style._replace(font=BOLD[style.font], colour=PAPER)
        columns, pad = len(rows[0]), 5.0
        aligns = (aligns + "l" * columns)[:columns]
        natural = [
            max(measure(row[c], BOLD[style.font], style.size) for row in rows) + 2 * pad + 1 for c in range(columns)
        ]
        shares = [share * self.width for share in widths] or share_width(natural, self.width)

        def lay_row(row: Sequence[str], style: Style, fill: Colour | None) -> None:
            cells = [wrap(cell, style, share - 2 * pad) for cell, share in zip(row, shares, strict=True)]
            height = max(map(len, cells)) * style.size * style.leading + 2 * pad - 1.5
            if self.y + height > self.frame.y1:
                self.start_frame()
                if row is not rows[0]:
                    lay_row(rows[0], head, self.accent)
            if fill:
                self.box((self.frame.x0, self.y, self.frame.x1, self.y + height), fill=fill)
            x = self.frame.x0
            for lines, share, align in zip(cells, shares, aligns, strict=True):
                self.box((x, self.y, x + share, self.y + height), stroke=RULE)
                for i, line in enumerate(lines):
                    baseline = self.y + pad + style.size * (0.86 + i * style.leading)
                    self._print_words(x + pad + (share - 2 * pad) * SHIFTS[align], baseline, line, style, align)
                x += share
            self.y += height

        self.need(60)
        lay_row(rows[0], head, self.accent)
        for i, row in enumerate(rows[1:]):
            lay_row(row, style, PALE if i % 2 else None)
        self.y += 12

    def facts(self, pairs: Sequence[Sequence[str]]) -> None:
        """Lines of a bold label and its value, the values below one another."""
        style = self.body
        label_width = max(measure(label, BOLD[style.font], style.size) for label, _ in pairs) + 16
        for label, value in pairs:
            lines = wrap(value, style, self.width - label_width)
            self.need(len(lines) * style.size * style.leading)
            self.print(self.frame.x0, self.y + style.size, label, style._replace(font=BOLD[style.font]))
            for line in lines:
                self._print_words(self.frame.x0 + label_width, self.y + style.size, line, style)
                self.y += style.size * style.leading
            self.y += 1.5
        self.y += style.after

    def bar_chart(self, title: str, values: Sequence[tuple[str, float]], *, height: float) -> None:
        """Upright bars, their values above and their names below, one word a line; the tallest bar fills `height`."""
        self.need(height + 62)
        x0, floor = self.frame.x0, self.y + 34 + height
        slot, highest = self.width / len(values), max(value for _, value in values)
        label = self.body._replace(size=self.body.size * 0.82)
        # a name breaks at its spaces only where one of them would run into its neighbour
        crowded = any(measure(name, label.font, label.size) > slot for name, _ in values)
        names = [name.split() if crowded else [name] for name, _ in values]
        self.print(x0, self.y + 12, title, self.body._replace(font=BOLD[self.body.font]))
        for i in range(5):
            self.rule(x0, floor - height * i / 4, self.frame.x1, floor - height * i / 4, (0.88, 0.89, 0.91), 0.5)
        for i, (_, value) in enumerate(values):
            middle, peak = x0 + slot * (i + 0.5), floor - height * value / highest
            self.box((middle - slot * 0.3, peak, middle + slot * 0.3, floor), fill=self.accent)
            self.print(middle, peak - 4, f"{value:g}", label, "c")
            self.print_lines(middle, floor + label.size + 4, names[i], label, "c")
        self.rule(x0, floor, self.frame.x1, floor, INK, 0.8)
        self.y = floor + label.size * label.leading * max(map(len, names)) + 18

    def set_file(self, name: str) -> None:
        """Lay out the file `text/NAME.md` of this folder."""
        self.set(read_text(name))

    def set(self, markup: str) -> None:
        """Lay out text in the Markdown subset of this module."""
        for block in re.split(r"\n\s*\n", dedent(markup).strip()):
            first, lines = block.split(maxsplit=1)[0], block.splitlines()
            joined = " ".join(line.strip() for line in lines)
            if first == "---":
                self.start_frame()
            elif first == "!bars":
                height, title = lines[0].split(maxsplit=2)[1:]
                values = [(name, float(value)) for name, value in (line.split(": ") for line in lines[1:])]
                self.bar_chart(title, values, height=float(height))
            elif first == "!rule":
                self.rule(self.frame.x0, self.y, self.frame.x1, self.y, self.accent, 1)
                self.y += 8
            elif first.startswith("!"):
                self.figures[first[1:]](self)
            elif first == "#":
                self.need(90)
                self.y += 18 if self.y > self.frame.y0 else 0
                self.chapters.append((joined[2:], self.number))
                self.paragraph(joined[2:], self.heading)
            elif first == "##":
                self.need(70)
                self.y += 6 if self.y > self.frame.y0 else 0
                self.paragraph(joined[3:], self.subheading)
            elif first == ">":
                self.callout(joined[2:])
            elif first == "^":
                self.need(160)
                self.paragraph(joined[2:], self.small)
            elif first == "|":
                self._set_table(lines)
            elif " :: " in lines[0]:
                self.facts([line.split(" :: ") for line in lines])
            elif first == "-" or re.fullmatch(r"\d+\.", first):
                tight = self.body._replace(after=self.body.size * 0.27)
                for item in re.split(r"\n(?=- |\d+\. )", block):
                    mark, text = item.split(maxsplit=1)
                    self.paragraph(" ".join(text.split()), tight, indent=20, mark="•" if mark == "-" else mark)
                self.y += 5
            else:
                self.paragraph(joined)

    def _set_table(self, lines: Sequence[str]) -> None:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
        aligns = "".join({"---": "l", ":-:": "c", "--:": "r"}[cell] for cell in rows[1])
        self.table([rows[0], *rows[2:]], aligns=aligns, widths=self.column_shares)

    def to_bytes(self) -> bytes:
        """The finished PDF, the same bytes every time: no random /ID, and the dates of its metadata are given."""
        left, _, right = self.footer.partition("|")
        x0, x1, y = min(frame.x0 for frame in self.frames), max(frame.x1 for frame in self.frames), self.size[1] - 34
        for number in range(1, self.number + 1):
            self.reopen(number)
            if self.footer and number not in self.unnumbered:
                self.rule(x0, y - 13, x1, y - 13)
                for x, text, align in ((x0, left, "l"), (x1, right, "r")):
                    self.print(x, y, text.format(page=number, pages=self.number), self.small._replace(size=8), align)
        self.ink.commit()
        data: bytes = self.document.tobytes(garbage=4, deflate=True, no_new_id=True, use_objstms=1)
        return data
