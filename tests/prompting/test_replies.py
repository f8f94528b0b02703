"""Replies: every shape in which models have been seen to answer, and whatever else they may write."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from docmatix.prompting.replies import ParsedPair, pairs_schema, parse_reply, question_schema

FORMATS = ("pairs_json", "pairs_text", "question", "answer")
ONE = ParsedPair("When does it open?", "at nine")
TWO = ParsedPair("Who pays?", "the tenant")


def read(content: str, *, format: str = "pairs_json", finish_reason: str = "stop"):
    pairs, malformed = parse_reply(content, format=format, finish_reason=finish_reason)
    return pairs, dict(malformed)


def to_json(*pairs: ParsedPair) -> str:
    return json.dumps({"pairs": [pair._asdict() for pair in pairs]}, ensure_ascii=False)


# --- JSON -------------------------------------------------------------------------------------------------------------

FIRST, SECOND = (json.dumps(pair._asdict()) for pair in (ONE, TWO))


@pytest.mark.parametrize(
    "content",
    [
        to_json(ONE, TWO),
        json.dumps({"pairs": [ONE._asdict(), TWO._asdict()]}, indent=2),
        f"[{FIRST}, {SECOND}]",
        f"```json\n[{FIRST}, {SECOND}]\n```",
        f'Here are the pairs {{as JSON}}:\n\n```\n{{"pairs": [{FIRST}, {SECOND}]}}\n```\nI hope that this "helps!',
        f'{{"pairs": [{FIRST}, {SECOND},]}}',
        f'{{"pairs": [{FIRST[:-1]},}}, {SECOND}]}}',
        f'{{"pairs": [{FIRST} {SECOND}]}}',
        f"{FIRST}\n{SECOND}\n",
        f'{{"qa_pairs": [{FIRST}, {SECOND}]}}',
        f'{{"document": {{"pairs": [{FIRST}, {SECOND}]}}}}',
        f'<think>{{"question": "not this one"}}</think>\n[{FIRST}, {SECOND}]',
        f"Let me think.\n</think>\n\n[{FIRST}, {SECOND}]",
        f"[{FIRST}, {SECOND}]".replace("question", "Question").replace("answer", "A"),
    ],
)
def test_pairs_are_read_from_json_however_it_is_wrapped(content):
    assert read(content) == ([ONE, TWO], {})


def test_quotes_and_line_breaks_that_are_not_escaped_stay_in_the_answer():
    content = '{"pairs": [{"question": "What is a "slot"?", "answer": "A "slot" is\n5" wide."}, ' + SECOND + "]}"
    assert read(content) == ([ParsedPair('What is a "slot"?', 'A "slot" is\n5" wide.'), TWO], {})


def test_an_escaped_quote_in_a_broken_object_is_unescaped_once():
    content = r'{"question": "q?", "answer": "a \"b\" c\nd é",}'
    assert read(content) == ([ParsedPair("q?", 'a "b" c\nd é')], {})


def test_numbers_stay_as_they_are_written_and_lists_become_text():
    content = '[{"question": "How much?", "answer": 3.50}, {"question": "Which?", "answer": ["a", "b", 1e3]}]'
    assert read(content) == ([ParsedPair("How much?", "3.50"), ParsedPair("Which?", "a, b, 1e3")], {})


@pytest.mark.parametrize(
    "entry",
    [
        '{"question": "q?"}',
        '{"answer": "a"}',
        '{"question": "", "answer": "a"}',
        '{"question": "q?", "answer": " \\n"}',
        '{"question": "q?", "answer": null}',
        '{"question": "q?", "answer": true}',
        '{"question": {"text": "q?"}, "answer": "a"}',
        '{"question": "q?", "answer": []}',
        '{"id": 1}',
        "{}",
        '"q? a"',
    ],
)
def test_an_entry_without_question_or_answer_is_a_missing_field(entry):
    assert read(f'{{"pairs": [{FIRST}, {entry}, {SECOND}]}}') == ([ONE, TWO], {"missing_field": 1})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty_reply"),
        (" \n", "empty_reply"),
        ("<think>nothing comes to mind</think>\n", "empty_reply"),
        ("I cannot help with that.", "malformed_json"),
        ("[[[[[[" * 5000, "malformed_json"),
        ('{"pairs": [', "malformed_json"),
        ('{"pairs": []}', "no_pairs"),
        ("[]", "no_pairs"),
        ("{}", "no_pairs"),
    ],
)
def test_a_reply_without_pairs_has_one_named_reason(content, reason):
    assert read(content) == ([], {reason: 1})


@pytest.mark.parametrize(
    "content", ["", "Let me", "<think>So,", "{", '{"pairs": [', '{"pairs": [{"ques', '{"pairs": [{"question": "q?", ']
)
def test_a_reply_that_is_cut_before_its_first_pair_is_truncated(content):
    assert read(content, finish_reason="length") == ([], {"truncated": 1})


def test_an_object_that_cannot_be_read_is_counted_and_the_others_are_kept():
    content = f'[{FIRST}, {{"question": "q?", "answer": }}, {SECOND}]'
    assert read(content) == ([ONE, TWO], {"malformed_json": 1})


def test_a_closed_reply_is_whole_even_if_the_limit_was_reached():
    assert read(to_json(ONE, TWO), finish_reason="length") == ([ONE, TWO], {})


# --- labelled text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["pairs_text", "pairs_json"])
@pytest.mark.parametrize(
    "content",
    [
        "Q1: When does it open?\nA1: at nine\n\nQ2: Who pays?\nA2: the tenant",
        "Q1: When does it open? A1: at nine Q2: Who pays? A2: the tenant",
        "Here they are:\n\n**Q1:** When does it open?\n**A1:** at nine\n\n**Q2**: Who pays?\n**A2**: the tenant\n",
        "Q: When does it open?\nA: at nine\nQ: Who pays?\nA: the tenant",
        "Q: When does it open? A: at nine\nQ: Who pays? **A:** the tenant",
        "1. Question: When does it open?\n   Answer: at nine\n2. Question: Who pays?\n   Answer: the tenant",
        "1. **When does it open?**\n   **Answer:** at nine\n\n2. **Who pays?**\n   **Answer:** the tenant",
        "## Question 1\nWhen does it open?\n## Answer 1\nat nine\n\n## Question 2\nWho pays?\n## Answer\nthe tenant",
        "- Question #1: When does it open?\n- Answer #1: at nine\n- Question #2: Who pays?\n- Answer #2: the tenant",
        "Q1: When does it open?\nA1: at nine\n\n---\n\nQ2: Who pays?\nA2: the tenant\n\n---\n",
        "Q1. When does it open?\nA1. at nine\nQ2) Who pays?\nA2) the tenant",
        "```\nQ1: When does\nit open?\nA1: at nine\nQ2: Who pays?\nA2: the tenant\n```",
        "Q1: When does it open?\r\nA1: at nine\r\n\r\nQ2: Who pays?\r\nA2: the tenant\r\n",
    ],
)
def test_pairs_are_read_from_labelled_text_however_it_is_marked(content, format):
    assert read(content, format=format) == ([ONE, TWO], {})


@pytest.mark.parametrize("format", ["pairs_text", "pairs_json"])
@pytest.mark.parametrize(
    "content",
    [
        "[Q1] When does it open?\n[A1] at nine\n[Q2] Who pays?\n[A2] the tenant",
        "(Q1) When does it open?\n(A1) at nine\n(Q2) Who pays?\n(A2) the tenant",
        "Q1 - When does it open?\nA1 - at nine\nQ2 - Who pays?\nA2 - the tenant",
        "q1: When does it open?\na1: at nine\nq2: Who pays?\na2: the tenant",
        "Q. When does it open?\nAns. at nine\nQ. Who pays?\nAns. the tenant",
        "**Question (1):** When does it open?\n**Response (1):** at nine\n**Question (2):** Who pays?\n"
        "**Response (2):** the tenant",
        "Frage 1: When does it open?\nAntwort 1: at nine\nFrage 2: Who pays?\nAntwort 2: the tenant",
        "\u95ee\u98981\uff1aWhen does it open?\n"
        "\u7b54\u68481\uff1aat nine\n\u95ee\uff1aWho pays?\n\u7b54\uff1athe tenant",
        "| Question | Answer |\n|---|---|\n| When does it open? | at nine |\n| Who pays? | the tenant |\n\nDone.",
        "Here:\n\n| # | **Question** | **Answer** |\n|:-:|:--|--:|\n| 1 | When does it open? | at nine |\n"
        "| 2 | Who pays? | the tenant |",
    ],
)
def test_pairs_are_read_under_other_labels_and_from_tables(content, format):
    assert read(content, format=format) == ([ONE, TWO], {})


@pytest.mark.parametrize(
    "content", ["a. one\nb. two", "Response: no", "| Question | Who |\n|---|---|\n| a? | b |", "Ques: a?\nQues: b?"]
)
def test_other_labels_that_leave_a_pair_open_make_none(content):
    pairs, malformed = read(content, format="pairs_text")
    assert pairs == []
    assert malformed


def test_an_answer_may_have_several_lines():
    content = "Q1: Which steps?\nA1: First:\n- wash\n- rinse\n\nThen dry.\nQ2: Who pays?\nA2: the tenant"
    assert read(content, format="pairs_text")[0] == [
        ParsedPair("Which steps?", "First:\n- wash\n- rinse\n\nThen dry."),
        TWO,
    ]


def test_quarters_and_paper_sizes_in_an_answer_are_not_taken_for_labels():
    answer = "It rose in Q2: 4.2 million, Q3: 5 million.\nA4: 210 mm"
    assert read(f"Q1: What rose?\nA1: {answer}", format="pairs_text") == ([ParsedPair("What rose?", answer)], {})


def test_a_question_without_answer_and_an_answer_without_question_are_missing_fields():
    content = "A0: lost\nQ1: One?\nQ2: Who pays?\nA2: the tenant\nQ3: Three?"
    assert read(content, format="pairs_text") == ([TWO], {"missing_field": 3})


@pytest.mark.parametrize("tail", ["Q2: Who", "Q2: Who pays?\nA2:", "Q2: Who pays?\nA2: the ten"])
def test_the_last_pair_of_labelled_text_that_was_cut_is_truncated(tail):
    content = f"Q1: When does it open?\nA1: at nine\n{tail}"
    assert read(content, format="pairs_text", finish_reason="length") == ([ONE], {"truncated": 1})


def test_prose_without_any_label_has_no_pairs():
    assert read("The document is about bridges.", format="pairs_text") == ([], {"no_pairs": 1})


def test_json_is_read_where_labelled_text_was_asked_for():
    assert read(to_json(ONE, TWO), format="pairs_text") == ([ONE, TWO], {})


# --- a single question or answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "Who pays?",
        '  "Who pays?"\n',
        "Question: Who pays?",
        "**Q1:** Who pays?",
        "**Who pays?**",
        '{"question": "Who pays?"}',
        '```json\n{"question": "Who pays?"}\n```',
        "Here is a question:\n\nWho pays?\n\nIt asks for the tenant.",
        "<think>hm</think>Who pays?",
    ],
)
def test_a_question_is_read_from_plain_text_or_json(content):
    assert read(content, format="question") == ([ParsedPair("Who pays?", "")], {})


def test_an_answer_is_read_from_plain_text_or_json():
    for content in (
        "the tenant",
        "Answer: the tenant",
        '"the tenant"',
        '{"answer": "the tenant"}',
        "```\nthe tenant\n```",
    ):
        assert read(content, format="answer") == ([ParsedPair("", "the tenant")], {})


def test_quotation_marks_that_do_not_enclose_an_answer_stay():
    assert read('"A" and "B"', format="answer")[0] == [ParsedPair("", '"A" and "B"')]


@pytest.mark.parametrize(
    ("content", "finish_reason", "reason"),
    [
        ("", "stop", "empty_reply"),
        ('""', "stop", None),
        ("Question:", "stop", "empty_reply"),
        ("Who pays the", "length", "truncated"),
        ('{"question": "Who p', "length", "truncated"),
        ('{"question": "Who p', "stop", "malformed_json"),
        ('{"answer": "a"}', "stop", "missing_field"),
        ("Who pays?\nThis asks", "length", None),
    ],
)
def test_a_question_that_cannot_be_read_has_a_named_reason(content, finish_reason, reason):
    pairs, malformed = read(content, format="question", finish_reason=finish_reason)
    assert malformed == ({reason: 1} if reason else {})
    assert bool(pairs) == (reason is None)


# --- whatever a model writes ------------------------------------------------------------------------------------------

MARKS = [
    *'{}[]:,"\\\n?x \x00\ud83d',
    '{"',
    '"question":',
    '"answer"',
    '"pairs"',
    "\\ud800",
    "Q1:",
    "A1:",
    "Q:",
    "A:",
    "1. ",
]
FRAGMENTS = st.sampled_from([*MARKS, "Question 2", "**", "```", "```json\n", "<think>", "</think>", FIRST, FIRST[:-2]])
SCRAPS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=4)), max_size=40).map("".join)


@given(SCRAPS, st.sampled_from(FORMATS), st.sampled_from(["stop", "length", ""]))
def test_no_reply_raises_and_every_reply_without_pairs_has_a_reason(content, format, finish_reason):
    pairs, malformed = parse_reply(content, format=format, finish_reason=finish_reason)
    assert pairs or malformed
    assert set(malformed) <= {"empty_reply", "malformed_json", "missing_field", "truncated", "repeated", "no_pairs"}
    assert all(count > 0 for count in malformed.values())
    for pair in pairs:
        "".join(pair).encode()
        assert bool(pair.question) == (format != "answer")
        assert bool(pair.answer) == (format != "question")


PLAIN = (
    st.text(st.characters(exclude_categories=["C"], exclude_characters="&"), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
ANY_PAIR = st.builds(ParsedPair, PLAIN.map(lambda text: " ".join(text.split())), PLAIN)
PAIRS = st.lists(ANY_PAIR, min_size=1, max_size=4, unique=True)


@given(PAIRS, st.booleans())
def test_pairs_written_as_valid_json_come_back_unchanged(pairs, ascii_only):
    content = json.dumps({"pairs": [pair._asdict() for pair in pairs]}, ensure_ascii=ascii_only)
    assert read(content) == (pairs, {})
    assert read(f"Of course:\n```json\n{content}\n```", finish_reason="length") == (pairs, {})


FIELDS = st.sampled_from(["question", "answer", "Answer", "q", "pairs", "why"])
VALUES = st.recursive(
    st.text(max_size=8) | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=12,
)
ENTRIES = st.fixed_dictionaries({"question": PLAIN | VALUES, "answer": PLAIN | VALUES}, optional={"why": VALUES})


@given(st.fixed_dictionaries({"pairs": st.lists(ENTRIES | VALUES, max_size=3)}, optional={"q": VALUES}) | VALUES)
@example({"pairs": [{"question": "How many?", "answer": 3}]})
@example({"pairs": [{"question": "How many?", "answer": "3"}], "question": "How few?", "answer": "2"})
@example({"pairs": {"question": "How many?", "answer": "3"}})
def test_json_is_read_alike_alone_and_with_words_around_it(value):
    content = json.dumps(value)
    assume("{" in content)
    # what is well-formed and nothing else has a shorter way
    assert read(content) == read(f"{content}\nI hope this helps.")


@given(PAIRS, st.data())
def test_of_cut_json_the_complete_pairs_are_read_and_the_cut_one_is_truncated(pairs, data):
    content = to_json(*pairs)
    cut = data.draw(st.integers(0, len(content) - 1))
    found, malformed = read(content[:cut], finish_reason="length")
    ends = [len(to_json(*pairs[: count + 1])) - len("]}") for count in range(len(pairs))]
    whole = sum(end <= cut for end in ends)
    inside_pair = "{" in content[ends[whole - 1] if whole else len('{"pairs": [') : cut]
    assert found == pairs[:whole]
    assert malformed == ({"truncated": 1} if inside_pair or not found else {})


def test_the_schemas_ask_for_what_is_read():
    entry = pairs_schema()["properties"]["pairs"]["items"]
    assert pairs_schema()["required"] == ["pairs"]
    assert entry["required"] == list(ONE._asdict())
    assert question_schema()["required"] == list(question_schema()["properties"]) == ["question"]
    assert not any(schema["additionalProperties"] for schema in (pairs_schema(), entry, question_schema()))


LOOPS = [
    "*",
    '"',
    '{"',
    '{"question": "',
    "\n---",
    "Q1: ",
    " ",
    '{"a":[',
    "[{",
    "1. x\n",
    "Q1: a A1: ",
    '" }x',
    "\\",
    "\n",
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_model_that_loops_costs_time_in_proportion_to_its_reply(loop, format):
    """Measured in CPU time against itself: four times as long a reply may not take sixteen times as long."""

    def measure(count: int) -> float:
        content = f'{{"question": "q?", "answer": "{loop * count}x'
        times = []
        for _ in range(3):
            started = time.process_time()
            parse_reply(content, format=format, finish_reason="stop")
            times.append(time.process_time() - started)
        return min(times)

    count = 6000 // len(loop)
    assert measure(4 * count) < 10 * measure(count) + 0.02


def test_reasons_are_counted_one_by_one():
    content = f'{{"pairs": [{FIRST}, {{"question": "a?"}}, {{"answer": "b"}}, {{"question": "cut'
    _, malformed = parse_reply(content, format="pairs_json", finish_reason="length")
    assert malformed == Counter({"missing_field": 2, "truncated": 1})
