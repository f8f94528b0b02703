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
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import SecretStr

from docmatix.config import VllmEngine
from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.fleet import Fleet, ReplicaReport, describe_need
from docmatix.models.vllm.installation import check_environment
from docmatix.models.vllm.replica import VllmServer, check_environment
from docmatix.storage.run import RunDirectory
from docmatix.storage.store import Store

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
        pool = ReplicaPool(replicas)
        fleet = Fleet(engine, replicas, say=say, pool=pool, give_up=lambda number: _kill(replicas[number]))
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
            f"A replica needs {describe_need(engine)} but this machine has {has.get('GPU', 0):g} GPU and"
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
