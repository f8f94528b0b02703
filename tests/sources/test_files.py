"""Patterns, names, reading whole files; failures on the way."""

from __future__ import annotations

import http.server
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError, SourceGone
from docmatix.core.redaction import hide_in_url
from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.files import FilesSource
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.remote_files import RangeFile, retry
from docmatix.storage.patience import PATIENCE_S, Patience, choose_pauses

WAITS_S = list(choose_pauses(PATIENCE_S))


def make_files(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%PDF-1.4 " + name.encode())


def from_paths(*paths: str) -> FilesSource:
    return FilesSource(kind="files", paths=paths)


def list_names(base_dir: Path, *paths: str) -> list[str]:
    return [locator.source_uri for locator in list_documents(from_paths(*paths), base_dir=base_dir)]


def read_all(locators: list[Locator], **options: Any) -> list[SourceDocument | Refusal]:
    return [result for _, result in read_documents(locators, source=from_paths("x"), **options)]


def read_bytes(locators: list[Locator], **options: Any) -> list[bytes]:
    results = read_all(locators, **options)
    return [result.pdf for result in results if isinstance(result, SourceDocument)]


def get_reasons(results: list[SourceDocument | Refusal]) -> list[str]:
    return [result.reason if isinstance(result, Refusal) else "read" for result in results]


# --- listing ----------------------------------------------------------------------------------------------------------


def test_a_name_begins_with_the_fixed_directory_and_never_with_its_place(tmp_path: Path) -> None:
    make_files(tmp_path, "samples/invoice.pdf", "samples/2024/letter.pdf")
    expected = ["samples/invoice.pdf"]
    assert list_names(tmp_path, "samples/*.pdf") == expected
    assert list_names(Path("/"), f"{tmp_path}/samples/*.pdf") == expected
    assert list_names(Path("/"), f"file://{tmp_path}/samples/*.pdf") == expected
    assert list_names(tmp_path / "samples", "invoice.pdf") == expected
    assert list_names(tmp_path / "pipelines", "../samples/*.pdf") == expected


def test_a_directory_is_searched_at_any_depth_and_in_any_case(tmp_path: Path) -> None:
    make_files(tmp_path, "in/b.PDF", "in/a/deep/c.Pdf", "in/notes.txt", "in/a.pdf")
    assert list_names(tmp_path, "in") == ["in/a.pdf", "in/a/deep/c.Pdf", "in/b.PDF"]
    assert list_names(tmp_path, "in/") == list_names(tmp_path, "in")


def test_a_file_given_by_name_is_taken_whatever_its_extension(tmp_path: Path) -> None:
    make_files(tmp_path, "in/scan", "in/letter.txt", "in/[1].pdf")
    assert list_names(tmp_path, "in/scan", "in/letter.txt", "in/[1].pdf") == ["in/scan", "in/letter.txt", "in/[1].pdf"]


def test_a_configuration_may_lie_below_a_directory_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    make_files(tmp_path, "[drafts]/in/a.pdf", "d/in/b.pdf")
    assert list_names(tmp_path / "[drafts]", "in/*.pdf", "*/a.pdf") == ["in/a.pdf"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.pdf", ["a.pdf"]),
        ("in/**/*.pdf", ["a.pdf", "x/b.pdf", "x/y/c.pdf", "z/d.pdf"]),
        ("in/**/y/*.pdf", ["x/y/c.pdf"]),
        ("in/x/**/*.pdf", ["x/b.pdf", "x/y/c.pdf"]),
        ("in/[xz]/?.pdf", ["x/b.pdf", "z/d.pdf"]),
        ("in/**", ["a.pdf", "x/b.pdf", "x/y/c.pdf", "z/d.pdf", "z/e.txt"]),
    ],
)
@pytest.mark.parametrize("protocol", ["", "memory://"])
def test_globs_match_as_in_a_shell(tmp_path: Path, pattern: str, expected: list[str], protocol: str) -> None:
    names = [f"in/{name}" for name in ("z/e.txt", "z/d.pdf", "x/y/c.pdf", "x/b.pdf", "a.pdf")]
    make_files(tmp_path, *names)
    memory = fsspec.filesystem("memory")
    for name in names:
        memory.pipe(f"{tmp_path}/{name}", b"%PDF")
    listed = list(list_documents(from_paths(f"{protocol}{tmp_path}/{pattern}"), base_dir=tmp_path))
    assert [locator.address.partition("/in/")[2] for locator in listed] == expected


def test_a_file_that_several_patterns_name_is_listed_once(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf", "in/b.pdf", "in/x/c.pdf")
    patterns = ("in/b.pdf", "in/*.pdf", "in/*.pdf", "in", f"file://{tmp_path}/in/x/c.pdf", "in/b.pdf")
    assert list_names(tmp_path, *patterns) == ["in/b.pdf", "in/a.pdf", "in/x/c.pdf"]


@given(st.permutations(["in/a.pdf", "in/b.pdf", "in/a/c.pdf", "in/a-b/d.pdf", "in/a.b/e.pdf", "in/Z.pdf"]))
def test_the_order_is_that_of_the_paths_however_the_files_came_to_be(names: list[str]) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    for name in names:
        memory.pipe(f"/{name}", b"%PDF")
    listed = list_names(Path("/"), "memory://in")
    assert listed == sorted(f"memory://{name}" for name in names)
    assert listed == list_names(Path("/"), "memory://in/**/*.pdf")


def test_patterns_without_a_file_are_named_before_anything_is_listed(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf")
    for patterns in (["nowhere"], ["in/*.tif"], ["in/a.pdf", "in/b.pdf"], ["in/a.pdf/*"], ["memory://nowhere/*.pdf"]):
        with pytest.raises(SetupError, match=r"No file matches") as caught:
            list_documents(from_paths(*patterns), base_dir=tmp_path)
        assert repr(patterns[-1]) in str(caught.value)
        assert "'in/a.pdf'" not in str(caught.value)


def test_an_unknown_protocol_or_a_missing_package_is_a_set_up_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="carrier-pigeon://"):
        list_documents(from_paths("carrier-pigeon://loft/*.pdf"), base_dir=tmp_path)
    fsspec.register_implementation("unmade", "a_package_nobody_has.Files", errtxt="Install a_package_nobody_has")
    with pytest.raises(SetupError, match="Install a_package_nobody_has"):
        list_documents(from_paths("unmade://loft/*.pdf"), base_dir=tmp_path)


def test_links_are_followed_and_those_that_lead_nowhere_or_back_are_no_trap(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf", "other/b.pdf")
    (tmp_path / "in/elsewhere").symlink_to(tmp_path / "other")
    (tmp_path / "in/back").symlink_to(tmp_path / "in")
    (tmp_path / "in/gone.pdf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in/round.pdf").symlink_to(tmp_path / "in/round.pdf")
    os.mkfifo(tmp_path / "in/pipe.pdf")
    listed = list(list_documents(from_paths("in"), base_dir=tmp_path))
    assert [locator.source_uri for locator in listed] == [
        "in/a.pdf",
        "in/elsewhere/b.pdf",
        "in/gone.pdf",
        "in/round.pdf",
    ]
    assert get_reasons(read_all(listed)) == ["read", "read", "missing", "no_access"]


def test_a_name_that_is_not_unicode_is_counted_and_not_opened(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/in/caf\xe9.pdf")).write_bytes(b"%PDF")
    except OSError:
        pytest.skip("this filesystem has Unicode names only")
    (locator,) = list_documents(from_paths("in"), base_dir=tmp_path)
    assert locator.source_uri == r"in/caf\udce9.pdf"
    assert get_reasons(read_all([locator])) == ["unsafe_name"]


def test_a_new_version_of_a_file_has_another_etag(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf")
    (before,) = list_documents(from_paths("in"), base_dir=tmp_path)
    assert [before] == list(list_documents(from_paths("in/*.pdf"), base_dir=tmp_path))
    (tmp_path / "in/a.pdf").write_bytes(b"longer than it was before")
    (after,) = list_documents(from_paths("in"), base_dir=tmp_path)
    assert before.etag != after.etag
    assert (before.source_uri, before.address) == (after.source_uri, after.address)


def test_a_password_in_a_url_is_not_published() -> None:
    assert hide_in_url("ftp://me:secret@host/in/a.pdf") == "ftp://host/in/a.pdf"
    assert hide_in_url("s3://bucket/a@b.pdf") == "s3://bucket/a@b.pdf"


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["", "memory://"])
def test_documents_come_as_they_are_and_in_order(tmp_path: Path, protocol: str) -> None:
    make_files(tmp_path, "in/a.pdf", "in/b.pdf")
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "in"), f"{tmp_path}/in", recursive=True)
    listed = list(list_documents(from_paths(f"{protocol}{tmp_path}/in/*.pdf"), base_dir=tmp_path))
    results = list(read_documents(reversed(listed), source=from_paths("in")))
    assert [locator for locator, _ in results] == listed[::-1]
    assert [result for _, result in results] == [
        SourceDocument(b"%PDF-1.4 in/b.pdf"),
        SourceDocument(b"%PDF-1.4 in/a.pdf"),
    ]


@pytest.mark.parametrize("protocol", ["", "memory://"])
def test_a_file_that_went_away_or_changed_its_size_is_refused(tmp_path: Path, protocol: str) -> None:
    files = fsspec.filesystem("memory" if protocol else "file", auto_mkdir=True)
    root = f"{tmp_path}/in"
    for name in "abcde":
        files.pipe(f"{root}/{name}.pdf", b"" if name == "e" else b"%PDF-1.4")
    listed = list(list_documents(from_paths(f"{protocol}{root}"), base_dir=tmp_path))
    files.rm(f"{root}/a.pdf")
    files.pipe(f"{root}/b.pdf", b"%PDF-1.4 and more")
    files.pipe(f"{root}/c.pdf", b"")
    assert get_reasons(read_all(listed)) == ["missing", "source_changed", "source_changed", "read", "empty"]


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf")
    (tmp_path / "in/a.pdf").chmod(0)
    if os.access(tmp_path / "in/a.pdf", os.R_OK):
        pytest.skip("this user may read everything")
    (result,) = read_all(list(list_documents(from_paths("in"), base_dir=tmp_path)))
    assert result == Refusal("no_access", "PermissionError: Permission denied")


class FailingFiles(MemoryFileSystem):  # type: ignore[misc]
    """Memory whose next reads raise what `failures` holds."""

    protocol = "failing"
    failures: ClassVar[list[Exception]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix("failing:/"))

    def cat_file(self, *args: Any, **options: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return super().cat_file(*args, **options)


class StrangeError(Exception):
    """As clients of object stores have them: no OSError."""


class NoCredentialsError(Exception):
    """As botocore raises it."""


fsspec.register_implementation("failing", FailingFiles)


def test_a_file_that_is_too_large_is_refused_without_a_look_at_it(tmp_path: Path) -> None:
    make_files(tmp_path, "in/a.pdf")
    listed = list(list_documents(from_paths("in"), base_dir=tmp_path))
    assert read_bytes(listed, max_file_bytes=17) == [b"%PDF-1.4 in/a.pdf"]
    (tmp_path / "in/a.pdf").unlink()
    assert read_all(listed, max_file_bytes=16) == [Refusal("too_large", "17 bytes")]


def test_failures_on_the_way_are_tried_again_with_growing_pauses() -> None:
    fsspec.filesystem("failing").pipe("/in/a.pdf", b"%PDF-1.4")
    FailingFiles.failures[:] = [TimeoutError(), ConnectionResetError(), StrangeError("throttled")]
    pauses: list[float] = []
    listed = list(list_documents(from_paths("failing://in"), base_dir=Path("/")))
    assert read_bytes(listed, sleep=pauses.append) == [b"%PDF-1.4"]
    assert pauses == [0.5, 2, 8]


def test_a_source_that_stays_away_stops_the_build() -> None:
    fsspec.filesystem("failing").pipe("/in/a.pdf", b"%PDF-1.4")
    listed = list(list_documents(from_paths("failing://in"), base_dir=Path("/")))
    FailingFiles.failures[:] = [ConnectionResetError("gone")] * (len(WAITS_S) + 1)
    pauses: list[float] = []
    with pytest.raises(SourceGone, match=r"failing://in/a\.pdf stayed unreachable"):
        read_all(listed, sleep=pauses.append)
    assert not FailingFiles.failures
    assert pauses == WAITS_S
    assert sum(pauses) == PATIENCE_S


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, `/403/a.pdf`; with 200 to a second request after `/503/`."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = int(self.path.split("/")[1])
        self.send_response(200 if status == 503 and self.asked.count(self.path) > 2 else status)
        self.send_header("Content-Length", "8")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"%PDF-1.4")

    do_HEAD = do_GET  # noqa: N815, the name that http.server looks for

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    """The address of a server of `Answers`."""
    Answers.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("size", [8, None])
def test_a_document_that_a_web_server_refuses_is_dropped_alone(web: str, size: int | None) -> None:
    statuses = {401: "no_access", 403: "no_access", 404: "missing", 410: "missing", 451: "no_access", 200: "read"}
    locators = [Locator(f"{status}", f"{web}/{status}/a.pdf", size=size) for status in statuses]
    pauses: list[float] = []
    assert get_reasons(read_all(locators, sleep=pauses.append)) == list(statuses.values())
    assert pauses == []


@pytest.mark.parametrize("size", [8, None])
def test_a_web_server_that_is_out_of_order_for_a_while_is_waited_for(web: str, size: int | None) -> None:
    pauses: list[float] = []
    locator = Locator("a", f"{web}/503/a.pdf", size=size)
    assert read_bytes([locator], sleep=pauses.append) == [b"%PDF-1.4"]
    assert pauses


@pytest.mark.parametrize("size", [8, None])
def test_a_web_server_that_is_away_stops_the_build(web: str, size: int | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        port = unheard.getsockname()[1]
    with pytest.raises(SourceGone, match="stayed unreachable"):
        read_all([Locator("a", f"http://127.0.0.1:{port}/a.pdf", size=size)], sleep=lambda seconds: None)


def test_missing_credentials_are_a_set_up_error() -> None:
    fsspec.filesystem("failing").pipe("/in/a.pdf", b"%PDF-1.4")
    listed = list(list_documents(from_paths("failing://in"), base_dir=Path("/")))
    FailingFiles.failures[:] = [NoCredentialsError("Unable to locate credentials")]
    with pytest.raises(SetupError, match="without credentials"):
        read_all(listed)


class ClientError(Exception):
    """As botocore raises it: what the store said is in `response`."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code, "Message": "..."}}


def say(error: Exception, code: str) -> Exception:
    """An error of s3fs, whose cause is what the store said."""
    error.__cause__ = ClientError(code)
    return error


def test_what_is_wrong_with_the_way_to_every_file_is_not_blamed_on_one() -> None:
    fsspec.filesystem("failing").pipe("/in/a.pdf", b"%PDF-1.4")
    listed = list(list_documents(from_paths("failing://in"), base_dir=Path("/")))
    for failure, error, words in (
        (say(PermissionError("no"), "InvalidAccessKeyId"), SetupError, "refuses these credentials"),
        (say(PermissionError("no"), "SignatureDoesNotMatch"), SetupError, "refuses these credentials"),
        (say(FileNotFoundError("no"), "NoSuchBucket"), SetupError, "there is no such bucket"),
        (say(OSError(22, "no"), "PermanentRedirect"), SetupError, "is in another region"),
        (say(PermissionError("no"), "ExpiredToken"), SourceGone, "have expired"),
    ):
        FailingFiles.failures[:] = [failure]
        pauses: list[float] = []
        with pytest.raises(error, match=words):
            read_all(listed, sleep=pauses.append)
        assert not pauses
        assert not FailingFiles.failures
    for failure, reason in (
        (say(PermissionError("no"), "AccessDenied"), "no_access"),
        (say(FileNotFoundError("no"), "NoSuchKey"), "missing"),
    ):
        FailingFiles.failures[:] = [failure]
        assert get_reasons(read_all(listed)) == [reason]


def test_no_attempt_is_begun_once_patience_has_run_out() -> None:
    times = iter([0.0, PATIENCE_S - 1, PATIENCE_S + 1, PATIENCE_S + 1])
    attempts: list[int] = []

    def fail() -> None:
        attempts.append(1)
        raise ConnectionResetError

    patience = Patience(sleep=lambda seconds: None, clock=lambda: next(times))
    with pytest.raises(SourceGone, match="stayed unreachable for 301 s"):
        retry(fail, about="s3://bucket/a.pdf", patience=patience)
    assert len(attempts) == 2


class ShortFiles(MemoryFileSystem):  # type: ignore[misc]
    """Memory whose next answers are cut to half, in silence."""

    protocol = "short"
    cuts: ClassVar[int] = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix("short:/"))

    def cat_file(self, *args: Any, **options: Any) -> Any:
        data = super().cat_file(*args, **options)
        if ShortFiles.cuts:
            ShortFiles.cuts -= 1
            return data[: len(data) // 2]
        return data


fsspec.register_implementation("short", ShortFiles)


def test_an_answer_that_is_cut_short_is_no_changed_source() -> None:
    files = fsspec.filesystem("short")
    files.pipe("/in/a.pdf", b"%PDF-1.4 in full")
    listed = list(list_documents(from_paths("short://in"), base_dir=Path("/")))
    ShortFiles.cuts = 2
    assert read_bytes(listed, sleep=lambda seconds: None) == [b"%PDF-1.4 in full"]
    assert ShortFiles.cuts == 0
    ShortFiles.cuts = len(WAITS_S) + 1
    with pytest.raises(SourceGone, match="the answer ended at byte 8 of 16"):
        read_all(listed, sleep=lambda seconds: None)
    files.pipe("/in/a.pdf", b"%PDF-1.4")
    assert get_reasons(read_all(listed)) == ["source_changed"]


def test_an_error_about_the_file_itself_is_not_tried_again() -> None:
    fsspec.filesystem("failing").pipe("/in/a.pdf", b"%PDF-1.4")
    listed = list(list_documents(from_paths("failing://in"), base_dir=Path("/")))
    for error, reason in ((PermissionError(13, "no"), "no_access"), (FileNotFoundError(2, "no"), "missing")):
        FailingFiles.failures[:] = [error]
        pauses: list[float] = []
        assert get_reasons(read_all(listed, sleep=pauses.append)) == [reason]
        assert not pauses


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 320), st.integers(0, 320)), max_size=5))
def test_a_range_file_reads_like_the_bytes_it_holds(content: bytes, ranges: list[tuple[int, int]]) -> None:
    fsspec.filesystem("memory").pipe("/ranges.bin", content)
    with RangeFile("memory://ranges.bin", patience=Patience()) as file:
        assert file.size == len(content)
        for start, end in ranges:
            assert file.read_range(start, end) == content[start : max(start, end)]
            file.seek(start)
            assert file.read(end) == content[start : start + end]
        assert file.seek(0, os.SEEK_END) == len(content)


def test_a_proxy_that_is_set_and_not_used_for_a_source_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hush@proxy:3128")
    monkeypatch.setattr("docmatix.sources.documents.find_files", lambda *args, **options: [])
    source = FilesSource(kind="files", paths=("a.pdf", "https://one.invalid/b.pdf", "https://two.invalid/c.pdf"))
    settings: list[dict[str, Any]] = [{}, {"http": {"client_kwargs": {"trust_env": True}}}]
    for conf, expected in zip(settings, (["one.invalid"], []), strict=True):
        monkeypatch.setattr("fsspec.config.conf", conf)
        said: list[str] = []
        list_documents(source, base_dir=Path("/"), say=said.append)
        assert [
            re.findall(r"in HTTPS_PROXY is not used, https://(.*)/b.pdf is read", line)[0] for line in said
        ] == expected
