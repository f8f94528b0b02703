"""Pages as the rows of `extract`, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import starmap
from typing import Any, overload

from docmatix.core.documents import Box, Cell, Fact, Page, Table, Word, make_table
from docmatix.core.profiles import Profile

# a third of the time of a call of the class
_make_box = partial(tuple.__new__, Box)
_make_word = partial(tuple.__new__, Word)


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
    """The page of a row; without words where these were not read. Runs of earlier versions have no quality or facts."""
    tables = tuple(map(_table_from_row, row["tables"]))
    facts = tuple(map(_fact_from_row, row.get("facts") or ()))
    shared = {name: row[name] for name in ("number", "width_pt", "height_pt", "rotation", "image_share", "text")}
    profile = row.get("profile")
    return Page(
        **shared,
        words=_RowWords(row) if "word_texts" in row else (),
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


_WORD_COLUMNS = (
    "word_texts",
    "word_boxes",
    "word_lines",
    "word_blocks",
    "word_sizes",
    "word_bold",
    "word_confidences",
)


class _RowWords(Sequence[Word]):
    """The words of a row, made when one is first looked at: most pages are asked about by facts and text alone."""

    __slots__ = ("_columns", "_made")

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._columns: dict[str, Any] | None = {name: row.get(name) for name in _WORD_COLUMNS}
        self._made: tuple[Word, ...] = ()

    def _make(self) -> tuple[Word, ...]:
        if (columns := self._columns) is not None:
            texts, sides, lines, blocks, sizes, bold, sure = columns.values()
            count, boxes = len(texts), map(_make_box, zip(*[iter(sides)] * 4, strict=False))
            # runs of earlier versions have neither sizes nor bold letters
            sizes, bold, sure = sizes or [0.0] * count, bold or [False] * count, sure or [None] * count
            self._made = tuple(map(_make_word, zip(texts, boxes, lines, blocks, sizes, bold, sure, strict=False)))
            self._columns = None
        return self._made

    @overload
    def __getitem__(self, place: int) -> Word: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Word, ...]: ...
    def __getitem__(self, place: int | slice) -> Word | tuple[Word, ...]:
        return self._make()[place]

    def __iter__(self) -> Iterator[Word]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._columns["word_texts"]) if self._columns is not None else len(self._made)

    def __eq__(self, other: object) -> bool:
        return self._make() == (other._make() if isinstance(other, _RowWords) else other)

    def __hash__(self) -> int:
        return hash(self._make())

    def __repr__(self) -> str:
        return repr(self._make())

    def __reduce__(self) -> tuple[type, tuple[tuple[Word, ...]]]:
        return tuple, (self._make(),)


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
    boxes, label_boxes = tuple(starmap(Box, row["boxes"])), tuple(starmap(Box, row["label_boxes"]))
    return Fact(**dict(row) | {"path": tuple(row["path"]), "boxes": boxes, "label_boxes": label_boxes})
