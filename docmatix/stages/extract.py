"""extract: read every document of a shard in a child process that may die, and keep its content or a reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from docmatix.core.documents import Document, Refusal
from docmatix.core.ledger import Ledger
from docmatix.facts.extraction import extract_document
from docmatix.facts.listing import count_facts
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Extract
from docmatix.pipeline import EXTRACT, PIPELINE
from docmatix.sources.documents import read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.planned_documents import read_plan
from docmatix.stages.support.poison_documents import PoisonDocuments
from docmatix.storage.schemas import page_to_row


def extract_shard(job: Job, shard: int, *, sandbox: Sandbox, progress: ShardProgress) -> None:
    """Read the documents of one planned shard and commit their content. The record's `extra` counts facts by kind."""
    settings = job.config.extract
    locators = read_plan(job, shard)
    ledger = Ledger(PIPELINE[EXTRACT].units)
    poison = PoisonDocuments(job, EXTRACT, shard)
    # lazily: a document whose fetching kills workers must not be fetched
    fetched = read_documents(
        (locator for index, locator in enumerate(locators) if poison.refuse(index, "fetch") is None),
        source=job.config.source,
        max_file_bytes=settings.max_file_mb << 20,
        patience_s=job.config.limits.store_patience_s,
    )
    facts: Counter[str] = Counter()
    extra: dict[str, Any] = {}
    with job.committing(EXTRACT, shard, ledger=ledger, extra=extra) as writer:
        for index, locator in enumerate(locators):
            ledger.enter("documents")
            with poison.in_hand(index, "fetch") as go_on:
                source = poison.refuse(index, "fetch") or next(fetched)[1]
                go_on("read")
                row = _extract(locator, source, job=job, sandbox=sandbox, facts=facts, refusal=poison.refuse(index))
            for page in row["pages"]:
                ledger.enter("pages")
                ledger.settle("pages", row["reason"] or page["reason"])
            ledger.settle("documents", row["reason"])
            writer.add({"index": index, **row})
            progress.update(done=index + 1)
        extra["facts"] = dict(sorted(facts.items()))


def _extract(
    locator: Locator,
    source: SourceDocument | Refusal,
    *,
    job: Job,
    sandbox: Sandbox,
    facts: Counter[str],
    refusal: Refusal | None = None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"source_uri": locator.source_uri, "pages": [], "bytes": locator.size}
    if isinstance(source, Refusal):
        return row | {"reason": source.reason, "detail": source.detail}
    sha256 = hashlib.sha256(source.pdf).hexdigest()
    row |= {"doc_id": sha256[:32], "sha256": sha256, "bytes": len(source.pdf)}
    settings = job.config.extract
    outcome = refusal or _read(source, settings, sandbox)
    if refusal is None and isinstance(outcome, Refusal) and settings.tables and outcome.reason in _SPENT:
        # a page of thousands of lines may take its tables long: rather no facts than no document
        outcome = _read(source, settings.model_copy(update={"tables": False}), sandbox)
    if isinstance(outcome, Refusal):
        return row | {"reason": outcome.reason, "detail": outcome.detail}
    row |= {"language": outcome.language, "signature": outcome.signature}
    facts.update(count_facts(outcome.pages))
    row["pages"] = [page_to_row(page) for page in outcome.pages]
    return row | {"reason": None, "detail": ""}


_SPENT = ("timeout", "out_of_memory", "crashed")


def _read(source: SourceDocument, settings: Extract, sandbox: Sandbox) -> Document | Refusal:
    return sandbox.run(extract_document, source.pdf, settings=settings, twin=source.twin, timeout_s=settings.timeout_s)
