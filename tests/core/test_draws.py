"""What is drawn is decided by seed and content alone, and stays what it was in every version."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.draws import Smallest, draw, draw_places, draw_seed, draw_unit, hash_seeded
from docmatix.exports.samples import draw_split

DOCUMENTS = [f"document {number}" for number in range(1000)]


def test_what_datasets_and_stored_replies_depend_on_is_drawn_as_ever() -> None:
    assert hash_seeded(7, "document 3").hex().startswith("b220cc8d2c431d59fd59e6c6e166c5a3")
    assert hash_seeded(7, "a", "b") == hash_seeded(7, "a\nb")
    assert draw_seed(7, "a place", 2) == 294191983
    assert draw_places(1000, 5, seed=7) == [307, 399, 465, 554, 936]
    assert draw_unit(7, "a window", "broad_whole") == 0.20627091695381478
    drawn = [f"document {number}" for number in (161, 350, 549, 698, 935)]
    assert draw(DOCUMENTS, 5, seed=7, key=str) == drawn


def test_a_zero_shot_split_is_drawn_as_ever() -> None:
    keys = [(f"doc {number}", number) for number in range(100)]
    drawn = {"test": [2, 57], "train": [76, 72, 43]}
    expected = {(f"doc {number}", number): split for split, numbers in drawn.items() for number in numbers}
    assert draw_split(lambda: keys, test=2, train=3, seed=7) == expected


@settings(max_examples=50)
@given(st.sets(st.text(max_size=4)), st.integers(0, 20), st.integers(0, 3), st.randoms())
def test_the_smallest_are_the_same_whatever_the_order(keys, count, seed, random):
    shuffled = random.sample(sorted(keys), len(keys))
    drawn = []
    for order in (sorted(keys), shuffled, shuffled * 2):
        smallest: Smallest[str] = Smallest(count, seed=seed)
        for key in order:
            smallest.add(key, key)
        drawn.append(smallest.items())
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(drawn[0]) == min(count, len(keys))


@pytest.mark.parametrize(("total", "count"), [(0, 0), (3, 3), (5, 5), (1000, 5)])
def test_places_are_different_ones_below_the_number_of_rows(total, count):
    places = draw_places(total, 5, seed=1)
    assert len(set(places)) == count
    assert all(0 <= place < total for place in places)
    assert places == sorted(places)


def test_another_seed_draws_other_places():
    assert draw_places(1000, 5, seed=1) != draw_places(1000, 5, seed=2)


def test_seeds_are_drawn_from_build_place_and_draw_and_fit_31_bits():
    seeds = [draw_seed(seed, place, draw) for seed in (0, 1) for place in ("a", "b") for draw in (0, 1)]
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert draw_seed(0, "a", 0) == seeds[0]


@given(st.lists(st.text(max_size=4), unique=True), st.integers(0, 30), st.integers(0, 3))
def test_a_draw_takes_so_many_in_their_order(items, count, seed):
    drawn = draw(items, count, seed=seed, key=str)
    assert len(drawn) == min(count, len(items))
    assert drawn == [item for item in items if item in drawn]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=4), unique=True), st.integers(0, 30), st.randoms())
def test_the_same_ones_are_drawn_whatever_the_order(items, count, random):
    shuffled = random.sample(items, len(items))
    assert set(draw(items, count, seed=0, key=str)) == set(draw(shuffled, count, seed=0, key=str))


def test_another_seed_draws_other_items():
    items = [str(number) for number in range(1000)]
    assert draw(items, 5, seed=0, key=str) != draw(items, 5, seed=1, key=str)


def test_equal_items_can_all_be_drawn():
    assert draw(["a", "a", "a"], 2, seed=0, key=str) == ["a", "a"]
