"""The words around an answer that only take up its question: `The entry under "Weight" is 64 kg.`"""

from __future__ import annotations

from collections.abc import Collection

from docmatix.verification.agreement.readings import Content
from docmatix.verification.agreement.spelling import Token
from docmatix.verification.agreement.vocabulary import COPULAS, FRAMES, FUNCTION

_MARKS = frozenset(":,\"'")
_LONGEST = 40  # tokens of a frame


def remove_frame(content: Content, asked: Collection[str], kept: Collection[str]) -> str | None:
    """A text without the words before and behind the answer in it: those `asked` in the question, those that say that
    something is said, and small ones. None if it has none, or says `kept` words, those of the other answer, there."""
    tokens = content.tokens
    start = _find_start(tokens, asked, kept)
    if not start:
        return None
    end = len(tokens)
    if tokens[-1].text == ".":
        end -= 1
    end = _find_end(tokens, start, end, asked, kept)
    return content.text[tokens[start].start : tokens[end - 1].end] if start < end else None


def _find_start(tokens: tuple[Token, ...], asked: Collection[str], kept: Collection[str]) -> int:
    """The token behind a frame, which ends with its verb or a colon; 0 if there is none."""
    start = 0
    for at, token in enumerate(tokens[:_LONGEST]):
        if token.folded in kept and token.folded not in FUNCTION:
            break
        telling = token.folded in COPULAS or token.folded in FRAMES or token.folded in asked
        if token.text == ":" or telling:
            start = at + 1
        elif token.text not in _MARKS and token.folded not in FUNCTION and token.kind != "sign":
            break
    verb = any(token.folded in COPULAS or token.text == ":" or token.folded in FRAMES for token in tokens[:start])
    while start < len(tokens) and tokens[start].text in _MARKS:
        start += 1
    return start if verb and start < len(tokens) else 0


def _find_end(tokens: tuple[Token, ...], start: int, end: int, asked: Collection[str], kept: Collection[str]) -> int:
    last = end
    for at in range(end - 1, start, -1):
        token = tokens[at]
        if token.folded in kept or token.kind == "number" or tokens[at - 1].kind == "number":
            break
        telling = token.folded in COPULAS or token.folded in FRAMES or token.folded in asked
        small = token.folded in FUNCTION or token.text in _MARKS
        if not telling and not small:
            break
        # a small word goes with what is asked behind it: `for Weight`
        if telling or last < end:
            last = at
    return last
