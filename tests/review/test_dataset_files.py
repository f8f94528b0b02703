"""Which files a dataset has: those that its card names, or those in its folder."""

from __future__ import annotations

import pytest

from docmatix.core.errors import SetupError
from docmatix.review.collection import Collection
from docmatix.review.dataset_files import list_data_files
from docmatix.storage.store import Store
from tests.review.datasets import (
    IN_DATA,
    IN_V2,
    PUSHED,
    list_questions,
    put_files,
    write_card,
)


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([IN_DATA, IN_V2], [PUSHED[1], PUSHED[3]]),
        ([IN_V2, IN_DATA], [PUSHED[1], PUSHED[3]]),
        ([IN_V2], [PUSHED[4]]),
        ([IN_DATA, {**IN_V2, "default": True}], [PUSHED[4]]),
        ([{"config_name": "a", "data_files": "v2/valid*"}, IN_V2], [PUSHED[5]]),
        ([{"config_name": "a", "data_files": ["v2/valid*", "data/test*"]}], [PUSHED[0], PUSHED[5]]),
        ([{"config_name": "a", "data_files": {"valid": "v2/valid*", "test": "data/test*"}}], [PUSHED[5]]),
        ([{"config_name": "a", "data_files": [{"split": "test", "path": ["data/test*"]}]}], [PUSHED[0]]),
        ([{"config_name": "a"}, IN_V2], [PUSHED[4]]),
        ([{"config_name": "a", "data_files": "**/train*"}], [PUSHED[1], PUSHED[2], PUSHED[3], PUSHED[4]]),
        ([{"config_name": "a", "data_files": "./v2/*.parquet"}], PUSHED[4:]),
        (["none"], PUSHED[:4]),
    ],
)
def test_a_card_says_which_files_are_a_datasets(tmp_path, configs, expected):
    collection = Collection(str(put_files(tmp_path, *PUSHED, card=write_card(*configs))))
    assert collection.files == expected
    assert list_questions(collection) == expected


@pytest.mark.parametrize(
    "card", [b"# no metadata", b"---\n{\n---\n", b"---\nconfigs: 3\n---\n", b"\xff", b"---\n- a\n---\n"]
)
def test_without_a_card_that_names_files_those_in_data_are_taken(tmp_path, card):
    assert Collection(str(put_files(tmp_path, *PUSHED, card=card))).files == PUSHED[:4]


def test_a_split_that_is_not_whole_yet_is_not_shown_in_part(tmp_path):
    pending = {
        "config_name": "default",
        "data_files": [{"split": "train", "path": "data/train-is-still-being-uploaded"}],
    }
    put_files(tmp_path, "data/train-00000-of-00002.parquet", card=write_card(pending))
    with pytest.raises(SetupError, match="leads to no file of the split train of default, which may not be whole yet"):
        Collection(str(tmp_path))


@pytest.mark.parametrize(
    ("split", "expected"),
    [(None, [PUSHED[1], PUSHED[3]]), ("test", [PUSHED[0]]), ("v2/train", [PUSHED[4]]), ("default/test", [PUSHED[0]])],
)
def test_another_split_is_read_if_it_is_asked_for(tmp_path, split, expected):
    put_files(tmp_path, *PUSHED, card=write_card(IN_DATA, IN_V2))
    assert list_data_files(Store(tmp_path), str(tmp_path), split=split) == expected


@pytest.mark.parametrize(("split", "expected"), [("test", PUSHED[:1]), ("train", PUSHED[1:4])])
def test_without_a_card_files_tell_their_split_by_their_names(tmp_path, split, expected):
    put_files(tmp_path, *PUSHED)
    assert list_data_files(Store(tmp_path), str(tmp_path), split=split) == expected
    with pytest.raises(SetupError, match=r"has no split 'tes'; its files begin with test, train\."):
        list_data_files(Store(tmp_path), str(tmp_path), split="tes")


def test_a_split_that_a_card_does_not_name_is_told_with_those_that_it_names(tmp_path):
    put_files(tmp_path, *PUSHED, card=write_card(IN_DATA, IN_V2))
    for split in ("valid", "v3/train"):
        with pytest.raises(SetupError, match=rf"has no split '{split}'; it has .*train.*"):
            list_data_files(Store(tmp_path), str(tmp_path), split=split)


def test_a_folder_that_is_a_link_is_looked_into(tmp_path):
    put_files(tmp_path / "elsewhere", *PUSHED)
    put_files(tmp_path / "set", card=write_card(IN_DATA)).joinpath("data").symlink_to(tmp_path / "elsewhere" / "data")
    assert Collection(str(tmp_path / "set")).files == [PUSHED[1], PUSHED[3]]


@pytest.mark.parametrize("pattern", ["../other/*.parquet", "{}/other/*.parquet", "data/../../other/*.parquet"])
def test_a_card_cannot_lead_out_of_its_folder(tmp_path, pattern):
    put_files(tmp_path / "other", "a.parquet")
    card = write_card({"config_name": "a", "data_files": pattern.format(tmp_path)})
    put_files(tmp_path / "set", "data/train.parquet", card=card)
    with pytest.raises(SetupError, match="leads to no file"):
        Collection(str(tmp_path / "set"))


def test_a_pattern_that_cannot_be_read_is_named(tmp_path):
    put_files(tmp_path, *PUSHED, card=write_card({"config_name": "a", "data_files": "data/**train"}))
    with pytest.raises(SetupError, match="does not name files in a way that can be read"):
        Collection(str(tmp_path))


def test_where_a_dataset_lies_in_other_folders_they_are_named(tmp_path):
    put_files(tmp_path, "v2/train-0.parquet", "v3/part/train-0.parquet")
    with pytest.raises(SetupError, match=rf"Parquet files in v2, v3/part: open one of these, as {tmp_path}/v2\.$"):
        Collection(str(tmp_path))
    assert list_questions(Collection(f"{tmp_path}/v2")) == ["v2/train-0.parquet"]
