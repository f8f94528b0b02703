"""Captions, and footnotes at the foot of a page."""

from __future__ import annotations

import pytest

from tests.facts.layout.drawn import PROSE, Line, find, list_values, make_page, of_kind, write


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Figure 3: Area under study", "Figure 3", "Area under study"),
        ("Abbildung 2. Aufbau der Anlage", "Abbildung 2", "Aufbau der Anlage"),
        ("Tableau 4 – Recettes par pays", "Tableau 4", "Recettes par pays"),
        ("Gráfico 1: Ventas", "Gráfico 1", "Ventas"),
        ("Tabella 2.1. Ricavi", "Tabella 2.1", "Ricavi"),
        ("Quadro 5: Receitas", "Quadro 5", "Receitas"),
        ("Figuur 6: Kaart", "Figuur 6", "Kaart"),
        ("Rys. 7. Mapa okolicy", "Rys. 7", "Mapa okolicy"),
    ],
)
def test_a_caption_has_its_label_and_its_text(text: str, label: str, value: str) -> None:
    (facts,) = find(make_page(*write(60, 80, PROSE), Line(60, 300, text), *write(60, 350, PROSE)))
    (caption,) = of_kind(facts, "caption")
    assert (caption.label, caption.value) == (label, value)


def test_a_caption_may_take_several_lines() -> None:
    lines = [
        *write(60, 80, PROSE),
        *write(
            60, 300, "Figure 3: The area under study with the places where water was drawn and measured daily", size=9
        ),
        *write(60, 350, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    (caption,) = of_kind(facts, "caption")
    assert caption.value.endswith("measured daily")
    assert len(caption.boxes) == 2


def test_a_sentence_that_begins_with_a_figure_is_no_caption() -> None:
    text = "Figure 3 shows the area under study. " + PROSE
    (facts,) = find(make_page(*write(60, 80, PROSE), *write(60, 130, text)))
    assert not of_kind(facts, "caption")


def test_the_parts_of_a_figure_have_captions_of_their_own() -> None:
    lines = [*write(60, 80, PROSE), Line(100, 300, "(a) before"), Line(380, 300, "(b) after"), *write(60, 350, PROSE)]
    (facts,) = find(make_page(*lines))
    assert [(fact.label, fact.value) for fact in of_kind(facts, "caption")] == [("(a)", "before"), ("(b)", "after")]


def test_a_footnote_has_its_mark_and_its_whole_text() -> None:
    lines = [
        *write(60, 80, PROSE + " ¹ " + PROSE),
        Line(60, 700, "¹ See the annex for a description of the method", 7.5, first_size=5),
        Line(60, 709, "and of the places.", 7.5),
        Line(60, 718, "² Without the islands.", 7.5, first_size=5),
    ]
    (facts,) = find(make_page(*lines))
    assert [(fact.label, fact.value) for fact in of_kind(facts, "footnote")] == [
        ("1", "See the annex for a description of the method and of the places."),
        ("2", "Without the islands."),
    ]


def test_small_print_without_a_mark_is_no_footnote() -> None:
    lines = [*write(60, 80, PROSE * 3), Line(60, 700, "Printed on paper that was used before.", 7.5)]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "footnote") == []


def test_lettered_headings_in_small_print_are_no_footnotes_and_no_parts_of_a_figure() -> None:
    column = [
        Line(60, 600, "(a) Comments due", 8, True),
        *write(60, 612, PROSE, size=8, width=40),
        Line(320, 600, "(h) Revisions made", 8, True),
        *write(320, 612, PROSE, size=8, width=40),
    ]
    (facts,) = find(make_page(*write(60, 60, PROSE * 6), *column))
    assert of_kind(facts, "footnote") == []
    assert of_kind(facts, "caption") == []
