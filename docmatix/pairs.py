"""The values that flow from `generate` to `pack`: requests, replies, pairs, evidence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from docmatix.documents import Box


class Message(NamedTuple):
    """One chat message; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One chat completion to ask for. `extra` holds fields for some servers only (`grammar`, `response_format`);
    `sampling` the usual ones (`temperature`, `top_p`, `max_tokens`, `seed`)."""

    model: str
    messages: tuple[Message, ...]
    sampling: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    variant: str = ""
    """What else about the model decides the reply and is not said to the server (`quantization=awq`)."""

    @property
    def request_id(self) -> str:
        """32 hex digits: a hash of everything that decides the reply."""
        content = [self.model, [list(message) for message in self.messages], self.sampling, self.extra]
        if self.variant:
            content.append(self.variant)
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]

    def to_body(self) -> dict[str, Any]:
        """The JSON body of `POST /v1/chat/completions`."""
        messages = [message._asdict() for message in self.messages]
        return {"model": self.model, "messages": messages, **self.sampling, **self.extra}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered, as it came. `finish_reason` is `stop`, `length` or what the server says."""

    request_id: str
    content: str
    model: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no reply for good, while the server is well: a named reason and the server's words."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stands: 1-based page, the words as printed, one box for each line they cover."""

    page: int
    quote: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with its answer, as read from a reply.

    `context` is the sentence or row the question was written from (answer-first prompts), `span` the answer's
    `(page, start, end)` in that page's text; both None for prompts that read a whole window. `group` numbers
    alternatives for one answer, of which at most one is kept.
    """

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


def make_pair_id(sample_id: str, request_id: str, index: int) -> str:
    """32 hex digits from the sample, the request and the pair's place in the reply."""
    return hashlib.sha256(f"{sample_id}\n{request_id}\n{index}".encode()).hexdigest()[:32]
