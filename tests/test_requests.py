"""Requests: what is asked about a window, how it differs from draw to draw, and how a reply becomes pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docmatix.config import Engine, LlamacppEngine, OpenaiEngine
from docmatix.errors import SetupError
from docmatix.pairs import Pair, Reply
from docmatix.prompts import estimate_tokens, load_prompts
from docmatix.requests import Ask, build_asks, build_round_trip, draw_seed, read_pairs
from docmatix.windows import Window, cut_windows
from tests.jobs import make_page

PROMPTS = load_prompts(["extractive", "broad_whole", "round_trip"], [Path(__file__).parent.parent / "prompts"])
LLAMACPP = LlamacppEngine(kind="llamacpp")
OPENAI = OpenaiEngine(kind="openai", model="m", base_url="http://a")
TEXT = "The bridge over the Tamar was opened by Alice Grant in May 1961. It cost $340,000 to build."


def make_window(*texts: str, reasons: tuple[str | None, ...] = ()) -> Window:
    reasons = reasons or (None,) * len(texts)
    pages = [make_page(text, number=n, reason=reasons[n - 1]) for n, text in enumerate(texts, 1)]
    return cut_windows("d", pages, max_pages=len(pages))[0]


def ask(window: Window, name: str = "extractive", *, engine: Engine = OPENAI, **settings: Any) -> list[Ask]:
    return list(build_asks(window, PROMPTS[name], engine=engine, **{"seed": 0, "max_candidates": 6, **settings}))


def answer(one: Ask, content: str, finish_reason: str = "stop") -> tuple[list[Pair], dict[str, int]]:
    reply = Reply(one.request.request_id, content, "served-as", finish_reason, 1, 1)
    pairs, malformed = read_pairs(one, reply)
    return pairs, dict(malformed)


def test_every_candidate_answer_is_asked_about_as_often_as_the_prompt_draws():
    asks = ask(make_window(TEXT))
    groups: dict[str | None, list[Ask]] = {}
    for one in asks:
        groups.setdefault(one.group, []).append(one)
    assert len(groups) > 1
    for group in groups.values():
        assert len(group) == PROMPTS["extractive"].samples
        assert len({one.candidate for one in group}) == 1
        assert len({one.request.sampling["seed"] for one in group}) == len(group)


def test_candidates_are_bounded_for_each_page():
    groups = [one.group for one in ask(make_window(TEXT, TEXT), max_candidates=1)]
    assert len(set(groups)) == 2


def test_the_same_window_is_asked_the_same_and_another_seed_another():
    window = make_window(TEXT)
    for name in ("extractive", "broad_whole"):
        assert ask(window, name) == ask(window, name)
        ids = {one.request.request_id for one in ask(window, name)}
        assert ids.isdisjoint(one.request.request_id for one in ask(window, name, seed=1))


def test_the_same_text_in_two_documents_is_asked_about_with_seeds_of_their_own():
    pages = [make_page(TEXT)]
    one, other = (cut_windows(doc_id, pages, max_pages=1)[0] for doc_id in ("d", "e"))
    assert {each.request.request_id for each in ask(one)}.isdisjoint(each.request.request_id for each in ask(other))


def test_a_window_without_a_candidate_is_asked_nothing():
    assert ask(make_window("of the and to")) == []


def test_an_unusable_page_inside_a_window_is_not_asked_about():
    window = make_window(TEXT, "Hidden words in 1066.", TEXT, reasons=(None, "garbled", None))
    assert {one.candidate.page for one in ask(window) if one.candidate} == {1, 3}
    (whole,) = ask(window, "broad_whole")
    assert "Hidden words" not in whole.request.messages[-1].content


def test_only_llamacpp_is_sent_a_grammar_and_only_where_there_is_one():
    grammars = [one.request.extra.get("grammar", "") for one in ask(make_window(TEXT), engine=LLAMACPP)]
    assert any(grammars)
    assert None not in grammars
    assert not any("grammar" in one.request.extra for one in ask(make_window(TEXT)))


def test_a_json_schema_is_sent_where_the_server_takes_one():
    unguided = OPENAI.model_copy(update={"guided": "none"})
    sent = [ask(make_window(TEXT), "broad_whole", engine=e)[0].request.extra for e in (OPENAI, LLAMACPP, unguided)]
    assert ["response_format" in extra for extra in sent] == [True, True, False]


def test_a_long_window_becomes_several_requests_that_fit_and_lose_no_word():
    engine = OPENAI.model_copy(update={"context_tokens": 4096})
    words = [f"word{i}" for i in range(4000)]
    window = make_window(" ".join(words[:3500]), " ".join(words[3500:]))
    asks = ask(window, "broad_whole", engine=engine)
    assert len(asks) > 1
    assert len({one.request.request_id for one in asks}) == len(asks)
    assert {one.sample_id for one in asks} == {"d-1"}
    shown = " ".join(one.request.messages[-1].content for one in asks).split()
    assert [word for word in shown if word.startswith("word")] == words
    for one in asks:
        prompt_tokens = sum(estimate_tokens(message.content) for message in one.request.messages)
        assert prompt_tokens + one.request.sampling["max_tokens"] <= 4096


def test_a_context_too_small_for_a_prompt_is_a_mistake_in_the_set_up():
    engine = OPENAI.model_copy(update={"context_tokens": 2048})
    with pytest.raises(SetupError, match="'broad_whole' needs a context of at least"):
        ask(make_window("Few words."), "broad_whole", engine=engine)


def test_a_reply_to_a_candidate_is_a_pair_with_its_context_and_span():
    one = ask(make_window(TEXT))[0]
    assert one.candidate is not None
    (pair,), malformed = answer(one, "Question: When was the bridge opened?\n")
    assert malformed == {}
    assert pair.question == "When was the bridge opened?"
    assert pair.answer == one.candidate.answer
    assert pair.context == one.candidate.context
    assert pair.span == (1, one.candidate.start, one.candidate.end)
    assert TEXT[pair.span[1] : pair.span[2]] == pair.answer
    assert (pair.prompt, pair.style, pair.model, pair.group) == ("extractive", "extractive", "m", one.group)


def test_a_reply_about_pages_is_pairs_with_ids_of_their_own():
    (one,) = ask(make_window(TEXT), "broad_whole")
    content = '{"pairs": [{"question": "Who?", "answer": "Alice"}, {"question": "When?", "answer": "1961"}]}'
    pairs, malformed = answer(one, content)
    assert [(pair.question, pair.answer) for pair in pairs] == [("Who?", "Alice"), ("When?", "1961")]
    assert len({pair.pair_id for pair in pairs}) == 2
    assert {(pair.context, pair.span, pair.group) for pair in pairs} == {(None, None, None)}
    assert malformed == {}


def test_what_cannot_be_read_is_counted_by_reason():
    (one,) = ask(make_window(TEXT), "broad_whole")
    assert answer(one, "") == ([], {"empty_reply": 1})
    assert answer(one, '{"pairs": [', "length") == ([], {"truncated": 1})


def test_a_round_trip_asks_the_question_with_its_context():
    (pair,), _ = answer(ask(make_window(TEXT))[0], "When was the bridge opened?")
    request = build_round_trip(pair, PROMPTS["round_trip"], engine=OPENAI, seed=0, max_tokens=7)
    assert request is not None
    assert pair.question in request.messages[-1].content
    assert TEXT.split(".", 1)[0] in request.messages[-1].content
    assert request.sampling["max_tokens"] == 7
    guided = build_round_trip(pair, PROMPTS["round_trip"], engine=LLAMACPP, seed=0, max_tokens=7)
    assert guided is not None
    assert "grammar" in guided.extra
    assert "grammar" not in request.extra


def test_a_pair_without_context_has_no_round_trip():
    (one,) = ask(make_window(TEXT), "broad_whole")
    (pair,), _ = answer(one, '[{"question": "Who?", "answer": "Alice"}]')
    assert build_round_trip(pair, PROMPTS["round_trip"], engine=OPENAI, seed=0, max_tokens=7) is None


def test_seeds_are_drawn_from_build_place_and_draw_and_fit_31_bits():
    seeds = [draw_seed(seed, place, draw) for seed in (0, 1) for place in ("a", "b") for draw in (0, 1)]
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert draw_seed(0, "a", 0) == seeds[0]


def test_answer_first_asks_nothing_about_a_document_in_another_language():
    assert ask(make_window(TEXT), language="en")
    assert not ask(make_window(TEXT), language="fr")
    assert ask(make_window(TEXT), "broad_whole", language="fr")
