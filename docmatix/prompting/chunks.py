"""Chunks: dividing a window into requests, so that nothing is lost and none is too long for the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import Field

from docmatix.core.documents import Page
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Picture
from docmatix.core.settings import Section
from docmatix.models.tokenizer import (
    ESTIMATE,
    SEPARATORS,
    TokenCounter,
    bound_tokens,
    estimate_tokens,
    estimate_tokens_to,
)
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.templates import neutralise, render_messages
from docmatix.prompting.windows import is_usable

PAGE_OVERHEAD_TOKENS = 24
"""The marks around one page, with room to spare (16 tokens in Mistral v3's vocabulary)."""
MESSAGE_OVERHEAD_TOKENS = 12
"""What a chat template adds to one message, with room to spare (ChatML 5, Llama 3 5, Gemma 6)."""
MIN_BUDGET_TOKENS = 256
"""Less room for the document than this (about 100 words) is treated as a mistake in the configuration."""
TOKENS_PER_PAIR = 40
"""At most one pair is requested per this many (estimated) tokens: a title page does not yield four."""
PATCH_PX = 28
"""One token per square of this side: patches of 14 px, merged two by two (Qwen2-VL and 2.5-VL; arXiv 2409.12191,
section 2.1). Tiling models take fewer, so the count errs upwards, except for models that do not merge patches (Pixtral:
16 px); a request that turns out to be too long is halved when the server refuses it."""


class Pictures(Section):
    """The page images sent to a vision model. They are rendered for each request and not kept."""

    max_per_request: int = Field(4, ge=1)
    """A window with more pages becomes several requests."""
    dpi: int = Field(150, ge=36, le=600)
    max_side_px: int = Field(1540, ge=64)
    """The longest side; larger pages are scaled down. Vision models cut a picture into tiles of 336 to 560 px or
    patches of 28, so tokens grow with the area."""
    quality: int = Field(85, ge=1, le=100)
    """JPEG quality."""
    with_text: bool = True
    """Send the text of the pages along with their pictures."""


class PageText(NamedTuple):
    """A page, or part of a long one, as a prompt shows it: 1-based number, and text with tables as Markdown."""

    number: int
    text: str


Chunk = Sequence[PageText]
"""What one request shows: pages in order, each in full or in part."""


def measure_budget(prompt: Prompt, *, context_tokens: int, counter: TokenCounter = ESTIMATE, **variables: Any) -> int:
    """Tokens left for the document (`budget_tokens` of `split_pages`) in a context of `context_tokens`, after the
    prompt, rendered with `variables` such as `pages=[]`, and the longest reply. Raises SetupError if fewer than
    `MIN_BUDGET_TOKENS` are left."""
    messages = render_messages(prompt, **variables)
    fixed = sum(_count_fixed(counter, message.content) + MESSAGE_OVERHEAD_TOKENS for message in messages)
    budget = context_tokens - fixed - int(prompt.sampling["max_tokens"])
    if budget < MIN_BUDGET_TOKENS:
        raise SetupError(
            f"The prompt {prompt.name!r} needs a context of at least {context_tokens - budget + MIN_BUDGET_TOKENS} "
            f"tokens (about {fixed} for itself, {prompt.sampling['max_tokens']} for the reply, the rest for the "
            f"document), but that of its engine has {context_tokens}: raise `context_tokens` (of `vllm` "
            "`max_model_len`), lower the prompt's max_tokens, or choose other prompts."
        )
    return budget


@lru_cache(maxsize=256)
def _count_fixed(counter: TokenCounter, text: str) -> int:
    """Cached: every window is measured against the same few texts, at 5 ms each."""
    return counter.count(text)


def count_pairs(pages: Chunk, *, pairs_per_page: float) -> int:
    """How many pairs to ask for: `pairs_per_page` for each page, fewer for pages with little text, at least one."""
    most = pairs_per_page * TOKENS_PER_PAIR
    return max(1, round(sum(estimate_tokens_to(most, page.text) / TOKENS_PER_PAIR for page in pages)))


def refer_to_picture(page: Page, doc_id: str, *, settings: Pictures) -> Picture:
    """The picture of a page, with the size at which `docmatix.pdf.rendering` will draw it."""
    zoom = settings.dpi / 72
    scale = min(1.0, settings.max_side_px / (max(page.width_pt, page.height_pt) * zoom))
    # MuPDF rounds outwards with a tolerance of a thousandth of a pixel
    width_px, height_px = (max(1, math.ceil(side * zoom * scale - 0.001)) for side in (page.width_pt, page.height_pt))
    return Picture(
        doc_id,
        page.number,
        settings.dpi,
        settings.max_side_px,
        settings.quality,
        width_px=width_px,
        height_px=height_px,
        scale=round(scale, 4),
    )


def count_picture_tokens(picture: Picture) -> int:
    """Estimated tokens that a picture takes, with the two marks around it."""
    return math.ceil(picture.width_px / PATCH_PX) * math.ceil(picture.height_px / PATCH_PX) + 2


def compose_page(page: Page) -> str:
    """The text of a page as a prompt shows it: neutralised, with its tables repeated below as Markdown."""
    tables = (table.to_markdown() for table in page.tables if table.rows)
    return neutralise("\n\n".join(part for part in (page.text.strip(), *tables) if part))


def split_pages(
    pages: Sequence[Page],
    *,
    budget_tokens: int,
    counter: TokenCounter = ESTIMATE,
    picture_tokens: Mapping[int, int] | None = None,
    max_pages: int | None = None,
    with_text: bool = True,
) -> list[list[PageText]]:
    """Divide a window's usable pages into chunks of at most `budget_tokens` and `max_pages`, in order and as full as
    possible; a page over the budget is cut (`TokenCounter.cut`). `picture_tokens` is the cost of each page's picture,
    which accompanies every part of it; without text, or where it has none, a page is its picture and an empty text."""
    costs = picture_tokens or {}
    if budget_tokens <= max(costs.values(), default=0) + PAGE_OVERHEAD_TOKENS + 4:
        raise ValueError(f"budget_tokens is {budget_tokens}, less than the marks around a page take")
    texts: list[tuple[int, str, int]] = []
    alone: set[int] = set()  # pictures of which no text is sent
    for page in pages:
        if not is_usable(page, pictures=picture_tokens is not None):
            continue
        if page.is_image_only or not with_text:
            alone.add(page.number)
        text = "" if page.number in alone else compose_page(page)
        if text.strip() or page.number in alone:
            texts.append((page.number, text, PAGE_OVERHEAD_TOKENS + costs.get(page.number, 0)))
    # most windows are far below the budget and need no counting
    most = sum(bound_tokens(text) + around for _, text, around in texts)
    if most <= budget_tokens and len(texts) <= (max_pages or len(texts)):
        chunk = [PageText(number, text) for number, text, _ in texts]
        return [chunk] if chunk else []
    chunks: list[list[PageText]] = []
    token_budget = 0.0
    for number, whole, around in texts:
        parts = [("", 0.0)] if number in alone else counter.cut(whole, budget_tokens - around)
        for text, tokens in parts:
            needed = tokens + around
            if not chunks or needed > token_budget or len(chunks[-1]) == max_pages:
                chunks.append([])
                token_budget = budget_tokens
            chunks[-1].append(PageText(number, text))
            token_budget -= needed
    return chunks


def halve_chunk(chunk: Chunk) -> list[list[PageText]]:
    """Two chunks in place of one that the server finds too long: split between pages, as evenly as possible, or within
    a page at the widest gap near its middle; only white space is lost. Empty for a single page of less than
    `MIN_BUDGET_TOKENS` (estimated), whose halves would not fit either."""
    if len(chunk) > 1:
        sizes = [len(page.text) + 1 for page in chunk]
        whole = sum(sizes)
        middle = min(range(1, len(chunk)), key=lambda at: abs(2 * sum(sizes[:at]) - whole))
        return [list(chunk[:middle]), list(chunk[middle:])]
    (page,) = chunk
    if estimate_tokens(page.text) < MIN_BUDGET_TOKENS:
        return []
    at = _find_middle(page.text)
    halves = (page.text[:at].rstrip(), page.text[at:].lstrip())
    return [[page._replace(text=half)] for half in halves if half]


def _find_middle(text: str) -> int:
    """Where to halve a text: at the widest gap in its middle half."""
    middle = len(text) // 2
    first, last = len(text) // 4, math.ceil(len(text) * 3 / 4)
    for separator in SEPARATORS:
        places = (text.rfind(separator, first, middle), text.find(separator, middle, last))
        near = [place for place in places if place > 0]
        if near:
            return min(near, key=lambda place: abs(place - middle))
    return middle
