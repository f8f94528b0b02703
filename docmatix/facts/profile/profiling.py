"""The profile of a page: shares of its area, what is counted on it, and what it looks like."""

from __future__ import annotations

from docmatix.core.documents import Page
from docmatix.core.profiles import Profile
from docmatix.facts.profile.charts import find_axes, score_chart
from docmatix.facts.profile.figures import list_drawn, score_figure, score_map
from docmatix.facts.profile.pages import score_blank, score_cover, score_form, score_letter, score_slide
from docmatix.facts.profile.texts import score_code, score_contents, score_formula, score_references
from docmatix.facts.profile.view import View, measure_cover, view_page
from docmatix.pdf.drawings import MAX_STROKES, Drawing


def profile_page(page: Page, drawing: Drawing) -> Profile:
    """What a page with its facts is like, from them and from what is drawn on it; the same page has the same profile.
    What its pictures show is not known: they lower its confidence."""
    view = view_page(page, drawing)
    axes = find_axes(view)
    drawn = list_drawn(view, axes)
    code = score_code(view)
    formula = score_formula(view)
    return Profile(
        text=_measure_text(view),
        pictures=page.image_share,
        drawing=round(measure_cover(drawn, width=view.width, height=view.height), 4),
        tables=len(view.tables),
        fields=view.count("field", "empty_field", "checkbox"),
        lists=_count_lists(view),
        headings=view.count("heading"),
        chart=score_chart(view, axes),
        figure=score_figure(view, drawn),
        map=score_map(view),
        formula=round(formula * (0.3 if code > 0.5 else 1.0), 4),
        code=round(code, 4),
        form=round(score_form(view), 4),
        letter=score_letter(view),
        slide=round(score_slide(view), 4),
        cover=round(score_cover(view), 4),
        contents=round(score_contents(view), 4),
        references=round(score_references(view), 4),
        blank=score_blank(view),
        confidence=_measure_confidence(view),
    )


def _measure_text(view: View) -> float:
    areas = [(min(line.x0s), min(line.y0s), max(line.x1s), max(line.y1s)) for line in view.lines]
    return round(measure_cover(areas, width=view.width, height=view.height), 4)


def _count_lists(view: View) -> int:
    """How many lists there are: items below the same headings and lead-in are of one, those of items too."""
    items = [fact for fact in view.facts if fact.kind == "list_item"]
    said = {fact.value for fact in items}
    return len({fact.path for fact in items if not (fact.path and fact.path[-1] in said)})


def _measure_confidence(view: View) -> float:
    """How much of the page could be read and told apart."""
    page = view.page
    seen = 1.0 - 0.7 * page.image_share
    if page.text_quality is not None:
        seen *= 0.5 + 0.5 * page.text_quality
    if page.reason is not None and page.reason != "blank":
        seen *= 0.4
    if view.drawing.shapes > MAX_STROKES and not view.drawing.rules:
        seen *= 0.7
    return round(seen, 4)
