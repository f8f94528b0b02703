"""curate: a verdict for every pair, with scores and evidence, without asking a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from docmatix.core.documents import Page
from docmatix.core.ledger import Ledger
from docmatix.core.pairs import list_shown_pages, name_model
from docmatix.curation.filters.filter import KeptPairs
from docmatix.curation.scores import score_pairs
from docmatix.curation.verdicts import Verdict, curate_pairs
from docmatix.dataset.groups import KINDS
from docmatix.pipeline import CURATE, EXTRACT, GENERATE, PIPELINE, VERIFY
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.storage.document_rows import DocumentCursor, Row
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.schemas import EXTRACT as EXTRACT_SCHEMA
from docmatix.storage.schemas import (
    VERIFIED_SCORES,
    evidence_to_row,
    pair_from_row,
    pair_to_row,
    scores_to_row,
)


def curate_shard(job: Job, shard: int, *, progress: ShardProgress) -> None:
    """Judge the pairs of one shard and commit the verdicts, kept and dropped alike. The record's `extra` counts what
    `pack` will write and `dropped[kind][name][reason]` by prompt, style, model, kind of question and source of text,
    and has the prompts' `examples`, so that pairs can be judged again without the prompt files."""
    ledger = Ledger(PIPELINE[CURATE].units)
    dropped: dict[str, dict[str, Counter[str]]] = {kind: {} for kind in KINDS}
    shown = {name: list(prompt.examples) for name, prompt in job.written_prompts.items()}
    examples = {name: texts for name, texts in shown.items() if texts}
    extra: dict[str, Any] = {"samples": 0, "pages": 0, "square_inches": 0.0, "dropped": dropped, "examples": examples}

    def count_dropped(reasons: Iterable[str], **names: str) -> None:
        for kind, name in names.items():
            dropped[kind].setdefault(name, Counter()).update(reasons)

    verified = read_verified(job, shard)
    with job.committing(CURATE, shard, ledger=ledger, extra=extra) as writer:
        earlier, last = KeptPairs(), -1
        for document, asked, pages in match_windows(job, shard):
            if document["index"] != last:
                earlier, last = KeptPairs(), document["index"]
            places = [(request, pair_from_row(pair)) for request in asked for pair in request["pairs"] or ()]
            pairs = [pair for _, pair in places]
            for request in asked:
                if request["malformed"]:
                    prompt = job.prompts[request["prompt"]]
                    model = name_model(prompt.model or job.config.generate.engine.model_name)
                    count_dropped(
                        request["malformed"], prompt=prompt.name, style=prompt.style, model=model, kind=prompt.kind
                    )
            numbers = asked[0]["page_numbers"]
            samples = [numbers] * len(pairs)
            verdicts = curate_pairs(
                pairs,
                score_pairs(pairs, pages=pages, samples=samples, verified=verified),
                pages=pages,
                samples=samples,
                shown=[request["shown"] for request, _ in places],
                filters=job.config.curate.filters,
                examples=examples,
                language=document["language"],
                kept=earlier,
            )
            sources = {page.number: page.text_from for page in pages}
            for (request, pair), verdict in zip(places, verdicts, strict=True):
                ledger.enter("pairs")
                ledger.settle("pairs", verdict.reason)
                row = _to_row(document, request, pair_to_row(pair), verdict) | {
                    "page_text_from": [sources[number] for number in numbers]
                }
                if verdict.reason is not None:
                    count_dropped([verdict.reason], **{kind: row[kind] for kind in KINDS})
                writer.add(row)
            if any(verdict.reason is None for verdict in verdicts):
                extra["samples"] += 1
                extra["pages"] += len(numbers)
                extra["square_inches"] = round(extra["square_inches"] + sum(map(_measure_page, pages)), 3)
            progress.update(done=ledger.accounts["pairs"].entered, kept=ledger.accounts["pairs"].kept)


# 20 inches at 150 dpi are about the default `pack.max_side_px`; larger pages are rendered smaller. Without this bound,
# a page that claims 200 inches would shift the division of all files.
_LARGEST_PT = 20 * 72


def _measure_page(page: Page) -> float:
    """The square inches by which to estimate the size of the page's image."""
    return min(page.width_pt, _LARGEST_PT) * min(page.height_pt, _LARGEST_PT) / 72**2


def match_windows(job: Job, shard: int) -> Iterator[tuple[Row, list[dict[str, Any]], list[Page]]]:
    """Each window that was asked about: its document's row without pages, its requests and its pages, by merging two
    files in the same order. `shown` of a request has the pages whose pictures it shows; it is empty of documents whose
    pages all have text."""
    columns = ["index", "sample_id", "page_numbers", "prompt", "malformed", "pairs"]
    pictured = _find_pictured(job, shard)
    if pictured:
        columns.append("body")  # long: it has the texts of the pages
    documents = DocumentCursor(job.run.iterate_rows(EXTRACT, shard, columns=_READ))
    rows = job.run.iterate_rows(GENERATE, shard, columns=columns)
    for index, of_document in groupby(rows, key=itemgetter("index")):
        document = documents.find(index)
        assert document is not None, f"a row of generate is of no document: {index}"
        for _, asked in groupby(of_document, key=itemgetter("sample_id")):
            requests = []
            for row in asked:
                body = row.pop("body", None)
                requests.append(row | {"shown": list_shown_pages(body) if index in pictured else ()})
            pages = documents.take_pages(requests[0]["page_numbers"])
            yield document, requests, list(map(page_from_row, pages))


_READ = [name for name in EXTRACT_SCHEMA.names if name != "signature"]


def _find_pictured(job: Job, shard: int) -> set[int]:
    """The documents with a page that has no text; none in runs of earlier versions."""
    rows = job.run.iterate_rows(EXTRACT, shard, columns=["index", "pages.list.element.text_from"])
    return {row["index"] for row in rows if any(page["text_from"] == "none" for page in row.get("pages") or ())}


def read_verified(job: Job, shard: int) -> dict[str, dict[str, float | None]]:
    """The scores that `verify` gave each pair."""
    if not job.config.verify:
        return {}
    rows = job.run.iterate_rows(VERIFY, shard, columns=["pair_id", *VERIFIED_SCORES])
    return {row["pair_id"]: {name: row.get(name) for name in VERIFIED_SCORES} for row in rows}


def _to_row(document: Row, request: dict[str, Any], pair: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    return {
        **{name: document[name] for name in ("index", "doc_id", "source_uri", "language")},
        "sample_id": request["sample_id"],
        "page_numbers": request["page_numbers"],
        **pair,
        "reason": verdict.reason,
        "scores": scores_to_row(verdict.scores),
        "evidence": [evidence_to_row(item) for item in verdict.evidence],
        "text_from": verdict.text_from,
    }
