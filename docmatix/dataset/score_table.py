"""The scores of a dataset as a reader of its card needs them: what each says, of how many pairs it is known, its mean,
and what its filter dropped, or would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from docmatix.core.bounds import Bound
from docmatix.core.pairs import Scores
from docmatix.dataset.scores import estimate_share

_HALF = 0.5
LOW_IS_GOOD = frozenset({"blind_agreement", "single_page_agreement", "judge_spread"})
"""Of these 0 is best: a question that takes the pages, or judges of one mind."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A line of the table. `verdict` says what became of pairs beyond the bound, or how many are beyond the middle."""

    name: str
    meaning: str
    known: int
    share: float
    mean: float | None
    verdict: str


def list_scores(summary: Mapping[str, Any], bounds: Sequence[Bound]) -> list[ScoreRow]:
    """A line for each score that is known of any kept pair, in the order of `Scores`; none for earlier versions."""
    by_score = {bound.score: bound for bound in bounds}
    dropped = count_dropped(summary)
    meanings = {each.name: each.metadata["meaning"] for each in fields(Scores)}
    pairs = summary["pairs"] or 1
    return [
        ScoreRow(
            name,
            meanings.get(name, ""),
            counts["pairs"],
            counts["pairs"] / pairs,
            counts["mean"],
            _describe_filter(by_score[name], dropped) if name in by_score else _describe_spread(name, counts),
        )
        for name, counts in summary.get("scores", {}).items()
    ]


def list_estimates(summary: Mapping[str, Any], bounds: Sequence[Bound], shares: Mapping[str, float]) -> list[str]:
    """What the bounds would keep of pairs whose scores were not computed, where a check saw only a drawn share of them:
    a sentence for each. Pairs that an earlier filter dropped do not count."""
    dropped, told = count_dropped(summary), []
    for bound in bounds:
        share = shares.get(bound.score, 1.0)
        kept = summary.get("scores", {}).get(bound.score, {}).get("pairs", 0)
        judged = kept + dropped[bound.reason]
        if share < 1 and judged:
            low, high = estimate_share(kept, judged)
            rest = f"{low:.1%} to {high:.1%} of the others (95 %, Wilson), all of which are here."
            told.append(
                f"`{bound.score}` was computed of {share:.0%} of the pairs that its check is for, drawn by the seed."
                f" Of these {judged:,}, {kept / judged:.1%} have {bound.describe()} and were kept; so would be {rest}"
            )
    return told


def count_dropped(summary: Mapping[str, Any]) -> Counter[str]:
    """How many pairs each reason dropped."""
    total: Counter[str] = Counter()
    for group in summary.get("by_prompt", {}).values():
        total.update(group["dropped"])
    return total


def _describe_filter(bound: Bound, dropped: Mapping[str, int]) -> str:
    return f"kept: {bound.describe()}; {dropped.get(bound.reason, 0):,} dropped as `{bound.reason}`"


def _describe_spread(name: str, counts: Mapping[str, Any]) -> str:
    tenths = counts["by_tenth"]
    if sum(tenths.values()) < counts["pairs"]:  # of an earlier version
        return "-"
    high = sum(count for tenth, count in tenths.items() if float(tenth) >= _HALF)
    if name in LOW_IS_GOOD:
        return f"{high / counts['pairs']:.1%} have {_HALF} or more; no filter"
    return f"{1 - high / counts['pairs']:.1%} have less than {_HALF}; no filter"
