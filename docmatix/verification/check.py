"""The family of checks: what `verify` asks a model about a pair, which answers with scores. None drops a pair: a filter
of `curate` reads the scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from docmatix.core.draws import draw_seed, draw_unit
from docmatix.core.kinds import Kind
from docmatix.core.pairs import FACTS, Message, Pair, Picture, Reply, Request
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.models.sampling import Sampling
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.pipeline import VERIFY
from docmatix.prompting.chunks import Chunk, PageText, Pictures
from docmatix.prompting.prompts import Family, Prompt, tune_prompt
from docmatix.prompting.requests import make_request
from docmatix.prompting.windows import Window

ChunkMemo = dict[tuple[object, ...], Sequence[Chunk]]
"""How a window was cut, by what decides it: composing and counting its text takes milliseconds, for each pair."""


@dataclass(frozen=True, slots=True)
class CheckedPair:
    """A pair with the window that it is about; `seen` are the pages whose pictures its model was shown, and `chunks` is
    shared by the pairs of the window."""

    pair: Pair
    window: Window
    seen: tuple[int, ...] = ()
    language: str | None = None
    chunks: ChunkMemo = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a check asks: its prompt, tuned for its engine, and what counts and draws for it."""

    prompt: Prompt
    engine: Engine
    seed: int
    counter: TokenCounter = ESTIMATE
    pictures: Pictures = field(default_factory=Pictures)
    room: int = 0
    """Tokens for pages and pair."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """One request of a check. `page` is set where it is about one page of several, `chunk` has the pages that it shows,
    of which it can be halved."""

    request: Request
    page: int | None = None
    chunk: tuple[PageText, ...] = ()


class Rating(NamedTuple):
    """A judge's mark by one criterion, 1 (bad) to 5 (good)."""

    criterion: str
    rating: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reply says about a pair: a score (0..1), or the `reason` why it tells none. `rule` is the one by which
    answers were compared."""

    score: float | None
    page: int | None = None
    rule: str | None = None
    ratings: tuple[Rating, ...] = ()
    reason: str | None = None


class Check(Kind):
    """Requests about a pair, and scores (0..1) for the replies. A kind that asks one thing overrides `build_request`
    and `score_reply`."""

    family: ClassVar[str] = "check"
    default_prompt: ClassVar[str] = "round_trip"
    prompt_family: ClassVar[Family] = "round_trip"
    """What the front matter of its prompt says."""

    score: ClassVar[str] = "round_trip"
    """The field of `Scores`, and column of the table of `verify`, that it fills."""

    other_scores: ClassVar[tuple[str, ...]] = ()
    """Further ones that it may fill."""

    answers: ClassVar[bool] = True
    """Whether the reply says something about the pair, and is shown beside it."""

    reads_pages: ClassVar[bool] = False
    """Whether it needs the pages of the pair's window."""

    described: ClassVar[str] = "a check"
    """What the dataset card says that it does."""

    kind: str
    name: str | None = Field(None, pattern=r"^[a-z][a-z0-9_-]*$")
    """How its requests are told from those of another check of its kind; by default the kind. Their seed depends on it,
    so a check that is renamed asks again."""
    engine: AnyEngine | None = None
    """The model to ask; by default the one that wrote the pairs, on the server of `generate`. A model of another family
    sees faults to which that one is blind."""
    prompt: str | None = None
    """The name of a prompt file of the check's family; by default the shipped one."""
    sampling: Sampling = Sampling()
    """Overrides the prompt file, and `sampling` of the check's own engine: a model that thinks before it answers needs
    a larger `max_tokens`."""
    styles: tuple[str, ...] = ()
    """Only pairs of these styles are checked; if empty, all are."""
    prompts: tuple[str, ...] = ()
    """Only pairs of these prompts are checked; if empty, all but those that were made from facts (`facts`), which are
    right by construction."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of these pairs that is checked, drawn by the seed and the pair's id: the same pairs for every check,
    and a smaller share is part of a larger one."""

    @property
    def label(self) -> str:
        """Its name, or that of its kind."""
        return self.name or self.kind

    @property
    def prompt_name(self) -> str:
        return self.prompt or self.default_prompt

    def selects(self, pair: Pair, *, seed: int) -> bool:
        """Whether this pair is one to be checked."""
        if self.styles and pair.style not in self.styles:
            return False
        if pair.prompt not in self.prompts if self.prompts else pair.prompt == FACTS:
            return False
        return self.share >= 1 or draw_unit(seed, VERIFY, pair.pair_id) < self.share

    def tune(self, prompt: Prompt, engine: Engine) -> Prompt:
        """The prompt with the settings of this check and its engine."""
        # of an engine of its own, what its card recommends; that of `generate` is told how to write pairs
        sampling = (self.engine.sampling.to_body() if self.engine else {}) | self.sampling.to_body()
        return tune_prompt(prompt, sampling=sampling, model=engine.choose_model(None), extra=engine.template_fields)

    def measure_room(self, asking: Asking) -> int:
        """What `Asking.room` is to be. Raises SetupError if the engine's context is too short for the prompt."""
        return 0

    def plan_requests(self, checked: CheckedPair, asking: Asking) -> list[CheckRequest]:
        """The requests about a pair; none to leave it without a score."""
        request = self.build_request(checked.pair, asking.prompt, engine=asking.engine, seed=asking.seed)
        return [] if request is None else [CheckRequest(request)]

    def build_request(self, pair: Pair, prompt: Prompt, *, engine: Engine, seed: int) -> Request | None:
        """The request about a pair; None to leave it without a score."""
        raise NotImplementedError

    def halve_request(self, checked: CheckedPair, request: CheckRequest, asking: Asking) -> list[CheckRequest]:
        """What to ask in place of a request that the server finds too long; nothing if it cannot be divided."""
        return []

    def read_reply(self, checked: CheckedPair, reply: Reply) -> Finding:
        """What a reply says."""
        from docmatix.prompting.replies import read_answer

        said = read_answer(reply.content, finish_reason=reply.finish_reason)
        return Finding(self.score_reply(checked.pair, said))

    def score_reply(self, pair: Pair, reply: str) -> float:
        """The pair's score. `reply` is what the model said without its thoughts, and empty if that was cut off."""
        raise NotImplementedError

    def sum_up(self, findings: Sequence[Finding]) -> dict[str, float]:
        """The scores of a pair, by field of `Scores`: the best of its replies, since a pair that is right by one part
        of a long window need not be by the others."""
        return keep_known({self.score: find_best(findings)})

    def refuse(self, engine: Engine) -> str | None:
        """Why it cannot ask this engine, as the end of a sentence about the setting; None if it can."""
        return None

    def describe_limits(self, engine: Engine) -> str | None:
        """What a build says, once, if it cannot check anything with this engine."""
        return None

    def make_request(
        self,
        asking: Asking,
        messages: tuple[Message, ...],
        extra: dict[str, Any],
        *,
        pictures: tuple[Picture, ...] = (),
    ) -> Request:
        """A request of this check, with its seed."""
        sampling = {**asking.prompt.sampling, "seed": draw_seed(asking.seed, self.label, 0)}
        return make_request(asking.prompt, asking.engine, messages, sampling, extra, pictures=pictures)


def find_best(findings: Iterable[Finding]) -> float | None:
    """The best score that is known."""
    return max((each.score for each in findings if each.score is not None), default=None)


def keep_known(scores: dict[str, float | None]) -> dict[str, float]:
    """Those that were computed."""
    return {name: score for name, score in scores.items() if score is not None}
