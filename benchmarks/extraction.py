"""What reading a page costs beside what others take for it: CPU milliseconds, on the same pages in one run.

Run: python -m benchmarks.extraction [FOLDER]     (the PDFs of samples/ without a folder)

Each document is read by all, one after the other, so that the load of the machine is the same for each. The last line
says how much more reading with facts costs than MuPDF's words alone, which any reading takes.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from docmatix.core.documents import Document
from docmatix.facts.extraction import extract_document
from docmatix.pdf.settings import Extract


def find_words(pdf: bytes) -> None:
    import pymupdf

    with pymupdf.open(stream=pdf) as document:
        for page in document:
            page.get_text("words")


def read(pdf: bytes) -> None:
    extract_document(pdf, settings=Extract(tables=False))


def read_with_tables(pdf: bytes) -> None:
    extract_document(pdf, settings=Extract())


def ask_pdfplumber(pdf: bytes) -> None:
    import pdfplumber

    with pdfplumber.open(io.BytesIO(pdf)) as document:
        for page in document.pages:
            page.extract_words()
            page.find_tables()
            page.close()


def ask_pymupdf4llm(pdf: bytes) -> None:
    import pymupdf

    with pymupdf.open(stream=pdf) as document:
        importlib.import_module("pymupdf4llm").to_markdown(document)


WORDS, ALONE = "MuPDF: words alone", "docmatix: words, hidden words, order"
READING = "docmatix: with tables and facts"
READERS: dict[str, Callable[[bytes], None]] = {
    WORDS: find_words,
    ALONE: read,
    READING: read_with_tables,
    "pdfplumber: words and tables": ask_pdfplumber,
}
if importlib.util.find_spec("pymupdf4llm"):
    READERS["pymupdf4llm: Markdown"] = ask_pymupdf4llm


def main() -> None:
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "samples"
    files = [path.read_bytes() for path in sorted(folder.glob("*.pdf"))]
    documents = [
        (pdf, outcome) for pdf in files if isinstance(outcome := extract_document(pdf, settings=Extract()), Document)
    ]
    if not documents:
        sys.exit(f"{folder} has no PDF that can be read: give a folder with some.")
    pages = sum(len(document.pages) for _, document in documents)
    spent: Counter[str] = Counter()
    for number, (pdf, _) in enumerate(documents):
        for name, reader in READERS.items():
            if not number:
                reader(pdf)  # what is imported and loaded once a process
            began = time.process_time()
            reader(pdf)
            spent[name] += round((time.process_time() - began) * 1e9)
    print(f"{len(documents)} documents, {pages} pages\n")
    print("| reader | CPU ms a page | to words alone |\n| --- | ---: | ---: |")
    for name, nanoseconds in spent.items():
        print(f"| {name} | {nanoseconds / pages / 1e6:.1f} | {nanoseconds / spent[WORDS]:.1f} |")
    print(f"\nfacts/without {spent[READING] / spent[ALONE]:.2f}")
    print(f"read/words {spent[READING] / spent[WORDS]:.2f}")


if __name__ == "__main__":
    main()
