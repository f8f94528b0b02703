"""How well a page's text layer reads, 0..1: whether its letters follow each other as they do in some language.

Letters that are shifted, swapped, interleaved, misread by OCR or decoded by the wrong table do not. Numbers, names and
code do, or are too few letters to tell. `docs/design/text.md` says what the thresholds were measured on.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from docmatix.text.languages import identify_language

if TYPE_CHECKING:
    from docmatix.text.letters import Reading

MIN_QUALITY = 0.65  # below it, a page is `garbled`

MIN_LETTERS = 60  # in words of three letters and more: with fewer, nothing is said
MAX_CHARS = 20_000  # of a page that are examined
MIN_SHARE = 0.4  # of a page's letters, for a script to be judged

# mean rarity of a letter in nats: prose has 2.2 to 2.9, tables 3.4, interleaved texts 4.6, shifted ones 6
_GOOD, _BAD = 2.6, 4.6
_DOUBT = 4.0  # over the root of the number of letters: what chance may add
# languages without statistics; gibberish in Latin letters is rarer still
_FOREIGN = frozenset("ba be ga gd hy is ka kk ky mn ps sr tg tk tt ug uz".split())
_MAX_FOREIGN = 5.0
_UNKNOWN_SHARE = 0.03  # of the letters of another script, from which its language is unknown (Kurdish, Ossetian)

_MISDECODED_SHARE = 0.004  # of the characters: English with curly quotes has 0.005, French 0.03
_MIN_MISDECODED = 20

# What OCR makes of dirt and bad print, with its share of the words. Honest pages have one or two of them (code, forms,
# formulas), newspapers that nobody could read have all five.
_DAMAGE = (
    (re.compile(r"(?<!\S)(?!\.+(?!\S))[.,;:'\"!`^~\\]+(?!\S)"), 0.012),  # punctuation that stands alone
    (re.compile(r"[A-Za-z](?:[;:!,\"^~\\]|[.,;:!'^~]{2,})[A-Za-z]"), 0.004),  # or within a word
    (re.compile(r"(?<![A-Za-z])(?:[A-Z]?[a-z]+[A-Z]|[A-Z]{2,}[a-z])[A-Za-z]*"), 0.02),  # capitals within words
    (re.compile(r"(?<!\S)[bcdfghjlmnpqrtxBCDFGHJLMNPQRTX](?!\S)"), 0.02),  # letters that are no word
)
_ODD_FROM, _ODD_SHARE = 4.0, 0.10  # words so rare that no language has them
_WORD = re.compile(r"\S*[^\W\d_]\S*")
_NAME = re.compile(r"(?<!\S)[A-ZÀ-ÞĀ-Ž][a-zà-žß-ÿạ-ỹ]{2,}")

_PRINTABLE = 94  # ASCII characters from `!`
_MIN_SHIFTED = 120
_MIN_DAMAGED = 400  # letters


def measure_quality(text: str) -> float | None:
    """How well a page's text reads, 0 (gibberish) to 1; None if it has too few letters, or a script or a language of
    which nothing is known."""
    import numpy as np

    from docmatix.text.letters import MARK, load_letters

    text = text[:MAX_CHARS]
    if text.count("(cid:") * 7 > 0.3 * len(text):
        return 0.0  # numbers of glyphs instead of letters
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    known = load_letters()
    counts = np.bincount(known.script_of[codes], minlength=16)
    if counts[MARK]:
        codes = codes[known.script_of[codes] != MARK]
    least = max(MIN_LETTERS, MIN_SHARE * int(counts[1:].sum()))
    readings = {
        script.name: reading
        for number, script in enumerate(known.scripts, 1)
        if counts[number] >= least
        and (reading := script.read(codes, min_letters=MIN_LETTERS, odd_from=_ODD_FROM)) is not None
    }
    letters = sum(reading.letters for reading in readings.values())
    shifted = _measure_shifted(codes, letters=letters)
    count = _count_misdecoded(codes)
    misdecoded = min(1.0, count / (_MISDECODED_SHARE * max(1, len(codes))))
    if not readings:
        # so many signs between the letters that no words are left
        bad = max(shifted, misdecoded / 2 if count >= _MIN_MISDECODED else 0.0)
        return round(1 - bad, 3) if bad else None
    quality = sum(_rate(reading) * reading.letters for reading in readings.values()) / letters
    if quality < MIN_QUALITY:
        if _is_foreign(text, readings):
            return None
        if _is_list_of_names(text):
            script = known.scripts[0]
            by_word = script.read(codes, min_letters=MIN_LETTERS, odd_from=_ODD_FROM, by_word=True)
            quality = quality if by_word is None else _rate(by_word)
    odd = max(reading.odd for reading in readings.values())
    damage = _measure_damage(text, odd=odd) if letters >= _MIN_DAMAGED and _has_dirt(codes) else 0.0
    return round(min(quality, 1 - damage, 1 - shifted) * (1 - misdecoded / 2), 3)


def _is_foreign(text: str, readings: dict[str, Reading]) -> bool:
    """Whether a text that reads badly is surely in a language without statistics."""
    latin = readings.get("latin")
    if latin is not None and latin.mean > _MAX_FOREIGN:
        return False
    # the other languages without statistics read well enough, or are what gibberish is taken for
    if identify_language(text, min_confidence=0.98) in _FOREIGN:
        return True
    unknown = max(reading.unknown for name, reading in readings.items() if name != "latin") if latin is None else 0.0
    return unknown > _UNKNOWN_SHARE and identify_language(text, min_confidence=0.9) is not None


def _is_list_of_names(text: str) -> bool:
    return 2 * len(_NAME.findall(text)) > len(_WORD.findall(text))


def _rate(reading: Reading) -> float:
    # fewer letters prove less: a page of 60 must be half a nat worse
    rarities = reading.windows - _DOUBT / math.sqrt(reading.letters)
    return float(((_BAD - rarities) / (_BAD - _GOOD)).clip(0, 1).mean())


def _count_misdecoded(codes: Any) -> int:
    """How often a text has UTF-8 read as one-byte characters, or accents read by another table: `Ã©`, `rÈsultat`."""
    import numpy as np

    marks = _list_marks()[codes]
    one, two, three = marks[:-2], marks[1:-1], marks[2:]
    pairs = ((one & _LEAD) > 0) & ((two & _FOLLOWS) > 0)
    roots = ((one & _ROOT) > 0) & ((two & _FOLLOWS_ROOT) > 0)
    inside = ((one & _SMALL) > 0) & ((two & _ODD) > 0) & ((three & _SMALL) > 0)
    return int(np.count_nonzero(pairs | roots | inside))


_LEAD, _FOLLOWS, _ROOT, _FOLLOWS_ROOT, _SMALL, _ODD, _LETTER, _DIRT = (1 << bit for bit in range(8))
_SIGNS = "‚„†‡ˆ‰‹›˜™¡¢£¤¥¦§©¬®¯±¶¸¹¼½¾¿×÷√"  # none of them stands within a word; acute accents do in old files
_MARKS = (
    (_LEAD, "ÂÃÄÅÎÏÐÑ×Ø"),  # the first bytes of European, Hebrew and Arabic letters in UTF-8, by Latin-1
    (_FOLLOWS, "".join(map(chr, range(0x80, 0xC0))) + "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"),
    (_ROOT, "√¬"),  # the same by Mac Roman
    (_FOLLOWS_ROOT, "ßº®†°¢£§•¶©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªΩæø¿¡¬√ƒ≈∆«»…"),
    (_SMALL, "abcdefghijklmnopqrstuvwxyz"),
    (_LETTER, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (_DIRT, ';:!,"^~\\'),
    (_ODD, "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŠŒŽ" + _SIGNS),
)


@cache
def _list_marks() -> Any:
    import numpy as np

    marks = np.zeros(1 << 16, np.uint8)
    for mark, characters in _MARKS:
        marks[[ord(character) for character in characters]] |= mark
    return marks


def _has_dirt(codes: Any) -> bool:
    """Whether punctuation stands within words, as on hardly any honest page: a look before the longer ones."""
    import numpy as np

    marks = _list_marks()[codes]
    within = ((marks[:-2] & _LETTER) > 0) & ((marks[1:-1] & _DIRT) > 0) & ((marks[2:] & _LETTER) > 0)
    return bool(np.count_nonzero(within) * 4000 >= len(codes))


def _measure_damage(text: str, *, odd: float) -> float:
    """0 to 1; 0.5 where four kinds of OCR's damage are as frequent as on no honest page together."""
    words = max(1, len(_WORD.findall(text)))
    kinds = [min(1.25, len(pattern.findall(text)) / words / share) for pattern, share in _DAMAGE]
    kinds.append(min(1.25, odd / _ODD_SHARE))
    damage = min(1.0, max(0.0, sum(kinds) - 3) / 2)
    full = sum(kind >= 1 for kind in kinds)
    return damage if full >= 4 or (full == 3 and kinds[1] >= 1 and kinds[4] >= 1) else min(damage, 0.3)


def _measure_shifted(codes: Any, *, letters: int) -> float:
    """The share of a text (0..1) that reads well once a constant is taken from its ASCII codes. Where letters became
    digits and signs, too few are left to be judged themselves."""
    import numpy as np

    from docmatix.text.letters import load_letters

    signs = codes[(codes > 32) & (codes < 127)]
    # no letter comes three times: leader dots, lines to write on, with spaces between them or without
    signs = signs[np.concatenate((signs[:2] >= 0, (signs[2:] != signs[1:-1]) | (signs[1:-1] != signs[:-2])))]
    counts = np.bincount(signs - 33, minlength=_PRINTABLE)
    undigited = len(signs) - int(counts[15:25].sum())
    if undigited < _MIN_SHIFTED or letters > 0.5 * undigited:
        return 0.0
    # how likely the counts are, had the codes been lowered by -93..93
    likelihoods = np.correlate(counts.astype(float), _expect_signs(), "full")
    shift = int(likelihoods.argmax()) - (_PRINTABLE - 1)
    if shift in (0, 32, -32):  # small letters instead of capitals are no news
        return 0.0
    restored = codes.astype(np.int32) - shift
    restored[(codes <= 32) | (codes >= 127) | (restored <= 32)] = 32
    reading = load_letters().scripts[0].read(restored.astype(np.uint16), min_letters=MIN_LETTERS, odd_from=_ODD_FROM)
    if reading is None or _rate(reading) < 0.7:
        return 0.0
    return min(1.0, reading.letters / undigited)


@cache
def _expect_signs() -> Any:
    """The logarithm of how frequent each ASCII sign is in European text, up to a constant that unknown signs lack."""
    import numpy as np

    shares = np.full(_PRINTABLE, 2e-4)
    shares[15:25] = 0.004
    for place, letter in enumerate("etaoinsrhldcumfpgwybvkxjqz"):
        shares[ord(letter) - 33] = 0.12 * 0.87**place
        shares[ord(letter.upper()) - 33] = 0.006 * 0.87**place
    return np.log(shares) - np.log(1e-5)
