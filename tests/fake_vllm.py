"""A stand-in for vLLM without a model: its command line, its pages, its two processes and the ways they die.

    engine = fake_engine(folder, slots=4, delay_s=0.05)   # a VllmEngine: its `python` starts this script
    VllmServer(engine)

The API server passes requests on to a child that plays `EngineCore`: `slots` requests are computed at once, in steps of
10 ms, each for `delay_s`; the rest waits. As in vLLM 0.32

- the metrics come from the engine with its steps: those of a stopped engine stay as they are;
- a request whose client has disconnected is dropped;
- when the engine dies, requests in flight get a 500, `/health` a 503, and the server exits soon after;
- when the API server gets a SIGKILL, the engine lives on;
- the key covers the paths below `/v1`, but not `/invocations`, which answers a chat completion too; `--middleware` is
  loaded from the module path and asked first.

Replies are those of `tests.scripted_server.reply_plausibly`. Settings are environment variables, `FAKE_VLLM_SLOTS` for
`slots` and so on; see `fake_engine`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import importlib
import json
import os
import select
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from docmatix.models.vllm.engine import VllmEngine

ROOT = Path(__file__).resolve().parents[1]
STEP_S = 0.01
MODULE = "vllm.entrypoints.openai.api_server"
CONTEXT_ERROR = (
    "This model's maximum context length is {length} tokens. However, your prompt contains at least {asked} input "
    "tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. "
    "(parameter=input_tokens, value={asked})"
)
FAILED_START = """\
(EngineCore pid={pid}) ERROR 11-22 09:45:23 [core.py:1502] EngineCore failed to start.
(EngineCore pid={pid}) ERROR 11-22 09:45:23 [core.py:1502] Traceback (most recent call last):
(EngineCore pid={pid}) ERROR 11-22 09:45:23 [core.py:1502]   File "vllm/v1/engine/core.py", line 1480, in run
(EngineCore pid={pid}) ERROR 11-22 09:45:23 [core.py:1502]     engine_core = EngineCoreProc(*args, **kwargs)
(EngineCore pid={pid}) ERROR 11-22 09:45:23 [core.py:1502] {why}
(EngineCore pid={pid}) Process EngineCore:
(EngineCore pid={pid}) Traceback (most recent call last):
(EngineCore pid={pid})   File "vllm/v1/engine/core.py", line 1480, in run
(EngineCore pid={pid}) {why}
(APIServer pid={pid}) Traceback (most recent call last):
(APIServer pid={pid})   File "vllm/entrypoints/openai/api_server.py", line 80, in <module>
(APIServer pid={pid}) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {{}}
nanobind: leaked 2 instances!
 - leaked instance 0x7f of type "xgrammar"
"""


# --- for tests --------------------------------------------------------------------------------------------------------


def write_interpreter(folder: Path, *, distributions: tuple[str, ...] = ("vllm",)) -> str:
    """A script that passes for the interpreter of an environment with vLLM, and starts this one as vLLM's server."""
    for name in distributions:
        info = folder / "packages" / f"{name.replace('-', '_')}-0.32.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.32.0\n")
    script = folder / "python"
    script.write_text(
        f"""#!/bin/sh
if [ "$1 $2" = "-m {MODULE}" ]; then shift 2; exec "{sys.executable}" "{Path(__file__).resolve()}" "$@"; fi
PYTHONPATH="{folder / "packages"}" exec "{sys.executable}" "$@"
"""
    )
    script.chmod(0o755)
    return str(script)


def fake_engine(
    folder: Path,
    *,
    slots: int = 4,
    delay_s: float = 0.05,
    start_s: float = 0.0,
    failing_starts: int = 0,
    failure: str = "ValueError: No available memory for the cache blocks.",
    deaf: bool = False,
    log: Path | None = None,
    poison: str = "",
    **settings: Any,
) -> VllmEngine:
    """An engine that is served by this script. `folder` holds its interpreter, and remembers starts.

    `start_s`: how long it loads. `failing_starts`: that many starts fail, with `failure`. `deaf`: a SIGTERM does not
    end it. `log`: a file to which every chat request adds a line, `{"pid", "key", "status"}`; the key is a hash of the
    body. `poison`: a request with this text in it kills the engine. Further settings are the engine's.
    """
    from docmatix.models.vllm.engine import VllmEngine

    folder.mkdir(parents=True, exist_ok=True)
    env = {"SLOTS": slots, "DELAY_S": delay_s, "START_S": start_s, "FAILURE": failure, "FOLDER": folder}
    env |= {"FAILING_STARTS": failing_starts, "DEAF": int(deaf), "POISON": poison} | ({"LOG": log} if log else {})
    values = {"model": "fake", "gpus_per_replica": 0, "max_model_len": 8192, "hang_timeout_s": 3, **settings}
    environment = {f"FAKE_VLLM_{name}": str(value) for name, value in env.items()}
    return VllmEngine(
        kind="vllm", python=write_interpreter(folder), **values | {"env": {**environment, **settings.get("env", {})}}
    )


def find_engine_pid(server_pid: int) -> int:
    """The process that plays EngineCore for an API server."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and b"\0--engine\0" in (entry / "cmdline").read_bytes():
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == server_pid:
                    return int(entry.name)
    raise LookupError(server_pid)


# --- the engine's process ---------------------------------------------------------------------------------------------


def run_engine(*, slots: int, delay_s: float) -> None:
    """Read request numbers from stdin (negative ones are to be dropped), and write a JSON line for each step: which are
    done, how many run and wait."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting: deque[str] = deque()
    running: dict[str, float] = {}
    unread = b""
    listens = True
    while True:
        if listens and select.select([0], [], [], STEP_S if waiting or running else None)[0]:
            read = os.read(0, 1 << 16)
            listens = bool(read)
            *lines, unread = (unread + read).split(b"\n")
            for number in map(bytes.decode, lines):
                if not number.startswith("-"):
                    waiting.append(number)
                elif number[1:] in waiting:
                    waiting.remove(number[1:])
                else:
                    running.pop(number[1:], None)
        elif not listens:
            time.sleep(STEP_S)
        now = time.monotonic()
        done = [number for number, due in running.items() if now >= due]
        for number in done:
            del running[number]
        while waiting and len(running) < slots:
            running[waiting.popleft()] = now + delay_s
        word = {"done": done, "running": len(running), "waiting": len(waiting)}
        with contextlib.suppress(BrokenPipeError):
            os.write(1, json.dumps(word).encode() + b"\n")


# --- the API server's process -----------------------------------------------------------------------------------------


class FakeServer:
    """The routes, and the latest figures of the engine."""

    def __init__(self, options: argparse.Namespace) -> None:
        from tests.scripted_server import reply_plausibly

        self._reply = reply_plausibly
        self._names = [options.served_model_name, *(lora.partition("=")[0] for lora in options.lora_modules)]
        self._length = options.max_model_len
        self._key = os.environ.get("VLLM_API_KEY")
        module, _, name = (options.middleware or "").rpartition(".")
        self._middleware = getattr(importlib.import_module(module), name)(_pass_on) if module else None
        self._log = os.environ.get("FAKE_VLLM_LOG")
        self._engine: asyncio.subprocess.Process | None = None
        self._dead = False
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._count = 0
        self._figures = dict.fromkeys(
            ("steps", "running", "waiting", "prompt_tokens", "generation_tokens", "queries", "finished", "canaries"), 0
        )

    async def start_engine(self) -> None:
        """Start the child and listen to it."""
        command = [sys.executable, str(Path(__file__).resolve()), "--engine", "1"]
        self._engine = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._engine
        assert self._engine.stdout
        while line := await self._engine.stdout.readline():
            word = json.loads(line)
            self._figures["steps"] += 1
            self._figures |= {"running": word["running"], "waiting": word["waiting"]}
            for number in word["done"]:
                if number in self._asked and not self._asked[number].done():
                    self._asked[number].set_result(None)
        self._dead = True
        _say("APIServer", "ERROR", "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.")
        for waiter in self._asked.values():
            if not waiter.done():
                waiter.set_exception(RuntimeError("EngineCore encountered an issue."))
        await asyncio.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    async def _compute(self) -> None:
        assert self._engine
        assert self._engine.stdin
        if self._dead:
            raise RuntimeError("EngineCore encountered an issue.")
        self._count += 1
        number = str(self._count)
        self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._engine.stdin.write(number.encode() + b"\n")
            await self._asked[number]
        except asyncio.CancelledError:  # the client has disconnected
            self._engine.stdin.write(f"-{number}\n".encode())
            raise
        finally:
            del self._asked[number]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        from aiohttp import web

        status = await self._ask_middleware(request)
        if status is not None:
            return web.json_response({"error": "Unauthorized"}, status=status)
        if request.path == "/health":
            return web.Response(status=503 if self._dead else 200)
        if request.path == "/metrics":
            return web.Response(text=self._write_metrics())
        allowed = not self._key or request.headers.get("Authorization") == f"Bearer {self._key}"
        if request.path.startswith("/v1") and not allowed:
            return web.json_response({"error": "Unauthorized"}, status=401)
        if request.path == "/v1/models":
            return web.json_response({"object": "list", "data": [{"id": name} for name in self._names]})
        if request.path not in ("/v1/completions", "/v1/chat/completions", "/invocations"):
            return web.json_response({"detail": "Not Found"}, status=404)
        body = await request.json()
        response = await self._complete(body)
        if self._log and "messages" in body:
            key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
            line = json.dumps({"pid": os.getpid(), "key": key, "status": response.status}) + "\n"
            with Path(self._log).open("a") as file:
                file.write(line)
        return response

    async def _ask_middleware(self, request: web.Request) -> int | None:
        """The status that it answers in the server's place; None if it passes the request on."""
        if self._middleware is None:
            return None
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(name.lower(), value) for name, value in request.raw_headers]
        scope = {"type": "http", "method": request.method, "path": request.path, "headers": headers}
        await self._middleware(scope, None, send)
        return int(sent[0]["status"]) if sent else None

    async def _complete(self, body: dict[str, Any]) -> web.Response:
        from aiohttp import web

        if body.get("model") not in self._names:
            return _refuse(404, f"The model `{body.get('model')}` does not exist.", "NotFoundError")
        messages = body.get("messages") or [{"content": body.get("prompt", "")}]
        asked = sum(len(str(message["content"]).split()) for message in messages)
        if asked > self._length:
            return _refuse(400, CONTEXT_ERROR.format(length=self._length, asked=asked), "BadRequestError")
        poison = os.environ.get("FAKE_VLLM_POISON")
        if poison and self._engine and any(poison in str(message["content"]) for message in messages):
            with contextlib.suppress(ProcessLookupError):
                self._engine.kill()
        try:
            await self._compute()
        except RuntimeError as error:
            return _refuse(500, str(error), "InternalServerError")
        content = self._reply(body) if "messages" in body else "a"
        said = len(content.split())
        self._figures["prompt_tokens"] += asked
        self._figures["queries"] += asked
        self._figures["generation_tokens"] += said
        self._figures["finished"] += 1
        self._figures["canaries"] += body.get("max_tokens") == 1
        usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        completion = {"id": "chatcmpl-fake", "object": "chat.completion", "model": body["model"], "choices": [choice]}
        return web.json_response(completion | {"usage": usage})

    def _write_metrics(self) -> str:
        labels = f'{{engine="0",model_name="{self._names[0]}"}}'
        f = self._figures
        values = {
            "num_requests_running": f["running"],
            "num_requests_waiting": f["waiting"],
            "kv_cache_usage_perc": min(1.0, f["running"] / 100),
            "prefix_cache_queries_total": f["queries"],
            "prefix_cache_hits_total": f["queries"] // 2,
            "prompt_tokens_total": f["prompt_tokens"],
            "generation_tokens_total": f["generation_tokens"],
            "request_success_total": f["finished"],
            "iteration_tokens_total_count": f["steps"],
            "time_to_first_token_seconds_count": f["finished"],
            "time_to_first_token_seconds_sum": f["finished"] / 10,
        }
        lines = [f"vllm:{name}{labels} {float(value)}" for name, value in values.items()]
        lines += [
            f'vllm:request_params_max_tokens_bucket{{le="{bound}"}} {float(count)}'
            for bound, count in {"1.0": f["canaries"], "+Inf": f["finished"]}.items()
        ]
        return "\n".join(lines) + "\n"


def _refuse(status: int, message: str, kind: str) -> web.Response:
    from aiohttp import web

    error = {"message": message, "type": kind, "param": None, "code": status}
    return web.json_response({"error": error}, status=status)


async def _pass_on(scope: object, receive: object, send: object) -> None:
    """What the middleware calls for a request that may pass."""


def _say(process: str, level: str, text: str) -> None:
    now = time.strftime("%m-%d %H:%M:%S")
    print(f"({process} pid={os.getpid()}) {level} {now} [fake.py:1] {text}", file=sys.stderr, flush=True)


def _fails_this_time() -> bool:
    starts = Path(os.environ["FAKE_VLLM_FOLDER"]) / "starts"
    with starts.open("a") as file:
        file.write(".")
    return len(starts.read_text()) <= int(os.environ.get("FAKE_VLLM_FAILING_STARTS", "0"))


async def serve(options: argparse.Namespace) -> None:
    """Load, then answer until a SIGTERM."""
    from aiohttp import web

    server = FakeServer(options)
    await server.start_engine()
    began = time.monotonic()
    start_s = float(os.environ.get("FAKE_VLLM_START_S", "0"))
    while (passed := time.monotonic() - began) < start_s:
        _say("EngineCore", "INFO", f"Loading safetensors checkpoint shards: {100 * passed / start_s:.0f}% Completed")
        await asyncio.sleep(min(0.2, start_s))
    app = web.Application(client_max_size=2**28)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port, reuse_address=True).start()
    _say("APIServer", "INFO", f"Starting vLLM server on http://{options.host}:{options.port}")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    deaf = os.environ.get("FAKE_VLLM_DEAF") == "1"
    loop.add_signal_handler(signal.SIGTERM, (lambda: None) if deaf else ended.set)
    await ended.wait()
    assert server._engine
    with contextlib.suppress(ProcessLookupError):
        server._engine.kill()
    await runner.cleanup()


def main() -> None:
    """Play the API server, or with `--engine` its engine."""
    if "--engine" in sys.argv:
        slots, delay_s = os.environ.get("FAKE_VLLM_SLOTS", "4"), os.environ.get("FAKE_VLLM_DELAY_S", "0.05")
        run_engine(slots=int(slots), delay_s=float(delay_s))
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--served-model-name", required=True)
    parser.add_argument("--max-model-len", type=int, required=True)
    parser.add_argument("--lora-modules", nargs="*", default=[])
    parser.add_argument("--middleware")
    options, _ = parser.parse_known_args()
    if _fails_this_time():
        print(FAILED_START.format(pid=os.getpid(), why=os.environ["FAKE_VLLM_FAILURE"]), file=sys.stderr, flush=True)
        sys.exit(1)
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
