"""Whether a question keeps what its sentence means: what a template cuts away may be a condition or a bound."""

from __future__ import annotations

import re

from docmatix.prompting.questions.sentences.template import Template
from docmatix.text.english import HEDGES, MONTH, NUMERAL, bare

_WEIGHTY = frozenset(
    "if unless except excluding provided providing only not no never neither nor cannot or per each otherwise "
    "depending hardly rarely without nearly almost nobody none nothing".split()
)
"""Without them a sentence says something else."""
_COMPARED = re.compile(r"(?<!,) (?:more|less|fewer|other|rather|[a-z]{2,}er) than\b")
_RESTRICTED = re.compile(r"[^\s,;:–—]( that| who| whom| whose| which| where)\b")
_DATED = re.compile(rf"\b(?:1[5-9]|20)\d\d\b|\b{MONTH} \d|\b(?:last|this|next|previous) (?:year|month|week|quarter)\b")
_SECOND = re.compile(rf" (?:and|but) (?:(?:{'|'.join(sorted(HEDGES))}|over|another|up to) )?(?:[\d$€£]|{NUMERAL}\b)")
_CONTRAST = re.compile(r", (?:not|or(?= [\d$€£])|(?:\w+ )?(?:more|less|fewer) than) [^,;]*")
_CONDITION = re.compile(r"[;:,] (?:if|unless|except|provided|but not|however)\b", re.IGNORECASE)


def keeps_meaning(template: Template, *, answer: str, kind: str, context: str) -> bool:
    """Whether the shortest question of a template keeps the conditions, negations, comparisons, restrictions and, for
    quantities, the dates of the answer's sentence."""
    text = re.sub(r" ?\([^()]{0,120}\)", lambda found: found.group() if answer in found.group() else "", context)
    place = text.find(answer)
    start = max(text.rfind(";", 0, place), text.rfind(":", 0, place)) + 1
    end = re.search(r"; ", text[place:])
    stop = place + end.start() if end else len(text)
    said = " ".join((template.openings[0], *template.pieces[: template.required]))
    asked = {bare(word).lower() for word in said.split()}
    before, after = text[start:place], _CONTRAST.sub("", text[place + len(answer) : stop])
    main = after.lstrip(", ") if len(before.split()) < 2 else after  # "In 2003, Cope ..."
    words = {bare(word).lower() for word in (*before.split(), *after.split())}
    if not (words & _WEIGHTY) <= asked or _CONDITION.match(text[stop:]):
        return False
    if any(found.group().strip() not in said for found in _COMPARED.finditer(before + after)):
        return False
    if any(found.group(1).strip() not in asked for found in _RESTRICTED.finditer(" " + re.split(r" and |, ", main)[0])):
        return False
    if kind in {"amount", "percent", "number"}:
        dates = {found.group() for found in _DATED.finditer(text[:place] + " " + text[place + len(answer) :])}
        return all(date in said for date in dates) and not _SECOND.search(after)
    return True
