"""The verdicts on a document's pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.curation.filters import DEFAULT_FILTERS
from docmatix.curation.filters.duplicate import Duplicate
from docmatix.curation.filters.filter import KeptPairs
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.length import Length
from docmatix.curation.filters.round_trip import RoundTrip
from docmatix.curation.verdicts import Verdict, curate_pairs, rank_alternatives


def make_page(text: str, number: int = 1) -> Page:
    words = tuple(Word(word, Box(0.1, 0.1, 0.2, 0.2), 0, 0) for word in text.split())
    return Page(number, 612, 792, 0, 0.0, compose_text(words), words)


def make_pair(question: str, answer: str, *, group: str | None = None, prompt: str = "extractive") -> Pair:
    return Pair(question, "r", prompt, "m", "extractive", question, answer, group=group)


PAGES = [make_page("Rent is $500 a month. The tenant is Jane Doe.", 1), make_page("The deposit is $900.", 2)]


def curate(*pairs: Pair, scores: list[Scores] | None = None, **settings) -> list[Verdict]:
    settings = {"pages": PAGES, "filters": DEFAULT_FILTERS, "language": "en", **settings}
    return curate_pairs(pairs, scores or [Scores()] * len(pairs), **settings)


def reasons(verdicts: list[Verdict]) -> list[str | None]:
    return [verdict.reason for verdict in verdicts]


def test_a_kept_pair_carries_its_grounding_and_evidence():
    (verdict,) = curate(make_pair("How much is the rent?", "$500"), scores=[Scores(clarity=0.9)])
    assert verdict.reason is None
    assert verdict.scores == Scores(grounding=1.0, clarity=0.9)
    assert [(item.page, item.quote) for item in verdict.evidence] == [(1, "$500")]


def test_a_dropped_pair_has_its_reason_and_keeps_its_scores():
    (verdict,) = curate(make_pair("How much is the rent?", "$700 a month"))
    assert verdict.reason == "ungrounded"
    assert verdict.scores.grounding is not None


@pytest.mark.parametrize(
    ("question", "answer"), [("What is the rent?", "five hundred dollars"), ("Is it leased?", "Yes")]
)
def test_a_pair_made_from_facts_is_grounded_where_they_stand(question, answer):
    exact = (Evidence(2, "$900", (Box(0.1, 0.1, 0.2, 0.2),)), Evidence(1, "$500", (Box(0, 0, 1, 1),)))
    pair = replace(make_pair(question, answer), kind="cell", evidence=exact)
    for ground_answers in (True, False):
        (verdict,) = curate(pair, ground_answers=ground_answers)
        assert (verdict.reason, verdict.scores, verdict.evidence) == (None, Scores(grounding=1.0), exact)


def test_verdicts_come_in_the_order_of_the_pairs():
    pairs = [make_pair("How much is the rent?", "$500", group="a"), make_pair("Who is the tenant?", "Jane Doe"),
             make_pair("What does the tenant pay a month?", "$500", group="a")]  # fmt: skip
    verdicts = curate(*pairs, scores=[Scores(round_trip=0.6), Scores(), Scores(round_trip=0.9)])
    assert [verdict.pair for verdict in verdicts] == pairs
    assert reasons(verdicts) == ["outdone", None, None]


def test_only_what_the_reader_sees_grounds_an_answer():
    pair = make_pair("How much is the deposit?", "$900")
    assert reasons(curate(pair, samples=[[1]])) == ["ungrounded"]
    assert reasons(curate(pair, samples=[[1, 2]])) == [None]


def test_a_question_asked_again_is_a_duplicate_of_the_kept_one_only():
    first, again = make_pair("How much is the rent?", "$500"), make_pair("how much is the rent", "$500")
    assert reasons(curate(first, again)) == [None, "duplicate"]
    wrong = make_pair("How much is the rent?", "$70,000")
    assert reasons(curate(wrong, again)) == ["ungrounded", None]


def test_of_alternatives_the_best_that_passes_is_kept_and_the_rest_are_outdone():
    questions = ["How much is the rent?", "What is paid a month?", "Which sum is due?", "What?"]
    pairs = [make_pair(question, "$500", group="1") for question in questions]
    scores = [Scores(round_trip=0.7), Scores(round_trip=0.9, clarity=0.1), Scores(), Scores(round_trip=1.0)]
    assert reasons(curate(*pairs, scores=scores)) == [None, "unclear", "outdone", "too_short"]


def test_alternatives_rank_by_fluency_before_clarity():
    pairs = [make_pair(f"question {n}", f"answer {n}", group="g") for n in range(4)]
    fluent, odd = Scores(clarity=0.2, fluency=0.7), Scores(clarity=0.5, fluency=0.5)
    scores = [Scores(clarity=1.0), odd, fluent, Scores(round_trip=0.1, clarity=0.2, fluency=0.3)]
    assert rank_alternatives(pairs, scores) == [[3, 2, 1, 0]]


def test_alternatives_rank_by_round_trip_then_clarity_then_place():
    scores = [Scores(), Scores(clarity=0.5), Scores(0.9, 0.5, 0.2), Scores(0.1, 0.5, 0.8), Scores(clarity=0.5)]
    pairs = [make_pair("?", "1", group="g") for _ in scores]
    assert rank_alternatives(pairs, scores) == [[3, 2, 1, 4, 0]]


def test_alternatives_rank_by_what_was_found_again_before_what_was_thought_of_them():
    scores = [
        Scores(fluency=0.9, clarity=0.9),
        Scores(judged=0.6),
        Scores(round_trip=0.6, judged=0.5),
        Scores(round_trip=0.6, judged=0.9),
        Scores(agreement=0.5),
        Scores(agreement=0.8, judged=0.5),
    ]
    pairs = [make_pair("?", "1", group="g") for _ in scores]
    assert rank_alternatives(pairs, scores) == [[5, 4, 3, 2, 1, 0]]


def test_pairs_without_a_group_are_no_alternatives():
    pairs = [make_pair("a", "1"), make_pair("b", "1", group="g"), make_pair("c", "1"), make_pair("d", "1", group="g")]
    assert rank_alternatives(pairs, [Scores()] * 4) == [[0], [1, 3], [2]]


def test_a_pair_is_compared_with_the_examples_of_its_own_prompt():
    pair = make_pair("How much is the rent?", "$500", prompt="broad")
    assert reasons(curate(pair, examples={"broad": ["How much is the rent?"]})) == ["copies_example"]
    assert reasons(curate(pair, examples={"other": ["How much is the rent?"]})) == [None]


def test_without_grounding_the_given_score_is_judged():
    pair = make_pair("How much is the rent?", "$500")
    (verdict,) = curate(pair, scores=[Scores(grounding=0.1)], ground_answers=False)
    assert (verdict.reason, verdict.evidence) == ("ungrounded", ())


def test_a_yes_is_kept_without_evidence():
    (verdict,) = curate(make_pair("Is the rent paid monthly?", "Yes"))
    assert (verdict.reason, verdict.scores.grounding, verdict.evidence) == (None, None, ())


def test_no_pairs_give_no_verdicts():
    assert curate() == []


chosen = st.sampled_from(["How much is the rent?", "What is paid a month?", "Who is the tenant?", "x", ""])
score = st.none() | st.sampled_from([0.0, 0.4, 0.6, 1.0])


@given(
    st.lists(
        st.tuples(
            chosen,
            st.sampled_from(["$500", "Jane Doe", "Yes", "no idea", ""]),
            st.sampled_from([None, "1", "2"]),
            score,
            score,
        )
    )
)
def test_every_pair_has_one_verdict_and_at_most_one_of_a_group_is_kept(rows):
    pairs = [make_pair(question, answer, group=group) for question, answer, group, _, _ in rows]
    scores = [Scores(round_trip=round_trip, clarity=clarity) for *_, round_trip, clarity in rows]
    filters = (Length(), Grounded(), RoundTrip(), Duplicate())
    verdicts = curate(*pairs, scores=scores, filters=filters)
    assert verdicts == curate(*pairs, scores=scores, filters=filters)
    assert [verdict.pair for verdict in verdicts] == pairs
    for group in ("1", "2"):
        inside = [verdict.reason for verdict in verdicts if verdict.pair.group == group]
        assert inside.count(None) <= 1
        assert "outdone" not in inside or None in inside


PICTURE = replace(make_page("", 3), text_from="none", reason="no_text")
SCAN = replace(make_page("The deposit is $900.", 4), text_from="ocr", ocr_confidence=0.5)
SCAN = replace(SCAN, words=tuple(word._replace(confidence=0.5) for word in SCAN.words))


def test_what_was_read_from_the_picture_of_a_page_without_text_is_unknown_not_ungrounded():
    asked = make_pair("Which animal is shown?", "A brown horse")
    for pages in ([PICTURE], [*PAGES, PICTURE]):
        samples = [[page.number for page in pages]]
        for shown in ((3,), samples[0]):
            (verdict,) = curate(asked, pages=pages, samples=samples, shown=[shown])
            assert (verdict.reason, verdict.scores.grounding, verdict.evidence) == (None, None, ())
            assert (verdict.text_from, verdict.scores.ocr_confidence) == ("none", None)


def test_it_has_no_evidence_on_pages_that_the_model_did_not_see():
    asked = make_pair("How much does it cost?", "$900")
    (verdict,) = curate(asked, pages=[*PAGES, PICTURE], samples=[(1, 2, 3)], shown=[(3,)])
    assert (verdict.scores.grounding, verdict.evidence) == (None, ())
    (verdict,) = curate(asked, pages=[*PAGES, PICTURE], samples=[(1, 2, 3)], shown=[(2, 3)])
    assert (verdict.scores.grounding, verdict.text_from) == (1.0, "layer")
    assert [each.page for each in verdict.evidence] == [2]


def test_what_was_read_from_text_is_grounded_on_it_though_the_window_has_a_picture():
    asked = make_pair("Which animal is shown?", "A brown horse")
    (verdict,) = curate(asked, pages=[*PAGES, PICTURE], samples=[(1, 2, 3)], shown=[()])
    assert (verdict.reason, verdict.text_from) == ("ungrounded", "layer")
    (verdict,) = curate(asked, pages=[*PAGES, PICTURE], samples=[(1, 2, 3)], shown=[(1, 2)])
    assert verdict.reason == "ungrounded"


def test_a_pair_of_which_ocr_is_unsure_is_dropped_and_says_so():
    (verdict,) = curate(make_pair("How much is the deposit?", "$900"), pages=[SCAN])
    assert (verdict.reason, verdict.text_from) == ("unsure_ocr", "ocr")
    assert verdict.scores == Scores(grounding=1.0, ocr_confidence=0.5)
    (again,) = curate(make_pair("How much?", "$900"), pages=[SCAN], scores=[verdict.scores], ground_answers=False)
    assert (again.reason, again.scores) == ("unsure_ocr", verdict.scores)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["$500", "$900", "Jane Doe"])), max_size=8))
def test_a_document_is_judged_window_by_window_as_at_once(asked):
    pairs = [make_pair(f"How much is the {what}?", answer) for what, answer in asked]
    half = len(pairs) // 2
    samples = [[1]] * half + [[2]] * (len(pairs) - half)
    at_once = curate(*pairs, samples=samples)
    kept = KeptPairs()
    by_window = [
        verdict
        for number, some in ((1, pairs[:half]), (2, pairs[half:]))
        for verdict in curate(*some, pages=[PAGES[number - 1]], samples=[[number]] * len(some), kept=kept)
    ]
    assert by_window == at_once
