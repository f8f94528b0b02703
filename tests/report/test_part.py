"""Parts of a report: the project's own, and those that other packages add."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, ClassVar, Literal

import pytest

from docmatix.core.errors import SetupError
from docmatix.report.markup import fill
from docmatix.report.part import ReportContext, ReportPart
from docmatix.report.report import PARTS, make_report
from docmatix.stages.support.job import Job
from tests.jobs import InlineSandbox
from tests.report.test_report import Page

SANDBOX: Any = InlineSandbox()
EVIL = "</section><script>window.hacked = 1</script>"


class PlainPart(ReportPart):
    """Text of the run as it is."""

    kind: Literal["plain"] = "plain"
    title: ClassVar[str] = f"Plain {EVIL}"
    link: ClassVar[str] = "Plain"

    def render(self, context: ReportContext) -> str:
        return f"{context.status['name']}: {EVIL}"


class TablePart(ReportPart):
    """HTML with text of the run in it; named like a section of the project's own page."""

    kind: Literal["theme"] = "theme"
    title: ClassVar[str] = "Table"

    def render(self, context: ReportContext) -> str:
        return fill("<table><tr><td>{{ evil }}</td><td>{{ count|number }}</td></tr></table>", evil=EVIL, count=1234567)


class EmptyPart(ReportPart):
    """Nothing to show."""

    kind: Literal["empty"] = "empty"
    title: ClassVar[str] = "Nothing here"

    def render(self, context: ReportContext) -> str:
        return ""


class BrokenPart(ReportPart):
    """Fails."""

    kind: Literal["broken"] = "broken"
    title: ClassVar[str] = "Broken"

    def render(self, context: ReportContext) -> str:
        raise KeyError("pages")


def list_sections(html: str) -> list[str | None]:
    return [attributes["id"] for tag, attributes in Page(html).elements if tag == "section" and "id" in attributes]


def test_the_projects_own_parts_come_in_their_order_and_are_led_to(checked_job: Job):
    html = make_report(checked_job.run, sandbox=SANDBOX)
    assert list_sections(html) == [kind.get_name() for kind in PARTS]
    links = [attributes["href"] for tag, attributes in Page(html).elements if tag == "a"]
    assert links == ["#top", *(f"#{kind.get_name()}" for kind in PARTS if kind.link)]


def test_parts_of_other_packages_have_names_of_their_own_and_what_is_empty_is_left_out(mixed_job: Job):
    html = make_report(mixed_job.run, sandbox=SANDBOX, parts=[PARTS[0](), PlainPart(), TablePart(), EmptyPart()])
    assert list_sections(html) == ["flow", "part-plain", "part-theme"]
    assert '<a href="#part-plain">Plain</a>' in html
    assert "Nothing here" not in html


def test_what_a_part_returns_as_text_or_fills_in_is_no_markup(mixed_job: Job):
    page = Page(make_report(mixed_job.run, sandbox=SANDBOX, parts=[PlainPart(), TablePart()]))
    assert page.text.count(EVIL) == 3
    assert "1.23 M" in page.text
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [attributes.get("type") for attributes in scripts].count(None) == 1


def test_a_part_that_fails_is_named_with_where_it_is_from(mixed_job: Job):
    with pytest.raises(SetupError, match=r"part `broken` of tests\.report\.test_part failed \(KeyError: 'pages'\)"):
        make_report(mixed_job.run, sandbox=SANDBOX, parts=[BrokenPart()])


def test_a_part_can_be_loaded_while_the_configuration_is():
    code = "import sys, docmatix.report.part, docmatix.report.markup; sys.exit('docmatix.config' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
