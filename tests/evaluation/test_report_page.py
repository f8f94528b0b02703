"""The page of an evaluation: what it says, what it weighs, and that nothing of a data set or model ever runs in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from docmatix.evaluation.groups import summarise
from docmatix.evaluation.predictions import PREDICTIONS
from docmatix.evaluation.report_page import draw_gauge, list_settings, make_page
from tests.evaluation.rows import make_row
from tests.pictures import draw_noise
from tests.report.conftest import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><style>*{display:none}</style>\u202e'
SETTINGS = {"dataset": "runs/trial", "split": "test", "model": "some-vl-2b", "date": "2026-11-30", "from": "pages"}


def make_wrong(number: int, **values: Any) -> dict[str, Any]:
    wrong = {"prediction": "x", "anls": 0.0, "exact": False, "numeric": 0.0, "token_f1": 0.0, "agreement": 0.0}
    return make_row(number, **{**wrong, "rule": "number", **values})


def no_pictures(_: str) -> Sequence[bytes]:
    return []


def write_page(
    rows: Sequence[dict[str, Any]],
    *,
    pictures: Callable[[str], Sequence[bytes]] = no_pictures,
    settings: dict[str, Any] = SETTINGS,
    **choices: Any,
) -> str:
    table = pa.Table.from_pylist(list(rows), schema=PREDICTIONS)
    return make_page(
        lambda columns: table.select(columns).to_pylist(),
        summary=summarise(rows),
        settings=settings,
        pictures=pictures,
        **choices,
    )


def read_text(page: str) -> str:
    """What a reader sees of it, in one line."""
    body = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(body.split())


def test_the_heading_says_which_model_on_what_and_when():
    said = read_text(write_page([make_row(0), make_wrong(1)]))
    assert "some-vl-2b on runs/trial , split test, 2026-11-30" in said
    assert "questions 2 2 answered" in said
    assert "agreement 0.500" in said


def test_a_mistake_is_shown_with_all_that_is_known_of_it():
    row = make_wrong(
        7,
        question="How many pears?",
        answers=["12", "twelve"],
        prediction="46 pears",
        blind_prediction="not answerable",
        blind_agreement=0.0,
        blind_anls=0.0,
        judge_verdict=0.0,
        judge_reason="Another row.",
        judge_model="j",
        kind="cell",
    )
    said = read_text(write_page([row, make_row(1)]))
    assert (
        "How many pears? expected 12 or twelve answered 46 pears no pages not answerable judge Another row. "
        "judge 0.0 agreement 0.00 by number ANLS 0.00 cell number" in said
    )


def test_groups_of_each_dimension_have_bars_and_a_table_and_single_ones_a_word():
    page = write_page([make_row(0, kind="cell"), make_wrong(1, kind="page_number", style="extractive")])
    assert page.count("<figure>") == 1
    assert "Kind of question" in read_text(page) or "kind of question" in read_text(page)
    assert "page number 0.000" in read_text(page)
    assert "All questions have style extractive , pages 1 , type of answer number ." in read_text(page)


def test_the_judge_leads_where_there_is_one():
    rows = [make_row(n, judge_verdict=1.0, judge_model="j", kind=f"k{n}") for n in range(2)]
    assert "The bars show the mean of judge" in read_text(write_page(rows))
    assert "The bars show the mean of agreement" in read_text(
        write_page([make_row(0, kind="a"), make_row(1, kind="b")])
    )


def test_a_judge_that_is_seldom_understood_does_not_lead():
    rows = [make_row(n, judge_verdict=None if n else 1.0, judge_model="j", kind=f"k{n}") for n in range(3)]
    assert "The bars show the mean of agreement" in read_text(write_page(rows))


def test_without_mistakes_or_questions_the_page_says_so():
    assert "No answer was wrong." in read_text(write_page([make_row(0)]))
    empty = read_text(write_page([]))
    assert "questions 0 0 answered" in empty
    assert "Mistakes" not in empty


def test_what_was_not_answered_is_counted_by_its_reason():
    rows = [make_row(0), *(make_wrong(n, prediction=None, reason="too_many_pages") for n in (1, 2))]
    assert "counted as wrong: too many pages 2." in read_text(write_page(rows))


def test_pages_have_a_picture_and_their_numbers():
    asked = []

    def give(example_id: str) -> Sequence[bytes]:
        asked.append(example_id)
        return [draw_noise(100), b"no image"]

    rows = [make_wrong(n, doc_id="d", page_numbers=[4, 9], pages=2) for n in range(3)]
    page = write_page(rows, pictures=give)
    assert len(asked) == 1
    assert page.count("data:image/webp") == 1
    assert 'alt="Page 4"' in page
    assert "page 9: its image cannot be read (UnidentifiedImageError)" in read_text(page)


def test_pictures_are_asked_for_in_the_order_of_the_file():
    asked = []
    rows = [make_wrong(n, agreement=0.4 - n / 100) for n in range(9)]
    write_page(rows, pictures=lambda each: asked.append(each) or [])  # type: ignore[func-returns-value]
    assert asked == [f"q{n}" for n in range(9)]


@pytest.mark.parametrize("allowance", [100_000, 1_000_000])
def test_the_weight_of_pictures_is_bounded_however_many_pages_there_are(allowance: int):
    noise = draw_noise(300)
    rows = [make_wrong(n, page_numbers=list(range(1, 31)), pages=30) for n in range(6)]
    page = write_page(rows, pictures=lambda _: [noise] * 30, allowance=allowance)
    assert len(page) < allowance + 200_000
    assert "and 18 more pages" in read_text(page)


def test_the_text_of_a_page_is_bounded():
    long = "long " * 2_000
    rows = [make_wrong(n, question=long, answers=[long] * 9, prediction=long, judge_reason=long) for n in range(70)]
    assert len(write_page(rows)) < 2_000_000


def test_settings_are_listed_with_those_within_them():
    settings = {"model": "m", "limit": None, "blind": True, "engine": {"sampling": {"top_p": 0.9}}, "pages": (1, 2)}
    assert list_settings(settings) == [
        ("model", "m"),
        ("blind", "yes"),
        ("engine: sampling: top_p", "0.9"),
        ("pages", "1, 2"),
    ]


def test_a_gauge_never_leaves_its_frame():
    for x, width in re.findall(r'x="([\d.]+)"[^>]*? width="([\d.]+)"', str(draw_gauge(1.0, 0.8, 1.0, 1.0))):
        assert float(x) + float(width) <= 1000


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; while it is open, nothing else can have an event loop."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: `make browser` as root, or apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def test_nothing_of_a_data_set_or_a_model_runs_or_is_loaded(tmp_path: Path, chromium: Browser):
    texts = ("question", "prediction", "blind_prediction", "judge_reason", "prompt", "style", "kind", "rule", "doc_id")
    rows = [
        make_wrong(n, **dict.fromkeys(texts, f"{HOSTILE}{n}"), answers=[HOSTILE], blind_agreement=n / 2, reason=HOSTILE)
        for n in range(2)
    ]
    rows.append(make_wrong(3, prediction=None, reason=HOSTILE))
    page = write_page(
        rows,
        pictures=lambda _: [draw_noise(100)],
        settings={"model": HOSTILE, "dataset": HOSTILE, "split": HOSTILE, "date": HOSTILE, HOSTILE: HOSTILE},
    )
    assert "<script" not in page
    (tmp_path / "page.html").write_text(page, "utf-8")
    opened = chromium.new_page()
    said: list[str] = []
    loaded: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("request", lambda request: loaded.append(request.url))
    opened.goto((tmp_path / "page.html").as_uri())
    assert opened.evaluate("window.hacked") is None
    assert opened.locator("h1").is_visible()
    assert [url for url in loaded if not url.startswith("data:image/webp")] == [(tmp_path / "page.html").as_uri()]
    assert said == []
    opened.close()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_page_is_enlarged_by_a_click_and_by_the_keyboard(tmp_path: Path, chromium: Browser, width: int, scheme: Any):
    rows = [make_wrong(0, question="word" * 60, page_numbers=[1, 2], pages=2)]
    content = write_page(rows, pictures=lambda _: [draw_noise(900)] * 2)
    (tmp_path / "page.html").write_text(content, "utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 600}, color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    picture = page.locator(".sheet img").first
    small = picture.bounding_box()
    picture.click()
    large = picture.bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] > 2 * small["width"]
    covered = page.evaluate("document.elementFromPoint(innerWidth / 2, 5).closest('.sheet') !== null")
    assert covered  # the bar at the top too
    page.mouse.move(width / 2, 300)
    page.mouse.wheel(0, 150)
    page.wait_for_timeout(300)
    scrolled = picture.bounding_box()
    assert scrolled is not None
    assert scrolled["y"] < large["y"]
    page.mouse.click(width / 2, 300)
    closed = picture.bounding_box()
    assert closed is not None
    assert closed["width"] == small["width"]
    page.keyboard.press("Space")
    assert page.locator(".sheet :checked").count() == 1
    context.close()
