"""Reading cards: metadata and text, whatever wrote them."""

from __future__ import annotations

import yaml

from docmatix.dataset.published_card import join_card, split_card


def test_windows_line_ends_and_a_missing_head_are_read():
    assert split_card("---\r\na: 1\r\n---\r\nText") == ({"a": 1}, "Text")
    assert split_card("Text\n---\nmore") == ({}, "Text\n---\nmore")
    assert split_card("---\n---\nText")[0] == {}
    assert yaml.safe_load(join_card({"a": "ü: -"}, "").split("---")[1]) == {"a": "ü: -"}
