"""Units and currencies: what a number counts, in one spelling, and how many of the base unit it is."""

from __future__ import annotations

from typing import NamedTuple

from docmatix.verification.agreement.spelling import clean, fold
from docmatix.verification.agreement.vocabulary import load_words


class Unit(NamedTuple):
    """A unit as `factor` of the base unit `name`, from which it is `offset` apart (temperatures alone)."""

    name: str
    factor: float = 1.0
    offset: float = 0.0


_PREFIXES = {
    "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "h": 1e2, "d": 1e-1, "c": 1e-2, "m": 1e-3, "µ": 1e-6, "μ": 1e-6,
    "n": 1e-9,
}  # fmt: skip
_PREFIXED = {
    "m": ("m", 1.0), "g": ("kg", 1e-3), "l": ("l", 1.0), "L": ("l", 1.0), "s": ("s", 1.0), "W": ("W", 1.0),
    "Wh": ("J", 3600.0), "J": ("J", 1.0), "V": ("V", 1.0), "A": ("A", 1.0), "Hz": ("Hz", 1.0), "Pa": ("Pa", 1.0),
    "N": ("N", 1.0), "mol": ("mol", 1.0), "Ω": ("Ω", 1.0), "eV": ("J", 1.602e-19), "bar": ("Pa", 1e5),
    "cal": ("J", 4.184), "bit": ("B", 0.125), "B": ("B", 1.0), "VA": ("VA", 1.0), "Wp": ("Wp", 1.0), "Ah": ("Ah", 1.0),
    "t": ("kg", 1e3), "bit/s": ("bit/s", 1.0), "bps": ("bit/s", 1.0),
}  # fmt: skip
SYMBOLS: dict[str, Unit] = {
    prefix + symbol: Unit(base, scale * factor)
    for symbol, (base, factor) in _PREFIXED.items()
    for prefix, scale in _PREFIXES.items()
}
"""Signs of units, whose case counts: `mW`, `MW`."""
SYMBOLS |= {
    "ha": Unit("m2", 1e4), "a.": Unit("s", 31557600.0), "dB": Unit("dB"), "h": Unit("s", 3600.0),
    "min": Unit("s", 60.0), "d": Unit("s", 86400.0), "km/h": Unit("m/s", 1 / 3.6), "kmh": Unit("m/s", 1 / 3.6),
    "km/u": Unit("m/s", 1 / 3.6), "km/t": Unit("m/s", 1 / 3.6), "km/tim": Unit("m/s", 1 / 3.6),
    "км/ч": Unit("m/s", 1 / 3.6), "mq": Unit("m2"), "mc": Unit("l", 1e3),
    "m/s": Unit("m/s"), "°C": Unit("°C"), "°F": Unit("°C", 1 / 1.8, -32 / 1.8), "°K": Unit("°C", 1.0, -273.15),
    "K": Unit("°C", 1.0, -273.15), "C": Unit("°C"), "F": Unit("°C", 1 / 1.8, -32 / 1.8), "°": Unit("°"),
    "pp": Unit("pp"), "bp": Unit("pp", 0.01), "bps.": Unit("pp", 0.01), "ppm": Unit("%", 1e-4), "ppb": Unit("%", 1e-7),
    "KB": Unit("B", 1e3), "KiB": Unit("B", 1024), "MiB": Unit("B", 2**20), "GiB": Unit("B", 2**30), "Kg": Unit("kg"),
    "KG": Unit("kg"), "KM": Unit("m", 1e3), "KW": Unit("W", 1e3), "KWh": Unit("J", 3.6e6), "kwh": Unit("J", 3.6e6),
    "MT": Unit("kg", 1e9), "kt": Unit("kg", 1e6), "rpm": Unit("rpm"), "mph": Unit("m/s", 0.44704),
    "lb": Unit("kg", 0.45359237),
    "lbs": Unit("kg", 0.45359237), "oz": Unit("kg", 0.0283495), "ft": Unit("m", 0.3048), "in": Unit("m", 0.0254),
    "yd": Unit("m", 0.9144), "mi": Unit("m", 1609.344), "sqft": Unit("m2", 0.09290304), "gal": Unit("l", 3.785411784),
    "kcal": Unit("J", 4184.0), "psi": Unit("Pa", 6894.76), "hp": Unit("W", 745.7), "PS": Unit("W", 735.5),
    "atm": Unit("Pa", 101325.0), "mmHg": Unit("Pa", 133.322), "cc": Unit("l", 1e-3), "sec": Unit("s"),
    "hr": Unit("s", 3600.0),
    "hrs": Unit("s", 3600.0), "Std": Unit("s", 3600.0), "Min": Unit("s", 60.0), "yr": Unit("s", 31557600.0),
    "yrs": Unit("s", 31557600.0), "mo": Unit("s", 2629800.0), "wk": Unit("s", 604800.0), "μg": Unit("kg", 1e-9),
    "p.p": Unit("pp"), "TL": Unit("TRY"), "Ft": Unit("HUF"), "DM": Unit("DEM"),
}  # fmt: skip
for _length, _metres in {"mm": 1e-3, "cm": 1e-2, "dm": 1e-1, "m": 1.0, "km": 1e3}.items():
    SYMBOLS |= {f"{_length}{mark}2": Unit("m2", _metres**2) for mark in ("", "^")} | {
        f"{_length}{mark}3": Unit("l", _metres**3 * 1e3) for mark in ("", "^")
    }
    SYMBOLS |= {f"sq {_length}": Unit("m2", _metres**2), f"sq. {_length}": Unit("m2", _metres**2)}
    SYMBOLS |= {f"q{_length}": Unit("m2", _metres**2)}

NAMES: dict[str, Unit] = {
    fold(clean(name.strip())): Unit(base, float(factor))
    for base, factors in load_words("units.yaml")["names"].items()
    for factor, names in factors.items()
    for name in names.split(",")
}
"""Names of units and currencies, folded."""
NAMES["degrees fahrenheit"] = NAMES["fahrenheit"] = NAMES["° f"] = NAMES["℉"] = SYMBOLS["°F"]
NAMES["%"] = Unit("%")
KINDS = {
    "DOLLAR": frozenset("USD CAD AUD NZD HKD SGD TWD".split()),
    "POUND": frozenset("GBP EGP".split()),
    "YEN": frozenset("JPY CNY".split()),
    "FRANC": frozenset("CHF XAF XOF".split()),
    "RUPEE": frozenset("INR PKR LKR".split()),
    "CROWN": frozenset("SEK NOK DKK CZK".split()),
    "PESO": frozenset("MXN ARS CLP COP PHP".split()),
}
"""Currencies of several countries: a sign or name agrees with the code of each."""
CURRENCIES = (
    frozenset(unit.name for unit in NAMES.values() if unit.name.isupper() and len(unit.name) > 2) | KINDS.keys()
)
ADJACENT_CURRENCIES = frozenset("US CA AU NZ HK S C A R NT".split())
# a word of these is as often something else: it is a unit right behind a number, and never before one
POUNDS = frozenset(("pounds", "pound"))


def may_equal(one: str, other: str) -> bool:
    """Whether two base units or currencies may be the same; one that says none may be any."""
    return one == other or not one or not other or one in KINDS.get(other, ()) or other in KINDS.get(one, ())
