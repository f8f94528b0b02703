"""Is the answer on the page, and where: the check that the published dataset never had.

Both sides are cut into *pieces*: runs of letters, or numbers in one spelling, after Unicode NFKC and case folding,
without punctuation and format characters (soft hyphens, bidi marks). An answer is

- **printed** (score 1.0) if its pieces, joined without spaces, stand in the joined pieces of a page, from the start of
  a piece to the end of one. Joining makes `well-known`, `well known` and a `well-` / `known` broken over two lines
  the same, and serves scripts without spaces, where every character is a piece;
- **near** (score below 1.0) otherwise: 0.95 times the share of its content words found in close windows, sentence by
  sentence, up to three windows each. A number weighs twice. A number that is on none of the pages caps the score at
  0.3, however good the rest: a wrong figure in a fitting sentence is the error that readers do not notice;
- **not computable** (score None, no evidence) if it has no content of its own to look for: `Yes`, `No`, `-`.

What it does not see: signs and units that are not letters (`-5 %` is 5), negations, and which figure belongs to which
row. An answer that runs over the end of a page is near at best.

Measured on the pages of 55 real documents, at a score of 0.6: of runs of 4 to 30 words with 30 % left out and the rest
shuffled, 94 to 99 % are grounded; of runs from another document, 1 % (of single words, 11 %).

Work: reading a page is linear in its text and done once, when the page is first searched; an answer costs one linear
scan of the joined text, in C, plus a bounded number of steps.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby, islice, pairwise, zip_longest
from typing import NamedTuple

from docmatix.core.documents import Box, Page, Word, WordSpan, locate_words
from docmatix.core.pairs import Evidence

NEAR_CEILING = 0.95
"""What an answer scores whose words all stand close together, but not as it has them: never a full 1.0."""
MISSING_NUMBER_CAP = 0.3
"""The most an answer can score that has a number the pages do not have; half the default `min_score`."""
NUMBER_WEIGHT = 2
MAX_ANSWER_CHARS = 5_000
"""Of a longer answer only the beginning is looked at. (Filters drop answers past 1,200 characters by default.)"""
MAX_CHUNK_TERMS = 24
MAX_CHUNKS = 40
MAX_WINDOWS = 3
"""Windows a sentence may draw on, and pieces of evidence an answer may have."""
MAX_POSTINGS = 500
"""Places of one word that are looked at on a page. Only function words are more frequent, even on dense pages."""
MAX_OCCURRENCES = 64
"""Places of a printed answer that are compared to choose its evidence."""
MAX_TRIES = 20_000
"""Places on one page where the letters of an answer begin inside a word, before it counts as not printed there."""
NEIGHBOURHOOD = 40
"""Pieces on either side of a printed answer in which words of the question speak for this place."""

# --- pieces -----------------------------------------------------------------------------------------------------------

# Scripts written without spaces between words, and Hangul, whose particles stick to the noun: one piece a character.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECE = re.compile(
    rf"(?P<number>\d+(?:[.,']\d+)*)|[{_SPACELESS}]|[^\s\d.,'{_SPACELESS}][^\s.,'{_SPACELESS}]*",
)
_SPACELESS_START = re.compile(f"[{_SPACELESS}]")
# no-break and thin spaces inside a number; a plain space may as well stand between two columns
_HARD_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
_LIST_MARK = re.compile(r"(?m)^[ \t]*\(?\d{1,2}[.)][ \t]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")
_HYPHENS = ("-", "\u00ad", "\u2010", "\u2011")


class _Apart(dict[int, str | int]):
    """Puts a space before superscripts, subscripts and fractions: NFKC would turn `10⁶` into 106 and `1½` into 11/2."""

    def __missing__(self, code: int) -> str | int:
        kind = unicodedata.decomposition(chr(code)).partition(" ")[0]
        self[code] = f" {chr(code)}" if kind in ("<super>", "<sub>", "<fraction>") else code
        return self[code]


class _Fold(dict[int, str | int | None]):
    """Keeps letters, marks, digits (as ASCII) and what may stand inside a number; drops format characters; the rest
    becomes a space.
    """

    def __missing__(self, code: int) -> str | int | None:
        character, category = chr(code), unicodedata.category(chr(code))
        kept: str | int | None = " "
        if category == "Nd":
            kept = str(unicodedata.decimal(character))
        elif category[0] in "LMN":
            kept = code
        elif category in ("Cf", "Cs"):
            kept = None
        self[code] = kept
        return kept


_APART = _Apart()
_FOLD = _Fold({ord("."): ".", ord(","): ",", ord("\u066b"): ".", ord("\u066c"): ",", ord("\u0640"): None})
_FOLD.update(dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"), "'"))


def split_pieces(text: str) -> list[str]:
    """The pieces of a text: letters folded, numbers in one spelling (`1,234.50`, `1 234,50` -> `1234.50`)."""
    if not text.isascii():
        text = _HARD_THOUSANDS.sub("", text)
        text = unicodedata.normalize("NFKC", text.translate(_APART))
    pieces: list[str] = []
    for found in _PIECE.finditer(text.casefold().translate(_FOLD)):
        if found["number"]:
            pieces += _spell_number(found["number"])
        else:
            pieces.append(found[0])
    return pieces


def join_pieces(pieces: Iterable[str]) -> str:
    """The pieces without spaces, except between two numbers, where `3 5` must not become 35."""
    return "".join(_with_gaps(pieces))


def _with_gaps(pieces: Iterable[str]) -> Iterator[str]:
    before = ""
    for piece in pieces:
        yield " " + piece if before[-1:].isdigit() and piece[0].isdigit() else piece
        before = piece


def _spell_number(number: str) -> list[str]:
    """One spelling for a number, or several numbers where separators part them: `1,2,3` is three."""
    if number.isdigit():
        return [number]
    groups = re.split("[.,']", number)
    marks = re.findall("[.,']", number)
    thousands = all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3
    if len(set(marks)) == 1:
        mark = marks[0]
        if mark == ".":
            return ["".join(groups)] if thousands and len(marks) > 1 else [number]
        if thousands and groups[0] != "0":
            return ["".join(groups)]
        # `3,5` and `0,125` are decimal commas; `March 5,2019` and `1,2,3` are not
        if mark == "," and len(marks) == 1 and (len(groups[1]) <= 2 or groups[0] == "0"):
            return [".".join(groups)]
        return groups
    whole, last = groups[:-1], groups[-1]
    if marks[-1] != "'" and marks[-1] not in marks[:-1] and len(whole[0]) <= 3 and all(len(g) == 3 for g in whole[1:]):
        return ["".join(whole) + "." + last]
    return groups


# --- terms: what near answers are compared by -------------------------------------------------------------------------

_COMMON = """
    a about after all also an and any are as at be been being both but by can could did do does each either for from
    had has have he her here his how i if in into is it its may more most must neither nor not of off on one or other
    our out over own s she should so some such t than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom whose why will with within without
    would you your yes no true false according answer document mentioned mentions page passage provided states stated
    text
    der die das den dem des ein eine einer eines einem einen und oder ist sind war im am zu zur zum von vom mit auf für
    bei nach aus als auch nicht es sich wird werden ja nein
    le la les un une des du de et ou est sont dans en au aux par pour sur avec ce cette ces qui que il elle se oui non
    el los las una unos unas y e o es son del al por para con su sus lo como sí si
    il lo gli i uno di da nel nella della dei delle che è per ed
    os um uma do da dos das no na nos nas em ao à com sim não
    het een van op met voor niet zijn te dat
"""
_FUNCTION_WORDS = frozenset(_COMMON.split())
"""The commonest words of seven languages, and what answers say about the page they answer from."""
_CONTENTLESS = """
    yes no true false none na nil oui non vrai faux ja nein sí si sim não tak nie да нет हाँ नहीं はい いいえ
    是 否 是的 不是 没有 예 아니요 نعم لا
"""
_UNCOMPUTABLE = frozenset(_CONTENTLESS.split())


def stem_piece(piece: str) -> str:
    """A piece without its ending: one final s dropped, six letters kept; numbers stay whole. Truncation stands in for a
    stemmer: it needs no language and no table.
    """
    if piece[0].isdigit():
        return piece
    return (piece[:-1] if len(piece) > 3 and piece.endswith("s") else piece)[:6]


def list_terms(pieces: Sequence[str]) -> list[str]:
    """One term for each piece: its stem; in scripts without spaces the character with the next one, since single
    characters are found anywhere.
    """
    terms = []
    for piece, after in zip_longest(pieces, pieces[1:], fillvalue=""):
        if not _SPACELESS_START.match(piece):
            terms.append(stem_piece(piece))
        elif after and _SPACELESS_START.match(after):
            terms.append(piece + after)
        else:
            terms.append(piece)
    return terms


@lru_cache(maxsize=4096)
def content_terms(text: str) -> tuple[str, ...]:
    """The distinct terms of a text that say something, in order; all of them where none does."""
    pieces = split_pieces(text)
    terms = list_terms(pieces)
    telling = [
        term
        for place, (piece, term) in enumerate(zip(pieces, terms, strict=True))
        # the last character of a spaceless run is already the second half of a pair
        if piece not in _FUNCTION_WORDS
        and not (term == piece and place and _SPACELESS_START.match(term) and terms[place - 1].endswith(term))
    ]
    return tuple(dict.fromkeys(telling or terms))


def has_content(answer: str) -> bool:
    """Whether there is something to look for: letters or digits, and not just a yes or no."""
    pieces = split_pieces(answer[:MAX_ANSWER_CHARS])
    return bool(pieces) and "".join(pieces) not in _UNCOMPUTABLE


# --- pages ------------------------------------------------------------------------------------------------------------

_JoinedTerm = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class SearchablePage:
    """A page's words as pieces. `starts` and `ends` are offsets in `joined`, `owners` the word of each piece; all three
    ascend. `postings` has the pieces at which each term begins, `reach` the last piece of terms that join several.
    """

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
            # on to the next start of a piece: a page that is one endless word is left after the first look
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

    parts, starts, ends, length = list(_with_gaps(pieces)), [], [], 0
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


def _joined_terms(words: Sequence[Word], pieces: Sequence[str], owners: Sequence[int]) -> Iterator[_JoinedTerm]:
    """Terms that a page prints in several words, with their first and last piece: those hyphenated at a line's end, and
    numbers with a plain space at the thousands.
    """
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
    """The pages of a document; each is read when it is first searched, and kept."""

    pages: dict[int, Page]
    _read: dict[int, SearchablePage] = field(default_factory=dict, repr=False)
    _places: dict[int, list[WordSpan]] = field(default_factory=dict, repr=False)

    def choose_pages(self, within: Collection[int] | None = None) -> list[Page]:
        """The pages with these numbers, all of them without, in order."""
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


# --- grounding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grounding:
    """How well an answer is on the pages (0..1, None where that cannot be said), and where."""

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
    """Look for an answer on the pages, on those with a number in `within` if given.

    `span` says where the answer was taken from: page number, and characters `start` to `end` of the page's text. If the
    answer still reads as printed there, the evidence is exactly those words; if not, the span is not believed. Of
    several places where an answer is printed, the evidence is the one in whose neighbourhood most words of `question`
    stand, then the first.
    """
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
    """The answer as it stands, then with its spaced thousands closed up, then without the numbers of its list."""
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
    # a sentence of function words says nothing, unless the whole answer is one
    telling = [s for s in sentences if not _FUNCTION_WORDS.issuperset(split_pieces(s))] or sentences
    for sentence in telling:
        terms, length = content_terms(sentence), len(split_pieces(sentence))
        for start in range(0, len(terms), MAX_CHUNK_TERMS):
            yield terms[start : start + MAX_CHUNK_TERMS], min(length, 2 * MAX_CHUNK_TERMS)


def _find_windows(terms: Sequence[str], searched: Sequence[SearchablePage], *, reach: int) -> Iterator[_Window]:
    """Up to MAX_WINDOWS windows of at most `reach` pieces, each the one with most of the terms not found before.

    One word of several is chance, so a window must have two, and a third of all: of 8 to 30 random words of the same
    pages, which any window has some of, 40 to 46 % pass 0.6 with this rule and 68 to 84 % without it.
    """
    wanted = set(terms)
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
    """The heaviest window of a page; of equal ones the shortest, then the first. Two ends move over the sorted places
    of the wanted terms, so it is as long as these are many.
    """
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
    return max(page.reach.get(place, place), place + (len(term) > 1 and bool(_SPACELESS_START.match(term))))


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
