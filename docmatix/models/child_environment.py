"""What a model server starts in: a folder and a module path that the current folder has no part in.

That folder may have come from anywhere. Without this a `json.py` in it runs with the builder's keys: `python -m`,
`python -c` and an empty entry of PYTHONPATH each put the current folder in front of the standard library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from docmatix.core.import_path import is_same_folder, protect_children

START_FOLDER = "/"
"""Python before 3.11 knows no PYTHONSAFEPATH and imports from wherever it starts; empty entries of PATH and
LD_LIBRARY_PATH are looked up there too."""


def leave_current_folder(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child Python that imports nothing from the current folder when started in `START_FOLDER`.

    Values that begin with ./ or ../ become absolute paths, so that they mean what they meant here. The token of Ray,
    with which whoever takes a server over could run code on every node, stays behind.
    """
    moved = {name: make_absolute(value) if is_relative(value) else value for name, value in environment.items()}
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        moved.pop(name, None)
    moved |= protect_children(environment)
    entries = moved["PYTHONPATH"].split(os.pathsep)
    moved["PYTHONPATH"] = os.pathsep.join(entry for entry in entries if not is_same_folder(entry, os.curdir))
    return moved


def is_relative(value: str) -> bool:
    """Whether a word can only be a path that starts from the current folder."""
    return value.startswith(("./", "../"))


def make_absolute(path: str) -> str:
    """A path for a process that starts elsewhere. Links stay: the interpreter of an environment is one."""
    return str(Path(path).absolute())
