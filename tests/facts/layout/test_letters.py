"""The parts of a letter, and figures in running text."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Fact
from tests.facts.layout.drawn import PROSE, Line, find, list_values, make_page, of_kind, write


def _letter(date: str, subject: str, greeting: str, closing: str) -> list[Fact]:
    lines = [
        Line(60, 50, "Muster Office Supplies", 14, True),
        Line(60, 120, "Anna Berger"),
        Line(60, 132, "12 Mill Lane"),
        Line(60, 144, "54290 Trier"),
        Line(400, 200, date),
        Line(60, 250, subject, bold=":" not in subject),
        Line(60, 280, greeting),
        *write(60, 310, PROSE + " " + PROSE),
        Line(60, 380, closing),
        Line(60, 430, "Jan Kowalski"),
        Line(60, 442, "Head of Sales"),
    ]
    (facts,) = find(make_page(*lines))
    return facts


@pytest.mark.parametrize(
    ("date", "subject", "greeting", "closing"),
    [
        ("12 March 2021", "Re: Your order", "Dear Ms Berger,", "Yours sincerely,"),
        ("Trier, 12. März 2021", "Betreff: Your order", "Sehr geehrte Frau Berger,", "Mit freundlichen Grüßen"),
        ("Paris, le 12 mars 2021", "Objet : Your order", "Madame, Monsieur,", "Cordialement,"),
        ("12 de marzo de 2021", "Asunto: Your order", "Estimada señora:", "Reciba un cordial saludo,"),
        ("12 marzo 2021", "Oggetto: Your order", "Gentile Signora Berger,", "Cordiali saluti"),
        ("12 de março de 2021", "Assunto: Your order", "Exma. Senhora,", "Com os melhores cumprimentos,"),
        ("12 maart 2021", "Betreft: Your order", "Geachte mevrouw Berger,", "Met vriendelijke groet,"),
        ("12 marca 2021 r.", "Dotyczy: Your order", "Szanowna Pani,", "Z poważaniem,"),
        ("2021-03-12", "Your order", "Dear Ms Berger,", "Kind regards"),
    ],
)
def test_the_parts_of_a_letter_are_found(date: str, subject: str, greeting: str, closing: str) -> None:
    facts = _letter(date, subject, greeting, closing)
    assert list_values(facts, "subject") == ["Your order"]
    assert list_values(facts, "addressee") == ["Anna Berger 12 Mill Lane 54290 Trier"]
    assert list_values(facts, "signatory") == ["Jan Kowalski"]
    (found,) = list_values(facts, "date")
    assert date.endswith(found)
    assert list_values(facts, "title") + list_values(facts, "heading") == []


def test_a_page_that_greets_nobody_has_no_parts_of_a_letter() -> None:
    (facts,) = find(make_page(Line(60, 80, "12 March 2021"), *write(60, 120, PROSE * 3)))
    assert not any(of_kind(facts, kind) for kind in ("date", "addressee", "subject", "signatory"))


@pytest.mark.parametrize(
    ("sentence", "label", "value"),
    [
        ("The total cost of the programme was $192,800.", "The total cost of the programme was", "$192,800"),
        ("Der Vertrag wurde am 26. Mai 2024 unterzeichnet.", "Der Vertrag wurde", "26. Mai 2024"),
        ("La riunione si terrà il 15 dicembre 2025.", "La riunione si terrà", "15 dicembre 2025"),
    ],
)
def test_an_amount_of_running_text_has_the_words_it_stands_beside(sentence: str, label: str, value: str) -> None:
    (facts,) = find(make_page(*write(60, 80, f"{PROSE} {sentence} {PROSE}")))
    assert [(fact.label, fact.value) for fact in of_kind(facts, "figure")] == [(label, value)]


def test_a_sentence_with_two_amounts_says_nothing_clear() -> None:
    (facts,) = find(make_page(*write(60, 80, f"{PROSE} The price rose from 5 % to 7 % in spring. {PROSE}")))
    assert not of_kind(facts, "figure")


def test_a_page_has_a_dozen_figures_at_most() -> None:
    text = " ".join(f"The price in town number {'x' * (at + 1)} was $1{at:02}.50." for at in range(30))
    (facts,) = find(make_page(*write(60, 80, text)))
    assert len(of_kind(facts, "figure")) == 12
