"""A sample of many pages: the operating manual of a water treatment unit, with one page left blank on purpose."""

from __future__ import annotations

from layout import GREY, INK, PALE, PAPER, Frame, Sheets, Style

TEAL, DARK = (0.0, 0.42, 0.47), (0.05, 0.18, 0.24)


def draw_manual() -> bytes:
    """Title page, notice, contents, a blank page, thirteen chapters and three appendices."""

    def furnish(sheets: Sheets) -> None:
        sheets.print(66, 44, "AquaLine 240  ·  Operating manual", Style("helv", 8.5, GREY))
        sheets.print(546, 44, "AL240-OM-EN, edition 3", Style("helv", 8.5, GREY), "r")
        sheets.rule(66, 51, 546, 51, TEAL, 1)

    def reserve_contents(sheets: Sheets) -> None:
        nonlocal contents
        contents = sheets.number

    contents = 0
    sheets = Sheets(
        title="AquaLine 240 operating manual",
        author="Aldermere Water Systems Ltd",
        date="2023-09-04",
        frames=[Frame(66, 76, 546, 730)],
        body_pt=11.2,
        accent=TEAL,
        furnish=lambda sheets: furnish(sheets) if sheets.number > 1 else None,
        footer="Aldermere Water Systems Ltd|{page}",
        figures={
            "title": _draw_title,
            "contents": reserve_contents,
            "blank": lambda sheets: sheets.start_page(bare=True),
            "flow": _draw_flow,
            "panel": _draw_panel,
            "site": _draw_site,
        },
    )
    sheets.set_file("manual")
    sheets.reopen(contents)
    sheets.print(66, 94, "Contents", sheets.heading)
    for i, (title, number) in enumerate(sheets.chapters):
        y = 130 + 25 * i
        sheets.print(66, y, title, Style(size=11.5))
        sheets.print(546, y, f"{number}", Style(size=11.5), "r")
        sheets.rule(66, y + 7, 546, y + 7)
    return sheets.to_bytes()


def _draw_title(sheets: Sheets) -> None:
    sheets.unnumbered.add(sheets.number)
    sheets.box((0, 0, 612, 430), fill=DARK)
    for i in range(9):
        sheets.curve(
            (0, 330 + 11 * i), (200, 270 + 15 * i), (400, 400 + 5 * i), (612, 310 + 13 * i), colour=TEAL, width=1.2
        )
    sheets.print(66, 150, "AquaLine 240", Style("hebo", 46, PAPER))
    sheets.print(66, 184, "Reverse osmosis unit for drinking water", Style("helv", 18, (0.75, 0.88, 0.9)))
    sheets.print(66, 490, "Operating manual", Style("hebo", 24, TEAL))
    lines = ["Installation, operation and maintenance", "Edition 3, September 2023", "Document number AL240-OM-EN"]
    sheets.print_lines(66, 518, lines, Style("helv", 13))
    sheets.print(66, 640, "Read this manual before you install or switch on the unit.", Style("hebo", 11))
    sheets.print(66, 720, "Aldermere Water Systems Ltd", Style("hebo", 12, DARK))
    sheets.print(66, 736, "Unit 6, Weir Mill Estate, Thornbury BS35 4QX, United Kingdom", Style("helv", 10, GREY))


def _close_figure(sheets: Sheets, height: float, caption: str) -> None:
    sheets.y += height
    sheets.paragraph(caption, sheets.small._replace(after=10))


def _draw_flow(sheets: Sheets) -> None:
    sheets.need(190)
    y = sheets.y + 30
    boxes = [
        ("V1", "Feed valve"),
        ("F1", "Fine filter"),
        ("F2", "Carbon filter"),
        ("P", "Pump"),
        ("M1, M2", "Membranes"),
    ]
    for i, (name, what) in enumerate(boxes):
        x = 66 + 96 * i
        sheets.box((x, y, x + 70, y + 46), fill=PALE, stroke=TEAL, width=1.2)
        sheets.print(x + 35, y + 20, name, Style("hebo", 11, DARK), "c")
        sheets.print(x + 35, y + 35, what, Style("helv", 8.5), "c")
        if i:
            _draw_arrow(sheets, x - 26, y + 23, x, y + 23)
    middle = 66 + 96 * 4 + 35
    _draw_arrow(sheets, middle, y, middle, y - 26)
    sheets.print(middle - 6, y - 14, "Permeate to the tank", Style("helv", 8.5), "r")
    _draw_arrow(sheets, middle, y + 46, middle, y + 108)
    sheets.print(middle - 6, y + 104, "Concentrate to the drain", Style("helv", 8.5), "r")
    pump = 66 + 96 * 3 + 35
    sheets.rule(middle, y + 72, pump, y + 72, INK, 1)
    _draw_arrow(sheets, pump, y + 72, pump, y + 46)
    sheets.print(pump + 8, y + 68, "Return", Style("helv", 8.5))
    dosing = 66 + 96 * 3 - 13
    sheets.box((dosing - 62, y + 80, dosing + 16, y + 112), fill=PALE, stroke=TEAL, width=1.2)
    sheets.print(dosing - 23, y + 100, "Antiscalant", Style("helv", 8.5), "c")
    _draw_arrow(sheets, dosing, y + 80, dosing, y + 24)
    _close_figure(sheets, 152, "**Figure 1.** Flow of water through the unit")


def _draw_arrow(sheets: Sheets, x0: float, y0: float, x1: float, y1: float) -> None:
    sheets.rule(x0, y0, x1, y1, INK, 1)
    back = 5.0 if x1 > x0 or y1 > y0 else -5.0
    if y0 == y1:
        head = [(x1, y1), (x1 - back, y1 - 3), (x1 - back, y1 + 3)]
    else:
        head = [(x1, y1), (x1 - 3, y1 - back), (x1 + 3, y1 - back)]
    sheets.ink.draw_polyline(head)
    sheets.ink.finish(color=INK, fill=INK, width=0.5)


def _draw_panel(sheets: Sheets) -> None:
    sheets.need(230)
    x, y = 106, sheets.y + 6
    sheets.box((x, y, x + 400, y + 176), fill=(0.88, 0.90, 0.91), stroke=DARK, width=1.5)
    sheets.box((x + 24, y + 24, x + 204, y + 128), fill=DARK, stroke=INK, width=1)
    readings = ["PRODUCTION", "Conductivity   9 µS/cm", "Flow   238 l/h", "Recovery   60 %", "Tank   71 %"]
    sheets.print_lines(x + 36, y + 46, readings, Style("cour", 10, (0.6, 0.95, 0.85), 1.7))
    for i, (label, fill) in enumerate([("Start", (0.2, 0.6, 0.3)), ("Stop", (0.3, 0.3, 0.35)), ("Menu", TEAL)]):
        sheets.disc((x + 244 + 54 * i, y + 48), 17, fill)
        sheets.print(x + 244 + 54 * i, y + 82, label, Style("helv", 9.5), "c")
    sheets.disc((x + 298, y + 126), 26, (0.98, 0.85, 0.2))
    sheets.disc((x + 298, y + 126), 18, (0.8, 0.1, 0.1))
    sheets.print(x + 298, y + 167, "Emergency stop", Style("helv", 9.5), "c")
    sheets.disc((x + 44, y + 152), 8, (0.2, 0.8, 0.3))
    sheets.print(x + 60, y + 155.5, "State lamp", Style("helv", 9.5))
    _close_figure(sheets, 190, "**Figure 2.** Control panel on the door")


def _draw_site(sheets: Sheets) -> None:
    sheets.need(220)
    x, y = 200, sheets.y + 8
    sheets.box((x - 20, y, x + 220, y + 170), stroke=GREY, width=1)
    sheets.box((x + 20, y + 10, x + 130, y + 96), fill=PALE, stroke=TEAL, width=1.4)
    sheets.print(x + 75, y + 50, "AquaLine 240", Style("hebo", 10, DARK), "c")
    sheets.print(x + 75, y + 64, "620 × 540 mm", Style("helv", 9), "c")
    sheets.box((x + 134, y + 40, x + 168, y + 84), fill=PAPER, stroke=TEAL, width=1)
    sheets.print(x + 151, y + 65, "Dosing", Style("helv", 7.5), "c")
    _draw_arrow(sheets, x + 75, y + 132, x + 75, y + 98)
    _draw_arrow(sheets, x + 75, y + 132, x + 75, y + 168)
    sheets.print(x + 82, y + 136, "600 mm free for the operator", Style("helv", 8.5))
    _draw_arrow(sheets, x + 175, y + 26, x + 132, y + 26)
    _draw_arrow(sheets, x + 175, y + 26, x + 218, y + 26)
    sheets.print(x + 175, y + 21, "300 mm", Style("helv", 8.5), "c")
    _close_figure(sheets, 186, "**Space needed** around the unit, seen from above")
