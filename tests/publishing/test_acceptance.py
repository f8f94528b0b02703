"""Pushing from the command line: a process that is killed, a Hub that is in trouble, and readers of what arrived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docmatix.publishing.push import push_run
from docmatix.publishing.shipment import Target
from docmatix.storage.run import Run
from tests.builds import write_config, write_pdfs
from tests.hub import GOOD_TOKEN, Faults, Hub, serve_hub
from tests.publishing.runs import build_wide_run
from tests.scripted_server import start_scripted_server

_MEASURED = """
import json, resource, sys
from pathlib import Path

def read_mb(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024

start = read_mb("VmRSS")
Path(sys.argv[1]).write_text(json.dumps({"start_mb": start}))
from docmatix.cli import main
code = main(sys.argv[2:])
Path(sys.argv[1]).write_text(json.dumps({"start_mb": start, "peak_mb": read_mb("VmHWM")}))
sys.exit(code)
"""


def make_environment(hub: Hub, folder: Path, **more: str) -> dict[str, str]:
    """What a user's shell would have set, for the test's Hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    hub_s = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": GOOD_TOKEN, "HF_HOME": str(folder / "hf")}
    return {**kept, **hub_s, **more}


class Pusher:
    """`docmatix push` as a process of its own, whose memory is looked at."""

    def __init__(self, environment: dict[str, str], figures: Path, *arguments: str) -> None:
        self._figures = figures
        command = [sys.executable, "-c", _MEASURED, str(figures), "push", *arguments]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def kill_when(self, happened: Callable[[], bool], *, within_s: float = 240) -> float:
        """Kill it by SIGKILL once `happened()`; returns by how many MB its memory had grown at most."""
        deadline = time.monotonic() + within_s
        while not happened():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        peak_mb = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        return peak_mb - float(json.loads(self._figures.read_text())["start_mb"])

    def finish(self) -> tuple[str, float]:
        """Its standard output, and by how many MB its memory grew at most."""
        output, errors = self.process.communicate(timeout=280)
        assert self.process.returncode == 0, errors
        figures = json.loads(self._figures.read_text())
        return output, figures["peak_mb"] - figures["start_mb"]


def load(environment: dict[str, str], script: str) -> Any:
    """What a script with `datasets` prints as JSON, in a process that knows only the test's Hub."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json\nfrom datasets import load_dataset\n{script}"],
        env={**environment, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that is gone after the test: a gigabyte would lie in pytest's own for three sessions."""
    with tempfile.TemporaryDirectory(prefix="docmatix-test-") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_forty_shards_reach_a_hub_in_trouble_by_a_pusher_that_is_killed_twice(scratch):
    run = build_wide_run(scratch / "build", documents=40, side_px=2720)
    expected = {f"data/{Path(record.file).name}": record.sha256 for _, record in run.records("pack")}
    total_mb = sum(record.size for _, record in run.records("pack")) / 2**20
    assert len(expected) == 40
    assert total_mb > 300, "a pusher that holds every shard must be found out"
    first = {"POST commit": "412", "PUT upload": "503", "POST preupload": "429", "POST batch": "500"}
    with serve_hub(scratch / "hub", faults=Faults(rate=0.1, seed=4, first=first)) as hub:
        environment = make_environment(hub, scratch)
        push = [environment, scratch / "figures.json", run.root, "anna/forty"]
        grown = [
            Pusher(*push).kill_when(lambda: len(hub.commits("anna/forty")) >= 1 and hub.uploads.total() >= 11),
            Pusher(*push).kill_when(lambda: len(hub.commits("anna/forty")) >= 3),
        ]
        output, last_grown = Pusher(*push).finish()
        grown.append(last_grown)

        files = hub.files("anna/forty")
        assert {path: file.sha256 for path, file in files.items() if path.endswith(".parquet")} == expected
        assert len(hub.commits("anna/forty")) <= 8
        assert max(grown) < 300, grown
        assert hub.faults.happened.total() >= 8
        assert set(hub.faults.happened) >= {"412", "429", "500", "503"}
        # nothing is sent twice but what the Hub's trouble lost
        assert hub.uploads.total() <= 40 + hub.faults.happened["lost"]
        assert output.startswith(f"{hub.url}/datasets/anna/forty: ")
        assert GOOD_TOKEN not in output

        hub.faults.rate = 0
        loaded = load(
            environment,
            "whole = load_dataset('anna/forty', split='train')\n"
            "first, last = whole[0], whole[39]\n"
            "print(json.dumps([len(whole), list(whole['sample_id']), last['images'][0].size, len(first['texts'])]))",
        )
        samples = [row["sample_id"] for name in sorted(expected) for row in run.iterate_file(f"dataset/{name}")]
        assert loaded == [40, samples, [2720, 2720], loaded[3]]
        assert loaded[3] >= 1
        streamed = load(
            environment,
            "rows = load_dataset('anna/forty', split='train', streaming=True)\n"
            "print(json.dumps([[row['sample_id'], row['images'][0].size[0]] for row in rows]))",
        )
        assert streamed == [[sample, 2720] for sample in samples]
        assert hub.ranges > 0


def test_two_configurations_and_what_was_dropped_are_loaded_from_the_hub(hub, wide_run, tmp_path):
    environment = make_environment(hub, tmp_path)
    run = build_run_with_drops(tmp_path)
    for arguments in ([wide_run.root, "anna/set"], [run.root, "anna/set", "--config-name", "few", "--include-dropped"]):
        Pusher(environment, tmp_path / "figures.json", *arguments).finish()
    loaded = load(
        environment,
        "sets = [load_dataset('anna/set', *name) for name in ((), ('few',), ('few-dropped',))]\n"
        "print(json.dumps([[len(each['train']), sorted(each['train'].features)] for each in sets]))",
    )
    dropped = run.ledger("curate").accounts["pairs"].dropped
    assert [count for count, _ in loaded] == [20, run.ledger("pack").accounts["rows"].kept, dropped.total()]
    assert {"reason", "question", "answer"} <= set(loaded[2][1])


def test_a_split_that_is_whole_can_be_loaded_all_the_while_another_is_pushed(hub, connect, wide_run, tmp_path):
    push_run(wide_run, connect())
    first = len(hub.commits("anna/set"))
    push_run(wide_run, connect(), target=Target("default", "test"))
    revisions = [commit.oid for commit in hub.commits("anna/set")[first - 1 :]]
    assert len(revisions) == 4
    loaded = load(
        make_environment(hub, tmp_path),
        # streamed, since `datasets` falls back to an earlier revision that it has prepared
        f"sets = [load_dataset('anna/set', revision=each, streaming=True) for each in {revisions}]\n"
        "print(json.dumps([{name: sum(1 for row in split) for name, split in each.items()} for each in sets]))",
    )
    assert loaded == [*[{"train": 20}] * 3, {"train": 20, "test": 20}]


def test_a_dataset_is_loaded_from_a_card_that_named_a_folder_for_all_files(hub, connect, wide_run, tmp_path):
    hub.create("anna/set")
    old = b"---\nconfigs:\n- config_name: default\n  data_dir: old\n  data_files: all.parquet\n---\n"
    hub.put("anna/set", "README.md", old)
    push_run(wide_run, connect())
    rows = load(make_environment(hub, tmp_path), "print(json.dumps(len(load_dataset('anna/set', split='train'))))")
    assert rows == 20


def build_run_with_drops(folder: Path) -> Run:
    from tests.jobs import build, make_job
    from tests.pdfs import write_distinct_pdf

    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    filters = [{"kind": "length", "max_answer_chars": 12}]
    job = make_job(folder, pdfs=pdfs, pack={"dpi": 36}, curate={"filters": filters})
    build(job)
    accounts = job.run.ledger("curate").accounts["pairs"]
    assert accounts.kept
    assert accounts.dropped.total()
    return job.run


def run_verb(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docmatix", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)


def test_exit_codes_and_sentences_of_the_command_line(hub, wide_run, finished_run, tmp_path):
    environment = make_environment(hub, tmp_path)
    dry = run_verb(environment, "push", wide_run.root, "anna/set", "--dry-run")
    assert dry.returncode == 0
    assert dry.stdout.count("would send data/") == 20
    assert dry.stdout.splitlines()[-1].startswith("Nothing was sent.")
    assert not hub.datasets

    bad_name = run_verb(environment, "push", wide_run.root, "anna")
    assert (bad_name.returncode, bad_name.stdout) == (2, "")
    assert "OWNER/NAME" in bad_name.stderr
    bad_token = run_verb({**environment, "HF_TOKEN": "hf_wrong"}, "push", wide_run.root, "anna/set")
    assert bad_token.returncode == 2
    assert bad_token.stderr.splitlines()[-1].startswith("docmatix: The Hub does not accept the token")
    assert "Traceback" not in bad_token.stderr
    no_token = run_verb({**environment, "HF_TOKEN": ""}, "push", wide_run.root, "anna/set")
    assert no_token.returncode == 2
    assert "There is no token" in no_token.stderr

    secret = next(Run(finished_run).iterate_file("dataset/data/train-00000-of-00001.parquet"))["sample_id"]
    leaky = run_verb({**environment, "SOME_API_KEY": secret}, "push", str(finished_run), "anna/set")
    assert leaky.returncode == 1
    assert "sample_id holds the value of SOME_API_KEY in 1 place" in leaky.stdout
    assert secret not in leaky.stdout + leaky.stderr
    assert not hub.datasets


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_publishes_what_it_packs(hub, tmp_path):
    pdfs = write_pdfs(tmp_path / "pdfs")
    environment = make_environment(hub, tmp_path)
    run = tmp_path / "run"
    with start_scripted_server() as server:
        config = write_config(tmp_path, pdfs, server.base_url)
        refused = run_verb(
            {**environment, "HF_TOKEN": "hf_wrong"}, "build", str(config), "--run", str(run), "--push", "anna/built"
        )
        assert refused.returncode == 2
        assert not run.exists()
        built = run_verb(environment, "build", str(config), "--run", str(run), "--push", "anna/built", "--private")
    assert built.returncode == 0, built.stderr
    assert hub.datasets["anna/built"].private
    assert built.stdout.splitlines()[-1].startswith(f"{hub.url}/datasets/anna/built: ")
    expected = {f"data/{Path(record.file).name}": record.sha256 for _, record in Run(run).records("pack")}
    files = hub.files("anna/built")
    assert {path: file.sha256 for path, file in files.items() if path.endswith(".parquet")} == expected
    rows = load(environment, "print(json.dumps(len(load_dataset('anna/built', split='train'))))")
    assert rows == Run(run).ledger("pack").accounts["rows"].kept
