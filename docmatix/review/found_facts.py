"""What was found on the pages of a run, beside their pictures: kind, label, value and path, numbered as in the picture.

ds[3].facts, ds.facts(doc_id, [2]), ds.sample_facts(5, seed=0)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from docmatix.core.documents import Fact, Page
from docmatix.core.draws import draw
from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_line, make_printable
from docmatix.dataset.pictures import Mark
from docmatix.facts.listing import MIN_CONFIDENCE, list_facts
from docmatix.pipeline import EXTRACT
from docmatix.review.displays import Pictured, describe_pages, show_sample
from docmatix.review.samples import draw_pages
from docmatix.review.source_pages import Place, render_places
from docmatix.stages.support.job import Job
from docmatix.storage.document_rows import DocumentCursor, group_documents
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.schemas import EXTRACT_WITHOUT_WORDS

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN = 120
"""Facts of a page that are shown; a table may have thousands of cells."""


@dataclass(frozen=True, slots=True)
class FoundFacts(Sequence[Fact]):
    """The facts of some pages of one document; a notebook displays them beside the pages, if the source is there."""

    job: Job
    place: Place
    source_uri: str
    by_page: Mapping[int, list[Fact]]
    fetch: bool = False

    @overload
    def __getitem__(self, index: int) -> Fact: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fact]: ...
    def __getitem__(self, index: int | slice) -> Fact | list[Fact]:
        return [fact for facts in self.by_page.values() for fact in facts][index]

    def __len__(self) -> int:
        return sum(map(len, self.by_page.values()))

    @property
    def title(self) -> str:
        return f"{self.source_uri}, {describe_pages(self.place.page_numbers)}"

    def read_pages(self) -> list[Pictured]:
        """The pages with the boxes of their facts; without pictures where the source is not at hand."""
        found = render_places(self.job, [self.place], fetch=self.fetch).get(self.place)
        pages = found or [Pictured(number, None) for number in self.place.page_numbers]
        marks: dict[int, list[Mark]] = {}
        for number, page, fact in self._number():
            marks.setdefault(page, []).extend(Mark(number, box) for box in (*fact.label_boxes, *fact.boxes))
        return [page._replace(marks=marks.get(page.number, ())) for page in pages]

    def draw(self, *, max_width_px: int = 900) -> list[Image]:
        """The pages with numbered boxes."""
        return draw_pages(self.read_pages(), max_width_px=max_width_px)

    def describe(self, *, width: int = 100) -> list[str]:
        """A line or more for each fact, numbered as in the pictures."""
        lines: list[str] = []
        for number, _, fact in self._number():
            first = f"{number:4} {_describe_kind(fact):14}"
            said = make_printable(" ".join(describe_fact(fact).split()))
            lines += textwrap.wrap(said, width, initial_indent=first, subsequent_indent=" " * 19) or [first.rstrip()]
        hidden = sum(max(0, len(facts) - SHOWN) for facts in self.by_page.values())
        return [*lines, f"     ... and {hidden:,} more"] if hidden else lines or ["     nothing was found"]

    def _number(self) -> Iterator[tuple[int, int, Fact]]:
        """The facts that are shown, each with its number, from 1, and its page."""
        shown = ((page, fact) for page, facts in self.by_page.items() for fact in facts[:SHOWN])
        for number, (page, fact) in enumerate(shown, 1):
            yield number, page, fact

    def __repr__(self) -> str:
        return "\n".join([make_line(self.title), *self.describe()])

    def _repr_html_(self) -> str:
        listed = [{"question": _describe_kind(fact), "answer": describe_fact(fact)} for _, _, fact in self._number()]
        return show_sample(self.title, self.read_pages(), listed)


def describe_fact(fact: Fact) -> str:
    """`Sales > 2020 > North: 45`, as far as a fact has path, label and value."""
    names = [*fact.path, *([fact.label] if fact.label and fact.kind != "cell" else [])]
    return f"{' > '.join(names)}: {fact.value}" if names else fact.value


def _describe_kind(fact: Fact) -> str:
    return fact.kind if fact.confidence >= MIN_CONFIDENCE else f"{fact.kind} ?"


def find_facts(job: Job, doc_id: str, page_numbers: Sequence[int] | None = None, *, fetch: bool = False) -> FoundFacts:
    """What was found on these pages of a document, or on all of them. Raises SetupError where it was not read."""
    for shard in job.run.shards(EXTRACT):
        if any(row["doc_id"] == doc_id for row in job.run.iterate_rows(EXTRACT, shard, columns=["doc_id"])):
            rows = job.run.iterate_rows(EXTRACT, shard, columns=EXTRACT_WITHOUT_WORDS)
            for document, pages in group_documents(rows):
                if document["doc_id"] == doc_id:
                    wanted = (page for page in pages if page_numbers is None or page["number"] in page_numbers)
                    return _collect(job, shard, document, list(map(page_from_row, wanted)), fetch=fetch)
    raise SetupError(f"This run has read no document {doc_id or 'without an id'}.")


def draw_facts(job: Job, count: int, *, seed: int, fetch: bool = False) -> list[FoundFacts]:
    """What was found on `count` usable pages drawn by content and seed, one each, in the order of the plan."""
    columns = ["doc_id", "index", "pages.list.element.number", "pages.list.element.reason"]
    usable = (
        (shard, row["index"], row["doc_id"], page["number"])
        for shard in job.run.shards(EXTRACT)
        for row in job.run.iterate_rows(EXTRACT, shard, columns=columns)
        for page in row["pages"] or ()
        if page["reason"] is None
    )
    found: list[FoundFacts] = []
    for shard, index, _, number in draw(usable, count, seed=seed, key=lambda page: f"{page[2]}/{page[3]}"):
        documents = DocumentCursor(job.run.iterate_rows(EXTRACT, shard, columns=EXTRACT_WITHOUT_WORDS))
        document = documents.find(index)
        assert document is not None, "a document that has just been read"
        pages = [page_from_row(page) for page in documents.take_pages([number])]
        found.append(_collect(job, shard, document, pages, fetch=fetch))
    return found


def _collect(job: Job, shard: int, row: Mapping[str, Any], pages: Sequence[Page], *, fetch: bool) -> FoundFacts:
    place = Place(shard, row["index"], row["doc_id"], tuple(page.number for page in pages))
    return FoundFacts(job, place, row["source_uri"], {page.number: list_facts(page) for page in pages}, fetch)
