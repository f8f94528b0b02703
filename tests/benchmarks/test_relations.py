"""Tests of `benchmarks.relations`."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.relations import Place, Relation, Score, add_up, compare, list_relations, place_rows, read_truth

TRUTH = """<?xml version="1.0" encoding="UTF-8"?>
<document filename="made.xml">
  <table id="1">
    <region id="1" page="1" col-increment="0" row-increment="0">
      <cell start-row="0" start-col="0"><content>Year</content></cell>
      <cell start-row="0" start-col="1" end-col="2"><content>Sales of
      goods</content></cell>
      <cell start-row="1" start-col="0"><content>2019</content></cell>
      <cell start-row="1" start-col="1"><content>(1.5)</content></cell>
      <cell start-row="1" start-col="2"><content>-</content></cell>
    </region>
    <region id="2" page="2" col-increment="0" row-increment="2">
      <cell start-row="0" start-col="0"><content>2020</content></cell>
      <cell start-row="0" start-col="2"><content>7</content></cell>
    </region>
  </table>
</document>
"""
RELATIONS = [
    Relation("year", "salesofgoods", "right"),
    Relation("2019", "15", "right"),
    Relation("2020", "7", "right"),
    Relation("year", "2019", "below"),
    Relation("2019", "2020", "below"),
    Relation("salesofgoods", "15", "below"),
    Relation("salesofgoods", "7", "below"),  # past a cell of a dash alone, which counts as empty
]


def test_relations_are_those_of_neighbours_in_every_row_and_column_that_a_cell_spans(tmp_path) -> None:
    path = tmp_path / "made-str.xml"
    path.write_text(TRUTH, encoding="utf-8")

    assert sorted(add_up(read_truth(path)).elements()) == sorted(RELATIONS)


def test_a_found_table_is_scored_by_the_relations_that_it_has_in_common_with_the_truth(tmp_path) -> None:
    path = tmp_path / "made-str.xml"
    path.write_text(TRUTH, encoding="utf-8")
    flat = place_rows([["Year", "Sales of goods", None], ["2019", "1.5", "-"], ["2020", "", "7"], ["Sum", "1.5", "7"]])

    score = compare(list_relations(flat), add_up(read_truth(path)))

    # lost: the header over its second column; invented: three cells below others, two beside others
    assert score == Score(right=6, found=11, true=7)
    assert (round(score.precision, 3), round(score.recall, 3), round(score.f1, 3)) == (0.545, 0.857, 0.667)


def test_a_cell_over_two_rows_stands_beside_both_and_is_counted_once_with_one_that_spans_them_too() -> None:
    tall = Place(0, 1, 0, 0, "tall")

    assert list_relations([tall, Place(0, 0, 1, 1, "a"), Place(1, 1, 1, 1, "b")]) == {
        Relation("tall", "a", "right"): 1,
        Relation("tall", "b", "right"): 1,
        Relation("a", "b", "below"): 1,
    }
    assert list_relations([tall, Place(0, 1, 1, 1, "high")]) == {Relation("tall", "high", "right"): 1}


def test_relations_of_the_same_texts_count_as_often_as_they_stand_in_the_truth() -> None:
    twice = list_relations(place_rows([["0", "0"], ["0", "0"]]))

    assert twice == {Relation("0", "0", "right"): 2, Relation("0", "0", "below"): 2}
    assert compare(twice, list_relations(place_rows([["0", "0"]]))) == Score(right=1, found=4, true=1)


def test_finding_nothing_where_nothing_is_counts_as_right() -> None:
    assert Score(0, 0, 0).f1 == 1
    assert Score(0, 3, 0).f1 == Score(0, 0, 3).f1 == 0


@given(st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(st.text("ab-", max_size=2), min_size=width))))
def test_a_table_has_all_relations_of_itself_and_rows_and_columns_without_text_change_none(rows: list[list[str]]):
    relations = list_relations(place_rows(rows))
    spread = [cell for row in rows for cell in ([*row, ""], [""])]
    gaps = [[text for cell in row for text in (cell, None)] for row in spread]

    assert compare(relations, relations).f1 == 1
    assert list_relations(place_rows(gaps)) == relations
