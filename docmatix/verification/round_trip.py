"""The round trip: ask the model the question again with its context, and compare the answers by SQuAD's token F1.

Where the server supports it, a grammar constrains the reply to phrases of the context, so that even a very small model
answers in the document's words; unconstrained, a 135M model replies with the whole sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import ClassVar, Literal

from pydantic import Field

from docmatix.core.draws import draw_seed
from docmatix.core.pairs import Pair, Request
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.requests import make_request
from docmatix.prompting.templates import render_messages
from docmatix.verification.check import Check

FEWEST_CHOICES = 3
# the 135M model on the samples: of two choices it took the right one for 67 % of the questions, and for 33 % a wrong
# one offered in its place; of three or more 54 % and 14 %


class RoundTrip(Check):
    """Ask the question again with its context, and compare the answers."""

    described: ClassVar[str] = "asking again and comparing"

    kind: Literal["round_trip"]
    max_tokens: int = Field(64, ge=1)

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """None for a pair made from facts, for one without a context, and for a single choice, which could not
        fail."""
        if pair.evidence is not None or pair.context is None or not pair.question:
            return None
        extra = dict(prompt.extra)
        if engine.uses_grammars:
            choices = list_choices(pair.context, question=pair.question, answer=pair.answer)
            if len(choices) < 2:
                return None
            extra |= engine.constrain_choices(choices) or {}
        messages = render_messages(prompt, question=pair.question, context=pair.context)
        most = self.sampling.to_body().get("max_tokens", self.max_tokens)
        sampling = {**prompt.sampling, "max_tokens": most, "seed": draw_seed(seed, self.label, 0)}
        return make_request(prompt, engine, messages, sampling, extra)

    def score_reply(self, pair: Pair, reply: str) -> float:
        return score_round_trip(pair.answer, reply)


def list_choices(context: str, *, question: str, answer: str) -> list[str]:
    """The phrases of `context` that a reply is held to (field values, dates, numbers, names, noun phrases), and
    `answer`, whose boundaries they may miss. Phrases that the question repeats are left out unless fewer than
    `FEWEST_CHOICES` remain: models like to repeat the subject."""
    from docmatix.prompting.questions.sentences.candidates import find_phrases

    asked = set(_normalise(question))
    phrases = find_phrases(context)
    choices = list(dict.fromkeys([*(phrase for phrase in phrases if not _repeats(phrase, asked)), answer]))
    return choices if len(choices) >= FEWEST_CHOICES else list(dict.fromkeys([*phrases, answer]))


def _repeats(phrase: str, asked: set[str]) -> bool:
    """Whether the question already has at least half of a phrase's words."""
    words = _normalise(phrase)
    return 2 * sum(word in asked for word in words) >= len(words)


def score_round_trip(answer: str, reply: str) -> float:
    """1.0 if answer and reply are equal apart from case, punctuation, articles, currency signs and white space;
    otherwise their token F1 (SQuAD), and 0.0 if either has a number that the other lacks."""
    wanted, given = _normalise(answer), _normalise(reply[:2000].strip().split("\n")[0])
    if not wanted or not given:
        return 0.0
    if wanted == given:
        return 1.0
    if _numbers(wanted) != _numbers(given):
        return 0.0
    shared = sum((Counter(wanted) & Counter(given)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return round(2 * precision * recall / (precision + recall), 4)


def _normalise(text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"(?<=\d),(?=\d{3})|(?<=\d)\s+(?=%)", "", text)
    words = re.sub(r"(?<!\d)[.](?!\d)|[.](?!\d)|[^\w\s.%@/:-]|(?<!\w)[-:/]|[-:/](?!\w)", " ", text).split()
    return [word for word in words if word not in {"a", "an", "the"}]


def _numbers(words: list[str]) -> Counter[str]:
    return Counter(word.strip(".%") for word in words if any(map(str.isdigit, word)))
