"""The words of a page by their lines, with edges in points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docmatix.facts.text_lines import list_text_lines
from tests.pages import HEIGHT_PT, WIDTH_PT, make_page, write_page

WORDS = st.text("abc1", min_size=1, max_size=4)
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=6)


def test_a_page_without_words_has_no_lines() -> None:
    assert list_text_lines(make_page(())) == []


@given(LINES)
def test_each_word_is_in_one_line_with_its_edges_in_points(lines: list[list[str]]) -> None:
    page = write_page("\n".join(" ".join(line) for line in lines)) if lines else make_page(())
    found = list_text_lines(page)
    assert [word for line in found for word in line.words] == list(page.words)
    assert [line.text for line in found] == [" ".join(line) for line in lines]
    for line in found:
        assert page.words[line.start : line.start + len(line.words)] == line.words
        boxes = [word.box for word in line.words]
        assert list(line.x0s) == [box.x0 * WIDTH_PT for box in boxes]
        assert list(line.y1s) == [box.y1 * HEIGHT_PT for box in boxes]
        assert len(line.texts) == len(line.y0s) == len(line.x1s) == len(line.sizes) == len(line.bolds)
