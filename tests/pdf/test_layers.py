"""Tables and forms drawn column by column or in layers, and lists that only look like them."""

from __future__ import annotations

import pytest

from tests.drawn_pages import COUNCIL, SPORT, WEATHER, Case, across, check, stack

CASES = {
    "cells_of_a_row_drawn_in_any_order": Case(
        [
            (40, 100, "2"),
            (300, 100, "4.50"),
            (160, 100, "5.00"),
            (60, 100, "Step"),
            (230, 100, "-0.50"),
            (300, 112, "5.57"),
            (40, 112, "3"),
            (230, 112, "-0.43"),
            (60, 112, "Turn"),
            (160, 112, "6.00"),
        ],
        lines=["2 Step 5.00 -0.50 4.50", "3 Turn 6.00 -0.43 5.57"],
    ),
    "rows_drawn_upwards_with_their_last_cell_first": Case(
        [
            (430, 124, "Closure"),
            (430, 112, "Layoff"),
            (430, 100, "Closure"),
            *[(40, 124, "10/05/2015"), (120, 124, "Berg Glass"), (260, 124, "Oakland"), (380, 124, "202")],
            *[(40, 112, "07/30/2015"), (120, 112, "Dorn Limited"), (260, 112, "Kelso"), (380, 112, "133")],
            *[(40, 100, "06/12/2015"), (120, 100, "Falk and Sons"), (260, 100, "Upwell"), (380, 100, "3")],
        ],
        lines=[
            "06/12/2015 Falk and Sons Upwell 3 Closure",
            "07/30/2015 Dorn Limited Kelso 133 Layoff",
            "10/05/2015 Berg Glass Oakland 202 Closure",
        ],
    ),
    "a_column_with_few_entries": Case(
        [
            *stack(40, 100, ["Cash and equivalents", "Receivables", "Inventories", "Total current assets"]),
            *stack(300, 100, ["12", "", "7", ""]),
            *stack(380, 100, ["1,204", "988", "1,431", "3,623"]),
            *stack(460, 100, ["1,100", "901", "1,322", "3,323"]),
        ],
        lines=["Cash and equivalents 12 1,204 1,100", "Receivables 988 901", "Inventories 7 1,431 1,322"],
    ),
    "two_short_lists_with_headings": Case(
        [*stack(40, 100, ["Pros:", "cheap"]), *stack(240, 100, ["Cons:", "slow"])],
        order=["Pros:", "cheap", "Cons:", "slow"],
    ),
    "lists_side_by_side_on_a_slide": Case(
        [
            *stack(40, 100, ["- I1", "- I2", "- I3", "- I4"]),
            *stack(140, 100, ["Some info:", "- Item A", "- Item B"]),
            *stack(260, 100, ["Maybe a list?", "1. List1", "2. List2", "3. List3"]),
        ],
        order=["I1", "I4", "Some info:", "Item B", "Maybe", "List3"],
    ),
    "a_table_by_columns": Case(
        [
            (40, 60, "The price list of the market for the month of May."),
            *stack(40, 100, ["Item", "Apples", "Pears", "Plums", "Grapes"], step=18),
            *stack(200, 100, ["Quantity", "12", "7", "31", "5"], step=18),
            *stack(350, 100, ["Price", "3.50", "4.25", "2.80", "6.10"], step=18),
            (40, 230, "All prices are in euros and include the value added tax."),
        ],
        lines=["Item Quantity Price", "Pears 7 4.25", "Grapes 5 6.10"],
        order=["price list", "Item Quantity", "Grapes 5", "All prices"],
    ),
    "a_table_by_columns_with_empty_cells": Case(
        [
            *stack(40, 100, ["Item", "Apples", "Pears", "Plums", "Grapes"], step=18),
            *stack(200, 100, ["Quantity", "12", "", "31", "5"], step=18),
            *stack(350, 100, ["Price", "3.50", "4.25", "", "6.10"], step=18),
        ],
        lines=["Apples 12 3.50", "Pears 4.25", "Plums 31", "Grapes 5 6.10"],
    ),
    "a_table_by_columns_with_an_empty_corner": Case(
        [
            (40, 60, "The table has the results of the company in euros, by year."),
            *stack(40, 113, ["Revenue", "Cost of sales", "Gross profit", "Tax"]),
            *stack(200, 100, ["2021", "900", "400", "500", "7"]),
            *stack(300, 100, ["2020", "800", "350", "450", "5"]),
            (40, 190, "All the numbers are in thousands and were audited."),
        ],
        lines=["2021 2020", "Revenue 900 800", "Gross profit 500 450", "Tax 7 5"],
        order=["by year", "2021 2020", "Revenue", "Tax 7 5", "All the numbers"],
    ),
    "a_table_by_columns_with_two_rows_of_heads_and_an_empty_corner": Case(
        [
            *stack(40, 126, ["Revenue", "Cost of sales", "Gross profit"]),
            *stack(200, 100, ["Actual", "2021", "900", "400", "500"]),
            *stack(300, 100, ["Budget", "2022", "950", "410", "540"]),
        ],
        lines=["2021 2022", "Revenue 900 950", "Cost of sales 400 410", "Gross profit 500 540"],
        order=["Actual Budget", "2021 2022", "Revenue 900"],
    ),
    "two_tables_of_which_the_right_one_begins_higher": Case(
        [
            *stack(40, 126, ["Apples", "Pears", "Plums"]),
            *stack(140, 126, ["3", "4", "5"]),
            *stack(300, 100, ["Team", "Home", "Reds", "Blues", "Greens"]),
            *stack(420, 100, ["Goals", "7", "8", "9", "10"]),
        ],
        lines=["Apples 3", "Plums 5", "Team Goals", "Greens 10"],
    ),
    "a_table_by_columns_in_single_spacing": Case(
        [
            *stack(40, 100, ["Region", "North", "South", "East", "West", "Centre"]),
            *stack(140, 100, ["Sales", "1,204", "988", "1,431", "702", "655"]),
            *stack(240, 100, ["Share", "24 %", "20 %", "29 %", "14 %", "13 %"]),
        ],
        lines=["North 1,204 24 %", "Centre 655 13 %"],
    ),
    "a_table_by_columns_with_dates_first": Case(
        [
            *stack(40, 100, ["1 May 2021", "3 June 2021", "9 July 2021"], step=16),
            *stack(200, 100, ["Opening of the hall", "First concert", "Summer fair"], step=16),
        ],
        lines=["1 May 2021 Opening of the hall", "9 July 2021 Summer fair"],
    ),
    "an_invoice_whose_amounts_are_drawn_last": Case(
        [
            (40, 60, "Invoice of the company for the month of May"),
            *stack(40, 100, ["Consulting", "Travel", "Lodging for two", "Total"], step=16),
            (520 - 30, 100, "1,200.00"),
            (520 - 20, 116, "40.50"),
            (520 - 25, 132, "310.00"),
            (520 - 30, 148, "1,550.50"),
        ],
        lines=["Consulting 1,200.00", "Lodging for two 310.00", "Total 1,550.50"],
    ),
    "a_form_in_two_layers": Case(
        [
            (40, 60, "Application for a parking permit"),
            *stack(40, 100, ["Full name:", "Home address:", "Issue date:", "Permit fee:"], step=24),
            *stack(200, 98.8, ["Alice Smith", "12 High Street", "12 March 2024", "45.00"], step=24),
        ],
        lines=["Full name: Alice Smith", "Issue date: 12 March 2024", "Permit fee: 45.00"],
    ),
    "a_form_whose_values_are_drawn_first": Case(
        [
            *stack(200, 99, ["Alice Smith", "12 High Street", "12 March 2024", "45.00"], step=24),
            (40, 60, "Application for a parking permit"),
            *stack(40, 100, ["Full name:", "Home address:", "Issue date:", "Permit fee:"], step=24),
        ],
        lines=["Full name: Alice Smith", "Issue date: 12 March 2024", "Permit fee: 45.00"],
        order=["Application", "Full name"],
    ),
    "a_form_with_empty_fields": Case(
        [
            *stack(40, 100, ["Full name:", "Home address:", "Phone:", "Issue date:", "Permit fee:"], step=24),
            *stack(200, 99, ["Alice Smith", "", "", "12 March 2024", "45.00"], step=24),
        ],
        lines=["Full name: Alice Smith", "Issue date: 12 March 2024", "Permit fee: 45.00"],
        absent=["Home address: 12 March"],
    ),
    "a_form_of_two_columns_of_labels": Case(
        [
            *across(
                stack(40, 100, ["Full name:", "Street:", "Issue date:"], step=24),
                stack(310, 100, ["Plate:", "Town:", "Permit fee:"], step=24),
            ),
            *across(
                stack(130, 99, ["Alice Smith", "12 High Street", "12 March 2024"], step=24),
                stack(400, 99, ["AB12 CDE", "Aldbury", "45.00"], step=24),
            ),
        ],
        lines=["Full name: Alice Smith Plate: AB12 CDE", "Issue date: 12 March 2024 Permit fee: 45.00"],
    ),
    "a_form_of_two_columns_whose_layers_are_columns": Case(
        [
            *stack(40, 100, ["Full name:", "Street:", "Issue date:"], step=24),
            *stack(310, 100, ["Plate:", "Town:", "Permit fee:"], step=24),
            *stack(130, 99, ["Alice Smith", "12 High Street", "12 March 2024"], step=24),
            *stack(400, 99, ["AB12 CDE", "Aldbury", "45.00"], step=24),
        ],
        lines=["Full name: Alice Smith Plate: AB12 CDE", "Issue date: 12 March 2024 Permit fee: 45.00"],
    ),
    "a_form_whose_values_come_in_any_order": Case(
        [
            *stack(40, 100, ["Full name:", "Home address:", "Issue date:", "Permit fee:"], step=24),
            (200, 171, "45.00"),
            (200, 99, "Alice Smith"),
            (200, 147, "12 March 2024"),
            (200, 123, "12 High Street"),
        ],
        lines=["Full name: Alice Smith", "Issue date: 12 March 2024", "Permit fee: 45.00"],
    ),
    "a_form_with_instructions_between": Case(
        [
            *stack(40, 100, ["Full name:", "Home address:"], step=24),
            *stack(
                40,
                160,
                [
                    "Please give the date on which the permit of the last year was issued by the office,",
                    "and the fee that was paid for it at the counter or to the bank of the town.",
                ],
            ),
            *stack(40, 200, ["Issue date:", "Permit fee:"], step=24),
            *stack(200, 99, ["Alice Smith", "12 High Street"], step=24),
            *stack(200, 199, ["12 March 2024", "45.00"], step=24),
        ],
        lines=["Full name: Alice Smith", "Issue date: 12 March 2024", "Permit fee: 45.00"],
        order=["Home address", "Please give", "counter", "Issue date"],
        sentences=[
            "Please give the date on which the permit of the last year was issued by the office, and the fee "
            "that was paid for it at the counter or to the bank of the town."
        ],
    ),
    "two_addresses_side_by_side_stay_two": Case(
        [
            *stack(40, 100, ["Bill to:", "Berg and Sons", "12 High Street", "4471 Aldbury"]),
            *stack(310, 100, ["Ship to:", "Dorn Limited", "9 Harbour Road", "2204 Kelso"]),
        ],
        order=["Berg and Sons", "Aldbury", "Dorn Limited", "Kelso"],
    ),
    "an_index_in_columns_stays_in_columns": Case(
        [
            *stack(40, 100, ["anchor, 12", "basket, 40", "candle, 7", "drum, 112", "easel, 9"]),
            *stack(200, 100, ["funnel, 3", "gasket, 21", "hammock, 8", "inkwell, 60", "jacket, 77"]),
            *stack(360, 100, ["kettle, 5", "ladder, 18", "mirror, 31", "net, 44"]),
        ],
        order=["anchor", "easel", "funnel", "jacket", "kettle", "net"],
    ),
    "bullets_on_two_halves_of_a_slide": Case(
        [
            *stack(40, 60, ["Two ways of travelling"]),
            *stack(40, 100, ["- quick and cheap", "- 12 trains a day", "- no luggage limit"], step=30),
            *stack(310, 100, ["- slow and dear", "- two ships a week", "- meals included"], step=30),
        ],
        order=["quick and cheap", "luggage", "slow and dear", "meals"],
    ),
    "a_poem_in_two_columns": Case(
        [
            *stack(
                40,
                100,
                [
                    "The river runs below the hill",
                    "And carries leaves of gold",
                    "",
                    "The miller's wheel is standing still",
                    "The winter nights are cold",
                ],
            ),
            *stack(
                310,
                100,
                [
                    "A lantern hangs above the door",
                    "To guide the traveller home",
                    "",
                    "The snow has covered field and moor",
                    "And all the roads to Rome",
                ],
            ),
        ],
        order=["The river", "nights are cold", "A lantern", "roads to Rome"],
    ),
    "contents_with_dot_leaders": Case(
        [
            *stack(
                40,
                100,
                [
                    "1 Introduction .................",
                    "2 The method ..................",
                    "3 Results .......................",
                ],
                step=16,
            ),
            *stack(500, 100, ["3", "17", "42"], step=16),
        ],
        lines=["2 The method .................. 17"],
    ),
    "code_with_remarks_on_the_right": Case(
        [
            *across(
                stack(40, 100, ["total = 0", "for row in rows:", "    total += row.price", "print(total)"]),
                stack(
                    310,
                    100,
                    ["# start from nothing", "# look at every row", "# add what it costs", "# show the result"],
                ),
            )
        ],
        lines=["total = 0 # start from nothing", "print(total) # show the result"],
    ),
    "rows_of_words_stay_rows": Case(
        across(
            stack(40, 100, ["Anna Berg, Aldbury", "Karl Dorn, Kelso", "Eva Falk, Harwick", "Hugo Immel, Upwell"]),
            stack(240, 100, ["head of the department", "keeper of the archive", "driver of the lorry", "cook"]),
            stack(420, 100, ["since the first of May", "since the last winter", "until the end of June", "new"]),
        ),
        lines=["Anna Berg, Aldbury head of the department since the first of May", "Hugo Immel, Upwell cook new"],
    ),
    "a_table_within_one_of_two_columns": Case(
        [
            *stack(40, 100, COUNCIL),
            *stack(40, 200, ["Apples", "Pears", "Plums"]),
            *stack(160, 200, ["3.50", "4.25", "2.80"]),
            *stack(40, 260, WEATHER),
            *stack(310, 100, SPORT),
        ],
        lines=["Apples 3.50", "Plums 2.80"],
        order=["two hours.", "Apples", "The weather", "In sport"],
    ),
    "a_question_and_two_boxes_to_tick": Case(
        across(
            stack(
                40,
                100,
                [
                    "Did you eat anything before going to bed?",
                    "Did you drink any alcohol?",
                    "Did you listen to any soothing music?",
                    "Did you watch any films?",
                ],
                step=16,
            ),
            stack(310, 100, ["yes"] * 4, step=16),
            stack(360, 100, ["no what?__________", "no how much?_________", "no", "no what?__________"], step=16),
        ),
        lines=["Did you drink any alcohol? yes no how much?_________"],
    ),
    "a_form_with_values_on_rules": Case(
        [
            *stack(
                40,
                100,
                [
                    "Full name: ____________________",
                    "Issue date: ___________________",
                    "Permit fee: ___________________",
                ],
                step=24,
            ),
            *stack(110, 98, ["Alice Smith", "12 March 2024", "45.00"], step=24),
        ],
        order=["Full name:", "Alice Smith", "Issue date:", "12 March 2024", "Permit fee:", "45.00"],
    ),
    "a_form_without_colons": Case(
        [
            *stack(40, 100, ["Full name", "Home address", "Plate number", "Issue date", "Permit fee"], step=24),
            *stack(200, 99, ["Alice Smith", "12 High Street", "4471", "12 March 2024", "45.00"], step=24),
        ],
        lines=["Full name Alice Smith", "Permit fee 45.00"],
    ),
    "currency_signs_in_a_column_of_their_own": Case(
        [
            *stack(40, 100, ["Net amount", "Value added tax", "Total due"], step=16),
            *stack(300, 100, ["$", "$", "$"], step=16),
            *stack(340, 100, ["1,200.00", "(240.00)", "1,440.00"], step=16),
        ],
        lines=["Net amount $ 1,200.00", "Value added tax $ (240.00)", "Total due $ 1,440.00"],
    ),
    "a_table_by_columns_whose_names_wrap": Case(
        [
            *stack(40, 100, ["Region", "North", "South and", "Isles", "East"]),
            *stack(140, 100, ["Sales", "1,204", "988", "", "1,431"]),
            *stack(240, 100, ["Share", "24 %", "20 %", "", "29 %"]),
        ],
        lines=["North 1,204 24 %", "South and 988 20 %", "Isles", "East 1,431 29 %"],
    ),
    "a_table_of_words_by_columns": Case(
        [
            *stack(40, 100, ["Name", "Anna Berg", "Karl Dorn", "Eva Falk"], step=18),
            *stack(160, 100, ["Town", "Aldbury", "Kelso", "Upwell"], step=18),
            *stack(230, 100, ["Trade", "Baker", "Driver", "Cook"], step=18),
        ],
        lines=["Name Town Trade", "Karl Dorn Kelso Driver"],
    ),
    "wrapped_cells_drawn_cell_by_cell": Case(
        [
            *stack(40, 100, ["Stand-in for the", "head of the office"]),
            *stack(160, 100, ["12"]),
            *stack(240, 100, ["4.50"]),
            *stack(40, 130, ["Keeper of the", "town's archive"]),
            *stack(160, 130, ["9"]),
            *stack(240, 130, ["3.20"]),
            *stack(40, 160, ["Driver"]),
            *stack(160, 160, ["31"]),
            *stack(240, 160, ["2.10"]),
        ],
        order=["Stand-in", "12", "4.50", "Keeper", "9", "3.20", "Driver", "31", "2.10"],
    ),
    "a_letter_with_its_sender_on_the_right": Case(
        [
            *stack(40, 100, ["Berg and Sons", "12 High Street", "4471 Aldbury"]),
            *stack(400, 100, ["Telephone 555 0199", "Office hours 9 to 5", "3 March 2024"]),
            *stack(40, 200, COUNCIL),
        ],
        order=["Berg and Sons", "Aldbury", "Telephone", "3 March", "The council"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rows_are_read_as_rows_and_lists_as_lists(case: Case):
    check(case)
