"""What is asked about a window, and how the replies become pairs. Pure: no server, no files."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from docmatix.config import Engine, LlamacppEngine, VllmEngine
from docmatix.pairs import Message, Pair, Reply, Request, make_pair_id
from docmatix.prompts import Prompt, count_pairs, measure_budget, render_messages, split_pages
from docmatix.questions import clean_question, question_grammar
from docmatix.replies import pairs_schema, parse_reply
from docmatix.round_trip import list_choices, to_grammar
from docmatix.spans import Candidate, find_candidates
from docmatix.windows import Window


@dataclass(frozen=True, slots=True)
class Ask:
    """One request about a window, with what is needed to read its reply."""

    request: Request
    sample_id: str
    prompt: str
    style: str
    reply: str
    candidate: Candidate | None = None
    group: str | None = None


def build_asks(
    window: Window,
    prompt: Prompt,
    *,
    engine: Engine,
    seed: int,
    max_candidates: int,
    language: str | None = None,
) -> Iterator[Ask]:
    """The requests of one prompt about one window, in page order; none if the window offers nothing to ask about."""
    if prompt.family == "answer_first":
        # candidates and frames know English alone; of other languages they would make broken questions at full price
        if language in (None, "en"):
            yield from _ask_about_candidates(window, prompt, engine=engine, seed=seed, max_candidates=max_candidates)
    else:
        yield from _ask_about_pages(window, prompt, engine=engine, seed=seed, language=language)


def _ask_about_candidates(
    window: Window, prompt: Prompt, *, engine: Engine, seed: int, max_candidates: int
) -> Iterator[Ask]:
    for page in window.pages:
        if page.reason is not None:
            continue
        for candidate in find_candidates(page, limit=max_candidates):
            messages = render_messages(
                prompt,
                context=candidate.context,
                answer=candidate.answer,
                label=candidate.label,
                kind=candidate.kind,
            )
            place = f"{window.sample_id}/{prompt.name}/{candidate.page}:{candidate.start}-{candidate.end}"
            extra = dict(prompt.extra)
            if holds_to_grammar(engine) and (grammar := question_grammar(candidate)) is not None:
                extra |= hold_to_grammar(engine, grammar)
            for draw in range(prompt.samples):
                sampling = {**prompt.sampling, "seed": draw_seed(seed, place, draw)}
                request = make_request(prompt, engine, messages, sampling, extra)
                yield Ask(
                    request, window.sample_id, prompt.name, prompt.style, prompt.reply, candidate, _short_hash(place)
                )


def _ask_about_pages(
    window: Window, prompt: Prompt, *, engine: Engine, seed: int, language: str | None
) -> Iterator[Ask]:
    pages = [page for page in window.pages if page.reason is None]
    budget = measure_room(prompt, engine)
    extra = dict(prompt.extra)
    if prompt.reply == "pairs_json":
        extra |= hold_to_json(engine, "pairs", pairs_schema())
    for part, texts in enumerate(split_pages(pages, budget_tokens=budget)):
        pair_count = count_pairs(texts, pairs_per_page=prompt.pairs_per_page)
        messages = render_messages(prompt, pages=texts, pair_count=pair_count, language=language)
        for draw in range(prompt.samples):
            place = f"{window.sample_id}/{prompt.name}/{part}"
            sampling = {**prompt.sampling, "seed": draw_seed(seed, place, draw)}
            request = make_request(prompt, engine, messages, sampling, extra)
            yield Ask(request, window.sample_id, prompt.name, prompt.style, prompt.reply)


def measure_room(prompt: Prompt, engine: Engine) -> int:
    """Tokens that the engine's context leaves for the pages of a window; SetupError if these are too few."""
    return measure_budget(prompt, context_tokens=engine.context_tokens, pages=[], pair_count=1, language=None)


def read_pairs(ask: Ask, reply: Reply) -> tuple[list[Pair], Counter[str]]:
    """The pairs in a reply, and what in it could not be read, by reason."""
    parsed, malformed = parse_reply(reply.content, format=ask.reply, finish_reason=reply.finish_reason)
    request_id = ask.request.request_id
    pairs = []
    for index, entry in enumerate(parsed):
        candidate = ask.candidate
        pairs.append(
            Pair(
                pair_id=make_pair_id(ask.sample_id, request_id, index),
                request_id=request_id,
                prompt=ask.prompt,
                model=ask.request.model,
                style=ask.style,
                question=clean_question(entry.question) if candidate else entry.question,
                answer=candidate.answer if candidate else entry.answer,
                context=candidate.context if candidate else None,
                span=(candidate.page, candidate.start, candidate.end) if candidate else None,
                group=ask.group,
            )
        )
    return pairs, malformed


def build_round_trip(pair: Pair, prompt: Prompt, *, engine: Engine, seed: int, max_tokens: int) -> Request | None:
    """Ask the pair's question again with its context.

    None for a pair that has no context to be found in, and where the reply would be held to a choice of one: it could
    not fail.
    """
    if pair.context is None or not pair.question:
        return None
    extra = dict(prompt.extra)
    if holds_to_grammar(engine):
        choices = list_choices(pair.context, question=pair.question, answer=pair.answer)
        if len(choices) < 2:
            return None
        extra |= hold_to_choices(engine, choices)
    messages = render_messages(prompt, question=pair.question, context=pair.context)
    sampling = {**prompt.sampling, "max_tokens": max_tokens, "seed": draw_seed(seed, "round_trip", 0)}
    return make_request(prompt, engine, messages, sampling, extra)


# --- what engines differ in -------------------------------------------------------------------------------------------


def make_request(
    prompt: Prompt, engine: Engine, messages: tuple[Message, ...], sampling: dict[str, Any], extra: dict[str, Any]
) -> Request:
    """A request to the engine's model, or to the LoRA adapter that answers the prompt."""
    variant = ""
    if isinstance(engine, VllmEngine):
        # weights of another precision are another model, though its name in the request is the same
        said = {"dtype": engine.dtype, "quantization": engine.quantization}
        variant = ",".join(f"{name}={value}" for name, value in said.items() if value not in (None, "auto"))
    return Request(prompt.model or engine.model_name, messages, sampling, extra, variant)


def hold_to_json(engine: Engine, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request body that hold the reply to a JSON schema; none for a server that cannot."""
    if not isinstance(engine, LlamacppEngine) and engine.guided == "vllm":
        # without the second field small models emit white space without end between two tokens of JSON
        return {"structured_outputs": {"json": schema, "disable_any_whitespace": True}}
    if isinstance(engine, LlamacppEngine) or engine.guided == "json_schema":
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema, "strict": True},
            }
        }
    return {}


def holds_to_grammar(engine: Engine) -> bool:
    """Whether small questions and answers are held to a grammar."""
    return isinstance(engine, LlamacppEngine) or (isinstance(engine, VllmEngine) and engine.grammar)


def hold_to_grammar(engine: Engine, grammar: str) -> dict[str, Any]:
    """The fields that hold a reply to a grammar in llama.cpp's notation, which xgrammar reads as well."""
    return {"grammar": grammar} if isinstance(engine, LlamacppEngine) else {"structured_outputs": {"grammar": grammar}}


def hold_to_choices(engine: Engine, choices: Sequence[str]) -> dict[str, Any]:
    """The fields that hold a reply to one of several texts."""
    if isinstance(engine, LlamacppEngine):
        return {"grammar": to_grammar(choices)}
    return {"structured_outputs": {"choice": list(choices)}}


def draw_seed(seed: int, place: str, draw: int) -> int:
    """A sampling seed (31 bits) from the build's seed, what is asked about, and the number of the draw."""
    digest = hashlib.sha256(f"{seed}\n{place}\n{draw}".encode()).digest()
    return int.from_bytes(digest[:4]) & 0x7FFFFFFF


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
