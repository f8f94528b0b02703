"""Numbers as wholes: which words of a line are one number, with its sign, groups of thousands, fraction, magnitude,
currency and unit. No answer may be a part of one: `EUR 1` of `EUR 1 250 000`, `3 percent` of `- 3 ½ percent`.

Works on words, so that a caller that knows where they stand can tell `12 500` from the columns `12` and `500`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from docmatix.core.documents import UNKNOWN, Word

MINUS = "\N{MINUS SIGN}"
DASHES = frozenset("-\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{FULLWIDTH HYPHEN-MINUS}")
SYMBOLS = "$€£¥₹₩₽₺₫₪฿₦₴₱¢"
_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|BRL|MXN|ARS|CLP|COP|ZAR|"
    "SGD|HKD|TWD|KRW|THB|IDR|MYR|PHP|VND|ILS|AED|SAR|QAR|KWD|EGP|NGN|KES|GHS|PKR|BDT|LKR|XAF|XOF"
)
CURRENCY = rf"(?:(?:US|CA|AU|NZ|HK|SG|NT|Mex|[ACRS])?[{SYMBOLS}]|(?:{_CODES})\b|(?:Rs|Fr)\.|Rs\b|kr\b\.?|zł|Kč)"
"""A sign or code of a currency, before or after a number."""
MAGNITUDES = {
    "hundred": "hundred", "thousand": "thousand", "million": "million", "millions": "million", "billion": "billion",
    "billions": "billion", "trillion": "trillion", "trillions": "trillion", "lakh": "lakh", "lakhs": "lakh",
    "crore": "crore", "crores": "crore", "dozen": "dozen", "mn": "million", "mln": "million", "mio": "million",
    "millionen": "million", "millones": "million", "millón": "million", "milioni": "million", "milhões": "million",
    "miljoen": "million", "млн": "million", "milliard": "billion", "milliards": "billion", "milliarden": "billion",
    "miliardi": "billion", "miljard": "billion", "млрд": "billion", "tausend": "thousand", "tsd": "thousand",
    "mille": "thousand", "mila": "thousand", "тыс": "thousand", "cr": "crore",
    "bn": "billion", "bln": "billion", "mrd": "billion", "tn": "trillion",
}  # fmt: skip
"""Words that multiply the number before them, in one spelling."""
UNITS = (
    r"(?:°\s?[CFK]?|º\s?[CF]|℃|℉|[kcdmµμn]?m[²³23]?|[kmµμn]?g|[mcdhµμ]?l|[kMGT]?W(?:h|p)?|[kM]?V(?:A|Ah)?|m?A(?:h)?|"
    r"[kMGT]?Hz|[kMh]?Pa|k?N|[kM]?J|k?cal|[kMGT]i?B|[kMG]?bit/s|[kMG]bps|ppm|ppb|pp|bps|bp|dB|mol|ha|km/h|m/s|mph|rpm|"
    r"ms|µs|μs|ns|BCE?|AD|CE|kWh/m[²2]|oz|lbs?|ft)"
)
"""Marks of units, which a question does not name as it does `degrees`."""
FRACTION = r"(?:[¼-¾⅐-⅞]|\d{1,2}[/⁄]\d{1,2}(?![\d/⁄]))"
GROUPED = r"[1-9]\d{0,2}(?:[ \u00a0\u2007\u2009\u202f]\d{3})+(?![\d])(?:[.,]\d{1,6}\b)?"
PLAIN = (
    r"(?:\d{1,3}(?:['’]\d{3})+(?:\.\d{1,6})?|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:\.\d{3}){2,}(?:,\d{1,2})?"
    r"|\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,6})?|\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,12}(?:\.\d{1,6}|,\d{1,2}(?!\d))?)"
)
NUMERALS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
    "million millions billion billions trillion dozen dozens half halves third thirds quarter quarters".split()
)

_OPENING = "([{\"'“‘«"
_CLOSING = ".,;:!?)]}\"'”’»*†‡"
_FIRST_GROUP = re.compile(rf"(?P<lead>[^\w.,]*{CURRENCY}?[^\w.,]*)[1-9]\d{{0,2}}", re.IGNORECASE)
_GROUP = re.compile(r"\d{3}")
_LAST_GROUP = re.compile(r"\d{3}(?:[.,]\d{1,6})?(?![\d'’/:-]|[.,]\d).*")
_WHOLE_FRACTION = re.compile(rf"{FRACTION}\D{{0,3}}")
_INTEGER_END = re.compile(r"(?:^|[^\d.,'’/:-])\d{1,3}(?:[,'’]?\d{3})*$")
_CURRENCY_ALONE = re.compile(rf"[-\N{{EN DASH}}{MINUS}+(]?{CURRENCY}[(-]?")
_CURRENCY_AFTER = re.compile(rf"{CURRENCY}\)?")
_PREFIX = frozenset("US CA AU NZ HK SG".split())
_UNIT_ALONE = re.compile(rf"{UNITS}\)?")
_PERCENT = frozenset("% ‰ percent per-cent pct pct. percentage".split())
_DIGIT = re.compile(r"[\d¼-¾⅐-⅞]")
_SIGNS = frozenset({MINUS, "minus"})
_ONES = frozenset("one two three four five six seven eight nine ten".split())
_OPERATORS = frozenset("− × x ± + / * = < > ≤ ≥ ≪ ≫ <= >=".split())
_LINKS = frozenset("to or and through till until &".split())
_SUFFIXES = _PERCENT | {"CR", "DR"}
_TIMES = frozenset("× x · *".split())
_SPACE = 0.4
"""The widest gap inside a number, in heights of a line. A space is 0.2 to 0.3 of it."""
_TRAILING = re.compile(rf"[$€£¥]?\d[\d.,'’]*[.,]\d\d[-{MINUS}]")
_BRACKETED = re.compile(
    rf"(?P<currency>{CURRENCY})?\({CURRENCY}?(?P<fraction>\d[\d.,'’]*[.,]\d[\d.,'’]*)?(?(fraction)|\d+)\)%?[.,;]?"
)
_POWER = re.compile(r"10(?:[⁰¹²³⁴-⁹⁻⁺]+|\^[-+\N{MINUS SIGN}]?\d+)?")


Near: TypeAlias = Sequence[bool | None]


class Number(NamedTuple):
    """A number among words: `first` to `last` are its sign, its groups of digits and its fraction, `start` to `stop`
    (inclusive) also its currency, magnitude and unit. `magnitude` is the place of the word that multiplies it."""

    first: int
    last: int
    start: int
    stop: int
    magnitude: int | None


def has_digit(word: str) -> bool:
    """Whether a word has a digit of any script, or a fraction."""
    return not word.isalpha() and _DIGIT.search(word) is not None


def find_numbers(words: Sequence[str], near: Near | None = None) -> Iterator[Number]:
    """The numbers among words, in order. `near` says whether a word stands a space apart from the one before it (None:
    it starts a line); without it, all do."""
    done = -1
    for place, word in enumerate(words):
        if place > done and not word.isalpha() and _DIGIT.search(word):
            number = _grow(words, near, place)
            yield number
            done = number.last


def cuts_number(words: Sequence[str], first: int, last: int, near: Near | None = None) -> bool:
    """Whether words `first` to `last` have a part of a number but not the whole of it, or stand next to a word that has
    an unknown character."""
    low, high = max(0, first - 8), min(len(words), last + 9)
    some, close = words[low:high], None if near is None else near[low:high]
    for number in find_numbers(some, close):
        start, stop = number.start + low, number.stop + low
        if start <= last and stop >= first and not (first <= start and stop <= last):
            return True
    before = first > 0 and (near is None or bool(near[first])) and UNKNOWN in words[first - 1]
    after = last + 1 < len(words) and (near is None or bool(near[last + 1])) and UNKNOWN in words[last + 1]
    numeric = has_digit(words[first]) or has_digit(words[last])
    return any(UNKNOWN in word for word in words[first : last + 1]) or (numeric and (before or after))


def is_prefix(text: str) -> bool:
    """Whether a text is nothing but what precedes a number: `$`, `EUR`, a minus. A dash may mean an empty cell."""
    return text in {MINUS, "+", "±"} or _CURRENCY_ALONE.fullmatch(text) is not None


def is_suffix(text: str) -> bool:
    """Whether a text is nothing but what follows a number: `EUR`, `%`, `million`."""
    return _CURRENCY_AFTER.fullmatch(text) is not None or text in _SUFFIXES or text.lower() in MAGNITUDES


def stands_in_series(words: Sequence[str], first: int, last: int) -> bool:
    """Whether the number in words `first` to `last` is one end of a range, one of several, an operand or a part of a
    number in words, so that alone it would be wrong: `3` of `3 to 5 percent`, `two` of `two hundred`."""

    def at(place: int) -> str:
        return words[place] if 0 <= place < len(words) else ""

    def is_numeric(word: str) -> bool:
        return has_digit(word) or _strip(word) in NUMERALS

    before, after = at(first - 1), at(last + 1)
    ranged = after in DASHES and is_numeric(at(last + 2))
    broken = before[-1:] in DASHES and has_digit(before)  # "206-231- 3195"
    if before in _OPERATORS or before in DASHES or after in _OPERATORS or ranged or broken:
        return True
    closed = words[last][-1] in ",;:"
    if (has_digit(before) and before[-1].isalnum()) or (not closed and after[:1].isdigit()):
        return True  # two numbers in a row: one may be a mark, or a sign that was read as a digit
    spelled = not closed and _strip(after) in NUMERALS and _strip(words[last]) not in MAGNITUDES
    if spelled or _strip(before) in NUMERALS:
        return True
    if _strip(before) in _LINKS and is_numeric(at(first - 2)) and at(first - 2)[-1] not in ";:":
        # "from 3 to 5 percent" tells its ends apart, and "rose by 9% to $145" is no range
        told = _strip(before) == "to" and _strip(at(first - 3)) == "from"
        return not (told or {_find_mark(at(first - 2)), _find_mark(words[first])} == {"%", "$"})
    if _strip(before) in {"in", "of"} and _is_count(at(first - 2)) and _is_count(words[first]):
        return True  # "1 in 5 people", and "4 out of 5"
    share = _strip(after) in {"in", "of"} and _is_count(at(last + 2))
    if not closed and (share or _strip(after) == "out") and _is_count(words[first]):
        return True
    if _strip(after) in _LINKS and not closed:
        following = at(last + 2)
        half = following in {"a", "three", "one"} and _strip(at(last + 3)) in {"half", "quarter", "quarters", "third"}
        return half or (is_numeric(following) and (_strip(before) != "from" or _is_bare(words, last)))
    # "2018, 2019 and 2020", but not "In 2019, 500 people"
    return words[last][-1] == "," and has_digit(after) and _shape(words[last]) == _shape(after)


def _is_count(word: str) -> bool:
    word = _strip(word)
    return (word.isdecimal() and len(word) <= 3) or word in _ONES


def _find_mark(word: str) -> str:
    return "%" if "%" in word else "$" if any(symbol in word for symbol in SYMBOLS) else ""


def _is_bare(words: Sequence[str], last: int) -> bool:
    """Whether the next number (`$4 to $1.2 billion`, `3 to 5 percent`) has a magnitude or unit that this one lacks."""
    numbers = list(find_numbers(words[last : last + 9]))
    if len(numbers) < 2 or numbers[0].first > 0:
        return False
    mine, other = numbers[:2]
    return other.stop > other.last and mine.stop == mine.last


def _shape(word: str) -> tuple[int, bool]:
    digits = _strip(word)
    return len(digits), digits.isdecimal()


def _grow(words: Sequence[str], near: Near | None, place: int) -> Number:
    def follows(at: int) -> bool:
        return 0 < at < len(words) and (near is None or bool(near[at]))

    last = place
    if _FIRST_GROUP.fullmatch(words[place]):
        at = place + 1
        while follows(at) and _GROUP.fullmatch(words[at]):
            last, at = at, at + 1
        if follows(at) and _LAST_GROUP.fullmatch(words[at]):
            last = at
    if follows(last + 1) and _WHOLE_FRACTION.fullmatch(words[last + 1]) and _INTEGER_END.search(words[last]):
        last += 1
    if follows(last + 1) and follows(last + 2) and words[last + 1] in _TIMES:
        last += 2 if _POWER.fullmatch(words[last + 2].rstrip(_CLOSING)) else 0
    start = first = place
    if follows(start) and _CURRENCY_ALONE.fullmatch(words[start - 1].lstrip(_OPENING[1:])):
        start -= 1
    if follows(start) and words[start - 1] in _PREFIX and words[start].lstrip(_OPENING)[:1] in SYMBOLS:
        start -= 1
    if is_sign(words, start - 1, near):
        first = start = start - 1
    stop, magnitude = last, None
    if not _is_closed(words[stop]) and follows(stop + 1) and _strip(words[stop + 1]) in MAGNITUDES:
        stop = magnitude = stop + 1
    if not _is_closed(words[stop]) and follows(stop + 1):
        after = words[stop + 1].rstrip(_CLOSING)
        if after in _PERCENT or _CURRENCY_AFTER.fullmatch(after) or _UNIT_ALONE.fullmatch(after):
            stop += 1
        elif after == "per" and follows(stop + 2) and _strip(words[stop + 2]) == "cent":
            stop += 2
    return Number(first, last, start, stop, magnitude)


def _strip(word: str) -> str:
    return word.strip(_OPENING + _CLOSING).lower()


def _is_closed(word: str) -> bool:
    """Whether punctuation parts a word from the next one; brackets around a number mean that it is negative."""
    return word[-1] in ",;:!?)]" and not (word[-1] == ")" and word[0] in f"({SYMBOLS}" and "(" in word)


# words after which a spaced dash is a minus: `by - 4 %`, `was - 18 degrees`
_BEFORE_SIGN = frozenset(
    "is are was were be been by of to from at in with about than and or between reached reaching under over below "
    "above until for".split()
)


def is_sign(words: Sequence[str], place: int, near: Near | None = None) -> bool:
    """Whether the word at `place` is the sign of the number after it. A dash may as well be a bullet, a range or a
    break in the sentence: it is a minus behind a preposition, a verb of being, a colon or a gap, and at the start of a
    line of nothing but numbers."""
    if not 0 <= place < len(words) - 1 or not (near is None or near[place + 1]):
        return False
    word = words[place].lstrip(_OPENING).lower()
    if word not in _SIGNS and word not in DASHES:
        return False
    before = words[place - 1] if place > 0 and (near is None or near[place]) else ""
    if before:
        clear = word in _SIGNS or before.lower() in _BEFORE_SIGN or before[-1] in ":("
        return clear and not has_digit(before)
    if word in _SIGNS or (place > 0 and near is not None and near[place] is not None):
        return True
    end = next((at for at in range(place + 1, len(words)) if near is not None and near[at] is None), len(words))
    line = map(_strip, words[place + 1 : end])
    return not any(other.isalpha() and other not in _PERCENT for other in line)


def is_bracketed(words: Sequence[str], place: int, near: Near | None = None) -> bool:
    """Whether the word at `place` is a negative number as accountants write it, `(240.00)` or `240.00-`, rather than an
    aside: behind a currency, or an amount that stands alone or behind a colon."""
    if _TRAILING.fullmatch(words[place]):
        return True
    found = _BRACKETED.fullmatch(words[place])
    if found is None:
        return False
    before = words[place - 1] if place > 0 and (near is None or near[place]) else ""
    after = words[place + 1] if place + 1 < len(words) and (near is None or near[place + 1]) else ""
    if found["currency"] or (before and _CURRENCY_ALONE.fullmatch(before.strip(_OPENING))):
        return True
    lonely = near is not None and near[place] is None and near[place + 1 : place + 2] in ([], [None])
    alone = before[-1:] in {"", ":"} and (not after or is_suffix(after.rstrip(_CLOSING)))
    return found["fraction"] is not None and alone and not lonely  # "mAP" above "(0.75)"


def is_note_mark(words: Sequence[Word], place: int) -> bool:
    """Whether a word is the mark of a footnote: a digit or two, a letter or a sign, small and raised beside another."""
    word = words[place]
    if len(word.text) > 2 or place == 0 or word.text in "aAI" or not (word.text.isdecimal() or len(word.text) == 1):
        return False
    before = words[place - 1]
    height = before.box.y1 - before.box.y0
    small = word.box.y1 - word.box.y0 < 0.85 * height
    return small and word.line == before.line and word.box.y1 < before.box.y1 - 0.1 * height


def list_near(words: Sequence[Word], *, aspect: float) -> list[bool | None]:
    """Whether each word stands about a space apart from the one before it; `aspect` is the page's width over height.
    Columns of a table are further apart than groups of digits. None at the start of a line, unless prose runs on."""
    near: list[bool | None] = [None] * len(words)
    start = 0
    plain = [word.text.isalpha() for word in words]
    for place in range(1, len(words)):
        word, before = words[place], words[place - 1]
        if word.line == before.line:
            if plain[place] and plain[place - 1]:
                near[place] = True  # not beside a number, so nobody asks
                continue
            one, other = before.box, word.box
            gap, size = max(other.x0 - one.x1, one.x0 - other.x1) * aspect, other.y1 - other.y0
            if gap < 0:  # above each other: the line runs up or down the page
                gap, size = max(other.y0 - one.y1, one.y0 - other.y1), (other.x1 - other.x0) * aspect
            near[place] = gap <= _SPACE * size
        else:
            if word.block == before.block and before.text[-1].isdigit() and word.text[0].isdigit():
                near[place] = (_is_prose(words[start:place]) and _is_prose(words[place : place + 5])) or None
            start = place
    return near


def _is_prose(words: Sequence[Word]) -> bool:
    return len(words) >= 4 and 2 * sum(word.text[0].isalpha() for word in words) > len(words)
