"""Grounding: is the answer on the page, and where.

An answer is *printed* (1.0) if its pieces, joined without spaces, stand on a page from the start of a piece to the end
of one, and cut no number; else *near* (below 1.0), by the share of its content terms in a close window for each
sentence; or, if it has no content (`Yes`), its grounding is *unknown* (None). Where OCR is unsure of a word, one that
looks like the answer's counts as near. What was measured, and what is missed: `docs/design/curation.md`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import NamedTuple

from docmatix.core.documents import UNKNOWN, Box, Page, Word
from docmatix.core.pairs import Evidence
from docmatix.curation.confusions import respell
from docmatix.curation.marks import drop_marks, find_marks, read_around
from docmatix.curation.page_index import PageIndex, SearchablePage, index_pages, read_page
from docmatix.curation.terms import (
    FUNCTION_WORDS,
    MAX_ANSWER_CHARS,
    NEGATION,
    TIMES,
    content_terms,
    has_content,
    is_exact,
)
from docmatix.text.numbers import MAGNITUDES
from docmatix.text.pieces import SPACELESS_START, cut_words, join_pieces, split_pieces

NEAR_CEILING = 0.95
"""The score of an answer whose words all stand close together, but not in its order."""
MISSING_NUMBER_CAP = 0.3
"""The most an answer can score if one of its numbers, months or negations is not where its sentence is; half the
default `min_score`."""
NUMBER_WEIGHT = 2
NUMBER_REACH = 60
"""Pieces on either side of a window in which its numbers may stand, such as in the header of a table."""
MAX_CHUNK_TERMS = 24
MIN_CLAUSE_TERMS = 4
"""Of fewer words a clause may be found anywhere: `bread, butter, and milk`."""
MAX_CHUNKS = 40
MAX_WINDOWS = 3
"""Pieces of evidence for an answer."""
MAX_POSTINGS = 500
"""Places of one term that are looked at on a page. Only function words are more frequent, even on dense pages."""
MAX_OCCURRENCES = 64
"""Places of a printed answer that are compared to choose its evidence."""
NEIGHBOURHOOD = 40
"""Pieces on either side of a printed answer in which words of the question speak for this place."""

_SPACED_SIGN = re.compile(r"(?<!\S)[-\u2010-\u2014\u2212] (?=[$€£¥]?\d)")
_RANGE = re.compile(r"(?<![\w.,-])(\d{1,3}(?:\.\d+)?) to (\d{1,3}(?:\.\d+)?)(?![\w-])")
_LIST_MARK = re.compile(r"(?m)^[ \t]*\(?\d{1,2}[.)][ \t]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")
_CLAUSE_END = re.compile(r",\s+(?:and|but|while|whereas|und|aber|während|et|mais|y|pero)\s+")


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
    if UNKNOWN in answer:
        return Grounding(0.0)
    if span is not None and (needle := _spell(answer)):
        evidence = _confirm_span(needle, index, span)
        if evidence:
            return Grounding(1.0, (evidence,))
    if not has_content(answer):
        return Grounding(None)
    searched = index.look_at(within)
    found = _look_for(answer, question, searched)
    if found.score is not None and found.score < NEAR_CEILING and (respelled := _respell(searched, answer)):
        again = _look_for(answer, question, respelled)
        if again.score is not None and again.score > found.score:
            return Grounding(min(again.score, NEAR_CEILING), again.evidence)
    return found


def _respell(searched: Sequence[SearchablePage], answer: str) -> list[SearchablePage]:
    """The pages with what OCR may have misread spelled as in the answer; none if that is nothing. Their words stay as
    they were read, for the evidence."""
    spelled = [(each, respell(each.page, answer)) for each in searched]
    if all(page is None for _, page in spelled):
        return []
    return [each if page is None else replace(read_page(page), page=each.page) for each, page in spelled]


def _look_for(answer: str, question: str, searched: Sequence[SearchablePage]) -> Grounding:
    said = frozenset(MAGNITUDES[word] for word in question.lower().rstrip("?").split() if word in MAGNITUDES)
    needles = list(dict.fromkeys(_readings(answer)))
    for needle in needles:
        place = _find_printed(needle, answer, question, searched, said)
        if place:
            return Grounding(1.0, (place.to_evidence(),))
    near = _ground_nearly(_without_list_marks(answer), content_terms(question), searched, said)
    if near.score and find_marks(answer) and _is_anywhere(needles[0], searched, said):
        return Grounding(min(near.score, MISSING_NUMBER_CAP), near.evidence)
    return near


def _is_anywhere(needle: str, searched: Sequence[SearchablePage], said: Collection[str]) -> bool:
    return any(True for page in searched for _ in page.find_printed(needle, said=said))


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
    if _spell(index.pages[number].text[start:end]) != needle:
        return None
    words = index.list_words(number, start, end)
    return make_evidence(number, words) if words else None


def _spell(text: str) -> str:
    cut = cut_words(text.split())
    return join_pieces(cut.pieces, cut.glued)


def _readings(answer: str) -> Iterator[str]:
    """The answer's pieces as it stands; its groups of digits as numbers of their own, such as two columns; its spaced
    dashes as signs; its ranges with a dash; without its list numbers; and without the words for the marks of its
    numbers (`500 dollars`)."""
    cut = cut_words(answer.split())
    yield join_pieces(cut.pieces, cut.glued)
    if any(cut.glued):
        yield join_pieces(cut.pieces)
    signed = _SPACED_SIGN.sub("-", answer)
    if signed != answer:
        yield _spell(signed)
    ranged = _RANGE.sub(r"\1-\2", answer)
    if ranged != answer:
        yield _spell(ranged)
    plain = _without_list_marks(answer)
    if plain != answer and split_pieces(plain):
        yield _spell(plain)
    if find_marks(answer) and split_pieces(drop_marks(answer)):
        yield _spell(drop_marks(answer))


def _without_list_marks(answer: str) -> str:
    return _LIST_MARK.sub("", answer)


def _find_printed(
    needle: str, answer: str, question: str, searched: Sequence[SearchablePage], said: Collection[str]
) -> _Place | None:
    marks, plain = find_marks(answer), _spell(answer)
    found = (
        _Place(page, *pieces)
        for page in searched
        for pieces in page.find_printed(needle, said=said)
        if _has_names(answer, page, *pieces) and _has_marks(marks, page, *pieces, spelled=needle == plain)
    )
    places = list(islice(found, MAX_OCCURRENCES))
    if len(places) < 2:
        return places[0] if places else None
    asked = content_terms(question)[:MAX_CHUNK_TERMS]
    literal = answer.strip()

    def support(place: _Place) -> tuple[bool, int]:
        low, high = place.first - NEIGHBOURHOOD, place.last + NEIGHBOURHOOD
        near = 0
        for term in asked:
            near += _stands_within(place.page.postings.get(term, ()), low, high)
        # `U.S.` and `us` have the same pieces
        quote = " ".join(word.text for word in place.page.list_words(place.first, place.last))
        return literal in quote, near

    return max(places, key=support)


def _has_names(answer: str, page: SearchablePage, first: int, last: int) -> bool:
    """Whether the page has the months and the names spelled like function words as names too (`May`, not `may`)."""
    names = (term for term in content_terms(answer) if term[0] == "=" and term != NEGATION)
    return all(_stands_within(page.postings.get(name, ()), first, last) for name in names)


def _has_marks(marks: Collection[str], page: SearchablePage, first: int, last: int, *, spelled: bool) -> bool:
    """Whether the page has one of the marks of the answer's numbers; where it is spelled as in the answer, or none."""
    if not marks:
        return True
    words, low, high = page.page.words, page.owners[first], page.owners[last]
    before = words[low - 1].text if low > 0 else ""
    after = words[high + 1].text if high + 1 < len(words) else ""
    there = read_around(before, " ".join(word.text for word in words[low : high + 1]), after)
    return not there.isdisjoint(marks) or (spelled and not there)


def _stands_within(posting: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(posting, low)
    return at < len(posting) and posting[at] <= high


# --- near answers -----------------------------------------------------------------------------------------------------


class _Window(NamedTuple):
    place: _Place
    weight: int
    terms: frozenset[str]


def _weigh(term: str) -> int:
    return NUMBER_WEIGHT if is_exact(term) else 1


def _ground_nearly(
    answer: str, asked: Sequence[str], searched: Sequence[SearchablePage], said: Collection[str]
) -> Grounding:
    """What the question says itself proves nothing, unless the answer says nothing else."""
    chunks = list(islice(_cut_chunks(answer, said), MAX_CHUNKS))
    known = frozenset(asked)
    if known.issuperset(term for terms, _ in chunks for term in terms):
        known = frozenset()
    total = found = 0
    complete = True
    windows: list[_Window] = []
    for terms, pieces in chunks:
        wanted = [term for term in terms if term not in known]
        if not wanted:
            continue
        total += sum(map(_weigh, wanted))
        window = _find_window(wanted, searched, reach=pieces + pieces // 2 + 4, asked=asked)
        missing = [term for term in wanted if is_exact(term) and (window is None or term not in window.terms)]
        if window is not None:
            near = [term for term in missing if _stands_near(term, window.place)]
            found += window.weight + sum(map(_weigh, near))
            windows.append(window)
            missing = [term for term in missing if term not in near]
        complete &= not missing
    if not found:
        return Grounding(0.0)
    score = NEAR_CEILING * (found / total)
    if not complete:
        score = min(score, MISSING_NUMBER_CAP)
    return Grounding(score, tuple(place.to_evidence() for place in _choose_places(windows)))


def _stands_near(term: str, place: _Place) -> bool:
    low, high = place.first - NUMBER_REACH, place.last + NUMBER_REACH
    return _stands_within(place.page.find_term(term), low, high)


def _cut_chunks(answer: str, said: Collection[str]) -> Iterator[tuple[Sequence[str], int]]:
    """The content terms of each sentence, at most MAX_CHUNK_TERMS at a time, with how many pieces it had."""
    sentences = [s for one in _SENTENCE_END.split(answer) if split_pieces(one) for s in _split_clauses(one)]
    # a sentence of function words has no content, unless the whole answer is one
    telling = [s for s in sentences if not FUNCTION_WORDS.issuperset(split_pieces(s))] or sentences
    for sentence in telling:
        terms, length = content_terms(sentence), len(split_pieces(sentence))
        if len(said) == 1 and not any(TIMES in term for term in terms):
            # "How many million ...?": the page may print the magnitude that the answer leaves to the question
            terms = tuple(term + TIMES + next(iter(said)) if term[0].isdigit() else term for term in terms)
        for start in range(0, len(terms), MAX_CHUNK_TERMS):
            yield terms[start : start + MAX_CHUNK_TERMS], min(length, 2 * MAX_CHUNK_TERMS)


def _split_clauses(sentence: str) -> list[str]:
    """A sentence at its conjunctions, each clause of which may be said elsewhere; whole if a part of it is short."""
    clauses = _CLAUSE_END.split(sentence)
    long = len(clauses) > 1 and all(len(content_terms(clause)) >= MIN_CLAUSE_TERMS for clause in clauses)
    return clauses if long else [sentence]


def _find_window(
    terms: Sequence[str], searched: Sequence[SearchablePage], *, reach: int, asked: Sequence[str]
) -> _Window | None:
    """The window of at most `reach` pieces with most of the terms, if it has enough; a term alone is looked for where
    the question's words are."""
    wanted = set(terms)
    if len(wanted) == 1:
        return _find_alone(terms[0], searched, asked)
    # one word of several is chance, so a window must have two, and a third of all
    # measured: of 8 to 30 random words of the same page, 37 % pass 0.6 with one window, 52 % with up to three
    enough = max(min(2, len(wanted)), -(-len(wanted) // 3))
    best = max(
        (window for page in searched if (window := _find_densest(wanted, page, reach=reach))),
        key=lambda window: (window.weight, window.place.first - window.place.last),
        default=None,
    )
    return best if best is not None and len(best.terms) >= enough else None


def _find_alone(term: str, searched: Sequence[SearchablePage], asked: Sequence[str]) -> _Window | None:
    best: tuple[int, _Place] | None = None
    for page in searched:
        for at in page.find_term(term)[:MAX_OCCURRENCES]:
            low, high = at - NEIGHBOURHOOD, at + NEIGHBOURHOOD
            near = sum(_stands_within(page.postings.get(each, ()), low, high) for each in asked[:MAX_CHUNK_TERMS])
            if best is None or near > best[0]:
                best = near, _Place(page, at, _last_piece(page, at, term))
    return _Window(best[1], _weigh(term), frozenset((term,))) if best else None


def _find_densest(wanted: Collection[str], page: SearchablePage, *, reach: int) -> _Window | None:
    """The heaviest window of a page; of equal ones the shortest, then the first. Linear in the places of the terms."""
    hits = sorted((place, term) for term in wanted for place in page.find_term(term)[:MAX_POSTINGS])
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
