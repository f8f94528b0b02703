"""What is read of a shard of `extract` for the search for duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.ledger import Ledger
from docmatix.stages.support.signed_documents import SignedDocuments, read_signed_documents
from docmatix.storage.earlier_schemas import forget
from docmatix.storage.schemas import EXTRACT
from docmatix.text.minhash import SIGNATURE_LENGTH
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES
from tests.jobs import make_job

PAGE: dict[str, Any] = {"number": 1, "reason": None, "text_from": "layer", "ocr_confidence": None}
BLANK, SCANNED = PAGE | {"reason": "blank", "text_from": "none"}, PAGE | {"text_from": "ocr", "ocr_confidence": 0.9}


def read(folder: Path, *rows: dict[str, Any]) -> SignedDocuments:
    job = make_job(folder)
    with job.committing("extract", 0, ledger=Ledger(("documents", "pages"))) as writer:
        for row in rows:
            writer.add(row)
    return read_signed_documents(job, 0)


def make_row(index: int, pages: list[dict[str, Any]], *, signature: int | None = None, **others: Any) -> dict[str, Any]:
    drawn = None if signature is None else [signature] * SIGNATURE_LENGTH
    named = {"index": index, "doc_id": f"{index:032x}", "source_uri": f"docs/{index}.pdf"}
    return {**named, "signature": drawn, "pages": pages, **others}


def test_of_each_readable_document_there_are_signature_usable_pages_and_whether_ocr_has_read_one(tmp_path):
    found = read(
        tmp_path,
        make_row(0, [PAGE, BLANK, PAGE], signature=7),
        make_row(1, [], doc_id=None, reason="not_pdf"),
        make_row(2, [PAGE, SCANNED]),
        make_row(3, [BLANK | {"text_from": "ocr"}], signature=8),
    )
    assert found.indices.tolist() == [0, 2, 3]
    assert found.doc_ids.tolist() == [f"{index:032x}".encode() for index in (0, 2, 3)]
    assert found.uris == ["docs/0.pdf", "docs/2.pdf", "docs/3.pdf"]
    assert found.pages.tolist() == [2, 2, 0]
    assert found.signed.tolist() == [True, False, True]
    assert found.signatures[[0, 2], :2].tolist() == [[7, 7], [8, 8]]
    assert found.scanned.tolist() == [False, True, False]


def test_a_long_document_in_several_rows_is_one(tmp_path):
    found = read(
        tmp_path,
        make_row(0, [PAGE], signature=1),
        *(make_row(1, [PAGE] * 3, signature=2), make_row(1, [PAGE, BLANK]), make_row(1, [SCANNED])),
        make_row(2, [PAGE]),
    )
    assert found.indices.tolist() == [0, 1, 2]
    assert found.pages.tolist() == [1, 5, 1]
    assert found.signed.tolist() == [True, True, False]
    assert found.signatures[1].tolist() == [2] * SIGNATURE_LENGTH
    assert found.scanned.tolist() == [False, True, False]


def test_pages_that_can_be_compared_have_their_numbers_and_signatures_also_those_of_long_documents(tmp_path):
    def sign(number: int, **others: Any) -> dict[str, Any]:
        return PAGE | {"number": number, "text_signature": bytes([number]) * PAGE_SIGNATURE_BYTES, **others}

    found = read(
        tmp_path,
        make_row(0, [PAGE, sign(2), sign(3, reason="garbled"), sign(4, text_signature=b"short"), sign(5)]),
        make_row(1, [], doc_id=None, reason="not_pdf"),
        *(make_row(2, [sign(1)]), make_row(2, [sign(2) | {"text_signature": None}, sign(3)])),
        make_row(3, [PAGE]),
    )
    assert found.page_counts.tolist() == [2, 2, 0]
    assert found.page_numbers.tolist() == [2, 5, 1, 3]
    assert found.page_signatures[:, 0].tolist() == [2, 5, 1, 3]
    without = read_signed_documents(make_job(tmp_path, dedup={"pages": False}), 0)
    assert without.page_counts.tolist() == [0, 0, 0]


def test_a_shard_of_an_earlier_version_has_no_page_that_can_be_compared(tmp_path):
    job = make_job(tmp_path)
    page = {**PAGE, "text_signature": bytes(PAGE_SIGNATURE_BYTES)}
    assert read(tmp_path, make_row(0, [page])).page_counts.tolist() == [1]
    path = Path(job.run.path(job.run.part_name("extract", job.record("extract", 0))))
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist(rows, schema=forget(EXTRACT, ["text_signature"])), path)
    found = read_signed_documents(job, 0)
    assert found.page_counts.tolist() == [0]
    assert found.page_signatures.shape == (0, PAGE_SIGNATURE_BYTES)


def test_a_shard_without_readable_documents_has_none(tmp_path):
    found = read(tmp_path, make_row(0, [], doc_id=None, reason="not_pdf"))
    assert [len(column) for column in found] == [0] * len(found)
    assert found.signatures.dtype == np.uint32
