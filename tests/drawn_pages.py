"""Pages made by code, drawn in the orders that programs draw in, and what must be read before what.

The kinds of checks are those of olmOCR-bench: text that is present, text that is absent, order, and rows of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from docmatix.core.documents import locate_words
from docmatix.pdf.reading import open_pdf, read_page
from docmatix.text.sentences import split_sentences

Placed = tuple[float, float, str]
"""Left edge and baseline in points from the top left, and a line of text."""


@dataclass(frozen=True)
class Case:
    """A page: its lines in drawing order, what its text must hold in this order, lines that it must have, texts that it
    must not have, and sentences that must be found in it."""

    drawn: Sequence[Placed]
    order: Sequence[str] = ()
    lines: Sequence[str] = ()
    absent: Sequence[str] = ()
    sentences: Sequence[str] = ()
    size: float = 10
    rotation: int = 0


def stack(x: float, y: float, texts: Iterable[str], *, step: float = 13) -> list[Placed]:
    """Lines below each other; `""` leaves its place empty."""
    return [(x, y + step * row, text) for row, text in enumerate(texts) if text]


def across(*columns: Sequence[Placed]) -> list[Placed]:
    """The lines of columns in the order of their baselines, from left to right."""
    return sorted(chain(*columns), key=lambda placed: (placed[1], placed[0]))


COUNCIL = [
    "The council of the town met on Monday",
    "and agreed on the budget for the next",
    "year, which is larger than the last one",
    "by twelve percent, and all the members",
    "who were present voted in favour of it",
    "after a debate of more than two hours.",
]
SPORT = [
    "In sport the local team won the third",
    "match of the season by two goals to one",
    "against the visitors from the coast, who",
    "had not lost a single game before this",
    "and who will meet them again in spring",
    "when the new stadium will be opened.",
]
WEATHER = [
    "The weather will be mild and dry on",
    "Tuesday and Wednesday, with light wind",
    "from the west and some rain later in",
    "the week, when the temperature falls to",
    "seven degrees at night and to twelve in",
    "the afternoon on the whole coast.",
]
TITLE = "The Courier of the Valley reports on the events of the week"
MEMBERS = ["Anna Berg", "Karl Dorn", "Eva Falk", "Hugo Immel"]


def write_case(case: Case) -> bytes:
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    page.set_rotation(case.rotation)
    for x, y, text in case.drawn:
        point = pymupdf.Point(x, y) * page.derotation_matrix
        page.insert_text(point, text, fontsize=case.size, rotate=case.rotation)
    return bytes(document.tobytes())


def check(case: Case) -> None:
    """Read the page of a case and compare it with what must hold."""
    page = read_page(open_pdf(write_case(case)), 0, min_words=1)
    lines, text = page.text.split("\n"), " ".join(page.text.split())
    for line in case.lines:
        assert line in lines, page.text
    at = 0
    for part in case.order:
        found = text.find(part, at)
        assert found >= 0, f"{part!r} is not after what must be before it:\n{page.text}"
        at = found + len(part)
    for part in case.absent:
        assert part not in text, page.text
    skip = [False] * len(page.words)
    sentences = {sentence.text for sentence in split_sentences(page.words, locate_words(page.words), skip)}
    for part in case.sentences:
        assert part in sentences, page.text
