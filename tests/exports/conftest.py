"""What the tests of exports share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import docmatix


@pytest.fixture(scope="session")
def pairs(finished_run: Path) -> Counter[tuple[str, str]]:
    """Question and answer of every pair of the run."""
    rows = docmatix.open(finished_run).rows(images=False)
    return Counter((text["user"], text["assistant"]) for row in rows for text in row["texts"])
