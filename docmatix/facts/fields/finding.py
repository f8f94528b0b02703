"""Finds the fields of a page, each reader for itself, and chooses among what they found."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from docmatix.core.documents import Fact, Page, Table
from docmatix.facts.fields.blanks import find_blank_fields
from docmatix.facts.fields.candidates import Candidate, choose
from docmatix.facts.fields.cells import find_cell_fields, find_cells, find_grid_fields
from docmatix.facts.fields.checkboxes import find_checkboxes
from docmatix.facts.fields.colons import find_colon_fields
from docmatix.facts.fields.directories import find_directory_fields
from docmatix.facts.fields.inputs import find_input_fields
from docmatix.facts.fields.laying_out import lay_out
from docmatix.facts.fields.runs import find_run_fields
from docmatix.facts.fields.stacks import find_stacked_fields
from docmatix.facts.fields.tabled import mark_tables
from docmatix.facts.fields.widgets import find_widget_fields
from docmatix.facts.text_lines import TextLine
from docmatix.pdf.drawings import Drawing

MAX_WORDS = 6000  # of a page; more are a map or a list of everything

SLIDE_SIZE = 14.0  # points of half of the words of a page set across
TINY_SIZE = 4.5  # points; smaller letters are those of a picture
WIDGET_TRUST = 0.9  # of what is a field by itself


def find_fields(
    page: Page, drawing: Drawing, tables: Sequence[Table], lines: Sequence[TextLine] | None = None
) -> list[Fact]:
    """The `field`, `empty_field` and `checkbox` facts of a page, in reading order. Cells of `tables` are none, unless
    they are labels and values; `lines` are those of its text, if they are known."""
    if not 0 < len(page.words) <= MAX_WORDS or page.width_pt <= 0 or page.height_pt <= 0:
        return []
    layout = lay_out(page, drawing, lines)
    if not layout.chunks:
        return []
    cells = find_cells(layout)
    grid = list(find_grid_fields(layout, cells))
    tabled, blocked = mark_tables(layout, tables, grid)
    options = list(find_checkboxes(layout))
    taken = {token.key for option in options if option.confidence >= 0.5 for token in option.value}
    asked = {token.key for option in options if option.confidence >= 0.5 for token in option.label}
    others = [
        *find_widget_fields(layout),
        *grid,
        *find_cell_fields(layout, cells, blocked, tabled),
        *find_input_fields(layout, blocked),
        *find_colon_fields(layout, blocked),
        *find_blank_fields(layout, blocked),
        *find_run_fields(layout, blocked, tabled),
        *find_directory_fields(layout, blocked),
        *find_stacked_fields(layout, tabled),
    ]
    slide = layout.width > layout.height and median([chunk.size for chunk in layout.chunks]) >= SLIDE_SIZE
    free = [
        _doubt(candidate, slide=slide)
        for candidate in others
        if not any(token.key in taken for token in (*candidate.label, *candidate.value))
        and not any(token.key in asked for token in (*candidate.label, *candidate.value))
    ]
    return [fact for fact in choose([*options, *free], layout) if fact.label or fact.kind == "checkbox"]


def _doubt(candidate: Candidate, *, slide: bool) -> Candidate:
    """An empty field that may be a box of a slide or of a diagram in tiny letters, trusted less."""
    if candidate.kind != "empty_field" or candidate.confidence >= WIDGET_TRUST or not candidate.label:
        return candidate
    if not slide and candidate.label[0].size >= TINY_SIZE:
        return candidate
    return candidate._replace(confidence=min(candidate.confidence, 0.4))
