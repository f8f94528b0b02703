"""The real vLLM with a model that takes pictures: they arrive, and no more of them than was announced."""

from __future__ import annotations

import base64
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from docmatix.models.vllm.replica import ServerState, VllmServer
from docmatix.prompting.replies import pairs_schema
from tests.vllm_environment import PICTURE_TOKENS, real_vision_engine

PATIENCE_S = 600.0
ENGINE = {"max_failed_starts": 1}
MOST = 2


@pytest.fixture(scope="module")
def state() -> Iterator[ServerState]:
    server = VllmServer(real_vision_engine(**ENGINE), pictures_per_request=MOST)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (state := server.describe()).state == "starting" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert state.state == "ready", state.detail
        yield state
    finally:
        server.close()


def draw_picture(colour: str) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (300, 400), colour).save(file, "JPEG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def ask(state: ServerState, *colours: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    content = [{"type": "text", "text": "What is this?"}, *map(draw_picture, colours)]
    body = {"model": "tiny-vision", "messages": [{"role": "user", "content": content}], "max_tokens": 8, **fields}
    request = urllib.request.Request(
        f"{state.base_url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_every_picture_reaches_the_model(state: ServerState):
    answers = [ask(state, *colours) for colours in ((), ("red",), ("red", "blue"))]
    assert [status for status, _ in answers] == [200, 200, 200]
    none, one, two = (answer["usage"]["prompt_tokens"] for _, answer in answers)
    assert one - none == two - one == PICTURE_TOKENS + 3


def test_more_pictures_than_announced_are_refused(state: ServerState):
    status, answer = ask(state, *["red"] * (MOST + 1))
    assert status == 400
    assert "At most 2 image(s)" in answer["error"]["message"]


def test_replies_about_pictures_keep_to_a_schema(state: ServerState):
    held = real_vision_engine(**ENGINE).constrain_json("pairs", pairs_schema()) or {}
    status, answer = ask(state, "red", max_tokens=40, **held)
    assert status == 200
    assert answer["choices"][0]["message"]["content"].startswith('{"')
