"""Kinds: found by their entry points, and refused in one sentence where something is wrong with one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import BaseModel, SerializeAsAny, ValidationError

from docmatix.core import kinds
from docmatix.core.errors import SetupError
from docmatix.core.kinds import Kind, OneOf, collect_kinds, list_sections


class Shape(Kind):
    family: ClassVar[str] = "filter"
    size: int = 1


class Solid(Shape):
    faces: ClassVar[int]


class Round(Shape):
    kind: Literal["round"] = "round"


class Drawing(BaseModel):
    shape: Annotated[SerializeAsAny[Shape], OneOf(Shape, (Round,))]


SQUARE = """
from typing import Literal
from tests.core.test_kinds import Shape

class Square(Shape):
    kind: Literal["square"] = "square"
    corners: int = 4

class Other:
    pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lay down a package as pip would, with these entry points."""

    def lay_down(points: str, code: str = SQUARE) -> None:
        (tmp_path / "acme_shapes.py").write_text(code)
        about = tmp_path / "acme_shapes-0.3.dist-info"
        about.mkdir()
        about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: acme-shapes\nVersion: 0.3\n")
        about.joinpath("entry_points.txt").write_text(f"[docmatix.kinds]\n{points}\n")

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_shapes", raising=False)
    kinds._load_family.cache_clear()
    yield lay_down
    kinds._load_family.cache_clear()


def test_a_kind_of_an_installed_package_is_validated_and_dumped_with_its_own_settings(install: Callable[..., None]):
    install("filter.square = acme_shapes:Square")
    drawing = Drawing.model_validate({"shape": {"kind": "square", "corners": 5}})
    assert drawing.model_dump() == {"shape": {"size": 1, "kind": "square", "corners": 5}}
    assert drawing.shape.to_fingerprint()["package"] == "acme-shapes 0.3"
    assert [section.__name__ for section in list_sections(*_describe("shape"))] == ["Round", "Square"]


def _describe(name: str) -> tuple[object, list[object]]:
    about = Drawing.model_fields[name]
    return about.annotation, about.metadata


def test_a_kind_of_the_project_itself_names_no_package():
    assert Round().to_fingerprint() == {"size": 1, "kind": "round"}


@pytest.mark.parametrize(
    ("shape", "error"),
    [({"size": 2}, "union_tag_not_found"), ({"kind": "oval"}, "union_tag_invalid"), ("round", "model_type")],
)
def test_what_names_no_kind_is_refused(shape: object, error: str):
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate({"shape": shape})
    assert [each["type"] for each in caught.value.errors()] == [error]


def test_a_wrong_setting_of_a_kind_is_told_at_its_place():
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate({"shape": {"kind": "round", "sise": 2}})
    assert caught.value.errors()[0]["loc"] == ("shape", "sise")


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ("square = acme_shapes:Square", "must be named FAMILY.KIND"),
        ("filters.square = acme_shapes:Square", "must be named FAMILY.KIND"),
        ("filter.square = acme_shapes:Missing", "cannot be loaded (AttributeError"),
        ("filter.square = acme_missing:Square", "cannot be loaded (ModuleNotFoundError"),
        ("filter.square = acme_shapes:Other", 'must be a subclass of `Kind` with a field `kind: Literal["square"]`'),
        ("filter.circle = acme_shapes:Square", 'must be a subclass of `Kind` with a field `kind: Literal["circle"]`'),
    ],
)
def test_an_entry_point_that_gives_no_kind_is_one_sentence_with_its_package(
    install: Callable[..., None], points: str, told: str
):
    install(points)
    with pytest.raises(SetupError, match="acme-shapes") as caught:
        collect_kinds(Shape, (Round,))
    assert told in str(caught.value)


def test_a_kind_without_what_its_family_asks_for_is_one_sentence(install: Callable[..., None]):
    install("filter.square = acme_shapes:Square", SQUARE.replace("(Shape)", "(Solid)").replace("Shape", "Solid"))
    with pytest.raises(SetupError, match="must set `faces`"):
        collect_kinds(Solid, ())


class Remote(Shape):
    kind: Literal["remote"] = "remote"
    address: str = ""
    mirrors: tuple[str, ...] = ()
    sizes: frozenset[int] = frozenset()


def test_secrets_in_the_addresses_of_any_kind_are_hidden_and_its_sets_are_fingerprinted():
    one = Remote(address="http://me:secret@host/x", mirrors=("s3://a/b", "http://you:secret@host"), sizes={3, 1})
    settings = one.model_dump(mode="json")
    one.hide_secrets(settings)
    assert "secret" not in str(settings)
    assert "host/x" in settings["address"]
    assert one.to_fingerprint()["sizes"] == [1, 3]


def test_a_kind_whose_name_its_class_leaves_open_is_refused(install: Callable[..., None]):
    install("filter.square = acme_shapes:Square", SQUARE.replace('Literal["square"] = "square"', "str"))
    with pytest.raises(SetupError, match="is not a kind"):
        collect_kinds(Shape, ())


def test_a_name_that_the_project_has_is_not_taken_by_a_package(install: Callable[..., None]):
    install("filter.round = acme_shapes:Round", SQUARE.replace("Square", "Round").replace("square", "round"))
    with pytest.raises(SetupError, match="The filter `round` of acme-shapes"):
        collect_kinds(Shape, (Round,))
