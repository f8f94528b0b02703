"""verify: pairs with a context are checked, and the reply is scored and kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.pairs import Failure, Request
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, generate, make_job, read_documents, verify
from tests.pdfs import write_distinct_pdf

SECTIONS: dict[str, Any] = {"verify": {"kind": "round_trip", "max_tokens": 9}, "generate": {"prompts": ["extractive"]}}


FLUENCY: dict[str, Any] = {**SECTIONS, "verify": {"kind": "fluency", "engine": {"kind": "llamacpp"}}}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document, and answer-first pairs about it."""
    folder = tmp_path_factory.mktemp("asked")
    job = make_job(folder, pdfs={"a.pdf": write_distinct_pdf(1)}, **SECTIONS)
    read_documents(job)
    generate(job, client=FakeClient())
    return folder


@pytest.fixture
def job(asked: Path, tmp_path: Path) -> Job:
    shutil.copytree(asked / "run", tmp_path / "run")
    return make_job(tmp_path, **SECTIONS)


def read_pairs(job: Job) -> list[dict[str, Any]]:
    return [pair for row in job.run.iterate_rows("generate", 0) for pair in row["pairs"]]


def read_rows(job: Job) -> list[dict[str, Any]]:
    return list(job.run.iterate_rows("verify", 0))


def read_requests(job: Job) -> list[dict[str, Any]]:
    """The requests about all pairs."""
    return [request for row in read_rows(job) for request in row["requests"] or ()]


def test_every_pair_is_asked_again_with_its_context_and_scored(job):
    pairs = read_pairs(job)
    answers = {pair["context"]: pair["answer"] for pair in pairs}

    def reply(request: Request) -> str:
        context = request.messages[-1].content.removeprefix("Text: ").partition("\nQuestion:")[0]
        return str(answers[context])

    client = FakeClient(reply)
    verify(job, client=client)
    rows = read_rows(job)
    assert [row["pair_id"] for row in rows] == [pair["pair_id"] for pair in pairs]
    expected = [answers[pair["context"]] for pair in pairs]
    assert [request["reply"] for request in read_requests(job)] == expected
    for row, pair in zip(rows, pairs, strict=True):
        assert (row["round_trip"] == 1.0) == (row["requests"][0]["reply"] == pair["answer"])
    assert all(request.sampling["max_tokens"] == 9 for request in client.asked)
    ledger = {line["unit"]: (line["in"], line["out"]) for line in job.run.ledger("verify").to_json()}
    assert ledger == {"requests": (len(pairs), len(pairs)), "pairs": (len(pairs), len(pairs))}


def test_the_same_question_with_the_same_context_is_asked_once(job):
    client = FakeClient(lambda _: "something")
    verify(job, client=client)
    rows = read_rows(job)
    assert len(rows) == len(read_pairs(job))
    assert len(client.asked) == len({request["request_id"] for request in read_requests(job)}) < len(rows)


def test_a_wrong_reply_scores_nothing_and_drops_nothing(job):
    verify(job, client=FakeClient(lambda _: "nonsense"))
    assert {row["round_trip"] for row in read_rows(job)} == {0.0}
    assert job.run.ledger("verify").accounts["pairs"].dropped.total() == 0


def test_a_request_that_fails_is_counted_and_the_pair_has_no_score(job):
    verify(job, client=FakeClient(lambda _: Failure("refused", "no")))
    assert {(each["reason"], each["detail"], each["score"]) for each in read_requests(job)} == {("refused", "no", None)}
    assert {row["round_trip"] for row in read_rows(job)} == {None}
    assert dict(job.run.ledger("verify").accounts["requests"].dropped) == {"refused": len(read_pairs(job))}


def test_the_record_counts_the_tokens_of_the_replies_each_once(job):
    client = FakeClient(lambda _: "something")
    verify(job, client=client)
    asked = len(client.asked)
    assert job.record("verify", 0).extra["tokens"] == {"prompt": 10 * asked, "completion": 5 * asked}


def test_another_engine_may_be_asked_than_the_one_that_wrote_the_pairs(asked, tmp_path):
    shutil.copytree(asked / "run", tmp_path / "run")
    other = {"kind": "openai", "model": "judge", "base_url": "http://elsewhere/v1"}
    job = make_job(tmp_path, **{**SECTIONS, "verify": {**SECTIONS["verify"], "engine": other}})
    assert job.is_current("generate", 0)
    client = FakeClient(lambda _: "x")
    verify(job, client=client)
    assert {request.model for request in client.asked} == {"judge"}
    assert {pair["model"] for pair in read_pairs(job)} == {"m"}


def test_a_second_run_asks_nothing(job):
    verify(job, client=FakeClient(lambda _: "x"))
    first, again = job.record("verify", 0), FakeClient()
    verify(job, client=again)
    assert again.asked == []
    assert job.record("verify", 0) == first


def test_pairs_without_a_context_are_let_pass_unasked(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, verify=SECTIONS["verify"])
    read_documents(job)
    generate(job, client=FakeClient())
    client = FakeClient()
    verify(job, client=client)
    assert client.asked == []
    assert len(read_rows(job)) == len(read_pairs(job))
    assert read_requests(job) == []
    assert job.run.ledger("verify").accounts["pairs"].kept == len(read_pairs(job)) > 0


def test_another_check_fills_its_own_score_and_stores_what_its_server_told(asked, tmp_path):
    shutil.copytree(asked / "run", tmp_path / "run")
    job = make_job(tmp_path, **FLUENCY)
    verify(job, client=FakeClient(logprob=-7.0))
    rows = [row for row in read_rows(job) if row["requests"]]
    assert rows
    assert {(row["round_trip"], round(row["fluency"], 3)) for row in rows} == {(None, 0.417)}
    assert {request["reply"] for request in read_requests(job)} == {None}  # it is no second answer
    first, again = job.record("verify", 0), FakeClient(logprob=-1.0)
    job.run.remove("verify/part-00000.json")
    verify(job, client=again)
    assert again.asked == []
    assert job.record("verify", 0) == first


def test_a_server_that_tells_no_log_probability_leaves_the_score_out_and_drops_nothing(asked, tmp_path):
    shutil.copytree(asked / "run", tmp_path / "run")
    job = make_job(tmp_path, **FLUENCY)
    verify(job, client=FakeClient())
    assert {row["fluency"] for row in read_rows(job)} == {None}
    assert job.run.ledger("verify").accounts["requests"].dropped.total() == 0
    assert job.run.ledger("verify").accounts["pairs"].kept == len(read_pairs(job)) > 0
