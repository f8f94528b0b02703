"""The caption and the notes of a table are found beside it."""

from __future__ import annotations

import pytest

from tests.facts.tables.raw_tables import read

ROWS = (("Region", "2019", "2020"), ("North", "12", "13"), ("South", "14", "15"))


@pytest.mark.parametrize(
    "caption",
    [
        "Table 3. Sales by region",
        "Tabelle 3: Umsatz nach Regionen",
        "Tab. 2.1 Umsatz",
        "Tableau 4 – Ventes par région",
        "Tabla 5. Ventas",
        "Cuadro 1: Ventas",
        "Tabella 6: Vendite",
        "Tabela 7: Vendas",
        "Quadro A.1: Vendas",
        "Tabel 8: Omzet",
        "Tabela nr 9: Sprzedaż",
        "Table IV. Sales",
    ],
)
def test_a_caption_is_known_in_eight_languages_above_or_below(caption: str):
    assert read(*ROWS, above=caption).caption == caption
    assert read(*ROWS, below=caption).caption == caption


def test_a_caption_of_two_lines_is_one():
    assert read(*ROWS, above="Table 3. Sales by\nregion and year").caption == "Table 3. Sales by region and year"


def test_running_text_above_is_no_caption():
    assert read(*ROWS, above="as the figures of the year show, sales have risen").caption == ""


def test_notes_and_sources_below_are_notes_each_its_own():
    notes = read(*ROWS, below="* without islands\nSource: Statistics Office\nof the region").notes
    assert notes == ("* without islands", "Source: Statistics Office of the region")


@pytest.mark.parametrize(
    "note", ["Quelle: Amt", "Źródło: GUS", "Fonte: INE", "Bron: CBS", "Note : provisoire", "1) ohne Inseln"]
)
def test_notes_are_known_in_eight_languages(note: str):
    assert read(*ROWS, below=note).notes == (note,)


def test_running_text_below_is_no_note():
    assert read(*ROWS, below="The next chapter has more.").notes == ()
