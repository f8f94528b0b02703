"""Questions about the text that the model was given."""

from __future__ import annotations

import re
from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext

_THE_TEXT = "(?:text|context|passage|content|information|paragraph)"
_TALK_OF_TEXT = re.compile(
    r"(?i)\b(?:the|this) (?:passage|excerpt|snippet)\b"
    rf"|\b{_THE_TEXT} (?:above|below|provided|given)\b"
    rf"|\b(?:provided|given|above|following|preceding|supplied|extracted) {_THE_TEXT}\b"
    r"|\b(?:according to|based on|as (?:mentioned|stated|described) in|in|from) the (?:text|context|content)\b"
)


class References(Filter):
    """The question mentions the text the model was given, which the reader of a page does not have: `refers_to_text`.

    `the document`, `the page` and `the table` are in sight and may be mentioned.
    """

    kind: Literal["references"] = "references"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        found = _TALK_OF_TEXT.search(pair.question)
        return "refers_to_text" if found and not context.prints(found[0]) else None
