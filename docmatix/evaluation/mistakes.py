"""The mistakes that a page shows: the worst of every group in turn, so that common kinds do not crowd out rare ones.

One pass over the predictions; memory holds what may still be shown.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from itertools import count as count_up
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from docmatix.core.draws import hash_seeded
from docmatix.evaluation.groups import GUESSED, list_groups

COLUMNS: Final = (
    "example_id", "question", "answers", "doc_id", "page_numbers", "pages", "prompt", "style", "kind", "text_from",
    "answer_type", "prediction", "blind_prediction", "anls", "agreement", "rule", "blind_agreement", "judge_verdict",
    "judge_reason",
)  # fmt: skip
"""What is read of the predictions."""
RIGHT = 0.5
"""The agreement from which an answer is no mistake. A judge's verdict goes before it, and 0.5 is one of a mistake."""

_OF_A_GROUP = 15
_MOST_GROUPS = 300
_LONGEST = 1200
"""Characters kept of a text: a model in a loop writes without end."""
_MOST_ANSWERS = 6

Row: TypeAlias = Mapping[str, Any]
Rank: TypeAlias = tuple[float, float, bytes]


class Mistakes(NamedTuple):
    """What is shown: mistakes that are about the same pages together, the worst first, and how many there are; and
    questions that were answered right without their pages, and how many."""

    sheaves: list[list[Row]]
    total: int
    guessed: list[Row]
    total_guessed: int


class _Lowest:
    """The rows of lowest rank, at most `most`."""

    def __init__(self, most: int) -> None:
        self.seen = 0
        self._most = most
        self._ranked: list[tuple[Rank, Row]] = []

    def offer(self, rank: Rank, row: Row) -> None:
        self.seen += 1
        if len(self._ranked) < self._most or rank < self._ranked[-1][0]:
            insort(self._ranked, (rank, row), key=itemgetter(0))
            del self._ranked[self._most :]

    def list_rows(self) -> list[Row]:
        return [row for _, row in self._ranked]


def rank_row(row: Row) -> tuple[float, float]:
    """The worst first: the judge's verdict, or the agreement where there is none, and then the agreement."""
    agreement, verdict = float(row["agreement"] or 0.0), row["judge_verdict"]
    return agreement if verdict is None else float(verdict), agreement


def is_mistake(row: Row) -> bool:
    """Whether an answer is wrong or incomplete."""
    if row["judge_verdict"] is None:
        return float(row["agreement"] or 0.0) < RIGHT
    return float(row["judge_verdict"]) < 1.0


def choose_mistakes(rows: Iterable[Row], *, count: int, guessed: int, seed: int = 0) -> Mistakes:
    """At most `count` mistakes and `guessed` questions that need no pages, out of rows with `COLUMNS`. Among equally
    bad ones the seed decides; questions without a prediction are left out."""
    everything, blind = _Lowest(count), _Lowest(guessed)
    strata: dict[tuple[str, str], _Lowest] = {}
    for row in rows:
        digest = hash_seeded(seed, row["example_id"])
        if (row["blind_agreement"] or 0.0) >= GUESSED and row["answer_type"] not in _EASILY_GUESSED:
            blind.offer((-row["blind_agreement"], 0.0, digest), row)
        if row["prediction"] is None or not is_mistake(row):
            continue
        rank = *rank_row(row), digest
        everything.offer(rank, row)
        for stratum in list_groups(row):
            if stratum in strata or len(strata) < _MOST_GROUPS:
                strata.setdefault(stratum, _Lowest(_OF_A_GROUP)).offer(rank, row)
    ordered = sorted(strata.items(), key=lambda item: (item[1].seen, item[0]))
    chosen = _take_turns([lowest.list_rows() for _, lowest in ordered], count)
    for row in everything.list_rows():
        if len(chosen) < count:
            chosen.setdefault(row["example_id"], row)
    ranked = sorted(chosen.values(), key=lambda row: (*rank_row(row), hash_seeded(seed, row["example_id"])))
    sheaves: dict[Any, list[Row]] = {}
    for row in map(_clip, ranked):
        sheaves.setdefault((row["doc_id"] or row["example_id"], *row["page_numbers"]), []).append(row)
    return Mistakes(list(sheaves.values()), everything.seen, list(map(_clip, blind.list_rows())), blind.seen)


_EASILY_GUESSED = frozenset({"yes_no", "not_answerable"})
"""Answers that one guess in two hits, which shows nothing."""


def _take_turns(members: list[list[Row]], count: int) -> dict[str, Row]:
    """At most `count` rows by id: one of each list, rarest first, then a second one, and so on."""
    chosen: dict[str, Row] = {}
    for turn in count_up(1):
        if len(chosen) >= count or all(len(rows) < turn for rows in members):
            return chosen
        for rows in members:
            missing = [row for row in rows if row["example_id"] not in chosen]
            if len(chosen) < count and missing and len(rows) - len(missing) < turn:
                chosen[missing[0]["example_id"]] = missing[0]
    return chosen


def _clip(row: Row) -> Row:
    texts = ("question", "prediction", "blind_prediction", "judge_reason")
    answers = row["answers"] or []
    return {
        **row,
        **{name: clip_text(row[name]) for name in texts},
        "answers": [clip_text(answer) for answer in answers[:_MOST_ANSWERS]],
        "more_answers": max(0, len(answers) - _MOST_ANSWERS),
        "page_numbers": list(row["page_numbers"] or ()),
    }


def clip_text(text: str | None) -> str | None:
    """The beginning of a long text."""
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " …"
