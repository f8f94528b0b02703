"""Statistics of a dataset: counted file by file while packing, then added up, so that nothing is read twice.

What a file's count takes is bounded, however many rows it has: totals, counters over fixed classes, and for each of the
prompts, styles and models its sums and a `DistinctCounter` of its questions. Files give the same sum wherever a dataset
is divided into them; only the counts of `question_starts` may then differ, and by less than their stated error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from docmatix.dataset.distinct import ERROR, DistinctCounter
from docmatix.pdf.settings import Rendering

KINDS = ("prompt", "style", "model")
"""What pairs are told apart by."""

_OPENINGS = frozenset(
    "what when where who whose whom which why how is are was were do does did can could should has have in on at for"
    " according".split()
)
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""Upper bounds, in words, of the length classes of questions and answers."""
_DOCUMENT_PAGES = (1, 2, 3, 4, 8, 16, 32, 64, 128)
_MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8)
_KILOBYTES = (25, 50, 100, 200, 400, 800, 1600)

_MOST_STARTS = 1024
"""Beginnings of questions that are counted at once. A count is short by at most a 1,025th of all pairs, and exact while
there are no more beginnings than that (Misra and Gries; Agarwal et al., "Mergeable Summaries", 2012)."""
_SHOWN_STARTS = 50
_COMPARED = 32
"""Earlier questions of a row that a question is compared with: a row of hundreds would take their square."""
_UNIT = 10_000
"""Scores are added up as whole ten-thousandths: sums of floats depend on where the files are cut."""


class Group:
    """What is counted of the pairs of one prompt, style or model."""

    SUMS = (
        "pairs",
        "rows",
        "pages",
        "question_words",
        "question_chars",
        "answer_words",
        "answer_chars",
        "with_evidence",
        "scored",
        "grounding",
        "compared",
        "unlike",
    )

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.question_lengths: Counter[str] = Counter()
        self.answer_lengths: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.questions = DistinctCounter()

    def add_pairs(self, pairs: Sequence[Mapping[str, Any]], *, pages: int) -> None:
        """Count the pairs of this group in one row of `pages` pages."""
        sums = self.sums
        sums["rows"] += 1
        sums["pages"] += pages
        sums["pairs"] += len(pairs)
        earlier: list[frozenset[str]] = []
        for pair in pairs:
            question, answer = pair["question"], pair["answer"]
            folded = _fold(question)
            words = frozenset(folded.split())
            self.questions.add(folded)
            self.question_lengths[classify_length(question)] += 1
            self.answer_lengths[classify_length(answer)] += 1
            sums["question_words"] += len(question.split())
            sums["question_chars"] += len(question)
            sums["answer_words"] += len(answer.split())
            sums["answer_chars"] += len(answer)
            sums["with_evidence"] += bool(pair["evidence"])
            if (score := pair["scores"]["grounding"]) is not None:
                sums["scored"] += 1
                sums["grounding"] += round(score * _UNIT)
            if earlier:
                likeness = max(_overlap(words, other) for other in earlier[-_COMPARED:])
                sums["compared"] += 1
                sums["unlike"] += round((1 - likeness) * _UNIT)
            earlier.append(words)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add the `to_json` of the same group in another file."""
        self.sums.update(other["sums"])
        self.question_lengths.update(other["question_lengths"])
        self.answer_lengths.update(other["answer_lengths"])
        self.dropped.update(other["dropped"])
        self.questions.merge(DistinctCounter.from_json(other["questions"]))

    def to_json(self) -> dict[str, Any]:
        return {
            "sums": {name: self.sums[name] for name in self.SUMS},
            "question_lengths": _sort(self.question_lengths),
            "answer_lengths": _sort(self.answer_lengths),
            "dropped": _sort(self.dropped),
            "questions": self.questions.to_json(),
        }

    def summarise(self) -> dict[str, Any]:
        """Shares and means; None where there is nothing to take them of.

        `diversity` is how unlike a question is to the nearest earlier one of its row and group, by the words they
        share: 1 where they have none in common, 0 where one is asked twice. `kept_share` is of the pairs read from
        replies. `pairs_per_page` is over the pages of the rows that carry pairs of this group.
        """
        sums, pairs = self.sums, self.sums["pairs"]
        dropped = sum(self.dropped.values())

        def ratio(above: float, below: float) -> float | None:
            return round(above / below, 4) if below else None

        return {
            "pairs": pairs,
            "rows": sums["rows"],
            "pages": sums["pages"],
            "pairs_per_page": ratio(pairs, sums["pages"]),
            "question_words_mean": ratio(sums["question_words"], pairs),
            "question_words_median": find_median(self.question_lengths),
            "question_chars_mean": ratio(sums["question_chars"], pairs),
            "answer_words_mean": ratio(sums["answer_words"], pairs),
            "answer_words_median": find_median(self.answer_lengths),
            "answer_chars_mean": ratio(sums["answer_chars"], pairs),
            "answer_words": _sort(self.answer_lengths),
            "unique_questions": min(len(self.questions), pairs),
            "unique_question_share": ratio(min(len(self.questions), pairs), pairs),
            "diversity": ratio(sums["unlike"], sums["compared"] * _UNIT),
            "grounding_mean": ratio(sums["grounding"], sums["scored"] * _UNIT),
            "evidence_share": ratio(sums["with_evidence"], pairs),
            "kept_share": ratio(pairs, pairs + dropped),
            "dropped": dict(sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))),
        }


class Statistics:
    """Counters by name; every one can be added to its like from another file."""

    COUNTERS = (
        "pairs_by_prompt",
        "pairs_by_style",
        "pairs_by_model",
        "rows_by_language",
        "rows_by_pages",
        "documents_by_pages",
        "question_words",
        "answer_words",
        "question_openings",
        "question_starts",
        "images_by_mode",
        "images_by_megapixels",
        "images_by_kilobytes",
    )
    TOTALS = (
        "rows",
        "documents",
        "pages",
        "pairs",
        "image_bytes",
        "text_bytes",
        "pixels",
        "pairs_with_evidence",
        "pairs_scored",
        "grounding_sum",
        "file_bytes",
    )

    def __init__(self) -> None:
        self.counters: dict[str, Counter[str]] = {name: Counter() for name in self.COUNTERS}
        self.totals: dict[str, float] = dict.fromkeys(self.TOTALS, 0)
        self.groups: dict[str, dict[str, Group]] = {kind: {} for kind in KINDS}
        self.first_document: str | None = None
        self.last_document: str | None = None
        self.first_pages = 0
        self.last_pages = 0

    def add_row(self, pairs: Iterable[Mapping[str, Any]], images: Iterable[Any]) -> None:
        """Count one row: the curated rows of its kept pairs, and its page images."""
        pairs, images = list(pairs), list(images)
        document, pages = str(pairs[0]["doc_id"]), len(pairs[0]["page_numbers"])
        self._join(document, document, first_pages=pages, last_pages=pages, documents=1)
        self.totals["rows"] += 1
        self.totals["pages"] += pages
        self.counters["rows_by_language"][pairs[0]["language"] or "unknown"] += 1
        self.counters["rows_by_pages"][str(pages)] += 1
        for image in images:
            pixels = image.width_px * image.height_px
            self.totals["image_bytes"] += len(image.data)
            self.totals["pixels"] += pixels
            self.counters["images_by_mode"][image.mode] += 1
            self.counters["images_by_megapixels"][_classify(pixels / 1e6, _MEGAPIXELS)] += 1
            self.counters["images_by_kilobytes"][_classify(len(image.data) / 1000, _KILOBYTES)] += 1
        for pair in pairs:
            self.totals["pairs"] += 1
            self.totals["pairs_with_evidence"] += bool(pair["evidence"])
            self.totals["text_bytes"] += len((pair["question"] + pair["answer"]).encode(errors="replace"))
            for kind in KINDS:
                self.counters[f"pairs_by_{kind}"][pair[kind]] += 1
            if pair["scores"]["grounding"] is not None:
                self.totals["pairs_scored"] += 1
                self.totals["grounding_sum"] += round(pair["scores"]["grounding"], 4)
            self.counters["question_words"][classify_length(pair["question"])] += 1
            self.counters["answer_words"][classify_length(pair["answer"])] += 1
            opening = pair["question"].split(maxsplit=1)[:1]
            word = opening[0].lower() if opening else ""
            self.counters["question_openings"][word if word in _OPENINGS else "other"] += 1
            if start := " ".join(word[:20] for word in _fold(pair["question"]).split()[:2]):
                self.counters["question_starts"][start] += 1
        self._bound_starts(2 * _MOST_STARTS)
        for kind in KINDS:
            for name in dict.fromkeys(pair[kind] for pair in pairs):
                self._group(kind, name).add_pairs([pair for pair in pairs if pair[kind] == name], pages=pages)

    def add_dropped(self, dropped: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        """Count pairs that were dropped: for each of `KINDS` and each name, how many for which reason."""
        for kind, names in dropped.items():
            for name, reasons in names.items():
                self._group(kind, name).dropped.update(reasons)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add the `to_json` of the file that follows this one."""
        if other["first_document"] is not None:
            self._join(
                other["first_document"],
                other["last_document"],
                first_pages=other["first_pages"],
                last_pages=other["last_pages"],
                documents=other["totals"]["documents"],
            )
        for name, counts in other["counters"].items():
            if name != "documents_by_pages":
                self.counters[name].update(counts)
        self._bound_starts(_MOST_STARTS)
        # the documents of that file, but for its first and last one, which are counted where they are joined
        inner = Counter(other["counters"]["documents_by_pages"])
        ends = {other["first_document"]: other["first_pages"], other["last_document"]: other["last_pages"]}
        for pages in ends.values() if other["first_document"] is not None else ():
            inner[_classify_pages(pages)] -= 1
        self.counters["documents_by_pages"].update(inner)
        for name, total in other["totals"].items():
            if name != "documents":
                self.totals[name] += total
        for kind, groups in other["groups"].items():
            for name, group in groups.items():
                self._group(kind, name).add(group)

    def to_json(self) -> dict[str, Any]:
        self._bound_starts(_MOST_STARTS)
        return {
            "counters": {name: _sort(counts) for name, counts in self.counters.items()},
            "totals": {name: _tidy(total) for name, total in self.totals.items()},
            "groups": {
                kind: {name: groups[name].to_json() for name in sorted(groups)} for kind, groups in self.groups.items()
            },
            "first_document": self.first_document,
            "last_document": self.last_document,
            "first_pages": self.first_pages,
            "last_pages": self.last_pages,
        }

    def count_questions(self) -> DistinctCounter:
        """The different questions of all pairs."""
        questions = DistinctCounter()
        for group in self.groups["prompt"].values():
            questions.merge(group.questions)
        return questions

    def _group(self, kind: str, name: str) -> Group:
        return self.groups[kind].setdefault(name, Group())

    def _bound_starts(self, bound: int) -> None:
        counts = self.counters["question_starts"]
        if len(counts) > bound:
            least = sorted(counts.values(), reverse=True)[_MOST_STARTS]
            self.counters["question_starts"] = Counter(
                {start: count - least for start, count in counts.items() if count > least}
            )

    def _join(self, first: str, last: str, *, first_pages: int, last_pages: int, documents: float) -> None:
        """Append documents of which the first and the last are given; rows of one document are adjacent, so only a
        change of document is a new one, also across files."""
        counts = self.counters["documents_by_pages"]
        same = first == self.last_document
        joined = first_pages + (self.last_pages if same else 0)
        if same:
            counts[_classify_pages(self.last_pages)] -= 1
        counts[_classify_pages(joined)] += 1
        if same and self.first_document == first:
            self.first_pages = joined
        elif self.first_document is None:
            self.first_document, self.first_pages = first, first_pages
        if first == last:
            self.last_pages = joined
        else:
            counts[_classify_pages(last_pages)] += 1
            self.last_pages = last_pages
        self.last_document = last
        self.totals["documents"] += documents - same


def classify_length(text: str) -> str:
    """The class of a text's length in words: `1`, `2`, `3`, `4-5`, ... `90+`."""
    return _classify_count(max(1, len(text.split())), _LENGTHS)


def find_median(classes: Mapping[str, int]) -> str | None:
    """The class that holds the median of what was classed (the lower one of two); None without any."""
    middle, seen = (sum(classes.values()) + 1) // 2, 0
    for name, count in sorted(classes.items(), key=lambda item: _begin(item[0])):
        seen += count
        if count and seen >= middle:
            return name
    return None


def summarise(statistics: Statistics, *, ledgers: Mapping[str, Any], pack: Rendering) -> dict[str, Any]:
    """What `dataset/stats.json` holds: final outcomes only, so that it is the same after any number of kills.

    `by_prompt`, `by_style` and `by_model` hold a `Group.summarise` for each name. `unique_questions` are told apart by
    their words alone (case and punctuation aside) and are exact if `unique_questions_error` is 0; else that is their
    relative standard error. `question_starts` are the commonest first two words.
    """
    counted = statistics.to_json()
    totals, counters = counted["totals"], counted["counters"]
    questions = statistics.count_questions()
    unique = min(len(questions), totals["pairs"])
    starts = sorted(counters["question_starts"].items(), key=lambda item: (-item[1], item[0]))

    def ratio(above: str, below: str) -> float | None:
        return round(totals[above] / totals[below], 4) if totals[below] else None

    return {
        "rows": totals["rows"],
        "documents": totals["documents"],
        "pages": totals["pages"],
        "pairs": totals["pairs"],
        "pairs_per_page": ratio("pairs", "pages"),
        "image_bytes": totals["image_bytes"],
        "image_bytes_per_page": ratio("image_bytes", "pages"),
        "megapixels_per_page": round(totals["pixels"] / totals["pages"] / 1e6, 4) if totals["pages"] else None,
        "text_bytes": totals["text_bytes"],
        "file_bytes": totals["file_bytes"],
        "grounding_mean": ratio("grounding_sum", "pairs_scored"),
        "evidence_share": ratio("pairs_with_evidence", "pairs"),
        "unique_questions": unique,
        "unique_question_share": round(unique / totals["pairs"], 4) if totals["pairs"] else None,
        "unique_questions_error": 0 if questions.exact else round(ERROR, 4),
        **{f"by_{kind}": dict(summarise_groups(statistics, kind)) for kind in KINDS},
        **counters,
        "question_starts": dict(starts[:_SHOWN_STARTS]),
        "image_format": pack.image_format,
        "ledger": dict(ledgers),
    }


def summarise_groups(statistics: Statistics, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each prompt (style, model) with its figures, the one with the most pairs first."""
    found = [(name, group.summarise()) for name, group in sorted(statistics.groups[kind].items())]
    yield from sorted(found, key=lambda item: -item[1]["pairs"])


def _fold(text: str) -> str:
    """The words of a text, without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of their words that two questions have in common (Jaccard)."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if one or other else 1.0


def _classify_count(number: int, bounds: Sequence[int]) -> str:
    lower = 0
    for upper in bounds:
        if number <= upper:
            return str(upper) if upper - lower <= 1 else f"{lower + 1}-{upper}"
        lower = upper
    return f"{lower + 1}+"


def _classify_pages(pages: int) -> str:
    return _classify_count(pages, _DOCUMENT_PAGES)


def _classify(number: float, bounds: Sequence[float]) -> str:
    lower: float = 0
    for upper in bounds:
        if number < upper:
            return f"{lower}-{upper}"
        lower = upper
    return f"{lower}+"


def _begin(name: str) -> float:
    found = re.match(r"\d+(?:\.\d+)?", name)
    return float(found[0]) if found else float("inf")


def _sort(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def _tidy(total: float) -> float | int:
    return int(total) if float(total).is_integer() else round(total, 4)
