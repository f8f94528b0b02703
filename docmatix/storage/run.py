"""The run directory: files that appear whole or not at all, and the commit records that make a shard exist.

    RUN/STAGE/part-00017-3fa9c1d2.parquet   one shard, named by its content
    RUN/STAGE/part-00017.json               its commit record, created last

A shard without its record does not exist. Two workers that race on one shard cannot mix their files, since the record
names its file by content. RUN may be any fsspec URL: on a local disk a file is written aside, flushed and renamed; an
object store shows an upload only when it is complete. There, where the store has conditional writes, a record replaces
only the one that its worker saw when it began: of two workers the first one's stands.

What fails on the way to an object store is tried again, for `limits.store_patience_s`.

A run directory may come from anybody. On a disk RUN itself may be a link, since it is the user's word; below it none is
followed, neither to read nor to write nor to remove, and what is no regular file is not opened. Hard links need no
such care: files are replaced by renaming, so another name of the old one keeps its content, and the lock alone, which
is written in place, is left as it is where it has another name.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import io
import json
import os
import posixpath
import re
import shutil
import socket
import stat
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

import fsspec
import psutil  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.errors import BuildError, RunRefused, SetupError, StorageFailed
from docmatix.core.ledger import Ledger
from docmatix.core.process_space import find_process_space
from docmatix.core.redaction import hide_in_url
from docmatix.pipeline import PACK, STAGES
from docmatix.storage import scratch
from docmatix.storage.bombs import check_footer
from docmatix.storage.errors import (
    describe,
    describe_expiry,
    describe_full,
    explain_setup,
    has_expired,
    is_overtaken,
    read_code,
    storage_errors,
)
from docmatix.storage.filesystems import choose_options
from docmatix.storage.parquet_rows import iterate_batches
from docmatix.storage.patience import PATIENCE_S, Attempts, Patience, keep_trying, log_outage, require_answer
from docmatix.storage.plain_files import NotPlain, describe_kind, open_plain
from docmatix.storage.run_files import FOLDERS, SINGLE, find_foreign_name, is_own

T = TypeVar("T")


_PART = re.compile(r"part-(\d{5,})(?:-[0-9a-f]{8})?\.(?:json|parquet)")
_LEASE_S = 120.0
"""A remote lock that was not renewed for this long belongs to a dead driver; it is renewed four times as often."""
_GIVEN_UP_FOR_S = 30.0
"""A store that stayed unreachable is not asked again for this long."""
_LEFT_TOLD = 5
"""Of what is left in place, so many are named."""
_S3 = frozenset({"s3", "s3a"})
_CONDITIONAL = _S3 | {"gs", "gcs", "memory"}
"""Protocols whose fsspec filesystems can be told to create a file only where there is none (`mode="create"`)."""


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
        content["seal"] = _seal(content)
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Record:
        """Raises ValueError, LookupError, TypeError or RecursionError for a record that is damaged."""
        fields = json.loads(content)
        seal = fields.pop("seal", None)  # earlier versions wrote none
        if seal is not None and seal != _seal(fields):
            raise ValueError("its content is not what was sealed")
        record = cls(size=fields.pop("bytes"), **{**fields, "inputs": tuple(fields["inputs"])})
        kinds = (record.file, str), (record.rows, int), (record.size, int), (record.sha256, str)
        if not all(isinstance(value, kind) for value, kind in (*kinds, (record.ledger, list), (record.extra, dict))):
            raise TypeError("a field has the wrong type")
        return record


def _seal(content: Mapping[str, Any]) -> str:
    """A hash of a record's content, by which a flipped bit shows in what no other check would miss, such as a count."""
    plain = json.loads(json.dumps(content))  # keys that are numbers become text, and are then sorted as such
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


class RunDirectory:
    """One build's files. Cheap to make and to pickle; every path given is relative to the run."""

    def __init__(
        self,
        url: str | Path,
        *,
        patience_s: float = PATIENCE_S,
        say: Callable[[str], object] = log_outage,
        sleep: Callable[[float], object] = time.sleep,
        follow_links: bool = False,
    ) -> None:
        """An object store that is away is tried for `patience_s` seconds, and `say` is told of it; to another process
        only the address and the patience go. `follow_links` is for folders that hold no run, such as the Hub's cache.
        Raises SetupError for an address that nobody can open.
        """
        self.url = str(url)
        self._follow_links = follow_links
        self._real_folders: set[str] = set()
        """Folders that are known to be no links: whoever may put one in their place meanwhile may do anything here."""
        self._patience = Patience(limit_s=patience_s, say=say, sleep=sleep)
        protocol = self.url.partition("://")[0]
        remote = "://" in self.url
        try:
            self.fs, root = fsspec.core.url_to_fs(self.url, **(choose_options(protocol) if remote else {}))
        except (ImportError, ValueError) as error:
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be used: {error}.") from None
        self._protocols = {self.fs.protocol} if isinstance(self.fs.protocol, str) else set(self.fs.protocol)
        self.local = "file" in self._protocols
        self.root = str(Path(root).absolute()) if self.local else root.rstrip("/")
        if not self.local and re.search(r"[*?\[]", self.root):
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be used: give it a name without *?[.")
        self.lost = threading.Event()
        """Set once another driver holds the run: a remote lease can be lost, a local lock cannot."""
        self.lease_s = _LEASE_S
        self._given_up: tuple[float, str] | None = None

    def __reduce__(self) -> tuple[Callable[[str], RunDirectory], tuple[str]]:
        make = functools.partial(RunDirectory, patience_s=self._patience.limit_s, follow_links=self._follow_links)
        return make, (self.root if self.local else self.url,)

    def path(self, name: str) -> str:
        """The address of a file of the run, for `fs` or (local) for `open`."""
        return posixpath.join(self.root, name)

    def require_reachable(self) -> None:
        """Raise SetupError if the filesystem cannot be asked at all (no credentials, no such bucket; within seconds, if
        it says nothing: a wrong address, no network)."""
        if self.local:
            return
        require_answer(self.fs, self.root, url=self.url, patience=self._patience)
        try:
            # a listing: of a missing bucket, and of credentials that it refuses, S3 says more to that than to a HEAD
            self.names("")
        except Exception as error:
            said = str(error) if isinstance(error, StorageFailed) else describe(error)
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be reached: {said}") from None

    def exists(self, name: str) -> bool:
        """Whether there is a file or a folder; a link is something that is there, and is refused when it is read."""
        if self.local:
            with contextlib.suppress(OSError):
                return self._look(name) is not None
            return False
        return bool(self._try_hard(lambda: self.fs.exists(self.path(name))))

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        if self.local:
            with storage_errors(self.url):
                status = self._look(name)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise self.refuse(name, describe_kind(status.st_mode))
            return None if status is None else status.st_size
        try:
            return int(self._try_hard(lambda: self.fs.size(self.path(name))))
        except FileNotFoundError:
            return None

    def read(self, name: str, *, patient: bool = True) -> bytes:
        if self.local:
            with storage_errors(self.url), self._open_local(name) as stream:
                return stream.read()
        # one request: s3fs asks for the size first, to read large files in several parts at once
        options = {"max_concurrency": 1} if self._protocols & _S3 else {}
        return bytes(self._try_hard(lambda: self.fs.cat_file(self.path(name), **options), patient=patient))

    def read_several(self, names: Sequence[str]) -> dict[str, bytes]:
        """Small files by name, from an object store many at once; those that cannot be read now are left out."""
        found = {}
        if self.local:
            for name in names:
                with contextlib.suppress(OSError, StorageFailed):
                    found[name] = self.read(name)
        elif names:
            options = {"max_concurrency": 1} if self._protocols & _S3 else {}
            paths = {self.path(name): name for name in names}
            with contextlib.suppress(OSError, StorageFailed):
                contents = self._try_hard(lambda: self.fs.cat(list(paths), on_error="omit", **options), patient=False)
                found = {paths[path]: bytes(content) for path, content in contents.items() if path in paths}
        return found

    def open(self, name: str) -> IO[bytes]:
        """A file to read from, with seeking."""
        if self.local:
            with storage_errors(self.url):
                return self._open_local(name)
        stream: IO[bytes] = self._try_hard(lambda: self.fs.open(self.path(name), "rb"))
        return io.BufferedReader(_PatientFile(stream, self._try_hard))

    # --- on a disk ----------------------------------------------------------------------------------------------------

    def check_folder(self, folder: str) -> None:
        """Raise RunRefused if a folder, or one that it lies in, leads out of the run. Looks once at each."""
        if not self.local or folder in self._real_folders or not folder:
            return
        if folder.startswith("/") or ".." in folder.split("/"):
            raise self.refuse(folder, "a way out of it")
        self.check_folder(posixpath.dirname(folder))
        try:
            mode = os.stat(self.path(folder), follow_symlinks=self._follow_links).st_mode  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(mode):
            self._real_folders.add(folder)
        elif not stat.S_ISREG(mode):  # of a file in its place the system speaks for itself
            raise self.refuse(folder, describe_kind(mode))

    def make_folder(self, folder: str) -> str:
        """The path of a folder of a local run, which is made where it is not there."""
        path = self.path(folder).rstrip("/") or "/"
        with storage_errors(self.url):
            self.check_folder(folder)
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 -- `Path` would take 20 times as long
        return path

    def _look(self, name: str) -> os.stat_result | None:
        self.check_folder(posixpath.dirname(name))
        try:
            return os.stat(self.path(name), follow_symlinks=self._follow_links or not name)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _open_local(self, name: str) -> IO[bytes]:
        self.check_folder(posixpath.dirname(name))
        try:
            return os.fdopen(open_plain(self.path(name), follow_links=self._follow_links), "rb")
        except NotPlain as other:
            raise self.refuse(name, other.kind) from None

    def refuse(self, name: str, kind: str) -> RunRefused:
        """What is raised for a file that is something else (`a link`)."""
        return RunRefused(
            f"{name} in the run directory {self.url} is {kind}, which docmatix neither puts there nor follows: remove"
            " it, or put the file or folder itself in its place."
        )

    def find_strange(self) -> Iterator[str]:
        """What of a local run is neither a regular file nor a folder, a sentence for each: links, pipes, devices."""
        if not self.local:
            return
        for name in SINGLE:
            with contextlib.suppress(FileNotFoundError):
                mode = os.lstat(self.path(name)).st_mode
                if not stat.S_ISREG(mode):
                    yield str(self.refuse(name, describe_kind(mode)))
        for folder in (*STAGES, "dataset", "telemetry"):
            yield from self._find_strange_below(folder)

    def _find_strange_below(self, name: str) -> Iterator[str]:
        try:
            mode = os.lstat(self.path(name)).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            if not stat.S_ISREG(mode):
                yield str(self.refuse(name, describe_kind(mode)))
            return
        with os.scandir(self.path(name)) as entries:
            below = sorted(entry.name for entry in entries if not entry.is_file(follow_symlinks=False))
        for each in below:
            yield from self._find_strange_below(f"{name}/{each}")

    def find_owner(self, *, find_maker: Callable[[str], int | None] | None = None) -> str | None:
        """Another user whom a local run, or a folder in it, belongs to; None where there is none, or it is root.

        `find_maker` gives the owner of a file that is made in a folder: not ourselves where a file system takes root
        for nobody, or gives everything to one user.
        """
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
                f"The run directory {self.url} belongs to another user ({owner}), who could put there what is then"
                f" taken for yours: {advice}"
            )

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Write a small file, whole or not at all. One that is not `durable` may be lost with the machine's power."""
        if not self.local:
            self._require_held()
            self._try_hard(lambda: self.fs.pipe_file(self.path(name), content), writing=True, patient=durable)
            return
        with self.writing(posixpath.dirname(name)) as pending:
            pending.write(content)
            pending.publish(name, durable=durable)

    def look_up(self, name: str) -> str | None:
        """The version of a file of an object store, for `replace`; None where there is none, or on a disk."""
        if self.local:
            return None
        try:
            facts = self._try_hard(lambda: self.fs.info(self.path(name)))
        except FileNotFoundError:
            return None
        return str(facts.get("ETag") or "there")

    def replace(self, name: str, content: bytes, *, seen: str | None, patient: bool = True) -> str | None:
        """Write a small file of an object store if it still is the version `seen` (None: if there is none); returns its
        new version. Raises `Overtaken` if it is not.

        Where the store has no conditional writes, the file is written whatever is there.
        """
        options: dict[str, Any] = {}
        if seen is None and self._protocols & _CONDITIONAL:
            options = {"mode": "create"}
        elif seen is not None and self._protocols & _S3:
            options = {"IfMatch": seen}

        def put() -> Any:
            try:
                return self.fs.pipe_file(self.path(name), content, **options)
            except OSError as error:
                if not options or read_code(error) not in ("NotImplemented", "501"):
                    raise
                return self.fs.pipe_file(self.path(name), content)

        try:
            done = self._try_hard(put, writing=True, patient=patient)
        except Overtaken:
            # the answer to our own write may have been lost, and the write tried again
            if self._find(name) != content:
                raise
            return self.look_up(name)
        return str(done["ETag"]) if isinstance(done, dict) and "ETag" in done else self.look_up(name)

    def _find(self, name: str) -> bytes | None:
        try:
            return self.read(name)
        except FileNotFoundError:
            return None

    def _try_hard(self, action: Callable[[], T], *, writing: bool = False, patient: bool = True) -> T:
        """The result of `action`, which on an object store is tried again while the way there fails.

        Raises FileNotFoundError for a file that is not there, `Overtaken` where a conditional write came second,
        StorageFailed for everything else.
        """
        if self.local:
            with storage_errors(self.url):
                return action()
        url = hide_in_url(self.url)
        # what a build does as it ends must not wait for a store that was just given up, once for each file
        if self._given_up is not None and time.monotonic() < self._given_up[0]:
            raise StorageFailed(self._given_up[1])
        attempts = Attempts(url, self._patience)

        def judge(error: Exception) -> None:
            if is_overtaken(error):
                raise Overtaken(url) from error
            if (advice := explain_setup(error)) is not None:
                raise StorageFailed(f"{url} cannot be used, {advice} ({describe(error)}).") from error
            if has_expired(error):
                raise StorageFailed(describe_expiry(url, error)) from error
            # of a write it is an upload in parts that went away with the connection
            if isinstance(error, (FileNotFoundError, NotADirectoryError)) and not writing:
                raise error
            if isinstance(error, FileNotFoundError) and read_code(error) in ("NoSuchKey", "404"):
                raise Overtaken(url) from error  # what was to be replaced is gone
            if isinstance(error, PermissionError):
                done = "written" if writing else "read"
                raise StorageFailed(f"{url} may not be {done} by these credentials: {describe(error)}.") from error
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StorageFailed(describe_full(url, url)) from error
            if not patient:
                raise give_up(error) from error

        def give_up(error: Exception) -> StorageFailed:
            said = attempts.describe_outage(error)
            if patient:
                self._given_up = time.monotonic() + _GIVEN_UP_FOR_S, said
            return StorageFailed(said)

        return keep_trying(action, attempts, judge=judge, give_up=give_up)

    def _require_held(self) -> None:
        if self.lost.is_set():
            raise BuildError(f"Another driver has taken the run {hide_in_url(self.url)} over; this one stops.")

    def upload(self, path: Path, name: str) -> None:
        """Put a file of this machine where `name` is, whole or not at all."""
        self._require_held()
        self._try_hard(lambda: self.fs.put_file(str(path), self.path(name)), writing=True)

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
        path = self.path(folder).rstrip("/")
        if self.local:
            with storage_errors(self.url):
                self.check_folder(folder)
                try:
                    return sorted(os.listdir(path or "/"))  # noqa: PTH208
                except (FileNotFoundError, NotADirectoryError):
                    return []
        try:
            found = self._try_hard(lambda: self.fs.ls(path, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []
        # object stores list the marker of a folder that was made by hand, as if it were a file in it
        listed = (str(item).rstrip("/") for item in found)
        return sorted(posixpath.basename(item) for item in listed if item.strip("/") != path.strip("/"))

    def remove(self, *names: str) -> None:
        """Remove files, and folders with what is docmatix's in them: on a disk regular files of its own names alone;
        others stay, and are told of."""
        left: list[str] = []
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                if not self.local:
                    self._remove_objects(self.path(name))
                    continue
                with storage_errors(self.url):
                    status = self._look(name)
                    if status is None:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        left += self._remove_folder(name)
                    elif stat.S_ISREG(status.st_mode):
                        os.unlink(self.path(name))  # noqa: PTH108
                    else:
                        raise self.refuse(name, describe_kind(status.st_mode))
        self._tell_left(left)

    def _remove_folder(self, folder: str) -> list[str]:
        """Remove a local folder as far as it is docmatix's; returns what was left in it."""
        left = []
        with os.scandir(self.path(folder)) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                left += self._remove_folder(name)
            elif entry.is_file(follow_symlinks=False) and is_own(name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)  # noqa: PTH108
            else:
                left.append(name)
        if not left:
            self._real_folders.discard(folder)
            os.rmdir(self.path(folder))  # noqa: PTH106
        return left

    def _tell_left(self, left: Sequence[str]) -> None:
        if left:
            more = f" and {len(left) - _LEFT_TOLD} more" if len(left) > _LEFT_TOLD else ""
            told = ", ".join(left[:_LEFT_TOLD])
            self._patience.say(f"left alone in the run directory, since it is not docmatix's: {told}{more}")

    def _remove_objects(self, path: str) -> None:
        def remove() -> None:
            found = self.fs.find(path)
            if found:
                self.fs.rm(found)
            # S3 says of each file of such an order whether it is gone, and s3fs does not listen
            if found and self.fs.find(path):
                raise ConnectionError("some files are still there after they were removed")

        self._try_hard(remove)

    # --- shards -------------------------------------------------------------------------------------------------------

    def read_record(self, stage: str, shard: int) -> Record | None:
        try:
            record = Record.from_json(self.read(f"{stage}/part-{shard:05d}.json"))
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise BuildError(
                f"The commit record {stage}/part-{shard:05d}.json is damaged: remove it, and the same command does the"
                " shard again."
            ) from None
        if (foreign := find_foreign_name(stage, record.file, record.extra)) is not None:
            raise BuildError(
                f"The commit record {stage}/part-{shard:05d}.json names {foreign[:200]!r}, which is no file of its"
                " stage: remove it, and the same command does the shard again."
            )
        return record

    def write_record(self, stage: str, shard: int, record: Record) -> None:
        self.write(f"{stage}/part-{shard:05d}.json", record.to_json())

    def replace_record(self, stage: str, shard: int, record: Record, *, seen: str | None) -> None:
        """Write a record, on S3 only in place of the version `seen`. Where another worker has committed the same work
        meanwhile, its record stands: later stages may have begun with it."""
        if not self._protocols & _S3:
            self.write_record(stage, shard, record)
            return
        try:
            self.replace(f"{stage}/part-{shard:05d}.json", record.to_json(), seen=seen)
        except Overtaken:
            other = self.read_record(stage, shard)
            if other is None or (other.fingerprint, other.inputs) != (record.fingerprint, record.inputs):
                raise BuildError(
                    f"Shard {shard} of {stage} was committed by another driver meanwhile: have one driver at a time,"
                    " and run the same command again."
                ) from None

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
        return record.file if stage == PACK else f"{stage}/{record.file}"

    def iterate_rows(self, stage: str, shard: int, *, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a committed shard as dicts, a few in memory at a time."""
        record = self.read_record(stage, shard)
        if record is None:
            raise BuildError(f"Shard {shard} of {stage} is not there: run the earlier stages first.")
        yield from self.iterate_file(self.part_name(stage, record), columns=columns)

    def iterate_file(self, name: str, *, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        for batch in self.iterate_batches(name, columns=columns):
            yield from batch.to_pylist()

    def iterate_batches(
        self, name: str, *, columns: Sequence[str] | None = None, at_once: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same as Arrow's batches, of `at_once` rows: for those who need few rows of many."""
        try:
            stream = self.open(name)
        except FileNotFoundError:
            raise BuildError(
                f"{name} is missing from {hide_in_url(self.url)}, though a commit record names it: remove the record"
                " (`docmatix check` says which), and the same command does the shard again."
            ) from None
        with stream:
            try:
                parquet = pq.ParquetFile(stream)
                # a run may come from anybody, and a kilobyte can claim to unpack to gigabytes
                check_footer(parquet.metadata, stream.seek(0, os.SEEK_END))
                yield from iterate_batches(parquet, columns, at_once=at_once)
            except (pa.ArrowException, ValueError) as error:
                raise BuildError(
                    f"{name} in {hide_in_url(self.url)} is damaged ({str(error).rstrip('.')}): remove it and the commit"
                    " record that names it (`docmatix check` says which), and the same command does the shard again."
                ) from None

    # --- tidying ------------------------------------------------------------------------------------------------------

    def sweep(self, stages: Sequence[str] = STAGES) -> list[str]:
        """Remove what no commit record names (leftovers of killed workers, superseded parts); returns their names.

        Only regular files with names that docmatix gives, in its own folders; only of `stages`, which must be complete,
        and only while the lock is held. What else lies there is told of. Replies are never removed: those that no
        record names were paid for too, and the next run with their prompt takes them up.
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
        packed = {posixpath.basename(record.file) for _, record in self.records(PACK)}
        stray += [f"dataset/data/{name}" for name in self.names("dataset/data") if name not in packed]
        beside = [*(f"dataset/{name}" for name in self.names("dataset")), *self.names("")]
        stray += [name for name in beside if name.endswith(".tmp") and is_own(name)]
        removed = [name for name in stray if self._may_sweep(name)]
        self.remove(*removed)
        self._abort_uploads()
        self._tell_left([name for name in stray if name not in set(removed)])
        return removed

    def _may_sweep(self, name: str) -> bool:
        if not is_own(name):
            return False
        status = self._look(name) if self.local else None
        return not self.local or (status is not None and stat.S_ISREG(status.st_mode))

    def sweep_asides(self) -> None:
        """Remove what killed workers were writing: after a full disk the next run may need the room. Only while the
        lock is held."""
        for folder in [*STAGES, "dataset"]:
            asides = [f"{folder}/{name}" for name in self.names(folder) if name.startswith(".")]
            self.remove(*filter(self._may_sweep, asides))

    def _abort_uploads(self) -> None:
        """Give up uploads in parts that killed workers left on S3: they are not listed, and are paid for."""
        if not self._protocols & _S3:
            return
        bucket, _, prefix = self.root.partition("/")
        # a store that will not say which there are has a rule of its own for them
        with contextlib.suppress(Exception):
            listed = self.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/")
            for upload in listed.get("Uploads", ()):
                self.fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])

    # --- the lock -----------------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether a driver is at work here. On an object store one that was killed on another machine is taken for
        alive until its lease ends."""
        if self.local:
            try:
                return _is_flocked(self.path(".lock"))
            except NotPlain as other:
                raise self.refuse(".lock", other.kind) from None
        lease = _Lease(self).read(patient=True)
        return lease is not None and _is_alive(lease)

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
        for name in FOLDERS:
            self.check_folder(name)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(_flocked(folder / ".lock", self.url))
            except NotPlain as other:
                raise self.refuse(".lock", other.kind) from None
            try:
                self.sweep_asides()
                yield
            finally:
                # a command that was wrong leaves nothing behind; one that is refused must leave the holder's lock
                if [path.name for path in folder.iterdir()] == [".lock"]:
                    (folder / ".lock").unlink()
                    with contextlib.suppress(NotADirectoryError):  # a link that the user named
                        folder.rmdir()


WRITE_BYTES = 1 << 16
"""Written at once, of a Parquet file."""


class PendingFile:
    """A file being written aside. `write` it, then `publish` it under its final name."""

    def __init__(self, run: RunDirectory, folder: str) -> None:
        self.run = run
        if run.local:
            self._aside = Path(run.make_folder(folder)) / f".{uuid.uuid4().hex}.tmp"
        else:
            self._aside = scratch.name_file(".tmp")
        self._stream: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._discarded = False
        self.bytes = 0

    def write(self, content: bytes) -> int:
        if self._discarded:  # a Parquet writer that was given up writes its footer when it is collected
            return memoryview(content).nbytes
        self._hash.update(content)
        self.bytes += memoryview(content).nbytes
        with self._errors():
            if self._stream is None:
                self._stream = self._aside.open("xb") if self.run.local else scratch.open_private(self._aside)
            return self._stream.write(content)

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        held_by = self.run.url if self.run.local else str(self._aside.parent)
        return storage_errors(held_by, folder=self._aside.parent, wanted=self.bytes)

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
        with self._errors():
            self._stream.flush()
            if durable and self.run.local:
                os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None
            if self.run.local:
                self.run.make_folder(posixpath.dirname(name))
                try:
                    self._aside.replace(target)
                except IsADirectoryError:
                    raise self.run.refuse(name, "a folder") from None
        if not self.run.local:
            self.run.upload(self._aside, name)

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
        # a shard of 256 rows is written in 120 pieces, each of which would be a call from C++
        self._sink = pa.BufferedOutputStream(pa.PythonFile(pending, mode="w"), WRITE_BYTES)
        self._parquet = pq.ParquetWriter(self._sink, schema, compression="zstd", write_page_index=True, **options)
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
        self._sink.close()

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
    seen = look_up_record(run, stage, shard)
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
        commit(run, stage, shard, pending, record, seen=seen)


def look_up_record(run: RunDirectory, stage: str, shard: int) -> str | None:
    """The version of a shard's record as work on the shard begins, for `commit`."""
    return run.look_up(f"{stage}/part-{shard:05d}.json")


def commit(
    run: RunDirectory, stage: str, shard: int, pending: PendingFile, record: Record, *, seen: str | None = None
) -> None:
    """Publish a shard's file, then its record. Raises LedgerError, and publishes nothing, if its ledger is off."""
    Ledger.from_json(record.ledger).require_balance(f"{stage} (shard {shard})")
    pending.publish(run.part_name(stage, record))
    run.replace_record(stage, shard, record, seen=seen)


def require_disk(run: RunDirectory, *, megabytes: int) -> None:
    """Raise StorageFailed if a disk that the build writes to has less than this left: the one of the run, and the
    temporary directory, where Ray, and documents that are being rendered, have their files."""
    for place in [run.root] * run.local + [tempfile.gettempdir()]:
        free = shutil.disk_usage(place).free
        if free < megabytes << 20:
            raise StorageFailed(
                f"The disk that holds {place} has {free >> 20} MB left, less than limits.min_free_disk_mb ="
                f" {megabytes}: free some space" + (", or set TMPDIR." if place != run.root else ".")
            )


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


_LOOKS_PASS = 25
"""`docmatix status` holds the lock for a moment, to see whether it can be had: tried so often, 20 ms apart. Counted and
not timed, since a process that gets no processor for half a second has not tried meanwhile."""


def _try_flock(stream: IO[str], kind: int) -> bool:
    import fcntl

    for _ in range(_LOOKS_PASS):
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _is_flocked(path: str) -> bool:
    import fcntl

    try:
        # not created by who only looks, and a reader of somebody else's run may have no right to write
        with os.fdopen(open_plain(path)) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextlib.contextmanager
def _flocked(path: Path, url: str) -> Iterator[None]:
    import fcntl

    with storage_errors(url, folder=path.parent):
        stream = os.fdopen(open_plain(str(path), os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+")
    with stream:
        if not _try_flock(stream, fcntl.LOCK_EX):
            stream.seek(0)
            holder = stream.read(200).strip() or "another process"
            raise SetupError(f"The run {url} is held by {holder}: wait for it, or give another --run.") from None
        with storage_errors(url, folder=path.parent):
            # what is the lock here may be somebody's file elsewhere: nothing else in a run is written in place
            if os.fstat(stream.fileno()).st_nlink == 1:
                stream.truncate(0)
                # past the buffer, which would be written again, and fail again, as the file is closed
                os.write(stream.fileno(), f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield


class _PatientFile(io.RawIOBase):
    """A file of an object store, whose reads are tried again."""

    def __init__(self, stream: IO[bytes], try_hard: Callable[[Callable[[], bytes]], bytes]) -> None:
        self._stream, self._try_hard, self._at = stream, try_hard, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            self._at = self._stream.seek(offset, whence)
        else:
            self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        def read() -> bytes:
            self._stream.seek(self._at)
            return self._stream.read(len(buffer))

        data = self._try_hard(read)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class Overtaken(Exception):
    """A conditional write of an object store found another version than it was to replace."""


class _Lease:
    """A lease for object stores, which have no locks: renewed while held, and dead when no longer renewed.

    It is written in place of the version that was read, so that of two drivers that find a dead one one gets it.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._mine = uuid.uuid4().hex
        self._version: str | None = None

    def take(self) -> None:
        version = self._run.look_up(".lock")
        if (other := self.read()) is not None and _is_alive(other):
            raise SetupError(
                f"The run {hide_in_url(self._run.url)} is held by a driver on {other.get('host')}: wait for it, or"
                f" give another --run (of one that was killed {other['until'] - time.time():.0f} s are left)."
            )
        try:
            self._version = self._run.replace(".lock", self._write(), seen=version)
        except Overtaken:
            now = None
        else:
            now = self.read()  # where the store has no conditional writes, the other one's may have come after ours
        if now is None or now.get("holder") != self._mine:
            raise SetupError(f"The run {hide_in_url(self._run.url)} was taken by another driver at the same moment.")

    def renew(self) -> bool:
        """Whether it is still ours."""
        try:
            # a driver that slept past its lease must not take it back from the one that holds it now
            if (now := self.read()) is None or now.get("holder") != self._mine:
                return False
            self._version = self._run.replace(".lock", self._write(), seen=self._version, patient=False)
        except Overtaken:
            # ours, if the answer to the renewal before this one was lost
            now = self.read()
            self._version = self._run.look_up(".lock")
            return now is not None and now.get("holder") == self._mine
        return True

    def give_back(self) -> None:
        if (now := self.read()) is not None and now.get("holder") == self._mine:
            self._run.remove(".lock")

    def read(self, *, patient: bool = False) -> dict[str, Any] | None:
        """The lease that is there, whoever's it is."""
        try:
            lease = json.loads(self._run.read(".lock", patient=patient))
            return lease if isinstance(lease, dict) and isinstance(lease["until"], (int, float)) else None
        except (FileNotFoundError, ValueError, LookupError):
            return None

    def _write(self) -> bytes:
        lease = {
            "holder": self._mine,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "where": find_process_space(),
            "until": time.time() + self._run.lease_s,
        }
        return json.dumps(lease).encode()


def _is_alive(lease: Mapping[str, Any]) -> bool:
    if lease["until"] <= time.time():
        return False
    # a driver of this machine that was killed need not be waited for
    here = find_process_space()
    return here is None or lease.get("where") != here or psutil.pid_exists(int(lease.get("process", 0)))


@contextlib.contextmanager
def _leased(run: RunDirectory) -> Iterator[None]:
    lease = _Lease(run)
    try:
        lease.take()
    except StorageFailed as error:
        raise SetupError(str(error)) from None
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(run.lease_s / 4):
            # a store that is away for a while takes no lease from us
            with contextlib.suppress(StorageFailed):
                if not lease.renew():
                    run.lost.set()
                    return

    renewer = threading.Thread(target=keep, daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        if not run.lost.is_set():
            with contextlib.suppress(StorageFailed):  # it runs out by itself
                lease.give_back()
