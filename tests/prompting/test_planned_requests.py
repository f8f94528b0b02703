"""Requests: what is asked about a window, how it differs from draw to draw, and how a reply becomes pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import Page
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Pair, Reply
from docmatix.core.profiles import Profile
from docmatix.driver.preflight import load_build_prompts
from docmatix.models.engine import Engine
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.openai import OpenaiEngine
from docmatix.models.tokenizer import estimate_tokens
from docmatix.models.vllm.engine import VllmEngine
from docmatix.prompting.chunks import Pictures, count_picture_tokens
from docmatix.prompting.conditions import read_conditions
from docmatix.prompting.planned_requests import (
    PlannedRequest,
    halve_request,
    plan_requests,
    read_pairs,
)
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.prompts import Prompt, tune_prompt
from docmatix.prompting.windows import Window, cut_windows
from docmatix.verification.round_trip import RoundTrip
from tests.jobs import make_config, make_page
from tests.tokenizers import train_vocabulary

PROMPTS = load_prompts(
    ["extractive", "broad_whole", "vision_charts", "round_trip"], [Path(__file__).parents[2] / "prompts"]
)
ROUND_TRIP = RoundTrip(kind="round_trip", max_tokens=7)
LLAMACPP = LlamacppEngine(kind="llamacpp")
OPENAI = OpenaiEngine(kind="openai", model="m", base_url="http://a")
VLLM = VllmEngine(kind="vllm", model="org/m")
TEXT = "The bridge over the Tamar was opened by Alice Grant in May 1961. It cost $340,000 to build."


def make_window(*texts: str, reasons: tuple[str | None, ...] = ()) -> Window:
    reasons = reasons or (None,) * len(texts)
    pages = [make_page(text, number=n, reason=reasons[n - 1]) for n, text in enumerate(texts, 1)]
    return cut_windows("d", pages, max_pages=len(pages))[0]


def ask(window: Window, name: str = "extractive", *, engine: Engine = OPENAI, **settings: Any) -> list[PlannedRequest]:
    return list(plan_requests(window, PROMPTS[name], engine=engine, **{"seed": 0, "max_candidates": 6, **settings}))


def answer(one: PlannedRequest, content: str, finish_reason: str = "stop") -> tuple[list[Pair], dict[str, int]]:
    reply = Reply(one.request.request_id, content, "served-as", finish_reason, 1, 1)
    pairs, malformed = read_pairs(one, reply)
    return pairs, dict(malformed)


def test_every_candidate_answer_is_asked_about_as_often_as_the_prompt_draws():
    asks = ask(make_window(TEXT))
    groups: dict[str | None, list[PlannedRequest]] = {}
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
    assert grammars
    assert all(grammars)
    assert not any("grammar" in one.request.extra for one in ask(make_window(TEXT)))


@pytest.mark.parametrize(
    ("engine", "field"),
    [
        (LLAMACPP, "response_format"),
        (OPENAI, "response_format"),
        (OPENAI.model_copy(update={"guided": "vllm"}), "structured_outputs"),
        (OPENAI.model_copy(update={"guided": "none"}), None),
        (VLLM, "structured_outputs"),
        (VLLM.model_copy(update={"guided": "none"}), None),
    ],
)
def test_replies_are_held_to_json_in_the_way_that_the_server_knows(engine, field):
    extra = ask(make_window(TEXT), "broad_whole", engine=engine)[0].request.extra
    assert list(extra) == ([field] if field else [])
    if field == "response_format":
        assert extra[field]["json_schema"]["schema"]["required"] == ["pairs"]
    elif field:
        assert extra[field]["json"]["required"] == ["pairs"]
        assert extra[field]["disable_any_whitespace"] is True


def test_small_models_on_vllm_may_be_held_to_well_formed_questions_too():
    small = VLLM.model_copy(update={"grammar": True})
    extras = [one.request.extra for one in ask(make_window(TEXT), engine=small)]
    assert any("grammar" in extra.get("structured_outputs", {}) for extra in extras)
    assert not any(one.request.extra for one in ask(make_window(TEXT), engine=VLLM))


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
    request = ROUND_TRIP.build_request(pair, PROMPTS["round_trip"], engine=OPENAI, seed=0)
    assert request is not None
    assert pair.question in request.messages[-1].content
    assert TEXT.split(".", 1)[0] in request.messages[-1].content
    assert request.sampling["max_tokens"] == 7
    guided = ROUND_TRIP.build_request(pair, PROMPTS["round_trip"], engine=LLAMACPP, seed=0)
    assert guided is not None
    assert "grammar" in guided.extra
    assert "grammar" not in request.extra


def test_a_pair_without_context_has_no_round_trip():
    (one,) = ask(make_window(TEXT), "broad_whole")
    (pair,), _ = answer(one, '[{"question": "Who?", "answer": "Alice"}]')
    assert ROUND_TRIP.build_request(pair, PROMPTS["round_trip"], engine=OPENAI, seed=0) is None


def test_a_small_model_is_asked_nothing_about_sentences_in_another_language():
    assert ask(make_window(TEXT), engine=LLAMACPP, language="en")
    assert not ask(make_window(TEXT), engine=LLAMACPP, language="fr")
    assert ask(make_window(TEXT), "broad_whole", language="fr")


def test_answer_first_goes_by_the_words_of_a_page_rather_than_by_its_document():
    english = f"{TEXT} The fee depends on the length of the ship and on the days for which it stays in the port. " * 3
    french = f"{TEXT} Le prix dépend de la longueur du navire et de la durée du séjour pour les gens du port. " * 6
    assert ask(make_window(english), engine=LLAMACPP, language="fr")
    assert not ask(make_window(french), engine=LLAMACPP)
    found = ask(make_window(english, french), engine=LLAMACPP)
    assert {one.candidate.page for one in found if one.candidate} == {1}


GERMAN = (
    "Die Brücke über die Tamar wurde am 3. Mai 1961 von Alice Grant eröffnet, und sie ist mit der Bahn zu erreichen. "
    "Für den Bau hat die Stadt nach dem Bericht des Amtes von der Bank 340 000 Euro bekommen und nicht mehr bezahlt."
)


def test_a_large_model_is_asked_about_other_languages_with_their_sentence():
    found = ask(make_window(GERMAN), language="de")
    assert {"3. Mai 1961", "340 000 Euro"} <= {one.candidate.answer for one in found if one.candidate}
    assert all(one.candidate and one.candidate.context in one.request.messages[-1].content for one in found)
    (pair,), _ = answer(found[0], "Wann wurde die Brücke über die Tamar eröffnet?")
    assert pair.question == "Wann wurde die Brücke über die Tamar eröffnet?"
    assert pair.context is not None
    assert pair.answer in pair.context
    # of an English document, `curate` keeps no German question
    assert not ask(make_window(GERMAN), language="en")


def test_a_large_model_is_asked_about_every_span_and_a_small_one_where_code_frames_the_question():
    window = make_window(
        f"{TEXT} It was closed in 1987 because of them. Ask the Royal Tamar Society of Leeds for more."
    )
    framed, every = ask(window, engine=LLAMACPP), ask(window)
    framed_answers, answers = ({one.candidate.answer for one in some if one.candidate} for some in (framed, every))
    assert framed_answers < answers
    assert all("grammar" in one.request.extra for one in framed)
    assert {"1987", "Royal Tamar Society of Leeds"} <= answers


@pytest.mark.parametrize("reply", ["SKIP", "skip.", "**SKIP**", "SKIP\nThe sentence does not say what was closed."])
def test_a_sentence_that_a_model_finds_no_question_in_is_skipped(reply):
    assert answer(ask(make_window(TEXT))[0], reply) == ([], {"skipped": 1})


@pytest.mark.parametrize("reply", ["Skip of which ship was lost?", "Question: When was the Skipton line opened?"])
def test_a_question_about_a_skip_is_a_question(reply):
    pairs, malformed = answer(ask(make_window(TEXT))[0], reply)
    assert (len(pairs), malformed) == (1, {})


ACRONYMS = " ".join(
    f"The {name} Reading Office ({name[0]}RO) was opened in {year}."
    for year, name in enumerate(["Amber", "Birch", "Cedar", "Daisy", "Elder"], 1960)
)


@pytest.mark.parametrize(("facts", "most"), [(0, 0), (8, 1), (18, 2), (98, 5)])
def test_acronyms_are_at_most_a_tenth_of_what_a_window_will_have(facts, most):
    found = ask(make_window(ACRONYMS), engine=LLAMACPP, max_candidates=20, facts=facts)
    kinds = [one.candidate.kind for one in found if one.candidate]
    assert kinds.count("acronym") == most
    assert kinds.count("date") >= 4


# --- sampling, LoRA, precision ----------------------------------------------------------------------------------------

PROMPT = """---
family: window
style: abstractive
reply: pairs_json
sampling: {temperature: 0.7, top_p: 0.95, max_tokens: 500}
extra: {reasoning_effort: low}
---
@user
{% for page in pages %}{{ page.text }}{% endfor %}
"""


def load_tuned(folder: Path, engine: dict[str, Any], **choice: Any) -> Prompt:
    """The prompt `mine` as a build with this engine and this entry of `generate.prompts` asks it."""
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / "mine.md").write_text(PROMPT)
    config = make_config(generate={"engine": engine, "prompts": [{"name": "mine", **choice}]})
    return load_build_prompts(config, folder)["mine"]


PLAIN = {"kind": "openai", "model": "m", "base_url": "http://a"}
SERVED = {"kind": "vllm", "model": "org/m", "loras": {"forms": "org/forms", "law": "org/law"}}


def test_the_more_particular_place_decides_how_replies_are_sampled(tmp_path):
    assert load_tuned(tmp_path, PLAIN).sampling == {"temperature": 0.7, "top_p": 0.95, "max_tokens": 500}
    cards = {**PLAIN, "sampling": {"temperature": 0.6, "top_k": 20}}
    expected = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "max_tokens": 500}
    assert load_tuned(tmp_path, cards).sampling == expected
    tuned = load_tuned(tmp_path, cards, sampling={"temperature": 0.0, "stop": ["END"]})
    assert tuned.sampling == expected | {"temperature": 0.0, "stop": ["END"]}
    (one,) = plan_requests(make_window(TEXT), tuned, engine=OPENAI, seed=0, max_candidates=6)
    assert one.request.sampling == tuned.sampling | {"seed": one.request.sampling["seed"]}


def test_longer_replies_leave_less_room_for_the_document(tmp_path):
    with pytest.raises(SetupError, match="needs a context of at least"):
        load_tuned(tmp_path, {**PLAIN, "context_tokens": 4096}, sampling={"max_tokens": 4000})


def test_arguments_of_the_chat_template_are_sent_beside_the_prompts_own_fields(tmp_path):
    tuned = load_tuned(tmp_path, {**PLAIN, "chat_template_kwargs": {"enable_thinking": False}})
    assert tuned.extra == {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}
    (one,) = plan_requests(make_window(TEXT), tuned, engine=OPENAI, seed=0, max_candidates=6)
    assert one.request.to_body()["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(
    ("engine", "choice", "asked"),
    [
        (SERVED, {}, "org/m"),
        (SERVED, {"lora": "law"}, "law"),
        ({**SERVED, "lora": "forms"}, {}, "forms"),
        ({**SERVED, "lora": "forms"}, {"lora": "law"}, "law"),
        (PLAIN, {"lora": "anything"}, "anything"),
    ],
)
def test_a_prompt_is_answered_by_its_own_adapter_or_the_engines_or_the_model_itself(tmp_path, engine, choice, asked):
    tuned = load_tuned(tmp_path, engine, **choice)
    config = make_config(generate={"engine": engine})
    (one,) = plan_requests(make_window(TEXT), tuned, engine=config.generate.engine, seed=0, max_candidates=6)
    assert one.request.model == asked
    (pair,), _ = answer(one, '[{"question": "Who opened the bridge?", "answer": "Alice"}]')
    assert pair.model == asked


def test_a_model_that_is_a_path_is_asked_by_it_and_named_without_it(tmp_path):
    config = make_config(generate={"engine": {**PLAIN, "model": "/models/anna/m"}})
    tuned = load_tuned(tmp_path, {**PLAIN, "model": "/models/anna/m"})
    (one,) = plan_requests(make_window(TEXT), tuned, engine=config.generate.engine, seed=0, max_candidates=6)
    assert one.request.model == "/models/anna/m"
    (pair,), _ = answer(one, '[{"question": "Who opened the bridge?", "answer": "Alice"}]')
    assert pair.model == "m"


def test_an_adapter_that_the_engine_does_not_have_is_a_mistake_in_the_set_up(tmp_path):
    with pytest.raises(SetupError, match="`tax` is not a LoRA adapter of the engine"):
        load_tuned(tmp_path, SERVED, lora="tax")


def test_a_model_of_another_precision_is_another_model_though_it_has_the_same_name():
    engines = [VLLM.model_copy(update=change) for change in ({}, {"quantization": "awq"}, {"dtype": "float16"})]
    requests = [ask(make_window(TEXT), "broad_whole", engine=engine)[0].request for engine in engines]
    assert len({request.request_id for request in requests}) == 3
    assert len({str(request.to_body()) for request in requests}) == 1
    auto = VLLM.model_copy(update={"dtype": "auto"})
    assert ask(make_window(TEXT), "broad_whole", engine=auto)[0].request == requests[0]


def test_verify_may_ask_another_engine_in_its_own_way():
    (pair,), _ = answer(ask(make_window(TEXT))[0], "When was the bridge opened?")
    requests = [
        ROUND_TRIP.build_request(pair, PROMPTS["round_trip"], engine=engine, seed=0)
        for engine in (OPENAI, VLLM.model_copy(update={"grammar": True, "quantization": "awq"}))
    ]
    assert [request and request.model for request in requests] == ["m", "org/m"]
    assert [request and list(request.extra) for request in requests] == [[], ["structured_outputs"]]
    assert [request and request.variant for request in requests] == ["", "quantization=awq"]
    assert requests[1] is not None
    assert "1961" in str(requests[1].extra["structured_outputs"]["choice"])


# --- what does not fit ------------------------------------------------------------------------------------------------


def test_a_window_is_divided_by_the_count_that_is_given():
    window = make_window(*["The committee met on Monday and agreed. " * 20] * 4)
    engine = OPENAI.model_copy(update={"context_tokens": 5000})
    estimated = ask(window, "broad_whole", engine=engine)
    counted = ask(window, "broad_whole", engine=engine, counter=train_vocabulary())
    assert len(estimated) != len(counted)


def test_halves_are_asked_with_seeds_of_their_own_and_hold_what_the_whole_held():
    window = make_window(*(f"Page {number}. " + "The committee met. " * 50 for number in range(1, 4)))
    (whole,) = ask(window, "broad_whole", language="en")
    halves = halve_request(whole, PROMPTS["broad_whole"], engine=OPENAI, seed=0)
    assert [[page.number for page in half.chunk] for half in halves] in ([[1], [2, 3]], [[1, 2], [3]])
    assert [page for half in halves for page in half.chunk] == list(whole.chunk)
    seeds = {one.request.sampling["seed"] for one in (whole, *halves)}
    assert len(seeds) == 3
    assert halves == halve_request(whole, PROMPTS["broad_whole"], engine=OPENAI, seed=0)
    quarters = [
        quarter for half in halves for quarter in halve_request(half, PROMPTS["broad_whole"], engine=OPENAI, seed=0)
    ]
    assert len({one.place for one in (whole, *halves, *quarters)}) == 3 + len(quarters)
    for one in (*halves, *quarters):
        assert (one.sample_id, one.prompt, one.language) == (whole.sample_id, whole.prompt, "en")
        assert one.request.extra == whole.request.extra


def test_an_answer_first_request_has_no_halves():
    assert halve_request(ask(make_window(TEXT))[0], PROMPTS["extractive"], engine=OPENAI, seed=0) == []


# --- pictures ---------------------------------------------------------------------------------------------------------

SEEING = OPENAI.model_copy(update={"vision": True})


def see(window: Window, *, engine: Engine = SEEING, **settings: Any) -> list[PlannedRequest]:
    return ask(window, "vision_charts", engine=engine, pictures=Pictures(**settings))


def test_a_vision_request_names_the_pages_that_it_shows_and_how():
    (one,) = see(make_window("One.", "Hidden.", "Three.", reasons=(None, "garbled", None)), dpi=100, quality=70)
    assert [(picture.doc_id, picture.page, picture.dpi, picture.quality) for picture in one.request.pictures] == [
        ("d", 1, 100, 70),
        ("d", 3, 100, 70),
    ]
    shown = one.request.messages[-1].content
    assert "One." in shown
    assert "Hidden." not in shown
    assert "the 2 pages shown" in shown
    assert one.style == "visual"


def make_scan(number: int, *, text: str = "", reason: str = "no_text") -> Page:
    return replace(make_page(text, number=number, reason=reason), text_from="none")


def test_a_vision_request_shows_pages_that_are_pictures_without_what_was_misread_on_them():
    pages = (make_page("One.", number=1), make_scan(2, text="Qx#;", reason="garbled"), make_scan(3))
    (one,) = see(Window("d-1", "d", pages), dpi=50)
    assert [picture.page for picture in one.request.pictures] == [1, 2, 3]
    shown = one.request.messages[-1].content
    assert "One." in shown
    assert "Qx#" not in shown
    assert "the 3 pages shown" in shown
    (text,) = ask(Window("d-1", "d", pages), "broad_whole")
    assert [page.number for page in text.chunk] == [1]
    assert text.request.pictures == ()


def test_a_scan_is_asked_about_by_its_pictures_alone():
    window = Window("d-1", "d", (make_scan(1), make_scan(2)))
    (one,) = see(window, dpi=50)
    assert "<document>" not in one.request.messages[-1].content
    halves = halve_request(one, PROMPTS["vision_charts"], engine=SEEING, seed=0)
    assert [[picture.page for picture in half.request.pictures] for half in halves] == [[1], [2]]
    assert [[picture.page for picture in each.request.pictures] for each in see(window, max_per_request=1)] == [
        [1],
        [2],
    ]
    assert ask(window, "broad_whole") == []


def test_of_several_requests_about_a_window_only_those_with_what_the_prompt_is_for_are_sent():
    pages = tuple(replace(make_page("Words.", number=n), profile=Profile(chart=0.3 * n)) for n in (1, 2, 3))
    asks = see(Window("d-1", "d", pages), max_per_request=1, dpi=50)
    assert [[picture.page for picture in one.request.pictures] for one in asks] == [[2], [3]]
    everywhere = replace(PROMPTS["vision_charts"], when=())
    all_of_them = list(
        plan_requests(
            Window("d-1", "d", pages),
            everywhere,
            engine=SEEING,
            seed=0,
            max_candidates=0,
            pictures=Pictures(max_per_request=1, dpi=50),
        )
    )
    assert [one.request for one in all_of_them[1:]] == [one.request for one in asks]


def test_a_window_that_fits_only_as_a_whole_is_asked_about_as_a_whole():
    headings = replace(PROMPTS["vision_charts"], when=read_conditions({"headings": ">= 2"}))
    pages = tuple(replace(make_page("Words.", number=n), profile=Profile(headings=1)) for n in (1, 2))
    asks = plan_requests(
        Window("d-1", "d", pages),
        headings,
        engine=SEEING,
        seed=0,
        max_candidates=0,
        pictures=Pictures(max_per_request=1, dpi=50),
    )
    assert [[picture.page for picture in one.request.pictures] for one in asks] == [[1], [2]]


def test_no_other_prompt_sends_pictures():
    for name in ("broad_whole", "extractive"):
        assert not any(one.request.pictures for one in ask(make_window(TEXT), name, engine=SEEING, pictures=Pictures()))


def test_pictures_are_divided_by_their_number_and_by_what_they_cost():
    window = make_window(*["Few words here."] * 5)
    assert [len(one.request.pictures) for one in see(window, max_per_request=2)] == [2, 2, 1]
    engine = SEEING.model_copy(update={"context_tokens": 9000})
    chunks = [len(one.request.pictures) for one in see(window, engine=engine, max_per_request=5)]
    cost = count_picture_tokens(see(window)[0].request.pictures[0])
    assert cost == 43 * 55 + 2
    assert chunks == [2, 2, 1]


def test_a_picture_that_is_too_large_by_our_count_is_sent_alone_for_the_server_to_judge():
    engine = SEEING.model_copy(update={"context_tokens": 4096})
    asks = see(make_window("Few words.", "And more."), engine=engine)
    assert [len(one.request.pictures) for one in asks] == [1, 1]


def test_without_text_only_the_pictures_are_shown():
    (one,) = see(make_window("Secret words."), with_text=False)
    assert "Secret words" not in one.request.messages[-1].content
    assert [picture.page for picture in one.request.pictures] == [1]


def test_the_halves_of_a_vision_request_show_fewer_pictures():
    (one,) = see(make_window("One.", "Two.", "Three."), dpi=50)
    halves = halve_request(one, PROMPTS["vision_charts"], engine=SEEING, seed=0)
    assert [[picture.page for picture in half.request.pictures] for half in halves] == [[1, 2], [3]]
    assert halve_request(halves[1], PROMPTS["vision_charts"], engine=SEEING, seed=0) == []


def test_the_halves_of_a_long_page_both_show_it():
    (one,) = see(make_window("The committee met. " * 200), dpi=50)
    halves = halve_request(one, PROMPTS["vision_charts"], engine=SEEING, seed=0)
    assert [half.request.pictures for half in halves] == [one.request.pictures] * 2


def test_how_a_page_is_shown_is_part_of_what_is_asked_only_for_those_who_see_it():
    window = make_window(TEXT)
    changes: list[dict[str, Any]] = [{}, {"dpi": 80}, {"quality": 60}, {"max_side_px": 900}]
    ids = {see(window, **change)[0].request.request_id for change in changes}
    assert len(ids) == 4
    one, other = (ask(window, "broad_whole", pictures=Pictures(dpi=dpi)) for dpi in (80, 90))
    assert one == other


def test_the_prompt_that_tune_prompt_gives_keeps_its_family():
    tuned = tune_prompt(PROMPTS["vision_charts"], sampling={"max_tokens": 9}, model="lora", extra={})
    assert (tuned.family, tuned.model, tuned.sampling["max_tokens"]) == ("vision", "lora", 9)
