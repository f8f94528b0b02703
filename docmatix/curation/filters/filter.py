"""What a filter is: it looks at one pair and returns None to keep it, or the reason to drop it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from docmatix.core.bounds import Bound
from docmatix.core.documents import Page
from docmatix.core.kinds import Kind
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.text.pieces import fold


class KeptPairs:
    """Pairs in the order in which they were kept, searchable by question and by answer."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs: list[Pair] = []
        self._questions: set[str] = set()
        self._by_answer: dict[str, list[Pair]] = {}
        for pair in pairs:
            self.add(pair)

    def add(self, pair: Pair) -> None:
        """Append a pair."""
        self._pairs.append(pair)
        self._questions.add(fold(pair.question))
        self._by_answer.setdefault(fold(pair.answer), []).append(pair)

    def has_question(self, question: str) -> bool:
        """Whether this question was kept, regardless of case, punctuation and spaces."""
        return fold(question) in self._questions

    def with_answer(self, answer: str) -> Iterator[Pair]:
        """The pairs with this answer, regardless of case, punctuation and spaces, the latest first."""
        return reversed(self._by_answer.get(fold(answer), []))

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)


@dataclass(frozen=True, slots=True)
class FilterContext:
    """What a filter may look at besides the pair itself."""

    pages: Sequence[Page] = ()
    scores: Scores = field(default_factory=Scores)
    evidence: Sequence[Evidence] = ()
    language: str | None = None
    examples: Sequence[str] = ()
    """Questions, answers and sentences that the pair's prompt shows the model, in example turns or instructions."""
    earlier: KeptPairs = field(default_factory=KeptPairs)
    """Pairs of the same document that were already kept."""

    @property
    def is_printed(self) -> bool:
        """Whether the answer stands on a page word for word."""
        return self.scores.grounding == 1.0

    def prints(self, text: str) -> bool:
        """Whether a page has exactly these characters."""
        return any(text in page.text for page in self.pages)


class Filter(Kind):
    """A filter: its settings as fields, its rule as `judge`."""

    family: ClassVar[str] = "filter"
    needs_examples: ClassVar[bool] = False
    """Whether it looks at the examples in the prompt, which runs of earlier versions do not record."""

    styles: tuple[str, ...] = ()
    """Only pairs of these styles are judged; if empty, all are."""

    @property
    def bound(self) -> Bound | None:
        """The line that it draws in a score, if it judges by one: the card and the report explain it."""
        return None

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        """None to keep the pair, or the reason to drop it (one to three words, snake case)."""
        if self.bound is None:
            raise NotImplementedError
        return self.bound.judge(context.scores)

    def describe_settings(self) -> dict[str, str]:
        """The settings by name, as text for people, without empty ones."""
        told = {name: value for name, value in self.model_dump(mode="json").items() if name != "kind"}
        return {
            name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in told.items()
            if value not in ([], None)
        }


def judge_pair(pair: Pair, context: FilterContext, filters: Iterable[Filter]) -> str | None:
    """The reason of the first filter that drops the pair, or None to keep it."""
    for one in filters:
        if one.styles and pair.style not in one.styles:
            continue
        reason = one.judge(pair, context)
        if reason is not None:
            return reason
    return None
