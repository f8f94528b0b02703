"""Starting, joining and leaving Ray, as far as it can be tried without Ray."""

from __future__ import annotations

import pytest

from docmatix.config import Resources
from docmatix.core.errors import BuildError, SetupError
from docmatix.driver.ray_cluster import ray_running


class SlowRay:
    """Stands for `ray.init` on a machine that is too busy: raises so many times before it starts."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0

    def __call__(self, **options: object) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise Exception("The current node timed out during startup.\nThis could happen")  # noqa: TRY002 -- as Ray does


def test_a_private_ray_that_is_slow_to_start_is_started_again_and_given_up_in_one_sentence():
    slow = SlowRay(2)
    with ray_running(Resources(), init=slow):
        assert slow.calls == 3
    hopeless = SlowRay(99)
    with (
        pytest.raises(
            BuildError, match=r"did not start .* in 3 attempts \(The current node timed out .* could happen\)"
        ),
        ray_running(Resources(), init=hopeless),
    ):
        raise AssertionError("there is no Ray")
    assert hopeless.calls == 3


def test_a_cluster_that_cannot_be_joined_is_refused_at_once():
    def refuse(**options: object) -> None:
        raise ConnectionError("nobody there")

    with (
        pytest.raises(SetupError, match="Ray cannot be reached at 'there:6379': nobody there"),
        ray_running(Resources(address="there:6379"), init=refuse),
    ):
        raise AssertionError("there is no Ray")
