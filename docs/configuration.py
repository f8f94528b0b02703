"""Writes docs/configuration.md, the reference of every key, from the settings' own docstrings: `make configuration`."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docmatix.config import Config
from docmatix.core.kinds import Kind, list_sections
from docmatix.core.settings import NotFingerprinted, Section

REFERENCE = Path(__file__).parent / "configuration.md"
OPENING = """\
# Configuration

Written by `make configuration` from the docstrings of the settings.

One YAML file describes a build: `docmatix build FILE`. Only `name`, `source` and `generate.engine` are required.
Unknown keys are refused by name, and relative paths are relative to the file. `--set key.sub=value` on the command line
sets any key; the value is YAML. The files in `pipelines/` are examples. A list, such as `curate.filters`, replaces the
default list, so write out what you want to keep.

A key marked ° never changes what is built: no stage runs again when it changes.
"""
BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}"}
PLAIN = {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}


def write_reference() -> str:
    """The text of docs/configuration.md."""
    lines = [OPENING, *_write_table(Config, Config.model_fields)]
    seen: set[type] = {Config}
    for section, key in _list_sections(Config, ""):
        lines += _write_section(section, key, seen)
    return "\n".join(lines).rstrip() + "\n"


def _write_section(section: FieldInfo, key: str, seen: set[type]) -> Iterator[str]:
    """The section, or every kind that the key may hold, and the sections in these; each model once."""
    models = [model for model in _find_models(section.annotation, section.metadata) if model not in seen]
    seen.update(models)
    if not models:
        return
    yield f"\n## `{key}`{_mark(section)}"
    kinds: list[type[BaseModel]] = [model for model in models if issubclass(model, Kind)]
    base = _find_base(kinds)
    if base:
        yield "\nEvery kind has these keys:\n"
        yield from _write_table(base, {name: about for name, about in base.model_fields.items() if name != "kind"})
    for model in models:
        if issubclass(model, Kind):
            yield f"\n### `{key}: {{kind: {model.get_name()}}}`"
        yield f"\n{_unwrap(inspect.getdoc(model) or '')}"
        own = {
            name: about
            for name, about in model.model_fields.items()
            if name != "kind" and not (base and issubclass(base, _find_owner(model, name)))
        }
        if own:
            yield ""
            yield from _write_table(model, own)
    for model in models:
        for inner, inner_key in _list_sections(model, f"{key}."):
            yield from _write_section(inner, inner_key, seen)


def _write_table(model: type[BaseModel], fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield "| key | value | default | |"
    yield "| --- | --- | --- | --- |"
    for name, about in fields.items():
        cells = (f"`{about.alias or name}`{_mark(about)}", _write_type(about), _write_default(about))
        yield "| " + " | ".join((*(cell.replace("|", "\\|") for cell in cells), _read_docstring(model, name))) + " |"


def _list_sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[FieldInfo, str]]:
    """The fields of a model that hold settings of their own, with their keys."""
    for name, about in model.model_fields.items():
        if _find_models(about.annotation, about.metadata):
            yield about, f"{prefix}{about.alias or name}"


def _find_models(annotation: Any, metadata: Sequence[Any] = ()) -> list[type[Section]]:
    """The project's own models that a field may hold; kinds of other packages are theirs to document."""
    return [model for model in list_sections(annotation, metadata) if model.__module__.startswith("docmatix.")]


def _find_base(kinds: list[type[BaseModel]]) -> type[BaseModel] | None:
    """The nearest class with fields that several kinds all inherit from."""
    classes = kinds[0].__mro__[1:] if len(kinds) > 1 else ()
    shared = (each for each in classes if issubclass(each, Section) and each.model_fields)
    return next((each for each in shared if all(issubclass(kind, each) for kind in kinds)), None)


def _find_owner(model: type[BaseModel], name: str) -> type:
    """The class that declares a field, or declares it again."""
    return next(each for each in model.__mro__ if name in inspect.get_annotations(each))


def _read_docstring(model: type[BaseModel], name: str) -> str:
    """What stands under a field, in the class that declares it or the nearest one above."""
    found = (_read_docstrings(each).get(name) for each in model.__mro__ if issubclass(each, Section))
    return next((text for text in found if text), "")


@lru_cache
def _read_docstrings(model: type) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: _unwrap(inspect.cleandoc(text.value.value)).replace("|", "\\|")
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _write_type(about: FieldInfo) -> str:
    limits = [
        words.format(f"{value:,}")
        for each in about.metadata
        for limit, words in BOUNDS.items()
        if (value := getattr(each, limit, None)) is not None
    ]
    return ", ".join([_name_type(about.annotation, about.metadata), *limits])


def _name_type(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, parts = get_origin(annotation), [each for each in get_args(annotation) if each is not Ellipsis]
    if origin is Literal:
        return " | ".join(f"`{each}`" for each in parts)
    models = _find_models(annotation, metadata)
    families = [model for model in models if issubclass(model, Kind)]
    if families:
        kinds = " | ".join(f"`{model.get_name()}`" for model in families)
        return f"list of mappings with `kind`: {kinds}" if origin is tuple else f"mapping with `kind`: {kinds}"
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_name_type(each) for each in parts if each is not NoneType))
    if origin in (tuple, list):
        return f"list of {_name_type(parts[0])}"
    if origin is dict or annotation is dict:
        return "mapping"
    if origin is not None:  # Annotated
        return _name_type(parts[0])
    return "mapping" if models else PLAIN.get(getattr(annotation, "__name__", ""), "any")


def _write_default(about: FieldInfo) -> str:
    if about.is_required():
        return "required"
    default = about.get_default(call_default_factory=True)
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, Section):
        return "its own defaults" if default.model_dump(exclude_none=True) else ""
    if isinstance(default, tuple):
        return ", ".join(f"`{each.get_name() if isinstance(each, Kind) else each}`" for each in default)
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _mark(about: FieldInfo) -> str:
    return " °" if any(isinstance(each, NotFingerprinted) for each in about.metadata) else ""


def _unwrap(text: str) -> str:
    """All on one line, as a table needs it."""
    return " ".join(text.split())


if __name__ == "__main__":
    REFERENCE.write_text(write_reference(), encoding="utf-8")
