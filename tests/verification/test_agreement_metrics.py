"""ANLS as the package `anls` has it, token F1 and exact match."""

from anls import anls_score
from hypothesis import example, given
from hypothesis import strategies as st

from docmatix.verification.agreement import anls, is_exact, token_f1

COLA = ["Coca Cola", "Coca Cola Company"]


def test_anls_has_the_values_of_the_example_of_the_challenge():
    outputs = {"The Coca": 0.0, "CocaCola": 0.89, "Coca cola": 1.0, "Cola": 0.0, "Cat": 0.0}
    assert {output: round(anls(COLA, output), 2) for output in outputs} == outputs


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.text(max_size=30), st.sampled_from([0.3, 0.5, 0.8]))
@example(["Straße"], "strasse", 0.5)
@example([""], "", 0.5)
@example(["  Coca   COLA"], "coca cola\n", 0.5)
def test_anls_equals_that_of_the_package(expected, output, threshold):
    assert anls(expected, output, threshold) == anls_score(output, expected, threshold)


@given(st.sampled_from(COLA), st.integers(0, 16), st.sampled_from("abc Ü"))
def test_anls_of_a_misread_answer_equals_that_of_the_package(answer, place, letter):
    misread = answer[:place] + letter + answer[place + 1 :]
    assert anls(COLA, misread) == anls_score(misread, COLA)


def test_no_expected_answer_has_no_similarity():
    assert anls([], "Cola") == 0.0


def test_token_f1_counts_words_without_articles_and_case():
    assert token_f1("The University of Mainz", "university of Bonn") == 2 * 2 / 6
    assert token_f1("Größe", "grösse") == 1.0
    assert token_f1("", "a word") == 0.0


def test_token_f1_counts_chinese_characters_as_words():
    assert token_f1("北京大学", "北京") == 2 * 2 / 6


def test_exact_ignores_case_punctuation_accents_and_articles():
    assert is_exact("The Café.", "cafe")
    assert not is_exact("The Café", "tea")


def test_exact_keeps_signs_and_currencies():
    assert not is_exact("-5 %", "5 %")
    assert not is_exact("$5", "€5")
    assert not is_exact("5 %", "5")
    assert not is_exact("", "")
