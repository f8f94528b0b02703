"""Data sets in the shapes that others publish, of a few pages that are drawn here."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image

from docmatix.evaluation.questions import Questions
from docmatix.evaluation.settings import load_evaluation
from docmatix.evaluation.shapes import Question

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BLIND_ENGINE = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
ENGINE = {**BLIND_ENGINE, "vision": True}


def encode_page(color: str, *, size: tuple[int, int] = (60, 80), image_format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, image_format)
    return buffer.getvalue()


def make_image(color: str) -> dict[str, Any]:
    return {"bytes": encode_page(color), "path": f"{color}.png"}


def write_rows(path: Path, rows: Sequence[dict[str, Any]], schema: pa.Schema | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def write_card(folder: Path, *configs: dict[str, Any]) -> None:
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': list(configs)})}---\n")


DOCVQA = pa.schema(
    [
        ("questionId", pa.string()),
        ("question", pa.string()),
        ("question_types", pa.list_(pa.string())),
        ("image", IMAGE),
        ("docId", pa.int64()),
        ("ucsf_document_id", pa.string()),
        ("ucsf_document_page_no", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("data_split", pa.string()),
    ]
)
"""lmms-lab/DocVQA on the Hub."""


def make_docvqa_row(number: int, *, answers: list[str] | None, split: str = "val") -> dict[str, Any]:
    return {
        "questionId": str(49153 + number),
        "question": f"What is the ‘actual’ value {number}?",
        "question_types": ["figure/diagram", "handwritten"] if number % 2 else [],
        "image": make_image("white"),
        "docId": 14465,
        "ucsf_document_id": "pybv0228",
        "ucsf_document_page_no": "81",
        "answers": answers,
        "data_split": split,
    }


def put_docvqa(folder: Path) -> Path:
    """A repository of two configurations; of its test split the answers are hidden."""
    rows = [make_docvqa_row(number, answers=[f"{number}.28", f"{number}.280"]) for number in range(3)]
    write_rows(folder / "DocVQA/validation-00000-of-00001.parquet", rows, DOCVQA)
    hidden = [make_docvqa_row(number, answers=None, split="test") for number in range(3)]
    write_rows(folder / "DocVQA/test-00000-of-00001.parquet", hidden, DOCVQA)
    info = [make_docvqa_row(9, answers=["nine"])]
    write_rows(folder / "InfographicVQA/validation-00000-of-00001.parquet", info, DOCVQA)
    write_card(
        folder,
        {
            "config_name": "DocVQA",
            "data_files": [
                {"split": "validation", "path": "DocVQA/validation-*"},
                {"split": "test", "path": "DocVQA/test-*"},
            ],
        },
        {
            "config_name": "InfographicVQA",
            "data_files": [{"split": "validation", "path": "InfographicVQA/validation-*"}],
        },
    )
    return folder


def put_mp_docvqa(folder: Path) -> Path:
    """lmms-lab/MP-DocVQA on the Hub: texts of lists, and a column for each of twenty pages."""
    pages = [f"image_{number}" for number in range(1, 21)]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("questionId", "question", "doc_id", "page_ids", "answers")),
            *((name, pa.string()) for name in ("answer_page_idx", "data_split")),
            *((name, IMAGE) for name in pages),
        ]
    )
    row: dict[str, Any] = {
        "questionId": "24581",
        "question": "What is the title?",
        "doc_id": "fqvw0217",
        "page_ids": "['fqvw0217_p10', 'fqvw0217_p11']",
        "answers": "['Indoor exhibits', \"Indoor's exhibits\"]",
        "answer_page_idx": "1",
        "data_split": "val",
        **dict.fromkeys(pages),
    }
    row |= {"image_1": make_image("red"), "image_2": make_image("blue")}
    other = row | {"questionId": "24582", "answers": "Cincinnati", "image_2": None}
    write_rows(folder / "data/val-00000-of-00001.parquet", [row, other], schema)
    return folder


def open_questions(path: Path | str, *, split: str | None = None, **settings: Any) -> Questions:
    evaluation, _ = load_evaluation({"engine": ENGINE, **settings})
    return Questions(str(path), evaluation, split=split)


def read_questions(path: Path | str, **settings: Any) -> list[Question]:
    return list(open_questions(path, **settings))
