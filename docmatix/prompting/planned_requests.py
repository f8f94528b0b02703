"""What to ask about a window, and how replies become pairs. Pure: no server, no files."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docmatix.core.documents import Page
from docmatix.core.draws import draw_seed
from docmatix.core.pairs import (
    FACT_STYLE,
    FACTS,
    NO_MODEL,
    Pair,
    Picture,
    Reply,
    Request,
    make_fact_pair_id,
    make_pair_id,
    name_model,
)
from docmatix.models.engine import Engine
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.prompting.chunks import (
    MIN_BUDGET_TOKENS,
    Chunk,
    PageText,
    Pictures,
    count_pairs,
    count_picture_tokens,
    halve_chunk,
    refer_to_picture,
    split_pages,
)
from docmatix.prompting.conditions import fits_window
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.questions.question import FactQuestion
from docmatix.prompting.questions.rewording import accept_rewording
from docmatix.prompting.questions.sentences.candidates import Candidate, find_candidates
from docmatix.prompting.questions.sentences.question_grammar import clean_question, question_grammar
from docmatix.prompting.replies import pairs_schema, parse_reply
from docmatix.prompting.requests import make_request, measure_token_budget
from docmatix.prompting.templates import render_messages
from docmatix.prompting.windows import Window
from docmatix.text.languages import reads_english


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request about a window, with what it takes to read its reply."""

    request: Request
    sample_id: str
    prompt: str
    style: str
    reply: str
    candidate: Candidate | None = None
    group: str | None = None
    chunk: tuple[PageText, ...] = ()
    """The pages in the request; with `place`, `draw` and `language`, enough to ask about half of them."""
    place: str = ""
    draw: int = 0
    language: str | None = None
    question: FactQuestion | None = None
    """The question from facts that is to be put into other words."""


def plan_requests(
    window: Window,
    prompt: Prompt,
    *,
    engine: Engine,
    seed: int,
    max_candidates: int,
    facts: int = 0,
    language: str | None = None,
    counter: TokenCounter = ESTIMATE,
    token_budget: int | None = None,
    pictures: Pictures | None = None,
) -> Iterator[PlannedRequest]:
    """The requests of one prompt about one window, in page order; none if there is nothing to ask about. `facts` says
    how many questions from facts the window has, `counter` counts what a request may hold, `token_budget` is
    `measure_token_budget` for the prompt (if known), `pictures` how pages are shown to prompts of `vision`."""
    if prompt.family == "answer_first":
        found: list[Candidate] = []
        for page in window.pages:
            english = _is_english(page, language)
            # frames are English only: in other languages a small model would ask broken questions at full cost. Of an
            # English document with a foreign page, `curate` keeps no foreign question
            asked = english or (not engine.uses_grammars and language != "en")
            if page.reason is None and asked:
                found += find_candidates(page, limit=max_candidates, framed_only=engine.uses_grammars, english=english)
        candidates = _bound_acronyms(found, facts=facts)
        yield from _ask_about_candidates(window, candidates, prompt, engine=engine, seed=seed)
    else:
        yield from _ask_about_pages(
            window,
            prompt,
            engine=engine,
            seed=seed,
            language=language,
            counter=counter,
            token_budget=measure_token_budget(prompt, engine, counter=counter)
            if token_budget is None
            else token_budget,
            settings=(pictures or Pictures()) if prompt.sees else None,
        )


def _is_english(page: Page, language: str | None) -> bool:
    """Whether a page is in English: its own words decide, then the language of its document, if that is known."""
    own = reads_english(page.text)
    return language in (None, "en") if own is None else own


def _bound_acronyms(candidates: Sequence[Candidate], *, facts: int) -> list[Candidate]:
    """The candidates with at most one acronym for every ten other pairs that the window will have: its questions from
    facts, and half of its other candidates, as many as curation keeps."""
    others = sum(candidate.kind != "acronym" for candidate in candidates)
    acronyms = [candidate for candidate in candidates if candidate.kind == "acronym"][: (facts + others // 2) // 10]
    return [candidate for candidate in candidates if candidate.kind != "acronym" or candidate in acronyms]


def _ask_about_candidates(
    window: Window, candidates: Sequence[Candidate], prompt: Prompt, *, engine: Engine, seed: int
) -> Iterator[PlannedRequest]:
    for candidate in candidates:
        # `label` was the name of a field: fields are asked from facts, but prompts of users may still mention it
        messages = render_messages(
            prompt, context=candidate.context, answer=candidate.answer, label=None, kind=candidate.kind
        )
        place = f"{window.sample_id}/{prompt.name}/{candidate.page}:{candidate.start}-{candidate.end}"
        extra = dict(prompt.extra)
        if engine.uses_grammars and (grammar := question_grammar(candidate)) is not None:
            extra |= engine.constrain_grammar(grammar) or {}
        for draw in range(prompt.samples):
            sampling = {**prompt.sampling, "seed": draw_seed(seed, place, draw)}
            request = make_request(prompt, engine, messages, sampling, extra)
            yield PlannedRequest(
                request, window.sample_id, prompt.name, prompt.style, prompt.reply, candidate, _short_hash(place)
            )


def plan_rewordings(
    window: Window,
    questions: Sequence[FactQuestion],
    prompt: Prompt,
    *,
    engine: Engine,
    seed: int,
    language: str | None,
) -> Iterator[PlannedRequest]:
    """A request for each question from facts, for a prompt that rewords them."""
    for question in questions:
        messages = render_messages(prompt, question=question.question, kind=question.kind, language=language)
        place = f"{window.sample_id}/{prompt.name}/{question.question}"
        sampling = {**prompt.sampling, "seed": draw_seed(seed, place, 0)}
        request = make_request(prompt, engine, messages, sampling, dict(prompt.extra))
        yield PlannedRequest(
            request, window.sample_id, prompt.name, prompt.style, prompt.reply, place=place, question=question
        )


def _ask_about_pages(
    window: Window,
    prompt: Prompt,
    *,
    engine: Engine,
    seed: int,
    language: str | None,
    counter: TokenCounter,
    token_budget: int,
    settings: Pictures | None,
) -> Iterator[PlannedRequest]:
    pages = window.list_shown(pictures=prompt.sees)
    pictures: dict[int, Picture] = {}
    if settings is not None:
        pictures = {page.number: refer_to_picture(page, window.doc_id, settings=settings) for page in pages}
    # a picture that leaves no room by our estimate may fit by the model's count, so let the server decide
    most = token_budget - MIN_BUDGET_TOKENS
    chunks = split_pages(
        pages,
        budget_tokens=token_budget,
        counter=counter,
        picture_tokens={number: min(count_picture_tokens(each), most) for number, each in pictures.items()},
        max_pages=None if settings is None else settings.max_per_request,
        with_text=settings is None or settings.with_text,
    )
    for part, chunk in _choose_fitting(chunks, pages, prompt, language=language):
        for draw in range(prompt.samples):
            place = f"{window.sample_id}/{prompt.name}/{part}"
            yield _ask_about_chunk(
                chunk,
                prompt,
                place=place,
                draw=draw,
                pictures=pictures,
                sample_id=window.sample_id,
                engine=engine,
                seed=seed,
                language=language,
            )


def _choose_fitting(
    chunks: Sequence[Chunk], pages: Sequence[Page], prompt: Prompt, *, language: str | None
) -> list[tuple[int, Chunk]]:
    """The chunks that a prompt belongs to by themselves, with their numbers: of four pages one may have the chart. All,
    where what its `when` counts is only reached by all together."""
    numbered = list(enumerate(chunks))
    by_number = {page.number: page for page in pages}
    fitting = [
        (part, chunk)
        for part, chunk in numbered
        if fits_window(prompt.when, [by_number[n] for n in {page.number for page in chunk}], language=language)
    ]
    return fitting or numbered


def _ask_about_chunk(
    chunk: Chunk,
    prompt: Prompt,
    *,
    place: str,
    draw: int,
    pictures: Mapping[int, Picture],
    sample_id: str,
    engine: Engine,
    seed: int,
    language: str | None,
) -> PlannedRequest:
    shown = tuple(pictures[number] for number in dict.fromkeys(page.number for page in chunk) if number in pictures)
    variables: dict[str, Any] = {"pages": [page for page in chunk if page.text], "language": language}
    if prompt.sees:
        variables |= {"pair_count": max(1, round(prompt.pairs_per_page * len(shown))), "picture_count": len(shown)}
    else:
        variables["pair_count"] = count_pairs(chunk, pairs_per_page=prompt.pairs_per_page)
    extra = dict(prompt.extra)
    if prompt.reply == "pairs_json":
        extra |= engine.constrain_json("pairs", pairs_schema()) or {}
    request = make_request(
        prompt,
        engine,
        render_messages(prompt, **variables),
        {**prompt.sampling, "seed": draw_seed(seed, place, draw)},
        extra,
        pictures=shown,
    )
    return PlannedRequest(
        request,
        sample_id,
        prompt.name,
        prompt.style,
        prompt.reply,
        chunk=tuple(chunk),
        place=place,
        draw=draw,
        language=language,
    )


def halve_request(ask: PlannedRequest, prompt: Prompt, *, engine: Engine, seed: int) -> list[PlannedRequest]:
    """Two requests in place of one that the server finds too long, each about half of its pages or of its page. Empty
    if it cannot be halved: answer-first requests, a picture alone, a chunk that is already small."""
    if not ask.chunk:
        return []
    pictures = {picture.page: picture for picture in ask.request.pictures}
    return [
        _ask_about_chunk(
            half,
            prompt,
            place=f"{ask.place}.{number}",
            draw=ask.draw,
            pictures=pictures,
            sample_id=ask.sample_id,
            engine=engine,
            seed=seed,
            language=ask.language,
        )
        for number, half in enumerate(halve_chunk(ask.chunk))
    ]


def read_pairs(ask: PlannedRequest, reply: Reply) -> tuple[list[Pair], Counter[str]]:
    """The pairs in a reply, and counts of what could not be read, by reason."""
    parsed, malformed = parse_reply(reply.content, format=ask.reply, finish_reason=reply.finish_reason)
    request_id, model = ask.request.request_id, name_model(ask.request.model)
    candidate = ask.candidate
    if ask.question is not None:
        return [_read_rewording(ask, ask.question, [entry.question for entry in parsed], model)], Counter()
    if candidate and any(_SKIPPED.match(entry.question) for entry in parsed):
        return [], malformed + Counter({"skipped": 1})
    pairs = []
    for index, entry in enumerate(parsed):
        pairs.append(
            Pair(
                pair_id=make_pair_id(ask.sample_id, request_id, index),
                request_id=request_id,
                prompt=ask.prompt,
                model=model,
                style=ask.style,
                question=clean_question(entry.question) if candidate else entry.question,
                answer=candidate.answer if candidate else entry.answer,
                context=candidate.context if candidate else None,
                span=(candidate.page, candidate.start, candidate.end) if candidate else None,
                group=ask.group,
                kind="sentence" if candidate else "free",
            )
        )
    return pairs, malformed


def _read_rewording(ask: PlannedRequest, asked: FactQuestion, replies: Sequence[str], model: str) -> Pair:
    """The question in the model's words, or as it was where they lose what it asks by."""
    said = clean_question(replies[0]) if replies else ""
    as_it_was = keep_wording(ask, asked)
    return replace(as_it_was, question=said, model=model) if accept_rewording(asked, said) else as_it_was


def keep_wording(ask: PlannedRequest, asked: FactQuestion) -> Pair:
    """The pair of a question from facts that was to be reworded, in the words that code gave it."""
    pair_id = make_pair_id(ask.sample_id, ask.request.request_id, 0)
    made = make_fact_pair(ask.sample_id, asked)
    return replace(made, pair_id=pair_id, request_id=ask.request.request_id, prompt=ask.prompt, style=ask.style)


def make_fact_pair(sample_id: str, asked: FactQuestion) -> Pair:
    """The pair of a question from facts, which no model has written."""
    return Pair(
        pair_id=make_fact_pair_id(sample_id, asked.question, asked.answer),
        request_id="",
        prompt=FACTS,
        model=NO_MODEL,
        style=FACT_STYLE,
        question=asked.question,
        answer=asked.answer,
        kind=asked.kind,
        evidence=asked.evidence,
    )


_SKIPPED = re.compile(r"\W*SKIP(?:PED)?\b(?!.*\?)", re.IGNORECASE)
"""What `prompts/extractive.md` tells a model to write where its sentence allows no good question."""


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
