"""Prompts as plain values, which render without their files, and the draw of prompts for a window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from docmatix.core.draws import draw_unit
from docmatix.prompting.conditions import ANYWHERE, Conditions, fits_window
from docmatix.prompting.windows import Window

Family = Literal[
    "answer_first", "window", "vision", "round_trip", "fluency", "answer_again", "answer_blind", "judge", "lave"
]
ReplyFormat = Literal["question", "pairs_text", "pairs_json", "answer", "ratings"]
WRITING: tuple[Family, ...] = ("answer_first", "window", "vision")
"""The families of prompts that write pairs; those of the others are for the checks of `verify`."""


class Section(NamedTuple):
    """A chat message to render: its role, its template, and the line of the file on which the template begins."""

    role: str
    template: str
    line: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as read: a plain value that renders without its files."""

    name: str
    family: Family
    style: str
    weight: float
    reply: ReplyFormat
    samples: int
    sampling: dict[str, Any]
    extra: dict[str, Any]
    pairs_per_page: float
    sections: tuple[Section, ...]
    includes: tuple[tuple[str, str], ...]  # name and source of every included template
    source_sha256: str  # of the file and all that it includes
    examples: tuple[str, ...]
    """What example turns and instructions show, with the questions and answers in it: small models repeat it."""
    description: str = ""
    reword: bool = False
    """Whether it puts questions from facts into other words, rather than asking about sentences."""
    when: Conditions = ANYWHERE
    """The windows that it belongs to."""
    model: str | None = None  # the LoRA adapter that answers it, if the configuration names one

    @property
    def sees(self) -> bool:
        """Whether it is sent the pictures of pages."""
        return self.family == "vision"

    @property
    def kind(self) -> str:
        """That of the questions of its pairs."""
        return "sentence" if self.family == "answer_first" else "free"


def tune_prompt(prompt: Prompt, *, sampling: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> Prompt:
    """The prompt with the model, sampling and further fields of a configuration, which override those of its file."""
    return replace(prompt, sampling={**prompt.sampling, **sampling}, model=model, extra={**prompt.extra, **extra})


def find_askable(prompts: Iterable[Prompt], window: Window) -> list[Prompt]:
    """The prompts that have something to look at in a window: pages that are pictures are for those of `vision`."""
    return [prompt for prompt in prompts if window.list_shown(pictures=prompt.sees)]


def find_fitting(prompts: Iterable[Prompt], window: Window, *, language: str | None) -> list[Prompt]:
    """The prompts that belong to a window by their `when`, over the pages that each would be given and the language of
    the document."""
    return [
        prompt
        for prompt in find_askable(prompts, window)
        if fits_window(prompt.when, window.list_shown(pictures=prompt.sees), language=language)
    ]


def choose_prompts(
    prompts: Sequence[Prompt], *, weights: Mapping[str, float], key: str, seed: int, count: int
) -> list[Prompt]:
    """Draw `count` distinct prompts (all if there are fewer) for `key`, a window's id, in proportion to their weights:
    those in `weights`, else their own. Adding a prompt moves windows only to it, and removing one moves only its own;
    so does a `when` that lets in more windows or fewer, where `prompts` are those that `find_fitting` found."""
    # weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005)

    def score(prompt: Prompt) -> tuple[float, str]:
        return -math.log(draw_unit(seed, key, prompt.name)) / weights.get(prompt.name, prompt.weight), prompt.name

    return sorted(prompts, key=score)[:count]
