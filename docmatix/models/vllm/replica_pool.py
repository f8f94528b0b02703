"""A fleet of vLLM replicas on the Ray cluster: one actor owns one replica, and the driver owns the actors.

    with start_fleet(engine, say=print) as fleet:
        ...  # fleet.replicas: handles for those who ask; fleet.look(): where each replica is

No Serve application: it would outlive the driver. The actors are not detached, so Ray ends them with the driver, and a
supervisor in each ends the server's processes with its actor (`docmatix.models.vllm.supervisor`). An actor that dies
with its node is started again by Ray, under the same handle, elsewhere if need be.

A replica lies on one node: its GPUs are one bundle of a placement group.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from pydantic import SecretStr

from docmatix.core.errors import BuildError, DocmatixError, SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica import Restart, ServerState, VllmServer, check_environment, tell_log
from docmatix.storage.run import RunDirectory
from docmatix.storage.store import Store

SAY_EVERY_S = 15.0
"""Loading takes minutes: a line this often, and one whenever a replica gets ready or is lost."""
POLL_S = 0.5
CLOSE_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 120.0
HOPE_S = 60.0
"""A replica is given its own time to start, and says so itself; only then the fleet as a whole is despaired of."""


class Replica:
    """The actor: owns one server for as long as it lives."""

    def __init__(
        self,
        engine: VllmEngine,
        *,
        key: SecretStr,
        private: bool,
        pictures_per_request: int,
        number: int,
        run: RunDirectory | None,
    ) -> None:
        """`number` counts from 1; the ends of its server's logs are kept in `run`."""
        import ray

        self._incarnation = uuid.uuid4().hex
        # nobody else on the network should find a model server on a person's laptop
        host = "127.0.0.1" if private else ray.util.get_node_ip_address()
        engine = engine.model_copy(update={"env": {**engine.env, "VLLM_API_KEY": key.get_secret_value()}})
        keep = (lambda said: "") if run is None else functools.partial(keep_log, run.store, number)
        self._server = VllmServer(engine, host=host, pictures_per_request=pictures_per_request, keep_log=keep)

    def describe(self) -> ReplicaReport:
        """Which life of the actor this is, and how its server is."""
        return ReplicaReport(self._incarnation, self._server.describe())

    def close(self) -> None:
        """End the server and all its processes."""
        self._server.close()


def keep_log(store: Store, number: int, said: str) -> str:
    """Keep the end of a replica's log with the run, as of now; returns where."""
    name = f"telemetry/logs/replica-{number}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.log"
    store.write(name, said.encode(), durable=False)
    return hide_in_url(store.path(name) if store.local else f"{store.url}/{name}")


class ReplicaReport(NamedTuple):
    """The last word of a replica."""

    incarnation: str
    """Another one after its actor was started again."""
    state: ServerState


class Hearing(Protocol):
    """Whoever can tell the last word of each replica."""

    def look(self) -> list[ReplicaReport | str | None]: ...


class ReplicaPool:
    """The last word of each replica, asked for without waiting: an actor may not be placed yet, or be gone."""

    def __init__(self, replicas: Sequence[Any]) -> None:
        self._replicas = list(replicas)
        self._asked: list[Any] = [None] * len(self._replicas)
        self._said: list[ReplicaReport | str | None] = [None] * len(self._replicas)

    def look(self) -> list[ReplicaReport | str | None]:
        """For each replica what `Replica.describe` said last; None where nothing is heard of it (any more), a text
        where Ray has given it up, which says why."""
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
                except ray.exceptions.ActorDiedError as error:
                    self._said[number] = _find_last_line(str(error))
                except ray.exceptions.RayError:  # started again by Ray, or on its way
                    self._said[number] = None
        return list(self._said)

    def find_addresses(self) -> list[str]:
        """The base URLs of the replicas that can be asked now."""
        ready = [said.state for said in self.look() if isinstance(said, ReplicaReport) and said.state.state == "ready"]
        return [state.base_url for state in ready if state.base_url is not None]


def _find_last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word of why")


@dataclass(slots=True)
class _TrackedReplica:
    """One replica over all lives of its actor."""

    incarnation: str | None = None
    now: ServerState | None = None
    """None while it waits for room on the cluster, at first or again."""
    given_up: str | None = None
    """Why nothing more is expected of it."""
    restarts: list[Restart] = field(default_factory=list)
    """Of lives that are over, and their ends."""
    past: ServerMetrics | None = None
    past_idle_s: float = 0.0
    past_busy_s: float = 0.0

    def update(self, said: ReplicaReport | str | None) -> None:
        """Take in what the replica_pool tells."""
        if self.given_up is not None:
            return
        if self.now is not None and (not isinstance(said, ReplicaReport) or said.incarnation != self.incarnation):
            self._bury(self.now)
        if isinstance(said, str):
            self.given_up = said
        elif said is not None:
            self.incarnation, self.now = said
            if self.now.state == "failed":
                self.given_up = self.now.detail or "no word of why"

    def _bury(self, last: ServerState) -> None:
        self.restarts += [*last.restarts, Restart(time.time(), "lost", "its Ray actor or node ended")]
        if last.metrics is not None:
            self.past = replace(last.metrics, running=0, waiting=0, kv_cache_usage=0.0).add_counters(self.past)
        self.past_idle_s += last.idle_s
        self.past_busy_s += last.busy_s
        self.now = None

    @property
    def state(self) -> str:
        if self.given_up is not None:
            return "failed"
        return "waiting" if self.now is None else self.now.state

    @property
    def all_restarts(self) -> list[Restart]:
        return [*self.restarts, *(self.now.restarts if self.now else ())]

    def to_json(self) -> dict[str, Any]:
        metrics = self.past
        if self.now is not None and self.now.metrics is not None:
            metrics = self.now.metrics.add_counters(self.past)
        idle_s = self.past_idle_s + (self.now.idle_s if self.now else 0)
        busy_s = self.past_busy_s + (self.now.busy_s if self.now else 0)
        return {
            "state": self.state,
            "host": self.now.host if self.now else None,
            "detail": self.given_up or "",
            "restarts": [asdict(restart) for restart in self.all_restarts],
            "ready_s": round(idle_s + busy_s, 1),
            "idle_s": round(idle_s, 1),
            "metrics": None if metrics is None else asdict(metrics),
        }


class Fleet:
    """The replicas of a build, from the driver's side."""

    def __init__(
        self,
        engine: VllmEngine,
        replicas: Sequence[Any],
        *,
        say: Callable[[str], None],
        give_up: Callable[[int], None] = lambda number: None,
        replica_pool: Hearing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`give_up` is told the number (from 0) of a replica of which nothing more is expected, so that its place on
        the cluster becomes free. `replica_pool` and `clock` are seams for tests."""
        self.engine, self.replicas = engine, tuple(replicas)
        self._say, self._give_up, self._clock = say, give_up, clock
        self._pool: Hearing = replica_pool or ReplicaPool(replicas)
        self._lives = [_TrackedReplica() for _ in replicas]
        self._told: dict[int, tuple[str, int]] = {}
        self._hoped_at = clock()
        self._hope: Any = None

    def look(self) -> list[dict[str, Any]]:
        """Where each replica is, for status and telemetry; says what has changed.

        Raises BuildError once all of them have been given up, or for `start_timeout_s` none could be asked and nothing
        has changed about any.
        """
        for number, (life, said) in enumerate(zip(self._lives, self._pool.look(), strict=True)):
            had_hope = life.given_up is None
            life.update(said)
            self._tell(number, life)
            if had_hope and life.given_up is not None:
                self._give_up(number)
        self._require_hope()
        return [life.to_json() for life in self._lives]

    def _require_hope(self) -> None:
        given_up = [life.given_up for life in self._lives if life.given_up is not None]
        if len(given_up) == len(self._lives):
            raise BuildError(
                f"No vLLM replica of {self.engine.model} could be started or kept running ({given_up[0]}): mend that"
                " and run the same command again."
            )
        changes = [(life.state, life.incarnation, len(life.all_restarts)) for life in self._lives]
        if self.any_ready or changes != self._hope:
            self._hoped_at, self._hope = self._clock(), changes
        elif self._clock() - self._hoped_at > self.engine.start_timeout_s + HOPE_S:
            states = Counter(life.state for life in self._lives)
            said = ", ".join(f"{count} {state}" for state, count in states.items())
            why = f"; {given_up[0]}" if given_up else ""
            raise BuildError(
                f"No replica could be asked for {self.engine.start_timeout_s:g} s (generate.engine.start_timeout_s):"
                f" {said}{why}. A replica needs {_describe_need(self.engine)}; run the same command again once there is"
                " room for one."
            )

    def _tell(self, number: int, life: _TrackedReplica) -> None:
        state, restarts = life.state, life.all_restarts
        before = self._told.get(number, ("waiting", 0))
        if (state, len(restarts)) == before:
            return
        self._told[number] = (state, len(restarts))
        if len(restarts) > before[1]:
            why = f"{restarts[-1].reason} {restarts[-1].detail}".strip() + tell_log(restarts[-1].log)
            self._say(f"serving   replica {number + 1} is started again: {why}")
        if life.now is not None and state == "ready" and before[0] != "ready":
            self._say(f"serving   replica {number + 1} is ready on {life.now.host} ({life.now.start_s:.0f} s to start)")
        if state == "failed":
            self._say(f"serving   replica {number + 1} is given up: {life.given_up}")

    @property
    def any_ready(self) -> bool:
        """Whether there is somebody to ask."""
        return any(life.state == "ready" for life in self._lives)

    @property
    def heard_of(self) -> list[int]:
        """The numbers of the replicas whose actor runs."""
        return [number for number, life in enumerate(self._lives) if life.now is not None and life.given_up is None]

    def await_first(self) -> None:
        """Wait until one replica can be asked. Raises as `look` does."""
        began = said = self._clock()
        while True:
            self.look()
            if self.any_ready:
                return
            now = self._clock()
            if now - said >= SAY_EVERY_S:
                said = now
                placed = [life.now for life in self._lives if life.now is not None]
                parts = [f"{len(placed)} of {len(self._lives)} replicas loading"]
                if waiting := sum(life.state == "waiting" for life in self._lives):
                    parts.append(f"{waiting} wait for room on the cluster ({_describe_need(self.engine)})")
                parts += [placed[0].last_line[:100]] if placed and placed[0].last_line else []
                self._say(f"serving   {now - began:.0f} s: {'; '.join(parts)}")
            time.sleep(POLL_S)


def make_key() -> SecretStr:
    """A key for the replicas of one build: a cluster's network has other users."""
    return SecretStr(secrets.token_urlsafe(24))


@contextlib.contextmanager
def start_fleet(
    engine: VllmEngine,
    *,
    key: SecretStr,
    pictures_per_request: int,
    say: Callable[[str], None],
    run: RunDirectory | None = None,
) -> Iterator[Fleet]:
    """The engine's replicas on the Ray that runs, for the length of the block; at its start one can be asked. Where one
    dies, the end of its log is kept in `run`.

    Raises SetupError where no node can hold a replica, BuildError where none gets ready. At the end, however it comes,
    every replica is closed and its place given back.
    """
    import ray

    require_room(engine)
    private = is_private()
    groups: list[Any] = []
    replicas: list[Any] = []
    fleet: Fleet | None = None
    try:
        settings = {"key": key, "private": private, "pictures_per_request": pictures_per_request, "run": run}
        for number in range(1, engine.replicas + 1):
            # started again by Ray, on another node if need be, when its node is lost
            actor = ray.remote(Replica).options(max_restarts=-1, max_concurrency=4, **_place(engine, groups))
            replicas.append(actor.remote(engine, number=number, **settings))
        fleet = Fleet(engine, replicas, say=say, give_up=lambda number: _kill(replicas[number]))
        fleet.await_first()
        yield fleet
    finally:
        _end(replicas, groups, running=fleet.heard_of if fleet else [])


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


def _kill(replica: Any) -> None:
    import ray

    with contextlib.suppress(Exception):
        ray.kill(replica, no_restart=True)


def _end(replicas: Sequence[Any], groups: Sequence[Any], *, running: Sequence[int]) -> None:
    import ray
    from ray.util.placement_group import remove_placement_group

    try:
        with contextlib.suppress(Exception):
            # one that was never placed would not answer
            closing = [replicas[number].close.remote() for number in running]
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=CLOSE_TIMEOUT_S)
    finally:
        for replica in replicas:
            _kill(replica)
        for group in groups:
            with contextlib.suppress(Exception):
                remove_placement_group(group)


# --- the cluster ------------------------------------------------------------------------------------------------------


def is_private() -> bool:
    """Whether the Ray that runs is one machine alone."""
    import ray

    return sum(bool(node["Alive"]) for node in ray.nodes()) <= 1


def require_room(engine: VllmEngine) -> None:
    """Refuse what a single machine can never hold; a cluster may still grow. Raises SetupError."""
    import ray

    if not is_private():
        return
    has = ray.cluster_resources()
    if engine.gpus > has.get("GPU", 0) or engine.cpus_per_replica > has.get("CPU", 0):
        spread = engine.tensor_parallel_size * engine.pipeline_parallel_size > 1
        lower = "tensor_parallel_size and pipeline_parallel_size" if spread else "gpus_per_replica"
        raise SetupError(
            f"A replica needs {_describe_need(engine)} but this machine has {has.get('GPU', 0):g} GPU and"
            f" {has.get('CPU', 0):g} CPU: set resources.address to a Ray cluster, or lower generate.engine.{lower}"
            " (gpus_per_replica: 0 is vLLM on the CPU)."
        )


def check_nodes(run: RunDirectory, engines: Sequence[VllmEngine]) -> None:
    """Make sure that every node of the cluster sees the run directory, and that those which can hold a replica have
    what serves it. Raises SetupError, which names the node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(_probe_node)
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            held = [engine for engine in engines if engine.gpus <= node["Resources"].get("GPU", 0)]
            affinity = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = probe.options(num_cpus=0, max_retries=0, scheduling_strategy=affinity)
            asked[task.remote(run.url, held)] = node["NodeManagerAddress"]
    # a node that is lost meanwhile, or too busy to answer, is none of ours to refuse
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PROBE_TIMEOUT_S)
    for each in answered:
        try:
            said = ray.get(each)
        except ray.exceptions.RayError:
            continue
        if said:
            raise SetupError(f"On the node {asked[each]}: {said}")


def _probe_node(run: str, engines: Sequence[VllmEngine]) -> str | None:
    """What is wrong with this node, in a sentence."""
    try:
        if not Store(run).exists("run.yaml"):
            return f"the run directory {run} is not there; put it where every node can reach it (a shared disk, S3)."
        for engine in engines:
            check_environment(engine)
    except DocmatixError as error:
        return str(error)
    return None


def _describe_need(engine: VllmEngine) -> str:
    return f"{engine.gpus:g} GPU and {engine.cpus_per_replica:g} CPU"
