"""Proves a run: reads every file once, changes nothing, and says of everything that is wrong what to do.

    the files       each is what its commit record, SHA256SUMS or (replies) its name says; none is missing or stray
    the rows        every row group can be read and is bounded; schemas are the declared ones; ledgers are counted anew
    the stages      what entered a shard of a stage left that of the one before; the pairs are the same all the way
    the dataset     the rows are those that `curate` kept, each once, in the order of the plan; images open, boxes lie
                    inside their page, quotes stand on it; `stats.json` and the card say what the records say

A commit record is read once, since on an object store each is a request: kept are sums over all of them, and of each
its file's name.

Not proved: `telemetry/` (it may be lost), `report.html` and `exports/` (made from the rest), and whether a page image
shows its page, which only rendering could tell. Memory: one document and one row group at a time; ids and what is
expected of the dataset are kept in temporary files, 16 bytes for a row and 8 for an id.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import IO, Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from docmatix.check.identities import Identities, hash_identity
from docmatix.check.recounts import RECOUNTS, find_miscounts
from docmatix.config import Pack
from docmatix.config.description import describe_build
from docmatix.core.errors import BuildError, LedgerError, SetupError
from docmatix.core.ledger import Ledger
from docmatix.core.pairs import make_pair_id
from docmatix.dataset.card import describe_metadata
from docmatix.dataset.pictures import open_picture
from docmatix.dataset.published_card import is_picture, shows, split_card
from docmatix.dataset.stats import Statistics, summarise
from docmatix.driver.build import check_chain, read_job
from docmatix.pdf.rendering import PageImage
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PACK, PIPELINE, PLAN, VERIFY
from docmatix.stages.pack import OutputFile, compose_row, divide_rows, foresee_bytes
from docmatix.stages.support.job import Job
from docmatix.storage.bombs import check_footer
from docmatix.storage.checksums import CHECKSUMS, find_altered, read_checksums, should_have_checksums
from docmatix.storage.parquet import iterate_rows
from docmatix.storage.records import Record
from docmatix.storage.run import RunDirectory
from docmatix.storage.run_files import is_own
from docmatix.storage.schemas import DATASETS, REPLIES

_VIEWER_LIMIT = 300_000_000
"""Bytes of a row group past which the Hub's viewer refuses to show it (dataset-viewer #1771)."""
_LARGEST_GROUP = 120_000_000
"""Bytes of a row group of several rows: `pack.row_group_mb` is at most 100, and a reader must load one whole."""
_CARD = ("dataset/README.md", "dataset/plots/", "dataset/samples/")
_NAMED = 5
"""Of ids that came twice, so many are named."""

_EVIDENCE = ["index", "pair_id", "sample_id", "page_numbers", "reason", "question", "answer", "evidence"]
_PUBLISHED = ["doc_id", "source_uri", "prompt", "model", "style", "scores"]


def find_problems(
    run: RunDirectory,
    *,
    edited: bool = False,
    on_part: Callable[[int], object] = lambda done: None,
    on_remark: Callable[[str], object] | None = None,
) -> Iterator[str]:
    """Everything that is wrong with a run, in sentences that say what to do; nothing for a sound one.

    `edited` says that the card and its pictures may have been changed by hand, as `push` lets people do, and SHA256SUMS
    may be missing. `on_part` is told after each file of `count_parts(run)` how many were read. `on_remark` is told what
    is no problem but should be known: that the card was changed (without it a problem too), or that an earlier version
    finished the run. Raises SetupError where there is no run.
    """
    run.require_reachable()  # before what takes a silent store for one that is away for a while, and waits for it
    try:
        job = read_job(run)
    except SetupError as error:
        if not run.exists("run.yaml"):
            raise
        yield str(error)
        return
    if strange := list(run.find_strange()):
        yield from strange
        return
    with _Proof(job, on_part, on_remark) as proof:
        yield from proof.check_shards()
        yield from proof.check_dataset()
        yield from proof.check_rest(edited=edited)


def count_parts(run: RunDirectory) -> int:
    """How many files a check reads, for a progress bar. Raises SetupError where there is no run."""
    run.require_reachable()
    try:
        job = read_job(run)
        return sum(len(run.shards(stage)) for stage in job.stages)
    except SetupError:
        if not run.exists("run.yaml"):
            raise
        return 0


class _Proof:
    """What a check has to remember from one file to the next."""

    def __init__(
        self, job: Job, on_part: Callable[[int], object], on_remark: Callable[[str], object] | None = None
    ) -> None:
        self._job, self._run = job, job.run
        self._on_part, self._parts = on_part, 0
        self._on_remark = on_remark
        self._ledgers = {stage: Ledger() for stage in job.stages}
        self._files: dict[str, dict[int, str]] = {stage: {} for stage in job.stages}
        """The file of each shard, as its record names it."""
        self._packed: dict[str, str] = {}
        """SHA-256 of the files of the dataset."""
        self._curated: list[tuple[int, str, int, float]] = []
        """What `divide_rows` wants to know of the curated shards."""
        self._statistics = Statistics()
        self._uncounted: Exception | None = None
        """Why a record's figures could not be added up."""
        self._damaged = False
        """A record cannot be read, so that nothing can be said of the whole."""
        self._kept = _KeptSamples()
        self._documents, self._places = Identities(), Identities()
        self._rows = 0
        """Of the dataset, as they were read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._kept, self._documents, self._places):
            each.close()

    def _note(self, stage: str, shard: int, record: Record) -> None:
        """Keep of a commit record what is asked later; of each stage in the order of its shards."""
        self._ledgers[stage].add(Ledger.from_json(record.ledger))
        self._files[stage][shard] = record.file
        try:
            if stage == CURATE:
                extra = record.extra
                foreseen = foresee_bytes(extra["square_inches"], self._job.config.pack)
                self._curated.append((shard, record.sha256, extra["samples"], foreseen))
                self._statistics.add_dropped(extra["dropped"])
            elif stage == PACK:
                self._packed[record.file] = record.sha256
                self._statistics.add(record.extra["statistics"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._uncounted = error

    # --- the stages ---------------------------------------------------------------------------------------------------

    def check_shards(self) -> Iterator[str]:
        """Every stage but `pack`, shard by shard."""
        run, stages = self._run, self._job.stages[:-1]
        there = {stage: set(run.shards(stage)) for stage in stages}
        planned = there[PLAN]
        shards = set().union(*there.values())
        if gaps := set(range(max(shards, default=-1) + 1)) - planned:
            yield (
                f"plan lacks shard {min(gaps)} (plan/part-{min(gaps):05d}.json). The same build plans it again, and"
                " where the source is as it was, all that was made from it stays."
            )
        stale: dict[str, list[int]] = {}
        for shard in sorted(shards):
            yield from self._check_shard(shard, stages, stale)
        for stage in stages[1:]:
            if missing := planned - there[stage]:
                yield (
                    f"{stage} lacks {len(missing)} of {len(planned)} shards, the first is {min(missing)}."
                    " The same build makes them."
                )
            if old := [shard for shard in stale.get(stage, ()) if shard in planned]:
                yield (
                    f"{stage} has {len(old)} shards made from other settings or inputs, the first is {old[0]}."
                    " The same build makes them anew."
                )
        yield from self._check_ledgers(stages)
        yield from self._find_twice(
            self._places, PLAN, ["address", "member", "offset", "row"], _tell_place, "{} is planned {} times."
        )
        if self._job.config.dedup.exact:
            yield from self._find_twice(
                self._documents,
                EXTRACT,
                ["doc_id"],
                lambda row: row["doc_id"] or "",
                "The document {} was let in {} times.",
            )

    def _check_shard(self, shard: int, stages: Sequence[str], stale: dict[str, list[int]]) -> Iterator[str]:
        records: dict[str, Record] = {}
        for stage in stages:
            try:
                record = self._run.read_record(stage, shard)
            except BuildError as error:
                self._damaged = True
                yield str(error)
                continue
            if record is not None:
                records[stage] = record
        parts: dict[str, pq.ParquetFile] = {}
        with contextlib.ExitStack() as stack:
            for stage, record in records.items():
                if stage != PLAN and not self._is_current(stage, records):
                    stale.setdefault(stage, []).append(shard)
                self._note(stage, shard, record)
                part = yield from self._open_part(stack, stage, shard, record)
                if part is not None:
                    parts[stage] = part
                self._parts += 1
                self._on_part(self._parts)
            yield from self._compare_ledgers(shard, records)
            try:
                yield from self._check_rows(shard, records, parts)
            except Exception as error:  # Arrow raises what it likes for what it cannot read
                yield f"Shard {shard} cannot be read: {type(error).__name__}: {error}. {_anew(stages[1], shard)}"

    def _is_current(self, stage: str, records: Mapping[str, Record]) -> bool:
        record = records[stage]
        inputs = tuple(records[each].sha256 for each in self._job.reads(stage) if each in records)
        return record.fingerprint == self._job.fingerprints.get(stage) and record.inputs == inputs

    def _open_part(
        self, stack: contextlib.ExitStack, stage: str, shard: int, record: Record
    ) -> Generator[str, None, pq.ParquetFile | None]:
        """The file of a shard, once it is known to be what was committed."""
        name = self._run.part_name(stage, record)
        again = _anew(stage, shard)
        if record.file != f"part-{shard:05d}-{record.sha256[:8]}.parquet":
            yield f"The commit record {stage}/part-{shard:05d}.json names {record.file}, another's file. {again}"
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
            part = stack.enter_context(pq.ParquetFile(opened.stream))
            check_footer(part.metadata, opened.size)
        except (pa.ArrowException, OSError, ValueError) as error:
            yield f"{name} cannot be read: {error}. {again}"
            return None
        if not part.schema_arrow.equals(PIPELINE[stage].load_schema()):
            yield f"{name} has another schema than {stage} writes. {again}"
            return None
        if part.metadata.num_rows != record.rows:
            yield f"{name} has {part.metadata.num_rows} rows, {record.rows} were committed. {again}"
        yield from (f"{name}: {problem}" for problem in check_row_groups(part))
        for replies in record.extra.get("replies", ()):
            if not self._run.exists(f"{stage}/replies/{replies}"):
                yield f"{stage}/replies/{replies} is missing: stored replies are lost. {again}"
        return part

    def _compare_ledgers(self, shard: int, records: Mapping[str, Record]) -> Iterator[str]:
        """Of one shard, so that what one lost and another found does not even out."""
        ledgers = {stage: Ledger.from_json(record.ledger).accounts for stage, record in records.items()}
        if PLAN in ledgers and EXTRACT in ledgers:
            rows, entered = records[PLAN].rows, ledgers[EXTRACT]["documents"].entered
            if rows != entered:
                again = _anew(EXTRACT, shard)
                yield f"{rows} documents are planned in shard {shard} but {entered} entered extract. {again}"
        for stage in ledgers:
            for unit, earlier in PIPELINE[stage].links:
                if earlier in ledgers and earlier != PLAN:
                    left, entered = ledgers[earlier][unit].kept, ledgers[stage][unit].entered
                    if left != entered:
                        yield (
                            f"{left} {unit} left {earlier} but {entered} entered {stage} in shard {shard}."
                            f" {_anew(stage, shard)}"
                        )

    def _check_rows(
        self, shard: int, records: Mapping[str, Record], parts: Mapping[str, pq.ParquetFile]
    ) -> Iterator[str]:
        for place in _iterate_part(parts.get(PLAN), ["address", "member", "offset", "row"]):
            self._places.add(_tell_place(place))
        counted = {stage: Ledger() for stage in parts if stage in RECOUNTS}
        rows = {
            stage: RECOUNTS[stage].recount(iterate_rows(parts[stage], RECOUNTS[stage].columns), counted[stage])
            for stage in counted
            if stage != CURATE
        }
        left_out = {row["index"] for row in rows.get(DEDUP, ())}
        let_in: set[int] = set()
        # before `dedup` has decided by these settings, a document that is there twice is nobody's fault
        is_decided = DEDUP in parts and records[DEDUP].fingerprint == self._job.fingerprints.get(DEDUP)
        for row in rows.get(EXTRACT, ()):
            if row["doc_id"] is not None and row["doc_id"] != row["sha256"][:32]:
                again = _anew(EXTRACT, shard)
                yield f"Document {row['index']} of shard {shard} has an id that is not its content's. {again}"
            if row["reason"] is None and row["index"] not in left_out:
                let_in.add(row["index"])
                if is_decided:
                    self._documents.add(row["doc_id"])
        order, asked = hashlib.sha256(), set[str]()
        strangers = 0
        for row in rows.get(GENERATE, ()):
            strangers += row["index"] not in let_in
            if row["request_id"] and row["reason"] is None:
                asked.add(row["request_id"])
            for number, pair in enumerate(row["pairs"] or ()):
                order.update(pair["pair_id"].encode())
                if pair["pair_id"] != make_pair_id(row["sample_id"], row["request_id"], number):
                    again = _anew(GENERATE, shard)
                    yield f"The pair {pair['pair_id']} in shard {shard} of generate has another's id. {again}"
        if strangers and EXTRACT in parts and DEDUP in parts:
            again = _anew(GENERATE, shard)
            yield f"{strangers} rows of generate in shard {shard} are of documents that were left out. {again}"
        yield from self._check_replies(GENERATE, shard, asked if GENERATE in parts else None)
        if VERIFY in records:
            yield from self._check_verified(shard, rows.get(VERIFY), order if GENERATE in parts else None)
        if CURATE in parts:
            yield from self._check_curated(shard, records, parts, counted[CURATE], order)
        else:
            self._kept.skip(shard)
        for stage, ledger in counted.items():
            name = self._run.part_name(stage, records[stage])
            for problem in find_miscounts(stage, Ledger.from_json(records[stage].ledger), ledger):
                yield f"The ledger of {name} counts {problem}. {_anew(stage, shard)}"

    def _check_verified(self, shard: int, rows: Iterator[Mapping[str, Any]] | None, order: Any) -> Iterator[str]:
        verified, asked = hashlib.sha256(), set[str]()
        for row in rows or ():
            verified.update(row["pair_id"].encode())
            if row["request_id"] and row["reason"] is None:
                asked.add(row["request_id"])
        if rows is not None and order is not None and verified.digest() != order.digest():
            yield f"The pairs that verify has in shard {shard} are not those of generate. {_anew(VERIFY, shard)}"
        yield from self._check_replies(VERIFY, shard, asked if rows is not None else None)

    def _check_replies(self, stage: str, shard: int, asked: set[str] | None) -> Iterator[str]:
        """The reply store of a shard: files are named by their content; every reply that was used is in it."""
        folder = f"{stage}/replies/part-{shard:05d}"
        stored: set[str] = set()
        for name in self._run.names(folder):
            if not name.endswith(".parquet"):
                continue
            with open_once(self._run, f"{folder}/{name}") as opened:
                if opened.sha256[:16] != name.removesuffix(".parquet"):
                    both = f"remove it and {stage}/part-{shard:05d}.json"
                    yield f"{folder}/{name} is damaged: {both}, and the same build asks again."
                    asked = None
                    continue
                with pq.ParquetFile(opened.stream) as part:
                    check_footer(part.metadata, opened.size)
                    if not part.schema_arrow.equals(REPLIES):
                        yield f"{folder}/{name} has another schema than replies have: remove it."
                        continue
                    stored |= {row["request_id"] for row in iterate_rows(part, ["request_id"])}
        if asked is not None and (lost := asked - stored):
            yield (
                f"{len(lost)} of {len(asked)} replies that shard {shard} of {stage} was made from are not stored."
                f" {_anew(stage, shard)}"
            )

    def _check_curated(
        self, shard: int, records: Mapping[str, Record], parts: Mapping[str, pq.ParquetFile], ledger: Ledger, order: Any
    ) -> Iterator[str]:
        """The pairs against those of `generate` and the pages of `extract`; remembers what pack must write."""
        documents = _iterate_part(parts.get(EXTRACT), ["index", "pages.list.element.number", "pages.list.element.text"])
        rows = RECOUNTS[CURATE].recount(iterate_rows(parts[CURATE], [*_EVIDENCE, *_PUBLISHED]), ledger)
        curated, samples, pages = hashlib.sha256(), 0, 0
        again = _anew(CURATE, shard)
        self._kept.begin(shard)
        for index, group in groupby(rows, key=lambda row: row["index"]):
            document = next((each for each in documents if each["index"] == index), None)
            texts = _PageTexts(document["pages"] if document else ())
            if document is None and EXTRACT in parts:
                yield f"A pair in shard {shard} of curate is of no document: {index}. {again}"
            for _, pairs in groupby(group, key=lambda row: row["sample_id"]):
                kept = []
                for pair in pairs:
                    curated.update(pair["pair_id"].encode())
                    if document is not None:
                        yield from (f"{problem} {again}" for problem in check_evidence(pair, texts))
                    if pair["reason"] is None:
                        kept.append(pair)
                if kept:
                    samples, pages = samples + 1, pages + len(kept[0]["page_numbers"])
                    self._kept.add(kept, settings=self._job.config.pack)
        if GENERATE in parts and curated.digest() != order.digest():
            yield f"The pairs that curate judged in shard {shard} are not those of generate. {again}"
        extra = records[CURATE].extra
        if (samples, pages) != (extra.get("samples"), extra.get("pages")):
            yield f"The commit record of shard {shard} of curate counts other samples or pages than were kept. {again}"

    def _check_ledgers(self, stages: Iterable[str]) -> Iterator[str]:
        whole = True
        for stage in stages:
            # of a stage that is not done the missing shards were told, and those after it cannot agree with it
            whole = whole and (stage == PACK or len(self._files[stage]) >= len(self._files[PLAN]))
            try:
                self._ledgers[stage].require_balance(stage)
                if self._ledgers[stage].accounts and stage != PLAN and whole and not self._damaged:
                    check_chain(self._job, stage, self._ledgers[stage], known=self._ledgers)
            except LedgerError as error:
                yield str(error)

    def _find_twice(
        self,
        identities: Identities,
        stage: str,
        columns: list[str],
        identify: Callable[[Mapping[str, Any]], str],
        sentence: str,
    ) -> Iterator[str]:
        twice = identities.find_twice()
        if not twice:
            return
        met: Counter[str] = Counter()
        for shard, _ in self._run.records(stage):
            for row in self._run.iterate_rows(stage, shard, columns=columns):
                if hash_identity(name := identify(row)) in twice:
                    met[name] += 1
        for name, count in met.most_common(_NAMED):
            if count > 1:
                yield f"{sentence.format(name, count)} This is a bug in docmatix; please report it."

    # --- the dataset --------------------------------------------------------------------------------------------------

    def check_dataset(self) -> Iterator[str]:
        """What `pack` wrote, against what `curate` kept."""
        job, run = self._job, self._run
        planned, curated = len(self._files[PLAN]), self._files[CURATE]
        if self._damaged or len(curated) < planned or not planned or len(self._curated) < len(curated):
            return
        divided = divide_rows(self._curated, target_bytes=job.config.pack.file_mb << 20)
        outputs = {output.name.rsplit("/", 1)[1]: output for output in divided}
        present = set(run.names("dataset/data"))
        for name in sorted(present - set(outputs)):
            yield _describe_stray(f"dataset/data/{name}")
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
                self._parts += 1
                self._on_part(self._parts)
            if job.config.dedup.exact:
                yield from self._find_ids_twice(identities, [output.name for output in outputs.values()])
        if not self._damaged:
            yield from self._check_ledgers([PACK])

    def _check_output(self, output: OutputFile, present: bool, identities: Identities) -> Iterator[str]:
        run, job = self._run, self._job
        again = _anew(PACK, output.number)
        try:
            record = run.read_record(PACK, output.number)
        except BuildError as error:
            self._damaged = True
            yield str(error)
            return
        if record is None:
            lost = f"pack/part-{output.number:05d}.json"
            yield f"{output.name} is not committed (there is no {lost}). The same build packs it."
        else:
            self._note(PACK, output.number, record)
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
        pack, name, again = self._job.config.pack, output.name, _anew(PACK, output.number)
        expected = self._kept.expect(output)
        counted = Ledger(PIPELINE[PACK].units)
        order = _Order(expected)
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
                self._rows += 1
                for identity in _ids(row):
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
                    for identity in _ids(row):
                        if hash_identity(identity) in twice:
                            places.setdefault(identity, []).append(name.rsplit("/", 1)[1])
        again = {identity: where for identity, where in places.items() if len(where) > 1}
        if again:
            told = "; ".join(f"{identity} in {', '.join(where)}" for identity, where in sorted(again.items())[:_NAMED])
            yield "The dataset holds a sample or a pair twice." + f" {len(again)} ids, such as {told}."

    # --- what is written at the end -----------------------------------------------------------------------------------

    def check_rest(self, *, edited: bool) -> Iterator[str]:
        """`stats.json`, the card, the files that SHA256SUMS vouches for, and files that nobody knows."""
        run = self._run
        finished = run.exists("dataset/README.md") and run.exists("dataset/stats.json")
        if not finished or self._damaged:
            return
        try:
            for number in run.shards(PACK):  # of another division, or all where the dataset could not be checked
                if number not in self._files[PACK] and (record := run.read_record(PACK, number)) is not None:
                    self._note(PACK, number, record)
        except BuildError as error:
            yield str(error)
            return
        try:
            summary = self._summarise()
            found = json.loads(run.read("dataset/stats.json"))
            if not isinstance(found, dict) or "rows" not in found:
                raise ValueError("it holds no figures")
            if found["rows"] != self._rows:
                yield "dataset/stats.json counts other rows than the dataset has. The same build writes it anew."
            elif found != json.loads(json.dumps(summary)):
                yield "dataset/stats.json is not what the commit records add up to. The same build writes it anew."
            if not edited:
                yield from self._check_card(summary)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            yield f"dataset/stats.json cannot be read ({error}): run the build once more, which writes it."
        shown, unshown = list_card_pictures(run)
        yield from self._check_sums({f"dataset/{name}" for name in unshown}, edited=edited)
        for name in (f"dataset/{each}" for each in shown):
            if not is_picture(name, run.read(name)):
                yield describe_false_picture(name)
        for name in unshown:
            if self._on_remark is not None:
                self._on_remark(f"dataset/{name} is not shown by the card: `push` does not send it.")
        yield from map(_describe_stray, self._find_strays())

    def _summarise(self) -> dict[str, Any]:
        if self._uncounted is not None:
            raise self._uncounted
        ledgers = {stage: ledger.to_json() for stage, ledger in self._ledgers.items()}
        return summarise(self._statistics, ledgers=ledgers, pack=self._job.config.pack)

    def _check_card(self, summary: Mapping[str, Any]) -> Iterator[str]:
        try:
            head, _ = split_card(self._run.read("dataset/README.md").decode())
        except (ValueError, yaml.YAMLError) as error:
            mend = "put it right, or run the build once more, which writes it."
            yield f"dataset/README.md cannot be read ({error}): {mend}"
            return
        wanted = describe_metadata(describe_build(self._job.config), summary)
        if wrong := [name for name in wanted if head.get(name) != wanted[name]]:
            said = f"dataset/README.md says something else of `{wrong[0]}` than the dataset"
            if self._on_remark is None:
                yield f"{said}. The same build writes it anew."
            else:
                self._on_remark(f"{said}: `push` sends it so, the same build would write it anew.")

    def _check_sums(self, unshown: Container[str], *, edited: bool) -> Iterator[str]:
        again = "The same build writes it anew."
        try:
            sums = read_checksums(self._run.store)
        except ValueError as error:
            yield f"{CHECKSUMS} is damaged ({error}). {again}"
            return
        if sums is None:
            if edited:
                return
            if should_have_checksums(self._run.store):
                yield f"{CHECKSUMS} is missing. {again}"
            elif self._on_remark is not None:
                self._on_remark(
                    f"There is no {CHECKSUMS}, which earlier versions did not write: run.yaml and the pictures and the"
                    " text of the card are not proved."
                )
            return
        for name in find_altered(self._run.store, sums):
            if name in unshown and name not in sums:  # beside the dataset, and of no consequence
                continue
            changed = f"{name} is not what it was when the build ended"
            if not name.startswith(_CARD) or (self._on_remark is None and not edited):
                yield f"{changed} (see {CHECKSUMS}). {again}"
            elif self._on_remark is not None and name not in unshown:
                self._on_remark(f"{changed}: `push` sends it so, the same build would write it anew.")
        for file, sha256 in self._packed.items():
            if sums.pop(file, None) != sha256:
                yield f"{CHECKSUMS} has another sum of {file} than its commit record. {again}"
        if strange := [name for name in sums if name.startswith("dataset/data/")]:
            yield f"{CHECKSUMS} names {strange[0]}, which belongs to no shard. {again}"

    def _find_strays(self) -> Iterator[str]:
        run = self._run
        for stage in self._job.stages:
            named = {"replies"}
            for shard, file in self._files[stage].items():
                named |= {f"part-{shard:05d}.json", file.rsplit("/", 1)[-1]}
            yield from (f"{stage}/{name}" for name in run.names(stage) if name not in named)
        yield from (name for name in run.names("") if name.startswith(".") and name.endswith(".tmp"))
        own = {"README.md", "stats.json", "data", "plots", "samples"}
        yield from (f"dataset/{name}" for name in run.names("dataset") if name not in own)


def list_card_pictures(run: RunDirectory) -> tuple[list[str], list[str]]:
    """The files in `plots` and `samples` that the card refers to, by their paths from it, and those it does not."""
    card = run.read("dataset/README.md").decode(errors="replace")
    there = [f"{folder}/{name}" for folder in ("plots", "samples") for name in run.names(f"dataset/{folder}")]
    shown = [name for name in there if shows(card, name)]
    return shown, sorted(set(there) - set(shown))


def describe_false_picture(name: str) -> str:
    """That the card shows a file that is no picture, as a problem."""
    return (
        f"{name} is shown by the card and is no PNG, JPEG or WebP as its name says: put a picture in its place, or take"
        " it out of the card."
    )


def _describe_stray(name: str) -> str:
    if is_own(name):
        return f"{name} belongs to no shard. The same build removes it."
    return f"{name} belongs to no shard. It is not docmatix's either, so no build removes it: put it elsewhere."


# --- reading ----------------------------------------------------------------------------------------------------------


class Opened(NamedTuple):
    """A file that was read to its end: what it held, and a stream to read it again without asking the storage."""

    stream: IO[bytes]
    sha256: str
    size: int


@contextlib.contextmanager
def open_once(run: RunDirectory, name: str) -> Iterator[Opened]:
    """Read a file and hold it open; a remote one is copied to the local disk on the way, so that it is sent once.

    Raises FileNotFoundError.
    """
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(run.open(name))
        copy = None if run.local else stack.enter_context(tempfile.TemporaryFile())
        while block := stream.read(4 << 20):
            digest.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
        held = copy or stream
        held.seek(0)
        yield Opened(held, digest.hexdigest(), size)


def _iterate_part(part: pq.ParquetFile | None, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a part; none where it is missing, which is a problem of its own."""
    return iter(()) if part is None else iterate_rows(part, columns)


def check_row_groups(part: pq.ParquetFile, *, decode: bool = True) -> Iterator[str]:
    """Row groups that a reader could not load: too large, or (where `decode` asks for it) not to be decoded at all, as
    nested columns past 2 GiB are written without an error (Ray #29492)."""
    for number in range(part.metadata.num_row_groups):
        about = part.metadata.row_group(number)
        if about.total_byte_size > _VIEWER_LIMIT:
            yield f"row group {number} has {about.total_byte_size >> 20} MB; the Hub's viewer would refuse it."
        elif about.num_rows > 1 and about.total_byte_size > _LARGEST_GROUP:
            size = f"{about.total_byte_size >> 20} MB in {about.num_rows} rows"
            yield f"row group {number} has {size}; a reader must load it whole."
        if decode:
            try:
                rows = sum(len(batch) for batch in part.iter_batches(64, row_groups=[number], use_threads=False))
            except Exception as error:
                yield f"row group {number} cannot be read: {error}."
            else:
                if rows != about.num_rows:
                    yield f"row group {number} has {rows} rows, not the {about.num_rows} that it tells."


def _tell_place(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in ("address", "member", "offset", "row") if row[name] is not None)


def _anew(stage: str, shard: int) -> str:
    return f"Remove {stage}/part-{shard:05d}.json, and the same build does the shard anew."


# --- what pack must write ---------------------------------------------------------------------------------------------


class _KeptSamples:
    """The samples that `curate` kept, in the order of the plan: 16 bytes of a hash for each, in a temporary file."""

    SIZE = 16

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- goes with the object
        self._starts: dict[int, int | None] = {}
        self._count = 0

    def begin(self, shard: int) -> None:
        self._starts[shard] = self._count

    def skip(self, shard: int) -> None:
        """The shard cannot be read: nothing is known of what should be in the dataset."""
        self._starts[shard] = None

    def add(self, pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> None:
        self._file.seek(0, 2)
        self._file.write(digest_sample(pairs, settings=settings))
        self._count += 1

    def expect(self, output: OutputFile) -> list[bytes] | None:
        """The digests of a file's rows in their order; None where they are not known."""
        found: list[bytes] = []
        for each in output.ranges:
            start = self._starts.get(each.shard)
            if start is None:
                return None
            self._file.seek((start + each.first) * self.SIZE)
            block = self._file.read(each.count * self.SIZE)
            found += [block[at : at + self.SIZE] for at in range(0, len(block), self.SIZE)]
        return found

    def close(self) -> None:
        self._file.close()


class _Order:
    """Whether rows come in the order in which they are expected; some may be left out."""

    def __init__(self, expected: list[bytes] | None) -> None:
        self._places: dict[bytes, list[int]] = {}
        for place, digest in enumerate(expected or ()):
            self._places.setdefault(digest, []).append(place)
        self._at = -1
        self.left_out = len(expected or ())

    def find_trouble(self, digest: bytes) -> str | None:
        """What is wrong with the next row, as the end of a sentence; None if it is one that may come next."""
        places = self._places.get(digest)
        if places is None:
            return "is not what curate kept for this file."
        place = next((place for place in places if place > self._at), None)
        if place is None:
            return "is there twice or out of place."
        self._at = place
        self.left_out -= 1
        return None


def digest_sample(pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> bytes:
    """16 bytes of the row that `pack` must write for a sample's kept pairs, its images aside."""
    images = [PageImage(b"", 0, 0, "L") for _ in pairs[0]["page_numbers"]]
    return digest_row(compose_row([dict(pair) for pair in pairs], images, settings))


def digest_row(row: Mapping[str, Any]) -> bytes:
    """16 bytes of a row of the dataset, its images aside."""
    content = {name: value for name, value in row.items() if name != "images"}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).digest()


# --- one row ----------------------------------------------------------------------------------------------------------


class _PageTexts:
    """The texts of a document's pages by number, white space aside."""

    def __init__(self, pages: Iterable[Mapping[str, Any]]) -> None:
        self._texts = {page["number"]: page["text"] for page in pages or ()}
        self._folded: dict[int, str] = {}

    def get(self, number: int) -> str | None:
        if number not in self._folded and number in self._texts:
            self._folded[number] = " ".join((self._texts[number] or "").split())
        return self._folded.get(number)


def check_evidence(pair: Mapping[str, Any], texts: _PageTexts) -> Iterator[str]:
    """What is wrong with the evidence of a curated pair: boxes, pages, quotes that are not on their page."""
    yield from _check_places(pair, pair["page_numbers"])
    for evidence in pair["evidence"] or ():
        text = texts.get(evidence["page"])
        if text is None:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, which its document does not have."
        elif " ".join(evidence["quote"].split()) not in text:
            yield f"the evidence of {pair['pair_id']} quotes what does not stand on page {evidence['page']}."


def _check_places(pair: Mapping[str, Any], pages: Sequence[int]) -> Iterator[str]:
    for evidence in pair["evidence"] or ():
        if evidence["page"] not in pages:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, outside its sample."
        for box in evidence["boxes"]:
            if len(box) != 4 or not all(map(math.isfinite, box)):
                yield f"an evidence box of {pair['pair_id']} is no box."
            elif not (0 <= box[0] <= box[2] <= 1 and 0 <= box[1] <= box[3] <= 1):
                yield f"an evidence box of {pair['pair_id']} lies outside its page."


def check_row(
    row: Mapping[str, Any], *, max_side_px: int | None = None, image_format: str | None = None
) -> Iterator[str]:
    """What is wrong with one row of a dataset: images that do not open, texts or boxes out of place. `max_side_px` and
    `image_format` are what `pack` was told of the images."""
    identity = row.get("sample_id") or (row["texts"][0]["source"] if row["texts"] else "a row")
    for image in row["images"]:
        yield from (
            f"an image of {identity} {said}" for said in _check_image(image["bytes"], max_side_px, image_format)
        )
    if not row["images"]:
        yield f"{identity} has no image."
    if not row["texts"] or any(not text["user"] or not text["assistant"] for text in row["texts"]):
        yield f"{identity} has an empty pair."
    if "annotations" not in row:
        return
    numbers = row["page_numbers"]
    if len(row["annotations"]) != len(row["texts"]):
        yield f"{identity} has {len(row['texts'])} pairs and {len(row['annotations'])} annotations."
    if len(numbers) != len(row["images"]):
        yield f"{identity} has {len(row['images'])} images and {len(numbers)} page numbers."
    elif numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] < 1:
        yield f"{identity} has page numbers that do not follow each other."
    elif "doc_id" in row and identity != f"{row['doc_id']}-{numbers[0]}":
        yield f"{identity} is not named by its document and first page."
    for annotation in row["annotations"]:
        yield from _check_places(annotation, numbers)


def _check_image(content: bytes, max_side_px: int | None, image_format: str | None) -> Iterator[str]:
    try:
        with open_picture(content) as opened:
            opened.load()
            side_px, kind = max(opened.size), (opened.format or "").lower()
    except Exception as error:
        yield f"does not open: {error}."
        return
    if max_side_px is not None and side_px > max_side_px:
        yield f"is {side_px} px long, more than pack.max_side_px = {max_side_px}."
    if image_format is not None and kind != image_format:
        yield f"is {kind}, not pack.image_format = {image_format}."


def _ids(row: Mapping[str, Any]) -> list[str]:
    if "sample_id" not in row:
        return []
    return [row["sample_id"], *(annotation["pair_id"] for annotation in row["annotations"])]
