"""Plots of a dataset's statistics, from `stats.json` alone: bars with their figures beside them.

The same summary gives the same bytes: no dates, no random ids, no matplotlib settings of the user.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from docmatix.dataset.histograms import find_lower_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREEN, _PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
# by Okabe and Ito: distinct with any colour vision, on white and on black
_PALETTE = (_BLUE, _ORANGE, _GREEN, _PURPLE, "#56B4E9", "#D55E00", "#F0E442", "#999999")
_LIGHT_TEXT_ON = frozenset({_BLUE, "#D55E00"})
_INK = {False: "#1f2328", True: "#e6edf3"}

_WIDTH_IN, _BAR_IN = 5.4, 0.26
_LABEL_SHARE, _FIGURE_SHARE = 0.31, 0.34  # of the width, for names on the left and figures on the right
_MAX_BARS = 20
_MAX_LABEL_CHARS = 22
_LEGEND_COLUMNS = 4
_MIN_LABELLED_SHARE = 0.09  # of a bar; narrower parts have no space for their figure

# plots whose bars are shares of a whole
_SHARES = ("unique questions", "diversity", "grounding", "agreement", "judged")
_OUTCOMES = "what became of the pairs"

Bars = Sequence[tuple[str, float, str]]  # label, length, and the figure at the end of the bar


def import_drawing() -> None:
    """Import what plots are drawn with, ahead of the first."""
    import matplotlib.axes
    import matplotlib.backends.backend_agg  # noqa: F401


def plot_statistics(
    summary: Mapping[str, Any],
    *,
    format: Literal["svg", "png"] = "svg",
    dark: bool = False,
    background: str | None = None,
    by: Literal["prompt", "model", "style", "kind"] = "prompt",
) -> dict[str, bytes]:
    """The plots of `stats.json` in display order, title -> image, without empty ones; pairs are grouped `by`.

    `dark` is for a dark page; the background is transparent unless given.
    """
    # These include the six of the published Docmatix build, by prompt; diversity is within samples, so that it does not
    # depend on where files are cut, and empty questions are one of the reasons among the outcomes.
    plots: dict[str, bytes] = {}
    with _style(dark):
        for title, bars in list_bars(summary, by=by).items():
            if bars:
                color = _BLUE if title.endswith(f"by {by}") else _GREEN
                whole = 1.0 if title.startswith(_SHARES) else None
                plots[title] = _save(_draw_bars(bars, color=color, whole=whole), format, background)
        if rows := list_outcomes(summary, by=by):
            plots[f"{_OUTCOMES} by {by}"] = _save(_draw_outcomes(rows), format, background)
    return plots


def list_titles(summary: Mapping[str, Any], *, by: str = "prompt") -> list[str]:
    """The titles of `plot_statistics` worth showing on a card: bars by prompt only if there are several prompts."""
    compared = len(summary.get(f"by_{by}", {})) > 1
    bars = [title for title, bars in list_bars(summary, by=by).items() if bars and (compared or " by " not in title)]
    return [*bars, f"{_OUTCOMES} by {by}"] if list_outcomes(summary, by=by) else bars


def list_bars(summary: Mapping[str, Any], *, by: str = "prompt") -> dict[str, Bars]:
    """Every plot of plain bars as values; an empty one is an empty list."""
    groups: Mapping[str, Mapping[str, Any]] = summary.get(f"by_{by}", {})

    def tell(figure: str, form: Callable[[Mapping[str, Any]], str]) -> Bars:
        known = [(name, group) for name, group in groups.items() if group.get(figure) is not None]
        return [(name, group[figure], form(group)) for name, group in known]

    plots: dict[str, Bars] = {
        f"pairs by {by}": tell("pairs", lambda group: f"{group['pairs']:,}"),
        f"pairs per page by {by}": tell("pairs_per_page", lambda group: f"{group['pairs_per_page']:.2f}"),
        f"answer length by {by}": tell(
            "answer_words_mean",
            lambda group: f"{group['answer_words_mean']:.1f} words (median {group['answer_words_median']})",
        ),
        f"question length by {by}": tell(
            "question_words_mean",
            lambda group: f"{group['question_words_mean']:.1f} words (median {group['question_words_median']})",
        ),
        f"unique questions by {by}": tell(
            "unique_question_share", lambda group: f"{group['unique_question_share']:.1%}"
        ),
        f"diversity within samples by {by}": tell("diversity", lambda group: f"{group['diversity']:.2f}"),
        f"grounding by {by}": tell("grounding_mean", lambda group: f"{group['grounding_mean']:.3f}"),
        # of what a model found when it was asked about the pairs, what tells right from wrong
        **{f"{name} by {by}": _tell_score(groups, name) for name in ("agreement", "judged")},
        # only if prompts are compared: a dataset does not record what its replies cost
        f"kept agreement for 1,000 tokens by {by}": tell(
            "agreement_per_1000_tokens", lambda group: f"{group['agreement_per_1000_tokens']:.2f}"
        ),
        f"tokens out per kept pair by {by}": tell(
            "completion_tokens_per_kept_pair", lambda group: f"{group['completion_tokens_per_kept_pair']:,.1f}"
        ),
        f"tokens in per kept pair by {by}": tell(
            "prompt_tokens_per_kept_pair", lambda group: f"{group['prompt_tokens_per_kept_pair']:,.0f}"
        ),
    }
    for title, name, unit in (
        ("question openings", "question_starts", " …"),
        ("pages per document", "documents_by_pages", ""),
        ("languages", "rows_by_language", ""),
        ("size of a page image", "images_by_megapixels", " MP"),
        ("bytes of a page image", "images_by_kilobytes", " KB"),
    ):
        counts: Mapping[str, int] = summary.get(name, {})
        whole = summary.get("pairs", 0) if name == "question_starts" else sum(counts.values())
        ordered = _by_count(counts) if name in ("question_starts", "rows_by_language") else _by_class(counts)
        plots[title] = [(f"{label}{unit}", n, f"{n:,} ({n / whole:.1%})") for label, n in ordered if whole]
    return {title: bars[:_MAX_BARS] if any(value for _, value, _ in bars) else [] for title, bars in plots.items()}


def _tell_score(groups: Mapping[str, Mapping[str, Any]], score: str) -> Bars:
    known = [(name, group["scores"][score]) for name, group in groups.items() if score in group.get("scores", {})]
    return [(name, found["mean"], f"{found['mean']:.3f} of {found['pairs']:,}") for name, found in known]


def list_outcomes(summary: Mapping[str, Any], *, by: str = "prompt") -> list[tuple[str, dict[str, int]]]:
    """For each prompt (model, style), the pairs read from its replies by outcome: `kept`, or the reason why not."""
    groups: Mapping[str, Mapping[str, Any]] = summary.get(f"by_{by}", {})
    rows = [(name, {"kept": group["pairs"], **group.get("dropped", {})}) for name, group in groups.items()]
    return [(name, counts) for name, counts in rows[:_MAX_BARS] if any(counts.values())]


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _by_class(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Classes by where they begin: `2` before `10`, `0.5-1` before `1-2`."""
    return sorted(counts.items(), key=lambda item: (find_lower_bound(item[0]), item[0]))


@contextlib.contextmanager
def _style(dark: bool) -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # a glyph that the font lacks is a box in PNG, and up to the reader's fonts in SVG: no reason to stop a build
        warnings.filterwarnings("ignore", message=".*missing from.*font")
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": "sans-serif",
                "font.size": 9,
                "text.parse_math": False,  # names may contain two $
                "text.color": _INK[dark],
                "svg.fonttype": "none",
                "svg.hashsalt": "docmatix",
            }
        )
        yield


def _draw_bars(bars: Bars, *, color: str, whole: float | None) -> Figure:
    figure, axes = _make_axes([label for label, _, _ in bars])
    for place, (_, value, text) in enumerate(bars):
        axes.barh(place, value, height=0.7, color=color)
        axes.annotate(text, (value, place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, whole or max(value for _, value, _ in bars))
    return figure


def _draw_outcomes(rows: Sequence[tuple[str, Mapping[str, int]]]) -> Figure:
    """Each row's shares side by side: kept pairs first, then the reasons, the most frequent first."""
    from matplotlib.patches import Patch

    total: Counter[str] = Counter()
    for _, counts in rows:
        total.update({reason: count for reason, count in counts.items() if reason != "kept"})
    named = ["kept", *(reason for reason, _ in _by_count(total))][: len(_PALETTE) - 1]
    names = [*named, "other reasons"] if len(total) >= len(named) else named
    figure, axes = _make_axes([name for name, _ in rows], below_in=0.1 + 0.2 * math.ceil(len(names) / _LEGEND_COLUMNS))
    for place, (_, counts) in enumerate(rows):
        whole, left = sum(counts.values()), 0.0
        shown = [counts.get(name, 0) for name in named]
        for count, color in zip([*shown, whole - sum(shown)], _PALETTE, strict=False):
            width = count / whole
            axes.barh(place, width, left=left, height=0.7, color=color)
            if width >= _MIN_LABELLED_SHARE:
                ink = _INK[color in _LIGHT_TEXT_ON]
                axes.text(left + width / 2, place, f"{width:.0%}", ha="center", va="center", color=ink)
            left += width
        axes.annotate(f"{whole:,} pairs", (1, place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 1)
    keys = [Patch(color=color, label=_cut(name)) for name, color in zip(names, _PALETTE, strict=False)]
    figure.legend(handles=keys, loc="lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=8, borderpad=0)
    return figure


def _make_axes(labels: Sequence[str], *, below_in: float = 0.0) -> tuple[Figure, Axes]:
    """A figure with a row for each label, from the top, and `below_in` inches of space below them."""
    from matplotlib.figure import Figure

    height = len(labels) * _BAR_IN + 0.08 + below_in
    figure = Figure(figsize=(_WIDTH_IN, height))
    axes = figure.add_axes((_LABEL_SHARE, below_in / height, 1 - _LABEL_SHARE - _FIGURE_SHARE, 1 - below_in / height))
    axes.set_axis_off()
    axes.set_ylim(len(labels) - 0.5, -0.5)
    for place, label in enumerate(labels):
        axes.annotate(
            _cut(label), (0, place), xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center",
        )  # fmt: skip
    return figure, axes


def _cut(label: str) -> str:
    return label if len(label) <= _MAX_LABEL_CHARS else f"{label[: _MAX_LABEL_CHARS - 1]}…"


def _save(figure: Figure, format: Literal["svg", "png"], background: str | None) -> bytes:
    buffer = io.BytesIO()
    none: dict[str, Any] = {"Date": None, "Creator": None} if format == "svg" else {"Software": None}
    color = {"facecolor": background} if background else {"transparent": True}
    figure.savefig(buffer, format=format, dpi=144, metadata=none, **color)
    return buffer.getvalue()
