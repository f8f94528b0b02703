"""Tars in the WebDataset layout: `key.pdf`, with an optional JSON twin `key.json`.

Planning reads only headers and seeks past the contents; later a document is one byte range. A truncated or damaged tar
gives the documents before the damage and one locator with the problem `unreadable_archive`: Python's own iteration
ends there silently, and the rest of the shard would count as done.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Literal

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.sources.locators import FoundFile, Locator, SourceDocument, UnreadableError
from docmatix.sources.remote_files import RangeFile, check_size
from docmatix.sources.source import Source
from docmatix.storage.patience import Patience

PAIRING_DISTANCE = 1024
"""A PDF and its twin may be this many members apart; as many are held in memory."""
_READ_AHEAD_BYTES = 16_384
"""Read at once for headers: a remote range of 16 KiB costs no more than one header of 512 bytes, and often includes the
next small member's header."""
_MAX_HEADER_BYTES = 1 << 20
"""All extended headers of a member: a name, a few numbers, at most some attributes of 64 KiB. A hostile one may claim
gigabytes, which tarfile would read."""
_MAX_HEADERS = 16
"""Headers of one member; no writer makes more than five, and tarfile recurses for each."""
_MAX_GLOBAL_CHARS = 16_384
"""Size of what global headers pass on to later members: tarfile copies it for each one. Git writes 52 bytes."""
_MAX_NAME_CHARS = 32_768
"""No filesystem has longer paths; up to two thousand names are held while twins are matched."""
_MAX_DIGITS = 255
"""Consecutive digits in a PAX header: as many as a file name may have. Python before 3.11.10 and 3.12.6 searches for
`[0-9]+ NAME` in quadratic time, an hour for 1 MB of digits (CVE-2024-6232)."""
_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_TOO_MANY_ZEROS = b"0" * (_MAX_DIGITS + 1)
_RECORD = re.compile(rb"([0-9]{1,7}) [^=]+=")
_PAX = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_EXTENDED = _PAX | {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_BLOCK = tarfile.BLOCKSIZE
_PADDING_BYTES = 2 * tarfile.RECORDSIZE
"""Checked after the end-of-archive mark. Zeros pad a tar to 10 KiB there; `cat a.tar b.tar` leaves members, which tar
itself ignores silently."""
_LARGEST_PLAIN_SIZE = 8 << 30
"""From this size on, the header's 11 octal digits do not suffice and an extended header holds the size."""


class WebdatasetSource(Source):
    """Tar files in the PDFA layout: `key.pdf` and, optionally, `key.json` with words and lines."""

    suffix: ClassVar[str] = ".tar"
    described: ClassVar[str] = "WebDataset shards of PDFs"
    holds: ClassVar[str] = "member *.pdf"

    kind: Literal["webdataset"]
    use_json: bool = False
    """Take words and lines from the JSON twin instead of reading them from the PDF."""

    def locate(self, file: FoundFile, *, patience: Patience) -> Iterator[Locator]:
        return locate_members(file, patience=patience)

    def read(
        self, file: RangeFile, locators: Iterator[Locator], *, max_file_bytes: int | None
    ) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
        for locator in locators:
            yield locator, _read_member(file, locator, with_twin=self.use_json, max_file_bytes=max_file_bytes)


# --- planning ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Member:
    kind: str
    """`pdf`, `json`, or `problem`, which has no twin."""
    stem: str
    locator: Locator
    number: int = 0
    twin: _Member | None = None


def locate_members(found: FoundFile, *, patience: Patience) -> Iterator[Locator]:
    """The PDF members of a tar in file order, each with the byte range of its twin; the key is the name without its
    last extension. Links and devices named like a PDF have the problem `not_a_file`. Raises `SetupError` for a
    compressed tar, from which ranges cannot be read."""
    if found.problem:
        yield Locator(found.source_uri, found.address, etag=found.etag, problem=found.problem)
        return
    with RangeFile(found.address, patience=patience) as file:
        yield from _pair_members(_read_members(file, found))


def _read_members(file: RangeFile, found: FoundFile) -> Iterator[_Member]:
    at = 0
    try:
        end = file.size if found.size is None else found.size
        _refuse_compressed(file.read_range(0, 6), found)
        # `TarFile.next` takes damage for the end; `fromtarfile`, which it calls, distinguishes the two
        headers = _HeaderReader(file, _READ_AHEAD_BYTES)
        tar = tarfile.TarFile(fileobj=headers, encoding="utf-8", errors="backslashreplace")
        tar.offset = 0
        while True:
            at = tar.offset
            headers.begin(at)
            try:
                info = tarfile.TarInfo.fromtarfile(tar)
            except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the end-of-archive mark
                if headers.read(_PADDING_BYTES).strip(b"\0"):
                    raise tarfile.ReadError("another tar was appended") from None
                return
            if tar.pax_headers and sum(map(len, chain(*tar.pax_headers.items()))) > _MAX_GLOBAL_CHARS:
                raise tarfile.ReadError("global headers of this size are damage")
            if len(info.name) > _MAX_NAME_CHARS:
                raise tarfile.ReadError("a name of this length is damage")
            # a negative size would loop backwards endlessly; data past the end of the file was truncated
            held = info.size if info.isreg() and not info.issparse() else 0
            if info.size < 0 or tar.offset <= at or info.offset_data + held > end:
                raise tarfile.ReadError("a member reaches beyond the file")
            if member := _describe_member(info, found):
                yield member
    except UnreadableError as refused:
        yield _Member("problem", "", _locate_problem(found, at, refused.refusal.reason))
    # besides its own errors, tarfile raises these on damaged files
    except (tarfile.TarError, ValueError, IndexError, KeyError, OverflowError, RecursionError):
        yield _Member("problem", "", _locate_problem(found, at, "unreadable_archive"))


class _HeaderReader(io.BufferedReader):
    """Gives tarfile the headers of one member at a time, limited in number and size, and only well-formed PAX records,
    since others take tarfile quadratic time and memory."""

    def __init__(self, raw: RangeFile, buffer_size: int) -> None:
        super().__init__(raw, buffer_size)
        self.begin(0)

    def begin(self, at: int) -> None:
        """Seek to the first header of a member."""
        self.seek(at)
        self._bytes_left, self._headers_left = _MAX_HEADER_BYTES, _MAX_HEADERS
        self._kind = b""
        """Type of the header read last; empty if the next block is a header."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self._bytes_left:
            raise tarfile.ReadError("headers of this size are damage")
        self._bytes_left -= size
        content = super().read(size)
        if not self._kind:
            self._headers_left -= 1
            if self._headers_left < 0:
                raise tarfile.ReadError("so many headers of one member are damage")
            self._kind = content[156:157]
        elif self._kind in _EXTENDED:
            if self._kind in _PAX:
                _check_records(content)
            self._kind = b""
        return content


def _check_records(content: bytes) -> None:
    """Raise ReadError, in linear time, unless a PAX header consists of records `LENGTH KEYWORD=VALUE\\n` and zeros."""
    records = content.rstrip(b"\0")
    if len(records) > _MAX_DIGITS and _TOO_MANY_ZEROS in records.translate(_DIGITS_AS_ZEROS):
        raise tarfile.ReadError("so many digits in a row are damage")
    at = 0
    while at < len(records):
        begun = _RECORD.match(records, at)
        behind = at + int(begun[1]) if begun else 0
        if begun is None or begun.end() > behind or records[behind - 1 : behind] != b"\n":
            raise tarfile.ReadError("PAX records that do not fit together are damage")
        at = behind


def _refuse_compressed(start: bytes, found: FoundFile) -> None:
    for magic, name in _COMPRESSED.items():
        if start.startswith(magic):
            raise SetupError(
                f"{found.source_uri} is compressed ({name}), and single documents cannot be read from it:"
                " decompress it and name the .tar."
            )


def _locate_problem(found: FoundFile, at: int, problem: str) -> Locator:
    return Locator(found.source_uri, found.address, offset=at, etag=found.etag, problem=problem)


def _describe_member(info: tarfile.TarInfo, found: FoundFile) -> _Member | None:
    stem, _, extension = info.name.rpartition(".")
    kind = extension.lower()
    if kind not in {"pdf", "json"} or info.isdir():
        return None
    is_file = info.isreg() and not info.issparse()
    if not is_file and kind == "json":
        return None
    locator = Locator(
        f"{found.source_uri}!{info.name}",
        found.address,
        member=info.name,
        offset=info.offset_data,
        size=info.size if is_file else None,
        etag=found.etag,
        problem=None if is_file else "not_a_file",
    )
    return _Member(kind if is_file else "problem", stem, locator)


def _pair_members(members: Iterator[_Member]) -> Iterator[Locator]:
    """Hold members back until their twin has appeared or would be too far away."""
    window: deque[_Member] = deque()
    waiting: dict[tuple[str, str], deque[_Member]] = {}

    def leave() -> Iterator[Locator]:
        member = window.popleft()
        if member.kind != "problem" and member.twin is None:
            _take_first(waiting, (member.kind, member.stem))
        if member.kind != "json":
            twin = member.twin.locator if member.twin else None
            yield _with_twin(member.locator, twin)

    for number, member in enumerate(members):
        member.number = number
        window.append(member)
        if member.kind != "problem":
            other = _take_first(waiting, ("json" if member.kind == "pdf" else "pdf", member.stem))
            if other:
                member.twin, other.twin = other, member
            else:
                waiting.setdefault((member.kind, member.stem), deque()).append(member)
        while window and (
            window[0].twin or window[0].kind == "problem" or number - window[0].number >= PAIRING_DISTANCE
        ):
            yield from leave()
    while window:
        yield from leave()


def _take_first(waiting: dict[tuple[str, str], deque[_Member]], key: tuple[str, str]) -> _Member | None:
    queue = waiting.get(key)
    if not queue:
        return None
    member = queue.popleft()
    if not queue:
        del waiting[key]
    return member


def _with_twin(locator: Locator, twin: Locator | None) -> Locator:
    return replace(locator, twin_offset=twin.offset, twin_size=twin.size) if twin else locator


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_member(
    file: RangeFile, locator: Locator, *, with_twin: bool, max_file_bytes: int | None
) -> SourceDocument | Refusal:
    offset, size = locator.offset, locator.size
    assert offset is not None
    assert size is not None
    if refusal := check_size(size, max_file_bytes=max_file_bytes):
        return refusal
    try:
        # the header before the content is read too: it shows whether this is still the tar that was planned
        block = file.read_range(offset - _BLOCK, offset + size)
        twin = None
        if with_twin and locator.twin_offset is not None and locator.twin_size is not None:
            if not check_size(locator.twin_size, max_file_bytes=max_file_bytes):
                twin = file.read_range(locator.twin_offset, locator.twin_offset + locator.twin_size)
            twin = twin if twin and len(twin) == locator.twin_size else None
    except UnreadableError as refused:
        return refused.refusal
    if len(block) != _BLOCK + size or not _is_header_of(block[:_BLOCK], size):
        return Refusal("source_changed", f"no member of {size} bytes at byte {offset}")
    return SourceDocument(block[_BLOCK:], twin)


def _is_header_of(header: bytes, size: int) -> bool:
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "backslashreplace")
    except tarfile.HeaderError:
        return False
    return info.size == size or size >= _LARGEST_PLAIN_SIZE
