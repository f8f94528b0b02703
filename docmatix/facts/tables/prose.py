"""Running text, which is no part of a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from docmatix.facts.tables.chunks import Chunk, Line

MIN_WIDTH_EM = 17.0
MIN_WORDS = 5


def find_prose(lines: Sequence[Line]) -> set[Chunk]:
    """The chunks that are lines of paragraphs: wide, mostly letters, one close below the other from the same left edge.
    Where numbers stand beside them, three lines must read on, or end at one place."""
    prose: set[Chunk] = set()
    wide = [(chunk, any(other.is_number for other in line)) for line in lines for chunk in line if _is_wide(chunk)]
    runs: list[list[Chunk]] = []
    for chunk, has_numbers in wide:
        if not has_numbers and chunk.x1 - chunk.x0 > 28 * chunk.size and len(chunk.words) >= 9:
            prose.add(chunk)
        run = next((run for run in reversed(runs[-6:]) if _follows(run[-1], chunk)), None)
        if run is None:
            runs.append([chunk])
        else:
            run.append(chunk)
    beside = {chunk for chunk, has_numbers in wide if has_numbers}
    for run in runs:
        if (len(run) > 1 and beside.isdisjoint(run)) or (len(run) > 2 and (_reads_on(run) or _ends_evenly(run))):
            prose.update(run)
        else:
            for upper, lower in itertools.pairwise(run):
                if upper not in beside and lower not in beside:
                    prose.update((upper, lower))
    return prose


def _reads_on(run: Sequence[Chunk]) -> bool:
    """Whether lines mostly fill their width, and go on in the middle of a sentence."""
    widest = max(chunk.x1 - chunk.x0 for chunk in run)
    full = sum(chunk.x1 - chunk.x0 > 0.72 * widest for chunk in run)
    lower = sum(chunk.text[0].islower() for chunk in run[1:])
    return full >= 0.55 * len(run) and lower >= 0.35 * (len(run) - 1)


def _ends_evenly(run: Sequence[Chunk]) -> bool:
    ends = sorted(chunk.x1 for chunk in run)
    end = ends[len(ends) // 2]
    return sum(abs(chunk.x1 - end) < 0.4 * chunk.size for chunk in run) >= max(3, 0.6 * len(run))


MIN_COLUMN_LINES = 4


def find_page_gutter(prose: Iterable[Chunk]) -> tuple[float, float] | None:
    """Where the gutter between two columns of prose begins and ends; None if a page has no two."""
    lines = sorted(prose, key=lambda chunk: chunk.x0)
    if len(lines) < 2 * MIN_COLUMN_LINES:
        return None
    end = 0.0
    for place, chunk in enumerate(lines):
        if chunk.x0 > end + 0.8 * chunk.size and MIN_COLUMN_LINES <= place <= len(lines) - MIN_COLUMN_LINES:
            return end, chunk.x0
        end = max(end, chunk.x1)
    return None


def _is_wide(chunk: Chunk) -> bool:
    if len(chunk.words) < MIN_WORDS or chunk.x1 - chunk.x0 < MIN_WIDTH_EM * chunk.size:
        return False
    letters = sum(map(str.isalpha, chunk.text))
    return letters > 0.65 * len(chunk.text.replace(" ", ""))


def _follows(chunk: Chunk, below: Chunk) -> bool:
    return (
        -0.3 * chunk.size < below.y0 - chunk.y1 < 1.2 * chunk.size
        and abs(below.x0 - chunk.x0) < 2.5 * chunk.size
        and abs(below.size - chunk.size) < 0.15 * chunk.size
    )
