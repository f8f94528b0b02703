"""Datasets that several of these tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.review.collection import Collection
from tests.review.datasets import make_docmatix_row, write_dataset


@pytest.fixture
def published(tmp_path: Path) -> Collection:
    """Ten rows of the published schema in two files and four row groups."""
    rows = [make_docmatix_row(number) for number in range(10)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000-of-00002.parquet").write_bytes(write_dataset(rows[:3], rows[3:4], rows[4:6]))
    (tmp_path / "data" / "train-00001-of-00002.parquet").write_bytes(write_dataset(rows[6:]))
    return Collection(str(tmp_path))
