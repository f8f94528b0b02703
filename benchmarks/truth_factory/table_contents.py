"""What stands in the tables of reports: rows, columns, figures, units and notes, in the document's language."""

from __future__ import annotations

import random

from benchmarks.truth_factory.language import Language
from benchmarks.truth_factory.table_model import Column, Row, Table

SORTS = (
    "plain", "stacked", "deep", "grouped", "sections", "accounts", "wrapped", "late_key", "status", "matrix", "long",
)  # fmt: skip


def draw_table(language: Language, draw: random.Random, sort: str, *, number: int = 1, narrow: bool = False) -> Table:
    """A table of a sort; `narrow`: of few columns, for two side by side or a column of text."""
    maker = {
        "plain": _draw_plain,
        "stacked": _draw_stacked,
        "grouped": _draw_grouped,
        "sections": _draw_sections,
        "accounts": _draw_accounts,
        "wrapped": _draw_wrapped,
        "late_key": _draw_late_key,
        "status": _draw_status,
        "matrix": _draw_matrix,
        "long": _draw_long,
        "deep": _draw_deep,
    }[sort]
    table = maker(language, draw, narrow)
    if draw.random() < 0.8:
        measures = language.sample("table.measures", 2)
        subject = language.pick("table.subjects").format(a=measures[0], b=measures[1])
        table.caption = (f"{language.one('report.table_word')} {number}", subject)
    if draw.random() < 0.3:
        unit = language.pick("table.units")
        table.unit = language.one("table.unit_captions").format(unit=unit)
    if draw.random() < 0.4:
        table.notes.append(language.pick("table.notes"))
    return table


class _Figures:
    """Figures of a column: all of one size and one number of decimals, some of them missing or negative."""

    def __init__(self, language: Language, draw: random.Random, *, kind: str = "") -> None:
        self.language, self.draw = language, draw
        self.kind = kind or draw.choice(["whole", "whole", "big", "decimal", "signed", "percent"])
        self.digits = {
            "whole": 0,
            "big": 0,
            "decimal": draw.choice([1, 2]),
            "signed": draw.choice([0, 1]),
            "percent": 1,
        }[self.kind]
        self.most = {"whole": 900, "big": 90000, "decimal": 300, "signed": 60, "percent": 99}[self.kind]
        self.minus = draw.choice(["-", "−", "–", "()"])
        self.missing = draw.choice(["–", "-", "", "n/a", "—"])
        self.percent = draw.choice(["%", " %"])

    def value(self) -> str:
        draw = self.draw
        if draw.random() < 0.06:
            return self.missing
        value = draw.uniform(self.most * 0.02, self.most)
        text = self.language.number(value, self.digits)
        if self.kind == "signed" and draw.random() < 0.4:
            text = f"({text})" if self.minus == "()" else self.minus + text
        return text + self.percent if self.kind == "percent" else text


def _head(language: Language, place: str) -> str:
    return language.one(f"table.head.{place}")


def _years(draw: random.Random, count: int) -> list[str]:
    first = draw.randint(2005, 2020)
    return [str(first + n) for n in range(count)]


def _fill(language: Language, draw: random.Random, names: list[str], kinds: list[str]) -> list[list[str]]:
    figures = [_Figures(language, draw, kind=kind) for kind in kinds]
    return [[name, *(one.value() for one in figures)] for name in names]


def _total(language: Language, draw: random.Random, count: int) -> Row:
    figures = _Figures(language, draw, kind="big")
    figures.missing = language.number(draw.randint(1000, 99999))
    return Row([language.pick("table.total"), *(figures.value() for _ in range(count))], "total")


def _draw_plain(language: Language, draw: random.Random, narrow: bool) -> Table:
    place = draw.choice(["regions", "products"])
    names = language.sample(f"table.{place}", draw.randint(4, 9))
    count = 2 if narrow else draw.randint(2, 5)
    heads = language.sample("table.measures", count)
    kinds = [draw.choice(["whole", "big", "decimal", "signed"]) for _ in heads]
    if not narrow and draw.random() < 0.5:
        heads[-1], kinds[-1] = language.pick("table.shares"), "percent"
    if draw.random() < 0.35:
        heads = [f"{head} ({language.pick('table.header_units')})" for head in heads]
    align = draw.choice(["right", "right", "center"])
    first = _head(language, "region" if place == "regions" else "product")
    if draw.random() < 0.15:
        first = ""
    rows = [Row(cells) for cells in _fill(language, draw, names, kinds)]
    if draw.random() < 0.35:
        rows.append(_total(language, draw, count))
    return Table([Column((first,)), *(Column((head,), align) for head in heads)], rows)


def _draw_stacked(language: Language, draw: random.Random, narrow: bool) -> Table:
    spans = language.sample("table.spans", 2)
    below = _years(draw, 2) if narrow or draw.random() < 0.7 else language.all("table.quarters")[:3]
    names = language.sample("table.regions", draw.randint(4, 8))
    columns = [Column((_head(language, "region"),))]
    columns += [Column((span, one), "right") for span in spans for one in below]
    kind = draw.choice(["whole", "decimal", "percent", "big"])
    rows = [Row(cells) for cells in _fill(language, draw, names, [kind] * (len(columns) - 1))]
    if draw.random() < 0.4:
        rows.append(_total(language, draw, len(columns) - 1))
    return Table(columns, rows)


def _draw_deep(language: Language, draw: random.Random, narrow: bool) -> Table:
    """A header of three levels, the first over all the figures."""
    measure, *spans = language.sample("table.spans", 3)
    below = _years(draw, 2)
    names = language.sample("table.regions", draw.randint(4, 7))
    columns = [Column((_head(language, "region"),))]
    chosen = spans[:1] if narrow else spans
    columns += [Column((measure, span, one), "right") for span in chosen for one in below]
    kind = draw.choice(["whole", "decimal", "percent"])
    rows = [Row(cells) for cells in _fill(language, draw, names, [kind] * (len(columns) - 1))]
    return Table(columns, rows)


def _draw_grouped(language: Language, draw: random.Random, narrow: bool) -> Table:
    columns = [Column((language.all("table.head.region")[0],))]
    heads = _years(draw, 2 if narrow else draw.randint(2, 4))
    columns += [Column((head,), "right") for head in heads]
    rows = []
    for name, *members in language.sample("table.groups", 2 if narrow else 3):
        chosen = members[: draw.randint(2, 4)]
        rows += [Row(cells, group=name) for cells in _fill(language, draw, chosen, ["whole"] * len(heads))]
    return Table(columns, rows, group_header=language.all("table.head.region")[1])


def _draw_sections(language: Language, draw: random.Random, narrow: bool) -> Table:
    columns = [Column((_head(language, "region"),))]
    heads = language.sample("table.measures", 2 if narrow else draw.randint(2, 4))
    columns += [Column((head,), "right") for head in heads]
    rows: list[Row] = []
    for name, *members in language.sample("table.groups", 2):
        rows.append(Row([name, *[""] * len(heads)], "section"))
        rows += [Row(cells) for cells in _fill(language, draw, members[: draw.randint(2, 4)], ["whole"] * len(heads))]
    return Table(columns, rows)


def _draw_accounts(language: Language, draw: random.Random, narrow: bool) -> Table:
    """An income statement: costs in brackets or with a minus, a change in per cent."""
    years = list(reversed(_years(draw, 2)))
    lines = language.all("table.lines")
    chosen = lines[: draw.randint(6, len(lines))]
    change = not narrow and draw.random() < 0.6
    figures = _Figures(language, draw, kind="big")
    minus = draw.choice(["()", "-", "−"])
    rows = []
    for number, line in enumerate(chosen):
        cells = [line]
        for _ in years:
            text = language.number(draw.randint(100, 90000))
            negative = number in (1, 3, 4, 5, 7, 9)
            cells.append(text if not negative else f"({text})" if minus == "()" else minus + text)
        if change:
            sign = draw.choice(["+", minus if minus != "()" else "-"])
            cells.append(sign + language.number(draw.uniform(0.1, 30), 1) + figures.percent)
        rows.append(Row(cells, "total" if number in (2, 8) else "body"))
    columns = [Column((draw.choice(["", _head(language, "line")]),)), *(Column((year,), "right") for year in years)]
    if change:
        columns.append(Column((language.pick("table.shares"),), "right"))
    return Table(columns, rows)


def _draw_wrapped(language: Language, draw: random.Random, narrow: bool) -> Table:
    names = language.sample("table.long_names", draw.randint(3, 5))
    heads = _years(draw, 2 if narrow else draw.randint(2, 4))
    rows = [Row(cells) for cells in _fill(language, draw, names, ["big"] * len(heads))]
    columns = [Column((_head(language, "line"),), wrap_at=draw.uniform(95, 150))]
    return Table([*columns, *(Column((head,), "right") for head in heads)], rows)


def _draw_late_key(language: Language, draw: random.Random, narrow: bool) -> Table:
    """Numbers before the names that they belong to: the key column is not the first."""
    names = language.sample("table.products", draw.randint(4, 8))
    heads = language.sample("table.measures", 1 if narrow else draw.randint(2, 3))
    with_code = draw.random() < 0.6
    columns = [Column((language.all("table.head.code")[0 if with_code else 1],), draw.choice(["left", "right"]))]
    columns += [Column((_head(language, "product"),)), *(Column((head,), "right") for head in heads)]
    rows = []
    start = draw.randint(1000, 8000)
    for number, (name, *values) in enumerate(_fill(language, draw, names, ["whole"] * len(heads)), 1):
        rows.append(Row([str(start + 7 * number) if with_code else str(number), name, *values]))
    return Table(columns, rows, key=1)


def _draw_status(language: Language, draw: random.Random, narrow: bool) -> Table:
    """Text beside the names: dates and words, not figures."""
    names = language.sample("report.items", draw.randint(3, 6))
    names = [name[0].upper() + name[1:] for name in names]
    columns = [Column((_head(language, "line"),), wrap_at=draw.uniform(110, 170))]
    columns += [Column((_head(language, "date"),)), Column((_head(language, "status"),))]
    rows = []
    for name in names:
        date = language.write_date(language.date(), long=False)
        rows.append(Row([name, date, language.pick("table.statuses")]))
    if narrow:
        columns, rows = columns[:2], [Row(row.cells[:2]) for row in rows]
    return Table(columns, rows)


def _draw_matrix(language: Language, draw: random.Random, narrow: bool) -> Table:
    """One measure of products over years, years down the first column."""
    years = _years(draw, draw.randint(4, 8))
    heads = language.sample("table.products", 2 if narrow else draw.randint(3, 5))
    kind = draw.choice(["whole", "decimal", "percent"])
    rows = [Row(cells) for cells in _fill(language, draw, years, [kind] * len(heads))]
    return Table([Column((_head(language, "date"),)), *(Column((head,), "right") for head in heads)], rows)


def _draw_long(language: Language, draw: random.Random, narrow: bool) -> Table:
    """So long that it goes on overleaf."""
    names = [*language.all("table.regions"), *language.all("table.products"), *language.all("table.lines")]
    heads = language.sample("table.measures", 2 if narrow else 4)
    kinds = [draw.choice(["whole", "big", "decimal"]) for _ in heads]
    rows = [Row(cells) for cells in _fill(language, draw, names, kinds)]
    columns = [Column((_head(language, "line"),)), *(Column((head,), "right") for head in heads)]
    repeats = draw.random() < 0.8
    return Table(
        columns, rows, repeats_header=repeats, continued=language.pick("table.continued") if draw.random() < 0.5 else ""
    )
