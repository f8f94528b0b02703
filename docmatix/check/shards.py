"""The stages before `pack`, shard by shard: records, files and ledgers, and what only all shards together show."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.check.files import check_row_groups, describe_redo, open_once
from docmatix.check.identities import MOST_NAMED, Identities
from docmatix.check.kept import KeptSamples
from docmatix.check.pairs import PLACE, ShardRows, describe_place
from docmatix.check.records import RecordTotals
from docmatix.core.ledger import Ledger
from docmatix.pipeline import EXTRACT, PIPELINE, PLAN, VERIFY
from docmatix.stages.support.job import Job, is_made_from
from docmatix.storage.bombs import check_footer
from docmatix.storage.document_rows import keep_first_rows
from docmatix.storage.earlier_schemas import is_written_with
from docmatix.storage.parquet import open_parquet
from docmatix.storage.records import Record


class ShardCheck:
    """Checks every stage but `pack`; fills `totals` from the records and `kept` from the curated pairs."""

    def __init__(self, job: Job, totals: RecordTotals, kept: KeptSamples, advance: Callable[[], object]) -> None:
        self._job, self._run, self._stages = job, job.run, job.stages[:-1]
        self._totals, self._kept, self._advance = totals, kept, advance
        self._stale: dict[str, list[int]] = {}

    def find_problems(self) -> Iterator[str]:
        present = {stage: set(self._run.shards(stage)) for stage in self._stages}
        planned, shards = present[PLAN], set().union(*present.values())
        if gaps := set(range(max(shards, default=-1) + 1)) - planned:
            yield (
                f"plan lacks shard {min(gaps)} (plan/part-{min(gaps):05d}.json). Rerun the build to plan it again; if"
                " the source has not changed, everything made from it is kept."
            )
        with contextlib.closing(Identities()) as places, contextlib.closing(Identities()) as documents:
            for shard in sorted(shards):
                yield from self._check_shard(shard, places, documents)
            for stage in self._stages[1:]:
                if missing := planned - present[stage]:
                    counts = f"{len(missing)} of {len(planned)} shards (first: {min(missing)})"
                    yield f"{stage} lacks {counts}. Rerun the build to make them."
                stale = [shard for shard in self._stale.get(stage, ()) if shard in planned]
                if partly := [shard for shard in stale if stage == VERIFY and self._job.is_partly_checked(shard)]:
                    counts = f"{len(partly)} shards checked by some models, not all (first: {partly[0]})"
                    yield f"{stage} has {counts}. Rerun the build to go on."
                if old := [shard for shard in stale if shard not in partly]:
                    counts = f"{len(old)} shards made from other settings or inputs (first: {old[0]})"
                    yield f"{stage} has {counts}. Rerun the build to redo them."
            yield from self._totals.check_ledgers(self._stages)
            yield from self._find_twice(places, PLAN, PLACE, describe_place, "{} is planned {} times.")
            if self._job.config.dedup.exact:
                sentence = "The document {} was let in {} times."
                columns = ["index", "doc_id"]
                yield from self._find_twice(documents, EXTRACT, columns, lambda row: row["doc_id"] or "", sentence)

    def _check_shard(self, shard: int, places: Identities, documents: Identities) -> Iterator[str]:
        records: dict[str, Record] = {}
        for stage in self._stages:
            record, problem = self._totals.read(stage, shard)
            if problem is not None:
                yield problem
            elif record is not None:
                records[stage] = record
        parts: dict[str, pq.ParquetFile] = {}
        with contextlib.ExitStack() as stack:
            for stage, record in records.items():
                if stage != PLAN and not self._is_current(stage, records):
                    self._stale.setdefault(stage, []).append(shard)
                self._totals.add(stage, shard, record)
                part = yield from self._open_part(stack, stage, shard, record)
                if part is not None:
                    parts[stage] = part
                self._advance()
            yield from _compare_ledgers(shard, records)
            try:
                yield from ShardRows(self._job, shard, records, parts).find_problems(places, documents, self._kept)
            except Exception as error:  # Arrow raises what it likes for what it cannot read
                again = describe_redo(self._stages[1], shard)
                yield f"Shard {shard} cannot be read: {type(error).__name__}: {error}. {again}"

    def _is_current(self, stage: str, records: Mapping[str, Record]) -> bool:
        record = records[stage]
        inputs = tuple(records[each].sha256 for each in self._job.reads(stage) if each in records)
        return record.fingerprint == self._job.fingerprints.get(stage) and is_made_from(record, stage, inputs)

    def _open_part(
        self, stack: contextlib.ExitStack, stage: str, shard: int, record: Record
    ) -> Generator[str, None, pq.ParquetFile | None]:
        """The file of a shard, once it is known to be what was committed."""
        name, again = self._run.part_name(stage, record), describe_redo(stage, shard)
        if record.file != f"part-{shard:05d}-{record.sha256[:8]}.parquet":
            yield f"The commit record {stage}/part-{shard:05d}.json names {record.file}, which is not its own. {again}"
            return None
        try:
            opened = stack.enter_context(open_once(self._run, name))
        except FileNotFoundError:
            yield f"{name} is missing, though shard {shard} of {stage} is committed. {again}"
            return None
        if opened.size != record.size or opened.sha256 != record.sha256:
            yield f"{name} is damaged: its content is not what was committed. {again}"
            return None
        try:
            part = stack.enter_context(open_parquet(opened.stream))
            check_footer(part.metadata, opened.size)
        except (pa.ArrowException, OSError, ValueError) as error:
            yield f"{name} cannot be read: {error}. {again}"
            return None
        if not is_written_with(part.schema_arrow, PIPELINE[stage].load_schema()):
            yield f"{name} does not have the schema that {stage} writes. {again}"
            return None
        if part.metadata.num_rows != record.rows:
            yield f"{name} has {part.metadata.num_rows} rows, not the {record.rows} that were committed. {again}"
        yield from (f"{name}: {problem}" for problem in check_row_groups(part))
        for replies in record.extra.get("replies", ()):
            if not self._run.exists(f"{stage}/replies/{replies}"):
                yield f"{stage}/replies/{replies} is missing: stored replies are lost. {again}"
        return part

    def _find_twice(
        self,
        identities: Identities,
        stage: str,
        columns: Sequence[str],
        identify: Callable[[Mapping[str, Any]], str],
        sentence: str,
    ) -> Iterator[str]:
        def read() -> Iterator[tuple[str, str]]:
            for shard, _ in self._run.records(stage):
                rows: Iterable[Mapping[str, Any]] = self._run.iterate_rows(stage, shard, columns=columns)
                if stage == EXTRACT:
                    rows = keep_first_rows(rows)
                yield from ((identify(row), stage) for row in rows)

        for name, found in identities.locate_twice(read)[:MOST_NAMED]:
            yield f"{sentence.format(name, len(found))} This is a bug in docmatix; please report it."


def _compare_ledgers(shard: int, records: Mapping[str, Record]) -> Iterator[str]:
    """Shard by shard, so that a loss in one and a surplus in another do not cancel out."""
    ledgers = {stage: Ledger.from_json(record.ledger).accounts for stage, record in records.items()}
    if PLAN in ledgers and EXTRACT in ledgers:
        rows, entered = records[PLAN].rows, ledgers[EXTRACT]["documents"].entered
        if rows != entered:
            again = describe_redo(EXTRACT, shard)
            yield f"{rows} documents are planned in shard {shard} but {entered} entered extract. {again}"
    for stage in ledgers:
        for unit, earlier in PIPELINE[stage].links:
            if earlier in ledgers and earlier != PLAN:
                left, entered = ledgers[earlier][unit].kept, ledgers[stage][unit].entered
                if left != entered:
                    flow = f"{left} {unit} left {earlier} but {entered} entered {stage} in shard {shard}."
                    yield f"{flow} {describe_redo(stage, shard)}"
