"""What stands in the margins of pages: printed page numbers, which count on from page to page, and running heads, which
repeat at the same place."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.core.documents import Fact, Word
from docmatix.facts.layout.lines import Line, Sheet, box_words, on_one_row, overlap
from docmatix.facts.layout.paragraphs import Body

MARGIN = 0.13
"""Of the page's height, at top and bottom: nothing further in is a running head or a page number."""
NEIGHBOURS = 20  # lines of other pages that one is compared with on each side
_PAGE = (
    r"(?:pages?|pp?\.|pg\.?|seiten?|s\.|p[áa]ginas?|p[áa]g\.?|pagina|bladzijde|blz\.?|stron[ay]|str\.|slides?|folie|folio|"
    r"diapositiva|diapositive|slajd|blatt|sheet|feuille|hoja|foglio|folha|arkusz)"
)
_OF = r"(?:of|von|de|sur|di|van|z|/|\||–|-)"
_NUMBER = r"(?P<number>\d{1,5}|[ivxlc]{1,7}|[IVXLC]{1,7})"
_WITH_WORD = re.compile(
    rf"(?<![^\W_])(?:{_PAGE}\s*:?\s+|{_PAGE}(?<=\.)){_NUMBER}(?![^\W_])(?:\s*{_OF}\s*(?P<total>\d{{1,4}})(?!\w))?", re.I
)
_WORD_LAST = re.compile(rf"(?P<number>\d{{1,4}})\s*(?:[|–—-]\s*)?{_PAGE}", re.I)
_CHAPTERED = re.compile(r"[-–—\[(]?\s*(?P<number>(?:\d{1,3}|[A-Z]{1,2}) ?[-–] ?(?P<last>\d{1,4}))\s*[-–—\])]?")
"""A page's number within a chapter: 7-45, A-3."""
_OF_TOTAL = re.compile(
    r"[-–(\[|]?\s*(?P<number>\d{1,4})\s*(?:of|von|de|sur|di|van|z|/)\s*(?P<total>\d{1,4})\s*[-–)\]|]?", re.I
)
_BARE = re.compile(rf"[-–—|\[(·•]*\s*{_NUMBER}\s*[-–—|\])·•.]*")
_WORD = re.compile(r"(?:[A-Z]{1,3}[-–.])?(?P<number>\d{1,5}|[ivxlc]{1,7})")
_DIGITS = re.compile(r"\d+")
_PLACE = re.compile(r"\d{1,4}/\d{1,4}")  # "26/312"
_AT_EDGE = re.compile(r"^\d{1,4}\s+|\s+\d{1,4}$")
_AT_MARGIN = re.compile(r"\d{1,4}")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class _Candidate(NamedTuple):
    page: int
    line: Line
    first: int  # of its words
    end: int
    value: int
    roman: bool
    sure: float  # 0 if only a sequence makes it a page number, else its confidence
    text: str
    usual: bool = True  # no larger than text


def find_margins(sheets: Sequence[Sheet], body: Body) -> list[list[Fact]]:
    """The page numbers and running heads of each page, which are thereby taken."""
    found: list[list[Fact]] = [[] for _ in sheets]
    margins = [_list_margin_lines(sheet) for sheet in sheets]
    numbers = _find_numbers(sheets, margins, 1.3 * body.size)
    for candidate, confidence in numbers:
        words = candidate.line.words[candidate.first : candidate.end]
        found[candidate.page].append(
            Fact("page_number", "", candidate.text, (), (box_words(words),), (), confidence),
        )
    taken = {id(candidate.line): candidate for candidate, _ in numbers}
    heads = list(_find_heads(sheets, margins))
    heads += _find_others(margins, heads)
    heads += _find_single(sheets, heads, numbers, body)
    numbered = {candidate.page: candidate.text for candidate, _ in numbers}
    for page, line, confidence in heads:
        kept, number = _strip_edge(_strip_number(line, taken.get(id(line))), line, sheets[page])
        if len(kept) > 1 and kept[-1].text == numbered.get(page):
            kept = kept[:-1]  # the name of a file, then the page's number once more
        if number is not None and page not in numbered:
            numbered[page] = number.text
            found[page].append(Fact("page_number", "", number.text, (), (number.box,), (), 0.8))
        line.role = "running_head"
        if sum(map(str.isalpha, "".join(word.text for word in kept))) >= 2:
            text = " ".join(word.text for word in kept)
            found[page].append(Fact("running_head", "", text, (), (box_words(kept),), (), confidence))
    for candidate, confidence in numbers:
        # what stands on its line beside it is of the margin, too
        line = candidate.line
        if not line.role and (confidence >= 0.5 or len(line.words) == 1):
            line.role = "page_number" if candidate.end - candidate.first == len(line.words) else "running_head"
    return found


def _list_margin_lines(sheet: Sheet) -> list[Line]:
    """The lines of the margins, those inside tables left out."""
    top, bottom = MARGIN * sheet.height, (1 - MARGIN) * sheet.height
    return [line for line in sheet.open_lines if line.y1 < top or line.y0 > bottom]


def _find_numbers(
    sheets: Sequence[Sheet], margins: Sequence[Sequence[Line]], largest: float
) -> list[tuple[_Candidate, float]]:
    """At most one page number a page, and how sure it is."""
    candidates = [list(_list_candidates(page, margins[page], sheet, largest)) for page, sheet in enumerate(sheets)]
    places: defaultdict[tuple[bool, bool, int], set[int]] = defaultdict(set)
    for of_page in candidates:
        for candidate in of_page:
            places[_get_series(candidate, sheets)].add(candidate.page)
    most = max(map(len, places.values()), default=0)
    chosen: list[tuple[_Candidate, float]] = []
    for of_page in candidates:
        best: tuple[float, _Candidate] | None = None
        for candidate in of_page:
            series = places[_get_series(candidate, sheets)]
            near = sum(1 for page in range(candidate.page - 3, candidate.page + 4) if page in series)
            clear = candidate.usual and _is_outermost(candidate.line, sheets[candidate.page])
            run = near >= (2 if clear else 3) and 2 * len(series) >= most
            confidence = candidate.sure
            if run:
                confidence = max(confidence, 0.97 if near >= 3 or len(sheets) == 2 else 0.8)
            if confidence and (best is None or confidence > best[0]):
                best = (confidence, candidate)
        if best is not None:
            chosen.append((best[1], best[0]))
    return chosen


def _is_outermost(line: Line, sheet: Sheet) -> bool:
    """Whether nothing stands between a line and the page's upper or lower edge."""
    upper = line.y0 < sheet.height / 2
    return not any(
        (one.y1 <= line.y0 + 1 if upper else one.y0 >= line.y1 - 1) for one in sheet.lines if one.role != "line_number"
    )


def _get_series(candidate: _Candidate, sheets: Sequence[Sheet]) -> tuple[bool, bool, int]:
    top = candidate.line.y0 < sheets[candidate.page].height / 2
    return candidate.roman, top, candidate.value - candidate.page


def _list_candidates(page: int, lines: Sequence[Line], sheet: Sheet, largest: float) -> Iterator[_Candidate]:
    for line in lines:
        words, text = line.words, line.text
        if len(words) > 25:
            continue
        if (match := _WITH_WORD.search(text)) is not None or (match := _OF_TOTAL.fullmatch(text)) is not None:
            first = text.count(" ", 0, match.start("number"))
            value = _read_number(match["number"])
            total = match["total"]
            if value is None or (total and int(total) < value):
                continue
            whole = match.end() - match.start() >= len(text) - 1
            sure = 0.9 if whole and (total is None or match.re is _WITH_WORD) else 0.6 if whole else 0.0
            end = text.count(" ", 0, match.end("number")) + 1
            yield _Candidate(
                page, line, first, end, value, not match["number"].isdigit(), sure, match["number"], line.size < largest
            )
            continue
        if (match := _WORD_LAST.fullmatch(text)) is not None:
            first = text.count(" ", 0, match.start("number"))
            number = match["number"]
            yield _Candidate(page, line, first, first + 1, int(number), False, 0.9, number, line.size < largest)
            continue
        if (match := _CHAPTERED.fullmatch(text)) is not None and line.size < largest:
            first, end = (text.count(" ", 0, place) for place in match.span("number"))
            sure = 0.6 if _stands_alone(line, lines, sheet) else 0.0
            yield _Candidate(page, line, first, end + 1, int(match["last"]), False, sure, match["number"])
            continue
        if (match := _BARE.fullmatch(text)) is not None and (value := _read_number(match["number"])) is not None:
            usual = line.size < largest
            sure = (
                0.6 if usual and _stands_alone(line, lines, sheet) and match["number"].isdigit() and value > 0 else 0.0
            )
            first = text.count(" ", 0, match.start("number"))
            number = match["number"]
            yield _Candidate(page, line, first, first + 1, value, not number.isdigit(), sure, number, usual)
            continue
        for at in {0, len(words) - 1}:
            word = words[at].text
            if (match := _WORD.fullmatch(word)) is not None and (value := _read_number(match["number"])) is not None:
                yield _Candidate(
                    page, line, at, at + 1, value, not match["number"].isdigit(), 0.0, word, line.size < largest
                )


def _read_number(text: str) -> int | None:
    """The value of an Arabic or a well-formed Roman number."""
    if text.isdigit():
        return int(text)
    values = [_ROMAN[letter] for letter in text.lower()]
    total = sum(-one if one < other else one for one, other in zip(values, [*values[1:], 0], strict=True))
    return total if _write_roman(total) == text.lower() else None


def _write_roman(value: int) -> str:
    text = ""
    for letters, worth in (
        ("c", 100), ("xc", 90), ("l", 50), ("xl", 40), ("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1),
    ):  # fmt: skip
        text += letters * (value // worth)
        value %= worth
    return text


def _stands_alone(line: Line, margin: Sequence[Line], sheet: Sheet) -> bool:
    """Whether a bare number is the outermost of its margin, in the middle or at a side, as a page number is."""
    if not (line.y0 > 0.9 * sheet.height or line.y1 < 0.09 * sheet.height) or len(line.text) > 8:
        return False
    middle = (line.x0 + line.x1) / 2 / sheet.width
    if not (0.44 < middle < 0.56 or middle < 0.2 or middle > 0.8):
        return False
    below = line.y0 > sheet.height / 2
    same = [other for other in margin if other is not line and (other.y0 > sheet.height / 2) == below]
    return not any(
        on_one_row(line, other) or (other.y0 > line.y0 if below else other.y1 < line.y1) for other in same
    ) and not any(other.text.isdigit() for other in same)


def _find_heads(sheets: Sequence[Sheet], margins: Sequence[Sequence[Line]]) -> Iterator[tuple[int, Line, float]]:
    """Lines of the margins that come again on another page at the same height, on the same or the other side."""
    places: defaultdict[str, list[tuple[int, Line]]] = defaultdict(list)
    for page, lines in enumerate(margins):
        for line in lines:
            if len(line.words) <= 30:
                places[_DIGITS.sub("#", line.text.casefold())].append((page, line))
    usable = sum(1 for sheet in sheets if sheet.lines)
    for key, group in places.items():
        pages = Counter(page for page, _ in group)
        if len(pages) < 2 or sum(map(str.isalpha, key)) < max(2, 0.4 * len(key.replace(" ", ""))):
            continue
        for at, (page, line) in enumerate(group):
            if _is_prose(line, sheets[page]) or pages[page] > 3 or _counts_parts(line, sheets[page]) > 3:
                continue
            same = sum(
                1
                for other, of in group[max(at - NEIGHBOURS, 0) : at + NEIGHBOURS]
                if other != page and _stands_likewise(line, of, sheets[page]) and _counts_on(line, of, other - page)
            )
            if same >= 2 or (same and (usable <= 4 or len(pages) <= 3)):
                yield page, line, 0.95 if same >= 2 else 0.85 if usable == 2 or len(pages) / usable > 0.2 else 0.7


def _find_others(
    margins: Sequence[Sequence[Line]], heads: Sequence[tuple[int, Line, float]]
) -> Iterator[tuple[int, Line, float]]:
    """Lines that stand alone at the height and in the size of other pages' running heads: a chapter's, say."""
    known = {id(line) for _, line, _ in heads}
    covered = {(page, round(line.y0)) for page, line, _ in heads}
    heights: defaultdict[int, list[tuple[int, Line]]] = defaultdict(list)
    for page, line, _ in heads:
        for height in range(-2, 3):
            kept = heights[round(line.y0) + height]
            if len(kept) < NEIGHBOURS:
                kept.append((page, line))
    for page, lines in enumerate(margins):
        for line in lines:
            if id(line) in known or line.part or len(line.words) > 12 or sum(map(str.isalpha, line.text)) < 3:
                continue
            if line.text[0].islower() or (line.text[-1] in ".;," and len(line.words) > 4):
                continue  # the end of a note
            alike = {
                other
                for other, head in heights[round(line.y0)]
                if other != page and abs(head.y0 - line.y0) < 2 and 0.85 < line.size / head.size < 1.18
            }
            if alike and (page, round(line.y0)) not in covered:
                yield page, line, 0.6


def _find_single(
    sheets: Sequence[Sheet],
    heads: Sequence[tuple[int, Line, float]],
    numbers: Sequence[tuple[_Candidate, float]],
    body: Body,
) -> Iterator[tuple[int, Line, float]]:
    """The topmost line of a later page in print no larger than its text, far above it: as good as a running head."""
    covered = {page for page, line, _ in heads if line.y0 < MARGIN * sheets[page].height}
    beside = {(found.page, round(found.line.y0)) for found, _ in numbers}
    for page, sheet in enumerate(sheets):
        lines = sorted((line for line in sheet.lines if not line.role), key=lambda line: line.y0)
        if page == 0 or page in covered or len(lines) < 4:
            continue
        for line in lines[:2]:
            below = min((other.y0 for other in lines if other.y0 > line.y1), default=0.0)
            free = below - line.y1 > 1.2 * line.size and line.y1 < 0.09 * sheet.height
            small = line.size <= 1.02 * body.size and len(line.words) <= 12 and not line.bold
            known = (page, round(line.y0)) in beside
            first = (line is lines[0] or known) and not line.in_table
            if _counts_parts(line, sheet) > 3:
                continue  # buttons, or the header of a table
            if first and free and (small or known) and sum(map(str.isalpha, line.text)) > 3:
                yield page, line, 0.6


def _counts_on(line: Line, other: Line, pages: int) -> bool:
    """Whether two texts differ by page numbers alone."""
    if line.text == other.text:
        return True
    one_text, other_text = (_AT_EDGE.sub("", text) for text in (line.text, other.text))
    if one_text == other_text:
        return True
    pairs = zip(_DIGITS.findall(one_text), _DIGITS.findall(other_text), strict=False)
    same = _DIGITS.sub("#", one_text.casefold()) == _DIGITS.sub("#", other_text.casefold())
    return same and all(one == of or int(of) - int(one) == pages for one, of in pairs)


def _is_prose(line: Line, sheet: Sheet) -> bool:
    """Whether a line and another close above or below it have many words, as in a paragraph."""
    return any(
        0 < abs(other.y1 - line.y1) < 1.6 * line.size
        and overlap(line, other) > 0
        and len(line.words) + len(other.words) > 14
        for other in sheet.lines
        if abs(other.size - line.size) < 1.2
    )


def _counts_parts(line: Line, sheet: Sheet) -> int:
    return sum(1 for other in sheet.lines if abs(other.y0 - line.y0) < 3) if line.part else 1


def _stands_likewise(line: Line, other: Line, sheet: Sheet) -> bool:
    if abs(line.y0 - other.y0) > 0.012 * sheet.height or abs(line.size - other.size) > 0.6:
        return False
    if line.text == other.text and abs(line.y0 - other.y0) < 2:
        return True  # inner and outer margins differ
    slack = 0.02 * sheet.width
    same = abs(line.x0 - other.x0) < slack or abs(line.x1 - other.x1) < slack
    mirrored = abs(line.x0 - (sheet.width - other.x1)) < slack or abs((sheet.width - line.x1) - other.x0) < slack
    return same or mirrored or abs(line.x0 + line.x1 - other.x0 - other.x1) < slack


def _strip_edge(words: Sequence[Word], line: Line, sheet: Sheet) -> tuple[Sequence[Word], Word | None]:
    """The words of a running head without the number that a bar or a wide gap parts from them at an end, and that."""
    for number, beside, rest in ((words[-1:], words[-2:-1], words[:-1]), (words[:1], words[1:2], words[1:])):
        if not beside or not _AT_MARGIN.fullmatch(number[0].text):
            continue
        one, other = sorted((number[0], beside[0]), key=lambda word: word.box.x0)
        gap = (other.box.x0 - one.box.x1) * sheet.width / line.size
        year = len(number[0].text) == 4 and number[0].text[:2] in ("19", "20")
        if gap > (2.0 if year else 0.9) or (beside[0].text in "|│" and not year):
            return _trim(rest), number[0]
    return words, None


def _trim(words: Sequence[Word]) -> Sequence[Word]:
    """Words without the signs at their beginning and end."""
    kept = [at for at, word in enumerate(words) if any(map(str.isalnum, word.text))]
    return words[kept[0] : kept[-1] + 1] if kept else ()


def _strip_number(line: Line, candidate: _Candidate | None) -> Sequence[Word]:
    """The words of a running head without the page number at its end or beginning."""
    words: Sequence[Word] = line.words
    if candidate is None:
        return words[:-1] if _PLACE.fullmatch(words[-1].text) else words
    rest = words[: candidate.first] if candidate.first else words[candidate.end :]
    if rest and _PLACE.fullmatch(rest[-1].text):
        rest = rest[:-1]
    rest = _trim(rest)
    if len(rest) == 1 and re.fullmatch(_PAGE, rest[0].text, re.IGNORECASE):
        return ()
    if candidate.first and rest and re.fullmatch(_PAGE, rest[-1].text, re.IGNORECASE):
        rest = _trim(rest[:-1])
    return rest
