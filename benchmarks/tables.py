"""How well tables are found, beside pdfplumber, MuPDF and Camelot, in one run.

Cells: python -m benchmarks.tables FOLDER [--without-rules] [--verbose] [--show NAME] [--alone]
  FOLDER holds NAME.pdf with NAME-str.xml, documents of the ICDAR 2013 table competition and their truth. Precision,
  recall and F1 are over the relations of all documents (`benchmarks.relations`), and the mean of the documents' F1.
  --without-rules  adds this project with every line and box of the pages taken away: what alignment alone gives
  --verbose        adds a line a document; --show NAME the relations that this project loses and invents in one
  --alone          leaves the other libraries out

Pages: python -m benchmarks.tables --pages FOLDER [--half develop|report] [--verbose] [--alone]
  How many of the tables found on ordinary pages are tables, and how many tables are found; FOLDER holds the files that
  `benchmarks/pages/tables.csv` refers to (`benchmarks.table_pages` says what a table is). Rules are written by the half
  `develop` and judged by the other.
  --verbose        adds a line for each table that is none, is missed, merged or split

Camelot is asked where it is installed: `pip install camelot-py`.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.false_finds import load_pages, print_finds
from benchmarks.relations import Relation, Score, add_up, compare, read_truth
from benchmarks.table_readers import (
    PROJECT,
    STREAMS,
    Reader,
    ask,
    be_quiet,
    list_readers,
    read_by_project,
    read_without_rulings,
    time_tables,
)


class Case(NamedTuple):
    """A document of the competition, its pages and the relations of its tables."""

    name: str
    pdf: bytes
    pages: range
    true: Counter[Relation]


def load_cases(folder: Path) -> list[Case]:
    import pymupdf

    cases = []
    for path in sorted(folder.rglob("*-str.xml")):
        pdf = path.with_name(path.name.replace("-str.xml", ".pdf"))
        if pdf.exists():
            content = pdf.read_bytes()
            with pymupdf.open(stream=content) as document:
                pages = range(1, document.page_count + 1)
            cases.append(Case(pdf.stem, content, pages, add_up(read_truth(path))))
    if not cases:
        sys.exit(f"{folder} has no NAME.pdf with NAME-str.xml.")
    return cases


def print_scores(cases: Sequence[Case], readers: dict[str, Reader], *, verbose: bool) -> None:
    pages = sum(len(case.pages) for case in cases)
    print(f"{len(cases)} documents, {pages} pages, {sum(case.true.total() for case in cases)} relations\n")
    print("| reader | F1 | precision | recall | mean F1 of documents | CPU ms a page |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    told: list[str] = []
    for name, reader in readers.items():
        ask(reader, cases[0].pdf, cases[0].pages)  # what is imported and loaded once a process
        scores, seconds = [], 0.0
        for case in cases:
            tables, spent, error = ask(reader, case.pdf, case.pages)
            score = compare(add_up(table.cells for table in tables), case.true)
            scores.append(score)
            seconds += spent
            if verbose or error:
                counts = f"{score.right} right of {score.found} found and {score.true} true"
                line = f"{name} | {case.name} | F1 {score.f1:.3f} | {counts} | {len(tables)} tables {error}"
                told.append(line.rstrip())
        total = Score(*map(sum, zip(*scores, strict=True)))
        mean = sum(score.f1 for score in scores) / len(scores)
        print(
            f"| {name} | {total.f1:.3f} | {total.precision:.3f} | {total.recall:.3f} | {mean:.3f}"
            f" | {1000 * seconds / pages:.1f} |",
            flush=True,
        )
    alone = sum(time_tables(case.pdf, case.pages)[1] for case in cases)
    print(f"\nOf this project's time, tables take {1000 * alone / pages:.1f} ms a page.")
    if told:
        print("", *told, sep="\n")


def print_relations(case: Case, reader: Reader) -> None:
    """What a reader loses and invents in a document, as diffs are written."""
    found = add_up(table.cells for table in ask(reader, case.pdf, case.pages).tables)
    for sign, relations in (("-", case.true - found), ("+", found - case.true)):
        for (first, second, direction), count in sorted(relations.items()):
            print(f"{sign} {first} | {second} | {direction}{f' ({count})' if count > 1 else ''}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tables", description=__doc__, formatter_class=_Verbatim)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--half", choices=["develop", "report"])
    parser.add_argument("--without-rules", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--show", metavar="NAME")
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args(arguments)
    be_quiet()
    readers = list_readers(with_others=not options.alone)
    if options.without_rules:
        readers = {PROJECT: readers.pop(PROJECT), STREAMS: read_without_rulings, **readers}
    if options.pages:
        print_finds(load_pages(options.folder, half=options.half), readers, verbose=options.verbose)
        return
    cases = load_cases(options.folder)
    if options.show:
        chosen = [case for case in cases if case.name == options.show]
        if not chosen:
            sys.exit(f"{options.folder} has no {options.show}.pdf with its truth.")
        print_relations(chosen[0], read_without_rulings if options.without_rules else read_by_project)
        return
    print_scores(cases, readers, verbose=options.verbose)


class _Verbatim(argparse.RawDescriptionHelpFormatter):
    """Help as the docstring has it."""


if __name__ == "__main__":
    main()
