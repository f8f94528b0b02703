"""Words broken at a line's end: whether two words are one, and whether the hyphen between them belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from docmatix.core.documents import Word

SOFT_HYPHENS = ("\u00ad", "\u00ac")  # OCR programs write the second, a "not" sign, for the first
HYPHENS = ("-", "\u2010", *SOFT_HYPHENS)
_LETTERS = re.compile(r"[(\[\"'“‘«„¿¡]*([^\W\d_]+)")
_AFTER = re.compile(r"[^\W\d_]+")
_EDGES = "()[]{}\"'“”‘’«»„.,;:!?¿¡"
# "short-" at a line's end before "and long-term"
_SUSPENDED = frozenset("and or und oder sowie et ou".split())
# first parts of compounds that are written with a hyphen, where what follows is no ending
_COMPOUND = frozenset(
    "self well half cross quasi high low long short twenty thirty forty fifty sixty seventy eighty ninety".split()
)
_ENDING = re.compile(
    r"(?:ish|ness|en|er|est|ing|ed|ly|age|hood|less|light|way|land|itud|ev|back|hand|cut|list|time|some|bow|ful|fare|"
    r"being|s)"
)


class PageWords:
    """The words of a page as they are spelt within its lines, collected when first asked for."""

    def __init__(self, words: Iterable[Word]) -> None:
        self._words = words
        self._texts: frozenset[str] | None = None

    def __contains__(self, text: str) -> bool:
        if self._texts is None:
            self._texts = frozenset(word.text.strip(_EDGES).casefold() for word in self._words)
        return text.casefold() in self._texts


def mend_word(before: str, after: str, known: PageWords | None = None) -> str | None:
    """The last word of a line and the first of the next as one: without the hyphen where it only marks the break, with
    it where it belongs to the word (spelt so elsewhere on the page, a compound, a name). None for two words."""
    if not before.endswith(HYPHENS) or not (start := _AFTER.match(after)):
        return None
    stem, rest = before[:-1], start.group()
    if before.endswith(SOFT_HYPHENS):
        return stem + after if stem[-1:].isalpha() else None
    if not stem[-1:].isalpha():
        # "COVID-19-" or "2019-": digits stay apart, since a minus or a span ends lines as well
        return None
    if rest in _SUSPENDED and len(rest) == len(after.rstrip(_EDGES)):
        return None
    letters = _LETTERS.fullmatch(stem)
    whole = known is not None and letters is not None and letters.group(1) + rest in known
    spelt = known is not None and (stem.lstrip(_EDGES) + "-" + after.rstrip(_EDGES)) in known
    keeps = letters is None or 1 in (len(letters.group(1)), len(rest)) or not _is_one(letters.group(1), rest)
    return stem + after if whole or not (spelt or keeps) else before + after


def _is_one(stem: str, rest: str) -> bool:
    """Whether two parts are one word as far as can be told from themselves."""
    if rest[0].islower() or not (rest[0].isupper() or stem[0].isupper()):
        return stem.casefold() not in _COMPOUND or _ENDING.match(rest) is not None
    # "PREVA-LENCE" in a heading, but not "USB-C" or "Baden-Baden"
    return stem.isupper() and rest.isupper() and len(stem) > 1 and len(rest) > 1 and len(stem) + len(rest) >= 8


UNSPACED = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]")
"""Chinese and Japanese characters, which no space parts where a line ends."""


def join_lines(lines: Sequence[str], known: PageWords | None = None) -> str:
    """Lines as one, with single spaces where their script has them; words broken at their ends are mended."""
    text = ""
    for line in lines:
        if not text or not line:
            text += line
            continue
        *rest, last = text.rpartition(" ")
        first, space, others = line.partition(" ")
        mended = mend_word(last, first, known)
        between = "" if UNSPACED.match(text[-1]) and UNSPACED.match(line) else " "
        text = f"{text}{between}{line}" if mended is None else "".join((*rest, mended, space, others))
    return text


def join_words(words: Iterable[Word], known: PageWords | None = None) -> str:
    """The text of words that follow each other, with single spaces; words broken at a line's end are mended."""
    lines = [" ".join(word.text for word in line) for _, line in groupby(words, key=lambda word: word.line)]
    return lines[0] if len(lines) == 1 else join_lines(lines, known)
