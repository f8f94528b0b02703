"""What `dedup` leaves out of a shard, as later stages see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from docmatix.core.documents import DUPLICATE_PAGE, Page
from docmatix.pipeline import DEDUP
from docmatix.stages.support.job import Job


@dataclass(slots=True)
class LeftOutOfShard:
    """Documents by their index, and pages of others by their numbers."""

    documents: set[int] = field(default_factory=set)
    pages: dict[int, set[int]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of `dedup`. Earlier versions left out no pages."""
        if (number := row.get("page_number")) is None:
            self.documents.add(row["index"])
        else:
            self.pages.setdefault(row["index"], set()).add(number)

    def mark(self, index: int, pages: Iterable[Page]) -> Iterator[Page]:
        """The pages of a document, of which those that are left out have a reason."""
        left_out = self.pages.get(index, ())
        return (replace(page, reason=DUPLICATE_PAGE) if page.number in left_out else page for page in pages)


def read_left_out(job: Job, shard: int) -> LeftOutOfShard:
    """What is left out of a shard."""
    found = LeftOutOfShard()
    for row in job.run.iterate_rows(DEDUP, shard, columns=["index", "page_number"]):
        found.add(row)
    return found
