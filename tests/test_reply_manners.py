"""Builds with servers that answer in every manner seen: the dataset is the one a plain server gives."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import docmatix
from docmatix.review.status import read_status
from docmatix.storage.run import Run
from tests.builds import hash_dataset, running_ray, write_config
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf
from tests.scripted_server import Answer, Body, reply_plausibly, start_scripted_server
from tests.thoughts import BLOCKS, HEADS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DOCUMENTS = 8
Manner = Callable[[str], str | Answer]
"""What becomes of a plain reply."""


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    with running_ray():
        yield


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pdfs")
    for number in range(DOCUMENTS):
        (folder / f"{number:02d}.pdf").write_bytes(write_distinct_pdf(number))
    return folder


def build(folder: Path, pdf_dir: Path, base_url: str, **changes: Any) -> Path:
    """A build of about eighty requests: for lists of pairs, for questions, for answers to these."""
    engine = {"kind": "openai", "model": "scripted", "base_url": base_url, "max_in_flight": 8}
    sections: dict[str, Any] = {
        "generate": {"engine": engine, "prompts": ["broad_whole", "extractive"], "prompts_per_window": 2},
        "plan": {"documents_per_shard": DOCUMENTS},
        "dedup": {"near": False},
        "verify": {"kind": "round_trip"},
        "curate": {"filters": [{"kind": "grounded"}, {"kind": "round_trip"}]},
        "pack": {"dpi": 36},
    }
    docmatix.build(write_config(folder, pdf_dir, base_url, **(sections | changes)), run=folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def plain(pdf_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a build whose server answers plainly."""
    with start_scripted_server() as server:
        return build(tmp_path_factory.mktemp("plain"), pdf_dir, server.base_url)


def read_rows(run: Path, stage: str = "generate") -> list[dict[str, Any]]:
    directory = Run(run)
    return [row for shard in directory.shards(stage) for row in directory.iterate_rows(stage, shard)]


def read_replies(run: Path) -> list[dict[str, Any]]:
    """The stored replies of `generate` and `verify`."""
    directory = Run(run)
    folders = [f"{stage}/replies/part-00000" for stage in ("generate", "verify")]
    names = [f"{folder}/{name}" for folder in folders for name in directory.names(folder)]
    return [row for name in names for row in directory.iterate_file(name)]


def read_published(run: Path) -> list[Any]:
    """The distinct pairs of the dataset, by document."""
    return [
        (row["doc_id"], {(pair["user"], pair["assistant"]) for pair in row["texts"]})
        for path in sorted((run / "dataset").rglob("*.parquet"))
        for row in pq.read_table(path, columns=["doc_id", "texts"]).to_pylist()
    ]


def draft(said: str) -> str:
    """Another reply of the same kind, whose answers are on the page: nothing but the marks tells it from the reply."""
    if said.startswith("{"):
        pairs = json.loads(said)["pairs"]
        return json.dumps({"pairs": [{**pair, "question": f"DRAFT {pair['question']}"} for pair in pairs]})
    return f"DRAFT {said}"


def is_json(said: str) -> bool:
    return said.startswith("{")


def think(opens: str, closes: str) -> Manner:
    return lambda said: f"{opens}{draft(said)}\n{closes}{said}"


def send(write: Callable[[str], dict[str, Any]], finish_reason: str = "stop") -> Manner:
    return lambda said: Answer.of_message({"role": "assistant", **write(said)}, finish_reason)


def call_tool(said: str) -> dict[str, Any]:
    """The reply as the arguments of a function; of what is no JSON, as a part."""
    if not is_json(said):
        return {"content": [{"type": "text", "text": said}]}
    return {"content": None, "tool_calls": [{"type": "function", "function": {"name": "save", "arguments": said}}]}


def rewrite(write: Callable[[str], str]) -> Manner:
    """Another notation of JSON; anything else stays as it is."""
    return lambda said: write(said) if is_json(said) else said


MANNERS: dict[str, Manner] = {
    **{name: think(*marks) for name, marks in (BLOCKS | HEADS).items()},
    "after words": lambda said: f"Sure!\n<think>{draft(said)}</think>\n{said}",
    "end of turn": lambda said: f"{said}<|im_end|>",
    "next turn": lambda said: f"{said}<|eot_id|>\n<|start_header_id|>user<|end_header_id|>\n\n{draft(said)}",
    "reasoning_content": send(lambda said: {"content": said, "reasoning_content": draft(said)}),
    "reasoning": send(lambda said: {"content": said, "reasoning": draft(said)}),
    "parts": send(lambda said: {"content": [{"type": "text", "text": said}]}),
    "thinking parts": send(
        lambda said: {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": draft(said)}]},
                {"type": "text", "text": said},
            ]
        }
    ),
    "tool call": send(call_tool, "tool_calls"),
    "other words for an end": send(lambda said: {"content": said}, "eos_token"),
    "encoded twice": rewrite(json.dumps),
    "Python": rewrite(lambda said: str(json.loads(said))),
    "pretty, in a fence": rewrite(lambda said: f"```json\n{json.dumps(json.loads(said), indent=2)}\n```"),
    "other names": rewrite(lambda said: said.replace('"pairs"', '"qa_pairs"')),
    "lines": rewrite(lambda said: "\n".join(map(json.dumps, json.loads(said)["pairs"]))),
}

FAILURES: dict[str, Manner] = {
    "abort": send(lambda said: {"content": draft(said)}, "abort"),
    "error": send(lambda said: {"content": draft(said)}, "error"),
    "an error in the body": lambda _: Answer({"error": {"message": "the engine fell over", "code": 500}}),
    "an error as an object": lambda _: Answer({"object": "error", "message": "the engine fell over"}),
    "an error in a list": lambda _: Answer(
        [{"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}]
    ),
    "an error beside the reply": lambda said: Answer(
        {"choices": [{"message": {"content": draft(said)}, "error": {"message": "upstream failed"}}]}
    ),
    "no choices": lambda _: Answer({"choices": []}),
    "no message": lambda _: Answer({"choices": [{"message": None, "finish_reason": "stop"}]}),
}


def answer_in_turn(manners: list[Manner]) -> Callable[[Body], str | Answer]:
    """Each request is answered in the next manner, and in the same one whenever it comes again."""
    chosen: dict[str, Manner] = {}

    def reply(body: Body) -> str | Answer:
        manner = chosen.setdefault(json.dumps(body, sort_keys=True), manners[len(chosen) % len(manners)])
        return manner(reply_plausibly(body))

    return reply


@pytest.mark.parametrize("streams", [False, True])
def test_however_a_server_puts_a_reply_the_dataset_is_the_same(
    plain: Path, pdf_dir: Path, tmp_path: Path, streams: bool
) -> None:
    with start_scripted_server(reply=answer_in_turn(list(MANNERS.values())), streams=streams) as server:
        run = build(tmp_path, pdf_dir, server.base_url)
        asked = server.request_count
        assert bool(server.streams) == streams
    assert asked >= len(MANNERS)
    assert read_status(Run(run))["complete"]
    assert hash_dataset(run) == hash_dataset(plain)
    assert not any(row["malformed"] for row in read_rows(run))
    # what was thought is in the stored replies, and what was said is there as it was sent
    replies = read_replies(run)
    assert any(reply["reasoning"] and "DRAFT" in reply["reasoning"] for reply in replies)
    assert any("<think>" in reply["content"] and "DRAFT" in reply["content"] for reply in replies)
    assert len(replies) == asked


def test_a_failure_in_a_success_is_asked_again_and_never_stored(plain: Path, pdf_dir: Path, tmp_path: Path) -> None:
    failing = answer_in_turn(list(FAILURES.values()))
    tried: Counter[str] = Counter()

    def reply(body: Body) -> str | Answer:
        key = json.dumps(body, sort_keys=True)
        tried[key] += 1
        return failing(body) if tried[key] == 1 else reply_plausibly(body)

    with start_scripted_server(reply=reply) as server:
        run = build(tmp_path, pdf_dir, server.base_url)
        asked = server.request_count
    assert asked == 2 * len(tried)
    assert hash_dataset(run) == hash_dataset(plain)
    assert "DRAFT" not in str(read_replies(run))
    assert {reply["finish_reason"] for reply in read_replies(run)} == {"stop"}


FULL = [
    Answer(
        [{"error": {"code": 400, "message": "The input token count (9000) exceeds the maximum number of tokens"}}], 400
    ),
    Answer({"message": "Input is too long for requested model."}, 400),
    Answer(
        {
            "object": "error",
            "message": "Prompt contains 9000 tokens, too large for model with 8192 maximum context length",
        },
        400,
    ),
    Answer({"error": "Input validation error: `inputs` must have less than 4095 tokens. Given: 9000"}, 422),
    Answer({"error": {"message": "input is too large to process. increase the physical batch size"}}, 500),
    Answer({"error": {"message": "prompt is too long: 9000 tokens > 8192 maximum"}}, 200),
]
CUTS = ["length", "max_tokens", "MAX_TOKENS", "LENGTH", "model_length", "content_filter", "SAFETY", "incomplete"]


def test_a_full_context_halves_the_request_and_a_cut_reply_is_cut(tmp_path: Path) -> None:
    pdf_dir = tmp_path / "pdfs"
    pdf_dir.mkdir()
    for number in range(len(FULL)):
        pages = [f"Sheet {page}. {write_distinct_text(10 * number + page)}" for page in range(1, 5)]
        (pdf_dir / f"{number}.pdf").write_bytes(write_pdf(*pages))
    refused: list[Body] = []
    cut: list[str] = []

    def reply(body: Body) -> str | Answer:
        if len(re.findall(r"Sheet \d\.", str(body["messages"]))) > 2:
            refused.append(body)
            return FULL[len(refused) % len(FULL)]
        said = reply_plausibly(body)
        cut.append(CUTS[len(cut) % len(CUTS)])
        # a draft within thoughts that were cut off, or the first pair and half of the second
        half = said[: said.index('"answer"', said.index('"answer"') + 9)]
        return Answer.of_message({"content": f"<think>{draft(said)}" if len(cut) % 2 else half}, cut[-1])

    with start_scripted_server(reply=reply) as server:
        engine = {"kind": "openai", "model": "scripted", "base_url": server.base_url}
        generate = {"engine": engine, "prompts": ["broad_whole"], "pairs_per_page": 0}
        run = build(tmp_path, pdf_dir, server.base_url, generate=generate)
    status = read_status(Run(run))
    assert status["complete"]
    assert status["balanced"]
    rows = read_rows(run)
    assert Counter(row["reason"] for row in rows) == {"split": len(FULL), None: 2 * len(FULL)}
    assert len(refused) == len(FULL)
    assert "DRAFT" not in str([row["pairs"] for row in rows])
    assert all(row["malformed"] == ["truncated"] for row in rows if row["reason"] is None)
    assert sum(len(row["pairs"]) for row in rows if row["reason"] is None) == len(FULL)
    assert {reply["finish_reason"] for reply in read_replies(run)} == set(CUTS)


def test_a_reply_that_repeats_itself_is_given_up_and_what_it_said_before_is_kept(
    plain: Path, pdf_dir: Path, tmp_path: Path
) -> None:
    looping: set[str] = set()

    def reply(body: Body) -> str | Answer:
        said = reply_plausibly(body)
        if not is_json(said) or int(hashlib.sha256(said.encode()).hexdigest(), 16) % 2:
            return said
        looping.add(said)
        pairs = json.loads(said)["pairs"]
        return Answer.of_message({"content": json.dumps({"pairs": pairs + pairs[-1:] * 200})}, "length")

    runs = []
    for streams in (True, False):
        folder = tmp_path / str(streams)
        folder.mkdir()
        with start_scripted_server(reply=reply, streams=streams) as server:
            runs.append(build(folder, pdf_dir, server.base_url))
            # most of what a server without streams generates is paid for
            given_up = [stream for stream in server.streams if stream.sent < stream.events / 5]
        assert len(given_up) == len(looping) * streams
    assert looping
    for run in runs:
        assert read_status(Run(run))["complete"]
        assert read_published(run) == read_published(plain)
        cut = [row for row in read_replies(run) if row["finish_reason"] == "repetition"]
        assert len(cut) == len(looping)
        assert all(0 < row["completion_tokens"] < 1000 for row in cut)
        assert sum(row["malformed"].count("repeated") > 0 for row in read_rows(run) if row["malformed"]) == len(cut)
    contents = [{row["request_id"]: row["content"] for row in read_replies(run)} for run in runs]
    assert contents[0] == contents[1]
