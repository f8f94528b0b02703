"""A sound run has no problems, an unfinished one only what is unfinished; the verb says both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from docmatix.check.proof import count_parts, find_problems
from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.review.status import read_status
from docmatix.stages.support.reading import read_job
from docmatix.storage.checksums import CHECKSUMS
from docmatix.storage.run import Run
from tests.check.runs import check, flip, read_packed
from tests.jobs import extract


def test_a_finished_run_is_sound(finished_run):
    run = Run(finished_run)
    assert check(run) == ""
    status = read_status(run)
    assert status["complete"]
    assert status["balanced"]


def test_checking_changes_nothing(own_run):
    before = {path: path.stat().st_mtime_ns for path in Path(own_run.root).rglob("*")}
    check(own_run)
    assert {path: path.stat().st_mtime_ns for path in Path(own_run.root).rglob("*")} == before


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(SetupError, match="There is no run in"):
        check(Run(tmp_path))


STAGES_AFTER_PLAN = ("extract", "dedup", "generate", "curate", "pack")


@pytest.mark.parametrize("last", ["plan", *STAGES_AFTER_PLAN[:-1]])
def test_of_an_unfinished_run_what_is_unfinished_is_all_that_is_found(own_run, last):
    unfinished = STAGES_AFTER_PLAN[STAGES_AFTER_PLAN.index(last) + 1 :] if last != "plan" else STAGES_AFTER_PLAN
    for stage in unfinished:
        own_run.remove(*(f"{stage}/{name}" for name in own_run.names(stage)))
    own_run.remove("dataset", "SHA256SUMS")
    problems = check(own_run).split("\n")
    assert [line.split()[0] for line in problems if " lacks 3 of 3 shards" in line] == list(unfinished[:-1])
    rest = [line for line in problems if " lacks 3 of 3 shards" not in line]
    expected = ["did not finish", "did not finish", "is not committed"] if last == "curate" else []
    assert len(rest) == len(expected), rest
    assert all(words in line for words, line in zip(expected, rest, strict=True)), rest


def test_a_configuration_that_cannot_be_read_is_a_problem_and_no_crash(own_run):
    own_run.write("run.yaml", b"name: [")
    assert "run.yaml or fingerprints.json" in check(own_run)
    assert count_parts(own_run) == 0


def test_the_verb_says_each_problem_and_what_to_do_and_how_many_there_are(own_run, capsys):
    assert main(["check", own_run.root]) == 0
    assert capsys.readouterr().out == "The run is sound.\n"
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    flip(own_run, name)
    own_run.remove(CHECKSUMS)
    assert main(["check", own_run.root]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{name} is damaged: its content is not what was committed. Remove extract/part-00000.json and rerun the build"
        " to redo the shard.",
        f"{CHECKSUMS} is missing. Rerun the build to rewrite it.",
        "2 problems found.",
    ]


def test_what_a_problem_says_to_do_repairs_it(own_run):
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    flip(own_run, name)
    (problem,) = find_problems(own_run)
    removed = problem.split("Remove ")[1].split(" and")[0]
    own_run.remove(removed)
    job = replace(read_job(own_run), driver_id="again")
    assert not job.is_current("extract", 0)
    extract(job, 0)
    assert check(own_run) == ""


def test_a_run_of_many_files_is_sound(wide_run):
    assert check(wide_run) == ""


def test_progress_is_told_for_every_file(wide_run):
    told: list[int] = []
    assert list(find_problems(wide_run, on_part=told.append)) == []
    assert told == list(range(1, count_parts(wide_run) + 1))


def test_a_run_that_is_not_on_a_disk_is_checked_as_well(wide_run, memory_run):
    for path in Path(wide_run.root).rglob("*"):
        if path.is_file():
            memory_run.write(str(path.relative_to(wide_run.root)), path.read_bytes())
    assert check(memory_run) == ""
    name = read_packed(memory_run, 1).file
    memory_run.write(name, memory_run.read(name)[:-1])
    assert f"{name} is damaged" in check(memory_run)


def test_what_status_reads_is_what_check_reads(own_run):
    own_run.remove("generate/part-00002.json")
    stages = {stage["stage"]: stage for stage in read_status(own_run)["stages"]}
    assert (stages["generate"]["shards_done"], stages["generate"]["shards"]) == (2, 3)
    assert stages["curate"]["shards_done"] == 2
    assert not read_status(own_run)["complete"]
    assert json.loads(json.dumps(read_status(own_run)))["name"] == "test"
