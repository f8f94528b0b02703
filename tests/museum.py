"""A museum of hostile PDFs: small files that a parser, a renderer or a reader of their text chokes on. Nothing of it is
kept as a file; same exhibit, same bytes.

An `Exhibit` says what becomes of it: what `extract` makes of it, with which reasons for its pages, and, where it is
read, what `pack` makes of its pages. `tests/pdf/test_museum.py` holds the pipeline to that.
"""

from __future__ import annotations

import io
import tarfile
import textwrap
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import pdfs

KILOMETRE_PT = round(1000 / 0.0254 * 72)
HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


@dataclass(frozen=True)
class Exhibit:
    """One hostile file and what becomes of it."""

    name: str
    write: Callable[[], bytes]
    reason: str | None = None
    """Why `extract` refuses it; None: it is read."""
    pages: tuple[str | None, ...] | None = None
    """The reasons of its pages, where it is read; None: one usable page."""
    rendering: str | None = None
    """Why its usable pages cannot be rendered; None: they are."""

    @property
    def page_reasons(self) -> tuple[str | None, ...]:
        return () if self.reason else self.pages or (None,)


# --- how files are put together ---------------------------------------------------------------------------------------


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(data), entries, data)


def deflate(data: bytes, *, entries: bytes = b"") -> bytes:
    """A stream that unpacks to `data`."""
    return stream(zlib.compress(data, 9), b"/Filter/FlateDecode" + entries)


def deflate_twice(start: bytes, chunk: bytes, *, size: int, entries: bytes = b"") -> bytes:
    """A stream that unpacks, in two steps, to `start` and about `size` bytes of `chunk`s: a gigabyte in two kilobytes.

    What repeats is packed once: 7.5 GB through zlib take a minute. The checksum at the end, which no reader insists on,
    is left out.
    """
    packer = zlib.compressobj(9)
    block = chunk * (2**20 // len(chunk))
    head = packer.compress(start + block) + packer.flush(zlib.Z_FULL_FLUSH)
    body = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    once = head + body * (size // len(block)) + b"\x03\x00"
    return stream(zlib.compress(once, 9), b"/Filter[/FlateDecode/FlateDecode]" + entries)


def show(text: str, *, x: float = 54, y: float = 738, size: float = 11, mode: int = 0, font: bytes = b"F1") -> bytes:
    """Content that sets the lines of an ASCII text in a font of the page."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    lines = b"".join(b"(%b)'" % line.encode("latin-1") for line in escaped.splitlines())
    return b"BT /%b %g Tf %d Tr %g TL %g %g Td %b ET\n" % (font, size, mode, 1.3 * size, x, y, lines)


def write_page(
    *contents: bytes,
    box: str = "0 0 612 792",
    page: bytes = b"",
    resources: bytes = b"",
    objects: Sequence[bytes] = (),
    content: bytes | None = None,
) -> bytes:
    """One page. Helvetica is `F1`; `objects` are numbered from 6; `content` is a stream in place of the `contents`."""
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Resources<</Font<</F1 5 0 R>>%b>>/Contents 4 0 R%b>>"
            % (box.encode(), resources, page),
            content if content is not None else stream(b"".join(contents)),
            HELVETICA,
            *objects,
        ]
    )


def write_pages(*pages: bytes, tree: bytes | None = None) -> bytes:
    """Pages given as the entries of their dictionaries, numbered from 3; `tree` in place of object 2."""
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(len(pages)))
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            tree or b"<</Type/Pages/MediaBox[0 0 612 792]/Count %d/Kids[%b]>>" % (len(pages), kids),
            *(b"<</Type/Page/Parent 2 0 R%b>>" % entries for entries in pages),
        ]
    )


def tell(number: int) -> str:
    """A text of its own for each exhibit, of about a hundred words."""
    paragraphs = pdfs.write_distinct_text(1000 + number).splitlines()
    return "\n".join(line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 80) or [""])


# --- bombs ------------------------------------------------------------------------------------------------------------


def write_picture(picture: bytes, number: int) -> bytes:
    """A text above a picture, given as an image object."""
    return write_page(
        show(tell(number)),
        b"q 500 0 0 300 54 54 cm /I Do Q",
        resources=b"/XObject<</I 6 0 R>>",
        objects=[picture],
    )


IMAGE = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent %d/ColorSpace/%b"


def write_image_bomb(number: int = 1) -> bytes:
    """A picture of 50,000 x 50,000 pixels in colour: 7.5 GB, which MuPDF unpacks line by line."""
    entries = IMAGE % (50_000, 50_000, 8, b"DeviceRGB")
    return write_picture(deflate_twice(b"", bytes(2**20), size=50_000 * 50_000 * 3, entries=entries), number)


def write_large_image(number: int = 2) -> bytes:
    """A picture of 12,000 x 12,000 pixels in black and white: a map or a plan, and no attack."""
    entries = IMAGE % (12_000, 12_000, 1, b"DeviceGray")
    return write_picture(deflate_twice(b"", b"\xf0" * 2**10, size=12_000 * 1500 + 2**20, entries=entries), number)


def write_fax_bomb(number: int = 8) -> bytes:
    """A fax of 2,000,000,000 pixels a line: its decoder takes gigabytes for the first one."""
    columns = b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 2000000000>>"
    return write_picture(stream(bytes(100), columns + IMAGE % (2_000_000_000, 10, 1, b"DeviceGray")), number)


def write_undrawable() -> bytes:
    """A page with that fax and with white words, for which it must be drawn to be read, before a common one."""
    columns = b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 2000000000>>"
    fonts = b"/Resources<</Font<</F1 6 0 R>>/XObject<</I 8 0 R>>>>/MediaBox[0 0 612 792]"
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]%b>>" % fonts,
            b"<</Type/Page/Parent 2 0 R/Contents 5 0 R>>",
            b"<</Type/Page/Parent 2 0 R/Contents 7 0 R>>",
            stream(b"q 500 0 0 300 54 54 cm /I Do Q 1 g " + show(tell(53))),
            HELVETICA,
            stream(show(tell(54))),
            stream(bytes(100), columns + IMAGE % (2_000_000_000, 10, 1, b"DeviceGray")),
        ]
    )


def write_content_bomb(number: int = 3) -> bytes:
    """A page description of 16 GB of white space behind a text."""
    return write_page(content=deflate_twice(show(tell(number)), b" ", size=16 << 30))


def write_stroke_bomb() -> bytes:
    """A hundred million strokes in a page description of 2 GB."""
    return write_page(content=deflate_twice(b"", b"9 9 m 99 99 l S\n", size=2 << 30))


def nest_forms(first: int, *, depth: int = 10) -> list[bytes]:
    """Forms, numbered from `first`, that each draw the next one eight times: a billion squares in two kilobytes."""
    forms = [
        stream(
            b"/F Do " * 8,
            b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</F %d 0 R>>>>" % (first + level + 1),
        )
        for level in range(depth)
    ]
    return [*forms, stream(b"0 0 9 9 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]")]


def write_form_bomb() -> bytes:
    """A page that draws nested forms, which are looked through for words too."""
    return write_page(show(tell(9)), b"/F Do", resources=b"/XObject<</F 6 0 R>>", objects=nest_forms(6))


def write_pattern_bomb(number: int = 4) -> bytes:
    """A page filled with tiles of a thousandth of a point: 5 * 10^11 of them."""
    tile = stream(
        b"0 0 .0005 .0005 re f",
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 .001 .001]/XStep .001/YStep .001/Resources<<>>",
    )
    return write_page(
        show(tell(number)),
        b"/Pattern cs /P scn 0 0 612 400 re f",
        resources=b"/Pattern<</P 6 0 R>>",
        objects=[tile],
    )


def write_dash_bomb(number: int = 5) -> bytes:
    """A line of ten thousand points in dashes of a hundred-thousandth of one."""
    return write_page(show(tell(number)), b"[.00001 .00001] 0 d 0 20 m 10000 20 l S")


def write_slow_font(number: int = 6) -> bytes:
    """A font (Type 3) whose one letter is drawn by nested forms, which never ends. The letter is known all the same."""
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[.01 0 0 .01 0 0]/FirstChar 97/LastChar 97/Widths[99]"
        b"/Encoding<</Type/Encoding/Differences[97/a]>>/CharProcs<</a 7 0 R>>/Resources<</XObject<</F 8 0 R>>>>>>"
    )
    return write_page(
        show(tell(number)),
        b"BT /T 20 Tf 54 60 Td (aa) Tj ET",
        resources=b"/Font<</F1 5 0 R/T 6 0 R>>",
        objects=[font, stream(b"99 0 d0 /F Do"), *nest_forms(8)],
    )


def write_wide_cmap(number: int = 7) -> bytes:
    """A font whose /ToUnicode maps half a million ranges, a letter each."""
    ranges = b"".join(b"<%02x> <%02x> <%04x> " % (code, code, code) for code in range(256))
    cmap = deflate(b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange 9 beginbfrange " + ranges * 2000)
    return write_page(
        show(tell(number), font=b"U"),
        resources=b"/Font<</U 6 0 R>>",
        objects=[b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>", cmap],
    )


# --- sizes ------------------------------------------------------------------------------------------------------------


def write_kilometre(number: int = 10) -> bytes:
    """A page a kilometre wide: what is set in 11 pt is in no picture of it larger than a hundredth of a pixel."""
    return write_page(show(tell(number)), box=f"0 0 {KILOMETRE_PT} 792")


def write_blank_kilometre() -> bytes:
    """A page a kilometre wide and high on which nothing is, before one with a text."""
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]>>" % (KILOMETRE_PT, KILOMETRE_PT),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 6 0 R>>>>/Contents 5 0 R>>",
            stream(show(tell(11))),
            HELVETICA,
        ]
    )


def write_banner(number: int = 12) -> bytes:
    """A banner of 10 x 200 inches in letters that can be read from afar."""
    return write_page(show("\n".join(tell(number).split()[:40]), y=14_000, size=250), box="0 0 2000 14400")


def write_flat_page(number: int = 13) -> bytes:
    """A page without height, before one with a text."""
    return _write_two(b"/MediaBox[0 0 612 0]", number)


def write_infinite_page(number: int = 14) -> bytes:
    """A page whose sides are no numbers a float can hold, before one with a text."""
    return _write_two(b"/MediaBox[0 0 1%b 1%b]" % (b"0" * 60, b"0" * 60), number)


def _write_two(entries: bytes, number: int) -> bytes:
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]/Resources<</Font<</F1 6 0 R>>>>>>",
            b"<</Type/Page/Parent 2 0 R/Contents 7 0 R%b>>" % entries,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R>>",
            stream(show(tell(number))),
            HELVETICA,
            stream(show("Some words that stand on a page of an odd size.")),
        ]
    )


def write_hundred_thousand_pages() -> bytes:
    """A hundred thousand pages that are there, empty each."""
    return write_pages(*[b""] * 100_000)


def write_claimed_pages(claimed: int, number: int) -> bytes:
    """A page tree that claims other numbers of pages than the one it has."""
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[3 0 R]>>" % claimed,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
            stream(show(tell(number))),
            HELVETICA,
        ]
    )


def write_many_words(count: int) -> bytes:
    """One page with so many words, in lines that cover it."""
    rows = round((count * 792 / 612 * 2.5) ** 0.5)
    columns = -(-count // rows)
    lines = []
    for row in range(rows):
        numbers = range(row * columns, min(count, (row + 1) * columns))
        lines.append(b"(%b)'\n" % " ".join(f"{number * 7919 % 99991:x}" for number in numbers).encode())
    return write_page(content=deflate(b"BT /F1 .4 Tf %g TL 0 792 Td\n%bET" % (780 / rows, b"".join(lines))))


def write_long_word(number: int = 18, *, letters: int = 200_000) -> bytes:
    """A text, and a word of two hundred thousand letters, squeezed until it fits the page."""
    squeezed = b"BT /F1 11 Tf %g Tz 54 60 Td %b ET" % (8_000_000 / letters / 100, b"(abcdefghij)Tj " * (letters // 10))
    return write_page(content=deflate(show(tell(number)) + squeezed))


def write_huge_table_of_contents() -> bytes:
    """A cross-reference table that claims a thousand million objects."""
    return write_page(show(tell(19))).replace(b"/Size ", b"/Size 999999999/Was ")


# --- structure --------------------------------------------------------------------------------------------------------


def write_looped_tree() -> bytes:
    """A page tree whose only child is itself."""
    return write_pages(tree=b"<</Type/Pages/Count 3/Kids[2 0 R]>>")


def write_looped_branch(number: int = 20) -> bytes:
    """A page, and beside it a branch that leads back to the root."""
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 3/Kids[3 0 R 6 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
            stream(show(tell(number))),
            HELVETICA,
            b"<</Type/Pages/Parent 2 0 R/Count 2/Kids[2 0 R]>>",
        ]
    )


def write_looped_inheritance(number: int = 21) -> bytes:
    """A page whose size is its parent's, which is its own child's."""
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Parent 6 0 R/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 6 0 R/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
            stream(show(tell(number))),
            HELVETICA,
            b"<</Type/Pages/Parent 2 0 R/Count 1/Kids[3 0 R]>>",
        ]
    )


def write_looped_xref() -> bytes:
    """A cross-reference table whose predecessor is itself."""
    pdf = write_page(show(tell(22)))
    at = pdf.rindex(b"startxref") + 10
    start = int(pdf[at : pdf.index(b"\n", at)])
    return pdf.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start)


def write_looped_form(number: int = 23) -> bytes:
    """A form that draws itself."""
    form = stream(b"/F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</F 6 0 R>>>>")
    return write_page(show(tell(number)), b"/F Do", resources=b"/XObject<</F 6 0 R>>", objects=[form])


def write_looped_length(number: int = 24) -> bytes:
    """A stream whose length is the stream itself."""
    data = show(tell(number))
    return write_page(content=b"<</Length 4 0 R>>\nstream\n%b\nendstream" % data)


def write_deep_arrays(number: int = 25, *, depth: int = 100_000) -> bytes:
    """An entry of a page that is nested a hundred thousand deep."""
    return write_page(show(tell(number)), page=b"/Deep " + b"[" * depth + b"]" * depth)


def write_deep_trailer(*, depth: int = 100_000) -> bytes:
    """The same in the trailer, which is read first of all."""
    return write_page(show(tell(26))).replace(b"/Root", b"/Deep " + b"[" * depth + b"]" * depth + b"/Root")


def write_deep_tree(number: int = 27, *, depth: int = 20_000) -> bytes:
    """A page under twenty thousand branches."""
    last = depth + 4
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 4 0 R>>",
            HELVETICA,
            stream(show(tell(number))),
            *(
                b"<</Type/Pages/Count 1/Kids[%d 0 R]%b>>" % (at + 1, b"/Parent %d 0 R" % (at - 1) * (at > 4))
                for at in range(4, last)
            ),
            b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 2 0 R>>>>/Contents 3 0 R>>"
            % (last - 1),
        ]
    )


def write_deep_graphics(number: int = 28, *, depth: int = 1_000_000) -> bytes:
    """A million states saved before a text, and none restored."""
    return write_page(content=deflate(b"q " * depth + show(tell(number))))


def write_deep_cmap(number: int = 29, *, depth: int = 100_000) -> bytes:
    """A font whose /ToUnicode is nested a hundred thousand deep."""
    return write_page(
        show(tell(number), font=b"U"),
        resources=b"/Font<</U 6 0 R>>",
        objects=[b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>", deflate(b"[" * depth)],
    )


def write_no_tree() -> bytes:
    return pdfs._assemble([b"<</Type/Catalog>>"])


# --- what a page shows ------------------------------------------------------------------------------------------------

SECRET = "The hidden sentence names a password of nine letters."


def write_hidden(content: bytes, number: int, *, before: bool = False, **options: Any) -> bytes:
    """A text that is seen and one that is not."""
    parts = [content, show(tell(number))] if before else [show(tell(number)), content]
    return write_page(*parts, **options)


def write_white_text(number: int = 30) -> bytes:
    return write_hidden(b"1 1 1 rg " + show(SECRET, y=200), number)


def write_white_on_dark(number: int = 31) -> bytes:
    """White letters on a dark bar, which everybody sees."""
    return write_hidden(b"0 0 .4 rg 40 190 500 40 re f 1 1 1 rg " + show(SECRET, y=220), number)


def write_invisible_text(number: int = 32) -> bytes:
    """Text in render mode 3 over bare paper."""
    return write_hidden(show(SECRET, y=200, mode=3), number)


def write_transparent_text(number: int = 33) -> bytes:
    return write_hidden(b"/G gs " + show(SECRET, y=200), number, resources=b"/ExtGState<</G<</ca 0/CA 0>>>>")


def write_outside_text(number: int = 34) -> bytes:
    """Text left of the page, above it, and cut off by its crop box."""
    outside = show(SECRET, x=-400, y=400) + show(SECRET, y=900) + show(SECRET, y=60)
    return write_hidden(outside, number, page=b"/CropBox[0 100 612 792]")


def write_clipped_text(number: int = 35) -> bytes:
    return write_hidden(b"q 0 0 9 9 re W n " + show(SECRET, y=200) + b"Q", number)


def write_layered_text(number: int = 36) -> bytes:
    """Text in a layer that is switched off."""
    pdf = write_page(
        show(tell(number)),
        b"/OC /L BDC ",
        show(SECRET, y=200),
        b"EMC",
        resources=b"/Properties<</L 6 0 R>>",
        objects=[b"<</Type/OCG/Name(hidden)>>"],
    )
    return pdf.replace(b"/Catalog", b"/Catalog/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>", 1)


def write_redacted_text(number: int = 37) -> bytes:
    """Text under a black bar, blacked out without removing it from the file."""
    return write_hidden(show(SECRET, y=213) + b"0 0 0 rg 40 190 500 20 re f", number)


def write_pictured_text(number: int = 38) -> bytes:
    """Text under a small picture of one colour."""
    picture = stream(
        bytes([200, 30, 30]), b"/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceRGB"
    )
    return write_hidden(
        show(SECRET, y=213) + b"q 500 0 0 20 40 190 cm /I Do Q",
        number,
        resources=b"/XObject<</I 6 0 R>>",
        objects=[picture],
    )


def write_tiny_text(number: int = 39) -> bytes:
    return write_hidden(show(SECRET * 3, y=200, size=0.6), number)


def write_pixel_font(number: int = 53, *, paint: bytes = b"", line_box: bytes = b"0 -12 38 46") -> bytes:
    """A line in a Type 3 font that measures in pixels, as dvips makes it: letters of 11 pt, of a nominal 0.24 pt."""
    letters = range(ord("a"), ord("z") + 1)
    names = b"".join(b"/%c" % letter for letter in letters)
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[%b]/FontMatrix[1 0 0 1 0 0]/Resources<<>>/Widths[%b]/FirstChar 97"
        b"/LastChar 122/Encoding<</Differences[97%b]>>/CharProcs<<%b>>>>"
        % (line_box, b"38 " * len(letters), names, b"".join(b"/%c 7 0 R" % letter for letter in letters))
    )
    glyph = stream(b"38 0 0 0 34 46 d1 0 0 34 46 re f")
    text = b"BT /T .24 Tf 54 200 Td (letters) Tj 300 0 Td (of) Tj 60 0 Td (pixels) Tj ET"
    return write_hidden(paint + text, number, resources=b"/Font<</T 6 0 R/F1 5 0 R>>", objects=[font, glyph]).replace(
        b"/Font<</F1 5 0 R>>/Font", b"/Font"
    )


def write_scan(number: int, *, layer: bytes = b"", under: bool = False) -> bytes:
    """A page that was printed and scanned: one picture, and over it (or `under` it) a layer of text or none."""
    import pymupdf

    with pymupdf.open(stream=write_page(show(tell(number)))) as printed:
        pixels = printed[0].get_pixmap(dpi=100, colorspace=pymupdf.csGRAY)
    picture = deflate(
        bytes(pixels.samples),
        entries=b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray"
        % (pixels.width, pixels.height),
    )
    parts = [b"q 612 0 0 792 0 0 cm /I Do Q\n", layer]
    return write_page(*(reversed(parts) if under else parts), resources=b"/XObject<</I 6 0 R>>", objects=[picture])


def write_recognised_scan(number: int = 40) -> bytes:
    """A scan with what was recognised in it as invisible text over the picture."""
    return write_scan(number, layer=show(tell(number), mode=3))


def write_recognised_scan_under(number: int = 41) -> bytes:
    """The same as common text that is painted before the picture, as other programs do it."""
    return write_scan(number, layer=show(tell(number)), under=True)


def write_only_hidden() -> bytes:
    """A page on which nothing is seen, and many words are."""
    return write_page(b"1 1 1 rg " + show(tell(42)))


def write_turned(rotation: int, number: int) -> bytes:
    """A page that is turned and cropped, with a text inside the crop box and one outside it."""
    inside, outside = show(tell(number), x=120, y=600, size=7), show(SECRET, x=120, y=760, size=7)
    return write_page(inside, outside, page=b"/Rotate %d/CropBox[100 200 560 700]" % rotation)


# --- letters ----------------------------------------------------------------------------------------------------------

HEBREW = "הספרייה העירונית פתוחה בכל יום ראשון בין שמונה לארבע"
LIGATURES = "The ﬁrst oﬃcer ﬂew to the ﬁord and ﬁlled his ﬂask with coﬀee and a muﬃn."


def write_letters(text: str, *, known: bool = True) -> bytes:
    """A line in an embedded font, glyph after glyph from the left; without /ToUnicode unless the letters are `known`.

    DejaVu Sans has Hebrew and Arabic letters and the Latin ligatures; it comes with matplotlib.
    """
    import matplotlib
    import pymupdf

    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    document = pymupdf.open()
    page = document.new_page(width=612, height=792)
    page.insert_text((54, 100), text, fontsize=12, fontname="DV", fontfile=str(font))
    if not known:
        for xref in range(1, document.xref_length()):
            if document.xref_get_key(xref, "ToUnicode")[0] != "null":
                document.xref_set_key(xref, "ToUnicode", "null")
    document.subset_fonts()
    return pdfs._to_bytes(document)


def write_right_to_left() -> bytes:
    """Hebrew as typesetters leave it: the glyphs from left to right, so that the sentence ends at the left."""
    return write_letters(HEBREW[::-1])


# --- tars -------------------------------------------------------------------------------------------------------------


def write_tar(members: Sequence[tuple[str | tarfile.TarInfo, bytes]]) -> bytes:
    """A tar of these files; a `TarInfo` stands for a link or a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


# --- the collection ---------------------------------------------------------------------------------------------------

HIDDEN_PAGE = ("hidden",)

EXHIBITS = (
    # no PDF, or none that anybody could read
    Exhibit("zero_bytes.pdf", bytes, reason="empty"),
    Exhibit("zero_pages.pdf", pdfs.write_zero_page_pdf, reason="empty"),
    Exhibit("no_page_tree.pdf", write_no_tree, reason="empty"),
    Exhibit("web_page.pdf", lambda: b"<html><body><p>A page of the web.</p></body></html>", reason="not_pdf"),
    Exhibit("header_only.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 20, reason="unreadable"),
    Exhibit("password.pdf", lambda: pdfs.write_encrypted_pdf("A secret of twelve words."), reason="encrypted"),
    Exhibit("empty_password.pdf", lambda: pdfs.write_empty_password_pdf(tell(50))),
    # bombs
    Exhibit("image_bomb.pdf", write_image_bomb, rendering="timeout"),
    Exhibit("large_image.pdf", write_large_image),
    Exhibit("fax_bomb.pdf", write_fax_bomb, rendering="out_of_memory"),
    Exhibit("undrawable.pdf", write_undrawable, pages=("unrenderable", None)),
    Exhibit("content_bomb.pdf", write_content_bomb, reason="timeout"),
    Exhibit("stroke_bomb.pdf", write_stroke_bomb, reason="timeout"),
    Exhibit("form_bomb.pdf", write_form_bomb, reason="timeout"),
    Exhibit("pattern_bomb.pdf", write_pattern_bomb, rendering="timeout"),
    Exhibit("dash_bomb.pdf", write_dash_bomb),
    Exhibit("slow_font.pdf", write_slow_font, reason="timeout"),
    Exhibit("wide_cmap.pdf", write_wide_cmap),
    # sizes
    Exhibit("kilometre.pdf", write_kilometre, reason="no_text"),
    Exhibit("blank_kilometre.pdf", write_blank_kilometre, pages=("blank", None)),
    Exhibit("banner.pdf", write_banner),
    Exhibit("flat_page.pdf", write_flat_page, pages=(None, None)),
    Exhibit("infinite_page.pdf", write_infinite_page, pages=("blank", None)),
    Exhibit("hundred_thousand_pages.pdf", write_hundred_thousand_pages, reason="too_large"),
    Exhibit("claims_a_million_pages.pdf", lambda: write_claimed_pages(10**6, 15), reason="unreadable"),
    Exhibit("claims_three_pages.pdf", lambda: write_claimed_pages(3, 16), pages=(None, "unreadable", "unreadable")),
    Exhibit("claims_minus_one_page.pdf", lambda: write_claimed_pages(-1, 17), reason="unreadable"),
    Exhibit("million_words.pdf", lambda: write_many_words(1_000_000), reason="timeout"),
    Exhibit("long_word.pdf", write_long_word),
    Exhibit("huge_xref.pdf", write_huge_table_of_contents),
    # structure
    Exhibit("looped_tree.pdf", write_looped_tree, reason="unreadable"),
    Exhibit("looped_branch.pdf", write_looped_branch, pages=(None, "unreadable", "unreadable")),
    Exhibit("looped_inheritance.pdf", write_looped_inheritance, reason="no_text"),
    Exhibit("looped_xref.pdf", write_looped_xref),
    Exhibit("looped_form.pdf", write_looped_form),
    Exhibit("looped_length.pdf", write_looped_length),
    Exhibit("deep_arrays.pdf", write_deep_arrays, reason="no_text"),
    Exhibit("deep_trailer.pdf", write_deep_trailer),
    Exhibit("deep_tree.pdf", write_deep_tree),
    Exhibit("deep_graphics.pdf", write_deep_graphics, reason="no_text"),
    Exhibit("deep_cmap.pdf", write_deep_cmap),
    # what a page shows
    Exhibit("white_text.pdf", write_white_text),
    Exhibit("white_on_dark.pdf", write_white_on_dark),
    Exhibit("invisible_text.pdf", write_invisible_text),
    Exhibit("transparent_text.pdf", write_transparent_text),
    Exhibit("outside_text.pdf", write_outside_text),
    Exhibit("clipped_text.pdf", write_clipped_text),
    Exhibit("layered_text.pdf", write_layered_text),
    Exhibit("redacted_text.pdf", write_redacted_text),
    Exhibit("pictured_text.pdf", write_pictured_text),
    Exhibit("tiny_text.pdf", write_tiny_text),
    Exhibit("pixel_font.pdf", write_pixel_font),
    Exhibit("only_hidden.pdf", write_only_hidden, reason="no_text"),
    Exhibit("scan.pdf", lambda: write_scan(43), reason="no_text"),
    Exhibit("recognised_scan.pdf", write_recognised_scan),
    Exhibit("recognised_scan_under.pdf", write_recognised_scan_under),
    Exhibit("turned_0.pdf", lambda: write_turned(0, 44)),
    Exhibit("turned_90.pdf", lambda: write_turned(90, 45)),
    Exhibit("turned_180.pdf", lambda: write_turned(180, 46)),
    Exhibit("turned_270.pdf", lambda: write_turned(270, 47)),
    # letters
    Exhibit("right_to_left.pdf", write_right_to_left),
    Exhibit("ligatures.pdf", lambda: write_letters(LIGATURES)),
    Exhibit(
        "unknown_letters.pdf", lambda: write_letters(tell(51).replace("\n", " ")[:80], known=False), reason="no_text"
    ),
    Exhibit("truncated.pdf", lambda: pdfs.truncate(pdfs.write_distinct_pdf(52), 0.3), reason="unreadable"),
)
