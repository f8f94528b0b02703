"""Writes the content of a report as HTML with every value escaped, and as JSON that is safe to embed in it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def fill(template: str, /, **values: Any) -> Markup:
    """HTML from a Jinja template; values are escaped unless they are `Markup`. Filters: `number`, `duration`, and
    `words` (`too_long` as "too long")."""
    return Markup(_make_environment().from_string(template).render(values))


def fill_file(name: str, /, **values: Any) -> Markup:
    """The same from a file of `templates/`."""
    return Markup(_make_environment().get_template(name).render(values))


@cache
def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("docmatix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": format_number,
        "duration": format_duration,
        "words": lambda name: str(name).replace("_", " "),
    }
    return environment


def escape_json(value: Any) -> str:
    """JSON for a `<script type="application/json">`: no tag, comment or entity can begin in it, and no line ends where
    JavaScript would see one. Raises ValueError for NaN and infinities."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # a lone surrogate cannot be written as UTF-8
    return text.encode("utf-8", "replace").decode()


def format_number(value: float) -> str:
    """`1,234`, and from a million on `1.23 M`."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.2f} {unit}"
    return f"{value:,.0f}"


def format_duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 12 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
