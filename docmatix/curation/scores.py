"""The scores of a pair, and how each is computed: a new one is a field of `Scores` and a line in `SCORERS`.

Grounding is not among them: it comes with evidence (`grounding.py`). Nor are those that `verify` computes: its table
has a column for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from docmatix.core.documents import Page
from docmatix.core.pairs import Pair, Scores
from docmatix.prompting.questions.sentences.clarity import score_clarity
from docmatix.text.languages import is_in_language, reads_english


def _score_clarity(pair: Pair, pages: Sequence[Page]) -> float | None:
    """Unknown of a pair without a sentence of its own (from facts, about whole pages), and in other languages."""
    if pair.context is None or not _is_english(pair.context, [page for page in pages if page.number == _place(pair)]):
        return None
    return score_clarity(pair.question, answer=pair.answer, context=pair.context)


def _place(pair: Pair) -> int | None:
    return pair.span[0] if pair.span else None


def _is_english(sentence: str, pages: Sequence[Page]) -> bool:
    """Whether a sentence is in English: by its page, which has more words, or else by its own."""
    own = next((reads_english(page.text) for page in pages), None)
    return is_in_language(sentence, "en") is not False if own is None else own


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
