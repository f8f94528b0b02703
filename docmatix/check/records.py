"""What a check keeps of commit records: each is read once, since on an object store each is a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from docmatix.core.errors import BuildError, LedgerError
from docmatix.core.ledger import Ledger
from docmatix.dataset.stats import Statistics, summarise
from docmatix.pipeline import CURATE, PACK, PLAN
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import foresee_bytes
from docmatix.stages.support.reading import check_chain
from docmatix.storage.records import Record


class RecordTotals:
    """Sums over the records of a run, and the file that each record names."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.ledgers = {stage: Ledger() for stage in job.stages}
        self.files: dict[str, dict[int, str]] = {stage: {} for stage in job.stages}
        self.packed: dict[str, str] = {}  # SHA-256 of the dataset's files
        self.curated: list[tuple[int, str, int, float]] = []  # what `divide_rows` takes
        self.damaged = False  # a record could not be read, so the whole cannot be judged
        self._statistics = Statistics()
        self._uncounted: Exception | None = None

    def read(self, stage: str, shard: int) -> tuple[Record | None, str | None]:
        """The record of a shard, if there is one, and what is wrong with it."""
        try:
            return self._job.run.read_record(stage, shard), None
        except BuildError as error:
            self.damaged = True
            return None, str(error)

    def add(self, stage: str, shard: int, record: Record) -> None:
        """Count a record in; those of a stage in the order of its shards."""
        self.ledgers[stage].add(Ledger.from_json(record.ledger))
        self.files[stage][shard] = record.file
        try:
            if stage == CURATE:
                extra = record.extra
                foreseen = foresee_bytes(extra["square_inches"], self._job.config.pack)
                self.curated.append((shard, record.sha256, extra["samples"], foreseen))
                self._statistics.add_dropped(extra["dropped"])
            elif stage == PACK:
                self.packed[record.file] = record.sha256
                self._statistics.add(record.extra["statistics"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._uncounted = error

    def summarise(self) -> dict[str, Any]:
        """What `stats.json` must hold. Raises what kept a record's figures from being added up."""
        if self._uncounted is not None:
            raise self._uncounted
        ledgers = {stage: ledger.to_json() for stage, ledger in self.ledgers.items()}
        return summarise(self._statistics, ledgers=ledgers, pack=self._job.config.pack)

    def check_ledgers(self, stages: Iterable[str]) -> Iterator[str]:
        """Ledgers that do not balance, or do not agree with those of earlier stages."""
        whole = True
        for stage in stages:
            # the missing shards of an unfinished stage are already reported; later stages cannot agree with it
            whole = whole and (stage == PACK or len(self.files[stage]) >= len(self.files[PLAN]))
            try:
                self.ledgers[stage].require_balance(stage)
                if self.ledgers[stage].accounts and stage != PLAN and whole and not self.damaged:
                    check_chain(self._job, stage, self.ledgers[stage], known=self.ledgers)
            except LedgerError as error:
                yield str(error)
