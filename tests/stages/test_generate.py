"""generate: everything there is to ask is asked once, in bounded number, and written in plan order."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.errors import ServerGone
from docmatix.fingerprints import fingerprint_stages
from docmatix.pairs import Failure, Request
from docmatix.stages.generate import answer_in_order
from docmatix.stages.job import Job
from tests.jobs import FakeClient, generate, make_config, make_job, plan, read_documents, write_reply
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf

# --- answer_in_order --------------------------------------------------------------------------------------------------


class Answers:
    """Answers in the opposite order, and counts how many are under way."""

    def __init__(self) -> None:
        self.under_way = self.most = 0

    async def answer(self, item: int) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(20 - item % 20):
            await asyncio.sleep(0)
        self.under_way -= 1
        return -item


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_answers_come_in_the_order_of_their_items_and_in_bounded_number(limit):
    answers = Answers()
    found = [pair async for pair in answer_in_order(iter(range(50)), answers.answer, limit=limit)]
    assert found == [(item, -item) for item in range(50)]
    assert answers.most == min(limit, 50)


async def test_items_are_taken_only_as_they_are_needed():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    running = answer_in_order(items(), Answers().answer, limit=5)
    assert isinstance(running, AsyncGenerator)
    assert await anext(running) == (0, 0)
    assert len(taken) == 5
    await running.aclose()


async def test_an_error_is_raised_in_its_turn_and_cancels_what_is_under_way():
    started: list[int] = []
    cancelled: list[int] = []
    found: list[int] = []

    async def answer(item: int) -> None:
        started.append(item)
        if item == 2:
            raise ServerGone("away")
        if item > 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(item)
                raise

    async def take_all() -> None:
        async for item, _ in answer_in_order(iter(range(50)), answer, limit=8):
            found.append(item)

    with pytest.raises(ServerGone):
        await take_all()
    assert found == [0, 1]
    assert len(started) < 50
    assert cancelled == started[3:] != []


async def test_no_items_give_no_answers():
    nothing: list[int] = []
    assert [pair async for pair in answer_in_order(iter(nothing), Answers().answer, limit=3)] == []


# --- a shard ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four documents, read: one left out as a copy, one of two windows, one with nothing to ask about."""
    folder = tmp_path_factory.mktemp("read")
    pdfs = {
        "a.pdf": write_distinct_pdf(1),
        "b.pdf": write_distinct_pdf(1),
        "c.pdf": write_pdf(*map(write_distinct_text, range(20, 26))),
        "d.pdf": write_pdf("of the and to with from by"),
    }
    read_documents(make_job(folder, pdfs=pdfs))
    return folder


def make(read: Path, folder: Path, **generate: Any) -> Job:
    """A job over a copy of what was read."""
    if not (folder / "run").exists():
        shutil.copytree(read / "run", folder / "run")
    return make_job(folder, generate=generate)


def read_rows(job: Job) -> list[dict[str, Any]]:
    return list(job.run.iterate_rows("generate", 0))


def list_ids(requests: list[Request]) -> set[str]:
    return {request.request_id for request in requests}


def test_every_window_of_the_documents_let_in_is_asked_about_in_plan_order(read, tmp_path):
    job, client = make(read, tmp_path), FakeClient()
    generate(job, client=client)
    rows = read_rows(job)
    assert [(row["index"], row["page_numbers"]) for row in rows] == [(0, [1]), (2, [1, 2, 3, 4]), (2, [5, 6]), (3, [1])]
    assert [row["sample_id"] for row in rows] == [f"{row['doc_id']}-{row['page_numbers'][0]}" for row in rows]
    assert [row["request_id"] for row in rows] == [request.request_id for request in client.asked]
    assert json.loads(rows[0]["body"]) == client.asked[0].to_body()
    pairs = [pair for row in rows for pair in row["pairs"]]
    assert len(pairs) == 7
    assert all(
        pair["answer"] in json.loads(row["body"])["messages"][-1]["content"] for row in rows for pair in row["pairs"]
    )
    ledger = {line["unit"]: line for line in job.run.ledger("generate").to_json()}
    assert (ledger["windows"]["in"], ledger["requests"]["out"], ledger["pairs"]["out"]) == (4, 4, 7)


def test_the_shard_does_not_depend_on_who_answers_first(read, tmp_path):
    one, other = make(read, tmp_path / "one"), make(read, tmp_path / "other")
    generate(one, client=FakeClient())
    patient = FakeClient()
    patient.asked = [Request("m", ())] * 100  # which makes it answer in the order in which it is asked
    generate(other, client=patient)
    assert one.record("generate", 0) == other.record("generate", 0)


def test_a_window_without_a_candidate_is_counted_and_listed(read, tmp_path):
    job = make(read, tmp_path, prompts=["extractive"])
    generate(job, client=FakeClient())
    (row,) = (row for row in read_rows(job) if row["reason"])
    assert (row["index"], row["reason"], row["request_id"]) == (3, "no_candidates", None)
    assert dict(job.run.ledger("generate").accounts["windows"].dropped) == {"no_candidates": 1}
    assert all(row["pairs"][0]["question"] == "What is written there?" for row in read_rows(job) if not row["reason"])


def test_a_request_that_fails_for_good_is_dropped_with_the_servers_words(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient(lambda _: Failure("too_long", "4097 tokens")))
    assert {(row["reason"], row["detail"]) for row in read_rows(job)} == {("too_long", "4097 tokens")}
    assert dict(job.run.ledger("generate").accounts["requests"].dropped) == {"too_long": 4}
    assert job.record("generate", 0).extra["replies"] == []


def test_what_cannot_be_read_in_a_reply_is_counted_as_pairs_with_their_reason(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient(lambda _: '[{"question": "Who?", "answer": "I"}, {"question": "What?"}]'))
    pairs = job.run.ledger("generate").accounts["pairs"]
    assert (pairs.entered, pairs.kept, dict(pairs.dropped)) == (8, 4, {"missing_field": 4})
    assert all(row["malformed"] == ["missing_field"] for row in read_rows(job))


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient())
    first = job.record("generate", 0)
    nobody = FakeClient(lambda _: ServerGone("away"))
    generate(job, client=nobody)
    assert nobody.asked == []
    assert job.record("generate", 0) == first
    assert [f"part-00000/{name}" for name in job.run.names("generate/replies/part-00000")] == first.extra["replies"]


def test_an_added_prompt_is_asked_and_nothing_else(read, tmp_path):
    before, client = make(read, tmp_path, prompts=["broad_whole"]), FakeClient()
    generate(before, client=client)
    both = make(read, tmp_path, prompts=["broad_whole", "broad_general"], prompts_per_window=2)
    assert not both.is_current("generate", 0)
    again = FakeClient()
    generate(both, client=again)
    rows = read_rows(both)
    new = {row["request_id"] for row in rows if row["prompt"] == "broad_general"}
    assert len(new) == 4
    assert list_ids(again.asked) == new
    assert {row["request_id"] for row in rows} == list_ids(client.asked) | new


def test_a_prompt_that_shares_the_windows_takes_only_its_own(read, tmp_path):
    names = ["broad_whole", "broad_general", "broad_details"]
    client, again = FakeClient(), FakeClient()
    generate(make(read, tmp_path, prompts=names), client=client)
    generate(make(read, tmp_path, prompts=[*names, "broad_sections"]), client=again)
    rows = read_rows(make(read, tmp_path))
    assert list_ids(again.asked) == {row["request_id"] for row in rows if row["prompt"] == "broad_sections"}


def test_a_changed_prompt_is_asked_anew(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient())
    prompt = job.prompts["broad_whole"]
    first = prompt.sections[0]._replace(template=prompt.sections[0].template + " Be brief.")
    changed = replace(prompt, sections=(first, *prompt.sections[1:]), source_sha256="0" * 64)
    prompts = {"broad_whole": changed}
    after = replace(job, prompts=prompts, fingerprints=fingerprint_stages(job.config, prompts))
    assert not after.is_current("generate", 0)
    again = FakeClient()
    generate(after, client=again)
    assert len(again.asked) == 4


def test_a_server_that_goes_away_commits_nothing_and_the_next_run_continues(read, tmp_path):
    undisturbed = make(read, tmp_path / "undisturbed")
    generate(undisturbed, client=FakeClient())
    job = make(read, tmp_path / "disturbed")
    answered: list[Request] = []

    def go_away(request: Request) -> str | Exception:
        answered.append(request)
        return write_reply(request) if len(answered) < 3 else ServerGone("away")

    with pytest.raises(ServerGone):
        generate(job, client=FakeClient(go_away))
    assert job.run.shards("generate") == []
    generate(job, client=FakeClient())
    assert job.record("generate", 0) == undisturbed.record("generate", 0)


def test_documents_newly_let_in_are_the_only_ones_asked_about(tmp_path):
    text = "\n".join(map(write_distinct_text, range(4)))
    pdfs = {"a.pdf": write_pdf(text, fontsize=7), "b.pdf": write_pdf(f"{text}\nOne more line.", fontsize=7)}
    strict = make_job(tmp_path, pdfs=pdfs)
    read_documents(strict)
    generate(strict, client=FakeClient())
    lenient, client = make_job(tmp_path, dedup={"near": False}), FakeClient()
    read_documents(lenient)
    generate(lenient, client=client)
    assert [row["index"] for row in read_rows(lenient)] == [0, 1]
    assert list_ids(client.asked) == {read_rows(lenient)[1]["request_id"]}


def test_a_grown_source_leaves_the_shards_that_are_there_current(tmp_path):
    job = make_job(tmp_path, pdfs={"m.pdf": write_distinct_pdf(1)})
    read_documents(job)
    generate(job, client=FakeClient())
    grown = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(2)})
    assert plan(grown) == 1
    read_documents(grown)
    assert grown.is_current("generate", 0)
    assert not grown.is_current("generate", 1)


def test_the_engine_may_have_any_address(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient())
    engine = {"kind": "openai", "model": "m", "base_url": "http://elsewhere"}
    moved = make_config(generate={"engine": engine})
    assert replace(job, config=moved, fingerprints=fingerprint_stages(moved, job.prompts)).is_current("generate", 0)
