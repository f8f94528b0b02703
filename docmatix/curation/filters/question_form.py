"""Questions that ask, and are not cut off."""

from __future__ import annotations

import re
from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.text.pieces import split_pieces

# Latin, full width, Arabic, Greek (as its own character), Armenian, Ethiopic, Coptic, Vai, and Spanish in front
_QUESTION_MARK = re.compile("[?？؟\u037e\u055e\u1367\u2cfa\ua60f¿⁇⁈⁉]")
_ASKING = re.compile(
    r"""(?ix) ^\W* (?:(?:please|kindly|briefly|now)\W+)? (?:
    (?: what | who | whom | whose | when | where | which | why | how | is | are | was | were | do | does | did
    | describe | explain | identify | list | summari[sz]e | provide | define | discuss | outline | compare | contrast
    | calculate | compute | determine | specify | extract | enumerate | analy[sz]e | evaluate | elaborate | tell | give
    ) \b
    # these open titles too (`State of New York`, `May 2019`), where a capital or a number follows
    | (?: can | could | should | shall | will | would | has | have | had | may | might | name | state | find | mention
    | write | show | indicate | quote | count | report | select | choose | locate | infer | interpret | transcribe
    ) \ (?!of\b) (?-i:[a-z])
    | (?: in | on | at | by | for | from | to | of | with | under | according\ to | based\ on | as\ of ) \b .{0,80} \b
    (?: what | whom? | whose | which | when | where | how ) \b
    )"""
)


_UNFINISHED = re.compile(r"(?i)\b(?:an?|the|and|or|than|between|among|whose|its|their)\W{0,4}$")


class QuestionForm(Filter):
    """The question asks or requests something, and is not cut off: `not_a_question`. A question mark of any script is
    enough. Without one, English must open with a question word or a request and not end in a word such as `the`; other
    languages are kept."""

    kind: Literal["question_form"] = "question_form"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if not split_pieces(pair.question):
            return "not_a_question"
        if _QUESTION_MARK.search(pair.question) or context.language not in (None, "en"):
            return None
        asks = _ASKING.search(pair.question) and not _UNFINISHED.search(pair.question)
        return None if asks else "not_a_question"
