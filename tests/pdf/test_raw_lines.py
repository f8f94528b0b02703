"""Single lines with their characters."""

from __future__ import annotations

from typing import Any

import pymupdf

from docmatix.pdf.raw_lines import list_raw_lines
from tests.pdf.content import show, write_content


def open_lines() -> tuple[Any, list[dict[str, Any]]]:
    content = "".join(show(f"Line {number}", y=700 - 14 * number) for number in range(4))
    textpage = pymupdf.open(stream=write_content(content))[0].get_textpage(flags=pymupdf.TEXT_CLIP)
    return textpage, textpage.extractDICT()["blocks"]


def read_characters(line: dict[str, Any]) -> str:
    return "".join(character["c"] for span in line["spans"] for character in span["chars"])


def test_the_wanted_lines_have_their_characters():
    textpage, blocks = open_lines()
    lines = list_raw_lines(textpage, blocks, {0: {1, 3}})
    assert {place: read_characters(line) for place, line in lines.items()} == {(0, 1): "Line 1", (0, 3): "Line 3"}
    assert lines[0, 1]["dir"] == (1.0, 0.0)


def test_a_pymupdf_that_builds_its_dictionaries_otherwise_gives_all_lines(monkeypatch):
    from pymupdf import extra

    monkeypatch.delattr(extra, "JM_make_spanlist")
    textpage, blocks = open_lines()
    lines = list_raw_lines(textpage, blocks, {0: {1}})
    assert [read_characters(line) for line in lines.values()] == ["Line 0", "Line 1", "Line 2", "Line 3"]
