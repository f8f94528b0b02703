"""Pages of which it is known by construction where their text is to be read: with a good layer, none, a bad one, and
scanned in part. Each is a PDF of one page. Same arguments, same pages."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from benchmarks import text_quality
from benchmarks.routed_pictures import draw_chart, draw_logo, draw_photograph, draw_stamp, to_jpeg
from benchmarks.scans import scan_pages
from benchmarks.truth_factory import forms
from benchmarks.truth_factory.factory import draw_documents
from docmatix.core.documents import TextFrom

Label: TypeAlias = Literal["good layer", "no layer", "bad layer", "half scanned"]
STAMP_PT = (142.0, 85.0)  # 5 by 3 cm
SCAN_DPI = (100, 150, 200)
_NOISE = "~.,;:'`|!lI1ij-_^*\"/\\()[]{}=<>°ﬀ¬rtfx"
_NOTHING = (
    b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0001> <17ff> <e100> endbfrange"
)


class Labelled(NamedTuple):
    """A page and where its text is to be read. `kept` are the words of its layer that must stay."""

    label: Label
    how: str
    name: str
    pdf: bytes
    text_from: TextFrom
    pictures: bool | None
    """Whether its pictures are to be read beside the layer; None where either is right."""
    kept: tuple[str, ...] = ()


class Source(NamedTuple):
    """A page of the truth factory as a document of its own."""

    name: str
    pdf: bytes
    words: int
    has_widgets: bool


def list_sources(seed: int) -> Iterator[Source]:
    """Drawn pages without end."""
    import pymupdf

    for drawn in draw_documents(10_000, seed):
        with pymupdf.open("pdf", drawn.pdf) as document:
            for number in range(document.page_count):
                with pymupdf.open() as single:
                    single.insert_pdf(document, from_page=number, to_page=number)
                    name = f"{drawn.sort}_{drawn.language}_{drawn.seed}.pdf p{number + 1}"
                    words = len(single[0].get_text("words"))
                    yield Source(name, _save(single), words, drawn.sort == forms.SORT)


def draw_pages(each: int, seed: int) -> Iterator[Labelled]:
    """So many pages of each label, the ways to make them in turn."""
    draws = random.Random(f"routes {seed}")
    sources = list_sources(seed)
    for label, ways in WAYS.items():
        for number in range(each):
            least, make = ways[number % len(ways)]
            how = make.__name__.removeprefix("_").replace("_", " ")
            source = next(one for one in sources if one.words >= least and not (least > 10 and one.has_widgets))
            pdf, text_from, pictures, kept = make(source, draws)
            yield Labelled(label, how, source.name, pdf, text_from, pictures, kept)


Made: TypeAlias = tuple[bytes, TextFrom, "bool | None", tuple[str, ...]]
Make: TypeAlias = Callable[[Source, random.Random], Made]

# --- a good layer -----------------------------------------------------------------------------------------------------


def _as_drawn(source: Source, draws: random.Random) -> Made:
    return source.pdf, "layer", False, ()


def _photograph_beside(source: Source, draws: random.Random) -> Made:
    size = (draws.uniform(150, 300), draws.uniform(110, 170))
    return _put_below(source, to_jpeg(draw_photograph(draws, size), 75), size), "layer", False, ()


def _logo(source: Source, draws: random.Random) -> Made:
    size = (draws.uniform(90, 170), draws.uniform(80, 110))
    return _put_below(source, to_jpeg(draw_logo(draws, size), 90), size), "layer", False, ()


def _chart_as_picture(source: Source, draws: random.Random) -> Made:
    size = (draws.uniform(220, 320), draws.uniform(130, 170))
    return _put_below(source, to_jpeg(draw_chart(draws, size), 85), size), "layer", None, ()


def _photograph_behind(source: Source, draws: random.Random) -> Made:
    """A pale photograph under the whole page, as on slides and covers."""
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document:
        page = document[0]
        page.remove_rotation()
        picture = draw_photograph(draws, tuple(page.rect.br)).point(lambda level: 200 + level // 5)
        page.insert_image(page.rect, stream=to_jpeg(picture, 70), overlay=False)
        return _save(document), "layer", False, ()


def _scan_with_a_layer(source: Source, draws: random.Random) -> Made:
    return _lay_words(source, draws, lambda text: text), "layer", False, ()


# --- no layer ---------------------------------------------------------------------------------------------------------


def _clean_scan(source: Source, draws: random.Random) -> Made:
    return _scan(source, draws, "clean"), "ocr", None, ()


def _degraded_scan(source: Source, draws: random.Random) -> Made:
    return _scan(source, draws, "degraded"), "ocr", None, ()


def _turned_scan(source: Source, draws: random.Random) -> Made:
    return _scan(source, draws, "turned"), "ocr", None, ()


def _scan_in_strips(source: Source, draws: random.Random) -> Made:
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document, pymupdf.open() as made:
        page = document[0]
        sheet = made.new_page(width=page.rect.width, height=page.rect.height)
        count = draws.randint(5, 40)
        for number in range(count):
            part = pymupdf.Rect(
                0, page.rect.height * number / count, page.rect.width, page.rect.height * (number + 1) / count
            )
            sheet.insert_image(part, pixmap=page.get_pixmap(dpi=100, clip=part, colorspace=pymupdf.csGRAY))
        return _save(made), "ocr", None, ()


def _scan_with_fax_header(source: Source, draws: random.Random) -> Made:
    """The line that a fax machine writes above what it sends is the only layer."""
    day, minute = draws.randint(10, 28), draws.randint(10, 59)
    header = f"{day}/03/2019 14:{minute}   FROM: MILLER & SONS   TO: +49 30 55{day}{minute}   PAGE 1 OF 3"
    return _write_on(_scan(source, draws, "clean"), (30, 14), header, 8), "ocr", None, ()


def _scan_with_a_number(source: Source, draws: random.Random) -> Made:
    """The number that a law firm stamps on each page of its files."""
    number = f"{draws.choice(['CONFIDENTIAL ', ''])}ABC-{draws.randrange(10**7):08}"
    return _write_on(_scan(source, draws, "clean"), (430, 780), number, 9), "ocr", None, ()


def _letters_as_outlines(source: Source, draws: random.Random) -> Made:
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document:
        svg = document[0].get_svg_image(text_as_path=True)
    with pymupdf.open("svg", svg.encode()) as drawing:
        return bytes(drawing.convert_to_pdf()), "ocr", None, ()


# --- a bad layer ------------------------------------------------------------------------------------------------------


def _letters_shifted(source: Source, draws: random.Random) -> Made:
    by = draws.choice((-31, -29, -3, 1, 3))
    return _lay_words(source, draws, lambda text: text_quality.shift(text, by)), "ocr", None, ()


def _letters_swapped(source: Source, draws: random.Random) -> Made:
    letters = list(string.ascii_lowercase)
    draws.shuffle(letters)
    swapped = str.maketrans(string.ascii_letters, "".join(letters) + "".join(letters).upper())
    return _lay_words(source, draws, lambda text: text.translate(swapped)), "ocr", None, ()


def _letters_misread(source: Source, draws: random.Random) -> Made:
    text_quality.DRAW.seed(draws.random())
    return _lay_words(source, draws, lambda text: text_quality.misread(text, 0.35)), "ocr", None, ()


def _noise(source: Source, draws: random.Random) -> Made:
    """What OCR makes of a page that it cannot read."""

    def replace(text: str) -> str:
        return "\n".join("".join(draws.choices(_NOISE, k=draws.randint(1, 5))) for _ in text.split("\n"))

    return _lay_words(source, draws, replace), "ocr", None, ()


def _font_without_meanings(source: Source, draws: random.Random) -> Made:
    """Letters are seen, and their font says that they are private signs."""
    return _take_meanings(_lay_words(source, draws, lambda text: text, seen=True)), "ocr", None, ()


def _picture_of_letters_without_meanings(source: Source, draws: random.Random) -> Made:
    return _take_meanings(_lay_words(source, draws, lambda text: text)), "ocr", None, ()


def _covered_by_white(source: Source, draws: random.Random) -> Made:
    """Words under a white box, and a stamp below them."""
    import pymupdf

    size = (1.5 * STAMP_PT[0], 1.5 * STAMP_PT[1])
    with pymupdf.open("pdf", _put_below(source, to_jpeg(draw_stamp(draws, size), 60), size)) as document:
        page = document[0]
        page.draw_rect((0, 0, page.rect.width, page.rect.height - size[1] - 40), fill=(1, 1, 1), color=None, width=0)
        return _save(document), "ocr", None, ()


def _covered_by_picture(source: Source, draws: random.Random) -> Made:
    """Words under a picture that shows others."""
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document:
        page = document[0]
        page.remove_rotation()
        other = pymupdf.open()
        sheet = other.new_page(width=page.rect.width, height=page.rect.height)
        room = (60, 60, sheet.rect.width - 60, sheet.rect.height - 60)
        sheet.insert_textbox(room, "This page was scanned anew. " * 120, fontsize=11)
        page.insert_image(page.rect, pixmap=sheet.get_pixmap(dpi=100))
        return _save(document), "ocr", None, ()


# --- scanned in part --------------------------------------------------------------------------------------------------


def _lower_half(source: Source, draws: random.Random) -> Made:
    return _scan_half(source, draws, upper=False)


def _upper_half(source: Source, draws: random.Random) -> Made:
    return _scan_half(source, draws, upper=True)


def _stamp(source: Source, draws: random.Random) -> Made:
    size = (draws.uniform(1, 1.5) * STAMP_PT[0], draws.uniform(1, 1.4) * STAMP_PT[1])
    pdf = _put_below(source, to_jpeg(draw_stamp(draws, size), 60), size)
    return pdf, "layer", True, _list_words(pdf)


def _picture_of_text(source: Source, draws: random.Random) -> Made:
    """A cutting of a scanned page beside the words of another."""
    import pymupdf

    size = (draws.uniform(160, 300), draws.uniform(100, 170))
    with pymupdf.open("pdf", source.pdf) as document:
        page = document[0]
        page.remove_rotation()
        places = [word[:2] for word in page.get_text("words")]
        corner = max(
            ((x - 5, y - 5) for x, y in places),
            key=lambda at: sum(at[0] < x < at[0] + size[0] and at[1] < y < at[1] + size[1] for x, y in places),
        )
        pixmap = page.get_pixmap(dpi=150, clip=pymupdf.Rect(*corner, corner[0] + size[0], corner[1] + size[1]))
    stream = pixmap.tobytes("jpeg", jpg_quality=60)
    pdf = _put_below(source, stream, (pixmap.width * 72 / 150, pixmap.height * 72 / 150))
    return pdf, "layer", True, _list_words(pdf)


WAYS: dict[Label, list[tuple[int, Make]]] = {
    "good layer": [
        (5, _as_drawn), (30, _photograph_beside), (5, _as_drawn), (60, _scan_with_a_layer), (30, _logo),
        (5, _as_drawn), (20, _photograph_behind), (5, _as_drawn), (30, _chart_as_picture), (5, _as_drawn),
    ],
    "no layer": [
        (5, _clean_scan), (30, _degraded_scan), (30, _scan_with_fax_header), (30, _scan_in_strips), (30, _turned_scan),
        (30, _clean_scan), (30, _scan_with_a_number), (30, _degraded_scan), (30, _letters_as_outlines),
        (30, _scan_with_fax_header),
    ],
    "bad layer": [
        (80, _letters_shifted), (80, _letters_swapped), (80, _letters_misread), (80, _noise),
        (80, _font_without_meanings), (80, _covered_by_white), (80, _letters_shifted), (80, _letters_misread),
        (80, _picture_of_letters_without_meanings), (80, _noise), (80, _covered_by_picture),
    ],
    "half scanned": [
        (100, _lower_half), (40, _stamp), (100, _upper_half), (60, _picture_of_text), (40, _stamp),
    ],
}  # fmt: skip
"""For each label the ways to make such pages, each with how many words the page must have; pages with form fields,
which do not survive being placed, are taken only where they are left as they are."""

# --- parts ------------------------------------------------------------------------------------------------------------


def _save(document: Any) -> bytes:
    data: bytes = document.tobytes(garbage=3, deflate=True, no_new_id=True)
    return data


def _list_words(pdf: bytes) -> tuple[str, ...]:
    import pymupdf

    with pymupdf.open("pdf", pdf) as document:
        return tuple(word[4] for word in document[0].get_text("words"))


def _scan(source: Source, draws: random.Random, state: Literal["clean", "degraded", "turned"]) -> bytes:
    return next(scan_pages(source.pdf, dpi=draws.choice(SCAN_DPI), state=state, seed=draws.randrange(10**6))).pdf


def _write_on(pdf: bytes, place: Sequence[float], text: str, size: float) -> bytes:
    import pymupdf

    with pymupdf.open("pdf", pdf) as document:
        page = document[0]
        place = (min(place[0], page.rect.width - 170), min(place[1], page.rect.height - 12))
        page.insert_text(place, text, fontsize=size, fontname="cour")
        return _save(document)


def _put_below(source: Source, stream: bytes, size: Sequence[float]) -> bytes:
    """The page made smaller, and a picture in the room below it."""
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document, pymupdf.open() as made:
        page = document[0]
        page.remove_rotation()
        width, height = page.rect.width, page.rect.height
        sheet = made.new_page(width=width, height=height)
        shrunk = (height - size[1] - 50) / height
        place = pymupdf.Rect(width * (1 - shrunk) / 2, 0, width * (1 + shrunk) / 2, height * shrunk)
        sheet.show_pdf_page(place, document, 0)
        sheet.insert_image((40, height - size[1] - 30, 40 + size[0], height - 30), stream=stream)
        return _save(made)


def _scan_half(source: Source, draws: random.Random, *, upper: bool) -> Made:
    """One half of the page is taken away, and a scan of it put there."""
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document:
        page = document[0]
        page.remove_rotation()
        cut = _find_cut(page)
        half = (
            pymupdf.Rect(0, 0, page.rect.width, cut)
            if upper
            else pymupdf.Rect(0, cut, page.rect.width, page.rect.height)
        )
        stream = page.get_pixmap(dpi=draws.choice(SCAN_DPI), clip=half, colorspace=pymupdf.csGRAY).tobytes(
            "jpeg", jpg_quality=60
        )
        page.add_redact_annot(half)
        page.apply_redactions()
        page.insert_image(half, stream=stream)
        pdf = _save(document)
    return pdf, "layer", True, _list_words(pdf)


def _find_cut(page: Any) -> float:
    """The height at which half of the words are above, or the nearest at which no word is cut."""
    words = sorted((y0, y1) for _, y0, _, y1, *_ in page.get_text("words"))
    middle = words[len(words) // 2][0]
    heights = sorted(range(int(page.rect.height)), key=lambda height: abs(height - middle))
    return float(next(height for height in heights if not any(y0 < height < y1 for y0, y1 in words)))


def _lay_words(source: Source, draws: random.Random, spoil: Callable[[str], str], *, seen: bool = False) -> bytes:
    """The picture of a page and its words over it, spoilt and invisible; or in place of the picture, seen."""
    import pymupdf

    with pymupdf.open("pdf", source.pdf) as document, pymupdf.open() as made:
        page = document[0]
        page.remove_rotation()
        words = page.get_text("words", sort=True)
        sheet = made.new_page(width=page.rect.width, height=page.rect.height)
        if not seen:
            pixmap = page.get_pixmap(dpi=draws.choice(SCAN_DPI), colorspace=pymupdf.csGRAY)
            sheet.insert_image(sheet.rect, stream=pixmap.tobytes("jpeg", jpg_quality=70))
        writer, font = pymupdf.TextWriter(sheet.rect), pymupdf.Font("helv")
        texts = spoil("\n".join(word[4] for word in words)).split("\n")
        for (x0, _, x1, y1, *_), text in zip(words, texts, strict=True):
            if text.strip():
                size = min(24.0, max(4.0, 10 * (x1 - x0) / max(1.0, font.text_length(text, 10))))
                writer.append((x0, y1 - 0.2 * size), text, font=font, fontsize=size)
        writer.write_text(sheet, render_mode=0 if seen else 3)
        return _save(made)


def _take_meanings(pdf: bytes) -> bytes:
    """Every font's map to Unicode names private characters."""
    import pymupdf

    with pymupdf.open("pdf", pdf) as document:
        for xref in range(1, document.xref_length()):
            kind, value = document.xref_get_key(xref, "ToUnicode")
            if kind == "xref":
                document.update_stream(int(value.split()[0]), _NOTHING + b" endcmap")
        return _save(document)
