"""How likely a model finds a text: the mean log-probability of its tokens, from an answer that tells it.

llama.cpp tells the log-probabilities of the tokens it wrote as they were before a grammar forbade any; vLLM tells those
of its reply after that, but those of the prompt as they are (`docs/design/models.md`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

DIGITS = 3
"""What is stored: the same request differs by more from one batch to the next."""


def measure_logprob(answer: Mapping[str, Any], text: str) -> float | None:
    """The mean over the tokens of `text`, of which reply or prompt consists or with which it ends; None if the answer
    does not tell it of exactly these."""
    try:
        tokens = [*_read_tokens(answer)]
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError):
        return None
    wanted = b"".join(text.encode().split())  # some tokenizers tell tokens without the space before them
    values: list[float] = []
    for piece, logprob in reversed(tokens):
        said = b"".join(piece.split())
        if not values and not wanted.endswith(said or b"\0"):
            continue  # the end of the turn
        if not wanted or not wanted.endswith(said):
            break
        wanted = wanted[: len(wanted) - len(said)]
        values.append(logprob)
    if wanted or not values or not all(map(isfinite, values)):
        return None
    return round(sum(values) / len(values), DIGITS)


def _read_tokens(answer: Mapping[str, Any]) -> Iterator[tuple[bytes, float]]:
    """The bytes and log-probability of each token: of the prompt if they are told, else of the reply."""
    if prompt := answer.get("prompt_logprobs"):
        for choices in prompt:
            if choices:  # nothing is before the first token
                (token,) = choices.values()  # that of the prompt alone was asked for
                yield str(token["decoded_token"]).encode(), float(token["logprob"])
        return
    for token in answer["choices"][0]["logprobs"]["content"]:
        told = token.get("bytes")
        yield bytes(told) if told is not None else str(token["token"]).encode(), float(token["logprob"])
