"""The draw of prompts for the windows of a shard, and what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from docmatix.core.profiles import SCORES
from docmatix.prompting.conditions import ANYWHERE, IMAGE_ONLY
from docmatix.prompting.prompts import Prompt, choose_prompts, find_askable, find_fitting
from docmatix.prompting.windows import Window

LIKELY = 0.5  # a score from which a page is counted as having a thing
_read_scores = attrgetter(*SCORES)


@dataclass(slots=True)
class DrawCounts:
    """How many windows there are of each sort, and how many each prompt was drawn for."""

    profiles: Counter[str] = field(default_factory=Counter)
    """By what some page of them has: `tables`, or a score of at least a half; `image_only`: no text."""
    prompts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    """That were planned; those that are too long for the server become several."""
    blind: int = 0
    """That a draw among all prompts, wherever they belong, would have planned."""

    def add_window(self, window: Window, *, pictures: bool) -> None:
        """Count a window by the profiles of its usable pages."""
        pages = window.list_shown(pictures=pictures)
        known = [page.profile for page in pages if page.profile is not None]
        likely = {
            name for each in known for name, score in zip(SCORES, _read_scores(each), strict=True) if score >= LIKELY
        }
        for name in likely:
            self.profiles[name] += 1
        self.profiles["tables"] += any(each.tables for each in known)
        self.profiles[IMAGE_ONLY] += any(page.is_image_only for page in pages)

    def to_json(self) -> dict[str, Any]:
        """As in commit records and `status --json`, the commonest first."""
        return {
            "profiles": _rank(self.profiles),
            "prompts": _rank(self.prompts),
            "requests": self.requests,
            "blind_requests": self.blind,
        }

    def describe_windows(self) -> str:
        """`tables 34, chart 5`: how many windows have some, the commonest first."""
        return _list_counts(self.profiles)

    def describe_prompts(self) -> str:
        """`vision_layout 65, vision_charts 5`, and what the draw saved, if anything."""
        drawn = _list_counts(self.prompts)
        if drawn and self.blind > self.requests:
            drawn += f"; {self.requests:,} requests, where a draw blind to the pages has {self.blind:,}"
        return drawn

    def add(self, content: Mapping[str, Any]) -> None:
        """Add what `to_json` made of others; records of earlier versions have nothing."""
        # `update` of a counter takes longer than all else about a shard
        for name, count in content.get("profiles", {}).items():
            self.profiles[name] += count
        for name, count in content.get("prompts", {}).items():
            self.prompts[name] += count
        self.requests += content.get("requests", 0)
        self.blind += content.get("blind_requests", 0)

    @classmethod
    def add_up(cls, contents: Iterable[Mapping[str, Any]]) -> DrawCounts:
        """The sum of several `to_json`."""
        total = cls()
        for content in contents:
            total.add(content)
        return total


def _list_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in _rank(counts).items())


def _rank(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted((+counts).items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class PromptDraw:
    """The draw of one build: `count` prompts for each window, by their weights or those in `weights`."""

    prompts: Sequence[Prompt]
    weights: Mapping[str, float]
    seed: int
    count: int

    @property
    def sees(self) -> bool:
        """Whether pages that are pictures can be asked about."""
        return any(prompt.sees for prompt in self.prompts)

    def draw(self, window: Window, *, language: str | None) -> tuple[list[Prompt], list[Prompt]]:
        """The prompts of a window, from those that fit it (none if none does), and what would be drawn if every prompt
        belonged everywhere, without their `when`."""
        askable = find_askable(self.prompts, window)
        conditional = any(prompt.when for prompt in askable)
        fitting = find_fitting(askable, window, language=language) if conditional else askable
        chosen = self._choose(fitting, window)
        blind = chosen if len(fitting) == len(askable) else self._choose(askable, window)
        return chosen, [replace(prompt, when=ANYWHERE) if prompt.when else prompt for prompt in blind]

    def _choose(self, prompts: Sequence[Prompt], window: Window) -> list[Prompt]:
        return choose_prompts(prompts, weights=self.weights, key=window.sample_id, seed=self.seed, count=self.count)
