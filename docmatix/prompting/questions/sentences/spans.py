"""Spans of a sentence that a question can ask for: quantities, dates, names, definitions, objects."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import accumulate
from typing import NamedTuple

from docmatix.facts.layout.wordings import DATE, MONTHS
from docmatix.text.english import BE, FUNCTION_WORDS, HAVE, MONTH, NUMERAL, VERBS, is_base_verb
from docmatix.text.numbers import (
    CURRENCY,
    FRACTION,
    GROUPED,
    MAGNITUDES,
    MINUS,
    PLAIN,
    UNITS,
    cuts_number,
    has_digit,
    stands_in_series,
)


class Span(NamedTuple):
    """A place in a sentence, what is there, and how good a question it promises (0..1)."""

    kind: str
    worth: float
    start: int
    end: int


_NUMBER = rf"(?:(?:{GROUPED}|{PLAIN})(?: ?{FRACTION})?)"
_SIGN = rf"(?:{MINUS} ?|[-–](?=\S))?"
_AMOUNT = rf"{_NUMBER}(?: (?:hundred|thousand|[mb]illion|trillion|lakhs?|crores?|mn|bn|tn)\b)?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:1[5-9]|20)\d\d"
_START = r"(?<![\w.,])"
_END = r"(?![\w²³])"
_PATTERNS = tuple(
    (kind, worth, re.compile(pattern))
    for kind, worth, pattern in (
        ("amount", 1.0, rf"(?:US )?{_SIGN}{CURRENCY} ?{_SIGN}{_AMOUNT}(?:[kKmMbB]n?)?{_END}"),
        ("amount", 1.0, rf"{_START}{_SIGN}{_AMOUNT} (?:dollars|euros|pounds|(?:{CURRENCY}))"),
        ("percent", 1.0, rf"(?:{_START}{_SIGN}{_NUMBER}|\b{NUMERAL}) ?(?:%|percent\b|per cent\b|percentage points\b)"),
        ("date", 1.0, rf"\b{_DAY} {MONTH},? {_YEAR}\b|\b{MONTH} {_DAY},? {_YEAR}\b"),
        ("date", 0.95, rf"\b{MONTH} {_YEAR}\b|\b{_YEAR}-[01]\d-[0-3]\d\b|\b[0-3]?\d/[0-3]?\d/{_YEAR}\b"),
        ("date", 0.85, rf"\b{_DAY} {MONTH}\b|\b{MONTH} {_DAY}\b"),
        ("date", 0.9, r"\bthe (?:early |mid-|late )?(?:(?:1[6-9]|20)\d0s|\d{1,2}th century)\b"),
        ("date", 0.9, rf"\b{_YEAR}\b"),
        ("time", 0.8, r"\b[0-2]?\d:[0-5]\d(?: ?[ap]\.?m\b\.?)?|\b1?\d ?[ap]\.?m\b\.?"),
        ("number", 0.9, rf"{_START}{_SIGN}{_AMOUNT}(?: ?{UNITS}{_END})?{_END}"),
        ("number", 0.75, rf"\b{NUMERAL}\b"),
    )
)
_CURRENCY_NAME = r"(?:[Ee]uros?|[Dd]ollars?|[Ff]ran(?:k|c)s?|złotych)\b"
_MAGNITUDE = "(?:" + "|".join(sorted(MAGNITUDES, key=len, reverse=True)) + r")\b\.?"
_ANY_AMOUNT = rf"{_NUMBER}(?: (?i:{_MAGNITUDE}))?"
_PERCENT = r"(?:%|(?:Prozent|pour cent|por cien(?:to)?|per cento|por cento|procent[aeu]?)\b)"
_ANY_MONTH = "(?:" + "|".join(sorted(set(MONTHS.split()), key=lambda name: (-len(name), name))) + ")"
_PATTERNS_OF_ANY_LANGUAGE = (
    ("date", 1.0, DATE),
    *(
        (kind, worth, re.compile(pattern))
        for kind, worth, pattern in (
            ("amount", 1.0, rf"{_SIGN}{CURRENCY} ?{_SIGN}{_ANY_AMOUNT}{_END}"),
            ("amount", 1.0, rf"{_START}{_SIGN}{_ANY_AMOUNT} ?(?:d['’]|de )?(?:{_CURRENCY_NAME}|{CURRENCY})"),
            ("percent", 1.0, rf"{_START}{_SIGN}{_NUMBER} ?{_PERCENT}"),
            ("date", 0.95, rf"\b(?i:{_ANY_MONTH})\.? (?:de |del )?{_YEAR}\b"),
            ("date", 0.9, rf"\b{_YEAR}\b"),
            ("time", 0.8, r"\b[0-2]?\d[:h][0-5]\d(?: (?:Uhr|uur)\b)?"),
            ("number", 0.9, rf"{_START}{_SIGN}{_ANY_AMOUNT}(?: ?{UNITS}{_END})?{_END}"),
        )
    ),
)
_REFERRING = frozenset(
    "figure fig figs table tables figures section sections sec sect chapter appendix page pages p pp equation "
    "eq step version v no nos number item line row column part article art rule clause volume vol ref § "
    "paragraph annex exhibit example theorem lemma definition algorithm listing level phase type class note "
    "étape question point schritt frage punkt paso pregunta punto passo domanda pergunta ponto stap vraag krok pytanie "
    "tabelle tab abbildung abb seite s kapitel kap artikel absatz abs nummer nr ziffer band anhang tableau chapitre "
    "numéro alinéa annexe tabla figura página pág capítulo artículo núm tabella pagina capitolo articolo allegato "
    "tabela capítulo artigo anexo tabel afbeelding bladzijde hoofdstuk artikelen bijlage strona rozdział ust rys "
    "january february march april may june july august september october november december".split()
)
"""What makes the number after it a name: `Table 3`, `Section 4`, `May 12`."""


def find_spans(text: str) -> Iterator[Span]:
    """What an English sentence can be asked about; quantities, dates and names never overlap."""
    cuts = _watch_numbers(text)
    yield from _find_acronyms(text)
    quantities, taken = _find_quantities(text, _PATTERNS, _REFERRING)
    yield from quantities
    for span in (*_find_names(text), *_find_objects(text)):
        if all(span.end <= other or span.start >= stop for other, stop in taken) and not cuts(span.start, span.end):
            yield span
    for span in _find_definition(text):
        if not cuts(span.start, span.end):
            yield span


def find_more_spans(text: str, known: Iterable[Span]) -> Iterator[Span]:
    """What else any sentence has, for a model that needs no frame: addresses on the internet and capitalised names."""
    taken = [(span.start, span.end) for span in known]
    for span in (*_find_contacts(text), *_find_capitalised(text)):
        if all(span.end <= other or span.start >= stop for other, stop in taken):
            taken.append((span.start, span.end))
            yield span


def find_spans_of_any_language(text: str) -> Iterator[Span]:
    """Quantities, dates, addresses and names by what is written alike in the languages of Europe."""
    quantities, _ = _find_quantities(text, _PATTERNS_OF_ANY_LANGUAGE, _REFERRING)
    apart = [span for span in quantities if not _is_end_of_range(text, span)]
    yield from apart
    yield from find_more_spans(text, quantities)


def _watch_numbers(text: str) -> Callable[[int, int], bool]:
    """A function that says whether a span cuts a number in two."""
    words = text.split(" ")
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    return lambda start, end: cuts_number(words, bisect_right(starts, start) - 1, bisect_left(starts, end) - 1)


def _find_quantities(
    text: str, patterns: Sequence[tuple[str, float, re.Pattern[str]]], referring: Set[str]
) -> tuple[list[Span], list[tuple[int, int]]]:
    """The spans of the patterns that stand for something, and the places of all, in order of the patterns."""
    words = text.split(" ")
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    cuts = _watch_numbers(text)
    found: list[Span] = []
    taken: list[tuple[int, int]] = []
    for kind, worth, pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < stop and other < end for other, stop in taken):
                continue
            taken.append((start, end))
            # not part of a longer token, nor in brackets: "COVID-19", "3.2.1", "12x12", "(2015)"
            apart = text[start - 1 : start] in {"", " "} and re.match(r"[.,;:]?(?: |$)", text[end : end + 2])
            before = text[:start].rstrip().rpartition(" ")[2].lower().strip("(.")
            listed = kind == "number" and start == 0 and match.group().isdigit()
            if not apart or before in referring or listed or cuts(start, end):
                continue
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
            if not stands_in_series(words, first, last):
                found.append(Span(kind, worth, start, end))
    return found, taken


_LINKS = frozenset("to and or bis und oder à a et ou y o e en of tot do i lub ad fino und/oder".split())


def _is_end_of_range(text: str, span: Span) -> bool:
    """Whether a quantity is an end of a range or one of two: `3 bis 5`, `entre 3 et 5`."""
    before, after = text[: span.start].split(), text[span.end :].split()
    joined = len(before) > 1 and before[-1].lower() in _LINKS and has_digit(before[-2])
    return joined or (len(after) > 1 and after[0].lower() in _LINKS and has_digit(after[1]))


_CONTACT = re.compile(r"(?<![\w.@/-])(?:[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[^\s,;()]+[^\s,;().])")


def _find_contacts(text: str) -> Iterator[Span]:
    for match in _CONTACT.finditer(text):
        yield Span("contact", 0.9, *match.span())


_CAPITALISED = r"[^\W\d_a-zß-öø-ÿ][\w’'-]*[^\W\d_]"
_PARTICLE = r"(?:of|de|van|von|der|du|del|di|da|do|dos|des|la|le|el|und|&)"
_ANY_NAME = re.compile(
    rf"(?<=[\w,] ){_CAPITALISED}(?: (?:{_PARTICLE} )?{_CAPITALISED}){{1,5}}"
    r"(?=[.,;:]?(?: |$))"
)


def _find_capitalised(text: str) -> Iterator[Span]:
    """Two to six capitalised words in a row, not at the start of the sentence."""
    for match in _ANY_NAME.finditer(text):
        if not _NOT_IN_NAMES.match(match.group()):
            yield Span("name", 0.7, *match.span())


_ACRONYM = re.compile(r" \(([A-Z][A-Za-z]{1,7})\)")
_SKIPPED = frozenset("of and the for in to on".split())


def _find_acronyms(text: str) -> Iterator[Span]:
    """`Optical Character Recognition (OCR)`: the words before the bracket whose initials it holds."""
    for match in _ACRONYM.finditer(text):
        letters = [letter.lower() for letter in match.group(1) if letter.isupper()]
        if (
            2 * len(letters) < max(4, len(match.group(1)))
            or match.group(1).endswith("s")
            or text.count(match.group(1)) > 1
        ):
            continue
        shift = max(0, match.start() - 120)
        for word in reversed(list(re.finditer(r"[^\s-]+", text[shift : match.start()]))):
            if word.group()[0].lower() == letters[-1]:
                letters.pop()
            elif word.group().lower() not in _SKIPPED:
                break
            if not letters:
                yield Span("acronym", 0.6, shift + word.start(), match.start())
                break


_ORGANISATION = re.compile(
    r"\b(?:Inc|Ltd|LLC|GmbH|AG|Corp|Corporation|Company|Co|University|Institute|Department|Agency|Council|Bank|"
    r"Committee|Commission|Association|Foundation|Ministry|Court|Group|Board|Bureau|College|School|Hospital|Society|"
    r"Laboratory|Office|Museum|Trust|Authority|Administration|Organization|Organisation|Union|Congress|Senate|Parliament|"
    r"Holdings|Services)\b"
)
_TITLES = frozenset("mr mrs ms dr prof professor president judge justice captain sir governor senator".split())
_NAME = re.compile(
    r"(?<![\w’'-])[A-Z][\w’'-]*"
    r"(?:(?: |\. (?=[A-Z]))(?:(?:of|de|van|von|der|la|di|&) )?[A-Z][\w’'-]*){0,6}(?:\.(?= [a-z]))?"
)
_NOT_IN_NAMES = re.compile(
    rf"{MONTH}(?: |$)|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:The|A|An|In|On|At|By|For|From|To|With|And|But|"
    r"I|We|It|This|These|If|When|While|As|Table|Figure|Section|"
    r"Chapter|Annex|Appendix|Article|Part|Exhibit|Volume|Step|Note|Schedule|Paragraph)(?: |$)|.*(?:’s|'s|\d)"
)


def _find_names(text: str) -> Iterator[Span]:
    """Runs of capitalised words that are surely an organisation, a person (after a title or `by`) or a place (after
    `in`)."""
    for match in _NAME.finditer(text):
        start, end = match.span()
        name, count = match.group(), len(match.group().split())
        before = text[:start].rstrip().rpartition(" ")[2].lower().strip("(.")
        if len(name) < 3 or _NOT_IN_NAMES.match(name) or text[start - 1 : start] in {"(", "“", '"', "["}:
            continue
        if text[end : end + 1] not in {"", " ", ",", ".", ";"}:
            continue
        plain = all(word[1:].islower() or len(word) == 2 for word in name.split())
        if _ORGANISATION.search(name) and count > 1:
            yield Span("organisation", 0.9, start, end)
        elif plain and (before in _TITLES or (count in {2, 3} and before == "by")):
            yield Span("person", 0.95, start, end)
        elif plain and before in {"in", "at"} and count <= 3:
            yield Span("place", 0.6, start, end)


_DEFINITION = re.compile(r"(?:The )?[A-Z][\w-]{1,30}(?: [\w-]{1,20}){0,4} (?:is|are) (?=(?:a|an|the) )")
_JUDGING = re.compile(
    r"(?:the (?:same|most|least|last|first|only|best|main|case|result|reason|subject|one|latter|former)|"
    r"an? (?:major|key|main|good|great|common|important|significant|further|very))\b"
)
"""What begins a remark rather than a definition."""
_END_OF_CLAUSE = re.compile(r"[,;:(]| (?:that|which|who|where|when|because|but|since|while) |\.$")


def _find_definition(text: str) -> Iterator[Span]:
    """`Docling is a toolkit for ...`: what follows the verb, up to the first comma or relative clause."""
    match = _DEFINITION.match(text)
    stop = _END_OF_CLAUSE.search(text, match.end()) if match else None
    if match is None or stop is None or (stop.group() == "," and " and " in text[stop.end() :]):
        return  # the latter may be the first of several: "a tool for reading, writing and ..."
    cut = stop.group() in {"(", " that ", " which ", " who ", " where "} or re.match(r", [A-Z]", text[stop.start() :])
    if cut or _JUDGING.match(text, match.end()):
        return  # "a tool | that reads forms" is less than that, and so is "an agency in Reno | , Nevada"
    words = text[match.end() : stop.start()].split()
    if 4 <= len(words) <= 16 and (BE | HAVE.keys()).isdisjoint(words):
        yield Span("definition", 0.85, match.end(), stop.start())


_VERB = re.compile(
    r" (?:(?:is|are|was|were) (?:(?:used|designed|intended) (?=to |for )|responsible for )|(?:[a-z]{3,12}ed|"
    + "|".join(sorted(VERBS))
    + r") (?:(?:on|of|to|from|into|with|for|in) )?)"
)
_END_OF_OBJECT = re.compile(
    r"[,;:(]|\.$| (?:that|which|who|where|when|because|but|since|while|as|until|after|before|if) "
)
_NO_OBJECT_VERBS = frozenset(
    "asked told called named considered complained decided agreed noted reported voted seemed appeared "
    "remained wanted tried managed happened based involved related located".split()
)
_NO_OBJECT = frozenset(
    "on of from into with in by as at through beyond under over during after before back more no not that "
    "between about up out it there them this these within without when and or towards across".split()
)
_NOT_IN_OBJECTS = frozenset(
    "is are was were be been has have had will would can could it them this these which from its their your our not "
    "following than more less same such".split()
)


def _find_objects(text: str) -> Iterator[Span]:
    """What is between the first verb that takes an object and the end of its clause (`needs | a permit`)."""
    verb = _VERB.search(text, 3, 100)
    stop = _END_OF_OBJECT.search(text, verb.end()) if verb else None
    if verb is None or stop is None or verb.group().split()[0] in _NO_OBJECT_VERBS:
        return
    if stop.group() == "(" or stop.group().split() in (
        [word] for word in ("that", "which", "who", "where", "when", "if", "until", "as")
    ):
        return  # the rest belongs to the object, or is a condition
    if verb.group().endswith("ed to ") or verb.group().split()[0] == "refused":
        return  # "refused to buy"
    follower = re.match(r", ([a-z]+)", text[stop.start() :])
    if follower and follower[1] not in FUNCTION_WORDS and not follower[1].endswith(("ed", "ing")):
        return  # "a simple | , universal interface"
    words = text[verb.end() : stop.start()].lower().split()
    # the first of several?
    listed = stop.group() == "," and re.search(r",? (?:and|or) ", text[stop.end() : stop.end() + 120])
    if not 2 <= len(words) <= 9 or words[0] in _NO_OBJECT or listed or (words[0] == "to" and len(words) < 3):
        return
    if any(word in VERBS or (word.endswith("s") and is_base_verb(word)) for word in words):
        return  # "linked | list starts and ends"
    if _NOT_IN_OBJECTS.isdisjoint(words) and not any(word.endswith("ed") for word in words[1:]):
        yield Span("object", 0.65, verb.end(), stop.start())
