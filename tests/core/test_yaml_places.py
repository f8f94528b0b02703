"""Where the keys of a YAML text stand, and which are given twice."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.yaml_places import compose, find_line, find_repeated_keys


def repeat(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(".".join(path), lines) for path, lines in find_repeated_keys(compose(text))]


def test_a_key_given_twice_is_found_at_any_depth_with_its_lines() -> None:
    assert repeat("a: 1\nb: 2\na: 3\n") == [("a", (1, 3))]
    assert repeat("a:\n  b: {c: 1, d: 2,\n    c: 3}\n") == [("a.b.c", (2, 3))]
    assert repeat("- x: 1\n- {y: 1, 'y': 2, \"y\": 3}\n") == [("1.y", (2, 2, 2))]
    assert repeat("a: {k: 1, k: 2}\nb: 1\nb: 2\n") == [("a.k", (1, 1)), ("b", (2, 3))]


def test_what_is_merged_in_may_be_given_again_and_an_alias_counts_once() -> None:
    text = "base: &base {a: 1, b: 2}\none:\n  <<: *base\n  a: 3\ntwo: *base\n"
    assert repeat(text) == []
    assert repeat("one: &one {a: 1, a: 2}\ntwo: *one\n") == [("one.a", (1, 1))]
    root = compose(text)
    assert [find_line(root, path) for path in (("one", "a"), ("one", "b"), ("two", "b"))] == [4, 1, 1]


def test_keys_of_other_types_and_texts_without_a_mapping_are_none() -> None:
    assert repeat("1: a\n'1': b\n? [x]\n: 1\n") == []
    assert repeat("") == repeat("just words") == []
    assert find_line(compose(""), ("a",)) is None


def test_a_repeated_key_is_described_with_all_its_lines() -> None:
    (repeated,) = find_repeated_keys(compose("a: 1\na: 2\na: 3\n"))
    assert repeated.describe() == "`a` is given 3 times, in lines 1, 2 and 3: remove all but one."


@given(
    st.recursive(
        st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab<", max_size=3), inner, max_size=3),
    )
)
def test_every_value_has_a_line_and_no_key_of_a_dumped_text_is_repeated(content: Any) -> None:
    text = yaml.safe_dump(content)
    root = compose(text)
    assert find_repeated_keys(root) == []

    def visit(value: Any, path: tuple[str, ...]) -> None:
        assert not path or find_line(root, path) in range(1, text.count("\n") + 1)
        for key, each in value.items() if isinstance(value, dict) else ():
            visit(each, (*path, key))
        for number, each in enumerate(value) if isinstance(value, list) else ():
            visit(each, (*path, str(number)))

    visit(content, ())
