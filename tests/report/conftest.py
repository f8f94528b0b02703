"""Runs to report on, and Chromium to open the reports with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docmatix.report.report import make_report
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run
from tests.jobs import FakeClient, InlineSandbox, build, make_job
from tests.pdfs import write_distinct_text, write_pdf, write_table_pdf
from tests.report.replies import (
    HOSTILE_NAME,
    HOSTILE_TEXT,
    write_checked_reply,
    write_hostile_reply,
    write_mixed_reply,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def mixed_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A finished run of three documents (one of three pages, one there twice), each window with pairs that were kept
    and pairs that were dropped for two reasons: for reading only."""
    pdfs = {f"{number}.pdf": write_pdf(write_distinct_text(number)) for number in (1, 2)}
    pdfs["long.pdf"] = write_pdf(*map(write_distinct_text, (20, 21, 22)))
    pdfs["copy.pdf"] = pdfs["1.pdf"]
    pdfs["text.pdf"] = b"This is no PDF."
    job = make_job(
        tmp_path_factory.mktemp("mixed"),
        pdfs=pdfs,
        plan={"documents_per_shard": 2},
        curate={"filters": [{"kind": "length", "max_answer_chars": 60}, {"kind": "grounded"}]},
        pack={"dpi": 36},
    )
    build(job, client=FakeClient(write_mixed_reply))
    return job


@pytest.fixture(scope="session")
def checked_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A finished run of two prompts, whose pairs were answered again, also from single pages, answered blind and
    judged; some were dropped for each."""
    pdfs = {f"{number}.pdf": write_pdf(write_distinct_text(number)) for number in range(1, 7)}
    pdfs["long.pdf"] = write_pdf(*map(write_distinct_text, (20, 21, 22)))
    job = make_job(
        tmp_path_factory.mktemp("checked"),
        pdfs=pdfs,
        plan={"documents_per_shard": 4},
        generate={"prompts": ["broad_whole", "broad_details"]},
        verify=[
            {"kind": "answer_again", "single_pages": True},
            {"kind": "answer_blind"},
            {"kind": "judge", "name": "strict", "share": 0.7},
        ],
        curate={"filters": [{"kind": "judged"}, {"kind": "agrees"}, {"kind": "not_blind"}]},
        pack={"dpi": 72},
    )
    with ThreadPoolExecutor(1) as pool:  # Chromium's driver may have its event loop in this one
        pool.submit(build, job, client=FakeClient(write_checked_reply)).result()
    return job


@pytest.fixture(scope="session")
def hostile_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A finished run over a document whose every text tries to run as a script."""
    job = make_job(
        tmp_path_factory.mktemp("hostile"),
        pdfs={HOSTILE_NAME: write_pdf(HOSTILE_TEXT), "<b>broken.pdf": b"<script>window.hacked = 1</script>"},
        verify=[{"kind": "answer_again"}, {"kind": "judge"}],
        curate={"filters": [{"kind": "length", "max_answer_chars": 120}]},
        pack={"dpi": 36},
    )
    build(job, client=FakeClient(write_hostile_reply))
    return job


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for reports."""
    return tmp_path_factory.mktemp("reports")


def write_report_of(run: Run, path: Path) -> str:
    """Write a report of a run and return its URL."""
    path.write_text(make_report(run, sandbox=InlineSandbox()), encoding="utf-8")  # type: ignore[arg-type]
    return path.as_uri()


@pytest.fixture(scope="session")
def mixed_report(mixed_job: Job, reports: Path) -> str:
    """The URL of a report."""
    return write_report_of(mixed_job.run, reports / "mixed.html")


@pytest.fixture(scope="session")
def facts_report(tmp_path_factory: pytest.TempPathFactory, reports: Path) -> str:
    """The URL of a report on a page with a form's line and a table."""
    rows = (("Fruit", "2023", "2024"), ("Pears from Kent", "25", "46"), ("Plums", "32", "42"))
    pdf = write_table_pdf(rows, before="Contact: Ada Byron")
    job = make_job(tmp_path_factory.mktemp("facts"), pdfs={"table.pdf": pdf}, pack={"dpi": 36})
    with ThreadPoolExecutor(1) as pool:  # Chromium's driver may have its event loop in this one
        pool.submit(build, job).result()
    return write_report_of(job.run, reports / "facts.html")


@pytest.fixture(scope="session")
def checked_report(checked_job: Job, reports: Path) -> str:
    """The URL of a report."""
    return write_report_of(checked_job.run, reports / "checked.html")


@pytest.fixture(scope="session")
def hostile_report(hostile_job: Job, reports: Path) -> str:
    """The URL of a report on the hostile document."""
    return write_report_of(hostile_job.run, reports / "hostile.html")


@pytest.fixture(scope="module")
def chromium(mixed_report: str, hostile_report: str) -> Iterator[Browser]:
    """Debian's Chromium, started after the runs are built and closed with the module: while it is open, nothing else
    can have an event loop."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: `make browser` as root, or apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
