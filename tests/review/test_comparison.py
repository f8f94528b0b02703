"""Two runs side by side: pair by pair where the requests are the same, else sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import docmatix
from docmatix.core.errors import SetupError
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf
from tests.review.datasets import make_docmatix_row, write_dataset

PDFS = {f"{number}.pdf": write_distinct_pdf(number) for number in range(3)}


def make_run(
    folder: Path, *, chars: int = 1200, prompt: str = "broad_whole", documents: int = 3, **changes: Any
) -> Path:
    filters: list[dict[str, Any]] = [{"kind": "length", "max_answer_chars": chars}, {"kind": "grounded"}]
    pdfs = dict(list(PDFS.items())[:documents])
    sections = {"generate": {"prompts": [prompt]}, "curate": {"filters": filters}, "pack": {"dpi": 36}} | changes
    job = make_job(folder, pdfs=pdfs, **sections)
    build(job)
    return folder / "run"


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("lenient"))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same documents and prompt, with answers of at most 13 characters."""
    return make_run(tmp_path_factory.mktemp("strict"), chars=13)


def test_with_other_filters_each_pair_that_changes_sides_is_told_with_its_reason(lenient, strict):
    found = docmatix.open(lenient).compare(str(strict), examples=99)
    long = {pair["pair_id"]: pair for pair in docmatix.open(lenient).iterate_pairs() if len(pair["answer"]) > 13}
    assert 0 < len(long) < found.shared
    assert {change.pair["pair_id"] for change in found.changes} == long.keys()
    assert {(change.left, change.right) for change in found.changes} == {("kept", "too_long")}
    assert (found.only_left, found.only_right, found.differing) == (len(long), 0, 0)
    kept = found.shared - len(long)
    assert found.counts == {
        ("broad_whole", "kept"): (found.shared, kept),
        ("broad_whole", "too_long"): (0, len(long)),
    }


def test_the_other_way_round_the_sides_are_changed(lenient, strict):
    found = docmatix.open(strict).compare(docmatix.open(lenient), examples=2)
    assert found.only_left == 0
    assert len(found.changes) == min(2, found.only_right)
    assert {(change.left, change.right) for change in found.changes} == {("too_long", "kept")}


def test_a_run_beside_itself_shows_no_difference(lenient):
    found = docmatix.open(lenient).compare(str(lenient))
    assert (found.only_left, found.only_right, found.differing, found.changes, found.samples) == (0, 0, 0, (), ())


def test_pairs_of_other_requests_are_the_same_where_their_words_are(lenient, tmp_path):
    other = docmatix.open(make_run(tmp_path, seed=7))
    ids = [{pair["pair_id"] for pair in each.iterate_pairs()} for each in (docmatix.open(lenient), other)]
    assert not ids[0] & ids[1]
    found = docmatix.open(lenient).compare(other)
    assert (found.shared, found.differing, found.alone) == (len(ids[0]), 0, (0, 0))


def test_a_document_that_one_run_never_had_is_no_difference_of_settings(lenient, tmp_path):
    found = docmatix.open(lenient).compare(str(make_run(tmp_path, documents=1)))
    assert (found.differing, found.alone, found.samples) == (0, (2, 0), ())
    assert "2 samples have pairs on the left alone" in repr(found)


def test_with_another_prompt_samples_are_put_side_by_side(lenient, tmp_path):
    other = make_run(tmp_path, prompt="broad_details")
    found = docmatix.open(lenient).compare(str(other))
    assert (found.shared, found.differing) == (0, 3)
    assert {key[0] for key in found.counts} == {"broad_whole", "broad_details"}
    for sample in found.samples:
        assert {pair["prompt"] for pair in sample.left} == {"broad_whole"}
        assert {pair["prompt"] for pair in sample.right} == {"broad_details"}
        assert {pair["sample_id"] for pair in sample.left} == {pair["sample_id"] for pair in sample.right}
    assert "broad_details" in found._repr_html_()


def test_datasets_are_compared_by_what_they_keep(lenient, strict):
    found = docmatix.open(lenient / "dataset").compare(str(strict / "dataset"))
    assert found.shared == len(docmatix.open(strict).pairs())
    assert found.changes == ()
    assert found.differing > 0


def test_a_comparison_shows_itself(lenient, strict):
    found = docmatix.open(lenient).compare(str(strict))
    for shown in (repr(found), found._repr_html_()):
        assert "too_long" in shown
        assert found.changes[0].pair["question"] in shown
    assert list(found.frame().columns) == ["prompt", "outcome", "left", "right"]


def test_rows_without_pair_ids_cannot_be_compared(lenient, tmp_path):
    (tmp_path / "a.parquet").write_bytes(write_dataset([make_docmatix_row(0)]))
    with pytest.raises(SetupError, match="have no annotations"):
        docmatix.open(lenient).compare(str(tmp_path))
