"""English labels and kinds of answers."""

from __future__ import annotations

import pytest

from docmatix.text.english import classify_answer, spell_label


@pytest.mark.parametrize(
    ("label", "spelled"),
    [
        ("Invoice No.", "invoice number"),
        ("Invoice No", "invoice number"),
        ("Invoice #", "invoice number"),
        ("No Prison Term", "no prison term"),
        ("NO PRISON TERM", "no prison term"),
        ("No. of employees", "number of employees"),
        ("No of employees", "number of employees"),
        ("No. Employees", "number of employees"),
        ("# Seats", "number of seats"),
        ("HTML # tokens", "HTML # tokens"),
        ("Amt Due", "amount due"),
        ("Qty.", "quantity"),
        ("Duration min.", "duration minutes"),
        ("Min. age", "minimum age"),
        ("St. Mary sales", "st. mary sales"),
        ("VAT Rate (%)", "VAT rate"),
        ("VAT RATE", "VAT rate"),
        ("ISBN", "ISBN"),
        ("NAME", "name"),
        ("May revenue", "May revenue"),
        ("Tel No", "telephone number"),
        ("Tel. No.", "telephone number"),
        ("pH Value", "pH value"),
        ("Net Wt.", "net weight"),
        ("Acct #", "account number"),
    ],
)
def test_a_label_is_spelled_as_in_a_sentence(label: str, spelled: str) -> None:
    assert spell_label(label) == spelled


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("$ (240.00)", "amount"),
        ("EUR 1 250 000", "amount"),
        ("12 500 EUR", "amount"),
        ("−3,5 %", "percent"),
        ("3 ½ percent", "percent"),
        ("1 250 000", "number"),
        ("− 18", "number"),
        ("(240.00)", "number"),
        ("3 Years", "number"),
        ("May 2019", "date"),
        ("Ann Hughes", "text"),
    ],
)
def test_the_kind_of_an_answer_is_told_by_its_form(answer: str, kind: str) -> None:
    assert classify_answer(answer) == kind
