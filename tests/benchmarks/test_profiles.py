"""What is true of drawn pages, and how profiles are judged by it."""

from __future__ import annotations

from benchmarks.profiles import list_truth, says
from benchmarks.truth_factory.drawn import Drawn, DrawnFact
from docmatix.core.documents import Box
from docmatix.core.profiles import Profile


def make_drawn(*facts: DrawnFact, sort: str = "report", complete: tuple[str, ...] = ("table",)) -> Drawn:
    return Drawn(sort, "en", 0, b"", 2, facts, (), frozenset(complete), frozenset({(1, "chart")}))


def make_fact(kind: str, page: int, *, optional: bool = False) -> DrawnFact:
    return DrawnFact(kind, "", "Sales", (), page, (Box(0.1, 0.1, 0.2, 0.2),), optional=optional)


def test_a_page_shows_what_was_drawn_on_it_and_not_what_is_on_others() -> None:
    drawn = make_drawn(make_fact("caption", 1), make_fact("table", 2))
    first, second = list_truth(drawn, 1), list_truth(drawn, 2)
    assert (first["chart"], first["figure"], first["tables"]) == (True, True, False)
    assert (second["chart"], second["figure"], second["tables"]) == (False, False, True)


def test_tables_that_need_not_be_found_are_not_judged() -> None:
    assert list_truth(make_drawn(make_fact("table", 1, optional=True)), 1)["tables"] is None
    assert list_truth(make_drawn(complete=()), 1)["tables"] is None


def test_pages_are_of_the_sort_of_their_document() -> None:
    assert list_truth(make_drawn(sort="form"), 1)["form"] is True
    assert list_truth(make_drawn(sort="letter"), 2)["letter"] is None


def test_half_a_score_or_one_table_is_a_yes() -> None:
    assert says(Profile(chart=0.5), "chart")
    assert not says(Profile(chart=0.49), "chart")
    assert says(Profile(tables=1), "tables")
