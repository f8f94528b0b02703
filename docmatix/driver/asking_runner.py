"""Asks the model server about shards, in whatever process it is put."""

from __future__ import annotations

import asyncio
import gc
import time

from docmatix.driver.heartbeat import read_figures
from docmatix.driver.tasks import Report, Task, knowing, report_task
from docmatix.pipeline import GENERATE, PIPELINE
from docmatix.stages.support.job import Job, ShardProgress


class AskingRunner:
    """Does several shards of one stage at once, all within one bound of requests in flight. To be made and used where
    an event loop runs."""

    def __init__(self, job: Job, stage: str, *, workers: int) -> None:
        """One of so many `workers`, which share the engine's `max_in_flight`."""
        from docmatix.models.connecting import make_client
        from docmatix.prompting.replies import repeats_itself
        from docmatix.stages.support.concurrency import RequestPool

        self._job, self._stage = job, stage
        self._ask_shard = PIPELINE[stage].load_shell()
        engine = job.choose_engine(stage)
        repeats = repeats_itself if stage == GENERATE else None
        self.client = make_client(engine, job.service, workers=workers, repeats=repeats)
        self._pool = RequestPool(
            self.client,
            in_flight=max(1, engine.most_in_flight // workers),
            max_share=job.config.limits.unexpected_share,
        )
        self._following: asyncio.Task[None] | None = None
        _calm_collector()
        _allow_connections()

    def count(self) -> dict[str, float]:
        """What its client has counted."""
        return read_figures(self.client.counters)

    async def run(self, task: Task, *, progress: ShardProgress) -> Report:
        """Do a task; what it raises is in the report."""
        self._follow_replicas()
        started = time.time()
        try:
            progress.attempt = task.attempt
            with knowing(self._job, task):
                await self._ask_shard(self._job, task.shard, pool=self._pool, progress=progress)
                told = self._job.run.tell([(self._stage, task.shard)])
        except Exception as error:
            return report_task(task, started, error=error, figures=self.count())
        return report_task(task, started, figures=self.count(), told=told)

    def _follow_replicas(self) -> None:
        """Begin to follow those that Ray has placed, if any."""
        if self._job.service.replicas and self._following is None:
            from docmatix.models.connecting import follow_replicas
            from docmatix.models.vllm.replica_pool import ReplicaPool

            replica_pool = ReplicaPool(self._job.service.replicas)
            self._following = asyncio.create_task(follow_replicas(self.client, replica_pool.find_addresses))


def _allow_connections() -> None:
    """Allow a connection for each of thousands of requests: shells allow 1,024 files, and pass that on."""
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
