"""Where a prompt belongs: `when:` in its front matter, over the profiles of a window's pages and their language.

`{chart: ">= 0.5", tables: ">= 1", language: [en, de]}` is a window with a page whose score is at least a half, with a
table on some page, in either language; all of it must hold.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from docmatix.core.errors import SetupError
from docmatix.core.profiles import COUNTS, MEASURES, Profile

LANGUAGE = "language"
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_COMPARISON = re.compile(r"\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>\d+(?:\.\d+)?)\s*")
_CODE = re.compile(r"[a-z]{2,3}")


class Comparison(NamedTuple):
    """A measure of a profile, and what it must be: `chart >= 0.5`."""

    measure: str
    sign: str
    bound: float


class Condition(NamedTuple):
    """What a window must be for a prompt; anything will do for an empty one."""

    comparisons: tuple[Comparison, ...] = ()
    languages: tuple[str, ...] = ()
    """The languages of which its document must have one; none: any, known or not."""


ANYWHERE = Condition()


def read_condition(said: Any) -> Condition:
    """The condition that YAML values say. Raises SetupError, in one sentence without a place, for an unknown name or
    for what is no comparison, always holds or never does."""
    if not isinstance(said, Mapping):
        raise SetupError('`when` is a mapping, such as {chart: ">= 0.5", language: en}.')
    comparisons: list[Comparison] = []
    languages: tuple[str, ...] = ()
    for name, value in said.items():
        if name == LANGUAGE:
            languages = _read_languages(value)
        elif name in MEASURES:
            comparisons.append(_read_comparison(name, value))
        else:
            near = difflib.get_close_matches(str(name), [*MEASURES, LANGUAGE], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ":"
            known = "" if near else f" known are {', '.join([*MEASURES, LANGUAGE])}."
            raise SetupError(f"`when` knows no {str(name)!r}{hint}{known}")
    return Condition(tuple(comparisons), languages)


def _read_comparison(measure: str, value: Any) -> Comparison:
    match = _COMPARISON.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        shown = '">= 1"' if measure in COUNTS else '">= 0.5"'
        raise SetupError(f"`when.{measure}` is {value!r}, and must be >=, <=, > or < and a number, as in {shown}.")
    sign, bound = match["sign"], float(match["bound"])
    if measure in COUNTS and bound != int(bound):
        raise SetupError(f"`when.{measure}` is {value!r}, but {measure} are counted in whole numbers.")
    highest = float("inf") if measure in COUNTS else 1.0
    at_ends = {_OPERATORS[sign](end, bound) for end in (0.0, highest)}
    if len(at_ends) == 1:
        scale = "are 0 or more" if measure in COUNTS else "is from 0 to 1"
        always = "holds for every page" if at_ends == {True} else "holds for no page"
        raise SetupError(f"`when.{measure}` is {value!r}, which {always}, as {measure} {scale}.")
    return Comparison(measure, sign, bound)


def _read_languages(value: Any) -> tuple[str, ...]:
    codes = value if isinstance(value, list) else [value]
    for code in codes:
        if not isinstance(code, str) or _CODE.fullmatch(code) is None:
            hint = ' (in YAML, Norwegian is written "no")' if code is False else ""
            raise SetupError(
                f"`when.language` has {code!r}, and must be a code such as en, or a list such as [en, de]{hint}."
            )
    if not codes:
        raise SetupError("`when.language` is empty, and must be a code such as en, or a list such as [en, de].")
    return tuple(dict.fromkeys(codes))


def fits_window(condition: Condition, profiles: Sequence[Profile], *, language: str | None) -> bool:
    """Whether a window of pages with these profiles is one that a condition means: of the shares and scores of its
    pages the largest counts, of the counts their sum. Without pages, none is."""
    if condition.languages and language not in condition.languages:
        return False
    if not condition.comparisons:
        return True
    return bool(profiles) and all(
        _OPERATORS[one.sign](_measure(one.measure, profiles), one.bound) for one in condition.comparisons
    )


def _measure(measure: str, profiles: Sequence[Profile]) -> float:
    values: list[float] = [getattr(profile, measure) for profile in profiles]
    return sum(values) if measure in COUNTS else max(values)
