"""Numbers as they are written: digits with the signs of a language, words, and what multiplies them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.text.numbers import MAGNITUDES as KNOWN
from docmatix.verification.agreement.spelling import clean, fold
from docmatix.verification.agreement.vocabulary import WORDS as VOCABULARY

DECIMAL_COMMA = frozenset(
    "de fr es it pt nl pl ru cs sv da no nb nn fi tr id el ro hu bg hr sr sk sl uk vi lt lv et ca gl be".split()
)
DECIMAL_POINT = frozenset("en zh ja ko hi th ar he ms ta te bn ur fa ga cy".split())

_TIMES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "lakh": 1e5, "crore": 1e7,
    "dozen": 12.0,
}  # fmt: skip
MAGNITUDES: dict[str, float] = {word: _TIMES[name] for word, name in KNOWN.items()}
MAGNITUDES |= {
    fold(clean(word)): float(times) for times, words in VOCABULARY["magnitudes"].items() for word in words.split()
}
MAGNITUDES |= {"mil": 1e3, "dozens": 12.0, "douzaine": 12.0, "docena": 12.0, "dutzend": 12.0}
del MAGNITUDES["cent"]
LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "m": 1e6, "b": 1e9, "bn": 1e9, "mn": 1e6, "tn": 1e12}
"""What multiplies a number right behind its digits, where no unit does."""
MYRIADS = {
    "十": 10.0,
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "萬": 1e4,
    "億": 1e8,
    "亿": 1e8,
    "兆": 1e12,
    "만": 1e4,
    "억": 1e8,
    "조": 1e12,
}
HAN = {each: value for value, each in enumerate("〇一二三四五六七八九")} | {"两": 2, "零": 0}
WORDS: dict[str, int] = {}
"""Whole numbers below a hundred, as words, folded; articles that look like them are no numbers."""


for _series in VOCABULARY["numbers"]:
    for _at, _word in enumerate(_series["words"].split()):
        if _word != "_":
            WORDS[fold(clean(_word))] = _series["first"] + _series["step"] * _at
for _ten, _it, _de, _nl in (
    (20, "venti", "zwanzig", "twintig"), (30, "trenta", "dreissig", "dertig"), (40, "quaranta", "vierzig", "veertig"),
    (50, "cinquanta", "funfzig", "vijftig"), (60, "sessanta", "sechzig", "zestig"),
    (70, "settanta", "siebzig", "zeventig"),
    (80, "ottanta", "achtzig", "tachtig"), (90, "novanta", "neunzig", "negentig"),
):  # fmt: skip
    WORDS[_it], WORDS[_nl] = _ten, _ten
    _joined = zip(
        range(1, 10),
        "uno due tre quattro cinque sei sette otto nove".split(),
        "ein zwei drei vier funf sechs sieben acht neun".split(),
        "een twee drie vier vijf zes zeven acht negen".split(),
        strict=True,
    )
    for _one, _a, _b, _c in _joined:
        WORDS[(_it[:-1] if _a[0] in "uo" else _it) + _a] = WORDS[f"{_b}und{_de}"] = WORDS[f"{_c}en{_nl}"] = _ten + _one
# `sei`, `nul`, `once`, `sex` and `tre` are words of other languages too, and alone they are no number in those
_DOUBTFUL = frozenset("once sex sei dix six nove elf acht tres null nul sept quinze quince drie tre seis".split())
LINKS = frozenset("and und et y e en i".split())


def read_words(words: Sequence[str]) -> tuple[float, int] | None:
    """The number that folded words start with, and how many of them it takes: `two hundred and five`."""
    total, part, at, seen = 0.0, 0.0, 0, 0
    while at < len(words):
        word = words[at]
        if word in WORDS:
            value = WORDS[word]
            if (
                seen
                and at == seen
                and part
                and not (part % 100 >= 20 and value < 20)
                and not (part >= 100 and part % 100 == 0)
            ):
                break
            if word.startswith("vingt") and part == 4:
                part = 80.0
            else:
                part += value
        elif word in MAGNITUDES and (seen or word in _ALONE):
            times = MAGNITUDES[word]
            if times == 12 and seen:
                part *= 12
            elif times == 100:
                part = (part or 1) * 100
            else:
                total += (part or 1) * times
                part = 0.0
        elif word in _ONES and seen and part >= 20 and part % 10 == 0 and words[at - 1] in LINKS:
            part += 1
        elif word == "-" or (word in LINKS and seen):
            at += 1
            continue
        else:
            break
        at += 1
        seen = at
    return (total + part, seen) if seen else None


_ONES = frozenset("un une uno una um uma ein".split())
_ALONE = frozenset("hundred thousand million billion hundert tausend dozen dutzend mille cento ciento mil".split())


def is_doubtful(word: str) -> bool:
    """Whether a word is a number in one language and something else in another."""
    return word in _DOUBTFUL


_GROUPS = re.compile(r"[.,' ]")


def read_digits(digits: str, language: str | None) -> tuple[float, ...]:
    """What a run of digits with signs may be, the likeliest first: `1.234` is 1234 in a German document, and 1.234 or
    1234 where the language is not known. None for what is no number, such as `3.1.2`."""
    if digits.isdigit():
        return (float(digits),)
    groups = _GROUPS.split(digits)
    signs = [each for each in digits if not each.isdigit()]
    last = signs[-1]
    if len(set(signs)) > 1:
        whole, fraction = groups[:-1], groups[-1]
        if last in signs[:-1] or last in "' " or not _are_grouped(whole):
            return ()
        return (float("".join(whole) + "." + fraction),)
    grouped = float("".join(groups)) if _are_grouped(groups) else None
    if last in "' ":
        return () if grouped is None else (grouped,)
    if len(groups) > 2:
        return () if grouped is None else (grouped,)
    decimal = float(f"{groups[0]}.{groups[1]}")
    if grouped is None or groups[0][0] == "0":
        return (decimal,)
    is_decimal = (last == ",") == (language in DECIMAL_COMMA)
    return (decimal, grouped) if is_decimal else (grouped, decimal)


def _are_grouped(groups: Sequence[str]) -> bool:
    """Whether the groups are thousands, or lakhs and crores."""
    first, *rest = groups
    if not 1 <= len(first) <= 3 or not rest:
        return not rest
    return len(rest[-1]) == 3 and (
        all(len(group) == 3 for group in rest) or all(len(group) == 2 for group in rest[:-1])
    )
