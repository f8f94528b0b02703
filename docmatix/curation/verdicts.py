"""The verdicts on one document's pairs: each is grounded and judged by the filters, knowing the pairs kept before it.

A pair made from facts is not looked for: its evidence is where they stand. One that a model read from the picture of a
page without text may be on none: where the other pages that it saw do not print it, its grounding is unknown.

Alternatives (pairs with the same `group`: several questions for one answer) are judged best first, and the first one
that is kept makes the rest `outdone`. All others are judged in the order in which they were asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from docmatix.core.documents import Page, TextFrom
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.curation.filters.filter import Filter, FilterContext, KeptPairs, judge_pair
from docmatix.curation.grounding import Grounding, ground
from docmatix.curation.page_index import PageIndex, index_pages
from docmatix.curation.text_sources import Source, find_source


@dataclass(frozen=True, slots=True)
class Verdict:
    """A pair and what became of it: kept if `reason` is None."""

    pair: Pair
    reason: str | None
    scores: Scores
    evidence: tuple[Evidence, ...] = ()
    text_from: TextFrom = "layer"


def rank_alternatives(pairs: Sequence[Pair], scores: Sequence[Scores]) -> list[list[int]]:
    """The places of the pairs in the order of judging, alternatives together where the first of them is.

    Alternatives are ranked by what was found again before what was thought of them, and by that before their wording:
    agreement (from the pages), round trip (from the sentence), judged, fluency, clarity, place. An unknown score ranks
    below every known one.
    """
    groups: dict[tuple[str | None, int], list[int]] = {}
    for place, pair in enumerate(pairs):
        groups.setdefault((pair.group, -1 if pair.group is not None else place), []).append(place)

    def rank(place: int) -> list[float]:
        known = scores[place]
        ordered = (known.agreement, known.round_trip, known.judged, known.fluency, known.clarity)
        return [-1.0 if score is None else score for score in ordered]

    # `reverse` keeps the order of equals
    return [sorted(places, key=rank, reverse=True) for places in groups.values()]


def curate_pairs(
    pairs: Sequence[Pair],
    scores: Sequence[Scores],
    *,
    pages: Sequence[Page],
    filters: Iterable[Filter],
    samples: Sequence[Collection[int]] | None = None,
    shown: Sequence[Collection[int]] | None = None,
    examples: Mapping[str, Sequence[str]] | None = None,
    language: str | None = None,
    ground_answers: bool = True,
    kept: KeptPairs | None = None,
) -> list[Verdict]:
    """A verdict for each pair of one document, in order; grounding is added to the `scores`. `samples` has the page
    numbers that each pair's reader will see, which alone can ground it (without it, all can); `shown` those whose
    pictures the model saw, if any; `examples` has, by prompt name, the texts that the prompt shows. Without
    `ground_answers`, grounding, OCR confidence and source are not looked for. A document may be judged window by
    window: `kept` are those kept of the windows before, to which those of these are added."""
    index = index_pages(pages)
    filters = tuple(filters)
    kept = KeptPairs() if kept is None else kept
    verdicts: dict[int, Verdict] = {}
    for alternatives in rank_alternatives(pairs, scores):
        winner = None
        for place in alternatives:
            pair, known = pairs[place], scores[place]
            within = None if samples is None else samples[place]
            window = index.choose_pages(within)
            seen = index.choose_pages(shown[place]) if shown is not None else []
            found, source = Grounding(known.grounding), Source("layer", known.ocr_confidence)
            if pair.evidence is not None:  # made from facts, it has its proof
                found = Grounding(1.0, pair.evidence)
            elif ground_answers:
                found = _ground(pair, index, window, seen)
            if ground_answers:
                source = find_source(found.evidence, window if found.evidence else _list_asked(window, seen))
            known = replace(known, grounding=found.score, ocr_confidence=source.ocr_confidence)
            context = FilterContext(
                pages=window,
                scores=known,
                evidence=found.evidence,
                language=language,
                examples=(examples or {}).get(pair.prompt, ()),
                earlier=kept,
            )
            reason = "outdone" if winner is not None else judge_pair(pair, context, filters)
            if reason is None:
                winner = pair
            verdicts[place] = Verdict(pair, reason, known, found.evidence, source.text_from)
        if winner is not None:
            kept.add(winner)
    return [verdicts[place] for place in range(len(pairs))]


def _ground(pair: Pair, index: PageIndex, window: Sequence[Page], seen: Sequence[Page]) -> Grounding:
    """`seen` are the pages of the window that the model saw as pictures. Where one of them has no text, an answer is
    printed on another of them, or its grounding is unknown."""
    asked = seen or window
    readable = [page for page in asked if page.text_from != "none"]
    if len(readable) == len(asked) or (readable and not seen):
        return _look_for(pair, index, window)
    found = _look_for(pair, index, readable)
    return found if found.score == 1.0 else Grounding(None)


def _list_asked(window: Sequence[Page], seen: Sequence[Page]) -> Sequence[Page]:
    """The pages that a pair without evidence is about: of those that the model saw, the ones without text."""
    return [page for page in seen if page.text_from == "none"] or seen or window


def _look_for(pair: Pair, index: PageIndex, pages: Sequence[Page]) -> Grounding:
    numbers = [page.number for page in pages]
    return ground(pair.answer, index, span=pair.span, question=pair.question, within=numbers)
