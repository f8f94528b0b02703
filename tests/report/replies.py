"""What the models of the report's tests say."""

from __future__ import annotations

import json
import re

from docmatix.core.pairs import Request

HOSTILE_NAME = "<img src=x onerror=window.hacked=1>&amp;'\".pdf"
_ATTACKS = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "javascript:window.hacked=1",
    "${window.hacked=1} {{ window.hacked }} {% raw %}",
    "&lt;b&gt; \u2028 \u2029",
)
HOSTILE_TEXT = "This page was written to be read by a program. " + " ".join(_ATTACKS[:6])


def write_mixed_reply(request: Request) -> str:
    """For each labelled fact on the pages a pair; then one whose answer is nowhere, and one that is far too long."""
    found = re.findall(
        r"\b(Contact|Buyer|Signed by|Inspector|Reference|Date): ([\w-]+ ?\w+)", request.messages[-1].content
    )
    pairs = [{"question": f"What is written beside {label}?", "answer": value} for label, value in found]
    pairs.append({"question": "What is the zebra called?", "answer": "Quagga Xylophone"})
    pairs.append({"question": "What is said at length?", "answer": "so much " * 20})
    return json.dumps({"pairs": pairs})


def write_hostile_reply(request: Request) -> str:
    """Questions and answers out of attacks; one of them is too long and so among the dropped."""
    pairs = [{"question": f"What is {attack} {number}?", "answer": attack} for number, attack in enumerate(_ATTACKS)]
    pairs.append({"question": f"{_ATTACKS[1]} why?", "answer": " ".join(_ATTACKS) * 2})
    return json.dumps({"pairs": pairs})
