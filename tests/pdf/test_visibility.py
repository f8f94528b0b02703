"""Hidden words: which ones are found, and how much effort that takes."""

from __future__ import annotations

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Document, Page, Refusal
from docmatix.pdf import visibility
from docmatix.pdf.drawn_blanks import DrawnBlanks
from docmatix.pdf.reading import _try_page, open_pdf
from docmatix.pdf.visibility import MAX_DRAWINGS, MAX_PAGES, MAX_PATHS, InspectionBudget, find_inside
from tests import museum, pdfs
from tests.museum import SECRET, show, stream, tell, write_page


def read(pdf: bytes, *, budget: InspectionBudget | None = None) -> tuple[Page, InspectionBudget]:
    document = open_pdf(pdf)
    assert not isinstance(document, (Refusal, Document))
    budget = budget or InspectionBudget()
    return _try_page(document, 0, min_words=5, budget=budget, blanks=DrawnBlanks())[0], budget


def test_a_common_page_is_looked_at_and_not_drawn() -> None:
    for pdf in (pdfs.write_distinct_pdf(1), museum.write_recognised_scan()):
        _, budget = read(pdf)
        assert (budget.pages, budget.drawings) == (MAX_PAGES - 1, MAX_DRAWINGS)


def test_a_page_with_white_words_is_drawn_once() -> None:
    _, budget = read(museum.write_white_on_dark())
    assert budget.drawings == MAX_DRAWINGS - 1


@pytest.mark.parametrize("budget", [InspectionBudget(pages=0), InspectionBudget(drawings=0)])
def test_words_are_believed_once_enough_pages_were_looked_at(budget: InspectionBudget) -> None:
    page, _ = read(museum.write_white_text(), budget=budget)
    assert SECRET in " ".join(page.text.split())


def test_shading_behind_words_hides_none_of_them() -> None:
    rows = b"".join(
        b".8 .9 1 rg 40 %d 500 18 re f 0 g " % (y - 5) + show(f"row {y} of the table", y=y + 14)
        for y in (300, 340, 380)
    )
    page, budget = read(write_page(show(tell(1)), rows))
    assert {"300", "340", "380"} <= set(page.text.split())
    assert budget.drawings == MAX_DRAWINGS


def test_only_words_that_a_later_shape_covers_are_suspected() -> None:
    """A table's shading is painted row by row, before the words of its row and after those of the one above."""
    rows = b"".join(b"1 g 40 %d 500 18 re f 0 g " % (y - 5) + show(f"row {y}", y=y + 14) for y in (300, 340))
    page, budget = read(write_page(show(tell(1)), rows, show(SECRET, y=213), b"1 g 40 190 500 20 re f"))
    assert page.text.split() == [*tell(1).split(), "row", "340", "row", "300"]
    assert budget.drawings == MAX_DRAWINGS - 1


@pytest.mark.parametrize("rotation", [90, 270])
def test_words_painted_over_are_found_on_turned_pages(rotation: int) -> None:
    late = (
        show(tell(1)),
        b".9 g 40 290 500 20 re f 0 g ",
        show("seen", y=314),
        show(SECRET, y=213),
        b"1 g 40 190 500 20 re f",
    )
    page, _ = read(write_page(*late, page=b"/Rotate %d" % rotation))
    assert sorted(page.text.split()) == sorted([*tell(1).split(), "seen"])


def test_words_that_are_blotted_out_in_white_are_hidden() -> None:
    page, _ = read(write_page(show(tell(1)), show(SECRET, y=213), b"1 g 40 190 500 20 re f"))
    assert page.text.split() == tell(1).split()


def test_words_under_a_seal_that_lets_them_through_are_read() -> None:
    gray = b"/ExtGState<</G<</ca .3>>>>"
    page, _ = read(write_page(show(tell(1)), b"/G gs 1 0 0 rg 40 500 500 250 re f", resources=gray))
    assert page.text.split() == tell(1).split()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_hidden_words_are_found_on_turned_pages(rotation: int) -> None:
    page, _ = read(write_page(show(tell(1)), b"1 g ", show(SECRET, y=200), page=b"/Rotate %d" % rotation))
    assert sorted(page.text.split()) == sorted(tell(1).split())


def test_small_print_is_read_and_what_no_picture_shows_is_not() -> None:
    page, _ = read(write_page(show(tell(1)), show("printed small", y=60, size=4), show(SECRET, y=30, size=1.5)))
    assert page.text.split() == [*tell(1).split(), "printed", "small"]


def test_white_words_on_a_photograph_are_read() -> None:
    """Within a picture there is something to be seen: a title on a slide."""
    document = pymupdf.open(stream=pdfs.write_image_pdf(share=0.4))
    document[0].insert_text((60, 100), "A title on a photograph of the sea", color=(1, 1, 1), fontsize=20)
    page, budget = read(document.tobytes())
    assert page.text == "A title on a photograph of the sea"
    assert budget.drawings >= MAX_DRAWINGS - 1


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, min(1.0, x + w), min(1.0, y + h)), *[st.floats(0, 1, allow_subnormal=False)] * 4
)


@given(st.lists(boxes, min_size=1, max_size=30), st.lists(boxes, max_size=10))
def test_a_word_is_inside_if_its_middle_is(words: list[Box], areas: list[Box]) -> None:
    middles = [((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) for box in words]
    assert list(find_inside(words, areas)) == [
        at for at, (x, y) in enumerate(middles) if any(a.x0 <= x <= a.x1 and a.y0 <= y <= a.y1 for a in areas)
    ]


@given(st.lists(boxes, min_size=1, max_size=30), st.lists(boxes, max_size=10))
def test_where_there_is_much_to_compare_the_same_words_are_inside(words: list[Box], areas: list[Box]) -> None:
    few = list(find_inside(words, areas))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visibility, "MAX_COMPARISONS", 0)
        assert list(find_inside(words, areas)) == few


def test_words_on_the_edge_of_an_area_are_inside_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "MAX_COMPARISONS", 0)
    points = [Box(x, y, x, y) for x in (0.0, 0.25, 0.5, 0.75) for y in (0.0, 0.25, 0.5, 0.75)]
    inside = find_inside(points, [Box(0.25, 0.25, 0.5, 0.5), Box(0.25, 0.25, 0.5, 0.5), Box(0.75, 0.75, 0.75, 0.75)])
    assert [points[at][:2] for at in inside] == [(0.25, 0.25), (0.25, 0.5), (0.5, 0.25), (0.5, 0.5), (0.75, 0.75)]


def test_a_crowded_page_keeps_the_words_that_are_in_no_area() -> None:
    words = [Box(x, y, x + 0.004, y + 0.004) for x, y in ((at % 100 / 100, at // 100 / 100) for at in range(4000))]
    dots = [Box(x, y, x + 0.001, y + 0.001) for x, y in ((at % 100 / 100, at // 100 / 100) for at in range(4000))]
    assert len(words) * len(dots) > visibility.MAX_COMPARISONS
    assert list(find_inside(words, dots)) == []
    assert list(find_inside(words, [*dots, words[5], words[3999]])) == [5, 3999]


# --- Type 3 fonts, slanting lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_box", [b"0 -12 38 46", b"0 0 0 0"])
def test_letters_whose_font_measures_in_pixels_are_read_whatever_their_nominal_size(line_box: bytes) -> None:
    page, budget = read(museum.write_pixel_font(line_box=line_box))
    assert page.text.split() == [*tell(53).split(), *"letters of pixels".split()]
    assert budget.drawings == MAX_DRAWINGS


def test_letters_of_pixels_in_white_are_hidden() -> None:
    page, _ = read(museum.write_pixel_font(paint=b"1 g "))
    assert page.text.split() == tell(53).split()


def test_a_slanting_line_of_tiny_letters_hides_no_words_beside_it() -> None:
    slanting = b"BT /F1 .5 Tf .7071 .7071 -.7071 .7071 60 400 Tm (%b) Tj ET" % (SECRET.encode() * 40)
    page, budget = read(write_page(show(tell(1)), slanting))
    words = page.text.split()
    assert set(tell(1).split()) <= set(words)
    assert budget.drawings == MAX_DRAWINGS - 1


# --- shapes -----------------------------------------------------------------------------------------------------------


def write_shaded_form(shapes: int) -> bytes:
    """A page whose shapes are in a form, and cover a line of it."""
    form = stream(
        b"1 g 40 190 500 20 re f\n" + b"0 0 1 1 re f\n" * (shapes - 1),
        b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]",
    )
    return write_page(show(tell(1)), show(SECRET, y=213), b"/F Do", resources=b"/XObject<</F 6 0 R>>", objects=[form])


def test_shapes_are_counted_wherever_they_come_from() -> None:
    page, budget = read(write_shaded_form(50))
    assert budget.paths == MAX_PATHS - 50
    assert page.text.split() == tell(1).split()


def test_once_shapes_enough_were_seen_words_are_believed_and_no_more_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pdf, budget = write_shaded_form(50), InspectionBudget(paths=50)
    first, budget = read(pdf, budget=budget)
    assert first.text.split() == tell(1).split()
    assert budget.paths == 0
    monkeypatch.setattr(pymupdf.Page, "get_cdrawings", lambda page: pytest.fail("shapes were listed"))
    second, budget = read(pdf, budget=budget)
    assert SECRET in " ".join(second.text.split())
