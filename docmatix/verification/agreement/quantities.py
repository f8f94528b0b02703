"""Quantities: a number with its sign, its magnitude, and its unit or currency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from docmatix.verification.agreement.dates import read_han
from docmatix.verification.agreement.numerals import (
    LETTERS,
    MAGNITUDES,
    MYRIADS,
    is_doubtful,
    read_digits,
    read_words,
)
from docmatix.verification.agreement.spelling import Token, clean, cut_tokens, fold
from docmatix.verification.agreement.units import CURRENCIES, KINDS, NAMES, POUNDS, SYMBOLS, Unit


class Quantity(NamedTuple):
    """A number in the base unit of what it measures (`m`, `kg`, `s`, `EUR`, `%`; ``""`` where it says none)."""

    value: float
    unit: str = ""


class Reading(NamedTuple):
    """One way to read a number: as printed with its magnitude, and in the base unit. `signs` tells what its comma or
    point was taken for."""

    printed: float
    value: float
    unit: str
    signs: int = 0


class Number(NamedTuple):
    """A number, in its readings, the likeliest first. `whole` if its digits are a whole number without a magnitude,
    `plain` if they have no signs either, `label` if a word before it says that it is a name."""

    readings: tuple[Reading, ...]
    digits: str
    whole: bool
    plain: bool
    scaled: bool
    label: bool = False


_NONE = Unit("")
_LONG = 6  # tokens: in longer answers, `one` and `two` are words
_OF = frozenset("of de d di".split())
_PER = frozenset(("per", "pro", "par", "por", "je", "im", "al", "a", "/", "p"))
_OF_LANGUAGE = {
    "an": "fr",
    "ay": "tr",
    "bin": "tr",
    "real": "pt",
    "ore": "it",
    "lat": "pl",
    "in": "",
    "a.": "de",
    "mi": "en",
}
_MINUS = frozenset(("minus", "moins", "menos", "meno", "negative", "минус"))


def read_quantity(text: str, *, language: str | None = None) -> Quantity | None:
    """The one quantity that an answer is, with no more than a word or two beside it; None if it is something else."""
    cleaned = clean(text)
    tokens = cut_tokens(cleaned)
    for at in range(min(4, len(tokens))):
        found = read_number(tokens, at, cleaned, language)
        if found:
            number, first, end = found
            # a second number, or a sentence, is not one quantity
            rest = [token for token in (*tokens[:first], *tokens[end:]) if token.kind != "sign"]
            if any(token.kind in ("number", "code") for token in rest) or len(rest) > 3:
                return None
            return Quantity(number.readings[0].value, number.readings[0].unit)
    return None


def read_number(tokens: Sequence[Token], at: int, text: str, language: str | None) -> tuple[Number, int, int] | None:
    """The number whose digits or words stand at a token, with where it starts and the token behind it."""
    core = _read_core(tokens, at, language)
    if core is None:
        return None
    values, place, whole = core
    digits = tokens[at].text
    first, before = _read_before(tokens, at, text)
    factor, place, options = _read_behind(tokens, place, text, language, before)
    plain = digits.isdigit() and before is None and factor == 1.0
    negative, first, place = _read_sign(tokens, at, first, place, before)
    readings = []
    for times, unit in options:
        for signs, value in enumerate(values):
            printed = value * times * (-1.0 if negative else 1.0)
            readings.append(Reading(printed, printed * unit.factor + unit.offset, unit.name, signs))
    number = Number(tuple(dict.fromkeys(readings)), digits, whole and factor == 1.0, plain, factor != 1.0)
    return number, first, place


def _read_core(tokens: Sequence[Token], at: int, language: str | None) -> tuple[tuple[float, ...], int, bool] | None:
    token = tokens[at]
    if token.kind == "word":
        if token.folded not in MAGNITUDES and is_doubtful(token.folded) and len(tokens) > 3:
            return None
        words = [each.folded if each.kind == "word" or each.text == "-" else "" for each in tokens[at : at + 10]]
        found = read_words(words)
        if not found or (found[0] < 13 and len(tokens) > _LONG):
            return None
        return (found[0],), at + found[1], True
    if token.kind == "char":
        end = at
        while end < len(tokens) and tokens[end].kind == "char" and end - at < 5:
            end += 1
        run = "".join(each.text for each in tokens[at:end])
        while run and read_han(run) is None:
            run = run[:-1]
        characters = read_han(run)
        alone = len(run) == len(tokens) or (
            at + len(run) < len(tokens) and tokens[at + len(run)].text in "人个名年月日天円元万億亿%"
        )
        return ((float(characters),), at + len(run), True) if characters is not None and alone and at == 0 else None
    if token.kind != "number":
        return None
    text = token.text
    if ":" in text or "h" in text or "H" in text or text.count("-") or text.count("/"):
        return None
    if "e" in text.lower():
        return (float(text.replace(",", ".")),), at + 1, False
    if text[0] == ".":
        return (float("0" + text),), at + 1, False
    values = read_digits(text, language)
    if not values:
        return None
    end = at + 1
    whole = values[0].is_integer() and (text.isdigit() or len(values) == 1 or "." not in str(values[0])[:-2])
    if text == "10" and _text(tokens, end) == "^" and (power := _read_exponent(tokens, end + 1)):
        return (power[0],), power[1], False
    fraction = _read_fraction(tokens, end)
    if fraction and text.isdigit():
        return (values[0] + fraction[0],), fraction[1], False
    if text.isdigit() and _texts(tokens, end, 2)[:1] == ("/",) and tokens[end].start == token.end:
        part = _read_fraction(tokens, at)
        if part:
            return (part[0],), part[1], False
    power = _read_power(tokens, end)
    if power:
        return tuple(value * power[0] for value in values), power[1], False
    if _text(tokens, end) in MYRIADS:
        return _read_myriads(tokens, end, values[0], language)
    return values, end, whole


def _read_myriads(
    tokens: Sequence[Token], at: int, value: float, language: str | None
) -> tuple[tuple[float, ...], int, bool]:
    """`1億2000万`, behind its first digits."""
    total = 0.0
    while _text(tokens, at) in MYRIADS:
        while _text(tokens, at) in MYRIADS:
            value *= MYRIADS[_text(tokens, at)]
            at += 1
        total, value = total + value, 0.0
        if at < len(tokens) and tokens[at].kind == "number" and (more := read_digits(tokens[at].text, language)):
            value, at = more[0], at + 1
    return (total + value,), at, False


def _read_fraction(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    if at + 2 >= len(tokens) or tokens[at + 1].text != "/":
        return None
    one, _, other = tokens[at : at + 3]
    joined = one.end == tokens[at + 1].start and tokens[at + 1].end == other.start
    if not (joined and one.text.isdigit() and other.text.isdigit() and len(one.text) <= 2 and len(other.text) <= 3):
        return None
    return (int(one.text) / int(other.text), at + 3) if int(other.text) else None


def _read_power(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    times = _texts(tokens, at, 5)
    if len(times) < 4 or times[0] not in ("x", "×", "*", "·") or times[1] != "10" or times[2] != "^":
        return None
    return _read_exponent(tokens, at + 3)


def _read_exponent(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    negative = _text(tokens, at) == "-"
    power = _text(tokens, at + negative)
    if not power.isdigit() or len(power) > 2:
        return None
    return 10.0 ** (-int(power) if negative else int(power)), at + 1 + negative


def _read_before(tokens: Sequence[Token], at: int, text: str) -> tuple[int, Unit | None]:
    """The currency before a number."""
    for length in (3, 2, 1):
        start = at - length
        if start < 0 or tokens[at].start - tokens[at - 1].end > 1:
            continue
        part = text[tokens[start].start : tokens[at - 1].end].rstrip(". ")
        unit = NAMES.get(fold(part))
        if (
            unit
            and unit.name in CURRENCIES
            and (part.isupper() or not part.isalpha() or part in ("Rs", "Fr", "kr", "zł"))
        ):
            return start, unit
    return at, None


def _read_behind(
    tokens: Sequence[Token], at: int, text: str, language: str | None, before: Unit | None
) -> tuple[float, int, list[tuple[float, Unit]]]:
    """The magnitude and the unit behind a number: how much it is multiplied, the token behind, and all that may be
    meant, as factors with units."""
    factor, place = 1.0, at
    for _ in range(2):
        if place >= len(tokens):
            break
        token = tokens[place]
        adjacent = token.start == tokens[place - 1].end
        times = MAGNITUDES.get(token.folded) if token.kind in ("word", "char") else None
        if times is None and adjacent and token.text in LETTERS and (token.text not in "mMTbB" or before):
            times = LETTERS[token.text]
        elif times is None and (token.text in LETTERS or token.text == "mm") and token.text != "K":
            behind = _find_unit(tokens, place + 1, text, language)
            if before or (behind and behind[0].name in CURRENCIES):
                times = LETTERS.get(token.text, 1e6)
        if token.folded == "bin" and language != "tr":
            times = None
        if times is None:
            break
        factor, place = factor * times, place + 1
        if _text(tokens, place) == "." and place < len(tokens) and tokens[place].start == tokens[place - 1].end:
            place += 1
    skipped = place + (factor != 1.0 and _text(tokens, place) in _OF)
    if before is not None and (found := _find_unit(tokens, skipped, text, language)) and "/" not in found[0].name:
        # `$500 USD` says it twice
        if found[0].name in CURRENCIES:
            unit, end = found
            return factor, end, [(factor, before if unit.name in KINDS and before.name not in KINDS else unit)]
        return factor, place, [(factor, before)]
    if before is not None:
        end, unit = _read_rate(tokens, place, text, language, before)
        return factor, end, [(factor, unit)]
    found = _find_unit(tokens, skipped, text, language)
    if found is None:
        letter = tokens[place].text if place < len(tokens) else ""
        if letter in ("M", "b", "B", "T") and factor == 1.0 and tokens[place].start == tokens[place - 1].end:
            return LETTERS[letter], place + 1, [(LETTERS[letter], _NONE)]
        return factor, place, [(factor, _NONE)]
    unit, end = found
    name = fold(text[tokens[skipped].start : tokens[end - 1].end])
    end, unit = _read_rate(tokens, end, text, language, unit)
    options = [(factor, unit)]
    if name in POUNDS:
        options = [(factor, NAMES["£"]), (factor, SYMBOLS["lb"])]
    elif name == "m" and factor == 1.0:
        options.append((1e6, _NONE))
    elif name in ("b", "t") and factor == 1.0 and tokens[skipped].start == tokens[skipped - 1].end:
        options.append((LETTERS.get(name, 1e12), _NONE))
    return factor, end, options


def _read_rate(tokens: Sequence[Token], at: int, text: str, language: str | None, unit: Unit) -> tuple[int, Unit]:
    """The unit with what it is counted by: `kg/ha`, `euros per hour`."""
    if _text(tokens, at) not in _PER or (_text(tokens, at) in ("a", "p") and unit.name not in CURRENCIES):
        return at, unit
    for place in (at + 1, at + 2):
        found = _find_unit(tokens, place, text, language)
        if found and found[0].factor and not found[0].offset:
            other, end = found
            return end, Unit(f"{unit.name}/{other.name}", unit.factor / other.factor)
        if place < len(tokens) and tokens[place].kind != "word":
            break
    return at, unit


def _find_unit(tokens: Sequence[Token], at: int, text: str, language: str | None) -> tuple[Unit, int] | None:
    """The longest unit that starts at a token, and the token behind it."""
    if at >= len(tokens) or tokens[at].kind == "number":
        return None
    for length in (4, 3, 2, 1):
        end = at + length
        if end > len(tokens):
            continue
        part = text[tokens[at].start : tokens[end - 1].end]
        unit = SYMBOLS.get(part) or NAMES.get(fold(part))
        if unit is None:
            continue
        wanted = _OF_LANGUAGE.get(fold(part))
        if wanted is not None and wanted != language and not (part == "in" and end == len(tokens)):
            continue
        if _text(tokens, end) == "." and part.isalpha() and len(part) <= 4 and end < len(tokens):
            end += tokens[end].start == tokens[end - 1].end
        return unit, end
    return None


def _read_sign(tokens: Sequence[Token], at: int, first: int, end: int, before: Unit | None) -> tuple[bool, int, int]:
    """Whether a number is negative, and where it starts and ends with what says so."""
    for place in {first - 1, at - 1}:
        if place < 0:
            continue
        token = tokens[place]
        adjacent = token.end == tokens[place + 1].start
        apart = (
            place == 0
            or tokens[place - 1].end < token.start
            or tokens[place - 1].text in "(["
            or place == at - 1 > first - 1
        )
        if (token.text == "-" and adjacent and apart) or (token.folded in _MINUS and place == first - 1):
            return True, min(first, place), end
    if _text(tokens, first - 1) == "(" and _text(tokens, end) == ")" and first > 0:
        alone = first == 1 and end + 1 >= len(tokens)
        return alone, (0, end + 1)[0] if alone else first, end + 1 if alone else end
    if _text(tokens, at - 1) == "(" and _text(tokens, end) == ")" and before is not None:
        return True, first, end + 1
    if _text(tokens, end) == "-" and end + 1 == len(tokens) and tokens[end].start == tokens[end - 1].end:
        return True, first, end + 1
    return False, first, end


def _text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].folded if 0 <= at < len(tokens) else ""


def _texts(tokens: Sequence[Token], at: int, length: int) -> tuple[str, ...]:
    return tuple(each.folded for each in tokens[at : at + length])
