"""What the sandbox's child may answer: packed there, then checked and unpacked by its parent.

The parent trusts neither types nor lengths nor ranges, since a hostile PDF may control the child; what passes keeps the
contracts of `docmatix.core.documents`. The form of an answer follows from the function that was called.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import orjson

from docmatix.core.documents import (
    FACT_KINDS,
    Box,
    Cell,
    Document,
    Fact,
    Page,
    Part,
    Refusal,
    Table,
    TextFrom,
    Word,
    compose_text,
)
from docmatix.core.images import find_image_format
from docmatix.core.profiles import COUNTS, Profile
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES

if TYPE_CHECKING:
    from docmatix.pdf.rendering import PageImage

MAX_HEADER_BYTES = 32 << 20  # JSON unpacks to twenty times its size; 100,000 pages take 6 MB
MAX_READING_BYTES = 8 << 20  # of a page that OCR has read: 80,000 words; those of thousands of pages wait together
MAX_DETAIL_CHARS = 10_000
MAX_POINTS = 3e38  # the side of a page: files claim anything, and the tables hold 32-bit floats
MAX_GRID = 1 << 20  # the places of a table, which are filled where its rows are wanted
MAX_PAGE = 2**31 - 1  # the tables hold 32-bit numbers
_HASH = re.compile("0x[0-9a-f]{1,256}")  # of a page's picture
_REASON = re.compile("[a-z_]{1,40}")
_TEXT_SIGNATURE = re.compile(f"[0-9a-f]{{{2 * PAGE_SIGNATURE_BYTES}}}", re.ASCII)
_NUMBERS = frozenset((int, float))
_LAYER = -1.0  # in place of the confidence of a word that OCR has not read
_TABLE_FIELDS = tuple(field.name for field in fields(Table))


class Malformed(Exception):
    """Says what is wrong with an answer."""


class Form(NamedTuple):
    """How results of one kind are sent. `unpack` raises only `Malformed`, whatever the bytes."""

    pack: Callable[[Any], bytes]
    unpack: Callable[[memoryview], Any]


def find_form(function: Callable[..., Any]) -> Form:
    """The form of a function's results; plain JSON unless it has its own."""
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', '')}"
    return _FORMS.get(name, _PLAIN)


def _pack_plain(value: Any) -> bytes:
    # not orjson, which aborts the process when memory runs out
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _unpack_plain(data: memoryview) -> Any:
    if len(data) > MAX_HEADER_BYTES:
        raise Malformed(f"JSON of {len(data)} bytes")
    try:
        return orjson.loads(data)
    except ValueError as error:
        raise Malformed(f"invalid JSON: {error}") from None


_PLAIN = Form(_pack_plain, _unpack_plain)


def _unpack_reading(data: memoryview) -> str:
    """What another child is given as it is; only that it is a text, and how long, matters here."""
    if len(data) > MAX_READING_BYTES:
        raise Malformed(f"a reading of {len(data)} bytes")
    reading = _unpack_plain(data)
    if not isinstance(reading, str):
        raise Malformed("a reading that is no text")
    return reading


def pack_refusal(refusal: Refusal) -> bytes:
    detail = refusal.detail[:MAX_DETAIL_CHARS].encode(errors="replace").decode()
    return _pack_plain([refusal.reason, detail])


def unpack_refusal(data: memoryview) -> Refusal:
    match _unpack_plain(data):
        case [str(reason), str(detail)] if _REASON.fullmatch(reason) and len(detail) <= MAX_DETAIL_CHARS:
            return Refusal(reason, detail)
    raise Malformed("an invalid refusal")


def _join(header: Any, *columns: bytes) -> bytes:
    """The length of the header, the header as JSON, then the columns."""
    packed = _pack_plain(header)
    if len(packed) > MAX_HEADER_BYTES:
        raise ValueError(f"{len(packed)} bytes of facts about pages are too many to send")
    return b"".join((len(packed).to_bytes(4, "little"), packed, *columns))


def _split(data: memoryview) -> tuple[Any, memoryview]:
    end = 4 + int.from_bytes(data[:4], "little")
    return _unpack_plain(data[4:end]), data[end:]


def _pack_document(document: Document) -> bytes:
    facts = [
        (
            page.width_pt,
            page.height_pt,
            page.rotation,
            page.image_share,
            page.reason,
            page.text_quality,
            len(page.words),
            list(map(_pack_table, page.tables)),
            page.facts,
            page.text_from,
            page.route_reason,
            page.ocr_confidence,
            page.profile,
            None if page.text_signature is None else page.text_signature.hex(),
        )
        for page in document.pages
    ]
    first = document.pages[0].number if document.pages else 1
    part = document.part and (
        document.part.page_count,
        document.part.words,
        list(map(hex, document.part.picture_hashes)),
    )
    header = (document.doc_id, document.language, document.signature, first, part, facts)
    words = list(chain.from_iterable(page.words for page in document.pages))
    if not words:
        return _join(header)
    texts, boxes, lines, blocks, sizes, bold, sure = zip(*words, strict=True)
    return _join(
        header,
        array("d", chain.from_iterable(boxes)).tobytes(),
        array("i", lines).tobytes(),
        array("i", blocks).tobytes(),
        array("f", sizes).tobytes(),
        array("f", [_LAYER if each is None else each for each in sure]).tobytes(),
        bytes(bold),
        # words contain no white space
        "\n".join(texts).encode(),
    )


def _unpack_document(data: memoryview) -> Document:
    header, columns = _split(data)
    match header:
        case [str(doc_id), language, signature, int(first), part, list(facts)] if (
            re.fullmatch("[0-9a-f]{32}", doc_id)
            and _is_language(language)
            and _is_signature(signature)
            and type(first) is int
            and 1 <= first <= MAX_PAGE
            and (part is not None or first == 1)
        ):
            words = _unpack_words(columns, sum(map(_count_words, facts)))
            pages = tuple(_make_page(number, fact, words) for number, fact in enumerate(facts, first))
            made = None if part is None else _make_part(part)
            return Document(doc_id, pages, language, None if signature is None else tuple(signature), made)
    raise Malformed("invalid facts about a document")


def _make_part(value: Any) -> Part:
    match value:
        case [int(page_count), int(words), list(hashes)] if (
            type(page_count) is type(words) is int
            and 1 <= page_count <= MAX_PAGE
            and 0 <= words < 2**40
            and all(isinstance(each, str) and _HASH.fullmatch(each) for each in hashes)
        ):
            return Part(page_count, words, tuple(int(each, 16) for each in hashes))
    raise Malformed("invalid facts about a part of a document")


def _pack_description(description: tuple[str | None, tuple[int, ...] | None]) -> bytes:
    return _pack_plain(description)


def _unpack_description(data: memoryview) -> tuple[str | None, tuple[int, ...] | None]:
    match _unpack_plain(data):
        case [language, signature] if _is_language(language) and _is_signature(signature):
            return language, None if signature is None else tuple(signature)
    raise Malformed("an invalid language or signature")


def _is_language(value: Any) -> bool:
    return value is None or (isinstance(value, str) and re.fullmatch("[a-z]{2}", value) is not None)


def _is_signature(value: Any) -> bool:
    from docmatix.text.minhash import SIGNATURE_LENGTH

    return value is None or (
        isinstance(value, list)
        and len(value) == SIGNATURE_LENGTH
        and set(map(type, value)) == {int}
        and 0 <= min(value) <= max(value) < 2**32
    )


def _count_words(fact: Any) -> int:
    match fact:
        case [_, _, _, _, _, _, int(count), list(), list(), _, _, _, _, _] if count >= 0:
            return count
    raise Malformed("invalid facts about a page")


def _make_page(number: int, fact: Sequence[Any], words: Iterator[Word]) -> Page:
    width, height, rotation, share, reason, quality, count, tables, facts, text_from, route, sure, *seen = fact
    profile, signed = seen
    mine = tuple(islice(words, count))
    if not (
        _is_between(width, 0, MAX_POINTS)
        and _is_between(height, 0, MAX_POINTS)
        and type(rotation) is int
        and rotation in (0, 90, 180, 270)
        and _is_between(share, 0, 1)
        and (reason is None or (isinstance(reason, str) and _REASON.fullmatch(reason)))
        and (quality is None or _is_between(quality, 0, 1))
        and text_from in get_args(TextFrom)
        and isinstance(route, str)
        and (not route or _REASON.fullmatch(route))
        and (sure is None or _is_between(sure, 0, 1))
        and (signed is None or (isinstance(signed, str) and _TEXT_SIGNATURE.fullmatch(signed)))
    ):
        raise Malformed(f"page {number}: facts out of range")
    found, said = tuple(map(_make_table, tables)), tuple(map(_make_fact, facts))
    return Page(
        number,
        width,
        height,
        rotation,
        share,
        compose_text(mine),
        mine,
        found,
        reason,
        quality,
        said,
        text_from,
        route,
        sure,
        None if profile is None else _make_profile(profile),
        None if signed is None else bytes.fromhex(signed),
    )


def _make_profile(value: Any) -> Profile:
    match value:
        case list() if len(value) == len(Profile._fields):
            measures = dict(zip(Profile._fields, value, strict=True))
            counts = [measures.pop(name) for name in COUNTS]
            if all(map(_is_count, counts)) and all(_is_between(each, 0, 1) for each in measures.values()):
                return Profile(*value)
    raise Malformed("an invalid profile")


def _is_between(value: Any, low: float, high: float) -> bool:
    return type(value) in _NUMBERS and math.isfinite(value) and low <= value <= high


def _pack_table(table: Table) -> list[Any]:
    return [getattr(table, name) for name in _TABLE_FIELDS]


def _make_table(value: Any) -> Table:
    match value:
        case [box, list(cells), str(caption), str(unit), list(notes), key, confidence, bool(continues)] if (
            key is None or _is_count(key)
        ) and _is_between(confidence, 0, 1):
            texts = _make_texts([caption, unit, *notes])
            made = tuple(map(_make_cell, cells))
            if (
                made
                and max(cell.row + cell.row_span for cell in made)
                * max(cell.column + cell.column_span for cell in made)
                <= MAX_GRID
            ):
                return Table(_make_box(box), made, texts[0], texts[1], texts[2:], key, float(confidence), continues)
    raise Malformed("an invalid table")


def _make_cell(value: Any) -> Cell:
    match value:
        case [row, column, row_span, column_span, str(text), box, bool(header), list(path), str(role)] if all(
            map(_is_count, (row, column, row_span - 1, column_span - 1))
        ) and re.fullmatch("[a-z]{0,40}", role):
            (text, *names) = _make_texts([text, *path])
            return Cell(row, column, row_span, column_span, text, _make_box(box), header, tuple(names), role)
    raise Malformed("an invalid cell")


def _make_fact(value: Any) -> Fact:
    match value:
        case [str(kind), str(label), str(said), list(path), list(boxes), list(label_boxes), confidence] if (
            kind in FACT_KINDS and _is_between(confidence, 0, 1)
        ):
            (label, said, *names) = _make_texts([label, said, *path])
            places = tuple(map(_make_box, boxes)), tuple(map(_make_box, label_boxes))
            return Fact(kind, label, said, tuple(names), *places, float(confidence))
    raise Malformed("an invalid fact")


def _make_texts(texts: Sequence[Any]) -> tuple[str, ...]:
    if all(isinstance(text, str) for text in texts) and _are_clean("".join(texts)):
        return tuple(texts)
    raise Malformed("a text with unknown characters")


def _make_box(value: Any) -> Box:
    match value:
        # phrased so that NaN fails too; a truth value is no number
        case [x0, y0, x1, y1] if _NUMBERS.issuperset(map(type, value)) and 0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1:
            return Box(x0, y0, x1, y1)
    raise Malformed("a box outside its page")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MAX_GRID


def _unpack_words(columns: memoryview, count: int) -> Iterator[Word]:
    import numpy as np

    if not count and not columns:
        return iter(())
    if len(columns) < _WORD_BYTES * count:
        raise Malformed(f"{count} words in {len(columns)} bytes")
    boxes = np.frombuffer(columns[: 32 * count], np.float64).reshape(count, 4)
    numbers = np.frombuffer(columns[32 * count : 40 * count], np.int32)
    sizes = np.frombuffer(columns[40 * count : 44 * count], np.float32)
    sure = np.frombuffer(columns[44 * count : 48 * count], np.float32)
    bold = np.frombuffer(columns[48 * count : _WORD_BYTES * count], np.uint8)
    try:
        texts = str(columns[_WORD_BYTES * count :], "utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"words that are not UTF-8: {error.reason}") from None
    if len(texts) != count or not _are_clean("".join(texts)):
        raise Malformed("words that do not match their count, or contain unknown characters")
    # phrased so that NaN fails too
    if not ((boxes >= 0).all() and (boxes <= 1).all() and (boxes[:, :2] <= boxes[:, 2:]).all()):
        raise Malformed("a word outside its page")
    if (numbers < 0).any():
        raise Malformed("a negative line or block number")
    if not ((sizes >= 0).all() and (sizes <= MAX_POINTS).all() and (bold <= 1).all()):
        raise Malformed("a word with an impossible font")
    read = (sure >= 0) & (sure <= 1)
    if not (read | (sure == _LAYER)).all():
        raise Malformed("a word with an impossible confidence")
    sides = iter(boxes.ravel().tolist())
    places = map(Box, sides, sides, sides, sides)
    fonts = sizes.tolist(), bold.astype(bool).tolist()
    told = [None if each == _LAYER else each for each in sure.tolist()] if read.any() else [None] * count
    return map(Word, texts, places, numbers[:count].tolist(), numbers[count:].tolist(), *fonts, told)


_WORD_BYTES = 49  # of a word without its text


def _are_clean(text: str) -> bool:
    """Whether the text has none of the characters that `docmatix.pdf.reading.clean_text` replaces."""
    from docmatix.pdf.characters import UNKNOWN_CHARACTERS

    return text.isprintable() or UNKNOWN_CHARACTERS.search(text) is None


def _pack_images(images: Sequence[PageImage]) -> bytes:
    facts = [(image.width_px, image.height_px, image.mode, len(image.data)) for image in images]
    return _join(facts, *(image.data for image in images))


def _unpack_images(data: memoryview) -> list[PageImage]:
    from docmatix.pdf.rendering import PageImage

    facts, rest = _split(data)
    if not isinstance(facts, list):
        raise Malformed("invalid facts about images")
    images: list[PageImage] = []
    for fact in facts:
        match fact:
            case [int(width), int(height), "L" | "RGB" as mode, int(size)] if (
                0 < width < 2**31 and 0 < height < 2**31 and 0 < size <= len(rest)
            ):
                image = bytes(rest[:size])
                rest = rest[size:]
            case _:
                raise Malformed("facts about an image out of range")
        if find_image_format(image) is None:
            raise Malformed("an image that is neither JPEG, PNG nor WebP")
        images.append(PageImage(image, width, height, mode))
    if rest:
        raise Malformed(f"{len(rest)} bytes after the last image")
    return images


_FORMS = {
    "docmatix.pdf.reading.read_document": Form(_pack_document, _unpack_document),
    "docmatix.facts.extraction.extract_document": Form(_pack_document, _unpack_document),
    "docmatix.pdf.reading.describe_texts": Form(_pack_description, _unpack_description),
    "docmatix.pdf.page_pictures.read_page_picture": Form(_pack_plain, _unpack_reading),
    "docmatix.pdf.rendering.render_pages": Form(_pack_images, _unpack_images),
}
