"""`vllm`: vLLM replicas on the Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from docmatix.core.errors import SetupError
from docmatix.core.pairs import Message
from docmatix.core.redaction import hide_in_arguments, hide_in_variables
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.models.engine import Engine, Measuring, constrain_json_in_vllm, measure_prompt_in_vllm, resolve_path
from docmatix.models.service import Served, Service

if TYPE_CHECKING:
    from docmatix.storage.run import Run

_OWN_ARGUMENTS = {"--api-key", "--host", "--port", "--model", "--served-model-name"}


class VllmEngine(Engine):
    """vLLM replicas on the Ray cluster, started, watched, restarted and stopped by the build. `extra_args` and `env`
    are for what does not change replies (`--max-num-seqs`, `--enforce-eager`): they enter no fingerprint. If they
    change replies nevertheless, give the model another `name`."""

    per_request: ClassVar[frozenset[str]] = Engine.per_request | {"lora", "guided", "grammar"}

    kind: Literal["vllm"]
    model: str
    """A repository on the Hub, or a folder that exists on every node."""
    name: str | None = None
    """The model's name in requests, replies and the dataset; by default that of the repository or folder. Replies are
    stored under it, so other weights need another name."""
    replicas: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    tensor_parallel_size: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    pipeline_parallel_size: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    gpus_per_replica: Annotated[float | None, NOT_FINGERPRINTED] = Field(None, ge=0)
    """GPUs that Ray reserves for a replica, all on one node; by default tensor times pipeline parallel size. 0 runs
    vLLM on the CPU, for trials; there it takes `--no-enable-chunked-prefill` in `extra_args`, since it dies of a long
    prompt that it reads in parts (0.32)."""
    cpus_per_replica: Annotated[float, NOT_FINGERPRINTED] = Field(1, ge=0)
    """CPUs that Ray reserves for a replica."""
    max_model_len: int = Field(8192, ge=256)
    """The context, prompt and reply together."""
    dtype: str = "auto"
    quantization: str | None = None
    gpu_memory_utilization: Annotated[float, NOT_FINGERPRINTED] = Field(0.9, gt=0, le=1)
    loras: dict[str, str] = Field(default_factory=dict)
    """LoRA adapters by name: folders or repositories. `generate.prompts` may choose one for each prompt. Replies are
    stored under these names, so another adapter needs another name."""
    lora: str | None = None
    """The adapter for prompts that choose none; by default the model itself."""
    guided: Literal["vllm", "none"] = "vllm"
    """Whether replies are constrained to JSON if a prompt asks for it."""
    grammar: bool = False
    """Constrain answer-first prompts to well-formed questions, as `llamacpp` always does. Models below about 1 B
    parameters need it; larger ones ask better without."""
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(256, ge=1)
    """Most requests in flight to one replica; fewer are sent while requests wait in its queue."""
    python: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The interpreter of an environment with vLLM, on every node; by default the one that docmatix runs in."""
    extra_args: Annotated[tuple[str, ...], NOT_FINGERPRINTED] = ()
    """More arguments for vLLM's server, one word each: `["--max-num-seqs", "512"]`. Every user of the machine can see
    them in the process list, so put tokens into `env`."""
    env: Annotated[dict[str, str], NOT_FINGERPRINTED] = Field(default_factory=dict)
    """Environment variables of the server. run.yaml masks the values of those named like secrets (`HF_TOKEN`)."""
    start_timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(1800, gt=0)
    """How long a replica may take to start, downloads and compilation included."""
    hang_timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(120, gt=0)
    """A replica that does not respond, or has requests and makes no progress, for this long is killed and restarted."""
    max_failed_starts: Annotated[int, NOT_FINGERPRINTED] = Field(3, ge=1)
    """A replica is given up after this many failed starts in a row, or three times as many starts without finishing a
    request; the build goes on as long as one is left."""

    @model_validator(mode="after")
    def _check(self) -> VllmEngine:
        needed = self.tensor_parallel_size * self.pipeline_parallel_size
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"gpus_per_replica is {self.gpus:g}, but Ray takes whole numbers above 1")
        if needed > 1 and 0 < self.gpus < needed:
            raise ValueError(f"gpus_per_replica is {self.gpus:g}, but tensor times pipeline parallel size is {needed}")
        for argument in self.extra_args:
            if argument.partition("=")[0] in _OWN_ARGUMENTS:
                raise ValueError(f"{argument.partition('=')[0]} in extra_args is set by the build; remove it")
        return self

    @property
    def model_name(self) -> str:
        return self.name or (Path(self.model).name if self.model.startswith(("/", ".", "~")) else self.model)

    @property
    def variant(self) -> str:
        # weights of another precision are another model, though under the same name in requests
        named = {"dtype": self.dtype, "quantization": self.quantization}
        return ",".join(f"{name}={value}" for name, value in named.items() if value not in (None, "auto"))

    @property
    def context_length(self) -> int:
        return self.max_model_len

    @property
    def most_in_flight(self) -> int:
        return self.replicas * self.max_in_flight

    @property
    def own_tokenizer(self) -> str | None:
        return self.model

    def choose_model(self, chosen: str | None) -> str | None:
        chosen = chosen or self.lora
        if chosen is not None and chosen not in self.loras:
            known = ", ".join(self.loras) or "empty"
            raise SetupError(f"`{chosen}` is not a LoRA adapter of the engine: generate.engine.loras is {known}.")
        return chosen

    @property
    def gpus(self) -> float:
        """GPUs of one replica."""
        if self.gpus_per_replica is not None:
            return self.gpus_per_replica
        return float(self.tensor_parallel_size * self.pipeline_parallel_size)

    @property
    def total_gpus(self) -> float:
        return self.replicas * self.gpus

    @property
    def places_servers(self) -> bool:
        return True

    def to_fingerprint(self) -> dict[str, Any]:
        loras = sorted(self.loras)  # by name: their location does not matter
        return super().to_fingerprint() | {"model": self.model_name, "name": None, "loras": loras}

    @property
    def uses_grammars(self) -> bool:
        return self.grammar

    def constrain_json(self, name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        return constrain_json_in_vllm(schema) if self.guided == "vllm" else None

    def constrain_grammar(self, grammar: str) -> dict[str, Any]:
        # vLLM's backend `guidance` reads llama.cpp's notation
        return {"structured_outputs": {"grammar": grammar}}

    def constrain_choices(self, choices: Sequence[str]) -> dict[str, Any]:
        return {"structured_outputs": {"choice": list(choices)}}

    def measure_text(self, messages: Sequence[Message], text: str) -> Measuring:
        return measure_prompt_in_vllm(messages, text)

    async def check(self, *, private: bool) -> None:
        if private:
            self.check_node()

    def check_node(self) -> None:
        from docmatix.models.vllm.installation import check_environment

        check_environment(self)

    def check_placement(self) -> None:
        from docmatix.models.vllm.replica_pool import require_room

        require_room(self)

    @contextlib.contextmanager
    def serve(self, *, pictures_per_request: int, say: Callable[[str], None], run: Run) -> Iterator[Served]:
        from docmatix.models.vllm.replica_pool import make_key, start_fleet

        key = make_key()
        with start_fleet(self, key=key, pictures_per_request=pictures_per_request, say=say, run=run) as fleet:
            yield Served(Service(replicas=fleet.replicas, api_key=key), fleet.look)

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        changes = {
            "model": resolve_path(self.model, absolute),
            "python": absolute(self.python) if self.python and "/" in self.python else self.python,
            "loras": {name: resolve_path(path, absolute) for name, path in self.loras.items()},
        }
        return super().resolve_paths(absolute).model_copy(update=changes)

    @classmethod
    def hide_secrets(cls, settings: dict[str, Any]) -> None:
        super().hide_secrets(settings)
        settings["env"] = hide_in_variables(settings["env"])
        settings["extra_args"] = hide_in_arguments(settings["extra_args"])
