"""Questions turned out of an English clause, as a grammarian would: one function for each kind of clause."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from docmatix.prompting.questions.sentences.clauses import POINTING, Clause, cut_pieces, name_subject, split_lead
from docmatix.prompting.questions.sentences.question_words import WHEN, ask_quantity, word_question
from docmatix.prompting.questions.sentences.template import Template
from docmatix.text.english import (
    AUXILIARIES,
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    HAVE,
    HEDGES,
    NUMERAL,
    PREPOSITIONS,
    PRESENT_FORMS,
    RELATIVES,
    bare,
    find_lemmas,
    is_base_verb,
    is_finite,
    is_personal,
    is_plural,
    is_quantity,
)


def _assemble(
    clause: Clause, kind: str, *, helper: str, subject: Sequence[str], before: list[str], after: list[str]
) -> Template | None:
    """The question from its parts: question word, helping verb, subject, and the rest without the answer."""
    subjects = name_subject(subject)
    wording = word_question(kind, clause, helper, before, after) if subjects else None
    if wording is None:
        return None
    kept = cut_pieces(wording.before)
    if len(" ".join(kept).split()) != len(wording.before):
        return None  # something between verb and answer cannot stand in a question
    if kind == "object" and re.fullmatch(rf"\d.*|{NUMERAL}", subject[0]):
        return None  # "What are two bodies responsible for": which two?
    if wording.asked == "What" and kind in _QUANTITIES and not _is_measure(subject):
        return None
    required = len(kept) if wording.required is None else min(wording.required, len(kept))
    openings = tuple(f"{wording.asked} {helper} {name}" for name in subjects)
    pieces = (*kept, *cut_pieces(wording.after))
    if kind in _QUANTITIES:
        required = len(pieces)  # without its time or place ("spent | in 2023") a quantity would be another
    elif helper in {"do", "does", "did"} and required == 1 and len(pieces) > 1 and " " not in pieces[0]:
        required = 2  # "When did Finland go | into recession"
    return Template(openings, pieces, required)


_QUANTITIES = frozenset({"amount", "percent", "number"})
_MEASURES = frozenset(
    "limit limits dose depth fine deposit maximum minimum threshold target average median number percentage rate yield "
    "density ratio sum fees wage salary pension premium error turnout capacity stake height load".split()
)


def _is_measure(subject: Sequence[str]) -> bool:
    """Whether a subject is what a quantity measures, so that `What is the ...` asks for it: `the margin of error`."""
    head = [bare(word) for word in subject]
    stop = next((at for at in range(1, len(head)) if head[at].lower() in PREPOSITIONS), len(head))
    phrase = " ".join(word for word in head[:stop] if word.lower() not in DETERMINERS)
    return bool(phrase) and (phrase.split()[-1].lower() in _MEASURES or is_quantity(phrase))


def _turn_definition(clause: Clause, kind: str) -> Template | None:
    """`Docling is a toolkit for ...` -> `What is Docling`."""
    words, start, _ = clause
    if kind != "definition" or start < 2 or words[start - 1] not in {"is", "are"}:
        return None
    asked = "What"
    if words[0] != "The" and is_personal(" ".join(words[: start - 1])) and not words[0].isupper():
        stop = next((at for at in range(start + 1, len(words)) if words[at] in PREPOSITIONS), len(words))
        if not _ROLE.search(bare(words[stop - 1])):
            return None  # a person, or a thing of two capitals?
        asked = "Who"
    return Template(tuple(f"{asked} {words[start - 1]} {name}" for name in name_subject(words[: start - 1])))


_ROLE = re.compile(r"(?:er|or|ist|ian|ant|ent|man|woman|chair|nurse|member|mayor|judge|head|founder|chef|pilot)$")


def _turn_participle(clause: Clause, kind: str) -> Template | None:
    """`Patented in 1868 by Sholes, the typewriter changed ...` -> `When was the typewriter patented`."""
    words, start, end = clause
    cut = next((at + 1 for at in range(min(len(words), 16)) if words[at][-1] == ","), 0)
    if not words[0].endswith("ed") or not end <= cut < len(words):
        return None
    main = words[cut:]
    verb = next((at for at in range(1, min(len(main), 9)) if main[at] in AUXILIARIES or is_finite(main, at)), None)
    if verb is None or any(word[-1] in ",;" for word in main[:verb]):
        return None
    head = next((at for at in range(1, verb) if main[at].lower() in PREPOSITIONS), verb)
    return _assemble(
        Clause(words[:cut], start, end),
        kind,
        helper="were" if is_plural(main[head - 1]) else "was",
        subject=main[:verb],
        before=[words[0].lower(), *words[1:start]],
        after=words[end:cut],
    )


_BEFORE_COUNTED = HEDGES | frozenset("a total of there are were is was".split())


def _turn_subject(clause: Clause, kind: str) -> Template | None:
    """The answer is the subject, or counts it: the predicate stays as it is (`How many people| were hurt`)."""
    words, start, end = clause
    before = [bare(word).lower() for word in words[:start]]
    if kind in {"percent", "amount", "number"} and set(before) <= _BEFORE_COUNTED:
        phrase = ask_quantity(kind, clause)
        if phrase is None:
            return None
        asked, stop = phrase[0][0].upper() + phrase[0][1:], phrase[1]
        if kind == "percent" and (stop >= len(words) or words[stop] != "of"):
            return None  # "Two percent are exhausted": of whom?
        pieces = cut_pieces(words[stop:]) if words[stop - 1][-1] not in ",;." else ()
        if before[:1] == ["there"]:
            counts = len(before) == 2 and kind == "number" and pieces and pieces[-1].split()[-1] not in PREPOSITIONS
            return Template((f"{asked} {before[1]} there",), pieces, len(pieces)) if counts else None
        verb = next((at for at in range(stop, min(stop + 8, len(words))) if _is_verb(words, at)), None)
        if not POINTING.isdisjoint(bare(word).lower() for word in words[stop : stop + 6]):
            return None  # "three decisions would help us"
        if pieces and pieces[-1].split()[-1] in PREPOSITIONS:
            return None  # "two parts to these modules"
        if verb is None or before[:1] == ["are"] or (kind == "number" and words[verb] in {"is", "was", "has"}):
            return None
        reached = stop + len(" ".join(pieces).split())
        return Template((asked,), pieces, len(pieces)) if reached > verb else None
    titles = {"the", "dr", "mr", "mrs", "ms", "prof", "professor"}
    if (
        kind in {"person", "organisation"}
        and set(before) <= titles
        and end < len(words) - 1
        and words[end - 1][-1] not in ",;"
    ):
        participle = words[end] in BE | HAVE.keys() and words[end + 1].endswith("ed")
        pieces = cut_pieces(words[end:])
        if not (participle or is_finite(words, end)) or not pieces or len(pieces[0].split()) < 2:
            return None
        return Template(("Who",) if kind == "person" else ("Which organisation",), pieces, 1)
    return None


def _is_verb(words: Sequence[str], place: int) -> bool:
    return words[place].lower() in AUXILIARIES or is_finite(words, place)


def _turn_auxiliary(clause: Clause, kind: str) -> Template | None:
    """`The library was founded in 1974` -> `When was the library founded`."""
    lead, main = split_lead(clause)
    place = _find_auxiliary(main.words, main.start if main.start >= 0 else len(main.words)) if main else None
    if main is None or place is None:
        return None
    words, start, end = main
    helper = words[place].lower()
    if start < 0:
        return _turn_lead(lead, kind, helper, words[:place], words[place + 1 :])
    before = words[place + 1 : start]
    # "was founded in 1970 and renovated in 1985": only the verb next to the answer
    seam = next(
        (at for at in range(len(before) - 1, 0, -1) if before[at - 1] in {"and", "or"} and before[at].endswith("ed")), 0
    )
    before = before[seam:]
    if not {"not", "never", "no"}.isdisjoint(before) or any(
        word[-1] in ",;" or word.lower() in RELATIVES | CONJUNCTIONS for word in before
    ):
        return None
    if helper in HAVE and not (before and (before[0].endswith("ed") or before[0] == "been")):
        helper, before = HAVE[helper], ["have", *before]  # the main verb
    return _assemble(main, kind, helper=helper, subject=words[:place], before=before, after=words[end:])


def _find_auxiliary(words: Sequence[str], limit: int) -> int | None:
    """The place of the first auxiliary that follows a plain noun phrase; None if there is none before `limit`."""
    for place in range(min(limit, 12)):
        word, previous = words[place].lower(), words[place - 1].lower() if place else ""
        if place and word in AUXILIARIES:
            wide = place > 7 and any(before in {"and", "or"} for before in words[:place])  # perhaps two predicates
            return None if wide or previous in DETERMINERS | CONJUNCTIONS | PREPOSITIONS else place  # "the can"
        if (
            word[-1] in ",;:"
            or word in RELATIVES | (CONJUNCTIONS - {"and", "or"})
            or (place and is_finite(words, place))
        ):
            return None
    return None


def _turn_verb(clause: Clause, kind: str) -> Template | None:
    """`The firm acquired Bright in 2015` -> `When did the firm acquire Bright`."""
    lead, main = split_lead(clause)
    if main is None:
        return None
    words, start, end = main
    limit = start if start >= 0 else len(words)
    verbs = [at for at in range(1, min(limit, 40)) if is_finite(words, at)]
    place = verbs[0] if verbs else _guess_verb(words, start, kind)
    if place is None or (start >= 0 and len(verbs) > 1) or place > 9:
        return None
    if any(
        word[-1] in ",;" or word.lower() in RELATIVES | AUXILIARIES | (CONJUNCTIONS - {"and"}) for word in words[:place]
    ):
        return None
    form = bare(words[place]).lower()
    if verbs and form.endswith("ed") and not _is_past(words, place):
        return None
    if verbs and form not in PRESENT_FORMS and _is_passive(words, place):
        return None
    helper = "do" if not verbs else "does" if form in PRESENT_FORMS else "did"
    lemmas = find_lemmas(form) if verbs else (form,)
    if start < 0:
        templates = [_turn_lead(lead, kind, helper, words[:place], [lemma, *words[place + 1 :]]) for lemma in lemmas]
    else:
        between = words[place + 1 : start]
        if any(word[-1] in ",;" or word.lower() in RELATIVES | AUXILIARIES | CONJUNCTIONS for word in between):
            return None
        # "Data collected in 2015 were used": the verb found was a participle
        if any(word.lower() in AUXILIARIES for word in words[end : end + 4]):
            return None
        templates = [
            _assemble(main, kind, helper=helper, subject=words[:place], before=[lemma, *between], after=words[end:])
            for lemma in lemmas
        ]
    found = [template for template in templates if template]
    if len(found) <= 1:
        return found[0] if found else None
    # two possible spellings of the verb: it moves into the openings, and the model picks the word it knows
    openings = tuple(" ".join((opening, *template.pieces[:1])) for template in found for opening in template.openings)
    return Template(openings, found[0].pieces[1:], max(0, found[0].required - 1))


def _is_past(words: Sequence[str], place: int) -> bool:
    """Whether a word in `-ed` is surely the verb of its clause: no verb stands before it, and it is no participle
    (`degrees based on`, `a report written and signed by`)."""
    before = [bare(word).lower() for word in words[:place]]
    doubtful = bare(words[place]).lower() in _PARTICIPLES_MOSTLY
    hidden = any(map(is_base_verb, before[1:])) or "to" in before or before[-1] in _DEGREES
    verbs = any(
        at
        and is_plural(words[at])
        and words[at].islower()
        and words[at + 1].lower() in PREPOSITIONS - {"of"}
        and before[at - 1] not in DETERMINERS
        for at in range(place - 1)
    )  # "Python distinguishes between files opened in"
    return not doubtful and not hidden and not verbs and _takes_object(words[place + 1 :])


def _is_passive(words: Sequence[str], place: int) -> bool:
    """Whether a past form is a participle (`changes made by Gilbert`), not a verb (`fell by 3 percent`)."""
    follower, after = [*(bare(word).lower() for word in words[place + 1 : place + 3]), "", ""][:2]
    return follower == "by" and not after[:1].isdigit() and after not in HEDGES | {"over", "a", "an"}


def _takes_object(words: Sequence[str]) -> bool:
    """Whether what follows can be the object of a verb: not `tool` in `the recommended tool for`."""
    if not words or words[0][0].isupper() or words[0][0].isdigit() or words[0].endswith("ly"):
        return True
    if bare(words[0]).lower() in FUNCTION_WORDS | HEDGES or re.fullmatch(NUMERAL, words[0]):
        return True
    stop = next((at for at in range(len(words)) if bare(words[at]).lower() in FUNCTION_WORDS), len(words))
    noun = bare(words[max(0, stop - 1)])
    return is_plural(noun) or re.search(r"(?:tion|ment|ness|ity|ing|ance|ence|work|water|money)$", noun) is not None


_DEGREES = frozenset("as so very more most less much well".split())
_PARTICIPLES_MOSTLY = frozenset(
    "based involved related located compared associated aged concerned entitled dated combined attached".split()
)


def _guess_verb(words: Sequence[str], start: int, kind: str) -> int | None:
    """`Trees now shade 24 percent of ...`: an unknown word between a plural noun and a quantity is a present verb."""
    place = start - 1
    if (
        kind not in {"percent", "amount", "number"}
        or place < 1
        or not words[place].isalpha()
        or not words[place].islower()
    ):
        return None
    noun = place - 2 if words[place - 1] in {"now", "also", "still", "often", "usually"} else place - 1
    clear = noun >= 0 and is_plural(words[noun]) and PREPOSITIONS.isdisjoint(word.lower() for word in words[:place])
    return place if clear and words[place] not in FUNCTION_WORDS and not is_plural(words[place]) else None


def _turn_lead(
    lead: Sequence[str], kind: str, helper: str, subject: Sequence[str], rest: Sequence[str]
) -> Template | None:
    """An answer that stood in a leading phrase: `In 2015, the firm was sold` -> `When was the firm sold`."""
    asked = WHEN.get(lead[0].lower()) if kind == "date" and len(lead) <= 5 else None
    pieces = cut_pieces(rest)
    if asked is None or not pieces:
        return None
    alone = helper in {"do", "does", "did"} and " " not in pieces[0]  # "When did Finland go | into recession"
    openings = tuple(f"{asked} {helper} {name}" for name in name_subject(subject))
    return Template(openings, pieces, min(len(pieces), 2 if alone else 1))


CLAUSE_TEMPLATES: tuple[Callable[[Clause, str], Template | None], ...] = (
    _turn_definition,
    _turn_participle,
    _turn_subject,
    _turn_auxiliary,
    _turn_verb,
)
"""Tried in this order, each with a clause and the kind of its answer."""
