"""Reading order: columns, strips, rows, text that runs up the page or from right to left."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, compose_text
from docmatix.pdf.layout import Piece, arrange_words
from docmatix.pdf.reading import open_pdf, read_page
from tests import pdfs

WIDTH_PT, HEIGHT_PT = 600.0, 800.0
LINE_PT = 10.0


def place_line(text: str, x: float, y: float, *, rtl: bool = False) -> list[Piece]:
    """A line of text at `x`, `y` (points), each letter half as wide as the line is high."""
    pieces = []
    for word in text.split():
        width = len(word) * LINE_PT / 2
        left = x - width if rtl else x
        box = (left / WIDTH_PT, y / HEIGHT_PT, (left + width) / WIDTH_PT, (y + LINE_PT) / HEIGHT_PT)
        pieces.append(Piece(word, Box(*box)))
        x += -width - 4 if rtl else width + 4
    return pieces


def place_block(number: int, lines: list[str], x: float, y: float, **options: bool) -> list[tuple[int, list[Piece]]]:
    return [(number, place_line(line, x, y + row * 12, **options)) for row, line in enumerate(lines)]


def read(lines: list[tuple[int, list[Piece]]]) -> str:
    return compose_text(arrange_words(lines, width_pt=WIDTH_PT, height_pt=HEIGHT_PT))


def make_prose(name: str, lines: int = 6) -> list[str]:
    return [f"{name}{line} is a line of running prose here" for line in range(lines)]


def join(lines: list[str]) -> str:
    return "\n".join(lines)


def test_columns_drawn_from_the_right_are_read_from_the_left():
    left, right = make_prose("left"), make_prose("right")
    content = place_block(0, right, 320, 100) + place_block(1, left, 40, 100)
    assert read(content) == f"{join(left)}\n\n{join(right)}"


def test_a_title_drawn_last_is_read_first():
    left, right = make_prose("left"), make_prose("right")
    title = "A title that stands over both of the columns and is drawn at the very end"
    content = place_block(0, left, 40, 100) + place_block(1, right, 320, 100) + place_block(2, [title], 60, 50)
    assert read(content) == f"{title}\n\n{join(left)}\n\n{join(right)}"


def test_footnotes_drawn_first_end_their_columns():
    left, right = make_prose("left"), make_prose("right")
    note, other = make_prose("note", 3), make_prose("other", 3)
    content = [
        *place_block(0, note, 40, 600),
        *place_block(1, other, 320, 600),
        *place_block(2, left, 40, 100),
        *place_block(3, right, 320, 100),
    ]
    assert read(content) == "\n\n".join(map(join, (left, note, right, other)))


def test_an_order_that_never_runs_backwards_is_left_alone():
    first, aside, second = make_prose("first"), make_prose("aside"), make_prose("second")
    content = [
        *place_block(0, first, 40, 100),
        *place_block(1, aside, 320, 90),
        *place_block(2, second, 40, 300),
    ]
    assert read(content) == "\n\n".join(map(join, (first, aside, second)))


def test_a_table_drawn_by_columns_backwards_is_read_by_rows():
    cells = [["Total", "57", "88"], ["Pears", "25", "46"], ["Plums", "32", "42"]]
    content = []
    for column in range(3):
        for row in range(3):
            content += place_block(column * 3 + row, [cells[row][column]], 40 + 150 * column, 300 - 15 * row)
    assert read(content) == "Plums 32 42\nPears 25 46\nTotal 57 88"


def test_a_label_and_its_value_are_one_line():
    content = [(0, place_line("Date of birth:", 40, 100)), (0, place_line("4 May 1971", 300, 101))]
    assert read(content) == "Date of birth: 4 May 1971"


def test_parts_of_a_line_are_put_in_order():
    content = [(0, place_line("47699", 500, 100)), (0, place_line("Federal Register", 40, 100))]
    assert read(content) == "Federal Register 47699"


def test_a_block_for_every_line_is_joined():
    lines = make_prose("line", 4)
    content = [placed for row, line in enumerate(lines) for placed in place_block(row, [line], 40, 100 + 15 * row)]
    assert read(content) == join(lines)


def test_single_lines_far_apart_stay_apart():
    content = place_block(0, ["a heading"], 40, 100) + place_block(1, ["another one"], 40, 160)
    assert read(content) == "a heading\n\nanother one"


def test_text_up_the_margin_comes_last_and_in_one_piece():
    stamp = Piece("arXiv:1234.5678", Box(0.01, 0.1, 0.03, 0.8))
    left, right = make_prose("left"), make_prose("right")
    content = [(0, [stamp]), *place_block(1, right, 320, 100), *place_block(2, left, 40, 100)]
    assert read(content) == f"{join(left)}\n\n{join(right)}\n\narXiv:1234.5678"


def test_columns_of_a_script_from_right_to_left_are_read_from_the_right():
    first = ["שלום רב לכל הבאים בשערי העיר הזאת"] * 4
    second = ["מחר יגיעו האניות אל נמל הבית שלנו"] * 4
    content = place_block(0, second, 280, 100, rtl=True) + place_block(1, first, 560, 100, rtl=True)
    assert read(content) == f"{join(first)}\n\n{join(second)}"


def test_a_form_from_right_to_left_in_two_layers_is_read_by_rows():
    labels, values = ["שם מלא:", "כתובת:", "תאריך:"], ["דוד כהן", "רחוב הרצל", "ראשון במאי"]
    content = [
        placed for row, text in enumerate(labels) for placed in place_block(row, [text], 560, 100 + 24 * row, rtl=True)
    ]
    content += [
        placed
        for row, text in enumerate(values)
        for placed in place_block(9 + row, [text], 400, 99 + 24 * row, rtl=True)
    ]
    assert read(content).split("\n") == [f"{label} {value}" for label, value in zip(labels, values, strict=True)]


def turn_down(box: Box) -> Box:
    return Box(1 - box.y1, box.x0, 1 - box.y0, box.x1)


def turn_up(box: Box) -> Box:
    return Box(box.y0, 1 - box.x1, box.y1, 1 - box.x0)


@pytest.mark.parametrize("turn", [turn_down, turn_up])
def test_a_page_whose_text_runs_sideways_is_read_as_if_turned(turn: Callable[[Box], Box]):
    left, right = make_prose("left"), make_prose("right")
    content = place_block(0, right, 320, 100) + place_block(1, left, 40, 100)
    turned = [(block, [Piece(text, turn(box)) for text, box in pieces]) for block, pieces in content]
    words = arrange_words(turned, width_pt=HEIGHT_PT, height_pt=WIDTH_PT)
    assert compose_text(words) == f"{join(left)}\n\n{join(right)}"


def test_two_columns_of_a_real_page_are_read_one_after_the_other():
    left, right = pdfs.write_distinct_text(1), pdfs.write_distinct_text(2)
    document = open_pdf(pdfs.write_columns_pdf(left, right))
    assert read_page(document, 0, min_words=1).text.split() == left.split() + right.split()


boxes = st.tuples(st.floats(0, 0.9), st.floats(0, 0.95), st.floats(0.01, 0.5), st.floats(0.001, 0.1)).map(
    lambda box: Box(box[0], box[1], min(1, box[0] + box[2]), min(1, box[1] + box[3]))
)
texts = st.text("ab17:אב一", min_size=1, max_size=5)
pieces = st.lists(st.builds(Piece, texts, boxes), min_size=1, max_size=4)
contents = st.lists(st.tuples(st.integers(0, 8), pieces), max_size=25).map(
    lambda lines: sorted(lines, key=lambda line: line[0])
)


cells = st.builds(
    lambda x, y, width: Box(x / 10, y / 40, (x + width) / 10, (y + 0.8) / 40),
    st.integers(0, 8),
    st.integers(0, 20),
    st.sampled_from([0.1, 0.8, 2.0]),
)
grids = st.lists(
    st.tuples(st.integers(0, 8), st.lists(st.builds(Piece, texts, cells), min_size=1, max_size=2)), max_size=40
).map(lambda lines: sorted(lines, key=lambda line: line[0]))


@given(contents | grids)
def test_no_word_is_lost_and_numbers_follow_each_other(content):
    words = arrange_words(content, width_pt=WIDTH_PT, height_pt=HEIGHT_PT)
    given_words = [(piece.text, piece.box) for _, pieces in content for piece in pieces]
    assert sorted((word.text, word.box) for word in words) == sorted(given_words)
    for number in ("line", "block"):
        numbers = [getattr(word, number) for word in words]
        assert sorted(numbers) == numbers
        assert set(numbers) == set(range(len(set(numbers))))
    assert all(before.block == after.block for before, after in pairwise(words) if before.line == after.line)
