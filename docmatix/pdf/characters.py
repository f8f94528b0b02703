"""Characters of a word: which have a meaning, and how they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from docmatix.core.documents import UNKNOWN
from docmatix.pdf.symbol_fonts import ADOBE

SOFT_HYPHEN = "\u00ad"
_SUBSTITUTES = str.maketrans(
    {
        SOFT_HYPHEN: "-",
        "\uf0b7": "•",  # the bullets of Symbol and the most frequent ones of Wingdings
        "\uf0a7": "▪",
        "\uf0d8": "➢",
        "\uf0fc": "✓",
        **ADOBE,
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
    }
)
# marks that are never seen, tags of languages among them; a file may call a digit so
INVISIBLE = "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
# controls, surrogates, private use and non-characters; the first two would break UTF-8, XML or a terminal
UNKNOWN_CHARACTERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff]"
)
_BETWEEN_LETTERS = re.compile(rf"(?<=[^\W\d_]){SOFT_HYPHEN}+(?=[^\W\d_])")
_PRESENTATION_FORMS = re.compile("[\ufb00-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]+")


def clean_text(text: str) -> str:
    """The text of one word as composed Unicode (NFC) that every file format can hold. Presentation forms (ligatures,
    positional shapes of Arabic letters) become letters, zero-width marks disappear, and characters without a public
    meaning become U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    text = UNKNOWN_CHARACTERS.sub(UNKNOWN, text.translate(_SUBSTITUTES))
    if not text.isprintable():
        # what Unicode has not assigned no program shows as a sign that anybody knows
        text = "".join(UNKNOWN if unicodedata.category(each) == "Cn" else each for each in text)
    text = _PRESENTATION_FORMS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    # in this order: marks that white space had kept apart are put in theirs
    return unicodedata.normalize("NFC", "".join(text.split()))


def settle_soft_hyphens(word: str) -> str:
    """A word without soft hyphens between its letters; elsewhere, at the end of a line or beside a digit, they are
    hyphens."""
    return _BETWEEN_LETTERS.sub("", word).replace(SOFT_HYPHEN, "-")


def are_hyphens(texts: Iterable[str]) -> bool:
    """Whether soft hyphens, in the texts that a page has in one font, are its only hyphens, and too many to be meant as
    soft ones: some fonts call every hyphen so."""
    text = "".join(texts)
    return text.count(SOFT_HYPHEN) >= 4 and "-" not in text
