"""Signatures of pages, by which `dedup` finds pages that say the same.

Pages are the same if their words are, and nearly so if their 5-grams are as similar as those of near duplicates, and
they agree in all that an answer may be: words with a digit or a capital letter, numbers in words (of the languages of
`docmatix.text.number_words`), values of fields, ticks of boxes and cells of tables, in their order; for forms that are
filled in differently and invoices of one sender differ in little else. Page numbers and running heads do not count.

A page has no signature where its words do not tell all that is on it: with few of them, with pictures or drawings, and
where OCR has read them, which cannot read handwriting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

from docmatix.text.minhash import MIN_SHINGLES, SHINGLE_NUMBERS, SHINGLE_WORDS, cut_words, sign_items
from docmatix.text.number_words import has_number_word

if TYPE_CHECKING:
    from docmatix.core.documents import Box, Page, Word

MIN_WORDS = 40
"""Title pages, dividers and empty forms of fewer words may all be the same."""
MAX_DRAWN = 0.05
"""The share of a page that pictures, and drawings, may take: a logo, but nothing that could be asked about."""
MIN_SURE = 0.6
"""The confidence from which words are left out as a page number or a running head."""
HASH_BYTES = 8
PAGE_SIGNATURE_BYTES = 2 * HASH_BYTES + SHINGLE_NUMBERS
"""A hash of the words, one of what may be an answer, and the last byte of each number of a MinHash: where one in 256
agrees by chance, 0.85 is estimated 0.0006 too high."""

_ASIDE = ("page_number", "running_head")
_VALUES = ("field", "empty_field", "checkbox")


def sign_page(page: Page) -> bytes | None:
    """The signature of a page with its facts and its profile, the same on every machine; None if it cannot be compared
    with others."""
    if page.reason is not None or page.text_from != "layer" or page.profile is None:
        return None
    if max(page.image_share, page.profile.drawing) > MAX_DRAWN:
        return None
    own = [word.text for word in _leave_out_margins(page)]
    words = list(cut_words(" ".join(own)))
    if len(words) < MIN_WORDS:
        return None
    shingles = [" ".join(each) for each in zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)]
    if len(set(shingles)) < MIN_SHINGLES:
        return None
    answers = [text for text in own if _may_be_answer(text)]
    answers += _list_values(page)
    numbers = sign_items(shingles, SHINGLE_NUMBERS)
    return _hash(words) + _hash(answers) + bytes(number & 255 for number in numbers)


def _leave_out_margins(page: Page) -> Iterable[Word]:
    """The words but for page numbers and running heads themselves: what else is on their lines counts."""
    boxes = [box for fact in page.facts if fact.kind in _ASIDE and fact.confidence >= MIN_SURE for box in fact.boxes]
    return [word for word in page.words if not any(_holds(box, word.box) for box in boxes)] if boxes else page.words


def _holds(box: Box, other: Box) -> bool:
    """Whether the middle of another box is in one."""
    x, y = (other.x0 + other.x1) / 2, (other.y0 + other.y1) / 2
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def _may_be_answer(text: str) -> bool:
    # digits have no case: "5mg" is in lower case
    return not text.islower() or any(map(str.isnumeric, text)) or has_number_word(text)


def _list_values(page: Page) -> Iterator[str]:
    for fact in page.facts:
        if fact.kind in _VALUES:
            # the path of a field is of headings, which depend on other pages; that of a box says whether it is ticked
            yield from (fact.kind, fact.label, fact.value, *(fact.path if fact.kind == "checkbox" else ()))
    for table in page.tables:
        for cell in table.cells:
            yield cell.text


def _hash(texts: Iterable[str]) -> bytes:
    return blake2b("\n".join(texts).encode(errors="surrogatepass"), digest_size=HASH_BYTES).digest()
