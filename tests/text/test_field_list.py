"""Fields in one line of text."""

from __future__ import annotations

from docmatix.text.field_list import read_fields


def test_a_context_of_fields_is_told_from_a_sentence_with_a_colon() -> None:
    assert read_fields("Region: North | Revenue: $4") == [("Region", "North"), ("Revenue", "$4")]
    assert read_fields("Invoice No: 17") == [("Invoice No", "17")]
    assert read_fields("The nut consists of two parts: a case and a key.") == []
    assert read_fields("The library was founded in 1974.") == []
