"""Questions from facts alone: builds a folder of PDFs with the engine `none` and counts what comes of it.

Run: python -m benchmarks.facts_only FOLDER [DOCUMENTS]

The first DOCUMENTS files by name (default: all) are built in a temporary directory, with the default filters.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import docmatix
from docmatix.pipeline import CURATE, EXTRACT, GENERATE
from docmatix.storage.run import Run


def build_folder(folder: Path, run: Path, *, most: int | None = None) -> tuple[dict[str, Any], float]:
    """Build the PDFs below a folder without a model; returns the figures of each stage and the seconds of all."""
    paths = sorted(str(path) for path in folder.rglob("*.pdf"))[:most]
    config = {
        "name": "facts-only",
        "source": {"kind": "files", "paths": paths},
        "plan": {"documents_per_shard": max(1, len(paths) // 16)},
        "generate": {"engine": {"kind": "none"}},
        "pack": {"dpi": 36},
    }
    began = time.monotonic()
    built = docmatix.build(config, run=run)
    return built.figures, time.monotonic() - began


def measure(run: Run, figures: dict[str, Any], seconds: float) -> list[str]:
    """Lines for the terminal."""
    with_text, giving = set[str](), set[str]()
    pages = 0
    columns = ["doc_id", "reason", "pages.list.element.reason"]
    let_in = {row["doc_id"] for shard in run.shards(GENERATE) for row in run.iterate_rows(GENERATE, shard)}
    for shard in run.shards(EXTRACT):
        for row in run.iterate_rows(EXTRACT, shard, columns=columns):
            usable = sum(page["reason"] is None for page in row["pages"] or ())
            if row["reason"] is None and usable and row["doc_id"] in let_in:
                with_text.add(row["doc_id"])
                pages += usable
    made, kept, reasons = Counter[str](), Counter[str](), Counter[str]()
    for shard in run.shards(CURATE):
        for row in run.iterate_rows(CURATE, shard, columns=["doc_id", "kind", "reason"]):
            made[row["kind"]] += 1
            if row["reason"] is None:
                kept[row["kind"]] += 1
                giving.add(row["doc_id"])
            else:
                reasons[f"{row['kind']}: {row['reason']}"] += 1
    work = sum(each.get("work_seconds", 0) for each in figures.values())
    asking = figures.get(GENERATE, {}).get("work_seconds", 0)
    return [
        f"{len(with_text)} documents with text, {pages} pages of text; {seconds:.0f} s in all, {work:.0f} s of work,"
        f" of it {asking:.1f} s in generate",
        f"{made.total()} pairs made, {kept.total()} kept: {kept.total() / max(1, pages):.2f} a page of text,"
        f" {kept.total() / seconds:.1f} a second of the build, {made.total() / max(0.001, asking):.0f} of generate",
        f"{len(giving)} documents give a pair: {len(giving) / max(1, len(with_text)):.0%} of those with text",
        *(f"  {kind:16} {made[kind]:6} made {kept[kind]:6} kept" for kind, _ in made.most_common()),
        *(f"  dropped {reason:32} {count:6}" for reason, count in reasons.most_common()),
    ]


def main() -> None:
    most = int(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run"
        figures, seconds = build_folder(Path(sys.argv[1]), run, most=most)
        print("\n".join(measure(Run(run), figures, seconds)))


if __name__ == "__main__":
    main()
