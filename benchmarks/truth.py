"""How much is found of what stands on drawn pages: facts by kind, their boxes, and what was found that is none.

    python -m benchmarks.truth [--documents 200] [--seed N] [--by sort|language] [--show] [--out FOLDER] [--check]
    python -m benchmarks.truth --questions 20    what is asked about them from facts, and whether it is right

Documents of many sorts and layouts are drawn in eight languages, each with its facts (`benchmarks.truth_factory`).
Rules are developed on seed 1 and reported on others. `--check` only looks whether each fact's text is in its boxes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.truth_factory.checking import list_errors
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.factory import SORTS, draw_documents
from benchmarks.truth_factory.questions import Asked, QuestionScore, score_questions
from benchmarks.truth_factory.scoring import CELL_TEXTS, WITH_PATHS, Score, Tally, list_found, score_document
from docmatix.config import Window
from docmatix.core.documents import Document
from docmatix.facts.extraction import extract_document
from docmatix.pdf.settings import Extract
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.questions.question import FactQuestion
from docmatix.prompting.windows import cut_windows

DEVELOPMENT_SEED = 1


def read(pdf: bytes) -> Document | None:
    """As a build reads it, its tables and facts among the rest; None for what is refused."""
    document = extract_document(pdf, settings=Extract())
    return document if isinstance(document, Document) else None


def measure(documents: Sequence[Drawn], by: str | None, *, show: bool) -> tuple[dict[str, Score], float]:
    """The score of each group of documents (`by` None: of all), and the milliseconds a page."""
    scores: dict[str, Score] = defaultdict(Score)
    spent, pages = 0.0, 0
    for drawn in documents:
        start = time.process_time()
        document = read(drawn.pdf)
        spent += time.process_time() - start
        pages += drawn.pages
        found, cells = ([], []) if document is None else list_found(document)
        score = score_document(drawn, found, cells)
        scores[getattr(drawn, by) if by else "all"].add(score)
        if show:
            _show(drawn, score)
    return scores, spent / max(1, pages) * 1000


def _show(drawn: Drawn, score: Score) -> None:
    print(f"\n{drawn.sort} {drawn.seed} {drawn.language}")
    for fact in score.missed:
        print(f"  missed p{fact.page} {fact.kind}: {fact.label!r} = {fact.value!r}  path {fact.path}")
    for one in score.none:
        print(f"  none   p{one.page} {one.kind}: {one.label!r} = {one.value!r}  path {one.path}")


def print_score(name: str, score: Score) -> None:
    print(f"\n{name}\n| kind | drawn | found | | none | | boxes | paths |\n| --- |{' ---: |' * 7}")
    for kind in sorted(score.tallies):
        if kind != CELL_TEXTS:
            _print_row(kind, score.tallies[kind], paths=kind in WITH_PATHS)
    _print_row("**all**", score.total())
    if CELL_TEXTS in score.tallies:
        _print_row(CELL_TEXTS, score.tallies[CELL_TEXTS])


def _print_row(kind: str, tally: Tally, *, paths: bool = False) -> None:
    def share(part: int, whole: int) -> str:
        return f"{part / whole:.3f}" if whole else ""

    print(
        f"| {kind} | {tally.drawn} | {tally.found} | {share(tally.found, tally.drawn)} | {tally.none} "
        f"| {share(tally.none, tally.judged)} | {share(tally.boxes, tally.found)} "
        f"| {share(tally.paths, tally.found) if paths else ''} |"
    )


def ask(drawn: Drawn, per_page: int) -> list[tuple[list[int], list[FactQuestion]]]:
    """The windows of a document and what is asked about each from its facts."""
    document = read(drawn.pdf)
    return [] if document is None else ask_document(drawn, document, per_page)


def ask_document(drawn: Drawn, document: Document, per_page: int) -> list[tuple[list[int], list[FactQuestion]]]:
    """As `ask`, of the document as it was read."""
    windows = cut_windows(document.doc_id, document.pages, max_pages=Window().max_pages)
    asked = []
    for window in windows:
        limit = per_page * sum(page.reason is None for page in window.pages)
        questions = ask_facts(
            window.pages,
            language=document.language,
            key=window.sample_id,
            seed=drawn.seed,
            limit=limit,
        )
        asked.append((window.page_numbers, questions))
    return asked


def print_questions(documents: Sequence[Drawn], per_page: int, by: str | None, *, show: bool) -> None:
    """By kind, and by sort or language: how many were asked and are right, and which share of the facts was asked."""
    scores: dict[str, QuestionScore] = defaultdict(QuestionScore)
    for drawn in documents:
        score = score_questions(drawn, ask(drawn, per_page))
        for name in {getattr(drawn, by) if by else "all", "all"}:
            scores[name].add(score)
        if show:
            for kind, asked in score.kinds.items():
                for one in asked.wrong:
                    print(f"wrong {drawn.sort} {drawn.language} {drawn.seed} {kind}: {one.question} -> {one.answer}")
    for name, score in sorted(scores.items()):
        print(f"\n{name}\n| questions | asked | judged | right | boxes |\n| --- | ---: | ---: | ---: | ---: |")
        whole = Asked()
        for kind, asked in sorted(score.kinds.items()):
            whole.add(asked)
            _print_asked(kind, asked)
        _print_asked("**all**", whole)
        print("\n| facts | drawn | asked |\n| --- | ---: | ---: |")
        for kind, count in sorted(score.drawn.items()):
            print(f"| {kind} | {count} | {score.covered[kind] / count:.3f} |")
        if drawn_facts := sum(score.drawn.values()):
            print(f"| **all** | {drawn_facts} | {sum(score.covered.values()) / drawn_facts:.3f} |")


def _print_asked(kind: str, asked: Asked) -> None:
    right = f"{asked.right / asked.judged:.3f}" if asked.judged else ""
    boxes = f"{asked.boxes / asked.right:.3f}" if asked.right else ""
    print(f"| {kind} | {asked.asked} | {asked.judged} | {right} | {boxes} |")


def write(documents: Sequence[Drawn], folder: Path) -> None:
    """Each document and its truth, for people to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    for drawn in documents:
        stem = f"{drawn.sort}_{drawn.language}_{drawn.seed}"
        (folder / f"{stem}.pdf").write_bytes(drawn.pdf)
        truth = {"complete": sorted(drawn.complete_kinds), "facts": [fact._asdict() for fact in drawn.facts]}
        (folder / f"{stem}.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--sorts", nargs="*", choices=sorted(SORTS), help="only documents of these sorts")
    parser.add_argument("--by", choices=["sort", "language"], help="a table for each of them")
    parser.add_argument("--show", action="store_true", help="list what was missed and what is none")
    parser.add_argument("--out", type=Path, help="write the PDFs and their truth into a folder")
    parser.add_argument("--questions", type=int, metavar="N", help="ask N questions a page from facts, and judge them")
    parser.add_argument("--check", action="store_true", help="only check that each fact's text stands in its boxes")
    given = parser.parse_args()
    documents = [
        one for one in draw_documents(given.documents, given.seed) if not given.sorts or one.sort in given.sorts
    ]
    if given.out:
        write(documents, given.out)
    if given.check:
        errors = [error for drawn in documents for error in list_errors(drawn)]
        print("\n".join([*errors, f"{len(documents)} documents, {len(errors)} errors"]))
        sys.exit(1 if errors else 0)
    if given.questions:
        print_questions(documents, given.questions, given.by, show=given.show)
        return
    scores, milliseconds = measure(documents, given.by, show=given.show)
    for name, score in sorted(scores.items()):
        print_score(name, score)
    if given.by:
        whole = Score()
        for score in scores.values():
            whole.add(score)
        print_score("all", whole)
    print(f"\n{len(documents)} documents, {sum(one.pages for one in documents)} pages, {milliseconds:.1f} ms a page")


if __name__ == "__main__":
    main()
