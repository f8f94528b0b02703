"""Text for the terminal: nothing in it steers, and nothing else is changed."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.terminal import make_line, make_printable, make_visible, sanitize_for_terminal

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SOILED = st.text(
    st.characters() | st.sampled_from("\x1b\n\t\u200c\u200d\u202e\u2066\u2028\u00ad\U000e0041\ud800a\u0627")
)


def escape(text: str, kept: str = "") -> str:
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in STEERING and each not in kept else each
        for each in text
    )


@given(SOILED)
def test_of_a_name_every_character_that_steers_is_shown_escaped_and_nothing_else_is_changed(text):
    assert make_visible(text) == escape(text)


@given(SOILED)
def test_of_a_text_no_character_that_steers_is_printed_and_nothing_else_is_changed(text):
    shown = make_printable(text).replace("\u200c", "\\u200c").replace("\u200d", "\\u200d")
    assert shown == escape(text, kept="\n\t")


@given(SOILED)
def test_a_line_is_one_line(text):
    assert len(f"x{make_line(text)}{sanitize_for_terminal(text)}".splitlines()) == 1
    assert "\t" not in make_line(text)


def test_words_that_are_written_with_joiners_keep_them_and_others_do_not():
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert make_printable(persian) == persian
    assert make_printable("pass\u200cword \u200d.") == "pass\\u200cword \\u200d."
    assert make_visible(persian) == persian.replace("\u200c", "\\u200c")
