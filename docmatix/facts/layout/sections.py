"""Sections: a heading and the first whole paragraph under it."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Fact
from docmatix.facts.layout.headings import Heading
from docmatix.facts.layout.lines import overlap
from docmatix.facts.layout.paragraphs import (
    Body,
    Paragraph,
    begins_item,
    begins_with_bullet,
    ends_sentence,
    get_lead,
    is_unspaced,
    join_text,
)

MIN_WORDS = 6
_ASIDE = ("running_head", "page_number", "footnote", "caption")
MARGIN = 2.5  # in sizes: text does not begin so far left of its heading, unless that is centred
_BOXES = "□☐☑☒"  # of options to be ticked, which are no text
MAX_PARTS = 3  # columns and blocks that a paragraph may go on in


def find_section(heading: Heading, path: tuple[str, ...], following: Sequence[Paragraph], body: Body) -> Fact | None:
    """The section of a heading, from the paragraphs that follow it on a page; None if the first is no text, or does not
    end there."""
    # what is set smaller is the source of a figure, a note, or the like
    rest = [one for one in following if one.role not in _ASIDE and (one.role or one.size > 0.86 * body.size)]
    if not rest or rest[0].role or rest[0].bold or heading.of_table:
        return None
    if begins_item(rest[0].first) and begins_with_bullet(rest[0].first):
        return None
    members = [rest[0]]
    for other in rest[1:MAX_PARTS]:
        if ends_sentence(members[-1].text) or other.role or not _goes_on(members[-1], other):
            break
        members.append(other)
    lines = [line for member in members for line in member.lines]
    text = join_text(lines)
    words = len(text.split())
    if not ends_sentence(text) or (words < MIN_WORDS and not is_unspaced(text)) or not members[0].alone:
        return None
    if members[0].first.part or text[:1].islower() or any(map(text.__contains__, _BOXES)):
        return None
    out = heading.paragraph.first.x0 - members[0].first.x0 > MARGIN * members[0].size
    if out and not heading.style.centred and _sticks_out(members[0], following):
        return None  # its line begins with a note in the margin
    after = rest[len(members)] if len(rest) > len(members) else None
    if after is not None and not after.role and after.text[0].islower() and after.first.y1 > members[-1].last.y1:
        near = get_lead(members[-1].last, after.first) < body.lead + 0.3
        if near and overlap(members[-1].last, after.first) > 0:
            return None  # it goes on, set otherwise
    lower = heading.confidence if len(members) == 1 else min(heading.confidence, 0.8)
    boxes = tuple(line.box for line in lines)
    return Fact("section", heading.text, text, path, boxes, heading.paragraph.boxes, lower)


def _sticks_out(paragraph: Paragraph, others: Sequence[Paragraph]) -> bool:
    """Whether a paragraph's first line begins left of its next, or of most text below it."""
    edges = [line.x0 for line in paragraph.lines[1:]]
    edges = edges or [line.x0 for other in others if other is not paragraph for line in other.lines]
    return sum(edge > paragraph.first.x0 + MARGIN * paragraph.size for edge in edges) > len(edges) / 2


def _goes_on(paragraph: Paragraph, other: Paragraph) -> bool:
    same = 0.97 < other.size / paragraph.size < 1.03 and other.bold == paragraph.bold
    return (
        same and (other.text[:1].islower() or is_unspaced(other.text)) and len(other.lines) + len(paragraph.lines) > 2
    )
