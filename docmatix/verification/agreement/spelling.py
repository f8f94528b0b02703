"""Texts in one spelling: what two answers may differ in and still be the same to the letter."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

MAX_CHARS = 2000
"""Of an answer that are compared: no answer is longer, and all that is done to one is linear in it."""

# written without spaces between words, and Hangul, whose particles stick to the noun, as in `text.pieces`
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
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
# of Latin, Greek and Cyrillic letters, and vowel points; not those that make another letter of a Japanese one
_ACCENTS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
# `KD - 312 / 37`
_SPACED = re.compile(r"(?<=\b[A-Z]) - (?=\d)|(?<=\b[A-Z][A-Z]) - (?=\d)|(?<=\b[A-Z]{3}) - (?=\d)")
_PARTED = re.compile(r"(?<=\d) / (?=\d)")
_DASHED = re.compile(r"(?<=[\d%.])\s?[–—]\s?(?=[\d$€£])|(?<=\d)[–—](?=[^\W\d_])")  # a range, and no sign
_TRUNK = re.compile(r"(?<=\d)\s?\(0\)\s?(?=\d)")  # `+31 (0)20`: dialled within the country alone
_POWER = re.compile(r"(?<=10)[⁺⁻]?[⁰¹²³⁴-⁹]+")
_RAISED = re.compile(r"(?<=[\d)])[⁺⁻]?[⁰¹²³⁴-⁹]+")  # the mark of a note
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
        text = _DASHED.sub(" - ", text)
        text = _POWER.sub(lambda found: "^" + unicodedata.normalize("NFKC", found[0]), text)
        text = _FRACTIONS.sub(_write_fraction, text)
        text = (
            unicodedata.normalize("NFKC", _RAISED.sub("", text).translate(_QUOTES))
            .translate(_DIGITS)
            .translate(_QUOTES)
        )
    if "(0)" in text:
        text = _TRUNK.sub(" ", text)
    if "\n" in text:
        text = _BROKEN.sub("", text)
    if "*" in text or "_" in text or "`" in text or "#" in text or ">" in text:
        text = _MARKUP.sub("", text)
    text = _SPACED.sub("-", _PARTED.sub("/", text)) if " - " in text or " / " in text else text
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
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(_QUOTES))))


def fold_words(text: str) -> list[str]:
    """The words, numbers and signs of a text, folded, without articles unless there is nothing else."""
    words = _WORD.findall(fold(clean(text)))
    return [word for word in words if word not in ARTICLES] or words


class Token(NamedTuple):
    """A part of a cleaned text: a `word`, a `number` (digits with signs, also of a date or a time), a `code` of letters
    and digits, a `link`, a `char` of a script without spaces, or a `sign`."""

    kind: str
    text: str
    folded: str
    start: int
    end: int


_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0dff])"
_LATIN = r"[A-Za-z\u00c0-\u024f\u0370-\u04ff]"
_TOKEN = re.compile(
    r"(?P<link>(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    rf"|(?P<code>(?!(?:EUR|USD|GBP|CHF|INR|Rs)\d){_LATIN}+(?:[-/]{_LATIN}*)?\d\w*(?:[-./]\w*\d\w*)*)"
    # numbers of telephones, with the code of a place or a country
    r"|(?P<phone>(?<![\w.,])(?=[+(]?(?:[ ()/-]{0,2}\d){7,15}(?![\d.,]\d|\d))(?!\d{1,2}[-/]\d{1,2}[-/]\d{2,4}(?!\d))"
    r"(?:\+\d[\d ()/-]+\d|\(\d{2,5}\)[\d /-]+\d|0\d[\d /-]+\d|\d{3}-\d{3}-\d{4}))"
    r"|(?P<number>(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}-\d{1,2}-(?:\d{4}|"
    r"\d\d)"
    r"|\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)|\d{1,2}/(?:19|20)\d\d"
    r"|(?:0[1-9]|1[0-2])\.(?:19|20)\d\d|(?:19|20)\d\d-0[1-9]|\d{1,2}:\d\d(?::\d\d)?|\d{1,2} ?[hH] ?\d\d(?! ?min))(?!\d|"
    r"[-/.,:]\d)"
    r"|\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,']\d+)*(?:[eE][+-]?\d{1,2}(?!\w))?|(?<![\w.])\.\d+)"
    rf"|(?P<char>[{SPACELESS}])"
    rf"|(?P<word>(?:[ldnsjmctLDNSJMCT]|[Qq]u|[Dd]ell|[Nn]ell|[Aa]ll|[Ss]ull)'(?={_LETTER})|(?:{_LATIN}\.){{2,}}"
    rf"|(?:(?![{SPACELESS}]){_LETTER})+(?:'(?:(?![{SPACELESS}]){_LETTER})+)?)"
    r"|(?P<sign>[^\w\s]|\n)"
)


@lru_cache(maxsize=4096)
def cut_tokens(text: str) -> tuple[Token, ...]:
    """The parts of a cleaned text."""
    tokens = []
    for found in _TOKEN.finditer(text):
        kind, part = found.lastgroup or "", found[0]
        folded = fold(part) if kind != "number" else part
        if kind == "word" and not part.isalpha():
            folded = folded.removesuffix("'s").replace("'", "").replace(".", "")
        elif kind == "phone":
            kind, folded = "code", "".join(filter(str.isdigit, part)).lstrip("0")
        elif kind == "link":
            folded = _plain_link(folded)
        elif kind == "code":
            folded = folded.replace("-", "").replace("/", "").strip(".")
        tokens.append(Token(kind, part, folded or part, found.start(), found.end()))
    return tuple(tokens)


def _plain_link(link: str) -> str:
    for start in ("https://", "http://", "www."):
        link = link.removeprefix(start)
    return link.rstrip("/.,;:!?)\"'")
