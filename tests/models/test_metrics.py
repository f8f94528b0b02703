"""vLLM's metrics page and what is read from it."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.metrics import GAUGES, ServerMetrics, parse_metrics

PAGE = """\
# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 1.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="smol"} 3.0
vllm:num_requests_waiting{engine="0",model_name="smol"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="smol",reason="capacity"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="smol"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="smol"} 120.0
vllm:prefix_cache_queries_created{engine="0",model_name="smol"} 1.795341687e+09
vllm:prefix_cache_hits_total{engine="0",model_name="smol"} 80.0
vllm:num_preemptions_total{engine="0",model_name="smol"} 1.0
vllm:prompt_tokens_total{engine="0",model_name="smol"} 120.0
vllm:generation_tokens_total{engine="0",model_name="smol"} 1.234567e+06
vllm:request_success_total{engine="0",finished_reason="stop",model_name="smol"} 7.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="smol"} 2.0
vllm:request_params_max_tokens_bucket{engine="0",le="1.0",model_name="smol"} 3.0
vllm:request_params_max_tokens_bucket{engine="0",le="2.0",model_name="smol"} 4.0
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="smol"} 300.0
vllm:iteration_tokens_total_count{engine="0",model_name="smol"} 356.0
vllm:iteration_tokens_total_sum{engine="0",model_name="smol"} 1000.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="smol"} 9.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="smol"} 4.5
vllm:request_queue_time_seconds_count{engine="0",model_name="smol"} 9.0
vllm:request_queue_time_seconds_sum{engine="0",model_name="smol"} 0.5
vllm:cache_config_info{block_size="128",cache_dtype="auto"} 1.0
"""


def test_a_page_is_read():
    assert parse_metrics(PAGE) == ServerMetrics(
        running=3,
        waiting=2,
        kv_cache_usage=0.25,
        steps=356,
        prompt_tokens=120,
        generation_tokens=1_234_567,
        prefix_queries=120,
        prefix_hits=80,
        preemptions=1,
        finished=9,
        canaries=3,
        first_token_s=4.5,
        first_tokens=9,
        queue_s=0.5,
        queued=9,
    )


def test_engines_are_added_up_and_the_fullest_cache_counts():
    page = (
        'vllm:num_requests_running{engine="0"} 3\nvllm:num_requests_running{engine="1"} 4\n'
        'vllm:kv_cache_usage_perc{engine="0"} 0.2\nvllm:kv_cache_usage_perc{engine="1"} 0.7\n'
    )
    assert parse_metrics(page) == ServerMetrics(running=7, kv_cache_usage=0.7)


def test_a_server_that_publishes_none_of_these_has_no_metrics():
    assert parse_metrics("") is None
    assert parse_metrics("<html>not found</html>") is None
    assert parse_metrics("llamacpp:requests_processing 1\nrequests_running 3\n") is None


def test_the_value_stands_behind_the_labels_whatever_these_hold():
    assert parse_metrics('vllm:num_requests_running{model_name="a } 7 {b"} 3.0') == ServerMetrics(running=3)
    assert parse_metrics('vllm:num_requests_running{model_name="a"} 3.0 1795341687') == ServerMetrics(running=3)


def test_broken_lines_are_passed_over():
    page = "vllm:num_requests_running\nvllm:num_requests_waiting NaN\nvllm:num_requests_waiting{\nvllm:generation_tok"
    assert parse_metrics(page) is None
    assert parse_metrics(page + "\nvllm:num_requests_running 2\n") == ServerMetrics(running=2)


@given(st.text(), st.text())
def test_no_page_raises(text: str, value: str):
    parse_metrics(text)
    parse_metrics(f"vllm:num_requests_running{{{text}}} {value}")


numbers = st.builds(ServerMetrics, **{field.name: st.integers(0, 10**9) for field in fields(ServerMetrics)})


@given(numbers, numbers, numbers)
def test_counters_go_on_over_restarts_and_gauges_are_those_of_now(a: ServerMetrics, b: ServerMetrics, c: ServerMetrics):
    total = c.add_counters(b.add_counters(a))
    for field in fields(ServerMetrics):
        first, second, third = (getattr(one, field.name) for one in (a, b, c))
        assert getattr(total, field.name) == (third if field.name in GAUGES else first + second + third)


def test_nothing_came_before_the_first_life():
    now = ServerMetrics(running=1, steps=3)
    assert now.add_counters(None) == now
    assert now.has_requests()
    assert ServerMetrics(waiting=1).has_requests()
    assert not ServerMetrics(steps=3).has_requests()
