"""What `dedup` keeps of the documents that it has decided about, so that those of a grown source are compared with them
without reading them again: files of ids, keys of bands, hashes of pages and decisions, beside the parts.

    RUN/dedup/keys/part-00017-3fa9c1d2.parquet   some shards, from this one on, named by its content

A file counts if it was made of the same parts of `extract`, after the same ones; else its shards are read as new ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.errors import BuildError
from docmatix.pipeline import DEDUP, EXTRACT
from docmatix.stages.support.compared_documents import KNOWN_LEFT_OUT, Documents, Flags, Keys, LeftOut
from docmatix.stages.support.duplicate_pages import ComparedPages, PageHashes
from docmatix.stages.support.job import Job
from docmatix.storage.bombs import check_footer
from docmatix.storage.parquet import open_parquet
from docmatix.storage.run_files import DECIDED_KEYS, is_own
from docmatix.storage.workspace import TextColumn

DOCUMENTS_IN_A_FILE = 1 << 17
_AT_ONCE = 1 << 14
_ABOUT = b"docmatix"
_TEXTS = ("doc_id", "source_uri")
_PAGES = {"page_numbers": pa.int32(), "page_words": pa.uint64(), "page_answers": pa.uint64()}
"""Lists of the pages that can be compared."""
_NAME = re.compile(r"part-(\d{5,})-([0-9a-f]{8})\.parquet", re.ASCII)


class Shards(NamedTuple):
    """Shards that follow one another, with the SHA-256 of their parts of `extract` and how many documents they have."""

    numbers: tuple[int, ...]
    sha256: tuple[str, ...]
    documents: tuple[int, ...]


class Block(NamedTuple):
    """Some documents of a file."""

    ids: npt.NDArray[np.bytes_]
    uris: list[str]
    flags: Flags
    keys: list[Keys]
    word_keys: list[Keys]
    near: npt.NDArray[np.bool_]
    favoured: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    pages: PageHashes


def begin_chain(job: Job) -> str:
    """What stands for all that the decisions about the first shard depend on, but for the shard."""
    return job.fingerprints[DEDUP]


def extend_chain(chain: str, shards: Shards) -> str:
    """What stands for these shards too."""
    for number, sha256, documents in zip(*shards, strict=True):
        chain = hashlib.sha256(f"{chain} {number} {sha256} {documents}".encode()).hexdigest()
    return chain


# --- reading ----------------------------------------------------------------------------------------------------------


class DecidedFile:
    """A file that counts: the shards that it has, and their documents."""

    def __init__(self, name: str, shards: Shards, parquet: pq.ParquetFile) -> None:
        self.name, self.shards, self._parquet = name, shards, parquet

    def iterate_blocks(self, documents: Documents) -> Iterator[Block]:
        """Its documents, for `documents`, in order."""
        for batch in self._parquet.iter_batches(batch_size=_AT_ONCE, use_threads=False):
            column = {name: batch.column(name) for name in batch.schema.names}
            number = {name: np.asarray(values) for name, values in column.items() if name not in (*_TEXTS, *_PAGES)}
            lists = [column[name] for name in _PAGES]
            counts = lists[0].value_lengths()
            if not all(counts.equals(each.value_lengths()) for each in lists[1:]):
                raise BuildError(f"{self.name} is damaged: it has pages without hashes. Remove it.")
            yield Block(
                np.array(column["doc_id"].to_pylist(), dtype="S32"),
                column["source_uri"].to_pylist(),
                number["flags"],
                [number[f"band_{place}"] for place in range(len(documents.keys))],
                [number[f"words_{place}"] for place in range(len(documents.word_keys))],
                number["near"] > 0,
                number["favoured"],
                number["similarity"],
                PageHashes(np.asarray(counts, dtype=np.int32), *(np.asarray(each.flatten()) for each in lists)),
            )


def find_decided(job: Job, shards: Sequence[int], documents: Documents) -> Iterator[DecidedFile]:
    """The files that have the first of the shards, as far as they count and all that they have is committed."""
    named: dict[int, list[str]] = {}
    for name in job.run.names(DECIDED_KEYS):
        if match := _NAME.fullmatch(name):
            named.setdefault(int(match[1]), []).append(f"{DECIDED_KEYS}/{name}")
    chain, place = begin_chain(job), 0
    while place < len(shards):
        found = (_open(job, name, chain, shards[place:], documents) for name in named.get(shards[place], ()))
        file = next((each for each in found if each is not None), None)
        if file is None:
            return
        yield file
        chain, place = extend_chain(chain, file.shards), place + len(file.shards.numbers)


def _open(job: Job, name: str, chain: str, shards: Sequence[int], documents: Documents) -> DecidedFile | None:
    with contextlib.suppress(BuildError, FileNotFoundError, pa.ArrowException, LookupError, TypeError, ValueError):
        content = job.run.read(name)
        match = _NAME.fullmatch(name.rpartition("/")[2])
        if match is None or hashlib.sha256(content).hexdigest()[:8] != match[2]:
            return None
        parquet = open_parquet(io.BytesIO(content))
        check_footer(parquet.metadata, len(content))
        about = json.loads(parquet.schema_arrow.metadata[_ABOUT])
        own = Shards(*(tuple(about[field]) for field in Shards._fields))
        there = shards[: len(own.numbers)]
        if (
            about["after"] == chain
            and parquet.schema_arrow.names == _make_schema(documents, {}).names
            and own.numbers == tuple(there)
            and sum(own.documents) == parquet.metadata.num_rows
            and own.sha256 == tuple(job.record(EXTRACT, shard).sha256 for shard in there)
            and all(job.is_current(DEDUP, shard) for shard in there)
        ):
            return DecidedFile(name, own, parquet)
    return None


# --- writing ----------------------------------------------------------------------------------------------------------


def write_decided(
    job: Job,
    documents: Documents,
    pages: ComparedPages,
    uris: TextColumn,
    left_out: LeftOut,
    shards: Shards,
    *,
    first: int,
    after: str,
) -> str:
    """Write a file of these shards, whose documents begin with the number `first`; returns its name."""
    end = first + sum(shards.documents)
    schema = _make_schema(documents, {"after": after, **shards._asdict()})
    with job.run.writing(DEDUP) as pending:
        sink = pa.BufferedOutputStream(pa.PythonFile(pending, mode="w"), 1 << 20)
        # keys are random: there is nothing to compress, or to look up in a dictionary
        compression = {name: "zstd" if name in _TEXTS else "none" for name in schema.names}
        parquet = pq.ParquetWriter(sink, schema, compression=compression, use_dictionary=False)
        for start in range(first, end, _AT_ONCE) if end > first else [first]:
            stop = min(start + _AT_ONCE, end)
            parquet.write_table(_make_table(documents, pages, uris, left_out, start, stop, schema))
        parquet.close()
        sink.close()
        name = f"{DECIDED_KEYS}/part-{shards.numbers[0]:05d}-{pending.sha256[:8]}.parquet"
        pending.publish(name)
    return name


def remove_others(job: Job, names: Sequence[str]) -> None:
    """Remove the files that do not count any more."""
    listed = [f"{DECIDED_KEYS}/{name}" for name in job.run.names(DECIDED_KEYS)]
    job.run.remove(*(name for name in listed if name not in set(names) and is_own(name)))


def _make_schema(documents: Documents, about: Mapping[str, object]) -> pa.Schema:
    keys = [f"band_{place}" for place in range(len(documents.keys))]
    keys += [f"words_{place}" for place in range(len(documents.word_keys))]
    fields = [("doc_id", pa.string()), ("source_uri", pa.string()), ("flags", pa.uint8()), ("near", pa.uint8())]
    fields += [("favoured", pa.int64()), ("similarity", pa.float64()), *((name, pa.uint64()) for name in keys)]
    fields += [(name, pa.list_(kind)) for name, kind in _PAGES.items()]
    return pa.schema(fields, metadata={_ABOUT: json.dumps(about).encode()})


def _make_table(
    documents: Documents,
    pages: ComparedPages,
    uris: TextColumn,
    left_out: LeftOut,
    start: int,
    stop: int,
    schema: pa.Schema,
) -> pa.Table:
    count = stop - start
    inside = slice(*np.searchsorted(left_out.numbers, (start, stop)).tolist())
    own = left_out.select(inside)
    at = own.numbers - start
    near, favoured, similarity = np.zeros(count, np.uint8), np.full(count, -1, np.int64), np.zeros(count)
    near[at], favoured[at], similarity[at] = own.near, own.favoured, own.similarity
    flags = documents.flags.read(start, stop).copy()
    flags[at] |= KNOWN_LEFT_OUT
    ids = [doc_id.decode() for doc_id in documents.ids.read(start, stop).tolist()]
    numbers = [flags, near, favoured, similarity]
    numbers += [column.read(start, stop) for column in (*documents.keys, *documents.word_keys)]
    texts = uris.take(np.arange(start, stop))
    found = pages.read(start, stop)
    offsets = np.concatenate(([0], np.cumsum(found.counts))).astype(np.int32)
    lists = [pa.ListArray.from_arrays(offsets, pa.array(each)) for each in found[1:]]
    columns = [pa.array(ids, pa.string()), pa.array(texts, pa.string()), *map(pa.array, numbers), *lists]
    return pa.table(columns, schema=schema)
