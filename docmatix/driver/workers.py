"""The thin Ray shell: maps one stage over shard numbers with Ray Data.

Only shard numbers, and a line about how each went, travel through Ray. What a shard raises comes back as a value: Ray
would print it at length and retry it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]

from docmatix.core import errors
from docmatix.core.errors import BuildError, DocmatixError
from docmatix.driver.heartbeat import Heartbeat, WorkerState, choose_interval, name_worker, read_figures, tell_mailbox
from docmatix.driver.ray_cluster import find_private_ray
from docmatix.models.vllm.replica_pool import ReplicaPool
from docmatix.models.vllm.supervisor import find_start
from docmatix.pipeline import EXTRACT, GENERATE, PACK, PIPELINE
from docmatix.stages.pack import OutputFile, Range
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job
from docmatix.stages.support.page_ocr import PageOcr
from docmatix.stages.support.poison_documents import count_attempt

if TYPE_CHECKING:
    pass

_POLL_S = 0.5
_KILL_PATIENCE_S = 60.0  # to kill a worker, Ray first starts a process on its node


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of one stage to be done; `output` only for `pack`."""

    shard: int
    output: OutputFile | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What a worker has counted so far: requests, tokens, retries."""

    worker: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Done(Counted):
    """A shard that is committed, and when the work on it `started` and `ended`, in seconds since 1970."""

    shard: int
    started: float
    ended: float


def map_shards(job: Job, stage: str, tasks: Sequence[Task], *, mailbox: Any) -> Generator[Done | Counted | None]:
    """Do the tasks; yields each as it is done, in no order, and None about twice a second between them.

    Raises what a shard raised, other errors than ours as BuildError, after yielding what its worker counted.
    """
    results: queue.Queue[dict[str, Any] | BaseException | None] = queue.Queue()
    stopped = threading.Event()
    thread = threading.Thread(target=_drive, args=(job, stage, tasks, mailbox, results, stopped), daemon=True)
    thread.start()
    try:
        yield from _take_results(stage, len(tasks), results, private=find_private_ray())
    finally:
        stopped.set()
    thread.join(timeout=30)


def _take_results(
    stage: str,
    left: int,
    results: queue.Queue[dict[str, Any] | BaseException | None],
    *,
    private: Sequence[psutil.Process],
) -> Iterator[Done | Counted | None]:
    while left:
        try:
            result = results.get(timeout=_POLL_S)
        except queue.Empty:
            # waiting for a Ray that has died blocks forever, or ends this process silently
            for process in private:
                if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                    raise BuildError(
                        f"The private Ray of this build has died in {stage} (process {process.pid} has ended; out of"
                        " memory?): rerun the command to resume the build."
                    ) from None
            yield None
            continue
        if isinstance(result, BaseException):
            raise BuildError(f"Ray gave up on {stage}: {type(result).__name__}: {result}") from result
        if result is None:
            raise BuildError(f"Ray ended {stage} with {left} shards left.")
        figures = json.loads(result["figures"])
        if result["error"]:
            yield Counted(str(result["worker"]), figures)
            raise _revive(stage, result)
        left -= 1
        started, ended = float(result["started"]), float(result["ended"])
        yield Done(str(result["worker"]), figures, shard=int(result["shard"]), started=started, ended=ended)


def end_workers(states: Sequence[WorkerState]) -> list[str | None]:
    """Kill silent workers, each on its node; Ray retries their shards. Returns what became of each: `killed`, `gone`
    where process or node no longer exist, None where the node does not respond."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if not states:
        return []
    kill = ray.remote(kill_process)
    asked = []
    for state in states:
        affinity = NodeAffinitySchedulingStrategy(state.node, soft=False)
        here = kill.options(num_cpus=0, max_retries=0, scheduling_strategy=affinity)
        asked.append(here.remote(state.pid, state.started))
    # for all together: a lost node may have a hundred workers, and the driver looks after nothing meanwhile
    answered, _ = ray.wait(asked, num_returns=len(asked), timeout=_KILL_PATIENCE_S)
    known = set(answered)
    outcomes: list[str | None] = []
    for reference in asked:
        try:
            outcomes.append(ray.get(reference) if reference in known else None)
        except ray.exceptions.TaskUnschedulableError:  # the node is lost, and its workers with it
            outcomes.append("gone")
        except ray.exceptions.RayError:
            outcomes.append(None)
    return outcomes


def kill_process(pid: int, started: int) -> str:
    """Kill the process of that id that was started then: `killed`, or `gone` if there is none."""
    if find_start(pid) != started:
        return "gone"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return "killed"


def _drive(
    job: Job, stage: str, tasks: Sequence[Task], mailbox: Any, results: queue.Queue[Any], stopped: threading.Event
) -> None:
    import ray
    from ray.data import ActorPoolStrategy

    resources = job.config.resources
    asking = PIPELINE[stage].asks and job.choose_engine(stage).has_model
    try:
        rows = [{"task": _encode(task)} for task in tasks]
        # without a number `from_items` makes at most 200 blocks, and a shard would wait for its neighbours
        shards = ray.data.from_items(rows, override_num_blocks=len(rows))
        # a cluster whose nodes are on their way has none yet
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        size = min(len(tasks), resources.generate_workers if asking else (resources.workers or cpus))
        overlap = min(len(tasks), resources.shards_in_flight) if asking else 1
        # several workers that ask get as many shards as they overlap and no more: the first one to be there would take
        # those of the others too (two workers, eight shards, four at a time: it took all eight)
        ahead = overlap if size > 1 and asking else 2 * overlap
        pool = ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=ahead, max_concurrent_calls_per_actor=overlap)
        worker = AskingWorker if PIPELINE[stage].asks else ShardWorker
        done = shards.map_batches(
            worker,
            batch_size=1,
            compute=pool,
            # who asks waits most of the time, and must find room beside replicas that hold all CPUs of a small machine
            num_cpus=0 if asking else 1,
            fn_constructor_args=(job, stage, size, mailbox),
        )
        # prefetching would hold each result back until the next one arrives
        for batch in done.iter_batches(batch_size=1, prefetch_batches=0):
            results.put({name: values[0] for name, values in batch.items()})
            if stopped.is_set():  # a Ray that is not ours goes on running: leave it nothing to do
                return
        results.put(None)
    except BaseException as error:  # handed to the thread that waits, whatever it is
        results.put(error)


def _encode(task: Task) -> str:
    if task.output is None:
        return json.dumps({"shard": task.shard})
    ranges = [[r.shard, r.first, r.count, r.sha256] for r in task.output.ranges]
    return json.dumps({"shard": task.shard, "files": task.output.files, "ranges": ranges})


def _decode(encoded: str) -> Task:
    content = json.loads(encoded)
    if "ranges" not in content:
        return Task(content["shard"])
    ranges = tuple(Range(*each) for each in content["ranges"])
    return Task(content["shard"], OutputFile(content["shard"], content["files"], ranges))


def _revive(stage: str, result: dict[str, Any]) -> DocmatixError:
    kind = getattr(errors, result["error"], None)
    if isinstance(kind, type) and issubclass(kind, DocmatixError):
        return kind(result["message"])
    bug = BuildError(
        f"Shard {result['shard']} of {stage} failed with {result['error']}, which is a bug in docmatix; please report"
        " it."
    )
    bug.add_note(result["message"])
    return bug


class ShardWorker:
    """A Ray actor that does the CPU stages, one shard at a time, with a child process for hostile documents."""

    def __init__(self, job: Job, stage: str, workers: int, mailbox: Any) -> None:
        from docmatix.pdf.sandbox import Sandbox

        self.job, self.stage = job, stage
        memory_mb = job.config.pack.memory_mb if stage == PACK else job.config.extract.memory_mb
        self.sandbox = Sandbox(memory_mb=memory_mb)
        self.tools: dict[str, Any] = {"sandbox": self.sandbox} if PIPELINE[stage].sandboxed else {}
        if stage == EXTRACT:
            # all cores of the machine, whichever of its workers has pages for them
            slots = CpuSlots(_count_cpus_of_node())
            self.tools["ocr"] = PageOcr(job.config.extract.ocr, slots=slots)
        self.counted: dict[str, float] = self.tools["ocr"].counted if "ocr" in self.tools else {}
        self.do_shard = PIPELINE[stage].load_shell()
        self.heartbeat = _start_heartbeat(job, stage, mailbox, count=self.counted.copy)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        task, started = _decode(str(batch["task"][0])), time.time()
        progress = self.heartbeat.begin(task.shard)
        try:
            count_attempt(self.job, self.stage, task.shard)
            self.do_shard(self.job, task.output or task.shard, progress=progress, **self.tools)
        except Exception as error:
            return _report(task, started, error=error, figures=self.counted)
        finally:
            self.heartbeat.finish(task.shard)
        return _report(task, started, figures=self.counted)


class AskingWorker:
    """A Ray actor that asks the model server, several shards at once, all within one bound of requests in flight."""

    def __init__(self, job: Job, stage: str, workers: int, mailbox: Any) -> None:
        import uvloop

        from docmatix.models.connecting import make_client
        from docmatix.prompting.replies import repeats_itself
        from docmatix.stages.support.concurrency import RequestPool

        self.job, self.stage = job, stage
        self.ask_shard = PIPELINE[stage].load_shell()
        engine = job.choose_engine(stage)
        repeats = repeats_itself if stage == GENERATE else None
        self.client = make_client(engine, job.service, workers=workers, repeats=repeats)
        self.pool = RequestPool(
            self.client,
            in_flight=max(1, engine.most_in_flight // workers),
            max_share=job.config.limits.unexpected_share,
        )
        self.replica_pool = ReplicaPool(job.service.replicas) if job.service.replicas else None
        self.following: asyncio.Task[None] | None = None
        self.heartbeat = _start_heartbeat(job, stage, mailbox, count=self._count)
        _calm_collector()
        _allow_connections()
        # the loop that Ray Data runs `__call__` in is the one it finds set here
        asyncio.set_event_loop(uvloop.new_event_loop())

    def _count(self) -> dict[str, float]:
        return read_figures(self.client.counters)

    async def __call__(self, batch: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if self.replica_pool is not None and self.following is None:
            from docmatix.models.connecting import follow_replicas

            self.following = asyncio.create_task(follow_replicas(self.client, self.replica_pool.find_addresses))
        task, started = _decode(str(batch["task"][0])), time.time()
        progress = self.heartbeat.begin(task.shard)
        try:
            count_attempt(self.job, self.stage, task.shard)
            await self.ask_shard(self.job, task.shard, pool=self.pool, progress=progress)
        except Exception as error:
            yield _report(task, started, error=error, figures=read_figures(self.client.counters))
        else:
            yield _report(task, started, figures=read_figures(self.client.counters))
        finally:
            self.heartbeat.finish(task.shard)


def _start_heartbeat(job: Job, stage: str, mailbox: Any, count: Callable[[], dict[str, float]] = dict) -> Heartbeat:
    import ray

    node = ray.get_runtime_context().get_node_id()
    every_s = choose_interval(job.config.limits.stall_s)
    return Heartbeat(stage, tell_mailbox(mailbox), node=node, count=count, every_s=every_s)


def _count_cpus_of_node() -> int:
    """Those that Ray has for this machine."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    cpus = (node["Resources"].get("CPU", 1) for node in ray.nodes() if node["NodeID"] == here)
    return max(1, int(next(cpus, 1)))


def _allow_connections() -> None:
    """Allow a connection for each of thousands of requests: `ray start` inherits the shell's limit, often 1,024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 16 if hard == resource.RLIM_INFINITY else min(1 << 16, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _calm_collector() -> None:
    """Collect garbage rarely, and never among what is imported."""
    # Python's own settings take 0.3 ms of every request, and stop all of them for up to 0.2 s
    import pyarrow as pa

    pa.array([None])  # the first array imports pandas where it is installed: half a second
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _report(
    task: Task, started: float, *, error: Exception | None = None, figures: dict[str, float] | None = None
) -> dict[str, Any]:
    kind = message = ""
    if error is not None:
        kind = type(error).__name__
        message = str(error) if isinstance(error, DocmatixError) else "".join(traceback.format_exception(error)[-6:])
    facts = {
        "shard": task.shard,
        "worker": name_worker(),
        "error": kind,
        "message": message,
        "figures": json.dumps(figures or {}),
        "started": started,
        "ended": time.time(),
    }
    return {name: [fact] for name, fact in facts.items()}
