"""The index of a stage: its records in one file, so that a later process fetches only those that have changed since.

    sha256 of the rest, in hexadecimal
    {"stage": "extract", "records": [[shard, version, file, rows, ...], ...]}

It proves nothing and is never needed. A record in it counts only while a listing has the same version of that record's
file. An index that is damaged is as good as none, and the next build writes it again. Whoever proves a run reads its
records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from docmatix.core.errors import RunRefused
from docmatix.storage.records import SlimRecord
from docmatix.storage.run_files import RECORD_INDEX, find_foreign_name
from docmatix.storage.store import Store

_FIELDS = (int, str, str, int, int, str, str, list, str, str)


def name_index(stage: str) -> str:
    return f"{stage}/{RECORD_INDEX}"


_VERSION = SlimRecord._fields.index("version")


def write_index(store: Store, stage: str, records: Mapping[int, SlimRecord]) -> None:
    """Write the index of a stage, of the records whose version is known; it may be lost with the machine's power."""
    rows = [
        [shard, slim.version, *slim[:_VERSION]] for shard, slim in sorted(records.items()) if slim.version is not None
    ]
    content = orjson.dumps({"stage": stage, "records": rows})
    store.write(name_index(stage), hashlib.sha256(content).hexdigest().encode() + b"\n" + content, durable=False)


def read_index(store: Store, stage: str, *, shared: dict[str, str]) -> dict[int, SlimRecord]:
    """The records in the index of a stage, each with the version that it was read from; none where the index is
    missing, damaged or forged. Texts are kept once, in `shared`."""
    try:
        return _parse(stage, store.read(name_index(stage)), shared)
    except (FileNotFoundError, RunRefused, ValueError, LookupError, TypeError):
        return {}


def _parse(stage: str, content: bytes, shared: dict[str, str]) -> dict[int, SlimRecord]:
    seal, _, rest = content.partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != seal:
        raise ValueError("its content is not what was sealed")
    fields = orjson.loads(rest)
    if fields["stage"] != stage:
        raise ValueError("it is another stage's")
    share = shared.setdefault
    records = {}
    for row in fields["records"]:
        if tuple(map(type, row)) != _FIELDS:
            raise TypeError("a field has the wrong type")
        shard, version, file, rows, size, sha256, fingerprint, inputs, ledger, extra = row
        # a key may be written with escapes
        named = orjson.loads(extra) if "replies" in extra or "\\" in extra else {}
        if find_foreign_name(stage, file, named) is not None:
            raise ValueError("it names a file that is not of its stage")
        records[shard] = SlimRecord(
            file,
            rows,
            size,
            share(sha256, sha256),
            share(fingerprint, fingerprint),
            tuple([share(each, each) for each in inputs]),
            share(ledger, ledger),
            extra,
            version,
        )
    return records
