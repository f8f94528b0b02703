"""The run directory: files that appear whole or not at all, and the commit records that make a shard exist.

    RUN/STAGE/part-00017-3fa9c1d2.parquet   one shard, named by its content
    RUN/STAGE/part-00017.json               its commit record, created last

A shard without its record does not exist. Two workers that race on one shard cannot mix their files, since the record
names its file by content. RUN may be any fsspec URL: on a local disk a file is written aside, flushed and renamed; an
object store shows an upload only when it is complete.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import posixpath
import re
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.errors import BuildError, SetupError, StorageFailed
from docmatix.ledger import Ledger

STAGES = ("plan", "extract", "dedup", "generate", "verify", "curate", "pack")
_PART = re.compile(r"part-(\d{5,})(?:-[0-9a-f]{8})?\.(?:json|parquet)")
_LEASE_S = 120.0
"""A remote lock that was not renewed for this long belongs to a dead driver; it is renewed four times as often."""


@dataclass(frozen=True, slots=True)
class Record:
    """The commit record of one shard.

    `inputs` are the sha256 of the parts it was made from: a shard is current only if they still are.
    `extra` holds what the next stage needs without opening the file (counts), and `replies` names reply files.
    """

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
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Record:
        fields = json.loads(content)
        return cls(size=fields.pop("bytes"), **{**fields, "inputs": tuple(fields["inputs"])})


class RunDirectory:
    """One build's files. Cheap to make and to pickle; every path given is relative to the run."""

    def __init__(self, url: str | Path) -> None:
        self.url = str(url)
        try:
            # no listing cache: other processes write what this one lists
            options = {"use_listings_cache": False} if "://" in self.url else {}
            self.fs, root = fsspec.core.url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:
            raise SetupError(f"The run directory {self.url} cannot be used: {error}.") from None
        self.local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,))
        self.root = str(Path(root).absolute()) if self.local else root.rstrip("/")
        self.lost = threading.Event()
        """Set once another driver holds the run: a remote lease can be lost, a local lock cannot."""

    def __reduce__(self) -> tuple[type[RunDirectory], tuple[str]]:
        return RunDirectory, (self.root if self.local else self.url,)

    def path(self, name: str) -> str:
        """The address of a file of the run, for `fs` or (local) for `open`."""
        return posixpath.join(self.root, name)

    def require_reachable(self) -> None:
        """Raise SetupError if the filesystem cannot be asked at all (no credentials, no network, no such host)."""
        try:
            self.fs.exists(self.root)
        except Exception as error:
            raise SetupError(f"{self.url} cannot be reached: {type(error).__name__}: {error}.") from None

    def exists(self, name: str) -> bool:
        return bool(self.fs.exists(self.path(name)))

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            return int(self.fs.size(self.path(name)))
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        return bytes(self.fs.cat_file(self.path(name)))

    def open(self, name: str) -> IO[bytes]:
        """A file to read from, with seeking."""
        stream: IO[bytes] = self.fs.open(self.path(name), "rb")
        return stream

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Write a small file, whole or not at all. One that is not `durable` may be lost with the machine's power."""
        with self.writing(posixpath.dirname(name)) as pending:
            pending.write(content)
            pending.publish(name, durable=durable)

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[PendingFile]:
        """A file written aside in `folder`; the block gives it its name by `publish`, or it never appears."""
        pending = PendingFile(self, folder)
        try:
            yield pending
        finally:
            pending.discard()

    def names(self, folder: str) -> list[str]:
        """Names of the files right in a folder, sorted; an absent folder has none."""
        try:
            found = self.fs.ls(self.path(folder), detail=False, refresh=True)
        except TypeError:
            found = self.fs.ls(self.path(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(posixpath.basename(str(item).rstrip("/")) for item in found)

    def remove(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self.fs.rm(self.path(name), recursive=True)

    # --- shards -------------------------------------------------------------------------------------------------------

    def read_record(self, stage: str, shard: int) -> Record | None:
        try:
            return Record.from_json(self.read(f"{stage}/part-{shard:05d}.json"))
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError):
            raise BuildError(
                f"The commit record {stage}/part-{shard:05d}.json is damaged: remove it, and the same command does the"
                " shard again."
            ) from None

    def write_record(self, stage: str, shard: int, record: Record) -> None:
        self.write(f"{stage}/part-{shard:05d}.json", record.to_json())

    def shards(self, stage: str) -> list[int]:
        """Numbers of the committed shards, ascending."""
        names = [match for name in self.names(stage) if (match := _PART.fullmatch(name)) and name.endswith(".json")]
        return sorted(int(match[1]) for match in names)

    def records(self, stage: str) -> Iterator[tuple[int, Record]]:
        """Every committed shard with its record, ascending, one at a time."""
        for shard in self.shards(stage):
            record = self.read_record(stage, shard)
            if record is not None:
                yield shard, record

    def ledger(self, stage: str) -> Ledger:
        """The sum over the committed shards."""
        total = Ledger()
        for _, record in self.records(stage):
            total.add(Ledger.from_json(record.ledger))
        return total

    def part_name(self, stage: str, record: Record) -> str:
        return record.file if stage == "pack" else f"{stage}/{record.file}"

    def iterate_rows(self, stage: str, shard: int, *, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a committed shard as dicts, a few in memory at a time."""
        record = self.read_record(stage, shard)
        if record is None:
            raise BuildError(f"Shard {shard} of {stage} is not there: run the earlier stages first.")
        yield from self.iterate_file(self.part_name(stage, record), columns=columns)

    def iterate_file(self, name: str, *, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        with self.open(name) as stream, pq.ParquetFile(stream) as parquet:
            size = _choose_batch_size(parquet)
            for batch in parquet.iter_batches(batch_size=size, columns=columns, use_threads=False):
                yield from batch.to_pylist()

    # --- tidying ------------------------------------------------------------------------------------------------------

    def sweep(self, stages: Sequence[str] = STAGES) -> list[str]:
        """Remove what no commit record names (leftovers of killed workers, superseded parts); returns their names.

        Only inside the folders that docmatix owns, only of `stages`, which must be complete, and only while the lock is
        held. Replies are never removed: those that no record names were paid for too, and the next run with their
        prompt takes them up.
        """
        stray: list[str] = []
        for stage in stages:
            named: set[str] = set()
            for shard, record in self.records(stage):
                named |= {f"part-{shard:05d}.json", posixpath.basename(record.file)}
            stray += [f"{stage}/{name}" for name in self.names(stage) if name not in named | {"replies"}]
            for folder in self.names(f"{stage}/replies"):
                found = [f"{folder}/{name}" for name in self.names(f"{stage}/replies/{folder}")]
                stray += [f"{stage}/replies/{name}" for name in found if name.endswith(".tmp")]
        packed = {posixpath.basename(record.file) for _, record in self.records("pack")}
        stray += [f"dataset/data/{name}" for name in self.names("dataset/data") if name not in packed]
        stray += [f"dataset/{name}" for name in self.names("dataset") if name.startswith(".") and name.endswith(".tmp")]
        stray += [name for name in self.names("") if name.startswith(".") and name.endswith(".tmp")]
        self.remove(*stray)
        return stray

    # --- the lock -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: one driver at a time, and a dead driver holds nothing. Raises SetupError if it is held."""
        if not self.local:
            with _leased(self):
                yield
            return
        folder = Path(self.root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"The run directory {self.url} cannot be made: {error.strerror}.") from None
        with _flocked(folder / ".lock", self.url):
            try:
                yield
            finally:
                # a command that was wrong leaves nothing behind; one that is refused must leave the holder's lock
                if [path.name for path in folder.iterdir()] == [".lock"]:
                    (folder / ".lock").unlink()
                    folder.rmdir()


BATCH_BYTES = 4 << 20
MOST_IN_A_BATCH = 256


def _choose_batch_size(parquet: pq.ParquetFile) -> int:
    """Rows to read at once: as many as hold `BATCH_BYTES` on average. Where the processor has done something else since
    the last batch, one costs 1.4 ms before its first row: 16 rows at a time took 0.1 ms each."""
    facts = parquet.metadata
    payload: int = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    rows: int = facts.num_rows
    return max(1, min(MOST_IN_A_BATCH, BATCH_BYTES * rows // max(1, payload)))


class PendingFile:
    """A file being written aside. `write` it, then `publish` it under its final name."""

    def __init__(self, run: RunDirectory, folder: str) -> None:
        self.run = run
        beside = Path(run.path(folder)) if run.local else Path(tempfile.gettempdir())
        with storage_errors(run.url):
            beside.mkdir(parents=True, exist_ok=True)
        self._aside = beside / f".{uuid.uuid4().hex}.tmp"
        self._stream: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._discarded = False
        self.bytes = 0

    def write(self, content: bytes) -> int:
        if self._discarded:  # a Parquet writer that was given up writes its footer when it is collected
            return memoryview(content).nbytes
        self._hash.update(content)
        self.bytes += memoryview(content).nbytes
        with storage_errors(self.run.url):
            if self._stream is None:
                self._stream = self._aside.open("wb")
            return self._stream.write(content)

    # what pyarrow asks of a file to write to
    closed = False

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()

    def tell(self) -> int:
        return self.bytes

    def close(self) -> None:
        return None

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def publish(self, name: str, *, durable: bool = True) -> None:
        """Make the file appear under `name`, a path relative to the run."""
        if self._stream is None:
            raise ValueError("nothing was written")
        target = self.run.path(name)
        with storage_errors(self.run.url):
            self._stream.flush()
            if durable:
                os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None
            if self.run.local:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self._aside.replace(target)
            else:
                self.run.fs.put_file(str(self._aside), target)

    def discard(self) -> None:
        self._discarded = True
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        with contextlib.suppress(OSError):
            self._aside.unlink(missing_ok=True)


class ShardWriter:
    """Rows of one shard into one Parquet file whose row groups are bounded by bytes.

    Rows are buffered until `row_group_bytes` of payload and then written as one row group: a reader must load a row
    group whole, and over 2 GiB in one nested column it writes without error and cannot be read back (Ray #29492).
    """

    def __init__(
        self,
        pending: PendingFile,
        schema: pa.Schema,
        *,
        row_group_bytes: int = 16 << 20,
        for_images: bool = False,
    ) -> None:
        self._pending, self._schema, self._bound = pending, schema, row_group_bytes
        # images: no dictionary (they never repeat), and chunks cut by content, so that the Hub stores a page that two
        # versions of a dataset share only once
        options = {"use_dictionary": False, "use_content_defined_chunking": True} if for_images else {}
        self._parquet = pq.ParquetWriter(
            pa.PythonFile(pending, mode="w"), schema, compression="zstd", write_page_index=True, **options
        )
        self._rows: list[Mapping[str, Any]] = []
        self._buffered = 0
        self.rows = 0

    def add(self, row: Mapping[str, Any], *, size: int | None = None) -> None:
        """Buffer a row; `size` is its payload in bytes, counted from the row where it is not given."""
        size = _payload_bytes(row) if size is None else size
        if self._rows and self._buffered + size > self._bound:
            self._flush()
        self._rows.append(row)
        self._buffered += size
        self.rows += 1

    def close(self) -> None:
        if self._rows or not self.rows:
            self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        table = pa.Table.from_pylist(self._rows, schema=self._schema)
        self._parquet.write_table(table, row_group_size=max(1, len(self._rows)))
        self._rows, self._buffered = [], 0


@contextlib.contextmanager
def committing(
    run: RunDirectory,
    stage: str,
    shard: int,
    *,
    schema: pa.Schema,
    fingerprint: str,
    ledger: Ledger,
    inputs: Sequence[str] = (),
    extra: dict[str, Any] | None = None,
) -> Iterator[ShardWriter]:
    """Write a shard; when the block ends well, publish its file under its content's name, then its record.

    `ledger` and `extra` are read at the end, so the block may fill them.
    """
    with run.writing(stage) as pending:
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
        commit(run, stage, shard, pending, record)


def commit(run: RunDirectory, stage: str, shard: int, pending: PendingFile, record: Record) -> None:
    """Publish a shard's file, then its record. Raises LedgerError, and publishes nothing, if its ledger is off."""
    Ledger.from_json(record.ledger).require_balance(f"{stage} (shard {shard})")
    pending.publish(run.part_name(stage, record))
    run.write_record(stage, shard, record)


@contextlib.contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Turn the operating system's refusal to write into StorageFailed, in a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise StorageFailed(
                f"The disk that holds {url} is full: free some space and run the same command again; nothing that was"
                " committed is lost."
            ) from error
        if error.errno in (
            errno.EACCES,
            errno.EROFS,
            errno.EPERM,
            errno.EDQUOT,
            errno.EIO,
            errno.ENOTDIR,
            errno.EEXIST,
        ):
            raise StorageFailed(f"The run directory {url} cannot be written: {error.strerror}.") from error
        raise


def _payload_bytes(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value) + 4
    if isinstance(value, Mapping):
        return sum(map(_payload_bytes, value.values()))
    if isinstance(value, (list, tuple)):
        # numbers dominate the long lists (boxes): counting the first item for all is close and 20 times faster
        if value and isinstance(value[0], (int, float)):
            return 8 * len(value)
        return sum(map(_payload_bytes, value))
    return 8


@contextlib.contextmanager
def _flocked(path: Path, url: str) -> Iterator[None]:
    import fcntl

    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise SetupError(f"The run {url} is held by {holder}: wait for it, or give another --run.") from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        yield


@contextlib.contextmanager
def _leased(run: RunDirectory) -> Iterator[None]:
    """A lease for object stores, which have no locks: renewed while held, and dead when no longer renewed."""
    mine = uuid.uuid4().hex
    stop = threading.Event()

    def renew() -> None:
        run.write(
            ".lock",
            json.dumps({"holder": mine, "host": socket.gethostname(), "until": time.time() + _LEASE_S}).encode(),
        )

    def held_by() -> dict[str, Any] | None:
        try:
            lease: dict[str, Any] = json.loads(run.read(".lock"))
        except (FileNotFoundError, ValueError):
            return None
        return lease if lease["until"] > time.time() else None

    def keep(every_s: float) -> None:
        while not stop.wait(every_s):
            # a driver that slept past its lease must not take it back from the one that holds it now
            with contextlib.suppress(Exception):
                if (now := held_by()) is not None and now["holder"] == mine:
                    renew()
                elif now is not None:
                    run.lost.set()
                    return

    if (other := held_by()) is not None:
        raise SetupError(
            f"The run {run.url} is held by a driver on {other['host']}: wait for it, or give another --run."
        )
    renew()
    if (now := held_by()) is None or now["holder"] != mine:
        raise SetupError(f"The run {run.url} was taken by another driver at the same moment.")
    renewer = threading.Thread(target=keep, args=(_LEASE_S / 4,), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        if not run.lost.is_set():
            run.remove(".lock")
