"""Labelled pages: which found tables are tables, and that the labels hold what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.false_finds import Page, Totals, ask_all, load_pages, match_all, total
from benchmarks.table_pages import LabelledPage, LabelledTable, find_files, load_labels, match, shrink
from benchmarks.table_readers import Found
from docmatix.core.documents import Box, Word
from docmatix.pdf.reading import make_doc_id
from tests.pdfs import write_pdf

TOP, MIDDLE, BOTTOM = Box(0.1, 0.1, 0.9, 0.3), Box(0.1, 0.4, 0.9, 0.6), Box(0.1, 0.7, 0.9, 0.9)
BOXES = st.lists(st.sampled_from([TOP, MIDDLE, BOTTOM, Box(0.1, 0.1, 0.9, 0.6), Box(0.2, 0.15, 0.5, 0.3)]), max_size=5)


def test_a_find_that_overlaps_a_table_by_half_is_the_table_and_one_beside_it_is_false() -> None:
    matching = match([Box(0.1, 0.15, 0.9, 0.32), Box(0.1, 0.45, 0.2, 0.5)], [TOP, MIDDLE])

    assert matching.pairs == [(0, 0)]
    assert matching.false == [1]
    assert matching.missed == [1]


def test_finds_that_cover_most_of_each_other_are_the_same_though_they_overlap_by_less_than_half() -> None:
    shifted = Box(0.35, 0.1, 1.0, 0.3)  # 0.55 of 0.65 shared, of 0.8: union 0.9
    assert match([shifted], [TOP]).pairs == [(0, 0)]
    assert match([Box(0.7, 0.1, 1.0, 0.3)], [TOP]).pairs == []


def test_a_table_is_found_once_by_the_nearest_find() -> None:
    matching = match([Box(0.1, 0.1, 0.9, 0.28), TOP], [TOP])

    assert matching.pairs == [(1, 0)]
    assert matching.false == [0]
    assert matching.split == [0]


def test_a_find_over_two_tables_is_merged_and_neither_of_them() -> None:
    matching = match([Box(0.1, 0.1, 0.9, 0.9)], [TOP, BOTTOM])

    assert (matching.merged, matching.pairs, matching.false, matching.missed) == ([0], [], [0], [0, 1])


def test_what_is_found_where_both_answers_are_right_does_not_count() -> None:
    assert match([MIDDLE], [TOP], either=[Box(0.0, 0.35, 1.0, 0.65)]).false == []
    assert match([MIDDLE], [TOP], either=[BOTTOM]).false == [0]


@given(BOXES, BOXES)
def test_each_find_and_each_table_is_in_one_place_of_a_matching(found: list[Box], true: list[Box]) -> None:
    matching = match(found, true)

    assert sorted([x for x, _ in matching.pairs] + matching.false) == list(range(len(found)))
    assert sorted([y for _, y in matching.pairs] + matching.missed) == list(range(len(true)))


def test_boxes_are_compared_by_the_words_that_they_hold() -> None:
    words = [Word("a", Box(0.2, 0.2, 0.3, 0.22), 0, 0), Word("b", Box(0.5, 0.25, 0.6, 0.27), 1, 0)]

    assert shrink(TOP, words) == Box(0.2, 0.2, 0.6, 0.27)
    assert shrink(BOTTOM, words) == BOTTOM


def test_the_labels_are_150_pages_no_document_of_which_is_in_both_halves() -> None:
    labels = load_labels()

    assert len({(label.doc_id, label.page) for label in labels}) == len(labels) == 150
    assert not {label.doc_id for label in load_labels("develop")} & {label.doc_id for label in load_labels("report")}
    assert {label.half for label in labels} == {"develop", "report"}
    assert {table.kind for label in labels for table in label.tables} == {"ruled", "booktabs", "aligned", "either"}
    for table in (table for label in labels for table in label.tables):
        assert 0 <= table.box.x0 < table.box.x1 <= 1
        assert 0 <= table.box.y0 < table.box.y1 <= 1


def test_no_document_has_more_than_three_labelled_pages_and_those_with_a_table_are_called_so() -> None:
    labels = load_labels()

    assert max(sum(label.doc_id == other.doc_id for other in labels) for label in labels) == 3
    sorts = {label.sort for label in labels if any(table.kind != "either" for table in label.tables)}
    assert sorts == {"table"}


def test_files_are_found_by_their_contents_under_any_name_and_missing_ones_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pdf = write_pdf("A page with some words on it.")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "renamed.pdf").write_bytes(pdf)

    assert find_files(tmp_path, [make_doc_id(pdf), "0" * 32]) == {make_doc_id(pdf): pdf}
    assert load_pages(tmp_path) == []
    assert "Not in" in capsys.readouterr().out


def test_a_reader_is_asked_once_a_document_and_its_finds_are_counted_over_pages() -> None:
    asked: list[list[int]] = []

    def read(pdf: bytes, pages: Sequence[int]) -> list[Found]:
        asked.append(list(pages))
        return [Found(1, TOP, []), Found(2, TOP, []), Found(2, BOTTOM, [])]

    tables = (LabelledTable("ruled", TOP), LabelledTable("either", BOTTOM))
    pages = [
        Page(LabelledPage("one", 2, "develop", "table", tables, "somewhere"), b"", []),
        Page(LabelledPage("one", 1, "develop", "prose", (), "somewhere"), b"", []),
    ]

    sums = total(match_all(pages, ask_all(pages, read)))

    assert asked == [[1, 2]]
    assert sums == Totals(right=1, false=1, missed=0, merged=0, split=0)
    assert (sums.precision, sums.recall) == (0.5, 1.0)
