"""Keeps the current folder off the import path, since it is data: a downloaded folder may contain a `json.py`.

Python imports from the current folder when started with `-m` or `-c`, or if `PYTHONPATH` has an empty entry.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


def drop_current_folder(path: Sequence[str], *, current: str, python_path: str, package_root: str) -> list[str]:
    """The import path without the current folder, unless `PYTHONPATH` has its absolute path.

    The checkout that docmatix is imported from stays importable, after everything else."""
    named = {entry for entry in python_path.split(os.pathsep) if Path(entry).is_absolute()}
    kept = [entry for entry in path if entry and (entry in named or not is_same_folder(entry, current))]
    return kept if any(is_same_folder(entry, package_root) for entry in kept) else [*kept, package_root]


def clean_python_path(python_path: str) -> str:
    """`PYTHONPATH` without empty and relative entries, which depend on the current folder."""
    return os.pathsep.join(entry for entry in python_path.split(os.pathsep) if Path(entry).is_absolute())


def protect_children(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep a Python started with them from importing from its current folder."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": clean_python_path(environment.get("PYTHONPATH", ""))}


def protect_process() -> None:
    """Keep this process, and every Python that it starts, from importing from the current folder."""
    with contextlib.suppress(FileNotFoundError):  # the current folder has been removed
        current, given = str(Path.cwd()), os.environ.get("PYTHONPATH", "")
        sys.path[:] = drop_current_folder(sys.path, current=current, python_path=given, package_root=PACKAGE_ROOT)
    os.environ.update(protect_children(os.environ))


def is_same_folder(one: str, other: str) -> bool:
    """Whether two paths lead to the same folder, or are equal if either does not exist."""
    with contextlib.suppress(OSError):
        return Path(one).samefile(other)
    return one == other
