"""Candidates for facts, and the choice among those that claim the same words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from docmatix.core.documents import Box, Fact
from docmatix.facts.fields.chunks import Layout, Token
from docmatix.facts.fields.labels import join_lines, strip_label

Area = tuple[float, float, float, float]
MAX_LINKS = 3  # from which addresses behind the same label are those of references
_LINK = re.compile(r"https?://|www\.")


class Candidate(NamedTuple):
    """What may be a fact. `text` is the value of a form's widget, which need not be printed; `area` is where a value
    without words stands, in the frame of the layout."""

    kind: str
    label: Sequence[Token]
    value: Sequence[Token]
    confidence: float
    path: tuple[str, ...] = ()
    text: str | None = None
    area: Area | None = None


def choose(candidates: Iterable[Candidate], layout: Layout) -> list[Fact]:
    """The facts of the best candidates: no word is the label or the value of two, or the label of one and the value of
    another; options of one question share its label."""
    labels: dict[int, str] = {}
    values: set[int] = set()
    areas: list[Area] = []
    chosen: list[tuple[float, float, Candidate]] = []
    for candidate in sorted(candidates, key=lambda candidate: -candidate.confidence):
        own = [token.key for token in candidate.label]
        held = [token.key for token in candidate.value]
        if any(key in labels or key in values for key in held) or any(key in values for key in own):
            continue
        if any(key in labels and (candidate.kind != "checkbox" or labels[key] != "checkbox") for key in own):
            continue
        if candidate.area is not None and any(_overlap(candidate.area, area) for area in areas):
            continue
        labels.update(dict.fromkeys(own, candidate.kind))
        values.update(held)
        if candidate.area is not None:
            areas.append(candidate.area)
        first = min([*candidate.label, *candidate.value], key=lambda token: token.key, default=None)
        place = (first.key, 0.0) if first is not None else (1 << 40, candidate.area[1] if candidate.area else 0.0)
        chosen.append((*place, candidate))
    chosen.sort(key=lambda item: item[:2])
    facts = [_make_fact(candidate, layout) for _, _, candidate in chosen]
    links = Counter(fact.label for fact in facts if _LINK.match(fact.value))
    return [
        fact
        for fact in facts
        if fact.label.casefold() != fact.value.casefold()
        and not (_LINK.match(fact.value) and links[fact.label] >= MAX_LINKS)
    ]


def _overlap(one: Area, other: Area) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[1], other[1])
    return across > 1 and along > 1


def _make_fact(candidate: Candidate, layout: Layout) -> Fact:
    label = strip_label(join_lines(candidate.label))
    value = join_lines(candidate.value) if candidate.text is None else " ".join(candidate.text.split())
    boxes = enclose_lines(candidate.value, layout)
    if not boxes and candidate.area is not None:
        boxes = (layout.to_fractions(*candidate.area),)
    return Fact(
        candidate.kind,
        label,
        value,
        candidate.path,
        boxes,
        enclose_lines(candidate.label, layout),
        round(candidate.confidence, 2),
    )


def enclose_lines(tokens: Sequence[Token], layout: Layout) -> tuple[Box, ...]:
    """One box for each line of tokens, on the page."""
    lines: list[list[Token]] = []
    for token in tokens:
        if lines and _is_beside(lines[-1][-1], token):
            lines[-1].append(token)
        else:
            lines.append([token])
    return tuple([layout.to_fractions(*_enclose(line)) for line in lines])


def _enclose(line: Sequence[Token]) -> Area:
    if len(line) == 1:
        return line[0][1:5]
    _, x0s, y0s, x1s, y1s, *_ = zip(*line, strict=True)
    return min(x0s), min(y0s), max(x1s), max(y1s)


def _is_beside(one: Token, other: Token) -> bool:
    middle = (other.y0 + other.y1) / 2
    return one.y0 <= middle <= one.y1 or other.y0 <= (one.y0 + one.y1) / 2 <= other.y1
