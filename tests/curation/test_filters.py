"""The filters: one crafted text for each reason, and what must be kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.core.pairs import Pair, Scores
from docmatix.curation.filters import (
    DEFAULT_FILTERS,
    AnyFilter,
    Clarity,
    CopiesExample,
    Duplicate,
    Echo,
    Filter,
    FilterContext,
    Grounded,
    KeptPairs,
    Language,
    Length,
    Markup,
    QuestionForm,
    References,
    Refused,
    RoundTrip,
    judge_pair,
    measure_overlap,
)
from docmatix.curation.grounding import ground

ALL_FILTERS: tuple[Filter, ...] = (*DEFAULT_FILTERS, References())


def make_pair(question: str = "What is the total amount?", answer: str = "$3.5 million", style: str = "extractive"):
    return Pair("p", "r", "prompt", "model", style, question, answer)


def make_page(text: str) -> Page:
    words = tuple(Word(word, Box(0.1, 0.1, 0.2, 0.2), 0, 0) for word in text.split())
    return Page(1, 612, 792, 0, 0.0, compose_text(words), words)


def judge(rule: Filter, question: str, answer: str = "42", context: FilterContext | None = None) -> str | None:
    return rule.judge(make_pair(question, answer), context or FilterContext())


# --- length -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What is it?", "  ", "empty"),
        ("", "42", "empty"),
        ("What?", "42", "too_short"),
        ("What " * 100 + "?", "42", "too_long"),
        ("What is it?", "x" * 1201, "too_long"),
        ("What is it?", "x", None),
    ],
)
def test_length_has_bounds_on_both_sides(question: str, answer: str, reason: str | None):
    assert judge(Length(), question, answer) == reason


@pytest.mark.parametrize(
    ("answer", "reason"), [("###", "empty"), (",", "empty"), ("✓", "empty"), ("☒", None), ("是", None)]
)
def test_an_answer_without_letters_or_digits_is_empty_unless_it_is_a_sign_that_a_page_prints(
    answer: str, reason: str | None
):
    context = FilterContext(pages=[make_page("Paid in full ☒ Part payment ☐, see ### 4")])
    assert judge(Length(), "Which box is ticked?", answer, context) == reason


# --- question form ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "What is the total?",
        "The total is what amount?",
        "What is the total",
        "List the three objectives.",
        "Describe Figure 3.",
        "Please name the author of the report.",
        "In which year was the company founded",
        "According to the table, what was the revenue",
        "ما هو المبلغ الإجمالي؟",
        "合計金額はいくらですか？",
        "¿Cuál es el importe total",
        "Ποιο είναι το σύνολο\u037e",
        "Answer in one word: who signed it? Use capitals.",
    ],
)
def test_questions_and_requests_are_questions(question: str):
    assert judge(QuestionForm(), question) is None


@pytest.mark.parametrize(
    "question", ["The total is $5.", "Revenue by region", "State of New York", "May 2019", "Report 2020", "???", "..."]
)
def test_a_statement_or_heading_is_not_a_question(question: str):
    assert judge(QuestionForm(), question) == "not_a_question"


@pytest.mark.parametrize("question", ["What is the difference between a", "Which of the two is larger, the hall or"])
def test_a_question_that_is_cut_off_is_not_a_question(question: str):
    assert judge(QuestionForm(), question) == "not_a_question"


@pytest.mark.parametrize("question", ["What is the fund used for", "Who is the report from", "Name what it is made of"])
def test_a_question_may_end_in_a_preposition(question: str):
    assert judge(QuestionForm(), question) is None


def test_without_a_mark_other_languages_get_the_benefit_of_the_doubt():
    assert judge(QuestionForm(), "合計金額はいくらですか", context=FilterContext(language="ja")) is None


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "Unanswerable",
        "unanswerable.",
        "The question is unanswerable",
        "As an AI language model, I have no access to the file.",
        "I cannot answer this question.",
        "I’m sorry, but that is not something I know.",
        "Sorry, there is nothing on that.",
        "I don't have enough information to tell.",
        "The date is not mentioned in the document.",
        "The date isn't explicitly stated anywhere in the provided text.",
        "The document does not specify the date.",
        "The provided text doesn't explicitly mention a date.",
        "Not specified",
        "Not mentioned in the passage",
        "This cannot be determined from the page.",
        "It cannot be determined.",
        "There is not enough information to answer.",
        "There is no information about the total in the text.",
        "No information provided.",
    ],
)
def test_a_refusal_is_dropped(answer: str):
    assert judge(Refused(), "What is the date?", answer) == "refusal"


@pytest.mark.parametrize(
    "answer",
    [
        "Employees cannot carry over vacation days.",
        "Because the pump cannot be started without water.",
        "SQuAD 2.0 adds unanswerable questions.",
        "The fee is not included in the price.",
        "The warranty does not provide for repairs.",
        "Data that are not available to the public",
        "No answer was received by the court.",
        "He said that he could not attend.",
        "AI systems such as language models",
        "The sorry state of the roads",
        "No",
        "None",
        "N/A",
    ],
)
def test_an_answer_that_merely_sounds_negative_is_kept(answer: str):
    assert judge(Refused(), "What is said?", answer) is None


def test_a_refusal_that_is_printed_on_the_page_is_an_answer():
    context = FilterContext(scores=Scores(grounding=1.0))
    assert judge(Refused(), "What did Washington say?", "I cannot create a lie.") == "refusal"
    assert judge(Refused(), "What did Washington say?", "I cannot create a lie.", context) is None


def test_an_unanswerable_question_is_a_refusal_too():
    assert judge(Refused(), "Unanswerable", "42") == "refusal"


# --- markup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Q1: What is the total?", "5"),
        ("Question 2: What is the total?", "5"),
        ("What is the total?", "A1: $5"),
        ("What is the total?", "Answer: $5"),
        ("What is the total?", "assistant: $5"),
        ("What is the total?", "$5\nQ2: What is the date?"),
        ("What is the total?", "$5\nQuestion: What is the date?"),
        ("What is the total?", "$5<|im_end|>"),
        ("What is the total?", "<|eot_id|"),
        ("What is the total?", "[/INST] $5"),
        ("What is the total?", "<s>$5</s>"),
        ("What is the total?", "<think>Let me see.</think> $5"),
        ("What is the total?", "### Response: $5"),
        ("What is the total?", '{"answer": "$5"}'),
        ("What is the total?", '$5"}'),
        ("What is the total?", '$5"}],'),
        ("What is the total?", '["$5", "$6"]'),
        ("What is the total?", "$5\\nThe rest is due."),
        ("What is the total?", "caf\\u00e9"),
        ("What is the total?", "```\n$5\n```"),
        ("What is {{ field }}?", "$5"),
        ("What is the total?", "{% if total %}$5"),
        ("What is the total?", "<b>$5</b>"),
        ("What is the total?", '<td class="sum">$5'),
        ("What is the total?", "$5<br/>"),
        ("What is the total?", "Smith &amp; Sons"),
    ],
)
def test_leftovers_of_a_format_are_markup(question: str, answer: str):
    assert judge(Markup(), question, answer) == "markup"


@pytest.mark.parametrize(
    "answer",
    [
        "$3.5 million",
        "U.S.",
        "the U.S. Department of Energy",
        "jane.doe@example.org",
        "<jane.doe@example.org>",
        "Smith et al. [12] and [3, 4]",
        "[sic]",
        "report_v1.2.pdf",
        "www.example.org/a?b=1&c=2",
        "192.168.0.1",
        "x < 5 and y > 3",
        "{1, 2, 3}",
        "a | b",
        "C:\\new\\files",
        "AT&T",
        "the “quoted” words",
        'the "quoted" words',
        "First paragraph.\n\nSecond paragraph.",
        "#5",
        "A: the first option"[3:],
        "Section 3.2.1",
        "e.g. water",
        "1,234.50",
        "p < 0.05",
        "C# and F#",
    ],
)
def test_what_the_published_build_dropped_as_code_is_kept(answer: str):
    assert judge(Markup(), "What is given?", answer) is None


def test_what_a_page_prints_is_no_leftover():
    context = FilterContext(pages=[make_page("Results: Q1: $5 m, Q2: $6 m. Use <b> for bold type.")])
    assert judge(Markup(), "What were the results?", "Q1: $5 m") == "markup"
    assert judge(Markup(), "What were the results?", "Q1: $5 m", context) is None
    assert judge(Markup(), "Which tag makes <b> type?", "<b>", context) is None
    assert judge(Markup(), "Which tag?", "<i>", context) == "markup"


# --- examples ---------------------------------------------------------------------------------------------------------

EXAMPLES = ("What is the main topic of the document?", "The main topic of the document is...", "$1,250.00", "Yes")


def test_a_question_copied_from_the_prompt_is_dropped():
    context = FilterContext(examples=EXAMPLES)
    assert judge(CopiesExample(), "what is the main topic of the document", "Cats", context) == "copies_example"
    assert judge(CopiesExample(), "What is the main topic of the second letter?", "Cats", context) is None


def test_an_answer_copied_from_the_prompt_is_dropped_unless_it_is_printed():
    context = FilterContext(examples=EXAMPLES)
    printed = replace(context, scores=Scores(grounding=1.0))
    for answer in ("The main topic of the document is", "$1250.00"):
        assert judge(CopiesExample(), "What is it about?", answer, context) == "copies_example"
        assert judge(CopiesExample(), "What is it about?", answer, printed) is None
    assert judge(CopiesExample(), "Is it signed?", "Yes", context) is None


def test_nearly_an_example_is_a_copy_only_if_it_is_long_enough_to_tell():
    context = FilterContext(
        examples=("Who wrote it?", "Which of the three proposed methods had the lowest error rate?")
    )
    near = "Which of the three proposed methods had the lowest error rate, then?"
    assert judge(CopiesExample(), near, context=context) == "copies_example"
    assert judge(CopiesExample(min_overlap=0.95), near, context=context) is None
    assert judge(CopiesExample(), "Who signed it?", context=context) is None


# --- echo -------------------------------------------------------------------------------------------------------------


def test_an_answer_that_repeats_the_question_is_dropped():
    question = "What is the capital of France?"
    for answer in (question, "What is the capital of France? Paris.", "what is the capital of france"):
        assert judge(Echo(), question, answer) == "answer_repeats_question"
    assert judge(Echo(), question, "The capital of France is Paris.") is None


def test_a_question_must_not_hold_its_extractive_answer():
    question = "Who is John Smith, the chief executive?"
    assert Echo().judge(make_pair(question, "John Smith"), FilterContext()) == "gives_answer_away"
    assert Echo().judge(make_pair(question, "John Smith", "abstractive"), FilterContext()) is None
    assert Echo().judge(make_pair(question, "Smithson"), FilterContext()) is None
    assert Echo().judge(make_pair(question, "He"), FilterContext()) is None


def test_a_choice_may_name_its_answer_and_a_yes_is_never_given_away():
    assert judge(Echo(), "Is the building leased or owned?", "leased") is None
    assert judge(Echo(), "Is the answer to question 3 yes, as printed?", "Yes") is None


# --- references and language ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What does the passage say about fees?", "refers_to_text"),
        ("According to the text, who signed?", "refers_to_text"),
        ("Who signed, based on the provided context?", "refers_to_text"),
        ("Who signed in the text above?", "refers_to_text"),
        ("According to the document, who signed?", None),
        ("What is in the table on this page?", None),
        ("Who wrote about the rites of passage?", None),
    ],
)
def test_a_question_should_not_speak_of_the_text_it_was_made_from(question: str, reason: str | None):
    assert judge(References(), question) == reason


def test_a_pair_in_another_language_than_its_document_is_dropped():
    english, french = FilterContext(language="en"), FilterContext(language="fr")
    question, answer = "Quand le contrat a-t-il été signé ?", "12.3.2019"
    assert judge(Language(), question, answer, english) == "wrong_language"
    assert judge(Language(), question, answer, french) is None
    assert judge(Language(), question, answer) is None
    assert judge(Language(language="en"), question, answer, french) == "wrong_language"


def test_a_long_answer_in_another_language_is_dropped_unless_it_is_printed():
    english = FilterContext(language="en")
    answer = "le contrat a été signé par les deux parties au mois de mars et prend effet un an plus tard"
    assert judge(Language(), "When was the contract signed?", answer, english) == "wrong_language"
    printed = replace(english, scores=Scores(grounding=1.0))
    assert judge(Language(), "When was the contract signed?", answer, printed) is None


# --- duplicates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [list, KeptPairs])
def test_the_same_question_again_is_a_duplicate_whatever_its_answer(keep: type[Sequence[Pair]]):
    context = FilterContext(earlier=keep([make_pair("What is the total?", "$5")]))  # type: ignore[call-arg]
    assert judge(Duplicate(), "what is the  total", "$6", context) == "duplicate"
    assert judge(Duplicate(), "What is the sum?", "$5", context) is None


def test_a_similar_question_is_a_duplicate_only_with_the_same_answer():
    context = FilterContext(earlier=KeptPairs([make_pair("What is the total amount of the invoice?", "$1,200")]))
    similar = "What is the total amount on the invoice?"
    assert judge(Duplicate(), similar, "$1200", context) == "duplicate"
    assert judge(Duplicate(), similar, "$1300", context) is None
    assert judge(Duplicate(min_overlap=0.9), similar, "$1200", context) is None


def test_questions_about_other_numbers_or_with_a_yes_are_not_similar():
    context = FilterContext(earlier=KeptPairs([make_pair("What was the total loss in 2018?", "none at all")]))
    assert judge(Duplicate(), "What was the total loss in 2019?", "none at all", context) is None
    context = FilterContext(earlier=KeptPairs([make_pair("Is the monthly rent of the flat due in advance?", "Yes")]))
    assert judge(Duplicate(), "Is the weekly rent of the flat due in advance?", "Yes", context) is None


def test_kept_pairs_are_a_sequence():
    pairs = [make_pair("Who?", "a"), make_pair("What?", "a"), make_pair("When?", "b")]
    kept = KeptPairs(pairs)
    assert list(kept) == pairs
    assert kept[0:2] == pairs[0:2]
    assert len(kept) == 3
    assert list(kept.with_answer("A.")) == [pairs[1], pairs[0]]


# --- scores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "name", "reason"),
    [
        (Grounded(), "grounding", "ungrounded"),
        (RoundTrip(), "round_trip", "round_trip_failed"),
        (Clarity(), "clarity", "unclear"),
    ],
)
def test_a_score_below_the_bound_drops_and_an_unknown_one_keeps(rule: Filter, name: str, reason: str):
    def verdict(score: float | None) -> str | None:
        return rule.judge(make_pair(), FilterContext(scores=Scores(**{name: score})))

    assert verdict(0.3) == reason
    assert verdict(0.6) is None
    assert verdict(None) is None


def test_what_is_seen_and_not_read_need_not_be_printed():
    nowhere = FilterContext(scores=Scores(grounding=0.0))
    assert Grounded().judge(make_pair(style="visual"), nowhere) is None
    assert Grounded(exempt_styles=()).judge(make_pair(style="visual"), nowhere) == "ungrounded"
    assert Grounded(exempt_styles=("poetic",)).judge(make_pair(style="poetic"), nowhere) is None


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_first_reason_wins():
    pair = make_pair("Q1: What is the total?", "As an AI, I cannot answer.")
    assert judge_pair(pair, FilterContext(), DEFAULT_FILTERS) == "markup"
    assert judge_pair(pair, FilterContext(), DEFAULT_FILTERS[2:]) == "refusal"
    assert judge_pair(pair, FilterContext(), ()) is None


def test_a_filter_can_be_for_some_styles_only():
    context = FilterContext(scores=Scores(grounding=0.8))
    strict = (Grounded(styles=("extractive",), min_score=0.9), Grounded(min_score=0.6))
    assert judge_pair(make_pair(), context, strict) == "ungrounded"
    assert judge_pair(make_pair(style="abstractive"), context, strict) is None


def test_every_filter_is_read_from_its_kind_and_unknown_keys_are_refused():
    adapter: TypeAdapter[Filter] = TypeAdapter(AnyFilter)
    for rule in ALL_FILTERS:
        assert adapter.validate_python(rule.model_dump()) == rule
        assert adapter.validate_python({"kind": rule.model_dump()["kind"]}) == rule
    with pytest.raises(ValidationError, match="min_scor"):
        adapter.validate_python({"kind": "grounded", "min_scor": 0.5})
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "no_such_filter"})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was the net income?", "$3.5 million"),
        ("Which country's department funded the study?", "U.S."),
        ("Whom should applicants write to?", "jane.doe@example.org"),
        ("Which work is cited for the method?", "[12]"),
        ("Which file holds the results?", "report_v1.2.pdf"),
        ("Was the motion carried?", "Yes"),
        ("Why is the policy limited?", "Employees cannot carry over vacation days."),
    ],
)
def test_a_good_pair_passes_every_default_filter(question: str, answer: str):
    page = make_page(
        "Net income was $3.5 million. Funded by the U.S. Department of Energy. Write to jane.doe@example.org. "
        "As in [12], results are in report_v1.2.pdf. Employees cannot carry over vacation days."
    )
    found = ground(answer, [page])
    context = FilterContext(pages=[page], scores=Scores(found.score), evidence=found.evidence, language="en")
    assert judge_pair(make_pair(question, answer), context, ALL_FILTERS) is None


texts = st.text(max_size=120) | st.text(alphabet='aQq1: \n{}[]<>|"\\#`~?.!&;not ivd', max_size=120)


@settings(deadline=None)
@given(texts, texts, texts, st.sampled_from([None, "en", "xx"]))
def test_no_text_makes_a_filter_fail_and_the_verdict_is_always_the_same(
    question: str, answer: str, printed: str, language: str | None
):
    context = FilterContext(
        pages=[make_page(printed)],
        language=language,
        examples=(printed, ""),
        earlier=[make_pair(printed, answer), make_pair(answer, printed)],
    )
    for rule in ALL_FILTERS:
        reason = judge(rule, question, answer, context)
        assert reason is None or reason.isidentifier()
        assert judge(rule, question, answer, context) == reason


@given(texts, texts)
def test_overlap_is_symmetric_and_whole_for_the_same_words(one: str, other: str):
    assert measure_overlap(one, other) == measure_overlap(other, one)
    assert measure_overlap(one, one) in (0.0, 1.0)


HOSTILE = (
    "not ",
    "not given ",
    " ",
    "!",
    "a",
    "a ",
    "<a ",
    "<|",
    "no information ",
    "no a a ",
    "is not ",
    "I cannot ",
    "the document ",
    "\n",
    "\n ",
    '"}',
    "{ ",
    "in a ",
    "cannot be ",
    "&#1",
    "#",
    "What ",
    "字",
    "the provided ",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_linear_time(piece: str):
    pair = make_pair(piece * 4_000 + "x", piece * 4_000 + "x")
    start = time.process_time()
    for rule in ALL_FILTERS:
        rule.judge(pair, FilterContext(language=None))
    # measured: at most 0.1 s, growing tenfold with tenfold text; a quadratic expression would need over ten seconds
    assert time.process_time() - start < 5


def test_settings_are_described_by_their_names_and_empty_ones_left_out() -> None:
    assert Length(styles=("table", "number")).describe_settings() == {
        "styles": "table number",
        "min_question_chars": "8",
        "max_question_chars": "400",
        "min_answer_chars": "1",
        "max_answer_chars": "1200",
    }
