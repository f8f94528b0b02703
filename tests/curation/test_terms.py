"""The terms of a text."""

from __future__ import annotations

from docmatix.curation.terms import content_terms


def test_content_terms_leave_out_function_words_unless_there_is_nothing_else():
    assert content_terms("The companies of the region") == ("compan", "region")
    assert content_terms("it is") == ("it", "is")
    assert content_terms("東京都") == ("東京", "京都")
