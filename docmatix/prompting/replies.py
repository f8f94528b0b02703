"""Reads pairs from a model's reply: whatever needs no guessing, despite code fences, prose or broken JSON.

The rest counts as `empty_reply`, `malformed_json`, `missing_field` (no question or no answer), `truncated` (by
`max_tokens`) or `no_pairs`. Nothing here raises, and all takes linear time: a model that loops must not stall a shard.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import orjson


class ParsedPair(NamedTuple):
    """A question and its answer; the format `question` leaves the answer empty, and `answer` the question."""

    question: str
    answer: str


def pairs_schema() -> dict[str, Any]:
    """The JSON schema of a `pairs_json` reply, for `response_format`, with keywords that every server supports."""
    text = {"type": "string"}
    pair = {
        "type": "object",
        "properties": {"question": text, "answer": text},
        "required": ["question", "answer"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"pairs": {"type": "array", "items": pair}},
        "required": ["pairs"],
        "additionalProperties": False,
    }


def question_schema() -> dict[str, Any]:
    """The JSON schema of a reply with one question."""
    return {
        "type": "object",
        "properties": {"question": {"type": "string"}},
        "required": ["question"],
        "additionalProperties": False,
    }


def parse_reply(content: str, *, format: str, finish_reason: str) -> tuple[list[ParsedPair], Counter[str]]:
    """The pairs of a reply in order, and the reasons for those that cannot be read; without any pair, at least one.
    Pairs are read in either notation, whichever `format` asks for. If `finish_reason` is `length`, the last pair is
    `truncated` unless it is certainly complete (a closed JSON object)."""
    content = _drop_thoughts(content)
    if not content.strip():
        return [], Counter({"truncated" if finish_reason == "length" else "empty_reply": 1})
    if format in ("question", "answer"):
        return _read_single(content, field=format, cut=finish_reason == "length")
    readers = (_read_json, _read_text) if format == "pairs_json" else (_read_text, _read_json)
    nothing = "truncated" if finish_reason == "length" else "no_pairs"
    outcome: tuple[list[ParsedPair], Counter[str]] | None = None
    for reader in readers:
        found = reader(content, cut=finish_reason == "length")
        if found is not None and found[0]:
            return found
        outcome = outcome or found
    if outcome is None:
        return [], Counter({"malformed_json" if (format, nothing) == ("pairs_json", "no_pairs") else nothing: 1})
    return [], outcome[1] or Counter({nothing: 1})


_END_OF_THOUGHT = re.compile(r"^[ \t]*+</think>", re.MULTILINE)


def _drop_thoughts(content: str) -> str:
    """The reply without a reasoning model's thoughts; nothing if it was cut off among them."""
    # some chat templates write `<think>` themselves, so that a reply has only its end, on a line of its own
    if content.lstrip().startswith("<think>"):
        return content.partition("</think>")[2]
    end = _END_OF_THOUGHT.search(content)
    return content[end.end() :] if end else content


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def _clean(text: str) -> str:
    """Text that any file can contain: no control characters, no lone surrogates (which JSON escapes can express)."""
    if not text.isprintable():
        text = _SURROGATES.sub("\ufffd", _UNPRINTABLE.sub(" ", text.replace("\r\n", "\n")))
    return text.strip()


# numbers stay as written: 3.50 is a price, not 3.5; `strict=False` accepts raw newlines and tabs inside strings
_DECODER = json.JSONDecoder(strict=False, parse_float=str, parse_int=str, parse_constant=str)

_OPENING = re.compile(r'[\[{]\s*+["\[{\]}]')
_OBJECT = re.compile(r'\{\s*+"[^"\\\n]{1,60}+"\s*+:')
_QUESTION_KEY = re.compile(r'"(?:question|q)"\s*+:\s*+"', re.IGNORECASE)
_ANSWER_KEY = re.compile(r'"\s*+,?\s*+"(?:answer|a)"\s*+:\s*+"', re.IGNORECASE)
_CLOSING = re.compile(r'"\s*+,?\s*+\}(?=\s*+(?:[,\]}`]|\Z))')
_FIELD_KEY = re.compile(r'"(?:question|answer|q|a)"', re.IGNORECASE)


def _read_json(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    """Pairs written as JSON; None if the reply has no JSON."""
    opening = _OPENING.search(content)
    if opening is None:
        return None
    if (plain := _read_plain(content)) is not None:
        return plain, Counter()
    whole = _decode(content, opening.start())
    if whole is not None and not _OBJECT.search(content, whole[1]):
        pairs, malformed = _sort_entries(_walk_entries(whole[0]))
        return pairs, malformed if pairs or malformed else Counter({"no_pairs": 1})
    # not one well-formed value: read the objects one by one, each up to the beginning of the next
    starts = [match.start() for match in _OBJECT.finditer(content, opening.start())]
    if not starts:
        return [], Counter({"truncated" if cut else "malformed_json": 1})
    sources = [content[start:end] for start, end in pairwise([*starts, len(content)])]
    return _sort_entries(
        entry
        for index, source in enumerate(sources)
        for entry in _read_object(source, last=index == len(sources) - 1, sole=len(sources) == 1, cut=cut)
    )


def _read_plain(content: str) -> list[ParsedPair] | None:
    """The pairs of a reply that follows the schema exactly, in a third of the time of the general case; else None."""
    try:
        value = orjson.loads(content)
        if len(value) != 1:
            return None
        entries = [_to_pair(pair["question"], pair["answer"]) for pair in value["pairs"] if len(pair) == 2]
    except (ValueError, LookupError, TypeError):
        return None
    pairs = [entry for entry in entries if isinstance(entry, ParsedPair)]
    return pairs if pairs and len(pairs) == len(value["pairs"]) else None


def _decode(content: str, start: int = 0) -> tuple[Any, int] | None:
    try:
        return _DECODER.raw_decode(content, start)
    except (ValueError, RecursionError):  # a model that loops on "[" nests too deep for the decoder
        return None


def _sort_entries(entries: Iterable[ParsedPair | str]) -> tuple[list[ParsedPair], Counter[str]]:
    pairs: list[ParsedPair] = []
    malformed: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry, str):
            malformed[entry] += 1
        else:
            pairs.append(entry)
    return pairs, malformed


def _walk_entries(value: Any, *, depth: int = 0) -> list[ParsedPair | str]:
    """Pairs, or reasons why not, in a decoded value: `{"pairs": [...]}`, a bare list, a single pair."""
    inner: Iterable[Any]
    if isinstance(value, dict):
        fields = {key.lower(): item for key, item in value.items()}
        question, answer = fields.get("question", fields.get("q")), fields.get("answer", fields.get("a"))
        if question is not None or answer is not None:
            return [_to_pair(question, answer)]
        inner = [item for item in value.values() if isinstance(item, (dict, list))]
        missing = bool(depth and not inner)
    elif isinstance(value, list):
        inner, missing = value, False
    else:
        inner, missing = (), True
    if depth >= 4:
        inner, missing = (), True
    found: list[ParsedPair | str] = ["missing_field"] if missing else []
    for item in inner:
        found += _walk_entries(item, depth=depth + 1)
    return found


def _to_pair(question: Any, answer: Any) -> ParsedPair | str:
    pair = ParsedPair(" ".join(_to_text(question).split()), _to_text(answer))
    return pair if pair.question and pair.answer else "missing_field"


def _to_text(value: Any) -> str:
    """A field as text: a string or number as written, a list of these with commas, empty for anything else."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return _clean(", ".join(value))
    return ""


def _read_object(source: str, *, last: bool, sole: bool, cut: bool) -> Iterator[ParsedPair | str]:
    """The pairs and reasons in `source`, an object and whatever follows it."""
    decoded = _decode(source)
    if decoded is not None:
        yield from _walk_entries(decoded[0], depth=0 if sole else 1)
        if last and cut and "{" in source[decoded[1] :]:
            yield "truncated"
        return
    salvaged = _salvage(source)
    if salvaged is not None:
        yield salvaged
    elif last:
        yield "truncated" if cut or _FIELD_KEY.search(source) else "malformed_json"
    elif _FIELD_KEY.search(source):
        yield "malformed_json"
    # else it is the beginning of something that contains other objects: {"pairs": [


def _salvage(source: str) -> ParsedPair | str | None:
    """Read an object with unescaped quotes in its strings or a trailing comma; None if it is not closed."""
    question = _QUESTION_KEY.search(source)
    answer = _ANSWER_KEY.search(source, question.end()) if question else None
    closing = _CLOSING.search(source, answer.end()) if answer else None
    if question is None or answer is None or closing is None:
        return None
    return _to_pair(
        _unescape(source[question.end() : answer.start()]), _unescape(source[answer.end() : closing.start()])
    )


def _unescape(raw: str) -> str:
    decoded = _decode('"' + re.sub(r'\\.|"', lambda found: '\\"' if found.group() == '"' else found.group(), raw) + '"')
    return decoded[0] if decoded is not None else raw


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


def _read_text(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    """Pairs written as `Q1: ... A1: ...`; None if the reply has no labels."""
    labels = list(_find_labels(content))
    if not labels:
        return None
    pairs: list[ParsedPair] = []
    malformed: Counter[str] = Counter()
    question: str | None = None
    ends = [*(start for _, start, _ in labels[1:]), len(content)]
    for index, ((is_question, _, start), end) in enumerate(zip(labels, ends, strict=True)):
        last = index == len(labels) - 1
        text = _strip_marks(content[start:end])
        if is_question:
            malformed["missing_field"] += question is not None
            question = text
        if last and cut:
            malformed["truncated"] += 1
        elif is_question:
            malformed["missing_field"] += last
        else:
            pair = _to_pair(question, text)
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


def _strip_marks(text: str) -> str:
    """The text without bold markers, rules and fences around it."""
    lines = _clean(text).split("\n")
    while lines and _RULE_LINE.fullmatch(lines[-1]):
        lines.pop()
    text = "\n".join(lines).strip()
    if text.count("**") % 2:
        text = text.removeprefix("**") if text.startswith("**") else text.removesuffix("**")
    elif text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        text = text[2:-2]
    return text.strip()


_FENCE = re.compile(r"\A```\w*+\s|```\Z")
_SINGLE_LABEL = re.compile(r"\A[ \t>#*_-]*+(?:[QA]|(?i:question|answer))[ \t]?+\d{0,4}+[*_]*+[:\uff1a][*_]*+\s*+")
_QUOTES = {'"': '"', "\u201c": "\u201d", "\u00ab": "\u00bb", "'": "'"}


def _read_single(content: str, *, field: str, cut: bool) -> tuple[list[ParsedPair], Counter[str]]:
    text = _FENCE.sub("", content.strip()).strip()
    if text.startswith(("{", "[{")):
        decoded = _decode(text)
        value = decoded[0] if decoded else None
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, dict):
            return [], Counter({"truncated" if cut else "malformed_json": 1})
        text = _to_text(value.get(field))
        if not text:
            return [], Counter({"missing_field": 1})
        cut = False
    if field == "question":
        text, is_last_line = _pick_question(text)
        cut = cut and is_last_line
    if cut:
        return [], Counter({"truncated": 1})
    text = _strip_marks(_SINGLE_LABEL.sub("", text))
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    if not text:
        return [], Counter({"empty_reply": 1})
    return [ParsedPair(text, "") if field == "question" else ParsedPair("", text)], Counter()


def _pick_question(text: str) -> tuple[str, bool]:
    """The first line that ends with a question mark, else the first line, and whether it is the last: models introduce
    the question and explain it afterwards."""
    lines = [line for line in map(_clean, text.split("\n")) if line]
    for index, line in enumerate(lines):
        if line.rstrip("*_\"'\u201d\u00bb ").endswith(("?", "\uff1f", "\u061f", "\u037e")):
            return " ".join(line.split()), index == len(lines) - 1
    return (" ".join(lines[0].split()), len(lines) == 1) if lines else ("", True)
