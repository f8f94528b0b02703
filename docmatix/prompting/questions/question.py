"""The values of questions from facts: drafts, which know what they ask and can be told apart, and worded questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from docmatix.core.documents import Page
from docmatix.core.pairs import Evidence
from docmatix.text.pieces import fold
from docmatix.text.short_texts import keep_short


class Asking(NamedTuple):
    """One way to ask: a form of the wordings (`field.noun`), the texts for its slots (`{label}`), what is asked about
    (`topic`, from `make_topic`), and the qualifiers that make it specific (`in_section`), in the order of their place.
    """

    form: str
    slots: Mapping[str, str]
    topic: frozenset[str]
    qualifiers: tuple[str, ...] = ()


class Draft(NamedTuple):
    """An answer on the pages and the ways to ask for it, from the plainest to the most specific. Where two drafts share
    a topic and their answers differ, neither is asked that way."""

    kind: str
    askings: tuple[Asking, ...]
    answer: str
    answer_type: str
    """As `classify_answer` says, or `yes_no`, `list`, `count`."""
    evidence: tuple[Evidence, ...]
    source: str
    """What it is asked of (`table 3:0`, `fields 2`), so that no source takes more than its share."""
    worth: float = 1.0
    rivals: tuple[frozenset[str], ...] = ()
    """Further topics that it makes ambiguous for others: a row `Total` for a field `Total`."""
    asked: bool = True
    """False for what only makes others ambiguous: a fact that is not trusted."""


class FactQuestion(NamedTuple):
    """A question made from facts, and its answer. `wording` names its template (`en/field.noun/2`), `slots` the texts
    of the page that are in it."""

    kind: str
    question: str
    answer: str
    answer_type: str
    evidence: tuple[Evidence, ...]
    wording: str
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AskedPages:
    """What a question kind looks at: the usable pages of a window, all in `language`, for which there are wordings.
    `shown` counts the pages of the window, which the reader of a pair sees together."""

    pages: tuple[Page, ...]
    language: str
    shown: int


@keep_short(16384)
def make_topic(*parts: str) -> frozenset[str]:
    """What a question is about, whatever the case, punctuation and order of its parts."""
    return frozenset(folded for part in parts if (folded := fold(part)))
