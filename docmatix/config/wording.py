"""What is wrong with a configuration: a sentence for each mistake, which names the key as written in the file."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from docmatix.config import Config
from docmatix.core.kinds import GROUP, Kind, list_sections
from docmatix.core.settings import Section


class Mistake(NamedTuple):
    """A mistake in a configuration: the path of the key it is about, and a sentence."""

    path: tuple[str, ...]
    sentence: str


class _Problem(NamedTuple):
    """pydantic's error, with the path that the file has."""

    error: ErrorDetails
    path: tuple[str, ...]
    member: tuple[tuple[str, ...], str] | None
    """For a value that fits no member of a plain union: its path, and the member that this problem is about."""


def list_mistakes(error: ValidationError, content: Any, *, root: type[Section] = Config) -> list[Mistake]:
    """The mistakes of a configuration with this `content`, misspelt keys first; `root` is its model."""
    found = [_locate(each, content) for each in error.errors(include_url=False, include_input=False)]
    problems = sorted(_choose_members(found), key=lambda problem: problem.error["type"] != "extra_forbidden")
    mistakes, meant = [], set[tuple[str, ...]]()
    for problem in problems:
        if problem.error["type"] == "extra_forbidden":
            sentence, near = _refuse_key(problem.path, content, root)
            meant.add((*problem.path[:-1], near))
        elif problem.error["type"] == "missing" and problem.path in meant:
            continue  # it is there, misspelt
        else:
            sentence = _describe(problem)
        mistakes.append(Mistake(problem.path, sentence))
    return mistakes


def _locate(error: ErrorDetails, content: Any) -> _Problem:
    """What pydantic adds to a place, such as the member of a union, is none of the file's keys."""
    path: list[str] = []
    member = None
    place = error["loc"]
    for number, part in enumerate(place):
        if isinstance(part, int) and isinstance(content, Mapping):
            continue  # one alone, where a list may stand
        if isinstance(part, int) or (isinstance(content, Mapping) and part in content):
            path.append(str(part))
            with contextlib.suppress(LookupError, TypeError):
                content = content[part]
        elif error["type"] == "missing" and number == len(place) - 1:
            path.append(part)
        elif isinstance(content, Mapping) and f"{part}_" in content:  # a field's own name in place of its alias
            path.append(f"{part}_")
            content = content[f"{part}_"]
        elif member is None:
            member = tuple(path), part
    return _Problem(error, tuple(path), member)


def _choose_members(problems: Sequence[_Problem]) -> Iterator[_Problem]:
    """Of a value that fits no member of a union, the problems of the one whose shape it has, or else one problem."""
    unions: dict[tuple[str, ...], list[_Problem]] = {}
    for problem in problems:
        if problem.member is not None:
            unions.setdefault(problem.member[0], []).append(problem)
    for problem in problems:
        if problem.member is None:
            yield problem
        elif (several := unions.pop(problem.member[0], None)) is not None:
            inside = [each for each in several if len(each.path) > len(problem.member[0])]
            yield from [each for each in inside if each.member == inside[0].member] or several[:1]


def _refuse_key(path: Sequence[str], content: Any, root: type[Section]) -> tuple[str, str]:
    """The sentence about an unknown key, and the known one that is nearest."""
    known = _list_known_keys(path[:-1], content, root)
    near = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else (f"; it knows {', '.join(known)}." if known else ".")
    return f"`{'.'.join(path)}` is not a key docmatix knows{hint}", near[0] if near else ""


def _describe(problem: _Problem) -> str:
    name, kind = ".".join(problem.path), problem.error["type"]
    if kind == "missing":
        return f"`{name}` is missing."
    if kind == "union_tag_invalid":
        context = problem.error["ctx"]
        expected = context["expected_tags"].replace("'", "`")
        return (
            f"`{name}.kind` is `{context['tag']}`, which docmatix does not know; it knows {expected}. A kind of another"
            f" package is found where that package is installed (entry points `{GROUP}`)."
        )
    if kind == "union_tag_not_found":
        return f"`{name}.kind` is missing."
    message = problem.error["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    message = re.sub(r"valid dictionary(?: or instance of \w+)?", "mapping of keys to values", message)
    return f"`{name}`: {message}."


def _list_known_keys(where: Sequence[str], content: Any, root: type[Section]) -> list[str]:
    """The keys of the model at a place of `content`, of a family those of the kind that is chosen there."""
    sections: Sequence[type[Section]] = [root]
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
