"""The verb `evaluate` over a data set of the samples, with a server of known skill."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import anls
import pyarrow.parquet as pq
import pytest
import yaml

import docmatix
from docmatix.cli import main
from docmatix.core.errors import BuildError, SetupError
from docmatix.evaluation.evaluating import name_evaluation
from docmatix.evaluation.predictions import PREDICTIONS
from docmatix.evaluation.settings import load_evaluation
from docmatix.exports.exporting import export_dataset
from tests.evaluation.skill import Body, Skill, evaluate, is_blind, learn_skill, list_pairs, make_engine, read_text
from tests.scripted_server import read_images, start_scripted_server


def read_predictions(folder: Path) -> list[dict[str, Any]]:
    table = pq.read_table(folder / "predictions.parquet")
    assert table.schema.equals(PREDICTIONS)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def find_skill(skill: Skill, pairs: list[tuple[str, str]]) -> dict[str, float]:
    """The figures that a server of this skill must get, by other code than that of the evaluation."""
    said = [(expected, skill.answer(question), skill.guess(question)) for question, expected in pairs]
    return {
        "anls": fmean(anls.anls_score(answer, [expected], 0.5) if answer else 0.0 for expected, answer, _ in said),
        "exact": fmean(answer == expected for expected, answer, _ in said),
        "blind_anls": fmean(anls.anls_score(guess, [expected], 0.5) for expected, _, guess in said),
        "answered": sum(bool(answer) for _, answer, _ in said),
    }


def assert_skill(summary: dict[str, Any], known: dict[str, float], *, questions: int) -> None:
    overall = summary["overall"]
    assert (overall["n"], overall["answered"]) == (questions, known["answered"])
    for name in ("anls", "exact", "blind_anls"):
        assert overall[name]["mean"] == pytest.approx(known[name], abs=0.0005), name


def test_a_server_of_known_skill_gets_its_known_figures_from_the_texts_of_a_run(sample_run, tmp_path):
    skill, pairs = learn_skill(sample_run), list_pairs(sample_run)
    assert len(pairs) > 30
    with start_scripted_server(reply=skill) as server:
        found = evaluate(sample_run, tmp_path / "out", config={"engine": make_engine(server.base_url)})
        assert all("<page number=" in read_text(body) for body in server.bodies if not is_blind(body))
        assert not any(map(read_images, server.bodies))
    assert_skill(found.summary, find_skill(skill, pairs), questions=len(pairs))
    rows = read_predictions(tmp_path / "out")
    assert [(row["question"], row["answers"]) for row in rows] == [(question, [answer]) for question, answer in pairs]
    assert {row["prompt"] for row in rows} == {"facts"}
    assert {row["language"] for row in rows} == {"en"}
    assert {row["reason"] for row in rows if row["prediction"] is None} == {"empty_reply"}


@pytest.mark.parametrize("format", ["docvqa", "mp-docvqa"])
def test_it_gets_them_from_the_pictures_of_an_export_too(format, sample_run, tmp_path):
    export_dataset(str(sample_run), format, tmp_path / "set")
    skill, pairs = learn_skill(sample_run), list_pairs(sample_run)
    with start_scripted_server(reply=skill) as server:
        engine = make_engine(server.base_url, vision=True)
        found = evaluate(tmp_path / "set", tmp_path / "out", config={"engine": engine}, split="train")
        shown = [body for body in server.bodies if not is_blind(body)]
        assert all("<page number=" not in read_text(body) for body in shown)
        numbers = {len(read_images(body)) for body in shown}
        assert numbers == {1} if format == "docvqa" else max(numbers) > 1
    assert_skill(found.summary, find_skill(skill, pairs), questions=len(pairs))
    assert {row["example_id"] for row in read_predictions(tmp_path / "out")} == {
        str(number) for number in range(1, len(pairs) + 1)
    }


def test_a_run_is_answered_from_the_pictures_of_its_dataset_and_their_size_is_bounded(sample_run, tmp_path):
    skill = learn_skill(sample_run)
    with start_scripted_server(reply=skill) as server:
        config = {
            "engine": make_engine(server.base_url, vision=True),
            "from": "both",
            "blind": False,
            "pictures": {"max_side_px": 200},
        }
        found = evaluate(sample_run, tmp_path / "out", config=config, limit=9)
        pictures = [image for body in server.bodies for image in read_images(body)]
        assert all("<page number=" in read_text(body) for body in server.bodies)
    assert {image.format for image in pictures} == {"JPEG"}
    assert all(190 < max(image.width, image.height) <= 200 for image in pictures)
    assert found.summary["overall"]["n"] == len(server.bodies) == 9
    assert found.summary["overall"]["blind_anls"] is None


def test_a_judge_is_asked_about_every_answer_that_there_is(sample_run, tmp_path):
    skill, pairs = learn_skill(sample_run), list_pairs(sample_run)
    with start_scripted_server(reply=skill) as server, start_scripted_server(reply=skill, model="judge") as other:
        config = {"engine": make_engine(server.base_url), "judge": make_engine(other.base_url) | {"model": "judge"}}
        evaluate(sample_run, tmp_path / "out", config=config)
        assert 0 < other.request_count <= len(pairs)
        asked = server.request_count
    for row in read_predictions(tmp_path / "out"):
        if row["prediction"] is None:
            assert row["judge_verdict"] is row["judge_reason"] is None
        else:
            assert row["judge_verdict"] == float(row["prediction"] in row["answers"])
            assert row["judge_reason"] == "They are compared."
        assert row["judge_model"] == "judge"
    with start_scripted_server(reply=skill) as server:  # the same model judges what it said before
        both = {"engine": make_engine(server.base_url), "judge": make_engine(server.base_url)}
        evaluate(sample_run, tmp_path / "out", config=both)
        assert 0 < server.request_count < asked


def test_what_was_answered_before_a_failure_is_not_asked_again(sample_run, tmp_path):
    skill, pairs = learn_skill(sample_run), list_pairs(sample_run)
    answered: list[str] = []

    def fail_later(body: Body) -> str:
        if len(answered) >= 25:
            raise TimeoutError
        answered.append(json.dumps(body))
        return skill(body)

    with start_scripted_server(reply=fail_later) as server:
        engine = make_engine(server.base_url, timeout_s=0.5, give_up_after_s=0, max_attempts=1, max_in_flight=1)
        with pytest.raises(BuildError, match="resume the evaluation"):
            evaluate(sample_run, tmp_path / "out", config={"engine": engine})
    assert not (tmp_path / "out" / "predictions.parquet").exists()
    with start_scripted_server(reply=skill) as server:
        found = evaluate(sample_run, tmp_path / "out", config={"engine": make_engine(server.base_url)})
        again = [json.dumps(body) for body in server.bodies]
    assert len(answered) == 25
    assert not set(answered) & set(again)
    assert_skill(found.summary, find_skill(skill, pairs), questions=len(pairs))
    assert found.summary["evaluation"]["usage"]["answers"]["reused"] >= 25
    # and once all is answered no server is needed
    config = {"engine": make_engine("http://127.0.0.1:9/v1")}
    assert evaluate(sample_run, tmp_path / "out", config=config).summary["overall"] == found.summary["overall"]


def test_the_command_prints_a_table_and_leaves_the_files(sample_run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with start_scripted_server(reply=learn_skill(sample_run)) as server:
        (tmp_path / "engine.yaml").write_text(yaml.safe_dump(make_engine(server.base_url)))
        assert main(["evaluate", str(sample_run), "--engine", "engine.yaml", "--limit", "7"]) == 0
    said = capsys.readouterr().out
    assert "7 questions" in said
    assert "exact match" in said
    folder = tmp_path / "evaluations" / "run-scripted"
    assert {path.name for path in folder.iterdir()} >= {
        "answers",
        "evaluation.yaml",
        "predictions.parquet",
        "report.html",
        "summary.json",
    }
    assert len(read_predictions(folder)) == 7
    settings = yaml.safe_load((folder / "evaluation.yaml").read_text())
    assert (settings["settings"]["from"], settings["limit"], settings["dataset"]) == ("text", 7, str(sample_run))


def test_the_python_api_returns_the_figures_and_the_predictions(sample_run, tmp_path):
    with start_scripted_server(reply=learn_skill(sample_run)) as server:
        found = docmatix.evaluate(
            sample_run, engine=make_engine(server.base_url), limit=5, out=tmp_path / "out", config={"blind": False}
        )
    assert "5 questions" in repr(found)
    frame = found.predictions()
    assert list(frame.columns) == PREDICTIONS.names
    assert len(frame) == 5


def test_it_runs_where_a_loop_runs_already_as_in_a_notebook(sample_run, tmp_path):
    async def evaluate_in_notebook() -> Any:
        return docmatix.evaluate(
            sample_run, engine=make_engine(server.base_url), limit=3, out=tmp_path / "out", config={"blind": False}
        )

    with start_scripted_server(reply=learn_skill(sample_run)) as server:
        found = asyncio.run(evaluate_in_notebook())
    assert found.summary["overall"]["n"] == 3


def test_nothing_is_left_of_a_command_that_was_wrong(sample_run, tmp_path, capsys):
    out = tmp_path / "out"
    with start_scripted_server(api_key="right") as server:
        engine = json.dumps(make_engine(server.base_url))
        assert main(["evaluate", str(sample_run), "--engine", engine, "-o", str(out)]) == 2
        assert "requires a key" in capsys.readouterr().err
    nowhere = json.dumps(make_engine("http://127.0.0.1:9/v1"))
    assert main(["evaluate", str(sample_run), "--engine", nowhere, "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No model server answers" in said
    assert not out.exists()


def test_questions_of_too_many_pages_and_requests_that_are_too_long_are_counted(sample_run, tmp_path):
    skill = learn_skill(sample_run)

    def refuse(body: Body) -> tuple[int, Any] | None:
        too_long = not is_blind(body) and "INVOICE" in read_text(body)
        return (400, {"error": {"message": "maximum context length is 9 tokens"}}) if too_long else None

    with start_scripted_server(reply=skill, refuse=refuse) as server:
        config = {"engine": make_engine(server.base_url), "max_pages": 1}
        found = evaluate(sample_run, tmp_path / "out", config=config)
    unanswered = found.summary["overall"]["unanswered"]
    assert unanswered["too_many_pages"] > 0
    assert unanswered["too_long"] > 0
    assert found.summary["evaluation"]["failures"]["too_long"] == "400 maximum context length is 9 tokens"
    for row in read_predictions(tmp_path / "out"):
        assert (row["reason"] == "too_many_pages") == (row["pages"] > 1) == (row["request_id"] is None)
        assert row["blind_prediction"] is not None


def test_a_server_that_refuses_everything_stops_it_early(sample_run, tmp_path):
    def refuse(body: Body) -> tuple[int, Any]:
        return 400, {"error": {"message": "no such field"}}

    with start_scripted_server(refuse=refuse) as server:
        config = {"engine": make_engine(server.base_url, max_in_flight=4)}
        with pytest.raises(BuildError, match=r"failed with `refused` .*no such field.*too many to go on"):
            evaluate(sample_run, tmp_path / "out", config=config)


def test_the_folder_may_be_on_an_object_store(sample_run, memory_run):
    with start_scripted_server(reply=learn_skill(sample_run)) as server:
        found = evaluate(sample_run, memory_run.url, config={"engine": make_engine(server.base_url)}, limit=4)
    assert found.folder == memory_run.url
    assert {"predictions.parquet", "summary.json", "report.html"} <= set(memory_run.names(""))
    assert len(found.predictions()) == 4


def test_the_report_shows_the_pages_of_the_mistakes(sample_run, tmp_path):
    with start_scripted_server(reply=lambda body: "something else") as server:
        evaluate(sample_run, tmp_path / "out", config={"engine": make_engine(server.base_url)}, limit=8)
    page = (tmp_path / "out/report.html").read_text()
    assert "data:image/" in page
    assert "something else" in page


def test_a_folder_with_something_else_is_refused(sample_run, tmp_path):
    out = tmp_path / "out"
    config = {"engine": make_engine("http://127.0.0.1:9/v1")}
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(SetupError, match=r"not empty \(it holds thesis.tex\)"):
        evaluate(sample_run, out, config=config)
    (out / "thesis.tex").unlink()
    (out / "evaluation.yaml").write_text("dataset: another\nsplit: null\n")
    with pytest.raises(SetupError, match="holds another evaluation"):
        evaluate(sample_run, out, config=config)


def test_folders_are_named_by_data_set_split_and_model():
    engine = load_evaluation({"engine": {"kind": "openai", "base_url": "http://x/v1", "model": "Qwen/Qwen3-VL"}})[0]
    assert name_evaluation("lmms-lab/DocVQA", engine.engine, split="a/test") == "DocVQA-a-test-Qwen3-VL"
