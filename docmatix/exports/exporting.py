"""The verb `export`: a dataset, written in another format."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_visible
from docmatix.dataset.rows import read_texts
from docmatix.exports.formats import find_format
from docmatix.exports.origins import Documents, Rows
from docmatix.exports.samples import Sample, draw_split
from docmatix.review.collection import Collection
from docmatix.review.status import read_status


@dataclass(slots=True)
class Exported:
    """Where an export is, its rows by split (samples; of `pdf`, documents), its pairs, and those left out by reason."""

    folder: Path
    rows: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def counted(self, samples: Iterable[Sample], split: str) -> Iterator[Sample]:
        """The samples, counted as they are taken."""
        self.rows[split] = 0
        for sample in samples:
            self.rows[split] += 1
            self.pairs += len(sample.questions)
            yield sample

    def describe(self) -> str:
        counts = ", ".join(f"{count:,} {split}" for split, count in self.rows.items())
        told = make_visible(f"{self.pairs:,} pairs in {counts} rows: {self.folder}")
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.left_out.items()))
        return f"{told}\nLeft out: {make_visible(reasons)}" if reasons else told


def export_dataset(
    path: str,
    format: str,
    out: Path,
    *,
    zero_shot: bool = False,
    test_rows: int = 200,
    train_rows: int = 1700,
    seed: int = 0,
) -> Exported:
    """Write the dataset of a run, a folder or a Hub repository in another format; `out` appears whole or not at all.
    With `zero_shot` only small train and test splits without a shared document, as large as the published ones. Raises
    SetupError for an unknown format, an existing folder, and a dataset that cannot be exported."""
    kind = find_format(format)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SetupError(f"{out} already exists: remove it, or give another folder with -o.")
    collection = Collection(str(path))
    if kind.needs_run and not collection.is_run:
        raise SetupError(
            f"The format {format} takes the documents from the source, which only a run knows: give the run."
        )
    _check_rows(collection)
    origin: Documents | Rows = Documents(collection.read_job()) if kind.needs_run else Rows(collection)
    drawn = draw_split(origin.list_keys, test=test_rows, train=train_rows, seed=seed) if zero_shot else None
    exported = Exported(out)
    aside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for split in ("train", "test") if zero_shot else ("train",):
            chosen = None if drawn is None else {key for key, each in drawn.items() if each == split}
            samples = exported.counted(origin.read(chosen), split)
            left_out = kind.write_split(samples, aside, split=split, name=Path(path).name)
            exported.pairs -= left_out.total()
            exported.left_out += left_out
        exported.left_out += origin.left_out
        if out.exists():
            out.rmdir()
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return exported


def _check_rows(collection: Collection) -> None:
    """Raises SetupError for an unfinished run, and where there are no rows with page images and texts."""
    if collection.is_run:
        run = collection.read_job().run
        if not read_status(run)["complete"]:
            raise SetupError(f"The run {run.url} is not finished: `docmatix build` continues it.")
    first = next(collection.rows(), None)
    if first is None:
        why = "`docmatix inspect --dropped` shows why" if collection.is_run else "give another dataset"
        raise SetupError(f"There are no samples in {collection.path}: {why}.")
    if "images" not in first:
        raise SetupError("These rows have no page images: export from the run.")
    read_texts(first)
