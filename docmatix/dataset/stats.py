"""Statistics of a dataset: counted file by file while packing, then added up, so that nothing is read twice.

A file's counts take bounded memory. Files add up to the same sums wherever a dataset is divided; only the counts of
`question_starts` may differ, by less than their stated error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from docmatix.dataset.distinct import ERROR, DistinctCounter
from docmatix.dataset.groups import KINDS, Group, MeasuredPair, measure_pair
from docmatix.dataset.histograms import classify_count, classify_value, sort_counts
from docmatix.dataset.scores import UNIT, ScoreCounts
from docmatix.pdf.settings import Rendering

_OPENINGS = frozenset(
    "what when where who whose whom which why how is are was were do does did can could should has have in on at for"
    " according".split()
)
_BY_KIND = {kind: f"pairs_by_{kind}" for kind in KINDS}
_DOCUMENT_PAGES = (1, 2, 3, 4, 8, 16, 32, 64, 128)
_MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8)
_KILOBYTES = (25, 50, 100, 200, 400, 800, 1600)

# Beginnings of questions counted at once. A count is short by at most a 1,025th of all pairs, and exact up to this many
# beginnings (Misra and Gries; Agarwal et al., "Mergeable Summaries", 2012).
_MAX_STARTS = 1024
_SHOWN_STARTS = 50


class Statistics:
    """Counters and totals by name, which add up over files."""

    COUNTERS = tuple(
        (
            "pairs_by_prompt pairs_by_style pairs_by_model pairs_by_kind pairs_by_text_from pages_by_text_from "
            "rows_by_language rows_by_pages "
            "documents_by_pages question_words answer_words question_openings question_starts images_by_mode "
            "images_by_megapixels images_by_kilobytes"
        ).split()
    )
    TOTALS = tuple("rows documents pages pairs image_bytes text_bytes pixels pairs_with_evidence file_bytes".split())

    def __init__(self) -> None:
        self.counters: dict[str, Counter[str]] = {name: Counter() for name in self.COUNTERS}
        self.totals: dict[str, float] = dict.fromkeys(self.TOTALS, 0)
        self.groups: dict[str, dict[str, Group]] = {kind: {} for kind in KINDS}
        self.scores = ScoreCounts()
        self.first_document: str | None = None
        self.last_document: str | None = None
        self.first_pages = 0
        self.last_pages = 0

    def add_row(self, pairs: Iterable[Mapping[str, Any]], images: Iterable[Any]) -> None:
        """Count one row, given the curated rows of its kept pairs, and its page images."""
        pairs, images = list(pairs), list(images)
        document, pages = str(pairs[0]["doc_id"]), len(pairs[0]["page_numbers"])
        self._join(document, document, first_pages=pages, last_pages=pages, documents=1)
        self.totals["rows"] += 1
        self.totals["pages"] += pages
        self.counters["rows_by_language"][pairs[0]["language"] or "unknown"] += 1
        self.counters["rows_by_pages"][str(pages)] += 1
        self.counters["pages_by_text_from"].update(pairs[0]["page_text_from"])
        for image in images:
            pixels = image.width_px * image.height_px
            self.totals["image_bytes"] += len(image.data)
            self.totals["pixels"] += pixels
            self.counters["images_by_mode"][image.mode] += 1
            self.counters["images_by_megapixels"][classify_value(pixels / 1e6, _MEGAPIXELS)] += 1
            self.counters["images_by_kilobytes"][classify_value(len(image.data) / 1000, _KILOBYTES)] += 1
        measured = [measure_pair(pair) for pair in pairs]
        for pair, figures in zip(pairs, measured, strict=True):
            self.totals["pairs"] += 1
            self.totals["pairs_with_evidence"] += bool(pair["evidence"])
            self.totals["text_bytes"] += len((pair["question"] + pair["answer"]).encode(errors="replace"))
            for kind in KINDS:
                self.counters[_BY_KIND[kind]][pair[kind]] += 1
            self.scores.add_pair(figures.scores)
            self.counters["question_words"][figures.question_length] += 1
            self.counters["answer_words"][figures.answer_length] += 1
            opening = pair["question"].split(maxsplit=1)[:1]
            word = opening[0].lower() if opening else ""
            self.counters["question_openings"][word if word in _OPENINGS else "other"] += 1
            if start := " ".join(word[:20] for word in figures.folded.split(maxsplit=2)[:2]):
                self.counters["question_starts"][start] += 1
        self._bound_starts(2 * _MAX_STARTS)
        for kind in KINDS:
            groups: dict[str, list[MeasuredPair]] = {}
            for pair, figures in zip(pairs, measured, strict=True):
                groups.setdefault(pair[kind], []).append(figures)
            for name, members in groups.items():
                self._group(kind, name).add_pairs(members, pages=pages)

    def add_dropped(self, dropped: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        """Count dropped pairs, given as `dropped[kind][name][reason]`."""
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
        self._bound_starts(_MAX_STARTS)
        # that file's documents without the first and the last, which `_join` counts
        inner = Counter(other["counters"]["documents_by_pages"])
        ends = {other["first_document"]: other["first_pages"], other["last_document"]: other["last_pages"]}
        for pages in ends.values() if other["first_document"] is not None else ():
            inner[_classify_pages(pages)] -= 1
        self.counters["documents_by_pages"].update(inner)
        for name in self.TOTALS:
            if name != "documents":
                self.totals[name] += other["totals"][name]
        self.scores.add(other["scores"] if "scores" in other else _read_scores(other["totals"]))
        for kind, groups in other["groups"].items():
            for name, group in groups.items():
                self._group(kind, name).add(group)

    def to_json(self) -> dict[str, Any]:
        self._bound_starts(_MAX_STARTS)
        return {
            "counters": {name: sort_counts(counts) for name, counts in self.counters.items()},
            "totals": {name: _tidy(total) for name, total in self.totals.items()},
            "groups": {
                kind: {name: groups[name].to_json() for name in sorted(groups)} for kind, groups in self.groups.items()
            },
            "scores": self.scores.to_json(),
            "first_document": self.first_document,
            "last_document": self.last_document,
            "first_pages": self.first_pages,
            "last_pages": self.last_pages,
        }

    def count_questions(self) -> DistinctCounter:
        """The distinct questions of all pairs."""
        questions = DistinctCounter()
        for group in self.groups["prompt"].values():
            questions.merge(group.questions)
        return questions

    def _group(self, kind: str, name: str) -> Group:
        return self.groups[kind].setdefault(name, Group())

    def _bound_starts(self, bound: int) -> None:
        counts = self.counters["question_starts"]
        if len(counts) > bound:
            least = sorted(counts.values(), reverse=True)[_MAX_STARTS]
            self.counters["question_starts"] = Counter(
                {start: count - least for start, count in counts.items() if count > least}
            )

    def _join(self, first: str, last: str, *, first_pages: int, last_pages: int, documents: float) -> None:
        """Append documents, given the first and the last. Rows of one document are adjacent, also across files."""
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


def summarise(statistics: Statistics, *, ledgers: Mapping[str, Any], pack: Rendering) -> dict[str, Any]:
    """The content of `dataset/stats.json`: final outcomes only, so that kills leave no trace in it. `by_prompt`,
    `by_style`, `by_model`, `by_kind` and `by_text_from` hold `Group.summarise` by name, `scores` what is known of each
    score of the kept pairs. `unique_questions` ignores case
    and punctuation; it is exact if `unique_questions_error`, its relative standard error, is 0."""
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
        "grounding_mean": statistics.scores.find_mean("grounding"),
        "evidence_share": ratio("pairs_with_evidence", "pairs"),
        "scores": statistics.scores.summarise(),
        "ocr_confidence_mean": statistics.scores.find_mean("ocr_confidence"),
        "unique_questions": unique,
        "unique_question_share": round(unique / totals["pairs"], 4) if totals["pairs"] else None,
        "unique_questions_error": 0 if questions.exact else round(ERROR, 4),
        **{f"by_{kind}": dict(summarise_groups(statistics, kind)) for kind in KINDS},
        **counters,
        "question_starts": dict(starts[:_SHOWN_STARTS]),
        "image_format": pack.image_format,
        "ledger": dict(ledgers),
    }


_OF_KINDS = ("by_kind", "pairs_by_kind")
_OF_OCR = ("by_text_from", "pairs_by_text_from", "pages_by_text_from", "ocr_confidence_mean")


_OF_SCORES = ("scores",)


def summarise_as(found: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without what the version that wrote `found` did not know: OCR, the kinds of questions, and scores other
    than their means."""
    later = [name for names in (_OF_KINDS, _OF_OCR, _OF_SCORES) if names[0] not in found for name in names]
    known = {name: figure for name, figure in summary.items() if name not in later}
    if "scores" in found:
        return known
    by = {f"by_{kind}" for kind in KINDS}
    return {name: _forget_scores(figure) if name in by else figure for name, figure in known.items()}


def _forget_scores(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        group: {name: figure for name, figure in figures.items() if name != "scores"}
        for group, figures in groups.items()
    }


def _read_scores(totals: Mapping[str, float]) -> dict[str, Any]:
    """The scores that earlier versions counted, without their spread."""
    found = {}
    for name, pairs, total in (
        ("grounding", "pairs_scored", "grounding_sum"),
        ("ocr_confidence", "pairs_read_by_ocr", "ocr_confidence_sum"),
    ):
        found[name] = {"pairs": totals.get(pairs, 0), "sum": round(totals.get(total, 0) * UNIT), "by_tenth": {}}
    return found


def summarise_groups(statistics: Statistics, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each prompt (style, model, kind, source of text) with its figures, most pairs first."""
    found = [(name, group.summarise()) for name, group in sorted(statistics.groups[kind].items())]
    yield from sorted(found, key=lambda item: -item[1]["pairs"])


def _classify_pages(pages: int) -> str:
    return classify_count(pages, _DOCUMENT_PAGES)


def _tidy(total: float) -> float | int:
    return int(total) if float(total).is_integer() else round(total, 4)
