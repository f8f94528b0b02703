"""The files of the dataset against what `curate` kept: each row once, in order, as it must be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from docmatix.check.files import check_row_groups, describe_redo, open_once
from docmatix.check.finish import describe_stray
from docmatix.check.identities import MOST_NAMED, Identities
from docmatix.check.kept import KeptSamples, RowOrder, digest_row
from docmatix.check.records import RecordTotals
from docmatix.check.rows import check_row, list_ids
from docmatix.core.ledger import Ledger
from docmatix.pipeline import CURATE, PACK, PIPELINE, PLAN
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import OutputFile, divide_rows
from docmatix.storage.bombs import check_footer
from docmatix.storage.earlier_schemas import find_dataset_schema
from docmatix.storage.parquet import iterate_rows, open_parquet
from docmatix.storage.records import Record


class DatasetCheck:
    """Checks what `pack` wrote; adds its records to `totals`."""

    def __init__(self, job: Job, totals: RecordTotals, kept: KeptSamples, advance: Callable[[], object]) -> None:
        self._job, self._run, self._totals = job, job.run, totals
        self._kept, self._advance = kept, advance
        self.rows = 0  # that were read

    def find_problems(self) -> Iterator[str]:
        run, totals = self._run, self._totals
        planned, curated = len(totals.files[PLAN]), len(totals.files[CURATE])
        if totals.damaged or curated < planned or not planned or len(totals.curated) < curated:
            return
        divided = divide_rows(totals.curated, target_bytes=self._job.config.pack.file_mb << 20)
        outputs = {output.name.rsplit("/", 1)[1]: output for output in divided}
        present = set(run.names("dataset/data"))
        for name in sorted(present - set(outputs)):
            yield describe_stray(f"dataset/data/{name}")
        for number in run.shards(PACK):
            if number >= len(outputs):
                yield f"pack/part-{number:05d}.json is of another division into files. Rerun the build to remove it."
        for name in ("README.md", "stats.json"):
            if not run.exists(f"dataset/{name}"):
                yield f"dataset/{name} is missing: the build did not finish. Rerun it to finish."
        with contextlib.closing(Identities()) as ids:
            for name, output in outputs.items():
                yield from self._check_output(output, name in present, ids)
                self._advance()
            if self._job.config.dedup.exact:
                yield from self._find_ids_twice(ids, [output.name for output in divided])
        if not totals.damaged:
            yield from totals.check_ledgers([PACK])

    def _check_output(self, output: OutputFile, present: bool, ids: Identities) -> Iterator[str]:
        name, again = output.name, describe_redo(PACK, output.number)
        record, problem = self._totals.read(PACK, output.number)
        if problem is not None:
            yield problem
            return
        if record is None:
            lost = f"there is no pack/part-{output.number:05d}.json"
            yield f"{name} is not committed ({lost}). Rerun the build to pack it."
        else:
            self._totals.add(PACK, output.number, record)
            wanted = (name, self._job.fingerprints.get(PACK), output.inputs)
            if (record.file, record.fingerprint, record.inputs) != wanted:
                yield f"{name} was made from other settings or inputs. Rerun the build to repack it."
            if not present:
                yield f"{name} is missing. {again}"
        if not present:
            return
        try:
            with open_once(self._run, name) as opened:
                damaged = record is not None and (opened.size, opened.sha256) != (record.size, record.sha256)
                if damaged:
                    yield f"{name} is damaged: its content is not what was committed. {again}"
                for problem in self._check_data(output, opened.stream, record, ids, damaged=damaged):
                    yield f"{problem} {again}"
        except Exception as error:
            yield f"{name} cannot be read: {error}. {again}"

    def _check_data(
        self, output: OutputFile, stream: IO[bytes], record: Record | None, ids: Identities, *, damaged: bool
    ) -> Iterator[str]:
        name, pack = output.name, self._job.config.pack
        expected = self._kept.expect(output)
        counted, order = Ledger(PIPELINE[PACK].units), RowOrder(expected)
        with open_parquet(stream) as part:
            if find_dataset_schema(part.schema_arrow, pack.schema_) is None:
                raise ValueError("its schema is not the one that pack.schema names")
            if b"huggingface" not in (part.schema_arrow.metadata or {}):
                yield f"{name} lacks the `huggingface` metadata: its images would be read as bytes."
            if damaged and record is not None:
                # Arrow ends the process on the columns of some footers, such as one with a turned bit
                self.rows += record.rows
                return
            check_footer(part.metadata, stream.seek(0, os.SEEK_END))
            yield from (f"{name}: {problem}" for problem in check_row_groups(part, decode=False))
            for number, row in enumerate(iterate_rows(part, None, at_once=1)):
                for unit, count in (("rows", 1), ("pages", len(row["images"])), ("pairs", len(row["texts"]))):
                    counted.keep(unit, count)
                self.rows += 1
                for identity in list_ids(row):
                    ids.add(identity)
                for problem in check_row(row, max_side_px=pack.max_side_px, image_format=pack.image_format):
                    yield f"{name}: {problem}"
                if expected is not None and (trouble := order.find_trouble(digest_row(row))):
                    yield f"{name}: row {number} ({row.get('sample_id') or 'without an id'}) {trouble}"
        if record is None:
            return
        said = Ledger.from_json(record.ledger).accounts
        if counted.accounts["rows"].kept != record.rows:
            yield f"{name} has {counted.accounts['rows'].kept} rows, not the {record.rows} that were committed."
        for unit, account in counted.accounts.items():
            if said[unit].kept != account.kept:
                yield f"{name} has {account.kept} {unit}, but its ledger counts {said[unit].kept}."
        dropped = said["rows"].dropped.total()
        if expected is not None and order.left_out != dropped:
            yield f"{name} lacks {order.left_out} rows that curate kept, but its ledger drops {dropped}."

    def _find_ids_twice(self, ids: Identities, names: Sequence[str]) -> Iterator[str]:
        def read() -> Iterator[tuple[str, str]]:
            for name in names:
                with contextlib.suppress(Exception):  # a file that cannot be read is already reported
                    for row in self._run.iterate_file(name, columns=["sample_id", "annotations.list.element.pair_id"]):
                        yield from ((identity, name.rsplit("/", 1)[1]) for identity in list_ids(row))

        if again := ids.locate_twice(read):
            named = "; ".join(f"{identity} in {', '.join(where)}" for identity, where in again[:MOST_NAMED])
            yield f"The dataset holds a sample or a pair twice. {len(again)} ids, such as {named}."
