"""Commit records: a shard exists by its record, which is created last.

A record names its part by content, so two workers that race on one shard cannot mix their files. Where the store has
conditional writes, a record replaces only the one that its worker saw when it began: of two workers the first one's
stands.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from docmatix.core.errors import BuildError
from docmatix.core.ledger import Ledger
from docmatix.pipeline import PACK
from docmatix.storage.object_folder import Overtaken
from docmatix.storage.pending import PendingFile
from docmatix.storage.run_files import RECORD_INDEX, find_foreign_name, find_foreign_reply
from docmatix.storage.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from docmatix.storage.parquet import ShardWriter
    from docmatix.storage.run import Run

RECORD_NAME: Final = re.compile(r"part-(\d{5,})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """The commit record of one shard. `inputs` are the sha256 of the parts it was made from: a shard is current only if
    they still are. `extra` holds counts that later stages need without opening the file, and names reply files."""

    file: str
    rows: int
    size: int
    sha256: str
    ledger: list[dict[str, Any]]
    fingerprint: str
    inputs: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        content["bytes"] = content.pop("size")
        # keys that are numbers become text, and are then sorted as such
        content["seal"] = _seal(json.loads(json.dumps(content)))
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Record:
        """Raises ValueError, LookupError, TypeError or RecursionError for a damaged record."""
        fields = _unseal(content)
        record = cls(size=fields.pop("bytes"), **{**fields, "inputs": tuple(fields["inputs"])})
        kinds = (record.file, str), (record.rows, int), (record.size, int), (record.sha256, str)
        if not all(isinstance(value, kind) for value, kind in (*kinds, (record.ledger, list), (record.extra, dict))):
            raise TypeError("a field has the wrong type")
        return record


class SlimRecord(NamedTuple):
    """A record for one who knows many: `ledger` and `extra` are JSON until they are asked for."""

    file: str
    rows: int
    size: int
    sha256: str
    fingerprint: str
    inputs: tuple[str, ...]
    ledger: str
    extra: str
    version: str | None
    """Of its file, as `Store.list_files` and `Store.replace` tell it; None where it is not known."""

    def expand(self, stage: str) -> Record:
        """The record, of a shard of this stage. Raises BuildError where it is from a forged index."""
        return Record(
            file=self.file,
            rows=self.rows,
            size=self.size,
            sha256=self.sha256,
            ledger=parse_indexed(self.ledger),
            fingerprint=self.fingerprint,
            inputs=self.inputs,
            extra=self.parse_extra(),
        )

    def parse_extra(self) -> dict[str, Any]:
        """The `extra` of the record. Raises BuildError where it is from a forged index."""
        extra = parse_indexed(self.extra)
        # the name of its own file was looked at when it was read
        if not isinstance(extra, dict) or find_foreign_reply(extra) is not None:
            raise BuildError(_FORGED)
        return extra


_FORGED = f"A {RECORD_INDEX} in the run directory is forged: remove those files."


def parse_indexed(content: str) -> Any:
    """The `ledger` or `extra` of a SlimRecord. Raises BuildError where it is from a forged index."""
    try:
        return orjson.loads(content)
    except ValueError:
        raise BuildError(_FORGED) from None


def _unseal(content: bytes) -> dict[str, Any]:
    """The fields of a record, which are those that were sealed. Raises as `Record.from_json`."""
    with contextlib.suppress(orjson.JSONDecodeError):
        fields: dict[str, Any] = orjson.loads(content)
        seal = fields.pop("seal", None)  # earlier versions wrote none
        if seal is None or seal == _seal(fields):
            return fields
    # slower, but exact for numbers beyond 64 bits and for halves of surrogate pairs
    fields = json.loads(content)
    seal = fields.pop("seal", None)
    if seal is not None and seal != _seal(fields):
        raise ValueError("its content is not what was sealed")
    return fields


def _seal(content: Mapping[str, Any]) -> str:
    """A hash of a record's content, as it is parsed from JSON: it shows a flipped bit where no other check would, as in
    a count."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def name_record(stage: str, shard: int) -> str:
    return f"{stage}/part-{shard:05d}.json"


def name_part(stage: str, record: Record | SlimRecord) -> str:
    return record.file if stage == PACK else f"{stage}/{record.file}"


def read_record(store: Store, stage: str, shard: int) -> Record | None:
    """The record of a shard; None where it is not committed. Raises BuildError for one that is damaged or forged."""
    name = name_record(stage, shard)
    try:
        content = store.read(name)
    except FileNotFoundError:
        return None
    return parse_record(stage, name, content)


def parse_record(stage: str, name: str, content: bytes) -> Record:
    """A record from the content of its file `name`. Raises BuildError for one that is damaged or forged."""
    try:
        record = Record.from_json(content)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BuildError(
            f"The commit record {name} is damaged: remove it and rerun the command to redo the shard."
        ) from None
    if (foreign := find_foreign_name(stage, record.file, record.extra)) is not None:
        raise BuildError(
            f"The commit record {name} names {foreign[:200]!r}, which is not a file of its stage: remove it and rerun"
            " the command to redo the shard."
        )
    return record


def write_record(store: Store, stage: str, shard: int, record: Record) -> None:
    store.write(name_record(stage, shard), record.to_json())


def replace_record(
    store: Store, stage: str, shard: int, record: Record, *, seen: str | None
) -> tuple[Record, str | None]:
    """Write a record, on S3 only in place of the version `seen`; returns the record that is there then, and its
    version. Where another worker has committed the same work meanwhile, its record stands: later stages may have begun
    with it."""
    name = name_record(stage, shard)
    if not store.on_s3:
        write_record(store, stage, shard, record)
        return record, store.find_version(name)
    try:
        return record, store.replace(name, record.to_json(), seen=seen)
    except Overtaken:
        version = store.look_up(name)
        other = read_record(store, stage, shard)
        if other is None or (other.fingerprint, other.inputs) != (record.fingerprint, record.inputs):
            raise BuildError(
                f"Shard {shard} of {stage} was committed by another driver meanwhile: run one driver at a time, and"
                " rerun the command to resume."
            ) from None
        return other, version


@contextlib.contextmanager
def committing(
    run: Run,
    stage: str,
    shard: int,
    *,
    schema: pa.Schema,
    fingerprint: str,
    ledger: Ledger,
    inputs: Sequence[str] = (),
    extra: dict[str, Any] | None = None,
) -> Iterator[ShardWriter]:
    """Write a shard; once the block has succeeded, publish its file, named by content, and then its record. The block
    may fill `ledger` and `extra`, which are read at the end."""
    from docmatix.storage.parquet import ShardWriter

    seen = look_up_record(run, stage, shard)
    with run.store.writing(stage) as pending:
        writer = ShardWriter(pending, schema)
        yield writer
        writer.close()
        record = Record(
            file=f"part-{shard:05d}-{pending.sha256[:8]}.parquet",
            rows=writer.rows,
            size=pending.bytes,
            sha256=pending.sha256,
            ledger=ledger.to_json(),
            fingerprint=fingerprint,
            inputs=tuple(inputs),
            extra=extra or {},
        )
        commit(run, stage, shard, pending, record, seen=seen)


def look_up_record(run: Run, stage: str, shard: int) -> str | None:
    """The version of a shard's record as work on the shard begins, for `commit`; None on a disk. What the run remembers
    is not asked of the store again."""
    return None if run.local else run.look_up_record(stage, shard)


def commit(run: Run, stage: str, shard: int, pending: PendingFile, record: Record, *, seen: str | None = None) -> None:
    """Publish a shard's file, then its record, which the run then remembers. Raises LedgerError first if its ledger
    does not balance."""
    Ledger.from_json(record.ledger).require_balance(f"{stage} (shard {shard})")
    pending.publish(name_part(stage, record))
    stands, version = replace_record(run.store, stage, shard, record, seen=seen)
    run.note_record(stage, shard, stands, version)
