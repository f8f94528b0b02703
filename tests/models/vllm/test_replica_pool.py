"""Whole builds over vLLM replicas, with a real Ray and a stand-in for vLLM, and each disturbance on the way.

The stand-in has vLLM's processes, pages and ways to die (`tests.fake_vllm`); `tests/vllm/` has the real one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.core.ledger import Ledger
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica_pool import check_nodes, is_private, make_key, start_fleet
from docmatix.review.status import describe_status, read_status
from docmatix.storage.run import Run
from tests.builds import Driver, hash_dataset, write_config, write_pdfs
from tests.fake_vllm import fake_engine, find_engine_pid
from tests.ray_token import set_ray_token
from tests.scripted_server import start_scripted_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # two whole builds, with restarts, on a machine that may be busy with others
    pytest.mark.skipif(sys.platform != "linux", reason="vLLM and its supervisor run on Linux alone"),
]
ASKED = ["--stages", "plan,extract,dedup,generate"]


# --- whole builds -----------------------------------------------------------------------------------------------------


class Trial:
    """A folder of PDFs, and builds over it with a fake vLLM."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pdfs = write_pdfs(folder / "pdfs")
        self.log = folder / "log"
        (folder / "fake").mkdir()  # the model: a folder, so that its tokenizer is not looked up on the Hub

    def write(self, engine: VllmEngine, **changes: Any) -> Path:
        generate = {"engine": engine.model_dump(mode="json"), "prompts": ["broad_whole"], "pairs_per_page": 0}
        return write_config(self.folder, self.pdfs, "", **{"generate": generate, **changes})

    def engine(self, **settings: Any) -> VllmEngine:
        standard: dict[str, Any] = {
            "model": str(self.folder / "fake"),
            "slots": 1,
            "delay_s": 0.01,
            "hang_timeout_s": 60,
        }
        return fake_engine(self.folder / "vllm", log=self.log, **standard | settings)

    def read_log(self) -> list[dict[str, Any]]:
        """Every chat request that a server has answered."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def find_servers(self) -> list[int]:
        return [process.pid for process in self.find_processes() if is_server(process)]

    def find_processes(self) -> list[psutil.Process]:
        """Supervisors, servers and engines of this folder, found by their environment, which they do not overwrite."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("FAKE_VLLM_FOLDER") == str(self.folder / "vllm"):
                    found.append(process)
        return found


def is_server(process: psutil.Process) -> bool:
    """Whether it is an API server: neither its engine nor its supervisor, which carries its command."""
    command = process.cmdline()
    return len(command) > 2 and command[1].endswith("fake_vllm.py") and "--served-model-name" in command


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The dataset of an undisturbed build."""
    trial = Trial(tmp_path_factory.mktemp("undisturbed"))
    code, output = Driver(trial.write(trial.engine()), trial.folder / "run").finish()
    assert code == 0, output
    assert trial.find_processes() == []
    assert len(trial.read_log()) == 9
    return strip_sources(hash_dataset(trial.folder / "run"))


def strip_sources(files: dict[str, bytes]) -> dict[str, bytes]:
    """The rows of a dataset without the paths of its PDFs, which differ between folders of tests."""
    import io

    import pyarrow.parquet as pq

    tables = {name: pq.read_table(io.BytesIO(content)) for name, content in files.items() if name.endswith(".parquet")}
    rows = [row for name in sorted(tables) for row in tables[name].to_pylist()]
    assert rows
    for row in rows:
        row["source_uri"] = Path(row["source_uri"]).name
        for pair in row["texts"]:
            pair["source"] = Path(pair["source"]).name
    return {"rows": json.dumps(rows, default=lambda content: content.hex()).encode()}


def wait_until(happened: Callable[[], Any], *, within_s: float = 300) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def list_workers(driver: Driver) -> list[psutil.Process]:
    """Every process below a driver, without Ray's own agents, which take a minute to notice a killed driver."""
    below = psutil.Process(driver.process.pid).children(recursive=True)
    return [process for process in below if "Agent" not in " ".join(process.cmdline())]


def await_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [process.cmdline() for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def read_drops(run: Path, stage: str) -> dict[str, int]:
    (entry,) = [entry for entry in read_status(Run(run))["stages"] if entry["stage"] == stage]
    return dict(Ledger.from_json(entry["ledger"]).accounts["requests"].dropped)


def read_restarts(run: Path) -> dict[str, int]:
    restarts: dict[str, int] = {}
    for record in read_status(Run(run))["serving"]:
        for reason, count in record["restarts"].items():
            restarts[reason] = restarts.get(reason, 0) + count
    return restarts


def test_a_killed_and_a_hung_replica_are_started_again_and_nothing_is_lost_or_twice(trial, undisturbed):
    config = trial.write(trial.engine(delay_s=1.0, hang_timeout_s=2))
    driver = Driver(config, trial.folder / "run")
    wait_until(lambda: len(trial.read_log()) >= 2)
    (first,) = trial.find_servers()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(trial.read_log()) >= 5)
    (second,) = trial.find_servers()
    os.kill(find_engine_pid(second), signal.SIGSTOP)
    code, output = driver.finish()
    assert code == 0, output
    assert strip_sources(hash_dataset(trial.folder / "run")) == undisturbed
    assert main(["check", str(trial.folder / "run")]) == 0
    assert read_restarts(trial.folder / "run") == {"died (signal 9)": 1, "hang": 1}
    assert "restarts: died (signal 9) 1, hang 1" in describe_status(Run(trial.folder / "run"))
    assert "replica 1 is restarting: hang" in output
    answered = [line["key"] for line in trial.read_log() if line["status"] == 200]
    assert len(answered) == len(set(answered)) == 9
    assert trial.find_processes() == []


def test_the_requests_of_a_replica_that_stops_answering_go_to_the_other(trial, undisturbed):
    config = trial.write(trial.engine(replicas=2, delay_s=0.5, hang_timeout_s=3, cpus_per_replica=0.5))
    driver = Driver(config, trial.folder / "run")
    wait_until(lambda: len({line["pid"] for line in trial.read_log()}) == 2)
    os.kill(trial.find_servers()[0], signal.SIGSTOP)
    code, output = driver.finish()
    assert code == 0, output
    assert strip_sources(hash_dataset(trial.folder / "run")) == undisturbed
    assert trial.find_processes() == []


def test_a_replica_that_comes_late_is_asked_too(trial):
    engine = trial.engine(replicas=2, failing_starts=1, delay_s=1.5, cpus_per_replica=0.5, max_failed_starts=2)
    code, output = Driver(trial.write(engine), trial.folder / "run", *ASKED).finish()
    assert code == 0, output
    assert len({line["pid"] for line in trial.read_log()}) == 2


def test_a_request_that_kills_every_replica_is_given_up_and_the_build_goes_on(trial, undisturbed):
    config = trial.write(trial.engine(poison="Gasket"), limits={"unexpected_share": 1.0})
    code, output = Driver(config, trial.folder / "run").finish()
    assert code == 0, output
    assert read_drops(trial.folder / "run", "generate") == {"server_error": 1}
    assert trial.find_processes() == []
    (rows,) = strip_sources(hash_dataset(trial.folder / "run")).values()
    (whole,) = undisturbed.values()
    left = [row for row in json.loads(whole) if Path(row["source_uri"]).name != "table.pdf"]
    assert json.loads(rows) == left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_no_process_and_is_continued(trial, undisturbed, number):
    # two seconds from reply to reply: each is then more than a second after the last write, and written at once
    config = trial.write(trial.engine(delay_s=2.0))
    driver = Driver(config, trial.folder / "run")
    wait_until(lambda: len(trial.read_log()) >= 2)
    processes = list_workers(driver) + trial.find_processes()
    os.kill(driver.process.pid, number)
    code, output = driver.finish()
    assert code == 1, output
    assert "Interrupted: rerun the command" in output
    await_end(processes)
    assert trial.find_processes() == []
    code, output = Driver(trial.write(trial.engine()), trial.folder / "run").finish()
    assert code == 0, output
    assert strip_sources(hash_dataset(trial.folder / "run")) == undisturbed
    answered = [line["key"] for line in trial.read_log() if line["status"] == 200]
    assert len(set(answered)) == 9
    assert len(answered) <= 9 + 2  # one that was in flight, and one that was not read yet


def test_after_a_killed_driver_no_server_worker_or_child_is_left(trial, undisturbed):
    config = trial.write(trial.engine(delay_s=1.0))
    driver = Driver(config, trial.folder / "run")
    wait_until(lambda: len(trial.read_log()) >= 2)
    processes = list_workers(driver) + trial.find_processes()
    assert any(map(is_server, processes))
    driver.process.kill()
    driver.process.communicate()
    await_end(processes)
    assert trial.find_processes() == []
    code, output = Driver(trial.write(trial.engine()), trial.folder / "run").finish()
    assert code == 0, output
    assert strip_sources(hash_dataset(trial.folder / "run")) == undisturbed


def test_replicas_that_cannot_start_end_the_build_with_their_reason(trial):
    engine = trial.engine(failing_starts=9, max_failed_starts=2)
    code, output = Driver(trial.write(engine), trial.folder / "run").finish()
    assert code == 1
    assert "No available memory for the cache blocks" in output
    assert "Traceback" not in output
    logs = sorted((trial.folder / "run" / "telemetry" / "logs").iterdir())
    assert len(logs) == 2
    assert f"; the end of its log is in {logs[-1]})" in " ".join(output.split())
    assert all("EngineCore failed to start" in log.read_text() for log in logs)
    assert trial.find_processes() == []


def test_more_gpus_than_the_machine_has_are_refused_before_anything_is_read(trial):
    engine = trial.engine(gpus_per_replica=3)
    code, output = Driver(trial.write(engine), trial.folder / "run").finish()
    assert code == 2
    assert "A replica needs 3 GPU" in output
    assert not list((trial.folder / "run").glob("extract/*"))


def test_verify_asks_the_same_replicas_unless_it_has_an_engine_of_its_own(trial):
    extractive = {"engine": trial.engine(delay_s=0.0).model_dump(mode="json"), "prompts": ["extractive"]}
    config = trial.write(trial.engine(), generate=extractive, verify={"kind": "round_trip"})
    code, output = Driver(config, trial.folder / "run").finish()
    assert code == 0, output
    assert output.count("is ready") == 1
    assert len({line["pid"] for line in trial.read_log()}) == 1
    asked = len(trial.read_log())
    with start_scripted_server() as server:
        other = {"kind": "openai", "model": "scripted", "base_url": server.base_url}
        config = trial.write(trial.engine(), generate=extractive, verify={"kind": "round_trip", "engine": other})
        code, output = Driver(config, trial.folder / "run").finish()
        assert code == 0, output
        assert server.request_count > 0
    assert "serving" not in output  # nothing was left to generate, so no replica was started
    assert len(trial.read_log()) == asked


# --- the cluster ------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_nodes() -> Iterator[None]:
    """A Ray of two nodes on this machine, the second with two GPUs that exist only on paper."""
    set_ray_token()
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1, num_gpus=2)
        ray.init(address=cluster.address, log_to_driver=False)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_on_a_cluster_each_node_is_looked_at_and_a_replica_of_two_gpus_has_its_own_place(trial, two_nodes):
    import ray
    from ray.util import placement_group_table

    engine = trial.engine(tensor_parallel_size=2, gpus_per_replica=2, cpus_per_replica=0.5)
    run = Run(trial.folder / "run")
    with pytest.raises(SetupError, match=r"On the node .*: the run directory .* does not exist"):
        check_nodes(run, [engine])
    run.write("run.yaml", b"name: trial")
    check_nodes(run, [engine])
    missing = engine.model_copy(update={"python": str(trial.folder / "nowhere" / "python")})
    with pytest.raises(SetupError, match=r"On the node .*: generate.engine.python: .* does not exist"):
        check_nodes(run, [missing])

    assert not is_private()
    with start_fleet(engine, key=make_key(), pictures_per_request=1, say=lambda line: None) as fleet:
        (replica,) = fleet.look()
        assert replica["state"] == "ready"
        (group,) = [each for each in placement_group_table().values() if each["state"] == "CREATED"]
        assert list(group["bundles"].values()) == [{"GPU": 2.0, "CPU": 0.5}]
        assert group["strategy"] == "STRICT_PACK"
        assert ray.available_resources().get("GPU", 0) == 0
    wait_until(lambda: ray.available_resources().get("GPU") == 2)
    wait_until(lambda: trial.find_processes() == [], within_s=30)  # the supervisors go last
