"""English clauses: the one that contains an answer, its subject, and which other parts a question may keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from docmatix.text.english import (
    ANAPHORA,
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    PREPOSITIONS,
    RELATIVES,
    bare,
    is_base_verb,
    is_plural,
)


class Clause(NamedTuple):
    """The words of one clause, and the position of the answer: -1 if it was in a phrase before the clause."""

    words: list[str]
    start: int
    end: int


_ASIDES = ("in addition,", "in fact,", "in total,", "in all,", "for example,", "for instance,", "as a result,")
_BOUNDS = frozenset("over under than least most between beyond".split())


_ENUMERATED = re.compile(r"(?:^|[\s;:,])\((?:[a-h]|[ivx]{1,4}|\d)\) ")
"""Items of a list in a sentence: `(a) ...; (b) ...`."""


def find_clause(answer: str, context: str) -> Clause | None:
    """The clause of the answer, without citations, brackets and opening asides. None if the answer occurs twice, is in
    brackets or quotes, or follows a bound (`more than`, `up to`), without which it would be wrong."""
    if _ENUMERATED.search(context):
        return None
    text = re.sub(r" ?\[[\d, –-]{1,20}\]", "", context)
    text = re.sub(r" ?\([^()]{0,120}\)", lambda found: found.group() if answer in found.group() else "", text)
    words, wanted = text.split(), answer.split()
    plain, sought = [bare(word) for word in words], [bare(word) for word in wanted]
    starts = [at for at in range(len(words) - len(wanted) + 1) if plain[at : at + len(wanted)] == sought]
    if len(starts) != 1 or len(words) > 70 or not wanted:
        return None
    start, end = starts[0], starts[0] + len(wanted)
    if any(word[0] in '(["“‘' or word[-1] in ')]"”' for word in words[start:end]):
        return None
    before = [word.lower() for word in plain[max(0, start - 2) : start]]
    if before and (before[-1] in _BOUNDS or before == ["up", "to"]):
        return None
    first = max((at + 1 for at in range(start) if words[at][-1] in ";:"), default=0)
    # the last "." ends the sentence, the others belong to abbreviations
    last = next((at + 1 for at in range(end - 1, len(words) - 1) if words[at][-1] in ";:?!"), len(words))
    words, start, end = words[first:last], start - first, end - first
    skip = next((aside.count(" ") + 1 for aside in _ASIDES if " ".join(words[:3]).lower().startswith(aside)), 0)
    if not skip and words[0][-1] == "," and words[0][:-1].lower() not in PREPOSITIONS:  # "However,"
        skip = 1
    # a later clause with a subject of its own: "..., and the bridge was opened in 1974"
    seams = (at for at in range(start - 1, skip, -1) if words[at - 1][-1] == "," and words[at] in _SEAMS)
    skip = next((at + 1 for at in seams), skip)
    return Clause(words[skip:], start - skip, end - skip) if start >= skip and len(words) - skip >= 4 else None


_SEAMS = frozenset("and but while whereas".split())


def split_lead(clause: Clause) -> tuple[list[str], Clause | None]:
    """`In 2015, the firm was sold` -> `[In, 2015,]` and the clause after it; None if the boundary is uncertain."""
    words, start, end = clause
    if words[0].lower() not in PREPOSITIONS | {"as"}:
        return [], clause
    cut = next((at + 1 for at in range(min(len(words), 12)) if words[at][-1] == ","), 0)
    if not cut and start == 1 and end < len(words) - 3 and words[0] in {"In", "On"}:  # "In 2015 the firm was sold"
        cut = end
    if not cut:
        return [], None
    if start >= cut:
        return words[:cut], Clause(words[cut:], start - cut, end - cut)
    # not "In early 1990,", of which the answer is a part
    return words[:cut], Clause(words[cut:], -1, -1) if (start, end) == (1, cut) else None


_NO_SUBJECT = ANAPHORA | frozenset(
    "there that which who what several many most few other others each more less over at up an a therefore thus "
    "hence however moreover furthermore also then now today currently recently generally overall finally "
    "similarly additionally meanwhile instead otherwise first firstly second secondly third thirdly lastly next "
    "later earlier once here yet still so consequently accordingly typically usually often sometimes indeed only "
    "even such please note see".split()
)
_LEANING = frozenset(
    "first latter former following subsequent previous preceding above below last second third other".split()
)
"""What makes a subject lean on the text before it."""
_ADVERBS = frozenset("now also still later then often usually never always already soon once".split())
POINTING = frozenset("i this these our my your you we us they them it following – — -".split())
_NOT_IN_SUBJECTS = frozenset(
    "be been being cannot not also only even just really actually otherwise if then maybe perhaps".split()
)
_SUBORDINATORS = frozenset("after before once whenever as until since for with in on at by like".split())
_CONTRACTED = re.compile(r"['’](?!s$|$)|^(?:it|he|she|that|there|what|let)['’]s$|[*/\\]", re.IGNORECASE)
_COMMON_ENDINGS = re.compile(r"(?:s|tion|ment|ness|ity|ing|ance|ence|ware|data|people|work)$")


def name_subject(words: Sequence[str]) -> tuple[str, ...]:
    """The subject as it reads inside a question; in two spellings if its first word may be a name.

    Empty if it points at something outside the question, or cannot be a subject.
    """
    plain = [bare(word) if word[-1] in ",;" else word for word in words]
    first = plain[0] if plain and plain[0] else ""
    if not first or len(plain) > 12 or first.lower() in _NO_SUBJECT or any(word.lower() in POINTING for word in plain):
        return ()
    if any(word == following for word, following in pairwise(plain)):
        return ()  # a heading ran into its paragraph
    if first in DETERMINERS | {"The"} and len(plain) > 1 and plain[1].lower() in _LEANING:
        return ()
    if not first[0].isupper() and first not in DETERMINERS and not first[0].isdigit():
        return ()
    verbal = AUXILIARIES | _NOT_IN_SUBJECTS
    if any(word.lower() in verbal or _CONTRACTED.search(word) for word in plain) or is_base_verb(first):
        return ()
    if plain[-1].lower() in RELATIVES:
        return ()
    as_is = " ".join(plain)
    lowered = as_is[0].lower() + as_is[1:]
    if first.lower() in DETERMINERS:
        return (lowered,)
    if first.lower() in FUNCTION_WORDS or first.lower() in _SUBORDINATORS or first.endswith("ly"):
        return ()
    if len(plain) > 1 and (plain[1] in {"up", "off", "out", "down"} or plain[1].lower() in DETERMINERS):
        return ()  # "Wipe up spilled water", "Raises an error"
    possessive = first.endswith(("'s", "’s"))
    named = (
        possessive
        or not first[0].isupper()
        or any(map(str.isupper, first[1:]))
        or (len(plain) > 1 and plain[1][0].isupper())
    )
    if named:
        return (as_is,)
    # a plural or an abstract noun at the start of a sentence is rarely a name
    if len(plain) == 1:
        return (lowered, as_is) if is_plural(first) else (as_is,)
    if len(plain) == 2 and (plain[1] in _ADVERBS or plain[1].endswith("ly")) and not is_plural(first):
        return (as_is,)  # "Bright recently"
    return (lowered,) if _COMMON_ENDINGS.search(first) else (lowered, as_is)


_MAY_END = frozenset("to on in at by for of with from have be".split())


def cut_pieces(words: Sequence[str]) -> tuple[str, ...]:
    """The rest of a clause in pieces, after each of which a question may end: cut before prepositions, and never past a
    comma, a relative, a conjunction that starts a clause, or a word that points elsewhere."""
    pieces: list[list[str]] = []
    for place, word in enumerate(words):
        low, follower = bare(word).lower(), words[place + 1] if place + 1 < len(words) else ""
        stops = RELATIVES | (CONJUNCTIONS - {"and", "or"}) | (ANAPHORA - {"its", "their", "his", "her"})
        if low in stops or _splits(low, follower, bool(pieces)) or word in {"–", "—", "-", "e.g.", "i.e."}:
            break
        bound = follower.lower() in {"least", "most", "all"}  # "at least"
        if not pieces or (low in PREPOSITIONS - {"of", "to", "than"} and not bound and not _leads_on(pieces[-1])):
            pieces.append([])
        closed = word[-1] in ",;:" or (word[-1] == "." and word[-3:-2] != ".")
        pieces[-1].append(bare(word) if closed else word)
        if closed:
            break
    if len(pieces) > 1 and len(pieces[-1]) == 1 and pieces[-1] != [bare(words[-1])] and pieces[-1][0] in PREPOSITIONS:
        pieces.pop()  # "the loans of the bank | in", cut before "this year"
    while pieces and bare(pieces[-1][-1]).lower() in FUNCTION_WORDS - _MAY_END:
        pieces[-1].pop()
        if not pieces[-1]:
            pieces.pop()
    return tuple(" ".join(piece) for piece in pieces)


def _leads_on(piece: Sequence[str]) -> bool:
    """Whether a phrase cannot end here: at a preposition, or a participle behind its noun (`degrees based | on`)."""
    last = bare(piece[-1]).lower()
    return last in PREPOSITIONS or (len(piece) > 1 and (last.endswith("ed") or last in _PARTICIPLES))


_PARTICIPLES = frozenset("set made held found known given led built written taken paid sold kept run left put".split())


def _splits(word: str, follower: str, inside: bool) -> bool:
    """Whether a conjunction joins predicates (`and recorded`, `and up to`) rather than nouns."""
    predicate = (
        follower.endswith("ed")
        or is_base_verb(follower)
        or follower in PREPOSITIONS | AUXILIARIES | {"up", "", "it", "they"}
    )
    return word in {"and", "or"} and (predicate or not inside)
