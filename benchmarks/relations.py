"""The measure of the ICDAR 2013 table competition: which cells stand beside and below which (Göbel et al., "A
methodology for evaluating algorithms for table understanding in PDF documents", DocEng 2012).

A relation is two texts and a direction, from each filled cell to the next filled one in every row and column that it
spans. Texts are compared without spaces, signs and case."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple


class Place(NamedTuple):
    """A cell of a table: its first and last row, its first and last column, its text."""

    top: int
    bottom: int
    left: int
    right: int
    text: str


class Relation(NamedTuple):
    """The second text is the next one to the right of the first, or below it."""

    first: str
    second: str
    direction: Literal["right", "below"]


class Score(NamedTuple):
    """How many relations are right, found, and in the truth."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """1 where nothing is to be found and nothing was."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0


def place_rows(rows: Iterable[Iterable[str | None]]) -> list[Place]:
    """The cells of a table of which only the texts are known, row by row."""
    return [Place(y, y, x, x, text or "") for y, row in enumerate(rows) for x, text in enumerate(row)]


def list_relations(cells: Iterable[Place]) -> Counter[Relation]:
    """The relations of one table."""
    filled = [cell._replace(text=text) for cell in cells if (text := strip_text(cell.text))]
    turned = [Place(cell.left, cell.right, cell.top, cell.bottom, cell.text) for cell in filled]
    found: Counter[Relation] = Counter()
    for first, second in _list_neighbours(filled):
        found[Relation(filled[first].text, filled[second].text, "right")] += 1
    for first, second in _list_neighbours(turned):
        found[Relation(filled[first].text, filled[second].text, "below")] += 1
    return found


def strip_text(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum()).lower()


def _list_neighbours(cells: Sequence[Place]) -> set[tuple[int, int]]:
    """The numbers of cells and of those next to their right in a row of theirs, each pair once."""
    rows: dict[int, dict[int, int]] = {}
    for number, cell in enumerate(cells):
        for y in range(cell.top, cell.bottom + 1):
            row = rows.setdefault(y, {})
            row.update(dict.fromkeys(range(cell.left, cell.right + 1), number))
    pairs = set()
    for number, cell in enumerate(cells):
        for y in range(cell.top, cell.bottom + 1):
            beside = [x for x in rows[y] if x > cell.right]
            if beside and (other := rows[y][min(beside)]) != number:
                pairs.add((number, other))
    return pairs


def add_up(tables: Iterable[Iterable[Place]]) -> Counter[Relation]:
    """The relations of a document's tables, together."""
    return sum(map(list_relations, tables), Counter())


def compare(found: Counter[Relation], true: Counter[Relation]) -> Score:
    return Score((found & true).total(), found.total(), true.total())


def read_truth(path: Path) -> list[list[Place]]:
    """The tables of a `NAME-str.xml` of the competition. A table over several regions is one."""
    return [
        [cell for region in table.iter("region") for cell in _read_region(region)]
        for table in ET.parse(path).getroot().iter("table")
    ]


def _read_region(region: ET.Element) -> Iterable[Place]:
    down, along = _number(region, "row-increment"), _number(region, "col-increment")
    for cell in region.iter("cell"):
        top, left = _number(cell, "start-row"), _number(cell, "start-col")
        bottom, right = _number(cell, "end-row", default=top), _number(cell, "end-col", default=left)
        text = cell.findtext("content") or ""
        yield Place(top + down, max(top, bottom) + down, left + along, max(left, right) + along, text)


def _number(element: ET.Element, name: str, *, default: int = 0) -> int:
    return int(element.get(name) or default)
