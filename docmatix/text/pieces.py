"""Texts compared regardless of case, punctuation and spelling of numbers.

A piece is a run of letters, or a number, after Unicode NFKC and case folding, without punctuation and format
characters. In scripts without spaces between words, every character is a piece. The minus of a number is a piece, and
so are its fraction (`1/2`) and its exponent (`^6`), so that `cut_words` can tell what belongs to one number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.core.documents import UNKNOWN
from docmatix.text.numbers import MAGNITUDES, MINUS, Near, find_numbers, has_digit, is_bracketed
from docmatix.text.short_texts import keep_short

# Scripts written without spaces between words, and Hangul, whose particles stick to the noun: one piece a character.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECE = re.compile(
    rf"(?P<number>(?<![\w.])\.\d+|\d+/\d+|\d+(?:[.,']\d+)*)|{MINUS}|\^{MINUS}?\d+"
    rf"|[{_SPACELESS}]|[^\s\d.,'/^{MINUS}{_SPACELESS}][^\s.,'/^{MINUS}{_SPACELESS}]*",
)
# what is kept of signs, fractions and exponents; elsewhere `-`, `/` and `^` divide words
_SIGNED = re.compile(rf"(?<![^\s(\[{{:=|$€£¥\"“«])[-{MINUS}–‐‑](?=[$€£¥]?\.?\d)")
_SLASHED = re.compile(r"(?<![\d./-])(\d{1,2})[/\u2044](\d{1,2})(?![\d/\u2044-])")
_RAISED = re.compile(r"(?<=\d)(?:([⁺⁻]?[⁰¹²³⁴-⁹]+)(?!\w)|\^(?=[-−]?\d))")
_NEGATIVE_POWER = re.compile(rf"\ufdd2[-{MINUS}]")
_MARKED = re.compile(r"[-/^\u2044\u2010-\u2013\u2212⁰¹²³⁴-⁹¼-¾⅐-⅞]")
# noncharacters, which no text has, stand for the three while everything else is folded
_MARKS = {"\ufdd0": MINUS, "\ufdd1": "/", "\ufdd2": "^"}
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


# A word with an unknown character (U+FFFD) is a piece that no other equals: 1987 may be printed where "\ufffd987" is.
_UNKNOWN_WORD = re.compile(rf"\S*{UNKNOWN}\S*")
_APART = _Apart()
_FOLD = _Fold({ord("."): ".", ord(","): ",", ord("\u066b"): ".", ord("\u066c"): ",", ord("\u0640"): None})
_FOLD.update({ord(mark): kept for mark, kept in _MARKS.items()})
_FOLD[ord(UNKNOWN)] = ord(UNKNOWN)
_FOLD.update(dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"), "'"))


_DIGIT = re.compile("[0-9]")
# words in ASCII, most of what is compared: nothing but letters is kept
_PLAIN = str.maketrans({code: " " for code in range(128) if not chr(code).isalpha()})


def split_pieces(text: str) -> list[str]:
    """The pieces of a text: letters folded, numbers in one spelling (`1,234.50`, `1 234,50` -> `1234.50`)."""
    if text.isascii() and not _DIGIT.search(text):
        return text.lower().translate(_PLAIN).split()
    if _MARKED.search(text):
        text = _mark_signs(text)
    if not text.isascii():
        text = _HARD_THOUSANDS.sub("", text)
        if UNKNOWN in text:
            text = _UNKNOWN_WORD.sub(UNKNOWN, text)
        text = unicodedata.normalize("NFKC", text.translate(_APART))
    pieces: list[str] = []
    for found in _PIECE.finditer(text.casefold().translate(_FOLD)):
        if found["number"]:
            pieces += _spell_number(found["number"])
        else:
            pieces.append(found[0])
    return pieces


def _mark_signs(text: str) -> str:
    text = _SIGNED.sub(" \ufdd0", text)
    text = _SLASHED.sub("\\1\ufdd1\\2", text)
    text = _RAISED.sub(_mark_exponent, text)
    text = _NEGATIVE_POWER.sub("\ufdd2\ufdd0", text)
    if not text.isascii():
        text = _VULGAR.sub(
            lambda found: " " + unicodedata.normalize("NFKC", found[0]).replace("\u2044", "\ufdd1"), text
        )
    return text


_VULGAR = re.compile(r"[¼-¾⅐-⅞]")


def _mark_exponent(found: re.Match[str]) -> str:
    return "\ufdd2" + unicodedata.normalize("NFKC", found[1] or "").replace(MINUS, "\ufdd0").replace("+", "")


def is_number(piece: str) -> bool:
    """Whether a piece, or a term made of pieces, is a number or its sign."""
    return piece[0].isdigit() or piece[0] in f"{MINUS}^"


def join_pieces(pieces: Sequence[str], glued: Sequence[bool] | None = None) -> str:
    """The pieces without spaces, except between two numbers, where `3 5` must not become 35; those `glued` to the piece
    before are groups of one number."""
    return "".join(space_numbers(pieces, glued))


def space_numbers(pieces: Sequence[str], glued: Sequence[bool] | None = None) -> Iterator[str]:
    """The pieces, with a space in front of a number that follows a number."""
    before = ""
    for place, piece in enumerate(pieces):
        apart = before[-1:].isdigit() and piece[0].isdigit() and not (glued and glued[place])
        yield " " + piece if apart else piece
        before = piece


class CutWords(NamedTuple):
    """Words in pieces. `owners` has the word of each piece; `bound` whether it goes on with the number of the piece
    before, `glued` whether as a group of thousands; `magnitudes` what multiplies the number that ends at a piece."""

    pieces: list[str]
    owners: list[int]
    bound: list[bool]
    glued: list[bool]
    magnitudes: dict[int, str]


def _is_page_range(words: Sequence[str], place: int) -> bool:
    """Whether a word such as `-5` ends a range of pages: `pp. 3 -5`."""
    return (
        place > 1 and has_digit(words[place - 1]) and words[place - 2].lower() in {"p.", "pp.", "page", "pages", "s."}
    )


def _go_on(before: str, piece: str) -> bool:
    """Whether a piece goes on with a number: a fraction, or a magnitude as it is written in Chinese and its kin."""
    if before[-1].isdigit():
        return ("/" in piece and before.isdigit()) or piece in _MYRIADS
    return before in _MYRIADS and piece[0].isdigit()


_MYRIADS = frozenset("百千万萬億亿兆백천만억조")
_AROUND = "([{.,;:!?)]}\"'“”‘’«»*†‡"


# before a range of which either end is asked for
_NUMBERED = frozenset(
    "p. pp. page pages s. chapter chapters section sections figure figures table tables items lines rows".split()
)
# `2-3`, `$2-3`, `10-15%`; not `1999-2004`, of which either year may be asked, nor dates
_RANGE = re.compile(r"[(\[\"“]*[$€£¥]?\d{1,3}(?:[.,]\d+)*[-\u2010-\u2014][$€£¥]?\d{1,3}(?:[.,]\d+)*[%)\]\"”.,;:!?]*")


@keep_short(16384)
def _cut_word(word: str) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The pieces of a word, and which of them go on with the number of the piece before."""
    pieces = (UNKNOWN,) if UNKNOWN in word else tuple(split_pieces(word))
    if len(pieces) == 2 and _RANGE.fullmatch(word):
        return pieces, (False, True)
    return pieces, tuple(
        at > 0 and (pieces[at - 1] == MINUS or piece[0] == "^" or _go_on(pieces[at - 1], piece))
        for at, piece in enumerate(pieces)
    )


def cut_words(words: Sequence[str], near: Near | None = None) -> CutWords:
    """Cut words into pieces, and say which of them are one number (`near` as in `find_numbers`). A word with an unknown
    character is one piece that equals no other, and the number beside it is bound to it."""
    cut = CutWords([], [], [], [], {})
    numbers = {number.first: number for number in find_numbers(words, near)}
    murky = UNKNOWN in " ".join(words)
    end, number = -1, None
    for place, word in enumerate(words):
        pieces, bound = _cut_word(word)
        if len(pieces) == 1 and place > end and place not in numbers and not murky:
            cut.pieces.append(pieces[0])
            cut.bound.append(False)
            cut.glued.append(False)
            cut.owners.append(place)
            continue
        if pieces[:1] == (MINUS,) and _is_page_range(words, place):
            pieces, bound = pieces[1:], (False, *bound[2:])
        if bound == (False, True) and place and words[place - 1].lower() in _NUMBERED and _RANGE.fullmatch(word):
            bound = (False, False)
        number = numbers.get(place, number)
        inside = place <= end
        if number is not None and place == number.first:
            end = number.last
            if end > place and not has_digit(word):
                pieces, bound = (MINUS,), (False,)
            elif (word[-1] in ").,;%-" or word[-1] == MINUS) and is_bracketed(words, place, near):
                pieces, bound = (MINUS, *pieces), (False, True, *bound[1:])
        elif inside and word in "×x·*":
            continue
        if not pieces:
            continue
        if inside:
            bound = (True, *bound[1:])
            group = pieces[0].partition(".")[0]
            cut.glued.extend((len(group) == 3 and group.isdecimal(), *(False,) * (len(pieces) - 1)))
        else:
            if murky and place > 0 and (near is None or near[place]) and UNKNOWN in words[place - 1] + word:
                numeric = is_number(pieces[0]) or (bool(cut.pieces) and is_number(cut.pieces[-1]))
                bound = (numeric, *bound[1:])
            cut.glued.extend((False,) * len(pieces))
        cut.pieces.extend(pieces)
        cut.bound.extend(bound)
        cut.owners.extend((place,) * len(pieces))
        if number is not None and number.magnitude is not None and place == number.last:
            cut.magnitudes[len(cut.pieces) - 1] = MAGNITUDES[words[number.magnitude].strip(_AROUND).lower()]
    return cut


def _spell_number(number: str) -> list[str]:
    """A number in one spelling, or several numbers where separators divide them: `1,2,3` is three."""
    if number.isdigit() or "/" in number:
        return [number]
    if number[0] == ".":
        return ["0" + number]
    groups = re.split("[.,']", number)
    marks = re.findall("[.,']", number)
    thousands = all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3
    if len(set(marks)) == 1:
        mark = marks[0]
        if mark == ".":
            return ["".join(groups)] if thousands and len(marks) > 1 else [number]
        lakhs = mark == "," and len(groups) > 2 and len(groups[0]) <= 2 and {*map(len, groups[1:-1])} == {2}
        if (thousands and groups[0] != "0") or (lakhs and len(groups[-1]) == 3):
            return ["".join(groups)]
        # `3,5` and `0,125` are decimal commas; `March 5,2019` and `1,2,3` are not
        if mark == "," and len(marks) == 1 and (len(groups[1]) <= 2 or groups[0] == "0"):
            return [".".join(groups)]
        return groups
    whole, last = groups[:-1], groups[-1]
    if marks[-1] != "'" and marks[-1] not in marks[:-1] and len(whole[0]) <= 3 and all(len(g) == 3 for g in whole[1:]):
        return ["".join(whole) + "." + last]
    return groups


@keep_short(4096)
def split_once(text: str) -> tuple[str, ...]:
    """`split_pieces` of a short text that is looked at again and again."""
    return tuple(split_pieces(text))


@keep_short(4096)
def fold(text: str) -> str:
    """The text's pieces, joined: equal for texts that differ in case, punctuation and spaces only."""
    return join_pieces(split_pieces(text))


@keep_short(4096)
def piece_set(text: str) -> frozenset[str]:
    """The distinct pieces of a text."""
    return frozenset(split_pieces(text))


def holds_pieces(text: Sequence[str], part: Sequence[str]) -> bool:
    """Whether the pieces of a part follow each other in those of a text, both of the same type."""
    if part and part[0] not in text:
        return False
    return any(text[at : at + len(part)] == part for at in range(len(text) - len(part) + 1))


def measure_overlap(one: str, other: str) -> float:
    """Jaccard similarity of the pieces of two texts, 0..1; 0 where either has none."""
    a, b = piece_set(one), piece_set(other)
    return len(a & b) / len(a | b) if a and b else 0.0
