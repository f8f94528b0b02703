"""Samples as exports see them, and splits that share no document."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from docmatix.core.errors import SetupError
from docmatix.exports.samples import draw_split, read_sample

JPEG, PNG = b"\xff\xd8\xff\xe0one", b"\x89PNG\r\ntwo"
ROW: dict[str, Any] = {
    "images": [{"bytes": JPEG, "path": None}, {"bytes": PNG, "path": None}],
    "texts": [{"user": "Who?", "assistant": "Nobody", "source": "a.pdf"}],
}
ANNOTATED: dict[str, Any] = {
    **ROW,
    "sample_id": "d1-3",
    "doc_id": "d1",
    "source_uri": "a.pdf",
    "page_numbers": [3, 4],
    "annotations": [
        {"pair_id": "p1", "style": "extractive", "evidence": [{"page": 4, "quote": "Nobody", "boxes": []}]}
    ],
}


def test_a_pair_goes_to_the_page_of_its_evidence():
    sample = read_sample(ANNOTATED)
    assert [picture.name for picture in sample.pictures] == ["d1-3.jpg", "d1-4.png"]
    assert [(each.pair_id, each.page) for each in sample.questions] == [("p1", 1)]


def test_without_evidence_the_page_is_known_only_where_there_is_one():
    (several,) = read_sample(ROW).questions
    (single,) = read_sample({**ROW, "images": ROW["images"][:1]}).questions
    assert (several.page, single.page) == (None, 0)


def test_the_published_schema_gets_ids_that_stay_and_differ():
    one, same = read_sample(ROW), read_sample(ROW)
    other = read_sample({**ROW, "images": ROW["images"][:1]})
    assert one == same
    assert one.doc_id == other.doc_id  # by their source
    assert one.sample_id != other.sample_id
    assert not {picture.name for picture in one.pictures} & {picture.name for picture in other.pictures}


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_files_are_named_by_ids_only_where_these_are_names(doc_id, sample_id):
    sample = read_sample({**ANNOTATED, "doc_id": doc_id, "sample_id": sample_id})
    assert (sample.doc_id, sample.sample_id) == (doc_id, sample_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", sample.stem)
    for picture in sample.pictures:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}-[0-9]+\.(jpg|png)", picture.name)
    assert len({picture.name for picture in sample.pictures}) == 2


@given(st.from_regex(r"[A-Za-z0-9_-]{1,100}", fullmatch=True))
def test_ids_that_are_names_stay_the_names_of_files(name):
    sample = read_sample({**ANNOTATED, "doc_id": name, "sample_id": name})
    assert sample.stem == name
    assert [picture.name for picture in sample.pictures] == [f"{name}-3.jpg", f"{name}-4.png"]


@pytest.mark.parametrize("name", ["../../../../evil", "a/b", "a.0", "line\n", ".", "a" * 101, "-\x00", "\u00e9"])
def test_an_id_that_is_no_name_gives_a_name_that_stays(name):
    row = {**ROW, "sample_id": name}
    stem = read_sample(row).stem
    assert re.fullmatch("[0-9a-f]{32}", stem)
    assert read_sample(row).stem == stem
    assert [picture.name for picture in read_sample(row).pictures] == [f"{stem}-1.jpg", f"{stem}-2.png"]


def test_only_numbers_are_page_numbers_in_names():
    written = read_sample({**ANNOTATED, "page_numbers": ["3", "04"]})
    assert [picture.name for picture in written.pictures] == ["d1-3.jpg", "d1-4.png"]
    assert written.questions[0].page == 1
    with pytest.raises(ValueError, match="invalid literal"):
        read_sample({**ANNOTATED, "page_numbers": ["3", "../4"]})


def test_the_last_document_of_a_split_may_go_in_by_part():
    keys = [("a", "a-1"), ("a", "a-2"), ("b", "b-1"), ("b", "b-2")]
    splits = draw_split(lambda: keys, test=1, train=1, seed=0)
    assert sorted(splits.values()) == ["test", "train"]
    assert {doc_id for doc_id, _ in splits} == {"a", "b"}


KEYS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 4)), unique_by=lambda each: each[0]).map(
    lambda documents: [(name, f"{name}-{number}") for name, count in documents for number in range(count)]
)


@given(KEYS, st.integers(0, 6), st.integers(0, 6), st.integers(0, 3))
def test_splits_have_the_rows_asked_for_and_share_no_document(keys, test, train, seed):
    try:
        splits = draw_split(lambda: keys, test=test, train=train, seed=seed)
    except SetupError:
        largest = max((len(list(group)) for _, group in groupby(keys, key=lambda key: key[0])), default=0)
        assert len(keys) < test + train + largest
        return
    assert sorted(splits.values()) == ["test"] * test + ["train"] * train
    documents = {split: {doc for (doc, _), each in splits.items() if each == split} for split in ("test", "train")}
    assert not documents["test"] & documents["train"]
    assert splits == draw_split(lambda: keys, test=test, train=train, seed=seed)


@given(KEYS, st.integers(1, 4), st.integers(0, 3))
def test_the_draw_follows_the_ids_and_not_the_order_of_the_files(keys, rows, seed):
    assume(len(keys) >= 2 * rows + 4)
    turned = [
        key for _, group in reversed([(k, list(g)) for k, g in groupby(keys, lambda key: key[0])]) for key in group
    ]
    assert draw_split(lambda: keys, test=rows, train=rows, seed=seed) == draw_split(
        lambda: turned, test=rows, train=rows, seed=seed
    )


def test_too_few_samples_are_a_sentence_that_says_what_to_do():
    with pytest.raises(SetupError, match="--test-rows"):
        draw_split(lambda: [("a", "a-1")], test=1, train=1, seed=0)
