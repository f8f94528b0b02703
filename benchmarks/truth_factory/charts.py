"""Figures of a report that hold no facts: bar and line charts with axes, and diagrams of boxes."""

from __future__ import annotations

import random

from benchmarks.truth_factory.canvas import Area, Canvas
from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.style import BLACK, Style


def draw_figure(canvas: Canvas, style: Style, draw: random.Random, language: Language, area: Area) -> None:
    """A chart or a diagram inside the area."""
    draw.choice([draw_chart, draw_chart, draw_diagram])(canvas, style, draw, language, area)


def draw_chart(canvas: Canvas, style: Style, draw: random.Random, language: Language, area: Area) -> None:
    """Bars or a line over an evenly stepped axis, with names below and a legend."""
    canvas.show("chart")
    size = max(6.0, style.size * 0.7)
    left, low = area.x0 + size * 4, area.y1 - size * 2
    step = draw.choice([5, 10, 20, 25, 50, 100, 1000])
    count = draw.randint(3, 6)
    high = low - area.y0 - size
    grid = draw.random() < 0.5
    for number in range(count + 1):
        y = low - high * number / count
        text = language.number(step * number)
        canvas.write(left - 5 - style.body.width(text, size), y + size * 0.35, text, style.body, size)
        if grid:
            canvas.rule(left, y, area.x1, y, width=0.3, color=(0.7, 0.7, 0.7))
        else:
            canvas.rule(left - 3, y, left, y, width=0.5)
    canvas.rule(left, low, area.x1, low, width=0.7)
    canvas.rule(left, area.y0, left, low, width=0.7)
    bars = draw.random() < 0.65
    first = draw.randint(2008, 2018)
    names = [str(first + n) for n in range(draw.randint(4, 7))]
    if bars and draw.random() < 0.4:
        names = language.sample("table.products", 4)
    wide = (area.x1 - left) / len(names)
    points = []
    for number, name in enumerate(names):
        middle = left + wide * (number + 0.5)
        top = low - high * draw.uniform(0.1, 0.97)
        points.append((middle, top))
        if bars:
            canvas.box((middle - wide * 0.3, top, middle + wide * 0.3, low), fill=style.accent)
        canvas.write(middle - style.body.width(name, size) / 2, low + size * 1.4, name, style.body, size)
    if not bars:
        canvas.lines(points, width=1.2, color=style.accent)


def draw_diagram(canvas: Canvas, style: Style, draw: random.Random, language: Language, area: Area) -> None:
    """Named boxes in rows, joined by lines."""
    canvas.show("diagram")
    size = max(6.0, style.size * 0.75)
    names = [*language.all("directory.departments")]
    draw.shuffle(names)
    rows, columns = draw.choice([(2, 2), (2, 3), (3, 2)])
    wide, high = (area.x1 - area.x0) / columns, (area.y1 - area.y0) / rows
    for row in range(rows):
        for column in range(columns):
            x, y = area.x0 + column * wide + wide * 0.08, area.y0 + row * high + high * 0.2
            box = Area(x, y, x + wide * 0.84, y + high * 0.6)
            filled = draw.random() < 0.3
            canvas.box(box, fill=style.light if filled else None, stroke=BLACK, width=0.6)
            name = names[(row * columns + column) % len(names)]
            fitted = min(size, size * (wide * 0.8) / style.body.width(name, size))
            at = (box.x0 + box.x1 - style.body.width(name, fitted)) / 2
            canvas.write(at, (box.y0 + box.y1) / 2 + fitted * 0.35, name, style.body, fitted)
            if column + 1 < columns:
                canvas.rule(box.x1, (box.y0 + box.y1) / 2, box.x1 + wide * 0.16, (box.y0 + box.y1) / 2, width=0.6)
            if row + 1 < rows:
                canvas.rule((box.x0 + box.x1) / 2, box.y1, (box.x0 + box.x1) / 2, box.y1 + high * 0.4, width=0.6)
