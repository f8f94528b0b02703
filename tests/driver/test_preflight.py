"""What a build says before it does anything, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.errors import SetupError
from docmatix.driver.preflight import load_build_prompts, prepare
from docmatix.driver.progress import Progress
from docmatix.storage.run import Run
from tests.jobs import LLAMACPP, OPENAI, make_config

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
