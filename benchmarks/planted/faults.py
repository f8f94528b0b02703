"""Wrong answers of six kinds planted among right ones, and what the second answers and ratings are wrong about."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.planted.documents import Fact, RecordedDocument

OTHER_OF_PAGE = "another value of the page"
OTHER_PAGE = "another page's value"
OFF = "a number off by 8 %"
UNIT = "a unit changed"
CUT = "an answer cut"
INVENTED = "an invention"
FAULTS = (OTHER_OF_PAGE, OTHER_PAGE, OFF, UNIT, CUT, INVENTED)

WRONG_SHARE = 0.20
NOISE = 0.03
GUESSABLE = 0.10


@dataclass(frozen=True)
class PlantedPair:
    """A pair as it is written: its `answer` is right if `fault` is None."""

    fact: Fact
    answer: str
    fault: str | None
    again: tuple[str, ...]
    """The ways to say what a second answer says."""
    again_rounded: tuple[str, ...]
    """The same with measured numbers rounded, of which there may be none."""
    noisy_again: bool
    noisy_judge: bool
    guessable: bool

    @property
    def is_right(self) -> bool:
        return self.fault is None

    @property
    def is_measured(self) -> bool:
        return bool(self.fact.value.rounded)


def plant_faults(documents: Iterable[RecordedDocument], seed: int) -> list[PlantedPair]:
    """A pair for every fact. Exactly these shares are wrong, are answered wrongly again, are rated wrongly and can be
    guessed, each drawn apart from the others; faults are as many of each kind as there is room for."""
    by_title = {document.title: document.facts for document in documents}
    facts = [fact for document in by_title.values() for fact in document]
    draw = random.Random(f"faults {seed}")
    faulty = _choose_faulty(facts, by_title, draw)
    noisy_again, noisy_judge = _choose(len(facts), NOISE, draw), _choose(len(facts), NOISE, draw)
    guessable = _choose(len(facts), GUESSABLE, draw)
    pairs = []
    for at, fact in enumerate(facts):
        fault, answer = faulty.get(at, (None, fact.value.printed))
        value = fact.value
        if at in noisy_again:
            near = [fact.invented, *(one.value for one in _list_same(fact, by_title[fact.title]))]
            far = [one.value for one in facts if one.value.kind == value.kind and value.differs(one.value)]
            value = draw.choice([one for one in near if one.printed != answer] or far)
        pairs.append(
            PlantedPair(
                fact,
                answer,
                fault,
                (value.printed, *value.others),
                value.rounded or value.others,
                at in noisy_again,
                at in noisy_judge,
                at in guessable,
            )
        )
    return pairs


def _choose(count: int, share: float, draw: random.Random) -> set[int]:
    return set(draw.sample(range(count), round(share * count)))


def _list_same(fact: Fact, document: Sequence[Fact]) -> list[Fact]:
    """The other facts of the document with a value of this kind that differs."""
    return [one for one in document if one.value.kind == fact.value.kind and fact.value.differs(one.value)]


def _choose_faulty(
    facts: Sequence[Fact], by_title: Mapping[str, Sequence[Fact]], draw: random.Random
) -> dict[int, tuple[str, str]]:
    """The number of a fact, the kind of its fault, and the wrong answer. Kinds that fit few facts choose first."""
    possible = [make_wrong_answers(fact, by_title[fact.title], draw) for fact in facts]
    count = round(WRONG_SHARE * len(facts))
    counts = {fault: count // len(FAULTS) + (at < count % len(FAULTS)) for at, fault in enumerate(FAULTS)}
    room = Counter(fault for wrong in possible for fault in wrong)
    chosen: dict[int, tuple[str, str]] = {}
    for fault in sorted(FAULTS, key=lambda one: room[one]):
        fitting = [at for at, wrong in enumerate(possible) if fault in wrong and at not in chosen]
        for at in draw.sample(fitting, min(len(fitting), counts[fault])):
            chosen[at] = (fault, possible[at][fault])
    return chosen


def make_wrong_answers(fact: Fact, document: Sequence[Fact], draw: random.Random) -> dict[str, str]:
    """A wrong answer to the fact's question for each kind of fault that it can have."""
    value = fact.value
    same = _list_same(fact, document)
    here = [one.value.printed for one in same if one.page == fact.page]
    elsewhere = [one.value.printed for one in same if one.page != fact.page]
    wrong = {
        OTHER_OF_PAGE: draw.choice(here) if here else None,
        OTHER_PAGE: draw.choice(elsewhere) if elsewhere else None,
        OFF: value.off,
        UNIT: value.unit_changed,
        CUT: value.cut,
        INVENTED: fact.invented.printed if value.differs(fact.invented) else None,
    }
    return {fault: answer for fault, answer in wrong.items() if answer}
