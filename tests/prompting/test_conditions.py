"""Where a prompt belongs: what `when` may say, and which windows it means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.core.errors import SetupError
from docmatix.core.profiles import COUNTS, MEASURES, SCORES, SHARES, Profile
from docmatix.prompting.conditions import Comparison, Condition, fits_window, read_conditions
from docmatix.prompting.prompt_files import read_prompt
from tests.jobs import make_page
from tests.prompting.files import BODY, HEAD, write_prompt


def make_pages(*profiles: Profile | None) -> list[Page]:
    return [replace(make_page("words", number=number), profile=each) for number, each in enumerate(profiles, 1)]


def fits(said: Any, *profiles: Profile | None, language: str | None = "en") -> bool:
    return fits_window(read_conditions(said), make_pages(*profiles), language=language)


def test_a_condition_is_read_from_the_front_matter_of_a_prompt(tmp_path):
    when = 'when: {chart: ">= 0.5", tables: ">= 1", language: en}\n'
    prompt = read_prompt(write_prompt(tmp_path, HEAD + when + BODY))
    assert prompt.when == (Condition((Comparison("chart", ">=", 0.5), Comparison("tables", ">=", 1)), ("en",)),)


def test_of_a_list_of_conditions_one_must_hold(tmp_path):
    when = 'when: [{chart: ">= 0.5", language: en}, {map: ">= 0.5"}]\n'
    prompt = read_prompt(write_prompt(tmp_path, HEAD + when + BODY))
    assert len(prompt.when) == 2
    for profile, language, fitting in (
        (Profile(chart=0.9), "en", True),
        (Profile(chart=0.9), "de", False),
        (Profile(map=0.9), "de", True),
        (Profile(), "en", False),
    ):
        assert fits_window(prompt.when, make_pages(profile), language=language) is fitting


def test_a_prompt_without_a_condition_belongs_everywhere(tmp_path):
    prompt = read_prompt(write_prompt(tmp_path))
    assert prompt.when == ()
    assert fits_window(prompt.when, [], language=None)


def test_every_number_of_a_profile_but_its_confidence_may_be_compared():
    assert {*MEASURES, "confidence"} == set(Profile._fields)
    for name in MEASURES:
        assert fits({name: ">= 1"}, Profile(**{name: 1}))
        assert not fits({name: ">= 1"}, Profile())


@pytest.mark.parametrize(
    ("said", "value", "fitting"),
    [
        (">= 0.5", 0.5, True), (">= 0.5", 0.49, False), ("> 0.5", 0.5, False), ("> 0.5", 0.51, True),
        ("<= 0.5", 0.5, True), ("<= 0.5", 0.51, False), ("< 0.5", 0.5, False), (" <0.5 ", 0.2, True),
    ],
)  # fmt: skip
def test_a_comparison_means_what_its_sign_says(said, value, fitting):
    assert fits({"chart": said}, Profile(chart=value)) is fitting


def test_the_likeliest_page_of_a_window_counts_and_tables_add_up():
    pages = (Profile(chart=0.1, tables=1), Profile(chart=0.8, tables=2), Profile())
    assert fits({"chart": ">= 0.5"}, *pages)
    assert not fits({"chart": "< 0.5"}, *pages)
    assert fits({"tables": ">= 3"}, *pages)
    assert not fits({"tables": ">= 4"}, *pages)


def test_all_that_is_said_must_hold():
    page = Profile(chart=0.9)
    assert not fits({"chart": ">= 0.5", "tables": ">= 1"}, page)
    assert not fits({"chart": ">= 0.5", "language": "de"}, page)
    assert fits({"chart": ">= 0.5", "language": ["de", "en"]}, page)


def test_an_unknown_language_is_none_of_those_wanted():
    assert not fits({"language": "en"}, Profile(), language=None)
    assert fits({"text": ">= 0.1"}, Profile(text=0.2), language=None)


def test_a_window_without_profiles_fits_no_comparison():
    assert not fits({"chart": "<= 0.5"})
    assert not fits({"chart": "<= 0.5"}, None)
    assert fits({"language": "en"}, None)


def test_a_page_without_a_profile_leaves_the_window_to_the_others():
    assert fits({"chart": ">= 0.5"}, None, Profile(chart=0.9))
    assert not fits({"tables": ">= 2"}, None, Profile(tables=1))


def test_pages_that_are_pictures_are_counted_whether_or_not_they_have_a_profile():
    scans = [
        replace(make_page("", number=n, reason="no_text"), text_from="none", profile=profile)
        for n, profile in ((1, None), (2, Profile(pictures=1.0)))
    ]
    for said, fitting in ((">= 2", True), ("> 2", False), ("< 2", False)):
        condition = read_conditions({"image_only": said})
        assert fits_window(condition, [*scans, *make_pages(Profile())], language=None) is fitting
    assert not fits({"image_only": ">= 1"}, Profile(pictures=1.0))


def test_pages_that_are_pictures_are_no_matter_for_a_prompt_that_sees_none(tmp_path):
    path = write_prompt(tmp_path, HEAD + 'when: {image_only: ">= 1"}\n' + BODY)
    with pytest.raises(SetupError) as caught:
        read_prompt(path)
    said = "`when.image_only` is for `family: vision`; no other is given such pages."
    assert str(caught.value) == f"{path}:5: {said}"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            "chart",
            '`when` is a mapping, such as {chart: ">= 0.5", language: en}, or a list of these, of which one must',
        ),
        ([], "`when` is a mapping"),
        ({}, "`when` is a mapping"),
        ([{"chart": ">= 0.5"}, {}], "`when` is a mapping"),
        ([{"chart": ">= 0.5"}, {"mpa": ">= 0.5"}], "`when` knows no 'mpa'; did you mean 'map'?"),
        ({"image_only": ">= 0.5"}, "`when.image_only` is '>= 0.5', but pages are counted in whole numbers."),
        ({"chrat": ">= 0.5"}, "`when` knows no 'chrat'; did you mean 'chart'?"),
        ({"xyzzy": ">= 0.5"}, "`when` knows no 'xyzzy': known are text, pictures, drawing, tables"),
        ({"confidence": ">= 0.5"}, "`when` knows no 'confidence'"),
        ({3: ">= 0.5"}, "`when` knows no '3'"),
        ({"chart": 0.5}, '`when.chart` is 0.5, and must be >=, <=, > or < and a number, as in ">= 0.5".'),
        ({"tables": "== 1"}, "`when.tables` is '== 1', and must be >=, <=, > or < and a number, as in \">= 1\"."),
        ({"chart": "=> 0.5"}, "`when.chart` is '=> 0.5', and must be"),
        ({"chart": ">= -1"}, "`when.chart` is '>= -1', and must be"),
        ({"chart": None}, "`when.chart` is None, and must be"),
        ({"tables": ">= 0.5"}, "`when.tables` is '>= 0.5', but tables are counted in whole numbers."),
        ({"chart": ">= 50"}, "`when.chart` is '>= 50', which holds for no page, as chart is from 0 to 1."),
        ({"chart": "> 1"}, "which holds for no page"),
        ({"chart": "<= 1"}, "which holds for every page"),
        ({"tables": ">= 0"}, "`when.tables` is '>= 0', which holds for every page, as tables are 0 or more."),
        ({"language": "English"}, "`when.language` has 'English', and must be a code such as en, or a list"),
        ({"language": False}, 'such as [en, de] (in YAML, Norwegian is written "no").'),
        ({"language": []}, "`when.language` is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(said, complaint):
    with pytest.raises(SetupError) as caught:
        read_conditions(said)
    assert complaint in str(caught.value)
    assert str(caught.value)[-1] in ".?"


def test_a_mistake_is_reported_with_the_line_that_begins_the_condition(tmp_path):
    path = write_prompt(tmp_path, HEAD + "when:\n  chrat: '>= 0.5'\n" + BODY)
    with pytest.raises(SetupError) as caught:
        read_prompt(path)
    assert str(caught.value) == f"{path}:5: `when` knows no 'chrat'; did you mean 'chart'?"


def test_a_prompt_that_is_not_drawn_for_a_window_has_no_condition(tmp_path):
    head = "---\nfamily: round_trip\nstyle: extractive\nreply: answer\n"
    path = write_prompt(tmp_path, head + "when: {language: en}\n" + BODY)
    with pytest.raises(SetupError, match=r":5: `when` is for prompts that are drawn for a window\."):
        read_prompt(path)


_UNITS = st.floats(0, 1, allow_nan=False)
_PROFILES = st.builds(Profile, **dict.fromkeys((*SHARES, *SCORES), _UNITS), **dict.fromkeys(COUNTS, st.integers(0, 20)))


@given(st.lists(_PROFILES, min_size=1, max_size=4), _PROFILES, st.sampled_from(MEASURES))
def test_one_more_page_never_takes_a_window_from_a_prompt_that_asks_for_at_least_so_much(pages, other, measure):
    if fits({measure: ">= 1"}, *pages):
        assert fits({measure: ">= 1"}, *pages, other)
