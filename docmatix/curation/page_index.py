"""Pages indexed for searching many answers: linear in their text, done once, when a page is first searched."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from docmatix.core.documents import Page, Word, WordSpan, locate_words
from docmatix.curation.terms import COUNTS, FUNCTION_WORDS, NAMES, TIMES, list_terms, stem_piece
from docmatix.text.hyphens import mend_word
from docmatix.text.numbers import NUMERALS, list_near
from docmatix.text.pieces import cut_words, space_numbers

MAX_TRIES = 20_000
"""Places on one page where the letters of an answer begin inside a word, before it counts as not printed there."""


@dataclass(frozen=True, slots=True)
class SearchablePage:
    """A page's words as pieces. `starts` and `ends` are offsets in `joined`, `owners` the word of each piece; all three
    ascend. `postings` has the pieces at which each term begins, `reach` the last piece of terms that span several.
    `bound` and `magnitudes` are those of `CutWords`."""

    page: Page
    joined: str
    starts: list[int]
    ends: list[int]
    owners: list[int]
    postings: dict[str, list[int]]
    reach: dict[int, int]
    bound: list[bool]
    magnitudes: dict[int, str]

    def find_printed(self, needle: str, *, said: Collection[str] = ()) -> Iterator[tuple[int, int]]:
        """The (first, last) pieces of each place where the needle covers whole pieces, and whole numbers, with their
        magnitude unless it is among those `said`."""
        at = self.joined.find(needle)
        for _ in range(MAX_TRIES):
            if at < 0:
                return
            first = bisect_left(self.starts, at)
            last = bisect_left(self.ends, at + len(needle))
            if first < len(self.starts) and self.starts[first] == at and self.ends[last] == at + len(needle):
                whole = not self.bound[first] and not (last + 1 < len(self.bound) and self.bound[last + 1])
                if whole and (last not in self.magnitudes or self.magnitudes[last] in said):
                    yield first, last
            # skip to the next start of a piece: a page that is one endless word is left after the first look
            following = bisect_right(self.starts, at)
            if following == len(self.starts):
                return
            at = self.joined.find(needle, self.starts[following])

    def find_term(self, term: str) -> list[int]:
        """The pieces at which a term begins. A number with a magnitude may stand there without it, since tables give
        theirs in the heading."""
        places = self.postings.get(term, [])
        number = term.partition(TIMES)[0]
        return sorted({*places, *self.postings[number]}) if number != term and number in self.postings else places

    def list_words(self, first: int, last: int) -> Sequence[Word]:
        """The words that the pieces `first` to `last` (inclusive) belong to."""
        return self.page.words[self.owners[first] : self.owners[last] + 1]


def read_page(page: Page) -> SearchablePage:
    """Cut a page's words into pieces and index them, in time linear in the text."""
    held = tuple(page.words)
    words = [word.text for word in held]
    cut = cut_words(words, list_near(held, aspect=page.width_pt / page.height_pt))
    pieces, owners = cut.pieces, cut.owners

    parts, starts, ends, length = list(space_numbers(pieces, cut.glued)), [], [], 0
    for piece, part in zip(pieces, parts, strict=True):
        length += len(part)
        starts.append(length - len(piece))
        ends.append(length)

    postings: dict[str, list[int]] = {}
    terms, reach = list_terms(words, cut)
    for place, term in enumerate(terms):
        if term:
            postings.setdefault(term, []).append(place)
            if pieces[place] in FUNCTION_WORDS and _is_name(words[owners[place]], pieces[place]):
                postings.setdefault("=" + pieces[place], []).append(place)
            if term in COUNTS and _stands_alone(pieces, place):
                postings.setdefault(COUNTS[term], []).append(place)
    joined = list(_joined_terms(held, pieces, owners))
    for term, place in joined:
        postings.setdefault(term, []).append(place)
        reach[place] = place + 1
    for term in {term for term, _ in joined}:
        postings[term].sort()
    for number in COUNTS.values():
        if number in postings:
            postings[number].sort()
    return SearchablePage(page, "".join(parts), starts, ends, owners, postings, reach, cut.bound, cut.magnitudes)


def _stands_alone(pieces: Sequence[str], place: int) -> bool:
    """Whether a number in words is no part of a longer one: `twenty-five`, `two hundred`, `two and a half`."""
    around = {*pieces[max(0, place - 1) : place], *pieces[place + 1 : place + 2]}
    mixed = pieces[place + 1 : place + 2] in (["and"], ["point"]) or pieces[max(0, place - 2) : place][:1] == [
        "hundred"
    ]
    return not mixed and NUMERALS.isdisjoint(around)


def _is_name(word: str, piece: str) -> bool:
    return word.isupper() or (piece in NAMES and not word.islower())


def _joined_terms(words: Sequence[Word], pieces: Sequence[str], owners: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Words hyphenated at the end of a line, as terms, with their first piece."""
    for place, (one, other) in enumerate(pairwise(owners)):
        if one == other or words[one].line == words[other].line:
            continue
        if pieces[place].isalpha() and mend_word(words[one].text, words[other].text) is not None:
            yield stem_piece(pieces[place] + pieces[place + 1]), place


@dataclass(frozen=True, slots=True)
class PageIndex:
    """The pages of a document. Each is indexed when it is first searched."""

    pages: dict[int, Page]
    _read: dict[int, SearchablePage] = field(default_factory=dict, repr=False)
    _places: dict[int, list[WordSpan]] = field(default_factory=dict, repr=False)

    def choose_pages(self, within: Collection[int] | None = None) -> list[Page]:
        """The pages with these numbers, or all of them, in order."""
        numbers = self.pages if within is None else [number for number in set(within) if number in self.pages]
        return [self.pages[number] for number in sorted(numbers)]

    def look_at(self, within: Collection[int] | None = None) -> list[SearchablePage]:
        """The same pages, searchable."""
        pages = self.choose_pages(within)
        for page in pages:
            if page.number not in self._read:
                self._read[page.number] = read_page(page)
        return [self._read[page.number] for page in pages]

    def list_words(self, number: int, start: int, end: int) -> Sequence[Word]:
        """The words that characters `start` to `end` (exclusive) of a page's text belong to."""
        if number not in self._places:
            self._places[number] = locate_words(self.pages[number].words)
        places = self._places[number]
        first = bisect_right(places, start, key=lambda place: place.end)
        last = bisect_left(places, end, key=lambda place: place.start)
        return self.pages[number].words[first:last]


def index_pages(pages: Iterable[Page]) -> PageIndex:
    """Make pages searchable for many answers."""
    return PageIndex({page.number: page for page in pages})
