"""Whether the text of a page is read where it should be: from its layer, its picture, or both.

    python -m benchmarks.routes [--pages 120] [--seed N] [--out FOLDER]

A quarter of the pages has a good layer, a quarter none, a quarter a bad one, and a quarter is scanned in part, known by
construction (`benchmarks.routed_pages`).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.routed_pages import Labelled, draw_pages
from docmatix.core.documents import Page, Refusal
from docmatix.pdf.reading import read_pages
from docmatix.pdf.settings import Extract
from docmatix.pdf.text_source import TextSource, has_bare_pictures, wants_ocr

DEVELOPMENT_SEED = 1


class Routed(NamedTuple):
    """Where a page's text is read, and why."""

    source: TextSource
    pictures: bool
    page: Page


def route_page(pdf: bytes) -> Routed:
    """As a build does, up to OCR."""
    read = read_pages(pdf, settings=Extract(), keep_pictures=True)
    assert not isinstance(read, Refusal), read
    page = read.document.pages[0]
    pictures = has_bare_pictures(page)
    source = TextSource("ocr" if wants_ocr(page) and not pictures else page.text_from, page.route_reason)
    return Routed(source, pictures, page)


def find_faults(page: Labelled, routed: Routed) -> list[str]:
    """What is wrong with where a page is read; nothing for one that is right."""
    faults = []
    if routed.source.text_from != page.text_from:
        faults.append(f"read from {routed.source.text_from} ({routed.source.reason}), not {page.text_from}")
    elif page.pictures is not None and routed.pictures != page.pictures:
        faults.append("pictures read" if routed.pictures else f"pictures not read ({routed.source.reason})")
    lost = Counter(page.kept) - Counter(word.text for word in routed.page.words)
    if lost and len(lost) > 0.02 * len(page.kept):
        faults.append(f"words lost: {' '.join(sorted(lost))[:80]}")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=120)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--out", type=Path, help="write the pages there")
    given = parser.parse_args()
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    spent = 0.0
    for number, page in enumerate(draw_pages(given.pages // 4, given.seed)):
        start = time.process_time()
        routed = route_page(page.pdf)
        spent += time.process_time() - start
        faults = find_faults(page, routed)
        counts[page.label, page.how][0] += 1
        counts[page.label, page.how][1] += bool(faults)
        if faults:
            print(f"{page.label}, {page.how} ({page.name}): {'; '.join(faults)}", flush=True)
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            (given.out / f"{number:03}_{page.label}_{page.how}.pdf".replace(" ", "_")).write_bytes(page.pdf)
    print("\n| label | made as | pages | wrong |\n| --- | --- | ---: | ---: |")
    for (label, how), (pages, wrong) in counts.items():
        print(f"| {label} | {how} | {pages} | {wrong} |")
    pages, wrong = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"\n{wrong} of {pages} wrong, {spent / max(1, pages) * 1000:.0f} ms a page")


if __name__ == "__main__":
    main()
