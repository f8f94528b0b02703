"""The index of a stage: its records in one file, so that a later process fetches only those that have changed since.

    sha256 of the rest, in hexadecimal
    {"stage": "extract", "shard": [0, 1, ...], "file": [...], ...}

It proves nothing and is never needed. A record in it counts only while a listing has the same version of that record's
file. An index that is damaged is as good as none, and the next build writes it again. Whoever proves a run reads its
records.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Iterator, Mapping

import orjson

from docmatix.core.errors import RunRefused
from docmatix.storage.records import SlimRecord
from docmatix.storage.run_files import RECORD_INDEX, choose_pattern
from docmatix.storage.store import Store

_COLUMNS = {
    "file": str,
    "rows": int,
    "size": int,
    "sha256": str,
    "fingerprint": str,
    "inputs": list,
    "ledger": str,
    "extra": str,
    "version": str,
}


def name_index(stage: str) -> str:
    return f"{stage}/{RECORD_INDEX}"


def write_index(store: Store, stage: str, records: Mapping[int, SlimRecord]) -> None:
    """Write the index of a stage, of the records whose version is known; it may be lost with the machine's power."""
    known = [(shard, slim) for shard, slim in sorted(records.items()) if slim.version is not None]
    columns = {name: [getattr(slim, name) for _, slim in known] for name in _COLUMNS}
    content = orjson.dumps({"stage": stage, "shard": [shard for shard, _ in known], **columns})
    store.write(name_index(stage), hashlib.sha256(content).hexdigest().encode() + b"\n" + content, durable=False)


def read_index(store: Store, stage: str, *, shared: dict[str, str]) -> dict[int, SlimRecord]:
    """The records in the index of a stage, each with the version that it was read from; none where the index is
    missing, damaged or forged. Texts are kept once, in `shared`."""
    try:
        content = store.read(name_index(stage))  # which may wait for a store for hours
        with collecting_paused():
            return _parse(stage, content, shared)
    except (FileNotFoundError, RunRefused, ValueError, LookupError, TypeError):
        return {}


def _parse(stage: str, content: bytes, shared: dict[str, str]) -> dict[int, SlimRecord]:
    seal, _, rest = content.partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != seal:
        raise ValueError("its content is not what was sealed")
    fields = orjson.loads(rest)
    if fields["stage"] != stage:
        raise ValueError("it is another stage's")
    shards: list[int] = fields["shard"]
    for name, kind in {"shard": int, **_COLUMNS}.items():
        if len(fields[name]) != len(shards) or not set(map(type, fields[name])) <= {kind}:
            raise TypeError("a column has the wrong type, or not a value for each record")
    # the names in `extra` are looked at when it is parsed
    if not all(map(choose_pattern(stage).fullmatch, fields["file"])):
        raise ValueError("it names a file that is not of its stage")
    share = shared.setdefault
    for name in ("sha256", "fingerprint", "ledger"):
        fields[name] = list(map(share, fields[name], fields[name]))
    fields["inputs"] = [tuple(map(share, inputs, inputs)) for inputs in fields["inputs"]]
    rows = map(SlimRecord._make, zip(*(fields[name] for name in _COLUMNS), strict=True))
    return dict(zip(shards, rows, strict=True))


@contextlib.contextmanager
def collecting_paused() -> Iterator[None]:
    """No search for cycles of garbage meanwhile, in the whole process: over a hundred thousand records, of which none
    is part of one, it takes almost as long as parsing them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
