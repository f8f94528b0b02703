"""Scores, each computed by its function, or read from what `verify` found."""

from __future__ import annotations

from dataclasses import fields, replace

from docmatix.core.pairs import Pair, Scores
from docmatix.curation.scores import SCORERS, score_pairs
from docmatix.pipeline import PIPELINE, VERIFY
from tests.pages import write_page


def make_pair(pair_id: str, question: str, answer: str, context: str | None) -> Pair:
    return Pair(pair_id, "r", "prompt", "model", "extractive", question, answer, context)


def test_every_score_is_of_the_evidence_or_computed_or_a_column_of_verify() -> None:
    names = [each.name for each in fields(Scores)]
    verified = {name for name in names if name in PIPELINE[VERIFY].load_schema().names}
    assert sorted(["grounding", "ocr_confidence", *SCORERS, *verified]) == sorted(names)


def test_a_pair_has_the_scores_of_its_words_and_those_of_verify() -> None:
    context = "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes."
    pairs = [
        make_pair("a", "When was the Riverside Library founded?", "12 March 1974", context),
        make_pair("b", "What is it about?", "Cats", None),
    ]
    scores = score_pairs(pairs, pages=[], samples=[(1,), (1, 2)], verified={"b": {"round_trip": 0.5}})
    assert scores == [Scores(clarity=1.0), Scores(round_trip=0.5)]


def test_clarity_is_unknown_in_other_languages_than_english() -> None:
    german = "Die Bibliothek der Stadt wurde am 3. Mai 1974 von der Bürgermeisterin eröffnet und hat viele Leser."
    question = "Wann wurde die Bibliothek der Stadt eröffnet?"
    pair = replace(make_pair("a", question, "3. Mai 1974", german), span=(1, 0, 11))
    for page in (write_page(german), write_page(" ".join([german] * 4))):  # too short to tell by its page, and not
        (scores,) = score_pairs([pair], pages=[page], samples=[(1,)], verified={})
        assert scores.clarity is None
    english = write_page("The fee of the club for the boat is to be paid by the members of the town. " * 4)
    wrong = replace(pair, context="The library was founded on 3 May 1974 by the mayor.", answer="3 May 1974")
    (scores,) = score_pairs([wrong], pages=[english], samples=[(1,)], verified={})
    assert scores.clarity == 0.0
