"""What a build writes at its end, `stats.json`, the card and SHA256SUMS, and files that belong to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator

from docmatix.check.card import check_metadata, describe_false_picture, list_card_pictures
from docmatix.check.records import RecordTotals
from docmatix.core.images import is_picture
from docmatix.pipeline import PACK
from docmatix.stages.support.job import Job
from docmatix.storage.checksums import CHECKSUMS, find_altered, read_checksums, should_have_checksums
from docmatix.storage.run_files import is_own

_CARD = ("dataset/README.md", "dataset/plots/", "dataset/samples/")


class FinishCheck:
    """Checks a finished run; `rows` is how many the dataset has, the other options are those of `find_problems`."""

    def __init__(
        self,
        job: Job,
        totals: RecordTotals,
        *,
        rows: int,
        edited: bool,
        on_remark: Callable[[str], object] | None,
    ) -> None:
        self._job, self._run, self._totals = job, job.run, totals
        self._rows, self._edited, self._on_remark = rows, edited, on_remark

    def find_problems(self) -> Iterator[str]:
        run = self._run
        finished = run.exists("dataset/README.md") and run.exists("dataset/stats.json")
        if not finished or self._totals.damaged:
            return
        for number in run.shards(PACK):  # of another division, or all where the dataset could not be checked
            if number not in self._totals.files[PACK]:
                record, problem = self._totals.read(PACK, number)
                if problem is not None:
                    yield problem
                    return
                if record is not None:
                    self._totals.add(PACK, number, record)
        try:
            summary = self._totals.summarise()
            found = json.loads(run.read("dataset/stats.json"))
            if not isinstance(found, dict) or "rows" not in found:
                raise ValueError("it holds no figures")
            if found["rows"] != self._rows:
                yield "dataset/stats.json counts other rows than the dataset has. The same build writes it anew."
            elif found != json.loads(json.dumps(summary)):
                yield "dataset/stats.json is not what the commit records add up to. The same build writes it anew."
            if not self._edited:
                yield from check_metadata(self._job, summary, self._on_remark)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            yield f"dataset/stats.json cannot be read ({error}): run the build once more, which writes it."
        shown, unshown = list_card_pictures(run)
        yield from self._check_sums({f"dataset/{name}" for name in unshown})
        for name in (f"dataset/{each}" for each in shown):
            if not is_picture(name, run.read(name)):
                yield describe_false_picture(name)
        for name in unshown:
            if self._on_remark is not None:
                self._on_remark(f"dataset/{name} is not shown by the card: `push` does not send it.")
        yield from map(describe_stray, self._find_strays())

    def _check_sums(self, unshown: Container[str]) -> Iterator[str]:
        again = "The same build writes it anew."
        try:
            sums = read_checksums(self._run.store)
        except ValueError as error:
            yield f"{CHECKSUMS} is damaged ({error}). {again}"
            return
        if sums is None:
            if self._edited:
                return
            if should_have_checksums(self._run.store):
                yield f"{CHECKSUMS} is missing. {again}"
            elif self._on_remark is not None:
                self._on_remark(
                    f"There is no {CHECKSUMS}, which earlier versions did not write: run.yaml and the pictures and the"
                    " text of the card are not proved."
                )
            return
        for name in find_altered(self._run.store, sums):
            if name in unshown and name not in sums:  # beside the dataset, and of no consequence
                continue
            changed = f"{name} is not what it was when the build ended"
            if not name.startswith(_CARD) or (self._on_remark is None and not self._edited):
                yield f"{changed} (see {CHECKSUMS}). {again}"
            elif self._on_remark is not None and name not in unshown:
                self._on_remark(f"{changed}: `push` sends it so, the same build would write it anew.")
        for file, sha256 in self._totals.packed.items():
            if sums.pop(file, None) != sha256:
                yield f"{CHECKSUMS} has another sum of {file} than its commit record. {again}"
        if strange := [name for name in sums if name.startswith("dataset/data/")]:
            yield f"{CHECKSUMS} names {strange[0]}, which belongs to no shard. {again}"

    def _find_strays(self) -> Iterator[str]:
        run = self._run
        for stage in self._job.stages:
            named = {"replies"}
            for shard, file in self._totals.files[stage].items():
                named |= {f"part-{shard:05d}.json", file.rsplit("/", 1)[-1]}
            yield from (f"{stage}/{name}" for name in run.names(stage) if name not in named)
        yield from (name for name in run.names("") if name.startswith(".") and name.endswith(".tmp"))
        own = {"README.md", "stats.json", "data", "plots", "samples"}
        yield from (f"dataset/{name}" for name in run.names("dataset") if name not in own)


def describe_stray(name: str) -> str:
    """That no shard has a file, as a problem."""
    if is_own(name):
        return f"{name} belongs to no shard. The same build removes it."
    return f"{name} belongs to no shard. It is not docmatix's either, so no build removes it: put it elsewhere."
