"""Words that answers may differ in without harm, and words that one cannot be without, from `words.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import yaml

from docmatix.verification.agreement.spelling import ARTICLES, clean, fold


def load_words(name: str) -> Any:
    """The content of a YAML file beside this module."""
    text = files("docmatix.verification.agreement").joinpath(name).read_text("utf-8")
    # the loader in C takes 5 ms, the other one 70
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def fold_all(words: str) -> frozenset[str]:
    """The words of a text, folded."""
    return frozenset(fold(clean(words)).split())


WORDS = load_words("words.yaml")


def _number(lines: Iterable[str]) -> dict[str, int]:
    """Words by their place in a line; what comes first decides."""
    numbered: dict[str, int] = {}
    for line in lines:
        for number, word in enumerate(line.split(), 1):
            numbered.setdefault(fold(clean(word)), number)
    return numbered


MONTHS, WEEKDAYS, ORDINALS = (_number(WORDS[name]) for name in ("months", "weekdays", "ordinals"))
# Czech names of months are those of others in Polish, which is read first
for _word in ("achten",):
    del ORDINALS[_word]  # another word, too

FUNCTION = ARTICLES | fold_all(WORDS["function"])
"""Words without content of their own."""
NEGATIONS = fold_all(WORDS["negations"])
CONJUNCTIONS = fold_all(WORDS["conjunctions"])
CONJUNCTIONS_OF = {
    "it": "e ed",
    "pt": "e",
    "pl": "i",
    "nl": "en",
    "es": "e",
    "cs": "a i",
    "fi": "ja",
    "tr": "ve",
    "ca": "i",
}
"""Of one language, where they are other words in others."""
COPULAS = fold_all(WORDS["copulas"])
FRAMES = fold_all(WORDS["frames"]) - FUNCTION
"""Words that say no more than that something is said."""
HEDGES = fold_all(WORDS["hedges"])
TITLES = fold_all(WORDS["titles"])
LEGAL = fold_all(WORDS["legal"])
"""Forms of companies, at the end of their names."""
LABELS = fold_all(WORDS["labels"])
"""Words before a number that is a name, which is the same to the digit or another."""
PLACES = fold_all(WORDS["places"])
"""Countries and states that are named behind a place."""
PREFIXES = (
    "un",
    "in",
    "im",
    "ir",
    "il",
    "non",
    "dis",
    "anti",
    "mis",
    "de",
    "a",
    "re",
    "sub",
    "pre",
    "post",
    "under",
    "over",
)
"""What turns a word into its opposite, or another."""
OPPOSITES: dict[str, dict[int, int]] = {}
"""Words of which none agrees with those of another side, as sides by their group."""
for _group, _line in enumerate(WORDS["opposites"]):
    for _side, _words in enumerate(_line.split("|")):
        for _word in fold_all(_words):
            OPPOSITES.setdefault(_word, {})[_group] = _side
DECREASES = fold_all(WORDS["decreases"])
"""Words that say of a number what a minus does."""


def are_alike(one: str, other: str) -> bool:
    """Whether two folded words say the same where it matters: `over` and `more`, `growth` and `increase`."""
    sides, others = OPPOSITES.get(one, {}), OPPOSITES.get(other, {})
    return any(others.get(group) == side for group, side in sides.items())


def are_opposite(one: str, other: str) -> bool:
    """Whether two folded words exclude each other: `north` and `south`."""
    sides = OPPOSITES.get(one)
    if sides and (others := OPPOSITES.get(other)):
        return any(others.get(group, side) != side for group, side in sides.items())
    return False
