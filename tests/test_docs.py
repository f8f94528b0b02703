"""What a reader is told: links lead somewhere, the reference is current, and every reason is explained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docmatix.config import Config
from docmatix.core.ledger import UNEXPECTED
from docmatix.core.settings import Section
from docs.configuration import REFERENCE, write_reference

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read_links(page: Path) -> list[str]:
    """The targets of a page's links and images, without those in code."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "`code`", prose))


def list_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_points_at_a_file_that_exists(page):
    for link in read_links(page):
        target, _, anchor = link.partition("#")
        if not re.match(r"[a-z]+:", target):
            path = (page.parent / target).resolve() if target else page
            assert path.is_relative_to(ROOT), link
            assert path.exists(), link
            assert not anchor or anchor in list_anchors(path), link


def test_the_readme_is_short_and_begins_with_the_two_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    first = re.search(r"^```sh\n(.*?)^```", "\n".join(lines), re.MULTILINE | re.DOTALL)
    assert first is not None
    assert re.findall(r"^make (\w+)", first[1], re.MULTILINE) == ["quickstart", "test"]


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size <= 200_000, picture.name


def test_the_readme_draws_the_folders_in_the_order_of_their_layers():
    tree = (ROOT / "README.md").read_text().partition("    docmatix/\n")[2].partition("\n\n")[0]
    drawn = re.findall(r"^ {6}([a-z_]+)(?:/|\.py) ", tree, re.MULTILINE)
    contract, *_ = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert drawn == [name for layer in contract["layers"] for name in layer.split(" | ")]
    folders = {path.parent.name for path in (ROOT / "docmatix").glob("*/__init__.py")}
    assert set(drawn) == {*folders, "pipeline"}


def test_every_command_of_make_in_the_docs_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        if page.name != "CHANGELOG.md":
            named = set(re.findall(r"(?:`|^|&& )make ([a-z-]+)", page.read_text(), re.MULTILINE))
            assert named <= targets, page.name


def test_the_reference_of_the_configuration_is_current():
    assert REFERENCE.read_text() == write_reference(), "Run `make configuration`."


def test_the_reference_has_every_key_of_a_build():
    text = write_reference()
    for name, about in Config.model_fields.items():
        assert f"| `{name}`" in text
        if isinstance(about.annotation, type) and issubclass(about.annotation, Section):
            for key, inner in about.annotation.model_fields.items():
                if key == "kind":
                    continue
                assert f"| `{inner.alias or key}`" in text.partition(f"\n## `{name}`")[2].partition("\n## ")[0]


def test_reasons_that_stop_a_build_are_explained():
    page = (ROOT / "docs" / "faults.md").read_text()
    assert {reason for reasons in UNEXPECTED.values() for reason in reasons if f"`{reason}`" not in page} == set()


@pytest.mark.parametrize("source", ["docmatix/pdf", "docmatix/sources", "docmatix/models", "docmatix/prompting"])
def test_a_reason_that_is_written_as_a_word_is_explained(source):
    page = (ROOT / "docs" / "faults.md").read_text()
    code = "".join(each.read_text() for each in (ROOT / source).rglob("*.py"))
    reasons = set(re.findall(r'(?:Refusal\(|Failure\(|Counter\(\{)"([a-z_]+)"', code))
    assert reasons
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()


def test_the_reasons_of_filters_are_explained_with_their_settings():
    page = REFERENCE.read_text()
    code = "".join(each.read_text() for each in (ROOT / "docmatix/curation/filters").glob("*.py"))
    reasons = set(re.findall(r'(?:Bound\("[a-z_]+", |return )"([a-z_]+)"', code))
    assert reasons >= {"ungrounded", "answerable_blind", "duplicate"}
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()
