"""Kinds: sources, engines, filters, checks, exports and report parts; the project's own and those of other packages.

A kind is one class: its fields are its settings, its methods the work. Its family (`Source`, `Filter`, ...) declares
those methods. Other packages add kinds as entry points of `docmatix.kinds`, named by family and kind:
`"filter.no_digits" = "acme_docmatix:NoDigits"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.core.settings import Section

GROUP = "docmatix.kinds"
FAMILIES = ("source", "engine", "filter", "check", "export", "report_part", "ocr_engine")


class Kind(Section):
    """The root of all families. A kind has a field `kind: Literal["name"]`, by which a configuration chooses it."""

    family: ClassVar[str]

    @classmethod
    def get_name(cls) -> str:
        """What a configuration calls it."""
        field = cls.model_fields.get("kind")
        return str(next(iter(get_args(field.annotation)), "")) if field else ""

    @classmethod
    def hide_secrets(cls, settings: dict[str, Any]) -> None:
        """Take the secrets out of dumped settings, in place, before they are written: here those of addresses."""
        for name, value in settings.items():
            settings[name] = [*map(_hide_in_address, value)] if isinstance(value, list) else _hide_in_address(value)

    def to_fingerprint(self) -> dict[str, Any]:
        """As in `Section`, plus package and version for a kind from another package."""
        package = _load_family(self.family).get(type(self))
        return super().to_fingerprint() | ({"package": package} if package else {})


def _hide_in_address(value: Any) -> Any:
    return hide_in_url(value) if isinstance(value, str) else value


AnyKind = TypeVar("AnyKind", bound=Kind)


def collect_kinds(family: type[AnyKind], own: Iterable[type[AnyKind]]) -> Mapping[str, type[AnyKind]]:
    """The kinds of a family by name: the project's `own`, then those of installed packages. Raises SetupError for an
    entry point that cannot be loaded or is not a kind, and for a name that is already taken."""
    kinds = {kind.get_name(): kind for kind in own}
    for kind, package in _load_family(family.family).items():
        if not issubclass(kind, family):
            raise SetupError(f"{kind.__name__} of {package} is not a {family.__name__}: it must be a subclass of it.")
        if (name := kind.get_name()) in kinds:
            raise SetupError(
                f"The {family.family} `{name}` of {package} has a name that is taken: rename or uninstall it."
            )
        kinds[name] = kind
    return kinds


@dataclass(frozen=True)
class OneOf:
    """Marks a field that holds a kind of a family: `Annotated[SerializeAsAny[Filter], OneOf(Filter, FILTERS)]`. Kinds
    are looked up when a value is validated, so that importing docmatix loads no other package."""

    family: type[Kind]
    own: tuple[type[Kind], ...]

    def kinds(self) -> Mapping[str, type[Kind]]:
        """The kinds by name."""
        return collect_kinds(self.family, self.own)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source))

    def _validate(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(value, self.family) or not isinstance(value, Mapping):
            return handler(value)
        if (name := value.get("kind")) is None:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": "'kind'"})
        if (kind := self.kinds().get(name) if isinstance(name, str) else None) is None:
            expected = ", ".join(map(repr, self.kinds()))
            context = {"discriminator": "'kind'", "tag": str(name), "expected_tags": expected}
            raise PydanticKnownError("union_tag_invalid", context)
        return kind.model_validate(value)


def list_sections(annotation: Any, metadata: Iterable[Any] = ()) -> list[type[Section]]:
    """The models that a field with this annotation may hold, including each kind of a family."""
    if get_origin(annotation) is Annotated:
        return list_sections(annotation.__origin__, (*metadata, *annotation.__metadata__))
    if (choice := next((each for each in metadata if isinstance(each, OneOf)), None)) is not None:
        return list(choice.kinds().values())
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, Section) else []
    return [section for part in get_args(annotation) for section in list_sections(part)]


@cache
def _load_family(family: str) -> Mapping[type[Kind], str]:
    """The kinds that other packages add to a family, each with `package version`."""
    found = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        prefix, _, name = point.name.partition(".")
        if prefix not in FAMILIES or not name:
            raise SetupError(
                f"The entry point `{point.name}` of {package} must be named FAMILY.KIND, with one of the families"
                f" {', '.join(FAMILIES)}."
            )
        if prefix == family:
            found[_load(point, name, package)] = package
    return found


def _load(point: EntryPoint, name: str, package: str) -> type[Kind]:
    try:
        kind = point.load()
    except Exception as error:
        raise SetupError(
            f"`{point.name}` ({point.value}) of {package} cannot be loaded ({type(error).__name__}: {error}): update or"
            " uninstall the package."
        ) from error
    if not (
        isinstance(kind, type) and issubclass(kind, Kind) and "kind" in kind.model_fields and kind.get_name() == name
    ):
        raise SetupError(
            f"`{point.name}` ({point.value}) of {package} is not a kind: it must be a subclass of `Kind` with a field"
            f' `kind: Literal["{name}"]`.'
        )
    if missing := sorted(each for each in kind.__class_vars__ if not hasattr(kind, each)):
        raise SetupError(f"`{point.name}` ({point.value}) of {package} must set `{missing[0]}`.")
    return kind
