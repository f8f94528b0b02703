"""What the log of a vLLM server says, and what its exit means."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.vllm.server_log import explain_exit, find_cause, find_exception, find_last_line, read_end
from docmatix.models.vllm.supervisor import LOST

LOADING = """\
(APIServer pid=1566) INFO 11-22 09:41:23 [model.py:2152] Using max model len 2048
(Worker pid=1663) INFO 11-22 09:41:48 [cpu_model_runner.py:68] Starting to load model org/some-model...
\rLoading safetensors checkpoint shards:   0% Completed | 0/4 [00:00<?, ?it/s]\
\rLoading safetensors checkpoint shards:  50% Completed | 2/4 [00:10<00:10,  4.70it/s]

/env/site-packages/vllm/triton_utils/dispatcher.py:138: FutureWarning: `torch.distributed.reduce_op` is deprecated
  if hasattr(value, "__dict__"):
"""
FAILED = """\
(Worker pid=9) ERROR 11-22 10:04:40 [multiproc_executor.py:890] ValueError: Available memory is less than requested.
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] EngineCore failed to start.
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] Traceback (most recent call last):
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502]   File "vllm/v1/engine/core.py", line 1480, in run
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] RuntimeError: Worker failed with error 'Available memory is less'
Process EngineCore:
Traceback (most recent call last):
  File "multiprocessing/process.py", line 314, in _bootstrap
RuntimeError: Worker failed with error 'Available memory is less'
Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked shared_memory objects to clean up
  warnings.warn('resource_tracker: There appear to be %d '
nanobind: leaked 514 functions!
 - leaked function "create_maxsi"
"""
INVALID = """\
Traceback (most recent call last):
  File "pydantic/_internal/_dataclasses.py", line 121, in __init__
pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, User-specified max_model_len (999999) is greater than the derived max_model_len (8192)
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""
ENGINE_DIED = """\
(APIServer pid=1566) ERROR 11-22 09:45:23 [async_llm.py:906] AsyncLLM output_handler failed.
(APIServer pid=1566) ERROR 11-22 09:45:23 [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError: EngineCore \
encountered an issue. See stack trace (above) for the root cause.
"""


def test_while_it_loads_the_last_informative_line_is_shown():
    assert find_last_line("") == ""
    assert find_last_line(LOADING.partition("\r")[0]) == "Starting to load model org/some-model..."
    assert find_last_line(LOADING.partition("/env")[0]).startswith(
        "Loading safetensors checkpoint shards: 50% Completed"
    )
    routes = "(APIServer pid=1) INFO 11-22 09:41:52 [launcher.py:195] Route: /health, Methods: GET\n"
    started = "(APIServer pid=1) INFO 11-22 09:41:52 [entry.py:140] Starting vLLM server on http://127.0.0.1:1\n"
    assert find_last_line(started + routes) == "Starting vLLM server on http://127.0.0.1:1"


def test_the_cause_is_the_exception_and_not_its_echoes():
    assert find_cause(FAILED) == "RuntimeError: Worker failed with error 'Available memory is less'"
    assert find_cause(INVALID).endswith("max_model_len (999999) is greater than the derived max_model_len (8192)")
    usage = "usage: api_server.py [-h]\n    [--dtype D]\napi_server.py: error: unrecognized arguments: --nonsense\n"
    assert find_cause(usage) == "api_server.py: error: unrecognized arguments: --nonsense"


def test_without_an_exception_the_last_lines_are_the_cause():
    assert find_cause("one\ntwo\nthree\nfour\n") == "two | three | four"
    assert find_cause("") == "no reason given"
    assert find_exception("one\ntwo\n") == find_exception(ENGINE_DIED) == ""


def test_an_exit_is_told_in_words():
    assert explain_exit(1) == "exit 1"
    assert explain_exit(-9) == "died (signal 9)"
    assert explain_exit(0, ENGINE_DIED) == "engine died"
    assert explain_exit(LOST).startswith("died")


@given(st.text())
def test_no_log_raises(log: str):
    find_last_line(log)
    find_cause(log)


def test_of_a_long_log_no_line_is_kept_that_is_cut(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text("key canary-of-the-engine\nlast words\n")
    with path.open("rb") as log:
        assert read_end(log, 20) == "last words\n"
        assert read_end(log, 1000) == path.read_text()
