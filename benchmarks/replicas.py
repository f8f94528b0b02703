"""Tokens per second of vLLM replicas: what a build makes of them, and what a bare client does.

See `python -m benchmarks.serving vllm --help`. The replicas are started once, as a build starts them. In each round
`generate` asks them through a real Ray worker, and the bare client sends the very bodies that the build recorded, as
many at a time, each after the replicas have forgotten what they had cached. Time runs from the first moment at which a
replica has work to the last, by the replicas' own metrics, looked at ten times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import statistics
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import docmatix
from benchmarks.bare_client import send_all
from docmatix.config import Config
from docmatix.core.errors import BuildError, SetupError
from docmatix.driver.preflight import load_build_prompts
from docmatix.driver.ray_cluster import ray_running
from docmatix.driver.tasks import Task
from docmatix.driver.workforce import Workforce
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.tokenizer import Vocabulary, load_tokenizer
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica_pool import ReplicaPool
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run

POLL_S = 0.1


@dataclass(slots=True)
class Side:
    """What the replicas did for one side in one round, all of them together."""

    seconds: float
    prompt_tokens: int
    output_tokens: int
    first_token_s: float
    """Mean time until the first token."""
    idle_share: float
    """Share of the time in which a replica had nothing to do, mean over them."""
    cache_hit_share: float
    kept_pairs: int = 0


@dataclass(slots=True)
class Watcher:
    """Looks at the metrics of replicas in a thread of its own."""

    addresses: Sequence[str]
    looks: list[tuple[float, list[ServerMetrics]]] = field(default_factory=list)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        stopped = threading.Event()

        def look_on() -> None:
            while True:
                over = stopped.is_set()
                with contextlib.suppress(OSError):
                    self.looks.append((time.monotonic(), [read_replica(address) for address in self.addresses]))
                if over:
                    return
                stopped.wait(POLL_S)

        thread = threading.Thread(target=look_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def summarise(self) -> Side:
        """The difference between the first look and the last; time counts while there was work."""
        busy = [at for at, replicas in self.looks if any(replica.has_requests() for replica in replicas)]
        began, ended = busy[0], busy[-1] + POLL_S
        seen = [replicas for at, replicas in self.looks if began <= at <= ended]
        first, last = self.looks[0][1], self.looks[-1][1]

        def grown(name: str) -> float:
            return float(
                sum(getattr(after, name) - getattr(before, name) for before, after in zip(first, last, strict=True))
            )

        idle = sum(not replica.has_requests() for replicas in seen for replica in replicas)
        return Side(
            seconds=ended - began,
            prompt_tokens=int(grown("prompt_tokens")),
            output_tokens=int(grown("generation_tokens")),
            first_token_s=grown("first_token_s") / max(1, grown("first_tokens")),
            idle_share=idle / (len(seen) * len(self.addresses)),
            cache_hit_share=grown("prefix_hits") / max(1, grown("prefix_queries")),
        )


def read_replica(address: str) -> ServerMetrics:
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as response:
        metrics = parse_metrics(response.read().decode())
    if metrics is None:
        raise SetupError(f"{address}/metrics has no metrics of vLLM.")
    return metrics


def forget_prompts(addresses: Sequence[str]) -> None:
    """Empty the prefix caches, so that neither side finds what the other has left there."""
    for address in addresses:
        request = urllib.request.Request(f"{address}/reset_prefix_cache", method="POST", data=b"")
        with urllib.request.urlopen(request, timeout=60):
            pass


def measure_replicas(
    config: Config,
    run: Path,
    *,
    config_dir: Path,
    limit: int | None,
    rounds: int,
    read_bodies: Callable[[Path], list[str]],
) -> list[tuple[Side, Side]]:
    """Build and bare client on the replicas of the configuration, in turn; one pair of sides for each round."""
    engine = config.generate.engine
    if not isinstance(engine, VllmEngine):
        raise SetupError("generate.engine is not of the kind `vllm`.")
    # the route that empties the prefix cache is one for developers
    engine = engine.model_copy(update={"env": {**engine.env, "VLLM_SERVER_DEV_MODE": "1"}})
    config = config.model_copy(
        update={"generate": config.generate.model_copy(update={"engine": engine}), "verify": None}
    )
    docmatix.build(config, run=run, limit=limit, stages=["plan", "extract", "dedup"], config_dir=config_dir)
    job = make_job(config, run, config_dir=config_dir)
    pairs = []
    with (
        ray_running(config.resources),
        engine.serve(pictures_per_request=config.generate.pictures.max_per_request, say=say, run=job.run) as served,
    ):
        job = replace(job, service=served.service)
        addresses = await_addresses(served.service.replicas, count=engine.replicas, within_s=engine.start_timeout_s)
        key = served.service.api_key.get_secret_value() if served.service.api_key else None
        ask(addresses, [WARM_UP.replace("MODEL", engine.model_name)] * len(addresses), in_flight=1, api_key=key)
        bodies: list[str] = []
        for number in range(rounds):
            sides = {}
            for side in ("build", "bare") if number % 2 == 0 else ("bare", "build"):
                forget_prompts(addresses)
                watcher = Watcher(addresses)
                with watcher.watching():
                    if side == "build":
                        shutil.rmtree(run / "generate", ignore_errors=True)
                        tasks = [Task(shard) for shard in job.run.shards("plan")]
                        with Workforce(config.resources, stall_s=config.limits.stall_s) as workforce:
                            for report in workforce.do(job, "generate", tasks):
                                if report is not None and report.error:
                                    raise report.revive("generate")
                        bodies = bodies or read_bodies(run)
                    else:
                        ask(addresses, bodies, in_flight=engine.max_in_flight * len(addresses), api_key=key)
                sides[side] = watcher.summarise()
                say(f"{side}: {sides[side].output_tokens / sides[side].seconds:.1f} tokens/s, {len(bodies)} requests")
            pairs.append((sides["build"], sides["bare"]))
    docmatix.build(config, run=run, stages=["curate"], config_dir=config_dir)
    kept = job.run.ledger("curate").accounts["pairs"].kept
    for built, _ in pairs:
        built.kept_pairs = kept
    return pairs


WARM_UP = '{"model": "MODEL", "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 4}'
"""The first request is slow: kernels are compiled."""


def ask(addresses: Sequence[str], bodies: Sequence[str], *, in_flight: int, api_key: str | None) -> None:
    asyncio.run(send_all(addresses, [body.encode() for body in bodies], in_flight=in_flight, api_key=api_key))


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def make_job(config: Config, run: Path, *, config_dir: Path) -> Job:
    """The job as `docmatix build` makes it."""
    counter, _ = load_tokenizer(config.generate.engine)
    prompts = load_build_prompts(config, config_dir, counter=counter)
    directory = Run(run)
    return Job(
        run=directory,
        config=config,
        prompts=prompts,
        fingerprints=fingerprint_stages(config, prompts, counter_id=counter.identity),
        driver_id=uuid.uuid4().hex[:8],
        counter=counter.keep_in(directory.store) if isinstance(counter, Vocabulary) else counter,
    )


def await_addresses(replicas: Sequence[object], *, count: int, within_s: float) -> list[str]:
    """The addresses of all replicas, without `/v1`, once they are ready."""
    replica_pool = ReplicaPool(replicas)
    deadline = time.monotonic() + within_s
    while len(addresses := replica_pool.find_addresses()) < count:
        if time.monotonic() > deadline:
            raise BuildError(f"Only {len(addresses)} of {count} replicas got ready.")
        time.sleep(0.5)
    return [address.removesuffix("/v1") for address in addresses]


def describe_sides(pairs: Sequence[tuple[Side, Side]], *, replicas: int) -> list[list[str]]:
    """Rows of a table: a name, the build, the bare client; medians over the rounds."""

    def row(name: str, value: Callable[[Side], float], form: str) -> list[str]:
        return [name, *(form.format(statistics.median(map(value, side))) for side in zip(*pairs, strict=True))]

    rows = [
        row("output tokens/s a replica", lambda side: side.output_tokens / side.seconds / replicas, "{:.1f}"),
        row("prompt tokens/s a replica", lambda side: side.prompt_tokens / side.seconds / replicas, "{:.1f}"),
        row("output tokens", lambda side: side.output_tokens, "{:.0f}"),
        row("time to first token, s", lambda side: side.first_token_s, "{:.2f}"),
        row("idle share", lambda side: side.idle_share, "{:.1%}"),
        row("prompt tokens found in the prefix cache", lambda side: side.cache_hit_share, "{:.1%}"),
    ]
    built = pairs[0][0]
    tokens = built.output_tokens / built.kept_pairs if built.kept_pairs else float("nan")
    rows.append(["output tokens a kept pair", f"{tokens:.0f}", ""])
    ratios = [(b.output_tokens / b.seconds) / (c.output_tokens / c.seconds) for b, c in pairs]
    spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    rows.append([f"output tokens/s, build to bare client, {len(ratios)} rounds", spread, "1"])
    return rows
