"""How well profiles tell what is on drawn pages: charts, tables, forms, letters, slides and more.

    python -m benchmarks.profiles [--documents 200] [--seed N] [--show]

A score of 0.5 or more is a yes, as is one table. Rules are developed on seed 1 and reported on others.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.truth import DEVELOPMENT_SEED
from benchmarks.truth_factory import forms, letters, slides
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.factory import draw_documents
from docmatix.core.documents import Page, Refusal
from docmatix.core.profiles import Profile
from docmatix.facts.extraction import find_facts
from docmatix.facts.profile import profile_page
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.reading import read_pages
from docmatix.pdf.settings import Extract

YES = 0.5
OF_SORTS = {"form": forms.SORT, "letter": letters.SORT, "slide": slides.SORT}
SHOWN = ("chart", "code", "contents", "references")


class Judged(NamedTuple):
    """A page, and what is true of it: None where either answer is right."""

    drawn: Drawn
    page: Page
    drawing: Drawing
    truth: dict[str, bool | None]


def read(pdf: bytes) -> list[tuple[Page, Drawing]]:
    """The pages of a PDF with their facts, and what is drawn on them."""
    found = read_pages(pdf, settings=Extract(), with_drawings=True)
    if isinstance(found, Refusal):
        return []
    usable = [
        (page, drawing)
        for page, drawing in zip(found.document.pages, found.drawings, strict=True)
        if page.reason is None
    ]
    pages = iter(find_facts([page for page, _ in usable], [drawing for _, drawing in usable]))
    return [
        (page if page.reason else next(pages), drawing)
        for page, drawing in zip(found.document.pages, found.drawings, strict=True)
    ]


def list_truth(drawn: Drawn, number: int) -> dict[str, bool | None]:
    """What is true of a page of a drawn document."""
    shown = {name for page, name in drawn.shown if page == number}
    facts = [fact for fact in drawn.facts if fact.page == number]
    truth: dict[str, bool | None] = {name: name in shown for name in SHOWN}
    truth |= {name: drawn.sort == sort for name, sort in OF_SORTS.items()}
    if truth["letter"] and number > 1:
        truth["letter"] = None  # its last lines
    sure = any(fact.kind == "table" and not fact.optional for fact in facts)
    open_to_both = "table" not in drawn.complete_kinds or any(fact.kind == "table" for fact in facts)
    truth["tables"] = True if sure else None if open_to_both else False
    captioned = any(fact.kind == "caption" and not fact.optional for fact in facts)
    truth["figure"] = captioned if shown & {"chart", "diagram"} else False
    return truth


def judge(documents: Sequence[Drawn]) -> Iterator[Judged]:
    for drawn in documents:
        for page, drawing in read(drawn.pdf):
            yield Judged(drawn, page, drawing, list_truth(drawn, page.number))


def says(profile: Profile, name: str) -> bool:
    value: float = getattr(profile, name)
    return value >= (1 if name == "tables" else YES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--show", action="store_true", help="list the pages that are told wrongly")
    given = parser.parse_args()
    counts: Counter[tuple[str, bool, bool]] = Counter()
    spent, pages = 0.0, 0
    for one in judge(list(draw_documents(given.documents, given.seed))):
        start = time.process_time()
        profile = profile_page(one.page, one.drawing)
        spent += time.process_time() - start
        pages += 1
        for name, true in one.truth.items():
            if true is None:
                continue
            said = says(profile, name)
            counts[name, true, said] += 1
            if given.show and said != true:
                where = f"{one.drawn.sort}_{one.drawn.language}_{one.drawn.seed}.pdf p{one.page.number}"
                print(f"{'missed' if true else 'false'} {name} {getattr(profile, name)}: {where}")
    print("| what | pages | recall | precision |\n| --- | ---: | ---: | ---: |")
    for name in dict.fromkeys(name for name, _, _ in counts):
        right, missed, false = counts[name, True, True], counts[name, True, False], counts[name, False, True]
        recall, precision = right / max(1, right + missed), right / max(1, right + false)
        print(f"| {name} | {right + missed} | {recall:.3f} | {precision:.3f} |")
    print(f"\n{pages} pages, {spent / max(1, pages) * 1000:.2f} ms a page")


if __name__ == "__main__":
    main()
