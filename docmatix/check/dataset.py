"""The files of the dataset against what `curate` kept: each row once, in order, as it must be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import pyarrow.parquet as pq

from docmatix.check.files import check_row_groups, describe_redo, open_once
from docmatix.check.finish import describe_stray
from docmatix.check.identities import MOST_NAMED, Identities, hash_identity
from docmatix.check.kept import KeptSamples, RowOrder, digest_row
from docmatix.check.records import RecordTotals
from docmatix.check.rows import check_row, list_ids
from docmatix.core.ledger import Ledger
from docmatix.pipeline import CURATE, PACK, PIPELINE, PLAN
from docmatix.stages.pack import OutputFile, divide_rows
from docmatix.stages.support.job import Job
from docmatix.storage.bombs import check_footer
from docmatix.storage.parquet import iterate_rows
from docmatix.storage.records import Record
from docmatix.storage.schemas import DATASETS


class DatasetCheck:
    """Checks what `pack` wrote; adds its records to `totals`."""

    def __init__(self, job: Job, totals: RecordTotals, kept: KeptSamples, advance: Callable[[], object]) -> None:
        self._job, self._run = job, job.run
        self._totals, self._kept, self._advance = totals, kept, advance
        self.rows = 0
        """How many were read."""

    def find_problems(self) -> Iterator[str]:
        job, run = self._job, self._run
        planned, curated = len(self._totals.files[PLAN]), self._totals.files[CURATE]
        if self._totals.damaged or len(curated) < planned or not planned or len(self._totals.curated) < len(curated):
            return
        divided = divide_rows(self._totals.curated, target_bytes=job.config.pack.file_mb << 20)
        outputs = {output.name.rsplit("/", 1)[1]: output for output in divided}
        present = set(run.names("dataset/data"))
        for name in sorted(present - set(outputs)):
            yield describe_stray(f"dataset/data/{name}")
        for number in run.shards(PACK):
            if number >= len(outputs):
                yield f"pack/part-{number:05d}.json is of another division into files. The same build removes it."
        for name in ("README.md", "stats.json"):
            if not run.exists(f"dataset/{name}"):
                yield f"dataset/{name} is missing: the build did not finish. The same command finishes it."
        identities = Identities()
        with contextlib.closing(identities):
            for name, output in outputs.items():
                yield from self._check_output(output, name in present, identities)
                self._advance()
            if job.config.dedup.exact:
                yield from self._find_ids_twice(identities, [output.name for output in outputs.values()])
        if not self._totals.damaged:
            yield from self._totals.check_ledgers([PACK])

    def _check_output(self, output: OutputFile, present: bool, identities: Identities) -> Iterator[str]:
        run, job = self._run, self._job
        again = describe_redo(PACK, output.number)
        record, problem = self._totals.read(PACK, output.number)
        if problem is not None:
            yield problem
            return
        if record is None:
            lost = f"pack/part-{output.number:05d}.json"
            yield f"{output.name} is not committed (there is no {lost}). The same build packs it."
        else:
            self._totals.add(PACK, output.number, record)
            if (record.file, record.fingerprint, record.inputs) != (
                output.name,
                job.fingerprints.get(PACK),
                output.inputs,
            ):
                yield f"{output.name} was made from other settings or inputs. The same build packs it anew."
        if not present:
            if record is not None:
                yield f"{output.name} is missing. {again}"
            return
        try:
            with open_once(run, output.name) as opened:
                if record is not None and (opened.size, opened.sha256) != (record.size, record.sha256):
                    yield f"{output.name} is damaged: its content is not what was committed. {again}"
                yield from self._check_data(output, opened.stream, record, identities)
        except Exception as error:
            yield f"{output.name} cannot be read: {error}. {again}"

    def _check_data(
        self, output: OutputFile, stream: IO[bytes], record: Record | None, identities: Identities
    ) -> Iterator[str]:
        pack, name, again = self._job.config.pack, output.name, describe_redo(PACK, output.number)
        expected = self._kept.expect(output)
        counted = Ledger(PIPELINE[PACK].units)
        order = RowOrder(expected)
        with pq.ParquetFile(stream) as part:
            check_footer(part.metadata, stream.seek(0, os.SEEK_END))
            if not part.schema_arrow.equals(DATASETS[pack.schema_]):
                raise ValueError("its schema is not the one that pack.schema names")
            for problem in check_row_groups(part, decode=False):
                yield f"{name}: {problem} {again}"
            if b"huggingface" not in (part.schema_arrow.metadata or {}):
                yield f"{name} lacks the `huggingface` metadata: its images would be read as bytes. {again}"
            for number, row in enumerate(iterate_rows(part, None, at_once=1)):
                for unit, count in (("rows", 1), ("pages", len(row["images"])), ("pairs", len(row["texts"]))):
                    counted.keep(unit, count)
                self.rows += 1
                for identity in list_ids(row):
                    identities.add(identity)
                for problem in check_row(row, max_side_px=pack.max_side_px, image_format=pack.image_format):
                    yield f"{name}: {problem} {again}"
                if expected is not None and (trouble := order.find_trouble(digest_row(row))):
                    yield f"{name}: row {number} ({row.get('sample_id') or 'without an id'}) {trouble} {again}"
        if record is None:
            return
        if counted.accounts["rows"].kept != record.rows:
            yield f"{name} has {counted.accounts['rows'].kept} rows, {record.rows} were committed. {again}"
        said = Ledger.from_json(record.ledger).accounts
        for unit, account in counted.accounts.items():
            if said[unit].kept != account.kept:
                yield f"{name} has {account.kept} {unit}, but its ledger counts {said[unit].kept}. {again}"
        if expected is not None and order.left_out != said["rows"].dropped.total():
            yield (
                f"{name} lacks {order.left_out} rows that curate kept, but its ledger drops"
                f" {said['rows'].dropped.total()}. {again}"
            )

    def _find_ids_twice(self, identities: Identities, names: Sequence[str]) -> Iterator[str]:
        twice = identities.find_twice()
        if not twice:
            return
        places: dict[str, list[str]] = {}
        columns = ["sample_id", "annotations.list.element.pair_id"]
        for name in names:
            # of a file that cannot be read something was said already
            with contextlib.suppress(Exception):
                for row in self._run.iterate_file(name, columns=columns):
                    for identity in list_ids(row):
                        if hash_identity(identity) in twice:
                            places.setdefault(identity, []).append(name.rsplit("/", 1)[1])
        again = sorted((identity, where) for identity, where in places.items() if len(where) > 1)
        if again:
            told = "; ".join(f"{identity} in {', '.join(where)}" for identity, where in again[:MOST_NAMED])
            yield f"The dataset holds a sample or a pair twice. {len(again)} ids, such as {told}."
