"""What a push sends of a run directory from anybody: the names that its records and its card refer to, and no other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docmatix.check.proof import find_problems
from docmatix.core.errors import SetupError
from docmatix.publishing import push as push_module
from docmatix.publishing.hub import Repository
from docmatix.publishing.push import push_run
from docmatix.storage.run import Run
from tests.hub import GOOD_TOKEN, Hub, serve_hub
from tests.publishing.conftest import _plain_lfs  # noqa: F401 -- a fixture

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Connect = Callable[..., Repository]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serve_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def connect(hub: Hub) -> Connect:
    """Makes a repository on the test's Hub that waits no time between attempts."""
    return lambda: Repository("anna/set", endpoint=hub.url, token=GOOD_TOKEN, sleep=lambda seconds: None)


def find_remarks(run: Run) -> str:
    remarks: list[str] = []
    assert list(find_problems(run, on_remark=remarks.append)) == []
    return "\n".join(remarks)


@pytest.mark.parametrize("name", ["plots/minutes.docx", "samples/passport.jpg", "plots/deeper/secret.png"])
def test_what_lies_beside_the_pictures_of_the_card_stays_here(
    hub: Hub, connect: Connect, own_run: Run, name: str
) -> None:
    own_run.write(f"dataset/{name}", PNG)
    said: list[str] = []
    pushed = push_run(own_run, connect(), say=said.append)
    assert pushed.findings == []
    assert name not in hub.files("anna/set")
    beside = "/".join(name.split("/")[:2])
    assert any(line.startswith("The card does not show") and beside in line for line in said)


def test_check_remarks_on_what_push_does_not_send(own_run: Run) -> None:
    own_run.write("dataset/plots/minutes.docx", b"x")
    assert "dataset/plots/minutes.docx is not shown by the card: `push` does not send it." in find_remarks(own_run)


@pytest.mark.parametrize("place", ["dataset/samples/1.jpg", "dataset/stats.json", "dataset/README.md"])
def test_a_link_is_not_sent(hub: Hub, connect: Connect, own_run: Run, tmp_path: Path, place: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(own_run.read(place) + b" ")
    own_run.remove(place)
    Path(own_run.path(place)).symlink_to(secret)
    own_run.remove("SHA256SUMS")
    with pytest.raises(SetupError, match="is a link"):
        push_run(own_run, connect())


def test_a_picture_of_the_card_that_is_none_holds_the_push_back(hub: Hub, connect: Connect, own_run: Run) -> None:
    own_run.write("dataset/samples/1.jpg", b"Dear diary")
    pushed = push_run(own_run, connect())
    assert "dataset/samples/1.jpg is shown by the card but is not the PNG, JPEG or WebP" in "\n".join(pushed.findings)
    assert pushed.sent == []
    assert "dataset/samples/1.jpg is shown by the card" in "\n".join(find_problems(own_run))


def test_a_picture_that_somebody_put_into_the_card_is_sent(hub: Hub, connect: Connect, own_run: Run) -> None:
    own_run.write("dataset/plots/My_Chart.png", PNG)
    own_run.write(
        "dataset/README.md", own_run.read("dataset/README.md") + b"\n![ours][chart]\n\n[chart]: ./plots/My_Chart.png\n"
    )
    assert push_run(own_run, connect()).findings == []
    assert hub.read("anna/set", "plots/My_Chart.png") == PNG


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_the_word_of_another_users_run_that_it_is_sound_is_not_taken(hub: Hub, connect: Connect, own_run: Run) -> None:
    assert push_run(own_run, connect()).findings == []
    content = own_run.read(push_module._CHECKED)
    part = own_run.part_name("extract", own_run.read_record("extract", 0))  # type: ignore[arg-type]
    own_run.write(part, own_run.read(part) + b"x")
    os.chown(own_run.root, 65534, 65534)
    pushed = push_run(own_run, connect())
    assert f"{part} is damaged" in "\n".join(pushed.findings)
    assert own_run.read(push_module._CHECKED) == content
    assert json.loads(content)["sound"]
