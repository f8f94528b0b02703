"""The family of sources: where documents come from, and how they are listed and read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from docmatix.core.documents import Refusal
from docmatix.core.kinds import Kind
from docmatix.core.redaction import hide_in_url
from docmatix.sources.locators import FoundFile, Locator, SourceDocument
from docmatix.sources.remote_files import RangeFile
from docmatix.storage.patience import Patience


def _tell_apart(paths: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(map(hide_in_url, paths))) < len(set(paths)):
        raise ValueError(
            "two addresses differ only in a password or signature, which is not recorded: name one of them"
        )
    return paths


class Source(Kind):
    """A place that documents come from: files, each of which holds one document or many. Planning calls `locate` once
    per file, in the driver; later stages call `read`, on any worker."""

    family: ClassVar[str] = "source"
    suffix: ClassVar[str]
    """The ending of its files' names, for searching a folder."""
    described: ClassVar[str] = "documents"
    """Its name in the dataset card."""
    holds: ClassVar[str] = "document"
    """What a file contains, for the message that none was found."""

    kind: str
    paths: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_tell_apart)]
    """Local paths, globs, directories or URLs. Passwords and signatures in them are used and never recorded."""

    def locate(self, file: FoundFile, *, patience: Patience) -> Iterator[Locator]:
        """A locator for each document in a file, without reading the documents."""
        raise NotImplementedError

    def read(
        self, file: RangeFile, locators: Iterator[Locator], *, max_file_bytes: int | None
    ) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
        """The documents of locators that all point into `file`, in order, or why they cannot be read."""
        raise NotImplementedError
