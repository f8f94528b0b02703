"""What a prompt's instructions show as an example: questions, pairs, quoted sentences and values.

Small models repeat them as pairs. The shipped prompts show none in their instructions; a user's own may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from docmatix.prompting.replies import parse_reply

_QUOTED = re.compile(
    "\"([^\"\n]+)\"|“([^”\n]+)”|„([^“”\n]+)[“”]|«([^»\n]+)»|「([^」\n]+)」|`([^`\n]+)`|(?<!\\w)['‘]([^'’\n]+)['’](?!\\w)"
)
_QUESTION = re.compile(r"[^?？؟\n]*[?？؟]+")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?。！？:：;])\s+|(?:^|\s)[-*•]\s+|^\s*\d+[.)]\s+")
_LABEL = re.compile(r"^\W*\w{1,20}\s?(?:\d+\s?)?[:：]\s+(?=\S)")
"""`Question: `, `Q1: `, `Answer: ` before what is shown."""
_TELLING = re.compile(r"\d|\s[A-Z]|[.!?。！？]$")
"""A digit, a name or the end of a sentence: other quoted words are such as a prompt speaks of ("it", "the above")."""


def find_examples(text: str) -> Iterator[str]:
    """The examples in an instruction, the same one perhaps several times."""
    for notation in ("pairs_json", "pairs_text"):  # each reader stops at the first that finds a pair
        pairs, _ = parse_reply(text, format=notation, finish_reason="stop")
        yield from (each for pair in pairs for each in pair if each)
    for match in _QUOTED.finditer(text):
        quoted = next(filter(None, match.groups())).strip()
        if _TELLING.search(quoted):
            yield quoted
    for match in _QUESTION.finditer(text):
        question = match.group().strip()
        yield question
        yield from list(filter(None, map(str.strip, _SENTENCE_ENDS.split(question))))[-1:]


def split_turn(text: str) -> Iterator[str]:
    """An example turn whole, and each of its lines and sentences without its label."""
    yield text
    for line in text.splitlines():
        yield line.strip()
        yield _LABEL.sub("", line).strip()


def keep_telling(examples: Iterable[str]) -> tuple[str, ...]:
    """Each example once, without those that have no word."""
    return tuple(dict.fromkeys(each for each in examples if re.search(r"\w", each)))
