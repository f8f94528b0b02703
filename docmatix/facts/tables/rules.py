"""The rules of a page made ready for tables: what nearly coincides put in one place, pieces joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docmatix.pdf.drawings import Drawing, Rule

TOLERANCE_PT = 3.0  # between lines that nearly coincide, and between ends that are meant to touch
MAX_RULES = 5000  # of a page; more are a chart or a map


def list_sides(drawing: Drawing) -> list[Rule]:
    """The sides of boxes that are filled alone: what draws the cells of a table without strokes."""
    sides: dict[Rule, None] = {}  # each once: neighbours share them
    for x0, y0, x1, y1, stroked, _ in drawing.boxes:
        if not stroked:
            for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
                sides[Rule(*side)] = None
    return list(sides)


def merge_rules(rules: Sequence[Rule]) -> tuple[list[Rule], list[Rule]]:
    """The lines across from the top and those down from the left, joined, without short ones."""
    across = _merge((rule.y0, rule.x0, rule.x1) for rule in rules if rule.y0 == rule.y1)
    down = _merge((rule.x0, rule.y0, rule.y1) for rule in rules if rule.x0 == rule.x1 and rule.y0 != rule.y1)
    return (
        [Rule(start, place, end, place) for place, start, end in across],
        [Rule(place, start, place, end) for place, start, end in down],
    )


def _merge(lines: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Lines by place, start and end: near places made one, touching pieces made one."""
    groups: list[list[tuple[float, float, float]]] = []
    first = last = float("-inf")
    for line in sorted(lines):
        place = line[0]
        if place - last <= TOLERANCE_PT and place - first <= 2 * TOLERANCE_PT:
            groups[-1].append(line)
        else:
            groups.append([line])
            first = place
        last = place
    merged: list[tuple[float, float, float]] = []
    for group in groups:
        if len(group) == 1:
            merged += group
            continue
        places, *ends = zip(*group, strict=True)
        place = sum(places) / len(group)
        pieces = sorted(zip(*ends, strict=True))
        start, end = pieces[0]
        for left, right in pieces:
            if left > end + TOLERANCE_PT:
                merged.append((place, start, end))
                start, end = left, right
            elif right > end:
                end = right
        merged.append((place, start, end))
    return [line for line in merged if line[2] - line[1] >= TOLERANCE_PT]
