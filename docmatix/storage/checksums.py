"""SHA256SUMS: the SHA-256 of the data files, and of every file of a finished run that no commit record vouches for.

    cd RUN && sha256sum --check SHA256SUMS

proves the dataset without docmatix.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from docmatix.pipeline import PACK
from docmatix.storage.records import Record, name_record
from docmatix.storage.run_files import TOKENIZER_FILE
from docmatix.storage.store import Store

CHECKSUMS = "SHA256SUMS"
_PICTURE = re.compile(r"\.(?:png|jpe?g|webp)$", re.IGNORECASE)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def write_checksums(store: Store, packed: Iterable[Record], *, contents: Mapping[str, bytes] | None = None) -> None:
    """Write the file unless it already has this content. `packed` are the records of `pack`; `contents` the files
    that are about to be written, by name."""
    contents = contents or {}
    sums = {record.file: record.sha256 for record in packed}
    for name in {*list_small_files(store), *contents}:
        content = contents[name] if name in contents else store.read(name)
        sums[name] = hashlib.sha256(content).hexdigest()
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items())).encode()
    if not store.exists(CHECKSUMS) or store.read(CHECKSUMS) != lines:
        store.write(CHECKSUMS, lines)


def read_checksums(store: Store) -> dict[str, str] | None:
    """SHA-256 in hexadecimal by name; None where there is no such file. Raises ValueError for one that is damaged."""
    if not store.exists(CHECKSUMS):
        return None
    text = store.read(CHECKSUMS).decode()
    found = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    if not text.endswith("\n") or not all(found):
        raise ValueError("a line is not a sum and a name")
    sums = {match[2]: match[1] for match in found if match}
    if len(sums) < len(found):
        raise ValueError("a name is there twice")
    return sums


def should_have_checksums(store: Store) -> bool:
    """Whether a run was packed by a version that writes SHA256SUMS: earlier ones did not seal records either."""
    name = name_record(PACK, 0)
    return not store.exists(name) or b'"seal"' in store.read(name)


def list_small_files(store: Store) -> list[str]:
    """The files of a run, outside of the stages and the data, that are read later."""
    folders = {folder: store.names(folder) for folder in ("dataset/plots", "dataset/samples")}
    names = [f"{folder}/{name}" for folder, found in folders.items() for name in found if _PICTURE.search(name)]
    single = ("run.yaml", "fingerprints.json", TOKENIZER_FILE, "dataset/README.md", "dataset/stats.json")
    return [*names, *(name for name in single if store.exists(name))]


def find_altered(store: Store, sums: Mapping[str, str], *, below: str = "") -> Iterator[str]:
    """The small files, those `below` a folder, that are not what the sums say: changed, added or missing."""
    there = set(list_small_files(store))
    beside = ("dataset/plots/", "dataset/samples/")  # earlier versions had the sums of all that lay there
    expected = {
        name
        for name in sums
        if not name.startswith("dataset/data/") and (_PICTURE.search(name) or not name.startswith(beside))
    }
    for name in sorted(there | expected):
        if not name.startswith(below):
            continue
        if name not in there or hashlib.sha256(store.read(name)).hexdigest() != sums.get(name):
            yield name


def has_unaltered(store: Store, *folders: str) -> bool:
    """Whether the small files below these folders are those that the sums vouch for."""
    try:
        sums = read_checksums(store)
    except ValueError:
        return False
    return sums is not None and not any(name for folder in folders for name in find_altered(store, sums, below=folder))
