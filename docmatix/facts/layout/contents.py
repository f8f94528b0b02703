"""Lines of a table of contents or an index: text, then the number of a page. They are neither headings nor items."""

from __future__ import annotations

import re

from docmatix.facts.layout.lines import Line, Sheet, on_one_row

MIN_LINES = 4
MAX_LINES = 400  # of a page; a page of more is no contents, and each number is compared with all lines
_LEADERS = re.compile(r"(?:[.·_] ?){5,}|…{2,}")
_LED = re.compile(r"[^\s.:·…_]\s?(?:(?:[.·_] ?){4,}|…{2,})\s*(?:\d{1,4}|[ivxlc]{1,6})$")
_ENTRY = re.compile(r".*[^\W\d_]{3}.*\s(?:\d{1,4}|[ivxlc]{1,6})")


def mark_contents(sheet: Sheet) -> None:
    """Take the lines of contents: those with dot leaders, and runs of lines whose numbers end at one edge and grow."""
    lines = list(sheet.open_lines)
    leaders = [line for line in lines if _is_led(line.text)]
    if len(leaders) >= 3 and sum(1 for line in lines if _LEADERS.search(line.text)) < len(leaders) + 3:
        first, last = min(line.y0 for line in leaders), max(line.y1 for line in leaders)
        for line in lines:
            beside = first - 2 <= line.y0 and line.y1 <= last + 2
            if _is_led(line.text) or (beside and len(line.words) < 15):
                line.role = "contents"
        return
    if len(lines) > MAX_LINES:
        return
    rows = [row for line in lines if (row := _read_row(line, lines)) is not None]
    run: list[tuple[list[Line], int, float]] = []
    for row in [*rows, ([], -1, 0.0)]:
        if run and (row[1] < run[-1][1] or abs(row[2] - run[-1][2]) > 8):
            if len(run) >= MIN_LINES and run[-1][1] > run[0][1] + 1:
                for members, _, _ in run:
                    for line in members:
                        line.role = "contents"
            run = []
        run.append(row)


def _is_led(text: str) -> bool:
    """Whether leaders in a text lead to the number of a page at its end."""
    return (text[-1:].isdecimal() or text[-1:] in "ivxlc") and _LED.search(text) is not None


def _read_row(line: Line, lines: list[Line]) -> tuple[list[Line], int, float] | None:
    """The lines of a row of contents, its page number and where that ends; None for other rows."""
    if line.text.isdigit() and line.part and len(line.text) <= 4:
        beside = [other for other in lines if other is not line and on_one_row(line, other)]
        if 1 <= len(beside) <= 2 and all(other.x1 < line.x0 for other in beside):
            return [*beside, line], int(line.text), line.x1
    elif not line.part and len(line.words) < 16 and line.words[-1].text.isdigit() and _ENTRY.fullmatch(line.text):
        return [line], int(line.words[-1].text), line.x1
    return None
