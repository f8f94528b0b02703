"""The family of checks: what `verify` asks a model about a pair that a model wrote."""

from __future__ import annotations

from typing import ClassVar

from docmatix.core.kinds import Kind
from docmatix.core.pairs import Pair, Request
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Prompt


class Check(Kind):
    """One request about a pair, and the score (0..1) that its reply gives. Its filter decides what is dropped."""

    family: ClassVar[str] = "check"
    prompt: ClassVar[str] = "round_trip"
    """The prompt file it renders, of the family `round_trip`: it is given `question` and `context`."""

    kind: str
    engine: AnyEngine | None = None
    """Another model than the one that wrote the pairs. Without it the server that `generate` asked is asked again."""

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """What to ask about a pair; None to leave it without a score."""
        raise NotImplementedError

    def score_reply(self, pair: Pair, reply: str) -> float:
        """The score `round_trip` of the pair."""
        raise NotImplementedError
