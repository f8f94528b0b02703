"""What is wrong with a configuration, in one sentence that names the key as the file has it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from docmatix.config import Config
from docmatix.core.kinds import GROUP, list_sections
from docmatix.core.settings import Section

_UNION_TAGS = {"function-after", "function-wrap", "str", "PromptChoice"}
"""What pydantic adds to the place of an error for the member of a plain union."""


def explain(error: ValidationError) -> str:
    """The first problem of a configuration; a misspelt key before others."""
    problems = error.errors(include_url=False, include_input=False)
    # a value that fits no member of a plain union gives one problem a member: the misspelt key says most
    problem = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    where = [str(part) for part in problem["loc"] if not any(str(part).startswith(tag) for tag in _UNION_TAGS)]
    name = ".".join(where)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(where[:-1], where[-1])
        near = difflib.get_close_matches(where[-1], known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else (f"; it knows {', '.join(known)}." if known else ".")
        return f"`{name}` is not a key docmatix knows{hint}"
    if problem["type"] == "missing":
        return f"`{name}` is missing."
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        expected = context["expected_tags"].replace("'", "`")
        return (
            f"`{name}.kind` is `{context['tag']}`, which docmatix does not know; it knows {expected}. A kind of another"
            f" package is found where that package is installed (entry points `{GROUP}`)."
        )
    if problem["type"] == "union_tag_not_found":
        return f"`{name}.kind` is missing."
    said = problem["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    return f"`{name}`: {said}."


def _known_keys(where: Sequence[str], wrong: str) -> list[str]:
    """The keys of the models that may stand at a place, those nearest to the wrong one if there are several."""
    sections: list[type[Section]] = [Config]
    for part in where:
        if not part.isdigit():
            fields = [_fields(section)[part] for section in sections if part in _fields(section)]
            sections = [each for field in fields for each in list_sections(field.annotation, field.metadata)]
    return sorted({name for section in sections for name in _fields(section)})


def _fields(section: type[Section]) -> dict[str, FieldInfo]:
    return {about.alias or name: about for name, about in section.model_fields.items()}
