"""Samples and tables as HTML: everything escaped, no script, pairs tied to their boxes."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.dataset.pictures import Mark
from docmatix.review.displays import (
    Pictured,
    describe_facts,
    describe_pages,
    show_columns,
    show_folded,
    show_sample,
    show_table,
)
from tests.review.datasets import encode_image

PAGE = encode_image("white")
PAIR: dict[str, Any] = {"question": "Who?", "answer": "Ada"}


class Reader(HTMLParser):
    """What a browser would make of it: the tags in order, those left open, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


@given(st.text(), st.text(), st.text(), st.text())
def test_no_text_becomes_markup(title, question, answer, page):
    marks = [Mark(1, (0, 0, 1, 1))]
    quiet = Reader(show_sample("title", [Pictured(1, PAGE, marks), Pictured(2, None)], [PAIR]))
    number: Any = f'"><script onerror=1>{page}'
    loud = Reader(
        show_sample(
            f'"><script>{title}',
            [Pictured(number, PAGE, marks), Pictured(number, None)],
            [{"question": f"</div><img src=x onerror=1>{question}", "answer": f"<style>{answer}"}],
        )
    )
    assert loud.tags == quiet.tags
    assert loud.open == []
    assert not any(name.startswith("on") for attributes in loud.attributes for name in attributes)


@given(st.lists(st.tuples(st.text(), st.integers() | st.text()), max_size=4))
def test_a_table_has_its_cells_and_no_more(rows):
    reader = Reader(show_table(("<b>name", "count"), rows, title="<i>"))
    assert (reader.tags.count("td"), reader.tags.count("th"), reader.open) == (2 * len(rows), 2, [])
    assert (reader.tags.count("b"), reader.tags.count("i")) == (1, 0)


def test_numbers_of_a_table_stand_on_the_right():
    html = show_table(("reason", "pairs", "share"), [("a", 12345, 0.5), ("b", 1, 0.25)])
    assert "<td>a</td><td class=n>12,345</td><td class=n>0.50</td>" in html


def test_a_box_lies_where_it_is_on_the_page_and_never_beside_it():
    marks = [Mark(1, (0.25, 0.5, 0.5, 0.625)), Mark(1, (-0.5, 0.0, 1.5, 1.0))]
    html = show_sample("", [Pictured(1, PAGE, marks)], [PAIR])
    assert "left:25.00%;top:50.00%;width:25.00%;height:12.50%" in html
    assert "left:0.00%;top:0.00%;width:100.00%;height:100.00%" in html


def test_a_pair_says_what_is_known_of_it():
    pair = {
        **PAIR,
        "prompt": "extractive",
        "scores": {"grounding": 0.5, "clarity": None},
        "evidence": [{"page": 3, "boxes": []}],
        "reason": "ungrounded",
        "said": "Bob",
    }
    assert describe_facts(pair) == ["page 3", "grounding 0.50", "extractive"]
    assert describe_facts({"prompt": "facts", "kind": "cell"}) == ["facts", "cell"]
    assert describe_facts({"prompt": "broad_whole", "kind": "free"}) == ["broad_whole"]
    text = Reader(show_sample("a.pdf", [Pictured(3, None)], [pair])).text
    for told in ("a.pdf", "Who?", "Ada", "asked again: Bob", "dropped: ungrounded", "grounding 0.50", "no picture"):
        assert told in text


def test_pages_are_told_by_their_numbers():
    assert [describe_pages(numbers) for numbers in (None, [], [3], (3, 4))] == ["", "", "page 3", "pages 3, 4"]
    assert [describe_pages(numbers) for numbers in ([3, 4, 5], (3, 4, 6))] == ["pages 3 to 5", "pages 3, 4, 6"]


def test_page_numbers_of_others_may_be_any_text():
    assert describe_pages(["a", "b", "c"]) == "pages a, b, c"  # type: ignore[list-item]


def test_pieces_stand_side_by_side_or_folded():
    reader = Reader(show_folded("<more>", show_columns(show_table(("a",), []), show_table(("b",), []), even=False)))
    assert reader.open == []
    assert reader.text == "<more>ab"


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pointing_at_a_pair_lights_its_boxes_and_a_click_enlarges_its_page(tmp_path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import expect, sync_playwright

    marks = [Mark(1, (0.1, 0.1, 0.3, 0.2)), Mark(2, (0.5, 0.6, 0.8, 0.7))]
    html = show_sample("a.pdf", [Pictured(1, encode_image("white", size=(600, 800)), marks)], [PAIR, PAIR])
    (tmp_path / "page.html").write_text(html + html, encoding="utf-8")
    with sync_playwright() as playwright:
        # as root it has no sandbox
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto((tmp_path / "page.html").as_uri())
        first, second = page.locator(".dmx-sample").all()
        first.locator(".dmx-pair").nth(1).hover()
        expect(first.locator(".dmx-box").nth(0)).to_have_css("opacity", "0.12", timeout=60_000)
        expect(first.locator(".dmx-box").nth(1)).to_have_css("opacity", "1", timeout=60_000)
        expect(second.locator(".dmx-box").nth(0)).to_have_css("opacity", "1", timeout=60_000)
        picture, box = first.locator("img").bounding_box(), first.locator(".dmx-box").nth(1).bounding_box()
        assert picture is not None
        assert box is not None
        # the frame stands four pixels out on every side
        assert abs(box["x"] + 4 - picture["x"] - 0.5 * picture["width"]) < 2
        assert abs(box["y"] + 4 - picture["y"] - 0.6 * picture["height"]) < 2
        first.locator("img").click(position={"x": 5, "y": 5})
        page.wait_for_function(f"document.querySelector('img').clientWidth > {1.5 * picture['width']}", timeout=60_000)
        browser.close()
