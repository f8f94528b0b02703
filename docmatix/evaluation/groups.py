"""The figures of an evaluation, over all questions and by group, with intervals.

Intervals are Wilson's at 95 %, for graded scores too, of which no other with the same mean varies more than hits and
misses. Questions about one document are seldom independent: what they count for together is estimated from how the
documents differ (Kish's design effect), as far as the rows of a document follow each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from docmatix.core.terminal import make_visible
from docmatix.dataset.histograms import classify_count, find_lower_bound
from docmatix.dataset.scores import find_interval

METRICS: Final = {
    "agreement": "agreement",
    "judge_verdict": "judge",
    "anls": "ANLS",
    "exact": "exact match",
    "numeric": "numeric",
    "token_f1": "token F1",
}
"""The columns of predictions that are averaged, and what they are called, in the order shown."""
BLIND: Final = {"agreement": "blind_agreement", "anls": "blind_anls"}
"""The columns with the same metric of the answer to the question alone."""
GUESSED: Final = 0.5
"""The agreement from which a blind answer is counted as right."""

_PAGES = (1, 2, 4, 8, 16, 32)

DIMENSIONS: Final[dict[str, tuple[str, Callable[[Mapping[str, Any]], str | None]]]] = {
    "by_prompt": ("prompt", lambda row: row["prompt"]),
    "by_style": ("style", lambda row: row["style"]),
    "by_kind": ("kind of question", lambda row: row["kind"]),
    "by_pages": ("pages", lambda row: classify_count(row["pages"], _PAGES) if row["pages"] else None),
    "by_text_from": ("source of the text", lambda row: row["text_from"]),
    "by_answer_type": ("type of answer", lambda row: row["answer_type"]),
}
"""What questions are grouped by: key in the summary, what it is called, and a row's group, None where it has none."""

_MOST_GROUPS = 50
"""Of a dimension; a mapped column of a foreign data set may have a value for each row."""
_OTHERS = "(others)"
_LONGEST_NAME = 60
_UNIT = 10_000  # scores are summed as whole ten-thousandths: sums of floats depend on their order


class _Mean:
    """The mean of scores in 0..1 and its interval, in one pass over rows whose documents follow each other."""

    def __init__(self) -> None:
        self._count = self._sum = 0
        self._documents = 0
        self._squares = self._products = self._counts = 0  # over documents, of their sums and counts
        self._document: str | None = None
        self._open = (0, 0)  # sum and count of the document at hand

    def add(self, score: float, document: str | None) -> None:
        if document is None or document != self._document:
            self._squares, self._products, self._counts, self._documents = self._close()
            self._document, self._open = document, (0, 0)
        points = round(score * _UNIT)
        self._count, self._sum = self._count + 1, self._sum + points
        self._open = (self._open[0] + points, self._open[1] + 1)

    def _close(self) -> tuple[int, int, int, int]:
        total, count = self._open
        return (
            self._squares + total * total,
            self._products + total * count,
            self._counts + count * count,
            self._documents + bool(count),
        )

    def summarise(self) -> dict[str, Any] | None:
        """`n`, `mean`, and the ends of its interval, `low` and `high`; None without scores."""
        if not self._count:
            return None
        mean = self._sum / (self._count * _UNIT)
        low, high = find_interval(mean, self._count_independent(mean))
        return {"n": self._count, "mean": round(mean, 6), "low": round(low, 6), "high": round(high, 6)}

    def _count_independent(self, mean: float) -> float:
        """How many independent hits and misses would leave the mean as uncertain: the number of scores, or fewer if
        documents differ by more than chance, but not below that of the documents."""
        squares, products, counts, documents = self._close()
        wanted = mean * _UNIT
        spread = squares - 2 * wanted * products + wanted * wanted * counts
        if documents < 2 or documents == self._count or not 0 < mean < 1 or spread <= 0:
            return self._count
        variance = spread / (self._count * _UNIT) ** 2 * documents / (documents - 1)
        return min(max(mean * (1 - mean) / variance, documents), self._count)


class _Group:
    """The figures of the questions of one group."""

    def __init__(self) -> None:
        self._count = self._answered = 0
        self._reasons: Counter[str] = Counter()
        self._means: dict[str, _Mean] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        answered = row["prediction"] is not None
        self._count += 1
        self._answered += answered
        if not answered:
            reason = _shorten(row["reason"] or "unknown")
            self._reasons[reason if reason in self._reasons or len(self._reasons) < _MOST_GROUPS else _OTHERS] += 1
        for name in (*METRICS, *BLIND.values()):
            score = row[name]
            if name == "judge_verdict" and not answered and row["judge_model"] is not None:
                score = 0.0  # there was nothing to judge
            self._add(name, score, row)
        if (blind := row["blind_agreement"]) is not None:
            guessed = blind >= GUESSED
            self._add("answerable_blind", float(guessed), row)
            if not guessed:
                self._add("agreement_where_blind_fails", row["agreement"], row)

    def _add(self, name: str, score: float | None, row: Mapping[str, Any]) -> None:
        if score is not None:
            self._means.setdefault(name, _Mean()).add(float(score), row["doc_id"])

    @property
    def count(self) -> int:
        return self._count

    def summarise(self) -> dict[str, Any]:
        reasons = dict(sorted(self._reasons.items(), key=lambda item: (-item[1], item[0])))
        found = {name: self._means[name].summarise() if name in self._means else None for name in _FIGURES}
        return {"n": self._count, "answered": self._answered, "unanswered": reasons, **found}


_FIGURES = (*METRICS, *BLIND.values(), "answerable_blind", "agreement_where_blind_fails")


def summarise(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of rows of `PREDICTIONS`: `overall`, and for each of `DIMENSIONS` a mapping of groups, the largest
    first. A figure is None or has `n`, `mean`, `low` and `high`; a question without a prediction counts as wrong, and
    `unanswered` has the reasons. `answerable_blind` is the share that was answered right without the pages."""
    overall = _Group()
    groups: dict[str, dict[str, _Group]] = {dimension: {} for dimension in DIMENSIONS}
    for row in rows:
        overall.add(row)
        for dimension, name in list_groups(row):
            found = groups[dimension]
            shown = name if name in found or len(found) < _MOST_GROUPS else _OTHERS
            found.setdefault(shown, _Group()).add(row)
    return {
        "overall": overall.summarise(),
        **{dimension: _sort_groups(dimension, found) for dimension, found in groups.items()},
    }


def list_groups(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The groups of a question: dimension and name."""
    named = ((dimension, name_group(row)) for dimension, (_, name_group) in DIMENSIONS.items())
    return [(dimension, _shorten(name)) for dimension, name in named if name]


def _sort_groups(dimension: str, groups: Mapping[str, _Group]) -> dict[str, Any]:
    def rank(name: str) -> tuple[float, str]:
        return (find_lower_bound(name) if dimension == "by_pages" else -groups[name].count, name)

    return {name: groups[name].summarise() for name in sorted(groups, key=rank)}


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


# --- for the terminal -------------------------------------------------------------------------------------------------


def describe_summary(summary: Mapping[str, Any]) -> list[str]:
    """Lines of tables: each metric with its interval, then each dimension that has several groups."""
    overall = summary["overall"]
    lines = [f"{overall['n']:,} questions, {overall['answered']:,} answered"]
    lines += [f"  no answer: {make_visible(reason)} {count:,}" for reason, count in overall["unanswered"].items()]
    if not overall["n"]:
        return lines
    lines += ["", f"{'':30}{'mean':>8}{'95 % interval':>18}{'questions':>12}{'blind':>8}"]
    for name, label in METRICS.items():
        if (figure := overall[name]) is not None:
            blind = overall[BLIND[name]] if name in BLIND else None
            lines.append(_describe_figure(label, figure) + (f"{blind['mean']:8.3f}" if blind else ""))
    for name, label in (
        ("answerable_blind", "answerable without pages"),
        ("agreement_where_blind_fails", "agreement on the others"),
    ):
        if (figure := overall[name]) is not None:
            lines.append(_describe_figure(label, figure))
    alone = []
    for dimension, (title, _) in DIMENSIONS.items():
        groups = summary[dimension]
        if len(groups) > 1:
            lines += ["", *_describe_groups(title, groups, [name for name in _COLUMNS if overall[name] is not None])]
        alone += [f"{title}: {make_visible(name)}" for name in groups if len(groups) == 1]
    return [*lines, "", f"All have {'; '.join(alone)}"] if alone else lines


_COLUMNS = {**METRICS, "answerable_blind": "blind right"}


def _describe_figure(label: str, figure: Mapping[str, Any]) -> str:
    interval = f"{figure['low']:.3f} - {figure['high']:.3f}"
    return f"  {label:28}{figure['mean']:8.3f}{interval:>18}{figure['n']:12,}".rstrip()


def _describe_groups(title: str, groups: Mapping[str, Any], columns: list[str]) -> list[str]:
    width = max(28, *(len(make_visible(name)) for name in groups))
    lines = [f"{'by ' + title:{width + 2}}{'questions':>11}" + "".join(f"{_COLUMNS[name]:>13}" for name in columns)]
    for name, group in groups.items():
        cells = (f"{group[each]['mean']:13.3f}" if group[each] is not None else f"{'-':>13}" for each in columns)
        lines.append(f"  {make_visible(name):{width}}{group['n']:11,}" + "".join(cells))
    return lines
