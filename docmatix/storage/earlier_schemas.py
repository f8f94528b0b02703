"""The schemas of earlier versions: their files are read as if nothing had been there of what came later."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa

from docmatix.storage.schemas import BOX, DATASETS, FACT, REPLIES, TABLE, VERIFY, publish_schema

# since version 0.1.0
ADDED_TO_PAGES = ("text_quality", "word_sizes", "word_bold", "facts")  # with the cells of tables
ADDED_TO_PAIRS = ("kind", "exact_evidence", "fluency")
ADDED_BY_OCR = ("word_confidences", "text_from", "page_text_from", "route_reason", "ocr_confidence", "profile")
ADDED_BY_PAGES = ("text_signature", "page_number", "favoured_page_number")
ADDED_BY_CHECKS = ("agreement", "blind_agreement", "judged", "single_page_agreement", "judge_spread")
_TABLE_OF_ROWS = pa.struct([("box", BOX), ("rows", pa.list_(pa.list_(pa.string())))])

VERIFY_OF_ONE_CHECK = pa.schema(
    [(name, pa.string()) for name in ("pair_id", "request_id", "body", "reply", "reason", "detail")]
    + [("round_trip", pa.float32()), ("fluency", pa.float32())]
)
"""What `verify` wrote when it was one check with one request a pair; once without `fluency`."""

REPLIES_BEFORE_LOGPROB = pa.schema([field for field in REPLIES if field.name != "logprob"])
REPLIES_BEFORE_REASONING = pa.schema([field for field in REPLIES_BEFORE_LOGPROB if field.name != "reasoning"])


def is_written_with(found: pa.Schema, schema: pa.Schema) -> bool:
    """Whether a file was written with a schema, by this version or by an earlier one that had fewer columns."""
    if schema.equals(VERIFY):
        return any(
            found.equals(each) for each in (VERIFY, VERIFY_OF_ONE_CHECK, forget(VERIFY_OF_ONE_CHECK, ["fluency"]))
        )
    before = ((), ADDED_TO_PAIRS, ADDED_TO_PAGES[1:], ADDED_TO_PAGES)
    since = (*ADDED_BY_PAGES, *ADDED_BY_CHECKS)
    later = ((), ADDED_BY_PAGES, since, *((*since, *ADDED_BY_OCR, *added) for added in before))
    return any(bool(found.equals(forget(schema, added))) for added in later)


def list_dataset_schemas(schema: str) -> tuple[pa.Schema, ...]:
    """What files of the dataset are written with for this value of `pack.schema`, and what they were before, the latest
    first."""
    own = DATASETS[schema]
    with_ocr = (*ADDED_BY_CHECKS, *ADDED_BY_OCR)
    earlier = (forget(own, added) for added in (ADDED_BY_CHECKS, with_ocr, (*with_ocr, *ADDED_TO_PAIRS)))
    return own, *(publish_schema([(each.name, each.type) for each in one]) for one in earlier)


def find_dataset_schema(found: pa.Schema, schema: str) -> pa.Schema | None:
    """The schema with which a file of the dataset was written for this value of `pack.schema`; None for any other."""
    return next((known for known in list_dataset_schemas(schema) if found.equals(known)), None)


def forget(schema: pa.Schema, added: Collection[str]) -> pa.Schema:
    """The schema without columns and fields that were added later, by name."""
    return pa.schema(_forget(schema, added))


def _forget(fields: Iterable[pa.Field], added: Collection[str]) -> list[pa.Field]:
    return [field.with_type(_forget_in(field.type, added)) for field in fields if field.name not in added]


def _forget_in(arrow: pa.DataType, added: Collection[str]) -> pa.DataType:
    if added and arrow.equals(TABLE):
        return _TABLE_OF_ROWS
    if arrow.equals(FACT):  # whose `kind` is as old as it
        return arrow
    if pa.types.is_list(arrow):
        return pa.list_(_forget_in(arrow.value_type, added))
    return pa.struct(_forget(arrow, added)) if pa.types.is_struct(arrow) else arrow
