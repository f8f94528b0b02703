"""One row of a dataset, right and wrong."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from docmatix.check.rows import PageTexts, check_evidence, check_row


def make_row(**fields: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    return {
        "sample_id": "d-1",
        "images": [{"bytes": buffer.getvalue(), "path": "d-1.png"}],
        "texts": [{"user": "Who?", "assistant": "Ada", "source": "docs/a.pdf"}],
        "page_numbers": [1],
        "annotations": [{"pair_id": "p", "evidence": [{"page": 1, "quote": "Ada", "boxes": [[0, 0, 1, 1]]}]}],
        **fields,
    }


def annotate(page: int, *boxes: list[float]) -> list[dict[str, Any]]:
    return [{"pair_id": "p", "evidence": [{"page": page, "quote": "", "boxes": boxes}]}]


def test_a_good_row_has_no_problem_nor_has_one_of_the_docmatix_schema():
    row = make_row()
    assert list(check_row(row)) == []
    assert list(check_row({name: row[name] for name in ("images", "texts")})) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"images": [{"bytes": b"no image", "path": ""}]}, "an image of d-1 does not open"),
        ({"texts": [{"user": "Who?", "assistant": "", "source": "s"}]}, "d-1 has an empty pair."),
        ({"texts": [], "annotations": []}, "d-1 has an empty pair."),
        ({"annotations": []}, "d-1 has 1 pairs and 0 annotations."),
        ({"page_numbers": [1, 2]}, "d-1 has 1 images and 2 page numbers."),
        ({"annotations": annotate(2)}, "the evidence of p is on page 2, outside its sample."),
        ({"annotations": annotate(1, [0, 0, 1.1, 1])}, "an evidence box of p lies outside its page."),
        ({"annotations": annotate(1, [0.5, 0, 0.4, 1])}, "an evidence box of p lies outside its page."),
    ],
)
def test_what_is_wrong_with_a_row_is_named(fields, problem):
    (found,) = check_row(make_row(**fields))
    assert problem in found


def test_an_image_cut_short_is_found():
    row = make_row()
    row["images"][0]["bytes"] = row["images"][0]["bytes"][:45]
    (found,) = check_row(row)
    assert "does not open" in found


def curated(quote: str, *, exact: bool, found: str | None = None) -> dict[str, Any]:
    """A curated pair with this evidence: of its own if it is `exact`, else found on the page."""
    (note,) = annotate(1)
    note["evidence"][0]["quote"] = quote
    own = [{**note["evidence"][0], "quote": found or quote}] if exact else None
    return {**note, "page_numbers": [1], "exact_evidence": own}


def test_lines_of_a_fact_may_stand_apart_on_their_page():
    texts = PageTexts([{"number": 1, "text": "Blue 3 pears\nand 4 ap-\nples"}])
    assert list(check_evidence(curated("and 4 apples", exact=True), texts)) == []
    assert list(check_evidence(curated("Blue and", exact=True), texts)) == []
    assert list(check_evidence(curated("3 pears and", exact=False), texts)) == []
    (found,) = check_evidence(curated("Blue and", exact=False), texts)
    assert "quotes text that is not on page 1" in found
    (found,) = check_evidence(curated("Blue plums", exact=True), texts)
    assert "quotes text that is not on page 1" in found


def test_evidence_that_is_not_that_of_the_facts_is_found():
    texts = PageTexts([{"number": 1, "text": "3 pears and 4 apples"}])
    (found,) = check_evidence(curated("3 pears", exact=True, found="4 apples"), texts)
    assert "is not that of the facts it was made from" in found
