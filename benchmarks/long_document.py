"""Peak memory of each process, stage by stage, for one PDF of thousands of pages.

Run: python -m benchmarks.long_document [PAGES [PDF]]

Without a PDF, one of PAGES (3,000) pages of dense text with a table is drawn. Each stage of a build without a model is
a command of its own; the figure is the largest resident set of any process of a kind, sampled every 20 ms, in which
shared pages, such as those of a file that is mapped, count for each process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.memory import watch

PAGES = 3000
DRAWN = 60
STAGES = ("plan", "extract", "dedup", "generate", "curate", "pack")


def draw_report(pages: int) -> bytes:
    """A PDF of dense pages: a running head, a heading, ten paragraphs of 60 words, a table of ten rows, a number; after
    DRAWN pages the same ones again."""
    import pymupdf

    report = pymupdf.open()
    with pymupdf.open() as drawn:
        for number in range(1, min(pages, DRAWN) + 1):
            _draw_page(drawn.new_page(), number)
        while report.page_count < pages:  # to draw all would take longer than to read them
            report.insert_pdf(drawn, to_page=min(drawn.page_count, pages - report.page_count) - 1)
    pdf: bytes = report.tobytes(deflate=True)
    return pdf


def _draw_page(page: Any, number: int) -> None:
    import pymupdf

    page.insert_text((72, 40), "Annual report of the harbour", fontsize=9)
    page.insert_text((72, 70), f"{number} Quays and sheds in district {number}", fontsize=14)
    for paragraph in range(10):
        words = [f"{_WORDS[(number * 7 + paragraph * 13 + at * (3 + paragraph)) % len(_WORDS)]}" for at in range(60)]
        words[5], words[20] = str(number * 31 + paragraph), f"{paragraph + 10}.{number % 100:02d}"
        text = " ".join(words).capitalize() + "."
        page.insert_textbox(pymupdf.Rect(72, 85 + 45 * paragraph, 540, 130 + 45 * paragraph), text, fontsize=8.5)
    for row in range(11):
        y = 560 + 16 * row
        page.draw_line((72, y), (540, y), width=0.5)
        cells = ("Quay", "Tonnes", "Ships") if row == 0 else (f"Quay {row}", f"{number * 3 + row}", f"{row * 2}")
        for column, cell in enumerate(cells):
            page.insert_text((76 + 150 * column, y + 11), cell, fontsize=9)
    page.draw_line((72, 736), (540, 736), width=0.5)
    page.insert_text((300, 770), str(number), fontsize=9)


_WORDS = (
    "the harbour master of this town reported that ships from northern ports carried timber grain coal and machines to"
    " the new quay while repairs went on at the old shed near the lighthouse where workers stored ropes chains anchors"
    " and nets for boats which return each spring with herring cod salt barrels letters and passengers"
).split()


def main() -> None:
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pdf = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "report.pdf"
        if len(sys.argv) < 3:
            pdf.write_bytes(draw_report(pages))
        print(f"{pdf.name}: {pdf.stat().st_size / 2**20:.0f} MB", file=sys.stderr)
        config = folder / "long.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "name": "long",
                    "source": {"kind": "files", "paths": [str(pdf)]},
                    "extract": {"timeout_s": 1200, "ocr": {"kind": "none"}},
                    "generate": {"engine": {"kind": "none"}},
                    "pack": {"dpi": 50},
                }
            )
        )
        print("| stage | seconds | driver | worker | PDF child |\n| --- | ---: | ---: | ---: | ---: |")
        for stage in STAGES:
            command = [sys.executable, "-m", "docmatix", "build", str(config), "--run", str(folder / "run")]
            started = time.monotonic()
            process = subprocess.Popen([*command, "--stages", stage], stdout=subprocess.DEVNULL)
            peaks = watch(process, every_s=0.02)
            if process.returncode:
                raise SystemExit(f"{stage} failed")
            # the first shards of a private Ray are the starter's, which is a worker without Ray
            workers = [peaks.pop(name) for name in ("nursery", "shard worker", "asking worker") if name in peaks]
            peaks |= {"worker": max(workers)} if workers else {}
            sizes = " | ".join(
                f"{peaks[name] / 2**20:.0f} MB" if name in peaks else "" for name in ("driver", "worker", "PDF child")
            )
            print(f"| {stage} | {time.monotonic() - started:.0f} | {sizes} |", flush=True)


if __name__ == "__main__":
    main()
