"""What a run dropped: read stage by stage (`iterate_dropped`), and as items to display (`DroppedItems`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from docmatix.core.draws import draw
from docmatix.core.terminal import make_line, make_visible
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, VERIFY
from docmatix.review.checked import EXPLAINED, CheckedRequest, Saying, find_saying, iterate_checked, name_kinds
from docmatix.review.displays import Pictured, describe_pages, show_sample, show_table, show_text
from docmatix.review.source_pages import PLACES_SHOWN, Place, render_places, show_pairs
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run

if TYPE_CHECKING:
    from docmatix.core.documents import Refusal

SHOWN = 10
"""Items displayed at once."""

REPLY_SHOWN_CHARS = 300
"""Of a malformed reply: enough to see how the model understood the prompt."""


# --- before there was a pair to judge ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """One item that a stage dropped: the ledger's units that count it, the reason, and the row that records it."""

    stage: str
    units: tuple[str, ...]
    reason: str
    shard: int
    row: Mapping[str, Any]
    page: int | None = None
    """The dropped page of a document that was kept."""


def iterate_dropped(job: Job, reason: str | None = None) -> Iterator[DroppedItem]:
    """What was dropped before `curate`, for one reason or any, stage by stage; reads only shards that have it."""
    for stage, read in _READERS.items():
        if stage in job.stages:
            for shard in find_losing_shards(job, stage, reason):
                yield from (item for item in read(job.run, shard) if reason in (None, item.reason))


def find_losing_shards(job: Job, stage: str, reason: str | None = None) -> Iterator[int]:
    """Shards of a stage whose ledgers have drops for a reason, or for any."""
    for shard, record in job.run.records(stage):
        reasons = {each for line in record.ledger for each in line["dropped"]}
        if reasons if reason is None else reason in reasons:
            yield shard


def describe_favoured(row: Mapping[str, Any]) -> str:
    """Which document, or page, `dedup` kept instead, and how similar they are."""
    page = row.get("favoured_page_number")
    favoured = row["favoured_source_uri"] if page is None else f"{row['favoured_source_uri']}, page {page}"
    return f"in favour of {favoured} (similarity {row['similarity']:.2f})"


def _read_extract(run: Run, shard: int) -> Iterator[DroppedItem]:
    columns = ["index", "doc_id", "source_uri", "reason", "detail"]
    columns += ["pages.list.element.number", "pages.list.element.reason"]
    for row in run.iterate_rows(EXTRACT, shard, columns=columns):
        if row["reason"]:
            yield DroppedItem(EXTRACT, ("documents",), row["reason"], shard, row)
        for page in row["pages"] or ():
            if page["reason"]:
                yield DroppedItem(EXTRACT, ("pages",), page["reason"], shard, row, page["number"])


def _read_dedup(run: Run, shard: int) -> Iterator[DroppedItem]:
    for row in run.iterate_rows(DEDUP, shard):
        page = row.get("page_number")
        yield DroppedItem(DEDUP, ("documents" if page is None else "pages",), row["reason"], shard, row, page)


def _read_generate(run: Run, shard: int) -> Iterator[DroppedItem]:
    columns = ["index", "doc_id", "page_numbers", "prompt", "request_id", "reason", "detail", "malformed"]
    for row in run.iterate_rows(GENERATE, shard, columns=columns):
        if row["reason"]:
            unit = "requests" if row["request_id"] else "windows"
            yield DroppedItem(GENERATE, (unit,), row["reason"], shard, row)
        for malformed in row["malformed"] or ():
            yield DroppedItem(GENERATE, ("pairs",), malformed, shard, row)


def _read_verify(run: Run, shard: int) -> Iterator[DroppedItem]:
    for pair_id, requests in iterate_checked(run, shard):
        for each in requests:
            if each.reason:
                row = {"pair_id": pair_id, "detail": ": ".join(filter(None, (each.check, each.detail)))}
                yield DroppedItem(VERIFY, ("requests",), each.reason, shard, row)


_READERS: dict[str, Callable[[Run, int], Iterator[DroppedItem]]] = {
    EXTRACT: _read_extract,
    DEDUP: _read_dedup,
    GENERATE: _read_generate,
    VERIFY: _read_verify,
}


# --- items to display -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropped:
    """A dropped item as people read it. A `pair` has its fields as curate left them, and what the check that dropped it
    was told: `said`, led to by `asked`; `place` is where to look, unless the document could not be read."""

    stage: str
    reason: str
    what: str
    detail: str
    pair: Mapping[str, Any] | None = field(default=None, compare=False)
    place: Place | None = field(default=None, compare=False)

    def describe(self) -> str:
        """Lines for the terminal."""
        what = [make_visible(str(self.what))]
        if self.pair is not None:
            what = [f"Q {make_line(self.pair['question'])}", f"A {make_line(self.pair['answer'])}"]
            if self.pair["said"] is not None:
                what.append(make_line(f"{self.pair['asked']}: {self.pair['said']}"))
        lines = [*what, *([make_visible(self.detail)] if self.detail else [])]
        return "\n".join([make_visible(f"{self.stage}: {self.reason}"), *(f"   {line}" for line in lines)])


class DroppedItems(Iterable[Dropped]):
    """What a run dropped; each loop reads it again. A notebook displays counts, or for one reason some items with their
    pages, if the source is still available."""

    def __init__(self, job: Job, reason: str | None, *, fetch: bool = False) -> None:
        self._job, self.reason, self._fetch = job, reason, fetch

    def __iter__(self) -> Iterator[Dropped]:
        return self._read(replies=True)

    def _read(self, *, replies: bool) -> Iterator[Dropped]:
        job = replace(self._job, run=self._job.run.snapshot())
        return _read_dropped(job, self.reason, replies=replies)

    def count(self) -> Counter[tuple[str, str]]:
        """How many, by stage and reason; one pass."""
        return Counter((item.stage, item.reason) for item in self._read(replies=False))

    def sample(self, count: int, *, seed: int = 0) -> list[Dropped]:
        """Some items, drawn by content and seed."""
        return draw(self, count, seed=seed, key=lambda item: f"{item.stage}{item.what}{item.detail}")

    def read_pages(
        self, items: Sequence[Dropped], *, limit: int = PLACES_SHOWN, refused: dict[Place, Refusal] | None = None
    ) -> dict[Place, list[Pictured]]:
        """The pages of these items; see `render_places`."""
        places = (item.place for item in items if item.place is not None)
        return render_places(self._job, places, limit=limit, fetch=self._fetch, refused=refused)

    def __repr__(self) -> str:
        if self.reason is None:
            counts = [f"{stage}: {reason} {count:,}" for (stage, reason), count in sorted(self.count().items())]
            return "\n".join(map(make_visible, counts)) or "nothing was dropped"
        shown = [item.describe() for item in self.sample(SHOWN)]
        return "\n".join(shown) or make_visible(f"nothing was dropped as {self.reason}")

    def _repr_html_(self) -> str:
        counts = self.count()
        if not counts:
            return show_text("nothing was dropped" + (f" as {self.reason}" if self.reason else ""))
        if self.reason is None:
            rows = [(stage, reason, count) for (stage, reason), count in sorted(counts.items())]
            return show_table(("stage", "reason", "dropped"), rows)
        items = self.sample(SHOWN)
        some = f"; {len(items)} of them" if len(items) < counts.total() else ""
        shown = show_text(f"{counts.total():,} dropped as {self.reason}{some}:")
        return shown + self._show_items(items)

    def _show_items(self, items: Sequence[Dropped]) -> str:
        pages = self.read_pages(items)
        shown = ""
        for place in dict.fromkeys(item.place for item in items):
            here = [item for item in items if item.place == place]
            pairs = [item.pair for item in here if item.pair is not None]
            others = [(item.stage, item.what, item.detail) for item in here if item.pair is None]
            if others:
                shown += show_table(("stage", "what", "detail"), others)
            if place is not None and pairs:
                shown += show_pairs(pages, place, pairs)
            elif place in pages:
                shown += show_sample("", pages[place], ())
        return shown


def _read_dropped(job: Job, reason: str | None, *, replies: bool) -> Iterator[Dropped]:
    """What was dropped for a reason, or any; without `replies`, the bulk of a run, not what the model said."""
    uris: dict[int, str] = {}
    said: dict[str, str] = {}
    shard_read: int | None = None
    for item in iterate_dropped(job, reason):
        row, shard = item.row, item.shard
        what, detail, place = row.get("source_uri", ""), row.get("detail") or "", None
        if item.stage == EXTRACT and item.page is not None:
            place = Place(shard, row["index"], row["doc_id"], (item.page,))
            what, detail = f"{what}, page {item.page}", ""
        elif item.stage == DEDUP:
            place = Place(shard, row["index"], row["doc_id"], (item.page or 1,))
            what = what if item.page is None else f"{what}, page {item.page}"
            detail = describe_favoured(row)
        elif item.stage == GENERATE:
            if shard != shard_read:
                shard_read = shard
                uris = _read_source_uris(job, shard)
                said = _read_malformed(job, shard, reason) if replies else {}
            place = Place(shard, row["index"], row["doc_id"], tuple(row["page_numbers"]))
            what = f"{uris[row['index']]}, {describe_pages(row['page_numbers'])}"
            if item.units == ("pairs",):
                detail = said.get(row["request_id"], "")
        elif item.stage == VERIFY:
            what = row["pair_id"]
        yield Dropped(item.stage, item.reason, what, detail, place=place)
    kinds = name_kinds(job.config)
    for shard in find_losing_shards(job, CURATE, reason):
        checked: dict[str, tuple[CheckedRequest, ...]] = {}
        if VERIFY in job.stages and replies and (reason is None or reason in EXPLAINED):
            checked = dict(iterate_checked(job.run, shard))
        for row in _iterate_dropped_pairs(job, shard, reason):
            saying = find_saying(checked.get(row["pair_id"], ()), row["reason"], kinds=kinds)
            yield _describe_dropped_pair(row, shard, saying)


def _read_source_uris(job: Job, shard: int) -> dict[int, str]:
    rows = job.run.iterate_rows(EXTRACT, shard, columns=["index", "source_uri"])
    return {row["index"]: row["source_uri"] for row in rows}


def _read_malformed(job: Job, shard: int, reason: str | None) -> dict[str, str]:
    """The beginning of each reply that was malformed for a reason, or any, by request id."""
    columns = ["request_id", "malformed"]
    wanted = {
        row["request_id"]
        for row in job.run.iterate_rows(GENERATE, shard, columns=columns)
        if (reason in (row["malformed"] or ()) if reason else row["malformed"])
    }
    said: dict[str, str] = {}
    # only those that the record names: others may be partial, or of other prompts
    for name in job.record(GENERATE, shard).extra.get("replies", ()) if wanted else ():
        for row in job.run.iterate_file(f"generate/replies/{name}", columns=["request_id", "content"]):
            if row["request_id"] in wanted:
                # by characters: a runaway reply may have no words
                content = " ".join(row["content"][: 2 * REPLY_SHOWN_CHARS].split())
                more = "..." if len(content) > REPLY_SHOWN_CHARS else ""
                said[row["request_id"]] = f"the model said: {content[:REPLY_SHOWN_CHARS]}{more}"
    return said


def _iterate_dropped_pairs(job: Job, shard: int, reason: str | None) -> Iterator[dict[str, Any]]:
    """The curated rows that were dropped for a reason, or any; only these become Python objects."""
    name = job.run.part_name(CURATE, job.record(CURATE, shard))
    for batch in job.run.iterate_batches(name, at_once=256):
        reasons = batch["reason"]
        chosen = pc.is_valid(reasons) if reason is None else pc.equal(reasons, reason)
        yield from batch.filter(chosen).to_pylist()


def _describe_dropped_pair(row: dict[str, Any], shard: int, saying: Saying | None) -> Dropped:
    scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items() if value is not None)
    what = f"Q {row['question']}\n   A {row['answer']}"
    if saying is not None:
        what += f"\n   {saying.lead}: {saying.said}"
    return Dropped(
        CURATE,
        row["reason"],
        what,
        f"{row['source_uri']}, {describe_pages(row['page_numbers'])}; {scores}",
        pair={**row, "asked": saying and saying.lead, "said": saying and saying.said},
        place=Place(shard, row["index"], row["doc_id"], tuple(row["page_numbers"])),
    )
