"""Answers compared: graded cases in the languages of documents, and what has to hold for any two answers."""

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from docmatix.verification.agreement import compare_answers, is_not_answerable, read_quantity
from tests.verification.agreement_cases import CASES, Case
from tests.verification.agreement_fresh import FRESH
from tests.verification.agreement_held_out import HELD_OUT


def describe(case: Case) -> str:
    return f"{case.expected} / {case.given}"


@pytest.mark.parametrize("case", [*CASES, *HELD_OUT, *FRESH], ids=describe)
def test_a_graded_comparison_has_its_score_and_rule(case):
    score, rule = compare_answers(case.expected, case.given, question=case.question, language=case.language)
    assert case.low <= score <= case.high
    assert case.rule in ("", rule)


def test_the_cases_are_many_and_balanced():
    cases = [*CASES, *HELD_OUT, *FRESH]
    assert len(cases) >= 300
    assert 0.35 < sum(case.low >= 0.5 for case in cases) / len(cases) < 0.65
    assert len({case.language for case in cases if case.language}) >= 8
    assert len({(case.expected, case.given, case.question, case.language) for case in cases}) == len(cases)


# --- what holds for any answers ---------------------------------------------------------------------------------------

PARTS = "the Berlin Mainz north report 12 3.5 % $ € km May 2021 and , ; not no yes 12,500 (5) - / 3rd Q1 20%"
WORDS = st.sampled_from([*PARTS.split(), "\n", "北京"])
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))
LANGUAGES = st.sampled_from([None, "en", "de", "fr", "zh", "pl", "xx"])
AMOUNTS = st.one_of(st.integers(101, 10**9).map(float), st.floats(0.5, 10**7))


@given(TEXTS, TEXTS, TEXTS, LANGUAGES)
@settings(max_examples=300)
@example("1:1:1", "1/0", "", None)
@example("10^99", "1e99", "", None)
def test_any_answers_have_a_score_between_0_and_1(expected, other, question, language):
    score, rule = compare_answers(expected, other, question=question, language=language)
    assert 0.0 <= score <= 1.0
    assert rule


@given(TEXTS, TEXTS, LANGUAGES)
@settings(max_examples=300)
def test_an_answer_agrees_with_itself(text, question, language):
    score, rule = compare_answers(text, text, question=question, language=language)
    assert score == 1.0 or rule == "empty"


@given(TEXTS, TEXTS, LANGUAGES)
@settings(max_examples=300)
def test_which_answer_comes_first_decides_nothing(one, other, language):
    forth = compare_answers(one, other, language=language, tolerance=0.0)
    back = compare_answers(other, one, language=language, tolerance=0.0)
    assert (forth.score >= 0.5) == (back.score >= 0.5) or abs(forth.score - back.score) < 0.1


@given(
    st.permutations(["copper", "zinc ore", "lead", "rare earths", "$5", "12 May 2021"]),
    st.sampled_from([", ", "; ", "\n"]),
)
def test_the_order_of_a_list_does_not_matter(items, separator):
    listed = separator.join(["copper", "zinc ore", "lead", "rare earths", "$5", "12 May 2021"])
    assert compare_answers(listed, separator.join(items)).score == 1.0


def write(value: float, thousands: str, decimal: str) -> str:
    whole, fraction = f"{value:,.2f}".split(".")
    return whole.replace(",", thousands) + decimal + fraction


@given(AMOUNTS, st.data())
def test_a_number_agrees_with_itself_in_any_spelling(value, data):
    signs = st.sampled_from([(",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("", "."), ("", ",")])
    one, other = write(value, *data.draw(signs)), write(value, *data.draw(signs))
    assert compare_answers(one, other).score >= 0.8


@given(AMOUNTS, st.sampled_from([-1, 1]), st.sampled_from(["{}", "{} kg", "$ {}", "{} %", "about {} EUR"]))
def test_a_number_off_by_eight_percent_never_agrees(value, sign, form):
    wrong = value * (1 + 0.08 * sign)
    for question in ("", "How many were there?", "What was the amount?", "What share is it?"):
        for language in (None, "en", "de"):
            right = form.format(f"{value:.2f}"), form.format(f"{wrong:.2f}")
            assert compare_answers(*right, question=question, language=language).score < 0.5


@given(
    AMOUNTS, st.floats(-0.02, 0.02), st.sampled_from(["{} kg", "$ {}", "{} %", "about {} EUR", "{} km", "{} million"])
)
def test_a_measure_rounded_by_two_percent_always_agrees(value, by, form):
    one, other = f"{value:.4f}", f"{value * (1 + by):.4f}"
    assert compare_answers(form.format(one), form.format(other), language="en").score >= 0.5


@given(st.integers(0, 100), st.integers(0, 100))
def test_small_counts_are_exact(one, other):
    assume(one != other)
    assert compare_answers(str(one), str(other), question="How many are there?").score < 0.5


@given(st.integers(1500, 2100), st.integers(1500, 2100))
def test_years_are_exact(one, other):
    assume(one != other)
    assert compare_answers(str(one), str(other), question="When was it founded?").score < 0.5
    assert compare_answers(str(one), str(other)).score < 0.5


def test_a_tolerance_of_zero_takes_equal_numbers_alone():
    assert compare_answers("340 kg", "341 kg", tolerance=0.0).score == 0.0
    assert compare_answers("340 kg", "0.34 t", tolerance=0.0).score == 1.0


def test_a_nearer_number_agrees_better():
    near, far = (compare_answers("1,000 kg", f"{given} kg").score for given in ("1,010", "1,040"))
    assert 1.0 > near > far >= 0.5


@pytest.mark.parametrize(
    "text",
    ["1,2," * 900, "(" * 3000, "a b " * 1000, "1 000 " * 900, "- " * 1500, "not " * 800, "北" * 3000],
)
def test_hostile_answers_are_cut_and_compared(text):
    assert compare_answers(text, text[1:]).rule
    assert compare_answers(text, "12 May 2021, 5 kg and more").rule


# --- not answerable, and quantities -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Not answerable", "Not mentioned.", "N/A", "The document does not specify the date.", "unanswerable",
        "Unknown",
        "It is not stated in the text.", "No information is given.", "I don't know", "Nicht angegeben",
        "Keine Angabe",
        "Das Dokument enthält keine Informationen dazu.", "Non précisé", "No especificado", "Não informado",
        "Non specificato",
        "Niet vermeld", "Nie podano", "Inte angivet", "Не указано", "未提及", "記載されていません",
        "언급되지 않았습니다", "غير مذكور",
        "This cannot be determined from the pages.", "There is no mention of a price.",
    ],
)  # fmt: skip
def test_what_says_that_the_pages_do_not_say_is_not_answerable(text):
    assert is_not_answerable(text)


@pytest.mark.parametrize(
    "text",
    [
        "12 May 2021", "No", "Nobody was hurt.", "The committee did not approve the plan.", "Not before 2022",
        "Norway",
        "The report is not available in print before May.", "nicht rostender Stahl", "unknown soldier monument",
        "None of the members",
        "A notice is given in the local newspaper.", "Nicht", "no alcohol", "ne pas toucher",
    ],
)  # fmt: skip
def test_other_answers_with_a_negation_are_answers(text):
    assert not is_not_answerable(text)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("€ 3.5 million", 3.5e6, "EUR"), ("5 km", 5000, "m"), ("(45.2)", -45.2, ""), ("about 12 %", 12, "%"),
        ("90 min", 5400, "s"), ("twenty-one", 21, ""), ("1.5 t", 1500, "kg"), ("100 km/h", 100 / 3.6, "m/s"),
    ],
)  # fmt: skip
def test_a_quantity_is_read_in_its_base_unit(text, value, unit):
    quantity = read_quantity(text)
    assert quantity is not None
    assert math.isclose(quantity.value, value)
    assert quantity.unit == unit


@pytest.mark.parametrize("text", ["", "Berlin", "5 of 10", "Section 3.1.2", "12 May 2021", "3 and 5", "Q1"])
def test_what_is_not_one_number_is_no_quantity(text):
    assert read_quantity(text) is None


def test_the_language_decides_what_the_signs_of_a_number_mean():
    german, english = read_quantity("1.234", language="de"), read_quantity("1.234", language="en")
    assert german is not None
    assert english is not None
    assert (german.value, english.value) == (1234, 1.234)
