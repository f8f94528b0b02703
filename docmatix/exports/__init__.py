"""Exports: a dataset in the shapes that other people's code reads. One module a format, all of them alike:

    write_split(samples, folder, *, split, name) -> Counter     pairs left out, by reason

To add a format, write such a module and name it in `FORMATS`. `pdf` alone reads the source instead of the dataset.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import docmatix
from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_visible
from docmatix.dataset.rows import read_texts
from docmatix.exports import docvqa, florence2, llava, messages, mp_docvqa, pdf, webdataset
from docmatix.exports.samples import Sample, draw_split, lacks_images, read_doc_id, read_sample
from docmatix.review.collection import Collection
from docmatix.review.status import read_status

WriteSplit = Callable[..., Counter[str]]

FORMATS: dict[str, WriteSplit] = {
    "docvqa": docvqa.write_split,
    "mp-docvqa": mp_docvqa.write_split,
    "llava": llava.write_split,
    "messages": messages.write_split,
    "florence2": florence2.write_split,
    "webdataset": webdataset.write_split,
}


@dataclass(slots=True)
class Exported:
    """Where an export is, its rows by split (samples; of `pdf`, documents), its pairs, and those left out by reason."""

    folder: Path
    rows: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def counted(self, samples: Iterable[Sample], split: str) -> Iterator[Sample]:
        """The samples, counted as they are taken."""
        for sample in samples:
            self.rows[split] += 1
            self.pairs += len(sample.questions)
            yield sample

    def count(self, pairs: int, left_out: Counter[str]) -> None:
        self.pairs += pairs
        self.left_out += left_out

    def describe(self) -> str:
        counts = ", ".join(f"{count:,} {split}" for split, count in self.rows.items()) or "no"
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
    """Write the dataset of a run, a folder or a Hub repository in another format to the folder `out`.

    With `zero_shot` only a small train and a test split, which share no document (200 and 1,700 rows are those of the
    published Docmatix, whose splits do share one). A sample without one of its page images is left out with its pairs
    (`image_missing`), and so is a pair without a question or an answer (`text_missing`). The folder appears whole or
    not at all. Raises SetupError: unknown format, a folder that is there, a run that is not finished, too few samples,
    rows without page images or that cannot be read, a format that needs a run.
    """
    if format not in (*FORMATS, "pdf"):
        raise SetupError(f"There is no format {format!r}; there are {', '.join([*FORMATS, 'pdf'])}.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SetupError(f"{out} is there already: remove it, or give another folder with -o.")
    collection = docmatix.open(path)
    if format == "pdf" and not collection.is_run:
        raise SetupError("The format pdf takes the documents from the source, which only a run knows: give the run.")
    _check_rows(collection)
    job = collection.read_job() if format == "pdf" else None
    documents: dict[pdf.Key, str] | None = None
    rows: dict[tuple[str, int], str] | None = None
    if zero_shot and job is not None:
        documents = draw_split(partial(pdf.list_keys, job), test=test_rows, train=train_rows, seed=seed)
    elif zero_shot:
        rows = draw_split(partial(_list_keys, collection), test=test_rows, train=train_rows, seed=seed)
    exported = Exported(out)
    aside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for split in ("train", "test") if zero_shot else ("train",):
            if job is not None:
                exported.rows[split], pairs, left_out = pdf.write_documents(job, aside, split=split, chosen=documents)
                exported.count(pairs, left_out)
            else:
                positions = None
                if rows is not None:
                    positions = sorted(position for (_, position), each in rows.items() if each == split)
                samples = exported.counted(_read_samples(collection, positions, exported.left_out), split)
                written = FORMATS[format](samples, aside, split=split, name=Path(path).name)
                exported.count(-written.total(), written)
        if out.exists():
            out.rmdir()
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return exported


def _check_rows(collection: Collection) -> None:
    """Raises SetupError for a run that is not finished, and where there are no rows with page images and texts."""
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


def _list_keys(collection: Collection) -> Iterator[tuple[str, int]]:
    """Document and position of every row, without a look at its images."""
    return ((read_doc_id(row), position) for position, row in enumerate(collection.rows(images=False)))


def _read_samples(collection: Collection, positions: Iterable[int] | None, left_out: Counter[str]) -> Iterator[Sample]:
    """The samples at these positions, or all; `left_out` counts pairs without their page images or their texts."""
    rows = collection.rows() if positions is None else (row for _, row in collection.read_rows(positions))
    for row in rows:
        if lacks_images(row):
            left_out["image_missing"] += len(row["texts"])
            continue
        try:
            sample = read_sample(row)
        except ValueError as error:
            raise SetupError(f"The page numbers of {collection.path} are no numbers ({error}).") from None
        told = tuple(each for each in sample.questions if each.question and each.answer)
        if len(told) < len(sample.questions):
            left_out["text_missing"] += len(sample.questions) - len(told)
        yield replace(sample, questions=told)
