"""Where documents are: what planning records of each, and what reading gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docmatix.core.documents import Refusal


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a document's bytes are; nothing of the document was read to make it."""

    source_uri: str
    """The name that is published: a URL, or a local path that begins with the name of the pattern's fixed directory
    (`samples/invoice.pdf`); then `!key.pdf` for a tar member, `#17` for a Parquet row. Never an absolute local path."""
    address: str
    """The absolute path or fsspec URL of the file that is opened."""
    member: str | None = None
    """The tar member's name."""
    offset: int | None = None
    """The first byte of the member within the tar."""
    size: int | None = None
    """Bytes of the document, where known."""
    row: int | None = None
    """The Parquet row, from 0."""
    twin_offset: int | None = None
    """The JSON twin's first byte within the tar."""
    twin_size: int | None = None
    etag: str | None = None
    """What the listing says of the file's version (an etag, or time and size)."""
    problem: str | None = None
    """Why nothing can be read here (`unreadable_archive`, `not_a_file`, `unsafe_name`): the locator stands for what
    cannot be reached, so that it is counted."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it came: the PDF's bytes and, where asked for and present, those of its JSON twin."""

    pdf: bytes
    twin: bytes | None = None


class FoundFile(NamedTuple):
    """A file that a pattern names; the fields are those of `Locator`."""

    source_uri: str
    address: str
    size: int | None
    etag: str | None
    problem: str | None


class UnreadableError(Exception):
    """A file cannot be read, and trying again would not help; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason, refusal.detail)
        self.refusal = refusal
