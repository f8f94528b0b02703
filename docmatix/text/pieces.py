"""Texts compared regardless of case, punctuation and spelling of numbers.

A piece is a run of letters, or a number, after Unicode NFKC and case folding, without punctuation and format
characters. In scripts without spaces between words, every character is a piece.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

# Scripts written without spaces between words, and Hangul, whose particles stick to the noun: one piece a character.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECE = re.compile(
    rf"(?P<number>\d+(?:[.,']\d+)*)|[{_SPACELESS}]|[^\s\d.,'{_SPACELESS}][^\s.,'{_SPACELESS}]*",
)
SPACELESS_START = re.compile(f"[{_SPACELESS}]")
# no-break and thin spaces inside a number; a plain space may as well stand between two columns
_HARD_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")


class _Apart(dict[int, str | int]):
    """Puts a space before superscripts, subscripts and fractions: NFKC turns `10⁶` into 106 and `1½` into 11/2."""

    def __missing__(self, code: int) -> str | int:
        kind = unicodedata.decomposition(chr(code)).partition(" ")[0]
        self[code] = f" {chr(code)}" if kind in ("<super>", "<sub>", "<fraction>") else code
        return self[code]


class _Fold(dict[int, str | int | None]):
    """Keeps letters, marks, digits (as ASCII) and number punctuation; drops format characters; spaces the rest."""

    def __missing__(self, code: int) -> str | int | None:
        character, category = chr(code), unicodedata.category(chr(code))
        kept: str | int | None = " "
        if category == "Nd":
            kept = str(unicodedata.decimal(character))
        elif category[0] in "LMN":
            kept = code
        elif category in ("Cf", "Cs"):
            kept = None
        self[code] = kept
        return kept


_APART = _Apart()
_FOLD = _Fold({ord("."): ".", ord(","): ",", ord("\u066b"): ".", ord("\u066c"): ",", ord("\u0640"): None})
_FOLD.update(dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"), "'"))


def split_pieces(text: str) -> list[str]:
    """The pieces of a text: letters folded, numbers in one spelling (`1,234.50`, `1 234,50` -> `1234.50`)."""
    if not text.isascii():
        text = _HARD_THOUSANDS.sub("", text)
        text = unicodedata.normalize("NFKC", text.translate(_APART))
    pieces: list[str] = []
    for found in _PIECE.finditer(text.casefold().translate(_FOLD)):
        if found["number"]:
            pieces += _spell_number(found["number"])
        else:
            pieces.append(found[0])
    return pieces


def join_pieces(pieces: Iterable[str]) -> str:
    """The pieces without spaces, except between two numbers, where `3 5` must not become 35."""
    return "".join(space_numbers(pieces))


def space_numbers(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces, with a space in front of a number that follows a number."""
    before = ""
    for piece in pieces:
        yield " " + piece if before[-1:].isdigit() and piece[0].isdigit() else piece
        before = piece


def _spell_number(number: str) -> list[str]:
    """A number in one spelling, or several numbers where separators divide them: `1,2,3` is three."""
    if number.isdigit():
        return [number]
    groups = re.split("[.,']", number)
    marks = re.findall("[.,']", number)
    thousands = all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3
    if len(set(marks)) == 1:
        mark = marks[0]
        if mark == ".":
            return ["".join(groups)] if thousands and len(marks) > 1 else [number]
        if thousands and groups[0] != "0":
            return ["".join(groups)]
        # `3,5` and `0,125` are decimal commas; `March 5,2019` and `1,2,3` are not
        if mark == "," and len(marks) == 1 and (len(groups[1]) <= 2 or groups[0] == "0"):
            return [".".join(groups)]
        return groups
    whole, last = groups[:-1], groups[-1]
    if marks[-1] != "'" and marks[-1] not in marks[:-1] and len(whole[0]) <= 3 and all(len(g) == 3 for g in whole[1:]):
        return ["".join(whole) + "." + last]
    return groups


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text's pieces, joined: equal for texts that differ in case, punctuation and spaces only."""
    return join_pieces(split_pieces(text))


@lru_cache(maxsize=4096)
def piece_set(text: str) -> frozenset[str]:
    """The distinct pieces of a text."""
    return frozenset(split_pieces(text))


def measure_overlap(one: str, other: str) -> float:
    """Jaccard similarity of the pieces of two texts, 0..1; 0 where either has none."""
    a, b = piece_set(one), piece_set(other)
    return len(a & b) / len(a | b) if a and b else 0.0
