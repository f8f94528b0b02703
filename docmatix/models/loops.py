"""Replies that repeat themselves: where one is cut off, which depends on its text alone.

However a reply comes, it is looked at after the same numbers of characters, so that what is kept of it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from docmatix.core.pairs import Reply, Request
from docmatix.models.tokenizer import estimate_tokens

REPETITION = "repetition"
"""The finish reason of a reply that was cut off because it repeats itself; vLLM's word."""

FIRST_CHARS, STEP_CHARS, STEP_SHARE, MOST_CHARS = 256, 128, 16, 1 << 18
"""A reply is looked at after 256 characters, then every 128 or sixteenth of it, so that all looks together take linear
time, and not beyond 256 K."""
WINDOW_CHARS, TAIL_CHARS, MOST_PERIODS = 1 << 14, 16, 64
_DIGITS = re.compile(r"\d+")


class LoopWatch:
    """Looks for the end of one reply, as far as it has come."""

    def __init__(self, repeats: Callable[[str], bool]) -> None:
        """`repeats` decides of a text that has come three times in a row whether the reply has to end."""
        self._repeats = repeats
        self.next_at: float = FIRST_CHARS
        """How long the content must be for the next look."""

    def find_end(self, content: str) -> int | None:
        """How much of the content to keep, if it repeats itself. Later calls are given the same content, and more."""
        while self.next_at <= len(content):
            at = int(self.next_at)
            step = max(STEP_CHARS, at // STEP_SHARE)
            self.next_at = at + step if at + step <= MOST_CHARS else float("inf")
            if _has_come_three_times(content[max(0, at - WINDOW_CHARS) : at]) and self._repeats(content[:at]):
                return at
        return None


def cut_off(reply: Reply, repeats: Callable[[str], bool]) -> Reply:
    """The reply as far as it does not repeat itself, the same whether it came whole or only so far."""
    end = LoopWatch(repeats).find_end(reply.content)
    return reply if end is None else replace(reply, content=reply.content[:end], finish_reason=REPETITION)


def count_cut_off(reply: Reply, request: Request) -> Reply:
    """The reply with estimates for the tokens of one that was cut off, which its server had no occasion to count."""
    if reply.finish_reason != REPETITION or reply.completion_tokens:
        return reply
    prompt_tokens = reply.prompt_tokens or sum(estimate_tokens(message.content) for message in request.messages)
    return replace(reply, prompt_tokens=prompt_tokens, completion_tokens=estimate_tokens(reply.content))


def _has_come_three_times(text: str) -> bool:
    """Whether a text ends with three copies of a piece, back to back, regardless of numbers: pairs are numbered."""
    text = _DIGITS.sub("0", text)
    size, tail = len(text), text[-TAIL_CHARS:]
    before = size - len(tail)
    for _ in range(MOST_PERIODS):
        before = text.rfind(tail, 0, before + len(tail) - 1)
        period = size - len(tail) - before
        if before < 0 or 3 * period > size:
            return False
        if text[-period:] == text[-2 * period : -period] == text[-3 * period : -2 * period]:
            return True
    return False
