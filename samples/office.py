"""Samples from offices: an invoice, a letter, a form, a price list, minutes, and a scanned memorandum."""

from __future__ import annotations

import random
import re
from typing import Any

import pymupdf
from layout import A4, GREY, INK, PAPER, Colour, Frame, Sheets, Style, measure, read_text, share_width

# quantity, unit, item number, description, unit price in dollars
INVOICE_LINES = [
    (12, "ea", "BW-1042", "Polyform fender, 10 x 26 in, navy", 64.50),
    (6, "coil", "BW-2210", "Three-strand nylon dock line, 5/8 in x 300 ft", 189.00),
    (40, "ea", "BW-3315", "Adult life jacket, Type II, orange", 31.75),
    (4, "ea", "BW-4408", "LED navigation light, masthead, 24 V", 112.40),
    (2, "ea", "BW-4471", "Marine VHF radio, fixed mount, with DSC", 248.00),
    (18, "gal", "BW-5120", "Antifouling bottom paint, red", 87.95),
    (3, "case", "BW-6007", "Engine oil SAE 15W-40, 4 x 1 gal", 96.20),
    (10, "ea", "BW-7702", "Zinc hull anode, 12 in, bolt-on", 22.60),
]


def draw_invoice() -> bytes:
    """One page: addresses, dates, ruled line items, and totals that add up."""
    sheets = Sheets(
        title="Invoice INV-2024-0731",
        author="Brightwater Marine Supply Co.",
        date="2024-03-18",
        accent=(0.05, 0.27, 0.42),
        footer="Brightwater Marine Supply Co.  ·  Federal tax ID 01-0559274|Page {page} of {pages}",
    )
    x0, x1 = sheets.frame.x0, sheets.frame.x1
    sheets.box((0, 0, 612, 10), fill=sheets.accent)
    sheets.print(x0, 66, "Brightwater Marine Supply Co.", Style("hebo", 17, sheets.accent))
    address = ["418 Harbor Street, Portland, ME 04101", "Phone (207) 555-0148  ·  accounts@brightwatermarine.example"]
    sheets.print_lines(x0, 84, address, Style(size=9, colour=GREY))
    sheets.print(x1, 68, "INVOICE", Style("hebo", 24, INK), "r")
    columns = [
        ("Bill to", ["Casco Bay Ferries LLC", "Attn: Denise Whitaker", "56 Commercial Wharf", "Portland, ME 04101"]),
        ("Ship to", ["Casco Bay Ferries LLC", "Maintenance Dock 3", "9 Cannery Road", "South Portland, ME 04106"]),
    ]
    for i, (label, lines) in enumerate(columns):
        sheets.print(x0 + 165 * i, 128, label.upper(), Style("hebo", 8, sheets.accent))
        sheets.print_lines(x0 + 165 * i, 143, lines)
    facts = [
        ("Invoice number", "INV-2024-0731"),
        ("Invoice date", "March 18, 2024"),
        ("Due date", "April 17, 2024"),
        ("Purchase order", "PO-58812"),
        ("Ship date", "March 15, 2024"),
        ("Sales contact", "Marcus Oyelaran"),
    ]
    for i, (label, value) in enumerate(facts):
        sheets.print(x1 - 165, 128 + 14 * i, label, Style("hebo", 9))
        sheets.print(x1, 128 + 14 * i, value, Style(size=9), "r")
    sheets.y = 226
    rows = [("Item no.", "Description", "Qty", "Unit", "Unit price", "Amount")]
    rows += [
        (no, text, f"{n}", unit, f"${price:,.2f}", f"${n * price:,.2f}") for n, unit, no, text, price in INVOICE_LINES
    ]
    sheets.table(rows, aligns="llrlrr", widths=(0.12, 0.44, 0.08, 0.09, 0.13, 0.14))
    subtotal = sum(round(n * price, 2) for n, _, _, _, price in INVOICE_LINES)
    discount = round(subtotal * 0.05, 2)
    tax, freight = round((subtotal - discount) * 0.055, 2), 145.00
    totals = [
        ("Subtotal", subtotal),
        ("Volume discount (5%)", -discount),
        ("Maine sales tax (5.5%)", tax),
        ("Freight", freight),
    ]
    top = sheets.y
    for label, amount in totals:
        sheets.print(x1 - 90, sheets.y + 10, label, align="r")
        sheets.print(x1 - 5, sheets.y + 10, f"{'–' if amount < 0 else ''}${abs(amount):,.2f}", align="r")
        sheets.y += 16
    sheets.box((x1 - 225, sheets.y + 2, x1, sheets.y + 26), fill=sheets.accent)
    due = Style("hebo", 12, PAPER)
    sheets.print(x1 - 215, sheets.y + 18.5, "Total due (USD)", due)
    sheets.print(x1 - 8, sheets.y + 18.5, f"${subtotal - discount + tax + freight:,.2f}", due, "r")
    sheets.print(x0, top + 10, "Payment details", Style("hebo", 10, sheets.accent))
    payment = [
        "Terms: net 30 days",
        "Bank: Dunhaven Savings Bank, Portland",
        "Routing number: 011200365",
        "Account number: 4471 209 865",
        "Please quote INV-2024-0731 with your payment.",
    ]
    sheets.print_lines(x0, top + 26, payment, Style(size=9))
    sheets.y = top + 124
    sheets.set("""
        ## Notes

        Goods were delivered in two pallets by Larkfield Freight (waybill LF-330917) and received by T. Nguyen.
        The two VHF radios carry a three-year manufacturer’s warranty; register the serial numbers before May 31, 2024.

        A late fee of 1.5% per month applies to balances unpaid after the due date. Unused goods in their original
        packaging may be returned within 45 days for a restocking charge of 10%; paint and oil cannot be returned.
        Questions about this invoice: call Priya Raman in Accounts Receivable at (207) 555-0152.
    """)
    return sheets.to_bytes()


def draw_letter() -> bytes:
    """An architect's letter of two pages: almost all prose."""

    def furnish(sheets: Sheets) -> None:
        x1 = A4[0] - 64
        if sheets.number == 1:
            sheets.print(64, 70, "Harrow & Finch", Style("tibo", 22, sheets.accent))
            sheets.print(64, 86, "ARCHITECTS", Style("tiro", 9, GREY))
            head = ["27 Calder Row, Leeds LS1 4AP", "+44 113 496 0182", "studio@harrowfinch.example"]
            sheets.print_lines(x1, 62, head, Style("tiro", 9, GREY), "r")
            sheets.rule(64, 98, x1, 98, sheets.accent, 1.2)
        else:
            sheets.print(64, 60, "Mrs Olivia Brandt, Millbrook Library Trust", Style("tiit", 9, GREY))
            sheets.print(x1, 60, "9 September 2024", Style("tiit", 9, GREY), "r")

    def put_signature(sheets: Sheets) -> None:
        sign(sheets, "E. Harrow", 66, sheets.y + 26)
        sheets.y += 44

    sheets = Sheets(
        title="Refurbishment of the Millbrook Reading Room",
        author="Harrow & Finch Architects",
        date="2024-09-09",
        size=A4,
        frames=[Frame(64, 86, A4[0] - 64, A4[1] - 74)],
        face="tiro",
        body_pt=11.2,
        accent=(0.36, 0.16, 0.18),
        furnish=furnish,
        figures={"signature": put_signature},
        footer="Harrow & Finch Architects Ltd, registered in England no. 06612048|Page {page} of {pages}",
    )
    sheets.y = 124
    for line in ("Mrs Olivia Brandt", "Chair, Millbrook Library Trust", "14 Station Parade", "Millbrook HX7 2QD"):
        sheets.paragraph(line, sheets.body._replace(after=0))
    sheets.y += 14
    sheets.set_file("letter")
    return sheets.to_bytes()


def sign(sheets: Sheets, name: str, x: float, y: float, colour: Colour = (0.1, 0.15, 0.5)) -> None:
    """A signature around the line `y`: loops of a pen, as tall and as long as chance gives this name."""
    rng = random.Random(name)
    pen = (x, y)
    for letter in range(rng.randint(4, 6)):
        rise, step = rng.uniform(16, 30) if letter in (0, 3) else rng.uniform(4, 12), rng.uniform(9, 17)
        end = (pen[0] + step, y + rng.uniform(-3, 4))
        top = (pen[0] + step * rng.uniform(0.5, 1.2), y - rise)
        sheets.curve(pen, (pen[0] + 2, y - rise), top, top, colour=colour)
        sheets.curve(top, top, (top[0] - 5, y + 6), end, colour=colour)
        pen = end
    tail = (pen[0] + rng.uniform(30, 60), y - rng.uniform(2, 9))
    sheets.curve(pen, (pen[0] + 20, y - 14), (pen[0] + 24, y + 12), tail, colour=colour)


def draw_form() -> bytes:
    """An application form, filled in by typewriter, with boxes ticked and a signature."""
    sheets = Sheets(
        title="Adoption application 2024-0386",
        author="Larkfield Animal Shelter",
        date="2024-11-02",
        frames=[Frame(48, 60, 564, 736)],
        accent=(0.16, 0.36, 0.26),
        footer="Form LAS-12, revised January 2024|Page {page} of {pages}",
    )
    left, right = sheets.frame.x0, sheets.frame.x1
    typed = Style("cour", 10.5, (0.08, 0.12, 0.45))
    sheets.print(left, 58, "Larkfield Animal Shelter", Style("hebo", 18, sheets.accent))
    sheets.print(left, 75, "1207 Orchard Lane, Larkfield, OH 43055  ·  (740) 555-0163", Style(size=9, colour=GREY))
    sheets.print(right, 58, "Adoption application", Style("hebo", 14), "r")
    sheets.print(right, 75, "Application no. 2024-0386", Style("hebo", 9, GREY), "r")
    sheets.y = 90
    for line in read_text("form").splitlines():
        if line.startswith("#"):
            sheets.box((left, sheets.y, right, sheets.y + 17), fill=sheets.accent)
            sheets.print(left + 6, sheets.y + 12.3, line[2:], Style("hebo", 9.5, PAPER))
            sheets.y += 17
        elif "[" in line:
            put_choices(sheets, line, typed)
        elif line:
            put_fields(sheets, line, typed)
        else:
            sheets.y += 8
    sheets.y += 6
    sheets.paragraph(
        "I declare that these statements are true. I agree to a visit to my home within 30 days of adoption, and to "
        "return the animal to the shelter if I can no longer care for it.",
        Style(size=8.5),
    )
    y = sheets.y + 22
    sign(sheets, "R. Castellano", left + 30, y - 4)
    lines = [(left, 230, "Signature of applicant", ""), (left + 260, 100, "Date", "11/02/2024")]
    for x, width, name, value in [*lines, (left + 390, 126, "Received by", "J. Abernathy")]:
        sheets.rule(x, y, x + width, y, INK)
        sheets.print(x, y + 10, name, Style(size=7.5, colour=GREY))
        sheets.print(x + 4, y - 4, value, typed)
    return sheets.to_bytes()


def put_fields(sheets: Sheets, line: str, typed: Style) -> None:
    """A row of boxes from `label: value | label: value`, as wide as what is in them."""
    fields = [field.split(": ") for field in line.split(" | ")]
    small, x, y = Style(size=7.5, colour=GREY), sheets.frame.x0, sheets.y
    natural = [max(measure(name, *small[:2]), measure(value, *typed[:2])) + 20 for name, value in fields]
    for (name, value), width in zip(fields, share_width(natural, sheets.width), strict=True):
        sheets.box((x, y, x + width, y + 30), stroke=INK, width=0.5)
        sheets.print(x + 5, y + 9.5, name, small)
        sheets.print(x + 6, y + 24, value, typed)
        x += width
    sheets.y += 30


def put_choices(sheets: Sheets, line: str, typed: Style) -> None:
    """A row with a question and boxes to tick, from `question: [ ] option [x] option`."""
    question, *options = re.split(r":? \[(?=[ x]\])", line)
    x, y, style = sheets.frame.x0, sheets.y, Style(size=9)
    sheets.box((x, y, sheets.frame.x1, y + 21), stroke=INK, width=0.5)
    sheets.print(x + 5, y + 13.8, question, style)
    x += 250
    for option in options:
        sheets.box((x, y + 6, x + 9.5, y + 15.5), stroke=INK, width=0.8)
        if option.startswith("x"):
            sheets.print(x + 1.6, y + 14, "X", typed._replace(font="cobo"))
        sheets.print(x + 14, y + 13.8, option[3:], style)
        x += measure(option[3:], *style[:2]) + 32
    sheets.y += 21


def draw_price_list() -> bytes:
    """Two pages of ruled tables, one for each section of a nursery's stock."""

    def furnish(sheets: Sheets) -> None:
        sheets.box((0, 0, 612, 58), fill=sheets.accent)
        sheets.print(48, 36, "Pinecrest Nursery", Style("tibo", 20, PAPER))
        sheets.print(564, 29, "Wholesale price list, spring 2025", Style("hebo", 11, PAPER), "r")
        sheets.print(564, 43, "2290 Old Mill Road, Hendersonville, NC 28792", Style("helv", 8.5, PAPER), "r")

    sheets = Sheets(
        title="Wholesale price list, spring 2025",
        author="Pinecrest Nursery",
        date="2025-01-20",
        frames=[Frame(48, 74, 564, 738)],
        body_pt=9.3,
        accent=(0.13, 0.37, 0.22),
        furnish=furnish,
        column_shares=(0.1, 0.44, 0.19, 0.09, 0.09, 0.09),
        footer="Prices without sales tax. Sizes are those of the container and of the plant.|Page {page} of {pages}",
    )
    sheets.set_file("price_list")
    return sheets.to_bytes()


def draw_meeting_minutes() -> bytes:
    """Minutes of a board: who was there, what was decided, who does what by when."""

    def put_signatures(sheets: Sheets) -> None:
        sheets.y += 34
        for x, name in ((60, "Margaret Olufsen, chair"), (330, "Theo Brandvold, secretary")):
            sign(sheets, name, x + 20, sheets.y - 5)
            sheets.rule(x, sheets.y, x + 200, sheets.y, INK)
            sheets.print(x, sheets.y + 12, name, sheets.small)

    sheets = Sheets(
        title="Minutes of the board meeting, February 12, 2025",
        author="Eastmere Housing Cooperative",
        date="2025-02-14",
        accent=(0.33, 0.20, 0.45),
        figures={"signatures": put_signatures},
        footer="Eastmere Housing Cooperative, 300 Lakeview Avenue, Madison, WI 53703|Page {page} of {pages}",
    )
    sheets.y = 52
    sheets.paragraph("Eastmere Housing Cooperative", Style("hebo", 10, GREY, after=2))
    sheets.paragraph("Minutes of the board meeting", Style("hebo", 20, sheets.accent, 1.2, 8))
    sheets.set_file("meeting_minutes")
    return sheets.to_bytes()


def draw_scanned() -> bytes:
    """A typed memorandum of 1987 as an archive holds it: a crooked, grainy picture over invisible recognised text."""
    typed = Style("cour", 11, (0.1, 0.1, 0.1), 1.36, 9)

    def put_signature(sheets: Sheets) -> None:
        sign(sheets, "H. J. Whitlock", 80, sheets.y + 30, typed.colour)
        sheets.print(74, sheets.y + 52, "H. J. Whitlock", typed)
        stamp = Style("hebo", 12, (0.35, 0.35, 0.35))
        sheets.box((404, sheets.y + 10, 540, sheets.y + 54), stroke=stamp.colour, width=2)
        sheets.print_lines(472, sheets.y + 28, ["RECEIVED", "19 NOV 1987"], stamp, "c")

    sheets = Sheets(
        title="",
        author="",
        date="1987-11-16",
        frames=[Frame(74, 70, 546, 740)],
        face="cour",
        body_pt=11,
        accent=typed.colour,
        figures={"signature": put_signature},
    )
    sheets.body = typed
    sheets.print(306, 74, "CORVAN VALLEY RAILWAY COMPANY", typed._replace(font="cobo", size=15), "c")
    sheets.print(306, 92, "Office of the Traffic Superintendent, Station Street, Corvan", typed._replace(size=10), "c")
    sheets.print(306, 122, "M E M O R A N D U M", typed._replace(font="cobo", size=13), "c")
    sheets.y = 140
    sheets.set_file("memorandum")
    return scan(sheets.reopen(1), dpi=110, tilt_degrees=0.6, title="Memorandum TS/87/1142", date="1987-11-16")


def scan(page: Any, *, dpi: int, tilt_degrees: float, title: str, date: str) -> bytes:
    """The page as a scanner and a text recogniser leave it: one grey image, and the words invisible in their places.

    The tilt is about the page's top left corner; the grain is seeded, so that the image is the same every time.
    """
    tilt, zoom, rng = pymupdf.Matrix(tilt_degrees), dpi / 72, random.Random(1987)
    picture = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom) * tilt, colorspace=pymupdf.csGRAY)
    width, height = round(page.rect.width * zoom), round(page.rect.height * zoom)
    faded = bytes(40 + level * 77 // 100 for level in range(256))
    ink = picture.samples.translate(faded)
    grain = [sum(rng.randint(-6, 6) for _ in range(3)) for _ in range(4099)]
    pixels = bytearray()
    for y in range(height):
        row = bytearray(faded[-1:]) * width
        if 0 <= y - picture.y < picture.height:
            start = (y - picture.y) * picture.stride - picture.x
            part = ink[start : start + min(width, picture.width + picture.x)]
            row[: len(part)] = part
        shift, shade = rng.randrange(4099), abs(y % 560 - 280) // 24 - 6
        pixels += bytes(max(0, min(255, v + shade + grain[(x + shift) % 4099])) for x, v in enumerate(row))
    for _ in range(260):
        pixels[rng.randrange(len(pixels))] = rng.choice((30, 60, 90))
    image = pymupdf.Pixmap(pymupdf.csGRAY, width, height, bytes(pixels), False).tobytes("jpeg", jpg_quality=38)
    document = pymupdf.open()
    stamp = f"D:{date.replace('-', '')}090000Z"
    document.set_metadata({"title": title, "producer": "", "creationDate": stamp, "modDate": stamp})
    sheet = document.new_page(width=page.rect.width, height=page.rect.height)
    sheet.insert_image(sheet.rect, stream=image)
    for x0, _, x1, y1, word, *_ in page.get_text("words"):
        size = 11 * (x1 - x0) / pymupdf.get_text_length(word, "cour", 11)
        place = pymupdf.Point(x0, y1 - 0.25 * size) * tilt
        sheet.insert_text(place, word, fontname="cour", fontsize=size, render_mode=3)
    sheet.clean_contents()
    data: bytes = document.tobytes(garbage=4, deflate=True, no_new_id=True)
    return data
