"""How long eight replicas of vLLM wait for the processors that ask them, simulated on whatever machine there is.

Run: python -m benchmarks.simulated_replicas [--costs PREPARING REST] [--replicas 8] [--cores 16] [--workers 1 2 4 8]

Measured here, unless `--costs` tells it in µs: what a request costs an asking worker (`benchmarks.client_cost`). All
else runs in virtual time: each worker does one thing at a time on a core of its own; a replica does steps of continuous
batching, whose length follows from the sequences it runs and the prompt tokens it reads, and takes new requests between
them. The replicas of the table are assumptions (`MODELS`), not measurements; what the driver and the network take, and
cores that slow each other down, are left out.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.client_cost import measure_cost
from benchmarks.serving import print_table
from docmatix.models.load_balancer import QUEUE_FLOOR, QUEUE_SHARE
from docmatix.stages.support.concurrency import AHEAD_SHARE

PROMPT_TOKENS, OUTPUT_TOKENS = 1200, 120
SLOTS = 256
CHUNK_TOKENS = 8192
"""Prompt tokens that a step reads at most (vLLM's `max_num_batched_tokens`)."""
WARM_UP = 1 / 3
"""The share of a run's time that is not counted: all replicas begin with every prompt to read."""


@dataclass(frozen=True, slots=True)
class Model:
    """How fast a replica is: a step takes `step_s`, more for each sequence that it runs and each prompt token."""

    step_s: float
    sequence_s: float
    prompt_token_s: float


MODELS = {
    "8B": Model(0.008, 40e-6, 1 / 25_000),
    "1.5B": Model(0.004, 12e-6, 1 / 120_000),
    "0.5B": Model(0.002, 6e-6, 1 / 300_000),
}
"""Of the order of what engines reach with models of that size in 16 bits on a GPU of 3 TB/s."""


class Clock:
    """Virtual time: what is due next happens next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def call_in(self, seconds: float, work: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.now + seconds, self._count, work))

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, work = heapq.heappop(self._due)
            work()
        self.now = until


@dataclass(slots=True, eq=False)
class Request:
    worker: Worker
    unread: int
    """Tokens of its prompt."""
    output_tokens: int


class Replica:
    """Continuous batching: prompts are read in chunks, and each step gives every sequence that is past its prompt one
    token."""

    def __init__(self, clock: Clock, model: Model) -> None:
        self._clock, self._model = clock, model
        self.limit = SLOTS + QUEUE_FLOOR + int(QUEUE_SHARE * SLOTS)
        self.in_flight = 0
        self.waited_s = 0.0
        """With room for a request, and none that waits for it: summed over the share of slots that were free."""
        self.answered = 0
        self._waiting: deque[Request] = deque()
        self._reading: deque[Request] = deque()
        self._writing: list[tuple[int, int, Request]] = []  # by the step that ends them
        self._steps = self._count = 0
        self._stepping = False
        self._looked_at = 0.0

    @property
    def running(self) -> int:
        return len(self._reading) + len(self._writing)

    def take(self, request: Request) -> None:
        self.in_flight += 1
        self._waiting.append(request)
        if not self._stepping:
            self._begin_step()

    def look(self) -> None:
        """Count the time since the last look."""
        if not self._waiting:
            self.waited_s += (self._clock.now - self._looked_at) * (1 - self.running / SLOTS)
        self._looked_at = self._clock.now

    def forget(self) -> None:
        self.look()
        self.waited_s, self.answered = 0.0, 0

    def _begin_step(self) -> None:
        self.look()
        while self._waiting and self.running < SLOTS:
            self._reading.append(self._waiting.popleft())
        self._stepping = bool(self.running)
        if not self._stepping:
            return
        room = CHUNK_TOKENS
        read: list[Request] = []
        while self._reading and room > 0:
            request = self._reading[0]
            taken = min(room, request.unread)
            room -= taken
            request.unread -= taken
            if not request.unread:
                read.append(self._reading.popleft())
        for request in read:
            self._count += 1
            heapq.heappush(self._writing, (self._steps + request.output_tokens, self._count, request))
        model = self._model
        tokens = CHUNK_TOKENS - room
        self._clock.call_in(
            model.step_s + model.sequence_s * self.running + model.prompt_token_s * tokens, self._end_step
        )

    def _end_step(self) -> None:
        self.look()
        self._steps += 1
        while self._writing and self._writing[0][0] <= self._steps:
            request = heapq.heappop(self._writing)[2]
            self.in_flight -= 1
            self.answered += 1
            request.worker.hear()
        self._begin_step()


@dataclass(slots=True, eq=False)
class Worker:
    """One event loop: answers come first, then what is prepared is sent, then more is prepared."""

    clock: Clock
    replicas: Sequence[Replica]
    rng: random.Random
    preparing_s: float
    sending_s: float
    hearing_s: float
    most: int
    in_flight: int = 0
    busy_s: float = 0.0
    _heard: int = 0
    _prepared: int = 0
    _busy: bool = field(default=False)

    def hear(self) -> None:
        self.in_flight -= 1
        self._heard += 1
        self.go_on()

    def go_on(self) -> None:
        if self._busy:
            return
        if self._heard:
            self._heard -= 1
            self._spend(self.hearing_s, None)
        elif self._prepared and self.in_flight < self.most and (replica := self._choose()):
            self._prepared -= 1
            self.in_flight += 1
            # its place is taken before its bytes are on their way
            replica.in_flight += 1
            self._spend(self.sending_s, replica)
        elif self._prepared + self.in_flight < self.most * (1 + AHEAD_SHARE):
            self._prepared += 1
            self._spend(self.preparing_s, None)

    def _choose(self) -> Replica | None:
        """The least busy, as the client's load balancer does."""
        least = min(self.replicas, key=lambda replica: replica.in_flight)
        return least if least.in_flight < least.limit else None

    def _spend(self, seconds: float, replica: Replica | None) -> None:
        self._busy = True
        self.busy_s += seconds
        self.clock.call_in(seconds, lambda: self._finish(replica))

    def _finish(self, replica: Replica | None) -> None:
        self._busy = False
        if replica is not None:
            replica.in_flight -= 1  # which `take` counts
            replica.take(Request(self, *draw_tokens(self.rng)))
        self.go_on()


def draw_tokens(rng: random.Random) -> tuple[int, int]:
    """Tokens of a prompt and of its reply."""
    return round(rng.uniform(0.5, 1.5) * PROMPT_TOKENS), max(1, round(rng.gammavariate(4, OUTPUT_TOKENS / 4)))


@dataclass(frozen=True, slots=True)
class Outcome:
    requests_a_second: float
    waiting_share: float
    """Of the time of the replicas' slots."""
    busy_cores: float


def simulate(
    model: Model,
    *,
    replicas: int,
    workers: int,
    preparing_s: float,
    rest_s: float,
    seconds: float = 60.0,
    seed: int = 0,
) -> Outcome:
    """Of what a request costs besides its preparation, half is spent on sending and half on its answer."""
    clock, rng = Clock(), random.Random(seed)
    served = [Replica(clock, model) for _ in range(replicas)]
    most = -(-sum(replica.limit for replica in served) // workers)
    asking = [Worker(clock, served, rng, preparing_s, rest_s / 2, rest_s / 2, most=most) for _ in range(workers)]
    for worker in asking:
        worker.go_on()
    began = WARM_UP * seconds
    clock.run(began)
    for replica in served:
        replica.forget()
    busy = sum(worker.busy_s for worker in asking)
    clock.run(seconds)
    for replica in served:
        replica.look()
    span = seconds - began
    return Outcome(
        sum(replica.answered for replica in served) / span,
        sum(replica.waited_s for replica in served) / (span * replicas),
        (sum(worker.busy_s for worker in asking) - busy) / span,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulated_replicas", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--costs", type=float, nargs=2, metavar=("PREPARING", "REST"), help="µs a request")
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=90.0, help="of virtual time")
    options = parser.parse_args()
    preparing, rest = options.costs or measure_cost()
    print(f"{preparing:.0f} µs to prepare a request, {rest:.0f} for all else\n")
    rows = []
    for name, model in MODELS.items():
        free = simulate(model, replicas=options.replicas, workers=1, preparing_s=0, rest_s=0, seconds=options.seconds)
        for workers in (each for each in options.workers if each <= options.cores):
            found = simulate(
                model,
                replicas=options.replicas,
                workers=workers,
                preparing_s=preparing / 1e6,
                rest_s=rest / 1e6,
                seconds=options.seconds,
            )
            rows.append(
                [
                    name,
                    str(workers),
                    f"{free.requests_a_second:.0f}",
                    f"{found.requests_a_second:.0f}",
                    f"{100 * found.waiting_share:.1f} %",
                    f"{found.busy_cores:.2f}",
                    f"{free.requests_a_second / options.replicas * (preparing + rest) / 1e6:.2f}",
                ]
            )
    print_table(
        [
            "model",
            "workers",
            "requests/s, no cost",
            "requests/s",
            "replicas wait",
            "cores busy",
            "cores a replica needs",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
