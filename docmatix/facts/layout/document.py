"""Finds what the layout of a document says, all pages at once, since sizes, margins and headings are its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from docmatix.core.documents import Fact, Page, Table
from docmatix.facts.layout.bullets import mark_bullets
from docmatix.facts.layout.captions import find_captions
from docmatix.facts.layout.contents import mark_contents
from docmatix.facts.layout.figures import find_figures
from docmatix.facts.layout.footnotes import find_footnotes
from docmatix.facts.layout.headings import Heading, find_headings, find_paths
from docmatix.facts.layout.letters import find_letter
from docmatix.facts.layout.lines import read_sheet
from docmatix.facts.layout.lists import Item, find_items
from docmatix.facts.layout.margins import find_margins
from docmatix.facts.layout.paragraphs import Paragraph, begins_item, find_body, make_paragraphs
from docmatix.facts.layout.sections import find_section
from docmatix.facts.layout.titles import COVER_WORDS, find_title, is_slide


def find_layout(pages: Sequence[Page], tables: Sequence[Sequence[Table]]) -> list[list[Fact]]:
    """The facts of each page's layout, in reading order of their kind; nothing inside a table. Language-independent but
    for the words of captions and letters, which are known in eight languages."""
    sheets = [read_sheet(page, of_page) for page, of_page in zip(pages, tables, strict=True)]
    body = find_body(sheets)
    facts = find_margins(sheets, body)
    for sheet, found in zip(sheets, facts, strict=True):
        mark_contents(sheet)
        mark_bullets(sheet.open_lines, sheet.width)
        found.extend(find_footnotes(sheet, body))
    paragraphs = [make_paragraphs(sheet, number, body) for number, sheet in enumerate(sheets)]
    titles: list[Heading] = []
    slides = [is_slide(sheet, body) for sheet in sheets]
    begun = False
    for sheet, of_page, found, slide in zip(sheets, paragraphs, facts, slides, strict=True):
        found.extend(find_captions(of_page, body))
        parts = find_letter(sheet, of_page, body)
        found.extend(parts)
        if of_page and (slide or not begun) and not parts:
            title = find_title(sheet, of_page, body, slide=slide, starts_late=_starts_late(found))
            if title is not None:
                found.append(title[0])
                if slide:
                    titles.append(title[1])
            if not slide and len(sheets) > 1 and sum(len(line.words) for line in sheet.lines) <= COVER_WORDS:
                _mark_cover(of_page)
        begun = begun or bool(of_page)
    headings = find_headings(sheets, paragraphs, body)
    listed = [find_items(of_page, body) for of_page in paragraphs]
    sure = (heading for heading in headings if not heading.doubtful or not heading.paragraph.role)
    ordered = sorted([*sure, *titles], key=_order(paragraphs))
    skips = _find_skips(facts)
    paths = dict(zip(map(id, ordered), find_paths(ordered, skips), strict=True))
    starts = {id(heading.paragraph): heading for heading in ordered}
    above: tuple[Heading, ...] = ()
    for number, (of_page, found) in enumerate(zip(paragraphs, facts, strict=True)):
        above = () if slides[number] or number in skips else above
        items = {id(item.paragraphs[0]): item for item in listed[number]}
        path_of: dict[int, tuple[str, ...]] = {}
        for paragraph in of_page:
            heading = starts.get(id(paragraph))
            if heading is not None:
                outer = tuple(one.text for one in paths[id(heading)])
                hollow = heading.doubtful or heading.of_table
                above = paths[id(heading)] if hollow else (*paths[id(heading)], heading)
                if not heading.slide and not heading.doubtful:
                    found.append(
                        Fact("heading", "", heading.text, outer, paragraph.boxes, (), heading.confidence),
                    )
                    at = of_page.index(paragraph) + 1
                    page = paragraph.page
                    if at == len(of_page) and page + 1 < len(paragraphs):
                        at, page = 0, page + 1  # its text begins the next page
                    section = find_section(heading, outer, paragraphs[page][at:], body)
                    if section is not None:
                        facts[page].append(section if at else section._replace(label_boxes=()))
            path_of[id(paragraph)] = tuple(one.text for one in above)
            item = items.get(id(paragraph))
            if item is not None:
                found.append(_make_item(item, tuple(one.text for one in above if not _ends(item.lead_in, one))))
        found.extend(find_figures(of_page, path_of))
    return facts


def _mark_cover(paragraphs: Sequence[Paragraph]) -> None:
    """Take what stands beside the title of a page without text: no heading of it is one of the document's."""
    if max(paragraph.count_words() for paragraph in paragraphs) < 15:
        for paragraph in paragraphs:
            paragraph.role = paragraph.role or "cover"


def _starts_late(facts: Sequence[Fact]) -> bool:
    return any(fact.kind == "page_number" and fact.value.isdigit() and int(fact.value) > 2 for fact in facts)


def _find_skips(facts: Sequence[Sequence[Fact]]) -> set[int]:
    """The pages whose printed number shows that pages before them are missing, as in an extract."""
    skips: set[int] = set()
    last: tuple[int, int] | None = None
    for page, found in enumerate(facts):
        for fact in found:
            if fact.kind == "page_number" and fact.value.isdecimal() and fact.confidence >= 0.6:
                if last is not None and int(fact.value) - last[1] > page - last[0]:
                    skips.add(page)
                last = page, int(fact.value)
    return skips


def _order(paragraphs: Sequence[Sequence[Paragraph]]) -> Callable[[Heading], int]:
    places = {
        id(paragraph): place
        for place, paragraph in enumerate(paragraph for of_page in paragraphs for paragraph in of_page)
    }
    return lambda heading: places[id(heading.paragraph)]


def _ends(lead_in: Paragraph | None, heading: Heading) -> bool:
    """Whether a lead-in is not under a heading: it is set as that is, or begins further left on its page."""
    paragraph = heading.paragraph
    if lead_in is None or heading.slide:
        return False
    left = paragraph.page == lead_in.page and lead_in.x0 < paragraph.x0 - paragraph.size < lead_in.x1
    alike = lead_in.bold and paragraph.bold and abs(lead_in.size - paragraph.size) < 0.3
    return alike or (left and lead_in.first.y0 > paragraph.last.y0 and begins_item(paragraph.first))


def _make_item(item: Item, path: tuple[str, ...]) -> Fact:
    outer: list[str] = []
    one = item.outer
    while one is not None:
        outer.insert(0, one.value)
        one = one.outer
    lead_in = (item.lead_in_text,) if item.lead_in_text else ()
    label_box = item.paragraphs[0].first.words[0].box
    label = "" if item.paragraphs[0].first.bullet else item.label
    return Fact("list_item", label, item.value, (*path, *lead_in, *outer), item.boxes, (label_box,), item.confidence)
