"""The card of a repository: the run's own card, merged with what is there for other configurations.

A repository may hold several configurations and splits, pushed one by one. Each has its entry under `configs` and
`dataset_info` in the card's metadata, and a section of the text between two comments. Everything else in the card that
is there, by whose hand ever, stays.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from docmatix.errors import SetupError

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n?---[ \t]*(?:\n|\Z)", re.DOTALL)
_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
_SIZES += [(10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B")]


@dataclass(frozen=True, slots=True)
class Part:
    """One split of one configuration: where its files are, what they hold."""

    config: str
    split: str
    pattern: str
    """Names exactly the files of this push: those of an earlier one with another number of files do not match it."""
    features: Sequence[Mapping[str, Any]]
    rows: int
    size: int
    """Bytes of the rows without compression."""

    @property
    def pending_pattern(self) -> str:
        """Names no file: who loads the split before it is whole is told so instead of being given a part of it."""
        return f"{self.pattern.split('/', 1)[0]}/{self.split}-is-still-being-uploaded.parquet"


def split_card(card: str) -> tuple[dict[str, Any], str]:
    """Metadata and text of a card. Raises ValueError if the metadata is no YAML mapping."""
    card = card.replace("\r\n", "\n").lstrip("\ufeff")
    match = _FRONT.match(card)
    if match is None:
        return {}, card
    try:
        head = yaml.safe_load(match[1]) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"its metadata is no YAML ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(head, dict):
        raise ValueError("its metadata is no mapping")  # noqa: TRY004
    return head, card[match.end() :]


def join_card(head: Mapping[str, Any], body: str) -> str:
    front = yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{front}---\n\n{body.strip()}\n"


def merge_cards(
    own: str, there: str | None, *, parts: Sequence[Part], sizes: Mapping[str, int], repo_id: str, pending: bool = False
) -> str:
    """The card to push: `own`, as the build wrote it, put into the one that is `there`.

    `sizes` has the bytes of every file that the repository will hold, by path. A `pending` card tells that the parts
    are not whole yet, and leads nobody to their files. Merging twice gives the same as merging once. Raises SetupError
    if the card that is there cannot be read.
    """
    head, body = split_card(own)
    try:
        old_head, old_body = split_card(there or "")
    except ValueError as error:
        raise SetupError(f"The card README.md of {repo_id} cannot be merged, {error}: repair it first.") from None
    configs, infos = _merge_configs(old_head, parts, pending=pending), _merge_infos(old_head, parts, pending=pending)
    for info in infos:
        name = info.get("config_name", "default")
        info["download_size"] = _count_bytes(configs, name, sizes)
        info["dataset_size"] = sum(split.get("num_bytes") or 0 for split in info["splits"])
    rows = sum(split.get("num_examples") or 0 for info in infos for split in info["splits"])
    merged = {**old_head, **{key: value for key, value in head.items() if key != "configs"}}
    if old_head.get("license") and head.get("license") in (None, "unknown"):
        merged["license"] = old_head["license"]
    if old_head.get("pretty_name") and not _is_alone(configs, parts):
        merged["pretty_name"] = old_head["pretty_name"]
    for key in ("language", "tags", "task_categories"):
        if united := _unite(old_head.get(key), head.get(key)):
            merged[key] = united
    merged["size_categories"] = [next((name for bound, name in _SIZES if rows < bound), "n>1T")]
    merged["configs"] = configs
    merged.pop("dataset_info", None)
    if infos:
        merged["dataset_info"] = infos
    first = parts[0]
    place = f"{first.config}/{first.split}"
    if pending:
        body = f"The split `{first.split}` of `{first.config}` is still being uploaded: it cannot be loaded yet."
    else:
        name = "" if first.config == "default" else f', "{first.config}"'
        body = body.replace('load_dataset("path/or/repo"', f'load_dataset("{repo_id}"{name}')
        body = body.replace('split="train"', f'split="{first.split}"')
    return join_card(merged, _put_section(old_body, place, body.strip()))


def matches(head: Mapping[str, Any], config: str, split: str, names: Iterable[str]) -> bool | None:
    """Whether the card leads a reader of this split to any of `names`; None where it does not know the split."""
    patterns = [
        path for config_name, split_name, path in _list_paths(head) if (config_name, split_name) == (config, split)
    ]
    if not patterns:
        return None
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _merge_configs(head: Mapping[str, Any], parts: Sequence[Part], *, pending: bool) -> list[dict[str, Any]]:
    configs = [dict(entry) for entry in head.get("configs") or () if isinstance(entry, dict)]
    for part in parts:
        entry = next((entry for entry in configs if entry.get("config_name", "default") == part.config), None)
        if entry is None:
            entry = {"config_name": part.config}
            configs.append(entry)
        others = [each for each in _list_splits(entry.get("data_files")) if each["split"] != part.split]
        mine = {"split": part.split, "path": part.pending_pattern if pending else part.pattern}
        entry["data_files"] = sorted([*others, mine], key=lambda each: (each["split"] != "train", each["split"]))
    return configs


def _merge_infos(head: Mapping[str, Any], parts: Sequence[Part], *, pending: bool) -> list[dict[str, Any]]:
    given = head.get("dataset_info") or []
    infos = [dict(info) for info in (given if isinstance(given, list) else [given]) if isinstance(info, dict)]
    for part in parts:
        info = next((info for info in infos if info.get("config_name", "default") == part.config), None)
        if info is None:
            info = {"config_name": part.config}
            infos.append(info)
        splits = [split for split in info.get("splits") or () if split.get("name") != part.split]
        if not pending:
            info["features"] = [dict(feature) for feature in part.features]
            splits.append({"name": part.split, "num_bytes": part.size, "num_examples": part.rows})
        info["splits"] = sorted(splits, key=lambda split: (split["name"] != "train", split["name"]))
    # in this order `datasets` writes them; what has no split is no information
    order = ("config_name", "features", "splits")
    return [
        {**{key: info[key] for key in order if key in info}, **{k: v for k, v in info.items() if k not in order}}
        for info in infos
        if info.get("splits")
    ]


def _list_splits(data_files: Any) -> list[dict[str, Any]]:
    """The entries of `data_files`, in whichever of its forms it was written."""
    if data_files is None:
        return []
    if isinstance(data_files, dict):
        return [{"split": split, "path": path} for split, path in data_files.items()]
    if isinstance(data_files, list) and all(isinstance(each, dict) for each in data_files):
        return [dict(each) for each in data_files if "split" in each and "path" in each]
    return [{"split": "train", "path": data_files}]


def _list_paths(head: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    for entry in head.get("configs") or ():
        if isinstance(entry, dict):
            for each in _list_splits(entry.get("data_files")):
                paths = each["path"] if isinstance(each["path"], list) else [each["path"]]
                for path in paths:
                    yield entry.get("config_name", "default"), each["split"], str(path)


def _count_bytes(configs: Sequence[Mapping[str, Any]], name: str, sizes: Mapping[str, int]) -> int:
    patterns = [path for config, _, path in _list_paths({"configs": configs}) if config == name]
    return sum(size for path, size in sizes.items() if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns))


def _is_alone(configs: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> bool:
    return {entry.get("config_name", "default") for entry in configs} <= {part.config for part in parts}


def _unite(there: Any, own: Any) -> list[Any]:
    lists = [value if isinstance(value, list) else [] if value is None else [value] for value in (there, own)]
    return list(dict.fromkeys([*lists[0], *lists[1]]))


def _put_section(body: str, place: str, section: str) -> str:
    """The text with the section of this place replaced, or put at its end."""
    begin, end = f"<!-- docmatix: {place} -->", f"<!-- end of docmatix: {place} -->"
    whole = f"{begin}\n{section}\n{end}"
    if begin in body and end in body:
        before, rest = body.split(begin, 1)
        return f"{before}{whole}{rest.split(end, 1)[1]}"
    return f"{body.strip()}\n\n{whole}".strip()
