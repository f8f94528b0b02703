"""Identities: what came twice is found, however many passes it takes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from docmatix.check.identities import Identities, hash_identity


@given(st.lists(st.text(max_size=2), max_size=60), st.integers(1, 20))
def test_the_ids_that_came_twice_are_found_and_no_others(names, at_once):
    identities = Identities(at_once=at_once)
    for name in names:
        identities.add(name)
    assert identities.find_twice() == {hash_identity(name) for name, count in Counter(names).items() if count > 1}
    identities.close()


def test_more_can_be_added_after_a_look():
    identities = Identities()
    identities.add("a")
    assert identities.find_twice() == set()
    identities.add("a")
    assert identities.find_twice() == {hash_identity("a")}
    assert identities.count == 2
    identities.close()


def test_a_buffer_that_is_full_is_written_and_found_again():
    identities = Identities(at_once=50_000)
    for number in range(150_000):
        identities.add(str(number))
    identities.add("149999")
    assert identities.find_twice() == {hash_identity("149999")}
    identities.close()
