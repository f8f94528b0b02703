"""The measures that benchmarks of document questions report: ANLS, token F1, and exact match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from docmatix.verification.agreement.spelling import MAX_CHARS, fold_words


def anls(expected_answers: Sequence[str], given: str, threshold: float = 0.5) -> float:
    """The best similarity of `given` to an expected answer: 1 less their normalised edit distance, and 0.0 where it is
    `threshold` or more (Biten et al. 2019). Neither case nor the number of spaces counts; accents do."""
    one = _lower(given)
    return max((_similar(one, _lower(expected), threshold) for expected in expected_answers), default=0.0)


def _lower(text: str) -> str:
    return " ".join(text[:MAX_CHARS].lower().split())


def _similar(one: str, other: str, threshold: float) -> float:
    # the reference measures the texts in capitals, where `ß` is two
    longest = max(len(one.upper()), len(other.upper()))
    distance = Levenshtein.distance(one, other) / longest if longest else 0.0
    return 1 - distance if distance < threshold else 0.0


def token_f1(expected: str, given: str) -> float:
    """SQuAD's F1 over the words of both, without case, punctuation, accents and articles; a Chinese, Japanese or Thai
    character is a word."""
    wanted, words = fold_words(expected), fold_words(given)
    if not wanted or not words:
        return 0.0
    shared = sum((Counter(wanted) & Counter(words)).values())
    return 2 * shared / (len(wanted) + len(words))


def is_exact(expected: str, given: str) -> bool:
    """Whether two answers have the same words and numbers in the same order: neither case, punctuation, accents nor
    articles count, but signs, currencies and percent do."""
    wanted = fold_words(expected)
    return bool(wanted) and wanted == fold_words(given)
