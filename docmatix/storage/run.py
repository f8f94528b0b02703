"""The run directory: the stages' shards in a store, whose run it is, and what is swept from it.

    RUN/STAGE/part-00017-3fa9c1d2.parquet   one shard, named by its content
    RUN/STAGE/part-00017.json               its commit record, created last: without it the shard does not exist

A run directory may come from anybody: below it no link is followed, and nothing but regular files is opened.
"""

from __future__ import annotations

import contextlib
import functools
import os
import posixpath
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from docmatix.core.errors import BuildError, RunRefused, SetupError
from docmatix.core.ledger import Ledger
from docmatix.pipeline import PACK, STAGES
from docmatix.storage import records
from docmatix.storage.lock import LEASE_S, LOCK, hold, is_held
from docmatix.storage.patience import PATIENCE_S, log_outage
from docmatix.storage.pending import PendingFile
from docmatix.storage.plain_files import Listed, describe_kind
from docmatix.storage.record_memory import RecordMemory, Told
from docmatix.storage.records import RECORD_NAME, Record, SlimRecord
from docmatix.storage.run_files import FOLDERS, SINGLE, is_own, list_beside_parts
from docmatix.storage.store import Store

if TYPE_CHECKING:
    import pyarrow as pa


class Run:
    """One build's files. Cheap to make and to pickle; every path given is relative to the run."""

    def __init__(
        self,
        url: str | Path,
        *,
        patience_s: float = PATIENCE_S,
        say: Callable[[str], object] = log_outage,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.store = Store(url, patience_s=patience_s, say=say, sleep=sleep)
        self.url, self.root, self.local = self.store.url, self.store.root, self.store.local
        self.lost = self.store.lost
        """Set once another driver holds the run: a remote lease can be lost, a local lock cannot."""
        self.lease_s = LEASE_S
        self._memory: RecordMemory | None = None
        self._hand = RecordMemory(self.store, whole=False)
        """What is known for as long as it is `at_hand`, of a run that remembers nothing."""

    def __reduce__(self) -> tuple[Callable[[str], Run], tuple[str]]:
        return functools.partial(Run, patience_s=self.store.patience_s), (self.store.address,)

    # --- its files, as the store has them -----------------------------------------------------------------------------

    def path(self, name: str) -> str:
        return self.store.path(name)

    def exists(self, name: str) -> bool:
        return self.store.exists(name)

    def size(self, name: str) -> int | None:
        return self.store.size(name)

    def read(self, name: str, *, patient: bool = True) -> bytes:
        return self.store.read(name, patient=patient)

    def read_several(self, names: Sequence[str]) -> dict[str, bytes]:
        return self.store.read_several(names)

    def open(self, name: str, *, size: int | None = None) -> IO[bytes]:
        return self.store.open(name, size=size)

    def names(self, folder: str) -> list[str]:
        return self.store.names(folder)

    def sizes(self, names: Iterable[str]) -> dict[str, int | None]:
        """Bytes of those of these files that are there, by one listing of each folder."""
        listed: dict[str, dict[str, Listed]] = {}
        found: dict[str, int | None] = {}
        for name in names:
            folder, base = posixpath.split(name)
            if folder not in listed:
                listed[folder] = self.store.list_files(folder)
            if (facts := listed[folder].get(base)) is not None:
                found[name] = facts.size if facts.size is not None else self.size(name)  # refuses what is no file
        return found

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        self.store.write(name, content, durable=durable)

    def writing(self, folder: str) -> contextlib.AbstractContextManager[PendingFile]:
        return self.store.writing(folder)

    def remove(self, *names: str) -> None:
        self.store.remove(*names)
        for name in names:
            stage, _, below = name.rstrip("/").partition("/")
            if not below:
                self.forget_records(stage)
            elif match := RECORD_NAME.fullmatch(below):
                self.forget_records(stage, [int(match[1])])

    def require_reachable(self) -> None:
        self.store.require_reachable()

    # --- shards -------------------------------------------------------------------------------------------------------

    def read_record(self, stage: str, shard: int) -> Record | None:
        if (known := self._find_known(stage, shard)) is not None:
            return known[0] and known[0].expand(stage)
        return records.read_record(self.store, stage, shard)

    def read_head(self, stage: str, shard: int) -> Record | SlimRecord | None:
        """As `read_record`, for one who asks neither for the ledger nor for `extra`, which may still be JSON."""
        if (known := self._find_known(stage, shard)) is not None:
            return known[0]
        return records.read_record(self.store, stage, shard)

    def write_record(self, stage: str, shard: int, record: Record) -> None:
        records.write_record(self.store, stage, shard, record)
        self.note_record(stage, shard, record)

    def shards(self, stage: str) -> list[int]:
        """Numbers of the committed shards, ascending."""
        if self._memory is not None and self._memory.whole:
            return self._memory.list_shards(stage)
        return sorted(int(match[1]) for name in self.names(stage) if (match := RECORD_NAME.fullmatch(name)))

    def records(self, stage: str) -> Iterator[tuple[int, Record]]:
        """Every committed shard with its record, ascending, one at a time."""
        for shard in self.shards(stage):
            record = self.read_record(stage, shard)
            if record is not None:
                yield shard, record

    def heads(self, stage: str) -> Mapping[int, Record | SlimRecord]:
        """The records of all committed shards by number, as `read_head` gives them: to be looked at at once."""
        if self._memory is not None and self._memory.whole:
            return self._memory.find_all(stage)
        return dict(self.records(stage))

    def extras(self, stage: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every committed shard with the `extra` of its record, ascending: the ledgers need not be parsed for it."""
        heads = self.heads(stage)
        for shard in self.shards(stage):
            record = heads[shard]
            yield shard, record.parse_extra() if isinstance(record, SlimRecord) else record.extra

    def ledger(self, stage: str, shards: Sequence[int] | None = None) -> Ledger:
        """The sum over the committed shards, or over those of them that are named."""
        if self._memory is not None and self._memory.whole:
            return self._memory.add_up(stage, shards)
        total = Ledger()
        wanted = None if shards is None else set(shards)
        for shard, record in self.records(stage):
            if wanted is None or shard in wanted:
                total.add(Ledger.from_json(record.ledger))
        return total

    def part_name(self, stage: str, record: Record) -> str:
        return records.name_part(stage, record)

    def iterate_rows(self, stage: str, shard: int, *, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a committed shard as dicts, a few in memory at a time."""
        record = self.read_record(stage, shard)
        if record is None:
            raise BuildError(f"Shard {shard} of {stage} is missing: run the earlier stages first.")
        yield from self.iterate_file(self.part_name(stage, record), columns=columns, size=record.size)

    def iterate_file(
        self, name: str, *, columns: Sequence[str] | None = None, size: int | None = None
    ) -> Iterator[dict[str, Any]]:
        from docmatix.storage.parquet import read_rows

        return read_rows(self.store, name, columns=columns, size=size)

    def iterate_batches(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        at_once: int | None = None,
        size: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        from docmatix.storage.parquet import read_batches

        return read_batches(self.store, name, columns=columns, at_once=at_once, size=size)

    # --- what is remembered of records --------------------------------------------------------------------------------

    def remember(self) -> None:
        """From here on answer for records from memory, in which those of a stage are read once, all together: for a
        driver that holds the run."""
        if self._memory is None or not self._memory.whole:
            self._memory = RecordMemory(self.store, whole=True)

    def snapshot(self) -> Run:
        """This run as it is now, for one who looks: each record is read once. Itself, if it remembers them already."""
        if self._memory is not None and self._memory.whole:
            return self
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._memory = RecordMemory(self.store, whole=True)
        return other

    def note_record(self, stage: str, shard: int, record: Record, version: str | None = None) -> None:
        """Remember a record that was committed; nothing where none are remembered."""
        if self._memory is not None:
            self._memory.note(stage, shard, record, version)

    def forget_records(self, stage: str, shards: Iterable[int] | None = None) -> None:
        """Remember that records, by default all of a stage, were removed."""
        if self._memory is not None:
            self._memory.forget(stage, shards)

    def refresh_record(self, stage: str, shard: int) -> Record | None:
        """The record of a shard as it is in the store now, which is then remembered."""
        version = self.store.find_version(records.name_record(stage, shard))  # first: it must not be too new a one
        record = records.read_record(self.store, stage, shard)
        if record is None:
            self.forget_records(stage, [shard])
        else:
            self.note_record(stage, shard, record, version)
        return record

    def write_index(self, stage: str) -> None:
        """Leave what is remembered of a stage to later processes, in one file; only for a driver that holds the run. It
        is no loss if that fails."""
        if self._memory is not None and self._memory.whole:
            with contextlib.suppress(OSError, BuildError, RunRefused):
                self._memory.write_index(stage)

    def know(self, told: Iterable[Told]) -> None:
        """Remember what another process tells: a worker, which remembers nothing else, of its driver's records, and a
        driver of the record that its worker committed."""
        if self._memory is None:
            self._memory = RecordMemory(self.store, whole=False)
        self._memory.take(told)

    def untell(self, pairs: Iterable[tuple[str, int]] | None = None) -> None:
        """Forget what a worker was told of these shards, by default all of it."""
        if self._memory is not None:
            self._memory.drop(pairs)

    def tell(self, pairs: Iterable[tuple[str, int]]) -> list[Told]:
        """What is remembered of these shards, for another process; what is not, is left out."""
        memory = self._memory
        return [] if memory is None else [memory.tell(*pair) for pair in pairs if memory.knows(*pair)]

    def look_up_record(self, stage: str, shard: int) -> str | None:
        """The version of a shard's record, for `Store.replace`."""
        if (known := self._find_known(stage, shard)) is not None and (known[0] is None or known[0].version is not None):
            return known[0] and known[0].version
        return self.store.look_up(records.name_record(stage, shard))

    @contextlib.contextmanager
    def at_hand(self, pairs: Iterable[tuple[str, int]]) -> Iterator[None]:
        """For the length of the block, the records and the parts of these shards are on this machine, as far as they
        are committed: no store is asked for them."""
        sizes, noted = {}, []
        try:
            for stage, shard in pairs:
                if (known := self._find_known(stage, shard)) is None:
                    record = records.read_record(self.store, stage, shard)
                    noted.append((stage, shard))
                    if record is None:
                        self._hand.take([Told(stage, shard, None, None)])
                    else:
                        self._hand.note(stage, shard, record, None)
                    known = (self._hand.find(stage, shard),)
                if known[0] is not None:
                    sizes[records.name_part(stage, known[0])] = known[0].size
            with self.store.at_hand(sizes):
                yield
        finally:
            self._hand.drop(noted)

    def _find_known(self, stage: str, shard: int) -> tuple[SlimRecord | None] | None:
        """What is remembered of a shard: its record, or that there is none; None where nothing is."""
        for memory in (self._memory, self._hand):
            if memory is not None and memory.knows(stage, shard):
                return (memory.find(stage, shard),)
        return None

    # --- whose it is, and what is in it -------------------------------------------------------------------------------

    def find_owner(self, *, find_maker: Callable[[str], int | None] | None = None) -> str | None:
        """Another user, other than root, who owns a local run or a folder in it. `find_maker` gives the owner of a file
        made in a folder: a different user if the file system maps root, or everyone, to one."""
        if not self.local:
            return None
        own: set[int | None] = {os.geteuid(), 0}
        for folder in ("", *FOLDERS):
            try:
                owner = os.stat(self.path(folder), follow_symlinks=not folder).st_uid  # noqa: PTH116
            except OSError:
                continue
            if owner in own:
                continue
            own.add((find_maker or _find_maker)(self.root))
            if owner not in own:
                return _name_user(owner)
        return None

    def require_own(self, advice: str) -> None:
        """Raise SetupError, with what to do instead, if a local run belongs to another user."""
        if (owner := self.find_owner()) is not None:
            raise SetupError(
                f"The run directory {self.url} belongs to another user ({owner}), whose files would be taken for"
                f" yours: {advice}"
            )

    def find_strange(self) -> Iterator[str]:
        """A sentence for everything in a local run but regular files and folders: links, pipes, devices."""
        if not self.local:
            return
        for name in (*SINGLE, *STAGES, "dataset", "telemetry"):
            yield from self._find_strange_below(name, may_be_folder=name not in SINGLE)

    def _find_strange_below(self, name: str, *, may_be_folder: bool = True) -> Iterator[str]:
        try:
            mode = os.lstat(self.path(name)).st_mode
        except FileNotFoundError:
            return
        if not (may_be_folder and stat.S_ISDIR(mode)):
            if not stat.S_ISREG(mode):
                yield str(self.store.refuse(name, describe_kind(mode)))
            return
        with os.scandir(self.path(name)) as entries:
            below = sorted(entry.name for entry in entries if not entry.is_file(follow_symlinks=False))
        for each in below:
            yield from self._find_strange_below(f"{name}/{each}")

    # --- tidying, while the lock is held ------------------------------------------------------------------------------

    def sweep(self, stages: Sequence[str] = STAGES) -> list[str]:
        """Remove files that no commit record of `stages`, which must be complete, names; returns their names. Only
        regular files with names that docmatix gives; others are reported. Replies are never removed: they were paid
        for, and the next run with their prompt uses them."""
        stray: list[str] = []
        for stage in stages:
            listed = self.store.list_files(stage, described=RECORD_NAME)
            if self._memory is not None and self._memory.whole:
                self._memory.compare(stage, listed)
            named = list_beside_parts(stage)
            for shard, record in self.heads(stage).items():
                named |= {f"part-{shard:05d}.json", posixpath.basename(record.file)}
            stray += [f"{stage}/{name}" for name in sorted(listed) if name not in named]
            if "replies" in listed:
                below = self.store.list_below(f"{stage}/replies")
                stray += [f"{stage}/replies/{name}" for name in below if name.endswith(".tmp")]
        packed = {posixpath.basename(record.file) for record in self.heads(PACK).values()}
        stray += [f"dataset/data/{name}" for name in self.names("dataset/data") if name not in packed]
        beside = [*(f"dataset/{name}" for name in self.names("dataset")), *self.names("")]
        stray += [name for name in beside if name.endswith(".tmp") and is_own(name)]
        removed = [name for name in stray if self._may_sweep(name)]
        self.remove(*removed)
        self.store.abort_uploads()
        left = set(stray).difference(removed)
        self.store.report_left([name for name in stray if name in left])
        return removed

    def sweep_asides(self) -> None:
        """Remove what killed workers were writing: after a full disk the next run may need the room."""
        for folder in [*STAGES, "dataset"]:
            asides = [f"{folder}/{name}" for name in self.names(folder) if name.startswith(".")]
            self.remove(*filter(self._may_sweep, asides))

    def _may_sweep(self, name: str) -> bool:
        return is_own(name) and self.store.is_plain(name)

    # --- the lock -----------------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether a driver is at work here."""
        return is_held(self.store)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for the length of the block. Raises SetupError if another driver holds it."""
        if not self.local:
            with hold(self.store, lease_s=self.lease_s):
                yield
            return
        folder = Path(self.root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"The run directory {self.url} cannot be created: {error.strerror}.") from None
        for name in FOLDERS:
            self.store.check_folder(name)
        with hold(self.store, lease_s=self.lease_s):
            try:
                self.sweep_asides()
                yield
            finally:
                # a command that was wrong leaves nothing behind; one that is refused must leave the holder's lock
                if [path.name for path in folder.iterdir()] == [LOCK]:
                    (folder / LOCK).unlink()
                    with contextlib.suppress(NotADirectoryError):  # a link that the user named
                        folder.rmdir()


def _find_maker(folder: str) -> int | None:
    """The owner of a file that this process makes in a folder; None where it may make none."""
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as stream:
        return os.fstat(stream.fileno()).st_uid
    return None


def _name_user(number: int) -> str:
    import pwd

    try:
        return f"{pwd.getpwuid(number).pw_name}, {number}"
    except KeyError:
        return str(number)
