"""A disk that fills up, for real: small disks in memory, filled to the last bytes before each stage."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import Refusal
from docmatix.core.errors import StorageFailed
from docmatix.pdf.rendering import PageImage
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Rendering
from docmatix.sources.files import FilesSource
from docmatix.sources.locators import SourceDocument
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run
from docmatix.stages.support.page_renderer import render_kept, temporary_pdf
from docmatix.storage import scratch
from docmatix.storage.run import Run
from docmatix.storage.store import require_disk
from tests import jobs
from tests.builds import hash_dataset, list_files
from tests.pdfs import write_distinct_pdf


@contextmanager
def mounted(folder: Path, *, size: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, check=False, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command to make a small disk with")
    if made.returncode:
        pytest.skip(f"no permission to mount a small disk ({made.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", size="8m") as disk:
        yield disk


def fill(disk: Path, *, but: int = 0) -> Path:
    """A file that takes all room of a disk but for some bytes (whole pages of 4 KiB)."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            pass
        stream.truncate(stream.tell() - but)
    return ballast


def make_job(folder: Path, run: Path) -> Job:
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    job = jobs.make_job(
        folder, pdfs=pdfs, plan={"documents_per_shard": 2}, pack={"dpi": 60}, verify={"kind": "round_trip"}
    )
    source = FilesSource(kind="files", paths=(str(folder / "docs"),))
    return replace(job, run=Run(run), config=job.config.model_copy(update={"source": source}))


def do_all(stage: Callable[..., None], job: Job, items: Iterable[Any], **options: Any) -> None:
    """One call of `tests.jobs` for each shard or output file."""
    for item in items:
        stage(job, item, **options)


def read_reply_ids(run: Run, stage: str) -> set[str]:
    """The requests whose replies are kept in the run."""
    folder = f"{stage}/replies"
    names = [f"{folder}/{part}/{name}" for part in run.names(folder) for name in run.names(f"{folder}/{part}")]
    return {row["request_id"] for name in names for row in run.iterate_file(name)}


@pytest.mark.parametrize("room", [0, 4096, 8192])
def test_a_disk_that_is_full_stops_every_stage_and_leaves_nothing_half_done(
    tmp_path: Path, small_disk: Path, room: int
) -> None:
    undisturbed = make_job(tmp_path, tmp_path / "run")
    jobs.build(undisturbed)
    job = make_job(tmp_path, small_disk / "run")
    client = jobs.FakeClient()
    shards = range(2)
    stages: dict[str, Callable[[], object]] = {
        "plan": lambda: jobs.plan(job),
        "extract": lambda: do_all(jobs.extract, job, shards),
        "dedup": lambda: dedup_documents(job),
        "generate": lambda: do_all(jobs.generate, job, shards, client=client),
        "verify": lambda: do_all(jobs.verify, job, shards, client=client),
        "curate": lambda: do_all(jobs.curate, job, shards),
        "pack": lambda: do_all(jobs.pack, job, divide_run(job)),
        "dataset": lambda: finish_dataset(job),
    }
    stopped = 0
    ever_kept: set[str] = set()
    for name, stage in stages.items():
        asked = len(client.asked)
        ballast = fill(small_disk, but=room)
        try:
            stage()
        except StorageFailed as error:
            stopped += 1
            said = str(error)
            assert f"The disk that holds {small_disk}/run is full: free some space" in said
            assert f"bytes are left in {small_disk}/run" in said
            assert "\n" not in said
        left = list_files(small_disk / "run") if (small_disk / "run").exists() else []
        assert not [path for path in left if path.endswith(".tmp")]
        if name != "dataset":
            for shard, record in job.run.records(name):
                assert job.run.size(job.run.part_name(name, record)) == record.size, shard
        kept = read_reply_ids(job.run, name)
        came = {request.request_id for request in client.asked[asked:]}
        assert kept <= came
        ballast.unlink()
        asked = len(client.asked)
        stage()
        again = {request.request_id for request in client.asked[asked:]}
        assert not again & kept, "a reply that came and was kept is asked for again"
        ever_kept |= kept
    assert stopped == len(stages) if room == 0 else stopped >= 2
    assert ever_kept or room < 8192, "there was room for replies"
    assert hash_dataset(small_disk / "run") == hash_dataset(tmp_path / "run")


def test_a_run_cannot_be_taken_while_its_disk_is_full(small_disk: Path) -> None:
    run = Run(small_disk / "run")
    ballast = fill(small_disk)
    with pytest.raises(StorageFailed, match="is full: free some space"), run.locked():
        pass
    ballast.unlink()
    with run.locked():
        run.write("plan/a", b"a")


def test_what_killed_workers_were_writing_is_removed_before_the_next_build_needs_the_room(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.write("pack/part-00000.json", b"{}")
    run.write("pack/.0123456789abcdef0123456789abcdef.tmp", b"half a file")
    run.write("dataset/.fedcba9876543210fedcba9876543210.tmp", b"half a card")
    with run.locked():
        assert list_files(tmp_path / "run") == [".lock", "pack/part-00000.json"]


def test_a_temporary_directory_that_is_full_is_said_and_no_document_is_dropped(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path, tmp_path / "run")
    jobs.build(job)
    before = hash_dataset(tmp_path / "run")
    (output,) = divide_run(job)
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    fill(small_disk)
    with pytest.raises(StorageFailed, match=f"The disk that holds {small_disk} is full: free some space"):
        jobs.pack(job, output)
    assert hash_dataset(tmp_path / "run") == before
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_files_on_their_way_to_an_object_store_need_room_in_the_temporary_directory(
    memory_run: Run, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    fill(small_disk)

    def write() -> None:
        with memory_run.writing("pack") as pending:
            pending.write(bytes(1 << 20))
            pending.publish("pack/a")

    with pytest.raises(StorageFailed, match=f"{small_disk} is full: free some space .* at least 1,048,576"):
        write()
    assert not memory_run.exists("pack/a")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_too_little_room_is_found_before_work_starts(
    tmp_path: Path, small_disk: Path, memory_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "run").mkdir()
    require_disk(Run(small_disk / "run").store, megabytes=7)
    with pytest.raises(StorageFailed, match=r"run has 8 MB left, less than limits\.min_free_disk_mb = 9: free some"):
        require_disk(Run(small_disk / "run").store, megabytes=9)
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    for run in (Run(tmp_path), memory_run):
        require_disk(run.store, megabytes=7)
        with pytest.raises(StorageFailed, match=r"has 8 MB left, .*, or set TMPDIR"):
            require_disk(run.store, megabytes=9)


def test_temporary_files_of_killed_processes_are_removed_and_no_others(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = scratch.name_file(".pdf").name
    dead = mine.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    space = dead.split("-")[1]
    names = [
        mine,
        f"docmatix-{ended.pid}-a.pdf",
        f"docmatix-{os.getpid()}-b.pdf",
        "docmatix-push-x",
        "docmatix-1",
        "other",
        # of a user
        "docmatix-2026-07-notes.txt",
        dead.replace(".pdf", ".txt"),
        f"copy-of-{dead}",
        dead.replace(".pdf", "-notes.pdf"),
        # of a container that shares the folder and counts its processes by itself
        dead.replace(space, f"{int(space, 16) ^ 1:08x}"),
    ]
    for name in [dead, dead.replace(".pdf", ".tmp"), *names]:
        (tmp_path / name).write_bytes(b"x")
    scratch.remove_files_of_the_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_where_process_ids_mean_nothing_no_temporary_file_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    known = scratch.name_file(".pdf").name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    # as it is named where there is no space to name
    unknown = known.replace(known.split("-")[1], "0" * 8)
    for name in (known, unknown):
        (tmp_path / name).write_bytes(b"x")
    scratch.remove_files_of_the_dead(tmp_path, find_space=lambda: None)
    assert {path.name for path in tmp_path.iterdir()} == {known, unknown}


def test_a_temporary_file_that_has_vanished_is_no_fault_of_its_document() -> None:
    pdf = write_distinct_pdf(1)
    with Sandbox(memory_mb=1024) as sandbox, temporary_pdf(SourceDocument(pdf)) as kept:
        assert not isinstance(kept, Refusal)
        path, doc_id = kept

        def render() -> list[PageImage] | Refusal:
            return render_kept(kept, [1], doc_id=doc_id, settings=Rendering(dpi=36), sandbox=sandbox, timeout_s=60)

        assert isinstance(render(), list)
        path.unlink()
        with pytest.raises(StorageFailed, match="has vanished while it was in use"):
            render()


def test_a_temporary_file_can_be_read_by_nobody_else() -> None:
    path = scratch.name_file(".pdf")
    try:
        with scratch.open_private(path) as stream:
            stream.write(b"%PDF")
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        path.unlink()
