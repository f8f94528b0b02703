"""The reply store: no reply is asked for twice, and none that was written is lost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docmatix.core.errors import ServerGone, StorageFailed
from docmatix.core.pairs import Failure, Message, Reply, Request
from docmatix.stages.support.reply_store import ReplyStore
from docmatix.storage.earlier_schemas import REPLIES_BEFORE_REASONING
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.pending import PendingFile
from docmatix.storage.run import Run
from tests.jobs import FakeClient


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def make_request(number: int) -> Request:
    return Request("m", (Message("user", f"question {number}"),), {"seed": number})


async def ask(store: ReplyStore, client: FakeClient, *numbers: int) -> list[Reply | Failure]:
    asked = (store.ask(make_request(number), prompt="p", ask=client.ask) for number in numbers)
    return await asyncio.gather(*asked)


def echo(request: Request) -> str:
    return f"reply to {request.messages[0].content}"


async def fill(run: Run, *numbers: int, flush: bool = True) -> ReplyStore:
    """A store that writes only on demand."""
    store = ReplyStore(run, "generate", 0, every_s=math.inf)
    await ask(store, FakeClient(echo), *numbers)
    if flush:
        store.flush()
    return store


async def test_a_stored_reply_is_returned_unchanged_and_the_model_is_not_asked(run):
    await fill(run, 1, 2)
    client, store = FakeClient(echo), ReplyStore(run, "generate", 0)
    replies = await ask(store, client, 2, 1)
    assert replies == [
        Reply(make_request(number).request_id, f"reply to question {number}", "m", "stop", 10, 5) for number in (2, 1)
    ]
    assert client.asked == []
    assert store.reused == 2


async def test_only_what_is_new_is_asked(run):
    await fill(run, 1, 2)
    client, store = FakeClient(echo), ReplyStore(run, "generate", 0)
    await ask(store, client, 1, 2, 3)
    assert client.asked == [make_request(3)]
    assert len(store) == 3


async def test_a_kill_loses_only_what_was_not_written_yet(run):
    store = await fill(run, 1, 2)
    await ask(store, FakeClient(echo), 3)
    client = FakeClient(echo)
    await ask(ReplyStore(run, "generate", 0), client, 1, 2, 3)
    assert client.asked == [make_request(3)]


async def test_replies_are_written_as_they_come_at_the_given_pace(run):
    store = ReplyStore(run, "generate", 0, every_s=0)
    await ask(store, FakeClient(echo), 1, 2)
    client = FakeClient(echo)
    await ask(ReplyStore(run, "generate", 0), client, 1, 2)
    assert client.asked == []


async def test_tokens_are_counted_of_what_was_asked_for_each_once_stored_or_new(run):
    await fill(run, 1, 2, 3)
    store = ReplyStore(run, "generate", 0)
    assert store.count_tokens() == {"prompt": 0, "completion": 0}
    await ask(store, FakeClient(echo), 2, 2, 7, 7)
    assert store.count_tokens() == {"prompt": 20, "completion": 10}
    await ask(store, FakeClient(lambda _: Failure("refused")), 8)
    assert store.count_tokens() == {"prompt": 20, "completion": 10}


async def test_two_equal_requests_are_asked_once(run):
    client, store = FakeClient(echo), ReplyStore(run, "generate", 0)
    replies = await ask(store, client, 1, 1, 1)
    assert len(client.asked) == 1
    assert len(set(map(repr, replies))) == 1
    assert len(store) == 1


async def test_a_failure_is_not_stored_and_asked_again(run):
    store = ReplyStore(run, "generate", 0)
    failing = FakeClient(lambda _: Failure("timeout", "slow"))
    assert await ask(store, failing, 1, 1) == [Failure("timeout", "slow")] * 2
    assert len(store) == 0
    assert store.compact() == []
    (reply,) = await ask(store, FakeClient(echo), 1)
    assert isinstance(reply, Reply)


async def test_an_exception_reaches_everyone_who_waits_and_is_not_stored(run):
    store = ReplyStore(run, "generate", 0)
    gone = FakeClient(lambda _: ServerGone("away"))
    asked = (store.ask(make_request(1), prompt="p", ask=gone.ask) for _ in range(2))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ServerGone, ServerGone]
    assert len(gone.asked) == 1
    (reply,) = await ask(store, FakeClient(echo), 1)
    assert isinstance(reply, Reply)


async def test_one_who_stops_waiting_leaves_the_others_their_reply(run):
    store, client = ReplyStore(run, "generate", 0), FakeClient(echo)
    first, second = (
        asyncio.ensure_future(store.ask(make_request(1), prompt="p", ask=client.ask)) for _ in range(2)
    )  # fmt: skip
    await asyncio.sleep(0)
    second.cancel()
    assert isinstance(await first, Reply)
    assert len(client.asked) == 1


async def test_replies_of_other_shards_and_stages_are_not_taken(run):
    await fill(run, 1)
    for stage, shard in (("generate", 1), ("verify", 0), ("generate", 100_000)):
        assert len(ReplyStore(run, stage, shard)) == 0


async def test_compacting_makes_one_file_of_many(run):
    store = await fill(run, 1)
    for number in (2, 3):
        await ask(store, FakeClient(echo), number)
        store.flush()
    await ask(store, FakeClient(echo), 4)
    assert len(run.names("generate/replies/part-00000")) == 3
    names = store.compact()
    assert [f"part-00000/{name}" for name in run.names("generate/replies/part-00000")] == names
    assert len(names) == 1
    assert store.compact() == names
    client = FakeClient(echo)
    await ask(ReplyStore(run, "generate", 0), client, 1, 2, 3, 4)
    assert client.asked == []


async def test_the_compacted_file_does_not_depend_on_the_order_of_replies(run, tmp_path):
    one = await fill(run, 1, 2, 3)
    other = await fill(Run(tmp_path / "other"), 3, flush=False)
    await ask(other, FakeClient(echo), 2)
    other.flush()
    await ask(other, FakeClient(echo), 1)
    assert one.compact() == other.compact()


async def test_a_slow_server_does_not_leave_a_file_for_every_reply(run):
    store = ReplyStore(run, "generate", 0)
    most = 0
    for number in range(70):
        await ask(store, FakeClient(echo), number)
        store.flush()
        most = max(most, len(run.names("generate/replies/part-00000")))
    assert most <= 32
    assert len(ReplyStore(run, "generate", 0)) == 70


async def test_two_workers_on_one_shard_do_not_mix_their_files(run):
    one, other = await fill(run, 1, flush=False), await fill(run, 2, flush=False)
    one.flush()
    other.flush()
    assert len(ReplyStore(run, "generate", 0)) == 2


async def test_replies_may_lie_in_an_object_store(memory_run):
    store = await fill(memory_run, 1, 2)
    store.compact()
    assert len(ReplyStore(memory_run, "generate", 0)) == 2


class SlowRun(Run):
    """A run whose store takes files only once it `may_write`, and refuses the first `refused` of them."""

    refused = 0

    def __init__(self, url: Path) -> None:
        super().__init__(url)
        self.may_write = threading.Event()
        self.writers = self.most_writers = 0

    @contextlib.contextmanager
    def writing(self, folder: str) -> Iterator[PendingFile]:
        self.writers += 1
        self.most_writers = max(self.writers, self.most_writers)
        try:
            assert self.may_write.wait(30)
            if self.refused:
                self.refused -= 1
                raise StorageFailed("refused")
            with super().writing(folder) as pending:
                yield pending
        finally:
            self.writers -= 1


async def look_around() -> None:
    """Let every task go as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_slow_store_stops_nobody_but_those_whose_replies_it_is_to_take_next(run, tmp_path):
    slow = SlowRun(tmp_path / "run")
    store = ReplyStore(slow, "generate", 0, every_s=0)
    await ask(store, FakeClient(echo), 1)  # is written while the loop goes on
    waiting = [asyncio.ensure_future(ask(store, FakeClient(echo), number)) for number in (2, 3)]
    await look_around()
    assert not any(task.done() for task in waiting)
    await ask(store, FakeClient(echo), 1)  # what is stored is told at once
    slow.may_write.set()
    await asyncio.gather(*waiting)
    await store.finish()
    assert slow.most_writers == 1
    assert len(ReplyStore(run, "generate", 0)) == 3


async def test_replies_that_could_not_be_written_are_written_later_and_somebody_is_told(run, tmp_path):
    slow = SlowRun(tmp_path / "run")
    slow.refused = 1
    slow.may_write.set()
    store = ReplyStore(slow, "generate", 0, every_s=0)
    await ask(store, FakeClient(echo), 1)
    with pytest.raises(StorageFailed):
        async with store.kept_on_failure():
            await ask(store, FakeClient(echo), 2)
    assert len(ReplyStore(run, "generate", 0)) == 2


async def test_a_shard_does_not_commit_before_its_replies_are_stored(run, tmp_path):
    slow = SlowRun(tmp_path / "run")
    store = ReplyStore(slow, "generate", 0, every_s=0)
    await ask(store, FakeClient(echo), 1)
    finishing = asyncio.ensure_future(store.finish())
    await look_around()
    assert not finishing.done()
    slow.may_write.set()
    names = await finishing
    assert [f"part-00000/{name}" for name in run.names("generate/replies/part-00000")] == names


async def test_replies_that_come_while_many_files_are_merged_are_stored_too(run, tmp_path):
    store = await fill(run)
    for number in range(32):
        await ask(store, FakeClient(echo), number)
        store.flush()
    slow = SlowRun(tmp_path / "run")
    store = ReplyStore(slow, "generate", 0, every_s=0)
    await ask(store, FakeClient(echo), 100)  # begins to merge
    waiting = asyncio.ensure_future(ask(store, FakeClient(echo), 101))
    await look_around()
    slow.may_write.set()
    await waiting
    await store.finish()
    assert len(ReplyStore(run, "generate", 0)) == 34


class MergedMeanwhile(Run):
    """A run in which another worker, whose driver was killed, merges a shard's replies right after they are listed."""

    merge: Callable[[], object] | None = None

    def names(self, folder: str) -> list[str]:
        found = super().names(folder)
        merge, self.merge = self.merge, None
        if merge:
            merge()
        return found


async def test_replies_that_another_worker_merges_while_they_are_read_are_all_there(run, tmp_path):
    other = await fill(run, 1, 2)
    await ask(other, FakeClient(echo), 3)
    shared = MergedMeanwhile(tmp_path / "run")
    shared.merge = other.compact
    client, store = FakeClient(echo), ReplyStore(shared, "generate", 0)
    await ask(store, client, 1, 2, 3)
    assert client.asked == []
    assert [f"part-00000/{name}" for name in run.names("generate/replies/part-00000")] == store.compact()


async def test_thoughts_and_log_probabilities_are_stored_beside_the_reply_and_replies_of_earlier_versions_have_none(
    run,
):
    def think(request: Request) -> Reply:
        return Reply(request.request_id, "<think>a</think>b", "m", "stop", 10, 5, reasoning="c", logprob=-1.625)

    async def ask_thinker(request: Request) -> Reply:
        return think(request)

    store = await fill(run, 1)
    request = make_request(2)
    await store.ask(request, prompt="p", ask=ask_thinker)
    store.compact()
    assert (await ask(ReplyStore(run, "generate", 0), FakeClient(echo), 2)) == [think(request)]
    write_as_before(run, Reply(make_request(3).request_id, "d", "m", "stop", 1, 1))
    (before,) = await ask(ReplyStore(run, "generate", 0), FakeClient(echo), 3)
    assert before == Reply(make_request(3).request_id, "d", "m", "stop", 1, 1, reasoning=None, logprob=None)


async def test_what_an_earlier_version_stored_of_a_server_that_gave_up_is_asked_for_again(run):
    write_as_before(run, Reply(make_request(1).request_id, "half of a", "m", "abort", 1, 1))
    client = FakeClient(echo)
    (reply,) = await ask(ReplyStore(run, "generate", 0), client, 1)
    assert client.asked == [make_request(1)]
    assert isinstance(reply, Reply)
    assert reply.content == "reply to question 1"


def write_as_before(run: Run, reply: Reply) -> None:
    """A file of replies as versions without the columns `reasoning` and `logprob` wrote it."""
    row = {name: getattr(reply, name) for name in REPLIES_BEFORE_REASONING.names if name != "prompt"} | {"prompt": "p"}
    with run.writing("generate/replies/part-00000") as pending:
        writer = ShardWriter(pending, REPLIES_BEFORE_REASONING)
        writer.add(row)
        writer.close()
        pending.publish(f"generate/replies/part-00000/{pending.sha256[:16]}.parquet")
