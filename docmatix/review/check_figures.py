"""What checks found of the pairs of one prompt, and what of that each thousand tokens bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from docmatix.config import Config
from docmatix.dataset.scores import ScoreCounts, measure_scores

FIGURES = [
    ("agreement, mean of all pairs", "agreement_mean", "{:.3f}"),
    ("pairs that agree, of all", "agreeing_share", "{:.1%}"),
    ("judged, mean of all pairs", "judged_mean", "{:.3f}"),
    ("answered blind, mean of all", "blind_agreement_mean", "{:.3f}"),
    ("tokens of generate", "generate_tokens", "{:,}"),
    ("  kept that agree, for 1,000", "agreeing_per_1000_tokens", "{:.2f}"),
    ("  kept agreement, for 1,000", "agreement_per_1000_tokens", "{:.2f}"),
    ("  kept judged, for 1,000", "judged_per_1000_tokens", "{:.2f}"),
    ("tokens of checks", "check_tokens", "{:,}"),
]
"""Lines of a table: label, key, form."""


class CheckFigures:
    """Counts the rows of `curate` as they pass. Quality is that of all pairs, since filters make any prompt look well;
    what tokens buy is what was kept, where neither repetitions nor inventions count."""

    def __init__(self, *, agrees_from: float) -> None:
        """A pair agrees `agrees_from` this agreement on."""
        self._agrees_from = agrees_from
        self._all, self._kept = ScoreCounts(), ScoreCounts()
        self._agreeing = self._agreeing_kept = 0

    def count(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            agrees = (row["scores"].get("agreement") or 0.0) >= self._agrees_from
            self._all.add_pair(measure_scores(row["scores"]))
            self._agreeing += agrees
            if row["reason"] is None:
                self._kept.add_pair(measure_scores(row["scores"]))
                self._agreeing_kept += agrees
            yield row

    def summarise(self, *, kept: int, tokens: int, check_tokens: int) -> dict[str, Any]:
        """The figures of `FIGURES` for `kept` pairs and the `tokens` of generate, and the `scores` of all pairs. Where
        a check saw a share of the pairs, the others count as these do."""
        found: dict[str, Any] = {"generate_tokens": tokens, "check_tokens": check_tokens}
        for name in ("agreement", "judged", "blind_agreement"):
            found[f"{name}_mean"] = self._all.find_mean(name)
        for name in ("agreement", "judged"):
            found[f"{name}_per_1000_tokens"] = _buy(kept, self._kept.find_mean(name), tokens)
        found["agreeing_share"] = _divide(self._agreeing, self._all.known["agreement"])
        share = _divide(self._agreeing_kept, self._kept.known["agreement"])
        found["agreeing_per_1000_tokens"] = _buy(kept, share, tokens)
        return found | {"scores": self._all.summarise()}


def find_agreement_bound(config: Config) -> float:
    """The agreement from which the configured filter keeps a pair; the middle without one."""
    bounds = (each.bound for each in config.curate.filters)
    found = (each.least for each in bounds if each is not None and each.score == "agreement")
    return next((least for least in found if least is not None), 0.5)


def is_checked(prompts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a model was asked about the pairs of any prompt."""
    return any(figures.get("check_tokens") for figures in prompts.values())


def _divide(above: float, below: float) -> float | None:
    return round(above / below, 4) if below else None


def _buy(kept: int, each: float | None, tokens: int) -> float | None:
    return None if each is None else _divide(1000 * kept * each, tokens)
