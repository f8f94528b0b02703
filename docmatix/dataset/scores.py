"""Counts of the scores of pairs, of each field of `Scores` that is known, which add up over the files of a dataset."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from docmatix.core.pairs import Scores
from docmatix.dataset.histograms import sort_counts

UNIT = 10_000
"""Scores are summed as whole ten-thousandths, since sums of floats depend on where the files are cut."""
_NAMES = tuple(each.name for each in fields(Scores))
_CONFIDENCE = 1.959964
"""Standard errors on either side that hold 95 %."""


ScoreUnits = tuple[tuple[str, int, str], ...]
"""Of each score of a pair that is known its name, its ten-thousandths, and its tenth."""


def measure_scores(scores: Mapping[str, float | None]) -> ScoreUnits:
    """The scores of one pair, ready to be counted."""
    known = ((name, round(score * UNIT)) for name in _NAMES if (score := scores.get(name)) is not None)
    return tuple((name, units, f"{units * 10 // UNIT / 10:.1f}") for name, units in known)


class ScoreCounts:
    """Of each score how many are known, their sum, and how they spread over tenths."""

    def __init__(self) -> None:
        self.known: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.tenths: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add_pair(self, scores: ScoreUnits) -> None:
        """Count the scores of one pair."""
        for name, units, tenth in scores:
            self.known[name] += 1
            self.sums[name] += units
            self.tenths[name][tenth] += 1

    def add(self, other: Mapping[str, Any]) -> None:
        """Add the `to_json` of another file."""
        for name, counts in other.items():
            self.known[name] += counts["pairs"]
            self.sums[name] += counts["sum"]
            self.tenths[name].update(counts["by_tenth"])

    def to_json(self) -> dict[str, Any]:
        return {
            name: {"pairs": self.known[name], "sum": self.sums[name], "by_tenth": sort_counts(self.tenths[name])}
            for name in self._list_known()
        }

    def find_mean(self, name: str) -> float | None:
        """The mean of one score; None where it is of no pair."""
        known = self.known[name]
        return round(self.sums[name] / (known * UNIT), 4) if known else None

    def summarise(self) -> dict[str, dict[str, Any]]:
        """By score that is known of any pair: of how many, their mean, and how many begin in each tenth (`0.9` is below
        1, `1.0` is 1)."""
        return {
            name: {
                "pairs": self.known[name],
                "mean": self.find_mean(name),
                "by_tenth": sort_counts(self.tenths.get(name, {})),
            }
            for name in self._list_known()
        }

    def _list_known(self) -> list[str]:
        return [name for name in _NAMES if self.known[name]]


def estimate_share(found: int, of: int) -> tuple[float, float]:
    """The bounds between which the share of all lies with 95 %, if it is `found` `of` so many that were drawn."""
    return find_interval(found / of, of) if of else (0.0, 1.0)


def find_interval(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in `count` independent trials (Wilson 1927)."""
    square = _CONFIDENCE**2
    middle = share + square / (2 * count)
    half = _CONFIDENCE * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    whole = 1 + square / count
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
