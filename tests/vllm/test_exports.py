"""Exported messages through the chat template and the processor of a real vision model."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import docmatix
from docmatix.exports.exporting import export_dataset
from docmatix.storage.schemas import DATASETS
from tests.vllm_environment import PICTURE_TOKENS, find_python, prepare_vision_model

READ = """
import base64, io, json, sys
from PIL import Image
from transformers import AutoProcessor

processor = AutoProcessor.from_pretrained(sys.argv[1])
told = []
for row in json.load(sys.stdin):
    text = processor.apply_chat_template(row["messages"], tokenize=False)
    images = [Image.open(io.BytesIO(base64.b64decode(image))) for image in row["images"]]
    tokens = processor(text=text, images=images)["input_ids"][0]
    image_token = processor.tokenizer.convert_tokens_to_ids("<image>")
    told.append({"text": text, "image_tokens": list(tokens).count(image_token)})
print(json.dumps(told))
"""


def test_messages_pass_through_a_processor_with_a_place_for_every_image(finished_run: Path, tmp_path: Path) -> None:
    # the processor refuses a text that has one more of its marks than there are images
    dataset = list(docmatix.open(finished_run).rows())
    dataset[0]["texts"].append({**dataset[0]["texts"][0], "user": "What does <image> stand for?"})
    dataset[0]["annotations"].append(dataset[0]["annotations"][0])
    (tmp_path / "dataset" / "data").mkdir(parents=True)
    table = pa.Table.from_pylist(dataset, schema=DATASETS["annotated"])
    pq.write_table(table, tmp_path / "dataset" / "data" / "train-00000.parquet")
    exported = export_dataset(str(tmp_path / "dataset"), "messages", tmp_path / "messages")
    assert exported.left_out == {"image_mark": 1}
    folder = exported.folder
    rows = [row for path in sorted((folder / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    sent = [
        {
            "messages": row["messages"],
            "images": [base64.b64encode(image["bytes"]).decode() for image in row["images"]],
        }
        for row in rows
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(find_python()), "-c", READ, str(prepare_vision_model())],
        input=json.dumps(sent),
        env={**environment, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert max(len(row["images"]) for row in rows) > 1
    for row, each in zip(rows, told, strict=True):
        assert each["image_tokens"] == PICTURE_TOKENS * len(row["images"])
        said = [part["text"] for turn in row["messages"] for part in turn["content"] if part["type"] == "text"]
        places = [each["text"].index(text) for text in said]
        assert places[0] > each["text"].rindex("<image>")
        assert each["text"].startswith("<|im_start|>user\n<image>")
