"""Sends packed files while the build runs; the push at its end sends the rest, and the card."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from docmatix.pipeline import PACK
from docmatix.publishing.commits import choose_group_size, commit_shards
from docmatix.publishing.hub import Repository
from docmatix.publishing.lint import Inspection, find_secrets
from docmatix.publishing.shipment import Shard, Target, list_key_variables, list_missing, list_shards, make_part
from docmatix.publishing.uploads import Uploads
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run, is_packed
from docmatix.storage.schemas import DATASETS

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

Say = Callable[[str], object]


class _StoppedError(Exception):
    """The build has finished or failed."""


@contextlib.contextmanager
def sending_packed_files(
    job: Job,
    make_repository: Callable[[Callable[[float], object]], Repository],
    *,
    target: Target | None = None,
    say: Say = lambda line: None,
    look_every_s: float = 2.0,
) -> Iterator[None]:
    """Inside it a thread sends the files that `pack` commits, and commits them to the repository in groups.

    `make_repository` is given how the repository sleeps. Trouble with the Hub never stops the build.
    """
    stop = threading.Event()

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise _StoppedError

    def work() -> None:
        try:
            _send_as_packed(job, make_repository(sleep), target or Target(), say, stop, look_every_s)
        except _StoppedError:
            pass
        except Exception as error:
            say(f"push      paused until the build has finished: {error}")

    thread = threading.Thread(target=work, name="push", daemon=True)
    thread.start()
    finished = False
    try:
        yield
        finished = True
    finally:
        stop.set()
        if finished:  # a build that failed or was interrupted does not wait for an upload
            thread.join()


def _send_as_packed(
    job: Job, repository: Repository, target: Target, say: Say, stop: threading.Event, look_every_s: float
) -> None:
    outputs = {output.number: output for output in divide_run(job)}
    schema = DATASETS[job.config.pack.schema_]
    secrets = find_secrets(names=list_key_variables(job))
    part = make_part(target, len(outputs), schema, [])
    size = choose_group_size(len(outputs))
    handled: set[int] = set()
    waiting: list[tuple[Shard, CommitOperationAdd]] = []
    sent = 0
    tree = repository.look()
    with Uploads() as uploads:
        while True:
            ready = [
                number
                for number in job.run.shards(PACK)
                if number in outputs and number not in handled and is_packed(job, outputs[number])
            ]
            for shard in list_shards(job, target, numbers=ready):
                inspection = Inspection(secrets)
                inspection.read_table(job.run.store, shard.name, schema, shown=shard.path)
                if found := inspection.describe():
                    say(f"push      stopped: {found[0]}")
                    return
                if list_missing([shard], tree):
                    waiting += [(shard, addition) for addition in uploads.send([shard], repository)]
                    sent += 1
                if len(waiting) >= size:
                    shards, additions = zip(*waiting, strict=True)
                    tree = commit_shards(repository, tree, additions, shards, parts=[part])
                    say(f"push      {sent} of {len(outputs)} files sent, {repository.commits} commits")
                    waiting = []
                    uploads.clear()
                if stop.is_set():
                    return
            handled |= set(ready)
            if len(handled) == len(outputs) or stop.wait(look_every_s):
                return
