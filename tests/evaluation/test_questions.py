"""The questions of data sets in known shapes, and in others by a mapping of their columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import docmatix
from docmatix.core.errors import SetupError
from docmatix.evaluation.shapes import MOST_ANSWER_CHARS, MOST_ANSWERS
from docmatix.exports.exporting import export_dataset
from docmatix.storage.schemas import DATASETS
from tests.evaluation.datasets import (
    DOCVQA,
    IMAGE,
    encode_page,
    make_docvqa_row,
    make_image,
    open_questions,
    put_docvqa,
    put_mp_docvqa,
    read_questions,
    write_rows,
)

# --- known shapes -----------------------------------------------------------------------------------------------------


def test_the_rows_of_docvqa_on_the_hub_are_read_as_they_are(tmp_path):
    questions = read_questions(put_docvqa(tmp_path), split="validation")
    examples = [question.example for question in questions]
    assert [example.example_id for example in examples] == ["49153", "49154", "49155"]
    assert examples[0].answers == ("0.28", "0.280")
    assert (examples[0].doc_id, examples[0].page_numbers, examples[0].kind) == ("pybv0228", (81,), None)
    assert examples[1].kind == "figure/diagram + handwritten"
    assert [question.images for question in questions] == [(encode_page("white"),)] * 3


def test_another_configuration_is_named_with_its_split(tmp_path):
    put_docvqa(tmp_path)
    (question,) = read_questions(tmp_path, split="InfographicVQA/validation")
    assert question.example.answers == ("nine",)
    with pytest.raises(SetupError, match=r"has no split 'train'; it has validation, test, InfographicVQA/validation\."):
        read_questions(tmp_path, split="train")


def test_questions_without_answers_are_left_out_and_counted(tmp_path):
    questions = open_questions(put_docvqa(tmp_path), split="test")
    assert list(questions) == []
    assert questions.left_out.reasons == {"no_answer": 3}


def test_the_rows_of_mp_docvqa_on_the_hub_are_read_as_they_are(tmp_path):
    put_mp_docvqa(tmp_path)
    first, second = read_questions(tmp_path, split="validation")
    assert first.example.answers == ("Indoor exhibits", "Indoor's exhibits")
    assert first.images == (encode_page("red"), encode_page("blue"))
    assert (first.example.doc_id, first.example.page_numbers, first.pages) == ("fqvw0217", (1, 2), 2)
    assert (second.example.answers, second.images) == (("Cincinnati",), (encode_page("red"),))
    with pytest.raises(SetupError, match=r"has no split 'test'; its files begin with val\."):
        read_questions(tmp_path, split="test")


def test_the_rows_of_the_published_docmatix_are_read_as_they_are(tmp_path):
    texts = [{"user": f"What is {number}?", "assistant": f"[{number}]", "source": "PDFA key: 7"} for number in range(2)]
    row = {"images": [make_image("red"), make_image("blue")], "texts": texts}
    write_rows(tmp_path / "data/train-00000.parquet", [row, row], DATASETS["docmatix"])
    questions = read_questions(tmp_path)
    assert [question.example.example_id for question in questions] == ["0-0", "0-1", "1-0", "1-1"]
    assert questions[1].example.answers == ("[1]",)
    assert questions[0].example.doc_id == "PDFA key: 7"
    assert questions[0].images is questions[1].images
    with pytest.raises(SetupError, match="has no page texts: have them answered from the pages"):
        read_questions(tmp_path, **{"from": "text"})


def test_the_rows_of_a_run_have_what_is_known_of_their_pairs_and_the_texts_that_it_read(sample_run):
    rows = list(docmatix.open(sample_run).rows())
    annotations = [annotation for row in rows for annotation in row["annotations"]]
    questions = read_questions(sample_run, **{"from": "both"})
    assert [question.example.example_id for question in questions] == [each["pair_id"] for each in annotations]
    assert [question.example.kind for question in questions] == [each["kind"] for each in annotations]
    assert {question.example.text_from for question in questions} == {"layer"}
    for question in questions:
        assert len(question.texts) == len(question.images) == len(question.example.page_numbers)
        assert all(isinstance(image, bytes) for image in question.images)
    shown = ["\n".join(filter(None, question.texts)) for question in questions]
    found = [question.example.answers[0] in text for question, text in zip(questions, shown, strict=True)]
    assert sum(found) > 0.8 * len(questions)


def test_texts_alone_are_read_without_the_images(sample_run):
    assert all(question.images in ((), None) or None not in question.images for question in read_questions(sample_run))
    for question in read_questions(sample_run, **{"from": "text"}):
        assert question.images == ()
        assert question.pages == len(question.texts) == len(question.example.page_numbers)


@pytest.mark.parametrize(("format", "name"), [("docvqa", "train_v1.0.json"), ("mp-docvqa", "train.json")])
def test_the_exports_are_read_by_their_folder_and_by_their_file(format, name, sample_run, tmp_path):
    export_dataset(str(sample_run), format, tmp_path / "set")
    questions = read_questions(tmp_path / "set")
    rows = [(row, text) for row in docmatix.open(sample_run).rows() for text in row["texts"]]
    assert [(q.example.question, *q.example.answers) for q in questions] == [
        (text["user"], text["assistant"]) for _, text in rows
    ]
    for question, (row, _) in zip(questions, rows, strict=True):
        pages = [image["bytes"] for image in row["images"]]
        assert question.images == tuple(pages) if format == "mp-docvqa" else question.images[0] in pages
    assert [each.example for each in read_questions(tmp_path / "set" / name)] == [each.example for each in questions]


def test_the_images_of_a_question_are_found_again(sample_run, tmp_path):
    export_dataset(str(sample_run), "mp-docvqa", tmp_path / "set")
    for path in (sample_run, tmp_path / "set"):
        questions = open_questions(path)
        for question in list(questions)[::7]:
            assert questions.read_images(question.position, question.example.example_id) == list(question.images)
        assert questions.read_images(0, "another") == []


def test_of_several_files_of_questions_one_is_chosen(tmp_path):
    for name in ("train.json", "val.json"):
        entry = {"question": name, "answers": ["a"], "image": "documents/x.png"}
        (tmp_path / name).write_text(json.dumps({"data": [entry]}))
    with pytest.raises(SetupError, match=r"several files of questions \(train\.json, val\.json\)"):
        read_questions(tmp_path)
    (question,) = read_questions(tmp_path, split="validation")
    assert question.example.question == "val.json"


# --- a mapping --------------------------------------------------------------------------------------------------------

OTHERS = pa.schema(
    [
        ("key", pa.int64()),
        ("query", pa.string()),
        ("truth", pa.string()),
        ("shot", IMAGE),
        ("more", pa.list_(IMAGE)),
        ("ocr", pa.list_(pa.string())),
        ("topic", pa.string()),
    ]
)


@pytest.fixture
def others(tmp_path: Path) -> Path:
    row = {
        "key": 1200,
        "query": "What?",
        "truth": "12",
        "shot": make_image("red"),
        "more": [make_image("blue")],
        "ocr": ["first page", None],
        "topic": "chart",
    }
    write_rows(tmp_path / "test.parquet", [row], OTHERS)
    return tmp_path


def test_columns_of_other_names_are_mapped(others):
    columns = {"id": "key", "question": "query", "answers": "truth", "images": ["shot", "more"], "kind": "topic"}
    (question,) = read_questions(others, columns=columns)
    assert question.images == (encode_page("red"), encode_page("blue"))
    example = question.example
    assert (example.example_id, example.question, example.answers, example.kind) == ("1200", "What?", ("12",), "chart")
    columns = {"question": "query", "answers": "truth", "page_texts": "ocr"}
    (question,) = read_questions(others, columns=columns, **{"from": "text"})
    assert question.texts == ("first page", None)
    with pytest.raises(SetupError, match="has no page images"):
        read_questions(others, columns=columns)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (None, r"of no known shape \(`key`, `query`, `truth`, .*\): name those of question, answers and images"),
        ({"question": "query"}, r"`columns.answers` is missing: name the column of .*, which has `key`, `query`"),
        (
            {"question": "q", "answers": "truth"},
            r"`columns.question` is `q`, which .* does not have; its columns are `key`",
        ),
        ({"question": "query", "answers": "truth", "images": ["page"]}, r"`columns.images` is `page`, which"),
    ],
)
def test_a_shape_that_is_not_known_is_told_with_the_columns_that_there_are(columns: Any, said: str, others):
    with pytest.raises(SetupError, match=said):
        read_questions(others, **({} if columns is None else {"columns": columns}))


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("['a', 'b']", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("['a', 'a', ' ']", ("a",)),
        ("[5]", ("[5]",)),
        ("[see note]", ("[see note]",)),
        ("[" * 5000, ("[" * 5000,)),
        ("[" * 5000 + "]" * 5000, ("[" * 5000 + "]" * 5000,)),
        ("['a'] + [open('/etc/passwd')]", ("['a'] + [open('/etc/passwd')]",)),
        (str(list(map(str, range(1000)))), tuple(map(str, range(MOST_ANSWERS)))),
    ],
)
def test_answers_are_read_from_a_list_that_is_written_as_a_text(written: str, read: tuple[str, ...], tmp_path):
    schema = pa.schema([("q", pa.string()), ("a", pa.string()), ("i", IMAGE)])
    write_rows(tmp_path / "x.parquet", [{"q": "What?", "a": written, "i": make_image("red")}], schema)
    (question,) = read_questions(tmp_path, columns={"question": "q", "answers": "a", "images": "i"})
    assert question.example.answers == read


def test_texts_that_would_take_hours_to_compare_are_left_out(tmp_path):
    rows = [make_docvqa_row(0, answers=["a" * (MOST_ANSWER_CHARS + 1)]), make_docvqa_row(1, answers=["a"])]
    rows.append(make_docvqa_row(2, answers=["a"]) | {"question": " "})
    write_rows(tmp_path / "x.parquet", rows, DOCVQA)
    questions = open_questions(tmp_path)
    assert [question.position for question in questions] == [1]
    assert questions.left_out.reasons == {"text_too_long": 1, "no_question": 1}
