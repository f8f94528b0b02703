"""generate: everything there is to ask is asked once, in bounded number, and written in plan order."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from docmatix.core.errors import ServerGone
from docmatix.core.pairs import Failure, Request, make_fact_pair_id
from docmatix.models.client import ChatClient
from docmatix.models.tokenizer import estimate_tokens
from docmatix.prompting.chunks import MIN_BUDGET_TOKENS
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.windows import Window
from docmatix.stages.generate import generate_shard, make_pairs
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.storage.schemas import pair_from_row
from tests.jobs import FakeClient, generate, make_config, make_job, make_page, plan, read_documents, write_reply
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf
from tests.tokenizers import train_vocabulary

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


def test_facts_give_pairs_before_the_model_is_asked_and_without_a_request(read, tmp_path):
    job, client = make(read, tmp_path, pairs_per_page=2), FakeClient()
    generate(job, client=client)
    rows = read_rows(job)
    made = [row for row in rows if row["prompt"] == "facts"]
    assert [(row["index"], row["page_numbers"]) for row in made] == [(0, [1]), (2, [1, 2, 3, 4]), (2, [5, 6])]
    assert all(row["request_id"] is None and row["body"] is None for row in made)
    assert [rows.index(row) for row in made] == [0, 2, 4], "each before the request about its window"
    assert len(client.asked) == 4
    for row in made:
        pairs = [pair_from_row(pair) for pair in row["pairs"]]
        assert 0 < len(pairs) <= 2 * len(row["page_numbers"])
        assert {(pair.prompt, pair.model, pair.style, pair.context) for pair in pairs} == {
            ("facts", "none", "extractive", None)
        }
        assert all(pair.evidence and pair.evidence[0].page in row["page_numbers"] for pair in pairs)
        assert all(pair.kind == "field" for pair in pairs)
        ids = [make_fact_pair_id(row["sample_id"], pair.question, pair.answer) for pair in pairs]
        assert [pair.pair_id for pair in pairs] == ids
    ledger = job.run.ledger("generate").accounts
    assert (ledger["windows"].kept, ledger["requests"].entered) == (4, 4)
    assert ledger["pairs"].kept == sum(len(row["pairs"]) for row in rows)


def test_pairs_from_facts_are_the_same_whatever_model_is_asked_and_without_one(read, tmp_path):
    made = []
    for name, changes in (
        ("pages", {}),
        ("candidates", {"prompts": ["extractive"]}),  # for which words are read too
        ("none", {"engine": {"kind": "none"}, "prompts": []}),
    ):
        job, client = make(read, tmp_path / name, pairs_per_page=4, **changes), FakeClient()
        generate(job, client=client)
        made.append([row for row in read_rows(job) if row["prompt"] == "facts"])
    assert made[0]
    assert made[0] == made[1] == made[2]
    assert client.asked == []
    windows = job.run.ledger("generate").accounts["windows"]
    assert (windows.entered, windows.kept, dict(windows.dropped)) == (4, 3, {"no_candidates": 1})


def test_a_document_that_an_earlier_version_read_without_facts_gives_none():
    page = make_page("Contact: Jane Doe")
    assert ask_facts((page,), language="en", key="d-1", seed=0, limit=4) == []
    assert make_pairs(Window("d-1", "d", (page,)), []) == ()


def test_no_pair_is_made_from_facts_where_none_is_wanted(read, tmp_path):
    job = make(read, tmp_path, pairs_per_page=0)
    generate(job, client=FakeClient())
    assert all(row["prompt"] != "facts" for row in read_rows(job))


def test_a_request_that_fails_for_good_is_dropped_with_the_servers_words(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient(lambda _: Failure("refused", "not like this")))
    assert {(row["reason"], row["detail"]) for row in read_rows(job)} == {("refused", "not like this")}
    assert dict(job.run.ledger("generate").accounts["requests"].dropped) == {"refused": 4}
    assert job.record("generate", 0).extra["replies"] == []


def test_what_cannot_be_read_in_a_reply_is_counted_as_pairs_with_their_reason(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient(lambda _: '[{"question": "Who?", "answer": "I"}, {"question": "What?"}]'))
    pairs = job.run.ledger("generate").accounts["pairs"]
    assert (pairs.entered, pairs.kept, dict(pairs.dropped)) == (8, 4, {"missing_field": 4})
    assert all(row["malformed"] == ["missing_field"] for row in read_rows(job))


def test_the_record_counts_the_tokens_of_the_replies_that_were_used_each_once(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient())
    assert job.record("generate", 0).extra["tokens"] == {"prompt": 40, "completion": 20}
    # the replies of the other prompt stay stored, and are not counted
    other = make(read, tmp_path, prompts=["broad_general"])
    generate(other, client=FakeClient(lambda request: Failure("refused") if "Tamar" in str(request) else "[]"))
    assert other.record("generate", 0).extra["tokens"] == {"prompt": 40, "completion": 20}


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(read, tmp_path):
    job = make(read, tmp_path)
    generate(job, client=FakeClient())
    first = job.record("generate", 0)
    absent = FakeClient(lambda _: ServerGone("away"))
    generate(job, client=absent)
    assert absent.asked == []
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


def test_a_changed_prompt_is_asked_again(read, tmp_path):
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


def test_a_build_that_goes_on_is_not_stopped_by_the_few_requests_that_failed_before(tmp_path):
    pdfs = {f"{i:03}.pdf": write_distinct_pdf(i) for i in range(130)}
    job = make_job(tmp_path, pdfs=pdfs, plan={"documents_per_shard": 200})
    read_documents(job)

    def refuse_half(request: Request) -> str | Failure:
        return Failure("refused") if int(request.request_id, 16) % 2 else write_reply(request)

    def ask(client: FakeClient) -> None:
        pool = RequestPool(cast(ChatClient, client), in_flight=8, max_share=0.8)
        asyncio.run(generate_shard(job, 0, pool=pool, progress=ShardProgress()))

    ask(FakeClient(refuse_half))
    undisturbed = job.record("generate", 0)
    job.run.remove("generate/part-00000.json")  # as if it had been killed before it was done
    again = FakeClient(refuse_half)
    ask(again)
    assert job.record("generate", 0) == undisturbed
    assert len(again.asked) == sum(row["reason"] == "refused" for row in read_rows(job)) > 50


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


# --- requests that are too long nevertheless --------------------------------------------------------------------------


def refuse_above(chars: int) -> Callable[[Request], str | Failure]:
    """A server that can hold a document of so many characters."""

    def reply(request: Request) -> str | Failure:
        shown = request.messages[-1].content
        return Failure("too_long", "the context is 4096") if len(shown) > chars else write_reply(request)

    return reply


def show(request: Request) -> str:
    """The document in a request, without the marks around it."""
    document = request.messages[-1].content.partition("<document>")[2].partition("</document>")[0]
    return " ".join(line for line in document.split("\n") if not re.match("</?page", line))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document of four pages in one window, two of them long."""
    folder = tmp_path_factory.mktemp("long")
    pages = [write_distinct_text(40), *("\n".join(map(write_distinct_text, part)) for part in ([41, 42], [43, 44]))]
    read_documents(make_job(folder, pdfs={"a.pdf": write_pdf(*pages, write_distinct_text(45), fontsize=8)}))
    return folder


@pytest.mark.parametrize("chars", [1100, 2000])
def test_a_request_that_is_too_long_is_divided_until_its_parts_fit(long, tmp_path, chars):
    job, client = make(long, tmp_path), FakeClient(refuse_above(chars))
    generate(job, client=client)
    rows = read_rows(job)
    assert [row["request_id"] for row in rows] == [request.request_id for request in client.asked]
    assert {row["reason"] for row in rows} == {None, "split"}
    whole = show(client.asked[0]).split()
    kept = [request for request, row in zip(client.asked, rows, strict=True) if row["reason"] is None]
    assert " ".join(map(show, kept)).split() == whole
    assert len(list_ids(client.asked)) == len(client.asked)
    account = job.run.ledger("generate").accounts["requests"]
    assert account.balanced
    assert (account.entered, account.kept) == (len(rows), len(kept))
    assert dict(account.dropped) == {"split": len(rows) - len(kept)}
    assert sum(len(row["pairs"] or ()) for row in rows) == job.run.ledger("generate").accounts["pairs"].kept > 0


def test_a_rerun_asks_only_what_was_refused_and_writes_the_same(long, tmp_path):
    job, client = make(long, tmp_path), FakeClient(refuse_above(1100))
    generate(job, client=client)
    first, again = job.record("generate", 0), FakeClient(refuse_above(1100))
    generate(job, client=again)
    assert job.record("generate", 0) == first
    assert [row["request_id"] for row in read_rows(job) if row["reason"] == "split"] == [
        request.request_id for request in again.asked
    ]


def test_what_is_small_and_still_too_long_stays_too_long(long, tmp_path):
    job, client = make(long, tmp_path), FakeClient(refuse_above(0))
    generate(job, client=client)
    rows = read_rows(job)
    assert {row["reason"] for row in rows} == {"split", "too_long"}
    assert len(rows) < 40
    small = [request for request, row in zip(client.asked, rows, strict=True) if row["reason"] == "too_long"]
    assert all(estimate_tokens(show(request)) < MIN_BUDGET_TOKENS for request in small)
    assert job.run.ledger("generate").accounts["requests"].balanced


def test_an_answer_first_request_is_small_and_is_not_divided(long, tmp_path):
    job, client = make(long, tmp_path, prompts=["extractive"]), FakeClient(lambda _: Failure("too_long"))
    generate(job, client=client)
    rows = read_rows(job)
    assert {row["reason"] for row in rows} == {"too_long"}
    assert len(rows) == len(client.asked)


def test_the_models_own_tokenizer_decides_where_a_window_is_divided(long, tmp_path):
    job = make(long, tmp_path, engine={"kind": "openai", "model": "m", "base_url": "http://a", "context_tokens": 5000})
    counter = train_vocabulary()
    fingerprints = fingerprint_stages(job.config, job.prompts, counter_id=counter.identity)
    estimated, counted = FakeClient(), FakeClient()
    generate(job, client=estimated)
    generate(replace(job, counter=counter, fingerprints=fingerprints), client=counted)
    assert len(estimated.asked) != len(counted.asked) > 1
    assert " ".join(map(show, counted.asked)).split() == " ".join(map(show, estimated.asked)).split()
