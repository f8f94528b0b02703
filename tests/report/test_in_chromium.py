"""The report in a browser: what a person can click, what lights up, and that nothing of a document ever runs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Locator, Page, Request

PATIENCE_MS = 60_000
"""For a machine that is busy; what is waited for comes at once on one that is not."""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that is opened in a window of its own."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def report(page: Page, mixed_report: str) -> Page:
    """The report of the mixed run, opened."""
    page.goto(mixed_report)
    page.wait_for_selector("#pairs .pair")
    return page


def read_pairs(report: Page) -> list[str]:
    return report.locator("#pairs .pair .question").all_text_contents()


def read_windows_of(report: Page) -> list[dict[str, Any]]:
    windows: list[dict[str, Any]] = json.loads(report.locator("#index").text_content() or "")["windows"]
    return windows


def count_samples(report: Page) -> int:
    return int((report.locator("#where").text_content() or "").split(" of ")[1])


def find_lit(report: Page, where: str) -> list[str]:
    found: list[str] = report.eval_on_selector_all(f"{where}.lit", "all => all.map(one => one.dataset.pair)")
    return found


def is_dark(report: Page) -> bool:
    colour = report.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(map(int, re.findall(r"\d+", colour))) < 80


def place(locator: Locator) -> dict[str, float]:
    box = locator.bounding_box()
    assert box is not None
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


# --- tabs and filters -------------------------------------------------------------------------------------------------


def test_kept_and_dropped_pairs_have_tabs_of_their_own(report: Page):
    pairs = [pair for window in read_windows_of(report) for pair in window["pairs"]]
    kept = sum(pair["reason"] == "" for pair in pairs)
    assert report.locator("#tab-kept .count").text_content() == str(kept)
    assert report.locator("#tab-dropped .count").text_content() == str(len(pairs) - kept)
    assert report.locator(".badge").count() == 0
    report.click("#tab-dropped")
    assert report.get_attribute("#tab-dropped", "aria-selected") == "true"
    assert "What is the zebra called?" in read_pairs(report)
    assert report.locator(".badge").all_text_contents() == ["ungrounded", "too long"]


def test_reasons_can_be_asked_for_among_the_dropped_alone(report: Page):
    assert not report.locator("select[name=reason]").is_visible()
    report.click("#tab-dropped")
    report.select_option("select[name=reason]", "too_long")
    assert read_pairs(report) == ["What is said at length?"]
    assert report.locator("#tab-dropped .count").text_content() == str(count_samples(report))
    report.click("#tab-kept")
    assert report.locator("#pairs .pair").count() == 1


def test_a_search_finds_questions_answers_and_files(report: Page):
    report.fill("[name=text]", "LONG.pdf")
    assert count_samples(report) == 1
    assert report.locator("#file").text_content() == "long.pdf"
    wanted = read_windows_of(report)[0]["pairs"][0]
    report.fill("[name=text]", wanted["answer"][:12].upper())
    assert wanted["question"] in read_pairs(report)
    report.fill("[name=text]", "there is no such thing")
    assert report.locator("#nothing").text_content() == "Nothing matches these filters."
    report.click("button[type=reset]")
    report.wait_for_selector("#pairs .pair")
    assert report.locator("#nothing").is_hidden()


def test_scores_are_chosen_by_two_sliders(report: Page):
    kept = report.locator("#tab-kept .count").text_content()
    report.locator("[name=from]").fill("0.4")
    assert report.locator("[name=low]").text_content() == "0.40"
    assert report.locator("#tab-kept .count").text_content() == kept
    assert report.locator("#tab-dropped .count").text_content() == "0"
    report.locator("[name=from]").fill("0")
    report.locator("[name=to]").fill("0.4")
    assert report.locator("#tab-kept .count").text_content() == "0"
    assert report.locator("#tab-dropped .count").text_content() == "6"


def wait_until(page: Page, condition: str) -> None:
    """Playwright's own `wait_for_function` evaluates a string in the page, which the report's policy forbids."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def test_a_reason_in_the_flow_opens_its_pairs(report: Page):
    report.click("[data-stage=curate] [data-reason=ungrounded] button")
    wait_until(report, "document.querySelectorAll('#pairs .pair').length === 1")
    assert report.locator(".badge").all_text_contents() == ["ungrounded"]
    assert report.input_value("select[name=reason]") == "ungrounded"


def test_facts_have_a_tab_with_their_boxes_on_the_page(page: Page, facts_report: str):
    page.goto(facts_report)
    page.wait_for_selector("#pairs .pair")
    page.click("#tab-facts")
    facts = read_windows_of(page)[0]["facts"]
    assert page.locator("#tab-facts .count").text_content() == str(len(facts))
    at = next(number for number, fact in enumerate(facts) if fact["answer"].endswith("46"))
    assert read_pairs(page)[at] == "cell"
    page.locator("#pairs .pair").nth(at).hover()
    assert set(find_lit(page, "#pages .box")) == {str(at)}
    assert not page.locator("select[name=prompt]").is_visible()
    page.fill("input[name=text]", "Pears")
    assert 0 < page.locator("#pairs .pair").count() < len(facts)
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    assert page.get_attribute("#tab-kept", "aria-selected") == "true"


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_boxes_lie_where_the_evidence_is(report: Page):
    shown = [pair for pair in read_windows_of(report)[0]["pairs"] if not pair["reason"]]
    wait_until(report, "[...document.images].every(image => image.complete && image.naturalWidth)")
    checked = 0
    for number, pair in enumerate(shown):
        for evidence in pair["evidence"]:
            paper = place(report.locator(f"figure[data-page='{evidence['page']}'] .paper img"))
            boxes = report.locator(f"figure[data-page='{evidence['page']}'] .box[data-pair='{number}']")
            drawn = sorted(tuple(place(boxes.nth(n)).values()) for n in range(boxes.count()))
            wanted = sorted(
                (
                    paper["x"] + x0 * paper["width"],
                    paper["y"] + y0 * paper["height"],
                    (x1 - x0) * paper["width"],
                    (y1 - y0) * paper["height"],
                )
                for x0, y0, x1, y1 in evidence["boxes"]
            )
            assert len(drawn) == len(wanted)
            for ours, theirs in zip(drawn, wanted, strict=True):
                assert ours == pytest.approx(theirs, abs=1.0)
                checked += 1
    assert checked


def test_a_pair_lights_its_evidence_and_evidence_its_pair(report: Page):
    report.fill("[name=text]", "long.pdf")
    report.locator("#pairs .pair").nth(1).hover()
    assert find_lit(report, "#pairs .pair") == ["1"]
    assert set(find_lit(report, "#pages .box")) == {"1"}
    report.locator("#pages .box[data-pair='0']").first.hover()
    assert find_lit(report, "#pairs .pair") == ["0"]
    assert set(find_lit(report, "#pages .box")) == {"0"}
    report.locator("h1").hover()
    assert find_lit(report, ".box") == find_lit(report, ".pair") == []


def test_focus_lights_as_the_pointer_does(report: Page):
    report.fill("[name=text]", "long.pdf")
    report.locator("#pairs .pair").nth(1).focus()
    assert set(find_lit(report, "#pages .box")) == {"1"}
    report.locator("#pages .box[data-pair='0']").first.focus()
    assert find_lit(report, "#pairs .pair") == ["0"]


def test_the_page_of_the_evidence_is_brought_into_view(report: Page):
    report.fill("[name=text]", "long.pdf")
    last = report.locator("#pairs .pair", has_text="page 3").first
    last.focus()
    number = last.get_attribute("data-pair")
    pane, box = place(report.locator("#pages")), place(report.locator(f"#pages .box[data-pair='{number}']").first)
    assert pane["y"] <= box["y"] <= pane["y"] + pane["height"]


def test_a_page_without_a_picture_says_why(page: Page, tmp_path: Path, mixed_report: str):
    html = Path(mixed_report.removeprefix("file://")).read_text("utf-8")
    start = html.index('id="album-0">') + len('id="album-0">')
    sheets = '[{"page":1,"w":0,"h":0,"problem":"missing: it has moved"}]'
    (tmp_path / "a.html").write_text(html[:start] + sheets + html[html.index("</script>", start) :], "utf-8")
    page.goto((tmp_path / "a.html").as_uri())
    assert "missing: it has moved" in (page.locator(".paper.blank").text_content() or "")
    assert read_pairs(page)


# --- checks -----------------------------------------------------------------------------------------------------------


def test_second_answers_and_ratings_stand_beside_their_pair(page: Page, checked_report: str):
    page.goto(checked_report)
    page.wait_for_selector("#pairs .pair")
    page.click("#tab-dropped")
    page.select_option("select[name=reason]", "judged_poor")
    pair = page.locator("#pairs .pair", has_text="zebra").first
    lines = pair.locator(".checks li")
    assert lines.locator(".check").all_text_contents() == ["answer again", "answer blind", "strict"]
    assert lines.locator("q").all_text_contents() == ["not answerable", "not answerable"]
    assert (lines.first.locator(".check").get_attribute("title") or "").startswith("m; compared by ")
    assert lines.nth(2).locator(".rating").all_text_contents() == [
        f"{name} 1" for name in ("grounded", "complete", "unambiguous", "useful", "well formed")
    ]
    reason = lines.nth(2).locator("dd").first
    assert reason.is_hidden()
    lines.nth(2).locator("summary").click()
    assert reason.text_content() == "a date of another line"


def test_a_score_tells_what_it_means_and_what_its_filter_keeps(page: Page, checked_report: str):
    page.goto(checked_report)
    page.wait_for_selector("#pairs .pair")
    titles = [each.get_attribute("title") or "" for each in page.locator("#pairs .pair").first.locator(".score").all()]
    assert any("not the answer, agrees; kept: at least 0.5" in title for title in titles)


def test_single_pages_are_told_from_their_window(page: Page, checked_report: str):
    page.goto(checked_report)
    page.wait_for_selector("#pairs .pair")
    page.fill("[name=text]", "long.pdf")
    names = page.locator("#pairs .pair").first.locator(".check").all_text_contents()
    assert names[:4] == ["answer again", *(f"answer again, page {number} alone" for number in (1, 2, 3))]


@pytest.mark.parametrize("width", [320, 390, 768, 1920])
def test_checks_are_no_wider_than_the_screen(page: Page, checked_report: str, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(checked_report)
    page.wait_for_selector("#pairs .pair")
    page.click("#tab-dropped")
    assert page.locator("#checks .calibration").count() == 4
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- keys -------------------------------------------------------------------------------------------------------------


def test_samples_are_walked_through_by_keys(report: Page):
    where = report.locator("#where")
    for key, at in (("j", 2), ("ArrowRight", 3), ("j", 3), ("k", 2), ("ArrowLeft", 1), ("k", 1)):
        report.keyboard.press(key)
        assert where.text_content() == f"{at} of 3"
    report.keyboard.press("2")
    assert report.get_attribute("#tab-dropped", "aria-selected") == "true"
    report.keyboard.press("n")
    report.keyboard.press("n")
    assert report.evaluate("document.activeElement.dataset.pair") == "1"


def test_keys_are_letters_while_one_is_typing(report: Page):
    report.keyboard.press("/")
    report.keyboard.type("jk2")
    assert report.input_value("[name=text]") == "jk2"
    assert report.get_attribute("#tab-kept", "aria-selected") == "true"
    report.keyboard.press("Escape")
    assert report.evaluate("document.activeElement === document.body")


def test_help_is_shown_and_closed_by_keys(report: Page):
    report.keyboard.press("?")
    assert report.locator("#keys").is_visible()
    report.keyboard.press("j")
    assert (report.locator("#where").text_content() or "").startswith("1 of")
    report.keyboard.press("Escape")
    assert report.locator("#keys").is_hidden()


# --- themes and widths ------------------------------------------------------------------------------------------------


def test_dark_is_what_the_system_says_or_the_reader(report: Page):
    assert not is_dark(report)
    report.emulate_media(color_scheme="dark")
    assert is_dark(report)
    assert report.locator("#theme").text_content() == "Auto"
    report.click("#theme")
    assert report.locator("#theme").text_content() == "Light"
    assert not is_dark(report)
    report.emulate_media(color_scheme="light")
    report.click("#theme")
    assert is_dark(report)
    report.reload()
    assert is_dark(report)


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1920])
def test_nothing_is_wider_than_the_screen(report: Page, width: int):
    report.set_viewport_size({"width": width, "height": 800})
    for tab in ("kept", "dropped"):
        report.click(f"#tab-{tab}")
        assert report.evaluate("document.documentElement.scrollWidth") <= width
    pairs, pages = place(report.locator("#pairs")), place(report.locator("#pages"))
    assert (pairs["y"] >= pages["y"] + pages["height"]) == (width < 980)


def test_on_a_phone_the_filters_are_folded_away(report: Page):
    search = report.locator("[name=text]")
    report.set_viewport_size({"width": 390, "height": 800})
    search.wait_for(state="hidden")  # the page hears of its width a moment later
    report.click(".filters summary")
    search.wait_for(state="visible")
    report.set_viewport_size({"width": 1280, "height": 800})
    search.wait_for(state="visible")


# --- nothing else happens ---------------------------------------------------------------------------------------------


class Witness:
    """Everything that a page did beyond showing itself."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("dialog", self._refuse)
        page.on("console", lambda message: self.seen.append(f"console {message.text}"))
        page.on("pageerror", lambda error: self.seen.append(f"error {error}"))
        page.on("popup", lambda _: self.seen.append("popup"))
        page.on("request", self._note)

    def _refuse(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:image/")):
            self.seen.append(f"request {request.url}")


def test_a_report_sends_no_request(page: Page, mixed_report: str):
    witness = Witness(page)
    page.goto(mixed_report)
    page.wait_for_selector("#pairs .pair")
    page.keyboard.press("j")
    page.keyboard.press("2")
    page.wait_for_load_state("networkidle")
    assert witness.seen == []


def test_texts_of_a_hostile_document_are_shown_and_never_run(page: Page, hostile_report: str):
    witness = Witness(page)
    page.goto(hostile_report)
    page.wait_for_selector("#pairs .pair")
    texts = page.locator("#pairs").text_content() or ""
    for tab in ("dropped", "kept"):
        page.click(f"#tab-{tab}")
        for pair in page.locator("#pairs .pair").all():
            pair.hover()
            pair.focus()
        for reasons in page.locator("#pairs summary").all():
            reasons.click()
        texts += page.locator("#pairs").text_content() or ""
    for details in page.locator("details.lost").all():
        details.click()
    page.locator("details.lost").first.hover()
    page.wait_for_load_state("networkidle")
    assert "<script>window.hacked = 1</script>" in texts
    assert "<img src=x onerror=window.hacked=1>" in texts
    assert "<img src=x onerror=window.hacked=1>" in page.locator("#pairs .checks dd").all_text_contents()
    assert "onerror=window.hacked=1" in (page.locator("#file").text_content() or "")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#pairs img, #pairs script, #pairs svg, #losses b, #losses img").count() == 0
    assert witness.seen == []


def test_the_policy_stops_what_would_slip_through(page: Page, mixed_report: str, tmp_path: Path):
    attack = "<script>window.hacked = 1</script><img src=x onerror='window.hacked=1'><img src='http://127.0.0.1:9/x'>"
    html = Path(mixed_report.removeprefix("file://")).read_text("utf-8").replace("<footer>", f"{attack}<footer>")
    (tmp_path / "a.html").write_text(html, "utf-8")
    page.goto((tmp_path / "a.html").as_uri())
    page.wait_for_selector("#pairs .pair")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hacked") is None
