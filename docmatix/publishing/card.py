"""The card of a repository: the run's own card, merged with the present one.

A repository may hold several configurations and splits, pushed one by one. Each has its entry under `configs` and
`dataset_info` in the metadata, and a section of the text between two comments. The rest of the card stays.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docmatix.core.errors import SetupError
from docmatix.dataset.card import LOAD, SIZES
from docmatix.dataset.published_card import join_card, list_paths, list_splits, split_card

_LICENSE = ("license", "license_name", "license_link")
_PENDING = "-is-still-being-uploaded.parquet"
_PICTURE = re.compile(r"(?:\]\(|(?:src|href)=\")((?:about/[\w.-]+/)?(?:plots/[a-z0-9-]+\.png|samples/\d+\.jpg))")
_OWN_PATTERN = re.compile(r"[\w.-]+/[\w.]+-\*-of-\d+\.parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """One split of one configuration: where its files are, what they hold."""

    config: str
    split: str
    pattern: str
    """Matches the files of this push alone, not those of an earlier one with another number of files."""
    features: Sequence[Mapping[str, Any]]
    rows: int
    size: int
    """Bytes of the rows without compression."""

    @property
    def pending_pattern(self) -> str:
        """Names no file, so that loading a split before it is whole fails instead of giving part of it."""
        return f"{self.pattern.split('/', 1)[0]}/{self.split}{_PENDING}"

    def has(self, path: str) -> bool:
        """Whether a path is one of its files."""
        return fnmatch.fnmatchcase(path, self.pattern)


def merge_cards(
    own: str,
    there: str | None,
    *,
    parts: Sequence[Part],
    sizes: Mapping[str, int],
    repo_id: str,
    pending: Sequence[Part] = (),
) -> str:
    """`own`, as the build wrote it, merged into the card that is `there`; merging twice gives the same as once. `sizes`
    has the bytes of every file of the repository. Files of `pending` parts, still incomplete, are not named; other
    parts stay as they are. Raises SetupError if the card `there` cannot be read."""
    head, body = split_card(own)
    try:
        old_head, old_body = split_card(there or "")
    except ValueError as error:
        raise SetupError(f"README.md of {repo_id} cannot be merged because {error}: repair it first.") from None
    configs = _merge_configs(old_head, pending or parts, pending=bool(pending))
    infos = _merge_infos(old_head, pending or parts, pending=bool(pending))
    for info in infos:
        info["download_size"] = _count_bytes(configs, _name(info), sizes)
        info["dataset_size"] = sum(split.get("num_bytes") or 0 for split in info["splits"])
    names = {_name(info) for info in infos}
    counted = [info for info in infos if not _is_dropped(_name(info), names)]
    rows = sum(split.get("num_examples") or 0 for info in counted for split in info["splits"])
    merged = {**old_head, **{key: value for key, value in head.items() if key != "configs"}}
    unstated = old_head.get("license") and head.get("license") in (None, "unknown")
    stated = old_head if unstated or keeps_license(head, old_head, parts) else head
    if stated is old_head or head.get("license"):  # its name and link come from the same card, or not at all
        merged = {key: value for key, value in merged.items() if key not in _LICENSE or key in stated}
        merged |= {key: stated[key] for key in _LICENSE if key in stated}
    if old_head.get("pretty_name") and not _is_alone(configs, parts):
        merged["pretty_name"] = old_head["pretty_name"]
    for key in ("language", "tags", "task_categories"):
        if united := _unite(old_head.get(key), head.get(key)):
            merged[key] = united
    merged["size_categories"] = [next((name for bound, name in SIZES if rows < bound), "n>1T")]
    merged["configs"] = configs
    merged.pop("dataset_info", None)
    if infos:
        merged["dataset_info"] = infos
    first = parts[0]
    place = f"{first.config}/{first.split}"
    if pending and first not in pending:
        return join_card(merged, old_body)
    if pending:
        body = f"The split `{first.split}` of `{first.config}` is still being uploaded: it cannot be loaded yet."
    else:
        name = "" if first.config == "default" else f', "{first.config}"'
        body = body.replace(LOAD, f'load_dataset("{repo_id}"{name}, split="{first.split}")')
    return join_card(merged, _put_section(old_body, place, body.strip()))


def matches(head: Mapping[str, Any], config: str, split: str, names: Iterable[str]) -> bool | None:
    """Whether a reader of this split may be given any of the files `names`; None if the card names no configuration,
    since readers then search all files. A pattern that `push` does not write itself may match anything."""
    entries = [entry for entry in head.get("configs") or () if isinstance(entry, dict)]
    if not entries:
        return None
    entry = next((entry for entry in entries if _name(entry) == config), None)
    if entry is None:
        return False
    if entry.get("data_files") is None or entry.get("data_dir"):
        return True
    patterns = [path for _, split_name, path in list_paths({"configs": [entry]}) if split_name == split]
    strange = [path for path in patterns if not _OWN_PATTERN.fullmatch(path) and not path.endswith(_PENDING)]
    return bool(strange) or any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def keeps_license(head: Mapping[str, Any], old_head: Mapping[str, Any], parts: Sequence[Part]) -> bool:
    """Whether the repository keeps its licence, which differs, because it holds other data than `parts`."""
    pushed = {(part.config, part.split) for part in parts}
    dropped = {("dropped" if config == "default" else f"{config}-dropped", split) for config, split in pushed}
    others = {
        (_name(entry), split["split"])
        for entry in old_head.get("configs") or ()
        if isinstance(entry, dict)
        for split in list_splits(entry.get("data_files") or entry.get("data_dir"))
        if not _is_pending(split)
    }
    return bool(others - pushed - dropped) and any(head.get(key) != old_head.get(key) for key in _LICENSE)


def name_license(head: Mapping[str, Any]) -> str:
    """The name of a licence for readers."""
    known = head.get("license") not in (None, "other")
    return str(head["license"] if known else head.get("license_name") or head.get("license") or "none")


def list_pictures(card: str, part: Part) -> set[str]:
    """The plots and sample pictures in the card's section of a part."""
    begin, end = _name_section(f"{part.config}/{part.split}")
    section = card.partition(begin)[2].partition(end)[0]
    return set(_PICTURE.findall(section))


def _merge_configs(head: Mapping[str, Any], parts: Sequence[Part], *, pending: bool) -> list[dict[str, Any]]:
    configs = [dict(entry) for entry in head.get("configs") or () if isinstance(entry, dict)]
    for part in parts:
        entry = next((entry for entry in configs if _name(entry) == part.config), None)
        if entry is None:
            entry = {"config_name": part.config}
            configs.append(entry)
        splits = list_splits(entry.get("data_files"))
        folder = posixpath.normpath(str(entry.pop("data_dir", None) or ".")).strip("/")
        if folder != ".":
            splits = [{**each, "path": _put_into(folder, each["path"])} for each in splits]
        # a pattern without files would make the other splits of the configuration unloadable too
        others = [each for each in splits if each["split"] != part.split and not _is_pending(each)]
        mine = {"split": part.split, "path": part.pending_pattern if pending else part.pattern}
        named = others if pending and others else [*others, mine]
        entry["data_files"] = sorted(named, key=lambda each: (each["split"] != "train", each["split"]))
    # readers infer the format from the first configuration, which must have files
    return sorted(configs, key=lambda entry: any(map(_is_pending, list_splits(entry.get("data_files")))))


def _merge_infos(head: Mapping[str, Any], parts: Sequence[Part], *, pending: bool) -> list[dict[str, Any]]:
    given = head.get("dataset_info") or []
    infos = [dict(info) for info in (given if isinstance(given, list) else [given]) if isinstance(info, dict)]
    for part in parts:
        info = next((info for info in infos if _name(info) == part.config), None)
        if info is None:
            info = {"config_name": part.config}
            infos.append(info)
        splits = [split for split in info.get("splits") or () if split.get("name") != part.split]
        if not pending:
            info["features"] = [dict(feature) for feature in part.features]
            splits.append({"name": part.split, "num_bytes": part.size, "num_examples": part.rows})
        info["splits"] = sorted(splits, key=lambda split: (split["name"] != "train", split["name"]))
    # in the order in which `datasets` writes them
    order = ("config_name", "features", "splits")
    return [
        {**{key: info[key] for key in order if key in info}, **{k: v for k, v in info.items() if k not in order}}
        for info in infos
        if info.get("splits")
    ]


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("config_name", "default"))


def _is_pending(split: Mapping[str, Any]) -> bool:
    return str(split["path"]).endswith(_PENDING)


def _put_into(folder: str, path: Any) -> Any:
    """A path, or a list of them, below a folder of the repository; URLs stay as they are."""
    if isinstance(path, list):
        return [_put_into(folder, each) for each in path]
    return path if "://" in str(path) else posixpath.join(folder, str(path).removeprefix("./"))


def _is_dropped(name: str, names: Collection[str]) -> bool:
    """Whether a configuration has what was dropped from another, as `Target.dropped` names it."""
    return name == "dropped" or (name.endswith("-dropped") and name.removesuffix("-dropped") in names)


def _count_bytes(configs: Sequence[Mapping[str, Any]], name: str, sizes: Mapping[str, int]) -> int:
    patterns = [path for config, _, path in list_paths({"configs": configs}) if config == name]
    return sum(size for path, size in sizes.items() if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns))


def _is_alone(configs: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> bool:
    return {_name(entry) for entry in configs} <= {part.config for part in parts}


def _unite(there: Any, own: Any) -> list[Any]:
    lists = [value if isinstance(value, list) else [] if value is None else [value] for value in (there, own)]
    return list(dict.fromkeys([*lists[0], *lists[1]]))


def _name_section(place: str) -> tuple[str, str]:
    return f"<!-- docmatix: {place} -->", f"<!-- end of docmatix: {place} -->"


def _put_section(body: str, place: str, section: str) -> str:
    """The text with this section replaced, or added at its end."""
    begin, end = _name_section(place)
    whole = f"{begin}\n{section}\n{end}"
    if begin in body and end in body:
        before, rest = body.split(begin, 1)
        return f"{before}{whole}{rest.split(end, 1)[1]}"
    return f"{body.strip()}\n\n{whole}".strip()
