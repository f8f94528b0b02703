"""What an instruction shows as an example, in whichever way it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.shown_examples import find_examples, keep_telling, split_turn


@pytest.mark.parametrize(
    ("instruction", "example"),
    [
        ('Ask as in "When does the lease end?".', "When does the lease end?"),
        ("Not “It was signed on 14 March 2019.”, but the date.", "It was signed on 14 March 2019."),
        ('The answer is the value: "$ 41.50".', "$ 41.50"),
        ("Take names as printed (`Acme Corp`).", "Acme Corp"),
        ("Sag zum Beispiel „Wann endet der Vertrag?“.", "Wann endet der Vertrag?"),
        ("Par exemple « Quel est le montant ? ».", "Quel est le montant ?"),
        ("Ask 'Who owns the house?' and the like.", "Who owns the house?"),
        ("例えば「契約はいつ終わりますか？」。", "契約はいつ終わりますか？"),
        ("- compare. Which is larger?", "Which is larger?"),
        ("1. What is the total?\n2. Who pays?", "What is the total?"),
        ("Kinds: facts; for instance: What is the fee?", "What is the fee?"),
        ("Q: What is the fee?\nA: 12 EUR\nNow you.", "12 EUR\nNow you."),
        ('Reply like {"pairs": [{"question": "Who pays", "answer": "the tenant"}]}', "the tenant"),
    ],
)
def test_an_example_is_found(instruction: str, example: str) -> None:
    assert example in list(find_examples(instruction))


@pytest.mark.parametrize(
    "instruction",
    [
        'It does not lean on "it", "this" or "the above".',
        'Do not write "according to the text" or "not stated".',
        'Reply {"pairs": [{"question": "...", "answer": "..."}]} and nothing else.',
        "The tenants' rights and the landlords' are different.",
        "Answer in one sentence.",
    ],
)
def test_words_that_a_prompt_speaks_of_are_no_examples(instruction: str) -> None:
    assert keep_telling(find_examples(instruction)) == ()


@given(st.text(st.sampled_from("aA1 .?\"'“”\n-:{}[]"), max_size=60))
def test_any_instruction_can_be_searched(instruction: str) -> None:
    for example in keep_telling([*find_examples(instruction), *split_turn(instruction)]):
        assert any(character.isalnum() for character in example)
