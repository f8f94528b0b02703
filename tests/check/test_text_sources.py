"""What a pair says of where its words were read, against its pages."""

from __future__ import annotations

from typing import Any

import pytest

from docmatix.check.text_sources import PageSources, check_source
from docmatix.storage.schemas import CURATE
from tests.check.runs import change_part, check, first_pair

PAGES = PageSources(
    [
        {"number": 1, "text_from": "layer", "ocr_confidence": None},
        {"number": 2, "text_from": "layer", "ocr_confidence": 0.8},
        {"number": 3, "text_from": "none", "ocr_confidence": None},
        {"number": 4},  # of an earlier version
    ]
)


def make_row(source: str, *, page: int | None = 1, confidence: float | None = None) -> dict[str, Any]:
    return {
        "pair_id": "p",
        "page_numbers": [1, 2, 3, 4],
        "evidence": [] if page is None else [{"page": page}],
        "text_from": source,
        "page_text_from": ["layer", "layer", "none", "layer"],
        "scores": {"ocr_confidence": confidence},
    }


@pytest.mark.parametrize(
    "row",
    [
        make_row("layer"),
        make_row("layer", page=4),
        make_row("layer", page=2),
        make_row("ocr", page=2, confidence=0.8),
        make_row("none", page=None),
        make_row("layer") | {"text_from": None, "page_text_from": None},
    ],
)
def test_a_pair_may_name_what_its_pages_have(row):
    assert list(check_source(row, PAGES)) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (make_row("ocr"), "p rests on words of `ocr`, its pages have layer."),
        (make_row("none", page=2), "p rests on words of `none`, its pages have layer and ocr."),
        (make_row("layer", confidence=0.5), "p has an OCR confidence, but OCR has read none of its words."),
        (make_row("layer") | {"page_text_from": ["layer"] * 4}, "the pages of p do not say where"),
    ],
)
def test_a_pair_that_names_another_source_is_found(row, problem):
    (found,) = check_source(row, PAGES)
    assert problem in found


def test_a_pair_of_a_run_that_claims_ocr_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["text_from"] = "ocr"

    change_part(own_run, "curate", 0, CURATE, change)
    assert "rests on words of `ocr`" in check(own_run)
