"""A request to a model, from a prompt and the messages that were rendered from it."""

from __future__ import annotations

from typing import Any

from docmatix.core.pairs import Message, Picture, Request
from docmatix.models.engine import Engine
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
