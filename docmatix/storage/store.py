"""A store: files below one address, on a disk or in an object store, that appear whole or not at all.

On a disk a file is written aside, flushed and renamed; an object store shows an upload only when it is complete, and a
conditional write replaces only the version that its writer saw. A store that is away is retried for
`limits.store_patience_s`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import posixpath
import re
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import fsspec

from docmatix.core.errors import RunRefused, SetupError, StorageFailed
from docmatix.core.redaction import hide_in_url
from docmatix.storage import scratch
from docmatix.storage.errors import describe, storage_errors
from docmatix.storage.filesystems import choose_options
from docmatix.storage.object_folder import ObjectFolder
from docmatix.storage.patience import PATIENCE_S, Patience, log_outage
from docmatix.storage.pending import PendingFile
from docmatix.storage.plain_files import Listed, PlainFolder, describe_file
from docmatix.storage.ranged_file import RangedFile
from docmatix.storage.run_files import is_own
from docmatix.storage.s3_folder import S3Folder

WHOLE_BYTES = 16 << 20
"""Up to this size a file of an object store is read in one request, whatever is wanted of it."""
END_BYTES = 1 << 18
"""The end of a larger one that is read first: it has the footer, of about 30 KB."""
_LEFT_NAMED = 5  # of the files left in place
_ANY = re.compile(".*", re.DOTALL)
_S3 = frozenset({"s3", "s3a"})
_CONDITIONAL = _S3 | {"gs", "gcs", "memory"}
"""Protocols whose fsspec filesystems can create a file only if it does not exist (`mode="create"`)."""


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
        self.on_s3 = bool(protocols & _S3)
        make = S3Folder if self.on_s3 else ObjectFolder
        creates = bool(protocols & _CONDITIONAL)
        self._objects = make(self.fs, self.root, self.url, patience=self._patience, creates=creates)
        """What is asked of an object store; a disk is not asked by it."""
        self.lost = self._objects.lost
        """Set once another driver holds the run: from then on nothing is written."""
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
        if self._objects.find_outage() is None:
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
        return self._objects.exists(name)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        if self._folder is not None:
            return self._folder.size(name)
        return self._objects.size(name)

    def read(self, name: str, *, patient: bool = True) -> bytes:
        if self._folder is not None:
            with storage_errors(self.url), self._folder.open(name) as stream:
                return stream.read()
        return self._objects.read(name, patient=patient)

    def read_several(self, names: Sequence[str]) -> dict[str, bytes]:
        """The small files that can be read now, by name; from an object store many at once."""
        if self._folder is None:
            return self._objects.read_several(names)
        found = {}
        for name in names:
            with contextlib.suppress(OSError, StorageFailed):
                found[name] = self.read(name)
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
            return self._objects.open(name)
        read_range = functools.partial(self._objects.read_range, name)
        if size <= WHOLE_BYTES:
            return io.BytesIO(read_range(0, size))
        return io.BufferedReader(RangedFile(size, read_range, end=read_range(size - END_BYTES, size)))

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
                stream.write(self._objects.read_range(name, start, min(start + WHOLE_BYTES, size)))

    def names(self, folder: str) -> list[str]:
        """Names of what is right in a folder, sorted; a missing one is empty."""
        if self._folder is not None:
            return self._folder.names(folder)
        return self._objects.names(folder)

    def list_files(self, folder: str, *, described: re.Pattern[str] = _ANY) -> dict[str, Listed]:
        """What is right in a folder, by name, with sizes and versions, at least of files with such names; a missing
        folder is empty."""
        if self._folder is not None:
            return self._folder.list_files(folder, described=described)
        return self._objects.list_files(folder)

    def list_below(self, folder: str) -> list[str]:
        """The files in a folder and in those in it, by their names relative to it, sorted; of an object store with a
        request for each thousand, whatever the number of folders."""
        if self._folder is None:
            return self._objects.list_below(folder)
        found = []
        for name in self.names(folder):
            below = self.names(f"{folder}/{name}")
            found += [f"{name}/{each}" for each in below] if below else [name]
        return found

    def find_version(self, name: str) -> str | None:
        """The version of a file as `list_files` gives it; None where there is none."""
        if self._folder is not None:
            status = self._folder.stat(name)
            return None if status is None else describe_file(status).version
        return self._objects.find_version(name)

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Write a small file, whole or not at all. One that is not `durable` may be lost with the machine's power."""
        if self._folder is None:
            self._objects.write(name, content, patient=durable)
            return
        with self.writing(posixpath.dirname(name)) as pending:
            pending.write(content)
            pending.publish(name, durable=durable)

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[PendingFile]:
        """A file written aside in `folder`; it appears only if the block calls `publish`."""
        if self._folder is None:
            pending = PendingFile(scratch.name_file(".tmp"), place=self._objects.upload, disk=None)
        else:
            aside = Path(self._folder.make(folder)) / f".{uuid.uuid4().hex}.tmp"
            pending = PendingFile(aside, place=self._folder.take_in, disk=self.url)
        try:
            yield pending
        finally:
            pending.discard()

    def look_up(self, name: str) -> str | None:
        """The version of a file of an object store, for `replace`; None where there is none, or on a disk."""
        return None if self.local else self._objects.look_up(name)

    def replace(self, name: str, content: bytes, *, seen: str | None, patient: bool = True) -> str | None:
        """Write a small file of an object store if it still is the version `seen` (None: if there is none); returns its
        new version. Raises Overtaken otherwise. A store without conditional writes replaces whatever is there."""
        return self._objects.replace(name, content, seen=seen, patient=patient)

    # --- removing -----------------------------------------------------------------------------------------------------

    def remove(self, *names: str) -> None:
        """Remove files, and folders with what is in them: on a disk only regular files, and in folders only those with
        names that docmatix gives; others are left and reported."""
        if self._folder is None:
            self._objects.remove(names)
            return
        left: list[str] = []
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                left += self._folder.remove(name, is_own=is_own)
        self.report_left(left)

    def report_left(self, left: Sequence[str]) -> None:
        if left:
            more = f" and {len(left) - _LEFT_NAMED} more" if len(left) > _LEFT_NAMED else ""
            told = ", ".join(left[:_LEFT_NAMED])
            self._patience.say(f"left in the run directory, because docmatix did not put it there: {told}{more}")

    def abort_uploads(self) -> None:
        """Abort uploads in parts that killed workers left on S3: they are not listed, and cost money."""
        if not self.local:
            self._objects.abort_uploads()

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
