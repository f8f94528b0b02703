"""How wide the columns of a table are, and how high its rows."""

from __future__ import annotations

from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.faces import Face
from benchmarks.truth_factory.flow import wrap
from benchmarks.truth_factory.style import Style
from benchmarks.truth_factory.table_model import Column, Look, Row, Table


class MeasuredTable:
    """A table at its place: the edges of its columns, the spans of its header, the heights of its rows."""

    def __init__(self, canvas: Canvas, style: Style, look: Look, table: Table, x: float, width: float) -> None:
        self.canvas, self.style, self.look, self.table = canvas, style, look, table
        self.x, self.width = x, width
        self._offset = 0 if table.group_header is None else 1
        self._indented = table.key if any(row.kind == "section" for row in table.rows) else None
        self._edges: list[float] = []
        self._measure()

    def move_to(self, x: float) -> None:
        """Where its left edge is drawn, on this page and the next."""
        self._edges = [edge - self.x + x for edge in self._edges]
        self.x = x

    def _face(self, row: Row | None, column: int) -> Face:
        if row is None:
            return self.style.text.bold if self.look.header_bold else self.style.body
        if row.kind in ("total", "section") or (self.look.key_bold and column == self.table.key):
            return self.style.text.bold
        return self.style.body

    def _indent(self, row: Row, column: int) -> float:
        """Of the names in a table with rows of sections."""
        return self.look.section_indent if column == self._indented and row.kind == "body" else 0.0

    def _columns(self) -> list[Column]:
        group = [] if self.table.group_header is None else [Column((self.table.group_header,))]
        return [*group, *self.table.columns]

    def _texts(self, row: Row) -> list[str]:
        return [row.group, *row.cells] if self._offset else row.cells

    def _measure(self) -> None:
        size, pad = self.look.size, self.look.pad_x
        columns = self._columns()
        self._levels = max(len(column.header) for column in columns)
        natural = []
        for c, column in enumerate(columns):
            texts = [
                (self._texts(row)[c], self._face(row, c - self._offset), self._indent(row, c - self._offset))
                for row in self.table.rows
                if row.kind != "section"
            ]
            wide = max((face.width(text, size) + indent for text, face, indent in texts), default=0.0)
            if column.wrap_at:
                wide = min(wide, column.wrap_at)
            own = column.header[-1] if column.header else ""
            words = [self._face(None, c).width(word, size) for word in own.split(" ")]
            longest = self._face(None, c).width(own, size)
            natural.append(max(wide, *words, min(longest, max(wide, 70.0))) + 2 * pad)
        spare = self.width - sum(natural)
        if spare < 0:
            widest = max(range(len(natural)), key=natural.__getitem__)
            natural[widest] = max(60.0, natural[widest] + spare)
        elif self.look.full_width:
            natural = [wide + spare / len(natural) for wide in natural]
        for first, last, text in self._spans(0) if self._levels > 1 else []:
            wide = self._face(None, first).width(text, size) + 2 * pad
            short = wide - sum(natural[first : last + 1])
            if last > first and short > 0:
                natural[first : last + 1] = [one + short / (last - first + 1) for one in natural[first : last + 1]]
        self._widths = natural
        self._edges = [self.x]
        for wide in natural:
            self._edges.append(self._edges[-1] + wide)

    @property
    def right(self) -> float:
        return self._edges[-1]

    def _spans(self, level: int) -> list[tuple[int, int, str]]:
        """The cells of a level of the header: first and last column, text."""
        spans: list[tuple[int, int, str]] = []
        columns = self._columns()
        for c, column in enumerate(columns):
            if len(column.header) <= level:
                continue
            text = column.header[level]
            same = spans and spans[-1][1] == c - 1 and level + 1 < len(column.header)
            if same and columns[c - 1].header[: level + 1] == column.header[: level + 1]:
                spans[-1] = (spans[-1][0], c, text)
            else:
                spans.append((c, c, text))
        return spans

    @property
    def _line(self) -> float:
        return self.look.size * 1.2

    def _lines(self, text: str, face: Face, wide: float) -> list[str]:
        return wrap(text, face, self.look.size, wide - 2 * self.look.pad_x + 0.01) if text else []

    def row_height(self, row: Row) -> float:
        if row.kind == "section":
            return self._line + 2 * self.look.pad_y
        counts = [
            len(self._lines(text, self._face(row, c), self._widths[c + self._offset] - self._indent(row, c)))
            for c, text in enumerate(row.cells)
        ]
        return float(max(1, *counts)) * self._line + 2 * self.look.pad_y

    def header_heights(self) -> list[float]:
        heights = []
        for level in range(self._levels):
            most = 1
            for first, last, text in self._spans(level):
                if len(self._columns()[first].header) - 1 == level or last > first:
                    wide = sum(self._widths[first : last + 1])
                    count = len(self._lines(text, self._face(None, first), wide))
                    most = max(most, count if last > first or self._levels == 1 or level == self._levels - 1 else 1)
            heights.append(most * self._line + 2 * self.look.pad_y)
        return heights

    def height(self) -> float:
        """Of the whole table, with caption and notes."""
        caption = self._line * 3 if self.table.caption or self.table.unit else 0.0
        rows = sum(self.row_height(row) for row in self.table.rows)
        return caption + sum(self.header_heights()) + rows + self._line * 1.3 * (len(self.table.notes) + 1)
