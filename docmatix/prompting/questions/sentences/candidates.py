"""Candidate answers: spans of a page's text that a question can be asked about, found before any model is asked.

Few and safe beat many: a candidate is only returned if its context can be turned into a question. English only.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from docmatix.core.documents import Page, locate_words
from docmatix.prompting.questions.sentences.fact_fields import find_fields, mark_tables
from docmatix.prompting.questions.sentences.question_templates import find_template
from docmatix.text.english import MONTH, NUMERAL, VERBS, classify_answer
from docmatix.text.field_list import read_fields
from docmatix.text.hyphens import PageWords, join_words
from docmatix.text.numbers import (
    CURRENCY,
    FRACTION,
    GROUPED,
    MINUS,
    PLAIN,
    UNITS,
    cuts_number,
    stands_in_series,
)
from docmatix.text.sentences import split_sentences

MAX_WORDS = 20_000
"""Words of a page that are searched: some ten times a dense newspaper page."""
MAX_FIELDS = 1_000
MAX_CONTEXT_CHARS = 260


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer, what its question may be written from (`context`: a sentence or a list of fields, as the model sees
    it), and its field's name. `start` and `end` are offsets in the page's text; `answer` has single spaces."""

    answer: str
    kind: str
    page: int
    start: int
    end: int
    context: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class _Ranked:
    worth: float
    source: str
    candidate: Candidate


def find_candidates(page: Page, *, limit: int) -> list[Candidate]:
    """At most `limit` candidate answers of a page, the most promising, in page order. Linear in the page's length."""
    words = page.words[:MAX_WORDS]
    spans = locate_words(words)
    in_table, known = mark_tables(page, words), PageWords(words)
    ranked: list[_Ranked] = []
    for field in islice(find_fields(page, words), MAX_FIELDS):
        start, end = spans[field.first].start, spans[field.last].end
        answer = join_words(words[field.first : field.last + 1], known)
        source = "line" if field.table is None else f"table {field.table}"
        candidate = Candidate(answer, classify_answer(answer), page.number, start, end, field.context, field.label)
        ranked.append(_Ranked(field.worth, source, candidate))
    for sentence in split_sentences(words, spans, in_table):
        for kind, worth, first, last in find_spans(sentence.text):
            start, end = sentence.offsets[first], sentence.offsets[last - 1] + 1
            answer = sentence.text[first:last]
            if " ".join(page.text[start:end].split()) == answer:  # not hyphenated at a line's end
                bonus = 0.15 * _rate_context(sentence.text, answer)
                candidate = Candidate(answer, kind, page.number, start, end, sentence.text)
                ranked.append(_Ranked(worth + bonus, "text", candidate))
    return _choose(ranked, limit)


def _rate_context(text: str, answer: str) -> float:
    """0..1: short sentences with names give better questions than long ones about `the system`."""
    names = sum(word[:1].isupper() for word in text.replace(answer, "").split()[1:])
    return min(1.0, names / 4) * (1.0 if len(text) <= 180 else 0.6)


def _choose(ranked: Sequence[_Ranked], limit: int) -> list[Candidate]:
    """The best by worth, each answer once; each further one of the same kind, table or sentence is worth less."""
    pool = sorted(ranked, key=lambda one: (-one.worth, one.candidate.start, one.candidate.end))
    chosen: list[Candidate] = []
    used: Counter[tuple[str, str]] = Counter()

    def marks(one: _Ranked) -> tuple[tuple[str, str], ...]:
        return ("source", one.source), ("kind", one.candidate.kind), ("context", one.candidate.context)

    def value(one: _Ranked) -> float:
        source, kind, context = marks(one)
        return one.worth * 0.85 ** used[source] * 0.9 ** used[kind] * 0.5 ** used[context]

    # bounds the work: the best forty for each place are enough to choose from
    pool = pool[: 40 * limit]
    while pool and len(chosen) < limit:
        best = max(pool, key=value)
        pool.remove(best)
        one = best.candidate
        key = "answer", one.answer.casefold()
        if used[key] or used["context", one.context] >= 2 or len(one.context) > MAX_CONTEXT_CHARS:
            continue
        if find_template(one.answer, kind=one.kind, context=one.context, label=one.label) is None:
            continue
        chosen.append(one)
        used.update((key, *marks(best)))
    return sorted(chosen, key=lambda one: (one.start, one.end))


def find_phrases(context: str) -> list[str]:
    """What a context offers as answers, each once: the values of its fields; of a sentence, its spans and the phrases
    between grammatical words and commas."""
    fields = read_fields(context)
    if fields:
        return list(dict.fromkeys(value for _, value in fields if value))
    found = [context[start:end] for _, _, start, end in find_spans(context)]
    found += [chunk.strip() for chunk in _BETWEEN_PHRASES.split(context)]
    return list(dict.fromkeys(phrase for phrase in found if 1 < len(phrase) <= 60))


_BETWEEN_PHRASES = re.compile(
    r"(?:(?<=\s)|^)(?:a|an|the|of|for|in|on|at|and|or|is|are|was|were|be|been|has|have|had|will|would|can|could|to|that|"
    r"which|this|with|by|as|from|it|its|not)(?=\s)|[,;:.()\[\]\"“”](?=\s|$)|(?<=\s)[(\"“]"
)


# --- spans of a sentence ----------------------------------------------------------------------------------------------

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
_REFERRING = frozenset(
    "figure fig figs table tables figures section sections sec sect chapter appendix page pages p pp equation "
    "eq step version v no nos number item line row column part article art rule clause volume vol ref § "
    "paragraph annex exhibit example theorem lemma definition algorithm listing level phase type class note "
    "january february march april may june july august september october november december".split()
)
"""What makes the number after it a name: `Table 3`, `Section 4`, `May 12`."""


def find_spans(text: str) -> Iterator[tuple[str, float, int, int]]:
    """Kind, worth, start and end of what can be asked about; quantities, dates and names never overlap."""
    words = text.split(" ")
    starts = [0, *accumulate(len(word) + 1 for word in words)]

    def cuts(start: int, end: int) -> bool:
        first, last = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
        return cuts_number(words, first, last)

    yield from _find_acronyms(text)
    taken: list[tuple[int, int]] = []
    for kind, worth, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < stop and other < end for other, stop in taken):
                continue
            taken.append((start, end))
            # not part of a longer token, nor in brackets: "COVID-19", "3.2.1", "12x12", "(2015)"
            apart = text[start - 1 : start] in {"", " "} and re.match(r"[.,;:]?(?: |$)", text[end : end + 2])
            before = text[:start].rstrip().rpartition(" ")[2].lower().strip("(.")
            listed = kind == "number" and start == 0 and match.group().isdigit()
            if not apart or before in _REFERRING or listed or cuts(start, end):
                continue
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
            if not stands_in_series(words, first, last):
                yield kind, worth, start, end
    for kind, worth, start, end in (*_find_names(text), *_find_objects(text)):
        if all(end <= other or start >= stop for other, stop in taken) and not cuts(start, end):
            yield kind, worth, start, end
    for kind, worth, start, end in _find_definition(text):
        if not cuts(start, end):
            yield kind, worth, start, end


_ACRONYM = re.compile(r" \(([A-Z][A-Za-z]{1,7})\)")
_SKIPPED = frozenset("of and the for in to on".split())


def _find_acronyms(text: str) -> Iterator[tuple[str, float, int, int]]:
    """`Optical Character Recognition (OCR)`: the words before the bracket whose initials it holds."""
    for match in _ACRONYM.finditer(text):
        letters = [letter.lower() for letter in match.group(1) if letter.isupper()]
        if len(letters) < 2 or match.group(1).endswith("s") or text.count(match.group(1)) > 1:
            continue
        shift = max(0, match.start() - 120)
        for word in reversed(list(re.finditer(r"[^\s-]+", text[shift : match.start()]))):
            if word.group()[0].lower() == letters[-1]:
                letters.pop()
            elif word.group().lower() not in _SKIPPED:
                break
            if not letters:
                yield "acronym", 1.05, shift + word.start(), match.start()
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
    r"I|We|It|This|These|If|When|While|As|Table|Figure|Section|Chapter)(?: |$)|.*(?:’s|'s|\d)"
)


def _find_names(text: str) -> Iterator[tuple[str, float, int, int]]:
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
            yield "organisation", 0.9, start, end
        elif plain and (before in _TITLES or (count in {2, 3} and before == "by")):
            yield "person", 0.95, start, end
        elif plain and before in {"in", "at"} and count <= 3:
            yield "place", 0.6, start, end


_DEFINITION = re.compile(r"(?:The )?[A-Z][\w-]{1,30}(?: [\w-]{1,20}){0,4} (?:is|are) (?=(?:a|an|the) )")
_END_OF_CLAUSE = re.compile(r"[,;:(]| (?:that|which|who|where|when|because|but|since|while) |\.$")


def _find_definition(text: str) -> Iterator[tuple[str, float, int, int]]:
    """`Docling is a toolkit for ...`: what follows the verb, up to the first comma or relative clause."""
    match = _DEFINITION.match(text)
    stop = _END_OF_CLAUSE.search(text, match.end()) if match else None
    if match is None or stop is None or (stop.group() == "," and " and " in text[stop.end() :]):
        return  # the latter may be the first of several: "a tool for reading, writing and ..."
    if 4 <= len(text[match.end() : stop.start()].split()) <= 16:
        yield "definition", 0.85, match.end(), stop.start()


_VERB = re.compile(
    r" (?:(?:is|are|was|were) (?:used|designed|intended|responsible) (?=to |for )|(?:[a-z]{3,12}ed|"
    + "|".join(sorted(VERBS))
    + r") (?:(?:on|of|to|from|into|with|for|in) )?)"
)
_END_OF_OBJECT = re.compile(
    r"[,;:(]|\.$| (?:that|which|who|where|when|because|but|since|while|as|until|after|before|if) "
)
_NO_OBJECT_VERBS = frozenset(
    "asked told called named considered complained decided agreed noted reported voted seemed appeared "
    "remained wanted tried managed happened".split()
)
_NO_OBJECT = frozenset(
    "on of from into with in by as at through beyond under over during after before back more no not that "
    "between about up out it them this these".split()
)
_NOT_IN_OBJECTS = frozenset(
    "is are was were be been has have had will would can could it them this these which from its not following".split()
)


def _find_objects(text: str) -> Iterator[tuple[str, float, int, int]]:
    """What is between the first verb that takes an object and the end of its clause (`needs | a permit`)."""
    verb = _VERB.search(text, 3, 100)
    stop = _END_OF_OBJECT.search(text, verb.end()) if verb else None
    if verb is None or stop is None or verb.group().split()[0] in _NO_OBJECT_VERBS:
        return
    words = text[verb.end() : stop.start()].lower().split()
    # the first of several?
    listed = stop.group() == "," and re.search(r",? (?:and|or) ", text[stop.end() : stop.end() + 120])
    if not 2 <= len(words) <= 9 or words[0] in _NO_OBJECT or listed or (words[0] == "to" and len(words) < 3):
        return
    if _NOT_IN_OBJECTS.isdisjoint(words) and not any(word.endswith("ed") for word in words[1:]):
        yield "object", 0.65, verb.end(), stop.start()
