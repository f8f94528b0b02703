"""Candidate answers: spans of a page's sentences that a question can be asked about, found before any model is asked.

Small models are only asked where code can frame the question; larger ones about every span, in any language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docmatix.core.documents import Page, locate_words
from docmatix.prompting.questions.sentences.prose import mark_parts
from docmatix.prompting.questions.sentences.question_templates import find_template
from docmatix.prompting.questions.sentences.spans import (
    Span,
    find_more_spans,
    find_spans,
    find_spans_of_any_language,
)
from docmatix.text.english import ANAPHORA, bare
from docmatix.text.sentences import Sentence, split_sentences

MAX_WORDS = 20_000
"""Words of a page that are searched: some ten times a dense newspaper page."""
MAX_FRAMED_CHARS = 260
"""Of a sentence that is asked about in a frame: in longer ones a small model loses the thread."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer, and the sentence that its question may be written from. `start` and `end` are offsets in the page's
    text; `answer` has single spaces."""

    answer: str
    kind: str
    page: int
    start: int
    end: int
    context: str


@dataclass(frozen=True, slots=True)
class _Ranked:
    worth: float
    candidate: Candidate


def find_candidates(page: Page, *, limit: int, framed_only: bool = True, english: bool = True) -> list[Candidate]:
    """At most `limit` candidate answers in the sentences of a page, the most promising, in page order; with
    `framed_only` those that have a template (English alone). Linear in the page's length."""
    words = page.words[:MAX_WORDS]
    spans = locate_words(words)
    ranked: list[_Ranked] = []
    for sentence in split_sentences(words, spans, mark_parts(page, words)):
        if framed_only and len(sentence.text) > MAX_FRAMED_CHARS:
            continue
        bonus = 0.15 * _rate_context(sentence.text)
        # without a frame that fits, every second object begins or ends at the wrong word
        malus = {} if framed_only else {"object": 0.3}
        for span in _list_spans(sentence, framed_only=framed_only, english=english):
            start, end = sentence.offsets[span.start], sentence.offsets[span.end - 1] + 1
            answer = sentence.text[span.start : span.end]
            if " ".join(page.text[start:end].split()) == answer:  # not hyphenated at a line's end
                candidate = Candidate(answer, span.kind, page.number, start, end, sentence.text)
                ranked.append(_Ranked(span.worth + bonus - malus.get(span.kind, 0.0), candidate))
    return _choose(ranked, limit, framed_only=framed_only)


def _list_spans(sentence: Sentence, *, framed_only: bool, english: bool) -> Iterator[Span]:
    if not english:
        yield from find_spans_of_any_language(sentence.text)
        return
    found = list(find_spans(sentence.text))
    yield from found
    if not framed_only:
        yield from find_more_spans(sentence.text, found)


def _rate_context(text: str) -> float:
    """-1..1: short sentences with names give better questions than long ones about `the system`, and those that open
    with a pronoun may give none."""
    words = text.split()
    if bare(words[0]).lower() in ANAPHORA:
        return -1.0
    names = sum(word[:1].isupper() for word in words[1:])
    return min(1.0, names / 4) * (1.0 if len(text) <= 180 else 0.6)


def _choose(ranked: Sequence[_Ranked], limit: int, *, framed_only: bool) -> list[Candidate]:
    """The best by worth; each further one of the same kind, answer or sentence is worth less. Framed ones are taken
    only with a template, each answer once and no sentence more than twice."""
    pool = sorted(ranked, key=lambda one: (-one.worth, one.candidate.start, one.candidate.end))
    chosen: list[Candidate] = []
    used: Counter[tuple[str, str]] = Counter()

    def marks(one: Candidate) -> tuple[tuple[str, str], ...]:
        return ("answer", one.answer.casefold()), ("kind", one.kind), ("context", one.context)

    def value(one: _Ranked) -> float:
        answer, kind, context = marks(one.candidate)
        return one.worth * 0.5 ** used[answer] * 0.9 ** used[kind] * 0.5 ** used[context]

    # bounds the work: the best forty for each place are enough to choose from
    pool = pool[: 40 * limit]
    while pool and len(chosen) < limit:
        best = max(pool, key=value)
        pool.remove(best)
        one = best.candidate
        answer, _, context = marks(one)
        if framed_only:
            if used[answer] or used[context] >= 2:
                continue
            if find_template(one.answer, kind=one.kind, context=one.context) is None:
                continue
        chosen.append(one)
        used.update(marks(one))
    return sorted(chosen, key=lambda one: (one.start, one.end))


def find_phrases(context: str) -> list[str]:
    """What a sentence offers as answers, each once: its spans, and the phrases between grammatical words and commas."""
    found = [context[span.start : span.end] for span in find_spans(context)]
    found += [chunk.strip() for chunk in _BETWEEN_PHRASES.split(context)]
    return list(dict.fromkeys(phrase for phrase in found if 1 < len(phrase) <= 60))


_BETWEEN_PHRASES = re.compile(
    r"(?:(?<=\s)|^)(?:a|an|the|of|for|in|on|at|and|or|is|are|was|were|be|been|has|have|had|will|would|can|could|to|that|"
    r"which|this|with|by|as|from|it|its|not)(?=\s)|[,;:.()\[\]\"“”](?=\s|$)|(?<=\s)[(\"“]"
)
