"""Whether questions from facts are right, by the truth of the document they were asked of.

A question is right if the truth answers it so, and no other fact of the window answers it otherwise; its boxes are
right if they cover the answer's. Questions of kinds that a document does not list completely are not judged.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.truth_factory.drawn import Drawn, DrawnFact
from benchmarks.truth_factory.scoring import MIN_OVERLAP, NOTHING, overlap
from docmatix.core.documents import Box
from docmatix.prompting.questions.question import FactQuestion

ASKABLE = frozenset(
    "addressee caption cell checkbox date empty_field field figure footnote heading list_item signatory subject "
    "title".split()
)
"""Kinds of drawn facts that there are questions for."""


@dataclass
class Asked:
    """Counts of one kind of question; `wrong` are kept for people to read."""

    asked: int = 0
    judged: int = 0
    right: int = 0
    boxes: int = 0
    wrong: list[FactQuestion] = field(default_factory=list)

    def add(self, other: Asked) -> None:
        self.asked += other.asked
        self.judged += other.judged
        self.right += other.right
        self.boxes += other.boxes
        self.wrong += other.wrong


@dataclass
class QuestionScore:
    """Of one document or of many: questions by kind, and how many of the facts that could be asked about were."""

    kinds: dict[str, Asked] = field(default_factory=lambda: defaultdict(Asked))
    drawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, other: QuestionScore) -> None:
        for kind, asked in other.kinds.items():
            self.kinds[kind].add(asked)
        for kind, count in other.drawn.items():
            self.drawn[kind] += count
            self.covered[kind] += other.covered[kind]


def score_questions(drawn: Drawn, windows: Sequence[tuple[Sequence[int], Sequence[FactQuestion]]]) -> QuestionScore:
    """`windows`: the page numbers of each, and what was asked about it."""
    score = QuestionScore()
    places: list[tuple[int, Box]] = []
    for pages, questions in windows:
        facts = [fact for fact in drawn.facts if fact.page in pages]
        for question in questions:
            asked = score.kinds[question.kind]
            asked.asked += 1
            places += [(one.page, box) for one in question.evidence for box in one.boxes]
            truth = find_truth(question, facts)
            if truth is None:
                continue
            asked.judged += 1
            if not truth:
                asked.wrong.append(question)
                continue
            asked.right += 1
            found = [box for one in question.evidence for box in one.boxes]
            wanted = [box for fact in truth for box in fact.boxes]
            if "/cell.which" in question.wording:  # the name of a row is a cell, and no fact
                wanted = [cell.box for cell in drawn.cells if _same(cell.text, question.answer)]
            asked.boxes += overlap(found, wanted) >= MIN_OVERLAP or _inside(found, wanted)
    for fact in drawn.facts:
        if fact.kind in ASKABLE and not fact.optional and fact.value not in NOTHING:
            score.drawn[fact.kind] += 1
            score.covered[fact.kind] += any(page == fact.page and _touches(box, fact.boxes) for page, box in places)
    return score


def _inside(found: Sequence[Box], wanted: Sequence[Box]) -> bool:
    """A name alone of an address, a heading without its number: evidence may be a part of what was drawn."""
    return bool(found) and all(
        any(overlap([box], [(_cut(box, other))]) >= MIN_OVERLAP for other in wanted if _meet(box, other))
        for box in found
    )


def _meet(one: Box, other: Box) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def _cut(box: Box, other: Box) -> Box:
    return Box(max(box.x0, other.x0), max(box.y0, other.y0), min(box.x1, other.x1), min(box.y1, other.y1))


def _touches(box: Box, others: Sequence[Box]) -> bool:
    return any(_meet(box, other) and overlap([box], [_cut(box, other)]) >= MIN_OVERLAP for other in others)


def find_truth(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact] | None:
    """The drawn facts that make an answer right; empty if it is wrong, None if nobody can say."""
    form = question.wording.split("/")[1]
    family = form.split(".")[0] if not form.startswith("known.") else "field"
    judge = _JUDGES.get(form) or _JUDGES.get(family)
    return judge(question, facts) if judge else None


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold().strip(" :.")


def _same(one: str, other: str) -> bool:
    return _fold(one) == _fold(other)


def _says(fact: DrawnFact, answer: str) -> bool:
    return any(_same(value, answer) for value in (fact.value, *(reading.value for reading in fact.others)))


def _of(facts: Sequence[DrawnFact], *kinds: str) -> list[DrawnFact]:
    return [fact for fact in facts if fact.kind in kinds or set(kinds) & set(fact.kinds)]


def _judge_field(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    label = question.slots.get("quoted", question.slots["label"])
    section = question.slots.get("section")
    named = [
        fact
        for fact in facts
        if fact.kind in ("field", "cell", "date", "subject", "addressee", "signatory", "figure")
        and (any(_same(label, own) for own in (fact.label, *(fact.labels or ()), *fact.path)) or fact.labels is None)
    ]
    if section:
        placed = [fact for fact in named if not fact.path or any(_same(section, part) for part in fact.path)]
        named = placed or named
    right = [fact for fact in named if _says(fact, question.answer)]
    fields = [fact for fact in named if fact.kind == "field" and _same(label, fact.label)]
    return right if all(_says(fact, question.answer) for fact in fields) else []


def _judge_filled(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    label = question.slots["label"]
    named = [fact for fact in _of(facts, "field", "empty_field") if _same(label, fact.label)]
    empty = {fact.kind == "empty_field" for fact in named}
    # yes and no are not told apart by their words, which differ by language, but by what was read
    printed = bool(question.evidence) and not _same(question.evidence[0].quote, label)
    return named if empty == {not printed} else []


def _list_parts(question: FactQuestion) -> tuple[list[str], str]:
    return [_fold(part) for part in question.slots["headed"].split(", ")], _fold(question.slots["named"])


def _judge_cell(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    column, row = _fold(question.slots["headed"]), _fold(question.slots["named"])
    group, table = question.slots.get("group", ""), "table" in question.slots
    matching = []
    for fact in _of(facts, "cell", "field"):
        if fact.kind == "field":
            if _fold(fact.label) in (row, column):
                matching.append(fact)
            continue
        parts = [_fold(part) for part in fact.path]
        text = ", ".join(parts)
        if parts and parts[-1] == row and column in text and (not group or _fold(group) in parts):
            matching.append(fact)
    right = [fact for fact in matching if _says(fact, question.answer)]
    return right if table or all(_says(fact, question.answer) for fact in matching) else []


def _judge_which(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    column, value = _fold(question.slots.get("headed", question.slots["column"])), question.slots["value"]
    matching = [
        fact for fact in _of(facts, "cell") if _says(fact, value) and column in ", ".join(map(_fold, fact.path[:-1]))
    ]
    named = {_fold(fact.path[-1]) for fact in matching}
    return matching if named == {_fold(question.answer)} else []


def _judge_boxes(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    label = question.slots["label"]
    options = [fact for fact in facts if fact.kind == "checkbox" and _same(fact.label, label)]
    ticked = [fact for fact in options if fact.path[-1:] == ("checked",)]
    listed = {"; ".join(fact.value.rstrip(".;,") for fact in ticked), "".join(fact.value for fact in ticked)}
    return ticked if any(_same(one, question.answer) for one in listed) else []


def _judge_question(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    return _judge_boxes(question, facts) if question.kind == "checkbox" else _judge_field(question, facts)


def _judge_option(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    options = [
        fact
        for fact in facts
        if fact.kind == "checkbox"
        and _same(fact.value, question.slots["option"])
        and (_same(fact.label, question.slots["label"]))
    ]
    states = {fact.path[-1:] == ("checked",) for fact in options}
    return options if states == {question.answer in _YES} else []


_YES = frozenset("Yes Ja Oui Sí Sì Sim Tak".split())


def _judge_value(*kinds: str) -> Callable[[FactQuestion, Sequence[DrawnFact]], list[DrawnFact]]:
    def judge(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
        label = question.slots.get("label", "")
        held = [fact for fact in _of(facts, *kinds) if not label or _same(label, fact.label) or fact.labels is None]
        held = held if kinds[0] != "figure" else _of(facts, "figure")
        return [
            fact
            for fact in held
            if _says(fact, question.answer)
            or (kinds[0] in _CUT and _fold(fact.value).startswith(_fold(question.answer)))
        ]

    return judge


_CUT = ("addressee", "signatory")
_NUMBER = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+")


def _strip(heading: str) -> tuple[str, str]:
    match = _NUMBER.match(heading)
    return (match[1], heading[match.end() :]) if match else ("", heading)


def _judge_number(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    wanted = (question.slots["number"], _fold(question.answer))
    held = [fact for fact in _of(facts, "heading") if _strip(fact.value)[0] == wanted[0]]
    return held if len(held) == 1 and _fold(_strip(held[0].value)[1]) == wanted[1] else []


def _judge_paragraph(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    opening = _fold(question.slots["opening"])
    held = [fact for fact in _of(facts, "section") if _fold(fact.value).startswith(opening)]
    named = {_fold(_strip(fact.label)[1]) for fact in held}
    if named != {_fold(question.answer)}:
        return []
    return [fact for fact in _of(facts, "heading") if _same(_strip(fact.value)[1], question.answer)]


def _judge_list(question: FactQuestion, facts: Sequence[DrawnFact]) -> list[DrawnFact]:
    form, lead = question.wording.split("/")[1], question.slots["lead"]
    items = [
        fact
        for fact in facts
        if fact.kind == "list_item" and fact.path and _same(_strip(fact.path[-1])[1], _strip(lead)[1])
    ]
    if not items:
        return []
    if form == "list.count":
        return items if question.answer == str(len(items)) else []
    if form == "list.all":
        listed = "; ".join(item.value.rstrip(".;,") for item in items)
        return items if _same(listed, question.answer) else []
    at = {"list.first": 0, "list.last": -1}.get(form)
    if at is not None:
        return [items[at]] if _says(items[at], question.answer) else []
    numbered = [item for item in items if item.label.strip("(). :") == question.slots["number"]]
    return [item for item in numbered if _says(item, question.answer)]


_JUDGES: Mapping[str, Callable[[FactQuestion, Sequence[DrawnFact]], list[DrawnFact]]] = {
    "field": _judge_field,
    "field.filled": _judge_filled,
    "field.question": _judge_question,
    "cell": _judge_cell,
    "cell.which": _judge_which,
    "cell.which_noun": _judge_which,
    "checkbox.which": _judge_boxes,
    "checkbox.several": _judge_boxes,
    "checkbox.is": _judge_option,
    "checkbox.lone": _judge_option,
    "table.title": _judge_value("caption", "heading"),
    "title": _judge_value("title"),
    "caption": _judge_value("caption"),
    "footnote": _judge_value("footnote"),
    "page_number": _judge_value("page_number"),
    "letter.addressee": _judge_value("addressee"),
    "letter.date": _judge_value("date", "field"),
    "letter.subject": _judge_value("subject"),
    "letter.signatory": _judge_value("signatory"),
    "amount": _judge_value("figure"),
    "heading.number": _judge_number,
    "heading.paragraph": _judge_paragraph,
    "list": _judge_list,
}
