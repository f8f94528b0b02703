"""The wording of a question whose answer is known: the grammar that holds a small model to it, and cleaning of replies.

Servers that take no grammars get the plain prompt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docmatix.prompting.questions.sentences.question_templates import find_template

if TYPE_CHECKING:
    from docmatix.prompting.questions.sentences.candidates import Candidate

# --- grammar ----------------------------------------------------------------------------------------------------------


def question_grammar(candidate: Candidate) -> str | None:
    """A candidate's template as a llguidance grammar, for llama.cpp's field `grammar`; None without a template.

    The server silently ignores an invalid grammar, hence only letters, marks and escaped punctuation.
    """
    template = find_template(candidate.answer, kind=candidate.kind, context=candidate.context)
    if (
        template is None
        or not template.openings
        or not all(part.isprintable() for part in (*template.openings, *template.pieces))
    ):
        return None
    pieces = [_escape(" " + piece) for piece in template.pieces]
    optional = ""
    for piece in reversed(pieces[template.required :]):
        optional = f"({piece}{optional})?"
    openings = "|".join(map(_escape, template.openings))
    return f"%llguidance {{}}\nstart: /({openings}){''.join(pieces[: template.required])}{optional}\\?/"


def _escape(text: str) -> str:
    """A literal inside a regular expression between slashes."""
    return "".join("\\" + mark if mark in r"\^$.|?*+()[]{}/-&~#" else mark for mark in text)


# --- replies ----------------------------------------------------------------------------------------------------------

_PREFIX = re.compile(
    r"\s*(?:[-•]\s*|\(?\d{1,2}[.):]\s*|(?:Q|Question)\s?\d{0,2}\s*[:.)-]\s*|\*{1,3}|[\"“'‘`])", re.IGNORECASE
)


def clean_question(text: str) -> str:
    """The first question of a reply, without quotes, numbering or a prefix such as `Question:`; ``""`` if none."""
    line = next((line for line in text[:2000].splitlines() if "?" in line), "")
    line = " ".join(line[: line.find("?") + 1].split())
    for _ in range(5):
        shorter = _PREFIX.sub("", line, count=1) if _PREFIX.match(line) else line
        if shorter == line:
            break
        line = shorter
    # "Sure! Here is one. When was ...?": the last sentence before the mark
    parts = re.split(r"(?<=[a-z][.!:])\s+(?=[A-Z])", line)
    return parts[-1].strip()
