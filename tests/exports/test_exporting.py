"""What is exported, left out, or refused, in whatever format."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.exports.exporting import export_dataset
from docmatix.exports.formats import EXPORTS
from docmatix.exports.samples import Sample, read_sample
from docmatix.storage.schemas import DATASETS
from tests.exports.loading import ALL_FORMATS, FORMATS, export, read_pairs, read_rows, write_dataset
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf


def test_a_document_that_has_changed_is_left_out_and_counted(tmp_path):
    job = make_job(tmp_path, pdfs={f"{number}.pdf": write_distinct_pdf(number) for number in range(3)})
    build(job)
    whole = export_dataset(job.run.root, "pdf", tmp_path / "whole")
    next(tmp_path.rglob("1.pdf")).write_bytes(write_distinct_pdf(7))
    rest = export_dataset(job.run.root, "pdf", tmp_path / "rest")
    assert (whole.rows["train"], rest.rows["train"]) == (3, 2)
    assert rest.left_out == {"source_changed": whole.pairs - rest.pairs}
    assert "Left out: source_changed" in rest.describe()


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_a_zero_shot_export_has_two_splits_that_share_no_document(finished_run, format, tmp_path):
    exported = export_dataset(str(finished_run), format, tmp_path / "out", zero_shot=True, test_rows=1, train_rows=2)
    if format == "pdf":
        assert exported.rows["test"] == 1
        assert exported.rows["train"] in (1, 2)
    else:
        assert exported.rows == {"train": 2, "test": 1}
    assert exported.pairs > 0
    # what the files hold, led back to the rows that the pairs are of
    unit = "doc_id" if format == "pdf" else "sample_id"
    written = {split: read_pairs(exported.folder, format, split) for split in ("train", "test")}
    rows: dict[str, set[str]] = {"train": set(), "test": set()}
    documents: dict[str, set[str]] = {"train": set(), "test": set()}
    wanted: dict[str, Counter[tuple[str, str]]] = {"train": Counter(), "test": Counter()}
    for row in read_rows(finished_run):
        pairs = Counter((text["user"], text["assistant"]) for text in row["texts"])
        for split in ("train", "test"):
            if pairs & written[split]:
                rows[split].add(row[unit])
                documents[split].add(row["doc_id"])
                wanted[split] += pairs
    assert {split: len(found) for split, found in rows.items()} == {"train": 2, "test": 1}
    assert not documents["train"] & documents["test"]
    assert written == wanted
    assert exported.pairs == written["train"].total() + written["test"].total()


def test_documents_of_a_zero_shot_export_keep_all_of_their_pairs(finished_run, pairs, tmp_path):
    documents = {row["doc_id"] for row in read_rows(finished_run)}
    assert len(read_rows(finished_run)) > len(documents)
    exported = export_dataset(
        str(finished_run), "pdf", tmp_path / "out", zero_shot=True, test_rows=1, train_rows=len(documents) - 1
    )
    assert exported.rows == {"train": len(documents) - 1, "test": 1}
    found = read_pairs(exported.folder, "pdf", "train") + read_pairs(exported.folder, "pdf", "test")
    assert found == pairs


def test_copies_that_a_run_keeps_are_documents_of_their_own(tmp_path):
    pdfs = {name: write_distinct_pdf(1) for name in ("0.pdf", "1.pdf")}
    job = make_job(tmp_path, pdfs=pdfs, dedup={"exact": False, "near": False})
    build(job)
    exported = export_dataset(job.run.root, "pdf", tmp_path / "out", zero_shot=True, test_rows=1, train_rows=0)
    assert exported.rows == {"train": 0, "test": 1}


@pytest.mark.parametrize("schema", DATASETS)
def test_a_zero_shot_export_reads_the_images_of_the_drawn_rows_alone(finished_run, schema, tmp_path, monkeypatch):
    names = DATASETS[schema].names
    rows = [{name: row[name] for name in names} for row in read_rows(finished_run)]
    folder = write_dataset(tmp_path / "dataset", rows, schema=DATASETS[schema])
    read: list[bytes] = []

    def read_and_note(row: dict[str, Any]) -> Sample:
        read.append(row["images"][0]["bytes"])
        return read_sample(row)

    monkeypatch.setattr("docmatix.exports.origins.read_sample", read_and_note)
    exported = export_dataset(str(folder), "llava", tmp_path / "out", zero_shot=True, test_rows=1, train_rows=2)
    assert exported.rows == {"train": 2, "test": 1}
    assert len(read) == 3 < len(rows)


def test_the_zero_shot_splits_of_the_published_size_need_as_many_samples(finished_run, tmp_path):
    with pytest.raises(SetupError, match="--train-rows"):
        export_dataset(str(finished_run), "llava", tmp_path / "out", zero_shot=True)
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_never_written_over_something(finished_run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(SetupError, match="-o"):
        export_dataset(str(finished_run), "llava", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_unknown_format_and_a_dataset_without_its_source_are_refused(finished_run, tmp_path):
    with pytest.raises(SetupError, match="mp-docvqa"):
        export_dataset(str(finished_run), "squad", tmp_path / "out")
    with pytest.raises(SetupError, match="give the run"):
        export_dataset(str(finished_run / "dataset"), "pdf", tmp_path / "out")


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_a_run_that_is_not_finished_is_refused(own_run, format, tmp_path):
    own_run.store.fs.rm(own_run.path("dataset/README.md"))
    with pytest.raises(SetupError, match=r"not finished: `docmatix build` continues it\.$"):
        export_dataset(own_run.root, format, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_whose_data_is_packed_in_part_is_refused(tmp_path):
    job = make_job(tmp_path, pdfs={"0.pdf": write_distinct_pdf(0)})
    build(job)
    changed = {**job.fingerprints, "pack": "another"}
    job.run.write("fingerprints.json", json.dumps(changed).encode())
    with pytest.raises(SetupError, match="is not finished"):
        export_dataset(job.run.root, "docvqa", tmp_path / "out")


def test_a_dataset_without_rows_is_refused(tmp_path):
    with pytest.raises(SetupError, match="no samples"):
        export_dataset(str(write_dataset(tmp_path / "empty", [])), "docvqa", tmp_path / "out")
    job = make_job(tmp_path, pdfs={"text.pdf": b"This is no PDF."})
    build(job)
    for format in ("docvqa", "pdf"):
        with pytest.raises(SetupError, match="inspect --dropped"):
            export_dataset(job.run.root, format, tmp_path / "out")


@pytest.mark.parametrize("format", FORMATS)
def test_no_name_in_a_dataset_leads_out_of_the_export(finished_run, format, tmp_path):
    row = read_rows(finished_run)[0]
    names = {"doc_id": "../../../../evil", "sample_id": "../../../../evil.0.jpg"}
    folder = write_dataset(tmp_path / "dataset", [{**row, **names}])
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    out = tmp_path / "a" / "b" / "out"
    exported = export_dataset(str(folder), format, out)
    assert exported.pairs == len(row["texts"])
    written = {path for path in tmp_path.rglob("*") if folder not in path.parents} - before
    assert {path for path in written if out not in path.parents} == {out, out.parent, out.parent.parent}
    assert not list(Path(tmp_path).parent.glob("evil*"))
    for path in out.rglob("*.tar"):
        with tarfile.open(path) as tar:
            stems = {member.name.split(".")[0] for member in tar}
            assert len(stems) == 1
            assert not {"/", "\\"} & set("".join(tar.getnames()))
            assert all(member.name.count(".") == 1 + member.name.endswith(".jpg") for member in tar)
    assert format == "florence2" or b"../../../../evil" in b"".join(
        path.read_bytes() for path in out.rglob("*") if path.suffix in (".json", ".parquet", ".tar")
    )


@pytest.mark.parametrize("format", ["llava", "messages", "florence2"])
@pytest.mark.parametrize(
    "mark",
    [
        *("<image>", "<|image_pad|>", "<|vision_start|>", "<fake_token_around_image>", "<|image_1|>"),
        *("<start_of_image>", "<IMG_CONTEXT>", "</img>", "[IMG]", "[IMG_END]"),
    ],
)
def test_a_pair_with_the_mark_of_an_image_in_its_text_is_left_out(finished_run, format, mark, tmp_path):
    row = read_rows(finished_run)[0]
    asked = {**row["texts"][0], "user": f"What does {mark} stand for?"}
    told = {**row["texts"][0], "assistant": f"It is {mark}."}
    marked = {
        **row,
        "texts": [asked, *row["texts"], told],
        "annotations": [row["annotations"][0], *row["annotations"], row["annotations"][0]],
    }
    alone = {**row, "sample_id": "alone", "texts": [asked], "annotations": row["annotations"][:1]}
    folder = write_dataset(tmp_path / "dataset", [marked, alone])
    exported = export_dataset(str(folder), format, tmp_path / "out")
    assert exported.left_out == {"image_mark": 3}
    assert exported.pairs == len(row["texts"])
    expected = Counter((text["user"], text["assistant"]) for text in row["texts"])
    assert read_pairs(exported.folder, format, "train") == expected


@pytest.mark.parametrize("format", ["llava", "messages"])
def test_text_that_only_speaks_of_images_is_kept(finished_run, format, tmp_path):
    row = read_rows(finished_run)[0]
    asked = {**row["texts"][0], "user": "Is 3 < 5 images, or <b>image</b> [see IMG]?"}
    folder = write_dataset(tmp_path / "dataset", [{**row, "texts": [asked], "annotations": row["annotations"][:1]}])
    exported = export_dataset(str(folder), format, tmp_path / "out")
    assert (exported.pairs, exported.left_out) == (1, {})


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("images", [[{"bytes": None, "path": "page.jpg"}], [None], [], None])
def test_a_sample_without_its_page_image_is_left_out_and_counted(finished_run, format, images, tmp_path):
    first, second = read_rows(finished_run)[:2]
    folder = write_dataset(tmp_path / "dataset", [{**first, "images": images}, second])
    exported = export_dataset(str(folder), format, tmp_path / "out")
    assert exported.rows == {"train": 1}
    assert exported.left_out == {"image_missing": len(first["texts"])}
    expected = Counter((text["user"], text["assistant"]) for text in second["texts"])
    assert read_pairs(exported.folder, format, "train") == expected


def test_rows_without_page_images_or_texts_are_refused(finished_run, tmp_path):
    documents = export(finished_run, "pdf", tmp_path)
    with pytest.raises(SetupError, match="no page images: export from the run"):
        export_dataset(str(documents), "docvqa", tmp_path / "out")
    images = [{"images": read_rows(finished_run)[0]["images"]}]
    schema = pa.schema([DATASETS["annotated"].field("images")])
    with pytest.raises(SetupError, match="no texts"):
        export_dataset(str(write_dataset(tmp_path / "images", images, schema=schema)), "docvqa", tmp_path / "out")


def test_the_command_tells_what_it_wrote(finished_run, pairs, tmp_path, capsys):
    assert main(["export", str(finished_run), "--format", "docvqa", "-o", str(tmp_path / "out")]) == 0
    assert f"{pairs.total()} pairs in" in capsys.readouterr().out
    assert main(["export", str(finished_run), "--format", "squad"]) == 2


def test_the_help_lists_every_format_with_what_it_writes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    said = capsys.readouterr().out
    for kind in EXPORTS:
        assert any(kind.get_name() in line and line.endswith(kind.summary) for line in said.splitlines())
