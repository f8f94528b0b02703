"""What models said of pairs: read from the tables of every version, and chosen by the reason that they explain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from docmatix.core.ledger import Ledger
from docmatix.review.checked import CheckedRequest, find_saying, iterate_checked, name_kinds
from docmatix.storage.earlier_schemas import VERIFY_OF_ONE_CHECK, forget
from docmatix.storage.records import Record
from docmatix.storage.run import Run
from docmatix.storage.schemas import VERIFY
from docmatix.verification.check import Rating
from tests.jobs import make_config


def read_back(folder: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> dict[str, tuple[CheckedRequest, ...]]:
    run = Run(folder)
    name = "part-00000-00000000.parquet"
    (folder / "verify").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "verify" / name)
    run.write_record("verify", 0, Record(name, len(rows), 1, "0" * 64, Ledger(()).to_json(), "f"))
    return dict(iterate_checked(run, 0))


AGAIN = CheckedRequest("answer_again", model="m", reply="$3.5 million", score=1.0, rule="number")
ALONE = CheckedRequest("answer_again", page=3, model="m", reply="nothing", score=0.0, rule="text")
ALSO_ALONE = CheckedRequest("answer_again", page=4, model="m", reply="3.5 million", score=0.9, rule="number")
BLIND = CheckedRequest("answer_blind", model="m", reply="a guess", score=0.1)
RATINGS = (Rating("grounded", 2, "it is another row"), Rating("well_formed", 5, ""))
JUDGE = CheckedRequest("strict", model="j", reply="{}", score=0.2, ratings=RATINGS)
FAILED = CheckedRequest("judge", model="j", reason="timeout", detail="600 s")
FLUENCY = CheckedRequest("fluency", model="m", score=0.312)
ALL = (AGAIN, ALONE, ALSO_ALONE, BLIND, JUDGE, FAILED, FLUENCY)


def test_requests_are_read_with_replies_ratings_and_reasons(tmp_path):
    rows: list[dict[str, Any]] = [{"pair_id": "none"}, {"pair_id": "a", "requests": []}]
    for each in ALL:
        told = {name: getattr(each, name) for name in CheckedRequest.__dataclass_fields__}
        ratings = [rating._asdict() for rating in each.ratings] or None
        rows[1]["requests"].append(told | {"ratings": ratings, "body": "x" * 100})
    found = read_back(tmp_path, rows, VERIFY)
    assert found["none"] == ()
    assert [(each.check, each.page, each.reply, each.reason) for each in found["a"]] == [
        (each.check, each.page, each.reply, each.reason) for each in ALL
    ]
    assert found["a"][4].ratings == RATINGS
    assert found["a"][5].detail == "600 s"


def test_the_thoughts_of_a_model_are_not_its_answer(tmp_path):
    row: dict[str, Any] = {
        "pair_id": "a",
        "requests": [{"check": "answer_again", "reply": "<think>so, 11?</think>\n12 %"}],
    }
    assert read_back(tmp_path, [row], VERIFY)["a"][0].reply == "12 %"


@pytest.mark.parametrize("schema", [VERIFY_OF_ONE_CHECK, forget(VERIFY_OF_ONE_CHECK, ["fluency"])])
def test_a_run_of_one_check_has_its_reply_too(tmp_path, schema):
    rows: list[dict[str, Any]] = [
        {"pair_id": "a", "request_id": "r", "reply": "12 %", "round_trip": 0.5},
        {"pair_id": "b", "request_id": "r", "reason": "timeout", "detail": "600 s"},
        {"pair_id": "c"},
        {"pair_id": "d", "request_id": "r", "fluency": 0.25},
    ]
    found = read_back(tmp_path, rows, schema)
    assert found["a"] == (CheckedRequest("round_trip", reply="12 %", score=0.5),)
    assert found["b"] == (CheckedRequest("round_trip", reason="timeout", detail="600 s"),)
    assert found["c"] == ()
    assert found["d"] == ((CheckedRequest("fluency", score=0.25),) if "fluency" in schema.names else ())


def test_a_run_that_was_not_verified_has_none(tmp_path):
    assert list(iterate_checked(Run(tmp_path), 0)) == []


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("disagrees", "asked again with the pages, the model said: $3.5 million"),
        ("answerable_blind", "asked without the pages, the model said: a guess"),
        ("single_page_suffices", "asked with page 4 alone, the model said: 3.5 million"),
        ("judged_poor", "the judge said: grounded 2 (it is another row); well formed 5 | timeout"),
        ("not_fluent", "the model finds the question's words unlikely: 0.31"),
        ("round_trip_failed", None),
        ("ungrounded", None),
        (None, None),
    ],
)
def test_a_reason_is_explained_by_what_its_check_was_told(reason, told):
    kinds = name_kinds(make_config(verify=[{"kind": "judge", "name": "strict"}, {"kind": "judge"}]))
    said = find_saying(ALL, reason, kinds=kinds)
    assert told == (said and f"{said.lead}: {said.said}")
