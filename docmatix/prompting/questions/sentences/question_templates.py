"""The well-formed questions that a known answer allows, made from its sentence.

The model only chooses among openings and where to stop: `The library was founded in 1974 by Hughes` + `1974` -> `When
was the library founded| by Hughes`. A sentence that cannot be turned safely has no template.
Why: `docs/design/questions.md`.
"""

from __future__ import annotations

import re

from docmatix.prompting.questions.sentences.clause_templates import CLAUSE_TEMPLATES
from docmatix.prompting.questions.sentences.clauses import find_clause
from docmatix.prompting.questions.sentences.meaning import keeps_meaning
from docmatix.prompting.questions.sentences.template import Template


def find_template(answer: str, *, kind: str, context: str) -> Template | None:
    """The shapes a question for `answer` may take, or None if its context cannot be turned safely."""
    if kind == "acronym":
        found = re.search(re.escape(answer) + r" \(([A-Z][A-Za-z]{1,9})\)", context)
        template = Template((f"What does {found.group(1)} stand for",)) if found else None
    else:
        clause = find_clause(answer, context)
        template = next((template for turn in CLAUSE_TEMPLATES if clause and (template := turn(clause, kind))), None)
        if template and template.openings and not keeps_meaning(template, answer=answer, kind=kind, context=context):
            return None
    return template if template and template.openings else None
