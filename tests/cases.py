"""Small PDFs and replies, each a member of a kind of fault that once gave wrong data without a word.

    python -m tests.cases FOLDER

FOLDER holds PDFs, `cases.json` (what the text of each must and must not have, `a|b`: either) and `replies.json`
(what models replied, and the pairs that are in it). Prints a line a case; exit status 1 if any fails.

Besides what `cases.json` says, no question that can be asked of a page may rest on a piece of a number, or on what the
page does not show; `EXPECTED` has what only the case's note says in words.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmatix.core.documents import Document, Page, Refusal, WordSpan, locate_words
from docmatix.facts.extraction import extract_document
from docmatix.pdf.settings import Extract
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.questions.question import FactQuestion
from docmatix.prompting.questions.sentences.candidates import find_candidates
from docmatix.prompting.questions.sentences.question_templates import find_template
from docmatix.prompting.replies import parse_reply

MAX_QUESTIONS = 60
"""About the sentences of a page, and as many about its facts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that can be asked for: of a sentence (`context`) the questions in their longest and their shortest
    form, none where it is for a model to write one; of facts the question."""

    answer: str
    questions: tuple[str, ...]
    before: str
    """The page's text up to the answer, and from its end."""
    after: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is made of a PDF."""

    outcome: Document | Refusal
    asked: tuple[Asked, ...]

    @property
    def pages(self) -> Sequence[Page]:
        return () if isinstance(self.outcome, Refusal) else self.outcome.pages

    @property
    def texts(self) -> list[str]:
        """The texts of the pages and of the cells of their tables."""
        cells = [cell for page in self.pages for table in page.tables for row in table.rows for cell in row]
        return [*(page.text for page in self.pages), *cells]

    def has(self, text: str) -> bool:
        """Whether a page has the text, wherever its lines end."""
        return any(" ".join(text.split()) in " ".join(each.split()) for each in self.texts)


def see(pdf: bytes) -> Seen:
    """Read a PDF, and find what can be asked about it."""
    outcome = extract_document(pdf, settings=Extract())
    if isinstance(outcome, Refusal):
        return Seen(outcome, ())
    asked = [each for page in outcome.pages if page.reason is None for each in _ask(page)]
    return Seen(outcome, tuple(asked))


def _mark_gaps(page: Page) -> str:
    """The page's text with a tab where two words of a line are far apart, as columns are."""
    text = list(page.text)
    for word, follower, span in zip(page.words, page.words[1:], locate_words(page.words), strict=False):
        gap_pt = (follower.box.x0 - word.box.x1) * page.width_pt
        if word.line == follower.line and gap_pt > 0.6 * (word.box.y1 - word.box.y0) * page.height_pt:
            text[span.end] = "\t"
    return "".join(text)


def _ask(page: Page) -> Iterator[Asked]:
    text = _mark_gaps(page)
    for candidate in find_candidates(page, limit=MAX_QUESTIONS, framed_only=False):
        template = find_template(candidate.answer, kind=candidate.kind, context=candidate.context)
        questions = (
            ()
            if template is None
            else tuple(
                " ".join([opening, *template.pieces[:count]]) + "?"
                for opening in template.openings
                for count in (len(template.pieces), template.required)
            )
        )
        yield Asked(candidate.answer, questions, text[: candidate.start], text[candidate.end :], candidate.context)
    spans = locate_words(page.words)
    for asked in ask_facts([page], language="en", key="", seed=0, limit=MAX_QUESTIONS):
        found = _locate(asked, page, spans)
        before, after = (text[: found[0]], text[found[1] :]) if found else ("", "")
        yield Asked(asked.answer, (asked.question,), before, after)


def _locate(asked: FactQuestion, page: Page, spans: Sequence[WordSpan]) -> tuple[int, int] | None:
    """Start and end of a printed answer in its page's text, by the boxes of its evidence."""
    boxes = [box for evidence in asked.evidence for box in evidence.boxes]
    places = [
        place
        for place, word in enumerate(page.words)
        if any(
            box.x0 <= (word.box.x0 + word.box.x1) / 2 <= box.x1 and box.y0 <= (word.box.y0 + word.box.y1) / 2 <= box.y1
            for box in boxes
        )
    ]
    if not places or asked.answer_type in ("yes_no", "count", "list"):
        return None
    return spans[min(places)].start, spans[max(places)].end


# --- what must hold ---------------------------------------------------------------------------------------------------

# what, right before or after an answer that begins or ends with a number, would make the number longer
_LONGER_BEFORE = re.compile(
    "(?:"
    r"\d[.,'\u2019]?"
    r"|[-\u2212\u2013] ?|(?<!\w)minus |\("  # signs
    r"|\d[ \u00a0]?[\u00bc-\u00be] ?|\d ?[\u00d7x] ?"  # fractions, powers
    ")$"
)
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f]\d{3}(?!\d)")
_LONGER_AFTER = re.compile(
    r"[.,'\u2019]?\d|[ \u00a0\u2009\u202f]\d{3}(?!\d)|[ \u00a0]?[\u00bc-\u00be]|[ \u00a0]?\u00d7 ?\d|[⁰¹²³⁴-⁹]|\^"
)


def find_faults(seen: Seen, *, has: Sequence[str] = (), has_not: Sequence[str] = ()) -> Iterator[str]:
    """What is wrong, a sentence each."""
    for wanted in has:
        if not any(map(seen.has, wanted.split("|"))):
            yield f"lacks {wanted!r}"
    for unwanted in has_not:
        if any(unwanted in text for text in seen.texts):
            yield f"has {unwanted!r}"
        for asked in seen.asked:
            if any(unwanted in text for text in (asked.answer, asked.context, *asked.questions)):
                yield f"asks from {unwanted!r}"
    for asked in seen.asked:
        yield from _find_fault_of_question(asked)


def _find_fault_of_question(asked: Asked) -> Iterator[str]:
    answer = asked.answer
    if "\ufffd" in answer + asked.context + "".join(asked.questions):
        yield f"asks for {answer!r} from unknown characters"
    if answer[:1].isdigit():
        before = asked.before[-12:]
        # "the loss (4.5 million)" and "(240.00)" around the whole answer: the first is no sign
        is_remark = before.endswith("(") and asked.after.startswith(")") and not re.search(r"[\d.,]$", answer)
        if (_LONGER_BEFORE.search(before) and not is_remark) or _THOUSANDS.match(before[-2:] + answer, 1):
            yield f"{answer!r} is a piece of {(before + answer)!r}"
    if answer[-1:].isdigit() and _LONGER_AFTER.match(asked.after):
        yield f"{answer!r} is a piece of {(answer + asked.after[:12])!r}"


# --- what the notes of some cases say ---------------------------------------------------------------------------------


def _expect_texts(*wanted: str) -> Callable[[Seen], Iterator[str]]:
    return lambda seen: find_faults(seen, has=wanted)


def _expect_refusal(reason: str) -> Callable[[Seen], Iterator[str]]:
    def expect(seen: Seen) -> Iterator[str]:
        if not isinstance(seen.outcome, Refusal) or seen.outcome.reason != reason:
            yield f"is not refused as {reason}"

    return expect


def _expect_cells(*wanted: str) -> Callable[[Seen], Iterator[str]]:
    def expect(seen: Seen) -> Iterator[str]:
        cells = {cell for page in seen.pages for table in page.tables for row in table.rows for cell in row}
        yield from (f"has no cell {cell!r}" for cell in wanted if cell not in cells)

    return expect


def _expect_period(names: Sequence[str], periods: Sequence[str], others: Sequence[str] = ()) -> Any:
    """A question that has one of the names has a period too."""

    def expect(seen: Seen) -> Iterator[str]:
        for asked in seen.asked:
            for question in asked.questions:
                if any(name in question for name in names) and not any(
                    period in question for period in (*periods, *others)
                ):
                    yield f"asks {question!r}, which has several answers"

    return expect


def _expect_no_question_about(*labels: str) -> Callable[[Seen], Iterator[str]]:
    def expect(seen: Seen) -> Iterator[str]:
        for asked in seen.asked:
            for question in asked.questions:
                if any(label.casefold() in question.casefold() for label in labels):
                    yield f"asks {question!r}"

    return expect


def _expect_answers(**wanted: str) -> Callable[[Seen], Iterator[str]]:
    """Whatever question has the words of a key (`net_amount`) has one of its answers (`a|b`)."""

    def expect(seen: Seen) -> Iterator[str]:
        for words, answers in wanted.items():
            for asked in seen.asked:
                about = any(words.replace("_", " ") in question.casefold() for question in asked.questions)
                if about and asked.answer not in answers.split("|"):
                    yield f"answers {asked.questions[0]!r} with {asked.answer!r}"

    return expect


EXPECTED: Mapping[str, Callable[[Seen], Iterator[str]]] = {
    "viewer_placeholder.pdf": _expect_refusal("placeholder"),
    "old_style_digits.pdf": _expect_texts("Founded in 1987", "in 2014"),
    "actual_text_empty.pdf": _expect_texts("shown price of the house is 300 euros"),
    "hyphenated_cells.pdf": _expect_cells("Prevalence", "Unemployment", "Self-employed", "Schleswig", "Baden-Baden"),
    "merged_row_name.pdf": _expect_period(("North", "South"), ("2020", "2021")),
    "two_header_rows.pdf": _expect_period(("Sales", "Cost", "sales", "cost"), ("2020", "2021"), ("Staff", "staff")),
    "continued_table.pdf": _expect_no_question_about("David Green", "Paper", "Cardiff"),
    "currency_column.pdf": _expect_answers(
        net_amount="$ 1,200.00|$1,200.00",
        value_added_tax="$ (240.00)|$(240.00)|(240.00)",
        total_due="$ 1,440.00|$1,440.00",
    ),
}


def check_pdf(path: Path, case: Mapping[str, Any]) -> list[str]:
    """The faults of one PDF."""
    seen = see(path.read_bytes())
    faults = list(find_faults(seen, has=case["text_has"], has_not=case["text_has_not"]))
    if expect := EXPECTED.get(path.name):
        faults += expect(seen)
    if isinstance(seen.outcome, Refusal) and case["text_has"]:
        faults.append(f"is refused as {seen.outcome.reason}")
    return list(dict.fromkeys(faults))


def check_reply(case: Mapping[str, Any]) -> list[str]:
    """The faults of one reply."""
    pairs, malformed = parse_reply(
        case["reply"], format=case["format"], finish_reason=case.get("finish_reason", "stop")
    )
    found = [[pair.question, pair.answer] for pair in pairs]
    return [] if found == case["pairs"] else [f"gives {found} (counted: {dict(malformed)}), not {case['pairs']}"]


def check_folder(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The name and the faults of each case."""
    for case in json.loads((folder / "cases.json").read_text()):
        yield case["file"], check_pdf(folder / case["file"], case)
    replies = folder / "replies.json"
    for case in json.loads(replies.read_text()) if replies.exists() else ():
        yield f"reply: {case['name']}", check_reply(case)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="with cases.json, replies.json, and the PDFs that they name")
    options = parser.parse_args(arguments)
    failed = count = 0
    for name, faults in check_folder(options.folder):
        count += 1
        failed += bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {name}{': ' if faults else ''}{'; '.join(faults)}", flush=True)
    print(f"{count - failed} of {count} cases hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
