"""How one document writes numbers, money, dates and words, and how else they can be written."""

from __future__ import annotations

import functools
import random
import re
from pathlib import Path
from typing import Any

import yaml

from benchmarks.truth_factory.language import Date, Language

DEFAULT_LANGUAGES = ("en", "de", "fr")
"""Those of the published table."""
LATER_LANGUAGES = ("es", "it", "nl")
"""Those that were held out until what they showed was mended: what the next one shows tells how good agreement is."""
_THIN = "\u202f"


@functools.cache
def _load() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "wordings.yaml").read_text("utf-8"))
    return loaded


class Writer:
    """The words of one document's language; its own ways to print are drawn once."""

    def __init__(self, code: str, draw: random.Random) -> None:
        self.code, self.draw = code, draw
        self.language = Language(code, draw)
        self.words = _load()[code]
        self.decimal: str = self.language.all("decimal")
        self.money_form: str = draw.choice(self.language.all("money"))
        self.date_form: str = draw.choice([*self.language.all("long_dates"), *self.language.all("short_dates")])
        self.percent_sign = draw.choice(["%", " %"])

    @property
    def currency(self) -> str:
        return self.money_form.replace("{}", "").strip()

    def print_number(self, number: float, digits: int = 0) -> str:
        """As this document prints it."""
        return self.language.number(abs(number), digits) if number >= 0 else "-" + self.language.number(-number, digits)

    def list_numbers(self, number: float, digits: int = 0) -> list[str]:
        """Other ways to write it that can be read in one way only."""
        sign, number = ("-" if number < 0 else ""), abs(number)
        whole, _, rest = f"{number:.{digits}f}".partition(".")
        grouped = f"{int(whole):,}"
        ways = [whole + (self.decimal + rest if digits else "")]
        ways.append(grouped.replace(",", _THIN) + (self.decimal + rest if digits else ""))
        if digits and int(rest) == 0:
            ways.append(whole)
        if digits and len(grouped) > len(whole):  # both signs stand there: it can be read in one way
            ways += [f"{grouped}.{rest}", grouped.replace(",", ".") + "," + rest]
        if digits in (1, 2):  # three digits behind a sign would be thousands
            ways += [f"{whole}.{rest}", f"{whole},{rest}"]
        return [sign + way for way in ways]

    def draw_phone(self) -> str:
        if "phones" not in self.words:
            return self.language.phone()
        form: str = self.draw.choice(self.words["phones"])
        return re.sub("#", lambda _: str(self.draw.randint(1, 9)), form)

    def draw_street(self) -> str:
        if "streets" not in self.words:
            return self.language.street()
        form: str = self.draw.choice(self.words["streets"])
        return form.format(n=self.draw.randint(2, 180))

    def draw_city(self) -> str:
        city: str = self.draw.choice(self.words["cities"]) if "cities" in self.words else self.language.pick("cities")
        return city

    def print_date(self, date: Date) -> str:
        return self.write_date(date, self.date_form)

    def write_date(self, date: Date, form: str) -> str:
        month: str = self.language.all("months")[date.month - 1]
        short = self.words["short_months"][date.month - 1] if "short_months" in self.words else month[:3]
        ordinal = (
            f"{date.day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(date.day % 10 if date.day not in (11, 12, 13) else 0, 'th') }"
        )
        first = "1°" if date.day == 1 else date.day
        padded = {"mm": f"{date.month:02}", "dd": f"{date.day:02}", "m3": short, "o": ordinal, "n": date.month}
        return self.elide(form.format(d=date.day, f=first, m=month, y=date.year, **padded))

    def elide(self, written: str) -> str:
        """With the short articles of Italian in front of the 8th and the 11th."""
        for pattern, elided in self.words.get("elisions", []):
            written = re.sub(pattern, elided, written)
        return written

    def list_dates(self, date: Date) -> list[str]:
        forms = [*self.words["dates"], *self.language.all("long_dates")]
        return [self.write_date(date, form) for form in forms]
