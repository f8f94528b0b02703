"""What a store asks of S3, in one request each.

s3fs asks more often: about a name that is not there whether it is a folder, about an empty folder whether it is a file,
about a file how large it is before it is read. And it does not look at which files S3 could not remove.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from docmatix.storage.plain_files import Listed

_AT_ONCE = 1000  # files that one request may name


def look_up(fs: Any, path: str) -> dict[str, Any]:
    """The facts of a file (`ContentLength`, `ETag`). Raises FileNotFoundError."""
    bucket, key, _ = fs.split_path(path)
    facts: dict[str, Any] = fs.call_s3("head_object", fs.kwargs, Bucket=bucket, Key=key)
    return facts


def list_folder(fs: Any, folder: str, *, most: int | None = None) -> dict[str, Listed]:
    """What is right in a folder, files and folders; a missing one is empty."""
    bucket, key, _ = fs.split_path(folder)
    prefix = f"{key.rstrip('/')}/" if key else ""
    found: dict[str, Listed] = {}
    for page in _list_pages(fs, Bucket=bucket, Prefix=prefix, Delimiter="/", **({"MaxKeys": most} if most else {})):
        found |= {each["Key"]: Listed(each["Size"], each.get("ETag")) for each in page.get("Contents", ())}
        found |= {each["Prefix"]: Listed() for each in page.get("CommonPrefixes", ())}
        if most is not None:
            break
    # the marker of a folder that was made by hand is listed as if it were a file in it
    found.pop(prefix, None)
    return {posixpath.basename(path.rstrip("/")): listed for path, listed in found.items()}


def find_files(fs: Any, path: str) -> list[str]:
    """The paths of a file and of what is below a folder of that name."""
    bucket, key, _ = fs.split_path(path)
    pages = _list_pages(fs, Bucket=bucket, Prefix=key)
    found = (each["Key"] for page in pages for each in page.get("Contents", ()))
    return [f"{bucket}/{each}" for each in found if not key or each == key or each.startswith(f"{key}/")]


def _list_pages(fs: Any, **wanted: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = fs.call_s3("list_objects_v2", **wanted)
        yield page
        if not page.get("IsTruncated"):
            return
        wanted["ContinuationToken"] = page["NextContinuationToken"]


def remove_files(fs: Any, paths: Sequence[str]) -> None:
    """Remove files of one bucket, there or not. Raises PermissionError or ConnectionError if S3 left one of them."""
    for first in range(0, len(paths), _AT_ONCE):
        split = [fs.split_path(path) for path in paths[first : first + _AT_ONCE]]
        wanted = {"Objects": [{"Key": key} for _, key, _ in split], "Quiet": True}
        answer = fs.call_s3("delete_objects", Bucket=split[0][0], Delete=wanted)
        for left in answer.get("Errors", ()):
            kind = PermissionError if left.get("Code") == "AccessDenied" else ConnectionError
            raise kind(f"a file was not removed: {left.get('Code')} {left.get('Message')}")
