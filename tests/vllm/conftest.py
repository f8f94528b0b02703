"""Skips what is in this folder unless it is asked for: then it must not be skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vllm_environment import is_wanted


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # three interpreters import torch before a server answers: a minute, and several on a busy machine
            item.add_marker(pytest.mark.timeout(1200))
            if not is_wanted():
                item.add_marker(pytest.mark.skip(reason="the real vLLM: run `make test-vllm`"))
