"""Attacks on the model servers of a build by those who reach their ports: other programs, web pages, other users."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.service import Service
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica import ServerState, VllmServer
from docmatix.storage.run import Run
from tests.fake_vllm import fake_engine

EVIL = "http://evil.example"
KEY = "canary-key-of-a-build"
MODEL = "smollm2-135m"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hi."}], "prompt": "Hi.", "content": "Hi."}
USES = [
    "GET /v1/models",
    "GET /props",
    "GET /slots",
    "GET /metrics",
    "GET /lora-adapters",
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /completion",
    "POST /v1/messages",
    "POST /infill",
    "POST /tokenize",
    "POST /apply-template",
    "POST /slots/0?action=erase",
]
"""What anybody could ask llama.cpp for before it had a key."""
SQUATTER = """
import os, socket, sys

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
listening = socket.socket()
for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
    listening.setsockopt(socket.SOL_SOCKET, option, 1)
try:
    listening.bind(("127.0.0.1", int(sys.argv[1])))
except OSError:
    print("refused", flush=True)
    sys.exit()
listening.listen()
print("taken", flush=True)
while True:
    connection, _ = listening.accept()
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
    connection.close()
"""
"""Another user who takes a port and says that all is well."""

as_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="vLLM is served on Linux alone")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def ask(base_url: str, use: str, *, key: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    """One request, such as `GET /health`."""
    method, path = use.split()
    body = json.dumps(BODY | {"max_tokens": 1}) if method == "POST" else None
    connection = http.client.HTTPConnection(base_url.split("/")[2], timeout=60)
    sent = {"Content-Type": "text/plain", **({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        received = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, received, answer.read().decode())
    finally:
        connection.close()


def wait_until(happened: Callable[[], bool], *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- the embedded model -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serve_embedded() -> Iterator[Service]:
    pytest.importorskip("xllamacpp")
    engine = LlamacppEngine(kind="llamacpp", context_tokens=512, slots=1, threads=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        engine.serve(pictures_per_request=0, say=lambda line: None, run=Run(folder)) as served,
    ):
        yield served.service


@pytest.fixture(scope="module")
def embedded() -> Iterator[Service]:
    with serve_embedded() as service:
        yield service


def get_key(service: Service) -> str:
    return service.api_key.get_secret_value() if service.api_key else ""


def find_child(service: Service) -> psutil.Process:
    """The process that serves: the one that listens at its port."""
    port = int(service.addresses[0].split(":")[2].removesuffix("/v1"))
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if port in [listening.laddr.port for listening in child.net_connections() if listening.status == "LISTEN"]:
                return child
    raise LookupError(port)


@pytest.mark.parametrize("use", USES)
def test_another_program_of_the_machine_is_refused_by_the_embedded_model(embedded: Service, use: str):
    for key in (None, "", "guessed", get_key(embedded)[:-1]):
        assert ask(embedded.addresses[0], use, key=key).status == 401


def test_without_the_key_the_embedded_model_tells_its_health_and_nothing_else(embedded: Service):
    assert ask(embedded.addresses[0], "GET /v1/models", key=get_key(embedded)).status == 200
    told = [ask(embedded.addresses[0], f"GET {path}") for path in ("/", "/index.html", "/health", "/v1/health")]
    assert [answer.status for answer in told] == [404, 404, 200, 200]
    assert {answer.body for answer in told if answer.status == 200} == {'{"status":"ok"}'}


def test_the_prompts_under_way_are_shown_to_nobody(embedded: Service):
    assert ask(embedded.addresses[0], "GET /slots", key=get_key(embedded)).status == 501


@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:3000"])
def test_a_web_page_may_not_read_what_the_embedded_model_says(embedded: Service, origin: str):
    for use in ("OPTIONS /v1/chat/completions", "GET /health", "POST /v1/chat/completions"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        headers = ask(embedded.addresses[0], use, headers=asked).headers
        assert headers.get("access-control-allow-origin", "") == ""
        assert headers.get("access-control-allow-credentials", "false") == "false"


def test_a_page_that_has_bound_its_name_to_this_machine_is_refused(embedded: Service):
    rebound = {"Host": "evil.example", "Origin": EVIL}
    assert ask(embedded.addresses[0], "POST /v1/chat/completions", headers=rebound).status == 401


def test_the_key_of_the_embedded_model_is_not_in_the_list_of_processes(embedded: Service):
    key, child = get_key(embedded), find_child(embedded)
    assert len(key) >= 32
    assert key not in " ".join(child.cmdline())
    assert key not in " ".join(child.environ().values())
    assert key not in repr(embedded)


@as_root
def test_another_user_cannot_take_the_port_of_an_embedded_model_that_has_died():
    with serve_embedded() as service:
        address, before = service.addresses[0], find_child(service)
        before.kill()
        before.wait()
        with squat(address.split(":")[2].removesuffix("/v1")) as took:
            assert not took

        def is_back() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return ask(address, "GET /v1/models", key=get_key(service)).status == 200
            return False

        wait_until(is_back)
        assert ask(address, "GET /v1/models").status == 401


@contextlib.contextmanager
def squat(port: str) -> Iterator[bool]:
    """Whether another user could take a port, and holds it for the length of the block."""
    with subprocess.Popen([sys.executable, "-c", SQUATTER, port], stdout=subprocess.PIPE, text=True) as squatter:
        assert squatter.stdout
        try:
            yield {"taken\n": True, "refused\n": False}[squatter.stdout.readline()]
        finally:
            squatter.kill()


# --- vLLM -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(engine: VllmEngine) -> Iterator[VllmServer]:
    server = VllmServer(engine, grace_s=1)
    try:
        yield server
    finally:
        server.close()


def wait_until_ready(server: VllmServer) -> ServerState:
    wait_until(lambda: server.describe().state in ("ready", "failed"))
    assert server.describe().state == "ready", server.describe()
    return server.describe()


@on_linux
def test_the_paths_that_vllm_itself_leaves_open_ask_for_the_key_too(tmp_path: Path):
    with running(fake_engine(tmp_path, name=MODEL, env={"VLLM_API_KEY": KEY})) as server:
        url = wait_until_ready(server).base_url
        assert url
        assert ask(url, "POST /invocations", key=KEY).status == 200
        for use in ("POST /invocations", "POST /v1/chat/completions", "GET /docs", "POST /tokenize", "GET /healthy"):
            for key in (None, "guessed"):
                assert ask(url, use, key=key).status == 401, use
        assert [ask(url, use).status for use in ("GET /health", "GET /metrics")] == [200, 200]


@on_linux
def test_no_web_page_may_ask_vllm_and_its_key_is_not_in_the_list_of_processes(tmp_path: Path):
    with running(fake_engine(tmp_path, env={"VLLM_API_KEY": KEY})) as server:
        command = psutil.Process(wait_until_ready(server).pid).cmdline()
    assert command[command.index("--allowed-origins") + 1] == "[]"
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert KEY not in " ".join(command)


@on_linux
@as_root
def test_another_user_who_takes_the_port_of_a_replica_that_loads_is_not_taken_for_it(tmp_path: Path):
    with running(fake_engine(tmp_path, start_s=3)) as server:
        wait_until(lambda: server.describe().pid is not None)
        command = psutil.Process(server.describe().pid).cmdline
        wait_until(lambda: "--port" in command())  # what everybody may read
        port = command()[command().index("--port") + 1]
        with squat(port) as took:
            assert took
            url = wait_until_ready(server).base_url
            assert url is not None
            assert f":{port}/" not in url, "the documents would go to whatever process has taken it"
