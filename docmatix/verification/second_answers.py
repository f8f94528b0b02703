"""Reads another answer to a pair's question, and compares it with the pair's own."""

from __future__ import annotations

from docmatix.core.pairs import Reply, is_cut
from docmatix.verification.check import CheckedPair, Finding

_FEW_WORDS, _SENTENCES = 80, 300  # characters


def describe_form(answer: str) -> str:
    """How long an answer to ask for: two answers of one kind can be compared, where a name and a paragraph cannot. It
    tells nothing else of the pair's own."""
    if len(answer) <= _FEW_WORDS:
        return "Answer in a few words."
    return "Answer in one or two sentences." if len(answer) <= _SENTENCES else "Answer in several sentences."


def read_second_answer(checked: CheckedPair, reply: Reply) -> Finding:
    """How well a reply agrees with the pair's answer. One that says nothing tells nothing of the pair: its score is
    unknown, for the reason `truncated` or `empty_reply`."""
    # its words and units take 0.1 s to load, which every command would wait for
    from docmatix.prompting.replies import read_answer
    from docmatix.verification.agreement import compare_answers

    said = read_answer(reply.content, finish_reason=reply.finish_reason)
    if not said:
        return Finding(None, reason="truncated" if is_cut(reply.finish_reason) else "empty_reply")
    found = compare_answers(checked.pair.answer, said, question=checked.pair.question, language=checked.language)
    return Finding(round(found.score, 4), rule=found.rule)
