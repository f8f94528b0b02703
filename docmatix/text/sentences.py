"""Whole sentences of running text on a page, with the place of every character. Knows English abbreviations.

Everything else is left out: running heads, tables of contents, lists of references, formulae, code, tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from docmatix.core.documents import UNKNOWN, Word, WordSpan
from docmatix.text.field_list import FIELD_SEPARATOR
from docmatix.text.hyphens import PageWords, mend_word
from docmatix.text.numbers import is_note_mark

MAX_SENTENCES = 400
MAX_SENTENCE_CHARS = 260
"""Longer ones are rarely about one thing, and a small model loses the thread."""
MARGIN = 0.055
"""Share of the page height at top and bottom for running heads and page numbers (16 mm on A4)."""

_ABBREVIATIONS = frozenset(
    "mr. mrs. ms. dr. prof. st. no. nos. vs. e.g. i.e. etc. fig. figs. eq. eqs. sec. sect. al. inc. ltd. co. "
    "corp. jr. sr. approx. dept. est. vol. ch. art. cf. ca. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. "
    "nov. dec. u.s. u.k. rs. p. pp. nr.".split()
)
_REFERENCES = frozenset({"references", "bibliography", "works cited", "literature cited"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` has single spaces and joined hyphenations; its character `i` is at `offsets[i]` in the page's text."""

    text: str
    offsets: tuple[int, ...]


def split_sentences(words: Sequence[Word], spans: Sequence[WordSpan], skip: Sequence[bool]) -> Iterator[Sentence]:
    """At most `MAX_SENTENCES` sentences that can stand alone, in page order, without the words marked in `skip` and the
    marks of footnotes.

    A block that does not end a sentence is joined with the next one if that continues in lower case.
    """
    number = 0
    known = PageWords(words)
    pending: list[int] = []
    for _, group in groupby(range(len(words)), key=lambda place: words[place].block):
        block = [place for place in group if not skip[place] and not is_note_mark(words, place)]
        heading = " ".join(words[place].text for place in block[:3]).strip(".:0123456789 ").casefold()
        if heading in _REFERENCES:
            return
        if not block or not _is_prose(words, block):
            pending = []
            continue
        continues = len(pending) <= 80 and words[block[0]].text[:1].islower()
        for places in _cut_block(words, (pending if continues else []) + block):
            pending = [] if words[places[-1]].text[-1:] in ".!?" else places
            sentence = _read_sentence(words, spans, places, known)
            if sentence is not None:
                number += 1
                yield sentence
                if number >= MAX_SENTENCES:
                    return


def _is_prose(words: Sequence[Word], block: Sequence[int]) -> bool:
    """Whether a block is running text: mostly plain lower-case words, few symbols, no dot leaders, not in a margin."""
    texts = [words[place].text for place in block[:400]]
    margin = words[block[0]].box.y1 < MARGIN or words[block[-1]].box.y0 > 1 - MARGIN
    leaders = texts.count(".") > 4 or any("...." in text or "····" in text or "……" in text for text in texts)
    if len(texts) < 5 or leaders or (margin and len(texts) <= 20):
        return False
    plain = sum(re.sub(r"[.,;:()\"'“”‘’!?-]", "", text).isalpha() for text in texts)
    symbols = sum(any(mark in text for mark in "{}=<>\\_|∑∫≤≥→") for text in texts)
    lower = sum(text[:1].islower() for text in texts)
    return plain >= 0.65 * len(texts) and symbols <= 0.06 * len(texts) and lower >= 0.4 * len(texts)


def _cut_block(words: Sequence[Word], block: Sequence[int]) -> Iterator[list[int]]:
    sentence: list[int] = []
    for at, place in enumerate(block):
        sentence.append(place)
        text = words[place].text.rstrip("\"'”’)]")
        follower = words[block[at + 1]].text[0] if at + 1 < len(block) else "X"
        initial = len(text) <= 3 and text[-2:-1].isupper()  # "J. Smith"
        ends = text[-1:] in {"!", "?"} or (text.endswith(".") and text.lower() not in _ABBREVIATIONS and not initial)
        if ends and (follower.isupper() or follower.isdigit() or follower in "\"“‘'(["):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _read_sentence(
    words: Sequence[Word], spans: Sequence[WordSpan], places: Sequence[int], known: PageWords
) -> Sentence | None:
    """The sentence with its offsets, or None if it cannot stand alone: too short, too long, a fragment."""
    if not 6 <= len(places) <= 60 or sum(len(words[place].text) + 1 for place in places) > MAX_SENTENCE_CHARS:
        return None
    text, offsets = "", list[int]()
    for at, place in enumerate(places):
        word, start = words[place], spans[place].start
        if text:
            before = words[places[at - 1]]
            mended = mend_word(before.text, word.text, known) if before.line != word.line else None
            if mended is None:
                text += " "
                offsets.append(offsets[-1] + 1)
            elif len(mended) < len(before.text) + len(word.text):
                text = text[:-1]
                offsets.pop()
        text += word.text
        offsets += range(start, start + len(word.text))
    whole = text[0].isupper() and text[-1] in '."”)' and text.isprintable() and FIELD_SEPARATOR not in text
    odd = any(mark in text for mark in "{}=<>\\∑∫|•" + UNKNOWN) or sum(map(str.isalpha, text)) < 0.7 * len(text)
    return Sentence(text, tuple(offsets)) if whole and not odd else None
