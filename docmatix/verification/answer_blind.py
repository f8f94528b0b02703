"""Answered blind: a model is given the question alone. What it answers nevertheless is known, or can be guessed, and
teaches nobody to read a page: of some benchmarks, up to 70 % of the questions.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from docmatix.core.pairs import Reply
from docmatix.prompting.chunks import measure_budget
from docmatix.prompting.prompts import Family
from docmatix.prompting.templates import render_messages
from docmatix.verification.check import Asking, Check, CheckedPair, CheckRequest, Finding
from docmatix.verification.second_answers import describe_form, read_second_answer


class AnswerBlind(Check):
    """Ask the question without the document, and compare the answers: agreement marks what can be guessed or is known.
    It is published as a score; the filter `not_blind` drops by it on request."""

    default_prompt: ClassVar[str] = "answer_blind"
    prompt_family: ClassVar[Family] = "answer_blind"
    score: ClassVar[str] = "blind_agreement"
    described: ClassVar[str] = "answering from the question alone and comparing"

    kind: Literal["answer_blind"]

    def measure_room(self, asking: Asking) -> int:
        context = asking.engine.context_length
        return measure_budget(asking.prompt, context_tokens=context, counter=asking.counter, question="", form="")

    def plan_requests(self, checked: CheckedPair, asking: Asking) -> list[CheckRequest]:
        if not checked.pair.question:
            return []
        messages = render_messages(
            asking.prompt, question=checked.pair.question, form=describe_form(checked.pair.answer)
        )
        return [CheckRequest(self.make_request(asking, messages, dict(asking.prompt.extra)))]

    def read_reply(self, checked: CheckedPair, reply: Reply) -> Finding:
        return read_second_answer(checked, reply)
