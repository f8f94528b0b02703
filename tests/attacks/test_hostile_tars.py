"""Tars whose headers are made to stop the plan, or to fill the memory, and honest ones that must not be taken for them.

Before Python 3.11.10 and 3.12.6 a PAX header of 1 MB takes `tarfile` an hour, with the GIL held (CVE-2024-6232).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.webdataset import WebdatasetSource


def make_member(name: str, content: bytes, *, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header with what follows it, as no writer that means well would put it together."""
    header = tarfile.TarInfo(name)
    header.type, header.size = kind, len(content)
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def make_record(keyword: bytes, value: bytes) -> bytes:
    length = rest = len(keyword) + len(value) + 3
    while length != rest + len(str(length)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, keyword, value)


def make_pax(*records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return make_member("././@PaxHeader", b"".join(records), kind=kind)


GOOD = make_member("good.pdf", b"%PDF-good")
EVIL = make_member("evil.pdf", b"%PDF-evil")
END = bytes(2 * tarfile.BLOCKSIZE)


def from_tars(path: str) -> WebdatasetSource:
    return WebdatasetSource(kind="webdataset", paths=(path,), use_json=True)


def list_tar(content: bytes) -> list[Locator]:
    fsspec.filesystem("memory").pipe("/attacks/a.tar", content)
    return list(list_documents(from_tars("memory://attacks/a.tar"), base_dir=Path("/")))


def list_problems(content: bytes) -> list[tuple[str | None, str | None]]:
    return [(locator.member, locator.problem) for locator in list_tar(content)]


# --- time and memory --------------------------------------------------------------------------------------------------

PLAN = """
import resource, sys
from pathlib import Path
from docmatix.sources.webdataset import WebdatasetSource
from docmatix.sources.documents import list_documents
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
source = WebdatasetSource(kind="webdataset", paths=(sys.argv[1],), use_json=False)
print([(locator.member, locator.problem) for locator in list_documents(source, base_dir=Path("/"))])
"""


@pytest.mark.parametrize(
    "pax",
    [
        pytest.param(make_pax(b"1" * 1_000_000), id="digits-and-nothing-else"),
        pytest.param(make_pax(make_record(b"comment", b"1" * 1_000_000)), id="digits-as-a-well-formed-value"),
        pytest.param(make_pax(make_record(b"k", b"1" * 1_000_000), kind=tarfile.XGLTYPE), id="digits-for-all-members"),
        pytest.param(make_pax(make_record(b"k", b"1" * 900_000), kind=tarfile.SOLARIS_XHDTYPE), id="digits-of-solaris"),
        pytest.param(make_pax(b"2 " * 50_000 + b"="), id="records-that-hold-each-other"),
    ],
)
def test_a_pax_header_stops_no_plan_and_fills_no_memory(tmp_path: Path, pax: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(GOOD + pax + EVIL + END)
    # in a process of its own, since the GIL is held: a thread that waits would wait too; it took an hour, or gigabytes
    planned = subprocess.run(
        [sys.executable, "-c", PLAN, str(tmp_path / "a.tar")], capture_output=True, text=True, timeout=60, check=False
    )
    assert planned.stdout.strip() == "[('good.pdf', None), (None, 'unreadable_archive')]", planned.stderr[-500:]


def list_sparse_map(numbers: int) -> bytes:
    """A member of the GNU's sparse format 1.0, whose map stands before its content."""
    pax = make_pax(make_record(b"GNU.sparse.major", b"1"), make_record(b"GNU.sparse.minor", b"0"))
    return pax + make_member("evil.pdf", b"%d\n" % (numbers // 2) + b"1\n" * numbers)


def list_old_sparse_blocks(blocks: int) -> bytes:
    """A member of the GNU's first sparse format, whose header goes on and on."""
    header = bytearray(make_member("evil.pdf", b"", kind=tarfile.GNUTYPE_SPARSE))
    header[482] = 1
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:512]) + 256)
    more = (b"%011o\0" % 1) * 42
    return bytes(header) + (more + b"\1" + bytes(7)) * (blocks - 1) + more + bytes(8)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(make_pax(make_record(b"path", b"evil.pdf")) * 40, id="pax"),
        pytest.param(make_member("././@LongLink", b"evil.pdf", kind=tarfile.GNUTYPE_LONGNAME) * 40, id="long-names"),
        pytest.param(make_member("././@LongLink", b"e", kind=tarfile.GNUTYPE_LONGLINK) * 40, id="long-links"),
        pytest.param(make_pax(b"", kind=tarfile.XGLTYPE) * 40, id="empty-global-ones"),
    ],
)
def test_headers_of_one_member_without_an_end_are_damage(headers: bytes) -> None:
    assert list_problems(GOOD + headers + EVIL + END) == [("good.pdf", None), (None, "unreadable_archive")]


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(list_sparse_map(600_000), id="a-sparse-map-of-format-1.0"),
        pytest.param(list_old_sparse_blocks(3_000), id="a-sparse-map-of-the-first-format"),
        pytest.param(
            make_member("././@LongLink", b"n" * 1_000_000 + b".pdf", kind=tarfile.GNUTYPE_LONGNAME) + EVIL,
            id="a-name-of-a-megabyte",
        ),
        pytest.param(
            make_pax(make_record(b"comment", b"c" * 700_000)) * 2 + EVIL, id="extended-headers-of-more-than-a-megabyte"
        ),
    ],
)
def test_headers_that_hold_more_than_a_member_needs_are_damage(member: bytes) -> None:
    assert list_problems(GOOD + member + END) == [("good.pdf", None), (None, "unreadable_archive")]


def test_a_sparse_map_of_a_size_that_occurs_is_none() -> None:
    for member in (list_sparse_map(2_000), list_old_sparse_blocks(3)):
        assert list_problems(GOOD + member + END) == [("good.pdf", None), ("evil.pdf", "not_a_file")]


def test_what_global_headers_leave_to_every_member_is_bounded() -> None:
    # tarfile copies it for each member: with as many members as keywords the time is quadratic
    one_header = [make_record(b"k%d" % number, b"v") for number in range(4_000)]
    assert list_problems(make_pax(*one_header, kind=tarfile.XGLTYPE) + EVIL * 3 + END) == [(None, "unreadable_archive")]
    many_headers = b"".join(make_pax(record, kind=tarfile.XGLTYPE) + EVIL for record in one_header)
    listed = list_problems(many_headers + END)
    assert listed[-1] == (None, "unreadable_archive")
    assert len(listed) < 3_000


def test_global_headers_that_say_the_same_again_are_none_too_many() -> None:
    said = make_pax(make_record(b"comment", b"c" * 40), kind=tarfile.XGLTYPE)
    assert [problem for _, problem in list_problems((said + GOOD) * 500 + END)] == [None] * 500


@pytest.mark.parametrize(
    "record",
    [
        b"10 path=a\n" + b"99 path=b\n",  # leads beyond the header
        b"3 path=evil.pdf\n",  # ends before its keyword does
        b"17 path=evil.pdf ",  # no line end where the length puts it
        b"-7 path=evil.pdf\n",
        b"0 path=evil.pdf\n",
        b"5 =a\n",
        b"path=evil.pdf\n",
        b"17 path=evil.pdf\n garbage",
    ],
)
def test_records_that_do_not_fit_together_are_damage(record: bytes) -> None:
    assert list_problems(GOOD + make_pax(record) + EVIL + END) == [("good.pdf", None), (None, "unreadable_archive")]


# --- honest tars ------------------------------------------------------------------------------------------------------


def list_unguarded(content: bytes) -> list[tuple[str, int, int]]:
    """What tarfile itself finds, which these tars are harmless to."""
    with tarfile.open(fileobj=io.BytesIO(content), encoding="utf-8") as tar:
        return [(info.name, info.offset_data, info.size) for info in tar]


NAMES = st.text(st.characters(exclude_characters="\0/=", exclude_categories=["Cs"]), min_size=1, max_size=120)
ATTRIBUTES = st.dictionaries(
    st.one_of(
        st.sampled_from(["comment", "SCHILY.xattr.user.origin", "LIBARCHIVE.creationtime", "SCHILY.acl.access"]),
        NAMES.map("VENDOR.{}".format),
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    max_size=4,
)


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=1500), ATTRIBUTES, st.floats(0, 1e12)), min_size=1, max_size=6),
    ATTRIBUTES,
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tarfile_writes_is_found_as_tarfile_finds_it(
    members: list[tuple[str, bytes, dict[str, str], float]], everywhere: dict[str, str], form: int
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, encoding="utf-8", pax_headers=everywhere) as tar:
        for name, content, attributes, when in members:
            info = tarfile.TarInfo(f"{name}.pdf")
            info.size, info.mtime = len(content), when if form == tarfile.PAX_FORMAT else int(when) % (1 << 32)
            info.pax_headers = attributes
            try:
                tar.addfile(info, io.BytesIO(content))
            except ValueError:  # the oldest format takes no long names
                assert form == tarfile.USTAR_FORMAT
    if not (expected := list_unguarded(stream.getvalue())):
        return
    listed = list_tar(stream.getvalue())
    assert [(locator.member, locator.offset, locator.size) for locator in listed] == expected
    assert {locator.problem for locator in listed} == {None}


def test_attributes_of_a_hundred_kilobytes_are_harmless() -> None:
    attribute = bytes(range(256)) * 400
    assert list_problems(make_pax(make_record(b"SCHILY.xattr.user.blob", attribute)) + GOOD + END) == [
        ("good.pdf", None)
    ]


@pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar here")
def test_the_pax_format_of_the_systems_tar_is_read(tmp_path: Path) -> None:
    names = ["a/short.pdf", f"{'long/' * 60}é {'7' * 200}.pdf", f"{'9' * 250}.pdf"]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    made = subprocess.run(
        ["tar", "--format=pax", "-cf", tmp_path / "a.tar", "-C", tmp_path / "in", *names],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this tar does not write the pax format")
    source = from_tars(str(tmp_path / "a.tar"))
    found = list(read_documents(list_documents(source, base_dir=tmp_path), source=source))
    assert [(locator.member, document) for locator, document in found] == [
        (name, SourceDocument(name.encode())) for name in names
    ]
