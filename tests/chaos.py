"""Random kills, spread over one build: its dataset must be byte for byte that of an undisturbed build.

    python -m tests.chaos --kills 50 --seed 7 --source FOLDER [--local]

The build runs on a Ray cluster of its own, several raylets on this machine, or with `--local` without Ray, and asks a
scripted model server that is a process of its own. By the seed's choice it loses, with SIGKILL and in the middle of its
stages,

    workers      that have a shard in hand; they are started again
    raylets      of a node with such a worker, and another node takes its place; without Ray, nurseries
    servers      with requests in flight; started again at the same address after a while
    drivers      with all their children; the same command is run again, until it ends well

A kill falls due when a stage has committed a share of its shards, and counts only if it hits a process at work; one
that comes too late for its stage is moved to a later one. Prints a table of what was hit where, and exits with 1 if
fewer were hit than asked for, if the datasets differ, if `docmatix check` finds anything, or if the build stalls.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml

from docmatix.pipeline import STAGES
from tests.builds import hash_dataset, is_at_work, list_files
from tests.ray_token import set_ray_token

ROOT = Path(__file__).resolve().parent.parent
VICTIMS = {
    "worker": ("extract", "generate", "verify", "curate", "pack"),
    "raylet": ("extract", "generate", "verify", "curate", "pack"),
    "server": ("generate", "verify"),
    "driver": STAGES,
}
"""Who is at work in which stages: `plan` and `dedup` run in the driver."""
LATEST = 0.85
"""Share of a stage after which a kill would often come too late."""
STALL_S = 20.0
_LOOPBACK_ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
HANGS_S = 600.0
"""Without a newly committed shard for so long, the build is taken to hang."""
MOST_STOPS = 5
"""Clear stops (exit 1) in a row without a newly committed shard, or a kill, between them."""


@dataclass(slots=True)
class Kill:
    """A kill that is due once `stage` has committed the share `at` of its shards."""

    kind: str
    stage: str
    at: float


def schedule_kills(count: int, rng: random.Random) -> list[Kill]:
    """So many kills in the order in which they fall due: every kind as often as the others, and for each kind every
    stage in which it can hit anybody."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += rng.sample(list(VICTIMS), len(VICTIMS))
    used: Counter[tuple[str, str]] = Counter()
    kills = []
    for kind in kinds[:count]:
        least = min(used[kind, stage] for stage in VICTIMS[kind])
        stage = rng.choice([stage for stage in VICTIMS[kind] if used[kind, stage] == least])
        used[kind, stage] += 1
        kills.append(Kill(kind, stage, rng.uniform(0, LATEST)))
    return sort_kills(kills)


def sort_kills(kills: Sequence[Kill]) -> list[Kill]:
    return sorted(kills, key=lambda kill: (STAGES.index(kill.stage), kill.at))


def move_kill(kill: Kill, *, now: str, share: float, rng: random.Random) -> Kill | None:
    """A kill that came too late for its stage, later in the build; None where none is left for it."""
    later = [stage for stage in VICTIMS[kill.kind] if STAGES.index(stage) > STAGES.index(now)]
    if now in VICTIMS[kill.kind] and share < LATEST:
        return Kill(kill.kind, now, rng.uniform(share, LATEST))
    return Kill(kill.kind, rng.choice(later), rng.uniform(0, LATEST)) if later else None


# --- what is killed ---------------------------------------------------------------------------------------------------


class ModelServer:
    """`python -m tests.scripted_server` at an address that stays the same."""

    def __init__(self, folder: Path, *, delay_s: float) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = [sys.executable, "-m", "tests.scripted_server", "--port", str(self.port)]
        self._command += ["--state-file", str(folder / "server.jsonl"), "--delay-s", str(delay_s)]
        self._process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise RuntimeError("the scripted server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def read_stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            stats: dict[str, Any] = json.load(answer)
        return stats


class Nodes:
    """A Ray cluster on this machine: a head without CPUs, where the driver runs, and nodes with one CPU each."""

    def __init__(self, count: int) -> None:
        # dead nodes are noticed within seconds; Ray's own settings take half a minute
        os.environ |= {
            "RAY_memory_monitor_refresh_ms": "0",
            "RAY_worker_niceness": "0",
            "RAY_health_check_initial_delay_ms": "2000",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "4",
        }
        set_ray_token()
        from ray.cluster_utils import Cluster

        # short: paths of sockets end at 107 bytes
        self.folder = Path(tempfile.mkdtemp(prefix=f"dmx-{os.getpid()}-"))
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": str(self.folder)}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(count):
            self._cluster.add_node(num_cpus=1)
        # whether Ray listens on the loopback alone is decided as a process first imports it, here maybe by a private
        # build of another test; a driver that decides otherwise would look for this cluster where it is not, for ever
        if self.address.startswith("127."):
            os.environ[_LOOPBACK_ALONE] = "0"

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def list_raylets(self) -> dict[int, Any]:
        """The nodes other than the head, by the process id of their raylet."""
        return {node.all_processes["raylet"][0].process.pid: node for node in self._cluster.worker_nodes}

    def find_workers(self, stage: str | None = None) -> list[int]:
        """The processes that do the shards of the present stage. The live state is written once a second: of a short
        stage it would show none."""
        return [each.pid for each, title in self.list_processes() if is_at_work(title, stage)]

    def list_processes(self) -> list[tuple[psutil.Process, str]]:
        """The processes that the raylets have started, with what they call themselves."""
        found: list[tuple[psutil.Process, str]] = []
        for node in self._cluster.list_all_nodes():
            with contextlib.suppress(psutil.Error, KeyError, IndexError):
                children = psutil.Process(node.all_processes["raylet"][0].process.pid).children()
                for each in children:
                    with contextlib.suppress(psutil.Error):
                        found.append((each, " ".join(each.cmdline())))
        return found

    def replace(self, raylet: int) -> None:
        """Another node in place of one whose raylet was killed."""
        self._cluster.remove_node(self.list_raylets()[raylet], allow_graceful=False)
        self._cluster.add_node(num_cpus=1)

    def close(self) -> None:
        os.environ.pop(_LOOPBACK_ALONE, None)
        self._cluster.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)


class Machine:
    """No cluster: workers are processes below the driver, and end with the nursery that has forked them."""

    address = None

    def __init__(self) -> None:
        self.build: Build | None = None

    def find_workers(self, stage: str | None = None) -> list[int]:
        """As `Nodes.find_workers`."""
        found: list[int] = []
        if self.build is not None and self.build.pid is not None:
            with contextlib.suppress(psutil.Error):
                for each in psutil.Process(self.build.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        if is_at_work(each.name(), stage):
                            found.append(each.pid)
        return found

    def list_raylets(self) -> set[int]:
        """The nurseries."""
        found = set()
        for pid in self.find_workers():
            with contextlib.suppress(psutil.Error):
                found.add(psutil.Process(pid).ppid())
        return found

    def replace(self, raylet: int) -> None:
        """The driver starts another one itself."""


class Build:
    """`docmatix build`, run again and again until it ends well."""

    def __init__(self, config: Path, run: Path, *, shards: dict[str, int], options: Sequence[str]) -> None:
        """`shards` is how many each stage has; empty if the position of the build does not matter."""
        self.run, self._shards = run, shards
        self._command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(run), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = run.with_suffix(".log")
        self.starts = 0
        self._began_with: dict[str, int] = {}

    def start(self) -> None:
        self.starts += 1
        self._began_with = {stage: self.count(stage) for stage in STAGES}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def poll(self) -> int | None:
        assert self._process
        return self._process.poll()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def read_last_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def count(self, stage: str) -> int:
        """Committed shards of a stage."""
        with contextlib.suppress(FileNotFoundError):
            return sum(name.startswith("part-") and name.endswith(".json") for name in os.listdir(self.run / stage))  # noqa: PTH208
        return 0

    def locate(self) -> tuple[str, float]:
        """The stage that is not complete yet, and the share of its shards that is committed."""
        for stage in STAGES:
            done = self.count(stage)
            if done < self._shards[stage]:
                return stage, done / self._shards[stage]
        return STAGES[-1], 1.0

    def is_due(self, kill: Kill) -> bool:
        """Whether as many shards are committed as lie whole in the kill's share: of a stage of one shard, none."""
        return self.count(kill.stage) >= int(kill.at * self._shards[kill.stage])

    def has_begun(self, stage: str) -> bool:
        """Whether the driver that runs now has committed something of the stage."""
        return self.count(stage) > self._began_with[stage]


# --- the killing ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """What became of a build: the kills that hit by kind and stage, and the sentences of its clear stops."""

    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    stops: list[str] = field(default_factory=list)


class Hang(Exception):
    """The build commits nothing any more, or stops again and again."""


def disturb(
    build: Build, kills: list[Kill], *, server: ModelServer, nodes: Nodes | Machine, rng: random.Random
) -> Outcome:
    """Run the build to its end, with the kills as they fall due. Raises `Hang`."""
    outcome = Outcome()
    build.start()
    moved_at, before, stops_in_a_row = time.monotonic(), build.locate(), 0
    while True:
        where = build.locate()
        if where != before:
            moved_at, before, stops_in_a_row = time.monotonic(), where, 0
        if time.monotonic() - moved_at > HANGS_S:
            raise Hang(f"nothing was committed for {HANGS_S:.0f} s at {where[1]:.0%} of {where[0]}")
        code = build.poll()
        if code == 0:
            return outcome
        if code is not None:
            outcome.stops.append(build.read_last_line())
            stops_in_a_row += 1
            if code != 1 or stops_in_a_row > MOST_STOPS:
                raise Hang(f"exit {code} at {where[1]:.0%} of {where[0]}: {build.read_last_line()}")
            build.start()
        stage, share = where
        if kills and STAGES.index(kills[0].stage) < STAGES.index(stage):
            late = kills.pop(0)
            # a worker replaces a server that no longer receives requests
            moved = move_kill(late, now=stage, share=share, rng=rng)
            moved = moved or move_kill(Kill("worker", stage, share), now=stage, share=share, rng=rng)
            kills[:] = sort_kills([*kills, *([moved] if moved else [])])
        elif (
            kills
            and kills[0].stage == stage
            and build.is_due(kills[0])
            and strike(kills[0].kind, stage, build=build, server=server, nodes=nodes, rng=rng)
        ):
            kill = kills.pop(0)
            outcome.hits[kill.kind, stage] += 1
            moved_at, stops_in_a_row = time.monotonic(), 0
            print(f"  {kill.kind} killed at {share:.0%} of {stage}", flush=True)
        time.sleep(0.002)


def strike(
    kind: str, stage: str, *, build: Build, server: ModelServer, nodes: Nodes | Machine, rng: random.Random
) -> bool:
    """Kill a process at work in the stage; returns whether there was one."""
    if kind == "driver":
        if not nodes.find_workers() and not build.has_begun(stage):
            return False
        build.kill()
        build.start()
        return True
    workers = nodes.find_workers()
    if kind == "server":
        if not workers or not server.read_stats()["in_flight"]:
            return False
        server.kill()
        time.sleep(rng.uniform(0.2, 3))
        server.start()
        return True
    if kind == "worker":
        if not workers:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)
            return True
        return False
    raylets = nodes.list_raylets()
    with contextlib.suppress(psutil.NoSuchProcess):
        at_work = sorted({psutil.Process(pid).ppid() for pid in workers} & set(raylets))
        if at_work:
            raylet = rng.choice(at_work)
            os.kill(raylet, signal.SIGKILL)
            nodes.replace(raylet)
            return True
    return False


# --- the command ------------------------------------------------------------------------------------------------------


def write_config(folder: Path, source: Path, *, base_url: str, address: str | None, documents_per_shard: int) -> Path:
    engine = {"kind": "openai", "model": "scripted", "base_url": base_url, "max_in_flight": 16}
    content = {
        "name": "chaos",
        "source": {"kind": "files", "paths": [str(source)]},
        "plan": {"documents_per_shard": documents_per_shard},
        "generate": {
            "engine": engine,
            "prompts": ["broad_whole", "extractive"],
        },
        # the judge is at another address, and so in a pass of its own
        "verify": [
            {"kind": "round_trip"},
            {"kind": "answer_again"},
            {"kind": "judge", "engine": {**engine, "base_url": base_url.replace("127.0.0.1", "localhost")}},
        ],
        "curate": {"filters": [{"kind": "length"}, {"kind": "grounded"}]},
        "pack": {"dpi": 60, "file_mb": 1},
        "limits": {"stall_s": STALL_S},
        "resources": {"address": address, "workers": 2, "generate_workers": 3, "shards_in_flight": 2},
    }
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@contextlib.contextmanager
def started(folder: Path, *, delay_s: float, local: bool) -> Iterator[tuple[ModelServer, Nodes | Machine]]:
    """The server and the cluster, if there is one, for the length of the block."""
    server = ModelServer(folder, delay_s=delay_s)
    server.start()
    try:
        if local:
            yield server, Machine()
            return
        nodes = Nodes(2)
        try:
            yield server, nodes
        finally:
            nodes.close()
    finally:
        server.kill()


def print_table(hits: Counter[tuple[str, str]]) -> None:
    print(f"\n{'killed':8}" + "".join(f"{stage:>10}" for stage in STAGES) + f"{'all':>8}")
    for kind, stages in VICTIMS.items():
        cells = (f"{hits[kind, stage] if stage in stages else '-':>10}" for stage in STAGES)
        print(f"{kind:8}" + "".join(cells) + f"{sum(hits[kind, stage] for stage in stages):>8}")
    columns = [sum(hits[kind, stage] for kind in VICTIMS) for stage in STAGES]
    print(f"{'all':8}" + "".join(f"{count:>10}" for count in columns) + f"{sum(columns):>8}\n")


def find_difference(run: Path, reference: Path) -> str | None:
    """The first thing in which a run differs from another one, telemetry aside; None for none."""
    mine, theirs = hash_dataset(run), hash_dataset(reference)
    if set(mine) != set(theirs):
        return f"files of the dataset: {sorted(set(mine) ^ set(theirs))[:5]}"
    for name, content in mine.items():
        if content != theirs[name]:
            return f"content of {name}"
    if list_files(run) != list_files(reference):
        return f"files of the run: {sorted(set(list_files(run)) ^ set(list_files(reference)))[:5]}"
    return None


def unleash(
    source: Path,
    folder: Path,
    *,
    kills: int,
    seed: int,
    options: Sequence[str],
    per_shard: int,
    delay_s: float,
    local: bool = False,
) -> int:
    """Build twice, once undisturbed; returns the exit code."""
    rng = random.Random(seed)
    with started(folder, delay_s=delay_s, local=local) as (server, nodes):
        config = write_config(
            folder, source, base_url=server.base_url, address=nodes.address, documents_per_shard=per_shard
        )
        began = time.monotonic()
        reference = Build(config, folder / "undisturbed", shards={}, options=options)
        reference.start()
        while reference.poll() is None:
            time.sleep(0.1)
        if reference.poll() != 0:
            print(f"The undisturbed build failed: {reference.read_last_line()}")
            return 1
        shards = {stage: reference.count(stage) for stage in STAGES}
        asked = server.read_stats()["requests"]
        print(f"undisturbed: {time.monotonic() - began:.0f} s, {asked} requests, shards {shards}", flush=True)

        began = time.monotonic()
        build = Build(config, folder / "disturbed", shards=shards, options=options)
        if isinstance(nodes, Machine):
            nodes.build = build
        due = schedule_kills(kills, rng)
        try:
            outcome = disturb(build, due, server=server, nodes=nodes, rng=rng)
        except Hang as hang:
            print(f"The build does not come to its end: {hang}")
            return 1
        finally:
            build.kill()
        again = server.read_stats()["requests"] - asked
    print(f"disturbed: {time.monotonic() - began:.0f} s, {again} requests, {build.starts} drivers", flush=True)
    print_table(outcome.hits)
    for sentence, count in Counter(outcome.stops).items():
        print(f"stopped {count} times: {sentence}")
    difference = find_difference(build.run, reference.run)
    check = subprocess.run(
        [sys.executable, "-m", "docmatix", "check", str(build.run)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"docmatix check: {(check.stdout + check.stderr).strip().splitlines()[-1]}")
    hit = outcome.hits.total()
    print(
        f"{hit} of {kills} kills hit; "
        + (f"DIFFERENT: {difference}" if difference else "the datasets are byte-identical")
    )
    return int(difference is not None or check.returncode != 0 or hit < kills)


def main() -> int:
    parser = argparse.ArgumentParser(description="Random kills, spread over one build.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", type=Path, default=ROOT / "samples", help="a folder of PDFs")
    parser.add_argument("--limit", type=int, help="plan at most so many documents")
    parser.add_argument("--documents-per-shard", type=int, default=2)
    parser.add_argument("--delay-s", type=float, default=0.1, help="of every reply of the model")
    parser.add_argument("--local", action="store_true", help="without Ray, as a build on one machine")
    parser.add_argument("--keep", type=Path, help="where to build; kept afterwards")
    options = parser.parse_args()
    if not options.source.is_dir():
        parser.error(f"there is no folder {options.source}")
    limit = ["--limit", str(options.limit)] if options.limit else []
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        folder.mkdir(parents=True, exist_ok=True)
        return unleash(
            options.source.resolve(),
            folder.resolve(),
            kills=options.kills,
            seed=options.seed,
            options=limit,
            per_shard=options.documents_per_shard,
            delay_s=options.delay_s,
            local=options.local,
        )


if __name__ == "__main__":
    sys.exit(main())
