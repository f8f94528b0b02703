"""Reads pairs that are written as JSON, or as what a model takes for JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import orjson

from docmatix.prompting.loose_json import decode, escape, is_loose, keep_commands, tighten
from docmatix.prompting.parsed_pairs import ParsedPair, to_pair

_OPENING = re.compile(r'[\[{]\s*+["\[{\]}]')
_OBJECT = re.compile(r'\{\s*+"[^"\\\n]{1,60}+"\s*+:')
_QUESTION_KEY = re.compile(r'"(?:question|q)"\s*+:\s*+"', re.IGNORECASE)
_ANSWER_KEY = re.compile(r'"\s*+,?\s*+"(?:answer|a)"\s*+:\s*+"', re.IGNORECASE)
_CLOSING = re.compile(r'"\s*+,?\s*+\}(?=\s*+(?:[,\]}`]|\Z))')
_FIELD_KEY = re.compile(r'"(?:question|answer|q|a)"', re.IGNORECASE)
_TALKS = re.compile(r"[\s`*]*+[^\W\d_]")
_LETTER = re.compile(r"[^\W\d_]")


def read_json(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    """Pairs written as JSON; None if the reply has no JSON."""
    content = keep_commands(content)
    found = _read_strict(content, cut=cut)
    if (found is None or not found[0]) and is_loose(content):
        loose = _read_strict(tighten(content), cut=cut)
        return loose if loose is not None and (loose[0] or found is None) else found
    return found


def _read_strict(content: str, *, cut: bool) -> tuple[list[ParsedPair], Counter[str]] | None:
    opening = _OPENING.search(content)
    if opening is None:
        return None
    if (plain := _read_plain(content)) is not None:
        return plain, Counter()
    if cut and _is_amid_talk(content, opening.start()):
        return [], Counter({"truncated": 1})
    whole = decode(content, opening.start())
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


def _is_amid_talk(content: str, start: int) -> bool:
    """Whether words stand before the JSON and after it. A reply cut there has JSON that it went on talking about: the
    draft of a model whose chat template began its thoughts, which no mark had ended yet."""
    end = max(content.rfind("}"), content.rfind("]"))
    return end > start and _TALKS.match(content, end + 1) is not None and _LETTER.search(content, 0, start) is not None


def _read_plain(content: str) -> list[ParsedPair] | None:
    """The pairs of a reply that follows the schema exactly, in a third of the time of the general case; else None."""
    try:
        value = orjson.loads(content)
        if len(value) != 1:
            return None
        entries = [to_pair(pair["question"], pair["answer"]) for pair in value["pairs"] if len(pair) == 2]
    except (ValueError, LookupError, TypeError):
        return None
    pairs = [entry for entry in entries if isinstance(entry, ParsedPair)]
    return pairs if pairs and len(pairs) == len(value["pairs"]) else None


def _sort_entries(entries: Iterable[ParsedPair | str]) -> tuple[list[ParsedPair], Counter[str]]:
    pairs: list[ParsedPair] = []
    malformed: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry, str):
            malformed[entry] += 1
        else:
            pairs.append(entry)
    return pairs, malformed


# --- one decoded value ------------------------------------------------------------------------------------------------

_DEEPEST = 8
"""The arguments of a tool call, written as a list of calls, are at 5."""
# "thinking_process", "draft_pairs", "chain of thought"
_THOUGHTS = re.compile(
    r"(?:[a-z]{1,16}[ _-]){0,2}(?:reasoning|thinking|thoughts?|rationale|analysis|drafts?|scratch(?:[ _-]?pad)?"
    r"|rejected|discarded|initial|brainstorm(?:ing)?|planning|plan|monologue|critique)(?:[ _-]\w{1,30})?"
    r"|(?:few[ _-]?shot[ _-]?)?example(?:s|\(s\))?(?:[ _-]\w{1,30})?|few[ _-]?shots?"
)
_NUMBERED = re.compile(r"(questions?|answers?|q|a)[\s_#-]*+(\d{1,4})")
_OTHER_NAMES = (("query", "answer"), ("question", "response"), ("query", "response"), ("user", "assistant"))
_ASKS = re.compile("[?\uff1f\u061f]\\s*+\\Z")


def _walk_entries(value: Any, *, depth: int = 0) -> list[ParsedPair | str]:
    """Pairs, or reasons why not, in a decoded value: `{"pairs": [...]}`, a bare list, a single pair."""
    inner: Iterable[Any]
    if isinstance(value, dict):
        fields = {key.strip().lower(): item for key, item in value.items()}
        named = _read_fields(fields) or _read_asked(value)
        if named is not None:
            return named
        inner = [item for key, item in fields.items() if not _THOUGHTS.fullmatch(key)]
        inner = [item for item in map(_open, inner) if isinstance(item, (dict, list))]
        missing = bool(depth and not inner)
    elif isinstance(value, list):
        if value and all(map(_is_duo, value)):
            return [to_pair(*duo) for duo in value]
        inner, missing = map(_open, value), False
    else:
        inner, missing = (), True
    if depth >= _DEEPEST:
        inner, missing = (), True
    found: list[ParsedPair | str] = ["missing_field"] if missing else []
    for item in inner:
        found += _walk_entries(item, depth=depth + 1)
    return found


def _is_duo(value: Any) -> bool:
    """Whether a list is `["What is the price?", "$5"]`."""
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)):
        return False
    return [_ASKS.search(item[-9:]) is not None for item in value] == [True, False]


def _open(value: Any) -> Any:
    """The value in a string that holds JSON, such as a tool's arguments; anything else unchanged."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        decoded = decode(value.strip())
        return decoded[0] if decoded is not None else value
    return value


def _read_fields(fields: Mapping[str, Any]) -> list[ParsedPair | str] | None:
    """The pairs that an object's own fields hold, under names that leave no doubt; None if it has no such fields."""
    question, answer = fields.get("question", fields.get("q")), fields.get("answer", fields.get("a"))
    for names in _OTHER_NAMES:
        if (question is None or answer is None) and all(fields.get(name) is not None for name in names):
            question, answer = (fields[name] for name in names)
    if question is None and answer is None:
        question, answer = fields.get("questions"), fields.get("answers")
        if not (isinstance(question, list) and isinstance(answer, list)):
            return _read_numbered(fields)
    if isinstance(question, list) and isinstance(answer, list):
        # two lists side by side; which answer is whose is clear only where they are equally long
        return (
            [to_pair(*pair) for pair in zip(question, answer, strict=True)]
            if len(question) == len(answer)
            else ["missing_field"]
        )
    return [to_pair(question, answer)]


def _read_numbered(fields: Mapping[str, Any]) -> list[ParsedPair | str] | None:
    """`{"question_1": ..., "answer_1": ..., "question_2": ...}`."""
    numbered: dict[str, dict[str, Any]] = {}
    for key, item in fields.items():
        found = _NUMBERED.fullmatch(key)
        # objects under such names are entries, which have their own fields
        if found and not isinstance(item, (dict, list)):
            numbered.setdefault(found[2], {})[found[1][0]] = item
    return [to_pair(pair.get("q"), pair.get("a")) for pair in numbered.values()] or None


def _read_asked(value: Mapping[str, Any]) -> list[ParsedPair | str] | None:
    """`{"What is the price?": "$5"}`."""
    if all(isinstance(item, str) and _ASKS.search(key[-9:]) for key, item in value.items()):
        return [to_pair(*item) for item in value.items()] or None
    return None


# --- one object of broken JSON ----------------------------------------------------------------------------------------


def _read_object(source: str, *, last: bool, sole: bool, cut: bool) -> Iterator[ParsedPair | str]:
    """The pairs and reasons in `source`, an object and whatever follows it."""
    decoded = decode(source)
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
    return to_pair(
        _unescape(source[question.end() : answer.start()]), _unescape(source[answer.end() : closing.start()])
    )


def _unescape(raw: str) -> str:
    decoded = decode(f'"{escape(raw)}"')
    return decoded[0] if decoded is not None else raw
