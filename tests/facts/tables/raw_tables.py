"""Raw tables written as rows of texts, for tests of what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docmatix.core.documents import Box, Cell, Page, Table, Word
from docmatix.facts.tables.meaning.reading import read_table
from docmatix.facts.tables.raw import RawCell, RawTable
from docmatix.pdf.drawings import Drawing, FilledBox
from tests.pages import make_page

WIDTH, HEIGHT, EM = 0.15, 0.02, 0.006
TOP, LEFT = 0.2, 0.1

Text = str | tuple[str, int] | tuple[str, int, int]
"""A cell: its text, and how many columns and rows it spans. "*" before it: bold; ">": indented by ten points; "^": a
cell above goes on here. Lines are parted by newlines."""


def write_raw(
    *rows: Sequence[Text],
    header_rows: int = 0,
    ruled: bool = False,
    rules: Sequence[int] = (),
    above: str = "",
    below: str = "",
    fill: Sequence[int] = (),
    top: float = TOP,
    centred: bool = False,
    trust: float = 1.0,
    number: int = 1,
) -> tuple[Page, RawTable, Drawing]:
    """A page with a table. `rules` are the rows below which a rule is drawn, `fill` those with a colour behind them;
    `above` and `below` are lines beside the table."""
    words: list[Word] = []
    cells: list[RawCell] = []

    def write(text: str, x: float, y: float, *, bold: bool = False, size: float = 10.0) -> list[int]:
        places = []
        for part in text.split():
            wide = EM * len(part) * size / 10
            line = words[-1].line + 1 if words and words[-1].box.y0 != y else words[-1].line if words else 0
            words.append(Word(part, Box(x, y, x + wide, y + 0.012), line, 0, size, bold))
            places.append(len(words) - 1)
            x += wide + EM
        return places

    for number_above, line in enumerate(reversed(above.split("\n")) if above else ()):
        write(line, LEFT, top - 0.025 - 0.016 * number_above)
    heights = [max(str(cell if isinstance(cell, str) else cell[0]).count("\n") + 1 for cell in row) for row in rows]
    y = top
    tops = []
    for row, texts in enumerate(rows):
        tops.append(y)
        column = 0
        for cell in texts:
            text, columns, spanned = (cell, 1, 1) if isinstance(cell, str) else (*cell, 1)[:3]
            if text == "^":
                column += columns
                continue
            bold, indented = text.startswith("*"), text.lstrip("*").startswith(">")
            x = LEFT + WIDTH * column + (10 / 600 if indented else 0.0)
            lines = text.lstrip("*>").split("\n")
            if centred:
                x = LEFT + WIDTH * (column + 0.45 * columns) - EM * len(lines[0]) / 2
            places = [place for at, line in enumerate(lines) for place in write(line, x, y + 0.015 * at, bold=bold)]
            bottom = y + 0.02 * spanned + 0.015 * (heights[row] - 1)
            box = Box(LEFT + WIDTH * column, y, LEFT + WIDTH * (column + columns), bottom)
            if places or ruled:
                cells.append(RawCell(row, column, spanned, columns, tuple(places), box))
            column += columns
        y += 0.02 + 0.015 * (heights[row] - 1)
    width = max(cell.column + cell.column_span for cell in cells)
    if below:
        for at, line in enumerate(below.split("\n")):
            write(line, LEFT, y + 0.008 + 0.016 * at, size=8.0)
    page = replace(make_page(words), number=number)
    box = Box(LEFT, top, LEFT + WIDTH * width, y)
    heights_of_rules = tuple((tops[row + 1] if row + 1 < len(tops) else y) - 0.003 for row in rules)
    boxes = tuple(
        FilledBox(
            LEFT * page.width_pt,
            (tops[row] - 0.003) * page.height_pt,
            box.x1 * page.width_pt,
            (tops[row] + 0.017) * page.height_pt,
            False,
            (0.8, 0.8, 0.9),
        )
        for row in fill
    )
    raw = RawTable(box, tuple(cells), header_rows, ruled, heights_of_rules, trust=trust)
    return page, raw, Drawing(boxes=boxes)


def read(*rows: Sequence[Text], **options: object) -> Table:
    """The table that is read from rows."""
    page, raw, drawing = write_raw(*rows, **options)  # type: ignore[arg-type]
    table = read_table(page, raw, drawing)
    assert table is not None
    return table


def find_cell(table: Table, text: str) -> Cell:
    found = [cell for cell in table.cells if cell.text == text]
    assert len(found) == 1, [cell.text for cell in table.cells]
    return found[0]


def find_path(table: Table, text: str) -> tuple[str, ...]:
    return find_cell(table, text).path
