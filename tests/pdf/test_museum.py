"""The museum of hostile PDFs: each exhibit through `extract` and through rendering, and all of it through one build."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.core.documents import Document, Page, Refusal
from docmatix.pdf.reading import read_document
from docmatix.pdf.rendering import PageImage, render_pages
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Extract, Rendering
from docmatix.storage.page_rows import page_from_row
from tests import museum, pdfs
from tests.fuzz import find_fault
from tests.jobs import extract, make_job, plan
from tests.museum import EXHIBITS, SECRET, Exhibit, tell

MEMORY_MB = 1024
TIMEOUT_S = 3

by_name = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
readable = pytest.mark.parametrize(
    "exhibit", [each for each in EXHIBITS if each.reason is None], ids=lambda exhibit: exhibit.name
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What `extract` makes of the whole museum, by name."""
    job = make_job(
        tmp_path_factory.mktemp("museum"),
        pdfs={exhibit.name: write(exhibit) for exhibit in EXHIBITS},
        extract={"timeout_s": TIMEOUT_S, "memory_mb": MEMORY_MB},
        plan={"documents_per_shard": len(EXHIBITS)},
    )
    plan(job)
    with Sandbox(memory_mb=MEMORY_MB) as sandbox:
        extract(job, sandbox=sandbox)
    job.run.ledger("extract").require_balance("extract")
    return {row["source_uri"].removeprefix("docs/"): row for row in job.run.iterate_rows("extract", 0)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=MEMORY_MB) as box:
        yield box


@cache
def write(exhibit: Exhibit) -> bytes:
    return exhibit.write()


def find(name: str) -> Exhibit:
    return next(exhibit for exhibit in EXHIBITS if exhibit.name == name)


def read_page(rows: dict[str, dict[str, Any]], name: str) -> Page:
    row = rows[name]
    assert row["reason"] is None, (row["reason"], row["detail"])
    return page_from_row(row["pages"][0])


def render(sandbox: Sandbox, exhibit: Exhibit, **settings: Any) -> list[PageImage] | Refusal:
    numbers = [number for number, reason in enumerate(exhibit.page_reasons, 1) if reason is None]
    return sandbox.run(
        render_pages, write(exhibit), numbers, settings=Rendering.model_validate(settings), timeout_s=TIMEOUT_S
    )


# --- one by one -------------------------------------------------------------------------------------------------------


@by_name
def test_an_exhibit_becomes_what_its_label_says(exhibit: Exhibit, rows: dict[str, dict[str, Any]]) -> None:
    row = rows[exhibit.name]
    assert (row["reason"], tuple(page["reason"] for page in row["pages"])) == (exhibit.reason, exhibit.page_reasons)
    assert find_fault(row, min_words=Extract().min_words) is None


@readable
def test_a_picture_of_its_pages_is_bounded_or_refused_by_name(exhibit: Exhibit, sandbox: Sandbox) -> None:
    images = render(sandbox, exhibit)
    if isinstance(images, Refusal):
        assert images.reason == exhibit.rendering, images
        return
    assert exhibit.rendering is None
    assert len(images) == exhibit.page_reasons.count(None)
    assert all(1 <= side <= Rendering().max_side_px for image in images for side in (image.width_px, image.height_px))


def test_the_same_exhibit_has_the_same_bytes_and_none_is_large() -> None:
    for exhibit in EXHIBITS:
        pdf = write(exhibit)
        assert len(pdf) < 16 << 20, exhibit.name
        if len(pdf) < 1 << 16:
            assert pdf == exhibit.write(), exhibit.name


# --- limits -----------------------------------------------------------------------------------------------------------


class MemoryWatch:
    """The most memory that a sandbox's child had in use, and by how much this process grew."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.child_mb = 0

    def __enter__(self) -> MemoryWatch:
        self._before = psutil.Process().memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.own_mb = psutil.Process().memory_info().rss - self._before >> 20

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            try:
                pid = self._sandbox.pid
                if pid:
                    self.child_mb = max(self.child_mb, psutil.Process(pid).memory_info().rss >> 20)
            except psutil.Error:
                continue


SHARED_LIBRARIES_MB = 150
"""What a child has mapped from files, which its limit does not count."""


@pytest.mark.parametrize(("name", "reason"), [("image_bomb.pdf", "timeout"), ("fax_bomb.pdf", "out_of_memory")])
def test_a_picture_of_gigabytes_takes_no_more_than_the_child_may_have_and_nothing_of_the_worker(
    name: str, reason: str
) -> None:
    with Sandbox(memory_mb=512) as box, MemoryWatch(box) as watch:
        images = box.run(render_pages, write(find(name)), [1], settings=Rendering(), timeout_s=TIMEOUT_S)
    assert isinstance(images, Refusal)
    assert images.reason == reason
    assert 0 < watch.child_mb < 512 + SHARED_LIBRARIES_MB
    assert watch.own_mb < 100


def test_text_beyond_the_memory_of_the_child_is_out_of_memory_and_leaves_the_worker_alone() -> None:
    pdf = museum.write_many_words(600_000)
    with Sandbox(memory_mb=512) as box, MemoryWatch(box) as watch:
        outcome = box.run(read_document, pdf, settings=Extract(max_words=10**9), timeout_s=60)
    assert outcome == Refusal("out_of_memory", "needs more than 512 MB")
    assert 0 < watch.child_mb < 512 + SHARED_LIBRARIES_MB
    assert watch.own_mb < 100


def test_pages_are_counted_before_any_is_read(sandbox: Sandbox) -> None:
    began = time.monotonic()
    outcome = sandbox.run(read_document, museum.write_hundred_thousand_pages(), settings=Extract(), timeout_s=60)
    assert outcome == Refusal("too_large", "100000 pages, more than 10000")
    assert time.monotonic() - began < 30


def test_reading_ends_with_the_page_that_has_too_many_words(sandbox: Sandbox) -> None:
    pdf = pdfs.write_pdf(*[" ".join(["word"] * 100)] * 50)
    outcome = sandbox.run(read_document, pdf, settings=Extract(max_words=1000), timeout_s=60)
    assert outcome == Refusal("too_large", "more than 1000 words by page 11")


# --- what is seen -----------------------------------------------------------------------------------------------------

HIDDEN = [
    *("white_text.pdf", "invisible_text.pdf", "transparent_text.pdf", "outside_text.pdf", "clipped_text.pdf"),
    *("layered_text.pdf", "redacted_text.pdf", "pictured_text.pdf", "tiny_text.pdf"),
    *("turned_0.pdf", "turned_90.pdf", "turned_180.pdf", "turned_270.pdf"),
]


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_words_are_not_read_and_those_beside_them_are(name: str, rows: dict[str, dict[str, Any]]) -> None:
    page = read_page(rows, name)
    words = page.text.split()
    assert not set(SECRET.split()) & set(words) - set(_told_by(name))
    assert sorted(words) == sorted(_told_by(name))


def _told_by(name: str) -> list[str]:
    """The words of the visible text of an exhibit: of all texts of the museum, the one it shares most words with."""
    words = Counter(museum_words(find(name)))
    texts = [tell(number).split() for number in range(30, 60)]
    return max(texts, key=lambda text: (words & Counter(text)).total())


def museum_words(exhibit: Exhibit) -> list[str]:
    """Every word that a plain reader finds in a file, seen or not."""
    import pymupdf

    with pymupdf.open(stream=write(exhibit)) as document:
        return str(document[0].get_text()).split()


def test_white_words_on_a_dark_bar_are_read(rows: dict[str, dict[str, Any]]) -> None:
    assert SECRET in " ".join(read_page(rows, "white_on_dark.pdf").text.split())


@pytest.mark.parametrize(("name", "number"), [("recognised_scan.pdf", 40), ("recognised_scan_under.pdf", 41)])
def test_what_was_recognised_in_a_scan_is_read_although_it_is_invisible(
    name: str, number: int, rows: dict[str, dict[str, Any]]
) -> None:
    page = read_page(rows, name)
    assert page.text.split() == tell(number).split()
    assert page.image_share == 1.0


def test_a_page_of_hidden_words_alone_is_hidden(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["only_hidden.pdf"]["detail"] == "no usable page: 1 hidden"
    assert rows["kilometre.pdf"]["detail"] == "no usable page: 1 hidden"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_on_a_turned_and_cropped_page_hold_the_ink_of_their_words(
    rotation: int, rows: dict[str, dict[str, Any]], sandbox: Sandbox
) -> None:
    from PIL import Image

    name = f"turned_{rotation}.pdf"
    page = read_page(rows, name)
    images = render(sandbox, find(name), dpi=144, image_format="png")
    assert not isinstance(images, Refusal)
    with Image.open(io.BytesIO(images[0].data)) as picture:
        ink = [_share_of_ink(picture.convert("L"), word.box) for word in page.words if len(word.text) > 3]
        assert picture.size == ((920, 1000) if rotation in {0, 180} else (1000, 920))
    assert min(ink) > 0.03
    assert max(ink) < 0.7


def _share_of_ink(picture: Any, box: tuple[float, float, float, float]) -> float:
    edges = [round(side * size) for side, size in zip(box, picture.size * 2, strict=True)]
    pixels: bytes = picture.crop(edges).tobytes()
    return sum(pixel < 160 for pixel in pixels) / max(len(pixels), 1)


# --- letters ----------------------------------------------------------------------------------------------------------


def test_hebrew_is_read_in_the_order_in_which_it_is_spoken(rows: dict[str, dict[str, Any]]) -> None:
    assert read_page(rows, "right_to_left.pdf").text == museum.HEBREW


def test_ligatures_are_read_as_their_letters(rows: dict[str, dict[str, Any]]) -> None:
    text = read_page(rows, "ligatures.pdf").text
    assert text == "The first officer flew to the fiord and filled his flask with coffee and a muffin."


def test_letters_without_a_meaning_are_garbled(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["unknown_letters.pdf"]["detail"] == "no usable page: 1 garbled"


# --- twins ------------------------------------------------------------------------------------------------------------


def write_twin(text: str, *, pages: int = 1) -> bytes:
    words = text.split()
    boxes = [[0.1 + 0.1 * (at % 8), 0.1 + 0.05 * (at // 8), 0.08, 0.02] for at in range(len(words))]
    content = {
        "words": {
            "text": words,
            "bbox": boxes,
            "score": [1.0] * len(words),
            "line_pos": [[at // 8, at % 8] for at in range(len(words))],
        },
        "images_bbox": [],
    }
    return json.dumps({"pages": [content] * pages}).encode()


BROKEN_TWINS = {
    "no json": b"{",
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
    "of another file": write_twin("words of a document of three pages", pages=3),
    "huge numbers": write_twin("some words").replace(b"0.08", b"1e999"),
    "not numbers": write_twin("some words").replace(b"0.08", b'"wide"'),
    "a number of a million digits": b'{"pages": ' + b"9" * 1_000_000 + b"}",
}


@pytest.mark.parametrize("kind", BROKEN_TWINS)
def test_a_broken_twin_leaves_the_pdf_to_speak_for_itself(kind: str, sandbox: Sandbox) -> None:
    pdf = pdfs.write_distinct_pdf(3)
    outcome = sandbox.run(read_document, pdf, settings=Extract(), twin=BROKEN_TWINS[kind], timeout_s=TIMEOUT_S)
    assert outcome == read_document(pdf, settings=Extract())


def test_a_twin_cannot_bring_hidden_words_back(sandbox: Sandbox) -> None:
    """The twin of PDFA was read from the same file by a program that sees hidden words too."""
    pdf = museum.write_white_text()
    plain = read_document(pdf, settings=Extract())
    assert isinstance(plain, Document)
    import pymupdf

    with pymupdf.open(stream=pdf) as document:
        found = document[0].get_text("words")
    content = {
        "text": [word[4] for word in found],
        "bbox": [[w[0] / 612, w[1] / 792, (w[2] - w[0]) / 612, (w[3] - w[1]) / 792] for w in found],
        "score": [1.0] * len(found),
        "line_pos": [[w[5] * 100 + w[6], w[7]] for w in found],
    }
    twin = json.dumps({"pages": [{"words": content, "images_bbox": []}]}).encode()
    outcome = sandbox.run(read_document, pdf, settings=Extract(), twin=twin, timeout_s=TIMEOUT_S)
    assert isinstance(outcome, Document)
    assert "password" not in outcome.pages[0].text
    assert outcome.pages[0].text.split() == plain.pages[0].text.split()


# --- all of it in one build -------------------------------------------------------------------------------------------


def write_museum_tar() -> bytes:
    """The whole museum in one tar, under names that lead out of it, with broken twins, links and duplicates, and cut
    off in the middle of its last member."""

    def link(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info

    places = ("../../{}", "/etc/{}", "a/b/{}", "./{}", "{}")
    members: list[tuple[str | tarfile.TarInfo, bytes]] = [
        (places[at % len(places)].format(exhibit.name), write(exhibit)) for at, exhibit in enumerate(EXHIBITS)
    ]
    for kind, twin in BROKEN_TWINS.items():
        stem = f"twins/{kind.replace(' ', '_')}"
        number = 60 + len(members)
        members += [(f"{stem}.pdf", museum.write_page(museum.show(tell(number)))), (f"{stem}.json", twin)]
    members += [
        (link("soft.pdf", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (link("hard.pdf", tarfile.LNKTYPE, "../../etc/passwd"), b""),
        ("again.pdf", museum.write_white_text()),
        ("white_text.pdf", museum.write_page(museum.show(tell(99)))),
        ("cut_off.pdf", bytes(100_000)),
    ]
    return museum.write_tar(members)[:-60_000]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_over_the_whole_museum_is_complete_and_balanced_with_a_reason_for_everything(tmp_path: Path) -> None:
    from docmatix.review.status import read_status
    from docmatix.storage.run import Run
    from tests.builds import Driver, write_config
    from tests.scripted_server import start_scripted_server

    (tmp_path / "museum.tar").write_bytes(write_museum_tar())
    with start_scripted_server() as server:
        config = write_config(
            tmp_path,
            tmp_path,
            server.base_url,
            source={"kind": "webdataset", "paths": [str(tmp_path / "museum.tar")], "use_json": True},
            plan={"documents_per_shard": 16},
            # labels say what the text layer gives
            extract={"timeout_s": TIMEOUT_S, "memory_mb": MEMORY_MB, "tables": False, "ocr": {"kind": "none"}},
            pack={"dpi": 50, "timeout_s": TIMEOUT_S, "memory_mb": MEMORY_MB},
        )
        code, output = Driver(config, tmp_path / "run").finish()
    assert code == 0, output
    status = read_status(Run(tmp_path / "run"))
    assert status["complete"]
    assert status["balanced"]
    ledgers = {(stage["stage"], line["unit"]): line for stage in status["stages"] for line in stage["ledger"]}
    expected = Counter(exhibit.reason for exhibit in EXHIBITS if exhibit.reason)
    expected.update({"not_a_file": 2, "unreadable_archive": 1})
    documents = ledgers["extract", "documents"]
    assert documents["dropped"] == dict(expected)
    assert documents["in"] == len(EXHIBITS) + len(BROKEN_TWINS) + 2 + 2 + 1
    pages = Counter(reason for exhibit in EXHIBITS for reason in exhibit.page_reasons if reason)
    assert ledgers["extract", "pages"]["dropped"] == dict(pages)
    assert ledgers["dedup", "documents"]["dropped"] == {"duplicate": 1}
    rendering = Counter(exhibit.rendering for exhibit in EXHIBITS if exhibit.rendering)
    assert ledgers["pack", "rows"]["dropped"] == dict(rendering)
    assert not list(tmp_path.parent.glob("*.pdf"))
