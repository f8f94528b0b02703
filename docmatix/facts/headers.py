"""Which tables have one header, their first row."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.text.english import VALUE_LABELS, classify_answer, is_generic, is_noun, is_period, is_personal
from docmatix.text.numbers import has_digit, is_prefix, is_suffix


def has_one_header(rows: Sequence[Sequence[str]], *, at_top: bool) -> bool:
    """Whether the first row is a header, and the only one. A header with gaps spans columns, and a second row without a
    name is a part of it. At the top of a page, where a table may go on, the first row must look like one: words above
    numbers, or nouns of tables."""
    header, body = rows[0], rows[1:]
    width = max((column + 1 for row in body for column, cell in enumerate(row) if cell), default=0)
    if not body or not all(header[1:width]) or len(header) < width or not body[0][0]:
        return False
    nouns = contrasts = quantities = words = 0
    for column in range(width):
        label = header[column]
        cells = [row[column] for row in body if column < len(row) and row[column]]
        numeric = 2 * sum(map(has_digit, cells)) > len(cells)
        periods = is_period(label) and not all(map(is_period, cells))
        if numeric and classify_answer(label) != "text" and not periods:
            return False  # a row of numbers like those below
        if is_personal(label) and not is_noun(label) and 2 * sum(map(is_personal, cells)) > len(cells):
            return False  # a person above persons
        marks = [is_suffix(cell) or is_prefix(cell) for cell in cells]
        if column and any(marks[:1]) and not all(marks):
            return False  # a second row of units
        if column and len(cells) > 2 and 2 * sum(classify_answer(cell) != "text" for cell in cells) > len(cells):
            quantities += 1
            words += not has_digit(cells[0]) and not _is_blank(cells[0])
        contrasts += periods or (numeric and not has_digit(label) and not _is_blank(label))
        nouns += is_noun(label) or is_generic(label) or label.lower() in VALUE_LABELS
    if words == quantities > 1:
        return False  # a second row of words above numbers
    if _has_periods_below(header[1:width], [row[1:width] for row in body]):
        return False  # a second row of years
    return not at_top or contrasts > 0 or 2 * nouns >= width


def _has_periods_below(header: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether the row below the header has nothing but periods, unlike the header and the rows below it."""
    first, rest = [cell for cell in body[0] if cell], [cell for row in body[1:] for cell in row]
    if len(first) < 2 or not all(map(is_period, first)) or any(map(is_period, header)):
        return False
    return not any(map(is_period, rest)) and all(map(has_digit, rest[:1]))


def _is_blank(cell: str) -> bool:
    return not any(map(str.isalpha, cell)) or cell.casefold() in {"n/a", "na", "nil", "none", "tbd", "x", "no", "yes"}
