"""Salient amounts and dates of running text, with the words that they stand beside in their sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.core.documents import Box, Fact
from docmatix.facts.layout.lines import box_words
from docmatix.facts.layout.paragraphs import Paragraph, ends_sentence
from docmatix.facts.layout.wordings import DATE
from docmatix.text.numbers import CURRENCY, FRACTION, MAGNITUDES, PLAIN

MAX_FIGURES = 12
MAX_LABEL_WORDS = 9
_MAGNITUDE = "|".join(sorted(MAGNITUDES, key=lambda name: (-len(name), name)))
_GROUPED = r"[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f]\d{3})+(?:[.,]\d{1,2})?"
_NUMBER = rf"(?:{_GROUPED}|{PLAIN}|{FRACTION})"
_AMOUNT = re.compile(
    rf"(?<![\w.,/$€£-])(?:{CURRENCY}\s?{_NUMBER}(?:\s(?:{_MAGNITUDE})\b)?"
    rf"|{_NUMBER}(?:\s(?:{_MAGNITUDE})\b)?\s?(?:{CURRENCY}(?!\w)|euros?\b|dollars?\b|złotych\b)"
    rf"|{_NUMBER}\s?(?:%|percent\b|per cent\b|prozent\b|pour cent\b|por ciento\b|por cento\b|per cento\b|procent\b)"
    rf"|{_NUMBER}\s(?:{_MAGNITUDE})\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\b[^\W\d_]\.)(?<!\b[A-Z][a-z]\.)(?<!\s\d\.)(?<!\s\d\d\.)\s+(?=[\"“«(]?[^\W\d_a-z])"
)
_LINKS = frozenset(
    "to at by of from the a an about around approximately nearly almost over under only some up down "
    "sich auf um rund etwa ca circa bei am den der zum le la à de environ près en el los a unos aproximadamente "
    "il lo di ad oltre o um uma em cerca para aos op van ongeveer het de do około na o w dnia den am vom "
    "than less more mehr weniger als plus moins más menos mayor que più meno mais meer minder dan ponad".split()
)
_ODD = re.compile(r"[\d=<>{}|\\]|\S@")
_BREAK = re.compile(r"[,;:()\[\]–—]|\s-\s")


class _Find(NamedTuple):
    start: int
    end: int
    text: str


def find_figures(paragraphs: Sequence[Paragraph], path_of: dict[int, tuple[str, ...]]) -> list[Fact]:
    """At most a dozen amounts and dates of a page that a verb joins to what they are about; `path_of` has the headings
    above each paragraph, by its identity."""
    facts: list[Fact] = []
    for paragraph in paragraphs:
        if paragraph.role or paragraph.count_words() < 6 or not any(map(str.isdigit, paragraph.text)):
            continue
        if not ends_sentence(paragraph.text) or paragraph.first.part:
            continue
        for fact in _read(paragraph, path_of.get(id(paragraph), ())):
            facts.append(fact)
            if len(facts) >= MAX_FIGURES:
                return facts
    return facts


def _read(paragraph: Paragraph, path: tuple[str, ...]) -> Iterator[Fact]:
    text = paragraph.text
    start = 0
    for end in [*(match.start() for match in _SENTENCE.finditer(text)), len(text)]:
        sentence = text[start:end]
        start = end
        if not any(map(str.isnumeric, sentence)):
            continue
        found = [
            _Find(m.start(), m.end(), m.group()) for pattern in (_AMOUNT, DATE) for m in pattern.finditer(sentence)
        ]
        if len(found) == 1:
            label = _find_label(sentence, found[0])
            if label is not None:
                fact = _place(paragraph, label, found[0].text, path)
                if fact is not None:
                    yield fact


def _find_label(sentence: str, find: _Find) -> str | None:
    """The words of its sentence that an amount or a date stands beside: those before it, without the articles and
    prepositions next to it; where it comes first, those after it. None where they are few, many or parted."""
    if _BREAK.search(sentence[: find.start]):
        return None
    before = sentence[: find.start].split()
    while before and before[-1].casefold() in _LINKS:
        before.pop()
    label = before
    if not before:
        label = _BREAK.split(sentence[find.end :])[0].rstrip(" .!?").split()
    text = " ".join(label)
    if sum(word.casefold() not in _LINKS for word in label) < 2:
        return None
    if not 2 <= len(label) <= MAX_LABEL_WORDS or sum(map(str.isalpha, text)) < 5 or _ODD.search(text):
        return None
    return text


def _place(paragraph: Paragraph, label: str, value: str, path: tuple[str, ...]) -> Fact | None:
    words = [word for line in paragraph.lines for word in line.words]
    for wanted in (label, value):
        if wanted.split()[0] not in {word.text for word in words} and wanted is label:
            return None
    first = _find_words(paragraph, label, 0)
    place = _find_words(paragraph, value, first[1]) if first is not None else None
    if first is None or place is None:
        return None
    return Fact("figure", label, value, path, _cut(paragraph, *place), _cut(paragraph, *first), 0.8)


def _find_words(paragraph: Paragraph, wanted: str, begin: int) -> tuple[int, int] | None:
    """Where the words of a text stand among a paragraph's; None where a broken word is in it."""
    words = [word.text for line in paragraph.lines for word in line.words]
    parts = wanted.split()
    for at in range(begin, len(words) - len(parts) + 1):
        if all(part in word for part, word in zip(parts, words[at : at + len(parts)], strict=True)):
            return at, at + len(parts)
    return None


def _cut(paragraph: Paragraph, start: int, end: int) -> tuple[Box, ...]:
    boxes: list[Box] = []
    at = 0
    for line in paragraph.lines:
        part = line.words[max(start - at, 0) : max(end - at, 0)]
        if part:
            boxes.append(box_words(part))
        at += len(line.words)
    return tuple(boxes)
