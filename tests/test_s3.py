"""Sources and runs on S3: moto's server behind a proxy that throttles, breaks, cuts, lies and goes away."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs

from docmatix import cli
from docmatix.core.documents import Refusal
from docmatix.core.errors import BuildError, SetupError, SourceGone, StorageFailed
from docmatix.core.ledger import Ledger
from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.files import FilesSource
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.parquet import ParquetSource
from docmatix.sources.source import Source
from docmatix.sources.webdataset import WebdatasetSource
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run
from docmatix.storage.object_folder import Overtaken
from docmatix.storage.patience import FIRST_ANSWER_S, PATIENCE_S, choose_pauses
from docmatix.storage.records import Record, committing, replace_record
from docmatix.storage.run import Run
from tests import jobs
from tests.builds import Driver, hash_dataset, write_config, write_pdfs
from tests.object_store import FOR_EVER, Fault, ObjectStore, running_store  # noqa: F401 -- a fixture
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

PASSING = ("slow_down", "broken", "unavailable", "reset", "cut", "short", "unheard")


@pytest.fixture
def store(running_store: ObjectStore) -> ObjectStore:  # noqa: F811
    """The store, empty and without faults."""
    running_store.come_back()
    running_store.faults = []
    running_store.empty_bucket("bucket")
    return running_store


@pytest.fixture
def hasty_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """s3fs itself tries once, not five times within two seconds."""
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)


FOUR_TRIES_S = 10.5
"""A patience for what is to be given up, of three pauses."""


def open_run(*, patience_s: float = PATIENCE_S) -> Run:
    """A run on S3 that does not pause between attempts."""
    return Run("s3://bucket/runs/one", patience_s=patience_s, sleep=lambda seconds: None)


def take_in(store: ObjectStore, documents: Sequence[bytes]) -> dict[str, Source]:
    """The same documents as files, as members of tars and as rows, and a source for each."""
    for number, pdf in enumerate(documents):
        store.files.pipe(f"bucket/in/{number % 2}/{number}.pdf", pdf)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name, content in ((f"{number}.pdf", pdf), (f"{number}.json", b'{"a": 1}')):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        store.files.pipe(f"bucket/tars/{number}.tar", stream.getvalue())
    sink = io.BytesIO()
    pq.write_table(pa.table({"pdf": pa.array(documents, pa.binary())}), sink)
    store.files.pipe("bucket/rows/0.parquet", sink.getvalue())
    return {
        "files": FilesSource(kind="files", paths=("s3://bucket/in/**/*.pdf",)),
        "webdataset": WebdatasetSource(kind="webdataset", paths=("s3://bucket/tars/*.tar",), use_json=True),
        "parquet": ParquetSource(kind="parquet", paths=("s3://bucket/rows",), column="pdf"),
    }


def list_all(source: Source, *, sleep: Callable[[float], object] = lambda s: None) -> list[Locator]:
    return list(list_documents(source, base_dir=Path("/"), sleep=sleep))


def read_all(
    locators: Sequence[Locator], source: Source, *, sleep: Callable[[float], object] = lambda s: None
) -> list[SourceDocument | Refusal]:
    return [result for _, result in read_documents(locators, source=source, sleep=sleep)]


def get_reasons(results: Sequence[SourceDocument | Refusal]) -> list[str]:
    return [result.reason if isinstance(result, Refusal) else "read" for result in results]


DOCUMENTS = [b"%%PDF-1.%d " % number + random.Random(number).randbytes(30_000) for number in range(3)]


# --- the source -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["files", "webdataset", "parquet"])
def test_documents_on_s3_are_read_as_they_are(store: ObjectStore, kind: str) -> None:
    source = take_in(store, DOCUMENTS)[kind]
    listed = list_all(source)
    assert all(locator.etag and '"' not in locator.etag for locator in listed)
    found = [result.pdf for result in read_all(listed, source) if isinstance(result, SourceDocument)]
    assert sorted(found) == DOCUMENTS


def test_a_file_has_the_same_size_and_version_however_it_is_named(store: ObjectStore) -> None:
    store.files.pipe("bucket/in/a.pdf", b"%PDF-1.4")
    patterns = ("s3://bucket/in/a.pdf", "s3://bucket/in", "s3://bucket/in/", "s3://bucket/*/a.pdf", "s3a://bucket/in")
    found = {
        (locator.size, locator.etag)
        for pattern in patterns
        for locator in list_all(FilesSource(kind="files", paths=(pattern,)))
    }
    assert found == {(8, store.files.info("bucket/in/a.pdf")["ETag"].strip('"'))}


@pytest.mark.parametrize(
    ("kind", "faults"), [*(("files", [fault]) for fault in PASSING), ("webdataset", PASSING), ("parquet", PASSING)]
)
def test_what_passes_on_the_way_changes_nothing(store: ObjectStore, kind: str, faults: Sequence[str]) -> None:
    source = take_in(store, DOCUMENTS)[kind]
    undisturbed = list_all(source)
    documents = read_all(undisturbed, source)
    # each falls on a part of the requests that the ones before it left
    store.faults = [
        Fault(fault, method="GET", tries=2, share=1 / (len(faults) - number)) for number, fault in enumerate(faults)
    ]
    assert list_all(source) == undisturbed
    assert read_all(undisturbed, source) == documents
    assert store.met.total() >= (4 if kind == "parquet" else 2 * len(DOCUMENTS))


def test_a_server_that_says_nothing_is_given_up_and_asked_again(store: ObjectStore) -> None:
    source = take_in(store, DOCUMENTS[:2])["files"]
    listed = list_all(source)
    store.faults = [Fault("silent", method="GET")]
    fsspec.config.conf["s3"] = {"config_kwargs": {"read_timeout": 0.5}}
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        assert [type(result) for result in read_all(listed, source)] == [SourceDocument, SourceDocument]
        assert store.met["silent"] == 2
    finally:
        del fsspec.config.conf["s3"]
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("kind", ["files", "webdataset", "parquet"])
def test_a_source_that_is_away_for_a_while_is_waited_for(store: ObjectStore, kind: str) -> None:
    source = take_in(store, DOCUMENTS)[kind]
    undisturbed = list_all(source)
    documents = read_all(undisturbed, source)
    store.go_away()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            store.come_back()

    assert list_all(source, sleep=sleep) == undisturbed
    store.go_away()
    pauses.clear()
    assert read_all(undisturbed, source, sleep=sleep) == documents
    assert pauses == list(choose_pauses(PATIENCE_S))[:2]


@pytest.mark.usefixtures("hasty_client")
def test_a_source_that_stays_away_stops_the_build_and_drops_nothing(store: ObjectStore) -> None:
    source = take_in(store, DOCUMENTS)["files"]
    listed = list_all(source)
    read: list[SourceDocument | Refusal] = []

    def read_until_it_goes() -> None:
        for _, result in read_documents(listed, source=source, patience_s=FOUR_TRIES_S, sleep=lambda s: None):
            read.append(result)
            store.go_away()

    with pytest.raises(SourceGone, match=r"in/0/2\.pdf stayed unreachable for .* rerun the command to resume"):
        read_until_it_goes()
    assert [type(result) for result in read] == [SourceDocument]
    store.come_back()
    listing = list_documents(source, base_dir=Path("/"), patience_s=FOUR_TRIES_S, sleep=lambda s: None)
    store.go_away()
    with pytest.raises(SourceGone, match="stayed unreachable"):
        list(listing)


@pytest.mark.usefixtures("hasty_client")
@pytest.mark.parametrize("kind", ["files", "webdataset", "parquet"])
def test_a_source_that_has_never_answered_is_told_within_seconds_as_bad_setup(store: ObjectStore, kind: str) -> None:
    source = take_in(store, DOCUMENTS)[kind]
    store.go_away()
    pauses: list[float] = []
    with pytest.raises(SetupError, match=r"s3://bucket/\w+.* is not responding .*: check its address, AWS_ENDP"):
        list_all(source, sleep=pauses.append)
    assert 0 < sum(pauses) < FIRST_ANSWER_S <= 15


@pytest.mark.usefixtures("hasty_client")
def test_a_source_that_is_too_busy_for_the_first_question_is_no_bad_setup(store: ObjectStore) -> None:
    source = take_in(store, DOCUMENTS)["files"]
    undisturbed = list_all(source)
    store.faults = [Fault("slow_down", tries=5)]
    pauses: list[float] = []
    assert list_all(source, sleep=pauses.append) == undisturbed
    assert max(pauses) > FIRST_ANSWER_S


@pytest.mark.usefixtures("hasty_client")
def test_it_is_said_once_that_a_source_or_a_run_is_away_and_how_long_it_is_tried(store: ObjectStore) -> None:
    source = take_in(store, DOCUMENTS)["files"]
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        store.come_back()

    listing = list_documents(source, base_dir=Path("/"), say=say, sleep=lambda s: None)
    store.go_away()
    assert len(list(listing)) == len(DOCUMENTS)
    run = Run("s3://bucket/runs/one", say=say, sleep=lambda s: None)
    store.go_away()
    run.write("a", b"a")
    for line, name in zip(said, ("s3://bucket/in/**/*.pdf", "s3://bucket/runs/one"), strict=True):
        assert line.startswith(f"{name} is unavailable (")
        assert line.endswith("; retrying for up to 5 minutes")


def test_only_what_is_wrong_with_one_document_drops_it(store: ObjectStore) -> None:
    source = take_in(store, DOCUMENTS)["files"]
    listed = list_all(source)
    store.files.rm("bucket/in/0/0.pdf")
    store.files.pipe("bucket/in/0/2.pdf", DOCUMENTS[2][:-1])
    store.faults = [Fault("denied", path=r"1/1\.pdf", tries=FOR_EVER)]
    assert get_reasons(read_all(listed, source)) == ["missing", "source_changed", "no_access"]
    store.faults = []
    store.files.pipe("bucket/in/0/2.pdf", DOCUMENTS[2] + b"!")
    assert get_reasons(read_all(listed, source)) == ["missing", "source_changed", "read"]


@pytest.mark.parametrize("kind", ["files", "webdataset", "parquet"])
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("unknown_key", SetupError, "the store refuses these credentials"),
        ("expired", SourceGone, "have expired .*: renew them and rerun the command to resume"),
    ],
)
def test_refused_credentials_stop_the_build_and_drop_no_document(
    store: ObjectStore, kind: str, fault: str, error: type[Exception], words: str
) -> None:
    source = take_in(store, DOCUMENTS)[kind]
    listed = list_all(source)
    store.faults = [Fault(fault, tries=FOR_EVER)]
    with pytest.raises(error, match=words):
        read_all(listed, source)
    with pytest.raises(error, match=words):
        list_all(source)


def test_a_bucket_that_is_not_there_is_a_setup_error_and_no_missing_document(store: ObjectStore) -> None:
    for pattern in ("s3://nowhere/*.pdf", "s3://nowhere/a.pdf", "s3://nowhere", "s3://Not_A_Bucket!/a.pdf"):
        with pytest.raises(SetupError, match=r"bucket|No file matches 's3://nowhere'"):
            list_all(FilesSource(kind="files", paths=(pattern,)))
    store.make_bucket("doomed")
    store.files.pipe("doomed/a.pdf", b"%PDF")
    source = FilesSource(kind="files", paths=("s3://doomed",))
    listed = list_all(source)
    store.files.rm("doomed", recursive=True)
    with pytest.raises(SetupError, match="there is no such bucket"):
        read_all(listed, source)


# --- the run ----------------------------------------------------------------------------------------------------------


def make_jobs(folder: Path, store: ObjectStore) -> tuple[Job, Job]:
    """The same build on a disk and on S3: five documents in two shards."""
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(3)}
    pdfs |= {"copy.pdf": pdfs["1.pdf"], "text.pdf": b"This is no PDF."}
    sections: dict[str, Any] = {
        "plan": {"documents_per_shard": 2},
        "pack": {"dpi": 36},
        "verify": {"kind": "round_trip"},
    }
    local = jobs.make_job(folder, pdfs=pdfs, **sections)
    source = FilesSource(kind="files", paths=(str(folder / "docs"),))
    local = replace(local, config=local.config.model_copy(update={"source": source}))
    return local, replace(local, run=open_run())


def read_run(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.relative_to(run).parts[0] != "telemetry"
    }


def read_remote_run(store: ObjectStore, root: str = "bucket/runs/one") -> dict[str, bytes]:
    return {name: content for name, content in store.read_tree(root).items() if not name.startswith("telemetry/")}


def test_a_run_on_s3_is_byte_for_byte_the_one_on_a_disk(
    store: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local, remote = make_jobs(tmp_path, store)
    jobs.build(local)
    jobs.build(remote)
    assert read_remote_run(store) == read_run(tmp_path / "run")
    assert local.run.sweep() == remote.run.sweep()
    url = "s3://bucket/runs/one"
    assert cli.main(["status", url, "--json"]) == 0
    there = json.loads(capsys.readouterr().out)
    assert cli.main(["status", local.run.url, "--json"]) == 0
    assert there == json.loads(capsys.readouterr().out)
    for command in (["inspect", url, "-n", "1", "--pictures", "never"], ["report", url, "--samples", "2"]):
        assert cli.main(command) == 0
    assert len(store.files.cat_file("bucket/runs/one/report.html")) > 10_000


def test_a_run_whose_store_has_faults_is_the_same(store: ObjectStore, tmp_path: Path) -> None:
    local, remote = make_jobs(tmp_path, store)
    jobs.build(local)
    kinds = [kind for kind in PASSING if kind != "short"]
    store.faults = [Fault(kind, share=0.1) for kind in kinds]
    jobs.build(remote)
    assert set(store.met) == set(kinds)
    assert store.met.total() >= 30
    assert read_remote_run(store) == read_run(tmp_path / "run")


def do_all(stage: Callable[..., None], job: Job, items: Iterable[Any], **options: Any) -> None:
    """One call of `tests.jobs` for each shard or output file."""
    for item in items:
        stage(job, item, **options)


@pytest.mark.usefixtures("hasty_client")
@pytest.mark.parametrize("method", ["", "PUT"])
def test_a_store_that_goes_away_stops_each_stage_in_a_sentence_and_leaves_nothing_half_done(
    store: ObjectStore, tmp_path: Path, method: str
) -> None:
    local, remote = make_jobs(tmp_path, store)
    jobs.build(local)
    client = jobs.FakeClient()
    shards = local.run.shards("plan")
    stages: list[Callable[[Job], object]] = [
        jobs.plan,
        lambda job: do_all(jobs.extract, job, shards),
        dedup_documents,
        lambda job: do_all(jobs.generate, job, shards, client=client),
        lambda job: do_all(jobs.verify, job, shards, client=client),
        lambda job: do_all(jobs.curate, job, shards),
        lambda job: do_all(jobs.pack, job, divide_run(job)),
        finish_dataset,
    ]
    for stage in stages:
        before = read_remote_run(store)
        store.faults = [Fault("reset", method=method, tries=FOR_EVER)]
        with pytest.raises(StorageFailed, match=r"runs/one stayed unreachable .* rerun the command to resume"):
            stage(replace(remote, run=open_run(patience_s=FOUR_TRIES_S)))
        store.faults = []
        assert read_remote_run(store) == before
        stage(replace(remote, run=open_run()))
    dataset = store.read_tree("bucket/runs/one/dataset")
    assert {f"dataset/{name}": content for name, content in dataset.items()} == hash_dataset(tmp_path / "run")


def test_the_marker_of_a_folder_made_by_hand_is_no_file_of_the_run(store: ObjectStore) -> None:
    store.files.call_s3("put_object", Bucket="bucket", Key="runs/one/", Body=b"")
    run = open_run()
    assert run.names("") == []
    run.write("plan/a.txt", b"a")
    assert (run.names(""), run.names("plan")) == (["plan"], ["a.txt"])


def test_a_file_that_the_store_did_not_remove_is_removed_again(store: ObjectStore) -> None:
    run = open_run()
    for name in ("a/1", "a/2/3", "b"):
        run.write(name, b"x")
    store.faults = [Fault("broken", method="POST")]
    run.remove("a", "nowhere")
    assert list(store.read_tree("bucket/runs/one")) == ["b"]


def test_uploads_that_killed_workers_left_are_given_up(store: ObjectStore) -> None:
    for key in ("runs/one/dataset/data/x.parquet", "runs/other/x.parquet"):
        store.files.call_s3("create_multipart_upload", Bucket="bucket", Key=key)
    open_run().sweep()
    left = store.files.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads", [])
    assert [upload["Key"] for upload in left] == ["runs/other/x.parquet"]


@pytest.mark.usefixtures("hasty_client")
def test_a_file_in_parts_is_whole_or_not_there(store: ObjectStore) -> None:
    run = open_run()
    block = bytes(range(256)) * (1 << 12)

    def write() -> str:
        with run.writing("pack") as pending:
            for _ in range(110):  # s3fs takes files to pieces from 100 MiB on
                pending.write(block)
            pending.publish("dataset/data/x.parquet")
            return pending.sha256

    # a part is lost once, and so is the answer to the order that puts the parts together
    store.faults = [
        Fault("reset", method="PUT", at_most=1),
        Fault("unheard", method="POST", path=r"x\.parquet\?uploadId=", at_most=1),
    ]
    written = write()
    assert store.met == {"reset": 1, "unheard": 1}
    found = hashlib.sha256()
    with run.open("dataset/data/x.parquet") as stream:
        while block := stream.read(1 << 20):
            found.update(block)
    assert found.hexdigest() == written
    run.sweep()
    assert not store.files.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads")


def make_record(name: str, *, fingerprint: str = "f") -> Record:
    return Record(f"part-00000-{name * 8}.parquet", 1, 1, name, [], fingerprint, ("i",))


def test_of_two_workers_on_one_shard_the_first_one_s_record_stands(store: ObjectStore) -> None:
    run = open_run()
    schema = pa.schema([("name", pa.string())])

    def commit(name: str) -> Any:
        return committing(run, "generate", 0, schema=schema, fingerprint="f", ledger=Ledger(), inputs=["i"])

    with commit("slow") as slow:
        with commit("fast") as fast:
            fast.add({"name": "fast"})
        slow.add({"name": "slow"})
    assert [row["name"] for row in run.iterate_rows("generate", 0)] == ["fast"]
    with commit("again") as again:
        again.add({"name": "again"})
    assert [row["name"] for row in run.iterate_rows("generate", 0)] == ["again"]


def test_a_later_driver_asks_for_a_listing_the_index_and_what_has_changed(store: ObjectStore) -> None:
    driver, shards = open_run(), range(120)  # enough for an index
    driver.remember()
    assert driver.shards("extract") == []
    for shard in shards:
        replaced = replace_record(driver.store, "extract", shard, make_record("a"), seen=None)
        driver.note_record("extract", shard, *replaced)
    store.asked.clear()
    driver.write_index("extract")
    driver.sweep(["extract"])  # nobody has committed since
    assert Counter(each.verb for each in store.asked if each.key.startswith("runs/one/extract/")) == {
        "PUT": 1,
        "LIST": 1,
    }
    later = open_run()
    replace_record(later.store, "extract", 7, make_record("b"), seen=later.look_up_record("extract", 7))
    later.remember()
    store.asked.clear()
    assert later.shards("extract") == list(shards)
    assert dict(later.records("extract")) == {shard: make_record("b" if shard == 7 else "a") for shard in shards}
    assert [(each.verb, each.key.removeprefix("runs/one/extract/")) for each in store.asked] == [
        ("LIST", ""),
        ("GET", "records.index"),
        ("GET", "part-00007.json"),
    ]


def test_a_worker_of_another_driver_does_not_replace_a_record(store: ObjectStore) -> None:
    run = open_run()
    seen = run.store.look_up("extract/part-00000.json")
    replace_record(run.store, "extract", 0, make_record("a"), seen=seen)
    with pytest.raises(BuildError, match="committed by another driver meanwhile"):
        replace_record(run.store, "extract", 0, make_record("b", fingerprint="other"), seen=seen)
    assert run.read_record("extract", 0) == make_record("a")


def test_a_conditional_write_whose_answer_was_lost_is_known_to_be_ours(store: ObjectStore) -> None:
    run = open_run()
    store.faults = [Fault("unheard", method="PUT", tries=2)]
    version = run.store.replace("a.json", b"1", seen=None)
    store.faults = []
    store.faults = [Fault("unheard", method="PUT")]
    version = run.store.replace("a.json", b"2", seen=version)
    assert run.store.look_up("a.json") == version
    for seen in (None, '"0123"'):
        with pytest.raises(Overtaken):
            run.store.replace("a.json", b"3", seen=seen)
    with pytest.raises(Overtaken):
        run.store.replace("gone.json", b"3", seen=version)
    assert run.read("a.json") == b"2"


# --- the lease --------------------------------------------------------------------------------------------------------


def test_of_many_drivers_that_come_at_once_one_gets_the_run(store: ObjectStore) -> None:
    outcomes: list[str] = []
    for dead in (False, True):
        outcomes.clear()
        if dead:
            stale = {"holder": "x", "host": "h", "until": time.time() - 1}
            store.files.pipe("bucket/runs/one/.lock", json.dumps(stale).encode())
        together, done = threading.Barrier(6), threading.Barrier(6)

        def drive(together: threading.Barrier = together, done: threading.Barrier = done) -> None:
            run = open_run()
            together.wait(30)
            try:
                with run.locked():
                    outcomes.append("held")
                    done.wait(60)
            except SetupError as refused:
                outcomes.append(str(refused))
                done.wait(60)

        threads = [threading.Thread(target=drive) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count("held") == 1
        assert sum("taken by another driver" in said or "is held by" in said for said in outcomes) == 5
    assert store.read_tree("bucket/runs/one") == {}


def test_a_lease_outlives_a_store_that_is_away_and_lost_answers(store: ObjectStore) -> None:
    run = open_run()
    run.lease_s = 0.8
    with run.locked():
        store.go_away()
        time.sleep(1.5)
        store.come_back()
        store.faults = [Fault("unheard", method="PUT", path=r"\.lock", tries=3)]
        deadline = time.monotonic() + 30
        while store.met["unheard"] < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert store.met["unheard"] == 3
        while json.loads(store.files.cat_file("bucket/runs/one/.lock"))["until"] < time.time():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not run.lost.is_set()
    assert not store.files.exists("bucket/runs/one/.lock")


def test_a_driver_that_lost_its_lease_writes_nothing_more_and_leaves_the_other_s_lease(store: ObjectStore) -> None:
    run = open_run()
    run.lease_s = 0.4
    theirs = json.dumps({"holder": "other", "host": "h", "until": time.time() + 600}).encode()
    with run.locked():
        store.files.pipe("bucket/runs/one/.lock", theirs)
        assert run.lost.wait(30)
        with pytest.raises(BuildError, match=r"has taken the run .* over"):
            run.write("run.yaml", b"")
        with run.writing("plan") as pending:
            pending.write(b"x")
            with pytest.raises(BuildError, match=r"has taken the run .* over"):
                pending.publish("plan/x")
    assert store.read_tree("bucket/runs/one") == {".lock": theirs}


def test_a_store_without_conditional_writes_has_a_lease_all_the_same(store: ObjectStore) -> None:
    store.faults = [Fault("unconditional", method="PUT", header=r"(?i)If-(None-)?Match:", tries=FOR_EVER)]
    run = open_run()
    with run.locked():
        with pytest.raises(SetupError, match="is held by"), open_run().locked():
            pass
        replace_record(run.store, "extract", 0, make_record("a"), seen=None)
        replace_record(run.store, "extract", 0, make_record("b"), seen=run.store.look_up("extract/part-00000.json"))
    assert run.read_record("extract", 0) == make_record("b")


# --- what a user sees -------------------------------------------------------------------------------------------------


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(arguments)
    return code, capsys.readouterr().err.strip().splitlines()[-1]


def test_what_is_wrong_with_the_way_to_s3_is_said_before_work_starts(
    store: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.files.pipe("bucket/in/a.pdf", write_distinct_pdf(1))
    with start_scripted_server() as server:

        def build(source: str, run: str) -> tuple[int, str]:
            content = {"kind": "files", "paths": [source]}
            path = write_config(tmp_path, tmp_path, server.base_url, source=content)
            return run_command(capsys, "build", str(path), "--run", run)

        local = str(tmp_path / "run")
        code, said = build("s3://nowhere/in", local)
        assert (code, "there is no such bucket" in said) == (2, True), said
        code, said = build("s3://bucket/out", local)
        assert (code, "No file matches 's3://bucket/out'" in said) == (2, True), said
        code, said = build("s3://bucket/in", "s3://nowhere/run")
        assert (code, "there is no such bucket" in said) == (2, True), said
        code, said = build("s3://bucket/in", "s3://bucket/run*")
        assert (code, "give it a name without" in said) == (2, True), said
        store.faults = [Fault("unknown_key", tries=FOR_EVER)]
        for source, run in (("s3://bucket/in", local), (str(tmp_path), "s3://bucket/run")):
            code, said = build(source, run)
            assert code == 2, said
            assert "credentials" in said or "Forbidden" in said
        store.faults = [Fault("denied", method="PUT", tries=FOR_EVER)]
        (tmp_path / "a.pdf").write_bytes(write_distinct_pdf(1))
        code, said = build(str(tmp_path), "s3://bucket/run")
        assert (code, "may not be written by these credentials" in said) == (2, True), said
        store.faults = []
        store.go_away()
        code, said = build(str(tmp_path), "s3://bucket/run")
        assert (code, "s3://bucket/run is not responding" in said, "check its address" in said) == (2, True, True), said
        asked_at = time.monotonic()
        code, said = run_command(capsys, "check", "s3://bucket/run")
        assert (code, "s3://bucket/run is not responding" in said, "check its address" in said) == (2, True, True), said
        assert time.monotonic() - asked_at < PATIENCE_S, "a store that answered before is waited for so long"
        store.come_back()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", str(tmp_path))
        s3fs.S3FileSystem.clear_instance_cache()
        code, said = build("s3://bucket/in", local)
        assert (code, "without credentials" in said) == (2, True), said
        code, said = build(str(tmp_path), "s3://bucket/run")
        assert (code, "without credentials" in said) == (2, True), said
    s3fs.S3FileSystem.clear_instance_cache()
    assert not Path(local).exists()
    assert list(store.read_tree("bucket")) == ["in/a.pdf"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_build_on_s3_that_is_killed_throttled_and_cut_off_gives_the_dataset_of_the_disk(
    store: ObjectStore, tmp_path: Path
) -> None:
    pdfs = write_pdfs(tmp_path / "pdfs")
    for path in sorted(pdfs.iterdir()):
        store.files.pipe(f"bucket/pdfs/{path.name}", path.read_bytes())
    source = {"kind": "files", "paths": ["s3://bucket/pdfs"]}
    run = "s3://bucket/run"
    with start_scripted_server() as server:
        config = write_config(tmp_path, pdfs, server.base_url, source=source, verify={"kind": "round_trip"})
        code, output = Driver(config, tmp_path / "run").finish()
        assert code == 0, output
        faults = [Fault(kind, share=0.06) for kind in PASSING if kind != "short"]
        store.faults = faults

        def written(stage: str) -> Callable[[], bool]:
            return lambda: any(method == "PUT" and f"/run/{stage}/" in path for method, path in store.log)

        kills = 0
        for stage in ("extract", "pack"):
            kills += Driver(config, run).kill_when(written(stage), within_s=400)
            store.log.clear()
        assert kills == 2
        met = store.met.total()
        # one more is cut off from its store as soon as it holds the run, and says so; without faults before that, since
        # on a busy machine they could use its patience up
        store.faults = []
        cut_off = Driver(config, run, "--set", "limits.store_patience_s=3")
        deadline = time.monotonic() + 400
        while ("PUT", "/bucket/run/run.yaml") not in store.log and cut_off.process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        store.go_away()
        code, output = cut_off.finish()
        assert code == 1, output
        assert "Traceback" not in output
        assert "rerun the command to resume" in output.splitlines()[-1]
        assert re.search(r"^s3://bucket/\w+ is unavailable \(.*\); retrying for up to 3 s$", output, re.MULTILINE)
        store.come_back()
        store.faults = faults
        code, output = Driver(config, run).finish()
        assert code == 0, output
        assert met + store.met.total() >= 50
    store.faults = []
    dataset = {f"dataset/{name}": content for name, content in store.read_tree("bucket/run/dataset").items()}
    assert dataset == hash_dataset(tmp_path / "run")
    assert cli.main(["check", run]) == 0
    assert not [name for name in store.read_tree("bucket/run") if name.endswith(".tmp") or name == ".lock"]
