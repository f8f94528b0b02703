"""Inspects files before any leaves the machine: loadable, of the declared schema, without local paths or secrets.

Parquet files are read batch by batch, without their images.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docmatix.check.files import check_row_groups
from docmatix.dataset.published_card import split_card
from docmatix.storage.bombs import check_footer
from docmatix.storage.parquet import open_parquet
from docmatix.storage.store import Store

_TEXT_LIMIT = 64 << 20
_BATCH_ROWS = 256

_TOKENS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{20,}",
    "an API key (sk-...)": r"\bsk-[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})",
    "a Slack token": r"\bxox[baprs]-[A-Za-z0-9-]{10,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}
# narrower than `redaction.is_secret_name`: a match stops the push, and variables ending in `_KEY` may hold plain words
_SECRET_NAME = re.compile(r"(?:^|_)(?:TOKEN|API_?KEY|SECRET(?:_ACCESS)?_KEY|SECRET|PASSWORD|PASSWD)$")
_SHORTEST_SECRET = 12  # shorter values (`none`, `password`) are in texts by chance
_LOCAL = r"^(?:/|~|file:|[A-Za-z]:[\\/]|\\\\)"
_LOCAL_IN_TEXT = re.compile(
    r"(?<![\w.:/~\\<])(?:/(?:home|Users|root|tmp|var|mnt|media|srv|opt|scratch|lustre|gpfs|nfs|data|work|workspace)/[^\s\"'`)<>|]+"
    r"|file:///[^\s\"'`)<>|]+|[A-Z]:\\[^\s\"'`)<>|]+)"
)
_NAMES_SOURCES = ("source_uri", "texts.list.element.source", "images.list.element.path")
_NAMES_MODELS = ("model", "annotations.list.element.model")


_PATH = "an absolute local path"
_ADVICE_SOURCE = (
    "it discloses details of your machine; use names that may be public in `source.paths` (or the column it is from),"
    " and rebuild."
)
_ADVICE_MODEL = "it discloses details of your machine; rebuild, which names models by the last part of their path."
_ADVICE_PATH = dict.fromkeys(_NAMES_SOURCES, _ADVICE_SOURCE) | dict.fromkeys(_NAMES_MODELS, _ADVICE_MODEL)
_ADVICE_TEXT = "it discloses details of your machine; edit that line of the file in the run, which is sent as it is."
_ADVICE_SECRET = "remove it from its origin (source, prompt or card) and revoke it."


class Inspection:
    """What is wrong with the files that it reads: of each kind and place how often, and where first."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._secrets = secrets
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def describe(self) -> list[str]:
        """One sentence each."""
        counted = []
        for (what, column), times in sorted(self._counts.items()):
            advice = _ADVICE_PATH.get(column, _ADVICE_TEXT) if what == _PATH else _ADVICE_SECRET
            places = f"{times} place{'s' if times > 1 else ''}, first in {self._first[what, column]}"
            counted.append(f"{column} holds {what} in {places}: {advice}")
        return [*self.problems, *counted]

    def read_table(self, store: Store, name: str, schema: pa.Schema, *, shown: str) -> tuple[int, int]:
        """Inspect a Parquet file, `shown` to users; returns its rows, and their bytes without compression."""
        try:
            with store.open(name) as stream, open_parquet(stream) as parquet:
                check_footer(parquet.metadata, stream.seek(0, io.SEEK_END))
                return self._read_table(parquet, schema, shown)
        except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
            self.problems.append(f"{shown} cannot be read ({' '.join(str(error).split())[:200]}): rebuild it.")
            return 0, 0

    def _read_table(self, parquet: pq.ParquetFile, schema: pa.Schema, shown: str) -> tuple[int, int]:
        metadata = parquet.metadata
        advice = "Rebuild it with a smaller pack.row_group_mb or pack.max_row_mb."
        self.problems += [f"{shown}: {problem} {advice}" for problem in check_row_groups(parquet, decode=False)]
        self._compare_schemas(parquet.schema_arrow, schema, shown)
        for key, value in (metadata.metadata or {}).items():
            if key != b"ARROW:schema":
                self._find_in_text(f"{shown} ({key.decode(errors='replace')})", value.decode(errors="replace"))
        columns = _list_string_columns(parquet)
        seen = 0
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns, use_threads=False):
            where = f"{shown}, rows {seen} to {seen + len(batch) - 1}"
            for column, texts in _list_strings(batch):
                self._find_in_strings(column, texts, where)
            seen += len(batch)
        size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
        return metadata.num_rows, size

    def read_text(self, store: Store, name: str) -> None:
        """Inspect a card, `stats.json` or another text file; other files are skipped."""
        if (store.size(name) or 0) > _TEXT_LIMIT:
            return
        try:
            text = store.read(name).decode()
        except UnicodeDecodeError:
            return
        if name.endswith("README.md"):
            try:
                if not split_card(text)[0].get("configs"):
                    self.problems.append(f"{name}: its metadata names no `configs`: rebuild it.")
            except ValueError as error:
                self.problems.append(f"{name}: {error}.")
        if name.endswith(".json"):
            try:
                json.loads(text)
            except (ValueError, RecursionError):
                self.problems.append(f"{name} is not valid JSON.")
        self._find_in_text(name, text)

    def _compare_schemas(self, found: pa.Schema, declared: pa.Schema, shown: str) -> None:
        if not found.equals(declared):
            self.problems.append(f"{shown}: its schema is not the declared one: rebuild it.")
            return
        wanted, own = ((schema.metadata or {}).get(b"huggingface") for schema in (declared, found))
        if wanted is not None and (own is None or json.loads(own) != json.loads(wanted)):
            problem = "without the declared `huggingface` metadata images would be read as bytes: rebuild it."
            self.problems.append(f"{shown}: {problem}")

    def _find_in_text(self, shown: str, text: str) -> None:
        for what, value in self._secrets.items():
            if times := text.count(value):
                self._count(what, shown, times, _place(text, text.index(value)))
        for what, pattern in _TOKENS.items():
            if hits := [hit for hit in re.finditer(pattern, text) if _is_token(what, hit[0])]:
                self._count(what, shown, len(hits), _place(text, hits[0].start()))
        if hits := list(_LOCAL_IN_TEXT.finditer(text)):
            self._count(_PATH, shown, len(hits), f"{_place(text, hits[0].start())} ({hits[0][0][:80]})")

    def _find_in_strings(self, column: str, texts: pa.Array, where: str) -> None:
        """Arrow looks first: hardly any string needs Python."""
        if column in _ADVICE_PATH:
            local = texts.filter(pc.match_substring_regex(texts, _LOCAL))
            if len(local):
                self._count(_PATH, column, len(local), f"{where} ({local[0].as_py()[:80]})")
        for what, value in self._secrets.items():
            if times := pc.sum(pc.match_substring(texts, value)).as_py():
                self._count(what, column, times, where)
        suspects = texts.filter(pc.match_substring_regex(texts, "|".join(_TOKENS.values())))
        for text in suspects.to_pylist():
            for what, pattern in _TOKENS.items():
                if any(_is_token(what, hit[0]) for hit in re.finditer(pattern, text)):
                    self._count(what, column, 1, where)

    def _count(self, what: str, column: str, times: int, where: str) -> None:
        self._counts[what, column] += times
        self._first.setdefault((what, column), where)


def find_secrets(environment: Mapping[str, str] | None = None, *, names: Sequence[str] = ()) -> dict[str, str]:
    """The values that must not be published, by what users know them as: the Hub's token, and those of environment
    variables that are named like secrets or in `names`."""
    from huggingface_hub import get_token

    environment = os.environ if environment is None else environment
    found = {
        f"the value of {name}": value.strip()
        for name, value in environment.items()
        if (name in names or _SECRET_NAME.search(name.upper())) and not value.strip().startswith(("/", "~"))
    }
    if token := get_token():
        found["your token for the Hub"] = token
    return {name: value for name, value in found.items() if len(value) >= _SHORTEST_SECRET and " " not in value}


def _is_token(what: str, hit: str) -> bool:
    # unlike `sk-learn-0.24` or a slug, a key is long and mostly one run of letters and digits
    if not what.startswith("an API key"):
        return True
    longest = max((len(run) for run in re.findall(r"[A-Za-z0-9]+", hit)), default=0)
    return len(hit) >= 23 and longest >= 16


def _list_string_columns(parquet: pq.ParquetFile) -> list[str]:
    schema = parquet.schema
    columns = [schema.column(number) for number in range(len(schema.names))]
    return [column.path for column in columns if "string" in str(column.logical_type).lower()]


def _list_strings(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """Every string column of a batch, flattened, with its dotted path."""

    def walk(path: str, values: Any) -> Iterator[tuple[str, pa.Array]]:
        if pa.types.is_list(values.type):
            yield from walk(f"{path}.list.element", values.flatten())
        elif pa.types.is_struct(values.type):
            for number, child in enumerate(values.type):
                yield from walk(f"{path}.{child.name}", values.field(number))
        elif pa.types.is_string(values.type):
            yield path, values.drop_null()

    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        yield from walk(name, values)


def _place(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1}"
