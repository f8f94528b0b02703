"""Which question words ask for an answer, and what of its clause they replace."""

from __future__ import annotations

import re
from typing import NamedTuple

from docmatix.prompting.questions.sentences.clauses import Clause, cut_pieces
from docmatix.text.english import (
    BE,
    DETERMINERS,
    FUNCTION_WORDS,
    HEDGES,
    PREPOSITIONS,
    bare,
    is_finite,
    is_plural,
)


class Wording(NamedTuple):
    """The question word (`When`, `How many layers`), the words kept from before and after the answer, and how many
    pieces of the former a question needs (None: all)."""

    asked: str
    before: list[str]
    after: list[str]
    required: int | None = None


def ask_quantity(kind: str, clause: Clause) -> tuple[str, int] | None:
    """What asks for a quantity (`how many layers`), and the place after the words it replaces."""
    words, end = clause.words, clause.end
    if kind == "percent":
        return "what percentage", end
    if kind == "amount":
        return "how much", end
    if kind != "number" or words[end - 1][-1] in ",;.:":
        return None
    for place in range(end, min(end + 4, len(words))):
        word = words[place]
        low = bare(word).lower()
        if word[0].isupper():
            return None  # "737 MAX airplanes"
        over = low in FUNCTION_WORDS or (place > end and is_finite(words, place))
        if over or not low.replace("-", "").isalpha():
            stop = place
        elif word[-1] in ",;.:" or place + 1 == len(words):
            stop = place + 1
        else:
            continue
        counted = " ".join(bare(word) for word in words[end:stop])
        if stop == end or not is_plural(words[stop - 1]):
            return None
        if words[stop - 1][-1].isalpha() and words[stop : stop + 1] == ["of"]:  # "how many types | of payment"
            group = cut_pieces(words[stop:])[:1]
            counted = f"{counted} {group[0]}" if group and " " in group[0] else ""
            stop += len(group[0].split()) if group else 0
        return (f"how many {counted}", stop) if counted else None
    return None


WHEN = {
    "": "When", "dated": "When", "on": "When", "in": "When", "at": "When", "during": "When",
    "since": "Since when", "until": "Until when", "by": "By when",
}  # fmt: skip
_NOT_BEFORE_NUMBERS = (
    (PREPOSITIONS - {"of"})
    | DETERMINERS
    | frozenset("last first next other previous past top final additional further more remaining same".split())
)
_BEFORE_HOW = frozenset("by to for at from with in on".split())


def word_question(kind: str, clause: Clause, helper: str, before: list[str], after: list[str]) -> Wording | None:
    """What asks for an answer that follows the verb; None if that is uncertain."""
    while before and bare(before[-1]).lower() in HEDGES - {"around"}:
        before = before[:-1]
    last = bare(before[-1]).lower() if before else ""
    if clause.words[clause.end - 1][-1] in ",;.)":
        after = []
    follower = bare(after[0]).lower() if after else ""
    if kind in {"date", "time"}:
        asked = WHEN.get(last)
        # the further the verb ("... the invention of the typewriter in 1868"), the likelier the date belongs to a noun
        far = (
            len(before) > 6
            or (helper in BE and before[:1] and before[0].endswith("ing"))
            or helper in {"can", "could", "may", "might", "would"}
        )
        if asked is None or far or follower not in FUNCTION_WORDS | {""} or follower in {"to", "and", "or"}:
            return None
        return Wording(asked, before if last in {"", "dated"} else before[:-1], after, 1)
    if kind in {"amount", "percent", "number"}:
        if helper in {"would", "could", "might", "may"}:
            return None
        return _word_quantity(kind, clause, helper, before, after)
    if kind == "object":
        if helper in BE and before and before[0] in {"used", "designed", "intended", "responsible"}:
            return Wording("What", [before[0], "for"], [])
        acting = helper in {"do", "does", "did"} and 1 <= len(before) <= 2 and before[0] not in {"have", "be"}
        return Wording("What", before, []) if acting else None
    if follower not in FUNCTION_WORDS | {""} or follower in {"and", "or"}:
        return None
    if last == "by" and kind in {"person", "organisation"} and helper not in {"do", "does", "did"}:
        return Wording("By whom", before[:-1], after, 1)
    acted = helper == "did" and len(before) <= 4
    if last in {"in", "at"} and kind == "place" and (acted or (helper in BE and before[0].endswith("ed"))):
        return Wording("Where", before[:-1], after, 1)
    if not last and helper in BE and kind in {"person", "organisation"}:
        return Wording("Who" if kind == "person" else "What", [], after)
    return None


def _is_whole(group: str) -> bool:
    """Whether a phrase names what a percentage is of, and nothing else: not `of the market and other brands 8.8%`."""
    vague = group in {"of the total", "of all", "of it", "of the whole"}
    return not vague and " and " not in group and not re.search(r"\d[\d.,]* ?%", group)


def _word_quantity(kind: str, clause: Clause, helper: str, before: list[str], after: list[str]) -> Wording | None:
    last, follower = bare(before[-1]).lower() if before else "", bare(after[0]).lower() if after else ""
    phrase = ask_quantity(kind, clause)
    if phrase is None:  # "The limit is 5.", but not "The dose is 5 gr for adults"
        plain = not last and helper in BE and follower in (FUNCTION_WORDS | {"", "according"}) - {"of", "and", "or"}
        plain &= not (after and after[0].isupper())  # "12 US dollars"
        return Wording("What", [], after) if plain else None
    asked, stop = phrase
    after = [] if clause.words[stop - 1][-1] in ",;." else clause.words[stop:]
    if after and after[0].lower() in {"and", "or"}:
        if after[1:2] and (after[1] in DETERMINERS or after[1][0].isdigit()):
            after = []  # "12 floors and a garden"
        else:
            return None  # "700 willows and alders"
    if kind == "amount" and follower in {"each", "per", "a", "an", "every"}:
        return None  # "43 pounds each": the amount alone would be wrong
    if last in _BEFORE_HOW:
        if len(before) > 2 and not (last == "by" and len(before) <= 6):
            return None  # "showed the plan for eight beds": of the plan, not of the verb
        if kind == "percent" and follower == "of":
            group = cut_pieces(after)[:1]
            if not group or len(group[0].split()) < 2 or not _is_whole(group[0]):
                return None
            asked, after = f"{asked} {group[0]}", []
        asked, before = "at what price" if (kind, last) == ("amount", "at") else f"{last} {asked}", before[:-1]
    elif last in _NOT_BEFORE_NUMBERS:
        return None
    elif last == "of" and (
        kind != "number" or not re.search(r"consist|made|compos|compris|built", " ".join(before[-2:]))
    ):
        return None  # "a combination of two surfaces", "a grant of $5,000"
    elif kind == "percent" and follower == "of":
        # what it is a percentage of belongs to the phrase
        group = cut_pieces(after)[:1]
        if not group or len(group[0].split()) < 2 or not _is_whole(group[0]):
            return None
        asked, after = f"{asked} {group[0]}", []
    elif kind == "number" and helper in BE and not any(word.endswith("ed") for word in before):
        return None  # "How many inhabitants is the population"
    elif kind == "percent" and (helper not in BE or follower not in FUNCTION_WORDS | {""}):
        return None  # "100% test coverage", "pays 55 percent" of what?
    elif kind == "percent" and not last:
        asked = "what"
    return Wording(asked[0].upper() + asked[1:], before, after)
