"""Samples: rows of a collection that display their pages and pairs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from docmatix.core.terminal import make_printable, make_visible
from docmatix.dataset.pictures import decode_picture, draw_marks
from docmatix.dataset.rows import read_texts
from docmatix.review.displays import Pictured, describe_facts, describe_pages, show_sample, show_text
from docmatix.review.source_pages import mark_pages

if TYPE_CHECKING:
    from PIL.Image import Image

    from docmatix.review.collection import Collection
    from docmatix.review.found_facts import FoundFacts

SHOWN = 10
"""Samples that a notebook displays at once; a page is about 100 kB."""


class Sample(Mapping[str, Any]):
    """One row: the published fields by name (`images` as Pillow images), its `pairs`, and its `position`."""

    def __init__(self, collection: Collection, position: int, row: Mapping[str, Any]) -> None:
        self.collection, self.position, self.row = collection, position, row

    def __getitem__(self, name: str) -> Any:
        return self.images if name == "images" else self.row[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["images", *self.row])

    def __len__(self) -> int:
        return 1 + len(self.row)

    @property
    def pairs(self) -> list[dict[str, Any]]:
        return list(list_pairs(self.row))

    @property
    def title(self) -> str:
        """Its source and pages."""
        return describe_origin(self.row)

    def read_pages(self) -> list[Pictured]:
        """Its pages as image files with the evidence of its pairs; numbered from 1 where the row has no numbers."""
        images = self.collection.read_images(self.position)
        numbers = self.row.get("page_numbers") or range(1, len(images) + 1)
        images = images or [None] * len(numbers)
        return mark_pages([Pictured(number, data) for number, data in zip(numbers, images, strict=True)], self.pairs)

    @property
    def images(self) -> list[Image]:
        """The pages as published; unreadable ones are left out."""
        opened = (decode_picture(page.data, max_width_px=1 << 15) for page in self.read_pages())
        return [image for image in opened if image is not None]

    @property
    def facts(self) -> FoundFacts:
        """What was found on its pages. Raises SetupError if it is not of a run."""
        return self.collection.facts(self.row.get("doc_id", ""), self.row.get("page_numbers"))

    def draw(self, *, max_width_px: int = 900) -> list[Image]:
        """The pages with numbered evidence boxes."""
        return draw_pages(self.read_pages(), max_width_px=max_width_px)

    def __repr__(self) -> str:
        return f"[{self.position}] {describe_row(self.row)}"

    def _repr_html_(self) -> str:
        return show_sample(f"[{self.position}] {self.title}", self.read_pages(), self.pairs)


class Samples(Sequence[Sample]):
    """Some samples of a collection, read on access; a notebook displays the first ten."""

    def __init__(self, collection: Collection, positions: Sequence[int]) -> None:
        self.collection, self.positions = collection, positions

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self.collection, self.positions[index])
        return self.collection[self.positions[index]]

    def __iter__(self) -> Iterator[Sample]:
        for position, row in self.collection.read_rows(self.positions, images=False):
            yield Sample(self.collection, position, row)

    def __repr__(self) -> str:
        shown = [repr(sample) for sample in self[:SHOWN]]
        return "\n\n".join([*shown, *self._say_rest()]) or "no samples"

    def _repr_html_(self) -> str:
        shown = [sample._repr_html_() for sample in self[:SHOWN]]
        return "".join([*shown, *map(show_text, self._say_rest())]) or show_text("no samples")

    def _say_rest(self) -> list[str]:
        rest = len(self) - SHOWN
        return [f"... and {rest:,} more"] if rest > 0 else []


def list_pairs(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The pairs of a row: `question`, `answer`, `source_uri`, and the annotations."""
    texts = read_texts(row)
    annotations = row.get("annotations") or [{}] * len(texts)
    for text, annotation in zip(texts, annotations, strict=True):
        source = row.get("source_uri") or text["source"]
        yield {"question": text["user"], "answer": text["assistant"], "source_uri": source, **annotation}


def describe_origin(row: Mapping[str, Any]) -> str:
    """The source and pages of a row."""
    texts = read_texts(row)
    source = row.get("source_uri") or (texts[0]["source"] if texts else "")
    pages = describe_pages(row.get("page_numbers"))
    return f"{source}, {pages}" if pages else str(source)


def draw_pages(pages: Iterable[Pictured], *, max_width_px: int) -> list[Image]:
    """The readable pages with their marks drawn in."""
    opened = ((decode_picture(page.data, max_width_px=max_width_px), page.marks) for page in pages)
    return [draw_marks(picture, marks) for picture, marks in opened if picture is not None]


def describe_row(row: Mapping[str, Any], *, width: int = 100, numbered: bool = False) -> str:
    """A sample for the terminal: its origin and its pairs, `numbered` as in its pictures."""
    lines = [make_visible(describe_origin(row))]
    for number, pair in enumerate(list_pairs(row), 1):
        lines += _describe_pair(pair, width, number=number if numbered else None)
    return "\n".join(lines)


def describe_pair(pair: Mapping[str, Any], *, width: int = 100) -> str:
    """One pair for the terminal, with its source."""
    return "\n".join([*_describe_pair(pair, width), f"     {make_visible(str(pair['source_uri']))}"])


def _describe_pair(pair: Mapping[str, Any], width: int, *, number: int | None = None) -> list[str]:
    first = "  Q  " if number is None else f"{number:3} Q "[-5:].ljust(5)
    question, answer = make_printable(pair["question"]), make_printable(pair["answer"])
    lines = textwrap.wrap(question, width, initial_indent=first, subsequent_indent="     ")
    lines += textwrap.wrap(answer, width, initial_indent="  A  ", subsequent_indent="     ")
    facts = ", ".join(map(make_visible, describe_facts(pair)))
    return [*lines, f"     [{facts}]"] if facts else lines
