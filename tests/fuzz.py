"""Mutants of real PDFs, thousands of them, through `extract` and, where text came out, through rendering.

    python -m tests.fuzz --mutants 5000 --seed 1

Each mutant is a sample with one to three injuries, chosen by seed and number alone, so that one that fails can be made
again (`--first NUMBER --mutants 1 --keep FOLDER`). Batches of them are planned and extracted as a build would do it.
Whatever a file does, its row must be there, with content that holds together or with a reason that has a name; no
exception of ours, no lost row, no hang. Every hundredth is read again by a child that has read nothing else, and must
come out the same. Exit status 1 and the mutants' numbers if any of that fails.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from docmatix.core.documents import Refusal, compose_text
from docmatix.facts.extraction import extract_document
from docmatix.pdf.rendering import PageImage, render_pages
from docmatix.pdf.sandbox import STANDSTILL_SHARE, STANDSTILLS_BELIEVED, WALL_FACTOR, Sandbox
from docmatix.pdf.settings import Extract, Rendering
from docmatix.storage.page_rows import page_from_row
from tests.jobs import extract, make_job, plan

SAMPLES = Path(__file__).parent.parent / "samples"
BATCH = 25
PAGES_RENDERED = 4
READ_AGAIN_EVERY = 100

DOCUMENT_REASONS = frozenset(
    "crashed empty encrypted no_text not_pdf out_of_memory placeholder timeout too_large unreadable".split()
)
PAGE_REASONS = frozenset({None, "blank", "garbled", "hidden", "no_text", "ocr_failed", "unreadable", "unrenderable"})
RENDERING_REASONS = frozenset({"crashed", "out_of_memory", "timeout", "unrenderable"})


# --- mutants ----------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(rb"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w.])")
_NAME = re.compile(rb"/[A-Za-z][A-Za-z0-9]+")
_REFERENCE = re.compile(rb"(?<!\d)\d+ 0 R\b")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_ODD_NUMBERS = (
    *(b"0", b"1", b"-1", b"255", b"256", b"65535", b"65536", b"2147483647", b"-2147483648", b"4294967295"),
    *(b"99999999999", b"18446744073709551616", b"0.00001", b"1e9", b"-0", b"1" + b"0" * 40),
)


def truncate(pdf: bytes, rng: random.Random) -> bytes:
    return pdf[: rng.randrange(len(pdf))]


def flip_bytes(pdf: bytes, rng: random.Random) -> bytes:
    data = bytearray(pdf)
    for _ in range(rng.choice((1, 2, 8, 64, 512))):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return bytes(data)


def delete_range(pdf: bytes, rng: random.Random) -> bytes:
    start, end = _choose_range(pdf, rng)
    return pdf[:start] + pdf[end:]


def repeat_range(pdf: bytes, rng: random.Random) -> bytes:
    start, end = _choose_range(pdf, rng)
    return pdf[:end] + pdf[start:end] * rng.choice((1, 1, 5)) + pdf[end:]


def swap_ranges(pdf: bytes, rng: random.Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(pdf) + 1) for _ in range(4))
    return pdf[:a] + pdf[c:d] + pdf[b:c] + pdf[a:b] + pdf[d:]


def change_numbers(pdf: bytes, rng: random.Random) -> bytes:
    return _replace_some(_NUMBER, pdf, rng, lambda _: rng.choice(_ODD_NUMBERS))


def change_names(pdf: bytes, rng: random.Random) -> bytes:
    names = _NAME.findall(pdf) or [b"/X"]
    return _replace_some(_NAME, pdf, rng, lambda _: rng.choice(names))


def change_references(pdf: bytes, rng: random.Random) -> bytes:
    """Loops, and objects in the place of others."""
    references = _REFERENCE.findall(pdf) or [b"1 0 R"]
    return _replace_some(_REFERENCE, pdf, rng, lambda _: rng.choice(references))


def swap_streams(pdf: bytes, rng: random.Random) -> bytes:
    streams = list(_STREAM.finditer(pdf))
    if len(streams) < 2:
        return flip_bytes(pdf, rng)
    one, other = sorted(rng.sample(streams, 2), key=lambda found: found.start())
    return pdf[: one.start(1)] + other[1] + pdf[one.end(1) : other.start(1)] + one[1] + pdf[other.end(1) :]


def change_inside_stream(pdf: bytes, rng: random.Random) -> bytes:
    """An injury under the compression: to page descriptions, fonts, object streams."""
    streams = [found for found in _STREAM.finditer(pdf) if found[1][:1] == b"\x78"]
    if not streams:
        return flip_bytes(pdf, rng)
    found = rng.choice(streams)
    try:
        unpacked = zlib.decompressobj().decompress(found[1], 1 << 20)
    except zlib.error:  # an earlier injury
        unpacked = b""
    if not unpacked:
        return flip_bytes(pdf, rng)
    change = rng.choice((flip_bytes, delete_range, repeat_range, swap_ranges, change_numbers, change_names))
    packed = zlib.compress(change(unpacked, rng))
    return pdf[: found.start(1)] + packed + pdf[found.end(1) :]


INJURIES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncate,
    flip_bytes,
    delete_range,
    repeat_range,
    swap_ranges,
    change_numbers,
    change_names,
    change_references,
    swap_streams,
    change_inside_stream,
)


WEIGHTS = (1, 1, 1, 1, 1, 3, 2, 2, 2, 6)
"""Most injuries of the structure leave a file without pages; those inside a stream reach what draws and reads them."""


def _choose_range(pdf: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(pdf))
    return start, min(len(pdf), start + rng.choice((1, 16, 256, 4096, 65_536)))


def _replace_some(pattern: re.Pattern[bytes], pdf: bytes, rng: random.Random, write: Callable[[bytes], bytes]) -> bytes:
    found = list(pattern.finditer(pdf))
    chosen = sorted(rng.sample(found, min(len(found), rng.choice((1, 2, 5, 20)))), key=lambda match: match.start())
    parts, at = [], 0
    for match in chosen:
        parts += [pdf[at : match.start()], write(match[0])]
        at = match.end()
    return b"".join([*parts, pdf[at:]])


@dataclass(frozen=True)
class Mutant:
    """A sample with its injuries."""

    number: int
    pdf: bytes
    sample: str
    injuries: tuple[str, ...]

    def __str__(self) -> str:
        return f"mutant {self.number} ({self.sample}: {', '.join(self.injuries)})"


def make_mutant(number: int, *, seed: int, samples: Sequence[tuple[str, bytes]]) -> Mutant:
    """The same seed, number and samples give the same mutant."""
    rng = random.Random(f"{seed}-{number}")
    name, pdf = rng.choice(samples)
    injuries = rng.choices(INJURIES, WEIGHTS, k=rng.choice((1, 1, 2, 3)))
    for injure in injuries:
        pdf = injure(pdf, rng) if pdf else pdf
    return Mutant(number, pdf, name, tuple(injure.__name__ for injure in injuries))


def read_samples(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """The PDFs of these files and folders, by name."""
    files = [file for path in paths for file in (sorted(path.rglob("*.pdf")) if path.is_dir() else [path])]
    return [(file.name, file.read_bytes()) for file in files]


# --- what becomes of them ---------------------------------------------------------------------------------------------


@dataclass
class Outcomes:
    """What became of mutants: counts, and what must not have happened."""

    reading: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    rendering: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, other: Outcomes) -> None:
        self.reading.update(other.reading)
        self.pages.update(other.pages)
        self.rendering.update(other.rendering)
        self.faults += other.faults
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest

    def __str__(self) -> str:
        lines = []
        for title, counts in (("documents", self.reading), ("pages", self.pages), ("rendered", self.rendering)):
            lines.append(f"{title:12}{counts.total():>8}")
            lines += [f"  {reason:18}{count:>8}" for reason, count in counts.most_common()]
        lines.append(f"slowest: {self.slowest_s:.1f} s, {self.slowest}")
        return "\n".join(lines)


class TimedSandbox(Sandbox):
    """Remembers the longest call by the clock."""

    longest_s = 0.0

    def run(self, *args: Any, **options: Any) -> Any:
        began = time.monotonic()
        try:
            return super().run(*args, **options)
        finally:
            self.longest_s = max(self.longest_s, time.monotonic() - began)


def try_mutants(mutants: Sequence[Mutant], box: TimedSandbox, *, settings: Extract) -> Outcomes:
    """Plan and extract a batch as a build does, check every row, render what can be asked about."""
    outcomes = Outcomes()
    box.longest_s = 0.0
    with tempfile.TemporaryDirectory(prefix="docmatix-fuzz-") as folder:
        names = {f"{mutant.number:07}.pdf": mutant for mutant in mutants}
        job = make_job(
            Path(folder),
            pdfs={name: mutant.pdf for name, mutant in names.items()},
            extract=settings.model_dump(),
            plan={"documents_per_shard": len(mutants)},
        )
        plan(job)
        extract(job, sandbox=box)
        job.run.ledger("extract").require_balance("extract")
        rows = {row["source_uri"].rpartition("/")[2]: row for row in job.run.iterate_rows("extract", 0)}
        for name, mutant in names.items():
            row = rows.get(name)
            if row is None:
                outcomes.faults.append(f"{mutant} is lost")
                continue
            outcomes.reading[row["reason"] or "read"] += 1
            outcomes.pages.update(page["reason"] or "usable" for page in row["pages"])
            fault = find_fault(row, min_words=settings.min_words)
            if fault is None and row["reason"] is None:
                fault = _render(mutant, row, box, outcomes)
            if fault is None and mutant.number % READ_AGAIN_EVERY == 0:
                fault = _read_again(mutant, row, settings)
            if fault is not None:
                outcomes.faults.append(f"{mutant}: {fault}")
    _note_slowest(outcomes, box, mutants, settings)
    return outcomes


def _note_slowest(outcomes: Outcomes, box: TimedSandbox, mutants: Sequence[Mutant], settings: Extract) -> None:
    # a document may be tried again without tables, each try within its own limit
    allowed_s = WALL_FACTOR * settings.timeout_s * (STANDSTILLS_BELIEVED + 1 / STANDSTILL_SHARE) + 60
    longest = box.longest_s
    outcomes.slowest_s, outcomes.slowest = longest, f"among {mutants[0].number} to {mutants[-1].number}"
    if longest > allowed_s:
        outcomes.faults.append(f"a call of {longest:.0f} s {outcomes.slowest}, where {allowed_s:.0f} s are allowed")


def find_fault(row: dict[str, Any], *, min_words: int) -> str | None:
    """What does not hold together in a row of `extract`."""
    if row["reason"] is not None:
        return None if row["reason"] in DOCUMENT_REASONS else f"{row['reason']}: {row['detail']}"
    pages = [page_from_row(page) for page in row["pages"]]
    if [page.number for page in pages] != list(range(1, len(pages) + 1)):
        return "pages are not numbered"
    if all(page.reason for page in pages):
        return "read without a usable page"
    for page in pages:
        boxes = [word.box for word in page.words] + [table.box for table in page.tables]
        if page.reason not in PAGE_REASONS:
            return f"page {page.number} is {page.reason}"
        if page.text != compose_text(page.words):
            return f"the text of page {page.number} is not that of its words"
        if not all(0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1 for x0, y0, x1, y1 in boxes):
            return f"a box outside page {page.number}"
        if not all(map(math.isfinite, (page.width_pt, page.height_pt, page.image_share))):
            return f"page {page.number} has no size"
        if any((one.block, one.line) > (other.block, other.line) for one, other in pairwise(page.words)):
            return f"the lines of page {page.number} are not in order"
        if page.reason is None and len(page.words) < min_words:
            return f"page {page.number} is usable with {len(page.words)} words"
    return None


def _render(mutant: Mutant, row: dict[str, Any], box: Sandbox, outcomes: Outcomes) -> str | None:
    settings = Rendering(dpi=72, max_side_px=1200)
    numbers = [page["number"] for page in row["pages"] if page["reason"] is None][:PAGES_RENDERED]
    images = box.run(render_pages, mutant.pdf, numbers, settings=settings, timeout_s=30)
    if isinstance(images, Refusal):
        outcomes.rendering[images.reason] += 1
        return None if images.reason in RENDERING_REASONS else f"rendering: {images.reason}: {images.detail}"
    outcomes.rendering["rendered"] += 1
    if len(images) != len(numbers):
        return f"{len(images)} pictures of {len(numbers)} pages"
    return next((fault for image in images if (fault := _find_fault_of_image(image, settings))), None)


def _find_fault_of_image(image: PageImage, settings: Rendering) -> str | None:
    from PIL import Image

    with Image.open(io.BytesIO(image.data)) as picture:
        picture.load()
        if picture.size != (image.width_px, image.height_px) or max(picture.size) > settings.max_side_px:
            return f"a picture of {picture.size}"
    return None


def _read_again(mutant: Mutant, row: dict[str, Any], settings: Extract) -> str | None:
    if any(page["text_from"] == "ocr" or page["ocr_confidence"] is not None for page in row["pages"]):
        return None  # once more without OCR there is another text
    with Sandbox(memory_mb=settings.memory_mb) as fresh:
        outcome = fresh.run(extract_document, mutant.pdf, settings=settings, timeout_s=settings.timeout_s)
    reason = outcome.reason if isinstance(outcome, Refusal) else None
    if row["reason"] in {None, "no_text"} and reason == "timeout":
        return None  # only its tables take that long: `extract` has read it without them
    if reason != row["reason"]:
        return f"first {row['reason'] or 'read'}, then {reason or 'read'}"
    if not isinstance(outcome, Refusal) and [p.text for p in outcome.pages] != [p["text"] for p in row["pages"]]:
        return "read twice with different texts"
    return None


def fuzz(
    *,
    mutants: int,
    seed: int,
    sources: Sequence[Path] = (SAMPLES,),
    first: int = 0,
    workers: int = 1,
    settings: Extract | None = None,
    keep: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcomes:
    """Try so many mutants from number `first` on; `say` is told about progress, faulty ones are written to `keep`."""
    settings = settings or Extract(timeout_s=20, memory_mb=1024)
    samples = read_samples(sources)
    total, began = Outcomes(), time.monotonic()
    boxes: SimpleQueue[TimedSandbox] = SimpleQueue()
    for _ in range(workers):
        boxes.put(TimedSandbox(memory_mb=settings.memory_mb))

    def try_batch(start: int) -> Outcomes:
        numbers = range(start, min(start + BATCH, first + mutants))
        batch = [make_mutant(number, seed=seed, samples=samples) for number in numbers]
        box = boxes.get()
        try:
            found = try_mutants(batch, box, settings=settings)
        except Exception as error:
            found = Outcomes(faults=[f"{type(error).__name__} among {numbers.start} to {numbers.stop - 1}: {error}"])
        finally:
            boxes.put(box)
        if keep is not None and found.faults:
            keep.mkdir(parents=True, exist_ok=True)
            for mutant in batch:
                if any(fault.startswith(f"{mutant}:") for fault in found.faults):
                    (keep / f"{seed}-{mutant.number}.pdf").write_bytes(mutant.pdf)
        return found

    with ThreadPoolExecutor(workers) as pool:
        for done, outcomes in enumerate(pool.map(try_batch, range(first, first + mutants, BATCH)), 1):
            total.add(outcomes)
            for fault in outcomes.faults:
                say(f"FAULT {fault}")
            if done % 10 == 0:
                count = min(done * BATCH, mutants)
                say(f"{count} of {mutants} mutants, {time.monotonic() - began:.0f} s, {len(total.faults)} faults")
    for _ in range(workers):
        boxes.get().close()
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Put mutants of PDFs through extract.")
    parser.add_argument("--mutants", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--source", type=Path, action="append", help="a PDF or a folder of them (samples/)")
    parser.add_argument("--keep", type=Path, help="where mutants at fault are written")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    outcomes = fuzz(
        mutants=options.mutants,
        seed=options.seed,
        first=options.first,
        sources=options.source or (SAMPLES,),
        workers=options.workers,
        keep=options.keep,
        say=lambda line: print(line, flush=True),
    )
    lost = options.mutants - outcomes.reading.total()
    print(outcomes)
    print(
        f"{options.mutants} mutants, seed {options.seed}: {lost} lost, {len(outcomes.faults)} faults,"
        f" {time.monotonic() - began:.0f} s"
    )
    return 1 if lost or outcomes.faults else 0


if __name__ == "__main__":
    sys.exit(main())
