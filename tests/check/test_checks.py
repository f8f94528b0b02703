"""Checks: a sound run has no problems, and each kind of damage is found and named."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docmatix.check.proof import count_parts, find_problems
from docmatix.check.rows import check_row
from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.driver.build import read_job
from docmatix.review.status import read_status
from docmatix.storage.checksums import CHECKSUMS
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record
from docmatix.storage.run import RunDirectory
from docmatix.storage.schemas import CURATE, DATASETS, EXTRACT, GENERATE
from docmatix.storage.store import Store
from tests.jobs import FakeClient, build, extract, make_job
from tests.pdfs import write_distinct_pdf
from tests.publishing.runs import build_wide_run

DATA = "dataset/data/train-00000-of-00001.parquet"


def check(run: RunDirectory) -> str:
    return "\n".join(find_problems(run))


def flip(run: RunDirectory, name: str, *, at: int = 100) -> None:
    """Change one bit of a file."""
    path = Path(run.path(name))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def rewrite(run: RunDirectory, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the rows of the dataset, with file and record in agreement: only the rows themselves can tell."""
    rows = change(list(run.iterate_file(DATA)))
    with run.writing("dataset/data") as pending:
        writer = ShardWriter(pending, DATASETS["annotated"], for_images=True)
        for row in rows:
            writer.add(row)
        writer.close()
        pending.publish(DATA)
    record = run.read_record("pack", 0)
    assert record is not None
    content = run.read(DATA)
    sha256 = hashlib.sha256(content).hexdigest()
    run.write_record("pack", 0, replace(record, rows=len(rows), size=len(content), sha256=sha256))


def test_a_finished_run_is_sound(finished_run):
    run = RunDirectory(finished_run)
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
        check(RunDirectory(tmp_path))


@pytest.mark.parametrize("stage", ["plan", "extract", "dedup", "generate", "curate"])
def test_a_flipped_bit_in_any_stage_is_found(own_run, stage):
    name = own_run.part_name(stage, own_run.read_record(stage, 1))
    flip(own_run, name)
    assert f"{name} is damaged" in check(own_run)


def test_a_flipped_bit_in_the_dataset_is_found(own_run):
    flip(own_run, DATA, at=len(own_run.read(DATA)) // 2)
    assert f"{DATA} is damaged" in check(own_run)


def test_a_truncated_part_is_found(own_run):
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    own_run.write(name, own_run.read(name)[:-1])
    assert f"{name} is damaged" in check(own_run)


def test_a_removed_part_is_found(own_run):
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    own_run.remove(name)
    assert f"{name} is missing, though shard 0 of extract is committed." in check(own_run)


@pytest.mark.parametrize("stage", ["extract", "dedup", "generate", "curate"])
def test_a_removed_shard_is_found(own_run, stage):
    own_run.remove(f"{stage}/part-00001.json")
    assert f"{stage} lacks 1 of 3 shards (first: 1)." in check(own_run)


def test_a_stage_of_which_nothing_is_left_is_found(own_run):
    own_run.remove(*(f"generate/part-{shard:05d}.json" for shard in own_run.shards("generate")))
    problems = check(own_run)
    assert "generate lacks 3 of 3 shards (first: 0)." in problems
    assert "This is a bug in docmatix" not in problems


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


def test_a_document_that_is_there_twice_is_no_fault_before_dedup_has_decided_by_these_settings(own_run):
    own_run.remove(*(f"dedup/part-{shard:05d}.json" for shard in own_run.shards("dedup")[1:]))
    assert "let in" not in check(own_run)


def test_removed_replies_are_found(own_run):
    (name,) = own_run.read_record("generate", 0).extra["replies"]
    own_run.remove(f"generate/replies/{name}")
    assert f"generate/replies/{name} is missing: stored replies are lost." in check(own_run)


def test_a_removed_file_of_the_dataset_is_found(own_run):
    own_run.remove(DATA)
    assert f"{DATA} is missing." in check(own_run)


@pytest.mark.parametrize("name", ["train-00001-of-00002.parquet", "other.parquet", ".aside.tmp"])
def test_a_stray_file_in_the_dataset_is_found(own_run, name):
    own_run.write(f"dataset/data/{name}", b"x")
    assert f"dataset/data/{name} belongs to no shard." in check(own_run)


@pytest.mark.parametrize("name", ["README.md", "stats.json"])
def test_a_build_that_did_not_finish_is_found(own_run, name):
    own_run.remove(f"dataset/{name}")
    assert f"dataset/{name} is missing: the build did not finish." in check(own_run)


def test_a_row_that_is_there_twice_is_found(own_run):
    rewrite(own_run, lambda rows: [*rows, rows[0]])
    problems = check(own_run)
    assert "The dataset holds a sample or a pair twice." in problems
    assert "dataset/stats.json counts other rows than the dataset has." in problems


def test_a_lost_row_is_found(own_run):
    rewrite(own_run, lambda rows: rows[1:])
    assert "dataset/stats.json counts other rows than the dataset has." in check(own_run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
def test_statistics_that_cannot_be_read_are_a_problem_like_others(own_run, content):
    own_run.write("dataset/stats.json", content)
    assert "dataset/stats.json cannot be read" in check(own_run)


def test_a_record_that_counts_other_rows_is_found(own_run):
    record = own_run.read_record("curate", 0)
    own_run.write_record("curate", 0, replace(record, rows=record.rows + 1))
    assert f"has {record.rows} rows, not the {record.rows + 1} that were committed." in check(own_run)


def test_a_ledger_that_does_not_balance_is_found(own_run):
    record = own_run.read_record("extract", 0)
    own_run.write_record("extract", 0, replace(record, ledger=[{**record.ledger[0], "in": 9}, record.ledger[1]]))
    assert "The ledger of extract does not balance" in check(own_run)
    assert not read_status(own_run)["balanced"]


def test_documents_lost_between_two_stages_are_found(own_run):
    record = own_run.read_record("dedup", 0)
    documents = {**record.ledger[0], "in": record.ledger[0]["in"] - 1, "out": record.ledger[0]["out"] - 1}
    own_run.write_record("dedup", 0, replace(record, ledger=[documents, record.ledger[1]]))
    assert "5 documents left extract but 4 entered dedup" in check(own_run)


def test_another_schema_is_found(own_run):
    table = pq.read_table(own_run.path(DATA)).drop(["annotations"])
    pq.write_table(table, own_run.path(DATA))
    assert f"{DATA} cannot be read: its schema is not the one that pack.schema names" in check(own_run)


def test_images_without_their_metadata_are_found(own_run):
    table = pq.read_table(own_run.path(DATA)).replace_schema_metadata(None)
    pq.write_table(table, own_run.path(DATA))
    assert "lacks the `huggingface` metadata" in check(own_run)


def test_a_file_that_is_no_parquet_is_found_and_the_check_goes_on(own_run):
    own_run.write(DATA, b"nothing of the kind")
    own_run.write("dataset/data/stray.parquet", b"x")
    problems = check(own_run)
    assert f"{DATA} is damaged" in problems
    assert f"{DATA} cannot be read" in problems
    assert "stray.parquet belongs to no shard." in problems


# --- every byte ------------------------------------------------------------------------------------------------------

UNPROVED = ("telemetry/", "report.html", ".lock")
"""Files that may differ from run to run, or are made from the others."""


def list_kinds(run: RunDirectory) -> dict[str, list[str]]:
    """The files of a run by what they are: `extract/part-.parquet`, `dataset/plots`, ..."""
    kinds: dict[str, list[str]] = {}
    for path in sorted(Path(run.root).rglob("*")):
        name = str(path.relative_to(run.root))
        if path.is_file() and not name.startswith(UNPROVED):
            kind = name if name.count("/") < 2 and "part-" not in name else name.rsplit("/", 1)[0]
            kinds.setdefault(f"{kind.split('/part-')[0]}{path.suffix}" if "part-" in name else kind, []).append(name)
    return kinds


@pytest.fixture(scope="module")
def bare_run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A copy whose files are changed and put back."""
    folder = tmp_path_factory.mktemp("flipped") / "run"
    shutil.copytree(finished_run, folder)
    return RunDirectory(folder)


KINDS = (
    "SHA256SUMS",
    "run.yaml",
    "fingerprints.json",
    "dataset/README.md",
    "dataset/stats.json",
    "dataset/data",
    "dataset/plots",
    "dataset/samples",
    *(
        f"{stage}{suffix}"
        for stage in ("plan", "extract", "dedup", "generate", "curate")
        for suffix in (".json", ".parquet")
    ),
    "pack.json",
    "generate/replies.parquet",
)


def test_every_kind_of_file_is_among_those_that_are_flipped(bare_run):
    assert set(list_kinds(bare_run)) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_anywhere_is_found(bare_run, kind):
    names = list_kinds(bare_run)[kind]

    @settings(max_examples=4, database=None, derandomize=True)
    @given(st.sampled_from(names), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
    def flip_somewhere(name: str, place: float, bit: int) -> None:
        path = Path(bare_run.path(name))
        before = path.read_bytes()
        content = bytearray(before)
        content[int(place * len(content))] ^= 1 << bit
        try:
            path.write_bytes(content)
            assert check(bare_run) != ""
        finally:
            path.write_bytes(before)

    flip_somewhere()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_of_any_kind_is_found(bare_run, kind):
    path = Path(bare_run.path(list_kinds(bare_run)[kind][-1]))
    before = path.read_bytes()
    path.unlink()
    try:
        if kind == "run.yaml":
            with pytest.raises(SetupError, match="There is no run in"):
                check(bare_run)
        else:
            assert path.name in check(bare_run) or "lacks" in check(bare_run)
    finally:
        path.write_bytes(before)


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


# --- what checksums cannot tell ---------------------------------------------------------------------------------------


def change_part(
    run: RunDirectory, stage: str, shard: int, schema: Any, change: Callable[[list[dict[str, Any]]], Any]
) -> None:
    """Change the rows of a shard in place, with file and record in agreement."""
    record = run.read_record(stage, shard)
    assert record is not None
    rows = list(run.iterate_rows(stage, shard))
    rows = change(rows) or rows
    with run.writing(stage) as pending:
        writer = ShardWriter(pending, schema)
        for row in rows:
            writer.add(row)
        writer.close()
        name = f"part-{shard:05d}-{pending.sha256[:8]}.parquet"
        size, sha256 = pending.bytes, pending.sha256
        pending.publish(f"{stage}/{name}")
    run.remove(run.part_name(stage, record))
    run.write_record(stage, shard, replace(record, file=name, rows=len(rows), size=size, sha256=sha256))


def first_pair(rows: list[dict[str, Any]]) -> dict[str, Any]:
    pair: dict[str, Any] = next(row for row in rows if row["reason"] is None and row["evidence"])
    return pair


def test_a_damaged_record_is_a_problem_like_others(own_run):
    own_run.write("extract/part-00001.json", own_run.read("extract/part-00001.json")[:-20])
    flip(own_run, own_run.part_name("extract", own_run.read_record("extract", 0)))
    problems = check(own_run)
    assert "The commit record extract/part-00001.json is damaged: remove it" in problems
    assert "part-00000" in problems


def test_a_count_that_was_changed_in_a_record_is_found_by_its_seal(own_run):
    content = json.loads(own_run.read("curate/part-00000.json"))
    content["extra"]["square_inches"] += 1
    own_run.write("curate/part-00000.json", json.dumps(content).encode())
    assert "The commit record curate/part-00000.json is damaged" in check(own_run)


def test_a_record_of_an_earlier_version_has_no_seal_and_is_believed(own_run):
    unseal(own_run)
    assert check(own_run) == ""


@pytest.mark.parametrize("stage", ["extract", "dedup", "generate", "curate"])
def test_a_record_of_other_settings_is_found(own_run, stage):
    record = own_run.read_record(stage, 1)
    own_run.write_record(stage, 1, replace(record, fingerprint="0" * 32))
    assert f"{stage} has 1 shards made from other settings or inputs (first: 1)." in check(own_run)


def test_a_packed_file_of_other_settings_is_found(own_run):
    record = own_run.read_record("pack", 0)
    own_run.write_record("pack", 0, replace(record, fingerprint="0" * 32))
    assert f"{DATA} was made from other settings or inputs. Rerun the build to repack it." in check(own_run)


def test_two_parts_that_were_swapped_are_found(own_run):
    records = [own_run.read_record("extract", shard) for shard in (0, 1)]
    paths = [Path(own_run.path(own_run.part_name("extract", record))) for record in records]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert check(own_run).count("is damaged: its content is not what was committed") == 2


def test_two_records_that_were_swapped_are_found(own_run):
    records = [own_run.read_record("extract", shard) for shard in (0, 1)]
    for shard, record in zip((1, 0), records, strict=True):
        own_run.write_record("extract", shard, record)
    problems = check(own_run)
    assert f"The commit record extract/part-00000.json names {records[1].file}, which is not its own." in problems
    assert "extract has 2 shards made from other settings or inputs" in problems


def test_pages_lost_between_two_stages_in_one_shard_and_found_in_another_do_not_even_out(own_run):
    for shard, by in ((0, -1), (1, 1)):
        record = own_run.read_record("dedup", shard)
        documents = {**record.ledger[0], "in": record.ledger[0]["in"] + by, "out": record.ledger[0]["out"] + by}
        own_run.write_record("dedup", shard, replace(record, ledger=[documents, *record.ledger[1:]]))
    problems = check(own_run)
    assert "entered dedup in shard 0" in problems
    assert "entered dedup in shard 1" in problems


def test_a_ledger_that_its_rows_do_not_bear_out_is_found(own_run):
    shard, record = next(
        (shard, record) for shard, record in own_run.records("extract") if record.ledger[0]["dropped"].get("not_pdf")
    )
    ledger = [{**record.ledger[0], "dropped": {"encrypted": 1}}, *record.ledger[1:]]
    own_run.write_record("extract", shard, replace(record, ledger=ledger))
    problems = check(own_run)
    assert "0 documents dropped as `not_pdf`, its rows 1" in problems
    assert "1 documents dropped as `encrypted`, its rows 0" in problems


def test_a_request_that_was_lost_is_found_by_its_ledger(own_run):
    change_part(own_run, "generate", 0, GENERATE, lambda rows: rows[1:])
    assert " requests in and " in check(own_run)


def test_a_pair_under_another_pairs_id_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        one, other = [row["pairs"][0] for row in rows if row["pairs"]][:2]
        one["pair_id"], other["pair_id"] = other["pair_id"], one["pair_id"]

    change_part(own_run, "generate", 0, GENERATE, change)
    problems = check(own_run)
    assert "has the id of another" in problems
    assert "The pairs of curate in shard 0 are not those of generate." in problems


def test_a_document_under_another_id_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["doc_id"] = "0" * 32

    change_part(own_run, "extract", 0, EXTRACT, change)
    assert "Document 0 of shard 0 has an id that does not match its content." in check(own_run)


def test_a_document_that_was_let_in_twice_is_found(own_run):
    places = [
        (shard, row["index"], row["doc_id"])
        for shard in own_run.shards("extract")
        for row in own_run.iterate_rows("extract", shard)
        if row["reason"] is None
    ]
    (_, _, doc_id), (shard, index, _) = places[0], places[-1]

    def change(rows: list[dict[str, Any]]) -> None:
        rows[index]["doc_id"], rows[index]["sha256"] = doc_id, doc_id * 2

    change_part(own_run, "extract", shard, EXTRACT, change)
    assert f"The document {doc_id} was let in 2 times." in check(own_run)


def test_evidence_that_does_not_stand_on_its_page_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["evidence"][0]["quote"] = "nothing of the kind"

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "quotes text that is not on page" in problems
    assert "is not what curate kept for this file." in problems


def test_evidence_on_a_page_that_its_document_does_not_have_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["evidence"][0]["page"] = 99

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "is on page 99, outside its sample." in problems
    assert "is on page 99, which its document does not have." in problems


def test_a_verdict_that_was_turned_is_found_in_the_dataset(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["reason"] = "too_long"

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "The ledger of curate/part-00000" in problems
    assert f"{DATA}: row 0" in problems


def test_a_changed_answer_is_found_though_every_sum_agrees(own_run):
    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[0]["texts"][0]["assistant"] = "Another One"
        return rows

    rewrite(own_run, change)
    assert f"{DATA}: row 0 ({first_sample(own_run)}) is not what curate kept for this file." in check(own_run)


def first_sample(run: RunDirectory) -> str:
    sample_id: str = next(run.iterate_file(DATA))["sample_id"]
    return sample_id


def test_rows_out_of_order_are_found(own_run):
    rewrite(own_run, lambda rows: rows[::-1])
    assert "is there twice or out of order." in check(own_run)


def test_a_row_that_is_there_twice_is_named(own_run):
    rewrite(own_run, lambda rows: [rows[0], *rows])
    problems = check(own_run)
    assert f"row 1 ({first_sample(own_run)}) is there twice or out of order." in problems
    assert f"{first_sample(own_run)} in train-00000-of-00001.parquet, train-00000-of-00001.parquet" in problems


def test_a_lost_row_is_told_from_one_that_pack_dropped(own_run):
    rewrite(own_run, lambda rows: rows[:-1])
    assert f"{DATA} lacks 1 rows that curate kept, but its ledger drops 0." in check(own_run)


def test_a_reply_that_a_shard_was_made_from_must_be_stored(own_run):
    (name,) = own_run.read_record("generate", 0).extra["replies"]
    table = pq.read_table(own_run.path(f"generate/replies/{name}"))
    buffer = io.BytesIO()
    pq.write_table(table.slice(1), buffer)
    other = f"{name.split('/')[0]}/{hashlib.sha256(buffer.getvalue()).hexdigest()[:16]}.parquet"
    own_run.write(f"generate/replies/{other}", buffer.getvalue())
    own_run.remove(f"generate/replies/{name}")
    record = own_run.read_record("generate", 0)
    own_run.write_record("generate", 0, replace(record, extra={**record.extra, "replies": [other]}))
    assert f"1 of {table.num_rows} replies that shard 0 of generate was made from are not stored." in check(own_run)


def test_figures_that_the_records_do_not_add_up_to_are_found(own_run):
    content = json.loads(own_run.read("dataset/stats.json"))
    own_run.write("dataset/stats.json", json.dumps({**content, "pairs_per_page": 1.5}).encode())
    assert "dataset/stats.json is not what the commit records add up to." in check(own_run)


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


def unseal(run: RunDirectory) -> None:
    """Make a run's commit records those of an earlier version."""
    for stage in ("plan", "extract", "dedup", "generate", "curate", "pack"):
        for shard in run.shards(stage):
            content = json.loads(run.read(f"{stage}/part-{shard:05d}.json"))
            del content["seal"]
            run.write(f"{stage}/part-{shard:05d}.json", json.dumps(content).encode())


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


# --- many files -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Three documents, each in a file of its own: for reading only."""
    return build_wide_run(tmp_path_factory.mktemp("wide"), documents=3, side_px=100)


@pytest.fixture
def own_wide_run(wide_run: RunDirectory, tmp_path: Path) -> RunDirectory:
    shutil.copytree(wide_run.root, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def read_packed(run: RunDirectory, number: int) -> Record:
    record = run.read_record("pack", number)
    assert record is not None
    return record


def test_a_run_of_many_files_is_sound(wide_run):
    assert check(wide_run) == ""


def test_two_packed_files_that_were_swapped_with_their_records_are_found(own_wide_run):
    records = [read_packed(own_wide_run, number) for number in (0, 1)]
    contents = [own_wide_run.read(record.file) for record in records]
    for number in (0, 1):
        mine, other = records[number], records[1 - number]
        own_wide_run.write(mine.file, contents[1 - number])
        changed = replace(other, file=mine.file, inputs=mine.inputs)
        own_wide_run.write_record("pack", number, changed)
    problems = check(own_wide_run)
    assert problems.count("is not what curate kept for this file.") == 2


def test_a_row_that_moved_to_another_file_is_found_in_both(own_wide_run):
    tables = [pq.read_table(own_wide_run.path(read_packed(own_wide_run, number).file)) for number in (0, 1)]
    moved = [tables[0].slice(0, 0), pa.concat_tables(tables[::-1])]
    for number, table in enumerate(moved):
        record = read_packed(own_wide_run, number)
        pq.write_table(table, own_wide_run.path(record.file))
        content = own_wide_run.read(record.file)
        sha256 = hashlib.sha256(content).hexdigest()
        own_wide_run.write_record(
            "pack", number, replace(record, rows=table.num_rows, size=len(content), sha256=sha256)
        )
    problems = check(own_wide_run)
    assert f"{read_packed(own_wide_run, 0).file} lacks 1 rows that curate kept" in problems
    assert f"{read_packed(own_wide_run, 1).file}: row 1" in problems


def test_a_lost_record_of_a_packed_file_is_found(own_wide_run):
    own_wide_run.remove("pack/part-00001.json")
    assert "train-00001-of-00003.parquet is not committed (there is no pack/part-00001.json)." in check(own_wide_run)


def test_an_image_larger_than_pack_makes_them_is_found(own_wide_run):
    text = own_wide_run.read("run.yaml").decode()
    own_wide_run.write("run.yaml", text.replace("max_side_px: 2940", "max_side_px: 64").encode())
    assert "is 100 px long, more than pack.max_side_px = 64." in check(own_wide_run)
    own_wide_run.write("run.yaml", text.replace("image_format: jpeg", "image_format: png").encode())
    assert "is jpeg, not pack.image_format = png." in check(own_wide_run)


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


class CountingFiles:
    """Stands before a filesystem, and counts how often each file is opened."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.opened: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def open(self, path: str, *rest: Any) -> Any:
        self.opened[path] = self.opened.get(path, 0) + 1
        return self._fs.open(path, *rest)


class CountingStore(Store):
    """A store on a disk that counts how often each small file is read."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read(self, name: str, *, patient: bool = True) -> bytes:
        self.reads[self.path(name)] += 1
        return super().read(name, patient=patient)


def test_a_file_of_a_remote_run_is_sent_once(wide_run, memory_run):
    for path in Path(wide_run.root).rglob("*"):
        if path.is_file():
            memory_run.write(str(path.relative_to(wide_run.root)), path.read_bytes())
    files = CountingFiles(memory_run.store.fs)
    memory_run.store.fs = files
    assert check(memory_run) == ""
    parts = {path: times for path, times in files.opened.items() if path.endswith(".parquet")}
    assert len(parts) > count_parts(memory_run) - 3
    assert set(parts.values()) == {1}


def count_reads_of_records(run: RunDirectory) -> dict[str, int]:
    counted = RunDirectory(run.root)
    store = counted.store = CountingStore(run.root)
    list(find_problems(counted))
    return {path: times for path, times in store.reads.items() if "/part-" in path}


def test_each_commit_record_is_read_once(own_wide_run):
    there = {
        own_wide_run.path(f"{stage}/part-{shard:05d}.json")
        for stage in read_job(own_wide_run).stages
        for shard in own_wide_run.shards(stage)
    }
    assert len(there) >= 8
    assert count_reads_of_records(own_wide_run) == dict.fromkeys(there, 1)


def test_records_are_read_once_too_where_the_dataset_cannot_be_compared_or_was_divided_otherwise(own_wide_run):
    own_wide_run.write("pack/part-00003.json", own_wide_run.read("pack/part-00002.json"))
    assert "pack/part-00003.json is of another division into files." in check(own_wide_run)
    assert set(count_reads_of_records(own_wide_run).values()) == {1}
    own_wide_run.remove("curate/part-00000.json")
    reads = count_reads_of_records(own_wide_run)
    assert sum("pack/" in path for path in reads) == 4
    assert set(reads.values()) == {1}


def test_a_damaged_record_of_another_division_is_a_problem_like_others(own_wide_run):
    own_wide_run.write("pack/part-00003.json", b"{")
    assert "The commit record pack/part-00003.json is damaged" in check(own_wide_run)


@pytest.mark.parametrize("stage", ["curate", "pack"])
def test_a_record_whose_figures_cannot_be_added_up_is_a_problem_and_no_crash(own_run, stage):
    record = own_run.read_record(stage, 0)
    own_run.write_record(stage, 0, replace(record, extra={}))
    assert "dataset/stats.json cannot be read" in check(own_run)


def test_the_same_document_twice_is_no_problem_where_it_was_asked_for(tmp_path):
    pdf = write_distinct_pdf(1)
    job = make_job(tmp_path, pdfs={"a.pdf": pdf, "b.pdf": pdf}, dedup={"exact": False, "near": False}, pack={"dpi": 36})
    build(job, client=FakeClient())
    assert check(job.run) == ""


# --- one row ----------------------------------------------------------------------------------------------------------


def make_row(**fields: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    return {
        "sample_id": "d-1",
        "images": [{"bytes": buffer.getvalue(), "path": "d-1.png"}],
        "texts": [{"user": "Who?", "assistant": "Ada", "source": "docs/a.pdf"}],
        "page_numbers": [1],
        "annotations": [{"pair_id": "p", "evidence": [{"page": 1, "quote": "Ada", "boxes": [[0, 0, 1, 1]]}]}],
        **fields,
    }


def annotate(page: int, *boxes: list[float]) -> list[dict[str, Any]]:
    return [{"pair_id": "p", "evidence": [{"page": page, "quote": "", "boxes": boxes}]}]


def test_a_good_row_has_no_problem_nor_has_one_of_the_docmatix_schema():
    row = make_row()
    assert list(check_row(row)) == []
    assert list(check_row({name: row[name] for name in ("images", "texts")})) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"images": [{"bytes": b"no image", "path": ""}]}, "an image of d-1 does not open"),
        ({"texts": [{"user": "Who?", "assistant": "", "source": "s"}]}, "d-1 has an empty pair."),
        ({"texts": [], "annotations": []}, "d-1 has an empty pair."),
        ({"annotations": []}, "d-1 has 1 pairs and 0 annotations."),
        ({"page_numbers": [1, 2]}, "d-1 has 1 images and 2 page numbers."),
        ({"annotations": annotate(2)}, "the evidence of p is on page 2, outside its sample."),
        ({"annotations": annotate(1, [0, 0, 1.1, 1])}, "an evidence box of p lies outside its page."),
        ({"annotations": annotate(1, [0.5, 0, 0.4, 1])}, "an evidence box of p lies outside its page."),
    ],
)
def test_what_is_wrong_with_a_row_is_named(fields, problem):
    (found,) = check_row(make_row(**fields))
    assert problem in found


def test_an_image_cut_short_is_found():
    row = make_row()
    row["images"][0]["bytes"] = row["images"][0]["bytes"][:45]
    (found,) = check_row(row)
    assert "does not open" in found


def test_what_status_reads_is_what_check_reads(own_run):
    own_run.remove("generate/part-00002.json")
    stages = {stage["stage"]: stage for stage in read_status(own_run)["stages"]}
    assert (stages["generate"]["shards_done"], stages["generate"]["shards"]) == (2, 3)
    assert stages["curate"]["shards_done"] == 2
    assert not read_status(own_run)["complete"]
    assert json.loads(json.dumps(read_status(own_run)))["name"] == "test"
