"""Reads pairs that are written as labelled text: `Q1: ...`, `A1: ...`, and their many variants."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from docmatix.prompting.chatty_endings import leave_out_ending
from docmatix.prompting.parsed_pairs import ParsedPair, clean_text, to_pair

_LABEL = re.compile(
    r"""
    ^ [ \t>#*_\u2022-]*+ (?:\d{1,3}[.)][ \t]*+)?+ [*_]*+                       # indents, bullets, numbering, bold marks
      (?P<kind>[QA]|(?i:question|answer)) [ \t]?+ \#?+
      (?: (?P<number>\d{1,4}+) [ \t]?+ [*_]*+ (?:[:\uff1a.)]|[ \t]*+$) | [ \t]?+ [*_]*+ [:\uff1a]
        | (?<=[nrNR]) [*_ \t]*+ $ ) [*_]*+                                     # "## Answer", a heading without a number
    | ^ [ \t]*+ [*_]*+ (?P<item>\d{1,3}) [.)] [ \t]++                         # "1. What ...?" before a line "Answer:"
      (?= [^\n]*+ \n \s*+ [>#*_-]*+ \s*+ (?:A|(?i:answer)) [ \t]?+ \d{0,4}+ [*_]*+ [:\uff1a] )
    | (?<=[\s?\uff1f]) [*_]*+ (?P<inline>[QA]) (?P<inline_number>\d{0,4}+) [*_]*+ [:\uff1a] [*_]*+
    """,
    re.VERBOSE | re.MULTILINE,
)
_ASKING = re.compile("[?\uff1f\u061f]")
_RULE_LINE = re.compile(r"[ \t]*+(?:[-*_=#`]{2,}+|#)?+[ \t]*+")


# [Q1], (Q1), "Q1 -", Ques, Ans, Response, q:, of other languages
_OTHER_LABEL = re.compile(
    r"""
    ^ [ \t>#*_\u2022-]*+ (?:\d{1,3}[.)][ \t]*+)?+ [*_\[(]*+
      (?: (?P<question> q | ques(?:tion)? | frage | pregunta | domanda | pergunta | \u95ee\u9898? | \u554f )
        | (?: a | ans(?:wer)? | response | antwort | r[e\xe9]ponse | respuesta | risposta | resposta
            | \u7b54\u6848? ) )
      [ \t]?+ \(? (?P<number>\d{0,3}+) [)\]]?+ [*_]*+ [ \t]?+
      (?: [:\uff1a.] | (?<=[)\]]) | (?<=[)\]][ \t]) | [-\u2013\u2014](?=[ \t]) )
      [*_]*+ [ \t]*+
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_TABLE_HEAD = re.compile(
    r"^[ \t]*+\|(?P<before>[ \t]*+(?:\#|No\.?|Nr\.?|)[ \t]*+\|)?+[ \t*]*+Questions?[ \t*]*+\|[ \t*]*+Answers?[ \t*]*+\|"
    r"[ \t]*+\n[ \t]*+\|[-:| \t]++\n",
    re.MULTILINE | re.IGNORECASE,
)
_CELLS = re.compile(r"(?<!\\)\|")


def read_labelled(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    """Pairs written as `Q1: ... A1: ...`; None if the reply has no labels. Other labels, and the rows of a table, count
    where the usual ones give no pair and they leave none open."""
    found = _read_usual(content, cut=cut)
    if found is None or not found[0]:
        spelt = _spell(content)
        other = _read_usual(spelt, cut=cut) if spelt != content else None
        if other is not None and other[0] and not other[1]["missing_field"]:
            return other
    return found


def _spell(content: str) -> str:
    """The text with other labels, and the rows of a table of questions and answers, in the usual way."""
    head = _TABLE_HEAD.search(content)
    if head is None:
        return _OTHER_LABEL.sub(lambda label: f"{'Q' if label['question'] else 'A'}{label['number']}: ", content)
    columns = 2 + (head["before"] is not None)
    lines: list[str] = []
    for row in content[head.end() :].split("\n"):
        cells = [cell.replace("\\|", "|").strip() for cell in _CELLS.split(row.strip())[1:-1]]
        if len(cells) != columns:
            break
        lines += [f"Q: {cells[-2]}", f"A: {cells[-1]}"]
    return "\n".join(lines)


def _read_usual(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    labels = list(_find_labels(content))
    if not labels:
        return None
    pairs: list[ParsedPair] = []
    malformed: Counter[str] = Counter()
    question: str | None = None
    ends = [*(start for _, start, _ in labels[1:]), len(content)]
    for index, ((is_question, _, start), end) in enumerate(zip(labels, ends, strict=True)):
        last = index == len(labels) - 1
        said = content[start:end]
        text = strip_marks(leave_out_ending(said) if last and not is_question else said)
        if is_question:
            malformed["missing_field"] += question is not None
            question = text
        if last and cut:
            malformed["truncated"] += 1
        elif is_question:
            malformed["missing_field"] += last
        else:
            pair = to_pair(question, text)
            if isinstance(pair, str):
                malformed[pair] += 1
            else:
                pairs.append(pair)
            question = None
    return pairs, +malformed


def _find_labels(content: str) -> Iterator[tuple[bool, int, int]]:
    """The labels of a text: whether each is a question's, where it begins and ends. An answer's counts only after a
    question. Inside a line, labels must fit what precedes them: "Q2: 4.2 million" is a quarter, not a question.
    """
    # inline, an answer has its question's number or follows a question mark; a question has the next number and asks
    is_question, number = False, ""
    first = True
    matches = list(_LABEL.finditer(content))
    ends = [*(match.start() for match in matches[1:]), len(content)]
    for match, end in zip(matches, ends, strict=False):
        digits = match["number"] or match["item"] or match["inline_number"] or ""
        asks = match["item"] is not None or (match["kind"] or match["inline"])[0] in "Qq"
        if not asks and not is_question and not first:
            continue
        if match["inline"]:
            before = content[max(0, match.start() - 8) : match.start()].rstrip(" *_\n")
            if asks:
                follows = digits != "" and number != "" and int(digits) == int(number) + 1
                follows = follows and not is_question and _ASKING.search(content, match.end(), end) is not None
            else:
                follows = digits == number if digits else _ASKING.fullmatch(before[-1:]) is not None
            if not follows:
                continue
        is_question, number, first = asks, digits or number, False
        yield asks, match.start(), match.end()


def strip_marks(text: str) -> str:
    """The text without bold markers, rules and fences around it."""
    lines = clean_text(text).split("\n")
    while lines and _RULE_LINE.fullmatch(lines[-1]):
        lines.pop()
    text = "\n".join(lines).strip()
    if text.count("**") % 2:
        text = text.removeprefix("**") if text.startswith("**") else text.removesuffix("**")
    elif text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        text = text[2:-2]
    return text.strip()
