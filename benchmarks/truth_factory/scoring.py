"""How much of a drawn document's truth was found, and what was found that is none of it.

A fact is found where its value, its page and its label are right (a cell's path; a check box's label and state),
compared with white space folded, case and a trailing colon ignored: signs, points, dashes and brackets count.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from benchmarks.truth_factory.drawn import Drawn, DrawnFact, Reading
from docmatix.core.documents import Box, Document

MIN_CONFIDENCE = 0.5
MIN_OVERLAP = 0.5
"""Intersection over union of the boxes, from which on a fact's boxes are right."""
WITH_PATHS = ("heading", "section", "list_item")
"""Kinds whose path is told apart from whether they were found."""
CELL_TEXTS = "cell text"

_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.|[IVX]+\.)\s+")


class Found(NamedTuple):
    """A fact that a reader found."""

    kind: str
    label: str
    value: str
    path: tuple[str, ...]
    page: int
    boxes: tuple[Box, ...]
    label_boxes: tuple[Box, ...] = ()
    confidence: float = 1.0


class FoundCell(NamedTuple):
    """A cell of a found table that has text, header or not."""

    page: int
    text: str
    box: Box


@dataclass
class Tally:
    """Counts of one kind."""

    drawn: int = 0
    found: int = 0
    none: int = 0
    """Found, of a kind that is listed completely, and no fact."""
    judged: int = 0
    """All that was found of it where it is listed completely."""
    boxes: int = 0
    paths: int = 0

    def add(self, other: Tally) -> None:
        self.drawn += other.drawn
        self.found += other.found
        self.none += other.none
        self.judged += other.judged
        self.boxes += other.boxes
        self.paths += other.paths


@dataclass
class Score:
    """Of one document or of many; `missed` and `none` are kept for people to read."""

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    missed: list[DrawnFact] = field(default_factory=list)
    none: list[Found] = field(default_factory=list)

    def add(self, other: Score) -> None:
        for kind, tally in other.tallies.items():
            self.tallies[kind].add(tally)

    def total(self) -> Tally:
        """Over all kinds of facts; the texts of cells are counted apart."""
        total = Tally()
        for kind, tally in self.tallies.items():
            if kind != CELL_TEXTS:
                total.add(tally)
        return total


def list_found(document: Document) -> tuple[list[Found], list[FoundCell]]:
    """What a document holds of facts, its tables and their cells among them."""
    found: list[Found] = []
    cells: list[FoundCell] = []
    for page in document.pages:
        found += [
            Found(one.kind, one.label, one.value, one.path, page.number, one.boxes, one.label_boxes, one.confidence)
            for one in page.facts
        ]
        for table in page.tables:
            found.append(Found("table", "", "", (), page.number, (table.box,), (), table.confidence))
            for cell in table.cells:
                if not cell.text:
                    continue
                cells.append(FoundCell(page.number, cell.text, cell.box))
                if cell.header or cell.role in ("key", "section", "empty") or not cell.path:
                    continue
                label = cell.path[-2] if len(cell.path) > 1 else cell.path[-1]
                found.append(
                    Found("cell", label, cell.text, tuple(cell.path), page.number, (cell.box,), (), table.confidence)
                )
    return found, cells


def score_document(drawn: Drawn, found: Iterable[Found], cells: Iterable[FoundCell] = ()) -> Score:
    """`found` of little confidence is left out, as nothing would be asked about it."""
    score = Score()
    sure = [one for one in found if one.confidence >= MIN_CONFIDENCE]
    matches, rest = _match(drawn, sure)
    titles = {_fold(fact.value) for fact in drawn.facts if fact.kind == "title"}
    for number, fact in enumerate(drawn.facts):
        if _need_not_be_found(fact):
            continue
        tally = score.tallies[fact.kind]
        tally.drawn += 1
        if number not in matches:
            score.missed.append(fact)
            continue
        match = matches[number]
        tally.found += 1
        tally.boxes += _find_overlap(fact, match) >= MIN_OVERLAP
        tally.paths += _fold_path(match.path, titles) == _fold_path(fact.path, titles)
    for one in sure:
        if one.kind in drawn.complete_kinds:
            score.tallies[one.kind].judged += 1
    for one in rest:
        if one.kind in drawn.complete_kinds:
            score.tallies[one.kind].none += 1
            score.none.append(one)
    _score_cells(drawn, list(cells), score.tallies[CELL_TEXTS])
    return score


def _need_not_be_found(fact: DrawnFact) -> bool:
    """Whether a fact is neither missed nor false: nobody asks about a cell that says that there is nothing."""
    return fact.optional or (fact.kind == "cell" and fact.value in NOTHING)


NOTHING = frozenset({"–", "-", "—", "n/a"})


def _match(drawn: Drawn, found: Sequence[Found]) -> tuple[dict[int, Found], list[Found]]:
    """Which drawn fact is found by what, each once, and what matches none: first facts by their own kind, then by kinds
    that are as right. What is found a second time under another right kind is left out, and what need not be found."""
    matches: dict[int, Found] = {}
    by_value: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, fact in enumerate(drawn.facts):
        for value in {_fold(fact.value), *(_fold(reading.value) for reading in fact.others)}:
            by_value[fact.page, value].append(number)
    candidates = [
        [number for number in by_value[one.page, _fold(one.value)] if _is_same(drawn.facts[number], one)]
        for one in found
    ]
    left = list(range(len(found)))
    for own in (True, False):
        pairs = []
        for n in left:
            for number in candidates[n]:
                fact = drawn.facts[number]
                if (fact.kind == found[n].kind) == own:
                    pairs.append((-_find_overlap(fact, found[n]), n, number))
        taken = set()
        for _, n, number in sorted(pairs):
            if n not in taken and number not in matches:
                matches[number] = found[n]
                taken.add(n)
        left = [n for n in left if n not in taken]
    rest = []
    for n in left:
        again = [number for number in candidates[n] if matches.get(number) and matches[number].kind != found[n].kind]
        if not again and not any(_need_not_be_found(drawn.facts[number]) for number in candidates[n]):
            rest.append(found[n])
    return matches, rest


def _is_same(fact: DrawnFact, one: Found) -> bool:
    """Whether it is this fact, the value and the page being the same."""
    if one.kind != fact.kind and one.kind not in fact.kinds:
        return False
    if fact.kind == "table":
        return _find_overlap(fact, one) >= MIN_OVERLAP
    if one.kind == "cell" or fact.kind == "cell":
        if one.kind == fact.kind:
            return Counter(map(_fold, one.path)) == Counter(map(_fold, fact.path))
        if one.kind == "cell":
            return fact.labels is None or _fold(fact.label) in map(_fold, one.path)
        return _fold(one.label) in map(_fold, fact.path)
    if one.kind == "checkbox":
        return _fold(one.label) == _fold(fact.label) and tuple(one.path[-1:]) == fact.path[-1:]
    if fact.labels is None or one.kind != fact.kind:
        return True
    return _fold(one.label) in {_fold(fact.label), *map(_fold, fact.labels)}


def _find_overlap(fact: DrawnFact, one: Found) -> float:
    """The best of its readings; what is empty lies where its label does."""
    boxes = one.label_boxes if fact.kind == "empty_field" else one.boxes
    readings = (Reading(fact.value, fact.boxes), *fact.others)
    if fact.kind in ("cell", "table"):
        return max(overlap(_bound(boxes), _bound(reading.boxes)) for reading in readings)
    return max(overlap(boxes, reading.boxes) for reading in readings)


def _bound(boxes: Sequence[Box]) -> list[Box]:
    if not boxes:
        return []
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return [Box(min(x0), min(y0), max(x1), max(y1))]


def overlap(first: Sequence[Box], second: Sequence[Box]) -> float:
    """Intersection over union of two sets of boxes, each taken as the area that it covers."""
    if not first or not second:
        return 0.0
    xs = sorted({x for box in (*first, *second) for x in (box[0], box[2])})
    ys = sorted({y for box in (*first, *second) for y in (box[1], box[3])})
    both = either = 0.0
    for x0, x1 in pairwise(xs):
        for y0, y1 in pairwise(ys):
            in_first, in_second = (
                any(box[0] <= x0 and x1 <= box[2] and box[1] <= y0 and y1 <= box[3] for box in boxes)
                for boxes in (first, second)
            )
            area = (x1 - x0) * (y1 - y0)
            both += area * (in_first and in_second)
            either += area * (in_first or in_second)
    return both / either if either else 0.0


def _score_cells(drawn: Drawn, cells: Sequence[FoundCell], tally: Tally) -> None:
    """A drawn cell's text must be that of the found cell that covers it best, sign for sign."""
    for cell in drawn.cells:
        tally.drawn += 1
        near = [one for one in cells if one.page == cell.page and _touch(one.box, cell.box)]
        best = max(near, key=lambda one: overlap([one.box], [cell.box]), default=None)
        if best is not None and " ".join(best.text.split()) == " ".join(cell.text.split()):
            tally.found += 1
            tally.boxes += overlap([best.box], [cell.box]) >= MIN_OVERLAP


def _touch(one: Box, other: Box) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(" :")


def _fold_path(path: Sequence[str], titles: set[str]) -> list[str]:
    """Without the title, which may head a path or not, and without the numbers of headings."""
    return [_NUMBER.sub("", part) for part in map(_fold, path) if part not in titles]
