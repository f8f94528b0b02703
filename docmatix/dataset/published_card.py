"""Reads cards of datasets: their metadata, the files that it names, and what the text shows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import yaml

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n?---[ \t]*(?:\n|\Z)", re.DOTALL)

# PyYAML takes 8 s for these; a card of 100 configurations has a tenth. Its parser in C crashes on deep nesting
MAX_METADATA_BYTES = 1 << 18
_MAX_UNFOLDED = 1 << 22  # values and characters with every alias written out, which can be billions
_MAX_PATH_CHARS = 1024  # as many as any store takes


class _MetadataLoader(yaml.SafeLoader):
    """Without merge keys, which unfold while they are read, before they can be measured."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, "it has merge keys", key.start_mark)
        super().flatten_mapping(node)


def split_card(card: str) -> tuple[dict[str, Any], str]:
    """Metadata and text of a card. Raises ValueError if the metadata is not a YAML mapping of a sane size."""
    card = card.replace("\r\n", "\n").lstrip("\ufeff")
    match = _FRONT.match(card)
    if match is None:
        return {}, card
    if len(match[1]) > MAX_METADATA_BYTES:
        raise ValueError(f"its metadata is longer than {MAX_METADATA_BYTES >> 10} KiB")
    try:
        head = yaml.load(match[1], _MetadataLoader) or {}
        size = _unfold(head, {})
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"its metadata is not valid YAML ({' '.join(str(error).split())[:200]})") from None
    if size >= _MAX_UNFOLDED:
        raise ValueError("its metadata unfolds into millions of values")
    if not isinstance(head, dict):
        raise ValueError("its metadata is not a mapping")  # noqa: TRY004
    return head, card[match.end() :]


def join_card(head: Mapping[str, Any], body: str) -> str:
    front = yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{front}---\n\n{body.strip()}\n"


def list_paths(head: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Configuration, split and pattern of all files that a card names; overlong patterns are left out."""
    for entry in head.get("configs") or ():
        if isinstance(entry, dict):
            for each in list_splits(entry.get("data_files")):
                paths = each["path"] if isinstance(each["path"], list) else [each["path"]]
                for path in map(str, paths):
                    if len(path) <= _MAX_PATH_CHARS:
                        yield entry.get("config_name", "default"), each["split"], path


def list_splits(data_files: Any) -> list[dict[str, Any]]:
    """The entries of `data_files`, in any of its forms."""
    if data_files is None:
        return []
    if isinstance(data_files, dict):
        return [{"split": split, "path": path} for split, path in data_files.items()]
    if isinstance(data_files, list) and all(isinstance(each, dict) for each in data_files):
        return [dict(each) for each in data_files if "split" in each and "path" in each]
    return [{"split": "train", "path": data_files}]


def matches_pattern(name: str, pattern: str) -> bool:
    """Whether a pattern of a card matches a file: `*`, `?` and `[...]` stay within a folder, `**` between slashes spans
    folders. Takes time in proportion to both."""
    parts = name.split("/")
    if pattern == "**" or pattern.endswith("/**"):  # a last one matches files too
        pattern += "/*"
    reached = {0}  # how many parts of the name the pattern so far may match
    for wildcard in pattern.split("/"):
        if wildcard == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and fnmatch.fnmatchcase(parts[at], wildcard)}
        if not reached:
            return False
    return len(parts) in reached


def shows(card: str, name: str) -> bool:
    """Whether a card refers to a file beside it (`plots/a.png`), in Markdown or HTML."""
    return re.search(rf"(?<![\w./-])(?:\./)?{re.escape(name)}(?![\w./-])", card) is not None


def _unfold(value: Any, known: dict[int, int]) -> int:
    """How many values and characters it holds with every alias written out; `known` has those of containers."""
    if not isinstance(value, (dict, list, tuple, set)):
        return 1 + len(str(value))
    if id(value) not in known:
        known[id(value)] = _MAX_UNFOLDED  # for what contains itself
        held = chain(value, value.values()) if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_unfold(each, known) for each in held)
    return known[id(value)]
