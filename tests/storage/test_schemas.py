"""Schemas: values survive Arrow, and the published schema is the one that `datasets` and Docmatix name."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.documents import Box, Cell, Fact, Page, Table, TextFrom, Word
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.core.profiles import COUNTS, Profile
from docmatix.pipeline import STAGES
from docmatix.storage import schemas
from docmatix.storage.earlier_schemas import (
    ADDED_BY_CHECKS,
    ADDED_BY_OCR,
    ADDED_BY_PAGES,
    ADDED_TO_PAGES,
    ADDED_TO_PAIRS,
    VERIFY_OF_ONE_CHECK,
    find_dataset_schema,
    forget,
    is_written_with,
)
from docmatix.storage.page_rows import page_from_row, page_to_row
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES
from tests.pages import write_table

SHARES = st.floats(0, 1, width=32)
BOXES = st.builds(Box, SHARES, SHARES, SHARES, SHARES)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(0, 2**31 - 1)
NAMES = st.lists(TEXTS, max_size=2).map(tuple)
PLACES = st.lists(BOXES, max_size=2).map(tuple)
CELLS = st.builds(Cell, NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXTS, BOXES, header=st.booleans(), path=NAMES, role=TEXTS)
PROFILES = st.builds(Profile, **{name: NUMBERS if name in COUNTS else SHARES for name in Profile._fields})
PAGES = st.builds(
    Page,
    number=st.integers(1, 10_000),
    width_pt=st.floats(0, 14_400, width=32),
    height_pt=st.floats(0, 14_400, width=32),
    rotation=st.sampled_from([0, 90, 180, 270]),
    image_share=SHARES,
    text=TEXTS,
    words=st.lists(
        st.builds(Word, TEXTS, BOXES, NUMBERS, NUMBERS, SHARES, st.booleans(), st.none() | SHARES), max_size=5
    ).map(tuple),
    tables=st.lists(
        st.builds(
            Table,
            BOXES,
            st.lists(CELLS, max_size=3).map(tuple),
            caption=TEXTS,
            unit=TEXTS,
            notes=NAMES,
            key_column=st.none() | NUMBERS,
            confidence=SHARES,
            continues=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    reason=st.none() | st.sampled_from(["blank", "no_text"]),
    text_quality=st.none() | SHARES,
    facts=st.lists(st.builds(Fact, TEXTS, TEXTS, TEXTS, NAMES, PLACES, PLACES, SHARES), max_size=2).map(tuple),
    text_from=st.sampled_from(get_args(TextFrom)),
    route_reason=TEXTS,
    ocr_confidence=st.none() | SHARES,
    profile=st.none() | PROFILES,
    text_signature=st.none() | st.binary(min_size=PAGE_SIGNATURE_BYTES, max_size=PAGE_SIGNATURE_BYTES),
)
PAIRS = st.builds(
    Pair,
    **dict.fromkeys(["pair_id", "request_id", "prompt", "model", "style", "question", "answer"], TEXTS),
    context=st.none() | TEXTS,
    span=st.none() | st.tuples(NUMBERS, NUMBERS, NUMBERS),
    group=st.none() | TEXTS,
    kind=st.sampled_from(["free", "sentence", "field"]),
    evidence=st.none() | st.lists(st.builds(Evidence, NUMBERS, TEXTS, PLACES), max_size=2).map(tuple),
)


def through_arrow(row: dict[str, Any], schema: pa.Schema, *, columns: list[str] | None = None) -> dict[str, Any]:
    """A row as it comes back from a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=schema), buffer)
    (read,) = pq.ParquetFile(buffer).read(columns=columns).to_pylist()
    return dict(read)


@settings(max_examples=40)
@given(PAGES)
def test_a_page_comes_back_from_a_file_as_it_was(page):
    row = through_arrow({"pages": [page_to_row(page)]}, schemas.EXTRACT)
    assert page_from_row(row["pages"][0]) == page


@settings(max_examples=40)
@given(PAGES)
def test_a_page_may_be_read_without_its_words(page):
    row = through_arrow(
        {"doc_id": "d", "pages": [page_to_row(page)]}, schemas.EXTRACT, columns=schemas.EXTRACT_WITHOUT_WORDS
    )
    assert page_from_row(row["pages"][0]) == replace(page, words=(), text_signature=None)
    assert row["doc_id"] == "d"


@pytest.mark.parametrize("kept", [1, 0], ids=["since the quality of text", "version 0.1.0"])
def test_a_page_of_an_earlier_version_has_what_was_known_then(kept):
    page = write_table(("Fruit", "2024"), ("Pears", "46"))
    page = replace(page, width_pt=595.0, height_pt=842.0, text_quality=0.5)
    earlier = forget(schemas.EXTRACT, (*ADDED_BY_PAGES, *ADDED_BY_OCR, *ADDED_TO_PAGES[kept:]))
    written = page_to_row(page)
    written["tables"] = [{"box": table.box, "rows": table.rows} for table in page.tables]
    (row,) = through_arrow({"pages": [written]}, earlier)["pages"]
    read = page_from_row(row)
    assert [word.text for word in read.words] == ["Fruit", "2024", "Pears", "46"]
    assert read.tables[0].rows == page.tables[0].rows
    assert (read.text_quality, read.facts) == (0.5 if kept else None, ())
    assert is_written_with(earlier, schemas.EXTRACT)
    assert is_written_with(schemas.EXTRACT, schemas.EXTRACT)
    assert not is_written_with(earlier.remove(0), schemas.EXTRACT)


@pytest.mark.parametrize(
    ("now", "earlier"),
    [(schemas.VERIFY, VERIFY_OF_ONE_CHECK), (schemas.CURATE, schemas.CURATE), (schemas.EXTRACT, schemas.EXTRACT)],
    ids=["verify", "curate", "extract"],
)
def test_a_file_from_before_the_fluency_of_questions_is_known(now, earlier):
    before = forget(earlier, (*ADDED_BY_PAGES, *ADDED_BY_CHECKS, *ADDED_BY_OCR, *ADDED_TO_PAIRS))
    assert is_written_with(before, now)
    assert "fluency" not in str(before)


@pytest.mark.parametrize(
    ("now", "earlier"),
    [(schemas.VERIFY, VERIFY_OF_ONE_CHECK), (schemas.CURATE, forget(schemas.CURATE, ADDED_BY_CHECKS))],
    ids=["verify", "curate"],
)
def test_a_file_from_before_the_list_of_checks_is_known(now, earlier):
    assert is_written_with(earlier, now)
    assert "agreement" not in str(earlier)


@settings(max_examples=40)
@given(PAIRS)
def test_a_pair_comes_back_from_a_file_as_it_was(pair):
    row = through_arrow({"pairs": [schemas.pair_to_row(pair)]}, schemas.GENERATE)
    assert schemas.pair_from_row(row["pairs"][0]) == pair
    assert schemas.pair_from_row(through_arrow(schemas.pair_to_row(pair), schemas.CURATE)) == pair


@pytest.mark.parametrize("stage", [schemas.GENERATE, schemas.CURATE])
def test_a_pair_of_an_earlier_version_is_free_and_has_no_evidence_of_its_own(stage):
    earlier = forget(stage, (*ADDED_BY_CHECKS, *ADDED_BY_OCR, *ADDED_TO_PAIRS))
    pair = Pair("p", "r", "extractive", "m", "extractive", "Who?", "Ann", kind="field", evidence=())
    row = schemas.pair_to_row(pair)
    read = through_arrow({"pairs": [row]} if stage is schemas.GENERATE else row, earlier)
    read = read["pairs"][0] if stage is schemas.GENERATE else read
    assert schemas.pair_from_row(read) == replace(pair, kind="free", evidence=None)
    assert is_written_with(earlier, stage)


def test_a_page_from_before_ocr_was_read_from_its_layer():
    earlier = forget(schemas.EXTRACT, (*ADDED_BY_PAGES, *ADDED_BY_OCR))
    (row,) = through_arrow({"pages": [page_to_row(write_table(("Fruit", "2024")))]}, earlier)["pages"]
    read = page_from_row(row)
    assert (read.text_from, read.route_reason, read.ocr_confidence, read.profile) == ("layer", "", None, None)
    assert {word.confidence for word in read.words} == {None}
    assert is_written_with(earlier, schemas.EXTRACT)


def test_the_kind_of_a_fact_is_not_that_of_a_pair():
    page = forget(schemas.EXTRACT, ADDED_TO_PAIRS).field("pages").type.value_type
    assert "kind" in page.field("facts").type.value_type.names


@pytest.mark.parametrize("name", schemas.DATASETS)
def test_a_dataset_from_before_ocr_is_known_by_its_schema(name):
    earlier = forget(schemas.DATASETS[name], (*ADDED_BY_CHECKS, *ADDED_BY_OCR))
    found = find_dataset_schema(earlier, name)
    assert found is not None
    assert found.equals(earlier)
    assert b"ocr_confidence" not in found.metadata[b"huggingface"]
    assert (b'"kind"' in found.metadata[b"huggingface"]) == (name == "annotated")


@pytest.mark.parametrize("name", schemas.DATASETS)
def test_a_dataset_of_an_earlier_version_is_known_by_its_schema(name):
    earlier = forget(schemas.DATASETS[name], (*ADDED_BY_CHECKS, *ADDED_BY_OCR, *ADDED_TO_PAIRS))
    assert find_dataset_schema(schemas.DATASETS[name], name) is schemas.DATASETS[name]
    found = find_dataset_schema(earlier, name)
    assert found is not None
    assert found.equals(earlier)
    assert b'"kind"' not in found.metadata[b"huggingface"]
    assert find_dataset_schema(earlier.remove(0), name) is None


def test_scores_and_evidence_come_back_from_a_file():
    evidence = Evidence(3, "two lines", (Box(0, 0.25, 0.5, 0.5), Box(0, 0.5, 0.25, 0.75)))
    row = {"scores": schemas.scores_to_row(Scores(grounding=0.5)), "evidence": [schemas.evidence_to_row(evidence)]}
    read = through_arrow(row, schemas.CURATE)
    assert Scores(**read["scores"]) == Scores(grounding=0.5)
    (item,) = read["evidence"]
    assert Evidence(item["page"], item["quote"], tuple(Box(*box) for box in item["boxes"])) == evidence


def test_every_stage_that_writes_rows_has_its_schema():
    assert all(isinstance(getattr(schemas, stage.upper()), pa.Schema) for stage in STAGES if stage != "pack")


def read_features(name: str) -> dict[str, Any]:
    features: dict[str, Any] = json.loads(schemas.DATASETS[name].metadata[b"huggingface"])["info"]["features"]
    return features


def test_the_docmatix_schema_has_images_and_texts_and_nothing_else():
    assert schemas.DATASETS["docmatix"].names == ["images", "texts"]


@pytest.mark.slow
def test_the_docmatix_schema_is_that_of_the_published_dataset():
    from datasets import Features, Image, List, Value

    texts = {name: Value("string") for name in ("user", "assistant", "source")}
    published = Features({"images": List(Image()), "texts": List(texts)})
    assert Features.from_dict(read_features("docmatix")) == published
    assert Features.from_arrow_schema(schemas.DATASETS["docmatix"]) == published


@pytest.mark.parametrize("name", schemas.DATASETS)
def test_the_features_name_every_column_in_order(name):
    assert list(read_features(name)) == schemas.DATASETS[name].names
    assert read_features(name)["images"] == {"feature": {"_type": "Image"}, "_type": "List"}


def test_the_annotated_schema_begins_with_the_columns_of_docmatix():
    annotated, docmatix = schemas.DATASETS["annotated"], schemas.DATASETS["docmatix"]
    assert [annotated.field(number) for number in range(2)] == list(docmatix)
