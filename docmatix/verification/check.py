"""The family of checks: what `verify` asks a model about a generated pair."""

from __future__ import annotations

from typing import ClassVar

from docmatix.core.kinds import Kind
from docmatix.core.pairs import Pair, Request
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.prompting.prompts import Prompt


class Check(Kind):
    """One request about a pair, and a score (0..1) for the reply. A filter decides what is dropped."""

    family: ClassVar[str] = "check"
    prompt: ClassVar[str] = "round_trip"
    """The prompt file, of the family `round_trip`; it is rendered with `question` and `context`."""

    described: ClassVar[str] = "a check"
    """What the dataset card says that it does."""

    kind: str
    engine: AnyEngine | None = None
    """The model to ask; by default the one that wrote the pairs, on the server of `generate`."""

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """The request about a pair; None to leave the pair without a score."""
        raise NotImplementedError

    def score_reply(self, pair: Pair, reply: str) -> float:
        """The pair's score `round_trip`. `reply` is what the model said without its thoughts, and empty if that was cut
        off."""
        raise NotImplementedError
