"""Requests and ids: what makes two requests the same, and two pairs different."""

from __future__ import annotations

import pytest

from docmatix.pairs import Message, Request, make_pair_id

REQUEST = Request("m", (Message("user", "Why?"),), {"temperature": 0.5, "seed": 1}, {"grammar": "g"})


def test_a_request_is_known_by_everything_that_decides_its_reply():
    others = [
        Request("n", REQUEST.messages, REQUEST.sampling, REQUEST.extra),
        Request("m", (Message("system", "Why?"),), REQUEST.sampling, REQUEST.extra),
        Request("m", (Message("user", "Why? "),), REQUEST.sampling, REQUEST.extra),
        Request("m", (*REQUEST.messages, Message("assistant", "")), REQUEST.sampling, REQUEST.extra),
        Request("m", REQUEST.messages, {**REQUEST.sampling, "seed": 2}, REQUEST.extra),
        Request("m", REQUEST.messages, REQUEST.sampling, {}),
        Request("m", REQUEST.messages, {**REQUEST.sampling, **REQUEST.extra}, {}),
    ]
    assert len({request.request_id for request in [REQUEST, *others]}) == len(others) + 1


def test_the_id_of_a_request_is_the_same_in_every_process_and_order_of_keys():
    shuffled = Request("m", REQUEST.messages, dict(reversed(REQUEST.sampling.items())), REQUEST.extra)
    assert shuffled.request_id == REQUEST.request_id == "163d40fa9cd4996a40bbc2f90766abec"


def test_a_request_becomes_the_body_that_servers_know():
    assert REQUEST.to_body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "temperature": 0.5,
        "seed": 1,
        "grammar": "g",
    }


@pytest.mark.parametrize("other", [("s2", "r", 0), ("s", "r2", 0), ("s", "r", 1)])
def test_a_pair_is_known_by_sample_request_and_place(other):
    assert make_pair_id("s", "r", 0) == make_pair_id("s", "r", 0) != make_pair_id(*other)
    assert len(make_pair_id("s", "r", 0)) == 32


def test_the_same_request_about_two_samples_gives_different_pairs():
    assert make_pair_id("d-1", REQUEST.request_id, 0) != make_pair_id("e-1", REQUEST.request_id, 0)
