"""One row of a dataset, right and wrong."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from docmatix.check.rows import check_row


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
