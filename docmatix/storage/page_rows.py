"""Pages as the rows of `extract`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docmatix.core.documents import Box, Cell, Fact, Page, Table, Word, make_table
from docmatix.core.profiles import Profile


def page_to_row(page: Page) -> dict[str, Any]:
    return {
        "number": page.number,
        "width_pt": page.width_pt,
        "height_pt": page.height_pt,
        "rotation": page.rotation,
        "image_share": page.image_share,
        "reason": page.reason,
        "text_quality": page.text_quality,
        "text": page.text,
        "word_texts": [word.text for word in page.words],
        "word_boxes": [side for word in page.words for side in word.box],
        "word_lines": [word.line for word in page.words],
        "word_blocks": [word.block for word in page.words],
        "word_sizes": [word.size for word in page.words],
        "word_bold": [word.bold for word in page.words],
        "word_confidences": _list_confidences(page),
        "tables": [_table_to_row(table) for table in page.tables],
        "facts": [fact._asdict() for fact in page.facts],
        "text_from": page.text_from,
        "route_reason": page.route_reason,
        "ocr_confidence": page.ocr_confidence,
        "profile": page.profile and page.profile._asdict(),
        "text_signature": page.text_signature,
    }


def _list_confidences(page: Page) -> list[float | None] | None:
    told = [word.confidence for word in page.words]
    return None if told.count(None) == len(told) else told


def page_from_row(row: Mapping[str, Any]) -> Page:
    """The page of a row; without words where these were not read."""
    words: tuple[Word, ...] = ()
    if "word_texts" in row:
        count, sides = len(row["word_texts"]), iter(row["word_boxes"])
        boxes = map(Box, sides, sides, sides, sides)
        # runs of earlier versions have neither sizes nor quality nor facts
        sizes, bold = row.get("word_sizes") or [0.0] * count, row.get("word_bold") or [False] * count
        sure = row.get("word_confidences") or [None] * count
        words = tuple(map(Word, row["word_texts"], boxes, row["word_lines"], row["word_blocks"], sizes, bold, sure))
    tables = tuple(map(_table_from_row, row["tables"]))
    facts = tuple(map(_fact_from_row, row.get("facts") or ()))
    shared = {name: row[name] for name in ("number", "width_pt", "height_pt", "rotation", "image_share", "text")}
    profile = row.get("profile")
    return Page(
        **shared,
        words=words,
        tables=tables,
        reason=row["reason"],
        text_quality=row.get("text_quality"),
        facts=facts,
        text_from=row.get("text_from") or "layer",
        route_reason=row.get("route_reason") or "",
        ocr_confidence=row.get("ocr_confidence"),
        profile=profile and Profile(**profile),
        text_signature=row.get("text_signature"),
    )


def _table_to_row(table: Table) -> dict[str, Any]:
    return {
        "box": table.box,
        "caption": table.caption,
        "unit": table.unit,
        "notes": table.notes,
        "key_column": table.key_column,
        "confidence": table.confidence,
        "continues": table.continues,
        "cells": [cell._asdict() for cell in table.cells],
    }


def _table_from_row(row: Mapping[str, Any]) -> Table:
    if "rows" in row:
        return make_table(Box(*row["box"]), row["rows"])
    cells = tuple(Cell(**cell | {"box": Box(*cell["box"]), "path": tuple(cell["path"])}) for cell in row["cells"])
    return Table(**dict(row) | {"box": Box(*row["box"]), "cells": cells, "notes": tuple(row["notes"])})


def _fact_from_row(row: Mapping[str, Any]) -> Fact:
    boxes, label_boxes = (tuple(Box(*box) for box in row[name]) for name in ("boxes", "label_boxes"))
    return Fact(**dict(row) | {"path": tuple(row["path"]), "boxes": boxes, "label_boxes": label_boxes})
