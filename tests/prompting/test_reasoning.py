"""Thoughts: however a model marks them and wherever they stand, no draft in them becomes a pair."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.reasoning import leave_out_reasoning
from docmatix.prompting.replies import ParsedPair, parse_reply, read_answer
from tests.thoughts import BLOCKS, HEADS

PAIR = ParsedPair("What is the price?", "$5")
DRAFT = '{"pairs": [{"question": "What is a DRAFT?", "answer": "wrong"}]}'
SAID = '{"pairs": [{"question": "What is the price?", "answer": "$5"}]}'
DRAFT_TEXT, SAID_TEXT = "Q1: What is a DRAFT?\nA1: wrong", "Q1: What is the price?\nA1: $5"
PLACES = [folder / "shared/cases/replies.json" for folder in Path(__file__).resolve().parents]
CASES = next((place for place in PLACES if place.exists()), None)


def read(content: str, *, format: str = "pairs_json", finish_reason: str = "stop"):
    pairs, malformed = parse_reply(content, format=format, finish_reason=finish_reason)
    return pairs, dict(malformed)


@pytest.mark.parametrize(("opens", "closes"), (BLOCKS | HEADS).values(), ids=BLOCKS | HEADS)
def test_no_draft_in_thoughts_becomes_a_pair(opens: str, closes: str) -> None:
    assert read(f"{opens}{DRAFT}{closes}{SAID}") == ([PAIR], {})
    assert read(f"{opens}Let's see, it's {DRAFT} hm{closes}\n{SAID}") == ([PAIR], {})
    assert read(f"{opens}\n```json\n{DRAFT}\n```\n{closes}\n```json\n{SAID}\n```") == ([PAIR], {})
    assert read(f"{opens}\n{DRAFT_TEXT}\n{closes}\n{SAID_TEXT}", format="pairs_text") == ([PAIR], {})
    assert read(f"{opens}What is a DRAFT?{closes}\nWhat is the price?", format="question") == (
        [(PAIR.question, "")],
        {},
    )
    assert read(f"{opens}wrong{closes}\n$5", format="answer") == ([("", "$5")], {})
    assert read_answer(f"{opens}wrong{closes}\n$5", finish_reason="stop") == "$5"


@pytest.mark.parametrize(("opens", "closes"), BLOCKS.values(), ids=BLOCKS)
def test_blocks_of_thoughts_may_stand_anywhere(opens: str, closes: str) -> None:
    assert read(f"Sure!\n{opens}{DRAFT}{closes}{SAID}") == ([PAIR], {})
    assert read(f"{SAID}\n{opens}fine: {DRAFT}{closes}") == ([PAIR], {})
    assert read(f"{SAID[:-2]}{opens}fine: {DRAFT}{closes}{SAID[-2:]}") == ([PAIR], {})
    both = f"{SAID_TEXT}\n{opens}\n{DRAFT_TEXT}\n{closes}\nQ2: Who pays?\nA2: the tenant"
    assert read(both, format="pairs_text") == ([PAIR, ParsedPair("Who pays?", "the tenant")], {})
    assert read(f"Sure!\n{opens}wrong{closes}\n$5", format="answer") == ([("", "$5")], {})


@pytest.mark.parametrize("finish_reason", ["stop", "length", "MAX_TOKENS"])
@pytest.mark.parametrize(
    "content",
    [
        *(f"{opens}{DRAFT} more" for opens, _ in BLOCKS.values()),
        *(f"Sure!\n{opens}{DRAFT}\n" for opens, _ in BLOCKS.values()),
        f"<think>a</think>{SAID}<think>{DRAFT}",
        f"<|channel|>analysis<|message|>{DRAFT}",
        f"analysisWe need {DRAFT}",
        f"Here is my thought process: {DRAFT}",
    ],
)
def test_a_reply_that_ends_among_its_thoughts_is_truncated(content: str, finish_reason: str) -> None:
    assert read(content, finish_reason=finish_reason) == ([], {"truncated": 1})
    assert read_answer(content, finish_reason=finish_reason) == ""


@pytest.mark.parametrize(("opens", "closes"), (BLOCKS | HEADS).values(), ids=BLOCKS | HEADS)
def test_thoughts_alone_are_an_empty_reply_unless_it_was_cut(opens: str, closes: str) -> None:
    assert read(f"{opens}{DRAFT}{closes}") == ([], {"empty_reply": 1})
    assert read(f"{opens}{DRAFT}{closes}", finish_reason="model_length") == ([], {"truncated": 1})


def test_thoughts_may_stand_in_a_fence_of_their_own() -> None:
    assert read(f"```thinking\nhm\n{DRAFT}\n```\n```json\n{SAID}\n```") == ([PAIR], {})
    assert read(f"Sure!\n```thought\n{DRAFT_TEXT}\n```\n{SAID_TEXT}", format="pairs_text") == ([PAIR], {})
    assert read(f"```thinking\nhm\n{DRAFT}\n") == ([], {"truncated": 1})


def test_whether_a_mark_within_thoughts_is_one_cannot_be_known() -> None:
    """What follows may be the reply, or thoughts of the outer block that go on."""
    assert read(f"<think>I use <think> tags.</think>\n{SAID}") == ([], {"truncated": 1})


def test_json_that_a_cut_reply_goes_on_talking_about_is_a_draft() -> None:
    """Where the template begins the thoughts and they are cut, no mark tells of them."""
    assert read(f"Okay, a draft: {DRAFT} Hmm, but better would", finish_reason="length") == ([], {"truncated": 1})


def test_what_stands_above_the_heading_of_the_final_pairs_is_a_draft() -> None:
    assert read(f"Let me see. {DRAFT}\n\n## Final answer\n```json\n{SAID}\n```") == ([PAIR], {})
    assert read(f"{DRAFT_TEXT}\n\nFinal pairs:\n{SAID_TEXT}", format="pairs_text") == ([PAIR], {})


@pytest.mark.parametrize(
    "content",
    [
        "Reasoning:\nThe page is short.\n\nQuestion: What is the price?\nAnswer: $5",
        f"**Analysis:** The page is short.\n\n{SAID}",
        f"<details><summary>Pairs</summary>\n\n{SAID_TEXT}\n</details>".removesuffix("\n</details>"),
    ],
)
def test_headings_without_a_heading_of_the_reply_leave_it_whole(content: str) -> None:
    assert read(content, format="pairs_text") == ([PAIR], {})


@pytest.mark.parametrize("key", ["thinking_process", "draft_pairs", "initial", "rejected", "chain of thought"])
def test_what_stands_under_the_key_of_a_draft_is_none(key: str) -> None:
    assert read(f'{{"{key}": [{{"question": "What is a DRAFT?", "answer": "wrong"}}], {SAID[1:]}') == ([PAIR], {})


# --- what is text -----------------------------------------------------------------------------------------------------

SPEAKS = ParsedPair("What does <think> do?", "the <think> tag, which </think> ends; [THINK] and <|im_end|> too")
SPOKEN = json.dumps({"pairs": [SPEAKS._asdict()]})


@pytest.mark.parametrize(
    "content",
    [
        SPOKEN,
        json.dumps({"pairs": [SPEAKS._asdict()]}, indent=2),
        f"```json\n{SPOKEN}\n```",
        f"Here they are:\n{SPOKEN}\nI hope this helps!",
        f"<think>hm {DRAFT}</think>{SPOKEN}",
        f"{SPOKEN}<|im_end|>",
        f"{SPOKEN}\n<think>{DRAFT}</think>",
        json.dumps(SPOKEN),
        f"<think>{DRAFT}</think>{json.dumps(SPOKEN)}",
        json.dumps(f"<think>{DRAFT}</think>{SPOKEN}"),
        str({"pairs": [SPEAKS._asdict()]}),
    ],
)
def test_marks_within_strings_are_text(content: str) -> None:
    assert read(content) == ([SPEAKS], {})


def test_raw_line_breaks_in_a_string_do_not_make_a_mark_of_a_text() -> None:
    content = '{"pairs": [{"question": "Which tag?", "answer": "First:\n<think>\nThen:\n</think>"}]}'
    assert read(content) == ([ParsedPair("Which tag?", "First:\n<think>\nThen:\n</think>")], {})


@pytest.mark.parametrize("answer", ["the `<think>` tag", 'the "<think>" tag', "the token <|im_end|> of a turn"])
def test_marks_between_quotes_of_their_own_and_within_a_sentence_are_text(answer: str) -> None:
    content = f"Q1: What is it?\nA1: {answer}\n{SAID_TEXT.replace('1', '2')}"
    assert read(content, format="pairs_text") == ([ParsedPair("What is it?", answer), PAIR], {})


@pytest.mark.parametrize(
    "content",
    [
        "A <b>bold</b> [note] & 3 < 4 > 2",
        "Analysis of the page",
        "The analysis</b> ends",
        "<thinker> [thinkpad]",
        "a </br>",
    ],
)
def test_text_without_marks_stays_as_it_is(content: str) -> None:
    assert leave_out_reasoning(content).text == content


# --- the ends of turns ------------------------------------------------------------------------------------------------

ENDS = [
    *(
        "<|im_end|>",
        "<|eot_id|>",
        "</s>",
        "<end_of_turn>",
        "<|end|>",
        "<|endoftext|>",
        "<|return|>",
        "<eos>",
        "<turn|>",
    ),
    *("[EOS]", "[|endofturn|]", "<seed:eos>", "<unused1>", "<|im_end|", "<|endoftext"),
    *("<\uff5cend\u2581of\u2581sentence\uff5c>", "<|END_OF_TURN_TOKEN|>", "<end_of_utterance>", "[/INST]"),
]


@pytest.mark.parametrize("end", [end for end in ENDS if end[-1] in ">]"])
def test_a_turn_that_runs_on_is_not_read(end: str) -> None:
    ran_on = f"{SAID_TEXT}{end}\n<|im_start|>user\n{DRAFT_TEXT.replace('1', '2')}"
    assert read(ran_on, format="pairs_text") == ([PAIR], {})


@pytest.mark.parametrize("end", ENDS)
def test_the_marks_of_a_turns_end_go(end: str) -> None:
    for content in (
        SAID_TEXT + end,
        f"{SAID_TEXT}\n{end}\n",
        *([f"{end}\n{SAID_TEXT}"] if end[-1] in ">]" else []),
        f"<think>x</think>{SAID_TEXT}{end}",
    ):
        assert read(content, format="pairs_text") == ([PAIR], {})
    assert read(SAID + end) == ([PAIR], {})
    assert read(f"What is the price?{end}", format="question") == ([("What is the price?", "")], {})
    assert read(f"$5{end}", format="answer") == ([("", "$5")], {})
    assert read_answer(f"$5{end}", finish_reason="stop") == "$5"


@pytest.mark.parametrize(
    "content",
    [
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{SAID_TEXT}<|eot_id|>",
        f"<|im_start|>assistant\n{SAID_TEXT}<|im_end|>",
        f"<start_of_turn>model\n{SAID_TEXT}<end_of_turn>",
        SAID_TEXT.replace("$5", "<|begin_of_box|>$5<|end_of_box|>"),
        f"<answer>{SAID_TEXT}</answer>",
    ],
)
def test_marks_around_a_reply_go(content: str) -> None:
    assert read(content, format="pairs_text") == ([PAIR], {})


def test_an_answer_that_was_cut_in_its_first_line_is_none() -> None:
    assert read_answer("12", finish_reason="length") == ""
    assert read_answer("12\nAs the text", finish_reason="length").split("\n")[0] == "12"


# --- whatever a model writes ------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).map(str.strip).filter(bool)
FIELDS = st.builds(ParsedPair, WORDS.map(lambda text: " ".join(text.split())), WORDS)
THOUGHTS = st.lists(
    st.sampled_from(["hm ", DRAFT, DRAFT[:30], DRAFT_TEXT, "\n", "it's ", "`", '"', "```json\n", "{", "Q1: a?\n"]),
    max_size=6,
).map("".join)


@given(
    st.lists(FIELDS, min_size=1, max_size=3, unique=True),
    THOUGHTS,
    st.sampled_from([*BLOCKS.values(), *HEADS.values()]),
    st.sampled_from([None, 2]),
)
def test_any_reply_within_any_marks_gives_the_pairs_of_the_bare_one(pairs, thoughts, block, indent):
    content = json.dumps({"pairs": [pair._asdict() for pair in pairs]}, indent=indent)
    opens, closes = block
    assert read(f"{opens}{thoughts}\n{closes}{content}") == read(content) == (pairs, {})


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "[THINK]", '"', "'", "{", ":", ",", "}", "x", "\n", "<|end|>"]))
)
def test_whatever_marks_a_reply_has_no_text_is_made_up(scraps):
    spoken = leave_out_reasoning("".join(scraps))
    assert "".join(spoken.pieces).count("x") <= scraps.count("x")
    assert not (spoken.unfinished and spoken.pieces)


@pytest.mark.parametrize("loop", ["<think>", "</think>", "<think>'", '{"<think>",', "<|im_end|>", "[THINK", "<think "])
def test_a_megabyte_of_marks_costs_time_in_proportion(loop: str) -> None:
    """Measured in CPU time against itself: four times as many may not take sixteen times as long."""

    def measure(chars: int) -> float:
        content = loop * (chars // len(loop))
        started = time.process_time()
        parse_reply(content, format="pairs_json", finish_reason="stop")
        return time.process_time() - started

    assert measure(1 << 20) < 10 * measure(1 << 18) + 0.1


def test_the_cases_of_models_replies_are_read_as_a_person_reads_them() -> None:
    if CASES is None:
        pytest.skip("there are no cases here")
    for case in json.loads(CASES.read_text()):
        pairs, malformed = parse_reply(case["reply"], format=case["format"], finish_reason="stop")
        assert ([list(pair) for pair in pairs], malformed.total()) == (case["pairs"], 0), case["name"]
