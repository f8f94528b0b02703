"""Words, numbers and dates of a language, drawn from its data file."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_WORDINGS = Path(__file__).parent / "wordings"


class Date(NamedTuple):
    year: int
    month: int
    day: int


@functools.cache
def _load(language: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_WORDINGS / f"{language}.yaml").read_text("utf-8"))
    return loaded


class Language:
    """The wordings of one document: how its numbers and dates are written is drawn once."""

    def __init__(self, code: str, draw: random.Random) -> None:
        self.code = code
        self.draw = draw
        self._words = _load(code)
        self._thousands: str = draw.choice(self._words["thousands"])
        self._money: str = draw.choice(self._words["money"])
        self._long_date: str = draw.choice(self._words["long_dates"])
        self._short_date: str = draw.choice(self._words["short_dates"])
        self._chosen: dict[str, str] = {}

    def all(self, place: str) -> Any:
        """What the data file has at a dotted place."""
        found: Any = self._words
        for name in place.split("."):
            found = found[name]
        return found

    def one(self, place: str) -> str:
        """One of the wordings at a place: the same one all through the document."""
        if place not in self._chosen:
            self._chosen[place] = self.draw.choice(self.all(place))
        return self._chosen[place]

    def pick(self, place: str) -> str:
        chosen: str = self.draw.choice(self.all(place))
        return chosen

    def sample(self, place: str, count: int) -> list[Any]:
        words: Sequence[Any] = self.all(place)
        return self.draw.sample(words, min(count, len(words)))

    def name(self) -> str:
        return f"{self.pick('first_names')} {self.pick('last_names')}"

    def street(self) -> str:
        return self.pick("streets").format(n=self.draw.randint(2, 180))

    def number(self, value: float, digits: int = 0) -> str:
        """As it is printed here; a minus sign is left to the caller."""
        whole, _, rest = f"{value:,.{digits}f}".partition(".")
        return whole.replace(",", self._thousands) + (self.all("decimal") + rest if digits else "")

    def money(self, value: float) -> str:
        return self._money.format(self.number(value, 2))

    def date(self, *, first: int = 2015, last: int = 2025) -> Date:
        return Date(self.draw.randint(first, last), self.draw.randint(1, 12), self.draw.randint(1, 28))

    def write_date(self, date: Date, *, long: bool | None = None) -> str:
        form = self._long_date if (self.draw.random() < 0.5 if long is None else long) else self._short_date
        month = self.all("months")[date.month - 1]
        return form.format(d=date.day, m=month, y=date.year, mm=f"{date.month:02}", dd=f"{date.day:02}")

    def phone(self) -> str:
        draw = self.draw
        form = draw.choice(["0{a} {b} {c}", "+{e} {a} {b}{c}", "(0{a}) {b}-{c}", "0{a}/{b}{c}"])
        return form.format(
            a=draw.randint(20, 99), b=draw.randint(100, 999), c=draw.randint(1000, 9999), e=draw.randint(31, 49)
        )

    def iban(self) -> str:
        country = "GB" if self.code == "en" else self.code.upper()
        groups = " ".join(f"{self.draw.randint(0, 9999):04}" for _ in range(4))
        return f"{country}{self.draw.randint(10, 99)} {groups} {self.draw.randint(10, 99)}"

    def code_number(self) -> str:
        draw = self.draw
        return draw.choice(
            [
                f"{draw.choice('ABKLRT')}{draw.randint(10000, 99999)}",
                f"{draw.randint(2018, 2025)}-{draw.randint(100, 9999):04}",
                f"{draw.randint(100000, 999999)}",
                f"{draw.choice(['RE', 'KD', 'AB', 'ST'])}-{draw.randint(100, 999)}/{draw.randint(10, 99)}",
            ]
        )
