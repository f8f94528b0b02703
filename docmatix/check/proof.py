"""Proves a run: reads every file once, changes nothing, and says what to do about everything that is wrong.

shards, pairs   files are what was committed; rows can be read; documents and pairs agree between stages and ledgers
dataset, rows   the rows that `curate` kept, each once, in order; images open, boxes and quotes are on their page
finish, card    `stats.json`, the card and SHA256SUMS say what the records say; no file is unknown
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator

from docmatix.check.dataset import DatasetCheck
from docmatix.check.finish import FinishCheck
from docmatix.check.kept import KeptSamples
from docmatix.check.records import RecordTotals
from docmatix.check.shards import ShardCheck
from docmatix.core.errors import SetupError
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run


def find_problems(
    run: Run,
    *,
    edited: bool = False,
    on_part: Callable[[int], object] = lambda done: None,
    on_remark: Callable[[str], object] | None = None,
) -> Iterator[str]:
    """What is wrong with a run, in sentences that say what to do; raises SetupError without a run. `edited` allows a
    card and pictures changed by hand and a missing SHA256SUMS. `on_part` is given how many of `count_parts` are done,
    `on_remark` what is worth knowing but not a problem."""
    run.require_reachable()  # before what waits patiently for a store that does not answer
    try:
        job = read_job(run)
    except SetupError as error:
        if not run.exists("run.yaml"):
            raise
        yield str(error)
        return
    if strange := list(run.find_strange()):
        yield from strange
        return
    done = itertools.count(1)
    totals = RecordTotals(job)
    with contextlib.closing(KeptSamples()) as kept:
        yield from ShardCheck(job, totals, kept, lambda: on_part(next(done))).find_problems()
        dataset = DatasetCheck(job, totals, kept, lambda: on_part(next(done)))
        yield from dataset.find_problems()
        yield from FinishCheck(job, totals, dataset.rows, edited, on_remark).find_problems()


def count_parts(run: Run) -> int:
    """How many files a check reads, for a progress bar. Raises SetupError where there is no run."""
    run.require_reachable()
    try:
        job = read_job(run)
        return sum(len(run.shards(stage)) for stage in job.stages)
    except SetupError:
        if not run.exists("run.yaml"):
            raise
        return 0
