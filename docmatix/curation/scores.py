"""The scores of a pair, and how each is computed: a new one is a field of `Scores` and a line in `SCORERS`.

Grounding is not among them: it comes with evidence (`grounding.py`). Nor are those that `verify` computes: its table
has a column for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from docmatix.core.documents import Page
from docmatix.core.pairs import Pair, Scores
from docmatix.prompting.questions.sentences.clarity import score_clarity


def _score_clarity(pair: Pair, pages: Sequence[Page]) -> float | None:
    """Unknown of a pair without a context of its own, which asks about whole pages."""
    return score_clarity(pair.question, answer=pair.answer, context=pair.context) if pair.context is not None else None


SCORERS: Mapping[str, Callable[[Pair, Sequence[Page]], float | None]] = {"clarity": _score_clarity}
"""By field of `Scores`. The pages are those that the reader of the pair will see."""


def score_pairs(
    pairs: Sequence[Pair],
    *,
    pages: Iterable[Page],
    samples: Sequence[Iterable[int]],
    verified: Mapping[str, Mapping[str, float | None]],
) -> list[Scores]:
    """All scores but grounding. `samples` has each pair's page numbers, `verified` scores by pair id."""
    by_number = {page.number: page for page in pages}
    scores = []
    for pair, numbers in zip(pairs, samples, strict=True):
        shown = [by_number[number] for number in numbers if number in by_number]
        computed = {name: score(pair, shown) for name, score in SCORERS.items()}
        scores.append(Scores(**computed, **verified.get(pair.pair_id, {})))
    return scores
