"""What the layout of a document says: titles, headings, sections, lists, captions, notes, margins, parts of letters."""

from docmatix.facts.layout.document import find_layout

__all__ = ["find_layout"]
