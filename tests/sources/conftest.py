"""What the tests of sources share: an empty memory filesystem for each."""

import fsspec
import pytest


@pytest.fixture(autouse=True)
def empty_memory() -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
