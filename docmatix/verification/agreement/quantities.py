"""Quantities: a number with what it counts."""

from __future__ import annotations

import re
from typing import NamedTuple

from docmatix.verification.agreement.spelling import clean

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")


class Quantity(NamedTuple):
    """A number in the base unit of what it measures (`m`, `kg`, `s`, `EUR`, `%`; ``""`` where it says none)."""

    value: float
    unit: str = ""


def read_quantity(text: str, *, language: str | None = None, question: str = "") -> Quantity | None:
    """The one quantity that an answer is; None if it is something else, or several."""
    found = _NUMBER.findall(clean(text))
    return Quantity(float(found[0].replace(",", ""))) if len(found) == 1 and found[0].count(".") <= 1 else None
