"""Does shards of the stages that need no model server, in whatever process it is put."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from docmatix.driver.tasks import Report, Task, knowing, report_task
from docmatix.pipeline import EXTRACT, PACK, PIPELINE
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress


class ShardRunner:
    """Does one shard at a time. The tools of a stage, such as the child process for hostile documents, are made for its
    first shard and kept until one of another stage comes."""

    def __init__(self, *, cpus: int) -> None:
        """`cpus` is how many cores of this machine all its workers together may keep busy."""
        self._cpus = cpus
        self._stage: tuple[str, str] | None = None
        self._tools: dict[str, Any] = {}
        self._closing = contextlib.ExitStack()
        self._counted: Mapping[str, float] = {}

    def run(self, job: Job, stage: str, task: Task, *, progress: ShardProgress) -> Report:
        """Do a task; what it raises is in the report, for the driver to judge."""
        started = time.time()
        try:
            self.turn_to(job, stage)
            progress.attempt = task.attempt
            with knowing(job, task):
                shell = PIPELINE[stage].load_shell()
                if PIPELINE[stage].asks:
                    asyncio.run(_ask_nobody(job, stage, task, progress))
                else:
                    shell(job, task.output or task.shard, progress=progress, **self._tools)
                told = job.run.tell([(stage, task.shard)])
        except Exception as error:
            return report_task(task, started, error=error, figures=self.count())
        return report_task(task, started, figures=self.count(), told=told)

    def count(self) -> dict[str, float]:
        """What the tools of the present stage have counted."""
        return dict(self._counted)

    def turn_to(self, job: Job, stage: str) -> None:
        """Have the tools of this stage in place of those of another one."""
        if self._stage == (stage, job.driver_id):
            return
        self.close()
        if PIPELINE[stage].sandboxed:
            from docmatix.pdf.sandbox import Sandbox

            memory_mb = job.config.pack.memory_mb if stage == PACK else job.config.extract.memory_mb
            self._tools["sandbox"] = self._closing.enter_context(Sandbox(memory_mb=memory_mb))
        if stage == PACK:
            from docmatix.stages.support.child_pool import ChildPool

            children = ChildPool(lambda: Sandbox(memory_mb=memory_mb), slots=CpuSlots(self._cpus), spare=self._cpus)
            self._tools["children"] = self._closing.enter_context(children)
            self._counted = children.counted
        if stage == EXTRACT:
            from docmatix.stages.support.page_ocr import PageOcr

            # all cores of the machine, whichever of its workers has pages for them
            ocr = PageOcr(job.config.extract.ocr, slots=CpuSlots(self._cpus))
            self._tools["ocr"] = self._closing.enter_context(ocr)
            self._counted = ocr.counted
        self._stage = (stage, job.driver_id)

    def close(self) -> None:
        """End what the tools have started."""
        self._closing.close()
        self._tools, self._counted, self._stage = {}, {}, None


async def _ask_nobody(job: Job, stage: str, task: Task, progress: ShardProgress) -> None:
    """A shard of an asking stage whose engine has no model."""
    from docmatix.models.connecting import make_client
    from docmatix.stages.support.concurrency import RequestPool

    client = make_client(job.choose_engine(stage), job.service)
    try:
        await PIPELINE[stage].load_shell()(job, task.shard, pool=RequestPool(client, in_flight=1), progress=progress)
    finally:
        await client.close()
