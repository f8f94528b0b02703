"""The well-formed questions that a known answer allows, made from its sentence, form field or table row.

The model only chooses among openings and where to stop: `The library was founded in 1974 by Hughes` + `1974` -> `When
was the library founded| by Hughes`. A sentence that cannot be turned safely has no template.
Why: `docs/design/questions.md`.
"""

from __future__ import annotations

import re

from docmatix.prompting.questions.sentences.clause_templates import CLAUSE_TEMPLATES
from docmatix.prompting.questions.sentences.clauses import find_clause
from docmatix.prompting.questions.sentences.field_templates import find_field_template
from docmatix.prompting.questions.sentences.template import Template


def find_template(answer: str, *, kind: str, context: str, label: str | None = None) -> Template | None:
    """The shapes a question for `answer` may take, or None if its context cannot be turned safely."""
    if label is not None:
        template = find_field_template(answer, context, label)
    elif kind == "acronym":
        found = re.search(re.escape(answer) + r" \(([A-Z][A-Za-z]{1,9})\)", context)
        template = Template((f"What does {found.group(1)} stand for",)) if found else None
    else:
        clause = find_clause(answer, context)
        template = next((template for turn in CLAUSE_TEMPLATES if clause and (template := turn(clause, kind))), None)
    return template if template and template.openings else None
