"""Rings, leaders and what was passed over, told from letters by their ink."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from docmatix.pdf.ocr.blobs import Blob, find_unread, put_bullets, put_leaders, stack, take_signs, unstack
from docmatix.pdf.ocr.engine import ReadWord
from tests.pdf.ocr.pictures import draw_prose

DPI, LETTERS = 200, 20.0


def word(text: str, x0: float, y0: float, x1: float, *, line: int, block: int = 0) -> ReadWord:
    return ReadWord(text, (x0, y0, x1, y0 + 20), line, block, 0.9)


def test_rings_are_marks_and_those_with_a_dot_have_two() -> None:
    page = draw_prose(DPI, lines=4)
    draw = ImageDraw.Draw(page)
    for x in (200, 400):
        draw.ellipse((x, 900, x + 24, 924), outline=0, width=2)
    draw.ellipse((408, 908, 416, 916), fill=0)
    signs, cleaned = take_signs(page, dpi=DPI, letters=LETTERS)
    assert [ring.dot is not None for ring in signs.rings] == [False, True]
    assert [mark.fill for mark in signs.list_marks(DPI)] == [None, None, (0.0,)]
    assert np.asarray(cleaned.crop((190, 890, 430, 930))).min() == 255


def test_prose_has_neither_rings_nor_leaders() -> None:
    signs, _ = take_signs(draw_prose(DPI), dpi=DPI, letters=LETTERS)
    assert (signs.rings, signs.leaders) == ([], [])


def test_a_round_letter_between_words_is_no_ring_and_one_before_a_label_is() -> None:
    page = draw_prose(DPI, lines=4)
    draw = ImageDraw.Draw(page)
    for x in (200, 600):
        draw.ellipse((x, 900, x + 24, 924), outline=0, width=2)
        draw.rectangle((x + 24 + 14, 902, x + 80, 922), fill=0)
    draw.rectangle((550, 902, 586, 922), fill=0)
    signs, cleaned = take_signs(page, dpi=DPI, letters=LETTERS)
    assert [ring.box.x0 for ring in signs.rings] == [200]
    assert np.asarray(cleaned.crop((590, 890, 630, 930))).min() == 0


def test_dots_that_lead_to_a_number_are_taken_out_and_put_between_the_words_again() -> None:
    page = Image.new("L", (1700, 2200), 255)
    for x in range(400, 800, 12):
        ImageDraw.Draw(page).rectangle((x, 516, x + 3, 519), fill=0)
    signs, cleaned = take_signs(page, dpi=DPI, letters=LETTERS)
    (dots,) = signs.leaders
    assert len(dots) == 34
    assert np.asarray(cleaned).min() == 255
    words = [word("Heinz", 200, 500, 380, line=0), word("5854", 810, 500, 860, line=1, block=1)]
    assert [(one.text, one.line, one.block) for one in put_leaders(words, signs.leaders, LETTERS)] == [
        ("Heinz", 0, 0),
        ("." * 34, 0, 0),
        ("5854", 0, 0),
    ]


def test_what_was_passed_over_is_put_into_a_column_and_back_where_it_stood() -> None:
    page = Image.new("L", (1700, 2200), 255)
    ImageDraw.Draw(page).rectangle((500, 700, 510, 718), fill=0)
    ImageDraw.Draw(page).rectangle((900, 1000, 990, 1018), fill=0)
    dark = np.asarray(page) < 128
    known = [word("known", 900, 1000, 990, line=4, block=2)]
    (lone,) = find_unread(dark, known, LETTERS)
    assert lone == Blob(500, 700, 511, 719)
    column, pieces = stack(page, [lone], LETTERS)
    ys, xs = np.nonzero(np.asarray(column) < 128)
    read = [ReadWord("1", (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)), 0, 0, 0.9)]
    assert unstack(read, pieces, LETTERS, known) == [ReadWord("1", (500.0, 700.0, 511.0, 719.0), 5, 3, 0.9)]


def test_a_bullet_goes_before_the_line_it_stands_at() -> None:
    words = [
        word("above", 200, 400, 300, line=0),
        word("first", 200, 500, 300, line=1),
        word("x", 310, 500, 350, line=1),
    ]
    done = put_bullets(words, [Blob(170, 506, 178, 514)], LETTERS)
    assert [(one.text, one.line) for one in done] == [("above", 0), ("•", 1), ("first", 1), ("x", 1)]
