"""Where documents are: what planning records about each, and what reading returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docmatix.core.documents import Refusal


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a document's bytes are, found without reading the document."""

    source_uri: str
    """The published name: a URL, or a local path that starts at the pattern's fixed directory (`samples/invoice.pdf`);
    then `!key.pdf` for a tar member or `#17` for a Parquet row. Never an absolute local path."""
    address: str
    """The absolute path or fsspec URL of the file to open."""
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
    """The file's version in the listing: an etag, or time and size."""
    problem: str | None = None
    """Why nothing can be read here (`unreadable_archive`, `not_a_file`, `unsafe_name`); such a locator exists so that
    the loss is counted."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as stored: the PDF's bytes and, if requested and present, those of its JSON twin."""

    pdf: bytes
    twin: bytes | None = None


class FoundFile(NamedTuple):
    """A file that a pattern matches; its fields are those of `Locator`."""

    source_uri: str
    address: str
    size: int | None
    etag: str | None
    problem: str | None


class UnreadableError(Exception):
    """A file cannot be read, and a retry would not help; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason, refusal.detail)
        self.refusal = refusal
