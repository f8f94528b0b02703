"""Two runs over the same documents side by side: which pairs only one of them keeps, and why.

Pairs with the same sample, prompt, question and answer are compared one by one, which are all of them if only filters
differ; others are put side by side by sample. Takes three passes over each run and about 200 bytes a pair of memory.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_line, make_visible
from docmatix.pipeline import CURATE
from docmatix.review.displays import describe_pages, show_columns, show_table, show_text
from docmatix.review.samples import list_pairs

if TYPE_CHECKING:
    from docmatix.review.collection import Collection

KEPT = "kept"
"""In place of a reason."""

_FIELDS = ["pair_id", "sample_id", "source_uri", "page_numbers", "prompt", "question", "answer", "reason"]


@dataclass(frozen=True, slots=True)
class Change:
    """A pair that both runs have and one keeps; a side is `kept` or a reason."""

    pair: Mapping[str, Any]
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class SidesOfSample:
    """A sample that both sides have with different pairs: those that each keeps."""

    source_uri: str
    page_numbers: tuple[int, ...]
    left: tuple[Mapping[str, Any], ...]
    right: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found. Counts cover everything; `changes` and `samples` are a selection, drawn by content."""

    names: tuple[str, str]
    counts: Mapping[tuple[str, str], tuple[int, int]]
    """By prompt and outcome (`kept` or a reason): pairs on either side."""
    shared: int
    """Pairs on both sides, kept or not."""
    only_left: int
    """Shared pairs that only the left side keeps."""
    only_right: int
    changes: tuple[Change, ...]
    samples: tuple[SidesOfSample, ...]
    differing: int
    """Samples with pairs on both sides, of which some kept ones are not shared."""
    alone: tuple[int, int] = (0, 0)
    """Samples with kept pairs on the left, and none at all on the right; and the other way round."""

    def frame(self) -> Any:
        """The counts as a pandas frame: a row for each prompt and outcome, a column for each side."""
        import pandas

        lines = [
            {"prompt": p, "outcome": o, "left": left, "right": right} for (p, o), (left, right) in self.counts.items()
        ]
        return pandas.DataFrame(lines, columns=["prompt", "outcome", "left", "right"])

    def __repr__(self) -> str:
        lines = [f"left:  {make_visible(self.names[0])}", f"right: {make_visible(self.names[1])}", self._describe()]
        for (prompt, outcome), (left, right) in self.counts.items():
            lines.append(f"  {make_visible(prompt):20} {make_visible(outcome):20} {left:8,} {right:8,}")
        for change in self.changes:
            lines += [f"  Q  {make_line(change.pair['question'])}", f"  A  {make_line(change.pair['answer'])}"]
            lines.append(f"     left: {make_visible(change.left)}, right: {make_visible(change.right)}")
        for sample in self.samples:
            lines.append(make_visible(f"{sample.source_uri}, {describe_pages(sample.page_numbers)}"))
            for side, pairs in (("left", sample.left), ("right", sample.right)):
                told = [(make_line(pair["question"]), make_line(pair["answer"])) for pair in pairs]
                lines += [f"  {side:5} Q {question} A {answer}" for question, answer in told]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(prompt, what, left, right) for (prompt, what), (left, right) in self.counts.items()]
        shown = show_text(f"left: {self.names[0]} · right: {self.names[1]}") + show_text(self._describe())
        shown += show_table(("prompt", "outcome", "left", "right"), rows)
        if self.changes:
            told = [(one.pair["question"], one.pair["answer"], one.left, one.right) for one in self.changes]
            shown += show_table(("question", "answer", "left", "right"), told, title="kept by only one side")
        for sample in self.samples:
            columns = [
                show_table(("", ""), [(pair["question"], pair["answer"]) for pair in pairs], title=side)
                if pairs
                else show_text(f"{side}: nothing kept")
                for side, pairs in (("left", sample.left), ("right", sample.right))
            ]
            title = f"{sample.source_uri}, {describe_pages(sample.page_numbers)}"
            shown += show_text(title) + show_columns(*columns)
        return shown

    def _describe(self) -> str:
        return (
            f"{self.shared:,} pairs are shared: {self.only_left:,} kept on the left alone,"
            f" {self.only_right:,} on the right alone; {self.differing:,} samples have different pairs"
            + "".join(
                f"; {count:,} samples have pairs on the {side} alone"
                for count, side in zip(self.alone, ("left", "right"), strict=True)
                if count
            )
        )


def compare_collections(left: Collection, right: Collection, *, shown: int) -> Comparison:
    """Compare two runs, or what two datasets keep. Raises SetupError for rows without pair ids."""
    sides = [_read_outcomes(left), _read_outcomes(right)]
    shared = sides[0].keys() & sides[1].keys()
    counts: dict[tuple[str, str], list[int]] = {}
    changed: dict[bytes, tuple[str, str]] = {}
    only = [0, 0]
    for place, side in enumerate(sides):
        for prompt, outcome in side.values():
            counts.setdefault((prompt, outcome), [0, 0])[place] += 1
    for pair in shared:
        outcomes = sides[0][pair][1], sides[1][pair][1]
        if (outcomes[0] == KEPT) != (outcomes[1] == KEPT):
            only[outcomes[1] == KEPT] += 1
            changed[pair] = outcomes
    # by hash: a mixture, and the same one every time
    chosen = set(heapq.nsmallest(shown, changed, key=lambda pair: hashlib.sha256(pair).digest()))
    samples, differing, alone, texts = _read_texts(left, right, sides=sides, chosen=chosen, shown=shown)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] != KEPT, -max(item[1]), item[0][1]))
    return Comparison(
        names=(left.path, right.path),
        counts={key: (values[0], values[1]) for key, values in ordered},
        shared=len(shared),
        only_left=only[0],
        only_right=only[1],
        changes=tuple(Change(texts[pair], *changed[pair]) for pair in sorted(chosen)),
        samples=samples,
        differing=differing,
        alone=alone,
    )


def _read_outcomes(collection: Collection) -> dict[bytes, tuple[str, str]]:
    """Prompt and outcome of every pair by its key; equal texts share one object."""
    names: dict[str, str] = {}
    found: dict[bytes, tuple[str, str]] = {}
    pool: dict[tuple[str, str], tuple[str, str]] = {}
    for pair, row in _identify(collection, ["prompt", "reason"]):
        prompt = names.setdefault(row["prompt"], row["prompt"])
        outcome = (prompt, row["reason"] or KEPT)
        found[pair] = pool.setdefault(outcome, outcome)
    return found


def _identify(collection: Collection, columns: Sequence[str]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Every pair with its key: a hash of sample, prompt, question, answer, and its number among equals. Its `pair_id`
    would not do: it changes with anything in its request."""
    wanted = list(dict.fromkeys([*columns, "sample_id", "prompt", "question", "answer"]))
    sample_id, seen = None, Counter[bytes]()
    for row in _iterate_pairs(collection, wanted):
        if row["sample_id"] != sample_id:  # the pairs of a sample are adjacent
            sample_id, seen = row["sample_id"], Counter()
        said = json.dumps([row["sample_id"], row["prompt"], row["question"], row["answer"]]).encode()
        pair = hashlib.blake2b(said, digest_size=16).digest()
        seen[pair] += 1
        yield pair if seen[pair] == 1 else hashlib.blake2b(b"%d" % seen[pair] + said, digest_size=16).digest(), row


def _read_texts(
    left: Collection,
    right: Collection,
    *,
    sides: Sequence[Mapping[bytes, Any]],
    chosen: set[bytes],
    shown: int,
) -> tuple[tuple[SidesOfSample, ...], int, tuple[int, int], dict[bytes, Mapping[str, Any]]]:
    """Some samples with kept pairs that are not shared; how many there are of these, and on only one side; and the
    chosen pairs."""
    texts: dict[bytes, Mapping[str, Any]] = {}
    there: tuple[set[str], set[str]] = (set(), set())
    other: tuple[set[str], set[str]] = (set(), set())
    for place, collection in enumerate((left, right)):
        for pair, row in _identify(collection, ["reason"]):
            there[place].add(row["sample_id"])
            if row["reason"] is None and pair not in sides[1 - place]:
                other[place].add(row["sample_id"])
    # a dataset does not list samples without kept pairs
    lone = [other[place] - there[1 - place] if (right, left)[place].is_run else set() for place in (0, 1)]
    alone = (len(lone[0]), len(lone[1]))
    differing = (other[0] | other[1]) - lone[0] - lone[1]
    picked = set(
        heapq.nsmallest(max(1, shown // 2), differing, key=lambda name: hashlib.sha256(name.encode()).digest())
    )
    gathered: dict[str, list[list[Mapping[str, Any]]]] = {}
    facts: dict[str, tuple[str, tuple[int, ...]]] = {}
    for place, collection in enumerate((left, right)):
        for pair, row in _identify(collection, _FIELDS):
            if pair in chosen:
                texts[pair] = row
            if row["sample_id"] in picked:
                facts[row["sample_id"]] = row["source_uri"], tuple(row["page_numbers"])
                kept = gathered.setdefault(row["sample_id"], [[], []])
                if row["reason"] is None:
                    kept[place].append(row)
    samples = (SidesOfSample(*facts[name], tuple(kept[0]), tuple(kept[1])) for name, kept in sorted(gathered.items()))
    return tuple(samples), len(differing), alone, texts


def _iterate_pairs(collection: Collection, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The pairs of a run with their reasons, or those of a dataset, which has only kept ones."""
    if collection.is_run:
        run = collection.read_job().run.snapshot()
        for shard in run.shards(CURATE):
            yield from run.iterate_rows(CURATE, shard, columns=list(columns))
        return
    for row in collection.rows(images=False):
        if row.get("annotations") is None or row.get("sample_id") is None:
            raise SetupError(f"The rows of {collection.path} have no annotations, so its pairs cannot be identified.")
        place = {"sample_id": row["sample_id"], "page_numbers": row.get("page_numbers") or ()}
        for pair in list_pairs(row):
            yield {**pair, **place, "prompt": pair["prompt"] or "", "reason": None}
