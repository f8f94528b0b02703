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
    """Draws whatever is drawn."""


class ReportPart(Kind):
    """One section of the report, of at most some hundred KB. Text of a run is hostile: `render` returns it as a plain
    `str`, which is escaped, or gives it to `docmatix.report.markup.fill` as a value; it never makes it `Markup` itself.
    The page's policy lets in `data:` images alone, and no script, `style` attribute or address of a part."""

    family: ClassVar[str] = "report_part"
    title: ClassVar[str]
    """The heading."""
    link: ClassVar[str] = ""
    """What leads to it at the top of the page, if anything."""

    def render(self, context: ReportContext) -> str:
        """The section below its heading; an empty one is left out with its heading."""
        raise NotImplementedError
