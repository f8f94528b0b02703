"""Histograms: the classes of lengths, and their median."""

from __future__ import annotations

import pytest

from docmatix.dataset.histograms import classify_length, find_median


@pytest.mark.parametrize(
    ("words", "name"),
    [(0, "1"), (1, "1"), (2, "2"), (3, "3"), (4, "4-5"), (5, "4-5"), (6, "6-8"), (89, "56-89"), (90, "90+")],
)
def test_lengths_are_classed_by_words(words, name):
    assert classify_length("word " * words) == name


@pytest.mark.parametrize(
    ("classes", "median"),
    [
        ({}, None),
        ({"2": 1}, "2"),
        ({"1": 2, "10-13": 2}, "1"),
        ({"10+": 3, "2": 2}, "10+"),
        ({"9-13": 1, "1": 0}, "9-13"),
    ],
)
def test_the_median_is_a_class(classes, median):
    assert find_median(classes) == median
