"""Answered again: a model is given the question and the pages, never the answer, and its answer is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from docmatix.core.pairs import Reply
from docmatix.prompting.prompts import Family
from docmatix.verification.check import Asking, CheckedPair, CheckRequest, Finding, find_best, keep_known
from docmatix.verification.page_check import PageCheck
from docmatix.verification.second_answers import describe_form, read_second_answer


class AnswerAgain(PageCheck):
    """Ask the question again with the pages, and compare the answers."""

    default_prompt: ClassVar[str] = "answer_again"
    prompt_family: ClassVar[Family] = "answer_again"
    score: ClassVar[str] = "agreement"
    other_scores: ClassVar[tuple[str, ...]] = ("single_page_agreement",)
    described: ClassVar[str] = "answering again from the pages and comparing"

    kind: Literal["answer_again"]
    single_pages: bool = False
    """Ask from each page of a window of several, too: what one page answers needs no other."""

    def describe_pair(self, checked: CheckedPair) -> dict[str, Any]:
        return {"question": checked.pair.question, "form": describe_form(checked.pair.answer)}

    def plan_requests(self, checked: CheckedPair, asking: Asking) -> list[CheckRequest]:
        """Those about the window, then, with `single_pages`, those about each of its pages."""
        planned = super().plan_requests(checked, asking)
        shown = {page.number for each in planned for page in each.chunk}
        if not self.single_pages or len(shown) < 2:
            return planned
        singles = (
            each
            for page in checked.window.pages
            if page.number in shown
            for each in self._ask(checked, [page], asking, page=page.number)
        )
        return [*planned, *singles]

    def read_reply(self, checked: CheckedPair, reply: Reply) -> Finding:
        return read_second_answer(checked, reply)

    def sum_up(self, findings: Sequence[Finding]) -> dict[str, float]:
        return keep_known(
            {
                "agreement": find_best(each for each in findings if each.page is None),
                "single_page_agreement": find_best(each for each in findings if each.page is not None),
            }
        )
