"""The card of a repository: merging leaves alone what it does not own, and merging twice changes nothing."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docmatix.errors import SetupError
from docmatix.publishing.card import Part, join_card, matches, merge_cards, split_card
from docmatix.publishing.dropped import DROPPED
from docmatix.schemas import DATASETS, describe_features

OWN = "---\nlicense: cc0-1.0\nlanguage: [en]\nsize_categories: [n<1K]\npretty_name: mine\n---\n\n# mine\n"


def make_part(config: str = "default", split: str = "train", *, rows: int = 10) -> Part:
    folder = "data" if config == "default" else config
    return Part(config, split, f"{folder}/{split}-*-of-00002.parquet", [{"name": "a", "dtype": "string"}], rows, 100)


def merge(there: str | None, *parts: Part, own: str = OWN, **options: Any) -> str:
    return merge_cards(own, there, parts=parts or (make_part(),), sizes={}, repo_id="anna/set", **options)


@pytest.mark.parametrize("schema", [*DATASETS.values(), DROPPED])
def test_features_are_written_as_datasets_writes_them(schema):
    from datasets import Features

    described = describe_features(schema)
    expected = Features.from_arrow_schema(schema)
    if schema is DROPPED:
        schema_features = expected
    else:
        stream = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([], schema=schema), stream)
        schema_features = Features.from_arrow_schema(pq.read_schema(stream))
    assert described == schema_features._to_yaml_list()
    assert Features._from_yaml_list(described) == schema_features


@given(st.lists(st.tuples(st.sampled_from(["default", "b", "c"]), st.sampled_from(["train", "test"])), max_size=5))
def test_merging_again_changes_nothing_and_every_part_has_one_entry(places):
    card = None
    for place in places:
        card = merge(card, make_part(*place))
        assert merge(card, make_part(*place)) == card
    if card is not None:
        head, body = split_card(card)
        found = [(c["config_name"], each["split"]) for c in head["configs"] for each in c["data_files"]]
        assert sorted(found) == sorted(set(places))
        assert body.count("<!-- end of docmatix: ") == len(set(places))
        rows = sum(split["num_examples"] for info in head["dataset_info"] for split in info["splits"])
        assert rows == 10 * len(set(places))


def test_a_pending_card_leads_nobody_to_files_and_keeps_the_other_splits():
    card = merge(merge(None, make_part("other")), make_part(), pending=True)
    head, body = split_card(card)
    assert matches(head, "default", "train", ["data/train-00000-of-00002.parquet"]) is False
    assert matches(head, "other", "train", ["other/train-00000-of-00002.parquet"]) is True
    assert "cannot be loaded yet" in body
    assert [info["config_name"] for info in head["dataset_info"]] == ["other"]
    assert "cannot be loaded yet" not in merge(card, make_part())


def test_a_split_that_the_card_does_not_know_is_neither_led_to_nor_away():
    assert matches({}, "default", "train", ["data/train-00000-of-00002.parquet"]) is None


@pytest.mark.parametrize(
    "data_files",
    [
        "data/*.parquet",
        ["data/*.parquet"],
        {"train": "data/*.parquet"},
        [{"split": "train", "path": ["data/*.parquet"]}],
    ],
)
def test_every_way_to_write_data_files_is_understood(data_files):
    head = {"configs": [{"config_name": "default", "data_files": data_files}]}
    assert matches(head, "default", "train", ["data/train-00000-of-00002.parquet"]) is True
    merged, _ = split_card(merge(join_card(head, "")))
    assert merged["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*-of-00002.parquet"}]


def test_what_the_owner_wrote_stays_and_what_the_build_knows_is_renewed():
    there = "---\nlicense: mit\ngated: auto\ntags: [mine]\ndataset_info:\n  features: []\n  splits: []\n---\nHello.\n"
    head, body = split_card(merge(there))
    assert (head["gated"], head["license"]) == ("auto", "cc0-1.0")
    assert "mine" in head["tags"]
    assert body.strip().startswith("Hello.")
    unknown, _ = split_card(merge(there, own=OWN.replace("cc0-1.0", "unknown")))
    assert unknown["license"] == "mit"


def test_sizes_are_those_of_all_splits_together():
    sizes = {"data/train-00000-of-00002.parquet": 5, "data/test-00000-of-00002.parquet": 7, "data/other.parquet": 100}
    first = merge_cards(OWN, None, parts=[make_part()], sizes=sizes, repo_id="anna/set")
    both = merge_cards(OWN, first, parts=[make_part(split="test", rows=2000)], sizes=sizes, repo_id="anna/set")
    head, _ = split_card(both)
    assert head["dataset_info"][0]["download_size"] == 12
    assert head["dataset_info"][0]["dataset_size"] == 200
    assert head["size_categories"] == ["1K<n<10K"]


def test_the_example_names_the_repository_configuration_and_split():
    own = join_card({}, 'load_dataset("path/or/repo", split="train")')
    assert 'load_dataset("anna/set", split="train")' in merge(None, own=own)
    assert 'load_dataset("anna/set", "b", split="test")' in merge(None, make_part("b", "test"), own=own)


def test_a_card_that_cannot_be_read_is_not_written_over():
    with pytest.raises(SetupError, match="anna/set cannot be merged"):
        merge("---\na: [\n---\n")


def test_windows_line_ends_and_a_missing_head_are_read():
    assert split_card("---\r\na: 1\r\n---\r\nText") == ({"a": 1}, "Text")
    assert split_card("Text\n---\nmore") == ({}, "Text\n---\nmore")
    assert split_card("---\n---\nText")[0] == {}
    assert yaml.safe_load(join_card({"a": "ü: -"}, "").split("---")[1]) == {"a": "ü: -"}
