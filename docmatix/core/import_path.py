"""The current folder is data, not code: a downloaded folder may hold a `json.py`.

Python looks for modules in the current folder when it is started with `-m` or `-c`, and when `PYTHONPATH` has an empty
entry. Both are undone here, for this process and for those that it starts.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


def drop_current_folder(path: Sequence[str], *, current: str, python_path: str, package_root: str) -> list[str]:
    """The import path without the current folder, unless `PYTHONPATH` names that by its absolute address.

    A checkout that docmatix is imported from stays importable, behind everything else."""
    named = {entry for entry in python_path.split(os.pathsep) if Path(entry).is_absolute()}
    kept = [entry for entry in path if entry and (entry in named or not is_same_folder(entry, current))]
    return kept if any(is_same_folder(entry, package_root) for entry in kept) else [*kept, package_root]


def clean_python_path(python_path: str) -> str:
    """`PYTHONPATH` without what depends on the current folder: empty and relative entries."""
    return os.pathsep.join(entry for entry in python_path.split(os.pathsep) if Path(entry).is_absolute())


def protect_children(environment: Mapping[str, str]) -> dict[str, str]:
    """What has to change in an environment so that Pythons started with it import nothing from their current folder."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": clean_python_path(environment.get("PYTHONPATH", ""))}


def protect_process() -> None:
    """Have this process, and every Python that it starts, import nothing from the current folder."""
    with contextlib.suppress(FileNotFoundError):  # a current folder that was removed holds no module
        current, given = str(Path.cwd()), os.environ.get("PYTHONPATH", "")
        sys.path[:] = drop_current_folder(sys.path, current=current, python_path=given, package_root=PACKAGE_ROOT)
    os.environ.update(protect_children(os.environ))


def is_same_folder(one: str, other: str) -> bool:
    """Whether two paths lead to one folder; where either is not there, whether they are the same words."""
    with contextlib.suppress(OSError):
        return Path(one).samefile(other)
    return one == other
