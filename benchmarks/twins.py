"""Near-duplicates between scans and their born-digital twins: how many are found, and what is taken for one.

    python -m benchmarks.twins [--documents 60] [--seed N] [--engine tesseract] [--dpi 200] [--threshold 0.85]

Documents are drawn in English and German (`benchmarks.truth_factory`), scanned (`benchmarks.scans`) and read; the
printed ones come first, so that a scan is left out in favour of its own or of another. Mates are the printed documents
with some of their words replaced, such as a form that somebody else has filled in: with 2 % they are near-duplicates or
not by any measure, with more they are other documents.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

import numpy as np

from benchmarks.ocr import DEVELOPMENT_SEED, LANGUAGES, choose_documents, list_engines
from benchmarks.scanned_documents import read_scan
from benchmarks.scans import State, scan_pages
from benchmarks.truth import read
from benchmarks.truth_factory.drawn import Drawn
from docmatix.core.documents import Page
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.pages import lay_out
from docmatix.stages.support.compared_documents import Documents
from docmatix.stages.support.duplicate_search import find_duplicates
from docmatix.stages.support.twin_search import CompareTwins
from docmatix.storage.workspace import Workspace
from docmatix.text.minhash import SIGNATURE_LENGTH, Bands, sign_text
from docmatix.text.near_duplicates import NO_TWINS
from docmatix.text.twins import WordBag, compare_words, find_twins, make_bag

REPLACED = (0.02, 0.05, 0.1)
"""Shares of the words of a mate."""


class Twins(NamedTuple):
    """A document as it was printed and as it was read."""

    printed: Sequence[Page]
    read: Sequence[Page]


def read_twins(documents: Iterable[Drawn], kind: type[OcrEngine], *, dpi: int, state: State) -> list[Twins]:
    """Every document with its scan."""
    found = []
    for drawn in documents:
        if (truth := read(drawn.pdf)) is not None:
            engine = kind(kind=kind.get_name(), languages=(LANGUAGES[drawn.language],))
            scans = scan_pages(drawn.pdf, dpi=dpi, state=state, seed=drawn.seed)
            laid = [
                lay_out(read_scan(scan, engine).reading, page)[0] for page, scan in zip(truth.pages, scans, strict=True)
            ]
            found.append(Twins(truth.pages, laid))
    return found


def print_found(twins: Sequence[Twins], *, state: str, threshold: float) -> None:
    """A row of the table."""
    count = len(twins)
    documents = [*(each.printed for each in twins), *(each.read for each in twins)]
    signatures = [sign_text("\n\n".join(page.text for page in pages)) for pages in documents]
    signed = np.array([each is not None for each in signatures])
    rows = np.array([each or [0] * SIGNATURE_LENGTH for each in signatures], dtype=np.uint32)
    bags = {number: _make_bag(pages) for number, pages in enumerate(documents)}
    doc_ids = np.array([f"{number:032x}" for number in range(2 * count)], dtype="S32")

    def choose(compare: CompareTwins) -> tuple[int, int]:
        with Workspace("docmatix-dedup", memory_bytes=1 << 26) as workspace:
            known = Documents(workspace, Bands(threshold))
            known.add(doc_ids, rows, signed, np.arange(2 * count) >= count)
            chosen = find_duplicates(known, exact=True, near=True, compare_twins=compare)
        right = int((chosen.favoured == chosen.numbers - count).sum())
        return right, len(chosen.numbers) - right

    by_shingles, _ = choose(lambda scans, others: NO_TWINS)
    found, others = choose(lambda scans, others: find_twins(scans, others, bags.__getitem__, threshold=threshold))
    mates = [_count_mates(twins, bags, share=share, threshold=threshold) for share in REPLACED]
    print(f"| {state} | {count} | {by_shingles} | {found} | {others} | {' | '.join(map(str, mates))} |", flush=True)


def _make_bag(pages: Sequence[Page]) -> WordBag:
    return make_bag((word.text, word.confidence) for page in pages for word in page.words)


def _count_mates(twins: Sequence[Twins], bags: dict[int, WordBag], *, share: float, threshold: float) -> int:
    """Scans taken for twins of the printed document with this share of its words replaced by numbers."""
    taken = 0
    for number, each in enumerate(twins):
        draws = random.Random(number)
        words = (word.text for page in each.printed for word in page.words)
        mate = [word if draws.random() >= share else str(draws.randrange(10**6)) for word in words]
        bag = make_bag((word, None) for word in mate)
        taken += compare_words(bags[len(twins) + number], bag, threshold=threshold) is not None
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twins", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--engine", default="tesseract")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--threshold", type=float, default=0.85)
    parser.add_argument("--states", nargs="*", choices=get_args(State), default=["clean", "degraded"])
    given = parser.parse_args()
    documents = choose_documents(given.documents, given.seed)
    mates = " | ".join(f"mates, {share:.0%}" for share in REPLACED)
    print(f"| paper | documents | by 5-grams | found | wrong | {mates} |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in list_engines([given.engine]).values():
        for state in given.states:
            twins = read_twins(documents, kind, dpi=given.dpi, state=state)
            print_found(twins, state=state, threshold=given.threshold)


if __name__ == "__main__":
    main()
