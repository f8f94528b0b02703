"""`files`: each file is a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from docmatix.core.documents import Refusal
from docmatix.sources.locators import FoundFile, Locator, SourceDocument, UnreadableError
from docmatix.sources.remote_files import RangeFile, check_size
from docmatix.sources.source import Source
from docmatix.storage.patience import Patience


class FilesSource(Source):
    """PDF files: paths, globs, directories (searched for `*.pdf`), or fsspec URLs such as `s3://bucket/a/*.pdf`."""

    suffix: ClassVar[str] = ".pdf"
    described: ClassVar[str] = "PDF files"

    kind: Literal["files"]

    def locate(self, file: FoundFile, *, patience: Patience) -> Iterator[Locator]:
        yield Locator(file.source_uri, file.address, size=file.size, etag=file.etag, problem=file.problem)

    def read(
        self, file: RangeFile, locators: Iterator[Locator], *, max_file_bytes: int | None
    ) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
        for locator in locators:
            yield locator, _read_file(file, locator, max_file_bytes=max_file_bytes)


def _read_file(file: RangeFile, locator: Locator, *, max_file_bytes: int | None) -> SourceDocument | Refusal:
    try:
        size = file.size if locator.size is None else locator.size
        file.planned_size = size
        if refusal := check_size(size, max_file_bytes=max_file_bytes):
            return refusal
        pdf = file.read_range(0, size + 1)  # one byte more, to notice a file that has grown
    except UnreadableError as refused:
        return refused.refusal
    return SourceDocument(pdf) if len(pdf) == size else Refusal("source_changed", f"no longer {size} bytes")
