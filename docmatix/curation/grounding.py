"""Grounding: is the answer on the page, and where.

An answer is *printed* (1.0) if its pieces, joined without spaces, stand on a page from the start of a piece to the end
of one; else *near* (below 1.0), by the share of its content terms in close windows; or, if it has no content (`Yes`),
its grounding is *unknown* (None). What was measured, and what is missed: `docs/design/curation.md`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import NamedTuple

from docmatix.core.documents import Box, Page, Word
from docmatix.core.pairs import Evidence
from docmatix.curation.page_index import PageIndex, SearchablePage, index_pages
from docmatix.curation.terms import FUNCTION_WORDS, MAX_ANSWER_CHARS, content_terms, has_content
from docmatix.text.pieces import SPACELESS_START, join_pieces, split_pieces

NEAR_CEILING = 0.95
"""The score of an answer whose words all stand close together, but not in its order."""
MISSING_NUMBER_CAP = 0.3
"""The most an answer can score if one of its numbers is on none of the pages; half the default `min_score`."""
NUMBER_WEIGHT = 2
MAX_CHUNK_TERMS = 24
MAX_CHUNKS = 40
MAX_WINDOWS = 3
"""Windows for a sentence, and pieces of evidence for an answer."""
MAX_POSTINGS = 500
"""Places of one term that are looked at on a page. Only function words are more frequent, even on dense pages."""
MAX_OCCURRENCES = 64
"""Places of a printed answer that are compared to choose its evidence."""
NEIGHBOURHOOD = 40
"""Pieces on either side of a printed answer in which words of the question speak for this place."""

_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
_LIST_MARK = re.compile(r"(?m)^[ \t]*\(?\d{1,2}[.)][ \t]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")


@dataclass(frozen=True, slots=True)
class Grounding:
    """How well an answer is supported by the pages (0..1, None where that is unknown), and where."""

    score: float | None
    evidence: tuple[Evidence, ...] = ()


class _Place(NamedTuple):
    """Pieces `first` to `last` (inclusive) of a page."""

    page: SearchablePage
    first: int
    last: int

    def to_evidence(self) -> Evidence:
        return make_evidence(self.page.page.number, self.page.list_words(self.first, self.last))


def ground(
    answer: str,
    pages: Sequence[Page] | PageIndex,
    *,
    span: tuple[int, int, int] | None = None,
    question: str = "",
    within: Collection[int] | None = None,
) -> Grounding:
    """Look for an answer on the pages, on those with a number in `within` if given. `span` (page number, start, end) is
    where the answer was taken from, and is its evidence if the text there reads the same; otherwise it is the place
    with most words of `question` close by, then the first."""
    index = pages if isinstance(pages, PageIndex) else index_pages(pages)
    answer = answer[:MAX_ANSWER_CHARS]
    needle = join_pieces(split_pieces(answer))
    if span is not None and needle:
        evidence = _confirm_span(needle, index, span)
        if evidence:
            return Grounding(1.0, (evidence,))
    if not has_content(answer):
        return Grounding(None)
    searched = index.look_at(within)
    for reading in _readings(answer):
        place = _find_printed(join_pieces(split_pieces(reading)), answer, question, searched)
        if place:
            return Grounding(1.0, (place.to_evidence(),))
    return _ground_nearly(_SPACED_THOUSANDS.sub(_join_thousands, _without_list_marks(answer)), searched)


def make_evidence(page_number: int, words: Sequence[Word]) -> Evidence:
    """The words as printed, with one box for each line they cover."""
    boxes = tuple(_surround(word.box for word in line) for _, line in groupby(words, key=lambda word: word.line))
    return Evidence(page_number, " ".join(word.text for word in words), boxes)


def _surround(boxes: Iterable[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


def _confirm_span(needle: str, index: PageIndex, span: tuple[int, int, int]) -> Evidence | None:
    number, start, end = span
    if number not in index.pages or not 0 <= start < end:
        return None
    if join_pieces(split_pieces(index.pages[number].text[start:end])) != needle:
        return None
    words = index.list_words(number, start, end)
    return make_evidence(number, words) if words else None


def _readings(answer: str) -> Iterator[str]:
    """The answer as it stands, then with its spaced thousands closed up, then without its list numbers."""
    yield answer
    closed = _SPACED_THOUSANDS.sub(_join_thousands, answer)
    if closed != answer:
        yield closed
    plain = _without_list_marks(answer)
    if plain != answer and split_pieces(plain):
        yield plain


def _join_thousands(found: re.Match[str]) -> str:
    return found[0].replace(" ", "")


def _without_list_marks(answer: str) -> str:
    return _LIST_MARK.sub("", answer)


def _find_printed(needle: str, answer: str, question: str, searched: Sequence[SearchablePage]) -> _Place | None:
    found = (_Place(page, *pieces) for page in searched for pieces in page.find_printed(needle))
    places = list(islice(found, MAX_OCCURRENCES))
    if len(places) < 2:
        return places[0] if places else None
    asked = content_terms(question)[:MAX_CHUNK_TERMS]
    literal = answer.strip()

    def support(place: _Place) -> tuple[bool, int]:
        low, high = place.first - NEIGHBOURHOOD, place.last + NEIGHBOURHOOD
        near = 0
        for term in asked:
            posting = place.page.postings.get(term, [])
            at = bisect_left(posting, low)
            near += at < len(posting) and posting[at] <= high
        # `U.S.` and `us` have the same pieces
        quote = " ".join(word.text for word in place.page.list_words(place.first, place.last))
        return literal in quote, near

    return max(places, key=support)


# --- near answers -----------------------------------------------------------------------------------------------------


class _Window(NamedTuple):
    place: _Place
    weight: int
    terms: frozenset[str]


def _weigh(term: str) -> int:
    return NUMBER_WEIGHT if term[0].isdigit() else 1


def _ground_nearly(answer: str, searched: Sequence[SearchablePage]) -> Grounding:
    total = found = 0
    windows: list[_Window] = []
    for terms, pieces in islice(_cut_chunks(answer), MAX_CHUNKS):
        total += sum(map(_weigh, terms))
        for window in _find_windows(terms, searched, reach=pieces + pieces // 2 + 4):
            found += window.weight
            windows.append(window)
    if not found:
        return Grounding(0.0)
    score = NEAR_CEILING * (found / total)
    numbers = [piece for piece in split_pieces(answer) if piece[0].isdigit()]
    if not all(any(number in page.postings for page in searched) for number in numbers):
        score = min(score, MISSING_NUMBER_CAP)
    return Grounding(score, tuple(place.to_evidence() for place in _choose_places(windows)))


def _cut_chunks(answer: str) -> Iterator[tuple[Sequence[str], int]]:
    """The content terms of each sentence, at most MAX_CHUNK_TERMS at a time, with how many pieces it had."""
    sentences = [s for s in _SENTENCE_END.split(answer) if split_pieces(s)]
    # a sentence of function words has no content, unless the whole answer is one
    telling = [s for s in sentences if not FUNCTION_WORDS.issuperset(split_pieces(s))] or sentences
    for sentence in telling:
        terms, length = content_terms(sentence), len(split_pieces(sentence))
        for start in range(0, len(terms), MAX_CHUNK_TERMS):
            yield terms[start : start + MAX_CHUNK_TERMS], min(length, 2 * MAX_CHUNK_TERMS)


def _find_windows(terms: Sequence[str], searched: Sequence[SearchablePage], *, reach: int) -> Iterator[_Window]:
    """Up to MAX_WINDOWS windows of at most `reach` pieces, each the one with most of the terms not found before."""
    wanted = set(terms)
    # one word of several is chance, so a window must have two, and a third of all
    # measured: of 8 to 30 random words of the same pages, 40 to 46 % pass 0.6 with this rule, 68 to 84 % without it
    enough = max(min(2, len(wanted)), -(-len(wanted) // MAX_WINDOWS))
    for _ in range(MAX_WINDOWS):
        best = max(
            (window for page in searched if (window := _find_densest(wanted, page, reach=reach))),
            key=lambda window: (window.weight, window.place.first - window.place.last),
            default=None,
        )
        if best is None or len(best.terms) < enough:
            return
        yield best
        wanted -= best.terms


def _find_densest(wanted: Collection[str], page: SearchablePage, *, reach: int) -> _Window | None:
    """The heaviest window of a page; of equal ones the shortest, then the first. Linear in the places of the terms."""
    hits = sorted((place, term) for term in wanted for place in page.postings.get(term, [])[:MAX_POSTINGS])
    held: Counter[str] = Counter()
    weight, left = 0, 0
    best: tuple[int, int, int, int] | None = None
    for right, (place, term) in enumerate(hits):
        held[term] += 1
        weight += _weigh(term) if held[term] == 1 else 0
        while place - hits[left][0] > reach or held[hits[left][1]] > 1:
            leaving = hits[left][1]
            held[leaving] -= 1
            weight -= 0 if held[leaving] else _weigh(leaving)
            left += 1
        candidate = (weight, hits[left][0] - place, left, right)
        if best is None or candidate[:2] > best[:2]:
            best = candidate
    if best is None:
        return None
    weight, _, left, right = best
    inside = hits[left : right + 1]
    last = max(_last_piece(page, place, term) for place, term in inside)
    return _Window(_Place(page, inside[0][0], last), weight, frozenset(term for _, term in inside))


def _last_piece(page: SearchablePage, place: int, term: str) -> int:
    return max(page.reach.get(place, place), place + (len(term) > 1 and bool(SPACELESS_START.match(term))))


def _choose_places(windows: Iterable[_Window]) -> list[_Place]:
    """The heaviest places, overlapping ones merged, in reading order."""
    heaviest = sorted(windows, key=lambda window: -window.weight)[:MAX_WINDOWS]
    merged: list[_Place] = []
    for place in sorted((w.place for w in heaviest), key=lambda p: (p.page.page.number, p.first, p.last)):
        if merged and merged[-1].page is place.page and place.first <= merged[-1].last + 1:
            merged[-1] = _Place(place.page, merged[-1].first, max(merged[-1].last, place.last))
        else:
            merged.append(place)
    return merged
