"""vLLM replicas on the Ray cluster: one actor owns one replica, and the driver owns the actors.

    with start_fleet(engine, key=make_key(), pictures_per_request=1, say=print) as fleet:
        ...  # fleet.replicas: handles for `ReplicaPool`; fleet.look(): the state of each replica

Ray is used here and nowhere else in `docmatix.models`. Why no Ray Serve: docs/design/models.md.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.models.engine import Engine
from docmatix.models.vllm.fleet import Fleet, ReplicaReport, describe_need
from docmatix.models.vllm.replica import VllmServer
from docmatix.models.vllm.server_log import UNKNOWN_CAUSE
from docmatix.storage.run import Run
from docmatix.storage.store import Store

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

CLOSE_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 120.0


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
        run: Run | None,
    ) -> None:
        """`number` counts from 1; the ends of its server's logs are kept in `run`."""
        import ray

        self._incarnation = uuid.uuid4().hex
        # a model server on someone's laptop should not be visible on the network
        host = "127.0.0.1" if private else ray.util.get_node_ip_address()
        engine = engine.model_copy(update={"env": {**engine.env, "VLLM_API_KEY": key.get_secret_value()}})
        keep = (lambda text: "") if run is None else functools.partial(keep_log, run.store, number)
        self._server = VllmServer(engine, host=host, pictures_per_request=pictures_per_request, keep_log=keep)

    def describe(self) -> ReplicaReport:
        """Which incarnation of the actor this is, and the state of its server."""
        return ReplicaReport(self._incarnation, self._server.describe())

    def close(self) -> None:
        """End the server and all its processes."""
        self._server.close()


def keep_log(store: Store, number: int, text: str) -> str:
    """Keep the end of a replica's log with the run, under the present time; returns where."""
    name = f"telemetry/logs/replica-{number}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.log"
    store.write(name, text.encode(), durable=False)
    return hide_in_url(store.path(name) if store.local else f"{store.url}/{name}")


class ReplicaPool:
    """The latest report of each replica, without waiting for any: an actor may not be placed yet, or be lost."""

    def __init__(self, replicas: Sequence[Any]) -> None:
        self._replicas = list(replicas)
        self._calls: list[Any] = [None] * len(self._replicas)
        self._reports: list[ReplicaReport | str | None] = [None] * len(self._replicas)

    def look(self) -> list[ReplicaReport | str | None]:
        """For each replica its latest report; None while there is none (any more), and if Ray has given it up, the
        reason."""
        import ray

        for number, replica in enumerate(self._replicas):
            if self._calls[number] is None:
                self._calls[number] = replica.describe.remote()
        ready, _ = ray.wait(self._calls, num_returns=len(self._calls), timeout=0)
        for number, call in enumerate(self._calls):
            if call in ready:
                self._calls[number] = None
                try:
                    self._reports[number] = ray.get(call)
                except ray.exceptions.ActorDiedError as error:
                    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                    self._reports[number] = lines[-1] if lines else UNKNOWN_CAUSE
                except ray.exceptions.RayError:  # Ray is restarting it
                    self._reports[number] = None
        return list(self._reports)

    def find_addresses(self) -> list[str]:
        """The base URLs of the replicas that can be asked now."""
        states = [report.state for report in self.look() if isinstance(report, ReplicaReport)]
        return [state.base_url for state in states if state.state == "ready" and state.base_url is not None]


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
    run: Run | None = None,
) -> Iterator[Fleet]:
    """The engine's replicas on the running Ray for the length of the block; at least one is ready when it begins. The
    logs' ends of those that die are kept in `run`. Raises SetupError if no node can hold a replica, BuildError if none
    becomes ready."""
    import ray

    require_room(engine)
    groups: list[Any] = []
    replicas: list[Any] = []
    fleet: Fleet | None = None
    try:
        settings = {"key": key, "private": is_private(), "pictures_per_request": pictures_per_request, "run": run}
        for number in range(1, engine.replicas + 1):
            # when its node is lost, Ray restarts the actor under the same handle, on another node if need be
            actor = ray.remote(Replica).options(max_restarts=-1, max_concurrency=4, **_place(engine, groups))
            replicas.append(actor.remote(engine, number=number, **settings))
        pool = ReplicaPool(replicas)
        fleet = Fleet(engine, replicas, say=say, pool=pool, give_up=lambda number: _kill(replicas[number]))
        fleet.await_first()
        yield fleet
    finally:
        _end(replicas, groups, running=fleet.running if fleet else [])


def _place(engine: VllmEngine, groups: list[Any]) -> dict[str, Any]:
    """Where an actor goes. Several GPUs get a placement group, so that Ray keeps them together on one node for this
    actor, also while it restarts."""
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
            # only those that run: an actor that was never placed would not answer
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
    """Whether the running Ray is one machine alone."""
    import ray

    return sum(bool(node["Alive"]) for node in ray.nodes()) <= 1


def require_room(engine: VllmEngine) -> None:
    """Raise SetupError for a replica that a single machine can never hold; a cluster may still grow."""
    import ray

    if not is_private():
        return
    has = ray.cluster_resources()
    if engine.gpus > has.get("GPU", 0) or engine.cpus_per_replica > has.get("CPU", 0):
        spread = engine.tensor_parallel_size * engine.pipeline_parallel_size > 1
        lower = "tensor_parallel_size and pipeline_parallel_size" if spread else "gpus_per_replica"
        raise SetupError(
            f"A replica needs {describe_need(engine)}, but this machine has {has.get('GPU', 0):g} GPU and"
            f" {has.get('CPU', 0):g} CPU: set resources.address to a Ray cluster, or lower generate.engine.{lower}"
            " (gpus_per_replica: 0 runs vLLM on the CPU)."
        )


def check_nodes(run: Run, engines: Sequence[Engine]) -> None:
    """Make sure that every node of the cluster can reach the run directory, and that those with room for a replica can
    serve it. Raises SetupError, which names the node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(_probe_node)
    probes = {}
    for node in ray.nodes():
        if node["Alive"]:
            held = [engine for engine in engines if engine.gpus <= node["Resources"].get("GPU", 0)]
            affinity = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = probe.options(num_cpus=0, max_retries=0, scheduling_strategy=affinity)
            probes[task.remote(run.url, held)] = node["NodeManagerAddress"]
    # a node that was lost meanwhile, or is too busy to answer, proves nothing
    done, _ = ray.wait(list(probes), num_returns=len(probes), timeout=PROBE_TIMEOUT_S)
    for each in done:
        try:
            problem = ray.get(each)
        except ray.exceptions.RayError:
            continue
        if problem:
            raise SetupError(f"On the node {probes[each]}: {problem}")


def _probe_node(run: str, engines: Sequence[Engine]) -> str | None:
    """What is wrong with this node, in a sentence."""
    try:
        if not Store(run).exists("run.yaml"):
            return f"the run directory {run} does not exist. Put it where every node can reach it (a shared disk, S3)."
        for engine in engines:
            engine.check_node()
    except DocmatixError as error:
        return str(error)
    return None
