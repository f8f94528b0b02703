"""Whether a server has hung, judged by what it answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.probes import CANARY_SHARE, MOST_TICK_S, HangDetector


def look(
    detector: HangDetector, now: float, *, steps: int | None, requests: int = 1, answered: bool = True, **more: bool
) -> str | None:
    metrics = None if steps is None else ServerMetrics(running=requests, steps=steps)
    return detector.look(now, answered=answered, metrics=metrics, canary=more.pop("canary", False), **more)


def test_a_server_that_does_not_answer_has_hung():
    detector = HangDetector(0, hang_timeout_s=10)
    assert look(detector, 1, steps=1) is None
    assert look(detector, 10, steps=None, answered=False) is None
    assert "not answered" in (look(detector, 12, steps=None, answered=False) or "")


def test_an_engine_that_has_requests_and_takes_no_step_has_hung():
    detector = HangDetector(0, hang_timeout_s=10)
    assert look(detector, 1, steps=5) is None
    assert look(detector, 2, steps=5) is None
    assert look(detector, 12, steps=5) is None
    assert "computed nothing" in (look(detector, 13, steps=5) or "")


def test_an_engine_without_requests_may_rest():
    detector = HangDetector(0, hang_timeout_s=10)
    assert not any(look(detector, now, steps=5, requests=0) for now in range(1, 100, 5))
    assert detector.wants_canary()
    assert look(detector, 100, steps=5) is None, "the clock starts with the first request"


def test_an_engine_that_does_not_serve_the_canary_has_hung():
    detector = HangDetector(0, hang_timeout_s=10)
    assert look(detector, 1, steps=5, requests=0) is None
    assert look(detector, 2, steps=5, requests=0, canary=True) is None
    assert look(detector, 13, steps=5, requests=0, canary=True) is not None


def test_an_answer_to_the_canary_is_a_sign_of_life_where_there_are_no_metrics():
    detector = HangDetector(0, hang_timeout_s=10)
    assert look(detector, 5, steps=None, canary=True) is None
    assert look(detector, 14, steps=None, served=True) is None
    assert look(detector, 20, steps=None, canary=True) is None
    assert not detector.wants_canary() or CANARY_SHARE * 10 < 6


def test_a_watcher_that_was_kept_from_looking_does_not_blame_the_server():
    detector = HangDetector(0, hang_timeout_s=2 * MOST_TICK_S)
    assert look(detector, 1, steps=5) is None
    assert look(detector, 2, steps=5) is None
    assert look(detector, 10_000, steps=5) is None


@given(st.lists(st.tuples(st.floats(0, 9.9), st.integers(0, 3)), max_size=60))
def test_a_server_that_answers_and_steps_in_time_never_hangs(looks: list[tuple[float, int]]):
    detector, now = HangDetector(0, hang_timeout_s=10), 0.0
    for steps, (wait, requests) in enumerate(looks):
        now += wait
        assert look(detector, now, steps=steps, requests=requests) is None
