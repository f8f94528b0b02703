"""Builds with a model server in trouble: the dataset is the one an undisturbed build gives, or the build stops and says
why, and the same command goes on from there."""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest

import docmatix
from docmatix.core.ledger import JUDGED_FROM
from docmatix.driver.progress import Progress
from docmatix.review.status import describe_status, read_status
from docmatix.storage.run import Run
from tests.builds import Driver, hash_dataset, running_ray, write_config
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import (
    Body,
    Faults,
    refuse_fields,
    reply_plausibly,
    start_scripted_process,
    start_scripted_server,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DOCUMENTS = 40
IN_FLIGHT = 8


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pdfs")
    for number in range(DOCUMENTS):
        (folder / f"{number:02d}.pdf").write_bytes(write_distinct_pdf(number))
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    with running_ray():
        yield


def configure(
    folder: Path, pdf_dir: Path, base_url: str, *, resources: dict[str, Any] | None = None, **engine: Any
) -> Path:
    """A build of about 200 requests, five for each document, in two shards."""
    engine = {"kind": "openai", "model": "scripted", "base_url": base_url, "max_in_flight": IN_FLIGHT, **engine}
    return write_config(
        folder,
        pdf_dir,
        base_url,
        plan={"documents_per_shard": 20},
        generate={"engine": engine, "prompts": ["extractive"]},
        dedup={"near": False},
        pack={"dpi": 36},
        **({"resources": resources} if resources else {}),
    )


@pytest.fixture(scope="module")
def read(pdf_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose documents are read, and nothing is asked yet."""
    folder = tmp_path_factory.mktemp("read")
    config = configure(folder, pdf_dir, f"http://127.0.0.1:{find_closed_port()}/v1")
    docmatix.build(config, run=folder / "run", stages=["plan", "extract", "dedup"])
    shutil.rmtree(folder / "run" / "telemetry")
    return folder / "run"


@pytest.fixture
def run(read: Path, tmp_path: Path) -> Path:
    """A run of its own for each test."""
    return Path(shutil.copytree(read, tmp_path / "run"))


@pytest.fixture(scope="module")
def undisturbed(read: Path, pdf_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The run of an undisturbed build, and how many requests it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = Path(shutil.copytree(read, folder / "run"))
    with start_scripted_server() as server:
        docmatix.build(configure(folder, pdf_dir, server.base_url), run=run)
    assert server.request_count > 150
    return run, server.request_count


def read_rows(run: Path) -> list[dict[str, Any]]:
    directory = Run(run)
    return [row for shard in directory.shards("generate") for row in directory.iterate_rows("generate", shard)]


def read_retries(run: Path) -> dict[str, int]:
    """What was sent again in `generate`, by cause, from the telemetry of all drivers."""
    total: Counter[str] = Counter()
    for path in (run / "telemetry").glob("*.json"):
        figures = json.loads(path.read_text())["stages"].get("generate", {})
        total.update({name.removeprefix("retries_"): n for name, n in figures.items() if name.startswith("retries_")})
    return dict(total)


def find_requests(run: Path) -> dict[str, Any]:
    """The line of `status --json` about the requests of `generate`."""
    status = read_status(Run(run))
    stage = next(stage for stage in status["stages"] if stage["stage"] == "generate")
    return dict(next(line for line in stage["ledger"] if line["unit"] == "requests"))


def find_closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(happened: Any, *, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


# --- faults that pass -------------------------------------------------------------------------------------------------


def test_a_server_with_every_fault_at_the_first_try_costs_nothing_but_time(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    shares = dict.fromkeys(
        ("busy", "broken", "unavailable", "garbage", "halved", "foreign", "mangled", "bloated", "cut"), 0.08
    )
    slow = dict.fromkeys(("swollen", "dripping", "hung"), 0.02)
    with start_scripted_server(faults=Faults(**shares, **slow, retry_after="0.1")) as server:
        docmatix.build(configure(tmp_path, pdf_dir, server.base_url, timeout_s=2), run=run)
    assert hash_dataset(run) == hash_dataset(reference)
    assert find_requests(run) == {"unit": "requests", "in": requests, "out": requests, "dropped": {}}
    assert set(read_retries(run)) == {"busy", "server_error", "garbage", "cut", "timeout"}


def test_what_several_workers_ask_is_counted_together(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    _, requests = undisturbed
    resources = {"cpus": 2, "generate_workers": 2, "shards_in_flight": 1}  # a shard for each
    with start_scripted_server(faults=Faults(busy=0.2, retry_after="0.1")) as server:
        config = configure(tmp_path, pdf_dir, server.base_url, resources=resources)
        built = docmatix.build(config, run=run, stages=["generate"])
    assert built.figures["generate"]["requests"] == requests
    assert built.figures["generate"]["retries_busy"] == server.stats()["by_status"]["429"]


def test_a_server_that_is_killed_and_started_again_costs_nothing_but_time(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    port, state, kills = find_closed_port(), tmp_path / "state", 4
    options = ["--port", str(port), "--state-file", str(state), "--delay-s", "0.1"]
    config = configure(tmp_path, pdf_dir, f"http://127.0.0.1:{port}/v1", give_up_after_s=60)

    def count_asked() -> int:
        return len(state.read_text().splitlines()) if state.exists() else 0

    with start_scripted_process(*options):
        build = threading.Thread(target=docmatix.build, args=(config,), kwargs={"run": run})
        build.start()
        wait_until(lambda: count_asked() >= requests // (kills + 2))
    for number in range(2, kills + 1):
        with start_scripted_process(*options):
            wait_until(lambda number=number: count_asked() >= number * requests // (kills + 2))
    with start_scripted_process(*options):
        build.join(240)
        assert not build.is_alive()
    assert hash_dataset(run) == hash_dataset(reference)
    assert set(read_retries(run)) <= {"cut", "unreachable"}
    assert read_retries(run)["cut"] >= kills


def test_the_embedded_server_that_is_killed_is_started_again_and_costs_nothing_but_time(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "pdfs").mkdir()
    for number in range(3):
        (tmp_path / "pdfs" / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    # one request after the other: what shares a batch changes what is computed in it
    engine = {"kind": "llamacpp", "slots": 1, "max_in_flight": 1, "context_tokens": 1024}
    generate = {"engine": engine, "prompts": ["extractive"], "max_candidates": 2}
    config = write_config(tmp_path, tmp_path / "pdfs", "", generate=generate)
    reference, run = tmp_path / "reference", tmp_path / "run"
    docmatix.build(config, run=reference)

    def kill_at_work() -> None:
        wait_until(lambda: list((run / "generate" / "replies").rglob("*.parquet")))
        for child in psutil.Process().children():
            if "docmatix.models.llamacpp_server" in child.cmdline():
                child.kill()

    killer = threading.Thread(target=kill_at_work)
    killer.start()
    docmatix.build(config, run=run)
    killer.join()
    assert sum(read_retries(run).values()) > 0
    assert hash_dataset(run) == hash_dataset(reference)


def test_passing_faults_are_retried_and_lasting_ones_are_counted(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    tenth = dict.fromkeys(("busy", "broken", "cut", "garbage"), 0.025)
    with start_scripted_server(faults=Faults(**tenth, refused=0.05, retry_after="0.1")) as server:
        docmatix.build(configure(tmp_path, pdf_dir, server.base_url), run=run)
    status = read_status(Run(run))
    assert status["complete"]
    assert status["balanced"]
    by_status = server.stats()["by_status"]
    refused = by_status["400"]
    assert find_requests(run) == {
        "unit": "requests",
        "in": requests,
        "out": requests - refused,
        "dropped": {"refused": refused},
    }
    # every row but the refused ones is the one of the undisturbed build, and these say why
    rows, expected = read_rows(run), read_rows(reference)
    assert len(rows) == len(expected)
    assert [row for row in rows if row["reason"] is None] == [
        wanted for row, wanted in zip(rows, expected, strict=True) if row["reason"] is None
    ]
    assert {row["detail"] for row in rows if row["reason"]} == {
        "400 This request cannot be served invalid_request_error"
    }
    retries = read_retries(run)
    assert set(retries) == {"busy", "server_error", "cut", "garbage"}
    assert (retries["busy"], retries["server_error"]) == (by_status["429"], by_status["500"])
    assert sum(retries.values()) == server.request_count - requests
    line = next(line for line in describe_status(Run(run)).splitlines() if "retried" in line)
    assert f"{requests} asked" in line
    assert all(f"{cause.replace('_', ' ')} {count}" in line for cause, count in retries.items())


def test_a_server_that_takes_neither_max_tokens_nor_seed_is_asked_without_them_and_that_is_said_once(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    said = io.StringIO()
    with start_scripted_server(refuse=refuse_fields("max_tokens", "seed")) as server:
        docmatix.build(configure(tmp_path, pdf_dir, server.base_url), run=run, progress=Progress(said))
    assert hash_dataset(run) == hash_dataset(reference)
    assert find_requests(run) == {"unit": "requests", "in": requests, "out": requests, "dropped": {}}
    assert server.request_count - requests == read_retries(run)["unsupported"] <= 2 * IN_FLIGHT
    assert all(asked.status == 200 for asked in server.log[4 * IN_FLIGHT :])  # what was under way, twice refused
    lines = [line for line in said.getvalue().splitlines() if "does not take" in line]
    assert len(lines) == 2
    assert all(f"does not take `{name}`" in line for name, line in zip(("max_tokens", "seed"), lines, strict=True))
    sent = server.bodies[-1]
    assert ("seed" in sent, "max_tokens" in sent, "max_completion_tokens" in sent) == (False, False, True)
    asked = [row["body"] for row in read_rows(run) if row["body"]]
    assert "seed" in json.loads(asked[0]), "what was meant is what is recorded"


# --- faults that last -------------------------------------------------------------------------------------------------


def test_too_many_lasting_faults_stop_the_build_early_and_a_repaired_server_is_asked_the_rest(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    with start_scripted_server(faults=Faults(refused=0.6)) as server:
        code, output = Driver(configure(tmp_path, pdf_dir, server.base_url), run).finish()
    last = output.splitlines()[-1]
    assert code == 1, output
    assert re.search(
        r"\d+ of the last \d+ requests to the model failed with `refused` \(the latest: 400 This request cannot", last
    )
    assert "limits.unexpected_share = 0.2" in last
    assert "Traceback" not in output
    # found out after fifty requests, and those in flight by then: of 200 here, of millions elsewhere
    assert JUDGED_FROM <= server.request_count <= JUDGED_FROM + 2 * IN_FLIGHT
    assert Run(run).shards("generate") == []
    answered = server.stats()["distinct_answered"]
    assert answered > 0
    with start_scripted_server() as repaired:
        docmatix.build(configure(tmp_path, pdf_dir, repaired.base_url), run=run)
    assert requests - answered <= repaired.request_count <= requests - answered + IN_FLIGHT
    assert hash_dataset(run) == hash_dataset(reference)


def test_a_server_that_falls_silent_stops_the_build_and_the_next_run_goes_on(
    pdf_dir: Path, undisturbed: tuple[Path, int], run: Path, tmp_path: Path
) -> None:
    reference, requests = undisturbed
    answered: list[Body] = []

    def fall_silent(body: Body) -> str:
        if len(answered) >= requests // 2:
            raise TimeoutError
        answered.append(body)
        return reply_plausibly(body)

    with (
        start_scripted_server(reply=fall_silent) as server,
        pytest.raises(
            docmatix.BuildError, match=r"no reply for 3 s \(no reply within 1 s\)\. Check the server, then rerun"
        ),
    ):
        docmatix.build(configure(tmp_path, pdf_dir, server.base_url, timeout_s=1, give_up_after_s=3), run=run)
    assert read_retries(run)["timeout"] >= 1, "the record of a build that stopped tells why"
    with start_scripted_server() as repaired:
        docmatix.build(configure(tmp_path, pdf_dir, repaired.base_url), run=run)
    assert repaired.request_count == requests - len(answered)
    assert hash_dataset(run) == hash_dataset(reference)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_a_server_that_repeats_the_key_in_its_errors_does_not_bring_it_into_the_run(
    pdf_dir: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-canary-5f2c"
    monkeypatch.setenv("DOCMATIX_TEST_KEY", key)
    faults = Faults(busy=0.1, broken=0.1, unavailable=0.1, refused=0.1, retry_after="0.1")
    with start_scripted_server(faults=faults, api_key=key, repeats_key=True) as server:
        config = configure(tmp_path, pdf_dir, server.base_url, api_key_env="DOCMATIX_TEST_KEY")
        said = io.StringIO()
        docmatix.build(config, run=run, progress=Progress(said))
        monkeypatch.setenv("DOCMATIX_TEST_KEY", f"{key}-is-wrong")
        with pytest.raises(docmatix.SetupError, match="set the environment variable DOCMATIX_TEST_KEY") as caught:
            docmatix.build(config, run=tmp_path / "other")
    assert key not in said.getvalue() + str(caught.value)
    details = [row["detail"] for row in read_rows(run) if row["reason"] == "refused"]
    assert details
    assert all("Bearer ***" in detail for detail in details)
    for path in run.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path
            if path.suffix == ".parquet":
                assert key not in str(pq.read_table(path).to_pylist()), path
