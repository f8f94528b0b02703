"""The settings of an evaluation, and the ways to name its engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from docmatix.core.errors import SetupError
from docmatix.evaluation.settings import dump_evaluation, load_evaluation
from docmatix.models.llamacpp import LlamacppEngine

OPENAI = {"kind": "openai", "model": "m", "base_url": "http://nowhere:1/v1"}
BUILD = {"name": "b", "source": {"kind": "files", "paths": ["*.pdf"]}, "generate": {"engine": OPENAI}}


@pytest.mark.parametrize("content", [OPENAI, BUILD, {"engine": OPENAI, "blind": False}])
def test_an_engine_is_a_file_of_one_or_of_a_build_or_of_an_evaluation(content: Any, tmp_path: Path):
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump(content))
    for given in (path, str(path)):
        settings, _ = load_evaluation(engine=given, judge=given)
        assert settings.engine == settings.judge
        assert settings.engine.model == "m"
        assert settings.blind


def test_an_engine_is_a_mapping_or_yaml_or_itself():
    settings, folder = load_evaluation(engine="{kind: openai, base_url: 'http://nowhere:1/v1', model: m}")
    assert folder == Path.cwd()
    assert load_evaluation(engine=OPENAI)[0].engine == settings.engine
    assert load_evaluation(engine=settings.engine)[0] == settings


def test_paths_start_at_the_file_that_has_them(tmp_path: Path):
    (tmp_path / "models").mkdir()
    engine = {"kind": "llamacpp", "model": "small.gguf", "tokenizer": "./t.json"}
    (tmp_path / "models/engine.yaml").write_text(yaml.safe_dump(engine))
    (tmp_path / "evaluation.yaml").write_text(yaml.safe_dump({"judge": engine, "prompts_dir": "mine"}))
    settings, folder = load_evaluation(tmp_path / "evaluation.yaml", engine=tmp_path / "models/engine.yaml")
    assert folder == tmp_path
    assert isinstance(settings.engine, LlamacppEngine)
    assert (settings.engine.model, settings.engine.tokenizer) == (
        str(tmp_path / "models/small.gguf"),
        str(tmp_path / "models/t.json"),
    )
    assert settings.judge is not None
    assert settings.judge.model == str(tmp_path / "small.gguf")
    assert settings.prompts_dir == str(tmp_path / "mine")


def test_what_is_answered_from_follows_from_the_engine():
    assert load_evaluation(engine=OPENAI)[0].source == "text"
    assert load_evaluation(engine={**OPENAI, "vision": True})[0].source == "pages"
    assert load_evaluation(engine={**OPENAI, "vision": True}, source="text")[0].source == "text"
    assert load_evaluation({"engine": {**OPENAI, "vision": True}, "from": "both"})[0].source == "both"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "An evaluation needs a model: give --engine a YAML file"),
        ({"engine": "engines/none.yaml"}, "--engine: there is no file 'engines/none.yaml', and it is not a mapping"),
        ({"engine": "{kind: openai, kind: vllm}"}, "--engine: `kind` is given twice"),
        ({"engine": "{kind: openai"}, "--engine is not valid YAML at line 1"),
        ({"engine": "{model: m}"}, "has neither `kind` nor `generate.engine` nor `engine`"),
        ({"engine": {"kind": "none"}}, "`engine`: the engine `none` answers nothing"),
        ({"engine": {"kind": "opena", "model": "m"}}, "`engine.kind` is `opena`, which docmatix does not know"),
        ({"engine": OPENAI, "source": "pages"}, "`from`: the engine sees no pictures: set its `vision: true`"),
        ({"engine": {**OPENAI, "modell": "m"}}, "`engine.modell` is not a key docmatix knows; did you mean `model`?"),
        (
            {"engine": OPENAI, "config": {"colums": {}}},
            "the evaluation: `colums` is not a key docmatix knows; did you mean `columns`?",
        ),
        ({"engine": OPENAI, "config": {"columns": {"answer": "a"}}}, "did you mean `answers`?"),
        ({"engine": OPENAI, "config": "nowhere.yaml"}, "The file nowhere.yaml does not exist."),
    ],
)
def test_mistakes_are_told_in_a_sentence(given: dict[str, Any], said: str):
    with pytest.raises(SetupError) as caught:
        load_evaluation(given.pop("config", None), **given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_are_written_without_secrets():
    engine = {**OPENAI, "base_url": "http://user:secret@nowhere:1/v1?key=secret"}
    settings, _ = load_evaluation(engine=engine, judge=engine)
    written = dump_evaluation(settings, dataset="d", split=None)
    assert "secret" not in written
    read = yaml.safe_load(written)
    assert read["dataset"] == "d"
    assert (read["settings"]["from"], read["settings"]["engine"]["model"]) == ("text", "m")


def test_the_settings_that_an_evaluation_left_are_read_again(tmp_path: Path):
    settings, _ = load_evaluation({"columns": {"question": "q"}, "blind": False}, engine=OPENAI, source="text")
    (tmp_path / "evaluation.yaml").write_text(dump_evaluation(settings, dataset="d", split="test"))
    assert load_evaluation(tmp_path / "evaluation.yaml")[0] == settings
    assert load_evaluation(engine=tmp_path / "evaluation.yaml")[0].engine == settings.engine
