"""Statistics of a dataset: counted file by file while packing, then added up, so that nothing is read twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from docmatix.config import Pack

_OPENINGS = frozenset(
    "what when where who whose whom which why how is are was were do does did can could should has have in on at for"
    " according".split()
)
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
"""Upper bounds, in words, of the length classes of questions and answers."""


class Statistics:
    """Counters by name; every one can be added to its like from another file."""

    COUNTERS = (
        "pairs_by_prompt",
        "pairs_by_style",
        "pairs_by_model",
        "rows_by_language",
        "rows_by_pages",
        "question_words",
        "answer_words",
        "question_openings",
        "images_by_mode",
    )
    TOTALS = (
        "rows",
        "documents",
        "pages",
        "pairs",
        "image_bytes",
        "pixels",
        "pairs_with_evidence",
        "pairs_scored",
        "grounding_sum",
        "file_bytes",
    )

    def __init__(self) -> None:
        self.counters: dict[str, Counter[str]] = {name: Counter() for name in self.COUNTERS}
        self.totals: dict[str, float] = dict.fromkeys(self.TOTALS, 0)
        self.first_document: str | None = None
        self.last_document: str | None = None

    def add_row(self, pairs: Iterable[Mapping[str, Any]], images: Iterable[Any]) -> None:
        """Count one row: the curated rows of its kept pairs, and its page images."""
        pairs, images = list(pairs), list(images)
        document = str(pairs[0]["doc_id"])
        self._open_document(document, document)
        self.totals["rows"] += 1
        self.counters["rows_by_language"][pairs[0]["language"] or "unknown"] += 1
        self.counters["rows_by_pages"][str(len(images))] += 1
        for image in images:
            self.totals["pages"] += 1
            self.totals["image_bytes"] += len(image.data)
            self.totals["pixels"] += image.width_px * image.height_px
            self.counters["images_by_mode"][image.mode] += 1
        for pair in pairs:
            self.totals["pairs"] += 1
            self.totals["pairs_with_evidence"] += bool(pair["evidence"])
            for name in ("prompt", "style", "model"):
                self.counters[f"pairs_by_{name}"][pair[name]] += 1
            if pair["scores"]["grounding"] is not None:
                self.totals["pairs_scored"] += 1
                self.totals["grounding_sum"] += round(pair["scores"]["grounding"], 4)
            self.counters["question_words"][classify_length(pair["question"])] += 1
            self.counters["answer_words"][classify_length(pair["answer"])] += 1
            opening = pair["question"].split(maxsplit=1)[:1]
            word = opening[0].lower() if opening else ""
            self.counters["question_openings"][word if word in _OPENINGS else "other"] += 1

    def add(self, other: Mapping[str, Any]) -> None:
        """Add the `to_json` of the file that follows this one."""
        if other["first_document"] is not None:
            already = other["totals"]["documents"] - 1
            self._open_document(other["first_document"], other["last_document"], further=already)
        for name, counts in other["counters"].items():
            self.counters[name].update(counts)
        for name, total in other["totals"].items():
            if name != "documents":
                self.totals[name] += total

    def to_json(self) -> dict[str, Any]:
        return {
            "counters": {name: dict(sorted(counts.items())) for name, counts in self.counters.items()},
            "totals": {name: _tidy(total) for name, total in self.totals.items()},
            "first_document": self.first_document,
            "last_document": self.last_document,
        }

    def _open_document(self, first: str, last: str, *, further: float = 0) -> None:
        # rows of one document are adjacent, so only a change of document is a new one, also across files
        if first != self.last_document:
            self.totals["documents"] += 1
        self.totals["documents"] += further
        self.first_document = self.first_document or first
        self.last_document = last


def classify_length(text: str) -> str:
    """The class of a text's length in words: `1`, `2`, `3`, `4-5`, ... `90+`."""
    words, lower = len(text.split()), 0
    for upper in _LENGTHS:
        if words <= upper:
            return str(upper) if upper - lower <= 1 else f"{lower + 1}-{upper}"
        lower = upper
    return f"{lower + 1}+"


def summarise(statistics: Statistics, *, ledgers: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """What `dataset/stats.json` holds: final outcomes only, so that it is the same after any number of kills."""
    totals, counters = statistics.to_json()["totals"], statistics.to_json()["counters"]

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
        "file_bytes": totals["file_bytes"],
        "grounding_mean": ratio("grounding_sum", "pairs_scored"),
        "evidence_share": ratio("pairs_with_evidence", "pairs"),
        **counters,
        "image_format": pack.image_format,
        "ledger": dict(ledgers),
    }


def _tidy(total: float) -> float | int:
    return int(total) if float(total).is_integer() else round(total, 4)
