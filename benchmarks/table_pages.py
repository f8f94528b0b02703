"""Ordinary pages and the tables on them, labelled by eye: whether what is found is a table, which the relations of
cells do not tell. `benchmarks/pages/tables.csv` refers to the pages by the `doc_id` of their PDF.

A table has rows and columns of cells, at least two of each, and is read by them: a cell means something by the header
above it or the name beside it. It counts with or without lines, as an attribute and its value in two columns, as a grid
without header, and where it goes on from another page. Caption and notes are not in its box.

No tables are: boxes and lines of a form to fill in, contents and index, references, code, lists whose labels stand
apart, columns of prose, equations, the axes and legend of a chart, boxes of a diagram, a grid of one column.

`either` marks an area where both answers are right, and what is found there is left out: tables of a header alone, a
matrix to be ticked, tables and grids of letters that a diagram shows, tables within a table's cell, election results in
newspaper columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from docmatix.core.documents import Box, Word
from docmatix.pdf.reading import make_doc_id

LABELS = Path(__file__).parent / "pages" / "tables.csv"
MIN_OVERLAP = 0.5  # intersection over union
MOST = 0.6  # of a box's area


class LabelledTable(NamedTuple):
    """`kind`: ruled (cells are parted by lines or fillings), booktabs (lines between rows alone), aligned, either."""

    kind: str
    box: Box


class LabelledPage(NamedTuple):
    """A page (from 1), what sort it is of, and its tables."""

    doc_id: str
    page: int
    half: str
    sort: str
    tables: tuple[LabelledTable, ...]
    source: str


class Matching(NamedTuple):
    """Numbers of tables: (found, true) pairs that are the same, found ones that are none, true ones not found; found
    ones that hold several true ones, and true ones that hold several found ones."""

    pairs: list[tuple[int, int]]
    false: list[int]
    missed: list[int]
    merged: list[int]
    split: list[int]


def load_labels(half: str | None = None) -> list[LabelledPage]:
    """The labelled pages, or those of a half: `develop` to write rules by, `report` to judge them. No document is in
    both."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        pages = [_read_row(row) for row in csv.DictReader(file)]
    return [page for page in pages if half in (None, page.half)]


def _read_row(row: Mapping[str, str]) -> LabelledPage:
    tables = []
    for written in filter(None, row["tables"].split("; ")):
        kind, *corners = written.split()
        tables.append(LabelledTable(kind, Box(*map(float, corners))))
    source = f"{row['repository']}/{row['path']}"
    return LabelledPage(row["doc_id"], int(row["page"]), row["half"], row["sort"], tuple(tables), source)


def find_files(folder: Path, doc_ids: Iterable[str]) -> dict[str, bytes]:
    """The PDFs under a folder that have these ids."""
    wanted = set(doc_ids)
    contents = (path.read_bytes() for path in sorted(folder.rglob("*.pdf")))
    return {doc_id: content for content in contents if (doc_id := make_doc_id(content)) in wanted}


def shrink(box: Box, words: Iterable[Word]) -> Box:
    """A box around the words whose middles it holds, since some readers give a table's lines and others its words; the
    box itself if it holds none."""
    held = [
        word.box
        for word in words
        if box.x0 <= (word.box.x0 + word.box.x1) / 2 <= box.x1 and box.y0 <= (word.box.y0 + word.box.y1) / 2 <= box.y1
    ]
    if not held:
        return box
    x0, y0, x1, y1 = zip(*held, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


def match(found: Sequence[Box], true: Sequence[Box], either: Sequence[Box] = ()) -> Matching:
    """Found boxes and true ones are the same where they overlap by half of their union, or each covers most of the
    other; the nearest first, each once."""
    near = sorted(
        (-_overlap(mine, yours), y, x) for (x, mine), (y, yours) in product(enumerate(found), enumerate(true))
    )
    pairs: list[tuple[int, int]] = []
    for overlap, y, x in near:
        is_same = -overlap >= MIN_OVERLAP or min(_cover(found[x], true[y]), _cover(true[y], found[x])) >= MOST
        if is_same and all(x != mine and y != yours for mine, yours in pairs):
            pairs.append((x, y))
    matched, hit = {x for x, _ in pairs}, {y for _, y in pairs}
    return Matching(
        sorted(pairs),
        [
            x
            for x, box in enumerate(found)
            if x not in matched and all(_cover(area, box) < MIN_OVERLAP for area in either)
        ],
        [y for y in range(len(true)) if y not in hit],
        [x for x, box in enumerate(found) if sum(_cover(box, other) >= MOST for other in true) > 1],
        [y for y, box in enumerate(true) if sum(_cover(box, other) >= MOST for other in found) > 1],
    )


def _area(box: Box) -> float:
    return max(box.x1 - box.x0, 0.0) * max(box.y1 - box.y0, 0.0)


def _share(one: Box, other: Box) -> float:
    return _area(Box(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1)))


def _overlap(one: Box, other: Box) -> float:
    shared = _share(one, other)
    return shared / (_area(one) + _area(other) - shared) if shared else 0.0


def _cover(outer: Box, inner: Box) -> float:
    """The share of `inner` that `outer` covers."""
    return _share(outer, inner) / area if (area := _area(inner)) else 0.0
