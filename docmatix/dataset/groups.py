"""Figures of the pairs of one prompt, style, model, kind of question or source of text, which add up over the files of
a dataset."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from docmatix.dataset.distinct import DistinctCounter, hash_text
from docmatix.dataset.histograms import classify_words, find_median, sort_counts
from docmatix.dataset.scores import UNIT, ScoreCounts, ScoreUnits, measure_scores

# by what pairs are grouped
KINDS = ("prompt", "style", "model", "kind", "text_from")

_COMPARED = 32  # earlier questions of a row that a question is compared with: the cost of hundreds would be quadratic


class MeasuredPair(NamedTuple):
    """What is counted of a pair, once for all the groups that it is in."""

    folded: str
    """The words of its question (`fold_words`)."""
    question_hash: int
    words: frozenset[str]
    question_length: str
    answer_length: str
    sums: tuple[int, int, int, int, int]
    """Words and characters of question and answer, and whether it has evidence."""
    scores: ScoreUnits


_MEASURED = ("question_words", "question_chars", "answer_words", "answer_chars", "with_evidence")


def measure_pair(pair: Mapping[str, Any]) -> MeasuredPair:
    """A curated row of a pair, ready to be counted."""
    question, answer = pair["question"], pair["answer"]
    folded = fold_words(question)
    question_words, answer_words = len(question.split()), len(answer.split())
    return MeasuredPair(
        folded,
        hash_text(folded),
        frozenset(folded.split()),
        classify_words(question_words),
        classify_words(answer_words),
        (question_words, len(question), answer_words, len(answer), bool(pair["evidence"])),
        measure_scores(pair["scores"]),
    )


class Group:
    """The counts of the pairs of one prompt, style, model, kind or source of text."""

    SUMS = tuple(
        (
            "pairs rows pages question_words question_chars answer_words answer_chars with_evidence compared unlike"
        ).split()
    )

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.question_lengths: Counter[str] = Counter()
        self.answer_lengths: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.questions = DistinctCounter()
        self.scores = ScoreCounts()

    def add_pairs(self, pairs: Sequence[MeasuredPair], *, pages: int) -> None:
        """Count the pairs of this group in one row of `pages` pages."""
        sums = self.sums
        sums["rows"] += 1
        sums["pages"] += pages
        sums["pairs"] += len(pairs)
        for name, counts in zip(_MEASURED, zip(*(pair.sums for pair in pairs), strict=True), strict=True):
            sums[name] += sum(counts)
        for pair in pairs:
            self.questions.add_hash(pair.question_hash)
            self.question_lengths[pair.question_length] += 1
            self.answer_lengths[pair.answer_length] += 1
            self.scores.add_pair(pair.scores)
        for place, pair in enumerate(pairs[1:], 1):
            earlier = pairs[max(0, place - _COMPARED) : place]
            likeness = max(_overlap(pair.words, other.words) for other in earlier)
            sums["compared"] += 1
            sums["unlike"] += round((1 - likeness) * UNIT)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add the `to_json` of the same group in another file."""
        self.sums.update(other["sums"])
        self.question_lengths.update(other["question_lengths"])
        self.answer_lengths.update(other["answer_lengths"])
        self.dropped.update(other["dropped"])
        self.questions.merge(DistinctCounter.from_json(other["questions"]))
        self.scores.add(other["scores"] if "scores" in other else _read_grounding(other["sums"]))

    def to_json(self) -> dict[str, Any]:
        return {
            "sums": {name: self.sums[name] for name in self.SUMS},
            "question_lengths": sort_counts(self.question_lengths),
            "answer_lengths": sort_counts(self.answer_lengths),
            "dropped": sort_counts(self.dropped),
            "questions": self.questions.to_json(),
            "scores": self.scores.to_json(),
        }

    def summarise(self) -> dict[str, Any]:
        """Shares and means, None where there is nothing to average. `diversity` is the mean Jaccard distance of a
        question to the nearest earlier one of its row, `kept_share` is of all pairs that were made, `pairs_per_page`
        over the pages of rows with pairs of this group."""
        sums, pairs = self.sums, self.sums["pairs"]
        dropped = sum(self.dropped.values())

        def ratio(above: float, below: float) -> float | None:
            return round(above / below, 4) if below else None

        return {
            "pairs": pairs,
            "rows": sums["rows"],
            "pages": sums["pages"],
            "pairs_per_page": ratio(pairs, sums["pages"]),
            "question_words_mean": ratio(sums["question_words"], pairs),
            "question_words_median": find_median(self.question_lengths),
            "question_chars_mean": ratio(sums["question_chars"], pairs),
            "answer_words_mean": ratio(sums["answer_words"], pairs),
            "answer_words_median": find_median(self.answer_lengths),
            "answer_chars_mean": ratio(sums["answer_chars"], pairs),
            "answer_words": sort_counts(self.answer_lengths),
            "unique_questions": min(len(self.questions), pairs),
            "unique_question_share": ratio(min(len(self.questions), pairs), pairs),
            "diversity": ratio(sums["unlike"], sums["compared"] * UNIT),
            "grounding_mean": self.scores.find_mean("grounding"),
            "evidence_share": ratio(sums["with_evidence"], pairs),
            "kept_share": ratio(pairs, pairs + dropped),
            "dropped": dict(sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))),
            "scores": self.scores.summarise(),
        }


def _read_grounding(sums: Mapping[str, int]) -> dict[str, Any]:
    """The one score that earlier versions counted of a group, without its spread."""
    return {"grounding": {"pairs": sums["scored"], "sum": sums["grounding"], "by_tenth": {}}}


def fold_words(text: str) -> str:
    """The words of a text without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard similarity of two questions' words."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if one or other else 1.0
