"""Values that a document can print: each with other ways to write it, and with what would be wrong in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.planted.writer import Writer

OFF = 0.08
"""How far a number is off that is wrong."""
ROUNDED = 0.02
"""How far, at most, one that is rounded."""


@dataclass(frozen=True)
class Value:
    """A value as it is printed, and `others`: different words for the same. `rounded` are those of a measured number
    with a difference of up to two per cent; the rest are wrong (None: there is no such fault of it)."""

    kind: str
    printed: str
    others: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    off: str | None = None
    unit_changed: str | None = None
    cut: str | None = None
    number: float | None = None

    def differs(self, other: Value) -> bool:
        """Whether the other one would be a wrong answer in its place, beyond any tolerance."""
        if self.number is not None and other.number is not None and self.kind == other.kind:
            return abs(self.number - other.number) > 0.12 * max(abs(self.number), abs(other.number))
        if self.kind == other.kind == "company":
            # the same two names the other way round, whatever the legal form
            return set(self.printed.split(" ")[:-1]) != set(other.printed.split(" ")[:-1])
        one, two = _fold(self.printed), _fold(other.printed)
        return one not in two and two not in one


def _fold(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


Maker = Callable[[Writer, str], Value]


def _measure(
    writer: Writer,
    kind: str,
    number: float,
    digits: int,
    write: Callable[[str], Sequence[str]],
    *,
    unit_changed: str,
    cut: str | None,
) -> Value:
    """A measured number. `write`: the ways to set a written number with its unit, the printed one first."""
    draw = writer.draw
    near = number * (1 + draw.uniform(-ROUNDED, ROUNDED))
    more = digits if abs(near - round(near, digits)) < 0.002 * abs(near) else digits + 1
    wrong = round(number * (1 + draw.choice([-OFF, OFF])), digits)
    is_off = 0.075 <= abs(wrong - number) / abs(number) <= 0.085
    return Value(
        kind,
        write(writer.print_number(number, digits))[0],
        tuple(way for written in writer.list_numbers(number, digits) for way in write(written)),
        tuple(way for written in writer.list_numbers(near, more) for way in write(written)),
        off=write(writer.print_number(wrong, digits))[0] if is_off else None,
        unit_changed=unit_changed,
        cut=cut,
        number=number,
    )


def make_quantity(writer: Writer, label: str) -> Value:
    _, low, high, digits, unit, spelt, wrong = next(one for one in writer.words["quantities"] if one[0] == label)
    number = round(writer.draw.uniform(low, high), digits)
    if unit == "°C" and writer.draw.random() < 0.3:
        number = -number
    printed = writer.print_number(number, digits)
    gap = writer.draw.choice([" ", "\u00a0"])

    def write(written: str) -> list[str]:
        close = [] if len(unit) > 3 or unit == spelt else [f"{written}{unit}"]
        return [f"{written}{gap}{unit}", f"{written} {spelt}", *close]

    return _measure(
        writer, "quantity", number, digits, write, unit_changed=f"{printed} {wrong}", cut=_cut_number(number, printed)
    )


def _cut_number(number: float, printed: str) -> str | None:
    """The beginning of a number, as a reply that ends in its middle has it; None if it is as good as the whole."""
    digits = re.split(r"[^\d-]", printed)[0]
    for cut in (digits, digits[:-1]):
        if cut.strip("-") and abs(int(cut) - number) > 0.12 * abs(number):
            return cut
    return None


def make_money(writer: Writer, label: str) -> Value:
    number = round(writer.draw.choice([writer.draw.uniform(15, 990), writer.draw.uniform(1000, 96000)]), 2)
    if writer.draw.random() < 0.3:
        number = float(round(number))
    currency, printed = writer.currency, writer.print_number(number, 2)
    names = writer.words["currencies"][currency]

    def write(written: str) -> list[str]:
        own = writer.money_form.format(written)
        turned = f"{written} {currency}" if own.startswith(currency) else f"{currency} {written}"
        return [own, turned, *(f"{written} {name}" for name in names), f"{names[0]} {written}"]

    wrong = writer.money_form.replace(currency, writer.words["wrong_currencies"][currency]).format(printed)
    measured = _measure(writer, "money", number, 2, write, unit_changed=wrong, cut=_cut_number(number, printed))
    whole = writer.words.get("whole_amounts", []) if number == round(number) else []
    return replace(measured, others=(*measured.others, *(form.format(writer.print_number(number)) for form in whole)))


def make_big_money(writer: Writer, label: str) -> Value:
    number = round(writer.draw.uniform(1.2, 98), 1)
    words, currency = writer.words["million"], writer.currency
    name = writer.words["currencies"][currency][-1]
    sign = currency if len(currency) == 1 else ""
    gap_before = "" if writer.code == "en" else words.get("before")

    def write_large(written: str, word: str) -> str:
        gap = "" if word.endswith("’") else " "
        if gap == "":
            return f"{written} {word}{name}"
        if sign and gap_before is not None:
            return f"{sign}{gap_before}{written} {word}"
        return f"{written} {word} {sign or currency}"

    def write(written: str) -> list[str]:
        return [write_large(written, words["printed"])]

    printed = writer.print_number(number, 1)
    wrong = write_large(printed, writer.draw.choice([words["wrong"], words["thousand"]]))
    measured = _measure(writer, "big money", number, 1, write, unit_changed=wrong, cut=printed)
    near = round(number * (1 + writer.draw.uniform(-ROUNDED, ROUNDED)) * 1e6, -3)
    spelt = [writer.money_form.format(way) for way in writer.list_numbers(number * 1e6)]
    shorter = [write_large(printed, other) for other in words["others"]]
    shorter += [form.format(n=printed) for form in words.get("spelt", [])]
    spelt_near = [writer.money_form.format(way) for way in writer.list_numbers(near)]
    return replace(measured, others=(*measured.others, *spelt, *shorter), rounded=(*measured.rounded, *spelt_near))


def make_percent(writer: Writer, label: str) -> Value:
    number = round(writer.draw.uniform(6, 97), 1)
    printed = writer.print_number(number, 1)

    def write(written: str) -> list[str]:
        return [
            f"{written}{writer.percent_sign}",
            f"{written}%",
            *(f"{written} {word}" for word in writer.words["percent"]),
        ]

    return _measure(writer, "percent", number, 1, write, unit_changed=f"{printed} ‰", cut=None)


def make_count(writer: Writer, label: str) -> Value:
    """Counted, not measured: it is never rounded. Some are large enough to be off by eight per cent."""
    small = writer.draw.random() < 0.4
    number = writer.draw.randint(3, 12) if small else writer.draw.randint(130, 8800)
    others = [writer.words["number_words"][number]] if small else writer.list_numbers(number)
    off = None if small else writer.print_number(round(number * (1 + writer.draw.choice([-OFF, OFF]))))
    return Value("count", writer.print_number(number), tuple(others), off=off, number=float(number))


def make_date(writer: Writer, label: str) -> Value:
    date = writer.language.date()
    printed = writer.print_date(date)
    shown = re.split(r",? (?=\d{4}$)|(?<=\.)(?=\d{4}$)|/(?=\d{4}$)|-(?=(?:\d\d){1,2}$)", printed)
    return Value("date", printed, tuple(writer.list_dates(date)), cut=shown[0])


def make_period(writer: Writer, label: str) -> Value:
    first = writer.language.date(last=2019)
    last = writer.language.date(first=2020)
    forms = writer.words.get("period_range", writer.words["range"])
    printed = writer.draw.choice(forms[:2]).format(a=writer.print_date(first), b=writer.print_date(last))
    dates = zip(writer.list_dates(first), writer.list_dates(last), strict=True)
    plain = [(a, b) for a, b in dates if a[0].isdigit() or a[0].isupper()]
    ways = [writer.elide(form.format(a=a, b=b)) for form in forms for a, b in plain]
    return Value("period", writer.elide(printed), tuple(ways), cut=writer.print_date(first))


def make_span(writer: Writer, label: str) -> Value:
    low = writer.draw.randint(2, 30)
    high = low + writer.draw.randint(15, 60)
    unit, forms = writer.words["spans"][label], writer.words["range"]
    printed = f"{writer.draw.choice(forms[:2]).format(a=low, b=high)} {unit}"
    ways = [f"{form.format(a=low, b=high)} {unit}" for form in forms]
    ways.append(forms[0].format(a=f"{low} {unit}", b=f"{high} {unit}"))
    wrong = f"{forms[0].format(a=low, b=high)} {'°F' if unit == '°C' else 'mm'}"
    return Value("span", printed, tuple(ways), unit_changed=wrong, cut=f"{low} {unit}", number=float(low))


def make_clock(writer: Writer, label: str) -> Value:
    hour, minute = writer.draw.randint(5, 22), writer.draw.choice([0, 10, 15, 20, 30, 40, 45, 50])
    slots = {
        "h": hour,
        "hh": f"{hour:02}",
        "m": f"{minute:02}",
        "h12": (hour - 1) % 12 + 1,
        "half": "pm" if hour >= 12 else "am",
    }
    ways = [form.format(**slots) for form in writer.words["clock"]]
    return Value("time of day", writer.draw.choice(ways[:2]), tuple(ways))


def make_name(writer: Writer, label: str) -> Value:
    first, last = writer.language.pick("first_names"), writer.language.pick("last_names")
    title = writer.draw.choice(writer.words["titles"][:2])
    printed = f"{title} {first} {last}" if writer.draw.random() < 0.3 else f"{first} {last}"
    ways = [f"{first} {last}", turn_name(first, last), f"{title} {first} {last}"]
    ways.append(f"{writer.draw.choice(writer.words['titles'][2:])} {first} {last}")
    ways += [form.format(first=first, last=last) for form in writer.words.get("more_names", [])]
    return Value("name", printed, tuple(ways), cut=first)


def turn_name(first: str, last: str) -> str:
    """As lists sort it: with `van den` behind."""
    words = last.split(" ")
    small = [word for word in words if word.islower()]
    return " ".join([" ".join(words[len(small) :]) + ",", first, *small])


def make_company(writer: Writer, label: str) -> Value:
    one, two = (name[0].upper() + name[1:] for name in writer.language.sample("last_names", 2))
    legal, also = writer.draw.choice(writer.words["legal_forms"]), writer.words["and"]
    ways = [f"{one} & {two}", f"{one} {also} {two} {legal}", f"{one} & {two} {legal}".upper()]
    if legal in writer.words.get("legal_variants", {}):
        ways.append(f"{one} & {two} {writer.words['legal_variants'][legal]}")
    return Value("company", f"{one} & {two} {legal}", tuple(ways))


def make_year(writer: Writer, label: str) -> Value:
    """Two of them are nearer than any tolerance."""
    year = str(writer.draw.randint(1925, 2024))
    return Value("year", year, (year, f"{year}."))


def make_list(writer: Writer, label: str) -> Value:
    source = writer.draw.choice(["table.products", "invoice.items"])
    items = writer.language.sample(source, writer.draw.randint(3, 5))
    turned = [*items[1:], items[0]]
    also = writer.words["and"]
    mixed = items[:]
    writer.draw.shuffle(mixed)
    ways = [
        f"{', '.join(turned[:-1])} {also} {turned[-1]}",
        "; ".join(reversed(items)),
        "\n".join(f"- {item}" for item in items),
        ", ".join(mixed),
        "\n".join(f"{number}. {item}" for number, item in enumerate(mixed, 1)),
    ]
    return Value("list", ", ".join(items), tuple(ways), cut=", ".join(items[: len(items) // 2]))


def make_yes_no(writer: Writer, label: str) -> Value:
    said = writer.draw.choice(["yes", "no"])
    # by number, since `oui` is no other answer than `ja`
    return Value("yes or no", writer.words[said][0], tuple(writer.words[said]), number=float(said == "yes"))


def make_code(writer: Writer, label: str) -> Value:
    code = writer.language.code_number()
    return Value("code", code, (code, code.lower(), re.sub(r"[-/]", lambda sign: f" {sign[0]} ", code)))


def make_phone(writer: Writer, label: str) -> Value:
    phone = writer.draw_phone()
    digits = re.sub(r"\(0\)|[^\d+]", "", phone)  # "+31 (0)20": the nought is dialled within the country alone
    return Value(
        "phone",
        phone,
        (digits, f"{digits[:4]} {digits[4:]}", f"{digits[:4]}-{digits[4:7]}-{digits[7:]}"),
        cut=digits[:5],
    )


def make_address(writer: Writer, label: str) -> Value:
    street, city = writer.draw_street(), writer.draw_city()
    ways = [f"{street}\n{city}", f"{street} – {city}", f"{street}; {city}"]
    ways += [form.format(street=street, city=city) for form in writer.words.get("more_addresses", [])]
    return Value("address", f"{street}, {city}", tuple(ways), cut=street)


def make_text(writer: Writer, label: str) -> Value:
    _, *forms = next(one for one in writer.words["texts"] if one[0] == label)
    slots = {"n": writer.draw.randint(3, 12), "town": writer.language.pick("towns"), "name": writer.language.name()}
    said = [form.format(**slots) for form in forms]
    words = said[0].split(" ")
    ways = (said[1], said[0].rstrip("."), said[1].rstrip("."))
    return Value("text", said[0], ways, cut=" ".join(words[: len(words) // 2]))


MAKERS: dict[str, Maker] = {
    "quantity": make_quantity,
    "money": make_money,
    "big_money": make_big_money,
    "percent": make_percent,
    "count": make_count,
    "date": make_date,
    "period": make_period,
    "span": make_span,
    "clock": make_clock,
    "name": make_name,
    "company": make_company,
    "year": make_year,
    "list": make_list,
    "yes_no": make_yes_no,
    "code": make_code,
    "phone": make_phone,
    "address": make_address,
    "text": make_text,
}
WEIGHTS = dict.fromkeys(MAKERS, 1.0) | {
    "quantity": 3.0,
    "money": 2.0,
    "date": 2.0,
    "name": 2.0,
    "percent": 1.5,
    "text": 2.0,
}
"""How often each is drawn."""


def list_labels(writer: Writer, kind: str) -> list[str]:
    """The labels that a value of this kind can have."""
    if kind in ("quantity", "text"):
        return [one[0] for one in writer.words["quantities" if kind == "quantity" else "texts"]]
    labels: list[str] = writer.words["labels"][kind]
    return labels
