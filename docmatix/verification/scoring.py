"""The scores of a pair from what all checks found about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from docmatix.verification.check import Check, Finding, Rating
from docmatix.verification.judge import Judge


def combine_scores(checks: Iterable[Check], requests: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The scores by field of `Scores`, from the requests about a pair as the table of `verify` has them. Where several
    checks fill one field, it is their mean; `judge_spread` is how far apart several judges are."""
    findings: dict[str, list[Finding]] = {}
    for request in requests:
        findings.setdefault(request["check"], []).append(_read_finding(request))
    found: dict[str, list[float]] = {}
    judged: list[float] = []
    for check in checks:
        for name, score in check.sum_up(findings.get(check.label, ())).items():
            found.setdefault(name, []).append(score)
            if isinstance(check, Judge):
                judged.append(score)
    scores = {name: round(sum(values) / len(values), 4) for name, values in found.items()}
    return scores | ({"judge_spread": round(max(judged) - min(judged), 4)} if len(judged) > 1 else {})


def _read_finding(request: Mapping[str, Any]) -> Finding:
    return Finding(
        request["score"],
        page=request["page"],
        rule=request["rule"],
        ratings=tuple(Rating(**rating) for rating in request["ratings"] or ()),
        reason=request["reason"],
    )
