"""pack: what is in the output files."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from docmatix.core.documents import Refusal
from docmatix.core.errors import StorageFailed
from docmatix.pdf.rendering import PageImage
from docmatix.stages.support.child_pool import ChildPool
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.output_files import divide_rows, divide_run, is_packed
from docmatix.storage.schemas import DATASETS
from tests.jobs import FakeClient, build, curate, generate, make_job, pack, read_documents
from tests.pdfs import write_coloured_pdf, write_distinct_pdf, write_distinct_text, write_pdf


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents in two shards, with five samples and eight pages."""
    folder = tmp_path_factory.mktemp("curated")
    pdfs = {
        "a.pdf": write_distinct_pdf(1),
        "b.pdf": write_pdf(*map(write_distinct_text, range(20, 26))),
        "c.pdf": write_distinct_pdf(2),
    }
    job = make_job(folder, pdfs=pdfs, plan={"documents_per_shard": 2})
    read_documents(job)
    for shard in (0, 1):
        generate(job, shard, client=FakeClient())
        curate(job, shard)
    return folder


def make(curated: Path, folder: Path, **pack: Any) -> Job:
    """A job over a copy of what was curated; the source is the same."""
    if not (folder / "run").exists():
        shutil.copytree(curated / "run", folder / "run")
    job = make_job(folder, plan={"documents_per_shard": 2}, pack={"dpi": 36, **pack})
    source = job.config.source.model_copy(update={"paths": (str(curated / "docs"),)})
    return replace(job, config=job.config.model_copy(update={"source": source}))


def pack_all(job: Job, *, sandbox: Any = None) -> list[dict[str, Any]]:
    """Pack every file; returns all rows."""
    outputs = divide_run(job)
    for output in outputs:
        pack(job, output, sandbox=sandbox)
    return [row for output in outputs for row in job.run.iterate_file(output.name)]


class Painter:
    """A fake sandbox: returns images, or a given outcome."""

    def __init__(self, outcome: Refusal | None = None, *, image_bytes: int = 10) -> None:
        self.outcome, self.image_bytes = outcome, image_bytes
        self.drawn: list[list[int]] = []

    def run(self, function: Any, pdf: bytes, page_numbers: list[int], **options: Any) -> Any:
        self.drawn.append(page_numbers)
        return self.outcome or [PageImage(bytes(self.image_bytes), 3, 4, "L") for _ in page_numbers]


def test_each_sample_is_a_row_of_its_pages_and_pairs(curated, tmp_path):
    job = make(curated, tmp_path)
    rows = pack_all(job)
    assert [(row["source_uri"], row["page_numbers"]) for row in rows] == [
        ("docs/a.pdf", [1]),
        ("docs/b.pdf", [1, 2, 3, 4]),
        ("docs/b.pdf", [5, 6]),
        ("docs/c.pdf", [1]),
    ]
    for row in rows:
        assert row["sample_id"] == f"{row['doc_id']}-{row['page_numbers'][0]}"
        assert [image["path"] for image in row["images"]] == [f"{row['doc_id']}-{n}.jpg" for n in row["page_numbers"]]
        assert {text["source"] for text in row["texts"]} == {row["source_uri"]}
        assert len(row["texts"]) == len(row["annotations"])
        for image in row["images"]:
            assert Image.open(io.BytesIO(image["bytes"])).size == (306, 396)
    kept = [row for shard in (0, 1) for row in job.run.iterate_rows("curate", shard) if not row["reason"]]
    assert [(pair["question"], pair["answer"]) for pair in kept] == [
        (text["user"], text["assistant"]) for row in rows for text in row["texts"]
    ]
    assert [pair["pair_id"] for pair in kept] == [item["pair_id"] for row in rows for item in row["annotations"]]
    assert rows[0]["annotations"][0]["evidence"] == kept[0]["evidence"]


def test_rows_pages_and_pairs_are_counted(curated, tmp_path):
    job = make(curated, tmp_path)
    pack_all(job, sandbox=Painter())
    pairs = job.run.ledger("curate").accounts["pairs"].kept
    assert job.run.ledger("pack").to_json() == [
        {"unit": "rows", "in": 4, "out": 4, "dropped": {}},
        {"unit": "pages", "in": 8, "out": 8, "dropped": {}},
        {"unit": "pairs", "in": pairs, "out": pairs, "dropped": {}},
    ]
    (record,) = (record for _, record in job.run.records("pack"))
    totals = record.extra["statistics"]["totals"]
    assert (totals["rows"], totals["pages"], totals["pairs"], totals["image_bytes"]) == (4, 8, pairs, 80)
    assert totals["file_bytes"] == record.size


def test_a_divided_dataset_has_the_same_rows(curated, tmp_path):
    job = make(curated, tmp_path)
    whole = pack_all(job, sandbox=Painter())
    counts = [(shard, record.sha256, record.extra["samples"], 2e6) for shard, record in job.run.records("curate")]
    parts = divide_rows(counts, target_bytes=1e6)
    assert len(parts) == 4
    for part in parts:
        pack(job, part, sandbox=Painter())
    assert [row for part in parts for row in job.run.iterate_file(part.name)] == whole


def test_packing_again_gives_the_same_bytes(curated, tmp_path):
    job = make(curated, tmp_path)
    (output,) = divide_run(job)
    assert not is_packed(job, output)
    pack(job, output)
    first = job.run.read(output.name)
    assert is_packed(job, output)
    pack(job, output)
    assert job.run.read(output.name) == first


class Slow(Painter):
    """A painter of whom the first sample that it is given comes last: it waits until the others are drawn."""

    def __init__(self, drawn: list[list[int]], enough: int) -> None:
        super().__init__()
        self.drawn, self._enough = drawn, enough

    def run(self, function: Any, pdf: bytes, page_numbers: list[int], **options: Any) -> Any:
        first = not self.drawn
        images = super().run(function, pdf, page_numbers, **options)
        while first and len(self.drawn) < self._enough:
            time.sleep(0.001)
        return images


@pytest.mark.timeout(60)
def test_windows_are_rendered_by_several_children_at_once_and_the_file_is_the_same(curated, tmp_path):
    job = make(curated, tmp_path)
    (output,) = divide_run(job)
    pack(job, output, sandbox=Painter())
    alone = job.run.read(output.name), job.run.read("pack/part-00000.json")
    drawn: list[list[int]] = []
    with ChildPool(lambda: Slow(drawn, 4), slots=CpuSlots(2, folder=tmp_path), spare=2) as children:
        pack(job, output, sandbox=Painter(Refusal("crashed", "nobody asks this one")), children=children)
    assert len(drawn) == 4
    assert (job.run.read(output.name), job.run.read("pack/part-00000.json")) == alone


def test_after_a_worker_died_windows_are_rendered_one_by_one(curated, tmp_path):
    job = make(curated, tmp_path)
    (output,) = divide_run(job)
    alone = Painter()
    with ChildPool(lambda: pytest.fail("not asked"), slots=CpuSlots(2, folder=tmp_path), spare=2) as children:
        pack(job, output, sandbox=alone, children=children, progress=ShardProgress(attempt=1))
    assert len(alone.drawn) == 4


def test_what_a_child_raises_ends_the_file(curated, tmp_path):
    class Failing(Painter):
        def run(self, *_: Any, **__: Any) -> Any:
            raise StorageFailed("the temporary file has vanished")

    job = make(curated, tmp_path)
    (output,) = divide_run(job)
    with (
        ChildPool(Failing, slots=CpuSlots(2, folder=tmp_path), spare=2) as children,
        pytest.raises(StorageFailed, match="has vanished"),
    ):
        pack(job, output, children=children)
    assert not is_packed(job, output)


def test_a_file_is_packed_only_as_long_as_it_is_there_and_current(curated, tmp_path):
    job = make(curated, tmp_path)
    (output,) = divide_run(job)
    pack(job, output, sandbox=Painter())
    assert not is_packed(make(curated, tmp_path, dpi=72), output)
    assert is_packed(make(curated, tmp_path), output)
    job.run.remove(output.name)
    assert not is_packed(job, output)


def test_a_source_that_changed_after_it_was_read_is_never_shown_with_old_pairs(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1), "b.pdf": write_distinct_pdf(2)}, pack={"dpi": 36})
    build(job)
    # of the same size and time, so that nothing but the content tells
    path = tmp_path / "docs" / "a.pdf"
    pdf = bytearray(path.read_bytes())
    pdf[-2] ^= 1
    stamp = path.stat()
    path.write_bytes(pdf)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    rows = pack_all(job)
    assert [row["source_uri"] for row in rows] == ["docs/b.pdf"]
    ledger = job.run.ledger("pack")
    assert {unit: dict(account.dropped) for unit, account in ledger.accounts.items()} == {
        "rows": {"source_changed": 1},
        "pages": {"source_changed": 1},
        "pairs": {"source_changed": 1},
    }


def test_a_source_that_has_vanished_counts_as_missing(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)})
    build(job)
    (tmp_path / "docs" / "a.pdf").unlink()
    assert pack_all(job) == []
    assert dict(job.run.ledger("pack").accounts["rows"].dropped) == {"missing": 1}


def test_a_row_that_is_too_large_is_dropped(curated, tmp_path):
    job = make(curated, tmp_path, max_row_mb=1)
    rows = pack_all(job, sandbox=Painter(image_bytes=300 << 10))
    assert [len(row["images"]) for row in rows] == [1, 2, 1]
    assert dict(job.run.ledger("pack").accounts["rows"].dropped) == {"row_too_large": 1}
    assert dict(job.run.ledger("pack").accounts["pages"].dropped) == {"row_too_large": 4}


def test_a_sample_that_cannot_be_rendered_is_dropped_whole(curated, tmp_path):
    job = make(curated, tmp_path)
    assert pack_all(job, sandbox=Painter(Refusal("timeout"))) == []
    assert dict(job.run.ledger("pack").accounts["rows"].dropped) == {"timeout": 4}
    assert is_packed(job, divide_run(job)[0])


def test_row_groups_are_bounded_by_the_images_in_them(curated, tmp_path):
    job = make(curated, tmp_path, row_group_mb=1)
    pack_all(job, sandbox=Painter(image_bytes=400 << 10))
    with job.run.open(divide_run(job)[0].name) as stream:
        parquet = pq.ParquetFile(stream)
        assert [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)] == [1, 1, 1, 1]


def test_only_pages_with_kept_pairs_are_drawn(curated, tmp_path):
    painter = Painter()
    pack_all(make(curated, tmp_path), sandbox=painter)
    assert painter.drawn == [[1], [1, 2, 3, 4], [5, 6], [1]]


@pytest.mark.parametrize(("image_format", "suffix"), [("jpeg", "jpg"), ("png", "png"), ("webp", "webp")])
def test_images_have_the_chosen_format_and_its_suffix(curated, tmp_path, image_format, suffix):
    rows = pack_all(make(curated, tmp_path, image_format=image_format))
    (image, *_) = rows[0]["images"]
    assert image["path"].endswith(f"-1.{suffix}")
    assert Image.open(io.BytesIO(image["bytes"])).format == image_format.upper()


def test_a_dataset_without_a_pair_is_one_empty_file_of_the_schema(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_coloured_pdf(), "b.pdf": b"broken"})
    build(job)
    (output,) = divide_run(job)
    with job.run.open(output.name) as stream:
        parquet = pq.ParquetFile(stream)
        assert (parquet.metadata.num_rows, parquet.schema_arrow) == (0, DATASETS["annotated"])


def test_the_docmatix_schema_is_written_without_anything_else(curated, tmp_path):
    job = make(curated, tmp_path, schema="docmatix")
    rows = pack_all(job, sandbox=Painter())
    assert {tuple(row) for row in rows} == {("images", "texts")}
    with job.run.open(divide_run(job)[0].name) as stream:
        schema = pq.ParquetFile(stream).schema_arrow
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == ["images", "texts"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("schema", ["docmatix", "annotated"])
def test_datasets_opens_the_folder_with_its_images(curated, tmp_path, schema):
    from datasets import Features, Image, List, Value, load_dataset

    job = make(curated, tmp_path, schema=schema)
    rows = pack_all(job)
    dataset = load_dataset(str(tmp_path / "run" / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(dataset) == len(rows)
    assert dataset[0]["images"][0].size == (306, 396)
    assert dataset[0]["texts"] == rows[0]["texts"]
    texts = {name: Value("string") for name in ("user", "assistant", "source")}
    published = Features({"images": List(Image()), "texts": List(texts)})
    assert {name: dataset.features[name] for name in published} == published
    assert (dataset.features == published) == (schema == "docmatix")


def test_a_file_of_another_size_than_its_record_says_is_not_packed(curated, tmp_path):
    job = make(curated, tmp_path)
    output = divide_run(job)[0]
    pack_all(job)
    assert is_packed(job, output)
    job.run.write(output.name, job.run.read(output.name)[:-1])
    assert not is_packed(job, output)
