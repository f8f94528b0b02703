"""What the build cost: tokens, requests, and time by stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from markupsafe import Markup

from docmatix.report.flow import draw_strip
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart


class CostPart(ReportPart):
    """Figures of the model beside the times of stages."""

    kind: Literal["cost"] = "cost"
    title: ClassVar[str] = "Cost"
    link: ClassVar[str] = "Cost"

    def render(self, context: ReportContext) -> str:
        strips = draw_times(context.cost.stage_seconds)
        return fill_file("cost.html", cost=context.cost, tokens=context.status["tokens"], strips=strips)


def draw_times(seconds: Mapping[str, float]) -> dict[str, Markup]:
    """A bar for each stage, the longest one whole."""
    longest = max(seconds.values(), default=0) or 1
    return {stage: draw_strip(each / longest) for stage, each in seconds.items()}
