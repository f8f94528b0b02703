"""Dates and times of day in any of their spellings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from docmatix.verification.agreement.numerals import DECIMAL_COMMA, HAN
from docmatix.verification.agreement.spelling import Token, fold
from docmatix.verification.agreement.vocabulary import MONTHS, ORDINALS, WEEKDAYS


class Date(NamedTuple):
    """A date; None for what it leaves open. `swapped` is its other reading where day and month may be either."""

    year: int | None
    month: int | None
    day: int | None
    swapped: tuple[int, int] | None = None


class Time(NamedTuple):
    """A time of day in minutes; `told` whether it is clear which half of the day."""

    minutes: int
    told: bool


_NUMERIC = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_MONTH_YEAR = re.compile(r"(\d{1,2}(?=/)|(?:0\d|1[0-2])(?=\.(?:19|20)))[/.](\d{4})|(\d{4})[-/](\d{2})")
_LINKS = frozenset("de of del d den the le dem day , . ' - в года г r".split())
_ORDINAL = frozenset("st nd rd th er re º ° ª . e го".split())
_MODAL = frozenset("may mars march mar set out sept mart mag mai ago dic abr ekim".split())
_UNTIL = frozenset("- to bis a au al until till do до tot".split())
MONTH_FIRST = frozenset(("en", ""))


def is_month(token: Token) -> bool:
    """Whether a word names a month; a name that is also another word has to have a capital."""
    return token.folded in MONTHS and (
        token.folded not in _MODAL or token.text[0].isupper() or token.folded in ("mai", "mars")
    )


# `12-Mar-2020`, `Mar-12-2020`, `12/MAR/20`, `Mar-2020`: with a letter beside a digit, a token would be a code
_JOINED = re.compile(
    r"(?<![\w.-])(?:(?P<day>\d{1,2})[-/.](?P<month>[^\W\d_]{3,9})\.?[-/.](?P<year>\d{4}|\d\d)"
    r"|(?P<first>[^\W\d_]{3,9})[-/](?P<second>\d{1,2})[-/](?P<third>\d{4})|(?P<alone>[^\W\d_]{3,9})[-/](?P<of>\d{4}))(?![\w-])"
)
_ROMAN = re.compile(r"(?<![\w.])(\d{1,2})\. ?(I{1,3}|IV|VI{0,3}|I?X|XI{1,2})\. ?(\d{4})(?!\w)")
_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_MIDNIGHT = re.compile(r"(?<=\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?(?!\w)")


_PERIOD = re.compile(
    r"(?<!\w)(?:(\d)(?:st|nd|rd|th|er|ère|e|eme|ème|º|o|\.)|([^\W\d_]{4,10}))"
    r" (quarter|quartal|trimestre|kwartaal|half|halbjahr|semestre|halfjaar)(?: (?:of|de|del|du|des|van))?(?!\w)",
    re.IGNORECASE,
)
_FISCAL = re.compile(r"(?<!\w)(?:FY|fiscal year|financial year)[ -]?((?:19|20)\d\d)(?!\d)", re.IGNORECASE)


def part_dates(text: str) -> str:
    """A cleaned text with the dates that are joined by signs in parts, each a word or a number, and with periods of a
    year by their short names: `Q3`, `H1`, `FY2020`."""
    text = _FISCAL.sub(r"FY\1", _PERIOD.sub(_name_period, text))
    if "-" not in text and "/" not in text and "." not in text:
        return text
    text = _ROMAN.sub(lambda found: f"{found[1]}.{_ROMANS.index(found[2]) + 1}.{found[3]}", text)
    return _JOINED.sub(_part_date, _MIDNIGHT.sub("", text))


def _name_period(found: re.Match[str]) -> str:
    word = fold(found[2] or "")
    number = int(found[1]) if found[1] else ORDINALS.get(word) or ORDINALS.get(word[:-1])  # `drittes`
    letter, most = ("H", 2) if found[3].lower() in ("half", "halbjahr", "semestre", "halfjaar") else ("Q", 4)
    return f"{letter}{number}" if number is not None and 1 <= number <= most else found[0]


def _part_date(found: re.Match[str]) -> str:
    month = found["month"] or found["first"] or found["alone"]
    if month.lower() not in MONTHS:
        return found[0]
    if found["alone"]:
        return f"{month} {found['of']}"
    day, year = (found["day"], found["year"]) if found["month"] else (found["second"], found["third"])
    return f"{day} {month} {year if len(year) == 4 else _full_year(year)}"


def _make(year: int | None, month: int | None, day: int | None) -> Date | None:
    if (month is None or 1 <= month <= 12) and (day is None or 1 <= day <= 31):
        return Date(year, month, day)
    return None


def _full_year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 50 else 1900)


def read_numeric(text: str, language: str | None) -> Date | None:
    """`2021-05-03`, `03.05.2021`, `5/3/21`, `05/2021`."""
    found = _NUMERIC.fullmatch(text)
    if not found:
        found = _MONTH_YEAR.fullmatch(text)
        if not found:
            return None
        month, year = (found[1], found[2]) if found[1] else (found[4], found[3])
        return _make(int(year), int(month), None) if 1000 <= int(year) < 2200 else None
    one, sign, two, three = found.groups()
    if len(one) == 4:
        return _make(int(one), int(two), int(three)) if len(three) <= 2 else None
    if len(one) > 2 or len(three) not in (2, 4):
        return None
    year, first, second = _full_year(three), int(one), int(two)
    month_first = sign != "." and (language or "") in MONTH_FIRST
    day, month = (second, first) if month_first else (first, second)
    if month > 12:
        day, month = month, day
    date = _make(year, month, day)
    if date and day <= 12 and sign != "." and day != month:
        return date._replace(swapped=(day, month))
    return date


def read_date(tokens: Sequence[Token], at: int, language: str | None) -> tuple[Date, int] | None:
    """The date that starts at a token, and the token behind it."""
    token = tokens[at]
    if token.kind == "number":
        return _read_from_number(tokens, at, language)
    if token.kind == "word" and token.folded in MONTHS:
        found = _read_from_month(tokens, at)
        ahead = tokens[at + 2] if at + 2 < len(tokens) else None
        later = _read_from_month(tokens, at + 2) if ahead and ahead.folded in MONTHS else None
        if not found and later and _text(tokens, at + 1) in _UNTIL and is_month(token):
            return Date(None, MONTHS[token.folded], None), at + 1  # `January to March 2020`
        return found if found and (found[0].year or is_month(token)) else None
    return None


def _read_from_number(tokens: Sequence[Token], at: int, language: str | None) -> tuple[Date, int] | None:
    text = tokens[at].text
    if not text.isdigit():
        date = read_numeric(text, language)
        return (date, at + 1) if date else None
    after = _text(tokens, at + 1)
    if after in ("年", "년"):
        return _read_eastern(tokens, at)
    value = int(text)
    if len(text) <= 2 and 1 <= value <= 31:
        month, behind = _skip_to_month(tokens, at + 1, _ORDINAL | _LINKS)
        if month:
            year, end = _read_year(tokens, behind)
            return Date(year, month, value), end
    if _is_year(text):
        month, behind = _skip_to_month(tokens, at + 1, frozenset(",.-"))
        if month:
            day = _text(tokens, behind)
            if day.isdigit() and len(day) <= 2 and 1 <= int(day) <= 31:
                return Date(value, month, int(day)), behind + 1
            return Date(value, month, None), behind
    return None


def _skip_to_month(tokens: Sequence[Token], at: int, skipped: frozenset[str]) -> tuple[int | None, int]:
    for place in range(at, min(at + 4, len(tokens))):
        token = tokens[place]
        if token.kind == "word" and token.folded in MONTHS and (is_month(token) or _read_year(tokens, place + 1)[0]):
            return MONTHS[token.folded], place + 1
        if token.folded not in skipped:
            break
    return None, at


def _read_year(tokens: Sequence[Token], at: int) -> tuple[int | None, int]:
    for place in range(at, min(at + 4, len(tokens))):
        text = tokens[place].text
        if _is_year(text):
            end = place + 1
            if _text(tokens, end) in ("г", "r", "года"):
                end += 1
            return int(text), end
        if text == "'" and len(_text(tokens, place + 1)) == 2 and _text(tokens, place + 1).isdigit():
            return _full_year(_text(tokens, place + 1)), place + 2
        if tokens[place].folded not in _LINKS:
            break
    return None, at


def _read_from_month(tokens: Sequence[Token], at: int) -> tuple[Date, int] | None:
    month = MONTHS[tokens[at].folded]
    place = at + 1
    while place < min(at + 3, len(tokens)) and tokens[place].folded in (".", "the"):
        place += 1
    text = _text(tokens, place)
    if text.isdigit() and len(text) <= 2 and 1 <= int(text) <= 31 and _text(tokens, place + 1) not in ("%", ":"):
        behind = place + 1
        if _text(tokens, behind) in _ORDINAL - {".", "°"}:
            behind += 1
        year, end = _read_year(tokens, behind)
        return Date(year, month, int(text)), end
    year, end = _read_year(tokens, at + 1)
    return (Date(year, month, None), end) if year else None


def _read_eastern(tokens: Sequence[Token], at: int) -> tuple[Date, int] | None:
    """`2021年5月3日`, `2021년 5월`."""
    parts: list[int] = []
    place = at
    for signs in ("年년", "月월", "日号일"):
        text = _text(tokens, place)
        if not text.isdigit() or _text(tokens, place + 1) not in tuple(signs):
            break
        parts.append(int(text))
        place += 2
    year, month, day = (*parts, None, None, None)[:3]
    if month is None:
        return None
    date = _make(year, month, day)
    return (date, place) if date else None


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and "1000" <= text < "2200"


def _text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].folded if 0 <= at < len(tokens) else ""


_CLOCK = re.compile(r"(\d{1,2})(?:(?<=\d):(?=\d)| ?[hH] ?)(\d{2})(?::\d{2})?")
_DOTTED = re.compile(r"[0-2]?\d\.[0-5]\d")
_AT = frozenset("ore alle kl klo klokken klockan".split())
"""Words before a time of day, in languages in which no decimal has a point."""
_HALVES = {"am": 0, "a.m": 0, "pm": 720, "p.m": 720}
_HOURS = frozenset(("uhr", "h", "heures", "heure", "uur", "часов", "ч", "horas", "hrs"))


def read_time(tokens: Sequence[Token], at: int, language: str | None) -> tuple[Time, int] | None:
    """The time of day that starts at a token, and the token behind it: `14:30`, `2.30 pm`, `14 h 30`, `9 Uhr`, and
    `14.30 h` where a decimal has a comma."""
    token = tokens[at]
    if token.kind != "number":
        return None
    text, behind = token.text, at + 1
    found = _CLOCK.fullmatch(text)
    hour, minute = (int(found[1]), int(found[2])) if found else (-1, 0)
    after = _text(tokens, behind)
    if after in ("時", "点", "시") and text.isdigit() and int(text) < 25:
        minutes = _text(tokens, behind + 1)
        if minutes.isdigit() and _text(tokens, behind + 2) in ("分", "분"):
            return Time(int(text) * 60 + int(minutes), int(text) > 12), behind + 3
        return Time(int(text) * 60, int(text) > 12), behind + 1
    if not found and not text.replace(".", "").isdigit():
        return None
    if not found:
        told = language in DECIMAL_COMMA and at > 0 and tokens[at - 1].folded in _AT
        if after not in _HALVES and after not in _HOURS and not (told and _DOTTED.fullmatch(text)):
            return None
        parts = text.split(".")
        if len(parts) > 2 or not all(part.isdigit() and len(part) <= 2 for part in parts):
            return None
        hour, minute = int(parts[0]), int(parts[1]) if len(parts) == 2 else 0
        dotted = len(parts) == 2 and len(parts[1]) == 2 and language in DECIMAL_COMMA
        if (after == "h" and not dotted) or after.startswith("heure"):
            # `14 h` alone is as well a duration
            minutes = _text(tokens, behind + 1)
            lasts = _text(tokens, behind + 2).startswith("min")
            if lasts or not (minutes.isdigit() and len(minutes) == 2 and len(parts) == 1):
                return None
            minute, behind = int(minutes), behind + 2
            after = ""
        elif after in ("hrs", "horas", "часов"):
            return None
    if hour > 24 or minute > 59:
        return None
    if after in _HALVES:
        half = _HALVES[after]
        return Time(hour % 12 * 60 + minute + half, True), behind + 1
    if after in _HOURS:
        behind += 1
    return Time(hour * 60 + minute, hour > 12 or hour == 0), behind


def is_weekday(token: Token) -> bool:
    """Whether a word names a day of the week."""
    return token.folded in WEEKDAYS and (len(token.folded) > 3 or token.text[0].isupper())


def read_han(text: str) -> int | None:
    """A number below a hundred in Chinese characters."""
    if not text or any(each not in HAN and each != "十" for each in text):
        return None
    tens, sign, ones = text.partition("十")
    if not sign:
        return HAN[text] if len(text) == 1 else None
    return (HAN[tens] if tens else 1) * 10 + (HAN[ones] if ones else 0)
