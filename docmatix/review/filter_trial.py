"""What other filters would keep of a run's pairs, without a rerun.

Pairs are read and grounded once (`read_judged`, the slow part), then judged any number of times (`judge_again`).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import yaml

from docmatix.config import Config
from docmatix.config.loading import dump_config, parse_config
from docmatix.core.documents import Page
from docmatix.core.draws import hash_seeded
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.core.terminal import make_line, make_visible
from docmatix.curation.filters.filter import Filter
from docmatix.curation.scores import score_pairs
from docmatix.curation.verdicts import Verdict, curate_pairs
from docmatix.pipeline import CURATE, GENERATE
from docmatix.review.displays import Shown, show_columns, show_table, show_text
from docmatix.review.source_pages import Place, render_places, show_pairs
from docmatix.stages.curate import match_windows, read_verified
from docmatix.stages.support.job import Job
from docmatix.storage.schemas import evidence_to_row, pair_from_row, scores_to_row

KEPT = "kept"
UNJUDGED = "not judged"
"""In place of a reason."""

SHOWN = 12
"""Pairs of each kind displayed at once."""


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A document's grounded pairs with all that filters look at, and the run's verdicts (`before`). Lists go by pair;
    `pages` are those of windows, without words, since filters look only at texts."""

    source_uri: str
    language: str | None
    pages: tuple[Page, ...]
    pairs: tuple[Pair, ...]
    scores: tuple[Scores, ...]
    evidence: tuple[tuple[Evidence, ...], ...]
    places: tuple[Place, ...]
    before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Documents of a run, ready to be judged by other filters, out of `total`."""

    job: Job
    documents: tuple[JudgedDocument, ...]
    total: int
    examples: Mapping[str, Sequence[str]]
    """By prompt, as `curate` recorded them."""
    unknown: tuple[str, ...] = ()
    """Prompts whose examples an earlier version did not record."""


@dataclass(frozen=True, slots=True)
class Change:
    """A pair with the verdicts of the run (`before`) and of the filters (`after`): `kept` or a reason."""

    pair: Pair
    scores: Scores
    evidence: tuple[Evidence, ...]
    source_uri: str
    place: Place
    before: str
    after: str


@dataclass(frozen=True)
class Trial:
    """What filters would keep, against what the run kept. A notebook displays tables; `look` shows pages."""

    job: Job = field(repr=False, compare=False)
    pairs: tuple[Change, ...]
    documents: int
    total: int
    unknown: tuple[str, ...] = ()
    """Prompts whose examples a filter needs but the run did not record."""

    @property
    def newly_kept(self) -> list[Change]:
        return [one for one in self.pairs if one.after == KEPT != one.before]

    @property
    def newly_dropped(self) -> list[Change]:
        return [one for one in self.pairs if one.before == KEPT != one.after]

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """For `kept` and each reason, the commonest first: pairs before and after."""
        before, after = Counter(one.before for one in self.pairs), Counter(one.after for one in self.pairs)
        reasons = sorted(
            (before | after).keys() - {KEPT}, key=lambda reason: (-max(before[reason], after[reason]), reason)
        )
        return {reason: (before[reason], after[reason]) for reason in (KEPT, *reasons)}

    def frame(self) -> Any:
        """A pandas frame with a row for each pair."""
        import pandas

        return pandas.DataFrame([_flatten_change(one) for one in self.pairs])

    def look(self, changes: Sequence[Change] | None = None, *, count: int = 5, fetch: bool = False) -> Shown:
        """Some of these changes (default: of all verdicts that changed) beside their pages, rendered from the source;
        with `fetch` also from other machines."""
        chosen = [*self.newly_dropped, *self.newly_kept] if changes is None else changes
        items = chosen[:count]
        pages = render_places(self.job, (one.place for one in items), limit=count, fetch=fetch)
        html = "".join(
            show_pairs(pages, place, [_describe_change(one) for one in items if one.place == place])
            for place in dict.fromkeys(one.place for one in items)
        )
        return Shown(html or show_text("No verdict changes."), f"{len(items)} pairs; display them in a notebook")

    def __repr__(self) -> str:
        lines = [make_visible(self._describe())]
        lines += [f"{make_visible(what):20} {b:7,} -> {a:7,}" for what, (b, a) in self.counts.items()]
        for name, changes in (("newly kept", self.newly_kept), ("newly dropped", self.newly_dropped)):
            lines += [f"{name}: {len(changes):,}"] if changes else []
            for one in changes[:SHOWN]:
                verdict = make_visible(f"[{one.before} -> {one.after}]")
                lines += [f"  Q  {make_line(one.pair.question)}", f"  A  {make_line(one.pair.answer)}   {verdict}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(what, before, after, _sign(after - before)) for what, (before, after) in self.counts.items()]
        tables = [show_table(("", "run", "trial", ""), rows)]
        for name, changes in (("newly kept", self.newly_kept), ("newly dropped", self.newly_dropped)):
            if changes:
                told = [
                    (one.pair.question, one.pair.answer, one.before if name == "newly kept" else one.after)
                    for one in changes[:SHOWN]
                ]
                head = ("question", "answer", "was dropped for" if name == "newly kept" else "dropped for")
                tables.append(show_table(head, told, title=f"{name}: {len(changes):,}"))
        if len(tables) == 1:
            tables.append(show_text("No verdict changes."))
        return show_text(self._describe()) + show_columns(*tables, even=False)

    def _describe(self) -> str:
        share = "" if self.documents == self.total else f" of {self.total:,}"
        told = f"{len(self.pairs):,} pairs of {self.documents:,}{share} documents; the run itself is unchanged"
        if not self.unknown:
            return told
        return (
            f"{told}; the run did not record the examples of {', '.join(self.unknown)}, so no pair of these prompts is"
            " found to be `copies_example`: rerun the build as far as `curate`"
        )


def parse_filters(config: Config, filters: Sequence[Any] | None) -> tuple[Filter, ...]:
    """Filters from dicts as in a configuration, or filters; default: the run's own. Raises SetupError as the
    configuration does."""
    if filters is None:
        return tuple(config.curate.filters)
    content = yaml.safe_load(dump_config(config))
    told = [one.model_dump(mode="json") if isinstance(one, Filter) else one for one in filters]
    content[CURATE] = {**content[CURATE], "filters": told}
    return tuple(parse_config(content, origin="the filters").curate.filters)


def read_judged(job: Job, *, documents: int, seed: int) -> Judged:
    """Read and ground the pairs of at most `documents` documents, drawn by content and `seed` from as few shards, also
    drawn, as contain them. Raises SetupError if no pair is curated yet."""
    needed = [*job.reads(CURATE), CURATE]
    shards = sorted(set.intersection(*(set(job.run.shards(stage)) for stage in needed)))
    if not shards:
        raise SetupError(f"{job.run.url} has no curated pairs yet: build it as far as `curate` first.")
    wanted = _draw_documents(job, shards, documents=documents, seed=seed)
    read: list[JudgedDocument] = []
    examples: dict[str, Sequence[str]] = {}
    unknown: set[str] = set()
    for shard, indexes in sorted(wanted.items()):
        of_shard = list(_read_shard(job, shard, indexes))
        read += of_shard
        recorded = job.record(CURATE, shard).extra.get("examples")
        if recorded is None:
            unknown |= {pair.prompt for document in of_shard for pair in document.pairs}
        else:
            examples |= recorded
    total = job.run.ledger(GENERATE).accounts["documents"].kept
    return Judged(job, tuple(read), total, examples, tuple(sorted(unknown)))


def judge_again(judged: Judged, filters: Sequence[Filter]) -> Trial:
    """The verdicts of these filters on grounded pairs."""
    changes: list[Change] = []
    for document in judged.documents:
        verdicts = curate_pairs(
            document.pairs,
            document.scores,
            pages=document.pages,
            filters=filters,
            samples=[place.page_numbers for place in document.places],
            examples=judged.examples,
            language=document.language,
            ground_answers=False,
        )
        found = zip(verdicts, document.evidence, document.places, document.before, strict=True)
        changes += [
            Change(verdict.pair, verdict.scores, evidence, document.source_uri, place, before, verdict.reason or KEPT)
            for verdict, evidence, place, before in found
        ]
    unknown = judged.unknown if any(one.needs_examples for one in filters) else ()
    return Trial(judged.job, tuple(changes), len(judged.documents), judged.total, unknown)


def _draw_documents(job: Job, shards: Sequence[int], *, documents: int, seed: int) -> dict[int, set[int]]:
    """The indexes of the drawn documents, by shard."""
    found: dict[tuple[int, int], bytes] = {}
    for shard in sorted(shards, key=lambda shard: hash_seeded(seed, shard)):
        if len(found) >= documents:
            break
        for row in job.run.iterate_rows(GENERATE, shard, columns=["index", "doc_id"]):
            found[shard, row["index"]] = hash_seeded(seed, row["doc_id"])
    chosen: dict[int, set[int]] = {}
    for shard, index in heapq.nsmallest(documents, found, key=lambda place: (found[place], place)):
        chosen.setdefault(shard, set()).add(index)
    return chosen


def _read_shard(job: Job, shard: int, wanted: Container[int]) -> Iterator[JudgedDocument]:
    verified = read_verified(job, shard)
    rows = job.run.iterate_rows(CURATE, shard, columns=["pair_id", "reason"])
    before = {row["pair_id"]: row["reason"] or KEPT for row in rows}
    for index, windows in groupby(match_windows(job, shard), key=lambda window: window[0]["index"]):
        if index not in wanted:
            continue
        pages: list[Page] = []
        verdicts: list[Verdict] = []
        places: list[Place] = []
        for document, asked, of_window in windows:
            found = [(request, pair_from_row(pair)) for request in asked for pair in request["pairs"] or ()]
            pairs = [pair for _, pair in found]
            numbers = tuple(asked[0]["page_numbers"])
            samples = [numbers] * len(pairs)
            known = score_pairs(pairs, pages=of_window, samples=samples, verified=verified)
            shown = [request["shown"] for request, _ in found]
            verdicts += curate_pairs(pairs, known, pages=of_window, samples=samples, shown=shown, filters=())
            places += [Place(shard, index, document["doc_id"], numbers)] * len(pairs)
            pages += [replace(page, words=()) for page in of_window]
        yield JudgedDocument(
            source_uri=document["source_uri"],
            language=document["language"],
            pages=tuple(pages),
            pairs=tuple(verdict.pair for verdict in verdicts),
            scores=tuple(verdict.scores for verdict in verdicts),
            evidence=tuple(verdict.evidence for verdict in verdicts),
            places=tuple(places),
            before=tuple(before.get(verdict.pair.pair_id, UNJUDGED) for verdict in verdicts),
        )


def _describe_change(one: Change) -> dict[str, Any]:
    return {
        **{name: getattr(one.pair, name) for name in ("prompt", "question", "answer")},
        "source_uri": one.source_uri,
        "scores": scores_to_row(one.scores),
        "evidence": [evidence_to_row(evidence) for evidence in one.evidence],
        "verdict": f"{one.before} → {one.after}",
    }


def _flatten_change(one: Change) -> dict[str, Any]:
    return {
        **{name: getattr(one.pair, name) for name in ("pair_id", "prompt", "style", "question", "answer")},
        **scores_to_row(one.scores),
        "source_uri": one.source_uri,
        "page_numbers": list(one.place.page_numbers),
        "before": one.before,
        "after": one.after,
    }


def _sign(change: int) -> str:
    return f"{change:+,}" if change else ""
