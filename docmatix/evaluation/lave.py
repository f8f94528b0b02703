"""The verdict of a judge on an answer, given those that count as right: LAVE (Mañas et al., "Improving Automatic VQA
Evaluation Using Large Language Models", 2023). A rating of 1 to 3, its reason first, with examples in the prompt."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from docmatix.core.draws import draw_seed
from docmatix.core.pairs import Reply, Request
from docmatix.evaluation.predictions import Example
from docmatix.models.engine import Engine
from docmatix.prompting.loose_json import FENCE
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.replies import read_answer
from docmatix.prompting.requests import make_request
from docmatix.prompting.templates import render_messages

PROMPT = "lave"
"""The name of its prompt file."""

SCORES = {1: 0.0, 2: 0.5, 3: 1.0}
"""The score of each rating."""

_LONGEST = 4_000
"""Characters of a text that a judge reads: a model in a loop writes without end."""
_MOST_REFERENCES = 20
_KEYS = {"reason", "rating"}


class Verdict(NamedTuple):
    """How right an answer is, 0, 0.5 or 1, and why."""

    score: float
    reason: str


def plan_verdict(example: Example, prediction: str, *, prompt: Prompt, engine: Engine, seed: int) -> Request:
    """The request for a verdict on a prediction; its reply is held to JSON where the engine can do that."""
    references = [_clip(answer) for answer in list(dict.fromkeys(example.answers))[:_MOST_REFERENCES]]
    messages = render_messages(
        prompt, question=_clip(example.question), answers=references, candidate=_clip(prediction)
    )
    sampling = {**prompt.sampling, "seed": draw_seed(seed, PROMPT, 0)}
    extra = {**prompt.extra, **(engine.constrain_json("verdict", verdict_schema()) or {})}
    return make_request(prompt, engine, messages, sampling, extra)


def verdict_schema() -> dict[str, Any]:
    """The JSON schema of a reply."""
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "rating": {"type": "integer", "enum": list(SCORES)}},
        "required": ["reason", "rating"],
        "additionalProperties": False,
    }


def read_verdict(reply: Reply) -> Verdict | None:
    """The verdict of a reply that is one object with a reason and a rating; None for anything else, and if it was cut
    off."""
    said = FENCE.sub("", read_answer(reply.content, finish_reason=reply.finish_reason)).strip()
    try:
        value = orjson.loads(said)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or value.keys() != _KEYS:
        return None
    reason, rating = value["reason"], value["rating"]
    if isinstance(rating, str) and rating.strip() in ("1", "2", "3"):
        rating = int(rating)
    if not isinstance(reason, str) or not reason.strip() or type(rating) is not int or rating not in SCORES:
        return None
    return Verdict(SCORES[rating], " ".join(reason.split()))


def _clip(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
