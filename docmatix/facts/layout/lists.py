"""Lists: items that share their left edge and their kind of mark, nested by how far they are indented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from docmatix.core.documents import Box
from docmatix.facts.layout.lines import MARK, box_words
from docmatix.facts.layout.paragraphs import (
    GLUED,
    LABEL,
    Body,
    Paragraph,
    begins_item,
    ends_sentence,
    get_lead,
    join_text,
    read_bullet,
)

_SHAPE = re.compile(r"([(\[]?)(\d+|[a-z]|[A-Z]|[ivx]+|[IVX]+)([.)\]]+)")
_UNMISTAKABLE = "•·∙●▪■►▶‣❖➢➤"  # a list even where it stands alone
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_])")


@dataclass(slots=True, eq=False)
class Item:
    """An item of a list; `lead_in` is the sentence before its list that ends in a colon, `outer` the item that it is
    nested in, `after` the paragraph before its list."""

    paragraphs: list[Paragraph]
    label: str
    lead_in: Paragraph | None = None
    outer: Item | None = None
    broken: bool = False
    """Whether other text stands between the item before and this one."""
    cut_off: bool = False
    """Whether its end may be in the next column or on the next page."""
    note: bool = False
    """Whether it is numbered small print, as the notes of a figure are."""
    siblings: list[Item] = field(default_factory=list)

    @property
    def value(self) -> str:
        text = " ".join(paragraph.text for paragraph in self.paragraphs)
        return text[len(self.label) :].strip()

    @property
    def lead_in_text(self) -> str:
        if self.lead_in is None:
            return ""
        lines, at = self.lead_in.lines, len(self.lead_in.lines) - 1
        while at and not (lines[at].text[0].isupper() and lines[at - 1].x1 < self.lead_in.x1 - 8 * lines[at].size):
            at -= 1  # a short line and a capital: a line of code or a name before the sentence
        text = _SENTENCE.split(join_text(lines[at:]) if at else self.lead_in.text)[-1]
        return "" if text[:1].islower() else text  # it began on the page before, or breaks at "e.g. "

    @property
    def boxes(self) -> tuple[Box, ...]:
        first = self.paragraphs[0].first
        apart = first.words[0].text == self.label
        rest = [line.box for paragraph in self.paragraphs for line in paragraph.lines][1:]
        return (box_words(first.words[1:]) if apart else first.box, *rest)

    @property
    def confidence(self) -> float:
        """A mark that no other item shares is rarely one of a list."""
        count = len(self.siblings)
        if self.label in "□○☐☒✗✓✔" and count < 3 and self.outer is None:
            return 0.3  # a box to be ticked
        headed = [item for item in self.siblings if not ends_sentence(item.value) and len(item.boxes) == 1]
        if sum(item.broken for item in self.siblings) > count / 3 and len(headed) > count / 2:
            return 0.4  # headings: each has its text below it
        if self.cut_off or (self.note and count < 5):
            return 0.4
        if count > 1:
            return 0.95 if count > 2 or MARK.fullmatch(self.label) else 0.85
        if self.outer is not None and self.label in GLUED:
            return 0.6
        return 0.6 if self.label in _UNMISTAKABLE else 0.3


@dataclass(slots=True)
class _List:
    x0: float
    shape: str
    items: list[Item]
    outer: Item | None
    lead_in: Paragraph | None
    interrupted: bool = False


def find_items(paragraphs: Sequence[Paragraph], body: Body) -> list[Item]:
    """The items of the lists among a page's paragraphs, which are thereby taken, those of lists of one included."""
    if any(paragraph.first.words[0].text.startswith("/*") for paragraph in paragraphs):
        return []  # a program's comments
    found: list[Item] = []
    open_lists: list[_List] = []
    before: Paragraph | None = None
    for paragraph in paragraphs:
        if paragraph.role in ("running_head", "page_number"):
            continue
        if paragraph.role or not begins_item(paragraph.first) or not _has_text(paragraph):
            if not paragraph.role and _continues(paragraph, open_lists, before):
                open_lists[-1].items[-1].paragraphs.append(paragraph)
                paragraph.role = "list_item"
            elif paragraph.role in ("heading", "title"):
                open_lists.clear()
            elif open_lists and paragraph.x0 < open_lists[0].x0 + paragraph.size:
                for one in open_lists:
                    one.interrupted = True
            before = paragraph
            continue
        item = _place(paragraph, open_lists, before)
        item.note = paragraph.size < 0.88 * body.size and item.label[0] not in GLUED
        paragraph.role = "list_item"
        found.append(item)
        before = paragraph
    after = {id(one): other for one, other in pairwise(paragraphs)}
    for item in found:
        item.cut_off = _breaks_off(item, after.get(id(item.paragraphs[-1])), paragraphs)
    for item in found:
        if len(item.siblings) < 2 and item.confidence < 0.5:
            for paragraph in item.paragraphs:
                paragraph.role = ""
    return [item for item in found if item.confidence >= 0.5]


def _breaks_off(item: Item, following: Paragraph | None, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether an item ends with a full line and no sentence, and what follows may be its rest, or stands elsewhere."""
    last = item.paragraphs[-1]
    if ends_sentence(item.value):
        return False
    if following is not None and not following.role and following.text[0].islower():
        below = following.first.y1 > last.last.y1
        if below and get_lead(last.last, following.first) < 0.6:
            return True  # its rest, set otherwise
    if len(last.lines) > 1:
        full = last.last.x1 > max(line.x1 for line in last.lines) - 4 * last.size
    else:
        near = [one.x1 for one in paragraphs if len(one.lines) > 1 and one.x0 < last.x1 < one.x1 + last.size]
        full = bool(near) and last.x1 > min(near) - 1.5 * last.size
    if not full:
        return False
    if following is None or following.role:
        return following is None or following.role == "caption"
    return following.text[0].islower() or not following.text[0].isalnum()


def _has_text(paragraph: Paragraph) -> bool:
    words = [word.text for line in paragraph.lines for word in line.words]
    return any(sum(map(str.isalpha, word)) > 1 for word in (words if words[0][0] in GLUED else words[1:]))


def _place(paragraph: Paragraph, open_lists: list[_List], before: Paragraph | None) -> Item:
    """Put an item into the list that it belongs to, or begin one."""
    label = read_bullet(paragraph.first)
    x0, slack = paragraph.first.x0, 0.7 * paragraph.size
    shape = _get_shape(label)
    item = Item([paragraph], label)
    while open_lists and open_lists[-1].x0 > x0 + slack:
        open_lists.pop()
    if open_lists and abs(open_lists[-1].x0 - x0) <= slack + (paragraph.size if shape == "1" else 0):
        same = open_lists[-1]
        if _follows(same.items[-1].label, label) and not (same.interrupted and shape == label):
            item.lead_in, item.outer, item.siblings = same.lead_in, same.outer, same.items
            same.items.append(item)
            item.broken, same.interrupted = same.interrupted, False
            return item
        open_lists.pop()
    # the next column goes on with the list of this one
    for one in reversed(open_lists):
        if not one.interrupted and one.shape == shape and shape != label and _follows(one.items[-1].label, label):
            item.lead_in, item.outer, item.siblings = one.lead_in, one.outer, one.items
            one.items.append(item)
            return item
    outer = open_lists[-1].items[-1] if open_lists and not open_lists[-1].interrupted else None
    if outer is not None and outer.paragraphs[0].first.y1 > paragraph.first.y1:
        outer = None  # in another column, further down
    if outer is None:
        open_lists.clear()
    lead_in: Paragraph | None = None
    above = before is not None and before.first.y1 < paragraph.first.y1
    if (
        outer is None
        and before is not None
        and above
        and not before.role
        and (before.text.rstrip().endswith((":", "：", "?", "？")) or _names(before, paragraph))
    ):
        lead_in = before
    new = _List(x0, shape, [item], outer, lead_in)
    item.lead_in, item.outer, item.siblings = lead_in, outer, new.items
    open_lists.append(new)
    return item


def _names(before: Paragraph, item: Paragraph) -> bool:
    """Whether a short line that no other text stands beside names the list close below it."""
    text = before.text
    short = len(before.lines) == 1 and before.count_words() <= 10 and sum(map(str.isalpha, text)) > 3
    under = -item.size < item.x0 - before.x0 < 6 * item.size and get_lead(before.last, item.first) < 1.3
    whole = text[0].isupper() and not ends_sentence(text) and text[-1] not in ",-–"
    return short and under and whole and before.alone and not before.first.part and before.above > 0.4


def _get_shape(label: str) -> str:
    """The kind of a mark: itself for a bullet, else its kind of number and its brackets."""
    match = _SHAPE.fullmatch(label)
    if match is None:
        return "1.1" if LABEL.fullmatch(label) else label
    number = match[2]
    kind = "1" if number.isdigit() else "a" if number.islower() else "A"
    return match[1] + kind + match[3]


def _follows(before: str, label: str) -> bool:
    """Whether a mark goes on after another: the same bullet, or the next number or letter in the same shape."""
    shape = _get_shape(label)
    if shape != _get_shape(before):
        return False
    if label == before:
        return shape == label
    one, other = _SHAPE.fullmatch(before), _SHAPE.fullmatch(label)
    if one is None or other is None:
        return _get_parts(before) < _get_parts(label)
    if one[2].isdigit():
        return int(one[2]) < int(other[2]) <= int(one[2]) + 2
    if len(one[2]) == len(other[2]) == 1 and ord(other[2]) - ord(one[2]) == 1:
        return True
    numerals = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
    first, second = one[2].lower(), other[2].lower()
    return first in numerals and second in numerals and numerals.index(second) == numerals.index(first) + 1


def _get_parts(label: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", label))


def _continues(paragraph: Paragraph, open_lists: list[_List], before: Paragraph | None) -> bool:
    """Whether a paragraph is the rest of the item before it: indented, close below, and in its open sentence."""
    if not open_lists or before is None or before is not open_lists[-1].items[-1].paragraphs[-1]:
        return False
    item = open_lists[-1].items[-1].paragraphs[0]
    close = get_lead(before.last, paragraph.first) < 0.9 and paragraph.first.y1 > before.last.y1
    indented = paragraph.x0 > item.first.x0 + 0.3 * item.size
    same = 0.94 < paragraph.size / item.size < 1.07 and paragraph.bold == before.bold
    return close and indented and same and not ends_sentence(before.text) and paragraph.text[:1].islower()
