"""Tells tables from what only looks like one: lists, notes, charts, contents, code, forms."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import median

from docmatix.facts.tables.chunks import is_number, is_year
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.surroundings import NAME
from docmatix.text.short_texts import keep_short

_MARK = re.compile(
    r"[^\w\s]{1,3}|\(?[\divxlc]{1,4}[.)\]]+|\[?\d{1,3}\]|\(?[a-zA-Z][.)]|\d{1,2}(\.\d{1,2})+\.?|\d{1,3}\.?|[o§]"
)


MIN_RULED_FILL = 0.3  # of the cells of a drawn grid; fewer are bars of a chart, or boxes to fill in
MAX_BRIDGED = 0.2
MAX_SIZES = 2
MAX_STICKING_OUT = 0.25  # of the cells of a drawn grid, whose text goes over their sides
MAX_STRUCK = 0.1  # of the cells, which rules strike through as the lines behind a chart do


class Evidence:
    """What speaks for a table: counts of its filled rows, columns and cells, and what they hold, each when asked for.
    The table must not change in between."""

    def __init__(self, table: FoundTable) -> None:
        self._table = table
        self.filled = [cell for cell in table.cells if cell.chunks]
        self.rows = len({cell.row for cell in self.filled})
        self.columns = len({cell.column for cell in self.filled})
        self.rules = len(table.rules)
        """Rules of one length across it."""

    @cached_property
    def _by_column(self) -> dict[int, list[FoundCell]]:
        by_column: defaultdict[int, list[FoundCell]] = defaultdict(list)
        for cell in self.filled:
            if cell.columns == 1:
                by_column[cell.column].append(cell)
        return by_column

    @cached_property
    def _below(self) -> list[FoundCell]:
        return [cell for cell in self.filled if cell.row >= self._table.header_rows]

    @cached_property
    def fill(self) -> float:
        """Filled places among those of filled rows and columns."""
        return sum([cell.rows * cell.columns for cell in self.filled]) / max(1, self.rows * self.columns)

    @cached_property
    def number_columns(self) -> int:
        """Columns after the first that hold mostly numbers, at least two."""
        return sum(_holds_numbers(cells) for column, cells in self._by_column.items() if column)

    @cached_property
    def aligned(self) -> int:
        """Columns whose cells mostly begin, end or are centred at one place."""
        return sum(map(_is_aligned, self._by_column.values()))

    @cached_property
    def words(self) -> float:
        """Mean of the words of a cell."""
        return sum([len(chunk.words) for cell in self.filled for chunk in cell.chunks]) / max(1, len(self.filled))

    @cached_property
    def bridged(self) -> float:
        """Cells below the header that stand over a gutter, among all."""
        return sum([cell.columns > 1 for cell in self._below]) / max(1, len(self.filled))

    @cached_property
    def sizes(self) -> int:
        """Sizes of letters that several cells have, and differ by a fifth or more."""
        return _count_sizes(self._below)

    @cached_property
    def texts(self) -> float:
        """Cells that are no numbers, among all."""
        return sum([not has_number(cell) for cell in self.filled]) / max(1, len(self.filled))

    @cached_property
    def is_regular(self) -> bool:
        """Whether rows follow each other at distances that repeat."""
        return _is_regular(self._below)

    @cached_property
    def has_header(self) -> bool:
        """Whether the first row has text alone over numbers, or years."""
        return _has_header(self._table, self.filled)


MAX_ODD_GAPS = 0.5


def _is_regular(below: Sequence[FoundCell]) -> bool:
    tops: dict[int, float] = {}
    for cell in below:
        tops[cell.row] = min(tops.get(cell.row, 1e9), *[chunk.y0 for chunk in cell.chunks])
    order = [tops[row] for row in sorted(tops)]
    gaps = [after - before for before, after in itertools.pairwise(order)]
    if len(gaps) < 4:
        return True
    odd = sum(
        not any(abs(gap - other) < 0.12 * gap for at, other in enumerate(gaps) if at != place)
        for place, gap in enumerate(gaps)
    )
    return odd <= MAX_ODD_GAPS * len(gaps)


def _has_header(table: FoundTable, filled: Sequence[FoundCell]) -> bool:
    first = min((cell.row for cell in filled), default=0)
    over: set[int] = set()
    for row in range(first, first + max(1, table.header_rows)):
        top = [cell for cell in filled if cell.row == row]
        if all(not has_number(cell) or is_year(cell.chunks[0].text) for cell in top):
            over.update(column for cell in top for column in range(cell.column, cell.column + cell.columns))
    below = first + max(1, table.header_rows)
    return any(has_number(cell) and cell.column in over for cell in filled if cell.row >= below and cell.column)


def _count_sizes(filled: Sequence[FoundCell]) -> int:
    sizes = sorted(cell.chunks[0].size for cell in filled)
    kinds = 1 if sizes else 0
    start = 0
    for place, size in enumerate(sizes):
        if size > 1.2 * sizes[start]:
            start = place
            kinds += len(sizes) - place > 1
    return kinds


def is_table(table: FoundTable) -> bool:
    """Whether cells in rows and columns are a table that a reader would call one."""
    seen = Evidence(table)
    if seen.rows < 2 or seen.columns < 2 or _is_code(seen):
        return False
    if table.ruled:
        longest = max(len(chunk.text) for cell in seen.filled for chunk in cell.chunks)
        if longest < 3 or _is_form(seen) or len(seen.filled) < MIN_RULED_FILL * table.drawn or seen.fill < 0.4:
            return False
        return table.struck <= MAX_STICKING_OUT * len(seen.filled) and (seen.texts >= 0.1 or seen.fill >= 0.8)
    if _is_list(seen.filled) or _is_axis(seen.filled) or _is_contents(seen) or _is_form(seen):
        return False
    if seen.fill < (0.4 if seen.rules >= 2 else 0.5) or seen.bridged > MAX_BRIDGED:
        return False
    if seen.sizes > MAX_SIZES and 2 * seen.number_columns < seen.columns:
        return False
    if (seen.fill < 0.5 and (seen.rows < 6 or seen.number_columns < 2)) or (
        table.header_rows > max(3, 0.6 * seen.rows) and seen.rules < 2
    ):
        return False
    if seen.texts < 0.1 and seen.rows > 2 and (seen.rows < 4 or seen.fill < 0.8):
        return False
    if seen.rules < 2 and not seen.has_header and seen.fill < 0.75 and (seen.rows < 8 or seen.number_columns < 3):
        return False
    if table.struck > MAX_STRUCK * len(seen.filled):
        return False
    if seen.rows == 2:
        return seen.columns >= (3 if seen.rules >= 2 or table.caption else 4) and (
            _has_row_of_numbers(seen, 0.5 if seen.rules > 2 else 1.0)
        )
    short = sum(len(cell.chunks[0].text) < 4 and not has_number(cell) for cell in seen.filled)
    if seen.rules < 2 and seen.number_columns < 2 and short > 0.5 * seen.texts * len(seen.filled):
        return False
    if seen.rules < 2 and not seen.is_regular:
        return False
    if seen.columns == 2:
        if seen.rules >= 2:
            return seen.rows >= 3 and (seen.number_columns == 1 or (seen.rules > 2 and seen.words < 12))
        is_named = seen.has_header or any(NAME.match(chunk.text) for chunk in table.caption)
        return seen.rows >= 4 and is_named and _is_all_numbers(seen)
    if seen.number_columns > 1 or (seen.number_columns and (seen.rules > 1 or (seen.has_header and seen.rows > 3))):
        return seen.aligned >= 0.6 * seen.columns
    if seen.rules >= 2:
        return seen.words < 12
    return seen.rows >= 5 and seen.aligned >= seen.columns - 1 and seen.fill >= 0.6 and seen.words <= 4


def _is_all_numbers(seen: Evidence) -> bool:
    """Whether the second column has numbers alone below its header."""
    first = min(cell.row for cell in seen.filled)
    below = [has_number(cell) for cell in seen.filled if cell.column == 1 and cell.row > first]
    return sum(below) >= 0.8 * len(below)


MAX_DEFECTS = 0.15


def has_defects(table: FoundTable) -> bool:
    """Whether many cells hold several chunks side by side, or long text: frames around something else."""
    filled = [cell for cell in table.cells if cell.chunks]
    several = [cell.chunks for cell in filled if len(cell.chunks) > 1]
    side_by_side = sum(
        any(
            min(upper.y1, lower.y1) - max(upper.y0, lower.y0) > 0.6 * (lower.y1 - lower.y0)
            for upper, lower in itertools.pairwise(sorted(chunks, key=lambda chunk: chunk.y0 + chunk.y1))
        )
        for chunks in several
    )
    words = sum([len(chunk.words) for cell in filled for chunk in cell.chunks])
    doubled = sum(sum(chunk.is_number for chunk in chunks) > 1 for chunks in several)
    return side_by_side + table.struck + doubled > MAX_DEFECTS * len(filled) or words > 15 * len(filled)


def _holds_numbers(cells: Sequence[FoundCell]) -> bool:
    numbers = sum(has_number(cell) for cell in cells)
    return numbers >= 2 and numbers >= 0.5 * len(cells)


def _is_aligned(cells: Sequence[FoundCell]) -> bool:
    if len(cells) < 3:
        return True
    slack = 0.5 * cells[0].chunks[0].size
    lefts, rights, middles = [], [], []
    for cell in cells:
        left, right = min([chunk.x0 for chunk in cell.chunks]), max([chunk.x1 for chunk in cell.chunks])
        lefts.append(left)
        rights.append(right)
        middles.append((left + right) / 2)
    for places in (lefts, rights, middles):
        usual = median(places)
        if sum([abs(place - usual) < slack for place in places]) >= 0.6 * len(places):
            return True
    return False


def _has_row_of_numbers(seen: Evidence, share: float) -> bool:
    last = max(cell.row for cell in seen.filled)
    below = [cell for cell in seen.filled if cell.row == last]
    above = [cell for cell in seen.filled if cell.row != last and has_number(cell)]
    if sum(map(has_number, below)) < max(2, share * (seen.columns - 1)):
        return False
    return all(is_year(cell.chunks[0].text) for cell in above)


_CODE = "{};=<>_|\\#"
_MATHS = "∑∏∫√∂∈∀∃∇∞≈≡∼→⇒⟨⟩"


def _is_code(seen: Evidence) -> bool:
    text = "".join(chunk.text for cell in seen.filled for chunk in cell.chunks)
    signs = sum(map(text.count, _CODE + _MATHS))
    return signs > 0.04 * len(text)


def _is_form(seen: Evidence) -> bool:
    """Whether labels with colons stand before values."""
    labels = sum(cell.chunks[-1].text.endswith(":") for cell in seen.filled)
    return labels >= 0.3 * len(seen.filled)


def _is_contents(seen: Evidence) -> bool:
    """Whether the last column has pages, in order, of titles beside them."""
    if seen.columns > 3 or seen.rows < 3 or seen.number_columns > 1 or (seen.rules > 1 and seen.has_header):
        return False
    last = max(cell.column for cell in seen.filled)
    texts = [cell.chunks[0].text for cell in seen.filled if cell.column == last and len(cell.chunks) == 1]
    pages = [int(text) for text in texts if text.isascii() and text.isdigit()]
    ordered = sum(before <= after for before, after in itertools.pairwise(pages))
    if len(pages) < 0.7 * len(texts) or ordered < 0.9 * (len(pages) - 1) or len(pages) < 3:
        return False
    return pages[-1] - pages[0] < 2000


def _is_list(filled: Sequence[FoundCell]) -> bool:
    """Whether the first column has nothing but bullets, numbers of items or marks of notes, and the rest is text."""
    first = [cell for cell in filled if cell.column == 0]
    others = [cell for cell in filled if cell.column != 0]
    marks = sum(all(_MARK.fullmatch(chunk.text) is not None for chunk in cell.chunks) for cell in first)
    numbers = sum(has_number(cell) for cell in others)
    return bool(first) and marks >= 0.6 * len(first) and numbers < 0.3 * len(others)


def has_number(cell: FoundCell) -> bool:
    """Whether a cell has a number."""
    if len(cell.chunks) == 1:  # as most
        return is_number(cell.chunks[0].text)
    return any(is_number(chunk.text) for chunk in cell.chunks)


MIN_STEPS = 4  # numbers that go on evenly, from which they are an axis
MAX_BESIDE = 0.3  # of the places beside an axis, which may be filled


def _is_axis(filled: Sequence[FoundCell]) -> bool:
    """Whether a column counts on in even steps with little beside it, or the last row of numbers does: a chart."""
    rows = len({cell.row for cell in filled})
    columns = len({cell.column for cell in filled})
    by_column: defaultdict[int, list[FoundCell]] = defaultdict(list)
    by_row: defaultdict[int, list[FoundCell]] = defaultdict(list)
    for cell in filled:
        by_column[cell.column].append(cell)
        by_row[cell.row].append(cell)
    least = MIN_STEPS - (columns == 2)
    runs = {column: _find_steps(cells) for column, cells in by_column.items()}
    axes = {
        column: run
        for column, run in runs.items()
        if len(run) >= least and not all(is_year(cell.chunks[0].text) for cell in run)
    }
    if axes:
        along = {cell.row for run in axes.values() for cell in run}
        beside = sum(cell.row in along and cell.column not in axes for cell in filled)
        if len(along) >= 0.4 * rows and beside < MAX_BESIDE * len(along) * max(1, columns - len(axes)):
            return True
    if _count_stepped(by_row) + _count_stepped(by_column) > MAX_STEPPED * sum(map(has_number, filled)):
        return True
    sparse = len(filled) < 0.5 * rows * columns
    if sparse and any(len(cells) > MIN_STEPS and len(_find_steps(cells)) > MIN_STEPS for cells in by_row.values()):
        return True
    last = max((cell.row for cell in filled if has_number(cell)), default=0)
    return len(by_row[last]) > MIN_STEPS and len(_find_steps(by_row[last])) >= max(MIN_STEPS, len(by_row[last]) - 1)


MAX_STEPPED = 0.6  # of the cells with numbers, which may be in runs of three even steps


def _count_stepped(lines: Mapping[int, Sequence[FoundCell]]) -> int:
    """The cells in runs of three even steps or more, but for years and for a column that counts rows."""
    count = 0
    for cells in lines.values():
        values = [_read_number(cell) for cell in cells]
        stepped: set[int] = set()
        for at, (first, second, third) in enumerate(zip(values, values[1:], values[2:], strict=False)):
            if first is None or second is None or third is None or abs(first) in range(1800, 2100):
                continue
            step = second - first
            if step not in (0, 1) and abs(third - second - step) < 1e-6 * max(1.0, abs(third)):
                stepped.update((at, at + 1, at + 2))
        count += len(stepped)
    return count


def _find_steps(cells: Sequence[FoundCell]) -> list[FoundCell]:
    """The longest run of cells whose numbers go up or down evenly."""
    best: list[FoundCell] = []
    run: list[FoundCell] = []
    step, before = 0.0, None
    for cell in cells:
        value = _read_number(cell)
        if value is None:
            run, before = [], None
            continue
        if before is not None and len(run) > 1 and abs(value - before - step) < 1e-6 * max(1.0, abs(value)):
            run.append(cell)
        elif before is not None and value != before:
            run = [run[-1], cell]
            step = value - before
        else:
            run = [cell]
        before = value
        if len(run) > len(best):
            best = list(run)
    return best


def _read_number(cell: FoundCell) -> float | None:
    return _read_plain(cell.chunks[0].text) if len(cell.chunks) == 1 else None


@keep_short(4096)
def _read_plain(text: str) -> float | None:
    text = text.replace("−", "-").replace("–", "-").rstrip("%°")
    if not _PLAIN.fullmatch(text):
        return None
    try:
        return float(_GROUPING.sub("", text))
    except ValueError:
        return None


_PLAIN, _GROUPING = re.compile(r"[-+]?[\d.,' ]*\d"), re.compile(r"[,' ]")
