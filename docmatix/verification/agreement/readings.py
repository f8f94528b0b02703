"""An answer taken apart: its numbers, dates, times and ranges, and the words between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from docmatix.verification.agreement.dates import Date, Time, is_month, is_weekday, part_dates, read_date, read_time
from docmatix.verification.agreement.numerals import WORDS
from docmatix.verification.agreement.quantities import Number, Reading, read_number
from docmatix.verification.agreement.spelling import ARTICLES, Token, clean, cut_tokens
from docmatix.verification.agreement.vocabulary import FUNCTION, LABELS, MONTHS, ORDINALS, WEEKDAYS

Point: TypeAlias = Number | Date | Time


class Range(NamedTuple):
    """Two ends, or the two sides of a ratio."""

    low: Point
    high: Point


class Value(NamedTuple):
    """A value of an answer, and which of its tokens it is."""

    value: Point | Range
    first: int
    end: int


class Word(NamedTuple):
    """A word of an answer, or a value among them, with its first and last token. `exact` if any difference makes it
    another one, such as that of `Q1` and `Q2`; `short` if a period abbreviates it."""

    folded: str
    at: int
    capital: bool
    exact: bool
    last: int = -1
    short: bool = False


class Content(NamedTuple):
    """What an answer says. `spaceless` if it is mostly in a script without spaces between words."""

    text: str
    tokens: tuple[Token, ...]
    values: tuple[Value, ...]
    words: tuple[Word, ...]
    spaceless: bool


_RANGED = frozenset(
    "- to bis a à au do до – ~ ÷ 至 から till until through thru tot al ao até ate fino hasta til och og ja".split()
) | {"tot met", "bis zu", "up to", "fino a", "bis zum", "t / m", "até a", "hasta", "jusqu'a", ". .", "..."}
"""Words and signs between the ends of a range, without articles: `tot en met` is `tot met`."""
_JOINING = frozenset("and und et y e en i och og ja και и".split())
"""Between the ends of a range only where it begins with a word of `_BETWEEN`."""
_BETWEEN = frozenset("between zwischen entre tra fra tussen między между mellan mellem mellom".split())
_ROMAN = frozenset("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split())
_ENDINGS = frozenset("st nd rd th er ère re eme e º ª . °".split())


@lru_cache(maxsize=4096)
def read_content(text: str, language: str | None) -> Content:
    """Take a text apart; `language` decides between readings of numbers and dates."""
    text = part_dates(clean(text))
    tokens = cut_tokens(text)
    values: list[Value] = []
    words: list[Word] = []
    at = 0
    while at < len(tokens):
        value = _read_value(tokens, at, text, language)
        if value is not None:
            _add(values, value, tokens)
            while words and words[-1].at >= values[-1].first:
                words.pop()
            at = value.end
            continue
        token = tokens[at]
        ordinal = _read_ordinal(tokens, at)
        if ordinal:
            words.append(Word(f"#{ordinal[0]}", at, False, True))
            at = ordinal[1]
            continue
        if token.kind != "sign" or token.text in "&%$€£":
            word = _make_word(token, at)
            stopped = at + 2 < len(tokens) and tokens[at + 1].text == "." and 1 < len(word.folded) <= 5
            words.append(word._replace(last=at, short=stopped and token.kind == "word"))
        at += 1
    chars = sum(token.kind == "char" for token in tokens)
    letters = sum(len(token.text) for token in tokens if token.kind == "word")
    return Content(text, tokens, tuple(values), tuple(words), chars > letters)


def _read_value(tokens: Sequence[Token], at: int, text: str, language: str | None) -> Value | None:
    token = tokens[at]
    if token.kind == "number":
        if at + 1 < len(tokens) and tokens[at + 1].folded in _ENDINGS and tokens[at + 1].start == token.end:
            date = read_date(tokens, at, language)
            if date:
                return Value(date[0], at, date[1])
            if tokens[at + 1].text != "." and tokens[at + 1].text != "°":
                return None
        found = read_date(tokens, at, language) or read_time(tokens, at, language)
        if found:
            return Value(found[0], at, found[1])
    elif token.kind == "word":
        if token.folded in MONTHS and (date := read_date(tokens, at, language)):
            return Value(date[0], at, date[1])
    elif token.kind != "char":
        return None
    number = read_number(tokens, at, text, language)
    if number is None:
        return None
    if _is_label(tokens, at, number[2]):
        return None
    if _is_labelled(tokens, number[1], number[0]):
        return Value(number[0]._replace(label=True), *number[1:])
    return Value(*number)


def _is_labelled(tokens: Sequence[Token], first: int, number: Number) -> bool:
    """Whether the word before a number makes it a name: `Section 3.1`, `ISO 9001`."""
    if number.scaled or number.readings[0].unit:
        return False
    at = first - 1
    while at >= 0 and tokens[at].text in ".:#(°":
        at -= 1
    if at < 0 or tokens[at].kind != "word":
        return first > 0 and tokens[first - 1].text in "§#"
    short = len(tokens) <= 4 and at == 0 and tokens[at].text[0].isupper() and tokens[first - 1].text != ":"
    return tokens[at].folded in LABELS or (short and tokens[at].folded not in FUNCTION)


def _is_label(tokens: Sequence[Token], at: int, end: int) -> bool:
    """Whether a number is stuck to letters, as in `3D`, so that it is a name."""
    if end >= len(tokens) or tokens[at].kind != "number":
        return False
    behind = tokens[end]
    return behind.kind in ("word", "code") and behind.start == tokens[end - 1].end and end == at + 1


def _read_ordinal(tokens: Sequence[Token], at: int) -> tuple[int, int] | None:
    token = tokens[at]
    if token.kind == "word":
        return (ORDINALS[token.folded], at + 1) if token.folded in ORDINALS else None
    if token.kind != "number" or not token.text.isdigit() or at + 1 >= len(tokens):
        return None
    behind = tokens[at + 1]
    if behind.start == token.end and behind.folded in _ENDINGS and behind.text not in (".", "°"):
        return int(token.text), at + 2
    return None


def _make_word(token: Token, at: int) -> Word:
    folded = token.folded
    if token.kind == "word":
        if folded in MONTHS and is_month(token):
            return Word(f"month {MONTHS[folded]}", at, True, True)
        if is_weekday(token):
            return Word(f"day {WEEKDAYS[folded]}", at, True, True)
        if folded in WORDS and WORDS[folded] < 13 and len(folded) > 2:
            return Word(str(WORDS[folded]), at, False, True)
        exact = (len(folded) == 1 and token.text.isupper()) or (folded in _ROMAN and token.text.isupper())
        return Word(folded, at, token.text[0].isupper(), exact)
    return Word("and" if token.text == "&" else folded, at, True, token.kind in ("code", "link", "number"))


def _add(values: list[Value], value: Value, tokens: Sequence[Token]) -> None:
    """Add a value, as the end of a range where there is one."""
    before = values[-1] if values else None
    if (
        before is None
        or isinstance(before.value, Range)
        or not (before.end == value.first or _are_linked(before, value, tokens))
    ):
        values.append(value)
        return
    low, high, first = before.value, value.value, before.first
    if isinstance(low, Number) and isinstance(high, Number) and before.end == value.first and _add_up(low, high):
        values[-1] = Value(_sum(low, high), first, value.end)
        return
    if not _are_linked(before, value, tokens):
        values.append(value)
        return
    if (
        isinstance(high, Number)
        and high.readings[0].printed < 0
        and value.first > 0
        and tokens[value.first].text == "-"
    ):
        high = _negate(high)
    if isinstance(low, Number) and isinstance(high, Date) and high.day and 1 <= low.readings[0].printed <= 31:
        low = high._replace(day=int(low.readings[0].printed), swapped=None)
    elif isinstance(low, Date) and isinstance(high, Date):
        low = low._replace(year=low.year or high.year)
    elif isinstance(low, Number) and isinstance(high, Number):
        if abs(high.readings[0].printed) > 1000 * max(abs(low.readings[0].printed), 1):
            values.append(value)  # `Street 30 - 50667 Town`
            return
        low, high = _share_unit(low, high)
    elif isinstance(low, Time) and isinstance(high, Time):
        pass
    elif type(low) is not type(high):
        values.append(value)
        return
    assert not isinstance(high, Range)
    values[-1] = Value(Range(low, high), first - _begins_between(tokens, first), value.end)


def _add_up(one: Number, other: Number) -> bool:
    """Whether two numbers in a row are one in two units: `2 hours 30 minutes`."""
    large, small = one.readings[0], other.readings[0]
    factors = [each.value / each.printed if each.printed else 0.0 for each in (large, small)]
    return large.unit == small.unit in ("s", "m", "kg") and factors[0] > factors[1] > 0 < small.value < factors[0]


def _sum(one: Number, other: Number) -> Number:
    large, small = one.readings[0], other.readings[0]
    value = large.value + small.value
    factor = large.value / large.printed
    return one._replace(readings=(large._replace(printed=value / factor, value=value),), whole=False, plain=False)


def _begins_between(tokens: Sequence[Token], first: int) -> int:
    """How many tokens before a value make it the first of two: 1 of `between 5`, 2 of `tra il 5`."""
    if first > 0 and tokens[first - 1].folded in _BETWEEN:
        return 1
    return 2 * (first > 1 and tokens[first - 1].folded in ARTICLES and tokens[first - 2].folded in _BETWEEN)


def _are_linked(one: Value, other: Value, tokens: Sequence[Token]) -> bool:
    links = [token.folded for token in tokens[one.end : other.first]]
    between = _begins_between(tokens, one.first)
    if not links:
        return tokens[other.first].text == "-" and tokens[other.first].start == tokens[one.end - 1].end
    if links == [":"]:
        before = tokens[one.end].start == tokens[one.end - 1].end
        return before == (tokens[one.end].end == tokens[other.first].start)
    if links == ["/"]:
        ends = [
            value.value.digits if isinstance(value.value, Number) and value.value.plain else ""
            for value in (one, other)
        ]
        return len(ends[0]) == 4 and len(ends[1]) in (2, 4)
    link = " ".join(each for each in links if each not in ARTICLES or len(links) == 1)
    return link in _RANGED - _JOINING or (between > 0 and link in _JOINING)


def _negate(number: Number) -> Number:
    readings = tuple(each._replace(printed=-each.printed, value=-each.value) for each in number.readings)
    return number._replace(readings=readings)


def _share_unit(low: Number, high: Number) -> tuple[Number, Number]:
    """The ends of a range, each with the unit of the one that has it: `5 to 10 kg`, `$3 to 5 million`."""
    one, other = low.readings[0], high.readings[0]
    if one.unit and not other.unit:
        return low, _take_unit(high, low)
    if other.unit and not one.unit:
        return _take_unit(low, high), high
    if high.scaled and not low.scaled and one.printed < other.printed:
        return _take_unit(low, high), high
    if low.plain and high.plain and len(low.digits) == 4 and len(high.digits) == 2 and low.digits[2:] < high.digits:
        year = float(low.digits[:2] + high.digits)
        return low, high._replace(readings=(Reading(year, year, ""),))
    return low, high


def _take_unit(one: Number, other: Number) -> Number:
    model = other.readings[0]
    factor = model.value / model.printed if model.printed else 1.0
    scale = 1.0
    if other.scaled and not one.scaled:
        scale = 10.0 ** (3 * sum(abs(model.printed) >= 1000**power for power in range(1, 5)))
        if abs(one.readings[0].printed) >= 1000:
            scale = 1.0
    readings = tuple(Reading(r.printed * scale, r.printed * scale * factor, model.unit, r.signs) for r in one.readings)
    return one._replace(readings=readings, plain=False, scaled=other.scaled)
