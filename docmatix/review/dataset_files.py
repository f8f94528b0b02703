"""Finds the Parquet files of a dataset: those that a run has committed, or those of any folder or repository."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from docmatix.core.errors import SetupError
from docmatix.pipeline import PACK
from docmatix.storage.run import Run
from docmatix.storage.store import Store

_WILDCARDS = frozenset("*?[")
_MAX_PATTERNS = 100
"""Wildcards, and folders to list, of one split."""
_MAX_NAMED = 12
"""Splits in a message."""
_OTHER_NAMES = {"validation": ("val", "valid", "dev"), "val": ("validation", "valid", "dev")}


def open_directory(path: str) -> tuple[Store, Run | None]:
    """The folder of a dataset or run, and the run if it is one. Raises SetupError where there is none."""
    # links are followed in a dataset: the Hub's cache consists of them
    directory = Store(path, follow_links=True)
    directory.require_reachable()
    if directory.local and directory.fs.isfile(directory.root):
        raise SetupError(f"{path} is a file: give the folder of a run (such as runs/NAME) or of a dataset.")
    if not directory.exists("") and path.count("/") == 1 and not path.startswith((".", "/")):
        directory = _open_repository(path)
    directory.require_reachable()
    is_run = directory.exists("run.yaml") or (directory.local and Store(path).exists("run.yaml"))
    run = Run(path) if is_run else None
    return (directory if run is None else run.store), run


def list_packed(run: Run) -> list[str]:
    """The committed files of a run's dataset; others beside them are partial or stale."""

    packed = [record for _, record in sorted(run.snapshot().heads(PACK).items())]
    sizes = run.sizes(record.file for record in packed)
    return [record.file for record in packed if sizes.get(record.file) == record.size]


def list_data_files(directory: Store, path: str, *, split: str | None = None) -> list[str]:
    """The files of a dataset's split `train`, as its card names them, or else those in its folder; or those of another
    `split` (`test`, or `CONFIG/test` of another configuration). Raises SetupError where there are none."""
    from docmatix.dataset.published_card import matches_pattern

    if named := _choose_split(_read_head(directory), path, split):
        config, split, patterns = named
        _check_patterns(patterns, path)
        listed = {folder: _find_parquet(directory, folder) for folder in set(map(_take_folder, patterns))}
        exact = {pattern for pattern in patterns if not _is_wild(pattern)}
        files = exact.intersection(chain.from_iterable(listed.values()))
        for pattern in set(patterns) - exact:
            files |= {name for name in listed[_take_folder(pattern)] if matches_pattern(name, pattern)}
        if files:
            return sorted(files)
        missing = f"The card of {path} leads to no file of the split {split} of {config}, which may not be whole yet"
    else:
        for folder in ("data", "dataset/data", ""):
            if found := [posixpath.join(folder, n) for n in directory.names(folder) if n.endswith(".parquet")]:
                return choose_files(found, path, split)
        missing = f"There is neither a run nor a dataset in {path}"
    # no deeper: the folder may be a home directory
    if folders := sorted({posixpath.dirname(name) for name in _find_parquet(directory, maxdepth=3)} - {""}):
        url = f"{directory.url.rstrip('/')}/{folders[0]}"
        raise SetupError(f"{missing}; there are Parquet files in {', '.join(folders)}: open one of these, as {url}.")
    raise SetupError(f"{missing}.")


def _check_patterns(patterns: Sequence[str], path: str) -> None:
    """Raises SetupError for patterns that cannot be read, or would take hours to follow."""
    if strange := [part for pattern in patterns for part in pattern.split("/") if "**" in part and part != "**"]:
        raise SetupError(
            f"The card of {path} does not name files in a way that can be read: '**' must stand alone between slashes,"
            f" unlike in {strange[0]!r}."
        )
    if max(len(set(filter(_is_wild, patterns))), len(set(map(_take_folder, patterns)))) > _MAX_PATTERNS:
        raise SetupError(
            f"The card of {path} names files by more than {_MAX_PATTERNS} wildcards or folders: open the folder of its"
            " files instead."
        )


def _read_head(directory: Store) -> Mapping[str, Any]:
    """The metadata of the dataset's card; empty if there is none that can be read."""
    from docmatix.dataset.published_card import MAX_METADATA_BYTES, split_card

    most = 2 * MAX_METADATA_BYTES  # the text after it may be of any length
    try:
        if (directory.size("README.md") or 0) <= most:
            card = directory.read("README.md")
        else:
            with directory.open("README.md") as stream:
                card = stream.read(most)
        return split_card(card.decode(errors="replace"))[0]
    except (OSError, ValueError):
        return {}


def choose_files(names: Sequence[str], path: str, split: str | None) -> list[str]:
    """The files of a split by their names (`test-00000.parquet`, `val.json`), or all. Raises SetupError for none."""
    if split is None:
        return list(names)
    begins = {split, *_OTHER_NAMES.get(split, ())}
    found = [name for name in names if re.split(r"[-_.]", posixpath.basename(name), maxsplit=1)[0] in begins]
    if not found:
        known = sorted({re.split(r"[-_.]", posixpath.basename(name), maxsplit=1)[0] for name in names})
        raise SetupError(f"{path} has no split {split!r}; its files begin with {', '.join(known[:_MAX_NAMED])}.")
    return found


def _choose_split(head: Mapping[str, Any], path: str, wanted: str | None) -> tuple[str, str, list[str]] | None:
    """The default configuration and split, or the `wanted` one, with the patterns of its files; None where the card
    names no files."""
    from docmatix.dataset.published_card import list_paths

    if not isinstance(head.get("configs"), list) or not (paths := list(list_paths(head))):
        return None
    marked = [entry.get("config_name") for entry in head["configs"] if isinstance(entry, dict) and entry.get("default")]
    # min takes the first: the card's order decides if neither name exists
    config = min((config for config, _, _ in paths), key=lambda name: (name not in marked, name != "default"))
    split = min((split for of, split, _ in paths if of == config), key=lambda name: name != "train")
    if wanted is not None:
        named, _, split = wanted.rpartition("/")
        config = named or config
        known = {each if of == config and not named else f"{of}/{each}": None for of, each, _ in paths}
        if not any(of == config and each == split for of, each, _ in paths):
            raise SetupError(f"{path} has no split {wanted!r}; it has {', '.join(list(known)[:_MAX_NAMED])}.")
    return config, split, [path.removeprefix("./") for *of, path in paths if of == [config, split]]


def _take_folder(pattern: str) -> str:
    """The folder of a pattern, up to its first wildcard."""
    return "/".join(takewhile(lambda part: not _is_wild(part), pattern.split("/")[:-1]))


def _is_wild(pattern: str) -> bool:
    return not _WILDCARDS.isdisjoint(pattern)


def _find_parquet(directory: Store, folder: str = "", *, maxdepth: int | None = None) -> list[str]:
    """The Parquet files in and below a folder, as paths from the dataset's; none outside it."""
    try:
        found = directory.fs.find(directory.path(folder).rstrip("/"), maxdepth=maxdepth)
    except FileNotFoundError:
        return []
    names = (posixpath.relpath(name, directory.root) for name in found if name.endswith(".parquet"))
    return sorted(name for name in names if not name.startswith("../"))


def _open_repository(path: str) -> Store:
    try:
        directory = Store(f"hf://datasets/{path}")
        directory.require_reachable()
    except SetupError as error:
        raise SetupError(f"There is no {path} here, and it could not be looked up on the Hub: {error}") from None
    return directory
