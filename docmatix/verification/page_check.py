"""Checks that are given the pages of a pair's window: as text, as pictures or both, in parts if they are too long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from docmatix.core.documents import Page
from docmatix.core.pairs import Pair, Picture
from docmatix.models.engine import Engine
from docmatix.prompting.chunks import (
    MIN_BUDGET_TOKENS,
    Chunk,
    count_picture_tokens,
    halve_chunk,
    measure_budget,
    refer_to_picture,
    split_pages,
)
from docmatix.prompting.templates import render_messages
from docmatix.prompting.windows import Window, is_usable
from docmatix.verification.check import Asking, Check, CheckedPair, CheckRequest

PAIR_STEP_TOKENS = 128
Material = Literal["text", "pages", "both"]


class PageCheck(Check):
    """A check whose prompt is given pages: a kind says what else its prompt is told, and what constrains its reply."""

    reads_pages: ClassVar[bool] = True

    from_: Material | None = Field(None, alias="from")
    """What is shown: the `text` of the pages, their pictures (`pages`), or `both`. By default the text, and both for a
    pair that was written from pictures, which is left without a score if the engine does not see."""

    def describe_pair(self, checked: CheckedPair) -> dict[str, Any]:
        """The variables of the prompt besides `pages`."""
        raise NotImplementedError

    def constrain(self, engine: Engine) -> dict[str, Any]:
        """Fields of a request that hold the reply to its form."""
        return {}

    def plan_requests(self, checked: CheckedPair, asking: Asking) -> list[CheckRequest]:
        """One about the window, or one for each part of a window that is too long for the model."""
        return self._ask(checked, checked.window.pages, asking)

    def halve_request(self, checked: CheckedPair, request: CheckRequest, asking: Asking) -> list[CheckRequest]:
        pictures = {picture.page: picture for picture in request.request.pictures}
        return [
            self._ask_chunk(checked, half, asking, pictures=pictures, page=request.page)
            for half in (halve_chunk(request.chunk) if request.chunk else ())
        ]

    def refuse(self, engine: Engine) -> str | None:
        if self.from_ in ("pages", "both") and not engine.vision:
            return (
                f"`from: {self.from_}` takes a model that sees pictures: set `vision` in its engine, or take `from` out"
            )
        return None

    def choose_material(self, checked: CheckedPair, engine: Engine) -> Material | None:
        """What to show of the pages; None where what the pair was written from cannot be shown."""
        if self.from_ is not None:
            return self.from_
        if not checked.seen:
            return "text"
        return "both" if engine.vision else None

    def _ask(
        self, checked: CheckedPair, pages: Sequence[Page], asking: Asking, *, page: int | None = None
    ) -> list[CheckRequest]:
        material = self.choose_material(checked, asking.engine)
        if material is None or not checked.pair.question:
            return []
        pictures: dict[int, Picture] = {}
        if material != "text":
            pictures = {
                each.number: refer_to_picture(each, checked.window.doc_id, settings=asking.pictures)
                for each in pages
                if is_usable(each, pictures=True)
            }
        needed = asking.counter.count(checked.pair.question) + asking.counter.count(checked.pair.answer)
        # in steps, so that the pairs of a window are shown the same parts of it
        budget = max(MIN_BUDGET_TOKENS, asking.room - math.ceil(needed / PAIR_STEP_TOKENS) * PAIR_STEP_TOKENS)
        key = (budget, asking.counter, material, page)
        if key not in checked.chunks:
            checked.chunks[key] = self._cut(pages, asking, pictures, budget=budget, with_text=material != "pages")
        chunks = _choose_parts(checked.chunks[key], checked.pair)
        return [self._ask_chunk(checked, chunk, asking, pictures=pictures, page=page) for chunk in chunks]

    def _cut(
        self, pages: Sequence[Page], asking: Asking, pictures: dict[int, Picture], *, budget: int, with_text: bool
    ) -> Sequence[Chunk]:
        return split_pages(
            pages,
            budget_tokens=budget,
            counter=asking.counter,
            # a picture that leaves no room by our estimate may fit by the model's count: the server decides
            picture_tokens={
                n: min(count_picture_tokens(each), budget - MIN_BUDGET_TOKENS) for n, each in pictures.items()
            }
            if pictures
            else None,
            max_pages=asking.pictures.max_per_request if pictures else None,
            with_text=with_text,
        )

    def _ask_chunk(
        self, checked: CheckedPair, chunk: Chunk, asking: Asking, *, pictures: dict[int, Picture], page: int | None
    ) -> CheckRequest:
        shown = tuple(pictures[number] for number in dict.fromkeys(each.number for each in chunk) if number in pictures)
        told = {"pages": [each for each in chunk if each.text], **self.describe_pair(checked)}
        extra = {**asking.prompt.extra, **self.constrain(asking.engine)}
        request = self.make_request(asking, render_messages(asking.prompt, **told), extra, pictures=shown)
        return CheckRequest(request, page, tuple(chunk))

    def measure_room(self, asking: Asking) -> int:
        """Tokens that the context leaves for pages and pair. Raises SetupError if that is too little."""
        told = self.describe_pair(_NOBODY)
        context = asking.engine.context_length
        return measure_budget(asking.prompt, context_tokens=context, counter=asking.counter, pages=[], **told)


def _choose_parts(chunks: Sequence[Chunk], pair: Pair) -> Sequence[Chunk]:
    """Of a window that was cut, the parts with the pages that the pair is known to be written from; all, where that is
    not known: every part more is a chance to agree by luck."""
    places = {each.page for each in pair.evidence or ()} | ({pair.span[0]} if pair.span else set())
    return [chunk for chunk in chunks if places & {page.number for page in chunk}] or chunks


_NOBODY = CheckedPair(Pair("", "", "", "", "", question="", answer=""), Window("", "", ()))
