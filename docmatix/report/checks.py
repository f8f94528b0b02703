"""What the checks of `verify` say: for each score, what share of the pairs passes every threshold.

All curated pairs count whose score is known, kept and dropped alike; memory holds counts by prompt and hundredth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from markupsafe import Markup

from docmatix.config.description import list_shares
from docmatix.core.bounds import Bound
from docmatix.core.pairs import Scores
from docmatix.dataset.score_table import LOW_IS_GOOD
from docmatix.dataset.scores import estimate_share
from docmatix.pipeline import CURATE
from docmatix.report.flow import COLORS
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart
from docmatix.storage.run import Run
from docmatix.storage.schemas import VERIFIED_SCORES

STEPS = 100
"""Thresholds for which a share is drawn."""

Counts = Mapping[tuple[str, str, str], Counter[int]]
"""By score, prompt and style: pairs by hundredth, at least which a score is, or at most where low is good."""

_WIDTH, _HEIGHT = 440, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 26  # around the plot, for the figures of the axes


@dataclass(frozen=True, slots=True)
class Curve:
    """The pairs of one prompt, style, or all of them: the `shares` that pass each threshold, and that of the configured
    one. `color` is `all`, or one of those of the flow."""

    label: str
    color: str
    pairs: int
    mean: float
    shares: tuple[float, ...]
    passing: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A score with its curves, all pairs first. `rule` is the configured threshold, or the middle unless a filter reads
    the score (`filtered`); `estimate` says what of the pairs that were not drawn would pass."""

    score: str
    meaning: str
    filtered: bool
    rule: str
    curves: tuple[Curve, ...]
    drawing: Markup
    estimate: str = ""


class ChecksPart(ReportPart):
    """The scores that models gave; empty where none was asked about its pairs."""

    kind: Literal["checks"] = "checks"
    title: ClassVar[str] = "What the checks say"
    link: ClassVar[str] = "Checks"

    def render(self, context: ReportContext) -> str:
        config = context.job.config
        bounds = [each.bound for each in config.curate.filters if each.bound is not None]
        found = calibrate(count_scores(context.job.run), bounds, shares=list_shares(config))
        return fill_file("checks.html", calibrations=found) if found else ""


def count_scores(run: Run) -> Counts:
    """The scores of every curated pair that a model gave."""
    counts: dict[tuple[str, str, str], Counter[int]] = {}
    columns = ["prompt", "style", *(f"scores.{name}" for name in sorted(VERIFIED_SCORES))]
    for _, record in run.records(CURATE):
        for batch in run.iterate_batches(run.part_name(CURATE, record), columns=columns, at_once=4096):
            for row in batch.to_pylist():
                for name, hundredth in _read_scores(row["scores"] or {}):
                    counts.setdefault((name, row["prompt"], row["style"]), Counter())[hundredth] += 1
    return counts


def _read_scores(scores: Mapping[str, float | None]) -> Iterator[tuple[str, int]]:
    for name, score in scores.items():
        if score is not None and math.isfinite(score):
            units = round(score * STEPS, 4)  # a float32 of 0.6 is 0.60000002
            yield name, math.ceil(units) if name in LOW_IS_GOOD else math.floor(units)


def calibrate(counts: Counts, bounds: Sequence[Bound], *, shares: Mapping[str, float]) -> list[Calibration]:
    """The scores that are known of any pair, in their order; `shares` of the pairs were drawn by the checks."""
    by_score = {bound.score: bound for bound in bounds}
    place, colors = _choose_groups(counts)
    found = []
    for each in fields(Scores):
        groups: dict[str, Counter[int]] = {}
        for key, tally in counts.items():
            if key[0] == each.name:
                for label in ("all", *([key[place] if key[place] in colors else _OTHERS] if place else [])):
                    groups.setdefault(label, Counter()).update(tally)
        if groups:
            colored = [(label, color, groups[label]) for label, color in colors.items() if label in groups]
            bound, drawn = by_score.get(each.name), shares.get(each.name, 1.0)
            found.append(_calibrate_one(each.name, each.metadata["meaning"], colored, bound, drawn))
    return found


_OTHERS = "others"


def _choose_groups(counts: Counts) -> tuple[int, dict[str, str]]:
    """By what pairs are compared, as a place in the keys: the prompt if there are several, or else the style; 0 if
    there is one of each. And the colour of each group in every plot, the largest first."""
    for place in (1, 2):
        sizes: Counter[str] = Counter()
        for key, tally in counts.items():
            sizes[key[place]] += tally.total()
        if len(sizes) > 1:
            ranked = sorted(sizes, key=lambda name: (-sizes[name], name))[:COLORS]
            return place, {"all": "all"} | {name: f"c{at}" for at, name in enumerate(ranked)} | {_OTHERS: f"c{COLORS}"}
    return 0, {"all": "all"}


def _calibrate_one(
    score: str, meaning: str, groups: Sequence[tuple[str, str, Counter[int]]], bound: Bound | None, drawn: float
) -> Calibration:
    low_is_good = score in LOW_IS_GOOD
    set_to = None if bound is None else bound.most if low_is_good else bound.least
    threshold = 0.5 if set_to is None else set_to
    curves = tuple(_draw_up(*group, threshold, low_is_good=low_is_good) for group in groups)
    estimate = ""
    if drawn < 1:
        low, high = estimate_share(round(curves[0].passing * curves[0].pairs), curves[0].pairs)
        estimate = f"{drawn:.0%} were drawn; of the others {low:.0%} to {high:.0%} would pass (95 %)"
    rule = f"at {'most' if low_is_good else 'least'} {threshold:g}"
    return Calibration(score, meaning, set_to is not None, rule, curves, _draw(curves, threshold), estimate)


def _draw_up(label: str, color: str, tally: Counter[int], threshold: float, *, low_is_good: bool) -> Curve:
    pairs = tally.total()

    def share(step: float) -> float:
        passing = (n for at, n in tally.items() if (at <= step if low_is_good else at >= step))
        return sum(passing) / pairs

    mean = sum(at * n for at, n in tally.items()) / pairs / STEPS
    shares = tuple(share(step) for step in range(STEPS + 1))
    return Curve(label, color, pairs, mean, shares, share(round(threshold * STEPS, 4)))


def _draw(curves: Iterable[Curve], threshold: float) -> Markup:
    """The curves over the thresholds. Holds figures only, no text of a run."""
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(share: float) -> float:
        return _LEFT + share * wide

    def y(share: float) -> float:
        return _TOP + (1 - share) * high

    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{x(1):.0f}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>')
        parts.append(f'<text x="{x(tick):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{tick:g}</text>')
    at = f'x1="{x(threshold):.1f}" x2="{x(threshold):.1f}" y1="{_TOP - 8}" y2="{y(0):.1f}"'
    parts.append(f'<line class="threshold" {at}/>')
    for curve in reversed(list(curves)):  # all pairs on top
        points = " ".join(f"{x(step / STEPS):.1f},{y(share):.1f}" for step, share in enumerate(curve.shares))
        parts.append(f'<polyline class="curve {curve.color}" points="{points}"/>')
    head = f'class="calibration" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
    return Markup(f'<svg {head} aria-label="Share of pairs that pass each threshold">{"".join(parts)}</svg>')
