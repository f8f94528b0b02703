"""Every format, loaded the way its users load it."""

from __future__ import annotations

import io
import json
from collections import Counter

import pymupdf
import pytest
from PIL import Image

import docmatix
from docmatix.exports.formats import find_format
from docmatix.exports.samples import read_sample
from docmatix.exports.webdataset import Webdataset
from tests.exports.loading import FORMATS, export, open_image, read_pairs


def test_docvqa_is_read_entry_by_entry_with_one_image_each(finished_run, pairs, tmp_path):
    folder = export(finished_run, "docvqa", tmp_path)
    content = json.loads((folder / "train_v1.0.json").read_text())
    assert content["dataset_split"] == "train"
    assert Counter((each["question"], each["answers"][0]) for each in content["data"]) == pairs
    assert [each["questionId"] for each in content["data"]] == list(range(1, pairs.total() + 1))
    assert all(min(open_image(folder / each["image"]).size) > 100 for each in content["data"])
    documents = {each["docId"]: each["ucsf_document_id"] for each in content["data"]}
    assert len(documents) == len(set(documents.values())) > 1


def test_docvqa_asks_about_the_page_that_the_answer_stands_on(finished_run, tmp_path):
    folder = export(finished_run, "docvqa", tmp_path)
    asked = {each["pair_id"]: each for each in json.loads((folder / "train_v1.0.json").read_text())["data"]}
    several = [row for row in docmatix.open(finished_run).rows() if len(row["images"]) > 1]
    assert several
    for row in several:
        for annotation in row["annotations"]:
            page = row["page_numbers"].index(annotation["evidence"][0]["page"])
            shown = (folder / asked[annotation["pair_id"]]["image"]).read_bytes()
            assert shown == row["images"][page]["bytes"]


def test_mp_docvqa_names_all_pages_and_the_one_with_the_answer(finished_run, pairs, tmp_path):
    folder = export(finished_run, "mp-docvqa", tmp_path)
    entries = json.loads((folder / "train.json").read_text())["data"]
    assert Counter((each["question"], each["answers"][0]) for each in entries) == pairs
    assert max(len(each["page_ids"]) for each in entries) > 1
    for each in entries:
        assert 0 <= each["answer_page_idx"] < len(each["page_ids"])
        for page_id in each["page_ids"]:
            open_image(folder / "images" / f"{page_id}.jpg")


def test_llava_has_as_many_image_marks_as_images_and_turns_that_alternate(finished_run, pairs, tmp_path):
    folder = export(finished_run, "llava", tmp_path)
    found: Counter[tuple[str, str]] = Counter()
    for each in json.loads((folder / "train.json").read_text()):
        names = [each["image"]] if isinstance(each["image"], str) else each["image"]
        assert all(open_image(folder / "images" / name) for name in names)
        said = [turn["value"] for turn in each["conversations"]]
        assert [turn["from"] for turn in each["conversations"]] == ["human", "gpt"] * (len(said) // 2)
        assert sum(value.count("<image>") for value in said) == len(names)
        questions = [value.replace("<image>\n", "") for value in said[::2]]
        found += Counter(zip(questions, said[1::2], strict=True))
    assert found == pairs


def test_messages_load_as_a_dataset_of_images_and_chat_turns(finished_run, pairs, tmp_path):
    from datasets import load_dataset

    folder = export(finished_run, "messages", tmp_path)
    dataset = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    found: Counter[tuple[str, str]] = Counter()
    for row in dataset:
        assert all(isinstance(image, Image.Image) for image in row["images"])
        parts = [part for turn in row["messages"] for part in turn["content"]]
        assert sum(part["type"] == "image" for part in parts) == len(row["images"])
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        texts = [part["text"] for part in parts if part["type"] == "text"]
        found += Counter(zip(texts[::2], texts[1::2], strict=True))
    assert found == pairs


def test_florence2_lines_have_an_image_a_task_and_an_answer(finished_run, pairs, tmp_path):
    folder = export(finished_run, "florence2", tmp_path) / "train"
    lines = [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]
    assert Counter((line["prefix"].removeprefix("<DocVQA>"), line["suffix"]) for line in lines) == pairs
    assert all(line["prefix"].startswith("<DocVQA>") and open_image(folder / line["image"]) for line in lines)


# the library leaves the last tar open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_streams_samples_with_their_images(finished_run, pairs, tmp_path):
    from webdataset import WebDataset

    folder = export(finished_run, "webdataset", tmp_path)
    tars = [str(path) for path in sorted(folder.glob("*.tar"))]
    found: Counter[tuple[str, str]] = Counter()
    for sample in WebDataset(tars, shardshuffle=False).decode("pil"):
        images = [sample[f"{number}.jpg"] for number in range(sum(name.endswith(".jpg") for name in sample))]
        assert images
        assert all(isinstance(image, Image.Image) for image in images)
        assert sample["__key__"] == sample["json"]["sample_id"]
        found += Counter((pair["question"], pair["answer"]) for pair in sample["json"]["pairs"])
    assert found == pairs


def test_tars_are_divided_by_size(finished_run, tmp_path):
    samples = list(map(read_sample, docmatix.open(finished_run).rows()))
    Webdataset(shard_bytes=1).write_split(samples, tmp_path, split="train", name="tars")
    assert len(list(tmp_path.glob("*.tar"))) == len(samples) > 1


def test_pdf_rows_hold_documents_that_open_with_all_their_pairs(finished_run, pairs, tmp_path):
    from datasets import load_dataset

    dataset = load_dataset(str(export(finished_run, "pdf", tmp_path)), split="train", cache_dir=str(tmp_path / "cache"))
    assert Counter((text["user"], text["assistant"]) for row in dataset for text in row["texts"]) == pairs
    assert len(dataset) == len(set(dataset["doc_id"]))
    for row in dataset:
        with pymupdf.open(stream=io.BytesIO(row["pdf"]), filetype="pdf") as document:
            assert len(document) > 0


@pytest.mark.parametrize("format", FORMATS)
def test_a_split_without_samples_is_a_file_too(format, tmp_path):
    assert find_format(format).write_split(iter(()), tmp_path, split="test", name="none") == Counter()
    assert read_pairs(tmp_path, format, "test") == Counter()
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
