"""The page of an evaluation: one self-contained HTML file with its figures, and the worst mistakes beside their pages.

Text of the data set and of models goes in as escaped HTML. The page has no script, and a content security policy that
admits its style sheet, by its hash, and embedded pictures only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from docmatix.evaluation.groups import BLIND, DIMENSIONS, METRICS
from docmatix.evaluation.mistakes import COLUMNS, Mistakes, Row, choose_mistakes
from docmatix.review.sheets import TOO_LARGE, Sheet, shrink_pages

SHOWN = 60
"""Mistakes on the page."""
GUESSED_SHOWN = 12
PICTURES: Final = 18_000_000
"""Bytes of all pictures together; the rest of the page is below one million."""
MOST_PAGES = 12
"""Pages of a question that get a picture."""

_MOST_BARS = 24
_WIDTH, _HEIGHT = 1000, 22


class Bar(NamedTuple):
    """One line of a plot."""

    label: str
    drawing: Markup
    mean: str
    interval: str
    questions: int


class Plot(NamedTuple):
    """The bars of one dimension, and its whole table."""

    title: str
    bars: list[Bar]
    left_out: int
    columns: list[str]
    rows: list[tuple[str, list[str]]]


class Card(NamedTuple):
    """Mistakes about the same pages; `more_pages` have no picture."""

    mistakes: list[Row]
    sheets: list[Sheet]
    more_pages: int


def make_page(
    read_rows: Callable[[Sequence[str]], Iterable[Row]],
    *,
    summary: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: Callable[[str], Sequence[bytes]],
    allowance: int = PICTURES,
) -> str:
    """The page as HTML, with at most `allowance` bytes of pictures. `read_rows` reads some columns of `PREDICTIONS`,
    `summary` is that of `summarise`, and `pictures` gives the page images of an example by its id, in the order of the
    rows. `settings` are shown as they are, with `model`, `dataset`, `split` and `date` in the heading."""
    mistakes = choose_mistakes(read_rows(COLUMNS), count=SHOWN, guessed=GUESSED_SHOWN)
    ids = (row["example_id"] for row in read_rows(["example_id"]))
    overall = summary["overall"]
    headline = choose_headline(overall)
    style = files("docmatix.evaluation").joinpath("style.css").read_text("utf-8")
    return (
        _make_environment()
        .get_template("page.html")
        .render(
            model=settings.get("model") or "A model",
            dataset=settings.get("dataset") or "a data set",
            split=settings.get("split"),
            date=settings.get("date"),
            overall=overall,
            figures=list_figures(overall, headline),
            headline=METRICS[headline],
            scores=[_draw_metric(name, overall) for name in METRICS if overall[name] is not None],
            plots=[plot for dimension in DIMENSIONS if (plot := _draw_dimension(dimension, summary, headline))],
            alone=_list_alone(summary),
            mistakes=mistakes,
            shown=sum(map(len, mistakes.sheaves)),
            cards=make_cards(mistakes, ids, pictures, allowance=allowance),
            shown_settings=list_settings(settings),
            policy=_write_policy(style),
            style=Markup(style),
        )
    )


@cache
def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("docmatix.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": lambda name: str(name).replace("_", " "), "number": "{:,}".format}
    return environment


def _write_policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


# --- figures ----------------------------------------------------------------------------------------------------------


def choose_headline(overall: Mapping[str, Any]) -> str:
    """The metric that leads: the judge's verdict, unless the judge could tell it of less than half of the answers."""
    judged = overall["judge_verdict"]
    return "judge_verdict" if judged is not None and 2 * judged["n"] >= overall["n"] else "agreement"


def list_figures(overall: Mapping[str, Any], headline: str) -> list[tuple[str, str, str]]:
    """Those at the top of the page: value, name, note."""
    found = [
        (_format(figure["mean"]), METRICS[name], f"{_format_interval(figure)} (95 %)")
        for name in dict.fromkeys((headline, "agreement", "judge_verdict", "anls", "exact"))
        if (figure := overall[name]) is not None
    ]
    found.insert(0, (f"{overall['n']:,}", "questions", f"{overall['answered']:,} answered"))
    if (figure := overall["answerable_blind"]) is not None:
        found.append((f"{figure['mean']:.1%}", "answered without pages", f"{_format_interval(figure)} (95 %)"))
    return found


def _draw_metric(name: str, overall: Mapping[str, Any]) -> Bar:
    figure, blind = overall[name], overall[BLIND[name]] if name in BLIND else None
    return _make_bar(METRICS[name], figure, blind)


def _draw_dimension(dimension: str, summary: Mapping[str, Any], headline: str) -> Plot | None:
    groups: Mapping[str, Any] = summary[dimension]
    if len(groups) < 2:
        return None
    overall = summary["overall"]
    columns = [name for name in METRICS if overall[name] is not None]
    blind = "answerable_blind" if overall["answerable_blind"] is not None else None
    bars = [
        _make_bar(name, group[headline], group[BLIND["agreement"]] if headline == "agreement" else None)
        for name, group in groups.items()
        if group[headline] is not None
    ]
    rows = [
        (name, [f"{group['n']:,}", *(_format_mean(group[each]) for each in (*columns, *filter(None, [blind])))])
        for name, group in groups.items()
    ]
    heads = ["questions", *(METRICS[name] for name in columns), *(["right without pages"] if blind else [])]
    return Plot(DIMENSIONS[dimension][0], bars[:_MOST_BARS], len(bars[_MOST_BARS:]), heads, rows)


def _make_bar(label: str, figure: Mapping[str, Any], blind: Mapping[str, Any] | None) -> Bar:
    drawing = draw_gauge(figure["mean"], figure["low"], figure["high"], blind["mean"] if blind else None)
    return Bar(label, drawing, _format(figure["mean"]), _format_interval(figure), figure["n"])


def draw_gauge(mean: float, low: float, high: float, blind: float | None = None) -> Markup:
    """A bar up to the mean, a line over its interval, and a mark at the blind baseline. Holds figures only, no text."""
    parts = [
        f'<rect class="whole" width="{_WIDTH}" height="{_HEIGHT}"/>',
        f'<rect class="upto" width="{_WIDTH * mean:.1f}" height="{_HEIGHT}"/>',
        f'<rect class="range" x="{_WIDTH * low:.1f}" y="9" width="{_WIDTH * (high - low):.1f}" height="4"/>',
    ]
    if blind is not None:
        left = min(_WIDTH * blind, _WIDTH - 6)
        parts.append(f'<rect class="blind" x="{left:.1f}" width="6" height="{_HEIGHT}"/>')
    hidden = 'preserveAspectRatio="none" aria-hidden="true" focusable="false"'
    return Markup(f'<svg class="gauge" viewBox="0 0 {_WIDTH} {_HEIGHT}" {hidden}>{"".join(parts)}</svg>')


def _list_alone(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What all questions have in common: dimension and group."""
    return [
        (title, next(iter(summary[dimension])))
        for dimension, (title, _) in DIMENSIONS.items()
        if len(summary[dimension]) == 1
    ]


def _format(value: float) -> str:
    return f"{value:.3f}"


def _format_mean(figure: Mapping[str, Any] | None) -> str:
    return "–" if figure is None else _format(figure["mean"])


def _format_interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['low']:.2f} – {figure['high']:.2f}"


# --- mistakes and their pages -----------------------------------------------------------------------------------------


def make_cards(
    mistakes: Mistakes, ids: Iterable[str], pictures: Callable[[str], Sequence[bytes]], *, allowance: int
) -> list[Card]:
    """The mistakes with their pages, for which each card has a share of the bytes that are left; `ids` are those of all
    examples, in the order of the data set, in which a reader of its files is quickest."""
    wanted = {sheaf[0]["example_id"]: number for number, sheaf in enumerate(mistakes.sheaves)}
    found: dict[int, list[Sheet]] = {}
    for example_id in (each for each in ids if each in wanted):
        number = wanted.pop(example_id)
        share = allowance // (len(wanted) + 1)
        found[number] = _make_sheets(mistakes.sheaves[number][0], pictures(example_id), share)
        allowance -= sum(len(sheet.src) for sheet in found[number])
    return [
        Card(sheaf, found[number], max(0, (sheaf[0]["pages"] or 0) - len(found[number])))
        for number, sheaf in enumerate(mistakes.sheaves)
    ]


def _make_sheets(row: Row, images: Sequence[bytes], share: int) -> list[Sheet]:
    numbers = row["page_numbers"]
    if len(numbers) != len(images):
        numbers = range(1, len(images) + 1)
    shown = dict(list(zip(numbers, images, strict=True))[:MOST_PAGES])
    sheets = shrink_pages(shown, share)
    if sheets is None:
        return [Sheet(page, problem=TOO_LARGE) for page in shown]
    return [sheets[page] for page in shown]


# --- settings ---------------------------------------------------------------------------------------------------------


def list_settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each with its value as text; those within another are named after it, and empty ones left out."""
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += [(f"{name}: {inner}", text) for inner, text in list_settings(value)]
        elif isinstance(value, (list, tuple)):
            found.append((str(name), ", ".join(map(str, value)))) if value else None
        elif value is not None and value != "":
            found.append((str(name), {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)))
    return found
