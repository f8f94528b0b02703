"""Page pictures: small enough whatever the run, out of the dataset or from the source, or with a reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docmatix.report.gallery import Window, draw_windows, iterate_marks, read_windows
from docmatix.report.pictures import MOST_PAGES, Albums, make_albums, read_packed_pages, render_windows
from docmatix.review.sheets import SIZES, TOO_LARGE, shrink_page
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, InlineSandbox, build, make_job
from tests.pdfs import write_distinct_pdf
from tests.pictures import draw_noise, open_uri
from tests.report.replies import write_mixed_reply

SANDBOX: Any = InlineSandbox()


def make_window(pages: int, *, evidence: tuple[int, ...] = ()) -> Window:
    pairs = [{"evidence": [{"page": page}]} for page in evidence]
    return Window(0, 0, "doc", "doc-1", "a.pdf", "en", list(range(1, pages + 1)), pairs)


# --- making them small ------------------------------------------------------------------------------------------------


def test_all_windows_together_stay_below_the_allowance():
    albums = Albums(400_000, 8)
    made = [albums.fill(make_window(3), dict.fromkeys((1, 2, 3), draw_noise(500))) for _ in range(8)]
    assert sum(len(sheet.src) for sheets in made for sheet in sheets) <= 400_000


def test_what_one_window_leaves_is_there_for_the_next():
    image = draw_noise(500)
    room = len(shrink_page(1, image, longest=SIZES[0][0], quality=SIZES[0][1]).src)
    albums = Albums(room + 2, 2)
    assert albums.fill(make_window(1), {1: draw_noise(8)})[0].src
    (sheet,) = albums.fill(make_window(1), {1: image})
    assert sheet.width_px > 8


def test_where_not_all_pages_fit_those_with_evidence_are_shown():
    image = draw_noise(500)
    longest, quality = SIZES[-1]
    albums = Albums(len(shrink_page(1, image, longest=longest, quality=quality).src) + 10, 1)
    sheets = albums.fill(make_window(3, evidence=(2,)), dict.fromkeys((1, 2, 3), image))
    assert [bool(sheet.src) for sheet in sheets] == [False, True, False]
    assert sheets[0].problem == TOO_LARGE


def test_a_window_of_hundreds_of_pages_shows_some():
    image = draw_noise(8)
    sheets = Albums(10**7, 1).fill(make_window(200, evidence=(150,)), dict.fromkeys(range(1, 201), image))
    assert len(sheets) == 200
    assert [sheet.page for sheet in sheets if sheet.src] == [*range(1, MOST_PAGES), 150]


# --- where they come from ---------------------------------------------------------------------------------------------


def read_all(job: Job) -> list[Window]:
    return read_windows(job.run, draw_windows(iterate_marks(job.run), 60, seed=0))


def test_packed_windows_show_the_pages_of_the_dataset(mixed_job: Job):
    windows = {window.sample_id: window for window in read_all(mixed_job)}
    packed = dict(read_packed_pages(mixed_job.run, windows))
    assert set(packed) == set(windows)
    for sample_id, images in packed.items():
        assert list(images) == windows[sample_id].page_numbers
        assert all(image.startswith(b"\xff\xd8") for image in images.values())


def test_pages_of_a_dataset_that_was_made_from_other_windows_are_not_taken(mixed_job: Job):
    windows = {window.sample_id: window for window in read_all(mixed_job)}
    for window in windows.values():
        window.page_numbers = [*window.page_numbers, 99]
    assert dict(read_packed_pages(mixed_job.run, windows)) == {}


def test_a_dataset_in_the_published_schema_does_not_say_whose_pages_it_has(tmp_path: Path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, pack={"dpi": 36, "schema": "docmatix"})
    build(job)
    windows = {window.sample_id: window for window in read_all(job)}
    assert windows
    assert dict(read_packed_pages(job.run, windows)) == {}
    albums = make_albums(job, list(windows.values()), allowance=10**6, sandbox=SANDBOX)
    assert all(sheet.src for sheets in albums.values() for sheet in sheets)


def test_windows_that_were_not_packed_are_rendered_from_the_source(tmp_path: Path):
    filters = [{"kind": "length", "max_answer_chars": 2}]
    job = make_job(
        tmp_path,
        pdfs={f"{n}.pdf": write_distinct_pdf(n) for n in range(3)},
        curate={"filters": filters},
        pack={"dpi": 36},
    )
    build(job, client=FakeClient(write_mixed_reply))
    windows = read_all(job)
    assert len(windows) == 3
    albums = make_albums(job, windows, allowance=10**6, sandbox=SANDBOX)
    for window in windows:
        (sheet,) = albums[window.sample_id]
        assert open_uri(sheet.src).height > 800


def test_a_missing_or_changed_source_leaves_a_reason_in_place_of_the_picture(tmp_path: Path):
    pdfs = {f"{n}.pdf": write_distinct_pdf(n) for n in range(3)}
    job = make_job(tmp_path, pdfs=pdfs, pack={"dpi": 36}, plan={"documents_per_shard": 2})
    build(job)
    (tmp_path / "docs" / "0.pdf").write_bytes(pdfs["1.pdf"])
    (tmp_path / "docs" / "2.pdf").unlink()
    outcomes = {window.source_uri: outcome for window, outcome in render_windows(job, read_all(job), sandbox=SANDBOX)}
    assert [getattr(outcomes[f"docs/{n}.pdf"], "reason", None) for n in range(3)] == ["source_changed", None, "missing"]
