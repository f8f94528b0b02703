"""A page of charts: grouped bars and two lines, each with axes, ticks and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from layout import INK, LETTER, RULE, Colour, Frame, Sheets, Style

BLUE, SAND = (0.13, 0.37, 0.58), (0.87, 0.62, 0.25)
GOODS = ["Containers", "Grain", "Timber", "Coal", "Fish"]
TONNES = {"2023": [1640, 1210, 980, 1430, 290], "2024": [1850, 1460, 1120, 1190, 260]}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
PASSENGERS = {
    "2023": [21, 22, 29, 38, 52, 66, 84, 89, 61, 18, 27, 26],
    "2024": [23, 24, 31, 41, 55, 70, 88, 94, 66, 45, 29, 28],
}
COLOURS = {"2023": SAND, "2024": BLUE}


class Plot:
    """The field of a chart in the current frame, with its vertical axis drawn; `rise` turns values into heights."""

    def __init__(self, sheets: Sheets, *, height: float, top: int, step: int, unit: str, names: Sequence[str]) -> None:
        self.sheets, self.height, self.top = sheets, height, top
        self.left, self.right = sheets.frame.x0 + 44, sheets.frame.x1 - 8
        self.floor = sheets.y + 34 + height
        self.label = Style(size=8.5)
        self.slot = (self.right - self.left) / len(names)
        sheets.print(sheets.frame.x0, sheets.y + 12, unit, self.label)
        for value in range(0, top + 1, step):
            y = self.rise(value)
            if value:
                sheets.rule(self.left, y, self.right, y, (0.86, 0.87, 0.89), 0.5)
            sheets.rule(self.left - 4, y, self.left, y, INK, 0.7)
            sheets.print(self.left - 8, y + 3, f"{value:,}", self.label, "r")
        sheets.rule(self.left, self.rise(top) - 6, self.left, self.floor, INK, 0.8)
        sheets.rule(self.left, self.floor, self.right, self.floor, INK, 0.8)
        for number, name in enumerate(names):
            sheets.print(self.middle(number), self.floor + 13, name, self.label, "c")
        self._put_legend(sheets.y + 12)
        sheets.y = self.floor + 24

    def rise(self, value: float) -> float:
        return self.floor - self.height * value / self.top

    def middle(self, number: int) -> float:
        return self.left + self.slot * (number + 0.5)

    def _put_legend(self, y: float) -> None:
        for number, (name, colour) in enumerate(COLOURS.items()):
            x = self.right - 110 + 58 * number
            self.sheets.box((x, y - 7, x + 9, y + 1), fill=colour)
            self.sheets.print(x + 13, y, name, self.label)


def put_bars(sheets: Sheets) -> None:
    plot = Plot(sheets, height=135, top=2000, step=500, unit="Thousand tonnes", names=GOODS)
    wide = plot.slot * 0.3
    for side, (year, values) in enumerate(TONNES.items()):
        for number, value in enumerate(values):
            x = plot.middle(number) - wide + wide * side
            sheets.box((x + 1, plot.rise(value), x + wide - 1, plot.floor), fill=COLOURS[year])
            sheets.print(x + wide / 2, plot.rise(value) - 3, f"{value:,}", Style(size=7.5), "c")


def put_lines(sheets: Sheets) -> None:
    plot = Plot(sheets, height=122, top=100, step=25, unit="Thousand passengers", names=MONTHS)
    for year, values in PASSENGERS.items():
        points = [(plot.middle(number), plot.rise(value)) for number, value in enumerate(values)]
        for start, end in pairwise(points):
            sheets.rule(*start, *end, COLOURS[year], 1.6)
        for point in points:
            sheets.disc(point, 2.2, COLOURS[year], COLOURS[year], 0.5)


def draw_charts() -> bytes:
    """One page: two charts with captions between short paragraphs."""
    accent: Colour = BLUE

    def furnish(sheets: Sheets) -> None:
        sheets.print(60, 46, "Millport Port Authority", Style("hebo", 9, accent))
        sheets.print(LETTER[0] - 60, 46, "Annual figures, 15 January 2025", Style(size=9), "r")
        sheets.rule(60, 53, LETTER[0] - 60, 53, RULE)

    sheets = Sheets(
        title="Millport Harbor in 2024",
        author="Millport Port Authority",
        date="2025-01-15",
        frames=[Frame(60, 66, LETTER[0] - 60, 740)],
        accent=accent,
        furnish=furnish,
        figures={"tonnes": put_bars, "passengers": put_lines},
        footer="Millport Port Authority, Pier 1, Millport|Page {page} of {pages}",
    )
    sheets.set_file("harbor")
    return sheets.to_bytes()
