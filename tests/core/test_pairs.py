"""Requests and ids: what makes two requests the same, and two pairs different."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docmatix.core.pairs import Message, Picture, Request, list_shown_pages, make_pair_id, name_model

PICTURE = Picture("d", 3, 150, 1540, 85, width_px=1190, height_px=1540, scale=0.9333)
REQUEST = Request("m", (Message("user", "Why?"),), {"temperature": 0.5, "seed": 1}, {"grammar": "g"})


def test_a_request_is_known_by_everything_that_decides_its_reply():
    others = [
        Request("n", REQUEST.messages, REQUEST.sampling, REQUEST.extra),
        Request("m", (Message("system", "Why?"),), REQUEST.sampling, REQUEST.extra),
        Request("m", (Message("user", "Why? "),), REQUEST.sampling, REQUEST.extra),
        Request("m", (*REQUEST.messages, Message("assistant", "")), REQUEST.sampling, REQUEST.extra),
        Request("m", REQUEST.messages, {**REQUEST.sampling, "seed": 2}, REQUEST.extra),
        Request("m", REQUEST.messages, REQUEST.sampling, {}),
    ]
    others += [replace(REQUEST, variant="quantization=awq")]
    others += [replace(REQUEST, pictures=pictures) for pictures in ((PICTURE,), (PICTURE, PICTURE))]
    others += [
        replace(REQUEST, pictures=(replace(PICTURE, **change),))
        for change in ({"doc_id": "e"}, {"page": 4}, {"dpi": 75}, {"height_px": 900}, {"quality": 50})
    ]
    assert len({request.request_id for request in [REQUEST, *others]}) == len(others) + 1


def test_the_id_of_a_request_is_the_same_in_every_process_and_order_of_keys():
    shuffled = Request("m", REQUEST.messages, dict(reversed(REQUEST.sampling.items())), REQUEST.extra)
    assert shuffled.request_id == REQUEST.request_id == "cdb75649f899881bdd25bd0df677a165"


def test_a_request_becomes_the_body_that_servers_know():
    assert REQUEST.to_body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "temperature": 0.5,
        "seed": 1,
        "grammar": "g",
    }


@pytest.mark.parametrize("text", ["plain", "Überraschung, 漢字, 😀", 'a "quote", a \\u back\\slash\nand \x7f'])
def test_the_body_that_is_recorded_and_sent_holds_characters_as_they_are(text):
    request = replace(REQUEST, messages=(Message("user", text),))
    assert request.body.decode() == json.dumps(request.to_body(), ensure_ascii=False, separators=(",", ":"))


def test_pictures_come_before_the_text_of_the_last_message_as_data_urls():
    request = Request("m", (Message("system", "Ask."), Message("user", "Why?")), pictures=(PICTURE, PICTURE))
    system, user = request.to_body(pictures=[b"one", b"two"])["messages"]
    assert system == {"role": "system", "content": "Ask."}
    assert user["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,b25l"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,dHdv"}},
        {"type": "text", "text": "Why?"},
    ]
    with pytest.raises(ValueError, match="shorter"):
        request.to_body(pictures=[b"one"])


def test_without_the_bytes_a_body_says_what_the_pictures_are_of():
    request = Request("m", (Message("user", "Why?"),), pictures=(PICTURE,))
    ((picture, text),) = (message["content"] for message in request.to_body()["messages"])
    assert picture == {
        "type": "image_url",
        "image_url": {"url": "page:d/3"},
        "picture": {
            "page": 3,
            "dpi": 150,
            "width_px": 1190,
            "height_px": 1540,
            "scale": 0.9333,
            "quality": 85,
        },
    }
    assert text == {"type": "text", "text": "Why?"}


def test_a_recorded_body_names_the_pages_it_shows():
    shown = Request("m", (Message("user", "Why?"),), pictures=(PICTURE, replace(PICTURE, page=4)))
    assert list_shown_pages(shown.body) == (3, 4)
    assert list_shown_pages(REQUEST.body.decode()) == ()
    assert list_shown_pages(None) == ()


@pytest.mark.parametrize("other", [("s2", "r", 0), ("s", "r2", 0), ("s", "r", 1)])
def test_a_pair_is_known_by_sample_request_and_place(other):
    assert make_pair_id("s", "r", 0) == make_pair_id("s", "r", 0) != make_pair_id(*other)
    assert len(make_pair_id("s", "r", 0)) == 32


def test_the_same_request_about_two_samples_gives_different_pairs():
    assert make_pair_id("d-1", REQUEST.request_id, 0) != make_pair_id("e-1", REQUEST.request_id, 0)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/models/anna/llama-70b", "llama-70b"),
        ("/fsx/llama/", "llama"),
        ("~/llama", "llama"),
        ("C:\\models\\llama", "llama"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("gpt-4o", "gpt-4o"),
    ],
)
def test_a_model_is_named_without_the_folder_it_lies_in(model: str, name: str):
    assert name_model(model) == name
