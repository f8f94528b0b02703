"""The family of checks: what `verify` asks a model about a generated pair."""

from __future__ import annotations

from typing import ClassVar

from docmatix.core.kinds import Kind
from docmatix.core.pairs import Pair, Reply, Request
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Family, Prompt
from docmatix.prompting.replies import read_answer


class Check(Kind):
    """One request about a pair, and a score (0..1) for the reply. A filter decides what is dropped."""

    family: ClassVar[str] = "check"
    prompt: ClassVar[str] = "round_trip"
    """The prompt file; that of the round trip is rendered with `question` and `context`."""

    prompt_family: ClassVar[Family] = "round_trip"
    """What its front matter says."""

    score: ClassVar[str] = "round_trip"
    """The field of `Scores`, and column of the table of `verify`, that it fills."""

    answers: ClassVar[bool] = True
    """Whether the reply answers the pair's question, and is shown beside the pair."""

    described: ClassVar[str] = "a check"
    """What the dataset card says that it does."""

    kind: str
    engine: AnyEngine | None = None
    """The model to ask; by default the one that wrote the pairs, on the server of `generate`."""

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """The request about a pair; None to leave the pair without a score."""
        raise NotImplementedError

    def score_reply(self, pair: Pair, reply: str) -> float:
        """The pair's score. `reply` is what the model said without its thoughts, and empty if that was cut off."""
        raise NotImplementedError

    def read_score(self, pair: Pair, reply: Reply) -> float | None:
        """The pair's score, by default for what was said; None if the reply does not tell it."""
        return self.score_reply(pair, read_answer(reply.content, finish_reason=reply.finish_reason))

    def describe_limits(self, engine: Engine) -> str | None:
        """What a build says, once, if it cannot check anything with this engine."""
        return None
