"""What all numbers of a table are in, as its corner or the line above it says: `(in thousands)`, `EUR million`, `%`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from docmatix.core.documents import Box, Word
from docmatix.text.english import classify_answer, is_period
from docmatix.text.numbers import CURRENCY

REACH = 0.05
"""How far above a table its caption may say the scale, as a share of the page's height."""

_NAMES = r"(?:dollars|euros?|pounds(?: sterling)?|yen|rupees|(?:Swiss )?francs|yuan|kronor|kroner)"
_MONEY = rf"(?:(?:US|U\.S\.|Canadian|Australian) )?(?:{CURRENCY}|{_NAMES})"
_SCALE = re.compile(
    r"(?:^|[(\[,:;–—-]) ?(?:(?:all )?(?:amounts|figures|values|numbers|data)(?: are)? |(?:expressed|stated|shown) )*"
    rf"(?P<scale>in (?:{_MONEY} )?(?:thousands|millions|billions|lakhs|crores)(?: of {_MONEY}| {_MONEY})?"
    rf"|(?:in )?(?:{_MONEY} ?(?:in )?(?:thousands?|millions?|billions?|lakhs?|crores?|mn?|mln|mio\.?|bn|k)"
    rf"|(?:{_MONEY} ?)?['’]000s?|{CURRENCY} ?000s?|%|per ?cent))(?:$|[)\],.;:]| except| unless)",
    re.IGNORECASE,
)
# what says that a number is a count, a share or a rate, which the scale of the others may not be meant for
_OWN = re.compile(
    r"%|\b(?:number|employees?|staff|headcount|people|persons|per|ratio|margin|rate|return|growth|percent\w*|days?|hours?|"
    r"years?|shares|average|stores|branches|units|customers|population|eps|date|note|page|change)\b",
    re.IGNORECASE,
)
_SAYS = re.compile(r"%|\b(?:hundred|thousand|[mb]illion|trillion|lakh|crore|[mb]n|percent)\b", re.IGNORECASE)


def find_scale(words: Sequence[Word], box: Box, corner: str) -> str:
    """The scale that a table's first cell gives, or a line right above it, without `in`; ``""`` if there is none."""
    found = _SCALE.search(corner)
    if found is None:
        above = [word for word in words if -0.005 < box.y0 - word.box.y1 + 0.005 < REACH]
        lines = (" ".join(word.text for word in line) for _, line in groupby(above, key=lambda word: word.line))
        found = next((match for line in lines if (match := _SCALE.search(line))), None)
    return found["scale"].removeprefix("in ").removeprefix("In ").strip() if found else ""


def is_scaled(value: str) -> bool:
    """Whether the scale of a table is meant for a value: a number or an amount that says no magnitude itself."""
    return classify_answer(value) in {"number", "amount"} and not is_period(value) and _SAYS.search(value) is None


def has_own_measure(row: str, label: str) -> bool:
    """Whether a row or its column is perhaps not in the table's scale: counts, rates, columns with a unit."""
    return _OWN.search(f"{row} {label}") is not None or label.endswith(")")
