"""Tables that rules draw: their cells, as rectangles between crossing lines."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from docmatix.facts.tables.rules import MAX_RULES, TOLERANCE_PT, merge_rules
from docmatix.pdf.drawings import Rule

MIN_CROSSINGS = 6
MAX_PAIRS = 100_000  # of lines across and down, above which open sides stay open
MAX_CROSSINGS = 20_000  # of a page; a table of 1,000 rows and 20 columns

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1


class Grid(NamedTuple):
    """Where the columns and rows of a table begin and end, and its cells as (row, column, row_span, column_span)."""

    xs: list[float]
    ys: list[float]
    cells: list[tuple[int, int, int, int]]

    @property
    def box(self) -> Rect:
        return self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]

    def locate(self, cell: tuple[int, int, int, int]) -> Rect:
        """The rectangle of a cell."""
        row, column, rows, columns = cell
        return self.xs[column], self.ys[row], self.xs[column + columns], self.ys[row + rows]


class Crossings(NamedTuple):
    """Where lines down, at `xs`, and across, at `ys`, meet: for each one, those that it meets, as bits."""

    xs: list[float]
    ys: list[float]
    met: list[int]
    crossed: list[int]

    def is_like(self, other: Crossings, slack: float) -> bool:
        """Whether the same lines meet, none of them moved by more than that."""
        return (self.met, self.crossed) == (other.met, other.crossed) and all(
            abs(one - same) <= slack for one, same in zip((*self.xs, *self.ys), (*other.xs, *other.ys), strict=True)
        )


def find_crossings(rules: Sequence[Rule]) -> Crossings | None:
    """Where rules meet; None where they do too rarely for a table, or too often."""
    if len(rules) > MAX_RULES:
        return None
    across, down = merge_rules(rules)
    down = close_sides(across, down)
    crossed, met = _cross(across, down)
    if not MIN_CROSSINGS <= sum(map(int.bit_count, crossed)) <= MAX_CROSSINGS:
        return None
    return Crossings([rule.x0 for rule in down], [rule.y0 for rule in across], met, crossed)


def find_grids(crossings: Crossings) -> list[Grid]:
    """The tables that rules draw, from the top, with at least two cells."""
    groups = _group(_find_cells(crossings))
    found = [part for cells in groups if len(cells) > 1 for part in split_at_bands(_make_grid(cells))]
    return sorted(found, key=lambda grid: (grid.ys[0], grid.xs[0]))


def close_sides(across: Sequence[Rule], down: Sequence[Rule]) -> list[Rule]:
    """The lines down, and those that join the ends of rules across of one length, where lines down cross these between
    their ends: a table may be open at its sides."""
    if len(across) * len(down) > MAX_PAIRS:
        return list(down)
    by_ends: defaultdict[tuple[int, int], list[Rule]] = defaultdict(list)
    for rule in across:
        for key in by_ends:
            if abs(key[0] - rule.x0) <= TOLERANCE_PT and abs(key[1] - rule.x1) <= TOLERANCE_PT:
                by_ends[key].append(rule)
                break
        else:
            by_ends[rule.x0, rule.x1].append(rule)  # type: ignore[index]
    closed = list(down)
    for (x0, x1), group in by_ends.items():
        if len(group) < 2 or x1 - x0 < 30:
            continue
        for upper, lower in itertools.pairwise(group):
            top, bottom = upper.y0, lower.y0
            inner = [
                rule
                for rule in down
                if x0 - TOLERANCE_PT < rule.x0 < x1 + TOLERANCE_PT
                and rule.y0 <= top + TOLERANCE_PT
                and rule.y1 >= bottom - TOLERANCE_PT
            ]
            if not any(x0 + TOLERANCE_PT < rule.x0 < x1 - TOLERANCE_PT for rule in inner):
                continue
            ends = (x for x in (x0, x1) if not any(abs(rule.x0 - x) <= TOLERANCE_PT for rule in inner))
            closed += [Rule(x, top, x, bottom) for x in ends]
    if len(closed) > len(down):
        return merge_rules(closed)[1]
    return closed


def _cross(across: Sequence[Rule], down: Sequence[Rule]) -> tuple[list[int], list[int]]:
    """For each line across, the set of lines down that meet it, as bits; and the other way round."""
    if not across or not down:
        return [], []
    import numpy as np

    left, y, right, _ = (column[:, None] for column in np.array(across).T)
    x, top, _, bottom = (column[None, :] for column in np.array(down).T)
    slack = TOLERANCE_PT
    meets = (left - slack <= x) & (x <= right + slack) & (top - slack <= y) & (y <= bottom + slack)
    rows, columns = np.packbits(meets, axis=1, bitorder="little"), np.packbits(meets.T, axis=1, bitorder="little")
    return (
        [int.from_bytes(row.tobytes(), "little") for row in rows],
        [int.from_bytes(column.tobytes(), "little") for column in columns],
    )


def _find_cells(crossings: Crossings) -> list[Rect]:
    """The smallest rectangle below and to the right of each crossing."""
    xs, ys, met, crossed = crossings
    nearest: dict[tuple[float, float], tuple[float, float]] = {}
    for row, columns in enumerate(crossed):
        y, right = ys[row], columns
        while right:
            lowest = right & -right
            right ^= lowest  # what is left are the lines to its right
            column = lowest.bit_length() - 1
            x = xs[column]
            below = met[column] >> row + 1 << row + 1 if right else 0
            while below:
                lowest = below & -below
                below ^= lowest
                other = lowest.bit_length() - 1
                shared = right & crossed[other] if ys[other] > y else 0
                while shared and xs[(shared & -shared).bit_length() - 1] <= x:
                    shared &= shared - 1
                if shared:
                    corner = ys[other], xs[(shared & -shared).bit_length() - 1]
                    known = nearest.get((x, y))
                    # where two lines end in one crossing, either may have the nearest corner
                    if known is None or corner < known:
                        nearest[x, y] = corner
                    break
    return [(x, y, right, bottom) for (x, y), (bottom, right) in sorted(nearest.items())]


def _group(cells: Sequence[Rect]) -> list[list[Rect]]:
    """Cells that touch in a corner, together."""
    parent: list[int] = []

    def find(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    held: dict[tuple[float, float], int] = {}
    numbers: list[int] = []
    for x0, y0, x1, y1 in cells:
        corners = ((x0, y0), (x0, y1), (x1, y0), (x1, y1))
        number = -1
        for corner in corners:
            other = held.get(corner, -1)
            if number < 0:
                number = other
            elif other not in (-1, number):
                parent[find(other)] = find(number)
        if number < 0:
            number = len(parent)
            parent.append(number)
        for corner in corners:
            held[corner] = number
        numbers.append(number)
    groups: defaultdict[int, list[Rect]] = defaultdict(list)
    for number, cell in zip(numbers, cells, strict=True):
        groups[find(number)].append(cell)
    return list(groups.values())


def split_at_bands(grid: Grid) -> list[Grid]:
    """The grids that a drawn grid has above and below cells across its whole width, where their columns differ."""
    width = len(grid.xs) - 1
    bands = [row for row, column, rows, columns in grid.cells if columns == width and rows == 1]
    if not bands or width < 2:
        return [grid]
    edges: list[set[int]] = [set() for _ in range(len(grid.ys) - 1)]
    for row, column, rows, columns in grid.cells:
        for at in range(row, row + rows):
            edges[at] |= {column, column + columns}
    starts = [0]
    for band in bands:
        above = set().union(*edges[starts[-1] : band])
        following = next((row for row in range(band, len(edges)) if len(edges[row]) > 2), None)
        if following is None or len(above) <= 2:
            continue
        below = edges[following]
        if len(above & below) - 2 < 0.5 * (min(len(above), len(below)) - 2):
            starts.append(band)
    ends = [*starts[1:], len(grid.ys) - 1]
    if len(starts) == 1:
        return [grid]
    parts = []
    for start, end in zip(starts, ends, strict=True):
        rects = [grid.locate(cell) for cell in grid.cells if start <= cell[0] and cell[0] + cell[2] <= end]
        if len(rects) > 1:
            parts.append(_make_grid(rects))
    return parts


def _make_grid(cells: Sequence[Rect]) -> Grid:
    xs = sorted({x for x0, _, x1, _ in cells for x in (x0, x1)})
    ys = sorted({y for _, y0, _, y1 in cells for y in (y0, y1)})
    column = {x: place for place, x in enumerate(xs)}
    row = {y: place for place, y in enumerate(ys)}
    placed = [(row[y0], column[x0], row[y1] - row[y0], column[x1] - column[x0]) for x0, y0, x1, y1 in cells]
    return Grid(xs, ys, sorted(placed))
