"""Exports, and what they hold, loaded in the way of their users."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import docmatix
from docmatix.exports.exporting import export_dataset
from docmatix.exports.formats import EXPORTS
from docmatix.storage.schemas import DATASETS

ALL_FORMATS = [kind.get_name() for kind in EXPORTS]
FORMATS = [kind.get_name() for kind in EXPORTS if not kind.needs_run]


def export(run: Path, format: str, folder: Path, **options: Any) -> Path:
    exported = export_dataset(str(run), format, folder / format, **options)
    assert exported.left_out.total() == 0
    return exported.folder


def write_dataset(folder: Path, rows: Iterable[dict[str, Any]], *, schema: pa.Schema = DATASETS["annotated"]) -> Path:
    """A folder with these rows as its only file."""
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), folder / "data" / "train-00000.parquet")
    return folder


def read_rows(run: Path) -> list[dict[str, Any]]:
    return list(docmatix.open(run).rows())


def read_pairs(folder: Path, format: str, split: str) -> Counter[tuple[str, str]]:
    """Question and answer of every pair in the files of one split."""
    read: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
        "docvqa": lambda: _read_entries(folder / f"{split}_v1.0.json"),
        "mp-docvqa": lambda: _read_entries(folder / f"{split}.json"),
        "llava": lambda: _read_conversations(folder / f"{split}.json"),
        "messages": lambda: _read_messages(folder, split),
        "florence2": lambda: _read_lines(folder / split / "annotations.jsonl"),
        "webdataset": lambda: _read_tars(folder, split),
        "pdf": lambda: _read_documents(folder, split),
    }
    return Counter(read[format]())


def _read_entries(path: Path) -> Iterator[tuple[str, str]]:
    return ((each["question"], each["answers"][0]) for each in json.loads(path.read_text())["data"])


def _read_conversations(path: Path) -> Iterator[tuple[str, str]]:
    for each in json.loads(path.read_text()):
        said = [turn["value"].replace("<image>\n", "") for turn in each["conversations"]]
        yield from zip(said[::2], said[1::2], strict=True)


def _read_tables(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
        yield from pq.read_table(path).to_pylist()


def _read_messages(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for row in _read_tables(folder, split):
        parts = [part for turn in row["messages"] for part in turn["content"]]
        said = [part["text"] for part in parts if part["type"] == "text"]
        yield from zip(said[::2], said[1::2], strict=True)


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in map(json.loads, path.read_text().splitlines()):
        yield line["prefix"].removeprefix("<DocVQA>"), line["suffix"]


def _read_tars(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob(f"{split}-*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    content = json.loads(tar.extractfile(member).read())  # type: ignore[union-attr]
                    yield from ((pair["question"], pair["answer"]) for pair in content["pairs"])


def _read_documents(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for row in _read_tables(folder, split):
        yield from ((text["user"], text["assistant"]) for text in row["texts"])


def open_image(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image.convert("RGB")
