"""Report parts: each section of a report is a kind, and installed packages may add theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from docmatix.core.kinds import Kind

if TYPE_CHECKING:
    from docmatix.report.flow import Step
    from docmatix.report.gallery import Window
    from docmatix.review.cost import Cost
    from docmatix.stages.support.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What a report knows of its run."""

    job: Job
    """The run itself (`job.run`) and its configuration (`job.config`)."""
    status: Mapping[str, Any]
    """The content of `status --json`."""
    steps: Sequence[Step]
    """The ledger as a flow."""
    windows: Sequence[Window]
    """Those in the gallery."""
    cost: Cost
    seed: int
    """For whatever a part draws."""


class ReportPart(Kind):
    """A section of the report, at most some hundred KB. Text of a run is hostile: return it as a plain `str`, which is
    escaped, or fill it into a template with `docmatix.report.markup.fill`; never wrap it in `Markup`. The page's policy
    admits `data:` images, but no script, `style` attribute or URL of a part."""

    family: ClassVar[str] = "report_part"
    title: ClassVar[str]
    """The heading."""
    link: ClassVar[str] = ""
    """Its link at the top of the page, if any."""

    def render(self, context: ReportContext) -> str:
        """The content below the heading; an empty section is left out."""
        raise NotImplementedError
