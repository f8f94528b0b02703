"""Every export, loaded the way its users load it."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pymupdf
import pytest
from PIL import Image

import docmatix
from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.exports.exporting import export_dataset
from docmatix.exports.formats import EXPORTS, find_format
from docmatix.exports.samples import Sample, read_sample
from docmatix.exports.webdataset import Webdataset
from docmatix.storage.schemas import DATASETS
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf

ALL_FORMATS = [kind.get_name() for kind in EXPORTS]
FORMATS = [kind.get_name() for kind in EXPORTS if not kind.needs_run]


@pytest.fixture(scope="module")
def pairs(finished_run: Path) -> Counter[tuple[str, str]]:
    """Question and answer of every pair of the run."""
    rows = docmatix.open(finished_run).rows(images=False)
    return Counter((text["user"], text["assistant"]) for row in rows for text in row["texts"])


def export(run: Path, format: str, folder: Path, **options: Any) -> Path:
    exported = export_dataset(str(run), format, folder / format, **options)
    assert exported.left_out.total() == 0
    return exported.folder


def write_dataset(folder: Path, rows: Iterable[dict[str, Any]], *, schema: pa.Schema = DATASETS["annotated"]) -> Path:
    """A folder with these rows as its only file."""
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), folder / "data" / "train-00000.parquet")
    return folder


def read_rows(run: Path) -> list[dict[str, Any]]:
    return list(docmatix.open(run).rows())


def read_pairs(folder: Path, format: str, split: str) -> Counter[tuple[str, str]]:
    """Question and answer of every pair in the files of one split."""
    read: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
        "docvqa": lambda: _read_entries(folder / f"{split}_v1.0.json"),
        "mp-docvqa": lambda: _read_entries(folder / f"{split}.json"),
        "llava": lambda: _read_conversations(folder / f"{split}.json"),
        "messages": lambda: _read_messages(folder, split),
        "florence2": lambda: _read_lines(folder / split / "annotations.jsonl"),
        "webdataset": lambda: _read_tars(folder, split),
        "pdf": lambda: _read_documents(folder, split),
    }
    return Counter(read[format]())


def _read_entries(path: Path) -> Iterator[tuple[str, str]]:
    return ((each["question"], each["answers"][0]) for each in json.loads(path.read_text())["data"])


def _read_conversations(path: Path) -> Iterator[tuple[str, str]]:
    for each in json.loads(path.read_text()):
        said = [turn["value"].replace("<image>\n", "") for turn in each["conversations"]]
        yield from zip(said[::2], said[1::2], strict=True)


def _read_tables(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
        yield from pq.read_table(path).to_pylist()


def _read_messages(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for row in _read_tables(folder, split):
        parts = [part for turn in row["messages"] for part in turn["content"]]
        said = [part["text"] for part in parts if part["type"] == "text"]
        yield from zip(said[::2], said[1::2], strict=True)


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in map(json.loads, path.read_text().splitlines()):
        yield line["prefix"].removeprefix("<DocVQA>"), line["suffix"]


def _read_tars(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob(f"{split}-*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    content = json.loads(tar.extractfile(member).read())  # type: ignore[union-attr]
                    yield from ((pair["question"], pair["answer"]) for pair in content["pairs"])


def _read_documents(folder: Path, split: str) -> Iterator[tuple[str, str]]:
    for row in _read_tables(folder, split):
        yield from ((text["user"], text["assistant"]) for text in row["texts"])


def open_image(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image.convert("RGB")


def test_docvqa_is_read_entry_by_entry_with_one_image_each(finished_run, pairs, tmp_path):
    folder = export(finished_run, "docvqa", tmp_path)
    content = json.loads((folder / "train_v1.0.json").read_text())
    assert content["dataset_split"] == "train"
    assert Counter((each["question"], each["answers"][0]) for each in content["data"]) == pairs
    assert [each["questionId"] for each in content["data"]] == list(range(1, pairs.total() + 1))
    assert all(min(open_image(folder / each["image"]).size) > 100 for each in content["data"])
    documents = {each["docId"]: each["ucsf_document_id"] for each in content["data"]}
    assert len(documents) == len(set(documents.values())) > 1


def test_docvqa_asks_about_the_page_that_the_answer_stands_on(finished_run, tmp_path):
    folder = export(finished_run, "docvqa", tmp_path)
    asked = {each["pair_id"]: each for each in json.loads((folder / "train_v1.0.json").read_text())["data"]}
    several = [row for row in docmatix.open(finished_run).rows() if len(row["images"]) > 1]
    assert several
    for row in several:
        for annotation in row["annotations"]:
            page = row["page_numbers"].index(annotation["evidence"][0]["page"])
            shown = (folder / asked[annotation["pair_id"]]["image"]).read_bytes()
            assert shown == row["images"][page]["bytes"]


def test_mp_docvqa_names_all_pages_and_the_one_with_the_answer(finished_run, pairs, tmp_path):
    folder = export(finished_run, "mp-docvqa", tmp_path)
    entries = json.loads((folder / "train.json").read_text())["data"]
    assert Counter((each["question"], each["answers"][0]) for each in entries) == pairs
    assert max(len(each["page_ids"]) for each in entries) > 1
    for each in entries:
        assert 0 <= each["answer_page_idx"] < len(each["page_ids"])
        for page_id in each["page_ids"]:
            open_image(folder / "images" / f"{page_id}.jpg")


def test_llava_has_as_many_image_marks_as_images_and_turns_that_alternate(finished_run, pairs, tmp_path):
    folder = export(finished_run, "llava", tmp_path)
    found: Counter[tuple[str, str]] = Counter()
    for each in json.loads((folder / "train.json").read_text()):
        names = [each["image"]] if isinstance(each["image"], str) else each["image"]
        assert all(open_image(folder / "images" / name) for name in names)
        said = [turn["value"] for turn in each["conversations"]]
        assert [turn["from"] for turn in each["conversations"]] == ["human", "gpt"] * (len(said) // 2)
        assert sum(value.count("<image>") for value in said) == len(names)
        questions = [value.replace("<image>\n", "") for value in said[::2]]
        found += Counter(zip(questions, said[1::2], strict=True))
    assert found == pairs


def test_messages_load_as_a_dataset_of_images_and_chat_turns(finished_run, pairs, tmp_path):
    from datasets import load_dataset

    folder = export(finished_run, "messages", tmp_path)
    dataset = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    found: Counter[tuple[str, str]] = Counter()
    for row in dataset:
        assert all(isinstance(image, Image.Image) for image in row["images"])
        parts = [part for turn in row["messages"] for part in turn["content"]]
        assert sum(part["type"] == "image" for part in parts) == len(row["images"])
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        texts = [part["text"] for part in parts if part["type"] == "text"]
        found += Counter(zip(texts[::2], texts[1::2], strict=True))
    assert found == pairs


def test_florence2_lines_have_an_image_a_task_and_an_answer(finished_run, pairs, tmp_path):
    folder = export(finished_run, "florence2", tmp_path) / "train"
    lines = [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]
    assert Counter((line["prefix"].removeprefix("<DocVQA>"), line["suffix"]) for line in lines) == pairs
    assert all(line["prefix"].startswith("<DocVQA>") and open_image(folder / line["image"]) for line in lines)


# the library leaves the last tar open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_streams_samples_with_their_images(finished_run, pairs, tmp_path):
    from webdataset import WebDataset

    folder = export(finished_run, "webdataset", tmp_path)
    tars = [str(path) for path in sorted(folder.glob("*.tar"))]
    found: Counter[tuple[str, str]] = Counter()
    for sample in WebDataset(tars, shardshuffle=False).decode("pil"):
        images = [sample[f"{number}.jpg"] for number in range(sum(name.endswith(".jpg") for name in sample))]
        assert images
        assert all(isinstance(image, Image.Image) for image in images)
        assert sample["__key__"] == sample["json"]["sample_id"]
        found += Counter((pair["question"], pair["answer"]) for pair in sample["json"]["pairs"])
    assert found == pairs


def test_tars_are_divided_by_size(finished_run, tmp_path):
    samples = list(map(read_sample, docmatix.open(finished_run).rows()))
    Webdataset(shard_bytes=1).write_split(samples, tmp_path, split="train", name="tars")
    assert len(list(tmp_path.glob("*.tar"))) == len(samples) > 1


def test_pdf_rows_hold_documents_that_open_with_all_their_pairs(finished_run, pairs, tmp_path):
    from datasets import load_dataset

    dataset = load_dataset(str(export(finished_run, "pdf", tmp_path)), split="train", cache_dir=str(tmp_path / "cache"))
    assert Counter((text["user"], text["assistant"]) for row in dataset for text in row["texts"]) == pairs
    assert len(dataset) == len(set(dataset["doc_id"]))
    for row in dataset:
        with pymupdf.open(stream=io.BytesIO(row["pdf"]), filetype="pdf") as document:
            assert len(document) > 0


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


@pytest.mark.parametrize("format", FORMATS)
def test_a_split_without_samples_is_a_file_too(format, tmp_path):
    assert find_format(format).write_split(iter(()), tmp_path, split="test", name="none") == Counter()
    assert read_pairs(tmp_path, format, "test") == Counter()
    assert [path for path in tmp_path.rglob("*") if path.is_file()]


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
