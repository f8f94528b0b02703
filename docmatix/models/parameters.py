"""Fields of a request that a model's server does not take: recognised in its refusal, and left out of what is sent.

The recorded request keeps them, and with them its identity. Servers word such refusals in many ways; what counts is a
field that was sent, beside words that say that it is unknown or unsupported. A value out of bounds is not one of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from docmatix.core.pairs import Request, dump_body

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Fields that are sent under another name instead, since replies must stay bounded."""
_HELD = frozenset(
    {
        *("model", "messages", "max_completion_tokens"),
        # what a reply is held to is no default of a server's: such a request stays refused
        *("grammar", "guided_choice", "guided_grammar", "guided_regex", "regex", "ebnf"),
    }
)
STREAM: Mapping[str, Any] = MappingProxyType({"stream": True, "stream_options": {"include_usage": True}})
"""Fields of a request whose reply is to be read as it comes. A server that does not count the tokens of a stream is
sent none of them."""
STREAM_TRIES = 2
"""A server that fails so often, and has never answered a request for a stream, is asked for the reply in one piece."""
MEASURING_FIELDS = ("top_logprobs", "prompt_logprobs", "add_generation_prompt", "continue_final_message")
"""With `logprobs`, these ask how likely the model finds a text."""
NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
LEAST_STREAMED_TOKENS = 256
"""A reply that may not become longer costs little, even if it repeats itself."""
_JSON_FIELDS = ("response_format", "structured_outputs", "guided_json")
"""These hold a reply to JSON, which the prompts ask for in words too; without them it is read as it comes."""

_MOST_CHARS, _MOST_BYTES = 2000, 1 << 14
_ECHOES = frozenset({"input", "ctx", "value", "body", "received"})
"""Keys of errors under which servers repeat what they were sent, a document's text included."""
_EXTRA = frozenset({"extra_forbidden", "value_error.extra"})
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})

_THING = r"(?:name|field|key|param(?:eter)?|argument|propert(?:y|ie)|input|option)(?:s|\(s\))?"
_NO = (
    r"(?:(?:is |are |was |were |has been )?(?:not|no longer|isn't|aren't) (?:yet |currently )?"
    r"(?:(?:a )?(?:supported|permitted|allowed|available|implemented|accepted|recogni[sz]ed|enabled|compatible)"
    rf"|(?:a )?valid {_THING})"
    r"|(?:is |are |was |were |has been )?(?:un(?:supported|available|expected|known|recogni[sz]ed)|deprecated)"
    r"|does not exist|cannot be used)"
)
_BOUND = r"(?! (?:to|above|below|over|outside|greater|less|more|larger|smaller|than|value)\b)"
_DOES_NOT = r"(?:do(?:es)? not|do(?:es)?n't|cannot) (?:support|accept)"
_REFUSES = re.compile(rf"{_NO}{_BOUND}|{_DOES_NOT}", re.IGNORECASE)

# `Unrecognized request arguments supplied: min_p, top_k`, `Unknown name "seed": Cannot find field.`
_BEFORE = re.compile(
    rf"(?:(?:un(?:known|recogni[sz]ed|supported|expected)|extraneous|extra|additional) (?:\w+ )?{_THING}"
    rf"|unsupported value|no such {_THING}|cannot find {_THING}|{_DOES_NOT} (?:the )?{_THING}"
    rf"|{_THING} {_NO}(?: (?:on|by|with|for) this model)?(?=:))(?!\w)(?P<rest>[^\n]*)",
    re.IGNORECASE,
)
_REST_ENDS = re.compile(
    rf"(?:expected|must be) one of|did you mean|(?:supported|allowed|valid|known) (?:values|{_THING})\b|[.;!](?:\s|$)",
    re.IGNORECASE,
)
_LISTED = re.compile(r"(?:^|[\"'`\[({:,\\])\s*([A-Za-z_][\w.]*+)")
# `property 'top_k' is unsupported`, `'temperature' does not support 0.2`, `top_k: Extra inputs are not permitted`
_AFTER = re.compile(
    r"(?<![\w.])([A-Za-z_][\w.]*+)[\"'`\\\])}:]*+,?\s++(?:of type \S+ |(?:type|parameter|field|argument|format) )?"
    rf"(?:{_NO}{_BOUND}|{_DOES_NOT}|extra (?:inputs|fields) (?:are )?not permitted)",
    re.IGNORECASE,
)
# `Invalid parameter: seed`, and no more; `temperature: only 1 is allowed for this model`
_BARE = re.compile(rf"invalid {_THING}:? [\"'`]?([A-Za-z_]\w*)[\"'`]?\.?\s*$", re.IGNORECASE)
_ONLY = re.compile(
    r"\b(\w+)[\"'`]*:? only (?:the )?(?:default )?\S+ (?:value )?is (?:allowed|supported)"
    rf"|(?:only supports|{_DOES_NOT}) [\"'`]?(\w+)[\"'`]? ?="
    r"|only the default.{0,20} is (?:allowed|supported) for [\"'`]?(\w+)",
    re.IGNORECASE,
)
# pydantic's errors as servers print them, in Python's notation or as JSON within JSON
_PRINTED = re.compile(
    r"extra_forbidden\W+loc\W+body\W+(\w+)|loc\W+body\W+(\w+)\W+msg\W+extra (?:inputs|fields)\b", re.IGNORECASE
)
_TOGETHER = re.compile(
    r"\b\w+[\"'`]* and [\"'`]*(\w+)[\"'`]* (?:cannot|can't|must not|may not) (?:both )?be (?:both )?"
    r"(?:specified|set|used)",
    re.IGNORECASE,
)
_JSON_WORDS = re.compile(
    r"response[ _]format|json[ _](?:schema|mode)|structured[ _]outputs?|guided[ _](?:json|decoding)", re.IGNORECASE
)
_STREAM_WORDS = re.compile(
    r"\bstreaming\b|\bstream(?:ed)? (?:mode|requests?|responses?|replies|completions)\b", re.IGNORECASE
)


class Unsupported(NamedTuple):
    """The refusal of a request for fields that its server does not take."""

    fields: tuple[str, ...]


def find_unsupported(raw: bytes, *, sent: bytes) -> tuple[str, ...]:
    """The fields of the body `sent` that a refusal finds unknown or unsupported, in the body's order, as far
    as the request can do without them; empty if it is about anything else."""
    if len(raw) > _MOST_BYTES:
        return ()
    try:
        body = json.loads(sent)
    except ValueError:
        return ()
    known = {_fold(name): name for name in body if _is_dispensable(name, body[name])}
    text = raw.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = text
    named = {known[name] for said in _walk(content) for name in _name_fields(said, known) if name in known}
    return tuple(name for name in body if name in named)


def adapt(body: Mapping[str, Any], lacking: Collection[str]) -> dict[str, Any]:
    """A request body without the fields that its server lacks, or with them under their other name."""
    kept = {name: value for name, value in body.items() if name not in lacking}
    renamed = {RENAMED[name]: body[name] for name in lacking if name in RENAMED and name in body}
    return kept | {name: value for name, value in renamed.items() if name not in kept}


def is_worth_streaming(sampling: Mapping[str, Any]) -> bool:
    """Whether a reply may become so long that it is to be given up where it repeats itself."""
    most = sampling.get("max_tokens")
    return "stream" not in sampling and (most is None or most >= LEAST_STREAMED_TOKENS)


def dump_sent(
    request: Request, pictures: Sequence[bytes], lacking: Collection[str], fields: Mapping[str, Any] = NO_FIELDS
) -> bytes:
    """The body to send: the recorded one, with its pictures and with `fields`, all of these or none, and without those
    that the server does not take."""
    if not pictures and not lacking and not fields:
        return request.body
    if not pictures and not lacking and fields.keys().isdisjoint((*request.sampling, *request.extra)):
        # as below, without writing the same messages twice
        return dump_body(dict(fields))[:-1] + b"," + request.body[1:]
    more = NO_FIELDS if any(name in lacking for name in fields) else fields
    return dump_body({**more, **adapt(request.to_body(pictures), lacking)})


def describe_lacking(field: str, *, model: str) -> str:
    """What a build says, once, of a field that the server of `model` does not take."""
    if field == "logprobs":
        return f"the server of {model} does not tell how likely it finds a text: pairs have no score `fluency`"
    if field in RENAMED:
        return (
            f"the server of {model} does not take `{field}`: it is sent `{RENAMED[field]}`, in which reasoning counts"
            " too (raise sampling.max_tokens if replies are cut off)"
        )
    if field in _JSON_FIELDS:
        follows = "only the prompts' words hold replies to JSON, and what cannot be read as pairs is counted"
    elif field in STREAM:
        follows = "replies that repeat themselves are paid for to their end"
    elif field == "seed":
        follows = "its replies to the same request may differ"
    elif field == "stop":
        follows = "replies may be longer than they need be"
    elif field in MEASURING_FIELDS:
        follows = "pairs are left without the score `fluency`"
    elif field == "chat_template_kwargs":
        follows = "the defaults of the model's chat template apply"
    else:
        follows = "the server's default applies"
    return f"the server of {model} does not take `{field}`: requests are sent without it, and {follows}"


def _is_dispensable(name: str, value: Any) -> bool:
    if name == "structured_outputs":  # holds grammars and choices too
        return isinstance(value, dict) and "json" in value
    return name not in _HELD


def _fold(name: str) -> str:
    """A name regardless of its spelling: xAI says `presencePenalty`."""
    return name.replace("_", "").lower()


def _walk(content: Any, depth: int = 0) -> Iterator[str | dict[str, Any]]:
    """The texts of an error, and those of its mappings that are about one field, without what they repeat."""
    if isinstance(content, str):
        yield content[:_MOST_CHARS]
    elif depth > 8:  # errors are shallow, and recursion is not free
        return
    elif isinstance(content, list):
        for each in content[:50]:
            yield from _walk(each, depth + 1)
    elif isinstance(content, dict):
        yield content
        for key, each in content.items():
            if key not in _ECHOES:
                yield from _walk(each, depth + 1)


def _name_fields(said: str | dict[str, Any], known: Mapping[str, str]) -> Iterator[str]:
    """The folded names of what a text or mapping says is not taken, other than fields included."""
    if isinstance(said, dict):
        yield from _read_mapping(said)
        return
    for match in _BEFORE.finditer(said):
        rest = _REST_ENDS.split(match["rest"], maxsplit=1)[0]
        yield from (name for listed in _LISTED.finditer(rest) for name in _split_name(listed[1]))
    for match in _AFTER.finditer(said):
        yield from _split_name(match[1])
    for pattern in (_PRINTED, _TOGETHER, _BARE, _ONLY):
        yield from (_fold(next(filter(None, match.groups()))) for match in pattern.finditer(said))
    if _STREAM_WORDS.search(said) and _REFUSES.search(said):
        yield "stream"
    if _JSON_WORDS.search(said) and _REFUSES.search(said) and "invalid schema" not in said.lower():
        yield from (_fold(name) for name in _JSON_FIELDS if _fold(name) in known)


def _read_mapping(said: dict[str, Any]) -> Iterator[str]:
    place = said.get("loc")
    if isinstance(place, list) and place:  # pydantic, as FastAPI answers
        name = _fold(str(place[1] if place[0] == "body" and len(place) > 1 else place[0]))
        if str(said.get("type")) in _EXTRA or name in map(_fold, _JSON_FIELDS):
            yield name
    param, message = said.get("param"), said.get("message")
    if isinstance(param, str):
        refused = str(said.get("code")) in _CODES or (isinstance(message, str) and _REFUSES.search(message))
        yield from _split_name(param) if refused else ()


def _split_name(name: str) -> Iterator[str]:
    """`body.seed` names `seed`, and `response_format.type` the whole field."""
    yield from (_fold(part) for part in re.split(r"[.\[\]]+", name)[:2] if part)
