"""Line numbers, margin numbers and notes, and lists that keep their marks."""

from __future__ import annotations

import pytest

from tests.drawn_pages import COUNCIL, MEMBERS, SPORT, WEATHER, Case, across, check, stack

CASES = {
    "lines_numbered_in_the_margin": Case(
        [
            placed
            for row, text in enumerate(COUNCIL, 1)
            for placed in ((20, 87 + 13 * row, str(row)), (40, 87 + 13 * row, text))
        ],
        order=["met on Monday", "two hours.", "1"],
        absent=["1 The council", "2 and agreed"],
        sentences=[" ".join(COUNCIL)],
    ),
    "line_numbers_drawn_last": Case(
        [*stack(40, 100, COUNCIL), *stack(20, 100, [str(row) for row in range(1, 7)])],
        order=["met on Monday", "two hours.", "1"],
        sentences=[" ".join(COUNCIL)],
    ),
    "line_numbers_on_the_right": Case(
        [
            placed
            for row, text in enumerate(COUNCIL, 14)
            for placed in ((40, 13 * row, text), (300, 13 * row, str(row)))
        ],
        absent=["Monday 14"],
        sentences=[" ".join(COUNCIL)],
    ),
    "line_numbers_on_both_sides": Case(
        [
            placed
            for row, text in enumerate(COUNCIL, 14)
            for placed in ((20, 13 * row, str(row)), (40, 13 * row, text), (300, 13 * row, str(row)))
        ],
        absent=["Monday 14", "14 The council"],
        sentences=[" ".join(COUNCIL)],
    ),
    "paper_with_more_numbers_than_lines": Case(
        [*stack(20, 100, [str(row) for row in range(1, 29)], step=24), *stack(60, 100, COUNCIL + SPORT, step=24)],
        absent=["10 had not", "12 when"],
        order=["The council", "be opened.", "1 2 3 4", "27 28"],
    ),
    "every_fifth_line_numbered": Case(
        [*stack(40, 100, COUNCIL + SPORT + WEATHER), *[(20, 87 + 13 * n, str(n)) for n in (5, 10, 15)]],
        absent=["5 who were"],
        sentences=[" ".join(COUNCIL), " ".join(SPORT), " ".join(WEATHER)],
    ),
    "line_numbers_between_two_columns": Case(
        [
            *stack(40, 100, COUNCIL + SPORT + WEATHER),
            *[(285, 87 + 13 * n, str(n)) for n in (5, 10, 15)],
            *stack(310, 100, WEATHER + COUNCIL + SPORT),
        ],
        order=["In sport", "The weather", "The weather", "The council", "In sport", "5"],
        sentences=[" ".join(COUNCIL), " ".join(SPORT), " ".join(WEATHER)],
    ),
    "a_transcript": Case(
        [
            placed
            for row, text in enumerate(
                [
                    "Q.  And where were you on the evening of the third of May?",
                    "A.  I was at the office of the town, and I",
                    "stayed there until nine.",
                    "Q.  Who was with you?",
                    "A.  Two members of the council.",
                    "Q.  What did you talk about there?",
                    "A.  The budget.",
                    "Q.  For two hours, with nobody else in",
                    "the whole of the house?",
                    "A.  Yes.",
                    "MR. BERG:  No more questions.",
                    "(The witness left the room.)",
                ],
                1,
            )
            for placed in ((30, 76 + 24 * row, str(row)), (60, 76 + 24 * row, text))
        ],
        absent=["2 A.", "3 stayed"],
    ),
    "a_numbered_list_keeps_its_numbers": Case(
        [
            placed
            for row, text in enumerate(
                ["Apples from the south", "Pears from the north", "Plums of last year", "Grapes"], 1
            )
            for placed in ((40, 87 + 13 * row, str(row)), (70, 87 + 13 * row, text))
        ],
        lines=["1 Apples from the south", "4 Grapes"],
    ),
    "a_ranking_keeps_its_numbers": Case(
        [
            placed
            for row, (name, points) in enumerate(zip(MEMBERS, ["88", "71", "70", "52"], strict=True), 1)
            for placed in ((40, 84 + 16 * row, str(row)), (70, 84 + 16 * row, name), (300, 84 + 16 * row, points))
        ],
        lines=["1 Anna Berg 88", "4 Hugo Immel 52"],
    ),
    "a_note_in_the_margin": Case(
        [*across(stack(160, 100, COUNCIL), stack(40, 113, ["Budget of", "the town"]))],
        absent=["Budget of and agreed"],
        sentences=[" ".join(COUNCIL)],
    ),
    "a_note_in_the_right_margin": Case(
        [*across(stack(40, 100, COUNCIL), stack(300, 126, ["see the report", "of the mayor"]))],
        absent=["last one see"],
        sentences=[" ".join(COUNCIL)],
    ),
    "paragraphs_numbered_in_the_margin": Case(
        [
            (40, 100, "12"),
            *stack(80, 100, COUNCIL),
            (40, 190, "13"),
            *stack(80, 190, SPORT),
        ],
        order=["12", "The council", "two hours.", "13", "In sport"],
        sentences=[" ".join(COUNCIL), " ".join(SPORT)],
    ),
    "a_list_keeps_its_marks": Case(
        [(40, 100, "(a)"), *stack(80, 100, COUNCIL), (40, 190, "(b)"), *stack(80, 190, SPORT)],
        order=["(a) The council", "(b) In sport"],
    ),
    "a_label_before_a_long_value": Case(
        across([(40, 100, "Summary:")], stack(120, 100, COUNCIL)),
        lines=["Summary: The council of the town met on Monday"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_counts_lines_or_stands_in_a_margin_is_not_in_a_sentence(case: Case):
    check(case)
