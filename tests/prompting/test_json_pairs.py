"""JSON as models write it: what is clear is read, whatever its notation and names; what is not is counted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.json_pairs import read_json
from docmatix.prompting.parsed_pairs import to_pair
from docmatix.prompting.replies import ParsedPair, parse_reply

ONE, TWO = ParsedPair("What is the price?", "$5"), ParsedPair("Who pays?", "the tenant")
OBJECTS = [ONE._asdict(), TWO._asdict()]
SAID = json.dumps({"pairs": OBJECTS})
ARGUMENTS = json.dumps({"name": "save", "arguments": {"pairs": OBJECTS}})


def read(content: str, *, format: str = "pairs_json", finish_reason: str = "stop"):
    pairs, malformed = parse_reply(content, format=format, finish_reason=finish_reason)
    return pairs, dict(malformed)


def write_curly(content: str) -> str:
    """The JSON with typographic quotes."""
    return "".join(f"\u201c{part}\u201d" if index % 2 else part for index, part in enumerate(content.split('"')))


NOTATIONS = {
    "encoded twice": json.dumps(SAID),
    "encoded three times": json.dumps(json.dumps(SAID)),
    "encoded twice, in a fence": f"```json\n{json.dumps(SAID)}\n```",
    "encoded twice, without the outer quotes": json.dumps(SAID)[1:-1],
    "encoded twice, after words": f"Here they are: {json.dumps(SAID)[1:-1]}\nThanks!",
    "encoded twice, with line breaks": json.dumps(json.dumps({"pairs": OBJECTS}, indent=2)),
    "encoded within": json.dumps({"pairs": json.dumps(OBJECTS)}),
    "encoded one by one": json.dumps([json.dumps(each) for each in OBJECTS]),
    "Python": str({"pairs": OBJECTS}),
    "Python, after words": f"Here's what I'd ask:\n{ {'pairs': OBJECTS}!s}",
    "Python, in a fence": f"```python\npairs = {OBJECTS}\n```",
    "Python's None": str({"pairs": OBJECTS, "note": None}),
    "curly quotes": write_curly(SAID),
    "bare keys": SAID.replace('"question"', "question").replace('"answer"', "answer").replace('"pairs"', "pairs"),
    "bare keys, single quotes": str(OBJECTS).replace("'question'", "question").replace("'answer'", "answer"),
    "trailing commas": SAID.replace('"}', '",}').replace("]", ",]"),
    "comments": SAID.replace("[", "[ // the pairs\n").replace('"answer"', '/* here */ "answer"'),
    "Python's None in JSON": SAID.replace('"}', '", "page": None, "sure": True}'),
    "undefined": SAID.replace('"}', '", "page": undefined}'),
    "no width": "\ufeff" + SAID.replace('"question"', '"\u200bquestion"'),
    "lines": "\n".join(map(json.dumps, OBJECTS)),
    "pretty": json.dumps(OBJECTS, indent=4),
    "a tool's arguments": ARGUMENTS,
    "a tool's arguments, encoded": json.dumps({"name": "save", "arguments": SAID}),
    "a tool call": f"<tool_call>\n{ARGUMENTS}\n</tool_call>",
    "a list of tool calls": json.dumps({"tool_calls": [{"type": "function", "function": json.loads(ARGUMENTS)}]}),
    "thoughts beside": json.dumps({"reasoning": "hm", "draft": [{"q": "DRAFT?", "a": "x"}], "pairs": OBJECTS}),
}  # fmt: skip
NAMES = {
    **{name: SAID.replace("pairs", name) for name in ("qa_pairs", "QA", "questions", "Q&A", "data")},
    "q, a": SAID.replace("question", "q").replace("answer", "a"),
    "Query": SAID.replace("question", "Query"),
    "response": SAID.replace("answer", "response"),
    "user, assistant": SAID.replace("question", "user").replace("answer", "assistant"),
    "numbered objects": json.dumps({"question_1": OBJECTS[0], "question_2": OBJECTS[1]}),
    "numbered fields": json.dumps({f"{k} {i}": v for i, each in enumerate(OBJECTS, 1) for k, v in each.items()}),
    "Q1, A1": json.dumps({f"{k[0].upper()}{i}": v for i, each in enumerate(OBJECTS, 1) for k, v in each.items()}),
    "two lists": json.dumps({"questions": [ONE.question, TWO.question], "answers": [ONE.answer, TWO.answer]}),
    "lists of two": json.dumps({"pairs": [[*ONE], [*TWO]]}),
    "questions as names": json.dumps({"pairs": {ONE.question: ONE.answer, TWO.question: TWO.answer}}),
}


@pytest.mark.parametrize("format", ["pairs_json", "pairs_text"])
@pytest.mark.parametrize("content", (NOTATIONS | NAMES).values(), ids=NOTATIONS | NAMES)
def test_pairs_are_read_in_every_notation_and_under_every_clear_name(content: str, format: str) -> None:
    assert read(content, format=format) == ([ONE, TWO], {})


@pytest.mark.parametrize(
    ("content", "counted"),
    [
        ('{"questions": ["a?", "b?"], "answers": ["x"]}', {"missing_field": 1}),
        ('{"questions": ["a?", "b?"]}', {"missing_field": 2}),
        ('{"question_1": "a?"}', {"missing_field": 1}),
        ('{"pairs": [{"query": "a?"}]}', {"missing_field": 1}),
        ('{"pairs": [["a?", "b?", "c"]]}', {"missing_field": 3}),
        ("{'question': 'a?', 'answer': 'the tenants', landlords and guests'}", {"truncated": 1}),
        ('["What is it?", "Describe the price."]', {"missing_field": 2}),
        ('"a phrase between quotes"', {"malformed_json": 1}),
    ],
)
def test_what_is_not_clear_is_counted(content: str, counted: dict[str, int]) -> None:
    assert read(content) == ([], counted)


def test_apostrophes_and_quotes_within_pythons_quotes_stay() -> None:
    content = "{'pairs': [{'question': 'What's the tenant's share?', 'answer': 'it's 5\" wide'}]}"
    assert read(content) == ([ParsedPair("What's the tenant's share?", "it's 5\" wide")], {})


def test_escapes_that_json_does_not_know_are_read_as_python_or_as_they_stand() -> None:
    content = r"""[{'question': 'a\xa0b\'s?', 'answer': '5\% "x" \\'}]"""
    assert read(content) == ([ParsedPair("a b's?", '5\\% "x" \\')], {})
    content = r"""[{"question": "a \"b\"?", "answer": "5\% of \"c\""}]"""
    assert read(content) == ([ParsedPair('a "b"?', '5\\% of "c"')], {})


COMMANDS = [
    *(r"$\frac{1}{2}$", r"5 \text{kg} \times 3", r"\alpha and \beta", r"\theta = \tau", r"$\nu$", r"\nabla f \neq 0"),
    *(
        r"\left(x\right)",
        r"x \to y",
        r"\bar{x}_\rho",
        r"\upsilon",
        r"\(x\)",
        r"\begin{matrix} a \\ b \end{matrix}",
        r"5\%",
    ),
]


@pytest.mark.parametrize("answer", COMMANDS)
def test_commands_of_latex_are_no_escapes(answer: str) -> None:
    once = answer.replace("\\\\", "\\\\\\\\")
    for written in (once, json.dumps(answer)[1:-1]):
        content = f'{{"pairs": [{{"question": "a {written}?", "answer": "{written}"}}]}}'
        assert read(content) == ([ParsedPair(f"a {answer}?", answer)], {})
    assert read(f'{{"answer": "{once}"}}', format="answer") == ([ParsedPair("", answer)], {})


@pytest.mark.parametrize(
    "answer", ["a\nb", "one\nuna casa", "a\nnot b", "a\tb", "a\nmid-size car", "C:/x \u00e9", "a\nrhombus"]
)
def test_line_breaks_and_tabs_stay_what_they_are(answer: str) -> None:
    content = json.dumps({"pairs": [{"question": "q?", "answer": answer}]})
    assert read(content) == ([ParsedPair("q?", answer)], {})


def test_numbers_stay_as_they_are_written_within_pythons_quotes_too() -> None:
    assert read("[{'question': 'How much?', 'answer': 3.50}]") == ([ParsedPair("How much?", "3.50")], {})


@pytest.mark.parametrize(
    "content",
    [
        str({"pairs": OBJECTS[:1]})[:-2] + ", {'question': 'Who p",
        json.dumps(SAID)[: -len(', {\\"question\\": \\"Who pays?\\", \\"answer\\": \\"the tenant\\"}]}"')]
        + ', {\\"questi',
    ],
)
def test_of_a_cut_reply_in_another_notation_the_closed_pairs_are_read(content: str) -> None:
    assert read(content, finish_reason="MAX_TOKENS") == ([ONE], {"truncated": 1})


@pytest.mark.parametrize(
    "content",
    [
        "{'question': 'What is the price?'}",
        'Here it is:\n```json\n{"question": "What is the price?"}\n```',
        '{"Question": "What is the price?"}',
        json.dumps('{"question": "What is the price?"}'),
    ],
)
def test_a_single_question_is_read_in_other_notations_too(content: str) -> None:
    assert read(content, format="question") == ([(ONE.question, "")], {})


# --- a model in a loop ------------------------------------------------------------------------------------------------


def test_a_reply_that_repeats_itself_is_read_until_a_pair_has_come_three_times() -> None:
    assert read(json.dumps({"pairs": [*OBJECTS, *OBJECTS[:1] * 50]})) == ([ONE, TWO, ONE, ONE], {"repeated": 48})
    looping = "".join(f"Q{n}: Who pays?\nA{n}: the tenant\n" for n in range(1, 50))
    assert read(looping, format="pairs_text") == ([TWO] * 3, {"repeated": 46})
    assert read(looping, format="pairs_text", finish_reason="length") == ([TWO] * 3, {"repeated": 45, "truncated": 1})


def test_a_pair_that_comes_twice_or_with_other_answers_is_no_loop() -> None:
    several = [ParsedPair("Who pays?", f"tenant {number}") for number in range(9)]
    content = json.dumps({"pairs": [pair._asdict() for pair in [*several, *several]]})
    assert read(content) == ([*several, *several], {})


# --- whatever a model writes ------------------------------------------------------------------------------------------

TEXT = st.text(
    st.characters(exclude_categories=["C"], exclude_characters="&") | st.sampled_from("'\",:}{ []"), max_size=16
)
TEXT = TEXT.map(lambda text: " ".join(text.split())).filter(bool)
PAIRS = st.lists(st.builds(ParsedPair, TEXT, TEXT), min_size=1, max_size=3, unique=True)


@given(
    PAIRS,
    st.sampled_from([json.dumps, lambda said: json.dumps(said)[1:-1], lambda said: f"```\n{json.dumps(said)}\n```"]),
)
def test_json_that_is_encoded_twice_gives_the_pairs_of_that_encoded_once(pairs, encode):
    content = json.dumps({"pairs": [pair._asdict() for pair in pairs]})
    assert read(encode(content)) == (pairs, {})


@given(PAIRS)
def test_of_pythons_notation_each_pair_is_read_as_it_was_or_not_at_all(pairs):
    found, malformed = read(str({"pairs": [pair._asdict() for pair in pairs]}))
    assert found == pairs or malformed
    assert set(found) <= set(pairs)


def test_entities_of_html_are_read_where_they_are_not_the_subject():
    assert to_pair("Who are Smith &amp; Sons?", "The firm&#39;s &quot;owners&quot;") == (
        "Who are Smith & Sons?",
        'The firm\'s "owners"',
    )
    assert to_pair("What is the price?", "5&nbsp;&#x27;per&#x27; unit") == ("What is the price?", "5 'per' unit")
    assert to_pair("Which entity writes an ampersand?", "It is &amp; here") == (
        "Which entity writes an ampersand?",
        "It is &amp; here",
    )
    assert to_pair("What stands for it?", "&lt;") == ("What stands for it?", "&lt;")
    assert to_pair("What is R&D?", "AT&T; &copy") == ("What is R&D?", "AT&T; &copy")


@pytest.mark.parametrize("key", ["example", "examples", "Example(s)", "example_pairs", "few_shot"])
def test_pairs_called_examples_are_none(key: str):
    example = '[{"question": "What is the colour?", "answer": "Blue"}]'
    pairs, _ = read_json(
        f'{{"{key}": {example}, "pairs": [{{"question": "How many?", "answer": "Nine"}}]}}', cut=False
    ) or ([], None)
    assert pairs == [("How many?", "Nine")]
