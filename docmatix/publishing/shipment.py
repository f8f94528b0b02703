"""What a push sends: a run's data files, its card, and what the card shows, all inspected before anything leaves."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from docmatix.check.card import describe_false_picture, list_card_pictures
from docmatix.core.errors import SetupError
from docmatix.core.images import is_picture
from docmatix.pipeline import PACK
from docmatix.publishing.card import Part
from docmatix.publishing.dropped import DROPPED, write_dropped
from docmatix.publishing.hub import RemoteFile, Tree
from docmatix.publishing.lint import Inspection, find_secrets
from docmatix.stages.support.job import Job
from docmatix.storage.earlier_schemas import find_dataset_schema
from docmatix.storage.parquet import open_parquet
from docmatix.storage.run import Run
from docmatix.storage.schemas import DATASETS, describe_features
from docmatix.storage.store import Store


@dataclass(frozen=True, slots=True)
class Target:
    """The configuration and split of a dataset in its repository, and so where its files are: the default
    configuration in `data`, as `push_to_hub` of `datasets` has it, others in a folder of their name."""

    config: str = "default"
    split: str = "train"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w.-]*", self.config) or self.config == "data":
            raise SetupError(f"{self.config!r} is not a valid configuration name: use letters, digits, `_`, `-`, `.`.")
        if not re.fullmatch(r"\w+(\.\w+)*", self.split):
            raise SetupError(
                f"{self.split!r} is not a valid split name: use letters, digits, `_`, as in train or test."
            )

    @property
    def folder(self) -> str:
        return "data" if self.config == "default" else self.config

    @property
    def dropped(self) -> Target:
        """Where dropped pairs go."""
        return Target("dropped" if self.config == "default" else f"{self.config}-dropped", self.split)

    def name_file(self, number: int, files: int) -> str:
        return f"{self.folder}/{self.split}-{number:05d}-of-{files:05d}.parquet"

    def name_pattern(self, files: int) -> str:
        return f"{self.folder}/{self.split}-*-of-{files:05d}.parquet"

    def name_extra(self, name: str) -> str:
        """The path of `stats.json` or a picture of the card, which each split has for itself."""
        return name if self == Target() else f"about/{self.config}-{self.split}/{name}"

    def owns(self, path: str) -> bool:
        """Whether a path is a data file of this split, of any build."""
        return re.fullmatch(rf"{re.escape(self.folder)}/{re.escape(self.split)}-\d+-of-\d+\.parquet", path) is not None


@dataclass(frozen=True, slots=True)
class Shard:
    """A data file: its path in the repository, and its name in the run that it is read from."""

    path: str
    store: Store
    name: str
    size: int
    sha256: str

    def equals(self, file: RemoteFile | None) -> bool:
        """Whether a file in the repository has the same content."""
        if file is None or file.size != self.size:
            return False
        if file.sha256 is None:  # small, and left to git itself by .gitattributes
            return file.holds(self.store.read(self.name))
        return file.sha256 == self.sha256


@dataclass(frozen=True, slots=True)
class Shipment:
    """Data files, the card as the build wrote it, and the rest by its path."""

    targets: tuple[Target, ...]
    parts: tuple[Part, ...]
    shards: tuple[Shard, ...]
    card: str
    extras: Mapping[str, bytes]
    unsent: tuple[str, ...]
    """Files beside the card's pictures that it does not show: they may be anything, so they stay."""
    earlier: frozenset[str] = frozenset()
    """The pictures that the card in the repository shows of an earlier build."""

    def list_stale(self, tree: Tree) -> list[str]:
        """Data files of earlier builds of the same splits, and the pictures of their cards."""
        named = {shard.path for shard in self.shards} | set(self.extras)
        return [
            path
            for path in tree.files
            if path not in named and (path in self.earlier or any(target.owns(path) for target in self.targets))
        ]


def list_missing(shards: Iterable[Shard], tree: Tree) -> list[Shard]:
    """The data files that the repository does not have with this name and content."""
    return [shard for shard in shards if not shard.equals(tree.files.get(shard.path))]


def collect(run: Run, target: Target, *, dropped_in: Path | None = None) -> tuple[Shipment, list[str]]:
    """What to send of a run, and what is wrong with it; with `dropped_in` also what was dropped, written there."""
    from docmatix.stages.support.reading import read_job

    job = read_job(run)
    inspection = Inspection(find_secrets(names=list_key_variables(job)))

    def inspect(target: Target, shards: Sequence[Shard], schema: pa.Schema) -> Part:
        counts = [inspection.read_table(each.store, each.name, schema, shown=each.path) for each in shards]
        return make_part(target, len(shards), schema, counts)

    targets, shards = [target], list_shards(job, target)
    parts = [inspect(target, shards, _find_schema(job, shards))]
    if dropped_in is not None and (files := write_dropped(run, dropped_in)):
        aside, place = Store(dropped_in), target.dropped
        dropped = [
            Shard(place.name_file(number, len(files)), aside, file.name, file.stat().st_size, _hash_file(file))
            for number, file in enumerate(files)
        ]
        parts.append(inspect(place, dropped, DROPPED))
        targets.append(place)
        shards += dropped
    shown, unsent = list_card_pictures(run)
    card, extras = "", dict[str, bytes]()
    for name in ("README.md", *shown, "stats.json"):
        if name not in shown and not run.exists(f"dataset/{name}"):
            continue
        inspection.read_text(run.store, f"dataset/{name}")
        content = run.read(f"dataset/{name}")
        if name == "README.md":
            card = content.decode()
        elif name != "stats.json" and not is_picture(name, content):
            inspection.problems.append(describe_false_picture(f"dataset/{name}"))
        else:
            place_of_extra = target.name_extra(name)
            extras[place_of_extra] = content
            card = re.sub(rf"(\]\(|(?:src|href)=\"){re.escape(name)}", rf"\g<1>{place_of_extra}", card)
    shipment = Shipment(tuple(targets), tuple(parts), tuple(shards), card, extras, tuple(unsent))
    return shipment, inspection.describe()


def _find_schema(job: Job, shards: Sequence[Shard]) -> pa.Schema:
    """The schema that the data files must have: that of the first, which an earlier version may have written."""
    name = job.config.pack.schema_
    for shard in shards[:1]:
        with contextlib.suppress(Exception), shard.store.open(shard.name) as stream, open_parquet(stream) as file:
            return find_dataset_schema(file.schema_arrow, name) or DATASETS[name]
    return DATASETS[name]


def make_part(target: Target, files: int, schema: pa.Schema, counts: Sequence[tuple[int, int]]) -> Part:
    """The part of a card for a split of `files` files; `counts` has the rows and bytes of each."""
    return Part(
        target.config,
        target.split,
        target.name_pattern(files),
        describe_features(schema),
        rows=sum(rows for rows, _ in counts),
        size=sum(size for _, size in counts),
    )


def list_key_variables(job: Job) -> list[str]:
    """The environment variables from which the build reads its keys."""
    from docmatix.stages.support.reading import list_engines

    return [name for engine in list_engines(job.config) if (name := engine.key_variable)]


def list_shards(job: Job, target: Target, *, numbers: Iterable[int] | None = None) -> list[Shard]:
    """The committed data files of a run, or of some `numbers`, with the hashes of their commit records."""
    shards = []
    for number in job.run.shards(PACK) if numbers is None else numbers:
        record = job.run.read_record(PACK, number)
        if record is not None and (match := re.search(r"-of-(\d+)\.parquet$", record.file)):
            path = target.name_file(number, int(match[1]))
            shards.append(Shard(path, job.run.store, record.file, record.size, record.sha256))
    return shards


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
