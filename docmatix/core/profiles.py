"""What is on a page, in numbers: how much of it is text, pictures and drawing, what is counted, what it looks like."""

from __future__ import annotations

from typing import NamedTuple

SHARES = ("text", "pictures", "drawing")
COUNTS = ("tables", "fields", "lists", "headings")
SCORES = (
    "chart",
    "figure",
    "map",
    "formula",
    "code",
    "form",
    "letter",
    "slide",
    "cover",
    "contents",
    "references",
    "blank",
)
MEASURES = (*SHARES, *COUNTS, *SCORES)
"""The names that a profile's numbers have, as prompts say them."""


class Profile(NamedTuple):
    """A page in numbers. Shares are of its area, 0..1, and may overlap; `lists` counts whole lists. A score is how
    likely the page has or is such a thing, 0..1; `confidence` is how much of the page they were told from, 0..1."""

    text: float = 0.0
    pictures: float = 0.0
    drawing: float = 0.0
    tables: int = 0
    fields: int = 0
    lists: int = 0
    headings: int = 0
    chart: float = 0.0
    figure: float = 0.0
    map: float = 0.0
    formula: float = 0.0
    code: float = 0.0
    form: float = 0.0
    letter: float = 0.0
    slide: float = 0.0
    cover: float = 0.0
    contents: float = 0.0
    references: float = 0.0
    blank: float = 0.0
    confidence: float = 1.0
