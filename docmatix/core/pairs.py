"""The values that flow from `generate` to `pack`: requests, replies, pairs, scores, evidence."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from docmatix.core.documents import Box


class Message(NamedTuple):
    """One chat message; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The page image of a request, by description: its bytes are rendered when the request is sent.

    Width and height follow from the page and the settings. All but `max_side_px` count in a request's identity.
    """

    doc_id: str
    page: int  # from 1
    dpi: int
    max_side_px: int
    quality: int  # of the JPEG
    width_px: int = 0
    height_px: int = 0
    scale: float = 1.0  # below 1.0, the page was too large at `dpi` and is rendered smaller

    def to_part(self, data: bytes | None) -> dict[str, Any]:
        """A part of a message's content in the OpenAI format; without a JPEG, with a description instead."""
        if data is not None:
            return {
                "type": "image_url",
                "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(data).decode()},
            }
        about = {
            "page": self.page,
            "dpi": self.dpi,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "scale": self.scale,
            "quality": self.quality,
        }
        return {"type": "image_url", "image_url": {"url": f"page:{self.doc_id}/{self.page}"}, "picture": about}


@dataclass(frozen=True)
class Request:
    """One chat completion to ask for. `sampling` has the usual fields (`temperature`, `seed`), `extra` those of some
    servers only (`grammar`, `response_format`). `pictures` go with the last message."""

    model: str
    messages: tuple[Message, ...]
    sampling: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    variant: str = ""
    """What else about the model affects the reply but is not sent to the server (`quantization=awq`)."""
    pictures: tuple[Picture, ...] = ()
    measured: str | None = None
    """The text, in the reply or at the end of the messages, whose log-probability the reply is to tell."""

    @cached_property
    def request_id(self) -> str:
        """32 hex digits: a hash of all that affects the reply, namely body and variant."""
        return hashlib.sha256(self.variant.encode() + b"\n" + self.body).hexdigest()[:32]

    @cached_property
    def body(self) -> bytes:
        """`to_body` without pictures, as JSON: what is recorded, and sent if there are no pictures."""
        return dump_body(self.to_body())

    def to_body(self, pictures: Sequence[bytes] = ()) -> dict[str, Any]:
        """The JSON body of `POST /v1/chat/completions`, with the JPEGs of the request's pictures, or, without them, the
        body to record, with a description of each."""
        messages: list[dict[str, Any]] = [message._asdict() for message in self.messages]
        if self.pictures:
            data = pictures or (None,) * len(self.pictures)
            parts = [picture.to_part(each) for picture, each in zip(self.pictures, data, strict=True)]
            messages[-1]["content"] = [*parts, {"type": "text", "text": messages[-1]["content"]}]
        # sorted, so that a request keeps its identity when the fields of a prompt file are reordered
        fields = sorted({**self.sampling, **self.extra}.items())
        return {"model": self.model, "messages": messages, **dict(fields)}


def list_shown_pages(body: str | bytes | None) -> tuple[int, ...]:
    """The numbers of the pages whose pictures a recorded body has."""
    if not body:
        return ()
    content = orjson.loads(body)["messages"][-1]["content"]
    return tuple(part["picture"]["page"] for part in content if "picture" in part) if isinstance(content, list) else ()


def dump_body(content: dict[str, Any]) -> bytes:
    """A request body as JSON in UTF-8."""
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer, unchanged. `finish_reason` is `stop`, `length` or whatever the server says."""

    request_id: str
    content: str
    model: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    reasoning: str | None = None
    """What the server sent apart from the content: the model's thoughts, or its words of refusal."""
    logprob: float | None = None
    """The mean log-probability of the tokens of `Request.measured`, if the server told it."""


# Anthropic, Bedrock, Cohere, Gemini, Mistral, Ollama, SGLang, TGI, TensorRT-LLM, watsonx and xAI each have their own
_ENDED = re.compile(
    r"(?:finish_reason_|reason_)?+(?:|stop(?:ped|_sequences?|_words?|_tokens?)?|eos(?:_token)?|eot|end(?:_turn|_id)?"
    r"|endoftext|completed?|finish(?:ed)?|done|tool_calls?|tool_use|function_call|ok|success|none|null)",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"(?:finish_reason_|reason_)?+(?:abort(?:ed)?|(?:\w+_)?error|fail(?:ed|ure)|(?:user_)?cancel(?:l?ed)?|timeout"
    r"|not_finished|pause_turn|insufficient_system_resource)",
    re.IGNORECASE,
)


def is_cut(finish_reason: str) -> bool:
    """Whether a reply with this finish reason may lack its end: at a limit, by a filter, or for an unknown reason."""
    return _ENDED.fullmatch(finish_reason.strip()) is None


def is_failed(finish_reason: str) -> bool:
    """Whether the server gave up a reply with this finish reason, so that asking again may bring a whole one."""
    return _FAILED.fullmatch(finish_reason.strip()) is not None


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that a healthy server will not answer: a named reason and the server's words."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer is printed: page (from 1), the words as printed, one box for each line they cover."""

    page: int
    quote: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer, as read from a reply or made from facts; at most one pair of a `group` is kept. Only
    answer-first prompts have a `context`, the sentence or row a question was written from, and a `span`, the answer's
    `(page, start, end)` in its page's text."""

    pair_id: str
    request_id: str
    prompt: str
    model: str
    style: str
    question: str
    answer: str
    context: str | None = None
    span: tuple[int, int, int] | None = None
    group: str | None = None
    kind: str = "free"
    """Of the question: that of the facts it was made from, `sentence` of answer-first prompts, `free` of others."""
    evidence: tuple[Evidence, ...] | None = None
    """Of a pair made from facts, where they stand, which proves it; None where the answer has to be looked for."""


FACTS = "facts"
"""What pairs made from facts have for a prompt. They have no request."""
NO_MODEL = "none"
"""And for a model."""
FACT_STYLE = "extractive"
"""And for a style."""


def _score(meaning: str) -> Any:
    return field(default=None, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of a pair besides its words, each 0..1, or None where it was not computed.

    The schemas have a column for each, and the card its line.
    """

    grounding: float | None = _score("how much of the answer stands on the pages; 1 is word for word")
    round_trip: float | None = _score("how well a second answer to the question agrees")
    clarity: float | None = _score("whether the question can be understood alone")
    fluency: float | None = _score("how likely a language model finds the question's words")
    agreement: float | None = _score(
        "how well the answer of a model that was given the pages, and not the answer, agrees"
    )
    blind_agreement: float | None = _score("how well the answer of a model that was given the question alone agrees")
    judged: float | None = _score("how good a model finds the pair by a rubric; the mean, if there were several judges")
    ocr_confidence: float | None = _score("how sure OCR is of the least sure word of the evidence")
    single_page_agreement: float | None = _score("the agreement of an answer from the best single page of several")
    judge_spread: float | None = _score("how far apart the judges were; 0 is of one mind")


_SURROGATES = re.compile("[\ud800-\udfff]")


def make_storable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which JSON can escape but no file can hold."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


_PATH = re.compile(r"^(?:[/~\\]|file:|[A-Za-z]:[\\/])")


def name_model(model: str) -> str:
    """A model's name in the dataset: the last part of a local path (vLLM's default), which would reveal a machine's
    folders; any other name unchanged."""
    return re.split(r"[\\/]", model.rstrip("\\/"))[-1] if _PATH.match(model) else model


def make_pair_id(sample_id: str, request_id: str, index: int) -> str:
    """32 hex digits from the sample, the request and the pair's position in the reply."""
    return hashlib.sha256(f"{sample_id}\n{request_id}\n{index}".encode()).hexdigest()[:32]


def make_fact_pair_id(sample_id: str, question: str, answer: str) -> str:
    """32 hex digits for a pair that was made from facts, without a request: no two of a sample have one question."""
    return hashlib.sha256(f"{sample_id}\n{FACTS}\n{question}\n{answer}".encode()).hexdigest()[:32]
