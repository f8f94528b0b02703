"""A letter about a claim and a statement of loss as an office scanner delivers them: pictures without a text layer."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import numpy as np
import pymupdf
from layout import INK, LETTER, Frame, Sheets, Style, read_text
from office import put_choices, put_fields, sign

DPI = 150
PAPER, LID = 232, 196  # brightness of the sheet, and of what is seen beside it
DATE = "2023-03-06"


class Sheet(NamedTuple):
    """How a sheet lay in the scanner: turned clockwise about its middle, and moved, in points."""

    skew_degrees: float
    right_pt: float
    down_pt: float


def draw_claim() -> bytes:
    """Two pages: a letter with a table, stamped and stapled, and a form, filled in by typewriter and signed."""
    with pymupdf.open("pdf", _draw_letter()) as letter, pymupdf.open("pdf", _draw_statement()) as statement:
        sheets = [(letter[0], Sheet(0.9, 1.5, 3.0)), (statement[0], Sheet(-1.4, -2.0, 1.0))]
        return _scan(sheets, title="Claim RM-2023-04417")


def _draw_letter() -> bytes:
    def put_signature(sheets: Sheets) -> None:
        sign(sheets, "G. Lindqvist", 76, sheets.y + 26, (0.1, 0.1, 0.2))
        sheets.y += 40

    sheets = Sheets(
        title="",
        author="",
        date=DATE,
        frames=[Frame(72, 90, LETTER[0] - 72, 748)],
        face="tiro",
        body_pt=11.5,
        accent=(0.25, 0.25, 0.28),
        figures={"signature": put_signature},
        column_shares=(0.56, 0.22, 0.22),
        footer="Redcliff Mutual Insurance Company  ·  Member of the Coast Group|Page {page} of 2",
    )
    sheets.disc((92, 60), 18, (0.25, 0.25, 0.28))
    sheets.print(92, 66, "RM", Style("tibo", 15, (1, 1, 1)), "c")
    sheets.print(120, 58, "Redcliff Mutual Insurance", Style("tibo", 19))
    head = "Claims Department, 200 Quay Street, Redcliff, OR 97426  ·  (541) 555-0140"
    sheets.print(120, 74, head, Style("tiro", 9.5))
    sheets.rule(72, 86, LETTER[0] - 72, 86, INK, 1)
    sheets.y = 104
    for line in ("Mr. Tomas Varga", "58 Ferry Road", "Redcliff, OR 97426"):
        sheets.paragraph(line, sheets.body._replace(after=0))
    sheets.y += 12
    sheets.set_file("claim")
    return sheets.to_bytes()


def _draw_statement() -> bytes:
    sheets = Sheets(
        title="",
        author="",
        date=DATE,
        frames=[Frame(56, 60, LETTER[0] - 56, 736)],
        accent=(0.2, 0.2, 0.22),
        footer="Form RM 31 (07/2021)|Page 2 of 2",
    )
    left, right = sheets.frame.x0, sheets.frame.x1
    typed = Style("cour", 11, (0.05, 0.05, 0.1))
    sheets.print(left, 62, "Statement of loss", Style("hebo", 20))
    sheets.print(right, 62, "Claim number RM-2023-04417", Style("hebo", 10.5), "r")
    sheets.print(left, 80, "Please print or type, and return both pages to the Claims Department.", Style(size=9.5))
    sheets.y = 96
    for line in read_text("statement").splitlines():
        if line.startswith("#"):
            sheets.print(left, sheets.y + 14, line[2:], Style("hebo", 11))
            sheets.y += 21
        elif "[" in line:
            put_choices(sheets, line, typed)
        elif line:
            put_fields(sheets, line, typed)
        else:
            sheets.y += 12
    sheets.y += 16
    sheets.paragraph(
        "I declare that what is said above is true and complete. I know that a false statement may void my policy, "
        "and I agree that the company may inspect the damaged property and the receipts of its repair.",
        Style(size=10),
    )
    y = sheets.y + 50
    sign(sheets, "Tomas Varga", left + 24, y - 5, (0.1, 0.12, 0.35))
    for x, width, name, value in ((left, 250, "Signature of the insured", ""), (left + 300, 180, "Date", "03/04/2023")):
        sheets.rule(x, y, x + width, y, INK)
        sheets.print(x, y + 12, name, Style(size=8.5))
        sheets.print(x + 6, y - 5, value, typed)
    _put_stamp(sheets, right - 96, y + 86)
    return sheets.to_bytes()


def _put_stamp(sheets: Sheets, x: float, y: float) -> None:
    """What the office stamps on what comes in; a hand holds it askew."""
    shape = sheets.page.new_shape()
    turn = (pymupdf.Point(x, y), pymupdf.Matrix(-7))
    shape.draw_rect(pymupdf.Rect(x - 78, y - 32, x + 78, y + 32))
    shape.finish(color=(0.35, 0.35, 0.4), width=2.2, morph=turn)
    for shift, size, text in ((-9, 17, "RECEIVED"), (8, 12, "06 MAR 2023"), (23, 9, "Redcliff Mutual, Claims")):
        start = x - pymupdf.get_text_length(text, "hebo", size) / 2
        shape.insert_text((start, y + shift), text, fontname="hebo", fontsize=size, color=(0.35, 0.35, 0.4), morph=turn)
    shape.commit()


def _scan(sheets: list[tuple[Any, Sheet]], *, title: str) -> bytes:
    document = pymupdf.open()
    stamp = f"D:{DATE.replace('-', '')}103000Z"
    document.set_metadata({"title": title, "producer": "", "creationDate": stamp, "modDate": stamp})
    for number, (page, sheet) in enumerate(sheets):
        shown = document.new_page(width=page.rect.width, height=page.rect.height)
        shown.insert_image(shown.rect, stream=_photograph(page, sheet, seed=number))
    data: bytes = document.tobytes(garbage=4, deflate=True, no_new_id=True)
    return data


def _photograph(page: Any, sheet: Sheet, *, seed: int) -> bytes:
    """The page as the scanner sees it, a JPEG: grey, worn, a little turned, with the marks of a staple."""
    zoom = DPI / 72
    width, height = round(page.rect.width * zoom), round(page.rect.height * zoom)
    middle = pymupdf.Matrix(1, 0, 0, 1, -page.rect.width / 2, -page.rect.height / 2)
    back = pymupdf.Matrix(1, 0, 0, 1, page.rect.width / 2 + sheet.right_pt, page.rect.height / 2 + sheet.down_pt)
    place = middle * pymupdf.Matrix(sheet.skew_degrees) * back * pymupdf.Matrix(zoom, zoom)
    ink = 255 - _draw(page, place, width, height)
    # print spreads in paper, and the lens blurs it
    ink = (4 * ink + _shift(ink, 0, 1) + _shift(ink, 0, -1) + _shift(ink, 1, 0) + _shift(ink, -1, 0)) // 8
    depth = _measure_depth(page, place, width, height)
    down, across = np.indices((height, width))
    # paler towards the middle of the lamp, darker where the sheet rises to its staple
    light = PAPER - abs(down - height * 2 // 5) // 90 - abs(across - width // 2) // 120
    corner = np.maximum(0, 260 - across - down) // 12
    pixels = (light - corner) - ink * 190 // 255
    pixels = np.where(depth < 0, LID - np.minimum(40, 40 // np.maximum(1, -depth // 2)), pixels)
    pixels = np.where((depth >= 0) & (depth < 3), pixels - 14, pixels)
    pixels = _put_staple(pixels, place, zoom) + _draw_grain(width, height, seed)
    flat = pixels.clip(0, 255).astype(np.uint8).tobytes()
    jpeg: bytes = pymupdf.Pixmap(pymupdf.csGRAY, width, height, flat, False).tobytes("jpeg", jpg_quality=42)
    return jpeg


def _draw(page: Any, place: Any, width: int, height: int) -> Any:
    picture = page.get_pixmap(matrix=place, colorspace=pymupdf.csGRAY, alpha=False)
    drawn = np.frombuffer(picture.samples, np.uint8).reshape(picture.height, picture.stride)[:, : picture.width]
    whole = np.full((height + 400, width + 400), 255, np.int32)
    x, y = picture.x + 200, picture.y + 200
    whole[y : y + picture.height, x : x + picture.width] = drawn
    return whole[200 : height + 200, 200 : width + 200]


def _shift(pixels: Any, down: int, right: int) -> Any:
    return np.roll(pixels, (down, right), (0, 1))


def _measure_depth(page: Any, place: Any, width: int, height: int) -> Any:
    """How many pixels each is from the edge of the sheet; below 0 outside of it."""
    back = ~place
    down, across = np.indices((height, width))
    x, y = back.a * across + back.c * down + back.e, back.b * across + back.d * down + back.f
    inside = np.minimum(np.minimum(x, page.rect.width - x), np.minimum(y, page.rect.height - y))
    return np.floor(inside * DPI / 72).astype(np.int32)


def _put_staple(pixels: Any, place: Any, zoom: float) -> Any:
    """Two holes, the wire between them, and its shadow, in the upper left corner."""
    pixels = pixels.copy()
    ends = [pymupdf.Point(*point) * place for point in ((20, 32), (42, 17))]
    steps = round(34 * zoom)
    for step in range(steps + 1):
        x = ends[0].x + (ends[1].x - ends[0].x) * step / steps
        y = ends[0].y + (ends[1].y - ends[0].y) * step / steps
        row, column = round(y), round(x)
        pixels[row + 2 : row + 7, column + 1 : column + 6] -= 3
        pixels[row - 1 : row + 2, column - 1 : column + 2] = 118 if step % 9 else 150
        if step in (0, steps):
            pixels[row - 3 : row + 4, column - 3 : column + 4] = 64
    return pixels


def _draw_grain(width: int, height: int, seed: int) -> Any:
    """What a sensor and the fibres of paper add, and specks of dust."""
    rng = random.Random(f"grain {seed}")
    count = width * height
    fine = sum(np.frombuffer(rng.randbytes(count), np.uint8).astype(np.int32) for _ in range(3)).reshape(height, width)
    coarse = np.frombuffer(rng.randbytes((height // 6 + 1) * (width // 6 + 1)), np.uint8).astype(np.int32)
    coarse = coarse.reshape(height // 6 + 1, width // 6 + 1).repeat(6, 0).repeat(6, 1)[:height, :width]
    grain = (fine - 382) // 34 + (coarse - 128) // 64
    for _ in range(70):
        row, column, size = rng.randrange(height - 4), rng.randrange(width - 4), rng.randint(1, 2)
        grain[row : row + size, column : column + size] = -rng.randint(40, 120)
    return grain
