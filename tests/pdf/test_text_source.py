"""Where the text of a page is to be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Page
from docmatix.pdf.text_source import (
    PageFacts,
    TextSource,
    choose_route,
    choose_text_source,
    measure_bare_pictures,
    measure_wordlike,
)
from docmatix.text.quality import MIN_QUALITY

WHOLE = Box(0.0, 0.0, 1.0, 1.0)
WITH_PICTURES = TextSource("layer", "pictures_without_words")
UPPER_HALF = Box(0.1, 0.05, 0.9, 0.5)
STAMP = Box(0.6, 0.7, 0.85, 0.82)


def choose(**changes: Any) -> TextSource:
    good: dict[str, Any] = {"words": 300, "text_quality": 0.9, "image_share": 0.0}
    return choose_text_source(PageFacts(**(good | changes)), min_words=5)


def lines(*, top: float, bottom: float, left: float = 0.12, right: float = 0.88) -> list[Box]:
    """Lines of words as on a page of prose."""
    boxes = []
    y = top
    while y + 0.012 <= bottom:
        x = left
        while x + 0.07 <= right:
            boxes.append(Box(x, y, x + 0.07, y + 0.012))
            x += 0.08
        y += 0.018
    return boxes


def test_a_good_layer_is_used() -> None:
    assert choose() == TextSource("layer", "good_layer")


def test_a_layer_of_which_nobody_can_tell_how_well_it_reads_is_used() -> None:
    assert choose(text_quality=None, words=40) == TextSource("layer", "good_layer")


def test_a_scan_with_a_good_layer_is_not_read_again() -> None:
    assert choose(image_share=1.0, bare_share=measure_bare_pictures([WHOLE], lines(top=0.1, bottom=0.9))).text_from == (
        "layer"
    )


def test_a_page_without_words_is_read_by_ocr_even_if_no_picture_is_on_it() -> None:
    # letters may be drawn as outlines
    assert choose(words=0, text_quality=None) == TextSource("ocr", "no_layer")
    assert choose(words=0, text_quality=None, image_share=1.0, reason="no_text") == TextSource("ocr", "no_layer")


def test_a_page_without_words_has_no_text_even_where_none_are_wanted() -> None:
    page = choose_route(Page(1, 612.0, 792.0, 0, 0.0, "", ()), [], min_words=0, look=lambda: None)
    assert (page.text_from, page.route_reason, page.reason) == ("none", "no_layer", "no_text")


def test_a_layer_that_reads_badly_is_read_by_ocr() -> None:
    assert choose(text_quality=MIN_QUALITY - 0.01) == TextSource("ocr", "garbled")
    assert choose(text_quality=None, reason="garbled") == TextSource("ocr", "garbled")


def test_a_layer_at_the_threshold_is_good() -> None:
    assert choose(text_quality=MIN_QUALITY).text_from == "layer"


def test_a_fax_header_does_not_keep_the_scan_below_it_from_being_read() -> None:
    assert choose(words=4, text_quality=None, image_share=0.95, reason="no_text") == TextSource("ocr", "few_words")


def test_a_page_with_a_few_words_and_no_picture_has_nothing_more_to_read() -> None:
    assert choose(words=2, text_quality=None, image_share=0.01, reason="no_text") == TextSource("none", "little_text")


def test_words_that_nobody_sees_are_not_used() -> None:
    assert choose(reason="hidden") == TextSource("ocr", "hidden")


@pytest.mark.parametrize("reason", ["blank", "unreadable", "unrenderable"])
def test_nothing_is_read_where_nothing_can_be_seen(reason: str) -> None:
    assert choose(words=0, text_quality=None, reason=reason) == TextSource("none", reason)


def test_a_scanned_half_is_read_beside_the_words_of_the_other() -> None:
    bare = measure_bare_pictures([UPPER_HALF], lines(top=0.55, bottom=0.95))
    chosen = choose(image_share=0.36, bare_share=bare)
    assert chosen == WITH_PICTURES


def test_a_stamp_is_read_beside_the_words() -> None:
    assert choose(bare_share=measure_bare_pictures([STAMP], lines(top=0.1, bottom=0.65))) == WITH_PICTURES


def test_a_small_logo_is_not_read() -> None:
    logo = Box(0.1, 0.03, 0.2, 0.06)
    assert choose(bare_share=measure_bare_pictures([logo], lines(top=0.1, bottom=0.65))) == TextSource(
        "layer", "good_layer"
    )


def test_the_margins_of_a_scan_with_a_layer_are_no_pictures_without_words() -> None:
    assert measure_bare_pictures([WHOLE], lines(top=0.1, bottom=0.9)) == 0.0
    # a letter of a few lines
    assert measure_bare_pictures([WHOLE], lines(top=0.1, bottom=0.3)) == 0.0


def test_a_scan_in_strips_is_one_scan() -> None:
    strips = [Box(0.0, number / 20, 1.0, (number + 1) / 20) for number in range(20)]
    assert measure_bare_pictures(strips, lines(top=0.1, bottom=0.8)) == 0.0


def test_a_header_on_a_scan_explains_little_of_it() -> None:
    assert measure_bare_pictures([WHOLE], lines(top=0.02, bottom=0.04)) > 0.9


def test_a_line_that_a_fax_wrote_on_a_scan_is_not_its_layer() -> None:
    assert choose(words=12, image_share=1.0, bare_share=0.95) == TextSource("ocr", "few_words")
    # a report beside a large scan
    assert choose(words=120, image_share=0.6, bare_share=0.55) == WITH_PICTURES


def test_marks_on_a_scan_that_are_no_words_are_read_anew() -> None:
    noise = measure_wordlike(["~.", "|l", ",;'", "_^", "i1!", "°"])
    assert noise < 0.5
    assert choose(text_quality=None, image_share=1.0, wordlike_share=noise) == TextSource("ocr", "garbled")
    assert choose(text_quality=None, image_share=0.3, wordlike_share=noise).text_from == "layer"
    assert measure_wordlike(["12", "345", "Total", "東京", "–"]) == 0.8


def test_a_scan_that_shows_other_words_than_its_layer_has_is_read_anew() -> None:
    assert choose(image_share=1.0, unread_share=0.6) == TextSource("ocr", "hidden")
    assert choose(image_share=1.0, unread_share=0.1).text_from == "layer"


def test_without_pictures_nothing_is_bare() -> None:
    assert measure_bare_pictures([], lines(top=0.1, bottom=0.9)) == 0.0


corners = st.tuples(*[st.floats(0, 1)] * 4).map(
    lambda c: Box(min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(st.lists(corners, max_size=8), st.lists(corners, max_size=20))
def test_a_share_stays_a_share(pictures: list[Box], words: list[Box]) -> None:
    share = measure_bare_pictures(pictures, words)
    assert 0.0 <= share <= 1.0
    assert share <= measure_bare_pictures(pictures, [])


@given(
    st.integers(0, 1000),
    st.none() | st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.none() | st.sampled_from(["blank", "no_text", "garbled", "hidden", "unrenderable", "unreadable"]),
)
def test_a_layer_that_is_used_has_enough_words_and_reads_well(
    words: int, quality: float | None, images: float, bare: float, reason: str | None
) -> None:
    chosen = choose_text_source(PageFacts(words, quality, images, bare, reason), min_words=5)
    if chosen.text_from == "layer":
        assert words >= 5
        assert quality is None or quality >= MIN_QUALITY
        assert reason in (None, "no_text")
    assert chosen.reason
