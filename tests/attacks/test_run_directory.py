"""A run directory from anybody: what is in it neither leads out of it, nor keeps a verb waiting, nor has files removed.

Also whose run it is, and where its plan may lead those who look at it or build on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import docmatix
from docmatix.check.proof import find_problems
from docmatix.cli import main
from docmatix.core.documents import Refusal
from docmatix.core.errors import BuildError, SetupError
from docmatix.pdf.settings import Rendering
from docmatix.review.ablation import share_pages
from docmatix.review.source_pages import Place, render_in_turn
from docmatix.review.status import read_status
from docmatix.sources.locators import Locator
from docmatix.stages.plan import plan_shards
from docmatix.stages.support.job import Job
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from tests.builds import write_config
from tests.jobs import InlineSandbox, extract, make_job
from tests.pdfs import write_distinct_pdf

SANDBOX: Any = InlineSandbox()
FOLDERS = ("extract", "pack", "generate/replies", "dataset", "dataset/data", "dataset/plots", "telemetry")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Another user's folder, outside every run."""
    folder = tmp_path / "home"
    for name in ("photo.jpg", "data/thesis.parquet", "plots/a.png", "live/june/diary.txt", "attempts/notes"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"dear")
    return folder


def list_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put_link(run: Run, name: str, target: Path) -> None:
    """Have a link lie where a file or folder of the run was."""
    path = Path(run.path(name))
    if path.is_dir():
        path.rename(path.with_name("moved-away"))
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def put_pipe(run: Run, name: str) -> Path:
    path = Path(run.path(name))
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def call_beside_pipe(pipe: Path, action: Callable[[], object]) -> object:
    """The result or exception of an action that must not wait for a pipe without a writer."""
    outcome: list[object] = []

    def call() -> None:
        try:
            outcome.append(action())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(30)
    waits = thread.is_alive()
    while thread.is_alive():  # end it: opening the pipe for writing releases the reader
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        thread.join(0.05)
    assert not waits, "it waits for a pipe"
    return outcome[0]


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_is_a_link_is_swept_for_nobody(own_run, victim, folder):
    put_link(own_run, folder, victim)
    before = list_all(victim)
    tidy = (own_run.sweep, own_run.sweep_asides, lambda: own_run.remove(f"{folder}/photo.jpg", f"{folder}/live"))
    refused = []
    for each in tidy:
        try:
            each()
        except SetupError as error:
            refused.append(str(error))
    assert list_all(victim) == before
    assert refused
    assert all(f"{folder} in the run directory {own_run.root} is a link" in said for said in refused)


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_written_into_a_folder_that_is_a_link(own_run, victim, folder):
    put_link(own_run, folder, victim)
    before = list_all(victim)
    with pytest.raises(SetupError, match=f"{folder} in the run directory .* is a link"):
        own_run.write(f"{folder}/photo.jpg", b"gone")
    assert list_all(victim) == before


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_read_out_of_a_folder_that_is_a_link(own_run, victim, folder):
    put_link(own_run, folder, victim)
    for read in (own_run.names, lambda name: own_run.read(f"{name}/photo.jpg")):
        with pytest.raises(SetupError, match=f"{folder} in the run directory .* is a link"):
            read(folder)


def test_a_build_in_a_run_whose_folder_is_a_link_ends_in_a_sentence_and_removes_nothing(
    own_run, victim, tmp_path, capsys
):
    config = write_config(tmp_path, tmp_path, "http://127.0.0.1:9/v1")
    run = Run(tmp_path / "theirs")
    run.write("run.yaml", b"")
    (tmp_path / "one.pdf").write_bytes(write_distinct_pdf(1))
    content = yaml.safe_load(config.read_text())
    run.write("run.yaml", yaml.safe_dump({"name": "trial", "source": content["source"]}).encode())
    put_link(run, "telemetry", victim)
    before = list_all(victim)
    code = main(["build", str(config), "--run", run.root])
    assert list_all(victim) == before
    assert code == 2
    assert "telemetry in the run directory" in capsys.readouterr().err


def test_an_ablation_builds_in_no_folder_that_its_own_links_to(tmp_path, capsys):
    config = write_config(tmp_path, tmp_path, "http://127.0.0.1:9/v1")
    (tmp_path / "one.pdf").write_bytes(write_distinct_pdf(1))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    put_link(Run(tmp_path / "ablation"), "pages", elsewhere)
    options = ["--prompts", "broad_whole", "--run", str(tmp_path / "ablation")]
    assert main(["ablate", str(config), *options]) == 2
    assert "pages in the run directory" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_an_ablation_shares_no_part_that_is_a_link(own_run, tmp_path, victim):
    put_link(own_run, own_run.part_name("plan", own_run.read_record("plan", 0)), victim / "photo.jpg")
    with pytest.raises(SetupError, match="is a link"):
        share_pages(own_run, Run(tmp_path / "other"))


def test_an_export_is_not_put_where_a_link_in_the_run_leads(own_run, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    put_link(own_run, "exports", tmp_path / "elsewhere")
    assert main(["export", own_run.root, "--format", "llava"]) == 2
    assert "exports in the run directory" in capsys.readouterr().err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_lock_that_is_a_link_empties_no_file(tmp_path, victim):
    run = Run(tmp_path / "run")
    put_link(run, ".lock", victim / "photo.jpg")
    with pytest.raises(SetupError, match=r"\.lock in the run directory .* is a link"), run.locked():
        pass
    assert (victim / "photo.jpg").read_bytes() == b"dear"


def test_a_lock_that_is_another_name_of_a_file_does_not_write_over_it(tmp_path, victim):
    run = Run(tmp_path / "run")
    run.write("run.yaml", b"name: x")
    os.link(victim / "photo.jpg", run.path(".lock"))
    with run.locked():
        with pytest.raises(SetupError, match="is held by"), Run(run.root).locked():
            pass
        assert (victim / "photo.jpg").read_bytes() == b"dear"


@pytest.mark.parametrize("what", ["record", "part", "replies", "run.yaml", "card"])
def test_a_file_that_is_a_link_is_not_read(own_run, tmp_path, what):
    record = own_run.read_record("generate", 0)
    names = {
        "record": "generate/part-00000.json",
        "part": own_run.part_name("generate", record),
        "replies": f"generate/replies/{record.extra['replies'][0]}",
        "card": "dataset/README.md",
    }
    name = names.get(what, what)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(own_run.read(name))  # what is there is as it should be: only the way to it is not
    put_link(own_run, name, elsewhere)
    for read in (own_run.read, own_run.open, own_run.size, lambda name: list(own_run.iterate_file(name))):
        with pytest.raises(SetupError, match=f"{name} in the run directory .* is a link"):
            read(name)


def test_the_run_itself_may_be_a_link_as_the_user_named_it(own_run, tmp_path):
    (tmp_path / "named").symlink_to(own_run.root)
    run = Run(tmp_path / "named")
    assert list(find_problems(run)) == []
    with run.locked():
        run.write("telemetry/a.json", b"{}")
    assert run.read("telemetry/a.json") == b"{}"
    assert docmatix.open(run.root)[0]["doc_id"]


def test_a_dataset_whose_files_are_links_opens_as_the_cache_of_the_hub_has_them(own_run, tmp_path):
    data = tmp_path / "snapshot" / "data"
    data.mkdir(parents=True)
    for name in own_run.names("dataset/data"):
        (data / name).symlink_to(own_run.path(f"dataset/data/{name}"))
    assert len(docmatix.open(tmp_path / "snapshot")) == len(docmatix.open(own_run.root))


def test_check_names_each_link_and_each_pipe(own_run, victim, capsys):
    elsewhere = victim / "part.parquet"
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    elsewhere.write_bytes(own_run.read(name))
    put_link(own_run, name, elsewhere)
    put_link(own_run, "telemetry/live", victim)
    pipe = put_pipe(own_run, "dataset/plots/odd.png")
    assert call_beside_pipe(pipe, lambda: main(["check", own_run.root])) == 1
    said = capsys.readouterr().out
    assert f"{name} in the run directory {own_run.root} is a link" in said
    assert f"telemetry/live in the run directory {own_run.root} is a link" in said
    assert f"dataset/plots/odd.png in the run directory {own_run.root} is a named pipe" in said


# --- pipes, sockets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [".lock", "run.yaml", "extract/part-00000.json", "telemetry/old.json"])
@pytest.mark.parametrize("verb", ["status", "check"])
def test_a_pipe_in_place_of_a_file_is_named_and_not_waited_for(own_run, name, verb):
    pipe = put_pipe(own_run, name)
    look = read_status if verb == "status" else lambda run: "\n".join(find_problems(run))
    said = str(call_beside_pipe(pipe, lambda: look(own_run)))
    assert f"{name} in the run directory {own_run.root} is a named pipe" in said


def test_a_part_that_is_a_pipe_is_not_waited_for(own_run):
    pipe = put_pipe(own_run, own_run.part_name("curate", own_run.read_record("curate", 0)))
    outcome = call_beside_pipe(pipe, lambda: list(own_run.iterate_rows("curate", 0)))
    assert "is a named pipe" in str(outcome)


def test_a_lock_that_is_a_pipe_ends_a_build_in_a_sentence(tmp_path):
    run = Run(tmp_path / "run")
    pipe = put_pipe(run, ".lock")

    def hold() -> None:
        with run.locked():
            pass

    outcome = call_beside_pipe(pipe, hold)
    assert isinstance(outcome, SetupError)
    assert "is a named pipe" in str(outcome)


def test_a_socket_in_place_of_a_record_is_named(tmp_path):
    run = Run(tmp_path / "r")
    run.write("extract/part-00001.json", b"")
    with contextlib.chdir(run.path("extract")), socket.socket(socket.AF_UNIX) as bound:
        bound.bind("part-00000.json")
        with pytest.raises(SetupError, match="is a socket"):
            run.read_record("extract", 0)


# --- names in records -------------------------------------------------------------------------------------------------


def forge(run: Run, stage: str, **changes: Any) -> None:
    record = run.read_record(stage, 0)
    assert record is not None
    run.write_record(stage, 0, replace(record, **changes))


@pytest.mark.parametrize("stage", ["extract", "pack"])
@pytest.mark.parametrize(
    "file", ["../secret.parquet", "/SECRET", "part-00000-aaaaaaaa.parquet/../../../secret.parquet", "x/y.parquet"]
)
def test_a_record_leads_to_no_file_outside_of_its_stage(own_run, tmp_path, stage, file):
    secret = tmp_path / "secret.parquet"
    secret.write_bytes(own_run.read(own_run.part_name(stage, own_run.read_record(stage, 0))))
    forge(own_run, stage, file=file.replace("/SECRET", str(secret)))
    with pytest.raises(BuildError, match=rf"{stage}/part-00000\.json names .* not a file of its stage: remove it"):
        list(own_run.iterate_rows(stage, 0))
    assert f"The commit record {stage}/part-00000.json names" in "\n".join(find_problems(own_run))


@pytest.mark.parametrize("replies", [["../../../secret.parquet"], ["/etc/passwd"], ["a/b/c.parquet"], "part", [7]])
def test_a_record_leads_to_no_replies_elsewhere(own_run, replies):
    forge(own_run, "generate", extra={"replies": replies})
    with pytest.raises(BuildError, match="not a file of its stage"):
        own_run.read_record("generate", 0)


@pytest.mark.parametrize(
    "changes", [{"file": 7}, {"rows": "many"}, {"size": None}, {"sha256": []}, {"ledger": {}}, {"extra": []}]
)
def test_a_record_with_fields_of_other_types_is_damaged(own_run, changes):
    forge(own_run, "extract", **changes)
    with pytest.raises(BuildError, match=r"extract/part-00000\.json is damaged"):
        own_run.read_record("extract", 0)


def test_a_record_that_is_nested_without_end_is_damaged(own_run):
    own_run.write("extract/part-00000.json", b"[" * 100_000)
    with pytest.raises(BuildError, match=r"extract/part-00000\.json is damaged"):
        own_run.read_record("extract", 0)


# --- what is removed --------------------------------------------------------------------------------------------------


def test_sweeping_leaves_what_docmatix_does_not_name_and_says_so(own_run):
    said: list[str] = []
    run = Run(own_run.root, say=said.append)
    ours = ["extract/part-00007-aaaaaaaa.parquet", f"pack/.{'0' * 32}.tmp", "dataset/data/train-00003-of-00009.parquet"]
    theirs = ["extract/thesis.tex", "extract/.hidden.tmp", "dataset/data/holiday.parquet", "pack/folder/photo.jpg"]
    for name in [*ours, *theirs]:
        run.write(name, b"x")
    assert sorted(run.sweep()) == sorted(ours)
    assert not any(run.exists(name) for name in ours)
    assert all(run.exists(name) for name in theirs)
    (line,) = said
    assert "extract/thesis.tex" in line
    assert "pack/folder" in line


def test_a_leftover_that_is_a_link_or_a_folder_stays(own_run, victim):
    Path(own_run.path("extract/part-00000-bbbbbbbb.parquet")).symlink_to(victim)
    Path(own_run.path("extract/part-00001-bbbbbbbb.parquet")).mkdir()
    own_run.sweep()
    own_run.sweep_asides()
    assert Path(own_run.path("extract/part-00000-bbbbbbbb.parquet")).is_symlink()
    assert Path(own_run.path("extract/part-00001-bbbbbbbb.parquet")).is_dir()


def test_removing_a_folder_leaves_foreign_files_and_what_links_lead_to(own_run, victim):
    own_run.write("telemetry/live/20250101T000000-aaaaaa/driver.json", b"{}")
    own_run.write("telemetry/live/20250101T000000-aaaaaa/novel.txt", b"the only copy")
    put_link(own_run, "telemetry/live/20250101T000000-bbbbbb", victim)
    before = list_all(victim)
    own_run.remove("telemetry/live")
    assert list_all(victim) == before
    assert own_run.names("telemetry/live/20250101T000000-aaaaaa") == ["novel.txt"]


# --- whose it is ------------------------------------------------------------------------------------------------------

ELSE = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


@needs_root
@pytest.mark.parametrize("folder", ["", "extract"])
def test_a_run_of_another_user_is_not_built_in_unless_said_so(tmp_path, capsys, folder):
    config = write_config(tmp_path, tmp_path, "http://127.0.0.1:9/v1")
    (tmp_path / "one.pdf").write_bytes(write_distinct_pdf(1))
    run = Run(tmp_path / "theirs")
    source = yaml.safe_load(config.read_text())["source"]
    run.write("run.yaml", yaml.safe_dump({"name": "trial", "source": source}).encode())
    run.write("extract/part-00000-aaaaaaaa.parquet", b"x")
    os.chown(run.path(folder), ELSE, ELSE)
    before = list_all(Path(run.root))
    assert main(["build", str(config), "--run", run.root]) == 2
    said = capsys.readouterr().err
    assert "belongs to another user" in said
    assert "--trust-run" in said
    assert list_all(Path(run.root)) == before
    assert main(["build", str(config), "--run", run.root, "--trust-run"]) != 0
    assert "belongs to another user" not in capsys.readouterr().err


@needs_root
def test_a_report_is_not_written_into_a_run_of_another_user_which_may_be_looked_at(own_run, tmp_path, capsys):
    os.chown(own_run.root, ELSE, ELSE)
    assert main(["report", own_run.root]) == 2
    assert "give the report another place with -o" in capsys.readouterr().err
    assert not own_run.exists("report.html")
    assert main(["report", own_run.root, "-o", str(tmp_path / "report.html"), "--samples", "1"]) == 0
    for verb in ("status", "check", "inspect"):
        assert main([verb, own_run.root]) == 0


# --- where a plan leads -----------------------------------------------------------------------------------------------


def plan_at(folder: Path, *addresses: str, paths: list[str] | None = None, size: int | None = None) -> Job:
    """A job whose plan holds these addresses, as if an attacker had written them."""
    job = make_job(folder, source={"kind": "files", "paths": paths or [str(folder / "docs")]})
    plan_shards(job, [Locator(f"docs/{number}.pdf", address, size=size) for number, address in enumerate(addresses)])
    return job


def look(job: Job, pdf: bytes, **options: Any) -> list[str]:
    """For each document of the plan, all of which are said to be `pdf`: `shown`, or why it is not."""
    doc_id = hashlib.sha256(pdf).hexdigest()[:32]
    rows = len(list(job.run.iterate_rows("plan", 0)))
    places = [Place(0, index, doc_id, (1,)) for index in range(rows)]
    settings = Rendering(dpi=36)
    outcomes = render_in_turn(job, places, settings=settings, sandbox=SANDBOX, **options)
    return [outcome.reason if isinstance(outcome, Refusal) else "shown" for _, outcome in outcomes]


class Server(ThreadingHTTPServer):
    """A web server that keeps what it was asked, and answers with a PDF or an error."""

    def __init__(self, pdf: bytes | None) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                content = pdf or b""
                self.send_response(200 if pdf is not None else 503)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serve(pdf: bytes | None) -> Iterator[Server]:
    with Server(pdf) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_plan_does_not_lead_who_looks_to_files_outside_of_the_source(tmp_path):
    pdf = write_distinct_pdf(5)
    private = tmp_path / "private.pdf"
    private.write_bytes(pdf)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "inside.pdf").write_bytes(pdf)
    (docs / "link.pdf").symlink_to(private)
    (docs / "near.pdf").symlink_to(docs / "inside.pdf")
    (tmp_path / "docs-of-others").mkdir()
    (tmp_path / "docs-of-others" / "a.pdf").write_bytes(pdf)
    addresses = [
        *(str(docs / "inside.pdf"), str(docs / "near.pdf"), str(private), f"file://{private}"),
        *(f"{docs}/../private.pdf", str(docs / "link.pdf"), f"{tmp_path}/docs-of-others/a.pdf"),
    ]
    assert look(plan_at(tmp_path, *addresses), pdf) == ["shown", "shown", *["outside_source"] * 5]


def test_a_plan_that_leads_to_a_pipe_keeps_nobody_waiting(tmp_path):
    job = plan_at(tmp_path, str(tmp_path / "docs" / "0.pdf"), size=100)
    pipe = tmp_path / "docs" / "0.pdf"
    os.mkfifo(pipe)
    assert call_beside_pipe(pipe, lambda: look(job, b"x")) == ["not_a_file"]


def test_a_build_does_not_read_what_is_outside_of_its_source(tmp_path):
    private = tmp_path / "private.pdf"
    private.write_bytes(write_distinct_pdf(5))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "0.pdf").write_bytes(write_distinct_pdf(6))
    with serve(write_distinct_pdf(7)) as server:
        job = plan_at(tmp_path, str(tmp_path / "docs" / "0.pdf"), str(private), f"{server.url}/a.pdf")
        extract(job)
    assert server.asked == []
    rows = list(job.run.iterate_rows("extract", 0, columns=["reason"]))
    assert [row["reason"] for row in rows] == [None, "outside_source", "outside_source"]


def test_a_build_does_not_wait_for_a_pipe_that_has_taken_the_place_of_a_document(tmp_path):
    job = plan_at(tmp_path, str(tmp_path / "docs" / "0.pdf"), size=100)
    pipe = tmp_path / "docs" / "0.pdf"
    os.mkfifo(pipe)
    call_beside_pipe(pipe, lambda: extract(job))
    assert [row["reason"] for row in job.run.iterate_rows("extract", 0, columns=["reason"])] == ["not_a_file"]


def test_a_plan_sends_who_looks_to_another_machine_only_where_that_is_asked_for(tmp_path):
    pdf = write_distinct_pdf(5)
    with serve(pdf) as server:
        job = plan_at(tmp_path, f"{server.url}/docs/a.pdf", paths=[f"{server.url}/docs/*.pdf"])
        assert look(job, pdf) == ["not_fetched"]
        assert server.asked == []
        assert look(job, pdf, fetch=True) == ["shown"]
        assert server.asked


def test_a_plan_sends_nobody_to_a_machine_that_its_source_does_not_name(tmp_path):
    pdf = write_distinct_pdf(5)
    with serve(pdf) as server, serve(pdf) as other:
        addresses = [f"{other.url}/docs/a.pdf", f"{server.url}/docs/../admin.pdf", f"{server.url}/docs/%2e%2e/b.pdf"]
        job = plan_at(tmp_path, *addresses, paths=[f"{server.url}/docs/*.pdf"])
        assert look(job, pdf) == ["outside_source"] * 3
        assert (server.asked, other.asked) == ([], [])
        assert look(job, pdf, fetch=True) == ["outside_source"] * 3
        assert (server.asked, other.asked) == ([], [])


def test_a_machine_that_does_not_answer_is_asked_once(tmp_path):
    with serve(None) as server:
        addresses = [f"{server.url}/docs/{number}.pdf" for number in range(100)]
        job = plan_at(tmp_path, *addresses, paths=[f"{server.url}/docs"])
        assert len(job.run.shards("plan")) == 2
        places = [Place(shard, index, "0" * 32, (1,)) for shard in (0, 1) for index in (0, 1)]
        assert len(list(render_in_turn(job, places, settings=Rendering(), sandbox=SANDBOX))) == 4
        assert server.asked == []
        render = render_in_turn(job, places, settings=Rendering(), sandbox=SANDBOX, fetch=True)
        reasons = [getattr(outcome, "reason", None) for _, outcome in render]
        assert reasons == ["not_at_hand", "not_at_hand", "not_fetched", "not_fetched"]
        assert len({line.split()[1] for line in server.asked}) == 1
        assert len(server.asked) <= 2  # a HEAD for the size, and a GET


def test_inspect_says_why_a_picture_is_missing(own_run, tmp_path, capsys):
    job = read_job(own_run)
    content = yaml.safe_load(own_run.read("run.yaml"))
    content["source"]["paths"] = [str(tmp_path / "nothing-of-it")]
    own_run.write("run.yaml", yaml.safe_dump(content).encode())
    assert job.run.exists("run.yaml")
    pictures = tmp_path / "pictures"
    assert main(["inspect", own_run.root, "--dropped", "blank", "--pictures", str(pictures)]) == 0
    assert "no picture: outside_source" in capsys.readouterr().out
    assert not pictures.exists()


def _write_bomb(path: Path) -> None:
    """A row group of 640 MB of one letter, in a few kilobytes."""
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        text = pa.array(["a" * (8 << 20)])
        rows = pa.chunked_array([text] * 80)
        writer.write_table(pa.table([rows], schema=schema), row_group_size=80)


@pytest.mark.parametrize("kind", ["bomb", "no-parquet", "cut"])
def test_a_part_that_is_a_bomb_or_none_is_named_in_a_sentence(own_run: Run, kind: str) -> None:
    record = own_run.read_record("extract", 0)
    assert record is not None
    path = Path(own_run.path(own_run.part_name("extract", record)))
    if kind == "bomb":
        _write_bomb(path)
    else:
        path.write_bytes(b"PAR1 this is none" if kind == "no-parquet" else path.read_bytes()[:-200])
    with pytest.raises(BuildError, match=f"extract/{record.file} in .* is damaged"):
        list(own_run.iterate_rows("extract", 0))
