"""The rows of a shard in the stages before `pack`: the same documents and pairs all the way, every reply stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import pyarrow.parquet as pq

from docmatix.check.files import describe_redo, open_once
from docmatix.check.identities import Identities
from docmatix.check.kept import KeptSamples
from docmatix.check.recounts import RECOUNTS, find_miscounts, list_requests
from docmatix.check.rows import PageTexts, check_evidence
from docmatix.check.scores import has_its_scores
from docmatix.check.text_sources import PageSources, check_source
from docmatix.core.ledger import Ledger
from docmatix.core.pairs import make_fact_pair_id, make_pair_id
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PLAN, VERIFY
from docmatix.stages.support.job import Job
from docmatix.stages.support.left_out_pages import LeftOutOfShard
from docmatix.storage.bombs import check_footer
from docmatix.storage.document_rows import group_documents, keep_first_rows
from docmatix.storage.earlier_schemas import REPLIES_BEFORE_LOGPROB, REPLIES_BEFORE_REASONING
from docmatix.storage.parquet import iterate_rows, open_parquet
from docmatix.storage.records import Record
from docmatix.storage.schemas import REPLIES

PLACE = ("address", "member", "offset", "row")
_EXTRACTED = ("index", *(f"pages.list.element.{name}" for name in ("number", "text", "text_from", "ocr_confidence")))
_CURATED = (
    *("index", "pair_id", "sample_id", "page_numbers", "reason", "question", "answer", "evidence"),
    *("doc_id", "source_uri", "prompt", "model", "style", "scores", "kind", "exact_evidence"),
    *("text_from", "page_text_from"),
)


class ShardRows:
    """A shard by its commit records and the files that could be opened, both by stage."""

    def __init__(
        self, job: Job, shard: int, records: Mapping[str, Record], parts: Mapping[str, pq.ParquetFile]
    ) -> None:
        self._job, self._run, self._shard = job, job.run, shard
        self._records, self._parts = records, parts
        self._counted = {stage: Ledger() for stage in parts if stage in RECOUNTS}
        self._left_out = LeftOutOfShard()
        self._pair_ids = hashlib.sha256()  # of the pairs of `generate`, in their order

    def find_problems(self, places: Identities, documents: Identities, kept: KeptSamples) -> Iterator[str]:
        """Adds where documents come from, which of them were let in, and which samples were kept."""
        for place in self._read(PLAN, PLACE):
            places.add(describe_place(place))
        let_in: set[int] = set()
        yield from self._check_documents(documents, let_in)
        yield from self._check_generated(let_in)
        if VERIFY in self._records:
            yield from self._check_verified()
        if CURATE in self._parts:
            yield from self._check_curated(kept)
        else:
            kept.skip(self._shard)
        for stage, ledger in self._counted.items():
            record = self._records[stage]
            for problem in find_miscounts(stage, Ledger.from_json(record.ledger), ledger):
                yield f"The ledger of {self._run.part_name(stage, record)} counts {problem}. {self._redo(stage)}"

    def _check_documents(self, documents: Identities, let_in: set[int]) -> Iterator[str]:
        for row in self._count(DEDUP):
            self._left_out.add(row)
        # until `dedup` has decided by these settings, a document may be there twice
        decided = DEDUP in self._parts and self._records[DEDUP].fingerprint == self._job.fingerprints.get(DEDUP)
        for row in keep_first_rows(self._count(EXTRACT)):
            if row["doc_id"] is not None and row["doc_id"] != row["sha256"][:32]:
                found = f"Document {row['index']} of shard {self._shard} has an id that does not match its content."
                yield f"{found} {self._redo(EXTRACT)}"
            if row["reason"] is None and row["index"] not in self._left_out.documents:
                let_in.add(row["index"])
                if decided:
                    documents.add(row["doc_id"])

    def _check_generated(self, let_in: set[int]) -> Iterator[str]:
        asked, again = set[str](), self._redo(GENERATE)
        strangers = 0
        for row in self._count(GENERATE):
            gone = self._left_out.pages.get(row["index"])
            strangers += row["index"] not in let_in or bool(gone and not gone.isdisjoint(row["page_numbers"]))
            if row["request_id"] and row["reason"] is None:
                asked.add(row["request_id"])
            for number, pair in enumerate(row["pairs"] or ()):
                self._pair_ids.update(pair["pair_id"].encode())
                if row["request_id"]:
                    wanted = make_pair_id(row["sample_id"], row["request_id"], number)
                else:
                    wanted = make_fact_pair_id(row["sample_id"], pair["question"], pair["answer"])
                if pair["pair_id"] != wanted:
                    yield f"A pair in shard {self._shard} of generate has the id of another: {pair['pair_id']}. {again}"
        if strangers and EXTRACT in self._parts and DEDUP in self._parts:
            found = f"{strangers} rows of generate in shard {self._shard}"
            yield f"{found} are of documents or pages that were left out. {again}"
        yield from self._check_replies(GENERATE, asked)

    def _check_verified(self) -> Iterator[str]:
        pair_ids, asked = hashlib.sha256(), set[str]()
        disagreeing = 0
        for row in self._count(VERIFY):
            pair_ids.update(row["pair_id"].encode())
            disagreeing += not has_its_scores(row, self._job.config.verify)
            for request in list_requests(row):
                # a reply that could not be read is kept all the same
                if request["reason"] is None or request.get("reply") is not None:
                    asked.add(request["request_id"])
        if disagreeing and self._records[VERIFY].fingerprint == self._job.fingerprints.get(VERIFY):
            found = f"{disagreeing} pairs in shard {self._shard} of verify have other scores than their requests give."
            yield f"{found} {self._redo(VERIFY)}"
        if VERIFY in self._parts:
            yield from self._compare_pairs(VERIFY, pair_ids)
        yield from self._check_replies(VERIFY, asked)

    def _check_replies(self, stage: str, asked: set[str]) -> Iterator[str]:
        """The reply store of a shard: files named by their content, with every reply that was used."""
        folder = f"{stage}/replies/part-{self._shard:05d}"
        stored: set[str] = set()
        whole = stage in self._parts
        for name in self._run.names(folder):
            if not name.endswith(".parquet"):
                continue
            with open_once(self._run, f"{folder}/{name}") as opened:
                if opened.sha256[:16] != name.removesuffix(".parquet"):
                    both = f"Remove it and {stage}/part-{self._shard:05d}.json"
                    yield f"{folder}/{name} is damaged. {both}, and rerun the build to ask again."
                    whole = False
                    continue
                with open_parquet(opened.stream) as part:
                    check_footer(part.metadata, opened.size)
                    if not any(
                        map(part.schema_arrow.equals, (REPLIES, REPLIES_BEFORE_LOGPROB, REPLIES_BEFORE_REASONING))
                    ):
                        yield f"{folder}/{name} does not have the schema of replies: remove it."
                        continue
                    stored |= {row["request_id"] for row in iterate_rows(part, ["request_id"])}
        if whole and (lost := asked - stored):
            source = f"shard {self._shard} of {stage} was made from"
            yield f"{len(lost)} of {len(asked)} replies that {source} are not stored. {self._redo(stage)}"

    def _check_curated(self, kept: KeptSamples) -> Iterator[str]:
        """The pairs against those of `generate` and the pages of `extract`."""
        documents = group_documents(self._read(EXTRACT, _EXTRACTED))
        pair_ids, samples, pages = hashlib.sha256(), 0, 0
        again = self._redo(CURATE)
        kept.begin(self._shard)
        for index, group in groupby(self._count(CURATE, _CURATED), key=lambda row: row["index"]):
            document, found = next((each for each in documents if each[0]["index"] == index), (None, iter(())))
            of_document = list(found)
            texts, sources = PageTexts(of_document), PageSources(of_document)
            if document is None and EXTRACT in self._parts:
                yield f"A pair in shard {self._shard} of curate belongs to no document (index {index}). {again}"
            for _, pairs in groupby(group, key=lambda row: row["sample_id"]):
                sample = []
                for pair in pairs:
                    pair_ids.update(pair["pair_id"].encode())
                    if document is not None:
                        wrong = chain(check_evidence(pair, texts), check_source(pair, sources))
                        yield from (f"{problem} {again}" for problem in wrong)
                    if pair["reason"] is None:
                        sample.append(pair)
                if sample:
                    samples, pages = samples + 1, pages + len(sample[0]["page_numbers"])
                    kept.add(sample, settings=self._job.config.pack)
        yield from self._compare_pairs(CURATE, pair_ids)
        extra = self._records[CURATE].extra
        if (samples, pages) != (extra.get("samples"), extra.get("pages")):
            record = f"The commit record of shard {self._shard} of curate"
            yield f"{record} counts other samples or pages than were kept. {again}"

    def _compare_pairs(self, stage: str, pair_ids: Any) -> Iterator[str]:
        if GENERATE in self._parts and pair_ids.digest() != self._pair_ids.digest():
            yield f"The pairs of {stage} in shard {self._shard} are not those of generate. {self._redo(stage)}"

    def _read(self, stage: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """The rows of a stage; none where its file is missing, which is a problem of its own."""
        return iterate_rows(self._parts[stage], columns) if stage in self._parts else iter(())

    def _count(self, stage: str, columns: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
        """The rows of a stage, recounted as they go by."""
        if stage not in self._parts:
            return iter(())
        recount = RECOUNTS[stage]
        return recount.recount(self._read(stage, columns or recount.columns), self._counted[stage])

    def _redo(self, stage: str) -> str:
        return describe_redo(stage, self._shard)


def describe_place(row: Mapping[str, Any]) -> str:
    """Where a document comes from."""
    return " ".join(str(row[name]) for name in PLACE if row[name] is not None)
