"""The title of a document, and those of slides: the largest text at the head of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.core.documents import Fact
from docmatix.facts.layout.headings import Heading, get_style, is_capitals, names_part, read_number
from docmatix.facts.layout.lines import Sheet
from docmatix.facts.layout.paragraphs import Body, Paragraph, begins_item, ends_sentence, get_lead, join_text

_LETTERED = re.compile(r"[A-Z]\.? [A-Z]")  # "A Appendix"
_FIRST = (("1",), ("I",), ("A",))
COVER_WORDS = 60
"""A first page with a title and no more words than this has no text, if others follow."""
SLIDE_SIZE = 0.024
"""Of a page's height: text that is larger on a page wider than high is of a slide."""


def is_slide(sheet: Sheet, body: Body) -> bool:
    """Whether a page is a slide: wide, with few words in large print."""
    return (
        sheet.width > 1.2 * sheet.height
        and body.size > SLIDE_SIZE * sheet.height
        and sum(len(line.words) for line in sheet.lines) < 250
    )


def find_title(
    sheet: Sheet, paragraphs: Sequence[Paragraph], body: Body, *, slide: bool, starts_late: bool = False
) -> tuple[Fact, Heading] | None:
    """The title of a page that begins a document or is a slide, whose paragraphs are thereby taken. `starts_late`: the
    page has a printed number that is not its place, as in an extract."""
    free = [paragraph for paragraph in paragraphs if not paragraph.role and _may_be(paragraph)]
    top = [paragraph for paragraph in free if paragraph.first.y0 < (0.7 if slide else 0.55) * sheet.height]
    if not top:
        return None
    largest = max(paragraph.size for paragraph in top)
    chosen = next(paragraph for paragraph in top if paragraph.size > 0.97 * largest)
    if largest < 1.15 * body.size:
        chosen = top[0]
        plain = not (chosen.bold and not body.bold) and not is_capitals(chosen.text)
        high = chosen.first.y0 < (0.25 if slide else 0.3) * sheet.height
        if plain or not high or chosen is not paragraphs[0] or chosen.below < 0.4:
            return None
        if not slide and not get_style(chosen, sheet).centred:
            return None
        confidence = 0.7
    else:
        clear = max((one.size for one in free if one is not chosen and one.size < 0.97 * largest), default=body.size)
        confidence = 0.95 if largest > 1.15 * clear else 0.8
    members = _join(chosen, paragraphs)
    lines = [line for member in members for line in member.lines]
    text = join_text(lines)
    same = [one for one in free if one not in members and one.size > 0.97 * largest and one.bold == chosen.bold]
    number = read_number(text)
    if not slide and (len(same) > 1 or begins_item(chosen.first) or len(number) > 1 or number in _FIRST):
        return None  # headings of that size
    rivals = [one for one in top if one not in members and one.size > 0.8 * largest]
    if (
        not slide
        and rivals
        and sum(one.count_words() for one in paragraphs) <= COVER_WORDS
        and largest > 1.4 * body.size
    ):
        return None  # on a cover, the name of a company, an author or a series may be as large
    if not slide and starts_late and (read_number(text) or _LETTERED.match(text) or largest < 1.35 * body.size):
        return None  # of a part of a longer document
    rest = paragraphs[paragraphs.index(members[-1]) + 1 :]
    prose = bool(rest) and rest[0].size < 1.05 * body.size and sum(map(str.isalpha, rest[0].text)) > 60
    if not slide and prose and ends_sentence(rest[0].text) and members[-1].below < 0.8:
        return None  # a heading: its text follows closely
    if len(text.split()) > 40 or not (chosen.alone or slide or largest > 1.4 * body.size):
        return None
    if not slide and any(one.count_words() > 25 for one in paragraphs[: paragraphs.index(chosen)]):
        return None  # running text comes before it
    if slide and chosen.first.y0 > 0.3 * sheet.height and len(paragraphs) > 6:
        return None  # a figure on it
    for member in members:
        member.role = "title"
    fact = Fact("title", "", text, (), tuple(line.box for line in lines), (), confidence)
    return fact, Heading(members[0], get_style(chosen, sheet), (), confidence, slide=slide)


def _may_be(paragraph: Paragraph) -> bool:
    text = paragraph.text
    letters = sum(map(str.isalpha, text))
    named = letters > 0.5 * len(text.replace(" ", "")) and "@" not in text
    return letters >= 3 and named and len(paragraph.lines) <= 6 and not names_part(text)


def _join(chosen: Paragraph, paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """A title's lines may stand wide apart: paragraphs in its style that follow it."""
    members = [chosen]
    start = paragraphs.index(chosen)
    for other in paragraphs[start + 1 : start + 4]:
        last = members[-1]
        alike = abs(other.size - chosen.size) <= 0.04 * chosen.size and other.bold == chosen.bold
        if other.role or not alike or not -0.5 < get_lead(last.last, other.first) < 1.0:
            break
        aligned = (
            abs(other.x0 - last.x0) < chosen.size or abs(other.x0 + other.x1 - last.x0 - last.x1) < 2 * chosen.size
        )
        if not aligned or begins_item(other.first):
            break
        members.append(other)
    return members
