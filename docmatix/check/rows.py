"""One row of a dataset: its images, pairs and annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docmatix.check.evidence import check_places
from docmatix.dataset.pictures import open_picture


def check_row(
    row: Mapping[str, Any], *, max_side_px: int | None = None, image_format: str | None = None
) -> Iterator[str]:
    """What is wrong with one row of a dataset: images that do not open, texts or boxes out of place. `max_side_px` and
    `image_format` are what `pack` was told of the images."""
    identity = row.get("sample_id") or (row["texts"][0]["source"] if row["texts"] else "a row")
    for image in row["images"]:
        yield from (
            f"an image of {identity} {said}" for said in _check_image(image["bytes"], max_side_px, image_format)
        )
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
        yield f"{identity} has page numbers that do not follow each other."
    elif "doc_id" in row and identity != f"{row['doc_id']}-{numbers[0]}":
        yield f"{identity} is not named by its document and first page."
    for annotation in row["annotations"]:
        yield from check_places(annotation, numbers)


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


def list_ids(row: Mapping[str, Any]) -> list[str]:
    if "sample_id" not in row:
        return []
    return [row["sample_id"], *(annotation["pair_id"] for annotation in row["annotations"])]
