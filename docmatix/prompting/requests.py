"""A request to a model, from a prompt and the messages that were rendered from it, and what room it has for pages."""

from __future__ import annotations

from typing import Any

from docmatix.core.pairs import Message, Picture, Request
from docmatix.models.engine import Engine
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.prompting.chunks import measure_budget
from docmatix.prompting.prompts import Prompt


def make_request(
    prompt: Prompt,
    engine: Engine,
    messages: tuple[Message, ...],
    sampling: dict[str, Any],
    extra: dict[str, Any],
    *,
    pictures: tuple[Picture, ...] = (),
    measured: str | None = None,
) -> Request:
    """A request to the engine's model, or to the prompt's LoRA adapter."""
    return Request(prompt.model or engine.model_name, messages, sampling, extra, engine.variant, pictures, measured)


def measure_token_budget(prompt: Prompt, engine: Engine, *, counter: TokenCounter = ESTIMATE) -> int:
    """Tokens that the engine's context leaves for the pages of a window. Raises SetupError if that is too few."""
    variables: dict[str, Any] = {"pages": [], "pair_count": 1, "language": None}
    if prompt.sees:
        variables["picture_count"] = 1
    return measure_budget(prompt, context_tokens=engine.context_length, counter=counter, **variables)
