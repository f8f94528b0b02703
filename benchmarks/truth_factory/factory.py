"""Every sort of document that is drawn, by name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from benchmarks.truth_factory import (
    directories,
    forms,
    invoices,
    letters,
    plain,
    reports,
    slides,
    specifications,
    statements,
)
from benchmarks.truth_factory.drawn import LANGUAGES, Drawn

SORTS: dict[str, Callable[[int, str], Drawn]] = {
    invoices.SORT: invoices.draw,
    letters.SORT: letters.draw,
    forms.SORT: forms.draw,
    reports.SORT: reports.draw,
    specifications.SORT: specifications.draw,
    directories.SORT: directories.draw,
    slides.SORT: slides.draw,
    statements.SORT: statements.draw,
    plain.SORT: plain.draw,
}


def draw_document(seed: int, sort: str, language: str) -> Drawn:
    """Same arguments, same bytes and same facts."""
    return SORTS[sort](seed, language)


_PROPORTIONS = [*SORTS, forms.SORT, reports.SORT, reports.SORT, invoices.SORT]
"""In turn, of which every language has each: 13 and 8 have no divisor in common."""


def draw_documents(count: int, seed: int) -> Iterator[Drawn]:
    """So many documents, sorts and languages in turn; each has a seed of its own, drawn from `seed`."""
    seeds = random.Random(f"documents {seed}")
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        sort = _PROPORTIONS[number % len(_PROPORTIONS)]
        yield draw_document(seeds.randrange(10**9), sort, language)
