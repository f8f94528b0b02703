"""Headings: short paragraphs that size, weight, capitals, numbers and space set off from what stands below."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from docmatix.facts.layout.lines import Sheet, on_one_row, overlap
from docmatix.facts.layout.paragraphs import (
    Body,
    Paragraph,
    begins_item,
    begins_with_bullet,
    ends_sentence,
    get_lead,
    is_unspaced,
    read_bullet,
)

MAX_WORDS = 16
NEVER = -1.0
"""How sure it is that a chart's title is a heading: it does not even leave it in doubt."""
_NUMBER = re.compile(
    r"(?:(?P<name>chapter|section|part|article|annex|appendix|kapitel|abschnitt|teil|artikel|anhang|anlage|chapitre|"
    r"partie|annexe|capítulo|sección|parte|anexo|artículo|capitolo|sezione|allegato|articolo|secção|seção|artigo|"
    r"hoofdstuk|deel|bijlage|rozdział|część|załącznik|artykuł)\s+)?"
    r"[§(\[]?(?P<digits>\d{1,3}(?:\.\d{1,3}){0,4}|[IVX]{1,5}|[A-Z])[.):\]]{0,2}(?=\s|$)",
    re.IGNORECASE,
)
_NO_HEADING = re.compile(r"(?:https?:|www\.|\S+@\S+\.)|^[^\w]*$|[=<>{}\\|_]{2}|<[\w /]+>|\.{4}|^[\d\s.,:/%$€£()+-]+$")
_BREAKS = ",;"
_PLACE = re.compile(r"(?P<number>\d{1,2}|[A-Z](?=[.)]\s)|[一二三四五六七八九十]{1,2})(?P<end>[.)、](?!\d))")
_CHINESE = "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九".split()


@dataclass(frozen=True, slots=True)
class Style:
    """What ranks headings: size in half points, weight, capitals, and the parts of their number (none: unnumbered)."""

    size: float
    bold: bool
    capitals: bool
    centred: bool


@dataclass(slots=True, eq=False)
class Heading:
    paragraph: Paragraph
    style: Style
    number: tuple[str, ...]
    confidence: float
    slide: bool = False
    doubtful: bool = False
    """Whether it is none for sure: what stands under it may have it in its path, or the heading before."""

    of_table: bool = False
    """Whether it names the table below it: no other text stands under it."""

    @property
    def text(self) -> str:
        """Its text, without a bullet before it."""
        text, first = self.paragraph.text, self.paragraph.first
        marked = begins_item(first) and begins_with_bullet(first)
        return text[len(read_bullet(first)) :].strip() if marked else text


def read_number(text: str) -> tuple[str, ...]:
    """The parts of the number that a heading begins with: 2 and 1 of "2.1 Scope"."""
    match = _NUMBER.match(text)
    if match is None or match.end() == len(text):
        return ()
    digits = match["digits"]
    if digits.isalpha() and len(digits) == 1 and not match["name"] and text[match.end("digits") :][:1] not in ".)":
        return ()
    name = (match["name"].casefold(),) if match["name"] else ()
    return (*name, *digits.split("."))


def names_part(text: str) -> bool:
    """Whether text is no more than the name and number of a part: "Chapter 1"."""
    match = _NUMBER.fullmatch(text.strip())
    return match is not None and match["name"] is not None


def is_capitals(text: str) -> bool:
    """Whether text is set in capitals."""
    letters = [letter for letter in text if letter.isalpha()]
    upper = sum(map(str.isupper, letters))
    return len(letters) >= 4 and upper >= 0.9 * len(letters)


def get_style(paragraph: Paragraph, sheet: Sheet) -> Style:
    """The style of a paragraph taken as a heading."""
    centre = abs(paragraph.x0 + paragraph.x1 - sheet.width) < 0.03 * sheet.width and paragraph.x0 > 0.2 * sheet.width
    return Style(round(2 * paragraph.size) / 2, paragraph.bold, is_capitals(paragraph.text), centre)


def find_headings(sheets: Sequence[Sheet], pages: Sequence[Sequence[Paragraph]], body: Body) -> list[Heading]:
    """The headings of a document in reading order, which are thereby taken, and doubtful ones in the style of these.

    A style that mostly sets what is no heading (names, cells, labels) makes none."""
    found: list[Heading] = []
    failed: list[Heading] = []
    styles: Counter[tuple[Style, bool]] = Counter()
    passed: Counter[tuple[Style, bool]] = Counter()
    for sheet, paragraphs in zip(sheets, pages, strict=True):
        for at, paragraph in enumerate(paragraphs):
            if paragraph.role or not _differs(paragraph, body):
                continue
            style = get_style(paragraph, sheet)
            number = read_number(paragraph.text)
            key = replace(style, centred=False), bool(number)
            following = _get_following(at, paragraphs, paragraph)
            if following is None and (table := _find_table_below(paragraph, sheet)) is not None:
                following = table
            elif following is None and at + 1 >= len(paragraphs) - 1:
                following = _get_first(pages, paragraph.page + 1)
            confidence = _judge(paragraph, at, paragraphs, following, body, style, number)
            styles[key] += 1
            of_table = following is not None and following.first.in_table and not number
            heading = Heading(paragraph, style, number, confidence, of_table=of_table)
            if confidence > 0:
                passed[key] += 1
                found.append(heading)
            elif confidence != NEVER:
                failed.append(heading)
    texts = Counter((heading.paragraph.page, heading.text) for heading in found)
    heights = Counter((heading.text, round(heading.paragraph.first.y0)) for heading in found)
    sure: list[Heading] = []
    for heading in found:
        key = replace(heading.style, centred=False), bool(heading.number)
        share = passed[key] / styles[key]
        if texts[heading.paragraph.page, heading.text] > 2:
            continue  # the labels of charts or forms
        if heights[heading.text, round(heading.paragraph.first.y0)] > 2:
            continue  # at the head of each page
        if share < 0.5 and not (len(heading.number) > 1 and heading.number[0].isdigit()):
            failed.append(heading)
            continue
        heading.confidence = min(heading.confidence, 0.6 if share < 0.7 else 1.0)
        heading.paragraph.role = "heading"
        sure.append(heading)
    known = {(replace(heading.style, centred=False), bool(heading.number)) for heading in sure}
    for heading in failed:
        counted = heading.number or is_unspaced(heading.text) or _read_place(heading.text) is not None
        key = replace(heading.style, centred=False), bool(heading.number)
        if counted and key in known and _may_be(heading.paragraph):
            heading.doubtful = True
            sure.append(heading)
    return sure


def _may_be(paragraph: Paragraph) -> bool:
    """Whether a paragraph that is not taken for a heading reads as one by itself."""
    text = paragraph.text
    letters = sum(map(str.isalpha, text))
    short = len(paragraph.lines) <= 3 and paragraph.count_words() <= MAX_WORDS and not paragraph.first.part
    return short and letters >= 3 and 2 * letters > len(text) and not ends_sentence(text) and not text[0].islower()


def _differs(paragraph: Paragraph, body: Body) -> bool:
    """Whether something sets a paragraph off from running text."""
    return (
        paragraph.size > 1.1 * body.size
        or (paragraph.bold and not body.bold and paragraph.size > 0.85 * body.size)
        or (len(paragraph.lines) <= 3 and paragraph.size > 0.9 * body.size and is_capitals(paragraph.text))
        or (len(paragraph.lines) <= 2 and paragraph.size > 0.95 * body.size and len(read_number(paragraph.text)) > 1)
        or _stands_apart(paragraph, body)
    )


def _stands_apart(paragraph: Paragraph, body: Body) -> bool:
    """Whether a paragraph in the style of text is a numbered line that wide gaps part from what is above and below."""
    return (
        len(paragraph.lines) == 1
        and paragraph.above > body.lead + 0.7
        and paragraph.below > body.lead + 0.3
        and paragraph.size > 0.95 * body.size
        and paragraph.count_words() <= 8
        and not ends_sentence(paragraph.text)
        and begins_item(paragraph.first)
        and len(read_number(paragraph.text)) == 1
    )


def _judge(
    paragraph: Paragraph,
    at: int,
    paragraphs: Sequence[Paragraph],
    following: Paragraph | None,
    body: Body,
    style: Style,
    number: tuple[str, ...],
) -> float:
    """How sure it is that a paragraph is a heading; 0: hardly; NEVER: it is none."""
    text, words = paragraph.text, paragraph.count_words()
    larger = paragraph.size > 1.1 * body.size
    if len(paragraph.lines) > (4 if larger else 3) or words > MAX_WORDS + (8 if larger else 0):
        return 0.0
    letters = sum(map(str.isalpha, text))
    if is_unspaced(text) and len(text) > 2 * MAX_WORDS and _read_place(text) is None:
        return 0.0
    if letters < 3 or letters < 0.5 * len(text.replace(" ", "")) or _NO_HEADING.search(text):
        return 0.0
    first = next(letter for letter in text if letter.isalpha())
    if first.islower() and not number and not (larger and style.bold):
        return 0.0
    ending = text.rstrip("\"'”’»)")[-1:]
    if ending in _BREAKS or ending == "。" or (ending == "." and not (number and larger) and words > 3):
        return 0.0
    if ending in ":：" and not (larger and paragraph.bold):
        return 0.0
    if not paragraph.alone or paragraph.first.part:
        return 0.0
    if following is None:
        return 0.0
    below = following.text
    deep = len(number) > 1 and (larger or style.bold)
    if (
        not following.first.in_table
        and not deep
        and below[:1].islower()
        and not begins_item(following.first)
        and not _differs(following, body)
    ):
        return 0.0
    lettered = sum(map(str.isalpha, below))
    chart = 2 * lettered < len(below.replace(" ", "")) and not (lettered and (deep or paragraph.size > 1.4 * body.size))
    if chart and not following.first.in_table:
        return NEVER  # the scale of a chart
    if following.size > 1.06 * paragraph.size and not number:
        return 0.0
    if paragraph.above < paragraph.below - 0.35 and paragraph.above < (0.45 if number and style.bold else 0.9):
        return 0.0
    if max(paragraph.above, paragraph.below) < 0.35 and len(following.lines) < 3 and not number:
        return 0.0  # within a block of lines
    if at and paragraph.above < min(0.3, body.lead + 0.1) and not number and not _differs(paragraphs[at - 1], body):
        return 0.0  # within a block of lines
    if begins_item(paragraph.first) and len(number) < 2 and _stands_in_list(at, paragraphs):
        return 0.0
    if _is_alike(paragraph, following) and not number:
        return 0.0  # lines of one text, set apart or not
    prose = following.count_words() >= 8 or len(following.lines) > 1
    if at and paragraphs[at - 1].role == "title" and "@" in below:
        return NEVER  # an author
    weight = 0.5 * larger + 0.35 * (style.bold and not body.bold) + 0.25 * style.capitals + 0.3 * bool(number)
    space = 0.15 * (paragraph.above > max(0.45, body.lead + 0.3)) + 0.1 * (paragraph.above > paragraph.below + 0.1)
    worth = weight + space + (0.2 if prose else 0.0)
    return min(worth + 0.1, 0.98) if worth >= 0.5 else 0.0


def _find_table_below(heading: Paragraph, sheet: Sheet) -> Paragraph | None:
    """The first line of a table that begins close below a heading."""
    below = [
        line
        for line in sheet.lines
        if line.in_table and -0.5 < get_lead(heading.last, line) < 4 and line.x0 < heading.x1 + 20 * heading.size
    ]
    return Paragraph(heading.page, below[:1]) if below else None


def _get_first(pages: Sequence[Sequence[Paragraph]], page: int) -> Paragraph | None:
    """The first paragraph of a page, if there is one and it is text."""
    if page >= len(pages) or not pages[page] or pages[page][0].role or pages[page][0].count_words() < 8:
        return None
    return pages[page][0]


def _get_following(at: int, paragraphs: Sequence[Paragraph], heading: Paragraph) -> Paragraph | None:
    """What a heading stands above: the next paragraph, below it or at the head of another column."""
    for other in paragraphs[at + 1 : at + 5]:
        if on_one_row(heading.last, other.first):
            return None
        under = other.first.y0 > heading.last.y0
        if not under or overlap(heading.last, other.first) > 0 or _shares_column(heading, other):
            return other
    return None


def _is_alike(heading: Paragraph, following: Paragraph) -> bool:
    same = abs(heading.size - following.size) < 0.04 * heading.size and heading.bold == following.bold
    return same and heading.below < 1.0 and is_capitals(heading.text) == is_capitals(following.text)


def _shares_column(heading: Paragraph, other: Paragraph) -> bool:
    return other.x0 < heading.x0 + 6 * heading.size and heading.x0 < other.x1


def _stands_in_list(at: int, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether the item before or after stands close, with nothing between: then it is a list's."""
    for other in (*paragraphs[max(at - 1, 0) : at], *paragraphs[at + 1 : at + 2]):
        one = paragraphs[at]
        upper, lower = (one, other) if one.first.y0 < other.first.y0 else (other, one)
        if get_lead(upper.last, lower.first) > 1.5:
            continue
        alike = abs(other.size - one.size) < 0.6 and other.bold == one.bold
        if not other.role and begins_item(other.first) and alike and len(read_number(other.text)) < 2:
            return True
    return False


def outranks(one: Heading, other: Heading) -> bool:
    """Whether `other`, which comes later, stands under `one`."""
    if one.slide or other.slide:
        return one.slide and not other.slide
    if one.number and other.number and one.number[0].isdigit() and other.number[0].isdigit():
        return len(one.number) < len(other.number) and other.number[: len(one.number)] == one.number
    a, b = one.style, other.style
    beside = bool(other.number) and not one.number and (a.bold, a.capitals) == (b.bold, b.capitals)
    if a.size > (1.1 if beside else 1.04) * b.size:
        return True
    if a.size < b.size / 1.04:
        return False
    if bool(one.number) != bool(other.number) and (a.bold, a.capitals) == (b.bold, b.capitals):
        # "References" is not under "5 Results", but a run-in heading is under "5.1 Yields"
        parts = [part for part in one.number if part.isdigit()]
        return len(parts) > 1 or (bool(one.number) and b.centred and not a.centred)
    return (a.bold, a.capitals, a.centred) > (b.bold, b.capitals, b.centred)


def _read_place(text: str) -> tuple[str, int] | None:
    """The kind of number that a heading begins with, and its place: "A" and 3 of "C. Costs"."""
    match = _PLACE.match(text)
    if match is None:
        return None
    number = match["number"]
    if number.isdecimal():
        return "1" + match["end"], int(number)
    if number in _CHINESE:
        return "一" + match["end"], _CHINESE.index(number) + 1
    return "A" + match["end"], ord(number) - ord("A") + 1


def _find_sibling(stack: Sequence[Heading], place: tuple[str, int] | None) -> int | None:
    """Where the heading stands whose number comes before this one; whatever their styles, they share a parent."""
    for at in range(len(stack) - 1, -1, -1):
        if place is not None and _read_place(stack[at].text) == (place[0], place[1] - 1):
            return at
    return None


def find_paths(headings: Sequence[Heading], skips: Collection[int]) -> list[tuple[Heading, ...]]:
    """The headings above each heading, outermost first; not those that are doubtful, nor what these may end. Pages are
    missing before those in `skips`."""
    stack: list[Heading] = []
    paths: list[tuple[Heading, ...]] = []
    reached: dict[tuple[int, str], int] = {}
    chapters: dict[int, str] = {}
    page = 0
    for heading in headings:
        if any(page < skip <= heading.paragraph.page for skip in skips):
            stack.clear()
        page = heading.paragraph.page
        place = _read_place(heading.text)
        sibling = _find_sibling(stack, place)
        if sibling is not None:
            del stack[sibling:]
        while sibling is None and stack and not outranks(stack[-1], heading):
            stack.pop()
        if place is not None:
            if stack and place[1] == 1 and reached.get((id(stack[-1]), place[0]), 0) > 1:
                stack.pop()  # numbers begin anew: a heading between was missed
            reached[id(stack[-1]) if stack else 0, place[0]] = place[1]
        deep = len(heading.number) > 1 and heading.number[0].isdigit()
        if deep and stack and not stack[-1].number:
            chapter = chapters.setdefault(id(stack[-1]), heading.number[0])
            if chapter != heading.number[0]:
                stack.clear()  # 1.1 and 2.1 are not of one chapter
        paths.append(tuple(one for one in stack if not one.doubtful and not one.of_table))
        stack.append(heading)
    return paths
