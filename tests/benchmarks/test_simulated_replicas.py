"""The simulation of replicas keeps to what can be reckoned by hand."""

import pytest

from benchmarks.simulated_replicas import MODELS, OUTPUT_TOKENS, PROMPT_TOKENS, SLOTS, simulate

FAST = MODELS["0.5B"]


def test_replicas_do_not_wait_for_a_client_that_costs_nothing() -> None:
    found = simulate(FAST, replicas=2, workers=1, preparing_s=0.0, rest_s=0.0, seconds=20.0)
    assert found.waiting_share < 0.01
    assert found.busy_cores == 0.0


def test_a_replica_that_always_has_work_answers_as_fast_as_its_steps_allow() -> None:
    found = simulate(FAST, replicas=1, workers=1, preparing_s=0.0, rest_s=0.0, seconds=60.0)
    ended = SLOTS / OUTPUT_TOKENS  # in each step
    step_s = FAST.step_s + FAST.sequence_s * SLOTS + FAST.prompt_token_s * PROMPT_TOKENS * ended
    assert found.requests_a_second == pytest.approx(ended / step_s, rel=0.05)


@pytest.mark.parametrize("workers", [1, 2])
def test_where_the_workers_are_too_slow_their_cost_decides_how_many_are_answered(workers: int) -> None:
    found = simulate(FAST, replicas=2, workers=workers, preparing_s=0.006, rest_s=0.004, seconds=40.0)
    assert found.requests_a_second == pytest.approx(workers / 0.01, rel=0.05)
    assert found.busy_cores == pytest.approx(workers, rel=0.01)
    assert found.waiting_share > 0.3


def test_the_processor_time_spent_is_that_of_the_requests_answered() -> None:
    found = simulate(FAST, replicas=2, workers=4, preparing_s=0.001, rest_s=0.001, seconds=30.0)
    assert found.busy_cores == pytest.approx(0.002 * found.requests_a_second, rel=0.05)
