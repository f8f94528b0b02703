"""Where documents come from: PDF files, tars of PDFs (WebDataset), Parquet columns; local or on any fsspec filesystem.

`list_documents` says where each document's bytes are and reads none of them; `read_documents` fetches them later, in
another process or on another machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from docmatix.config import FilesSource, ParquetSource, Source, WebdatasetSource
from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.sources.files import Locator, RangeFile, SourceDocument, find_files, locate_file, read_files
from docmatix.sources.parquet import locate_rows, read_rows
from docmatix.sources.webdataset import locate_members, read_members
from docmatix.storage.store import PATIENCE_S, Patience, log_outage

__all__ = ["Locator", "SourceDocument", "list_documents", "read_documents"]


def list_documents(
    source: Source,
    *,
    base_dir: Path,
    patience_s: float = PATIENCE_S,
    say: Callable[[str], object] = log_outage,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Locator]:
    """Every document of the source, in an order that depends on names alone, each file once.

    Relative paths begin in `base_dir`. A store that is away is tried for `patience_s` seconds, and `say` is told of it.
    Raises `SetupError` at once for a pattern that matches nothing or a protocol without its package, within seconds for
    a store that has never answered, at a file for a missing column or a compressed tar, and at the end if there was no
    document; `SourceGone` when the source stays unreachable.
    """
    patience = Patience(limit_s=patience_s, say=say, sleep=sleep)
    suffix = {"files": ".pdf", "webdataset": ".tar", "parquet": ".parquet"}[source.kind]
    found = find_files(source.paths, base_dir=base_dir, suffix=suffix, patience=patience)
    if isinstance(source, FilesSource):
        return map(locate_file, found)
    if isinstance(source, WebdatasetSource):
        listed = (locator for file in found for locator in locate_members(file, patience=patience))
    else:
        listed = (locator for file in found for locator in locate_rows(file, column=source.column, patience=patience))
    return _require_some(listed, source)


def _require_some(locators: Iterator[Locator], source: WebdatasetSource | ParquetSource) -> Iterator[Locator]:
    first = next(locators, None)
    if first is None:
        missing = "member *.pdf" if isinstance(source, WebdatasetSource) else "row"
        raise SetupError(
            f"The files of `source.paths` ({', '.join(map(hide_in_url, source.paths))}) hold no {missing}."
        )
    yield first
    yield from locators


def read_documents(
    locators: Iterable[Locator],
    *,
    source: Source,
    max_file_bytes: int | None = None,
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
    """The bytes of each locator's document, in order, or why there are none.

    Reasons: `missing`, `no_access` (no permission), `not_a_file` (a pipe, a device), `source_changed`, `too_large`,
    `empty`, `unreadable_archive`, and the locator's own `problem`. Locators of one file that follow each other share
    one open file. Memory: one document, and for Parquet the pages of one column being decoded. Raises `SourceGone`
    when the source stays unreachable for `patience_s` seconds.
    """
    patience = Patience(limit_s=patience_s, sleep=sleep)
    for (address, problem), group in groupby(locators, key=lambda locator: (locator.address, locator.problem)):
        if problem:
            yield from ((locator, Refusal(problem, _describe_place(locator))) for locator in group)
            continue
        with RangeFile(address, patience=patience) as file:
            if isinstance(source, FilesSource):
                yield from read_files(file, group, max_file_bytes=max_file_bytes)
            elif isinstance(source, WebdatasetSource):
                yield from read_members(file, group, with_twin=source.use_json, max_file_bytes=max_file_bytes)
            else:
                yield from read_rows(file, group, column=source.column, max_file_bytes=max_file_bytes)


def _describe_place(locator: Locator) -> str:
    return locator.source_uri if locator.offset is None else f"{locator.source_uri} from byte {locator.offset}"
