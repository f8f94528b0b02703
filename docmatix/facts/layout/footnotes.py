"""Footnotes: small print at the foot of a column, each beginning with its mark."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.core.documents import Fact
from docmatix.facts.layout.lines import Line, Sheet, box_words, overlap
from docmatix.facts.layout.paragraphs import Body, ends_sentence, get_lead, join_text

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_PLAIN = str.maketrans(_RAISED, "0123456789")
_MARK = re.compile(rf"[(\[]?(?:\d{{1,3}}|[{_RAISED}]{{1,3}}|[a-zᵃ-ᶻ])[)\].]?|[*†‡§¶]{{1,3}}")
_GLUED = re.compile(rf"(?P<mark>\d{{1,3}}|[{_RAISED}]{{1,3}}|[*†‡§¶]{{1,3}})(?P<rest>[^\W\d_].*)")
_UNSURE = 0.4
MAX_LINES = 600  # of a page: small ones are compared with all large ones


def find_footnotes(sheet: Sheet, body: Body) -> list[Fact]:
    """The footnotes among a page's lines, which are thereby taken, as is the rest of the small print there."""
    lines = list(sheet.open_lines)
    small = [line for line in lines if line.size <= 0.93 * body.size and line.y0 > 0.45 * sheet.height]
    if not small or len(lines) > MAX_LINES:
        return []
    large = [line for line in lines if line.size > 0.93 * body.size]
    if not any(len(line.words) > 3 for line in large):
        return []
    foot = [
        line
        for line in small
        if not any(other.y0 > line.y0 and overlap(line, other) > 0 for other in large if len(other.text) > 3)
    ]
    starts = [line for line in foot if _read_mark(line) is not None]
    facts: list[Fact] = []
    for at, start in enumerate(foot):
        if start not in starts or start.role:
            continue
        lines_of = _collect(foot, at, starts)
        fact = _make_fact(lines_of, sheet, [*large, *(line for line in small if line not in foot)], body)
        if fact is None:
            continue
        for line in lines_of:
            line.role = "footnote"
        if not _is_cut_off(lines_of, sheet):
            facts.append(fact)
    if facts:
        # what stands between or below them is the rest of one
        top = min(line.y0 for line in foot if line.role == "footnote")
        for line in foot:
            if not line.role and line.y0 >= top:
                line.role = "footnote"
    return facts


def _read_mark(line: Line) -> tuple[str, int] | None:
    """The mark that a line begins with, and how many of its words it takes: 0 where it is part of the first."""
    first = line.words[0]
    if len(line.words) > 2 and first.text in ("()", "[]") and line.words[1].text[0] in _RAISED:
        return line.words[1].text, 2  # reading takes what is raised out of its brackets
    if len(line.words) > 1 and _MARK.fullmatch(first.text):
        raised = first.size < 0.92 * line.size or (
            first.box[3] < line.words[1].box[3] - 0.1 * (line.words[1].box[3] - line.words[1].box[1])
        )
        if raised or not first.text.strip("()[].").isalpha():
            return first.text, 1
    match = _GLUED.fullmatch(first.text)
    return (match["mark"], 0) if match is not None else None


def _collect(foot: Sequence[Line], at: int, starts: Sequence[Line]) -> list[Line]:
    """A footnote's lines: until the next begins, the column ends, or a gap comes."""
    found = [foot[at]]
    for line in foot[at + 1 :]:
        last = found[-1]
        # a number at a line's beginning is the next note's only if it counts on
        if line in starts and abs(line.x0 - foot[at].x0) < 1.5 * line.size and _counts_on(foot[at], line):
            break
        if line.y0 <= last.y0 or overlap(last, line) <= 0 or get_lead(last, line) > 0.9 or line.part:
            break
        if not 0.9 < line.size / last.size < 1.1:
            break
        found.append(line)
    return found


def _is_cut_off(lines: Sequence[Line], sheet: Sheet) -> bool:
    """Whether a note breaks off at the end of a full line: its end may be in another column or on another page."""
    last = lines[-1]
    if len(lines) > 1:
        full = last.x1 > max(line.x1 for line in lines) - 4 * last.size
    else:
        edges = sorted(line.x1 for line in sheet.lines if len(line.words) > 6 and overlap(line, last) > 0)
        full = len(last.words) > 6 and last.x1 > edges[len(edges) * 3 // 4] - 1.5 * last.size
    return full and not ends_sentence(last.text)


def _counts_on(one: Line, other: Line) -> bool:
    before, after = _read_mark(one), _read_mark(other)
    if before is None or after is None:
        return False
    digits, more = (re.sub(r"\D", "", mark.translate(_PLAIN)) for mark in (before[0], after[0]))
    if digits and more:
        return int(more) == int(digits) + 1
    return not digits and not more


def _make_fact(lines: Sequence[Line], sheet: Sheet, above: Sequence[Line], body: Body) -> Fact | None:
    read = _read_mark(lines[0])
    if read is None or lines[0].part:
        return None
    mark, count = read
    text = join_text(lines)
    value = text[sum(len(word.text) + 1 for word in lines[0].words[:count]) or len(mark) :].strip()
    if sum(map(str.isalpha, value)) < 4 or (len(value.split()) < 2 and "://" not in value):
        return None
    label = mark.strip("()[].").translate(_PLAIN) or mark
    referred = any(_refers(line, label, body) for line in above)
    raised = count > 0 and (lines[0].words[0].size < 0.92 * lines[0].size or mark[0] in _RAISED)
    column = [line.y1 for line in above if overlap(line, lines[0]) > 0 and line.y1 <= lines[0].y0 + 3]
    gap = (lines[0].y0 - max(column)) / lines[0].size if column else 9.0
    apart = gap > 0.8 and count > 0 and not label[0].isalpha()
    confidence = 0.95 if referred else 0.7 if raised or apart else _UNSURE
    if lines[0].y0 < 0.6 * sheet.height and not referred:
        confidence = _UNSURE
    if confidence < 0.5:
        return None
    first = lines[0].words
    boxes = (box_words(first[count:]), *(line.box for line in lines[1:]))
    return Fact("footnote", label, value, (), boxes, (first[0].box,), confidence)


def _refers(line: Line, mark: str, body: Body) -> bool:
    """Whether a mark stands raised in a line, or ends one of its words."""
    for word in line.words:
        text = word.text.rstrip('.,;:)"”’»]').translate(_PLAIN)
        if text == mark and word.text[0] in _RAISED:
            return True
        if word.size < 0.8 * line.size and text.lstrip("([") == mark:
            return True
        if text.endswith(mark) and len(text) > len(mark):
            before = text[: -len(mark)]
            if before[-1].isalpha() or before[-1] in '.,;:)"”’»]':
                return True
    return False
