"""Answers in scripts without spaces between words compared, by their characters."""

from __future__ import annotations

import re
from collections import Counter

from rapidfuzz.distance import Levenshtein

from docmatix.verification.agreement.texts import CONTAINED, ENOUGH, ENOUGH_OF_START, SHORT, Match

_PARTICLES = tuple("はがをにでのともへやからまで은는이가을를의에와과로도的是在了和与及。，,.;:!?()）（」』】")
_COMPANY = re.compile(r"주식회사|㈜|株式会社|(?:股份)?有限公司$|\(株\)")
_PUNCTUATION = re.compile(r"[^\w\s]")
_ENDINGS = ("でした", "です", "である", "입니다", "이다", "だ", "了")
_HEAD = 0.8
"""The score of the end of a name, which is its head: `東京大学` of `国立大学法人東京大学`."""
_SENTENCE = 4  # characters more than the shorter answer, from which the longer is a sentence


def compare_characters(expected: str, given: str) -> Match:
    """How well two answers in characters agree; both folded, without spaces."""
    one, other = _strip_ending(expected), _strip_ending(given)
    if _PUNCTUATION.sub("", one) == _PUNCTUATION.sub("", other):
        return Match(1.0, "text")
    if not one or not other:
        return Match(0.0, "text")
    short, long = sorted((one, other), key=len)
    at = long.find(short)
    if at >= 0:
        behind = long[at + len(short) :]
        if len(long) - len(short) >= _SENTENCE and (not behind or behind.startswith(_PARTICLES)):
            return Match(CONTAINED if at else 0.7, "contained")
        if at and not behind and len(short) > 2:
            return Match(_HEAD, "contained")
        ratio = len(short) / len(long)
        return Match(round(ratio if ratio > ENOUGH_OF_START else ratio / 2, 4), "tokens")
    alike = Levenshtein.normalized_similarity(one, other)
    if len(short) <= SHORT:
        return Match(round(alike / 2, 4), "text")
    shared = sum((Counter(one) & Counter(other)).values())
    f1 = 2 * shared / (len(one) + len(other))
    return Match(round(alike, 4), "text") if alike >= 0.5 else Match(round(f1 if f1 > ENOUGH else f1 / 2, 4), "tokens")


def _strip_ending(text: str) -> str:
    text = _COMPANY.sub("", text.strip("。.,;:!?()\"' "))
    for ending in _ENDINGS:
        if text.endswith(ending) and len(text) > len(ending) + 1:
            return text.removesuffix(ending)
    return text
