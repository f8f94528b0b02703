"""Columns of prose, figures, notes and headings: what must be read before what."""

from __future__ import annotations

import pytest

from tests.drawn_pages import COUNCIL, SPORT, TITLE, WEATHER, Case, across, check, stack

CASES = {
    "three_columns_drawn_across": Case(
        across(stack(40, 100, COUNCIL), stack(240, 100, SPORT), stack(440, 100, WEATHER)),
        order=["met on Monday", "two hours.", "In sport", "be opened.", "The weather", "whole coast."],
        size=8,
    ),
    "two_columns_drawn_across_under_a_heading": Case(
        [(40, 60, TITLE), *across(stack(40, 100, COUNCIL), stack(310, 100, SPORT))],
        order=[TITLE, "met on Monday", "two hours.", "In sport", "be opened."],
    ),
    "columns_of_different_length_drawn_across": Case(
        across(stack(40, 100, COUNCIL), stack(310, 100, SPORT[:3])),
        order=["met on Monday", "two hours.", "In sport", "coast, who"],
    ),
    "headings_between_columns_drawn_across": Case(
        [
            *across(stack(40, 100, COUNCIL[:4]), stack(310, 100, SPORT[:4])),
            (40, 165, "And now for the weather and for all the rest of what has happened in the valley this week"),
            *across(stack(40, 190, WEATHER), stack(310, 190, SPORT)),
        ],
        order=["met on Monday", "In sport", "And now", "The weather", "whole coast.", "In sport", "be opened."],
    ),
    "wide_leading_drawn_across": Case(
        across(stack(40, 100, COUNCIL, step=20), stack(310, 100, SPORT, step=20)),
        order=["met on Monday", "two hours.", "In sport", "be opened."],
    ),
    "columns_without_shared_baselines": Case(
        across(stack(40, 100, COUNCIL), stack(310, 104, SPORT)),
        order=["met on Monday", "two hours.", "In sport", "be opened."],
    ),
    "prose_columns_on_one_grid_stay_columns": Case(
        [*stack(40, 100, COUNCIL), *stack(310, 100, SPORT)],
        order=["met on Monday", "two hours.", "In sport", "be opened."],
    ),
    "a_sidebar_drawn_first": Case(
        [
            *stack(420, 100, ["In brief", "Fair on Sunday", "Bridge closed", "New bus line"]),
            (40, 60, TITLE),
            *stack(40, 100, COUNCIL),
            *stack(40, 200, SPORT),
        ],
        order=[TITLE, "The council", "be opened."],
        absent=["Monday In brief", "Monday Fair"],
    ),
    "a_caption_below_a_figure": Case(
        [*stack(40, 100, COUNCIL), (40, 400, "Figure 1: The new stadium of the town."), *stack(310, 100, SPORT)],
        order=["two hours.", "Figure 1", "In sport"],
        sentences=[" ".join(COUNCIL), " ".join(SPORT)],
    ),
    "footnotes_drawn_first": Case(
        [
            (
                40,
                780,
                "1 The budget was published in the gazette of the town, and a report on it in the papers of a valley.",
            ),
            *stack(40, 100, COUNCIL),
            *stack(310, 100, SPORT),
        ],
        order=["The council", "In sport", "1 The budget"],
    ),
    "a_rotated_page": Case(
        [(40, 60, TITLE), *across(stack(40, 100, COUNCIL), stack(310, 100, SPORT))],
        order=[TITLE, "met on Monday", "two hours.", "In sport", "be opened."],
        rotation=90,
    ),
    "a_running_head_over_two_columns": Case(
        [(40, 30, "14"), (250, 30, "THE COURIER"), *across(stack(40, 100, COUNCIL), stack(310, 100, SPORT))],
        order=["14 THE COURIER", "The council", "In sport"],
        sentences=[" ".join(COUNCIL), " ".join(SPORT)],
    ),
    "columns_drawn_across_with_paragraphs": Case(
        across(
            stack(40, 100, [*COUNCIL, "", *WEATHER]),
            stack(310, 100, [*SPORT, "", *COUNCIL]),
        ),
        order=["The council", "The weather", "whole coast.", "In sport", "be opened.", "The council"],
    ),
    "prose_beside_a_list_drawn_across": Case(
        across(
            stack(40, 100, COUNCIL),
            stack(
                310,
                100,
                ["- the new stadium of the town", "- the bridge over the river", "- 12 trains a day", "- roads"],
            ),
        ),
        sentences=[" ".join(COUNCIL)],
        order=["stadium", "bridge", "12 trains"],
    ),
    "a_ragged_narrow_gutter_drawn_across": Case(
        across(stack(40, 100, COUNCIL), stack(226, 100, SPORT)),
        order=["met on Monday", "two hours.", "In sport", "be opened."],
    ),
    "boxes_scattered_over_a_slide": Case(
        [(60, 100, "Plan"), (260, 140, "Build"), (430, 300, "Sell"), (80, 420, "Repair"), (300, 500, "Retire")],
        order=["Plan", "Build", "Sell", "Repair", "Retire"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_page_is_read_in_its_order(case: Case):
    check(case)
