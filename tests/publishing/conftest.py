"""A Hub on loopback, and a run of twenty files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docmatix.publishing.hub import Repository
from docmatix.storage.run import Run
from tests.hub import GOOD_TOKEN, Hub, serve_hub
from tests.publishing.runs import build_wide_run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # huggingface_hub 2.4 sends files by an argument that its own HTTP client deprecates
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"))


@pytest.fixture(autouse=True)
def _plain_lfs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # the client reads HF_HUB_DISABLE_XET once, when it is first imported: too late for a fixture
    from huggingface_hub import constants
    from huggingface_hub.utils._http import close_session

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    yield
    close_session()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serve_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def connect(hub: Hub) -> Callable[..., Repository]:
    """Makes repositories on the test's Hub that wait no time between attempts."""

    def make(repo_id: str = "anna/set", **options: Any) -> Repository:
        given: dict[str, Any] = {"endpoint": hub.url, "token": GOOD_TOKEN, "sleep": lambda seconds: None}
        return Repository(repo_id, **{**given, **options})

    return make


@pytest.fixture(scope="session")
def wide_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of twenty files with one row each: for reading only."""
    return build_wide_run(tmp_path_factory.mktemp("wide"), documents=20)


@pytest.fixture
def own_wide_run(wide_run: Run, tmp_path: Path) -> Run:
    """A copy of it, to do to it what a test likes."""
    shutil.copytree(wide_run.root, tmp_path / "wide")
    run = Run(tmp_path / "wide")
    run.remove("telemetry/checked.json")  # another test's push may have found it sound
    return run
