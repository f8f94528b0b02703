"""The draw of prompts: by seed, key, name and weight alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.prompts import Prompt, choose_prompts


def make_prompt(name: str, *, weight: float = 1.0) -> Prompt:
    return Prompt(
        name=name,
        family="window",
        style="abstractive",
        weight=weight,
        reply="pairs_json",
        samples=1,
        sampling={"max_tokens": 100},
        extra={},
        pairs_per_page=4,
        sections=(),
        includes=(),
        source_sha256="",
        examples=(),
    )


NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


@given(NAMES, st.text(max_size=8), st.integers(), st.integers(1, 7))
def test_a_choice_is_a_function_of_key_and_seed_and_not_of_the_order_of_the_prompts(names, key, seed, count):
    prompts = [make_prompt(name) for name in names]
    chosen = choose_prompts(prompts, weights={}, key=key, seed=seed, count=count)
    assert chosen == choose_prompts(prompts[::-1], weights={}, key=key, seed=seed, count=count)
    assert len(chosen) == min(count, len(names)) == len({prompt.name for prompt in chosen})


@given(NAMES, st.text(max_size=8), st.integers(), st.integers(1, 7), st.floats(0.01, 100))
def test_an_added_prompt_takes_windows_and_moves_none_among_the_others(names, key, seed, count, weight):
    prompts = [make_prompt(name) for name in names]
    before = choose_prompts(prompts, weights={}, key=key, seed=seed, count=count)
    after = choose_prompts([*prompts, make_prompt("new", weight=weight)], weights={}, key=key, seed=seed, count=count)
    others = [prompt for prompt in after if prompt.name != "new"]
    assert others == before[: len(others)]
    assert len(others) >= len(before) - 1


def test_prompts_are_drawn_in_proportion_to_their_weights():
    prompts = [make_prompt("a"), make_prompt("b", weight=3), make_prompt("c", weight=50)]
    drawn = Counter(
        choose_prompts(prompts, weights={"c": 4.0}, key=str(key), seed=0, count=1)[0].name for key in range(4000)
    )
    # the standard error of the largest share is 0.8 %
    assert [round(drawn[name] / 4000, 3) for name in "abc"] == pytest.approx([1 / 8, 3 / 8, 4 / 8], abs=0.03)


def test_another_seed_draws_others():
    prompts = [make_prompt(name) for name in "abcd"]
    draws = [
        [choose_prompts(prompts, weights={}, key=str(key), seed=seed, count=1) for key in range(50)] for seed in (0, 1)
    ]
    assert draws[0] != draws[1]


def test_the_name_of_a_prompt_and_not_its_content_decides_the_draw():
    prompt = make_prompt("a")
    others = [make_prompt("b"), make_prompt("c")]
    for key in map(str, range(20)):
        first = choose_prompts([prompt, *others], weights={}, key=key, seed=0, count=1)
        edited = choose_prompts([replace(prompt, style="mixed"), *others], weights={}, key=key, seed=0, count=1)
        assert first[0].name == edited[0].name
