"""Documents whose pages only say that this viewer cannot show them: the shell of a dynamic XFA form ("Please wait...",
in any language), the cover of a portfolio, the wrapper of an encrypted file, "requires Adobe Reader".

The structure decides together with the text: a manual that quotes such a sentence and a static form are documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

MAX_CHARS = 1500  # of the longest message known, with its trademark lines: 800
MAX_PAGES = 8

# every sentence of such a message names one of these, in any language
_SOFTWARE = re.compile(
    r"adobe|acrobat|\breader\b|pdf|windows|\bmac\b|linux|livecycle|browser|\bviewer|displayed", re.IGNORECASE
)
_ADOBE = re.compile(r"adobe|acrobat", re.IGNORECASE)
_OPENING = re.compile(
    r"""(?ix) (?: please\ wait
    | if\ this\ message\ is\ not\ eventually\ replaced
    | you\ are\ seeing\ this\ message
    | (?:the|this) \ (?:\w+\ )? (?:document|file|form|portfolio|package) \b
      [^.]{0,60} \b requires?\b [^.]{0,60} (?:adobe|acrobat)
    | to\ (?:view|open|see|read|display) \b [^.]{0,90} \b (?:need|require|use|open|upgrade|install)
    | (?:for\ (?:the\ )?best\ experience,? \ )? (?:please\ )? open\ (?:this|the) \ [^.]{0,60} (?:adobe|acrobat)
    | (?:your|this)\ (?:pdf\ )?(?:viewer|reader)\ (?:can|does|may|is)\ ?not
    )"""
)  # fmt: skip
MAX_NOTICE = 600
# what authors of forms write in their own words: nothing else may be there
_NOTICE = re.compile(
    r"""(?ix) (?: (?:important|sorry|note|notice|warning|attention) \W+ )? (?: (?:this|the) \ (?:\w+\ )?
      (?:document|file|form|portfolio|package|pdf) \ (?:cannot|can't|can\ (?:not|only)|could\ not|must|should|has\ to|
      is\ (?:not|protected|encrypted)|will\ not|does\ not) \b
    | you\ (?:will\ |may\ )?need \b [^.]{0,60} (?:adobe|acrobat)
    | if\ you\ (?:can\ )? (?:see|read|are\ (?:seeing|reading)|are\ able\ to\ (?:see|read)) \ this
    | please\ (?:download|save|open|view|use|install|upgrade|update|right|click)
    )"""
)  # fmt: skip
_SHELL = re.compile(r"if this message is not eventually replaced (?:with|by) the proper contents", re.IGNORECASE)
# `Bitte warten...`, `お待ちください。`: up to five words, then Adobe's own addresses, which all languages share
_WAITING = re.compile(r"[^\W\d_][^\n.…。]{1,40}(?:\.\.\.|…|。)")
_ADDRESS = re.compile(r"adobe\.com/\S*(?:reader_download|acrreader|readstep2|pdf_forms_configure)")


def find_placeholder(document: Any, texts: Sequence[str]) -> str | None:
    """What the pages of an open document show in place of its content; None for a document. `texts` are the pages'."""
    text = " ".join("\n".join(texts).split())
    if not text or len(text) > MAX_CHARS or document.page_count > MAX_PAGES:
        return None
    catalog = document.pdf_catalog()
    if _has(document, catalog, "AcroForm/XFA"):
        dynamic = document.xref_get_key(catalog, "NeedsRendering")[1] == "true"
        # a static form's fields are on its pages; a shell has none, or a signature's
        fields = any(page.first_widget is not None for page in document)
        if (dynamic and not fields) or ((dynamic or not fields) and _ADOBE.search(text)):
            return "the shell of a dynamic XFA form"
    if _has(document, catalog, "Collection") and document.embfile_count():
        if document.xref_get_key(catalog, "Collection/View")[1] == "/H":
            return "the wrapper of an embedded file"
        if _ADOBE.search(text):
            return "the cover of a PDF portfolio"
    return "a message about the viewer" if _is_message(text) else None


def _has(document: Any, xref: int, path: str) -> bool:
    return bool(document.xref_get_key(xref, path)[0] not in ("null", ""))


def _is_message(text: str) -> bool:
    """Whether a whole text is one of the messages: it opens with one, and goes on about nothing but the software."""
    waiting = _WAITING.match(text)
    rest = text[waiting.end() :].strip() if waiting else text
    # `in the U.S. and other countries` is no end
    sentences = re.split(r"(?<=[.!?])\s+(?![a-z])|(?<=[。！])", rest)
    if not all(_SOFTWARE.search(sentence) for sentence in sentences if sentence.strip()):
        return False
    if _SHELL.match(rest):
        return True
    opens = _OPENING.match(text) or (len(text) <= MAX_NOTICE and _NOTICE.match(text))
    waits = waiting and len(waiting[0].split()) <= 5 and _ADDRESS.search(text)
    return bool((opens or waits) and _ADOBE.search(text))
