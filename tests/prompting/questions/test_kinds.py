"""What each kind of question asks, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.documents import Box, Fact, Word
from tests.prompting.questions.pages import ask, make_fact, make_grid, make_page, pair_up


def only(asked: dict[str, str], answer: str) -> list[str]:
    return [question for question, said in asked.items() if said == answer]


# --- fields -----------------------------------------------------------------------------------------------------------


def test_the_label_of_a_field_is_spelled_as_within_a_sentence() -> None:
    (question,) = only(pair_up(ask(make_page([make_fact("field", "Locker No.", "4471")]))), "4471")
    assert "locker number" in question


def test_a_label_that_may_be_no_noun_is_quoted() -> None:
    (question,) = only(pair_up(ask(make_page([make_fact("field", "Taken by", "Theo Brandvold")]))), "Theo Brandvold")
    assert '"Taken by"' in question


def test_a_label_that_is_a_question_is_asked_as_it_is() -> None:
    field = make_fact("field", "Where would it sleep?", "In the kitchen")
    assert all("Where would it sleep?" in question for question in pair_up(ask(make_page([field]))))


@pytest.mark.parametrize("value", ["n/a", "____", "–", "and so on,", "a � b", "open (bracket", "one, and"])
def test_what_says_nothing_or_breaks_off_is_no_answer(value: str) -> None:
    assert not ask(make_page([make_fact("field", "Weight", value)]))


@pytest.mark.parametrize("label", ["Weight (kg", "x" * 90, "12", 'The "best" one'])
def test_what_is_cut_or_long_is_no_label(label: str) -> None:
    assert not ask(make_page([make_fact("field", label, "14 kg")]))


def test_a_subject_line_that_reads_like_a_field_is_none() -> None:
    subject = make_fact("subject", "", "Reading room: our proposal and fee")
    field = make_fact("field", "Reading room", "our proposal and fee")
    assert not pair_up(ask(make_page([subject, field])), kind="field")


def test_empty_fields_are_asked_about_beside_filled_ones() -> None:
    empty = make_fact("empty_field", "Signature", "", y=0.5)
    asked = pair_up(ask(make_page([make_fact("field", "Name", "Ann Lee"), empty])), kind="filled")
    assert sorted(asked.values()) == ["No", "Yes"]
    assert not pair_up(ask(make_page([make_fact("field", "Name", "Ann Lee")])), kind="filled")


# --- check boxes ------------------------------------------------------------------------------------------------------


def boxes(label: str, **options: bool) -> list[Fact]:
    return [
        make_fact("checkbox", label, option.replace("_", " "), path=["checked" if ticked else "unchecked"], y=0.1 * n)
        for n, (option, ticked) in enumerate(options.items(), start=1)
    ]


def test_what_is_ticked_is_asked_for_and_whether_an_option_is() -> None:
    asked = pair_up(ask(make_page(boxes("Type of home", House=False, Flat=True, Farm=False))))
    assert len(only(asked, "Flat")) == 1
    assert len(only(asked, "Yes")) == 1
    assert len(only(asked, "No")) == 2


def test_several_ticks_are_one_answer_with_evidence_for_each() -> None:
    asked = ask(make_page(boxes("Reasons", Price=True, Place=True, Food=False)))
    (several,) = [one for one in asked if one.answer == "Price; Place"]
    assert len(several.evidence) == 2


def test_a_question_with_boxes_is_asked_as_it_is() -> None:
    asked = pair_up(ask(make_page(boxes("Do you rent?", Yes=True, No=False))))
    assert any("Do you rent?" in question for question in only(asked, "Yes"))


def test_of_a_group_in_which_nothing_is_ticked_nothing_is_asked_for() -> None:
    asked = ask(make_page(boxes("Type of home", House=False, Flat=False)))
    assert {one.answer for one in asked} == {"No"}


# --- cells ------------------------------------------------------------------------------------------------------------


def test_a_cell_is_asked_for_by_column_and_row_and_a_row_by_its_value() -> None:
    table = make_grid([["Product", "Price"], ["Dock line", "$9.50"], ["Fender", "$64.50"]])
    asked = pair_up(ask(make_page([], [table])))
    assert any("price" in question and "Dock line" in question for question in only(asked, "$9.50"))
    assert any("$64.50" in question for question in only(asked, "Fender"))


def test_a_row_is_not_asked_for_by_a_value_that_two_rows_have() -> None:
    table = make_grid([["Product", "Colour"], ["Dock line", "navy"], ["Fender", "navy"], ["Light", "white"]])
    assert "Fender" not in pair_up(ask(make_page([], [table]))).values()


def test_rows_of_the_same_name_are_not_asked_about() -> None:
    table = make_grid([["Product", "Price"], ["Line", "$9"], ["Line", "$12"], ["Light", "$30"]])
    answers = pair_up(ask(make_page([], [table]))).values()
    assert "$30" in answers
    assert not {"$9", "$12"} & set(answers)


def test_cells_of_two_tables_that_share_their_names_are_asked_for_by_their_captions() -> None:
    first = make_grid([["Country", "Sales"], ["Chile", "12"]], caption="Home market")
    second = make_grid([["Country", "Sales"], ["Chile", "31"]], caption="Exports")
    asked = pair_up(ask(make_page([], [first, second])), kind="cell")
    assert any('"Home market"' in question for question in only(asked, "12"))
    bare = [make_grid([["Country", "Sales"], ["Chile", value]]) for value in ("12", "31")]
    answers = pair_up(ask(make_page([], bare)), kind="cell").values()
    assert not {"12", "31"} & set(answers)


def test_the_unit_of_a_table_is_in_the_question() -> None:
    table = make_grid([["Segment", "Revenue"], ["Tools", "412.5"], ["Parts", "80.1"]], unit="EUR million")
    assert all("EUR million" in question for question in only(pair_up(ask(make_page([], [table]))), "412.5"))


def test_numbers_that_may_not_be_in_the_tables_unit_are_not_asked_for() -> None:
    table = make_grid([["Segment", "Number of employees"], ["Tools", "412"], ["Parts", "80"]], unit="EUR million")
    assert "412" not in pair_up(ask(make_page([], [table]))).values()


def test_a_value_that_stands_again_overleaf_names_no_row() -> None:
    first = make_grid([["Name", "Department"], ["Ann", "Accounting"], ["Bob", "Sales"]])
    second = make_grid([["Name", "Department"], ["Cid", "Accounting"], ["Dan", "Accounting"]])
    answers = pair_up(ask(make_page([], [first], number=1), make_page([], [second], number=2))).values()
    assert "Bob" in answers
    assert "Ann" not in answers


def test_a_first_value_above_others_is_no_header() -> None:
    assert not ask(make_page([], [make_grid([["Protection class", "IP65"], ["Service life", "627"]])]))


def test_the_numbers_of_rows_are_not_asked_for() -> None:
    table = make_grid([["Product", "No."], ["Line", "1"], ["Light", "2"], ["Pump", "3"]])
    assert not {"1", "2", "3"} & set(pair_up(ask(make_page([], [table]))).values())


def test_a_header_that_breaks_off_is_not_asked_about() -> None:
    table = make_grid([["Company", "No. Of"], ["Boeing", "66"], ["Yahoo", "12"]])
    assert "66" not in pair_up(ask(make_page([], [table]))).values()


def test_the_total_of_a_column_is_asked_for_as_one() -> None:
    table = make_grid([["Item", "Paid"], ["Rent", "900"], ["Total", "1,300"]])
    cells = [cell._replace(role="total") if cell.row == 2 and cell.column == 1 else cell for cell in table.cells]
    (question,) = only(pair_up(ask(make_page([], [replace(table, cells=tuple(cells))]))), "1,300")
    assert "total" in question.lower()


def test_a_table_that_is_not_trusted_is_not_asked_about() -> None:
    assert not ask(make_page([], [make_grid([["Item", "Price"], ["Bolt", "$2"]], confidence=0.4)]))


@pytest.mark.parametrize(
    ("header", "row", "value", "said"),
    [
        ("2023", "Revenue", "412", "in 2023"),
        ("Employees", "Old Town", "31", "employees"),
        ("Inspector", "Pump", "Ann Lee", "inspector"),
        ("Value", "Supply voltage", "24 V", "supply voltage"),
        ("Notices", "July 2015", "71", "notices"),
    ],
)
def test_english_cells_are_asked_for_as_their_headers_read(header: str, row: str, value: str, said: str) -> None:
    table = make_grid([["Name", header], [row, value], ["Other things", "x"]])
    questions = only(pair_up(ask(make_page([], [table]))), value)
    assert any(said in question for question in questions)


def test_a_value_beside_its_condition_is_asked_for_by_its_column() -> None:
    table = make_grid(
        [["Property", "Value", "Condition"], ["Slope of curve", "92 kg", "empty"], ["Drift", "3 %", "hot"]]
    )
    assert all('"Value"' in question for question in only(pair_up(ask(make_page([], [table]))), "92 kg"))


def test_a_long_sentence_without_spaces_names_nothing() -> None:
    table = make_grid(
        [["项目", "说明"], ["功能", "本公司的产品在全国范围内销售并提供长期的售后服务和技术支持"], ["价格", "五元"]]
    )
    page = make_page([], [table], text="本公司的产品在全国范围内销售")
    asked = ask(page, language="zh")
    assert asked
    assert not any("售后服务" in one.question for one in asked)


# --- headings, lists, captions, letters -----------------------------------------------------------------------------


def test_a_section_is_asked_for_by_its_number_and_by_its_first_words() -> None:
    text = "The unit removes dissolved salts from drinking water by reverse osmosis and needs no chemicals"
    facts = [
        make_fact("heading", "", "1.1 Purpose", y=0.1),
        make_fact("section", "1.1 Purpose", text, y=0.2),
        make_fact("heading", "", "1.2 Words used", y=0.5),
    ]
    asked = pair_up(ask(make_page(facts)))
    assert any("1.1" in question for question in only(asked, "Purpose"))
    assert any("The unit removes dissolved salts from" in question or "The unit" in question for question in asked)


def test_a_number_that_counts_no_sections_is_not_asked_by() -> None:
    assert not ask(make_page([make_fact("heading", "", "14 CFR Part 39")]))
    facts = [make_fact("heading", "", "1 Scope"), make_fact("heading", "", "2 Parts", y=0.4)]
    assert set(pair_up(ask(make_page(facts))).values()) == {"Scope", "Parts"}


def test_a_paragraph_is_not_told_by_words_that_stand_elsewhere_too() -> None:
    text = "The unit removes dissolved salts from drinking water by reverse osmosis and needs no chemicals"
    facts = [make_fact("heading", "", "Purpose"), make_fact("section", "Purpose", text, y=0.2)]
    assert pair_up(ask(make_page(facts, text=text)), kind="heading")
    assert not pair_up(ask(make_page(facts, text=f"{text} {text}")), kind="heading")


def test_entries_of_a_bibliography_are_no_list() -> None:
    entries = [f"Moreau M. ({year}): Water in the basin. Review of regions 37, 161" for year in range(1996, 2000)]
    assert not ask(make_page(items(*entries, lead="References", marks="1.")))


def items(*values: str, lead: str = "Parts", marks: str = "•") -> list[Fact]:
    return [
        make_fact("list_item", marks if marks == "•" else f"{n}.", value, path=[lead], y=0.1 + 0.03 * n)
        for n, value in enumerate(values, start=1)
    ]


def test_of_a_list_the_first_last_all_and_how_many_are_asked_for() -> None:
    asked = pair_up(ask(make_page(items("a red box", "a blue box", "a lid"))))
    assert {"a red box", "a lid", "3", "a red box; a blue box; a lid"} <= set(asked.values())


def test_a_list_with_a_gap_is_not_asked_about_as_a_whole() -> None:
    broken = items("a red box", "a blue box", "a lid", marks="1.")
    asked = pair_up(ask(make_page([broken[0], broken[2]])))
    assert "2" not in asked.values()
    assert any("3" in question for question in only(asked, "a lid"))


def test_a_list_that_may_go_on_overleaf_is_not_counted() -> None:
    low = [
        one._replace(boxes=(Box(0.4, 0.8 + 0.03 * n, 0.8, 0.82 + 0.03 * n),))
        for n, one in enumerate(items("a", "b", "c", "d"))
    ]
    assert "4" not in pair_up(ask(make_page(low))).values()


def test_two_lists_below_one_name_are_ambiguous() -> None:
    first, second = items("a red box", "a lid", "a cord"), items("a pump", "a hose", "a tap")
    pages = [make_page(first, number=1), make_page(second, number=2)]
    assert not pair_up(ask(*pages), kind="list")


def test_captions_and_footnotes_are_asked_for_by_their_numbers() -> None:
    facts = [make_fact("caption", "Figure 3", "Flow of water"), make_fact("footnote", "2", "Without tax.", y=0.9)]
    asked = pair_up(ask(make_page(facts)))
    assert "Figure 3" in only(asked, "Flow of water")[0]
    assert "2" in only(asked, "Without tax.")[0]
    assert not ask(make_page([make_fact("caption", "", "Flow of water")]))


def test_a_letter_is_asked_about_by_its_parts_and_the_addressee_by_name_alone() -> None:
    lines = (Box(0.1, 0.1, 0.5, 0.12), Box(0.1, 0.13, 0.5, 0.15))
    addressee = Fact("addressee", "", "Mrs Olivia Brandt 14 Station Parade", (), lines, (), 0.9)
    words = tuple(
        Word(text, Box(0.1 + 0.05 * n, 0.1 if n < 3 else 0.13, 0.14 + 0.05 * n, 0.12 if n < 3 else 0.15), n // 3, 0)
        for n, text in enumerate("Mrs Olivia Brandt 14 Station Parade".split())
    )
    page = make_page([addressee, make_fact("date", "", "9 September 2024", y=0.2)])
    asked = ask(replace(page, words=words))
    assert {one.answer for one in asked} == {"Mrs Olivia Brandt", "9 September 2024"}


def test_a_date_alone_makes_no_letter() -> None:
    assert not ask(make_page([make_fact("date", "", "9 September 2024")]))


def test_the_title_is_that_of_the_first_page_and_of_one_that_says_more() -> None:
    title, heading = make_fact("title", "", "Annual report"), make_fact("heading", "", "Results", y=0.3)
    assert "Annual report" in pair_up(ask(make_page([title, heading]))).values()
    assert not pair_up(ask(make_page([title, heading], number=3)), kind="title")
    assert not ask(make_page([title]))


def test_a_lone_table_is_asked_for_its_heading_and_its_columns() -> None:
    table = make_grid([["Item", "Size", "Price"], ["Bolt", "M4", "$2"]], caption="Table 2: Small parts")
    caption = make_fact("caption", "Table 2", "Small parts", y=0.15)
    asked = pair_up(ask(make_page([caption], [table])), kind="table")
    assert set(asked.values()) == {"Small parts", "Item; Size; Price"}
    other = make_grid([["Tree", "Height"], ["Oak", "12 m"]])
    both = pair_up(ask(make_page([caption], [table, other])), kind="table")
    assert all('"Table 2: Small parts"' in question for question in both)


def test_the_page_number_is_asked_for_where_one_page_stands_alone() -> None:
    pages = [make_page([make_fact("page_number", "", str(n), y=0.95)], number=n) for n in (4, 5)]
    assert [one.answer for one in ask(pages[0])] == ["4"]
    assert not ask(*pages)


def test_amounts_of_the_text_are_asked_for_where_they_are_what_something_is() -> None:
    facts = [
        make_fact("figure", "The minimum order is", "$350"),
        make_fact("figure", "Rates calculated on", "$9", y=0.2),
    ]
    assert "the minimum order" in only(pair_up(ask(make_page(facts))), "$350")[0]
    assert "$9" not in pair_up(ask(make_page(facts))).values()
    german = make_page(facts, text="Die Mindestmenge der Bestellung")
    assert len(ask(german, language="de")) == 2


def test_a_label_before_a_colon_elsewhere_in_the_text_is_ambiguous() -> None:
    fax = make_fact("field", "Fax", "555-0100")
    assert ask(make_page([fax], text="Fax: 555-0100"))
    assert not ask(make_page([fax], text="Fax: 555-0100 and for claims fax: 555-0177"))


def test_a_heading_in_capitals_of_the_texts_own_print_may_begin_the_sentence_below() -> None:
    said = "D’APPROUVER la demande de démolition partielle du bâtiment principal, selon les plans déposés ce jour"
    heading, section = make_fact("heading", "", "IL EST RÉSOLU"), make_fact("section", "IL EST RÉSOLU", said, y=0.2)

    def words(size: float) -> tuple[Word, ...]:
        above = Word("RÉSOLU", Box(0.5, 0.1, 0.6, 0.12), 0, 0, size)
        return above, *(Word(text, Box(0.5, 0.2, 0.6, 0.22), 1, 0, 10.0) for text in said.split())

    page = make_page([heading, section])
    assert ask(replace(page, words=words(12.0)))
    assert not ask(replace(page, words=words(10.0)))


def test_lists_in_tables_and_lists_that_go_on_elsewhere_are_not_asked_about() -> None:
    listed = items("a red box", "a blue box", marks="1.")
    assert "a red box; a blue box" in pair_up(ask(make_page(listed))).values()
    words = tuple(Word(text, Box(0.1, 0.8, 0.2, 0.82), line, 0) for line, text in enumerate(["1.", "2.", "3."]))
    answers = pair_up(ask(replace(make_page(listed), words=words))).values()
    assert "a red box; a blue box" not in answers
    around = replace(make_grid([["Item", "Price"], ["Bolt", "$2"]], confidence=0.1), box=Box(0, 0, 1, 1))
    assert not ask(make_page(listed, [around]))


def test_a_row_below_a_sum_is_named_without_it_and_one_beside_its_group_with_it() -> None:
    sums = make_grid([["Item", "2023"], ["Inflows in total", "90"], ["Purchases", "40"], ["Wages", "30"]])
    cells = [
        cell._replace(path=("2023", "Inflows in total", cell.path[-1])) if cell.row > 1 and cell.path else cell
        for cell in sums.cells
    ]
    assert not any(
        "Inflows" in one for one in only(pair_up(ask(make_page([], [replace(sums, cells=tuple(cells))]))), "40")
    )
    towns = make_grid([["Company", "Town", "Jobs"], ["Boeing", "Oakland", "21"], ["Yahoo", "Oakland", "12"]], key=1)
    cells = [
        cell._replace(path=("Jobs", "Boeing" if cell.row == 1 else "Yahoo", "Oakland"))
        if cell.column == 2 and cell.path
        else cell
        for cell in towns.cells
    ]
    asked = pair_up(ask(make_page([], [replace(towns, cells=tuple(cells))])))
    assert any("Boeing, Oakland" in one for one in only(asked, "21"))


def test_a_cell_whose_row_and_column_stand_in_another_table_too_needs_its_caption() -> None:
    first = make_grid([["Item", "2023"], ["Cash", "90"], ["Stock", "40"]])
    second = make_grid([["Item", "2023"], ["Cash", ""], ["Debts", "30"]])
    answers = pair_up(ask(make_page([], [first, second])), kind="cell").values()
    assert "40" in answers
    assert "90" not in answers


# --- what is asked for alike ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Phone", "Telephone"),
        ("Total due", "Balance due"),
        ("Weight (net)", "Weight (gross)"),
        ("Policy No.", "Policy number"),
    ],
)
def test_labels_that_are_asked_for_alike_are_ambiguous(one: str, other: str) -> None:
    assert not ask(make_page([make_fact("field", one, "15 kg"), make_fact("field", other, "9 kg", y=0.3)]))


def test_a_cell_and_a_field_that_are_asked_for_alike_are_ambiguous() -> None:
    table = make_grid([["Property", "Value"], ["Weight", "5 kg"], ["Length", "3 m"]])
    asked = pair_up(ask(make_page([make_fact("field", "Weight", "7 kg", y=0.9)], [table])))
    assert not only(asked, "7 kg")
    assert not only(asked, "5 kg")
    assert only(asked, "3 m")


def test_all_groups_of_a_row_are_named() -> None:
    table = make_grid([["Ticket", "Price"], ["Day ticket", "$7"], ["Week ticket", "$25"]])
    cells = [
        cell._replace(path=("Price", "Europe", "Adults", cell.path[-1])) if cell.path else cell for cell in table.cells
    ]
    assert all(
        "Europe, Adults" in one for one in only(pair_up(ask(make_page([], [replace(table, cells=tuple(cells))]))), "$7")
    )


def test_a_doubtful_fact_makes_the_specific_questions_ambiguous_too() -> None:
    facts = [
        make_fact("field", "Weight", "5 kg", path=["Boat"]),
        make_fact("field", "Weight", "7 kg", path=["Boat"], y=0.3, confidence=0.3),
    ]
    assert not ask(make_page(facts))


def test_cells_that_share_their_names_make_that_of_another_table_ambiguous() -> None:
    first = make_grid([["Item", "Price"], ["Bolt", "$5"], ["Bolt", "$6"]])
    first = replace(first, cells=tuple(cell._replace(path=()) for cell in first.cells))
    answers = pair_up(
        ask(make_page([], [first, make_grid([["Item", "Price"], ["Bolt", "$25"], ["Nut", "$3"]])]))
    ).values()
    assert "$25" not in answers
    assert "$3" in answers


def test_a_heading_that_is_a_part_of_a_caption_is_not_the_title_of_the_table() -> None:
    table = make_grid([["Item", "Price"], ["Bolt", "$5"]], caption="Table 1: Wholesale by region")
    assert not pair_up(ask(make_page([make_fact("heading", "", "Wholesale")], [table])), kind="table")


def test_pages_in_two_languages_make_each_other_ambiguous() -> None:
    english = make_page(
        [make_fact("field", "IBAN", "DE11 2222")], text="the parts have been made and are for that from which"
    )
    german = make_page([make_fact("field", "IBAN", "DE99 3333")], number=2, text="Überweisung")
    assert ask(english, language="de")
    assert not ask(english, german, language="de")
    unknown = make_page([make_fact("field", "IBAN", "DE99 3333")], number=2, text="Maksu ääni")
    assert not ask(english, unknown, language="fi")


def test_hostile_texts_are_neither_asked_about_nor_a_crash() -> None:
    long = "9" * 5000
    facts = [
        make_fact("list_item", "①", "one", path=["Parts"]),
        make_fact("list_item", long, "two", path=["Parts"], y=0.2),
        make_fact("page_number", "", "3\u202e\x00", y=0.95),
        make_fact("footnote", "1\u202e", "Without tax.", y=0.9),
        make_fact("field", "{label}", "{answer}", y=0.5),
    ]
    table = make_grid([["No.", "Price"], ["Bolt", long], ["Nut", long], ["3\u202e", "$3"]])
    for one in ask(make_page(facts, [table])):
        assert one.question.isprintable()
        assert one.answer.isprintable()


def test_a_row_whose_group_may_be_overleaf_makes_one_with_a_group_ambiguous() -> None:
    second = make_grid([["Item", "2023"], ["Fixed assets", "42"], ["Stock", "9"]])
    cells = [
        cell._replace(path=("2023", "Long-term", "Fixed assets")) if cell.row == 1 and cell.path else cell
        for cell in second.cells
    ]
    pages = (
        make_page([], [make_grid([["Item", "2023"], ["Fixed assets", "34"], ["Cash", "7"]])], number=1),
        make_page([], [replace(second, cells=tuple(cells))], number=2),
    )
    answers = pair_up(ask(*pages), kind="cell").values()
    assert "7" in answers
    assert not {"42", "34"} & set(answers)


def test_a_lead_in_that_its_items_go_on_is_quoted_as_one() -> None:
    asked = pair_up(ask(make_page(items("a red box", "a lid", "a cord", lead="The parts are"))))
    assert all('"The parts are …"' in question for question in asked)
