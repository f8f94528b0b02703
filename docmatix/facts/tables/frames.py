"""Tables between rules of one length: their text may be as wide and as long as prose."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line
from docmatix.pdf.drawings import Rule

ENDS_PT = 4.0  # between the ends of rules of one length
MIN_WIDTH_PT = 100.0
WIDE_SHARE = 0.75  # of the width between the ends, from which a chunk is none of a cell
MIN_ROWS = 3  # lines with several chunks


def find_frames(lines: Sequence[Line], rules: Sequence[Rule]) -> list[list[Line]]:
    """The lines of each table that stands between rules of one length."""
    frames: list[list[Line]] = []
    for group in _group(rules):
        left, right = group[0].x0, group[0].x1
        inside = [line for line in (_clip(line, left, right) for line in lines) if line]
        bands = [
            [line for line in inside if upper.y0 - 2 < _middle(line) < lower.y0 + 2]
            for upper, lower in itertools.pairwise(group)
        ]
        for is_tabular, run in itertools.groupby(bands, key=lambda band: _is_tabular(band, right - left)):
            frame = [line for band in run for line in band]
            if is_tabular and sum(len(line) > 1 for line in frame) >= MIN_ROWS:
                frames.append(frame)
    return frames


def _group(rules: Sequence[Rule]) -> list[list[Rule]]:
    groups: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.y0):
        if rule.x1 - rule.x0 < MIN_WIDTH_PT:
            continue
        for group in groups:
            if abs(group[0].x0 - rule.x0) < ENDS_PT and abs(group[0].x1 - rule.x1) < ENDS_PT:
                group.append(rule)
                break
        else:
            groups.append([rule])
    return [group for group in groups if len(group) > 1]


def _clip(line: Line, left: float, right: float) -> Line:
    return [chunk for chunk in line if left - ENDS_PT < chunk.x0 and chunk.x1 < right + ENDS_PT]


def _middle(line: Line) -> float:
    return (line[0].y0 + line[0].y1) / 2


def _is_tabular(band: Sequence[Line], width: float) -> bool:
    """Whether lines between two rules are in columns; nothing between them is as good."""
    if not band:
        return True
    several = sum(len(line) > 1 for line in band)
    wide = sum(_is_wide(chunk, width) for line in band for chunk in line)
    return several > 0 and wide <= 0.2 * len(band) and several >= 0.3 * len(band)


def _is_wide(chunk: Chunk, width: float) -> bool:
    return chunk.x1 - chunk.x0 > WIDE_SHARE * width
