"""Passes: checks that can be asked on one server are asked together, that of `generate` first."""

from __future__ import annotations

from typing import Any

import pytest

from docmatix.core.errors import SetupError
from tests.jobs import make_config

OPENAI = {"kind": "openai", "model": "m", "base_url": "http://a/v1"}
VLLM = {"kind": "vllm", "model": "org/writer"}
AGAIN, JUDGE = {"kind": "answer_again"}, {"kind": "judge"}


def list_passes(engine: dict[str, Any], *checks: dict[str, Any]) -> list[tuple[str, list[str]]]:
    config = make_config(generate={"engine": engine}, verify=list(checks))
    return [(each.engine.model_name, [check.label for check in each.checks]) for each in config.check_passes]


def test_a_build_without_checks_has_no_pass():
    assert list_passes(VLLM) == []


def test_checks_without_an_engine_are_asked_on_the_server_that_generate_started():
    assert list_passes(VLLM, JUDGE, AGAIN) == [("org/writer", ["judge", "answer_again"])]


def test_another_model_has_its_own_pass_after_that_of_the_writer():
    other = {"kind": "vllm", "model": "org/judge"}
    found = list_passes(VLLM, {**JUDGE, "engine": other}, AGAIN, {"kind": "answer_blind", "engine": other})
    assert found == [("org/writer", ["answer_again"]), ("org/judge", ["judge", "answer_blind"])]


@pytest.mark.parametrize(
    "same",
    [
        {**VLLM, "sampling": {"temperature": 0.2}},
        {**VLLM, "chat_template_kwargs": {"enable_thinking": False}},
        {**VLLM, "max_in_flight": 8, "timeout_s": 9, "guided": "none"},
    ],
)
def test_the_same_model_that_is_only_asked_otherwise_starts_no_second_server(same):
    assert list_passes(VLLM, AGAIN, {**JUDGE, "engine": same}) == [("org/writer", ["answer_again", "judge"])]


@pytest.mark.parametrize("change", [{"max_model_len": 4096}, {"quantization": "awq"}, {"extra_args": ["--x"]}])
def test_the_same_weights_served_otherwise_are_another_server(change):
    assert len(list_passes(VLLM, AGAIN, {**JUDGE, "engine": {**VLLM, **change}})) == 2


def test_a_check_on_a_shared_server_is_waited_for_as_long_as_it_says():
    patient = {**OPENAI, "sampling": {"max_tokens": 30_000}, "timeout_s": 3600, "max_attempts": 2}
    config = make_config(generate={"engine": OPENAI}, verify=[AGAIN, {**JUDGE, "engine": patient}])
    (only,) = config.check_passes
    assert (only.engine.timeout_s, only.engine.max_attempts) == (3600, 8)
    assert config.generate.engine.timeout_s == 600
    assert config.generate.engine.shares_server(only.engine)


def test_two_models_of_one_address_are_one_server_and_one_model_of_two_addresses_are_two():
    assert len(list_passes(OPENAI, AGAIN, {**JUDGE, "engine": {**OPENAI, "model": "other"}})) == 1
    assert len(list_passes(OPENAI, AGAIN, {**JUDGE, "engine": {**OPENAI, "base_url": "http://b/v1"}})) == 2
    assert len(list_passes(OPENAI, AGAIN, {**JUDGE, "engine": {**OPENAI, "api_key_env": "OTHER"}})) == 2


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        ([JUDGE, JUDGE], "two checks are called `judge`"),
        ([JUDGE, {**AGAIN, "name": "judge"}], "two checks are called `judge`"),
        ([{**AGAIN, "from": "pages"}], "takes a model that sees pictures"),
        ([{**JUDGE, "from": "both"}], "takes a model that sees pictures"),
        ([{**JUDGE, "name": "A b"}], "name"),
        ([{**JUDGE, "share": 0}], "share"),
        ([{**JUDGE, "rubric": 1}], "`verify.0.rubric` is not a key"),
        ([{"kind": "jugde"}], "answer_again"),
    ],
)
def test_what_cannot_be_checked_is_refused_before_anything_starts(checks, sentence):
    with pytest.raises(SetupError, match=sentence):
        make_config(generate={"engine": OPENAI}, verify=checks)


def test_one_check_may_stand_without_a_list_and_none_is_none():
    assert make_config(verify=AGAIN) == make_config(verify=[AGAIN])
    assert make_config(verify=None) == make_config(verify=[]) == make_config()
    with pytest.raises(SetupError, match=r"`verify\.rubric` is not a key"):
        make_config(verify={**AGAIN, "rubric": 1})
