"""Samples from technical and public work: a two-column report, a slide deck, and a data sheet with a drawing."""

from __future__ import annotations

from layout import A4, GREY, INK, PALE, PAPER, Colour, Frame, Sheets, Style


def draw_report() -> bytes:
    """Two pages in two columns, with ruled tables and a bar chart among the text."""

    def furnish(sheets: Sheets) -> None:
        if sheets.number > 1:
            sheets.print(54, 44, "Fallbrook tree canopy survey 2023", Style("heit", 8.5, GREY))
            sheets.rule(54, 52, 558, 52)
            return
        sheets.box((0, 0, 612, 138), fill=sheets.accent)
        sheets.print(54, 50, "CITY OF FALLBROOK  ·  DEPARTMENT OF PARKS AND TREES", Style("helv", 9, (0.8, 0.9, 0.82)))
        sheets.print(54, 84, "Tree canopy survey 2023", Style("hebo", 28, PAPER))
        sheets.print(54, 108, "What ten years of planting have changed, district by district", Style("helv", 12, PAPER))
        sheets.print(558, 128, "Report 24-07, published 22 April 2024", Style("heit", 9, (0.8, 0.9, 0.82)), "r")

    columns = [Frame(54, 72, 297, 738), Frame(315, 72, 558, 738)]
    sheets = Sheets(
        title="Tree canopy survey 2023",
        author="City of Fallbrook",
        date="2024-04-22",
        frames=columns,
        first=[frame._replace(y0=160) for frame in columns],
        body_pt=9.6,
        accent=(0.12, 0.36, 0.27),
        furnish=furnish,
        footer="City of Fallbrook, Department of Parks and Trees|{page} / {pages}",
    )
    sheets.set_file("report")
    return sheets.to_bytes()


NAVY, ORANGE, BLUE = (0.07, 0.16, 0.30), (0.90, 0.45, 0.10), (0.06, 0.33, 0.58)
COSTS = [
    ("$18.0 M", "24 battery buses", "$750,000 each"),
    ("$5.9 M", "depot and chargers", "30 charging points"),
    ("$2.1 M", "46 shelters", "ready by October"),
    ("$1.4 M", "fare system", "supplier: Tapline"),
]
STEPS = [
    ("Jan 21, 2025", "Public hearings", "4 evenings"),
    ("Mar 14, 2025", "Board vote", "on the final plan"),
    ("Jun 2, 2025", "First buses", "8 of 24"),
    ("Sep 7, 2025", "New lines start", "all five"),
    ("Nov 28, 2025", "Depot opens", "Ferry Road 12"),
]


def draw_slides() -> bytes:
    """Six landscape slides: title, chart, table, bullets, cards with amounts, timeline."""

    def furnish(sheets: Sheets) -> None:
        sheets.box((0, 0, 720, 6), fill=ORANGE)

    def put_title(sheets: Sheets) -> None:
        sheets.unnumbered.add(1)
        sheets.box((0, 0, 720, 405), fill=NAVY)
        sheets.box((44, 128, 104, 133), fill=ORANGE)
        sheets.print(44, 178, "Network plan 2025", Style("hebo", 40, PAPER))
        sheets.print(44, 210, "More buses, simpler lines, one fare", Style("helv", 20, (0.8, 0.85, 0.92)))
        byline = [
            "Yolanda Reyes, Director of Planning",
            "Board meeting, December 5, 2024",
            "Northgate Transit Authority",
        ]
        sheets.print_lines(44, 300, byline, Style("helv", 13, PAPER))

    def put_cards(sheets: Sheets) -> None:
        y = sheets.y + 4
        for i, (amount, what, note) in enumerate(COSTS):
            x = 44 + 160 * i
            sheets.box((x, y, x + 148, y + 104), fill=PALE)
            sheets.box((x, y, x + 148, y + 4), fill=ORANGE)
            sheets.print(x + 12, y + 42, amount, Style("hebo", 25, NAVY))
            sheets.print(x + 12, y + 66, what, Style("hebo", 13))
            sheets.print(x + 12, y + 86, note, Style("helv", 11.5, GREY))
        sheets.y += 126

    def put_timeline(sheets: Sheets) -> None:
        line = sheets.y + 38
        sheets.rule(60, line, 660, line, NAVY, 2.5)
        for i, (day, what, note) in enumerate(STEPS):
            x = 90 + 135 * i
            sheets.disc((x, line), 7, ORANGE, PAPER, 2)
            sheets.print(x, line - 16, day, Style("hebo", 13, NAVY), "c")
            sheets.print(x, line + 27, what, Style("hebo", 12), "c")
            sheets.print(x, line + 43, note, Style("helv", 11, GREY), "c")
        sheets.y = line + 74

    sheets = Sheets(
        title="Northgate Transit: network plan 2025",
        author="Northgate Transit Authority",
        date="2024-12-05",
        size=(720, 405),
        frames=[Frame(44, 34, 676, 350)],
        body_pt=14,
        accent=NAVY,
        furnish=furnish,
        figures={"title": put_title, "cards": put_cards, "timeline": put_timeline},
        footer="Northgate Transit  ·  Network plan 2025  ·  Board meeting, December 5, 2024|{page}",
    )
    sheets.heading = sheets.heading._replace(size=25, after=12)
    sheets.set_file("slides")
    return sheets.to_bytes()


def _dimension(sheets: Sheets, start: tuple[float, float], end: tuple[float, float], text: str) -> None:
    """A dimension line with arrow heads; its text above the middle, or to the right of an upright line."""
    (x0, y0), (x1, y1) = start, end
    sheets.rule(x0, y0, x1, y1, INK, 0.5)
    level = y0 == y1
    for x, y, sense in ((x0, y0, 1), (x1, y1, -1)):
        for side in (-1.8, 1.8):
            sheets.rule(x, y, x + (5 * sense if level else side), y + (side if level else 5 * sense), INK, 0.5)
    style = Style("helv", 7.5)
    if level:
        sheets.print((x0 + x1) / 2, y0 - 3, text, style, "c")
    else:
        sheets.print(x0 + 4, (y0 + y1) / 2 + 3, text, style)


def _draw_transmitter(sheets: Sheets, x: float, y: float) -> None:
    """The transmitter from the side, with its dimensions; `x` is its axis, `y` its upper end."""
    steel, dark = (0.86, 0.88, 0.90), (0.55, 0.58, 0.62)
    parts: list[tuple[float, float, float, Colour]] = [
        (13, 0, 26, dark), (19, 26, 32, steel), (27, 32, 118, steel), (31, 118, 136, dark), (20, 136, 142, steel),
        (16, 142, 178, steel), (9, 178, 184, dark),
    ]  # fmt: skip
    for half, top, bottom, fill in parts:
        sheets.box((x - half, y + top, x + half, y + bottom), fill=fill, stroke=INK, width=0.8)
    for i in range(9):
        sheets.rule(x - 16, y + 145 + 4 * i - 1.5, x + 16, y + 147 + 4 * i - 1.5, GREY, 0.5)
    for shift in (-10, 10):
        sheets.rule(x + shift, y + 118, x + shift, y + 136, INK, 0.6)
    sheets.box((x - 19, y + 54, x + 19, y + 90), fill=PAPER, stroke=BLUE, width=0.8)
    sheets.print(x, y + 69, "PT-70", Style("hebo", 8.5, BLUE), "c")
    sheets.print(x, y + 81, "0–16 bar", Style("helv", 6.5), "c")
    for level in (0, 184):
        sheets.rule(x + 34, y + level, x + 66, y + level, GREY, 0.4)
    _dimension(sheets, (x + 60, y), (x + 60, y + 184), "92 mm")
    for level in (142, 178):
        sheets.rule(x + 19, y + level, x + 42, y + level, GREY, 0.4)
    _dimension(sheets, (x + 38, y + 142), (x + 38, y + 178), "18")
    for side in (-27, 27):
        sheets.rule(x + side, y + 32, x + side, y - 16, GREY, 0.4)
    _dimension(sheets, (x - 27, y - 12), (x + 27, y - 12), "Ø 27 mm")
    labels = [
        (13, "M12 connector, 4 pins"),
        (72, "Housing, steel 316L"),
        (127, "Hexagon, 27 mm across"),
        (160, "Thread G 1/2 B"),
    ]
    for level, text in labels:
        sheets.rule(x - 56, y + level, x - 34, y + level, GREY, 0.4)
        sheets.print(x - 60, y + level + 2.5, text, Style("helv", 7.5), "r")
    sheets.print(x, y + 208, "Dimensions in millimeters; version with thread G 1/2", Style("heit", 8, GREY), "c")


def draw_datasheet() -> bytes:
    """Two pages about one instrument: features beside a dimensioned drawing, specifications, ordering code."""

    def furnish(sheets: Sheets) -> None:
        sheets.box((0, 0, A4[0], 64), fill=BLUE)
        sheets.print(48, 32, "PT-70 pressure transmitter", Style("hebo", 19, PAPER))
        sheets.print(48, 50, "For water, oil, gas and refrigerants in machines and plants", Style("helv", 10, PAPER))
        sheets.print(A4[0] - 48, 32, "QUILL INSTRUMENTS", Style("hebo", 11, PAPER), "r")
        sheets.print(A4[0] - 48, 50, "Data sheet DS-PT70-EN, revision 4", Style("helv", 8.5, PAPER), "r")

    whole = Frame(48, 84, A4[0] - 48, A4[1] - 66)
    sheets = Sheets(
        title="PT-70 pressure transmitter, data sheet",
        author="Quill Instruments GmbH",
        date="2024-06-10",
        size=A4,
        frames=[whole],
        first=[whole._replace(x1=290, y1=352), whole._replace(y0=352)],
        body_pt=9.6,
        accent=BLUE,
        furnish=furnish,
        figures={"drawing": lambda sheets: _draw_transmitter(sheets, 448, 124)},
        footer="Quill Instruments GmbH, Lindenweg 14, 79100 Freiburg, Germany  ·  June 2024|{page} / {pages}",
    )
    sheets.set_file("datasheet")
    return sheets.to_bytes()
