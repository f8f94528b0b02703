"""Plots: which there are, what stands on them, and that the same figures give the same bytes."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from PIL import Image

from docmatix.config import Pack
from docmatix.dataset.plots import list_bars, list_outcomes, list_titles, plot_statistics
from docmatix.dataset.stats import Statistics, summarise


def make_group(pairs: int, **figures: Any) -> dict[str, Any]:
    return {
        "pairs": pairs,
        "pairs_per_page": 1.25,
        "question_words_mean": 8.0,
        "question_words_median": "6-8",
        "answer_words_mean": 2.5,
        "answer_words_median": "2",
        "unique_question_share": 0.9,
        "diversity": 0.7,
        "grounding_mean": 0.95,
        "dropped": {},
        **figures,
    }


def make_summary(**changes: Any) -> dict[str, Any]:
    dropped = {"ungrounded": 20, "echo": 5}
    return {
        "pairs": 100,
        "by_prompt": {"extractive": make_group(75, dropped=dropped), "broad_whole": make_group(25)},
        "by_model": {"m": make_group(100)},
        "question_starts": {"what is": 60, "who was": 40},
        "documents_by_pages": {"10-16": 1, "2": 5, "1": 7},
        "rows_by_language": {"de": 3, "en": 9},
        "images_by_megapixels": {"1-2": 12},
        "images_by_kilobytes": {"100-200": 12},
        **changes,
    }


def read_texts(svg: bytes) -> list[str]:
    return [text for item in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text") if (text := item.text)]


def test_what_a_model_found_of_the_pairs_is_compared_where_it_was_asked():
    scores = {"judged": {"pairs": 75, "mean": 0.8, "by_tenth": {}}}
    bars = list_bars(make_summary(by_prompt={"extractive": make_group(75, scores=scores), "broad": make_group(25)}))
    assert bars["judged by prompt"] == [("extractive", 0.8, "0.800 of 75")]
    assert bars["agreement by prompt"] == []


def test_only_shares_are_drawn_of_a_whole():
    groups = {
        "one": make_group(75, agreement_per_1000_tokens=8.2),
        "two": make_group(25, agreement_per_1000_tokens=4.1),
    }
    svg = plot_statistics(make_summary(by_prompt=groups))["kept agreement for 1,000 tokens by prompt"]
    assert read_texts(svg) == ["one", "two", "8.20", "4.10"]
    width = re.compile(rb"M ([\d.]+) [\d.]+ \nL ([\d.]+)")
    _, long, short, *_ = (float(right) - float(left) for left, right in width.findall(svg))
    assert long == pytest.approx(2 * short)


def test_a_summary_has_a_plot_for_each_of_its_figures():
    assert list(plot_statistics(make_summary())) == [
        "pairs by prompt",
        "pairs per page by prompt",
        "answer length by prompt",
        "question length by prompt",
        "unique questions by prompt",
        "diversity within samples by prompt",
        "grounding by prompt",
        "question openings",
        "pages per document",
        "languages",
        "size of a page image",
        "bytes of a page image",
        "what became of the pairs by prompt",
    ]


def test_every_bar_has_its_name_and_its_figure_as_text():
    plots = plot_statistics(make_summary())
    assert {"extractive", "75", "broad_whole", "25"} <= set(read_texts(plots["pairs by prompt"]))
    assert "2.5 words (median 2)" in read_texts(plots["answer length by prompt"])
    assert {"extractive", "75%", "100 pairs", "kept", "ungrounded", "echo"} <= set(
        read_texts(plots["what became of the pairs by prompt"])
    )


def test_classes_stand_in_the_order_of_their_sizes_and_languages_by_their_number():
    bars = list_bars(make_summary())
    assert [label for label, _, _ in bars["pages per document"]] == ["1", "2", "10-16"]
    assert [label for label, _, _ in bars["languages"]] == ["en", "de"]


@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_same_figures_give_the_same_bytes(format):
    first = plot_statistics(make_summary(), format=format)
    assert first == plot_statistics(make_summary(), format=format)
    assert not any(b"date" in image.lower() for image in first.values())


def test_the_background_is_transparent_unless_one_is_given():
    def corner(**options: Any) -> tuple[int, ...]:
        image = plot_statistics(make_summary(), format="png", **options)["pairs by prompt"]
        pixel = Image.open(io.BytesIO(image)).convert("RGBA").getpixel((0, 0))
        assert isinstance(pixel, tuple)
        return tuple(int(value) for value in pixel)

    assert corner()[3] == 0
    assert corner(background="white") == (255, 255, 255, 255)


def test_text_is_light_on_dark_pages():
    assert plot_statistics(make_summary()) != plot_statistics(make_summary(), dark=True)
    assert b"#e6edf3" in plot_statistics(make_summary(), dark=True)["pairs by prompt"]


def test_names_with_markup_formulas_or_letters_that_the_font_lacks_are_drawn_as_text():
    names = {"<script>alert(1)</script>": make_group(1), "$x^2$ and $y": make_group(2), "日本": make_group(3)}
    plots = plot_statistics(make_summary(by_prompt=names))
    assert {"$x^2$ and $y", "日本"} <= set(read_texts(plots["pairs by prompt"]))
    assert b"<script" not in plots["pairs by prompt"]
    assert plot_statistics(make_summary(by_prompt=names), format="png")


def test_what_has_nothing_to_show_is_left_out():
    assert plot_statistics(summarise(Statistics(), ledgers={}, pack=Pack())) == {}
    without = make_summary(by_prompt={"extractive": make_group(75, grounding_mean=None, diversity=0.0)})
    assert not {"grounding by prompt", "diversity within samples by prompt"} & set(plot_statistics(without))


def test_a_card_has_no_bars_that_compare_a_single_prompt_with_nothing():
    assert list_titles(make_summary()) == list(plot_statistics(make_summary()))
    single = list_titles(make_summary(by_prompt={"extractive": make_group(1)}))
    assert [title for title in single if "by prompt" in title] == ["what became of the pairs by prompt"]


def test_many_reasons_become_one_bar_of_others():
    dropped = {f"reason_{number}": 20 - number for number in range(12)}
    plots = plot_statistics(make_summary(by_prompt={"extractive": make_group(100, dropped=dropped)}))
    texts = read_texts(plots["what became of the pairs by prompt"])
    assert {"reason_0", "reason_5", "other reasons"} <= set(texts)
    assert "reason_6" not in texts


def test_pairs_are_grouped_by_model_and_style_too():
    assert "pairs by model" in plot_statistics(make_summary(), by="model")
    assert list_outcomes(make_summary(), by="model") == [("m", {"kept": 100})]
