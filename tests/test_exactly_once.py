"""Builds as processes that are killed, starved and abandoned: the dataset is the one an undisturbed build gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builds import Driver, find_processes, hash_dataset, list_files, write_config, write_pdfs
from tests.scripted_server import Faults, start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdfs(tmp_path_factory.mktemp("pdfs"))


@pytest.fixture(scope="module")
def undisturbed(pdf_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Any]]:
    """A configuration, the run of an undisturbed build of it, and the server both were asked of."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with start_scripted_server() as server:
        elsewhere = server.base_url.replace("127.0.0.1", "localhost")
        judge = {"kind": "judge", "engine": {"kind": "openai", "model": "scripted", "base_url": elsewhere}}
        path = write_config(folder, pdf_dir, server.base_url, verify=[{"kind": "answer_again"}, judge])
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
        lambda: any((run / "generate" / "replies").rglob("*.parquet")),
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
    promised, beside = (
        {"name", "complete", "balanced", "stages"},
        {"running", "driver", "text_from", "facts", "windows", "checks", "tokens", "requests", "serving"},
    )
    assert set(status) == promised | beside
    assert [stage["stage"] for stage in status["stages"]] == [
        *("plan", "extract", "dedup", "generate", "verify", "curate", "pack")
    ]
    for stage in status["stages"]:
        assert set(stage) == {"stage", "shards_done", "shards", "ledger", "outdated"}
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
