"""`openai`: a server that is already running."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr

from docmatix.core.pairs import Message
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.models.engine import (
    Engine,
    Measuring,
    constrain_json_in_vllm,
    constrain_json_schema,
    measure_prompt_in_vllm,
)
from docmatix.models.service import Served, Service

if TYPE_CHECKING:
    from docmatix.storage.run import Run


class OpenaiEngine(Engine):
    """Any server that speaks the OpenAI chat API."""

    # a server may have several models, and is told with each request which one is meant
    per_request: ClassVar[frozenset[str]] = Engine.per_request | {"model", "vision", "context_tokens", "guided"}

    kind: Literal["openai"]
    base_url: Annotated[str | tuple[str, ...], NOT_FINGERPRINTED]
    """One address or several (`http://host:8000/v1`); requests go to the least busy, and never through a proxy
    (`HTTPS_PROXY`)."""
    api_key_env: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The environment variable that holds the key; the key itself is never written to a file."""
    context_tokens: int = Field(8192, ge=256)
    guided: Literal["json_schema", "vllm", "none"] = "json_schema"
    """How replies are constrained to JSON if a prompt asks for it: by `response_format`; by vLLM's
    `structured_outputs`, which can forbid the white space that small models emit without end; or not at all. With
    `vllm`, the check `fluency` asks vLLM how likely its model finds a question."""

    @property
    def context_length(self) -> int:
        return self.context_tokens

    @property
    def key_variable(self) -> str | None:
        return self.api_key_env

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of `base_url`."""
        return (self.base_url,) if isinstance(self.base_url, str) else self.base_url

    def constrain_json(self, name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        if self.guided == "vllm":
            return constrain_json_in_vllm(schema)
        return constrain_json_schema(name, schema) if self.guided == "json_schema" else None

    def measure_text(self, messages: Sequence[Message], text: str) -> Measuring | None:
        return measure_prompt_in_vllm(messages, text) if self.guided == "vllm" else None

    async def check(self, *, private: bool) -> None:
        from docmatix.models.preflight import check_server, read_api_key

        await check_server(
            self.addresses,
            model=self.model,
            api_key=read_api_key(self.api_key_env),
            api_key_env=self.api_key_env,
            timeout_s=min(10.0, self.timeout_s),
            patience_s=min(10.0, self.timeout_s),
        )

    @contextlib.contextmanager
    def serve(self, *, pictures_per_request: int, say: Callable[[str], None], run: Run) -> Iterator[Served]:
        from docmatix.models.load_balancer import read_address
        from docmatix.models.preflight import describe_ignored_proxy, read_api_key

        key = read_api_key(self.api_key_env)
        for name in (read_address(address).name for address in self.addresses):
            if note := describe_ignored_proxy(name):
                say(f"serving   {self.model} at {name}{note}")
                break
        yield Served(Service(self.addresses, api_key=SecretStr(key) if key else None), list)
