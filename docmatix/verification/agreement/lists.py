"""Answers that are lists, in any order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from docmatix.verification.agreement.readings import Content
from docmatix.verification.agreement.vocabulary import CONJUNCTIONS, CONJUNCTIONS_OF, COPULAS

FEWEST = 0.6
"""The share of a list's items that the other has to have; otherwise F1 is halved."""
FEWEST_OTHERS = 0.75
"""The same where both have items that the other lacks, as the parts of another address."""
LONG_ON_AVERAGE = 4  # words of the items between commas
LONGEST = 8  # words of an item: a longer one is a clause of a sentence
_MOST = 60  # items
_COMPARED = 12  # items of each that are compared with one another, where no other is the same to the letter
_BULLET = re.compile(r"(?m)^\s*(?:[-•*·‣▪–○●]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+")


def split_items(content: Content, language: str | None) -> list[str]:
    """The items of a list, as text; empty if an answer is no list."""
    text = content.text
    if "\n" in text:
        lines = [_BULLET.sub("", line).strip(" ,;") for line in text.split("\n")]
        items = [line for line in lines if line and not line.endswith(":")]
        return items[:_MOST] if len(items) > 1 else []
    cuts = _find_cuts(content, language)
    if not cuts:
        return []
    items, start = [], 0
    for first, last in (*cuts, (len(text), len(text))):
        item = _BULLET.sub("", text[start:first].strip(" ,;."))
        if item:
            items.append(item)
        start = last
    if len(items) < 2 or any(item.count(" ") >= LONGEST for item in items[1:]):
        return []
    items[0] = _drop_introduction(items[0])
    if any(word.lower() in COPULAS for item in items for word in item.replace("'", " ").split()):
        return []  # clauses
    if not all(text[first:last] in (";", "|") for first, last in cuts) and sum(
        item.count(" ") + 1 for item in items
    ) > LONG_ON_AVERAGE * len(items):
        return []  # clauses, too
    joined = all(text[first:last].isalpha() or text[first:last] == "&" for first, last in cuts)
    if joined and any(item.count(" ") > 2 for item in items):
        return []  # a sentence with `and`
    return items[:_MOST] if items[0].count(" ") < LONGEST else []


def _find_cuts(content: Content, language: str | None) -> list[tuple[int, int]]:
    """Where the items of a list part, as spans of the text: at semicolons, or else at commas, slashes and `and`."""
    taken = {place for value in content.values for place in range(value.first, value.end)}
    conjunctions = CONJUNCTIONS | set((CONJUNCTIONS_OF.get(language or "") or "").split())
    strong, weak = [], []
    for at, token in enumerate(content.tokens):
        if at in taken:
            continue
        span = token.start, token.end
        if token.text in (";", "|"):
            strong.append(span)
        elif token.text in (",", "/", "•") or (token.folded in conjunctions and 0 < at < len(content.tokens) - 1):
            weak.append(span)
    return strong or weak


def _drop_introduction(item: str) -> str:
    """The first item behind `The metals are` or `Metals:`."""
    _head, sign, tail = item.rpartition(": ")
    if sign and not any(map(str.isdigit, tail)):
        return tail
    words = item.split()
    for at, word in enumerate(words[:-1]):
        if word.lower() in COPULAS:
            return " ".join(words[at + 1 :])
    return item


def compare_items(ones: Sequence[str], others: Sequence[str], compare: Callable[[str, str], float]) -> float:
    """F1 over the items of two lists, each matched with the one of the other list that agrees best."""
    left: list[str] = []
    free: dict[str, list[int]] = {}
    for place, item in enumerate(others):
        free.setdefault(item.casefold(), []).append(place)
    matched = 0.0
    for item in ones:
        places = free.get(item.casefold())
        if places:
            places.pop()
            matched += 1.0
        else:
            left.append(item)
    rest = [others[place] for places in free.values() for place in places]
    scores = sorted(
        (
            (compare(one, other), at, place)
            for at, one in enumerate(left[:_COMPARED])
            for place, other in enumerate(rest[:_COMPARED])
        ),
        key=lambda each: (-each[0], each[1:]),
    )
    used: set[tuple[str, int]] = set()
    for score, at, place in scores:
        if score < 0.5:
            break
        if ("one", at) not in used and ("other", place) not in used:
            used |= {("one", at), ("other", place)}
            matched += score
    f1 = 2 * matched / (len(ones) + len(others))
    swapped = len(used) // 2 < min(len(left), len(rest))
    least = matched / max(len(ones), len(others))
    short, long = sorted((ones, others), key=len)
    if [item.casefold() for item in long[: len(short)]] == [item.casefold() for item in short]:
        swapped = True  # cut
    return f1 / 2 if least <= (FEWEST_OTHERS if swapped else FEWEST) else f1
