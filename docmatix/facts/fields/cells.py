"""The boxes that rules draw around words: a label in small print above its value inside one, label and value side by
side in two, and boxes that are left empty."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docmatix.facts.fields.candidates import Area, Candidate
from docmatix.facts.fields.chunks import Chunk, Layout, Token
from docmatix.facts.fields.labels import ends_with_colon, find_shape, is_label, is_value, join, reads_on, strip_label

MAX_PAIRS = 600_000  # chunks times rules, above which a page is too crowded to be a form (20 ms)
MAX_CELLS = 250  # of a form; more are a table
MAX_LINES = 7
MIN_HEIGHT = 1.85  # of a label's own height, where a box has space for a value under it
REACH = 1.5  # points that a rule may fall short


@dataclass(eq=False)
class Cell:
    """A box and the chunks in it, in reading order."""

    area: Area
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def height(self) -> float:
        return self.area[3] - self.area[1]


def find_cells(layout: Layout) -> list[Cell]:
    """The boxes around chunks whose four sides are drawn, except panels with long texts."""
    import numpy as np

    rules = layout.drawing.rules
    chunks = layout.chunks
    across = sorted({(rule.y0, rule.x0, rule.x1) for rule in rules if rule.y0 == rule.y1 and rule.x1 - rule.x0 > 4})
    down = sorted({(rule.x0, rule.y0, rule.y1) for rule in rules if rule.x0 == rule.x1 and rule.y1 - rule.y0 > 4})
    if len(across) < 2 or len(down) < 2 or not chunks or len(chunks) * (len(across) + len(down)) > MAX_PAIRS:
        return []
    lines, bars = np.array(across), np.array(down)
    box = np.array([(chunk.x0, chunk.y0, chunk.x1, chunk.y1, chunk.size) for chunk in chunks])
    x0, y0, x1, y1, size = (box[:, at][:, None] for at in range(5))
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    beside = (bars[:, 1] - REACH <= y) & (y <= bars[:, 2] + REACH)
    # rules of rows may be drawn in pieces: the chunk's left part counts
    near = np.minimum(x0 + 2 * size, x)
    over = (lines[:, 1] - REACH <= near) & (near <= lines[:, 2] + REACH)
    # the nearest ones: the last that is left of a chunk or above it, the first on the other side
    sides = (
        (beside & (bars[:, 0] <= x0 + 2))[:, ::-1],
        (over & (lines[:, 0] <= y0 + 0.4 * size))[:, ::-1],
        beside & (bars[:, 0] >= x1 - 2),
        over & (lines[:, 0] >= y1 - 0.4 * size),
    )
    framed = np.logical_and.reduce([side.any(axis=1) for side in sides]).nonzero()[0]
    left, top, right, bottom = (side[framed].argmax(axis=1) for side in sides)
    areas = np.stack((bars[-1 - left, 0], lines[-1 - top, 0], bars[right, 0], lines[bottom, 0]), axis=1)
    cells: dict[tuple[float, ...], Cell] = {}
    for at, area, rounded in zip(framed.tolist(), areas.tolist(), np.rint(areas).tolist(), strict=True):
        cell = cells.get(key := tuple(rounded))
        if cell is None:
            cell = cells[key] = Cell((area[0], area[1], area[2], area[3]))
        cell.chunks.append(chunks[at])
    found = []
    for cell in cells.values():
        cell.chunks.sort(key=lambda chunk: (chunk.row, chunk.x0))
        if len({chunk.row for chunk in cell.chunks}) <= MAX_LINES:
            found.append(cell)
    return found


def find_cell_fields(
    layout: Layout, cells: Sequence[Cell], blocked: Collection[Chunk], tabled: Collection[Chunk]
) -> Iterator[Candidate]:
    """The fields of boxes with a label over a value, and empty boxes of forms where such are beside them."""
    free = _keep_joined(cells)
    split = {
        cell: parts
        for cell in free
        if (parts := _split_cell(cell))
        and (cell.chunks[0] not in blocked or parts[0][0].size < 0.95 * parts[1][0].size)
    }
    lone = [cell for cell in free if cell not in split and _is_empty(cell)]
    names = Counter(join(_list_tokens(cell)).casefold() for cell in lone)
    lone = [cell for cell in lone if names[join(_list_tokens(cell)).casefold()] == 1]
    beside = {cell: len(band) for band in _group_bands([*split, *lone]) for cell in band}
    styles: Counter[tuple[float, bool]] = Counter()
    for cell in (*split, *lone):
        styles[_get_style(cell)] += cell in split
    usual = sorted(chunk.size for chunk in layout.chunks)[len(layout.chunks) // 2]
    small = {cell for cell in (*split, *lone) if cell.chunks[0].size < 0.95 * usual}
    for cell, (label, value) in split.items():
        alike = styles[_get_style(cell)]
        if join(label).casefold() == join(value).casefold():
            continue
        smaller = label[0].size < 0.95 * value[0].size
        enough = beside[cell] >= 2 or alike >= 3 if smaller else alike >= 3 and beside[cell] >= 2
        yield Candidate("field", label, value, 0.85 if enough else 0.45 if smaller else 0.4)
    form = len(split) + len(lone) >= 0.7 * len(free)
    for cell in lone:
        alike = styles[_get_style(cell)]
        printed_small = cell in small and (cell.chunks[0] not in tabled or form) and (len(small) >= 2 or alike)
        if (alike >= 2 and cell.chunks[0] not in blocked) or printed_small:
            last = cell.chunks[-1]
            area = (cell.area[0] + 1, last.y1, cell.area[2] - 1, max(cell.area[3] - 1, last.y1 + 1))
            yield Candidate("empty_field", _list_tokens(cell), (), 0.7, area=area)


def _group_bands(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Boxes that stand side by side with the same top and foot, from the top."""
    bands: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: (cell.area[1] + cell.area[3], cell.area[0])):
        last = bands[-1][0] if bands else cell
        if bands and abs(cell.area[1] - last.area[1]) <= 1.5 and abs(cell.area[3] - last.area[3]) <= 1.5:
            bands[-1].append(cell)
        else:
            bands.append([cell])
    return bands


def _get_style(cell: Cell) -> tuple[float, bool]:
    return cell.chunks[0].size, cell.chunks[0].bold


def _keep_joined(cells: Sequence[Cell]) -> list[Cell]:
    """The boxes that have a side in common with another one, as those of forms have; boxes of diagrams stand apart."""
    if len(cells) > MAX_CELLS:
        return []
    lefts: dict[int, list[Cell]] = defaultdict(list)
    tops: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        lefts[round(cell.area[0])].append(cell)
        tops[round(cell.area[1])].append(cell)
    joined: set[Cell] = set()
    for cell in cells:
        x0, y0, x1, y1 = cell.area
        for shift in (-1, 0, 1):
            for other in lefts.get(round(x1) + shift, ()):
                if min(other.area[3], y1) - max(other.area[1], y0) > 0.5 * (y1 - y0):
                    joined |= {cell, other}
            for other in tops.get(round(y1) + shift, ()):
                if min(other.area[2], x1) - max(other.area[0], x0) > 0.5 * (x1 - x0):
                    joined |= {cell, other}
    return [cell for cell in cells if cell in joined]


def _split_cell(cell: Cell) -> tuple[list[Token], list[Token]] | None:
    """A box's label, in its first line, and its value, which is set otherwise."""
    rows: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in cell.chunks:
        rows[chunk.row].append(chunk)
    lines = list(rows.values())
    if len(lines) < 2 or any(len(line) > 1 for line in lines) or lines[0][0].in_prose:
        return None
    first = lines[0][0]
    style = (first.size, first.bold)
    end = 1
    while end < len(lines) and (lines[end][0].size, lines[end][0].bold) == style and end < 3:
        end += 1
    colon = ends_with_colon(first.text)
    if colon:
        end = 1
    elif end == len(lines):
        return None
    label = [token for line in lines[:end] for chunk in line for token in chunk.tokens]
    rest = [chunk for line in lines[end:] for chunk in line]
    value = [token for chunk in rest for token in chunk.tokens]
    smaller = first.size < 0.95 * rest[0].size
    bolder = first.bold and not rest[0].bold
    text = join(value)
    if not (smaller or bolder or colon or (rest[0].bold and not first.bold)) or not is_value(text) or reads_on(text):
        return None
    if (
        text[0].islower()
        or not is_label(strip_label(join(label)))
        or any(ends_with_colon(token.text) for token in value)
    ):
        return None
    return label, value


def _is_empty(cell: Cell) -> bool:
    """Whether a box has a label at its top and space for a value."""
    first, last = cell.chunks[0], cell.chunks[-1]
    if len({chunk.row for chunk in cell.chunks}) > 2 or any(chunk.count_words() > 9 for chunk in cell.chunks):
        return False
    space, own = cell.area[3] - last.y1, last.y1 - first.y0
    high = cell.height >= MIN_HEIGHT * (first.y1 - first.y0) and space > 0.7 * first.size
    at_top = first.y0 - cell.area[1] < 0.35 * max(space, own) and first.x0 - cell.area[0] <= 1.2 * first.size
    wide = cell.area[2] - cell.area[0] > 2.5 * first.size
    if not (high and at_top and wide):
        return False
    text = strip_label(join([token for chunk in cell.chunks for token in chunk.tokens]))
    return is_label(text) and find_shape(text) != "number"


def find_grid_fields(layout: Layout, cells: Sequence[Cell]) -> Iterator[Candidate]:
    """The fields of grids in which boxes with labels and boxes with values take turns, row by row."""
    rows = [sorted(band, key=lambda cell: cell.area[0]) for band in _group_bands(cells)]
    row_of = {cell: row for row in rows for cell in row}
    pairs: dict[tuple[int, int], list[tuple[Cell, Cell]]] = defaultdict(list)
    for row in rows:
        for number, (one, other) in enumerate(itertools.pairwise(row)):
            if abs(one.area[2] - other.area[0]) <= 3:
                pairs[round(one.area[0]), number].append((one, other))
    for (_, number), column in pairs.items():
        for run in _split_runs(column):
            trust = _rate_grid(run, row_of, number)
            if trust < 0.45:
                continue
            for one, other in run:
                label, value = _list_tokens(one), _list_tokens(other)
                if is_value(join(value)) and not reads_on(join(value)) and is_label(strip_label(join(label))):
                    yield Candidate("field", label, value, trust)


def _list_tokens(cell: Cell) -> list[Token]:
    return [token for chunk in cell.chunks for token in chunk.tokens]


def _split_runs(column: Sequence[tuple[Cell, Cell]]) -> Iterator[list[tuple[Cell, Cell]]]:
    run: list[tuple[Cell, Cell]] = []
    for pair in column:
        if run and pair[0].area[1] - run[-1][0].area[3] > 4:
            yield run
            run = []
        run.append(pair)
    if run:
        yield run


def _rate_grid(run: Sequence[tuple[Cell, Cell]], row_of: Mapping[Cell, Sequence[Cell]], number: int) -> float:
    """How far pairs of boxes can be trusted to be labels and values: labels are set otherwise than values, or end with
    colons; no third column, unless it is a label again."""
    if number % 2 or len(run) < 2:
        return 0.0
    colons = sum(ends_with_colon(one.chunks[-1].text) for one, _ in run) >= 0.6 * len(run)
    contrasts = [
        one.chunks[0].bold != other.chunks[0].bold or one.chunks[0].size < other.chunks[0].size - 0.4
        for one, other in run
    ]
    styled = contrasts[0] and sum(contrasts) >= 0.8 * len(run)
    odd = sum(len(row_of[one]) % 2 for one, _ in run) > 0.3 * len(run)
    wide = sum(len(row_of[one]) > 2 for one, _ in run) > 0.3 * len(run)
    if odd or (wide and not colons and not (styled and _take_turns(run, row_of))):
        return 0.0
    names = [strip_label(join(_list_tokens(one))) for one, _ in run]
    if len({name.casefold() for name in names}) < len(run) or sum(map(is_label, names)) < 0.8 * len(run):
        return 0.0
    if colons:
        return 0.9
    shapes = [find_shape(join(_list_tokens(other))) for _, other in run]
    if styled:
        return 0.45 if len(run) >= 3 and set(shapes) == {"number"} and not wide else 0.8
    mixed = len(set(shapes)) > 1 and shapes[0] != "text"
    return 0.6 if mixed and len(run) >= 3 else 0.0


def _take_turns(run: Sequence[tuple[Cell, Cell]], row_of: Mapping[Cell, Sequence[Cell]]) -> bool:
    """Whether each second box of the rows is set as labels are, and the others as values."""
    for one, other in run:
        row = row_of[one]
        if any(_get_style(cell) != _get_style(one) for cell in row[::2]):
            return False
        if any(_get_style(cell) == _get_style(one) for cell in row[1::2]) or _get_style(other) == _get_style(one):
            return False
    return True
