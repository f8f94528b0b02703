"""The card of a repository: merging leaves alone what it does not own, and merging twice changes nothing."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.errors import SetupError
from docmatix.dataset.card import LOAD
from docmatix.dataset.published_card import join_card, split_card
from docmatix.publishing.card import Part, matches, merge_cards
from docmatix.publishing.dropped import DROPPED
from docmatix.storage.schemas import DATASETS, describe_features

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
    card = merge(merge(None, make_part("other")), make_part(), pending=[make_part()])
    head, body = split_card(card)
    assert matches(head, "default", "train", ["data/train-00000-of-00002.parquet"]) is False
    assert matches(head, "other", "train", ["other/train-00000-of-00002.parquet"]) is True
    assert "cannot be loaded yet" in body
    assert [info["config_name"] for info in head["dataset_info"]] == ["other"]
    assert "cannot be loaded yet" not in merge(card, make_part())


def test_a_pending_split_leaves_the_other_splits_of_its_configuration_loadable():
    head, body = split_card(merge(merge(None, make_part()), make_part(split="test"), pending=[make_part(split="test")]))
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*-of-00002.parquet"}]
    assert matches(head, "default", "test", ["data/test-00000-of-00002.parquet"]) is False
    assert "The split `test` of `default` is still being uploaded" in body


def test_a_whole_split_makes_its_configuration_loadable_whatever_was_left_pending():
    left = merge(None, make_part(), pending=[make_part()])
    for part in (make_part(split="test"), make_part("b")):
        head, _ = split_card(merge(left, part))
        first = head["configs"][0]
        assert first["config_name"] == part.config
        assert [each["split"] for each in first["data_files"]] == [part.split]


def test_parts_that_are_whole_stay_as_they_are_while_others_are_pending():
    earlier = Part("default", "train", "data/train-*-of-00009.parquet", [], 10, 100)
    there = merge(merge(None, make_part("dropped")), earlier)
    parts = [make_part(), make_part("dropped")]
    card = merge_cards(OWN, there, parts=parts, sizes={}, repo_id="anna/set", pending=parts[1:])
    head, body = split_card(card)
    assert matches(head, "default", "train", ["data/train-00000-of-00009.parquet"]) is True
    assert matches(head, "dropped", "train", ["dropped/train-00000-of-00002.parquet"]) is False
    assert body == split_card(there)[1]


def test_a_card_without_configurations_leads_neither_to_a_split_nor_away():
    assert matches({}, "default", "train", ["data/train-00000-of-00002.parquet"]) is None


@pytest.mark.parametrize(("config", "split"), [("default", "test"), ("b", "train")])
def test_a_split_that_a_card_with_configurations_does_not_name_is_not_led_to(config, split):
    head, _ = split_card(merge(None))
    part = make_part(config, split)
    assert matches(head, config, split, [part.pattern.replace("*", "00000")]) is False


@pytest.mark.parametrize(
    "entry",
    [
        {"data_files": "data/**/*.parquet"},
        {"data_files": "data/{train,test}-*.parquet"},
        {"data_files": [{"split": "train", "path": "data/train-0000[0-9]-of-00002.parquet"}]},
        {"data_files": [{"split": "train", "path": "data/train-*-of-00009.parquet"}], "data_dir": "."},
        {"data_dir": "data"},
        {},
    ],
)
def test_a_pattern_that_docmatix_does_not_write_may_lead_anywhere(entry):
    head = {"configs": [{"config_name": "default", **entry}]}
    assert matches(head, "default", "train", ["data/train-00000-of-00002.parquet"]) is True


def test_a_pattern_of_another_build_leads_only_to_its_own_files():
    head, _ = split_card(merge(None))
    assert matches(head, "default", "train", ["data/train-00000-of-00003.parquet"]) is False
    assert matches(head, "default", "train", ["data/train-00000-of-00002.parquet"]) is True


@pytest.mark.parametrize("data_dir", ["old", "./old/", "old/."])
def test_a_folder_for_all_files_is_written_into_each_path(data_dir):
    files = [{"split": "test", "path": ["a.parquet", "./b/*.parquet"]}, {"split": "train", "path": "c.parquet"}]
    there = join_card({"configs": [{"config_name": "default", "data_dir": data_dir, "data_files": files}]}, "")
    head, _ = split_card(merge(there))
    assert head["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "data/train-*-of-00002.parquet"},
                {"split": "test", "path": ["old/a.parquet", "old/b/*.parquet"]},
            ],
        }
    ]


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


def test_the_licence_stays_where_the_repository_holds_other_data():
    there = merge(None, own=OWN.replace("cc0-1.0", "other\nlicense_name: mine\nlicense_link: https://a.example"))
    for part in (make_part("b"), make_part(split="test")):
        head, _ = split_card(merge(there, part))
        assert [head[key] for key in ("license", "license_name", "license_link")] == [
            *("other", "mine", "https://a.example")
        ]
    unstated = merge(None, own=OWN.replace("license: cc0-1.0\n", ""))
    assert "license" not in split_card(merge(unstated, make_part("b")))[0]


def test_what_was_dropped_from_a_dataset_does_not_hold_its_licence():
    there = merge(None, make_part("few"), make_part("few-dropped"), own=OWN.replace("cc0-1.0", "mit"))
    assert split_card(merge(there, make_part("few")))[0]["license"] == "cc0-1.0"
    assert split_card(merge(there, make_part("b")))[0]["license"] == "mit"


def test_a_licence_is_renewed_with_its_name_and_link():
    there = merge(None, own=OWN.replace("cc0-1.0", "other\nlicense_name: mine\nlicense_link: https://a.example"))
    head, _ = split_card(merge(there))
    assert head["license"] == "cc0-1.0"
    assert not {"license_name", "license_link"} & set(head)


@pytest.mark.parametrize(
    ("rows", "size"),
    [(999, "n<1K"), (10**9 - 1, "100M<n<1B"), (10**9, "1B<n<10B"), (10**11, "100B<n<1T"), (10**12, "n>1T")],
)
def test_the_class_of_the_size_is_one_that_the_hub_knows(rows, size):
    assert split_card(merge(None, make_part(rows=rows)))[0]["size_categories"] == [size]


def test_what_was_dropped_does_not_count_as_rows():
    parts = [make_part("few", rows=10), make_part("few-dropped", rows=5000)]
    assert split_card(merge(None, *parts))[0]["size_categories"] == ["n<1K"]
    assert split_card(merge(None, make_part("few-dropped", rows=5000)))[0]["size_categories"] == ["1K<n<10K"]


def test_sizes_are_those_of_all_splits_together():
    sizes = {"data/train-00000-of-00002.parquet": 5, "data/test-00000-of-00002.parquet": 7, "data/other.parquet": 100}
    first = merge_cards(OWN, None, parts=[make_part()], sizes=sizes, repo_id="anna/set")
    both = merge_cards(OWN, first, parts=[make_part(split="test", rows=2000)], sizes=sizes, repo_id="anna/set")
    head, _ = split_card(both)
    assert head["dataset_info"][0]["download_size"] == 12
    assert head["dataset_info"][0]["dataset_size"] == 200
    assert head["size_categories"] == ["1K<n<10K"]


def test_the_example_names_the_repository_configuration_and_split():
    own = join_card({}, f"dataset = {LOAD}  # or a folder")
    assert 'load_dataset("anna/set", split="train")' in merge(None, own=own)
    assert 'load_dataset("anna/set", "b", split="test")' in merge(None, make_part("b", "test"), own=own)


def test_a_card_that_cannot_be_read_is_not_written_over():
    with pytest.raises(SetupError, match="anna/set cannot be merged"):
        merge("---\na: [\n---\n")
