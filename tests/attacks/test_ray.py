"""Another user of the machine, and a neighbour on the network, try to get into the Ray of a build."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import yaml

from docmatix.core.errors import SetupError
from docmatix.driver.ray_cluster import guard_joined, guard_private
from docmatix.models.child_environment import leave_current_folder
from docmatix.models.vllm.command import build_environment
from docmatix.models.vllm.engine import VllmEngine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Without it Ray takes 127.0.0.1 for the machine's other address, where nothing listens."""

_DRIVER = """
import json, os, sys
from docmatix.config import Resources
from docmatix.driver.ray_cluster import ray_running

with ray_running(Resources(cpus=1)):
    import ray

    node = ray._private.worker._global_node
    print(json.dumps({"address": ray.get_runtime_context().gcs_address, "folder": node.get_session_dir_path()}))
    print(os.environ["RAY_AUTH_TOKEN"], flush=True)
    sys.stdin.read()
print(json.dumps({name: value for name, value in os.environ.items() if name.startswith("RAY_AUTH")}))
"""

_ATTACKER = """
import sys
from ray._raylet import GcsClient

try:
    # where Ray keeps the pickled functions that the builder's workers load and run
    GcsClient(address=sys.argv[1]).internal_kv_put(b"planted", b"code", True, namespace=b"fun", timeout=30)
    print("WROTE")
except BaseException as error:
    print("REFUSED", type(error).__name__)
"""


@dataclass(frozen=True)
class RunningRay:
    """The private Ray of a driver in another process."""

    pid: int
    address: str
    folder: Path
    token: str
    home: Path

    def list_processes(self) -> list[psutil.Process]:
        return list(psutil.Process(self.pid).children(recursive=True))


@pytest.fixture(scope="module")
def private_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRay]:
    home = tmp_path_factory.mktemp("home")
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    driver = subprocess.Popen(
        [sys.executable, "-c", _DRIVER],
        env=given | {"HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdin
    assert driver.stdout
    said = json.loads(driver.stdout.readline())
    token = driver.stdout.readline().strip()
    yield RunningRay(driver.pid, said["address"], Path(said["folder"]), token, home)
    rest, _ = driver.communicate(timeout=60)
    assert json.loads(rest) == {}, "the environment is as it was once the build has ended"
    assert driver.returncode == 0


def _as_nobody() -> list[str]:
    """A prefix that runs a command as another user, who may read files (of the interpreter) and nothing else."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []  # the network asks every client for the token
    return [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    ]


def test_without_the_token_another_user_plants_no_code_in_the_ray_of_a_build(
    private_ray: RunningRay, tmp_path: Path
) -> None:
    tries = {
        "without authentication": {"RAY_AUTH_MODE": "disabled"},
        "with a token of one's own": {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ab" * 32},
    }
    tmp_path.chmod(0o777)
    attackers = {
        name: subprocess.Popen(
            [*_as_nobody(), sys.executable, "-c", _ATTACKER, private_ray.address],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONDONTWRITEBYTECODE": "1",
                **LOOPBACK,
                **settings,
            },
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name, settings in tries.items()
    }
    outcomes = {name: attacker.communicate(timeout=200)[0].strip() for name, attacker in attackers.items()}
    assert outcomes == dict.fromkeys(tries, "REFUSED AuthenticationError")


def test_a_build_listens_on_this_machine_alone(private_ray: RunningRay) -> None:
    listening = [
        (process.name(), connection.laddr.ip)
        for process in [psutil.Process(private_ray.pid), *private_ray.list_processes()]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert {address for _, address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_can_neither_see_nor_touch_the_folder_of_ray(private_ray: RunningRay) -> None:
    inside = private_ray.folder
    for attack, path in (("ls", inside), ("cat", inside / "logs" / "gcs_server.out"), ("touch", inside / "planted")):
        done = subprocess.run(
            [attack, path], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, check=False
        )
        assert done.returncode != 0, f"{attack} {path} succeeded"
        assert b"Permission denied" in done.stderr
    assert not (inside / "planted").exists()


def test_the_token_stands_in_no_file_and_no_process_list(private_ray: RunningRay) -> None:
    assert len(private_ray.token) == 64
    assert not list(private_ray.home.rglob("*")), "Ray writes a token of its own where all can read it"
    for process in private_ray.list_processes():
        assert private_ray.token not in " ".join(process.cmdline())
    for path in private_ray.folder.rglob("*"):
        if path.is_file():
            assert private_ray.token.encode() not in path.read_bytes(), path


def test_each_build_has_a_token_of_its_own_and_reports_nothing(private_ray: RunningRay) -> None:
    assert guard_private()["RAY_AUTH_TOKEN"] != guard_private()["RAY_AUTH_TOKEN"]
    gcs = next(process for process in private_ray.list_processes() if process.name() == "gcs_server")
    assert gcs.environ()["RAY_AUTH_TOKEN"] == private_ray.token
    assert gcs.environ()["RAY_USAGE_STATS_ENABLED"] == "0"


def test_model_servers_are_not_handed_the_token() -> None:
    given = {"RAY_AUTH_TOKEN": "secret", "RAY_AUTH_TOKEN_PATH": "/home/me/token", "PATH": "/bin"}
    assert not [name for name in leave_current_folder(given) if name.startswith("RAY_AUTH")]
    replica = build_environment(VllmEngine(kind="vllm", model="m"), given)
    assert not [name for name in replica if name.startswith("RAY_AUTH")]


def test_joining_a_cluster_without_its_token_is_refused_in_one_sentence(
    private_ray: RunningRay, tmp_path: Path
) -> None:
    join = """
import sys
from docmatix.config import Resources
from docmatix.core.errors import SetupError
from docmatix.driver.ray_cluster import ray_running
try:
    with ray_running(Resources(address=sys.argv[1])):
        print("joined")
except SetupError as error:
    print(error)
"""
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {"HOME": str(tmp_path)}
    tries = {"right": {"RAY_AUTH_TOKEN": private_ray.token}, "wrong": {"RAY_AUTH_TOKEN": "ab" * 32}, "missing": {}}
    drivers = {
        name: subprocess.Popen(
            [sys.executable, "-c", join, private_ray.address],
            env=given | LOOPBACK | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name, settings in tries.items()
    }
    said = {name: driver.communicate(timeout=200)[0].strip() for name, driver in drivers.items()}
    refused = (
        f"The Ray cluster at '{private_ray.address}' does not accept this token, or none was given: set RAY_AUTH_TOKEN"
        " or RAY_AUTH_TOKEN_PATH to the token that its nodes were started with."
    )
    assert said == {"right": "joined", "wrong": refused, "missing": refused}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_auto_does_not_hand_the_token_to_a_ray_of_another_user(tmp_path: Path) -> None:
    lure = tmp_path / "gcs_server"
    shutil.copy2(shutil.which("sleep") or "/bin/sleep", lure)
    for folder in [tmp_path, *tmp_path.parents]:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    process = subprocess.Popen([str(lure), "60"], user=NOBODY, group=NOBODY, extra_groups=[])
    try:
        with pytest.raises(SetupError, match="runs a Ray of the user nobody, which would be joined"):
            guard_joined("auto")
        assert guard_joined("10.0.0.7:6379") == {"RAY_AUTH_MODE": "token"}
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "name", ["docs/cluster.md", "Makefile", "clusters/slurm.sh", "clusters/aws.yaml", "clusters/kuberay.yaml"]
)
def test_no_template_starts_ray_without_a_token(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "RAY_AUTH_MODE=disabled" not in text.replace(" ", "").replace(":=", "=")
    for line in text.splitlines():
        if "ray start" in line and "ulimit" in line:  # a command of its own on a machine of its own
            assert "RAY_AUTH_MODE=token" in line


def test_the_cluster_on_kubernetes_has_a_secret_token_and_no_other_pod_reaches_it() -> None:
    job, policy = yaml.safe_load_all((ROOT / "clusters/kuberay.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    selector = policy["spec"]["podSelector"]["matchLabels"]
    assert [group["template"]["metadata"]["labels"] for group in groups] == [selector] * len(groups)
    everything, job_server = policy["spec"]["ingress"]
    assert everything == {"from": [{"podSelector": {"matchLabels": selector}}]}
    assert job_server["ports"] == [{"port": 8265}]


def test_the_token_of_a_slurm_job_is_new_private_and_gone_with_the_job(tmp_path: Path) -> None:
    """The lines of the template that make it, run by bash: before `srun` is asked for anything."""
    lines = (ROOT / "clusters/slurm.sh").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("token="))
    end = next(number for number, line in enumerate(lines) if line.startswith("export RAY_AUTH"))
    look = ['stat -c "%a" "$token"', 'cat "$token"; echo', "env"]
    script = "\n".join(["set -euo pipefail", *lines[begin : end + 1], *look])
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    said = [subprocess.check_output(["bash", "-c", script], env=home, text=True).split("\n") for _ in range(2)]
    assert [lines[0] for lines in said] == ["600", "600"]
    assert all(re.fullmatch("[0-9a-f]{64}", lines[1]) for lines in said)
    assert said[0][1] != said[1][1]
    assert all("RAY_AUTH_MODE=token" in lines for lines in said)
    assert not list(tmp_path.iterdir()), "the file outlives the job"
