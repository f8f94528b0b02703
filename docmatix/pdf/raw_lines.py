"""The characters of single lines of a text page: MuPDF's raw dictionary of a dense page takes 15 ms, ten lines 1 ms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

RawLines = dict[tuple[int, int], dict[str, Any]]


def list_raw_lines(textpage: Any, blocks: Sequence[dict[str, Any]], wanted: Mapping[int, Collection[int]]) -> RawLines:
    """The wanted lines (indices by the numbers of their blocks) as in MuPDF's raw dictionary, each by block and index;
    all of their blocks' lines if they cannot be had alone. `blocks` are those of the dictionary of `textpage`."""
    try:
        return _list_some(textpage, {block["number"]: block for block in blocks}, wanted)
    except (AttributeError, LookupError, NotImplementedError, TypeError):
        # what PyMuPDF builds its dictionaries with is not documented, and may change
        return {
            (block["number"], index): line
            for block in textpage.extractRAWDICT()["blocks"]
            for index, line in enumerate(block.get("lines", ()))
            if block["number"] in wanted
        }


def _list_some(textpage: Any, blocks: Mapping[int, dict[str, Any]], wanted: Mapping[int, Collection[int]]) -> RawLines:
    from pymupdf import extra, mupdf

    buffer, area = mupdf.fz_new_buffer(64), mupdf.FzRect(textpage.this.m_internal.mediabox)
    found: RawLines = {}
    for number, block in enumerate(textpage.this):
        if number not in wanted:
            continue
        lines = list(block)
        if len(lines) != len(blocks[number]["lines"]):
            raise LookupError("the dictionary leaves out lines off the page")
        for index in wanted[number]:
            spans: dict[str, Any] = {}
            extra.JM_make_spanlist(spans, lines[index], True, buffer, area)
            found[number, index] = {**blocks[number]["lines"][index], "spans": spans["spans"]}
    return found
