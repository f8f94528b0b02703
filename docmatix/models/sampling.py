"""Sampling settings of a chat request.

They are set in three places, of which the most specific wins: the prompt file, the engine (what the model's card
recommends), and the entry of `generate.prompts`; those of a check in its prompt file, its own engine and its entry
of `verify`. The seed is not among them: it is drawn for each request.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from docmatix.core.settings import Section


class Sampling(Section):
    """Fields of the OpenAI chat API, and extensions that both vLLM and llama.cpp support."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = None
    min_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = Field(None, gt=0)
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(None, ge=1)

    def to_body(self) -> dict[str, Any]:
        """The fields that are set."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_fingerprint(self) -> dict[str, Any]:
        return self.to_body()
