"""What can be a label, a name or an answer in a question: whole, short and plain texts, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docmatix.core.documents import UNKNOWN, Box
from docmatix.text.pieces import fold
from docmatix.text.short_texts import keep_short

MAX_LABEL_CHARS = 80
MAX_LABEL_WORDS = 12
MAX_ANSWER_CHARS = 300
MAX_ANSWER_WORDS = 40

_PAIRS = ("()", "[]", "{}", "«»", "“”", "„“")
_BRACKET = re.compile(f"[{re.escape(''.join(_PAIRS))}]")
_SAYS = re.compile("[A-Za-z0-9]")  # most do; what else is a piece takes long to tell
_BLANK = re.compile(r"__|\.\.\.|…|(?:^|\s)[-–—xX✓✗√]$")
_NO_VALUES = frozenset("n/a n.a n.d none tbd".split())
# in the languages of the wordings
_NOT_LAST = frozenset(
    "of in on at for with and or the a an by to from per und oder der die das mit von zu für im am et ou de du des la "
    "le les y o e el los las del di da della do dos das em van en het een w z na".split()
)
_GOES_ON = re.compile(r"[,;]\s(?:and|or|und|oder|et|ou|y|e|o|en|of|i|lub)$")
_BULLETS = re.compile(r"[•▪‣●■◦➢➤]")


@keep_short(16384)
def is_label(text: str) -> bool:
    """Whether a text can be quoted as what is asked for: short, with letters, whole."""
    return (
        1 < len(text) <= MAX_LABEL_CHARS
        and count_words(text) <= MAX_LABEL_WORDS
        and any(map(str.isalpha, text))
        and _is_whole(text)
        and '"' not in text
        and not _BLANK.search(text)
        and text[-1] not in ",;&-–—"
    )


def breaks_off(text: str) -> bool:
    """Whether a header breaks off: `No. of`, `Data di`."""
    return text.rsplit(maxsplit=1)[-1].lower() in _NOT_LAST


def is_answer(text: str, *, max_words: int = MAX_ANSWER_WORDS) -> bool:
    """Whether a text can be an answer: it says something, and does not break off."""
    return (
        0 < len(text) <= MAX_ANSWER_CHARS
        and count_words(text) <= max_words
        and (_SAYS.search(text) is not None or fold(text) != "")
        and _is_whole(text)
        and not _BLANK.search(text)
        and text.casefold().strip(". ") not in _NO_VALUES
        and text[-1] not in ",;&-–—/:("
        and not _BULLETS.search(text)
        and not _GOES_ON.search(text)
    )


def _is_whole(text: str) -> bool:
    """Whether a text is printable, known to its last letter, and closes its brackets."""
    if UNKNOWN in text or not text.isprintable():
        return False
    return _BRACKET.search(text) is None or all(_closes(text, *pair) for pair in _PAIRS)


def _closes(text: str, opening: str, closing: str) -> bool:
    # list marks such as `a)` close what was never opened
    return text.count(opening) == text.count(closing) or (opening == "(" and re.match(r"\w{1,3}\)", text) is not None)


_CITED = re.compile(r"(?:^|\W)[A-Z]\.,?(?:\W|$).*?(?:^|\D)(?:18|19|20)\d\d[a-z]?(?:\D|$)")


def join_list(texts: Iterable[str], language: str) -> str:
    """Several answers as one, divided as a language does; items that end as sentences do lose their mark."""
    return ("；" if language in ("zh", "ja") else "; ").join(text.rstrip(".;,；，。") for text in texts)


def looks_cited(text: str) -> bool:
    """Whether a text is an entry of a bibliography: initials, then a year."""
    return _CITED.search(text[:200]) is not None


def holds(box: Box, other: Box) -> bool:
    """Whether the middle of `other` is in `box`."""
    return box.x0 <= (other.x0 + other.x1) / 2 <= box.x1 and box.y0 <= (other.y0 + other.y1) / 2 <= box.y1


def strip_label(label: str) -> str:
    """A label without the marks that lead to its value."""
    return label.rstrip(" :.…").lstrip("•*-–— ")


def strip_number(heading: str) -> tuple[str, str]:
    """The number of a heading (`1.2`) and the rest; no number where it has none."""
    match = _NUMBERED.match(heading)
    return (match["number"].rstrip("."), heading[match.end() :]) if match else ("", heading)


def strip_mark(heading: str) -> str:
    """A heading without its number or letter: `B. Chatbots`, `(o) Credit`."""
    return _MARKED.sub("", strip_number(heading)[1])


_MARKED = re.compile(r"^(?:\([A-Za-z0-9]{1,3}\)|(?:[A-Z]|[IVX]{1,5})\.)\s+(?=\w)")
_NUMBERED = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}\.?)\s+(?=\D)")


def count_words(*texts: str) -> int:
    """Words, two signs of a script without spaces counting as one."""
    count = 0
    for text in texts:
        count += len(text.split()) + (0 if text.isascii() else len(_SPACELESS.findall(text)) // 2)
    return count


_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
