"""Whether what a document says of itself is so: the text of each fact stands in its boxes, as MuPDF reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.truth_factory.drawn import Drawn
from docmatix.core.documents import Box


class _Letter(NamedTuple):
    """A letter: the middle of its box, and its baseline, in fractions of the page."""

    x: float
    y: float
    baseline: float
    text: str


def list_errors(drawn: Drawn) -> list[str]:
    """One line for each fact, and each cell, whose drawn text is not in its boxes."""
    import pymupdf

    errors = []
    with pymupdf.open(stream=drawn.pdf) as document:
        pages = [_read_letters(page) for page in document]
    wanted = [
        (f"{fact.kind} {fact.label!r}", fact.page, value, boxes)
        for fact in drawn.facts
        if fact.kind != "table"
        for value, boxes in [(fact.value or fact.label, fact.boxes), *fact.others]
    ]
    wanted += [("cell", cell.page, cell.text, (cell.box,)) for cell in drawn.cells]
    for name, page, value, boxes in wanted:
        read = _read(pages[page - 1], boxes)
        if read != "".join(value.split()):
            errors.append(f"{drawn.sort} {drawn.seed} {drawn.language} page {page}: {name} {value!r} reads {read!r}")
        if any(not (0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1) for box in boxes):
            errors.append(f"{drawn.sort} {drawn.seed} {drawn.language} page {page}: {name} {value!r} is off the page")
    return errors


def _read_letters(page: Any) -> list[_Letter]:
    import pymupdf

    width, height = page.rect.width, page.rect.height
    shown = page.rotation_matrix
    letters = []
    for block in page.get_text("rawdict", flags=0)["blocks"]:
        for line in block["lines"]:
            for span in line["spans"]:
                for char in span["chars"]:
                    x0, y0, x1, y1 = pymupdf.Rect(char["bbox"]) * shown
                    baseline = round((pymupdf.Point(char["origin"]) * shown).y) / height
                    letters.append(_Letter((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, baseline, char["c"]))
    return letters


def _read(letters: Sequence[_Letter], boxes: Sequence[Box]) -> str:
    read = ""
    for box in boxes:
        inside = [one for one in letters if box.x0 <= one.x <= box.x1 and box.y0 <= one.y <= box.y1]
        read += "".join(one.text for one in sorted(inside, key=lambda one: (one.baseline, one.x)))
    return "".join(read.split())
