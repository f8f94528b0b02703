"""Plain values of a document: texts composed from words, and tables as Markdown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Word, WordSpan, compose_text, locate_words, make_table

BOX = Box(0, 0, 1, 1)


def make_words(blocks: list[list[list[str]]]) -> list[Word]:
    words, line_number = [], 0
    for block_number, block in enumerate(blocks):
        for line in block:
            words += [Word(text, BOX, line_number, block_number) for text in line]
            line_number += 1
    return words


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=" \n"), min_size=1, max_size=5)
BLOCKS = st.lists(st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=3), max_size=4)


@given(BLOCKS)
def test_every_word_stands_where_it_is_located(blocks):
    words = make_words(blocks)
    text = compose_text(words)
    spans = locate_words(words)
    assert [text[span.start : span.end] for span in spans] == [word.text for word in words]
    assert "".join(text.split(" ")).replace("\n", "") == "".join(word.text for word in words)


@given(BLOCKS)
def test_blocks_are_set_apart_by_a_blank_line_and_lines_by_a_newline(blocks):
    text = compose_text(make_words(blocks))
    assert text == "\n\n".join("\n".join(" ".join(line) for line in block) for block in blocks)


def test_words_may_be_given_once_only():
    words = make_words([[["a", "b"], ["c"]], [["d"]]])
    assert compose_text(iter(words)) == "a b\nc\n\nd"
    assert locate_words(iter(words)) == [WordSpan(0, 1), WordSpan(2, 3), WordSpan(4, 5), WordSpan(7, 8)]


def test_a_page_without_words_has_no_text():
    assert compose_text([]) == ""
    assert locate_words([]) == []


def test_a_table_is_written_with_its_header_bars_escaped_and_newlines_gone():
    table = make_table(BOX, (("Item", "Price"), ("a|b", "1\n000"), ("short",)))
    assert table.to_markdown() == "| Item | Price |\n| --- | --- |\n| a\\|b | 1 000 |\n| short |  |"


def test_a_table_as_wide_as_its_widest_row():
    lines = make_table(BOX, (("one",), ("a", "b", "c"))).to_markdown().split("\n")
    assert {line.count("|") for line in lines} == {4}
