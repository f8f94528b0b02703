"""Labels and their values: form lines (`Invoice No: 123`), form boxes (label above value), table cells under a header.

Each becomes a short list of fields, so that a question can name the label, the row or the heading.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise, product
from typing import NamedTuple

from docmatix.core.documents import UNKNOWN, Box, Page, Table, Word
from docmatix.facts.headers import has_one_header
from docmatix.facts.scales import find_scale, has_own_measure, is_scaled
from docmatix.facts.wholes import complete_cell, complete_value, has_mark, is_whole
from docmatix.text.english import classify_answer, is_generic, is_noun, is_period
from docmatix.text.field_list import FIELD_SEPARATOR, SCALE_MARK
from docmatix.text.hyphens import PageWords, join_words, mend_word
from docmatix.text.numbers import has_digit, list_near
from docmatix.text.sentences import MARGIN

MAX_TABLES = 20
MAX_ROWS = 100
MAX_COLUMNS = 20
"""Together with the 50 places that `locate` tries, they bound a page of tables to some two million steps."""
MAX_ROW_CHARS = 160


class Field(NamedTuple):
    """A value with its label. `first` and `last` are places in the page's words, `table` is the table's number or None,
    `worth` (0..1) how good a question it promises."""

    label: str
    first: int
    last: int
    context: str
    worth: float
    table: int | None


def mark_tables(page: Page, words: Sequence[Word]) -> list[bool]:
    """Whether each word stands inside one of the page's tables."""
    boxes = [table.box for table in page.tables[:MAX_TABLES]]
    return [any(_holds(box, word.box) for box in boxes) for word in words]


def find_fields(page: Page, words: Sequence[Word], in_table: Sequence[bool]) -> Iterator[Field]:
    """The fields of a page's lines, of its boxes, and of its tables."""
    near = list_near(words, aspect=page.width_pt / page.height_pt)
    for field in (*_find_in_lines(words, in_table), *_find_in_boxes(words)):
        if is_whole(words, near, field.first, field.last) and UNKNOWN not in field.context:
            yield field
    for number, table in enumerate(page.tables[:MAX_TABLES]):
        for field in _find_in_columns(_Grid(words, table), number):
            if is_whole(words, near, field.first, field.last) and UNKNOWN not in field.context:
                yield field


# --- lines ------------------------------------------------------------------------------------------------------------


def _find_in_lines(words: Sequence[Word], in_table: Sequence[bool]) -> Iterator[Field]:
    found: list[tuple[str, int, int]] = []
    for _, group in groupby(range(len(words)), key=lambda place: words[place].line):
        line = [place for place in group if not in_table[place]]
        parts = list(_split_gaps(words, line)) if len(line) <= 40 else []
        if parts:
            parts[0] = _with_broken_word(words, parts[0])
        for number, part in enumerate(parts):
            colons = [at for at, place in enumerate(part) if words[place].text.endswith(":")]
            if len(colons) != 1 or colons[0] >= 6:
                continue
            right = part[colons[0] + 1 :] or (parts[number + 1] if number + 1 < len(parts) else [])
            if 0 < len(right) <= 10 and not any(words[place].text.endswith(":") for place in right):
                whole = complete_value(words, right[0], right[-1])
                if whole:
                    found.append((_join(words, part[: colons[0] + 1])[:-1], *whole))
    counts = Counter(label.casefold() for label, _, _ in found)
    heading = _find_heading(words)
    for label, first, last in found:
        value = _join(words, range(first, last + 1))
        if last + 1 < len(words) and _goes_on(words, last, last + 1):
            continue
        if counts[label.casefold()] > 1 or not _is_label(label) or not _is_value(value) or ": " in value:
            continue
        text = classify_answer(value) == "text"
        if text and (len(value.split()) > 6 or _reads_on(words, first, last)):
            continue
        context, worth = f"{label}: {value}", (0.85 if text else 1.0) - 0.03 * max(0, len(value.split()) - 3)
        if heading and (is_generic(label) or " " not in label):
            context, worth = f"{heading}{FIELD_SEPARATOR}{context}", worth - 0.2
        elif is_generic(label) or not is_noun(label):
            continue
        yield Field(label, first, last, context, worth, None)


def _join(words: Sequence[Word], places: Sequence[int]) -> str:
    return join_words(words[place] for place in places)


def _goes_on(words: Sequence[Word], place: int, following: int) -> bool:
    """Whether a word is broken at its line's end and goes on in the following line."""
    one, other = words[place], words[following]
    return one.line != other.line and mend_word(one.text, other.text) is not None


def _with_broken_word(words: Sequence[Word], line: list[int]) -> list[int]:
    """A line that begins with the rest of a word, with the line before."""
    first = line[0]
    if first == 0 or not _goes_on(words, first - 1, first):
        return line
    start = first - 1
    while start > 0 and words[start - 1].line == words[first - 1].line:
        start -= 1
    return [*range(start, first), *line]


def _split_gaps(words: Sequence[Word], line: Sequence[int]) -> Iterator[list[int]]:
    """The parts of a line that are more than one and a half times its height apart."""
    part: list[int] = []
    for place in line:
        if part:
            before, here = words[part[-1]].box, words[place].box
            if here.x0 - before.x1 > 1.5 * (here.y1 - here.y0) or here.x0 < before.x0:
                yield part
                part = []
        part.append(place)
    if part:
        yield part


def _reads_on(words: Sequence[Word], first: int, last: int) -> bool:
    """Whether what follows a colon is running text: it has verbs or articles, or a next line without a label."""
    texts = [words[place].text for place in range(first, last + 1)]
    following = words[last + 1 : last + 8]
    below = bool(following) and following[0].block == words[last].block and following[0].line != words[last].line
    if below and not any(word.text.endswith(":") for word in following if word.line == following[0].line):
        return True
    return texts[-1][-1] in ".,;–-&" or any(text.lower() in _RUNNING_TEXT for text in texts)


def _find_heading(words: Sequence[Word]) -> str:
    """The short line in the upper part of the page that is clearly larger than the rest; ``""`` if there is none."""
    heights = sorted(word.box.y1 - word.box.y0 for word in words)
    top = [word for word in words if word.box.y0 < 0.35]
    best = max(top, key=lambda word: word.box.y1 - word.box.y0, default=None)
    if best is None or best.box.y1 - best.box.y0 < 1.3 * heights[len(heights) // 2]:
        return ""
    size = 0.9 * (best.box.y1 - best.box.y0)
    line = (word for word in top if word.line == best.line and word.box.y1 - word.box.y0 >= size)
    heading = " ".join(word.text for word in line).strip(":.")
    return heading if _is_name(heading) and len(heading.split()) <= 6 else ""


# --- boxes ------------------------------------------------------------------------------------------------------------


def _find_in_boxes(words: Sequence[Word]) -> Iterator[Field]:
    """A label in small print above its value, as in the boxes of a form; nothing if there are fewer than three."""
    lines = [list(group) for _, group in groupby(range(len(words)), key=lambda place: words[place].line)]
    parts = [list(_split_gaps(words, line)) if len(line) <= 60 else [] for line in lines]
    rests = {
        lower[0]
        for here, following in pairwise(parts)
        for upper, lower in product(here, following)
        if _goes_on(words, upper[-1], lower[0]) and _stands_under(words, upper, lower)
    }
    found: list[tuple[str, str, int, int, str]] = []
    section = ""
    for here, following, last in zip(parts, parts[1:], [*parts[2:], []], strict=False):
        if len(here) == 1 and (numbered := _SECTION.fullmatch(_join(words, here[0]))) and _is_name(numbered.group(1)):
            section = numbered.group(1)
        for upper, lower in ((upper, lower) for upper in here for lower in following):
            label, value = _join(words, upper), _join(words, lower)
            if not _stands_under(words, upper, lower) or not _is_label(label) or not _is_value(value) or ":" in label:
                continue
            if upper[0] in rests or lower[0] in rests:
                continue
            small = _height(words, upper) < 0.95 * _height(words, lower) and len(lower) <= 8
            whole = complete_value(words, lower[0], lower[-1])
            if small and whole and not any(_stands_under(words, lower, part) for part in last):
                found.append((label, _join(words, range(whole[0], whole[1] + 1)), *whole, section))
    labels = Counter(label.casefold() for label, *_ in found)
    heading = _find_heading(words)
    for label, value, first, end, section in found if len(found) >= 3 else ():
        weak = is_generic(label) or " " not in label
        above = (section or heading) if weak else ""
        if labels[label.casefold()] == 1 and (above or not is_generic(label)):
            context = f"{above}{FIELD_SEPARATOR}{label}: {value}" if above else f"{label}: {value}"
            worth = (1.0 if _is_number(value) else 0.9) - 0.1 * (not is_noun(label))
            yield Field(label, first, end, context, worth, None)


_SECTION = re.compile(r"(?:\d{1,2}|[A-Z]|[IVX]{1,4})[.)]? ([A-Z].*)")


def _height(words: Sequence[Word], line: Sequence[int]) -> float:
    return max(words[place].box.y1 - words[place].box.y0 for place in line)


def _stands_under(words: Sequence[Word], upper: Sequence[int], lower: Sequence[int]) -> bool:
    """Whether a line begins right below another: within a hundredth of the page's width, and of a line's height."""
    above, below = words[upper[0]].box, words[lower[0]].box
    return abs(above.x0 - below.x0) < 0.012 and -0.5 < (below.y0 - above.y1) / (below.y1 - below.y0) < 0.8


# --- tables -----------------------------------------------------------------------------------------------------------


class _Grid:
    """A table's cells and the words inside its box, found by their text."""

    def __init__(self, words: Sequence[Word], table: Table) -> None:
        box = table.box
        room = Box(box.x0 - 0.005, box.y0 - 0.005, box.x1 + 0.005, box.y1 + 0.005)
        self.words = words
        self.rows = [[" ".join(cell.split()) for cell in row[:MAX_COLUMNS]] for row in table.rows[:MAX_ROWS]]
        self.inside = [place for place, word in enumerate(words) if _holds(room, word.box)]
        above = sum(word.box.y1 <= box.y0 + 0.005 and word.box.y0 > MARGIN for word in words)
        self.scale = find_scale(words, box, self.rows[0][0]) if self.rows and self.rows[0] else ""
        self.at_top = above <= 12 and box.y0 < 0.25
        self.mended = list(_mend(words, self.inside))
        self.by_text: dict[str, list[int]] = {}
        for at, (text, _, _) in enumerate(self.mended):
            self.by_text.setdefault(text, []).append(at)

    def locate(self, text: str, *, y: float | None = None) -> tuple[int, int] | None:
        """First and last word of a cell's text; with `y`, those at that height."""
        wanted = text.split()
        best: tuple[float, tuple[int, int]] | None = None
        for at in self.by_text.get(wanted[0], ())[:50]:
            found = self.mended[at : at + len(wanted)]
            if [text for text, _, _ in found] != wanted or any(b[1] != a[2] + 1 for a, b in pairwise(found)):
                continue
            box = self.words[found[0][1]].box
            height, middle = box.y1 - box.y0, (box.y0 + box.y1) / 2
            distance = 0.0 if y is None else abs(middle - y)
            if distance > 1.2 * height:
                continue
            if best is None or distance < best[0]:
                best = distance, (found[0][1], found[-1][2])
        return best[1] if best else None


def _mend(words: Sequence[Word], places: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Words with their first and last place; those broken at a line's end as one."""
    known = PageWords(words)
    text, first, last = "", -1, -1
    for place in places:
        word, goes_on = words[place], place == last + 1 and text and words[last].line != words[place].line
        mended = mend_word(text, word.text, known) if goes_on else None
        if mended is None and text:
            yield text, first, last
        text, first, last = (word.text, place, place) if mended is None else (mended, first, place)
    if text:
        yield text, first, last


def _find_in_columns(grid: _Grid, number: int) -> Iterator[Field]:
    """Cells under a header, in rows that have a name. In two columns without a header, each row is label and value."""
    header, rows = grid.rows[0], grid.rows
    if len(header) < 2:
        return
    plain = len(header) == 2 and (header[0].endswith(":") or (_is_number(header[1]) and not is_period(header[1])))
    if not plain and not has_one_header(rows, at_top=grid.at_top):
        return
    names, headers = Counter(row[0].casefold() for row in rows), Counter(name.casefold() for name in header)
    grouped = any(row[0] and not any(row[1:]) for row in rows[1:])
    columns = [[row[at] for row in rows[1:] if at < len(row)] for at in range(len(header))]
    numeric = [any(map(_is_number, cells)) and 2 * sum(map(has_digit, cells)) >= len(cells) for cells in columns]
    for row, below in zip(rows, [*rows[1:], []], strict=True) if plain else zip(rows[1:], [*rows[2:], []], strict=True):
        name = row[0].rstrip(":")
        if below and not below[0] and any(below):
            continue  # the name is that of several rows
        if _is_relative(name, grouped=grouped):
            continue
        place = grid.locate(row[0]) if _is_name(name) and names[row[0].casefold()] == 1 else None
        if place is None:
            continue
        first, last = grid.words[place[0]].box, grid.words[place[1]].box
        for column in range(1, min(len(row), len(header))):
            label = name if plain else header[column]
            if not _is_label(label) or not _is_value(row[column]) or len(row[column].split()) > 10:
                continue
            if is_generic(label) if plain else headers[label.casefold()] > 1:
                continue
            if numeric[column] and has_mark(row[column]):
                continue
            found = grid.locate(row[column], y=(first.y0 + last.y1) / 2)
            found = complete_cell(grid.words, row, column, found) if found else None
            if found is None:
                continue
            value = _join(grid.words, range(found[0], found[1] + 1))
            scale = grid.scale if is_scaled(value) else ""
            if scale and (plain or has_own_measure(row[0], label)):
                continue
            context = f"{label}: {value}" if plain else _write_row(header, row, column, value, scale)
            if context.isprintable():
                worth = (
                    (1.0 if _is_number(value) else 0.85)
                    - (0.15 if row.count(row[column]) > 1 else 0)
                    - (not is_noun(label)) * 0.1
                )
                yield Field(label, *found, context, worth, number)


def _write_row(header: Sequence[str], row: Sequence[str], column: int, value: str, scale: str) -> str:
    """The row's name, the cell that is asked for, then the other cells as far as there is space. The scale of the
    table's numbers stands in place of the first column's name."""
    own = f"{header[column]}: {value}"
    corner = f"{SCALE_MARK}{scale})" if scale else header[0] if _is_label(header[0]) else "Row"
    text = f"{corner}: {row[0]}"
    text += FIELD_SEPARATOR + own
    for place, (name, cell) in enumerate(zip(header, row, strict=False)):
        more = f"{name}: {cell}"
        known = name and cell and UNKNOWN not in more and FIELD_SEPARATOR not in more
        if known and place not in (0, column) and len(text) + len(more) < MAX_ROW_CHARS:
            text += FIELD_SEPARATOR + more
    return text


# --- what can be a label, a name, a value -----------------------------------------------------------------------------

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9 .,'’/&#()-]{1,48}")
_NOT_FIRST = frozenset(
    "is are has have can does do did was were will yes no what who when where how why if please for by in on "
    "with to and or the note source example figure fig fig. table section chapter step page".split()
)
_NOT_LAST = frozenset("of in on at by for from to with and or the a is".split())
_RUNNING_TEXT = frozenset(
    "a an the is are was were be been has have had will would can could to that which this with by as from it "
    "its not".split()
)
_NO_VALUE = frozenset("n/a n/a. n.a. n.a n/d n.d. none yes no x tbd -".split())
_REMARKS = frozenset("our we your you i my".split())


def _is_label(text: str) -> bool:
    """Whether a text can be asked for by name: a few plain words, or a period such as `Q1 2024`."""
    words = text.lower().split()
    plain = _LABEL.fullmatch(text) is not None and len(words) <= 6
    return is_period(text) or (plain and words[0] not in _NOT_FIRST and words[-1] not in _NOT_LAST)


def _is_name(text: str) -> bool:
    """Whether a text can name a row or a form: short, with letters."""
    short = 1 < len(text) <= 60 and len(text.split()) <= 8 and any(map(str.isalpha, text)) and text.isprintable()
    short &= UNKNOWN not in text
    return short and ":" not in text and FIELD_SEPARATOR not in text and "..." not in text


_LEANING = frozenset("of thereof less plus including incl. excluding excl. and or in with from to".split())
_PARTS = frozenset("total totals subtotal subtotals sub-total other others rest remaining remainder sum all".split())


def _is_relative(name: str, *, grouped: bool) -> bool:
    """Whether a row's name leans on the rows above it: `of which wood`, or `Total` below the name of a group."""
    words = name.lower().split()
    if not words:
        return False
    return words[0].rstrip(":") in _LEANING or name[0] in "–—-•·" or (grouped and _PARTS.issuperset(words))


def _is_number(text: str) -> bool:
    return classify_answer(text) != "text"


def _is_value(text: str) -> bool:
    """Whether a text can be an answer: short, with letters or digits; not a blank to fill in, not a remark."""
    short = 0 < len(text) <= 80 and any(map(str.isalnum, text)) and " ".join(text.split()).isprintable()
    short &= UNKNOWN not in text
    blank = "__" in text or "..." in text or text.casefold() in _NO_VALUE or FIELD_SEPARATOR in text
    remark = text.lower().startswith(("see ", "ditto")) or not _REMARKS.isdisjoint(text.lower().split())
    return short and not blank and not remark


def _holds(box: Box, other: Box) -> bool:
    """Whether the middle of `other` is in `box`."""
    return box.x0 <= (other.x0 + other.x1) / 2 <= box.x1 and box.y0 <= (other.y0 + other.y1) / 2 <= box.y1
