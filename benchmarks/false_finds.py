"""What readers find on the pages of `benchmarks.table_pages`: how much of it is a table, and how many tables it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.table_pages import LabelledPage, Matching, find_files, load_labels, match, shrink
from benchmarks.table_readers import PROJECT, Found, Reader, ask
from docmatix.core.documents import Box, Document, Word
from docmatix.pdf.reading import read_document
from docmatix.pdf.settings import Extract

MIN_TRUST = 0.5  # below which nothing is asked about a table


class Page(NamedTuple):
    """A labelled page with its document and its words; its tables and the areas that do not count."""

    label: LabelledPage
    pdf: bytes
    words: Sequence[Word]

    @property
    def true(self) -> list[Box]:
        return [table.box for table in self.label.tables if table.kind != "either"]

    @property
    def either(self) -> list[Box]:
        return [table.box for table in self.label.tables if table.kind == "either"]


class Finds(NamedTuple):
    """What a reader found on a page, beside the truth."""

    page: Page
    boxes: list[Box]
    matching: Matching


class Totals(NamedTuple):
    right: int
    false: int
    missed: int
    merged: int
    split: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def load_pages(folder: Path, *, half: str | None = None) -> list[Page]:
    """The labelled pages whose files a folder has, in all its folders; says which it lacks."""
    labels = load_labels(half)
    files = find_files(folder, (label.doc_id for label in labels))
    words: dict[str, list[Sequence[Word]]] = {}
    for doc_id, pdf in files.items():
        document = read_document(pdf, settings=Extract())
        if isinstance(document, Document):
            words[doc_id] = [page.words for page in document.pages]
    for source in sorted({label.source for label in labels if label.doc_id not in words}):
        print(f"Not in {folder}: {source}")
    return [
        Page(label, files[label.doc_id], words[label.doc_id][label.page - 1])
        for label in labels
        if label.doc_id in words
    ]


def ask_all(
    pages: Sequence[Page], reader: Reader, *, errors: list[str] | None = None
) -> dict[tuple[str, int], list[Found]]:
    """The tables that a reader finds, by document and page; appends why it failed to `errors`."""
    found: dict[tuple[str, int], list[Found]] = {(page.label.doc_id, page.label.page): [] for page in pages}
    wanted: dict[str, list[int]] = {}
    for doc_id, number in found:
        wanted.setdefault(doc_id, []).append(number)
    contents = {page.label.doc_id: page.pdf for page in pages}
    for doc_id, numbers in wanted.items():
        reading = ask(reader, contents[doc_id], sorted(numbers))
        if reading.error and errors is not None:
            errors.append(f"{doc_id}: {reading.error}")
        for table in reading.tables:
            found[doc_id, table.page].append(table)
    return found


def match_all(pages: Sequence[Page], found: Mapping[tuple[str, int], Sequence[Found]]) -> list[Finds]:
    finds = []
    for page in pages:
        boxes = [shrink(table.box, page.words) for table in found[page.label.doc_id, page.label.page]]
        finds.append(Finds(page, boxes, match(boxes, [shrink(box, page.words) for box in page.true], page.either)))
    return finds


def total(finds: Sequence[Finds]) -> Totals:
    counts = [[len(numbers) for numbers in find.matching] for find in finds]
    return Totals(*map(sum, zip(*counts, strict=True))) if counts else Totals(0, 0, 0, 0, 0)


def print_finds(pages: Sequence[Page], readers: Mapping[str, Reader], *, verbose: bool) -> None:
    kinds = Counter(table.kind for page in pages for table in page.label.tables)
    print(f"{len(pages)} pages; areas on them: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}\n")
    print("| reader | precision | recall | right | false | missed | merged | split |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    mine: list[Finds] = []
    told: list[str] = []
    for name, reader in readers.items():
        errors: list[str] = []
        found = ask_all(pages, reader, errors=errors)
        told += [f"{name} | {error}" for error in errors]
        finds = match_all(pages, found)
        print(_format_row(name, total(finds)), flush=True)
        trusted = {
            place: [table for table in tables if table.confidence >= MIN_TRUST] for place, tables in found.items()
        }
        if trusted != found:
            finds = match_all(pages, trusted)
            print(_format_row(f"{name}, confidence {MIN_TRUST} or more", total(finds)), flush=True)
        mine = finds if name == PROJECT else mine
    print(
        f"\n{PROJECT.capitalize()} by sort of page:\n\n| sort | pages | precision | recall | right | false | missed |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for sort, count in Counter(page.label.sort for page in pages).most_common():
        sums = total([find for find in mine if find.page.label.sort == sort])
        counts = f"{sums.right} | {sums.false} | {sums.missed}"
        print(f"| {sort} | {count} | {sums.precision:.3f} | {sums.recall:.3f} | {counts} |")
    if verbose:
        told += [line for find in mine for line in _describe(find)]
    if told:
        print("", *told, sep="\n")


def _format_row(name: str, sums: Totals) -> str:
    counts = " | ".join(map(str, sums))
    return f"| {name} | {sums.precision:.3f} | {sums.recall:.3f} | {counts} |"


def _describe(find: Finds) -> list[str]:
    """A line for each table that is none, is missed, merged or split."""
    page, boxes, matching = find
    where = f"{page.label.source} page {page.label.page} ({page.label.sort})"
    named = {
        "false": [boxes[x] for x in matching.false],
        "missed": [page.true[y] for y in matching.missed],
        "merged": [boxes[x] for x in matching.merged],
        "split": [page.true[y] for y in matching.split],
    }
    return [
        f"{name:6} {' '.join(f'{corner:.3f}' for corner in box)} | {where}"
        for name, many in named.items()
        for box in many
    ]
