"""Opens the questions of a data set: a run, the Parquet files of a folder or a repository, or JSON beside images."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import orjson

from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.terminal import make_visible
from docmatix.evaluation.page_texts import PageTexts
from docmatix.evaluation.settings import Evaluation
from docmatix.evaluation.shapes import LeftOut, Question, find_shape
from docmatix.review.dataset_files import choose_files, list_data_files, list_packed, open_directory
from docmatix.review.dataset_reader import DatasetReader
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from docmatix.storage.store import Store

MOST_JSON_BYTES = 128 << 20
MOST_IMAGE_BYTES = 64 << 20
_SUFFIXES = ("", ".jpg", ".png", ".jpeg", ".webp")


class Rows(Protocol):
    """Where questions come from."""

    names: list[str]
    """The columns."""

    def rows(self, *, images: bool) -> Iterator[dict[str, Any]]: ...

    def read_row(self, position: int) -> dict[str, Any]: ...

    def load_image(self, image: Any) -> bytes | None:
        """The file of an image that a row holds, or names; None where it is missing."""


class Questions:
    """The questions of a data set, in its order, and which were left out. Raises SetupError where there are none that
    can be read, or not what is to be answered from."""

    def __init__(self, path: str, settings: Evaluation, *, split: str | None = None) -> None:
        self.path, self.left_out = path, LeftOut()
        self._rows, run = _open_rows(path, split)
        self.shape = find_shape(self._rows.names, settings.columns, where=path)
        self._shows = settings.source != "text"
        window = read_job(run).config.window.max_pages if run is not None and self.shape.name == "docmatix" else None
        self.most_pages = min(settings.max_pages, self.shape.most_images or window or settings.max_pages)
        """Of a question that is asked."""
        self._texts = PageTexts(run) if run is not None and settings.columns.page_texts is None else None
        if self._shows and not self.shape.has_images:
            raise SetupError(f"{path} has no page images: evaluate it from texts (`from: text`).")
        if settings.source != "pages" and self._texts is None and not self.shape.has_texts:
            raise SetupError(
                f"{path} has no page texts: have them answered from the pages (`from: pages`) by an engine with"
                " `vision: true`, evaluate the run that made it, or name their column (`columns.page_texts`)."
            )

    def __iter__(self) -> Iterator[Question]:
        for position, row in enumerate(self._rows.rows(images=self._shows)):
            yield from self._complete(self.left_out.accept(self.shape.read(row, position)))

    def read_images(self, position: int, example_id: str) -> list[bytes]:
        """The page images of a question, as they are stored; without those that are missing."""
        for question in self.shape.read(self._rows.read_row(position), position):
            if question.example.example_id == example_id:
                return [data for image in question.images if (data := self._rows.load_image(image)) is not None]
        return []

    def _complete(self, questions: Iterator[Question]) -> Iterator[Question]:
        """The questions with the files of their images, and with the texts of their pages."""
        named: tuple[Any, ...] | None = None
        images: tuple[bytes | None, ...] = ()
        for question in questions:
            if self._shows:
                if question.images is not named:  # the questions of a row share theirs
                    named, images = question.images, tuple(map(self._rows.load_image, question.images))
                question.images = images
            if self._texts is not None:
                example = question.example
                language, texts = self._texts.find(example.doc_id or "", example.page_numbers)
                question.example = replace(example, language=example.language or language)
                question.texts = texts
            yield question


def _open_rows(path: str, split: str | None) -> tuple[Rows, Run | None]:
    """The rows of a data set, and the run if it is one's."""
    if path.endswith(".json"):
        folder, _, name = path.rpartition("/")
        return JsonRows(Store(folder or "."), name, path=path), None
    directory, run = open_directory(path)
    if run is not None:
        files = choose_files(list_packed(run), path, split)
        if not files:
            raise SetupError(f"The run {path} has no dataset yet: `docmatix build` continues it.")
        return ParquetRows(DatasetReader(directory, files, path=path)), run
    try:
        files = list_data_files(directory, path, split=split)
    except SetupError:
        if not (found := [name for name in directory.names("") if name.endswith(".json")]):
            raise
        (name, *others) = choose_files(found, path, split)
        if others:
            raise SetupError(
                f"{path} has several files of questions ({make_visible(', '.join([name, *others][:12]))}): choose one,"
                " by --split or its path."
            ) from None
        return JsonRows(Store(path), name, path=path), None
    return ParquetRows(DatasetReader(directory, files, path=path)), None


class ParquetRows:
    """Rows of Parquet files, which hold their images: names of files in them are not followed."""

    def __init__(self, reader: DatasetReader) -> None:
        self._reader = reader
        self.names = list(reader.read_schema().names)

    def rows(self, *, images: bool) -> Iterator[dict[str, Any]]:
        return self._reader.rows(images=images)

    def read_row(self, position: int) -> dict[str, Any]:
        return next(row for _, row in self._reader.read_rows([position]))

    def load_image(self, image: Any) -> bytes | None:
        return image if isinstance(image, bytes) else None


class JsonRows:
    """The entries of a JSON file in the form of DocVQA, whose images are files below its folder."""

    def __init__(self, folder: Store, name: str, *, path: str) -> None:
        self._folder, self._path = folder, path
        self._entries = self._read_entries(name)
        self.names = list(self._entries[0])
        self.load_image = lru_cache(maxsize=32)(self._load_image)  # the questions of a page follow each other

    def rows(self, *, images: bool) -> Iterator[dict[str, Any]]:
        return iter(self._entries)

    def read_row(self, position: int) -> dict[str, Any]:
        return self._entries[position]

    def _read_entries(self, name: str) -> list[dict[str, Any]]:
        size = self._folder.size(name)
        if size is None:
            raise SetupError(f"There is no {self._path}.")
        if size > MOST_JSON_BYTES:
            raise SetupError(
                f"{make_visible(name)} of {self._path} is larger than {MOST_JSON_BYTES >> 20} MiB: evaluate the data"
                " set as Parquet."
            )
        try:
            content = orjson.loads(self._folder.read(name))
        except ValueError as error:
            raise SetupError(f"{make_visible(name)} of {self._path} is not valid JSON: {error}.") from None
        entries = content.get("data") if isinstance(content, dict) else content
        if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
            raise SetupError(f"{make_visible(name)} of {self._path} holds no list of questions (`data`).")
        return entries

    def _load_image(self, image: Any) -> bytes | None:
        if not isinstance(image, str) or not _is_below(image):
            return None
        for suffix in _SUFFIXES:
            try:
                size = self._folder.size(image + suffix)
                if size is not None:
                    return self._folder.read(image + suffix) if size <= MOST_IMAGE_BYTES else None
            except (DocmatixError, OSError, ValueError):  # a link, a folder, a name that is none
                return None
        return None


def _is_below(name: str) -> bool:
    """Whether a name leads to a file below the folder that it is looked up in."""
    return not (
        name.startswith(("/", "~"))
        or "\\" in name
        or "\0" in name
        or "://" in name
        or ".." in name.split("/")
        or posixpath.normpath(name) == "."
    )
