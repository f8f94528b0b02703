"""Samples show themselves with their pages, pairs and evidence."""

from __future__ import annotations

import pyarrow as pa
from PIL import Image

import docmatix
from docmatix.review.collection import Collection
from docmatix.review.samples import Samples
from docmatix.storage.schemas import DATASETS
from tests.review.datasets import (
    make_docmatix_row,
    write_dataset,
)


def test_a_sample_shows_its_pages_its_pairs_and_boxes_that_belong_to_them(finished_run):
    sample = Collection(str(finished_run))[0]
    html = sample._repr_html_()
    assert html.count("<img ") == len(sample["page_numbers"])
    assert sample["source_uri"] in html
    for number, pair in enumerate(sample.pairs, 1):
        assert pair["question"] in html
        boxes = sum(len(evidence["boxes"]) for evidence in pair["evidence"])
        assert html.count(f'class="dmx-box dmx-p{number}"') == boxes
    assert repr(sample).startswith(f"[0] {sample['source_uri']}, page 1\n")


def test_the_evidence_is_drawn_into_the_pages(finished_run):
    sample = Collection(str(finished_run))[0]
    (page,) = sample.draw(max_width_px=200)
    (plain,) = sample.images
    assert page.width == 200
    assert page.tobytes() != plain.convert("RGB").resize(page.size, Image.Resampling.LANCZOS).tobytes()


def test_some_samples_show_themselves_and_say_how_many_more_there_are(published):
    shown = published[:]
    assert shown._repr_html_().count("<img ") == 10
    many = Samples(published, list(range(10)) * 2)
    assert "... and 10 more" in many._repr_html_()
    assert repr(many).endswith("... and 10 more")


def test_a_run_shows_its_ledger_and_its_first_sample(finished_run):
    html = Collection(str(finished_run))._repr_html_()
    assert "not_pdf 1" in html
    assert "<img " in html


def test_page_numbers_that_are_texts_are_escaped_too(tmp_path):
    evil = '"><img src=x onerror=alert(1)>'
    fields = [*DATASETS["docmatix"], pa.field("page_numbers", pa.list_(pa.string()))]
    row = {**make_docmatix_row(0, images=2), "page_numbers": [evil, "12"]}
    (tmp_path / "a.parquet").write_bytes(write_dataset([row], schema=pa.schema(fields)))
    html = docmatix.open(tmp_path)[0]._repr_html_()
    assert html.count("<img ") == 2
    assert "page 12</figcaption>" in html


def test_text_of_a_document_is_escaped_in_a_notebook(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    text = {"user": evil, "assistant": evil, "source": evil}
    (tmp_path / "a.parquet").write_bytes(write_dataset([{"images": [], "texts": [text]}]))
    html = docmatix.open(tmp_path)[0]._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") == 3


def test_a_row_whose_picture_is_damaged_is_shown_without_it(tmp_path):
    row = make_docmatix_row(0)
    row["images"] = [{"bytes": b"no image", "path": None}, {"bytes": None, "path": "a.png"}, *row["images"]]
    (tmp_path / "a.parquet").write_bytes(write_dataset([row]))
    sample = docmatix.open(tmp_path)[0]
    assert len(sample.images) == 1
    assert sample._repr_html_().count("no picture") == 2
