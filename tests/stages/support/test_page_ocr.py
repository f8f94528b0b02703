"""Pages are read by OCR several at once, each on its own: what becomes of one is no other's business."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Literal

import pymupdf
import pytest

from docmatix.core.documents import Page, Refusal
from docmatix.pdf.ocr.results import unpack_reading
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.sandbox import Sandbox
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.page_ocr import PageOcr
from tests.pdf.ocr.pictures import FakeEngine, draw_prose


def make_page(number: int, *, route: str = "no_layer") -> Page:
    return Page(number, 612, 792, 0, 1.0, "", (), reason="no_text", text_from="none", route_reason=route)


class ScriptedChild:
    """Answers with the number of the page, fails for page 3, and waits at the gate, if there is one."""

    def __init__(self, gate: threading.Barrier | None = None) -> None:
        self.gate = gate
        self.asked: list[dict[str, Any]] = []

    def run(self, function: Any, pdf: bytes, number: int, *, timeout_s: float, **options: Any) -> str | Refusal:
        self.asked.append({"function": function, "timeout_s": timeout_s, **options})
        if self.gate is not None:
            self.gate.wait(60)
        return Refusal("timeout", "too long") if number == 3 else f"page {number}"


def test_a_page_that_fails_fails_alone(tmp_path: Path) -> None:
    with PageOcr(FakeEngine(), slots=CpuSlots(2, folder=tmp_path), make_child=ScriptedChild) as ocr:
        read = [ocr.read(b"pdf", make_page(number)).result() for number in (1, 2, 3, 4)]
    assert read == ["page 1", "page 2", Refusal("timeout", "too long"), "page 4"]


def test_as_many_pages_are_read_at_once_as_there_are_slots(tmp_path: Path) -> None:
    gate = threading.Barrier(3)  # opens only when three are at it together
    with PageOcr(FakeEngine(), slots=CpuSlots(3, folder=tmp_path), make_child=lambda: ScriptedChild(gate)) as ocr:
        pages = [ocr.read(b"pdf", make_page(number)) for number in (1, 2, 4)]
        assert [page.result() for page in pages] == ["page 1", "page 2", "page 4"]


def test_a_child_is_asked_with_the_limits_of_the_engine_and_for_pictures_alone_beside_a_layer(tmp_path: Path) -> None:
    child = ScriptedChild()
    engine = FakeEngine(timeout_s=7)
    with PageOcr(engine, slots=CpuSlots(1, folder=tmp_path), make_child=lambda: child) as ocr:
        ocr.read(b"pdf", make_page(1)).result()
        ocr.read(b"pdf", make_page(2, route="pictures_without_words")).result()
    assert [asked["beside_layer"] for asked in child.asked] == [False, True]
    assert {asked["timeout_s"] for asked in child.asked} == {7}
    assert {asked["function"] for asked in child.asked} == {read_page_picture}


def test_what_is_not_begun_when_the_work_is_given_up_is_never_begun(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str:
            begun.set()
            go_on.wait(60)
            return "read"

    ocr = PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=Slow)
    first, second = ocr.read(b"pdf", make_page(1)), ocr.read(b"pdf", make_page(2))
    assert begun.wait(60)
    closing = threading.Thread(target=ocr.close)
    closing.start()
    while not second.cancelled():
        assert closing.is_alive()
    go_on.set()
    closing.join()
    assert first.result() == "read"


def test_an_error_in_a_child_reaches_who_asked(tmp_path: Path) -> None:
    class Broken:
        def run(self, *_: Any, **options: Any) -> str:
            raise RuntimeError("no child")

    with (
        PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=Broken) as ocr,
        pytest.raises(RuntimeError, match="no child"),
    ):
        ocr.read(b"pdf", make_page(1)).result()


class HangingEngine(FakeEngine):
    """Never done with a page."""

    kind: Literal["hanging"] = "hanging"  # type: ignore[assignment]

    def read(self, picture: Any, *, dpi: int) -> list[Any]:
        while True:
            pass


def test_a_page_at_which_an_engine_hangs_ends_with_its_child_and_the_next_is_read(tmp_path: Path) -> None:
    def start() -> Sandbox:
        return Sandbox(memory_mb=1024, packages=("docmatix", "tests"))

    pdf = write_text_picture()
    with PageOcr(HangingEngine(timeout_s=1), slots=CpuSlots(1, folder=tmp_path), make_child=start) as ocr:
        hung = ocr.wait(ocr.read(pdf, make_page(1)))
        assert ocr.counted["ocr_pages"] == 1
    assert isinstance(hung, Refusal)
    assert hung.reason == "timeout"
    with PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=start) as ocr:
        read = ocr.wait(ocr.read(pdf, make_page(1)))
    assert isinstance(read, str)
    assert unpack_reading(read).words


def write_text_picture() -> bytes:
    """A PDF of one page, which is a picture of prose."""
    picture = draw_prose(100)
    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        pixmap = pymupdf.Pixmap(pymupdf.csGRAY, picture.width, picture.height, picture.tobytes(), 0)
        page.insert_image(page.rect, pixmap=pixmap)
        return bytes(document.tobytes())
