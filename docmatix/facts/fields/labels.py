"""What can be a label and what a value, by letters, digits and punctuation alone, in any language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from docmatix.core.documents import UNKNOWN
from docmatix.facts.fields.chunks import BLANK, DOTS, Token
from docmatix.text.hyphens import HYPHENS, mend_word
from docmatix.text.numbers import CURRENCY, SYMBOLS

MAX_LABEL_CHARS = 64
MAX_LABEL_WORDS = 9
_WEB = re.compile(r"://|www\.|@|\\|\.(?:com|org|net|pdf|html?)\b", re.IGNORECASE)
_CODE = re.compile(r"[={}<>;_|~^`\"]|\w\(\)|\w\.\w+\(|->|::")
_SENTENCE = re.compile(r"[^\W\d]{3}[.!?]['\"”»)]? +[^\W\da-z]|[。！？]")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_ABBREVIATION = re.compile(r"(?:^|[ ./(-])[^\W\d]{1,5}\.$")
_NUMBERED = re.compile(r"[^\W\d]+\.? ?(?:(?:[A-Z]\.?)?\d{1,3}(?:[.-]\d{1,3})*[a-z]?|[A-Z]|[IVXL]{1,5})")
_FILLED = re.compile(r"^[•·∙▪■►➢*.…_]|[.…·∙•_]\s*[.…·∙•_]|[…·∙•_]$")
_BULLET = re.compile(r"^[•·∙▪■►➢*]\s+")
_TRAILING = re.compile(r"\s*(?:[.…·∙•]{2,}|(?:\. ?){3,}|_{2,})\s*$")
_LEADING = re.compile(r"^(?:[.…·∙•]{2,}|_{2,})\s*")
_SECTION = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,2})+\b")
_MARK = re.compile(r"[\u00b2\u00b3\u00b9\u2070-\u209c\u02b0-\u02b8\u1d2c-\u1d6a]")  # raised or lowered
_QUOTE = re.compile(r"[\"“„«‘]")
_PAGE = re.compile(r"\d{1,4}|[ivxlc]{1,7}")


@lru_cache(maxsize=4096)
def strip_label(text: str) -> str:
    """A label without its colon, leader dots and blank; the point of an abbreviation stays."""
    bare = text.strip(" :：")
    if not _FILLED.search(bare):
        return bare
    bare = _BULLET.sub("", bare)
    for _ in range(2):
        bare = _TRAILING.sub("", bare).rstrip(" :：")
    return _LEADING.sub("", bare)


def is_balanced(text: str) -> bool:
    """Whether each bracket has its other half."""
    open_ones: list[str] = []
    for character in text:
        if character in "([{":
            open_ones.append(character)
        elif character in _BRACKETS and (not open_ones or open_ones.pop() != _BRACKETS[character]):
            return False
    return not open_ones


def count_letters(text: str) -> int:
    return sum(map(str.isalpha, text))


@lru_cache(maxsize=4096)
def is_label(label: str) -> bool:
    """Whether a stripped text can name a value: a few words that begin like a name, no sentence, address or code."""
    if (
        not label
        or len(label) > MAX_LABEL_CHARS
        or max(label) > "\uffff"
        or UNKNOWN in label
        or len(label.split()) > MAX_LABEL_WORDS
    ):
        return False
    letters = count_letters(label)
    marks = len(label.replace(" ", ""))
    if letters < (0.3 if label[0].isalpha() else 0.5) * marks or (letters < 2 and label.isascii()):
        return False
    first = next(character for character in label if character.isalnum())
    if first.islower() and label[:2].lower() == label[:2]:
        words = label.split()
        if not any(word[0].isupper() for word in words[:2]):
            return False
    if label[:3].isdigit() or _SECTION.match(label) or re.search(r".\d[.)] ", label[2:]):
        return False
    if (label[0] not in "(#№§¿" and not label[0].isalnum()) or _MARK.match(label):
        return False
    if label[-1] in ",;!-–—&/+" or (label[-1] == "." and not _ABBREVIATION.search(label)):
        return False
    if _WEB.search(label) or _CODE.search(label) or _SENTENCE.search(label) or ":" in label:
        return False
    return is_balanced(label)


def is_numbered(label: str) -> bool:
    """Whether a label counts things up, as captions and chapters do: `Figure 3`, `Step 1`, `Tabelle 2.1`."""
    return _NUMBERED.fullmatch(label) is not None and any(map(str.isdigit, label))


@lru_cache(maxsize=4096)
def is_value(text: str) -> bool:
    """Whether a text can be what a label asks for."""
    if not any(map(str.isalnum, text)) or UNKNOWN in text or len(text) > 240 or "\\" in text or "();" in text:
        return False
    if _QUOTE.match(text) and not re.search(r"[\"“”»’]", text[1:]):
        return False  # a quotation that goes on
    return (
        not BLANK.search(text)
        and not DOTS.search(text.replace("...", "", 1))
        and text[-1] not in "{;=–—,:："
        and text[0] not in ",;.)*†‡→•▪■●"
    )


@lru_cache(maxsize=4096)
def reads_on(text: str) -> bool:
    """Whether a text is running prose: sentences, or a long row of words in small letters."""
    words = text.split()
    if _SENTENCE.search(text):
        return True
    small = sum(word[0].islower() for word in words)
    if len(words) >= 6 and text[-1] in ".!?…;" and small >= 0.5 * len(words):
        return True
    return len(words) >= 10 and small >= 0.6 * len(words)


Shape = Literal["number", "code", "text"]
_NUMBER = re.compile(rf"(?:[\d\s.,'’%+\-–−()/:{SYMBOLS}]|{CURRENCY}|(?<=\d)[hm](?=\d|$))*", re.IGNORECASE)


@lru_cache(maxsize=4096)
def find_shape(text: str) -> Shape:
    """`number`: digits with their signs and a currency, `code`: words with digits or an @, `text`: words alone."""
    if not any(map(str.isdigit, text)):
        return "code" if "@" in text or "www." in text else "text"
    return "number" if _NUMBER.fullmatch(text) else "code"


def is_contents(values: Sequence[str]) -> bool:
    """Whether values are page numbers, as in a list of contents: whole numbers that never fall, or Roman ones."""
    pages = [value for value in values if _PAGE.fullmatch(value)]
    numbers = [int(page) for page in pages if page.isdigit()]
    return len(pages) >= 0.7 * len(values) and all(a <= b for a, b in pairwise(numbers))


def ends_with_colon(text: str) -> bool:
    return text.endswith((":", "："))


def join(tokens: Sequence[Token]) -> str:
    """Tokens as they are printed: parts of one word without a space."""
    text, before = "", None
    for token in tokens:
        text += token.text if before is None or before == token.place else " " + token.text
        before = token.place
    return text


def join_lines(tokens: Sequence[Token]) -> str:
    """Tokens of one line or more as `join` does; a word broken at a line's end is whole."""
    ends = [
        at + 1
        for at, (one, other) in enumerate(pairwise(tokens))
        if other.y0 > one.y0 + 0.5 * one.size and one.text.endswith(HYPHENS)
    ]
    text, start = "", 0
    for end in (*ends, len(tokens)):
        following = join(tokens[start:end])
        start = end
        if not text:
            text = following
            continue
        rest, space, last = text.rpartition(" ")
        first, after, others = following.partition(" ")
        mended = mend_word(last, first)
        text = f"{text} {following}" if mended is None else f"{rest}{space}{mended}{after}{others}"
    return text
