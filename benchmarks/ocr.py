"""How much of what is printed on scanned pages is read, and what is found and asked about it, by engine, resolution and
state of the paper.

    python -m benchmarks.ocr [--documents 60] [--seed N] [--engines tesseract] [--dpi 100 150 200] [--show]

Documents are drawn in English and German (`benchmarks.truth_factory`), scanned (`benchmarks.scans`) and read; the truth
is the text layer that they were drawn with. Words must be the same sign for sign; leaders of dots are none. Facts and
questions are judged as by `benchmarks.truth`, beside those of the born-digital document. Seconds are of CPU time.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import get_args

from benchmarks.scanned_documents import ReadPage, find_scanned_facts, read_scan
from benchmarks.scans import State, scan_pages
from benchmarks.truth import ask_document, read
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.factory import draw_documents
from benchmarks.truth_factory.questions import QuestionScore, score_questions
from benchmarks.truth_factory.scoring import CELL_TEXTS, Score, list_found, score_document
from docmatix.core.documents import Box, Document, Page
from docmatix.core.errors import SetupError
from docmatix.pdf.ocr import OCR_ENGINES
from docmatix.pdf.ocr.engine import OcrEngine

LANGUAGES = {"en": "eng", "de": "deu"}  # the factory's names and Tesseract's
DEVELOPMENT_SEED = 1
PER_PAGE = 20  # questions
BOUNDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass
class Tally:
    """What was read of some pages, and found and asked about their documents."""

    pages: int = 0
    printed: int = 0
    read: int = 0
    same: int = 0
    turns_right: int = 0
    overlaps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    resolutions: list[int] = field(default_factory=list)
    sure: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """The confidences of words that are printed so, and of others."""
    facts: Score = field(default_factory=Score)
    questions: QuestionScore = field(default_factory=QuestionScore)

    def add(self, page: Page, one: ReadPage) -> None:
        printed = Counter(word.text for word in page.words if not is_leader(word.text))
        words = [word for word in one.reading.words if not is_leader(word.text)]
        read = Counter(word.text for word in words)
        self.pages += 1
        self.printed += printed.total()
        self.read += read.total()
        self.same += (printed & read).total()
        self.turns_right += one.reading.straightening.turns == -one.scan.turns % 4
        self.overlaps += measure_overlaps(page, one)
        self.seconds.append(one.seconds)
        self.resolutions.append(one.reading.dpi)
        for word in words:
            self.sure[word.text in printed].append(word.confidence)

    def add_document(self, drawn: Drawn, document: Document) -> None:
        found, cells = list_found(document)
        score = score_document(drawn, found, cells)
        self.facts.add(score)
        self.facts.missed += score.missed
        self.facts.none += score.none
        self.questions.add(score_questions(drawn, ask_document(drawn, document, PER_PAGE)))


def is_leader(text: str) -> bool:
    """Whether a word is one or more of the dots that lead to a number."""
    return not text.strip("._…")


def measure_overlaps(page: Page, one: ReadPage) -> list[float]:
    """Of each word that is printed and read just once on the page: what the two boxes share of what they cover."""
    printed = _list_single((word.text, word.box) for word in page.words)
    read = _list_single((word.text, one.to_printed(word.box)) for word in one.reading.words)
    return [_overlap(printed[text], read[text]) for text in printed.keys() & read.keys()]


def _list_single(words: Iterable[tuple[str, Box]]) -> dict[str, Box]:
    boxes = defaultdict(list)
    for text, box in words:
        boxes[text].append(box)
    return {text: places[0] for text, places in boxes.items() if len(places) == 1}


def _overlap(one: Box, other: Box) -> float:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    shared = max(0.0, across) * max(0.0, down)
    areas = sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def choose_documents(count: int, seed: int) -> list[Drawn]:
    """So many of the factory's documents in the languages that are read."""
    drawn = (one for one in draw_documents(count * 8, seed) if one.language in LANGUAGES)
    return [one for _, one in zip(range(count), drawn, strict=False)]


def list_engines(names: Sequence[str] | None) -> dict[str, type[OcrEngine]]:
    """The engines by name that are installed with the models of both languages."""
    found = {}
    for kind in OCR_ENGINES:
        name = kind.get_name()
        if name in ("auto", "none") or (names and name not in names):
            continue
        try:
            kind(kind=name, languages=tuple(LANGUAGES.values())).check()
        except SetupError as error:
            print(f"{name} is left out: {error}")
            continue
        found[name] = kind
    return found


def measure(documents: Sequence[Drawn], kind: type[OcrEngine], *, dpi: int, state: State, show: bool) -> Tally:
    """One engine at one resolution and state of the paper."""
    tally = Tally()
    for drawn in documents:
        truth = read(drawn.pdf)
        if truth is None:
            continue
        engine = kind(kind=kind.get_name(), languages=(LANGUAGES[drawn.language],))
        done = [read_scan(scan, engine) for scan in scan_pages(drawn.pdf, dpi=dpi, state=state, seed=drawn.seed)]
        for page, one in zip(truth.pages, done, strict=True):
            tally.add(page, one)
            if show:
                _show(drawn, page, one)
        tally.add_document(drawn, find_scanned_facts(truth.pages, done, engine.min_confidence))
    if show:
        _show_facts(tally)
    return tally


def measure_born_digital(documents: Sequence[Drawn]) -> Tally:
    """The facts of the text layer, and what is asked about them."""
    tally = Tally()
    for drawn in documents:
        if (document := read(drawn.pdf)) is not None:
            tally.add_document(drawn, document)
    return tally


def _show(drawn: Drawn, page: Page, one: ReadPage) -> None:
    printed = Counter(word.text for word in page.words if not is_leader(word.text))
    read = Counter(word.text for word in one.reading.words if not is_leader(word.text))
    print(f"\n{drawn.sort} {drawn.seed} {drawn.language} page {page.number}, {one.reading.dpi} dpi")
    print(f"  printed, not read: {' '.join(list((printed - read).elements())[:40])}")
    print(f"  read, not printed: {' '.join(list((read - printed).elements())[:40])}")


def _show_facts(tally: Tally) -> None:
    for fact in tally.facts.missed:
        print(f"missed p{fact.page} {fact.kind}: {fact.label!r} = {fact.value!r}  path {fact.path}")
    for one in tally.facts.none:
        print(f"none p{one.page} {one.kind}: {one.label!r} = {one.value!r}  path {one.path}")
    for kind, asked in tally.questions.kinds.items():
        for question in asked.wrong:
            print(f"wrong {kind}: {question.question} -> {question.answer}")


def print_words(name: str, tally: Tally) -> None:
    figures = [
        f"{tally.same / max(1, tally.printed):.3f}",
        f"{tally.same / max(1, tally.read):.3f}",
        f"{mean(tally.overlaps):.2f}" if tally.overlaps else "",
        f"{tally.turns_right}/{tally.pages}",
        f"{median(tally.resolutions):.0f}",
        f"{mean(tally.seconds):.2f}",
        f"{max(tally.seconds):.1f}",
    ]
    print(f"| {name} | {' | '.join(figures)} |", flush=True)


def print_facts(tallies: dict[str, Tally], digital: Tally) -> None:
    """Of the facts drawn: the share that is found, by kind; then what is asked."""
    names = list(tallies)
    print(f"\n| facts found | drawn | layer | {' | '.join(names)} |\n| --- |{' ---: |' * (len(names) + 2)}")
    for kind in sorted(digital.facts.tallies):
        drawn = digital.facts.tallies[kind].drawn
        if not drawn:
            continue
        shares = [each.facts.tallies[kind].found / drawn for each in (digital, *tallies.values())]
        print(f"| {kind} | {drawn} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    totals = [each.facts.total() for each in (digital, *tallies.values())]
    found = " | ".join(f"{each.found / max(1, each.drawn):.3f}" for each in totals)
    print(f"| **all** but {CELL_TEXTS} | {totals[0].drawn} | {found} |")
    none = " | ".join(f"{each.none / max(1, each.judged):.3f}" for each in totals)
    print(f"| found and none | | {none} |")
    print("\n| paper | asked | of the layer's | right | boxes | facts asked about | of the layer's |")
    print(f"| --- |{' ---: |' * 6}")
    base = _count_questions(digital)
    for name, tally in (("layer", digital), *tallies.items()):
        asked, judged, right, boxes, covered = _count_questions(tally)
        drawn = max(1, sum(digital.questions.drawn.values()))
        print(
            f"| {name} | {asked} | {asked / max(1, base[0]):.2f} | {right / max(1, judged):.3f} "
            f"| {boxes / max(1, right):.3f} | {covered / drawn:.3f} | {covered / max(1, base[4]):.2f} |"
        )


def _count_questions(tally: Tally) -> tuple[int, int, int, int, int]:
    kinds = tally.questions.kinds.values()
    counts = (sum(getattr(kind, name) for kind in kinds) for name in ("asked", "judged", "right", "boxes"))
    asked, judged, right, boxes = counts
    return asked, judged, right, boxes, sum(tally.questions.covered.values())


def print_confidence(tallies: dict[str, Tally]) -> None:
    """Of the words that are wrong, and of those that are right: the share below each bound."""
    print(f"\n| below | {' | '.join(f'{bound:.1f}' for bound in BOUNDS)} |\n| --- |{' ---: |' * len(BOUNDS)}")
    for name, tally in tallies.items():
        for right, word in ((False, "wrong"), (True, "right")):
            sure = tally.sure[right]
            shares = [sum(each < bound for each in sure) / max(1, len(sure)) for bound in BOUNDS]
            print(f"| {name}, {word} ({len(sure)}) | {' | '.join(f'{share:.3f}' for share in shares)} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ocr", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--engines", nargs="*")
    parser.add_argument("--dpi", nargs="*", type=int, default=[100, 150, 200])
    parser.add_argument("--states", nargs="*", choices=get_args(State), default=get_args(State))
    parser.add_argument("--show", action="store_true", help="list what is missing and wrong")
    given = parser.parse_args()
    documents = choose_documents(given.documents, given.seed)
    print(f"{len(documents)} documents, {sum(one.pages for one in documents)} pages")
    digital = measure_born_digital(documents)
    for name, kind in list_engines(given.engines).items():
        print(f"\n| {name} | recall | precision | boxes | upright | read at | s a page | longest |")
        print(f"| --- |{' ---: |' * 7}")
        tallies: dict[str, Tally] = {}
        for dpi in given.dpi:
            for state in given.states:
                tallies[f"{dpi} {state}"] = measure(documents, kind, dpi=dpi, state=state, show=given.show)
                print_words(f"{dpi} {state}", tallies[f"{dpi} {state}"])
        print_facts(tallies, digital)
        print_confidence(tallies)


if __name__ == "__main__":
    main()
