"""The texts of the pages of a run, which its dataset does not hold: those that `extract` read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.pipeline import EXTRACT
from docmatix.prompting.chunks import compose_page
from docmatix.storage.document_rows import Row, group_documents
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.run import Run
from docmatix.storage.schemas import EXTRACT_WITHOUT_WORDS

MOST_PASSES = 3
"""Over all documents without finding one: the dataset is not that of its run."""


class DocumentText(NamedTuple):
    """A document's language and its pages' texts by number, tables as Markdown."""

    language: str | None
    pages: dict[int, str]


class PageTexts:
    """Finds documents in the order of the plan, in which the dataset has them, so that each is read once and one is in
    memory."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._documents = self._read()
        self._found: tuple[str, DocumentText] | None = None
        self._missed = 0

    def find(self, doc_id: str, numbers: Sequence[int]) -> tuple[str | None, tuple[str | None, ...]]:
        """The language of a document, and the texts of some of its pages; None for what is not there."""
        if self._found is None or self._found[0] != doc_id:
            self._found = doc_id, self._look_for(doc_id)
        document = self._found[1]
        return document.language, tuple(document.pages.get(number) for number in numbers)

    def _look_for(self, doc_id: str) -> DocumentText:
        for _ in range(2):  # from here to the end, then from the start
            for document, rows in self._documents:
                if document["doc_id"] == doc_id:
                    pages = map(page_from_row, rows)
                    return DocumentText(document["language"], {page.number: compose_page(page) for page in pages})
            self._documents = self._read()
        self._missed += 1
        if self._missed == MOST_PASSES:
            raise SetupError(
                f"The dataset of {hide_in_url(self._run.url)} has documents that its run has not read: evaluate it from"
                " its pages (`from: pages`)."
            )
        return DocumentText(None, {})

    def _read(self) -> Iterator[tuple[Row, Iterator[Row]]]:
        for shard in self._run.shards(EXTRACT):
            yield from group_documents(self._run.iterate_rows(EXTRACT, shard, columns=EXTRACT_WITHOUT_WORDS))
