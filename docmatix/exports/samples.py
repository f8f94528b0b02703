"""What formats write: samples of a dataset, whichever of its schemas it has, and their division into splits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from docmatix.core.draws import Smallest
from docmatix.core.errors import SetupError

Place = TypeVar("Place", bound=Hashable)

_SUFFIXES = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp"}

_STEM = re.compile(r"[A-Za-z0-9_-]{1,100}")

IMAGE_MARK = re.compile(r"</?\|?[\w-]*(?:image|img|vision|video)[\w-]*\|?>|\[IMG\w*\]", re.IGNORECASE)
"""Where a processor puts an image: `<image>` (LLaVA, Idefics3), `<|image_pad|>` (Qwen), `[IMG]` (Pixtral), ..."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page image: its name (`DOC-PAGE.jpg`, the same in every export) and its bytes as they are in the dataset."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """A pair as formats need it. `page` is the index of the picture that the answer stands on (the first of its
    evidence), or None where that is unknown."""

    pair_id: str
    question: str
    answer: str
    style: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the dataset, or a document with all of its pairs. Without ids in the dataset, `doc_id` is a hash of
    `source`. Ids are data: files are named by `stem` and by the names of the pictures."""

    sample_id: str
    doc_id: str
    source_uri: str
    pictures: tuple[Picture, ...]
    questions: tuple[Question, ...]
    pdf: bytes = b""
    """The document's file, for a format that needs a run; it has no pictures then."""

    @property
    def stem(self) -> str:
        """The name of the sample's files, without a suffix."""
        return _make_stem(self.sample_id)


def lacks_images(row: Mapping[str, Any]) -> bool:
    """Whether a page image is missing from the row, as where a dataset only refers to image files."""
    return not row["images"] or any(not (image and image.get("bytes")) for image in row["images"])


def read_doc_id(row: Mapping[str, Any]) -> str:
    """The document of a row; its images are not needed."""
    return str(row.get("doc_id") or _hash(_read_source(row)))


def read_sample(row: Mapping[str, Any]) -> Sample:
    """A row with its images, as `Collection.rows` gives it; `lacks_images` does not hold for it."""
    texts = row["texts"]
    source_uri = _read_source(row)
    doc_id = read_doc_id(row)
    images = row["images"]
    numbers = list(map(int, row.get("page_numbers") or range(1, len(images) + 1)))
    sample_id = str(row.get("sample_id") or f"{doc_id}-{_hash(*(image['bytes'] for image in images))[:8]}")
    stem = _make_stem(doc_id if row.get("doc_id") else sample_id)
    pictures = tuple(
        Picture(f"{stem}-{number}.{_SUFFIXES.get(image['bytes'][:2], 'img')}", image["bytes"])
        for number, image in zip(numbers, images, strict=True)
    )
    places = {number: index for index, number in enumerate(numbers)}
    questions = []
    for index, text in enumerate(texts):
        annotation = row["annotations"][index] if row.get("annotations") else {}
        evidence = annotation.get("evidence") or ()
        page = places.get(evidence[0]["page"]) if evidence else None
        questions.append(
            Question(
                pair_id=annotation.get("pair_id") or _hash(sample_id, text["user"], text["assistant"]),
                question=text["user"],
                answer=text["assistant"],
                style=annotation.get("style"),
                page=0 if len(images) == 1 else page,
            )
        )
    return Sample(sample_id, doc_id, source_uri, pictures, tuple(questions))


def without_image_marks(samples: Iterable[Sample], left_out: Counter[str]) -> Iterator[Sample]:
    """The samples that have pairs left once those with an image mark in their text are removed (`image_mark`): a
    processor counts all marks, wherever they come from, and stops at one too many."""
    for sample in samples:
        told = tuple(each for each in sample.questions if not IMAGE_MARK.search(f"{each.question}\n{each.answer}"))
        if len(told) < len(sample.questions):
            left_out["image_mark"] += len(sample.questions) - len(told)
        if told:
            yield replace(sample, questions=told)


def draw_split(
    keys: Callable[[], Iterable[tuple[str, Place]]], *, test: int, train: int, seed: int
) -> dict[tuple[str, Place], str]:
    """Draw `test` and `train` rows such that no document is in both splits; yields the split of each drawn row. `keys`,
    which is called twice, gives each row's document and what distinguishes its rows. The last document of a split may
    be drawn in part. Raises SetupError if there are too few rows."""
    # documents in the order of a hash of seed and id: first those of the test split, then those of the train split
    # rows of one document are adjacent, and each has one row at least
    documents = (doc_id for doc_id, _ in groupby(keys(), key=lambda key: key[0]))
    drawn: Smallest[str] = Smallest(test + train, seed=seed)
    for doc_id in documents:
        drawn.add(f"split\n{doc_id}", doc_id)
    order = {doc_id: rank for rank, doc_id in enumerate(drawn.items())}
    places: dict[str, list[Place]] = {}
    for doc_id, place in keys():
        if doc_id in order:
            places.setdefault(doc_id, []).append(place)
    splits: dict[tuple[str, Place], str] = {}
    left = deque(sorted(places, key=order.__getitem__))
    for split, rows in (("test", test), ("train", train)):
        taken: list[tuple[str, Place]] = []
        while left and len(taken) < rows:
            doc_id = left.popleft()
            taken += [(doc_id, place) for place in places[doc_id]]
        splits |= dict.fromkeys(taken[:rows], split)
        if len(taken) < rows:
            raise SetupError(
                f"The dataset has too few rows for {test} test and {train} train ones of different documents; ask for"
                " fewer with --test-rows and --train-rows."
            )
    return splits


def _read_source(row: Mapping[str, Any]) -> str:
    return row.get("source_uri") or (row["texts"][0]["source"] if row["texts"] else None) or ""


def _make_stem(identifier: str) -> str:
    # ids come from datasets of strangers: nothing in them may lead out of a folder, or end the stem early
    return identifier if _STEM.fullmatch(identifier) else _hash(identifier)


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "replace")
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()[:32]
