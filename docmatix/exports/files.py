"""Files that formats write: pictures, and JSON one entry at a time, so that memory does not grow with the pairs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from docmatix.exports.samples import Picture

Add = Callable[[dict[str, Any]], None]


def write_pictures(folder: Path, pictures: Iterable[Picture]) -> None:
    """Each under its name, with the bytes that the dataset has."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (folder / picture.name).write_bytes(picture.data)


@contextlib.contextmanager
def writing_array(path: Path, *, around: dict[str, Any] | None = None, key: str = "data") -> Iterator[Add]:
    """Write a JSON array, with `around` as the field `key` of that object. Yields the function that adds an entry."""
    with path.open("w", encoding="utf-8") as stream:
        if around is not None:
            stream.write(json.dumps(around, ensure_ascii=False)[:-1] + f", {json.dumps(key)}: ")
        first = True

        def add(entry: dict[str, Any]) -> None:
            nonlocal first
            stream.write(("[\n" if first else ",\n") + json.dumps(entry, ensure_ascii=False))
            first = False

        yield add
        stream.write("[]" if first else "\n]")
        stream.write("}\n" if around is not None else "\n")


@contextlib.contextmanager
def writing_lines(path: Path) -> Iterator[Add]:
    """Write JSON lines. Yields the function that adds one."""
    with path.open("w", encoding="utf-8") as stream:
        yield lambda entry: print(json.dumps(entry, ensure_ascii=False), file=stream)
