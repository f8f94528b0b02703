"""What `docmatix.open` gives: a dataset as a sequence of samples that show themselves, and what its run left out.

    ds = docmatix.open("runs/quickstart")      # a run, a dataset's folder, OWNER/NAME on the Hub, any fsspec URL
    ds[3]                                      # the pages with evidence boxes, the pairs beside them
    ds.sample(5, seed=0), ds.dropped("ungrounded"), ds.pairs(), ds.compare("runs/other"), ds.try_filters([...])

Lazy: row counts come from the footers of the Parquet files, which are read as far as they are needed, and a row from
the one row group it is in, a piece at a time. Page images are not read before something shows them.
"""

from __future__ import annotations

import io
import posixpath
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate, chain, takewhile
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docmatix.core.draws import draw
from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_line, make_visible, sanitize_for_terminal
from docmatix.dataset.pictures import decode_picture, draw_marks
from docmatix.dataset.rows import check_types, complete_row, read_texts
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PACK, STAGES, VERIFY
from docmatix.review.displays import Pictured, describe_pages, show_folded, show_sample, show_table, show_text
from docmatix.review.dropped_items import describe_favoured, find_losing_shards, iterate_dropped
from docmatix.review.source_pages import PLACES_SHOWN, Place, mark_pages, render_places, show_pairs
from docmatix.storage.bombs import MOST_UNPACKED_BYTES, check_footer, list_texts, measure_texts
from docmatix.storage.errors import describe
from docmatix.storage.run import RunDirectory
from docmatix.storage.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

    from docmatix.core.documents import Refusal
    from docmatix.review.comparison import Comparison
    from docmatix.review.filter_trial import Trial
    from docmatix.stages.support.job import Job

SHOWN = 10
"""Samples that a notebook is shown at once: about 100 kB a page."""

REPLY_SHOWN_CHARS = 300
"""Of a reply that held something malformed: enough to see what the model took the prompt for."""

_READ_AHEAD = 1 << 20
"""Bytes of a column that are read at once. Without it a row group's images are read whole: 100 MB to show one row."""

_HEAVY = ("images", "pdf")
"""Columns that are not read before something shows them."""

_WILDCARDS = frozenset("*?[")
_MAX_PATTERNS = 100
"""Wildcards, and folders to list, of one split in a card."""

_FOOTERS_AT_ONCE = 16
"""A footer on the Hub takes 0.2 s, and the published dataset has 1,300 of them."""


class Sample(Mapping[str, Any]):
    """One row: the published fields by name (`images` as Pillow's), its `pairs`, and its place in the collection."""

    def __init__(self, collection: Collection, position: int, row: Mapping[str, Any]) -> None:
        self.collection, self.position, self.row = collection, position, row
        """`row` is without images."""

    def __getitem__(self, name: str) -> Any:
        return self.images if name == "images" else self.row[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["images", *self.row])

    def __len__(self) -> int:
        return 1 + len(self.row)

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """`question`, `answer`, and what is annotated."""
        return list(_list_pairs(self.row))

    @property
    def title(self) -> str:
        """Where it is from."""
        texts = read_texts(self.row)
        source = self.row.get("source_uri") or (texts[0]["source"] if texts else "")
        pages = describe_pages(self.row.get("page_numbers"))
        return f"{source}, {pages}" if pages else str(source)

    def read_pages(self) -> list[Pictured]:
        """Its pages as image files, with the evidence of its pairs; without annotations the pages count from 1."""
        images = self.collection.read_images(self.position)
        numbers = self.row.get("page_numbers") or range(1, len(images) + 1)
        images = images or [None] * len(numbers)
        return mark_pages([Pictured(number, data) for number, data in zip(numbers, images, strict=True)], self.pairs)

    @property
    def images(self) -> list[Image]:
        """The pages as they were published; one that cannot be read is left out."""
        opened = (decode_picture(page.data, max_width_px=1 << 15) for page in self.read_pages())
        return [image for image in opened if image is not None]

    def draw(self, *, max_width_px: int = 900) -> list[Image]:
        """The pages with the numbered boxes of the evidence drawn in."""
        return draw_pages(self.read_pages(), max_width_px=max_width_px)

    def __repr__(self) -> str:
        from docmatix.review.inspection import describe_row

        return f"[{self.position}] {describe_row(self.row)}"

    def _repr_html_(self) -> str:
        return show_sample(f"[{self.position}] {self.title}", self.read_pages(), self.pairs)


class Samples(Sequence[Sample]):
    """Some samples of a collection, read when they are asked for; a notebook shows the first ten."""

    def __init__(self, collection: Collection, positions: Sequence[int]) -> None:
        self.collection, self.positions = collection, positions

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self.collection, self.positions[index])
        return self.collection[self.positions[index]]

    def __iter__(self) -> Iterator[Sample]:
        for position, row in self.collection.read_rows(self.positions, images=False):
            yield Sample(self.collection, position, row)

    def __repr__(self) -> str:
        shown = [repr(sample) for sample in self[:SHOWN]]
        return "\n\n".join([*shown, *self._say_rest()]) or "no samples"

    def _repr_html_(self) -> str:
        shown = [sample._repr_html_() for sample in self[:SHOWN]]
        return "".join([*shown, *map(show_text, self._say_rest())]) or show_text("no samples")

    def _say_rest(self) -> list[str]:
        rest = len(self) - SHOWN
        return [f"... and {rest:,} more"] if rest > 0 else []


class Collection(Sequence[Sample]):
    """A dataset to look at; `docmatix.open` makes one.

    `path` is a run, a folder with a dataset (`data/*.parquet` or Parquet files), or an fsspec URL of these
    (`hf://datasets/OWNER/NAME`; `OWNER/NAME` means the same). Of a run, what is packed so far. Where a dataset's card
    (`README.md`) names files by configuration and split, those of `train` in `default`, or else the first ones. Pages
    of a run that are in no dataset are rendered from its source, with `fetch` also where that is on another machine.
    Raises SetupError where there is nothing to open.
    """

    def __init__(self, path: str, *, fetch: bool = False) -> None:
        # of a dataset links are followed: the Hub's cache is made of them
        directory = Store(path, follow_links=True)
        directory.require_reachable()
        if directory.local and directory.fs.isfile(directory.root):
            raise SetupError(f"{path} is a file: give the folder of a run (such as runs/NAME) or of a dataset.")
        if not directory.exists("") and path.count("/") == 1 and not path.startswith((".", "/")):
            directory = _open_repository(path)
        directory.require_reachable()
        self.path, self.fetch = path, fetch
        self.is_run = directory.exists("run.yaml") or (directory.local and Store(path).exists("run.yaml"))
        self._run = RunDirectory(path) if self.is_run else None
        self._directory = directory if self._run is None else self._run.store
        self.files = _list_data_files(directory, path) if self._run is None else _list_packed(self._run)
        self._sound: set[str] = set()
        """Files whose footers have been looked through."""
        self._groups: list[tuple[int, ...]] = []
        """Rows of each row group of the first files, as far as footers were read."""

    # --- as a sequence ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        self._read_footers()
        return sum(map(sum, self._groups))

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
        """The rows in order, as plain dicts; without `images` their bytes are not read."""
        for name in self.files:
            with self._open(name) as parquet:
                yield from self._iterate_rows(name, parquet, images=images)

    def read_rows(self, positions: Iterable[int], *, images: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows at these positions, each with its position, in the order given; of each, its row group alone is
        read. Raises IndexError for one that is not there."""
        for (file, group), wanted in _run_together(positions, self._locate):
            with self._open(self.files[file]) as parquet:
                places = iter(wanted)
                position, offset = next(places)
                rows = self._iterate_rows(self.files[file], parquet, images=images, group=group)
                for number, row in enumerate(rows):
                    if number == offset:
                        yield position, row
                        position, offset = next(places, (-1, -1))
                        if position < 0:
                            break

    def read_images(self, position: int) -> list[bytes | None]:
        """The image files of one row, as they are stored."""
        (row,) = (row for _, row in self.read_rows([position]))
        return [image["bytes"] for image in row.get("images") or ()]

    # --- to look at ---------------------------------------------------------------------------------------------------

    def iterate_pairs(self) -> Iterator[dict[str, Any]]:
        """Every pair with its place: `question`, `answer`, `source_uri`, `page_numbers`, `sample` (the position of its
        row) and what is annotated; a few in memory at a time."""
        for position, row in enumerate(self.rows(images=False)):
            place = {"page_numbers": row.get("page_numbers"), "sample": position}
            for pair in _list_pairs(row):
                yield {**place, **pair}

    def pairs(self, *, limit: int | None = None) -> Any:
        """The pairs as a pandas frame, one a line, each score in a column of its own; `ds[frame.loc[7, "sample"]]` is
        the sample of a line. All texts are in memory then: `limit` takes the first so many."""
        from itertools import islice

        import pandas

        return pandas.DataFrame([_flatten_pair(pair) for pair in islice(self.iterate_pairs(), limit)])

    def sample(self, count: int, *, seed: int = 0) -> Samples:
        """Samples drawn by seed, shown together. On this machine they are drawn by content, so that another order of
        the files draws the same ones; elsewhere by position, which reads no more than the footers."""
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
        """What a run left out, stage by stage, for one reason or any. Raises SetupError if this is not a run."""
        return DroppedItems(self.read_job(), reason, fetch=self.fetch)

    def compare(self, other: str | Collection, *, examples: int = 12) -> Comparison:
        """This run or dataset beside another one over the same documents: which pairs one keeps and the other does not,
        and why."""
        from docmatix.review.comparison import compare_collections

        return compare_collections(self, other if isinstance(other, Collection) else Collection(other), shown=examples)

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The filters of the run as its configuration may say them, defaults left out."""
        chosen = self.read_job().config.curate.filters
        return [{"kind": one.get_name(), **one.model_dump(mode="json", exclude_defaults=True)} for one in chosen]

    def try_filters(self, filters: Sequence[Any] | None = None, *, documents: int = 300, seed: int = 0) -> Trial:
        """What other filters would keep, without a rerun; nothing is written. `filters` are as in the configuration,
        as dicts or as filters; without any, those of the run. At most so many `documents` are tried, drawn by seed out
        of as few shards as hold them, which are drawn too.

        Raises SetupError for a filter that does not exist, and if this is not a run whose pairs are curated.
        """
        from docmatix.review.filter_trial import judge_again, parse_filters, read_judged

        job = self.read_job()
        chosen = parse_filters(job.config, filters)
        if self._judged is None or self._judged[0] != (documents, seed):
            self._judged = (documents, seed), read_judged(job, documents=documents, seed=seed)
        return judge_again(self._judged[1], chosen)

    _judged: tuple[tuple[int, int], Any] | None = None
    """What `try_filters` read last: the second trial takes a fraction of a second."""

    def to_datasets(self, *, streaming: bool = False) -> Any:
        """The rows as a `datasets.Dataset`, or with `streaming` as an `IterableDataset`; images are images."""
        try:
            import datasets

            from docmatix.review.image_feature import PageImage
        except ImportError:
            raise SetupError("This needs the package `datasets`: pip install 'docmatix[datasets]'.") from None
        if not self.files:
            raise SetupError(f"{self.path} has no dataset yet: the build is not complete.")
        if not streaming:  # all of them are read at once
            self._read_footers()
        addresses = [self._directory.path(name) for name in self.files]
        if not self._directory.local:
            addresses = [self._directory.fs.unstrip_protocol(address) for address in addresses]
        with self._open(self.files[0]) as parquet:
            # by its types alone: what the file says of its features is a stranger's, and may be anything
            features = datasets.Features.from_arrow_schema(parquet.schema_arrow.remove_metadata())
        if "images" in features:
            features["images"] = datasets.List(PageImage())
        loaded = datasets.load_dataset(
            "parquet", data_files={"train": addresses}, split="train", streaming=streaming, features=features
        )
        if "images" in features:  # what comes out of the cache of `datasets` has its own kind of image
            loaded.info.features["images"] = features["images"]
        return loaded

    def read_job(self) -> Job:
        """The job of the run. Raises SetupError if this is not a run."""
        if self._run is None:
            raise SetupError("Only a run knows what was dropped, and what was asked: give the run directory.")
        from docmatix.driver.build import read_job

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

    # --- reading ------------------------------------------------------------------------------------------------------

    def _open(self, name: str) -> _OwnedParquetFile:
        """Raises SetupError for a file that cannot be read, that would unpack to gigabytes, or of other types."""
        source = self._directory.open(name)
        try:
            parquet = _OwnedParquetFile(source)
            if name not in self._sound:
                check_footer(parquet.metadata, source.seek(0, io.SEEK_END))
                check_types(parquet.schema_arrow)
                self._sound.add(name)
        except (pa.ArrowException, OSError, ValueError) as error:
            source.close()
            raise self._blame(name, error) from None
        return parquet

    def _iterate_rows(
        self, name: str, parquet: _OwnedParquetFile, *, images: bool, group: int | None = None
    ) -> Iterator[dict[str, Any]]:
        rows = parquet.iterate_rows(images=images, groups=range(parquet.num_row_groups) if group is None else [group])
        while True:
            try:
                if (row := next(rows, None)) is None:
                    return
                row = complete_row(row)
            # Arrow raises what it likes for damage, and Python for dates and texts that it does not have
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                raise self._blame(name, error) from None
            yield row

    def _blame(self, name: str, error: Exception) -> SetupError:
        why = str(error) if type(error) is ValueError else describe(error)
        return SetupError(make_visible(f"{name} of {self.path} cannot be read: {why.rstrip('.')}."))

    def _read_footers(self, *, beyond: int | None = None) -> None:
        """Read on until the row `beyond` is known of, or all; more at a time the further it is."""

        def count(name: str) -> tuple[int, ...]:
            with self._open(name) as parquet:
                footer = parquet.metadata
                return tuple(footer.row_group(group).num_rows for group in range(footer.num_row_groups))

        at_once = 1 if beyond is not None else _FOOTERS_AT_ONCE
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            while len(self._groups) < len(self.files) and (beyond is None or sum(map(sum, self._groups)) <= beyond):
                self._groups += pool.map(count, self.files[len(self._groups) :][:at_once])
                at_once = min(_FOOTERS_AT_ONCE, 2 * at_once)

    def _locate(self, position: int) -> tuple[int, int, int]:
        """File, row group, and place in it. Raises IndexError for a row that is not there."""
        self._read_footers(beyond=position)
        rest = position
        for file, groups in enumerate(self._groups):
            if rest < sum(groups):
                ends = list(accumulate(groups))
                group = bisect_right(ends, rest)
                return file, group, rest - (ends[group] - groups[group])
            rest -= sum(groups)
        raise IndexError(f"There is no sample {position} in {self.path}: it has {position - rest:,}.")


class _OwnedParquetFile(pq.ParquetFile):  # type: ignore[misc]
    """Closes the stream it was given, which pyarrow leaves open."""

    def __init__(self, source: Any) -> None:
        self._owned = source
        super().__init__(source, buffer_size=_READ_AHEAD)

    def close(self, force: bool = True) -> None:
        super().close(force)
        self._owned.close()

    def iterate_rows(self, *, images: bool, groups: Iterable[int]) -> Iterator[dict[str, Any]]:
        """The rows of row groups as dicts. Raises ValueError where there are fewer than claimed, or where texts would
        be gigabytes once they are written out."""
        names = self.schema_arrow.names
        heavy = [name for name in names if name in _HEAVY] if images else []
        for group in groups:
            claimed = self.metadata.row_group(group).num_rows
            light = self._decode_texts(group, [name for name in names if name not in _HEAVY], claimed)
            pictures = self.iter_batches(1, row_groups=[group], columns=heavy, use_threads=False) if heavy else None
            found = 0
            for row in light:
                batch = next(pictures, None) if pictures is not None else None
                found += 1
                yield row if batch is None else batch.to_pylist()[0] | row
            if found < claimed:
                raise ValueError("it has fewer rows than it claims")

    def _decode_texts(self, group: int, columns: Sequence[str], claimed: int) -> Iterator[dict[str, Any]]:
        if not columns:
            yield from ({} for _ in range(claimed))
            return
        schema = pa.schema([self.schema_arrow.field(name) for name in columns])
        texts = [path for path in list_texts(self.schema) if path.partition(".")[0] in columns]
        measured = pq.ParquetFile(
            self._owned, buffer_size=_READ_AHEAD, metadata=self.metadata, read_dictionary=texts or None
        )
        for batch in measured.iter_batches(64, row_groups=[group], columns=columns, use_threads=False):
            if (size := measure_texts(batch)) > MOST_UNPACKED_BYTES:
                raise ValueError(f"{len(batch)} of its rows hold {size:,} bytes of text")
            yield from batch.cast(schema).to_pylist()


def _run_together(
    positions: Iterable[int], locate: Callable[[int], tuple[int, int, int]]
) -> Iterator[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Row groups in turn, each with the positions that one pass over it gives and their places in it."""
    current: tuple[int, int] | None = None
    wanted: list[tuple[int, int]] = []
    for position in positions:
        file, group, offset = locate(position)
        if current is not None and (current != (file, group) or offset <= wanted[-1][1]):
            yield current, wanted
            wanted = []
        current = file, group
        wanted.append((position, offset))
    if current is not None:
        yield current, wanted


def _list_pairs(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    texts = read_texts(row)
    annotations = row.get("annotations") or [{}] * len(texts)
    for text, annotation in zip(texts, annotations, strict=True):
        source = row.get("source_uri") or text["source"]
        yield {"question": text["user"], "answer": text["assistant"], "source_uri": source, **annotation}


def _flatten_pair(pair: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in pair.items() if name not in ("scores", "evidence")}
    flat |= pair.get("scores") or {}
    if "evidence" in pair:
        flat["evidence_pages"] = [evidence["page"] for evidence in pair["evidence"] or ()]
    return flat


def _open_repository(path: str) -> Store:
    try:
        directory = Store(f"hf://datasets/{path}")
        directory.require_reachable()
    except SetupError as error:
        raise SetupError(f"There is no {path} here, and the Hub cannot be asked for it ({error})") from None
    return directory


def _list_packed(run: RunDirectory) -> list[str]:
    """The files of a run's dataset that are committed: others in their folder are not whole, or of another division."""

    def find(shard: int) -> str | None:
        record = run.read_record(PACK, shard)
        return record.file if record is not None and run.size(record.file) == record.size else None

    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        return [name for name in pool.map(find, run.shards(PACK)) if name is not None]


def _list_data_files(directory: Store, path: str) -> list[str]:
    from docmatix.dataset.published_card import matches_pattern

    if named := _choose_split(_read_head(directory)):
        config, split, patterns = named
        _check_patterns(patterns, path)
        listed = {folder: _find_parquet(directory, folder) for folder in set(map(_take_folder, patterns))}
        exact = {pattern for pattern in patterns if not _is_wild(pattern)}
        files = exact.intersection(chain.from_iterable(listed.values()))
        for pattern in set(patterns) - exact:
            files |= {name for name in listed[_take_folder(pattern)] if matches_pattern(name, pattern)}
        if files:
            return sorted(files)
        missing = f"The card of {path} leads to no file of the split {split} of {config}, which may not be whole yet"
    else:
        for folder in ("data", "dataset/data", ""):
            if found := [posixpath.join(folder, n) for n in directory.names(folder) if n.endswith(".parquet")]:
                return found
        missing = f"There is neither a run nor a dataset in {path}"
    # not all that lies below: the folder may be somebody's home
    if folders := sorted({posixpath.dirname(name) for name in _find_parquet(directory, maxdepth=3)} - {""}):
        url = f"{directory.url.rstrip('/')}/{folders[0]}"
        raise SetupError(f"{missing}; there are Parquet files in {', '.join(folders)}: open one of these, as {url}.")
    raise SetupError(f"{missing}.")


def _check_patterns(patterns: Sequence[str], path: str) -> None:
    """Raises SetupError where a card's patterns cannot be read, or would take hours to follow."""
    if strange := [part for pattern in patterns for part in pattern.split("/") if "**" in part and part != "**"]:
        raise SetupError(
            f"The card of {path} does not name files in a way that can be read: '**' stands alone between slashes,"
            f" not as in {strange[0]!r}."
        )
    if max(len(set(filter(_is_wild, patterns))), len(set(map(_take_folder, patterns)))) > _MAX_PATTERNS:
        raise SetupError(
            f"The card of {path} names files by more than {_MAX_PATTERNS} wildcards or folders: open the folder of its"
            " files instead."
        )


def _read_head(directory: Store) -> Mapping[str, Any]:
    """The metadata of the dataset's card; nothing where it has none that can be read."""
    from docmatix.dataset.published_card import MAX_METADATA_BYTES, split_card

    most = 2 * MAX_METADATA_BYTES  # the text below may be of any length
    try:
        if (directory.size("README.md") or 0) <= most:
            card = directory.read("README.md")
        else:
            with directory.open("README.md") as stream:
                card = stream.read(most)
        return split_card(card.decode(errors="replace"))[0]
    except (OSError, ValueError):
        return {}


def _choose_split(head: Mapping[str, Any]) -> tuple[str, str, list[str]] | None:
    """The configuration and split that a reader gets unasked, with the patterns of its files; None where the card names
    no files."""
    from docmatix.dataset.published_card import list_paths

    if not isinstance(head.get("configs"), list) or not (paths := list(list_paths(head))):
        return None
    marked = [entry.get("config_name") for entry in head["configs"] if isinstance(entry, dict) and entry.get("default")]
    # the first of the smallest: the card's order decides where neither name is there
    config = min((config for config, _, _ in paths), key=lambda name: (name not in marked, name != "default"))
    split = min((split for of, split, _ in paths if of == config), key=lambda name: name != "train")
    return config, split, [path.removeprefix("./") for *of, path in paths if of == [config, split]]


def _take_folder(pattern: str) -> str:
    """The folder that all files of a pattern lie in, as far as it is said."""
    return "/".join(takewhile(lambda part: not _is_wild(part), pattern.split("/")[:-1]))


def _is_wild(pattern: str) -> bool:
    return not _WILDCARDS.isdisjoint(pattern)


def _find_parquet(directory: Store, folder: str = "", *, maxdepth: int | None = None) -> list[str]:
    """The Parquet files in a folder and below, by their paths from the dataset's; nothing outside of that one."""
    try:
        found = directory.fs.find(directory.path(folder).rstrip("/"), maxdepth=maxdepth)
    except FileNotFoundError:
        return []
    names = (posixpath.relpath(name, directory.root) for name in found if name.endswith(".parquet"))
    return sorted(name for name in names if not name.startswith("../"))


def _show_ledger(run: RunDirectory) -> str:
    rows = [
        (stage, unit, account.entered, account.kept, ", ".join(f"{why} {n:,}" for why, n in account.dropped.items()))
        for stage in STAGES
        for unit, account in run.ledger(stage).accounts.items()
    ]
    return show_folded(
        "what came in, and what became of it", show_table(("stage", "unit", "in", "out", "dropped"), rows)
    )


def draw_pages(pages: Iterable[Pictured], *, max_width_px: int) -> list[Image]:
    """The pages that can be read, their marks drawn in."""
    opened = ((decode_picture(page.data, max_width_px=max_width_px), page.marks) for page in pages)
    return [draw_marks(picture, marks) for picture, marks in opened if picture is not None]


# --- what was left out ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that was left out: at which stage, what it was, why, and what is known about it.

    `pair` is there for a pair: its fields as curate left them, `said` where the model was asked again. `place` says
    where to look, unless the document itself could not be read.
    """

    stage: str
    reason: str
    what: str
    detail: str
    pair: Mapping[str, Any] | None = field(default=None, compare=False)
    place: Place | None = field(default=None, compare=False)

    def describe(self) -> str:
        """Some lines for the terminal."""
        what = [make_visible(str(self.what))]
        if self.pair is not None:
            what = [f"Q {make_line(self.pair['question'])}", f"A {make_line(self.pair['answer'])}"]
            if self.reason == "round_trip_failed":
                what.append(f"asked again, the model said: {make_line(str(self.pair['said']))}")
        lines = [*what, *([make_visible(self.detail)] if self.detail else [])]
        return "\n".join([make_visible(f"{self.stage}: {self.reason}"), *(f"   {line}" for line in lines)])


class DroppedItems(Iterable[Dropped]):
    """What a run left out, read again by every loop. A notebook is shown counts, or for one reason some of the items,
    with their pages rendered from the source where that is still there."""

    def __init__(self, job: Job, reason: str | None, *, fetch: bool = False) -> None:
        self._job, self.reason, self._fetch = job, reason, fetch

    def __iter__(self) -> Iterator[Dropped]:
        return self._read(replies=True)

    def _read(self, *, replies: bool) -> Iterator[Dropped]:
        items = _read_dropped(self._job, self.reason, replies=replies)
        return (item for item in items if self.reason is None or item.reason == self.reason)

    def count(self) -> Counter[tuple[str, str]]:
        """How many were left out, by stage and reason; one pass."""
        return Counter((item.stage, item.reason) for item in self._read(replies=False))

    def sample(self, count: int, *, seed: int = 0) -> list[Dropped]:
        """Some of them, drawn by content and seed."""
        return draw(self, count, seed=seed, key=lambda item: f"{item.stage}{item.what}{item.detail}")

    def read_pages(
        self, items: Sequence[Dropped], *, limit: int = PLACES_SHOWN, refused: dict[Place, Refusal] | None = None
    ) -> dict[Place, list[Pictured]]:
        """The pages of these items, rendered from the source; see `render_places`."""
        places = (item.place for item in items if item.place is not None)
        return render_places(self._job, places, limit=limit, fetch=self._fetch, refused=refused)

    def __repr__(self) -> str:
        if self.reason is None:
            counts = [f"{stage}: {reason} {count:,}" for (stage, reason), count in sorted(self.count().items())]
            return "\n".join(map(make_visible, counts)) or "nothing was dropped"
        shown = [item.describe() for item in self.sample(SHOWN)]
        return "\n".join(shown) or make_visible(f"nothing was dropped as {self.reason}")

    def _repr_html_(self) -> str:
        counts = self.count()
        if not counts:
            return show_text("nothing was dropped" + (f" as {self.reason}" if self.reason else ""))
        if self.reason is None:
            rows = [(stage, reason, count) for (stage, reason), count in sorted(counts.items())]
            return show_table(("stage", "reason", "dropped"), rows)
        items = self.sample(SHOWN)
        some = f"; {len(items)} of them" if len(items) < counts.total() else ""
        shown = show_text(f"{counts.total():,} dropped as {self.reason}{some}:")
        return shown + self._show_items(items)

    def _show_items(self, items: Sequence[Dropped]) -> str:
        pages = self.read_pages(items)
        shown = ""
        for place in dict.fromkeys(item.place for item in items):
            here = [item for item in items if item.place == place]
            pairs = [item.pair for item in here if item.pair is not None]
            others = [(item.stage, item.what, item.detail) for item in here if item.pair is None]
            if others:
                shown += show_table(("stage", "what", "detail"), others)
            if place is not None and pairs:
                shown += show_pairs(pages, place, pairs)
            elif place in pages:
                shown += show_sample("", pages[place], ())
        return shown


def _read_dropped(job: Job, reason: str | None, *, replies: bool) -> Iterator[Dropped]:
    """What was dropped for a reason, or any. The `replies`, the bulk of a run, are not read where what the model said
    is not asked for."""
    uris: dict[int, str] = {}
    said: dict[str, str] = {}
    shard_read: int | None = None
    for item in iterate_dropped(job, reason):
        row, shard = item.row, item.shard
        what, detail, place = row.get("source_uri", ""), row.get("detail") or "", None
        if item.stage == EXTRACT and item.page is not None:
            place = Place(shard, row["index"], row["doc_id"], (item.page,))
            what, detail = f"{what}, page {item.page}", ""
        elif item.stage == DEDUP:
            place = Place(shard, row["index"], row["doc_id"], (1,))
            detail = describe_favoured(row)
        elif item.stage == GENERATE:
            if shard != shard_read:
                shard_read = shard
                uris = _read_source_uris(job, shard)
                said = _read_malformed(job, shard, reason) if replies else {}
            place = Place(shard, row["index"], row["doc_id"], tuple(row["page_numbers"]))
            what = f"{uris[row['index']]}, {describe_pages(row['page_numbers'])}"
            if item.units == ("pairs",):
                detail = said.get(row["request_id"], "")
        elif item.stage == VERIFY:
            what = row["pair_id"]
        yield Dropped(item.stage, item.reason, what, detail, place=place)
    for shard in find_losing_shards(job, CURATE, reason):
        said = {}
        if VERIFY in job.stages and reason in (None, "round_trip_failed"):
            columns = ["pair_id", "reply"]
            said = {row["pair_id"]: row["reply"] for row in job.run.iterate_rows(VERIFY, shard, columns=columns)}
        for row in _iterate_dropped_pairs(job, shard, reason):
            yield _describe_dropped_pair(row, shard, said.get(row["pair_id"]))


def _read_source_uris(job: Job, shard: int) -> dict[int, str]:
    rows = job.run.iterate_rows(EXTRACT, shard, columns=["index", "source_uri"])
    return {row["index"]: row["source_uri"] for row in rows}


def _read_malformed(job: Job, shard: int, reason: str | None) -> dict[str, str]:
    """The beginning of each reply that had something malformed in it for a reason, or any, by request id."""
    columns = ["request_id", "malformed"]
    wanted = {
        row["request_id"]
        for row in job.run.iterate_rows(GENERATE, shard, columns=columns)
        if (reason in (row["malformed"] or ()) if reason else row["malformed"])
    }
    said: dict[str, str] = {}
    # those that the record names: others may be half written, or of other prompts
    for name in job.record(GENERATE, shard).extra.get("replies", ()) if wanted else ():
        for row in job.run.iterate_file(f"generate/replies/{name}", columns=["request_id", "content"]):
            if row["request_id"] in wanted:
                # not by words, which a reply that runs away has none of
                content = " ".join(row["content"][: 2 * REPLY_SHOWN_CHARS].split())
                more = "..." if len(content) > REPLY_SHOWN_CHARS else ""
                said[row["request_id"]] = f"the model said: {content[:REPLY_SHOWN_CHARS]}{more}"
    return said


def _iterate_dropped_pairs(job: Job, shard: int, reason: str | None) -> Iterator[dict[str, Any]]:
    """The curated rows that were dropped for a reason, or any. The others, mostly the larger part, stay Arrow's."""
    name = job.run.part_name(CURATE, job.record(CURATE, shard))
    for batch in job.run.iterate_batches(name, at_once=256):
        reasons = batch["reason"]
        chosen = pc.is_valid(reasons) if reason is None else pc.equal(reasons, reason)
        yield from batch.filter(chosen).to_pylist()


def _describe_dropped_pair(row: dict[str, Any], shard: int, said: str | None) -> Dropped:
    scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items() if value is not None)
    what = f"Q {row['question']}\n   A {row['answer']}"
    if row["reason"] == "round_trip_failed":
        what += f"\n   asked again, the model said: {said}"
    return Dropped(
        CURATE,
        row["reason"],
        what,
        f"{row['source_uri']}, {describe_pages(row['page_numbers'])}; {scores}",
        pair={**row, "said": said if row["reason"] == "round_trip_failed" else None},
        place=Place(shard, row["index"], row["doc_id"], tuple(row["page_numbers"])),
    )
