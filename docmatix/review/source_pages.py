"""Renders pages from the source of a run again, since what was dropped is in no dataset.

A run may come from anybody: documents are opened in the sandbox, and its plan is followed only within its own
`source.paths`, and to other machines only with `fetch`, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from docmatix.core.documents import Refusal
from docmatix.core.errors import DocmatixError, SourceGone
from docmatix.dataset.pictures import mark_evidence
from docmatix.review.displays import Pictured, describe_pages, show_sample

if TYPE_CHECKING:
    from docmatix.pdf.sandbox import Sandbox
    from docmatix.pdf.settings import Rendering
    from docmatix.stages.support.job import Job

PLACES_SHOWN = 8
"""Windows rendered at once, at 50 to 200 ms a page."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Pages of a run's source: the document's shard, index in the plan and id, and page numbers from 1."""

    shard: int
    index: int
    doc_id: str
    page_numbers: tuple[int, ...]


def render_places(
    job: Job,
    places: Iterable[Place],
    *,
    limit: int = PLACES_SHOWN,
    fetch: bool = False,
    refused: dict[Place, Refusal] | None = None,
) -> dict[Place, list[Pictured]]:
    """The pages of the first `limit` different places. One that cannot be rendered is missing; the reason goes into
    `refused`. Sources on other machines are asked only with `fetch`."""
    from docmatix.pdf.sandbox import Sandbox
    from docmatix.pdf.settings import Rendering

    settings = Rendering(dpi=110, max_side_px=1600, image_format="jpeg", color="rgb")
    wanted = list(dict.fromkeys(places))[:limit]
    with Sandbox(memory_mb=job.config.extract.memory_mb) as sandbox:
        pages: dict[Place, list[Pictured]] = {}
        for place, images in render_in_turn(job, wanted, settings=settings, sandbox=sandbox, fetch=fetch):
            if not isinstance(images, Refusal):
                pages[place] = list(map(Pictured, place.page_numbers, images))
            elif refused is not None:
                refused[place] = images
        return pages


def render_in_turn(
    job: Job, places: Iterable[Place], *, settings: Rendering, sandbox: Sandbox, fetch: bool = False
) -> Iterator[tuple[Place, list[bytes] | Refusal]]:
    """The page images of places, or why there are none, in the order of the plan; each document is read once. Reasons:
    `not_at_hand` (the source is unavailable), `outside_source` (the plan points elsewhere), and without `fetch`
    `not_fetched` (it is on another machine)."""
    for shard, here in groupby(sorted(places), key=lambda place: place.shard):
        left = list(here)
        try:
            for place, images in _render_shard(job, shard, left, settings=settings, sandbox=sandbox, fetch=fetch):
                left = left[1:]
                yield place, images
        except (DocmatixError, ImportError, OSError) as error:
            # a source that did not respond is not asked again
            fetch = fetch and not isinstance(error, SourceGone)
            # the source has moved: the run is shown without its pictures
            for place in left:
                yield place, Refusal("not_at_hand", str(error))


def _render_shard(
    job: Job, shard: int, places: Sequence[Place], *, settings: Rendering, sandbox: Sandbox, fetch: bool
) -> Iterator[tuple[Place, list[bytes] | Refusal]]:
    from docmatix.sources.documents import read_documents
    from docmatix.stages.support.page_renderer import render_kept, temporary_pdf
    from docmatix.stages.support.planned_documents import know_bounds, read_plan

    locators = read_plan(job, shard)
    bounds = know_bounds(job.config.source.paths)
    by_document = [(index, list(each)) for index, each in groupby(places, key=lambda place: place.index)]
    sources = read_documents(
        [bounds.screen(locators[index], fetch=fetch) for index, _ in by_document],
        source=job.config.source,
        max_file_bytes=job.config.extract.max_file_mb << 20,
        # asked once: a picture is not worth a minute, nor a second request to whomever the plan names
        patience_s=0,
    )
    for (_, of_document), (_, source) in zip(by_document, sources, strict=True):
        with temporary_pdf(source) as pdf:
            for place in of_document:
                images = render_kept(
                    pdf,
                    place.page_numbers,
                    doc_id=place.doc_id,
                    settings=settings,
                    sandbox=sandbox,
                    timeout_s=job.config.pack.timeout_s,
                )
                yield place, images if isinstance(images, Refusal) else [image.data for image in images]


def mark_pages(pages: Sequence[Pictured], pairs: Sequence[Mapping[str, Any]]) -> list[Pictured]:
    """The pages with the evidence of these pairs alone, numbered in their order."""
    return [page._replace(marks=mark_evidence(pairs, page.number)) for page in pages]


def show_pairs(pages: Mapping[Place, Sequence[Pictured]], place: Place, pairs: Sequence[Mapping[str, Any]]) -> str:
    """Pairs of one place beside its pages as HTML; empty frames where pages could not be rendered."""
    pictures = pages.get(place) or [Pictured(number, None) for number in place.page_numbers]
    title = f"{pairs[0]['source_uri']}, {describe_pages(place.page_numbers)}"
    return show_sample(title, mark_pages(pictures, pairs), pairs)
