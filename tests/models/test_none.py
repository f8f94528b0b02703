"""The engine `none`: no model, so no prompt, no server, and nothing to verify by."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from docmatix.config import Config
from docmatix.config.loading import dump_config, parse_config
from docmatix.core.errors import SetupError
from docmatix.models.none import NoEngine
from docmatix.models.service import NOWHERE
from docmatix.storage.run import Run
from tests.jobs import LLAMACPP, OPENAI

NONE = {"kind": "none"}


def parse(engine: dict[str, Any], **changes: Any) -> Config:
    verify = changes.pop("verify", None)
    source = {"kind": "files", "paths": ["docs"]}
    return parse_config({"name": "a", "source": source, "generate": {"engine": engine, **changes}, "verify": verify})


def test_without_a_model_there_are_no_prompts_and_run_yaml_says_so() -> None:
    config = parse(NONE)
    assert (config.generate.prompts, config.generate.engine.model_name) == ((), "none")
    content = yaml.safe_load(dump_config(config))
    assert content["generate"]["prompts"] == []
    assert parse_config(content) == config


def test_with_a_model_the_default_prompts_stay() -> None:
    assert "extractive" in parse(OPENAI).generate.prompts


@pytest.mark.parametrize(
    ("engine", "changes", "sentence"),
    [
        (NONE, {"prompts": ["extractive"]}, "`generate.prompts`: the engine `none` asks no model"),
        (NONE, {"pairs_per_page": 0}, "`generate.pairs_per_page`: without these"),
        (NONE, {"verify": {"kind": "round_trip"}}, "`verify`: `round_trip` needs a model"),
        (OPENAI, {"verify": {"kind": "round_trip", "engine": NONE}}, "`verify`: `round_trip` needs a model"),
        (OPENAI, {"prompts": []}, "name a prompt"),
        ({**NONE, "model": "gpt"}, {}, "`generate.engine.model`"),
    ],
)
def test_what_cannot_be_without_a_model_is_refused(engine: Any, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SetupError, match=sentence):
        parse(engine, **changes)


def test_pairs_without_a_model_may_be_verified_by_one() -> None:
    config = parse(NONE, verify={"kind": "round_trip", "engine": LLAMACPP})
    assert all(each.engine.has_model for each in config.check_passes)
    assert not config.generate.engine.has_model


def test_nothing_is_served(tmp_path: Any) -> None:
    said: list[str] = []
    with NoEngine(kind="none").serve(pictures_per_request=1, say=said.append, run=Run(tmp_path)) as served:
        assert (served.service, served.look(), said) == (NOWHERE, [], [])
