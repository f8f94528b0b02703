"""The result of `docmatix.build`, which displays the run and opens it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.core.errors import DocmatixError
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.driver.build import Built
from docmatix.review.displays import show_folded, show_table, show_text
from docmatix.review.status import read_status
from docmatix.storage.run import Run

if TYPE_CHECKING:
    from docmatix.review.collection import Collection


class BuildResult(Built):
    """A build's result. Its display is read from the run each time, so it includes what later builds add."""

    __slots__ = ()

    def open(self, *, fetch: bool = False) -> Collection:
        """`docmatix.open` of the run."""
        from docmatix.review.collection import Collection

        return Collection(self.run, fetch=fetch)

    def __repr__(self) -> str:
        shown = self._summarise()
        dropped = [f"  {stage:9} {unit}: {count:,} {reason}" for stage, unit, reason, count in shown.dropped]
        lines = [*shown.headlines, *(["Dropped:", *dropped] if dropped else []), shown.next]
        return "\n".join(map(sanitize_for_terminal, lines))

    def _repr_html_(self) -> str:
        shown = self._summarise()
        table = show_table(("stage", "unit", "reason", "dropped"), shown.dropped) if shown.dropped else ""
        html = "".join(show_text(sanitize_for_terminal(line)) for line in shown.headlines)
        return (
            html
            + (show_folded("what was dropped", table) if table else "")
            + show_text(sanitize_for_terminal(shown.next))
        )

    def _summarise(self) -> _Summary:
        try:
            status = read_status(Run(self.run))
        except DocmatixError as error:
            return _Summary([f"A build in {self.run}, which cannot be read at the moment."], [], str(error))
        dropped = [
            (stage["stage"], line["unit"], reason, count)
            for stage in status["stages"]
            for line in stage["ledger"]
            for reason, count in line["dropped"].items()
        ]
        where = shlex.quote(self.run)
        if not status["complete"]:
            done = [f"{each['stage']} {each['shards_done']}/{each['shards']}" for each in status["stages"]]
            return _Summary(
                [f"Not complete yet: {self.run}", f"Shards done: {', '.join(done)}"],
                dropped,
                f"To continue, call build again with the same arguments; `docmatix status {where}` shows the progress.",
            )
        pairs, rows = (_count_packed(status, unit) for unit in ("pairs", "rows"))
        headline = f"{pairs:,} pairs in {rows:,} rows: {self.run}/dataset"
        if not pairs:
            return _Summary([headline, "No pair was kept."], dropped, "To see why: .open().dropped().")
        return _Summary(
            [headline],
            dropped,
            f"Next: .open() shows samples and what was dropped, `docmatix report {where}` writes one HTML file with"
            f" figures and samples, `docmatix push {where} OWNER/NAME` publishes the dataset.",
        )


class _Summary(NamedTuple):
    headlines: list[str]
    dropped: list[tuple[str, str, str, int]]
    """Stage, unit, reason and count."""
    next: str


def _count_packed(status: Mapping[str, Any], unit: str) -> int:
    return int(next(line["out"] for line in status["stages"][-1]["ledger"] if line["unit"] == unit))
