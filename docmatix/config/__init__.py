"""The configuration of a build: one YAML file, validated by these models, which are also its reference.

Unknown keys are rejected. Relative paths start at the file's folder. Keys that cannot change the output (addresses,
time-outs, worker counts) are marked `NotFingerprinted` and never enter a fingerprint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from docmatix.core.settings import NOT_FINGERPRINTED, Section
from docmatix.curation.filters import DEFAULT_FILTERS, AnyFilter
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.models.sampling import Sampling
from docmatix.pdf.settings import Extract, Rendering
from docmatix.prompting.chunks import Pictures
from docmatix.sources import AnySource
from docmatix.verification import AnyCheck
from docmatix.verification.check import Check
from docmatix.verification.passes import Pass, divide_passes

# --- stages -----------------------------------------------------------------------------------------------------------


class Plan(Section):
    """How documents are divided into shards."""

    documents_per_shard: Annotated[int | None, NOT_FINGERPRINTED] = Field(None, ge=1)
    """By default two at first and up to 64 later, so that all cores have work from beginning to end. Applies to shards
    that are not planned yet; existing ones are never divided again."""
    shard_mb: Annotated[int, NOT_FINGERPRINTED] = Field(64, ge=1)
    """Most megabytes of a shard's documents, where their sizes are known; a document of more than a quarter of it has a
    shard of its own."""


class Dedup(Section):
    """Which documents are left out as duplicates. Near duplicates are found by MinHash over word shingles; a scan that
    OCR has read, and a document with a text layer, by their words in any order."""

    exact: bool = True
    near: bool = True
    pages: bool = True
    """Ask nothing about a page that says the same as an earlier one, of the same or of another document: with the same
    words or, with `near`, with other words that are no number, name (by its capital), field, tick or cell. Numbers in
    words are known of ten languages (de, en, es, fr, it, nl, pl, pt, ru, sv) but for inflected ones; other words in
    lower case, such as French months, are not taken for answers. It is in no sample: windows end before it."""
    threshold: float = Field(0.85, gt=0, le=1)
    """The estimated Jaccard similarity of word 5-grams from which the later document is left out. Of a scan and another
    document, as many of the words of which OCR is sure must be in both."""
    memory_mb: Annotated[int, NOT_FINGERPRINTED] = Field(1024, ge=64)
    """Memory for the comparison, however many documents there are; what takes more is in the temporary directory, about
    1.1 KB a document and 0.2 KB a page, while it lasts. Beyond it are pages that are left out, 120 bytes each (32 once
    all are found), and pages of other words that agree in all that may be an answer, where these alone fill it."""


class Window(Section):
    """A sample: consecutive pages of one document."""

    max_pages: int = Field(4, ge=1)


class PromptChoice(Section):
    """A prompt by name, with settings that override those in its file."""

    name: str
    weight: float | None = Field(None, gt=0)
    sampling: Sampling = Sampling()
    """Overrides the prompt file and the engine."""
    lora: str | None = None
    """The LoRA adapter that answers this prompt: a key of `loras` (vllm), or a model that the server lists."""


class Generate(Section):
    """Making pairs from facts, and asking the model for others."""

    engine: AnyEngine
    prompts: tuple[str | PromptChoice, ...] = Field(
        (
            "extractive",
            "broad_whole",
            "broad_sections",
            "broad_critical",
            "broad_details",
            "broad_general",
        ),
    )
    """Names of prompt files. Each window draws from them by weight, seeded by its id. The engine `none` has none."""
    prompts_per_window: int = Field(1, ge=1)
    """How many different prompts a window draws."""
    pairs_per_page: int = Field(4, ge=0)
    """A window gets at most this many pairs made from facts (fields, tables, headings, ...) for each of its usable
    pages, which no model is asked for; 0 for none."""
    pictures: Pictures = Pictures()
    max_candidates: int = Field(12, ge=1)
    """Answer-first prompts ask about at most this many candidate answers per page."""
    prompts_dir: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The first place to look for prompt files; then `prompts/` next to the configuration, then the built-in ones."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_default_prompts(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "prompts" not in given:
            engine = given.get("engine")
            if (engine.get("kind") if isinstance(engine, Mapping) else getattr(engine, "kind", None)) == "none":
                return {**given, "prompts": ()}
        return given

    @field_validator("prompts")
    @classmethod
    def _check_prompts(cls, prompts: tuple[Any, ...], given: ValidationInfo) -> tuple[Any, ...]:
        engine = given.data.get("engine")  # not there if it is wrong itself
        if engine is not None and not engine.has_model and prompts:
            raise ValueError("the engine `none` asks no model: name no prompt, or another engine")
        if (engine is None or engine.has_model) and not prompts:
            raise ValueError("name a prompt, or take the key out")
        return prompts

    @field_validator("pairs_per_page")
    @classmethod
    def _check_pairs_per_page(cls, pairs: int, given: ValidationInfo) -> int:
        engine = given.data.get("engine")
        if engine is not None and not engine.has_model and not pairs:
            raise ValueError(
                "without these pairs the engine `none` has nothing to do: raise it, or name another engine"
            )
        return pairs


class Curate(Section):
    """Which pairs are kept."""

    filters: tuple[AnyFilter, ...] = DEFAULT_FILTERS


class Pack(Rendering):
    """Rendering and writing the dataset."""

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
    """Licence of the sources for the dataset card, as the Hub names it (`cc-by-4.0`). Every build writes the card, so a
    change repacks nothing."""

    @property
    def rendering(self) -> Rendering:
        """The settings of the page images alone."""
        return Rendering.model_validate({name: getattr(self, name) for name in Rendering.model_fields})


class Limits(Section):
    """When a build stops instead of dropping data."""

    unexpected_share: float = Field(0.2, ge=0, le=1)
    """The build stops when unexpected reasons (a bug, a failing server, requests that it refuses) together exceed this
    share of a unit; at 1.0 never. A worker that sends requests checks its latest 2,000, from the 50th on, and stops
    when the failures exceed chance and affect at least five documents."""
    shard_attempts: int = Field(4, ge=1)
    """A shard that kills its worker this many times in one build stops the build."""
    stall_s: float = Field(120, gt=0)
    """A stage that makes no progress for this long reports what it is waiting for. A worker without a heartbeat for
    this long is killed and its shards are retried (`shard_attempts`)."""
    no_progress_s: float | None = Field(None, gt=0)
    """A stage that commits nothing, finishes no document and receives no reply for this long stops the build; by
    default 1,800 s, or as long as one document (`timeout_s`) or request (`timeout_s`, `give_up_after_s`) may take."""
    store_patience_s: float = Field(300, gt=0)
    """A source or run directory on an object store or web server that stops responding is retried for this long; then
    the build stops. One that does not respond when a build starts is reported as misnamed within seconds."""
    min_free_disk_mb: int = Field(200, ge=0)
    """A build does not start with less free space on the run directory's disk or in the temporary directory."""


class Resources(Section):
    """Machines and workers; never part of a fingerprint."""

    address: str | None = None
    """`auto` or `HOST:6379` joins a running Ray cluster from one of its nodes; by default workers are processes of this
    machine. Ray Client (`ray://`) is not supported: start the build on a node, or as a job."""
    cpus: int | None = Field(None, ge=1)
    """CPUs of this machine that are used; by default all. On a cluster, Ray knows how many there are."""
    workers: int | None = Field(None, ge=1)
    """Most workers of a stage on CPUs; by default one per CPU."""
    generate_workers: int = Field(1, ge=1)
    """Workers that send requests; they share the engine's `max_in_flight`."""
    shards_in_flight: int = Field(4, ge=1)
    """Shards that a sending worker overlaps, so that the server never idles at the end of one."""

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str | None) -> str | None:
        if address is not None and address.startswith("ray://"):
            raise ValueError(
                "Ray Client (ray://) is not supported; start the build on a node of the cluster, with `auto`"
            )
        return address


class Config(Section):
    """A build. `name`, `source` and `generate.engine` are required; everything else has a default."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    source: AnySource
    plan: Plan = Plan()
    extract: Extract = Extract()
    dedup: Dedup = Dedup()
    window: Window = Window()
    generate: Generate
    verify: tuple[AnyCheck, ...] = ()
    """What is asked about each pair that a model wrote: a list of checks; one alone may stand without a list."""
    curate: Curate = Curate()
    pack: Pack = Pack()
    limits: Annotated[Limits, NOT_FINGERPRINTED] = Limits()
    resources: Annotated[Resources, NOT_FINGERPRINTED] = Resources()

    @field_validator("verify", mode="before")
    @classmethod
    def _list_checks(cls, verify: Any) -> Any:
        """A list of one for a check alone, and an empty one for none, which is how earlier versions wrote them."""
        if verify is None:
            return ()
        return (verify,) if isinstance(verify, (Mapping, Check)) else verify

    @field_validator("verify")
    @classmethod
    def _check_verify(cls, verify: tuple[Check, ...], given: ValidationInfo) -> tuple[Check, ...]:
        labels = Counter(check.label for check in verify)
        if labels and labels.most_common(1)[0][1] > 1:
            label = labels.most_common(1)[0][0]
            raise ValueError(f"two checks are called `{label}`: give each a `name` of its own")
        generate = given.data.get("generate")
        if generate is None:  # it is wrong itself
            return verify
        for check in verify:
            engine = check.engine or generate.engine
            if not engine.has_model:
                raise ValueError(
                    f"`{check.label}` needs a model, and the engine `none` has none: give it an `engine` of its own"
                )
            if (reason := check.refuse(engine)) is not None:
                raise ValueError(f"`{check.label}`: {reason}")
        return verify

    def choose_check_engine(self, check: Check) -> Engine:
        """The engine of a check: its own, or that of `generate`."""
        return check.engine or self.generate.engine

    @property
    def check_passes(self) -> tuple[Pass, ...]:
        """The checks of `verify`, divided by the servers that they ask."""
        return divide_passes(self.verify, default=self.generate.engine)
