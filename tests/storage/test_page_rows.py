"""The words of a page that was read from a row are made late, and are the same words."""

import pickle

from docmatix.core.documents import Box, Page, Word
from docmatix.storage.page_rows import page_from_row, page_to_row

WORDS = (
    Word("Total", Box(0.1, 0.2, 0.3, 0.25), 0, 0, 9.5, True),
    Word("412", Box(0.4, 0.2, 0.5, 0.25), 0, 0, 9.5, False),
    Word("crates", Box(0.1, 0.3, 0.3, 0.35), 1, 1, 8.0, False),
)
PAGE = Page(1, 595.0, 842.0, 0, 0.0, "Total 412\n\ncrates", WORDS)


def test_a_page_comes_back_from_its_row():
    assert page_from_row(page_to_row(PAGE)) == PAGE


def test_its_words_can_be_used_as_a_tuple_of_words_can():
    words = page_from_row(page_to_row(PAGE)).words
    assert len(words) == 3
    assert words == WORDS
    assert (words[1], words[-1], words[:2]) == (WORDS[1], WORDS[-1], WORDS[:2])
    assert [type(word) for word in words] == [Word] * 3
    assert all(type(word.box) is Box for word in words)
    assert hash(words) == hash(WORDS)
    assert pickle.loads(pickle.dumps(words)) == WORDS


def test_a_row_without_words_has_none_and_one_of_an_earlier_version_neither_sizes_nor_bold_letters():
    row = page_to_row(PAGE)
    bare = {name: value for name, value in row.items() if not name.startswith("word_")}
    assert page_from_row(bare).words == ()
    early = {name: value for name, value in row.items() if name not in ("word_sizes", "word_bold", "word_confidences")}
    assert [(word.text, word.size, word.bold, word.confidence) for word in page_from_row(early).words] == [
        (word.text, 0.0, False, None) for word in WORDS
    ]
