"""Looking at what a build made: samples, pairs, and what was dropped. Works on a run, a dataset folder, or a URL."""

from __future__ import annotations

import hashlib
import heapq
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow.parquet as pq

from docmatix.driver import read_job
from docmatix.errors import SetupError
from docmatix.run_directory import RunDirectory

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that was left out: at which stage, what it was, why, and what is known about it."""

    stage: str
    reason: str
    what: str
    detail: str


class Collection:
    """A dataset to look at; `docmatix.open` makes one.

    `path` is a run, a folder with a dataset (`data/*.parquet` or Parquet files), or an fsspec URL of these
    (`hf://datasets/OWNER/NAME`; `OWNER/NAME` means the same). Raises SetupError where there is nothing to open.
    """

    def __init__(self, path: str) -> None:
        directory = RunDirectory(path)
        directory.require_reachable()
        if not directory.exists("") and path.count("/") == 1 and not path.startswith((".", "/")):
            directory = _open_repository(path)
        directory.require_reachable()
        self._directory = directory
        self.is_run = directory.exists("run.yaml")
        folders = ("dataset/data",) if self.is_run else ("data", "dataset/data", "")
        self.files = next(
            (found for folder in folders if (found := [f for f in _join(folder, directory) if f.endswith(".parquet")])),
            [],
        )
        if not self.files and not self.is_run:
            raise SetupError(f"There is neither a run nor a dataset in {path}.")

    def rows(self, *, images: bool = True) -> Iterator[dict[str, Any]]:
        """The rows in order, as plain dicts; without `images` their bytes are not read."""
        for name in self.files:
            with self._directory.open(name) as stream, pq.ParquetFile(stream) as parquet:
                columns = [column for column in parquet.schema_arrow.names if images or column != "images"]
                for batch in parquet.iter_batches(batch_size=1 if images else 64, columns=columns):
                    yield from batch.to_pylist()

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Every pair with its place: `question`, `answer`, `source_uri`, `page_numbers`, and what is annotated."""
        for row in self.rows(images=False):
            annotations = row.get("annotations") or [{}] * len(row["texts"])
            for text, annotation in zip(row["texts"], annotations, strict=True):
                yield {
                    "question": text["user"],
                    "answer": text["assistant"],
                    "source_uri": row.get("source_uri") or text["source"],
                    "page_numbers": row.get("page_numbers"),
                    **annotation,
                }

    def sample(self, count: int, *, seed: int = 0) -> list[dict[str, Any]]:
        """Rows drawn by content and seed (without images): the same ones whatever the order of the files."""
        return draw(self.rows(images=False), count, seed=seed, key=lambda row: str(row["texts"]))

    def sample_pairs(self, count: int, *, seed: int = 0) -> list[dict[str, Any]]:
        """Pairs drawn by content and seed."""
        return draw(
            self.pairs(), count, seed=seed, key=lambda pair: f"{pair['source_uri']}{pair['question']}{pair['answer']}"
        )

    def dropped(self, reason: str | None = None) -> Iterator[Dropped]:
        """What a run left out, stage by stage, for one reason or any. Raises SetupError if this is not a run."""
        if not self.is_run:
            raise SetupError("Only a run knows what was dropped; give the run directory.")
        found = _read_dropped(self._directory)
        return (item for item in found if reason is None or item.reason == reason)


def _open_repository(path: str) -> RunDirectory:
    try:
        directory = RunDirectory(f"hf://datasets/{path}")
        directory.require_reachable()
    except SetupError as error:
        raise SetupError(f"There is no {path} here, and the Hub cannot be asked for it ({error})") from None
    return directory


def draw(items: Iterable[Item], count: int, *, seed: int, key: Callable[[Item], str]) -> list[Item]:
    """`count` items by the smallest hash of seed and key, in the order they came; one pass, `count` in memory."""
    marked = (
        (hashlib.sha256(f"{seed}\n{key(item)}".encode()).digest(), number, item) for number, item in enumerate(items)
    )
    return [item for _, _, item in sorted(heapq.nsmallest(count, marked, key=lambda m: m[:2]), key=lambda m: m[1])]


def describe_row(row: dict[str, Any], *, width: int = 100) -> str:
    """A sample for the terminal: where it is from, and its pairs with their evidence."""
    numbers = row.get("page_numbers") or ()
    pages = f", page{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else ""
    lines = [f"{row.get('source_uri') or row['texts'][0]['source']}{pages}"]
    annotations = row.get("annotations") or [{}] * len(row["texts"])
    for text, annotation in zip(row["texts"], annotations, strict=True):
        lines += _describe_pair({"question": text["user"], "answer": text["assistant"], **annotation}, width)
    return "\n".join(lines)


def describe_pair(pair: dict[str, Any], *, width: int = 100) -> str:
    """One pair for the terminal, with its source."""
    return "\n".join([*_describe_pair(pair, width), f"     {pair['source_uri']}"])


def _describe_pair(pair: dict[str, Any], width: int) -> list[str]:
    lines = textwrap.wrap(pair["question"], width, initial_indent="  Q  ", subsequent_indent="     ")
    lines += textwrap.wrap(pair["answer"], width, initial_indent="  A  ", subsequent_indent="     ")
    facts = [f"page {evidence['page']}" for evidence in (pair.get("evidence") or ())[:1]]
    facts += [f"{name} {value:.2f}" for name, value in (pair.get("scores") or {}).items() if value is not None]
    if pair.get("prompt"):
        facts.append(str(pair["prompt"]))
    return [*lines, f"     [{', '.join(facts)}]"] if facts else lines


def _join(folder: str, directory: RunDirectory) -> list[str]:
    return [f"{folder}/{name}" if folder else name for name in directory.names(folder)]


def _read_dropped(run: RunDirectory) -> Iterator[Dropped]:
    stages = read_job(run).stages
    for shard in run.shards("extract"):
        columns = ["source_uri", "reason", "detail", "pages.list.element.number", "pages.list.element.reason"]
        for row in run.iterate_rows("extract", shard, columns=columns):
            if row["reason"]:
                yield Dropped("extract", row["reason"], row["source_uri"], row["detail"] or "")
            for page in row["pages"] or ():
                if page["reason"]:
                    yield Dropped("extract", page["reason"], f"{row['source_uri']}, page {page['number']}", "")
    for shard in run.shards("dedup"):
        for row in run.iterate_rows("dedup", shard):
            favour = f"in favour of {row['favoured_source_uri']} (similarity {row['similarity']:.2f})"
            yield Dropped("dedup", row["reason"], row["source_uri"], favour)
    for shard in run.shards("generate"):
        columns = ["sample_id", "request_id", "reason", "detail", "malformed"]
        for row in run.iterate_rows("generate", shard, columns=columns):
            if row["reason"]:
                yield Dropped("generate", row["reason"], row["sample_id"], row["detail"] or "")
            for malformed in row["malformed"] or ():
                yield Dropped("generate", malformed, row["sample_id"], f"reply to request {row['request_id']}")
    if "verify" in stages:
        for shard in run.shards("verify"):
            for row in run.iterate_rows("verify", shard, columns=["pair_id", "reason", "detail"]):
                if row["reason"]:
                    yield Dropped("verify", row["reason"], row["pair_id"], row["detail"] or "")
    for shard in run.shards("curate"):
        said = {}
        if "verify" in stages:
            columns = ["pair_id", "reply"]
            said = {row["pair_id"]: row["reply"] for row in run.iterate_rows("verify", shard, columns=columns)}
        for row in run.iterate_rows("curate", shard):
            if row["reason"]:
                pages = ", ".join(map(str, row["page_numbers"]))
                scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items() if value is not None)
                what = f"Q {row['question']}\n   A {row['answer']}"
                if row["reason"] == "round_trip_failed":
                    what += f"\n   asked again, the model said: {said.get(row['pair_id'])}"
                yield Dropped("curate", row["reason"], what, f"{row['source_uri']}, pages {pages}; {scores}")
