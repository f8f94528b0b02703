"""The well-formed questions that a known answer allows, made from its sentence, form field or table row.

The model only chooses among openings and where to stop: `The library was founded in 1974 by Hughes` + `1974` -> `When
was the library founded| by Hughes`. A sentence that cannot be turned safely has no frame.
Why: `docs/design/questions.md`.
"""

from __future__ import annotations

import re

from docmatix.prompting.questions.clause_templates import TEMPLATES
from docmatix.prompting.questions.clauses import find_clause
from docmatix.prompting.questions.field_templates import frame_field
from docmatix.prompting.questions.frame import Frame


def frame_question(answer: str, *, kind: str, context: str, label: str | None = None) -> Frame | None:
    """The shapes a question for `answer` may take, or None if its context cannot be turned safely."""
    if label is not None:
        frame = frame_field(answer, context, label)
    elif kind == "acronym":
        found = re.search(re.escape(answer) + r" \(([A-Z][A-Za-z]{1,9})\)", context)
        frame = Frame((f"What does {found.group(1)} stand for",)) if found else None
    else:
        clause = find_clause(answer, context)
        frame = next((frame for turn in TEMPLATES if clause and (frame := turn(clause, kind))), None)
    return frame if frame and frame.openings else None
