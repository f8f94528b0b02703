"""When a stage is said to stand still, who is taken for dead, and what a build says that it waits for."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.errors import SetupError, SourceGone
from docmatix.driver.build import build
from docmatix.driver.signs import Heart, Sign, choose_interval, read_signs
from docmatix.driver.watchdog import PATIENCE_S, Watchdog, _ListingWatch, describe_wait, find_patience, watch_listing
from docmatix.pdf.sandbox import WALL_FACTOR
from docmatix.sources.files import FilesSource
from docmatix.stages.support.job import Pulse
from tests.jobs import OPENAI, make_config, make_job

SIGN = Sign(stage="extract", host="here", node="n1", pid=7, started=70, beats=1, shards={"3": 4})
ASKING = replace(SIGN, stage="generate", replies=10, in_flight=64)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(watchdog: Watchdog, clock: Clock, *signs: Sign, after_s: float) -> list[str]:
    clock.now += after_s
    return watchdog.hear({f"worker-{sign.pid}": sign for sign in signs})


def make_watchdog(*, stall_s: float = 120, patience_s: float = 1800) -> tuple[Watchdog, Clock]:
    clock = Clock()
    return Watchdog(stall_s=stall_s, patience_s=patience_s, clock=clock), clock


def test_a_worker_that_lives_is_never_taken_for_dead_however_long_its_document_takes():
    watchdog, clock = make_watchdog()
    for beats in range(400):
        assert look(watchdog, clock, replace(SIGN, beats=beats), after_s=5) == []
    assert watchdog.waited_s > 1800


def test_a_worker_without_a_sign_for_the_stated_time_is_named_once_for_each_such_silence():
    watchdog, clock = make_watchdog()
    silences = [look(watchdog, clock, SIGN, after_s=5) for _ in range(60)]
    named = [number for number, names in enumerate(silences) if names == ["worker-7"]]
    assert named == [24, 48]


def test_a_worker_on_the_way_to_be_taken_for_dead_is_what_a_stall_is_laid_to():
    watchdog, clock = make_watchdog()
    dead, alive = replace(ASKING, pid=8), ASKING
    for beats in range(20):
        clock.now += 5
        watchdog.hear({"dead": dead, "alive": replace(alive, beats=beats)})
    assert watchdog.silent == [dead]
    said = describe_wait(
        watchdog.signs, asks="http://there/v1", find_document=lambda *_: None, resources="", silent=watchdog.silent
    )
    assert said == "a sign of life of process 8 on here (shard 3)"


def test_a_sign_that_cannot_be_read_now_blames_nobody_and_is_no_movement_when_it_can_be_read_again():
    watchdog, clock = make_watchdog()
    for beats in range(60):
        assert look(watchdog, clock, replace(SIGN, beats=beats), after_s=5) == []
        assert look(watchdog, clock, after_s=5) == []
    assert watchdog.waited_s > 590


def test_a_driver_that_slept_blames_nobody_for_what_it_missed():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, SIGN, after_s=5)
    assert look(watchdog, clock, SIGN, after_s=5000) == []
    assert watchdog.waited_s <= 2 * choose_interval(120)


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param(replace(ASKING, shards={"3": 5}), id="a row is written"),
        pytest.param(replace(ASKING, replies=11), id="a reply came, out of its turn"),
        pytest.param(replace(ASKING, shards={"3": 4, "9": 0}), id="a shard is taken up"),
        pytest.param(replace(ASKING, pid=8), id="a worker is there"),
    ],
)
def test_whatever_moves_starts_the_clock_again(moved: Sign):
    watchdog, clock = make_watchdog()
    for beats in range(30):
        look(watchdog, clock, replace(ASKING, beats=beats), after_s=5)
    assert watchdog.waited_s > 120
    look(watchdog, clock, replace(moved, beats=30), after_s=5)
    assert watchdog.waited_s == 0


def test_retries_that_lead_to_nothing_are_no_movement():
    watchdog, clock = make_watchdog(patience_s=600)
    for beats in range(130):
        look(watchdog, clock, replace(ASKING, beats=beats, in_flight=beats % 64), after_s=5)
    assert watchdog.is_over


def test_a_stall_is_said_after_the_stated_time_and_then_after_twice_as_long():
    watchdog, clock = make_watchdog()
    said = []
    for beats in range(400):
        look(watchdog, clock, replace(SIGN, beats=beats), after_s=5)
        if watchdog.has_news():
            said.append(watchdog.waited_s)
    assert said == [120, 240, 480, 960, 1920]


@given(st.lists(st.tuples(st.floats(0.25, 100), st.booleans(), st.booleans()), max_size=60))
def test_no_stage_is_given_up_before_its_time_and_none_that_moved_since(looks: list[tuple[float, bool, bool]]):
    watchdog, clock = make_watchdog(patience_s=300)
    passed_s, beats, done = 0.0, 0, 0
    look(watchdog, clock, SIGN, after_s=1)
    for after_s, beats_on, moves in looks:
        beats, done = beats + beats_on, done + moves
        passed_s = 0.0 if moves else passed_s + after_s
        look(watchdog, clock, replace(SIGN, beats=beats, shards={"3": 5 + done}), after_s=after_s)
        assert watchdog.waited_s <= passed_s + 1e-6
        assert watchdog.is_over == (watchdog.waited_s > 300)


def test_without_a_setting_a_stage_is_given_as_long_as_its_slowest_document_or_request_may_take():
    config = make_config()
    assert find_patience(config, "curate") == PATIENCE_S
    slow = make_config(extract={"timeout_s": 3600}, pack={"timeout_s": 7200})
    assert find_patience(slow, "extract") > 2 * WALL_FACTOR * 3600
    assert find_patience(slow, "pack") > WALL_FACTOR * 7200
    patient = make_config(generate={"engine": {**OPENAI, "timeout_s": 7200, "give_up_after_s": 3600}})
    assert find_patience(patient, "generate") > 2 * 7200 + 3600
    assert find_patience(make_config(limits={"no_progress_s": 5}), "generate") == 5
    assert find_patience(make_config(limits={"store_patience_s": 7200}), "curate") > 7200


def describe(*signs: Sign, asks: str | None = None) -> str:
    return describe_wait(
        signs, asks=asks, find_document=lambda shard, done: f"doc{done}.pdf", resources="Ray has 0 of 4 CPUs free"
    )


def test_what_is_waited_for_is_named():
    assert describe(SIGN) == "shard 3, 4 done, now at doc4.pdf (process 7 on here)"
    assert describe(ASKING, asks="http://there/v1") == "64 replies of http://there/v1, for shard 3"
    assert describe() == "a worker to take up a shard: Ray has 0 of 4 CPUs free"
    assert describe(replace(SIGN, shards={})) == describe()
    assert describe(replace(ASKING, in_flight=0), asks="http://there/v1") == "shard 3, 4 done (process 7 on here)"
    many = [replace(SIGN, pid=pid, shards={str(pid): 0}) for pid in range(9)]
    assert describe(*many).endswith("(process 3 on here), and 5 more")


def test_a_server_that_answers_nothing_of_use_is_named_with_what_it_does():
    counted = {"retries": 31.0, "retries_garbage": 28.0, "retries_server_error": 3.0}
    waiting = replace(ASKING, in_flight=0, counted=counted)
    said = "a good reply of http://there/v1, for shard 3; sent again 31 times: garbage 28, server error 3"
    assert describe(waiting, asks="http://there/v1") == said


def test_a_worker_tells_what_it_has_in_hand_and_which_document_it_is_at(tmp_path: Path):
    job = make_job(tmp_path, limits={"stall_s": 1})
    heart, pulse = Heart(job, "extract", node="abcdef0123456789"), Pulse(job, "extract", 5)
    heart.take(5, pulse)
    for done in range(1, 8):
        pulse.beat(done=done)  # faster than pulses are written
    sign = wait_for_sign(job, lambda sign: sign.shards == {"5": 7})
    assert sign.node == "abcdef0123456789"
    again = wait_for_sign(job, lambda later: later.beats > sign.beats)
    assert (again.pid, again.started) == (sign.pid, sign.started)
    heart.lay_down(5)
    wait_for_sign(job, lambda sign: sign.shards == {})
    assert read_signs(job.run, job.driver_id, "generate") == {}


def wait_for_sign(job: Any, wanted: Any) -> Sign:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for sign in read_signs(job.run, job.driver_id, "extract").values():
            if wanted(sign):
                return sign
        time.sleep(0.05)
    raise AssertionError("no such sign came")


def test_a_listing_that_hangs_is_told_of_and_given_up():
    said: list[str] = []

    def list_slowly() -> Iterator[str]:
        yield "a.pdf"
        threading.Event().wait()

    listing = watch_listing(list_slowly, stall_s=0.5, patience_s=1.5, say=said.append)
    assert next(listing) == "a.pdf"
    with pytest.raises(SourceGone, match=r"listed nothing for 2 s .* after 1 documents"):
        next(listing)
    assert "it waits for the source (documents: 1)" in said[0]


def test_a_listing_that_goes_on_is_passed_on_as_it_is_with_its_errors():
    def list_and_fail() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no more")

    listing = watch_listing(list_and_fail, stall_s=60, patience_s=60, say=lambda line: None)
    assert [next(listing) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(listing)


def test_an_interrupt_by_a_person_stays_one():
    def interrupted() -> Iterator[str]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        list(watch_listing(interrupted, stall_s=60, patience_s=60, say=lambda line: None))


def test_a_source_that_hangs_at_the_first_question_is_told_of_and_given_up():
    said: list[str] = []

    def open_slowly() -> Iterator[str]:
        threading.Event().wait()
        return iter(["a.pdf"])

    with pytest.raises(SourceGone, match="after 0 documents"):
        watch_listing(open_slowly, stall_s=0.5, patience_s=1.5, say=said.append)
    assert "it waits for the source (documents: 0)" in said[0]


def test_an_error_at_the_first_question_comes_before_the_first_item_is_asked_for():
    def refuse() -> Iterator[str]:
        raise SetupError("no such directory")

    with pytest.raises(SetupError, match="no such directory"):
        watch_listing(refuse, stall_s=60, patience_s=60, say=lambda line: None)


class Looks(threading.Event):
    """In place of the event that ends a watch: so many looks at once, then the end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that were sent to threads; none arrives."""
    sent: list[int] = []
    monkeypatch.setattr("docmatix.driver.watchdog.signal.pthread_kill", lambda thread, number: sent.append(number))
    return sent


def test_the_time_that_is_spent_on_the_items_is_not_the_source_s(signals):
    said: list[str] = []
    watch = _ListingWatch(stall_s=60, patience_s=60, say=said.append)
    for number in range(3):
        assert watch.call(partial(int, number)) == number
        watch._watch(Looks(1000), threading.get_ident())
    assert (said, signals) == ([], [])


def test_a_call_that_ends_just_as_it_is_given_up_takes_the_interrupt_with_it(signals):
    """The signal may come after the call has returned: it must not strike what comes next."""
    said: list[str] = []
    watch = _ListingWatch(stall_s=60, patience_s=60, say=said.append)

    def end_late() -> str:
        watch._watch(Looks(1000), threading.get_ident())
        return "a.pdf"

    with pytest.raises(SourceGone):
        watch.call(end_late)
    assert said == ["plan      nothing was listed for 60 s; it waits for the source (documents: 0)"]
    assert signals == [signal.SIGINT]
    watch._watch(Looks(1000), threading.get_ident())
    assert signals == [signal.SIGINT]


class HangingFiles(MemoryFileSystem):  # type: ignore[misc]
    """Memory that never says what it holds."""

    protocol = "hanging"

    def ls(self, *args: Any, **options: Any) -> Any:
        threading.Event().wait()

    info = ls


fsspec.register_implementation("hanging", HangingFiles)


def test_a_build_gives_up_a_source_that_hangs_at_its_first_listing(tmp_path):
    limits = {"stall_s": 0.5, "no_progress_s": 1.5}
    config = make_config(limits=limits).model_copy(update={"source": from_paths("hanging://in")})
    with pytest.raises(SourceGone, match=r"listed nothing for 2 s .* after 0 documents"):
        build(config, run=tmp_path / "run", stages=["plan"])
    assert not (tmp_path / "run/run.yaml").exists()


def test_a_source_that_is_not_there_is_found_before_anything_is_written(tmp_path):
    config = make_config().model_copy(update={"source": from_paths(str(tmp_path / "nowhere"))})
    with pytest.raises(SetupError, match="No file matches"):
        build(config, run=tmp_path / "run", stages=["plan"])
    assert not (tmp_path / "run/run.yaml").exists()


def from_paths(*paths: str) -> FilesSource:
    return FilesSource(kind="files", paths=paths)
