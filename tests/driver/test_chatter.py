"""What is printed past Python's own streams stays away from terminal and notebook, and from nowhere else."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from docmatix.driver.chatter import is_notebook, without_chatter, without_chatter_in_notebooks


def stand_in_for_ipython(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def print_past_python(streams: Any) -> Any:
    with streams:
        os.write(1, b"ray says\n")
        os.write(2, b"raylet says\n")
    os.write(1, b"afterwards\n")


def test_the_process_own_streams_are_silent_and_then_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter() as stderr:
        os.write(1, b"ray says\n")
        os.write(2, b"raylet says\n")
        print("ours", file=stderr)
    os.write(1, b"afterwards\n")
    assert capfd.readouterr() == ("afterwards\n", "ours\n")


def test_the_streams_come_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="stop"), without_chatter():
        raise ValueError("stop")
    os.write(1, b"afterwards\n")
    assert capfd.readouterr().out == "afterwards\n"


def test_in_a_notebook_a_build_keeps_them_silent(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_ipython(monkeypatch, SimpleNamespace(kernel=object()))
    assert is_notebook()
    print_past_python(without_chatter_in_notebooks())
    assert capfd.readouterr() == ("afterwards\n", "")


def test_in_a_thread_of_a_notebook_the_streams_are_left_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_ipython(monkeypatch, SimpleNamespace(kernel=object()))
    thread = threading.Thread(target=print_past_python, args=(without_chatter_in_notebooks(),))
    thread.start()
    thread.join()
    assert capfd.readouterr() == ("ray says\nafterwards\n", "raylet says\n")


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["script", "ipython in a terminal"])
def test_outside_of_notebooks_the_streams_belong_to_the_caller(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shell: object
) -> None:
    stand_in_for_ipython(monkeypatch, shell)
    assert not is_notebook()
    print_past_python(without_chatter_in_notebooks())
    assert capfd.readouterr() == ("ray says\nafterwards\n", "raylet says\n")
