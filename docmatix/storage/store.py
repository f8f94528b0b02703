"""A store: files below one address, on a disk or in an object store, that appear whole or not at all.

On a disk a file is written aside, flushed and renamed; an object store shows an upload only when it is complete, and a
conditional write replaces only the version that its writer saw. A store that is away is retried for
`limits.store_patience_s`.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import posixpath
import re
import shutil
import stat
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import fsspec

from docmatix.core.errors import BuildError, RunRefused, SetupError, StorageFailed
from docmatix.core.redaction import hide_in_url
from docmatix.storage import s3_requests, scratch
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
from docmatix.storage.patience import (
    PATIENCE_S,
    Attempts,
    Patience,
    PatientFile,
    keep_trying,
    log_outage,
    require_answer,
)
from docmatix.storage.pending import PendingFile
from docmatix.storage.plain_files import Listed, PlainFolder, describe_file
from docmatix.storage.ranged_file import RangedFile
from docmatix.storage.run_files import SINGLE, is_own

T = TypeVar("T")

WHOLE_BYTES = 16 << 20
"""Up to this size a file of an object store is read in one request, whatever is wanted of it."""
END_BYTES = 1 << 18
"""The end of a larger one that is read first: it has the footer, of about 30 KB."""
UNASKED_BYTES = 4 << 20
"""So much of a file's end is read before its size is asked for."""
_GIVEN_UP_FOR_S = 30.0  # for this long a store that stayed unreachable is not asked again
_LEFT_NAMED = 5  # of the files left in place
_ANY = re.compile(".*", re.DOTALL)
_S3 = frozenset({"s3", "s3a"})
_CONDITIONAL = _S3 | {"gs", "gcs", "memory"}
"""Protocols whose fsspec filesystems can create a file only if it does not exist (`mode="create"`)."""


class Overtaken(Exception):
    """A conditional write found another version than the one it was to replace."""


class Store:
    """Files below one address. Cheap to make and to pickle; every name given is a path relative to it."""

    def __init__(
        self,
        url: str | Path,
        *,
        patience_s: float = PATIENCE_S,
        say: Callable[[str], object] = log_outage,
        sleep: Callable[[float], object] = time.sleep,
        follow_links: bool = False,
    ) -> None:
        """An unavailable object store is retried for `patience_s` seconds, and `say` hears of it; a pickled copy keeps
        only the address and the patience. `follow_links` is for folders other than runs, such as the Hub's cache.
        Raises SetupError for an address that cannot be opened."""
        self.url = str(url)
        self._patience = Patience(limit_s=patience_s, say=say, sleep=sleep)
        self._follow_links = follow_links
        protocol = self.url.partition("://")[0]
        remote = "://" in self.url
        try:
            self.fs, root = fsspec.core.url_to_fs(self.url, **(choose_options(protocol) if remote else {}))
        except (ImportError, ValueError) as error:
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be used: {error}.") from None
        protocols = {self.fs.protocol} if isinstance(self.fs.protocol, str) else set(self.fs.protocol)
        self.local = "file" in protocols
        self.root = str(Path(root).absolute()) if self.local else root.rstrip("/")
        if not self.local and re.search(r"[*?\[]", self.root):
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be used: give it a name without *?[.")
        self._folder = PlainFolder(self.root, self.url, follow_links=follow_links) if self.local else None
        self.on_s3, self._creates = bool(protocols & _S3), bool(protocols & _CONDITIONAL)
        # one request: s3fs asks for the size first, to read large files in several parts at once
        self._read_options = {"max_concurrency": 1} if self.on_s3 else {}
        self.lost = threading.Event()
        """Set once another driver holds the run: from then on nothing is written."""
        self._given_up: tuple[float, str] | None = None
        self._copies: dict[str, Path] = {}
        """Files that are on this machine for a while."""

    def __reduce__(self) -> tuple[Callable[[str], Store], tuple[str]]:
        make = functools.partial(Store, patience_s=self.patience_s, follow_links=self._follow_links)
        return make, (self.address,)

    @property
    def patience_s(self) -> float:
        return self._patience.limit_s

    @property
    def address(self) -> str:
        """The address by which a process in any working directory opens this store."""
        return self.root if self.local else self.url

    def path(self, name: str) -> str:
        """The path of a file, for `fs` or, on a disk, for `open`."""
        return posixpath.join(self.root, name)

    def require_reachable(self) -> None:
        """Raise SetupError if the store cannot be used at all (credentials, bucket), and within seconds if it does not
        respond (a wrong address, no network)."""
        if self.local:
            return
        # a listing: of a missing bucket, and of credentials that it refuses, S3 says more to that than to a HEAD
        ask = (lambda files: s3_requests.list_folder(files, self.root, most=1)) if self.on_s3 else None
        if require_answer(self.fs, self.root, url=self.url, patience=self._patience, ask=ask) is None:
            return
        try:
            self.names("")
        except Exception as error:
            reason = str(error) if isinstance(error, StorageFailed) else describe(error)
            raise SetupError(f"The run directory {hide_in_url(self.url)} cannot be reached: {reason}") from None

    # --- reading ------------------------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Whether there is a file or a folder; a link counts, and is refused when it is read. A folder of an object
        store is found only by a name without a dot."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                return self._folder.stat(name) is not None
            return False
        if self.on_s3:
            if name and self._look_up(name) is not None:
                return True
            is_folder = "." not in posixpath.basename(name)
            return is_folder and bool(self._try(lambda: s3_requests.list_folder(self.fs, self.path(name), most=1)))
        return bool(self._try(lambda: self.fs.exists(self.path(name))))

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        if self._folder is not None:
            return self._folder.size(name)
        if self.on_s3:
            facts = self._look_up(name)
            return None if facts is None else int(facts["ContentLength"])
        try:
            return int(self._try(lambda: self.fs.size(self.path(name))))
        except FileNotFoundError:
            return None

    def _look_up(self, name: str) -> dict[str, Any] | None:
        """What S3 knows of a file; None where there is none."""
        try:
            return self._try(lambda: s3_requests.look_up(self.fs, self.path(name)))
        except FileNotFoundError:
            return None

    def read(self, name: str, *, patient: bool = True) -> bytes:
        if self._folder is not None:
            with storage_errors(self.url), self._folder.open(name) as stream:
                return stream.read()
        return bytes(self._try(lambda: self.fs.cat_file(self.path(name), **self._read_options), patient=patient))

    def read_several(self, names: Sequence[str]) -> dict[str, bytes]:
        """The small files that can be read now, by name; from an object store many at once."""
        found = {}
        if self.local:
            for name in names:
                with contextlib.suppress(OSError, StorageFailed):
                    found[name] = self.read(name)
        elif names:
            paths = {self.path(name): name for name in names}

            def read() -> Any:
                return self.fs.cat(list(paths), on_error="omit", **self._read_options)

            with contextlib.suppress(OSError, StorageFailed):
                contents = self._try(read, patient=False)
                found = {paths[path]: bytes(content) for path, content in contents.items() if path in paths}
        return found

    def open(self, name: str, *, size: int | None = None) -> IO[bytes]:
        """A file to read from, with seeking. From an object store with few large requests, and none but those for its
        content where its `size` is known, as a commit record tells it."""
        if self._folder is not None:
            return self._folder.open(name)
        if (copy := self._copies.get(name)) is not None:
            with contextlib.suppress(FileNotFoundError):  # somebody may tidy the temporary directory
                return copy.open("rb")
        if size is None or size <= 0:
            return self._open_unknown(name)
        if size <= WHOLE_BYTES:
            return io.BytesIO(self._read_range(name, 0, size))
        end = self._read_range(name, size - END_BYTES, size)
        return io.BufferedReader(RangedFile(size, functools.partial(self._read_range, name), end=end))

    @contextlib.contextmanager
    def at_hand(self, sizes: Mapping[str, int]) -> Iterator[None]:
        """For the length of the block, `open` reads these files from copies on this machine. A disk needs none, and a
        file that is missing has none."""
        with contextlib.ExitStack() as stack:
            for name, size in sizes.items() if self._folder is None else ():
                copy = scratch.name_file(".tmp")
                stack.callback(copy.unlink, missing_ok=True)
                try:
                    self._copy(name, size, copy)
                except FileNotFoundError:
                    continue
                self._copies[name] = copy
                stack.callback(self._copies.pop, name, None)
            yield

    def _copy(self, name: str, size: int, copy: Path) -> None:
        with storage_errors(str(copy.parent), folder=copy.parent, wanted=size), scratch.open_private(copy) as stream:
            for start in range(0, size, WHOLE_BYTES):
                stream.write(self._read_range(name, start, min(start + WHOLE_BYTES, size)))

    def _open_unknown(self, name: str) -> IO[bytes]:
        options: dict[str, Any] = {}
        if self.on_s3:
            # small files are read whole where others are asked for their size
            end = self._try(lambda: s3_requests.read_range(self.fs, self.path(name), -UNASKED_BYTES))
            if len(end) < UNASKED_BYTES:
                return io.BytesIO(end)
            options = {"cache_type": "none"}
        stream: IO[bytes] = self._try(lambda: self.fs.open(self.path(name), "rb", **options))
        if not self.on_s3:
            return io.BufferedReader(PatientFile(stream, self._try))

        def read(start: int, end: int) -> bytes:
            stream.seek(start)
            return stream.read(end - start)

        return io.BufferedReader(
            RangedFile(stream.size, lambda start, end: self._try(lambda: read(start, end)), end=end)  # type: ignore[attr-defined]
        )

    def _read_range(self, name: str, start: int, end: int) -> bytes:
        return self._try(lambda: s3_requests.read_range(self.fs, self.path(name), start, end))

    def names(self, folder: str) -> list[str]:
        """Names of what is right in a folder, sorted; a missing one is empty."""
        if self._folder is not None:
            return self._folder.names(folder)
        path = self.path(folder).rstrip("/")
        if self.on_s3:
            return sorted(self._try(lambda: s3_requests.list_folder(self.fs, path)))
        try:
            found = self._try(lambda: self.fs.ls(path, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []
        # object stores list the marker of a folder that was made by hand, as if it were a file in it
        listed = (str(item).rstrip("/") for item in found)
        return sorted(posixpath.basename(item) for item in listed if item.strip("/") != path.strip("/"))

    def list_files(self, folder: str, *, described: re.Pattern[str] = _ANY) -> dict[str, Listed]:
        """What is right in a folder, by name, with sizes and versions, at least of files with such names; a missing
        folder is empty."""
        if self._folder is not None:
            return self._folder.list_files(folder, described=described)
        path = self.path(folder).rstrip("/")
        if self.on_s3:
            return self._try(lambda: s3_requests.list_folder(self.fs, path))
        try:
            found = self._try(lambda: self.fs.ls(path, detail=True))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        listed: dict[str, Listed] = {}
        for facts in found:
            item = str(facts["name"]).strip("/")
            if item != path.strip("/"):  # see `names`
                listed[posixpath.basename(item)] = _describe_object(facts)
        return listed

    def list_below(self, folder: str) -> list[str]:
        """The files in a folder and in those in it, by their names relative to it, sorted; of an object store with a
        request for each thousand, whatever the number of folders."""
        if self._folder is not None:
            found = []
            for name in self.names(folder):
                below = self.names(f"{folder}/{name}")
                found += [f"{name}/{each}" for each in below] if below else [name]
            return found
        path = self.path(folder).rstrip("/")
        find = functools.partial(s3_requests.find_files, self.fs, path) if self.on_s3 else None
        try:
            names = self._try(find or (lambda: self.fs.find(path)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        start = len(path.strip("/")) + 1
        return sorted(filter(None, (str(name).strip("/")[start:] for name in names)))

    def find_version(self, name: str) -> str | None:
        """The version of a file as `list_files` gives it; None where there is none."""
        if self._folder is not None:
            status = self._folder.stat(name)
            return None if status is None else describe_file(status).version
        if self.on_s3:
            return self.look_up(name)
        try:
            return _describe_object(self._try(lambda: self.fs.info(self.path(name)))).version
        except FileNotFoundError:
            return None

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Write a small file, whole or not at all. One that is not `durable` may be lost with the machine's power."""
        if not self.local:
            self._require_held()
            self._try(lambda: self.fs.pipe_file(self.path(name), content), writing=True, patient=durable)
            return
        with self.writing(posixpath.dirname(name)) as pending:
            pending.write(content)
            pending.publish(name, durable=durable)

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[PendingFile]:
        """A file written aside in `folder`; it appears only if the block calls `publish`."""
        if self._folder is None:
            pending = PendingFile(scratch.name_file(".tmp"), place=self._upload, disk=None)
        else:
            aside = Path(self._folder.make(folder)) / f".{uuid.uuid4().hex}.tmp"
            pending = PendingFile(aside, place=self._folder.take_in, disk=self.url)
        try:
            yield pending
        finally:
            pending.discard()

    def _upload(self, path: Path, name: str) -> None:
        """Put a file of this machine into an object store, whole or not at all."""
        self._require_held()
        self._try(lambda: self.fs.put_file(str(path), self.path(name)), writing=True)

    def look_up(self, name: str) -> str | None:
        """The version of a file of an object store, for `replace`; None where there is none, or on a disk."""
        if self.local:
            return None
        if self.on_s3:
            known = self._look_up(name)
            return None if known is None else str(known.get("ETag") or "there")
        try:
            facts = self._try(lambda: self.fs.info(self.path(name)))
        except FileNotFoundError:
            return None
        return str(facts.get("ETag") or "there")

    def replace(self, name: str, content: bytes, *, seen: str | None, patient: bool = True) -> str | None:
        """Write a small file of an object store if it still is the version `seen` (None: if there is none); returns its
        new version. Raises Overtaken otherwise. A store without conditional writes replaces whatever is there."""
        options: dict[str, Any] = {}
        if seen is None and self._creates:
            options = {"mode": "create"}
        elif seen is not None and self.on_s3:
            options = {"IfMatch": seen}

        def put() -> Any:
            try:
                return self.fs.pipe_file(self.path(name), content, **options)
            except OSError as error:
                if not options or read_code(error) not in ("NotImplemented", "501"):
                    raise
                return self.fs.pipe_file(self.path(name), content)

        try:
            done = self._try(put, writing=True, patient=patient)
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

    # --- removing -----------------------------------------------------------------------------------------------------

    def remove(self, *names: str) -> None:
        """Remove files, and folders with what is in them: on a disk only regular files, and in folders only those with
        names that docmatix gives; others are left and reported."""
        if self.on_s3:
            self._remove_from_s3(names)
            return
        left: list[str] = []
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                if self._folder is None:
                    self._remove_objects(self.path(name))
                else:
                    left += self._folder.remove(name, is_own=is_own)
        self.report_left(left)

    def _remove_from_s3(self, names: Sequence[str]) -> None:
        paths: list[str] = []
        for name in names:
            # what has the name of a file is one: only of others is asked what is below them
            if is_own(name) or name in SINGLE:
                paths.append(self.path(name))
            else:
                paths += self._try(functools.partial(s3_requests.find_files, self.fs, self.path(name)))
        if paths:
            self._try(lambda: s3_requests.remove_files(self.fs, paths), writing=True)

    def report_left(self, left: Sequence[str]) -> None:
        if left:
            more = f" and {len(left) - _LEFT_NAMED} more" if len(left) > _LEFT_NAMED else ""
            told = ", ".join(left[:_LEFT_NAMED])
            self._patience.say(f"left in the run directory, because docmatix did not put it there: {told}{more}")

    def _remove_objects(self, path: str) -> None:
        def remove() -> None:
            found = self.fs.find(path)
            if found:
                self.fs.rm(found)
            if found and self.fs.find(path):
                raise ConnectionError("some files are still there after they were removed")

        self._try(remove)

    def abort_uploads(self) -> None:
        """Abort uploads in parts that killed workers left on S3: they are not listed, and cost money."""
        if not self.on_s3:
            return
        bucket, _, prefix = self.root.partition("/")
        # a store that will not say which there are has a rule of its own for them
        with contextlib.suppress(Exception):
            listed = self.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/")
            for upload in listed.get("Uploads", ()):
                self.fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])

    # --- on a disk ----------------------------------------------------------------------------------------------------

    def check_folder(self, folder: str) -> None:
        """Raise RunRefused if a local folder or one of its parents leads out of the store."""
        if self._folder is not None:
            self._folder.check(folder)

    def make_folder(self, folder: str) -> str:
        """The path of a folder on a disk, made if missing."""
        assert self._folder is not None, "an object store has no folders"
        return self._folder.make(folder)

    def is_plain(self, name: str) -> bool:
        """Whether something that was listed is a regular file."""
        if self._folder is None:
            return True
        status = self._folder.stat(name)
        return status is not None and stat.S_ISREG(status.st_mode)

    def refuse(self, name: str, kind: str) -> RunRefused:
        """What is raised for a file on a disk that is something else (`a link`)."""
        assert self._folder is not None, "an object store has files only"
        return self._folder.refuse(name, kind)

    # --- in an object store -------------------------------------------------------------------------------------------

    def _require_held(self) -> None:
        if self.lost.is_set():
            raise BuildError(f"Another driver has taken the run {hide_in_url(self.url)} over; this one stops.")

    def _try(self, action: Callable[[], T], *, writing: bool = False, patient: bool = True) -> T:
        """The result of `action`, retried while the object store cannot be reached. Raises FileNotFoundError for a
        missing file, Overtaken for a conditional write that came second, StorageFailed for everything else."""
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
                raise Overtaken(url) from error  # the file to be replaced no longer exists
            if isinstance(error, PermissionError):
                done = "written" if writing else "read"
                raise StorageFailed(f"{url} may not be {done} by these credentials: {describe(error)}.") from error
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StorageFailed(describe_full(url, url)) from error
            if not patient:
                raise give_up(error) from error

        def give_up(error: Exception) -> StorageFailed:
            outage = attempts.describe_outage(error)
            if patient:
                self._given_up = time.monotonic() + _GIVEN_UP_FOR_S, outage
            return StorageFailed(outage)

        return keep_trying(action, attempts, judge=judge, give_up=give_up)


def _describe_object(facts: Mapping[str, Any]) -> Listed:
    version = facts.get("ETag") or facts.get("etag")
    return Listed(facts.get("size"), None if version is None else str(version))


def require_disk(store: Store, *, megabytes: int) -> None:
    """Raise StorageFailed if a disk that the build writes to has less than this left: that of a local store, and that
    of the temporary directory, which Ray and the rendering of documents use."""
    for place in [store.root] * store.local + [tempfile.gettempdir()]:
        free = shutil.disk_usage(place).free
        if free < megabytes << 20:
            raise StorageFailed(
                f"The disk that holds {place} has {free >> 20} MB left, less than limits.min_free_disk_mb ="
                f" {megabytes}: free some space" + (", or set TMPDIR." if place != store.root else ".")
            )
