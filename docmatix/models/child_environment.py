"""The environment in which model servers start, free of the current folder.

That folder may have come from anywhere, and `python -m`, `python -c` and an empty entry of PYTHONPATH put it first on
the module path: a `json.py` in it would run with the builder's keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from docmatix.core.import_path import is_same_folder, protect_children

START_FOLDER = "/"
"""Python before 3.11 has no PYTHONSAFEPATH and imports from wherever it starts; empty entries of PATH and
LD_LIBRARY_PATH mean that folder too."""


def leave_current_folder(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child Python that imports nothing from the current folder when started in `START_FOLDER`;
    values that begin with ./ or ../ become absolute. Ray's token is withheld: with it, a server that is taken over
    could run code on every node."""
    moved = {name: make_absolute(value) if is_relative(value) else value for name, value in environment.items()}
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        moved.pop(name, None)
    moved |= protect_children(environment)
    entries = moved["PYTHONPATH"].split(os.pathsep)
    moved["PYTHONPATH"] = os.pathsep.join(entry for entry in entries if not is_same_folder(entry, os.curdir))
    return moved


def is_relative(value: str) -> bool:
    """Whether a value can only be a path relative to the current folder."""
    return value.startswith(("./", "../"))


def make_absolute(path: str) -> str:
    """A path for a process that starts elsewhere. Links are kept: an environment's interpreter is one."""
    return str(Path(path).absolute())
