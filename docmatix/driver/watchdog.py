"""Whether a stage still moves, and what is done when it does not, or when one of its workers falls silent.

    a worker gives no sign of life for `limits.stall_s`    it is killed, and Ray tries its shards again, unless the run
                                                           directory takes no sign from the driver either
    nothing moves for `limits.stall_s`                     the build says so, and what it waits for; again after twice
                                                           as long
    nothing moves for `limits.no_progress_s`               the build stops; the same command continues

What moves is a shard that is committed, taken up or further on, and a reply of the model, in whatever order. A worker
that lives and does not get on is not killed: the limits of documents and requests are for that, and they end.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from docmatix.config import Config
from docmatix.core.errors import BuildError, SourceGone
from docmatix.driver.ray_cluster import describe_resources
from docmatix.driver.signs import Sign, choose_interval, read_signs
from docmatix.driver.workers import end_workers
from docmatix.pdf.sandbox import STANDSTILLS_BELIEVED, WALL_FACTOR
from docmatix.pipeline import EXTRACT, GENERATE, PACK, PIPELINE
from docmatix.stages.plan import read_plan
from docmatix.stages.support.job import Job

T = TypeVar("T")

PATIENCE_S = 1800.0
READING_S = 300.0
"""What a document may take beside the limits of the process that reads it: it is fetched, hashed, written."""
LEAST_LOOKS = 3
"""A silence of `limits.stall_s` is seen in so many looks at least, however long each of them takes."""


class Watchdog:
    """Since when nothing has moved, and who has fallen silent: plain bookkeeping, told by `hear` and `note`.

    Time counts only while the driver looks, and as long as looking takes, which with thousands of workers it does: one
    that slept, or whose disk hung, blames nobody for what it missed.
    """

    def __init__(self, *, stall_s: float, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall_s, self._patience_s, self._clock = stall_s, patience_s, clock
        self._every_s = choose_interval(stall_s)
        self._looked_at = clock()
        self._known: dict[str, Sign] = {}
        self._silent_s: dict[str, float] = {}
        self.signs: list[Sign] = []
        """Those of the last look."""
        self.silent: list[Sign] = []
        """Of these, whose worker has given no other one for half of `stall_s`, in which one that lives gives twelve: on
        the way to be taken for dead."""
        self._say_at = stall_s
        self.waited_s = 0.0
        """How long nothing has moved."""

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next look."""
        return self._clock() - self._looked_at >= self._every_s

    @property
    def is_over(self) -> bool:
        """Whether nothing has moved for so long that the stage is given up."""
        return self.waited_s > self._patience_s

    def note(self) -> None:
        """Something has moved."""
        self.waited_s, self._say_at = 0.0, self._stall_s

    def hear(self, signs: Mapping[str, Sign], *, took_s: float = 0.0) -> list[str]:
        """Take in a look that took so long; returns the names of the workers that have given no sign for `stall_s`,
        once for each silence of that length."""
        now = self._clock()
        counted_s = min(2 * self._every_s + took_s, self._stall_s / LEAST_LOOKS)
        passed_s = min(now - self._looked_at, counted_s)
        self._looked_at = now
        self.waited_s += passed_s
        self.signs = list(signs.values())
        fallen = []
        self.silent = []
        for name, sign in signs.items():
            # not only the last look: a sign that could not be read then is none that has come anew
            known = self._known.get(name)
            if known is None or _tell_progress(known) != _tell_progress(sign):
                self.note()
            is_silent = known is not None and known.beats == sign.beats
            self._silent_s[name] = self._silent_s[name] + passed_s if is_silent else 0.0
            if self._silent_s[name] >= self._stall_s / 2:
                self.silent.append(sign)
            if self._silent_s[name] >= self._stall_s:
                self._silent_s[name] = 0.0
                fallen.append(name)
        self._known.update(signs)
        return fallen

    def forgive(self) -> None:
        """Nobody could give a sign: all silences begin anew."""
        self.silent = []
        self._silent_s = dict.fromkeys(self._silent_s, 0.0)

    def has_news(self) -> bool:
        """Whether it is time to say that nothing moves: after `stall_s`, then after twice as long each time."""
        if self.waited_s < self._say_at:
            return False
        self._say_at *= 2
        return True


def _tell_progress(sign: Sign) -> tuple[dict[str, int], int]:
    return sign.shards, sign.replies


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
        engine = config.choose_engine(stage)
        # two time-outs, then the server's patience: who asks has a better sentence for a server that does not answer
        longest = 2 * engine.timeout_s + engine.give_up_after_s + READING_S
        if engine.vision and stage == GENERATE:
            longest += STANDSTILLS_BELIEVED * WALL_FACTOR * extract.timeout_s
    else:
        longest = 0.0
    # a store that is away has a sentence of its own, of an action that begins a little later for another file
    return max(PATIENCE_S, longest, 2 * config.limits.store_patience_s)


def describe_wait(
    signs: Sequence[Sign],
    *,
    asks: str | None,
    find_document: Callable[[int, int], str | None],
    resources: str,
    silent: Sequence[Sign] = (),
) -> str:
    """What a stage waits for, as the end of a sentence.

    `asks` says who is asked (`http://host:8000/v1`; None for a stage that asks nobody), `find_document` names the
    document of a shard after so many, `resources` says what Ray has, where no worker has anything in hand. Of what
    `silent` workers have in hand nobody can tell: they are named themselves.
    """
    if stopped := [sign for sign in silent if sign.shards]:
        who = [f"process {sign.pid} on {sign.host} (shard {', '.join(sign.shards)})" for sign in stopped[:4]]
        return f"a sign of life of {'; '.join(who)}" + (f", and {len(stopped) - 4} more" if len(stopped) > 4 else "")
    at_work = [sign for sign in signs if sign.shards]
    if not at_work:
        return f"a worker to take up a shard: {resources}"
    in_flight = sum(sign.in_flight for sign in at_work)
    again = Counter[str]()
    for sign in at_work:
        again.update({name: int(count) for name, count in sign.counted.items() if name.startswith("retries_")})
    if asks is not None and (in_flight or again.total()):
        shards = sorted(int(shard) for sign in at_work for shard in sign.shards)
        listed = ", ".join(map(str, shards[:8])) + (f" and {len(shards) - 8} more" if len(shards) > 8 else "")
        wanted = f"{in_flight} replies" if in_flight else "a good reply"  # none: all of them wait to be sent again
        causes = ", ".join(f"{name[8:].replace('_', ' ')} {count:,}" for name, count in again.most_common())
        sent = f"; sent again {again.total():,} times: {causes}" if causes else ""
        return f"{wanted} of {asks}, for shard {listed}{sent}"
    parts = []
    for sign in at_work:
        for shard, done in sign.shards.items():
            named = find_document(int(shard), done) if asks is None else None
            where = f"process {sign.pid} on {sign.host}"
            parts.append(f"shard {shard}, {done} done{f', now at {named}' if named else ''} ({where})")
    more = f", and {len(parts) - 4} more" if len(parts) > 4 else ""
    return "; ".join(parts[:4]) + more


class StageWatch:
    """The watchdog of one stage, and what is done about what it finds."""

    def __init__(
        self,
        job: Job,
        stage: str,
        *,
        say: Callable[[str], None],
        events: list[dict[str, Any]],
        end: Callable[[Sequence[Sign]], Sequence[str | None]] = end_workers,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """What is found is said by `say`, and added to `events` as a mapping that JSON can hold.

        `end` kills workers and tells what became of each."""
        self._job, self._stage, self._say, self._events = job, stage, say, events
        self._end_workers, self._clock = end, clock
        patience_s = find_patience(job.config, stage)
        self._watchdog = Watchdog(stall_s=job.config.limits.stall_s, patience_s=patience_s, clock=clock)
        self._stalled = f"telemetry/live/{job.driver_id}/stalled.json"
        self._said = False

    @property
    def signs(self) -> list[Sign]:
        """The workers' signs of the last look."""
        return self._watchdog.signs

    def note(self) -> None:
        """Something has moved."""
        self._watchdog.note()
        self._tidy()

    def look(self, *, left: int) -> None:
        """Take a look if it is time for one. Raises BuildError where nothing has moved for too long; `left` is how many
        shards are to be done."""
        if not self._watchdog.is_due:
            return
        job = self._job
        began = self._clock()
        signs = read_signs(job.run, job.driver_id, self._stage)
        fallen = self._watchdog.hear(signs, took_s=self._clock() - began)
        # not only at the end: who could not give a sign must have time for one once it can again
        if self._watchdog.silent and not self._can_write():
            self._watchdog.forgive()
        elif fallen:
            self._end({name: signs[name] for name in fallen})
        waited_s = self._watchdog.waited_s
        if not waited_s:
            self._tidy()
        elif self._watchdog.is_over:
            raise BuildError(
                f"{self._stage} stands still with {left} shards to do: nothing has moved for {waited_s:.0f} s"
                f" (limits.no_progress_s), it waits for {self._describe_wait()}. See to that and run the same command"
                " again."
            )
        elif self._watchdog.has_news():
            waits_for = self._describe_wait()
            self._note_event("stalled", seconds=round(waited_s), waits_for=waits_for)
            self._say(f"{self._stage:9} nothing has moved for {waited_s:.0f} s; it waits for {waits_for}")
            self._said = True
            with contextlib.suppress(Exception):
                job.run.write(self._stalled, json.dumps(self._events[-1]).encode(), durable=False)

    def _can_write(self) -> bool:
        """Whether a sign of life can be given at all: workers that wait for a store which refuses writes, or for room
        on its disk, have none to show."""
        try:
            self._job.run.write(f"telemetry/live/{self._job.driver_id}/probe", b"driver", durable=False)
        except Exception:  # whatever it is, it would be the same for the workers
            return False
        return True

    def _end(self, fallen: Mapping[str, Sign]) -> None:
        """See to workers that give no sign of life."""
        stall_s = self._job.config.limits.stall_s
        outcomes = self._end_workers(list(fallen.values()))
        for (name, sign), outcome in zip(fallen.items(), outcomes, strict=True):
            if outcome is not None:
                self._job.run.remove(f"telemetry/live/{self._job.driver_id}/{name}")
            if outcome == "killed":
                shards = ", ".join(sign.shards)
                self._note_event("worker_killed", host=sign.host, process=sign.pid, shards=list(sign.shards))
                self._say(
                    f"{self._stage:9} process {sign.pid} on {sign.host} gave no sign of life for {stall_s:g} s and was"
                    f" killed{f'; shard {shards} is tried again' if shards else ''}"
                )

    def _tidy(self) -> None:
        if self._said:
            self._said = False
            with contextlib.suppress(Exception):
                self._job.run.remove(self._stalled)

    def _note_event(self, event: str, **facts: Any) -> None:
        self._events.append({"at": round(time.time(), 1), "stage": self._stage, "event": event, **facts})

    def _describe_wait(self) -> str:
        signs = self._watchdog.signs
        resources = describe_resources() if not any(sign.shards for sign in signs) else ""
        return describe_wait(
            signs,
            asks=self._name_servers(),
            find_document=self._find_document,
            resources=resources,
            silent=self._watchdog.silent,
        )

    def _name_servers(self) -> str | None:
        if not PIPELINE[self._stage].asks:
            return None
        service = self._job.service
        return f"{len(service.replicas)} vLLM replicas" if service.replicas else ", ".join(service.addresses)

    def _find_document(self, shard: int, done: int) -> str | None:
        """The document that a worker is at, if the stage goes through them in the order of the plan."""
        if self._stage != EXTRACT:
            return None
        with contextlib.suppress(Exception):
            return next(islice(read_plan(self._job, shard), done, None)).source_uri
        return None


def watch_listing(
    open_listing: Callable[[], Iterable[T]], *, stall_s: float, patience_s: float, say: Callable[[str], None]
) -> Generator[T]:
    """The items of a source's listing, which may hang, as its opening may, which is done at once: says so when nothing
    has come for `stall_s`, and again after twice as long. Raises SourceGone after `patience_s`, where this is the main
    thread (no other can be interrupted)."""
    watch = _ListingWatch(stall_s=stall_s, patience_s=patience_s, say=say)
    with watch.awake():
        listing = iter(watch.call(open_listing))
    return _pass_on(listing, watch)


def _pass_on(listing: Iterator[T], watch: _ListingWatch) -> Generator[T]:
    with watch.awake():
        while True:
            try:
                item = watch.call(lambda: next(listing))
            except StopIteration:
                return
            watch.listed += 1
            yield item


class _ListingWatch:
    """A thread that looks how long the source keeps one call waiting. Between calls, while its items are worked on, it
    blames nobody and interrupts nothing."""

    def __init__(self, *, stall_s: float, patience_s: float, say: Callable[[str], None]) -> None:
        self._stall_s, self._patience_s, self._say = stall_s, patience_s, say
        self._given_up = threading.Event()
        self._lock = threading.Lock()
        """Held to begin and to end a call, and to interrupt one."""
        self._inside = False
        self._calls = 0
        self.listed = 0

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        in_main = threading.current_thread() is threading.main_thread()
        ended = threading.Event()
        main = threading.main_thread().ident if in_main else None
        threading.Thread(target=self._watch, args=(ended, main), name="listing-watch", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def call(self, action: Callable[[], T]) -> T:
        """What `action` returns. Raises SourceGone if it was given up."""
        try:
            with self._lock:
                self._inside, self._calls = True, self._calls + 1
            struck = False
            try:
                return action()
            except KeyboardInterrupt:
                struck = True
                raise
            finally:
                with self._lock:
                    self._inside = False
                if self._given_up.is_set() and not struck:
                    time.sleep(1)  # the signal is on its way, and must not strike outside
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if not self._given_up.is_set():
                raise
            raise SourceGone(
                f"The source has listed nothing for {self._patience_s:.0f} s (limits.no_progress_s) after {self.listed}"
                " documents: see to it and run the same command again."
            ) from None

    def _watch(self, ended: threading.Event, main: int | None) -> None:
        known, waited_s, say_at = -1, 0.0, self._stall_s
        every_s = choose_interval(self._stall_s)
        while not ended.wait(every_s):
            if not self._inside or self._calls != known:
                known, waited_s, say_at = self._calls, 0.0, self._stall_s
                continue
            waited_s += every_s
            if waited_s >= say_at:
                say_at *= 2
                self._say(
                    f"plan      nothing was listed for {waited_s:.0f} s; it waits for the source (documents:"
                    f" {self.listed})"
                )
            if waited_s > self._patience_s and main is not None and self._interrupt(known, main):
                return

    def _interrupt(self, call: int, main: int) -> bool:
        """Interrupt the call of this number, if it still goes on."""
        with self._lock:
            if not self._inside or self._calls != call:
                return False
            self._given_up.set()
            # a real signal: `_thread.interrupt_main` does not wake a thread that waits for a lock
            signal.pthread_kill(main, signal.SIGINT)
            return True
