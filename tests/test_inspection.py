"""Looking at a build: samples, pairs, and what was left out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.errors import SetupError
from docmatix.inspection import Collection, describe_pair, describe_row, draw
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf

# --- drawing ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=4), unique=True), st.integers(0, 30), st.integers(0, 3))
def test_a_draw_takes_so_many_in_their_order(items, count, seed):
    drawn = draw(items, count, seed=seed, key=str)
    assert len(drawn) == min(count, len(items))
    assert drawn == [item for item in items if item in drawn]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=4), unique=True), st.integers(0, 30), st.randoms())
def test_the_same_ones_are_drawn_whatever_the_order(items, count, random):
    shuffled = random.sample(items, len(items))
    assert set(draw(items, count, seed=0, key=str)) == set(draw(shuffled, count, seed=0, key=str))


def test_another_seed_draws_others():
    items = [str(number) for number in range(1000)]
    assert draw(items, 5, seed=0, key=str) != draw(items, 5, seed=1, key=str)


def test_equal_items_can_all_be_drawn():
    assert draw(["a", "a", "a"], 2, seed=0, key=str) == ["a", "a"]


# --- a collection -----------------------------------------------------------------------------------------------------


def test_a_run_its_dataset_and_its_data_show_the_same_rows(finished_run):
    rows = list(Collection(str(finished_run)).rows())
    assert rows
    for folder in ("dataset", "dataset/data"):
        collection = Collection(str(finished_run / folder))
        assert not collection.is_run
        assert list(collection.rows()) == rows


def test_images_are_read_only_where_they_are_wanted(finished_run):
    collection = Collection(str(finished_run))
    with_images, without = list(collection.rows()), list(collection.rows(images=False))
    assert all("images" not in row for row in without)
    assert [{name: value for name, value in row.items() if name != "images"} for row in with_images] == without


def test_a_dataset_in_memory_can_be_opened_by_its_url(finished_run, memory_run):
    (name,) = (path.name for path in (finished_run / "dataset" / "data").iterdir())
    memory_run.write(f"data/{name}", (finished_run / "dataset" / "data" / name).read_bytes())
    collection = Collection(memory_run.url)
    assert [row["sample_id"] for row in collection.rows(images=False)] == [
        row["sample_id"] for row in Collection(str(finished_run)).rows(images=False)
    ]


def test_every_pair_comes_with_its_place_and_its_annotation(finished_run):
    collection = Collection(str(finished_run))
    pairs, rows = list(collection.pairs()), list(collection.rows(images=False))
    assert len(pairs) == sum(len(row["texts"]) for row in rows)
    assert {"question", "answer", "source_uri", "page_numbers", "scores", "evidence", "prompt"} <= set(pairs[0])


def test_samples_are_drawn_by_seed(finished_run):
    collection = Collection(str(finished_run))
    assert collection.sample(2, seed=3) == collection.sample(2, seed=3)
    assert len(collection.sample(2)) == 2
    assert collection.sample(99) == list(collection.rows(images=False))
    assert len(collection.sample_pairs(3)) == 3


def test_where_there_is_nothing_to_open_it_says_so(tmp_path):
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path / "nowhere"))
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path))


def test_a_run_that_has_no_dataset_yet_has_no_rows(finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("dataset"))
    assert list(Collection(str(tmp_path / "run")).rows()) == []


def list_dropped(path: Path, reason: str | None = None) -> list[tuple[str, str, str]]:
    return [(item.stage, item.reason, item.what) for item in Collection(str(path)).dropped(reason)]


def test_what_was_left_out_is_listed_stage_by_stage(finished_run):
    assert list_dropped(finished_run) == [
        ("extract", "blank", "docs/long.pdf, page 3"),
        ("extract", "not_pdf", "docs/text.pdf"),
        ("dedup", "duplicate", "docs/copy.pdf"),
    ]
    (copy,) = Collection(str(finished_run)).dropped("duplicate")
    assert copy.detail == "in favour of docs/1.pdf (similarity 1.00)"


def test_what_was_left_out_can_be_asked_for_by_reason(finished_run):
    assert list_dropped(finished_run, "not_pdf") == [("extract", "not_pdf", "docs/text.pdf")]
    assert list_dropped(finished_run, "no_such_reason") == []


def test_dropped_pairs_are_shown_with_their_scores(tmp_path):
    sections: dict[str, Any] = {"curate": {"filters": [{"kind": "length", "max_answer_chars": 2}]}, "pack": {"dpi": 36}}
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, **sections)
    build(job)
    (item, *_) = Collection(str(tmp_path / "run")).dropped("too_long")
    assert item.what.startswith("Q Who is named as")
    assert item.detail == "docs/a.pdf, pages 1; grounding 1.00"


def test_only_a_run_knows_what_was_dropped(finished_run):
    with pytest.raises(SetupError, match="Only a run knows what was dropped"):
        Collection(str(finished_run / "dataset")).dropped()


# --- for the terminal -------------------------------------------------------------------------------------------------

DOCMATIX_ROW: dict[str, Any] = {"texts": [{"user": "Who is it?", "assistant": "Ada", "source": "PDFA key: 7"}]}


def test_a_row_is_described_with_its_place_and_evidence(finished_run):
    row = next(Collection(str(finished_run)).rows(images=False))
    text = describe_row(row)
    assert text.startswith(f"{row['source_uri']}, page 1\n  Q  {row['texts'][0]['user']}\n  A  ")
    assert "[page 1, grounding 1.00, broad_whole]" in text


def test_a_row_of_the_published_docmatix_is_described_too():
    assert describe_row(DOCMATIX_ROW) == "PDFA key: 7\n  Q  Who is it?\n  A  Ada"


def test_a_pair_is_described_with_its_source():
    pair = {"question": "Who is it?", "answer": "Ada", "source_uri": "docs/a.pdf", "page_numbers": None}
    assert describe_pair(pair) == "  Q  Who is it?\n  A  Ada\n     docs/a.pdf"


def test_long_texts_are_wrapped_to_the_width():
    pair = {"question": "why " * 50, "answer": "so " * 50, "source_uri": "a"}
    assert max(len(line) for line in describe_pair(pair, width=40).split("\n")) <= 40
