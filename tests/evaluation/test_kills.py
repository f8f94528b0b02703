"""An evaluation that is ended in the middle goes on where it was."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.evaluation.skill import Body, evaluate, learn_skill, make_engine
from tests.scripted_server import start_scripted_server
from tests.waiting import wait_until


def hash_body(body: Body) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_was_answered_before_a_signal_is_not_asked_again(sign: signal.Signals, sample_run: Path, tmp_path: Path):
    skill, out = learn_skill(sample_run), tmp_path / "out"
    ending = threading.Event()
    answered: list[str] = []

    def answer(body: Body) -> str:
        if ending.is_set():
            raise TimeoutError
        answered.append(hash_body(body))
        if len(answered) == 30:
            ending.set()
        return skill(body)

    with start_scripted_server(reply=answer) as server:
        engine = make_engine(server.base_url, max_in_flight=2)
        command = [sys.executable, "-m", "docmatix", "evaluate", str(sample_run), "-o", str(out)]
        with subprocess.Popen([*command, "--engine", json.dumps(engine)], stderr=subprocess.PIPE) as process:
            wait_until(lambda: server.request_count >= 30 and server.in_flight == 2)
            process.send_signal(sign)
            _, said = process.communicate(timeout=60)
        assert process.returncode == (-sign if sign == signal.SIGKILL else 1)
        if sign != signal.SIGKILL:
            assert said.decode().splitlines()[-1].startswith("docmatix: Interrupted")
    assert not (out / "predictions.parquet").exists()
    with start_scripted_server(reply=skill) as server:
        evaluate(sample_run, out, config={"engine": make_engine(server.base_url)})
        again = set(map(hash_body, server.bodies)) & set(answered)
    # a kill loses no more than the replies of the last second, a signal that can be heard none
    assert len(again) == 0 if sign != signal.SIGKILL else len(again) <= 30
    undisturbed = tmp_path / "undisturbed"
    with start_scripted_server(reply=skill) as server:
        evaluate(sample_run, undisturbed, config={"engine": make_engine(server.base_url)})
    name = "predictions.parquet"
    assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
