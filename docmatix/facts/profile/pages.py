"""What a whole page is: a form, a letter, a slide, a cover, nothing at all."""

from __future__ import annotations

from docmatix.facts.profile.view import View

SCREENS = ((4 / 3, 0.012), (16 / 9, 0.03), (16 / 10, 0.012))
"""The shapes of slides, width by height, and how exact they are; A4 and Letter on their sides are 1.41 and 1.29."""
COVER_WORDS = 60
CHARACTERS = 250
"""Of text for each field of a form, at most."""
_INPUTS = ("empty_field", "checkbox")
_LETTER_PARTS = {"addressee": 0.6, "subject": 0.5, "signatory": 0.5, "date": 0.4}


def score_form(view: View) -> float:
    """How likely a page is one to fill in, or was filled in: fields of the PDF, empty ones, boxes to tick; fields with
    values alone are those of many pages."""
    widgets = sum(widget.kind != "button" for widget in view.drawing.widgets)
    inputs = view.count(*_INPUTS)
    fields = view.count("field")
    if widgets + inputs == 0:
        return min(0.45, 0.06 * fields)
    points = 1.5 * min(widgets, 4) + inputs + 0.25 * fields
    if not widgets and inputs == view.count("checkbox") and not fields and _says_what_applies(view):
        return min(0.4, 0.1 * inputs)
    # boxes in running text are of a report, too
    letters = sum(2 if letter > "\u2e80" else 1 for letter in view.page.text)
    return min(0.95, 0.3 + 0.15 * points) * min(1.0, CHARACTERS * (widgets + inputs + fields) / max(letters, 1))


def _says_what_applies(view: View) -> bool:
    """Whether the boxes of a page are all ticked, or beside one that is, and ask nothing: annual reports have these
    below their headings."""
    boxes = [fact for fact in view.facts if fact.kind == "checkbox"]
    ticked = sum(fact.path == ("checked",) for fact in boxes)
    return 3 * ticked >= len(boxes) and not any(fact.label for fact in boxes)


def score_letter(view: View) -> float:
    """How likely a page is a letter, by the parts of one that were found on it."""
    kinds = {fact.kind for fact in view.facts}
    missing = 1.0
    for kind, part in _LETTER_PARTS.items():
        if kind in kinds:
            missing *= 1 - part
    return round(min(0.97, 1 - missing), 4)


def score_slide(view: View) -> float:
    """How likely a page is a slide: of a screen's shape, or wide, with few words in large print."""
    words = len(view.page.words)
    ratio = view.width / view.height
    if not 1.2 < ratio < 2.2 or not words or words > 300:
        return 0.0
    largest = max((word.size for word in view.page.words), default=0.0) / view.height
    typical = view.size / view.height
    screen = any(abs(ratio - shape) < within for shape, within in SCREENS)
    score = 0.4 if screen else 0.05
    score += 0.15 if typical > 0.024 else 0.0
    score += 0.15 if largest > 0.04 else 0.0
    score += 0.1 if words < 120 else 0.0
    score += 0.2 if view.count("title") else 0.0
    return min(0.95, score)


def score_cover(view: View) -> float:
    """How likely a page is a cover: few words, the largest of them much larger, and nothing to read."""
    words = view.page.words
    if not 2 <= len(words) <= COVER_WORDS or view.tables or view.count("field", "list_item", *_INPUTS) > 2:
        return 0.0
    sizes = sorted(word.size for word in words)
    large = sizes[-1] >= 1.4 * view.size or sizes[-1] >= 20
    if not large or view.count("section"):
        return 0.0
    score = 0.5 + (0.2 if view.page.number == 1 else 0.0) + (0.2 if view.count("title") else 0.0)
    return score if max(len(line.words) for line in view.lines) < 15 else 0.5 * score


def score_blank(view: View) -> float:
    """How likely there is nothing on a page: no word, or a few at its edges, and neither picture nor drawing."""
    if view.page.reason == "blank":
        return 1.0
    drawn = view.page.image_share > 0.005 or view.boxes or view.outlines or len(view.rules) > 4
    if drawn or len(view.page.words) > 20:
        return 0.0
    if view.page.reason is not None:
        return 0.3  # of pages without text the drawing is not read
    if not view.page.words:
        return 0.9
    edges = all(word.box.y1 < 0.1 or word.box.y0 > 0.9 for word in view.page.words)
    return 0.9 if edges else 0.5 if len(view.page.words) < 8 else 0.0
