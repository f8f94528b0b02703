"""The documents of a source: `list_documents` finds them and reads none, `read_documents` fetches them, on any
machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.sources.discovery import find_files
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.remote_files import RangeFile
from docmatix.sources.source import Source
from docmatix.storage.patience import PATIENCE_S, Patience, log_outage


def list_documents(
    source: Source,
    *,
    base_dir: Path,
    patience_s: float = PATIENCE_S,
    say: Callable[[str], object] = log_outage,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Locator]:
    """Every document of the source, in an order that depends on names alone, each file once.

    Relative paths begin in `base_dir`. A store that does not respond is retried for `patience_s` seconds.
    Raises `SetupError` at once for a pattern that matches nothing or a protocol without its package, within seconds for
    a store that has never answered, at a file for a missing column or a compressed tar, and at the end if there was no
    document; `SourceGone` when the source stays unreachable.
    """
    patience = Patience(limit_s=patience_s, say=say, sleep=sleep)
    found = find_files(source.paths, base_dir=base_dir, suffix=source.suffix, patience=patience)
    return _require_some((locator for file in found for locator in source.locate(file, patience=patience)), source)


def _require_some(locators: Iterator[Locator], source: Source) -> Iterator[Locator]:
    first = next(locators, None)
    if first is None:
        raise SetupError(
            f"The files of `source.paths` ({', '.join(map(hide_in_url, source.paths))}) hold no {source.holds}."
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
            yield from source.read(file, group, max_file_bytes=max_file_bytes)


def _describe_place(locator: Locator) -> str:
    return locator.source_uri if locator.offset is None else f"{locator.source_uri} from byte {locator.offset}"
