"""Tars: ranges, twins, damage."""

from __future__ import annotations

import io
import random
import tarfile
import tempfile
from pathlib import Path

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.webdataset import PAIRING_DISTANCE, WebdatasetSource

Members = list[tuple[str, bytes]]


def make_tar(members: Members, *, format: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def from_tars(*paths: str, use_json: bool = False) -> WebdatasetSource:
    return WebdatasetSource(kind="webdataset", paths=paths, use_json=use_json)


def list_tar(content: bytes) -> list[Locator]:
    fsspec.filesystem("memory").pipe("/in/a.tar", content)
    return list(list_documents(from_tars("memory://in/a.tar"), base_dir=Path("/")))


def read_tar(
    locators: list[Locator], *, use_json: bool = True, max_file_bytes: int | None = None
) -> list[SourceDocument | Refusal]:
    source = from_tars("memory://in/a.tar", use_json=use_json)
    return [result for _, result in read_documents(locators, source=source, max_file_bytes=max_file_bytes)]


# --- listing ----------------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=150).map(
    lambda name: name.strip("/") + ".pdf"
)
contents = st.binary(max_size=2000)


@given(
    st.lists(st.tuples(names, contents), min_size=1, max_size=8),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_the_ranges_are_exactly_the_members_bytes(members: Members, format: int) -> None:
    content = make_tar(members, format=format)
    listed = list_tar(content)
    assert [
        (locator.member, content[locator.offset : (locator.offset or 0) + (locator.size or 0)]) for locator in listed
    ] == members
    for (_, expected), result in zip(members, read_tar(listed), strict=True):
        assert result == (SourceDocument(expected) if expected else Refusal("empty", "no bytes"))


def test_a_document_is_named_by_its_tar_and_its_member() -> None:
    (locator,) = list_tar(make_tar([("a/0001.pdf", b"%PDF")]))
    assert locator.source_uri == "memory://in/a.tar!a/0001.pdf"
    assert locator.member == "a/0001.pdf"


def test_directories_are_searched_for_tars(tmp_path: Path) -> None:
    for name in ("x/b.tar", "a.tar"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(make_tar([("1.pdf", b"%PDF")]))
    listed = list_documents(from_tars("in"), base_dir=tmp_path)
    assert [locator.source_uri for locator in listed] == ["in/a.tar!1.pdf", "in/x/b.tar!1.pdf"]


def test_a_tar_of_long_contents_is_listed_without_reading_them(tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as file:
        for i in range(3):
            info = tarfile.TarInfo(f"{i}.pdf")
            info.size = 1 << 40
            file.write(info.tobuf())
            file.seek(1 << 40, io.SEEK_CUR)  # a hole: three terabytes on no disk
        file.write(bytes(1024))
    listed = list(list_documents(from_tars("a.tar"), base_dir=tmp_path))
    assert [(locator.member, locator.size, locator.problem) for locator in listed] == [
        (f"{i}.pdf", 1 << 40, None) for i in range(3)
    ]


@pytest.mark.parametrize(
    "order", [["a.pdf", "a.json", "b.json", "b.pdf"], ["b.pdf", "a.pdf", "a.json", "x.txt", "b.json"]]
)
def test_a_twin_is_found_on_either_side_and_at_a_distance(order: list[str]) -> None:
    listed = list_tar(make_tar([(name, name.encode()) for name in order]))
    assert {(r.pdf, r.twin) for r in read_tar(listed) if isinstance(r, SourceDocument)} == {
        (b"a.pdf", b"a.json"),
        (b"b.pdf", b"b.json"),
    }
    assert [locator.member for locator in listed] == [name for name in order if name.endswith("pdf")]


def test_twins_of_one_name_go_to_their_documents_in_turn_and_both_documents_stay() -> None:
    members = [("a.pdf", b"1"), ("a.json", b"one"), ("a.pdf", b"2"), ("a.json", b"two"), ("a.pdf", b"3")]
    assert read_tar(list_tar(make_tar(members))) == [
        SourceDocument(b"1", b"one"),
        SourceDocument(b"2", b"two"),
        SourceDocument(b"3", None),
    ]


def test_a_twin_belongs_to_its_own_name_and_directory_only() -> None:
    members = [("x/a.pdf", b"1"), ("y/a.json", b"{}"), ("report.v1.pdf", b"2"), ("report.v2.json", b"{}")]
    assert [locator.twin_offset for locator in list_tar(make_tar(members))] == [None, None]


@pytest.mark.parametrize(("distance", "found"), [(PAIRING_DISTANCE, True), (PAIRING_DISTANCE + 1, False)])
@pytest.mark.parametrize("first", ["pdf", "json"])
def test_a_twin_is_waited_for_over_a_bounded_distance(distance: int, found: bool, first: str) -> None:
    between: Members = [(f"{i}.pdf", b"%PDF") for i in range(distance - 1)]
    last = "json" if first == "pdf" else "pdf"
    listed = list_tar(make_tar([(f"a.{first}", b"%PDF"), *between, (f"a.{last}", b"{}")]))
    assert len(listed) == distance
    (locator,) = (locator for locator in listed if locator.member == "a.pdf")
    assert (locator.twin_offset is not None) == found


def test_the_twin_is_read_only_when_asked_for() -> None:
    listed = list_tar(make_tar([("a.pdf", b"%PDF"), ("a.json", b"{}")]))
    assert read_tar(listed, use_json=False) == [SourceDocument(b"%PDF", None)]


def test_links_and_devices_are_counted_and_odd_names_are_only_names() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, kind in (("l.pdf", tarfile.SYMTYPE), ("h.pdf", tarfile.LNKTYPE), ("d.pdf", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        directory = tarfile.TarInfo("x.pdf")
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        for name in ("../../up.pdf", "/absolute.pdf"):
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"%PDF"))
    listed = list_tar(stream.getvalue())
    assert [(locator.member, locator.problem) for locator in listed] == [
        ("l.pdf", "not_a_file"),
        ("h.pdf", "not_a_file"),
        ("d.pdf", "not_a_file"),
        ("../../up.pdf", None),
        ("/absolute.pdf", None),
    ]
    assert [getattr(result, "reason", "read") for result in read_tar(listed)] == ["not_a_file"] * 3 + ["read"] * 2


def test_a_member_name_that_is_not_unicode_can_be_written_down() -> None:
    info = tarfile.TarInfo("caf\udce9.pdf")
    content = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + bytes(1024)
    (locator,) = list_tar(content)
    assert locator.member == r"caf\xe9.pdf"


@pytest.mark.parametrize(("name", "kind"), [("a.tar.gz", "gz"), ("a.tar", "gz"), ("a.tar", "xz"), ("a.tar", "bz2")])
def test_a_compressed_tar_is_a_set_up_error(tmp_path: Path, name: str, kind: str) -> None:
    with tarfile.open(tmp_path / name, f"w:{kind}") as tar:  # type: ignore[call-overload]
        tar.addfile(tarfile.TarInfo("a.pdf"))
    with pytest.raises(SetupError, match=f"{name} is compressed .*decompress"):
        list(list_documents(from_tars(name), base_dir=tmp_path))


def test_tars_without_a_document_are_a_set_up_error(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(make_tar([("a.png", b"")]))
    with pytest.raises(SetupError, match=r"hold no member \*\.pdf"):
        list(list_documents(from_tars("*.tar"), base_dir=tmp_path))


# --- damage -----------------------------------------------------------------------------------------------------------

MEMBERS: Members = [
    (f"{i:04}{'-long' * (30 * (i == 3))}.{kind}", random.Random(f"{i}{kind}").randbytes(300 * i + 1))
    for i in range(6)
    for kind in ("pdf", "json")
]
TAR = make_tar(MEMBERS)
WHOLE = list_tar(TAR)


@given(st.integers(0, len(TAR) - 1))
def test_a_tar_cut_off_anywhere_gives_the_documents_before_and_counts_the_cut(length: int) -> None:
    listed = list_tar(TAR[:length])
    before = [locator for locator in WHOLE if (locator.offset or 0) + (locator.size or 0) <= length]
    documents = [locator for locator in listed if not locator.problem]
    assert [(locator.member, locator.offset) for locator in documents] == [
        (locator.member, locator.offset) for locator in before
    ]
    last = max(locator.twin_offset + locator.twin_size for locator in WHOLE)  # type: ignore[operator]
    marked_end = length >= -(-last // 512) * 512 + 512
    assert [locator.problem for locator in listed if locator.problem] == ([] if marked_end else ["unreadable_archive"])
    assert listed[len(documents) :] == [locator for locator in listed if locator.problem]
    results = read_tar(listed)
    assert [r.pdf for r in results if isinstance(r, SourceDocument)] == [
        r.pdf for r in read_tar(before) if isinstance(r, SourceDocument)
    ]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_bytes_never_raise(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(TAR)
    for position, value in changes:
        damaged[position] = value
    listed = list_tar(bytes(damaged))
    assert sum(locator.problem == "unreadable_archive" for locator in listed) <= 1
    first = min(position for position, _ in changes)
    untouched = [locator.member for locator in WHOLE if (locator.offset or 0) + (locator.size or 0) <= first]
    assert [locator.member for locator in listed[: len(untouched)]] == untouched


@settings(max_examples=100)
@given(st.sampled_from(b"0LKxgSV57"), st.integers(-(1 << 80), 1 << 80), st.binary(max_size=600))
def test_a_hostile_header_neither_raises_nor_reads_gigabytes_nor_runs_for_ever(
    kind: int, size: int, body: bytes
) -> None:
    header = bytearray(tarfile.TarInfo("a.pdf").tobuf())
    header[124:136] = (
        (size + (1 << 88) if size < 0 else size).to_bytes(11, "big").rjust(12, b"\xff" if size < 0 else b"\x80")
    )
    header[156] = kind
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256)
    good = make_tar([("good.pdf", b"%PDF")])[:1024]
    assert list_tar(good + bytes(header) + body)[0].member == "good.pdf"


def test_a_thousand_extended_headers_in_a_row_are_damage() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 4
    listed = list_tar((header.tobuf() + b"name".ljust(512, b"\0")) * 2000)
    assert [locator.problem for locator in listed] == ["unreadable_archive"]


def test_a_second_tar_behind_the_end_of_the_first_is_counted() -> None:
    one = make_tar([("a.pdf", b"%PDF")])
    assert [locator.problem for locator in list_tar(one + one)] == [None, "unreadable_archive"]


def test_a_file_that_is_no_tar_is_counted_and_the_others_are_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        for file, content in (("a.tar", b""), ("b.tar", b"no tar" * 1000), ("c.tar", make_tar([("1.pdf", b"%PDF")]))):
            (Path(name) / file).write_bytes(content)
        listed = list(list_documents(from_tars("*.tar"), base_dir=Path(name)))
        results = [result for _, result in read_documents(listed, source=from_tars("x"))]
    assert [locator.problem for locator in listed] == ["unreadable_archive", "unreadable_archive", None]
    assert [getattr(result, "reason", "read") for result in results] == ["unreadable_archive"] * 2 + ["read"]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_members_that_follow_each_other_share_one_open_file(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(TAR)
    source = from_tars("a.tar", use_json=True)
    results = read_documents(list(list_documents(source, base_dir=tmp_path)), source=source)
    next(results)
    (tmp_path / "a.tar").unlink()
    assert [(r.pdf, r.twin) for _, r in results if isinstance(r, SourceDocument)] == [
        (MEMBERS[i][1], MEMBERS[i + 1][1]) for i in range(2, 12, 2)
    ]


def test_a_tar_that_was_written_anew_is_refused_member_by_member() -> None:
    listed = list_tar(make_tar([("a.pdf", b"1" * 600), ("b.pdf", b"2" * 10), ("c.pdf", b"3" * 10)]))
    fsspec.filesystem("memory").pipe("/in/a.tar", make_tar([("a.pdf", b"1" * 600), ("b.pdf", b"2" * 11)])[:2600])
    assert [getattr(result, "reason", "read") for result in read_tar(listed)] == [
        "read",
        "source_changed",
        "source_changed",
    ]
    fsspec.filesystem("memory").rm("/in/a.tar")
    assert [getattr(result, "reason", "read") for result in read_tar(listed)] == ["missing"] * 3


def test_a_member_or_twin_that_is_too_large_is_left_out() -> None:
    listed = list_tar(make_tar([("a.pdf", b"1" * 30), ("b.pdf", b"2" * 10), ("b.json", b"3" * 30)]))
    assert read_tar(listed, max_file_bytes=20) == [Refusal("too_large", "30 bytes"), SourceDocument(b"2" * 10, None)]
