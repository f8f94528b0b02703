"""Figures of the pairs of one prompt, style, model, kind of question or source of text, which add up over the files of
a dataset."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from docmatix.dataset.distinct import DistinctCounter
from docmatix.dataset.histograms import classify_length, find_median, sort_counts
from docmatix.dataset.scores import UNIT, ScoreCounts

# by what pairs are grouped
KINDS = ("prompt", "style", "model", "kind", "text_from")

_COMPARED = 32  # earlier questions of a row that a question is compared with: the cost of hundreds would be quadratic


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

    def add_pairs(self, pairs: Sequence[Mapping[str, Any]], *, pages: int) -> None:
        """Count the pairs of this group in one row of `pages` pages."""
        sums = self.sums
        sums["rows"] += 1
        sums["pages"] += pages
        sums["pairs"] += len(pairs)
        earlier: list[frozenset[str]] = []
        for pair in pairs:
            question, answer = pair["question"], pair["answer"]
            folded = fold_words(question)
            words = frozenset(folded.split())
            self.questions.add(folded)
            self.question_lengths[classify_length(question)] += 1
            self.answer_lengths[classify_length(answer)] += 1
            sums["question_words"] += len(question.split())
            sums["question_chars"] += len(question)
            sums["answer_words"] += len(answer.split())
            sums["answer_chars"] += len(answer)
            sums["with_evidence"] += bool(pair["evidence"])
            self.scores.add_pair(pair["scores"])
            if earlier:
                likeness = max(_overlap(words, other) for other in earlier[-_COMPARED:])
                sums["compared"] += 1
                sums["unlike"] += round((1 - likeness) * UNIT)
            earlier.append(words)

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
