"""Data sets and sources of strangers, made to run code, to stop the reader, to fill memory or end in a traceback."""

from __future__ import annotations

import contextlib
import io
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import docmatix
from docmatix.check.rows import check_row
from docmatix.cli import main
from docmatix.core.documents import Refusal
from docmatix.core.errors import DocmatixError, SetupError
from docmatix.dataset.card import _shrink_picture
from docmatix.dataset.pictures import decode_picture
from docmatix.dataset.published_card import split_card
from docmatix.exports.exporting import export_dataset
from docmatix.exports.formats import EXPORTS
from docmatix.pdf.pdfa import read_twin
from docmatix.review.sheets import shrink_page
from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.locators import SourceDocument
from docmatix.sources.parquet import ParquetSource
from docmatix.storage.schemas import DATASETS, IMAGES

FORMATS = [kind.get_name() for kind in EXPORTS if not kind.needs_run]


def encode(image_format: str, *, size: tuple[int, int] = (30, 40)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, image_format)
    return buffer.getvalue()


JPEG = encode("JPEG")


def make_row(**fields: Any) -> dict[str, Any]:
    evidence = [{"page": 1, "quote": "an answer", "boxes": [[0.1, 0.1, 0.2, 0.2]]}]
    scores = {"grounding": 1.0, "round_trip": None, "clarity": None}
    annotation = {"pair_id": "p", "prompt": "extractive", "model": "m", "style": "plain"}
    return {
        "images": [{"bytes": JPEG, "path": "1.jpg"}],
        "texts": [{"user": "A question?", "assistant": "An answer", "source": "a.pdf"}],
        "sample_id": "d-1",
        "doc_id": "d",
        "source_uri": "a.pdf",
        "page_numbers": [1],
        "annotations": [{**annotation, "scores": scores, "evidence": evidence}],
        **fields,
    }


def put(folder: Path, *rows: dict[str, Any], schema: pa.Schema | None = None, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(rows), schema=schema or DATASETS["annotated"])
    pq.write_table(table, folder / "a.parquet", **options)
    return folder


# --- pictures ---------------------------------------------------------------------------------------------------------

GHOSTSCRIPT = """#!/bin/sh
touch "$(dirname "$0")/ghostscript-was-here"
exit 1
"""


@pytest.fixture
def eps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A picture that starts Ghostscript where it is decoded; fails the test if it did."""
    from PIL import EpsImagePlugin

    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(GHOSTSCRIPT)
    program.chmod(0o755)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", str(program))
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40)).save(buffer, "EPS")
    yield buffer.getvalue()
    assert not (tmp_path / "bin" / "ghostscript-was-here").exists()


def decode_as_sample_of_card(data: bytes) -> object:
    with contextlib.suppress(OSError, ValueError, Image.DecompressionBombError):
        return _shrink_picture(data) or None
    return None


PAIRS = [{"user": "q", "assistant": "a", "source": "s"}]
DECODERS: dict[str, Callable[[bytes], object]] = {
    "displays": lambda data: decode_picture(data, max_width_px=100),
    "report": lambda data: shrink_page(1, data, longest=100, quality=50).src,
    "card": decode_as_sample_of_card,
    "check": lambda data: not list(check_row({"images": [{"bytes": data}], "texts": PAIRS})),
}


@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
def test_no_picture_starts_ghostscript(decode: Callable[[bytes], object], eps: bytes) -> None:
    assert not decode(eps)


@pytest.mark.parametrize("image_format", ["BMP", "PPM", "TGA", "ICO", "PCX", "JPEG2000", "SGI", "DDS", "MSP", "XBM"])
@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
def test_no_picture_of_pillows_other_formats_is_decoded(decode: Callable[[bytes], object], image_format: str) -> None:
    buffer = io.BytesIO()
    Image.new("1" if image_format in ("MSP", "XBM") else "RGB", (32, 32)).save(buffer, image_format)
    assert not decode(buffer.getvalue())


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
def test_the_formats_of_page_images_are_decoded(decode: Callable[[bytes], object], image_format: str) -> None:
    assert decode(encode(image_format))


@pytest.mark.parametrize("size", [(15_000, 15_000), (1, 70_000), (70_000, 1)])
@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
def test_a_picture_of_too_many_pixels_is_none(decode: Callable[[bytes], object], size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    assert not decode(buffer.getvalue())


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_starts_no_ghostscript_and_opens_no_path_of_a_row(
    tmp_path: Path, eps: bytes, streaming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "private.jpg").write_bytes(JPEG)
    images = [{"bytes": eps, "path": "1.jpg"}], [{"bytes": None, "path": str(tmp_path / "private.jpg")}]
    rows = [make_row(images=image) for image in images]
    for _ in range(2):  # the second time out of the cache
        loaded = docmatix.open(str(put(tmp_path / "set", *rows))).to_datasets(streaming=streaming)
        with pytest.raises(ValueError, match="not one of JPEG, PNG, WEBP, TIFF, GIF"):
            next(iter(loaded))
        with pytest.raises(ValueError, match="that the row names instead is not opened"):
            next(iter(loaded.skip(1)))


# --- cards ------------------------------------------------------------------------------------------------------------

OPEN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
import docmatix
try:
    print(docmatix.open(sys.argv[1]).files)
except docmatix.core.errors.DocmatixError as error:
    print(error)
"""


def open_apart(folder: Path) -> str:
    """The output of opening it in a process that may neither take all memory nor hold the GIL forever."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def unfold(levels: int, line: str) -> str:
    """YAML whose every level holds eight times the one before."""
    return "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n}\n  {line.format(', '.join([f'*a{n - 1}'] * 8))}\n" for n in range(1, levels + 1)
    )


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param("configs:\n- {config_name: a, data_files: 'data/" + "*a" * 30 + "b'}\n", id="stars"),
        pytest.param("configs:\n- {config_name: a, data_files: '" + "**/" * 40 + "b'}\n", id="double-stars"),
        pytest.param("configs:\n- {config_name: a, data_files: '" + "[" * 100_000 + "'}\n", id="brackets"),
        pytest.param("configs:\n- {config_name: a, data_files: 'data/[z-a]'}\n", id="a-range-backwards"),
        pytest.param(
            "configs:\n- {config_name: a, data_files: ["
            + ", ".join(f"'data/*a*{n}*.parquet'" for n in range(5_000))
            + "]}\n",
            id="thousands-of-wildcards",
        ),
        pytest.param(
            unfold(10, "p: [{}]") + "configs:\n- {config_name: a, data_files: {train: *a10}}\n", id="aliases-unfolded"
        ),
        pytest.param(unfold(10, "<<: [{}]"), id="merge-keys-unfolded"),
        pytest.param("a: &a [*a]\nconfigs:\n- {config_name: a, data_files: *a}\n", id="what-holds-itself"),
        pytest.param("configs: " + "[" * 200_000, id="deep-nesting"),
        pytest.param("configs:\n" + "- {config_name: a, data_files: b}\n" * 200_000, id="megabytes"),
        pytest.param("when: 9999-99-99\nhow: 1" + ":1" * 2_000 + ".0\n", id="numbers-that-are-none"),
    ],
)
def test_a_hostile_card_neither_stops_the_reader_nor_ends_in_a_traceback(tmp_path: Path, metadata: str) -> None:
    put(tmp_path / "data", make_row()).joinpath("a.parquet").rename(tmp_path / "data" / f"{'a' * 60}.parquet")
    for depth in range(20):
        (tmp_path / "data" / "/".join("a" * depth)).mkdir(exist_ok=True)
    put(tmp_path / "data" / "/".join("a" * 19), make_row())
    (tmp_path / "README.md").write_text(f"---\n{metadata}---\n")
    said = open_apart(tmp_path)
    assert said.startswith(("['data/aaa", f"The card of {tmp_path}"))


def test_a_readme_of_any_length_is_read_as_far_as_its_metadata_goes(tmp_path: Path) -> None:
    put(tmp_path / "data", make_row())
    put(tmp_path / "other", make_row())
    with (tmp_path / "README.md").open("w") as file:
        file.write("---\nconfigs:\n- {config_name: a, data_files: 'other/*.parquet'}\n---\n")
        file.truncate(3 << 30)  # a hole: gigabytes on no disk
    assert open_apart(tmp_path) == "['other/a.parquet']\n"


@pytest.mark.parametrize("metadata", [unfold(8, "p: [{}]"), "a: &a [*a]\n", unfold(3, "<<: [{}]"), "[" * 9_999])
def test_a_card_that_cannot_be_measured_has_no_metadata(metadata: str) -> None:
    with pytest.raises(ValueError, match=r"its metadata (is not valid YAML|unfolds)"):
        split_card(f"---\n{metadata}\n---\n")


def test_aliases_that_name_what_a_card_says_twice_are_read() -> None:
    assert split_card("---\na: &a [1, 2]\nb: *a\n---\ntext")[0] == {"a": [1, 2], "b": [1, 2]}


PIECES = st.sampled_from(["**", "*", "a", "a*", "?b", "[ab]c", "*.parquet", "[!a]*", "a.parquet", "b"])


@given(
    st.lists(PIECES, min_size=1, max_size=4).map("/".join),
    st.lists(st.sampled_from(["a", "ab", "bb", "bc", "a.parquet"]), min_size=1, max_size=4).map("/".join),
)
def test_patterns_lead_to_what_they_led_to(pattern: str, name: str) -> None:
    import re

    from fsspec.utils import glob_translate

    from docmatix.dataset.published_card import matches_pattern

    assert matches_pattern(name, pattern) == bool(re.match(glob_translate(pattern), name))


# --- Parquet files ----------------------------------------------------------------------------------------------------


PACKED: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}


def put_bomb(folder: Path, *, bytes_unpacked: int = 600 << 20) -> Path:
    """A few kilobytes that unpack to much more."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = DATASETS["docmatix"]
    row = {"images": [], "texts": [{"user": "q" * bytes_unpacked, "assistant": "a", "source": "s"}]}
    pq.write_table(pa.Table.from_pylist([row], schema=schema), folder / "a.parquet", **PACKED)
    return folder


def test_a_file_that_unpacks_to_gigabytes_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = put_bomb(tmp_path / "set")
    assert (folder / "a.parquet").stat().st_size < 1 << 20
    for use in (lambda: docmatix.open(str(folder))[0], lambda: export_dataset(str(folder), "llava", tmp_path / "out")):
        with pytest.raises(SetupError, match=r"a\.parquet of .* cannot be read: its row group 0 would unpack from"):
            use()


def test_one_text_that_a_row_holds_a_million_times_is_refused_before_it_is_written_out(tmp_path: Path) -> None:
    kind = DATASETS["docmatix"].field("texts").type
    one = pa.array(["q" * 1_000_000])
    many = pa.DictionaryArray.from_arrays(pa.nulls(700, pa.int32()).fill_null(0), one)
    pairs = pa.StructArray.from_arrays([many, many, many], names=["user", "assistant", "source"])
    texts = pa.ListArray.from_arrays(pa.array([0, 700], pa.int32()), pairs)
    table = pa.table({"images": pa.array([[]], IMAGES), "texts": texts})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 10_000
    assert (
        pq.read_schema(tmp_path / "a.parquet").field("texts").type.value_type.field("user").type
        == kind.value_type[0].type
    )
    with pytest.raises(SetupError, match=r"cannot be read: 1 of its rows hold 2,100,000,000 bytes of text"):
        docmatix.open(str(tmp_path))[0]


def test_a_file_that_claims_millions_of_rows_in_a_few_bytes_is_refused(tmp_path: Path) -> None:
    table = pa.table({"texts": pa.nulls(200_000_000)})
    pq.write_table(table, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 1 << 20
    with pytest.raises(SetupError, match=r"cannot be read: it claims 200,000,000 rows in [0-9,]+ bytes"):
        len(docmatix.open(str(tmp_path)))


# --- types and values -------------------------------------------------------------------------------------------------

STRING = pa.string()
WRONG_TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "images-as-texts": (pa.list_(STRING), ["x.jpg"]),
    "images-as-bytes": (pa.list_(pa.binary()), [JPEG]),
    "images-as-one": (IMAGES.value_type, {"bytes": JPEG, "path": None}),
    "images-without-bytes": (pa.list_(pa.struct([("path", STRING)])), [{"path": "/etc/passwd"}]),
    "texts-as-text": (STRING, "text"),
    "texts-as-numbers": (pa.list_(pa.int64()), [1]),
    "texts-of-numbers": (
        pa.list_(pa.struct([("user", pa.int64()), ("assistant", pa.int64()), ("source", STRING)])),
        [{"user": 1, "assistant": 2, "source": "s"}],
    ),
    "texts-of-others": (pa.list_(pa.struct([("question", STRING)])), [{"question": "q"}]),
    "sample_id-as-list": (pa.list_(STRING), ["a"]),
    "doc_id-as-date": (pa.timestamp("s"), 0),
    "source_uri-as-number": (pa.int64(), 7),
    "page_numbers-as-number": (pa.int64(), 1),
    "page_numbers-of-floats": (pa.list_(pa.float64()), [math.nan]),
    "annotations-as-text": (STRING, "{}"),
    "annotations-of-texts": (pa.list_(STRING), ["{}"]),
    "annotations-of-numbers": (
        pa.list_(pa.struct([("pair_id", pa.int64()), ("prompt", pa.int64())])),
        [{"pair_id": 1, "prompt": 2}],
    ),
}
NO_BOXES: list[Any] = [
    None,
    [None],
    [[]],
    [[0.1]],
    [[None] * 4],
    [[math.nan] * 4],
    [[0.0, 0.0, math.inf, math.inf]],
    [[-1e30, -1e30, 1e30, 1e30]],
    [[0.9, 0.9, 0.1, 0.1]],
    [[0.1] * 9],
]
WRONG_VALUES: dict[str, dict[str, Any]] = {
    "no-images": {"images": None},
    "null-image": {"images": [None]},
    "image-of-nothing": {"images": [{"bytes": None, "path": "/etc/passwd"}]},
    "image-of-garbage": {"images": [{"bytes": b"garbage", "path": None}]},
    "too-many-images": {"images": [{"bytes": JPEG, "path": None}] * 2},
    "no-texts": {"texts": None, "annotations": None},
    "null-pair": {"texts": [None]},
    "null-question": {"texts": [{"user": None, "assistant": None, "source": None}]},
    "more-pairs-than-annotations": {"annotations": []},
    "fewer-pairs-than-annotations": {"texts": []},
    "null-annotation": {"annotations": [None]},
    "no-annotations": {"annotations": None},
    "annotation-of-nulls": {"annotations": [{"pair_id": None, "scores": None, "evidence": None}]},
    "null-page-numbers": {"page_numbers": None},
    "null-page-number": {"page_numbers": [None]},
    "one-page-number-twice": {"images": [{"bytes": JPEG}] * 2, "page_numbers": [1, 1]},
    "null-ids": {"sample_id": None, "doc_id": None, "source_uri": None},
    "scores-that-are-none": {"annotations": [{"pair_id": "p", "scores": {"grounding": math.nan, "clarity": math.inf}}]},
    **{
        f"boxes-{number}": {"annotations": [{"pair_id": "p", "evidence": [{"page": 1, "boxes": boxes}]}]}
        for number, boxes in enumerate(NO_BOXES)
    },
    "null-evidence": {"annotations": [{"pair_id": "p", "evidence": [None]}]},
}


def use_everyhow(folder: Path, out: Path) -> Iterator[DocmatixError]:
    """Everything that reads a dataset; yields the sentences of what refuses it. Anything else that is raised is not
    one."""

    def show() -> None:
        collection = docmatix.open(str(folder))
        assert repr(collection)
        assert collection._repr_html_()
        for sample in collection:
            assert repr(sample)
            assert sample._repr_html_()
            sample.draw()
            assert isinstance(sample.images, list)
        collection.pairs()
        collection.sample(2)

    uses: list[Callable[[], object]] = [
        show,
        lambda: docmatix.open(str(folder)).compare(str(folder)),
        lambda: repr(docmatix.open(str(folder)).compare(str(folder))),
        *(lambda form=form: export_dataset(str(folder), form, out / form) for form in FORMATS),
    ]
    for use in uses:
        try:
            use()
        except DocmatixError as error:
            yield error
    for options in ([], ["--pairs"], ["--pictures", str(out / "pictures")]):
        assert main(["inspect", str(folder), *options]) in (0, 2)


def is_sentence(error: DocmatixError) -> bool:
    said = str(error)
    return "\n" not in said and "Traceback" not in said and said.endswith((".", ")"))


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_column_of_another_type_is_refused_in_a_sentence_that_names_it(name: str, tmp_path: Path) -> None:
    column = name.partition("-")[0]
    kind, value = WRONG_TYPES[name]
    fields = [pa.field(field.name, kind) if field.name == column else field for field in DATASETS["annotated"]]
    folder = put(tmp_path / "set", make_row(**{column: value}), schema=pa.schema(fields))
    refused = list(use_everyhow(folder, tmp_path / "out"))
    assert len(refused) == 3 + len(FORMATS)
    for error in refused:
        assert isinstance(error, SetupError)
        assert is_sentence(error), error
        assert f"`{column}" in str(error)


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_values_that_do_not_belong_together_never_end_in_a_traceback(name: str, tmp_path: Path) -> None:
    folder = put(tmp_path / "set", make_row(), make_row(**WRONG_VALUES[name]))
    assert all(map(is_sentence, use_everyhow(folder, tmp_path / "out")))


def test_pairs_without_a_question_are_left_out_of_exports_and_counted(tmp_path: Path) -> None:
    texts = [{"user": user, "assistant": "a", "source": "s"} for user in ("q", None, "")]
    folder = put(tmp_path / "set", {"images": make_row()["images"], "texts": texts}, schema=DATASETS["docmatix"])
    exported = export_dataset(str(folder), "docvqa", tmp_path / "out")
    assert (exported.pairs, exported.left_out) == (1, {"text_missing": 2})


@pytest.mark.parametrize(
    "metadata", [b"{", b"[" * 100_000, b'{"info": 3}', b'{"info": {"features": {"texts": {"_type": "X"}}}}']
)
def test_what_a_file_says_of_its_features_need_not_be_true(metadata: bytes, tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    schema = DATASETS["annotated"].with_metadata({"huggingface": metadata})
    folder = put(tmp_path / "set", make_row(), schema=schema)
    assert not list(use_everyhow(folder, tmp_path / "out"))
    assert docmatix.open(str(folder)).to_datasets()[0]["images"][0].size == (30, 40)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1", b"no parquet" * 100])
def test_what_is_no_parquet_file_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.parquet").write_bytes(content)
    refused = list(use_everyhow(tmp_path / "set", tmp_path / "out"))
    assert refused
    assert all(map(is_sentence, refused))


def test_bytes_that_are_no_text_and_dates_that_are_none_are_told(tmp_path: Path) -> None:
    row = {**make_row(), "when": 1 << 53}
    folder = put(tmp_path / "set", row, schema=DATASETS["annotated"].append(pa.field("when", pa.timestamp("s"))))
    refused = list(use_everyhow(folder, tmp_path / "out"))
    assert refused
    assert all(map(is_sentence, refused))


# --- sources ----------------------------------------------------------------------------------------------------------


def from_parquet(path: Path) -> ParquetSource:
    return ParquetSource(kind="parquet", paths=(str(path),), column="pdf")


def read_source(path: Path, *, max_file_bytes: int = 1 << 20) -> list[str | SourceDocument]:
    source = from_parquet(path)
    results = read_documents(list_documents(source, base_dir=Path("/")), source=source, max_file_bytes=max_file_bytes)
    return [result.reason if isinstance(result, Refusal) else result for _, result in results]


READ = """
import re, sys
from pathlib import Path
from docmatix.sources.parquet import ParquetSource
from docmatix.sources.documents import list_documents, read_documents
source = ParquetSource(kind="parquet", paths=(sys.argv[1],), column="pdf")
located = list_documents(source, base_dir=Path("/"))
def read_peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = read_peak()
for _, result in read_documents(located, source=source, max_file_bytes=1 << 20):
    print(getattr(result, "reason", "read"))
print((read_peak() - before) >> 10)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of memory here")
@pytest.mark.parametrize("values", [[b"\0" * (700 << 20)], [b"%PDF", b"\0" * (700 << 20)]])
def test_a_pdf_that_unpacks_to_gigabytes_is_too_large_and_never_unpacked(values: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = pa.table({"pdf": [b"%PDF-good"]})
    with pq.ParquetWriter(path, good.schema, **PACKED) as writer:
        writer.write_table(good)
        writer.write_table(pa.table({"pdf": values}))
        writer.write_table(good)
    assert path.stat().st_size < 1 << 20
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    *reasons, megabytes = done.stdout.split()
    assert reasons == ["read", *["too_large"] * len(values), "read"]
    assert int(megabytes) < 300


def test_a_source_that_claims_millions_of_rows_in_a_kilobyte_is_damage(tmp_path: Path) -> None:
    table = pa.table({"pdf": pa.nulls(50_000_000, pa.binary())})
    pq.write_table(table, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    (locator,) = list_documents(from_parquet(tmp_path / "a.parquet"), base_dir=Path("/"))
    assert locator.problem == "unreadable_archive"


@pytest.mark.parametrize(
    "twin", [b"[" * 1_000_000, b'{"pages": ' * 100_000, b'{"pages": [' + b"[" * 100_000, b"1" * 9_999]
)
def test_a_twin_of_any_depth_is_refused(twin: bytes) -> None:
    refused = read_twin(twin)
    assert isinstance(refused, Refusal)
    assert refused.reason == "twin_unreadable"


def test_a_twin_of_millions_of_empty_lists_is_refused_before_they_are_made() -> None:
    # each of three bytes becomes 64
    refused = read_twin(b'{"pages": [' + b"[]," * (24 << 20) + b"[]]}", page_count=1)
    assert isinstance(refused, Refusal)
    assert (refused.reason, "bytes" in refused.detail) == ("twin_unreadable", True)
