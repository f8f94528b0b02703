"""What a build writes at its end, `stats.json`, the card and SHA256SUMS, and files that belong to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from docmatix.check.card import AS_IS, check_metadata, describe_false_picture, list_card_pictures
from docmatix.check.files import REBUILD
from docmatix.check.records import RecordTotals
from docmatix.core.images import is_picture
from docmatix.dataset.stats import summarise_as
from docmatix.pipeline import PACK
from docmatix.stages.support.job import Job
from docmatix.storage.checksums import CHECKSUMS, find_altered, read_checksums, should_have_checksums
from docmatix.storage.run_files import is_own, list_beside_parts

_CARD = ("dataset/README.md", "dataset/plots/", "dataset/samples/")
_OWN = {"README.md", "stats.json", "data", "plots", "samples"}


@dataclass(slots=True)
class FinishCheck:
    """Checks a finished run whose dataset has `rows`; `edited` and `on_remark` are those of `find_problems`."""

    job: Job
    totals: RecordTotals
    rows: int
    edited: bool
    on_remark: Callable[[str], object] | None

    def find_problems(self) -> Iterator[str]:
        run, totals = self.job.run, self.totals
        if totals.damaged or not (run.exists("dataset/README.md") and run.exists("dataset/stats.json")):
            return
        for number in run.shards(PACK):  # of another division, or all where the dataset could not be checked
            if number not in totals.files[PACK]:
                record, problem = totals.read(PACK, number)
                if problem is not None:
                    yield problem
                    return
                if record is not None:
                    totals.add(PACK, number, record)
        try:
            summary = totals.summarise()
            found = json.loads(run.read("dataset/stats.json"))
            if isinstance(found, dict):
                summary = summarise_as(found, summary)
            if not isinstance(found, dict) or "rows" not in found:
                raise ValueError("it has no figures")
            if found["rows"] != self.rows:
                yield f"dataset/stats.json counts other rows than the dataset has. {REBUILD}"
            elif found != json.loads(json.dumps(summary)):
                yield f"dataset/stats.json is not what the commit records add up to. {REBUILD}"
            if not self.edited:
                yield from check_metadata(self.job, summary, self.on_remark)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            yield f"dataset/stats.json cannot be read ({error}). {REBUILD}"
        shown, unshown = list_card_pictures(run)
        yield from self._check_sums({f"dataset/{name}" for name in unshown})
        for name in (f"dataset/{each}" for each in shown):
            if not is_picture(name, run.read(name)):
                yield describe_false_picture(name)
        for name in unshown:
            self._remark(f"dataset/{name} is not shown by the card: `push` does not send it.")
        yield from map(describe_stray, self._find_strays())

    def _check_sums(self, unshown: Container[str]) -> Iterator[str]:
        try:
            sums = read_checksums(self.job.run.store)
        except ValueError as error:
            yield f"{CHECKSUMS} is damaged ({error}). {REBUILD}"
            return
        if sums is None:
            if not self.edited and should_have_checksums(self.job.run.store):
                yield f"{CHECKSUMS} is missing. {REBUILD}"
            elif not self.edited:
                unproved = "run.yaml, the pictures and the text of the card are not proved"
                self._remark(f"There is no {CHECKSUMS}, which earlier versions did not write: {unproved}.")
            return
        for name in find_altered(self.job.run.store, sums):
            if name in unshown and name not in sums:  # beside the dataset, and of no consequence
                continue
            changed = f"{name} has changed since the build finished"
            if not name.startswith(_CARD) or (self.on_remark is None and not self.edited):
                yield f"{changed} (see {CHECKSUMS}). {REBUILD}"
            elif name not in unshown:
                self._remark(f"{changed}{AS_IS}")
        for file, sha256 in self.totals.packed.items():
            if sums.pop(file, None) != sha256:
                yield f"{CHECKSUMS} has a sum of {file} that differs from its commit record's. {REBUILD}"
        if strange := [name for name in sums if name.startswith("dataset/data/")]:
            yield f"{CHECKSUMS} names {strange[0]}, which belongs to no shard. {REBUILD}"

    def _find_strays(self) -> Iterator[str]:
        run = self.job.run
        for stage in self.job.stages:
            named = list_beside_parts(stage)
            for shard, file in self.totals.files[stage].items():
                named |= {f"part-{shard:05d}.json", file.rsplit("/", 1)[-1]}
            yield from (f"{stage}/{name}" for name in run.names(stage) if name not in named)
        yield from (name for name in run.names("") if name.startswith(".") and name.endswith(".tmp"))
        yield from (f"dataset/{name}" for name in run.names("dataset") if name not in _OWN)

    def _remark(self, remark: str) -> None:
        if self.on_remark is not None:
            self.on_remark(remark)


def describe_stray(name: str) -> str:
    """That a file belongs to no shard, as a problem."""
    if is_own(name):
        return f"{name} belongs to no shard. Rerun the build to remove it."
    return f"{name} belongs to no shard. docmatix did not write it, so no build removes it: move it elsewhere."
