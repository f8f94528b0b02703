"""Frames: the well-formed questions that a known answer allows, made from its sentence, form field or table row.

A 135M model that may write anything asks about something else in the sentence more often than not. So the sentence is
turned the way a grammarian would (`The library was founded in 1974 by Hughes` + `1974` -> `When was the library
founded| by Hughes`), and the model only chooses among openings and where to stop. A sentence that cannot be turned
safely has no frame; a frame lost is a question less, a frame too many is a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from docmatix.text.english import (
    ANAPHORA,
    AUXILIARIES,
    BE,
    CONJUNCTIONS,
    COUNTED_LABELS,
    DETERMINERS,
    FUNCTION_WORDS,
    HAVE,
    HEDGES,
    PREPOSITIONS,
    PRESENT_FORMS,
    RELATIVES,
    VALUE_LABELS,
    bare,
    classify_answer,
    find_lemmas,
    is_finite,
    is_noun,
    is_period,
    is_personal,
    is_plural,
    is_quantity,
    names_person,
    spell_label,
)
from docmatix.text.field_list import read_fields


class Frame(NamedTuple):
    """Every question `opening + " " + pieces[:k] + "?"` with `k >= required` is well formed."""

    openings: tuple[str, ...]
    pieces: tuple[str, ...] = ()
    required: int = 0


def frame_question(answer: str, *, kind: str, context: str, label: str | None = None) -> Frame | None:
    """The shapes a question for `answer` may take, or None where its context cannot be turned safely."""
    if label is not None:
        frame = _frame_field(answer, context, label)
    elif kind == "acronym":
        found = re.search(re.escape(answer) + r" \(([A-Z][A-Za-z]{1,9})\)", context)
        frame = Frame((f"What does {found.group(1)} stand for",)) if found else None
    else:
        clause = _find_clause(answer, context)
        builders = (_frame_definition, _frame_participle, _frame_subject, _frame_auxiliary, _frame_verb)
        frame = next((frame for build in builders if clause and (frame := build(clause, kind))), None)
    return frame if frame and frame.openings else None


# --- fields -----------------------------------------------------------------------------------------------------------


def _frame_field(answer: str, context: str, label: str) -> Frame | None:
    """A field of a form, or a cell by its column and row. Only a label that is surely a noun goes behind `What is the`
    (`What is the planted of Field maple`); the others are quoted."""
    fields, name = read_fields(context), spell_label(label)
    if not fields or not name:
        return None
    verb = "Who is" if names_person(label, answer) else "What are" if is_plural(label) else "What is"
    if len(fields) == 1 or (len(fields) == 2 and not fields[0][0] and fields[1][0] == label):
        return _frame_form(answer, label, heading=fields[0][1] if len(fields) == 2 else "")
    row = fields[0][1]
    links = ("on",) if classify_answer(row) == "date" else ("for", "of")
    named = f'"{row}"' if "," in row or _is_phrase(row) else row
    if is_period(label):
        if not is_noun(row):
            return Frame((f"What value is given for {named} in {label}",))
        verb = "What were" if is_plural(row) else "What was"
        return Frame(tuple(f"{verb} the {spell_label(row)} {link} {label}" for link in ("in", "for")))
    if label.lower() in VALUE_LABELS:
        return Frame((f"What is the {spell_label(row)}" if is_quantity(row) else f"What {name} is given for {named}",))
    if not is_noun(label):
        return Frame(tuple(f'What is {participle} under "{label}" for {named}' for participle in ("listed", "given")))
    if label.lower() in COUNTED_LABELS:
        verb, name = "What is", f"number of {name}"
    return Frame(tuple(f"{verb} the {name} {link} {named}" for link in links))


def _frame_form(answer: str, label: str, *, heading: str) -> Frame | None:
    """A field on its own; one with a weak label (`Date`) comes under the heading of its form."""
    name = spell_label(label)
    paper = bool(heading) and heading.rsplit(maxsplit=1)[-1].lower() in _PAPERS
    short = heading.lower() if len(heading.split()) <= 3 and heading.replace(" ", "").isalpha() else heading
    place = f" on the {short}" if paper else f' under "{heading}"' if heading else ""
    if not is_noun(label):
        return Frame((f'What is given as "{label}"{place}',))
    if names_person(label, answer):
        return Frame((f"Who is the {name}{place if paper else ''}",))
    if is_plural(label) or " " in label:
        return Frame((f"{'What are' if is_plural(label) else 'What is'} the {name}{place}",))
    return Frame((f"What {name} is given{place}",))


def _is_phrase(row: str) -> bool:
    """Whether a row's name is no name but a clause (`Unit does not start`), which has to be quoted."""
    return not {"is", "are", "not", "does", "do", "no", "if", "when"}.isdisjoint(row.lower().split())


_PAPERS = frozenset(
    "invoice receipt form application order contract certificate statement report letter quote quotation bill "
    "agreement datasheet questionnaire note slip ticket estimate memo memorandum notice permit policy".split()
)
"""What a form calls itself, so that `on the ...` can follow."""


# --- clauses ----------------------------------------------------------------------------------------------------------


class _Clause(NamedTuple):
    """The words of one clause, and where the answer stands in them; both -1 where it stood in a phrase before the
    clause."""

    words: list[str]
    start: int
    end: int


_ASIDES = ("in addition,", "in fact,", "in total,", "in all,", "for example,", "for instance,", "as a result,")
_BOUNDS = frozenset("over under than least most between beyond".split())


def _find_clause(answer: str, context: str) -> _Clause | None:
    """The clause of the answer, without citations, brackets and opening asides; None if the answer stands there twice,
    in brackets or quotes, or behind a bound (`more than`, `up to`), without which it would be wrong."""
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
    # the last "." ends the sentence, others belong to abbreviations
    last = next((at + 1 for at in range(end - 1, len(words) - 1) if words[at][-1] in ";:?!"), len(words))
    words, start, end = words[first:last], start - first, end - first
    skip = next((aside.count(" ") + 1 for aside in _ASIDES if " ".join(words[:3]).lower().startswith(aside)), 0)
    if not skip and words[0][-1] == "," and words[0][:-1].lower() not in PREPOSITIONS:  # "However,"
        skip = 1
    # a later clause with a subject of its own: "..., and the bridge was opened in 1974"
    seams = (at for at in range(start - 1, skip, -1) if words[at - 1][-1] == "," and words[at] in _SEAMS)
    skip = next((at + 1 for at in seams), skip)
    return _Clause(words[skip:], start - skip, end - skip) if start >= skip and len(words) - skip >= 4 else None


_SEAMS = frozenset("and but while whereas".split())


def _split_lead(clause: _Clause) -> tuple[list[str], _Clause | None]:
    """`In 2015, the firm was sold` -> `[In, 2015,]` and the clause behind it; no clause where the seam is uncertain."""
    words, start, end = clause
    if words[0].lower() not in PREPOSITIONS | {"as"}:
        return [], clause
    cut = next((at + 1 for at in range(min(len(words), 12)) if words[at][-1] == ","), 0)
    if not cut and start == 1 and end < len(words) - 3 and words[0] in {"In", "On"}:  # "In 2015 the firm was sold"
        cut = end
    if not cut:
        return [], None
    if start >= cut:
        return words[:cut], _Clause(words[cut:], start - cut, end - cut)
    return words[:cut], _Clause(words[cut:], -1, -1) if end == cut else None


_NO_SUBJECT = ANAPHORA | frozenset(
    "there that which who what several many most few other others each more less over at up an a".split()
)
_POINTING = frozenset("this these our my your you we us they them it following – — -".split())
_COMMON_ENDINGS = re.compile(r"(?:s|tion|ment|ness|ity|ing|ance|ence|ware|data|people|work)$")


def _name_subject(words: Sequence[str]) -> tuple[str, ...]:
    """The subject as it reads inside a question; both spellings of a first word that may be a name or not.
    Empty where it points at something outside the question, or is no subject at all."""
    plain = [bare(word) if word[-1] in ",;" else word for word in words]
    first = plain[0] if plain and plain[0] else ""
    if not first or len(plain) > 12 or first.lower() in _NO_SUBJECT or any(word.lower() in _POINTING for word in plain):
        return ()
    if any(word == following for word, following in pairwise(plain)):
        return ()  # a heading ran into its paragraph
    if not first[0].isupper() and first not in DETERMINERS and not first[0].isdigit():
        return ()
    as_is = " ".join(plain)
    lowered = as_is[0].lower() + as_is[1:]
    if first.lower() in FUNCTION_WORDS:
        return (lowered,)
    named = not first[0].isupper() or any(map(str.isupper, first[1:])) or (len(plain) > 1 and plain[1][0].isupper())
    if named:
        return (as_is,)
    # a plural or an abstract noun at the start of a sentence is rarely a name
    if len(plain) == 1:
        return (lowered, as_is) if is_plural(first) else (as_is,)
    return (lowered,) if _COMMON_ENDINGS.search(first) else (lowered, as_is)


_MAY_END = frozenset("to on in at by for of with from have be".split())


def _cut(words: Sequence[str]) -> tuple[str, ...]:
    """The rest of a clause in pieces after each of which a question may end: before a preposition; never past a
    comma, a relative, a conjunction that starts a clause, or a word that points elsewhere."""
    pieces: list[list[str]] = []
    for place, word in enumerate(words):
        low, follower = bare(word).lower(), words[place + 1] if place + 1 < len(words) else ""
        stops = RELATIVES | (CONJUNCTIONS - {"and", "or"}) | (ANAPHORA - {"its", "their", "his", "her"})
        if low in stops or _splits(low, follower, bool(pieces)) or word in {"–", "—", "-", "e.g.", "i.e."}:
            break
        if not pieces or (
            low in PREPOSITIONS - {"of", "to", "than"} and bare(pieces[-1][-1]).lower() not in PREPOSITIONS
        ):
            pieces.append([])
        closed = word[-1] in ",;:" or (word[-1] == "." and word[-3:-2] != ".")
        pieces[-1].append(bare(word) if closed else word)
        if closed:
            break
    while pieces and bare(pieces[-1][-1]).lower() in FUNCTION_WORDS - _MAY_END:
        pieces[-1].pop()
        if not pieces[-1]:
            pieces.pop()
    return tuple(" ".join(piece) for piece in pieces)


def _splits(word: str, follower: str, inside: bool) -> bool:
    """Whether a conjunction joins predicates (`and recorded`, `and up to`) and not nouns."""
    predicate = follower.endswith("ed") or follower in PREPOSITIONS | AUXILIARIES | {"up", "", "it", "they"}
    return word in {"and", "or"} and (predicate or not inside)


# --- what asks --------------------------------------------------------------------------------------------------------


class _Wording(NamedTuple):
    """What asks (`When`, `How many layers`), the words between verb and answer that stay, those after it, and how
    many of the pieces of the former a question needs (None: all)."""

    asked: str
    before: list[str]
    after: list[str]
    required: int | None = None


def _ask_quantity(kind: str, clause: _Clause) -> tuple[str, int] | None:
    """What stands for a quantity (`how many layers`), and the place after the words it takes up."""
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
        return (f"how many {counted}", stop) if stop > end and is_plural(words[stop - 1]) else None
    return None


_WHEN = {
    "": "When", "dated": "When", "on": "When", "in": "When", "at": "When", "during": "When",
    "since": "Since when", "until": "Until when", "by": "By when",
}  # fmt: skip
_NOT_BEFORE_NUMBERS = (
    (PREPOSITIONS - {"of"})
    | DETERMINERS
    | frozenset("last first next other previous past top final additional further more remaining same".split())
)
_BEFORE_HOW = frozenset("by to for at from with in on".split())


def _word_question(kind: str, clause: _Clause, helper: str, before: list[str], after: list[str]) -> _Wording | None:
    """What asks for an answer that stands behind the verb."""
    while before and bare(before[-1]).lower() in HEDGES - {"around"}:
        before = before[:-1]
    last = bare(before[-1]).lower() if before else ""
    if clause.words[clause.end - 1][-1] in ",;.)":
        after = []
    follower = bare(after[0]).lower() if after else ""
    if kind in {"date", "time"}:
        asked = _WHEN.get(last)
        # the further the verb ("... the invention of the typewriter in 1868"), the likelier the date belongs to a noun
        far = len(before) > 6 or helper in {"can", "could", "may", "might", "would"}
        if asked is None or far or follower not in FUNCTION_WORDS | {""} or follower in {"to", "and", "or"}:
            return None
        return _Wording(asked, before if last in {"", "dated"} else before[:-1], after, 1)
    if kind in {"amount", "percent", "number"}:
        return _word_quantity(kind, clause, helper, before, after)
    if kind == "object":
        if helper in BE and before and before[0] in {"used", "designed", "intended", "responsible"}:
            return _Wording("What", [before[0], "for"], [])
        acting = helper in {"do", "does", "did"} and 1 <= len(before) <= 2 and before[0] not in {"have", "be"}
        return _Wording("What", before, []) if acting else None
    if follower not in FUNCTION_WORDS | {""} or follower in {"and", "or"}:
        return None
    if last == "by" and kind in {"person", "organisation"}:
        return _Wording("By whom", before[:-1], after, 1)
    if last in {"in", "at"} and kind == "place" and helper in BE | {"did"}:
        return _Wording("Where", before[:-1], after, 1)
    if not last and helper in BE and kind in {"person", "organisation"}:
        return _Wording("Who" if kind == "person" else "What", [], after)
    return None


def _word_quantity(kind: str, clause: _Clause, helper: str, before: list[str], after: list[str]) -> _Wording | None:
    last, follower = bare(before[-1]).lower() if before else "", bare(after[0]).lower() if after else ""
    phrase = _ask_quantity(kind, clause)
    if phrase is None:  # "The limit is 5."
        plain = not last and helper in BE and follower not in {"of", "and", "or"}
        return _Wording("What", [], after) if plain else None
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
        asked, before = "at what price" if (kind, last) == ("amount", "at") else f"{last} {asked}", before[:-1]
    elif last in _NOT_BEFORE_NUMBERS:
        return None
    elif last == "of" and (
        kind != "number" or not re.search(r"consist|made|compos|compris|built", " ".join(before[-2:]))
    ):
        return None  # "a combination of two surfaces", "a grant of $5,000"
    elif kind == "percent" and follower == "of":
        # what it is a percentage of belongs to the phrase
        group = _cut(after)[:1]
        if not group or len(group[0].split()) < 2:
            return None
        asked, after = f"{asked} {group[0]}", []
    elif kind == "percent" and not last:
        asked = "what"
    return _Wording(asked[0].upper() + asked[1:], before, after)


def _assemble(
    clause: _Clause, kind: str, *, helper: str, subject: Sequence[str], before: list[str], after: list[str]
) -> Frame | None:
    """The question from its parts: what asks, the helping verb, the subject, the rest without the answer."""
    subjects = _name_subject(subject)
    wording = _word_question(kind, clause, helper, before, after) if subjects else None
    if wording is None:
        return None
    kept = _cut(wording.before)
    if len(" ".join(kept).split()) != len(wording.before):
        return None  # something between verb and answer cannot stand in a question
    required = len(kept) if wording.required is None else min(wording.required, len(kept))
    openings = tuple(f"{wording.asked} {helper} {name}" for name in subjects)
    pieces = (*kept, *_cut(wording.after))
    # without its time ("spent | in 2023") a quantity would be another
    dated = kind in {"amount", "percent", "number"}
    while dated and required < len(pieces) and re.match(r"(?:in|during|on|since|by) .*\d", pieces[required]):
        required += 1
    return Frame(openings, pieces, required)


# --- kinds of clauses -------------------------------------------------------------------------------------------------


def _frame_definition(clause: _Clause, kind: str) -> Frame | None:
    """`Docling is a toolkit for ...` -> `What is Docling`."""
    words, start, _ = clause
    if kind != "definition" or start < 2 or words[start - 1] not in {"is", "are"}:
        return None
    asked = "Who" if words[0] != "The" and is_personal(" ".join(words[: start - 1])) else "What"
    return Frame(tuple(f"{asked} {words[start - 1]} {name}" for name in _name_subject(words[: start - 1])))


def _frame_participle(clause: _Clause, kind: str) -> Frame | None:
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
        _Clause(words[:cut], start, end),
        kind,
        helper="were" if is_plural(main[head - 1]) else "was",
        subject=main[:verb],
        before=[words[0].lower(), *words[1:start]],
        after=words[end:cut],
    )


_BEFORE_COUNTED = HEDGES | frozenset("a total of there are were is was".split())


def _frame_subject(clause: _Clause, kind: str) -> Frame | None:
    """The answer is the subject, or counts it: what asks, then the predicate as it stands (`How many people| were
    hurt`)."""
    words, start, end = clause
    before = [bare(word).lower() for word in words[:start]]
    if kind in {"percent", "amount", "number"} and set(before) <= _BEFORE_COUNTED:
        phrase = _ask_quantity(kind, clause)
        if phrase is None:
            return None
        asked, stop = phrase[0][0].upper() + phrase[0][1:], phrase[1]
        pieces = _cut(words[stop:]) if words[stop - 1][-1] not in ",;." else ()
        if before[:1] == ["there"]:
            counts = len(before) == 2 and kind == "number" and pieces
            return Frame((f"{asked} {before[1]} there",), pieces, 1) if counts else None
        verb = next((at for at in range(stop, min(stop + 8, len(words))) if _is_verb(words, at)), None)
        if not _POINTING.isdisjoint(bare(word).lower() for word in words[stop : stop + 6]):
            return None  # "three decisions would help us"
        if verb is None or before[:1] == ["are"]:
            return None
        required, reached = 0, stop
        while required < len(pieces) and reached <= verb:
            reached += len(pieces[required].split())
            required += 1
        return Frame((asked,), pieces, required) if reached > verb else None
    titles = {"the", "dr", "mr", "mrs", "ms", "prof", "professor"}
    if (
        kind in {"person", "organisation"}
        and set(before) <= titles
        and end < len(words) - 1
        and words[end - 1][-1] not in ",;"
    ):
        participle = words[end] in BE | HAVE.keys() and words[end + 1].endswith("ed")
        pieces = _cut(words[end:])
        if not (participle or is_finite(words, end)) or not pieces or len(pieces[0].split()) < 2:
            return None
        return Frame(("Who",) if kind == "person" else ("Which organisation",), pieces, 1)
    return None


def _is_verb(words: Sequence[str], place: int) -> bool:
    return words[place].lower() in AUXILIARIES or is_finite(words, place)


def _frame_auxiliary(clause: _Clause, kind: str) -> Frame | None:
    """`The library was founded in 1974` -> `When was the library founded`."""
    lead, main = _split_lead(clause)
    place = _find_auxiliary(main.words, main.start if main.start >= 0 else len(main.words)) if main else None
    if main is None or place is None:
        return None
    words, start, end = main
    helper = words[place].lower()
    if start < 0:
        return _frame_lead(lead, kind, helper, words[:place], words[place + 1 :])
    before = words[place + 1 : start]
    # "was founded in 1970 and renovated in 1985": only the verb next to the answer
    seam = next(
        (at for at in range(len(before) - 1, 0, -1) if before[at - 1] in {"and", "or"} and before[at].endswith("ed")), 0
    )
    before = before[seam:]
    if before[:1] == ["not"] or any(word[-1] in ",;" or word.lower() in RELATIVES | CONJUNCTIONS for word in before):
        return None
    if helper in HAVE and not (before and (before[0].endswith("ed") or before[0] == "been")):
        helper, before = HAVE[helper], ["have", *before]  # the main verb
    return _assemble(main, kind, helper=helper, subject=words[:place], before=before, after=words[end:])


def _find_auxiliary(words: Sequence[str], limit: int) -> int | None:
    """The place of the first auxiliary that follows a plain noun phrase; None where there is none before `limit`."""
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


def _frame_verb(clause: _Clause, kind: str) -> Frame | None:
    """`The firm acquired Bright in 2015` -> `When did the firm acquire Bright`."""
    lead, main = _split_lead(clause)
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
    helper = "do" if not verbs else "does" if form in PRESENT_FORMS else "did"
    lemmas = find_lemmas(form) if verbs else (form,)
    if start < 0:
        frames = [_frame_lead(lead, kind, helper, words[:place], [lemma, *words[place + 1 :]]) for lemma in lemmas]
    else:
        between = words[place + 1 : start]
        if any(word[-1] in ",;" or word.lower() in RELATIVES | AUXILIARIES | CONJUNCTIONS for word in between):
            return None
        # "Data collected in 2015 were used": the verb found was a participle
        if any(word.lower() in AUXILIARIES for word in words[end : end + 4]):
            return None
        frames = [
            _assemble(main, kind, helper=helper, subject=words[:place], before=[lemma, *between], after=words[end:])
            for lemma in lemmas
        ]
    found = [frame for frame in frames if frame]
    if len(found) <= 1:
        return found[0] if found else None
    # two possible spellings of the verb: it moves into the openings, and the model picks the word it knows
    openings = tuple(" ".join((opening, *frame.pieces[:1])) for frame in found for opening in frame.openings)
    return Frame(openings, found[0].pieces[1:], max(0, found[0].required - 1))


def _guess_verb(words: Sequence[str], start: int, kind: str) -> int | None:
    """`Trees now shade 24 percent of ...`: an unknown word between a plural noun and a quantity is a verb in the
    present."""
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


def _frame_lead(
    lead: Sequence[str], kind: str, helper: str, subject: Sequence[str], rest: Sequence[str]
) -> Frame | None:
    """An answer that stood in a leading phrase: `In 2015, the firm was sold` -> `When was the firm sold`."""
    asked = _WHEN.get(lead[0].lower()) if kind == "date" and len(lead) <= 5 else None
    pieces = _cut(rest)
    if asked is None or not pieces:
        return None
    return Frame(tuple(f"{asked} {helper} {name}" for name in _name_subject(subject)), pieces, 1)
