"""Whole sentences of running text on a page, with the place of every character.

Everything else is left out: running heads, tables of contents, lists of references, formulae, code, and headings or
items of lists that run into a sentence. Abbreviations are known in eight languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from docmatix.core.documents import UNKNOWN, Word, WordSpan
from docmatix.text.hyphens import PageWords, mend_word
from docmatix.text.numbers import is_note_mark

MAX_SENTENCES = 400
MAX_SENTENCE_CHARS = 400
"""Longer ones are rarely about one thing."""
MARGIN = 0.055
"""Share of the page height at top and bottom for running heads and page numbers (16 mm on A4)."""

_ABBREVIATIONS = frozenset(
    "mr. mrs. ms. dr. prof. st. no. nos. vs. e.g. i.e. etc. fig. figs. eq. eqs. sec. sect. al. inc. ltd. co. "
    "corp. jr. sr. approx. dept. est. vol. ch. art. cf. ca. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. "
    "nov. dec. u.s. u.k. rs. p. pp. nr. "
    "z.b. bzw. usw. abs. str. ggf. d.h. u.a. inkl. max. min. mio. mrd. tel. vgl. evtl. sog. geb. bspw. "
    "mme. mlle. cie. env. sra. srta. núm. pág. sig. dott. ing. pag. ecc. exmo. av. "
    "dhr. mevr. bijv. o.a. d.w.z. np. tzn. ul. tj. itd. godz. tys. mln. mld.".split()
)
_ORDINAL = re.compile(r"\d{1,2}\.")
_BEFORE_ORDINALS = frozenset("am im der die das dem den des vom zum bis ab seit und ein eine einem einer eines".split())
"""German words, after which `3.` is `third` and ends no sentence."""
_ITEM_MARK = re.compile(r"[•●○◦▪■□‣⁃∙·*–—-]|\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})[.)]")
_SUPERSCRIPTS = re.compile("[¹²³⁰-⁹]+")
_REFERENCES = frozenset({"references", "bibliography", "works cited", "literature cited"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` has single spaces and joined hyphenations; its character `i` is at `offsets[i]` in the page's text."""

    text: str
    offsets: tuple[int, ...]


def split_sentences(
    words: Sequence[Word], spans: Sequence[WordSpan], parts: Sequence[int | None]
) -> Iterator[Sentence]:
    """At most `MAX_SENTENCES` sentences that can stand alone, in page order, without the marks of footnotes. `parts`
    has a number for each word: a sentence lies in one part (an item of a list), and words without one are left out.

    A block that does not end a sentence is joined with the next one if that continues in lower case.
    """
    number = 0
    known = PageWords(words)
    pending: list[int] = []
    for (_, part), group in groupby(range(len(words)), key=lambda place: (words[place].block, parts[place])):
        if part is None:
            continue
        block = [
            place
            for place in group
            if not is_note_mark(words, place) and not _SUPERSCRIPTS.fullmatch(words[place].text.strip(".,;"))
        ]
        heading = " ".join(words[place].text for place in block[:3]).strip(".:0123456789 ").casefold()
        if heading in _REFERENCES:
            return
        if not block or not _is_prose(words, block):
            pending = []
            continue
        continues = 0 < len(pending) <= 80 and words[block[0]].text[:1].islower() and parts[pending[-1]] == part
        for places in _cut_block(words, (pending if continues else []) + block):
            pending = [] if words[places[-1]].text[-1:] in ".!?" else places
            sentence = _read_sentence(words, spans, _leave_out_heading(words, places), known)
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
    plain = sum(re.sub(r"[.,;:()\"'“”‘’„‚«»!?-]", "", text).isalpha() for text in texts)
    symbols = sum(any(mark in text for mark in "{}=<>\\_|∑∫≤≥→") for text in texts)
    lower = sum(text[:1].islower() for text in texts)
    return plain >= 0.65 * len(texts) and symbols <= 0.06 * len(texts) and lower >= 0.3 * len(texts)


def _cut_block(words: Sequence[Word], block: Sequence[int]) -> Iterator[list[int]]:
    sentence: list[int] = []
    for at, place in enumerate(block):
        starts_line = at > 0 and words[block[at - 1]].line != words[place].line
        if starts_line and _ITEM_MARK.fullmatch(words[place].text):
            if sentence:
                yield sentence
            sentence = []
            continue
        sentence.append(place)
        text = words[place].text.rstrip("\"'”’)]»“")
        follower = words[block[at + 1]].text[0] if at + 1 < len(block) else "X"
        initial = len(text) <= 3 and text[-2:-1].isupper()  # "J. Smith"
        initial |= (
            _ORDINAL.fullmatch(text) is not None and at > 0 and words[block[at - 1]].text.lower() in _BEFORE_ORDINALS
        )
        ends = text[-1:] in {"!", "?"} or (text.endswith(".") and text.lower() not in _ABBREVIATIONS and not initial)
        if ends and (follower.isupper() or follower.isdigit() or follower in "\"“‘'([„«¿¡"):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _leave_out_heading(words: Sequence[Word], places: list[int]) -> list[int]:
    """The words of a sentence without a heading in larger or bold print that runs into it; none where a change of print
    may be something else."""
    larger = next(
        (
            at
            for at in range(1, len(places))
            if words[places[at]].line != words[places[at - 1]].line
            and abs(words[places[at]].size - words[places[at - 1]].size) > 0.12 * words[places[at]].size > 0
        ),
        0,
    )
    if larger:
        places = places[larger:] if words[places[0]].size > words[places[larger]].size else []
    plain = next((at for at, place in enumerate(places) if not words[place].bold), 0)
    if plain:
        last, first = words[places[plain - 1]], words[places[plain]]
        apart = last.line != first.line or last.text[-1] in ".:–—"
        places = places[plain:] if apart else []
    return places


def _read_sentence(
    words: Sequence[Word], spans: Sequence[WordSpan], places: Sequence[int], known: PageWords
) -> Sentence | None:
    """The sentence with its offsets, or None if it cannot stand alone: too short, too long, a fragment."""
    if not 6 <= len(places) <= 80 or sum(len(words[place].text) + 1 for place in places) > MAX_SENTENCE_CHARS:
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
    whole = text[0].isupper() and text[-1] in '."”)»“' and text.isprintable()
    odd = any(mark in text for mark in "{}=<>\\∑∫|•" + UNKNOWN) or sum(map(str.isalpha, text)) < 0.6 * len(text)
    runs_in = _RUN_IN.match(text) is not None or len(_OF_REFERENCES.findall(text)) > 1
    return Sentence(text, tuple(offsets)) if whole and not odd and not runs_in else None


# "Scope The rules of ...": after words without a mark, these start a sentence
_RUN_IN = re.compile(
    r"(?:[^\s.,:;!?\"“”'’()–—-]+ ){1,9}"
    r"(?:The|This|These|In|It|We|You|There|An|If|When|For|As|Our|To|With|At|By|On) [a-z]"
)
_OF_REFERENCES = re.compile(
    r"\bet al\.|\bpp?\. ?\d|\b[Vv]ol\. ?\d|\bdoi\b|\b\d{1,4} ?\(\d{1,3}\)[,:]|[\s(](?:19|20)\d\d[a-z]?\)\.|"
    r"\b[A-Z][a-z]+, (?:[A-Z]\. ?){1,3}(?:,|&|and\b|\()|\bIn: |\b\d+:\d+[–-]\d+|\bPress[,.]|\beds?\.[,)]"
)
