"""Questions for lists: their first and last item, all of them, how many there are, and the item with a number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from docmatix.core.documents import Fact, Page
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import (
    count_words,
    holds,
    is_answer,
    is_label,
    join_list,
    looks_cited,
    strip_label,
    strip_number,
)
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.english import AUXILIARIES, CONJUNCTIONS, PREPOSITIONS, VERBS

_NUMBER = re.compile(r"[0-9]{1,4}")
MAX_ALL_ITEMS = 8
MAX_ALL_WORDS = 50
MAX_STEP = 1.8
"""How much further apart two items may be than the list's closest: a paragraph between them ends the list."""
PAGE_FOOT = 0.88
"""A list that ends below this share of a page may go on overleaf."""


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """Drafts for each list below one heading or lead-in; none where two lists have one name."""
    lists: dict[frozenset[str], list[tuple[Page, str, list[Fact]]]] = {}
    for page in asked.pages:
        # within a table, a list may go on in the next cell
        items = [
            fact
            for fact in page.facts
            if fact.kind == "list_item"
            and not any(holds(table.box, box) for table in page.tables for box in fact.boxes)
        ]
        for path, held in groupby(items, key=lambda fact: fact.path):
            _, name = strip_number(strip_label(path[-1])) if path else ("", "")
            lists.setdefault(make_topic(name), []).append((page, name, list(held)))
    for number, (topic, found) in enumerate(lists.items()):
        cited = sum(looks_cited(item.value) for _, _, items in found for item in items)
        if topic and len(found) == 1 and 2 * cited < len(found[0][2]):
            yield from _draft_list(*found[0], f"list {number}", asked.language)


def _draft_list(page: Page, name: str, items: Sequence[Fact], source: str, language: str) -> Iterator[Draft]:
    answers = [item.value for item in items]
    sound = all(item.confidence >= MIN_CONFIDENCE and item.boxes for item in items) and is_label(name)
    # a lead-in that its items go on: `the steps are`
    slots = {"lead": f"{name} …" if language == "en" and _goes_into(name) else name}

    def draft(
        form: str, number: str, answer: str, kind: str, held: Sequence[Fact], worth: float, *, asked: bool
    ) -> Draft:
        topic = make_topic(form, number, name)
        evidence = tuple(Evidence(page.number, item.value, item.boxes) for item in held)
        asking = Asking(form, {**slots, "number": number}, topic)
        return Draft("list", (asking,), answer, kind, evidence, source, worth, asked=asked)

    whole = sound and len(items) > 1 and _is_whole(page, items)
    several = whole and len(items) <= 20
    first, last = items[0], items[-1]
    yield draft("list.first", "", first.value, "text", [first], 0.7, asked=whole and is_answer(first.value))
    yield draft("list.last", "", last.value, "text", [last], 0.7, asked=whole and is_answer(last.value))
    yield draft("list.count", "", str(len(items)), "count", items, 0.75, asked=several and len(items) > 2)
    short = several and len(items) <= MAX_ALL_ITEMS and count_words(*answers) <= MAX_ALL_WORDS
    listed = join_list(answers, language)
    yield draft("list.all", "", listed, "list", items, 0.8, asked=short and all(map(is_answer, answers)))
    for item in items:
        number = item.label.strip("().: ")
        if _NUMBER.fullmatch(number):
            numbered = sound and is_answer(item.value)
            yield draft("list.item", number, item.value, "text", [item], 0.7, asked=numbered)


_OPEN = AUXILIARIES | PREPOSITIONS | CONJUNCTIONS | frozenset("include includes including following are be".split())


def _goes_into(lead: str) -> bool:
    """Whether an English lead-in is a sentence that its items end."""
    last = lead.rsplit(maxsplit=1)[-1].lower()
    return last in _OPEN or last in VERBS


def _is_in_table(page: Page, fact: Fact) -> bool:
    return any(holds(table.box, box) for table in page.tables for box in fact.boxes)


def _is_whole(page: Page, items: Sequence[Fact]) -> bool:
    """Whether nothing is missing between the items, and the list ends on its page: numbers from one on, or even
    steps."""
    if items[-1].boxes[-1].y1 > PAGE_FOOT or _goes_on(page, items):
        return False
    numbers = [item.label.strip("().: ") for item in items]
    if all(map(_NUMBER.fullmatch, numbers)):
        return [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    gaps = [after.boxes[0].y0 - before.boxes[-1].y1 for before, after in pairwise(items)]
    height = min(box.y1 - box.y0 for item in items for box in item.boxes)
    return all(-height < gap <= MAX_STEP * max(min(gaps), height) for gap in gaps)


def _goes_on(page: Page, items: Sequence[Fact]) -> bool:
    """Whether a line elsewhere on the page begins as the next item would: behind a picture, in another column."""
    starts = Counter(next(line).text for _, line in groupby(page.words, key=lambda word: word.line))
    mark = items[-1].label
    number = _NUMBER.search(mark)
    if number is None:
        return bool(mark) and starts[mark] > len(items)
    return mark[: number.start()] + str(int(number.group()) + 1) + mark[number.end() :] in starts
