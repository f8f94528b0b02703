"""Reads pairs from a model's reply: whatever needs no guessing, despite code fences, prose or broken JSON.

The rest counts as `empty_reply`, `malformed_json`, `missing_field` (no question or no answer), `truncated` (by
`max_tokens`, a filter, or among the model's thoughts), `repeated` or `no_pairs`. Nothing here raises, and all takes
linear time: a model that loops must not stall a shard.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from docmatix.core.pairs import is_cut
from docmatix.models.loops import REPETITION
from docmatix.prompting.json_pairs import read_json
from docmatix.prompting.labelled_pairs import read_labelled, strip_marks
from docmatix.prompting.loose_json import FENCE, decode, is_loose, keep_commands, tighten, unwrap
from docmatix.prompting.parsed_pairs import UNSEEN, ParsedPair, clean_text, to_text
from docmatix.prompting.reasoning import Spoken, leave_out_reasoning

__all__ = ["ParsedPair", "pairs_schema", "parse_reply", "question_schema", "read_answer", "repeats_itself"]

MOST_TIMES = 3
"""A model that writes the same pair so often is in a loop."""


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
    Pairs are read in either notation, whichever `format` asks for. If `finish_reason` is one of a cut, the last pair is
    `truncated` (`repeated`, if the cut was made for that) unless it is certainly complete (a closed JSON object)."""
    pairs, malformed = _parse(content, format=format, cut=is_cut(finish_reason))
    if finish_reason == REPETITION:
        malformed["repeated"] = max(1, malformed["repeated"] + malformed.pop("truncated", 0))
    return pairs, malformed


def _parse(content: str, *, format: str, cut: bool) -> tuple[list[ParsedPair], Counter[str]]:
    spoken = _listen(content)
    single = format in ("question", "answer")
    said = _open_envelope(spoken.last if single else spoken.text)
    if not said:
        return [], Counter({"truncated" if cut or spoken.unfinished else "empty_reply": 1})
    if single:
        return _read_single(said, field=format, cut=cut)
    readers = (read_json, read_labelled) if format == "pairs_json" else (read_labelled, read_json)
    nothing = "truncated" if cut else "no_pairs"
    outcome: tuple[list[ParsedPair], Counter[str]] | None = None
    for reader in readers:
        found = reader(said, cut=cut)
        if found is not None and found[0]:
            return _stop_at_loop(*found)
        outcome = outcome or found
    if outcome is None:
        return [], Counter({"malformed_json" if (format, nothing) == ("pairs_json", "no_pairs") else nothing: 1})
    return [], outcome[1] or Counter({nothing: 1})


def repeats_itself(content: str) -> bool:
    """Whether a reply, as far as it has come, has the same pair three times."""
    pairs, _ = _parse(content, format="pairs_json", cut=True)
    return max(Counter(pairs).values(), default=0) >= MOST_TIMES


def read_answer(content: str, *, finish_reason: str) -> str:
    """The words of a reply that is an answer and nothing else; none if they were cut off in their first line."""
    said = _open_envelope(_listen(content).last)
    return "" if is_cut(finish_reason) and "\n" not in said else said


def _listen(content: str) -> Spoken:
    """What a reply says, also where it was encoded twice, before or after the thoughts."""
    # a byte order mark or a space without width would hide a label or a key
    content = UNSEEN.sub("", content) if not content.isascii() else content
    spoken = leave_out_reasoning(unwrap(content))
    inner = unwrap(spoken.text)
    return spoken if inner == spoken.text else leave_out_reasoning(inner)


_ENVELOPE = r"(?:answer|response|output|final|final[_-]answer|solution|result|reply|json|tool_call)"
_ENVELOPE_OPENS = re.compile(rf"<{_ENVELOPE}>", re.IGNORECASE)
_ENVELOPE_CLOSES = re.compile(rf"</{_ENVELOPE}>\Z", re.IGNORECASE)


def _open_envelope(said: str) -> str:
    """The text between the tags that models write around an answer when they have thought."""
    said = said.strip()
    if said.endswith(">"):
        said = _ENVELOPE_CLOSES.sub("", said)
    opens = _ENVELOPE_OPENS.match(said)
    return said[opens.end() :].strip() if opens else said


def _stop_at_loop(pairs: list[ParsedPair], malformed: Counter[str]) -> tuple[list[ParsedPair], Counter[str]]:
    """The pairs until one has come three times: from there on a reply only repeats itself, and is not read."""
    times: Counter[ParsedPair] = Counter()
    for read, pair in enumerate(pairs, 1):
        times[pair] += 1
        if times[pair] == MOST_TIMES and read < len(pairs):
            return pairs[:read], malformed + Counter({"repeated": len(pairs) - read})
    return pairs, malformed


_OBJECT = re.compile(r"""\{\s*+["']?+(?:question|answer)["']?+\s*+:""", re.IGNORECASE)
_SINGLE_LABEL = re.compile(r"\A[ \t>#*_-]*+(?:[QA]|(?i:question|answer))[ \t]?+\d{0,4}+[*_]*+[:\uff1a][*_]*+\s*+")
_QUOTES = {'"': '"', "\u201c": "\u201d", "\u00ab": "\u00bb", "'": "'"}


def _read_single(content: str, *, field: str, cut: bool) -> tuple[list[ParsedPair], Counter[str]]:
    text = FENCE.sub("", content.strip()).strip()
    opening = _OBJECT.search(text)
    if opening or text.startswith(("{", "[{")):
        text = keep_commands(text[opening.start() :] if opening else text)
        decoded = decode(text) or (decode(tighten(text)) if is_loose(text) else None)
        value = decoded[0] if decoded else None
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, dict):
            return [], Counter({"truncated" if cut else "malformed_json": 1})
        text = to_text({key.strip().lower(): item for key, item in value.items()}.get(field))
        if not text:
            return [], Counter({"missing_field": 1})
        cut = False
    if field == "question":
        text, is_last_line = _pick_question(text)
        cut = cut and is_last_line
    if cut:
        return [], Counter({"truncated": 1})
    text = strip_marks(_SINGLE_LABEL.sub("", text))
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    if not text:
        return [], Counter({"empty_reply": 1})
    return [ParsedPair(text, "") if field == "question" else ParsedPair("", text)], Counter()


def _pick_question(text: str) -> tuple[str, bool]:
    """The first line that ends with a question mark, else the first line, and whether it is the last: models introduce
    the question and explain it afterwards."""
    lines = [line for line in map(clean_text, text.split("\n")) if line]
    for index, line in enumerate(lines):
        if line.rstrip("*_\"'\u201d\u00bb ").endswith(("?", "\uff1f", "\u061f", "\u037e")):
            return " ".join(line.split()), index == len(lines) - 1
    return (" ".join(lines[0].split()), len(lines) == 1) if lines else ("", True)
