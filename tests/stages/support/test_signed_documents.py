"""What is read of a shard of `extract` for the search for duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from docmatix.core.ledger import Ledger
from docmatix.stages.support.signed_documents import SignedDocuments, read_signed_documents
from docmatix.text.minhash import SIGNATURE_LENGTH
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


def test_a_shard_without_readable_documents_has_none(tmp_path):
    found = read(tmp_path, make_row(0, [], doc_id=None, reason="not_pdf"))
    assert [len(column) for column in found] == [0] * len(found)
    assert found.signatures.dtype == np.uint32
