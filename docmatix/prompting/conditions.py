"""Where a prompt belongs: `when:` in its front matter, over the profiles of a window's pages, how many of them are
pictures without text, and their language.

`{chart: ">= 0.5", tables: ">= 1", language: [en, de]}` is a window with a page whose score is at least a half, with a
table on some page, in either language; all of it must hold. Of a list of such mappings one must hold.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from docmatix.core.documents import Page
from docmatix.core.errors import SetupError
from docmatix.core.profiles import COUNTS, MEASURES

LANGUAGE = "language"
IMAGE_ONLY = "image_only"
"""How many pages of a window have no text that could be read, and are shown as pictures alone."""

_COUNTED = (*COUNTS, IMAGE_ONLY)
_KNOWN = (*MEASURES, IMAGE_ONLY, LANGUAGE)
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
    """What must all hold of a window."""

    comparisons: tuple[Comparison, ...] = ()
    languages: tuple[str, ...] = ()
    """The languages of which its document must have one; none: any, known or not."""


Conditions: TypeAlias = tuple[Condition, ...]
"""Of which one must hold of a window; without any, every window will do."""

ANYWHERE: Conditions = ()


def read_conditions(said: Any) -> Conditions:
    """The conditions that YAML values say: a mapping, or a list of such. Raises SetupError, in one sentence without a
    place, for an unknown name or for what is no comparison, always holds or never does."""
    each = said if isinstance(said, list) else [said]
    if not each or not all(isinstance(one, Mapping) and one for one in each):
        raise SetupError(
            '`when` is a mapping, such as {chart: ">= 0.5", language: en}, or a list of these, of which one must hold.'
        )
    return tuple(dict.fromkeys(map(_read_condition, each)))


def _read_condition(said: Mapping[Any, Any]) -> Condition:
    comparisons: list[Comparison] = []
    languages: tuple[str, ...] = ()
    for name, value in said.items():
        if name == LANGUAGE:
            languages = _read_languages(value)
        elif name in _KNOWN:
            comparisons.append(_read_comparison(name, value))
        else:
            near = difflib.get_close_matches(str(name), _KNOWN, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ":"
            known = "" if near else f" known are {', '.join(_KNOWN)}."
            raise SetupError(f"`when` knows no {str(name)!r}{hint}{known}")
    return Condition(tuple(comparisons), languages)


def _read_comparison(measure: str, value: Any) -> Comparison:
    match = _COMPARISON.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        shown = '">= 1"' if measure in _COUNTED else '">= 0.5"'
        raise SetupError(f"`when.{measure}` is {value!r}, and must be >=, <=, > or < and a number, as in {shown}.")
    sign, bound = match["sign"], float(match["bound"])
    said = "pages" if measure == IMAGE_ONLY else measure
    if measure in _COUNTED and bound != int(bound):
        raise SetupError(f"`when.{measure}` is {value!r}, but {said} are counted in whole numbers.")
    highest = float("inf") if measure in _COUNTED else 1.0
    at_ends = {_OPERATORS[sign](end, bound) for end in (0.0, highest)}
    if len(at_ends) == 1:
        scale = "are 0 or more" if measure in _COUNTED else "is from 0 to 1"
        always = "holds for every page" if at_ends == {True} else "holds for no page"
        raise SetupError(f"`when.{measure}` is {value!r}, which {always}, as {said} {scale}.")
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


def names_pictures(conditions: Conditions) -> bool:
    """Whether the conditions compare the number of pages without text."""
    return any(one.measure == IMAGE_ONLY for condition in conditions for one in condition.comparisons)


def needs_profiles(conditions: Conditions) -> bool:
    """Whether the conditions compare what only the profiles of pages tell."""
    return any(one.measure != IMAGE_ONLY for condition in conditions for one in condition.comparisons)


def fits_window(conditions: Conditions, pages: Sequence[Page], *, language: str | None) -> bool:
    """Whether these pages of a window are such as the conditions mean: of their shares and scores the largest counts,
    of counts the sum. A page without a profile says nothing, and where none has one, no comparison of them holds."""
    return not conditions or any(_holds(condition, pages, language) for condition in conditions)


def _holds(condition: Condition, pages: Sequence[Page], language: str | None) -> bool:
    if condition.languages and language not in condition.languages:
        return False
    return all(
        (found := _measure(one.measure, pages)) is not None and _OPERATORS[one.sign](found, one.bound)
        for one in condition.comparisons
    )


def _measure(measure: str, pages: Sequence[Page]) -> float | None:
    if measure == IMAGE_ONLY:
        return sum(page.is_image_only for page in pages)
    values: list[float] = [getattr(page.profile, measure) for page in pages if page.profile is not None]
    if not values:
        return None
    return sum(values) if measure in COUNTS else max(values)
