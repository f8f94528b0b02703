"""The scores of a pair from what all checks found about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from docmatix.verification.check import Check, Finding
from docmatix.verification.judge import Judge


def combine_scores(checks: Iterable[Check], findings: Mapping[str, Sequence[Finding]]) -> dict[str, float]:
    """The scores by field of `Scores`, from the findings by the label of their check. Where several checks fill one
    field, it is their mean; `judge_spread` is how far apart several judges are."""
    found: dict[str, list[float]] = {}
    judged: list[float] = []
    for check in checks:
        for name, score in check.sum_up(findings.get(check.label, ())).items():
            found.setdefault(name, []).append(score)
            if isinstance(check, Judge):
                judged.append(score)
    scores = {name: round(sum(values) / len(values), 4) for name, values in found.items()}
    return scores | ({"judge_spread": round(max(judged) - min(judged), 4)} if len(judged) > 1 else {})
