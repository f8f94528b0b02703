"""The ledger: what balances, what adds up, and when losses stop a build."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.errors import LedgerError
from docmatix.core.ledger import JUDGED_FROM, UNEXPECTED, Ledger, is_past_share

UNITS = st.sampled_from(["documents", "pages", "pairs"])
REASONS = st.sampled_from(["blank", "encrypted", "timeout", "naïve reason"])
EVENTS = st.lists(st.tuples(UNITS, st.none() | REASONS, st.integers(1, 9)))


def write_ledger(events: list[tuple[str, str | None, int]]) -> Ledger:
    ledger = Ledger(("documents",))
    for unit, reason, count in events:
        ledger.enter(unit, count)
        ledger.settle(unit, reason, count)
    return ledger


def lose(unit: str, reason: str, count: int, *, of: int) -> Ledger:
    ledger = Ledger()
    ledger.enter(unit, of)
    ledger.drop(unit, reason, count)
    ledger.keep(unit, of - count)
    return ledger


@settings(max_examples=50)
@given(EVENTS)
def test_a_ledger_read_from_json_is_the_same(events):
    ledger = write_ledger(events)
    content = json.loads(json.dumps(ledger.to_json()))
    assert Ledger.from_json(content).to_json() == ledger.to_json() == content
    assert Ledger.from_json(content).accounts == ledger.accounts


@settings(max_examples=50)
@given(st.lists(EVENTS, max_size=4))
def test_a_sum_of_ledgers_is_the_ledger_of_all_events(parts):
    total = Ledger(("documents",))
    for part in parts:
        total.add(write_ledger(part))
    assert total.accounts == write_ledger([event for part in parts for event in part]).accounts
    assert total.balanced


def test_adding_leaves_the_other_ledger_as_it_was():
    total, part = Ledger(), lose("pages", "blank", 2, of=5)
    total.add(part)
    total.add(part)
    assert part.to_json() == lose("pages", "blank", 2, of=5).to_json()
    assert total.to_json() == lose("pages", "blank", 4, of=10).to_json()


def test_a_unit_that_saw_nothing_is_listed_with_zeros():
    assert Ledger(("rows",)).to_json() == [{"unit": "rows", "in": 0, "out": 0, "dropped": {}}]


def test_dropping_none_leaves_no_reason_behind():
    ledger = Ledger()
    ledger.drop("pages", "blank", 0)
    assert ledger.to_json() == []


def test_reasons_are_listed_in_alphabetical_order():
    ledger = Ledger()
    for reason in ("b", "c", "a"):
        ledger.drop("pages", reason)
    assert list(ledger.to_json()[0]["dropped"]) == ["a", "b", "c"]


def test_a_lost_document_is_found_at_once():
    ledger = Ledger()
    ledger.enter("documents", 3)
    ledger.keep("documents")
    ledger.drop("documents", "encrypted")
    assert not ledger.balanced
    with pytest.raises(LedgerError, match="ledger of extract does not balance: 3 documents came in, 1 went out and 1 "):
        ledger.require_balance("extract")


def test_bad_data_never_stops_a_build_however_much_of_it_there_is():
    lose("documents", "encrypted", 100, of=100).require_expected("extract", max_share=0.0)


def test_broken_documents_are_bad_data_and_documents_that_may_not_be_read_are_not():
    lose("documents", "unreadable", 100, of=100).require_expected("extract", max_share=0.2)
    with pytest.raises(LedgerError, match="21 of 100 documents failed with `no_access`"):
        lose("documents", "no_access", 21, of=100).require_expected("extract", max_share=0.2)


@pytest.mark.parametrize(
    ("unit", "reason"), [(unit, reason) for unit in UNEXPECTED for reason in sorted(UNEXPECTED[unit])]
)
def test_an_unexpected_reason_past_its_share_stops_the_build_and_says_how_to_look(unit, reason):  # fmt: skip
    with pytest.raises(LedgerError, match=rf"21 of 100 {unit} failed with `{reason}`.*--dropped {reason}"):
        lose(unit, reason, 21, of=100).require_expected("generate", max_share=0.2)


def test_unexpected_reasons_are_judged_together():
    ledger = lose("requests", "refused", 15, of=100)
    ledger.add(lose("requests", "timeout", 3, of=3))
    ledger.require_expected("generate", max_share=0.2)
    ledger.add(lose("requests", "server_error", 9, of=9))
    with pytest.raises(
        LedgerError, match=r"27 of 112 requests failed with `refused` \(15\) and `server_error` \(9\) and"
    ):
        ledger.require_expected("generate", max_share=0.2)


def test_an_unexpected_reason_within_its_share_is_let_pass():
    lose("requests", "timeout", 20, of=100).require_expected("generate", max_share=0.2)


def test_two_losses_are_let_pass_unless_they_are_all_there_is():
    lose("requests", "timeout", 2, of=5).require_expected("generate", max_share=0.2)
    with pytest.raises(LedgerError):
        lose("requests", "timeout", 2, of=2).require_expected("generate", max_share=0.2)


def test_nothing_is_judged_early_while_a_stage_runs():
    lose("requests", "timeout", 49, of=49).require_expected("generate", max_share=0.2, complete=False)
    with pytest.raises(LedgerError):
        lose("requests", "timeout", 50, of=50).require_expected("generate", max_share=0.2, complete=False)


def test_what_may_be_bad_luck_does_not_stop_a_stage_that_runs():
    unlucky = lose("requests", "refused", 18, of=50)
    unlucky.require_expected("generate", max_share=0.2, complete=False)
    with pytest.raises(LedgerError):
        unlucky.require_expected("generate", max_share=0.2)
    with pytest.raises(LedgerError):
        lose("requests", "refused", 19, of=50).require_expected("generate", max_share=0.2, complete=False)
    with pytest.raises(LedgerError):
        lose("requests", "refused", 2040, of=10_000).require_expected("generate", max_share=0.2)
    lose("requests", "refused", 2040, of=10_000).require_expected("generate", max_share=0.2, complete=False)


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(0, 1))
def test_a_share_is_passed_for_good_only_where_it_is_passed(count, kept, max_share):
    past = is_past_share(count, of=count + kept, max_share=max_share)
    assert not past or (count > max_share * (count + kept) and count + kept >= JUDGED_FROM)
    assert past or kept or count < JUDGED_FROM or max_share == 1  # all of them are always too many
