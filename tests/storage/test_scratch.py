"""Folders in the temporary directory: private, named by their process, and removed once it is dead, no others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from docmatix.storage import scratch


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def leave_folder(prefix: str = "dmx") -> Path:
    """A folder with a file in it, made by a process that has ended."""
    code = f"from docmatix.storage import scratch; print(scratch.make_folder({prefix!r}))"
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    folder = Path(said.stdout.strip())
    (folder / "session").mkdir()
    (folder / "session" / "log").write_text("left")
    return folder


def test_a_folder_is_private_and_its_name_leaves_room_for_sockets(temporary: Path) -> None:
    before = os.umask(0)
    try:
        one, other = scratch.make_folder("dmx"), scratch.make_folder("dmx")
    finally:
        os.umask(before)
    assert one != other
    assert one.parent == temporary
    assert one.stat().st_mode & 0o7777 == 0o700
    assert len(one.name) <= len("dmx-01234567-4194304-") + 8


def test_folders_of_killed_processes_are_removed_and_no_others(temporary: Path) -> None:
    dead, mine = leave_folder(), scratch.make_folder("dmx")
    space, pid = dead.name.split("-")[1:3]
    names = [
        "dmx-other",
        f"dmx-{pid}-abcdefgh",
        f"{dead.name}-notes",
        f"copy-of-{dead.name}",
        dead.name.replace("dmx-", "dm*-"),
        # of a container that shares the folder and counts its processes by itself
        dead.name.replace(space, f"{int(space, 16) ^ 1:08x}"),
        # of no process that the system could have
        dead.name.replace(f"-{pid}-", f"-{'9' * 30}-"),
    ]
    for name in names:
        (temporary / name / "session").mkdir(parents=True)
    as_file = dead.name[:-8] + "a_file_0"
    (temporary / as_file).write_text("kept")
    scratch.remove_folders_of_the_dead(temporary, "dmx")
    assert sorted(path.name for path in temporary.iterdir()) == sorted([mine.name, as_file, *names])


def test_a_link_in_place_of_a_folder_is_left_and_one_inside_is_not_followed(temporary: Path) -> None:
    precious = temporary / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("mine")
    dead = leave_folder()
    (dead / "link").symlink_to(precious)
    planted = temporary / (dead.name[:-8] + "planted0")
    planted.symlink_to(precious, target_is_directory=True)
    scratch.remove_folders_of_the_dead(temporary, "dmx")
    assert not dead.exists()
    assert planted.is_symlink()
    assert (precious / "thesis").read_text() == "mine"


def test_a_folder_of_another_user_is_left_also_by_root(temporary: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    dead, theirs = leave_folder(), leave_folder()
    os.chown(theirs, 65534, 65534)
    scratch.remove_folders_of_the_dead(temporary, "dmx")
    assert not dead.exists()
    assert (theirs / "session" / "log").exists()


def test_a_file_of_another_user_is_left_also_by_root(temporary: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine, theirs = (
        temporary / scratch.name_file(".pdf").name.replace(f"-{os.getpid()}-", f"-{ended.pid}-") for _ in range(2)
    )
    mine.write_text("x")
    theirs.write_text("x")
    os.chown(theirs, 65534, 65534)
    scratch.remove_files_of_the_dead(temporary)
    assert [path.name for path in temporary.iterdir()] == [theirs.name]


def test_a_name_with_an_impossible_process_id_does_not_stop_anyone(temporary: Path) -> None:
    name = scratch.name_file(".pdf").name
    planted = temporary / name.replace(f"-{os.getpid()}-", f"-{'9' * 30}-")
    planted.write_text("x")
    scratch.remove_files_of_the_dead(temporary)
    assert planted.exists()


def test_where_process_ids_mean_nothing_no_folder_is_removed(temporary: Path) -> None:
    dead = leave_folder()
    unknown = temporary / dead.name.replace(dead.name.split("-")[1], "0" * 8)
    unknown.mkdir()
    scratch.remove_folders_of_the_dead(temporary, "dmx", find_space=lambda: None)
    assert dead.exists()
    assert unknown.exists()
