"""What `docmatix.open` returns: a sequence of samples, which can be drawn, listed as pairs, and passed on."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import docmatix
from docmatix.core.errors import SetupError
from docmatix.review.collection import Collection
from docmatix.review.samples import Sample, Samples
from docmatix.storage.schemas import DATASETS
from tests.hub import serve_hub
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf
from tests.review.datasets import (
    IN_DATA,
    IN_V2,
    PUSHED,
    list_questions,
    make_docmatix_row,
    write_card,
    write_dataset,
)


def test_a_collection_is_a_sequence_as_a_list_is(published):
    questions = [f"What is {number}?" for number in range(10)]
    assert len(published) == 10
    assert list_questions(published) == questions
    assert [list_questions([published[place]])[0] for place in range(10)] == questions
    assert [list_questions([published[place]])[0] for place in range(-10, 0)] == questions
    for index in (10, -11, 99):
        with pytest.raises(IndexError, match="There is no sample"):
            published[index]


@settings(max_examples=40)
@given(st.integers(-12, 12) | st.none(), st.integers(-12, 12) | st.none(), st.sampled_from([None, 1, 2, 3, -1, -4]))
def test_a_slice_gives_the_samples_that_a_list_would(finished_run, start, stop, step):
    collection = Collection(str(finished_run))
    chosen = collection[start:stop:step]
    assert isinstance(chosen, Samples)
    whole = list(collection)
    assert [sample.row for sample in chosen] == [sample.row for sample in whole[start:stop:step]]
    assert [sample.position for sample in chosen] == [sample.position for sample in whole[start:stop:step]]
    assert [chosen[place].position for place in range(len(chosen))] == [sample.position for sample in chosen]


def test_a_slice_of_a_slice_is_one_of_the_collection(published):
    assert list_questions(published[2:9][1:-1:2]) == ["What is 3?", "What is 5?", "What is 7?"]


def test_a_sample_is_its_row_and_its_images_are_pictures(finished_run):
    collection = Collection(str(finished_run))
    sample, row = collection[-1], list(collection.rows())[-1]
    assert isinstance(sample, Sample)
    assert set(sample) == set(row)
    assert sample.row == {name: value for name, value in row.items() if name != "images"}
    assert len(sample["images"]) == len(row["images"])
    assert sample["images"][0].size == Image.open(io.BytesIO(row["images"][0]["bytes"])).size


# --- what can be opened -----------------------------------------------------------------------------------------------


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
    assert [sample.row for sample in collection] == [sample.row for sample in Collection(str(finished_run))]
    assert repr(collection) == "<dataset memory://runs/one: 1 file>"


@pytest.mark.slow
def test_a_repository_on_the_hub_is_opened_by_its_name(tmp_path):
    rows = [make_docmatix_row(number) for number in range(6)]
    script = (
        "import docmatix; ds = docmatix.open('someone/pages'); print(len(ds), ds[4].pairs[0]['question']);"
        "print(ds[-1].images[0].size, '<img src=\"data:' in ds[2]._repr_html_())\n"
        "print(docmatix.open('someone/named').files)\n"
        "try: docmatix.open('someone/other')\n"
        "except docmatix.SetupError as error: print(error)\n"
        "try: docmatix.open('someone/absent')\n"
        "except docmatix.SetupError as error: print(error)"
    )
    with serve_hub(tmp_path / "hub") as hub:
        for name in ("pages", "named", "other"):
            hub.create(f"someone/{name}")
        hub.put("someone/pages", "data/train-00000-of-00001.parquet", write_dataset(rows[:3], rows[3:]))
        for name in PUSHED:
            hub.put("someone/named", name, write_dataset(rows[:1]))
        hub.put("someone/named", "README.md", write_card(IN_V2, IN_DATA))
        hub.put("someone/other", "v2/train-00000-of-00001.parquet", write_dataset(rows[:1]))
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.stdout.splitlines() == [
        "6 What is 4?",
        "(60, 80) True",
        str([PUSHED[1], PUSHED[3]]),
        "There is neither a run nor a dataset in someone/other; there are Parquet files in v2: open one of these, as"
        " hf://datasets/someone/other/v2.",
        "There is neither a run nor a dataset in someone/absent.",
    ], done.stderr[-2000:]


def test_a_file_in_place_of_a_run_is_reported(tmp_path):
    (tmp_path / "quickstart.yaml").write_text("name: quickstart\n")
    with pytest.raises(SetupError, match=r"quickstart\.yaml is a file: give the folder of a run"):
        docmatix.open(tmp_path / "quickstart.yaml")


def test_where_there_is_nothing_to_open_it_says_so(tmp_path):
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path / "nowhere"))
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path))


def test_a_run_that_has_no_dataset_yet_has_no_rows(finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("dataset"))
    collection = Collection(str(tmp_path / "run"))
    assert len(collection) == 0
    assert list(collection) == list(collection.rows()) == []
    assert "0 samples" in collection._repr_html_()
    assert repr(collection[:]) == "no samples"
    with pytest.raises(IndexError):
        collection[0]
    with pytest.raises(SetupError, match="has no dataset yet"):
        collection.to_datasets()


def test_a_dataset_without_rows_shows_itself(tmp_path):
    (tmp_path / "a.parquet").write_bytes(write_dataset([]))
    collection = docmatix.open(tmp_path)
    assert len(collection) == 0
    assert "0 samples in 1 file" in collection._repr_html_()


def test_a_run_in_which_nothing_was_kept_shows_its_ledger(tmp_path):
    nothing = {"curate": {"filters": [{"kind": "length", "max_answer_chars": 1}]}}
    build(make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, **nothing))
    html = Collection(str(tmp_path / "run"))._repr_html_()
    assert "0 samples in 1 file" in html
    assert "too_long" in html


def test_of_a_run_only_the_files_that_are_committed_are_read(own_run):
    whole = Collection(own_run.url)
    (name,) = whole.files
    rows = list(whole.rows())
    # what another division, or a worker that was killed, leaves beside them
    own_run.write("dataset/data/train-00001-of-00003.parquet", own_run.read(name))
    own_run.write("dataset/data/train-00007-of-00009.parquet", b"half of a file")
    assert list(Collection(own_run.url).rows()) == rows
    own_run.write(name, own_run.read(name)[:-1])
    assert Collection(own_run.url).files == []
    own_run.remove(name)
    assert Collection(own_run.url).files == []


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_every_pair_comes_with_its_place_and_its_annotation(finished_run):
    collection = Collection(str(finished_run))
    pairs, rows = list(collection.iterate_pairs()), list(collection.rows(images=False))
    assert len(pairs) == sum(len(row["texts"]) for row in rows)
    assert {"question", "answer", "source_uri", "page_numbers", "scores", "evidence", "prompt"} <= set(pairs[0])
    assert all(pair["question"] in str(rows[pair["sample"]]["texts"]) for pair in pairs)


def test_the_pairs_are_a_frame_in_which_each_line_leads_to_its_sample(finished_run):
    collection = Collection(str(finished_run))
    frame = collection.pairs()
    assert len(frame) == len(list(collection.iterate_pairs()))
    assert frame["grounding"].min() == 1.0
    last = frame.iloc[-1]
    assert last["question"] in [pair["question"] for pair in collection[int(last["sample"])].pairs]
    assert len(collection.pairs(limit=2)) == 2


def test_the_published_docmatix_has_a_frame_too(published):
    assert list(published.pairs()["answer"]) == [f"The {number}." for number in range(10)]


def test_samples_are_drawn_by_seed(finished_run):
    collection = Collection(str(finished_run))
    assert collection.sample(2, seed=3).positions == collection.sample(2, seed=3).positions
    assert len(collection.sample(2)) == 2
    assert [sample.row for sample in collection.sample(99)] == list(collection.rows(images=False))
    assert len(collection.sample_pairs(3)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [False, True])
def test_the_rows_go_on_to_datasets_with_their_images(finished_run, tmp_path, monkeypatch, streaming):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    collection = Collection(str(finished_run))
    rows = list(collection.to_datasets(streaming=streaming))
    assert [row["sample_id"] for row in rows] == [sample["sample_id"] for sample in collection]
    assert rows[0]["images"][0].size == collection[0].images[0].size


@pytest.mark.slow
def test_images_are_images_for_datasets_where_the_file_does_not_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    plain = DATASETS["docmatix"].remove_metadata()
    (tmp_path / "a.parquet").write_bytes(write_dataset([make_docmatix_row(0)], schema=plain))
    (row,) = docmatix.open(tmp_path).to_datasets(streaming=True)
    assert row["images"][0].size == (60, 80)
