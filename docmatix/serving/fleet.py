"""A fleet of vLLM replicas on the Ray cluster: one actor owns one replica, and the driver owns the actors.

    with start_fleet(engine, say=print) as fleet:
        ...  # fleet.replicas: handles for those who ask; fleet.look(): where each replica is

No Serve application: it would outlive the driver. The actors are not detached, so Ray ends them with the driver, and a
warden in each ends the server's processes with its actor (`docmatix.serving.warden`). An actor that dies with its node
is started again by Ray, under the same handle, elsewhere if need be.

A replica lies on one node: its GPUs are one bundle of a placement group.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from docmatix.config import VllmEngine
from docmatix.errors import BuildError, SetupError
from docmatix.serving.metrics import ServerMetrics
from docmatix.serving.vllm import Restart, ServerState, VllmServer

SAY_EVERY_S = 15.0
"""Loading takes minutes: a line this often, and one whenever a replica gets ready or is lost."""
POLL_S = 0.5
CLOSE_TIMEOUT_S = 30.0


class Replica:
    """The actor: owns one server for as long as it lives."""

    def __init__(self, engine: VllmEngine, *, private: bool, pictures_per_request: int) -> None:
        import ray

        self._incarnation = uuid.uuid4().hex
        # nobody else on the network should find a model server on a person's laptop
        host = "127.0.0.1" if private else ray.util.get_node_ip_address()
        self._server = VllmServer(engine, host=host, pictures_per_request=pictures_per_request)

    def describe(self) -> tuple[str, ServerState]:
        """Which life of the actor this is, and how its server is."""
        return self._incarnation, self._server.describe()

    def close(self) -> None:
        """End the server and all its processes."""
        self._server.close()


class Roster:
    """The last word of each replica, asked for without waiting: an actor may not be placed yet, or be gone."""

    def __init__(self, replicas: Sequence[Any]) -> None:
        self._replicas = list(replicas)
        self._asked: list[Any] = [None] * len(self._replicas)
        self._said: list[tuple[str, ServerState] | None] = [None] * len(self._replicas)

    def look(self) -> list[tuple[str, ServerState] | None]:
        """For each replica what `Replica.describe` said last; None where nothing is heard of it (any more)."""
        import ray

        for number, replica in enumerate(self._replicas):
            if self._asked[number] is None:
                self._asked[number] = replica.describe.remote()
        ready, _ = ray.wait(self._asked, num_returns=len(self._asked), timeout=0)
        for number, asked in enumerate(self._asked):
            if asked in ready:
                self._asked[number] = None
                try:
                    self._said[number] = ray.get(asked)
                except ray.exceptions.RayError:
                    self._said[number] = None
        return list(self._said)

    def find_addresses(self) -> list[str]:
        """The base URLs of the replicas that can be asked now."""
        return [
            said[1].base_url
            for said in self.look()
            if said and said[1].state == "ready" and said[1].base_url is not None
        ]


@dataclass(slots=True)
class _Life:
    """One replica over all lives of its actor."""

    incarnation: str | None = None
    now: ServerState | None = None
    restarts: list[Restart] = field(default_factory=list)
    """Of lives that are over, and their ends."""
    past: ServerMetrics | None = None
    past_idle_s: float = 0.0
    past_busy_s: float = 0.0

    def hear(self, said: tuple[str, ServerState] | None) -> None:
        if said is None:
            return
        incarnation, state = said
        if self.now is not None and incarnation != self.incarnation:
            self.restarts += [*self.now.restarts, Restart(time.time(), "lost", "its Ray actor or node ended")]
            self.past = self.metrics
            self.past_idle_s += self.now.idle_s
            self.past_busy_s += self.now.busy_s
        self.incarnation, self.now = incarnation, state

    @property
    def metrics(self) -> ServerMetrics | None:
        """Counters over all lives."""
        if self.now is None or self.now.metrics is None:
            return self.past
        return self.now.metrics.add_counters(self.past)

    def to_json(self) -> dict[str, Any]:
        metrics = self.metrics
        idle_s = self.past_idle_s + (self.now.idle_s if self.now else 0)
        busy_s = self.past_busy_s + (self.now.busy_s if self.now else 0)
        restarts = [*self.restarts, *(self.now.restarts if self.now else ())]
        return {
            "state": self.now.state if self.now else "waiting",
            "host": self.now.host if self.now else None,
            "restarts": [{"at": r.at, "reason": r.reason, "detail": r.detail} for r in restarts],
            "ready_s": round(idle_s + busy_s, 1),
            "idle_s": round(idle_s, 1),
            "metrics": None if metrics is None else asdict(metrics),
        }


class Fleet:
    """The replicas of a build, from the driver's side."""

    def __init__(self, engine: VllmEngine, replicas: Sequence[Any], *, say: Callable[[str], None]) -> None:
        self.engine, self.replicas = engine, tuple(replicas)
        self._say = say
        self._roster = Roster(replicas)
        self._lives = [_Life() for _ in replicas]
        self._told: dict[int, Any] = {}

    def look(self) -> list[dict[str, Any]]:
        """Where each replica is, for status and telemetry; says what has changed. Raises BuildError once all of them
        have been given up."""
        for number, (life, said) in enumerate(zip(self._lives, self._roster.look(), strict=True), 1):
            life.hear(said)
            if life.now is not None:
                self._tell(number, life)
        failed = [life.now for life in self._lives if life.now is not None and life.now.state == "failed"]
        if len(failed) == len(self._lives):
            why = failed[0].detail or "no word of why"
            raise BuildError(
                f"No vLLM replica of {self.engine.model} could be started or kept running ({why}): mend that and run"
                " the same command again."
            )
        return [life.to_json() for life in self._lives]

    def _tell(self, number: int, life: _Life) -> None:
        assert life.now
        state, restarts = life.now.state, [*life.restarts, *life.now.restarts]
        before = self._told.get(number, ("starting", 0))
        if (state, len(restarts)) == before:
            return
        self._told[number] = (state, len(restarts))
        if len(restarts) > before[1]:
            self._say(
                f"serving   replica {number} is started again: {restarts[-1].reason} {restarts[-1].detail}".rstrip()
            )
        if state == "ready" and before[0] != "ready":
            self._say(f"serving   replica {number} is ready on {life.now.host} ({life.now.start_s:.0f} s to start)")
        if state == "failed":
            self._say(f"serving   replica {number} is given up: {life.now.detail}")

    @property
    def any_ready(self) -> bool:
        """Whether there is somebody to ask."""
        return any(life.now is not None and life.now.state == "ready" for life in self._lives)

    def await_first(self) -> None:
        """Wait until one replica can be asked. Raises BuildError if all give up, or none finds room on the cluster."""
        began = said = time.monotonic()
        while True:
            self.look()
            if self.any_ready:
                return
            now = time.monotonic()
            placed = [life.now for life in self._lives if life.now is not None]
            if not placed and now - began > self.engine.start_timeout_s:
                raise BuildError(
                    f"The Ray cluster had no room for a replica ({_describe_need(self.engine)}) within"
                    f" {self.engine.start_timeout_s:g} s (generate.engine.start_timeout_s); it has"
                    f" {_describe_cluster()}."
                )
            if now - said >= SAY_EVERY_S:
                said = now
                waiting = (
                    f"{len(self._lives) - len(placed)} wait for room on the cluster ({_describe_need(self.engine)})"
                )
                doing = placed[0].last_line if placed else ""
                parts = [f"{len(placed)} of {len(self._lives)} replicas loading"]
                parts += [waiting] if len(placed) < len(self._lives) else []
                parts += [doing[:100]] if doing else []
                self._say(f"serving   {now - began:.0f} s: {'; '.join(parts)}")
            time.sleep(POLL_S)


def make_key() -> str:
    """A key for the replicas of one build: a cluster's network has other users."""
    return secrets.token_urlsafe(24)


@contextlib.contextmanager
def start_fleet(
    engine: VllmEngine, *, key: str, private: bool, pictures_per_request: int, say: Callable[[str], None]
) -> Iterator[Fleet]:
    """The engine's replicas on the Ray that runs, for the length of the block; at its start one can be asked.

    `private` is a Ray of this machine alone. Raises SetupError where no node can hold a replica, BuildError where none
    gets ready. At the end, however it comes, every replica is closed and its place given back.
    """
    import ray

    require_room(engine, private=private)
    engine = engine.model_copy(update={"env": {**engine.env, "VLLM_API_KEY": key}})
    groups: list[Any] = []
    replicas: list[Any] = []
    try:
        for _ in range(engine.replicas):
            options = {"max_restarts": -1, "max_concurrency": 4, **_place(engine, groups)}
            actor = ray.remote(Replica).options(**options)
            replicas.append(actor.remote(engine, private=private, pictures_per_request=pictures_per_request))
        fleet = Fleet(engine, replicas, say=say)
        fleet.await_first()
        yield fleet
    finally:
        _end(replicas, groups)


def _place(engine: VllmEngine, groups: list[Any]) -> dict[str, Any]:
    """Where an actor goes: a placement group of its own for several GPUs, so that Ray keeps them together for it, also
    while its actor is started again."""
    if engine.gpus <= 1:
        return {"num_cpus": engine.cpus_per_replica, "num_gpus": engine.gpus}
    from ray.util.placement_group import placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    bundle = {"GPU": engine.gpus, "CPU": engine.cpus_per_replica}
    group = placement_group([{name: count for name, count in bundle.items() if count}], strategy="STRICT_PACK")
    groups.append(group)
    return {
        "num_cpus": engine.cpus_per_replica,
        "num_gpus": engine.gpus,
        "scheduling_strategy": PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0),
    }


def _end(replicas: Sequence[Any], groups: Sequence[Any]) -> None:
    import ray
    from ray.util.placement_group import remove_placement_group

    with contextlib.suppress(Exception):
        closing = [replica.close.remote() for replica in replicas]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_TIMEOUT_S)
    for replica in replicas:
        with contextlib.suppress(Exception):
            ray.kill(replica, no_restart=True)
    for group in groups:
        with contextlib.suppress(Exception):
            remove_placement_group(group)


def require_room(engine: VllmEngine, *, private: bool) -> None:
    """Refuse what this machine can never hold; a cluster may still grow. Raises SetupError."""
    import ray

    if not private:
        return
    has = ray.cluster_resources()
    if engine.gpus > has.get("GPU", 0) or engine.cpus_per_replica > has.get("CPU", 0):
        raise SetupError(
            f"A replica needs {_describe_need(engine)} but this machine has {_describe_cluster()}: set"
            " resources.address to a Ray cluster, or lower generate.engine.gpus_per_replica (0 for vLLM on the CPU)."
        )


def _describe_need(engine: VllmEngine) -> str:
    return f"{engine.gpus:g} GPU and {engine.cpus_per_replica:g} CPU"


def _describe_cluster() -> str:
    import ray

    has = ray.cluster_resources()
    return f"{has.get('GPU', 0):g} GPU and {has.get('CPU', 0):g} CPU"
