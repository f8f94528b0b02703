"""What a build says before it does anything, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.errors import SetupError
from docmatix.driver.preflight import check_engines, load_build_prompts, prepare
from docmatix.driver.progress import Progress
from docmatix.stages.support.reading import list_engines
from docmatix.storage.run import Run
from tests.jobs import LLAMACPP, OPENAI, make_config
from tests.scripted_server import start_scripted_server

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("engine", "is_said"), [(OPENAI, True), (OPENAI | {"guided": "vllm"}, False), (LLAMACPP, False)]
)
def test_that_a_server_cannot_be_asked_about_fluency_is_said_once(
    tmp_path: Path, engine: dict[str, Any], is_said: bool
) -> None:
    config = make_config(verify={"kind": "fluency"}, generate={"engine": engine, "prompts": ["extractive"]})
    stream = io.StringIO()
    prepare(config, Run(tmp_path / "run"), ROOT, Progress(stream=stream))
    assert stream.getvalue().count("score `fluency`") == is_said


def test_a_prompt_for_certain_pages_is_refused_where_nobody_looks_at_them() -> None:
    generate = {"engine": OPENAI | {"vision": True}, "prompts": ["vision_charts"]}
    assert "vision_charts" in load_build_prompts(make_config(generate=generate), ROOT)
    with pytest.raises(SetupError) as caught:
        load_build_prompts(make_config(generate=generate, extract={"tables": False}), ROOT)
    assert str(caught.value) == (
        "The prompt `vision_charts` is for pages with a profile (its `when`), and none has one with extract.tables off:"
        " set it, or take `when` out of the prompt."
    )


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (
            {"prompts": ["extractive"]},
            "The check `answer_again` names `extractive` in `prompts`, which no pair of this build has; it has"
            " broad_whole, facts.",
        ),
        (
            {"styles": ["visual"]},
            "The check `answer_again` names `visual` in `styles`, which no pair of this build has; it has abstractive,"
            " extractive.",
        ),
        ({"prompt": "judge"}, "The prompt `judge` has the family `judge`, not answer_again."),
        ({"prompt": "gudge"}, "There is no prompt 'gudge'. Did you mean 'judge'?"),
        ({"sampling": {"max_tokens": 8000}}, "needs a context of at least"),
    ],
)
def test_a_check_that_could_see_no_pair_or_cannot_ask_is_refused(check: dict[str, Any], sentence: str) -> None:
    config = make_config(verify=[{"kind": "answer_again", **check}])
    with pytest.raises(SetupError) as caught:
        load_build_prompts(config, ROOT)
    assert sentence in str(caught.value)


def test_a_context_that_is_too_short_is_that_of_the_engine_of_the_check() -> None:
    judge = {"kind": "judge", "engine": OPENAI | {"context_tokens": 1000}}
    blind = {"kind": "answer_blind", "sampling": {"max_tokens": 8192}}
    for check, tokens in ((judge, "1000"), (blind, "8192")):
        with pytest.raises(SetupError, match=f"its engine has {tokens}: raise `context_tokens`"):
            load_build_prompts(make_config(verify=check), ROOT)


def test_what_is_wrong_with_the_engine_of_a_check_is_said_of_its_own_settings() -> None:
    own = OPENAI | {"base_url": "http://127.0.0.1:9/v1", "timeout_s": 0.5}
    with start_scripted_server() as server:
        writer = OPENAI | {"base_url": server.base_url, "model": "scripted"}
        checks = [{"kind": "answer_again"}, {"kind": "judge", "engine": own}]
        for config, key in (
            (make_config(generate={"engine": writer}, verify=checks), "verify.1.engine.base_url"),
            (make_config(generate={"engine": own}, verify=checks), "generate.engine.base_url"),
        ):
            with pytest.raises(SetupError, match=f"start it, or correct {key}"):
                check_engines(config, list_engines(config))


@pytest.mark.parametrize(("prompts", "is_said"), [([], True), (["facts"], False)])
def test_that_a_check_sees_no_pair_made_from_facts_is_said(tmp_path: Path, prompts: list[str], is_said: bool) -> None:
    facts = {"engine": {"kind": "none"}, "prompts": [], "pairs_per_page": 4}
    config = make_config(generate=facts, verify={"kind": "judge", "engine": OPENAI, "prompts": prompts})
    stream = io.StringIO()
    prepare(config, Run(tmp_path / "run"), ROOT, Progress(stream=stream))
    assert ("`judge` is asked about no pair" in stream.getvalue()) == is_said


def test_a_prompt_of_a_check_cannot_write_pairs() -> None:
    with pytest.raises(SetupError, match="`judge` is the prompt of a check of `verify`"):
        load_build_prompts(make_config(generate={"prompts": ["broad_whole", "judge"]}), ROOT)
