"""What a stage waits for, in words, and how long it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from docmatix.config import Config
from docmatix.driver.heartbeat import WorkerState
from docmatix.pdf.sandbox import STANDSTILLS_BELIEVED, WALL_FACTOR
from docmatix.pipeline import EXTRACT, GENERATE, PACK, PIPELINE

PATIENCE_S = 1800.0
READING_S = 300.0
"""What a document may take beside the limits of the process that reads it: it is fetched, hashed, written."""


def find_patience(config: Config, stage: str) -> float:
    """Seconds without any movement after which a stage is given up: `limits.no_progress_s`; where that is not set half
    an hour, or more where one document or one request may take longer by its own limits."""
    if config.limits.no_progress_s is not None:
        return config.limits.no_progress_s
    extract, pack = config.extract, config.pack
    if stage == EXTRACT:  # with tables, then without
        longest = 2 * STANDSTILLS_BELIEVED * WALL_FACTOR * extract.timeout_s + READING_S
    elif stage == PACK:
        longest = STANDSTILLS_BELIEVED * WALL_FACTOR * pack.timeout_s + READING_S
    elif PIPELINE[stage].asks:
        engines = [config.generate.engine] if stage == GENERATE else [each.engine for each in config.check_passes]
        # two time-outs, then the server's patience: who asks has a better sentence for a server that does not answer
        longest = max((2 * each.timeout_s + each.give_up_after_s for each in engines), default=0.0) + READING_S
        if any(each.vision for each in engines):
            longest += STANDSTILLS_BELIEVED * WALL_FACTOR * extract.timeout_s
    else:
        longest = 0.0
    # a store that is away has a sentence of its own, of an action that begins a little later for another file
    return max(PATIENCE_S, longest, 2 * config.limits.store_patience_s)


def describe_wait(
    states: Sequence[WorkerState],
    *,
    asks: str | None,
    find_document: Callable[[int, int], str | None],
    resources: str,
    silent: Sequence[WorkerState] = (),
) -> str:
    """What a stage waits for, as the end of a sentence; `silent` workers first, since only they can report on theirs.
    `asks` names the model server, `find_document` the document of a shard after so many, `resources` what there is to
    work with if no worker has a shard."""
    if stopped := [state for state in silent if state.shards]:
        who = [
            f"process {state.pid} on {state.host} (shard {', '.join(map(str, state.shards))})" for state in stopped[:4]
        ]
        return f"a sign of life from {'; '.join(who)}" + (f", and {len(stopped) - 4} more" if len(stopped) > 4 else "")
    at_work = [state for state in states if state.shards]
    if not at_work:
        return f"a worker to take a shard: {resources}"
    in_flight = sum(state.in_flight for state in at_work)
    again = Counter[str]()
    for state in at_work:
        again.update({name: int(count) for name, count in state.counted.items() if name.startswith("retries_")})
    if asks is not None and (in_flight or again.total()):
        shards = sorted(shard for state in at_work for shard in state.shards)
        listed = ", ".join(map(str, shards[:8])) + (f" and {len(shards) - 8} more" if len(shards) > 8 else "")
        wanted = f"{in_flight} replies" if in_flight else "a good reply"  # none: all of them wait to be retried
        causes = ", ".join(f"{name[8:].replace('_', ' ')} {count:,}" for name, count in again.most_common())
        sent = f"; retried {again.total():,} times: {causes}" if causes else ""
        return f"{wanted} from {asks} for shard {listed}{sent}"
    parts = []
    for state in at_work:
        for shard, figures in state.shards.items():
            done = int(figures.get("done", 0))
            named = find_document(shard, done) if asks is None else None
            where = f"process {state.pid} on {state.host}"
            parts.append(f"shard {shard}, {done} done{f', now at {named}' if named else ''} ({where})")
    more = f", and {len(parts) - 4} more" if len(parts) > 4 else ""
    return "; ".join(parts[:4]) + more
