"""Statistics, card, checksums and stray files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docmatix.check.proof import find_problems
from docmatix.cli import main
from docmatix.storage.checksums import CHECKSUMS
from docmatix.storage.run import Run
from tests.check.runs import check, rewrite


@pytest.mark.parametrize("name", ["README.md", "stats.json"])
def test_a_build_that_did_not_finish_is_found(own_run, name):
    own_run.remove(f"dataset/{name}")
    assert f"dataset/{name} is missing: the build did not finish." in check(own_run)


def test_a_lost_row_is_found(own_run):
    rewrite(own_run, lambda rows: rows[1:])
    assert "dataset/stats.json counts other rows than the dataset has." in check(own_run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
def test_statistics_that_cannot_be_read_are_a_problem_like_others(own_run, content):
    own_run.write("dataset/stats.json", content)
    assert "dataset/stats.json cannot be read" in check(own_run)


def test_figures_that_the_records_do_not_add_up_to_are_found(own_run):
    content = json.loads(own_run.read("dataset/stats.json"))
    own_run.write("dataset/stats.json", json.dumps({**content, "pairs_per_page": 1.5}).encode())
    assert "dataset/stats.json is not what the commit records add up to." in check(own_run)


@pytest.mark.parametrize("stage", ["curate", "pack"])
def test_a_record_whose_figures_cannot_be_added_up_is_a_problem_and_no_crash(own_run, stage):
    record = own_run.read_record(stage, 0)
    own_run.write_record(stage, 0, replace(record, extra={}))
    assert "dataset/stats.json cannot be read" in check(own_run)


def test_a_card_that_says_something_else_is_found(own_run):
    card = own_run.read("dataset/README.md").decode()
    own_run.write("dataset/README.md", card.replace("num_examples: ", "num_examples: 1").encode())
    assert "dataset/README.md does not say of `dataset_info` what the dataset does." in check(own_run)


def test_a_card_that_was_edited_by_hand_is_told_of_but_may_be_published(own_run):
    card = own_run.read("dataset/README.md").replace(b"license: cc0-1.0", b"license: cc-by-4.0") + b"More of it.\n"
    own_run.write("dataset/README.md", card)
    own_run.write("dataset/plots/mine.png", b"x")
    problems = check(own_run)
    assert "dataset/README.md has changed since the build finished (see SHA256SUMS)." in problems
    assert "dataset/README.md does not say of `license` what the dataset does" in problems
    assert list(find_problems(own_run, edited=True)) == []


def test_a_run_without_sums_is_told_how_to_get_them(own_run):
    own_run.remove(CHECKSUMS)
    assert check(own_run) == f"{CHECKSUMS} is missing. Rerun the build to rewrite it."
    assert list(find_problems(own_run, edited=True)) == []


def unseal(run: Run) -> None:
    """Make a run's commit records those of an earlier version."""
    for stage in ("plan", "extract", "dedup", "generate", "curate", "pack"):
        for shard in run.shards(stage):
            content = json.loads(run.read(f"{stage}/part-{shard:05d}.json"))
            del content["seal"]
            run.write(f"{stage}/part-{shard:05d}.json", json.dumps(content).encode())


def test_a_record_of_an_earlier_version_has_no_seal_and_is_believed(own_run):
    unseal(own_run)
    assert check(own_run) == ""


def test_a_run_of_an_earlier_version_is_sound_without_sums_and_what_they_would_prove_is_told(own_run, capsys):
    unseal(own_run)
    own_run.remove(CHECKSUMS)
    assert check(own_run) == ""
    assert main(["check", own_run.root]) == 0
    told, verdict = capsys.readouterr().out.splitlines()
    assert told.startswith(f"There is no {CHECKSUMS}, which earlier versions did not write: run.yaml, the")
    assert verdict == "The run is sound."


def test_the_verb_tells_of_a_card_that_was_edited_by_hand_and_calls_the_run_sound(own_run, capsys):
    card = own_run.read("dataset/README.md").replace(b"license: cc0-1.0", b"license: cc-by-4.0") + b"More of it.\n"
    own_run.write("dataset/README.md", card)
    own_run.remove("dataset/samples/1.jpg")
    assert main(["check", own_run.root]) == 0
    otherwise = ": `push` sends it as it is; a rerun of the build would overwrite it."
    assert capsys.readouterr().out.splitlines() == [
        f"dataset/README.md does not say of `license` what the dataset does{otherwise}",
        f"dataset/README.md has changed since the build finished{otherwise}",
        f"dataset/samples/1.jpg has changed since the build finished{otherwise}",
        "The run is sound.",
    ]


def test_what_nobody_edits_by_hand_is_a_problem_for_the_verb_too(own_run, capsys):
    own_run.write("run.yaml", own_run.read("run.yaml") + b"\n")
    own_run.write("dataset/README.md", b"---\nlicense: [\n---\n")
    assert main(["check", own_run.root]) == 1
    said = capsys.readouterr().out
    assert "dataset/README.md cannot be read (its metadata is not valid YAML" in said
    assert f"run.yaml has changed since the build finished (see {CHECKSUMS})." in said
    assert said.endswith("2 problems found.\n")


@pytest.mark.parametrize(
    "name",
    [
        "extract/part-00000-00000000.parquet",
        f"generate/.{'a' * 32}.tmp",
        f".{'b' * 32}.tmp",
        "dataset/notes.txt",
        "pack/x",
    ],
)
def test_a_stray_file_is_found(own_run, name):
    own_run.write(name, b"x")
    assert check(own_run).startswith(f"{name} belongs to no shard. ")
    assert ("Rerun the build to remove it." in check(own_run)) == (not name.endswith(("notes.txt", "x")))
