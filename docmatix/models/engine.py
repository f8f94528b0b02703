"""The family of engines: what serves the model that a build asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import Field

from docmatix.core.kinds import Kind
from docmatix.core.pairs import Message
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.models.sampling import Sampling
from docmatix.models.service import Served

if TYPE_CHECKING:
    from docmatix.storage.run import Run


class Measuring(NamedTuple):
    """What to send so that the reply tells the log-probability of a text."""

    messages: tuple[Message, ...]
    fields: dict[str, Any]


class Engine(Kind):
    """A model and its server, which speaks the OpenAI chat API. A kind overrides what it supports."""

    family: ClassVar[str] = "engine"
    per_request: ClassVar[frozenset[str]] = frozenset(
        {
            "sampling",
            "chat_template_kwargs",
            "tokenizer",
            "timeout_s",
            "give_up_after_s",
            "max_attempts",
            "max_in_flight",
        }
    )
    """The settings that its server does not depend on."""

    kind: str
    model: str
    sampling: Sampling = Sampling()
    """Overrides the prompt files, in `generate` and of checks that name this engine: what the model's card recommends
    belongs here."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the model's chat template, such as `{enable_thinking: false}`, for servers that support them."""
    tokenizer: Annotated[str | None, NOT_FINGERPRINTED] = None
    """A `tokenizer.json`, its folder or a repository on the Hub, to count the tokens that fit into a context. By
    default `vllm` uses its model's own where available, and the others estimate, erring upwards. Only the content of
    the file matters, not its location."""
    vision: bool = False
    """The model accepts images: prompts of the family `vision` may be drawn, and are sent page images."""
    timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(600, gt=0)
    """How long to wait for one reply."""
    give_up_after_s: Annotated[float, NOT_FINGERPRINTED] = Field(600, ge=0)
    """How long to wait for a server that cannot be reached before the build stops."""
    max_attempts: Annotated[int, NOT_FINGERPRINTED] = Field(8, ge=1)
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(64, ge=1)
    """Requests in flight, over all servers together."""

    # --- what the model is -------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The model's name in requests, replies and the dataset."""
        return self.model

    @property
    def has_model(self) -> bool:
        """Whether there is a model to be served and asked."""
        return True

    @property
    def variant(self) -> str:
        """What else determines the replies without being in the request, such as `quantization=awq`."""
        return ""

    @property
    def context_length(self) -> int:
        """Tokens that prompt and reply may take together."""
        raise NotImplementedError

    @property
    def template_fields(self) -> dict[str, Any]:
        """The fields of a request that pass the template's arguments on."""
        return {"chat_template_kwargs": dict(self.chat_template_kwargs)} if self.chat_template_kwargs else {}

    @property
    def most_in_flight(self) -> int:
        """Requests that may be in flight to all servers together."""
        return self.max_in_flight

    @property
    def own_tokenizer(self) -> str | None:
        """Where to find the model's own tokenizer if none is configured; None to estimate."""
        return None

    def choose_model(self, chosen: str | None) -> str | None:
        """The LoRA adapter, or other model of its server, for a prompt that has `chosen` one; None for the model
        itself. Raises SetupError if it does not exist."""
        return chosen

    @property
    def key_variable(self) -> str | None:
        """The environment variable that holds the key of an external server."""
        return None

    @property
    def gpus(self) -> float:
        """GPUs that the build uses for one server."""
        return 0.0

    @property
    def total_gpus(self) -> float:
        """GPUs that the build uses for all servers."""
        return self.gpus

    @property
    def places_servers(self) -> bool:
        """Whether the build has Ray place its servers on machines, where they take CPUs."""
        return False

    # --- constrained replies: fields of a request body, or None if the server cannot ----------------------------------

    @property
    def uses_grammars(self) -> bool:
        """Whether the questions and answers of answer-first prompts are constrained by grammars and choices."""
        return False

    def constrain_json(self, name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Constrain a reply to a JSON schema."""
        return None

    def constrain_grammar(self, grammar: str) -> dict[str, Any] | None:
        """Constrain a reply to a grammar in llama.cpp's notation."""
        return None

    def constrain_choices(self, choices: Sequence[str]) -> dict[str, Any] | None:
        """Constrain a reply to one of several texts."""
        return None

    def measure_text(self, messages: Sequence[Message], text: str) -> Measuring | None:
        """Ask how likely the model itself finds `text` as its reply to `messages`."""
        return None

    # --- serving it ---------------------------------------------------------------------------------------------------

    def shares_server(self, other: Engine) -> bool:
        """Whether what serves this engine can be asked for the other one, too."""
        mine, others = (each.model_dump(exclude=set(self.per_request)) for each in (self, other))
        return type(self) is type(other) and bool(mine == others)

    async def check(self, *, private: bool) -> None:
        """Raise SetupError if the model cannot be reached, or its server is not installed. `private`: it will be served
        on this machine."""

    def check_node(self) -> None:
        """Raise SetupError if this cluster node, which has the GPUs for it, lacks the server's installation."""

    def check_placement(self) -> None:
        """Raise SetupError if the running Ray can never place its servers."""

    def serve(
        self, *, pictures_per_request: int, say: Callable[[str], None], run: Run
    ) -> AbstractContextManager[Served]:
        """Serve the model for the length of the block. Raises SetupError or BuildError if that fails."""
        raise NotImplementedError

    # --- its settings -------------------------------------------------------------------------------------------------

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        """A copy whose relative paths are absolute."""
        return self.model_copy(update={"tokenizer": self.tokenizer and resolve_path(self.tokenizer, absolute)})


def resolve_path(place: str, absolute: Callable[[str], str]) -> str:
    """An absolute path, or a repository (`org/model`) as it is; a path begins with `.`, `/` or `~`."""
    return absolute(place) if place.startswith((".", "/", "~")) else place


def constrain_json_schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The field `response_format` of the OpenAI API."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}}


def constrain_json_in_vllm(schema: dict[str, Any]) -> dict[str, Any]:
    """vLLM's own field."""
    # without the second field, small models emit endless white space between two tokens of JSON
    return {"structured_outputs": {"json": schema, "disable_any_whitespace": True}}


def measure_prompt_in_vllm(messages: Sequence[Message], text: str) -> Measuring:
    """By vLLM's log-probabilities of the prompt, of which the text is the last message: those of a reply that is held
    to it are taken after all other tokens are forbidden."""
    fields = {
        "prompt_logprobs": 0,
        "add_generation_prompt": False,
        "continue_final_message": True,
        "max_tokens": 1,
    }
    return Measuring((*messages, Message("assistant", text)), fields)
