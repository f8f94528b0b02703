"""The fields of an interactive form: what was typed or chosen, and the printed label beside or above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docmatix.core.documents import UNKNOWN
from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import BLANK, DOTS, Chunk, Layout, Token
from docmatix.facts.fields.labels import ends_with_colon, is_label, join, strip_label
from docmatix.pdf.drawings import Widget

MAX_WIDGETS = 400


def find_widget_fields(layout: Layout) -> Iterator[Candidate]:
    """The fields of text and choice widgets that have a printed label."""
    widgets = [item for item in layout.drawing.widgets if item.kind in ("text", "choice", "signature")]
    if len(widgets) > MAX_WIDGETS:
        return
    typed = {
        widget: [token for chunk in layout.in_column(*widget[:4]) for token in chunk.tokens if _holds(widget, token)]
        for widget in widgets
    }
    used = {token.key for widget in widgets if widget.value for token in typed[widget]}
    for widget in widgets:
        label = _find_label(layout, widget, widgets, used)
        if not label:
            continue
        area = (widget.x0, widget.y0, widget.x1, widget.y1)
        value = " ".join(widget.value.split())
        if widget.kind == "signature" or not value:
            yield Candidate("empty_field", label, (), 0.9, area=area)
        elif UNKNOWN not in value and value.isprintable() and len(value) <= 240:
            drawn = join(typed[widget])
            tokens = typed[widget] if "".join(drawn.split()) == "".join(value.split()) else ()
            yield Candidate("field", label, tokens, 0.95, text=value, area=area)


def _holds(widget: Widget, token: Token) -> bool:
    x, y = (token.x0 + token.x1) / 2, (token.y0 + token.y1) / 2
    return widget.x0 - 1 <= x <= widget.x1 + 1 and widget.y0 - 1 <= y <= widget.y1 + 1


def _find_label(layout: Layout, widget: Widget, widgets: Sequence[Widget], used: set[int]) -> Sequence[Token]:
    """The text left of a widget with nothing between them, else the line right above it, else the one below."""
    x0, y0, x1, y1 = widget[:4]
    middle = (y0 + y1) / 2
    beside = [
        chunk
        for chunk in layout.in_column(0, y0, x0 + 2, y1)
        if chunk.x0 < x0 - 3
        and (
            chunk.y0 - 2 <= middle <= chunk.y1 + 2 or (y1 - y0 > 2.5 * chunk.size and chunk.y0 < y0 + 1.5 * chunk.size)
        )
    ]
    nearest = max(beside, key=lambda chunk: chunk.x1, default=None)
    left = _trim(nearest, x0 + 3, used)
    if left and nearest is not None:
        if len(left) == len(nearest.tokens):
            left = _complete(layout, widget, nearest, left, widgets)
        edge = max(token.x1 for token in left)
        between = [
            other
            for other in layout.drawing.widgets
            if other is not widget and other.x0 < x0 - 2 and other.x1 > edge + 1 and other.y0 < middle < other.y1
        ]
        running = not ends_with_colon(left[-1].text) and _is_in_sentence(layout, widget)
        if not between and not running and x0 - edge < 14 * left[-1].size and is_label(strip_label(join(left))):
            return left
        if not between and x0 - edge < left[-1].size and not is_label(strip_label(join(left))):
            return ()  # a blank of a sentence
    for above in (True, False):
        band = (y0 - 14, y0 + 3) if above else (y1 - 2, y1 + 11)
        near = [
            chunk
            for chunk in layout.in_column(x0 - 6, band[0], x1, band[1])
            if (chunk.middle < y0 if above else chunk.middle > y1)
            and chunk.x0 >= x0 - 8
            and not any(token.key in used for token in chunk.tokens)
            and not _is_taken(chunk, widget, widgets)
        ]
        if near:
            chunk = max(near, key=lambda chunk: chunk.middle if above else -chunk.middle)
            heads = not above and (chunk.bold or layout.below(chunk, within=0.5) is not None)  # what follows
            if is_label(strip_label(chunk.text)) and chunk.x0 < x1 - 4 and not chunk.in_prose and not heads:
                return chunk.tokens
    return ()


def _complete(
    layout: Layout, widget: Widget, chunk: Chunk, label: Sequence[Token], widgets: Sequence[Widget]
) -> list[Token]:
    """A label left of a widget with the lines above and below it at the widget's height, which have no other widget."""
    lines = [chunk]
    for other in layout.in_column(chunk.x0 - 2, widget.y0 - chunk.size, chunk.x0 + 2, widget.y1 + chunk.size):
        near = min(abs(other.y0 - line.y0) for line in lines) < 1.4 * chunk.size
        alike = other is not chunk and abs(other.x0 - chunk.x0) <= 2 and abs(other.size - chunk.size) < 0.3
        level = widget.y0 - 0.75 * chunk.size <= other.middle <= widget.y1 + 0.75 * chunk.size
        if not (near and alike and level) or other.bold != chunk.bold or ends_with_colon(other.text):
            continue
        if any(other.x0 < item.x0 < widget.x0 - 2 and item.y0 < other.middle < item.y1 for item in widgets):
            continue
        if not layout.is_ruled_between(*sorted((chunk, other), key=lambda line: line.y0)) and other.x1 < widget.x0:
            lines.append(other)
    whole = [token for line in sorted(lines, key=lambda line: line.y0) for token in line.tokens]
    return whole if is_label(strip_label(join(whole))) else list(label)


def _is_in_sentence(layout: Layout, widget: Widget) -> bool:
    """Whether the words right of a widget go on with a sentence."""
    x1, y0, y1 = widget.x1, widget.y0, widget.y1
    after = [
        token
        for chunk in layout.in_column(x1 - 1, y0, x1 + 30, y1)
        for token in chunk.tokens
        if token.x0 >= x1 - 2 and token.y0 < (y0 + y1) / 2 < token.y1
    ]
    first = min(after, key=lambda token: token.x0, default=None)
    return first is not None and (first.text[0].islower() or first.text[0] in ",;.") and first.x0 < x1 + first.size


def _is_taken(chunk: Chunk, widget: Widget, widgets: Sequence[Widget]) -> bool:
    """Whether a text ends with a colon in front of another widget of its own line, or stands between two widgets,
    where it belongs to the lower one."""
    if chunk.middle > widget.y1 and any(
        chunk.y1 - 3 <= other.y0 <= chunk.y1 + 12 and other.x0 < chunk.x1 and other.x1 > chunk.x0 for other in widgets
    ):
        return True
    return any(
        other is not widget and other.y0 - 2 <= chunk.middle <= other.y1 + 2 and 0 <= other.x0 - chunk.x1 + 3 < 30
        for other in widgets
    )


def _trim(chunk: Chunk | None, edge: float, used: set[int]) -> list[Token]:
    """The words of a chunk in front of an edge, without blanks; behind the last colon before them."""
    if chunk is None:
        return []
    tokens: list[Token] = []
    for token in chunk.tokens:
        if token.x1 > edge or token.key in used:
            continue
        blank = BLANK.search(token.text) or DOTS.search(token.text)
        if blank or (tokens and ends_with_colon(tokens[-1].text)):
            tokens = []
        if not blank:
            tokens.append(token)
    return tokens
