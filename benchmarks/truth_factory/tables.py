"""Tables as they are printed: ruled, with rules between rows, striped or without rules, each cell with its fact."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.truth_factory.canvas import Area, unite
from benchmarks.truth_factory.faces import Face
from benchmarks.truth_factory.flow import wrap
from benchmarks.truth_factory.style import BLACK, Color
from benchmarks.truth_factory.table_measures import MeasuredTable
from benchmarks.truth_factory.table_model import Row

WHITE = (1.0, 1.0, 1.0)


class TableSetter(MeasuredTable):
    """Sets a table, and what is left of it at the foot of a page on the next."""

    def set(self, y: float, bottom: float, next_page: Callable[[], float]) -> float:
        """Draws from `y` downwards; where `bottom` is reached, goes on at the place that `next_page` returns."""
        rows = list(self.table.rows)
        first = True
        while True:
            if first and not self.look.caption_below:
                y = self._set_caption(y)
            elif not first and self.table.continued:
                y += self._line
                label = self.table.caption[0] if self.table.caption else ""
                text = f"{label} {self.table.continued}".strip()
                area = self.canvas.write(self.x, y, text, self.style.text.italic, self.look.size)
                self.canvas.note("caption", text, [area], kinds=("cell", "heading", "running_head"), optional=True)
                y += self._line * 0.5
            with_header = first or self.table.repeats_header
            y, rows = self._set_piece(y, rows, bottom, with_header)
            if not rows:
                break
            y, first = next_page(), False
        if self.look.caption_below:
            y = self._set_caption(y + self._line * 0.3)
        for note in self.table.notes:
            y += self._line
            self._set_note(y, note)
        return y + self._line * 0.8

    def _set_note(self, y: float, note: str) -> None:
        """What has a label and a colon may be taken for a field."""
        size = self.look.size * 0.88
        area = self.canvas.write(self.x, y, note, self.style.body, size)
        label, colon, value = note.partition(": ")
        if colon:
            start = area.x0 + self.style.body.width(label + colon, size)
            self.canvas.note("field", value, [area._replace(x0=start)], label=label.strip(), optional=True)

    def _set_caption(self, y: float) -> float:
        style, size, table = self.style, self.look.size, self.table
        value: list[Area] = []
        if table.caption:
            label, text = table.caption
            head = f"{label}{':' if self.look.full_width else '.'} "
            face = style.text.bold if self.look.header_bold else style.body
            boxes = []
            for line in wrap(head + text, face, size, max(self.width * 0.75, self.right - self.x)):
                y += self._line
                boxes.append(self.canvas.write(self.x, y, line, face, size))
            value = [boxes[0]._replace(x0=boxes[0].x0 + face.width(head, size)), *boxes[1:]]
            y += self._line * 0.4
        unit: list[Area] = []
        if table.unit:
            y += self._line * 0.95
            unit = [self.canvas.write(self.x, y, table.unit, style.text.italic, size * 0.9)]
            self.canvas.note("caption", table.unit, unit, optional=True)
            y += self._line * 0.3
        if table.caption:
            label, text = table.caption
            others = [(f"{text} {table.unit}", [*value, *unit])] if unit else []
            self.canvas.note("caption", text, value, label=label, others=others)
        return y

    def _set_piece(self, y: float, rows: list[Row], bottom: float, with_header: bool) -> tuple[float, list[Row]]:
        heights = self.header_heights() if with_header else []
        end = y + sum(heights)
        count = 0
        while count < len(rows) and (count == 0 or end + self.row_height(rows[count]) <= bottom):
            end += self.row_height(rows[count])
            count += 1
        if count < len(rows) and count > 1 and rows[count - 1].kind == "section":
            count -= 1
            end -= self.row_height(rows[count])
        piece, rest = rows[:count], rows[count:]
        self._paint(y, heights, piece)
        ink: list[Area] = []
        if with_header:
            ink += self._set_header(y, heights)
        at = y + sum(heights)
        section = self._section_before(piece[0]) if piece else ""
        groups: dict[str, list[float]] = {}
        for row in piece:
            high = self.row_height(row)
            if row.kind == "section":
                section = row.cells[0]
            ink += self._set_row(at, high, row, section)
            if row.group:
                groups.setdefault(row.group, [at, at])[1] = at + high
            at += high
        for name, (top, low) in groups.items():
            ink += self._set_group(name, top, low)
        whole = unite(ink)
        grid = Area(self.x, y, self.right, at)
        self.canvas.note("table", "", [grid], others=[("", [whole])])
        return at, rest

    def _section_before(self, row: Row) -> str:
        before = ""
        for one in self.table.rows:
            if one is row:
                return before
            if one.kind == "section":
                before = one.cells[0]
        return before

    def _set_header(self, y: float, heights: Sequence[float]) -> list[Area]:
        ink = []
        columns = self._columns()
        color = WHITE if self.look.white_header else BLACK
        for level in range(self._levels):
            for first, last, text in self._spans(level):
                if not text:
                    continue
                top = y + sum(heights[:level])
                deep = len(columns[first].header) - 1 == level
                high = sum(heights[level:]) if deep else heights[level]
                face = self._face(None, first)
                wide = self._edges[last + 1] - self._edges[first]
                lines = self._lines(text, face, wide)
                align = "center" if last > first or self.look.header_center else columns[first].align
                start = top + high - len(lines) * self._line - 2 * self.look.pad_y
                if self.look.rules == "ruled" and deep and high > heights[level]:
                    start = top + (high - len(lines) * self._line) / 2 - self.look.pad_y
                boxes = self._set_lines(lines, face, first, last, start, align, color)
                self.canvas.note_cell(text, unite(boxes), header=True)
                ink += boxes
        return ink

    def _set_row(self, y: float, high: float, row: Row, section: str) -> list[Area]:
        if row.kind == "section":
            face = self._face(row, 0)
            area = self.canvas.write(
                self.x + self.look.pad_x,
                y + self.look.pad_y + self.look.size * 0.95,
                row.cells[0],
                face,
                self.look.size,
            )
            self.canvas.note_cell(row.cells[0], area, header=False)
            return [area]
        ink = []
        key = self.table.key
        name = row.cells[key] if key is not None else ""
        alone = row.kind == "total" and sum(map(bool, row.cells)) == 2
        kinds = ("field",) if alone else self.table.cell_kinds
        for c, text in enumerate(row.cells):
            if not text:
                continue
            face = self._face(row, c)
            at = c + self._offset
            indent = self._indent(row, c)
            lines = self._lines(text, face, self._widths[at] - indent)
            boxes = self._set_lines(lines, face, at, at, y, self.table.columns[c].align, BLACK, indent)
            self.canvas.note_cell(text, unite(boxes), header=False)
            ink += boxes
            if c != key:
                header = tuple(part for part in self.table.columns[c].header if part)
                path = (*header, *(part for part in (section, row.group, name) if part))
                if path:
                    label = header[-1] if header else path[-1]
                    self.canvas.note("cell", text, [unite(boxes)], label=label, path=path, kinds=kinds)
        return ink

    def _set_group(self, name: str, top: float, low: float) -> list[Area]:
        face = self.style.body
        lines = self._lines(name, face, self._widths[0])
        start = top if self.look.group_on_top else (top + low - len(lines) * self._line) / 2 - self.look.pad_y
        boxes = self._set_lines(lines, face, 0, 0, start, "left", BLACK)
        self.canvas.note_cell(name, unite(boxes), header=False)
        return boxes

    def _set_lines(
        self,
        lines: Sequence[str],
        face: Face,
        first: int,
        last: int,
        y: float,
        align: str,
        color: Color,
        indent: float = 0.0,
    ) -> list[Area]:
        left, right = self._edges[first] + self.look.pad_x + indent, self._edges[last + 1] - self.look.pad_x
        boxes = []
        for number, line in enumerate(lines):
            baseline = y + self.look.pad_y + number * self._line + self.look.size * 0.95
            free = right - left - face.width(line, self.look.size)
            at = left + {"left": 0.0, "right": free, "center": free / 2}[align]
            boxes.append(self.canvas.write(at, baseline, line, face, self.look.size, color=color))
        return boxes

    def _paint(self, y: float, heights: Sequence[float], rows: Sequence[Row]) -> None:
        """Fills and rules of a piece, below its text."""
        look, canvas, style = self.look, self.canvas, self.style
        x0, x1 = self.x, self.right
        body = y + sum(heights)
        if look.header_fill and heights:
            canvas.box((x0, y, x1, body), fill=style.accent if look.white_header else style.light)
        elif look.white_header and heights:
            canvas.box((x0, y, x1, body), fill=style.accent)
        tops = [body]
        for number, row in enumerate(rows):
            high = self.row_height(row)
            striped = look.rules == "zebra" and number % 2 and row.kind == "body"
            if striped or (look.section_fill and row.kind == "section"):
                canvas.box((x0, tops[-1], x1, tops[-1] + high), fill=style.light)
            tops.append(tops[-1] + high)
        end = tops[-1]
        thin = look.rule_width
        if look.rules in ("ruled", "frame", "columns"):
            self._rule_frame(Area(x0, y, x1, end), thin * (1.5 if look.rules == "frame" else 1))
        if look.rules == "ruled":
            self._rule_grid(y, heights, tops, rows)
        elif look.rules == "booktabs":
            for at, width in ((y, thin * 2), (end, thin * 2)):
                canvas.rule(x0, at, x1, at, width=width)
            self._rule_spans(y, heights)
            for top, row in zip(tops, rows, strict=False):
                if row.kind == "total":
                    canvas.rule(x0, top, x1, top, width=thin)
        elif look.rules == "rows":
            for number, top in enumerate(tops):
                if number == 0 or number == len(rows) or not self._inside_group(rows, number):
                    canvas.rule(x0, top, x1, top, width=thin)
            canvas.rule(x0, y, x1, y, width=thin)
            self._rule_spans(y, heights)
        elif look.rules == "columns":
            for edge in self._edges[1:-1]:
                canvas.rule(edge, body, edge, end, width=thin)
            self._rule_header(y, heights)
        if look.rules in ("booktabs", "frame", "zebra", "columns") and heights:
            canvas.rule(x0, body, x1, body, width=thin)

    def _rule_frame(self, area: Area, width: float) -> None:
        x0, y0, x1, y1 = area
        if not self.canvas.thin_boxes:
            self.canvas.box(area, stroke=BLACK, width=width)
            return
        for sides in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            self.canvas.rule(*sides, width=width)

    def _inside_group(self, rows: Sequence[Row], number: int) -> bool:
        return bool(rows[number].group) and rows[number - 1].group == rows[number].group

    def _rule_spans(self, y: float, heights: Sequence[float]) -> None:
        for level in range(len(heights) - 1):
            under = y + sum(heights[: level + 1])
            for first, last, text in self._spans(level):
                if last > first and text:
                    inset = self.look.pad_x * 0.6
                    self.canvas.rule(
                        self._edges[first] + inset,
                        under,
                        self._edges[last + 1] - inset,
                        under,
                        width=self.look.rule_width * 0.8,
                    )

    def _rule_grid(self, y: float, heights: Sequence[float], tops: Sequence[float], rows: Sequence[Row]) -> None:
        thin, canvas = self.look.rule_width, self.canvas
        for number, top in enumerate(tops[:-1]):
            left = self._edges[1] if self._offset and number and self._inside_group(rows, number) else self.x
            canvas.rule(left, top, self.right, top, width=thin)
        self._rule_header(y, heights)
        for number, row in enumerate(rows):
            if row.kind != "section":
                for edge in self._edges[1:-1]:
                    canvas.rule(edge, tops[number], edge, tops[number + 1], width=thin)

    def _rule_header(self, y: float, heights: Sequence[float]) -> None:
        """Between the cells of the header and below what spans several."""
        thin, at = self.look.rule_width, y
        for level, high in enumerate(heights):
            for first, last, _ in self._spans(level):
                deep = len(self._columns()[first].header) - 1 == level
                low = y + sum(heights) if deep else at + high
                if first:
                    self.canvas.rule(self._edges[first], at, self._edges[first], low, width=thin)
                if not deep:
                    self.canvas.rule(self._edges[first], low, self._edges[last + 1], low, width=thin)
            at += high
