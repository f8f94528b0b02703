"""What docmatix requires of the rows of a dataset, whatever wrote it: types of known columns, and consistency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import types

from docmatix.core.errors import SetupError
from docmatix.core.pairs import Scores

_TEXT = "text"
_BYTES = "bytes"
_NUMBER = "number"
_PAGE = "number or text"

COLUMNS: Mapping[str, Any] = {
    "images": [{"bytes": _BYTES}],
    "texts": [{"user": _TEXT, "assistant": _TEXT, "source": _TEXT}],
    "sample_id": _TEXT,
    "doc_id": _TEXT,
    "source_uri": _TEXT,
    "page_numbers": [_PAGE],
    "annotations": [
        {
            "pair_id": _TEXT,
            "prompt": _TEXT,
            "model": _TEXT,
            "style": _TEXT,
            "scores": dict.fromkeys(Scores.__dataclass_fields__, _NUMBER),
            "evidence": [{"page": _PAGE, "quote": _TEXT, "boxes": [[_NUMBER]]}],
            "kind": _TEXT,
            "text_from": _TEXT,
        }
    ],
}
"""A list stands for a list of such items, a mapping for a struct with at least these fields."""

_OPTIONAL = frozenset("source model style scores evidence quote kind text_from".split()) | {
    *Scores.__dataclass_fields__
}


def check_types(schema: pa.Schema) -> None:
    """Raise ValueError for a known column of another type; its message continues the name of the file."""
    for name, wanted in COLUMNS.items():
        if schema.names.count(name) > 1:
            raise ValueError(f"it has several columns {name!r}")
        if name in schema.names:
            _check_type(schema.field(name).type, wanted, name)


def _check_type(kind: pa.DataType, wanted: Any, where: str) -> None:
    if types.is_null(kind):
        return
    if isinstance(wanted, list):
        if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
            raise ValueError(f"its `{where}` is {str(kind)[:200]}, where a list is expected")
        _check_type(kind.value_type, wanted[0], where)
    elif isinstance(wanted, dict):
        if not types.is_struct(kind):
            raise ValueError(f"its `{where}` holds {str(kind)[:200]}, where fields {', '.join(wanted)} are expected")
        for name, inner in wanted.items():
            if kind.get_field_index(name) >= 0:
                _check_type(kind.field(name).type, inner, f"{where}.{name}")
            elif name not in _OPTIONAL:
                raise ValueError(f"its `{where}` has no field {name!r}")
        if where == "annotations.scores":  # unknown scores are shown too
            for field in kind:
                _check_type(field.type, _NUMBER, f"{where}.{field.name}")
    elif not _is_plain(kind, wanted):
        raise ValueError(f"its `{where}` holds {str(kind)[:200]}, where {wanted} is expected")


def _is_plain(kind: pa.DataType, wanted: str) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    if wanted == _BYTES:
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))
    if wanted == _NUMBER:
        return bool(types.is_integer(kind) or types.is_floating(kind))
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(is_text or (wanted == _PAGE and types.is_integer(kind)))


def complete_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with empty texts and lists in place of nulls, where nothing is lost by that.

    Raises ValueError for an inconsistent row; its message continues the name of the file.
    """
    if "texts" in row:
        row["texts"] = texts = row["texts"] or []
        if None in texts:
            raise ValueError("a row has a null among its pairs")
        for text in texts:
            for name in ("user", "assistant", "source"):
                text[name] = text.get(name) or ""
    if row.get("annotations") is not None:
        if len(row["annotations"]) != len(row.get("texts", ())) or None in row["annotations"]:
            raise ValueError("a row has annotations that do not match its pairs")
        if any(None in (annotation.get("evidence") or ()) for annotation in row["annotations"]):
            raise ValueError("a row has a null among its evidence")
    numbers = row.get("page_numbers")
    if numbers and (None in numbers or len(set(numbers)) < len(numbers)):
        raise ValueError("a row has page numbers that are missing or repeated")
    if "images" in row:
        row["images"] = [image or {"bytes": None, "path": None} for image in row["images"] or ()]
        if numbers and row["images"] and len(numbers) != len(row["images"]):
            raise ValueError(f"a row has {len(row['images'])} images and {len(numbers)} page numbers")
    return row


def read_texts(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The question and answer of each pair. Raises SetupError for rows without pairs."""
    if "texts" not in row:
        raise SetupError("These rows have no texts: give a run, or a dataset of one.")
    texts: list[dict[str, str]] = row["texts"]
    return texts
