"""A reply that comes in events: what they add up to is a completion like one in a single piece."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from docmatix.models.completions import REASONING_FIELDS, find_error, read_parts
from docmatix.models.loops import REPETITION, LoopWatch

HEAD_BYTES = 1 << 12
"""Of what came, kept for messages."""
_FIELDS = (b":", b"event:", b"id:", b"retry:")
_SURROGATES = re.compile("[\ud800-\udfff]")


def is_stream(raw: bytes) -> bool:
    """Whether an answer consists of events, which some gateways send unasked, or begins with their comments."""
    return raw.lstrip()[:6].startswith((b"data:", *_FIELDS))


class EventStream:
    """Server-sent events, fed in pieces that may end anywhere."""

    def __init__(self, watch: LoopWatch | None = None) -> None:
        """With a `watch`, nothing is read beyond where the content is found to repeat itself."""
        self.head = b""
        self.is_done = False
        """Whether the last event has come; some servers leave the connection open."""
        self.is_looping = False
        self._watch = watch
        self._line = b""
        self._kept = 0
        self._rest: list[bytes] = []
        self._whole: dict[str, Any] = {}
        self._content: list[str] = []
        self._chars = 0
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[Any, dict[str, str]] = {}
        self._finish_reason: Any = None
        self._has_events = False
        self._error: Any = None
        self._fault: Exception | None = None

    @property
    def size(self) -> int:
        """Characters and bytes in memory."""
        return self._kept + len(self._line)

    def feed(self, data: bytes) -> None:
        """Read more bytes. What is wrong with them is raised by `to_completion`."""
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0], self._line = self._line + lines[0], b""
        self._line += rest
        for line in lines:
            self._read_line(line)

    def to_completion(self) -> Any:
        """The completion that the events add up to, or the error in them. Raises ValueError and its like if they have
        no end."""
        lines, self._line = self._line.splitlines(), b""
        for line in lines:
            self._read_line(line)
        if self._error is not None:
            return self._error
        if self._fault is not None:
            raise self._fault
        if not self._has_events:  # comments that kept the connection open, before an answer in one piece
            return json.loads(b"\n".join(self._rest))
        if self.is_looping:
            self._finish_reason = REPETITION
            usage = self._whole.get("usage")
            # a running count depends on which event was the last
            self._whole["usage"] = {"prompt_tokens": usage.get("prompt_tokens")} if isinstance(usage, dict) else None
        if self._finish_reason is None:
            raise ValueError("the stream has no end")
        message: dict[str, Any] = {name: _mend("".join(texts)) for name, texts in self._texts.items()}
        message["content"] = _mend("".join(self._content))
        if "thought" in message:
            message["content"] = [
                {"type": "thinking", "thinking": message.pop("thought")},
                {"type": "text", "text": message["content"]},
            ]
        message["tool_calls"] = [{"function": call} for call in self._calls.values()]
        return {**self._whole, "choices": [{"message": message, "finish_reason": self._finish_reason}]}

    def _read_line(self, line: bytes) -> None:
        line = line.strip()
        if not line or self.is_looping or self._error is not None or self._fault is not None:
            return
        if not line.startswith(b"data:"):
            if not line.startswith(_FIELDS):
                self._rest.append(line)
                self._kept += len(line)
            return
        sent = line[5:].strip()
        if sent == b"[DONE]":
            self.is_done = True
        elif sent:
            try:
                self._take(_load(sent))
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                self._fault = error

    def _take(self, event: Any) -> None:
        self._has_events = True
        if find_error(event) is not None:
            self._error = event
            return
        for name in ("model", "usage"):
            if event.get(name):
                self._whole[name] = event[name]
        for choice in (event.get("choices") or ())[:1]:
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            delta = choice.get("delta")
            self._add(delta if isinstance(delta, dict) else choice.get("message") or {})

    def _add(self, delta: Mapping[str, Any]) -> None:
        content = delta.get("content")
        if isinstance(content, str):
            self._say(content)
        elif content is not None:
            for part in read_parts(content):
                if part.thought:
                    self._keep("thought", part.text)
                else:
                    self._say(part.text)
        for name in ("refusal", *REASONING_FIELDS):
            if value := delta.get(name):
                self._keep(name, value if isinstance(value, str) else "".join(part.text for part in read_parts(value)))
        calls = delta.get("tool_calls") or ()
        for call in [*calls, {"function": delta["function_call"]}] if delta.get("function_call") else calls:
            made = self._calls.setdefault(call.get("index"), {"name": "", "arguments": ""})
            function = call.get("function") or {}
            for name in made:
                value = function.get(name) or ""
                made[name] += value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                self._kept += len(value)

    def _keep(self, name: str, text: str) -> None:
        self._texts.setdefault(name, []).append(text)
        self._kept += len(text)

    def _say(self, text: str) -> None:
        self._content.append(text)
        self._chars += len(text)
        self._kept += len(text)
        if self._watch is not None and self._chars >= self._watch.next_at:
            whole = "".join(self._content)
            self._content = [whole]
            if "\ud800" <= whole[-1:] <= "\udbff":  # half of a character, which counts with its other half
                whole = whole[:-1]
            self.is_looping = self._watch.find_end(_mend(whole)) is not None


def _load(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        return json.loads(raw)  # reads lone surrogates too


def _mend(text: str) -> str:
    """The text with the halves of characters joined that came in different events."""
    if text.isascii() or not _SURROGATES.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
