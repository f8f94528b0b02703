"""What one process knows of commit records, so that it reads each of them once.

A driver and a verb that looks keep a snapshot: of each stage one listing, and its records fetched many at once. A
worker keeps what its task told it. A record takes less than a kilobyte: what it counts stays JSON until it is asked
for.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from docmatix.core.errors import BuildError
from docmatix.core.ledger import Account, Ledger
from docmatix.storage.plain_files import Listed
from docmatix.storage.record_index import collecting_paused, read_index, write_index
from docmatix.storage.records import (
    RECORD_NAME,
    Record,
    SlimRecord,
    name_record,
    parse_indexed,
    parse_record,
    read_record,
)
from docmatix.storage.run_files import RECORD_INDEX
from docmatix.storage.store import Store

_FETCHED_AT_ONCE = 1000
_INDEXED_FROM = 100  # records; fewer are fetched about as fast


class Told(NamedTuple):
    """What a driver tells a worker of one record, and a worker its driver: the `content` as it is stored, None where
    the shard is not committed, and the version in an object store, for `Store.replace`."""

    stage: str
    shard: int
    content: bytes | None
    version: str | None


@dataclass(slots=True)
class _Stage:
    """The snapshot of a stage: the committed shards, and the records of those that could be read."""

    shards: set[int]
    records: dict[int, SlimRecord]
    ascending: list[int] | None = None
    ledger: Ledger | None = None
    indexed: bool = False
    """Whether its index holds all of this."""


class RecordMemory:
    """The records that this process knows: of whole stages, read when one is first asked for, or else those told."""

    def __init__(self, store: Store, *, whole: bool) -> None:
        self.whole = whole
        self._store = store
        self._stages: dict[str, _Stage] = {}
        self._told: dict[tuple[str, int], SlimRecord | None] = {}
        self._shared: dict[str, str] = {}
        """Each text once: what several records name, and ledgers of the same figures."""
        self._lock = threading.RLock()

    # --- asking -------------------------------------------------------------------------------------------------------

    def knows(self, stage: str, shard: int) -> bool:
        """Whether `find` can answer; a record of a snapshot that could not be read is the store's to explain."""
        if not self.whole:
            return (stage, shard) in self._told
        known = self._load(stage)
        return shard in known.records or shard not in known.shards

    def find(self, stage: str, shard: int) -> SlimRecord | None:
        """The record of a shard that is known; None where it is not committed."""
        return self._load(stage).records.get(shard) if self.whole else self._told[stage, shard]

    def list_shards(self, stage: str) -> list[int]:
        """The committed shards of a stage, ascending; only of a snapshot."""
        known = self._load(stage)
        if known.ascending is None:
            known.ascending = sorted(known.shards)
        return list(known.ascending)

    def find_all(self, stage: str) -> Mapping[int, SlimRecord]:
        """The records of a snapshot of a stage. Raises BuildError if one of them could not be read."""
        known = self._load(stage)
        for shard in sorted(known.shards - known.records.keys()):
            if (record := read_record(self._store, stage, shard)) is not None:
                self.note(stage, shard, record, None)
            else:
                self.forget(stage, [shard])
        return known.records

    def add_up(self, stage: str, shards: Sequence[int] | None) -> Ledger:
        """The sum of a stage's ledgers, kept until a record changes; or of those of some shards."""
        known, found = self._load(stage), self.find_all(stage)
        if shards is not None and not found.keys() <= set(shards):
            return add_ledgers(found[shard].ledger for shard in shards if shard in found)
        if known.ledger is None:
            known.ledger = add_ledgers(found[shard].ledger for shard in self.list_shards(stage))
        copy = Ledger()
        copy.add(known.ledger)
        return copy

    # --- being told ---------------------------------------------------------------------------------------------------

    def note(self, stage: str, shard: int, record: Record, version: str | None) -> None:
        """Take note of a record that was committed, or read anew."""
        slim = self._slim(record, version)
        if not self.whole:
            self._told[stage, shard] = slim
        elif (known := self._stages.get(stage)) is not None:  # one that is not known will be read as it is then
            with self._lock:
                new = shard not in known.shards
                known.shards.add(shard)
                known.records[shard] = slim
                known.indexed = False
                known.ascending = None if new else known.ascending
                if known.ledger is not None:
                    known.ledger = known.ledger if new else None
                    if known.ledger is not None:
                        known.ledger.add(Ledger.from_json(record.ledger))

    def forget(self, stage: str, shards: Iterable[int] | None) -> None:
        """Records that were removed; None for all of the stage."""
        if not self.whole:
            gone = [key for key in self._told if key[0] == stage and (shards is None or key[1] in set(shards))]
            self._told |= dict.fromkeys(gone)
        elif (known := self._stages.get(stage)) is not None:
            with self._lock:
                removed = set(known.shards if shards is None else shards)
                known.shards -= removed
                for shard in removed:
                    known.records.pop(shard, None)
                known.ascending = known.ledger = None
                known.indexed = known.indexed and not removed

    def take(self, told: Iterable[Told]) -> None:
        """Take note of what another process tells. Raises BuildError for a record that is damaged."""
        for stage, shard, content, version in told:
            if content is not None:
                self.note(stage, shard, parse_record(stage, name_record(stage, shard), content), version)
            elif self.whole:
                self.forget(stage, [shard])
            else:
                self._told[stage, shard] = None

    def drop(self, pairs: Iterable[tuple[str, int]] | None = None) -> None:
        """Forget what was told of these, or all of it: it is asked of the store again."""
        for key in list(self._told) if pairs is None else pairs:
            self._told.pop(key, None)

    def tell(self, stage: str, shard: int) -> Told:
        """What is known of one shard, for another process."""
        slim = self.find(stage, shard)
        return Told(stage, shard, slim and slim.expand(stage).to_json(), slim and slim.version)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _load(self, stage: str) -> _Stage:
        known = self._stages.get(stage)
        if known is None:
            with self._lock:
                known = self._stages.get(stage) or self._read(stage)
                self._stages[stage] = known
        return known

    def _read(self, stage: str) -> _Stage:
        # versions first: of a record that is replaced meanwhile an old version is noted, never too new a one
        listed = self._store.list_files(stage, described=RECORD_NAME)
        versions = find_versions(listed)
        found = read_index(self._store, stage, shared=self._shared) if RECORD_INDEX in listed else {}
        records = {
            shard: slim for shard, slim in found.items() if shard in versions and versions[shard] == slim.version
        }
        stale = sorted(versions.keys() - records.keys())
        for contents in fetch_contents(self._store, stage, stale):
            with collecting_paused():
                for shard, record in parse_contents(stage, contents):
                    records[shard] = self._slim(record, versions[shard])
        return _Stage(set(versions), records, indexed=not stale and len(found) == len(records))

    def compare(self, stage: str, listed: Mapping[str, Listed]) -> None:
        """Read anew what is not as it was when it was noted, by a listing of the stage: a worker that was given up may
        have committed after another one."""
        known = self._load(stage)
        versions = find_versions(listed)
        changed = [
            shard
            for shard, version in versions.items()
            if shard not in known.records or version is None or known.records[shard].version != version
        ]
        for contents in fetch_contents(self._store, stage, sorted(changed)):
            for shard, record in parse_contents(stage, contents):
                if shard not in known.records or known.records[shard] != self._slim(record, versions[shard]):
                    self.note(stage, shard, record, versions[shard])
        if gone := known.shards - versions.keys():
            self.forget(stage, gone)

    def write_index(self, stage: str) -> None:
        """Write what is known of a stage into its index, unless that is there, or hardly worth it."""
        known = self._stages.get(stage)
        if known is not None and not known.indexed and len(known.records) >= _INDEXED_FROM:
            with self._lock:
                write_index(self._store, stage, known.records)
                known.indexed = True

    def _slim(self, record: Record, version: str | None) -> SlimRecord:
        share = self._shared.setdefault
        ledger = orjson.dumps(record.ledger).decode()
        return SlimRecord(
            record.file,
            record.rows,
            record.size,
            share(record.sha256, record.sha256),
            share(record.fingerprint, record.fingerprint),
            tuple(share(each, each) for each in record.inputs),
            share(ledger, ledger),
            orjson.dumps(record.extra).decode() if record.extra else "{}",
            version,
        )


def find_versions(listed: Mapping[str, Listed]) -> dict[int, str | None]:
    """The committed shards of a stage that was listed, each with the version of its record."""
    return {
        int(match[1]): facts.version
        for name, facts in listed.items()
        if name.endswith(".json") and (match := RECORD_NAME.fullmatch(name))  # half of them are parts
    }


def fetch_contents(store: Store, stage: str, shards: Sequence[int]) -> Iterator[dict[int, bytes]]:
    """The records of these shards as they are stored, many at once, without those that are gone."""
    for first in range(0, len(shards), _FETCHED_AT_ONCE):
        names = {name_record(stage, shard): shard for shard in shards[first : first + _FETCHED_AT_ONCE]}
        contents = store.read_several(list(names))
        yield {shard: contents[name] for name, shard in names.items() if name in contents}


def parse_contents(stage: str, contents: Mapping[int, bytes]) -> Iterator[tuple[int, Record]]:
    """The records without those that are damaged or forged: the one who asks for such a record reads it again, and is
    told what is wrong with it."""
    for shard, content in contents.items():
        try:
            yield shard, parse_record(stage, name_record(stage, shard), content)
        except BuildError:
            continue


def add_ledgers(ledgers: Iterable[str]) -> Ledger:
    """The sum of ledgers in JSON. Equal ones are parsed once."""
    total = Ledger()
    accounts = total.accounts
    for content, times in Counter(ledgers).items():
        for line in parse_indexed(content):
            account = accounts.get(line["unit"])
            if account is None:
                account = accounts[line["unit"]] = Account()
            account.entered += times * line["in"]
            account.kept += times * line["out"]
            dropped = account.dropped
            for reason, count in line["dropped"].items():
                dropped[reason] += times * count
    return total
