"""Datasets made by hand, with cards that name their files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image

from docmatix.storage.schemas import DATASETS


def encode_image(color: str, *, size: tuple[int, int] = (60, 80)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def make_docmatix_row(number: int, *, images: int = 1) -> dict[str, Any]:
    text = {"user": f"What is {number}?", "assistant": f"The {number}.", "source": f"PDFA key: {number}"}
    return {"images": [{"bytes": encode_image("white"), "path": None}] * images, "texts": [text]}


def write_dataset(*groups: list[dict[str, Any]], schema: pa.Schema = DATASETS["docmatix"]) -> bytes:
    """A Parquet file with these row groups."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema, compression="none") as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
    return buffer.getvalue()


def list_questions(samples: Any) -> list[str]:
    return [sample["texts"][0]["user"] for sample in samples]


def write_card(*configs: Any) -> bytes:
    return f"---\n{yaml.safe_dump({'configs': list(configs)}, sort_keys=False)}---\n\n# pages\n".encode()


def put_files(folder: Path, *names: str, card: bytes | None = None) -> Path:
    """A dataset with these files, each of one row that names it."""
    folder.mkdir(exist_ok=True)
    for name in names:
        row = make_docmatix_row(0)
        row["texts"][0]["user"] = name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(write_dataset([row]))
    if card is not None:
        (folder / "README.md").write_bytes(card)
    return folder


PUSHED = [
    "data/test-00000-of-00001.parquet",
    "data/train-00000-of-00002.parquet",
    "data/train-00000-of-00003.parquet",
    "data/train-00001-of-00002.parquet",
    "v2/train-00000-of-00001.parquet",
    "v2/valid-00000-of-00001.parquet",
]
IN_DATA = {
    "config_name": "default",
    "data_files": [
        {"split": "test", "path": "data/test-*-of-00001.parquet"},
        {"split": "train", "path": "data/train-*-of-00002.parquet"},
    ],
}
IN_V2 = {"config_name": "v2", "data_files": [{"split": "train", "path": "v2/train-*"}]}
