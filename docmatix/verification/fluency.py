"""Fluency: how likely the model finds the words of a question by themselves, with neither document nor answer.

Of questions that are held to the form of their sentence, the bad ones are mostly odd, which a small model tells better
than it answers the good ones; it does not tell a wrong answer. The figures are in `docs/design/curation.md`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from docmatix.core.draws import draw_seed
from docmatix.core.pairs import Pair, Reply, Request
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Family, Prompt
from docmatix.prompting.requests import make_request
from docmatix.prompting.templates import neutralise, render_messages
from docmatix.verification.check import Check, CheckedPair, Finding

MOST_TOKENS = 200
"""Of a question. Longer replies would be read as they come, which does not tell of their tokens."""
SCALE = 8.0
"""For the embedded model, whose means for questions are between -2 and -8: one in nine good ones is below -5.5, which
becomes 0.5."""


class Fluency(Check):
    """Ask how likely the model finds the question by itself. For a model that is served with `llamacpp`, `vllm` or
    `openai` with `guided: vllm`; others leave the score out."""

    default_prompt: ClassVar[str] = "fluency"
    prompt_family: ClassVar[Family] = "fluency"
    score: ClassVar[str] = "fluency"
    answers: ClassVar[bool] = False
    described: ClassVar[str] = "how likely the model finds the question"

    kind: Literal["fluency"]

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """None for a pair whose question was not written from a sentence, and where the engine cannot tell."""
        question = neutralise(pair.question).strip()
        if pair.context is None or pair.evidence is not None or not question:
            return None
        measuring = engine.measure_text(render_messages(prompt), question)
        if measuring is None:
            return None
        sampling = {**prompt.sampling, "max_tokens": MOST_TOKENS, "seed": draw_seed(seed, self.label, 0)}
        extra = {**prompt.extra, **measuring.fields}
        return make_request(prompt, engine, measuring.messages, sampling, extra, measured=question)

    def read_reply(self, checked: CheckedPair, reply: Reply) -> Finding:
        return Finding(None if reply.logprob is None else score_fluency(reply.logprob))

    def describe_limits(self, engine: Engine) -> str | None:
        if engine.measure_text((), "") is not None:
            return None
        return (
            f"the server of {engine.model_name} cannot be asked how likely it finds a text: pairs are left without the"
            " score `fluency` (if it is vLLM, set `guided: vllm` in the engine)"
        )


def score_fluency(logprob: float) -> float:
    """The score for the mean log-probability of a question's tokens: exp(mean / 8), so that -5.5 is 0.5."""
    return 0.0 if math.isnan(logprob) else round(math.exp(min(0.0, logprob) / SCALE), 4)
