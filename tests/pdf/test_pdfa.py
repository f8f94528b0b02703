"""The JSON twin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Refusal, compose_text
from docmatix.pdf.pdfa import TwinPage, read_twin

NUMBERS = st.floats(-2, 3, allow_nan=False)


def make_page(
    words: list[tuple[str, list[float], list[int]]], images: list[list[float]] | None = None
) -> dict[str, Any]:
    texts, boxes, places = ([word[i] for word in words] for i in range(3))
    return {
        "words": {"text": texts, "bbox": boxes, "score": [1.0] * len(words), "line_pos": places},
        "lines": {"text": [], "bbox": [], "score": [], "word_slice": []},
        "images_bbox": images or [],
        "images_bbox_no_text_overlap": [],
    }


def read(*pages: Any, page_count: int | None = None) -> list[TwinPage]:
    result = read_twin(json.dumps({"pages": pages}).encode(), page_count=page_count)
    assert isinstance(result, list), result
    return result


def refuse(data: bytes, *, page_count: int | None = None) -> str:
    result = read_twin(data, page_count=page_count)
    assert isinstance(result, Refusal)
    assert result.reason == "twin_unreadable"
    return result.detail


def test_words_come_in_reading_order_whatever_their_order_in_the_file() -> None:
    page = make_page(
        [
            ("total", [0.1, 0.13, 0.1, 0.02], [1, 0]),
            ("No.", [0.1, 0.1, 0.1, 0.02], [0, 0]),
            ("9.50", [0.3, 0.13, 0.1, 0.02], [1, 6]),
            ("17", [0.3, 0.1, 0.1, 0.02], [0, 4]),
        ]
    )
    (read_page,) = read(page)
    assert compose_text(read_page.words) == "No. 17\ntotal 9.50"
    assert [word.line for word in read_page.words] == [0, 0, 1, 1]


def test_boxes_become_corners() -> None:
    (page,) = read(make_page([("a", [0.25, 0.5, 0.5, 0.125], [0, 0])]))
    assert page.words[0].box == Box(0.25, 0.5, 0.75, 0.625)


def test_a_gap_or_a_new_column_begins_a_block() -> None:
    tops = [0.10, 0.13, 0.16, 0.22, 0.10]
    lefts = [0.1, 0.1, 0.1, 0.1, 0.6]
    (page,) = read(make_page([(str(i), [lefts[i], tops[i], 0.3, 0.02], [i, 0]) for i in range(5)]))
    assert [word.block for word in page.words] == [0, 0, 0, 1, 2]


def test_words_outside_the_page_are_left_out_and_those_across_its_edge_are_cut() -> None:
    (page,) = read(
        make_page(
            [
                ("cut", [-0.1, 0.9, 0.5, 0.3], [0, 0]),
                ("whole", [0.5, 0.9, 0.1, 0.05], [0, 1]),
                ("gone", [1.2, 0.9, 0.1, 0.05], [0, 2]),
            ]
        )
    )
    assert [(word.text, word.box) for word in page.words] == [
        ("cut", Box(0.0, 0.9, 0.4, 1.0)),
        ("whole", Box(0.5, 0.9, 0.6, 0.95)),
    ]


def test_the_share_under_images_is_measured_within_the_page() -> None:
    pages = read(
        make_page([], [[0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.1, 0.1]]), make_page([], [[0, 0, 1, 1]] * 2), make_page([])
    )
    assert [page.image_share for page in pages] == [0.26, 1.0, 0.0]


def test_a_twin_of_another_document_is_refused() -> None:
    data = json.dumps({"pages": [make_page([])]}).encode()
    assert isinstance(read_twin(data, page_count=1), list)
    assert refuse(data, page_count=2) == "1 pages where the PDF has 2"


def test_boxes_in_points_are_refused() -> None:
    data = json.dumps({"pages": [make_page([("a", [72, 90, 30, 12], [0, 0])])]}).encode()
    assert "not fractions" in refuse(data)


@pytest.mark.parametrize(
    "change",
    [
        {"words": None},
        {"words": {"text": ["a"], "bbox": [], "line_pos": []}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1, 1]]}},
        {"words": {"text": [1], "bbox": [[0, 0, 1, 1]], "line_pos": [[0, 0]]}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1]], "line_pos": [[0, 0]]}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1, None]], "line_pos": [[0, 0]]}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1, float("nan")]], "line_pos": [[0, 0]]}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1, 10**400]], "line_pos": [[0, 0]]}},
        {"words": {"text": ["a"], "bbox": [[0, 0, 1, 1]], "line_pos": [0]}},
        {"images_bbox": 3},
    ],
)
def test_a_page_that_does_not_hold_together_is_refused_by_number(change: dict[str, Any]) -> None:
    pages = [make_page([]), {**make_page([]), **change}]
    assert refuse(json.dumps({"pages": pages}).encode()).startswith("page 2: ")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\xfa", b"[]", b'{"pages": {}}', b"[" * 100_000, b"null"])
def test_an_invalid_twin_is_refused(data: bytes) -> None:
    assert refuse(data)


def test_text_that_no_file_could_hold_is_cleaned() -> None:
    (page,) = read(
        make_page([("a\ud800b", [0, 0, 1, 1], [0, 0]), ("  ", [0, 0, 1, 1], [0, 1]), ("x y", [0, 0, 1, 1], [0, 2])])
    )
    assert [word.text for word in page.words] == ["a\ufffdb", "x", "y"]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["pages", "words", "text", "bbox", "line_pos", "images_bbox"]), inner, max_size=4
        ),
    ),
)


@given(st.one_of(JSON, st.fixed_dictionaries({"pages": st.lists(JSON, max_size=3)})))
def test_no_json_raises(value: Any) -> None:
    result = read_twin(json.dumps(value).encode())
    assert isinstance(result, (list, Refusal))


@given(
    st.lists(
        st.tuples(
            st.text(max_size=6),
            st.lists(NUMBERS, min_size=4, max_size=4),
            st.tuples(st.integers(0, 5), st.integers(0, 5)),
        )
    )
)
def test_words_keep_the_promises_of_a_page(words: list[Any]) -> None:
    result = read_twin(json.dumps({"pages": [make_page(words)]}).encode())
    if isinstance(result, Refusal):
        return
    (page,) = result
    for word in page.words:
        assert word.text == word.text.strip() != ""
        assert 0 <= word.box.x0 <= word.box.x1 <= 1
        assert 0 <= word.box.y0 <= word.box.y1 <= 1
    for numbers in ([word.line for word in page.words], [word.block for word in page.words]):
        assert numbers == sorted(numbers)
        assert sorted(set(numbers)) == list(range(len(set(numbers))))
    assert len({(word.line, word.block) for word in page.words}) == len({word.line for word in page.words})
