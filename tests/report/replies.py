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
    """Questions and answers out of attacks, one of them too long and so among the dropped; a judge has attacks for
    reasons."""
    if "\nAnswer: " in request.messages[-1].content:
        names = ("grounded", "complete", "unambiguous", "useful", "well_formed")
        return json.dumps(
            {name: {"reason": attack, "rating": 3} for name, attack in zip(names, _ATTACKS, strict=False)}
        )
    pairs = [{"question": f"What is {attack} {number}?", "answer": attack} for number, attack in enumerate(_ATTACKS)]
    pairs.append({"question": f"{_ATTACKS[1]} why?", "answer": " ".join(_ATTACKS) * 2})
    return json.dumps({"pairs": pairs})


def write_checked_reply(request: Request) -> str:
    """The mixed pairs, and what checks would say of them: what is on the pages is found again, the zebra and what is
    beside Date are not; without pages only the reference is guessed; a judge finds the date wrong."""
    last = request.messages[-1].content
    if "\nAnswer: " in last:
        bad = "beside Date" in last or "Quagga" in last
        told = ("a date of another line", 1) if bad else ("it is printed there", 5)
        names = ("grounded", "complete", "unambiguous", "useful", "well_formed")
        return json.dumps({name: {"reason": told[0], "rating": told[1]} for name in names})
    if "Question: " not in last:
        return write_mixed_reply(request)
    pages, _, question = last.rpartition("Question: ")
    label = question.strip().removeprefix("What is written beside ").removesuffix("?")
    if not pages.strip():
        return "MX-000" if label == "Reference" else "not answerable"
    found = re.search(rf"\b{re.escape(label)}: ([\w-]+ ?\w+)", pages)
    return "1 May 1812" if label == "Date" else found[1] if found else "not answerable"
