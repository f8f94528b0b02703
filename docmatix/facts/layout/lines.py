"""The lines of a page as layout is read from them: parts of a line that stand far apart are lines of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter

from docmatix.core.documents import Box, Page, Table, Word, enclose

GAP = 2.2
"""Between words of one line, in font sizes; wider ones part it. Justified text has up to about two."""
LABEL_GAP = 6.0  # after the mark or number that a line begins with
MARK = re.compile(r"[•·∙●○◦▪▫■□►▶‣⁃◆◇❖➢➤↪✓✔✗*–—o>\-\uf0b7\uf0a7\uf0d8\uf02d\uf076\uf0fc]")
"""A bullet that is a word of its own."""
NUMBER = re.compile(
    r"[(\[]?(?:\d{1,3}(?:\.\d{1,2}){0,4}|[A-Za-z]|[ivxIVX]{1,6})(?:[.)\]:]|\.\))|(?:\d{1,2}\.){1,4}\d{1,2}\.?|\d{1,2}|[§†‡*]{1,3}"
)
"""The number or letter that an item, a heading or a footnote begins with."""
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_ESTIMATED_SIZE = 0.8  # of a word's height, where its font is not known


@dataclass(slots=True, eq=False)
class Line:
    """Words that stand together on one line. Points; x runs from where the page's script begins, so that `x0` of a
    right-to-left page is its right edge. `role` names what took it: nothing else is made of it then."""

    words: tuple[Word, ...]
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool
    part: bool
    """Whether other words stand on its line, far away."""
    box: Box
    in_table: bool = False
    role: str = ""
    bullet: bool = False
    """Whether its first word is a letter or a sign that stands for a bullet."""


@dataclass(slots=True, eq=False)
class Sheet:
    """A page and its lines in reading order."""

    page: Page
    lines: list[Line]
    width: float
    height: float
    right_to_left: bool

    @property
    def open_lines(self) -> Iterator[Line]:
        return (line for line in self.lines if not line.role and not line.in_table)


def box_words(words: Sequence[Word]) -> Box:
    """The box around words."""
    return enclose(word.box for word in words)


def read_sheet(page: Page, tables: Sequence[Table]) -> Sheet:
    """The lines of a page; none if nothing may be asked about it."""
    words = page.words if page.reason is None else ()
    sample = " ".join(word.text for word in words[:200])
    turned = 2 * len(_RIGHT_TO_LEFT.findall(sample)) > sum(map(str.isalpha, sample))
    lines: list[Line] = []
    for _, group in groupby(words, key=attrgetter("line")):
        members = tuple(group)
        if lines and not turned and _goes_on(lines[-1], members[0], page):
            before = lines.pop()
            members = (*before.words, *members)
        parts = _split(members, page, turned)
        lines += [_make_line(part, page, turned, part=len(parts) > 1) for part in parts]
    for table in tables:
        _mark_table(lines, table)
    _mark_number_columns(lines)
    return Sheet(page, lines, page.width_pt, page.height_pt, turned)


def _goes_on(line: Line, word: Word, page: Page) -> bool:
    """Whether a line was parted at a raised or lowered character: the next begins where it ends, on its height."""
    x0, y0, _, y1 = word.box
    gap = x0 * page.width_pt - line.x1
    if not -0.1 * line.size < gap < 0.5 * line.size:
        return False
    shared = min(line.y1, y1 * page.height_pt) - max(line.y0, y0 * page.height_pt)
    return shared > 0.5 * min(line.y1 - line.y0, (y1 - y0) * page.height_pt)


def _split(words: tuple[Word, ...], page: Page, turned: bool) -> list[tuple[Word, ...]]:
    width = page.width_pt
    parts: list[tuple[Word, ...]] = []
    start = 0
    for at, (one, other) in enumerate(pairwise(words), 1):
        gap = (one.box[0] - other.box[2] if turned else other.box[0] - one.box[2]) * width
        if gap < 4:
            if gap > -4 or -gap < (other.box[2] - other.box[0]) * width + 30:
                continue
            gap = -gap  # jumps back: text in the other direction, or another place
            if turned or _RIGHT_TO_LEFT.search(other.text):
                continue
        size = one.size or (one.box[3] - one.box[1]) * page.height_pt * _ESTIMATED_SIZE
        limit = GAP
        if at - start == 1 and gap < LABEL_GAP * size and (MARK.fullmatch(one.text) or NUMBER.fullmatch(one.text)):
            # a number before more numbers is a row of cells
            limit = LABEL_GAP if any(map(str.isalpha, other.text)) else GAP
        if gap > limit * size:
            parts.append(words[start:at])
            start = at
    parts.append(words[start:])
    return parts


def _make_line(words: tuple[Word, ...], page: Page, turned: bool, *, part: bool) -> Line:
    box = box_words(words)
    x0, y0, x1, y1 = box
    width, height = page.width_pt, page.height_pt
    x0, x1 = (1 - x1, 1 - x0) if turned else (x0, x1)
    first = words[0]
    if len({word.size for word in words}) == 1:
        size = first.size
    else:
        counts: Counter[float] = Counter()
        for word in words:
            counts[word.size] += len(word.text)
        size = counts.most_common(1)[0][0]
    if not size:
        size = (y1 - y0) * height * _ESTIMATED_SIZE
    bolds = [word.bold for word in words]
    bold = all(bolds) or (any(bolds) and _is_mostly_bold(words))
    text = " ".join([word.text for word in words])
    return Line(words, text, x0 * width, y0 * height, x1 * width, y1 * height, size, bold, part, box)


def _is_mostly_bold(words: Sequence[Word]) -> bool:
    """Whether a line is bold but for its number, its dashes, or a name in another font within it."""
    lettered = [word for word in words if any(map(str.isalpha, word.text))]
    if not lettered or not lettered[-1].bold or not (lettered[0].bold or lettered[0] is words[0]):
        return False
    total = sum(len(word.text) for word in lettered)
    return sum(len(word.text) for word in lettered if word.bold) >= 0.75 * total


def _mark_table(lines: Iterable[Line], table: Table) -> None:
    import numpy as np

    left, top, right, bottom = table.box
    within = [
        line
        for line in lines
        if left <= (line.box[0] + line.box[2]) / 2 <= right and top <= (line.box[1] + line.box[3]) / 2 <= bottom
    ]
    if not within or not table.cells:
        return
    # a caption or a note may stand within the table's box, but in no cell
    places, cells = np.array([line.words[0].box for line in within]), np.array([cell.box for cell in table.cells])
    x, y = (places[:, 0] + places[:, 2])[:, None] / 2, (places[:, 1] + places[:, 3])[:, None] / 2
    held = (cells[:, 0] <= x) & (x <= cells[:, 2]) & (cells[:, 1] <= y) & (y <= cells[:, 3])
    inner = [cell.column > 0 for cell in table.cells]
    places_of = held.argmax(axis=1).tolist()
    for line, taken in zip(within, held.any(axis=1).tolist(), strict=True):
        line.in_table = line.in_table or taken
    _release_headings(
        [line for line, at in zip(within, places_of, strict=True) if not (line.in_table and inner[at])], within
    )


def _release_headings(first: Sequence[Line], within: Sequence[Line]) -> None:
    """Lines alone on their row in print larger than a table's cells are headings: of a form, or between two tables."""
    cells = sorted(line.size for line in within if line.in_table)
    usual = cells[len(cells) // 2] if cells else 0.0
    large = [line for line in first if line.in_table and line.size > 1.12 * usual and not line.part]
    if len(cells) < 4 or 4 * len(large) > len(cells):
        return
    for line in large:
        if sum(map(str.isalpha, line.text)) > 2 and not any(
            one is not line and on_one_row(line, one) for one in within
        ):
            line.in_table = False


def _mark_number_columns(lines: Sequence[Line]) -> None:
    """Line numbers come last on a page: they are nothing."""
    last = len(lines)
    while last and lines[last - 1].text.isdigit():
        last -= 1
    column = lines[last:]
    if len(column) >= 5 and max(line.x1 for line in column) - min(line.x0 for line in column) < 40:
        for line in column:
            line.role = "line_number"


def overlap(one: Line, other: Line) -> float:
    """The width that two lines share, in points; negative: the gap between them."""
    return min(one.x1, other.x1) - max(one.x0, other.x0)


def on_one_row(one: Line, other: Line) -> bool:
    """Whether two lines stand beside each other."""
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared > 0.5 * min(one.y1 - one.y0, other.y1 - other.y0)
