"""The parts of a letter: date, addressee, subject and who signed it. A page is a letter's if it greets someone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.core.documents import Fact
from docmatix.facts.layout.lines import Line, Sheet, box_words, overlap
from docmatix.facts.layout.paragraphs import Body, Paragraph, ends_sentence, get_lead
from docmatix.facts.layout.wordings import CLOSING, COMPANY, CONTACT, DATE, POSTCODE, SALUTATION, SUBJECT

_NAME = re.compile(r"(?:(?:[^\W\d_]{1,5}\.(?:[- ]|$)){0,4})(?:[^\W\d_][\w’'.\-]*\s?){1,5}(?:,? [A-Z][\w.]{1,6})?")
_PARTICLES = frozenset("van von der den de da do dos das di del della la le du zu y e i und and of ten ter".split())
MAX_SIGNATURE = 9.0  # lines between the closing and the name


def find_letter(sheet: Sheet, paragraphs: Sequence[Paragraph], body: Body) -> list[Fact]:
    """The parts of the letter on a page; none if it is no letter's. All but the body of the letter are taken."""
    lines = [line for line in sheet.lines if not line.in_table and line.role in ("", "footnote")]
    greeting = next((line for line in lines if _greets(line)), None)
    closing = _find_closing(lines, greeting, sheet)
    facts: list[Fact] = []
    if greeting is not None:
        facts += _find_head(sheet, paragraphs, lines, greeting, body)
        _take(paragraphs, [greeting], "letter")
    if closing is not None and (greeting is not None or closing.y0 > 0.15 * sheet.height):
        facts += _find_signatory(paragraphs, lines, closing)
    return facts


def _greets(line: Line) -> bool:
    if len(line.words) > 9 or not SALUTATION.match(line.text):
        return False
    return line.text.rstrip()[-1] in ",:!" or (len(line.words) <= 4 and len(line.words) > 1 and line.text[-1].isalpha())


def _find_closing(lines: Sequence[Line], greeting: Line | None, sheet: Sheet) -> Line | None:
    for line in reversed(lines):
        if greeting is not None and line.y0 <= greeting.y0:
            continue
        if len(line.words) <= 24 and CLOSING.fullmatch(line.text) and line.text[0].isupper():
            alone = len(line.words) > 1 or line.text[-1] == "," or greeting is not None
            if alone:
                return line
    return None


def _take(paragraphs: Sequence[Paragraph], lines: Sequence[Line], role: str) -> None:
    for paragraph in paragraphs:
        if not paragraph.role and any(line in lines for line in paragraph.lines):
            paragraph.role = role


def _find_head(
    sheet: Sheet, paragraphs: Sequence[Paragraph], lines: Sequence[Line], greeting: Line, body: Body
) -> list[Fact]:
    facts: list[Fact] = []
    above = [line for line in lines if line.y1 <= greeting.y0 + 1]
    subject = _find_subject(paragraphs, lines, greeting, body)
    if subject is not None:
        facts.append(subject[0])
        _take(paragraphs, subject[1], "subject")
        above = [line for line in above if line not in subject[1]]
    date = _find_date(above)
    if date is not None:
        facts.append(date[0])
        _take(paragraphs, [date[1]], "date")
        above = [line for line in above if line is not date[1]]
    block = _find_addressee(sheet, above)
    if block:
        text = " ".join(line.text for line in block)
        facts.append(Fact("addressee", "", text, (), tuple(line.box for line in block), (), 0.85))
        _take(paragraphs, block, "addressee")
    # what else stands above is letterhead: no titles or headings are in it
    _take(paragraphs, above, "letterhead")
    return facts


def _find_date(above: Sequence[Line]) -> tuple[Fact, Line] | None:
    """The lowest line above the greeting that is a date, with a place or a label at most."""
    dated = []
    for line in above:
        match = DATE.search(line.text)
        if (
            match is not None
            and len(line.text) - len(match.group()) <= 30
            and not any(map(str.isdigit, line.text[: match.start()] + line.text[match.end() :]))
        ):
            bare = len(line.text) - len(match.group()) < 12
            dated.append((bare, line.y0, line, match))
    if not dated:
        return None
    _, _, line, match = max(dated, key=lambda item: item[:2])
    first = line.text.count(" ", 0, match.start())
    end = line.text.count(" ", 0, match.end()) + 1
    return Fact("date", "", match.group(), (), (box_words(line.words[first:end]),), (), 0.9), line


def _find_addressee(sheet: Sheet, above: Sequence[Line]) -> list[Line]:
    """The lowest block of short lines above the greeting that reads as an address."""
    blocks: list[list[Line]] = []
    for line in sorted(above, key=lambda line: line.y0):
        if len(line.words) > 9 or CONTACT.search(line.text):
            continue
        for block in blocks:
            last = block[-1]
            near = get_lead(last, line) < 0.75 and line.y0 > last.y0
            if near and abs(last.x0 - line.x0) < 0.6 * line.size and abs(last.size - line.size) < 1.1:
                block.append(line)
                break
        else:
            blocks.append([line])
    good = [
        block
        for block in blocks
        if 2 <= len(block) <= 8
        and sum(1 for line in block if ":" in line.text) == 0
        and (any(POSTCODE.search(line.text) for line in block[1:]) or len(block) >= 3)
    ]
    coded = [block for block in good if any(POSTCODE.search(line.text) for line in block[1:])]
    return max(coded or good, key=lambda block: block[-1].y1, default=[])


def _find_subject(
    paragraphs: Sequence[Paragraph], lines: Sequence[Line], greeting: Line, body: Body
) -> tuple[Fact, list[Line]] | None:
    """The line that a word for it begins, or a bold one just above or below the greeting."""
    for paragraph in paragraphs:
        match = SUBJECT.match(paragraph.text)
        if match is None or paragraph.first.y0 > greeting.y1 + 6 * greeting.size or paragraph.count_words() > 40:
            continue
        count = match["label"].count(" ") + 1
        first = paragraph.first.words
        count += count < len(first) and first[count].text in (":", "：")
        if count >= len(first):
            continue
        boxes = (box_words(first[count:]), *(line.box for line in paragraph.lines[1:]))
        fact = Fact("subject", match["label"], match["value"], (), boxes, (box_words(first[:count]),), 0.95)
        return fact, paragraph.lines
    near = [
        paragraph
        for paragraph in paragraphs
        if paragraph.bold
        and not body.bold
        and not paragraph.role
        and paragraph.count_words() <= 25
        and overlap(paragraph.first, greeting) > 0
        and -7 * greeting.size < greeting.y0 - paragraph.last.y1 < 7 * greeting.size
        and paragraph.first is not greeting
        and not paragraph.first.part
        and not paragraph.text.endswith((":", "："))
        and not DATE.fullmatch(paragraph.text)
        and not POSTCODE.search(paragraph.text)
    ]
    near = [one for one in near if -4 * greeting.size < greeting.y0 - one.last.y1]
    if len(near) != 1:
        return None
    return Fact("subject", "", near[0].text, (), near[0].boxes, (), 0.75), near[0].lines


def _find_signatory(paragraphs: Sequence[Paragraph], lines: Sequence[Line], closing: Line) -> list[Fact]:
    _take(paragraphs, [closing], "closing")
    below = sorted(
        (line for line in lines if line.y0 > closing.y0 + 2 and overlap(line, closing) > -12 * closing.size),
        key=lambda line: (line.y0, line.x0),
    )
    for line in below[:5]:
        if line.y0 - closing.y1 > MAX_SIGNATURE * 1.2 * closing.size:
            break
        if re.fullmatch(r"[_.\s…-]+", line.text):
            continue
        if _is_person(line.text):
            near = [
                one for one in below if one is line or (0 < one.y0 - line.y0 < 4.5 * line.size and len(one.words) < 9)
            ]
            _take(paragraphs, near, "signature")
            return [Fact("signatory", "", line.text.rstrip(","), (), (line.box,), (), 0.85)]
    return []


def _is_person(text: str) -> bool:
    """Whether a line may be a person's name."""
    if not _NAME.fullmatch(text) or any(map(str.isdigit, text)) or COMPANY.search(text):
        return False
    words = re.findall(r"[^\W\d_][^\s]*", text)
    names = [word for word in words if word.casefold() not in _PARTICLES]
    return 2 <= len(words) <= 6 and all(word[0].isupper() for word in names) and not ends_sentence(text.rstrip("."))
