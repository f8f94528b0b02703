"""Text as a terminal shows it: what strangers wrote steers nothing there."""

from __future__ import annotations

import unicodedata

from docmatix.core.redaction import hide_in_text

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters, lone surrogates, separators of lines: by Unicode's categories."""
_JOINERS = "\u200c\u200d"
"""Words of Persian and of Indian scripts are written with them, and some emoji."""


def make_visible(text: str) -> str:
    """A name in one line of the terminal: what would steer it, end the line, turn the direction of what follows, or not
    be seen is written as in Python (`\\n`, `\\x1b`, `\\u202e`)."""
    if text.isprintable():
        return text
    return "".join(_escape_character(each) for each in text)


def make_printable(text: str) -> str:
    """Running text for the terminal, escaped like a name, save for line ends, tabs, and joiners within words that are
    not ASCII: a document's text must not steer the terminal, nor turn ours around."""
    if text.isprintable():
        return text
    padded = f" {text} "
    return "".join(
        each
        if each in "\n\t" or (each in _JOINERS and not (padded[place] + padded[place + 2]).isascii())
        else _escape_character(each)
        for place, each in enumerate(text)
    )


def make_line(text: str) -> str:
    """Running text, such as a question, as one line."""
    return " ".join(make_printable(text).split())


def sanitize_for_terminal(text: str) -> str:
    """A message as one terminal line: file names and words of servers, written by strangers, can neither control the
    terminal nor forge another line, and passwords in addresses are hidden."""
    return make_visible(hide_in_text(text))


def _escape_character(character: str) -> str:
    steers = unicodedata.category(character) in _STEERING
    return character.encode("unicode_escape").decode() if steers else character
