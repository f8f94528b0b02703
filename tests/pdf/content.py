"""Pages written as content streams, with fonts of any kind: what word processors write and libraries do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docmatix.core.documents import Page, Refusal
from docmatix.pdf.reading import open_pdf, read_page
from tests.pdfs import _assemble

HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def write_content(
    content: str | bytes, *fonts: bytes, objects: Sequence[bytes] = (), page_entries: bytes = b""
) -> bytes:
    """A page with this content. Fonts are called /F1, /F2 ... (Helvetica if none is given); objects are numbered on
    from them, so that with one font the first is 6."""
    data = content.encode("latin-1") if isinstance(content, str) else content
    fonts = fonts or (HELVETICA,)
    names = b"".join(b"/F%d %d 0 R" % (number + 1, number + 5) for number in range(len(fonts)))
    return _assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]%b/Resources<</Font<<%b>>>>/Contents 4 0 R>>"
            % (page_entries, names),
            b"<</Length %d>>\nstream\n%b\nendstream" % (len(data), data),
            *fonts,
            *objects,
        ]
    )


def write_font(name: str, *, differences: str = "", to_unicode: int | None = None, encoding: str = "") -> bytes:
    """A simple font that is not embedded; `to_unicode` is the number of its map."""
    entries = b""
    if differences:
        entries = b"/Encoding<</Type/Encoding/Differences[%b]>>" % differences.encode()
    elif encoding:
        entries = b"/Encoding/%b" % encoding.encode()
    if to_unicode is not None:
        entries += b"/ToUnicode %d 0 R" % to_unicode
    return b"<</Type/Font/Subtype/Type1/BaseFont/%b%b>>" % (name.encode(), entries)


def write_map(meanings: Mapping[str, str]) -> bytes:
    """A /ToUnicode map of one-byte codes."""
    lines = b"".join(
        b"<%02X> <%b>\n" % (ord(code), meaning.encode("utf-16-be").hex().upper().encode())
        for code, meaning in meanings.items()
    )
    body = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
    body += b"1 begincodespacerange <00> <FF> endcodespacerange %d beginbfchar\n" % len(meanings)
    body += lines + b"endbfchar endcmap end end"
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(body), body)


def read_content(content: str | bytes, *fonts: bytes, objects: Sequence[bytes] = (), page_entries: bytes = b"") -> Page:
    """The page of `write_content`, as it is read."""
    document = open_pdf(write_content(content, *fonts, objects=objects, page_entries=page_entries))
    assert not isinstance(document, Refusal), document
    return read_page(document, 0, min_words=1)


def read_text(content: str | bytes, *fonts: bytes, objects: Sequence[bytes] = ()) -> str:
    return read_content(content, *fonts, objects=objects).text


def show(text: str, x: float = 72, y: float = 700, size: float = 11, font: str = "F1", rise: float = 0) -> str:
    """Operators that show one text."""
    raised = f"{rise:g} Ts " if rise else ""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size:g} Tf {x:g} {y:g} Td {raised}({escaped}) Tj {'0 Ts ' if rise else ''}ET\n"


def set_runs(*runs: tuple[str, float, float], x: float = 72, y: float = 700, turn: str = "") -> str:
    """One line of runs of text, each with its size and rise, as a word processor sets footnote marks; `turn` is the
    matrix of a line that does not run to the right."""
    shown = "".join(f"/F1 {size:g} Tf {rise:g} Ts ({text}) Tj " for text, size, rise in runs)
    place = f"{turn} Tm" if turn else f"{x:g} {y:g} Td"
    return f"BT {place} {shown}0 Ts ET\n"
