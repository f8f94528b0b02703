"""What the tests of sources share: an empty memory filesystem for each."""

import fsspec
import pytest
from hypothesis import settings

# The first example pays for imports, and a busy machine for everything.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(autouse=True)
def empty_memory() -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
