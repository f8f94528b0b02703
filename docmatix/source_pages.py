"""Pages out of the source of a run, rendered again to look at: what was dropped is in no dataset.

In a child process with limits, as everywhere, since these are the documents that nothing may be assumed of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docmatix.displays import Pictured, describe_pages, show_sample
from docmatix.documents import Refusal
from docmatix.pictures import mark_evidence

if TYPE_CHECKING:
    from docmatix.pdf.sandbox import Sandbox
    from docmatix.stages.job import Job

PLACES_SHOWN = 8
"""Windows that are rendered at once: 50 to 200 ms a page."""


@dataclass(frozen=True, slots=True)
class Place:
    """Pages of a run's source: shard and index of the document in the plan, its content, page numbers from 1."""

    shard: int
    index: int
    doc_id: str
    page_numbers: tuple[int, ...]


def render_places(job: Job, places: Iterable[Place], *, limit: int = PLACES_SHOWN) -> dict[Place, list[Pictured]]:
    """The pages of the first `limit` different places; one that cannot be rendered (any more) is missing."""
    from docmatix.pdf.sandbox import Sandbox

    found: dict[Place, list[Pictured]] = {}
    with Sandbox(memory_mb=job.config.extract.memory_mb) as sandbox:
        for place in list(dict.fromkeys(places))[:limit]:
            images = render_place(job, place, sandbox=sandbox)
            if not isinstance(images, Refusal):
                found[place] = list(map(Pictured, place.page_numbers, images))
    return found


def render_place(job: Job, place: Place, *, sandbox: Sandbox, dpi: int = 110) -> list[bytes] | Refusal:
    """The pages as JPEGs, or why there are none: the source may have gone, or changed."""
    from docmatix.config import Pack
    from docmatix.errors import DocmatixError
    from docmatix.sources import read_documents
    from docmatix.stages.page_images import kept_aside, render_kept
    from docmatix.stages.plan import read_plan

    settings = Pack(dpi=dpi, max_side_px=1600, image_format="jpeg", color="rgb")
    bound = job.config.extract.max_file_mb << 20
    try:
        locator = read_plan(job, place.shard)[place.index]
        # a source that is gone is not waited for: the pairs can be looked at without it
        found = read_documents([locator], source=job.config.source, max_file_bytes=bound, sleep=lambda _: None)
        ((_, source),) = found
        with kept_aside(source) as pdf:
            images = render_kept(
                pdf,
                place.page_numbers,
                doc_id=place.doc_id,
                settings=settings,
                sandbox=sandbox,
                timeout_s=job.config.extract.timeout_s,
            )
    except (DocmatixError, OSError) as error:
        return Refusal("unreadable", str(error))
    return images if isinstance(images, Refusal) else [image.data for image in images]


def mark_pages(pages: Sequence[Pictured], pairs: Sequence[Mapping[str, Any]]) -> list[Pictured]:
    """The pages with the evidence of these pairs, numbered in their order, and no other."""
    return [page._replace(marks=mark_evidence(pairs, page.number)) for page in pages]


def show_pairs(pages: Mapping[Place, Sequence[Pictured]], place: Place, pairs: Sequence[Mapping[str, Any]]) -> str:
    """Pairs of one place beside its pages as HTML; frames without a picture where these could not be rendered."""
    pictures = pages.get(place) or [Pictured(number, None) for number in place.page_numbers]
    title = f"{pairs[0]['source_uri']}, {describe_pages(place.page_numbers)}"
    return show_sample(title, mark_pages(pictures, pairs), pairs)
