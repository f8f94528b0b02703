"""The windows that the report shows, drawn by seed so that every prompt and every reason is represented.

Reads three columns of all of `curate`, then the drawn windows; memory holds only what is drawn.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from itertools import count as count_up
from operator import itemgetter
from typing import Any, ClassVar, Literal, TypeGuard

from docmatix.core.documents import Fact
from docmatix.core.draws import Smallest, hash_seeded
from docmatix.core.pairs import name_model
from docmatix.facts.listing import MIN_CONFIDENCE, list_facts
from docmatix.pipeline import CURATE, EXTRACT
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart
from docmatix.review.checked import CheckedRequest, iterate_checked
from docmatix.review.found_facts import describe_fact
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.run import Run
from docmatix.storage.schemas import EXTRACT_WITHOUT_WORDS

PAIRS_FOR_ONE_REASON = 12
"""Pairs of a window shown for each reason; a window of a hundred pages may have a thousand pairs."""

KEPT_PAIRS = 40
"""The same for kept pairs."""

FACTS = 60
"""Facts of a page shown; a table may have thousands of cells."""

BOXES = 40
"""Boxes shown of one evidence; a paragraph has a few."""

LONGEST = 1200
"""Characters shown of a question, answer or quote."""

LONGEST_SAID = 400
"""The same of a second answer, or of the reason for a rating."""

Place = tuple[int, str]
"""A window: shard and sample id."""


@dataclass(slots=True)
class Window:
    """A drawn window with its pages and pairs, ready to be written as JSON."""

    shard: int
    index: int
    doc_id: str
    sample_id: str
    source_uri: str
    language: str
    page_numbers: list[int]
    pairs: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    """What was found on its pages, in the form of pairs."""
    total: Counter[str] = field(default_factory=Counter)
    """Pairs by reason (kept ones under the empty string), shown or not."""

    @property
    def evidence_pages(self) -> list[int]:
        """Pages with evidence boxes."""
        return sorted({evidence["page"] for pair in self.pairs for evidence in pair["evidence"]})


class GalleryPart(ReportPart):
    """The frame that the report's script fills with windows."""

    kind: Literal["gallery"] = "gallery"
    title: ClassVar[str] = "Gallery"
    link: ClassVar[str] = "Gallery"

    def render(self, context: ReportContext) -> str:
        return fill_file("gallery.html")


def draw_windows(pairs: Iterable[tuple[Place, str, str | None]], count: int, *, seed: int) -> list[Place]:
    """`count` windows out of pairs given as (window, prompt, reason or None), in the order of shards. Prompts with kept
    pairs and reasons take turns, the rarest first, so that rare ones are not crowded out."""
    strata: dict[tuple[str, str], Smallest[Place]] = {}
    order: dict[Place, None] = {}
    for place, marks in groupby(pairs, key=itemgetter(0)):
        key = f"{place[0]}/{place[1]}"
        digest = hash_seeded(seed, key)
        for prompt, reason in {mark[1:] for mark in marks}:
            for stratum in (("prompt", prompt), ("kept", prompt) if reason is None else ("dropped", reason)):
                strata.setdefault(stratum, Smallest(count, seed=seed)).offer(digest, key, place)
    drawn = [(len(found), stratum, found) for stratum, each in strata.items() if (found := each.items())]
    members = [found for _, _, found in sorted(drawn, key=lambda item: item[:2])]
    held = [set(found) for found in members]
    for turn in count_up(1):
        if len(order) >= count or all(len(found) < turn for found in members):
            break
        for found, places in zip(members, held, strict=True):
            if len(order) < count and sum(place in places for place in order) < min(turn, len(found)):
                order[next(place for place in found if place not in order)] = None
    return sorted(order)


def iterate_marks(run: Run) -> Iterator[tuple[Place, str, str | None]]:
    """The input of `draw_windows` for every curated pair."""
    columns = ["sample_id", "prompt", "reason"]
    for shard, record in run.records(CURATE):
        for batch in run.iterate_batches(run.part_name(CURATE, record), columns=columns, at_once=4096):
            for sample_id, prompt, reason in zip(*(batch[name].to_pylist() for name in columns), strict=True):
                yield (shard, sample_id), prompt, reason


_COLUMNS = [
    *("index", "doc_id", "source_uri", "language", "sample_id", "page_numbers", "pair_id", "prompt", "model", "style"),
    *("question", "answer", "reason", "scores", "evidence", "kind", "text_from"),
]


def read_windows(run: Run, places: Sequence[Place]) -> list[Window]:
    """The drawn windows with their pairs, in the order of the plan."""
    wanted: dict[int, set[str]] = {}
    for shard, sample_id in places:
        wanted.setdefault(shard, set()).add(sample_id)
    windows: list[Window] = []
    for shard, ids in sorted(wanted.items()):
        found: dict[str, Window] = {}
        for row in run.iterate_rows(CURATE, shard, columns=_COLUMNS):
            if row["sample_id"] in ids:
                window = found.setdefault(row["sample_id"], _open_window(shard, row))
                reason = row["reason"] or ""
                window.total[reason] += 1
                if window.total[reason] <= (PAIRS_FOR_ONE_REASON if reason else KEPT_PAIRS):
                    window.pairs.append(to_shown_pair(row))
        windows += found.values()
        _add_checks(run, shard, found.values())
        _add_facts(run, shard, found.values())
    return windows


def _add_checks(run: Run, shard: int, windows: Iterable[Window]) -> None:
    """Add what models said of the pairs, which distinguishes a bad pair from a strict filter."""
    pairs = {pair["pair_id"]: pair for window in windows for pair in window.pairs}
    for pair_id, requests in iterate_checked(run, shard):
        if pair_id in pairs:
            # a check without words has its score among the others
            pairs[pair_id]["checks"] = [_to_shown_check(each) for each in requests if each.reply or each.reason]


def _to_shown_check(asked: CheckedRequest) -> dict[str, Any]:
    """A request for the report's script: without a model's words where its ratings say it all."""
    shown = {
        "check": asked.check,
        "page": asked.page,
        "model": name_model(asked.model),
        "said": clip_text(asked.reply or "", LONGEST_SAID) if not asked.ratings else "",
        "reason": asked.reason,
        "score": round(asked.score, 3) if _is_finite(asked.score) else None,
        "rule": asked.rule,
        "ratings": [[each.criterion, each.rating, clip_text(each.reason, LONGEST_SAID)] for each in asked.ratings],
    }
    return {name: told for name, told in shown.items() if told not in (None, "", [])}


def _add_facts(run: Run, shard: int, windows: Iterable[Window]) -> None:
    """Add what was found on the pages of windows: all kinds beside the tables, then cells as far as there is room."""
    by_index: dict[int, list[Window]] = {}
    for window in windows:
        by_index.setdefault(window.index, []).append(window)
    for row in run.iterate_rows(EXTRACT, shard, columns=["index", *_FACT_COLUMNS]):
        for window in by_index.get(row["index"], ()):
            for page in map(page_from_row, row["pages"]):
                if page.number in window.page_numbers:
                    window.facts += [_to_shown_fact(fact, page.number) for fact in list_facts(page)[:FACTS]]


_FACT_COLUMNS = [name for name in EXTRACT_WITHOUT_WORDS if name.startswith("pages.")]


def _to_shown_fact(fact: Fact, page: int) -> dict[str, Any]:
    sure = fact.confidence >= MIN_CONFIDENCE
    row = {
        "question": fact.kind.replace("_", " ") if sure else f"{fact.kind.replace('_', ' ')}, unsure",
        "answer": describe_fact(fact),
        "scores": {"confidence": fact.confidence},
        "evidence": [{"page": page, "quote": fact.value, "boxes": [*fact.label_boxes, *fact.boxes]}],
    }
    return to_shown_pair(dict.fromkeys(("pair_id", "prompt", "model", "style", "reason"), "") | row)


def fit_facts(windows: Sequence[Window], allowance: int, *, measure: Callable[[Any], int]) -> None:
    """Drop the last facts of windows until all together `measure` at most `allowance` bytes."""
    for number, window in enumerate(windows):
        share = allowance // (len(windows) - number)
        sizes = list(accumulate(map(measure, window.facts)))
        fitting = bisect_right(sizes, share)
        window.facts = window.facts[:fitting]
        allowance -= sizes[fitting - 1] if fitting else 0


def to_shown_pair(row: Mapping[str, Any]) -> dict[str, Any]:
    """A curated row for the report's script: bounded texts, finite numbers, boxes inside the page."""
    scores = {name: round(value, 3) for name, value in (row["scores"] or {}).items() if _is_finite(value)}
    evidence = [
        {
            "page": each["page"],
            "quote": clip_text(each["quote"] or ""),
            "boxes": [box for sides in (each["boxes"] or ())[:BOXES] if (box := _fit_box(sides)) is not None],
        }
        for each in row["evidence"] or ()
    ]
    facts = {name: row[name] or "" for name in ("pair_id", "prompt", "model", "style", "reason")}
    texts = {name: clip_text(row[name] or "") for name in ("question", "answer")}
    kind, source = row.get("kind"), row.get("text_from")  # runs of earlier versions know neither
    names = {"kind": "" if kind in (None, "free") else kind, "source": _SOURCES.get(source or "layer", "")}
    return {**facts, **texts, **names, "scores": scores, "evidence": evidence}


_SOURCES = {"ocr": "read by OCR", "none": "no text"}


def fit_pairs(windows: Sequence[Window], allowance: int, *, measure: Callable[[Any], int]) -> None:
    """Drop pairs until all windows together `measure` at most `allowance` bytes; what a window leaves of its share goes
    to later ones."""
    for number, window in enumerate(windows):
        share = allowance // (len(windows) - number)
        shown: list[dict[str, Any]] = []
        used = 0
        # one pair of each reason before a second of any
        turns = sorted(_number_by_reason(window.pairs), key=lambda item: item[0])
        for _, place, pair in turns:
            size = measure(pair)
            if used + size <= share:
                used += size
                shown.append({**pair, "place": place})
        window.pairs = sorted(shown, key=lambda pair: pair.pop("place"))
        allowance -= used


def clip_text(text: str, longest: int = LONGEST) -> str:
    """The text, cut with an ellipsis if it is too long."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _number_by_reason(pairs: Iterable[dict[str, Any]]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    seen: Counter[str] = Counter()
    for place, pair in enumerate(pairs):
        yield seen[pair["reason"]], place, pair
        seen[pair["reason"]] += 1


def _open_window(shard: int, row: Mapping[str, Any]) -> Window:
    return Window(
        shard=shard,
        index=row["index"],
        doc_id=row["doc_id"],
        sample_id=row["sample_id"],
        source_uri=row["source_uri"],
        language=row["language"] or "",
        page_numbers=list(row["page_numbers"]),
    )


def _is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _fit_box(sides: Sequence[float]) -> list[float] | None:
    if len(sides) != 4 or not all(map(_is_finite, sides)):
        return None
    x0, y0, x1, y1 = (round(min(1.0, max(0.0, side)), 4) for side in sides)
    return [x0, y0, x1, y1] if x0 < x1 and y0 < y1 else None
