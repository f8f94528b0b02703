"""The whole build, with a real Ray and a scripted model server: what a user runs, and what may happen to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import docmatix
from docmatix.config import load_config
from docmatix.driver import read_job
from docmatix.run_directory import RunDirectory
from docmatix.status import read_status
from tests.pdfs import write_distinct_pdf, write_encrypted_pdf, write_pdf, write_table_pdf
from tests.scripted_server import Faults, start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine documents that can be read, one that needs a password, one that is no PDF, one that is there twice."""
    folder = tmp_path_factory.mktemp("pdfs")
    for number in range(8):
        (folder / f"doc{number}.pdf").write_bytes(write_distinct_pdf(number))
    table = [["Part", "Quantity", "Price"], ["Valve", "12", "$ 41.50"], ["Gasket", "7", "$ 3.20"]]
    (folder / "table.pdf").write_bytes(write_table_pdf(table))
    (folder / "locked.pdf").write_bytes(write_encrypted_pdf("A secret of 12 words."))
    (folder / "page.pdf").write_bytes(b"<html><body>not a PDF</body></html>")
    (folder / "twice.pdf").write_bytes(write_distinct_pdf(3))
    (folder / "short.pdf").write_bytes(write_pdf(""))
    return folder


def write_config(folder: Path, pdf_dir: Path, base_url: str, **changes: Any) -> Path:
    content: dict[str, Any] = {
        "name": "trial",
        "source": {"kind": "files", "paths": [str(pdf_dir / "*.pdf")]},
        "plan": {"documents_per_shard": 4},
        "generate": {
            "engine": {"kind": "openai", "model": "scripted", "base_url": base_url, "give_up_after_s": 3},
            "prompts": ["broad_whole"],
        },
        "curate": {"filters": [{"kind": "length"}, {"kind": "grounded"}]},
        "pack": {"dpi": 50, "file_mb": 1},
    }
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def hash_dataset(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes() for path in sorted((run / "dataset").rglob("*")) if path.is_file()
    }


def list_files(run: Path) -> list[str]:
    return sorted(
        str(path.relative_to(run))
        for path in run.rglob("*")
        if path.is_file() and path.relative_to(run).parts[0] != "telemetry"
    )


def test_a_folder_of_pdfs_becomes_a_dataset_and_only_what_changed_is_done_again(pdf_dir: Path, tmp_path: Path) -> None:
    with start_scripted_server() as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        run = tmp_path / "run"
        docmatix.build(path, run=run)

        status = read_status(RunDirectory(run))
        assert status["complete"]
        assert status["balanced"]
        extract = next(stage for stage in status["stages"] if stage["stage"] == "extract")
        documents = next(line for line in extract["ledger"] if line["unit"] == "documents")
        assert documents == {
            "unit": "documents",
            "in": 13,
            "out": 10,
            "dropped": {"encrypted": 1, "no_text": 1, "not_pdf": 1},
        }
        dedup = next(stage for stage in status["stages"] if stage["stage"] == "dedup")["ledger"][0]
        assert dedup["dropped"] == {"duplicate": 1}

        import datasets

        dataset = datasets.load_dataset(str(run / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
        assert len(dataset) == 9
        assert dataset[0]["images"][0].size == (425, 550)
        assert dataset[0]["texts"][0]["user"]
        assert dataset[0]["texts"][0]["source"].endswith(".pdf")
        del dataset

        asked, before = server.request_count, hash_dataset(run)
        docmatix.build(path, run=run)
        assert server.request_count == asked
        assert hash_dataset(run) == before

        packed = {shard: record.sha256 for shard, record in RunDirectory(run).records("curate")}
        docmatix.build(load_config(path, overrides=["pack.dpi=60"]), run=run)
        assert server.request_count == asked
        assert {shard: record.sha256 for shard, record in RunDirectory(run).records("curate")} == packed
        assert hash_dataset(run) != before

        docmatix.build(load_config(path, overrides=["curate.filters=[{kind: length, max_answer_chars: 3}]"]), run=run)
        assert server.request_count == asked
        assert read_status(RunDirectory(run))["complete"]

        both = load_config(path, overrides=["generate.prompts=[broad_whole, broad_details]"])
        docmatix.build(both, run=run)
        new = [
            row["prompt"]
            for shard in RunDirectory(run).shards("generate")
            for row in RunDirectory(run).iterate_rows("generate", shard)
        ]
        assert server.request_count == asked + new.count("broad_details")
        assert 0 < new.count("broad_details") < len(new)

        docmatix.build(path, run=run)
        assert server.request_count == asked + new.count("broad_details")
        assert hash_dataset(run) == before


def test_new_documents_are_added_and_what_was_there_is_not_asked_about_again(pdf_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "growing"
    folder.mkdir()
    for number in range(3):
        (folder / f"doc{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        path = write_config(tmp_path, folder, server.base_url, pack={"dpi": 50, "schema": "docmatix"})
        docmatix.build(path, run=tmp_path / "run")
        asked = server.request_count
        (folder / "a-new-one.pdf").write_bytes(write_distinct_pdf(77))
        docmatix.build(path, run=tmp_path / "run")
        assert server.request_count == asked + 1
    job = read_job(RunDirectory(tmp_path / "run"))
    uris = [row["source_uri"] for shard in job.run.shards("plan") for row in job.run.iterate_rows("plan", shard)]
    assert [uri.rsplit("/", 1)[1] for uri in uris] == ["doc0.pdf", "doc1.pdf", "doc2.pdf", "a-new-one.pdf"]

    import datasets

    dataset = datasets.load_dataset(str(tmp_path / "run" / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
    text = {name: datasets.Value("string") for name in ("user", "assistant", "source")}
    assert dataset.features == datasets.Features({"images": datasets.Sequence(datasets.Image()), "texts": [text]})
    assert len(dataset) == 4


class Driver:
    """`docmatix build` in a process group of its own."""

    def __init__(self, config: Path, run: Path) -> None:
        command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(run)]
        self.process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_when(self, happened: Any, *, within_s: float = 120) -> bool:
        """Kill the whole group by SIGKILL once `happened()` is true; False if the build ended before."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            if happened():
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.communicate()
                return True
            time.sleep(0.002)
        raise AssertionError("the build did nothing")

    def finish(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=300)
        return self.process.returncode, output


@pytest.fixture(scope="module")
def undisturbed(pdf_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Any]]:
    """A configuration, the run of an undisturbed build of it, and the server both were asked of."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with start_scripted_server() as server:
        path = write_config(folder, pdf_dir, server.base_url, verify={"kind": "round_trip"})
        code, output = Driver(path, folder / "run").finish()
        assert code == 0, output
        yield path, folder / "run", server


def test_a_driver_killed_in_every_stage_leaves_the_same_dataset(
    undisturbed: tuple[Path, Path, Any], tmp_path: Path
) -> None:
    config, reference, server = undisturbed
    run = tmp_path / "run"
    moments = [
        *(lambda stage=stage: any((run / stage).glob("part-*.json")) for stage in ("plan", "extract", "dedup")),
        lambda: any((run / "generate" / "replies").glob("*.parquet")),
        *(lambda stage=stage: any((run / stage).glob("part-*.json")) for stage in ("generate", "verify", "curate")),
        lambda: any((run / "pack").glob(".*.tmp")),
        lambda: any((run / "pack").glob("part-*.json")),
    ]
    asked = server.request_count
    kills = 0
    for moment in moments:
        kills += Driver(config, run).kill_when(moment)
    code, output = Driver(config, run).finish()
    assert code == 0, output
    assert kills >= 7
    assert hash_dataset(run) == hash_dataset(reference)
    assert list_files(run) == list_files(reference)
    # the undisturbed build asked each request once; a kill loses no more than the replies of the last second
    assert server.request_count - asked <= 2 * asked


def test_a_server_that_goes_away_for_good_stops_the_build_in_one_sentence(pdf_dir: Path, tmp_path: Path) -> None:
    with start_scripted_server(faults=Faults(delay_s=0.3)) as server:
        engine = {"kind": "openai", "model": "scripted", "base_url": server.base_url, "give_up_after_s": 1}
        path = write_config(
            tmp_path,
            pdf_dir,
            server.base_url,
            generate={"engine": {**engine, "max_in_flight": 1}, "prompts": ["broad_whole"]},
        )
        driver = Driver(path, tmp_path / "run")
        deadline = time.monotonic() + 120
        while server.request_count < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    code, output = driver.finish()
    assert code == 1, output
    assert "Traceback" not in output
    assert "server" in output.splitlines()[-1]
    assert not (tmp_path / "run" / "dataset" / "README.md").exists()


def test_too_many_refused_requests_stop_the_build_and_say_why(pdf_dir: Path, tmp_path: Path) -> None:

    with start_scripted_server(faults=Faults(refused=0.6)) as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        with pytest.raises(docmatix.BuildError, match="refused"):
            docmatix.build(path, run=tmp_path / "run")


def test_a_full_disk_stops_the_build_in_one_sentence_and_the_next_run_goes_on(
    undisturbed: tuple[Path, Path, Any], tmp_path: Path
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no permission to mount a small disk")
    try:
        config, reference, _ = undisturbed
        small = [*("--set", "limits.min_free_disk_mb=0")]
        command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(mount / "run"), *small]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        assert ended.returncode == 1, ended.stderr
        assert "full" in ended.stderr.splitlines()[-1]
        assert "Traceback" not in ended.stderr
        subprocess.run(["mount", "-o", "remount,size=50m", str(mount)], check=True)
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        assert ended.returncode == 0, ended.stderr
        assert hash_dataset(mount / "run") == hash_dataset(reference)
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_status_as_json_has_the_promised_shape(undisturbed: tuple[Path, Path, Any]) -> None:
    _, run, _ = undisturbed
    ended = subprocess.run(
        [sys.executable, "-m", "docmatix", "status", str(run), "--json"], capture_output=True, text=True, check=True
    )
    status = json.loads(ended.stdout)
    assert set(status) == {"name", "complete", "balanced", "stages"}
    assert [stage["stage"] for stage in status["stages"]] == [
        *("plan", "extract", "dedup", "generate", "verify", "curate", "pack")
    ]
    for stage in status["stages"]:
        assert set(stage) == {"stage", "shards_done", "shards", "ledger"}
        assert stage["shards_done"] == stage["shards"]
        for line in stage["ledger"]:
            assert line["in"] == line["out"] + sum(line["dropped"].values())


def test_no_process_is_left_after_a_normal_end(undisturbed: tuple[Path, Path, Any], tmp_path: Path) -> None:
    config, _, _ = undisturbed
    marker = f"DOCMATIX_TEST={tmp_path.name}-{os.getpid()}"
    name, _, value = marker.partition("=")
    command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(tmp_path / "run")]
    subprocess.run(command, env={**os.environ, name: value}, check=True, capture_output=True, timeout=200)
    deadline = time.monotonic() + 20
    while (left := find_processes(marker)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


def find_processes(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100])
        except OSError:
            continue
    return found
