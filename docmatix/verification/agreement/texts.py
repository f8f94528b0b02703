"""Answers in words compared: the same text, one contained in the other, or how many of their words they share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from docmatix.verification.agreement.readings import Content, Word
from docmatix.verification.agreement.spelling import ARTICLES
from docmatix.verification.agreement.vocabulary import (
    COPULAS,
    FUNCTION,
    HEDGES,
    LEGAL,
    NEGATIONS,
    PLACES,
    PREFIXES,
    TITLES,
    are_alike,
    are_opposite,
)

CONTAINED = 0.9
"""The score of a short answer within a sentence."""
ACRONYM = 0.8
SHORT = 8
"""Words up to which an answer is a name or a phrase, of which every word counts."""
ENOUGH, ENOUGH_OF_START = 0.6, 0.75
"""The share of an answer's words that the other has to have; more where it is the start of it, which is how answers are
cut. Below, token F1 is halved."""
_ALIKE = 0.8  # the similarity of two words that were misread or inflected
_CAPITALS = 0.45  # the share of an answer's words, above which capitals do not tell names
_MANY = 40  # words compared with one another by their letters


class Match(NamedTuple):
    """A score, and by which rule."""

    score: float
    rule: str


class Phrase(NamedTuple):
    """The words of an answer that count, in order, and all of them."""

    content: tuple[Word, ...]
    all: tuple[Word, ...]


def make_phrase(content: Content, words: Sequence[Word], *, legal: bool = False) -> Phrase:
    """What of an answer's words counts: not articles, titles and (unless `legal`) the forms of companies, if there is
    anything else."""
    kept = [word for word in words if word.folded not in ARTICLES or _is_initial(content, word)] or list(words)
    if len(kept) > 1:
        kept = _drop_titles(content, kept)
        kept = kept if legal else _drop_legal(kept)
    kept = _join_initials(content, kept)
    told = [word for word in kept if word.folded not in FUNCTION or (word.capital and word.exact)] or kept
    return Phrase(tuple(told), tuple(kept))


def _is_initial(content: Content, word: Word) -> bool:
    return word.exact and word.capital and _next(content, word.at) == "."


def _drop_titles(content: Content, words: list[Word]) -> list[Word]:
    last = words[-1].at
    kept = [
        word
        for word in words
        if not (word.folded in TITLES and word.at < last and (word.capital or _next(content, word.at) == "."))
    ]
    return kept or words


def has_legal(words: Sequence[Word]) -> bool:
    """Whether an answer ends with the form of a company."""
    return len(words) > 1 and words[-1].folded in LEGAL and words[-1].capital


def _drop_legal(words: list[Word]) -> list[Word]:
    while has_legal(words):
        words = words[:-1]
    if len(words) > 1 and words[-1].folded == "and":
        words = words[:-1]
    return words


def _join_initials(content: Content, words: list[Word]) -> list[Word]:
    """`J. K.` as `JK`, as it may be written."""
    kept: list[Word] = []
    for word in words:
        single = len(word.folded) == 1 and word.folded.isalpha() and _next(content, word.at) == "."
        if single and kept and kept[-1].exact and kept[-1].folded.isalpha() and len(kept[-1].folded) < 4:
            before = kept[-1]
            if word.at - before.at <= 2:
                kept[-1] = Word(before.folded + word.folded, word.at, True, True, word.last)
                continue
        kept.append(word._replace(exact=True) if single else word)
    return kept


def _next(content: Content, at: int) -> str:
    return content.tokens[at + 1].text if at + 1 < len(content.tokens) else ""


def compare_phrases(
    expected: Content, given: Content, one: Phrase, other: Phrase, *, asked: Collection[str], names: bool = True
) -> Match:
    """How well two answers agree by their words, of which those `asked` stand in the question."""
    words, others = [word.folded for word in one.all], [word.folded for word in other.all]
    joined, rejoined = "".join(words), "".join(others)
    if joined == rejoined:
        return Match(1.0, "text")
    if are_contrary(words, others):
        return Match(0.0, "text")
    if not one.content or not other.content:
        return Match(0.0, "tokens")
    pairs = align(one.content, other.content)
    matched = len(pairs)
    if matched == len(one.content) == len(other.content):
        in_order = all(a < b for a, b in pairwise(place for _, place, _ in pairs))
        alike = Levenshtein.normalized_similarity(joined, rejoined)
        mean = sum(similarity for *_, similarity in pairs) / matched
        return Match(round(max(alike, 0.9 * mean) if in_order else 0.95 * mean, 4), "text")
    spelled = _respell(joined), _respell(rejoined)
    if spelled[0] == spelled[1]:
        return Match(0.95, "text")
    if _is_acronym(expected, one, other) or _is_acronym(given, other, one):
        return Match(ACRONYM, "text")
    contained = _find_contained(expected, given, one, other)
    if contained is not None:
        return Match(contained, "contained")
    match = _grade(one, other, pairs, asked)
    return match._replace(score=match.score / 2) if _is_cut_off(expected) != _is_cut_off(given) else match


def _is_acronym(content: Content, one: Phrase, other: Phrase) -> bool:
    """Whether an answer is the first letters of another one, or stands behind it in brackets."""
    if len(one.all) != 1 or not 2 <= len(one.all[0].folded) <= 6:
        return False
    name, token = one.all[0].folded, content.tokens[one.all[0].at].text
    if not token.replace(".", "").isupper():
        return False
    initials = "".join(word.folded[0] for word in other.content if word.folded != name)
    return initials == name or "".join(word.folded[0] for word in other.all if word.folded != name) == name


def are_contrary(words: Collection[str], others: Collection[str]) -> bool:
    """Whether one has a negation that the other lacks, or the opposite of its word."""
    mine, theirs = set(words), set(others)
    negated = bool(mine & NEGATIONS), bool(theirs & NEGATIONS)
    if negated[0] != negated[1] and max(len(words), len(others)) <= 2 * min(len(words), len(others)) + 2:
        return True
    lone, alone = list(mine - theirs)[:_MANY], list(theirs - mine)[:_MANY]
    return any(are_opposite(one, other) for one in lone for other in alone)


def align(ones: Sequence[Word], others: Sequence[Word]) -> list[tuple[int, int, float]]:
    """The words of both that are the same or alike, as places with their similarity, in the order of the first."""
    free: dict[str, list[int]] = {}
    for place in range(len(others) - 1, -1, -1):
        free.setdefault(others[place].folded, []).append(place)
    pairs, left = [], []
    for at, word in enumerate(ones):
        places = free.get(word.folded)
        if places:
            pairs.append((at, places.pop(), 1.0))
        else:
            left.append(at)
    rest = sorted(place for places in free.values() for place in places)
    for at in left[:_MANY]:
        best, chosen = 0.0, -1
        for place in rest[:_MANY]:
            similarity = compare_two(ones[at], others[place])
            if similarity > best:
                best, chosen = similarity, place
        if chosen >= 0:
            rest.remove(chosen)
            pairs.append((at, chosen, best))
    return sorted(pairs)


def compare_two(one: Word, other: Word) -> float:
    """How alike two words are, 0.0 unless they may be one word that was misread, inflected or shortened."""
    a, b = one.folded, other.folded
    if a == b:
        return 1.0
    if a.isdigit() and b.isdigit() and min(len(a), len(b)) >= 7 and abs(len(a) - len(b)) <= 3:
        return 0.9 if a.endswith(b) or b.endswith(a) else 0.0  # with and without the code of the country
    if one.exact or other.exact:
        # an initial for a name
        short, long = (one, other) if len(a) < len(b) else (other, one)
        initial = len(short.folded) == 1 and short.folded.isalpha() and long.capital and not long.exact
        return 0.9 if initial and long.folded.startswith(short.folded) else 0.0
    if are_alike(a, b) or ((one.short or other.short) and _abbreviates(a, b)):
        return 0.9
    if len(a) < 4 or len(b) < 4 or are_opposite(a, b):
        return 0.9 if len(a) > 1 and (a + "s" == b or b + "s" == a) else 0.0
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    if longer.endswith(shorter) and longer[: len(longer) - len(shorter)] in PREFIXES:
        return 0.0
    if longer.startswith(shorter) and len(longer) - len(shorter) <= 3:
        return 0.9
    if _respell(a) == _respell(b):
        return 0.95
    alike = Levenshtein.normalized_similarity(a, b, score_cutoff=_ALIKE)
    if alike or len(shorter) < 6:
        return alike
    # one stem: `propose` and `proposed`, `emission` and `emitted` are not
    stem = len(shorter) - 2
    return 0.85 if a[:stem] == b[:stem] and len(longer) - len(shorter) <= 3 else 0.0


def _abbreviates(one: str, other: str) -> bool:
    """Whether one word is an abbreviation of the other: its first letter, and others of it in order."""
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return len(short) < len(long) and short[0] == long[0] and all(letter in letters for letter in short)


_SPELLINGS = (
    ("rn", "m"),
    ("vv", "w"),
    ("cl", "d"),
    ("ue", "u"),
    ("oe", "o"),
    ("ae", "a"),
    ("1", "l"),
    ("0", "o"),
    ("i", "l"),
)


def _respell(word: str) -> str:
    """A word as OCR may have read it, and without the second letter of `ue` for `ü`."""
    for misread, read in _SPELLINGS:
        if misread in word:
            word = word.replace(misread, read)
    return word


def _find_contained(expected: Content, given: Content, one: Phrase, other: Phrase) -> float | None:
    """The score of the shorter answer as a whole within a sentence that is the other; None if it is not within it, or
    cut from a longer name there."""
    swapped = len(one.content) > len(other.content)
    short, long = (other, one) if swapped else (one, other)
    sentence = expected if swapped else given
    length, extra = len(short.content), len(long.content) - len(short.content)
    if len(long.all) - len(short.all) < (2 if sentence.text.endswith(".") else 3) or extra < 1:
        return None
    names = sorted(word.folded for word in short.content)
    for at in range(len(long.content) - length + 1):
        window = long.content[at : at + length]
        if all(compare_two(a, b) >= 0.85 for a, b in zip(short.content, window, strict=True)):
            break
        if 1 < length <= 4 and sorted(w.folded for w in window) == names:
            break  # `Morgan, Judith`
    else:
        return None
    if _is_cut_off(expected if not swapped else given):
        return None
    first, last = long.content[at].at, max(word.last for word in long.content[at : at + length])
    if _is_negated(long, first) and not any(word.folded in NEGATIONS for word in short.all):
        return 0.0
    capital = short.content[-1].capital or short.content[0].capital
    start, end = _go_on(sentence, first, capital, -1), _go_on(sentence, last, capital, 1)
    if start or end:
        return None
    begins = all(word.at >= first for word in long.all)
    if begins and (not _is_clause_end(sentence, last) or (length > 3 and sentence.tokens[last + 1].text == ",")):
        return None
    behind = [word for word in long.content if word.at > last]
    if _is_listed(sentence, last) and not (behind and behind[0].folded in PLACES):
        return None
    return CONTAINED


def _is_negated(phrase: Phrase, first: int) -> bool:
    before = [word.folded for word in phrase.all if first - 5 <= word.at < first]
    return any(word in NEGATIONS for word in before)


def _is_cut_off(content: Content) -> bool:
    """Whether a text stops where no answer does: at a comma, or at a word that goes with the next one."""
    last = content.tokens[-1]
    return last.text == "," or (len(content.words) > 3 and last.kind == "word" and last.folded in FUNCTION)


def _is_listed(sentence: Content, last: int) -> bool:
    """Whether what ends at a token is one of several, or the first line of an address."""
    tokens = sentence.tokens
    if last + 2 >= len(tokens) or tokens[last + 1].text not in ",;/\n":
        return False
    behind = tokens[last + 2]
    return behind.kind in ("number", "code") or (behind.text[0].isupper() and behind.folded not in FUNCTION)


_BINDING = frozenset("of de du des von der di da do del della".split())


def _go_on(sentence: Content, at: int, capital: bool, step: int) -> bool:
    """Whether a name goes on beyond a token: with another capital, or with `of` and one."""
    place = at + step
    tokens = sentence.tokens
    if step < 0 < place and tokens[place].text == "," and capital:
        # `Hartley, Thomas`
        return tokens[place - 1].text[0].isupper() and tokens[place - 1].folded not in FUNCTION and place > 1
    if not capital or not 0 <= place < len(tokens):
        return False
    token = tokens[place]
    if token.text == "-":
        return True
    if token.folded in LEGAL:
        return False
    if token.folded in _BINDING and 0 <= place + step < len(tokens):
        return step > 0 and tokens[place + step].text[0].isupper()
    if token.kind not in ("word", "code") or not token.text[0].isupper() or token.folded in FUNCTION:
        return False
    return place > 0 and token.folded not in TITLES


def _is_clause_end(sentence: Content, at: int) -> bool:
    """Whether a clause or a subject ends at a token."""
    if at + 1 >= len(sentence.tokens):
        return True
    token = sentence.tokens[at + 1]
    return token.folded in COPULAS or token.text in ",;:.()-\n" or (token.text == '"')


def _grade(one: Phrase, other: Phrase, pairs: Sequence[tuple[int, int, float]], asked: Collection[str]) -> Match:
    """Token F1 over the words that count. It is halved where too much is missing, or where each has a name, a number or
    a letter that the other lacks."""
    mine, theirs = [place for place, *_ in pairs], [place for _, place, _ in pairs]
    lone = [w for at, w in enumerate(one.content) if at not in set(mine) and not _is_idle(w, asked)]
    alone = [w for at, w in enumerate(other.content) if at not in set(theirs) and not _is_idle(w, asked)]
    matched = sum(similarity for *_, similarity in pairs)
    if not matched:
        return Match(0.0, "tokens")
    recall, precision = matched / (len(pairs) + len(lone)), matched / (len(pairs) + len(alone))
    score = 2 * recall * precision / (recall + precision)
    short = max(len(one.content), len(other.content)) <= SHORT
    least = min(recall, precision)
    longer, start = (one, len(other.content)) if len(one.content) > len(other.content) else (other, len(one.content))
    places = mine if longer is one else theirs
    cut = not (lone and alone) and sorted(places) == list(range(start)) and len(longer.content) > start
    if lone and alone:
        named = any(word.exact for word in lone) and any(word.exact for word in alone)
        capitals = (short or _tells_names(one, other)) and all(
            any(w.capital and (short or w.at) for w in each) for each in (lone, alone)
        )
        if named or capitals or (short and least < ENOUGH + 0.07):
            return Match(round(score * (0.3 if named else 0.5), 4), "tokens")
    elif any(word.exact and not word.folded.isalpha() for word in (*lone, *alone)) and short:
        return Match(round(score / 2, 4), "tokens")
    enough = ENOUGH_OF_START if cut else ENOUGH
    if (short or cut) and least <= enough + 0.001:
        score /= 2
    return Match(round(score, 4), "tokens")


def _tells_names(one: Phrase, other: Phrase) -> bool:
    """Whether capitals stand for names in both answers, and not for all nouns, as in German."""
    return all(sum(word.capital for word in each.content) <= _CAPITALS * len(each.content) for each in (one, other))


def _is_idle(word: Word, asked: Collection[str]) -> bool:
    """Whether a word may be missing: one of the question, a hedge, or an initial."""
    return bool(word.folded in asked or word.folded in HEDGES)
