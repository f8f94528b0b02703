"""The report as a file: what it says, how it is escaped, where it is written."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.report import report as module
from docmatix.report.markup import escape_json, format_duration, format_number
from docmatix.report.report import LARGEST, make_report, write_report
from docmatix.report.settings import list_settings
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run
from tests.jobs import InlineSandbox, make_config

SANDBOX: Any = InlineSandbox()


class Page(HTMLParser):
    """The elements of a page, and its text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


def read_index(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="index">(.*?)</script>', html, re.DOTALL)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


# --- escaping ---------------------------------------------------------------------------------------------------------


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_escaped_json_reads_back_and_holds_nothing_that_html_or_javascript_would_see(value):
    text = escape_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_a_number_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        escape_json(float("nan"))


def test_half_a_character_does_not_stop_a_report():
    assert json.loads(escape_json("a\ud800b")) == "a?b"


# --- what it says -----------------------------------------------------------------------------------------------------


def test_a_finished_run_is_shown_with_its_figures(mixed_job: Job):
    page = Page(make_report(mixed_job.run, sandbox=SANDBOX))
    ledger = mixed_job.run.ledger("curate").accounts["pairs"]
    assert "The build is complete." in page.text
    assert f"of {ledger.entered} judged" in page.text
    for reason in ("not pdf", "duplicate", "ungrounded", "too long"):
        assert reason in page.text
    assert "docs/text.pdf" in page.text


def test_the_gallery_holds_every_pair_of_a_small_run(mixed_job: Job):
    html = make_report(mixed_job.run, sandbox=SANDBOX)
    index = read_index(html)
    ledger = mixed_job.run.ledger("curate").accounts["pairs"]
    pairs = [pair for window in index["windows"] for pair in window["pairs"]]
    assert sum(pair["reason"] == "" for pair in pairs) == index["kept"] == ledger.kept
    assert sum(pair["reason"] != "" for pair in pairs) == index["dropped"] == ledger.dropped.total()
    assert html.count('id="album-') == len(index["windows"])


def test_the_same_run_and_seed_give_the_same_file(mixed_job: Job):
    first, again = (make_report(mixed_job.run, samples=2, sandbox=SANDBOX) for _ in range(2))
    assert first == again
    assert len(read_index(first)["windows"]) == 2


@pytest.mark.parametrize("there", [("plan",), ("plan", "extract"), ("plan", "extract", "dedup", "generate", "curate")])
def test_an_unfinished_run_is_shown_as_far_as_it_is(mixed_job: Job, tmp_path: Path, there: tuple[str, ...]):
    shutil.copytree(mixed_job.run.root, tmp_path / "run")
    run = Run(tmp_path / "run")
    for stage in {"extract", "dedup", "generate", "curate", "pack"} - set(there):
        run.remove(stage)
    run.remove("dataset")
    html = make_report(run, sandbox=SANDBOX)
    assert "The build is not complete yet" in Page(html).text
    assert bool(read_index(html)["windows"]) == ("curate" in there)


def test_filters_and_prompts_are_listed(mixed_job: Job):
    settings = dict(list_settings(mixed_job.config))
    assert settings["Prompts"] == "broad_whole"
    assert ("grounded", "exempt_styles: visual, min_score: 0.6") in settings["Filters"]
    assert dict(list_settings(make_config(verify={"kind": "round_trip"})))["Verified by"] == "round_trip, m"


def test_it_stays_below_its_bound_whatever_the_pictures_and_pairs_take():
    assert 0.9 * LARGEST < module.PICTURES + module.PAIRS + module.FACTS < LARGEST - 1_500_000


# --- what it may do ---------------------------------------------------------------------------------------------------


def test_no_element_of_the_page_loads_anything(mixed_job: Job):
    html = make_report(mixed_job.run, sandbox=SANDBOX)
    for tag, attributes in Page(html).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        assert not {"style", "src", "srcset", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert str(attributes.get("href", "#")).startswith("#")
    assert "http://" not in html
    assert "https://" not in html


def test_the_policy_names_the_script_and_the_style_sheet_and_nothing_else(mixed_job: Job):
    elements = Page(make_report(mixed_job.run, sandbox=SANDBOX)).elements
    policy = next(str(a["content"]) for _, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert [a.get("type") for tag, a in elements if tag == "script"].count(None) == 1


def test_the_texts_of_a_hostile_document_make_no_elements(mixed_job: Job, checked_job: Job, hostile_job: Job):
    pages = [Page(make_report(job.run, sandbox=SANDBOX)) for job in (mixed_job, checked_job, hostile_job)]
    mixed, checked, hostile = ({tag for tag, _ in page.elements} for page in pages)
    assert hostile <= mixed | checked
    assert "<b>broken.pdf" in pages[-1].text


# --- where it is written ----------------------------------------------------------------------------------------------


def test_it_lies_in_the_run_unless_another_place_is_given(mixed_job: Job, tmp_path: Path, capsys: Any):
    shutil.copytree(mixed_job.run.root, tmp_path / "run")
    assert main(["report", str(tmp_path / "run"), "--samples", "1"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/run/report.html\n"
    other = tmp_path / "elsewhere" / "a.html"
    assert main(["report", str(tmp_path / "run"), "-o", str(other), "--samples", "1"]) == 0
    assert other.read_bytes() == (tmp_path / "run" / "report.html").read_bytes()
    assert [path.name for path in other.parent.iterdir()] == ["a.html"]


def test_a_run_in_an_object_store_keeps_its_report_there(mixed_job: Job, memory_run: Run):
    for path in Path(mixed_job.run.root).rglob("*"):
        if path.is_file():
            memory_run.write(str(path.relative_to(mixed_job.run.root)), path.read_bytes())
    assert write_report(memory_run, samples=1) == "memory://runs/one/report.html"
    assert memory_run.read("report.html").startswith(b"<!DOCTYPE html>")


def test_without_a_run_it_says_so(tmp_path: Path):
    with pytest.raises(SetupError, match="There is no run in"):
        write_report(Run(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_not_written_in_place_of_a_folder(mixed_job: Job, tmp_path: Path):
    with pytest.raises(SetupError, match="give the name of a file"):
        write_report(mixed_job.run, output=f"{tmp_path}/", samples=1)


def test_a_place_that_cannot_hold_a_report_is_refused_before_any_work(mixed_job: Job, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(module, "make_report", lambda *_, **__: pytest.fail("the report was made"))
    (tmp_path / "notes").write_text("")
    with pytest.raises(SetupError, match="is a folder; give the name of a file"):
        write_report(mixed_job.run, output=str(tmp_path))
    with pytest.raises(SetupError, match="is a folder; give the name of a file"):
        write_report(mixed_job.run, output="memory://")
    with pytest.raises(SetupError, match="notes is a file, so nothing can be written into it"):
        write_report(mixed_job.run, output=str(tmp_path / "notes" / "a.html"))


def test_there_are_fewer_windows_where_the_file_would_be_too_large(mixed_job: Job, tmp_path: Path):
    path = tmp_path / "report.html"
    write_report(mixed_job.run, output=str(path), samples=1)
    small = path.read_bytes()
    write_report(mixed_job.run, output=str(path), samples=3, largest=len(small))
    assert path.read_bytes() == small


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999.6, "1,000"), (1234567, "1.23 M"), (9.5e9, "9.50 G"), (12345, "12,345")]
)
def test_numbers_are_formatted_for_people(value: float, text: str):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.14, "0.1 s"), (42, "42 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (18720, "5 h 12 min")],
)
def test_durations_have_two_units_at_most(seconds: float, text: str):
    assert format_duration(seconds) == text
