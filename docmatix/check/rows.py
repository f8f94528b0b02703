"""One row: its images and pairs, and evidence whose boxes are inside its page and whose quotes are on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from docmatix.dataset.pictures import open_picture
from docmatix.text.hyphens import HYPHENS


class PageTexts:
    """The texts of a document's pages by number, with white space folded."""

    def __init__(self, pages: Iterable[Mapping[str, Any]]) -> None:
        self._texts = {page["number"]: page["text"] for page in pages or ()}
        self._folded: dict[int, str] = {}

    def get(self, number: int) -> str | None:
        if number not in self._folded and number in self._texts:
            self._folded[number] = " ".join((self._texts[number] or "").split())
        return self._folded.get(number)


def check_evidence(pair: Mapping[str, Any], texts: PageTexts) -> Iterator[str]:
    """What is wrong with the evidence of a curated pair."""
    yield from _check_places(pair, pair["page_numbers"])
    exact = pair.get("exact_evidence")
    for evidence in pair["evidence"] or ():
        text = texts.get(evidence["page"])
        if text is None:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, which its document does not have."
        elif not _is_quoted(evidence["quote"], text, whole=exact is None):
            yield f"the evidence of {pair['pair_id']} quotes text that is not on page {evidence['page']}."
    if exact is not None and exact != pair["evidence"]:
        yield f"the evidence of {pair['pair_id']} is not that of the facts it was made from."


def _is_quoted(quote: str, text: str, *, whole: bool) -> bool:
    """Whether a page has this text; if it is not `whole`, whether it has its words: lines of a fact are joined, words
    broken at their ends are mended, and the page may be read across them."""
    words = quote.split()
    if whole or " ".join(words) in text:
        return " ".join(words) in text
    squeezed = _squeeze(text)
    return all(_squeeze(word) in squeezed for word in words)


def _squeeze(text: str) -> str:
    """A text without white space and hyphens."""
    return "".join(character for character in text if not character.isspace() and character not in HYPHENS)


def check_row(
    row: Mapping[str, Any], *, max_side_px: int | None = None, image_format: str | None = None
) -> Iterator[str]:
    """What is wrong with one row of a dataset, whose images `pack` was to make with these settings."""
    identity = row.get("sample_id") or (row["texts"][0]["source"] if row["texts"] else "a row")
    for image in row["images"]:
        for problem in _check_image(image["bytes"], max_side_px, image_format):
            yield f"an image of {identity} {problem}"
    if not row["images"]:
        yield f"{identity} has no image."
    if not row["texts"] or any(not text["user"] or not text["assistant"] for text in row["texts"]):
        yield f"{identity} has an empty pair."
    if "annotations" not in row:
        return
    numbers = row["page_numbers"]
    if len(row["annotations"]) != len(row["texts"]):
        yield f"{identity} has {len(row['texts'])} pairs and {len(row['annotations'])} annotations."
    if len(numbers) != len(row["images"]):
        yield f"{identity} has {len(row['images'])} images and {len(numbers)} page numbers."
    elif numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] < 1:
        yield f"{identity} has page numbers that are not consecutive."
    elif "doc_id" in row and identity != f"{row['doc_id']}-{numbers[0]}":
        yield f"{identity} is not named after its document and first page."
    for annotation in row["annotations"]:
        yield from _check_places(annotation, numbers)


def list_ids(row: Mapping[str, Any]) -> list[str]:
    """The ids of a row and its pairs, if its schema has any."""
    if "sample_id" not in row:
        return []
    return [row["sample_id"], *(annotation["pair_id"] for annotation in row["annotations"])]


def _check_places(pair: Mapping[str, Any], pages: Sequence[int]) -> Iterator[str]:
    for evidence in pair["evidence"] or ():
        if evidence["page"] not in pages:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, outside its sample."
        for box in evidence["boxes"]:
            if len(box) != 4 or not all(map(math.isfinite, box)):
                yield f"an evidence box of {pair['pair_id']} is not a valid box."
            elif not (0 <= box[0] <= box[2] <= 1 and 0 <= box[1] <= box[3] <= 1):
                yield f"an evidence box of {pair['pair_id']} lies outside its page."


def _check_image(content: bytes, max_side_px: int | None, image_format: str | None) -> Iterator[str]:
    try:
        with open_picture(content) as opened:
            opened.load()
            side_px, kind = max(opened.size), (opened.format or "").lower()
    except Exception as error:
        yield f"does not open: {error}."
        return
    if max_side_px is not None and side_px > max_side_px:
        yield f"is {side_px} px long, more than pack.max_side_px = {max_side_px}."
    if image_format is not None and kind != image_format:
        yield f"is {kind}, not pack.image_format = {image_format}."
