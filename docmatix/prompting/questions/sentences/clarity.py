"""Clarity: whether a question can be understood without the text it was written from. Rules only, for English."""

from __future__ import annotations

import re
from itertools import pairwise

from docmatix.text.english import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    bare,
    classify_answer,
    find_stem,
)
from docmatix.text.pieces import holds_pieces

_QUESTION_OPENING = re.compile(
    r"(?:(?:by|in|on|at|to|from|for|with|since|until|under|during|of|into|through|against|per) )?"
    r"(?:what|when|where|who|whom|whose|which|why|how|is|are|was|were|does|do|did|has|have|had|can|could|will|would|must|"
    r"should)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:this|these|those|aforementioned|above|below|following)\b|"
    r"\b(?:the|a|given|provided) (?:answer|sentence|text|passage|context|excerpt|paragraph|table row|question)\b|"
    r"\baccording to\b|\bmentioned\b",
    re.IGNORECASE,
)
_PRONOUNS = frozenset("it they them he him she we us i you me your our my mine yours ours".split())
_WHEN = r"(?:(?:since|until|by|from) )?when\b"
_OPENINGS = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "date": rf"{_WHEN}|(?:\w+ )?(?:what|which) (?:\w+ )?(?:date|day|year|month|time|decade|century|period)\b|"
        r"what (?:is|was|are) ",
        "time": rf"{_WHEN}|(?:at )?what (?:\w+ ){{0,4}}time\b|what (?:is|was) ",
        "amount": r"(?:\w+ )?how (?:much|many)\b|(?:at )?what (?:amount|sum|price|fee|value|is|was|are|were)\b",
        "percent": r"(?:\w+ )?(?:what|which) (?:percentage|percent|share|proportion|fraction|value|is|was|are|were)\b|"
        r"(?:\w+ )?how much\b",
        "number": r"(?:\w+ )?(?:how|what|which)\b",
        "contact": r"(?:what|where|how|which)\b",
    }.items()
}
_ASKING = frozenset(
    "listed given value year date day month time name number amount percentage share place person company "
    "organisation organization city total called kind type stand".split()
)
_VAGUE = frozenset(
    "work system process case report study method thing way result unit number part product project program "
    "programme group team problem model approach following total item type".split()
)
"""After `the`, they name nothing that a reader could find: `How long does the work take?`."""


def score_clarity(question: str, *, answer: str, context: str) -> float:
    """How well a question about an English sentence (`context`) stands on its own, 0..1; every doubt is a factor below
    1. It should have the form of a question, a question word that fits the answer and the words of its context, and
    neither contain the answer nor point outside (`this`, `the text`)."""
    words = [bare(word) for word in question.rstrip("? ").split()]
    lowered = [word.lower() for word in words]
    well_formed = question.endswith("?") and 12 <= len(question) <= 220 and 4 <= len(words) <= 32
    # `What is Docling?` is short and clear
    well_formed |= re.fullmatch(r"(?:What|Who) (?:is|are) (?:the )?[A-Z][^?]+\?", question) is not None
    if not well_formed or not _QUESTION_OPENING.match(question) or _POINTING.search(question):
        return 0.0
    if holds_pieces(lowered, [bare(word).lower() for word in answer.split()]) or any(
        word.lower() in _PRONOUNS and not _is_name(before, word) for before, word in pairwise(["", *words])
    ):
        return 0.0
    if expansion := re.fullmatch(r"What does ([A-Z]\w+) stand for\?", question):
        return 1.0 if f"{answer} ({expansion.group(1)})" in context else 0.5
    plain = [word for word in lowered if word and word not in FUNCTION_WORDS | _ASKING]
    content = [find_stem(word) for word in plain]
    kind = classify_answer(answer)
    if not content:
        return 0.0
    score = 1.0
    if (kind in _OPENINGS and not _OPENINGS[kind].match(question)) or (
        kind == "text" and lowered[0] in {"when", "how"}
    ):
        score *= 0.3
    if lowered[0] in AUXILIARIES | {"do", "does", "did"}:
        score *= 0.2  # a yes-or-no question
    if lowered[-1] in DETERMINERS | CONJUNCTIONS | {"be", "its", "their"}:
        score *= 0.1  # broken off
    known = _list_stems(context)
    unknown = sum(word not in known and not _list_stems(word) <= known for word in content)
    score *= 1.0 - 0.8 * unknown / len(content)
    pairs = [pair for pair in pairwise(lowered) if not set(pair) <= FUNCTION_WORDS]
    if len(set(pairs)) < len(pairs) or any(content.count(word) > 2 for word in content):
        score *= 0.3  # stutters
    inside = _content(answer)
    if kind in {"number", "amount", "percent"}:  # its unit may well be asked with: `How many seats`, `38 seats`
        inside = {word for word in inside if any(map(str.isdigit, word))}
    if inside and 2 * len(inside & set(content)) >= len(inside):
        score *= 0.4
    # a name says as much as another word
    vague = 2 * sum(word in _VAGUE and before == "the" for before, word in pairwise(lowered))
    weight = len(set(content)) - vague + sum(word[:1].isupper() for word in words[1:])
    score *= (0.3, 0.5, 0.8, 0.95, 1.0)[max(0, min(weight, 4))]
    return round(score, 4)


def _is_name(before: str, word: str) -> bool:
    """Whether what looks like a pronoun is one of the names `US`, `IT` or the numeral of `Phase I`."""
    if word == "I":
        return before[:1].isupper() or before.lower() in {"phase", "type", "class", "part", "grade"}
    return len(word) > 1 and word.isupper()


def _list_stems(text: str) -> set[str]:
    """The stems of a text's words and of the parts that brackets, strokes and dashes divide them into (`HA-12(b)`)."""
    parts = {bare(part).lower() for part in re.split(r"[\s/()\[\]—–-]+", text)}
    return {find_stem(word) for word in {*parts, *(bare(word).lower() for word in text.split())} if word}


def _content(text: str) -> set[str]:
    words = {bare(word).lower() for word in re.sub(r"\([^()]*\)", "", text).split()}
    return {find_stem(word) for word in words - FUNCTION_WORDS if word}
