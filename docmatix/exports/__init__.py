"""Exports: a dataset in the shapes that other people's code reads. One module a format, all of them alike:

    write_split(samples, folder, *, split, name) -> Counter     pairs left out, by reason

To add a format, write such a module and name it in `FORMATS`. `pdf` alone reads the source instead of the dataset.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docmatix
from docmatix.driver import read_job
from docmatix.errors import SetupError
from docmatix.exports import docvqa, florence2, llava, messages, mp_docvqa, pdf, webdataset
from docmatix.exports.samples import Sample, draw_split, read_sample, take_split
from docmatix.run_directory import RunDirectory

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
        told = f"{self.pairs:,} pairs in {counts} rows: {self.folder}"
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.left_out.items()))
        return f"{told}\nLeft out: {reasons}" if reasons else told


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
    published Docmatix, whose splits do share one). The folder appears whole or not at all. Raises SetupError: unknown
    format, a folder that is there, too few samples, a format that needs a run.
    """
    if format not in (*FORMATS, "pdf"):
        raise SetupError(f"There is no format {format!r}; there are {', '.join([*FORMATS, 'pdf'])}.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SetupError(f"{out} is there already: remove it, or give another folder with -o.")
    collection = docmatix.open(path)
    if format == "pdf" and not collection.is_run:
        raise SetupError("The format pdf takes the documents from the source, which only a run knows: give the run.")
    job = read_job(RunDirectory(path)) if format == "pdf" else None

    def read_samples() -> Iterator[Sample]:
        return map(read_sample, collection.rows())

    def list_keys() -> Iterator[tuple[str, str]]:
        return pdf.list_keys(job) if job else ((sample.doc_id, sample.sample_id) for sample in read_samples())

    chosen = draw_split(list_keys, test=test_rows, train=train_rows, seed=seed) if zero_shot else None
    exported = Exported(out)
    aside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for split in ("train", "test") if chosen is not None else ("train",):
            if job is not None:
                exported.rows[split], pairs, left_out = pdf.write_documents(job, aside, split=split, chosen=chosen)
                exported.count(pairs, left_out)
            else:
                samples = read_samples() if chosen is None else take_split(read_samples(), chosen, split)
                written = FORMATS[format](exported.counted(samples, split), aside, split=split, name=Path(path).name)
                exported.count(-written.total(), written)
        if out.exists():
            out.rmdir()
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return exported
