"""Small PDFs in bytes, one builder a kind, for every test that needs a document. Same arguments, same bytes.

Simple pages are US letter (612 x 792 pt) and set in Helvetica, unembedded, so they know Latin-1 only; give
`fontname="china-s"` for Chinese, `"japan"` and `"korea"` likewise. Texts are cut into lines of the page's width.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from typing import Any

LETTER = (612.0, 792.0)
MARGIN_PT = 54.0

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def write_pdf(*page_texts: str, fontsize: float = 11, rotation: int = 0, fontname: str = "helv") -> bytes:
    """One page a text; `""` is a blank page. A rotated page carries /Rotate and its text reads upright as displayed.

    Raises ValueError for a text that does not fit its page.
    """
    import pymupdf

    document = _open_new()
    for number, text in enumerate(page_texts, 1):
        page = document.new_page(width=LETTER[0], height=LETTER[1])
        page.set_rotation(rotation)
        if not text:
            continue
        right, bottom = page.rect.width - MARGIN_PT, page.rect.height - MARGIN_PT
        area = pymupdf.Rect(MARGIN_PT, MARGIN_PT, right, bottom) * page.derotation_matrix
        if page.insert_textbox(area, text, fontsize=fontsize, fontname=fontname, rotate=rotation) < 0:
            raise ValueError(f"text {number} ({len(text)} characters) does not fit one page at {fontsize} pt")
    return _to_bytes(document)


def write_many_pages(n: int) -> bytes:
    """`n` pages, each with one line of its own: "Page 3 of 40: bin 3 holds 119 bolts."."""
    return write_pdf(*(f"Page {i} of {n}: bin {i} holds {i * 37 % 1009 + 8} bolts." for i in range(1, n + 1)))


def write_table_pdf(
    rows: Sequence[Sequence[str]],
    *,
    before: str = "",
    after: str = "",
    column_width_pt: float = 120,
    row_height_pt: float = 22,
) -> bytes:
    """A fully ruled table (the first row is its header) with a line of prose before and after it."""
    document = _open_new()
    page = document.new_page(width=LETTER[0], height=LETTER[1])
    left, top = MARGIN_PT, MARGIN_PT + 36
    if before:
        page.insert_text((left, MARGIN_PT + 12), before, fontsize=11)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            x, y = left + c * column_width_pt, top + r * row_height_pt
            page.draw_rect((x, y, x + column_width_pt, y + row_height_pt), color=(0, 0, 0), width=0.7)
            page.insert_text((x + 5, y + row_height_pt - 7), cell, fontsize=10, fontname="hebo" if r == 0 else "helv")
    if after:
        page.insert_text((left, top + len(rows) * row_height_pt + 30), after, fontsize=11)
    return _to_bytes(document)


def write_columns_pdf(left: str, right: str) -> bytes:
    """Two columns of prose side by side; the right one is drawn first, so drawing order is not reading order."""
    document = _open_new()
    page = document.new_page(width=LETTER[0], height=LETTER[1])
    middle, bottom = LETTER[0] / 2, LETTER[1] - MARGIN_PT
    page.insert_textbox((middle + 15, MARGIN_PT, LETTER[0] - MARGIN_PT, bottom), right, fontsize=10)
    page.insert_textbox((MARGIN_PT, MARGIN_PT, middle - 15, bottom), left, fontsize=10)
    return _to_bytes(document)


def write_image_pdf(*, share: float = 1.0, hidden_text: str = "", pages: int = 1) -> bytes:
    """Pages that are each one grey image over `share` of its height and no visible text, as a scanner makes it.

    `hidden_text` is laid under it invisibly (render mode 3), as OCR does.
    """
    import pymupdf

    document = _open_new()
    for _ in range(pages):
        page = document.new_page(width=LETTER[0], height=LETTER[1])
        width, height = 64, 80
        noise = random.Random(0).randbytes(width * height)
        page.insert_image(
            (0, 0, LETTER[0], LETTER[1] * share),
            pixmap=pymupdf.Pixmap(pymupdf.csGRAY, width, height, noise, False),
            keep_proportion=False,
        )
        if hidden_text:
            page.insert_textbox(
                (MARGIN_PT, MARGIN_PT, LETTER[0] - MARGIN_PT, LETTER[1] - MARGIN_PT), hidden_text, render_mode=3
            )
    return _to_bytes(document)


def write_coloured_pdf() -> bytes:
    """Four quarters without margins, each one flat colour: red, green over blue, white."""
    document = _open_new()
    page = document.new_page(width=400, height=200)
    for (x, y), colour in zip([(0, 0), (200, 0), (0, 100), (200, 100)], (RED, GREEN, BLUE, WHITE), strict=True):
        page.draw_rect((x, y, x + 200, y + 100), color=None, fill=tuple(part / 255 for part in colour), width=0)
    return _to_bytes(document)


def write_cropped_pdf(*, rotation: int = 0) -> bytes:
    """A letter page cropped to (100, 200, 500, 500): "inside the crop" is on it, "outside" cut off."""
    document = _open_new()
    page = document.new_page(width=LETTER[0], height=LETTER[1])
    page.insert_text((120, 260), "This sentence is inside the crop.", fontsize=12)
    page.insert_text((120, 100), "This sentence is outside and cut off.", fontsize=12)
    page.set_cropbox((100, 200, 500, 500))
    page.set_rotation(rotation)
    return _to_bytes(document)


def write_huge_page_pdf() -> bytes:
    """One page 200 x 200 inches (14,400 pt, the largest that PDF allows): 900 megapixels at 150 dpi."""
    document = _open_new()
    page = document.new_page(width=14_400, height=14_400)
    page.insert_textbox((400, 400, 14_000, 14_000), "A banner for the side of a building.", fontsize=600)
    return _to_bytes(document)


def write_zero_page_pdf() -> bytes:
    """Valid from header to trailer, with no page in it. Written by hand: MuPDF refuses to save one."""
    return _assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>"])


def write_encrypted_pdf(text: str, user_password: str = "secret") -> bytes:
    """One page of `text` that opens only with the password."""
    return _write_rc4_pdf(text, user_password=user_password, owner_password="owner")


def write_empty_password_pdf(text: str) -> bytes:
    """One page of `text` that any reader opens: only the owner's password is set, as publishers do against copying."""
    return _write_rc4_pdf(text, user_password="", owner_password="owner")


def truncate(pdf: bytes, share: float = 0.5) -> bytes:
    """The first `share` of the bytes, as a broken download leaves them."""
    return pdf[: int(len(pdf) * share)]


def write_distinct_pdf(i: int) -> bytes:
    """A page about one delivery with labelled facts, unlike that of any other `i`.

    Two of them share few word 5-grams (a Jaccard below 0.1): near-duplicate search keeps both.
    """
    return write_pdf(write_distinct_text(i))


def write_distinct_text(i: int) -> str:
    """The English text of `write_distinct_pdf(i)`: 60 to 120 words, in which no phrase of six is fixed."""
    rng = random.Random(i)

    def name() -> str:
        return f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"

    def date() -> str:
        return f"{rng.randint(1, 28)} {rng.choice(_MONTHS)} {rng.randint(1990, 2025)}"

    goods, more_goods = rng.sample(_GOODS, 2)
    adjectives, verbs = rng.sample(_ADJECTIVES, 6), rng.sample(_VERBS, 5)
    places, remarks, reasons = rng.sample(_PLACES, 4), rng.sample(_REMARKS, 2), rng.sample(_REASONS, 2)
    sentences = [
        f"{name()} {verbs[0]} {rng.randint(12, 990)} {adjectives[0]} {goods} in {places[0]} on {date()}.",
        f"{rng.choice(_LAST_NAMES)} & {rng.choice(_LAST_NAMES)} of {places[1]} {verbs[1]} the {adjectives[1]} {goods}"
        f" and {rng.randint(2, 90)} {more_goods}.",
        f"By {date()} about {rng.randint(3, 98)} percent {remarks[0]}, said {name()}.",
        f"The {adjectives[3]} {more_goods} from {places[2]} {remarks[1]}.",
        f"{reasons[0]}, {name()} {verbs[2]} {adjectives[4]} {goods} near {places[3]}.",
        f"{reasons[1]}, {rng.choice(_LAST_NAMES)} {verbs[3]} {adjectives[5]} {more_goods} at"
        f" {rng.randint(1, 12)}:{rng.randint(10, 59)}.",
    ]
    rng.shuffle(sentences)
    facts = [
        f"{rng.choice(('Reference', 'Order', 'Case', 'File'))}: {rng.choice('ABCDEFGH')}-{i}-{rng.randint(100, 999)}",
        f"{rng.choice(('Date', 'Delivered', 'Signed', 'Due'))}: {date()}",
        f"{rng.choice(('Contact', 'Buyer', 'Signed by', 'Inspector'))}: {name()}",
        f"{rng.choice(('Total', 'Amount', 'Balance', 'Price'))}: {rng.randint(1, 99)},{rng.randint(100, 999)}.50"
        f" {rng.choice(('dollars', 'euros', 'francs', 'kroner'))}",
    ]
    rng.shuffle(facts)
    title = f"{adjectives[0].capitalize()} {goods} for {places[0]}"
    return "\n".join([title, "", *facts, "", " ".join(sentences)])


_MONTHS = "January February March April May June July August September October November December".split()
_FIRST_NAMES = (
    "Ada Boris Clara Dmitri Elena Felix Greta Hugo Irene Jonas Karin Luis Mabel Nils Olga Pablo Quentin Rosa Stefan "
    "Tessa Ulric Vera Walter Xenia Yusuf Zelda"
).split()
_LAST_NAMES = (
    "Ashdown Birch Castell Dunmore Ekberg Fairley Garrick Holloway Ivers Jessop Kestrel Lindqvist Marlowe Norling "
    "Osborne Pritchard Quill Ravensby Stroud Tolliver Underhill Varga Whitlock Yardley Zeller"
).split()
_PLACES = (
    "Aldbury Brightwater Corvan Dunhaven Eastmere Fallbrook Glenrock Harwick Inverdale Juniper Kelso Larkfield "
    "Millport Northgate Oakvale Pinecrest Quarrington Redcliff Stonebridge Thornbury Upwell Vinetown Westerham Yarrow"
).split()
_GOODS = (
    "anchors baskets candles drums easels funnels gaskets hammocks inkwells jackets kettles ladders mirrors nets ovens "
    "pumps quilts radios saddles tents umbrellas valves wheelbarrows yokes zithers bricks clocks fences lanterns tiles"
).split()
_ADJECTIVES = (
    "amber brittle crimson durable elegant fragile glazed heavy imported jagged knotted lacquered modern narrow oval "
    "polished quiet rusty sturdy tarnished unpainted vintage wooden yellow zinc-plated blue cheap damp foldable hollow"
).split()
_VERBS = (
    "accepted bought counted delivered examined financed gathered handled insured judged kept labelled measured noted "
    "ordered packed questioned repaired sold tested unloaded valued weighed refused stored"
).split()
_REMARKS = (
    "arrived late because of snow;failed the second inspection;left the warehouse before noon;needed new paint twice;"
    "passed every test without trouble;reached the harbour by train;sank with the ferry;sold out within days;"
    "stayed in customs for weeks;were returned to their maker;won a prize at the fair;went missing after the storm;"
    "cost more than anybody expected;came back with broken handles;lasted longer than promised;stood idle all summer"
).split(";")
_REASONS = (
    "After a long dispute;Against all advice;As the contract required;At the mayor's request;Because rain had set in;"
    "Before the auction;Despite rising freight rates;During the strike;For want of space;Given such poor results;"
    "Having lost patience;In spite of this;Once payment cleared;Since nobody objected;To everyone's surprise;"
    "Until further notice;When spring came;With some reluctance"
).split(";")


def _open_new() -> Any:
    import pymupdf

    return pymupdf.open()


def _to_bytes(document: Any) -> bytes:
    """Saved without the random /ID that MuPDF would add."""
    data: bytes = document.tobytes(garbage=3, deflate=True, no_new_id=True)
    document.close()
    return data


def _assemble(objects: Iterable[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1; the first is its catalog."""
    data, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, size = len(data), len(offsets) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return bytes(data) + b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)


_PASSWORD_FILL = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def _write_rc4_pdf(text: str, *, user_password: str, owner_password: str) -> bytes:
    """Encrypted by hand (ISO 32000-1, 7.6.3, revision 2, 40 bits): MuPDF puts a random /ID into what it encrypts."""
    user, owner = ((word.encode("latin-1") + _PASSWORD_FILL)[:32] for word in (user_password, owner_password))
    permissions, file_id = (-44).to_bytes(4, "little", signed=True), bytes(range(16))
    owner_entry = _rc4(hashlib.md5(owner).digest()[:5], user)
    key = hashlib.md5(user + owner_entry + permissions + file_id).digest()[:5]
    content_number = 5
    lines = "".join(f"({line.translate(_ESCAPES)}) ' " for line in text.splitlines())
    content = f"BT /F1 11 Tf 14 TL 54 738 Td {lines}ET".encode("latin-1")
    content = _rc4(hashlib.md5(key + content_number.to_bytes(3, "little") + bytes(2)).digest()[:10], content)
    return _assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content),
        ],
        b"/ID[<%b><%b>]/Encrypt<</Filter/Standard/V 1/R 2/Length 40/P -44/O<%b>/U<%b>>>"
        % tuple(part.hex().encode() for part in (file_id, file_id, owner_entry, _rc4(key, _PASSWORD_FILL))),
    )


_ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
