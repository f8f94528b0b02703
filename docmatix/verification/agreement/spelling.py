"""Texts in one spelling: what two answers may differ in and still be the same to the letter."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_CHARS = 2000
"""Of an answer that are compared: no answer is longer, and all that is done to one is linear in it."""

# written without spaces between words, as in `text.pieces`; Hangul is written with them
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
SYMBOLS = "$€£¥₹₩₽₺₫₪฿₦₴₱%‰°"
ARTICLES = frozenset(
    "a an the der die das dem den des ein eine einen einem einer eines le la les l un une el los las una lo il i gli "
    "uno o os as um uma de het een en ett".split()
)
"""Words before a noun that answers may leave out; `de` is also a preposition, as harmless."""

_QUOTES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
        **dict.fromkeys("“”„‟«»″「」『』《》‹›", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
        "\u00ad": None, "\u200b": None, "\u200c": None, "\u200d": None, "\u200e": None, "\u200f": None,
        "\ufeff": None, "\u2044": "/", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o",
        "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "٫": ".", "٬": ",", "،": ",", "、": ",",
    }
)  # fmt: skip
_FRACTIONS = re.compile(r"(\d)?\s?([¼-¾⅐-⅞])")
_BROKEN = re.compile(r"(?<=[a-z\u00df-\u00ff])-\s*\n\s*(?=[a-z\u00df-\u00ff])")
_MARKUP = re.compile(r"\*\*|__|`|^#+\s|^>\s", re.MULTILINE)
_WORD = re.compile(rf"[-+]?\d+(?:[.,]\d+)*|[{SPACELESS}]|[^\W\d_]+|[{SYMBOLS}]")


class _Digits(dict[int, int | str]):
    """Gives each decimal digit of any script as ASCII."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        self[code] = str(unicodedata.decimal(character)) if unicodedata.category(character) == "Nd" else code
        return self[code]


_DIGITS = _Digits()


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """A text in plain digits, quotes and dashes, without markup, in one line but for its line breaks."""
    text = text[:MAX_CHARS]
    if not text.isascii():
        text = _FRACTIONS.sub(_write_fraction, text)
        text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).translate(_DIGITS).translate(_QUOTES)
    if "\n" in text:
        text = _BROKEN.sub("", text)
    if "*" in text or "_" in text or "`" in text or "#" in text or ">" in text:
        text = _MARKUP.sub("", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _write_fraction(found: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", found[2]).replace("\u2044", "/")
    return f"{found[1]} {fraction}" if found[1] else fraction


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """A cleaned text without case and accents."""
    text = text.lower()
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_QUOTES))
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not unicodedata.combining(each)))


def fold_words(text: str) -> list[str]:
    """The words, numbers and signs of a text, folded, without articles unless there is nothing else."""
    words = _WORD.findall(fold(clean(text)))
    return [word for word in words if word not in ARTICLES] or words
