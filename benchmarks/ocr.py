"""How much of what is printed on scanned pages is read, by engine, resolution and state of the paper.

    python -m benchmarks.ocr [--documents 60] [--seed N] [--engines tesseract] [--dpi 100 150 200] [--show]

Documents are drawn in English and German (`benchmarks.truth_factory`), scanned (`benchmarks.scans`) and read; the truth
is the text layer that they were drawn with. Words must be the same sign for sign. Seconds are of CPU time.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import get_args

from benchmarks.scans import Scan, State, draw_grey, scan_pages
from benchmarks.truth_factory.drawn import Drawn
from benchmarks.truth_factory.factory import draw_documents
from docmatix.core.documents import Box, Page, Refusal
from docmatix.core.errors import SetupError
from docmatix.pdf.ocr import OCR_ENGINES
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.ocr.results import OcrReading
from docmatix.pdf.reading import read_document
from docmatix.pdf.settings import Extract

LANGUAGES = {"en": "eng", "de": "deu"}  # the factory's names and Tesseract's
DEVELOPMENT_SEED = 1


@dataclass
class Tally:
    """What was read of some pages."""

    pages: int = 0
    printed: int = 0
    read: int = 0
    same: int = 0
    turns_right: int = 0
    overlaps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    resolutions: list[int] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    def add(self, page: Page, scan: Scan, reading: OcrReading, seconds: float) -> None:
        printed = Counter(word.text for word in page.words)
        read = Counter(word.text for word in reading.words)
        self.pages += 1
        self.printed += printed.total()
        self.read += read.total()
        self.same += (printed & read).total()
        self.turns_right += reading.straightening.turns == -scan.turns % 4
        if not scan.turns and not scan.skew:
            self.overlaps += measure_overlaps(page, reading)
        self.seconds.append(seconds)
        self.resolutions.append(reading.dpi)
        if (confidence := reading.confidence) is not None:
            self.confidences.append(confidence)


def measure_overlaps(page: Page, reading: OcrReading) -> list[float]:
    """Of each word that is printed and read just once on the page: what the two boxes share of what they cover."""
    printed = _list_single((word.text, word.box) for word in page.words)
    read = _list_single((word.text, reading.straightening.to_page(word.box)) for word in reading.words)
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


def read_scan(scan: Scan, engine: OcrEngine) -> tuple[OcrReading, float]:
    """What is read of a page, and the seconds of CPU time."""
    import pymupdf

    with pymupdf.open("pdf", scan.pdf) as document:
        page = document.load_page(0)
        start = time.process_time()
        reading = read_picture(lambda dpi: draw_grey(page, dpi), engine)
        return reading, time.process_time() - start


def measure(documents: Sequence[Drawn], kind: type[OcrEngine], *, dpi: int, state: State, show: bool) -> Tally:
    """One engine at one resolution and state of the paper."""
    tally = Tally()
    for drawn in documents:
        truth = read_document(drawn.pdf, settings=Extract())
        if isinstance(truth, Refusal):
            continue
        engine = kind(kind=kind.get_name(), languages=(LANGUAGES[drawn.language],))
        scans = scan_pages(drawn.pdf, dpi=dpi, state=state, seed=drawn.seed)
        for page, scan in zip(truth.pages, scans, strict=True):
            reading, seconds = read_scan(scan, engine)
            tally.add(page, scan, reading, seconds)
            if show:
                _show(drawn, page, reading)
    return tally


def _show(drawn: Drawn, page: Page, reading: OcrReading) -> None:
    printed = Counter(word.text for word in page.words)
    read = Counter(word.text for word in reading.words)
    print(f"\n{drawn.sort} {drawn.seed} {drawn.language} page {page.number}, {reading.dpi} dpi")
    print(f"  printed, not read: {' '.join(list((printed - read).elements())[:40])}")
    print(f"  read, not printed: {' '.join(list((read - printed).elements())[:40])}")


def print_tally(name: str, dpi: int, state: str, tally: Tally) -> None:
    figures = [
        f"{tally.same / max(1, tally.printed):.3f}",
        f"{tally.same / max(1, tally.read):.3f}",
        f"{mean(tally.overlaps):.2f}" if tally.overlaps else "",
        f"{tally.turns_right}/{tally.pages}",
        f"{median(tally.resolutions):.0f}",
        f"{mean(tally.confidences):.2f}" if tally.confidences else "",
        f"{mean(tally.seconds):.2f}",
        f"{max(tally.seconds):.1f}",
    ]
    print(f"| {name} | {dpi} | {state} | {' | '.join(figures)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ocr", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--engines", nargs="*")
    parser.add_argument("--dpi", nargs="*", type=int, default=[100, 150, 200])
    parser.add_argument("--states", nargs="*", choices=get_args(State), default=get_args(State))
    parser.add_argument("--show", action="store_true", help="list the words that are missing and wrong")
    given = parser.parse_args()
    documents = choose_documents(given.documents, given.seed)
    print(f"{len(documents)} documents, {sum(one.pages for one in documents)} pages")
    print("| engine | dpi | paper | recall | precision | boxes | upright | read at | confidence | s a page | longest |")
    print(f"| --- | ---: | --- |{' ---: |' * 8}")
    for name, kind in list_engines(given.engines).items():
        for dpi in given.dpi:
            for state in given.states:
                tally = measure(documents, kind, dpi=dpi, state=state, show=given.show)
                print_tally(name, dpi, state, tally)


if __name__ == "__main__":
    main()
