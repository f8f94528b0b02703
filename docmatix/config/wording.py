"""What is wrong with a configuration, in one sentence that names the key as written in the file."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from docmatix.config import Config
from docmatix.core.kinds import GROUP, Kind, list_sections
from docmatix.core.settings import Section

_UNION_MEMBERS = {"str", "PromptChoice"}
"""What pydantic adds to the place of an error for the member of a plain union."""


def explain(error: ValidationError, content: Any) -> str:
    """The first problem of a configuration with this `content`; a misspelt key before others."""
    problems = error.errors(include_url=False, include_input=False)
    # a value that fits no member of a plain union has one problem per member; a misspelt key says most
    problem = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    *above, last = [str(part) for part in problem["loc"]] or [""]
    where = [part for part in above if not _is_added(part)]
    # an unknown key may be called as a member of a union is
    if problem["type"] == "extra_forbidden" or not _is_added(last):
        where.append(last)
    name = ".".join(where)
    if problem["type"] == "extra_forbidden":
        known = _list_known_keys(where[:-1], content)
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
    message = problem["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    return f"`{name}`: {message}."


def _is_added(part: str) -> bool:
    return part in _UNION_MEMBERS or part.startswith("function-")


def _list_known_keys(where: Sequence[str], content: Any) -> list[str]:
    """The keys of the model at a place of `content`, of a family those of the kind that is chosen there."""
    sections: Sequence[type[Section]] = [Config]
    for part in where:
        with contextlib.suppress(LookupError, TypeError, ValueError):
            content = content[int(part) if part.isdigit() else part]
        if not part.isdigit():
            fields = [_fields(section)[part] for section in sections if part in _fields(section)]
            sections = [each for field in fields for each in list_sections(field.annotation, field.metadata)]
        chosen = content.get("kind") if isinstance(content, Mapping) else None
        sections = [each for each in sections if issubclass(each, Kind) and each.get_name() == chosen] or sections
    return sorted({name for section in sections for name in _fields(section)})


def _fields(section: type[Section]) -> dict[str, FieldInfo]:
    return {about.alias or name: about for name, about in section.model_fields.items()}
