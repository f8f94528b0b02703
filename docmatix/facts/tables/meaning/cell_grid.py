"""The grid of a table: its cells with their texts and looks, by row and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter

from docmatix.core.documents import Box
from docmatix.facts.tables.meaning.kinds import BLANK

Color = tuple[float, ...]


@dataclass(slots=True, eq=False)
class GridCell:
    """A cell at its first row and column. `box` is that of its ink, or of the grid's cell where it has no words."""

    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    box: Box
    bold: bool = False
    size: float = 0.0
    kind: str = BLANK
    is_parted: bool = False
    """Whether two numbers stand in it that are further apart than groups of digits."""
    first_x: float | None = None
    """Where its first line begins: in some names, the others hang out to the left."""

    @property
    def start(self) -> float:
        return self.box.x0 if self.first_x is None else self.first_x

    @property
    def end_row(self) -> int:
        return self.row + self.row_span

    @property
    def end_column(self) -> int:
        return self.column + self.column_span


@dataclass(slots=True)
class CellGrid:
    """Cells by row and column. `rules` are the heights of the rules across, `fills` the colour behind each row."""

    box: Box
    cells: list[GridCell]
    ruled: bool = False
    rules: tuple[float, ...] = ()
    header_rows: int = 0
    trust: float = 1.0
    point: float = 1 / 600
    """A point as a share of the page's width."""
    fills: list[Color | None] = field(default_factory=list)
    rows: int = 0
    columns: int = 0
    lines: list[list[GridCell]] = field(default_factory=list)
    """The cells with text that begin in each row."""
    owners: dict[tuple[int, int], GridCell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index()

    def index(self) -> None:
        """To be called when cells have changed."""
        self.cells.sort(key=attrgetter("row", "column"))
        self.rows = max([cell.row + cell.row_span for cell in self.cells], default=0)
        self.columns = max([cell.column + cell.column_span for cell in self.cells], default=0)
        self.lines = [[] for _ in range(self.rows)]
        self.owners = owners = {}
        for cell in self.cells:
            if cell.text:
                self.lines[cell.row].append(cell)
            if cell.row_span == cell.column_span == 1:
                owners[cell.row, cell.column] = cell
                continue
            for row in range(cell.row, cell.end_row):
                for column in range(cell.column, cell.end_column):
                    owners[row, column] = cell

    def at(self, row: int, column: int) -> GridCell | None:
        return self.owners.get((row, column))

    def own(self, row: int, column: int) -> GridCell | None:
        """The cell with text that begins in a row and covers a column."""
        cell = self.owners.get((row, column))
        return cell if cell is not None and cell.row == row and cell.text else None

    def find_edges(self, row: int) -> tuple[float, float] | None:
        """Top and bottom of the ink that begins in a row."""
        boxes = [cell.box for cell in self.lines[row]]
        return (min(box.y0 for box in boxes), max(box.y1 for box in boxes)) if boxes else None

    def has_rule_below(self, row: int) -> bool:
        """Whether a rule parts a row from the next one."""
        if not self.rules:
            return False
        here = self.find_edges(row)
        below = self.find_edges(row + 1) if row + 1 < self.rows else (self.box.y1 + 0.01, 1.0)
        if here is None or below is None:
            return False
        slack = 0.25 * (here[1] - here[0])
        return any(here[1] - slack <= y <= below[0] + slack for y in self.rules)

    def remove_row(self, row: int) -> None:
        """A row without cells of its own goes; cells over it get shorter."""
        self.cells = [cell for cell in self.cells if cell.row != row or cell.text or cell.row_span > 1]
        for cell in self.cells:
            if cell.row > row:
                cell.row -= 1
            elif cell.row <= row < cell.end_row:
                cell.row_span -= 1
        if row < len(self.fills):
            del self.fills[row]
        self.header_rows -= row < self.header_rows
        self.index()

    def remove_column(self, column: int) -> None:
        """Likewise a column."""
        self.cells = [cell for cell in self.cells if cell.column != column or cell.text or cell.column_span > 1]
        for cell in self.cells:
            if cell.column > column:
                cell.column -= 1
            elif cell.column <= column < cell.end_column:
                cell.column_span -= 1
        self.index()

    def remove_empty_columns(self) -> None:
        """The columns in which no text begins go."""
        begun = {cell.column for cell in self.cells if cell.text}
        for column in reversed(range(self.columns)):
            if column not in begun:
                self.remove_column(column)
