"""The judge: a model rates a pair beside its pages by a rubric, each criterion from 1 to 5 with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import orjson
from pydantic import Field, model_validator

from docmatix.core.pairs import Reply, is_cut
from docmatix.core.settings import Section
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Family
from docmatix.verification.check import CheckedPair, Finding, Rating
from docmatix.verification.page_check import PageCheck

WORST, BEST = 1, 5
_MOST_REASON_CHARS = 1000


class Criterion(NamedTuple):
    """A line of the rubric."""

    name: str
    meaning: str


RUBRIC = (
    Criterion("grounded", "the pages say what the answer says, and say nothing else in its place"),
    Criterion("complete", "the answer has all that the question asks for, and is not cut off"),
    Criterion("unambiguous", "the question alone tells what is asked, and has exactly one right answer on these pages"),
    Criterion("useful", "a reader of such a document may want to know it, and has to look at the pages to tell"),
    Criterion(
        "well_formed", "question and answer are correct, natural sentences or values, and the answer fits the question"
    ),
)


class Weights(Section):
    """How much each criterion counts in the score. Whatever the others are, the score is no better than the rating for
    `grounded`."""

    grounded: float = Field(2, ge=0, le=100)
    complete: float = Field(1, ge=0, le=100)
    unambiguous: float = Field(2, ge=0, le=100)
    useful: float = Field(1, ge=0, le=100)
    well_formed: float = Field(1, ge=0, le=100)

    @model_validator(mode="after")
    def _check(self) -> Weights:
        if not any(getattr(self, each.name) for each in RUBRIC):
            raise ValueError("one of the weights must be more than 0")
        return self


class Judge(PageCheck):
    """Have a model rate the pair beside its pages by a rubric: whether it is grounded in them, complete, unambiguous,
    useful and well formed. Several judges are several checks with a `name` each; their mean is the score `judged`, and
    how far they are apart `judge_spread`."""

    default_prompt: ClassVar[str] = "judge"
    prompt_family: ClassVar[Family] = "judge"
    score: ClassVar[str] = "judged"
    described: ClassVar[str] = "rating by a rubric beside the pages"

    kind: Literal["judge"]
    weights: Weights = Weights()

    def describe_pair(self, checked: CheckedPair) -> dict[str, Any]:
        pair = checked.pair
        return {"question": pair.question, "answer": pair.answer, "criteria": RUBRIC}

    def constrain(self, engine: Engine) -> dict[str, Any]:
        return engine.constrain_json("ratings", ratings_schema()) or {}

    def read_reply(self, checked: CheckedPair, reply: Reply) -> Finding:
        """The score of its ratings; without all of them none, for the reason `truncated` or `unreadable_ratings`."""
        from docmatix.prompting.replies import read_answer

        ratings = read_ratings(read_answer(reply.content, finish_reason="stop"))
        if ratings is None:
            return Finding(None, reason="truncated" if is_cut(reply.finish_reason) else "unreadable_ratings")
        return Finding(score_ratings(ratings, self.weights), ratings=ratings)


def ratings_schema() -> dict[str, Any]:
    """The JSON schema of a reply, for `response_format`: the reason comes first, so that the rating follows from it."""
    rating = {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "rating": {"type": "integer", "enum": [*range(WORST, BEST + 1)]}},
        "required": ["reason", "rating"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {each.name: rating for each in RUBRIC},
        "required": [each.name for each in RUBRIC],
        "additionalProperties": False,
    }


def read_ratings(said: str) -> tuple[Rating, ...] | None:
    """The ratings of a reply, in the rubric's order: one JSON object with every criterion, each a whole number from 1
    to 5 with a reason; None for anything else, be it a key given twice, since a guess would be a rating of our own."""
    text = said.strip()
    if text.startswith("```"):  # the one thing around it that changes nothing
        text = text.removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        orjson.loads(text)  # refuses lone surrogates
        content = json.loads(text, object_pairs_hook=_make_object)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or set(content) != {each.name for each in RUBRIC}:
        return None
    ratings = []
    for criterion in RUBRIC:
        entry = content[criterion.name]
        if not isinstance(entry, dict) or set(entry) != {"rating", "reason"}:
            return None
        rating, reason = entry["rating"], entry["reason"]
        if type(rating) is not int or not WORST <= rating <= BEST or not isinstance(reason, str):
            return None
        ratings.append(Rating(criterion.name, rating, reason[:_MOST_REASON_CHARS]))
    return tuple(ratings)


def _make_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(members)
    if len(content) < len(members):
        raise ValueError("a key is given twice")
    return content


def score_ratings(ratings: Sequence[Rating], weights: Weights) -> float:
    """The weighted mean of ratings as 0..1, and at most that of `grounded`: what the pages do not say is not made good
    by a fine sentence."""
    scaled = {each.criterion: (each.rating - WORST) / (BEST - WORST) for each in ratings}
    counted = weights.model_dump()
    mean = sum(counted[name] * value for name, value in scaled.items()) / sum(counted.values())
    return float(round(min(mean, scaled["grounded"]), 4))
