"""A document that its worker dies of is given up, not the build; one that was in hand by chance is tried again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pyarrow.parquet as pq
import pytest
from fsspec import AbstractFileSystem

from docmatix.core.ledger import Ledger
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, curate, generate, make_job, plan, read_documents
from tests.pdfs import write_distinct_pdf

WORKER = """
import os, signal, sys
from pathlib import Path
from docmatix.stages.support.job import ShardProgress
from tests.jobs import InlineSandbox, extract, make_job

class Deadly(InlineSandbox):
    def run(self, function, *args, **options):
        if args[0] in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(function, *args, **options)

folder = Path(sys.argv[1])
deadly = [(folder / "docs" / name).read_bytes() for name in sys.argv[3:]]
job = make_job(folder)
extract(job, sandbox=Deadly(), progress=ShardProgress(attempt=int(sys.argv[2])))
"""

FETCHER = """
import sys
from pathlib import Path
from docmatix.stages.support.job import ShardProgress
from tests.jobs import extract
from tests.stages.support.test_poison_documents import DeadlyFiles, make_remote_job

DeadlyFiles.deadly = sys.argv[3:]
job = make_remote_job(Path(sys.argv[1]))
extract(job, progress=ShardProgress(attempt=int(sys.argv[2])))
"""

PACKER = """
import os, signal, sys
from pathlib import Path
from docmatix.stages.support.job import ShardProgress
from docmatix.stages.support.output_files import divide_run
from tests.jobs import InlineSandbox, make_job, pack

class Deadly(InlineSandbox):
    def run(self, function, pdf, *args, **options):
        if os.pread(pdf.fileno(), 1 << 20, 0) in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(function, pdf, *args, **options)

folder = Path(sys.argv[1])
deadly = [(folder / "docs" / name).read_bytes() for name in sys.argv[3:]]
job = make_job(folder, plan={"documents_per_shard": 2}, pack={"dpi": 60})
(output,) = divide_run(job)
pack(job, output, sandbox=Deadly(), progress=ShardProgress(attempt=int(sys.argv[2])))
"""


class DeadlyFiles(AbstractFileSystem):  # type: ignore[misc]
    """The files of this machine, as a store whose client kills its process when it fetches one that is `deadly`."""

    protocol = "deadly"
    deadly: ClassVar[list[str]] = []

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        found = Path(path)
        kind = "directory" if found.is_dir() else "file"
        return {"name": path, "size": found.stat().st_size, "type": kind}

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        return [self.info(str(found)) for found in sorted(Path(path).iterdir())]

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        if Path(path).name in self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return Path(path).read_bytes()[start:end]


fsspec.register_implementation("deadly", DeadlyFiles)


def make_remote_job(folder: Path, **options: Any) -> Job:
    """A job whose source are the files in `folder/docs`, by way of `DeadlyFiles`."""
    return make_job(folder, source={"kind": "files", "paths": [f"deadly://{folder}/docs"]}, **options)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = make_job(tmp_path, pdfs={f"{number}.pdf": write_distinct_pdf(number) for number in range(4)})
    plan(job)
    return job


def attempt(folder: Path, number: int, *deadly: str, worker: str = WORKER) -> int:
    """An attempt at the shard, the first one being 0, by a worker of its own, which is killed at these documents; its
    exit status."""
    command = [sys.executable, "-c", worker, str(folder), str(number), *deadly]
    return subprocess.run(command, check=False, timeout=120).returncode


def read_reasons(job: Job) -> list[str | None]:
    return [row["reason"] for row in job.run.iterate_rows("extract", 0)]


def test_the_last_attempt_passes_over_a_document_that_all_others_died_of(tmp_path: Path, job: Job) -> None:
    assert [attempt(tmp_path, number, "2.pdf") for number in range(4)] == [-signal.SIGKILL] * 3 + [0]
    assert read_reasons(job) == [None, None, "crashed", None]
    row = list(job.run.iterate_rows("extract", 0))[2]
    assert row["detail"] == "its worker died in each of the last 2 attempts"
    assert row["sha256"] is not None


@pytest.fixture
def remote_job(tmp_path: Path) -> Job:
    job = make_remote_job(tmp_path, pdfs={f"{number}.pdf": write_distinct_pdf(number) for number in range(4)})
    plan(job)
    return job


def test_a_document_that_its_workers_die_of_as_they_fetch_it_is_given_up_unfetched(
    tmp_path: Path, remote_job: Job
) -> None:
    statuses = [attempt(tmp_path, number, "2.pdf", worker=FETCHER) for number in range(4)]
    assert statuses == [-signal.SIGKILL] * 3 + [0]
    assert read_reasons(remote_job) == [None, None, "crashed", None]
    row = list(remote_job.run.iterate_rows("extract", 0))[2]
    assert row["detail"] == "its worker died in each of the last 2 attempts"
    assert (row["sha256"], row["bytes"]) == (None, len(write_distinct_pdf(2)))
    assert remote_job.run.ledger("extract").to_json()[0]["dropped"] == {"crashed": 1}


def test_a_document_that_was_being_fetched_by_chance_is_fetched_again(tmp_path: Path, remote_job: Job) -> None:
    names = enumerate(("2.pdf", "2.pdf", "1.pdf"))
    assert [attempt(tmp_path, number, name, worker=FETCHER) for number, name in names] == [-signal.SIGKILL] * 3
    assert attempt(tmp_path, 3, worker=FETCHER) == 0
    assert read_reasons(remote_job) == [None] * 4


def test_documents_that_were_in_hand_by_chance_are_tried_again(tmp_path: Path, job: Job) -> None:
    names = enumerate(("2.pdf", "2.pdf", "1.pdf"))
    assert [attempt(tmp_path, number, name) for number, name in names] == [-signal.SIGKILL] * 3
    assert attempt(tmp_path, 3) == 0
    assert read_reasons(job) == [None] * 4


def test_a_shard_with_two_such_documents_stops_the_build(tmp_path: Path, job: Job) -> None:
    statuses = [attempt(tmp_path, number, "1.pdf", "3.pdf") for number in range(4)]
    assert statuses == [-signal.SIGKILL] * 4
    assert job.run.read_record("extract", 0) is None


def test_the_first_attempt_writes_no_notes(tmp_path: Path, job: Job) -> None:
    assert attempt(tmp_path, 0, "2.pdf") == -signal.SIGKILL
    assert job.run.names(f"telemetry/attempts/{job.driver_id}/extract-00000-in-hand") == []


def test_an_output_file_is_packed_without_the_document_that_its_workers_died_of(tmp_path: Path) -> None:
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    job = make_job(tmp_path, pdfs=pdfs, plan={"documents_per_shard": 2}, pack={"dpi": 60})
    read_documents(job)
    for shard in job.run.shards("plan"):
        generate(job, shard, client=FakeClient())
        curate(job, shard)
    # the second shard's first document: its index is also that of another one in the file
    assert [attempt(tmp_path, number, "2.pdf", worker=PACKER) for number in range(4)] == [-signal.SIGKILL] * 3 + [0]
    record = job.record("pack", 0)
    rows = Ledger.from_json(record.ledger).accounts["rows"]
    assert (rows.entered, rows.kept, dict(rows.dropped)) == (4, 3, {"crashed": 1})
    table = pq.read_table(job.run.path(record.file), columns=["texts"])
    sources = {row["texts"][0]["source"] for row in table.to_pylist()}
    assert {Path(source).name for source in sources} == {"0.pdf", "1.pdf", "3.pdf"}
