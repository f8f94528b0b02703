"""The shapes in which data sets hold questions: their columns, and the questions of one row.

Rows are data of strangers: whatever they hold is read, or left out for a named reason, and never followed.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Any

import orjson

from docmatix.core.errors import SetupError
from docmatix.core.pairs import make_storable
from docmatix.core.terminal import make_visible
from docmatix.evaluation.predictions import Example
from docmatix.evaluation.settings import Columns

MOST_QUESTION_CHARS, MOST_ANSWER_CHARS, MOST_ANSWERS = 8_000, 20_000, 64
MOST_IMAGES = 1_000
_MOST_LIST_CHARS = 1 << 16
_MOST_NAMED = 40


@dataclass(slots=True)
class Question:
    """A question with what can be shown for it: for each page an image or None, and a text or None. `images` are
    dropped once they are not needed any more, since the questions of many rows wait for their replies."""

    example: Example
    images: tuple[Any, ...] = ()
    """Bytes of image files; of entries of a JSON file, their names."""
    texts: tuple[str | None, ...] = ()
    position: int = 0
    """Of its row."""

    @property
    def pages(self) -> int:
        return max(len(self.images), len(self.texts), len(self.example.page_numbers))


@dataclass(frozen=True, slots=True)
class Shape:
    """How the questions of a data set are read from its rows."""

    name: str
    read: Callable[[Mapping[str, Any], int], Iterator[Question]]
    has_images: bool = True
    has_texts: bool = False
    most_images: int | None = None
    """Of a question, where the columns tell."""


@dataclass(slots=True)
class LeftOut:
    """Questions that are not asked, since they have no question, no answer, or too long ones; counted by reason."""

    reasons: Counter[str] = field(default_factory=Counter)

    def accept(self, questions: Iterator[Question]) -> Iterator[Question]:
        for question in questions:
            if (reason := _find_fault(question.example)) is None:
                yield question
            else:
                self.reasons[reason] += 1


def find_shape(names: Sequence[str], columns: Columns, *, where: str) -> Shape:
    """The shape of rows with these columns: as `columns` maps them, or a known one. Raises SetupError, with the columns
    that there are, for a mapping to one that is missing and for a shape that is not known."""
    if columns != Columns():
        return _map_columns(names, columns, where=where)
    has = set(names)
    if {"texts"} <= has:
        return Shape("docmatix", _read_docmatix, has_images="images" in has)
    numbered = list(takewhile(has.__contains__, (f"image_{number}" for number in range(1, MOST_IMAGES))))
    if {"question", "answers"} <= has and numbered:
        return Shape("mp-docvqa", partial(_read_mp_docvqa, numbered=numbered), most_images=len(numbered))
    if {"question", "answers", "page_ids"} <= has:
        return Shape("mp-docvqa", _read_mp_docvqa_entry)
    if {"question", "answers", "image"} <= has:
        return Shape("docvqa", _read_docvqa, most_images=1)
    raise SetupError(
        f"The columns of {where} are of no known shape ({_list(names)}): name those of question, answers and images in"
        " the configuration, such as `columns: {question: query, answers: answers, images: [image]}`."
    )


# --- known shapes -----------------------------------------------------------------------------------------------------


def _read_docmatix(row: Mapping[str, Any], position: int) -> Iterator[Question]:
    """Our own rows, and those of the published Docmatix."""
    images = tuple(_read_image(image) for image in row.get("images") or ())
    numbers = tuple(map(_read_number, row.get("page_numbers") or ())) or tuple(range(1, len(images) + 1))
    texts, annotations = row["texts"], row.get("annotations") or ()
    source = row.get("doc_id") or row.get("source_uri") or (texts[0]["source"] if texts else None)
    for index, text in enumerate(texts):
        about = annotations[index] if index < len(annotations) else {}
        example = Example(
            example_id=_read_text(about.get("pair_id")) or f"{position}-{index}",
            question=make_storable(text["user"]),
            answers=_read_answers([text["assistant"]]),
            doc_id=_read_text(source),
            page_numbers=numbers,
            prompt=_read_text(about.get("prompt")),
            style=_read_text(about.get("style")),
            kind=_read_text(about.get("kind")),
            text_from=_read_text(about.get("text_from")),
        )
        yield Question(example, images=images, position=position)


def _read_docvqa(row: Mapping[str, Any], position: int) -> Iterator[Question]:
    """One page a question: DocVQA on the Hub and as JSON, InfographicVQA, and the export `docvqa`."""
    types = row.get("question_types") or row.get("answer_type")  # the latter of InfographicVQA
    kinds = [kind for kind in types if isinstance(kind, str)] if isinstance(types, list) else []
    ours = row.get("pair_id") is not None  # the export has the style in place of the types
    number = _read_number(row.get("ucsf_document_page_no")) or 1
    example = Example(
        example_id=_read_text(row.get("questionId")) or str(position),
        question=_read_text(row.get("question")) or "",
        answers=_read_answers(row.get("answers")),
        doc_id=_read_text(row.get("ucsf_document_id")) or _read_text(row.get("docId")),
        page_numbers=(number,),
        style=kinds[0] if ours and kinds else None,
        kind=None if ours or not kinds else " + ".join(sorted(set(kinds))[:4]),
    )
    yield Question(example, images=(_read_image(row.get("image")),), position=position)


def _read_mp_docvqa(row: Mapping[str, Any], position: int, *, numbered: Sequence[str]) -> Iterator[Question]:
    """Up to twenty pages a question: MP-DocVQA on the Hub."""
    images = tuple(_read_image(row.get(name)) for name in numbered)
    while images and images[-1] is None:  # of shorter documents the last columns are empty
        images = images[:-1]
    yield Question(_make_mp_example(row, position, len(images)), images=images, position=position)


def _read_mp_docvqa_entry(row: Mapping[str, Any], position: int) -> Iterator[Question]:
    """The same as JSON, whose images are files beside it, and the export `mp-docvqa`."""
    images = tuple(f"images/{name}" for name in map(_read_text, _read_list(row.get("page_ids"))[:MOST_IMAGES]) if name)
    yield Question(_make_mp_example(row, position, len(images)), images=images, position=position)


def _make_mp_example(row: Mapping[str, Any], position: int, pages: int) -> Example:
    return Example(
        example_id=_read_text(row.get("questionId")) or str(position),
        question=_read_text(row.get("question")) or "",
        answers=_read_answers(row.get("answers")),
        doc_id=_read_text(row.get("doc_id")),
        page_numbers=tuple(range(1, pages + 1)),
    )


# --- by a mapping -----------------------------------------------------------------------------------------------------


def _map_columns(names: Sequence[str], columns: Columns, *, where: str) -> Shape:
    several = (columns.images,) if isinstance(columns.images, str) else columns.images
    named = {key: value for key, value in columns.model_dump().items() if key != "images" and value is not None}
    for key, name in [*named.items(), *(("images", name) for name in several)]:
        if name not in names:
            raise SetupError(
                f"`columns.{key}` is `{name}`, which {where} does not have; its columns are {_list(names)}."
            )
    for key in ("question", "answers"):
        if key not in named:
            raise SetupError(f"`columns.{key}` is missing: name the column of {where}, which has {_list(names)}.")

    def read(row: Mapping[str, Any], position: int) -> Iterator[Question]:
        images: list[Any] = []
        for name in several:
            value = row.get(name)
            images += map(_read_image, value[:MOST_IMAGES]) if isinstance(value, list) else [_read_image(value)]
        while images and images[-1] is None and len(several) > 1:
            images.pop()
        texts: tuple[str | None, ...] = ()
        if columns.page_texts is not None:
            value = row.get(columns.page_texts)
            texts = tuple(map(_read_text, value[:MOST_IMAGES])) if isinstance(value, list) else (_read_text(value),)
        told = {key: _read_text(row.get(name)) for key, name in named.items() if key not in ("answers", "page_texts")}
        pages = max(len(images), len(texts))
        example = Example(
            example_id=told.pop("id", None) or str(position),
            question=told.pop("question") or "",
            answers=_read_answers(row.get(named["answers"])),
            page_numbers=tuple(range(1, pages + 1)),
            **told,
        )
        yield Question(example, images=tuple(images), texts=texts, position=position)

    return Shape("mapped", read, has_images=bool(several), has_texts=columns.page_texts is not None)


# --- values -----------------------------------------------------------------------------------------------------------


def _find_fault(example: Example) -> str | None:
    """Why a question cannot be asked, or its answer not be judged."""
    if not example.question.strip():
        return "no_question"
    if not example.answers:
        return "no_answer"
    if len(example.question) > MOST_QUESTION_CHARS or max(map(len, example.answers)) > MOST_ANSWER_CHARS:
        return "text_too_long"
    return None


def _read_text(value: Any) -> str | None:
    """A plain value as text; None for none, and for what is no plain value."""
    if isinstance(value, str):
        return make_storable(value) or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else f"{value:,}".replace(",", "")


def _read_number(value: Any) -> int:
    """A page number; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return 0
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0
    return value if 0 <= value < 1_000_000 else 0


def _read_image(value: Any) -> bytes | str | None:
    """The bytes of an image, which `datasets` has in a mapping, or the name of its file in an entry of JSON."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, (bytes, str)) and value else None


def _read_answers(value: Any) -> tuple[str, ...]:
    """All answers that count as right, each once."""
    given = (_read_text(each) for each in _read_list(value))
    return tuple(dict.fromkeys(text for text in given if text and text.strip()))[:MOST_ANSWERS]


def _read_list(value: Any) -> list[Any]:
    """A list, also one that is written as a text, in JSON or as Python does; of another value, itself alone."""
    if isinstance(value, list):
        return value
    if isinstance(value, str) and value[:1] == "[" and value[-1:] == "]" and len(value) <= _MOST_LIST_CHARS:
        for parse in (orjson.loads, ast.literal_eval):
            try:
                read = parse(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
                continue
            if isinstance(read, list) and all(isinstance(each, str) for each in read):
                return read
    return [] if value is None else [value]


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{make_visible(name[:80])}`" for name in names[:_MOST_NAMED]) + more
