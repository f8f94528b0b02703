"""Tables that go on over pages are one: headers, sections and units hold overleaf."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Page, Table
from docmatix.facts.tables import join_continued
from docmatix.facts.tables.meaning.reading import read_table
from tests.facts.tables.raw_tables import Text, find_path, write_raw
from tests.pages import make_page

FIRST = (("*Country", "*Sales", "*Costs"), ("Spain", "12", "13"), ("Italy", "14", "15"), ("Malta", "16", "17"))


def make_part(*rows: Sequence[Text], number: int, top: float, above: str = "", below: str = "") -> tuple[Page, Table]:
    page, raw, drawing = write_raw(*rows, number=number, top=top, above=above, below=below)
    table = read_table(page, raw, drawing)
    assert table is not None
    return page, table


def join(*parts: tuple[Page, Table]) -> list[Table]:
    joined = join_continued([page for page, _ in parts], [[table] for _, table in parts])
    return [table for (table,) in joined]


def test_a_second_part_without_a_header_gets_that_of_the_first():
    _, second = join(
        make_part(*FIRST, number=1, top=0.85),
        make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.1),
    )
    assert second.continues
    assert find_path(second, "25") == ("Costs", "Sweden")
    assert find_path(second, "22") == ("Sales", "Norway")
    assert second.confidence >= 0.5
    assert not any(cell.header for cell in second.cells)


def test_a_repeated_header_is_one():
    _, second = join(
        make_part(*FIRST, number=1, top=0.85),
        make_part(
            FIRST[0], ("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.1, above="Table 1 (continued)"
        ),
    )
    assert second.continues
    assert find_path(second, "25") == ("Costs", "Sweden")
    assert [cell.text for cell in second.cells if cell.header] == ["Country", "Sales", "Costs"]


def test_an_open_section_goes_on_and_a_new_one_ends_it():
    first = (*FIRST[:1], ("*South", "", ""), *FIRST[1:])
    _, second = join(
        make_part(*first, number=1, top=0.83),
        make_part(("Greece", "22", "23"), ("*North", "", ""), ("Sweden", "24", "25"), number=2, top=0.1),
    )
    assert find_path(second, "23") == ("Costs", "South", "Greece")
    assert find_path(second, "25") == ("Costs", "North", "Sweden")


def test_three_pages_go_on_from_each_other():
    rows = [(f"{letter}land", str(100 + at), f"{at}.5") for at, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
    parts = [
        make_part(*FIRST, number=1, top=0.85),
        make_part(*rows, number=2, top=0.3),
        make_part(("Norway", "22", "23"), ("Total", "24", "25"), number=3, top=0.1),
    ]
    tables = join(*parts)
    assert [table.continues for table in tables] == [False, True, True]
    assert find_path(tables[2], "22") == ("Sales", "Norway")


def test_another_table_overleaf_is_another():
    other = make_part(("*Year", "*Births", "*Deaths"), ("2019", "22", "23"), ("2020", "24", "25"), number=2, top=0.1)
    wide = make_part(("Norway", "22", "23", "24"), ("Sweden", "24", "25", "26"), number=2, top=0.1)
    named = make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.1, above="Table 2: Deaths")
    later = make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=3, top=0.1)
    for second in (other, wide, named, later):
        assert not join(make_part(*FIRST, number=1, top=0.85, above="Table 1: Births"), second)[1].continues


def test_text_between_the_parts_means_that_they_are_two():
    below = "\n".join(["Text that runs on below the table for several lines of the page"] * 5)
    above = below
    part = make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.1)
    assert not join(make_part(*FIRST, number=1, top=0.5, below=below), part)[1].continues
    part = make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.4, above=above)
    assert not join(make_part(*FIRST, number=1, top=0.85), part)[1].continues


def test_pages_without_tables_stay_as_they_are():
    page = make_page([])
    assert join_continued([page, page], [[], []]) == [(), ()]


def test_a_running_head_is_no_name_of_a_second_part():
    _, second = join(
        make_part(*FIRST, number=1, top=0.85, above="\n" * 47 + "Report of the year"),
        make_part(("Norway", "22", "23"), ("Sweden", "24", "25"), number=2, top=0.1, above="Report of the year"),
    )
    assert second.continues
    assert find_path(second, "25") == ("Costs", "Sweden")


def test_names_without_values_in_a_drawn_grid_name_nothing_below_overleaf():
    first, raw, drawing = write_raw(*FIRST, number=1, top=0.85, header_rows=1, ruled=True)
    page, below, nothing = write_raw(("Norway", "", ""), ("Sweden", "24", "25"), number=2, top=0.1, ruled=True)
    tables = read_table(first, raw, drawing), read_table(page, below, nothing)
    assert tables[0] is not None
    assert tables[1] is not None
    _, second = join((first, tables[0]), (page, tables[1]))
    assert second.continues
    assert find_path(second, "25") == ("Costs", "Sweden")


def test_another_title_above_the_same_header_begins_another_table():
    rows = (FIRST[0], ("Norway", "22", "23"), ("Sweden", "24", "25"))
    _, second = join(
        make_part(*FIRST, number=1, top=0.85),
        make_part(*rows, number=2, top=0.15, above="Income of the group"),
    )
    assert not second.continues
