"""Pages indexed for searching many answers: linear in their text, done once, when a page is first searched."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from docmatix.core.documents import Page, Word, WordSpan, locate_words
from docmatix.curation.terms import list_terms, stem_piece
from docmatix.text.pieces import space_numbers, split_pieces

MAX_TRIES = 20_000
"""Places on one page where the letters of an answer begin inside a word, before it counts as not printed there."""
_HYPHENS = ("-", "\u00ad", "\u2010", "\u2011")


@dataclass(frozen=True, slots=True)
class SearchablePage:
    """A page's words as pieces. `starts` and `ends` are offsets in `joined`, `owners` the word of each piece; all three
    ascend. `postings` has the pieces at which each term begins, `reach` the last piece of terms that span several."""

    page: Page
    joined: str
    starts: list[int]
    ends: list[int]
    owners: list[int]
    postings: dict[str, list[int]]
    reach: dict[int, int]

    def find_printed(self, needle: str) -> Iterator[tuple[int, int]]:
        """The (first, last) pieces of each place where the needle covers whole pieces."""
        at = self.joined.find(needle)
        for _ in range(MAX_TRIES):
            if at < 0:
                return
            first = bisect_left(self.starts, at)
            last = bisect_left(self.ends, at + len(needle))
            if first < len(self.starts) and self.starts[first] == at and self.ends[last] == at + len(needle):
                yield first, last
            # skip to the next start of a piece: a page that is one endless word is left after the first look
            following = bisect_right(self.starts, at)
            if following == len(self.starts):
                return
            at = self.joined.find(needle, self.starts[following])

    def list_words(self, first: int, last: int) -> tuple[Word, ...]:
        """The words that the pieces `first` to `last` (inclusive) belong to."""
        return self.page.words[self.owners[first] : self.owners[last] + 1]


def read_page(page: Page) -> SearchablePage:
    """Cut a page's words into pieces and index them, in time linear in the text."""
    known: dict[str, list[str]] = {}
    pieces: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(page.words):
        cut = known.get(word.text)
        if cut is None:
            cut = known[word.text] = split_pieces(word.text)
        pieces += cut
        owners += [index] * len(cut)

    parts, starts, ends, length = list(space_numbers(pieces)), [], [], 0
    for piece, part in zip(pieces, parts, strict=True):
        length += len(part)
        starts.append(length - len(piece))
        ends.append(length)

    postings: dict[str, list[int]] = {}
    reach: dict[int, int] = {}
    for place, term in enumerate(list_terms(pieces)):
        postings.setdefault(term, []).append(place)
    joined = list(_joined_terms(page.words, pieces, owners))
    for term, place, last in joined:
        postings.setdefault(term, []).append(place)
        reach[place] = last
    for term in {term for term, _, _ in joined}:
        postings[term].sort()
    return SearchablePage(page, "".join(parts), starts, ends, owners, postings, reach)


def _joined_terms(
    words: Sequence[Word], pieces: Sequence[str], owners: Sequence[int]
) -> Iterator[tuple[str, int, int]]:
    """Terms that a page prints as several words, with their first and last piece: words hyphenated at the end of a
    line, and numbers with a plain space as thousands separator."""
    for place, (one, other) in enumerate(pairwise(owners)):
        if one == other:
            continue
        before, after = words[one], words[other]
        if before.line != after.line:
            if before.text.endswith(_HYPHENS) and pieces[place].isalpha() and after.text[0].islower():
                yield stem_piece(pieces[place] + pieces[place + 1]), place, place + 1
        elif len(pieces[place]) <= 3 and pieces[place].isdigit() and (place == 0 or owners[place - 1] != one):
            last = place
            while last + 1 < len(pieces) and last < place + 6 and _is_group(words, pieces, owners, last + 1):
                last += 1
            if last > place:
                yield "".join(pieces[place : last + 1]), place, last


def _is_group(words: Sequence[Word], pieces: Sequence[str], owners: Sequence[int], place: int) -> bool:
    piece, word, before = pieces[place], words[owners[place]], words[owners[place - 1]]
    return len(piece) == 3 and piece.isdigit() and word.text == piece and word.line == before.line


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

    def list_words(self, number: int, start: int, end: int) -> tuple[Word, ...]:
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
