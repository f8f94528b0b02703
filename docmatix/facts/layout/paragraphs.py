"""Paragraphs: lines of a page that follow each other in one style, and the style that most of a document is set in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from docmatix.core.documents import Box
from docmatix.facts.layout.lines import MARK, Line, Sheet, on_one_row, overlap
from docmatix.text.hyphens import HYPHENS, UNSPACED, PageWords, join_words

LABEL = re.compile(
    r"(?P<number>[(\[]?(?:\d{1,3}(?:\.\d{1,2}){0,4}|[A-Za-z]|[ivxIVX]{1,6})(?:[.)\]]|\.\)))"
    r"|(?P<depth>(?:\d{1,2}\.){1,4}\d{1,2}\.?)"
)
"""The number or letter in front of an item or a heading, as a word of its own."""
GLUED = "•·∙●○◦▪▫■□►▶‣◆◇❖➢➤✓✔"
"""Bullets that may stand against the first word of their item."""
END = ".!?:;。！？：؟۔"
_CLOSING = "\"'”’»)]"


@dataclass(slots=True, eq=False)
class Paragraph:
    """Lines that belong together, in points as `Line`. `page` counts from 0."""

    page: int
    lines: list[Line]
    left: float = 0.0
    """Of the column it stands in, as far as its neighbours show it; `right` likewise."""
    right: float = 0.0
    above: float = 99.0
    """Free space above it in its column, in its font sizes; below likewise. Large where there is nothing."""
    below: float = 99.0
    alone: bool = True
    """Whether nothing short stands beside it, as a value beside its label does."""
    role: str = ""
    _text: str = field(default="")

    @property
    def first(self) -> Line:
        return self.lines[0]

    @property
    def last(self) -> Line:
        return self.lines[-1]

    @property
    def size(self) -> float:
        return self.lines[0].size

    @property
    def bold(self) -> bool:
        return all(line.bold for line in self.lines)

    @property
    def x0(self) -> float:
        return min([line.x0 for line in self.lines])

    @property
    def x1(self) -> float:
        return max([line.x1 for line in self.lines])

    @property
    def text(self) -> str:
        if not self._text:
            self._text = join_text(self.lines)
        return self._text

    @property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(line.box for line in self.lines)

    def count_words(self) -> int:
        return sum([len(line.words) for line in self.lines])


@dataclass(frozen=True, slots=True)
class Body:
    """How most of a document's running text is set: font size, whether bold, free space between lines in sizes, and the
    width of its lines in points."""

    size: float
    bold: bool
    lead: float


def join_text(lines: Iterable[Line], known: PageWords | None = None) -> str:
    """The text of lines, with words broken at their ends made whole."""
    return join_words((word for line in lines for word in line.words), known)


def get_lead(upper: Line, lower: Line) -> float:
    """The free space between two lines, in sizes of the lower one's font: about 0.2 within ordinary text."""
    return (lower.y1 - lower.size - upper.y1) / (lower.size or 1)


def ends_sentence(text: str) -> bool:
    """Whether text ends as a sentence, a list's lead-in or a clause of one does."""
    return text.rstrip(_CLOSING)[-1:] in END


def is_unspaced(text: str) -> bool:
    """Whether text is of a script without spaces."""
    return len(text) > 12 * (text.count(" ") + 1) and UNSPACED.search(text) is not None


def begins_item(line: Line) -> bool:
    """Whether a line begins with a bullet, a number or a letter that text follows."""
    word = line.words[0].text
    if line.bullet:
        return True
    if word[0] in GLUED and len(word) > 1 and word[1].isalnum():
        return True
    if len(line.words) < 2:
        return False
    if MARK.fullmatch(word):
        return any(map(str.isalnum, line.words[1].text)) and (word not in ">*o" or line.words[1].text[0].isalpha())
    return LABEL.fullmatch(word) is not None


def begins_with_bullet(line: Line) -> bool:
    """Whether a line that begins an item does so with a bullet, not a number or a letter."""
    word = line.words[0].text
    return line.bullet or word[0] in GLUED or MARK.fullmatch(word) is not None


def read_bullet(line: Line) -> str:
    """The first word of a line, or the bullet that stands against it."""
    word = line.words[0].text
    return word[0] if word[0] in GLUED else word


def make_paragraphs(sheet: Sheet, number: int, body: Body) -> list[Paragraph]:
    """The paragraphs of a page in reading order, of the lines that nothing has taken yet."""
    lines = list(sheet.open_lines)
    found: list[Paragraph] = []
    edges = _find_edges(lines)
    right = sorted(line.x1 for line in lines if len(line.words) > 4)
    edge = right[len(right) * 9 // 10] if right else sheet.width
    for line in lines:
        if found and (_goes_on(found[-1].lines, line, body.lead, edges) or _wraps(found[-1].lines, line, body, edge)):
            found[-1].lines.append(line)
        else:
            found.append(Paragraph(number, [line]))
    _look_around(found, edges)
    return found


def _find_edges(lines: Sequence[Line]) -> dict[int, tuple[float, float]]:
    """The left and right edge of the block that each line belongs to, by the block's number."""
    edges: dict[int, tuple[float, float]] = {}
    for line in lines:
        block = line.words[0].block
        x0, x1 = edges.get(block, (line.x0, line.x1))
        edges[block] = (min(x0, line.x0), max(x1, line.x1))
    return edges


def _goes_on(before: Sequence[Line], line: Line, lead: float, edges: dict[int, tuple[float, float]]) -> bool:
    last = before[-1]
    if line.words[0].line == last.words[0].line or line.y1 <= last.y1 or overlap(last, line) <= 0:
        return False
    if len(before) == 1 and len(last.text) == 1 and not last.text.isalnum():
        return False  # a stray sign
    size = last.size
    if not 0.94 * size <= line.size <= 1.07 * size or last.bold != line.bold:
        # small letters within a line may outnumber the others; bold words may fill one
        if (line.bold and last.bold) or not 0.94 * size <= line.size <= 1.07 * size:
            return False
        if line.bold or len(before) == 1 or ends_sentence(last.text):
            return False
    if last.bold and line.bold and line.part == last.part and _changes_case(last, line):
        return False
    if begins_item(before[0]) and line.x0 < before[0].x0 - 0.5 * size:
        wide = max(edges[last.words[0].block][1], edges[line.words[0].block][1])
        if (last.x1 < wide - 5 * size or ends_sentence(last.text)) and not line.text[0].islower():
            return False  # an item's first line may be indented, if it is full or its sentence goes on
    if (
        begins_item(before[0])
        and last.x0 < before[0].x0 - 0.5 * size < line.x0 - 0.4 * size
        and ends_sentence(last.text)
    ):
        return False  # the next paragraph, indented as the item's first line is
    between = get_lead(last, line)
    usual = get_lead(before[-2], last) if len(before) > 1 else max(lead, 0.2)
    if between > usual + 0.3 or between > 1.6:
        return False
    if begins_item(line) and begins_with_bullet(line):
        edge = edges[last.words[0].block][1]
        dash = line.words[0].text in "-–—" and last.x1 > edge - 2 * size and not ends_sentence(last.text)
        if not (dash and (len(before) > 1 or begins_item(before[0])) and line.x0 > before[0].x0 - size):
            return False
        if abs(line.x0 - before[0].x0) < 0.5 * size and begins_item(before[0]):
            return False
    if begins_item(line) and (
        ends_sentence(last.text) or begins_item(before[0]) or abs(line.x0 - last.x0) > 0.5 * size
    ):
        # an item or a numbered heading, not a number that a line happens to begin with
        return _reads_as_number(line, last)
    if (
        len(before) == 1
        and begins_item(last)
        and last.text.isupper()
        and len(last.text) > 8
        and not line.text.isupper()
    ):
        return False  # a numbered heading in capitals
    same_block = line.words[0].block == last.words[0].block
    if len(before) == 1 and begins_item(last) and LABEL.fullmatch(last.words[0].text) and line.text[:1].isupper():
        wide = max(x1 for _, x1 in edges.values())
        if edges[line.words[0].block][1] - last.x1 > 0.3 * (wide - last.x0) and abs(line.x0 - last.x0) < size:
            return False  # a numbered heading in the style of its text
    x0, x1 = edges[last.words[0].block]
    if same_block:
        indented = line.x0 - last.x0 > 0.8 * size and line.x0 - x0 < 4 * size
        short = x1 - last.x1 > max(2 * size, 0.08 * (x1 - x0))
        if indented and ends_sentence(last.text) and not begins_item(before[0]) and (short or len(before) > 1):
            return False
        if short and x1 - last.x1 > 0.25 * (x1 - x0) and ends_sentence(last.text) and line.text[:1].isupper():
            return abs(line.x0 + line.x1 - last.x0 - last.x1) < size and line.x0 > x0 + size  # centred
        return True
    # some programs make a block of each line; those of a column share an edge
    starts = abs(line.x0 - last.x0) < 0.6 * size or (len(before) == 1 and 0 < last.x0 - line.x0 < 4 * size)
    hangs = begins_item(before[0]) and 0 < line.x0 - before[0].x0 < 5 * size
    centred = abs(line.x0 + line.x1 - last.x0 - last.x1) < 1.2 * size
    full = line.x1 - last.x1 < 6 * size and len(last.text) > 16
    return (starts or hangs or centred) and (full or centred or not ends_sentence(last.text)) and between < usual + 0.15


def _changes_case(last: Line, line: Line) -> bool:
    """Whether one of two centred lines in bold is in capitals and the other is not: two headings."""
    if last.text.isupper() == line.text.isupper() or min(len(last.text), len(line.text)) < 6:
        return False
    lower = line if last.text.isupper() else last
    return any(map(str.islower, lower.text)) and abs(last.x0 + last.x1 - line.x0 - line.x1) < 2 * line.size


def _wraps(before: Sequence[Line], line: Line, body: Body, edge: float) -> bool:
    """Whether a heading that fills its line goes on in the next, which may be as far away as text of its size."""
    last = before[-1]
    same = line.size == last.size and line.bold == last.bold and len(before) < 8
    starts = -0.6 * last.size < line.x0 - before[0].x0 < 4 * last.size
    if not (starts or abs(line.x0 + line.x1 - last.x0 - last.x1) < 2 * last.size):
        return False
    set_off = (line.bold and not body.bold) or line.size > 1.1 * body.size
    full = last.x1 > edge - 6 * last.size or last.text.endswith(HYPHENS)
    widest = 1.5 if last.x1 > edge - 1.5 * last.size else 1.1
    near = line.y1 - last.y1 > 0 and get_lead(last, line) < widest and overlap(last, line) > 0 and not line.part
    return same and set_off and full and near and not begins_item(line) and not ends_sentence(last.text)


def _reads_as_number(line: Line, last: Line) -> bool:
    word = line.words[0].text
    return word[-1:].isdigit() and not ends_sentence(last.text)


def _look_around(paragraphs: Sequence[Paragraph], edges: dict[int, tuple[float, float]]) -> None:
    """Fill in what each paragraph has around it."""
    order = sorted(paragraphs, key=lambda paragraph: paragraph.first.y0)
    columns = {(round(one.x0), round(one.x1)) for one in paragraphs if len(one.lines) > 1 and one.count_words() > 7}
    for at, paragraph in enumerate(order):
        first, last = paragraph.first, paragraph.last
        paragraph.left, paragraph.right = edges[first.words[0].block]
        for other in order[at + 1 : at + 40]:
            start = other.lines[0]
            if paragraph.below != 99.0 and start.y0 > first.y1:
                break  # what begins further down is neither right below nor beside it
            if overlap(last, start) <= 0:
                if on_one_row(first, start) and not _parts(columns, first, start):
                    paragraph.alone = paragraph.alone and not _is_short(other)
                    other.alone = other.alone and not _is_short(paragraph)
                continue
            if paragraph.below == 99.0 and start.y1 > last.y1:
                gap = (start.y1 - start.size - last.y1) / (last.size or 1)
                paragraph.below = gap
                other.above = min(other.above, gap * last.size / (start.size or 1))


def _parts(columns: Iterable[tuple[int, int]], one: Line, other: Line) -> bool:
    """Whether a column of text ends between two lines."""
    left, right = (one, other) if one.x0 < other.x0 else (other, one)
    return any(x0 - 5 <= left.x0 and left.x1 <= x1 + 5 and x1 <= right.x0 for x0, x1 in columns) or any(
        left.x1 <= x0 and x0 - 5 <= right.x0 <= x1 for x0, x1 in columns
    )


def _is_short(paragraph: Paragraph) -> bool:
    return len(paragraph.lines) < 3 and paragraph.count_words() < 12


def find_body(sheets: Iterable[Sheet]) -> Body:
    """The style of the most characters; lines of five words and more count, if there are enough."""
    long: Counter[tuple[float, bool]] = Counter()
    short: Counter[tuple[float, bool]] = Counter()
    leads: list[float] = []
    for sheet in sheets:
        last: Line | None = None
        for line in sheet.lines:
            if line.role:
                continue
            words = len(line.words)
            (long if not line.in_table and words > 4 else short)[round(2 * line.size) / 2, line.bold] += len(line.text)
            if (
                last is not None
                and not line.in_table
                and len(line.text) > 20
                and line.words[0].block == last.words[0].block
                and line.size == last.size
            ):
                between = get_lead(last, line)
                if -0.3 < between < 1.5:
                    leads.append(between)
            last = line
    counts = long if 4 * long.total() > short.total() else short + long
    if not counts:
        return Body(10.0, False, 0.2)
    (size, bold), _ = max(counts.items(), key=lambda item: (item[1], -item[0][0]))
    return Body(size, bold, sorted(leads)[len(leads) // 5] if leads else 0.2)
