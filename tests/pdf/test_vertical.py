"""Vertical writing: columns from the right, words where their ink is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from docmatix.core.documents import Page
from docmatix.pdf.reading import open_pdf, read_page

COLUMNS = (
    "昨日、市の議会は三月三日に会",
    "議を開き、来年の予算を決めた。",
    "予算は十二億円で昨年より多い。",
    "出席した議員は全員が賛成した。",
)
SIZE = 14.0
FIRST_X, STEP_X, TOP = 480.0, 24.0, 140.0


def write_vertical_pdf(
    columns: Sequence[str],
    *,
    font: str = "japan",
    encoding: str = "UniJIS-UTF16-V",
    codes: str = "utf-16-be",
    rotation: int = 0,
    order: Sequence[int] | None = None,
) -> bytes:
    """A page of columns from the right in a font for vertical writing; `order` is the one they are drawn in."""
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    document.xref_set_key(page.insert_font(fontname=font), "Encoding", f"/{encoding}")
    shown = [
        f"BT /{font} {SIZE} Tf 1 0 0 1 {FIRST_X - STEP_X * at} {842 - TOP} Tm <{columns[at].encode(codes).hex()}> Tj ET"
        for at in order or range(len(columns))
    ]
    content = document.get_new_xref()
    document.update_object(content, "<<>>")
    document.update_stream(content, "\n".join(shown).encode())
    page.set_contents(content)
    page.set_rotation(rotation)
    return bytes(document.tobytes())


def write_stacked_pdf(columns: Sequence[str]) -> bytes:
    """The same, each character placed by itself in a font for horizontal writing, as browsers do."""
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    for at, column in enumerate(columns):
        for row, character in enumerate(column):
            x, y = FIRST_X - STEP_X * at - SIZE / 2, TOP + SIZE * (row + 0.88)
            page.insert_text((x, y), character, fontname="japan", fontsize=SIZE)
    return bytes(document.tobytes())


def read(pdf: bytes) -> Page:
    return read_page(open_pdf(pdf), 0, min_words=1)


def measure_ink(pdf: bytes, clip: Any) -> tuple[float, float]:
    """Top and bottom of what is drawn within a part of the page, in points."""
    import numpy as np
    import pymupdf

    drawing = pymupdf.open(stream=pdf)[0].get_pixmap(dpi=72, colorspace="gray", clip=clip)
    rows = np.frombuffer(drawing.samples, np.uint8).reshape(drawing.height, drawing.width).min(axis=1)
    (dark,) = np.nonzero(rows < 128)
    return clip[1] + float(dark[0]), clip[1] + float(dark[-1]) + 1


def test_columns_are_read_from_the_right():
    assert read(write_vertical_pdf(COLUMNS)).text == "\n".join(COLUMNS)


def test_columns_drawn_from_the_left_are_read_from_the_right():
    assert read(write_vertical_pdf(COLUMNS, order=[3, 2, 1, 0])).text.split() == list(COLUMNS)


def test_characters_placed_one_by_one_are_columns_too():
    assert read(write_stacked_pdf(COLUMNS)).text.split() == list(COLUMNS)


@pytest.mark.parametrize(
    ("font", "encoding", "text"),
    [
        ("china-s", "UniGB-UTF16-V", "会议于三月三日在市政厅举行"),
        ("china-t", "UniCNS-UTF16-V", "會議於三月三日在市政廳舉行"),
        ("korea", "UniKS-UTF16-V", "시의회는삼월삼일에회의를열었다"),
    ],
)
def test_other_scripts_are_read_downwards(font: str, encoding: str, text: str):
    columns = [text, text[::-1], text[1:]]
    assert read(write_vertical_pdf(columns, font=font, encoding=encoding)).text.split() == columns


def test_digits_among_ideographs_stay_in_their_column():
    columns = ["議会は２０２４年三月に", "予算の１２億円を決めた"]
    assert [word.text for word in read(write_vertical_pdf(columns)).words] == [
        "議会は2024年三月に".translate(str.maketrans("2024", "２０２４")),
        "予算の１２億円を決めた",
    ]


@pytest.mark.parametrize("make", [write_vertical_pdf, write_stacked_pdf])
def test_boxes_are_where_the_ink_is(make: Any):
    pdf = make(COLUMNS)
    for at, word in enumerate(read(pdf).words):
        middle = FIRST_X - STEP_X * at
        top, bottom = measure_ink(pdf, (middle - 12, 0, middle + 12, 842))
        assert word.box.y0 * 842 == pytest.approx(top, abs=4)
        assert word.box.y1 * 842 == pytest.approx(bottom, abs=11)  # a full stop is in the upper half of its place
        assert word.box.y1 * 842 >= bottom - 1
        assert (word.box.x0 + word.box.x1) / 2 * 595 == pytest.approx(middle, abs=3)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_page_keeps_its_boxes_on_the_ink(rotation: int):
    upright, turned = read(write_vertical_pdf(COLUMNS)), read(write_vertical_pdf(COLUMNS, rotation=rotation))
    for word, other in zip(
        sorted(upright.words, key=lambda word: word.text), sorted(turned.words, key=lambda word: word.text), strict=True
    ):
        x0, y0, x1, y1 = word.box
        expected = {90: (1 - y1, x0, 1 - y0, x1), 180: (1 - x1, 1 - y1, 1 - x0, 1 - y0), 270: (y0, 1 - x1, y1, 1 - x0)}
        assert other.text == word.text
        assert other.box == pytest.approx(expected[rotation], abs=1e-4)


def test_rows_of_single_characters_stay_rows():
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    for row, character in enumerate("男女男男女女"):
        page.insert_text((60, 100 + 26 * row), character, fontname="japan", fontsize=12)
        page.insert_text((160, 100 + 26 * row), f"{row}名", fontname="japan", fontsize=12)
    words = [word.text for word in read(bytes(document.tobytes())).words]
    assert words == [word for row, character in enumerate("男女男男女女") for word in (character, f"{row}名")]
