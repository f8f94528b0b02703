"""Leftovers of formats that a model was asked for or trained on."""

from __future__ import annotations

import re
from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext

_LABEL = re.compile(r"(?i)^\W*(?:(?:q(?:uestion)?|a(?:nswer)?)\s{0,2}#?\d{0,3}|user|assistant|system|human)\s{0,2}:")
_LEAK = re.compile(
    r"""(?ix)
    # chat templates
    <\|[^|<>\n]{0,60}\|> | <\| | \|> | \[/?(?:inst|sys|assistant|user)\] | <</?sys>> | </?s> | <0x[0-9a-f]{2}>
    | <(?:bos|eos|pad|unk|mask)> | </?(?:start|end)_of_(?:turn|text|image)>
    | </?(?:think|thinking|answer|question|context|document|output|tool_call)>
    # labels of the reply format
    | (?m:^)[ \t]{0,8}\#{1,6}[ ]{0,2}(?:instruction|response|question|answer|assistant|human|user|system|output)s?\b
    | (?m:^)[ \t]{0,8}(?:q|a|question|answer)[ ]?\#?\d{1,3}[ ]{0,2}:
    | \n[ \t]{0,8}(?:question|answer|user|assistant)[ ]{0,2}:
    # JSON
    | "(?:questions?|answers?|q|a|text|value|content|role|pairs?|qa_pairs|reason(?:ing)?)"\s{0,4}:
    | ^\s{0,8}(?:\{\s{0,8}"|\[\s{0,8}[{"]) | "\s{0,8}[}\]]{1,2}[\s,]{0,8}$ | \\n(?-i:(?![a-z])) | \\u[0-9a-f]{4} | \\"
    # code fences, Jinja
    | ``` | ~~~ | \{\{ | \}\} | \{% | %\}
    # HTML
    | </?(?:p|br|b|i|u|em|strong|div|span|table|thead|tbody|t[rdh]|[uo]l|li|a|h[1-6]|sup|sub|code|pre|html|body|head
      |img|hr|font|center|script|style|title|form|input|button|blockquote)(?:\s[^<>]{0,300})?/?>
    | &(?:amp|lt|gt|quot|apos|nbsp|\#\d{1,5}|\#x[0-9a-f]{1,5});
    """
)


class Markup(Filter):
    """Leftovers of the chat template, the reply format, JSON, code fences, Jinja or HTML: `markup`.

    Characters that a page prints are kept (`Q1: $5 m` in a quarterly report), except for a label before the question.
    """

    kind: Literal["markup"] = "markup"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if _LABEL.match(pair.question):
            return "markup"
        label = _LABEL.match(pair.answer)
        found = [match[0] for text in (pair.question, pair.answer) for match in _LEAK.finditer(text)]
        leaks = ([label[0]] if label else []) + found
        # each is searched for on all pages, so their number is bounded
        return "markup" if any(not context.prints(leak.strip()) for leak in list(dict.fromkeys(leaks))[:16]) else None
