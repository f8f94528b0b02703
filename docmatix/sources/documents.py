"""The documents of a source: `list_documents` finds them without reading any, `read_documents` fetches them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.core.proxies import find_ignored_proxy
from docmatix.core.redaction import hide_in_url
from docmatix.sources.discovery import find_files
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.remote_files import RangeFile
from docmatix.sources.source import Source
from docmatix.storage.filesystems import uses_proxies
from docmatix.storage.patience import PATIENCE_S, Patience, log_outage


def list_documents(
    source: Source,
    *,
    base_dir: Path,
    patience_s: float = PATIENCE_S,
    say: Callable[[str], object] = log_outage,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Locator]:
    """Every document of the source, each file once, ordered by name alone; relative paths begin in `base_dir`. Raises
    SetupError for a pattern without a match, a store that has never responded, an unusable file or no document at all,
    and SourceGone if the source stays unreachable for `patience_s` seconds."""
    patience = Patience(limit_s=patience_s, say=say, sleep=sleep)
    for path in source.paths:
        if (variable := find_ignored_proxy(path)) and not uses_proxies():
            say(
                f"the proxy in {variable} is not used, {hide_in_url(path)} is read directly; FSSPEC_HTTP="
                '\'{"client_kwargs": {"trust_env": true}}\' has it used'
            )
            break
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
    """The bytes of each locator's document, in order, or the reason there are none: `missing`, `no_access`,
    `not_a_file`, `source_changed`, `too_large`, `empty`, `unreadable_archive`, or the locator's `problem`. Holds one
    document in memory. Raises `SourceGone` if the source stays unreachable for `patience_s` seconds."""
    patience = Patience(limit_s=patience_s, sleep=sleep)
    for (address, problem), group in groupby(locators, key=lambda locator: (locator.address, locator.problem)):
        if problem:
            yield from ((locator, Refusal(problem, _describe_place(locator))) for locator in group)
            continue
        with RangeFile(address, patience=patience) as file:
            yield from source.read(file, group, max_file_bytes=max_file_bytes)


def _describe_place(locator: Locator) -> str:
    return locator.source_uri if locator.offset is None else f"{locator.source_uri} from byte {locator.offset}"
