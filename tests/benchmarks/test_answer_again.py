"""What is put in the place of right answers, and how sure a share is."""

from __future__ import annotations

import pytest

from benchmarks.answer_again import AskedPair, plant_wrong, put_off, tell
from docmatix.dataset.scores import estimate_share


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("295.50", "319.14"),
        ("1.250,00 €", "1.350,00 €"),
        ("EUR 84", "EUR 91"),
        ("11 %", None),
        ("412 units", "445 units"),
    ],
)
def test_a_number_is_put_off_by_eight_per_cent_in_its_own_form(answer, wrong):
    assert put_off(answer) == wrong


@pytest.mark.parametrize("answer", ["14.03.2019", "2019-0412", "9 – 12", "Miriam Okafor", "99.50"])
def test_what_is_no_single_amount_is_left_alone(answer):
    assert put_off(answer) is None


def test_wrong_answers_are_other_values_of_one_kind():
    pairs = [
        AskedPair(document, "en", page, kind, f"{kind} {document} {page} {number}?", f"{kind} {document}{page}{number}")
        for document in "ab"
        for page in (1, 2)
        for kind in ("cell", "field")
        for number in (0, 1)
    ]
    plant_wrong(pairs, seed=1)
    for pair in pairs:
        here, elsewhere = pair.wrong["another value of the page"], pair.wrong["another document's value"]
        assert here.startswith(f"{pair.kind} {pair.document}{pair.page}")
        assert here != pair.answer
        assert elsewhere.startswith(pair.kind)
        assert elsewhere.split()[1][0] != pair.document


def test_a_share_is_told_with_its_interval():
    assert [round(edge, 3) for edge in estimate_share(8, 10)] == [0.49, 0.943]
    assert tell([True, False]) == "50% (9% to 91%) of 2"
    assert tell([]) == ""
