"""How long a store is retried, what is reported meanwhile, and when it is reported as misnamed."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from docmatix.core.errors import SetupError, StorageFailed
from docmatix.storage.filesystems import connect
from docmatix.storage.patience import (
    FIRST_ANSWER_S,
    PATIENCE_S,
    Attempts,
    Patience,
    choose_pauses,
    keep_trying,
    require_answer,
)
from docmatix.storage.run import Run


class AnsweringFiles:
    """A remote filesystem that does the same at every question."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.asked = 0

    def info(self, path: str) -> Any:
        self.asked += 1
        return self._answer()


class StoreError(Exception):
    """As botocore has it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class HubError(Exception):
    """As `huggingface_hub` raises: the answer is in it."""

    def __init__(self, status_code: int) -> None:
        super().__init__(f"{status_code} Client Error")
        self.response = SimpleNamespace(status_code=status_code)


class ClientResponseError(Exception):
    """As aiohttp has it."""

    status = 503


def raise_it(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


def test_pauses_grow_and_add_up_to_the_patience() -> None:
    assert list(choose_pauses(PATIENCE_S)) == [0.5, 2, 8, *[30] * 9, 19.5]
    assert list(choose_pauses(2)) == [0.5, 1.5]
    assert sum(choose_pauses(1000)) == 1000


def test_what_lasts_is_said_once_and_what_passes_is_not() -> None:
    for limit_s, long in ((300.0, "5 minutes"), (90.0, "90 s")):
        said: list[str] = []
        attempts = Attempts("s3://bucket/run", Patience(limit_s=limit_s, say=said.append, sleep=lambda seconds: None))
        assert [attempts.wait(ConnectionRefusedError(111, "")) for _ in range(2)] == [True, True]
        assert said == []
        while attempts.wait(ConnectionRefusedError(111, "")):
            pass
        wrong = "ConnectionRefusedError: Connection refused"
        assert said == [f"s3://bucket/run is unavailable ({wrong}); retrying for up to {long}"]


def test_what_passes_is_tried_again_and_what_does_not_is_raised_at_once() -> None:
    attempts = Attempts("s3://bucket/run", Patience(sleep=lambda seconds: None))
    outcomes: list[object] = [TimeoutError("slow"), ConnectionError("gone"), "read", KeyError("lost")]

    def act() -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def judge(error: Exception) -> None:
        if isinstance(error, KeyError):
            raise StorageFailed("it is lost") from error

    assert keep_trying(act, attempts, judge=judge, give_up=SetupError) == "read"
    with pytest.raises(StorageFailed, match="it is lost"):
        keep_trying(act, attempts, judge=judge, give_up=SetupError)


def test_after_the_last_pause_it_is_given_up_for_the_last_error() -> None:
    pauses: list[float] = []
    attempts = Attempts("s3://bucket/run", Patience(limit_s=10, sleep=pauses.append))
    with pytest.raises(SetupError, match="slow") as raised:
        keep_trying(raise_it(TimeoutError("slow")), attempts, judge=lambda error: None, give_up=SetupError)
    assert sum(pauses) == 10
    assert isinstance(raised.value.__cause__, TimeoutError)


@pytest.mark.parametrize("error", [SetupError("ours"), MemoryError()])
def test_what_is_nothing_of_the_stores_is_neither_judged_nor_tried_again(error: Exception) -> None:
    attempts = Attempts("s3://bucket/run", Patience(sleep=lambda seconds: pytest.fail("it waited")))
    with pytest.raises(type(error)):
        keep_trying(raise_it(error), attempts, judge=lambda error: pytest.fail("judged"), give_up=StorageFailed)


def test_without_a_listener_it_is_said_in_the_log_and_steers_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts("s3://bucket/run", Patience(sleep=lambda seconds: None))
    with caplog.at_level(logging.WARNING, logger="docmatix.storage.patience"):
        while attempts.wait(ConnectionError("\x1b[2Jgone %s")):
            pass
    (message,) = caplog.messages
    assert "gone %s" in message
    assert "\x1b" not in message


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "no"), TimeoutError("slow"), ValueError("no host")])
def test_a_store_that_never_answers_is_bad_setup_within_seconds(error: Exception) -> None:
    pauses: list[float] = []
    nowhere = AnsweringFiles(raise_it(error))
    with pytest.raises(
        SetupError, match=rf"^sftp://host/a is not responding \({type(error).__name__}.*check its address"
    ):
        require_answer(nowhere, "a", url="sftp://me:secret@host/a", patience=Patience(sleep=pauses.append))
    assert 0 < sum(pauses) < FIRST_ANSWER_S <= 15
    assert nowhere.asked == len(pauses) + 1


def test_a_store_that_keeps_silent_is_not_waited_for() -> None:
    ended = threading.Event()
    silent = AnsweringFiles(ended.wait)
    try:
        with pytest.raises(SetupError, match=r"is not responding .*no answer"):
            require_answer(silent, "a", url="s3://bucket/a", patience=Patience(), within_s=0.05, silence_s=0.05)
    finally:
        ended.set()


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "no such key"),
        PermissionError("Forbidden"),
        StoreError("SlowDown"),
        StoreError("NoSuchBucket"),
        ClientResponseError(),
        HubError(429),
    ],
)
def test_any_answer_of_a_store_shows_that_it_is_there(error: Exception) -> None:
    pauses: list[float] = []
    require_answer(AnsweringFiles(raise_it(error)), "a", url="s3://b/a", patience=Patience(sleep=pauses.append))
    assert not pauses


def test_a_store_that_takes_its_time_for_the_first_answer_is_there() -> None:
    asked_at = time.monotonic()

    def answer() -> Any:
        time.sleep(0.3)
        return {}

    slow = AnsweringFiles(answer)
    require_answer(slow, "a", url="hf://datasets/a", patience=Patience(), within_s=0.1)
    assert time.monotonic() - asked_at >= 0.3


def test_a_store_that_answers_at_the_second_try_is_there() -> None:
    errors: list[Exception] = [ConnectionResetError()]
    pauses: list[float] = []

    def answer() -> Any:
        if errors:
            raise errors.pop()
        return {}

    require_answer(AnsweringFiles(answer), "a", url="s3://b/a", patience=Patience(sleep=pauses.append))
    assert pauses == [0.5]


def test_a_disk_is_not_asked() -> None:
    filesystem, path = connect("/nowhere/at/all")
    require_answer(filesystem, path, url="/nowhere/at/all", patience=Patience())


def test_a_worker_s_run_has_the_patience_of_its_driver_s() -> None:
    lines: list[str] = []
    run = Run("memory://runs/one", patience_s=7, say=lines.append)
    assert pickle.loads(pickle.dumps(run)).store.patience_s == 7
