"""What `docmatix.open` gives: a sequence of samples, read a row group at a time, and what its run left out."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import docmatix
from docmatix.core.errors import SetupError
from docmatix.review.collection import Collection, Sample, Samples
from docmatix.storage.schemas import DATASETS
from tests.hub import serve_hub
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf

# --- datasets made by hand --------------------------------------------------------------------------------------------


def encode_image(color: str, *, size: tuple[int, int] = (60, 80)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def make_docmatix_row(number: int, *, images: int = 1) -> dict[str, Any]:
    text = {"user": f"What is {number}?", "assistant": f"The {number}.", "source": f"PDFA key: {number}"}
    return {"images": [{"bytes": encode_image("white"), "path": None}] * images, "texts": [text]}


def write_dataset(*groups: list[dict[str, Any]], schema: pa.Schema = DATASETS["docmatix"]) -> bytes:
    """A Parquet file with these row groups."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema, compression="none") as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
    return buffer.getvalue()


@pytest.fixture
def published(tmp_path: Path) -> Collection:
    """Ten rows of the published schema in two files and four row groups."""
    rows = [make_docmatix_row(number) for number in range(10)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000-of-00002.parquet").write_bytes(write_dataset(rows[:3], rows[3:4], rows[4:6]))
    (tmp_path / "data" / "train-00001-of-00002.parquet").write_bytes(write_dataset(rows[6:]))
    return Collection(str(tmp_path))


def list_questions(samples: Any) -> list[str]:
    return [sample["texts"][0]["user"] for sample in samples]


# --- a sequence -------------------------------------------------------------------------------------------------------


def test_a_collection_is_a_sequence_as_a_list_is(published):
    questions = [f"What is {number}?" for number in range(10)]
    assert len(published) == 10
    assert list_questions(published) == questions
    assert [list_questions([published[place]])[0] for place in range(10)] == questions
    assert [list_questions([published[place]])[0] for place in range(-10, 0)] == questions
    for index in (10, -11, 99):
        with pytest.raises(IndexError, match="There is no sample"):
            published[index]


@settings(max_examples=40)
@given(st.integers(-12, 12) | st.none(), st.integers(-12, 12) | st.none(), st.sampled_from([None, 1, 2, 3, -1, -4]))
def test_a_slice_gives_the_samples_that_a_list_would(finished_run, start, stop, step):
    collection = Collection(str(finished_run))
    chosen = collection[start:stop:step]
    assert isinstance(chosen, Samples)
    whole = list(collection)
    assert [sample.row for sample in chosen] == [sample.row for sample in whole[start:stop:step]]
    assert [sample.position for sample in chosen] == [sample.position for sample in whole[start:stop:step]]
    assert [chosen[place].position for place in range(len(chosen))] == [sample.position for sample in chosen]


def test_a_slice_of_a_slice_is_one_of_the_collection(published):
    assert list_questions(published[2:9][1:-1:2]) == ["What is 3?", "What is 5?", "What is 7?"]


def test_a_sample_is_its_row_and_its_images_are_pictures(finished_run):
    collection = Collection(str(finished_run))
    sample, row = collection[-1], list(collection.rows())[-1]
    assert isinstance(sample, Sample)
    assert set(sample) == set(row)
    assert sample.row == {name: value for name, value in row.items() if name != "images"}
    assert len(sample["images"]) == len(row["images"])
    assert sample["images"][0].size == Image.open(io.BytesIO(row["images"][0]["bytes"])).size


class CountingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A filesystem in memory that knows what was opened, and how many bytes were read."""

    protocol = "counting"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    opened: list[str] = []  # noqa: RUF012
    bytes_read = 0

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(path.removeprefix("counting://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super()._open(path, mode, **options)
        CountingFileSystem.opened.append(path.rsplit("/", 1)[-1])
        content = io.BytesIO(self.store[self._strip_protocol(path)].getvalue())

        class Stream(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return True

            def seek(self, offset: int, whence: int = 0) -> int:
                return content.seek(offset, whence)

            def tell(self) -> int:
                return content.tell()

            def read(self, size: int = -1) -> bytes:
                found = content.read(size)
                CountingFileSystem.bytes_read += len(found)
                return found

        return Stream()


@pytest.fixture
def large() -> Collection:
    """Three files of four row groups, two rows each of which has 2 MB of images that do not compress."""
    fsspec.register_implementation("counting", CountingFileSystem, clobber=True)
    files = fsspec.filesystem("counting")
    CountingFileSystem.store.clear()
    for file in range(3):
        groups = []
        for group in range(4):
            rows = [make_docmatix_row(file * 8 + group * 2 + place) for place in range(2)]
            for row in rows:
                row["images"][0]["bytes"] += os.urandom(2 << 20)
            groups.append(rows)
        files.pipe_file(f"/large/data/train-{file:05d}.parquet", write_dataset(*groups))
    CountingFileSystem.opened.clear()
    CountingFileSystem.bytes_read = 0
    return Collection("counting://large")


def test_one_sample_costs_its_own_row_group_and_no_more(large):
    sample = large[3]
    assert list_questions([sample]) == ["What is 3?"]
    assert CountingFileSystem.bytes_read < 1 << 20
    assert len(sample.images) == 1
    assert set(CountingFileSystem.opened) == {"train-00000.parquet"}
    assert CountingFileSystem.bytes_read < 6 << 20


def test_the_length_costs_the_footers_alone(large):
    assert len(large) == 24
    assert CountingFileSystem.bytes_read < 1 << 20
    assert list_questions(large.sample(3, seed=1)) == list_questions(large.sample(3, seed=1))
    assert CountingFileSystem.bytes_read < 3 << 20


def test_a_slice_reads_a_row_group_once_for_all_its_rows(large):
    assert len(large[:4].positions) == 4
    CountingFileSystem.opened.clear()
    assert list_questions(large[:4]) == [f"What is {number}?" for number in range(4)]
    assert CountingFileSystem.opened == ["train-00000.parquet"] * 2


# --- what can be opened -----------------------------------------------------------------------------------------------


def test_a_run_its_dataset_and_its_data_show_the_same_rows(finished_run):
    rows = list(Collection(str(finished_run)).rows())
    assert rows
    for folder in ("dataset", "dataset/data"):
        collection = Collection(str(finished_run / folder))
        assert not collection.is_run
        assert list(collection.rows()) == rows


def test_images_are_read_only_where_they_are_wanted(finished_run):
    collection = Collection(str(finished_run))
    with_images, without = list(collection.rows()), list(collection.rows(images=False))
    assert all("images" not in row for row in without)
    assert [{name: value for name, value in row.items() if name != "images"} for row in with_images] == without


def test_a_dataset_in_memory_can_be_opened_by_its_url(finished_run, memory_run):
    (name,) = (path.name for path in (finished_run / "dataset" / "data").iterdir())
    memory_run.write(f"data/{name}", (finished_run / "dataset" / "data" / name).read_bytes())
    collection = Collection(memory_run.url)
    assert [sample.row for sample in collection] == [sample.row for sample in Collection(str(finished_run))]
    assert repr(collection) == "<dataset memory://runs/one: 1 file>"


@pytest.mark.slow
def test_a_repository_on_the_hub_is_opened_by_its_name(tmp_path):
    rows = [make_docmatix_row(number) for number in range(6)]
    script = (
        "import docmatix; ds = docmatix.open('someone/pages'); print(len(ds), ds[4].pairs[0]['question']);"
        "print(ds[-1].images[0].size, '<img src=\"data:' in ds[2]._repr_html_())\n"
        "print(docmatix.open('someone/named').files)\n"
        "try: docmatix.open('someone/other')\n"
        "except docmatix.SetupError as error: print(error)\n"
        "try: docmatix.open('someone/absent')\n"
        "except docmatix.SetupError as error: print(error)"
    )
    with serve_hub(tmp_path / "hub") as hub:
        for name in ("pages", "named", "other"):
            hub.create(f"someone/{name}")
        hub.put("someone/pages", "data/train-00000-of-00001.parquet", write_dataset(rows[:3], rows[3:]))
        for name in PUSHED:
            hub.put("someone/named", name, write_dataset(rows[:1]))
        hub.put("someone/named", "README.md", write_card(IN_V2, IN_DATA))
        hub.put("someone/other", "v2/train-00000-of-00001.parquet", write_dataset(rows[:1]))
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.stdout.splitlines() == [
        "6 What is 4?",
        "(60, 80) True",
        str([PUSHED[1], PUSHED[3]]),
        "There is neither a run nor a dataset in someone/other; there are Parquet files in v2: open one of these, as"
        " hf://datasets/someone/other/v2.",
        "There is neither a run nor a dataset in someone/absent.",
    ], done.stderr[-2000:]


def test_a_file_in_place_of_a_run_is_told_as_one(tmp_path):
    (tmp_path / "quickstart.yaml").write_text("name: quickstart\n")
    with pytest.raises(SetupError, match=r"quickstart\.yaml is a file: give the folder of a run"):
        docmatix.open(tmp_path / "quickstart.yaml")


def test_where_there_is_nothing_to_open_it_says_so(tmp_path):
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path / "nowhere"))
    with pytest.raises(SetupError, match="There is neither a run nor a dataset in"):
        Collection(str(tmp_path))


def test_a_run_that_has_no_dataset_yet_has_no_rows(finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("dataset"))
    collection = Collection(str(tmp_path / "run"))
    assert len(collection) == 0
    assert list(collection) == list(collection.rows()) == []
    assert "0 samples" in collection._repr_html_()
    assert repr(collection[:]) == "no samples"
    with pytest.raises(IndexError):
        collection[0]
    with pytest.raises(SetupError, match="has no dataset yet"):
        collection.to_datasets()


def test_a_dataset_without_rows_shows_itself(tmp_path):
    (tmp_path / "a.parquet").write_bytes(write_dataset([]))
    collection = docmatix.open(tmp_path)
    assert len(collection) == 0
    assert "0 samples in 1 file" in collection._repr_html_()


def test_a_run_in_which_nothing_was_kept_shows_its_ledger(tmp_path):
    nothing = {"curate": {"filters": [{"kind": "length", "max_answer_chars": 1}]}}
    build(make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, **nothing))
    html = Collection(str(tmp_path / "run"))._repr_html_()
    assert "0 samples in 1 file" in html
    assert "too_long" in html


def test_of_a_run_only_the_files_that_are_committed_are_read(own_run):
    whole = Collection(own_run.url)
    (name,) = whole.files
    rows = list(whole.rows())
    # what another division, or a worker that was killed, leaves beside them
    own_run.write("dataset/data/train-00001-of-00003.parquet", own_run.read(name))
    own_run.write("dataset/data/train-00007-of-00009.parquet", b"half of a file")
    assert list(Collection(own_run.url).rows()) == rows
    own_run.write(name, own_run.read(name)[:-1])
    assert Collection(own_run.url).files == []
    own_run.remove(name)
    assert Collection(own_run.url).files == []


# --- datasets whose card names their files ----------------------------------------------------------------------------


def write_card(*configs: Any) -> bytes:
    return f"---\n{yaml.safe_dump({'configs': list(configs)}, sort_keys=False)}---\n\n# pages\n".encode()


def put_files(folder: Path, *names: str, card: bytes | None = None) -> Path:
    """A dataset with these files, each of one row that names it."""
    folder.mkdir(exist_ok=True)
    for name in names:
        row = make_docmatix_row(0)
        row["texts"][0]["user"] = name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(write_dataset([row]))
    if card is not None:
        (folder / "README.md").write_bytes(card)
    return folder


PUSHED = [
    "data/test-00000-of-00001.parquet",
    "data/train-00000-of-00002.parquet",
    "data/train-00000-of-00003.parquet",
    "data/train-00001-of-00002.parquet",
    "v2/train-00000-of-00001.parquet",
    "v2/valid-00000-of-00001.parquet",
]
IN_DATA = {
    "config_name": "default",
    "data_files": [
        {"split": "test", "path": "data/test-*-of-00001.parquet"},
        {"split": "train", "path": "data/train-*-of-00002.parquet"},
    ],
}
IN_V2 = {"config_name": "v2", "data_files": [{"split": "train", "path": "v2/train-*"}]}


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([IN_DATA, IN_V2], [PUSHED[1], PUSHED[3]]),
        ([IN_V2, IN_DATA], [PUSHED[1], PUSHED[3]]),
        ([IN_V2], [PUSHED[4]]),
        ([IN_DATA, {**IN_V2, "default": True}], [PUSHED[4]]),
        ([{"config_name": "a", "data_files": "v2/valid*"}, IN_V2], [PUSHED[5]]),
        ([{"config_name": "a", "data_files": ["v2/valid*", "data/test*"]}], [PUSHED[0], PUSHED[5]]),
        ([{"config_name": "a", "data_files": {"valid": "v2/valid*", "test": "data/test*"}}], [PUSHED[5]]),
        ([{"config_name": "a", "data_files": [{"split": "test", "path": ["data/test*"]}]}], [PUSHED[0]]),
        ([{"config_name": "a"}, IN_V2], [PUSHED[4]]),
        ([{"config_name": "a", "data_files": "**/train*"}], [PUSHED[1], PUSHED[2], PUSHED[3], PUSHED[4]]),
        ([{"config_name": "a", "data_files": "./v2/*.parquet"}], PUSHED[4:]),
        (["none"], PUSHED[:4]),
    ],
)
def test_a_card_says_which_files_are_a_datasets(tmp_path, configs, expected):
    collection = Collection(str(put_files(tmp_path, *PUSHED, card=write_card(*configs))))
    assert collection.files == expected
    assert list_questions(collection) == expected


@pytest.mark.parametrize(
    "card", [b"# no metadata", b"---\n{\n---\n", b"---\nconfigs: 3\n---\n", b"\xff", b"---\n- a\n---\n"]
)
def test_without_a_card_that_names_files_those_in_data_are_taken(tmp_path, card):
    assert Collection(str(put_files(tmp_path, *PUSHED, card=card))).files == PUSHED[:4]


def test_a_split_that_is_not_whole_yet_is_not_shown_in_part(tmp_path):
    pending = {
        "config_name": "default",
        "data_files": [{"split": "train", "path": "data/train-is-still-being-uploaded"}],
    }
    put_files(tmp_path, "data/train-00000-of-00002.parquet", card=write_card(pending))
    with pytest.raises(SetupError, match="leads to no file of the split train of default, which may not be whole yet"):
        Collection(str(tmp_path))


def test_a_folder_that_is_a_link_is_looked_into(tmp_path):
    put_files(tmp_path / "elsewhere", *PUSHED)
    put_files(tmp_path / "set", card=write_card(IN_DATA)).joinpath("data").symlink_to(tmp_path / "elsewhere" / "data")
    assert Collection(str(tmp_path / "set")).files == [PUSHED[1], PUSHED[3]]


@pytest.mark.parametrize("pattern", ["../other/*.parquet", "{}/other/*.parquet", "data/../../other/*.parquet"])
def test_a_card_leads_nobody_out_of_its_folder(tmp_path, pattern):
    put_files(tmp_path / "other", "a.parquet")
    card = write_card({"config_name": "a", "data_files": pattern.format(tmp_path)})
    put_files(tmp_path / "set", "data/train.parquet", card=card)
    with pytest.raises(SetupError, match="leads to no file"):
        Collection(str(tmp_path / "set"))


def test_a_pattern_that_cannot_be_read_is_told(tmp_path):
    put_files(tmp_path, *PUSHED, card=write_card({"config_name": "a", "data_files": "data/**train"}))
    with pytest.raises(SetupError, match="does not name files in a way that can be read"):
        Collection(str(tmp_path))


def test_where_a_dataset_lies_in_other_folders_they_are_named(tmp_path):
    put_files(tmp_path, "v2/train-0.parquet", "v3/part/train-0.parquet")
    with pytest.raises(SetupError, match=rf"Parquet files in v2, v3/part: open one of these, as {tmp_path}/v2\.$"):
        Collection(str(tmp_path))
    assert list_questions(Collection(f"{tmp_path}/v2")) == ["v2/train-0.parquet"]


def test_a_row_whose_picture_is_damaged_is_shown_without_it(tmp_path):
    row = make_docmatix_row(0)
    row["images"] = [{"bytes": b"no image", "path": None}, {"bytes": None, "path": "a.png"}, *row["images"]]
    (tmp_path / "a.parquet").write_bytes(write_dataset([row]))
    sample = docmatix.open(tmp_path)[0]
    assert len(sample.images) == 1
    assert sample._repr_html_().count("no picture") == 2


# --- shown ------------------------------------------------------------------------------------------------------------


def test_a_sample_shows_its_pages_its_pairs_and_boxes_that_belong_to_them(finished_run):
    sample = Collection(str(finished_run))[0]
    html = sample._repr_html_()
    assert html.count("<img ") == len(sample["page_numbers"])
    assert sample["source_uri"] in html
    for number, pair in enumerate(sample.pairs, 1):
        assert pair["question"] in html
        boxes = sum(len(evidence["boxes"]) for evidence in pair["evidence"])
        assert html.count(f'class="dmx-box dmx-p{number}"') == boxes
    assert repr(sample).startswith(f"[0] {sample['source_uri']}, page 1\n")


def test_the_evidence_is_drawn_into_the_pages(finished_run):
    sample = Collection(str(finished_run))[0]
    (page,) = sample.draw(max_width_px=200)
    (plain,) = sample.images
    assert page.width == 200
    assert page.tobytes() != plain.convert("RGB").resize(page.size, Image.Resampling.LANCZOS).tobytes()


def test_some_samples_show_themselves_and_say_how_many_more_there_are(published):
    shown = published[:]
    assert shown._repr_html_().count("<img ") == 10
    many = Samples(published, list(range(10)) * 2)
    assert "... and 10 more" in many._repr_html_()
    assert repr(many).endswith("... and 10 more")


def test_a_run_shows_its_ledger_and_its_first_sample(finished_run):
    html = Collection(str(finished_run))._repr_html_()
    assert "not_pdf 1" in html
    assert "<img " in html


def test_page_numbers_that_are_texts_are_no_markup_either(tmp_path):
    evil = '"><img src=x onerror=alert(1)>'
    fields = [*DATASETS["docmatix"], pa.field("page_numbers", pa.list_(pa.string()))]
    row = {**make_docmatix_row(0, images=2), "page_numbers": [evil, "12"]}
    (tmp_path / "a.parquet").write_bytes(write_dataset([row], schema=pa.schema(fields)))
    html = docmatix.open(tmp_path)[0]._repr_html_()
    assert html.count("<img ") == 2
    assert "page 12</figcaption>" in html


def test_text_of_a_document_is_no_markup_in_a_notebook(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    text = {"user": evil, "assistant": evil, "source": evil}
    (tmp_path / "a.parquet").write_bytes(write_dataset([{"images": [], "texts": [text]}]))
    html = docmatix.open(tmp_path)[0]._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") == 3


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_every_pair_comes_with_its_place_and_its_annotation(finished_run):
    collection = Collection(str(finished_run))
    pairs, rows = list(collection.iterate_pairs()), list(collection.rows(images=False))
    assert len(pairs) == sum(len(row["texts"]) for row in rows)
    assert {"question", "answer", "source_uri", "page_numbers", "scores", "evidence", "prompt"} <= set(pairs[0])
    assert all(pair["question"] in str(rows[pair["sample"]]["texts"]) for pair in pairs)


def test_the_pairs_are_a_frame_in_which_each_line_leads_to_its_sample(finished_run):
    collection = Collection(str(finished_run))
    frame = collection.pairs()
    assert len(frame) == len(list(collection.iterate_pairs()))
    assert frame["grounding"].min() == 1.0
    last = frame.iloc[-1]
    assert last["question"] in [pair["question"] for pair in collection[int(last["sample"])].pairs]
    assert len(collection.pairs(limit=2)) == 2


def test_the_published_docmatix_has_a_frame_too(published):
    assert list(published.pairs()["answer"]) == [f"The {number}." for number in range(10)]


def test_samples_are_drawn_by_seed(finished_run):
    collection = Collection(str(finished_run))
    assert collection.sample(2, seed=3).positions == collection.sample(2, seed=3).positions
    assert len(collection.sample(2)) == 2
    assert [sample.row for sample in collection.sample(99)] == list(collection.rows(images=False))
    assert len(collection.sample_pairs(3)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [False, True])
def test_the_rows_go_on_to_datasets_with_their_images(finished_run, tmp_path, monkeypatch, streaming):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    collection = Collection(str(finished_run))
    rows = list(collection.to_datasets(streaming=streaming))
    assert [row["sample_id"] for row in rows] == [sample["sample_id"] for sample in collection]
    assert rows[0]["images"][0].size == collection[0].images[0].size


@pytest.mark.slow
def test_images_are_images_for_datasets_where_the_file_does_not_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    plain = DATASETS["docmatix"].remove_metadata()
    (tmp_path / "a.parquet").write_bytes(write_dataset([make_docmatix_row(0)], schema=plain))
    (row,) = docmatix.open(tmp_path).to_datasets(streaming=True)
    assert row["images"][0].size == (60, 80)


# --- what was left out ------------------------------------------------------------------------------------------------


def list_dropped(path: Path, reason: str | None = None) -> list[tuple[str, str, str]]:
    return [(item.stage, item.reason, item.what) for item in Collection(str(path)).dropped(reason)]


def test_what_was_left_out_is_listed_stage_by_stage(finished_run):
    assert list_dropped(finished_run) == [
        ("extract", "blank", "docs/long.pdf, page 3"),
        ("extract", "not_pdf", "docs/text.pdf"),
        ("dedup", "duplicate", "docs/copy.pdf"),
    ]
    (copy,) = Collection(str(finished_run)).dropped("duplicate")
    assert copy.detail == "in favour of docs/1.pdf (similarity 1.00)"


def test_what_was_left_out_can_be_asked_for_by_reason(finished_run):
    assert list_dropped(finished_run, "not_pdf") == [("extract", "not_pdf", "docs/text.pdf")]
    assert list_dropped(finished_run, "no_such_reason") == []


def test_for_each_reason_there_is_what_is_listed_for_any(tmp_path):
    sections: dict[str, Any] = {
        "plan": {"documents_per_shard": 1},
        "verify": {"kind": "round_trip"},
        "generate": {"prompts": ["extractive"]},
        "curate": {"filters": [{"kind": "length", "max_answer_chars": 12}, {"kind": "round_trip"}]},
        "pack": {"dpi": 36},
    }
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    job = make_job(tmp_path, pdfs={**pdfs, "copy.pdf": pdfs["0.pdf"], "text.pdf": b"This is no PDF."}, **sections)
    build(job)
    dropped = Collection(job.run.url).dropped()
    reasons = {item.reason for item in dropped}
    assert {"duplicate", "not_pdf", "round_trip_failed", "too_long"} <= reasons
    for reason in reasons:
        assert list_dropped(tmp_path / "run", reason) == [
            item for item in list_dropped(tmp_path / "run") if item[1] == reason
        ]
    failed = [item for item in dropped if item.reason == "round_trip_failed"]
    assert all("asked again, the model said: What is written there?" in item.what for item in failed)


def test_what_was_left_out_is_counted_by_stage_and_reason(finished_run):
    dropped = Collection(str(finished_run)).dropped()
    assert dropped.count() == {("extract", "blank"): 1, ("extract", "not_pdf"): 1, ("dedup", "duplicate"): 1}
    assert repr(dropped) == "dedup: duplicate 1\nextract: blank 1\nextract: not_pdf 1"
    assert "<td>duplicate</td><td class=n>1</td>" in dropped._repr_html_()


@pytest.fixture(scope="module")
def strict_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that dropped pairs for the length of their answers."""
    folder = tmp_path_factory.mktemp("strict")
    sections: dict[str, Any] = {"curate": {"filters": [{"kind": "length", "max_answer_chars": 2}]}, "pack": {"dpi": 36}}
    build(make_job(folder, pdfs={"a.pdf": write_distinct_pdf(1)}, **sections))
    return folder / "run"


def test_dropped_pairs_are_shown_with_their_scores(strict_run):
    (item, *_) = Collection(str(strict_run)).dropped("too_long")
    assert item.what.startswith("Q Who is named as")
    assert item.detail == "docs/a.pdf, page 1; grounding 1.00"
    assert item.pair is not None
    assert item.pair["prompt"] == "broad_whole"


def test_dropped_pairs_are_shown_beside_the_page_out_of_the_source(strict_run):
    dropped = Collection(str(strict_run)).dropped("too_long")
    html = dropped._repr_html_()
    assert html.count("<img ") == 1
    assert "dropped: too_long" in html
    assert 'class="dmx-box dmx-p1"' in html
    assert repr(dropped).startswith("curate: too_long\n   Q Who is named as")


def test_a_blank_page_and_a_duplicate_can_be_looked_at_too(finished_run):
    collection = Collection(str(finished_run))
    for reason in ("blank", "duplicate"):
        assert "<img " in collection.dropped(reason)._repr_html_()
    assert "<img " not in collection.dropped("not_pdf")._repr_html_()


def test_dropped_pairs_are_shown_without_pages_where_the_source_has_gone(strict_run, tmp_path):
    shutil.copytree(strict_run, tmp_path / "run")
    config = tmp_path / "run" / "run.yaml"
    moved = strict_run.parent / "docs"
    hidden = strict_run.parent / "elsewhere"
    moved.rename(hidden)
    try:
        html = Collection(str(config.parent)).dropped("too_long")._repr_html_()
    finally:
        hidden.rename(moved)
    assert "Who is named as" in html
    assert "no picture" in html


def test_only_a_run_knows_what_was_dropped(finished_run):
    with pytest.raises(SetupError, match="Only a run knows what was dropped"):
        Collection(str(finished_run / "dataset")).dropped()
