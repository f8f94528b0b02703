"""Two answers compared, by the first rule that decides."""

from __future__ import annotations

import re
from typing import NamedTuple

from docmatix.verification.agreement.characters import compare_characters
from docmatix.verification.agreement.frames import remove_frame
from docmatix.verification.agreement.lists import compare_items, split_items
from docmatix.verification.agreement.questions import read_question
from docmatix.verification.agreement.readings import Content, Value, Word, read_content
from docmatix.verification.agreement.spelling import clean, fold, fold_words
from docmatix.verification.agreement.texts import (
    Match,
    align,
    are_contrary,
    compare_phrases,
    has_legal,
    make_phrase,
)
from docmatix.verification.agreement.values import Terms, compare_values, name_rule
from docmatix.verification.agreement.verdicts import is_not_answerable, is_polar, read_yes_no
from docmatix.verification.agreement.vocabulary import HEDGES, NEGATIONS, PLACES


class Agreement(NamedTuple):
    """How well two answers agree (0..1), and by which rule that was decided: `exact`, `empty`, `not_answerable`,
    `yes_no`, `code`, `number`, `date`, `time`, `list`, `text`, `contained` or `tokens`."""

    score: float
    rule: str


_LEAD = re.compile(
    r"^(?:(?:the|la|die|a|le) )?(?:correct |final )?(?:answer|antwort|reponse|réponse|respuesta|risposta|resposta|"
    r"antwoord|odpowiedź|odpowiedz|ответ|答案|答え|回答|答)(?:\s?[:：]|\s(?:is|ist|est|es|è|lautet|é)\b\s?:?|[是は])\s*(?=\S)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?:[^\d\W]+\.?:?\s){0,2}(\+?[\d(][\d\s()./-]{5,}[\dX])", re.IGNORECASE)
_STUCK = re.compile(r"(?<=[^\W\d_])[- ](?=\d)")
"""What parts the letters and digits of a name, or does not: `ISO-9001`."""
_SHARES = {
    share: value
    for value, shares in {
        "50 %": "half|one half|a half|die halfte|halfte|la moitie|moitie|la mitad|mitad|la meta|metade|polowa",
        "33.3 %": "a third|one third|one-third|ein drittel|un tiers|un tercio|un terzo|um terco",
        "66.7 %": "two thirds|two-thirds|zwei drittel|deux tiers|dos tercios|due terzi|dois tercos",
        "25 %": "a quarter|one quarter|ein viertel|un quart|un cuarto|un quarto",
        "75 %": "three quarters|drei viertel|trois quarts|tres cuartos|tre quarti",
    }.items()
    for share in shares.split("|")
}
_BRACKETED = re.compile(r"([^()]{2,}?)\s*\(([^()]{2,})\)\.?")
_IMPLIED = 0.6
"""The score where a sentence says without the word what `yes` or `no` says."""
_CLAUSE = 14  # its words
_NUMERIC = re.compile(r"\d")
_FRAMED = 4
"""Tokens above which an answer may be a sentence."""
_PARTING = re.compile(r"(?<!\d)[,;|•·]|[,;|•·](?!\d)|(?<=\s)[-/](?=\s)|(?<=\b[a-z])-(?=\d{4})")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_FEW = 4
"""Words beside a value up to which an answer is that value."""


def compare_answers(
    expected: str, given: str, *, question: str = "", language: str | None = None, tolerance: float = 0.05
) -> Agreement:
    """Compare an answer with another one to the same question. `tolerance` is how far numbers may be apart, relative to
    the expected one; `language` (ISO 639-1) that of the document, whose decimal and date signs decide first."""
    one, other = _prepare(expected), _prepare(given)
    words, others = fold_words(one), fold_words(other)
    if not words or not others:
        return Agreement(0.0, "empty")
    if one == other or (words == others and not _NUMERIC.search(one)):
        return Agreement(1.0, "exact")
    unanswerable = is_not_answerable(one), is_not_answerable(other)
    if any(unanswerable):
        return Agreement(float(all(unanswerable)), "not_answerable")
    said = read_yes_no(one), read_yes_no(other)
    if said[0] is not None and said[1] is not None and (min(len(words), len(others)) == 1 or said[0] != said[1]):
        return Agreement(float(said[0] == said[1]), "yes_no")
    if said.count(None) == 1 and is_polar(question):
        affirmed = NEGATIONS.isdisjoint(others if said[1] is None else words)
        if min(len(words), len(others)) <= 3 and max(len(words), len(others)) <= _CLAUSE:
            return Agreement(_IMPLIED if affirmed in said else 0.0, "yes_no")
    if (_STUCK.search(one) or _STUCK.search(other)) and fold(_STUCK.sub("", one)) == fold(_STUCK.sub("", other)):
        return Agreement(1.0, "text")
    one, other = _SHARES.get(fold(one), one), _SHARES.get(fold(other), other)
    terms = Terms(language, read_question(question), tolerance)
    return _compare(one, other, terms, depth=0)


def _prepare(text: str) -> str:
    text = clean(text)
    return _LEAD.sub("", text, count=1) if len(text) > 3 else text


def _compare(expected: str, given: str, terms: Terms, *, depth: int) -> Agreement:
    if _is_parted_alike(expected, given):
        return Agreement(1.0, "text")
    one, other = read_content(expected, terms.language), read_content(given, terms.language)
    codes = _CODE.fullmatch(expected), _CODE.fullmatch(given)
    dated = any(name_rule(value) == "date" for value in (*one.values, *other.values))
    if codes[0] and codes[1] and not dated and (found := _compare_codes(codes[0][1], codes[1][1], terms)):
        return found
    if depth == 0 and (found := _compare_bracketed(expected, given, terms)):
        return found
    if depth == 0 and max(len(one.tokens), len(other.tokens)) > _FRAMED:
        bare = _remove_frames(one, other, terms)
        if bare != (expected, given):
            return _compare(*bare, terms, depth=1)
    terms = terms._replace(words=({word.folded for word in one.words}, {word.folded for word in other.words}))
    if len(one.values) == 1 == len(other.values):
        found = _compare_single(one, other, terms)
        if found:
            return found
    if depth < 2 and (found := _compare_lists(one, other, terms)):
        return found
    return _compare_contents(one, other, terms)


def _is_parted_alike(one: str, other: str) -> bool:
    """Whether two answers are the same words in the same order, as of an address, and only commas or dashes between
    them differ; not of bare numbers, of which a dash makes a range."""
    bare = [" ".join(_PARTING.sub(" ", fold(each)).split()) for each in (one, other)]
    return bare[0] == bare[1] and len(_LETTERS.findall(bare[0])) >= 2


def _compare_bracketed(expected: str, given: str, terms: Terms) -> Agreement | None:
    """An answer that says the same twice, `carbon dioxide (CO2)`, against one that says it once."""
    brackets = _BRACKETED.fullmatch(expected), _BRACKETED.fullmatch(given)
    if (brackets[0] is None) == (brackets[1] is None):
        return None
    for part in (1, 2):
        one, other = (
            bracket[part] if bracket else text for bracket, text in zip(brackets, (expected, given), strict=True)
        )
        found = _compare(one, other, terms, depth=1)
        if found.score >= 0.9:
            return Agreement(round(0.95 * found.score, 4), found.rule)
    return None


def _remove_frames(one: Content, other: Content, terms: Terms) -> tuple[str, str]:
    """Both answers without the words that only take up the question, where one is a sentence and the other is not."""
    words = [{token.folded for token in each.tokens if token.kind != "sign"} for each in (one, other)]
    if len(one.tokens) == len(other.tokens):
        return one.text, other.text
    long = len(one.tokens) > len(other.tokens)
    bare = remove_frame(one, terms.asked.words, words[1]) if long else remove_frame(other, terms.asked.words, words[0])
    if bare is None:
        return one.text, other.text
    return (bare, other.text) if long else (one.text, bare)


def _compare_codes(expected: str, given: str, terms: Terms) -> Agreement | None:
    """Numbers of telephones, books and the like, by their digits."""
    if not (_is_code(expected) and _is_code(given)) and terms.asked.kind != "code":
        if not (_is_code(expected) or _is_code(given)):
            return None
        if any(len(re.sub(r"\D", "", each)) < 7 for each in (expected, given)):
            return None
    digits, others = (re.sub(r"[^\dX]", "", each.upper()).lstrip("0") for each in (expected, given))
    if digits == others:
        return Agreement(1.0, "code")
    short, long = sorted((digits, others), key=len)
    # with and without the code of the country
    return Agreement(0.9 if len(short) >= 7 and long.endswith(short) and len(long) - len(short) <= 3 else 0.0, "code")


def _is_code(text: str) -> bool:
    groups = [group for group in re.split(r"\D+", text) if group]
    if text[0] in "+(" and len(groups) > 1 and ("+" in text or (text.count("(") == 1 and len(groups) > 2)):
        return True
    hyphens = text.count("-") + text.count("/")
    return (
        len(groups) >= 3 and hyphens >= 2 and not re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", text.strip())
    ) or (len(groups) >= 2 and text[0] == "0" and len(groups[0]) > 2 and len("".join(groups)) >= 7)


def _compare_single(one: Content, other: Content, terms: Terms) -> Agreement | None:
    """Two answers that each are one value with a few words beside it."""
    asked = terms.asked.words
    beside = [
        [word for word in make_phrase(each, each.words).content if word.folded not in HEDGES] if each.words else []
        for each in (one, other)
    ]
    characters = one.spaceless or other.spaceless
    if (min if characters else max)(map(len, beside)) > _FEW:
        return None
    value, given = one.values[0], other.values[0]
    score, rule = compare_values(value, given, terms), _choose_rule(value, given)
    if score == 0.0 or characters:
        return Agreement(score, rule)
    if are_contrary(*({word.folded for word in each.words} for each in (one, other))):
        return Agreement(0.0, rule)
    ones = [word for word in beside[0] if word.folded not in asked]
    others = [word for word in beside[1] if word.folded not in asked]
    if ones and others:
        alike = len(align(ones, others))
        if not alike:
            known = len(ones) < len(beside[0]) or len(others) < len(beside[1])
            measured = rule != "number" or (_has_unit(value) and _has_unit(given))
            return Agreement(round(score * (0.7 if known or measured else 0.3), 4), rule)
        if min(len(ones), len(others)) > alike:
            return None
    elif len(ones or others) > 2:
        return None
    return Agreement(score, rule)


def _choose_rule(one: Value, other: Value) -> str:
    rules = name_rule(one), name_rule(other)
    return rules[0] if rules[0] == rules[1] else "date" if "date" in rules else rules[0]


def _has_unit(value: Value) -> bool:
    readings = getattr(value.value, "readings", ())
    return bool(readings and readings[0].unit)


# --- lists ------------------------------------------------------------------------------------------------------------


def _compare_lists(one: Content, other: Content, terms: Terms) -> Agreement | None:
    items, others = split_items(one, terms.language), split_items(other, terms.language)
    if not items and not others:
        return None
    if items and others:
        score = compare_items(items, others, lambda a, b: _compare(a, b, terms, depth=2).score)
        if score < 0.5:
            # `Smith, John` against `John Smith, Bonn` is no list; names with an apposition are
            words = _compare_contents(one, other, terms)
            if words.rule == "text" and (words.score == 1.0 or not (one.values or other.values)):
                return words
        return Agreement(round(score, 4), "list")
    several, single, alone = (items, other, other.text) if items else (others, one, one.text)
    if sorted(fold_words(one.text)) == sorted(fold_words(other.text)):
        return Agreement(1.0, "text") if len(single.words) < 6 else None
    if (
        any(item.count(" ") > 4 or (single.spaceless and len(item) > 8) for item in several)
        or len(single.words) + len(single.values) > 5
    ):
        return None
    scores = [_compare(alone, item, terms, depth=2).score for item in several[:12]]
    best = max(scores)
    if best < 0.5:
        return None
    place = len(several) == 2 and scores[0] >= 0.5 and not _has_conjunction(one if items else other)
    if (
        place
        and not _NUMERIC.search(several[1])
        and (terms.asked.place or set(fold(several[1]).split()) & PLACES or several[1].startswith("("))
    ):
        return Agreement(0.8 * best, "text")
    if len(one.values) + len(other.values) > 1 and "number" not in {name_rule(v) for v in (*one.values, *other.values)}:
        return None
    return Agreement(round(best / (1 + len(several)), 4), "list")


def _has_conjunction(content: Content) -> bool:
    return any(token.folded in ("and", "und", "et", "y", "e", "&") for token in content.tokens)


# --- anything else ----------------------------------------------------------------------------------------------------


def _compare_contents(one: Content, other: Content, terms: Terms) -> Agreement:
    """Answers of words and values: the values have to agree, and stand for words in the text."""
    pairs, least = _match_values(one, other, terms)
    lone = len(pairs) < min(len(one.values), len(other.values))
    if lone:
        unmatched = next(value for at, value in enumerate(one.values) if at not in {a for a, _ in pairs})
        return Agreement(0.0, name_rule(unmatched) if not one.words else "tokens")
    if one.spaceless or other.spaceless:
        match = compare_characters(_join(one, pairs, 0), _join(other, pairs, 1))
    else:
        told = [_stand_in(each, pairs, side) for side, each in enumerate((one, other))]
        legal = all(map(has_legal, told)) and told[0][-1].folded == told[1][-1].folded
        phrases = [make_phrase(each, words, legal=legal) for each, words in zip((one, other), told, strict=True)]
        match = compare_phrases(one, other, phrases[0], phrases[1], asked=terms.asked.words)
    if match.rule == "text" and not one.words and not other.words and one.values:
        match = Match(match.score, name_rule(one.values[0]))
    return Agreement(round(match.score * least, 4), match.rule)


def _match_values(one: Content, other: Content, terms: Terms) -> tuple[list[tuple[int, int]], float]:
    """The values of both that agree, in order where they can be, and the least of their scores."""
    pairs: list[tuple[int, int]] = []
    least, used = 1.0, set()
    for at, value in enumerate(one.values[:30]):
        best, chosen = 0.0, -1
        for place, given in enumerate(other.values[:30]):
            if place not in used:
                score = compare_values(value, given, terms)
                if score > best:
                    best, chosen = score, place
        if best >= 0.5:
            used.add(chosen)
            pairs.append((at, chosen))
            least = min(least, best)
    return pairs, least


def _stand_in(content: Content, pairs: list[tuple[int, int]], side: int) -> list[Word]:
    """The words of an answer with its values between them, each as a word that only its match equals."""
    names = {pair[side]: f"value {number}" for number, pair in enumerate(pairs)}
    words = list(content.words)
    for at, value in enumerate(content.values):
        words.append(Word(names.get(at, f"value of {side} {at}"), value.first, False, True, value.end - 1))
    return sorted(words, key=lambda word: word.at)


def _join(content: Content, pairs: list[tuple[int, int]], side: int) -> str:
    """A text in characters, with the values that agree in one spelling."""
    taken = {place for value in content.values for place in range(value.first, value.end)}
    signs = [Word(token.text, at, False, True) for at, token in enumerate(content.tokens) if token.kind == "sign"]
    words = [*_stand_in(content, pairs, side), *(sign for sign in signs if sign.at not in taken)]
    return "".join(word.folded for word in sorted(words, key=lambda word: word.at))
