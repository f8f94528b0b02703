"""The draw of prompts for windows: among those that fit, and what is counted of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.core.profiles import Profile
from docmatix.prompting.conditions import Conditions, read_conditions
from docmatix.prompting.draws import DrawCounts, PromptDraw
from docmatix.prompting.prompts import Family, Prompt, find_fitting
from docmatix.prompting.windows import Window
from tests.jobs import make_page
from tests.prompting.test_prompts import NAMES, make_prompt

CHARTS = read_conditions([{"chart": ">= 0.5"}, {"figure": ">= 0.5"}])
SCANS = read_conditions({"image_only": ">= 1"})


def prompt(name: str, when: Conditions = (), *, family: Family = "vision", weight: float = 1.0) -> Prompt:
    return replace(make_prompt(name, weight=weight), family=family, when=when)


def make_window(*pages: Profile | None, key: str = "d-1") -> Window:
    """A window of pages with these profiles; None is an image-only page."""
    return Window(key, "d", tuple(_make(number, profile) for number, profile in enumerate(pages, 1)))


def _make(number: int, profile: Profile | None) -> Page:
    if profile is None:
        return replace(make_page("", number=number, reason="no_text"), text_from="none", profile=Profile(pictures=1.0))
    return replace(make_page("words", number=number), profile=profile)


def draw_from(*prompts: Prompt, count: int = 1, seed: int = 0) -> PromptDraw:
    return PromptDraw(prompts, {}, seed=seed, count=count)


def draw(window: Window, *prompts: Prompt, count: int = 1) -> list[str]:
    return [each.name for each in draw_from(*prompts, count=count).draw(window, language="en")[0]]


def test_no_prompt_about_charts_is_drawn_for_a_window_without_one():
    charts, other = prompt("charts", CHARTS, weight=1e9), prompt("other")
    assert draw(make_window(Profile(chart=0.2)), charts, other) == ["other"]
    assert draw(make_window(Profile(), Profile(figure=0.9)), charts, other) == ["charts"]
    assert draw(make_window(Profile()), charts) == []


def test_pages_that_are_pictures_are_for_prompts_that_see_them():
    seeing, reading = prompt("seeing"), prompt("reading", family="window")
    assert draw(make_window(None), seeing, reading, count=2) == ["seeing"]
    assert sorted(draw(make_window(None, Profile()), seeing, reading, count=2)) == ["reading", "seeing"]
    assert draw(make_window(None), reading) == []


def test_of_a_mixed_window_only_what_a_prompt_is_given_counts_for_it():
    window = make_window(None, Profile())
    pictures = read_conditions({"pictures": ">= 0.5"})
    seeing, reading = prompt("seeing", pictures), prompt("reading", pictures, family="window")
    assert draw(window, seeing, reading, count=2) == ["seeing"]
    assert draw(window, prompt("scans", SCANS)) == ["scans"]
    assert draw(make_window(Profile()), prompt("scans", SCANS)) == []


PROFILES = st.builds(Profile, chart=st.floats(0, 1), figure=st.floats(0, 1))
WINDOWS = st.builds(
    lambda key, pages: make_window(*pages, key=key),
    st.text(max_size=8),
    st.lists(PROFILES | st.none(), min_size=1, max_size=4),
)
FAMILIES: st.SearchStrategy[Family] = st.sampled_from(["vision", "window"])


@st.composite
def some_prompts(draw: st.DrawFn) -> list[Prompt]:
    whens = st.sampled_from([(), CHARTS, SCANS])
    made = [prompt(name, draw(whens), family=draw(FAMILIES), weight=draw(st.floats(0.01, 100))) for name in draw(NAMES)]
    return [replace(each, when=()) if each.family == "window" and each.when == SCANS else each for each in made]


@given(some_prompts(), WINDOWS, st.integers(1, 7), st.integers(0, 3))
def test_only_prompts_that_fit_are_drawn_and_as_many_as_there_are(prompts, window, count, seed):
    fitting = find_fitting(prompts, window, language="en")
    drawn = draw_from(*prompts, count=count, seed=seed).draw(window, language="en")[0]
    assert len(drawn) == min(count, len(fitting))
    assert all(each in fitting for each in drawn)


@given(some_prompts(), WINDOWS, st.integers(1, 7), st.sampled_from([(), CHARTS]), FAMILIES)
def test_an_added_prompt_takes_only_windows_that_fit_it_and_moves_none_among_the_others(
    prompts, window, count, when, family
):
    before = draw_from(*prompts, count=count).draw(window, language="en")[0]
    after = draw_from(*prompts, prompt("new", when, family=family), count=count).draw(window, language="en")[0]
    others = [each for each in after if each.name != "new"]
    assert others == before[: len(others)]
    assert len(others) >= len(before) - 1
    if not find_fitting([prompt("new", when, family=family)], window, language="en"):
        assert after == before


@given(some_prompts(), WINDOWS, st.data())
def test_a_condition_takes_windows_from_its_own_prompt_alone(prompts, window, data):
    open_to_all = [replace(each, when=()) for each in prompts]
    bound = data.draw(st.integers(0, len(prompts) - 1))
    some = [*open_to_all]
    some[bound] = replace(some[bound], when=CHARTS)
    before = [each.name for each in draw_from(*open_to_all).draw(window, language="en")[0]]
    after = [each.name for each in draw_from(*some).draw(window, language="en")[0]]
    if before != [prompts[bound].name]:
        assert after == before


def test_weights_are_those_among_the_prompts_that_fit():
    prompts = [prompt("a"), prompt("b", weight=3), prompt("charts", CHARTS, weight=50)]
    drawn = Counter(draw(make_window(Profile(), key=str(key)), *prompts)[0] for key in range(2000))
    assert 0.71 < drawn["b"] / 2000 < 0.79
    assert drawn["charts"] == 0


def test_a_blind_draw_knows_pages_that_are_pictures_but_no_conditions():
    charts, reading = prompt("charts", CHARTS, weight=1e9), prompt("reading", family="window")
    _, blind = draw_from(charts, reading).draw(make_window(Profile()), language="en")
    assert [each.name for each in blind] == ["charts"]
    assert blind[0].when == ()
    assert draw_from(reading).draw(make_window(None), language="en") == ([], [])


def test_windows_are_counted_by_what_some_page_of_theirs_has():
    counts = DrawCounts()
    counts.add_window(make_window(Profile(chart=0.9, tables=2), Profile(chart=0.5, form=0.4)), pictures=True)
    counts.add_window(make_window(Profile(tables=1), None), pictures=True)
    counts.add_window(make_window(None), pictures=True)
    assert counts.to_json()["profiles"] == {"image_only": 2, "tables": 2, "chart": 1}
    total = DrawCounts.add_up([counts.to_json(), counts.to_json()])
    assert total.to_json()["profiles"] == {"image_only": 4, "tables": 4, "chart": 2}
