"""Documents that print values under labels, and the question about each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.planted.values import MAKERS, WEIGHTS, Value, list_labels
from benchmarks.planted.writer import DEFAULT_LANGUAGES, Writer
from benchmarks.truth_factory.canvas import Canvas
from benchmarks.truth_factory.fields import BESIDE, FieldSetter, draw_field_look
from benchmarks.truth_factory.flow import Flow
from benchmarks.truth_factory.style import draw_style

PAGES = 2
KINDS_A_PAGE = 3
"""Each page has two values of each of its kinds, so that one can be taken for the other."""


class Fact(NamedTuple):
    """A value under its label on a page, the question that asks for it and nothing else, and the sentences in which it
    may be said (`{value}` in them)."""

    title: str
    page: int
    label: str
    question: str
    value: Value
    invented: Value
    """Another value of the same kind, which stands nowhere."""
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class RecordedDocument:
    """A document; its `title` stands on every page, and on no page of another one."""

    title: str
    language: str
    pdf: bytes
    facts: tuple[Fact, ...]


def draw_documents(count: int, seed: int, languages: Sequence[str] = DEFAULT_LANGUAGES) -> Iterator[RecordedDocument]:
    """So many documents, the languages in turn."""
    seeds = random.Random(f"planted documents {seed}")
    for number in range(count):
        yield _draw_document(seeds.randrange(10**9), languages[number % len(languages)], number)


def _draw_document(seed: int, code: str, number: int) -> RecordedDocument:
    draw = random.Random(f"planted {seed} {code}")
    writer = Writer(code, draw)
    marked = f"{draw.choice('BDHKMR')}{draw.choice('AEIOU')}{draw.choice('LNRST')}-{number:03}"
    title = writer.words["title"].format(sort=draw.choice(writer.words["sorts"]), code=marked)
    facts = _draw_facts(writer, title)
    return RecordedDocument(title, code, _draw_pdf(writer, title, facts), tuple(facts))


def _draw_facts(writer: Writer, title: str) -> list[Fact]:
    """Two of the three kinds of a page are on the next one, too."""
    draw = writer.draw
    kinds = _draw_kinds(draw, KINDS_A_PAGE + PAGES - 1)
    labels = {kind: draw.sample(list_labels(writer, kind), len(list_labels(writer, kind))) for kind in kinds}
    facts: list[Fact] = []
    for page in range(1, PAGES + 1):
        for kind in kinds[page - 1 : page - 1 + KINDS_A_PAGE]:
            for _ in range(2):
                label = labels[kind].pop()
                value = _make_other(writer, kind, label, [fact.value for fact in facts])
                invented = _make_other(writer, kind, label, [value, *(fact.value for fact in facts)])
                question = draw.choice(writer.words["questions"]).format(label=label, title=title)
                sentences = [] if kind in ("text", "yes_no") else writer.words["sentences"]
                filled = tuple(each.format(title=title, label=label, value="{value}") for each in sentences)
                facts.append(Fact(title, page, label, question, value, invented, filled))
    return facts


def _draw_kinds(draw: random.Random, count: int) -> list[str]:
    kinds = list[str]()
    while len(kinds) < count:
        (kind,) = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if kind not in kinds:
            kinds.append(kind)
    return kinds


def _make_other(writer: Writer, kind: str, label: str, others: Sequence[Value]) -> Value:
    """A value that differs from these of its kind, as far as there are so many."""
    value = MAKERS[kind](writer, label)
    for _ in range(20):
        if all(value.differs(other) for other in others if other.kind == value.kind):
            break
        value = MAKERS[kind](writer, label)
    return value


def _draw_pdf(writer: Writer, title: str, facts: Sequence[Fact]) -> bytes:
    """Short values as fields, lists as lists and sentences as paragraphs."""
    draw = writer.draw
    style = draw_style(draw, writer.code)
    canvas = Canvas(style)
    flow = Flow(canvas, style, draw)
    colon = "\u00a0:" if writer.code == "fr" else ":"
    look = draw_field_look(draw, style, BESIDE[:3], columns=(1,), colon=colon)
    headings = draw.sample(writer.words["headings"], PAGES)
    for page in range(1, PAGES + 1):
        if page > 1:
            flow.add_page()
        flow.title(title, size=style.size * 1.5)
        flow.heading(headings[page - 1])
        here = [fact for fact in facts if fact.page == page]
        draw.shuffle(here)
        short = [fact for fact in here if fact.value.kind not in ("list", "text")]
        if short:
            fields = [(fact.label, fact.value.printed) for fact in short]
            flow.y = FieldSetter(canvas, style, draw, look).set(fields, flow.x0, flow.y, flow.column_width)
        for fact in here:
            if fact.value.kind == "text":
                flow.paragraph(f"{fact.label}{colon} {fact.value.printed}")
            elif fact.value.kind == "list":
                flow.list_items(fact.value.printed.split(", "), lead_in=f"{fact.label}{colon}")
    flow.close_page()
    return canvas.finish("record", writer.code, 0, ()).pdf
