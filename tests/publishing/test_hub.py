"""A Hub in trouble: what is retried, for how long, and how it is reported."""

from __future__ import annotations

import hf_xet  # type: ignore[import-untyped]
import pytest

from docmatix.core.errors import BuildError, SetupError
from docmatix.publishing.hub_errors import judge_error
from docmatix.publishing.push import push_run
from docmatix.storage.run import Run
from tests.hub import Faults
from tests.publishing.runs import (
    hash_pushed,
    hash_shards,
)


def test_a_commit_by_somebody_else_in_between_is_looked_at_and_kept(hub, connect, wide_run):
    times = iter(range(100))

    def interfere():
        if next(times) < 2:
            hub.put("anna/set", "notes.md", f"{len(hub.commits('anna/set'))}".encode())

    hub.before_commit = interfere
    push_run(wide_run, connect())
    assert hash_pushed(hub) == hash_shards(wide_run)
    assert "notes.md" in hub.files("anna/set")


def test_a_commit_whose_answer_was_lost_is_not_made_twice(hub, connect, wide_run):
    hub.faults = Faults(rate=1.0, most=1, kinds=("lost",), only="POST commit")
    pushed = push_run(wide_run, connect())
    assert hub.faults.happened["lost"] == 1
    assert len(hub.commits("anna/set")) == pushed.commits == 3


def test_trouble_of_every_kind_is_outlived(hub, connect, wide_run):
    first = {"POST commit": "412", "POST preupload": "cut", "PUT upload": "500", "GET tree": "503"}
    hub.faults = Faults(rate=0.05, seed=1, first=first)
    said: list[str] = []
    pushed = push_run(wide_run, connect(say=said.append))
    assert set(hub.faults.happened) >= {"412", "cut", "500", "503"}
    assert hash_pushed(hub) == hash_shards(wide_run)
    assert len(hub.commits("anna/set")) <= 4
    assert pushed.commits <= 4


def test_a_hub_that_stays_away_ends_the_push_with_a_sentence(hub, connect, finished_run):
    hub.faults = Faults(rate=1.0, kinds=("500",), only="POST create")
    waits: list[float] = []
    with pytest.raises(BuildError, match=r"after 10 attempts\. Rerun the command later"):
        push_run(Run(finished_run), connect(sleep=waits.append))
    assert len(waits) == 9
    assert max(waits) <= 60


def test_a_dry_run_tells_what_it_can_where_the_hub_stays_away(hub, connect, finished_run):
    hub.faults = Faults(rate=1.0, kinds=("500",))
    said: list[str] = []
    pushed = push_run(Run(finished_run), connect(tries=2, sleep=lambda _: None), dry_run=True, say=said.append)
    assert pushed.findings == []
    assert [path for path in pushed.sent if path.endswith(".parquet")]
    assert any("All files count as missing there." in line for line in said)


def test_the_hubs_own_wish_for_a_pause_is_honoured(hub, connect, finished_run):
    hub.faults = Faults(rate=1.0, most=1, kinds=("429",), only="POST commit")
    waits: list[float] = []
    push_run(Run(finished_run), connect(sleep=waits.append))
    assert [1.0 <= wait <= 1.5 for wait in waits] == [True]


@pytest.mark.parametrize(
    ("kind", "times", "wait_s"), [("quota", 1, 3600), ("short quota", 5, 720), ("silent quota", 6, 600)]
)
def test_a_used_up_quota_of_commits_is_waited_for(hub, connect, wide_run, kind, times, wait_s):
    hub.faults = Faults(rate=1.0, most=times, kinds=(kind,), only="POST commit")
    waits: list[float] = []
    said: list[str] = []
    push_run(wide_run, connect(sleep=waits.append, say=said.append))
    assert waits == pytest.approx([wait_s] * times, abs=10)
    assert hash_pushed(hub) == hash_shards(wide_run)
    told = [line for line in said if "repository commits (128 per hour)" in line]
    assert len(told) == times
    assert all(line.endswith(f"; retrying in {wait_s // 60} min.") for line in told)


@pytest.mark.parametrize(("kind", "waited_s"), [("quota", 3900), ("silent quota", 3900), ("long quota", 0)])
def test_a_quota_that_stays_used_up_ends_the_push_after_its_hour(hub, connect, finished_run, kind, waited_s):
    hub.faults = Faults(rate=1.0, kinds=(kind,), only="POST commit")
    waits: list[float] = []
    with pytest.raises(BuildError, match=r"128 per hour.*Rerun the command later"):
        push_run(Run(finished_run), connect(sleep=waits.append))
    assert sum(waits) == waited_s


def test_a_file_that_vanishes_on_its_way_ends_the_push_at_once(connect, wide_run, monkeypatch):
    def vanish(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "train-00001-of-00020.parquet")

    monkeypatch.setattr("huggingface_hub._commit_api.lfs_upload", vanish)
    waits: list[float] = []
    with pytest.raises(BuildError, match=r"Could not send files: FileNotFoundError.*train-00001-of-00020"):
        push_run(wide_run, connect(sleep=waits.append))
    assert waits == []


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RuntimeError("CAS service error"), True),
        (ConnectionError("reset"), True),
        (hf_xet.XetAuthenticationError("expired"), True),
        (hf_xet.XetObjectNotFoundError("gone"), False),
        (FileNotFoundError("gone"), False),
        (PermissionError("closed"), False),
        (caused(RuntimeError("Error while uploading"), ConnectionResetError()), True),
        (caused(RuntimeError("Error while uploading"), RuntimeError()), True),
        (caused(RuntimeError("Error while uploading"), PermissionError()), False),
        (caused(RuntimeError("Error while uploading"), ValueError()), False),
    ],
)
def test_trouble_of_the_transfer_is_tried_again_and_that_of_the_disk_is_not(error, again):
    assert judge_error(error) == (again, None)


@pytest.mark.parametrize("repo_id", ["set", "anna/", "a/b/c", "anna/b--c", "anna/se t", "../x"])
def test_a_name_that_is_none_is_refused(connect, repo_id):
    with pytest.raises(SetupError, match="OWNER/NAME"):
        connect(repo_id)


def test_the_right_to_write_is_asked_of_a_repository_that_is_there(hub, connect):
    hub.create("bert/set")
    with pytest.raises(SetupError, match="does not allow writing to bert/set"):
        connect("bert/set").prepare()


def test_the_hubs_own_words_are_added_to_ours(hub, connect):
    hub.create("bert/set")
    with pytest.raises(SetupError, match=r"write access to this repository \(403 You don't have the rights"):
        connect("bert/set").prepare()
