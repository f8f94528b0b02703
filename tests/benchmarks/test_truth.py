"""The truth factory says what it draws, and its scorer tells every fault of a reader."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from benchmarks import truth
from benchmarks.truth_factory.checking import list_errors
from benchmarks.truth_factory.drawn import LANGUAGES, Drawn, DrawnFact, Reading
from benchmarks.truth_factory.factory import SORTS, draw_document, draw_documents
from benchmarks.truth_factory.scoring import CELL_TEXTS, Found, FoundCell, Score, list_found, overlap, score_document
from docmatix.core.documents import Box, Cell, Document, Fact, Page, Table

BOX = Box(0.1, 0.1, 0.3, 0.12)
ELSEWHERE = Box(0.6, 0.6, 0.8, 0.62)


def make_fact(kind: str = "field", label: str = "Total", value: str = "-1,234.50", **more: object) -> DrawnFact:
    fact = DrawnFact(kind, label, value, (), 1, (BOX,))
    return fact._replace(**more)  # type: ignore[arg-type]


def make_drawn(*facts: DrawnFact, complete: tuple[str, ...] = ("field", "cell", "table", "checkbox")) -> Drawn:
    return Drawn("invoice", "en", 0, b"", 1, facts, (), frozenset(complete))


def find(fact: DrawnFact) -> Found:
    """What a perfect reader makes of a fact."""
    empty = fact.kind == "empty_field"
    boxes, label_boxes = ((), fact.boxes) if empty else (fact.boxes, ())
    return Found(fact.kind, fact.label, fact.value, fact.path, fact.page, boxes, label_boxes)


def score(drawn: Drawn, *found: Found) -> tuple[int, int, int, int]:
    """Drawn, found, none and boxes over all kinds."""
    total = score_document(drawn, found).total()
    return total.drawn, total.found, total.none, total.boxes


def read_perfectly(drawn: Drawn) -> Score:
    found = [find(fact) for fact in drawn.facts]
    return score_document(drawn, found, [FoundCell(cell.page, cell.text, cell.box) for cell in drawn.cells])


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_of_each_fact_stands_in_its_boxes(sort: str, language: str) -> None:
    assert list_errors(draw_document(20, sort, language)) == []


@pytest.mark.parametrize("sort", SORTS)
def test_same_arguments_give_same_bytes_and_facts(sort: str) -> None:
    assert draw_document(3, sort, "de") == draw_document(3, sort, "de")


@pytest.mark.parametrize("sort", SORTS)
def test_other_seeds_give_other_documents(sort: str) -> None:
    assert draw_document(3, sort, "de").pdf != draw_document(4, sort, "de").pdf


def test_the_documents_of_a_seed_are_of_every_sort_in_every_language() -> None:
    drawn = list(draw_documents(104, 2))
    assert {(one.sort, one.language) for one in drawn} == {(sort, language) for sort in SORTS for language in LANGUAGES}


def test_form_fields_are_fields_of_the_pdf_and_one_radio_button_of_a_group_is_on() -> None:
    import pymupdf

    kinds = set()
    for seed in range(40):
        drawn = draw_document(seed, "form", "pl")
        with pymupdf.open(stream=drawn.pdf) as document:
            widgets = [(one.field_type_string, one.field_value) for page in document for one in page.widgets()]
        kinds |= {kind for kind, _ in widgets}
        values = {value for kind, value in widgets if kind in ("Text", "ComboBox") and value}
        assert values <= {" ".join(fact.value.split()) for fact in drawn.facts}
        states = [value not in ("", "Off") for kind, value in widgets if kind in ("CheckBox", "RadioButton")]
        drawn_states = [fact.path == ("checked",) for fact in drawn.facts if fact.kind == "checkbox"]
        assert not states or sum(states) == sum(drawn_states)
    assert kinds == {"Text", "ComboBox", "CheckBox", "RadioButton"}


def test_all_languages_have_the_same_wordings() -> None:
    folder = Path(__file__).parents[2] / "benchmarks" / "truth_factory" / "wordings"
    wordings = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in folder.glob("*.yaml")}
    assert set(wordings) == set(LANGUAGES)

    def list_keys(value: object, place: str = "") -> set[str]:
        if not isinstance(value, dict) or place == ".spec.params":
            return {place}
        return {key for name, below in value.items() for key in list_keys(below, f"{place}.{name}")}

    assert all(list_keys(one) == list_keys(wordings["en"]) for one in wordings.values())
    assert all(set(one["spec"]["params"]) == set(one["spec"]["sections"]) for one in wordings.values())


@pytest.mark.parametrize("sort", SORTS)
def test_a_perfect_reader_finds_all_and_nothing_else(sort: str) -> None:
    result = read_perfectly(draw_document(5, sort, "fr"))
    total, cells = result.total(), result.tallies[CELL_TEXTS]
    assert total.found == total.drawn == total.boxes == total.paths > 0
    assert total.none == 0
    assert cells.found == cells.drawn == cells.boxes


def test_a_reader_of_nothing_finds_nothing() -> None:
    assert score(make_drawn(make_fact())) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "fault",
    [
        {"value": "1,234.50"},
        {"value": "-1,234.5"},
        {"value": "-1.234,50"},
        {"value": "(1,234.50)"},
        {"label": "Subtotal"},
        {"label": ""},
        {"page": 2},
        {"kind": "heading"},
        {"kind": "empty_field"},
    ],
)
def test_a_fault_in_value_label_page_or_kind_is_a_fact_missed(fault: dict[str, object]) -> None:
    found = find(make_fact())._replace(**fault)  # type: ignore[arg-type]
    assert score(make_drawn(make_fact()), found)[:2] == (1, 0)


def test_a_wrong_fact_is_none_only_of_a_kind_that_is_listed_completely() -> None:
    wrong = find(make_fact())._replace(value="7")
    assert score(make_drawn(make_fact()), wrong) == (1, 0, 1, 0)
    assert score(make_drawn(make_fact(), complete=("cell",)), wrong) == (1, 0, 0, 0)


def test_spaces_case_and_a_trailing_colon_make_no_difference() -> None:
    found = find(make_fact(value="1\u00a0234,50 EUR"))._replace(label="TOTAL :", value="1 234,50  eur")
    assert score(make_drawn(make_fact(value="1\u00a0234,50 EUR")), found) == (1, 1, 0, 1)


def test_a_fact_counts_once_and_its_double_is_none() -> None:
    assert score(make_drawn(make_fact()), find(make_fact()), find(make_fact())) == (1, 1, 1, 1)


def test_of_two_alike_each_is_matched_by_the_one_in_its_place() -> None:
    twins = make_fact(), make_fact(boxes=(ELSEWHERE,))
    assert score(make_drawn(*twins), find(twins[1]), find(twins[0])) == (2, 2, 0, 2)


def test_a_box_elsewhere_is_wrong() -> None:
    assert score(make_drawn(make_fact()), find(make_fact())._replace(boxes=(ELSEWHERE,))) == (1, 1, 0, 0)


def test_what_is_doubtful_is_neither_found_nor_none() -> None:
    doubtful = find(make_fact())._replace(confidence=0.4)
    assert score(make_drawn(make_fact()), doubtful, doubtful._replace(value="7")) == (1, 0, 0, 0)


def test_what_is_optional_is_neither_missed_nor_none() -> None:
    fact = make_fact(optional=True)
    assert score(make_drawn(fact)) == (0, 0, 0, 0)
    assert score(make_drawn(fact), find(fact)) == (0, 0, 0, 0)


def test_another_right_kind_counts_once() -> None:
    fact = make_fact(kinds=("cell",))
    cell = find(fact)._replace(kind="cell", path=("Amount", "Total"))
    assert score(make_drawn(fact), cell) == (1, 1, 0, 1)
    assert score(make_drawn(fact), cell, find(fact)) == (1, 1, 0, 1)
    assert score(make_drawn(fact), cell._replace(path=("Amount", "Tax"))) == (1, 0, 1, 0)


def test_another_reading_has_boxes_of_its_own() -> None:
    fact = make_fact("date", "", "5 May 2020", labels=None, others=(Reading("Leeds, 5 May 2020", (ELSEWHERE,)),))
    found = find(fact)._replace(value="Leeds, 5 May 2020", boxes=(ELSEWHERE,), label="Date")
    assert score(make_drawn(fact), found) == (1, 1, 0, 1)


@pytest.mark.parametrize("path", [("2021", "Rome"), ("Costs", "2020", "Rome"), ("Sales", "2020", "Oslo"), ()])
def test_a_cell_of_another_path_is_missed(path: tuple[str, ...]) -> None:
    fact = make_fact("cell", "2020", "17", path=("Sales", "2020", "Rome"))
    assert score(make_drawn(fact), find(fact)) == (1, 1, 0, 1)
    assert score(make_drawn(fact), find(fact)._replace(path=path)) == (1, 0, 1, 0)


def test_a_box_that_is_ticked_and_read_as_empty_is_missed() -> None:
    fact = make_fact("checkbox", "Smoker", "yes", path=("checked",))
    assert score(make_drawn(fact), find(fact)) == (1, 1, 0, 1)
    assert score(make_drawn(fact), find(fact)._replace(path=("unchecked",))) == (1, 0, 1, 0)


def test_a_table_is_found_by_its_place() -> None:
    fact = make_fact("table", "", "")
    assert score(make_drawn(fact), find(fact)) == (1, 1, 0, 1)
    assert score(make_drawn(fact), find(fact)._replace(boxes=(ELSEWHERE,))) == (1, 0, 1, 0)


def test_an_empty_field_lies_where_its_label_does() -> None:
    fact = make_fact("empty_field", "Name", "")
    assert score(make_drawn(fact), find(fact)) == (1, 1, 0, 1)
    assert score(make_drawn(fact), find(fact)._replace(label_boxes=())) == (1, 1, 0, 0)
    assert score(make_drawn(fact), find(fact)._replace(kind="field", value="Age")) == (1, 0, 1, 0)


def test_the_path_of_a_heading_is_told_apart_and_needs_neither_the_title_nor_numbers() -> None:
    title = make_fact("title", "", "Report", boxes=(ELSEWHERE,))
    heading = make_fact("heading", "", "Costs", path=("2 Results",))
    drawn = make_drawn(title, heading)
    for path, right in ((("2 Results",), 1), (("Report", "Results"), 1), ((), 0), (("3 Method",), 0)):
        tally = score_document(drawn, [find(heading)._replace(path=path)]).tallies["heading"]
        assert (tally.found, tally.paths) == (1, right)


def test_texts_of_cells_count_sign_for_sign() -> None:
    drawn = draw_document(8, "report", "en")
    perfect = read_perfectly(drawn).tallies[CELL_TEXTS]
    cells = [FoundCell(one.page, one.text.lstrip("-−–("), one.box) for one in drawn.cells]
    signed = sum(one.text != one.text.lstrip("-−–(") for one in drawn.cells)
    found = score_document(drawn, [], cells).tallies[CELL_TEXTS].found
    assert found == perfect.found - signed < perfect.found


def test_facts_and_body_cells_of_a_document_are_listed() -> None:
    cells = (
        Cell(0, 1, 1, 1, "2020", BOX, header=True),
        Cell(1, 0, 1, 1, "Rome", BOX, path=("Rome",), role="key"),
        Cell(1, 1, 1, 1, "17", ELSEWHERE, path=("2020", "Rome")),
        Cell(2, 1, 1, 1, "", ELSEWHERE, role="empty"),
    )
    table = Table(BOX, cells, confidence=0.7)
    fact = Fact("field", "Total", "5", (), (BOX,))
    page = Page(3, 595.0, 842.0, 0, 0.0, "", (), (table,))
    page = dataclasses.replace(page, facts=(fact,))
    found, texts = list_found(Document("id", (page,), None, None))
    assert [(one.kind, one.label, one.value, one.page, one.confidence) for one in found] == [
        ("field", "Total", "5", 3, 1.0),
        ("table", "", "", 3, 0.7),
        ("cell", "2020", "17", 3, 0.7),
    ]
    assert [one.text for one in texts] == ["2020", "Rome", "17"]


def test_the_overlap_of_sets_of_boxes_is_that_of_what_they_cover() -> None:
    left, right = Box(0, 0, 1, 1), Box(1, 0, 2, 1)
    assert overlap([left, right], [Box(0, 0, 2, 1)]) == 1.0
    assert overlap([left, left], [left]) == 1.0
    assert overlap([left], [left, right]) == 0.5
    assert overlap([left], []) == 0.0


def test_the_table_tells_what_a_reader_missed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(truth, "read", lambda pdf: None)
    monkeypatch.setattr("sys.argv", ["truth", "--documents", "2", "--seed", "6", "--by", "language", "--show"])
    truth.main()
    printed = capsys.readouterr().out
    assert "\nen\n| kind |" in printed
    assert "\nde\n| kind |" in printed
    assert "| **all** |" in printed
    assert "  missed p1 " in printed
    assert "2 documents, " in printed


def test_the_documents_and_their_truth_are_written_for_people(monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["truth", "--documents", "3", "--check", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        truth.main()
    assert ended.value.code == 0
    assert "3 documents, 0 errors" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*.pdf"))) == len(list(tmp_path.glob("*.json"))) == 3
