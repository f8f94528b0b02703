"""Samples, pairs and counts as HTML for notebooks, light or dark: no script, all text escaped.

A pair shares number and colour with its boxes; where a notebook allows styles, hovering one highlights the other, and a
click enlarges a page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from docmatix.core.terminal import make_printable
from docmatix.dataset.pictures import Mark, choose_color, decode_picture, encode_picture

PICTURE_WIDTH_PX = 900
# twice the displayed width, so that it can be enlarged; a dense page is 200 kB as JPEG, which the notebook file carries

_STYLE = """
.dmx{font:13px/1.45 system-ui,sans-serif;margin:0 0 18px;max-width:1180px}
.dmx table{border-collapse:collapse;font-size:12px}
.dmx th,.dmx td{text-align:left!important;vertical-align:top;padding:3px 10px 3px 0;white-space:normal;
border-bottom:1px solid rgba(128,128,128,.3)}
.dmx td.n,.dmx th.n{text-align:right!important;font-variant-numeric:tabular-nums}
.dmx-page:hover{cursor:zoom-in}
.dmx-page:focus{flex:0 0 100%!important;cursor:zoom-out;outline:none}
.dmx-pages:focus-within{flex-basis:760px!important}
.dmx-box,.dmx-pair{transition:opacity .1s}
.dmx-sample:has(.dmx-box:hover) .dmx-box,.dmx-sample:has(.dmx-pair:hover) .dmx-box{opacity:.12}
"""


class Pictured(NamedTuple):
    """A page to show: its number, its image file if there is one, and the boxes on it."""

    number: int
    data: bytes | None
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """HTML for a notebook, and the text shown elsewhere."""

    html: str
    text: str

    def __repr__(self) -> str:
        return make_printable(self.text)

    def _repr_html_(self) -> str:
        return self.html


def show_sample(title: str, pages: Sequence[Pictured], pairs: Sequence[Mapping[str, Any]], *, note: str = "") -> str:
    """Pages beside numbered pairs: dicts with `question`, `answer`, and optionally `prompt`, `scores`, `evidence`,
    `reason` (why it was dropped), `said` (what a model said of it, led to by `asked`), `verdict` (in words)."""
    width = 420 if len(pages) == 1 else 300
    column = width if len(pages) == 1 else 2 * width + 8
    picture_width = PICTURE_WIDTH_PX if len(pages) <= 2 else PICTURE_WIDTH_PX * 4 // 5
    figures = "".join(_show_page(page, width, picture_width) for page in pages)
    listed = "".join(_show_pair(number, pair) for number, pair in enumerate(pairs, 1))
    rules = "".join(
        f".dmx-sample:has(.dmx-p{n}:hover) .dmx-box.dmx-p{n}{{opacity:1}}"
        f".dmx-sample:has(.dmx-p{n}:hover) .dmx-pair.dmx-p{n}{{background:rgba(128,128,128,.18)}}"
        for n in range(1, len(pairs) + 1)
    )
    aside = f"display:flex;flex-wrap:wrap;gap:8px;flex:0 1 {column}px;align-items:flex-start"
    return (
        f'<div class="dmx dmx-sample"><style>{_STYLE}{rules}</style>'
        f'<div style="margin:0 0 6px"><b>{escape(title)}</b>{_soft(note)}</div>'
        '<div style="display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start">'
        f'<div class="dmx-pages" style="{aside}">{figures}</div>'
        f'<div style="flex:1 1 300px;min-width:260px">{listed}</div></div></div>'
    )


def show_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> str:
    """A table with escaped cells; numbers are right-aligned."""
    rows = list(rows)
    numeric = [bool(rows) and all(isinstance(row[place], (int, float)) for row in rows) for place in range(len(head))]

    def cells(tag: str, row: Sequence[Any]) -> str:
        return "".join(
            f"<{tag}{' class=n' if right else ''}>{escape(_tell(cell))}</{tag}>"
            for cell, right in zip(row, numeric, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    above = f'<div style="margin:0 0 4px"><b>{escape(title)}</b></div>' if title else ""
    return (
        f'<div class="dmx"><style>{_STYLE}</style>{above}'
        f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def show_text(text: str) -> str:
    """A line or two of plain text."""
    return f'<div class="dmx"><style>{_STYLE}</style>{escape(text)}</div>'


def show_folded(title: str, html: str) -> str:
    """HTML that opens on a click."""
    style = "margin:0 0 12px;font:13px/1.45 system-ui,sans-serif"
    return f'<details style="{style}"><summary>{escape(title)}</summary>{html}</details>'


def show_columns(*columns: str, even: bool = True) -> str:
    """Pieces of HTML side by side, of equal or natural width."""
    share = "1 1 320px" if even else "0 1 auto"
    inner = "".join(f'<div style="flex:{share}">{column}</div>' for column in columns)
    return f'<div style="display:flex;flex-wrap:wrap;gap:24px">{inner}</div>'


def describe_facts(pair: Mapping[str, Any]) -> list[str]:
    """The page, scores, prompt and kind of a pair, in a few words each, and where its words were read if not in a text
    layer."""
    facts = [f"page {evidence['page']}" for evidence in (pair.get("evidence") or ())[:1]]
    facts += [f"{name} {value:.2f}" for name, value in (pair.get("scores") or {}).items() if value is not None]
    if pair.get("prompt"):
        facts.append(str(pair["prompt"]))
    if pair.get("kind") not in (None, "free"):
        facts.append(str(pair["kind"]))
    if pair.get("text_from") not in (None, "layer"):
        facts.append({"ocr": "read by OCR", "none": "no text"}.get(pair["text_from"], str(pair["text_from"])))
    return facts


def describe_pages(numbers: Sequence[int] | None) -> str:
    """`page 3`, `pages 3, 5`, `pages 3 to 6` (three or more in a row), or nothing."""
    if not numbers:
        return ""
    # in a dataset of others a page number may be any text
    in_a_row = all(isinstance(each, int) and each == numbers[0] + place for place, each in enumerate(numbers))
    if len(numbers) > 2 and in_a_row:
        return f"pages {numbers[0]} to {numbers[-1]}"
    return f"page{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _show_page(page: Pictured, width: int, picture_width: int) -> str:
    picture = decode_picture(page.data, max_width_px=picture_width)
    # in a dataset of others a page number may be any text
    name = escape(f"page {page.number}")
    caption = f'<figcaption style="opacity:.65;font-size:11px">{name}</figcaption>'
    frame = f"margin:0;flex:0 1 {width}px;min-width:160px"
    if picture is None:
        return (
            f'<figure style="{frame}"><div style="border:1px dashed rgba(128,128,128,.6);padding:24px 12px;opacity:.7">'
            f"no picture</div>{caption}</figure>"
        )
    source = "data:image/jpeg;base64," + base64.b64encode(encode_picture(picture)).decode()
    boxes = "".join(map(_show_mark, page.marks))
    return (
        f'<figure class="dmx-page" tabindex="0" style="{frame}">'
        '<div style="position:relative;line-height:0;border:1px solid rgba(128,128,128,.45)">'
        f'<img src="{source}" alt="{name}" style="width:100%;height:auto;margin:0;display:block">{boxes}'
        f"</div>{caption}</figure>"
    )


def _show_mark(mark: Mark) -> str:
    x0, y0, x1, y1 = (min(1.0, max(0.0, side)) for side in mark.box)
    color = choose_color(mark.number)
    place = f"left:{x0:.2%};top:{y0:.2%};width:{x1 - x0:.2%};height:{y1 - y0:.2%}"
    return (
        f'<span class="dmx-box dmx-p{mark.number}" style="position:absolute;{place};box-sizing:content-box;'
        f'margin:-4px;padding:2px;border:2px solid {color};background:{color}2e">'
        f'<b style="position:absolute;right:100%;bottom:100%;margin:0 -2px -2px 0;background:{color};'
        f'color:#fff;font:bold 9px/11px sans-serif;padding:0 3px">{mark.number}</b></span>'
    )


def _show_pair(number: int, pair: Mapping[str, Any]) -> str:
    color = choose_color(number)
    verdict = pair.get("verdict") or (f"dropped: {pair['reason']}" if pair.get("reason") else "")
    lead = escape(str(pair.get("asked") or "asked again"))
    said = f'<div style="opacity:.8">{lead}: {escape(str(pair["said"]))}</div>' if pair.get("said") else ""
    facts = " · ".join(describe_facts(pair))
    return (
        f'<div class="dmx-pair dmx-p{number}" style="border-left:4px solid {color};padding:2px 8px;margin:0 0 9px">'
        f'<div><b style="background:{color};color:#fff;font:bold 10px/13px sans-serif;padding:0 4px;margin-right:4px">'
        f"{number}</b>{escape(pair['question'])}</div>"
        f"<div><b>{escape(pair['answer'])}</b></div>{said}"
        f'<div style="font-size:11px"><b>{escape(verdict)}</b>{_soft(facts)}</div></div>'
    )


def _soft(text: str) -> str:
    return f' <span style="opacity:.65">{escape(text)}</span>' if text else ""


def _tell(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
