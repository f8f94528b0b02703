"""What all exports read: samples of a dataset, whichever of its schemas it has, and their division into splits."""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from docmatix.errors import SetupError

_SUFFIXES = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A page image: its name (`DOC-PAGE.jpg`, the same in every export) and its bytes as they are in the dataset."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """A pair as exports need it. `page` is the index in the sample's pictures of the page that the answer stands on
    (the first of them, by its evidence); None where that is not known."""

    pair_id: str
    question: str
    answer: str
    style: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the dataset. `doc_id` of a dataset without ids (the published Docmatix schema) is a hash of `source`."""

    sample_id: str
    doc_id: str
    source_uri: str
    pictures: tuple[Picture, ...]
    questions: tuple[Question, ...]


def read_sample(row: Mapping[str, Any]) -> Sample:
    """A row with its images, as `Collection.rows` gives it."""
    texts = row["texts"]
    source_uri = row.get("source_uri") or texts[0]["source"] or ""
    doc_id = row.get("doc_id") or _hash(source_uri)
    images = row["images"]
    numbers = row.get("page_numbers") or range(1, len(images) + 1)
    sample_id = row.get("sample_id") or f"{doc_id}-{_hash(*(image['bytes'] for image in images))[:8]}"
    stem = doc_id if row.get("doc_id") else sample_id
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


def draw_split(
    keys: Callable[[], Iterable[tuple[str, str]]], *, test: int, train: int, seed: int
) -> dict[tuple[str, str], str]:
    """Draw `test` and `train` samples such that no document is in both; gives the split of each drawn sample.

    `keys` gives the document and the sample id of every sample, and is called twice. Documents are ordered by a hash of
    seed and id. Those for the test split are taken from the start of that order until there are enough samples, and one
    that would only go in by part is in neither split. Raises SetupError where there are too few.
    """
    # rows of one document are adjacent, and each has one sample at least
    documents = (doc_id for doc_id, _ in groupby(keys(), key=lambda key: key[0]))
    drawn = heapq.nsmallest(test + train, ((_mark(doc_id, seed), doc_id) for doc_id in documents))
    order = {doc_id: rank for rank, (_, doc_id) in enumerate(drawn)}
    samples: dict[str, list[str]] = {}
    for doc_id, sample_id in keys():
        if doc_id in order:
            samples.setdefault(doc_id, []).append(sample_id)
    splits: dict[tuple[str, str], str] = {}
    left = deque(sorted(samples, key=order.__getitem__))
    for split, rows in (("test", test), ("train", train)):
        taken: list[tuple[str, str]] = []
        while left and len(taken) < rows:
            doc_id = left.popleft()
            taken += [(doc_id, sample_id) for sample_id in samples[doc_id]]
        splits |= dict.fromkeys(taken[:rows], split)
        if len(taken) < rows:
            raise SetupError(
                f"The dataset has too few samples for {test} test and {train} train ones of different documents; ask"
                " for fewer with --test-rows and --train-rows."
            )
    return splits


def take_split(samples: Iterator[Sample], splits: Mapping[tuple[str, str], str], split: str) -> Iterator[Sample]:
    """The samples of one split, in the order of the dataset."""
    return (sample for sample in samples if splits.get((sample.doc_id, sample.sample_id)) == split)


def _mark(doc_id: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\nsplit\n{doc_id}".encode()).hexdigest()


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "replace")
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()[:32]
