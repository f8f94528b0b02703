"""The pages of drawn windows as small pictures, from the dataset or rendered again.

Pictures are nine tenths of a report: each window has a share of the bytes left, and its pictures shrink to fit.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.documents import Refusal
from docmatix.dataset.rows import check_types
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Rendering
from docmatix.pipeline import PACK
from docmatix.report.gallery import Window
from docmatix.review.sheets import SIZES, TOO_LARGE, Sheet, shrink_pages
from docmatix.review.source_pages import Place, render_in_turn
from docmatix.stages.support.job import Job
from docmatix.storage.bombs import check_footer
from docmatix.storage.parquet import open_parquet
from docmatix.storage.run import Run

MOST_PAGES = 24
"""Pages of a window that get a picture."""


class Albums:
    """Makes the sheets of every window within one allowance of bytes."""

    def __init__(self, allowance: int, windows: int) -> None:
        self._left, self._windows = allowance, windows

    def fill(self, window: Window, images: Mapping[int, bytes], *, problem: str = "") -> list[Sheet]:
        """The sheets of a window from its page images by page number; `problem` says why there are none."""
        share = self._left // max(1, self._windows)
        self._windows -= 1
        wanted = _choose_pages(window)
        sheets = shrink_pages({page: images[page] for page in wanted if page in images}, share)
        if sheets is None:
            drawn_on = {page: images[page] for page in window.evidence_pages[:MOST_PAGES] if page in images}
            sheets = shrink_pages(drawn_on, share) or {}
        self._left -= sum(len(sheet.src) for sheet in sheets.values())
        return [sheets.get(page) or Sheet(page, problem=problem or TOO_LARGE) for page in window.page_numbers]


def make_albums(
    job: Job, windows: Sequence[Window], *, allowance: int, sandbox: Sandbox, fetch: bool = False
) -> dict[str, list[Sheet]]:
    """The sheets of every window by sample id."""
    albums = Albums(allowance, len(windows))
    wanted = {window.sample_id: window for window in windows}
    made: dict[str, list[Sheet]] = {}
    for sample_id, images in read_packed_pages(job.run, wanted):
        made[sample_id] = albums.fill(wanted[sample_id], images)
    missing = [window for window in windows if window.sample_id not in made]
    for window, outcome in render_windows(job, missing, sandbox=sandbox, fetch=fetch):
        if isinstance(outcome, Refusal):
            problem = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
            made[window.sample_id] = albums.fill(window, {}, problem=problem)
        else:
            made[window.sample_id] = albums.fill(window, outcome)
    return made


def read_packed_pages(run: Run, wanted: Mapping[str, Window]) -> Iterator[tuple[str, dict[int, bytes]]]:
    """The page images in the dataset of wanted windows, by page number, one row at a time. Skips unreadable files, and
    rows of an older dataset with other pages; only the annotated schema says whose pages a row has."""
    for _, record in run.records(PACK):
        unreadable = contextlib.suppress(pa.ArrowException, OSError, ValueError)
        with unreadable, run.open(record.file) as stream, open_parquet(stream) as parquet:
            check_footer(parquet.metadata, stream.seek(0, io.SEEK_END))
            check_types(parquet.schema_arrow)
            if "sample_id" not in parquet.schema_arrow.names:
                return
            for group in range(parquet.num_row_groups):
                ids = parquet.read_row_group(group, columns=["sample_id"], use_threads=False)["sample_id"].to_pylist()
                if not any(sample_id in wanted for sample_id in ids):
                    continue
                yield from _read_rows(parquet, group, wanted)


def _read_rows(
    parquet: pq.ParquetFile, group: int, wanted: Mapping[str, Window]
) -> Iterator[tuple[str, dict[int, bytes]]]:
    columns = ["sample_id", "page_numbers", "images"]
    for batch in parquet.iter_batches(batch_size=1, row_groups=[group], columns=columns, use_threads=False):
        sample_id = batch["sample_id"][0].as_py()
        if sample_id in wanted and batch["page_numbers"][0].as_py() == wanted[sample_id].page_numbers:
            images = [(image or {}).get("bytes") or b"" for image in batch["images"][0].as_py() or ()]
            yield sample_id, dict(zip(wanted[sample_id].page_numbers, images, strict=True))


def render_windows(
    job: Job, windows: Iterable[Window], *, sandbox: Sandbox, fetch: bool = False
) -> Iterator[tuple[Window, dict[int, bytes] | Refusal]]:
    """The pages, rendered from the source, of windows that are not in the dataset, or why they cannot be."""
    longest, _ = SIZES[0]
    settings = Rendering(dpi=110, max_side_px=longest, image_format="jpeg", quality=88)
    places = {
        Place(window.shard, window.index, window.doc_id, tuple(_choose_pages(window))): window for window in windows
    }
    for place, outcome in render_in_turn(job, places, settings=settings, sandbox=sandbox, fetch=fetch):
        if isinstance(outcome, Refusal):
            yield places[place], outcome
        else:
            yield places[place], dict(zip(place.page_numbers, outcome, strict=True))


def _choose_pages(window: Window) -> list[int]:
    """The pages that get a picture: all, or in a very long window those with evidence first."""
    first = [page for page in window.evidence_pages if page in window.page_numbers]
    rest = [page for page in window.page_numbers if page not in first]
    return sorted([*first, *rest][:MOST_PAGES])
