"""A folder of S3, asked in one request each where fsspec's filesystem takes several."""

from __future__ import annotations

import contextlib
import functools
import io
import posixpath
from collections.abc import Sequence
from typing import IO, Any

from docmatix.storage import s3_requests
from docmatix.storage.object_folder import ObjectFolder, read_range
from docmatix.storage.patience import require_answer
from docmatix.storage.plain_files import Listed
from docmatix.storage.ranged_file import RangedFile
from docmatix.storage.run_files import SINGLE, is_own

UNASKED_BYTES = 4 << 20
"""So much of a file's end is read before its size is asked for."""
# s3fs asks for the size first, to read large files in several parts at once
_IN_ONE = {"max_concurrency": 1}


class S3Folder(ObjectFolder):
    """Files below one address of S3."""

    def find_outage(self) -> Exception | None:
        # a listing: of a missing bucket, and of credentials that it refuses, S3 says more to that than to a HEAD
        ask = functools.partial(s3_requests.list_folder, folder=self._root, most=1)
        return require_answer(self._fs, self._root, url=self._url, patience=self._patience, ask=ask)

    def _look_up(self, name: str) -> dict[str, Any] | None:
        """What S3 knows of a file; None where there is none."""
        try:
            return self.attempt(lambda: s3_requests.look_up(self._fs, self.path(name)))
        except FileNotFoundError:
            return None

    def exists(self, name: str) -> bool:
        if name and self._look_up(name) is not None:
            return True
        is_folder = "." not in posixpath.basename(name)
        return is_folder and bool(self.attempt(lambda: s3_requests.list_folder(self._fs, self.path(name), most=1)))

    def size(self, name: str) -> int | None:
        facts = self._look_up(name)
        return None if facts is None else int(facts["ContentLength"])

    def read(self, name: str, *, patient: bool = True) -> bytes:
        return bytes(self.attempt(lambda: self._fs.cat_file(self.path(name), **_IN_ONE), patient=patient))

    def _read_all(self, paths: list[str]) -> Any:
        return self._fs.cat(paths, on_error="omit", **_IN_ONE)

    def open(self, name: str) -> IO[bytes]:
        # small files are read whole where others are asked for their size
        end = self.attempt(lambda: read_range(self._fs, self.path(name), -UNASKED_BYTES))
        if len(end) < UNASKED_BYTES:
            return io.BytesIO(end)
        stream: Any = self.attempt(lambda: self._fs.open(self.path(name), "rb", cache_type="none"))

        def read(start: int, stop: int) -> bytes:
            stream.seek(start)
            content: bytes = stream.read(stop - start)
            return content

        return io.BufferedReader(
            RangedFile(stream.size, lambda start, stop: self.attempt(lambda: read(start, stop)), end=end)
        )

    def names(self, folder: str) -> list[str]:
        return sorted(self.list_files(folder))

    def list_files(self, folder: str) -> dict[str, Listed]:
        path = self.path(folder).rstrip("/")
        return self.attempt(lambda: s3_requests.list_folder(self._fs, path))

    def find(self, path: str) -> list[str]:
        return self.attempt(lambda: s3_requests.find_files(self._fs, path))

    def find_version(self, name: str) -> str | None:
        return self.look_up(name)

    def look_up(self, name: str) -> str | None:
        known = self._look_up(name)
        return None if known is None else str(known.get("ETag") or "there")

    def _require_version(self, seen: str | None) -> dict[str, Any]:
        return super()._require_version(seen) if seen is None else {"IfMatch": seen}

    def remove(self, names: Sequence[str]) -> None:
        paths: list[str] = []
        for name in names:
            # what has the name of a file is one: only of others is asked what is below them
            paths += [self.path(name)] if is_own(name) or name in SINGLE else self.find(self.path(name))
        if paths:
            self.attempt(lambda: s3_requests.remove_files(self._fs, paths), writing=True)

    def abort_uploads(self) -> None:
        """Of uploads in parts nothing is listed, and they cost money."""
        bucket, _, prefix = self._root.partition("/")
        # a store that will not say which there are has a rule of its own for them
        with contextlib.suppress(Exception):
            listed = self._fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/")
            for upload in listed.get("Uploads", ()):
                self._fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])
