"""What `docmatix.open` returns: a dataset as a lazy sequence of samples, and what its run dropped.

ds = docmatix.open("runs/quickstart")      # a run, a dataset's folder, OWNER/NAME on the Hub, any fsspec URL
ds[3], ds.sample(5, seed=0), ds.dropped("ungrounded"), ds.pairs(), ds.compare("runs/other"), ds.try_filters([...])
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from docmatix.core.draws import draw
from docmatix.core.errors import SetupError
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.dataset.rows import read_texts
from docmatix.pipeline import STAGES
from docmatix.review.dataset_files import list_data_files, list_packed, open_directory
from docmatix.review.dataset_reader import DatasetReader
from docmatix.review.displays import show_folded, show_table, show_text
from docmatix.review.dropped_items import DroppedItems
from docmatix.review.samples import Sample, Samples, list_pairs
from docmatix.storage.run import Run

if TYPE_CHECKING:
    from docmatix.review.comparison import Comparison
    from docmatix.review.filter_trial import Trial
    from docmatix.review.found_facts import FoundFacts
    from docmatix.stages.support.job import Job


class Collection(Sequence[Sample]):
    """What is packed so far of a run, or a dataset: a folder, an fsspec URL, or OWNER/NAME on the Hub. Of several
    splits, `train` of `default` is read, or else the first that the card names. With `fetch`, dropped pages are also
    rendered from sources on other machines. Raises SetupError where there is nothing to open."""

    def __init__(self, path: str, *, fetch: bool = False) -> None:
        self.path, self.fetch = path, fetch
        self._directory, self._run = open_directory(path)
        self.is_run = self._run is not None
        self.files = list_data_files(self._directory, path) if self._run is None else list_packed(self._run)
        self._reader = DatasetReader(self._directory, self.files, path=path)

    # --- as a sequence ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._reader.count_rows()

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self, range(len(self))[index])
        position = index if index >= 0 else len(self) + index
        if position < 0:
            raise IndexError(f"There is no sample {index} in {self.path}.")
        return next(Sample(self, found, row) for found, row in self.read_rows([position], images=False))

    def __iter__(self) -> Iterator[Sample]:
        for position, row in enumerate(self.rows(images=False)):
            yield Sample(self, position, row)

    def rows(self, *, images: bool = True) -> Iterator[dict[str, Any]]:
        """The rows in order, as plain dicts; without `images`, image bytes are not read."""
        return self._reader.rows(images=images)

    def read_rows(self, positions: Iterable[int], *, images: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows at these positions, each with its position, in the order given. Raises IndexError past the end."""
        return self._reader.read_rows(positions, images=images)

    def read_images(self, position: int) -> list[bytes | None]:
        """The image files of one row, as stored."""
        (row,) = (row for _, row in self.read_rows([position]))
        return [image["bytes"] for image in row.get("images") or ()]

    # --- to look at ---------------------------------------------------------------------------------------------------

    def iterate_pairs(self) -> Iterator[dict[str, Any]]:
        """Every pair: `question`, `answer`, `source_uri`, `page_numbers`, `sample` (the position of its row) and its
        annotations; a few in memory at a time."""
        for position, row in enumerate(self.rows(images=False)):
            place = {"page_numbers": row.get("page_numbers"), "sample": position}
            for pair in list_pairs(row):
                yield {**place, **pair}

    def pairs(self, *, limit: int | None = None) -> Any:
        """The first `limit` pairs, or all, as a pandas frame with a column for each score; `ds[frame.loc[7, "sample"]]`
        is the sample of a pair."""
        from itertools import islice

        import pandas

        return pandas.DataFrame([_flatten_pair(pair) for pair in islice(self.iterate_pairs(), limit)])

    def sample(self, count: int, *, seed: int = 0) -> Samples:
        """Samples drawn by seed: of local files by content, so that the order of files does not matter; of remote ones
        by position, which reads only the footers."""
        if self._directory.local:
            rows = enumerate(self.rows(images=False))
            drawn = draw(rows, count, seed=seed, key=lambda item: str(read_texts(item[1])))
            return Samples(self, [position for position, _ in drawn])
        chosen = random.Random(seed).sample(range(len(self)), min(count, len(self)))
        return Samples(self, sorted(chosen))

    def sample_pairs(self, count: int, *, seed: int = 0) -> list[dict[str, Any]]:
        """Pairs drawn by content and seed."""
        return draw(
            self.iterate_pairs(),
            count,
            seed=seed,
            key=lambda pair: f"{pair['source_uri']}{pair['question']}{pair['answer']}",
        )

    def dropped(self, reason: str | None = None) -> DroppedItems:
        """What a run dropped, for one reason or any. Raises SetupError if this is not a run."""
        return DroppedItems(self.read_job(), reason, fetch=self.fetch)

    def facts(self, doc_id: str, page_numbers: Sequence[int] | None = None) -> FoundFacts:
        """What was found on pages of a document, or on all of them. Raises SetupError if this is not a run, or has not
        read the document."""
        from docmatix.review.found_facts import find_facts

        return find_facts(self.read_job(), doc_id, page_numbers, fetch=self.fetch)

    def sample_facts(self, count: int, *, seed: int = 0) -> list[FoundFacts]:
        """The same for usable pages drawn by seed, one each. Raises SetupError if this is not a run."""
        from docmatix.review.found_facts import draw_facts

        return draw_facts(self.read_job(), count, seed=seed, fetch=self.fetch)

    def compare(self, other: str | Collection, *, examples: int = 12) -> Comparison:
        """This run or dataset against another over the same documents: which pairs only one of them keeps, and why."""
        from docmatix.review.comparison import compare_collections

        return compare_collections(self, other if isinstance(other, Collection) else Collection(other), shown=examples)

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The filters of the run as a configuration would list them, without defaults."""
        chosen = self.read_job().config.curate.filters
        return [{"kind": one.get_name(), **one.model_dump(mode="json", exclude_defaults=True)} for one in chosen]

    def try_filters(self, filters: Sequence[Any] | None = None, *, documents: int = 300, seed: int = 0) -> Trial:
        """What other `filters` (dicts as in the configuration, or filters; default: the run's own) would keep of some
        `documents`, drawn by seed; writes nothing. Raises SetupError for an unknown filter, and if this is not a run
        with curated pairs."""
        from docmatix.review.filter_trial import judge_again, parse_filters, read_judged

        job = self.read_job()
        chosen = parse_filters(job.config, filters)
        if self._judged is None or self._judged[0] != (documents, seed):
            self._judged = (documents, seed), read_judged(job, documents=documents, seed=seed)
        return judge_again(self._judged[1], chosen)

    _judged: tuple[tuple[int, int], Any] | None = None
    """What `try_filters` read last, so that further trials take a fraction of a second."""

    def to_datasets(self, *, streaming: bool = False) -> Any:
        """The rows as a `datasets.Dataset`, or with `streaming` as an `IterableDataset`, with decoded images."""
        try:
            import datasets

            from docmatix.review.image_feature import PageImage
        except ImportError:
            raise SetupError("This needs the package `datasets`: pip install 'docmatix[datasets]'.") from None
        if not self.files:
            raise SetupError(f"{self.path} has no dataset yet: the build is not complete.")
        if not streaming:  # all of them are read at once
            self._reader.count_rows()
        addresses = [self._directory.path(name) for name in self.files]
        if not self._directory.local:
            addresses = [self._directory.fs.unstrip_protocol(address) for address in addresses]
        # from the types alone: the features that the file declares are untrusted
        features = datasets.Features.from_arrow_schema(self._reader.read_schema().remove_metadata())
        if "images" in features:
            features["images"] = datasets.List(PageImage())
        loaded = datasets.load_dataset(
            "parquet", data_files={"train": addresses}, split="train", streaming=streaming, features=features
        )
        if "images" in features:  # the cache of `datasets` restores its own image feature
            loaded.info.features["images"] = features["images"]
        return loaded

    def read_job(self) -> Job:
        """The job of the run. Raises SetupError if this is not a run."""
        if self._run is None:
            raise SetupError("Only a run knows what was dropped and asked: give the run directory.")
        from docmatix.stages.support.reading import read_job

        return read_job(self._run)

    def __repr__(self) -> str:
        kind = "run" if self.is_run else "dataset"
        files = f"{len(self.files):,} file{'s' * (len(self.files) != 1)}"
        if not self._directory.local:
            return sanitize_for_terminal(f"<{kind} {self.path}: {files}>")
        return sanitize_for_terminal(f"<{kind} {self.path}: {len(self):,} sample{'s' * (len(self) != 1)} in {files}>")

    def _repr_html_(self) -> str:
        shown = show_text(repr(self)[1:-1])
        if self._run is not None:
            shown += _show_ledger(self._run)
        try:
            first = self[0]
        except IndexError:
            return shown
        return shown + first._repr_html_()


def _flatten_pair(pair: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in pair.items() if name not in ("scores", "evidence")}
    flat |= pair.get("scores") or {}
    if "evidence" in pair:
        flat["evidence_pages"] = [evidence["page"] for evidence in pair["evidence"] or ()]
    return flat


def _show_ledger(run: Run) -> str:
    run = run.snapshot()
    rows = [
        (stage, unit, account.entered, account.kept, ", ".join(f"{why} {n:,}" for why, n in account.dropped.items()))
        for stage in STAGES
        for unit, account in run.ledger(stage).accounts.items()
    ]
    return show_folded(
        "what came in, and what became of it", show_table(("stage", "unit", "in", "out", "dropped"), rows)
    )
