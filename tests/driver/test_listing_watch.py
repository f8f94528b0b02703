"""A source's listing that hangs, fails, or is interrupted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmatix.core.errors import RunRefused, SetupError, SourceGone
from docmatix.driver.build import build
from docmatix.driver.listing_watch import watch_listing
from docmatix.sources.files import FilesSource
from docmatix.sources.locators import Locator
from tests.jobs import make_config


def test_a_listing_that_hangs_is_told_of_and_given_up():
    said: list[str] = []

    def list_slowly() -> Iterator[str]:
        yield "a.pdf"
        threading.Event().wait()

    listing = watch_listing(list_slowly, stall_s=0.5, patience_s=1.5, say=said.append)
    assert next(listing) == "a.pdf"
    with pytest.raises(SourceGone, match=r"listed nothing for 2 s .* after 1 documents"):
        next(listing)
    assert "waiting for the source (1 listed so far)" in said[0]


def test_a_listing_that_goes_on_is_passed_on_as_it_is_with_its_errors():
    def list_and_fail() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no more")

    listing = watch_listing(list_and_fail, stall_s=60, patience_s=60, say=lambda line: None)
    assert [next(listing) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(listing)


def test_a_listing_that_is_closed_before_its_first_item_leaves_no_thread_and_no_open_source():
    closed = threading.Event()

    def listing() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.set()

    class Opened:
        """An iterator that has begun, as one with an open connection has."""

        def __init__(self) -> None:
            self.items = listing()
            next(self.items)

        def __iter__(self) -> Iterator[int]:
            return self.items

    before = set(threading.enumerate())
    watch_listing(Opened, stall_s=60, patience_s=60, say=lambda line: None).close()
    assert closed.wait(60)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()


def test_a_time_without_end_is_a_time_that_never_passes():
    listing = watch_listing(lambda: iter([1]), stall_s=float("inf"), patience_s=float("inf"), say=lambda line: None)
    assert list(listing) == [1]


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
    assert "waiting for the source (0 listed so far)" in said[0]


def test_an_error_at_the_first_question_comes_before_the_first_item_is_asked_for():
    def refuse() -> Iterator[str]:
        raise SetupError("no such directory")

    with pytest.raises(SetupError, match="no such directory"):
        watch_listing(refuse, stall_s=60, patience_s=60, say=lambda line: None)


def test_a_listing_that_hangs_is_given_up_in_any_thread() -> None:
    gave_up = threading.Event()

    def list_nothing() -> Iterator[str]:
        threading.Event().wait()
        yield ""

    def plan() -> None:
        with pytest.raises(SourceGone):
            next(watch_listing(list_nothing, stall_s=0.5, patience_s=0.6, say=lambda line: None))
        gave_up.set()

    threading.Thread(target=plan, daemon=True).start()
    assert gave_up.wait(60)


def test_the_time_that_is_spent_on_the_items_is_not_the_source_s() -> None:
    said: list[str] = []
    listing = watch_listing(lambda: range(3), stall_s=0.2, patience_s=0.3, say=said.append)
    for number in range(3):
        assert next(listing) == number
        threading.Event().wait(0.5)
    assert said == []


def test_a_listing_that_is_left_early_is_closed_in_its_own_thread() -> None:
    closed_by: queue.SimpleQueue[str] = queue.SimpleQueue()

    def list_on() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed_by.put(threading.current_thread().name)

    listing = watch_listing(list_on, stall_s=60, patience_s=60, say=lambda line: None)
    assert next(listing) == 1
    listing.close()
    assert closed_by.get(timeout=60) == "listing"


def test_a_listing_that_hangs_as_it_is_closed_is_not_waited_for() -> None:
    said: list[str] = []
    let_go = threading.Event()

    def list_on() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            let_go.wait(60)

    listing = watch_listing(list_on, stall_s=0.01, patience_s=0.02, say=said.append)
    assert next(listing) == 1
    listing.close()
    assert said == []
    let_go.set()


def test_a_build_that_cannot_write_its_run_closes_the_listing(tmp_path: Path) -> None:
    # left open, a listing of S3 was waited for as the process ended, and spoke on a stream that was closed already
    closed = threading.Event()
    run = tmp_path / "run"

    def list_on() -> Iterator[Locator]:
        try:
            while True:
                yield Locator("a", str(tmp_path / "a.pdf"))
        finally:
            closed.set()

    class Opened:
        def __iter__(self) -> Iterator[Locator]:
            (run / "fingerprints.json").mkdir(parents=True)  # a folder where a file is to be written
            listing = list_on()
            next(listing)
            return listing

    with pytest.raises(RunRefused):
        build(make_config(), run=run, stages=["plan"], listing=Opened())
    assert closed.wait(60)


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
