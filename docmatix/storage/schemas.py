"""Every table docmatix writes, as an Arrow schema: declared once, never inferred.

The published rows are a superset of the Docmatix rows, same names first. `datasets` reads the image column as images
only because the Parquet metadata key `huggingface` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

import pyarrow as pa

from docmatix.core.documents import Box
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.core.profiles import COUNTS, Profile

# --- plan -------------------------------------------------------------------------------------------------------------

PLAN = pa.schema(
    [
        ("source_uri", pa.string()),
        ("address", pa.string()),
        ("member", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("row", pa.int64()),
        ("twin_offset", pa.int64()),
        ("twin_size", pa.int64()),
        ("etag", pa.string()),
        ("problem", pa.string()),
    ]
)

# --- extract ----------------------------------------------------------------------------------------------------------

BOX = pa.list_(pa.float32())

_CELL = pa.struct(
    [
        ("row", pa.int32()),
        ("column", pa.int32()),
        ("row_span", pa.int32()),
        ("column_span", pa.int32()),
        ("text", pa.string()),
        ("box", BOX),
        ("header", pa.bool_()),
        ("path", pa.list_(pa.string())),
        ("role", pa.string()),
    ]
)

TABLE = pa.struct(
    [
        ("box", BOX),
        ("caption", pa.string()),
        ("unit", pa.string()),
        ("notes", pa.list_(pa.string())),
        ("key_column", pa.int32()),
        ("confidence", pa.float32()),
        ("continues", pa.bool_()),
        ("cells", pa.list_(_CELL)),
    ]
)

FACT = pa.struct(
    [
        ("kind", pa.string()),
        ("label", pa.string()),
        ("value", pa.string()),
        ("path", pa.list_(pa.string())),
        ("boxes", pa.list_(BOX)),
        ("label_boxes", pa.list_(BOX)),
        ("confidence", pa.float32()),
    ]
)

PROFILE = pa.struct([(name, pa.int32() if name in COUNTS else pa.float32()) for name in Profile._fields])

_PAGE = pa.struct(
    [
        ("number", pa.int32()),
        ("width_pt", pa.float32()),
        ("height_pt", pa.float32()),
        ("rotation", pa.int32()),
        ("image_share", pa.float32()),
        ("reason", pa.string()),
        ("text_quality", pa.float32()),
        ("text", pa.string()),
        # words as parallel lists: as a list of structs a page takes ten times as long to read back
        ("word_texts", pa.list_(pa.string())),
        ("word_boxes", pa.list_(pa.float32())),
        ("word_lines", pa.list_(pa.int32())),
        ("word_blocks", pa.list_(pa.int32())),
        ("word_sizes", pa.list_(pa.float32())),
        ("word_bold", pa.list_(pa.bool_())),
        ("word_confidences", pa.list_(pa.float32())),
        ("tables", pa.list_(TABLE)),
        ("facts", pa.list_(FACT)),
        ("text_from", pa.string()),
        ("route_reason", pa.string()),
        ("ocr_confidence", pa.float32()),
        ("profile", PROFILE),
        ("text_signature", pa.binary()),
    ]
)

EXTRACT = pa.schema(
    [
        ("index", pa.int32()),
        ("source_uri", pa.string()),
        ("doc_id", pa.string()),
        ("sha256", pa.string()),
        ("bytes", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("language", pa.string()),
        ("signature", pa.list_(pa.uint32())),
        ("pages", pa.list_(_PAGE)),
    ]
)


EXTRACT_WITHOUT_WORDS = [
    *(name for name in EXTRACT.names if name not in ("signature", "pages")),
    *(f"pages.list.element.{field.name}" for field in _PAGE if not field.name.startswith(("word_", "text_sig"))),
]
"""Columns to read where nothing is looked for in a page: its words with their boxes are nine tenths of its bytes."""


# --- dedup ------------------------------------------------------------------------------------------------------------

DEDUP = pa.schema(
    [
        ("index", pa.int32()),
        ("doc_id", pa.string()),
        ("source_uri", pa.string()),
        ("reason", pa.string()),
        ("favoured_doc_id", pa.string()),
        ("favoured_source_uri", pa.string()),
        ("similarity", pa.float32()),
        ("page_number", pa.int32()),
        ("favoured_page_number", pa.int32()),
    ]
)
"""One row a document that is left out, and one a page of one that stays, which has a `page_number`."""

# --- generate, verify -------------------------------------------------------------------------------------------------

REPLIES = pa.schema(
    [
        ("request_id", pa.string()),
        ("content", pa.string()),
        ("model", pa.string()),
        ("prompt", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("reasoning", pa.string()),
        ("logprob", pa.float64()),
    ]
)
_EVIDENCE = pa.struct([("page", pa.int32()), ("quote", pa.string()), ("boxes", pa.list_(pa.list_(pa.float32())))])

_PAIR_FIELDS = [
    ("pair_id", pa.string()),
    ("request_id", pa.string()),
    ("prompt", pa.string()),
    ("model", pa.string()),
    ("style", pa.string()),
    ("question", pa.string()),
    ("answer", pa.string()),
    ("context", pa.string()),
    ("span", pa.list_(pa.int32())),
    ("group", pa.string()),
    ("kind", pa.string()),
    ("exact_evidence", pa.list_(_EVIDENCE)),  # of the pair itself; `evidence` is what curate finds
]

GENERATE = pa.schema(
    [
        ("index", pa.int32()),
        ("doc_id", pa.string()),
        ("sample_id", pa.string()),
        ("page_numbers", pa.list_(pa.int32())),
        ("prompt", pa.string()),
        ("request_id", pa.string()),
        ("body", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("malformed", pa.list_(pa.string())),
        ("pairs", pa.list_(pa.struct(_PAIR_FIELDS))),
    ]
)
"""One row a request, and rows without one: of a window's pairs made from facts, and of a window that gave nothing to
ask (`reason` says why)."""

RATING = pa.struct([("criterion", pa.string()), ("rating", pa.int32()), ("reason", pa.string())])

_CHECK_REQUEST = pa.struct(
    [
        ("check", pa.string()),
        ("page", pa.int32()),
        ("model", pa.string()),
        ("request_id", pa.string()),
        ("body", pa.string()),
        ("reply", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("score", pa.float32()),
        ("rule", pa.string()),
        ("ratings", pa.list_(RATING)),
    ]
)

VERIFY = pa.schema(
    [
        ("pair_id", pa.string()),
        ("round_trip", pa.float32()),
        ("fluency", pa.float32()),
        ("agreement", pa.float32()),
        ("blind_agreement", pa.float32()),
        ("judged", pa.float32()),
        ("single_page_agreement", pa.float32()),
        ("judge_spread", pa.float32()),
        ("requests", pa.list_(_CHECK_REQUEST)),
    ]
)
"""One row a pair. `requests` are those about it, of each check in turn: `page` only where it was asked from one of
several, `reason` where there is no reply or none that could be read, `rule` by which answers were compared."""


VERIFIED_SCORES = tuple(name for name in Scores.__dataclass_fields__ if name in VERIFY.names)
"""The fields of `Scores` that a model's replies to checks give."""

_PAIR_NAMES = tuple(name for name, _ in _PAIR_FIELDS if name != "exact_evidence")
_read_pair = attrgetter(*_PAIR_NAMES)


def pair_to_row(pair: Pair) -> dict[str, Any]:
    row = dict(zip(_PAIR_NAMES, _read_pair(pair), strict=True))
    row["span"] = list(pair.span) if pair.span else None
    row["exact_evidence"] = None if pair.evidence is None else [evidence_to_row(each) for each in pair.evidence]
    return row


def pair_from_row(row: Mapping[str, Any]) -> Pair:
    """The pair of a row. Those of earlier versions have neither a kind nor evidence of their own."""
    fields = {name: row[name] for name in _PAIR_NAMES if name != "kind"}
    span, exact = row["span"], row.get("exact_evidence")
    fields["span"] = (span[0], span[1], span[2]) if span else None
    evidence = None if exact is None else tuple(map(_evidence_from_row, exact))
    return Pair(**fields, kind=row.get("kind") or "free", evidence=evidence)


# --- curate -----------------------------------------------------------------------------------------------------------

_SCORES = pa.struct([(name, pa.float32()) for name in Scores.__dataclass_fields__])

CURATE = pa.schema(
    [
        ("index", pa.int32()),
        ("doc_id", pa.string()),
        ("source_uri", pa.string()),
        ("language", pa.string()),
        ("sample_id", pa.string()),
        ("page_numbers", pa.list_(pa.int32())),
        *_PAIR_FIELDS,
        ("reason", pa.string()),
        ("scores", _SCORES),
        ("evidence", pa.list_(_EVIDENCE)),
        ("text_from", pa.string()),
        ("page_text_from", pa.list_(pa.string())),
    ]
)
"""One row a pair; `reason` is null for a kept one. `text_from` says where the words were read that the pair rests on,
`page_text_from` where those of each of `page_numbers` were."""


def scores_to_row(scores: Scores) -> dict[str, float | None]:
    return {name: getattr(scores, name) for name in Scores.__dataclass_fields__}


def evidence_to_row(evidence: Evidence) -> dict[str, Any]:
    return {"page": evidence.page, "quote": evidence.quote, "boxes": [list(box) for box in evidence.boxes]}


def _evidence_from_row(row: Mapping[str, Any]) -> Evidence:
    return Evidence(row["page"], row["quote"], tuple(Box(*box) for box in row["boxes"]))


# --- the dataset ------------------------------------------------------------------------------------------------------

IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
TEXTS = pa.list_(pa.struct([("user", pa.string()), ("assistant", pa.string()), ("source", pa.string())]))
_ANNOTATIONS = pa.list_(
    pa.struct(
        [
            ("pair_id", pa.string()),
            ("prompt", pa.string()),
            ("model", pa.string()),
            ("style", pa.string()),
            ("scores", _SCORES),
            ("evidence", pa.list_(_EVIDENCE)),
            ("kind", pa.string()),
            ("text_from", pa.string()),
        ]
    )
)


def _feature(arrow: pa.DataType) -> Any:
    """The `datasets` feature, in its JSON form, that reads an Arrow type back as it is."""
    if pa.types.is_list(arrow):
        return {"feature": _feature(arrow.value_type), "_type": "List"}
    if pa.types.is_struct(arrow):
        return {field.name: _feature(field.type) for field in arrow}
    return {"dtype": {"float": "float32"}.get(str(arrow), str(arrow)), "_type": "Value"}


def publish_schema(fields: Iterable[tuple[str, pa.DataType]]) -> pa.Schema:
    """A schema with the metadata by which `datasets` reads its rows back; `images` holds images."""
    fields = list(fields)
    features = {name: _feature(arrow) for name, arrow in fields}
    if "images" in features:
        features["images"] = {"feature": {"_type": "Image"}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(fields, metadata=metadata)


def describe_features(schema: pa.Schema) -> list[dict[str, Any]]:
    """A schema in the form that `datasets` writes into cards; `images` holds images."""
    return [
        {"name": field.name, "list": "image"}
        if field.name == "images"
        else {"name": field.name, **_describe_type(field.type)}
        for field in schema
    ]


def _describe_type(arrow: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(arrow):
        inner = _describe_type(arrow.value_type)
        return {"list": next(iter(inner.values())) if set(inner) & {"dtype", "struct"} else inner}
    if pa.types.is_struct(arrow):
        return {"struct": [{"name": field.name, **_describe_type(field.type)} for field in arrow]}
    return {"dtype": {"float": "float32"}.get(str(arrow), str(arrow))}


DATASETS = {
    "annotated": publish_schema(
        [
            ("images", IMAGES),
            ("texts", TEXTS),
            ("sample_id", pa.string()),
            ("doc_id", pa.string()),
            ("source_uri", pa.string()),
            ("page_numbers", pa.list_(pa.int32())),
            ("annotations", _ANNOTATIONS),
        ]
    ),
    "docmatix": publish_schema([("images", IMAGES), ("texts", TEXTS)]),
}
"""The published schema for each value of `pack.schema`."""
