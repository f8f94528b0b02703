"""generate for vision models: pages are rendered when their request is sent, and no more than are in flight."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from docmatix.core.documents import Refusal
from docmatix.core.errors import ServerGone
from docmatix.core.pairs import Failure, Picture, Reply, Request
from docmatix.models.client import ChatClient
from docmatix.pdf.sandbox import Sandbox
from docmatix.stages.generate import generate_shard
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.page_renderer import PageRenderer
from tests.jobs import FakeClient, InlineSandbox, generate, make_job, read_documents
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_huge_page_pdf, write_pdf
from tests.scripted_server import ScriptedServer, SentImage, start_scripted_server

VISION: dict[str, Any] = {
    "engine": {"kind": "openai", "model": "m", "base_url": "http://nowhere:1/v1", "vision": True},
    "prompts": ["vision_layout"],
}


def read_rows(job: Job) -> list[dict[str, Any]]:
    return list(job.run.iterate_rows("generate", 0))


def ask_server(job: Job, server: ScriptedServer) -> None:
    async def work() -> None:
        async with ChatClient([server.base_url], give_up_after_s=5) as client:
            await generate_shard(job, 0, pool=RequestPool(client, in_flight=64), progress=ShardProgress())

    asyncio.run(work())


def make_vision(folder: Path, **generate: Any) -> Job:
    """A job whose prompt belongs everywhere, over documents that have been read."""
    job = make_job(folder, generate={**VISION, **generate})
    if "plan" not in job.run.names(""):
        read_documents(job)
    return belong_everywhere(job)


def belong_everywhere(job: Job) -> Job:
    return replace(job, prompts={name: replace(prompt, when=()) for name, prompt in job.prompts.items()})


@pytest.fixture
def pictured(tmp_path: Path) -> Path:
    """Two documents, one of five pages."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.pdf").write_bytes(write_distinct_pdf(1))
    (docs / "b.pdf").write_bytes(write_pdf(*map(write_distinct_text, range(50, 55))))
    return tmp_path


def test_a_vision_model_is_sent_the_pages_as_pictures_with_their_text(pictured):
    job = make_vision(pictured, pictures={"dpi": 50})
    with start_scripted_server(model=None) as server:
        ask_server(job, server)
        assert sorted(server.images, key=len) == [[SentImage("JPEG", 425, 550)] * count for count in (1, 1, 4)]
        sent = {body["messages"][-1]["content"][-1]["text"]: body for body in server.bodies}
    rows = read_rows(job)
    assert [row["page_numbers"] for row in rows] == [[1], [1, 2, 3, 4], [5]]
    assert [row["reason"] for row in rows] == [None] * 3
    assert all(row["pairs"] for row in rows)
    assert {pair["style"] for row in rows for pair in row["pairs"]} == {"visual"}
    for row in rows:
        recorded = json.loads(row["body"])
        assert "base64" not in row["body"]
        body = sent[recorded["messages"][-1]["content"][-1]["text"]]
        assert {**recorded, "messages": recorded["messages"][:-1]} == {**body, "messages": body["messages"][:-1]}
        assert [part["type"] for part in body["messages"][-1]["content"]] == [
            part["type"] for part in recorded["messages"][-1]["content"]
        ]
    *pictures, text = json.loads(rows[1]["body"])["messages"][-1]["content"]
    assert [picture["picture"]["page"] for picture in pictures] == [1, 2, 3, 4]
    assert pictures[0]["picture"] == {
        "page": 1,
        "dpi": 50,
        "width_px": 425,
        "height_px": 550,
        "scale": 1.0,
        "quality": 85,
    }
    assert '<page number="4">' in text["text"]


def test_pictures_are_made_smaller_than_their_bound_and_the_scale_is_recorded(pictured):
    job = make_vision(pictured, pictures={"dpi": 100, "max_side_px": 275})
    with start_scripted_server(model=None) as server:
        ask_server(job, server)
        assert {image for images in server.images for image in images} == {SentImage("JPEG", 213, 275)}
    picture = json.loads(read_rows(job)[0]["body"])["messages"][-1]["content"][0]["picture"]
    assert (picture["width_px"], picture["height_px"], picture["scale"]) == (213, 275, 0.25)


def test_pictures_alone_are_sent_where_the_text_is_not_wanted(pictured):
    job = make_vision(pictured, pictures={"dpi": 40, "with_text": False})
    with start_scripted_server(model=None) as server:
        ask_server(job, server)
        assert sorted(len(images) for images in server.images) == [1, 1, 4]
        assert not any("<document>" in body["messages"][-1]["content"][-1]["text"] for body in server.bodies)


def test_a_window_of_more_pages_than_a_request_may_have_pictures_is_divided(pictured):
    job = make_vision(pictured, pictures={"dpi": 40, "max_per_request": 3})
    client = FakeClient()
    generate(job, client=client)
    assert [[picture.page for picture in request.pictures] for request in client.asked] == [[1], [1, 2, 3], [4], [5]]
    assert [len(pictures) for pictures in client.pictures] == [1, 3, 1, 1]
    assert len({row["sample_id"] for row in read_rows(job)}) == 3


def test_a_vision_request_that_is_too_long_is_sent_with_fewer_pictures(pictured):
    def reply(request: Request) -> str | Failure:
        return Failure("too_long", "too many images") if len(request.pictures) > 2 else "[]"

    job, client = make_vision(pictured, pictures={"dpi": 40}), FakeClient(reply)
    generate(job, client=client)
    rows = read_rows(job)
    assert [row["reason"] for row in rows] == [None, "split", None, None, None]
    by_id = {request.request_id: [picture.page for picture in request.pictures] for request in client.asked}
    assert [by_id[row["request_id"]] for row in rows] == [[1], [1, 2, 3, 4], [1, 2], [3, 4], [5]]


def test_a_picture_alone_that_is_too_long_stays_so(pictured):
    job, client = (
        make_vision(pictured, pictures={"dpi": 40, "with_text": False}),
        FakeClient(lambda _: Failure("too_long")),
    )
    generate(job, client=client)
    reasons = Counter(row["reason"] for row in read_rows(job))
    assert reasons == {"too_long": 6, "split": 3}


def test_a_rerun_with_stored_replies_renders_nothing(pictured):
    job = make_vision(pictured, pictures={"dpi": 40})
    generate(job, client=FakeClient())
    first = job.record("generate", 0)
    for path in (pictured / "docs").iterdir():
        path.unlink()
    absent = FakeClient(lambda _: ServerGone("away"))
    generate(job, client=absent)
    assert absent.asked == []
    assert job.record("generate", 0) == first


def test_a_document_that_has_changed_since_it_was_read_is_not_shown(pictured):
    job, client = make_vision(pictured, pictures={"dpi": 40}), FakeClient()
    changed = pictured / "docs" / "b.pdf"
    changed.write_bytes(changed.read_bytes()[:-1] + b" ")
    generate(job, client=client)
    assert [row["reason"] for row in read_rows(job)] == [None, "source_changed", "source_changed"]
    assert len(client.asked) == 1
    account = job.run.ledger("generate").accounts["requests"]
    assert account.balanced
    assert dict(account.dropped) == {"source_changed": 2}


def test_a_page_that_cannot_be_rendered_is_the_reason_of_its_request_alone(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.pdf").write_bytes(write_huge_page_pdf())
    (docs / "b.pdf").write_bytes(write_distinct_pdf(1))
    engine = {**VISION["engine"], "context_tokens": 100_000}
    job, client = make_vision(tmp_path, engine=engine, pictures={"dpi": 300, "max_side_px": 200_000}), FakeClient()
    generate(job, client=client)
    huge, other = read_rows(job)
    assert (huge["reason"], other["reason"]) == ("unrenderable", None)
    assert huge["detail"]
    assert len(client.asked) == 1


def test_no_more_requests_are_rendered_than_are_in_flight(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.pdf").write_bytes(write_pdf(*map(write_distinct_text, range(12))))
    job = make_job(
        tmp_path,
        window={"max_pages": 1},
        generate={**VISION, "engine": {**VISION["engine"], "max_in_flight": 3}, "pictures": {"dpi": 36}},
    )
    read_documents(job)
    job = belong_everywhere(job)

    class Patient(FakeClient):
        held = most = 0

        async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
            self.held += 1
            self.most = max(self.most, self.held)
            await asyncio.sleep(0.05)
            outcome = await super().ask(request, pictures=pictures)
            self.held -= 1
            return outcome

    client = Patient()
    generate(job, client=client)
    assert len(client.asked) == 12
    assert 1 <= client.most <= 3


async def test_the_event_loop_goes_on_while_a_page_is_rendered(pictured):
    job = make_vision(pictured)
    let_go = threading.Event()

    class Waiting(InlineSandbox):
        def run(self, function: Callable[..., Any], *args: Any, timeout_s: float, **options: Any) -> Any:
            assert let_go.wait(60), "the loop stood still"
            return Refusal("crashed", "ended by SIGSEGV")

        def close(self) -> None:
            pass

    renderer = PageRenderer(job, 0, sandbox=cast(Sandbox, Waiting()))
    doc_id = read_document_ids(job)[0]
    rendering = asyncio.ensure_future(renderer.render(0, [Picture(doc_id, 1, 40, 900, 85)]))
    await asyncio.sleep(0)
    let_go.set()
    assert await rendering == Failure("unrenderable", "crashed: ended by SIGSEGV")
    await renderer.close()


def read_document_ids(job: Job) -> list[str]:
    return [row["doc_id"] for row in job.run.iterate_rows("extract", 0)]


async def test_documents_may_be_wanted_again_and_in_any_order_and_are_cleaned_up(tmp_path):
    job = make_job(tmp_path, pdfs={f"{i}.pdf": write_distinct_pdf(i) for i in range(7)}, generate=VISION)
    read_documents(job)
    ids = read_document_ids(job)
    renderer = PageRenderer(job, 0)
    for index in (0, 5, 6, 3, 0, 1, 2, 4, 0):
        images = await renderer.render(index, [Picture(ids[index], 1, 40, 900, 85)])
        assert not isinstance(images, Failure)
        assert images[0].startswith(b"\xff\xd8")
    assert renderer.rendered == 9
    missing = await renderer.render(0, [Picture(ids[0], 2, 40, 900, 85)])
    assert isinstance(missing, Failure)
    assert missing.reason == "unrenderable"
    await renderer.close()
