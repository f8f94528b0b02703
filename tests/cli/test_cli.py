"""The command line: a mistake is one sentence and exit code 2, before anything is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from docmatix.cli import VERBS, main, make_parser
from tests.pdfs import write_pdf
from tests.scripted_server import start_scripted_server


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with start_scripted_server() as server:
        yield server.base_url


@pytest.fixture
def config(tmp_path: Path, base_url: str) -> Path:
    (tmp_path / "one.pdf").write_bytes(write_pdf("The invoice total is $ 41.50 and it is due on 4 May 2021."))
    engine = {"kind": "openai", "model": "scripted", "base_url": base_url}
    content = {
        "name": "trial",
        "source": {"kind": "files", "paths": ["*.pdf"]},
        "generate": {"engine": engine, "prompts": ["extractive"]},
    }
    path = tmp_path / "trial.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("generate.promts=[extractive]", "`generate.promts` is not a key docmatix knows; did you mean `prompts`?"),
        ("source.kind=flies", "`source.kind` is `flies`, which docmatix does not know"),
        ("generate.engine.kind=magic", "`generate.engine.kind` is `magic`, which docmatix does not know"),
        ("curate.filters=[{kind: lenght}]", "`curate.filters.0.kind` is `lenght`, which docmatix does not know"),
        ("generate.prompts=[extractiv]", "There is no prompt 'extractiv'. Did you mean 'extractive'?"),
        ("source.paths=[nowhere/*.pdf]", "No file matches"),
        ("generate.engine.base_url=http://127.0.0.1:9/v1", "No model server answers at http://127.0.0.1:9/v1"),
        ("generate.engine.model=gpt-none", "has no model 'gpt-none' (it has: scripted)"),
        (
            "generate.engine.api_key_env=DOCMATIX_NO_SUCH_KEY",
            "The environment variable DOCMATIX_NO_SUCH_KEY is not set",
        ),
        ("generate.engine.context_tokens=lots", "`generate.engine.context_tokens`"),
        ("name", "--set takes key.sub=value"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence_and_nothing_is_left_behind(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, sentence: str
) -> None:
    run = tmp_path / "run"
    assert main(["build", str(config), "--run", str(run), "--set", setting]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""
    assert not run.exists()


def test_a_missing_configuration_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "no-such-file.yaml"]) == 2
    assert "The configuration file no-such-file.yaml does not exist." in capsys.readouterr().err


def test_broken_yaml_is_reported_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.yaml").write_text("name: a\nsource: {kind: files\n")
    assert main(["build", str(tmp_path / "broken.yaml")]) == 2
    assert "is not valid YAML at line 3" in capsys.readouterr().err


def test_private_without_a_push_is_a_mistake(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(config), "--run", str(tmp_path / "run"), "--private"]) == 2
    assert "give --push REPO_ID as well" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_build_is_refused(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.yaml").write_text("name: another\nsource: {kind: files, paths: [a.pdf]}\n")
    assert main(["build", str(config), "--run", str(run)]) == 2
    assert "holds another build (its name is 'another', not 'trial')" in capsys.readouterr().err


def test_a_folder_that_is_not_a_run_is_not_built_into(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(config), "--run", str(tmp_path)]) == 2
    assert "is not a run and not empty" in capsys.readouterr().err
    assert config.exists()


def test_a_verb_on_a_folder_without_a_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("status", "check"):
        assert main([verb, str(tmp_path)]) == 2
        assert "There is no run in" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path)]) == 2
    assert "There is neither a run nor a dataset" in capsys.readouterr().err


def test_help_teaches_every_verb() -> None:
    text = " ".join(make_parser().format_help().split())
    for name, (_, summary) in VERBS.items():
        assert f" {name} " in text
        assert summary in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"usage: docmatix {verb} " in capsys.readouterr().out


def test_python_dash_m_is_the_same_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "docmatix", "--help"], capture_output=True, text=True, check=True)
    assert "docmatix build" in ended.stdout
