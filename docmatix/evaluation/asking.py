"""The two passes of an evaluation: every question asked, with its pages and without, and then every answer judged.

Replies are stored under the hash of their request, in a folder for each part of the questions: an evaluation that was
killed goes on, and memory does not grow with the questions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any, NamedTuple, TypeVar

from docmatix.core.draws import draw_seed
from docmatix.core.errors import BuildError, LedgerError
from docmatix.core.pairs import Failure, Picture, Reply, Request
from docmatix.evaluation.lave import PROMPT as VERDICT
from docmatix.evaluation.lave import plan_verdict, read_verdict
from docmatix.evaluation.metrics import classify_answer, score_prediction
from docmatix.evaluation.predictions import Example
from docmatix.evaluation.server import ModelServer
from docmatix.evaluation.settings import Evaluation
from docmatix.evaluation.shapes import Question
from docmatix.evaluation.shown_pictures import PictureEncoder, measure_picture
from docmatix.prompting.chunks import PageText
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.replies import parse_reply
from docmatix.prompting.requests import make_request
from docmatix.prompting.templates import render_messages
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.reply_store import ReplyStore
from docmatix.storage.run import Run

ANSWERS, VERDICTS = "answers", "verdicts"
"""The folders of the replies."""
PART = 4096
"""Questions whose replies are in one file, and in memory at a time."""
MOST_FAILURES = 0.2
"""More unexpected failures than this share of the latest requests stop an evaluation."""
_MOST_DETAIL_CHARS = 300

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class Usage:
    """What was asked so far. `details` has the server's words for the first failure of each reason."""

    requests: int = 0
    reused: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)

    def note(self, outcome: Reply | Failure) -> None:
        if isinstance(outcome, Failure) and outcome.detail:
            self.details.setdefault(outcome.reason, outcome.detail[:_MOST_DETAIL_CHARS])

    def to_json(self) -> dict[str, Any]:
        return {"requests": self.requests, "reused": self.reused, "tokens": dict(sorted(self.tokens.items()))}


# --- what is asked ----------------------------------------------------------------------------------------------------


class Planned(NamedTuple):
    """A question with its requests; in place of the first one, why it cannot be asked."""

    question: Question
    request: Request | Failure
    blind: Request | None


class Planner:
    """Writes the requests about questions. One after the other: the pages of a row are measured once."""

    def __init__(self, settings: Evaluation, prompt: Prompt, blind_prompt: Prompt | None) -> None:
        self._settings, self._prompt, self._blind_prompt = settings, prompt, blind_prompt
        self._engine = settings.engine
        self._measured: tuple[tuple[Any, ...], tuple[Picture, ...] | Failure] | None = None

    def plan(self, question: Question) -> Planned:
        asked = question.example.question
        blind = None
        if self._blind_prompt is not None:
            blind = self._make(self._blind_prompt, render_messages(self._blind_prompt, question=asked))
        return Planned(question, self._plan_shown(question), blind)

    def _plan_shown(self, question: Question) -> Request | Failure:
        source = self._settings.source
        if question.pages > self._settings.max_pages:
            return Failure("too_many_pages")
        pictures = self._refer(question) if source != "text" else ()
        if isinstance(pictures, Failure):
            return pictures
        texts = self._show_texts(question) if source != "pages" else []
        if not texts and source == "text":
            return Failure("no_text")
        messages = render_messages(self._prompt, pages=texts, question=question.example.question)
        return self._make(self._prompt, messages, pictures=pictures)

    def _make(self, prompt: Prompt, messages: Any, *, pictures: tuple[Picture, ...] = ()) -> Request:
        sampling = {**prompt.sampling, "seed": draw_seed(self._settings.seed, prompt.name, 0)}
        return make_request(prompt, self._engine, messages, sampling, dict(prompt.extra), pictures=pictures)

    def _refer(self, question: Question) -> tuple[Picture, ...] | Failure:
        images = question.images
        if not images or None in images:
            return Failure("image_missing")
        if self._measured is None or self._measured[0] is not images:
            numbers = question.example.page_numbers
            if len(numbers) != len(images):
                numbers = tuple(range(1, len(images) + 1))
            settings = self._settings.pictures
            found = [measure_picture(d, n, settings=settings) for d, n in zip(images, numbers, strict=True)]
            pictures = tuple(picture for picture in found if picture is not None)
            self._measured = images, pictures if len(pictures) == len(images) else Failure("image_unreadable")
        return self._measured[1]

    def _show_texts(self, question: Question) -> list[PageText]:
        numbers = question.example.page_numbers
        if len(numbers) != len(question.texts):
            numbers = tuple(range(1, len(question.texts) + 1))
        both = zip(numbers, question.texts, strict=True)
        return [PageText(number, text) for number, text in both if text and text.strip()]


# --- the passes -------------------------------------------------------------------------------------------------------


async def answer_questions(
    questions: Iterable[Question],
    planner: Planner,
    prompts: tuple[str, str],
    *,
    server: ModelServer,
    run: Run,
    usage: Usage,
) -> AsyncGenerator[tuple[Question, dict[str, Any]], None]:
    """Each question, in order, with its row of `PREDICTIONS`, but for the judge's columns."""
    encoder = PictureEncoder()
    engine = server.engine
    pool = _make_pool(server)

    async def answer(planned: Planned, store: ReplyStore) -> tuple[Reply | Failure, Reply | Failure | None]:
        question, request, blind = planned
        images = question.images

        async def ask_shown(request: Request) -> Reply | Failure:
            if not request.pictures:
                return await pool.ask(request)
            async with pool.pictured:
                pictures = await encoder.encode(images, request.pictures)
                return pictures if isinstance(pictures, Failure) else await pool.ask(request, pictures=pictures)

        if isinstance(request, Failure):
            outcome: Reply | Failure = request
        else:
            usage.requests += 1
            outcome = await store.ask(request, prompt=prompts[0], ask=ask_shown)
            pool.note(outcome, document=question.position)
        question.images = ()
        if blind is None:
            return outcome, None
        usage.requests += 1
        guessed = await store.ask(blind, prompt=prompts[1], ask=pool.ask)
        pool.note(guessed, document=question.position)
        return outcome, guessed

    parts = _ask_in_parts(map(planner.plan, questions), answer, pool=pool, run=run, folder=ANSWERS, usage=usage)
    async with aclosing(parts):
        async for planned, (outcome, guessed) in parts:
            usage.note(outcome)
            request = planned.request
            request_id = request.request_id if isinstance(request, Request) else None
            row = _make_row(planned.question, outcome, guessed, model=engine.model_name, request_id=request_id)
            yield planned.question, row


async def judge_answers(
    rows: Iterable[Mapping[str, Any]],
    prompt: Prompt,
    *,
    server: ModelServer,
    seed: int,
    run: Run,
    usage: Usage,
) -> AsyncGenerator[dict[str, Any], None]:
    """Each row of predictions, in order, with the judge's verdict on its answer."""
    pool, judge = _make_pool(server), server.engine

    def plan(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], Request | None]:
        if row["prediction"] is None:
            return row, None
        return row, plan_verdict(_read_example(row), row["prediction"], prompt=prompt, engine=judge, seed=seed)

    async def ask(planned: tuple[Mapping[str, Any], Request | None], store: ReplyStore) -> Reply | Failure | None:
        row, request = planned
        if request is None:
            return None
        usage.requests += 1
        outcome = await store.ask(request, prompt=VERDICT, ask=pool.ask)
        pool.note(outcome, document=row["example_id"])
        return outcome

    parts = _ask_in_parts(map(plan, rows), ask, pool=pool, run=run, folder=VERDICTS, usage=usage)
    async with aclosing(parts):
        async for (row, _), outcome in parts:
            if outcome is not None:
                usage.note(outcome)
            yield {**row, "judge_model": judge.model_name, **_read_judged(outcome)}


def _make_pool(server: ModelServer) -> RequestPool:
    client: Any = server  # as far as a pool speaks to one
    return RequestPool(client, in_flight=server.engine.most_in_flight, max_share=MOST_FAILURES)


async def _ask_in_parts(
    items: Iterator[Item],
    ask: Callable[[Item, ReplyStore], Awaitable[Result]],
    *,
    pool: RequestPool,
    run: Run,
    folder: str,
    usage: Usage,
) -> AsyncGenerator[tuple[Item, Result], None]:
    """Each item, in order, with what asking about it gave; the replies of each part are stored apart."""
    for number in count():
        store = await asyncio.to_thread(ReplyStore, run, folder, number)
        taken = 0

        async def ask_stored(item: Item, store: ReplyStore = store) -> Result:
            return await ask(item, store)

        async with store.kept_on_failure():
            try:
                async for item, result in pool.answer_in_order(islice(items, PART), ask_stored):
                    taken += 1
                    yield item, result
            except LedgerError as error:
                raise BuildError(_describe_failures(error)) from None
        tokens = store.count_tokens()
        usage.tokens.update(tokens)
        usage.reused += store.reused
        await store.finish()
        if taken < PART:
            return
        await asyncio.sleep(0)


def _describe_failures(error: LedgerError) -> str:
    told, _, _ = str(error).partition(", more than limits.unexpected_share")
    return (
        f"{told}, which is too many to go on. Check the server and the engine's settings, then rerun the command to"
        " resume the evaluation; replies already received are kept."
    )


# --- rows -------------------------------------------------------------------------------------------------------------


def _make_row(
    question: Question,
    outcome: Reply | Failure,
    guessed: Reply | Failure | None,
    *,
    model: str,
    request_id: str | None,
) -> dict[str, Any]:
    example = question.example
    example = replace(example, answer_type=classify_answer(example.answers, example.question, example.language))
    prediction, reason = read_prediction(outcome)
    blind, blind_reason = (None, None) if guessed is None else read_prediction(guessed)
    facts = {name: getattr(example, name) for name in Example.__dataclass_fields__}
    return {
        **facts,
        "pages": question.pages,
        "model": model,
        "request_id": request_id,
        "prediction": prediction,
        "reason": reason,
        "blind_prediction": blind,
        "blind_reason": blind_reason,
        **score_prediction(example, prediction, blind),
    }


def read_prediction(outcome: Reply | Failure) -> tuple[str | None, str | None]:
    """The answer of a reply, or why there is none."""
    if isinstance(outcome, Failure):
        return None, outcome.reason
    pairs, faults = parse_reply(outcome.content, format="answer", finish_reason=outcome.finish_reason)
    if pairs:
        return pairs[0].answer, None
    return None, next(iter(faults), "empty_reply")


def _read_judged(outcome: Reply | Failure | None) -> dict[str, Any]:
    """The verdict, or why there is none; of a prediction that is none there is nothing to say."""
    verdict = read_verdict(outcome) if isinstance(outcome, Reply) else None
    if verdict is not None:
        return {"judge_verdict": verdict.score, "judge_reason": verdict.reason}
    reason = outcome.reason if isinstance(outcome, Failure) else None if outcome is None else "unreadable_verdict"
    return {"judge_verdict": None, "judge_reason": reason}


def _read_example(row: Mapping[str, Any]) -> Example:
    values: dict[str, Any] = {name: row[name] for name in Example.__dataclass_fields__}
    return Example(**values | {name: tuple(values[name]) for name in ("answers", "page_numbers")})
