"""Numbers, dates, times and ranges compared."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from docmatix.verification.agreement.dates import Date, Time
from docmatix.verification.agreement.numerals import DECIMAL_COMMA, DECIMAL_POINT
from docmatix.verification.agreement.quantities import Number, Reading
from docmatix.verification.agreement.questions import Asked
from docmatix.verification.agreement.readings import Range, Value
from docmatix.verification.agreement.units import CURRENCIES, may_equal
from docmatix.verification.agreement.vocabulary import DECREASES


class Terms(NamedTuple):
    """On what terms values are compared: the language, the question, the tolerance, and the words of both answers."""

    language: str | None
    asked: Asked
    tolerance: float
    words: tuple[Collection[str], Collection[str]] = ((), ())


LESS_CERTAIN = 0.8
"""The score where values agree only by a reading that the language does not suggest."""
PART = 0.4
"""That of a date that lacks what the other one says, or of one end of a range."""
_FARTHEST = 0.4  # what a number loses that is as far off as the tolerance allows
_SMALL = 100  # up to which whole numbers are counts, which nobody rounds
_DEGREES = 0.6  # how far a temperature may be off in another scale, which is rounded and no share of it
_ROUNDED = 0.02  # how far a count of days or the like may be rounded


def name_rule(value: Value) -> str:
    """The rule that compares a value."""
    inner = value.value.low if isinstance(value.value, Range) else value.value
    return "date" if isinstance(inner, Date) else "time" if isinstance(inner, Time) else "number"


def compare_values(expected: Value, given: Value, terms: Terms) -> float:
    """How well two values agree."""
    return _compare(expected.value, given.value, terms)


def _compare(expected: object, given: object, terms: Terms) -> float:
    if isinstance(expected, Range) and isinstance(given, Range):
        bare = terms._replace(words=((), ()))
        low, high = _compare(expected.low, given.low, bare), _compare(expected.high, given.high, bare)
        return min(low, high)
    if isinstance(expected, Range) or isinstance(given, Range):
        return _compare_with_range(expected, given, terms)
    if isinstance(expected, Number) and isinstance(given, Number):
        return compare_numbers(expected, given, terms)
    if isinstance(expected, Date) and isinstance(given, Date):
        return _compare_dates(expected, given, terms.asked)
    if isinstance(expected, Time) and isinstance(given, Time):
        return _compare_times(expected, given)
    for one, other in ((expected, given), (given, expected)):
        if isinstance(one, Time) and isinstance(other, Number):
            # `9.40` is a time where the other one is
            hour, sign, minute = other.digits.partition(".")
            said = sign and len(minute) == 2 and other.readings[0].unit == "" and minute < "60"
            return LESS_CERTAIN if said and int(hour) * 60 + int(minute) == one.minutes else 0.0
    dates = [each for each in (expected, given) if isinstance(each, Date)]
    numbers = [each for each in (expected, given) if isinstance(each, Number)]
    if dates and numbers:
        return _compare_year(dates[0], numbers[0], terms.asked)
    return 0.0


def _compare_with_range(expected: object, given: object, terms: Terms) -> float:
    """One end of a range is a part of it."""
    ranged, single = (expected, given) if isinstance(expected, Range) else (given, expected)
    assert isinstance(ranged, Range)
    exact = terms._replace(tolerance=0.0)
    return PART if max(_compare(ranged.low, single, exact), _compare(ranged.high, single, exact)) >= 0.5 else 0.0


# --- dates ------------------------------------------------------------------------------------------------------------


def _compare_dates(expected: Date, given: Date, asked: Asked) -> float:
    readings = [(expected, given, 1.0)]
    if given.swapped:
        readings.append((expected, _swap(given), LESS_CERTAIN))
    if expected.swapped:
        readings.append((_swap(expected), given, LESS_CERTAIN))
    if expected.swapped and given.swapped:
        # both written the same way, which is the other one
        readings.append((_swap(expected), _swap(given), LESS_CERTAIN))
    return max(certainty * _compare_parts(one, other, asked) for one, other, certainty in readings)


def _swap(date: Date) -> Date:
    assert date.swapped
    return date._replace(month=date.swapped[0], day=date.swapped[1])


def _compare_parts(one: Date, other: Date, asked: Asked) -> float:
    for part, wanted in zip(one[:3], other[:3], strict=True):
        if part is not None and wanted is not None and part != wanted:
            return 0.0
    if one[:3] == other[:3]:
        return 1.0
    # what one leaves open is harmless where the question says it, or does not ask for it
    if asked.kind == "year" and one.year == other.year:
        return 1.0
    if asked.kind == "month" and one.month == other.month:
        return 0.9
    year = one.year or other.year
    if (one.year is None) != (other.year is None) and (one.day is None) == (other.day is None):
        return 0.9 if year in asked.years or asked.kind == "day" else PART
    return PART


def _compare_year(date: Date, number: Number, asked: Asked) -> float:
    if not number.plain or date.year is None or number.readings[0].printed != date.year:
        day = number.plain and date.day is not None and number.readings[0].printed == date.day
        return 0.9 if day and asked.kind == "day" else 0.0
    return 1.0 if asked.kind == "year" else PART


def _compare_times(expected: Time, given: Time) -> float:
    apart = abs(expected.minutes - given.minutes)
    if apart == 0:
        return 1.0
    return LESS_CERTAIN if apart == 720 and expected.told != given.told and min(expected[0], given[0]) < 720 else 0.0


# --- numbers ----------------------------------------------------------------------------------------------------------


def compare_numbers(expected: Number, given: Number, terms: Terms) -> float:
    """How well two numbers agree, by the best of their readings."""
    if _is_code(expected, given, terms.asked):
        return float(
            expected.digits.lstrip("0") == given.digits.lstrip("0") or expected.readings[0] == given.readings[0]
        )
    if _is_cut(expected, given) or _is_cut(given, expected):
        return PART
    known = terms.language in DECIMAL_COMMA or terms.language in DECIMAL_POINT
    alike = _list_signs(expected) == _list_signs(given)
    best = 0.0
    for at, one in enumerate(expected.readings):
        for place, other in enumerate(given.readings):
            certainty = 1.0
            if alike and one.signs != other.signs:
                continue  # `4,727 t` and `4,727 kg`: a comma is the same in both
            if at or place:
                both = len(expected.readings) > 1 and len(given.readings) > 1
                same_unit = one.unit == expected.readings[0].unit and other.unit == given.readings[0].unit
                if known and same_unit and not (both and _digits(expected) == _digits(given)):
                    continue
                certainty = LESS_CERTAIN
            best = max(best, certainty * _compare_readings(expected, given, one, other, terms))
            if best == 1.0:
                return 1.0
    return best


def _is_cut(short: Number, long: Number) -> bool:
    """Whether a number without its unit is the start of another, and not that one rounded: `64` of `64.76 kg`."""
    start = long.digits[len(short.digits) : len(short.digits) + 1]
    if not (short.plain and start in (".", ",") and long.digits.startswith(short.digits)):
        return False
    bare = not short.readings[0].unit and long.readings[0].unit not in ("", "%")
    printed = long.readings[0].printed
    return bare and not printed.is_integer() and round(printed) != short.readings[0].printed and printed < 1000


def _list_signs(number: Number) -> str:
    return "".join(each for each in number.digits if not each.isdigit())


def _digits(number: Number) -> str:
    return "".join(filter(str.isdigit, number.digits))


def _is_code(expected: Number, given: Number, asked: Asked) -> bool:
    """Whether a number is a name: that of a page, a product or a year."""
    if any(number.readings[0].unit or number.scaled for number in (expected, given)):
        return False
    if asked.kind == "code" or expected.label or given.label:
        return True
    if not (expected.plain and given.plain):
        return asked.kind == "year"
    zeros = any(number.digits[0] == "0" and len(number.digits) > 1 for number in (expected, given))
    if zeros and asked.kind not in ("count", "amount"):
        return True
    if asked.kind in ("count", "amount", "share") and asked.kind != "year":
        return False
    years = all(len(number.digits) == 4 and "1000" <= number.digits < "2200" for number in (expected, given))
    return years or asked.kind == "year" or len(expected.digits) >= 7


def _compare_readings(expected: Number, given: Number, one: Reading, other: Reading, terms: Terms) -> float:
    asked = terms.asked
    if one.unit and other.unit:
        if {one.unit, other.unit} & {"CENT"} and one.unit != other.unit and {one.unit, other.unit} <= CURRENCIES:
            values = [each.value / 100 if each.unit == "CENT" else each.value for each in (one, other)]
            return _near(values[0], values[1], terms, small=False)
        if not may_equal(one.unit, other.unit):
            return 0.0
        if one.unit == "°C" and (one.printed == one.value) != (other.printed == other.value):
            return float(abs(one.value - other.value) <= _DEGREES)
        days = one.unit == "s" and expected.whole and given.whole
        small = days and max(abs(one.printed), abs(other.printed)) <= _SMALL
        score = _near(one.value, other.value, terms, small=small, rounded=small)
    else:
        share = "%" in (one.unit, other.unit) or (asked.kind == "share" and not (expected.whole and given.whole))
        small = (
            expected.whole and given.whole and not (one.unit or other.unit) and asked.kind not in ("share", "amount")
        )
        small = small and asked.scale == 1.0 and max(abs(one.printed), abs(other.printed)) <= _SMALL
        score = _near(one.printed, other.printed, terms, small=small)
        if not score and share and one.unit != other.unit:
            # `0.25` for `25 %`; the one without a sign has to be a fraction
            fraction, percent = (one, other) if other.unit == "%" else (other, one)
            if abs(fraction.printed) <= 1:
                swapped = fraction is other
                shares = (
                    (percent.printed, fraction.printed * 100) if swapped else (fraction.printed * 100, percent.printed)
                )
                score = 0.95 * _near(shares[0], shares[1], terms, small=False)
    if not score and one.unit == other.unit == "" and asked.kind == "share":
        low, high = sorted((one.printed, other.printed), key=abs)
        if 0 < abs(low) <= 1 < abs(high) and not (expected.whole and given.whole):
            score = 0.9 * _near(low * 100, high, terms, small=False)
    if not score and asked.scale != 1.0 and expected.scaled != given.scaled:
        # the question names the magnitude that one of them leaves out
        first, second = one.printed, other.printed
        first, second = (first * asked.scale, second) if given.scaled else (first, second * asked.scale)
        score = _near(first, second, terms, small=False)
    if not score and asked.scale != 1.0 and not expected.scaled and not given.scaled:
        scaled = max(
            _near(one.printed * asked.scale, other.printed, terms, small=False),
            _near(one.printed, other.printed * asked.scale, terms, small=False),
        )
        score = 0.9 * scaled
    if not score and one.printed == -other.printed and one.printed:
        # `a decrease of 5 %` for `-5 %`
        words = terms.words[1] if one.printed < 0 else terms.words[0]
        if DECREASES.intersection(words) or DECREASES.intersection(asked.words):
            score = 0.9
    return score


def _near(expected: float, given: float, terms: Terms, *, small: bool, rounded: bool = False) -> float:
    """1.0 for equal numbers, less for what the tolerance allows, 0.0 beyond it."""
    apart = abs(expected - given)
    if apart <= 1e-9 * abs(expected):
        return 1.0
    tolerance = min(terms.tolerance, _ROUNDED if rounded else 0.0) if small else terms.tolerance
    allowed = tolerance * abs(expected) * (1 + 1e-9)
    return round(1.0 - _FARTHEST * apart / allowed, 4) if allowed and apart <= allowed else 0.0
